"""For authors of rules: a sound estate to start from, ways to spoil it, and `judge()`.

A case is a snapshot in the making. It starts sound, and a test changes single answers:

    case = sound()
    case.set("s3:GetBucketVersioning", "/Status", "Suspended")
    assert judge(bucket_versioning, case).outcome is Outcome.FAIL

`judge()` does more than run the rule: it withholds every observation in turn and sees to it that ignorance never turns
into a verdict. So a test that uses it proves that, too.
"""

import copy
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from recordscan.engine import assess
from recordscan.estate.estate import Estate
from recordscan.facts import Json, Reason
from recordscan.observation import Observation, ObservationError, ObservationOutcome
from recordscan.profile import Profile
from recordscan.result import Assessment, Outcome
from recordscan.rule import Rule
from recordscan.scope import Scope, TwilioAccountScope
from recordscan.snapshot import Snapshot, SnapshotHeader

NOW = datetime(2026, 11, 20, 6, 0, tzinfo=UTC)
"""The moment of every case."""

AWS_ACCOUNT = "111122223333"
TWILIO_ACCOUNT = "AC" + "a" * 32
REGION = "eu-west-1"
BUCKET = "acme-video-media"
PREFIX = "video/recordings/"
COMPOSITIONS_PREFIX = "video/compositions/"
KEY_ARN = f"arn:aws:kms:{REGION}:{AWS_ACCOUNT}:key/1234abcd-12ab-34cd-56ef-1234567890ab"
WRITER = "twilio-recordings-writer"
REVIEWERS = "video-reviewers"
"""A role that may read and decrypt the Recordings, and nothing else."""
UPLOADERS = "video-uploaders"
"""The group of the writer alone, which holds its policy."""
BOUNDARY_ARN = f"arn:aws:iam::{AWS_ACCOUNT}:policy/uploads-only"
REVIEWERS_ARN = f"arn:aws:iam::{AWS_ACCOUNT}:role/{REVIEWERS}"
WRITER_ARN = f"arn:aws:iam::{AWS_ACCOUNT}:user/{WRITER}"
ACCESS_KEY = "AKIAIOSFODNN7EXAMPLE"
CREDENTIAL = "CR" + "1" * 32
PUBLIC_KEY = "CR" + "2" * 32
TRAIL_ARN = f"arn:aws:cloudtrail:{REGION}:{AWS_ACCOUNT}:trail/audit"

_ALERTS_SINCE = (NOW - timedelta(days=29)).strftime("%Y-%m-%d")
_OWNED = {"Bucket": BUCKET, "ExpectedBucketOwner": AWS_ACCOUNT}


def ago(**duration: float) -> str:
    """A moment before `NOW`, as the APIs write it: `ago(days=3)`."""
    return (NOW - timedelta(**duration)).strftime("%Y-%m-%dT%H:%M:%SZ")


