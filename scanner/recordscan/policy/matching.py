"""How policies name actions and resources, and the variables within.

Sources:
    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_action.html
    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html
    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html
"""

import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from itertools import accumulate
from typing import TypeAlias

from recordscan.policy import globs
from recordscan.policy.documents import DEFAULT_VERSION
from recordscan.policy.request import UNKNOWN, Context, Truth, Unknown

Matcher: TypeAlias = Callable[[str], bool]

_STAR, _QUESTION = "\ufdd0", "\ufdd1"
"""Stand for a literal `*` and `?`, in patterns and in the text compared. In Unicode they are no characters."""


@lru_cache(maxsize=16_384)
def glob(pattern: str) -> Matcher:
    """A matcher for whole texts; `literal()` characters of the pattern match themselves only."""
    if _STAR in pattern or _QUESTION in pattern:
        return lambda text: globs.matches(pattern, literal(text))
    if "*" not in pattern and "?" not in pattern:
        return pattern.__eq__
    if pattern == "*":
        return lambda text: True  # noqa: ARG005
    if pattern.endswith("*") and "*" not in pattern[:-1] and "?" not in pattern:
        start = pattern[:-1]
        return lambda text: text.startswith(start)
    return lambda text: globs.matches(pattern, text)


def literal(text: str) -> str:
    """Text as a pattern that matches only itself."""
    return text.replace("*", _STAR).replace("?", _QUESTION)


def _only_stars(text: str) -> bool:
    return bool(text) and not text.strip("*")


@lru_cache(maxsize=16_384)
def _action(pattern: str) -> Matcher:
    service, colon, name = pattern.lower().partition(":")
    if _only_stars(service) and (_only_stars(name) or not colon):
        return lambda action: True  # noqa: ARG005
    if not colon or "*" in service or "?" in service:
        return lambda action: False  # noqa: ARG005 - no wildcard may stand for a service
    return glob(pattern.lower())


def action_matches(pattern: str, action: str) -> bool:
    """Whether an `Action` or `NotAction` pattern names an action; `action` in lower case."""
    return _action(pattern)(action)


@lru_cache(maxsize=16_384)
def _resource(pattern: str) -> Matcher:
    parts = pattern.split(":", 5)
    if _only_stars(pattern):
        return lambda text: True  # noqa: ARG005
    if len(parts) == 6 and not any(part.endswith("*") for part in parts[:5]):
        head = [glob(part) for part in parts[:5]]
        tail = glob(parts[5])

        def matches(text: str) -> bool:
            found = text.split(":", 5)
            return len(found) == 6 and tail(found[5]) and all(m(t) for m, t in zip(head, found[:5], strict=True))

        return matches
    return lambda text: _across(parts, text.split(":"), short=len(parts) < 6)


def _across(parts: Sequence[str], texts: Sequence[str], *, short: bool) -> bool:
    """Match part by part. A star that ends a part may run past colons, and a short ARN stands for all that follows."""
    taken = {0}  # how many of the texts the parts before may have used up
    for part in parts if short else parts[:-1]:
        matches = glob(part)
        taken = {count + 1 for count in taken if count < len(texts) and matches(texts[count])}
        if taken and part.endswith("*"):
            taken = set(range(min(taken), len(texts) + 1))
    if short:
        return bool(taken)
    begins = list(accumulate((len(text) + 1 for text in texts), initial=0))
    fitting = globs.suffixes(parts[-1], literal(":".join(texts)))
    return any(begins[count] in fitting for count in taken if count < len(texts))


_EVERYTHING = re.compile(r"\Aarn:[^:]*:s3:::\*\Z")


def resource_matches(pattern: str, resource: str, service: str) -> bool:
    """Whether a `Resource` or `NotResource` pattern names a resource. Variables have been put in before.

    A request about no one resource has the resource `*`, which only `*` names; where the request is one to S3,
    `arn:aws:s3:::*` names it, too.
    """
    if resource == "*":
        return _only_stars(pattern) or (service == "s3" and bool(_EVERYTHING.match(pattern)))
    return _resource(pattern)(resource)


