"""For each rule an estate that breaks it, and more estates that break none."""

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from recordscan.estate.twilio_rows import usage_request
from recordscan.facts import Json
from recordscan.scope import TwilioAccountScope
from recordscan.testing import (
    ACCESS_KEY,
    AWS_ACCOUNT,
    BUCKET,
    COMPOSITIONS_PREFIX,
    CREDENTIAL,
    KEY_ARN,
    PREFIX,
    PUBLIC_KEY,
    REVIEWERS,
    TLS_ONLY_POLICY,
    TWILIO_ACCOUNT,
    WRITER,
    WRITER_ARN,
    Case,
    ago,
    alert,
    bucket_url,
    composing,
    composition,
    hook,
    objects_of,
    recording,
    role_details,
    set_writer_policy,
    sound,
    upload_policy,
)
from rules import failing_account, failing_audit, failing_bucket, failing_keys, failing_twilio

Example = Callable[[], Case]

client_side_encrypted = failing_twilio.encrypted

TENANT = "AC" + "b" * 32
COMPOSITIONS_CREDENTIAL = "CR" + "5" * 32
TENANT_CREDENTIAL = "CR" + "4" * 32
TENANT_PREFIX = "video/tenant/"
ENCRYPTION = "/ServerSideEncryptionConfiguration/Rules/0"
DEFAULT = f"{ENCRYPTION}/ApplyServerSideEncryptionByDefault"
EVERYONE = "http://acs.amazonaws.com/groups/global/AllUsers"


def two_tenants(prefix: str = TENANT_PREFIX) -> Case:
    """Two Twilio accounts that write to one bucket, each under a prefix of its own."""
    case = sound()
    changes = ((TWILIO_ACCOUNT, TENANT), (CREDENTIAL, TENANT_CREDENTIAL), (PREFIX, prefix))
    for observation in case.snapshot().observations:
        if observation.account == TWILIO_ACCOUNT:
            answer, request = _replaced(observation.answer, changes), _replaced(observation.request, changes)
            case.add(observation.operation, answer, account=TENANT, **request)
    case.asked_by[f"twilio:{TENANT}"] = case.asked_by[f"twilio:{TWILIO_ACCOUNT}"]
    objects = {"Bucket": BUCKET, "ExpectedBucketOwner": AWS_ACCOUNT, "Prefix": prefix}
    case.add("s3:ListObjectsV2", objects_of(prefix, *(f"RT{number:032x}" for number in (1, 2, 3))), **objects)
    case.scope = replace(
        case.scope,
        twilio_accounts=(*case.scope.twilio_accounts, TwilioAccountScope(sid=TENANT, label="tenant")),
        credential_links={CREDENTIAL: ACCESS_KEY, TENANT_CREDENTIAL: ACCESS_KEY},
    )
    set_writer_policy(case, upload_policy(PREFIX, prefix))
    return case


def subaccounts() -> Case:
    """The second tenant is a subaccount of the first, and so is one that is suspended and stores nothing."""
    case = two_tenants()
    rows: list[Json] = [
        {"sid": TWILIO_ACCOUNT, "owner_account_sid": TWILIO_ACCOUNT, "status": "active"},
        {"sid": TENANT, "owner_account_sid": TWILIO_ACCOUNT, "status": "active"},
        {"sid": failing_twilio.SUSPENDED, "owner_account_sid": TWILIO_ACCOUNT, "status": "suspended"},
    ]
    listed = {"accounts": rows, "pages": 1, "truncated": False}
    case.add("twilio:ListAccounts", listed, account=TWILIO_ACCOUNT)
    usage = case.find("twilio:ListDailyUsage", of=TWILIO_ACCOUNT)
    request = {**usage_request(failing_twilio.SUSPENDED, case.scope.alerts_since)}
    case.add("twilio:ListDailyUsage", usage, account=TWILIO_ACCOUNT, **request)
    return case


