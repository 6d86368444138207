"""Options that several commands share."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])

SEVERITIES = ("critical", "high", "medium", "low", "info", "none")


def config_options(command: F) -> F:
    """`--config FILE` and `--no-config`."""
    command = click.option("--no-config", is_flag=True, help="Use no configuration file.")(command)
    return click.option(
        "-c",
        "--config",
        "config_path",
        type=click.Path(path_type=Path, dir_okay=False),
        envvar="RECORDSCAN_CONFIG",
        show_envvar=True,
        help="Configuration file; else recordscan.toml, or pyproject.toml with [tool.recordscan], in this folder.",
    )(command)


def report_options(command: F) -> F:
    """`-f FORMAT`, `-o FORMAT=PATH`, `--format-option FORMAT.NAME=VALUE` and `--color`."""
    command = click.option(
        "--color", type=click.Choice(["auto", "always", "never"]), default="auto", help="Colour of the text report."
    )(command)
    command = click.option(
        "--format-option",
        "format_options",
        multiple=True,
        metavar="FORMAT.NAME=VALUE",
        help="Set an option of a format, such as junit.granularity=rule or csv.bom=true. Repeatable.",
    )(command)
    command = click.option(
        "-o", "--output", "outputs", multiple=True, metavar="FORMAT=PATH", help="Write a report to a file. Repeatable."
    )(command)
    return click.option(
        "-f",
        "--format",
        "format_",
        default="text",
        show_default=True,
        help="Report for stdout, such as text, json, markdown or sarif; `none` for none.",
    )(command)


summary_option = click.option(
    "--github-summary",
    "summary",
    type=click.Choice(["auto", "always", "never"]),
    default="auto",
    help="Add the markdown report to the job summary of GitHub Actions; auto: where GITHUB_STEP_SUMMARY is set.",
)


rules_option = click.option(
    "--rules",
    "rule_files",
    multiple=True,
    metavar="PATH.py",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="Run this Python file, whose rules take part; the report names it. Repeatable.",
)


framework_option = click.option(
    "--framework",
    "frameworks",
    multiple=True,
    metavar="NAME",
    help="Only rules that give evidence for this framework, such as soc2 or nist_800_53_r5. Repeatable.",
)


def scope_options(command: F) -> F:
    """`--scope` and `--bucket`."""
    command = click.option(
        "--bucket",
        "buckets",
        multiple=True,
        metavar="NAME[/PREFIX]",
        help="A target without Twilio: NAME, NAME/PREFIX or s3://NAME/PREFIX. Repeatable.",
    )(command)
    return click.option(
        "--scope",
        type=click.Choice(["targets", "account"]),
        help="What Twilio writes to, or the whole AWS account as well.  [default: targets]",
    )(command)


fail_on_option = click.option(
    "--fail-on",
    type=click.Choice(SEVERITIES),
    envvar="RECORDSCAN_FAIL_ON",
    show_envvar=True,
    help="Exit 1 when a check of this severity or worse fails.  [default: critical]",
)


def find(config_path: Path | None, *, no_config: bool, quiet: bool) -> Path | None:
    """The configuration file to use, named or discovered; says on stderr, unless quiet, which of two it is.

    Raises:
        UsageError: Both `--config` and `--no-config` were given.
    """
    from recordscan.config import find_config, overlooked_config

    if no_config:
        if config_path is not None:
            raise click.UsageError("--config and --no-config exclude each other")
        return None
    if config_path is not None:
        return config_path
    found = find_config(Path.cwd())
    overlooked = overlooked_config(Path.cwd())
    if found is not None and overlooked is not None and not quiet:
        click.echo(f"the configuration is {found.name}; [tool.recordscan] in {overlooked.name} is not read", err=True)
    return found
