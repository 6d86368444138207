"""The job summary of GitHub Actions, and formats for machines from the command line."""

import json
import time
from pathlib import Path

import pytest

from cli.scanned import Scanned, one_sentence
from conftest import CommandLine
from recordscan.cli.output import SUMMARY_SIZE
from recordscan.document import load_result
from recordscan.plugins import load_reports
from recordscan.result import Outcome
from recordscan_reports import markdown


@pytest.fixture
def summary(bare: CommandLine) -> Path:
    path = bare.folder / "summary.md"
    bare.environment["GITHUB_STEP_SUMMARY"] = str(path)
    return path


def expected(scanned: Scanned) -> str:
    return markdown.render(load_result(scanned.result.read_bytes()))


def test_a_scan_adds_to_the_summary_where_the_variable_is_set(
    bare: CommandLine, scanned: Scanned, summary: Path
) -> None:
    summary.write_text("before\n", encoding="utf-8")
    run = bare("scan", "--snapshot", str(scanned.snapshot), "-f", "none")
    assert run.status == 1
    assert "added to the job summary" in run.stderr
    text = summary.read_text(encoding="utf-8")
    assert text.startswith("before\n## recordscan: FAIL")
    assert "| Fail |" in text


def test_a_report_adds_to_it_too_unless_told_otherwise(bare: CommandLine, scanned: Scanned, summary: Path) -> None:
    assert bare("report", str(scanned.result), "-f", "none", "--github-summary", "never").status == 0
    assert not summary.exists()
    for _ in range(2):
        assert bare("report", str(scanned.result), "-f", "none").status == 0
    assert summary.read_text(encoding="utf-8") == expected(scanned) * 2


def test_always_needs_the_variable_and_says_so_before_anything_else(bare: CommandLine, scanned: Scanned) -> None:
    for arguments in (["scan", "--snapshot", str(scanned.snapshot)], ["report", str(scanned.result)]):
        run = bare(*arguments, "--github-summary", "always")
        assert run.status == 2
        assert one_sentence(run).startswith("--github-summary always: GITHUB_STEP_SUMMARY is not set")
    assert bare("report", str(scanned.result), "-f", "none").stderr == ""


def test_a20_a_full_summary_is_left_as_it_is(bare: CommandLine, scanned: Scanned, summary: Path) -> None:
    """GitHub would drop the whole summary beyond 1 MiB. (A20)"""
    summary.write_bytes(b"x" * (SUMMARY_SIZE - 100))
    run = bare("report", str(scanned.result), "-f", "none")
    assert run.status == 0
    assert "the job summary has no room for the report" in run.stderr
    assert summary.stat().st_size == SUMMARY_SIZE - 100


def test_a_summary_that_cannot_be_written_is_found_first(bare: CommandLine, scanned: Scanned) -> None:
    bare.environment["GITHUB_STEP_SUMMARY"] = "missing/summary.md"
    run = bare("scan", "--snapshot", str(scanned.snapshot))
    assert run.status == 5
    assert one_sentence(run) == "missing/summary.md: the folder missing does not exist; make it first"


def test_options_of_formats_hold_on_scan_and_report_and_are_refused_before_anything_is_asked(
    bare: CommandLine, scanned: Scanned
) -> None:
    """What is written again is replaced, and the same. (A9)"""
    options = ("-f", "none", "--format-option", "csv.bom=true", "--format-option", "junit.granularity=rule")
    outputs = ("-o", "csv=a.csv", "-o", "junit=a.xml")
    stored = scanned.snapshot
    bare("scan", "--snapshot", str(stored), *options, *outputs, "-q")
    first = [(bare.folder / name).read_bytes() for name in ("a.csv", "a.xml")]
    assert first[0].startswith(b"\xef\xbb\xbfscan_id,")
    assert b'classname="recordscan.keys" name="key-state: ' in first[1]
    run = bare("report", str(scanned.result), "-f", "csv", "--format-option", "csv.bom=true")
    assert run.stdout.startswith("\ufeffscan_id,")
    assert bare("report", str(scanned.result), *options, *outputs).status == 0
    assert [(bare.folder / name).read_bytes() for name in ("a.csv", "a.xml")] == first
    run = bare("scan", "--format-option", "csv.mob=true")
    assert run.status == 2
    assert "the format 'csv' has no option 'mob'; it has: bom" in one_sentence(run)


def test_a8_one_scan_writes_every_format_also_where_all_is_well(bare: CommandLine, scanned: Scanned) -> None:
    """Files are for their owner only, and say when the scan was. (A8) (A14)"""
    names = sorted(load_reports())
    options = [f"-o{name}={name}.out" for name in names]
    outcomes: dict[str, set[Outcome]] = {}
    for assessment in load_result(scanned.result.read_bytes()).assessments:
        outcomes.setdefault(assessment.rule_id, set()).add(assessment.outcome)
    sound = next(rule_id for rule_id, found in sorted(outcomes.items()) if found == {Outcome.PASS})
    for rules, status in (((), 1), (("--rule", sound, "--fail-on", "info"), 0)):
        run = bare("scan", "--snapshot", str(scanned.snapshot), *rules, "-f", "none", *options)
        assert run.status == status, run.stderr
        for name in names:
            path = bare.folder / f"{name}.out"
            assert path.stat().st_mode & 0o777 == 0o600
            assert path.stat().st_size > 0
        assert json.loads((bare.folder / "sarif.out").read_bytes())["version"] == "2.1.0"
        rows = (bare.folder / "csv.out").read_bytes().count(b"\r\n")
        assert (rows > 100) is (status == 1)
        for line in (bare.folder / "ocsf.out").read_text(encoding="utf-8").splitlines():
            assert abs(json.loads(line)["time"] / 1000 - time.time()) < 86_400
