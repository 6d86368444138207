"""Standard streams that are closed, full, or read by nobody any more."""

import io
import os
import sys
from typing import BinaryIO, TextIO

import click


def open_streams() -> None:
    """Put something in the place of a stdout or stderr that was closed: nobody listens, which is no error."""
    if sys.stdout is None:
        sys.stdout = _open_nowhere()
    if sys.stderr is None:
        sys.stderr = _open_nowhere()


def stdin_bytes() -> BinaryIO:
    """Standard input, which is empty where it was closed."""
    return io.BytesIO() if sys.stdin is None else sys.stdin.buffer


def print_line(text: str, *, err: bool = False) -> None:
    """Print a line for a command whose exit status matters even when the reader of its output has gone."""
    try:
        click.echo(text, err=err)
    except BrokenPipeError:
        if not err:
            give_up_stdout()


def flush_stdout() -> None:
    """Write what is left for stdout; if that fails it was told already, and must not change the exit status."""
    try:
        sys.stdout.flush()
    except OSError:
        give_up_stdout()


def give_up_stdout() -> None:
    """Send what is left for stdout nowhere, so that the interpreter does not stumble over it at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _open_nowhere() -> TextIO:
    return os.fdopen(os.open(os.devnull, os.O_WRONLY), "w", encoding="utf-8")
