"""`recordscan permissions`: what to grant to the scanner, computed from what it asks."""

import json

import click

TRADE_OFF = """
Choose one of two keys:

  A restricted key with these permissions can only read, but never the AWS credentials stored at Twilio
  (twilio:ListAwsCredentials). Checks about them stay unknown; as settings-credential-exists is critical, a scan that
  fails nothing is then incomplete (exit status 3). --skip-rule settings-credential-exists leaves it out, and the
  verdict says so.

  A standard key, or the Auth Token, decides them too, but could change and delete nearly everything in the account.
  recordscan sends nothing but GET; guard the key as one that can do more."""


@click.command()
@click.option("-f", "--format", "format_", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.option("--scope", type=click.Choice(["targets", "account"]), default="targets", show_default=True)
@click.option("--sample-objects", is_flag=True, help="With what `sample_objects` needs, which allows to read objects.")
def permissions(*, format_: str, scope: str, sample_objects: bool) -> None:
    """Print the least that the scanner itself needs: an IAM policy, and the permissions of a restricted Twilio key."""
    from recordscan.collect.permissions import aws_calls, aws_policy, twilio_permissions

    if format_ == "json":
        click.echo(
            json.dumps({"aws": aws_policy(scope, sample=sample_objects), "twilio": twilio_permissions()}, indent=2)
        )
        return
    click.echo("IAM policy for the identity that runs recordscan:\n")
    click.echo(json.dumps(aws_policy(scope, sample=sample_objects), indent=2))
    click.echo("\nWhat each permission is for:\n")
    for action, purposes in aws_calls(scope, sample=sample_objects).items():
        click.echo(f"  {action:42} {'; '.join(purposes)}")
    click.echo("\nPermissions of a restricted Twilio API key (one key for each account):\n")
    for operation, permission in twilio_permissions().items():
        click.echo(f"  {permission or 'none exists; only a standard key can do this':60} {operation}")
    click.echo(TRADE_OFF)
