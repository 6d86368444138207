"""A bucket as its read APIs describe it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Literal

from recordscan.estate.answers import Answers, Listing, flag, integer, listing, mapping, moment, read_policy, rows, text
from recordscan.estate.bucket_settings import (
    CorsRule,
    Inventory,
    Notifications,
    ObjectLock,
    ReplicationRule,
    read_cors,
    read_inventory,
    read_key_filter,
    read_notifications,
    read_object_lock,
    read_replication,
)
from recordscan.facts import (
    Fact,
    Json,
    Known,
    Reason,
    Unavailable,
    any_true,
    derive,
    need,
    pluck,
    unavailable,
)
from recordscan.policy.documents import PolicyDocument

PublicAccessFlag = Literal["BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"]
PUBLIC_ACCESS_FLAGS: tuple[PublicAccessFlag, ...] = (
    "BlockPublicAcls",
    "IgnorePublicAcls",
    "BlockPublicPolicy",
    "RestrictPublicBuckets",
)

PublicAccessBlock = dict[PublicAccessFlag, Fact[bool]]

Presence = Literal["owned", "absent", "foreign"]

_LARGEST_TEST_FILE = 1024

_GROUP = "http://acs.amazonaws.com/groups/"
PUBLIC_GROUPS = {_GROUP + "global/AllUsers": "everyone", _GROUP + "global/AuthenticatedUsers": "every AWS account"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Encryption:
    """Default encryption of a bucket.

    Attributes:
        algorithm: AES256, aws:kms, aws:kms:dsse, or a word that AWS added since.
        key: `KMSMasterKeyID` as it stands: a key ARN, key id, alias name or alias ARN; None for the AWS managed key.
        bucket_key: Whether S3 Bucket Keys are on.
        blocked: `BlockedEncryptionTypes`; None where S3 does not say.
    """

    algorithm: str
    key: str | None
    bucket_key: bool
    blocked: tuple[str, ...] | None

    @property
    def kms_key(self) -> str | None:
        """The key that S3 encrypts with; None where it is none of KMS, whatever key the configuration still names."""
        return self.key if self.algorithm.startswith("aws:kms") else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """One grant of a bucket ACL; `grantee` is a group URI or a canonical user id."""

    grantee: str
    permission: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LifecycleRule:
    """One lifecycle rule.

    Attributes:
        label: Its id, or `#n`.
        enabled: Status is Enabled.
        prefix: Keys that it covers begin with this.
        narrowed: What else narrows it, such as tags or object sizes; () when the prefix is all.
        expiration_days: Days after which current versions expire; None where it expires none by age.
        expiration_date: A fixed date of expiry; None for none.
        expired_markers: Whether delete markers go that stand for nothing any more.
        noncurrent_days: Days after which noncurrent versions are deleted; None for never.
        noncurrent_kept: Newest noncurrent versions that stay nevertheless, however old.
        abort_multipart_days: Days after which unfinished multipart uploads are aborted; None for never.
    """

    label: str
    enabled: bool
    prefix: str
    narrowed: tuple[str, ...]
    expiration_days: int | None
    expiration_date: datetime | None
    expired_markers: bool
    noncurrent_days: int | None
    noncurrent_kept: int
    abort_multipart_days: int | None

    def covers(self, prefix: str) -> bool:
        """Whether every key that begins with `prefix` is under this rule."""
        return self.enabled and not self.narrowed and prefix.startswith(self.prefix)

    def may_cover(self, prefix: str) -> bool:
        """Whether some key that begins with `prefix` may be under this rule, as Twilio writes it: without tags."""
        tagged = {"Tag", "Tags"} & set(self.narrowed)
        return self.enabled and not tagged and (self.prefix.startswith(prefix) or prefix.startswith(self.prefix))


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggingTarget:
    """Where server access logs go."""

    bucket: str
    prefix: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredObject:
    """One object of a list answer; `size` in bytes."""

    key: str
    size: int
    modified: Fact[datetime]

    @property
    def is_small_text(self) -> bool:
        """Whether it may be one of the test files that Twilio writes, whose names are documented nowhere."""
        return self.key.lower().endswith(".txt") and self.size <= _LARGEST_TEST_FILE


@dataclass(frozen=True, slots=True, kw_only=True)
class Bucket:
    """One bucket.

    Attributes:
        name: As in the URL.
        arn: With the partition of the calling account.
        presence: owned by an expected account, absent, or foreign.
        owner: Account id; unavailable unless owned.
        region: Where it lives.
        policy: Its policy; None for none; unavailable where no statement of it can be told.
        policy_public: What S3 itself says of the policy; None when there is no policy.
        public_access_block: The bucket's own four switches.
        account_public_access_block: Those of the owner account; unavailable while nobody knows whose the bucket is.
        grants: Of its ACL.
        canonical_owner: Canonical user id of the owner, as ACLs name it.
        object_ownership: BucketOwnerEnforced, BucketOwnerPreferred or ObjectWriter.
        encryption: Default encryption.
        versioning: Enabled, Suspended, or None when it was never switched on.
        mfa_delete: Enabled, Disabled, or None when it was never set.
        lifecycle: All rules; () for none.
        logging: Server access logging; None when off.
        object_lock: Object Lock; None when off.
        replication: All rules; () for none.
        website: Whether the bucket is served as a website.
        cors: All rules; () for none.
        notifications: Where events go.
        inventories: All inventory configurations.
        answer: Gives the answer of one call about the bucket by its operation, for what must be put back whole.
    """

    name: str
    arn: str
    presence: Fact[Presence]
    owner: Fact[str]
    region: Fact[str]
    policy: Fact[PolicyDocument | None]
    policy_public: Fact[bool | None]
    public_access_block: PublicAccessBlock
    account_public_access_block: PublicAccessBlock
    grants: Fact[tuple[Grant, ...]]
    canonical_owner: Fact[str | None]
    object_ownership: Fact[str]
    encryption: Fact[Encryption]
    versioning: Fact[str | None]
    mfa_delete: Fact[str | None]
    lifecycle: Fact[tuple[LifecycleRule, ...]]
    logging: Fact[LoggingTarget | None]
    object_lock: Fact[ObjectLock | None]
    replication: Fact[tuple[ReplicationRule, ...]]
    website: Fact[bool]
    cors: Fact[tuple[CorsRule, ...]]
    notifications: Fact[Notifications]
    inventories: Fact[Listing[Inventory]]
    answer: Callable[[str], Fact[Json]] = field(compare=False, repr=False)

    def effective(self, name: PublicAccessFlag) -> Fact[bool]:
        """One switch of Block Public Access as S3 applies it: on when the account or the bucket has it on."""
        return any_true(self.account_public_access_block[name], self.public_access_block[name])

    @property
    def acls_disabled(self) -> Fact[bool]:
        """Whether the bucket's owner owns all objects, so that ACLs neither count nor can be changed."""
        return derive(lambda: need(self.object_ownership) == "BucketOwnerEnforced")

    @property
    def acls_ignored(self) -> Fact[bool]:
        """Whether no public grant of an ACL, of the bucket or of an object in it, has any effect."""
        return any_true(self.acls_disabled, self.effective("IgnorePublicAcls"))


