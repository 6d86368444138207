"""Reach: the reverse question. Who can read, write, delete or list a target's media, or change its guards.

Every user and role of the account is asked for, the account's root user, everybody whom the bucket policy, the key
policy, a grant of the key or the bucket's ACL names, the anonymous public, and principals of accounts of which nothing
is known. Each line rests on requests that the evaluator decides: the witness. A principal may be allowed a part of the
prefix only, so that beside the sample object one object is tried for each resource that its policies name there.

A line is certain where nothing unknown could keep the principal from it. What it depends on otherwise is told:
conditions on addresses, networks or second factors, policies of another account, or what could not be read.

Not looked at: whether somebody can take on a role (all roles have lines, service-linked ones too), ACLs of single
objects, access points, the state of the key, and whether a writer may use the key for encryption. Only principals
of the scanned account have their policies read; a bucket of another account is not told about.

Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Literal, NoReturn, TypeAlias

from recordscan.estate.acl import acl_grants
from recordscan.estate.askers import Asker, Kind, insiders, outsiders, strangers
from recordscan.estate.asking import Ask, Asking, Site
from recordscan.estate.target import Target
from recordscan.facts import Fact, Reason, Source, Unavailable, cite, derive, need, unavailable, whole_answers
from recordscan.policy.authorize import Decision
from recordscan.policy.rows import Row

Ability: TypeAlias = Literal["fetch", "decrypt", "read", "write", "delete", "list", "change"]
ABILITIES: tuple[Ability, ...] = ("fetch", "decrypt", "read", "write", "delete", "list", "change")
"""Fetch: get objects. Decrypt: use the KMS key through S3. Read: both, or fetch alone where no key stands before the
media. Write: put objects. Delete: objects or versions of them. List: names of objects. Change: what guards them."""

_OBJECT_ACTIONS: dict[Ability, tuple[str, ...]] = {
    "fetch": ("s3:GetObject", "s3:GetObjectVersion"),
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
    "change": ("kms:PutKeyPolicy", "kms:CreateGrant", "kms:DisableKey", "kms:ScheduleKeyDeletion"),
}
_ACL_ACTIONS = ("s3:PutObjectAcl", "s3:PutBucketAcl")
"""What S3 refuses to everybody where the bucket's owner owns all objects, which disables ACLs.

Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/about-object-ownership.html
"""

_NOT_CLEAR = "a statement that is not clear"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """One principal's ability.

    Attributes:
        name: Who: an ARN, the host name of a service, a canonical user id, "anonymous" or "other accounts".
        kind: What that is.
        ability: What.
        certain: Whether the witness is surely allowed; otherwise that depends on what is not known.
        witness: The requests that show it; all of them are needed.
        because: What decides, in words.
        depends_on: Condition keys and policies that are not known; () when certain.
        gaps: What could not be read, of all this; () when certain.
        source: The answers with the policies of whoever can, and those of bucket and key.
    """

    name: str
    kind: Kind
    ability: Ability
    certain: bool
    witness: tuple[Ask, ...]
    because: tuple[str, ...]
    depends_on: tuple[str, ...] = ()
    gaps: tuple[Unavailable, ...] = ()
    source: Source = ()

    @property
    def who(self) -> str:
        """The principal in words, for messages."""
        if self.kind == "anonymous":
            return "everybody on the internet"
        return "principals of other accounts" if self.kind == "other accounts" else f"the {self.kind} {self.name}"

    def leave_open(self, what: str) -> NoReturn:
        """End a rule because it is not certain that the principal can do this.

        Args:
            what: It, as a verb and its object.
        """
        gap = self.gaps[0] if self.gaps else None
        unavailable(
            gap.reason if gap is not None else Reason.UNDECIDABLE,
            f"whether {self.who} can {what} depends on {', '.join(self.depends_on)}",
            gap.permission if gap is not None else None,
        )


def reach(target: Target) -> Fact[tuple[Reach, ...]]:
    """Everybody who can do anything to the target's media, key or guards; each ability of each principal once.

    Nobody can where the target has no bucket. `Target.reach` keeps the answer.
    """
    return _by_answers(derive(lambda: tuple(_lines(target))))


def reach_of(target: Target, arn: str) -> Fact[tuple[Reach, ...]]:
    """What one user or role can do, as `reach` tells it, without asking for all others."""
    return _by_answers(derive(lambda: tuple(line for line in _lines(target, only=arn) if line.name == arn)))


def who_may(target: Target, action: str) -> Fact[tuple[Reach, ...]]:
    """Everybody who can do one thing to an object of the target, as a line about changing its guards.

    Args:
        target: The target.
        action: IAM action on objects, such as `s3:BypassGovernanceRetention`.
    """

    def lines() -> Iterator[Reach]:
        if need(target.location) is None or need(target.bucket) is None:
            return
        site = Site(target)
        for asker in _askers(site):
            asking = Asking(asker, site)
            cite(asking.answers)
            asks = ((Ask(action, name),) for name in asking.objects(action))
            line = _first(asking, "change", asks)
            if line is not None:
                yield line

    return _by_answers(derive(lambda: tuple(lines())))


def _by_answers(fact: Fact[tuple[Reach, ...]]) -> Fact[tuple[Reach, ...]]:
    """The fact with whole answers as its source: it rests on every statement, and single places would be thousands."""
    return replace(fact, source=whole_answers(fact.source))


def _lines(target: Target, *, only: str | None = None) -> Iterator[Reach]:
    if need(target.location) is None or need(target.bucket) is None:
        return
    site = Site(target)
    askers = [asker for asker in _askers(site) if only in (None, asker.name)]
    by_acl = _by_acl(site)
    public: set[Ability] = set()
    for asker in askers:
        asking = Asking(asker, site)
        cite(asking.answers)
        if site.out_of_reach(asker):
            continue
        found = {line.ability: line for ability in ABILITIES if (line := _best(asking, ability)) is not None}
        _add(found, by_acl.pop(asker.name, {}))
        if asker.kind == "anonymous":
            public = {ability for ability, line in found.items() if line.certain}
        elif asker.kind == "other accounts":  # what the public can goes without saying
            found = {ability: line for ability, line in found.items() if ability not in public}
        yield from _in_order(found)
    for rest in by_acl.values():
        yield from _in_order(rest)


def _askers(site: Site) -> tuple[Asker, ...]:
    """Everybody who is tried."""
    ours = site.target.organization.account
    if ours is not None and site.owner != ours:
        unavailable(
            Reason.UNDECIDABLE, f"the users and roles of account {site.owner}, which owns the bucket, are not read"
        )
    principals = need(site.target.principals)
    documents = [policy.document for policy in (site.bucket_policy, site.key_policy) if policy is not None]
    grantees = [grant.grantee for grant in site.grants]
    _note(site.target.organization.id)
    _note(site.restrict_public_buckets)
    return (
        *insiders(principals, site.owner, site.partition),
        *outsiders(documents, grantees, principals, site.owner, site.partition),
        *strangers(),
    )


def _note(fact: Fact[object]) -> None:
    cite(fact.source)


def _in_order(found: dict[Ability, Reach]) -> Iterator[Reach]:
    yield from (found[ability] for ability in ABILITIES if ability in found)


def _add(found: dict[Ability, Reach], more: dict[Ability, Reach]) -> None:
    for ability, line in more.items():
        if ability not in found or not found[ability].certain:
            found[ability] = line


def _by_acl(site: Site) -> dict[str, dict[Ability, Reach]]:
    """What the bucket's ACL gives, by name of whom: unless a policy denies it."""
    given: dict[str, dict[Ability, Reach]] = {}
    target = site.target
    for asker, ability, action, why in acl_grants(site.bucket):
        resource = site.sample if action.endswith("Object") else site.bucket.arn
        ask = Ask(action, resource)
        decision = Asking(asker, site).decide(ask, acl=True)
        if decision.denying:
            continue
        denials = (key for row in decision.open if row.effect == "Deny" for key in row.open)
        unread = [fact.detail for fact in (target.organization.rcps,) if isinstance(fact, Unavailable)]
        doubt = tuple(dict.fromkeys((*asker.doubt, *(key or _NOT_CLEAR for key in denials), *unread)))
        line = Reach(
            name=asker.name,
            kind=asker.kind,
            ability=ability,
            certain=not doubt,
            witness=(ask,),
            because=(why,),
            depends_on=doubt,
            source=site.bucket.grants.source,
        )
        _add(given.setdefault(asker.name, {}), {ability: line})
    return given


