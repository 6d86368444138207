"""Faults in the settings of a bucket, each with exactly the rules that it breaks."""

import json
from collections.abc import Callable

from recordscan.facts import Json
from recordscan.testing import AWS_ACCOUNT, KEY_ARN, Case
from rules.failing_bucket import (
    ALL_EVENTS,
    ALL_OFF,
    FOREIGN_USER,
    LIFECYCLE,
    OWNERSHIP,
    access_grant,
    access_point,
    add_objects,
    demand,
    granted,
    live_acls,
    lock,
    multi_region,
    notifies,
    object_lambda,
    replication,
    sample,
    statement,
)

Spoil = Callable[[Case], object]

FOREIGN = "999988887777"
INVENTORY = "/InventoryConfigurationList/0"
DESTINATION = f"{INVENTORY}/Destination/S3BucketDestination"


def sets(operation: str, pointer: str, value: Json) -> Spoil:
    return lambda case: case.set(operation, pointer, value)


def answers(operation: str, answer: Json) -> Spoil:
    return lambda case: case.answer(operation, answer)


def policy_delegates(case: Case) -> Case:
    """The bucket policy lets access points of the account decide."""
    document = json.loads(case.find("s3:GetBucketPolicy")["Policy"])
    own = {"StringEquals": {"s3:DataAccessPointAccount": AWS_ACCOUNT}}
    document["Statement"] += statement("*", Condition=own, Sid="Delegate", Resource="arn:aws:s3:::acme-video-media/*")[
        "Statement"
    ]
    case.answer("s3:GetBucketPolicy", {"Policy": json.dumps(document)})
    return case