def read_bucket(
    answers: Answers,
    name: str,
    *,
    account: str,
    partition: str,
    expected: tuple[str, ...],
    readers: tuple[str, ...] = (),
) -> Bucket:
    """Read one bucket.

    Args:
        answers: The scan's observations.
        name: Bucket name.
        account: Account id of the caller.
        partition: The caller's partition.
        expected: Account ids that may own the bucket.
        readers: Account ids that list their own buckets; the caller's alone if empty.
    """
    owner = derive(lambda: _owner(answers, name, account, expected))
    presence: Fact[Presence] = derive(lambda: _presence(answers, name, account, expected, readers or (account,)))
    asked_owner = owner.value if isinstance(owner, Known) else account

    def ask(operation: str) -> Fact[Json]:
        if isinstance(presence, Known) and presence.value == "absent":
            return Unavailable(Reason.NOT_FOUND, f"the bucket {name} does not exist", presence.source)
        if isinstance(presence, Known) and presence.value == "foreign":
            return Unavailable(
                Reason.ACCESS_DENIED, f"the bucket {name} belongs to another AWS account", presence.source
            )
        return answers.read(operation, account, Bucket=name, ExpectedBucketOwner=asked_owner)

    def of_owners_account(switch: PublicAccessFlag) -> bool:
        # The owner alone may come from ListBuckets, which can be older than HeadBucket's 404.
        if need(presence) != "owned":
            unavailable(Reason.NOT_FOUND, f"no expected account owns the bucket {name}")
        answer = answers.read("s3control:GetPublicAccessBlock", account, AccountId=need(owner))
        return need(read_public_access_block(answer)[switch])

    def locate(destination: str, stated: str | None) -> tuple[Fact[str | None], Fact[str]]:
        heads = (stated or asked_owner,)
        return (
            derive(lambda: stated or _own_account(answers, destination, account)),
            derive(lambda: _region(answers, destination, account, heads)),
        )

    return Bucket(
        name=name,
        arn=f"arn:{partition}:s3:::{name}",
        presence=presence,
        owner=owner,
        region=derive(lambda: _region(answers, name, account, expected)),
        policy=derive(lambda: read_policy(ask("s3:GetBucketPolicy"))),
        policy_public=derive(lambda: _policy_public(ask("s3:GetBucketPolicyStatus"))),
        public_access_block=read_public_access_block(ask("s3:GetPublicAccessBlock")),
        account_public_access_block={
            switch: derive(partial(of_owners_account, switch)) for switch in PUBLIC_ACCESS_FLAGS
        },
        grants=derive(lambda: read_grants(ask("s3:GetBucketAcl"))),
        canonical_owner=text(pluck(ask("s3:GetBucketAcl"), "Owner", "ID")),
        object_ownership=derive(lambda: _ownership(ask("s3:GetBucketOwnershipControls"))),
        encryption=derive(lambda: _encryption(ask("s3:GetBucketEncryption"))),
        versioning=text(pluck(ask("s3:GetBucketVersioning"), "Status")),
        mfa_delete=text(pluck(ask("s3:GetBucketVersioning"), "MFADelete")),
        lifecycle=derive(lambda: _lifecycle(ask("s3:GetBucketLifecycleConfiguration"))),
        logging=derive(lambda: _logging(ask("s3:GetBucketLogging"))),
        object_lock=derive(lambda: read_object_lock(ask("s3:GetObjectLockConfiguration"))),
        replication=derive(lambda: read_replication(ask("s3:GetBucketReplication"), locate)),
        website=derive(lambda: need(ask("s3:GetBucketWebsite")) is not None),
        cors=derive(lambda: read_cors(ask("s3:GetBucketCors"))),
        notifications=derive(lambda: read_notifications(ask("s3:GetBucketNotificationConfiguration"))),
        inventories=listing(ask("s3:ListBucketInventoryConfigurations"), "InventoryConfigurationList", read_inventory),
        answer=ask,
    )


