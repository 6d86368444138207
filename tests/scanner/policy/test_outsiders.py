"""Outsiders and powers: the corners that the rules' own tests do not reach."""

from typing import Any

import pytest

from recordscan.policy.documents import load_policy
from recordscan.policy.outsiders import Trust, account_of, outsiders
from recordscan.policy.powers import about_resource, powers, powers_in_words

OWN = "111122223333"
FOREIGN = "999988887777"
TRUST = Trust(accounts=frozenset({OWN}), organizations=frozenset({"o-0123456789"}))


def let_in(*statements: dict[str, Any]) -> list[tuple[str, str]]:
    """Kind and value of the outsiders of the first statement."""
    bodies = [{"Effect": "Allow", "Principal": "*", "Action": "s3:*", "Resource": "*", **s} for s in statements]
    document = load_policy({"Version": "2012-10-17", "Statement": bodies}, kind="resource")
    return [(found.kind, found.value) for found in outsiders(document, document.statements[0], TRUST)]


def equals(**keys: Any) -> dict[str, Any]:
    return {"Condition": {"StringEquals": {key.replace("_", ":"): value for key, value in keys.items()}}}


@pytest.mark.parametrize(
    ("value", "account"),
    [
        (OWN, OWN),
        (f"arn:aws:iam::{OWN}:role/a/b", OWN),
        (f"arn:aws:iam::{FOREIGN}:user/{OWN}", FOREIGN),
        ("arn:aws:s3:::bucket", None),
        ("arn:aws:iam::cloudfront:user/x", None),
        (f"{OWN}0", None),
        ("", None),
    ],
)
def test_the_account_of_a_principal_is_read_from_its_place(value: str, account: str | None) -> None:
    assert account_of(value) == account


def test_of_several_conditions_the_one_that_tells_whose_callers_are_counts() -> None:
    both = equals(aws_SourceVpce="vpce-1", aws_PrincipalAccount=FOREIGN)
    assert let_in(both) == [("account", FOREIGN)]
    assert let_in(equals(aws_SourceVpce="vpce-1", aws_PrincipalAccount=OWN)) == []
    assert let_in(equals(aws_SourceArn="arn:aws:s3:::source", aws_SourceAccount=FOREIGN)) == [("account", FOREIGN)]
    assert let_in(equals(aws_SourceArn="arn:aws:s3:::source")) == [("network", "arn:aws:s3:::source")]


def test_a_trusted_organization_does_not_hide_another_beside_it() -> None:
    assert let_in(equals(aws_PrincipalOrgID=["o-0123456789", "o-9876543210"])) == [("organization", "o-9876543210")]


ROLE, TOPIC, POINT = "arn:aws:iam::{}:role/r", "arn:aws:sns:eu-west-1:{}:t", "arn:aws:s3:eu-west-1:{}:accesspoint/a"
FOREIGN_ORGANIZATION = "o-9876543210"


@pytest.mark.parametrize(
    ("service", "key", "form", "kind"),
    [
        *(("s3", f"aws:{name}", "{}", "account") for name in ("PrincipalAccount", "SourceAccount", "SourceOwner")),
        *(("kms", name, "{}", "account") for name in ("aws:PrincipalAccount", "kms:CallerAccount")),
        ("s3", "aws:PrincipalArn", ROLE, "account"),
        ("s3", "aws:SourceArn", TOPIC, "account"),
        ("s3", "s3:DataAccessPointAccount", "{}", "account"),
        ("s3", "s3:DataAccessPointArn", POINT, "account"),
        ("s3", "aws:PrincipalOrgID", "{}", "organization"),
        ("s3", "aws:PrincipalOrgPaths", "{}/r-1/", "organization"),
    ],
)
def test_a_condition_tells_whose_callers_a_statement_for_everybody_lets_in(
    service: str, key: str, form: str, kind: str
) -> None:
    foreign, own = (FOREIGN_ORGANIZATION, "o-0123456789") if kind == "organization" else (FOREIGN, OWN)

    def among(value: str) -> list[tuple[str, str]]:
        body = {"Effect": "Allow", "Principal": "*", "Action": f"{service}:*", "Resource": "*"}
        pinned = {**body, "Condition": {"StringEquals": {key: form.format(value)}}}
        document = load_policy({"Version": "2012-10-17", "Statement": [pinned]}, kind="resource")
        return [(found.kind, found.value) for found in outsiders(document, document.statements[0], TRUST, service)]

    assert among(foreign) == [(kind, form.format(foreign))]
    assert among(own) == []


