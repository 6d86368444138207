"""Workflow commands: annotations that GitHub Actions shows on the run, from what a step prints.

Source: https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands
"""

from collections import defaultdict
from collections.abc import Iterator

from recordscan.result import Outcome, ScanResult
from recordscan.rule import Severity
from recordscan_reports.checks import TOOL, Check, Report, read
from recordscan_reports.plain import shorten
from recordscan_reports.wording import OUTCOME_WORDS, OUTCOMES, REASON_WORDS, count, withheld

PER_LEVEL = 10
"""GitHub shows as many errors, warnings and notices of one step each, and drops the rest."""

LENGTH = 1_000

_LEVELS = {
    Severity.CRITICAL: "error",
    Severity.HIGH: "error",
    Severity.MEDIUM: "warning",
    Severity.LOW: "notice",
    Severity.INFO: "notice",
}


def render(result: ScanResult) -> str:
    """Write one command a line: a notice with the verdict and all counts, then failed checks and gaps by severity."""
    report = read(result)
    gate = report.result.gate
    counts = ", ".join(
        f"{report.result.count(outcome):,} {OUTCOME_WORDS[outcome].lower()}"
        for outcome in OUTCOMES
        if outcome is not Outcome.WAIVED or report.result.count(outcome)
    )
    if (made := withheld(report.result)) is not None:
        counts += f"; {made}"
    commands = defaultdict(
        list, {"notice": [_command("notice", f"{TOOL}: {gate.headline}", f"{counts}; {gate.exit_reason}")]}
    )
    for level, title, message in _annotations(report):
        commands[level].append(_command(level, title, message))
    lines: list[str] = []
    for level in ("notice", "error", "warning"):
        found = commands[level]
        if len(found) > PER_LEVEL:
            more = len(found) - PER_LEVEL + 1
            found = [*found[: PER_LEVEL - 1], _command(level, TOOL, f"{more:,} more; see the other reports")]
        lines += found
    return "".join(f"{line}\n" for line in lines)


def _annotations(report: Report) -> Iterator[tuple[str, str, str]]:
    # Gaps come first, lest they are among those that are dropped.
    for gap in report.result.coverage.gaps:
        grant = f"; grant {gap.permission}" if gap.permission else ""
        told = f"{count(gap.assessments, 'check')} up to {gap.severity} could not be decided: {gap.detail}{grant}"
        yield "warning", f"not checked: {REASON_WORDS[gap.reason]}", told
    for check in report.of(Outcome.FAIL):
        yield _LEVELS[check.severity], _title(check), f"{check.subject.name}: {check.message}"


def _title(check: Check) -> str:
    new = {"new": "new ", "reopened": "reopened "}.get(check.lifecycle or "", "")
    return f"{new}{check.severity} {check.rule.id}"


def _command(level: str, title: str, message: str) -> str:
    """One command; nothing in it can end the line or the property and begin another."""
    data = shorten(message, LENGTH).replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
    name = shorten(title, LENGTH).replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
    return f"::{level} title={name.replace(':', '%3A').replace(',', '%2C')}::{data}"
