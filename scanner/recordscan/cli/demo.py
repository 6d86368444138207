"""`recordscan demo`: the real scan, against clouds that stand on this machine."""

from pathlib import Path

import click


@click.command()
@click.option(
    "--output-dir",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("demo-report"),
    show_default=True,
    help="Folder for the reports and the snapshot; earlier ones are replaced.",
)
@click.option("--fail-on", type=click.Choice(["critical", "high", "medium", "low", "info", "none"]), default="critical")
def demo(*, output_dir: Path, fail_on: str) -> int:
    """Scan a made-up company: an embedded AWS and an embedded Twilio on free loopback ports, no account needed.

    Exits 0 when the demonstration worked, and says which status the scan itself ended with.
    """
    from recordscan.demo.run import run_demo

    status = run_demo(output_dir, fail_on=fail_on)
    click.echo(f"\nThis was a demonstration. Against a real estate the scan would have exited {status}.")
    click.echo(f"Open {output_dir / 'report.html'} in a browser.")
    return 0
