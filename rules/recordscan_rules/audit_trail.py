"""Who did what with recordings, afterwards."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta

from recordscan.estate.access import SAMPLE
from recordscan.estate.arn import parse_arn
from recordscan.estate.bucket import PUBLIC_ACCESS_FLAGS, PUBLIC_GROUPS, Bucket
from recordscan.estate.target import Target, bucket_of, location_of
from recordscan.estate.trail import Access, Recorder, Trail, bears_on_media, records_objects, unrecorded_management
from recordscan.facts import (
    Fact,
    Json,
    Known,
    Reason,
    Unavailable,
    all_true,
    any_true,
    derive,
    if_known,
    need,
    not_applicable,
    places,
    unavailable,
)
from recordscan.mending import bucket_step, record_management, record_objects, trail_step, update_trail
from recordscan.policy.authorize import Decision, Layers, authorize
from recordscan.policy.public import denied_to_others, pins_of, public_statements
from recordscan.policy.request import Context, Request, requester_of
from recordscan.policy.rows import Policy
from recordscan.profile import Profile
from recordscan.remedy import Order, Step, by_hand
from recordscan.rule import Finding, Findings, Severity, finding, official, peer, proposal, rule

_TRAILS = "https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-concepts.html"
_MANAGEMENT = (
    "https://docs.aws.amazon.com/awscloudtrail/latest/userguide/logging-management-events-with-cloudtrail.html"
)
_DATA_EVENTS = "https://docs.aws.amazon.com/awscloudtrail/latest/userguide/logging-data-events-with-cloudtrail.html"
_STATUS = "https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_GetTrailStatus.html"
_VALIDATION = "https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-log-file-validation-intro.html"
_TRAIL_KMS = (
    "https://docs.aws.amazon.com/awscloudtrail/latest/userguide/encrypting-cloudtrail-log-files-with-aws-kms.html"
)
_PROTECTING = "https://docs.aws.amazon.com/awscloudtrail/latest/userguide/best-practices-security.html"
_ENABLE_LOGGING = "https://docs.aws.amazon.com/AmazonS3/latest/userguide/enable-server-access-logging.html"
_CONTROLS = "https://docs.aws.amazon.com/securityhub/latest/userguide/cloudtrail-controls.html"


def log_into_new_bucket(target: Target) -> Iterator[Step]:
    """Makes a bucket for the logs, lets S3 deliver into it and nobody read it by policy, then switches logging on."""
    bucket = bucket_of(target)
    owner, region = need(bucket.owner), need(bucket.region)
    name = f"{bucket.name[:51]}-access-logs"
    arn = f"{bucket.arn.rpartition(':')[0]}:{name}"

    def on_logs(operation: str, does: str, order: Order, *warnings: str, **parameters: Json) -> Step:
        step = bucket_step(bucket, operation, does, order, *warnings)
        return replace(
            step, does=f"{does}: bucket {name}", parameters={**step.parameters, "Bucket": name, **parameters}
        )

    # A bucket of us-east-1 must be made without saying so.
    place = {} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}
    made = on_logs(
        "s3:CreateBucket",
        "makes a bucket for access logs",
        Order.PREPARE,
        "The name may be taken: choose another one then, in all steps. A log bucket that you have will do as well.",
        ObjectOwnership="BucketOwnerEnforced",
        **place,
    )
    # There is nobody yet whom the bucket could belong to.
    yield replace(made, parameters={k: v for k, v in made.parameters.items() if k != "ExpectedBucketOwner"})
    yield on_logs(
        "s3:PutPublicAccessBlock",
        "blocks all public access",
        Order.PREPARE,
        PublicAccessBlockConfiguration=dict.fromkeys(PUBLIC_ACCESS_FLAGS, True),
    )
    policy = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "S3DeliversAccessLogs",
                "Effect": "Allow",
                "Principal": {"Service": "logging.s3.amazonaws.com"},
                "Action": "s3:PutObject",
                "Resource": f"{arn}/{bucket.name}/*",
                "Condition": {"ArnLike": {"aws:SourceArn": bucket.arn}, "StringEquals": {"aws:SourceAccount": owner}},
            },
            {
                "Sid": "DenyInsecureTransport",
                "Effect": "Deny",
                "Principal": "*",
                "Action": "s3:*",
                "Resource": [arn, f"{arn}/*"],
                "Condition": {"Bool": {"aws:SecureTransport": "false"}},
            },
        ],
    }
    yield on_logs("s3:PutBucketPolicy", "lets S3 deliver access logs", Order.GRANT, Policy=json.dumps(policy))
    yield bucket_step(
        bucket,
        "s3:PutBucketLogging",
        f"logs access into the bucket {name}",
        Order.CHANGE,
        "Logs pile up for ever and hold addresses of people: give the log bucket a lifecycle rule.",
        "A bucket with an Object Lock default retention cannot take access logs.",
        BucketLoggingStatus={"LoggingEnabled": {"TargetBucket": name, "TargetPrefix": f"{bucket.name}/"}},
    )


@rule(
    "bucket-access-logging",
    title="Access to the bucket is logged",
    severity=Severity.MEDIUM,
    remedy=log_into_new_bucket,
    remediation="""
        Choose a log bucket of the same Region and account (not this one, and without SSE-KMS), allow
        `logging.s3.amazonaws.com` to write to it, then `aws s3api put-bucket-logging --bucket BUCKET
        --bucket-logging-status '{"LoggingEnabled":{"TargetBucket":"LOG-BUCKET","TargetPrefix":"BUCKET/"}}'`.
    """,
    controls=official(
        security_hub=["S3.9"],
        nist_800_53_r5=["AU-2", "AU-3", "AU-12", "AC-2(4)", "AC-6(9)", "CA-7", "SI-4(20)"],
        pci_dss_4_0_1=["10.2.1"],
    )
    + peer(hipaa=["164.312(b)"], soc2=["CC7.2", "CC7.3"], iso_27001_2022=["A.8.15"]),
    references=(
        "https://docs.aws.amazon.com/AmazonS3/latest/userguide/ServerLogs.html",
        _DATA_EVENTS,
    ),
    peers=(
        "prowler:s3_bucket_server_access_logging_enabled",
        "steampipe:s3_bucket_logging_enabled",
        "scoutsuite:s3-bucket-no-logging",
        "trivy:AWS-0089",
        "checkov:CKV_AWS_18",
        "custodian:bucket-logging",
        "securityhub:S3.9",
    ),
)
def access_logging(target: Target) -> Findings:
    """When a recording turns up where it should not be, the log is all that tells who fetched it.

    Server access logs also hold what CloudTrail does not: requests without credentials, refused ones, and
    what lifecycle rules deleted. Where a trail records every read and write of the media's objects, a missing
    access log is a low finding. A bucket that others log into need not log itself.
    """
    bucket = bucket_of(target)
    if need(bucket.logging) is not None:
        return
    if need(target.receives_logs):
        not_applicable("the bucket holds the access logs of others")
    recorded = derive(lambda: _recorded_by_trails(target, bucket))
    known = isinstance(recorded, Known) and need(recorded)
    note = "; CloudTrail records what happens to its objects" if known else ""
    yield finding(
        f"the bucket {bucket.name} keeps no server access log{note}",
        bucket.arn,
        severity=Severity.LOW if known else Severity.MEDIUM,
        expected="server access logging on",
        observed="off",
        evidence=places(bucket.logging),
    )


def _recorded_by_trails(target: Target, bucket: Bucket) -> bool:
    """Whether trails or event data stores record both reads and writes of all objects under the target's prefix."""
    objects = _objects(target, bucket)
    reads = _some(target, lambda recorder: records_objects(recorder, objects, "read"))
    writes = _some(target, lambda recorder: records_objects(recorder, objects, "write"))
    return need(all_true(reads, writes))


