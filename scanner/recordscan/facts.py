"""Facts: values that are known with their evidence, or honestly unavailable.

A fact is `Known(value, source)` or `Unavailable(reason, detail, …)`. It has no attributes of its own, so a type checker
rejects code that forgets to ask whether it is known. `need()` is the one door: it returns a known value and notes its
source on the current trail, or ends the computation as unavailable. The same door serves the joins (`derive`) and the
rules (the engine), so each verdict carries the observations that it rests on without a rule's author doing anything.
"""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Generic, NoReturn, TypeAlias, TypeVar

log = logging.getLogger(__name__)

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

Json: TypeAlias = Any
"""A JSON value as parsed: None, bool, int, float, str, list or dict. `Any` only here, at the edge."""


class Reason(StrEnum):
    """Why a fact is not available."""

    ACCESS_DENIED = "access_denied"
    NOT_FOUND = "not_found"
    NOT_CONFIGURED = "not_configured"
    THROTTLED = "throttled"
    UNREACHABLE = "unreachable"
    CREDENTIALS_EXPIRED = "credentials_expired"
    NOT_SELECTED = "not_selected"
    NOT_ASKED = "not_asked"
    UNDECIDABLE = "undecidable"
    MALFORMED = "malformed"
    FAILED = "failed"
    INTERNAL_ERROR = "internal_error"


@dataclass(frozen=True, slots=True)
class Citation:
    """One place in one observation that a value was read from.

    Attributes:
        observation: Id of the observation (`ev-…`).
        pointer: JSON Pointer (RFC 6901) into its answer; "" is the whole answer.
    """

    observation: str
    pointer: str = ""


Source: TypeAlias = tuple[Citation, ...]


def whole_answers(source: Source) -> Source:
    """The answers that a source is about, each once and as a whole: where single places would be too many."""
    return tuple(Citation(observation) for observation in dict.fromkeys(place.observation for place in source))


class FactMisuseError(TypeError):
    """A fact was used like its value, without asking whether it is known: a mistake in a rule."""

    def __init__(self) -> None:
        super().__init__("a fact was compared or tested as if it were its value; read it with need()")


class _Fact:
    """Keeps a fact from passing for its value: `fact == "owned"` would be false and `if fact` true, whatever it is.

    A type checker refuses both by itself, so it is not told of these methods.
    """

    __slots__ = ()

    if not TYPE_CHECKING:

        def __bool__(self) -> bool:
            raise FactMisuseError

        def __eq__(self, other: object) -> bool:
            if not isinstance(other, _Fact):
                raise FactMisuseError
            return type(self) is type(other) and self._parts() == other._parts()

        def __hash__(self) -> int:
            return hash(self._parts())

        def _parts(self) -> tuple[object, ...]:
            return tuple(getattr(self, name) for name in self.__dataclass_fields__)


@dataclass(frozen=True, slots=True, eq=False)
class Known(_Fact, Generic[T_co]):
    """A value and the observations that it was derived from. `Known(None)` is known absence, never ignorance."""

    value: T_co
    source: Source = ()


@dataclass(frozen=True, slots=True, eq=False)
class Unavailable(_Fact):
    """A value that could not be had.

    Attributes:
        reason: Why, in one of the words of `Reason`.
        detail: One sentence for the reader of the report.
        source: The observations that show it (for example the denied call).
        permission: What to grant so that it could be read, such as `s3:GetBucketPolicy`; None where no grant helps.
    """

    reason: Reason
    detail: str
    source: Source = ()
    permission: str | None = None


Fact: TypeAlias = Known[T] | Unavailable


class Missing(Exception):
    """Raised by `need()` for an unavailable fact; caught by `derive` and by the engine only."""

    def __init__(self, fact: Unavailable) -> None:
        super().__init__(fact.detail)
        self.fact = fact


class NotApplicable(Exception):
    """Raised by `not_applicable()`; caught by the engine only."""


Trail: TypeAlias = dict[Citation, None]
"""Citations in order of first use, without duplicates."""

_trail: ContextVar[Trail | None] = ContextVar("recordscan_trail", default=None)


_remarks: ContextVar[list[str] | None] = ContextVar("recordscan_remarks", default=None)


@contextmanager
def remarks() -> Iterator[list[str]]:
    """Collect what is remarked inside the block."""
    said: list[str] = []
    token = _remarks.set(said)
    try:
        yield said
    finally:
        _remarks.reset(token)