class Case:
    """A snapshot in the making; see the module."""

    def __init__(self, scope: Scope, profile: Profile) -> None:
        self.scope = scope
        self.profile = profile
        self._observations: list[Observation] = []

    def add(
        self,
        operation: str,
        answer: Json,
        *,
        account: str | None = AWS_ACCOUNT,
        region: str | None = None,
        **request: Json,
    ) -> None:
        """Add an answered call; an answer of None is a definitive "there is none"."""
        observation = Observation(
            operation=operation,
            account=account,
            region=region,
            request=request,
            outcome=ObservationOutcome.ABSENT if answer is None else ObservationOutcome.ANSWERED,
            answer=copy.deepcopy(answer),
            permission=operation,
            collected_at=ago(),
        )
        self._observations = [o for o in self._observations if o.key != observation.key] + [observation]

    def answer(self, operation: str, answer: Json, **request: Json) -> None:
        """Replace the answers of an operation; `request` chooses among several by what they asked.

        Raises:
            LookupError: The case has no such call.
        """
        outcome = ObservationOutcome.ABSENT if answer is None else ObservationOutcome.ANSWERED
        self._change(
            operation, request, lambda o: replace(o, outcome=outcome, answer=copy.deepcopy(answer), error=None)
        )

    def set(self, operation: str, pointer: str, value: Json, **request: Json) -> None:
        """Replace one member, by JSON Pointer, in the answers of an operation. `-` as last step appends to a list."""
        self._change(operation, request, lambda o: replace(o, answer=_with(o.answer, pointer, value)))

    def deny(self, operation: str, **request: Json) -> None:
        """Let an operation end in AccessDenied."""
        self._change(operation, request, _denied)

    def fail(self, operation: str, reason: Reason, **request: Json) -> None:
        """Let an operation end in an error of some other kind."""
        error = ObservationError(code=reason.value, message="no answer", http_status=None, reason=reason)
        self._change(
            operation, request, lambda o: replace(o, outcome=ObservationOutcome.FAILED, answer=None, error=error)
        )

    def forget(self, operation: str, **request: Json) -> None:
        """Remove the calls of an operation, as if they had never been made."""
        chosen = self._chosen(operation, request)
        self._observations = [o for o in self._observations if o not in chosen]

    def rename_bucket(self, name: str) -> None:
        """Give the bucket another name, wherever the case mentions it."""
        self._observations = [
            replace(o, request=_renamed(o.request, name), answer=_renamed(o.answer, name)) for o in self._observations
        ]

    def find(self, operation: str, **request: Json) -> Json:
        """The answer of one call, to look at."""
        return copy.deepcopy(self._chosen(operation, request)[0].answer)

    def snapshot(self) -> Snapshot:
        """The case as a snapshot."""
        return _snapshot(self.scope, self.profile, self._observations)

    def estate(self) -> Estate:
        """The case as an estate."""
        return Estate(self.snapshot())

    def _change(self, operation: str, request: dict[str, Json], change: Callable[[Observation], Observation]) -> None:
        chosen = self._chosen(operation, request)
        self._observations = [change(o) if o in chosen else o for o in self._observations]

    def _chosen(self, operation: str, request: dict[str, Json]) -> list[Observation]:
        chosen = [
            o
            for o in self._observations
            if o.operation == operation and all(o.request.get(name) == value for name, value in request.items())
        ]
        if not chosen:
            raise LookupError(f"the case has no {operation} with {request}")
        return chosen


def judge(rule: Rule, case: Case, subject: str | None = None) -> Assessment:
    """Assess a case, and prove that no withheld observation turns into a verdict.

    Args:
        rule: The rule.
        case: The case.
        subject: `uid` of the subject; may be left out where the rule has but one applicable subject, or but one at all.

    Raises:
        AssertionError: The rule has no such subject, or with one observation denied the outcome becomes another verdict
            (it must stay, or become unknown), or an observation that the outcome does not cite changes it.
    """
    snapshot = case.snapshot()
    assessment = _assess(rule, snapshot, case.profile, subject)
    cited = {citation.observation for citation in assessment.evidence}
    for observation in snapshot.observations:
        others = [_denied(o) if o is observation else o for o in snapshot.observations]
        withheld = _assess(rule, _snapshot(case.scope, case.profile, others), case.profile, assessment.subject.uid)
        allowed = {assessment.outcome} | ({Outcome.UNKNOWN} if observation.id in cited else set())
        if withheld.outcome not in allowed:
            raise AssertionError(
                f"{rule.id} says {assessment.outcome} of {assessment.subject.uid}, but {withheld.outcome} "
                f"({withheld.detail}) when {observation.operation} {dict(observation.request)} is denied"
            )
    return assessment


def judge_all(rule: Rule, case: Case) -> dict[str, Assessment]:
    """`judge()` every subject of a case: uid → assessment."""
    return {subject.uid: judge(rule, case, subject.uid) for subject in rule.subjects(case.estate())}


