"""What a shell completes beyond the command line's own words: ids of rules, frameworks and formats.

Only installed rules are told, as files that hold others would have to be run.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING

import click
from click.shell_completion import CompletionItem

from recordscan.errors import RecordscanError

if TYPE_CHECKING:
    from recordscan.rule import Rule


def rule_ids(_context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Ids of rules that begin so, each with its title."""
    return [CompletionItem(rule.id, help=rule.title) for rule in _rules() if rule.id.startswith(incomplete)]


def framework_names(_context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Names of frameworks that begin so."""
    from recordscan.controls import framework_ids

    return _items(framework_ids(_rules()), incomplete)


def formats(_context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Formats of reports that begin so."""
    return _items((*_formats(), "none"), incomplete)


def outputs(_context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """`FORMAT=` for formats that begin so; what follows is a path, which the shell knows better."""
    return _items((f"{name}=" for name in _formats()), incomplete)


def _items(words: Iterable[str], incomplete: str) -> list[CompletionItem]:
    return [CompletionItem(word) for word in sorted(words) if word.startswith(incomplete)]


def _rules() -> "tuple[Rule, ...]":
    from recordscan.plugins import load_rules

    try:
        return load_rules()
    except RecordscanError:  # a broken plugin is told when a command runs, and not by the shell
        return ()


def _formats() -> tuple[str, ...]:
    from recordscan.plugins import load_reports

    try:
        return tuple(load_reports())
    except RecordscanError:
        return ()
