"""AWS Security Finding Format: what Security Hub CSPM imports with `BatchImportFindings`, 100 at a time.

Each check is one finding whose Id stays the same, also when its rule is renamed, so that the next import moves it to
PASSED or FAILED. `UpdatedAt` and `LastObservedAt` are the end of the scan. With a baseline or an earlier result,
`CreatedAt` is the first scan that judged the check and `FirstObservedAt` the first that saw it fail, so that both stay;
without one these are the end of the scan, too, and move with every scan.

A finding belongs to the AWS account and Region of the bucket that its target writes to; without one, to the account
that the scanner asked with and to a home Region. `Workflow` is heeded by Security Hub on the first import only. A check
that does not fail any more is the same finding, moved to PASSED, so that nothing needs to be archived.

Source: https://docs.aws.amazon.com/securityhub/latest/userguide/securityhub-findings-format.html
"""

import json
import re
from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import Self

from recordscan.estate.arn import parse_arn
from recordscan.facts import Json
from recordscan.result import Outcome, ScanResult
from recordscan.rule import FRAMEWORKS, Severity
from recordscan_reports.checks import TOOL, Check, Report, control_name, read
from recordscan_reports.plain import link, present, shorten

RESOURCES_SHOWN = 32
REQUIREMENTS_SHOWN = 32
STANDARDS_SHOWN = 20
NO_ACCOUNT = "000000000000"

_ACCOUNT = re.compile(r"\d{12}\Z", re.ASCII)
_REGION = re.compile(r"[a-z]{2}(-[a-z]+){1,3}-\d\Z", re.ASCII)


class Region(str):
    """The name of an AWS Region."""

    __slots__ = ()

    def __new__(cls, text: str) -> Self:
        """Raises ValueError for what is none."""
        if _REGION.match(text) is None:
            raise ValueError(f"{text!r} is no Region, such as eu-west-1")
        return super().__new__(cls, text)


HOME_REGION = Region("us-east-1")
_PARTITIONS = ("aws", "aws-cn", "aws-us-gov")

_STATUSES = {
    Outcome.PASS: "PASSED",
    Outcome.FAIL: "FAILED",
    Outcome.WAIVED: "FAILED",
    Outcome.UNKNOWN: "WARNING",
    Outcome.NOT_APPLICABLE: "NOT_AVAILABLE",
}

_LABELS = {
    Severity.INFO: "INFORMATIONAL",
    Severity.LOW: "LOW",
    Severity.MEDIUM: "MEDIUM",
    Severity.HIGH: "HIGH",
    Severity.CRITICAL: "CRITICAL",
}

