"""IAM users and roles as principals: who they are and which policies they carry.

One user is read by calls about that user. Where the scan made none, and for roles, everything comes out of the one
answer about the whole account.

Source: https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetAccountAuthorizationDetails.html
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, partial

from recordscan.estate.answers import Answers, mapping, rows, text
from recordscan.facts import (
    Fact,
    Json,
    Known,
    Reason,
    Source,
    Unavailable,
    derive,
    need,
    pluck,
    unavailable,
    whole_answers,
)
from recordscan.policy.documents import Statement, load_policy
from recordscan.policy.request import Requester, requester_of
from recordscan.policy.rows import Policy


@dataclass(frozen=True, slots=True, kw_only=True)
class AttachedPolicy:
    """One policy of a user or role.

    Attributes:
        name: Its name.
        arn: Of a managed policy; None for an inline policy.
        group: The group through which a user has it; None where it is the principal's own.
        policy: Its default version.
    """

    name: str
    arn: str | None
    group: str | None
    policy: Policy


@dataclass(frozen=True, kw_only=True)  # without slots, so that what many targets ask of it is found once and kept
class Principal:
    """A user or role of the account.

    Attributes:
        requester: Who it is.
        policies: All identity policies, those of the user's groups too.
        boundary: Its permissions boundary; None for none.
        boundary_arn: Of the managed policy that is the boundary; None for none.
        groups: Names of the user's groups; () for a role.
        tags: Of the user or role.
    """

    requester: Requester
    policies: Fact[tuple[AttachedPolicy, ...]]
    boundary: Fact[tuple[Policy, ...] | None]
    boundary_arn: Fact[str | None]
    groups: Fact[tuple[str, ...]]
    tags: Fact[Mapping[str, str]]

    @cached_property
    def identity(self) -> Fact[tuple[Policy, ...]]:
        """The identity policies as a layer of a decision."""
        return derive(lambda: tuple(attached.policy for attached in need(self.policies)))

    @cached_property
    def answers(self) -> Source:
        """The answers that tell what it may do, those that were denied too."""
        return whole_answers((*self.identity.source, *self.boundary.source, *self.tags.source))

    @cached_property
    def reachable(self) -> tuple[str, ...]:
        """What its policies could let it do something of S3 or KMS with: beginnings of ARNs; "" for anything."""
        if isinstance(self.policies, Unavailable):
            return ("",)
        statements = [s for attached in self.policies.value for s in attached.policy.document.statements]
        unreadable = any(attached.policy.document.unreadable for attached in self.policies.value)
        return ("",) if unreadable else tuple(dict.fromkeys(begin for s in statements for begin in _beginnings(s)))


def _beginnings(statement: Statement) -> Iterator[str]:
    services = {pattern.partition(":")[0].lower() for pattern in statement.actions or ("*",)}
    if statement.effect == "Deny" or all(s not in ("s3", "kms") and not set(s) & set("*?") for s in services):
        return
    for pattern in statement.resources or ("",):
        yield re.split(r"[*?]|\$\{", pattern, maxsplit=1)[0]


def read_user_principal(answers: Answers, user_name: str, arn: str, *, account: str) -> Principal:
    """One user, by the calls about that user, or else out of the answer about the whole account."""
    inline = answers.read("iam:ListUserPolicies", account, UserName=user_name)
    if isinstance(inline, Unavailable) and inline.reason is Reason.NOT_SELECTED:
        return _from_details(answers, arn, account)
    found = answers.read("iam:GetUser", account, UserName=user_name)
    groups = derive(
        lambda: tuple(
            _name(row, "GroupName")
            for row in rows(answers.read("iam:ListGroupsForUser", account, UserName=user_name), "Groups")
        )
    )

    def policies() -> tuple[AttachedPolicy, ...]:
        own = (
            *_inline(answers, account, inline, "iam:GetUserPolicy", None, UserName=user_name),
            *_managed(answers, account, answers.read("iam:ListAttachedUserPolicies", account, UserName=user_name)),
        )
        return own + tuple(policy for group in need(groups) for policy in _of_group(answers, account, group))

    boundary_arn = text(pluck(found, "User", "PermissionsBoundary", "PermissionsBoundaryArn"))
    return Principal(
        requester=requester_of(arn),
        policies=derive(policies),
        boundary=derive(lambda: _boundary(need(boundary_arn), lambda arn: _managed_text(answers, account, arn, arn))),
        boundary_arn=boundary_arn,
        groups=groups,
        tags=derive(lambda: dict(_tags(pluck(found, "User")))),
    )


def read_principals(answers: Answers, account: str) -> Fact[tuple[Principal, ...]]:
    """All users and roles of the account."""
    return answers.once(f"principals {account}", lambda: _read_principals(answers, account))


def _read_principals(answers: Answers, account: str) -> Fact[tuple[Principal, ...]]:
    def compute() -> tuple[Principal, ...]:
        details = answers.read("iam:GetAccountAuthorizationDetails", account)
        if need(pluck(details, "truncated")):
            unavailable(Reason.UNDECIDABLE, "the list of users and roles was cut at the page limit")
        managed = _managed_policies(details)
        groups = {_name(row, "GroupName"): row for row in rows(details, "GroupDetailList")}
        users = [_detailed(row, "UserPolicyList", managed, groups) for row in rows(details, "UserDetailList")]
        roles = [_detailed(row, "RolePolicyList", managed, {}) for row in rows(details, "RoleDetailList")]
        return (*users, *roles)

    return derive(compute)


def _from_details(answers: Answers, arn: str, account: str) -> Principal:
    found = answers.once(f"principals {account} by ARN", lambda: _by_arn(read_principals(answers, account)))
    if isinstance(found, Known) and arn in found.value:
        return found.value[arn]
    gone = Unavailable(Reason.NOT_FOUND, f"the account has no {arn}", found.source)
    why = found if isinstance(found, Unavailable) else gone
    return Principal(requester=requester_of(arn), policies=why, boundary=why, boundary_arn=why, groups=why, tags=why)


def _by_arn(principals: Fact[tuple[Principal, ...]]) -> Fact[dict[str, Principal]]:
    return derive(lambda: {principal.requester.arn: principal for principal in need(principals)})


def _detailed(
    row: Fact[Json],
    inline: str,
    managed: Mapping[str, Fact[Policy]],
    groups: Mapping[str, Fact[Json]],
) -> Principal:
    names = derive(lambda: tuple(str(need(name)) for name in rows(row, "GroupList")))

    def policies() -> tuple[AttachedPolicy, ...]:
        own = tuple(_listed(row, inline, managed, None))
        return own + tuple(
            policy for name in need(names) for policy in _listed(groups[name], "GroupPolicyList", managed, name)
        )

    boundary_arn = text(pluck(row, "PermissionsBoundary", "PermissionsBoundaryArn"))
    return Principal(
        requester=requester_of(_name(row, "Arn")),
        policies=derive(policies),
        boundary=derive(lambda: _boundary(need(boundary_arn), lambda arn: need(managed[arn]))),
        boundary_arn=boundary_arn,
        groups=names,
        tags=derive(lambda: dict(_tags(row))),
    )


def _listed(
    row: Fact[Json], inline: str, managed: Mapping[str, Fact[Policy]], group: str | None
) -> Iterator[AttachedPolicy]:
    for policy in rows(row, inline):
        name = _name(policy, "PolicyName")
        document = _read(_inline_name(name, group), pluck(policy, "PolicyDocument"))
        yield AttachedPolicy(name=name, arn=None, group=group, policy=document)
    for attached in rows(row, "AttachedManagedPolicies"):
        arn = _name(attached, "PolicyArn")
        name = _name(attached, "PolicyName")
        yield AttachedPolicy(name=name, arn=arn, group=group, policy=need(managed[arn]))


def _managed_policies(details: Fact[Json]) -> dict[str, Fact[Policy]]:
    """The default version of each managed policy by ARN; each is read once, however many carry it."""
    return {
        _name(policy, "Arn"): derive(partial(_default_version, policy, version))
        for policy in rows(details, "Policies")
        for version in rows(policy, "PolicyVersionList")
        if mapping(version).get("IsDefaultVersion")
    }


def _default_version(policy: Fact[Json], version: Fact[Json]) -> Policy:
    # The last part of an ARN is the name, which some emulators do not give beside it.
    return _read(f"policy {_name(policy, 'Arn').rpartition('/')[2]}", pluck(version, "Document"))


def _inline(
    answers: Answers, account: str, listed: Fact[Json], operation: str, group: str | None, **owner: str
) -> Iterator[AttachedPolicy]:
    for row in rows(listed, "PolicyNames"):
        name = str(need(row))
        document = pluck(answers.read(operation, account, PolicyName=name, **owner), "PolicyDocument")
        policy = _read(_inline_name(name, group), document)
        yield AttachedPolicy(name=name, arn=None, group=group, policy=policy)


def _managed(answers: Answers, account: str, listed: Fact[Json], group: str | None = None) -> Iterator[AttachedPolicy]:
    for row in rows(listed, "AttachedPolicies"):
        arn, name = _name(row, "PolicyArn"), _name(row, "PolicyName")
        policy = _managed_text(answers, account, arn, f"policy {name}")
        yield AttachedPolicy(name=name, arn=arn, group=group, policy=policy)


def _of_group(answers: Answers, account: str, group: str) -> Iterator[AttachedPolicy]:
    listed = answers.read("iam:ListGroupPolicies", account, GroupName=group)
    yield from _inline(answers, account, listed, "iam:GetGroupPolicy", group, GroupName=group)
    attached = answers.read("iam:ListAttachedGroupPolicies", account, GroupName=group)
    yield from _managed(answers, account, attached, group)


def _managed_text(answers: Answers, account: str, arn: str, name: str) -> Policy:
    described = answers.read("iam:GetPolicy", account, PolicyArn=arn)
    version = need(text(pluck(described, "Policy", "DefaultVersionId")))
    if version is None:
        unavailable(Reason.NOT_FOUND, f"the policy {arn} has no default version")
    found = answers.read("iam:GetPolicyVersion", account, PolicyArn=arn, VersionId=version)
    return _read(name, pluck(found, "PolicyVersion", "Document"))


def _boundary(arn: str | None, read: Callable[[str], Policy]) -> tuple[Policy, ...] | None:
    return None if arn is None else (read(arn),)


def _read(name: str, document: Fact[Json]) -> Policy:
    """Read one identity policy.

    Raises:
        Missing: It is unavailable, or nothing of it can be told.
    """
    found = need(document)
    policy = load_policy(found if isinstance(found, Mapping) else str(found), kind="identity")
    if policy.unreadable:
        unavailable(Reason.MALFORMED, f"the {name} cannot be read: {policy.defects[0].message}")
    return Policy(name, policy)


def _inline_name(name: str, group: str | None) -> str:
    return f"inline policy {name}" + (f" of group {group}" if group else "")


def _name(row: Fact[Json], member: str) -> str:
    name = need(text(pluck(row, member)))
    if name is None:
        unavailable(Reason.MALFORMED, f"a row of the answer has no {member}")
    return name


def _tags(row: Fact[Json]) -> Iterator[tuple[str, str]]:
    for tag in rows(row, "Tags"):
        pair = mapping(tag)
        yield str(pair.get("Key")), str(pair.get("Value"))
