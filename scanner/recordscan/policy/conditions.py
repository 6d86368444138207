"""Conditions: whether a test of a statement holds for a request.

Sources:
    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-single-vs-multi-valued-context-keys.html
"""

import ipaddress
import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from operator import eq, ge, gt, le, lt
from typing import Any, TypeAlias

from recordscan.policy.documents import ConditionTest
from recordscan.policy.matching import arn_like, glob, literal, put_in
from recordscan.policy.request import UNKNOWN, Context, Truth, Unknown, all_of, any_of

Comparison: TypeAlias = Callable[[str, str], bool]
"""Policy value and request value, to whether they agree. Values that are of the wrong kind never do."""


def holds(test: ConditionTest, context: Context, version: str) -> Truth:
    """Whether a test holds; None where that depends on a key that is not known.

    An operator that does not exist holds for no request.

    Args:
        test: The test.
        context: Condition keys of the request.
        version: Of the policy; variables exist only since 2012-10-17.
    """
    if test.base != "Null" and test.base not in _OPERATORS:
        return False
    found = context.find(test.key)
    if found is UNKNOWN:
        possible = {holds(test, known, version) for known in context.each(test.key)}
        return possible.pop() if len(possible) == 1 else None
    if test.base == "Null":
        return ("false" if found else "true") in (value.lower() for value in test.values)
    comparison, negated = _OPERATORS[test.base]
    if not found:
        return _without_key(test, negated=negated)
    if test.set_operator is None and len(found) > 1:
        return False  # several values need a set operator
    wanted = _wanted(test, context, version)
    agreements = (_agrees(comparison, wanted, value, negated=negated) for value in found)
    return all_of(agreements) if test.set_operator == "ForAllValues" else any_of(agreements)


def _without_key(test: ConditionTest, *, negated: bool) -> bool:
    if test.set_operator is not None:
        return test.set_operator == "ForAllValues"  # ForAnyValue does not hold, with IfExists either
    return negated or test.if_exists


def _agrees(comparison: Comparison, wanted: Sequence[str | Unknown | None], value: str, *, negated: bool) -> Truth:
    """Whether one value of the request agrees with one of those of the policy; negated: with none."""
    result: Truth = False
    for pattern in wanted:
        if pattern is UNKNOWN:
            result = None
        elif pattern is not None and comparison(pattern, value):
            return not negated
    return None if result is None else negated


def _wanted(test: ConditionTest, context: Context, version: str) -> Sequence[str | Unknown | None]:
    if not test.base.startswith(("String", "Arn")):
        return test.values
    return [put_in(value, context, version) for value in test.values]


def _equal(wanted: str, value: str) -> bool:
    # What variables put in is literal already; here all else is, too.
    return wanted == value or literal(wanted) == literal(value)


def _equal_ignoring_case(wanted: str, value: str) -> bool:
    return literal(wanted).lower() == literal(value).lower()


def _like(wanted: str, value: str) -> bool:
    return glob(wanted)(value)


def _bool(wanted: str, value: str) -> bool:
    return wanted.lower() == value.lower() and value.lower() in ("true", "false")


def _ip(wanted: str, value: str) -> bool:
    network, address = _network(wanted), _network(value)
    return (
        network is not None
        and address is not None
        and address.prefixlen >= network.prefixlen
        and address.network_address in network
    )


@lru_cache(maxsize=4096)
def _network(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network | None:
    """An address or CIDR block; bits after the prefix do not count."""
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        return None


@lru_cache(maxsize=4096)
def _number(text: str) -> Decimal | None:
    try:
        number = Decimal(text)
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


_MONTH = re.compile(r"\d{4}-\d{2}")


@lru_cache(maxsize=4096)
def _moment(text: str) -> Decimal | None:
    """Seconds since 1970: of an ISO 8601 date, with or without time and offset, or as written."""
    seconds = _number(text)
    if seconds is not None:
        return seconds
    try:
        moment = datetime.fromisoformat(f"{text}-01" if _MONTH.fullmatch(text) else text)
    except ValueError:
        return None
    aware = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
    return Decimal(str(aware.timestamp()))


def _ordered(read: Callable[[str], Decimal | None], compare: Callable[[Any, Any], bool]) -> Comparison:
    def agrees(wanted: str, value: str) -> bool:
        right, left = read(wanted), read(value)
        return right is not None and left is not None and compare(left, right)

    return agrees


_ORDERS: dict[str, tuple[Callable[[Any, Any], bool], bool]] = {
    "Equals": (eq, False),
    "NotEquals": (eq, True),
    "LessThan": (lt, False),
    "LessThanEquals": (le, False),
    "GreaterThan": (gt, False),
    "GreaterThanEquals": (ge, False),
}
_OPERATORS: dict[str, tuple[Comparison, bool]] = {
    "StringEquals": (_equal, False),
    "StringNotEquals": (_equal, True),
    "StringEqualsIgnoreCase": (_equal_ignoring_case, False),
    "StringNotEqualsIgnoreCase": (_equal_ignoring_case, True),
    "StringLike": (_like, False),
    "StringNotLike": (_like, True),
    "ArnEquals": (arn_like, False),
    "ArnLike": (arn_like, False),
    "ArnNotEquals": (arn_like, True),
    "ArnNotLike": (arn_like, True),
    "Bool": (_bool, False),
    "BinaryEquals": (_equal, False),
    "IpAddress": (_ip, False),
    "NotIpAddress": (_ip, True),
    **{"Numeric" + name: (_ordered(_number, order), negated) for name, (order, negated) in _ORDERS.items()},
    **{"Date" + name: (_ordered(_moment, order), negated) for name, (order, negated) in _ORDERS.items()},
}

NEGATED = frozenset(name for name, (_, negated) in _OPERATORS.items() if negated)
"""Operators that hold when no value agrees, so also where the request does not have the key."""
