"""Examples for the rules about a bucket's settings, its side doors and its objects."""

import json
from collections.abc import Callable
from dataclasses import replace

from recordscan.facts import Json
from recordscan.testing import AWS_ACCOUNT, BUCKET, KEY_ARN, PREFIX, REGION, REVIEWERS_ARN, Case, ago, sound
from recordscan.testing.names import OWNED

Example = Callable[[], Case]

LIFECYCLE = "s3:GetBucketLifecycleConfiguration"
OWNERSHIP = "/OwnershipControls/Rules/0/ObjectOwnership"
ACCOUNT = {"AccountId": AWS_ACCOUNT}
COPIES, COPIES_REGION = "acme-video-copies", "eu-central-1"
FOREIGN_USER = "a" * 64
ALL_ON = {"BlockPublicAcls": True, "IgnorePublicAcls": True, "BlockPublicPolicy": True, "RestrictPublicBuckets": True}
ALL_OFF = dict.fromkeys(ALL_ON, False)
KEYS = tuple(f"{PREFIX}RT{number:032x}.mkv" for number in (1, 2, 3))


def answers(operation: str, answer: Json) -> Example:
    """A sound estate with one other answer."""

    def make() -> Case:
        case = sound()
        case.answer(operation, answer)
        return case

    return make


def lock(case: Case, mode: str = "COMPLIANCE", days: int = 90) -> Case:
    """Give the bucket a default retention."""
    rule = {"DefaultRetention": {"Mode": mode, "Days": days}}
    configuration = {"ObjectLockConfiguration": {"ObjectLockEnabled": "Enabled", "Rule": rule}}
    case.answer("s3:GetObjectLockConfiguration", configuration)
    return case


def demand(case: Case, **members: Json) -> Case:
    """Change the profile."""
    case.profile = replace(case.profile, **members)
    return case


def add_objects(case: Case) -> Case:
    """Three recordings in the bucket, the last one the newest and under retention."""
    rows = [{"Key": key, "Size": 9, "LastModified": ago(days=9 - i)} for i, key in enumerate(KEYS)]
    case.answer("s3:ListObjectsV2", {"Contents": rows, "KeyCount": len(rows), "truncated": False})
    retention = {"Retention": {"Mode": "COMPLIANCE", "RetainUntilDate": ago(days=-30)}}
    case.add("s3:GetObjectRetention", retention, **OWNED, Key=KEYS[-1])
    return case


def sample(case: Case, size: int = 2, **members: Json) -> Case:
    """Look at some of the recordings one by one: encrypted as the bucket is, with ACLs for the owner alone."""
    add_objects(case)
    case.scope = replace(case.scope, sample_objects=size)
    owner = {"Grantee": {"Type": "CanonicalUser", "ID": "f" * 64}, "Permission": "FULL_CONTROL"}
    for key in KEYS:
        head = {"ETag": "e", "ServerSideEncryption": "aws:kms", "SSEKMSKeyId": KEY_ARN, "BucketKeyEnabled": True}
        case.add("s3:HeadObject", {**head, **members}, **OWNED, Key=key)
        case.add("s3:GetObjectAcl", {"Owner": {"ID": "f" * 64}, "Grants": [owner]}, **OWNED, Key=key)
    return case


def access_point(
    case: Case, name: str = "review", *, block: Json = None, policy: Json = None, network: str = "Internet"
) -> Case:
    """Add an access point, all of Block Public Access on."""
    case.set("s3control:ListAccessPoints", "/AccessPointList/-", {"Name": name, "Bucket": BUCKET})
    described = {
        "Name": name,
        "NetworkOrigin": network,
        "PublicAccessBlockConfiguration": ALL_ON if block is None else block,
    }
    of_point = {"region": REGION, **ACCOUNT, "Name": name}
    case.add("s3control:GetAccessPoint", described, **of_point)
    text = None if policy is None else {"Policy": json.dumps(policy)}
    case.add("s3control:GetAccessPointPolicy", text, **of_point)
    case.add("s3control:GetAccessPointPolicyStatus", None, **of_point)
    return case


def object_lambda(case: Case, name: str = "redacted", *, block: Json = None, behind: str = "review") -> Case:
    """Add an Object Lambda access point, all of Block Public Access on."""
    case.set("s3control:ListAccessPointsForObjectLambda", "/ObjectLambdaAccessPointList/-", {"Name": name})
    of_point = {"region": REGION, **ACCOUNT, "Name": name}
    described = {"PublicAccessBlockConfiguration": ALL_ON if block is None else block}
    supporting = f"arn:aws:s3:{REGION}:{AWS_ACCOUNT}:accesspoint/{behind}"
    configuration = {"Configuration": {"SupportingAccessPoint": supporting}}
    case.add("s3control:GetAccessPointForObjectLambda", described, **of_point)
    case.add("s3control:GetAccessPointConfigurationForObjectLambda", configuration, **of_point)
    case.add("s3control:GetAccessPointPolicyForObjectLambda", None, **of_point)
    return case


