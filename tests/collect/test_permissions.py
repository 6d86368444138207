"""What the scanner itself must be granted."""

import pytest

from recordscan.collect.permissions import aws_calls, aws_policy
from recordscan.collect.session import CALLS


@pytest.mark.parametrize("scope", ["targets", "account"])
def test_nothing_reads_an_object_unless_a_sample_is_asked_for(scope: str) -> None:
    assert not {"s3:GetObject", "s3:GetObjectAcl", "s3:GetObjectVersion"} & aws_calls(scope).keys()
    with_sample = aws_calls(scope, sample=True)
    assert with_sample.keys() - aws_calls(scope).keys() == {"s3:GetObject", "s3:GetObjectAcl"}
    assert "only with `sample_objects`" in with_sample["s3:GetObject"][0]


def test_with_a_sample_in_account_scope_every_call_is_granted() -> None:
    [statement] = aws_policy("account", sample=True)["Statement"]
    assert {call.permission for call in CALLS if call.permission is not None} == set(statement["Action"])
