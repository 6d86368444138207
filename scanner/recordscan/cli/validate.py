"""`recordscan validate`: whether configuration and waivers are sound, offline; for pre-commit and CI."""

from pathlib import Path

import click

from recordscan.cli.options import rules_option
from recordscan.errors import ConfigError
from recordscan.visible import visible


@click.command(
    epilog="""\b
Examples:
  recordscan validate
  recordscan validate recordscan.toml recordscan-waivers.toml
"""
)
@click.argument("paths", metavar="[FILE]...", nargs=-1, type=click.Path(path_type=Path, dir_okay=False))
@rules_option
def validate(*, paths: tuple[Path, ...], rule_files: tuple[Path, ...]) -> None:
    """Check configuration and waiver files, without credentials and network. Exits 2 when one is not sound.

    A FILE whose name ends in `waivers.toml`, or that has [[waivers]], is a waiver file, any other a configuration.
    Without FILE, those of this folder are checked.
    """
    from recordscan.cli.scan import check_rule_options, select_rules
    from recordscan.config import find_configs, load_config
    from recordscan.plugins import load_rules
    from recordscan.rule import current_ids
    from recordscan.waiver_file import find_waivers, holds_waivers, load_waivers

    rules = load_rules(rule_files)
    chosen = paths or tuple(
        path for path in (next(iter(find_configs(Path.cwd())), None), find_waivers(Path.cwd())) if path is not None
    )
    if not chosen:
        raise ConfigError("there is neither a configuration nor a waiver file in this folder; name one")
    for path in chosen:
        if holds_waivers(path):
            what = load_waivers(path, current_ids(rules)).number_said
        else:
            config = load_config(path)
            try:
                check_rule_options(rules, config.profile.options)
            except ConfigError as error:
                raise ConfigError(f"{path}: {error}") from None
            select_rules(rules, config.scan.rules, config.scan.skip_rules, config.scan.frameworks)
            what = "a sound configuration"
        click.echo(visible(f"{path}: {what}"))
