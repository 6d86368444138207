"""CSV for spreadsheets: one row a check.

Cells that a spreadsheet would run as formulas are defused, and long ones cut; JSON has them as they are.
"""

import csv
import io
import re
from collections.abc import Iterable, Sequence

from recordscan.result import ScanResult
from recordscan_reports.checks import Check, marked_control, read
from recordscan_reports.plain import joined, shorten

CELL_LENGTH = 32_000
"""Spreadsheets hold 32,767 characters in a cell, and move the rest to the next row."""

COLUMNS = (
    *("scan_id", "scan_ended_at", "status", "raw_status", "reason_code", "severity", "rule_id", "rule_version"),
    *("title", "message", "expected", "observed", "provider", "account", "region"),
    *("resource_type", "resource_uid", "resource_name", "target", "controls", "evidence_sha256"),
    *("remediation", "docs_url", "fingerprint", "lifecycle", "first_seen", "last_seen"),
    *("waiver_id", "waiver_state", "waiver_owner", "waiver_approver", "waiver_expires"),
)
"""Stable; rules have no version yet. Lifecycle and the times of a finding are known with a baseline only."""

_OF_WAIVER = {
    "waiver_id": "id",
    "waiver_state": "state",
    "waiver_owner": "owner",
    "waiver_approver": "approved_by",
    "waiver_expires": "expires",
}

_FORMULA = re.compile(r"[\s\x00]*[=+\-@＝＋－＠]|\s*[\t\r\n\x00]")
"""How a cell begins that spreadsheets run; see CWE-1236 and OWASP ASVS 1.2.10."""


BYTE_ORDER_MARK = "\ufeff"
"""What tells Excel that a file is UTF-8, and most other readers take for a part of the first column's name."""


def render(result: ScanResult, *, bom: bool = False) -> str:
    """Write comma-separated values after RFC 4180: CRLF, and a header even where nothing was judged.

    Args:
        result: What to write.
        bom: Begin with a byte order mark.
    """
    report = read(result)
    return write_table(COLUMNS, (_row(report.result, check) for check in report.checks), bom=bom)


def write_table(columns: Sequence[str], rows: Iterable[Sequence[object]], *, bom: bool = False) -> str:
    """Write rows under a header; None is an empty cell."""
    text = io.StringIO()
    text.write(BYTE_ORDER_MARK if bom else "")
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(columns)
    writer.writerows([defused("" if cell is None else str(cell)) for cell in row] for row in rows)
    return text.getvalue()


def defused(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula: an apostrophe goes before one that begins like it."""
    cell = shorten(cell, CELL_LENGTH)
    return f"'{cell}" if _FORMULA.match(cell) else cell


def _row(result: ScanResult, check: Check) -> Sequence[object]:
    waivers, subject = check.waivers, check.subject
    row: dict[str, object] = {
        "scan_id": result.scan.scan_id,
        "scan_ended_at": result.scan.ended,
        "status": check.outcome,
        "raw_status": check.raw_outcome,
        "reason_code": check.reason_code,
        "severity": check.severity,
        "rule_id": check.rule.id,
        "title": check.rule.title,
        "message": check.message,
        "expected": check.expected,
        "observed": check.observed,
        "provider": subject.provider,
        "account": subject.account,
        "region": subject.region,
        "resource_type": subject.kind,
        "resource_uid": " ".join(check.resources),
        "resource_name": subject.name,
        "target": subject.uid,
        "controls": "; ".join(map(marked_control, check.rule.controls)),
        "evidence_sha256": " ".join(item.sha256 for item in check.evidence),
        "remediation": check.remediation,
        "docs_url": next(iter(check.rule.references), None),
        "fingerprint": check.fingerprint,
        "lifecycle": check.lifecycle,
        "first_seen": check.first_seen,
        "last_seen": result.scan.ended if check.first_seen else None,
    }
    for column, name in _OF_WAIVER.items():
        row[column] = joined(getattr(waiver, name) for waiver in waivers)
    return [row.get(column) for column in COLUMNS]
