"""S3's own definition of "public", and the like of it for KMS: who is everybody, and which conditions limit that.

A statement is public unless its principals are fixed, or a condition that must hold pins one of certain keys to fixed
values. One public statement makes the policy public.

Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from ipaddress import ip_network
from typing import TypeAlias

from recordscan.policy.conditions import NEGATED
from recordscan.policy.documents import ConditionTest, PolicyDocument, Principal, Statement
from recordscan.policy.globs import includes

Pin: TypeAlias = Callable[[str], bool]
"""Whether a value of a key limits the callers."""


def _fixed(value: str) -> bool:
    return bool(value) and not re.search(r"[*?]|\$\{", value)


def _of_one_account(value: str) -> bool:
    """An ARN, wildcards or not, whose account is fixed."""
    parts = value.split(":", 5)
    return len(parts) == 6 and re.fullmatch(r"\d{12}", parts[4]) is not None and "${" not in value


def _of_one_organization(value: str) -> bool:
    return _fixed(value.partition("/")[0])


def _narrow(value: str) -> bool:
    """A CIDR block that S3 takes for a restriction."""
    try:
        network = ip_network(value, strict=False)
    except ValueError:
        return False
    return network.prefixlen >= (8 if network.version == 4 else 32)


_CALLERS: Mapping[str, Pin] = {
    "aws:principalorgid": _fixed,
    "aws:principalorgpaths": _of_one_organization,
    "aws:principalaccount": _fixed,
    "aws:principalarn": _of_one_account,
    "aws:sourcearn": _fixed,
    "aws:sourceaccount": _fixed,
    "aws:sourceowner": _fixed,
    "aws:sourcevpc": _fixed,
    "aws:sourcevpce": _fixed,
    "aws:userid": _fixed,
}
_S3: Mapping[str, Pin] = {
    **_CALLERS,
    "aws:sourceip": _narrow,
    "s3:dataaccesspointaccount": _fixed,
    "s3:dataaccesspointarn": _of_one_account,
}
_KMS: Mapping[str, Pin] = {**_CALLERS, "kms:calleraccount": _fixed}

_PINNING = frozenset({"StringEquals", "StringEqualsIgnoreCase", "StringLike", "ArnEquals", "ArnLike", "IpAddress"})


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicStatement:
    """A statement that grants to everybody, and why no condition limits it."""

    statement: Statement
    why: str


def public_statements(document: PolicyDocument, service: str = "s3") -> tuple[PublicStatement, ...]:
    """The statements that make a bucket policy or a key policy public.

    A statement whose meaning is not clear is none of them; that it is there is for the caller to see.

    Args:
        document: A resource policy.
        service: `s3`, or `kms` with its own keys and without addresses, which say nothing of who calls.
    """
    pins = pins_of(service)
    return tuple(
        PublicStatement(statement=statement, why=why)
        for statement in document.statements
        if (why := _why_public(statement, pins)) is not None
    )


def pins_of(service: str) -> Mapping[str, Pin]:
    """The condition keys that limit who calls a service, in lower case."""
    return _KMS if service == "kms" else _S3


def denied_to_others(
    document: PolicyDocument, allowed: Statement, pins: Mapping[str, Pin], service: str = "s3"
) -> Statement | None:
    """A Deny that takes back all that a statement allows, but for callers whom it pins by fixed values.

    S3 does not look at such a Deny when it tells whether a policy is public, but it decides requests.

    Args:
        document: The policy.
        allowed: One of its statements.
        pins: Keys whose values limit the callers.
        service: Whose resource the policy is about.
    """
    for statement in document.statements:
        if (
            statement.valid
            and statement.effect == "Deny"
            and statement.everyone
            and all(_spares_only(test, pins) for test in statement.conditions)
            and _is_about_all_of(statement, allowed, service)
        ):
            return statement
    return None


def _spares_only(test: ConditionTest, pins: Mapping[str, Pin]) -> bool:
    """Whether a test of a Deny holds for all callers but pinned ones. A negated test holds without the key, too."""
    pin = pins.get(test.key.lower())
    return (
        pin is not None
        and test.base in NEGATED
        and (test.base == "NotIpAddress") == (test.key.lower() == "aws:sourceip")
        and test.set_operator is None
        and bool(test.values)
        and all(map(pin, test.values))
    )


def _is_about_all_of(denied: Statement, allowed: Statement, service: str) -> bool:
    every = f"{service}:*"
    wanted = [every] if allowed.actions is None else [a.lower() if a != "*" else every for a in allowed.actions]
    named = [pattern.lower() for pattern in denied.actions or ()]
    places = ("*",) if allowed.resources is None else allowed.resources
    return all(any(includes(wide, action) for wide in named) for action in wanted) and all(
        any(includes(wide, place) for wide in denied.resources or ()) for place in places
    )


def _why_public(statement: Statement, pins: Mapping[str, Pin]) -> str | None:
    if not statement.valid or statement.effect != "Allow":
        return None
    who = _open_principal(statement)
    if who is None or any(pinned_by(test, pins) for test in statement.conditions):
        return None
    tested = ", ".join(sorted({test.key for test in statement.conditions}))
    return f"{who}, and its condition on {tested} does not limit who that is" if tested else f"{who} without condition"


def _open_principal(statement: Statement) -> str | None:
    if statement.not_principals is not None:
        return "it allows everybody but those in NotPrincipal"
    for principal in statement.principals or ():
        if principal.everyone:
            return "it allows everybody"
        if is_web_identity(principal):
            return f"it allows everybody whom {principal.value} vouches for"
        if principal.kind == "AWS" and re.search(r"[*?]", principal.value):
            return f"it allows {principal.value}"  # AWS refuses these today; an old policy may hold one
    return None


def is_web_identity(principal: Principal) -> bool:
    """Whether a federated principal is an identity provider of the public, such as `accounts.google.com`."""
    return principal.kind == "Federated" and not principal.value.startswith("arn:")


def pinned_by(test: ConditionTest, pins: Mapping[str, Pin]) -> bool:
    """Whether a test must hold and pins one of the keys, each of its values doing so."""
    pin = pins.get(test.key.lower())
    return (
        pin is not None
        and test.base in _PINNING
        and (test.base == "IpAddress") == (test.key.lower() == "aws:sourceip")
        and not test.if_exists
        and test.set_operator != "ForAllValues"
        and bool(test.values)
        and all(map(pin, test.values))
    )
