"""What the exit status says about what was found."""

import json

import pytest

from cli.scanned import Scanned
from conftest import CommandLine
from recordscan.demo.run import Company

FAILING = ["critical", "high", "medium", "low", "info"]


@pytest.mark.parametrize("severity", FAILING)
def test_a_failure_at_or_above_the_gate_exits_1(bare: CommandLine, scanned: Scanned, severity: str) -> None:
    run = bare("scan", "--snapshot", str(scanned.snapshot), "--fail-on", severity, "-f", "none")
    assert run.status == 1
    assert f"at or above {severity} failed (exit status 1)" in run.stderr


def test_no_gate_exits_0_and_says_so(bare: CommandLine, scanned: Scanned) -> None:
    run = bare("scan", "-q", "--snapshot", str(scanned.snapshot), "--fail-on", "none", "-f", "json")
    assert run.status == 0
    assert run.stderr.startswith("recordscan: NO GATE: no gate was set; ")
    assert run.stderr.endswith(" could not be decided (exit status 0)\n")
    gate = json.loads(run.stdout)["gate"]
    assert gate["verdict"].startswith("FAIL")
    assert (gate["exit_status"], gate["fail_on"]) == (0, None)


def test_without_a_gate_old_failures_are_counted_too(bare: CommandLine, scanned: Scanned) -> None:
    common = ("scan", "-q", "--snapshot", str(scanned.snapshot), "--fail-on", "none", "-f", "none")
    plain = bare(*common)
    failed = plain.stderr.split("no gate was set; ")[1].split(" of all checks failed")[0]
    assert int(failed) > 10
    only_new = bare(*common, "--baseline", str(scanned.result), "--fail-on-new")
    assert f"no gate was set; {failed} of all checks failed, 0 of them with new findings, " in only_new.stderr


def test_the_gate_of_the_environment_yields_to_the_option(bare: CommandLine, scanned: Scanned) -> None:
    arguments = ["scan", "--snapshot", str(scanned.snapshot), "-f", "none"]
    assert bare(*arguments, env={"RECORDSCAN_FAIL_ON": "none"}).status == 0
    assert bare(*arguments, "--fail-on", "low", env={"RECORDSCAN_FAIL_ON": "none"}).status == 1


def test_the_gate_of_a_named_configuration_holds_for_a_replay(bare: CommandLine, scanned: Scanned) -> None:
    (bare.folder / "lenient.toml").write_text("[gate]\nfail_on = 'none'\n", encoding="utf-8")
    run = bare("scan", "--snapshot", str(scanned.snapshot), "-c", "lenient.toml", "-f", "none")
    assert run.status == 0


def test_a_replay_ignores_a_configuration_that_merely_lies_there(recordscan: CommandLine, scanned: Scanned) -> None:
    (recordscan.folder / "recordscan.toml").write_text("[gate]\nfail_on = 'none'\n", encoding="utf-8")
    assert recordscan("scan", "--snapshot", str(scanned.snapshot), "-f", "none").status == 1


def test_a_sound_bucket_exits_0(recordscan: CommandLine, clouds: Company) -> None:
    run = recordscan("scan", "--rule", "settings-complete", "--fail-on", "info", "-f", "json")
    document = json.loads(run.stdout)
    outcomes = {assessment["outcome"] for assessment in document["assessments"]}
    assert run.status == (1 if "fail" in outcomes else 0), run.stderr
    assert document["gate"]["exit_status"] == run.status


def test_a_denied_read_that_the_gate_depends_on_exits_3(recordscan: CommandLine, clouds: Company) -> None:
    """(A1)"""
    arguments = ["scan", "--rule", "bucket-tls-only", "--fail-on", "info", "-f", "none"]
    allowed = recordscan(*arguments)
    assert allowed.status in (0, 1)
    clouds.aws.deny.add("s3:GetBucketPolicy")
    denied = recordscan(*arguments)
    assert denied.status == 3
    assert "(exit status 3)" in denied.stderr
    assert "recordscan: INCOMPLETE: " in denied.stderr


def test_a_denied_read_below_the_gate_does_not_count(recordscan: CommandLine, clouds: Company) -> None:
    clouds.aws.deny.add("s3:GetBucketPolicy")
    run = recordscan("scan", "--rule", "bucket-tls-only", "--rule", "bucket-versioning", "--fail-on", "critical")
    assert run.status in (0, 3)


def test_a_gate_at_which_nothing_was_judged_is_no_pass(bare: CommandLine, scanned: Scanned) -> None:
    """(A4)"""
    run = bare("scan", "-q", "--snapshot", str(scanned.snapshot), "--rule", "url-https", "-f", "none")
    assert run.status == 3
    left_out = len(json.loads(bare("rules", "list", "-f", "json").stdout)) - 1
    assert run.stderr == (
        f"recordscan: INCOMPLETE: nothing was judged at critical; {left_out} rules were left out (exit status 3)\n"
    )
