"""Text that any format can carry: whatever does not show spelled out, too long texts cut, resources as paths."""

import re
from collections.abc import Iterable
from dataclasses import fields, is_dataclass, replace
from datetime import datetime
from enum import Enum
from typing import Any, TypeVar
from urllib.parse import quote

from recordscan.estate.arn import parse_arn
from recordscan.facts import Citation
from recordscan.result import AccessGap, AccessRecord, Evidence, FrameworkRecord, RuleRecord, ScanResult
from recordscan.visible import visible

T = TypeVar("T")

_NOT_SHOWN = (AccessRecord, AccessGap, Citation, FrameworkRecord)

ELLIPSIS = "…"

_SEGMENT_LENGTH = 200
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z\Z", re.ASCII)
_LINK = re.compile(r"https://[A-Za-z0-9.-]+(:\d+)?(/[A-Za-z0-9._~:/?#@!$&'()*+,;=%-]*)?\Z", re.ASCII)


def spelled_out(result: ScanResult) -> ScanResult:
    """The result with every text passed through `visible()`, so that no format has to think of it.

    Line breaks stay only in a rule's rationale and remediation, which are written in Markdown. What is asked and
    answered is left alone: no format but the canonical one shows it.
    """
    spelled: ScanResult = _spelled_out(result)
    return spelled


def _spelled_out(value: Any) -> Any:
    if isinstance(value, str):
        return value if isinstance(value, Enum) else visible(value)
    if isinstance(value, (list, tuple)):
        items = [_spelled_out(item) for item in value]
        return value if all(new is old for new, old in zip(items, value, strict=True)) else type(value)(items)
    if isinstance(value, dict):
        return {visible(str(key)): _spelled_out(item) for key, item in value.items()}
    if isinstance(value, _NOT_SHOWN) or not is_dataclass(value) or isinstance(value, type):
        return value
    kept = ("answer", "request") if isinstance(value, Evidence) else ()
    prose = ("rationale", "remediation") if isinstance(value, RuleRecord) else ()
    changes = {}
    for field in fields(value):
        old = getattr(value, field.name)
        new = old if field.name in kept else spell_lines(old) if field.name in prose else _spelled_out(old)
        if new is not old:
            changes[field.name] = new
    return replace(value, **changes) if changes else value


def spell_lines(text: str) -> str:
    """Make a text visible line by line."""
    return "\n".join(map(visible, text.split("\n")))


def shorten(text: str, limit: int) -> str:
    """Cut a text to at most `limit` characters, and show that it was cut."""
    return text if len(text) <= limit else text[: limit - 1].rstrip() + ELLIPSIS


def one_line(text: str) -> str:
    """A text of several lines in one."""
    return " ".join(text.split())


def joined(parts: Iterable[str | None], separator: str = "; ") -> str | None:
    """Different texts as one, each once and in order; None where there is none."""
    return separator.join(dict.fromkeys(part for part in parts if part)) or None


def present(members: dict[str, T]) -> dict[str, T]:
    """The members that say something: without None, "", [], () and {}."""
    return {name: value for name, value in members.items() if value is not None and value not in ("", [], (), {})}


def moment(text: str) -> str | None:
    """A time as RFC 3339 has it; None for text that is none."""
    if _MOMENT.match(text) is None:
        return None
    try:
        datetime.fromisoformat(text)
    except ValueError:  # such as a month 13
        return None
    return text


def milliseconds(text: str) -> int:
    """A time of a scan in milliseconds since 1970; 0 for text that is none."""
    return round(datetime.fromisoformat(text).timestamp() * 1000) if moment(text) else 0


def link(text: str) -> str | None:
    """A web address that any reader takes; None for text that is none."""
    return text if _LINK.match(text) else None


def virtual_path(uid: str, *, provider: str, account: str | None, region: str | None) -> str:
    """A relative path that stands for a resource where a format wants a file: `cloud/aws/ACCOUNT/REGION/s3/NAME`.

    Percent-encoded, without scheme, query, empty or dot segments, so it is a relative reference of RFC 3986 whatever
    the name. What is not known is `-`, what is in no Region `global`.
    """
    arn = parse_arn(uid)
    if arn is None:
        return _path(("cloud", provider, account or "-", region or "global", uid.removeprefix(f"{provider}:")))
    return _path(("cloud", "aws", arn.account or "-", arn.region or "global", arn.service, arn.resource))


def _path(parts: Iterable[str]) -> str:
    segments = (segment for part in parts for segment in part.split("/"))
    return "/".join(_segment(segment) for segment in segments)


def _segment(text: str) -> str:
    # A dot segment would lead to another path, and an empty one is dropped by some readers.
    name = f"_{text}" if text in ("", ".", "..") else shorten(text, _SEGMENT_LENGTH)
    return quote(visible(name), safe="")
