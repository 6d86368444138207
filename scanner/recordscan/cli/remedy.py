"""`recordscan remedy`: a plan of what mends the failures of a stored result, to be reviewed and applied by others."""

from pathlib import Path

import click

from recordscan.cli.options import rule_option


@click.command(
    epilog="""\b
Examples:
  recordscan remedy result.json > plan.sh
  recordscan remedy result.json --rule bucket-tls-only --rule bucket-versioning -f terraform
"""
)
@click.argument("result_path", metavar="RESULT.json", type=click.Path(path_type=Path, dir_okay=False))
@rule_option("--rule", "rules", "Mend the failures of this rule only; repeatable.")
@click.option(
    "--region",
    metavar="REGION",
    help="Only the steps in this Region; those of no Region (IAM, the account, Twilio) go with the first by name.",
)
@click.option(
    "-f",
    "--format",
    "format_",
    type=click.Choice(["cli", "terraform", "cloudformation"]),
    default="cli",
    show_default=True,
)
def remedy(*, result_path: Path, rules: tuple[str, ...], region: str | None, format_: str) -> int:
    """Print the steps that mend what failed in a result, in a safe order, with what each breaks if taken blindly.

    recordscan applies nothing: read the plan, take what you agree with, and scan again. Settings that are replaced as a
    whole, such as a bucket policy, are written with everything that the scan read in them. Exits 0 whatever is found.
    """
    from recordscan.cli.report import read_result
    from recordscan.errors import SnapshotError
    from recordscan.remedies import FORMATS
    from recordscan.remedies.plan import in_region, make_plan

    result = read_result(result_path)
    if result.withheld is not None and result.withheld.evidence:
        raise SnapshotError(f"{result_path}: it was made to be shared, without its remedies; take the whole result")
    plan = make_plan(result, rules)
    if region is not None:
        plan = in_region(plan, region)
    click.echo(FORMATS[format_](plan), nl=False)
    if plan.steps or plan.by_hand:
        click.echo(f"{plan.steps_said}, {plan.by_hand_said}", err=True)
    else:
        click.echo(f"nothing to mend: no check {'of these rules ' if rules else ''}failed", err=True)
    return 0