_TYPES = {
    ("s3", ""): "AwsS3Bucket",
    ("s3", "object"): "AwsS3Object",
    ("kms", "key"): "AwsKmsKey",
    ("iam", "user"): "AwsIamUser",
    ("iam", "role"): "AwsIamRole",
    ("iam", "group"): "AwsIamGroup",
    ("iam", "policy"): "AwsIamPolicy",
    ("cloudtrail", "trail"): "AwsCloudTrailTrail",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Home:
    """Where a finding belongs."""

    partition: str
    account: str
    region: str

    @property
    def product(self) -> str:
        """The product that an account's own findings come from."""
        return f"arn:{self.partition}:securityhub:{self.region}:{self.account}:product/{self.account}/default"


def render(result: ScanResult, *, home_region: Region = HOME_REGION) -> str:
    """Write a JSON array of findings; an empty one where nothing was judged.

    Args:
        result: What to write.
        home_region: Where findings belong that rest on no bucket, such as those of IAM.
    """
    report = read(result)
    homes = _homes(report, home_region)
    findings = [_finding(report.result, check, homes[check.subject.uid]) for check in report.checks]
    return json.dumps(findings) + "\n"


def _finding(result: ScanResult, check: Check, home: _Home) -> Json:
    ended = result.scan.ended
    failed = check.raw_outcome is Outcome.FAIL
    address = next(filter(None, map(link, check.rule.references)), None)
    finding: dict[str, Json] = {
        "SchemaVersion": "2018-10-08",
        "Id": f"{home.region}/{home.account}/{check.lasting_id}",
        "ProductArn": home.product,
        "GeneratorId": shorten(f"{TOOL}/{check.rule.id}", 512),
        "AwsAccountId": home.account,
        "Types": ["Software and Configuration Checks/Industry and Regulatory Standards"],
        "CreatedAt": check.known_since or ended,
        "UpdatedAt": ended,
        "FirstObservedAt": (check.first_seen or ended) if failed else None,
        "LastObservedAt": ended if failed else None,
        "Title": _filled(check.rule.title, 256),
        "Description": _filled(check.message, 1024),
        "Remediation": {"Recommendation": present({"Text": _filled(check.remediation, 512), "Url": address})},
        "ProductFields": _fields(result, check),
        "Resources": _resources(check),
        "Compliance": _compliance(check),
        "RecordState": "ACTIVE",
        "Workflow": {"Status": "SUPPRESSED"} if check.outcome is Outcome.WAIVED else None,
        "FindingProviderFields": {
            "Severity": {
                "Label": "INFORMATIONAL" if check.outcome is Outcome.PASS else _LABELS[check.severity],
                "Original": str(check.severity),
            },
            "Types": ["Software and Configuration Checks/Industry and Regulatory Standards"],
        },
    }
    return present(finding)


def _compliance(check: Check) -> Json:
    controls = [_filled(control_name(control), 64) for control in check.rule.controls]
    standards = dict.fromkeys(FRAMEWORKS.get(of.framework, of.framework) for of in check.rule.controls)
    reasons = []
    if check.outcome in (Outcome.UNKNOWN, Outcome.NOT_APPLICABLE):
        code = (check.reason_code or check.outcome).upper()
        reasons.append({"ReasonCode": code, "Description": _filled(check.message, 1024)})
    return present(
        {
            "Status": _STATUSES[check.outcome],
            "RelatedRequirements": controls[:REQUIREMENTS_SHOWN],
            "AssociatedStandards": [{"StandardsId": _filled(name, 256)} for name in standards][:STANDARDS_SHOWN],
            "StatusReasons": reasons,
        }
    )


def _fields(result: ScanResult, check: Check) -> dict[str, str]:
    fields = {
        "fingerprint": check.fingerprint,
        "scan_id": result.scan.scan_id,
        "status": str(check.outcome),
        "target": check.subject.uid,
        "target_name": check.subject.name,
        "permission": check.assessment.permission,
        "expected": check.expected,
        "observed": check.observed,
        # What is among the related requirements by no word of the framework or of AWS.
        "proposed_requirements": "; ".join(control_name(c) for c in check.rule.controls if c.mark != "official"),
        "evidence_sha256": " ".join(item.sha256 for item in check.evidence[:10]),
        "waiver": check.waiver_sentence if check.waivers or check.outcome is Outcome.WAIVED else None,
    }
    return {f"{TOOL}/{name}": _filled(value, 1023) for name, value in fields.items() if value}


def _resources(check: Check) -> list[Json]:
    resources = [_resource(check, uid) for uid in check.resources if parse_arn(uid)]
    others = [uid for uid in dict.fromkeys((*check.resources, check.subject.uid)) if not parse_arn(uid)]
    return [*resources[: RESOURCES_SHOWN - 1], *(_other(check, uid) for uid in others)][:RESOURCES_SHOWN]


def _resource(check: Check, uid: str) -> Json:
    arn = parse_arn(uid)
    if arn is None:
        return _other(check, uid)
    kind, slash, _ = arn.resource.partition("/")
    if arn.service == "s3":
        kind = "object" if slash else ""
    return present(
        {
            "Type": _TYPES.get((arn.service, kind), "Other"),
            "Id": _filled(uid, 512),
            "Partition": arn.partition if arn.partition in _PARTITIONS else None,
            "Region": arn.region if _REGION.match(arn.region) else None,
        }
    )


def _other(check: Check, uid: str) -> Json:
    subject = check.subject
    told = {"Provider": subject.provider, "Account": subject.account}
    if uid == subject.uid:
        told |= {"Name": subject.name, "Kind": subject.kind}
    details = {name: _filled(value, 1023) for name, value in told.items() if value}
    return present({"Type": "Other", "Id": _filled(uid, 512), "Details": {"Other": details} if details else None})


def _homes(report: Report, home_region: str) -> dict[str, _Home]:
    """Subject → where its findings belong: the place of the bucket that most of its checks rest on."""
    asked_by = parse_arn(report.result.scan.asked_by.get("aws", ""))
    fallback = _Home(
        partition=asked_by.partition if asked_by and asked_by.partition in _PARTITIONS else "aws",
        account=asked_by.account if asked_by and _ACCOUNT.match(asked_by.account) else NO_ACCOUNT,
        region=home_region,
    )
    buckets = {
        item.id: (item.account or "", str(item.answer.get("BucketRegion")))
        for item in report.result.evidence
        if item.operation == "s3:HeadBucket" and isinstance(item.answer, dict)
    }
    votes: dict[str, Counter[tuple[str, str]]] = defaultdict(Counter)
    for check in report.checks:
        names = {place.observation for place in check.assessment.evidence}
        votes[check.subject.uid].update(buckets[name] for name in sorted(names) if name in buckets)
    homes = {}
    for check in report.checks:
        subject = check.subject
        found = sorted(votes[subject.uid].items(), key=lambda vote: (-vote[1], vote[0]))
        account, region = found[0][0] if found else ("", "")
        if subject.provider == "aws":
            account, region = subject.account or account, subject.region or region
        homes[subject.uid] = _Home(
            partition=fallback.partition,
            account=account if _ACCOUNT.match(account) else fallback.account,
            region=region if _REGION.match(region) else fallback.region,
        )
    return homes


def _filled(text: str, limit: int) -> str:
    """A text of at most `limit` characters that is not blank."""
    return shorten(text, limit) if text.strip() else "-"
