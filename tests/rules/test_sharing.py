"""Whom the bucket policy lets in."""

import json
from dataclasses import replace
from typing import Any

import pytest

from recordscan.facts import Json, Reason
from recordscan.result import Assessment, Outcome
from recordscan.rule import Rule, Severity
from recordscan.testing import AWS_ACCOUNT, BUCKET, REVIEWERS, TLS_ONLY_POLICY, Case, judge, judge_all, sound
from recordscan_rules.sharing import policy_cross_account, policy_deputy, policy_hygiene, policy_public
from rules.failing import FOREIGN, TRUSTED, sharing, to, with_bucket_policy

ARN = f"arn:aws:s3:::{BUCKET}"
ROLE = f"arn:aws:iam::{AWS_ACCOUNT}:role/{REVIEWERS}"
STATUS = "s3:GetBucketPolicyStatus"
RULES = [policy_public, policy_cross_account, policy_deputy, policy_hygiene]
LEVELS = ("s3:GetPublicAccessBlock", "s3control:GetPublicAccessBlock")
ORGANIZATION = "o-0123456789"


def unmasked(case: Case) -> Case:
    """Nothing of Block Public Access is on."""
    for operation in LEVELS:
        case.answer(operation, None)
    return case


def s3_says(case: Case, public: bool) -> Case:
    case.set(STATUS, "/PolicyStatus/IsPublic", public)
    return case


def everybody(action: Json = "s3:GetObject", **members: Json) -> dict[str, Any]:
    return to(AWS_ACCOUNT, action, **{"Sid": "Open", "Principal": "*", **members})


def public(*statements: Json) -> Assessment:
    return judge(policy_public, unmasked(with_bucket_policy(*statements)))


def severities(assessment: Assessment) -> list[Severity]:
    return [found.severity for found in assessment.findings]


def when(operator: str, key: str, value: Json) -> dict[str, Any]:
    return {"Condition": {operator: {key: value}}}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_what_is_shared_soundly_passes_and_without_storage_there_is_none(rule: Rule) -> None:
    outcomes = {uid.rpartition("/")[2]: a.outcome for uid, a in judge_all(rule, sharing()).items()}
    assert outcomes == {"recordings": Outcome.PASS, "compositions": Outcome.NOT_APPLICABLE}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_a_policy_that_may_not_be_read_is_unknown_which_others_pass(rule: Rule) -> None:
    case = sound()
    case.deny("s3:GetBucketPolicy")
    assessment = judge(rule, case)
    assert (assessment.outcome, assessment.permission) == (Outcome.UNKNOWN, "s3:GetBucketPolicy")


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
@pytest.mark.parametrize("text", [" ", "{", "[]", '{"Statement": "Allow"}'])
def test_a_policy_that_is_none_is_unknown(rule: Rule, text: str) -> None:
    case = sound()
    case.answer("s3:GetBucketPolicy", {"Policy": text})
    assessment = judge(rule, case)
    assert (assessment.outcome, assessment.reason) == (Outcome.UNKNOWN, Reason.MALFORMED)


@pytest.mark.parametrize("rule", [policy_public, policy_cross_account, policy_hygiene], ids=lambda rule: rule.id)
def test_without_a_policy_nobody_is_let_in(rule: Rule) -> None:
    case = sound()
    case.answer("s3:GetBucketPolicy", None)
    case.answer(STATUS, None)
    assert judge(rule, case).outcome is Outcome.PASS


@pytest.mark.parametrize("rule", [policy_public, policy_cross_account, policy_deputy], ids=lambda rule: rule.id)
@pytest.mark.parametrize(
    "members",
    [
        pytest.param({"NotAction": "s3:PutObject"}, id="both Action and NotAction"),
        pytest.param({"Principal": 7}, id="a principal that is none"),
        pytest.param({"Principal": None}, id="no principal, on which others raise"),
        pytest.param({"Effect": "allow"}, id="an effect that does not exist"),
        pytest.param(when("StringEqual", "aws:PrincipalOrgID", "o-1"), id="an operator that does not exist"),
    ],
)
def test_a_statement_that_may_allow_but_is_not_clear_is_unknown(rule: Rule, members: dict[str, Json]) -> None:
    assessment = judge(rule, with_bucket_policy(to(FOREIGN, **members)))
    assert (assessment.outcome, assessment.reason) == (Outcome.UNKNOWN, Reason.MALFORMED)


