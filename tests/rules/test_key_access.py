"""Who may use and who may control the KMS key."""

from dataclasses import replace
from typing import Any

import pytest

from recordscan.facts import Json, Reason
from recordscan.result import Assessment, Outcome
from recordscan.rule import Rule, Severity
from recordscan.testing import (
    AWS_ACCOUNT,
    KEY_ARN,
    REGION,
    REVIEWERS,
    TWILIO_ACCOUNT,
    WRITER_ARN,
    Case,
    judge,
    judge_all,
    sound,
)
from recordscan_rules.key_access import key_grants, key_policy_cross_account, key_policy_duties, key_policy_public
from rules.failing import FOREIGN, KEY_DUTIES, TRUSTED, grant, sharing, with_grant, with_key_policy

RULES = [key_policy_public, key_policy_cross_account, key_policy_duties, key_grants]
OF_POLICY = RULES[:3]
RECORDINGS = f"twilio:{TWILIO_ACCOUNT}/recordings"
OTHER_KEY = f"arn:aws:kms:{REGION}:{AWS_ACCOUNT}:key/99999999-12ab-34cd-56ef-1234567890ab"
ROLE = f"arn:aws:iam::{AWS_ACCOUNT}:role/{REVIEWERS}"
SERVICE_ROLE = f"arn:aws:iam::{AWS_ACCOUNT}:role/aws-service-role/backup.amazonaws.com/AWSServiceRole"
ORGANIZATION = "o-0123456789"


def allow(principal: Json, action: Json = "kms:Decrypt", **members: Json) -> dict[str, Any]:
    statement = {"Sid": "More", "Effect": "Allow", "Principal": principal, "Action": action, "Resource": "*", **members}
    return {name: value for name, value in statement.items() if value is not None}


def when(operator: str, key: str, value: Json) -> dict[str, Any]:
    return {"Condition": {operator: {key: value}}}


def severities(assessment: Assessment) -> list[Severity]:
    return [found.severity for found in assessment.findings]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
@pytest.mark.parametrize("case", [sound(), sharing()], ids=["delegated to IAM", "shared soundly"])
def test_a_key_in_good_order_passes_and_without_storage_there_is_none(rule: Rule, case: Case) -> None:
    outcomes = {uid.rpartition("/")[2]: a.outcome for uid, a in judge_all(rule, case).items()}
    assert outcomes == {"recordings": Outcome.PASS, "compositions": Outcome.NOT_APPLICABLE}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_what_may_not_be_read_is_unknown_where_others_skip_the_key(rule: Rule) -> None:
    operation = "kms:ListGrants" if rule is key_grants else "kms:GetKeyPolicy"
    case = sound()
    case.deny(operation)
    assessment = judge(rule, case)
    assert (assessment.outcome, assessment.permission) == (Outcome.UNKNOWN, operation)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
@pytest.mark.parametrize(
    ("manager", "outcome"),
    [pytest.param("AWS", Outcome.NOT_APPLICABLE, id="AWS"), pytest.param(None, Outcome.UNKNOWN, id="not stated")],
)
def test_a_key_is_judged_only_where_the_customer_manages_it(rule: Rule, manager: Json, outcome: Outcome) -> None:
    case = sound()
    case.set("kms:DescribeKey", "/KeyMetadata/KeyManager", manager)
    assert judge(rule, case, RECORDINGS).outcome is outcome


@pytest.mark.parametrize("rule", OF_POLICY, ids=lambda rule: rule.id)
@pytest.mark.parametrize("answer", [{"Policy": "{"}, {"Policy": "[]"}, {"Policy": None}, None])
def test_a_policy_that_is_none_is_unknown(rule: Rule, answer: Json) -> None:
    case = sound()
    case.answer("kms:GetKeyPolicy", answer)
    assessment = judge(rule, case)
    assert (assessment.outcome, assessment.reason) == (Outcome.UNKNOWN, Reason.MALFORMED)


@pytest.mark.parametrize("rule", OF_POLICY, ids=lambda rule: rule.id)
def test_a_statement_that_may_allow_but_is_not_clear_is_unknown(rule: Rule) -> None:
    assessment = judge(rule, with_key_policy(allow({"AWS": FOREIGN}, NotAction="kms:Encrypt")))
    assert (assessment.outcome, assessment.reason) == (Outcome.UNKNOWN, Reason.MALFORMED)