def _best(asking: Asking, ability: Ability) -> Reach | None:
    """What an asker can do of one ability."""
    return _first(asking, ability, _asks(asking, ability))


def _first(asking: Asking, ability: Ability, candidates: Iterable[tuple[Ask, ...]]) -> Reach | None:
    """The first witness that is surely allowed, or else the one that depends on least."""
    possible: Reach | None = None
    for asks in candidates:
        decisions = [asking.decide(ask) for ask in asks]
        if any(decision.allowed is False for decision in decisions):
            continue
        found = _line(asking, ability, asks, decisions)
        if found.certain:
            return found
        if possible is None or len(found.depends_on) < len(possible.depends_on):
            possible = found
    return possible


def _line(asking: Asking, ability: Ability, asks: tuple[Ask, ...], decisions: list[Decision]) -> Reach:
    asker, site = asking.asker, asking.site
    pairs = list(zip(asks, decisions, strict=True))
    open_ = [(ask, decision) for ask, decision in pairs if not decision.certain]
    gaps = tuple(dict.fromkeys(gap for _, decision in open_ for gap in decision.gaps))
    keys = [key or _NOT_CLEAR for _, d in open_ for row in d.open for key in row.open]
    depends_on = (*keys, *(gap.detail for gap in gaps), *asker.doubt)
    because = [
        f"{ask.action}: {words}" if len(asks) > 1 else words
        for ask, decision in pairs
        for words in _because(asker, decision)
    ]
    policies = [fact for ask in asks for fact in site.policies(ask)]
    return Reach(
        name=asker.name,
        kind=asker.kind,
        ability=ability,
        certain=not depends_on,
        witness=asks,
        because=tuple(dict.fromkeys(because)),
        depends_on=tuple(dict.fromkeys(depends_on)),
        gaps=gaps,
        source=tuple(dict.fromkeys((*asking.source, *(place for fact in policies for place in fact.source)))),
    )


