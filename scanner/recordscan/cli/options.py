"""Options that several commands share."""

import functools
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click
from click.core import ParameterSource

from recordscan.cli import completing
from recordscan.visible import visible

if TYPE_CHECKING:
    from recordscan.config import Config
    from recordscan.result import ScanResult
    from recordscan.sharing import Kind

F = TypeVar("F", bound=Callable[..., Any])

LEAST_WIDTH = 40
SALT_BYTES = 32

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
        help="Configuration file; else the first that is there of recordscan.toml, .recordscan.toml, "
        ".github/recordscan.toml and pyproject.toml with [tool.recordscan] in this folder, or recordscan/config.toml "
        "in $XDG_CONFIG_HOME.",
    )(command)


def report_options(command: F) -> F:
    """`-f FORMAT`, `-o FORMAT=PATH`, `--format-option`, colour, `--width`, and what a report is to hold."""
    asked = command  # what follows takes its place under this name

    @functools.wraps(command)
    def gathered(
        *,
        color: str,
        no_color: bool,
        no_evidence: bool,
        redact: "tuple[Kind, ...]",
        include_passed: bool,
        **others: Any,
    ) -> Any:
        sharing = Sharing(evidence=not no_evidence, hashed=redact, passed=include_passed)
        return asked(color="never" if no_color else color, sharing=sharing, **others)

    command = _sharing_options(gathered)  # type: ignore[assignment] # a command with other parameters
    command = click.option(
        "--width",
        type=click.IntRange(min=LEAST_WIDTH),
        help="Characters to a line of the text report.  [default: 100]",
    )(command)
    command = click.option("--no-color", is_flag=True, help="The same as --color never.")(command)
    command = click.option(
        "--color",
        type=click.Choice(["auto", "always", "never"]),
        default="auto",
        envvar="RECORDSCAN_COLOR",
        show_envvar=True,
        help="Colour of the text report; auto heeds NO_COLOR, FORCE_COLOR, CLICOLOR_FORCE and TERM.",
    )(command)
    command = click.option(
        "--format-option",
        "format_options",
        multiple=True,
        metavar="FORMAT.NAME=VALUE",
        help="Set an option of a format, such as junit.granularity=rule or csv.bom=true. Repeatable.",
    )(command)
    command = click.option(
        "-o",
        "--output",
        "outputs",
        multiple=True,
        metavar="FORMAT=PATH",
        shell_complete=completing.outputs,
        help="Write a report to a file. Repeatable.",
    )(command)
    return click.option(
        "-f",
        "--format",
        "format_",
        default="text",
        show_default=True,
        shell_complete=completing.formats,
        envvar="RECORDSCAN_FORMAT",
        show_envvar=True,
        help="Report for stdout, such as text, json, markdown or sarif; `none` for none.",
    )(command)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sharing:
    """What reports are to hold.

    Attributes:
        evidence: The answers.
        hashed: Salted hashes instead of these.
        passed: Passed checks, each.
    """

    evidence: bool
    hashed: "tuple[Kind, ...]"
    passed: bool

    def of(self, result: "ScanResult") -> "ScanResult":
        """The result that reports are made of. Two calls give other hashes."""
        from recordscan.sharing import withhold

        return withhold(
            result,
            evidence=not self.evidence,
            hashed=self.hashed,
            passed=not self.passed,
            salt=secrets.token_bytes(SALT_BYTES),
        )


def _sharing_options(command: F) -> F:
    command = click.option(
        "--include-passed/--no-include-passed",
        default=True,
        help="List passed checks, or only count them.  [default: list]",
    )(command)
    command = click.option(
        "--redact",
        callback=_kinds,
        metavar="KIND[,KIND...]",
        help="Replace accounts, names or principals by salted hashes in all reports, which say so; without remedies "
        "and answers.",
    )(command)
    return click.option(
        "--no-evidence", is_flag=True, help="Leave the answers out of all reports, which say so, and remedies."
    )(command)


def _kinds(_context: click.Context, _parameter: click.Parameter, value: str | None) -> "tuple[Kind, ...]":
    from recordscan.sharing import KINDS

    # An empty list is hardly meant: the report would hold everything.
    asked = [] if value is None else [kind.strip() for kind in value.split(",")]
    for kind in asked:
        if kind not in KINDS:
            raise click.BadParameter(f"{kind!r} is none of {', '.join(KINDS)}.")
    return tuple(kind for kind in KINDS if kind in asked)


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


def rule_option(flag: str, name: str, help_: str) -> Callable[[F], F]:
    """An option that takes the id of a rule, and completes it; repeatable."""
    return click.option(flag, name, multiple=True, metavar="ID", shell_complete=completing.rule_ids, help=help_)