def _objects(target: Target, bucket: Bucket) -> str:
    """What the ARNs of all objects of the target begin with."""
    return f"{bucket.arn}/{location_of(target).key_prefix}"


def _some(target: Target, test: Callable[[Recorder], Fact[bool]]) -> Fact[bool]:
    """Whether a test holds of a trail or of an event data store."""
    by_trail = derive(lambda: need(any_true(*(test(trail) for trail in need(target.trails) or ()))))
    by_store = derive(lambda: need(any_true(*(test(store) for store in need(target.event_data_stores) or ()))))
    return any_true(by_trail, by_store)


def _recorders(target: Target) -> tuple[Recorder, ...]:
    """The trails and the event data stores, as far as they could be listed."""
    return (*(if_known(target.trails) or ()), *(if_known(target.event_data_stores) or ()))


def record_all_management(target: Target) -> Iterator[Step]:
    """Has the trail that lacks the least record all management events of all Regions."""
    own = [trail for trail in need(target.trails) or () if _is_own(target, trail)]
    if not own:
        by_hand("no trail of the account is there to be changed: a person must choose where its logs are to lie")
    lacks = {
        trail.arn: (not need(trail.logging), not need(trail.multi_region), bool(need(unrecorded_management(trail))))
        for trail in own
    }
    trail = min(own, key=lambda trail: (sum(lacks[trail.arn]), lacks[trail.arn], trail.arn))
    is_off, of_one_region, leaves_out = lacks[trail.arn]
    if leaves_out:
        yield record_management(trail)
    if of_one_region:
        yield update_trail(
            trail,
            "records all Regions",
            Order.PREPARE,
            "A trail of another Region that did the same is paid for as a second copy from then on.",
            IsMultiRegionTrail=True,
            IncludeGlobalServiceEvents=True,
        )
    if is_off:
        yield trail_step(
            trail,
            "cloudtrail:StartLogging",
            "switches the trail on",
            Order.PREPARE,
            "Find out first who switched it off, and see that its log bucket is there and lets it write.",
            Name=trail.arn,
        )