def read_public_access_block(answer: Fact[Json]) -> PublicAccessBlock:
    """The four switches of one level; without a configuration all are off."""
    return {name: flag(pluck(answer, "PublicAccessBlockConfiguration", name)) for name in PUBLIC_ACCESS_FLAGS}


def read_objects(
    answers: Answers, bucket: str, prefix: str, *, account: str, owner: str
) -> Fact[Listing[StoredObject]]:
    """The first objects under a prefix, as far as the scan sampled them."""
    answer = answers.read("s3:ListObjectsV2", account, Bucket=bucket, Prefix=prefix, ExpectedBucketOwner=owner)

    def parse(row: Fact[Json]) -> StoredObject:
        return StoredObject(
            key=need(text(pluck(row, "Key"))) or "",
            size=need(integer(pluck(row, "Size"))) or 0,
            modified=moment(pluck(row, "LastModified")),
        )

    return listing(answer, "Contents", parse)


def read_grants(answer: Fact[Json]) -> tuple[Grant, ...]:
    """The grants of the ACL of a bucket or object."""

    def parse(row: Fact[Json]) -> Grant:
        grantee = pluck(row, "Grantee")
        who = need(text(pluck(grantee, "URI"))) or need(text(pluck(grantee, "ID"))) or "unknown"
        return Grant(grantee=who, permission=need(text(pluck(row, "Permission"))) or "unknown")

    return tuple(parse(row) for row in rows(answer, "Grants"))


def list_buckets(answers: Answers, account: str) -> Fact[Listing[str]]:
    """Names of the account's buckets."""

    def read() -> Fact[Listing[str]]:
        return listing(answers.read("s3:ListBuckets", account), "Buckets", lambda row: str(need(pluck(row, "Name"))))

    return answers.once(f"s3:ListBuckets {account}", read)


def head_requests(name: str, expected: tuple[str, ...]) -> list[dict[str, Json]]:
    """The HeadBucket requests that tell whose a bucket is: one for each expected owner, then one without."""
    return [*({"Bucket": name, "ExpectedBucketOwner": owner} for owner in expected), {"Bucket": name}]


def _owner(answers: Answers, name: str, account: str, expected: tuple[str, ...]) -> str:
    for owner in expected:
        head = answers.read("s3:HeadBucket", account, Bucket=name, ExpectedBucketOwner=owner)
        if isinstance(head, Known) and mapping(head)["HTTPStatusCode"] == 200:
            return owner
    if account in expected and name in need(list_buckets(answers, account)).items:
        return account
    unavailable(Reason.UNDECIDABLE, f"no expected account is known to own the bucket {name}", "s3:ListBucket")