def both_external() -> Case:
    """Recordings go to the bucket, and so do Compositions that were made of earlier ones, under another prefix."""
    case = sound()
    settings = case.find("twilio:FetchRecordingSettings")
    place = {"aws_s3_url": bucket_url(COMPOSITIONS_PREFIX), "aws_credentials_sid": COMPOSITIONS_CREDENTIAL}
    case.answer("twilio:FetchCompositionSettings", {**settings, **place})
    credential = case.find("twilio:ListAwsCredentials")["credentials"][0]
    case.set("twilio:ListAwsCredentials", "/credentials/-", {**credential, "sid": COMPOSITIONS_CREDENTIAL})
    case.scope = replace(
        case.scope, credential_links={**case.scope.credential_links, COMPOSITIONS_CREDENTIAL: ACCESS_KEY}
    )
    late = composition(1, room_sid="RM" + "8" * 32)
    case.set("twilio:ListCompositions", "/compositions", [late], status="completed")
    objects = {"Bucket": BUCKET, "ExpectedBucketOwner": AWS_ACCOUNT, "Prefix": COMPOSITIONS_PREFIX}
    case.add("s3:ListObjectsV2", objects_of(COMPOSITIONS_PREFIX, late["sid"]), **objects)
    set_writer_policy(case, upload_policy(PREFIX, COMPOSITIONS_PREFIX))
    return case


TRUSTED = "444455556666"
FOREIGN = "999988887777"
_UPLOADS = {"Action": "s3:PutObject", "Resource": f"arn:aws:s3:::{BUCKET}/*"}

SHARED_STATEMENTS: tuple[dict[str, Any], ...] = (
    {
        "Sid": "DenyOtherEncryption",
        "Effect": "Deny",
        "Principal": "*",
        **_UPLOADS,
        "Condition": {
            "StringNotEquals": {"s3:x-amz-server-side-encryption": "aws:kms"},
            "Null": {"s3:x-amz-server-side-encryption": "false"},
        },
    },
    {
        "Sid": "DenyOtherKey",
        "Effect": "Deny",
        "Principal": "*",
        **_UPLOADS,
        "Condition": {
            "StringNotEquals": {"s3:x-amz-server-side-encryption-aws-kms-key-id": KEY_ARN},
            "Null": {"s3:x-amz-server-side-encryption-aws-kms-key-id": "false"},
        },
    },
    {
        "Sid": "Inventory",
        "Effect": "Allow",
        "Principal": {"Service": "s3.amazonaws.com"},
        "Action": "s3:PutObject",
        "Resource": f"arn:aws:s3:::{BUCKET}/inventory/*",
        "Condition": {"StringEquals": {"aws:SourceAccount": AWS_ACCOUNT}},
    },
    {
        "Sid": "Review",
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{TRUSTED}:role/review"},
        "Action": "s3:GetObject",
        "Resource": f"arn:aws:s3:::{BUCKET}/{PREFIX}*",
    },
)
"""Statements of a bucket policy that shares soundly."""

KEY_DUTIES: tuple[dict[str, Any], ...] = (
    {
        "Sid": "Control",
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{AWS_ACCOUNT}:role/key-admin"},
        "Action": ["kms:Create*", "kms:Put*", "kms:Disable*", "kms:ScheduleKeyDeletion"],
        "Resource": "*",
    },
    {
        "Sid": "Use",
        "Effect": "Allow",
        "Principal": {"AWS": [f"arn:aws:iam::{AWS_ACCOUNT}:role/{REVIEWERS}", f"arn:aws:iam::{TRUSTED}:role/review"]},
        "Action": ["kms:Decrypt", "kms:GenerateDataKey*"],
        "Resource": "*",
    },
)
"""Statements of a key policy that keeps duties apart."""


def with_bucket_policy(*statements: Json, case: Case | None = None, **members: Json) -> Case:
    """An estate whose bucket policy has more statements than the sound one."""
    case = case or sound()
    document = {**TLS_ONLY_POLICY, "Statement": [*TLS_ONLY_POLICY["Statement"], *statements], **members}
    case.answer("s3:GetBucketPolicy", {"Policy": json.dumps(document)})
    return case


