"""`recordscan waivers` and scans with a waiver file, on a stored scan."""

import json
from pathlib import Path
from typing import Any

import pytest

from cli.scanned import filled_in, one_sentence
from conftest import CommandLine

STORED = Path(__file__).parents[2] / "examples" / "hollow-creek"
SNAPSHOT = str(STORED / "snapshot.jsonl.gz")
RESULT = str(STORED / "result.json")
FILE = "recordscan-waivers.toml"


@pytest.fixture
def finding() -> dict[str, Any]:
    """A finding of the stored result, with its rule."""
    result = json.loads((STORED / "result.json").read_text(encoding="utf-8"))
    found = next(a for a in result["assessments"] if a["rule_id"] == "key-pending-deletion" and a["outcome"] == "fail")
    return {"rule": found["rule_id"], **found["findings"][0]}


def test_an_entry_is_proposed_filled_in_checked_listed_and_applied(bare: CommandLine, finding: dict[str, Any]) -> None:
    stub = bare("waivers", "add", finding["fingerprint"][:16], "--in", RESULT)
    assert stub.status == 0
    assert finding["rule"] in stub.stdout
    (bare.folder / FILE).write_text(filled_in(stub.stdout), encoding="utf-8")
    assert bare("waivers", "check").status == 0
    listed = bare("waivers", "list", "--in", RESULT)
    assert "WV-1" in listed.stdout
    assert "covers 1" in listed.stdout
    scan = bare("scan", "--snapshot", SNAPSHOT, "--waivers", FILE, "-f", "json", "-q")
    result = json.loads(scan.stdout)
    waived = [f for a in result["assessments"] for f in a["findings"] if f["waiver"] == "WV-1"]
    assert [f["fingerprint"] for f in waived] == [finding["fingerprint"]]
    assert result["waivers"][0]["applied"] == 1
    assert any(FILE in notice for notice in result["scan"]["notices"])
    text = bare("scan", "--snapshot", SNAPSHOT, "--waivers", FILE, "-q").stdout
    assert "~ WAIVED" in text
    assert "Accepted by ciso@example.org until" in text


def test_a26_a_bad_file_stops_everything_with_one_sentence(bare: CommandLine) -> None:
    (bare.folder / FILE).write_text('version = 1\n\n[[waivers]]\nid = "x"\n', encoding="utf-8")
    run = bare("scan", "--snapshot", SNAPSHOT, "--waivers", FILE)
    assert run.status == 2
    assert f"{FILE}:3: waiver x: " in one_sentence(run)
    assert bare("waivers", "check").status == 2


def test_strict_checking_fails_on_what_has_no_effect(bare: CommandLine, finding: dict[str, Any]) -> None:
    stub = filled_in(bare("waivers", "add", finding["fingerprint"], "--in", RESULT).stdout)
    dead = stub.replace(finding["fingerprint"], "0" * 64)
    (bare.folder / FILE).write_text(dead, encoding="utf-8")
    assert bare("waivers", "check", "--strict").status == 0
    run = bare("waivers", "check", "--strict", "--in", RESULT)
    assert run.status == 1
    assert "waiver WV-1 is unmatched" in run.stderr
    run = bare("waivers", "prune", "--write", "--in", RESULT)
    assert run.status == 0
    assert (bare.folder / FILE).read_text(encoding="utf-8") == "version = 1\n\n"


def test_what_is_worse_than_a_waiver_allows_is_not_covered_by_it(bare: CommandLine, finding: dict[str, Any]) -> None:
    """Checking, listing and pruning agree."""
    whole = filled_in(bare("waivers", "add", finding["fingerprint"], "--in", RESULT).stdout)
    mild = whole.replace(f'severity_at_most = "{finding["severity"]}"', 'severity_at_most = "info"')
    assert mild != whole
    (bare.folder / FILE).write_text(mild, encoding="utf-8")
    run = bare("waivers", "check", "--strict", "--in", RESULT)
    assert run.status == 1
    assert f"waiver WV-1 is idle: what it covers is {finding['severity']} now, worse than info\n" in run.stderr
    assert f"{FILE}: 1 waiver, 1 without effect" in run.stderr
    assert "covers 0" in bare("waivers", "list", "--in", RESULT).stdout
    assert "1 of 1 left out: WV-1" in bare("waivers", "prune", "--in", RESULT).stderr
    (bare.folder / FILE).write_text(whole, encoding="utf-8")
    run = bare("waivers", "check", "--strict", "--in", RESULT)
    assert (run.status, run.stderr) == (0, f"{FILE}: 1 waiver, 0 without effect\n")


def test_an_unknown_fingerprint_and_a_missing_file_are_told(bare: CommandLine) -> None:
    assert "no finding and no unknown check has" in one_sentence(bare("waivers", "add", "zz", "--in", RESULT))
    run = bare("waivers", "list")
    assert run.status == 2
    assert "there is no recordscan-waivers.toml in this folder" in one_sentence(run)
    assert bare("scan", "--waivers", "x", "--no-waivers").status == 2


def test_of_a_check_the_findings_are_offered_and_a_file_that_is_there_gets_no_second_head(
    bare: CommandLine, finding: dict[str, Any]
) -> None:
    result = json.loads((STORED / "result.json").read_text(encoding="utf-8"))
    check = next(
        row
        for row in result["assessments"]
        if row["findings"] and row["findings"][0]["fingerprint"] == finding["fingerprint"]
    )
    said = one_sentence(bare("waivers", "add", check["fingerprint"], "--in", RESULT))
    assert "is the fingerprint of a check; a waiver is for one of its findings: " in said
    assert finding["fingerprint"][:12] in said
    (bare.folder / FILE).write_text("version = 1\n", encoding="utf-8")
    assert "version" not in bare("waivers", "add", finding["fingerprint"], "--in", RESULT).stdout


def test_all_that_is_wrong_with_an_entry_is_told_at_once(bare: CommandLine, finding: dict[str, Any]) -> None:
    stub = bare("waivers", "add", finding["fingerprint"], "--in", RESULT).stdout
    (bare.folder / FILE).write_text(stub, encoding="utf-8")
    sentence = one_sentence(bare("waivers", "check"))
    assert f"{FILE}:3: waiver #1: id: must be a name of letters, digits, dots, hyphens and underscores" in sentence
    assert "; reason: must have at least 20 characters; owner: must not be empty; " in sentence
    (bare.folder / FILE).write_text(filled_in(stub).replace('{ fingerprint = "', '{}  # "'), encoding="utf-8")
    assert "waiver WV-1: match: must name at least one of " in one_sentence(bare("waivers", "check"))
