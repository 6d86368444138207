"""OCSF Compliance Findings (class 2003), version 1.5.0 with the profiles cloud and datetime: one event a line.

Security Lake and SIEMs take these. Each check is one event; unknown is the class's Warning, "no result because
information was missing". What the schema has no member for is in `unmapped`.

Source: https://schema.ocsf.io/1.5.0/classes/compliance_finding
"""

import json

from recordscan.estate.arn import parse_arn
from recordscan.facts import Json
from recordscan.result import Outcome, ScanResult
from recordscan.rule import FRAMEWORKS, Control, Severity
from recordscan_reports.checks import TOOL, Check, control_name, read, waiver_members
from recordscan_reports.plain import link, milliseconds, moment, present

VERSION = "1.5.0"
CLASS = 2003
CREATE, UPDATE, CLOSE = 1, 2, 3

_ACTIVITIES = {CREATE: "Create", UPDATE: "Update", CLOSE: "Close"}

_SEVERITIES = {
    Severity.INFO: (1, "Informational"),
    Severity.LOW: (2, "Low"),
    Severity.MEDIUM: (3, "Medium"),
    Severity.HIGH: (4, "High"),
    Severity.CRITICAL: (5, "Critical"),
}

_STATUSES = {
    Outcome.PASS: (1, "Pass"),
    Outcome.UNKNOWN: (2, "Warning"),
    Outcome.FAIL: (3, "Fail"),
    Outcome.WAIVED: (3, "Fail"),
    Outcome.NOT_APPLICABLE: (99, "Not Applicable"),
}

_STATES = {
    Outcome.FAIL: (1, "New"),
    Outcome.UNKNOWN: (1, "New"),
    Outcome.WAIVED: (3, "Suppressed"),
    Outcome.PASS: (4, "Resolved"),
    Outcome.NOT_APPLICABLE: (4, "Resolved"),
}

_PROVIDERS = {"aws": ("AWS", 10, "AWS Account"), "twilio": ("Twilio", 99, "Twilio Account")}


def render(result: ScanResult, *, per_control: bool = False) -> str:
    """Write one JSON object a line, in ASCII; nothing where nothing was judged.

    Args:
        result: What to write.
        per_control: Write a check once for each control that it is evidence for, with that control alone and a uid of
            its own, for readers that group by control; a check without controls is written once all the same.
    """
    report = read(result)
    baseline = report.result.baseline
    resolved = frozenset((entry.rule_id, entry.subject) for entry in baseline.resolved) if baseline else frozenset()
    events = (
        _event(report.result, check, resolved, uid, controls)
        for check in report.checks
        for uid, controls in (_by_control(check) if per_control else [(check.fingerprint, check.rule.controls)])
    )
    return "".join(json.dumps(event) + "\n" for event in events)


def _by_control(check: Check) -> list[tuple[str, tuple[Control, ...]]]:
    """Each control of a check, with what identifies the two together."""
    if not check.rule.controls:
        return [(check.fingerprint, ())]
    return [(f"{check.fingerprint}/{of.framework}/{of.control}", (of,)) for of in check.rule.controls]


def _event(
    result: ScanResult,
    check: Check,
    resolved: frozenset[tuple[str, str]],
    uid: str,
    controls: tuple[Control, ...],
) -> Json:
    severity_id, severity = _SEVERITIES[check.severity]
    state_id, state = _STATES[check.outcome]
    ended = milliseconds(result.scan.ended)
    activity = _activity(check, resolved)
    seen = {"first_seen_time": milliseconds(check.first_seen), "last_seen_time": ended} if check.first_seen else {}
    return present(
        {
            "activity_id": activity,
            "activity_name": _ACTIVITIES[activity],
            "category_uid": 2,
            "category_name": "Findings",
            "class_uid": CLASS,
            "class_name": "Compliance Finding",
            "type_uid": CLASS * 100 + activity,
            "type_name": f"Compliance Finding: {_ACTIVITIES[activity]}",
            "time": ended,
            "time_dt": moment(result.scan.ended),
            "severity_id": severity_id,
            "severity": severity,
            "status_id": state_id,
            "status": state,
            "message": check.message,
            "comment": check.waiver_sentence if check.outcome is Outcome.WAIVED else None,
            "metadata": _metadata(result, check, uid),
            "finding_info": {
                "uid": uid,
                "title": check.rule.title,
                "desc": check.message,
                "types": [check.rule.family],
                "created_time": seen.get("first_seen_time", ended),
                **seen,
            },
            "compliance": _compliance(check, controls),
            "cloud": _cloud(check),
            "resources": [_resource(check, uid) for uid in check.resources],
            "evidences": [
                {
                    "name": item.id,
                    "api": {"operation": item.operation},
                    "data": {"sha256": item.sha256, "collected_at": item.collected_at},
                }
                for item in check.evidence
            ],
            "remediation": {
                "desc": check.remediation or "-",
                "references": [address for address in map(link, check.rule.references) if address],
            },
            "unmapped": _unmapped(check),
        }
    )


