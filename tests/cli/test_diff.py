"""`recordscan diff`, `recordscan baseline` and scans with a baseline, on a stored scan."""

import json
import os
import subprocess
from datetime import date, timedelta
from pathlib import Path

import pytest

from cli.scanned import one_sentence
from conftest import SCRIPT, CommandLine

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


RULE = '''
from recordscan.rule import Severity, finding, rule

@rule({id!r}, title="Tags", severity=Severity.HIGH, remediation="Tag it.", aliases={aliases!r}, options={{"tag": "x"}})
def tags(target, profile, options):
    """Why."""
    yield finding(f"{{target.name}} has no tag {{options['tag']}}", target.uid)
'''

WAIVER = """
version = 1
[[waivers]]
id = "WV-1"
rule = "acme-tags"
match = {{ fingerprint = "{fingerprint}" }}
kind = "in_progress"
reason = "tags come with the move of the bucket"
owner = "video@example.org"
approved_by = "ciso@example.org"
created = {created}
expires = {expires}
"""


def test_a_rule_of_a_later_version_takes_over_what_was_said_of_its_old_id(bare: CommandLine) -> None:
    """Baseline, waiver, option and selection of the old id hold. (A50)"""
    old, new, config = (bare.folder / name for name in ("old.py", "new.py", "recordscan.toml"))
    old.write_text(RULE.format(id="acme-tags", aliases=()), encoding="utf-8")
    new.write_text(RULE.format(id="acme-bucket-tags", aliases=("acme-tags",)), encoding="utf-8")
    config.write_text('[profile.options.acme-tags]\ntag = "owner"\n', encoding="utf-8")
    common = ("--snapshot", SNAPSHOT, "--config", "recordscan.toml", "--rule", "acme-tags", "-f", "none", "-q")
    run = bare("scan", *common, "--rules", "old.py", "-o", "json=old.json", "--fail-on", "high")
    assert run.status == 1, run.stderr
    assert bare("baseline", "create", "old.json", "-o", "baseline.json").status == 0
    baseline = json.loads((bare.folder / "baseline.json").read_text(encoding="utf-8"))
    for entry in baseline["entries"]:
        entry["first_seen"] = "2026-01-02T03:04:05Z"
    (bare.folder / "baseline.json").write_text(json.dumps(baseline), encoding="utf-8")
    scanned = date.fromisoformat(baseline["created"][:10])
    days = {"created": scanned - timedelta(days=1), "expires": scanned + timedelta(days=9)}
    waiver = WAIVER.format(fingerprint=baseline["entries"][0]["fingerprint"], **days)
    (bare.folder / "w.toml").write_text(waiver, encoding="utf-8")
    told = ("--baseline", "baseline.json", "--waivers", "w.toml", "--fail-on-new", "--fail-on", "high")
    run = bare("scan", *common, "--rules", "new.py", *told, "-o", "json=new.json")
    assert run.status == 0, run.stderr
    result = json.loads((bare.folder / "new.json").read_text(encoding="utf-8"))
    findings = [finding for a in result["assessments"] for finding in a["findings"]]
    assert len(findings) == len(baseline["entries"]) > 1
    assert {a["rule_id"] for a in result["assessments"]} == {"acme-bucket-tags"}
    assert {(f["lifecycle"], f["first_seen"]) for f in findings} == {("existing", "2026-01-02T03:04:05Z")}
    assert all("has no tag owner" in finding["message"] for finding in findings)
    assert [f["waiver"] for f in findings if f["waiver"]] == ["WV-1"]
    notices = " ".join(result["scan"]["notices"])
    assert "the rule acme-tags is called acme-bucket-tags now" in notices
    assert "the waiver WV-1 names the rule acme-tags, which is called acme-bucket-tags now" in notices
    same = bare("diff", "old.json", "new.json", "--fail-on-new", "info")
    assert same.status == 0
    assert (
        f"0 new, 0 counts again, 0 severity changed, 1 waived now, 0 resolved, 0 not observed, 0 of rules that did \
not run before, 0 rules that did not run, {len(findings) - 1} still there"
        in same.stderr
    )
    # Not told with -q: that the waiver is about to end.
    loud = bare("scan", *common[:-1], "--rules", "new.py", *told)
    assert f"the waiver WV-1 of acme-bucket-tags ends on {days['expires']}" in loud.stderr


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
    # Rules are counted and some are named, but none is told as a finding.
    rules = len(json.loads(Path(RESULT).read_text(encoding="utf-8"))["rules"])
    assert f"\n{rules - 1} rules ran before and did not run: " in back.stdout
    assert f" and {rules - 9} more, which -f json names\n" in back.stdout
    added = bare("diff", "few.json", RESULT)
    found = [d for d in json.loads(told.stdout) if d["fingerprint"]]
    assert f"Of rules that did not run before ({len(found)})\n" in added.stdout
    assert f"\n{rules - 1} rules ran that did not run before: " in added.stdout
    assert f", {len(found)} of rules that did not run before, 0 rules that did not run, " in added.stderr
    titles = [line for line in added.stdout.splitlines() if line.startswith("  ") and not line.startswith("    ")]
    assert len(titles) == len(found)


@pytest.mark.parametrize("options", [(), ("-f", "json")])
def test_a_reader_that_goes_away_changes_no_status(bare: CommandLine, options: tuple[str, ...]) -> None:
    few = bare("scan", "--snapshot", SNAPSHOT, "--rule", "key-state", "-f", "none", "-o", "json=few.json", "-q")
    assert few.status == 1
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "wb") as nobody:
        arguments = [str(SCRIPT), "diff", "few.json", RESULT, "--fail-on-new", "high", *options]
        done = subprocess.run(
            arguments, env=bare.environment, cwd=bare.folder, stdout=nobody, stderr=subprocess.PIPE, check=False
        )
    assert (done.returncode, b"Traceback" in done.stderr) == (1, False)
