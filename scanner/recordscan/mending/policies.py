"""Edits of policies, statement by statement."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from itertools import count

from recordscan.facts import Json
from recordscan.policy.conditions import NEGATED
from recordscan.policy.documents import PolicyDocument, Statement
from recordscan.policy.outsiders import Outsider
from recordscan.remedy import Edit, by_hand, pointer

_HARMLESS = {"duplicate_sid", "wildcard_in_principal"}


def policy_text(policy: PolicyDocument | None, what: str) -> Json:
    """A policy as it stands, as JSON, its statements in a list; one without statements where there is none.

    Args:
        policy: As it was read.
        what: How to name it, such as `the bucket policy`.

    Raises:
        ByHand: Something about it was not understood, so it cannot be put back as it was.
    """
    if policy is None:
        return {"Version": "2012-10-17", "Statement": []}
    if any(defect.code not in _HARMLESS for defect in policy.defects):
        by_hand(f"{what} has a defect ({policy.defects[0].message}), so that it cannot be put back with a change")
    whole = {"Version": policy.version, "Statement": [statement.raw for statement in policy.statements]}
    return whole if policy.id is None else {"Id": policy.id, **whole}


def add_statement(policy: PolicyDocument | None, statement: Mapping[str, Json]) -> Edit:
    """Adds a statement to a policy, unless the very same one is there; its Sid is changed where another has it."""
    taken = {other.sid for other in policy.statements if other.raw != statement} if policy is not None else set()
    sids = (f"{statement['Sid']}{number if number > 1 else ''}" for number in count(1))
    return Edit(action="add", path="/Statement", value={**statement, "Sid": next(s for s in sids if s not in taken)})


def widen(statement: Statement, *, actions: Json, resources: Json) -> tuple[Edit, ...]:
    """The edits that have a statement speak of these actions and resources instead of its own."""
    return (
        Edit(action="set", path=_at(statement, "Action"), value=actions),
        Edit(action="set", path=_at(statement, "Resource"), value=resources),
    )


def remove_statement(statement: Statement) -> Edit:
    """Removes a statement."""
    return Edit(action="remove", path=_at(statement))


def set_condition(statement: Statement, operator: str, key: str, value: Json) -> Edit:
    """Joins a test to the condition of a statement; all tests of a condition must hold.

    Raises:
        ByHand: The statement has a test of this key by this operator already.
    """
    tested = {(test.operator.lower(), test.key.lower()) for test in statement.conditions}
    if (operator.lower(), key.lower()) in tested:
        by_hand(f"statement {statement.label} tests {key} already, and a person must say what it should be")
    return Edit(action="set", path=_at(statement, "Condition", operator, key), value=value)


def remove_principals(statement: Statement, values: Collection[str]) -> Iterator[Edit]:
    """Removes principals from a statement, and the statement with the last of them."""
    if all(principal.value in values for principal in statement.principals or ()):
        yield remove_statement(statement)
        return
    for kind, listed in statement.raw["Principal"].items():
        if isinstance(listed, str):
            if listed in values:
                yield Edit(action="remove", path=_at(statement, "Principal", kind))
            continue
        for i, value in enumerate(listed):
            if value in values:
                yield Edit(action="remove", path=_at(statement, "Principal", kind, i))


def spare_missing_header(statement: Statement, keys: Iterable[str]) -> Iterator[Edit]:
    """The edits that let requests without a header through a Deny, which refuses other values of it as before."""
    tested = [test for test in statement.conditions if test.key.lower() in keys]
    demanded = [test for test in tested if test.base == "Null" and test.values == ("true",)]
    if demanded:
        if len(statement.conditions) > 1:
            by_hand(f"statement {statement.label} asks for a header among other tests, and must be split by a person")
        yield remove_statement(statement)
        return
    asked = {test.key.lower() for test in tested if test.base == "Null"}
    for test in tested:
        if test.base in NEGATED and test.key.lower() not in asked:
            yield set_condition(statement, "Null", test.key, "false")


def remove_outside_principals(statement: Statement, found: Iterable[Outsider]) -> Iterator[Edit]:
    """The edits that take outsiders out of a statement.

    Raises:
        ByHand: One is let in by the condition, not by name.
    """
    values = {outsider.value for outsider in found}
    if not values <= {principal.value for principal in statement.principals or ()}:
        by_hand(f"statement {statement.label} lets them in by its condition, and a person must say what of it stays")
    if values:
        yield from remove_principals(statement, values)


def _at(statement: Statement, *steps: str | int) -> str:
    return pointer("Statement", statement.index - 1, *steps)
