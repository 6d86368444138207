"""Progress on stderr: a live line on a terminal, else a plain line every ten seconds, or nothing on request."""

import logging
import os
import sys
import threading
import time
from types import TracebackType
from typing import Self

import click

from recordscan.observation import Observation, ObservationOutcome

_SECONDS = 10

calls = logging.getLogger("recordscan.calls")
"""Tells of each call, how often it was sent and how it ended; for `-vv`."""


class Progress:
    """Counts answers as they come; call it with each observation."""

    def __init__(self, *, quiet: bool, mode: str = "auto") -> None:
        """Choose where to show it: `auto` where somebody seems to look, `always`, or `never`, which `quiet` is too."""
        self._quiet = quiet or mode == "never"
        looking = sys.stderr.isatty() and os.environ.get("TERM") != "dumb" and not os.environ.get("CI")
        self._live = not self._quiet and (looking or mode == "always")
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
            calls.debug(
                "%s of %s%s: %s, sent %d times",
                observation.operation,
                observation.account or "the caller",
                f" in {observation.region}" if observation.region else "",
                observation.outcome if observation.error is None else observation.error.code,
                observation.attempts,
            )
            now = time.monotonic()
            if self._live:
                click.echo(f"\r\x1b[K{self._line()}", err=True, nl=False, color=True)
            elif not self._quiet and now - self._said >= _SECONDS:
                self._said = now
                click.echo(self._line(), err=True)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._live:
            click.echo("\r\x1b[K", err=True, nl=False, color=True)
        if not self._quiet and self._answers and error is None:
            click.echo(self._line(), err=True)

    def _line(self) -> str:
        failed = f", {self._failed} could not be read" if self._failed else ""
        return f"collected {self._answers} answers{failed}"