MUTATIONS: dict[str, tuple[Spoil, set[str]]] = {
    "bucket does not block public access itself": (
        answers("s3:GetPublicAccessBlock", None),
        {"bucket-public-access-block-own"},
    ),
    "account does not block public access, but the bucket does": (
        answers("s3control:GetPublicAccessBlock", None),
        {"account-public-access-block"},
    ),
    "ACL for another account, but ACLs are off": (lambda case: granted(case, FOREIGN_USER), set()),
    "ACL for another account": (
        lambda case: granted(live_acls(case, ignored=True), FOREIGN_USER),
        {"bucket-acl-disabled", "bucket-acl-foreign"},
    ),
    "ACL for CloudFront's logs": (
        lambda case: granted(
            live_acls(case, ignored=True), "c4c1ede66af53448b93c283ce9448c4ba468c9432aa01d700d3878632f77d2d0"
        ),
        {"bucket-acl-disabled"},
    ),
    "website": (answers("s3:GetBucketWebsite", {"IndexDocument": {"Suffix": "i.html"}}), {"bucket-website-off"}),
    "CORS for every origin": (
        answers("s3:GetBucketCors", {"CORSRules": [{"AllowedOrigins": ["https://*"], "AllowedMethods": ["PUT"]}]}),
        {"bucket-cors-wildcard"},
    ),
    "access point that blocks nothing": (
        lambda case: access_point(case, block=ALL_OFF),
        {"bucket-access-points-blocked"},
    ),
    "access point of a VPC that blocks nothing": (lambda case: access_point(case, block=ALL_OFF, network="VPC"), set()),
    "Object Lambda access point that blocks nothing": (
        lambda case: object_lambda(access_point(case), block=ALL_OFF),
        {"bucket-access-points-blocked"},
    ),
    "Object Lambda access point of another bucket": (lambda case: object_lambda(case, block=ALL_OFF), set()),
    "Multi-Region Access Point that blocks nothing": (
        lambda case: multi_region(case, block=ALL_OFF),
        {"bucket-access-points-blocked"},
    ),
    "Multi-Region Access Point of another bucket": (
        lambda case: multi_region(case, block=ALL_OFF, bucket="other"),
        set(),
    ),
    "access point for another account": (
        lambda case: access_point(case, policy=statement({"AWS": FOREIGN})),
        {"bucket-access-point-policies"},
    ),
    "access point for the public": (
        lambda case: access_point(case, policy=statement("*")),
        {"bucket-access-point-policies"},
    ),
    "access grant for another account": (
        lambda case: access_grant(
            case, Grantee={"GranteeType": "IAM", "GranteeIdentifier": f"arn:aws:iam::{FOREIGN}:user/u"}
        ),
        {"bucket-access-grants"},
    ),
    "access grant for a directory": (
        lambda case: access_grant(case, Grantee={"GranteeType": "DIRECTORY_GROUP", "GranteeIdentifier": "g"}),
        {"bucket-access-grants"},
    ),
    "access grant on another bucket": (lambda case: access_grant(case, GrantScope="s3://invoices/*"), set()),
    "Object Lock with default retention and no upload": (lock, set()),
    "Object Lock that outlasts expiry": (lambda case: lock(case, days=370), {"bucket-controls-conflict"}),
    "Object Lock that outlasts all retention": (
        lambda case: lock(case, days=500),
        {"bucket-controls-conflict", "bucket-retention"},
    ),
    "Object Lock is demanded": (lambda case: demand(case, object_lock_mode="COMPLIANCE"), {"bucket-object-lock"}),
    "Object Lock in another mode": (
        lambda case: demand(lock(case, "GOVERNANCE"), object_lock_mode="COMPLIANCE"),
        {"bucket-object-lock"},
    ),
    "Object Lock too short": (lambda case: demand(lock(case), object_lock_min_days=91), {"bucket-object-lock"}),
    "noncurrent versions never end": (
        sets(LIFECYCLE, "/Rules/0/NoncurrentVersionExpiration", None),
        {"bucket-noncurrent-versions", "bucket-retention"},
    ),
    "noncurrent versions end late": (
        sets(LIFECYCLE, "/Rules/0/NoncurrentVersionExpiration", {"NoncurrentDays": 91}),
        {"bucket-noncurrent-versions", "bucket-retention"},
    ),
    "unfinished uploads stay": (sets(LIFECYCLE, "/Rules/0/AbortIncompleteMultipartUpload", None), {"aws-multipart"}),
    "unfinished uploads stay long": (
        sets(LIFECYCLE, "/Rules/0/AbortIncompleteMultipartUpload", {"DaysAfterInitiation": 8}),
        {"aws-multipart"},
    ),
    "replication leaves out what KMS encrypts": (
        lambda case: replication(case, SourceSelectionCriteria=None),
        {"bucket-replication"},
    ),
    "replication to another account": (
        lambda case: replication(case, Destination={"Bucket": "arn:aws:s3:::theirs", "Account": FOREIGN}),
        {"bucket-replication"},
    ),
    "replication is disabled": (lambda case: replication(case, Status="Disabled", Destination={}), set()),
    "replication into a Region that is not allowed": (
        lambda case: demand(replication(case), allowed_regions=("eu-west-1",)),
        {"bucket-replication"},
    ),
    "replication is demanded": (lambda case: demand(case, require_crr=True), {"bucket-replication"}),
    "backup is demanded": (lambda case: demand(case, require_backup=True), {"bucket-backup"}),
    "no events": (answers("s3:GetBucketNotificationConfiguration", {}), {"bucket-events"}),
    "events of deletions only": (
        lambda case: notifies(case, "s3:ObjectRemoved:*"),
        {"bucket-events"},
    ),
    "events to another account": (
        lambda case: notifies(case, *ALL_EVENTS, destination=f"arn:aws:sns:eu-west-1:{FOREIGN}:t"),
        {"bucket-events"},
    ),
    "no inventory": (
        sets("s3:ListBucketInventoryConfigurations", "/InventoryConfigurationList", []),
        {"bucket-inventory"},
    ),
    "inventory without encryption status": (
        sets("s3:ListBucketInventoryConfigurations", f"{INVENTORY}/OptionalFields", ["Size"]),
        {"bucket-inventory"},
    ),
    "inventory for another account": (
        sets("s3:ListBucketInventoryConfigurations", f"{DESTINATION}/AccountId", FOREIGN),
        {"bucket-inventory"},
    ),
    "objects in order": (sample, set()),
    "object that S3's own key encrypts": (
        lambda case: sample(case, ServerSideEncryption="AES256", SSEKMSKeyId=None),
        {"enc-object-sample"},
    ),
    "object that another key encrypts": (
        lambda case: sample(case, SSEKMSKeyId=KEY_ARN.replace("1234", "9999")),
        {"enc-object-sample"},
    ),
    "objects that nobody looks at": (add_objects, set()),
    "ACLs live": (
        sets("s3:GetBucketOwnershipControls", OWNERSHIP, "BucketOwnerPreferred"),
        {"bucket-acl-disabled"},
    ),
}
