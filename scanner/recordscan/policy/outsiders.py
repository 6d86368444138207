"""Outsiders: whom a resource policy lets in from beyond the account and those that it trusts.

Who everybody is, `public` tells. Here it is about the others: named accounts and organizations, by principals or by
conditions that pin them, and principals behind whose name anybody could stand.

Sources:
    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html
    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from recordscan.policy.documents import ConditionTest, PolicyDocument, Principal, Statement
from recordscan.policy.public import Pin, denied_to_others, is_web_identity, pinned_by, pins_of, public_statements

OutsiderKind: TypeAlias = Literal["account", "organization", "opaque", "network"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Trust:
    """Who is no outsider.

    Attributes:
        accounts: Account ids, the resource's own among them.
        organizations: Organization ids.
    """

    accounts: frozenset[str]
    organizations: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Outsider:
    """One who is let in.

    Attributes:
        kind: A foreign account or organization; a principal that tells no account; a network, whoever calls from it.
        value: As the policy names it.
        words: How to name it to people.
    """

    kind: OutsiderKind
    value: str
    words: str


_UNIQUE_ID = re.compile(r"A[A-Z0-9]{15,127}\Z")
_ACCOUNT = re.compile(r"\d{12}\Z")

_BY_ACCOUNT = frozenset({"aws:principalaccount", "aws:sourceaccount", "aws:sourceowner", "kms:calleraccount"})
_BY_ARN = frozenset({"aws:principalarn", "aws:sourcearn"})
_BY_ORGANIZATION = frozenset({"aws:principalorgid", "aws:principalorgpaths", "aws:sourceorgid", "aws:sourceorgpaths"})
_BY_ACCESS_POINT = frozenset({"s3:dataaccesspointaccount", "s3:dataaccesspointarn"})
"""They tell through whose access points a request comes, not who makes it."""


def is_unique_id(principal: Principal) -> bool:
    """Whether it is the id of a deleted user or role: IAM shows the ARN for as long as there is one."""
    return principal.kind == "AWS" and _UNIQUE_ID.match(principal.value) is not None


def account_of(value: str) -> str | None:
    """The account of an ARN or of an AWS principal; None where it tells none."""
    parts = value.split(":", 5)
    account = parts[4] if len(parts) == 6 else value
    return account if _ACCOUNT.match(account) else None


def outsiders(
    document: PolicyDocument, statement: Statement, trust: Trust, service: str = "s3"
) -> tuple[Outsider, ...]:
    """Whom a statement lets in from outside; () for a statement that is public, denies, or is not clear.

    Args:
        document: The resource policy.
        statement: One of its statements.
        trust: Who is no outsider.
        service: `s3` or `kms`.
    """
    if not statement.valid or statement.effect != "Allow" or statement in _public(document, service):
        return ()
    trusted = trusted_pins(trust)
    if any(pinned_by(test, trusted) for test in statement.conditions):
        return ()
    if denied_to_others(document, statement, trusted, service) is not None:
        return ()
    return tuple(dict.fromkeys(_let_in(statement, trust, service)))


def trusted_pins(trust: Trust) -> Mapping[str, Pin]:
    """The condition keys that limit callers to the trusted ones, with what makes a value do so."""
    by_account: Pin = trust.accounts.__contains__
    return {
        **dict.fromkeys(_BY_ACCOUNT, by_account),
        **dict.fromkeys(_BY_ARN, lambda value: value.count(":") >= 5 and account_of(value) in trust.accounts),
        **dict.fromkeys(_BY_ORGANIZATION, lambda value: value.partition("/")[0] in trust.organizations),
    }


def _public(document: PolicyDocument, service: str) -> list[Statement]:
    return [found.statement for found in public_statements(document, service)]


def _let_in(statement: Statement, trust: Trust, service: str) -> Iterator[Outsider]:
    for principal in statement.principals or ():
        if principal.kind == "Service":
            yield from _behind_service(principal, statement, trust)
        elif not principal.everyone and not is_web_identity(principal):
            yield from _named(principal, trust)
    anyone = any(principal.everyone or is_web_identity(principal) for principal in statement.principals or ())
    if anyone or statement.not_principals is not None:
        yield from _pinned(statement, trust, service)


def _named(principal: Principal, trust: Trust) -> Iterator[Outsider]:
    value = principal.value
    account = account_of(value) if principal.kind in ("AWS", "Federated") else None
    if account in trust.accounts:
        return
    if account is not None:
        whole = value == account or value.endswith(":root")
        words = f"everybody in the foreign account {account}" if whole else f"{value} of a foreign account"
        yield Outsider("account", value, words)
    elif is_unique_id(principal):
        yield Outsider("opaque", value, f"{value}, a deleted principal")
    elif principal.kind == "CanonicalUser":
        yield Outsider("opaque", value, f"the canonical user {_cut(value)}, whose account it does not tell")
    else:
        yield Outsider("opaque", value, f"{_cut(value)}, whose account it does not tell")


def _behind_service(principal: Principal, statement: Statement, trust: Trust) -> Iterator[Outsider]:
    for test in statement.conditions:
        if test.key.lower().startswith("aws:source") and pinned_by(test, _SOURCES):
            for value in test.values:
                outsider = _pinned_to(test, value, trust)
                if outsider is not None:
                    yield Outsider(outsider.kind, value, f"{outsider.words}, through {principal.value}")


_SOURCES: Mapping[str, Pin] = dict.fromkeys(
    ("aws:sourceaccount", "aws:sourcearn", "aws:sourceorgid", "aws:sourceorgpaths"), bool
)


def _pinned(statement: Statement, trust: Trust, service: str) -> Iterator[Outsider]:
    """Whom the condition of a statement for everybody leaves: of tests that must all hold, the most telling counts."""
    tests = [test for test in statement.conditions if pinned_by(test, pins_of(service))]
    for keys in (_BY_ACCOUNT | _BY_ARN | _BY_ORGANIZATION, _BY_ACCESS_POINT, frozenset({"aws:userid"})):
        for test in tests:
            # The ARN of a bucket tells no account, so another test may say more.
            if test.key.lower() in keys and all(_tells(test, value) for value in test.values):
                found = [_pinned_to(test, value, trust) for value in test.values]
                yield from (outsider for outsider in found if outsider is not None)
                return
    for test in tests:
        yield Outsider("network", ", ".join(test.values), f"everybody for whom {test.key} is {_cut(test.values[0])}")


def _tells(test: ConditionTest, value: str) -> bool:
    return test.key.lower() not in _BY_ARN or account_of(value) is not None


def _pinned_to(test: ConditionTest, value: str, trust: Trust) -> Outsider | None:
    """The outsider that a value of a condition stands for; None where it is trusted or tells none."""
    key = test.key.lower()
    if key in _BY_ORGANIZATION:
        organization = value.partition("/")[0]
        if organization in trust.organizations:
            return None
        return Outsider("organization", value, f"the organization {organization}, which is not among the trusted ones")
    if key == "aws:userid":
        return Outsider("opaque", value, f"the user id {_cut(value)}, whose account it does not tell")
    account = account_of(value)
    if account is None or account in trust.accounts:
        return None
    if key in _BY_ACCESS_POINT:
        return Outsider("account", value, f"whomever access points of the foreign account {account} let in")
    return Outsider("account", value, f"the foreign account {account}")


def _cut(value: str) -> str:
    return value if len(value) <= 60 else f"{value[:59]}…"
