"""Which policies count for a user, however they were read."""

import pytest

from recordscan.estate.access import request_context
from recordscan.estate.organization import Organization
from recordscan.estate.principal import Principal, read_principals
from recordscan.estate.target import writer_of
from recordscan.facts import Json, Known, need
from recordscan.policy.request import UNKNOWN, requester_of
from recordscan.testing import AWS_ACCOUNT, UPLOADERS, WRITER, WRITER_ARN, Case, sound

DETAILS = "iam:GetAccountAuthorizationDetails"


def allow(action: str) -> Json:
    return {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": action, "Resource": "*"}}


def managed(case: Case, name: str, holder: str, index: int) -> None:
    """Attach a managed policy, of which the second of three versions is in force, in all answers that tell of it."""
    arn = f"arn:aws:iam::{AWS_ACCOUNT}:policy/{name}"
    attached = {"PolicyName": name, "PolicyArn": arn}
    versions = [
        {"VersionId": f"v{n}", "IsDefaultVersion": n == 2, "Document": allow(f"s3:{name}V{n}")} for n in (3, 2, 1)
    ]
    case.add("iam:GetPolicy", {"Policy": {"Arn": arn, "DefaultVersionId": "v2"}}, PolicyArn=arn)
    for version in versions:
        answer = {"PolicyVersion": version}
        case.add("iam:GetPolicyVersion", answer, PolicyArn=arn, VersionId=version["VersionId"])
    case.set(DETAILS, "/Policies/-", {"Arn": arn, "PolicyName": name, "PolicyVersionList": versions})
    case.set(f"iam:ListAttached{holder}Policies", "/AttachedPolicies/-", attached)
    case.set(DETAILS, f"/{holder}DetailList/{index}/AttachedManagedPolicies/-", attached)


def of_all_kinds() -> Case:
    """A writer with an inline and a managed policy of its own, and with an inline and a managed one of its group."""
    case = sound()
    case.set("iam:ListUserPolicies", "/PolicyNames/-", "own")
    own = {"UserName": WRITER, "PolicyName": "own", "PolicyDocument": allow("s3:Own")}
    case.add("iam:GetUserPolicy", own, UserName=WRITER, PolicyName="own")
    case.set(DETAILS, "/UserDetailList/0/UserPolicyList/-", own)
    group = {"GroupName": UPLOADERS, "PolicyName": "uploads", "PolicyDocument": allow("s3:Group")}
    case.add("iam:GetGroupPolicy", group, GroupName=UPLOADERS, PolicyName="uploads")
    case.set(DETAILS, "/GroupDetailList/0/GroupPolicyList/0/PolicyDocument", allow("s3:Group"))
    managed(case, "Attached", "User", 0)
    managed(case, "Shared", "Group", 0)
    return case


def by_calls(case: Case) -> Principal:
    return writer_of(case.estate().targets[0]).principal


def by_details(case: Case) -> Principal:
    found = {p.requester.arn: p for p in need(read_principals(case.estate().answers, AWS_ACCOUNT))}
    return found[WRITER_ARN]


@pytest.mark.parametrize("read", [by_calls, by_details])
def test_the_policies_of_user_and_groups_count_in_the_version_in_force(read: object) -> None:
    """See https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_managed-versioning.html and
    https://docs.aws.amazon.com/IAM/latest/UserGuide/id_groups.html: a user has the permissions of its groups, too.
    """
    assert callable(read)
    identity = need(read(of_all_kinds()).identity)
    actions = [action for policy in identity for s in policy.document.statements for action in s.actions or ()]
    assert sorted(actions) == ["s3:AttachedV2", "s3:Group", "s3:Own", "s3:SharedV2"]


@pytest.mark.parametrize(
    ("arn", "told"),
    [
        (f"arn:aws:iam::{AWS_ACCOUNT}:role/media/uploads", (f"arn:aws:iam::{AWS_ACCOUNT}:role/media/uploads",)),
        (f"arn:aws:sts::{AWS_ACCOUNT}:assumed-role/uploads/night", UNKNOWN),
        (WRITER_ARN, (WRITER_ARN,)),
    ],
)
def test_a_request_of_a_role_tells_the_role_and_that_of_a_session_not_the_session(arn: str, told: object) -> None:
    """See aws:PrincipalArn in
    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html: the ARN of a session lacks
    the path of its role, so that the role cannot be told from it.
    """
    nothing = Known(())
    principal = Principal(
        requester=requester_of(arn),
        policies=nothing,
        boundary=Known(None),
        boundary_arn=Known(None),
        groups=nothing,
        tags=Known({}),
    )
    organization = Organization(id=Known(None), scps=Known(None), rcps=nothing, account=AWS_ACCOUNT)
    context = request_context(principal, AWS_ACCOUNT, organization, {})
    assert context.find("aws:PrincipalArn") == told
