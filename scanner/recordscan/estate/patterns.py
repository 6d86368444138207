"""Patterns by which AWS picks CloudTrail events: those of CloudWatch metric filters and of EventBridge rules.

A pattern is held against one event of which only some members are known; the answer is three-valued.

Sources:
    https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html
    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html
"""

import json
import re
from collections.abc import Mapping, Sequence

from recordscan.facts import Json
from recordscan.policy.globs import matches as glob_matches
from recordscan.policy.request import Truth, all_of, any_of

Event = Mapping[str, Json]
"""What is known of an event; a member that is not there may have any value, or be absent."""

_ABSENT = "errorCode"
"""A call that succeeded has none."""


class _SyntaxError(ValueError):
    pass


def log_pattern_matches(pattern: str, record: Event) -> Truth:
    """Whether a metric filter counts a CloudTrail record; None where that cannot be told."""
    text = pattern.strip()
    if not text:
        return True
    if not (text.startswith("{") and text.endswith("}")):
        return None  # terms of plain text
    try:
        parser = _Parser(text[1:-1])
        truth = parser.alternatives(record)
        parser.end()
    except _SyntaxError:
        return None
    return truth


_TOKEN = re.compile(
    r"""\s*(?:(?P<sign>&&|\|\||!=|<=|>=|[()=<>])|"(?P<quoted>(?:[^"\\]|\\.)*)"|(?P<regex>%[^%]*%)"""
    r"""|(?P<word>[^\s()=!<>&|"]+))""",
    re.DOTALL,
)


class _Parser:
    """A parser of the JSON form of filter patterns, which judges as it reads. `&&` binds closer than `||`."""

    def __init__(self, text: str) -> None:
        self._tokens: list[tuple[str, str]] = []
        at = 0
        while at < len(text.rstrip()):
            found = _TOKEN.match(text, at)
            if found is None:
                raise _SyntaxError
            self._tokens.append((str(found.lastgroup), found[str(found.lastgroup)]))
            at = found.end()
        self._next = 0
        self._depth = 0

    def end(self) -> None:
        if self._next != len(self._tokens):
            raise _SyntaxError

    def alternatives(self, record: Event) -> Truth:
        truths = [self._all(record)]
        while self._take("sign", "||"):
            truths.append(self._all(record))
        return any_of(truths)

    def _all(self, record: Event) -> Truth:
        truths = [self._one(record)]
        while self._take("sign", "&&"):
            truths.append(self._one(record))
        return all_of(truths)

    def _one(self, record: Event) -> Truth:
        if self._take("sign", "("):
            self._depth += 1
            if self._depth > _DEEPEST:
                raise _SyntaxError
            truth = self.alternatives(record)
            self._depth -= 1
            if not self._take("sign", ")"):
                raise _SyntaxError
            return truth
        return self._comparison(record)

    def _comparison(self, record: Event) -> Truth:
        kind, selector = self._pop()
        if kind != "word" or not selector.startswith("$."):
            raise _SyntaxError
        path = selector[2:].split(".")
        value = _member(record, path)
        kind, sign = self._pop()
        if kind == "word" and sign.upper() in ("IS", "NOT"):
            self._pop()
            return True if sign.upper() == "NOT" and path == [_ABSENT] else None
        if kind != "sign" or sign not in ("=", "!=", "<", ">", "<=", ">="):
            raise _SyntaxError
        kind, wanted = self._pop()
        if kind not in ("quoted", "word", "regex"):
            raise _SyntaxError
        if value is None or sign not in ("=", "!=") or kind == "regex":
            return None
        equal = _glob(wanted, value)
        return equal if sign == "=" else not equal

    def _pop(self) -> tuple[str, str]:
        if self._next == len(self._tokens):
            raise _SyntaxError
        self._next += 1
        return self._tokens[self._next - 1]

    def _take(self, kind: str, text: str) -> bool:
        found = self._next < len(self._tokens) and self._tokens[self._next] == (kind, text)
        self._next += found
        return found


_DEEPEST = 50
"""Parentheses or objects within each other that are followed."""


def read_event_pattern(text: str | None) -> Mapping[str, Json] | None:
    """The pattern of an EventBridge rule; None for none, or for one that cannot be read."""
    if text is None or text.count("{") > _DEEPEST:
        return None
    try:
        pattern = json.loads(text)
    except ValueError:
        return None
    return pattern if isinstance(pattern, dict) else None


def event_pattern_matches(pattern: Mapping[str, Json], event: Event) -> Truth:
    """Whether an EventBridge rule takes an event; None where that cannot be told."""
    return all_of([_field_matches(name, wanted, event) for name, wanted in pattern.items()])


def _field_matches(name: str, wanted: Json, event: Event) -> Truth:
    if name == "$or" and isinstance(wanted, list):
        return any_of([event_pattern_matches(each, event) if isinstance(each, dict) else None for each in wanted])
    value = event.get(name)
    if isinstance(wanted, dict):
        return event_pattern_matches(wanted, value if isinstance(value, dict) else {})
    if isinstance(wanted, list):
        return any_of([_value_matches(each, value) for each in wanted])
    return None


def _value_matches(wanted: Json, value: Json) -> Truth:
    if not isinstance(value, str):
        return None
    if isinstance(wanted, str):
        return wanted == value
    if not isinstance(wanted, dict) or len(wanted) != 1:
        return False if wanted is None or isinstance(wanted, int | float) else None
    [(operator, operand)] = wanted.items()
    match operator, operand:
        case "exists", bool():
            return operand
        case "prefix", str():
            return value.startswith(operand)
        case "suffix", str():
            return value.endswith(operand)
        case "equals-ignore-case", str():
            return value.casefold() == operand.casefold()
        case "wildcard", str():
            return None if "\\" in operand else _glob(operand, value)
        case "anything-but", str():
            return value != operand
        case "anything-but", list():
            return value not in operand
        case _:
            return None


def _glob(pattern: str, value: str) -> bool:
    """Only `*` is special; a question mark, which IAM's globs know as well, is in no value that is asked about."""
    return "?" not in pattern and glob_matches(pattern, value)


def _member(record: Event, path: Sequence[str]) -> str | None:
    value: Json = record
    for step in path:
        value = value.get(step) if isinstance(value, Mapping) else None
    return value if isinstance(value, str) else None
