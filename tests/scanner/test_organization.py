"""Which policies of an organization bind an account, and which of its keys."""

import json
from typing import Any

import pytest

from recordscan.estate.access import key_layers
from recordscan.estate.reach import reach
from recordscan.estate.target import key_of, writer_of
from recordscan.facts import Json, Known, Reason, Unavailable, need
from recordscan.policy.authorize import Level
from recordscan.testing import AWS_ACCOUNT, REVIEWERS_ARN, Case, sound

MANAGEMENT = "999900001111"
SCP, RCP = "SERVICE_CONTROL_POLICY", "RESOURCE_CONTROL_POLICY"
ALLOW_ALL = {"Effect": "Allow", "Action": "*", "Resource": "*"}
DENY = {"Effect": "Deny", "Principal": "*", "Action": ["s3:*", "kms:*"], "Resource": "*"}


def organized(rcp: Json = DENY, management: str = MANAGEMENT) -> Case:
    """The account below an OU below the root, with an SCP at each level and an RCP at the OU."""
    case = sound()
    case.add("organizations:DescribeOrganization", {"Organization": {"Id": "o-1", "MasterAccountId": management}})
    types = [{"Type": kind, "Status": "ENABLED"} for kind in (SCP, RCP)]
    case.add("organizations:ListRoots", {"Roots": [{"Id": "r-1", "PolicyTypes": types}]})
    for child, parent in ((AWS_ACCOUNT, "ou-1"), ("ou-1", "r-1")):
        case.add("organizations:ListParents", {"Parents": [{"Id": parent}]}, ChildId=child)
    for target in ("r-1", "ou-1", AWS_ACCOUNT):
        attach(case, target, SCP, {"p-scp": ALLOW_ALL})
        attach(case, target, RCP, {"p-rcp": rcp} if target == "ou-1" else {})
    return case


def attach(case: Case, target: str, kind: str, policies: dict[str, Json]) -> None:
    listed = [{"Id": name, "Name": name} for name in policies]
    case.add("organizations:ListPoliciesForTarget", {"Policies": listed}, TargetId=target, Filter=kind)
    for name, statement in policies.items():
        content = json.dumps({"Version": "2012-10-17", "Statement": statement})
        case.add("organizations:DescribePolicy", {"Policy": {"Content": content}}, PolicyId=name)


def names(levels: tuple[Level, ...] | None) -> list[tuple[str, list[str]]]:
    return [(level, [policy.name for policy in policies]) for level, policies in levels or ()]


def test_a_member_account_is_bound_level_by_level() -> None:
    """See https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_scps_evaluation.html."""
    found = organized().estate().home.organization
    assert names(need(found.scps)) == [("r-1", ["p-scp"]), ("ou-1", ["p-scp"]), (AWS_ACCOUNT, ["p-scp"])]
    assert names(need(found.rcps)) == [("r-1", []), ("ou-1", ["p-rcp"]), (AWS_ACCOUNT, [])]


def test_the_management_account_is_bound_by_nothing() -> None:
    """See https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_scps.html and
    https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_rcps.html.
    """
    found = organized(management=AWS_ACCOUNT).estate().home.organization
    assert (need(found.scps), need(found.rcps)) == (None, ())


def test_a_policy_that_cannot_be_read_may_deny() -> None:
    """See https://docs.aws.amazon.com/organizations/latest/APIReference/API_DescribePolicy.html: only the management
    account and delegated administrators may call it.
    """
    case = organized()
    case.deny("organizations:DescribePolicy")
    found = case.estate().home.organization
    for fact in (found.scps, found.rcps):
        assert isinstance(fact, Unavailable)
        assert (fact.reason, fact.permission) == (Reason.ACCESS_DENIED, "organizations:DescribePolicy")


def test_a_statement_that_no_rcp_has_is_unclear() -> None:
    """See https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_rcps_syntax.html."""
    found = organized(rcp={**DENY, "Principal": {"AWS": AWS_ACCOUNT}}).estate().home.organization
    [policy] = [policy for _, policies in need(found.rcps) for policy in policies]
    assert [defect.code for defect in policy.document.defects] == ["not_in_rcp"]
    assert [statement.valid for statement in policy.document.statements] == [False]


def rcps_of_key(case: Case) -> Any:
    target = case.estate().targets[0]
    layers = key_layers(writer_of(target).principal, key_of(target), AWS_ACCOUNT, target.organization)
    return names(layers.rcps.value) if isinstance(layers.rcps, Known) else layers.rcps.reason


@pytest.mark.parametrize(
    ("manager", "expected"),
    [("CUSTOMER", [("r-1", []), ("ou-1", ["p-rcp"]), (AWS_ACCOUNT, [])]), ("AWS", [])],
)
def test_rcps_bear_on_no_key_that_aws_manages(manager: str, expected: list[Any]) -> None:
    """See https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_rcps.html."""
    case = organized()
    case.set("kms:DescribeKey", "/KeyMetadata/KeyManager", manager)
    assert rcps_of_key(case) == expected


def test_who_manages_a_key_matters_only_where_there_are_rcps() -> None:
    case = organized()
    case.deny("kms:DescribeKey")
    assert rcps_of_key(case) is Reason.ACCESS_DENIED
    case = sound()
    case.deny("kms:DescribeKey")
    assert rcps_of_key(case) == []


@pytest.mark.parametrize(("manager", "expected"), [("CUSTOMER", False), ("AWS", True)])
def test_whoever_may_use_a_key_that_aws_manages_is_not_kept_from_it_by_an_rcp(manager: str, expected: bool) -> None:
    """See https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_rcps.html."""
    case = organized(rcp={**DENY, "Action": "kms:*"})
    case.set("kms:DescribeKey", "/KeyMetadata/KeyManager", manager)
    found = {(line.name, line.ability) for line in need(reach(case.estate().targets[0]))}
    assert (REVIEWERS_ARN, "fetch") in found
    assert ((REVIEWERS_ARN, "decrypt") in found) is expected
