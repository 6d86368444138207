"""`recordscan explain`: one check of a stored result, and what it was decided from."""

import json
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from recordscan.errors import ConfigError
from recordscan.visible import visible

if TYPE_CHECKING:
    from recordscan.facts import Citation, Json
    from recordscan.result import Assessment, ScanResult

WIDTH = 100
LINES_SHOWN = 20
_MOST_CHECKS = 10


@click.command(
    epilog="""\b
Examples:
  recordscan explain 039ef34f --in result.json
"""
)
@click.argument("fingerprint")
@click.option(
    "--in",
    "result_path",
    required=True,
    metavar="RESULT.json",
    type=click.Path(path_type=Path, dir_okay=False),
    help="The stored result that has it.",
)
def explain(*, fingerprint: str, result_path: Path) -> None:
    """Show one check: requirement, findings, and the very values in the answers that decided.

    FINGERPRINT is that of a check or of a finding, as reports show it; its beginning is enough.
    """
    from recordscan.cli.report import read_result

    result = read_result(result_path)
    for line in _lines(result, _find(result, fingerprint)):
        click.echo(visible(line))


def _find(result: "ScanResult", begin: str) -> "Assessment":
    found = [
        assessment
        for assessment in result.assessments
        if any(digits.startswith(begin) for digits in _fingerprints(assessment))
    ]
    ids = result.current_ids()
    if not found and begin in ids:
        own = [a for a in result.assessments if a.rule_id == ids[begin]]
        checks = ", ".join(f"{a.fingerprint[:12]} ({a.outcome} of {a.subject.name})" for a in own[:_MOST_CHECKS])
        more = f" and {len(own) - _MOST_CHECKS} more" if len(own) > _MOST_CHECKS else ""
        raise ConfigError(f"{begin!r} is a rule; name one of its checks: {checks or 'it has none'}{more}")
    if len(found) != 1 or not begin:
        how = "no check or finding has" if not found else f"{len(found)} checks have"
        raise ConfigError(f"{how} a fingerprint that begins with {begin!r}; the JSON and the page show them")
    return found[0]


def _fingerprints(assessment: "Assessment") -> Iterator[str]:
    """All that a check and its findings have or had."""
    yield from (assessment.fingerprint, *assessment.aliases)
    for finding in assessment.findings:
        yield from (finding.fingerprint, *finding.aliases)


def _lines(result: "ScanResult", assessment: "Assessment") -> Iterator[str]:
    rule, subject = result.rule(assessment.rule_id), assessment.subject
    yield f"{assessment.outcome.upper().replace('_', ' ')}  {assessment.severity.upper()}  {rule.id}  {subject.name}"
    yield f"fingerprint   {assessment.fingerprint}"
    yield f"subject       {subject.kind} {subject.uid}"
    yield from _field("requirement", rule.title)
    yield from _field("why", rule.rationale)
    if assessment.detail:
        yield from _field("detail", assessment.detail)
    if assessment.permission:
        yield from _field("grant", assessment.permission)
    for finding in assessment.findings:
        yield ""
        yield f"finding       {finding.fingerprint}"
        yield from _field("", finding.message)
        yield from _field("expected", finding.expected or "not stated")
        yield from _field("observed", finding.observed or "not stated")
        for resource in finding.resources:
            yield from _field("resource", resource)
        if finding.waiver:
            yield from _field("waived by", finding.waiver)
        yield from _evidence(result, finding.evidence)
    if assessment.findings:
        yield ""
        yield from _field("what to do", rule.remediation)
        yield from _commands(assessment)
    yield ""
    yield "It rests on:"
    yield from _evidence(result, assessment.evidence)
    for reference in rule.references:
        yield from _field("see", reference)


def _commands(assessment: "Assessment") -> Iterator[str]:
    """The commands that mend it, each with what it breaks; or why a person must act."""
    from recordscan.remedies.commands import commands_of

    steps, by_hand = commands_of(assessment.remedy)
    if by_hand is not None:
        yield from _field("by hand", by_hand)
    for step, text in steps:
        yield ""
        yield from _field("step", step.does)
        for warning in step.warnings:
            yield from _field("caution", warning)
        yield from text.splitlines()


def _field(label: str, text: str) -> Iterator[str]:
    for number, paragraph in enumerate(text.split("\n\n")):
        if number:
            yield ""
        lines = textwrap.wrap(paragraph, WIDTH - 14, break_long_words=False, break_on_hyphens=False) or [""]
        for at, line in enumerate(lines):
            yield f"{label if not number and not at else '':14}{line}"


def _evidence(result: "ScanResult", places: "tuple[Citation, ...]") -> Iterator[str]:
    by_id = {evidence.id: evidence for evidence in result.evidence}
    pointers: dict[str, list[str]] = {}
    for place in places:
        pointers.setdefault(place.observation, []).append(place.pointer)
    for observation, found in pointers.items():
        evidence = by_id[observation]
        where = " ".join(filter(None, [evidence.account, evidence.region]))
        yield f"  {evidence.operation} {json.dumps(evidence.request)} {where}".rstrip()
        yield f"    {evidence.outcome} at {evidence.collected_at}, SHA-256 {evidence.sha256}"
        if evidence.error_code:
            yield f"    {evidence.error_code}: {evidence.error_message or ''}"
        for pointer in dict.fromkeys(found):
            if evidence.outcome == "answered":
                yield from _value(evidence.answer, pointer)


def _value(answer: "Json", pointer: str) -> Iterator[str]:
    value = answer
    for step in pointer.split("/")[1:]:
        step = step.replace("~1", "/").replace("~0", "~")
        try:
            value = value[int(step)] if isinstance(value, list) else value[step]
        except (KeyError, IndexError, TypeError, ValueError):
            yield f"    {pointer}  is not there"
            return
    first, *rest = json.dumps(value, indent=2, ensure_ascii=False).splitlines()
    yield f"    {pointer or '(the whole answer)'}  {first}"
    yield from (f"      {line}" for line in rest[:LINES_SHOWN])
    if len(rest) > LINES_SHOWN:
        yield f"      and {len(rest) - LINES_SHOWN} more lines"
