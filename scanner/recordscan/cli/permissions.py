"""`recordscan permissions`: what to grant to the scanner, computed from what it asks."""

import json

import click


@click.command()
@click.option("-f", "--format", "format_", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.option("--scope", type=click.Choice(["targets", "account"]), default="targets", show_default=True)
def permissions(*, format_: str, scope: str) -> None:
    """Print the least that the scanner itself needs: an IAM policy, and the permissions of a restricted Twilio key."""
    from recordscan.collect.permissions import aws_calls, aws_policy, twilio_permissions

    if format_ == "json":
        click.echo(json.dumps({"aws": aws_policy(scope), "twilio": twilio_permissions()}, indent=2))
        return
    click.echo("IAM policy for the identity that runs recordscan:\n")
    click.echo(json.dumps(aws_policy(scope), indent=2))
    click.echo("\nWhat each permission is for:\n")
    for action, purposes in aws_calls(scope).items():
        click.echo(f"  {action:42} {'; '.join(purposes)}")
    click.echo("\nPermissions of a restricted Twilio API key (one key for each account):\n")
    for operation, permission in twilio_permissions().items():
        click.echo(f"  {permission or 'none exists; only a standard key can do this':60} {operation}")