@contextmanager
def evidence_trail() -> Iterator[Trail]:
    """Collect the sources of all facts needed inside the block."""
    trail: Trail = {}
    token = _trail.set(trail)
    try:
        yield trail
    finally:
        _trail.reset(token)


def cite(source: Source) -> None:
    """Note a source on the current trail."""
    trail = _trail.get()
    if trail is not None:
        trail.update(dict.fromkeys(source))


def need(fact: Fact[T]) -> T:
    """Return the value of a known fact and note its source as evidence.

    Raises:
        Missing: The fact is unavailable. A rule leaves this to the engine, which makes the outcome `unknown`.
    """
    if isinstance(fact, Unavailable):
        raise Missing(fact)
    cite(fact.source)
    return fact.value


def if_known(fact: Fact[T]) -> T | None:
    """Return the value of a known fact and note its source, or None: for what only adds to a verdict.

    A rule yields the defects that it can see this way, and needs what it could not see before it may pass.
    """
    return need(fact) if isinstance(fact, Known) else None


def remark(text: str) -> None:
    """Say on what a pass rests beside the answers, such as the configuration; the report shows it with the verdict."""
    remarks = _remarks.get()
    if remarks is not None:
        remarks.append(text)


def not_applicable(why: str) -> NoReturn:
    """End a rule: its requirement does not concern this subject, for the reason given."""
    raise NotApplicable(why)


def unavailable(reason: Reason, detail: str, permission: str | None = None) -> NoReturn:
    """End a computation: what it was to find out cannot be had, for the reason given."""
    raise Missing(Unavailable(reason, detail, (), permission))


def derive(compute: Callable[[], T]) -> Fact[T]:
    """Turn a computation that uses `need()` into a fact whose source is everything that it needed."""
    trail: Trail = {}
    token = _trail.set(trail)  # what `evidence_trail` does, which would take longer than most of what is computed
    try:
        value = compute()
    except Missing as missing:
        fact = missing.fact
        source = tuple(dict.fromkeys((*trail, *fact.source)))
        return Unavailable(fact.reason, fact.detail, source, fact.permission)
    except FactMisuseError:
        raise
    except (AttributeError, LookupError, TypeError, ValueError) as error:
        # An answer without the shape that its API documents must not end the scan, and proves nothing.
        log.debug("an answer has an unexpected shape", exc_info=True)
        detail = f"an answer does not have the documented shape ({type(error).__name__})"
        return Unavailable(Reason.MALFORMED, detail, tuple(trail))
    finally:
        _trail.reset(token)
    return Known(value, tuple(trail))


def pluck(fact: Fact[Json], *path: str | int) -> Fact[Json]:
    """Read one member of a JSON fact; the pointer to it becomes the evidence.

    A member that an object does not have is known to be None, as the cloud APIs leave out what is unset. A step into
    something that is no container of the right kind is `malformed`.
    """
    if isinstance(fact, Unavailable):
        return fact
    value: Json = fact.value
    pointer = ""
    for step in path:
        if value is None:
            break
        pointer += "/" + str(step).replace("~", "~0").replace("/", "~1")
        if isinstance(step, str) and isinstance(value, dict):
            value = value.get(step)
        elif isinstance(step, int) and isinstance(value, list):
            value = value[step] if step < len(value) else None
        else:
            return Unavailable(Reason.MALFORMED, f"the answer has no member {pointer}", fact.source)
    source = tuple(Citation(place.observation, place.pointer + pointer) for place in fact.source)
    return Known(value, source)


def places(fact: Fact[object], *members: str) -> Source:
    """The places that a fact was read from, for the evidence of a finding.

    Args:
        fact: Any fact.
        members: Keep only places that end in one of these members; all are kept where none does.
    """
    named = tuple(place for place in fact.source if place.pointer.rpartition("/")[2] in members)
    return named or fact.source


def any_true(*facts: Fact[bool]) -> Fact[bool]:
    """Kleene's "or": True as soon as one is known to be True; False only when all are known to be False."""
    for fact in facts:
        if isinstance(fact, Known) and fact.value:
            return fact
    return derive(lambda: any([need(fact) for fact in facts]))


def all_true(*facts: Fact[bool]) -> Fact[bool]:
    """Kleene's "and": False as soon as one is known to be False; True only when all are known to be True."""
    for fact in facts:
        if isinstance(fact, Known) and not fact.value:
            return fact
    return derive(lambda: all([need(fact) for fact in facts]))
