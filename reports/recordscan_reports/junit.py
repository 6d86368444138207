"""JUnit XML for CI: a suite for each rule, a case for each subject. Unknown is an error, waived is skipped.

For scans whose checks are too many for a CI system there is a coarser form: a suite for each chapter, a case for each
rule. Such a case is as bad as the worst of its checks: it passes only where none failed and none is unknown.

Source: https://github.com/jenkinsci/xunit-plugin (junit-10.xsd); https://docs.gitlab.com/ci/testing/unit_test_reports/
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from enum import StrEnum
from xml.etree import ElementTree as ET

from recordscan.result import Outcome, ScanResult
from recordscan_reports.checks import TOOL, Check, Report, marked_control, read
from recordscan_reports.wording import OUTCOME_WORDS, OUTCOMES, age_of, count, sentence, withheld

_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 has no place for, even escaped; see its production `Char`."""


CHECKS_OF_A_RULE = 20
"""Checks that the case of a whole rule describes."""


class Granularity(StrEnum):
    """What a test case stands for."""

    CHECK = "check"
    RULE = "rule"


def render(result: ScanResult, *, granularity: Granularity = Granularity.CHECK) -> str:
    """Write one file; where nothing was judged its single case is an error, so that no reader sees success.

    Args:
        result: What to write.
        granularity: What a test case stands for.
    """
    report = read(result)
    by_rule: dict[str, list[Check]] = defaultdict(list)
    for check in report.checks:
        by_rule[check.rule.id].append(check)
    started = report.result.scan.started
    if granularity is Granularity.CHECK:
        counted = [check.outcome for check in report.checks]
        suites = [_suite(checks, started) for checks in by_rule.values()]
    else:
        counted = [_worst(checks) for checks in by_rule.values()]
        by_family: dict[str, list[list[Check]]] = defaultdict(list)
        for checks in by_rule.values():
            by_family[checks[0].rule.family].append(checks)
        suites = [_chapter(family, rules, started) for family, rules in sorted(by_family.items())]
    root = ET.Element("testsuites", {"name": TOOL, **_numbers(counted)})
    del root.attrib["skipped"]  # which the schema has for suites only
    root.append(_scan(report))
    root.extend(suites)
    if not report.checks:
        root.set("tests", "1")
        root.set("errors", "1")
    ET.indent(root, " ")
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def _scan(report: Report) -> ET.Element:
    """A suite without cases that says who scanned what, and how it ended."""
    scan, gate, coverage = report.result.scan, report.result.gate, report.result.coverage
    suite = ET.Element("testsuite", {"name": TOOL, **_numbers(()), "timestamp": _xml(scan.started), "package": TOOL})
    facts = {
        "verdict": gate.headline,
        "exit_status": str(gate.exit.code),
        "exit_reason": gate.exit.reason,
        "fail_on": gate.fail_on or "none",
        "scan_id": scan.scan_id,
        "started": scan.started,
        "ended": scan.ended,
        "tool_version": scan.tool_version,
        "checks_planned": str(coverage.planned),
        "checks_evaluated": str(coverage.evaluated),
        **({"withheld": made} if (made := withheld(report.result)) is not None else {}),
        **{f"asked_by.{who}": what for who, what in sorted(scan.asked_by.items())},
        **{f"not_selected.{rule}": why for rule, why in sorted(coverage.not_selected.items())},
    }
    properties = ET.SubElement(suite, "properties")
    for name, value in facts.items():
        ET.SubElement(properties, "property", {"name": _xml(name), "value": _xml(value)})
    if not report.checks:
        suite.set("tests", "1")
        suite.set("errors", "1")
        case = ET.SubElement(suite, "testcase", {"classname": f"{TOOL}.scan", "name": "something was judged"})
        ET.SubElement(case, "error", {"type": "nothing_judged", "message": _xml(gate.exit_reason)})
    return suite


def _suite(checks: list[Check], started: str) -> ET.Element:
    rule = checks[0].rule
    suite = ET.Element(
        "testsuite",
        {
            "name": _xml(f"{rule.id}: {rule.title}"),
            **_numbers(check.outcome for check in checks),
            "timestamp": _xml(started),
            "package": _xml(f"{TOOL}.{rule.family}"),
        },
    )
    suite.extend(map(_case, checks))
    return suite


def _chapter(family: str, rules: Sequence[Sequence[Check]], started: str) -> ET.Element:
    name = _xml(f"{TOOL}.{family}")
    numbers = _numbers(map(_worst, rules))
    suite = ET.Element("testsuite", {"name": _xml(family), **numbers, "timestamp": _xml(started), "package": name})
    suite.extend(_case_of_rule(checks, name) for checks in rules)
    return suite


