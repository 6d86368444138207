"""The examples are what the tool makes today: the stored snapshot gives the stored reports, to the letter."""

import json
from pathlib import Path

import pytest

from conftest import CommandLine
from recordscan.demo import company

EXAMPLE = Path(__file__).parents[2] / "examples" / "hollow-creek"


@pytest.mark.parametrize(("name", "file"), [("json", "result.json"), ("html", "report.html"), ("text", "report.txt")])
def test_the_snapshot_still_gives_the_stored_report(bare: CommandLine, name: str, file: str) -> None:
    snapshot = str(EXAMPLE / "snapshot.jsonl.gz")
    run = bare("scan", "--snapshot", snapshot, "-f", "none", "-o", f"{name}=out")
    assert run.status == 1, run.stderr
    fresh = (bare.folder / "out").read_bytes()
    assert fresh == (EXAMPLE / file).read_bytes(), "`make docs` writes the examples anew"


def test_a_stored_result_renders_to_the_same_report(bare: CommandLine) -> None:
    run = bare("report", str(EXAMPLE / "result.json"), "-f", "none", "-o", "html=out.html", "-o", "json=out.json")
    assert run.status == 0, run.stderr
    assert (bare.folder / "out.html").read_bytes() == (EXAMPLE / "report.html").read_bytes()
    assert (bare.folder / "out.json").read_bytes() == (EXAMPLE / "result.json").read_bytes()


def test_the_configuration_is_that_of_the_demonstration() -> None:
    assert (EXAMPLE / "recordscan.toml").read_text(encoding="utf-8") == company.config_text()


def test_the_example_shows_sound_and_unsound_side_by_side() -> None:
    outcomes = {a["outcome"] for a in json.loads((EXAMPLE / "result.json").read_text("utf-8"))["assessments"]}
    assert {"pass", "fail", "not_applicable"} <= outcomes