def arn_like(pattern: str, arn: str) -> bool:
    """Whether an ARN operator's value matches: each of the six parts by itself."""
    if pattern == "*":
        return True
    parts, found = pattern.split(":", 5), arn.split(":", 5)
    return len(parts) == len(found) == 6 and all(glob(p)(f) for p, f in zip(parts, found, strict=True))


_VARIABLE = re.compile(r"\$\{(?P<body>[^}]*)\}")
_BODY = re.compile(r"(?P<key>[^,']+)(?:,\s*'(?P<default>[^']*)'\s*)?\Z")


def put_in(value: str, context: Context, version: str) -> str | Unknown | None:
    """Replace the variables of a value; what is put in is literal, wildcards too.

    Returns:
        The value; None when a variable has no single value, so that the value matches nothing; `UNKNOWN` when a
        variable's value is not known.
    """
    if "${" not in value or version == DEFAULT_VERSION:
        return value
    parts: list[str] = []
    end = 0
    unknown = False
    # Behind the last brace there is no variable; looking for one from every `${` there would take forever.
    for found in _VARIABLE.finditer(value, 0, value.rfind("}") + 1):
        parts.append(value[end : found.start()])
        end = found.end()
        if found["body"] in ("*", "?", "$"):
            parts.append(literal(found["body"]))
            continue
        body = _BODY.match(found["body"])
        if body is None:
            return None
        values = context.find(body["key"].strip())
        if values is UNKNOWN:
            unknown = True
        elif len(values) == 1:
            parts.append(literal(values[0]))
        elif not values and body["default"] is not None:
            parts.append(literal(body["default"]))
        else:
            return None
    return UNKNOWN if unknown else "".join(parts) + value[end:]


def _put_in_arn(pattern: str, context: Context, version: str) -> str | Unknown | None:
    """Variables count in the last part of an ARN only."""
    head = pattern.split(":", 5)
    if len(head) != 6 or "${" not in head[5]:
        return pattern
    last = put_in(head[5], context, version)
    return last if last is None or last is UNKNOWN else ":".join([*head[:5], last])


def names_resource(patterns: Sequence[str], resource: str, context: Context, version: str, service: str) -> Truth:
    """Whether one of the patterns of a `Resource` or `NotResource` names the resource, which a service is asked for."""
    result: Truth = False
    for pattern in patterns:
        filled = _put_in_arn(pattern, context, version) if "${" in pattern else pattern
        if filled is UNKNOWN:
            result = None
        elif filled is not None and resource_matches(filled, resource, service):
            return True
    return result


def names_key_of_alias(patterns: Sequence[str], alias: str, context: Context, version: str) -> Truth:
    """Whether one of the patterns names the KMS key of an alias; None where it names some keys that this may be.

    Alias and key are in the same account and Region; a pattern that names the alias does not name the key.
    Source: https://docs.aws.amazon.com/kms/latest/developerguide/alias-authorization.html
    """
    keys = ":".join(literal(alias).split(":", 5)[:5]) + ":key/*"
    result: Truth = False
    for pattern in patterns:
        named = resource_glob(pattern, context, version)
        if named is not None and globs.intersects(named[0], keys):
            if named[1] and globs.includes(named[0], keys):
                return True
            result = None
    return result


def names_action(patterns: Sequence[str], action: str) -> bool:
    """Whether one of the patterns of an `Action` or `NotAction` names the action; `action` in lower case."""
    return any(_action(pattern)(action) for pattern in patterns)


def plain(text: str) -> str:
    """Text as it was before `literal`."""
    return text.replace(_STAR, "*").replace(_QUESTION, "?")


def resource_glob(pattern: str, context: Context, version: str) -> tuple[str, bool] | None:
    """A `Resource` pattern as one glob of `globs`, and whether it names just that: None where it names nothing.

    Otherwise it names at most that: a variable that is not known may stand for anything, and a short ARN for the rest.
    """
    filled = _put_in_arn(pattern, context, version)
    if filled is None:
        return None
    if filled is UNKNOWN:
        return _VARIABLE.sub("*", pattern), False
    return (filled + "*", False) if filled.strip("*") and filled.count(":") < 5 else (filled, True)
