"""GitHub-flavoured Markdown: for job summaries, comments on pull requests and wikis.

Every value is escaped, so that none can end a table's cell, become a link or an image, mention anybody or refer to an
issue. The text stays below what GitHub takes as a job summary: beyond that details are left out, which it says.

Source: https://github.github.com/gfm/,
https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands#adding-a-job-summary
"""

import html
import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from recordscan.result import Outcome, ScanResult
from recordscan.rule import Severity
from recordscan_reports.checks import TOOL, Check, Report, marked_control, read
from recordscan_reports.plain import link, one_line, shorten, spell_lines
from recordscan_reports.wording import (
    OUTCOME_WORDS,
    OUTCOMES,
    REASON_WORDS,
    SEVERITIES,
    accepted_gap,
    bottom_line,
    count,
    needs,
    remedy,
    score_sentence,
    sentence,
    unread,
    waiver_summary,
    waivers_by_state,
)

SIZE = 900_000
"""Bytes; GitHub drops a summary of more than 1 MiB as a whole."""

ROWS_SHOWN = 50
ROWS_OF_A_RULE = 10
VALUE_LENGTH = 300

_SPECIAL = re.compile(r"[\\`*_\[\]|~$#]|^[-+=>]")
_HTML = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}

_LINKED = re.compile(r"(?<=[@#])|(?<=\bGH-)(?=\d)|(?=://)|(?<=\bwww)(?=\.)", re.IGNORECASE)
_BREAK = "&#8203;"
"""A zero-width space, as an entity, in what would become a link at GitHub: @name, #123, GH-123, https://, www."""


def render(result: ScanResult) -> str:
    """Write at most `SIZE` bytes."""
    report = read(result)
    parts = [*_head(report)]
    size = sum(len(part.encode()) + 1 for part in parts)
    left_out = 0
    for part in _details(report):
        length = len(part.encode()) + 1
        if size + length > SIZE - 200:
            left_out += 1
            continue
        parts.append(part)
        size += length
    if left_out:
        parts.append(
            f"*{count(left_out, 'section')} left out, as this text has a limit; the other reports have all.*\n"
        )
    return "\n".join(parts)


