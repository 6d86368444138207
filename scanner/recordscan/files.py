"""Writing files so that nobody ever sees half of one."""

import os
import tempfile
from pathlib import Path

from recordscan.errors import OutputError


def write_atomically(path: Path, content: str | bytes) -> None:
    """Write a file under a temporary name, readable by its owner only, then rename it over the old one.

    A symbolic link stays, and what it leads to is written. A device or pipe is written to, not replaced.

    Raises:
        OutputError: The folder does not exist, is not writable, or the disk is full; the old file is untouched.
    """
    data = content.encode() if isinstance(content, str) else content
    if path.exists() and not path.is_file():
        _write_through(path, data)
        return
    path = path.resolve()
    temporary: Path | None = None
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name[:100]}.")
        temporary = Path(name)
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        temporary.replace(path)
    except OSError as error:
        if temporary is not None:
            temporary.unlink(missing_ok=True)
        raise OutputError(f"{path}: cannot be written: {error.strerror}") from None


def _write_through(path: Path, data: bytes) -> None:
    try:
        with path.open("wb") as stream:
            stream.write(data)
    except OSError as error:
        raise OutputError(f"{path}: cannot be written: {error.strerror}") from None