def with_key_policy(*statements: Json, case: Case | None = None) -> Case:
    """An estate whose key policy has more statements than the sound one."""
    case = case or sound()
    document = json.loads(case.find("kms:GetKeyPolicy")["Policy"])
    document["Statement"] += statements
    case.answer("kms:GetKeyPolicy", {"Policy": json.dumps(document)})
    return case


def grant(**members: Json) -> dict[str, Json]:
    """A grant for an AWS service, as ListGrants shows it."""
    row: dict[str, Json] = {
        "GrantId": "g" * 64,
        "GranteeServicePrincipal": "backup.amazonaws.com",
        "GranteePrincipal": f"arn:aws:iam::{AWS_ACCOUNT}:role/aws-service-role/backup.amazonaws.com/AWSServiceRole",
        "IssuingAccount": f"arn:aws:iam::{AWS_ACCOUNT}:root",
        "Operations": ["Decrypt", "CreateGrant"],
    }
    return {**row, **members}


def with_grant(**members: Json) -> Case:
    """An estate whose key has one grant."""
    case = sound()
    case.set("kms:ListGrants", "/Grants", [grant(**members)])
    return case


def to(account: str, action: Json = "s3:ListBucket", **members: Json) -> dict[str, Any]:
    """A statement of the bucket policy that lets an account in."""
    statement: dict[str, Any] = {
        "Sid": "Partner",
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{account}:root"},
        "Action": action,
        "Resource": [f"arn:aws:s3:::{BUCKET}", f"arn:aws:s3:::{BUCKET}/*"],
    }
    return {name: value for name, value in {**statement, **members}.items() if value is not None}


def sharing() -> Case:
    """Bucket and key are shared with a trusted account and with services, and duties are kept apart."""
    case = with_key_policy(*KEY_DUTIES, case=with_bucket_policy(*SHARED_STATEMENTS))
    case.set("kms:ListGrants", "/Grants", [grant()])
    # What the roles of the trusted account may do is decided there.
    case.profile = replace(case.profile, trusted_accounts=(TRUSTED,), readers=None, administrators=None)
    return case


SOUND: dict[str, Example] = {
    "sharing": sharing,
    "external": sound,
    "composing": composing,
    "both external": both_external,
    "encrypted": client_side_encrypted,
    "two tenants": two_tenants,
    **failing_bucket.SOUND,
    "named": failing_twilio.named,
    "subaccounts": subaccounts,
    "waiting": failing_twilio.waiting,
    **failing_account.SOUND,
    **failing_audit.SOUND,
    **failing_keys.SOUND,
}
"""Estates that break no rule and leave nothing open."""


def live_acl() -> Case:
    """Access control lists take effect, and grant the public nothing."""
    return sets("s3:GetBucketOwnershipControls", "/OwnershipControls/Rules/0/ObjectOwnership", "ObjectWriter")()


PASSING: dict[str, Example] = {"bucket-acl-public": live_acl, **failing_bucket.PASSING}
"""Rules that do not apply to a sound estate: rule id → an estate, unsound in other ways, that passes."""


def _replaced(answer: Json, changes: Sequence[tuple[str, str]]) -> Json:
    text = json.dumps(answer)
    for old, new in changes:
        text = text.replace(old, new)
    return json.loads(text)


def sets(operation: str, pointer: str, value: Json, *, start: Example = sound, **request: Json) -> Example:
    """A sound estate with one member of one answer changed."""

    def make() -> Case:
        case = start()
        case.set(operation, pointer, value, **request)
        return case

    return make


def answers(operation: str, answer: Json, **request: Json) -> Example:
    """A sound estate with one other answer."""

    def make() -> Case:
        case = sound()
        case.answer(operation, answer, **request)
        return case

    return make


def setting(**members: Json) -> Example:
    """A sound estate whose setting for Recordings is another."""

    def make() -> Case:
        case = sound()
        for name, value in members.items():
            case.set("twilio:FetchRecordingSettings", f"/{name}", value)
        return case

    return make


def url(value: str) -> Example:
    """A sound estate that stores under another URL."""
    return setting(aws_s3_url=value)


def recordings(*rows: dict[str, Json], start: Example = sound) -> Example:
    """A sound estate with these completed Recordings."""
    return sets("twilio:ListRecordings", "/recordings", list(rows), start=start, status="completed")


