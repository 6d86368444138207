"""`recordscan permissions`: what to grant to the scanner, computed from what it asks."""

import json
from pathlib import Path
from typing import Any

import click

from recordscan.cli.options import config_options, find

TRADE_OFF = """
Choose one of two keys:

  A restricted key with these permissions can only read, but never the AWS credentials stored at Twilio
  (twilio:ListAwsCredentials). Checks about them stay unknown; as settings-credential-exists is critical, a scan that
  fails nothing is then incomplete (exit status 3). --skip-rule settings-credential-exists leaves it out, and the
  verdict says so.

  A standard key, or the Auth Token, decides them too, but could change and delete nearly everything in the account.
  recordscan sends nothing but GET; guard the key as one that can do more."""


MEMBERS = """
The role in each further account needs the same reads, without sts:AssumeRole and without listing accounts; its trust
policy names the identity that runs recordscan, with the external id if you set one."""


@click.command()
@config_options
@click.option("-f", "--format", "format_", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.option("--scope", type=click.Choice(["targets", "account"]), help="As for `scan`.  [default: targets]")
@click.option("--sample-objects", is_flag=True, help="With what `sample_objects` needs, which allows to read objects.")
def permissions(
    *, config_path: Path | None, no_config: bool, format_: str, scope: str | None, sample_objects: bool
) -> None:
    """Print the least that the scanner itself needs: an IAM policy, and the permissions of a restricted Twilio key.

    A configuration that names further AWS accounts, or asks for samples of objects, needs more, which is printed too.
    """
    from recordscan.collect.permissions import aws_calls, aws_policy, twilio_permissions
    from recordscan.config import load_config

    config = load_config(find(config_path, no_config=no_config, quiet=True))
    organization = config.aws.organization
    needs: dict[str, Any] = {
        "scope": scope or config.scan.scope,
        "sample": sample_objects or config.scan.sample_objects > 0,
        "organization": organization is not None,
    }
    roles = [account.role_arn for account in config.aws.accounts if account.role_arn is not None]
    if organization is not None:
        roles.append(f"arn:{_partition(config.aws.region or '')}:iam::*:role/{organization.role_name}")
    policy = aws_policy(**needs, roles=roles)
    if format_ == "json":
        click.echo(json.dumps({"aws": policy, "twilio": twilio_permissions()}, indent=2))
        return
    click.echo("IAM policy for the identity that runs recordscan:\n")
    click.echo(json.dumps(policy, indent=2))
    if roles:
        click.echo(MEMBERS)
    click.echo("\nWhat each permission is for:\n")
    for action, purposes in aws_calls(**needs).items():
        click.echo(f"  {action:42} {'; '.join(purposes)}")
    click.echo("\nPermissions of a restricted Twilio API key (one key for each account):\n")
    for operation, permission in twilio_permissions().items():
        click.echo(f"  {permission or 'none exists; only a standard key can do this':60} {operation}")
    click.echo(TRADE_OFF)


def _partition(region: str) -> str:
    return {"cn": "aws-cn", "us-gov": "aws-us-gov"}.get(region.rpartition("-")[0].rpartition("-")[0], "aws")
