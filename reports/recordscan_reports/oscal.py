"""OSCAL assessment results 1.2.1, for FedRAMP and whoever else works with NIST's machine-readable packages.

Each check is an observation; each control that a rule gives evidence for is rolled up into a finding. A control is
satisfied only where every check of it that applies passed: unknown never satisfies, and neither does a waived failure.
Controls that no check applied to have no finding.

Source: https://pages.nist.gov/OSCAL-Reference/models/v1.2.1/assessment-results/json-outline/
"""

import json
import re
import uuid
from collections import defaultdict
from collections.abc import Iterable, Sequence

from recordscan.facts import Json
from recordscan.result import Evidence, Outcome, ScanResult, WaiverRecord
from recordscan.rule import FRAMEWORKS, Control
from recordscan_reports.checks import TOOL, Check, Report, control_name, read
from recordscan_reports.plain import joined, moment, present
from recordscan_reports.wording import OUTCOME_WORDS, bottom_line, count, sentence

VERSION = "1.2.1"
PROPERTIES = f"urn:{TOOL}:oscal"
INSUFFICIENT = "insufficient evidence"

_NAMESPACE = uuid.UUID("0d7a7c1e-3a0f-5f6b-8f0a-6b1c8f4f2e11")
_NO_TOKEN = re.compile(r"[^0-9A-Za-z._-]+")
_ENHANCEMENT = re.compile(r"\((\d+)\)")


def render(result: ScanResult) -> str:
    """Write one assessment-results document, valid also where nothing was judged."""
    report = read(result)
    scan = report.result.scan
    document = {
        "assessment-results": {
            "uuid": _uuid("document", scan.scan_id),
            "metadata": {
                "title": "Assessment of the storage of Twilio Video recordings",
                "last-modified": _time(scan.ended),
                "version": _value(scan.scan_id),
                "oscal-version": VERSION,
            },
            "import-ap": {"href": f"#{_uuid('plan', scan.scan_id)}"},
            "results": [_result(report)],
            "back-matter": {
                "resources": [
                    {
                        "uuid": _uuid("plan", scan.scan_id),
                        "title": "Assessment plan",
                        "description": "There is no plan in OSCAL. What was assessed is the selection of rules by "
                        f"{TOOL}; its canonical JSON holds scope, rules and evidence.",
                    }
                ]
            },
        }
    }
    return json.dumps(document) + "\n"


def _result(report: Report) -> Json:
    result = report.result
    scan, gate = result.scan, result.gate
    exercised = _exercised(report)
    return present(
        {
            "uuid": _uuid("result", scan.scan_id),
            "title": f"{TOOL}: {_value(gate.headline)}",
            "description": " ".join([*bottom_line(result), f"{sentence(gate.exit_reason)}."]),
            "start": _time(scan.started),
            "end": _time(scan.ended),
            "props": _props(
                {
                    "scan-id": scan.scan_id,
                    "tool-version": scan.tool_version,
                    "verdict": gate.verdict,
                    "exit-status": str(gate.exit.code),
                    "planned": str(result.coverage.planned),
                    "evaluated": str(result.coverage.evaluated),
                    **{f"checks-{outcome.replace('_', '-')}": str(result.count(outcome)) for outcome in Outcome},
                }
            ),
            "local-definitions": present({"inventory-items": _inventory(report.checks)}),
            "reviewed-controls": {"control-selections": _selections(exercised)},
            "assessment-log": {
                "entries": [
                    {
                        "uuid": _uuid("log", scan.scan_id),
                        "title": "Scan",
                        "description": f"{TOOL} {scan.tool_version} read the configuration and judged it.",
                        "start": _time(scan.started),
                        "end": _time(scan.ended),
                        "props": _props({f"asked-by-{_token(who)}": what for who, what in scan.asked_by.items()}),
                    }
                ]
            },
            "observations": [_observation(check, scan.ended) for check in report.checks],
            "risks": [_risk(check) for check in report.of(Outcome.WAIVED)],
            "findings": [_finding(control, checks) for control, checks in exercised],
        }
    )


