"""The reads of S3 and S3 Control.

Definitive negatives: https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html. Permissions differ from API
names: https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-with-s3-policy-actions.html.
"""

from recordscan.collect.call import Call, Pages
from recordscan.facts import Json


def _bucket(api: str, method: str, permission: str, purpose: str, absent: str = "", pages: Pages | None = None) -> Call:
    return Call(
        operation=f"s3:{api}",
        service="s3",
        method=method,
        permission=permission,
        purpose=purpose,
        absent=frozenset(absent.split()),
        pages=pages,
    )


def _control(
    api: str, method: str, permission: str, purpose: str, absent: str = "", pages: Pages | None = None
) -> Call:
    return Call(
        operation=f"s3control:{api}",
        service="s3control",
        method=method,
        permission=permission,
        purpose=purpose,
        absent=frozenset(absent.split()),
        pages=pages,
        regional=api != "GetPublicAccessBlock",
    )


def _tokens(member: str) -> Pages:
    return Pages(send="NextToken", receive="NextToken", members=(member,))


def _named_metadata(answer: Json) -> Json:
    """The answer with the names of user metadata, whose values may be keys."""
    names = sorted(answer.get("Metadata") or {})
    return {**{name: value for name, value in answer.items() if name != "Metadata"}, "MetadataNames": names}


# Without a size of pages an account with a quota above 10,000 buckets gets an error:
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/BucketRestrictions.html
LIST_BUCKETS = Call(
    operation="s3:ListBuckets",
    service="s3",
    method="list_buckets",
    permission="s3:ListAllMyBuckets",
    purpose="tells a foreign bucket from one that may not be read",
    pages=Pages(send="ContinuationToken", receive="ContinuationToken", members=("Buckets",), size=("MaxBuckets", 1000)),
)

HEAD_BUCKET = Call(
    operation="s3:HeadBucket",
    service="s3",
    method="head_bucket",
    permission="s3:ListBucket",
    purpose="existence, owner and Region of the bucket",
    statuses=frozenset({200, 301, 403, 404}),
)

LIST_OBJECTS = Call(
    operation="s3:ListObjectsV2",
    service="s3",
    method="list_objects_v2",
    permission="s3:ListBucket",
    purpose="the first 1,000 names under the prefix, for leftover test files and sampled media",
    pages=Pages(send="ContinuationToken", receive="NextContinuationToken", members=("Contents",), limit=1),
)

LIST_VERSIONS = Call(
    operation="s3:ListObjectVersions",
    service="s3",
    method="list_object_versions",
    permission="s3:ListBucketVersions",
    purpose="whether media that was deleted at Twilio is gone here, with its earlier versions",
    pages=Pages(send="KeyMarker", receive="NextKeyMarker", members=("Versions", "DeleteMarkers"), limit=1),
)

ENCRYPTION = _bucket(
    "GetBucketEncryption",
    "get_bucket_encryption",
    "s3:GetEncryptionConfiguration",
    "default encryption and its key",
    "ServerSideEncryptionConfigurationNotFoundError",
)

REPLICATION = _bucket(
    "GetBucketReplication",
    "get_bucket_replication",
    "s3:GetReplicationConfiguration",
    "where copies go",
    "ReplicationConfigurationNotFoundError",
)

LOGGING = _bucket("GetBucketLogging", "get_bucket_logging", "s3:GetBucketLogging", "server access logging")