@pytest.mark.parametrize("rule", [policy_public, policy_cross_account], ids=lambda rule: rule.id)
def test_a_deny_that_is_not_clear_lets_nobody_in(rule: Rule) -> None:
    case = with_bucket_policy(to(FOREIGN, Effect="Deny", Principal=7))
    assert judge(rule, case).outcome is Outcome.PASS


@pytest.mark.parametrize(
    "members",
    [
        pytest.param({}, id="everybody"),
        pytest.param({"Principal": {"AWS": "*"}}, id="everybody as an AWS principal"),
        pytest.param({"Principal": {"AWS": [ROLE, "*"]}}, id="everybody in a list"),
        pytest.param({"Principal": None, "NotPrincipal": {"AWS": ROLE}}, id="all but one, which others overlook"),
        pytest.param({"Principal": {"Federated": "accounts.google.com"}}, id="whom a public provider vouches for"),
        pytest.param({"Principal": {"AWS": "arn:aws:iam::*:root"}}, id="a wildcard for the account"),
        pytest.param({"Action": None, "NotAction": "s3:DeleteBucket"}, id="all actions but one, which others overlook"),
        pytest.param({"Action": "s3:P*"}, id="a pattern of actions, which others overlook"),
        pytest.param({"Action": "s3:PutBucketPolicy"}, id="control only, which others overlook"),
        pytest.param(when("StringLike", "aws:PrincipalOrgID", "*"), id="any organization, which others pass"),
        pytest.param(when("StringEquals", "aws:ResourceAccount", AWS_ACCOUNT), id="the resource's account"),
        pytest.param(when("Bool", "aws:SecureTransport", "true"), id="TLS, which others pass as a condition"),
        pytest.param(when("StringEquals", "aws:Referer", "https://acme.example"), id="a header that anybody can send"),
        pytest.param(when("IpAddress", "aws:SourceIp", "0.0.0.0/0"), id="all addresses, which others pass"),
        pytest.param(when("StringEqualsIfExists", "aws:PrincipalOrgID", ORGANIZATION), id="IfExists"),
        pytest.param(when("ForAllValues:StringEquals", "aws:PrincipalOrgID", ORGANIZATION), id="ForAllValues"),
        pytest.param(when("StringNotEquals", "aws:PrincipalAccount", FOREIGN), id="all accounts but one"),
    ],
)
def test_a_statement_for_the_public_is_critical(members: dict[str, Json]) -> None:
    assessment = public(everybody(**{"Action": "s3:GetObject", **members}))
    assert severities(assessment) == [Severity.CRITICAL]
    assert (assessment.findings[0].observed or "").endswith("; S3 itself takes the policy for not public")


@pytest.mark.parametrize(
    "members",
    [
        pytest.param(when("StringEquals", "aws:PrincipalOrgID", ORGANIZATION), id="an organization, which others fail"),
        pytest.param(when("StringEquals", "AWS:principalaccount", [AWS_ACCOUNT]), id="an account, in other case"),
        pytest.param(when("ArnLike", "aws:PrincipalArn", f"arn:aws:iam::{AWS_ACCOUNT}:role/*"), id="roles of one"),
        pytest.param(when("StringEquals", "aws:SourceVpce", "vpce-1"), id="an endpoint, which others fail"),
        pytest.param(when("IpAddress", "aws:SourceIp", "203.0.113.0/24"), id="a network"),
        pytest.param(when("StringLike", "aws:userid", "AROAIOSFODNN7EXAMPLE1:audit"), id="a fixed session"),
        pytest.param({"Principal": {"AWS": ROLE}}, id="a role"),
        pytest.param({"Principal": {"Service": "s3.amazonaws.com"}}, id="a service"),
        pytest.param({"Effect": "Deny"}, id="a Deny"),
    ],
)
def test_a_statement_with_fixed_callers_is_not_public(members: dict[str, Json]) -> None:
    assert public(everybody(**members)).outcome is Outcome.PASS