def multi_region(case: Case, name: str = "worldwide", *, block: Json = None, bucket: str = BUCKET) -> Case:
    """Add a Multi-Region Access Point, all of Block Public Access on."""
    row = {
        "Name": name,
        "PublicAccessBlock": ALL_ON if block is None else block,
        "Regions": [{"Bucket": "elsewhere", "Region": "us-east-1"}, {"Bucket": bucket, "BucketAccountId": AWS_ACCOUNT}],
    }
    case.set("s3control:ListMultiRegionAccessPoints", "/AccessPoints/-", row)
    policies: dict[str, Json] = {"Policy": {"Established": {}}}
    case.add("s3control:GetMultiRegionAccessPointPolicy", policies, region="us-west-2", **ACCOUNT, Name=name)
    return case


def statement(principal: Json, action: Json = "s3:GetObject", **members: Json) -> dict[str, Json]:
    """A policy of one statement that allows something."""
    allow = {"Sid": "Share", "Effect": "Allow", "Principal": principal, "Action": action, "Resource": "*", **members}
    return {"Version": "2012-10-17", "Statement": [allow]}


def access_grant(case: Case, *, policy: Json = None, **members: Json) -> Case:
    """Add a grant of S3 Access Grants: the reviewers may read the Recordings."""
    row: dict[str, Json] = {
        "AccessGrantId": "g-1",
        "Grantee": {"GranteeType": "IAM", "GranteeIdentifier": REVIEWERS_ARN},
        "Permission": "READ",
        "GrantScope": f"s3://{BUCKET}/{PREFIX}*",
    }
    case.answer("s3control:ListAccessGrants", {"AccessGrantsList": [{**row, **members}], "truncated": False})
    text = None if policy is None else {"Policy": json.dumps(policy)}
    case.add("s3control:GetAccessGrantsInstanceResourcePolicy", text, region=REGION, **ACCOUNT)
    return case


def replication(case: Case, **members: Json) -> Case:
    """Copy all media to a bucket of the account in another Region; `members` are of the rule."""
    key = KEY_ARN.replace(REGION, COPIES_REGION)
    destination = {"Bucket": f"arn:aws:s3:::{COPIES}", "EncryptionConfiguration": {"ReplicaKmsKeyID": key}}
    rule: dict[str, Json] = {
        "ID": "copies",
        "Status": "Enabled",
        "Filter": {"Prefix": "video/"},
        "Destination": destination,
        "SourceSelectionCriteria": {"SseKmsEncryptedObjects": {"Status": "Enabled"}},
        **members,
    }
    case.answer("s3:GetBucketReplication", {"ReplicationConfiguration": {"Role": "r", "Rules": [rule]}})
    case.set("s3:ListBuckets", "/Buckets/-", {"Name": COPIES})
    head = {"HTTPStatusCode": 200, "BucketRegion": COPIES_REGION}
    case.add("s3:HeadBucket", head, Bucket=COPIES, ExpectedBucketOwner=AWS_ACCOUNT)
    case.add("s3:HeadBucket", head, Bucket=COPIES)
    return case


def backed_up(case: Case) -> Case:
    """AWS Backup has backed the bucket up."""
    row = {"ResourceArn": f"arn:aws:s3:::{BUCKET}", "ResourceType": "S3", "LastBackupTime": ago(days=1)}
    case.set("backup:ListProtectedResources", "/Results", [row])
    return case


def notifies(case: Case, *events: str, destination: str | None = None, **members: Json) -> Case:
    """Report events to a topic, and not to EventBridge."""
    arn = destination or f"arn:aws:sns:{REGION}:{AWS_ACCOUNT}:media"
    row = {"Id": "media", "TopicArn": arn, "Events": list(events), **members}
    case.answer("s3:GetBucketNotificationConfiguration", {"TopicConfigurations": [row]})
    return case


ALL_EVENTS = ("s3:ObjectRemoved:*", "s3:LifecycleExpiration:*", "s3:ObjectAcl:Put")


def guarded() -> Case:
    """All that the other estates do without: locked, copied, backed up, sampled, and reached through side doors."""
    case = sample(lock(sound(), "GOVERNANCE"))
    access_point(case, policy=statement({"AWS": REVIEWERS_ARN}))
    access_point(case, "inside", block=ALL_OFF, network="VPC")
    multi_region(object_lambda(case))
    access_grant(case)
    notifies(backed_up(replication(case)), *ALL_EVENTS)
    cors = {"AllowedOrigins": ["https://app.example.com"], "AllowedMethods": ["GET"]}
    case.answer("s3:GetBucketCors", {"CORSRules": [cors]})
    return demand(
        case,
        object_lock_mode="GOVERNANCE",
        object_lock_min_days=30,
        require_backup=True,
        require_crr=True,
        allowed_regions=(COPIES_REGION,),
    )


