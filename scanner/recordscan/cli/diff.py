"""`recordscan diff` and `recordscan baseline`: what has changed since an earlier scan."""

import json
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from recordscan.cli.options import SEVERITIES
from recordscan.cli.streams import print_line
from recordscan.visible import visible

if TYPE_CHECKING:
    from recordscan.baseline import Baseline
    from recordscan.diff import Change, Difference

_path = click.Path(path_type=Path, dir_okay=False)

WORDS = {
    "new": "New",
    "unwaived": "Counts again",
    "severity_changed": "Severity changed",
    "waived": "Waived now",
    "resolved": "Resolved",
    "not_observed": "Not observed",
    "rule_added": "Of rules that did not run before",
    "rule_removed": "Rules that did not run",
    "existing": "Still there",
}
"""What `diff` calls changes, in the order in which a reader should care."""

_MOST_NAMED = 8
"""Of rules, whose titles are no findings."""


@click.command()
@click.argument("old_path", metavar="OLD.json", type=_path)
@click.argument("new_path", metavar="NEW.json", type=_path)
@click.option("-f", "--format", "format_", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.option("--all", "everything", is_flag=True, help="List findings that are still there, too.")
@click.option(
    "--fail-on-new",
    type=click.Choice(SEVERITIES),
    default="none",
    show_default=True,
    help="Exit 1 when there is a new finding of this severity or worse, one of a new rule, or one that counts again.",
)
def diff(*, old_path: Path, new_path: Path, format_: str, everything: bool, fail_on_new: str) -> int:
    """Tell what has changed from one stored result to another.

    A finding is resolved only where the later scan judged the same rule on the same subject. What it did not look at,
    or could not decide, is not observed.
    """
    from recordscan.cli.report import read_result
    from recordscan.config import parse_fail_on
    from recordscan.diff import Change, compare

    found = compare(read_result(old_path), read_result(new_path))
    shown = [d for d in found if everything or d.change is not Change.EXISTING]
    if format_ == "json":
        print_line(json.dumps([asdict(difference) for difference in shown], indent=2))
    else:
        for change, word in WORDS.items():
            _print(word, [d for d in shown if d.change == change and d.fingerprint])
        _print_rules("ran that did not run before", [d.rule_id for d in found if _is_rule(d, Change.RULE_ADDED)])
        _print_rules("ran before and did not run", [d.rule_id for d in found if _is_rule(d, Change.RULE_REMOVED)])
        counts = Counter(d.change.value for d in found if d.fingerprint or d.change is Change.RULE_REMOVED)
        print_line(", ".join(f"{counts[change]} {word.lower()}" for change, word in WORDS.items()), err=True)
    least = parse_fail_on(fail_on_new)
    worse = [d for d in found if d.change in (Change.NEW, Change.RULE_ADDED, Change.UNWAIVED) and d.fingerprint]
    return 1 if least is not None and any(d.severity.rank >= least.rank for d in worse) else 0


def _print(word: str, differences: "list[Difference]") -> None:
    if not differences:
        return
    print_line(f"{word} ({len(differences)})")
    for d in differences:
        was = f" (was {d.before})" if d.before else ""
        subject = f"  {d.subject}" if d.subject else ""
        print_line(visible(f"  {d.severity.upper():8}{was}  {d.rule_id}{subject}"))
        print_line(visible(f"    {d.message}"))
    print_line("")


def _is_rule(difference: "Difference", change: "Change") -> bool:
    """Whether it tells of a rule itself, and not of what it found."""
    return difference.change is change and not difference.fingerprint


def _print_rules(what: str, ids: list[str]) -> None:
    if ids:
        more = f" and {len(ids) - _MOST_NAMED} more, which -f json names" if len(ids) > _MOST_NAMED else ""
        rules = "1 rule" if len(ids) == 1 else f"{len(ids)} rules"
        print_line(visible(f"{rules} {what}: {', '.join(ids[:_MOST_NAMED])}{more}"))


@click.group()
def baseline() -> None:
    """Keep the findings of a scan, so that new ones stand out."""


@baseline.command()
@click.argument("result_path", metavar="RESULT.json", type=_path)
@click.option("-o", "--output", "output_path", type=_path, help="Write to this file; else to stdout.")
def create(*, result_path: Path, output_path: Path | None) -> None:
    """Make a baseline of a stored result. It hides nothing: it tells new findings from old ones."""
    from recordscan.baseline import baseline_of
    from recordscan.cli.output import require_apart, require_writable
    from recordscan.cli.report import read_result
    from recordscan.document import dump_baseline
    from recordscan.files import write_atomically

    if output_path is not None:
        require_writable(output_path)
        require_apart([("-o", output_path)], [("the result", result_path)])
    text = dump_baseline(baseline_of(read_result(result_path)))
    if output_path is None:
        click.echo(text, nl=False)
    else:
        write_atomically(output_path, text)
        click.echo(f"wrote {visible(str(output_path))}", err=True)


def read_baseline(path: Path) -> "Baseline":
    """Read a baseline, or make one of a stored result.

    Raises:
        SnapshotError: It cannot be read, or is neither.
    """
    from recordscan.baseline import baseline_of
    from recordscan.cli.report import read_result
    from recordscan.document import is_baseline, load_baseline
    from recordscan.errors import SnapshotError

    try:
        text = path.read_bytes()
        if is_baseline(text):
            return load_baseline(text)
    except OSError as error:
        raise SnapshotError(f"{path}: cannot be read: {error.strerror}") from None
    except SnapshotError as error:
        raise SnapshotError(f"{path}: {error}") from None
    return baseline_of(read_result(path))
