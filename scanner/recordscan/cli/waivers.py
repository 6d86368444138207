"""`recordscan waivers`: the file of accepted failures, checked, listed, extended and pruned."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from recordscan.errors import ConfigError, OutputError
from recordscan.visible import visible

if TYPE_CHECKING:
    from recordscan.result import Assessment, FindingRecord, ScanResult
    from recordscan.waiver import Waivers

DAYS = 90
"""For how long a new waiver is proposed to hold."""

_waivers_option = click.option(
    "--waivers",
    "waivers_path",
    type=click.Path(path_type=Path, dir_okay=False),
    envvar="RECORDSCAN_WAIVERS",
    show_envvar=True,
    help="The waiver file; else recordscan-waivers.toml in this folder.",
)
_result_option = click.option(
    "--in",
    "result_path",
    metavar="RESULT.json",
    type=click.Path(path_type=Path, dir_okay=False),
    help="A stored result, to say what each waiver covers.",
)


@click.group()
def waivers() -> None:
    """Accept failures for a time, with a reason and names."""


@waivers.command("list")
@_waivers_option
@_result_option
def list_waivers(*, waivers_path: Path | None, result_path: Path | None) -> None:
    """List all waivers with their state: today's, or that on the day of a stored result and what each covers."""
    from recordscan.cli.report import read_result
    from recordscan.waiver import apply_waivers, unwaived

    found = read_waivers(waivers_path)
    result = None if result_path is None else read_result(result_path)
    day = _today() if result is None else date.fromisoformat(result.scan.started[:10])
    assessments = () if result is None else map(unwaived, result.assessments)
    for record in apply_waivers(assessments, found, day)[1]:
        # Without a result nothing can match, so that the state is that of the dates alone.
        waiver = next(waiver for waiver in found.entries if waiver.id == record.id)
        state = found.state(waiver, day) if result is None else record.state
        covers = "" if result is None else f"  covers {record.applied}"
        click.echo(visible(f"{record.id:20} {state:10} until {record.expires}  {record.rule}  {record.owner}{covers}"))
        for note in record.notes:
            click.echo(visible(f"{'':20} not all that it is about: {note}"))
    click.echo(f"{found.number_said} on {day}", err=True)


@waivers.command()
@_waivers_option
@_result_option
@click.option("--strict", is_flag=True, help="Exit 1 as well when a waiver is expired, pending or covers nothing.")
def check(*, waivers_path: Path | None, result_path: Path | None, strict: bool) -> int:
    """See that the file is sound; for CI and pre-commit. Exits 2 with file and line when it is not."""
    found = read_waivers(waivers_path)
    today = _today()
    idle = {} if result_path is None else _idle(found, result_path)
    weak = 0
    for waiver in found.entries:
        state = found.state(waiver, today)
        why = str(state) if state in ("expired", "pending") else idle.get(waiver.id)
        if why is not None:
            weak += 1
            click.echo(visible(f"{found.file}:{waiver.line}: waiver {waiver.id} is {why}"), err=True)
    click.echo(f"{visible(found.file)}: {found.number_said}, {weak} without effect", err=True)
    return 1 if strict and weak else 0


@waivers.command()
@click.argument("fingerprint")
@click.option(
    "--in",
    "result_path",
    required=True,
    metavar="RESULT.json",
    type=click.Path(path_type=Path, dir_okay=False),
    help="The stored result that has it.",
)
def add(*, fingerprint: str, result_path: Path) -> None:
    """Print an entry for one finding or unknown check, to fill in and to append to the file.

    The beginning of its fingerprint is enough. Where this folder has no waiver file yet, the line that begins one is
    printed too: `recordscan waivers add … >> recordscan-waivers.toml`.
    """
    from recordscan.cli.report import read_result
    from recordscan.waiver_file import find_waivers

    assessment, finding = _find(read_result(result_path), fingerprint)
    found = find_waivers(Path.cwd())
    if found is None or not found.stat().st_size:  # the shell makes an empty one before this runs
        click.echo("version = 1\n")
    click.echo(stub(assessment, finding, _today()), nl=False)


