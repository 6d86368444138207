"""A KMS key as its read APIs describe it."""

from dataclasses import dataclass
from datetime import datetime

from recordscan.estate.answers import Answers, flag, mapping, moment, read_policy, rows, text
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
        deletion_date: When a key that is pending deletion is deleted; None otherwise.
        rotation: Whether automatic rotation is on; None for a key that cannot rotate.
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
    deletion_date: Fact[datetime | None]
    rotation: Fact[bool | None]
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

    date = pluck(metadata, "DeletionDate")
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
        deletion_date=derive(lambda: None if need(date) is None else need(moment(date))),
        rotation=derive(lambda: _rotation(ask("kms:GetKeyRotationStatus"))),
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
    )
    return KeyGrant(
        grant=grant,
        name=need(text(pluck(row, "Name"))),
        issuer=need(text(pluck(row, "IssuingAccount"))),
        retiree=need(text(pluck(row, "RetiringPrincipal"))),
    )
