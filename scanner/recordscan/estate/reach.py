"""Reach: the reverse question. Who can read, write, delete or list a target's media, decrypt it, or change its guards.

Every user and role of the account is asked for, the account's root user, everybody whom the bucket policy or the key
policy names, and the anonymous public. Each line rests on a request that the evaluator decides: the witness. A
principal may be allowed a part of the prefix only, so that beside the sample object one object is tried for each
resource that its policies name there.

Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias

from recordscan.estate.access import may_on_bucket, may_on_key, object_arn
from recordscan.estate.principal import Principal
from recordscan.estate.target import Target, bucket_of, location_of
from recordscan.facts import Fact, Known, Reason, Unavailable, derive, need
from recordscan.policy.authorize import Decision
from recordscan.policy.documents import PolicyDocument, Statement
from recordscan.policy.globs import TooComplexError, witness
from recordscan.policy.matching import names_action
from recordscan.policy.request import ANONYMOUS, Requester, requester_of

Ability: TypeAlias = Literal["read", "decrypt", "write", "delete", "list", "change"]
ABILITIES: tuple[Ability, ...] = ("read", "decrypt", "write", "delete", "list", "change")

_OBJECT_ACTIONS: dict[Ability, tuple[str, ...]] = {
    "read": ("s3:GetObject", "s3:GetObjectVersion"),
    "write": ("s3:PutObject",),
    "delete": ("s3:DeleteObject", "s3:DeleteObjectVersion"),
    "change": ("s3:PutObjectAcl", "s3:BypassGovernanceRetention"),
}
_BUCKET_ACTIONS: dict[Ability, tuple[str, ...]] = {
    "list": ("s3:ListBucket", "s3:ListBucketVersions"),
    "change": (
        "s3:PutBucketPolicy",
        "s3:DeleteBucketPolicy",
        "s3:PutBucketAcl",
        "s3:PutBucketOwnershipControls",
        "s3:PutBucketPublicAccessBlock",
        "s3:PutBucketVersioning",
        "s3:PutEncryptionConfiguration",
        "s3:PutLifecycleConfiguration",
        "s3:PutReplicationConfiguration",
        "s3:DeleteBucket",
    ),
}
_KEY_ACTIONS: dict[Ability, tuple[str, ...]] = {
    "decrypt": ("kms:Decrypt",),
    "change": ("kms:PutKeyPolicy", "kms:CreateGrant", "kms:DisableKey", "kms:ScheduleKeyDeletion"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """One principal's ability.

    Attributes:
        requester: Who.
        ability: What.
        certain: Whether the witness is surely allowed; otherwise that depends on what is not known.
        action: Of the witness.
        resource: Of the witness.
        because: What decides, in words.
        depends_on: Condition keys and policies that are not known; () when certain.
    """

    requester: Requester
    ability: Ability
    certain: bool
    action: str
    resource: str
    because: tuple[str, ...]
    depends_on: tuple[str, ...]


def reach(target: Target) -> Fact[tuple[Reach, ...]]:
    """Everybody who can do anything to the target's media, key or guards; each ability of each principal once."""

    def compute() -> tuple[Reach, ...]:
        principals = tuple(_everybody(target))
        return tuple(
            found
            for principal in principals
            for ability in ABILITIES
            if (found := _best(principal, ability, target)) is not None
        )

    return derive(compute)


def _best(principal: Principal, ability: Ability, target: Target) -> Reach | None:
    """The first witness that is surely allowed, or else the first that may be."""
    possible = None
    for action, resource, decision in _decisions(principal, ability, target):
        if decision.allowed is False:
            continue
        found = Reach(
            requester=principal.requester,
            ability=ability,
            certain=decision.allowed is True,
            action=action,
            resource=resource,
            because=decision.because,
            depends_on=_depends_on(decision),
        )
        if found.certain:
            return found
        possible = possible or found
    return possible


def _depends_on(decision: Decision) -> tuple[str, ...]:
    if decision.certain:
        return ()
    keys = dict.fromkeys(key for row in decision.open for key in row.open)
    return (*(key or "a statement that is not clear" for key in keys), *(gap.detail for gap in decision.gaps))


