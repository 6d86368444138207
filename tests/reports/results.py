"""Results for the tests of reports, made by hand: the engine and its rules are no part of what is tested here."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path

from recordscan.controls import record_frameworks
from recordscan.document import load_result
from recordscan.facts import Citation, Json, Reason
from recordscan.history import History
from recordscan.result import (
    RESULT_SCHEMA_VERSION,
    AbilityRecord,
    AccessGap,
    AccessRecord,
    Assessment,
    BaselineEntry,
    BaselineRecord,
    ControlRecord,
    ControlStatus,
    Coverage,
    Evidence,
    FindingRecord,
    FrameworkRecord,
    Gap,
    Gate,
    MappingRecord,
    Outcome,
    Population,
    RuleRecord,
    RunRecord,
    ScanRecord,
    ScanResult,
    SubjectRecord,
    Verdict,
    WaiverRecord,
    WaiverState,
    WitnessRecord,
    fingerprint,
)
from recordscan.rule import Severity, official, proposal
from recordscan.score import score_of

ACCOUNT = "123456789012"
TWILIO = "AC" + "5" * 32

PAYLOADS = (
    "<script>window.__pwn=1</script>",
    "</script><script>window.__pwn=2</script>",
    "<!--<script>window.__pwn=3//",
    "</pre></code></style></title><img src=x onerror=window.__pwn=4>",
    "\"onmouseover='window.__pwn=5' autofocus onfocus=window.__pwn=6 x=\"",
    "' onclick=window.__pwn=7 '",
    "<svg onload=window.__pwn=8><animate onbegin=window.__pwn=9>",
    "<details open ontoggle=window.__pwn=10>",
    "javascript:window.__pwn=11",
    "{{ 7*7 }}{% raw %}${7*7}<%= 7*7 %>#{7*7}",
    "<a href=https://attacker.example/>click</a><meta http-equiv=refresh content=0;url=https://attacker.example/>",
    "<link rel=stylesheet href=https://attacker.example/x.css><base href=https://attacker.example/>",
    "line one\u2028line two\u2029line three\r\nline four\ttab\x00nul",
    "acme\u202egpj.exe\u202c\u2066hidden\u2069",
    "zero\u200bwidth\u200djoin\ufeffbom\u00adsoft",
    "\x1b[31mred\x1b[0m\x1b]8;;https://attacker.example/\x07link\x1b]8;;\x07\x9b31m",
    '=HYPERLINK("https://attacker.example/","x")',
    "@SUM(1+1)*cmd|' /C calc'!A0",
    "lone\ud800surrogate\udfff",
    "::error title=x::injected%0A",
    "very-long-" + "a" * 3000,
    "会議室 – Größe – مكتب",
)
"""Names as an attacker might choose them, and honest ones that look strange."""


def target(name: str = "Recordings of prod-video", uid: str = f"twilio:{TWILIO}/recordings") -> SubjectRecord:
    return SubjectRecord(uid=uid, kind="target", name=name, provider="twilio", account=TWILIO, region=None)


def rule(id: str, title: str, severity: Severity, family: str = "bucket", **parts: Json) -> RuleRecord:
    defaults: dict[str, Json] = {
        "rationale": f"Why it matters: `{id}` keeps recordings from being lost.\n\n- one reason\n- **another** reason",
        "remediation": f"Set it right, for example:\n\n```\naws s3api put-{id} \\\n  --bucket NAME\n```\n\nScan again.",
        "controls": (*official(security_hub=["S3.14"]), *proposal(soc2=["CC6.1"])),
        "references": ("https://docs.aws.amazon.com/AmazonS3/latest/userguide/Versioning.html",),
        "guide": "You must create an S3 bucket for your recordings.",
        "peers": ("prowler:s3_bucket_object_versioning",),
    }
    return RuleRecord(id=id, title=title, severity=severity, family=family, **{**defaults, **parts})


def evidence(operation: str, answer: Json, request: dict[str, Json] | None = None, **parts: Json) -> Evidence:
    question = json.dumps([operation, parts.get("account"), request], sort_keys=True)
    defaults: dict[str, Json] = {
        "account": TWILIO if operation.startswith("twilio") else ACCOUNT,
        "region": None,
        "outcome": "answered",
        "error_code": None,
        "error_message": None,
        "http_status": None,
        "reason": None,
        "permission": None,
        "collected_at": "2026-03-02T21:04:11Z",
        "attempts": 1,
        "request_id": "4442587FB7D0A2F9",
        "redactions": (),
    }
    return Evidence(
        id="ev-" + hashlib.sha256(question.encode()).hexdigest()[:16],
        sha256=hashlib.sha256(json.dumps(answer, sort_keys=True).encode()).hexdigest(),
        operation=operation,
        request=request or {},
        answer=answer,
        **{**defaults, **parts},
    )


def denied(operation: str, permission: str, request: dict[str, Json] | None = None) -> Evidence:
    return evidence(
        operation,
        None,
        request,
        outcome="failed",
        error_code="AccessDenied",
        error_message=f"the scanner is not allowed to perform {permission}",
        http_status=403,
        reason=Reason.ACCESS_DENIED,
        permission=permission,
    )


def finding(
    message: str,
    severity: Severity,
    *resources: str,
    expected: str | None = None,
    observed: str | None = None,
    evidence: tuple[Citation, ...] = (),
) -> FindingRecord:
    return FindingRecord(
        message=message,
        severity=severity,
        resources=resources,
        expected=expected,
        observed=observed,
        evidence=evidence,
        fingerprint=fingerprint("finding", ascii(message), *map(ascii, resources)),
    )


def assessment(
    of: RuleRecord, subject: SubjectRecord, outcome: Outcome, *cited: Citation, findings: tuple[FindingRecord, ...] = ()
) -> Assessment:
    worst = max((found.severity for found in findings), key=lambda severity: severity.rank, default=of.severity)
    return Assessment(
        rule_id=of.id,
        subject=subject,
        outcome=outcome,
        severity=worst,
        findings=findings,
        evidence=cited,
        fingerprint=fingerprint(of.id, ascii(subject.uid)),
    )


def unknown(
    of: RuleRecord, subject: SubjectRecord, reason: Reason, detail: str, permission: str | None, *cited: Citation
) -> Assessment:
    return replace(
        assessment(of, subject, Outcome.UNKNOWN, *cited), reason=reason, detail=detail, permission=permission
    )


def result(
    assessments: tuple[Assessment, ...],
    rules: tuple[RuleRecord, ...],
    evidences: tuple[Evidence, ...],
    *,
    verdict: Verdict,
    exit_status: int,
    exit_reason: str,
    population: tuple[Population, ...] = (),
    not_selected: dict[str, str] | None = None,
    left_out: tuple[RuleRecord, ...] = (),
    notices: tuple[str, ...] = (),
    interrupted: bool = False,
) -> ScanResult:
    applicable = [a for a in assessments if a.outcome is not Outcome.NOT_APPLICABLE]
    open_ = [a for a in applicable if a.outcome is Outcome.UNKNOWN]
    operations = {e.id: e.operation for e in evidences if e.outcome == "failed"}
    gaps: dict[tuple[Reason, str, str | None], list[Assessment]] = {}
    for item in open_:
        gaps.setdefault((item.reason or Reason.INTERNAL_ERROR, item.detail or "", item.permission), []).append(item)
    made = ScanResult(
        schema_version=RESULT_SCHEMA_VERSION,
        scan=ScanRecord(
            scan_id="0195a3c2-7d1e-7c44-9f0a-3b6d2c9e8f11",
            started="2026-03-02T21:04:00Z",
            ended="2026-03-02T21:06:11Z",
            tool_version="1.0.0",
            collector_version="1.0.0",
            asked_by={
                "aws": f"arn:aws:sts::{ACCOUNT}:assumed-role/recordscan/audit",
                f"twilio:{TWILIO}": "restricted API key",
            },
            scope={
                "twilio_accounts": [{"sid": TWILIO, "label": "prod-video"}],
                "buckets": [],
                "whole_account": False,
                "alerts_since": "2026-02-01",
            },
            profile={"storage": "external", "key_max_age_days": 90, "retention_max_days": None},
            interrupted=interrupted,
            notices=notices,
            action_data="2026-02-27",
        ),
        gate=Gate(fail_on=Severity.CRITICAL, verdict=verdict, exit_status=exit_status, exit_reason=exit_reason),
        coverage=Coverage(
            planned=len(applicable),
            evaluated=len(applicable) - len(open_),
            gaps=tuple(
                Gap(
                    reason=reason,
                    detail=detail,
                    permission=permission,
                    operations=tuple(
                        sorted(
                            {operations[c.observation] for a in of for c in a.evidence if c.observation in operations}
                        )
                    ),
                    assessments=len(of),
                    severity=max((a.severity for a in of), key=lambda severity: severity.rank),
                )
                for (reason, detail, permission), of in gaps.items()
            ),
            population=population,
            not_selected=not_selected or {},
        ),
        rules=rules,
        assessments=assessments,
        evidence=evidences,
        frameworks=record_frameworks(("security_hub", "soc2"), rules, assessments, left_out=left_out),
    )
    return replace(made, score=score_of(assessments, made.coverage, interrupted=interrupted))


def trend(of: ScanResult, number: int = 4) -> tuple[RunRecord, ...]:
    """Runs up to that of a result; the rules are others from the third on, and nothing applied in the second."""
    own = History().summary(of)
    return tuple(
        own
        if at == number - 1
        else replace(
            own,
            scan_id=str(at),
            started=f"2026-02-{at + 1:02}T21:04:00Z",
            failing={Severity.CRITICAL: at, Severity.LOW: 2},
            planned=0 if at == 1 else own.planned,
            rules_sha256="f" * 16 if at < 2 else own.rules_sha256,
            rules_added=3 if at == 2 else 0,
        )
        for at in range(number)
    )


KEY_REGION = rule("key-region", "The bucket and its KMS key are in one Region", Severity.CRITICAL, "keys")
WRITER = rule("writer-least-privilege", "The writer can write media and nothing else", Severity.HIGH, "writer")
VERSIONING = rule("bucket-versioning", "The bucket keeps versions of its objects", Severity.MEDIUM)
LIFECYCLE = rule("bucket-lifecycle", "The bucket ends the life of its objects", Severity.LOW, "retention")
LOGGING = rule("bucket-logging", "Access to the bucket is logged", Severity.MEDIUM, "audit-trail")
TLS = rule("transport-tls", "The bucket refuses requests without TLS", Severity.HIGH, "transport")
PUBLIC = rule("exposure-public-access", "The bucket blocks all public access", Severity.CRITICAL, "exposure")
COMPOSED = rule("media-composed", "Composed Recordings are deleted at Twilio", Severity.INFO, "media")
REPLICATION = rule(
    "bucket-replication",
    "The bucket is replicated",
    Severity.LOW,
    controls=(*official(security_hub=["S3.7", "S3.14"]), *proposal(soc2=["A1.2"])),
)
RULES = (KEY_REGION, WRITER, VERSIONING, LIFECYCLE, LOGGING, TLS, PUBLIC, COMPOSED)

SETTINGS = evidence(
    "twilio:FetchRecordingSettings",
    {
        "account_sid": TWILIO,
        "aws_credentials_sid": "CR" + "7" * 32,
        "aws_s3_url": "https://acme-recordings.s3.us-east-1.amazonaws.com/twilio",
        "aws_storage_enabled": True,
        "encryption_enabled": False,
        "friendly_name": "Production",
    },
    {},
)
ENCRYPTION = evidence(
    "s3:GetBucketEncryption",
    {
        "ServerSideEncryptionConfiguration": {
            "Rules": [
                {
                    "ApplyServerSideEncryptionByDefault": {
                        "KMSMasterKeyID": f"arn:aws:kms:eu-west-1:{ACCOUNT}:key/7c9e6679-7425-40de-944b-e07fc1f90ae7",
                        "SSEAlgorithm": "aws:kms",
                    },
                    "BucketKeyEnabled": True,
                }
            ]
        }
    },
    {"Bucket": "acme-recordings"},
)
BUCKET = evidence("s3:HeadBucket", {"BucketRegion": "us-east-1"}, {"Bucket": "acme-recordings"}, region="us-east-1")
VERSIONS = evidence("s3:GetBucketVersioning", {}, {"Bucket": "acme-recordings"})
POLICY = evidence(
    "iam:GetUserPolicy",
    {
        "UserName": "twilio-writer",
        "PolicyName": "write",
        "PolicyDocument": {
            "Version": "2012-10-17",
            "Statement": [
                {"Effect": "Allow", "Action": ["s3:PutObject"], "Resource": "arn:aws:s3:::acme-recordings/twilio/*"},
                {"Effect": "Allow", "Action": "s3:*", "Resource": "*", "Sid": "EverythingElse"},
            ],
        },
    },
    {"UserName": "twilio-writer", "PolicyName": "write"},
)
RECORDINGS = evidence(
    "twilio:ListRecordings",
    [{"sid": f"RT{number:032d}", "size": 1000 + number, "status": "completed"} for number in range(60)],
    {"status": "completed"},
)
KEY_DENIED = denied("kms:DescribeKey", "kms:DescribeKey", {"KeyId": "7c9e6679-7425-40de-944b-e07fc1f90ae7"})
LIFECYCLE_ABSENT = evidence(
    "s3:GetBucketLifecycleConfiguration",
    None,
    {"Bucket": "acme-recordings"},
    outcome="absent",
    error_code="NoSuchLifecycleConfiguration",
    http_status=404,
)
EVIDENCE = (SETTINGS, ENCRYPTION, BUCKET, VERSIONS, POLICY, RECORDINGS, KEY_DENIED, LIFECYCLE_ABSENT)

POPULATION = (
    Population(kind="Twilio accounts", count=1, enumerated_by=("configuration",), complete=True),
    Population(kind="targets", count=2, enumerated_by=("twilio:FetchRecordingSettings",), complete=True),
    Population(kind="Recordings", count=60, enumerated_by=("twilio:ListRecordings",), complete=False),
)


def ability(
    name: str,
    *because: str,
    resource: str = "arn:aws:s3:::acme-recordings/twilio/RT1.mka",
    depends_on: tuple[str, ...] = (),
) -> AbilityRecord:
    """Something that a principal can do; surely, unless it depends on something."""
    return AbilityRecord(
        ability=name,
        certain=not depends_on,
        witness=(WitnessRecord(action=f"s3:{name.capitalize()}Object", resource=resource),),
        because=because,
        depends_on=depends_on,
    )


ACCESS = (
    AccessRecord(
        target=target().uid,
        principal=f"arn:aws:iam::{ACCOUNT}:role/video-reviewers",
        kind="role",
        abilities=(
            ability("fetch", "statement Read of policy review allows it"),
            ability("read", "statement Read of policy review allows it"),
        ),
    ),
    AccessRecord(
        target=target().uid,
        principal="other accounts",
        kind="other accounts",
        abilities=(
            ability(
                "write",
                "statement Partners of bucket policy allows it under conditions",
                depends_on=("aws:SourceVpce", "the policies of the other account are not read"),
            ),
        ),
    ),
)
ACCESS_GAP = AccessGap(
    target=f"twilio:{TWILIO}/compositions",
    reason=Reason.ACCESS_DENIED,
    detail="kms:GetKeyPolicy was denied",
    permission="kms:GetKeyPolicy",
)


def varied() -> ScanResult:
    """Each outcome, each severity, all kinds of evidence; nothing hostile."""
    recordings = target()
    compositions = target("Compositions of prod-video", f"twilio:{TWILIO}/compositions")
    place = f"{'/ServerSideEncryptionConfiguration/Rules/0/ApplyServerSideEncryptionByDefault/KMSMasterKeyID'}"
    statement = Citation(POLICY.id, "/PolicyDocument/Statement/1")
    assessments = [
        assessment(
            KEY_REGION,
            recordings,
            Outcome.FAIL,
            Citation(SETTINGS.id, "/aws_s3_url"),
            Citation(BUCKET.id, "/BucketRegion"),
            Citation(ENCRYPTION.id, place),
            findings=(
                finding(
                    "The KMS key of acme-recordings is in eu-west-1, the bucket in us-east-1: every upload fails.",
                    Severity.CRITICAL,
                    f"arn:aws:kms:eu-west-1:{ACCOUNT}:key/7c9e6679-7425-40de-944b-e07fc1f90ae7",
                    "arn:aws:s3:::acme-recordings",
                    expected="a key in us-east-1",
                    observed="a key in eu-west-1",
                ),
            ),
        ),
        assessment(
            WRITER,
            recordings,
            Outcome.FAIL,
            Citation(SETTINGS.id, "/aws_credentials_sid"),
            Citation(POLICY.id, ""),
            findings=(
                finding(
                    "The writer twilio-writer may read and delete every object of the account.",
                    Severity.HIGH,
                    f"arn:aws:iam::{ACCOUNT}:user/twilio-writer",
                    expected="s3:PutObject below the prefix only",
                    observed="s3:* on *",
                    evidence=(statement,),
                ),
                finding(
                    "The writer twilio-writer may upload outside of the prefix.",
                    Severity.MEDIUM,
                    "arn:aws:s3:::acme-recordings/*",
                    evidence=(statement,),
                ),
            ),
        ),
        assessment(
            VERSIONING,
            recordings,
            Outcome.FAIL,
            Citation(SETTINGS.id, "/aws_s3_url"),
            Citation(VERSIONS.id, "/Status"),
            findings=(
                finding(
                    "Versioning of acme-recordings was never switched on.",
                    Severity.MEDIUM,
                    "arn:aws:s3:::acme-recordings",
                    expected="Enabled",
                    observed="never configured",
                ),
            ),
        ),
        assessment(
            LIFECYCLE,
            recordings,
            Outcome.FAIL,
            Citation(LIFECYCLE_ABSENT.id, ""),
            findings=(finding("Objects in acme-recordings are kept for ever.", Severity.LOW),),
        ),
        assessment(
            COMPOSED,
            recordings,
            Outcome.FAIL,
            *(Citation(RECORDINGS.id, f"/{number}/status") for number in (7, 31)),
            findings=(finding("2 Recordings are still at Twilio.", Severity.INFO, "RT" + "0" * 31 + "7"),),
        ),
        unknown(
            KEY_REGION,
            compositions,
            Reason.ACCESS_DENIED,
            "the scanner may not read the KMS key in eu-west-1",
            "kms:DescribeKey",
            Citation(KEY_DENIED.id),
        ),
        unknown(
            LOGGING,
            recordings,
            Reason.UNDECIDABLE,
            "a policy condition compares with a value that is known only when a request is made",
            None,
            Citation(POLICY.id, "/PolicyDocument/Statement/0"),
        ),
        replace(
            assessment(
                LIFECYCLE,
                compositions,
                Outcome.WAIVED,
                Citation(LIFECYCLE_ABSENT.id),
                findings=(finding("Objects in acme-compositions are kept for ever.", Severity.LOW, "compositions"),),
            )
        ),
        assessment(TLS, recordings, Outcome.PASS, Citation(SETTINGS.id, "/aws_s3_url")),
        assessment(PUBLIC, recordings, Outcome.PASS, Citation(SETTINGS.id, "/aws_storage_enabled")),
        assessment(PUBLIC, compositions, Outcome.PASS, Citation(BUCKET.id, "/BucketRegion")),
        replace(
            assessment(COMPOSED, compositions, Outcome.NOT_APPLICABLE),
            detail="Compositions are not made of themselves",
        ),
    ]
    made = result(
        tuple(assessments),
        RULES,
        EVIDENCE,
        verdict=Verdict.FAIL_INCOMPLETE,
        exit_status=1,
        exit_reason="1 check at or above critical failed",
        population=POPULATION,
        not_selected={"bucket-replication": "--exclude bucket-replication"},
        left_out=(REPLICATION,),
        notices=("the rule acme-tags comes from the plugin acme_rules",),
    )
    return replace(made, access=ACCESS, access_gaps=(ACCESS_GAP,), trend=trend(made))


def clean() -> ScanResult:
    """Everything passes."""
    return result(
        (assessment(TLS, target(), Outcome.PASS, Citation(SETTINGS.id, "/aws_s3_url")),),
        (TLS,),
        (SETTINGS,),
        verdict=Verdict.PASS,
        exit_status=0,
        exit_reason="no check at or above critical failed, and all could be decided",
        population=(
            Population(kind="targets", count=1, enumerated_by=("twilio:FetchRecordingSettings",), complete=True),
        ),
    )


def empty() -> ScanResult:
    """Nothing was judged."""
    return result(
        (), (), (), verdict=Verdict.INCOMPLETE, exit_status=3, exit_reason="nothing could be judged", interrupted=True
    )


def hostile(payloads: tuple[str, ...] = PAYLOADS) -> ScanResult:
    """Each payload in each place that a cloud, a plugin or a configuration can fill."""
    rules, assessments, observations = [], [], []
    for number, payload in enumerate(payloads):
        of = rule(
            f"hostile-{number}",
            payload,
            Severity.HIGH,
            payload,
            rationale=f"{payload}\n\n- `{payload}`\n\n```\n{payload}\n```",
            remediation=f"**{payload}**\n\n1. {payload}",
            controls=official(soc2=[payload]),
            references=("https://docs.aws.amazon.com/", payload),
            guide=payload,
            peers=(payload,),
        )
        subject = SubjectRecord(
            uid=f"uid-{number}-{payload}", kind=payload, name=payload, provider=payload, account=payload, region=payload
        )
        answer = {payload: payload, "list": [payload, {payload: [payload]}], "missing": {}}
        answered = evidence(f"s3:{payload}", answer, {payload: payload}, region=payload, redactions=(payload,))
        failed = replace(
            denied(f"iam:{payload}", payload, {payload: payload}), error_code=payload, error_message=payload
        )
        places = tuple(
            Citation(answered.id, pointer)
            for pointer in ("/list/0", f"/missing/{payload}", "/" + payload.replace("~", "~0").replace("/", "~1"))
        )
        defect = finding(payload, Severity.HIGH, payload, expected=payload, observed=payload, evidence=places)
        rules.append(of)
        observations += [answered, failed]
        assessments += [
            assessment(of, subject, Outcome.FAIL, *places, findings=(defect,)),
            unknown(
                of,
                replace(subject, uid=f"unknown-{number}"),
                Reason.ACCESS_DENIED,
                payload,
                payload,
                Citation(failed.id),
            ),
            assessment(of, replace(subject, uid=f"pass-{number}"), Outcome.PASS, *places),
            replace(assessment(of, replace(subject, uid=f"none-{number}"), Outcome.NOT_APPLICABLE), detail=payload),
        ]
    made = result(
        tuple(assessments),
        tuple(rules),
        tuple(observations),
        verdict=Verdict.INCOMPLETE,
        exit_status=3,
        exit_reason=" ".join(payloads),
        population=tuple(
            Population(kind=payload, count=1, enumerated_by=(payload,), complete=False) for payload in payloads
        ),
        not_selected={payload: payload for payload in payloads},
        notices=payloads,
    )
    scan = replace(
        made.scan,
        asked_by={payload: payload for payload in payloads},
        scope={payload: payload for payload in payloads},
        profile={payload: [payload] for payload in payloads},
    )
    access = tuple(
        AccessRecord(
            target=f"uid-{number}-{payload}",
            principal=payload,
            kind=payload,
            abilities=(
                ability("read", payload, resource=payload),
                ability("write", payload, resource=payload, depends_on=(payload,)),
            ),
        )
        for number, payload in enumerate(payloads)
    )
    gaps = tuple(
        AccessGap(target=payload, reason=Reason.ACCESS_DENIED, detail=payload, permission=payload)
        for payload in payloads
    )
    frameworks = tuple(
        FrameworkRecord(
            id=payload,
            name=payload,
            version=payload,
            publisher=payload,
            url=payload,
            note=payload,
            controls=(
                ControlRecord(
                    id=payload,
                    title=payload,
                    standards=(payload,),
                    status=ControlStatus.FAIL,
                    outcomes={Outcome.FAIL: 1},
                    mappings=(
                        MappingRecord(rule_id=f"hostile-{number}", control=f"part of {payload}", mark="proposal"),
                        MappingRecord(rule_id=payload, control=payload, mark="peer"),
                    ),
                    left_out=(payload,),
                ),
                ControlRecord(
                    id=f"other {payload}",
                    title=payload,
                    standards=(),
                    status=ControlStatus.NOT_TESTED,
                    outcomes={},
                    mappings=(),
                    left_out=(),
                ),
            ),
        )
        for number, payload in enumerate(payloads)
    )
    run = History().summary(made)
    runs = tuple(replace(run, verdict=payload, started=payload, rules_sha256=payload) for payload in payloads)
    return replace(made, scan=scan, access=access, access_gaps=gaps, frameworks=frameworks, trend=runs)


def crowded(number: int) -> ScanResult:
    """So many failed checks, every fifth critical and the others low, and three unknown ones in an account each."""
    rules = (KEY_REGION, LIFECYCLE)
    failed = tuple(
        assessment(
            of,
            target(f"Recordings {at}", f"twilio:{TWILIO}/recordings/{at}"),
            Outcome.FAIL,
            Citation(BUCKET.id, "/BucketRegion"),
            findings=(finding(f"the bucket number {at} is wrong", of.severity, f"arn:aws:s3:::acme-{at}"),),
        )
        for at in range(number)
        for of in (rules[at % 5 > 0],)
    )
    gaps = tuple(
        unknown(
            KEY_REGION,
            replace(target(f"Compositions {at}", f"twilio:{TWILIO}/compositions/{at}"), account=f"AC{at:032d}"),
            Reason.ACCESS_DENIED,
            "the scanner may not read the KMS key",
            "kms:DescribeKey",
            Citation(KEY_DENIED.id),
        )
        for at in range(3)
    )
    return result(
        (*failed, *gaps),
        rules,
        (BUCKET, KEY_DENIED),
        verdict=Verdict.FAIL_INCOMPLETE,
        exit_status=1,
        exit_reason=f"{number} checks failed",
    )


def waiver(id: str, of: RuleRecord, **parts: Json) -> WaiverRecord:
    """A waiver in force that covers one finding."""
    defaults: dict[str, Json] = {
        "match": {"subject": f"twilio:{TWILIO}/compositions"},
        "severity_at_most": of.severity,
        "kind": "risk_accepted",
        "reason": "Objects are deleted by hand until the move in spring.",
        "owner": "video@example.org",
        "requested_by": None,
        "approved_by": "ciso@example.org",
        "approved_on": "2026-01-02",
        "created": "2026-01-01",
        "expires": "2026-04-30",
        "ticket": "https://tracker.example.org/SEC-1042",
        "compensating_controls": ("SEC-221",),
        "state": WaiverState.ACTIVE,
        "matched": 1,
        "applied": 1,
        "notes": (),
    }
    return WaiverRecord(id=id, rule=of.id, **{**defaults, **parts})


WAIVERS = (
    waiver("WV-2026-014", LIFECYCLE),
    waiver("WV-2026-015", WRITER, expires="2026-03-10", state=WaiverState.EXPIRING),
    waiver("WV-2026-016", LOGGING, kind="accept_gap"),
    waiver("WV-2026-017", VERSIONING, approved_by=None, approved_on=None, state=WaiverState.PENDING, applied=0),
)


def accepted() -> ScanResult:
    """`varied()` with waivers, of a whole check, of one of two findings and of a gap, and with a baseline."""
    result = varied()
    old = "2026-01-05T03:00:00Z"

    def labelled(found: FindingRecord, waived_by: str | None) -> FindingRecord:
        existing = found.severity is not Severity.MEDIUM
        return replace(
            found,
            waiver=waived_by,
            lifecycle="existing" if existing else "new",
            first_seen=old if existing else result.scan.started,
        )

    def covered(item: Assessment) -> Assessment:
        if item.outcome is Outcome.UNKNOWN:
            return replace(item, waiver="WV-2026-016" if item.rule_id == LOGGING.id else None)
        if item.outcome is Outcome.WAIVED:
            return replace(item, findings=tuple(labelled(found, "WV-2026-014") for found in item.findings))
        last = "WV-2026-015" if item.rule_id == WRITER.id else None
        findings = tuple(labelled(f, last if f is item.findings[-1] else None) for f in item.findings)
        if item.rule_id == VERSIONING.id:
            findings = tuple(replace(found, pending="WV-2026-017") for found in findings)
        return replace(item, findings=findings)

    resolved = BaselineEntry(
        fingerprint=fingerprint("gone"),
        rule_id=TLS.id,
        subject=target().uid,
        severity=Severity.HIGH,
        message="the bucket acme-recordings takes requests without TLS",
        waived=False,
        first_seen=old,
    )
    return replace(
        result,
        assessments=tuple(map(covered, result.assessments)),
        waivers=WAIVERS,
        baseline=BaselineRecord(scan_id="earlier", created=old, entries=6, resolved=(resolved,), not_observed=()),
    )


@cache
def demo() -> ScanResult:
    """The stored result of the made-up company."""
    return load_result((Path(__file__).parents[2] / "examples" / "hollow-creek" / "result.json").read_bytes())


RESULTS: list[Callable[[], ScanResult]] = [demo, varied, accepted, clean, empty, hostile]
"""What every format must be able to hold."""