def record_reads(target: Target) -> Iterator[Step]:
    """Has a trail record every read."""
    yield record_objects(_trail_for_objects(target), _objects(target, bucket_of(target)), "read")


def record_writes(target: Target) -> Iterator[Step]:
    """Has a trail record every write."""
    yield record_objects(_trail_for_objects(target), _objects(target, bucket_of(target)), "write")


def _trail_for_objects(target: Target) -> Trail:
    """The trail that is to record the objects: one of the account that is on and writes elsewhere."""
    bucket = bucket_of(target)
    objects = _objects(target, bucket)
    fit = [
        trail
        for trail in need(target.trails) or ()
        if _is_own(target, trail) and if_known(trail.recording) and trail.log_bucket != bucket.name
    ]
    if not fit:
        by_hand("no trail of the account records in this Region into another bucket: a person must make one first")
    # One that records some of them already is meant for it.
    return min(fit, key=lambda t: (not any(e.touch(objects) for e in if_known(t.object_events) or ()), t.arn))


def _is_own(target: Target, trail: Trail) -> bool:
    parsed = parse_arn(trail.arn)
    return parsed is not None and parsed.account == need(bucket_of(target).owner)


def _require_own(target: Target, trail: Trail) -> None:
    if not _is_own(target, trail):
        by_hand(f"{trail.label} is of another account, which alone can change it")


@rule(
    "trail-management-events",
    title="A trail of all Regions records who changes bucket, key and users",
    severity=Severity.HIGH,
    remedy=record_all_management,
    remediation="""
        `aws cloudtrail create-trail --name NAME --s3-bucket-name LOG-BUCKET --is-multi-region-trail
        --enable-log-file-validation`, then `aws cloudtrail start-logging --name NAME`. In the event selectors record
        all management events, those of KMS too.
    """,
    controls=official(security_hub=["CloudTrail.1", "CloudTrail.3"], cis_aws_v3=["3.1"], cis_aws_v5=["3.1"])
    + peer(
        cis_aws_v6=["4.1"],
        nist_800_53_r5=["AU-2", "AU-3", "AU-12"],
        pci_dss_4_0_1=["10.2.1"],
        hipaa=["164.312(b)"],
        soc2=["CC7.2"],
        iso_27001_2022=["A.8.15"],
    ),
    references=(_TRAILS, _MANAGEMENT, _CONTROLS),
    peers=(
        "prowler:cloudtrail_multi_region_enabled",
        "prowler:cloudtrail_multi_region_enabled_logging_management_events",
        "steampipe:cloudtrail_multi_region_trail_enabled",
        "trivy:AWS-0014",
        "config:multi-region-cloudtrail-enabled",
        "securityhub:CloudTrail.1",
    ),
)
def management_events(target: Target) -> Findings:
    """Who opened the bucket, changed the key policy or made an access key is told by management events alone.

    A trail of all Regions, of the account or its organization, must be on and record reads and writes; so may an event
    data store of CloudTrail Lake. Users and access keys are changed in another Region than the bucket's. A trail that
    leaves out KMS, whose events are many, is a medium finding. Event data stores that were made in other Regions
    are not seen.
    """
    bucket = bucket_of(target)

    def on(recorder: Recorder) -> Fact[bool]:
        return all_true(recorder.recording, recorder.multi_region)

    def without(recorder: Recorder, gaps: frozenset[str] | None) -> Fact[bool]:
        found = unrecorded_management(recorder)
        return derive(lambda: not need(found) if gaps is None else not gaps & set(need(found)))

    whole = _some(target, lambda recorder: all_true(on(recorder), without(recorder, None)))
    if need(whole):
        return
    partly = _some(target, lambda recorder: all_true(on(recorder), without(recorder, _GRAVE)))
    yield finding(
        f"no trail of all Regions records all management events in the Region of the bucket {bucket.name}",
        bucket.arn,
        severity=Severity.MEDIUM if need(partly) else Severity.HIGH,
        expected="a multi-Region trail that is on and records all management events",
        observed="; ".join(_short_of_management(recorder) for recorder in _recorders(target)) or "no trail",
        evidence=places(whole),
    )