def sound() -> Case:
    """A Twilio account whose Recordings go to a bucket in good order; Compositions are not used.

    Subjects: the targets `twilio:AC…/recordings` and `twilio:AC…/compositions`, the account `twilio:AC…`.
    """
    case = Case(
        Scope(
            twilio_accounts=(TwilioAccountScope(sid=TWILIO_ACCOUNT, label="production"),),
            credential_links={CREDENTIAL: ACCESS_KEY},
            alerts_since=_ALERTS_SINCE,
        ),
        Profile(retention_min_days=30, retention_max_days=400, readers=(REVIEWERS_ARN,), administrators=()),
    )
    _add_twilio(case)
    _add_bucket(case)
    _add_key(case)
    _add_account(case)
    _add_writer(case)
    _add_trail(case)
    return case


def composing() -> Case:
    """The other sound way: Recordings stay at Twilio until composed, then go; Compositions go to the bucket."""
    case = sound()
    case.profile = replace(case.profile, storage="compose-then-delete")
    settings = case.find("twilio:FetchRecordingSettings")
    case.answer("twilio:FetchCompositionSettings", {**settings, "aws_s3_url": bucket_url(COMPOSITIONS_PREFIX)})
    case.answer("twilio:FetchRecordingSettings", _setting(enabled=False))
    case.answer("twilio:ListRecordings", {"recordings": [], "pages": 1, "truncated": False})
    case.answer("twilio:ListCompositionHooks", {"composition_hooks": [hook()], "pages": 1, "truncated": False})
    case.answer(
        "twilio:ListCompositions",
        {"compositions": [composition(1)], "pages": 1, "truncated": False},
        status="completed",
    )
    case.add("s3:ListObjectsV2", _NO_OBJECTS, **_OWNED, Prefix=COMPOSITIONS_PREFIX)
    set_writer_policy(case, upload_policy(COMPOSITIONS_PREFIX))
    return case


def bucket_url(prefix: str, *, bucket: str = BUCKET, region: str = REGION) -> str:
    """An `aws_s3_url` in the form that AWS documents now."""
    return f"https://{bucket}.s3.{region}.amazonaws.com/{prefix}"


def recording(number: int, **members: Json) -> dict[str, Json]:
    """A completed Recording in the bucket, `number` days old, as Twilio shows it."""
    row: dict[str, Json] = {
        "sid": f"RT{number:032x}",
        "account_sid": TWILIO_ACCOUNT,
        "status": "completed",
        "date_created": ago(days=number),
        "size": 1_048_576,
        "type": "video",
        "container_format": "mkv",
        "grouping_sids": {"room_sid": f"RM{number:032x}", "participant_sid": f"PA{number:032x}"},
        "track_name": f"camera-{number}",
        "media_external_location": bucket_url(PREFIX),
    }
    return {**row, **members}


def composition(number: int, **members: Json) -> dict[str, Json]:
    """A completed Composition in the bucket, `number` days old, as Twilio shows it."""
    row: dict[str, Json] = {
        "sid": f"CJ{number:032x}",
        "account_sid": TWILIO_ACCOUNT,
        "status": "completed",
        "date_created": ago(days=number),
        "date_completed": ago(days=number),
        "room_sid": f"RM{number:032x}",
        "size": 2_097_152,
        "format": "mp4",
        "media_external_location": bucket_url(COMPOSITIONS_PREFIX),
    }
    return {**row, **members}


def hook(**members: Json) -> dict[str, Json]:
    """An enabled Composition Hook."""
    row: dict[str, Json] = {
        "sid": "HK" + "3" * 32,
        "account_sid": TWILIO_ACCOUNT,
        "enabled": True,
        "friendly_name": "grid",
        "status_callback": "https://hooks.example.com/video",
    }
    return {**row, **members}


def alert(error_code: int | str, **members: Json) -> dict[str, Json]:
    """An entry of Twilio's error log."""
    row: dict[str, Json] = {
        "sid": f"NO{error_code}".ljust(34, "0"),
        "account_sid": TWILIO_ACCOUNT,
        "error_code": str(error_code),
        "log_level": "error",
        "alert_text": "sample",
        "date_generated": ago(days=1),
        "resource_sid": "RT" + "5" * 32,
    }
    return {**row, **members}


