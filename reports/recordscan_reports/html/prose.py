"""The little Markdown that rules are documented in, as plain data that a template can show safely.

Paragraphs, bullet and numbered lists, fenced code, `code` and **strong** in a line. Anything else stays as written:
no HTML, no links, so a rule of whatever origin cannot put markup into a report.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A piece of a line."""

    kind: Literal["text", "code", "strong"]
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A paragraph (one item), a list (an item each), or code (one item, a span a line)."""

    kind: Literal["paragraph", "bullets", "numbers", "code"]
    items: tuple[tuple[Span, ...], ...]


_SPAN = re.compile(r"``(?P<double>.+?)``|`(?P<code>[^`]+)`|\*\*(?P<strong>[^*]+)\*\*")
_FENCE = re.compile(r"\s*```")
_ITEM = re.compile(r"\s{0,3}(?:(?P<bullet>[-*])|(?P<number>\d{1,3})[.)])\s+(?P<text>.*)")


def parse_prose(markdown: str) -> tuple[Block, ...]:
    """Split Markdown into blocks."""
    return tuple(_blocks(markdown.splitlines()))


def _blocks(lines: list[str]) -> Iterator[Block]:
    at = 0
    while at < len(lines):
        if not lines[at].strip():
            at += 1
        elif _FENCE.match(lines[at]):
            end = at + 1
            while end < len(lines) and not _FENCE.match(lines[end]):
                end += 1
            yield Block(kind="code", items=(tuple(Span(kind="text", text=line) for line in lines[at + 1 : end]),))
            at = end + 1
        else:
            end = at + 1
            is_list = _ITEM.match(lines[at]) is not None
            while end < len(lines) and lines[end].strip() and not _FENCE.match(lines[end]):
                if not is_list and _ITEM.match(lines[end]):
                    break
                end += 1
            yield _list(lines[at:end]) if is_list else _paragraph(lines[at:end])
            at = end


def _paragraph(lines: list[str]) -> Block:
    return Block(kind="paragraph", items=(_spans(" ".join(line.strip() for line in lines)),))


def _list(lines: list[str]) -> Block:
    items: list[str] = []
    numbered = False
    for line in lines:
        if match := _ITEM.match(line):
            numbered = numbered or match["number"] is not None
            items.append(match["text"])
        else:
            items[-1] += " " + line.strip()
    return Block(kind="numbers" if numbered else "bullets", items=tuple(_spans(item) for item in items))


def _spans(text: str) -> tuple[Span, ...]:
    spans: list[Span] = []
    at = 0
    for match in _SPAN.finditer(text):
        if match.start() > at:
            spans.append(Span(kind="text", text=text[at : match.start()]))
        code = match["double"] or match["code"]
        spans.append(Span(kind="code", text=code) if code else Span(kind="strong", text=match["strong"]))
        at = match.end()
    if at < len(text):
        spans.append(Span(kind="text", text=text[at:]))
    return tuple(spans)