_GRAVE = frozenset({"reads", "writes"})


def _short_of_management(recorder: Recorder) -> str:
    if not need(recorder.recording):
        return f"{recorder.label} is off"
    if not need(recorder.multi_region):
        return f"{recorder.label} is of one Region"
    return f"{recorder.label} leaves out {', '.join(need(unrecorded_management(recorder)))}"


_DATA_CONTROLS = {
    "pci_dss_4_0_1": ["10.2.1"],
}
_DATA_PEERS_CONTROLS = {
    "nist_800_53_r5": ["AU-2", "AU-3", "AU-12", "AC-6(9)"],
    "hipaa": ["164.312(b)", "164.308(a)(1)(ii)(D)"],
    "soc2": ["CC7.2"],
    "iso_27001_2022": ["A.8.15", "A.8.16"],
    "gdpr": ["art. 30"],
}
_DATA_REMEDY = """
    `aws cloudtrail put-event-selectors --trail-name TRAIL --advanced-event-selectors …` with `eventCategory` Equals
    `Data`, `resources.type` Equals `AWS::S3::Object` and `resources.ARN` StartsWith `arn:aws:s3:::BUCKET/PREFIX`,
    and nothing else that narrows it. Keep the selector of management events, which the call replaces.
"""


@rule(
    "trail-object-writes",
    title="CloudTrail records every write to the media's objects",
    severity=Severity.HIGH,
    remedy=record_writes,
    remediation=_DATA_REMEDY,
    controls=official(security_hub=["S3.22"], cis_aws_v3=["3.8"], cis_aws_v5=["3.8"], **_DATA_CONTROLS)
    + peer(cis_aws_v6=["4.8"], **_DATA_PEERS_CONTROLS),
    references=(_DATA_EVENTS, "https://docs.aws.amazon.com/securityhub/latest/userguide/s3-controls.html"),
    peers=(
        "prowler:cloudtrail_s3_dataevents_write_enabled",
        "steampipe:s3_bucket_object_logging_enabled",
        "steampipe:cloudtrail_s3_object_write_events_audit_enabled",
        "trivy:AWS-0171",
        "custodian:data-events",
        "scoutsuite:cloudtrail-no-data-logging",
        "config:cloudtrail-all-write-s3-data-event-check",
        "securityhub:S3.22",
    ),
)
def object_writes(target: Target) -> Findings:
    """Who overwrote or deleted a recording is recorded as a data event, which no trail does unless told to.

    What counts is this bucket and prefix: a trail or event data store of this Region that is on must record every
    write there. A selector proves it when its prefix contains the target's and no other field narrows it. Other
    buckets are not asked about.
    """
    yield from _data_events(target, "write")


@rule(
    "trail-object-reads",
    title="CloudTrail records every read of the media's objects",
    severity=Severity.HIGH,
    remedy=record_reads,
    remediation=_DATA_REMEDY,
    controls=official(security_hub=["S3.23"], cis_aws_v3=["3.9"], cis_aws_v5=["3.9"], **_DATA_CONTROLS)
    + peer(cis_aws_v6=["4.9"], **_DATA_PEERS_CONTROLS),
    references=(_DATA_EVENTS, "https://docs.aws.amazon.com/securityhub/latest/userguide/s3-controls.html"),
    peers=(
        "prowler:cloudtrail_s3_dataevents_read_enabled",
        "steampipe:s3_bucket_object_logging_enabled",
        "steampipe:cloudtrail_s3_object_read_events_audit_enabled",
        "trivy:AWS-0172",
        "custodian:data-events",
        "scoutsuite:cloudtrail-no-data-logging",
        "config:cloudtrail-all-read-s3-data-event-check",
        "securityhub:S3.23",
    ),
)
def object_reads(target: Target) -> Findings:
    """Who played a recording is recorded as a data event, which no trail does unless told to.

    It is judged as `trail-object-writes` is.
    """
    yield from _data_events(target, "read")


