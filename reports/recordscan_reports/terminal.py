"""The report for terminals and logs: what fails, what is not known and what to do, in plain text."""

import textwrap
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from recordscan.result import AccessRecord, Assessment, ControlStatus, FindingRecord, Gap, Outcome, ScanResult, Verdict
from recordscan.visible import visible
from recordscan_reports.wording import (
    CONTROL_WORDS,
    MAPPING_REVIEW,
    OUTCOME_WORDS,
    OUTCOMES,
    REASON_WORDS,
    SEVERITIES,
    accepted_gap,
    age_of,
    count,
    failures_by_severity,
    listing,
    needs,
    remedy,
    score_sentence,
    sentence,
    since_baseline,
    target_names,
    unread,
    waiver_summary,
    waivers_by_state,
    withheld,
)

if TYPE_CHECKING:
    from rich.console import Console

WIDTH = 100
LEAST_WIDTH = 40
RESOURCES_SHOWN = 5
RULES_SHOWN = 5
RESOLVED_SHOWN = 20

SHAPES = {
    Outcome.FAIL: "x",
    Outcome.UNKNOWN: "?",
    Outcome.WAIVED: "~",
    Outcome.PASS: "+",
    Outcome.NOT_APPLICABLE: "-",
}

_STYLES = {
    Outcome.FAIL: "red",
    Outcome.UNKNOWN: "yellow",
    Outcome.WAIVED: "magenta",
    Outcome.PASS: "green",
    Outcome.NOT_APPLICABLE: "dim",
}