def root_of_a_shared_bucket() -> Case:
    case = url(bucket_url(""))()
    rows = [{"Key": key, "Size": 9, "LastModified": ago(days=2)} for key in ("invoices/1.pdf", "backup.tar")]
    objects = {"Bucket": BUCKET, "ExpectedBucketOwner": AWS_ACCOUNT, "Prefix": ""}
    case.add("s3:ListObjectsV2", {"Contents": rows, "KeyCount": 2, "truncated": False}, **objects)
    return case


def one_prefix_for_both() -> Case:
    case = sound()
    case.answer("twilio:FetchCompositionSettings", case.find("twilio:FetchRecordingSettings"))
    return case


def external_recordings_with_a_hook() -> Case:
    case = sound()
    case.set("twilio:ListCompositionHooks", "/composition_hooks", [hook()])
    return case


def encrypted_recordings_with_a_hook() -> Case:
    case = composing()
    case.set("twilio:FetchRecordingSettings", "/encryption_enabled", True)
    case.set("twilio:FetchRecordingSettings", "/encryption_key_sid", PUBLIC_KEY)
    return case


def kept_sources() -> Case:
    case = composing()
    room = "RM" + "7" * 32
    composed = composition(30, room_sid=room, date_completed=ago(days=30))
    source = recording(31, media_external_location=None, grouping_sids={"room_sid": room})
    case.set("twilio:ListCompositions", "/compositions", [composed], status="completed")
    case.set("twilio:ListRecordings", "/recordings", [source], status="completed")
    return case


def key_in_another_region() -> Case:
    return sets("s3:GetBucketEncryption", f"{DEFAULT}/KMSMasterKeyID", KEY_ARN.replace("eu-west-1", "us-east-1"))()


def public_acl() -> Case:
    case = sound()
    case.set("s3:GetBucketOwnershipControls", "/OwnershipControls/Rules/0/ObjectOwnership", "ObjectWriter")
    case.set("s3:GetBucketAcl", "/Grants/-", {"Grantee": {"Type": "Group", "URI": EVERYONE}, "Permission": "READ"})
    for operation in ("s3:GetPublicAccessBlock", "s3control:GetPublicAccessBlock"):
        case.answer(operation, None)
    return case


def second_access_key() -> Case:
    case = sound()
    key = {"UserName": "w", "AccessKeyId": "AKIAI44QH8DHBEXAMPLE", "Status": "Active", "CreateDate": ago(days=60)}
    case.set("iam:ListAccessKeys", "/AccessKeyMetadata/-", key)
    return case


def bucket_policy(*statements: dict[str, Json]) -> Example:
    """A sound estate whose bucket policy has more statements."""

    def make() -> Case:
        case = sound()
        document = {**TLS_ONLY_POLICY, "Statement": [*TLS_ONLY_POLICY["Statement"], *statements]}
        case.answer("s3:GetBucketPolicy", {"Policy": json.dumps(document)})
        return case

    return make


def denies(condition: dict[str, Json]) -> Example:
    """A sound estate whose bucket policy denies uploads under a condition."""
    return bucket_policy(
        {
            "Sid": "DenyUploads",
            "Effect": "Deny",
            "Principal": "*",
            "Action": "s3:PutObject",
            "Resource": f"arn:aws:s3:::{BUCKET}/*",
            "Condition": condition,
        }
    )


def writer_policy(document: dict[str, Json]) -> Example:
    """A sound estate whose writer has another policy."""

    def make() -> Case:
        case = sound()
        set_writer_policy(case, document)
        return case

    return make


def without_kms() -> dict[str, Json]:
    document = upload_policy(PREFIX)
    return {**document, "Statement": document["Statement"][:1]}


def root_key() -> Case:
    case = sound()
    case.scope = replace(case.scope, credential_links={CREDENTIAL: f"arn:aws:iam::{AWS_ACCOUNT}:root"})
    return case


def foreign_writer() -> Case:
    case = sound()
    case.scope = replace(case.scope, credential_links={CREDENTIAL: "arn:aws:iam::999988887777:user/uploads"})
    return case