@pytest.mark.parametrize(
    ("action", "words"),
    [
        pytest.param("s3:Get*", "read or list objects", id="Get is no write, as others say"),
        pytest.param("s3:P*", "write objects, and change the bucket's settings or permissions", id="P writes"),
        pytest.param(["s3:DeleteObject*", "s3:ListBucket"], "read or list objects, and delete", id="a list"),
        pytest.param("s3:PutObjectAcl", "change the bucket's settings or permissions", id="ACLs"),
        pytest.param("s3:GetBucketLocation", "do some other things", id="harmless"),
    ],
)
def test_a_finding_says_what_the_public_may_do_by_the_actions_that_are_covered(action: Json, words: str) -> None:
    assert public(everybody(action)).findings[0].message.endswith(f"lets the public {words}")


def test_one_statement_as_an_object_is_read_on_which_others_raise() -> None:
    assert public_of({"Version": "2012-10-17", "Statement": everybody()}).outcome is Outcome.FAIL


def public_of(document: Json) -> Assessment:
    case = unmasked(sound())
    case.answer("s3:GetBucketPolicy", {"Policy": json.dumps(document)})
    return judge(policy_public, case)


def test_a_public_policy_that_block_public_access_masks_is_a_low_finding() -> None:
    assessment = judge(policy_public, with_bucket_policy(everybody()))
    assert severities(assessment) == [Severity.LOW]
    assert "masks it" in assessment.findings[0].message


def test_switches_that_only_refuse_new_policies_mask_nothing_as_others_believe() -> None:
    case = with_bucket_policy(everybody())
    for operation in LEVELS:
        case.set(operation, "/PublicAccessBlockConfiguration/RestrictPublicBuckets", False)
    assert severities(judge(policy_public, case)) == [Severity.CRITICAL]


def test_a_mask_that_could_not_be_read_is_taken_for_none() -> None:
    case = unmasked(with_bucket_policy(everybody()))
    case.deny(LEVELS[1])
    assessment = judge(policy_public, case)
    assert severities(assessment) == [Severity.CRITICAL]
    assert "could not be read" in assessment.findings[0].message


@pytest.mark.parametrize(
    ("deny", "severity"),
    [
        pytest.param({}, Severity.LOW, id="of everything"),
        pytest.param(when("StringNotEquals", "aws:PrincipalOrgID", ORGANIZATION), Severity.LOW, id="but for one"),
        pytest.param({"Action": "s3:GetObject*"}, Severity.LOW, id="of the action"),
        pytest.param({"Action": "s3:PutObject"}, Severity.CRITICAL, id="of another action"),
        pytest.param({"Resource": f"{ARN}/other/*"}, Severity.CRITICAL, id="of other objects"),
        pytest.param({"Principal": {"AWS": ROLE}}, Severity.CRITICAL, id="to one role"),
        pytest.param(when("StringEquals", "aws:PrincipalOrgID", ORGANIZATION), Severity.CRITICAL, id="to one"),
        pytest.param(when("StringNotLike", "aws:PrincipalOrgID", "o-*"), Severity.CRITICAL, id="but for any"),
        pytest.param(when("Bool", "aws:SecureTransport", "false"), Severity.CRITICAL, id="without TLS"),
    ],
)
def test_a_deny_that_takes_all_of_it_back_makes_it_a_low_finding(deny: dict[str, Json], severity: Severity) -> None:
    statement = everybody("s3:*", **{"Sid": "Guard", "Effect": "Deny", **deny})
    assert severities(public(everybody(), statement)) == [severity]


@pytest.mark.parametrize(
    ("members", "severity"),
    [({}, Severity.LOW), (when("Bool", "aws:SecureTransport", "false"), Severity.CRITICAL)],
)
def test_an_allow_of_all_but_some_takes_a_deny_of_everything(members: dict[str, Json], severity: Severity) -> None:
    allow = everybody(None, NotAction="s3:x", Resource=None, NotResource="arn:aws:s3:::x")
    deny = everybody("*", Effect="Deny", Resource="*", **members)
    assert severities(public(allow, deny)) == [severity]


