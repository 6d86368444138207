"""Answers as lines of JSON, with the decisive places marked and the rest of a large answer left out."""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from recordscan.facts import Json

CONTEXT_LINES = 3
SHOWN_LINES = 60
SHOWN_CHARACTERS = 4000

_MAX_DEPTH = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line of an excerpt.

    Attributes:
        indent: Leading spaces.
        text: The line without indent and comma.
        comma: "," or "".
        decisive: A cited value begins here: mark the text.
        inside: The line belongs to a cited object or list that began above.
        missing: Members that were looked for in the object that begins here, and are not there.
        left_out: Number of lines that stand here in the answer and are not shown; then the rest is empty.
    """

    indent: str = ""
    text: str = ""
    comma: str = ""
    decisive: bool = False
    inside: bool = False
    missing: tuple[str, ...] = ()
    left_out: int = 0


class Answer:
    """The lines of one answer, and where each value in it begins and ends."""

    def __init__(self, value: Json) -> None:
        self._lines: list[tuple[str, str, str]] = []
        self._places: dict[str, tuple[int, int]] = {}
        self._append(value, pointer="", key="", comma="", depth=0)

    def __len__(self) -> int:
        return len(self._lines)

    def excerpt(self, pointers: Iterable[str], *, context: int = CONTEXT_LINES, limit: int = SHOWN_LINES) -> list[Line]:
        """Show the lines around the cited places: the whole answer where it is short, else the neighbourhoods.

        Args:
            pointers: JSON Pointers (RFC 6901). One to a member that is not there marks its nearest container.
            context: Lines to show on both sides of a cited place.
            limit: Lines that are shown at most, gaps not counted.
        """
        cited: dict[int, int] = {}
        missing: dict[int, list[str]] = {}
        for pointer in pointers:
            place, absent = self._find(pointer)
            first, last = self._places[place]
            if absent:
                missing.setdefault(first, []).append(absent)
            else:
                cited[first] = max(last, cited.get(first, first))
        inside = {line for first, last in cited.items() for line in range(first + 1, last + 1)}
        wanted = self._wanted({*cited, *missing, *inside}, context, limit)
        return list(self._show(wanted, cited.keys(), inside, missing))

    def _find(self, pointer: str) -> tuple[str, str]:
        """The longest part of a pointer that leads to a value, and the rest."""
        place = pointer
        while place not in self._places:
            place = place.rpartition("/")[0]
        return place, pointer[len(place) :].lstrip("/").replace("~1", "/").replace("~0", "~")

    def _wanted(self, marked: set[int], context: int, limit: int) -> list[int]:
        if len(self._lines) <= limit:
            return list(range(len(self._lines)))
        if not marked:
            return list(range(limit))
        wanted: set[int] = set()
        for line in sorted(marked):
            wanted.update(range(max(0, line - context), min(len(self._lines), line + context + 1)))
            if len(wanted) >= limit:
                break
        return sorted(wanted)

    def _show(
        self, wanted: Sequence[int], cited: Iterable[int], inside: set[int], missing: dict[int, list[str]]
    ) -> Iterator[Line]:
        cited = set(cited)
        before = -1
        for at in wanted:
            if at > before + 1:
                yield Line(left_out=at - before - 1)
            indent, text, comma = self._lines[at]
            yield Line(
                indent=indent,
                text=_shorten(text),
                comma=comma,
                decisive=at in cited,
                inside=at in inside,
                missing=tuple(missing.get(at, ())),
            )
            before = at
        if before + 1 < len(self._lines):
            yield Line(left_out=len(self._lines) - before - 1)

    def _append(self, value: Json, *, pointer: str, key: str, comma: str, depth: int) -> None:
        first = len(self._lines)
        indent = "  " * depth
        if isinstance(value, (dict, list)) and value and depth < _MAX_DEPTH:
            opening, closing = "{}" if isinstance(value, dict) else "[]"
            self._lines.append((indent, key + opening, ""))
            members = list(_members(value))
            for number, (step, name, member) in enumerate(members, 1):
                more = "," if number < len(members) else ""
                self._append(member, pointer=f"{pointer}/{step}", key=name, comma=more, depth=depth + 1)
            self._lines.append((indent, closing, comma))
        else:
            self._lines.append((indent, key + json.dumps(value, ensure_ascii=False), comma))
        self._places[pointer] = (first, len(self._lines) - 1)


def _members(value: Json) -> Iterator[tuple[str, str, Json]]:
    if isinstance(value, dict):
        for key in sorted(value):
            step = key.replace("~", "~0").replace("/", "~1")
            yield step, json.dumps(key, ensure_ascii=False) + ": ", value[key]
    else:
        for number, member in enumerate(value):
            yield str(number), "", member


def _shorten(text: str) -> str:
    if len(text) <= SHOWN_CHARACTERS:
        return text
    return f"{text[:SHOWN_CHARACTERS]}… ({len(text) - SHOWN_CHARACTERS:,} more characters)"
