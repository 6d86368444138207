"""What the scanner itself must be granted."""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from recordscan.cli.permissions import permissions
from recordscan.collect.permissions import aws_calls, aws_policy
from recordscan.collect.session import CALLS
from recordscan.engine import assess_snapshot
from recordscan.facts import Known, Reason
from recordscan.observation import Observation, ObservationError, ObservationOutcome
from recordscan.plugins import load_rules
from recordscan.policy.authorize import Layers, decide
from recordscan.policy.documents import load_policy
from recordscan.policy.request import Request, context_of, requester_of
from recordscan.policy.rows import Policy
from recordscan.result import Coverage
from recordscan.snapshot import Snapshot, load_snapshot


@pytest.mark.parametrize("scope", ["targets", "account"])
def test_nothing_reads_an_object_unless_a_sample_is_asked_for(scope: str) -> None:
    assert not {"s3:GetObject", "s3:GetObjectAcl", "s3:GetObjectVersion"} & aws_calls(scope).keys()
    with_sample = aws_calls(scope, sample=True)
    assert with_sample.keys() - aws_calls(scope).keys() == {"s3:GetObject", "s3:GetObjectAcl"}
    assert "only with `sample_objects`" in with_sample["s3:GetObject"][0]


def test_with_a_sample_in_account_scope_every_call_is_granted() -> None:
    [statement] = aws_policy("account", sample=True, organization=True)["Statement"]
    assert {call.permission for call in CALLS if call.permission is not None} == set(statement["Action"])


@pytest.mark.parametrize(("arguments", "read"), [([], False), (["--sample-objects"], True)])
def test_the_command_prints_the_permission_to_read_objects_on_demand_only(arguments: list[str], *, read: bool) -> None:
    done = CliRunner().invoke(permissions, ["-f", "json", *arguments])
    [statement] = json.loads(done.output)["aws"]["Statement"]
    assert ("s3:GetObject" in statement["Action"]) is read


def test_further_accounts_need_their_roles_and_an_organization_its_lists(tmp_path: Path) -> None:
    config = tmp_path / "recordscan.toml"
    role = "arn:aws:iam::210987654321:role/recordscan"
    config.write_text(f'[[aws.accounts]]\nrole_arn = "{role}"\n[aws.organization]\nrole_name = "audit"\n')
    done = CliRunner().invoke(permissions, ["-f", "json", "-c", str(config)])
    reads, enters = json.loads(done.output)["aws"]["Statement"]
    assert "organizations:ListAccounts" in reads["Action"]
    assert enters["Resource"] == [role, "arn:aws:iam::*:role/audit"]
    alone = CliRunner().invoke(permissions, ["-f", "json", "--no-config"])
    [statement] = json.loads(alone.output)["aws"]["Statement"]
    assert not {"organizations:ListAccounts", "sts:AssumeRole"} & set(statement["Action"])


EXAMPLE = Path(__file__).parents[2] / "examples" / "hollow-creek" / "snapshot.jsonl.gz"


def allowed(printed: Mapping[str, Any], observation: Observation, account: str) -> bool:
    """Whether what is printed lets a role of the account, without any other policy, ask what was asked."""
    action, bucket = observation.permission, observation.request.get("Bucket")
    if action is None:
        return True
    if observation.operation.startswith("twilio:"):
        return action in printed["twilio"].values()
    request = Request(
        requester=requester_of(f"arn:aws:iam::{account}:role/recordscan"),
        action=action,
        resource=f"arn:aws:s3:::{bucket}" if isinstance(bucket, str) else "*",
        resource_account=account,
        context=context_of({"aws:SecureTransport": "true"}),
    )
    policy = Policy("printed", load_policy(json.dumps(printed["aws"]), kind="identity"))
    return decide(request, Layers(identity=Known((policy,)))).allowed is True


def covered_with(printed: Mapping[str, Any], snapshot: Snapshot) -> Coverage:
    """What a scan covers whose identity may do what is printed, and nothing else."""
    [account] = snapshot.header.scope.bucket_owners
    denied = ObservationError(code="AccessDenied", message="no", http_status=403, reason=Reason.ACCESS_DENIED)
    observations = tuple(
        observation
        if allowed(printed, observation, account)
        else replace(observation, outcome=ObservationOutcome.FAILED, answer=None, error=denied)
        for observation in snapshot.observations
    )
    return assess_snapshot(replace(snapshot, observations=observations), load_rules(()), fail_on=None).coverage


def test_what_is_printed_is_all_that_full_coverage_takes() -> None:
    """Used as the only policy; any action that is taken out of it leaves a gap, which names it. (A53)"""
    printed = json.loads(CliRunner().invoke(permissions, ["-f", "json", "--no-config"]).output)
    snapshot = load_snapshot(EXAMPLE)
    everything = assess_snapshot(snapshot, load_rules(()), fail_on=None).coverage
    covered = covered_with(printed, snapshot)
    assert covered == everything
    assert Reason.ACCESS_DENIED not in {gap.reason for gap in covered.gaps}
    [statement] = printed["aws"]["Statement"]
    for missing in ("s3:GetEncryptionConfiguration", "iam:ListAccessKeys", "kms:GetKeyPolicy"):
        less = {**statement, "Action": [action for action in statement["Action"] if action != missing]}
        with_gap = covered_with({**printed, "aws": {**printed["aws"], "Statement": [less]}}, snapshot)
        assert with_gap.evaluated < everything.evaluated
        assert missing in {gap.permission for gap in with_gap.gaps}