def _data_events(target: Target, access: Access) -> Findings:
    bucket = bucket_of(target)
    objects = _objects(target, bucket)
    recorded = _some(target, lambda recorder: records_objects(recorder, objects, access))
    if need(recorded):
        return
    short = [said for recorder in _recorders(target) if (said := _short_of_objects(recorder, objects, access))]
    yield finding(
        f"no trail records every {access} of the objects under {objects}",
        bucket.arn,
        expected=f"a trail that is on and records every {access} under {objects}",
        observed="; ".join(short) or "no trail records object events",
        evidence=places(recorded),
    )


def _short_of_objects(recorder: Recorder, objects: str, access: Access) -> str:
    """Why a recorder that may seem to record does not; "" for one that has nothing to do with these objects."""
    touching = [events for events in need(recorder.object_events) if events.touch(objects)]
    if not need(recorder.recording):
        return f"{recorder.label} is off"
    if not touching:
        return ""
    narrowed = [name for events in touching for name in events.narrowed]
    if narrowed:
        return f"{recorder.label} is narrowed by {', '.join(dict.fromkeys(narrowed))}"
    if not any(access in events.access for events in touching):
        return f"{recorder.label} records no {access}s, or not all of them"
    return f"{recorder.label} records a part of the prefix only"


def _relied_on(target: Target, judge: Callable[[Trail], Findings]) -> Findings:
    """Judge every trail that is on and records management or these objects; the rule does not apply without one."""
    objects = _objects(target, bucket_of(target))
    doubtful: list[Unavailable] = []
    relied = False
    for trail in need(target.trails) or ():
        fact = bears_on_media(trail, objects)
        if isinstance(fact, Unavailable):
            doubtful.append(fact)
        elif need(fact):
            relied = True
            yield from judge(trail)
    for gap in doubtful:
        need(gap)
    if not relied:
        not_applicable("no trail records in this Region; see trail-management-events")


@rule(
    "trail-delivery",
    title="Trails deliver their logs",
    severity=Severity.MEDIUM,
    remedy="what keeps CloudTrail from writing is in a bucket or key that may be another team's, so a person must look",
    remediation="""
        Read `LatestDeliveryError` of `aws cloudtrail get-trail-status --name TRAIL`: mostly the log bucket is gone, or
        its policy, or that of the key, does not let `cloudtrail.amazonaws.com` write any more.
    """,
    controls=proposal(nist_800_53_r5=["AU-5"], pci_dss_4_0_1=["10.7.2"], iso_27001_2022=["A.8.15"]),
    references=(_STATUS,),
    peers=("prowler:cloudtrail_cloudwatch_logging_enabled",),
)
def delivery(target: Target) -> Findings:
    """A trail that is on and cannot deliver records nothing, and nobody hears of it.

    The last delivery of log files and of digest files must have ended without an error, and not be older than a day.
    """

    def judge(trail: Trail) -> Iterator[Finding]:
        found = need(trail.delivery)
        for what, error in (("log files", found.error), ("digest files", found.digest_error)):
            if error is not None:
                yield finding(
                    f"{trail.label} cannot deliver its {what}: {error}",
                    trail.arn,
                    expected="deliveries without error",
                    observed=error,
                    discriminator=f"{trail.arn} {what}",
                    evidence=places(trail.delivery),
                )
        since = max((moment for moment in (found.last, found.started) if moment is not None), default=None)
        if since is None:
            unavailable(Reason.MALFORMED, f"CloudTrail does not say when {trail.label} delivered")
        if since < target.as_of - _SILENCE:
            yield finding(
                f"{trail.label} has delivered nothing since {since:%Y-%m-%d}",
                trail.arn,
                expected="a delivery within 24 hours",
                observed=f"{found.last:%Y-%m-%d %H:%M} UTC" if found.last is not None else "never",
                discriminator=f"{trail.arn} silence",
                evidence=places(trail.delivery),
            )

    yield from _relied_on(target, judge)


_SILENCE = timedelta(hours=24)


def validate_logs(target: Target) -> Iterator[Step]:
    """Has each trail that is relied on write digests of its log files."""
    objects = _objects(target, bucket_of(target))
    for trail in need(target.trails) or ():
        if if_known(bears_on_media(trail, objects)) and if_known(trail.validated) is False:
            _require_own(target, trail)
            yield update_trail(
                trail, "has its log files checked for changes", Order.PREPARE, EnableLogFileValidation=True
            )


