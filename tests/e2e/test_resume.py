"""A scan that was killed, or that its deadline stopped, is resumed and asks only for the rest."""

import json
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from conftest import SCRIPT, CommandLine
from recordscan.demo.aws_faults import Fault, FaultKind
from recordscan.demo.run import Company
from recordscan.snapshot import load_snapshot, load_unfinished

SLOW = Fault(kind=FaultKind.SLOW, seconds=12)


def killed(command: CommandLine, clouds: Company) -> Path:
    """Kill a scan that waits for KMS; what it leaves."""
    process = subprocess.Popen(
        [str(SCRIPT), "scan", "-f", "none", "-q", "--save-snapshot", "part.gz"],
        env=command.environment,
        cwd=command.folder,
        stderr=subprocess.DEVNULL,
    )
    while "kms:DescribeKey" not in clouds.aws.operations() and process.poll() is None:
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.wait(timeout=60)
    assert not (command.folder / "part.gz").exists()
    return command.folder / "part.gz.partial"


def past_deadline(command: CommandLine, clouds: Company) -> Path:
    """Let a deadline pass while a scan waits for KMS; the snapshot it saves."""
    run = command("scan", "-f", "json", "--save-snapshot", "part.gz", "--deadline", "8s", "--fail-on", "none")
    assert run.status == 3
    assert "the deadline passed before everything was asked (exit status 3)" in run.stderr
    document = json.loads(run.stdout)
    assert (document["scan"]["interrupted"], document["scan"]["past_deadline"]) == (True, True)
    assert document["gate"]["verdict"] in ("INCOMPLETE", "FAIL (incomplete)")
    assert not (command.folder / "part.gz.partial").exists()
    replay = command("scan", "-f", "json", "--snapshot", "part.gz")
    again = json.loads(replay.stdout)
    for told in (document, again):  # a replay reads no configuration, and does not name one
        told["scan"]["notices"] = [n for n in told["scan"]["notices"] if not n.startswith("requirements were taken")]
    assert (replay.status, again) == (3, document)
    return command.folder / "part.gz"


@pytest.mark.parametrize("stopped", [killed, past_deadline])
def test_what_is_left_of_a_scan_is_resumed_and_only_the_rest_is_asked(
    recordscan: CommandLine, clouds: Company, stopped: Callable[[CommandLine, Company], Path]
) -> None:
    clouds.aws.faults["kms:DescribeKey"] = SLOW
    left = stopped(recordscan, clouds)
    before = {observation.id: observation for observation in load_unfinished(left).observations}
    assert len(before) > 10
    clouds.aws.heal()
    run = recordscan("scan", "-f", "json", "--resume", left.name, "--save-snapshot", "whole.gz")
    document: dict[str, Any] = json.loads(run.stdout)
    assert not document["scan"]["interrupted"]
    [earlier] = document["scan"]["earlier_runs"]
    taken = set(earlier["evidence"])
    assert taken <= before.keys()
    assert {e["id"]: e["collected_at"] for e in document["evidence"] if e["id"] in taken} == {
        name: before[name].collected_at for name in taken
    }
    # Whatever was answered before is asked no more, but who asks.
    aws = [name for name in taken if not before[name].operation.startswith("twilio:")]
    own = [e for e in document["evidence"] if e["id"] not in taken and not e["operation"].startswith("twilio:")]
    assert len(aws) >= 5
    assert sum(e["attempts"] for e in own) <= len(clouds.aws.operations()) < len(aws) + len(own)
    assert any(f"taken over from the run {earlier['scan_id']}" in notice for notice in document["scan"]["notices"])
    whole = recordscan("scan", "-f", "json")
    assert {e["id"] for e in json.loads(whole.stdout)["evidence"]} == {e["id"] for e in document["evidence"]}
    assert whole.status == run.status
    assert [r.scan_id for r in load_snapshot(recordscan.folder / "whole.gz").earlier_runs] == [earlier["scan_id"]]


def test_another_scope_is_not_resumed(recordscan: CommandLine, clouds: Company) -> None:
    assert recordscan("scan", "-f", "none", "--save-snapshot", "all.gz").status == 1
    clouds.aws.heal()
    run = recordscan("scan", "--resume", "all.gz", "--scope", "account")
    assert (run.status, run.stdout) == (2, "")
    assert run.stderr.startswith("recordscan: --resume: the snapshot is of another scope (whole_account)")
    assert clouds.aws.operations() == []


def test_of_a_scan_that_went_to_its_end_only_what_failed_is_asked_again(
    recordscan: CommandLine, clouds: Company
) -> None:
    clouds.aws.faults["iam:GetAccountSummary"] = Fault(kind=FaultKind.INTERNAL_ERROR)
    assert recordscan("scan", "-f", "none", "--save-snapshot", "all.gz", "--max-rate", "200").status == 1
    clouds.aws.heal()
    run = recordscan("scan", "-f", "none", "--resume", "all.gz", "--save-snapshot", "all.gz", "--max-workers", "2")
    assert run.status == 1
    assert "iam:GetAccountSummary" in clouds.aws.operations()
    assert set(clouds.aws.operations()) <= {"sts:GetCallerIdentity", "iam:GetAccountSummary"}
    [summary] = [
        observation
        for observation in load_snapshot(recordscan.folder / "all.gz").observations
        if observation.operation == "iam:GetAccountSummary"
    ]
    assert summary.error is None
