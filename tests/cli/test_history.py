"""`recordscan scan --history` and `recordscan history`, on a stored scan."""

import json
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from cli.scanned import one_sentence
from conftest import CommandLine
from recordscan.snapshot import load_snapshot, save_snapshot

SNAPSHOT = str(Path(__file__).parents[2] / "examples" / "hollow-creek" / "snapshot.jsonl.gz")
QUIET = ("scan", "--snapshot", SNAPSHOT, "-f", "none", "-q", "--rule", "key-state", "--fail-on", "none")


def test_a_scan_adds_itself_once_and_its_result_has_the_trend(bare: CommandLine) -> None:
    run = bare(*QUIET[:5], *QUIET[6:], "--history", "kept", "-o", "json=r.json", "-o", "html=r.html")
    assert run.status == 0, run.stderr
    assert "added this run to the history kept" in run.stderr
    result = json.loads((bare.folder / "r.json").read_text(encoding="utf-8"))
    assert [run["scan_id"] for run in result["trend"]] == [result["scan"]["scan_id"]]
    assert result["trend"][0]["outcomes"]["fail"] > 0
    again = bare(*QUIET, "--no-score", "-o", "json=s.json", env={"RECORDSCAN_HISTORY": "kept"})
    assert (again.status, again.stderr.count("\n")) == (0, 1)
    same = json.loads((bare.folder / "s.json").read_text(encoding="utf-8"))
    assert (same["score"], same["trend"]) == (None, result["trend"])
    assert result["score"]["checks"]["total"] == result["coverage"]["planned"]

    listed = bare("history", "list", "kept", "-f", "json")
    assert json.loads(listed.stdout) == result["trend"]
    told = bare("history", "list", env={"RECORDSCAN_HISTORY": "kept"})
    assert result["scan"]["scan_id"] in told.stdout
    trend = bare("history", "trend", "kept", "--scope", result["trend"][0]["scope_sha256"][:4])
    assert trend.stdout.splitlines()[1].startswith(result["scan"]["started"])
    assert json.loads(bare("history", "trend", "kept", "-f", "json").stdout) == result["trend"]
    assert bare("history", "trend", "kept", "--scope", "x").status == 2


def test_a_trend_is_broken_where_rules_changed(bare: CommandLine) -> None:
    bare(*QUIET, "--history", "kept")
    runs, findings = bare.folder / "kept" / "runs.jsonl", bare.folder / "kept" / "findings.jsonl"
    # A later run of other rules, as another version would add it.
    run = json.loads(runs.read_text(encoding="utf-8"))
    later = {**run, "scan_id": "later", "started": "2027-01-01T00:00:00Z", "rules_sha256": "0" * 16, "rules_added": 3}
    head, *rest = findings.read_text(encoding="utf-8").splitlines(keepends=True)
    findings.write_text(json.dumps({**json.loads(head), "runs": 2, "last": later}) + "\n" + "".join(rest))
    runs.write_text(json.dumps(run) + "\n" + json.dumps(later) + "\n")
    lines = bare("history", "trend", "kept").stdout.splitlines()
    assert lines[2] == "---- other rules (3 added)"
    assert lines[3].startswith("2027-01-01")


def test_a_history_that_cannot_be_used_stops_the_scan_in_a_sentence(bare: CommandLine) -> None:
    bare(*QUIET, "--history", "kept")
    runs = bare.folder / "kept" / "runs.jsonl"
    runs.write_text("nonsense\n", encoding="utf-8")
    run = bare(*QUIET, "--history", "kept", "-o", "json=r.json")
    assert run.status == 2
    assert one_sentence(run).startswith("kept/runs.jsonl: the history is damaged: line 1: ")
    assert runs.read_text(encoding="utf-8") == "nonsense\n"
    assert not (bare.folder / "r.json").exists()
    run = bare("history", "list", "elsewhere")
    assert (run.status, one_sentence(run)) == (2, "elsewhere: there is no such folder with a history")
    (bare.folder / "file").write_text("", encoding="utf-8")
    assert bare(*QUIET, "--history", "file").status == 2
    assert bare(*QUIET, "--history", "file/below").status == 5
    run = bare(*QUIET, "--history", "kept", "-o", "json=kept/findings.jsonl")
    assert (run.status, "is read as --history" in run.stderr) == (2, True)


