"""The waiver file: TOML of its own, so that a repository can say who may approve changes to it.

Every entry names an owner, who approved it, a reason and a day on which it ends; what does not is refused with file and
line, before anything is asked.
"""

import hashlib
import re
import tomllib
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from recordscan.errors import ConfigError, fault_in_words, faults_in_words
from recordscan.rule import Severity
from recordscan.waiver import MatchKey, Waiver, WaiverKind, Waivers

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

FILE_NAME = "recordscan-waivers.toml"

LEAST_REASON = 20
"""Characters that a reason has at least."""

_Text = Annotated[str, Field(min_length=1, max_length=500)]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class DefaultsSection(_Section):
    """What holds for all entries."""

    max_days: Annotated[int, Field(ge=1, le=3660)] = Field(180, description="days that a waiver may hold at most")
    warn_days: Annotated[int, Field(ge=0, le=366)] = Field(30, description="days before its end that it is expiring")
    allow_glob: bool = Field(False, description="whether `match` may hold patterns, as { glob = ... }")


class GlobSection(_Section):
    """A pattern, with `*`, `?` and `[...]`."""

    glob: _Text


class WaiverSection(_Section):
    """One waiver."""

    id: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,59}$")]
    rule: _Text = Field(description="id of one rule")
    match: dict[MatchKey, _Text | GlobSection] = Field(min_length=1, description="all of it must match")
    severity_at_most: Literal["critical", "high", "medium", "low", "info"] = Field(
        "critical", description="a failure that is worse is not covered"
    )
    kind: WaiverKind
    reason: Annotated[str, Field(min_length=LEAST_REASON, max_length=2000)]
    compensating_controls: list[_Text] = []
    owner: _Text
    requested_by: _Text | None = None
    approved_by: _Text | None = None
    approved_on: date | None = None
    pending: bool = Field(False, description="nobody has approved it yet, so that it has no effect")
    created: date
    expires: date = Field(description="the last day on which it holds, in UTC")
    ticket: _Text | None = None

    @model_validator(mode="after")
    def _sound(self) -> "WaiverSection":
        if self.approved_by is None and not self.pending:
            raise ValueError("approved_by is missing; name who accepts this, or write pending = true")
        if self.approved_by is not None and self.pending:
            raise ValueError("it is pending, but approved_by names somebody")
        if self.approved_by is not None and _same(self.approved_by, self.requested_by or self.owner):
            raise ValueError("approved_by is who asked for it; somebody else must approve")
        if self.expires < self.created:
            raise ValueError("expires is before created")
        return self


def _same(one: str, other: str) -> bool:
    """Whether two names are one person's, however they are written."""
    return one.strip().casefold() == other.strip().casefold()


class WaiverFile(_Section):
    """The whole file."""

    version: Literal[1]
    defaults: DefaultsSection = DefaultsSection()
    waivers: list[WaiverSection] = []


def find_waivers(folder: Path) -> Path | None:
    """The waiver file of a folder, if it has one; parent folders are not searched."""
    path = folder / FILE_NAME
    return path if path.is_file() else None


def holds_waivers(path: Path) -> bool:
    """Whether a file is a waiver file: by its name, or by what it holds, which a broken one does not tell."""
    if path.name.endswith("waivers.toml"):
        return True
    try:
        return "waivers" in tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False


def load_waivers(path: Path, rules: Mapping[str, str], *, today: date | None = None) -> Waivers:
    """Read and check a waiver file.

    Args:
        path: The file.
        rules: Every id that a rule has or had → the id that it has now.
        today: The day in UTC, for which no entry may be made in advance; that of the clock where None.

    Raises:
        ConfigError: It cannot be read, or an entry is not sound; names file and line.
    """
    try:
        raw = path.read_bytes()
        text = raw.decode("utf-8")
        document = tomllib.loads(text)
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ConfigError(f"{path}: is not UTF-8 text") from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path}: is no valid TOML: {error}") from None
    lines = entry_lines(text)
    try:
        file = WaiverFile.model_validate(document)
    except ValidationError as error:
        raise ConfigError(_sentence(path, error, document, lines)) from None
    entries = tuple(
        _waiver(section, lines[i] if i < len(lines) else None, rules) for i, section in enumerate(file.waivers)
    )
    for waiver, section in zip(entries, file.waivers, strict=True):
        objection = _objection(waiver, section, file.defaults, rules, entries)
        objection = objection or _too_early(section, today or datetime.now(UTC).date())
        if objection is not None:
            raise ConfigError(f"{path}:{waiver.line or ''}: waiver {waiver.id}: {objection}")
    return Waivers(
        entries=entries,
        warn_days=file.defaults.warn_days,
        file=path.name,
        sha256=hashlib.sha256(raw).hexdigest(),
        notices=tuple(
            f"the waiver {waiver.id} names the rule {section.rule}, which is called {waiver.rule} now"
            for waiver, section in zip(entries, file.waivers, strict=True)
            if section.rule != waiver.rule
        ),
    )