@rule(
    "trail-log-validation",
    title="Log files of trails can be checked for changes",
    severity=Severity.MEDIUM,
    remedy=validate_logs,
    remediation="`aws cloudtrail update-trail --name TRAIL --enable-log-file-validation`.",
    controls=official(
        security_hub=["CloudTrail.4"],
        cis_aws_v3=["3.2"],
        cis_aws_v5=["3.2"],
        nist_800_53_r5=["AU-9", "SI-7"],
        pci_dss_4_0_1=["10.3.4"],
    )
    + peer(cis_aws_v6=["4.2"], iso_27001_2022=["A.8.15"]),
    references=(_VALIDATION, _CONTROLS),
    peers=(
        "prowler:cloudtrail_log_file_validation_enabled",
        "steampipe:cloudtrail_trail_validation_enabled",
        "trivy:AWS-0016",
        "checkov:CKV_AWS_36",
        "securityhub:CloudTrail.4",
    ),
)
def log_validation(target: Target) -> Findings:
    """Whoever steals recordings and can write to the log bucket takes the lines about it out; digests show that."""

    def judge(trail: Trail) -> Iterator[Finding]:
        if not need(trail.validated):
            yield finding(
                f"the log files of {trail.label} cannot be checked for changes",
                trail.arn,
                expected="log file validation on",
                observed="off",
                evidence=places(trail.validated),
            )

    yield from _relied_on(target, judge)


@rule(
    "trail-encryption",
    title="Trails encrypt their log files with a KMS key",
    severity=Severity.LOW,
    remedy="which key it is to be, and who may read logs then, a person must decide",
    remediation="""
        `aws cloudtrail update-trail --name TRAIL --kms-key-id KEY_ARN`, with a key whose policy lets
        `cloudtrail.amazonaws.com` use it. An event data store takes a key only when it is made.
    """,
    controls=official(security_hub=["CloudTrail.2"], cis_aws_v3=["3.5"], cis_aws_v5=["3.5"], nist_800_53_r5=["AU-9(3)"])
    + peer(cis_aws_v6=["4.5"]),
    references=(_TRAIL_KMS, _CONTROLS),
    peers=(
        "prowler:cloudtrail_kms_encryption_enabled",
        "steampipe:cloudtrail_trail_logs_encrypted_with_kms_cmk",
        "trivy:AWS-0015",
        "checkov:CKV_AWS_35",
        "checkov:CKV_AWS_294",
        "securityhub:CloudTrail.2",
    ),
)
def trail_encryption(target: Target) -> Findings:
    """Logs tell who watched whom. With a key of your own, reading them needs a second permission."""

    def judge(recorder: Recorder) -> Iterator[Finding]:
        if need(recorder.kms_key) is None:
            yield finding(
                f"{recorder.label} encrypts its log files with keys of S3 alone",
                recorder.arn,
                expected="a KMS key",
                observed="no KMS key",
                evidence=places(recorder.kms_key),
            )

    yield from _relied_on(target, judge)
    objects = _objects(target, bucket_of(target))
    for store in need(target.event_data_stores) or ():
        if need(bears_on_media(store, objects)):
            yield from judge(store)


@rule(
    "trail-bucket",
    title="The bucket of the trail is another one, closed, and keeps what it gets",
    severity=Severity.HIGH,
    remedy="where the logs are to lie and who may read them, a person must decide",
    remediation="""
        Let the trail write to a bucket of its own, best in an account for logs: `aws cloudtrail update-trail --name
        TRAIL --s3-bucket-name LOG-BUCKET`. Block all public access to that bucket, switch its versioning or Object
        Lock on, and log access to it.
    """,
    controls=official(security_hub=["CloudTrail.6", "CloudTrail.7"], cis_aws_v3=["3.4"], cis_aws_v5=["3.4"])
    + peer(cis_aws_v6=["4.4"])
    + proposal(nist_800_53_r5=["AU-9"], iso_27001_2022=["A.8.15"]),
    references=(_PROTECTING, _CONTROLS),
    peers=(
        "prowler:cloudtrail_logs_s3_bucket_is_not_publicly_accessible",
        "prowler:cloudtrail_logs_s3_bucket_access_logging_enabled",
        "prowler:cloudtrail_bucket_requires_mfa_delete",
        "trivy:AWS-0161",
        "trivy:AWS-0163",
        "securityhub:CloudTrail.6",
        "securityhub:CloudTrail.7",
    ),
)
def trail_bucket(target: Target) -> Findings:
    """A trail that records the bucket that it writes to records its own records, without end and at your expense.

    Apart from that the log bucket must not be public by policy or ACL, must keep versions or have Object Lock, and
    should log access to itself. A bucket of another account, which is a good place for logs, cannot be read and stays
    unknown.
    """
    bucket = bucket_of(target)

    def judge(trail: Trail) -> Iterator[Finding]:
        if trail.log_bucket == bucket.name:
            yield finding(
                f"{trail.label} writes into the bucket {bucket.name}, which holds the media that it is to watch",
                bucket.arn,
                trail.arn,
                expected="a log bucket of its own",
                observed=trail.log_bucket,
                discriminator=f"{trail.arn} recursion",
                evidence=places(target.trails),
            )
            return
        yield from _log_bucket_flaws(trail, need(trail.bucket))

    yield from _relied_on(target, judge)


