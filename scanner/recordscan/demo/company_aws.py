"""The AWS account of the made-up company: sound and unsound settings side by side.

The bucket, key and writer of production's Recordings are in good order. Those of production's Compositions and of the
research project have the faults that such things have in real life; the comments at each say which.
"""

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from recordscan.demo import aws_state
from recordscan.demo.aws_server import AwsServer

AWS_ACCOUNT = aws_state.ACCOUNT
REGION = "eu-west-1"

RECORDINGS_BUCKET = "hollow-creek-video"
RECORDINGS_PREFIX = "video/recordings/"
RECORDINGS_WRITER = "twilio-recordings-writer"

UPLOADERS = "recordings-uploaders"
REVIEWERS = "video-reviewers"
ADMINISTRATORS = "administrators"
PARTNER = "444455556666"
"""Account of a partner that was given production's Compositions once."""

COMPOSITIONS_BUCKET = "hollow-creek-compositions"
COMPOSITIONS_REGION = "eu-central-1"
COMPOSITIONS_PREFIX = "compositions/"
COMPOSITIONS_WRITER = "twilio-compositions-writer"

RESEARCH_BUCKET = "hollow-creek-research"
RESEARCH_WRITER = "research-uploader"
TEST_FILE = "twilio-s3-test-5f2c9a.txt"

FORMER_BUCKET = "hollow-creek-archive"
"""Written to in the past; it belongs to another AWS account now."""

LOG_BUCKET = "hollow-creek-access-logs"
TRAIL_BUCKET = "hollow-creek-audit-trail"
INVENTORY_BUCKET = "hollow-creek-inventory"
TRAIL = "hollow-creek-audit"
AUDITOR = "recordscan-auditor"

_ALL_BLOCKED = {
    "BlockPublicAcls": True,
    "IgnorePublicAcls": True,
    "BlockPublicPolicy": True,
    "RestrictPublicBuckets": True,
}


RECORDINGS_KEY_ID = "AKIAEXAMPLEHOLLOWREC"
COMPOSITIONS_KEY_ID = "AKIAEXAMPLEHOLLOWCMP"
UNUSED_KEY_ID = "AKIAEXAMPLEHOLLOWOLD"
RESEARCH_KEY_ID = "AKIAEXAMPLEHOLLOWRES"
AUDITOR_KEY_ID = "AKIAEXAMPLEHOLLOWAUD"

UPLOADED_RECORDINGS = {day: f"RT{day:032x}" for day in range(1, 6)}
"""Recordings of production of which the bucket still holds the object: age in days to SID."""


def furnish_aws(server: AwsServer, now: datetime) -> None:
    """Empty the account and fill it with the company's estate, always the same but for the dates.

    Args:
        server: A running server.
        now: The moment from which all dates count back.
    """
    server.reset()
    build = _Builder(server, now)
    build.account_settings()
    recordings_key = build.recordings_key()
    compositions_key = build.compositions_key()
    build.log_buckets()
    build.recordings_bucket(recordings_key)
    build.compositions_bucket(compositions_key)
    build.research_bucket()
    build.recordings_writer(recordings_key)
    build.reviewers(recordings_key)
    build.compositions_writer()
    build.research_writer()
    build.auditor()
    build.trail()
    build.alarms()
    build.upload_events(recordings_key)
    build.account_watch()
    server.heal()