@waivers.command()
@_waivers_option
@_result_option
@click.option("--write", is_flag=True, help="Change the file; otherwise it is printed.")
def prune(*, waivers_path: Path | None, result_path: Path | None, write: bool) -> None:
    """Leave out what is expired and, with --in, what covers nothing; all else stays as it is, comments too."""
    from recordscan.files import write_atomically
    from recordscan.result import WaiverState
    from recordscan.waiver_file import pruned

    path = _path(waivers_path)
    found = read_waivers(path)
    dead = {waiver.id for waiver in found.entries if found.state(waiver, _today()) is WaiverState.EXPIRED}
    if result_path is not None:
        dead |= set(_idle(found, result_path))
    text = pruned(path.read_text(encoding="utf-8"), {w.line for w in found.entries if w.id in dead and w.line})
    if not write:
        click.echo(text, nl=False)
    elif dead:
        try:
            write_atomically(path, text)
        except OSError as error:
            raise OutputError(f"{path}: cannot be written: {error.strerror}") from None
    click.echo(
        visible(f"{path}: {len(dead)} of {len(found.entries)} left out: {', '.join(sorted(dead)) or 'none'}"), err=True
    )


def stub(assessment: "Assessment", finding: "FindingRecord | None", today: date) -> str:
    """An entry of the waiver file, with everything that a person must say left empty."""
    import json

    kind = "risk_accepted" if finding is not None else "accept_gap"
    what = finding.message if finding is not None else assessment.detail or ""
    severity = finding.severity if finding is not None else assessment.severity
    fingerprint = finding.fingerprint if finding is not None else assessment.fingerprint
    return f"""\
[[waivers]]
# {visible(what)}
id = ""                        # a name of its own, such as "WV-{today.year}-001"
rule = "{assessment.rule_id}"
match = {{ fingerprint = {json.dumps(fingerprint)} }}
severity_at_most = "{severity}"
kind = "{kind}"
reason = ""                    # why this is acceptable, in a sentence
owner = ""                     # who answers for it
requested_by = ""
approved_by = ""               # somebody else
created = {today.isoformat()}
expires = {(today + timedelta(days=DAYS)).isoformat()}
"""


def read_waivers(path: Path | None, rule_files: tuple[Path, ...] = ()) -> "Waivers":
    """Read the waiver file, named or discovered.

    Raises:
        ConfigError: There is none, or it is not sound.
    """
    from recordscan.plugins import load_rules
    from recordscan.rule import current_ids
    from recordscan.waiver_file import load_waivers

    return load_waivers(_path(path), current_ids(load_rules(rule_files)))


def _path(path: Path | None) -> Path:
    from recordscan.waiver_file import FILE_NAME, find_waivers

    found = path or find_waivers(Path.cwd())
    if found is None:
        raise ConfigError(f"there is no {FILE_NAME} in this folder; name a file with --waivers")
    return found


def _idle(waivers: "Waivers", result_path: Path) -> dict[str, str]:
    """Ids of the waivers that are in force today and cover nothing of a stored result, each with why."""
    from recordscan.cli.report import read_result
    from recordscan.result import WaiverState
    from recordscan.waiver import apply_waivers, unwaived

    in_force = (WaiverState.ACTIVE, WaiverState.EXPIRING)
    assessments = map(unwaived, read_result(result_path).assessments)
    return {
        record.id: f"idle: {'; '.join(record.notes)}"
        if record.matched
        else f"{record.state}: nothing that failed is covered by it"
        for record in apply_waivers(assessments, waivers, _today())[1]
        if record.state is WaiverState.UNMATCHED or (record.state in in_force and not record.applied)
    }


def _find(result: "ScanResult", begin: str) -> "tuple[Assessment, FindingRecord | None]":
    from recordscan.result import Outcome

    found: list[tuple[Assessment, FindingRecord | None]] = [
        (assessment, finding)
        for assessment in result.assessments
        for finding in assessment.findings
        if any(digits.startswith(begin) for digits in (finding.fingerprint, *finding.aliases))
    ]
    found += [
        (assessment, None)
        for assessment in result.assessments
        if assessment.outcome is Outcome.UNKNOWN and assessment.fingerprint.startswith(begin)
    ]
    if not found:
        for assessment in result.assessments:
            if assessment.fingerprint.startswith(begin) and assessment.findings:
                own = ", ".join(
                    f"{finding.fingerprint[:12]} ({finding.message})" for finding in assessment.findings[:5]
                )
                raise ConfigError(
                    f"{begin!r} is the fingerprint of a check; a waiver is for one of its findings: {own}"
                )
    if len(found) != 1:
        how = "no finding and no unknown check has" if not found else f"{len(found)} findings have"
        raise ConfigError(f"{how} a fingerprint that begins with {begin!r}; the JSON and the page show them")
    return found[0]


def _today() -> date:
    return datetime.now(UTC).date()
