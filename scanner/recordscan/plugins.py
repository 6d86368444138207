"""Rules and reports by entry point: built-in ones and a stranger's plugin arrive by the same road."""

from collections.abc import Callable, Sequence
from importlib.metadata import EntryPoint, entry_points
from typing import TYPE_CHECKING, TypeAlias, cast

from recordscan.errors import PluginError
from recordscan.result import ScanResult
from recordscan.rule import Rule

if TYPE_CHECKING:
    from rich.console import Console

RULES_GROUP = "recordscan.rules"
REPORTS_GROUP = "recordscan.reports"
CONSOLES_GROUP = "recordscan.consoles"

Render: TypeAlias = Callable[[ScanResult], str | bytes]
Print: TypeAlias = Callable[[ScanResult, "Console"], None]


def load_rules() -> tuple[Rule, ...]:
    """All installed rules, sorted by id. An entry point names a module; every `Rule` in it counts.

    Raises:
        PluginError: A module cannot be imported, holds no rule, or two rules share an id; names the culprit.
    """
    rules: dict[str, tuple[Rule, str]] = {}
    for entry in _entries(RULES_GROUP):
        found = _rules_of(entry)
        for rule in found:
            if rule.id in rules:
                raise PluginError(f"the rule {rule.id!r} of {_name(entry)} is already defined by {rules[rule.id][1]}")
            rules[rule.id] = (rule, _name(entry))
    return tuple(rules[rule_id][0] for rule_id in sorted(rules))


def load_reports() -> dict[str, Render]:
    """All installed reports: format name → render function.

    Raises:
        PluginError: A report cannot be imported or is not callable; names the culprit.
    """
    reports: dict[str, Render] = {}
    for entry in _entries(REPORTS_GROUP):
        if entry.name in reports:
            raise PluginError(f"the report {entry.name!r} of {_name(entry)} is already defined")
        render = _load(entry)
        if not callable(render):
            raise PluginError(f"the report {_name(entry)} is no function")
        reports[entry.name] = cast("Render", render)
    return reports


def load_console(name: str) -> Print | None:
    """The coloured form of a report for a terminal, where it has one.

    Raises:
        PluginError: It cannot be imported; names the culprit.
    """
    for entry in _entries(CONSOLES_GROUP):
        if entry.name == name:
            return cast("Print", _load(entry))
    return None


def _rules_of(entry: EntryPoint) -> Sequence[Rule]:
    module = _load(entry)
    found = [value for value in vars(module).values() if isinstance(value, Rule)]
    if not found:
        raise PluginError(f"the plugin {_name(entry)} holds no rule; use @rule or @rule_over of recordscan.rule")
    return found


def _entries(group: str) -> list[EntryPoint]:
    return sorted(entry_points(group=group), key=lambda entry: (entry.name, entry.value))


def _load(entry: EntryPoint) -> object:
    try:
        return entry.load()
    except PluginError:
        raise
    except (Exception, SystemExit) as error:  # whatever a stranger's module raises on import is the plugin's fault
        raise PluginError(f"the plugin {_name(entry)} cannot be loaded: {type(error).__name__}: {error}") from error


def _name(entry: EntryPoint) -> str:
    distribution = f" of {entry.dist.name}" if entry.dist is not None else ""
    return f"{entry.value}{distribution}"
