"""A KMS key as its read APIs describe it."""

from dataclasses import dataclass
from datetime import datetime

from recordscan.estate.answers import Answers, flag, integer, mapping, moment, read_policy, rows, text
from recordscan.estate.arn import parse_arn
from recordscan.facts import Fact, Json, Known, Reason, Unavailable, derive, need, pluck, unavailable
from recordscan.policy.documents import PolicyDocument
from recordscan.policy.rows import Grant


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyGrant:
    """One grant of a key.

    Attributes:
        grant: Who may do what, as far as it decides requests.
        name: Its name; None for none.
        issuer: ARN of the account that issued it; None where KMS does not say.
        retiree: ARN of the principal that may retire it; None for none.
    """

    grant: Grant
    name: str | None
    issuer: str | None
    retiree: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rotation:
    """One past rotation of a key.

    Attributes:
        date: When; None for material that waits for its first use.
        expires: When imported material of it expires; None for never.
    """

    date: datetime | None
    expires: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyUse:
    """What KMS knows of the use of a key.

    Attributes:
        last: The last cryptographic operation that succeeded; None for none since `since`.
        since: When KMS began to keep track of this key.
    """

    last: datetime | None
    since: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class KmsKey:
    """One KMS key.

    Attributes:
        reference: What names it: a key ARN, or what the bucket's default encryption says.
        arn: Key ARN; unavailable where only DescribeKey could tell and it did not.
        region: Region in which the key lives.
        exists: False when KMS says that there is no such key.
        manager: CUSTOMER or AWS.
        state: Enabled, Disabled, PendingDeletion, …
        usage: ENCRYPT_DECRYPT, …
        spec: SYMMETRIC_DEFAULT, …
        origin: AWS_KMS, EXTERNAL, AWS_CLOUDHSM or EXTERNAL_KEY_STORE.
        created: When the key was made.
        deletion_date: When a key that is pending deletion is deleted; None otherwise.
        material_expires: KEY_MATERIAL_EXPIRES or KEY_MATERIAL_DOES_NOT_EXPIRE; None unless material was imported.
        valid_to: When the first of the imported materials expires; None for never.
        key_store: Id of the custom key store that keeps it; None where KMS itself does.
        regions: Of a multi-Region key, its own and those of all related keys; () for a key of one Region.
        rotation: Whether automatic rotation is on; None for a key that cannot rotate.
        rotation_period: Days from one automatic rotation to the next; None where it is off.
        next_rotation: When the next one is due; None where it is off.
        rotations: Past rotations; None for a key that KMS cannot rotate in any way.
        use: When it was last used.
        policy: Its key policy.
        grants: Its grants.
    """

    reference: str
    arn: Fact[str]
    region: Fact[str]
    exists: Fact[bool]
    manager: Fact[str | None]
    state: Fact[str | None]
    usage: Fact[str | None]
    spec: Fact[str | None]
    origin: Fact[str | None]
    created: Fact[datetime]
    deletion_date: Fact[datetime | None]
    material_expires: Fact[str | None]
    valid_to: Fact[datetime | None]
    key_store: Fact[str | None]
    regions: Fact[tuple[str, ...]]
    rotation: Fact[bool | None]
    rotation_period: Fact[int | None]
    next_rotation: Fact[datetime | None]
    rotations: Fact[tuple[Rotation, ...] | None]
    use: Fact[KeyUse]
    policy: Fact[PolicyDocument | None]
    grants: Fact[tuple[KeyGrant, ...]]


def key_region(reference: str, bucket_region: str) -> str:
    """The Region that a key is looked up in: that of its ARN, else the bucket's, where S3 resolves ids and aliases."""
    arn = parse_arn(reference)
    return arn.region if arn is not None else bucket_region