def waivers_schema() -> dict[str, Any]:
    """JSON Schema of the waiver file."""
    schema = WaiverFile.model_json_schema()
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "urn:recordscan:schema:waivers:1",
        **schema,
    }


def entry_lines(text: str) -> list[int]:
    """Numbers of the lines at which entries begin, from 1."""
    return [i for i, line in enumerate(text.splitlines(), start=1) if re.match(r"\s*\[\[\s*waivers\s*\]\]", line)]


def _waiver(section: WaiverSection, line: int | None, rules: Mapping[str, str]) -> Waiver:
    rule = rules.get(section.rule, section.rule)
    return Waiver(
        id=section.id,
        rule=rule,
        match={key: value.glob if isinstance(value, GlobSection) else value for key, value in section.match.items()},
        globs=frozenset(key for key, value in section.match.items() if isinstance(value, GlobSection)),
        severity_at_most=Severity(section.severity_at_most),
        kind=section.kind,
        reason=section.reason,
        owner=section.owner,
        requested_by=section.requested_by,
        approved_by=section.approved_by,
        approved_on=section.approved_on,
        created=section.created,
        expires=section.expires,
        ticket=section.ticket,
        compensating_controls=tuple(section.compensating_controls),
        line=line,
        former=tuple(name for name, current in rules.items() if current == rule and name != rule),
    )


def _objection(
    waiver: Waiver,
    section: WaiverSection,
    defaults: DefaultsSection,
    rules: Mapping[str, str],
    entries: tuple[Waiver, ...],
) -> str | None:
    """What is wrong with an entry beyond its form, in a sentence; None for nothing."""
    if waiver.rule not in rules:
        return f"there is no rule {waiver.rule!r}; a waiver names one rule, without wildcards"
    if sum(other.id == waiver.id for other in entries) > 1:
        return "another waiver has the same id"
    if waiver.globs and not defaults.allow_glob:
        return "match has a pattern, which [defaults] allow_glob = true must allow"
    if section.expires > section.created + timedelta(days=defaults.max_days):
        return f"it holds for more than max_days, which is {defaults.max_days}"
    return None


def _too_early(section: WaiverSection, today: date) -> str | None:
    """Which day of an entry has not come yet, in a sentence; east of Greenwich it may be tomorrow already."""
    for name, day in (("created", section.created), ("approved_on", section.approved_on)):
        if day is not None and day > today + timedelta(days=1):
            return f"{name} is {day}, which has not come yet; a waiver holds from the day on which it is made"
    return None


def _sentence(path: Path, error: ValidationError, document: dict[str, Any], lines: list[int]) -> str:
    """Everything that is wrong with the first entry that is not sound, or with the file around the entries."""
    faults = error.errors()
    where = faults[0]["loc"][:2]
    if where[0] != "waivers" or len(where) < 2 or not isinstance(where[1], int):
        return f"{path}: {faults_in_words([f'{_place(fault)}: {_fault(fault)}' for fault in faults])}"
    index = where[1]
    line = lines[index] if index < len(lines) else ""
    entry = document["waivers"][index]
    label = (entry.get("id") if isinstance(entry, dict) else None) or f"#{index + 1}"
    own = [_of_entry(fault) for fault in faults if fault["loc"][:2] == where]
    return f"{path}:{line}: waiver {label}: {faults_in_words(own)}"


def _place(fault: "ErrorDetails") -> str:
    return ".".join(str(step) for step in fault["loc"])


def _of_entry(fault: "ErrorDetails") -> str:
    place = ".".join(str(step) for step in fault["loc"][2:3])
    return f"{place}: {_fault(fault)}" if place else _fault(fault)


def _fault(fault: "ErrorDetails") -> str:
    if fault["type"] == "extra_forbidden":
        return "is not known"
    if fault["type"] == "string_pattern_mismatch":
        return "must be a name of letters, digits, dots, hyphens and underscores, at most 60"
    if fault["type"] == "too_short":
        return f"must name at least one of {', '.join(get_args(MatchKey))}"
    return fault_in_words(fault)


def pruned(text: str, lines: set[int]) -> str:
    """The text of a waiver file without the entries that begin at some lines, counted from 1.

    An entry ends where the next one begins, with the comments in between.
    """
    kept: list[str] = []
    dropping = False
    for number, line in enumerate(text.splitlines(keepends=True), start=1):
        if re.match(r"\s*\[", line) and not re.match(r"\s*\[\s*waivers\.", line):
            dropping = number in lines
        if not dropping:
            kept.append(line)
    return "".join(kept)
