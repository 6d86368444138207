"""Who can read media, who can change what guards it, and who can decrypt everything."""

import json
from dataclasses import replace
from typing import Any

import pytest

from recordscan.facts import Json, Reason
from recordscan.result import Assessment, Outcome
from recordscan.rule import Severity
from recordscan.testing import (
    AWS_ACCOUNT,
    BUCKET,
    KEY_ARN,
    REVIEWERS_ARN,
    TLS_ONLY_POLICY,
    WRITER_ARN,
    Case,
    judge,
    role_details,
    sound,
)
from recordscan_rules.readers import key_decrypt_everywhere, media_control_changers, media_readers

INTERN = f"arn:aws:iam::{AWS_ACCOUNT}:role/intern"
DETAILS = "iam:GetAccountAuthorizationDetails"
OBJECTS = f"arn:aws:s3:::{BUCKET}/*"


def statement(action: Json = "s3:GetObject", resource: Json = OBJECTS, **more: Json) -> dict[str, Json]:
    return {"Sid": "Tried", "Effect": "Allow", "Action": action, "Resource": resource, **more}


def document(*statements: Json) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": list(statements)}


def with_intern(*statements: Json) -> Case:
    case = sound()
    case.set(DETAILS, "/RoleDetailList/-", role_details("intern", document(*statements)))
    return case


READ = (statement(), statement("kms:Decrypt", KEY_ARN))
VPC = {"StringEquals": {"aws:SourceVpce": "vpce-1"}}


def readers(case: Case, *listed: str) -> Assessment:
    case.profile = replace(case.profile, readers=(REVIEWERS_ARN, *listed))
    return judge(media_readers, case)


def test_the_named_readers_pass() -> None:
    assert readers(sound()).outcome is Outcome.PASS
    assert readers(with_intern(*READ), INTERN).outcome is Outcome.PASS


def test_a_reader_that_is_not_named_fails() -> None:
    found = readers(with_intern(*READ))
    assert (found.outcome, found.severity) == (Outcome.FAIL, Severity.HIGH)
    [defect] = found.findings
    assert defect.message == f"the role {INTERN} can read media"
    assert defect.resources[0] == INTERN
    assert defect.observed is not None
    assert "s3:GetObject: statement Tried of inline policy permissions allows it" in defect.observed


def test_fetching_without_the_key_is_no_reading() -> None:
    assert readers(with_intern(READ[0])).outcome is Outcome.PASS


def test_a_reader_under_unknown_conditions_leaves_it_unknown() -> None:
    found = readers(with_intern(statement(Condition=VPC), READ[1]))
    assert (found.outcome, found.reason) == (Outcome.UNKNOWN, Reason.UNDECIDABLE)
    assert found.detail == f"whether the role {INTERN} can read media depends on aws:SourceVpce"


def test_a_certain_reader_fails_beside_a_possible_one() -> None:
    case = with_intern(statement(Condition=VPC), READ[1])
    case.set(DETAILS, "/RoleDetailList/-", role_details("other", document(*READ)))
    assert readers(case).outcome is Outcome.FAIL


def test_unread_organization_policies_leave_it_unknown_with_the_permission() -> None:
    case = with_intern(*READ)
    case.deny("organizations:DescribeOrganization")
    found = readers(case)
    assert (found.outcome, found.permission) == (Outcome.UNKNOWN, "organizations:DescribeOrganization")


def test_everybody_on_the_internet_is_named_so() -> None:
    case = sound()
    for operation in ("s3:GetPublicAccessBlock", "s3control:GetPublicAccessBlock"):
        case.answer(operation, None)
    default = "/ServerSideEncryptionConfiguration/Rules/0/ApplyServerSideEncryptionByDefault"
    case.set("s3:GetBucketEncryption", default, {"SSEAlgorithm": "AES256"})
    policy = document(*TLS_ONLY_POLICY["Statement"], statement(Principal="*"))
    case.answer("s3:GetBucketPolicy", {"Policy": json.dumps(policy)})
    messages = {defect.message for defect in readers(case).findings}
    assert messages == {"everybody on the internet can read media", f"the user {WRITER_ARN} can read media"}


@pytest.mark.parametrize("rule", [media_readers, media_control_changers], ids=lambda rule: str(rule.id))
def test_without_a_list_there_is_no_verdict(rule: Any) -> None:
    case = with_intern(statement("*", "*"))
    case.profile = replace(case.profile, readers=None, administrators=None)
    found = judge(rule, case, "twilio:AC" + "a" * 32 + "/recordings")
    assert found.outcome is Outcome.NOT_APPLICABLE
    assert found.detail is not None
    assert "the report lists who can" in found.detail


@pytest.mark.parametrize(
    ("action", "resource"),
    [
        ("s3:PutBucketPolicy", f"arn:aws:s3:::{BUCKET}"),
        ("s3:BypassGovernanceRetention", OBJECTS),
        ("kms:PutKeyPolicy", KEY_ARN),
    ],
)
def test_a_changer_of_any_guard_fails_unless_named(action: str, resource: str) -> None:
    case = with_intern(statement(action, resource))
    found = judge(media_control_changers, case)
    assert (found.outcome, found.severity) == (Outcome.FAIL, Severity.MEDIUM)
    assert found.findings[0].message == f"the role {INTERN} can change what guards media"
    assert (found.findings[0].observed or "").startswith(f"{action} is allowed: ")
    case.profile = replace(case.profile, administrators=(INTERN,))
    assert judge(media_control_changers, case).outcome is Outcome.PASS


