"""One setting of a sound estate turned bad at a time: exactly the expected rules fail, and no other."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from recordscan.engine import assess_snapshot
from recordscan.facts import Json
from recordscan.plugins import load_rules
from recordscan.result import Outcome
from recordscan.testing import (
    ACCESS_KEY,
    AWS_ACCOUNT,
    BUCKET,
    KEY_ARN,
    PREFIX,
    PUBLIC_KEY,
    REVIEWERS,
    TLS_ONLY_POLICY,
    WRITER_ARN,
    Case,
    ago,
    alert,
    bucket_url,
    composing,
    hook,
    recording,
    role_details,
    set_writer_policy,
    sound,
    upload_policy,
)
from rules import mutations_account, mutations_audit, mutations_bucket, mutations_keys, mutations_twilio
from rules.failing import (
    FOREIGN,
    HEADER_DEMANDED,
    KMS_ALL,
    SHARED_STATEMENTS,
    allow,
    grant,
    to,
    unbind_writer,
    with_bucket_policy,
    with_key_policy,
)

RULES = load_rules()

TLS_DENY = TLS_ONLY_POLICY["Statement"][0]
ROLE = f"arn:aws:iam::{AWS_ACCOUNT}:role/{REVIEWERS}"
SERVICE = {"Service": "s3.amazonaws.com"}
SSE = "s3:x-amz-server-side-encryption"

Spoil = Callable[[Case], object]

ENCRYPTION_RULE = "/ServerSideEncryptionConfiguration/Rules/0"
DEFAULT = f"{ENCRYPTION_RULE}/ApplyServerSideEncryptionByDefault"
BLOCK = "/PublicAccessBlockConfiguration"


def sets(operation: str, pointer: str, value: Json, **request: Json) -> Spoil:
    return lambda case: case.set(operation, pointer, value, **request)


def answers(operation: str, answer: Json, **request: Json) -> Spoil:
    return lambda case: case.answer(operation, answer, **request)


def url(value: str) -> Spoil:
    """Save another URL, under which Twilio then stores."""

    def spoil(case: Case) -> None:
        case.set("twilio:FetchRecordingSettings", "/aws_s3_url", value)
        moved = [recording(day, media_external_location=value) for day in (1, 2, 3)]
        case.set("twilio:ListRecordings", "/recordings", moved, status="completed")

    return spoil


def recordings(*rows: dict[str, Json], status: str = "completed") -> Spoil:
    return sets("twilio:ListRecordings", "/recordings", list(rows), status=status)


def policy(change: Callable[[dict[str, Any]], None]) -> Spoil:
    document = json.loads(json.dumps(TLS_ONLY_POLICY))
    change(document["Statement"][0])
    return answers("s3:GetBucketPolicy", {"Policy": json.dumps(document)})


def granting(**members: Json) -> Spoil:
    """The bucket policy has one statement more, which lets somebody list."""
    return lambda case: with_bucket_policy(to(AWS_ACCOUNT, **members), case=case)


def demanding(condition: Json) -> Spoil:
    """The bucket policy denies uploads by their encryption headers."""
    return lambda case: with_bucket_policy({**SHARED_STATEMENTS[0], "Condition": condition}, case=case)


def key_granting(**members: Json) -> Spoil:
    """The key policy has one statement more, which allows everything."""
    return lambda case: with_key_policy({**KMS_ALL, **members}, case=case)


def old_tls_allowed(case: Case) -> None:
    case.answer("s3:GetBucketPolicy", {"Policy": json.dumps({**TLS_ONLY_POLICY, "Statement": [TLS_DENY]})})


def granted(**members: Json) -> Spoil:
    return sets("kms:ListGrants", "/Grants", [grant(**members)])


def unbounded(*statements: Json) -> Spoil:
    """The writer has no boundary, and statements beside those of the guide."""

    def spoil(case: Case) -> None:
        unbind_writer(case)
        document = upload_policy(PREFIX)
        set_writer_policy(case, {**document, "Statement": [*document["Statement"], *statements]})

    return spoil


def no_block(case: Case) -> None:
    for operation in ("s3:GetPublicAccessBlock", "s3control:GetPublicAccessBlock"):
        case.set(operation, f"{BLOCK}/RestrictPublicBuckets", False)


def writer_key(**members: Json) -> Spoil:
    def spoil(case: Case) -> None:
        for name, value in members.items():
            case.set("iam:ListAccessKeys", f"/AccessKeyMetadata/0/{name}", value)

    return spoil


def second_key(case: Case) -> None:
    key = {"UserName": "w", "AccessKeyId": "AKIASECONDKEYEXAMPLE", "Status": "Active", "CreateDate": ago(days=40)}
    used = {"LastUsedDate": ago(days=2), "ServiceName": "s3", "Region": "eu-west-1"}
    case.set("iam:ListAccessKeys", "/AccessKeyMetadata/-", key)
    case.add("iam:GetAccessKeyLastUsed", {"AccessKeyLastUsed": used}, AccessKeyId=key["AccessKeyId"])


def leave_test_file(case: Case) -> None:
    row = {"Key": f"{PREFIX}test.txt", "Size": 12, "LastModified": ago(days=30)}
    case.set("s3:ListObjectsV2", "/Contents", [row], Prefix=PREFIX)


def moved_bucket(region: str) -> Spoil:
    """The bucket lives in another Region than URL and key."""

    def spoil(case: Case) -> None:
        case.set("s3:HeadBucket", "/BucketRegion", region)
        for operation in ("cloudtrail:DescribeTrails",):
            case.add(operation, case.find(operation), region=region, includeShadowTrails=True)

    return spoil


def disabled(case: Case) -> None:
    case.set("twilio:FetchRecordingSettings", "/aws_storage_enabled", False)


def client_side_key_gone(case: Case) -> None:
    case.set("twilio:FetchRecordingSettings", "/encryption_enabled", True)
    case.set("twilio:FetchRecordingSettings", "/encryption_key_sid", "CR" + "9" * 32)


def encrypted_with_hook(case: Case) -> None:
    # Recordings stay at Twilio in this estate, so that only their encryption stands in the composer's way.
    case.set("twilio:FetchRecordingSettings", "/encryption_enabled", True)
    case.set("twilio:FetchRecordingSettings", "/encryption_key_sid", PUBLIC_KEY)


def more_policy(**statement: Json) -> Spoil:
    """The bucket policy has one statement more."""
    document = json.loads(json.dumps(TLS_ONLY_POLICY))
    document["Statement"].append({"Sid": "More", "Principal": "*", "Resource": f"arn:aws:s3:::{BUCKET}/*", **statement})
    return answers("s3:GetBucketPolicy", {"Policy": json.dumps(document)})


def denied_where(operator: str, key: str, value: Json, *, action: str = "s3:PutObject") -> Spoil:
    return more_policy(Effect="Deny", Action=action, Condition={operator: {key: value}})


def writer_may(change: Callable[[list[dict[str, Any]]], object]) -> Spoil:
    """The writer's policy is changed in its statements: upload, then key."""

    def spoil(case: Case) -> None:
        document = upload_policy(PREFIX)
        change(document["Statement"])
        set_writer_policy(case, document)

    return spoil