BUCKET_READS = (
    ENCRYPTION,
    REPLICATION,
    _bucket("GetBucketPolicy", "get_bucket_policy", "s3:GetBucketPolicy", "bucket policy", "NoSuchBucketPolicy"),
    _bucket(
        "GetBucketPolicyStatus",
        "get_bucket_policy_status",
        "s3:GetBucketPolicyStatus",
        "whether S3 calls the policy public",
        "NoSuchBucketPolicy",
    ),
    _bucket(
        "GetPublicAccessBlock",
        "get_public_access_block",
        "s3:GetBucketPublicAccessBlock",
        "Block Public Access of the bucket",
        "NoSuchPublicAccessBlockConfiguration",
    ),
    _bucket("GetBucketAcl", "get_bucket_acl", "s3:GetBucketAcl", "bucket ACL"),
    _bucket(
        "GetBucketOwnershipControls",
        "get_bucket_ownership_controls",
        "s3:GetBucketOwnershipControls",
        "whether ACLs are live",
        "OwnershipControlsNotFoundError",
    ),
    _bucket("GetBucketVersioning", "get_bucket_versioning", "s3:GetBucketVersioning", "versioning and MFA delete"),
    _bucket(
        "GetObjectLockConfiguration",
        "get_object_lock_configuration",
        "s3:GetBucketObjectLockConfiguration",
        "Object Lock",
        "ObjectLockConfigurationNotFoundError",
    ),
    _bucket(
        "GetBucketLifecycleConfiguration",
        "get_bucket_lifecycle_configuration",
        "s3:GetLifecycleConfiguration",
        "retention",
        "NoSuchLifecycleConfiguration",
    ),
    LOGGING,
    _bucket(
        "GetBucketWebsite", "get_bucket_website", "s3:GetBucketWebsite", "website hosting", "NoSuchWebsiteConfiguration"
    ),
    _bucket("GetBucketCors", "get_bucket_cors", "s3:GetBucketCORS", "CORS", "NoSuchCORSConfiguration"),
    _bucket("GetBucketTagging", "get_bucket_tagging", "s3:GetBucketTagging", "tags", "NoSuchTagSet NoSuchTagSetError"),
    _bucket(
        "GetBucketNotificationConfiguration",
        "get_bucket_notification_configuration",
        "s3:GetBucketNotification",
        "event notifications",
    ),
    _bucket(
        "ListBucketInventoryConfigurations",
        "list_bucket_inventory_configurations",
        "s3:GetInventoryConfiguration",
        "inventory",
        pages=Pages(send="ContinuationToken", receive="NextContinuationToken", members=("InventoryConfigurationList",)),
    ),
)
"""Asked with Bucket and ExpectedBucketOwner."""

OBJECT_RETENTION = _bucket(
    "GetObjectRetention",
    "get_object_retention",
    "s3:GetObjectRetention",
    "whether the newest object is under the default retention of Object Lock",
    "NoSuchObjectLockConfiguration",
)

HEAD_OBJECT = Call(
    operation="s3:HeadObject",
    service="s3",
    method="head_object",
    permission="s3:GetObject",
    purpose="how the objects of the sample are encrypted; only with `sample_objects`",
    requires=("ETag",),
    keep=_named_metadata,
)
OBJECT_ACL = _bucket(
    "GetObjectAcl",
    "get_object_acl",
    "s3:GetObjectAcl",
    "ACLs of the objects of the sample; only with `sample_objects`",
)
SAMPLE_READS = (HEAD_OBJECT, OBJECT_ACL)
"""Asked of single objects, and only where the configuration asks for a sample."""

_OF_LOG_BUCKETS = frozenset(
    f"s3:{api}"
    for api in (
        "GetBucketAcl",
        "GetBucketEncryption",
        "GetBucketLifecycleConfiguration",
        "GetBucketLogging",
        "GetBucketOwnershipControls",
        "GetBucketPolicy",
        "GetBucketPolicyStatus",
        "GetBucketVersioning",
        "GetObjectLockConfiguration",
        "GetPublicAccessBlock",
    )
)
LOG_BUCKET_READS = tuple(call for call in BUCKET_READS if call.operation in _OF_LOG_BUCKETS)
"""What is asked of the buckets that logs go to, with Bucket and ExpectedBucketOwner."""

_BEARING_ON_OBJECTS = frozenset(
    {"s3:GetBucketOwnershipControls", "s3:GetPublicAccessBlock", "s3:GetObjectLockConfiguration"}
)

OBJECT_BEARING_READS = tuple(call for call in BUCKET_READS if call.operation in _BEARING_ON_OBJECTS)
"""What tells which questions about single objects make sense."""