def _activity(check: Check, resolved: frozenset[tuple[str, str]]) -> int:
    """Update of what the baseline has, close of what is resolved since; without a baseline all is created."""
    if check.lifecycle in ("existing", "reopened"):
        return UPDATE
    gone = check.outcome in (Outcome.PASS, Outcome.NOT_APPLICABLE)
    return CLOSE if gone and (check.rule.id, check.subject.uid) in resolved else CREATE


def _metadata(result: ScanResult, check: Check, uid: str) -> Json:
    scan = result.scan
    return {
        "version": VERSION,
        "product": {"name": TOOL, "vendor_name": TOOL, "version": scan.tool_version},
        "profiles": ["cloud", "datetime"],
        "uid": f"{scan.scan_id}/{uid}",
        "correlation_uid": scan.scan_id,
        "event_code": check.rule.id,
    }


def _compliance(check: Check, of: tuple[Control, ...]) -> Json:
    status_id, status = _STATUSES[check.outcome]
    severity_id, severity = _SEVERITIES[check.severity]
    controls = [control_name(control) for control in of]
    frameworks = dict.fromkeys(FRAMEWORKS.get(control.framework, control.framework) for control in of)
    return present(
        {
            "status_id": status_id,
            "status": status,
            "status_code": check.reason_code,
            "status_details": [check.message],
            "standards": [*frameworks],
            "requirements": controls,
            "control": next(iter(controls), None),
            "checks": [
                {
                    "uid": check.rule.id,
                    "name": check.rule.title,
                    "desc": check.rule.rationale,
                    "severity_id": severity_id,
                    "severity": severity,
                    "status_id": status_id,
                    "status": status,
                }
            ],
        }
    )


def _cloud(check: Check) -> Json:
    subject = check.subject
    name, type_id, kind = _PROVIDERS.get(subject.provider, (subject.provider or "-", 99, "Other"))
    account = {"uid": subject.account, "type_id": type_id, "type": kind} if subject.account else None
    return present({"provider": name, "account": account, "region": subject.region})


def _resource(check: Check, uid: str) -> Json:
    subject, arn = check.subject, parse_arn(uid)
    if arn is not None:
        place = {"type": arn.service, "region": arn.region, "cloud_partition": arn.partition}
        return present({"uid": uid, "name": arn.resource, **place})
    if uid == subject.uid:
        return present({"uid": uid, "name": subject.name, "type": subject.kind, "region": subject.region})
    return {"uid": uid}


def _unmapped(check: Check) -> Json:
    return present(
        {
            "target": check.subject.uid,
            "target_name": check.subject.name,
            "check": check.fingerprint,
            "status": check.outcome,
            "raw_status": check.raw_outcome,
            "permission": check.assessment.permission,
            "expected": check.expected,
            "observed": check.observed,
            "findings": [
                present(
                    {
                        "message": found.message,
                        "severity": found.severity,
                        "fingerprint": found.fingerprint,
                        "waiver": found.waiver,
                        "lifecycle": found.lifecycle,
                        "first_seen": found.first_seen,
                    }
                )
                for found in check.assessment.findings
            ],
            "controls": [
                {"framework": control.framework, "control": control.control, "mapping": control.mark}
                for control in check.rule.controls
            ],
            "waivers": [waiver_members(waiver) for waiver in check.waivers],
        }
    )