KEYS = f"arn:aws:kms:*:{AWS_ACCOUNT}:key/*"


@pytest.mark.parametrize(
    "given",
    [
        statement("kms:Decrypt", "*"),
        statement("kms:ReEncryptFrom", KEYS),
        statement("kms:*", "arn:aws:kms:us-east-1:111122223333:key/*"),
        statement(["kms:D*"], "arn:aws:kms:*:*:alias/*"),
        statement("KMS:decrypt", "arn:aws:kms:*"),
        statement("*", "*"),
        {"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"},
        {"Effect": "Allow", "Action": "kms:Decrypt", "NotResource": KEY_ARN},
        statement("kms:Decrypt", "*", Condition={"StringEquals": {"kms:ViaService": "s3.eu-west-1.amazonaws.com"}}),
        statement("kms:Decrypt", "*", Condition={"StringLike": {"kms:ResourceAliases": "*"}}),
    ],
    ids=str,
)
def test_decryption_with_every_key_fails_in_every_spelling(given: Json) -> None:
    found = judge(key_decrypt_everywhere, with_intern(given))
    assert found.outcome is Outcome.FAIL
    assert found.subject.uid == f"aws:{AWS_ACCOUNT}"
    assert found.findings[0].resources == (INTERN,)


@pytest.mark.parametrize(
    "given",
    [
        statement("kms:Decrypt", KEY_ARN),
        statement("kms:Encrypt", "*"),
        statement("kms:ReEncryptTo", "*"),
        statement("kms:Decrypt", "arn:aws:kms:eu-west-1:111122223333:key/1234*"),
        statement("kms:Decrypt", f"arn:aws:s3:::{BUCKET}/*"),
        statement("kms:Decrypt", "*", Effect="Deny"),
        statement("kms:Decrypt", "*", Condition={"StringEquals": {"aws:ResourceTag/team": "video"}}),
        statement("kms:Decrypt", "arn:aws:kms:*:*:key/${aws:PrincipalTag/key}"),
        {"Effect": "Allow", "NotAction": "kms:*", "Resource": "*"},
        {"Effect": "Allow", "Action": "kms:Decrypt", "NotResource": KEYS},
    ],
    ids=str,
)
def test_decryption_with_some_keys_passes(given: Json) -> None:
    assert judge(key_decrypt_everywhere, with_intern(given)).outcome is Outcome.PASS


@pytest.mark.parametrize(("owner", "outcome"), [(AWS_ACCOUNT, Outcome.FAIL), ("aws", Outcome.PASS)])
def test_policies_of_the_customer_count_attached_or_not_and_those_of_aws_do_not(owner: str, outcome: Outcome) -> None:
    case = sound()
    versions = [
        {"IsDefaultVersion": False, "Document": document()},
        {"IsDefaultVersion": True, "Document": document(statement("*", "*"))},
    ]
    policy = {"Arn": f"arn:aws:iam::{owner}:policy/all", "PolicyName": "all", "PolicyVersionList": versions}
    case.set(DETAILS, "/Policies/-", policy)
    assert judge(key_decrypt_everywhere, case).outcome is outcome


@pytest.mark.parametrize(("in_force", "outcome"), [("v1", Outcome.FAIL), ("v2", Outcome.PASS)])
def test_of_a_policy_the_version_in_force_counts_and_no_other(in_force: str, outcome: Outcome) -> None:
    """See https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_managed-versioning.html."""
    case = sound()
    versions = [
        {"VersionId": name, "IsDefaultVersion": name == in_force, "Document": document(statement("kms:Decrypt", key))}
        for name, key in (("v2", KEY_ARN), ("v1", "*"))
    ]
    policy = {"Arn": f"arn:aws:iam::{AWS_ACCOUNT}:policy/all", "PolicyName": "all", "PolicyVersionList": versions}
    case.set(DETAILS, "/Policies/-", policy)
    assert judge(key_decrypt_everywhere, case).outcome is outcome


def test_groups_count_and_a_policy_that_cannot_be_read_leaves_it_unknown() -> None:
    row = {
        "GroupName": "crew",
        "Arn": f"arn:aws:iam::{AWS_ACCOUNT}:group/crew",
        "GroupPolicyList": [{"PolicyName": "p", "PolicyDocument": document(statement("kms:Decrypt", "*"))}],
    }
    case = sound()
    case.set(DETAILS, "/GroupDetailList/-", row)
    [defect] = judge(key_decrypt_everywhere, case).findings
    assert defect.message == "the inline policy p of the group crew allows kms:Decrypt with every KMS key"
    case = sound()
    case.set(DETAILS, "/GroupDetailList/-", {**row, "GroupPolicyList": [{"PolicyName": "p", "PolicyDocument": "{"}]})
    assert judge(key_decrypt_everywhere, case).reason is Reason.MALFORMED
