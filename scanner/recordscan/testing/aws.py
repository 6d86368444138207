"""What AWS answers of a sound account."""

import json
from typing import Any

from recordscan.estate.guards import analyzer_filter, macie_criteria
from recordscan.estate.watch import BUCKET_EVENTS, KEY_EVENTS, MORE_BUCKET_EVENTS, MORE_KEY_EVENTS
from recordscan.facts import Json
from recordscan.testing.case import Case
from recordscan.testing.names import (
    ACCESS_KEY,
    ANALYZER_ARN,
    AWS_ACCOUNT,
    BOUNDARY_ARN,
    BUCKET,
    KEY_ARN,
    LOG_BUCKET,
    LOG_GROUP,
    OWNED,
    PREFIX,
    REGION,
    REVIEWERS,
    TRAIL_ARN,
    TRAIL_BUCKET,
    UPLOADERS,
    WRITER,
    WRITER_ARN,
    ago,
)

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


def objects_of(prefix: str, *sids: str) -> dict[str, Json]:
    """A list of objects: those of the media with these SIDs."""
    rows = [{"Key": f"{prefix}{sid}.mkv", "Size": 1_048_576, "LastModified": ago(days=1)} for sid in sids]
    return {"Contents": rows, "KeyCount": len(rows), "truncated": False}


_ALL_BLOCKED = {
    "PublicAccessBlockConfiguration": {
        "BlockPublicAcls": True,
        "IgnorePublicAcls": True,
        "BlockPublicPolicy": True,
        "RestrictPublicBuckets": True,
    }
}


_INVENTORY = {
    "Id": "weekly",
    "IsEnabled": True,
    "IncludedObjectVersions": "All",
    "OptionalFields": ["Size", "EncryptionStatus", "ObjectLockMode", "ObjectLockRetainUntilDate"],
    "Schedule": {"Frequency": "Weekly"},
    "Destination": {
        "S3BucketDestination": {
            "AccountId": AWS_ACCOUNT,
            "Bucket": "arn:aws:s3:::acme-inventory",
            "Format": "CSV",
            "Encryption": {"SSEKMS": {"KeyId": KEY_ARN}},
        }
    },
}


def add_side_doors(case: Case) -> None:
    """No access points of any kind, no Access Grants, no backups."""
    account = {"AccountId": AWS_ACCOUNT}
    case.add(
        "s3control:ListAccessPoints",
        {"AccessPointList": [], "truncated": False},
        region=REGION,
        **account,
        Bucket=BUCKET,
    )
    none = {"ObjectLambdaAccessPointList": [], "truncated": False}
    case.add("s3control:ListAccessPointsForObjectLambda", none, region=REGION, **account)
    none = {"AccessPoints": [], "truncated": False}
    case.add("s3control:ListMultiRegionAccessPoints", none, region="us-west-2", **account)
    case.add("s3control:ListAccessGrants", None, region=REGION, **account)
    case.add("backup:ListProtectedResources", {"Results": [], "truncated": False}, region=REGION)


def add_bucket(case: Case) -> None:
    """The bucket, its Block Public Access, and who asks."""
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
        "s3:GetBucketLogging": {"LoggingEnabled": {"TargetBucket": LOG_BUCKET, "TargetPrefix": "video/"}},
        "s3:GetObjectLockConfiguration": None,
        "s3:GetBucketReplication": None,
        "s3:GetBucketWebsite": None,
        "s3:GetBucketCors": None,
        "s3:GetBucketNotificationConfiguration": {"EventBridgeConfiguration": {}},
        "s3:ListBucketInventoryConfigurations": {"InventoryConfigurationList": [_INVENTORY], "truncated": False},
    }
    for operation, answer in answers.items():
        case.add(operation, answer, **OWNED)
    recorded = objects_of(PREFIX, *(f"RT{number:032x}" for number in (1, 2, 3)))
    case.add("s3:ListObjectsV2", recorded, **OWNED, Prefix=PREFIX)