def test_grants_of_a_list_that_was_cut_are_unknown() -> None:
    case = sound()
    case.set("kms:ListGrants", "/truncated", True)
    assert judge(key_grants, case).reason is Reason.UNDECIDABLE


def test_keys_that_no_target_uses_are_judged_in_account_scope() -> None:
    case = sound()
    case.scope = replace(case.scope, whole_account=True)
    metadata = {**case.find("kms:DescribeKey")["KeyMetadata"], "Arn": OTHER_KEY}
    case.add("kms:DescribeKey", {"KeyMetadata": metadata}, region=REGION, KeyId=OTHER_KEY)
    policy = '{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Principal": {"AWS": "%s"}, %s}}'
    body = policy % (WRITER_ARN, '"Action": "kms:PutKeyPolicy", "Resource": "*"')
    case.add("kms:GetKeyPolicy", {"Policy": body}, region=REGION, KeyId=OTHER_KEY, PolicyName="default")
    case.add("kms:ListGrants", {"Grants": [], "truncated": False}, region=REGION, KeyId=OTHER_KEY)
    for rule in RULES:
        assert judge(rule, case, OTHER_KEY).outcome is Outcome.PASS


@pytest.mark.parametrize(
    "statement",
    [
        pytest.param(allow("*"), id="everybody"),
        pytest.param(allow({"AWS": "*"}), id="everybody as an AWS principal"),
        pytest.param(allow({"AWS": [ROLE, "*"]}), id="everybody in a list"),
        pytest.param(allow(None, NotPrincipal={"AWS": ROLE}), id="all but one"),
        pytest.param(allow("*", "kms:DescribeKey"), id="a harmless action, which others pass"),
        pytest.param(allow("*", None, NotAction="kms:Decrypt"), id="all actions but one"),
        pytest.param(
            allow("*", **when("StringEquals", "kms:ViaService", "s3.eu-west-1.amazonaws.com")),
            id="ViaService alone, which others pass",
        ),
        pytest.param(allow("*", **when("Bool", "kms:GrantIsForAWSResource", True)), id="grants for services"),
        pytest.param(allow("*", **when("StringLike", "kms:CallerAccount", "*")), id="any account, which others pass"),
        pytest.param(allow("*", **when("StringEqualsIfExists", "kms:CallerAccount", AWS_ACCOUNT)), id="IfExists"),
        pytest.param(allow("*", **when("IpAddress", "aws:SourceIp", "203.0.113.0/24")), id="addresses"),
    ],
)
def test_a_key_policy_for_the_public_is_critical(statement: Json) -> None:
    assert severities(judge(key_policy_public, with_key_policy(statement))) == [Severity.CRITICAL]


@pytest.mark.parametrize(
    "statement",
    [
        pytest.param(
            allow("*", **when("StringEquals", "kms:CallerAccount", AWS_ACCOUNT)), id="CallerAccount, which others fail"
        ),
        pytest.param(
            allow("*", **when("StringEquals", "KMS:calleraccount", [AWS_ACCOUNT])),
            id="in other case, which others fail",
        ),
        pytest.param(allow("*", **when("StringEquals", "aws:PrincipalOrgID", ORGANIZATION)), id="an organization"),
        pytest.param(allow({"AWS": FOREIGN}), id="an account"),
        pytest.param(allow("*", Effect="Deny"), id="a Deny"),
    ],
)
def test_a_key_policy_with_fixed_callers_is_not_public(statement: Json) -> None:
    assert judge(key_policy_public, with_key_policy(statement)).outcome is Outcome.PASS


def test_a_deny_that_takes_all_of_it_back_makes_it_a_low_finding() -> None:
    guard = allow("*", "kms:*", Effect="Deny", **when("StringNotEquals", "kms:CallerAccount", AWS_ACCOUNT))
    assert severities(judge(key_policy_public, with_key_policy(allow("*", "*"), guard))) == [Severity.LOW]


def test_a_finding_says_what_the_public_may_do() -> None:
    assessment = judge(key_policy_public, with_key_policy(allow("*", "kms:*")))
    assert assessment.findings[0].message.endswith("decrypt, encrypt, destroy the key, and control the key")


