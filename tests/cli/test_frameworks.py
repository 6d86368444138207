"""Rules and reports by framework."""

import json
from pathlib import Path

from conftest import CommandLine
from recordscan.cli.report import read_result
from recordscan.plugins import load_rules
from recordscan.result import ScanResult

SNAPSHOT = str(Path(__file__).parents[2] / "examples" / "hollow-creek" / "snapshot.jsonl.gz")


def names(*frameworks: str) -> set[str]:
    return {rule.id for rule in load_rules() if any(control.framework in frameworks for control in rule.controls)}


def scan(bare: CommandLine, *arguments: str) -> ScanResult:
    run = bare("scan", "-q", "--snapshot", SNAPSHOT, "-f", "none", "-o", "json=by-framework.json", *arguments)
    assert run.status in (0, 1, 3), run.stderr
    return read_result(bare.folder / "by-framework.json")


def test_only_rules_that_give_evidence_for_the_frameworks_run_and_the_others_are_named(bare: CommandLine) -> None:
    result = scan(bare, "--framework", "soc2", "--framework", "hipaa", "--skip-rule", "bucket-versioning")
    assert {rule.id for rule in result.rules} == names("soc2", "hipaa") - {"bucket-versioning"}
    left_out = {rule.id for rule in load_rules()} - names("soc2", "hipaa")
    assert result.coverage.not_selected == {
        **dict.fromkeys(left_out, "--framework"),
        "bucket-versioning": "--skip-rule",
    }
    assert [framework.id for framework in result.frameworks] == ["soc2", "hipaa"]
    assert result.gate.exit_reason.endswith(f"; {len(left_out) + 1} rules were left out")


def test_without_a_framework_all_are_told(bare: CommandLine) -> None:
    result = scan(bare)
    assert {rule.id for rule in result.rules} == {rule.id for rule in load_rules()}
    assert len(result.frameworks) == 10
    assert [c.id for f in result.frameworks for c in f.controls if c.left_out] == []


def test_the_configuration_can_name_frameworks(bare: CommandLine) -> None:
    config = bare.folder / "soc2.toml"
    config.write_text('[scan]\nframeworks = ["soc2"]\n', encoding="utf-8")
    result = scan(bare, "--config", str(config), "--framework", "gdpr")
    assert [framework.id for framework in result.frameworks] == ["soc2", "gdpr"]
    assert {rule.id for rule in result.rules} == names("soc2", "gdpr")
    config.write_text('[scan]\nframeworks = ["soc3"]\n', encoding="utf-8")
    run = bare("scan", "--snapshot", SNAPSHOT, "--config", str(config))
    assert (run.status, run.stdout) == (2, "")
    assert "there is no framework 'soc3'; did you mean 'soc2'?" in run.stderr


def test_rules_are_listed_by_framework_in_each_format(bare: CommandLine) -> None:
    listed = bare("rules", "list", "--framework", "hipaa")
    assert {line.split()[0] for line in listed.stdout.splitlines()} == names("hipaa")
    assert listed.stderr.splitlines()[0] == f"{len(names('hipaa'))} rules"
    assert listed.stderr.splitlines()[1].startswith("HIPAA: evidence for ")
    assert listed.stderr.splitlines()[1].endswith(" of 22 controls")
    document = json.loads(bare("rules", "list", "--framework", "hipaa", "-f", "json").stdout)
    assert {rule["id"] for rule in document} == names("hipaa")
    markdown = bare("rules", "list", "--framework", "hipaa", "-f", "markdown").stdout
    assert "| HIPAA | `hipaa` | 22 |" in markdown
    assert "`soc2`" not in markdown
    assert "### Controls of HIPAA\n" in markdown
    assert "| 164.308(a)(8) | Evaluation | *none* |\n" in markdown
    assert (
        "| 164.312(b) | Audit controls | [bucket-access-logging](#bucket-access-logging) (mapping of a peer)"
        in markdown
    )


def test_the_catalogue_counts_the_controls_of_every_framework(bare: CommandLine) -> None:
    markdown = bare("rules", "list", "-f", "markdown").stdout
    rows = [line.strip("| ").split(" | ") for line in markdown.splitlines() if "| `" in line]
    assert len(rows) == 10
    for _, _, *cells in rows:
        controls, tested, official, peer, proposal, untested = map(int, cells)
        assert tested == official + peer + proposal > 0
        assert controls == tested + untested
    assert "### Controls of" not in markdown