def rule_options(command: F) -> F:
    """`--rule ID` and `--skip-rule ID`."""
    command = rule_option("--skip-rule", "skip", "Leave this rule out. Repeatable.")(command)
    return rule_option("--rule", "only", "Only this rule. Repeatable.")(command)


framework_option = click.option(
    "--framework",
    "frameworks",
    multiple=True,
    shell_complete=completing.framework_names,
    metavar="NAME",
    help="Only rules that give evidence for this framework, such as soc2 or nist_800_53_r5. Repeatable.",
)


def scope_options(command: F) -> F:
    """`--scope`, `--target`, `--bucket`, `--region` and `--profile`."""
    asked = command  # what follows takes its place under this name

    @functools.wraps(command)
    def gathered(
        *,
        scope: str | None,
        targets: tuple[str, ...],
        buckets: tuple[str, ...],
        region: str | None,
        aws_profile: str | None,
        **others: Any,
    ) -> Any:
        where = Where(scope=scope, targets=targets, buckets=buckets, region=region, profile=aws_profile)
        return asked(where=where, **others)

    command = gathered  # type: ignore[assignment] # a command with other parameters
    command = click.option(
        "--profile", "aws_profile", metavar="NAME", help="Named profile of the AWS configuration files."
    )(command)
    command = click.option(
        "--region", metavar="REGION", help="AWS Region of the session, in which global services are asked."
    )(command)
    command = click.option(
        "--bucket",
        "buckets",
        multiple=True,
        metavar="NAME[/PREFIX]",
        help="A target without Twilio: NAME, NAME/PREFIX or s3://NAME/PREFIX. Repeatable.",
    )(command)
    command = click.option(
        "--target",
        "targets",
        multiple=True,
        metavar="NAME",
        help="Of what the configuration names, only this: label or SID of a Twilio account, or a bucket. Repeatable.",
    )(command)
    return click.option(
        "--scope",
        type=click.Choice(["targets", "account"]),
        help="What Twilio writes to, or the whole AWS account as well.  [default: targets]",
    )(command)


SCOPE_OPTIONS = {
    "scope": "--scope",
    "targets": "--target",
    "buckets": "--bucket",
    "region": "--region",
    "aws_profile": "--profile",
}
"""Parameters of `scope_options`, and what they are called on the command line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Where:
    """What the command line says about where to look; see the help of the options."""

    scope: str | None
    targets: tuple[str, ...]
    buckets: tuple[str, ...]
    region: str | None
    profile: str | None

    def narrow(self, config: "Config", account: str | None) -> "tuple[Config, tuple[str, ...], bool]":
        """The configuration with this in it, what `--target` leaves out of it, and whether Twilio is to be read.

        Args:
            config: As it was read.
            account: The Twilio account of the environment, which counts where the configuration names none.

        Raises:
            ConfigError: There is no such target.
        """
        from recordscan.config import select_targets

        aws = {"region": self.region or config.aws.region, "profile": self.profile or config.aws.profile}
        config = config.model_copy(
            update={
                "aws": config.aws.model_copy(update=aws),
                "scan": config.scan.model_copy(update={"scope": self.scope or config.scan.scope}),
            }
        )
        if not self.targets:
            return config, (), True
        return select_targets(config, self.targets, account)


def given(names: Sequence[str]) -> list[str]:
    """Which of these parameters of the running command stand on its command line; the environment does not count."""
    context = click.get_current_context()
    return [name for name in names if context.get_parameter_source(name) is ParameterSource.COMMANDLINE]


def quiet_option(help_: str) -> Callable[[F], F]:
    """`-q`, as a number; repeatable."""
    return click.option("-q", "--quiet", count=True, help=help_)


progress_option = click.option(
    "--progress",
    type=click.Choice(["auto", "always", "never"]),
    default="auto",
    help="Live progress on stderr; auto: on a terminal, unless CI is set.",
)


fail_on_option = click.option(
    "--fail-on",
    type=click.Choice(SEVERITIES),
    envvar="RECORDSCAN_FAIL_ON",
    show_envvar=True,
    help="Exit 1 when a check of this severity or worse fails.  [default: critical]",
)


def find(config_path: Path | None, *, no_config: bool, quiet: bool) -> Path | None:
    """The configuration file to use, named or discovered; says on stderr, unless quiet, which others are not read.

    Raises:
        UsageError: Both `--config` and `--no-config` were given.
    """
    from recordscan.config import find_configs

    if no_config:
        if given(["config_path"]):
            raise click.UsageError("--config and --no-config exclude each other")
        return None
    if config_path is not None:
        return config_path
    here = Path.cwd()
    found = find_configs(here)
    for other in () if quiet else found[1:]:
        section = "[tool.recordscan] in " if other.name == "pyproject.toml" else ""
        used, unused = found[0].relative_to(here), other.relative_to(here)
        click.echo(visible(f"the configuration is {used}; {section}{unused} is not read"), err=True)
    return found[0] if found else None
