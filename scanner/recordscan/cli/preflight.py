"""`recordscan preflight`: who am I, what can I read, how much could be judged."""

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from recordscan.cli.options import (
    Where,
    config_options,
    find,
    framework_option,
    progress_option,
    quiet_option,
    rule_options,
    rules_option,
    scope_options,
)
from recordscan.visible import visible

if TYPE_CHECKING:
    from recordscan.result import ScanResult


@dataclass(frozen=True, slots=True, kw_only=True)
class Prospect:
    """How far a scan could decide a rule.

    Attributes:
        rule: Its id.
        severity: Its own.
        planned: Subjects that it applies to.
        decided: Of these, with a verdict.
        permissions: What would help with the others.
        why: Why they have none, in words.
    """

    rule: str
    severity: str
    planned: int
    decided: int
    permissions: tuple[str, ...]
    why: tuple[str, ...]


@click.command()
@config_options
@scope_options
@rule_options
@framework_option
@rules_option
@click.option("-f", "--format", "format_", type=click.Choice(["text", "json"]), default="text", show_default=True)
@progress_option
@quiet_option("No progress on stderr.")
def preflight(
    *,
    config_path: Path | None,
    no_config: bool,
    where: Where,
    only: tuple[str, ...],
    skip: tuple[str, ...],
    frameworks: tuple[str, ...],
    rule_files: tuple[Path, ...],
    format_: str,
    progress: str,
    quiet: int,
) -> int:
    """Try every read that a scan would do, and say which rules it could decide, and which permissions are missing.

    Exits 0 when everything can be read, 3 when something cannot, 4 when the credentials are not accepted, 130 when it
    was stopped.
    """
    from recordscan.cli.scan import collect, select_rules
    from recordscan.config import load_config
    from recordscan.engine import assess_snapshot
    from recordscan.plugins import load_rules

    config = load_config(find(config_path, no_config=no_config, quiet=quiet > 0))
    selection = select_rules(
        load_rules(rule_files),
        (*config.scan.rules, *only),
        (*config.scan.skip_rules, *skip),
        (*config.scan.frameworks, *frameworks),
    )
    config, _, twilio = where.narrow(config, os.environ.get("TWILIO_ACCOUNT_SID"))
    snapshot = collect(config, where.buckets, fail_on="none", quiet=quiet > 0, twilio=twilio, progress=progress)
    result = assess_snapshot(snapshot, selection.rules, fail_on=None)
    prospects = tuple(prospects_of(result))
    unread = [item for item in result.evidence if item.outcome == "failed"]
    missing = sorted({item.permission for item in unread if item.reason == "access_denied" and item.permission})
    coverage = result.coverage
    if format_ == "json":
        document = {
            "asked_by": result.scan.asked_by,
            "interrupted": snapshot.interrupted,
            "reads": len(result.evidence),
            "failed": [
                {
                    "operation": item.operation,
                    "account": item.account,
                    "request": item.request,
                    "reason": item.reason,
                    "code": item.error_code,
                    "permission": item.permission,
                }
                for item in unread
            ],
            "missing_permissions": missing,
            "coverage": {"planned": coverage.planned, "evaluated": coverage.evaluated},
            "rules": [_described(prospect) for prospect in prospects],
        }
        click.echo(json.dumps(document, indent=2))
    else:
        for cloud, identity in sorted(result.scan.asked_by.items()):
            click.echo(f"{cloud}: {visible(identity)}")
        click.echo(f"reads: {len(result.evidence) - len(unread)} of {len(result.evidence)} answered")
        for item in unread:
            needs = f"; grant {item.permission}" if item.permission and item.reason == "access_denied" else ""
            click.echo(f"  {item.operation} on {_place(item.request)}: {item.reason} ({item.error_code}){needs}")
        if missing:
            click.echo(f"missing permissions: {', '.join(missing)}")
        click.echo(f"coverage: {coverage.evaluated} of {coverage.planned} checks could be decided")
        for prospect in prospects:
            if prospect.decided < prospect.planned:
                grant = f"; grant {', '.join(prospect.permissions)}" if prospect.permissions else ""
                click.echo(
                    f"  {prospect.rule} ({prospect.severity}): {prospect.decided} of {prospect.planned}: "
                    + visible("; ".join(prospect.why) + grant)
                )
    if snapshot.interrupted:
        click.echo("recordscan: stopped before everything was asked; what is said above is not all", err=True)
        return 3 if snapshot.past_deadline else 130
    return 3 if unread else 0


def prospects_of(result: "ScanResult") -> Iterator[Prospect]:
    """How far each rule could be decided, by id; what it says of the subjects is not told."""
    from recordscan.result import Outcome

    for rule in result.rules:
        applicable = [a for a in result.assessments if a.rule_id == rule.id and a.outcome is not Outcome.NOT_APPLICABLE]
        unknown = [a for a in applicable if a.outcome is Outcome.UNKNOWN]
        yield Prospect(
            rule=rule.id,
            severity=rule.severity,
            planned=len(applicable),
            decided=len(applicable) - len(unknown),
            permissions=tuple(sorted({a.permission for a in unknown if a.permission})),
            why=tuple(sorted({a.detail for a in unknown if a.detail})),
        )


def _described(prospect: Prospect) -> dict[str, Any]:
    return {
        "id": prospect.rule,
        "severity": prospect.severity,
        "planned": prospect.planned,
        "decided": prospect.decided,
        "permissions": list(prospect.permissions),
        "why": list(prospect.why),
    }


def _place(request: dict[str, object]) -> str:
    values = [str(value) for name, value in request.items() if name != "ExpectedBucketOwner"]
    return visible(", ".join(values)) or "the account"
