"""What the scanner itself must be granted."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from recordscan.cli.permissions import permissions
from recordscan.collect.permissions import aws_calls, aws_policy
from recordscan.collect.session import CALLS


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
