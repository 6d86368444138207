"""The examples are what the tool makes today: the stored snapshot gives the stored reports, to the letter."""

import json
import re
import shlex
import subprocess
from dataclasses import replace
from pathlib import Path

from conftest import SCRIPT, CommandLine
from recordscan.demo import company
from recordscan.document import load_result
from recordscan.plugins import load_reports

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "hollow-creek"


def test_the_snapshot_still_gives_the_stored_reports(bare: CommandLine) -> None:
    """The day of the data on AWS's actions is left out: it is newer with every release of that data."""
    snapshot = str(EXAMPLE / "snapshot.jsonl.gz")
    run = bare("scan", "--snapshot", snapshot, "-f", "none", "-o", "json=out")
    assert run.status == 1, run.stderr
    fresh, stored = load_result((bare.folder / "out").read_bytes()), load_result((EXAMPLE / "result.json").read_bytes())
    assert fresh.scan.action_data
    fresh = replace(fresh, scan=replace(fresh.scan, action_data=stored.scan.action_data))
    for name, file in (("json", "result.json"), ("html", "report.html"), ("text", "report.txt")):
        rendered = load_reports()[name](fresh)
        made = rendered.encode() if isinstance(rendered, str) else rendered
        assert made == (EXAMPLE / file).read_bytes(), f"{file} is stale; `make docs` writes the examples anew"


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


def documented(language: str) -> str:
    """The block in that language of the README's section on testing policies."""
    section = (
        (ROOT / "README.md").read_text(encoding="utf-8").split("### Testing policies in CI\n")[1].split("\n### ")[0]
    )
    [block] = re.findall(rf"```{language}\n(.*?)```", section, re.DOTALL)
    return str(block)


def test_the_documented_command_holds_the_example_cases_to_what_they_expect(bare: CommandLine) -> None:
    program, *arguments = shlex.split(documented("sh"))
    assert program == "recordscan"
    run = CommandLine(ROOT, bare.environment)(*arguments)
    assert run.status == 0, run.stdout
    assert run.stderr == "8 cases: 8 as expected, 0 not, 0 invalid\n"
    answers = {answer["id"]: answer for answer in map(json.loads, run.stdout.splitlines())}
    assert not any("warnings" in answer for answer in answers.values())
    assert answers["deny-of-nothing"]["allow"] == [["identity", "generous", "Everything"]]
    assert answers["upload-without-tls"]["deny"] == [["resource", "resourcePolicy", "OnlyTls"]]


def test_the_documented_case_is_decided_as_it_says(bare: CommandLine) -> None:
    line = json.dumps(json.loads(documented("json")))
    done = subprocess.run(
        [str(SCRIPT), "simulate", "--expect"],
        env=bare.environment,
        input=line,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (0, "1 case: 1 as expected, 0 not, 0 invalid\n")
    assert json.loads(done.stdout)["decision"] == "ImplicitlyDenied"
