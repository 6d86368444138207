"""`recordscan history`: the runs that `recordscan scan --history` has kept."""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from recordscan.visible import visible

if TYPE_CHECKING:
    from recordscan.result import RunRecord

F = TypeVar("F", bound=Callable[..., Any])


def _options(command: F) -> F:
    command = click.option(
        "--last", type=click.IntRange(min=1), default=30, show_default=True, help="Runs to show at most."
    )(command)
    command = click.option(
        "-f", "--format", "format_", type=click.Choice(["text", "json"]), default="text", show_default=True
    )(command)
    return click.argument(
        "folder", metavar="[FOLDER]", type=click.Path(path_type=Path, file_okay=False), envvar="RECORDSCAN_HISTORY"
    )(command)


@click.group()
def history() -> None:
    """Tell what the runs of a history found. FOLDER is that of `scan --history`, or RECORDSCAN_HISTORY."""


@history.command("list")
@_options
def list_(*, folder: Path, format_: str, last: int) -> None:
    """List the runs, of all scopes, the last one at the end."""
    from recordscan.history_file import read_history

    _show(read_history(folder).runs[-last:], format_, _listed)


@history.command(
    epilog="""\b
A line is drawn where two runs cannot be compared: other rules, another version of recordscan, other requirements.
Between such runs numbers may change though nothing in the estate did.
"""
)
@_options
@click.option("--scope", metavar="SHA256", help="Of the runs of this scope, as `history list` shows it; else the last.")
def trend(*, folder: Path, format_: str, last: int, scope: str | None) -> None:
    """Show how failures and coverage went, over the runs of one scope."""
    from recordscan.errors import ConfigError
    from recordscan.history_file import read_history

    found = read_history(folder)
    scopes = {run.scope_sha256 for run in found.runs}
    chosen = [name for name in scopes if name.startswith(scope)] if scope else [r.scope_sha256 for r in found.runs[-1:]]
    if scope and len(chosen) != 1:
        raise ConfigError(f"--scope {scope!r}: {len(chosen)} scopes of the history begin so")
    _show(found.of_scope(chosen[0])[-last:] if chosen else (), format_, _trend)


def _show(runs: "Sequence[RunRecord]", format_: str, table: "Callable[[Sequence[RunRecord]], Iterator[str]]") -> None:
    if format_ == "json":
        click.echo(json.dumps([asdict(run) for run in runs], indent=2))
    elif not runs:
        click.echo("the history has no run yet", err=True)
    else:
        for line in table(runs):
            click.echo(visible(line).rstrip())


def _listed(runs: "Sequence[RunRecord]") -> Iterator[str]:
    from recordscan.result import Outcome

    yield f"{'started':20}  {'verdict':17}  {'fail':>6}  {'unknown':>7}  {'rules':>5}  {'scope':16}  scan"
    for run in runs:
        failed, unknown = (run.outcomes.get(outcome, 0) for outcome in (Outcome.FAIL, Outcome.UNKNOWN))
        yield (
            f"{run.started[:19]}Z  {run.verdict:17}  {failed:>6,}  {unknown:>7,}  {run.rules:>5,}  "
            f"{run.scope_sha256}  {run.scan_id}{'  stopped' if run.interrupted else ''}"
        )


def _trend(runs: "Sequence[RunRecord]") -> Iterator[str]:
    from recordscan.history import incomparable
    from recordscan.rule import Severity

    severities = tuple(reversed(Severity))

    head = "".join(f"{severity:>10}" for severity in severities)
    yield f"{'started':20}{head}{'coverage':>10}{'new':>6}{'first':>7}{'back':>6}{'gone':>6}{'unseen':>8}"
    for before, run in zip((None, *runs), runs, strict=False):
        if before is not None and (why := incomparable(before, run)):
            yield f"---- {why}"
        numbers = "".join(f"{run.failing.get(severity, 0):>10,}" for severity in severities)
        coverage = f"{run.evaluated * 1000 // run.planned / 10:.1f} %" if run.planned else "no data"
        yield (
            f"{run.started[:19]}Z{numbers}{coverage:>10}{run.new:>6,}{run.newly_observed:>7,}{run.reopened:>6,}"
            f"{run.resolved:>6,}{run.not_observed:>8,}"
        )
    yield ""
    yield "new: not there before; first: looked at for the first time; back: resolved before; gone: resolved; unseen:"
    yield "not looked at, or not decided, this time."
