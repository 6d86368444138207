"""The organization policies that bind an AWS account: SCPs its principals, RCPs its resources.

Only the management account and delegated administrators can read them. From any other account they are unavailable,
and every decision that they could overturn is so marked.

Source: https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies.html
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal, TypeAlias

from recordscan.estate.answers import Answers, mapping, rows, text
from recordscan.facts import Fact, Json, Known, Reason, Unavailable, derive, need, pluck, unavailable
from recordscan.policy.authorize import Level
from recordscan.policy.documents import PolicyKind, load_policy
from recordscan.policy.rows import Policy

PolicyType: TypeAlias = Literal["SERVICE_CONTROL_POLICY", "RESOURCE_CONTROL_POLICY"]
POLICY_TYPES: tuple[PolicyType, ...] = ("SERVICE_CONTROL_POLICY", "RESOURCE_CONTROL_POLICY")

_MOST_LEVELS = 7
"""The root, at most five OUs within each other, and the account."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Organization:
    """What an organization does to one account.

    Attributes:
        id: `o-…`; None for an account that is in none.
        scps: Level by level from the root to the account; None where none bind the account.
        rcps: The same; () where none bind it.
        assumed: Whether they could not be read and are taken as allowing, as the configuration says.
        account: Whose principals and resources they bind; None where that is not known.
        others: The same for the other accounts that the scan reads, by account id.
    """

    id: Fact[str | None]
    scps: Fact[tuple[Level, ...] | None]
    rcps: Fact[tuple[Level, ...]]
    account: str | None = None
    assumed: bool = False
    others: "Mapping[str, Organization]" = field(default_factory=dict)

    def of(self, account: str | None, *, asking: str | None) -> "Organization | None":
        """What binds an account; None for one that is not read.

        Args:
            account: Account id; None for that of no account, as of a service.
            asking: Account id of who asks, which is taken for the own one where that is not known.
        """
        if account == (asking if self.account is None else self.account):
            return self
        return self.others.get(account or "")

    def taken_as_allowing(self) -> "Organization":
        """The same with policies that could not be read left out."""
        if not isinstance(self.scps, Unavailable) and not isinstance(self.rcps, Unavailable):
            return self
        scps = Known(None) if isinstance(self.scps, Unavailable) else self.scps
        rcps = Known(()) if isinstance(self.rcps, Unavailable) else self.rcps
        return replace(self, scps=scps, rcps=rcps, assumed=True)


def asker_of(answers: Answers, account: str, home: str) -> str:
    """Id of the account that is asked what binds an account: the scan's own, if the same organization lets it read.

    Args:
        answers: The scan's observations.
        account: Account id.
        home: Id of the account that the scan runs in.
    """
    here, there = (
        pluck(answers.read("organizations:DescribeOrganization", of), "Organization", "Id") for of in (home, account)
    )
    same = isinstance(here, Known) and isinstance(there, Known) and here.value == there.value is not None
    return home if same and isinstance(answers.read("organizations:ListRoots", home), Known) else account


def read_organization(answers: Answers, account: str, *, asker: str | None = None) -> Organization:
    """Read what binds an account.

    Args:
        answers: The scan's observations.
        account: Account id.
        asker: Id of the account that was asked about policies; None for the account itself.
    """
    asker = asker or account
    described = answers.read("organizations:DescribeOrganization", account)
    organization = pluck(described, "Organization")

    def organization_id() -> str | None:
        return None if need(described) is None else need(text(pluck(organization, "Id")))

    def bound() -> bool:
        return need(described) is not None and need(text(pluck(organization, "MasterAccountId"))) != account

    def levels(policy_type: PolicyType, kind: PolicyKind) -> tuple[Level, ...] | None:
        if not bound() or not _switched_on(answers, asker, policy_type):
            return None
        path = _path(answers, account, asker)
        return tuple(_level(answers, asker, target, policy_type, kind) for target in path)

    return Organization(
        id=derive(organization_id),
        scps=_explained(lambda: levels("SERVICE_CONTROL_POLICY", "identity"), "service control policies"),
        rcps=_explained(lambda: levels("RESOURCE_CONTROL_POLICY", "rcp") or (), "resource control policies"),
        account=account,
    )


def _explained(compute: Callable[[], Json], what: str) -> Fact[Json]:
    fact = derive(compute)
    if not isinstance(fact, Unavailable):
        return fact
    detail = f"the {what} of the organization could not be read: {fact.detail}"
    return Unavailable(fact.reason, detail, fact.source, fact.permission)


def _switched_on(answers: Answers, account: str, policy_type: PolicyType) -> bool:
    roots = rows(answers.read("organizations:ListRoots", account), "Roots")
    types = [mapping(row) for root in roots for row in rows(root, "PolicyTypes")]
    return any(row.get("Type") == policy_type and row.get("Status") == "ENABLED" for row in types)


def _path(answers: Answers, account: str, asker: str) -> list[str]:
    """Ids of root, OUs and account, from the top."""
    path = [account]
    while not path[0].startswith("r-"):
        parents = rows(answers.read("organizations:ListParents", asker, ChildId=path[0]), "Parents")
        parent = need(text(pluck(parents[0], "Id"))) if parents else None
        if parent is None or len(path) > _MOST_LEVELS:
            unavailable(Reason.MALFORMED, f"the parent of {path[0]} cannot be told")
        path.insert(0, parent)
    return path


def _level(answers: Answers, account: str, target: str, policy_type: PolicyType, kind: PolicyKind) -> Level:
    listed = answers.read("organizations:ListPoliciesForTarget", account, TargetId=target, Filter=policy_type)
    policies = []
    for row in rows(listed, "Policies"):
        policy_id = need(text(pluck(row, "Id"))) or ""
        described = answers.read("organizations:DescribePolicy", account, PolicyId=policy_id)
        document = load_policy(need(text(pluck(described, "Policy", "Content"))) or "", kind=kind)
        if document.unreadable:
            unavailable(Reason.MALFORMED, f"the policy {policy_id} cannot be read: {document.defects[0].message}")
        policies.append(Policy(need(text(pluck(row, "Name"))) or policy_id, document))
    return target, tuple(policies)
