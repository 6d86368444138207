"""What moto lacks of AWS, or answers otherwise than AWS does, as far as a scan asks for it.

Each answer is derived from moto's own state where that holds the facts, else it is what AWS says of an account that
does not use the feature.
"""

import base64
import json
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from recordscan.demo import aws_state
from recordscan.demo.aws_faults import REQUEST_ID, Reply, access_denied, error_reply
from recordscan.demo.aws_requests import AwsRequest

_TIME_FORMAT = "%Y-%m-%dT%H:%M:%SZ"
_JSON = (("Content-Type", "application/x-amz-json-1.1"), ("x-amzn-RequestId", REQUEST_ID))
_XML = (("Content-Type", "text/xml"), ("x-amzn-RequestId", REQUEST_ID))

_S3_DEFAULT_ENCRYPTION = (
    b'<?xml version="1.0" encoding="UTF-8"?>'
    b'<ServerSideEncryptionConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Rule>'
    b"<ApplyServerSideEncryptionByDefault><SSEAlgorithm>AES256</SSEAlgorithm></ApplyServerSideEncryptionByDefault>"
    b"<BucketKeyEnabled>false</BucketKeyEnabled></Rule></ServerSideEncryptionConfiguration>"
)
"""Every bucket has had it since January 2023:
https://docs.aws.amazon.com/AmazonS3/latest/userguide/default-encryption-faq.html"""

_UNUSED: Final[Mapping[str, Reply]] = {
    "accessanalyzer:ListFindingsV2": Reply(status=200, headers=_JSON, body=b'{"findings": []}'),
    "backup:ListProtectedResources": Reply(status=200, headers=_JSON, body=b'{"Results": []}'),
    "cloudtrail:ListEventDataStores": Reply(status=200, headers=_JSON, body=b'{"EventDataStores": []}'),
    "iam:ListServiceSpecificCredentials": Reply(
        status=200,
        headers=_XML,
        body=(
            b"<ListServiceSpecificCredentialsResponse xmlns='https://iam.amazonaws.com/doc/2010-05-08/'>"
            b"<ListServiceSpecificCredentialsResult><IsTruncated>false</IsTruncated><ServiceSpecificCredentials/>"
            b"</ListServiceSpecificCredentialsResult></ListServiceSpecificCredentialsResponse>"
        ),
    ),
    "s3control:ListAccessGrantsInstances": Reply(
        status=200,
        headers=_XML,
        body=b"<ListAccessGrantsInstancesResult><AccessGrantsInstancesList/></ListAccessGrantsInstancesResult>",
    ),
    "s3control:ListAccessPointsForObjectLambda": Reply(
        status=200,
        headers=_XML,
        body=b"<ListAccessPointsForObjectLambdaResult><ObjectLambdaAccessPointList/>"
        b"</ListAccessPointsForObjectLambdaResult>",
    ),
}
"""Answers of an account that does not use the feature."""

_NOT_SET_UP: Final[Mapping[str, tuple[int, str, str]]] = {
    "cloudtrail:GetEventDataStore": (400, "EventDataStoreNotFoundException", "There is no such event data store."),
    "macie2:DescribeBuckets": (403, "AccessDeniedException", "Macie is not enabled."),
    "macie2:GetMacieSession": (403, "AccessDeniedException", "Macie is not enabled."),
    "iam:ListOrganizationsFeatures": (409, "OrganizationNotFoundException", "This account is in no organization."),
    "organizations:DescribeEffectivePolicy": (
        400,
        "AWSOrganizationsNotInUseException",
        "Your account is not a member of an organization.",
    ),
    "s3control:GetAccessGrantsInstanceResourcePolicy": (
        404,
        "AccessGrantsInstanceNotExistsError",
        "Access Grants Instance does not exist",
    ),
    "s3control:GetAccessPointConfigurationForObjectLambda": (404, "NoSuchAccessPoint", "There is no such access point"),
    "s3control:GetAccessPointForObjectLambda": (404, "NoSuchAccessPoint", "There is no such access point"),
    "s3control:GetAccessPointPolicyForObjectLambda": (404, "NoSuchAccessPoint", "There is no such access point"),
    "s3control:ListAccessGrants": (404, "AccessGrantsInstanceNotExistsError", "Access Grants Instance does not exist"),
}
"""Status, code and message of an account in which the feature was never set up."""