def _observation(check: Check, ended: str) -> Json:
    collected = sorted(filter(None, (moment(item.collected_at) for item in check.evidence)))
    return present(
        {
            "uuid": _uuid("observation", check.fingerprint),
            "title": f"{_value(check.rule.title)}: {OUTCOME_WORDS[check.outcome]}",
            "description": check.message,
            "props": _props(
                {
                    "rule-id": check.rule.id,
                    "status": check.outcome,
                    "raw-status": check.raw_outcome,
                    "severity": check.severity,
                    "reason-code": check.reason_code,
                    "permission": check.assessment.permission,
                    "expected": check.expected,
                    "observed": check.observed,
                    "fingerprint": check.fingerprint,
                    "lifecycle": check.lifecycle,
                    "first-seen": check.first_seen,
                    "waiver-id": " ".join(waiver.id for waiver in check.waivers),
                }
            ),
            "methods": ["TEST"],
            "types": ["finding"],
            "subjects": [
                {"subject-uuid": _uuid("item", uid), "type": "inventory-item"}
                for uid in dict.fromkeys((check.subject.uid, *check.resources))
            ],
            "relevant-evidence": [_evidence(item) for item in check.evidence],
            "collected": collected[-1] if collected else _time(ended),
            "remarks": f"What to do: {check.remediation}" if check.findings else None,
        }
    )


def _evidence(item: Evidence) -> Json:
    return {
        "description": f"The answer to {item.operation}, collected at {item.collected_at}.",
        "props": _props({"evidence-id": item.id, "sha256": item.sha256}),
    }


def _risk(check: Check) -> Json:
    """The risk of a failure that is accepted, until the first of its waivers ends."""
    expires = min((waiver.expires for waiver in check.waivers), default=None)
    entries = [_approval(check, waiver) for waiver in check.waivers if moment(f"{waiver.created}T00:00:00Z")]
    return present(
        {
            "uuid": _uuid("risk", check.fingerprint),
            "title": f"Accepted: {_value(check.rule.title)}",
            "description": check.message,
            "statement": check.waiver_sentence,
            "props": _props({"severity": check.severity, "waiver-id": " ".join(waiver.id for waiver in check.waivers)}),
            "status": "deviation-approved",
            "deadline": moment(f"{expires}T23:59:59Z"),
            "risk-log": {"entries": entries} if entries else None,
            "related-observations": [{"observation-uuid": _uuid("observation", check.fingerprint)}],
        }
    )


def _approval(check: Check, waiver: WaiverRecord) -> Json:
    return {
        "uuid": _uuid("waiver", check.fingerprint, waiver.id),
        "title": "Deviation approved",
        "description": waiver.reason,
        "start": f"{waiver.approved_on or waiver.created}T00:00:00Z",
        "status-change": "deviation-approved",
        "props": _props(
            {
                "waiver-id": waiver.id,
                "kind": waiver.kind,
                "owner": waiver.owner,
                "approver": waiver.approved_by,
                "ticket": waiver.ticket,
                "compensating-controls": joined(waiver.compensating_controls),
            }
        ),
    }


def _exercised(report: Report) -> list[tuple[Control, list[Check]]]:
    """Controls with the checks of them that apply; only those that have some."""
    controls: dict[tuple[str, str], Control] = {}
    checks: dict[tuple[str, str], list[Check]] = defaultdict(list)
    for check in report.checks:
        if check.outcome is not Outcome.NOT_APPLICABLE:
            own = {(control.framework, control.control): control for control in check.rule.controls}
            controls.update(own)
            for key in own:
                checks[key].append(check)
    return [(controls[key], checks[key]) for key in sorted(checks)]