def test_a_baseline_beside_a_history_decides_what_is_new(bare: CommandLine) -> None:
    bare(*QUIET, "--history", "kept", "-o", "json=old.json")
    old = json.loads((bare.folder / "old.json").read_text(encoding="utf-8"))
    assert {f["lifecycle"] for a in old["assessments"] for f in a["findings"]} == {"newly_observed"}
    run = bare(*QUIET, "--history", "kept", "--baseline", "old.json", "--fail-on-new", "-o", "json=new.json")
    assert run.status == 0
    new = json.loads((bare.folder / "new.json").read_text(encoding="utf-8"))
    assert {f["lifecycle"] for a in new["assessments"] for f in a["findings"]} == {"existing"}
    assert "--fail-on-new needs a --baseline" in bare(*QUIET, "--history", "kept", "--fail-on-new").stderr


LIMIT = ["--rule", "key-state", "--rule", "bucket-versioning", "--rule", "url-region-matches-bucket"]


def scanned_later(folder: Path, number: int) -> str:
    """The same answers, as a scan of some minutes later would have got them."""
    snapshot = load_snapshot(Path(SNAPSHOT))
    later = datetime.fromisoformat(snapshot.header.started) + timedelta(minutes=number)
    started = later.isoformat().replace("+00:00", "Z")
    header = replace(snapshot.header, scan_id=f"later-{number}", started=started)
    save_snapshot(replace(snapshot, header=header, ended=started), folder / f"{number}.gz")
    return f"{number}.gz"


@pytest.mark.parametrize(
    ("limited", "unseen", "reason"),
    [
        (["--rule", "key-state"], {"bucket-versioning", "url-region-matches-bucket"}, "not among --rule"),
        ([*LIMIT, "--skip-rule", "bucket-versioning"], {"bucket-versioning"}, "--skip-rule"),
    ],
)
def test_a48_a_scan_that_is_limited_closes_nothing_anywhere(
    bare: CommandLine, limited: list[str], unseen: set[str], reason: str
) -> None:
    """What rules that did not run had found is not observed: in no report closed, absent or archived. (A48, A42)"""
    often = ["-f", "none", "-q", "--fail-on", "none", "--history", "kept"]
    assert bare("scan", "--snapshot", SNAPSHOT, *LIMIT, *often).status == 0
    outputs = {name: f"{name}.out" for name in ("json", "sarif-full", "asff", "ocsf", "html")}
    written = [word for name, file in outputs.items() for word in ("-o", f"{name}={file}")]
    run = bare("scan", "--snapshot", scanned_later(bare.folder, 8), *limited, *often, *written)
    assert run.status == 0, run.stderr
    texts = {name: (bare.folder / file).read_text(encoding="utf-8") for name, file in outputs.items()}
    result = json.loads(texts["json"])
    assert result["baseline"]["resolved"] == []
    assert {entry["rule_id"] for entry in result["baseline"]["not_observed"]} == unseen
    assert '"absent"' not in texts["sarif-full"]
    assert "ARCHIVED" not in texts["asff"]
    assert not any(json.loads(line)["activity_id"] == 3 for line in texts["ocsf"].splitlines())
    assert result["trend"][-1]["resolved"] == 0
    assert result["trend"][-1]["not_observed"] == len(result["baseline"]["not_observed"])
    kept = (bare.folder / "kept" / "findings.jsonl").read_text(encoding="utf-8").splitlines()[1:]
    assert {found["state"] for found in map(json.loads, kept) if found["rule_id"] in unseen} == {"not_observed"}
    assert result["coverage"]["not_selected"]["bucket-versioning"] == reason
    assert reason in texts["html"]
    # Seen again, it is neither new nor back.
    assert bare("scan", "--snapshot", scanned_later(bare.folder, 9), *LIMIT, *often, "-o", "json=j").status == 0
    again = json.loads((bare.folder / "j").read_text(encoding="utf-8"))
    assert {f["lifecycle"] for a in again["assessments"] for f in a["findings"]} == {"existing"}