@pytest.mark.parametrize(
    ("statement", "severity"),
    [
        pytest.param(allow({"AWS": FOREIGN}), Severity.HIGH, id="an account id"),
        pytest.param(
            allow({"AWS": f"arn:aws:iam::{FOREIGN}:root"}), Severity.HIGH, id="its root, which is everybody there"
        ),
        pytest.param(allow({"AWS": f"arn:aws:iam::{FOREIGN}:role/r"}), Severity.HIGH, id="a role"),
        pytest.param(
            allow({"AWS": FOREIGN}, **when("StringEquals", "kms:ViaService", "s3.eu-west-1.amazonaws.com")),
            Severity.HIGH,
            id="through S3, which others pass",
        ),
        pytest.param(
            allow("*", **when("StringEquals", "kms:CallerAccount", FOREIGN)), Severity.HIGH, id="by a condition"
        ),
        pytest.param(
            allow("*", **when("StringEquals", "aws:PrincipalOrgID", ORGANIZATION)), Severity.HIGH, id="an organization"
        ),
        pytest.param(allow({"AWS": "AROAIOSFODNN7EXAMPLE1"}), Severity.LOW, id="a deleted role"),
        pytest.param(allow("*", **when("StringEquals", "aws:SourceVpce", "vpce-1")), Severity.MEDIUM, id="an endpoint"),
    ],
)
def test_whoever_is_of_another_account_is_found(statement: Json, severity: Severity) -> None:
    assert severities(judge(key_policy_cross_account, with_key_policy(statement))) == [severity]


@pytest.mark.parametrize(
    "statement",
    [
        pytest.param(allow({"AWS": [ROLE, TRUSTED]}), id="by name"),
        pytest.param(
            allow("*", **when("StringEquals", "kms:CallerAccount", [AWS_ACCOUNT, TRUSTED])), id="by condition"
        ),
        pytest.param(
            allow({"AWS": FOREIGN}, **when("StringEquals", "aws:PrincipalOrgID", ORGANIZATION)), id="by organization"
        ),
        pytest.param(allow("*"), id="the public, which is another rule's"),
        pytest.param(allow({"Service": "cloudtrail.amazonaws.com"}), id="a service"),
    ],
)
def test_the_own_account_and_trusted_ones_may_be_let_in(statement: Json) -> None:
    case = with_key_policy(statement)
    case.profile = replace(case.profile, trusted_accounts=(TRUSTED,), trusted_organizations=(ORGANIZATION,))
    assert judge(key_policy_cross_account, case).outcome is Outcome.PASS


@pytest.mark.parametrize(
    "statements",
    [
        pytest.param([allow({"AWS": ROLE}, "kms:*")], id="everything in one statement"),
        pytest.param([allow({"AWS": ROLE}), allow({"AWS": ROLE}, "kms:PutKeyPolicy")], id="in two"),
        pytest.param([allow({"AWS": ROLE}, ["kms:Sch*", "kms:Dec*"])], id="patterns"),
        pytest.param([allow({"AWS": ROLE}, ["kms:CreateGrant", "kms:Decrypt"])], id="grants for anybody"),
        pytest.param([allow({"AWS": ROLE}, None, NotAction="kms:Encrypt")], id="all actions but one"),
        pytest.param([allow({"AWS": f"arn:aws:iam::{FOREIGN}:root"}, "kms:*")], id="the root of another account"),
        pytest.param([allow("*", "kms:*", **when("StringEquals", "kms:CallerAccount", AWS_ACCOUNT))], id="the account"),
        pytest.param(
            [allow({"AWS": ROLE}, "kms:*"), allow({"AWS": ROLE}, "kms:PutKeyPolicy", Effect="Deny")],
            id="a Deny of a part of the control",
        ),
    ],
)
def test_who_both_controls_and_uses_the_key_is_found(statements: list[Json]) -> None:
    assert severities(judge(key_policy_duties, with_key_policy(*statements))) == [Severity.MEDIUM]


@pytest.mark.parametrize(
    "statements",
    [
        pytest.param(KEY_DUTIES, id="control and use apart"),
        pytest.param([allow({"AWS": AWS_ACCOUNT}, "kms:*")], id="the own account by its id"),
        pytest.param(
            [
                allow({"AWS": ROLE}),
                allow({"AWS": ROLE}, "kms:CreateGrant", **when("Bool", "kms:GrantIsForAWSResource", True)),
            ],
            id="grants for services, as KMS itself writes it",
        ),
        pytest.param(
            [allow({"AWS": ROLE}, "kms:*"), allow("*", ["kms:Decrypt", "kms:GenerateDataKey*"], Effect="Deny")],
            id="the use denied",
        ),
        pytest.param([allow({"Service": "s3.amazonaws.com"}, "kms:*")], id="a service"),
        pytest.param([allow({"AWS": ROLE}, "kms:*", Effect="Deny")], id="a Deny"),
    ],
)
def test_duties_that_are_kept_apart_pass(statements: list[Json]) -> None:
    assert judge(key_policy_duties, with_key_policy(*statements)).outcome is Outcome.PASS