TLS_ONLY_POLICY: dict[str, Any] = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Sid": "DenyInsecureTransport",
            "Effect": "Deny",
            "Principal": "*",
            "Action": "s3:*",
            "Resource": [f"arn:aws:s3:::{BUCKET}", f"arn:aws:s3:::{BUCKET}/*"],
            "Condition": {"Bool": {"aws:SecureTransport": "false"}},
        },
        {
            "Sid": "DenyOldTls",
            "Effect": "Deny",
            "Principal": "*",
            "Action": "s3:*",
            "Resource": [f"arn:aws:s3:::{BUCKET}", f"arn:aws:s3:::{BUCKET}/*"],
            "Condition": {"NumericLessThan": {"s3:TlsVersion": "1.2"}},
        },
    ],
}
"""The bucket policy of a sound estate: first the demand for TLS, then that for a version of it."""

_NO_OBJECTS = {"Contents": [], "KeyCount": 0, "truncated": False}
_ALL_BLOCKED = {
    "PublicAccessBlockConfiguration": {
        "BlockPublicAcls": True,
        "IgnorePublicAcls": True,
        "BlockPublicPolicy": True,
        "RestrictPublicBuckets": True,
    }
}


def _setting(*, enabled: bool) -> dict[str, Json]:
    return {
        "account_sid": TWILIO_ACCOUNT,
        "friendly_name": "video media" if enabled else None,
        "aws_storage_enabled": enabled,
        "aws_s3_url": bucket_url(PREFIX) if enabled else None,
        "aws_credentials_sid": CREDENTIAL if enabled else None,
        "encryption_enabled": False,
        "encryption_key_sid": None,
    }


def _add_twilio(case: Case) -> None:
    def add(operation: str, answer: Json, **request: Json) -> None:
        case.add(operation, answer, account=TWILIO_ACCOUNT, **request)

    def rows(member: str, *items: Json) -> dict[str, Json]:
        return {member: list(items), "pages": 1, "truncated": False}

    account = {"sid": TWILIO_ACCOUNT, "owner_account_sid": TWILIO_ACCOUNT, "status": "active", "friendly_name": "Acme"}
    credential = {
        "sid": CREDENTIAL,
        "account_sid": TWILIO_ACCOUNT,
        "friendly_name": "video writer",
        "date_created": ago(days=30),
    }
    add("twilio:ListAccounts", rows("accounts", account))
    add("twilio:FetchRecordingSettings", _setting(enabled=True))
    add("twilio:FetchCompositionSettings", _setting(enabled=False))
    add("twilio:ListRecordings", rows("recordings"), status="processing")
    add("twilio:ListRecordings", rows("recordings", recording(1), recording(2), recording(3)), status="completed")
    add("twilio:ListRecordings", rows("recordings"), status="failed")
    for status in ("enqueued", "processing", "completed", "failed"):
        add("twilio:ListCompositions", rows("compositions"), status=status)
    add("twilio:ListCompositionHooks", rows("composition_hooks"))
    add("twilio:ListAwsCredentials", rows("credentials", credential))
    add("twilio:ListPublicKeys", rows("credentials", {**credential, "sid": PUBLIC_KEY, "friendly_name": "reader"}))
    add("twilio:ListAlerts", rows("alerts"), start_date=_ALERTS_SINCE)


