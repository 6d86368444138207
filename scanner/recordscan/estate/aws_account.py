"""The AWS account that the scan runs in, as a subject of its own: what is true of it is judged once, not per target."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from recordscan.estate.answers import Answers, mapping, rows, text
from recordscan.facts import Citation, Fact, Json, Reason, Source, Unavailable, derive, need, pluck, unavailable
from recordscan.observation import Observation
from recordscan.policy.documents import PolicyDocument, load_policy

DETAILS = "iam:GetAccountAuthorizationDetails"


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnPolicy:
    """An identity policy that the account itself wrote: a customer managed policy, or an inline one.

    Attributes:
        name: For messages: `policy uploads`, `inline policy uploads of the role audit`.
        arn: Of the managed policy, or of the user, role or group that has it.
        document: The default version.
        source: The place of the document.
    """

    name: str
    arn: str
    document: PolicyDocument
    source: Source


@dataclass(frozen=True, slots=True, kw_only=True)
class AwsAccount:
    """The AWS account that the scan runs in.

    Attributes:
        uid: `aws:` and the account id.
        account_id: The account id; None where no call tells it.
        own_policies: Customer managed and inline policies, also those that nobody has.
    """

    uid: str
    name: str
    account_id: str | None
    own_policies: Fact[tuple[OwnPolicy, ...]]
    region_name: str | None = None
    kind: str = "AWS account"
    provider: str = "aws"


def read_aws_account(answers: Answers, observations: Iterable[Observation]) -> AwsAccount:
    """Read the account; its id is that on whose behalf IAM was asked, whatever it answered."""
    account = next((o.account for o in observations if o.operation == DETAILS and o.account), None)
    return AwsAccount(
        uid=f"aws:{account or 'unknown'}",
        name=f"AWS account {account}" if account else "the AWS account",
        account_id=account,
        own_policies=_own_policies(answers, account),
    )


def _own_policies(answers: Answers, account: str | None) -> Fact[tuple[OwnPolicy, ...]]:
    if account is None:
        return Unavailable(Reason.NOT_SELECTED, f"{DETAILS} was not asked", (), DETAILS)
    details = answers.read(DETAILS, account)

    def compute() -> tuple[OwnPolicy, ...]:
        if need(pluck(details, "truncated")):
            unavailable(Reason.UNDECIDABLE, "the list of users, groups, roles and policies was cut at the page limit")
        found = [*_managed(details, account)]
        for member, inline, word, name in (
            ("UserDetailList", "UserPolicyList", "user", "UserName"),
            ("GroupDetailList", "GroupPolicyList", "group", "GroupName"),
            ("RoleDetailList", "RolePolicyList", "role", "RoleName"),
        ):
            for row in rows(details, member):
                found += _inline(row, inline, f"the {word} {need(text(pluck(row, name)))}")
        return tuple(found)

    fact = derive(compute)
    # It rests on the whole answer; the place of each policy is with the policy.
    source = tuple(dict.fromkeys(Citation(place.observation) for place in fact.source))
    if isinstance(fact, Unavailable):
        return Unavailable(fact.reason, fact.detail, source, fact.permission)
    return type(fact)(fact.value, source)


def _managed(details: Fact[Json], account: str) -> Iterator[OwnPolicy]:
    for row in rows(details, "Policies"):
        arn = need(text(pluck(row, "Arn"))) or ""
        if f":iam::{account}:" not in arn:
            continue  # AWS's own, which the customer cannot change
        for version in rows(row, "PolicyVersionList"):
            if mapping(version).get("IsDefaultVersion"):
                yield _read(f"policy {arn.rpartition('/')[2]}", arn, pluck(version, "Document"))


def _inline(row: Fact[Json], member: str, owner: str) -> Iterator[OwnPolicy]:
    arn = need(text(pluck(row, "Arn"))) or ""
    for policy in rows(row, member):
        name = need(text(pluck(policy, "PolicyName")))
        yield _read(f"inline policy {name} of {owner}", arn, pluck(policy, "PolicyDocument"))


def _read(name: str, arn: str, document: Fact[Json]) -> OwnPolicy:
    found = need(document)
    policy = load_policy(found if isinstance(found, dict) else str(found), kind="identity")
    if policy.unreadable:
        unavailable(Reason.MALFORMED, f"the {name} cannot be read: {policy.defects[0].message}")
    return OwnPolicy(name=name, arn=arn, document=policy, source=document.source)