def live_acls(case: Case, *, ignored: bool = False) -> Case:
    """Let access control lists take effect, those for the public as well unless they are to be ignored."""
    case.set("s3:GetBucketOwnershipControls", OWNERSHIP, "ObjectWriter")
    if not ignored:
        for operation in ("s3:GetPublicAccessBlock", "s3control:GetPublicAccessBlock"):
            case.answer(operation, None)
    return case


def mfa_delete(state: str | None = None) -> Case:
    """No lifecycle rules, and MFA delete in this state."""
    case = answers(LIFECYCLE, None)()
    case.answer("s3:GetBucketVersioning", {"Status": "Enabled", "MFADelete": state})
    return case


def granted(case: Case, who: str) -> Case:
    """The ACL of the bucket lets a canonical user write."""
    row = {"Grantee": {"Type": "CanonicalUser", "ID": who}, "Permission": "WRITE"}
    case.set("s3:GetBucketAcl", "/Grants/-", row)
    return case


def public_object() -> Case:
    case = sample(live_acls(sound()))
    everyone = {"Type": "Group", "URI": "http://acs.amazonaws.com/groups/global/AllUsers"}
    grants = [{"Grantee": everyone, "Permission": "READ"}]
    case.answer("s3:GetObjectAcl", {"Owner": {"ID": "f" * 64}, "Grants": grants}, Key=KEYS[-1])
    return case


def context_of_objects() -> Case:
    case = sound()
    document = json.loads(case.find("kms:GetKeyPolicy")["Policy"])
    use = {
        "Sid": "Uploads",
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{AWS_ACCOUNT}:role/uploads"},
        "Action": "kms:GenerateDataKey",
        "Resource": "*",
        "Condition": {"StringLike": {"kms:EncryptionContext:aws:s3:arn": f"arn:aws:s3:::{BUCKET}/*"}},
    }
    document["Statement"].append(use)
    case.answer("kms:GetKeyPolicy", {"Policy": json.dumps(document)})
    return case


SOUND: dict[str, Example] = {"guarded": guarded}
PASSING: dict[str, Example] = {
    "bucket-acl-foreign": lambda: live_acls(sound()),
    "bucket-mfa-delete": lambda: mfa_delete("Enabled"),
    "bucket-object-acl-sample": lambda: sample(live_acls(sound())),
}
FAILING: dict[str, Example] = {
    "aws-multipart": answers(LIFECYCLE, None),
    "bucket-access-grants": lambda: access_grant(
        sound(), Grantee={"GranteeType": "IAM", "GranteeIdentifier": "arn:aws:iam::999988887777:role/reader"}
    ),
    "bucket-access-point-policies": lambda: access_point(sound(), policy=statement({"AWS": "999988887777"})),
    "bucket-access-points-blocked": lambda: access_point(sound(), block=ALL_OFF),
    "bucket-acl-foreign": lambda: granted(live_acls(sound()), FOREIGN_USER),
    "bucket-backup": lambda: demand(sound(), require_backup=True),
    "bucket-controls-conflict": lambda: lock(sound(), days=366),
    "bucket-cors-wildcard": answers(
        "s3:GetBucketCors", {"CORSRules": [{"AllowedOrigins": ["*"], "AllowedMethods": ["GET"]}]}
    ),
    "bucket-events": answers("s3:GetBucketNotificationConfiguration", {}),
    "bucket-inventory": answers("s3:ListBucketInventoryConfigurations", {"truncated": False}),
    "bucket-mfa-delete": mfa_delete,
    "bucket-noncurrent-versions": answers(LIFECYCLE, None),
    "bucket-object-acl-sample": public_object,
    "bucket-object-lock": lambda: demand(sound(), object_lock_min_days=30),
    "bucket-public-access-block-own": answers("s3:GetPublicAccessBlock", None),
    "bucket-replication": lambda: replication(sound(), SourceSelectionCriteria=None),
    "bucket-website-off": answers("s3:GetBucketWebsite", {"RedirectAllRequestsTo": {"HostName": "example.com"}}),
    "enc-bucket-key": context_of_objects,
    "enc-object-sample": lambda: sample(sound(), ServerSideEncryption="AES256", SSEKMSKeyId=None),
}


def unread_encryption() -> Case:
    case = sound()
    case.deny("s3:GetBucketEncryption")
    return case


NEVER_FAILING: dict[str, Example] = {"aws-object-lock": lambda: lock(sound()), "enc-default": unread_encryption}