def key_policy(*statements: Json) -> Spoil:
    document = {"Version": "2012-10-17", "Statement": list(statements)}
    return answers("kms:GetKeyPolicy", {"Policy": json.dumps(document)})


def key_statement(principal: str, action: Json = "kms:*", **more: Json) -> dict[str, Json]:
    return {"Sid": "S", "Effect": "Allow", "Principal": {"AWS": principal}, "Action": action, "Resource": "*", **more}


ROOT = f"arn:aws:iam::{AWS_ACCOUNT}:root"


def boundary_without_uploads(case: Case) -> None:
    kms_only = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "kms:*", "Resource": KEY_ARN}]}
    case.set("iam:GetPolicyVersion", "/PolicyVersion/Document", kms_only)
    case.set("iam:GetAccountAuthorizationDetails", "/Policies/0/PolicyVersionList/0/Document", kms_only)


def role(action: Json, resource: Json) -> Spoil:
    """One role more, which its inline policy allows something."""
    document = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": action, "Resource": resource}]}
    return sets("iam:GetAccountAuthorizationDetails", "/RoleDetailList/-", role_details("intern", document))


MUTATIONS: dict[str, tuple[Spoil, set[str]]] = {
    "bucket policy denies uploads from elsewhere": (
        denied_where("NotIpAddress", "aws:SourceIp", "198.51.100.0/24"),
        {"aws-ip-condition"},
    ),
    "bucket policy denies uploads past an endpoint": (
        denied_where("StringNotEquals", "aws:SourceVpce", "vpce-0123"),
        {"aws-ip-condition"},
    ),
    "bucket policy denies callers of no organization": (
        denied_where("StringNotEquals", "aws:PrincipalOrgID", "o-acme"),
        {"aws-ip-condition", "url-prefix-in-iam"},
    ),
    "bucket policy asks for an encryption header": (
        denied_where("Null", "s3:x-amz-server-side-encryption", "true"),
        {"enc-no-header-condition", "enc-headers-consistent"},
    ),
    "bucket policy asks for a key header": (
        denied_where("StringNotEquals", "s3:x-amz-server-side-encryption-aws-kms-key-id", KEY_ARN),
        {"enc-no-header-condition", "enc-headers-consistent"},
    ),
    "bucket policy refuses other encryption only": (
        more_policy(
            Effect="Deny",
            Action="s3:PutObject",
            Condition={
                "StringNotEquals": {"s3:x-amz-server-side-encryption": "aws:kms"},
                "Null": {"s3:x-amz-server-side-encryption": "false"},
            },
        ),
        {"enc-headers-consistent"},
    ),
    "bucket policy refuses other encryption if there is any, it seems": (
        # IfExists holds where the key is absent, and a Deny then applies.
        denied_where("StringNotEqualsIfExists", "s3:x-amz-server-side-encryption", "aws:kms"),
        {"enc-no-header-condition", "enc-headers-consistent"},
    ),
    "bucket policy asks for an ACL": (
        denied_where("StringNotEquals", "s3:x-amz-acl", "bucket-owner-full-control"),
        {"aws-acl-condition"},
    ),
    "bucket policy denies all uploads": (more_policy(Effect="Deny", Action="s3:Put*"), {"url-prefix-in-iam"}),
    "bucket policy denies old TLS": (denied_where("NumericLessThan", "s3:TlsVersion", "1.2"), set()),
    "writer may write elsewhere only": (
        writer_may(lambda statements: statements[0].update(Resource=f"arn:aws:s3:::{BUCKET}/elsewhere/*")),
        {"url-prefix-in-iam", "url-prefix-iam-narrow"},
    ),
    "writer's prefix begins with a slash": (
        writer_may(lambda statements: statements[0].update(Resource=f"arn:aws:s3:::{BUCKET}//{PREFIX}*")),
        {"url-prefix-in-iam", "url-prefix-iam-narrow"},
    ),
    "writer's boundary forgets uploads": (boundary_without_uploads, {"url-prefix-in-iam"}),
    "writer may not use the key": (writer_may(lambda statements: statements.pop()), {"enc-kms-grant"}),
    "writer may use the key by its alias": (
        writer_may(lambda statements: statements[1].update(Resource=KEY_ARN.rpartition(":")[0] + ":alias/video")),
        {"enc-kms-grant"},
    ),
    "writer may do no more with the key than it needs": (
        writer_may(lambda statements: statements[1].update(Action=["kms:GenerateDataKey", "kms:Decrypt"])),
        {"enc-kms-grant"},
    ),
    "writer may use the key through S3 only": (
        writer_may(
            lambda statements: statements[1].update(
                Condition={"StringEquals": {"kms:ViaService": "s3.eu-west-1.amazonaws.com"}}
            )
        ),
        set(),
    ),
    "key policy delegates nothing": (
        key_policy(key_statement(f"arn:aws:iam::{AWS_ACCOUNT}:role/admin")),
        {"enc-kms-grant", "key-policy-duties"},
    ),
    "key policy expects the object's ARN though the bucket has a bucket key": (
        key_policy(
            key_statement(
                ROOT, Condition={"StringLike": {"kms:EncryptionContext:aws:s3:arn": f"arn:aws:s3:::{BUCKET}/*"}}
            )
        ),
        {"enc-kms-grant", "enc-bucket-key"},
    ),
    "writer may write into the whole bucket": (
        writer_may(lambda statements: statements[0].update(Resource=f"arn:aws:s3:::{BUCKET}/*")),
        {"url-prefix-iam-narrow"},
    ),
    "writer's prefix forgets its last slash": (
        writer_may(lambda statements: statements[0].update(Resource=f"arn:aws:s3:::{BUCKET}/{PREFIX[:-1]}*")),
        {"url-prefix-iam-narrow"},
    ),
    "writer may put ACLs as well, but for its boundary": (
        writer_may(lambda statements: statements[0].update(Action=["s3:PutObject", "s3:PutObjectAcl"])),
        set(),
    ),
    "writer may do all of S3, but for its boundary": (
        writer_may(lambda statements: statements[0].update(Action="s3:*")),
        {"writer-no-admin"},
    ),
    "writer may do all but administer users, but for its boundary": (
        writer_may(
            lambda statements: statements.append(
                {"Effect": "Allow", "NotAction": "iam:*", "Resource": "arn:aws:s3:::x"}
            )
        ),
        {"writer-no-admin"},
    ),
    "bucket policy lets the writer delete": (
        more_policy(Effect="Allow", Principal={"AWS": WRITER_ARN}, Action="s3:DeleteObject"),
        {"writer-actions", "url-prefix-iam-narrow"},
    ),
    "writer's guide template": (
        writer_may(
            lambda statements: statements.insert(
                0, {"Sid": "UploadUserDenyEverything", "Effect": "Deny", "NotAction": "*", "Resource": "*"}
            )
        ),
        {"writer-no-op-deny"},
    ),
    "writer puts its own policies": (
        unbounded(allow("iam:PutUserPolicy", WRITER_ARN)),
        {"writer-boundary", "writer-privilege-escalation"},
    ),
    "writer runs commands where a role is": (
        unbounded(allow("ssm:SendCommand", "*")),
        {"writer-boundary", "writer-privilege-escalation"},
    ),
    "writer has a second purpose": (
        unbounded(allow("dynamodb:PutItem", f"arn:aws:dynamodb:eu-west-1:{AWS_ACCOUNT}:table/calls")),
        {"writer-boundary", "writer-dedicated"},
    ),
    "writer may use another key": (
        unbounded(allow("kms:Decrypt", KEY_ARN[:-1] + "f")),
        {"writer-boundary", "writer-key-actions"},
    ),
    "writer may put into any bucket": (
        unbounded(allow("s3:PutObject", f"arn:aws:s3:::*/{PREFIX}*")),
        {"writer-boundary", "url-prefix-iam-narrow"},
    ),
    "writer may look at the bucket's tags": (
        unbounded(allow("s3:GetBucketTagging", f"arn:aws:s3:::{BUCKET}")),
        {"writer-boundary", "writer-actions"},
    ),
    "writer without boundary": (sets("iam:GetUser", "/User/PermissionsBoundary", None), {"writer-boundary"}),
    "key used for another service": (
        sets("iam:GetAccessKeyLastUsed", "/AccessKeyLastUsed/ServiceName", "ec2"),
        {"writer-key-usage"},
    ),
    "writer with a certificate": (
        sets("iam:ListSigningCertificates", "/Certificates", [{"CertificateId": "C", "Status": "Active"}]),
        {"writer-other-credentials"},
    ),
    "writer with an inactive SSH key": (
        sets("iam:ListSSHPublicKeys", "/SSHPublicKeys", [{"SSHPublicKeyId": "A", "Status": "Inactive"}]),
        set(),
    ),
    "storage switched off": (
        disabled,
        # Recordings of an account that stores them at Twilio can be composed, so its Compositions count, too.
        {"settings-recordings-external", "settings-compositions-external", "settings-dormant"},
    ),
    "no URL": (
        sets("twilio:FetchRecordingSettings", "/aws_s3_url", None),
        {"settings-complete", "url-parse"},
    ),
    "no credential": (
        sets("twilio:FetchRecordingSettings", "/aws_credentials_sid", None),
        {"settings-complete"},
    ),
    "credential deleted": (
        sets("twilio:ListAwsCredentials", "/credentials", []),
        {"settings-credential-exists"},
    ),
    "public key deleted": (client_side_key_gone, {"settings-encryption-key-exists"}),
    "plain http": (url(bucket_url(PREFIX).replace("https", "http")), {"url-https"}),
    "global endpoint": (url(f"https://{BUCKET}.s3.amazonaws.com/{PREFIX}"), {"url-region-present"}),
    "dash form": (url(f"https://{BUCKET}.s3-eu-west-1.amazonaws.com/{PREFIX}"), {"url-dash-form"}),
    "another Region in the URL": (url(bucket_url(PREFIX, region="eu-west-2")), {"url-region-matches-bucket"}),
    "no trailing slash": (url(bucket_url(PREFIX.rstrip("/"))), {"url-prefix-slashes"}),
    "user info in the URL": (
        url(bucket_url(PREFIX).replace("https://", "https://me:pw@")),
        {"url-parse", "url-no-extras"},
    ),
    "port in the URL": (
        url(bucket_url(PREFIX).replace(".com/", ".com:8443/")),
        {"url-parse", "url-no-extras"},
    ),
    "website endpoint": (
        url(f"https://{BUCKET}.s3-website-eu-west-1.amazonaws.com/{PREFIX}"),
        {"url-parse", "url-endpoint-family"},
    ),
    "underscore in the bucket name": (
        url(f"https://acme_video.s3.eu-west-1.amazonaws.com/{PREFIX}"),
        {"url-parse", "url-bucket-dns"},
    ),
    "umlaut in the bucket name": (
        url(f"https://bücket.s3.eu-west-1.amazonaws.com/{PREFIX}"),
        {"url-parse", "url-bucket-ascii", "url-bucket-dns"},
    ),
    "bucket gone": (
        sets("s3:HeadBucket", "/HTTPStatusCode", 404),
        {"url-bucket-exists"},
    ),
    "SSE-S3": (
        sets("s3:GetBucketEncryption", DEFAULT, {"SSEAlgorithm": "AES256"}),
        {"enc-bucket-sse-kms"},
    ),
    "AWS managed key": (
        sets("s3:GetBucketEncryption", DEFAULT, {"SSEAlgorithm": "aws:kms"}),
        {"enc-customer-key"},
    ),
    "SSE-C not blocked": (
        sets("s3:GetBucketEncryption", f"{ENCRYPTION_RULE}/BlockedEncryptionTypes", {"EncryptionType": ["NONE"]}),
        {"enc-sse-c-blocked"},
    ),
    "key disabled": (sets("kms:DescribeKey", "/KeyMetadata/KeyState", "Disabled"), {"key-state"}),
    "key pending deletion": (
        sets("kms:DescribeKey", "/KeyMetadata/KeyState", "PendingDeletion"),
        {"key-state", "key-pending-deletion"},
    ),
    "key not rotated": (sets("kms:GetKeyRotationStatus", "/KeyRotationEnabled", False), {"key-rotation"}),
    "bucket in another Region than its key": (
        moved_bucket("eu-north-1"),
        {
            "bucket-access-log-target",
            "enc-kms-region",
            "url-region-matches-bucket",
            "writer-key-usage",
            "media-multi-region-copies",
        },
    ),
    "old TLS not denied": (old_tls_allowed, {"bucket-tls-minimum"}),
    "bucket policy for everybody": (granting(Principal="*"), {"bucket-policy-public", "writer-actions"}),
    "bucket policy for everybody by TLS": (
        granting(Principal={"AWS": "*"}, Condition={"Bool": {"aws:SecureTransport": "true"}}),
        {"bucket-policy-public", "writer-actions"},
    ),
    "bucket policy for all but one": (
        granting(Principal=None, NotPrincipal={"AWS": ROLE}),
        {"bucket-policy-public", "bucket-policy-hygiene", "writer-actions"},
    ),
    "bucket policy that S3 calls public": (
        sets("s3:GetBucketPolicyStatus", "/PolicyStatus/IsPublic", True),
        {"bucket-policy-public"},
    ),
    "bucket policy for another account": (
        granting(Principal={"AWS": FOREIGN}),
        {"bucket-policy-cross-account"},
    ),
    "bucket policy for another organization": (
        granting(Principal="*", Condition={"StringEquals": {"aws:PrincipalOrgID": "o-0123456789"}}),
        {"bucket-policy-cross-account"},
    ),
    "bucket policy for a deleted user": (
        granting(Principal={"AWS": "AIDAIOSFODNN7EXAMPLE1"}),
        {"bucket-policy-cross-account", "bucket-policy-hygiene"},
    ),
    "bucket policy for a service": (granting(Principal=SERVICE), {"bucket-policy-deputy"}),
    "bucket policy for a service of any account": (
        granting(Principal=SERVICE, Condition={"ArnLike": {"aws:SourceArn": "arn:aws:sns:*:*:*"}}),
        {"bucket-policy-deputy"},
    ),
    "bucket policy for a service of another account": (
        granting(Principal=SERVICE, Condition={"StringEquals": {"aws:SourceAccount": FOREIGN}}),
        {"bucket-policy-cross-account"},
    ),
    "bucket policy that locks out everybody": (
        granting(Effect="Deny", Principal="*", Action="s3:*BucketPolicy"),
        {"bucket-policy-hygiene"},
    ),
    "bucket policy with a Sid twice": (granting(Sid="DenyOldTls"), {"bucket-policy-hygiene"}),
    "uploads must carry encryption headers": (
        demanding(HEADER_DEMANDED),
        {"enc-headers-consistent", "enc-no-header-condition"},
    ),
    "uploads must carry encryption headers, with IfExists": (
        demanding({"StringNotEqualsIfExists": {SSE: "aws:kms"}}),
        {"enc-headers-consistent", "enc-no-header-condition"},
    ),
    "uploads must not state the default": (
        demanding({"StringEquals": {SSE: "aws:kms"}}),
        {"enc-headers-consistent"},
    ),
    "key policy for everybody": (
        key_granting(Principal="*"),
        {"key-policy-public", "key-policy-duties", "media-control-changers", "writer-key-actions"},
    ),
    "key policy for everybody through S3": (
        key_granting(
            Principal={"AWS": "*"},
            Action="kms:DescribeKey",
            Condition={"StringEquals": {"kms:ViaService": "s3.eu-west-1.amazonaws.com"}},
        ),
        {"key-policy-public"},
    ),
    "key policy for another account": (
        key_granting(Principal={"AWS": f"arn:aws:iam::{FOREIGN}:root"}, Action="kms:Decrypt"),
        {"key-policy-cross-account"},
    ),
    "key policy for callers of another account": (
        key_granting(Principal="*", Action="kms:Encrypt", Condition={"StringEquals": {"kms:CallerAccount": FOREIGN}}),
        {"key-policy-cross-account"},
    ),
    "key policy with one role for everything": (
        key_granting(Principal={"AWS": ROLE}),
        {"key-policy-duties", "media-control-changers"},
    ),
    "writer controls the key": (
        key_granting(Principal={"AWS": WRITER_ARN}, Action="kms:Put*"),
        {"key-policy-duties", "media-control-changers", "writer-key-actions"},
    ),
    "grant for another account": (
        granted(GranteeServicePrincipal=None, GranteePrincipal=f"arn:aws:iam::{FOREIGN}:role/r"),
        {"key-grants"},
    ),
    "grant that can be passed on": (
        granted(GranteeServicePrincipal=None, GranteePrincipal=ROLE),
        {"key-grants", "media-control-changers"},
    ),
    "public access not blocked": (
        no_block,
        {"account-public-access-block", "bucket-public-access-block", "bucket-public-access-block-own"},
    ),
    "ACLs live": (
        sets("s3:GetBucketOwnershipControls", "/OwnershipControls/Rules/0/ObjectOwnership", "ObjectWriter"),
        {"bucket-acl-disabled"},
    ),
    "no policy": (answers("s3:GetBucketPolicy", None), {"bucket-tls-only", "bucket-tls-minimum"}),
    "TLS demanded of objects only": (
        policy(lambda s: s.update(Resource=f"arn:aws:s3:::{BUCKET}/*")),
        {"bucket-tls-only"},
    ),
    "TLS demanded of one action only": (policy(lambda s: s.update(Action="s3:PutObject")), {"bucket-tls-only"}),
    "TLS demanded with an exemption": (
        policy(lambda s: s["Condition"].update({"StringNotLike": {"aws:PrincipalArn": "*admin*"}})),
        {"bucket-tls-only"},
    ),
    "versioning suspended": (sets("s3:GetBucketVersioning", "/Status", "Suspended"), {"bucket-versioning"}),
    "versioning never on": (answers("s3:GetBucketVersioning", {}), {"bucket-versioning"}),
    "no lifecycle": (
        answers("s3:GetBucketLifecycleConfiguration", None),
        {"bucket-retention", "bucket-noncurrent-versions", "aws-multipart", "bucket-mfa-delete"},
    ),
    "lifecycle disabled": (
        sets("s3:GetBucketLifecycleConfiguration", "/Rules/0/Status", "Disabled"),
        {"bucket-retention", "bucket-noncurrent-versions", "aws-multipart"},
    ),
    "lifecycle of another prefix": (
        sets("s3:GetBucketLifecycleConfiguration", "/Rules/0/Filter/Prefix", "logs/"),
        {"bucket-retention", "bucket-noncurrent-versions", "aws-multipart"},
    ),
    "kept too long": (
        sets("s3:GetBucketLifecycleConfiguration", "/Rules/0/Expiration/Days", 3650),
        {"bucket-retention"},
    ),
    "deleted too early": (
        sets("s3:GetBucketLifecycleConfiguration", "/Rules/0/Expiration/Days", 3),
        {"bucket-retention"},
    ),
    "no access logging": (answers("s3:GetBucketLogging", {}), {"bucket-access-logging"}),
    "test file left behind": (leave_test_file, {"bucket-test-file"}),
    "old credential": (
        sets("twilio:ListAwsCredentials", "/credentials/0/date_created", ago(days=91)),
        {"cred-age"},
    ),
    "access key id in a name": (
        sets("twilio:ListAwsCredentials", "/credentials/0/friendly_name", f"key {ACCESS_KEY}"),
        {"cred-name-leak"},
    ),
    "access key inactive": (writer_key(Status="Inactive"), {"cred-key-active"}),
    "access key old": (writer_key(CreateDate=ago(days=91)), {"writer-key-age"}),
    "two active access keys": (second_key, {"writer-key-count"}),
    "access key never used": (
        answers("iam:GetAccessKeyLastUsed", {"UserName": "twilio-recordings-writer", "AccessKeyLastUsed": {}}),
        set(),  # 30 days old: still within the time to be taken into use, and a contradiction for cred-key-active
    ),
    "console password": (
        answers("iam:GetLoginProfile", {"LoginProfile": {"UserName": "w"}}),
        {"writer-no-console", "cred-not-root-or-human"},
    ),
    "recording held by Twilio": (
        recordings(recording(9, media_external_location=None), recording(1), recording(2)),
        {"media-recordings-in-twilio"},
    ),
    "recording held by Twilio after external ones": (
        recordings(recording(1, media_external_location=None), recording(2), recording(3)),
        {"media-recordings-in-twilio", "media-new-internal-after-external"},
    ),
    "recording in another bucket": (
        recordings(recording(1), recording(2, media_external_location=bucket_url(PREFIX, bucket="old-media"))),
        {"media-location-matches-settings"},
    ),
    "hook enabled": (
        sets("twilio:ListCompositionHooks", "/composition_hooks", [hook()]),
        {"compose-hooks-vs-external-recordings", "settings-compositions-external", "settings-consistent"},
    ),
    "reader that nobody named": (
        role(["s3:Get*", "kms:Decrypt"], [f"arn:aws:s3:::{BUCKET}/*", KEY_ARN]),
        {"media-readers"},
    ),
    "objects without their key": (role("s3:GetObject", "*"), set()),
    "changer that nobody named": (role("kms:ScheduleKeyDeletion", KEY_ARN), {"media-control-changers"}),
    "decryption with every key": (role("kms:*", "*"), {"key-decrypt-everywhere", "media-control-changers"}),
    "administrator that nobody named": (
        role("*", "*"),
        {"account-full-admin", "media-readers", "media-control-changers", "key-decrypt-everywhere"},
    ),
    "recording dropped": (sets("twilio:ListAlerts", "/alerts", [alert(53616)]), {"alert-data-loss"}),
    "upload refused": (sets("twilio:ListAlerts", "/alerts", [alert(53615)]), {"alert-upload-config"}),
    **mutations_bucket.MUTATIONS,
    **mutations_twilio.MUTATIONS,
    **mutations_account.MUTATIONS,
    **mutations_audit.MUTATIONS,
    **mutations_keys.MUTATIONS,
}

