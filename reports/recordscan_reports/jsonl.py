"""JSON Lines: each check with its rule and scan on one line, for log pipelines and `jq`."""

import json

from recordscan.result import ScanResult
from recordscan_reports.checks import Check, read, waiver_members


def render(result: ScanResult) -> str:
    """Write one JSON object a line, in ASCII; nothing where nothing was judged."""
    report = read(result)
    return "".join(json.dumps(_line(report.result, check)) + "\n" for check in report.checks)


def _line(result: ScanResult, check: Check) -> dict[str, object]:
    return {
        "schema_version": result.schema_version,
        "scan_id": result.scan.scan_id,
        "scan_ended_at": result.scan.ended,
        "tool_version": result.scan.tool_version,
        "status": check.outcome,
        "raw_status": check.raw_outcome,
        "reason_code": check.reason_code,
        "permission": check.assessment.permission,
        "severity": check.severity,
        "rule_id": check.rule.id,
        "title": check.rule.title,
        "message": check.message,
        "subject": {
            "uid": check.subject.uid,
            "kind": check.subject.kind,
            "name": check.subject.name,
            "provider": check.subject.provider,
            "account": check.subject.account,
            "region": check.subject.region,
        },
        "findings": [
            {
                "message": finding.message,
                "severity": finding.severity,
                "resources": finding.resources,
                "expected": finding.expected,
                "observed": finding.observed,
                "fingerprint": finding.fingerprint,
                "waiver": finding.waiver,
                "lifecycle": finding.lifecycle,
                "first_seen": finding.first_seen,
            }
            for finding in check.assessment.findings
        ],
        "controls": [
            {"framework": control.framework, "control": control.control, "mark": control.mark}
            for control in check.rule.controls
        ],
        "evidence": [
            {"id": item.id, "operation": item.operation, "sha256": item.sha256, "collected_at": item.collected_at}
            for item in check.evidence
        ],
        "remediation": check.remediation,
        "references": check.rule.references,
        "fingerprint": check.fingerprint,
        "waivers": [waiver_members(waiver) for waiver in check.waivers],
    }