def _selections(exercised: Iterable[tuple[Control, Sequence[Check]]]) -> list[Json]:
    by_framework: dict[str, list[str]] = defaultdict(list)
    for control, _ in exercised:
        by_framework[control.framework].append(_control_id(control))
    if not by_framework:
        # A selection must name a control or all of them; there is none of this name.
        return [{"description": "No control was assessed.", "include-controls": [{"control-id": "none"}]}]
    return [
        {
            "description": _value(FRAMEWORKS.get(framework, framework)),
            "include-controls": [{"control-id": name} for name in dict.fromkeys(names)],
        }
        for framework, names in by_framework.items()
    ]


def _finding(control: Control, checks: Sequence[Check]) -> Json:
    outcomes = [check.outcome for check in checks]
    passed, failed = outcomes.count(Outcome.PASS), sum(check.raw_outcome is Outcome.FAIL for check in checks)
    unknown = len(checks) - passed - failed
    if failed:
        state, reason = "not-satisfied", "fail"
    elif unknown:
        state, reason = "not-satisfied", "other"
    else:
        state, reason = "satisfied", "pass"
    name = _value(control_name(control))
    key = (control.framework, control.control)
    marks = sorted({c.mark for check in checks for c in check.rule.controls if (c.framework, c.control) == key})
    risks = [{"risk-uuid": _uuid("risk", check.fingerprint)} for check in checks if check.outcome is Outcome.WAIVED]
    told = f"{passed:,} of {count(len(checks), 'check')} passed, {failed:,} failed, {unknown:,} could not be decided."
    return present(
        {
            "uuid": _uuid("finding", control.framework, control.control),
            "title": name,
            "description": told,
            "props": _props({"framework": control.framework, "control": control.control, "mapping": ", ".join(marks)}),
            "target": {
                "type": "objective-id",
                "target-id": _control_id(control),
                "status": present(
                    {"state": state, "reason": reason, "remarks": INSUFFICIENT if reason == "other" else None}
                ),
            },
            "related-observations": [{"observation-uuid": _uuid("observation", check.fingerprint)} for check in checks],
            "related-risks": risks,
        }
    )


def _inventory(checks: Iterable[Check]) -> list[Json]:
    items: dict[str, Json] = {}
    for check in checks:
        subject = check.subject
        told = {"asset-id": subject.uid, "kind": subject.kind, "provider": subject.provider, "account": subject.account}
        items[subject.uid] = {
            "uuid": _uuid("item", subject.uid),
            "description": _value(subject.name),
            "props": _props({**told, "region": subject.region}),
        }
    for uid in dict.fromkeys(uid for check in checks for uid in check.resources):
        if uid not in items:
            items[uid] = {"uuid": _uuid("item", uid), "description": _value(uid), "props": _props({"asset-id": uid})}
    return list(items.values())


def _props(values: dict[str, str | None]) -> list[Json]:
    """Properties; OSCAL's own names stand in its namespace, ours in our own."""
    return [
        {"name": name, **({} if name == "asset-id" else {"ns": PROPERTIES}), "value": _value(value)}
        for name, value in values.items()
        if value
    ]


def _value(text: str) -> str:
    """A text without blanks around it, which is not empty."""
    return text.strip() or "-"


def _control_id(control: Control) -> str:
    """The id of a control in OSCAL: NIST's own, `sc-7.3` for SC-7(3); of another framework with its name in front."""
    if control.framework == "nist_800_53_r5":
        return _token(_ENHANCEMENT.sub(r".\1", control.control).lower())
    return _token(f"{control.framework}_{control.control}")


def _token(text: str) -> str:
    token = _NO_TOKEN.sub("_", text)
    return token if re.match("[A-Za-z_]", token) else f"_{token}"


def _time(text: str) -> str:
    return moment(text) or "1970-01-01T00:00:00Z"


def _uuid(*parts: str) -> str:
    return str(uuid.uuid5(_NAMESPACE, "\x1f".join(parts)))