@pytest.mark.parametrize("masked", [False, True])
def test_where_s3_sees_more_than_we_the_worse_counts(masked: bool) -> None:
    case = s3_says(sound() if masked else unmasked(sound()), public=True)
    assessment = judge(policy_public, case)
    assert severities(assessment) == [Severity.LOW if masked else Severity.CRITICAL]
    assert "no statement is seen to be" in (assessment.findings[0].observed or "")


def test_where_we_see_more_than_s3_the_worse_counts() -> None:
    assessment = judge(policy_public, unmasked(with_bucket_policy(everybody())))
    assert "S3 itself takes the policy for not public" in (assessment.findings[0].observed or "")
    agreed = judge(policy_public, s3_says(unmasked(with_bucket_policy(everybody())), public=True))
    assert "S3 itself" not in (agreed.findings[0].observed or "")


def test_a_policy_that_cannot_be_read_fails_by_what_s3_says_of_it() -> None:
    case = unmasked(s3_says(sound(), public=True))
    case.deny("s3:GetBucketPolicy")
    assessment = judge(policy_public, case)
    assert (assessment.outcome, severities(assessment)) == (Outcome.FAIL, [Severity.CRITICAL])


def test_without_what_s3_says_a_policy_does_not_pass() -> None:
    case = sound()
    case.deny(STATUS)
    assert judge(policy_public, case).permission == STATUS


@pytest.mark.parametrize(
    ("action", "severity"),
    [
        ("s3:ListBucket", Severity.HIGH),
        ("s3:PutObject", Severity.HIGH),
        ("s3:GetObject", Severity.CRITICAL),
        ("s3:GetObjectVersion", Severity.CRITICAL),
        ("s3:Get*", Severity.CRITICAL),
        ("s3:*", Severity.CRITICAL),
        ("s3:PutBucketP*", Severity.CRITICAL),
        ("s3:DeleteBucketPolicy", Severity.CRITICAL),
        ("s3:putencryptionconfiguration", Severity.CRITICAL),
        ("s3:PutObjectAcl", Severity.CRITICAL),
        ("s3:PutBucketAcl", Severity.CRITICAL),
    ],
)
def test_what_another_account_may_do_decides_how_bad_it_is_by_coverage_and_not_by_name(
    action: str, severity: Severity
) -> None:
    assert severities(judge(policy_cross_account, with_bucket_policy(to(FOREIGN, action)))) == [severity]