def _decisions(principal: Principal, ability: Ability, target: Target) -> Iterator[tuple[str, str, Decision]]:
    bucket = bucket_of(target)
    for action in _OBJECT_ACTIONS.get(ability, ()):
        for resource in _objects(principal, action, target):
            yield action, resource, need(may_on_bucket(principal, action, resource, target))
    for action in _BUCKET_ACTIONS.get(ability, ()):
        yield action, bucket.arn, need(may_on_bucket(principal, action, bucket.arn, target))
    key = need(target.key)
    if key is None:
        return
    for action in _KEY_ACTIONS.get(ability, ()):
        yield action, need(key.arn), need(may_on_key(principal, action, target, through_s3=ability == "decrypt"))


def _objects(principal: Principal, action: str, target: Target) -> list[str]:
    """ARNs of objects to try: the sample, and one for each part of the prefix that a policy names."""
    place = f"{bucket_of(target).arn}/{location_of(target).key_prefix}*"
    found = dict.fromkeys([object_arn(target)])
    document = need(bucket_of(target).policy)
    documents = [policy.document for policy in need(principal.identity)] + ([document] if document else [])
    for pattern in _patterns(documents, action.lower()):
        try:
            inside = witness((place, pattern))
        except TooComplexError:
            continue  # the sample is tried at least
        if inside is not None:
            found[inside] = None
    return list(found)


def _patterns(documents: Iterable[PolicyDocument], action: str) -> set[str]:
    return {
        pattern
        for document in documents
        for statement in document.statements
        if statement.effect == "Allow" and statement.actions is not None and names_action(statement.actions, action)
        for pattern in statement.resources or ()
        if "${" not in pattern and pattern.strip("*")
    }


def _everybody(target: Target) -> Iterator[Principal]:
    inside = need(target.principals)
    yield from inside
    known = {principal.requester.arn for principal in inside}
    owner = need(bucket_of(target).owner)
    partition = bucket_of(target).arn.split(":")[1]
    yield _bare(requester_of(f"arn:{partition}:iam::{owner}:root"))
    yield _bare(ANONYMOUS)
    roles = {p.requester.arn.rpartition("/")[2]: p for p in inside if p.requester.kind == "role"}
    for requester in _named(target):
        if requester.arn in known or (requester.kind == "root" and requester.account == owner):
            continue
        yield _outsider(requester, owner, roles)


def _outsider(requester: Requester, owner: str, roles: dict[str, Principal]) -> Principal:
    """A principal that only a resource policy names: a service, a session, or one of another account."""
    if requester.kind == "service":
        return _bare(requester)
    role = roles.get(requester.role_name or "")
    if requester.account == owner and role is not None:
        return Principal(
            requester=requester,
            policies=role.policies,
            boundary=role.boundary,
            boundary_arn=role.boundary_arn,
            groups=role.groups,
            tags=role.tags,
        )
    if requester.account == owner:
        return _bare(requester)
    unread = Unavailable(Reason.UNDECIDABLE, f"the policies of account {requester.account} are not read")
    return Principal(
        requester=requester,
        policies=unread,
        boundary=Known(None),
        boundary_arn=Known(None),
        groups=Known(()),
        tags=unread,
    )


def _bare(requester: Requester) -> Principal:
    return Principal(
        requester=requester,
        policies=Known(()),
        boundary=Known(None),
        boundary_arn=Known(None),
        groups=Known(()),
        tags=Known({}),
    )


def _named(target: Target) -> Iterator[Requester]:
    """Principals that the bucket policy, the key policy and the grants name."""
    documents = [need(bucket_of(target).policy)]
    key = need(target.key)
    if key is not None:
        documents.append(need(key.policy))
    statements = [statement for document in documents if document for statement in document.statements]
    names = dict.fromkeys(name for statement in statements for name in _names(statement))
    if key is not None:
        names |= dict.fromkeys(found.grant.grantee for found in need(key.grants))
    for name in names:
        try:
            yield requester_of(name)
        except ValueError:
            continue  # a deleted principal (AIDA…), a canonical user, or nobody


def _names(statement: Statement) -> Iterator[str]:
    if statement.effect != "Allow":
        return
    for principal in statement.principals or ():
        if principal.kind == "AWS" and len(principal.value) == 12 and principal.value.isdigit():
            yield f"arn:aws:iam::{principal.value}:root"
        elif principal.kind in ("AWS", "Service"):
            yield principal.value