def test_the_user_that_twilio_writes_as_may_not_control_the_key() -> None:
    case = with_key_policy(allow({"AWS": WRITER_ARN}, "kms:DisableKey"))
    assert "writer" in judge(key_policy_duties, case, RECORDINGS).findings[0].message
    other = with_key_policy(allow({"AWS": f"{WRITER_ARN}-2"}, "kms:DisableKey"))
    assert judge(key_policy_duties, other, RECORDINGS).outcome is Outcome.PASS


def test_a_user_that_may_be_the_writer_leaves_it_unknown() -> None:
    case = with_key_policy(allow({"AWS": WRITER_ARN}, "kms:DisableKey"))
    case.scope = replace(case.scope, credential_links={})
    assert judge(key_policy_duties, case, RECORDINGS).outcome is Outcome.UNKNOWN


@pytest.mark.parametrize(
    ("members", "severity", "words"),
    [
        ({"GranteePrincipal": f"arn:aws:iam::{FOREIGN}:role/r"}, Severity.MEDIUM, "foreign account"),
        ({"GranteePrincipal": "AROAIOSFODNN7EXAMPLE1"}, Severity.LOW, "does not tell"),
        ({"GranteePrincipal": None}, Severity.LOW, "nobody that KMS names"),
        ({"GranteePrincipal": ROLE, "Operations": ["Decrypt", "CreateGrant"]}, Severity.MEDIUM, "pass it on"),
        ({"GranteePrincipal": WRITER_ARN, "Operations": ["RetireGrant"]}, Severity.MEDIUM, "retire it"),
        ({"IssuingAccount": f"arn:aws:iam::{FOREIGN}:root"}, Severity.MEDIUM, "issued by the foreign account"),
        ({"RetiringPrincipal": f"arn:aws:iam::{FOREIGN}:role/r"}, Severity.LOW, "retired by"),
    ],
)
def test_a_grant_for_others_or_one_that_can_be_passed_on_is_found(
    members: dict[str, Json], severity: Severity, words: str
) -> None:
    plain = {"GranteeServicePrincipal": None, "GranteePrincipal": ROLE, "Operations": ["Decrypt"], "Name": "n"}
    assessment = judge(key_grants, with_grant(**{**plain, **members}))
    assert severities(assessment) == [severity]
    assert words in assessment.findings[0].message


@pytest.mark.parametrize(
    "members",
    [
        pytest.param({}, id="a service"),
        pytest.param({"GranteePrincipal": f"arn:aws:iam::{FOREIGN}:root"}, id="a service shown as an account, too"),
        pytest.param({"GranteeServicePrincipal": None, "GranteePrincipal": SERVICE_ROLE}, id="a service-linked role"),
        pytest.param(
            {"GranteeServicePrincipal": None, "GranteePrincipal": ROLE, "Operations": ["Decrypt"]}, id="an own role"
        ),
        pytest.param(
            {
                "GranteeServicePrincipal": None,
                "GranteePrincipal": f"arn:aws:iam::{TRUSTED}:role/r",
                "Operations": ["Decrypt"],
                "RetiringPrincipal": f"arn:aws:iam::{TRUSTED}:role/r",
            },
            id="a trusted account",
        ),
    ],
)
def test_grants_for_services_and_trusted_accounts_pass(members: dict[str, Json]) -> None:
    case = with_grant(**members)
    case.profile = replace(case.profile, trusted_accounts=(TRUSTED,))
    assert judge(key_grants, case).outcome is Outcome.PASS


def test_each_grant_is_a_finding_of_its_own() -> None:
    case = sound()
    foreign = {
        "GranteeServicePrincipal": None,
        "GranteePrincipal": f"arn:aws:iam::{FOREIGN}:root",
        "Operations": ["Decrypt"],
    }
    case.set("kms:ListGrants", "/Grants", [grant(GrantId=name * 64, **foreign) for name in "ab"])
    assert len({found.fingerprint for found in judge(key_grants, case).findings}) == 2
    assert all(found.resources[0] == KEY_ARN for found in judge(key_grants, case).findings)
