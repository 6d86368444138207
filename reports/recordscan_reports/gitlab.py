"""GitLab's Code Quality report: each finding of a failed check, and each gap, where merge requests show what is new.

Source: https://docs.gitlab.com/ci/testing/code_quality/#code-quality-report-format
"""

import json

from recordscan.facts import Json
from recordscan.result import ScanResult, fingerprint
from recordscan.rule import Severity
from recordscan_reports.checks import TOOL, read
from recordscan_reports.plain import shorten
from recordscan_reports.wording import count, sentence

COVERAGE_GAP = "coverage-gap"
LENGTH = 1_000

_SEVERITIES = {
    Severity.CRITICAL: "blocker",
    Severity.HIGH: "critical",
    Severity.MEDIUM: "major",
    Severity.LOW: "minor",
    Severity.INFO: "info",
}


def render(result: ScanResult) -> str:
    """Write a JSON array; an empty one means that everything was judged and nothing failed."""
    report = read(result)
    issues = [
        _issue(
            sentence(finding.message),
            check.rule.id,
            # The first that it had, so that a rule that is renamed gives no new issues.
            (*finding.aliases, finding.fingerprint)[0],
            _SEVERITIES[finding.severity],
            check.path(next(iter(finding.resources), check.subject.uid)),
        )
        for check, finding in report.failures
    ]
    for gap in report.result.coverage.gaps:
        grant = f"; grant {gap.permission}" if gap.permission else ""
        told = f"{count(gap.assessments, 'check')} could not be decided: {gap.detail}{grant}"
        identity = fingerprint(COVERAGE_GAP, gap.reason, gap.detail, gap.permission or "")
        issues.append(_issue(told, COVERAGE_GAP, identity, "major", f"cloud/{TOOL}"))
    if not report.checks:
        told = f"Nothing was judged: {report.result.gate.exit_reason}"
        issues.append(_issue(told, COVERAGE_GAP, fingerprint(COVERAGE_GAP), "major", f"cloud/{TOOL}"))
    return json.dumps(issues) + "\n"


def _issue(description: str, name: str, identity: str, severity: str, path: str) -> Json:
    return {
        "description": shorten(description, LENGTH),
        "check_name": name,
        "fingerprint": identity,
        "severity": severity,
        "location": {"path": path, "lines": {"begin": 1}},
    }