def _add_bucket(case: Case) -> None:
    head = {"HTTPStatusCode": 200, "BucketRegion": REGION}
    encryption = {
        "ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": KEY_ARN},
        "BucketKeyEnabled": True,
        "BlockedEncryptionTypes": {"EncryptionType": ["SSE-C"]},
    }
    expiry = {
        "ID": "retention",
        "Status": "Enabled",
        "Filter": {"Prefix": "video/"},
        "Expiration": {"Days": 365},
        "NoncurrentVersionExpiration": {"NoncurrentDays": 30},
        "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7},
    }
    owner = {"Grantee": {"Type": "CanonicalUser", "ID": "f" * 64}, "Permission": "FULL_CONTROL"}
    identity = {"Account": AWS_ACCOUNT, "Arn": f"arn:aws:sts::{AWS_ACCOUNT}:assumed-role/audit/scan", "UserId": "X"}
    case.add("sts:GetCallerIdentity", identity, account=None)
    case.add("s3:ListBuckets", {"Buckets": [{"Name": BUCKET}]})
    case.add("s3control:GetPublicAccessBlock", _ALL_BLOCKED, AccountId=AWS_ACCOUNT)
    answers: dict[str, Json] = {
        "s3:HeadBucket": head,
        "s3:GetBucketPolicy": {"Policy": json.dumps(TLS_ONLY_POLICY)},
        "s3:GetBucketPolicyStatus": {"PolicyStatus": {"IsPublic": False}},
        "s3:GetPublicAccessBlock": _ALL_BLOCKED,
        "s3:GetBucketAcl": {"Owner": {"ID": "f" * 64}, "Grants": [owner]},
        "s3:GetBucketOwnershipControls": {"OwnershipControls": {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}},
        "s3:GetBucketEncryption": {"ServerSideEncryptionConfiguration": {"Rules": [encryption]}},
        "s3:GetBucketVersioning": {"Status": "Enabled"},
        "s3:GetBucketLifecycleConfiguration": {"Rules": [expiry]},
        "s3:GetBucketLogging": {"LoggingEnabled": {"TargetBucket": "acme-access-logs", "TargetPrefix": "video/"}},
    }
    for operation, answer in answers.items():
        case.add(operation, answer, **_OWNED)
    case.add("s3:ListObjectsV2", _NO_OBJECTS, **_OWNED, Prefix=PREFIX)


def _add_key(case: Case) -> None:
    metadata = {
        "Arn": KEY_ARN,
        "KeyId": KEY_ARN.rpartition("/")[2],
        "KeyManager": "CUSTOMER",
        "KeyState": "Enabled",
        "KeyUsage": "ENCRYPT_DECRYPT",
        "KeySpec": "SYMMETRIC_DEFAULT",
        "Origin": "AWS_KMS",
        "MultiRegion": False,
    }
    delegation = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "Delegate",
                "Effect": "Allow",
                "Principal": {"AWS": f"arn:aws:iam::{AWS_ACCOUNT}:root"},
                "Action": "kms:*",
                "Resource": "*",
            }
        ],
    }
    case.add("kms:DescribeKey", {"KeyMetadata": metadata}, region=REGION, KeyId=KEY_ARN)
    case.add("kms:GetKeyRotationStatus", {"KeyRotationEnabled": True}, region=REGION, KeyId=KEY_ARN)
    policy = {"Policy": json.dumps(delegation)}
    case.add("kms:GetKeyPolicy", policy, region=REGION, KeyId=KEY_ARN, PolicyName="default")
    case.add("kms:ListGrants", {"Grants": [], "truncated": False}, region=REGION, KeyId=KEY_ARN)


def upload_policy(*prefixes: str) -> dict[str, Any]:
    """The writer's policy: what Twilio's guide grants, for these prefixes of the bucket."""
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "UploadUserAllowPutObject",
                "Effect": "Allow",
                "Action": ["s3:PutObject"],
                "Resource": [f"arn:aws:s3:::{BUCKET}/{prefix}*" for prefix in prefixes],
            },
            {
                "Sid": "AccessToKmsForEncryption",
                "Effect": "Allow",
                "Action": ["kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:DescribeKey"],
                "Resource": [KEY_ARN],
            },
        ],
    }


def set_writer_policy(case: Case, document: Json) -> None:
    """Give the writer's group another policy, in both answers that hold it."""
    case.set("iam:GetGroupPolicy", "/PolicyDocument", document, GroupName=UPLOADERS)
    case.set("iam:GetAccountAuthorizationDetails", "/GroupDetailList/0/GroupPolicyList/0/PolicyDocument", document)