_VERDICT_STYLES = {
    Verdict.PASS: "bold green",
    Verdict.FAIL: "bold red",
    Verdict.FAIL_INCOMPLETE: "bold red",
    Verdict.INCOMPLETE: "bold yellow",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """A piece of a line, and the style that a terminal with colours may give it."""

    text: str
    style: str = ""

    @property
    def shown(self) -> str:
        """The text, with nothing in it that a terminal would obey."""
        return visible(self.text)


Line: TypeAlias = tuple[Text, ...]

_width = ContextVar("_width", default=WIDTH)
"""Characters to a line of the report that is being written."""


def render(result: ScanResult, *, width: int = WIDTH) -> str:
    """Write the report without colours or escape sequences, in lines of `width` characters where words allow it."""
    with _lines_of(width):
        return "".join("".join(piece.shown for piece in line).rstrip() + "\n" for line in _lines(result))


def render_rich(result: ScanResult, console: "Console", *, width: int = WIDTH) -> None:
    """Print the report, coloured as far as the console does colours; the words are those of `render`."""
    from rich.text import Text as RichText

    with _lines_of(width):
        for line in _lines(result):
            text = RichText.assemble(*((piece.shown, piece.style) for piece in line))
            console.print(text, soft_wrap=True, highlight=False)


@contextmanager
def _lines_of(width: int) -> Iterator[None]:
    token = _width.set(max(width, LEAST_WIDTH))
    try:
        yield
    finally:
        _width.reset(token)


def _lines(result: ScanResult) -> Iterator[Line]:
    scan = result.scan
    yield _line(f"recordscan {scan.tool_version}  scan {scan.scan_id}  {scan.started} to {scan.ended}", "dim")
    yield ()
    yield (_verdict(result), Text(text=f"  {result.gate.exit_reason}"))
    if (made := withheld(result)) is not None:
        yield from _wrapped(made, first="")
    yield from _counts(result)
    yield from _gaps(result)
    yield from _since(result)
    yield from _failures(result)
    yield from _unknowns(result)
    yield from _waivers(result)
    yield from _access(result)
    yield from _controls(result)
    yield from _population(result)
    yield from _notices(result)
    yield ()
    yield (_verdict(result), Text(text=f"  {_summary(result)}"))


def _counts(result: ScanResult) -> Iterator[Line]:
    yield from _heading("Results")
    head = "".join(f"{severity:>10}" for severity in SEVERITIES)
    yield _line(f"{'':18}{head}{'total':>10}", "dim")
    for outcome in OUTCOMES:
        if outcome is Outcome.WAIVED and not result.count(outcome):
            continue
        numbers = [*(result.count(outcome, severity) for severity in SEVERITIES), result.count(outcome)]
        word = f"{SHAPES[outcome]} {OUTCOME_WORDS[outcome].upper()}"
        yield (
            Text(text=f"{word:18}", style=_STYLES[outcome]),
            Text(text="".join(f"{number:>10,}" for number in numbers), style="" if numbers[-1] else "dim"),
        )
    if result.score is not None:
        yield from _wrapped(score_sentence(result.score), first="  ")


def _gaps(result: ScanResult) -> Iterator[Line]:
    coverage, lost = result.coverage, unread(result)
    if not coverage.gaps and not coverage.not_selected and not lost:
        return
    yield from _heading("Not checked")
    for gap in coverage.gaps:
        yield (
            Text(text=f"{SHAPES[Outcome.UNKNOWN]} {count(gap.assessments, 'check')}", style=_STYLES[Outcome.UNKNOWN]),
            Text(text=f", up to {gap.severity}: {REASON_WORDS[gap.reason]}"),
        )
        yield from _wrapped(gap.detail)
        if gap.operations:
            yield from _field("calls", ", ".join(gap.operations))
        yield from _field("grant", gap.permission or remedy(gap))
        for accepted in accepted_gap(result, gap):
            yield from _field("but", accepted)
    if lost:
        yield _line(f"{SHAPES[Outcome.UNKNOWN]} {count(len(lost), 'answer')} that no check rests on could not be read")
        for operation in sorted({evidence.operation for evidence in lost}):
            grants = sorted({needs(e) or "no grant helps" for e in lost if e.operation == operation})
            yield from _field("call", f"{operation}; grant: {', '.join(grants)}")
    for why in sorted(set(coverage.not_selected.values())):
        rules = sorted(rule_id for rule_id, because in coverage.not_selected.items() if because == why)
        named = f": {', '.join(rules)}" if len(rules) <= RULES_SHOWN else ""
        yield from _wrapped(
            f"{count(len(rules), 'rule was', 'rules were')} left out ({why}){named}",
            first=f"{SHAPES[Outcome.NOT_APPLICABLE]} ",
        )


def _since(result: ScanResult) -> Iterator[Line]:
    sentence_ = since_baseline(result)
    if sentence_ is None or result.baseline is None:
        return
    yield from _heading("Since the baseline" if not result.trend else "Since the last run")
    yield from _wrapped(sentence_, first="")
    for entry in result.baseline.resolved[:RESOLVED_SHOWN]:
        yield from _field("resolved", f"{entry.rule_id}: {entry.message}")
    if len(result.baseline.resolved) > RESOLVED_SHOWN:
        yield from _field("", f"and {len(result.baseline.resolved) - RESOLVED_SHOWN} more")


def _failures(result: ScanResult) -> Iterator[Line]:
    failed = [a for a in result.assessments if a.outcome is Outcome.FAIL]
    pairs = [(a, finding) for a in failed for finding in a.findings if finding.waiver is None]
    if not pairs:
        return
    yield from _heading("Failing")
    for number, (assessment, finding) in enumerate(sorted(pairs, key=lambda pair: -pair[1].severity.rank)):
        if number:
            yield ()
        yield from _finding(result, assessment, finding)


def _finding(result: ScanResult, assessment: Assessment, finding: FindingRecord) -> Iterator[Line]:
    yield (
        Text(text=f"{SHAPES[Outcome.FAIL]} FAIL", style="bold red"),
        Text(text=f"  {finding.severity.upper()}  ", style="bold"),
        Text(text=assessment.rule_id, style="cyan"),
        Text(text=f"  {assessment.subject.name}"),
        Text(text=f"  ({age})" if (age := age_of(finding)) else "", style="bold" if age == "new" else "dim"),
    )
    yield from _wrapped(sentence(finding.message))
    if finding.expected is not None:
        yield from _field("expected", finding.expected)
    if finding.observed is not None:
        yield from _field("observed", finding.observed)
    for resource in finding.resources[:RESOURCES_SHOWN]:
        yield from _field("resource", resource)
    if len(finding.resources) > RESOURCES_SHOWN:
        yield from _field("", f"and {len(finding.resources) - RESOURCES_SHOWN} more")
    yield from _field("fix", _first_paragraph(result.rule(assessment.rule_id).remediation))
    if assessment.remedy is not None and assessment.remedy.steps:
        yield from _field("commands", f"recordscan remedy RESULT.json --rule {assessment.rule_id}")
    yield from _field("evidence", f"recordscan explain {assessment.fingerprint[:12]} --in RESULT.json")


def _unknowns(result: ScanResult) -> Iterator[Line]:
    unknown = [a for a in result.assessments if a.outcome is Outcome.UNKNOWN]
    if not unknown:
        return
    yield from _heading("Unknown")
    for gap in result.coverage.gaps:
        grouped = [a for a in unknown if _belongs(a, gap)]
        yield from _wrapped(gap.detail, first="")
        for assessment in sorted(grouped, key=lambda a: -a.severity.rank):
            yield (
                Text(text=f"  {SHAPES[Outcome.UNKNOWN]} UNKNOWN", style=_STYLES[Outcome.UNKNOWN]),
                Text(text=f"  {assessment.severity.upper():8}  "),
                Text(text=assessment.rule_id, style="cyan"),
                Text(text=f"  {assessment.subject.name}"),
            )


def _waivers(result: ScanResult) -> Iterator[Line]:
    if not result.waivers:
        return
    yield from _heading("Waivers")
    for waiver in waivers_by_state(result):
        covers = count(waiver.applied, "finding") if waiver.kind != "accept_gap" else count(waiver.applied, "gap")
        yield (
            Text(text=f"{SHAPES[Outcome.WAIVED]} {waiver.state.upper()}", style=_STYLES[Outcome.WAIVED]),
            Text(text=f"  {waiver.id}  ", style="bold"),
            Text(text=waiver.rule, style="cyan"),
            Text(text=f"  covers {covers}"),
        )
        yield from _wrapped(sentence(waiver_summary(waiver)))
        for note in waiver.notes:
            yield from _field("but", note)


def _belongs(assessment: Assessment, gap: Gap) -> bool:
    return (assessment.reason, assessment.detail or "", assessment.permission) == (
        gap.reason,
        gap.detail,
        gap.permission,
    )


def _access(result: ScanResult) -> Iterator[Line]:
    """One line per target: how many can read, and how many can change what guards it."""
    if not result.access and not result.access_gaps:
        return
    yield from _heading("Who can do what")
    names = target_names(result)
    for target in dict.fromkeys(record.target for record in result.access):
        records = [record for record in result.access if record.target == target]
        parts = [_able(records, "read", "can read"), _able(records, "change", "can change what guards it")]
        yield from _wrapped(f"{names.get(target, target)}: {'; '.join(parts)}", first="  ")
    for gap in result.access_gaps:
        grant = f"; grant {gap.permission}" if gap.permission else ""
        yield from _wrapped(f"{names.get(gap.target, gap.target)}: not known: {gap.detail}{grant}", first="? ")


def _able(records: Sequence[AccessRecord], ability: str, words: str) -> str:
    """Such as `3 principals can read, 1 more under conditions`."""
    found = [able for record in records if (able := record.ability(ability)) is not None]
    surely = sum(able.certain for able in found)
    more = f", {len(found) - surely:,} more under conditions" if surely < len(found) else ""
    return f"{count(surely, 'principal')} {words}{more}"


def _controls(result: ScanResult) -> Iterator[Line]:
    """One line per framework: how many of its controls have each status."""
    if not result.frameworks:
        return
    yield from _heading("Controls")
    columns = [
        status
        for status in CONTROL_WORDS
        if status is not ControlStatus.WAIVED or any(framework.count(status) for framework in result.frameworks)
    ]
    widths = [len(CONTROL_WORDS[status]) + 3 for status in columns]
    head = "".join(f"{CONTROL_WORDS[status].lower():>{width}}" for status, width in zip(columns, widths, strict=True))
    yield _line(f"{'':26}{head}", "dim")
    for framework in result.frameworks:
        counts = zip(map(framework.count, columns), widths, strict=True)
        yield _line(f"  {framework.name:24}" + "".join(f"{number:>{width},}" for number, width in counts))
    if any(mapping.mark != "official" for f in result.frameworks for c in f.controls for mapping in c.mappings):
        yield from _wrapped(MAPPING_REVIEW, first="  ")


def _population(result: ScanResult) -> Iterator[Line]:
    yield from _heading("Looked at")
    for population in result.coverage.population:
        whole = "all of them" if population.complete else "NOT ALL COULD BE LISTED"
        calls = ", ".join(population.enumerated_by)
        yield _line(f"  {population.count:>8,}  {population.kind}, {whole}  ({calls})")
    if result.scan.action_data:
        yield _line(f"  names of AWS's actions as of {result.scan.action_data}", "dim")


def _notices(result: ScanResult) -> Iterator[Line]:
    if result.scan.notices:
        yield from _heading("Notices")
        for notice in result.scan.notices:
            yield from _wrapped(notice)


def _summary(result: ScanResult) -> str:
    coverage = result.coverage
    failing = failures_by_severity(result)
    parts = [
        f"{listing(failing)} failing" if failing else "none failing",
        f"{coverage.evaluated:,} of {count(coverage.planned, 'check')} decided",
    ]
    if coverage.gaps:
        worst = coverage.gaps[0]
        parts.append(f"{worst.permission} missing" if worst.permission else worst.detail)
    hint = " -> recordscan permissions" if any(gap.permission for gap in coverage.gaps) else ""
    return "; ".join(parts) + hint


def _verdict(result: ScanResult) -> Text:
    gate = result.gate
    style = "bold" if gate.headline != gate.verdict else _VERDICT_STYLES[gate.verdict]
    return Text(text=gate.headline, style=style)


def _heading(words: str) -> Iterator[Line]:
    yield ()
    yield _line(words.upper(), "bold")


def _line(text: str, style: str = "") -> Line:
    return (Text(text=text, style=style),)


def _field(label: str, value: str) -> Iterator[Line]:
    yield from _wrapped(value, first=f"    {label:<10}")


def _wrapped(text: str, first: str = "    ") -> Iterator[Line]:
    """Wrap between words only, so that names and ARNs stay whole and can be copied."""
    lines = textwrap.wrap(
        visible(text),
        width=_width.get(),
        initial_indent=first,
        subsequent_indent=" " * len(first),
        break_long_words=False,
        break_on_hyphens=False,
    )
    for line in lines or [first]:
        yield _line(line)


def _first_paragraph(markdown: str) -> str:
    """The first paragraph in one line, without the backquotes of Markdown."""
    paragraph = markdown.strip().partition("\n\n")[0]
    return " ".join(paragraph.split()).replace("`", "")