@pytest.mark.parametrize(
    ("key", "form", "kind"),
    [
        ("aws:SourceAccount", "{}", "account"),
        ("aws:SourceArn", TOPIC, "account"),
        ("aws:SourceOrgID", "{}", "organization"),
        ("aws:SourceOrgPaths", "{}/r-1/", "organization"),
    ],
)
def test_a_condition_tells_for_whom_a_service_may_come(key: str, form: str, kind: str) -> None:
    foreign, own = (FOREIGN_ORGANIZATION, "o-0123456789") if kind == "organization" else (FOREIGN, OWN)
    service = {"Principal": {"Service": "sns.amazonaws.com"}}
    found = let_in({**service, "Condition": {"StringLike": {key: form.format(foreign)}}})
    assert found == [(kind, form.format(foreign))]
    assert let_in({**service, "Condition": {"StringLike": {key: form.format(own)}}}) == []


def test_each_outsider_of_a_statement_is_told_once() -> None:
    principal = {"AWS": [FOREIGN, FOREIGN, OWN, f"arn:aws:iam::{FOREIGN}:root", "odd"]}
    found = let_in({"Principal": principal})
    assert found == [("account", FOREIGN), ("account", f"arn:aws:iam::{FOREIGN}:root"), ("opaque", "odd")]


def test_a_service_with_a_source_that_tells_no_account_is_no_outsider() -> None:
    service = {"Principal": {"Service": "s3.amazonaws.com"}}
    assert let_in({**service, **equals(aws_SourceArn="arn:aws:s3:::source")}) == []
    assert let_in({**service, **equals(aws_SourceAccount=[OWN, FOREIGN])}) == [("account", FOREIGN)]
    assert let_in({**service, **equals(aws_RequestedRegion="eu-west-1")}) == []


@pytest.mark.parametrize(
    "condition",
    [
        equals(aws_PrincipalAccount=OWN),
        equals(kms_CallerAccount=OWN),
        equals(aws_PrincipalArn=f"arn:aws:iam::{OWN}:role/media"),
        equals(aws_PrincipalOrgID="o-0123456789"),
        {"Condition": {"ForAnyValue:StringLike": {"aws:PrincipalOrgPaths": "o-0123456789/r-1/*"}}},
    ],
)
def test_a_foreign_principal_is_let_in_no_further_than_a_trusted_pin(condition: dict[str, Any]) -> None:
    """The condition must hold beside the principal, so that nobody of the foreign account is left."""
    assert let_in({"Principal": {"AWS": FOREIGN}, **condition}) == []


@pytest.mark.parametrize(
    "condition",
    [
        {},
        equals(aws_PrincipalAccount=[OWN, FOREIGN]),
        equals(aws_PrincipalArn=OWN),
        equals(aws_PrincipalArn="arn:aws:iam:::role/media"),
        equals(aws_PrincipalOrgID="o-9876543210"),
        {"Condition": {"StringEqualsIfExists": {"aws:PrincipalAccount": OWN}}},
    ],
)
def test_any_other_pin_leaves_it(condition: dict[str, Any]) -> None:
    assert let_in({"Principal": {"AWS": FOREIGN}, **condition}) == [("account", FOREIGN)]