def role_details(name: str, document: Json, **members: Json) -> dict[str, Json]:
    """A role with one inline policy, as GetAccountAuthorizationDetails shows it."""
    row: dict[str, Json] = {
        "RoleName": name,
        "Arn": f"arn:aws:iam::{AWS_ACCOUNT}:role/{name}",
        "RolePolicyList": [{"PolicyName": "permissions", "PolicyDocument": document}],
        "AttachedManagedPolicies": [],
    }
    return {**row, **members}


_REVIEW = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Sid": "ReadMedia",
            "Effect": "Allow",
            "Action": "s3:GetObject",
            "Resource": f"arn:aws:s3:::{BUCKET}/video/*",
        },
        {"Sid": "DecryptMedia", "Effect": "Allow", "Action": "kms:Decrypt", "Resource": KEY_ARN},
    ],
}


_BOUNDARY = {
    "Version": "2012-10-17",
    "Statement": [
        {"Sid": "Uploads", "Effect": "Allow", "Action": "s3:PutObject", "Resource": f"arn:aws:s3:::{BUCKET}/*"},
        {"Sid": "TheirKey", "Effect": "Allow", "Action": "kms:*", "Resource": KEY_ARN},
    ],
}
_BOUNDED = {"PermissionsBoundaryType": "Policy", "PermissionsBoundaryArn": BOUNDARY_ARN}


def _add_account(case: Case) -> None:
    writer = {
        "UserName": WRITER,
        "Arn": WRITER_ARN,
        "UserPolicyList": [],
        "AttachedManagedPolicies": [],
        "GroupList": [UPLOADERS],
        "PermissionsBoundary": _BOUNDED,
    }
    group = {
        "GroupName": UPLOADERS,
        "GroupPolicyList": [{"PolicyName": "uploads", "PolicyDocument": upload_policy(PREFIX)}],
        "AttachedManagedPolicies": [],
    }
    boundary = {
        "PolicyName": "uploads-only",
        "Arn": BOUNDARY_ARN,
        "PolicyVersionList": [{"VersionId": "v1", "IsDefaultVersion": True, "Document": _BOUNDARY}],
    }
    details = {
        "UserDetailList": [writer],
        "GroupDetailList": [group],
        "RoleDetailList": [role_details(REVIEWERS, _REVIEW)],
        "Policies": [boundary],
        "truncated": False,
    }
    case.add("iam:GetAccountAuthorizationDetails", details)
    case.add("organizations:DescribeOrganization", None)


def _add_writer(case: Case) -> None:
    key = {"UserName": WRITER, "AccessKeyId": ACCESS_KEY, "Status": "Active", "CreateDate": ago(days=30)}
    used = {"LastUsedDate": ago(days=1), "ServiceName": "s3", "Region": REGION}
    user = {"Arn": WRITER_ARN, "UserName": WRITER, "PermissionsBoundary": _BOUNDED}
    case.add("iam:GetUser", {"User": user}, UserName=WRITER)
    case.add("iam:ListAccessKeys", {"AccessKeyMetadata": [key]}, UserName=WRITER)
    case.add("iam:GetAccessKeyLastUsed", {"UserName": WRITER, "AccessKeyLastUsed": used}, AccessKeyId=ACCESS_KEY)
    case.add("iam:GetLoginProfile", None, UserName=WRITER)
    case.add("iam:ListMFADevices", {"MFADevices": []}, UserName=WRITER)
    case.add("iam:ListSSHPublicKeys", {"SSHPublicKeys": []}, UserName=WRITER)
    case.add("iam:ListSigningCertificates", {"Certificates": []}, UserName=WRITER)
    case.add("iam:ListServiceSpecificCredentials", {"ServiceSpecificCredentials": []}, UserName=WRITER)
    case.add("iam:ListUserPolicies", {"PolicyNames": []}, UserName=WRITER)
    case.add("iam:ListAttachedUserPolicies", {"AttachedPolicies": []}, UserName=WRITER)
    case.add("iam:ListGroupsForUser", {"Groups": [{"GroupName": UPLOADERS}]}, UserName=WRITER)
    case.add("iam:ListGroupPolicies", {"PolicyNames": ["uploads"]}, GroupName=UPLOADERS)
    document = {"GroupName": UPLOADERS, "PolicyName": "uploads", "PolicyDocument": upload_policy(PREFIX)}
    case.add("iam:GetGroupPolicy", document, GroupName=UPLOADERS, PolicyName="uploads")
    case.add("iam:ListAttachedGroupPolicies", {"AttachedPolicies": []}, GroupName=UPLOADERS)
    case.add("iam:GetPolicy", {"Policy": {"Arn": BOUNDARY_ARN, "DefaultVersionId": "v1"}}, PolicyArn=BOUNDARY_ARN)
    version = {"PolicyVersion": {"VersionId": "v1", "Document": _BOUNDARY}}
    case.add("iam:GetPolicyVersion", version, PolicyArn=BOUNDARY_ARN, VersionId="v1")