class _Builder:
    """Builds the account piece by piece through ordinary API calls."""

    def __init__(self, server: AwsServer, now: datetime) -> None:
        self._server = server
        self._now = now
        self._iam = server.client("iam")

    def account_settings(self) -> None:
        # New public grants are refused in the whole account, but old ones still count: a bucket has to see to itself.
        self._server.client("s3control").put_public_access_block(
            AccountId=AWS_ACCOUNT,
            PublicAccessBlockConfiguration={
                **_ALL_BLOCKED,
                "IgnorePublicAcls": False,
                "RestrictPublicBuckets": False,
            },
        )

    def account_watch(self) -> None:
        # Begun years ago and not finished: no GuardDuty, Macie, Config or Security Hub, and no contact for security.
        self._iam.update_account_password_policy(MinimumPasswordLength=14, PasswordReusePrevention=24)
        for _ in ("start", "finish"):
            self._iam.generate_credential_report()

    def recordings_key(self) -> str:
        kms = self._server.client("kms")
        key = kms.create_key(Description="Video recordings", Policy=_key_policy())["KeyMetadata"]
        kms.create_alias(AliasName="alias/hollow-creek-video", TargetKeyId=key["KeyId"])
        kms.enable_key_rotation(KeyId=key["KeyId"])
        aws_state.set_key_dates(key["KeyId"], REGION, created=self._ago(400))
        return str(key["Arn"])

    def compositions_key(self) -> str:
        # Not rotated, in another Region than its bucket, and scheduled to be deleted by somebody who tidied up.
        kms = self._server.client("kms")
        key = kms.create_key(Description="<script>alert('kms')</script> old key", Policy=_key_policy())["KeyMetadata"]
        kms.schedule_key_deletion(KeyId=key["KeyId"], PendingWindowInDays=30)
        aws_state.set_key_dates(key["KeyId"], REGION, created=self._ago(900), deletion=self._ago(-21))
        return str(key["Arn"])

    def log_buckets(self) -> None:
        logs = self._bucket(LOG_BUCKET, REGION, age_days=600)
        logs.put_bucket_policy(Bucket=LOG_BUCKET, Policy=_log_delivery_policy())
        logs.put_public_access_block(Bucket=LOG_BUCKET, PublicAccessBlockConfiguration=_ALL_BLOCKED)
        trail = self._bucket(TRAIL_BUCKET, REGION, age_days=600)
        trail.put_public_access_block(Bucket=TRAIL_BUCKET, PublicAccessBlockConfiguration=_ALL_BLOCKED)
        inventory = self._bucket(INVENTORY_BUCKET, REGION, age_days=400)
        inventory.put_bucket_policy(Bucket=INVENTORY_BUCKET, Policy=_inventory_policy())
        inventory.put_public_access_block(Bucket=INVENTORY_BUCKET, PublicAccessBlockConfiguration=_ALL_BLOCKED)
        trail.put_bucket_versioning(Bucket=TRAIL_BUCKET, VersioningConfiguration={"Status": "Enabled"})
        trail.put_bucket_logging(
            Bucket=TRAIL_BUCKET,
            BucketLoggingStatus={"LoggingEnabled": {"TargetBucket": LOG_BUCKET, "TargetPrefix": f"{TRAIL_BUCKET}/"}},
        )

    def recordings_bucket(self, key_arn: str) -> None:
        s3 = self._bucket(RECORDINGS_BUCKET, REGION, age_days=400)
        named = {"Bucket": RECORDINGS_BUCKET}
        s3.put_bucket_encryption(
            **named,
            ServerSideEncryptionConfiguration={
                "Rules": [
                    {
                        "ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key_arn},
                        "BucketKeyEnabled": True,
                        "BlockedEncryptionTypes": {"EncryptionType": ["SSE-C"]},
                    }
                ]
            },
        )
        for age_days, sid in UPLOADED_RECORDINGS.items():
            self._object(s3, RECORDINGS_BUCKET, f"{RECORDINGS_PREFIX}{sid}.mkv", age_days=age_days)
        s3.put_public_access_block(**named, PublicAccessBlockConfiguration=_ALL_BLOCKED)
        s3.put_bucket_ownership_controls(
            **named, OwnershipControls={"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}
        )
        s3.put_bucket_policy(**named, Policy=_tls_only_policy(RECORDINGS_BUCKET, whole=True))
        s3.put_bucket_versioning(**named, VersioningConfiguration={"Status": "Enabled"})
        s3.put_bucket_lifecycle_configuration(
            **named,
            LifecycleConfiguration={
                "Rules": [
                    {
                        "ID": "retention",
                        "Status": "Enabled",
                        "Filter": {"Prefix": RECORDINGS_PREFIX},
                        "Expiration": {"Days": 365},
                        "NoncurrentVersionExpiration": {"NoncurrentDays": 30},
                        "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7},
                    }
                ]
            },
        )
        s3.put_bucket_logging(
            **named,
            BucketLoggingStatus={
                "LoggingEnabled": {"TargetBucket": LOG_BUCKET, "TargetPrefix": f"{RECORDINGS_BUCKET}/"}
            },
        )
        s3.put_bucket_notification_configuration(**named, NotificationConfiguration={"EventBridgeConfiguration": {}})
        s3.put_bucket_inventory_configuration(
            **named,
            Id="weekly",
            InventoryConfiguration={
                "Id": "weekly",
                "IsEnabled": True,
                "IncludedObjectVersions": "All",
                "OptionalFields": ["Size", "LastModifiedDate", "EncryptionStatus"],
                "Schedule": {"Frequency": "Weekly"},
                "Destination": {
                    "S3BucketDestination": {
                        "AccountId": AWS_ACCOUNT,
                        "Bucket": f"arn:aws:s3:::{INVENTORY_BUCKET}",
                        "Format": "CSV",
                        "Encryption": {"SSEKMS": {"KeyId": key_arn}},
                    }
                },
            },
        )

    def compositions_bucket(self, key_arn: str) -> None:
        # Written years ago after an old guide: TLS demanded for objects only, a partner let in for a project that is
        # over, versioning paused "for a moment", media kept for ever, no access logs, ACLs alive, SSE-C not blocked,
        # and a key that S3 cannot use.
        s3 = self._bucket(COMPOSITIONS_BUCKET, COMPOSITIONS_REGION, age_days=1200)
        named = {"Bucket": COMPOSITIONS_BUCKET}
        self._object(s3, COMPOSITIONS_BUCKET, f"{COMPOSITIONS_PREFIX}CJ{1:032x}.mp4", age_days=95)
        default = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key_arn}
        s3.put_bucket_encryption(
            **named,
            ServerSideEncryptionConfiguration={"Rules": [{"ApplyServerSideEncryptionByDefault": default}]},
        )
        s3.put_public_access_block(**named, PublicAccessBlockConfiguration=_ALL_BLOCKED)
        s3.put_bucket_policy(**named, Policy=_compositions_policy())
        s3.put_bucket_versioning(**named, VersioningConfiguration={"Status": "Enabled"})
        s3.put_bucket_versioning(**named, VersioningConfiguration={"Status": "Suspended"})
        s3.put_bucket_lifecycle_configuration(
            **named,
            LifecycleConfiguration={
                "Rules": [
                    {
                        "ID": "abort-uploads",
                        "Status": "Enabled",
                        "Filter": {"Prefix": ""},
                        "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7},
                    }
                ]
            },
        )

    def research_bucket(self) -> None:
        # Made in a hurry and never looked at again: readable by everyone, encrypted with S3's own keys only.
        s3 = self._bucket(RESEARCH_BUCKET, REGION, age_days=250)
        s3.put_bucket_ownership_controls(
            Bucket=RESEARCH_BUCKET, OwnershipControls={"Rules": [{"ObjectOwnership": "ObjectWriter"}]}
        )
        s3.put_bucket_acl(Bucket=RESEARCH_BUCKET, ACL="public-read")
        self._object(s3, RESEARCH_BUCKET, TEST_FILE, age_days=60, body=b"test")
        for day in (4, 30, 45):
            self._object(s3, RESEARCH_BUCKET, f"RT{0x500 + day:032x}.mkv", age_days=day)
        self._server.add_foreign_bucket(FORMER_BUCKET, "us-east-1")

    def recordings_writer(self, key_arn: str) -> None:
        document = upload_policy(RECORDINGS_BUCKET, RECORDINGS_PREFIX, key_arn)
        # The guide's first statement denies nothing, so this company left it out.
        uploads = {**document, "Statement": document["Statement"][1:]}
        self._iam.create_user(UserName=RECORDINGS_WRITER)
        aws_state.set_user_created(RECORDINGS_WRITER, self._ago(400))
        self._iam.create_group(GroupName=UPLOADERS)
        self._iam.put_group_policy(
            GroupName=UPLOADERS, PolicyName="recordings-uploads", PolicyDocument=json.dumps(uploads)
        )
        self._iam.add_user_to_group(GroupName=UPLOADERS, UserName=RECORDINGS_WRITER)
        boundary = self._policy("recordings-uploads-only", uploads, age_days=400)
        self._iam.put_user_permissions_boundary(UserName=RECORDINGS_WRITER, PermissionsBoundary=boundary)
        self._access_key(RECORDINGS_WRITER, RECORDINGS_KEY_ID, age_days=30)
        aws_state.set_access_key_last_used(RECORDINGS_KEY_ID, self._ago(1), "s3", REGION)

    def compositions_writer(self) -> None:
        # A person's and a machine's account in one: console password without MFA, two active keys, one never used.
        document = {
            "Version": "2012-10-17",
            "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}],
        }
        self._user(COMPOSITIONS_WRITER, document, age_days=1200)
        self._iam.create_login_profile(UserName=COMPOSITIONS_WRITER, Password="Made-up-0nly!")  # noqa: S106
        self._access_key(COMPOSITIONS_WRITER, COMPOSITIONS_KEY_ID, age_days=400)
        self._access_key(COMPOSITIONS_WRITER, UNUSED_KEY_ID, age_days=200)
        aws_state.set_access_key_last_used(COMPOSITIONS_KEY_ID, self._ago(92), "s3", COMPOSITIONS_REGION)

    def research_writer(self) -> None:
        # The key was switched off while Twilio still holds it.
        self._user(RESEARCH_WRITER, upload_policy(RESEARCH_BUCKET, "", None), age_days=250)
        self._access_key(RESEARCH_WRITER, RESEARCH_KEY_ID, age_days=250)
        aws_state.set_access_key_last_used(RESEARCH_KEY_ID, self._ago(4), "s3", REGION)
        self._iam.update_access_key(UserName=RESEARCH_WRITER, AccessKeyId=RESEARCH_KEY_ID, Status="Inactive")

    def reviewers(self, key_arn: str) -> None:
        """The people who may see production's Recordings, and the administrators, who may do anything."""
        read = {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Sid": "ReadRecordings",
                    "Effect": "Allow",
                    "Action": "s3:GetObject",
                    "Resource": f"arn:aws:s3:::{RECORDINGS_BUCKET}/{RECORDINGS_PREFIX}*",
                },
                {"Sid": "DecryptRecordings", "Effect": "Allow", "Action": "kms:Decrypt", "Resource": key_arn},
            ],
        }
        everything = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
        for role, document in ((REVIEWERS, read), (ADMINISTRATORS, everything)):
            self._iam.create_role(RoleName=role, AssumeRolePolicyDocument=_trust_policy())
            self._iam.put_role_policy(RoleName=role, PolicyName="permissions", PolicyDocument=json.dumps(document))

    def auditor(self) -> None:
        document = {
            "Version": "2012-10-17",
            "Statement": [{"Effect": "Allow", "Action": ["s3:Get*", "s3:List*", "iam:Get*"], "Resource": "*"}],
        }
        self._user(AUDITOR, document, age_days=10)
        self._access_key(AUDITOR, AUDITOR_KEY_ID, age_days=10)

    def trail(self) -> None:
        cloudtrail, logs = self._server.client("cloudtrail"), self._server.client("logs")
        logs.create_log_group(logGroupName=TRAIL)
        role = self._iam.create_role(RoleName="cloudtrail-logs", AssumeRolePolicyDocument=_trust_policy())["Role"]
        cloudtrail.create_trail(
            Name=TRAIL,
            S3BucketName=TRAIL_BUCKET,
            IsMultiRegionTrail=True,
            IncludeGlobalServiceEvents=True,
            EnableLogFileValidation=True,
            KmsKeyId=self._trail_key(),
            CloudWatchLogsLogGroupArn=f"arn:aws:logs:{REGION}:{AWS_ACCOUNT}:log-group:{TRAIL}:*",
            CloudWatchLogsRoleArn=role["Arn"],
        )
        cloudtrail.put_event_selectors(
            TrailName=TRAIL,
            EventSelectors=[
                {
                    "ReadWriteType": "All",
                    "IncludeManagementEvents": True,
                    "DataResources": [{"Type": "AWS::S3::Object", "Values": [f"arn:aws:s3:::{RECORDINGS_BUCKET}/"]}],
                }
            ],
        )
        cloudtrail.start_logging(Name=TRAIL)
        aws_state.set_trail_started(TRAIL, REGION, self._ago(500))
        self._server.set_trails_delivered(self._now - timedelta(minutes=4))

    def _trail_key(self) -> str:
        kms = self._server.client("kms")
        key = kms.create_key(Description="Audit trail", Policy=_key_policy())["KeyMetadata"]
        kms.enable_key_rotation(KeyId=key["KeyId"])
        aws_state.set_key_dates(key["KeyId"], REGION, created=self._ago(80))
        return str(key["Arn"])

    def alarms(self) -> None:
        # Only where the Recordings are; nobody hears of what happens to the Compositions.
        sns, events = self._server.client("sns"), self._server.client("events")
        topic = sns.create_topic(Name="security")["TopicArn"]
        pattern = {
            "source": ["aws.s3", "aws.kms"],
            "detail-type": ["AWS API Call via CloudTrail"],
            "detail": {
                "eventName": [
                    {"prefix": "PutBucket"},
                    {"prefix": "DeleteBucket"},
                    "PutKeyPolicy",
                    "CreateGrant",
                    "DisableKey",
                    "ScheduleKeyDeletion",
                    "DeleteImportedKeyMaterial",
                ]
            },
        }
        events.put_rule(Name="guards-of-media", EventPattern=json.dumps(pattern), State="ENABLED")
        events.put_targets(Rule="guards-of-media", Targets=[{"Id": "security", "Arn": topic}])
        self._server.client("logs").put_metric_filter(
            logGroupName=TRAIL,
            filterName="root-sign-ins",
            filterPattern='{ $.userIdentity.type = "Root" && $.eventName = "ConsoleLogin" }',
            metricTransformations=[{"metricNamespace": "Audit", "metricName": "RootSignIns", "metricValue": "1"}],
        )
        self._server.client("cloudwatch").put_metric_alarm(
            AlarmName="root-sign-ins",
            Namespace="Audit",
            MetricName="RootSignIns",
            Statistic="Sum",
            Period=300,
            EvaluationPeriods=1,
            Threshold=1,
            ComparisonOperator="GreaterThanOrEqualToThreshold",
            AlarmActions=[topic],
        )

    def upload_events(self, key_arn: str) -> None:
        """The data keys that S3 asked KMS for in the name of the Recordings writer."""
        for day in range(1, 4):
            self._server.add_event(
                {
                    "eventVersion": "1.11",
                    "eventID": f"5a1e0000-0000-4000-8000-{day:012}",
                    "eventTime": self._ago(day).strftime("%Y-%m-%dT%H:%M:%SZ"),
                    "eventSource": "kms.amazonaws.com",
                    "eventName": "GenerateDataKey",
                    "awsRegion": REGION,
                    "readOnly": True,
                    "userIdentity": {
                        "type": "IAMUser",
                        "arn": f"arn:aws:iam::{AWS_ACCOUNT}:user/{RECORDINGS_WRITER}",
                        "accountId": AWS_ACCOUNT,
                        "accessKeyId": RECORDINGS_KEY_ID,
                        "userName": RECORDINGS_WRITER,
                        "invokedBy": "AWS Internal",
                    },
                    "requestParameters": {
                        "keyId": key_arn,
                        "encryptionContext": {"aws:s3:arn": f"arn:aws:s3:::{RECORDINGS_BUCKET}"},
                    },
                    "resources": [{"accountId": AWS_ACCOUNT, "type": "AWS::KMS::Key", "ARN": key_arn}],
                },
                REGION,
            )

    def _ago(self, days: float) -> datetime:
        return self._now - timedelta(days=days)

    def _bucket(self, name: str, region: str, *, age_days: float) -> Any:
        s3 = self._server.client("s3", region)
        s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": region})
        aws_state.set_bucket_created(name, self._ago(age_days))
        aws_state.ignore_policy(name)
        return s3

    def _object(self, s3: Any, bucket: str, key: str, *, age_days: float, body: bytes = b"media") -> None:
        s3.put_object(Bucket=bucket, Key=key, Body=body, ACL="private")  # moto would give it the ACL of its bucket
        aws_state.set_object_modified(bucket, key, self._ago(age_days))

    def _user(self, name: str, document: Mapping[str, Any], *, age_days: float) -> None:
        self._iam.create_user(UserName=name)
        aws_state.set_user_created(name, self._ago(age_days))
        policy = self._policy(f"{name}-access", document, age_days=age_days)
        self._iam.attach_user_policy(UserName=name, PolicyArn=policy)

    def _policy(self, name: str, document: Mapping[str, Any], *, age_days: float) -> str:
        policy = self._iam.create_policy(PolicyName=name, PolicyDocument=json.dumps(document))["Policy"]
        aws_state.set_policy_created(policy["Arn"], self._ago(age_days))
        return str(policy["Arn"])

    def _access_key(self, user: str, access_key_id: str, *, age_days: float) -> None:
        made = self._iam.create_access_key(UserName=user)["AccessKey"]["AccessKeyId"]
        aws_state.set_access_key_id(made, access_key_id)
        aws_state.set_access_key_created(access_key_id, self._ago(age_days))