@pytest.mark.parametrize(
    ("members", "words"),
    [
        ({"Principal": {"AWS": FOREIGN}}, f"everybody in the foreign account {FOREIGN}"),
        ({"Principal": {"AWS": f"arn:aws:iam::{FOREIGN}:root"}}, f"everybody in the foreign account {FOREIGN}"),
        (
            {"Principal": {"AWS": f"arn:aws:iam::{FOREIGN}:user/x"}},
            f"arn:aws:iam::{FOREIGN}:user/x of a foreign account",
        ),
        (
            {"Principal": {"Federated": f"arn:aws:iam::{FOREIGN}:saml-provider/x"}},
            f"arn:aws:iam::{FOREIGN}:saml-provider/x of a foreign account",
        ),
        ({"Principal": {"AWS": "AIDAEXAMPLEGONE00000"}}, "AIDAEXAMPLEGONE00000, a deleted principal"),
        (
            {"Principal": {"Federated": "arn:aws:iam:::saml-provider/AIDAEXAMPLEGONE00000"}},
            "arn:aws:iam:::saml-provider/AIDAEXAMPLEGONE00000, whose account it does not tell",
        ),
        (
            {"Principal": {"CanonicalUser": OWN}},
            f"the canonical user {OWN}, whose account it does not tell",
        ),
        (
            {"Principal": {"CanonicalUser": "7" * 61}},
            f"the canonical user {'7' * 59}…, whose account it does not tell",
        ),
        ({"Principal": {"CanonicalUser": "7" * 60}}, f"the canonical user {'7' * 60}, whose account it does not tell"),
        ({"Principal": {"AWS": "odd"}}, "odd, whose account it does not tell"),
        (
            {"Principal": {"Service": "s3.amazonaws.com"}, **equals(aws_SourceAccount=FOREIGN)},
            f"the foreign account {FOREIGN}, through s3.amazonaws.com",
        ),
        (
            equals(s3_DataAccessPointAccount=FOREIGN),
            f"whomever access points of the foreign account {FOREIGN} let in",
        ),
        (equals(aws_PrincipalAccount=FOREIGN), f"the foreign account {FOREIGN}"),
        (equals(aws_userid="AIDAX"), "the user id AIDAX, whose account it does not tell"),
        (equals(aws_SourceVpc="vpc-1"), "everybody for whom aws:SourceVpc is vpc-1"),
        (
            equals(aws_PrincipalOrgPaths="o-9876543210/r-1/"),
            "the organization o-9876543210, which is not among the trusted ones",
        ),
    ],
)
def test_an_outsider_is_named_to_people(members: dict[str, Any], words: str) -> None:
    statement = {"Effect": "Allow", "Principal": "*", "Action": "s3:*", "Resource": "*", **members}
    document = load_policy({"Version": "2012-10-17", "Statement": statement}, kind="resource")
    [found] = outsiders(document, document.statements[0], TRUST)
    assert found.words == words


@pytest.mark.parametrize(
    "members",
    [
        {"Effect": "Deny"},
        {"Effect": "Deny", "Principal": {"AWS": FOREIGN}},
        {"Principal": 7},
        {"Principal": {"AWS": FOREIGN}, "Wizard": 1},
        {"Principal": {"AWS": ["*", FOREIGN]}},
        {},
    ],
)
def test_what_denies_is_unclear_or_public_lets_no_outsider_in(members: dict[str, Any]) -> None:
    assert let_in(members) == []


@pytest.mark.parametrize(
    ("members", "found"),
    [
        ({"Action": "*"}, ("read", "write", "delete", "control")),
        ({"Action": "S3:GETOBJECT"}, ("read",)),
        ({"NotAction": ["s3:*Object*", "s3:List*", "s3:Delete*", "s3:Replicate*"]}, ("control",)),
        ({"Action": "s3:GetBucketLocation"}, ()),
    ],
)
def test_powers_are_told_by_the_actions_that_are_covered(members: dict[str, Any], found: tuple[str, ...]) -> None:
    body = {"Effect": "Allow", "Principal": "*", "Resource": "*", **members}
    [statement] = load_policy({"Statement": body}).statements
    assert powers(statement) == found
    assert powers_in_words(statement)


def test_a_resource_is_matched_also_by_exclusion() -> None:
    for members, expected in (({"Resource": "arn:aws:s3:::b"}, True), ({"NotResource": "arn:aws:s3:::b"}, False)):
        [statement] = load_policy({"Statement": {"Effect": "Deny", "Action": "s3:*", **members}}).statements
        assert about_resource(statement, "arn:aws:s3:::b", "2012-10-17") is expected
        assert about_resource(statement, "arn:aws:s3:::c", "2012-10-17") is not expected


def test_a_statement_is_told_by_its_sid_or_by_what_it_says() -> None:
    body = {"Effect": "Allow", "Principal": "*", "Action": "s3:*", "Resource": "*"}
    first, second, named = load_policy({"Statement": [body, {**body}, {**body, "Sid": "S"}]}).statements
    assert first.stable_name == second.stable_name != named.stable_name == "S"
    assert load_policy({"Statement": ["\ud800"]}).statements[0].stable_name