def with_own_policy() -> Case:
    case = sound()
    document = {"UserName": WRITER, "PolicyName": "mine", "PolicyDocument": upload_policy(PREFIX)}
    case.add("iam:GetUserPolicy", document, UserName=WRITER, PolicyName="mine")
    return case


def no_op_deny() -> dict[str, Json]:
    document = upload_policy(PREFIX)
    nothing = {"Sid": "UploadUserDenyEverything", "Effect": "Deny", "NotAction": "*", "Resource": "*"}
    return {**document, "Statement": [nothing, *document["Statement"]]}


HEADER_DEMANDED = {"StringNotEquals": {"s3:x-amz-server-side-encryption": "aws:kms"}}
KMS_ALL: dict[str, Any] = {"Sid": "All", "Effect": "Allow", "Action": "kms:*", "Resource": "*"}


def with_role(action: Json, resource: Json = "*", *, start: Example = sound) -> Example:
    """A sound estate with one role more, which its inline policy allows something."""
    statement = {"Effect": "Allow", "Action": action, "Resource": resource}
    document = {"Version": "2012-10-17", "Statement": [statement]}
    row = role_details("intern", document)
    return sets("iam:GetAccountAuthorizationDetails", "/RoleDetailList/-", row, start=start)


def writer_also(action: str, resource: str) -> Example:
    """A sound estate whose writer may do one thing more."""
    document = upload_policy(PREFIX)
    more = {"Sid": "More", "Effect": "Allow", "Action": action, "Resource": resource}
    return writer_policy({**document, "Statement": [*document["Statement"], more]})


def allow(action: Json, resource: Json, **elements: Json) -> dict[str, Json]:
    return {"Sid": "More", "Effect": "Allow", "Action": action, "Resource": resource, **elements}


def unbounded_writer(*statements: Json) -> Example:
    """The writer has no permissions boundary, and statements beside those of the guide."""

    def make() -> Case:
        made = sound()
        unbind_writer(made)
        document = upload_policy(PREFIX)
        set_writer_policy(made, {**document, "Statement": [*document["Statement"], *statements]})
        return made

    return make


def unbind_writer(case: Case) -> None:
    """Take the writer's permissions boundary away, in both answers that hold it."""
    case.set("iam:GetUser", "/User/PermissionsBoundary", None, UserName=WRITER)
    case.set("iam:GetAccountAuthorizationDetails", "/UserDetailList/0/PermissionsBoundary", None)