def _log_bucket_flaws(trail: Trail, log: Bucket) -> Iterator[Finding]:
    public = _public(log)
    kept = any_true(
        derive(lambda: need(log.versioning) == "Enabled"), derive(lambda: need(log.object_lock) is not None)
    )
    logged = derive(lambda: need(log.logging) is not None)
    for fact, bad, flaw, expected, severity in (
        (public, True, "is public", "not public", Severity.HIGH),
        (
            kept,
            False,
            "keeps no versions, so logs can be deleted for good",
            "versioning or Object Lock",
            Severity.MEDIUM,
        ),
        (logged, False, "keeps no access log of its own", "server access logging", Severity.LOW),
    ):
        if isinstance(fact, Known) and fact.value is bad:
            yield finding(
                f"the log bucket {log.name} of {trail.label} {flaw}",
                log.arn,
                trail.arn,
                severity=severity,
                expected=expected,
                observed=flaw,
                discriminator=f"{log.name} {expected}",
                evidence=places(fact),
            )
    for fact in (public, kept, logged):
        need(fact)


def _public(bucket: Bucket) -> Fact[bool]:
    """Whether a bucket is public by its policy or ACL, as things stand."""

    def by_text() -> bool:
        policy = need(bucket.policy)
        if policy is None:
            return False
        found = [found.statement for found in public_statements(policy)]
        if not found and policy.unclear_grants:
            unavailable(Reason.MALFORMED, f"what the policy of the bucket {bucket.name} allows cannot be told")
        return any(denied_to_others(policy, statement, pins_of("s3")) is None for statement in found)

    by_policy = all_true(
        any_true(derive(lambda: need(bucket.policy_public) is True), derive(by_text)),
        derive(lambda: not need(bucket.effective("RestrictPublicBuckets"))),
    )
    by_acl = all_true(
        derive(lambda: need(bucket.object_ownership) != "BucketOwnerEnforced"),
        derive(lambda: any(grant.grantee in PUBLIC_GROUPS for grant in need(bucket.grants))),
        derive(lambda: not need(bucket.effective("IgnorePublicAcls"))),
    )
    return any_true(by_policy, by_acl)


@rule(
    "bucket-access-log-target",
    title="Access logs arrive where they are sent, and stay there",
    severity=Severity.MEDIUM,
    remedy="what else the log bucket holds, and who relies on its settings, a person must know",
    remediation="""
        Use a log bucket of the same account and Region with default encryption SSE-S3, without default retention of
        Object Lock, whose policy allows `logging.s3.amazonaws.com` `s3:PutObject` under the condition that
        `aws:SourceArn` is the bucket and `aws:SourceAccount` the account. Block all public access to it.
    """,
    controls=proposal(
        nist_800_53_r5=["AU-4", "AU-9", "AU-11"], pci_dss_4_0_1=["10.3.2", "10.5.1"], iso_27001_2022=["A.8.15"]
    ),
    references=(
        _ENABLE_LOGGING,
        "https://docs.aws.amazon.com/AmazonS3/latest/userguide/troubleshooting-server-access-logging.html",
    ),
    peers=("custodian:is-log-target", "custodian:bucket-logging"),
)
def log_target(target: Target, profile: Profile) -> Findings:
    """S3 accepts a log bucket that it cannot write to, and says nothing when it does not.

    The log bucket must be another one of the same Region; let the logging service in, for this account's buckets only;
    encrypt with S3's own keys, as S3 does not deliver into buckets with SSE-KMS; have no default retention; be
    closed to the public; and keep logs for `log_retention_min_days`, where that is set. One of another account
    is unknown.
    """
    bucket = bucket_of(target)
    logging = need(bucket.logging)
    if logging is None:
        not_applicable("the bucket keeps no access log; see bucket-access-logging")
    if logging.bucket == bucket.name:
        yield finding(
            f"the bucket {bucket.name} logs into itself, so each log is logged in turn",
            bucket.arn,
            expected="another bucket",
            observed=logging.bucket,
            discriminator="loop",
            evidence=places(bucket.logging),
        )
        return
    log = need(target.log_target)
    if log is None:
        unavailable(Reason.UNDECIDABLE, f"the log bucket {logging.bucket} was not read")
    if need(log.presence) == "absent":
        yield finding(
            f"the bucket {bucket.name} sends its access logs to {log.name}, which does not exist",
            bucket.arn,
            expected="a log bucket that exists",
            observed="no such bucket",
            discriminator="absent",
            evidence=places(log.presence),
        )
        return
    delivered = derive(lambda: _delivery_decision(target, bucket, log, need(bucket.owner), bucket.arn))
    doubts: list[Fact[object]] = [delivered]
    for fact, flaw, expected, severity in _flaws_of_log_target(target, bucket, log, delivered, profile):
        doubts.append(fact)
        if isinstance(fact, Known) and fact.value:
            yield finding(
                f"the log bucket {log.name} of the bucket {bucket.name} {flaw}",
                log.arn,
                severity=severity,
                expected=expected,
                observed=flaw,
                discriminator=expected,
                evidence=places(fact),
            )
    for doubt in doubts:
        need(doubt)