COMPOSING_MUTATIONS: dict[str, tuple[Spoil, set[str]]] = {
    "sources kept after composition": (
        recordings(recording(30, media_external_location=None, grouping_sids={"room_sid": f"RM{30:032x}"})),
        set(),
    ),
    "compositions at Twilio": (
        sets("twilio:FetchCompositionSettings", "/aws_storage_enabled", False),
        {"settings-compositions-external", "settings-dormant"},
    ),
    "encrypted recordings with a hook": (encrypted_with_hook, {"compose-hooks-vs-encrypted-recordings"}),
}


def failing(case: Case) -> set[str]:
    result = assess_snapshot(case.snapshot(), RULES, fail_on=None)
    return {assessment.rule_id for assessment in result.assessments if assessment.outcome is Outcome.FAIL}


@pytest.mark.parametrize("case", [sound(), composing()], ids=["external", "composing"])
def test_a_sound_estate_breaks_no_rule(case: Case) -> None:
    assert failing(case) == set()


@pytest.mark.parametrize("name", MUTATIONS)
def test_one_fault_in_a_sound_estate_breaks_exactly(name: str) -> None:
    spoil, expected = MUTATIONS[name]
    case = sound()
    spoil(case)
    assert failing(case) == expected


@pytest.mark.parametrize("name", COMPOSING_MUTATIONS)
def test_one_fault_in_a_composing_estate_breaks_exactly(name: str) -> None:
    spoil, expected = COMPOSING_MUTATIONS[name]
    case = composing()
    spoil(case)
    assert failing(case) == expected


def test_there_are_at_least_forty_of_them() -> None:
    assert len([expected for _, expected in MUTATIONS.values() if expected]) >= 40