ACCOUNT_PUBLIC_ACCESS_BLOCK = _control(
    "GetPublicAccessBlock",
    "get_public_access_block",
    "s3:GetAccountPublicAccessBlock",
    "Block Public Access of the account",
    "NoSuchPublicAccessBlockConfiguration",
)
ACCESS_POINTS = _control(
    "ListAccessPoints",
    "list_access_points",
    "s3:ListAccessPoints",
    "access points of the bucket",
    pages=_tokens("AccessPointList"),
)
ACCESS_POINT_READS = (
    _control("GetAccessPoint", "get_access_point", "s3:GetAccessPoint", "Block Public Access and network of one"),
    _control(
        "GetAccessPointPolicy",
        "get_access_point_policy",
        "s3:GetAccessPointPolicy",
        "its policy",
        "NoSuchAccessPointPolicy",
    ),
    _control(
        "GetAccessPointPolicyStatus",
        "get_access_point_policy_status",
        "s3:GetAccessPointPolicyStatus",
        "whether S3 calls its policy public",
        "NoSuchAccessPointPolicy",
    ),
)
OBJECT_LAMBDA_READS = (
    _control(
        "GetAccessPointForObjectLambda",
        "get_access_point_for_object_lambda",
        "s3:GetAccessPointForObjectLambda",
        "Block Public Access of one",
    ),
    _control(
        "GetAccessPointConfigurationForObjectLambda",
        "get_access_point_configuration_for_object_lambda",
        "s3:GetAccessPointConfigurationForObjectLambda",
        "which access point stands behind it",
    ),
    _control(
        "GetAccessPointPolicyForObjectLambda",
        "get_access_point_policy_for_object_lambda",
        "s3:GetAccessPointPolicyForObjectLambda",
        "its policy",
        "NoSuchAccessPointPolicy NoSuchAccessPointPolicyForObjectLambda",
    ),
)
MULTI_REGION_POLICY = _control(
    "GetMultiRegionAccessPointPolicy",
    "get_multi_region_access_point_policy",
    "s3:GetMultiRegionAccessPointPolicy",
    "policy of one that leads to the bucket",
    "NoSuchAccessPointPolicy NoSuchMultiRegionAccessPointPolicy",
)
ACCESS_GRANTS_POLICY = _control(
    "GetAccessGrantsInstanceResourcePolicy",
    "get_access_grants_instance_resource_policy",
    "s3:GetAccessGrantsInstanceResourcePolicy",
    "which other accounts may use S3 Access Grants",
    "AccessGrantsInstanceResourcePolicyNotExists AccessGrantsInstanceNotExistsError",
)
OBJECT_LAMBDA_ACCESS_POINTS = _control(
    "ListAccessPointsForObjectLambda",
    "list_access_points_for_object_lambda",
    "s3:ListAccessPointsForObjectLambda",
    "Object Lambda access points of the account",
    pages=_tokens("ObjectLambdaAccessPointList"),
)
MULTI_REGION_ACCESS_POINTS = _control(
    "ListMultiRegionAccessPoints",
    "list_multi_region_access_points",
    "s3:ListMultiRegionAccessPoints",
    "Multi-Region Access Points of the account; answered in us-west-2 only",
    pages=_tokens("AccessPoints"),
)
ACCESS_GRANTS = _control(
    "ListAccessGrants",
    "list_access_grants",
    "s3:ListAccessGrants",
    "S3 Access Grants of the account in the bucket's Region",
    "AccessGrantsInstanceNotExistsError",
    pages=_tokens("AccessGrantsList"),
)

PROTECTED_RESOURCES = Call(
    operation="backup:ListProtectedResources",
    service="backup",
    method="list_protected_resources",
    permission="backup:ListProtectedResources",
    purpose="whether AWS Backup protects the bucket",
    pages=_tokens("Results"),
    regional=True,
    requires=("Results",),
)

CALLS = (
    LIST_BUCKETS,
    HEAD_BUCKET,
    LIST_OBJECTS,
    LIST_VERSIONS,
    *BUCKET_READS,
    OBJECT_RETENTION,
    *SAMPLE_READS,
    ACCOUNT_PUBLIC_ACCESS_BLOCK,
    ACCESS_POINTS,
    *ACCESS_POINT_READS,
    OBJECT_LAMBDA_ACCESS_POINTS,
    *OBJECT_LAMBDA_READS,
    MULTI_REGION_ACCESS_POINTS,
    MULTI_REGION_POLICY,
    ACCESS_GRANTS,
    ACCESS_GRANTS_POLICY,
    PROTECTED_RESOURCES,
)
