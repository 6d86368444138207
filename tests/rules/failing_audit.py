"""For each rule about trails, access logs and alarms an estate that breaks it."""

import json
from collections.abc import Callable

from recordscan.facts import Json
from recordscan.testing import BUCKET, LOG_BUCKET, REGION, TRAIL_ARN, Case, sound

Example = Callable[[], Case]

STORE_ARN = f"arn:aws:cloudtrail:{REGION}:111122223333:eventdatastore/1234abcd"


def changed(operation: str, pointer: str, value: Json, **request: Json) -> Example:
    """A sound estate with one member of one answer changed."""

    def make() -> Case:
        case = sound()
        case.set(operation, pointer, value, **request)
        return case

    return make


def recording_only(access: str) -> Example:
    """A sound estate whose trail records reads or writes only, of management and objects."""
    return changed("cloudtrail:GetEventSelectors", "/EventSelectors/0/ReadWriteType", access)


def advanced(*selectors: list[dict[str, Json]]) -> Json:
    """An answer of GetEventSelectors, or of GetEventDataStore, with advanced selectors."""
    return {
        "TrailARN": TRAIL_ARN,
        "AdvancedEventSelectors": [{"FieldSelectors": fields} for fields in selectors],
    }


MANAGEMENT: list[dict[str, Json]] = [{"Field": "eventCategory", "Equals": ["Management"]}]
OBJECTS: list[dict[str, Json]] = [
    {"Field": "eventCategory", "Equals": ["Data"]},
    {"Field": "resources.type", "Equals": ["AWS::S3::Object"]},
]


def with_store(*selectors: list[dict[str, Json]], status: str = "ENABLED", **members: Json) -> Case:
    """An estate with no trail but an event data store."""
    case = sound()
    case.answer("cloudtrail:DescribeTrails", {"trailList": []})
    listed = {"EventDataStores": [{"EventDataStoreArn": STORE_ARN, "Name": "lake"}], "truncated": False}
    case.answer("cloudtrail:ListEventDataStores", listed)
    store = {
        "EventDataStoreArn": STORE_ARN,
        "Status": status,
        "MultiRegionEnabled": True,
        "KmsKeyId": "k",
        **advanced(*(selectors or (MANAGEMENT, OBJECTS))),
        **members,
    }
    case.add("cloudtrail:GetEventDataStore", store, region=REGION, EventDataStore=STORE_ARN)
    # Without a trail there is nothing that a metric filter could count; EventBridge takes over.
    pattern = {"source": ["aws.kms", "aws.s3"]}
    case.set("events:ListRules", "/Rules/0/EventPattern", json.dumps(pattern))
    return case


def unwatched() -> Case:
    """Nobody is told of anything."""
    case = sound()
    case.set("cloudwatch:DescribeAlarms", "/MetricAlarms", [])
    case.set("events:ListRules", "/Rules", [])
    return case


def looping() -> Case:
    """The trail writes into the bucket that it records."""
    return changed("cloudtrail:DescribeTrails", "/trailList/0/S3BucketName", BUCKET)()


FAILING: dict[str, Example] = {
    "bucket-access-log-target": changed(
        "s3:GetBucketEncryption",
        "/ServerSideEncryptionConfiguration/Rules/0/ApplyServerSideEncryptionByDefault/SSEAlgorithm",
        "aws:kms",
        Bucket=LOG_BUCKET,
    ),
    "trail-alarm-bucket-changes": unwatched,
    "trail-alarm-key-changes": unwatched,
    "trail-bucket": looping,
    "trail-delivery": changed("cloudtrail:GetTrailStatus", "/LatestDeliveryError", "AccessDenied"),
    "trail-encryption": changed("cloudtrail:DescribeTrails", "/trailList/0/KmsKeyId", None),
    "trail-log-validation": changed("cloudtrail:DescribeTrails", "/trailList/0/LogFileValidationEnabled", False),
    "trail-management-events": changed("cloudtrail:DescribeTrails", "/trailList/0/IsMultiRegionTrail", False),
    "trail-object-reads": recording_only("WriteOnly"),
    "trail-object-writes": recording_only("ReadOnly"),
}

SOUND: dict[str, Example] = {"event data store": with_store}
