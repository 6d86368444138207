"""`recordscan preflight`: who am I, what can I read, how much could be judged."""

import json
from pathlib import Path

import click

from recordscan.cli.options import config_options, find, scope_options
from recordscan.visible import visible


@click.command()
@config_options
@scope_options
@click.option("-f", "--format", "format_", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.option("-q", "--quiet", is_flag=True, help="No progress on stderr.")
def preflight(
    *, config_path: Path | None, no_config: bool, scope: str | None, buckets: tuple[str, ...], format_: str, quiet: bool
) -> int:
    """Try every read that a scan would do, and say which permissions are missing and what they would cost in coverage.

    Exits 0 when everything can be read, 3 when something cannot, 4 when the credentials are not accepted, 130 when it
    was stopped.
    """
    from recordscan.cli.scan import collect
    from recordscan.config import load_config
    from recordscan.engine import assess_snapshot
    from recordscan.plugins import load_rules

    config = load_config(find(config_path, no_config=no_config, quiet=quiet))
    config = config.model_copy(update={"scan": config.scan.model_copy(update={"scope": scope or config.scan.scope})})
    snapshot = collect(config, buckets, fail_on="none", quiet=quiet)
    result = assess_snapshot(snapshot, load_rules(), fail_on=None)
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
    if snapshot.interrupted:
        click.echo("recordscan: stopped before everything was asked; what is said above is not all", err=True)
        return 3 if snapshot.past_deadline else 130
    return 3 if unread else 0


def _place(request: dict[str, object]) -> str:
    values = [str(value) for name, value in request.items() if name != "ExpectedBucketOwner"]
    return visible(", ".join(values)) or "the account"
