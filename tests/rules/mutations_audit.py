"""One fault of a trail, of the logs or of an alarm at a time, and the rules that it breaks."""

from collections.abc import Callable

from recordscan.facts import Json
from recordscan.testing import BUCKET, LOG_BUCKET, PREFIX, TRAIL_BUCKET, Case, ago
from rules.failing_audit import MANAGEMENT, OBJECTS, advanced

Spoil = Callable[[Case], object]

EVENTS = {"trail-object-reads", "trail-object-writes"}
RULE = "/ServerSideEncryptionConfiguration/Rules/0/ApplyServerSideEncryptionByDefault"


def sets(operation: str, pointer: str, value: Json, **request: Json) -> Spoil:
    return lambda case: case.set(operation, pointer, value, **request)


def answers(operation: str, answer: Json, **request: Json) -> Spoil:
    return lambda case: case.answer(operation, answer, **request)


def trail(member: str, value: Json) -> Spoil:
    return sets("cloudtrail:DescribeTrails", f"/trailList/0/{member}", value)


def status(member: str, value: Json) -> Spoil:
    return sets("cloudtrail:GetTrailStatus", f"/{member}", value)


def selector(member: str, value: Json) -> Spoil:
    return sets("cloudtrail:GetEventSelectors", f"/EventSelectors/0/{member}", value)


def objects(*values: str) -> Spoil:
    return selector("DataResources", [{"Type": "AWS::S3::Object", "Values": list(values)}])


def finely(*fields: dict[str, Json]) -> Spoil:
    return answers("cloudtrail:GetEventSelectors", advanced(MANAGEMENT, [*OBJECTS, *fields]))


MUTATIONS: dict[str, tuple[Spoil, set[str]]] = {
    "no trail": (
        answers("cloudtrail:DescribeTrails", {"trailList": []}),
        {"trail-management-events", "trail-alarm-bucket-changes", *EVENTS},
    ),
    "trail switched off": (
        status("IsLogging", False),
        {"trail-management-events", "trail-alarm-bucket-changes", *EVENTS},
    ),
    "trail of one Region": (trail("IsMultiRegionTrail", False), {"trail-management-events"}),
    "trail without management events": (
        selector("IncludeManagementEvents", False),
        {"trail-management-events", "trail-alarm-bucket-changes"},
    ),
    "trail without KMS": (
        selector("ExcludeManagementEventSources", ["kms.amazonaws.com"]),
        {"trail-management-events"},
    ),
    "trail without the RDS data API": (selector("ExcludeManagementEventSources", ["rdsdata.amazonaws.com"]), set()),
    "trail without objects": (selector("DataResources", []), EVENTS),
    "trail of another bucket": (objects("arn:aws:s3:::other/"), EVENTS),
    "trail of a bucket whose name goes on": (objects(f"arn:aws:s3:::{BUCKET}-2/"), EVENTS),
    "trail of a part of the prefix": (objects(f"arn:aws:s3:::{BUCKET}/{PREFIX}2026/"), EVENTS),
    "trail of all buckets": (objects("arn:aws:s3"), set()),
    "trail with fine selectors": (finely(), set()),
    "trail with fine selectors of the prefix": (
        finely({"Field": "resources.ARN", "StartsWith": [f"arn:aws:s3:::{BUCKET}/{PREFIX}"]}),
        set(),
    ),
    "trail with fine selectors that leave out another bucket": (
        finely({"Field": "resources.ARN", "NotStartsWith": ["arn:aws:s3:::other/"]}),
        set(),
    ),
    "trail with fine selectors that leave out a part": (
        finely({"Field": "resources.ARN", "NotStartsWith": [f"arn:aws:s3:::{BUCKET}/{PREFIX}test/"]}),
        EVENTS,
    ),
    "trail with fine selectors of writes": (finely({"Field": "readOnly", "Equals": ["false"]}), {"trail-object-reads"}),
    "trail with fine selectors of deletions": (finely({"Field": "eventName", "Equals": ["DeleteObject"]}), EVENTS),
    "trail with fine selectors without HeadObject": (
        finely({"Field": "eventName", "NotEquals": ["HeadObject"]}),
        {"trail-object-reads"},
    ),
    "trail with fine selectors without a user": (
        finely({"Field": "userIdentity.arn", "NotEquals": ["arn:aws:iam::111122223333:role/backup"]}),
        EVENTS,
    ),
    "trail that cannot deliver": (status("LatestDeliveryError", "NoSuchBucket"), {"trail-delivery"}),
    "trail that cannot deliver digests": (status("LatestDigestDeliveryError", "AccessDenied"), {"trail-delivery"}),
    "trail that delivers no more": (status("LatestDeliveryTime", ago(days=2)), {"trail-delivery"}),
    "trail without validation": (trail("LogFileValidationEnabled", False), {"trail-log-validation"}),
    "trail without a key": (trail("KmsKeyId", None), {"trail-encryption"}),
    "trail that writes into the media": (trail("S3BucketName", BUCKET), {"trail-bucket"}),
    "trail bucket without versions": (answers("s3:GetBucketVersioning", {}, Bucket=TRAIL_BUCKET), {"trail-bucket"}),
    "trail bucket without access log": (answers("s3:GetBucketLogging", {}, Bucket=TRAIL_BUCKET), {"trail-bucket"}),
    "log bucket with SSE-KMS": (
        sets("s3:GetBucketEncryption", f"{RULE}/SSEAlgorithm", "aws:kms", Bucket=LOG_BUCKET),
        {"bucket-access-log-target"},
    ),
    "log bucket that lets nobody in": (
        answers("s3:GetBucketPolicy", None, Bucket=LOG_BUCKET),
        {"bucket-access-log-target"},
    ),
    "bucket that logs into itself": (
        sets("s3:GetBucketLogging", "/LoggingEnabled/TargetBucket", BUCKET),
        {"bucket-access-log-target"},
    ),
    "alarm without action": (
        sets("cloudwatch:DescribeAlarms", "/MetricAlarms/0/ActionsEnabled", False),
        {"trail-alarm-bucket-changes"},
    ),
    "rule without target": (sets("events:ListTargetsByRule", "/Targets", []), {"trail-alarm-key-changes"}),
    "rule switched off": (sets("events:ListRules", "/Rules/0/State", "DISABLED"), {"trail-alarm-key-changes"}),
}