def escaped(text: str, limit: int = VALUE_LENGTH) -> str:
    """A value as Markdown that shows it literally, in one line of at most four times `limit` bytes."""
    text = one_line(spell_lines(text))
    whole = _escape(shorten(text, limit))
    return whole if len(whole.encode()) <= 4 * limit else _escape(shorten(text, limit // 8))


def _escape(text: str) -> str:
    text = _LINKED.sub("\x00", text)
    text = _SPECIAL.sub(r"\\\g<0>", text)
    return "".join(_HTML.get(char, char) for char in text).replace("\x00", _BREAK)


def _head(report: Report) -> Iterator[str]:
    result = report.result
    scan, gate, coverage = result.scan, result.gate, result.coverage
    yield f"## {TOOL}: {escaped(gate.headline)}\n"
    yield f"{escaped(' '.join(bottom_line(result)), 2_000)} The verdict rests on this: {escaped(gate.exit_reason)}.\n"
    yield from _counts(report)
    yield f"Coverage: {coverage.evaluated:,} of {count(coverage.planned, 'applicable check')} decided.\n"
    if result.score is not None:
        yield f"{escaped(score_sentence(result.score))}\n"
    yield from _gaps(report)
    yield from _failures(report)
    yield from _waived(report)
    yield (
        f"<sub>{TOOL} {escaped(scan.tool_version)}, scan {escaped(scan.scan_id)}, {escaped(scan.started)} to "
        f"{escaped(scan.ended)}</sub>\n"
    )


def _counts(report: Report) -> Iterator[str]:
    rows = []
    for outcome in OUTCOMES:
        numbers = [*(report.result.count(outcome, severity) for severity in SEVERITIES), report.result.count(outcome)]
        if numbers[-1] or outcome is not Outcome.WAIVED:
            rows.append([OUTCOME_WORDS[outcome], *(f"{number:,}" for number in numbers)])
    yield _table(["", *SEVERITIES, "total"], rows, numbers=True)


def _gaps(report: Report) -> Iterator[str]:
    coverage, lost = report.result.coverage, unread(report.result)
    if not coverage.gaps and not coverage.not_selected and not lost:
        return
    yield "### Not checked\n"
    rows = [
        [
            f"{gap.assessments:,}",
            gap.severity,
            escaped(REASON_WORDS[gap.reason]),
            escaped(gap.detail),
            escaped(gap.permission or remedy(gap)),
        ]
        for gap in coverage.gaps
    ]
    if rows:
        yield _capped(["checks", "up to", "why", "what", "grant"], rows)
    accepted = [escaped(sentence(told)) for gap in coverage.gaps for told in accepted_gap(report.result, gap)]
    if accepted:
        yield "Accepted gaps, which the gate does not count:\n"
        yield _bullets(accepted)
    if lost:
        calls = sorted({f"{item.operation} ({needs(item) or 'no grant helps'})" for item in lost})
        yield f"{count(len(lost), 'answer')} that no check rests on could not be read: {_listed(calls)}.\n"
    if coverage.not_selected:
        rules = _listed(sorted(coverage.not_selected))
        yield f"{count(len(coverage.not_selected), 'rule was', 'rules were')} left out on request: {rules}.\n"


def _failures(report: Report) -> Iterator[str]:
    failed = report.of(Outcome.FAIL)
    if failed:
        yield "### Failed checks\n"
        rows = [
            [check.severity, escaped(check.rule.id), escaped(check.subject.name), _new(check) + escaped(check.message)]
            for check in failed
        ]
        yield _capped(["severity", "rule", "subject", "what is wrong"], rows)


def _waived(report: Report) -> Iterator[str]:
    waived = report.of(Outcome.WAIVED)
    if waived:
        yield "### Waived checks\n"
        yield _capped(
            ["severity", "rule", "subject", "what is wrong", "accepted"],
            [
                [
                    check.severity,
                    escaped(check.rule.id),
                    escaped(check.subject.name),
                    escaped(check.message),
                    escaped(check.waiver_sentence),
                ]
                for check in waived
            ],
        )
    if report.result.waivers:
        yield "### Waivers\n"
        yield _capped(
            ["state", "rule", "covers", "waiver"],
            [
                [waiver.state, escaped(waiver.rule), f"{waiver.applied:,}", escaped(sentence(waiver_summary(waiver)))]
                for waiver in waivers_by_state(report.result)
            ],
        )


def _details(report: Report) -> Iterator[str]:
    """A folded section for each rule that fails or is unknown."""
    open_ = report.of(Outcome.FAIL, Outcome.UNKNOWN)
    worst: dict[str, Severity] = {}
    for check in open_:
        worst.setdefault(check.rule.id, check.severity)  # in order, so the first is the worst
    places = {rule_id: place for place, rule_id in enumerate(worst)}
    ordered = sorted(open_, key=lambda check: places[check.rule.id])
    for rule_id, group in groupby(ordered, key=lambda check: check.rule.id):
        yield _section([*group], worst[rule_id])


def _new(check: Check) -> str:
    return {"new": "New: ", "reopened": "Back again: "}.get(check.lifecycle or "", "")


def _section(checks: Sequence[Check], worst: Severity) -> str:
    rule = checks[0].rule
    # Within HTML a backslash escapes nothing, and nothing needs it.
    summary = _LINKED.sub(_BREAK, html.escape(shorten(f"{worst}: {rule.title}", VALUE_LENGTH)))
    lines = [
        f"<details><summary>{summary} ({len(checks):,})</summary>\n",
        f"Rule {escaped(rule.id)}. {escaped(_prose(rule.rationale), 1_000)}\n",
        *(_item(check) for check in checks[:ROWS_OF_A_RULE]),
        *([f"- and {len(checks) - ROWS_OF_A_RULE:,} more"] if len(checks) > ROWS_OF_A_RULE else []),
        f"\nWhat to do: {escaped(_prose(rule.remediation), 1_000)}\n",
    ]
    if rule.controls:
        lines.append(f"Controls: {_listed([marked_control(control) for control in rule.controls])}\n")
    links = [address for address in map(link, rule.references) if address]
    if links:
        lines.append(f"See {', '.join(f'<{address}>' for address in links)}\n")
    return "\n".join([*lines, "</details>\n"])


def _prose(text: str) -> str:
    """Markdown without its marks, as it is shown in one line."""
    return text.replace("`", "").replace("**", "")


def _item(check: Check) -> str:
    head = (
        f"- {OUTCOME_WORDS[check.outcome]}, {check.severity}, {escaped(check.subject.name)}: {escaped(check.message)}"
    )
    told = {"expected": check.expected, "observed": check.observed, "grant": check.assessment.permission}
    parts = [f"{name} {escaped(value)}" for name, value in told.items() if value]
    resources = f"resources {_listed(check.resources)}" if check.findings else None
    return "; ".join(filter(None, (head, *parts, resources)))


def _listed(items: Sequence[str], limit: int = 20) -> str:
    shown = ", ".join(escaped(item, 120) for item in items[:limit])
    return f"{shown} and {len(items) - limit:,} more" if len(items) > limit else shown


def _bullets(lines: Sequence[str]) -> str:
    more = [f"{len(lines) - ROWS_SHOWN:,} more are not shown here."] if len(lines) > ROWS_SHOWN else []
    return "".join(f"- {line}\n" for line in [*lines[:ROWS_SHOWN], *more])


def _capped(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    more = f"\n{len(rows) - ROWS_SHOWN:,} more are not shown here.\n" if len(rows) > ROWS_SHOWN else ""
    return _table(head, rows[:ROWS_SHOWN]) + more


def _table(head: Sequence[str], rows: Iterable[Sequence[str]], *, numbers: bool = False) -> str:
    marks = ["---", *(["---:" if numbers else "---"] * (len(head) - 1))]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in (head, marks, *rows))
