"""`recordscan access`: who can do what to a target, and why."""

import io
import json
import os
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from recordscan.cli.options import SCOPE_OPTIONS, Where, config_options, find, given, scope_options
from recordscan.errors import ConfigError
from recordscan.visible import visible

if TYPE_CHECKING:
    from recordscan.estate.target import Target
    from recordscan.result import AbilityRecord, AccessGap, AccessRecord
    from recordscan.snapshot import Snapshot

_NARROWEST = 100
"""Columns of text where stdout is no terminal, or a narrow one."""


@click.command(
    epilog="""\b
Examples:
  recordscan access "production recordings" --snapshot today.jsonl.gz
  recordscan access acme-video/recordings/ --bucket acme-video/recordings/ -f json
"""
)
@click.argument("target", metavar="TARGET")
@config_options
@scope_options
@click.option(
    "--snapshot",
    "snapshot_path",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Read this stored snapshot: no credentials, no network.",
)
@click.option("-f", "--format", "format_", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.option("-q", "--quiet", is_flag=True, help="No progress on stderr.")
def access(
    *,
    target: str,
    config_path: Path | None,
    no_config: bool,
    where: Where,
    snapshot_path: Path | None,
    format_: str,
    quiet: bool,
) -> int:
    """Say who can fetch, decrypt, read, write, delete and list the media of TARGET, and who can change what guards it.

    TARGET is the uid or the name of a target as reports show it, or its bucket as NAME or NAME/PREFIX. Each ability is
    shown with a request that was tried over all policies and with the statement that decides it; "if" means that it
    depends on something that is not known. JSON has one object a line, one for each principal.

    Exits 3 when it cannot be told, with the permission that is missing.
    """
    from recordscan.engine import access_to
    from recordscan.estate.estate import Estate
    from recordscan.result import AccessGap
    from recordscan.snapshot import load_snapshot

    if snapshot_path is None:
        snapshot = _collect(config_path, no_config=no_config, where=where, quiet=quiet)
    elif given(list(SCOPE_OPTIONS)):
        others = ", ".join(SCOPE_OPTIONS.values())
        raise click.UsageError(f"--snapshot reads stored answers; it does not go with {others}")
    else:
        snapshot = load_snapshot(snapshot_path)
    gaps = False
    for found in _find(Estate(snapshot).targets, target):
        told = access_to(found)
        gaps = gaps or isinstance(told, AccessGap)
        lines = _json(told) if format_ == "json" else _text(found.name, told)
        for line in lines:
            click.echo(line)
    if snapshot.interrupted:
        if snapshot_path is None:
            click.echo("recordscan: stopped before everything was asked; what is said above is not all", err=True)
        return 3 if snapshot.past_deadline else 130
    return 3 if gaps else 0


def _collect(config_path: Path | None, *, no_config: bool, where: Where, quiet: bool) -> "Snapshot":
    from recordscan.cli.scan import collect
    from recordscan.config import load_config

    config = load_config(find(config_path, no_config=no_config, quiet=quiet))
    config, _, twilio = where.narrow(config, os.environ.get("TWILIO_ACCOUNT_SID"))
    return collect(config, where.buckets, fail_on="none", quiet=quiet, twilio=twilio)


def _find(targets: "Sequence[Target]", wanted: str) -> "list[Target]":
    """The targets that are meant.

    Raises:
        ConfigError: None is; names those that there are.
    """
    found = [target for target in targets if wanted in (target.uid, target.name)]
    found = found or [target for target in targets if _is_at(target, wanted)]
    if not found:
        known = ", ".join(f"{target.name!r} ({target.uid})" for target in targets) or "none"
        raise ConfigError(f"there is no target {wanted!r}; there are: {known}")
    return found


def _is_at(target: "Target", wanted: str) -> bool:
    from recordscan.facts import Known

    bucket, _, prefix = wanted.removeprefix("s3://").partition("/")
    location = target.location.value if isinstance(target.location, Known) else None
    return (
        location is not None
        and location.bucket == bucket
        and prefix.rstrip("/") in ("", location.key_prefix.rstrip("/"))
    )


def _json(told: "tuple[AccessRecord, ...] | AccessGap") -> Iterator[str]:
    records = told if isinstance(told, tuple) else (told,)
    yield from (json.dumps(asdict(record)) for record in records)


def _text(name: str, told: "tuple[AccessRecord, ...] | AccessGap") -> Iterator[str]:
    if not isinstance(told, tuple):
        yield f"{visible(name)}: who can do what is not known: {visible(told.detail)}"
        if told.permission:
            yield f"  grant {visible(told.permission)} to the identity that scans"
    elif not told:
        yield f"{visible(name)}: media is not written to a bucket"
    else:
        yield _matrix(name, told)
        if any(record.kind == "anonymous" for record in told):
            yield "What anonymous callers can do, everybody else can, too, without signing the request."
        for record in told:
            yield ""
            yield f"{visible(record.principal)} ({visible(record.kind)})"
            for ability in record.abilities:
                yield from _reasons(ability)


def _matrix(name: str, records: "Sequence[AccessRecord]") -> str:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from recordscan.cli.output import wants_color
    from recordscan.estate.reach import ABILITIES

    table = Table(title=Text(f"Who can do what to {visible(name)}"), title_justify="left")
    table.add_column("Principal", overflow="fold")
    for ability in ABILITIES:
        table.add_column(ability.capitalize(), no_wrap=True)
    for record in records:
        cells = [_cell(record.ability(ability)) for ability in ABILITIES]
        table.add_row(Text(visible(record.principal)), *(Text(word, style) for word, style in cells))
    text = io.StringIO()
    width = max(shutil.get_terminal_size().columns, _NARROWEST)
    color = wants_color("auto")
    console = Console(file=text, width=width, force_terminal=color, no_color=not color, highlight=False, emoji=False)
    console.print(table)
    return "\n".join(line.rstrip() for line in text.getvalue().splitlines())


def _cell(ability: "AbilityRecord | None") -> tuple[str, str]:
    if ability is None:
        return "-", "dim"
    return ("yes", "bold") if ability.certain else ("if", "yellow")


def _reasons(ability: "AbilityRecord") -> Iterator[str]:
    requests = ", ".join(f"{request.action} on {request.resource}" for request in ability.witness)
    yield f"  {visible(ability.ability):8} {_cell(ability)[0]:4} {visible(requests)}"
    for words in ability.because:
        yield f"{'':16}{visible(words)}"
    if ability.depends_on:
        yield f"{'':16}depends on {visible(', '.join(ability.depends_on))}"
