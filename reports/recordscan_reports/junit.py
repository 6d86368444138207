"""JUnit XML for CI: a suite for each rule, a case for each subject. Unknown is an error, waived is skipped.

Source: https://github.com/jenkinsci/xunit-plugin (junit-10.xsd); https://docs.gitlab.com/ci/testing/unit_test_reports/
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable
from xml.etree import ElementTree as ET

from recordscan.result import Outcome, ScanResult
from recordscan_reports.checks import TOOL, Check, Report, marked_control, read
from recordscan_reports.wording import age_of, sentence

_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 has no place for, even escaped; see its production `Char`."""


def render(result: ScanResult) -> str:
    """Write one file; where nothing was judged its single case is an error, so that no reader sees success."""
    report = read(result)
    root = ET.Element("testsuites", {"name": TOOL, **_numbers(report.checks)})
    del root.attrib["skipped"]  # which the schema has for suites only
    root.append(_scan(report))
    by_rule: dict[str, list[Check]] = defaultdict(list)
    for check in report.checks:
        by_rule[check.rule.id].append(check)
    root.extend(_suite(checks, report.result.scan.started) for checks in by_rule.values())
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
        "exit_status": str(gate.exit_status),
        "exit_reason": gate.exit_reason,
        "fail_on": gate.fail_on or "none",
        "scan_id": scan.scan_id,
        "started": scan.started,
        "ended": scan.ended,
        "tool_version": scan.tool_version,
        "checks_planned": str(coverage.planned),
        "checks_evaluated": str(coverage.evaluated),
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
            **_numbers(checks),
            "timestamp": _xml(started),
            "package": _xml(f"{TOOL}.{rule.family}"),
        },
    )
    suite.extend(map(_case, checks))
    return suite


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


def _numbers(checks: Iterable[Check]) -> dict[str, str]:
    numbers = Counter(check.outcome for check in checks)
    return {
        "tests": str(numbers.total()),
        "failures": str(numbers[Outcome.FAIL]),
        "errors": str(numbers[Outcome.UNKNOWN]),
        "skipped": str(numbers[Outcome.NOT_APPLICABLE] + numbers[Outcome.WAIVED]),
        "time": "0",
    }


def _xml(text: str) -> str:
    return _NOT_XML.sub(lambda found: f"[U+{ord(found[0]):04X}]", text)