@pytest.mark.parametrize(
    ("members", "severity"),
    [
        pytest.param({"Principal": {"AWS": FOREIGN}}, Severity.HIGH, id="an account id"),
        pytest.param(
            {"Principal": {"AWS": f"arn:aws:iam::{FOREIGN}:user/{AWS_ACCOUNT}"}},
            Severity.HIGH,
            id="own id in the name, which others pass",
        ),
        pytest.param({"Principal": {"AWS": f"arn:aws:sts::{FOREIGN}:assumed-role/a/b"}}, Severity.HIGH, id="a session"),
        pytest.param(
            {"Principal": {"Federated": f"arn:aws:iam::{FOREIGN}:saml-provider/x"}},
            Severity.HIGH,
            id="SAML, which others overlook",
        ),
        pytest.param(
            {"Principal": {"CanonicalUser": "d" * 64}}, Severity.LOW, id="a canonical user, which others overlook"
        ),
        pytest.param({"Principal": {"AWS": "AROAIOSFODNN7EXAMPLE1"}}, Severity.LOW, id="a deleted role"),
        pytest.param(
            {"Principal": {"AWS": "arn:aws:iam::cloudfront:user/CloudFront Origin Access Identity E1"}},
            Severity.LOW,
            id="an origin access identity",
        ),
        pytest.param(
            {"Principal": "*", **when("StringEquals", "aws:PrincipalAccount", [AWS_ACCOUNT, FOREIGN])},
            Severity.HIGH,
            id="by a condition, one of two",
        ),
        pytest.param(
            {"Principal": "*", **when("StringEquals", "aws:PrincipalOrgID", ORGANIZATION)},
            Severity.HIGH,
            id="an organization",
        ),
        pytest.param(
            {"Principal": "*", **when("ForAnyValue:StringLike", "aws:PrincipalOrgPaths", f"{ORGANIZATION}/*")},
            Severity.HIGH,
            id="a part of one",
        ),
        pytest.param(
            {"Principal": "*", **when("ArnLike", "aws:PrincipalArn", f"arn:aws:iam::{FOREIGN}:role/*")},
            Severity.HIGH,
            id="roles by a condition",
        ),
        pytest.param(
            {"Principal": "*", **when("StringEquals", "s3:DataAccessPointAccount", FOREIGN)},
            Severity.HIGH,
            id="access points of another account",
        ),
        pytest.param(
            {"Principal": "*", **when("StringEquals", "aws:userid", "AIDAIOSFODNN7EXAMPLE1")},
            Severity.LOW,
            id="a user id",
        ),
        pytest.param(
            {"Principal": "*", **when("IpAddress", "aws:SourceIp", "203.0.113.0/24")}, Severity.MEDIUM, id="a network"
        ),
        pytest.param(
            {"Principal": "*", **when("StringEquals", "aws:SourceVpce", "vpce-1")}, Severity.MEDIUM, id="an endpoint"
        ),
        pytest.param(
            {"Principal": None, "NotPrincipal": {"AWS": ROLE}, **when("StringEquals", "aws:PrincipalAccount", FOREIGN)},
            Severity.HIGH,
            id="NotPrincipal, which others overlook",
        ),
        pytest.param(when("Bool", "aws:SecureTransport", "true"), Severity.HIGH, id="a condition on something else"),
        pytest.param(when("StringEqualsIfExists", "aws:PrincipalAccount", AWS_ACCOUNT), Severity.HIGH, id="IfExists"),
        pytest.param(
            {"Principal": {"Service": "s3.amazonaws.com"}, **when("StringEquals", "aws:SourceAccount", FOREIGN)},
            Severity.HIGH,
            id="through a service",
        ),
        pytest.param(
            {"Principal": {"Service": "s3.amazonaws.com"}, **when("StringEquals", "aws:SourceOrgID", ORGANIZATION)},
            Severity.HIGH,
            id="through a service, an organization",
        ),
    ],
)
def test_whoever_is_of_another_account_is_found(members: dict[str, Json], severity: Severity) -> None:
    assessment = judge(policy_cross_account, with_bucket_policy(to(FOREIGN, **members)))
    assert severities(assessment) == [severity]


@pytest.mark.parametrize(
    "members",
    [
        pytest.param({"Principal": {"AWS": AWS_ACCOUNT}}, id="the own account"),
        pytest.param({"Principal": {"AWS": ROLE}}, id="an own role"),
        pytest.param({"Principal": {"AWS": TRUSTED}}, id="a trusted account"),
        pytest.param(when("StringEquals", "aws:PrincipalOrgID", ORGANIZATION), id="of a trusted organization"),
        pytest.param(when("StringEquals", "aws:PrincipalAccount", AWS_ACCOUNT), id="of the own account by condition"),
        pytest.param(
            {"Principal": "*", **when("StringEquals", "aws:PrincipalAccount", TRUSTED)}, id="a trusted one by condition"
        ),
        pytest.param(
            {"Principal": "*", **when("StringEquals", "s3:DataAccessPointAccount", AWS_ACCOUNT)},
            id="own access points",
        ),
        pytest.param({"Principal": "*"}, id="the public, which is another rule's"),
        pytest.param({"Principal": {"Service": "s3.amazonaws.com"}}, id="a service, which is another rule's"),
        pytest.param({"Effect": "Deny"}, id="a Deny"),
    ],
)
def test_the_own_account_and_trusted_ones_may_be_let_in(members: dict[str, Json]) -> None:
    case = with_bucket_policy(to(FOREIGN, **members))
    case.profile = replace(case.profile, trusted_accounts=(TRUSTED,), trusted_organizations=(ORGANIZATION,))
    assert judge(policy_cross_account, case).outcome is Outcome.PASS


