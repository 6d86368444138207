"""Reading observations as facts, and JSON as typed values. All functions are pure."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Generic, Protocol, TypeVar

from recordscan.facts import (
    Citation,
    Fact,
    Json,
    Known,
    Reason,
    Unavailable,
    derive,
    evidence_trail,
    need,
    pluck,
    unavailable,
)
from recordscan.observation import Observation, ObservationOutcome, observation_key
from recordscan.policy.documents import PolicyDocument, load_policy

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class Observations(Protocol):
    """Where observations can be looked up: a snapshot, or a collection that is still growing."""

    @property
    def interrupted(self) -> bool: ...

    def find(self, key: str) -> Observation | None: ...


@dataclass(frozen=True, slots=True)
class Answers:
    """The observations of one scan, read as facts.

    Attributes:
        observations: The observations.
        closed: Why nothing can be read, of an account into which the scan has no way; None where it has.
    """

    observations: Observations
    closed: Unavailable | None = None
    _kept: dict[str, Known[Any]] = field(default_factory=dict, repr=False, compare=False)

    def read(self, operation: str, account: str | None, *, region: str | None = None, **request: Json) -> Fact[Json]:
        """The answer of one call.

        A definitive "there is none" is `Known(None)`. A call that failed is `Unavailable` with its reason and the
        permission that was missing; so is one that this scan never made.
        """
        observation = self.observations.find(observation_key(operation, account, region, request))
        if observation is None and self.closed is not None:
            return self.closed
        if observation is None:
            if self.observations.interrupted:
                return Unavailable(Reason.NOT_ASKED, f"the scan was stopped before it asked {operation}")
            return Unavailable(Reason.NOT_SELECTED, f"{operation} was not asked in this scan")
        return read_answer(observation)

    def once(self, name: str, read: Callable[[], Fact[T]]) -> Fact[T]:
        """A fact that takes long to read, and is asked for often: what is known once is kept, as no answer changes.

        Args:
            name: What to keep it by.
            read: Reads it.
        """
        if name not in self._kept:
            fact = read()
            if isinstance(fact, Unavailable):
                return fact
            self._kept[name] = fact
        return self._kept[name]


def read_answer(observation: Observation) -> Fact[Json]:
    """What one observation says."""
    source = (Citation(observation.id),)
    if observation.outcome is ObservationOutcome.FAILED:
        error = observation.error
        reason = error.reason if error else Reason.FAILED
        says = f"{error.code}: {error.message}" if error else "no answer"
        return Unavailable(reason, f"{observation.operation} answered {says}", source, observation.permission)
    return Known(observation.answer, source)


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing(Generic[T_co]):
    """What a paginated list gave.

    Attributes:
        items: In the order of the answer.
        whole: Known to be True when the list was walked to its end; unavailable when it stopped at the page cap. A rule
            that found nothing must need this before it may pass.
    """

    items: tuple[T_co, ...]
    whole: Fact[bool]


def listing(fact: Fact[Json], member: str, parse: Callable[[Fact[Json]], T]) -> Fact[Listing[T]]:
    """Read a list answer; `parse` gets each row as a fact that points into the answer."""

    def compute() -> Listing[T]:
        answer = need(fact)
        if answer is None:
            return Listing(items=(), whole=Known(True, fact.source))
        rows = need(pluck(fact, member)) or []
        if not isinstance(rows, list):
            unavailable(Reason.MALFORMED, f"the answer's member {member!r} is no list")
        source = fact.source
        whole: Fact[bool] = Known(True, source)
        if answer.get("truncated"):
            whole = Unavailable(Reason.UNDECIDABLE, f"the list of {member} was cut at the page limit", source)
        with evidence_trail():  # the list as a whole is the evidence, not each member of each row
            items = tuple(parse(pluck(fact, member, i)) for i in range(len(rows)))
        return Listing(items=items, whole=whole)

    return derive(compute)


def text(fact: Fact[Json]) -> Fact[str | None]:
    """A string or null; an empty or blank string counts as null, as consoles save it so."""
    if isinstance(fact, Unavailable):
        return fact
    if fact.value is None or (isinstance(fact.value, str) and not fact.value.strip()):
        return Known(None, fact.source)
    if isinstance(fact.value, str):
        return Known(fact.value, fact.source)
    return _malformed(fact, "a string")


def flag(fact: Fact[Json]) -> Fact[bool]:
    """A boolean; null counts as False, as unset switches are null."""
    if isinstance(fact, Unavailable):
        return fact
    if fact.value is None or isinstance(fact.value, bool):
        return Known(bool(fact.value), fact.source)
    return _malformed(fact, "a boolean")


def integer(fact: Fact[Json]) -> Fact[int | None]:
    """A whole number or null; Twilio writes some numbers as strings."""
    if isinstance(fact, Unavailable):
        return fact
    value = fact.value
    if value is None or (isinstance(value, int) and not isinstance(value, bool)):
        return Known(value, fact.source)
    if isinstance(value, str) and re.fullmatch(r"-?\d{1,20}", value):
        return Known(int(value), fact.source)
    return _malformed(fact, "a whole number")


def moment(fact: Fact[Json]) -> Fact[datetime]:
    """A date and time as an aware UTC datetime: ISO 8601, with or without fractions and offset, or RFC 2822."""
    if isinstance(fact, Unavailable):
        return fact
    try:
        return Known(parse_moment(str(fact.value)), fact.source)
    except ValueError:
        return _malformed(fact, "a date and time")


def parse_moment(value: str) -> datetime:
    """Parse ISO 8601 or RFC 2822; a time without an offset is UTC.

    Raises:
        ValueError: It is neither.
    """
    try:
        parsed = datetime.fromisoformat(value)
    except ValueError:
        parsed = parsedate_to_datetime(value)
    return parsed.replace(tzinfo=UTC) if parsed.tzinfo is None else parsed.astimezone(UTC)


def rows(fact: Fact[Json], *path: str) -> list[Fact[Json]]:
    """The rows of a list inside an answer, each a fact; [] where the answer has none.

    Raises:
        Missing: The answer is unavailable or has no list there (`malformed`).
    """
    inner = pluck(fact, *path)
    value = need(inner)
    if value is None:
        return []
    if not isinstance(value, Sequence) or isinstance(value, str):
        unavailable(Reason.MALFORMED, f"the answer's member {'/'.join(path)!r} is no list")
    return [pluck(inner, i) for i in range(len(value))]


def mapping(fact: Fact[Json]) -> Mapping[str, Json]:
    """Need a JSON object.

    Raises:
        Missing: It is unavailable or no object (`malformed`).
    """
    value = need(fact)
    if not isinstance(value, Mapping):
        unavailable(Reason.MALFORMED, "the answer is no JSON object")
    return value


def read_policy(answer: Fact[Json]) -> PolicyDocument | None:
    """Read the resource policy of an answer; None where there is none.

    Raises:
        Missing: It is unavailable, or no JSON object (`malformed`): what it grants and denies cannot be told then.
    """
    document = need(pluck(answer, "Policy"))
    if isinstance(answer, Known) and answer.value is None:
        return None
    if not isinstance(document, str):
        unavailable(Reason.MALFORMED, "the answer has no policy text")
    policy = load_policy(document, kind="resource")
    if policy.unreadable:
        unavailable(Reason.MALFORMED, f"the policy cannot be read: {policy.defects[0].message}")
    return policy


def settle_grants(policy: PolicyDocument, what: str) -> None:
    """End a computation unless it is clear what every statement of a policy allows.

    Args:
        policy: A resource policy.
        what: How to name it, such as `the bucket policy`.

    Raises:
        Missing: A statement may allow something, it is not clear what (`malformed`).
    """
    if policy.unclear_grants:
        labels = ", ".join(statement.label for statement in policy.unclear_grants)
        unavailable(Reason.MALFORMED, f"what {what} allows cannot be told, as a statement has a defect: {labels}")


def _malformed(fact: Known[Json], wanted: str) -> Unavailable:
    pointer = fact.source[0].pointer if fact.source else ""
    return Unavailable(Reason.MALFORMED, f"the answer's {pointer or 'value'} is not {wanted}", fact.source)
