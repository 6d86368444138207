"""Remedies: the API calls that mend a fault, as data. recordscan prints them for people to review; it sends none.

A setting that an API replaces as a whole, such as a bucket policy, is held as the document that was read and the edits
to it. So the remedies of several rules for one document can be joined, and no statement of others gets lost.
"""

import copy
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Literal, NoReturn, TypeAlias

from recordscan.facts import Json


class Order(StrEnum):
    """When a step is safe to take: those of an earlier class come first.

    `restore` ends a loss that is going on. `prepare` makes what others rest on, unnoticed by those who use things.
    `grant` lets in who will be needed. `change` sets things otherwise. `deny` refuses requests that were answered
    before. `remove` takes away access, credentials or data.
    """

    RESTORE = "restore"
    PREPARE = "prepare"
    GRANT = "grant"
    CHANGE = "change"
    DENY = "deny"
    REMOVE = "remove"

    @property
    def rank(self) -> int:
        """0 for what comes first."""
        return list(Order).index(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """One change of a document.

    Attributes:
        action: `set` a member, `add` to a list, or `remove` a member or an item.
        path: JSON Pointer (RFC 6901) into the document as it was read, whatever other edits do; that of the list for
            `add`. What is missing on the way is made.
        value: The new member or item; None for `remove`.
    """

    action: Literal["set", "add", "remove"]
    path: str
    value: Json = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A setting that its API replaces as a whole.

    Attributes:
        parameter: Parameter of the operation that holds it; "" where its members are parameters themselves.
        as_text: Whether the API takes it as JSON text.
        current: As it was read; an empty object where there was none.
        edits: What to change.
    """

    parameter: str
    as_text: bool
    current: Json
    edits: tuple[Edit, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """A part of an operation's answer that later steps need, as `reference(name)` in their parameters.

    Attributes:
        name: Upper-case letters, digits and underscores.
        path: Members down to it, joined by dots, such as `KeyMetadata.Arn`.
    """

    name: str
    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One API call.

    Attributes:
        operation: `service:ApiName`, such as `s3:PutBucketVersioning`.
        does: What it does, as a clause without a subject: `switches versioning of the bucket media on`.
        order: When it is safe.
        account: AWS account id or Twilio account SID on whose behalf it is called.
        region: Region of the service; None where it has none.
        parameters: As boto3 takes them, less the document.
        warnings: What it breaks if it is taken blindly, one sentence each.
        document: The document that it replaces; None for none.
        output: What later steps take out of the answer; None for nothing.
    """

    operation: str
    does: str
    order: Order
    account: str | None
    region: str | None
    parameters: dict[str, Json]
    warnings: tuple[str, ...] = ()
    document: Document | None = None
    output: Output | None = None

    def request(self) -> tuple[str, dict[str, Json]]:
        """The operation and all its parameters. A policy of which no statement is left is deleted instead.

        Raises:
            ConflictError: The edits contradict each other, or do not fit the document.
        """
        document = self.document
        if document is None:
            return self.operation, dict(self.parameters)
        value = edited(document.current, document.edits)
        if self.operation in _DELETES and not value.get("Statement"):
            return _DELETES[self.operation], dict(self.parameters)
        if not document.parameter:
            return self.operation, {**self.parameters, **value}
        return self.operation, {
            **self.parameters,
            document.parameter: json.dumps(_conventional(value)) if document.as_text else value,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Remedy:
    """What mends one failed check.

    Attributes:
        steps: In a safe order; () where a person must act.
        by_hand: Why there are no steps, as a clause; None where there are.
    """

    steps: tuple[Step, ...] = ()
    by_hand: str | None = None


Mend: TypeAlias = Callable[..., Iterable[Step]]
"""Takes the subject of a failed check and, where it has a second parameter, the profile, and yields the steps."""


class ByHand(Exception):
    """Raised by `by_hand()`; caught by the engine only."""


class ConflictError(ValueError):
    """Edits contradict each other, or do not fit their document."""


def by_hand(why: str) -> NoReturn:
    """End a remedy: no call can mend this, or a person must decide first, for the reason given as a clause."""
    raise ByHand(why)


def reference(name: str) -> str:
    """Stands in a parameter for the output of an earlier step."""
    return f"{{recordscan:{name}}}"


def pointer(*steps: str | int) -> str:
    """A JSON Pointer."""
    return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in steps)


def edited(current: Json, edits: Iterable[Edit]) -> Json:
    """A document with edits; the paths of all edits are those of the document before any of them.

    An object of a policy that loses its principals, actions or resources is removed with them: without these it would
    be refused, or mean something else.

    Raises:
        ConflictError: Two edits set one place to different values, or a path leads through something that is no
            container, or to nothing that could be removed.
    """
    document = copy.deepcopy(current)
    placed: dict[str, Json] = {}
    added: dict[str, list[Json]] = {}
    for edit in edits:
        if edit.action == "add":
            items = added.setdefault(edit.path, [])
            if edit.value not in items:
                items.append(edit.value)
            continue
        value = _GONE if edit.action == "remove" else edit.value
        if edit.path in placed and placed[edit.path] is not value and placed[edit.path] != value:
            raise ConflictError(f"two remedies change {edit.path} in different ways")
        placed[edit.path] = value
    for path, value in sorted(placed.items(), key=_turn):
        _place(document, path, copy.deepcopy(value) if value is not _GONE else value)
    for path, items in added.items():
        _append(document, path, items)
    return _swept(document)


def joined(steps: Sequence[Step]) -> Step:
    """Steps that replace one document, as one step with all their edits; the order is that of the last.

    Raises:
        ConflictError: They contradict each other, or rest on different documents.
    """
    first = steps[0]
    documents = [step.document for step in steps if step.document is not None]
    if len(documents) != len(steps) or any(d.current != documents[0].current for d in documents):
        raise ConflictError(f"two remedies of {first.operation} rest on different settings")
    edits = tuple(unique(edit for document in documents for edit in document.edits))
    edited(documents[0].current, edits)
    return replace(
        first,
        does=_all_done(steps),
        order=max((step.order for step in steps), key=lambda order: order.rank),
        warnings=tuple(dict.fromkeys(warning for step in steps for warning in step.warnings)),
        document=replace(documents[0], edits=edits),
    )


def _all_done(steps: Sequence[Step]) -> str:
    """What steps do together; what they do it to, behind the last colon, once."""
    parts = [step.does.rpartition(": ") for step in steps]
    if len({what for _, _, what in parts}) > 1:
        return ", and ".join(dict.fromkeys(step.does for step in steps))
    return ", and ".join(dict.fromkeys(does for does, _, _ in parts)) + f": {parts[0][2]}"


def unique(edits: Iterable[Edit]) -> Iterator[Edit]:
    """Edits without those that stand there already; values are JSON, which cannot be hashed."""
    seen: list[Edit] = []
    for edit in edits:
        if edit not in seen:
            seen.append(edit)
            yield edit


_DELETES = {
    "s3:PutBucketPolicy": "s3:DeleteBucketPolicy",
    "iam:PutUserPolicy": "iam:DeleteUserPolicy",
    "iam:PutGroupPolicy": "iam:DeleteGroupPolicy",
}
"""AWS refuses policies without statements."""

_ESSENTIAL = ("Principal", "Action", "Resource")


_CONVENTION = ("Version", "Id", "Statement", "Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction")
"""The order in which people write the elements of a policy; the others follow as they come."""


def _conventional(value: Json) -> Json:
    if isinstance(value, list):
        return [_conventional(item) for item in value]
    if not isinstance(value, dict):
        return value
    names = sorted(value, key=lambda name: _CONVENTION.index(name) if name in _CONVENTION else len(_CONVENTION))
    return {name: _conventional(value[name]) for name in names}


class _Gone:
    """Stands for what is removed, so that the places of its neighbours stay until all edits are made."""


_GONE = _Gone()


def _turn(item: tuple[str, Json]) -> tuple[bool, int]:
    """What is removed comes last and the innermost first, so that every edit finds its place."""
    path, value = item
    depth = path.count("/")
    return value is _GONE, -depth if value is _GONE else depth


def _steps(path: str) -> list[str]:
    return [step.replace("~1", "/").replace("~0", "~") for step in path.split("/")[1:]]


def _descend(container: Json, step: str, path: str) -> Json:
    if isinstance(container, dict):
        return container.setdefault(step, {})
    if isinstance(container, list) and step.isdecimal() and int(step) < len(container):
        return container[int(step)]
    raise ConflictError(f"the document has no place {path}")


def _place(document: Json, path: str, value: Json) -> None:
    *steps, last = _steps(path)
    container = document
    for step in steps:
        container = _descend(container, step, path)
    if isinstance(container, list) and last.isdecimal() and int(last) < len(container):
        container[int(last)] = value
    elif isinstance(container, dict) and (value is not _GONE or last in container):
        container[last] = value
    else:
        raise ConflictError(f"the document has no place {path}")


def _append(document: Json, path: str, items: list[Json]) -> None:
    *steps, last = _steps(path)
    container = document
    for step in steps:
        container = _descend(container, step, path)
    if not isinstance(container, dict) or not isinstance(container.setdefault(last, []), list):
        raise ConflictError(f"the document has no list {path}")
    container[last] += [copy.deepcopy(item) for item in items if item not in container[last]]


def _swept(value: Json) -> Json:
    """The value without what is gone; gone itself where nothing or too little is left."""
    if isinstance(value, list):
        return [kept for item in value if (kept := _swept_item(item)) is not _GONE]
    if isinstance(value, dict):
        return {name: kept for name, item in value.items() if (kept := _swept_item(item)) is not _GONE}
    return value


def _swept_item(value: Json) -> Json:
    kept = _swept(value)
    if isinstance(value, (list, dict)) and value and not kept:
        return _GONE if isinstance(value, dict) or _GONE in value else kept
    if isinstance(value, dict) and any(name in value and name not in kept for name in _ESSENTIAL):
        return _GONE
    return kept
