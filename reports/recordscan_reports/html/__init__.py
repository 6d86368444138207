"""The report for people: one file that needs neither network nor script, and prints; on request its style beside it.

Everything that the template shows goes through `visible()` and is escaped. Style and script are the same in every
report, and the content security policy of the page allows these two and nothing else.

What needs no script is all summaries and the worst checks. All checks and the answers that they rest on are in blocks
of data, from which the script makes pages of a hundred and what a reader opens.
"""

import base64
import hashlib
import json
from enum import StrEnum
from functools import cache
from importlib.resources import files

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from recordscan.facts import Json
from recordscan.plugins import Composed
from recordscan.result import ScanResult
from recordscan.rule import FRAMEWORKS
from recordscan.visible import visible
from recordscan_reports import wording
from recordscan_reports.html.chain import STATE_WORDS
from recordscan_reports.html.fill import FORMS, source
from recordscan_reports.html.scopes import SHAPES, moment
from recordscan_reports.html.view import Page

SCRIPT = ("data", "fill", "excerpt", "scopes", "query", "address", "list", "actions", "start")
"""Parts of the script, in the order in which they build on each other."""


class Layout(StrEnum):
    """Where style and script are."""

    FILE = "file"
    DIR = "dir"


def compose(result: ScanResult, *, layout: Layout = Layout.FILE) -> str | Composed:
    """Make the page.

    Args:
        result: What it shows.
        layout: Whether style and script are in the page, or in files beside it, for servers that forbid what is inline,
            such as Jenkins.
    """
    if layout is Layout.FILE:
        return render(result)
    style, script = _part("style.css"), _script()
    files = {_named(style, "css"): style, _named(script, "js"): script}
    css, js = files
    return Composed(_page(result, csp=_policy("self", "self"), style_file=css, script_file=js), files)


def render(result: ScanResult) -> str:
    """Make the page with all that it needs."""
    style, script = _part("style.css"), _script()
    return _page(result, csp=_policy(_digest(script), _digest(style)), style=style, script=script)


def _page(result: ScanResult, **parts: str) -> str:
    return _environment().get_template("report.html.j2").render(page=Page(result), **parts).strip() + "\n"


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader(__name__, "."),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_spell_out,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.globals["wording"] = wording
    environment.globals["frameworks"] = FRAMEWORKS
    environment.globals["chain_words"] = STATE_WORDS
    environment.globals["forms"] = {name: source(name) for name in FORMS}
    environment.globals["shapes"] = SHAPES
    environment.globals["newline"] = Markup("\n")
    environment.filters["compact_json"] = _compact_json
    environment.filters["moment"] = moment
    environment.filters["is_link"] = _is_link
    return environment


def _spell_out(value: object) -> object:
    """Make each text that the template puts out visible; what is markup already is our own."""
    return visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value


@cache
def _part(name: str) -> Markup:
    return Markup(files(__name__).joinpath(name).read_text(encoding="utf-8"))  # noqa: S704 - our own, constant


@cache
def _script() -> Markup:
    """All parts of the script as one, which shares no name with anything else."""
    parts = Markup("\n").join(_part(f"script/{name}.js") for name in SCRIPT)
    return Markup('\n"use strict";\n(() => {\n') + parts + Markup("})();\n")


def _policy(script: str, style: str) -> Markup:
    """The content security policy: this script, this style, and nothing from anywhere."""
    return Markup(  # noqa: S704 - our own, constant
        f"default-src 'none'; script-src '{script}'; style-src '{style}'; img-src 'none'; connect-src 'none'; "
        "font-src 'none'; object-src 'none'; base-uri 'none'; form-action 'none'; "
        "require-trusted-types-for 'script'; trusted-types 'none'"
    )


def _named(part: str, kind: str) -> str:
    return f"recordscan-{hashlib.sha256(part.encode()).hexdigest()[:12]}.{kind}"


def _digest(part: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(part.encode()).digest()).decode()


def _compact_json(value: Json) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, default=str)


def _is_link(url: str) -> bool:
    return url.startswith("https://")