class Gaps:
    """State that moto does not hold.

    Attributes:
        foreign: Buckets of other AWS accounts: name to Region. Every request for one is denied.
        delivered: When trails last delivered their logs; None for just now.
    """

    def __init__(self) -> None:
        self.delivered: datetime | None = None
        self.foreign: dict[str, str] = {}
        self._encryption: dict[str, bytes] = {}
        self._notifications: dict[str, bytes] = {}
        self._inventories: dict[str, dict[str, bytes]] = {}
        self._events: list[tuple[str, Mapping[str, Any]]] = []
        self._boundaries: dict[str, str] = {}
        self._rotation_periods: dict[str, int] = {}
        self._analyzed: set[str] = set()  # Regions

    def add_event(self, record: Mapping[str, Any], region: str) -> None:
        """Add a CloudTrail record (`eventID`, `eventName`, `eventTime`, `userIdentity`, …) to the event history."""
        self._events.append((region, record))

    def answer(self, request: AwsRequest) -> Reply | None:
        """The answer to a request that moto cannot answer; None where it is moto's turn."""
        if request.operation in _UNUSED:
            return _UNUSED[request.operation]
        if request.operation in _NOT_SET_UP:
            return error_reply(request, *_NOT_SET_UP[request.operation])
        if request.bucket is not None:
            return self._closed_bucket(request, request.bucket) or _retention(request, request.bucket)
        if request.operation == "cloudtrail:LookupEvents":
            return _json_reply(self._lookup_events(request.region, request.json()))
        if request.operation == "accessanalyzer:CreateAnalyzer":
            self._analyzed.add(request.region)
            return _json_reply({"arn": _analyzer_arn(request.region)})
        if request.operation == "accessanalyzer:ListAnalyzers":
            found = {"arn": _analyzer_arn(request.region), "type": "ACCOUNT", "status": "ACTIVE"}
            return _json_reply({"analyzers": [found] if request.region in self._analyzed else []})
        if request.operation == "kms:GetKeyLastUsage":
            return self._key_last_usage(request)
        if request.operation in ("kms:EnableKey", "kms:DisableKey", "kms:CancelKeyDeletion"):
            return self._switch_key(request)
        if request.operation == "iam:PutUserPermissionsBoundary":
            asked = request.json()
            self._boundaries[asked["UserName"]] = asked["PermissionsBoundary"]
            return Reply(status=200, headers=_XML, body=b"<PutUserPermissionsBoundaryResponse/>")
        if request.operation == "iam:DeleteUserPermissionsBoundary":
            self._boundaries.pop(request.json()["UserName"], None)
            return Reply(status=200, headers=_XML, body=b"<DeleteUserPermissionsBoundaryResponse/>")
        return None

    def amend(self, request: AwsRequest, body: bytes, reply: Reply) -> Reply:
        """Moto's answer as AWS would have given it; `body` is that of the request."""
        match request.operation:
            case "s3:PutBucketEncryption" if reply.status == 200 and request.bucket:
                self._encryption[request.bucket] = body
            case "s3:DeleteBucketEncryption" if reply.status < 300 and request.bucket:
                self._encryption.pop(request.bucket, None)
            case "s3:DeleteBucket" if reply.status < 300 and request.bucket:
                for settings in (self._encryption, self._notifications, self._inventories):
                    settings.pop(request.bucket, None)
            case "s3:PutBucketNotificationConfiguration" if reply.status == 200 and request.bucket:
                self._notifications[request.bucket] = body
            case "s3:GetBucketNotificationConfiguration" if reply.status == 200:
                # Moto does not tell of EventBridge.
                stored = self._notifications.get(request.bucket or "", reply.body)
                return Reply(status=200, headers=_XML, body=stored)
            case "s3:PutBucketInventoryConfiguration" if reply.status < 300 and request.bucket:
                self._inventories.setdefault(request.bucket, {})[request.query] = body
            case "s3:ListBucketInventoryConfigurations" if reply.status == 200 and request.bucket:
                # Moto forgets which optional fields there are.
                return Reply(status=200, headers=_XML, body=_inventories(self._inventories.get(request.bucket, {})))
            case "s3:GetBucketEncryption" if reply.status == 200 or b"ConfigurationNotFound" in reply.body:
                # Moto forgets BlockedEncryptionTypes and says that a new bucket has no default encryption.
                stored = self._encryption.get(request.bucket or "", _S3_DEFAULT_ENCRYPTION)
                return Reply(status=200, headers=_XML, body=stored)
            case "cloudtrail:GetEventSelectors" if reply.status == 200:
                return _with_default_selector(reply)
            case "cloudtrail:GetTrailStatus" if reply.status == 200:
                return self._trail_status(reply)
            case "iam:GetUser" | "iam:GetAccountAuthorizationDetails" if reply.status == 200:
                return self._with_boundaries(reply)
            case "iam:GetAccountSummary" if reply.status == 200:
                return _with_root_mfa(reply)
            case "iam:GetCredentialReport" if reply.status == 200:
                return _with_root_user(reply)
            case "kms:DescribeKey" if reply.status == 200:
                return _with_key_defaults(reply)
            case "kms:EnableKeyRotation" if reply.status == 200:
                self._rotation_periods[_key_id(request)] = int(request.json().get("RotationPeriodInDays") or _YEAR)
            case "kms:GetKeyRotationStatus" if reply.status == 200:
                return self._with_rotation_dates(request, reply)
            case _:
                pass
        return reply

    def _with_rotation_dates(self, request: AwsRequest, reply: Reply) -> Reply:
        """Moto does not say how often a key rotates, nor when: the days are counted from its making."""
        status = json.loads(reply.body)
        created = aws_state.key_created(_key_id(request), request.region)
        if not status["KeyRotationEnabled"] or created is None:
            return reply
        days = self._rotation_periods.get(_key_id(request), _YEAR)
        rotations = int((datetime.now(UTC).timestamp() - created) // (days * _DAY)) + 1
        due = created + rotations * days * _DAY
        return _json_reply({**status, "RotationPeriodInDays": days, "NextRotationDate": due})

    def _closed_bucket(self, request: AwsRequest, bucket: str) -> Reply | None:
        """Access denied for a bucket of another account, or one that has not the owner that the caller expects."""
        owner = aws_state.bucket_owner(bucket)
        if bucket in self.foreign:
            return denied_bucket(request, self.foreign[bucket])
        if owner is not None and request.expected_owner not in (None, owner):
            return denied_bucket(request, aws_state.bucket_region(bucket))
        return None

    def _switch_key(self, request: AwsRequest) -> Reply | None:
        named = str(request.json().get("KeyId", ""))
        if not named.startswith("arn:"):
            return None
        if not aws_state.switch_key(request.operation, named, request.region):
            return error_reply(request, 400, "NotFoundException", f"Key '{named}' does not exist")
        return _json_reply({"KeyId": named} if request.operation == "kms:CancelKeyDeletion" else {})

    def _with_boundaries(self, reply: Reply) -> Reply:
        """Moto keeps permissions boundaries of roles only."""
        body = reply.body.decode()
        for user_name, boundary in self._boundaries.items():
            arn = f"<Arn>arn:aws:iam::{aws_state.ACCOUNT}:user/{user_name}</Arn>"
            body = body.replace(
                arn,
                f"{arn}<PermissionsBoundary><PermissionsBoundaryType>Policy</PermissionsBoundaryType>"
                f"<PermissionsBoundaryArn>{boundary}</PermissionsBoundaryArn></PermissionsBoundary>",
            )
        return Reply(status=reply.status, headers=_without_length(reply.headers), body=body.encode())

    def _trail_status(self, reply: Reply) -> Reply:
        """Moto gives the start in local time, and delivers at every question."""
        status = json.loads(reply.body)
        if status["TimeLoggingStarted"]:
            status["StartLoggingTime"] = _epoch(status["TimeLoggingStarted"])
        if self.delivered is not None and status.get("LatestDeliveryTime"):
            status["LatestDeliveryTime"] = self.delivered.timestamp()
            status["LatestDeliveryAttemptTime"] = self.delivered.strftime(_TIME_FORMAT)
        return _json_reply(status)

    def _lookup_events(self, region: str, asked: Mapping[str, Any]) -> dict[str, Any]:
        """https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_LookupEvents.html: newest first."""
        since, until = (asked.get(name) for name in ("StartTime", "EndTime"))
        summaries = [_summary(record) for where, record in self._events if where == region]
        found = [
            summary
            for summary in sorted(summaries, key=lambda summary: float(summary["EventTime"]), reverse=True)
            if all(_has(summary, wanted) for wanted in asked.get("LookupAttributes") or ())
            and (since is None or summary["EventTime"] >= since)
            and (until is None or summary["EventTime"] <= until)
        ]
        start, size = int(asked.get("NextToken") or 0), int(asked.get("MaxResults") or 50)
        page: dict[str, Any] = {"Events": found[start : start + size]}
        if start + size < len(found):
            page["NextToken"] = str(start + size)
        return page

    def _key_last_usage(self, request: AwsRequest) -> Reply:
        """https://docs.aws.amazon.com/kms/latest/APIReference/API_GetKeyLastUsage.html, from the event history."""
        key_id = str(request.json().get("KeyId", "")).rpartition("/")[2]
        created = aws_state.key_created(key_id, request.region)
        if created is None:
            return error_reply(request, 400, "NotFoundException", f"Key '{key_id}' does not exist")
        uses = [
            record
            for where, record in self._events
            if where == request.region and key_id in json.dumps(record.get("resources", ()))
        ]
        last = max(uses, key=lambda record: str(record["eventTime"]), default=None)
        usage = {} if last is None else {"Operation": last["eventName"], "Timestamp": _epoch(last["eventTime"])}
        return _json_reply(
            {"KeyId": key_id, "KeyLastUsage": usage, "TrackingStartDate": created, "KeyCreationDate": created}
        )


def _inventories(stored: Mapping[str, bytes]) -> bytes:
    """The answer that lists what was put.

    https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListBucketInventoryConfigurations.html
    """
    start = b'<ListInventoryConfigurationsResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
    rest = b"<IsTruncated>false</IsTruncated></ListInventoryConfigurationsResult>"
    return start + b"".join(stored.values()) + rest


def _retention(request: AwsRequest, bucket: str) -> Reply | None:
    """The answer to GetObjectRetention, which moto does not know; None for another request."""
    if request.operation != "s3:GetObjectRetention":
        return None
    kept = aws_state.retention(bucket, request.path.split("/", 2)[2])
    if kept is None:
        message = "The specified object does not have a ObjectLock configuration"
        return error_reply(request, 404, "NoSuchObjectLockConfiguration", message)
    body = "<Retention><Mode>{}</Mode><RetainUntilDate>{}</RetainUntilDate></Retention>".format(*kept)
    return Reply(status=200, headers=_XML, body=body.encode())


def denied_bucket(request: AwsRequest, region: str | None) -> Reply:
    """Access denied with the bucket's Region, which S3 tells even then.

    https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadBucket.html
    """
    denied = access_denied(request)
    if request.operation != "s3:HeadBucket" or region is None:
        return denied
    return Reply(status=denied.status, headers=(*denied.headers, ("x-amz-bucket-region", region)), body=denied.body)


def _without_length(headers: Iterable[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    return tuple((name, value) for name, value in headers if name.lower() != "content-length")


def _json_reply(value: Any) -> Reply:
    return Reply(status=200, headers=_JSON, body=json.dumps(value).encode())


def _with_key_defaults(reply: Reply) -> Reply:
    """Moto leaves out what CreateKey was not told."""
    metadata = json.loads(reply.body)["KeyMetadata"]
    told = {name: value for name, value in metadata.items() if value is not None}
    return _json_reply({"KeyMetadata": {"KeyUsage": "ENCRYPT_DECRYPT", "MultiRegion": False, **told}})


def _with_root_mfa(reply: Reply) -> Reply:
    """Moto's root user has no MFA device, and none can be given to it."""
    body = re.sub(rb"(<key>AccountMFAEnabled</key>\s*<value>)0", rb"\g<1>1", reply.body)
    return Reply(status=reply.status, headers=_without_length(reply.headers), body=body)


_ROOT_USER = (
    f"<root_account>,arn:aws:iam::{aws_state.ACCOUNT}:root,2019-03-04T09:00:00+00:00,not_supported,no_information,"
    "not_supported,not_supported,true,false,N/A,N/A,N/A,N/A,false,N/A,N/A,N/A,N/A,false,N/A,false,N/A"
)
"""https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_getting-report.html"""


def _with_root_user(reply: Reply) -> Reply:
    """Moto's credential report leaves the root user out, who comes first."""

    def with_root(found: re.Match[bytes]) -> bytes:
        head, *users = base64.b64decode(found[1]).decode().splitlines()
        return b"<Content>" + base64.b64encode("\n".join([head, _ROOT_USER, *users]).encode()) + b"</Content>"

    body = re.sub(rb"<Content>([^<]*)</Content>", with_root, reply.body)
    return Reply(status=reply.status, headers=_without_length(reply.headers), body=body)


def _analyzer_arn(region: str) -> str:
    return f"arn:aws:access-analyzer:{region}:{aws_state.ACCOUNT}:analyzer/external-access"


def _key_id(request: AwsRequest) -> str:
    return str(request.json().get("KeyId", "")).rpartition("/")[2]


_DAY = 86_400  # seconds
_YEAR = 365  # days; how often a key is rotated unless something else is asked for


def _with_default_selector(reply: Reply) -> Reply:
    """A trail that was given no selector records all management events; moto says that it has no selector."""
    selectors = json.loads(reply.body)
    if selectors.get("EventSelectors") or selectors.get("AdvancedEventSelectors"):
        return reply
    default = {
        "ReadWriteType": "All",
        "IncludeManagementEvents": True,
        "DataResources": [],
        "ExcludeManagementEventSources": [],
    }
    body = json.dumps({"TrailARN": selectors.get("TrailARN"), "EventSelectors": [default]}).encode()
    return Reply(status=200, headers=_JSON, body=body)


def _summary(record: Mapping[str, Any]) -> dict[str, Any]:
    identity = record.get("userIdentity") or {}
    return {
        "EventId": record["eventID"],
        "EventName": record["eventName"],
        "EventTime": _epoch(record["eventTime"]),
        "EventSource": record.get("eventSource", ""),
        "ReadOnly": str(record.get("readOnly", False)).lower(),
        "AccessKeyId": identity.get("accessKeyId", ""),
        "Username": identity.get("userName", ""),
        "Resources": [
            {"ResourceType": resource.get("type", ""), "ResourceName": resource.get("ARN", "")}
            for resource in record.get("resources", ())
        ],
        "CloudTrailEvent": json.dumps(record),
    }


def _has(summary: Mapping[str, Any], wanted: Mapping[str, str]) -> bool:
    name, value = wanted["AttributeKey"], wanted["AttributeValue"]
    if name in ("ResourceName", "ResourceType"):
        resources: Iterable[Mapping[str, str]] = summary["Resources"]
        return any(resource[name] == value for resource in resources)
    return bool(summary.get(name) == value)


def _epoch(moment: str) -> float:
    return datetime.strptime(moment, _TIME_FORMAT).replace(tzinfo=UTC).timestamp()
