"""`recordscan scan`: collect, judge, report, gate."""

import difflib
import hashlib
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from recordscan.cli.options import (
    SCOPE_OPTIONS,
    Sharing,
    Where,
    config_options,
    fail_on_option,
    find,
    framework_option,
    given,
    progress_option,
    quiet_option,
    report_options,
    rule_options,
    rules_option,
    scope_options,
    summary_option,
)
from recordscan.errors import ConfigError, OutputError
from recordscan.scope import TwilioAccountScope
from recordscan.visible import visible

if TYPE_CHECKING:
    from recordscan.cli.output import Output
    from recordscan.collect.collector import Request as CollectRequest
    from recordscan.config import Config
    from recordscan.facts import Json
    from recordscan.observation import Observation
    from recordscan.plugins import Render
    from recordscan.result import ScanResult
    from recordscan.rule import Rule
    from recordscan.snapshot import Snapshot
    from recordscan.waiver import Waivers

STANDARD_OUTPUTS = {"html": "report.html", "json": "result.json"}
_COLLECTING = {"workers": "--max-workers", "max_rate": "--max-rate", "deadline": "--deadline"}
SILENT = 2
"""Times of `-q` after which not even the verdict is said."""
STANDARD_SNAPSHOT = "snapshot.jsonl.gz"


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Rules to run, the others with why they are left out, frameworks that were asked for, notices about old ids."""

    rules: "tuple[Rule, ...]"
    not_selected: "tuple[tuple[Rule, str], ...]"
    frameworks: tuple[str, ...]
    notices: tuple[str, ...] = ()


@click.command(
    epilog="""\b
Examples:
  recordscan scan
  recordscan scan -o html=report.html -o json=result.json --save-snapshot today.jsonl.gz
  recordscan scan --bucket acme-video/recordings/ --fail-on high
  recordscan scan --snapshot today.jsonl.gz
  recordscan scan --framework soc2 --framework hipaa
  recordscan scan --deadline 10m --save-snapshot part.jsonl.gz
  recordscan scan --resume part.jsonl.gz --save-snapshot whole.jsonl.gz
  recordscan scan --redact accounts,names,principals -o html=to-share.html