FAILING: dict[str, Example] = {
    "alert-data-loss": sets("twilio:ListAlerts", "/alerts", [alert(53616)]),
    "alert-upload-config": sets("twilio:ListAlerts", "/alerts", [alert(53615)]),
    "aws-acl-condition": denies({"StringNotEquals": {"s3:x-amz-acl": "bucket-owner-full-control"}}),
    "aws-ip-condition": denies({"NotIpAddress": {"aws:SourceIp": "203.0.113.0/24"}}),
    "bucket-access-logging": answers("s3:GetBucketLogging", {}),
    "bucket-acl-disabled": answers("s3:GetBucketOwnershipControls", None),
    "bucket-acl-public": public_acl,
    "bucket-policy-cross-account": lambda: with_bucket_policy(to(FOREIGN)),
    "bucket-policy-deputy": lambda: with_bucket_policy(to(FOREIGN, Principal={"Service": "s3.amazonaws.com"})),
    "bucket-policy-hygiene": lambda: with_bucket_policy(to(AWS_ACCOUNT, NotAction="s3:Put*", Action=None)),
    "bucket-policy-public": lambda: with_bucket_policy(to(FOREIGN, Principal="*")),
    "bucket-public-access-block": public_acl,
    "bucket-retention": answers("s3:GetBucketLifecycleConfiguration", None),
    "bucket-test-file": sets(
        "s3:ListObjectsV2",
        "/Contents",
        [{"Key": f"{PREFIX}test.txt", "Size": 12, "LastModified": ago(days=9)}],
        Prefix=PREFIX,
    ),
    "bucket-tls-minimum": answers("s3:GetBucketPolicy", None),
    "bucket-tls-only": answers("s3:GetBucketPolicy", None),
    "bucket-versioning": answers("s3:GetBucketVersioning", {}),
    "compose-hooks-vs-encrypted-recordings": encrypted_recordings_with_a_hook,
    "compose-hooks-vs-external-recordings": external_recordings_with_a_hook,
    "compose-sources-deleted": kept_sources,
    "cred-age": sets("twilio:ListAwsCredentials", "/credentials/0/date_created", ago(days=400)),
    "cred-key-active": sets("iam:ListAccessKeys", "/AccessKeyMetadata/0/Status", "Inactive"),
    "cred-name-leak": sets("twilio:ListAwsCredentials", "/credentials/0/friendly_name", f"key {ACCESS_KEY}"),
    "cred-not-root-or-human": root_key,
    "enc-bucket-sse-kms": sets("s3:GetBucketEncryption", DEFAULT, {"SSEAlgorithm": "AES256"}),
    "enc-customer-key": sets("s3:GetBucketEncryption", DEFAULT, {"SSEAlgorithm": "aws:kms"}),
    "enc-headers-consistent": lambda: with_bucket_policy({**SHARED_STATEMENTS[0], "Condition": HEADER_DEMANDED}),
    "enc-key-arn": sets("s3:GetBucketEncryption", f"{DEFAULT}/KMSMasterKeyID", "alias/video"),
    "enc-kms-grant": writer_policy(without_kms()),
    "enc-kms-region": key_in_another_region,
    "enc-no-header-condition": denies({"StringNotEquals": {"s3:x-amz-server-side-encryption": "aws:kms"}}),
    "enc-sse-c-blocked": sets("s3:GetBucketEncryption", f"{ENCRYPTION}/BlockedEncryptionTypes", None),
    "key-grants": lambda: with_grant(GranteeServicePrincipal=None, GranteePrincipal=f"arn:aws:iam::{FOREIGN}:root"),
    "key-decrypt-everywhere": with_role("kms:Decrypt"),
    "key-pending-deletion": sets("kms:DescribeKey", "/KeyMetadata/KeyState", "PendingDeletion"),
    "key-policy-cross-account": lambda: with_key_policy({**KMS_ALL, "Principal": {"AWS": FOREIGN}}),
    "key-policy-duties": lambda: with_key_policy({**KMS_ALL, "Principal": {"AWS": WRITER_ARN}}),
    "key-policy-public": lambda: with_key_policy({**KMS_ALL, "Principal": "*"}),
    "key-rotation": sets("kms:GetKeyRotationStatus", "/KeyRotationEnabled", False),
    "key-state": sets("kms:DescribeKey", "/KeyMetadata/KeyState", "Disabled"),
    "media-control-changers": with_role("s3:PutBucketPolicy"),
    "media-compositions-in-twilio": sets(
        "twilio:ListCompositions",
        "/compositions",
        [composition(1, media_external_location=None)],
        start=composing,
        status="completed",
    ),
    "media-location-matches-settings": recordings(
        recording(1), recording(2, media_external_location=bucket_url(PREFIX, bucket="former-media"))
    ),
    "media-new-internal-after-external": recordings(recording(1, media_external_location=None), recording(2)),
    "media-readers": with_role(["s3:GetObject", "kms:Decrypt"]),
    "media-recordings-in-twilio": recordings(recording(1), recording(2, media_external_location=None)),
    "settings-complete": setting(aws_credentials_sid=None),
    "settings-compositions-external": sets(
        "twilio:FetchCompositionSettings", "/aws_storage_enabled", False, start=composing
    ),
    "settings-credential-exists": sets("twilio:ListAwsCredentials", "/credentials", []),
    "settings-dormant": setting(aws_storage_enabled=False),
    "settings-encryption-key-exists": sets("twilio:ListPublicKeys", "/credentials", [], start=client_side_encrypted),
    "settings-recordings-external": setting(aws_storage_enabled=False),
    "url-bucket-ascii": url(f"https://bücket.s3.eu-west-1.amazonaws.com/{PREFIX}"),
    "url-bucket-dns": url(f"https://acme_video.s3.eu-west-1.amazonaws.com/{PREFIX}"),
    "url-bucket-exists": sets("s3:HeadBucket", "/HTTPStatusCode", 404),
    "url-dash-form": url(f"https://{BUCKET}.s3-eu-west-1.amazonaws.com/{PREFIX}"),
    "url-endpoint-family": url(f"https://{BUCKET}.s3-website-eu-west-1.amazonaws.com/{PREFIX}"),
    "url-https": url(bucket_url(PREFIX).replace("https", "http")),
    "url-no-extras": url(bucket_url(PREFIX) + "?X-Amz-Signature=0"),
    "url-parse": url("https://example.com/video/"),
    "url-partition": url(f"https://{BUCKET}.s3.cn-north-1.amazonaws.com.cn/{PREFIX}"),
    "url-prefix-dedicated": root_of_a_shared_bucket,
    "url-prefix-iam-narrow": writer_policy(upload_policy("")),
    "url-prefix-in-iam": writer_policy(upload_policy("other/")),
    "url-prefix-separate": one_prefix_for_both,
    "url-prefix-slashes": url(bucket_url("video//recordings/")),
    "url-region-matches-bucket": url(bucket_url(PREFIX, region="eu-central-1")),
    "url-region-present": url(f"https://{BUCKET}.s3.amazonaws.com/{PREFIX}"),
    "url-tenant-separate": lambda: two_tenants(PREFIX),
    "writer-account": foreign_writer,
    "writer-actions": bucket_policy(
        {
            "Sid": "WriterReads",
            "Effect": "Allow",
            "Principal": {"AWS": WRITER_ARN},
            "Action": "s3:GetObject",
            "Resource": f"arn:aws:s3:::{BUCKET}/*",
        }
    ),
    "writer-no-admin": writer_also("s3:*", f"arn:aws:s3:::{BUCKET}/{PREFIX}*"),
    "writer-dedicated": unbounded_writer(allow("ec2:DescribeInstances", "*")),
    "writer-key-actions": unbounded_writer(allow("kms:ScheduleKeyDeletion", KEY_ARN)),
    "writer-privilege-escalation": unbounded_writer(allow("iam:PutUserPolicy", WRITER_ARN)),
    "writer-boundary": sets("iam:GetUser", "/User/PermissionsBoundary", None),
    "writer-key-age": sets("iam:ListAccessKeys", "/AccessKeyMetadata/0/CreateDate", ago(days=400)),
    "writer-key-count": second_access_key,
    "writer-key-unused": sets(
        "iam:GetAccessKeyLastUsed", "/AccessKeyLastUsed/LastUsedDate", ago(days=400), AccessKeyId=ACCESS_KEY
    ),
    "writer-key-usage": sets("iam:GetAccessKeyLastUsed", "/AccessKeyLastUsed/ServiceName", "ec2"),
    "writer-no-op-deny": writer_policy(no_op_deny()),
    "writer-other-credentials": sets(
        "iam:ListSSHPublicKeys", "/SSHPublicKeys", [{"SSHPublicKeyId": "APKAEXAMPLE000000000", "Status": "Active"}]
    ),
    "writer-policies-through-groups": sets("iam:ListUserPolicies", "/PolicyNames", ["mine"], start=with_own_policy),
    "writer-no-console": answers("iam:GetLoginProfile", {"LoginProfile": {"UserName": "w"}}),
    **failing_bucket.FAILING,
    **failing_twilio.FAILING,
    **failing_account.FAILING,
    **failing_audit.FAILING,
    **failing_keys.FAILING,
}
"""Rule id → an estate that breaks the rule."""


def unlinked_credential() -> Case:
    case = sound()
    case.scope = replace(case.scope, credential_links={})
    return case


NEVER_FAILING: dict[str, Example] = {
    "cred-linked": unlinked_credential,
    **failing_bucket.NEVER_FAILING,
    **failing_twilio.NEVER_FAILING,
}
"""Rules that pass or stay unknown: rule id → an estate that leaves it unknown."""