def upload_policy(bucket: str, prefix: str, key_arn: str | None) -> dict[str, Any]:
    """The policy of Twilio's guide, statement by statement.

    See https://www.twilio.com/docs/video/tutorials/storing-aws-s3.

    Args:
        bucket: Name of the bucket.
        prefix: Prefix of the object keys that may be written; "" for all.
        key_arn: The bucket's KMS key; None where it encrypts with S3's own keys.
    """
    statements: list[dict[str, Any]] = [
        {"Sid": "UploadUserDenyEverything", "Effect": "Deny", "NotAction": "*", "Resource": "*"},
        {
            "Sid": "UploadUserAllowPutObject",
            "Effect": "Allow",
            "Action": ["s3:PutObject"],
            "Resource": [f"arn:aws:s3:::{bucket}/{prefix}*"],
        },
    ]
    if key_arn is not None:
        statements.append(
            {
                "Sid": "AccessToKmsForEncryption",
                "Effect": "Allow",
                "Action": [
                    "kms:Encrypt",
                    "kms:Decrypt",
                    "kms:ReEncrypt*",
                    "kms:GenerateDataKey*",
                    "kms:DescribeKey",
                ],
                "Resource": [key_arn],
            }
        )
    return {"Version": "2012-10-17", "Statement": statements}


