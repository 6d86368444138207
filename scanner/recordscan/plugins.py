"""Rules and reports by entry point: built-in ones and a stranger's plugin arrive by the same road."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias, cast

from recordscan.errors import PluginError
from recordscan.result import ScanResult
from recordscan.rule import Rule, Severity

if TYPE_CHECKING:
    from rich.console import Console

RULES_GROUP = "recordscan.rules"
REPORTS_GROUP = "recordscan.reports"
CONSOLES_GROUP = "recordscan.consoles"

FILES_PACKAGE = "rules_file"
"""Where the modules of rules that come from files seem to be."""


@dataclass(frozen=True, slots=True)
class Composed:
    """A report that is more than one file."""

    main: str | bytes
    beside: Mapping[str, str | bytes]
    """What it needs in its folder, by name. A name tells the content, so that reports may share a folder."""


Render: TypeAlias = Callable[[ScanResult], str | bytes | Composed]
"""Makes a report; the keyword-only parameters are its options."""
Print: TypeAlias = Callable[[ScanResult, "Console"], None]


def main_file(rendered: str | bytes | Composed) -> bytes:
    """The report itself, as it is stored."""
    content = rendered.main if isinstance(rendered, Composed) else rendered
    return content if isinstance(content, bytes) else content.encode()


def load_rules(files: Sequence[Path] = ()) -> tuple[Rule, ...]:
    """All installed rules, sorted by id. An entry point names a module; every `Rule` in it counts.

    Args:
        files: Python files that hold more rules. They are run.

    Raises:
        PluginError: A module cannot be imported, holds no rule or one of wrong types, or two rules share an id, which
            one of them may have had before; names the culprit.
    """
    rules: dict[str, Rule] = {}
    taken: dict[str, str] = {}
    modules = [(_name(entry), _load(entry)) for entry in _entries(RULES_GROUP)]
    modules += [(str(file), _run(file)) for file in files]
    for culprit, module in modules:
        for rule in _rules_of(module, culprit):
            for name in (rule.id, *rule.aliases):
                if name in taken:
                    raise PluginError(f"the rule {name!r} of {culprit} is already defined by {taken[name]}")
                taken[name] = culprit
            rules[rule.id] = rule
    return tuple(rules[rule_id] for rule_id in sorted(rules))


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


def _rules_of(module: object, culprit: str) -> Sequence[Rule]:
    found = [value for value in vars(module).values() if isinstance(value, Rule)]
    if not found:
        raise PluginError(f"the plugin {culprit} holds no rule; use @rule or @rule_over of recordscan.rule")
    for rule in found:
        for name, wanted in (("id", str), ("title", str), ("severity", Severity), ("family", str)):
            if not isinstance(getattr(rule, name), wanted):
                raise PluginError(f"the rule {rule.id!r} of {culprit} has a {name} that is no {wanted.__name__}")
        for name in ("subjects", "check"):
            if not callable(getattr(rule, name)):
                raise PluginError(f"the rule {rule.id!r} of {culprit} has a {name} that cannot be called")
    return found


def _run(file: Path) -> object:
    """The module that a Python file makes, under a name of its own."""
    spec = spec_from_file_location(f"{FILES_PACKAGE}.{file.stem}", file)
    if spec is None or spec.loader is None:
        raise PluginError(f"{file}: is no Python file; its name must end in .py")
    module = module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except PluginError:
        raise
    except OSError as error:
        raise PluginError(f"{file}: cannot be read: {error.strerror}") from None
    except (Exception, SystemExit) as error:
        raise PluginError(f"the plugin {file} cannot be loaded: {type(error).__name__}: {error}") from error
    return module


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