def test_a_deny_to_all_but_a_trusted_organization_exempts_too() -> None:
    guard = everybody("s3:*", Effect="Deny", **when("StringNotEquals", "aws:PrincipalOrgID", ORGANIZATION))
    case = with_bucket_policy(to(FOREIGN), guard)
    assert judge(policy_cross_account, case).outcome is Outcome.FAIL
    case.profile = replace(case.profile, trusted_organizations=(ORGANIZATION,))
    assert judge(policy_cross_account, case).outcome is Outcome.PASS


def test_a_finding_stays_itself_wherever_its_statement_stands() -> None:
    unnamed = to(FOREIGN, Sid=None)
    first = judge(policy_cross_account, with_bucket_policy(unnamed))
    later = judge(policy_cross_account, with_bucket_policy(to(AWS_ACCOUNT), unnamed))
    assert [f.fingerprint for f in first.findings] == [f.fingerprint for f in later.findings]
    two = judge(policy_cross_account, with_bucket_policy(unnamed, to(TRUSTED, Sid=None)))
    assert len({f.fingerprint for f in two.findings}) == 2


def served(service: str = "s3.amazonaws.com", **members: Json) -> Case:
    return with_bucket_policy(to(AWS_ACCOUNT, "s3:PutObject", Principal={"Service": service}, **members))


@pytest.mark.parametrize(
    ("service", "members"),
    [
        ("s3.amazonaws.com", {}),
        ("s3.amazonaws.com", when("StringLike", "aws:SourceAccount", "*")),
        ("s3.amazonaws.com", when("StringEqualsIfExists", "aws:SourceAccount", AWS_ACCOUNT)),
        ("s3.amazonaws.com", when("ArnLike", "aws:SourceArn", "arn:aws:s3:::source")),
        ("logging.s3.amazonaws.com", when("ArnLike", "aws:SourceArn", "arn:aws:s3:::*")),
        ("cloudfront.amazonaws.com", when("ArnLike", "aws:SourceArn", "arn:aws:cloudfront::*:distribution/E1")),
        ("cloudfront.amazonaws.com", when("StringEquals", "aws:ResourceAccount", AWS_ACCOUNT)),
    ],
)
def test_a_service_that_acts_for_any_account_fails(service: str, members: dict[str, Json]) -> None:
    assessment = judge(policy_deputy, served(service, **members))
    assert (assessment.outcome, assessment.severity) == (Outcome.FAIL, Severity.MEDIUM)
    assert service in assessment.findings[0].message


@pytest.mark.parametrize(
    ("service", "members"),
    [
        ("s3.amazonaws.com", when("StringEquals", "aws:SourceAccount", AWS_ACCOUNT)),
        ("s3.amazonaws.com", when("StringEquals", "aws:SourceOrgID", ORGANIZATION)),
        ("cloudfront.amazonaws.com", when("StringEquals", "AWS:SourceArn", f"arn:aws:cloudfront::{AWS_ACCOUNT}:d/E1")),
        ("logging.s3.amazonaws.com", when("ArnLike", "aws:SourceArn", "arn:aws:s3:::source")),
        ("delivery.logs.amazonaws.com", when("ArnLike", "aws:SourceArn", f"arn:aws:logs:*:{AWS_ACCOUNT}:*")),
    ],
)
def test_a_service_that_acts_for_a_known_account_passes(service: str, members: dict[str, Json]) -> None:
    assert judge(policy_deputy, served(service, **members)).outcome is Outcome.PASS


def test_a_service_that_a_deny_ties_passes() -> None:
    guard = everybody("s3:*", Effect="Deny", **when("StringNotEquals", "aws:SourceAccount", AWS_ACCOUNT))
    statement = to(AWS_ACCOUNT, "s3:PutObject", Principal={"Service": "s3.amazonaws.com"})
    assert judge(policy_deputy, with_bucket_policy(statement, guard)).outcome is Outcome.PASS


@pytest.mark.parametrize("members", [{}, {"Effect": "Deny", "Principal": {"Service": "s3.amazonaws.com"}}])
def test_where_no_service_is_let_in_there_is_no_deputy(members: dict[str, Json]) -> None:
    assessment = judge_all(policy_deputy, with_bucket_policy(to(AWS_ACCOUNT, **members)))
    assert {a.outcome for a in assessment.values()} == {Outcome.NOT_APPLICABLE}


