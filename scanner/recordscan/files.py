"""Writing files so that nobody ever sees half of one."""

import os
import tempfile
from pathlib import Path

from recordscan.errors import OutputError


def write_atomically(path: Path, content: str | bytes) -> None:
    """Write a file under a temporary name, readable by its owner only, then rename it over the old one.

    Raises:
        OutputError: The folder does not exist, is not writable, or the disk is full; the old file is untouched.
    """
    data = content.encode() if isinstance(content, str) else content
    temporary: str | None = None
    try:
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name[:100]}.")
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        os.replace(temporary, path)
    except OSError as error:
        if temporary is not None and os.path.exists(temporary):
            os.unlink(temporary)
        raise OutputError(f"{path}: cannot be written: {error.strerror}") from None