def _add_trail(case: Case) -> None:
    trail = {"TrailARN": TRAIL_ARN, "HomeRegion": REGION, "IsMultiRegionTrail": True, "S3BucketName": "acme-trail"}
    selector = {
        "ReadWriteType": "All",
        "IncludeManagementEvents": True,
        "DataResources": [{"Type": "AWS::S3::Object", "Values": [f"arn:aws:s3:::{BUCKET}/"]}],
    }
    case.add("cloudtrail:DescribeTrails", {"trailList": [trail]}, region=REGION, includeShadowTrails=True)
    case.add("cloudtrail:GetTrailStatus", {"IsLogging": True}, region=REGION, Name=TRAIL_ARN)
    case.add("cloudtrail:GetEventSelectors", {"EventSelectors": [selector]}, region=REGION, TrailName=TRAIL_ARN)


def _snapshot(scope: Scope, profile: Profile, observations: list[Observation]) -> Snapshot:
    header = SnapshotHeader(
        scan_id="01a2b3c4-0000-7000-8000-000000000000",
        tool_version="0",
        started=ago(),
        asked_by={},
        scope=scope,
        profile=profile,
        fail_on="critical",
    )
    ordered = tuple(sorted(observations, key=lambda observation: observation.key))
    return Snapshot(header=header, observations=ordered, ended=ago())


def _assess(rule: Rule, snapshot: Snapshot, profile: Profile, subject: str | None) -> Assessment:
    subjects = list(rule.subjects(Estate(snapshot)))
    assessments = [assess(rule, s, profile) for s in subjects if subject in (None, s.uid)]
    if len(assessments) > 1:
        applicable = [a for a in assessments if a.outcome is not Outcome.NOT_APPLICABLE]
        assessments = applicable or assessments
    if len(assessments) != 1:
        names = ", ".join(s.uid for s in subjects) or "none"
        raise AssertionError(f"{rule.id}: say which subject is meant; there are: {names}")
    return assessments[0]


def _denied(observation: Observation) -> Observation:
    error = ObservationError(code="AccessDenied", message="Access Denied", http_status=403, reason=Reason.ACCESS_DENIED)
    return replace(observation, outcome=ObservationOutcome.FAILED, answer=None, error=error)


def _renamed(value: Json, name: str) -> Json:
    return json.loads(json.dumps(value).replace(BUCKET, name))


def _with(answer: Json, pointer: str, value: Json) -> Json:
    changed = copy.deepcopy(answer)
    place = changed
    *steps, last = _steps(pointer)
    for step in steps:
        place = place[int(step) if isinstance(place, list) else step]
    if isinstance(place, list):
        if last == "-":
            place.append(copy.deepcopy(value))
        else:
            place[int(last)] = copy.deepcopy(value)
    else:
        place[last] = copy.deepcopy(value)
    return changed


def _steps(pointer: str) -> Iterator[str]:
    for step in pointer.removeprefix("/").split("/"):
        yield step.replace("~1", "/").replace("~0", "~")