@pytest.mark.parametrize(
    ("statement", "flaw"),
    [
        ({"Principal": {"AWS": "AIDAIOSFODNN7EXAMPLE1"}}, "deleted principal"),
        ({"Effect": "Deny", "Principal": None, "NotPrincipal": {"AWS": "AROAIOSFODNN7EXAMPLE1"}}, "deleted principal"),
        ({"Principal": None, "NotPrincipal": {"AWS": ROLE}}, "all but what NotPrincipal lists"),
        ({"Action": None, "NotAction": "s3:PutObject"}, "all but what NotAction lists"),
        ({"Resource": None, "NotResource": f"{ARN}/x"}, "all but what NotResource lists"),
        ({"Effect": "Deny", "Principal": "*", "Action": "s3:*"}, "only the root user"),
        ({"Effect": "Deny", "Principal": "*", "Action": None, "NotAction": "s3:GetObject"}, "only the root user"),
        ({"Effect": "Deny", "Principal": "*", "Action": "*", "Resource": None, "NotResource": f"{ARN}/*"}, "root user"),
        ({"Principal": {"AWS": "arn:aws:iam::*:role/x"}}, "has a wildcard"),
        ({"Sid": "DenyOldTls"}, "have the Sid"),
        ({"Extra": 1}, "no element"),
        ({"Effect": "allow"}, "neither Allow nor Deny"),
        ({"Condition": {"StringEqual": {"aws:userid": "x"}}}, "no condition operator"),
    ],
)
def test_what_a_policy_is_misread_by_is_found(statement: dict[str, Json], flaw: str) -> None:
    assessment = judge(policy_hygiene, with_bucket_policy(to(AWS_ACCOUNT, **statement)))
    assert severities(assessment) == [Severity.LOW]
    assert flaw in assessment.findings[0].message


@pytest.mark.parametrize(
    "statement",
    [
        pytest.param({"Effect": "Deny", "Action": None, "NotAction": "s3:GetObject"}, id="NotAction in a Deny"),
        pytest.param({"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": f"{ARN}/*"}, id="objects only"),
        pytest.param(
            {"Effect": "Deny", "Principal": "*", "Action": "s3:PutBucketPolicy"}, id="it can still be removed"
        ),
        pytest.param({"Effect": "Deny", "Principal": {"AWS": ROLE}, "Action": "s3:*"}, id="of one role only"),
        pytest.param(
            {"Effect": "Deny", "Principal": "*", "Action": "s3:*", **when("StringNotEquals", "aws:PrincipalArn", ROLE)},
            id="of all but one role",
        ),
        pytest.param({"Resource": f"{ARN}/${{aws:username}}/*"}, id="a variable where there are variables"),
    ],
)
def test_what_is_meant_is_no_flaw(statement: dict[str, Json]) -> None:
    assert judge(policy_hygiene, with_bucket_policy(to(AWS_ACCOUNT, **statement))).outcome is Outcome.PASS


@pytest.mark.parametrize(
    "members",
    [{"Resource": f"{ARN}/${{aws:username}}/*"}, when("StringEquals", "aws:userid", "${aws:userid}")],
)
def test_variables_under_the_old_version_are_found(members: dict[str, Json]) -> None:
    case = with_bucket_policy(to(AWS_ACCOUNT, **members), Version="2008-10-17")
    assert "plain text" in judge(policy_hygiene, case).findings[0].message
    assert judge(policy_hygiene, with_bucket_policy(Version="2008-10-17")).outcome is Outcome.PASS


def test_defects_of_the_document_are_found_and_each_once() -> None:
    case = with_bucket_policy(to(AWS_ACCOUNT, Extra=1, More=2), Id=7, Version="2013-01-01")
    messages = [found.message for found in judge(policy_hygiene, case).findings]
    assert len(messages) == len(set(messages)) == 4
    assert TLS_ONLY_POLICY["Version"] == "2012-10-17"