def read_key(answers: Answers, reference: str, *, account: str, region: str) -> KmsKey:
    """Read one key; the reads of a key that does not exist are unavailable as `not_found`.

    Args:
        answers: The scan's observations.
        reference: Key ARN, key id, alias name or alias ARN.
        account: Account id of the caller.
        region: See `key_region`.
    """
    answer = answers.read("kms:DescribeKey", account, region=region, KeyId=reference)
    described = answer
    if isinstance(answer, Known) and answer.value is None:
        described = Unavailable(Reason.NOT_FOUND, f"there is no KMS key {reference} in {region}", answer.source)
    metadata = pluck(described, "KeyMetadata")

    def member(name: str) -> Fact[str | None]:
        return text(pluck(metadata, name))

    arn = derive(lambda: _arn(reference, metadata))
    key_id = arn.value if isinstance(arn, Known) else reference

    def ask(operation: str, **request: Json) -> Fact[Json]:
        need(described)  # without it there would be no key to ask about
        return answers.read(operation, account, region=region, KeyId=key_id, **request)

    return KmsKey(
        reference=reference,
        arn=arn,
        region=derive(lambda: need(arn).split(":")[3]),
        exists=derive(lambda: need(answer) is not None),
        manager=member("KeyManager"),
        state=member("KeyState"),
        usage=member("KeyUsage"),
        spec=member("KeySpec"),
        origin=member("Origin"),
        created=moment(pluck(metadata, "CreationDate")),
        deletion_date=_date(pluck(metadata, "DeletionDate")),
        material_expires=member("ExpirationModel"),
        valid_to=_date(pluck(metadata, "ValidTo")),
        key_store=member("CustomKeyStoreId"),
        regions=derive(lambda: _regions(metadata)),
        rotation=derive(lambda: _rotation(ask("kms:GetKeyRotationStatus"))),
        rotation_period=derive(lambda: need(integer(pluck(ask("kms:GetKeyRotationStatus"), "RotationPeriodInDays")))),
        next_rotation=derive(lambda: need(_date(pluck(ask("kms:GetKeyRotationStatus"), "NextRotationDate")))),
        rotations=derive(lambda: _rotations(ask("kms:ListKeyRotations"))),
        use=derive(lambda: _use(ask("kms:GetKeyLastUsage"))),
        policy=derive(lambda: read_policy(ask("kms:GetKeyPolicy", PolicyName="default"))),
        grants=derive(lambda: _grants(ask("kms:ListGrants"))),
    )


def _arn(reference: str, metadata: Fact[Json]) -> str:
    arn = parse_arn(reference)
    if arn is not None and arn.resource.startswith("key/"):
        return reference
    return str(mapping(metadata)["Arn"])


def _rotation(answer: Fact[Json]) -> bool | None:
    if need(answer) is None:
        return None
    return need(flag(pluck(answer, "KeyRotationEnabled")))


def _date(fact: Fact[Json]) -> Fact[datetime | None]:
    return derive(lambda: None if need(fact) is None else need(moment(fact)))


def _regions(metadata: Fact[Json]) -> tuple[str, ...]:
    multi_region = pluck(metadata, "MultiRegion")
    if need(multi_region) is None:
        unavailable(Reason.MALFORMED, "KMS does not state whether the key is a multi-Region key")
    if not need(flag(multi_region)):
        return ()
    configuration = pluck(metadata, "MultiRegionConfiguration")
    related = [pluck(configuration, "PrimaryKey"), *rows(configuration, "ReplicaKeys")]
    return tuple(dict.fromkeys(str(mapping(row)["Region"]) for row in related))


def _rotations(answer: Fact[Json]) -> tuple[Rotation, ...] | None:
    if need(answer) is None:
        return None
    if need(pluck(answer, "truncated")):
        unavailable(Reason.UNDECIDABLE, "the list of rotations was cut at the page limit")
    return tuple(
        Rotation(date=need(_date(pluck(row, "RotationDate"))), expires=need(_date(pluck(row, "ValidTo"))))
        for row in rows(answer, "Rotations")
    )


def _use(answer: Fact[Json]) -> KeyUse:
    return KeyUse(
        last=need(_date(pluck(answer, "KeyLastUsage", "Timestamp"))),
        since=need(moment(pluck(answer, "TrackingStartDate"))),
    )


def _grants(answer: Fact[Json]) -> tuple[KeyGrant, ...]:
    if need(pluck(answer, "truncated")):
        unavailable(Reason.UNDECIDABLE, "the list of grants was cut at the page limit")
    return tuple(_grant(row) for row in rows(answer, "Grants"))


def _grant(row: Fact[Json]) -> KeyGrant:
    grantee = need(text(pluck(row, "GranteeServicePrincipal"))) or need(text(pluck(row, "GranteePrincipal")))
    constraints = need(pluck(row, "Constraints")) or {}
    grant = Grant(
        id=need(text(pluck(row, "GrantId"))) or "",
        grantee=grantee or "",
        operations=tuple(str(need(name)) for name in rows(row, "Operations")),
        context_equals=constraints.get("EncryptionContextEquals"),
        context_subset=constraints.get("EncryptionContextSubset"),
        source_arn=constraints.get("SourceArn"),
    )
    return KeyGrant(
        grant=grant,
        name=need(text(pluck(row, "Name"))),
        issuer=need(text(pluck(row, "IssuingAccount"))),
        retiree=need(text(pluck(row, "RetiringPrincipal"))),
    )
