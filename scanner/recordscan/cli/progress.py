"""Progress on stderr: a live line on a terminal, else a plain line every ten seconds, or nothing on request."""

import os
import sys
import threading
import time
from types import TracebackType
from typing import Self

import click

from recordscan.observation import Observation, ObservationOutcome

_SECONDS = 10


class Progress:
    """Counts answers as they come; call it with each observation."""

    def __init__(self, *, quiet: bool) -> None:
        self._quiet = quiet
        on_terminal = sys.stderr.isatty() and os.environ.get("TERM") != "dumb"
        self._live = not quiet and on_terminal and not os.environ.get("CI")
        self._lock = threading.Lock()
        self._answers = 0
        self._failed = 0
        self._said = time.monotonic()

    def __enter__(self) -> Self:
        return self

    def __call__(self, observation: Observation) -> None:
        with self._lock:
            self._answers += 1
            self._failed += observation.outcome is ObservationOutcome.FAILED
            now = time.monotonic()
            if self._live:
                click.echo(f"\r\x1b[K{self._line()}", err=True, nl=False)
            elif not self._quiet and now - self._said >= _SECONDS:
                self._said = now
                click.echo(self._line(), err=True)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._live:
            click.echo("\r\x1b[K", err=True, nl=False)
        if not self._quiet and self._answers and error is None:
            click.echo(self._line(), err=True)

    def _line(self) -> str:
        failed = f", {self._failed} could not be read" if self._failed else ""
        return f"collected {self._answers} answers{failed}"