def _worst(checks: Iterable[Check]) -> Outcome:
    """What a rule says of all its subjects: not applicable only where it concerns none of them."""
    return min((check.outcome for check in checks), key=OUTCOMES.index)


def _case_of_rule(checks: Sequence[Check], classname: str) -> ET.Element:
    rule, worst = checks[0].rule, _worst(checks)
    case = ET.Element("testcase", {"classname": classname, "name": _xml(f"{rule.id}: {rule.title}"), "time": "0"})
    numbers = Counter(check.outcome for check in checks)
    counts = ", ".join(f"{numbers[o]:,} {OUTCOME_WORDS[o].lower()}" for o in OUTCOMES if numbers[o])
    if worst is Outcome.PASS:
        return case
    told = [check for check in checks if check.outcome is worst]
    kinds = {Outcome.FAIL: ("failure", told[0].severity), Outcome.UNKNOWN: ("error", told[0].reason_code or "unknown")}
    tag, kind = kinds.get(worst, ("skipped", None))
    message = _xml(f"{count(len(checks), 'check')}: {counts}")
    element = ET.SubElement(case, tag, {"message": message} if kind is None else {"type": kind, "message": message})
    body = [f"{check.subject.name} [{check.subject.uid}]\n{_told(check)}" for check in told[:CHECKS_OF_A_RULE]]
    body += [f"and {len(told) - CHECKS_OF_A_RULE:,} more"] if len(told) > CHECKS_OF_A_RULE else []
    element.text = _xml("\n\n".join(body))
    return case


def _told(check: Check) -> str:
    if check.outcome is Outcome.UNKNOWN:
        return f"{check.message}\n{_unknown(check)}"
    return check.message if check.outcome is Outcome.NOT_APPLICABLE else _body(check)


def _case(check: Check) -> ET.Element:
    # The uid is what makes the name unique: GitLab ignores a second case of one name.
    name = f"{check.subject.name} [{check.subject.uid}]"
    case = ET.Element(
        "testcase", {"classname": _xml(f"{TOOL}.{check.rule.family}.{check.rule.id}"), "name": _xml(name), "time": "0"}
    )
    match check.outcome:
        case Outcome.FAIL:
            failure = ET.SubElement(case, "failure", {"type": check.severity, "message": _xml(check.message)})
            failure.text = _xml(_body(check))
        case Outcome.UNKNOWN:
            kind = check.reason_code or "unknown"
            error = ET.SubElement(case, "error", {"type": kind, "message": _xml(check.message)})
            error.text = _xml(_unknown(check))
        case Outcome.NOT_APPLICABLE:
            ET.SubElement(case, "skipped", {"message": _xml(f"not applicable: {check.message}")})
        case Outcome.WAIVED:
            skipped = ET.SubElement(case, "skipped", {"message": _xml(f"waived: {check.waiver_sentence}")})
            skipped.text = _xml(_body(check))
        case Outcome.PASS:
            pass
    return case


def _body(check: Check) -> str:
    lines: list[str | None] = []
    for finding in check.assessment.findings:
        notes = [note for note in (age_of(finding), finding.waiver and f"waived by {finding.waiver}") if note]
        lines += [
            f"{finding.severity}: {sentence(finding.message)}" + (f" ({', '.join(notes)})" if notes else ""),
            finding.expected and f"  expected: {finding.expected}",
            finding.observed and f"  observed: {finding.observed}",
            *(f"  resource: {name}" for name in finding.resources[:20]),
            f"  fingerprint: {finding.fingerprint}",
        ]
    lines += [*_tail(check), f"fix: {check.remediation}"]
    return "\n".join(filter(None, lines))


def _unknown(check: Check) -> str:
    grant = check.assessment.permission
    lines = [f"severity: {check.severity}", f"grant: {grant}" if grant else "", *_tail(check)]
    if check.waivers:
        lines.append(f"gap: {check.waiver_sentence}")
    return "\n".join(filter(None, lines))


def _tail(check: Check) -> list[str]:
    controls = ", ".join(map(marked_control, check.rule.controls))
    return [*([f"controls: {controls}"] if controls else []), f"check: {check.fingerprint}"]


def _numbers(outcomes: Iterable[Outcome]) -> dict[str, str]:
    numbers = Counter(outcomes)
    return {
        "tests": str(numbers.total()),
        "failures": str(numbers[Outcome.FAIL]),
        "errors": str(numbers[Outcome.UNKNOWN]),
        "skipped": str(numbers[Outcome.NOT_APPLICABLE] + numbers[Outcome.WAIVED]),
        "time": "0",
    }


def _xml(text: str) -> str:
    return _NOT_XML.sub(lambda found: f"[U+{ord(found[0]):04X}]", text)
