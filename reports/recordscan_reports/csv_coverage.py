"""CSV of what was not checked: why, how much hangs on it, and what would close the gap."""

from collections.abc import Iterator, Sequence

from recordscan.result import Outcome, ScanResult
from recordscan_reports.checks import Report, read
from recordscan_reports.csv_checks import write_table
from recordscan_reports.wording import needs, unread

COLUMNS = (
    *("scan_id", "scan_ended_at", "kind", "severity", "reason_code", "detail", "permission", "operations"),
    *("rule_ids", "checks", "accepted_by"),
)
"""`kind` is unknown (checks without a verdict), unread (a failed call that no check rests on), not_listed (not all
resources of a kind could be listed) or not_selected (a rule that was left out); only unknown has a number of `checks`,
and the waivers that accept some of them in `accepted_by`.
"""


def render(result: ScanResult, *, bom: bool = False) -> str:
    """Write one row for each gap; only the header where everything was checked.

    Args:
        result: What to write.
        bom: Begin with a byte order mark.
    """
    report = read(result)
    scan = report.result.scan
    return write_table(COLUMNS, ((scan.scan_id, scan.ended, *row) for row in _rows(report)), bom=bom)


def _rows(report: Report) -> Iterator[Sequence[object]]:
    coverage, unknown = report.result.coverage, report.of(Outcome.UNKNOWN)
    for gap in coverage.gaps:
        why = (gap.reason, gap.detail, gap.permission)
        checks = [
            check
            for check in unknown
            if (check.assessment.reason, check.assessment.detail or "", check.assessment.permission) == why
        ]
        calls = " ".join(gap.operations)
        rules = " ".join(sorted({check.rule.id for check in checks}))
        accepted = " ".join(sorted({check.assessment.waiver for check in checks if check.assessment.waiver}))
        yield "unknown", gap.severity, *why, calls, rules, gap.assessments, accepted
    for item in unread(report.result):
        reason = item.reason and str(item.reason)
        yield (
            "unread",
            None,
            reason,
            item.error_message or item.error_code,
            needs(item),
            item.operation,
            None,
            None,
            None,
        )
    for population in coverage.population:
        if not population.complete:
            detail = f"{population.kind}: {population.count} could be listed, which are not all"
            yield "not_listed", None, None, detail, None, " ".join(population.enumerated_by), None, None, None
    for rule_id, why_not in sorted(coverage.not_selected.items()):
        yield "not_selected", None, "not_selected", why_not, None, None, rule_id, None, None
