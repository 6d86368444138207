"""`recordscan diff`, `recordscan baseline` and scans with a baseline, on a stored scan."""

import json
from pathlib import Path

from cli.scanned import one_sentence
from conftest import CommandLine

STORED = Path(__file__).parents[2] / "examples" / "hollow-creek"
SNAPSHOT = str(STORED / "snapshot.jsonl.gz")
RESULT = str(STORED / "result.json")


def test_a_baseline_is_made_and_a_scan_told_from_it(bare: CommandLine) -> None:
    assert bare("baseline", "create", RESULT, "-o", "baseline.json").status == 0
    everything = len(json.loads((bare.folder / "baseline.json").read_text(encoding="utf-8"))["entries"])
    run = bare("scan", "--snapshot", SNAPSHOT, "--baseline", "baseline.json", "--fail-on-new")
    assert run.status == 0
    assert f"0 findings are new, {everything} were there before and 0 are resolved." in " ".join(run.stdout.split())
    fewer = json.loads((bare.folder / "baseline.json").read_text(encoding="utf-8"))
    fewer["entries"] = [e for e in fewer["entries"] if e["rule_id"] != "key-pending-deletion"]
    (bare.folder / "fewer.json").write_text(json.dumps(fewer), encoding="utf-8")
    run = bare("scan", "--snapshot", SNAPSHOT, "--baseline", "fewer.json", "--fail-on-new")
    assert run.status == 1
    assert "(new)" in run.stdout


def test_a_result_serves_as_baseline_and_nonsense_does_not(bare: CommandLine) -> None:
    run = bare("scan", "--snapshot", SNAPSHOT, "--baseline", RESULT, "-f", "none", "--fail-on-new", "-q")
    assert run.status == 0
    (bare.folder / "bad.json").write_text('{"entries": 3}', encoding="utf-8")
    run = bare("scan", "--snapshot", SNAPSHOT, "--baseline", "bad.json")
    assert run.status == 2
    assert "bad.json: this is no baseline" in one_sentence(run)
    assert "--fail-on-new needs a --baseline" in bare("scan", "--fail-on-new").stderr


def test_differences_are_told_and_new_ones_can_fail(bare: CommandLine) -> None:
    same = bare("diff", RESULT, RESULT)
    assert (same.status, same.stdout) == (0, "")
    assert "0 new" in same.stderr
    few = bare("scan", "--snapshot", SNAPSHOT, "--rule", "key-state", "-f", "none", "-o", "json=few.json", "-q")
    assert few.status == 1
    told = bare("diff", "few.json", RESULT, "--fail-on-new", "high", "-f", "json")
    assert told.status == 1
    changes = {difference["change"] for difference in json.loads(told.stdout)}
    assert changes == {"rule_added"}
    back = bare("diff", RESULT, "few.json", "--fail-on-new", "info")
    assert back.status == 0
    assert "Not observed" in back.stdout
    assert "the rule was not run" in back.stdout