_Flaw = tuple[Fact[bool], str, str, Severity]


def _flaws_of_log_target(
    target: Target, bucket: Bucket, log: Bucket, delivered: Fact[Decision], profile: Profile
) -> Iterator[_Flaw]:
    prefix = logging.prefix if (logging := need(bucket.logging)) is not None else ""
    by_acl = all_true(
        derive(lambda: need(log.object_ownership) != "BucketOwnerEnforced"),
        derive(lambda: any(g.grantee == _LOG_DELIVERY and g.permission in _WRITING for g in need(log.grants))),
    )

    def by_policy() -> bool:
        allowed = need(delivered).allowed
        if allowed is None:
            unavailable(Reason.UNDECIDABLE, f"whether the policy of {log.name} lets the logging service write")
        return allowed

    def anybody() -> bool:
        return _delivery_decision(target, bucket, log, "000000000000", "arn:aws:s3:::elsewhere").allowed is True

    def early() -> bool:
        least = profile.log_retention_min_days
        days = [e.expiration_days for e in need(log.lifecycle) if e.enabled and _touches(e.prefix, prefix)]
        return least is not None and any(day is not None and day < least for day in days)

    refused = all_true(derive(lambda: not by_policy()), derive(lambda: not need(by_acl)))
    medium, low = Severity.MEDIUM, Severity.LOW
    region = derive(lambda: need(log.region) != need(bucket.region))
    yield region, "is in another Region", "the same Region", medium
    yield refused, "does not let the logging service write", "a grant to logging.s3.amazonaws.com", medium
    yield derive(anybody), "takes logs for buckets of any account", "a grant tied to this account", low
    kms = derive(lambda: need(log.encryption).algorithm.startswith("aws:kms"))
    yield kms, "encrypts with SSE-KMS, and S3 delivers no logs into such", "default encryption SSE-S3", medium
    held = derive(lambda: (lock := need(log.object_lock)) is not None and lock.mode is not None)
    yield held, "has a default retention, and S3 delivers no logs into such", "no default retention", medium
    yield _public(log), "is public", "not public", medium
    yield derive(early), "deletes logs too early", f"kept for {profile.log_retention_min_days} days", low


_LOG_DELIVERY = "http://acs.amazonaws.com/groups/s3/LogDelivery"
_WRITING = ("WRITE", "FULL_CONTROL")


def _touches(one: str, other: str) -> bool:
    return one.startswith(other) or other.startswith(one)


def _delivery_decision(target: Target, bucket: Bucket, log: Bucket, account: str, source: str) -> Decision:
    """What the log bucket's policy says to a delivery of the logging service on behalf of a bucket of an account."""
    logging = need(bucket.logging)
    prefix = logging.prefix if logging is not None else ""
    owner = need(log.owner)
    service = "logging.s3.amazonaws.com"
    known = {
        "aws:principalisawsservice": "true",
        "aws:principalservicename": service,
        "aws:resourceaccount": owner,
        "aws:securetransport": "true",
        "aws:sourceaccount": account,
        "aws:sourcearn": source,
        "s3:resourceaccount": owner,
    }
    request = Request(
        requester=requester_of(service),
        action="s3:PutObject",
        resource=f"{log.arn}/{prefix}{SAMPLE}",
        resource_account=owner,
        context=Context(
            present={key: (value,) for key, value in known.items()},
            complete=False,
            alternatives={"s3:tlsversion": ("1.2", "1.3")},
        ),
    )
    policy = derive(lambda: None if (text := need(log.policy)) is None else Policy("bucket policy", text))
    layers = Layers(resource=policy, rcps=target.organization.rcps)
    return need(authorize(request, layers))
