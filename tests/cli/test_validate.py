"""`recordscan validate`: what a scan would refuse is refused before it."""

from pathlib import Path

import pytest

from cli.scanned import one_sentence
from conftest import CommandLine

WAIVERS = "version = 1\n"


def test_the_files_of_the_folder_are_checked(bare: CommandLine) -> None:
    (bare.folder / "recordscan.toml").write_text("[gate]\nfail_on = 'high'\n", encoding="utf-8")
    (bare.folder / "recordscan-waivers.toml").write_text(WAIVERS, encoding="utf-8")
    run = bare("validate")
    assert run.status == 0
    assert "recordscan.toml: a sound configuration" in run.stdout
    assert "recordscan-waivers.toml: 0 waivers" in run.stdout


@pytest.mark.parametrize(
    ("name", "text", "sentence"),
    [
        ("recordscan.toml", "[gates]\n", "unknown key 'gates'"),
        ("recordscan.toml", "[scan]\nskip_rules = ['bucket-versionin']\n", "there is no rule 'bucket-versionin'"),
        ("recordscan.toml", "[profile.options.x-y]\na = 1\n", "there is no rule 'x-y'"),
        ("recordscan-waivers.toml", "version = 2\n", "recordscan-waivers.toml: version"),
        ("other-waivers.toml", WAIVERS + "[[waivers]]\nid = 'a'\n", "other-waivers.toml:2: waiver a: "),
    ],
)
def test_a26_what_is_not_sound_is_refused(bare: CommandLine, name: str, text: str, sentence: str) -> None:
    (bare.folder / name).write_text(text, encoding="utf-8")
    run = bare("validate", name)
    assert run.status == 2
    assert sentence in one_sentence(run)


def test_without_any_file_there_is_nothing_to_say(bare: CommandLine, tmp_path: Path) -> None:
    assert list(tmp_path.iterdir()) == []
    run = bare("validate")
    assert run.status == 2
    assert "there is neither a configuration nor a waiver file" in one_sentence(run)


def test_a_waiver_file_is_known_by_what_it_holds(bare: CommandLine) -> None:
    (bare.folder / "accepted.toml").write_text("version = 1\nwaivers = []\n", encoding="utf-8")
    run = bare("validate", "accepted.toml")
    assert (run.status, run.stdout) == (0, "accepted.toml: 0 waivers\n")


def test_options_of_a_rule_that_is_not_there_are_told_alike_by_both_commands(bare: CommandLine) -> None:
    (bare.folder / "c.toml").write_text("[profile.options.own-rule]\nbegins = 'x'\n", encoding="utf-8")
    hint = "; a rule of a file of your own is there when --rules names the file"
    for command in (("validate", "c.toml"), ("scan", "-c", "c.toml")):
        run = bare(*command)
        assert run.status == 2
        assert "c.toml: profile.options: there is no rule 'own-rule'; " in one_sentence(run)
        assert one_sentence(run).endswith(hint)
