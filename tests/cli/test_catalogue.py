"""Rules as the command line shows them, and the catalogue that is kept in the repository."""

import json
from pathlib import Path

from conftest import CommandLine

ROOT = Path(__file__).parents[2]


def test_the_catalogue_is_fresh(bare: CommandLine) -> None:
    """`make docs` writes it anew."""
    run = bare("rules", "list", "--format", "markdown")
    assert run.status == 0, run.stderr
    assert (ROOT / "rules" / "README.md").read_text(encoding="utf-8") == run.stdout


def test_each_listed_rule_can_be_shown(bare: CommandLine) -> None:
    listed = json.loads(bare("rules", "list", "--format", "json").stdout)
    assert len(listed) == len({rule["id"] for rule in listed}) >= 54
    for rule in listed[::9]:
        shown = json.loads(bare("rules", "show", rule["id"], "--format", "json").stdout)
        assert shown["id"] == rule["id"]
        text = bare("rules", "show", rule["id"])
        assert (text.status, text.stderr) == (0, "")
        assert rule["title"] in text.stdout


def test_commands_in_a_group_take_verbose_too(bare: CommandLine) -> None:
    run = bare("rules", "show", "-v", "bucket-versioning")
    assert (run.status, run.stderr) == (0, "")


def test_an_unknown_rule_gets_a_suggestion(bare: CommandLine) -> None:
    run = bare("rules", "show", "bucket-versionin")
    assert (run.status, run.stdout) == (2, "")
    assert "'bucket-versioning'" in run.stderr
    assert run.stderr.count("\n") == 1


def test_urls_are_checked_a_line_each(bare: CommandLine) -> None:
    document = json.loads((ROOT / "tests" / "data" / "s3-url-vectors.json").read_text(encoding="utf-8"))
    vectors = [v for v in document["vectors"] if v["url"] and "\0" not in v["url"] and not v["url"].startswith("-")]
    run = bare("url", "--", *(vector["url"] for vector in vectors))
    assert run.status == 1
    lines = [json.loads(line) for line in run.stdout.splitlines()]
    assert len(lines) == len(vectors) > 50
    for vector, line in zip(vectors, lines, strict=True):
        assert vector["expect"].items() <= line.items(), vector["id"]
    assert bare("url", "https://acme.s3.eu-west-1.amazonaws.com/media/").status == 0


def test_what_a_scan_would_find_fault_with_is_said_of_a_url(bare: CommandLine) -> None:
    run = bare("url", "http://acme.s3-eu-west-1.amazonaws.com/media", "https://acme.s3.eu-wset-1.amazonaws.com/a/", "x")
    odd, misspelt, wrong = (json.loads(line) for line in run.stdout.splitlines())
    assert [text.split()[0] for text in odd["advice"]] == ["http", "`s3-REGION`", "without"]
    assert misspelt["advice"] == ["eu-wset-1 is no Region that this version knows; see that it is spelt right"]
    assert wrong["message"]


def test_the_permissions_say_what_a_restricted_key_of_twilio_costs(bare: CommandLine) -> None:
    run = bare("permissions")
    assert run.status == 0
    assert "none exists; only a standard key can do this                 twilio:ListAwsCredentials\n" in run.stdout
    assert "--skip-rule settings-credential-exists leaves it out" in run.stdout
    rules = {rule["id"]: rule for rule in json.loads(bare("rules", "list", "-f", "json").stdout)}
    assert rules["settings-credential-exists"]["severity"] == "critical"
