"""What AWS answers of a sound account."""

import json
from typing import Any

from recordscan.facts import Json
from recordscan.testing.case import Case
from recordscan.testing.names import (
    ACCESS_KEY,
    AWS_ACCOUNT,
    BOUNDARY_ARN,
    BUCKET,
    KEY_ARN,
    OWNED,
    PREFIX,
    REGION,
    REVIEWERS,
    TRAIL_ARN,
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
        "s3:GetBucketLogging": {"LoggingEnabled": {"TargetBucket": "acme-access-logs", "TargetPrefix": "video/"}},
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


def add_trail(case: Case) -> None:
    """A trail that records what is done to the objects."""
    trail = {"TrailARN": TRAIL_ARN, "HomeRegion": REGION, "IsMultiRegionTrail": True, "S3BucketName": "acme-trail"}
    selector = {
        "ReadWriteType": "All",
        "IncludeManagementEvents": True,
        "DataResources": [{"Type": "AWS::S3::Object", "Values": [f"arn:aws:s3:::{BUCKET}/"]}],
    }
    case.add("cloudtrail:DescribeTrails", {"trailList": [trail]}, region=REGION, includeShadowTrails=True)
    case.add("cloudtrail:GetTrailStatus", {"IsLogging": True}, region=REGION, Name=TRAIL_ARN)
    case.add("cloudtrail:GetEventSelectors", {"EventSelectors": [selector]}, region=REGION, TrailName=TRAIL_ARN)