Every option can be set in the environment, too: RECORDSCAN_SCAN_ and its name, such as RECORDSCAN_SCAN_SCOPE.
"""
)
@config_options
@scope_options
@rule_options
@framework_option
@rules_option
@fail_on_option
@click.option(
    "--snapshot",
    "snapshot_path",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Judge this stored snapshot: no credentials, no network.",
)
@click.option(
    "--save-snapshot",
    "save_path",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Keep all answers in this file, to judge them again later.",
)
@click.option(
    "--waivers",
    "waivers_path",
    type=click.Path(path_type=Path, dir_okay=False),
    envvar="RECORDSCAN_WAIVERS",
    show_envvar=True,
    help="File of accepted failures; else recordscan-waivers.toml in this folder.",
)
@click.option("--no-waivers", is_flag=True, help="Accept no failure.")
@click.option(
    "--baseline",
    "baseline_path",
    type=click.Path(path_type=Path, dir_okay=False),
    envvar="RECORDSCAN_BASELINE",
    show_envvar=True,
    help="A baseline or an earlier result, to tell new findings from old ones.",
)
@click.option(
    "--history",
    "history_path",
    type=click.Path(path_type=Path, file_okay=False),
    envvar="RECORDSCAN_HISTORY",
    show_envvar=True,
    help="Folder of earlier runs: tells since when findings are there, and adds this run.",
)
@click.option("--fail-on-new", is_flag=True, help="Let only findings break the gate that the baseline does not have.")
@click.option(
    "--min-coverage",
    type=click.IntRange(0, 100),
    metavar="PCT",
    help="Percent of the checks at or above --fail-on that must be decided, else exit 3.  [default: 100]",
)
@click.option(
    "--allow-unknown", is_flag=True, help="The same as --min-coverage 0: checks that could not be decided may be many."
)
@click.option("--exit-zero", is_flag=True, help="Exit 0 instead of 1 and 3; errors keep their status.")
@click.option("--no-score", is_flag=True, help="Leave out the share of checks that pass.")
@report_options
@summary_option
@click.option(
    "--output-dir",
    type=click.Path(path_type=Path, file_okay=False),
    envvar="RECORDSCAN_OUTPUT_DIR",
    show_envvar=True,
    help="Write report.html, result.json and, but with --redact or --snapshot, snapshot.jsonl.gz to this folder.",
)
@click.option("--force", is_flag=True, help="Let --output-dir replace what is there.")
@click.option(
    "--resume",
    "resume_path",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Take the answers of this scan over, which was stopped, and ask only for the rest.",
)
@click.option(
    "--max-workers",
    "--workers",
    "workers",
    type=click.IntRange(1, 64),
    help="Requests in flight at most.  [default: 16]",
)
@click.option(
    "--max-rate",
    type=click.FloatRange(0.1, 10_000),
    metavar="N",
    help="Requests a second at most, all services together.",
)
@click.option(
    "--deadline",
    metavar="TIME",
    help="End after this time with what there is: 600, 90s, 10m or 1h; the rest is unknown.",
)
@progress_option
@quiet_option("Nothing but the verdict on stderr; twice, not even that.")
def scan(
    *,
    config_path: Path | None,
    no_config: bool,
    where: Where,
    only: tuple[str, ...],
    skip: tuple[str, ...],
    frameworks: tuple[str, ...],
    rule_files: tuple[Path, ...],
    fail_on: str | None,
    snapshot_path: Path | None,
    save_path: Path | None,
    waivers_path: Path | None,
    no_waivers: bool,
    baseline_path: Path | None,
    history_path: Path | None,
    fail_on_new: bool,
    min_coverage: int | None,
    allow_unknown: bool,
    exit_zero: bool,
    no_score: bool,
    format_: str,
    outputs: tuple[str, ...],
    format_options: tuple[str, ...],
    color: str,
    width: int | None,
    sharing: Sharing,
    summary: str,
    output_dir: Path | None,
    force: bool,
    resume_path: Path | None,
    workers: int | None,
    max_rate: float | None,
    deadline: str | None,
    progress: str,
    quiet: int,
) -> int:
    """Read Twilio and AWS, judge what is there, and report it.

    AWS credentials come from the standard chain. Twilio's come from TWILIO_ACCOUNT_SID with TWILIO_API_KEY and
    TWILIO_API_SECRET (or TWILIO_AUTH_TOKEN), or from the variables that the configuration names.
    """
    from recordscan.cli.diff import read_baseline
    from recordscan.cli.output import (
        parse_outputs,
        require_apart,
        require_format,
        require_writable,
        summary_file,
        tell_idle_options,
        with_options,
        with_width,
    )
    from recordscan.config import load_config, parse_duration, parse_fail_on
    from recordscan.engine import assess_snapshot
    from recordscan.history_file import history_files, open_history
    from recordscan.plugins import load_reports, load_rules
    from recordscan.rule import current_ids
    from recordscan.snapshot import journal_of, load_snapshot, load_unfinished, save_snapshot
    from recordscan.waiver_file import find_waivers, load_waivers

    if no_waivers:
        if given(["waivers_path"]):
            raise click.UsageError("--waivers and --no-waivers exclude each other")
        waivers_path = None
    if allow_unknown and min_coverage is not None:
        raise click.UsageError("--allow-unknown and --min-coverage exclude each other")
    if fail_on_new and baseline_path is None:
        raise click.UsageError("--fail-on-new needs a --baseline to tell what is new")
    if snapshot_path is not None and given([*SCOPE_OPTIONS, "save_path", "resume_path"]):
        others = ", ".join([*SCOPE_OPTIONS.values(), "--save-snapshot", "--resume"])
        raise click.UsageError(f"--snapshot judges stored answers; it does not go with {others}")
    if snapshot_path is not None and given(list(_COLLECTING)):
        raise click.UsageError(f"--snapshot asks nobody; it does not go with {', '.join(_COLLECTING.values())}")
    if deadline is not None:
        try:
            parse_duration(deadline)
        except ConfigError as error:
            raise ConfigError(f"--deadline {error}") from None
    # A replay takes requirements and gate from the snapshot, unless a configuration is named.
    replaying = snapshot_path is not None and config_path is None
    path = None if replaying else find(config_path, no_config=no_config, quiet=quiet > 0)
    config = load_config(path)
    reports = with_width(with_options(load_reports(), format_options), width)
    if format_ != "none":
        require_format(format_, reports)
    # Before other outputs are looked at, which may lie in the folder that this makes.
    standard = () if output_dir is None else standard_outputs(output_dir, force=force)
    files = parse_outputs(outputs, reports)
    written = [(f"-o {file.format}", file.path) for file in files]
    if save_path is not None:
        written.append(("--save-snapshot", save_path))
    if output_dir is not None:
        if snapshot_path is None and save_path is None and not sharing.hashed:
            save_path = output_dir / STANDARD_SNAPSHOT
            written.append(("--output-dir", save_path))
        written += [("--output-dir", file.path) for file in standard]
        files += standard
    for _, file in written:
        require_writable(file)
    if resume_path is not None:
        reports_only = [(name, file) for name, file in written if file != save_path]
        require_apart(reports_only, [("--resume", resume_path)])
    read = {
        "--snapshot": snapshot_path,
        "the configuration": path,
        "--waivers": waivers_path,
        "--baseline": baseline_path,
    }
    kept = () if history_path is None else history_files(history_path)
    require_apart(
        written,
        [*((name, file) for name, file in read.items() if file is not None), *(("--history", file) for file in kept)],
    )
    summary_path = summary_file(summary, reports)
    if not quiet:
        tell_idle_options(format_options, format_, files, summary_path)
    rules = load_rules(rule_files)
    try:
        check_rule_options(rules, config.profile.options)
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from None
    if waivers_path is None and not no_waivers and not replaying:
        waivers_path = find_waivers(Path.cwd())
    waivers = None if waivers_path is None else load_waivers(waivers_path, current_ids(rules))
    baseline = None if baseline_path is None else read_baseline(baseline_path)
    history = None if history_path is None else open_history(history_path)
    selection = select_rules(
        rules,
        (*config.scan.rules, *only),
        (*config.scan.skip_rules, *skip),
        (*config.scan.frameworks, *frameworks),
    )
    untouched: tuple[str, ...] = ()
    if snapshot_path is not None:
        snapshot = load_snapshot(snapshot_path)
    else:
        require_gate(fail_on or config.gate.fail_on, min_coverage)
        config, untouched, twilio = where.narrow(config, os.environ.get("TWILIO_ACCOUNT_SID"))
        asked = {"workers": workers, "max_rate": max_rate, "deadline": deadline}
        changes = {name: value for name, value in asked.items() if value is not None}
        config = config.model_copy(update={"scan": config.scan.model_copy(update=changes)})
        snapshot = collect(
            config,
            where.buckets,
            fail_on=fail_on or config.gate.fail_on,
            quiet=quiet > 0,
            twilio=twilio,
            progress=progress,
            earlier=None if resume_path is None else load_unfinished(resume_path),
            journal=None if save_path is None else journal_of(save_path),
        )
    if save_path is not None:
        save_snapshot(snapshot, save_path)
        journal = journal_of(save_path)
        if journal is not None:
            journal.unlink(missing_ok=True)
        if not quiet:
            click.echo(f"wrote {visible(str(save_path))}", err=True)
    if snapshot_path is not None and not quiet:
        source = "the snapshot; no configuration file is read"
        if path is not None:
            source = f"{visible(str(path))}, and of the snapshot where it says nothing"
        what = "requirements" if fail_on else "requirements and gate"
        click.echo(f"{what} are those of {source}", err=True)
    gate, profile = fail_on or config.gate.fail_on, config.to_profile()
    if snapshot_path is not None:
        own_gate = "fail_on" in config.gate.model_fields_set
        gate = fail_on or (config.gate.fail_on if own_gate else snapshot.header.fail_on)
        try:
            profile = config.to_replay_profile(snapshot.header.profile)
        except ConfigError as error:
            raise ConfigError(f"{path}: {error}") from None
    require_gate(gate, min_coverage)
    least = 0 if allow_unknown else config.gate.min_coverage if min_coverage is None else min_coverage
    result = assess_snapshot(
        snapshot,
        selection.rules,
        fail_on=parse_fail_on(gate),
        profile=profile,
        not_selected=selection.not_selected,
        notices=(
            *config_notices(path),
            *notices(selection.rules, rule_files),
            *dict.fromkeys((*selection.notices, *renamed(config.profile.options, current_ids(rules)))),
            *waiver_notices(waivers),
            *target_notices(untouched),
        ),
        frameworks=selection.frameworks,
        waivers=waivers,
        baseline=baseline,
        history=history,
        only_new=fail_on_new,
        min_coverage=least,
        exit_zero=exit_zero,
        score=not no_score,
    )
    if history_path is not None:  # before anything is left out or hashed for sharing
        remember(result, history_path, quiet=quiet > 0)
    return conclude(
        sharing.of(result),
        format_=format_,
        files=files,
        summary=summary_path,
        reports=reports,
        color=color,
        width=width,
        quiet=quiet,
    )


def require_gate(fail_on: str, min_coverage: int | None) -> None:
    """See that there is a gate where coverage is asked for.

    Raises:
        UsageError: There is none.
    """
    if min_coverage is not None and fail_on == "none":
        raise click.UsageError("--min-coverage needs a gate, and --fail-on none sets none")


def remember(result: "ScanResult", history: Path, *, quiet: bool) -> None:
    """Add a run to a history, and say so.

    Raises:
        OutputError: It cannot be written.
    """
    from recordscan.history_file import add_run

    added = add_run(history, result)
    if not quiet:
        what = "added this run to" if added else "this scan is already in"
        click.echo(f"{what} the history {visible(str(history))}", err=True)


def conclude(
    result: "ScanResult",
    *,
    format_: str,
    files: "Sequence[Output]",
    summary: Path | None,
    reports: "Mapping[str, Render]",
    color: str,
    width: int | None,
    quiet: int,
) -> int:
    """Print and write the reports, say the verdict on stderr, and give the exit status."""
    from recordscan.cli.output import append_summary, print_report, write_outputs
    from recordscan.facts import Reason

    if format_ != "none":
        print_report(result, format_, reports, color=color, width=width)
    write_outputs(result, files, reports, quiet=quiet > 0)
    append_summary(result, summary, reports, quiet=quiet > 0)
    if not quiet:
        for warning in waiver_warnings(result):
            click.echo(visible(warning), err=True)
    crashed = [a.rule_id for a in result.assessments if a.reason is Reason.INTERNAL_ERROR]
    if crashed and quiet < SILENT:
        rules = ", ".join(sorted(set(crashed)))
        said = f"{len(crashed)} checks could not be decided, as their rule raised: {rules}"
        click.echo(visible(f"{said}; run with -v for the tracebacks"), err=True)
    gate = result.gate
    # A stopped scan exits 143 instead, when it was SIGTERM that stopped it.
    status = "" if gate.exit.code == 130 else f" (exit status {gate.exit.code})"
    if quiet < SILENT:
        click.echo(f"recordscan: {gate.headline}: {gate.exit.reason}{status}", err=True)
    return gate.exit.code


def collect(
    config: "Config",
    buckets: Sequence[str],
    *,
    fail_on: str,
    quiet: bool,
    twilio: bool = True,
    progress: str = "auto",
    earlier: "Snapshot | None" = None,
    journal: Path | None = None,
) -> "Snapshot":
    """Collect a snapshot with the credentials of the environment; without those of Twilio if it is not to be read.

    Args:
        config: The configuration.
        buckets: More buckets, from the command line.
        fail_on: Gate, to be stored with the snapshot.
        quiet: No progress.
        earlier: What there is of a scan that is to be resumed.
        journal: Where answers are written to as they come.

    Raises:
        AuthenticationError: Credentials are missing or refused.
        ConfigError: A bucket or an environment variable is wrong.
        SnapshotError: The earlier scan cannot be resumed so.
    """
    from recordscan.cli.progress import Progress
    from recordscan.collect.collector import collect_snapshot

    with Progress(quiet=quiet, mode=progress) as answered:
        request = prepare(config, buckets, fail_on=fail_on, progress=answered, earlier=earlier, twilio=twilio)
        return collect_snapshot(replace(request, journal=journal))


def prepare(
    config: "Config",
    buckets: Sequence[str],
    *,
    fail_on: str,
    progress: "Callable[[Observation], None]",
    earlier: "Snapshot | None" = None,
    twilio: bool = True,
) -> "CollectRequest":
    """Gather credentials, clients and scope for a collection; nothing is sent yet.

    Raises:
        AuthenticationError: Credentials are missing.
        ConfigError: A bucket or an environment variable is wrong.
        SnapshotError: The earlier scan is of another scope, another version, or too old.
    """
    from recordscan.collect.accounts import Member, OrganizationMembers
    from recordscan.collect.collector import Request
    from recordscan.collect.resume import resumed_scope
    from recordscan.collect.session import Clients, Role
    from recordscan.collect.traffic import Traffic
    from recordscan.collect.twilio import open_accounts
    from recordscan.config import parse_duration

    now = datetime.now(UTC)
    without_twilio = bool(buckets or config.scan.buckets or config.scan.scope == "account")
    traffic = Traffic(workers=config.scan.workers, max_rate=config.scan.max_rate)
    readers = (
        open_accounts(config.twilio.accounts, os.environ, optional=without_twilio, traffic=traffic) if twilio else []
    )
    accounts = tuple(TwilioAccountScope(sid=reader.sid, label=reader.label) for reader in readers)
    members = tuple(
        Member(
            id=account.account,
            label=account.label or account.account,
            role=None if account.role_arn is None else Role(arn=account.role_arn, external_id=account.external_id),
            profile=account.profile,
        )
        for account in config.aws.accounts
    )
    organization = config.aws.organization
    scope = config.to_scope(accounts=accounts, buckets=tuple(buckets), now=now)
    deadline = config.scan.deadline
    return Request(
        scope=scope if earlier is None else resumed_scope(earlier, scope, now),
        profile=config.to_profile(),
        fail_on=fail_on,
        clients=Clients(profile=config.aws.profile, region=config.aws.region, workers=config.scan.workers),
        members=members,
        organization=None
        if organization is None
        else OrganizationMembers(
            role_name=organization.role_name,
            external_id=organization.external_id,
            include=tuple(organization.include),
            exclude=tuple(organization.exclude),
        ),
        readers=readers,
        traffic=traffic,
        now=lambda: datetime.now(UTC),
        progress=progress,
        deadline_seconds=None if deadline is None else parse_duration(deadline),
        earlier=earlier,
    )


def select_rules(
    rules: "Sequence[Rule]", only: Sequence[str], skip: Sequence[str], frameworks: Sequence[str] = ()
) -> Selection:
    """Choose rules by id, and by the frameworks that they give evidence for.

    Raises:
        ConfigError: There is no such rule or framework, or no rule is left; suggests the nearest.
    """
    from recordscan.controls import framework_ids
    from recordscan.rule import current_ids

    ids = current_ids(rules)
    for rule_id in (*only, *skip):
        if rule_id not in ids:
            raise ConfigError(_no_such("rule", rule_id, ids))
    old = renamed((*only, *skip), ids)
    only, skip = [ids[name] for name in only], [ids[name] for name in skip]
    if frameworks:
        names = framework_ids(rules)
        for framework in frameworks:
            if framework not in names:
                raise ConfigError(_no_such("framework", framework, names))
    reasons = {}
    for rule in rules:
        if rule.id in skip:
            reasons[rule.id] = "--skip-rule"
        elif frameworks and not any(control.framework in frameworks for control in rule.controls):
            reasons[rule.id] = "--framework"
        elif only and rule.id not in only:
            reasons[rule.id] = "not among --rule"
    chosen = tuple(rule for rule in rules if rule.id not in reasons)
    if not chosen:
        raise ConfigError("no rule is left to run")
    return Selection(
        rules=chosen,
        not_selected=tuple((rule, reasons[rule.id]) for rule in rules if rule.id in reasons),
        frameworks=tuple(dict.fromkeys(frameworks)),
        notices=old,
    )


def renamed(names: Iterable[str], ids: Mapping[str, str]) -> tuple[str, ...]:
    """A sentence for each id that its rule has no more, given every id that rules have or had → the one of now."""
    return tuple(f"the rule {name} is called {ids[name]} now" for name in dict.fromkeys(names) if ids[name] != name)


def _no_such(kind: str, name: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(name, sorted(known), n=1)
    there_are = "see `recordscan rules list`" if kind == "rule" else f"there are: {', '.join(known)}"
    return f"there is no {kind} {name!r}; " + (f"did you mean {close[0]!r}?" if close else there_are)


def check_rule_options(rules: "Sequence[Rule]", options: "Mapping[str, Mapping[str, Json]]") -> None:
    """Refuse options that no rule has.

    Raises:
        ConfigError: There is no such rule or option, or a value is of another type.
    """
    by_id = {name: rule for rule in rules for name in (rule.id, *rule.aliases)}
    for rule_id, values in options.items():
        if rule_id not in by_id:
            hint = "a rule of a file of your own is there when --rules names the file"
            raise ConfigError(f"profile.options: {_no_such('rule', rule_id, by_id)}; {hint}")
        refusal = by_id[rule_id].refusal(values)
        if refusal is not None:
            raise ConfigError(f"profile.options: {refusal}")


def notices(rules: "Sequence[Rule]", files: Sequence[Path] = ()) -> tuple[str, ...]:
    """Sentences about rules that are not recordscan's own, for the report."""
    run = [
        f"rules were taken from the file {file.name} (SHA-256 {hashlib.sha256(file.read_bytes()).hexdigest()})"
        for file in files
    ]
    foreign = sorted(f"{rule.id} ({rule.check.__module__})" for rule in rules if rule.foreign)
    return (*([f"rules added by plugins: {', '.join(foreign)}"] if foreign else []), *run)


