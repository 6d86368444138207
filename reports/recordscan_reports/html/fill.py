"""HTML with places to fill, written once: Python fills it for the page, the script of the page for what is opened.

A form is HTML in which `$name` in a text or an attribute stands for a value of that name. An element with
`data-if="name"` (or `data-if="!name"`) is there only if the value is (or is not) something, and one with
`data-each="name"` is there once for each item of a list, whose members are names inside of it (`$it` is an item that
is a text). A `<slot>` is replaced by what is in it. `script/fill.js` does the same.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from html.parser import HTMLParser
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from recordscan.visible import visible
from recordscan_reports.plain import spell_lines

_VOID = frozenset({"br", "hr", "img", "input", "link", "meta"})
_NAME = re.compile(r"\$([a-z0-9_]+)")

FORMS = ("check", "detail", "rule", "exhibit", "exhibited")
"""Those that stand in the page for the script."""

Scope = Mapping[str, Any]


@dataclass(slots=True)
class _Element:
    tag: str
    attributes: dict[str, str | None]
    children: "list[_Element | str]" = field(default_factory=list)
    each: str | None = None
    when: str | None = None
    closed: bool = False


class Form(HTMLParser):
    """A form, ready to be filled as often as needed.

    Args:
        source: Its HTML; every element in it is closed.
    """

    def __init__(self, source: str) -> None:
        super().__init__()
        self._open = [_Element("slot", {})]
        self.feed(source)
        self.close()
        [self._root] = self._open

    def fill(self, scope: Scope) -> Markup:
        """The HTML with values in it: texts are made visible and escaped, markup stays as it is.

        Raises:
            KeyError: A name that is shown has no value.
        """
        return Markup("".join(_filled(self._root, scope)))  # noqa: S704 - every value in it is escaped

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Part of `HTMLParser`."""
        element = self._append(tag, attrs, closed=tag in _VOID)
        if not element.closed:
            self._open.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Part of `HTMLParser`."""
        self._append(tag, attrs, closed=True)

    def handle_endtag(self, tag: str) -> None:
        """Part of `HTMLParser`."""
        if self._open.pop().tag != tag:
            raise ValueError(f"</{tag}> closes something else")

    def handle_data(self, data: str) -> None:
        """Part of `HTMLParser`."""
        between = "\n" in data and not data.strip() and all(element.tag != "pre" for element in self._open)
        if not between:
            self._open[-1].children.append(data)

    def _append(self, tag: str, attrs: list[tuple[str, str | None]], *, closed: bool) -> _Element:
        attributes = dict(attrs)
        each, when = attributes.pop("data-each", None), attributes.pop("data-if", None)
        element = _Element(tag, attributes, each=each, when=when, closed=closed)
        self._open[-1].children.append(element)
        return element


@cache
def form(name: str) -> Form:
    """The form of a name."""
    return Form(source(name))


@cache
def source(name: str) -> Markup:
    """The HTML of a form; Jinja has only put it together."""
    environment = Environment(
        loader=PackageLoader("recordscan_reports.html", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return Markup(environment.get_template(f"forms/{name}.html.j2").render())  # noqa: S704 - our own, constant


def _filled(element: _Element, scope: Scope) -> Iterator[str]:
    if element.when is not None and bool(scope.get(element.when.lstrip("!"))) is element.when.startswith("!"):
        return
    if element.each is None:
        yield from _one(element, scope)
        return
    for item in scope[element.each]:
        yield from _one(element, {**scope, **(item if isinstance(item, Mapping) else {"it": item})})


def _one(element: _Element, scope: Scope) -> Iterator[str]:
    if element.tag != "slot":
        yield f"<{element.tag}"
        for name, value in element.attributes.items():
            yield f" {name}" if value is None else f' {name}="{_text(value, scope)}"'
        yield "/>" if element.closed and element.tag not in _VOID else ">"
    for child in element.children:
        if isinstance(child, str):
            yield _content(child, scope, lines=element.tag == "pre")
        else:
            yield from _filled(child, scope)
    if element.tag != "slot" and not element.closed:
        yield f"</{element.tag}>"


def _text(source: str, scope: Scope) -> str:
    """The value of an attribute; texts are what is between names, at even places."""
    parts = _NAME.split(source)
    return "".join(escape(visible(_plain(scope[part])) if at % 2 else part) for at, part in enumerate(parts))


def _content(source: str, scope: Scope, *, lines: bool) -> str:
    """What stands between elements, where quotes need no escape and markup goes in as it is."""
    made = []
    for at, part in enumerate(_NAME.split(source)):
        value = scope[part] if at % 2 else part
        if not isinstance(value, Markup):
            if at % 2:
                value = spell_lines(_plain(value)) if lines else visible(_plain(value))
            value = value.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
        made.append(value)
    return "".join(made)


def _plain(value: object) -> str:
    return "" if value is None else str(value)