def _tls_only_policy(bucket: str, *, whole: bool) -> str:
    """A policy that denies requests without TLS; a whole one also old versions, and on the bucket, too."""
    arns = [f"arn:aws:s3:::{bucket}/*", *([f"arn:aws:s3:::{bucket}"] if whole else [])]
    deny = {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": arns}
    tls = {**deny, "Sid": "DenyInsecureTransport", "Condition": {"Bool": {"aws:SecureTransport": "false"}}}
    old = {**deny, "Sid": "DenyOldTls", "Condition": {"NumericLessThan": {"s3:TlsVersion": "1.2"}}}
    return json.dumps({"Version": "2012-10-17", "Statement": [tls, old] if whole else [tls]})


def _compositions_policy() -> str:
    policy = json.loads(_tls_only_policy(COMPOSITIONS_BUCKET, whole=False))
    partner = {
        "Sid": "PartnerReads",
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{PARTNER}:root"},
        "Action": "s3:GetObject",
        "Resource": f"arn:aws:s3:::{COMPOSITIONS_BUCKET}/*",
    }
    return json.dumps({**policy, "Statement": [*policy["Statement"], partner]})


def _trust_policy() -> str:
    return json.dumps(
        {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Principal": {"AWS": f"arn:aws:iam::{AWS_ACCOUNT}:root"},
                    "Action": "sts:AssumeRole",
                }
            ],
        }
    )


def _log_delivery_policy() -> str:
    return _document(
        Sid="ServerAccessLogs",
        Effect="Allow",
        Principal={"Service": "logging.s3.amazonaws.com"},
        Action="s3:PutObject",
        Resource=f"arn:aws:s3:::{LOG_BUCKET}/*",
        Condition={"StringEquals": {"aws:SourceAccount": AWS_ACCOUNT}},
    )


def _inventory_policy() -> str:
    return _document(
        Sid="Inventories",
        Effect="Allow",
        Principal={"Service": "s3.amazonaws.com"},
        Action="s3:PutObject",
        Resource=f"arn:aws:s3:::{INVENTORY_BUCKET}/*",
        Condition={
            "StringEquals": {"aws:SourceAccount": AWS_ACCOUNT},
            "ArnLike": {"aws:SourceArn": f"arn:aws:s3:::{RECORDINGS_BUCKET}"},
        },
    )


def _key_policy() -> str:
    return _document(
        Sid="Delegate",
        Effect="Allow",
        Principal={"AWS": f"arn:aws:iam::{AWS_ACCOUNT}:root"},
        Action="kms:*",
        Resource="*",
    )


def _document(**statement: Any) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})