def _because(asker: Asker, decision: Decision) -> Iterator[str]:
    rows = [row for row in decision.rows if row.effect == "Allow" and row.layer in ("identity", "resource")]
    granting = [row for row in rows if row.applies and _grants(row, decision, asker)]
    for row in granting:
        yield f"{row.where} allows it"
    for row in rows:
        if row.applies is None:
            yield f"{row.where} allows it under conditions"
    for row in decision.rows:
        if row.effect == "Deny" and row.applies is None:
            yield f"{row.where} denies it under conditions"
    if asker.kind == "root" and not granting:
        yield "the root user of the owning account may do all that no policy denies"


def _grants(row: Row, decision: Decision, asker: Asker) -> bool:
    """Whether a row gives something to the principal itself: not one that speaks to its account, where others do."""
    others = any(other.layer == "identity" and other.applies and other.effect == "Allow" for other in decision.rows)
    return row.cover != "account" or asker.kind == "root" or row.policy == "key policy" or not others


def _asks(asking: Asking, ability: Ability) -> Iterator[tuple[Ask, ...]]:
    site = asking.site
    if ability == "decrypt":
        yield from ((ask,) for ask in _decryption(asking))
        return
    if ability == "read":
        yield from _reading(asking)
        return
    refused = _ACL_ACTIONS if site.acls_disabled else ()
    for action in _BUCKET_ACTIONS.get(ability, ()):
        if action not in refused:
            yield (Ask(action, site.bucket.arn),)
    for action in _OBJECT_ACTIONS.get(ability, ()):
        if action not in refused:
            yield from ((Ask(action, name),) for name in asking.objects(action))
    if site.key_arn is not None:
        yield from ((Ask(action, site.key_arn),) for action in _KEY_ACTIONS.get(ability, ()))


def _decryption(asking: Asking) -> Iterator[Ask]:
    site = asking.site
    if site.key_arn is not None:
        names: Iterable[str] = asking.objects("s3:GetObject") if site.per_object else (site.sample,)
        yield from (Ask("kms:Decrypt", site.key_arn, name) for name in names)


def _reading(asking: Asking) -> Iterator[tuple[Ask, ...]]:
    """Getting an object and decrypting it: S3 asks KMS in the principal's name."""
    site, asker = asking.site, asking.asker
    if site.encrypted and site.key_arn is None and asker.principal.requester.account != site.owner:
        return  # the AWS managed key serves its own account only
    for action in _OBJECT_ACTIONS["fetch"]:
        for name in asking.objects(action):
            fetch = Ask(action, name)
            if site.key_arn is None:
                yield (fetch,)
            else:
                yield fetch, Ask("kms:Decrypt", site.key_arn, name if site.per_object else site.sample)
