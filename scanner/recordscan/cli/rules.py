"""`recordscan rules`: the catalogue on the terminal."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from recordscan.cli import completing
from recordscan.cli.options import framework_option, rules_option
from recordscan.visible import visible

if TYPE_CHECKING:
    from recordscan.rule import Rule

_format = click.option(
    "-f", "--format", "format_", type=click.Choice(["text", "json", "markdown"]), default="text", show_default=True
)


@click.group()
def rules() -> None:
    """Show what is judged, and why."""


@rules.command("list")
@framework_option
@rules_option
@_format
def list_rules(*, frameworks: tuple[str, ...], rule_files: tuple[Path, ...], format_: str) -> None:
    """List all rules, one a line, or those of frameworks; `markdown` is the whole catalogue."""
    from recordscan.catalogue import coverage_sentence, render_catalogue
    from recordscan.cli.scan import select_rules
    from recordscan.plugins import load_rules

    selection = select_rules(load_rules(rule_files), [], [], frameworks)
    found = selection.rules
    if format_ == "json":
        click.echo(json.dumps([describe(rule) for rule in found], indent=2))
    elif format_ == "markdown":
        click.echo(render_catalogue(found, selection.frameworks), nl=False)
    else:
        for rule in found:
            click.echo(f"{rule.id:40} {rule.severity:9} {rule.title}")
        click.echo(f"{len(found)} rules", err=True)
        for framework in selection.frameworks:
            click.echo(visible(coverage_sentence(framework, found)), err=True)


@rules.command("show")
@click.argument("rule_id", metavar="ID", shell_complete=completing.rule_ids)
@rules_option
@_format
def show_rule(*, rule_id: str, rule_files: tuple[Path, ...], format_: str) -> None:
    """Show one rule: what it asks for, why, what to do, and which controls it is evidence for."""
    from recordscan.catalogue import render_rule
    from recordscan.cli.scan import select_rules
    from recordscan.plugins import load_rules

    [rule] = select_rules(load_rules(rule_files), [rule_id], []).rules
    click.echo(json.dumps(describe(rule), indent=2) if format_ == "json" else render_rule(rule).rstrip())


def describe(rule: "Rule") -> dict[str, Any]:
    """A rule as JSON."""
    return {
        "id": rule.id,
        "aliases": list(rule.aliases),
        "title": rule.title,
        "severity": rule.severity,
        "family": rule.family,
        "rationale": rule.rationale,
        "remediation": rule.remediation,
        "guide": rule.guide,
        "controls": [asdict(control) for control in rule.controls],
        "options": dict(rule.options),
        "peers": list(rule.peers),
        "references": list(rule.references),
    }
