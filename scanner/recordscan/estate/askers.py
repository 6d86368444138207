"""Who might ask for a target's media: the account's own principals, and everybody whom a policy of the bucket or of the
key lets in.

Sources:
    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/security_iam_service-with-iam.html
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal, TypeAlias

from recordscan.estate.access import ELSEWHERE, account_label
from recordscan.estate.principal import Principal
from recordscan.facts import Known, Reason, Unavailable
from recordscan.policy.documents import PolicyDocument, Statement
from recordscan.policy.documents import Principal as Named
from recordscan.policy.request import ANONYMOUS, Requester, requester_of

Kind: TypeAlias = Literal[
    "user",
    "role",
    "session",
    "federated",
    "root",
    "service",
    "anonymous",
    "other accounts",
    "origin access identity",
    "canonical user",
    "group",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asker:
    """Somebody who may ask.

    Attributes:
        name: ARN, host name of a service, canonical user id; "anonymous" or "other accounts".
        kind: What that is.
        principal: As which requests are decided.
        known: Condition keys that are known beside those of the principal.
        stands_for: How the bucket policy names it, where the evaluator does not know such principals.
        doubt: What more it depends on whether it can; () for nothing.
    """

    name: str
    kind: Kind
    principal: Principal
    known: Mapping[str, str] = field(default_factory=dict)
    stands_for: Named | None = None
    doubt: tuple[str, ...] = ()


def insiders(principals: Iterable[Principal], owner: str, partition: str) -> Iterator[Asker]:
    """The users and roles of the account and its root user."""
    for principal in principals:
        yield Asker(name=principal.requester.arn, kind=_kind(principal.requester), principal=principal)
    root = requester_of(f"arn:{partition}:iam::{owner}:root")
    yield Asker(name=root.arn, kind="root", principal=_bare(root))


def strangers() -> tuple[Asker, Asker]:
    """Anonymous callers, and principals of accounts of which nothing is known."""
    unread = Unavailable(Reason.UNDECIDABLE, "the policies of the other account are not read")
    elsewhere = Requester(kind="role", arn="", account=ELSEWHERE)
    return (
        Asker(name="anonymous", kind="anonymous", principal=_bare(ANONYMOUS)),
        Asker(
            name="other accounts",
            kind="other accounts",
            principal=replace(_bare(elsewhere), policies=unread, tags=unread),
        ),
    )


def outsiders(
    documents: Iterable[PolicyDocument],
    grantees: Iterable[str],
    inside: Iterable[Principal],
    owner: str,
    partition: str,
) -> Iterator[Asker]:
    """Principals that only the resource policies and the grants of the key name.

    A deleted principal, which a policy shows as `AIDA…` or `AROA…`, is nobody.

    Args:
        documents: Bucket policy and key policy.
        grantees: Of the key's grants.
        inside: Principals of the account, which are no outsiders.
        owner: The account.
        partition: Of the bucket; an account id in a policy is of the same.
    """
    own = {principal.requester.arn: principal for principal in inside}
    roles = {p.requester.arn.rpartition("/")[2]: p for p in own.values() if p.requester.kind == "role"}
    named = dict.fromkeys(name for document in documents for s in document.statements for name in _allowed(s))
    named |= dict.fromkeys(Named(kind="AWS", value=grantee) for grantee in grantees)
    seen = set(own) | {f"arn:{partition}:iam::{owner}:root"}
    for name in named:
        asker = _outsider(name, owner, partition, roles)
        if asker is not None and asker.name not in seen:
            seen.add(asker.name)
            yield asker


def in_words_of(asker: Asker, document: PolicyDocument) -> PolicyDocument:
    """A bucket policy with the asker named in a way that the evaluator knows."""
    if asker.stands_for is None:
        return document
    stand_in = Named(kind="Service", value=asker.principal.requester.arn)

    def renamed(principals: tuple[Named, ...] | None) -> tuple[Named, ...] | None:
        return None if principals is None else tuple(stand_in if p == asker.stands_for else p for p in principals)

    statements = tuple(
        replace(s, principals=renamed(s.principals), not_principals=renamed(s.not_principals))
        for s in document.statements
    )
    return replace(document, statements=statements)


def by_canonical_id(canonical_id: str, kind: Kind = "canonical user") -> Asker:
    """The account behind a canonical user id."""
    stand_in = Requester(kind="service", arn=canonical_id, account=None)
    return Asker(
        name=canonical_id,
        kind=kind,
        principal=_bare(stand_in),
        known={"aws:PrincipalIsAWSService": "false"},
        stands_for=Named(kind="CanonicalUser", value=canonical_id),
        doubt=("the policies of the account behind the canonical user are not read",),
    )


_ORIGIN_ACCESS_IDENTITY = re.compile(r"arn:[a-z-]+:iam::cloudfront:user/")


def _outsider(name: Named, owner: str, partition: str, roles: Mapping[str, Principal]) -> Asker | None:
    if name.kind == "CanonicalUser":
        return by_canonical_id(name.value)
    if _ORIGIN_ACCESS_IDENTITY.match(name.value):
        return replace(
            by_canonical_id(name.value), kind="origin access identity", stands_for=name, doubt=()
        )  # CloudFront's own: it has no policies beside those that name it
    value = f"arn:{partition}:iam::{name.value}:root" if re.fullmatch(r"\d{12}", name.value) else name.value
    try:
        requester = requester_of(value)
    except ValueError:
        return None
    if requester.kind == "service":
        return Asker(name=requester.arn, kind="service", principal=_bare(requester))
    if requester.account != owner:
        unread = Unavailable(Reason.UNDECIDABLE, f"the policies of {account_label(requester)} are not read")
        return Asker(
            name=value, kind=_kind(requester), principal=replace(_bare(requester), policies=unread, tags=unread)
        )
    role = roles.get(requester.role_name or "")
    if role is not None:
        known = {"aws:PrincipalArn": role.requester.arn}
        return Asker(name=value, kind="session", principal=replace(role, requester=requester), known=known)
    if requester.kind == "federated":  # at most what its user may; which user that was is not known
        unread = Unavailable(Reason.UNDECIDABLE, "the policies of the user who made the session are not known")
        return Asker(name=value, kind="federated", principal=replace(_bare(requester), policies=unread, tags=unread))
    return None  # a user or role that the account does not have


def _allowed(statement: Statement) -> Iterator[Named]:
    if statement.effect != "Deny":
        yield from (p for p in statement.principals or () if p.kind in ("AWS", "Service", "CanonicalUser"))


def _kind(requester: Requester) -> Kind:
    return requester.kind


def _bare(requester: Requester) -> Principal:
    return Principal(
        requester=requester,
        policies=Known(()),
        boundary=Known(None),
        boundary_arn=Known(None),
        groups=Known(()),
        tags=Known({}),
    )