def add_key(case: Case) -> None:
    """The KMS key of the bucket, with the policy that delegates to the account."""
    metadata = {
        "Arn": KEY_ARN,
        "KeyId": KEY_ARN.rpartition("/")[2],
        "KeyManager": "CUSTOMER",
        "KeyState": "Enabled",
        "KeyUsage": "ENCRYPT_DECRYPT",
        "KeySpec": "SYMMETRIC_DEFAULT",
        "Origin": "AWS_KMS",
        "MultiRegion": False,
        "CreationDate": ago(days=400),
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
    rotating = {"KeyRotationEnabled": True, "RotationPeriodInDays": 365, "NextRotationDate": ago(days=-330)}
    rotated = {"KeyId": metadata["KeyId"], "RotationDate": ago(days=35), "RotationType": "AUTOMATIC"}
    used = {"Operation": "GenerateDataKey", "Timestamp": ago(days=1)}
    use = {"KeyId": metadata["KeyId"], "KeyLastUsage": used, "TrackingStartDate": ago(days=300)}
    case.add("kms:GetKeyRotationStatus", rotating, region=REGION, KeyId=KEY_ARN)
    case.add("kms:ListKeyRotations", {"Rotations": [rotated], "truncated": False}, region=REGION, KeyId=KEY_ARN)
    case.add("kms:GetKeyLastUsage", use, region=REGION, KeyId=KEY_ARN)
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


def add_account(case: Case) -> None:
    """All users, groups, roles and policies of the account; no organization."""
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


_REPORT_COLUMNS = (
    "user,arn,user_creation_time,password_enabled,password_last_used,password_last_changed,password_next_rotation,"
    "mfa_active,access_key_1_active,access_key_1_last_rotated,access_key_1_last_used_date,access_key_1_last_used_region,"
    "access_key_1_last_used_service,access_key_2_active,access_key_2_last_rotated,access_key_2_last_used_date,"
    "access_key_2_last_used_region,access_key_2_last_used_service,cert_1_active,cert_1_last_rotated,cert_2_active,"
    "cert_2_last_rotated"
)


def report_line(user: str, **columns: str) -> str:
    """One line of the credential report of IAM; what is not given is `N/A`."""
    names = _REPORT_COLUMNS.split(",")
    arn = f"arn:aws:iam::{AWS_ACCOUNT}:" + ("root" if user == "<root_account>" else f"user/{user}")
    values = {"user": user, "arn": arn, **columns}
    return ",".join(values.get(name, "N/A") for name in names)


def credential_report(*lines: str) -> dict[str, Json]:
    """The credential report of IAM, with a root user who was not used for long unless the lines hold one."""
    root = report_line("<root_account>", password_last_used=_iso(days=400), mfa_active="true")
    rows = lines if any(line.startswith("<root_account>") for line in lines) else (root, *lines)
    return {"Content": "\n".join((_REPORT_COLUMNS, *rows)), "ReportFormat": "text/csv", "GeneratedTime": ago(hours=1)}


def _iso(**duration: float) -> str:
    """A moment as the report writes it."""
    return ago(**duration).replace("Z", "+00:00")


def add_account_watch(case: Case) -> None:
    """The root user, the users' passwords, and what watches over the account."""
    summary = {"AccountAccessKeysPresent": 0, "AccountMFAEnabled": 1, "AccountPasswordPresent": 1, "Users": 1}
    case.add("iam:GetAccountSummary", {"SummaryMap": summary})
    case.add("iam:ListVirtualMFADevices", {"VirtualMFADevices": [], "truncated": False}, AssignmentStatus="Assigned")
    case.add("iam:ListOrganizationsFeatures", None)
    case.add("iam:GetCredentialReport", credential_report(report_line(WRITER, mfa_active="false")))
    case.add(
        "iam:GetAccountPasswordPolicy", {"PasswordPolicy": {"MinimumPasswordLength": 16, "PasswordReusePrevention": 24}}
    )
    contact = {"Name": "Security", "EmailAddress": "security@acme.example", "AlternateContactType": "SECURITY"}
    case.add("account:GetAlternateContact", {"AlternateContact": contact}, AlternateContactType="SECURITY")
    analyzer = {"arn": ANALYZER_ARN, "name": "external", "type": "ACCOUNT", "status": "ACTIVE"}
    case.add("accessanalyzer:ListAnalyzers", {"analyzers": [analyzer], "truncated": False}, region=REGION)
    for resource in (f"arn:aws:s3:::{BUCKET}", KEY_ARN):
        case.add(
            "accessanalyzer:ListFindingsV2",
            {"findings": [], "truncated": False},
            region=REGION,
            analyzerArn=ANALYZER_ARN,
            filter=analyzer_filter(resource),
        )
    seen = {"bucketName": BUCKET, "automatedDiscoveryMonitoringStatus": "MONITORED"}
    case.add("macie2:GetMacieSession", {"status": "ENABLED"}, region=REGION)
    case.add(
        "macie2:DescribeBuckets",
        {"buckets": [seen], "truncated": False},
        region=REGION,
        criteria=macie_criteria(BUCKET),
    )
    case.add("guardduty:ListDetectors", {"DetectorIds": ["d1"], "truncated": False}, region=REGION)
    features = [{"Name": "CLOUD_TRAIL", "Status": "ENABLED"}, {"Name": "S3_DATA_EVENTS", "Status": "ENABLED"}]
    case.add("guardduty:GetDetector", {"Status": "ENABLED", "Features": features}, region=REGION, DetectorId="d1")
    recorder = {"name": "default", "recordingGroup": {"allSupported": True, "resourceTypes": []}}
    status = {"name": "default", "recording": True, "lastStatus": "SUCCESS"}
    case.add("config:DescribeConfigurationRecorders", {"ConfigurationRecorders": [recorder]}, region=REGION)
    case.add("config:DescribeConfigurationRecorderStatus", {"ConfigurationRecordersStatus": [status]}, region=REGION)
    hub = {"HubArn": f"arn:aws:securityhub:{REGION}:{AWS_ACCOUNT}:hub/default"}
    case.add("securityhub:DescribeHub", hub, region=REGION)


def add_writer(case: Case) -> None:
    """The user that Twilio writes as, with its access key."""
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


def add_log_buckets(case: Case) -> None:
    """The bucket of access logs, and that of the trail, which logs access to itself."""
    for bucket, statement, logging in (
        (LOG_BUCKET, LOG_DELIVERY, {}),
        (TRAIL_BUCKET, _TRAIL_DELIVERY, {"LoggingEnabled": {"TargetBucket": LOG_BUCKET, "TargetPrefix": "trail/"}}),
    ):
        answers: dict[str, Json] = {
            "s3:HeadBucket": {"HTTPStatusCode": 200, "BucketRegion": REGION},
            "s3:GetBucketPolicy": {"Policy": json.dumps({"Version": "2012-10-17", "Statement": [statement]})},
            "s3:GetBucketPolicyStatus": {"PolicyStatus": {"IsPublic": False}},
            "s3:GetPublicAccessBlock": _ALL_BLOCKED,
            "s3:GetBucketAcl": {"Owner": {"ID": "f" * 64}, "Grants": []},
            "s3:GetBucketOwnershipControls": {
                "OwnershipControls": {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}
            },
            "s3:GetBucketEncryption": {
                "ServerSideEncryptionConfiguration": {
                    "Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]
                }
            },
            "s3:GetBucketVersioning": {"Status": "Enabled"},
            "s3:GetBucketLifecycleConfiguration": None,
            "s3:GetObjectLockConfiguration": None,
            "s3:GetBucketLogging": logging,
        }
        for operation, answer in answers.items():
            case.add(operation, answer, Bucket=bucket, ExpectedBucketOwner=AWS_ACCOUNT)


LOG_DELIVERY: dict[str, Any] = {
    "Sid": "AccessLogs",
    "Effect": "Allow",
    "Principal": {"Service": "logging.s3.amazonaws.com"},
    "Action": "s3:PutObject",
    "Resource": f"arn:aws:s3:::{LOG_BUCKET}/*",
    "Condition": {"StringEquals": {"aws:SourceAccount": AWS_ACCOUNT}},
}
"""The statement that lets access logs in."""

_TRAIL_DELIVERY: dict[str, Any] = {
    "Sid": "TrailLogs",
    "Effect": "Allow",
    "Principal": {"Service": "cloudtrail.amazonaws.com"},
    "Action": "s3:PutObject",
    "Resource": f"arn:aws:s3:::{TRAIL_BUCKET}/AWSLogs/{AWS_ACCOUNT}/*",
    "Condition": {"StringEquals": {"aws:SourceArn": TRAIL_ARN}},
}


def add_trail(case: Case) -> None:
    """A trail that records what is done to the objects, and delivers; no event data store."""
    trail = {
        "TrailARN": TRAIL_ARN,
        "HomeRegion": REGION,
        "IsMultiRegionTrail": True,
        "S3BucketName": TRAIL_BUCKET,
        "LogFileValidationEnabled": True,
        "KmsKeyId": KEY_ARN.rpartition("/")[0] + "/5678efab-12ab-34cd-56ef-1234567890ab",
        "CloudWatchLogsLogGroupArn": f"arn:aws:logs:{REGION}:{AWS_ACCOUNT}:log-group:{LOG_GROUP}:*",
    }
    selector = {
        "ReadWriteType": "All",
        "IncludeManagementEvents": True,
        "DataResources": [{"Type": "AWS::S3::Object", "Values": [f"arn:aws:s3:::{BUCKET}/"]}],
    }
    status = {"IsLogging": True, "StartLoggingTime": ago(days=300), "LatestDeliveryTime": ago(minutes=5)}
    case.add("cloudtrail:DescribeTrails", {"trailList": [trail]}, region=REGION, includeShadowTrails=True)
    case.add("cloudtrail:GetTrailStatus", status, region=REGION, Name=TRAIL_ARN)
    case.add("cloudtrail:GetEventSelectors", {"EventSelectors": [selector]}, region=REGION, TrailName=TRAIL_ARN)
    case.add("cloudtrail:ListEventDataStores", {"EventDataStores": [], "truncated": False}, region=REGION)


def add_alarms(case: Case) -> None:
    """An alarm on changes of buckets, and a rule of EventBridge for those of keys."""
    names = " || ".join(f"($.eventName = {name})" for name in (*BUCKET_EVENTS, *MORE_BUCKET_EVENTS))
    counted = {
        "filterName": "bucket-changes",
        "filterPattern": f"{{ ($.eventSource = s3.amazonaws.com) && ({names}) }}",
        "metricTransformations": [{"metricNamespace": "Audit", "metricName": "BucketChanges", "metricValue": "1"}],
    }
    alarm = {
        "AlarmName": "bucket-changes",
        "AlarmArn": f"arn:aws:cloudwatch:{REGION}:{AWS_ACCOUNT}:alarm:bucket-changes",
        "Namespace": "Audit",
        "MetricName": "BucketChanges",
        "ActionsEnabled": True,
        "AlarmActions": [f"arn:aws:sns:{REGION}:{AWS_ACCOUNT}:security"],
    }
    pattern = {
        "source": ["aws.kms"],
        "detail-type": ["AWS API Call via CloudTrail"],
        "detail": {"eventName": [*KEY_EVENTS, *MORE_KEY_EVENTS]},
    }
    row = {"Name": "key-changes", "State": "ENABLED", "EventPattern": json.dumps(pattern)}
    listed = {"metricFilters": [counted], "truncated": False}
    case.add("logs:DescribeMetricFilters", listed, region=REGION, logGroupName=LOG_GROUP)
    alarms = {"MetricAlarms": [alarm], "CompositeAlarms": [], "truncated": False}
    case.add("cloudwatch:DescribeAlarms", alarms, region=REGION, AlarmTypes=["CompositeAlarm", "MetricAlarm"])
    case.add("events:ListRules", {"Rules": [row], "truncated": False}, region=REGION)
    targets = {"Targets": [{"Id": "1", "Arn": f"arn:aws:sns:{REGION}:{AWS_ACCOUNT}:security"}], "truncated": False}
    case.add("events:ListTargetsByRule", targets, region=REGION, Rule="key-changes")