def _presence(
    answers: Answers, name: str, account: str, expected: tuple[str, ...], readers: tuple[str, ...]
) -> Presence:
    heads = [answers.read("s3:HeadBucket", account, Bucket=name, ExpectedBucketOwner=owner) for owner in expected]
    statuses = [need(pluck(head, "HTTPStatusCode")) for head in heads]
    if 200 in statuses:
        return "owned"
    if 404 in statuses:
        return "absent"
    if statuses != [403] * len(statuses):
        unavailable(Reason.UNDECIDABLE, f"HeadBucket of {name} answered {statuses}")
    listed = list_buckets(answers, account)
    if isinstance(listed, Unavailable):
        unavailable(
            Reason.ACCESS_DENIED,
            f"HeadBucket of {name} is denied: the bucket is foreign, or the caller may not read it",
            "s3:ListBucket",
        )
    if name in need(listed).items:
        return "owned" if account in expected else "foreign"
    if set(expected) <= set(readers) and all([need(_is_not_listed(answers, name, reader)) for reader in readers]):
        return "foreign"
    unavailable(Reason.UNDECIDABLE, f"which account owns {name} cannot be told", "s3:ListBucket")


def _is_not_listed(answers: Answers, name: str, account: str) -> Fact[bool]:
    """Whether a bucket is surely none of an account's own."""
    listed = list_buckets(answers, account)
    return derive(lambda: name not in need(listed).items and need(need(listed).whole))


def _own_account(answers: Answers, name: str, account: str) -> str | None:
    """The account where the bucket is one of its own; None where it is surely another's."""
    listed = need(list_buckets(answers, account))
    if name in listed.items:
        return account
    need(listed.whole)
    return None


def _region(answers: Answers, name: str, account: str, expected: tuple[str, ...]) -> str:
    for request in head_requests(name, expected):
        head = pluck(answers.read("s3:HeadBucket", account, **request), "BucketRegion")
        if isinstance(head, Known) and head.value:
            return str(need(head))
    unavailable(Reason.UNDECIDABLE, f"no answer names the Region of the bucket {name}", "s3:ListBucket")


def _policy_public(answer: Fact[Json]) -> bool | None:
    if need(answer) is None:
        return None
    return need(flag(pluck(answer, "PolicyStatus", "IsPublic")))


def _ownership(answer: Fact[Json]) -> str:
    found = rows(answer, "OwnershipControls", "Rules") if need(answer) is not None else []
    if not found:
        return "ObjectWriter"  # buckets from before the setting: ACLs are live
    return need(text(pluck(found[0], "ObjectOwnership"))) or "ObjectWriter"


def _encryption(answer: Fact[Json]) -> Encryption:
    if need(answer) is None:
        # S3 has encrypted every new object since 2023-01-05, whatever an emulator or an old answer says.
        return Encryption(algorithm="AES256", key=None, bucket_key=False, blocked=None)
    found = rows(answer, "ServerSideEncryptionConfiguration", "Rules")
    if not found:
        unavailable(Reason.MALFORMED, "the default encryption has no rule")
    default = pluck(found[0], "ApplyServerSideEncryptionByDefault")
    blocked = need(pluck(found[0], "BlockedEncryptionTypes", "EncryptionType"))
    return Encryption(
        algorithm=need(text(pluck(default, "SSEAlgorithm"))) or "AES256",
        key=need(text(pluck(default, "KMSMasterKeyID"))),
        bucket_key=need(flag(pluck(found[0], "BucketKeyEnabled"))),
        blocked=None if blocked is None else tuple(str(kind) for kind in blocked),
    )


def _lifecycle(answer: Fact[Json]) -> tuple[LifecycleRule, ...]:
    if need(answer) is None:
        return ()
    return tuple(_lifecycle_rule(row, i) for i, row in enumerate(rows(answer, "Rules"), start=1))


def _lifecycle_rule(row: Fact[Json], index: int) -> LifecycleRule:
    rule, scope = mapping(row), read_key_filter(row)
    expiration = pluck(row, "Expiration")
    noncurrent = pluck(row, "NoncurrentVersionExpiration")
    date = pluck(expiration, "Date")
    return LifecycleRule(
        label=rule.get("ID") or f"#{index}",
        enabled=rule.get("Status") == "Enabled",
        prefix=scope.prefix,
        narrowed=scope.narrowed,
        expiration_days=need(integer(pluck(expiration, "Days"))),
        expiration_date=None if need(date) is None else need(moment(date)),
        expired_markers=need(flag(pluck(expiration, "ExpiredObjectDeleteMarker"))),
        noncurrent_days=need(integer(pluck(noncurrent, "NoncurrentDays"))),
        noncurrent_kept=need(integer(pluck(noncurrent, "NewerNoncurrentVersions"))) or 0,
        abort_multipart_days=need(integer(pluck(row, "AbortIncompleteMultipartUpload", "DaysAfterInitiation"))),
    )


def _logging(answer: Fact[Json]) -> LoggingTarget | None:
    enabled = pluck(answer, "LoggingEnabled")
    bucket = need(text(pluck(enabled, "TargetBucket")))
    if bucket is None:
        return None
    return LoggingTarget(bucket=bucket, prefix=need(text(pluck(enabled, "TargetPrefix"))) or "")