def config_notices(path: Path | None) -> tuple[str, ...]:
    """A sentence for the report about the configuration file."""
    if path is None:
        return ()
    return (
        f"requirements were taken from the file {path.name} (SHA-256 {hashlib.sha256(path.read_bytes()).hexdigest()})",
    )


def target_notices(left_out: Sequence[str]) -> tuple[str, ...]:
    """A sentence for the report about targets of the configuration that were not looked at."""
    return (f"targets were left out by --target: {', '.join(left_out)}",) if left_out else ()


def waiver_notices(waivers: "Waivers | None") -> tuple[str, ...]:
    """Sentences for the report about the waiver file."""
    if waivers is None:
        return ()
    return (f"failures were waived by the file {waivers.file} (SHA-256 {waivers.sha256})", *waivers.notices)


def waiver_warnings(result: "ScanResult") -> Iterator[str]:
    """A sentence for each waiver that has ended, is about to end, or has no effect."""
    from recordscan.result import WaiverState

    for waiver in result.waivers:
        about = f"the waiver {waiver.id} of {waiver.rule}"
        match waiver.state:
            case WaiverState.EXPIRED:
                yield f"{about} ended on {waiver.expires}: what it covered counts again"
            case WaiverState.EXPIRING:
                yield f"{about} ends on {waiver.expires}"
            case WaiverState.PENDING:
                yield f"{about} has no effect: nobody has approved it"
            case WaiverState.UNMATCHED:
                yield f"{about} covers nothing that this scan found"
            case WaiverState.ACTIVE:
                pass


def standard_outputs(folder: Path, *, force: bool) -> "tuple[Output, ...]":
    """The reports of `--output-dir`, after making the folder.

    Raises:
        OutputError: The folder cannot be made, or holds such files already and `force` is off.
    """
    from recordscan.cli.output import Output

    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{folder}: cannot be made: {error.strerror}") from None
    taken = [name for name in (*STANDARD_OUTPUTS.values(), STANDARD_SNAPSHOT) if (folder / name).exists()]
    if taken and not force:
        raise OutputError(f"{folder}: already holds {taken[0]}; name another folder, or add --force to replace it")
    return tuple(Output(format=name, path=folder / file) for name, file in STANDARD_OUTPUTS.items())
