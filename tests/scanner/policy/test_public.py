"""Which statements make a bucket policy or a key policy public.

See https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html
"""

from typing import Any

import pytest

from recordscan.policy.documents import load_policy
from recordscan.policy.public import PublicStatement, denied_to_others, pins_of, public_statements
from scanner.policy.asking import BUCKET, KEY, LOGGING, OBJECT, OURS, ROLE, ROOT, SESSION, USER, allow, deny


def public(*statements: dict[str, Any], service: str = "s3") -> tuple[PublicStatement, ...]:
    document = load_policy({"Version": "2012-10-17", "Statement": list(statements)}, kind="resource")
    return public_statements(document, service)


def pinned(operator: str, key: str, values: object, service: str = "s3") -> bool:
    """Whether a condition keeps a statement for everybody from being public."""
    return not public(allow(to="*", when={operator: {key: values}}), service=service)


WHO: list[tuple[str, dict[str, Any], str]] = [
    ("a star", allow(to="*"), "it allows everybody without condition"),
    ("a star for accounts", allow(to={"AWS": "*"}), "it allows everybody without condition"),
    ("a star beside others", allow(to=[USER, "*"]), "it allows everybody without condition"),
    ("all but one", allow(but=USER), "it allows everybody but those in NotPrincipal without condition"),
    (
        "a web identity",
        allow(to={"Federated": "graph.facebook.com"}),
        "it allows everybody whom graph.facebook.com vouches for without condition",
    ),
    ("a wildcard in an ARN", allow(to="arn:aws:iam::*:root"), "it allows arn:aws:iam::*:root without condition"),
    ("one for a character", allow(to=f"{USER}?"), f"it allows {USER}? without condition"),
    (
        "conditions that pin nothing",
        allow(to="*", when={"Bool": {"b:b": "true", "a:a": "true"}, "Null": {"a:a": "true"}}),
        "it allows everybody, and its condition on a:a, b:b does not limit who that is",
    ),
]


@pytest.mark.parametrize(("case", "statement", "why"), WHO, ids=[case for case, _, _ in WHO])
def test_a_statement_is_public_for(case: str, statement: dict[str, Any], why: str) -> None:
    private = allow(to=USER)
    for service in ("s3", "kms"):
        (found,) = public(private, statement | {"Sid": "Open"}, private, service=service)
        assert (found.statement.label, found.why) == ("Open", why)


@pytest.mark.parametrize(
    "statement",
    [
        allow(to=USER),
        allow(to=[OURS, ROOT, ROLE, SESSION]),
        allow(to={"Service": [LOGGING, "*"]}),
        allow(to={"Federated": f"arn:aws:iam::{OURS}:saml-provider/corp"}),
        allow(to={"CanonicalUser": "79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd47ef2be"}),
        deny(to="*"),
        deny(but=USER),
        allow(to="*", Wizard=1),
    ],
)
def test_a_statement_is_not_public_for(statement: dict[str, Any]) -> None:
    assert not public(statement)


def test_a_policy_without_principals_is_not_public() -> None:
    assert not public_statements(load_policy({"Version": "2012-10-17", "Statement": allow()}))


def test_each_public_statement_is_found() -> None:
    assert [p.statement.index for p in public(allow(to="*"), allow(to=USER), allow(but=USER))] == [1, 3]


ORG, PATHS = "aws:PrincipalOrgID", "aws:PrincipalOrgPaths"
POINT = f"arn:aws:s3:us-east-1:{OURS}:accesspoint/media"


@pytest.mark.parametrize(
    ("operator", "key", "values"),
    [
        ("StringEquals", ORG, "o-a1b2c3"),
        ("StringEquals", "AWS:principalorgid", "o-a1b2c3"),
        ("StringEquals", ORG, ["o-a1b2c3", "o-d4e5f6"]),
        ("StringEqualsIgnoreCase", ORG, "o-a1b2c3"),
        ("StringLike", ORG, "o-a1b2c3"),
        ("ForAnyValue:StringLike", PATHS, "o-a1b2c3/*"),
        ("ForAnyValue:StringEquals", PATHS, "o-a1b2c3/r-1/ou-1/"),
        ("StringEquals", "aws:PrincipalAccount", OURS),
        ("ArnEquals", "aws:PrincipalArn", USER),
        ("ArnLike", "aws:PrincipalArn", f"arn:aws:iam::{OURS}:role/*"),
        ("ArnEquals", "aws:SourceArn", KEY),
        ("ArnLike", "aws:SourceArn", KEY),
        ("StringEquals", "aws:SourceAccount", OURS),
        ("StringEquals", "aws:SourceOwner", OURS),
        ("StringEquals", "aws:SourceVpc", "vpc-1"),
        ("StringEquals", "aws:SourceVpce", "vpce-1"),
        ("StringEquals", "aws:userid", "AIDACKCEVSQ6C2EXAMPLE"),
    ],
)
def test_a_condition_on_fixed_callers_pins(operator: str, key: str, values: object) -> None:
    assert pinned(operator, key, values)
    assert pinned(operator, key, values, service="kms")


@pytest.mark.parametrize(
    ("operator", "key", "values"),
    [
        ("StringLike", ORG, "*"),
        ("StringLike", ORG, "o-?1b2c3"),
        ("StringEquals", ORG, "${aws:PrincipalOrgID}"),
        ("StringEquals", ORG, ""),
        ("StringEquals", ORG, ["o-a1b2c3", "*"]),
        ("ForAnyValue:StringLike", PATHS, "*/r-1/*"),
        ("StringLike", "aws:PrincipalAccount", "1111*"),
        ("ArnLike", "aws:PrincipalArn", "arn:aws:iam::*:role/media"),
        ("ArnLike", "aws:PrincipalArn", "arn:aws:iam::11112222333?:role/media"),
        ("ArnLike", "aws:PrincipalArn", f"arn:aws:iam::{OURS}:user/${{aws:username}}"),
        ("StringLike", "aws:PrincipalArn", f"arn:aws:iam::{OURS}"),
        ("StringLike", "aws:PrincipalArn", f"arn:aws:iam::{OURS}0:role/media"),
        ("ArnLike", "aws:SourceArn", f"arn:aws:s3:*:{OURS}:*"),
        ("StringLike", "aws:SourceVpc", "vpc-*"),
        ("StringLike", "aws:userid", "AROACKCEVSQ6C2EXAMPLE:*"),
        ("StringEqualsIfExists", ORG, "o-a1b2c3"),
        ("ForAllValues:StringEquals", ORG, "o-a1b2c3"),
        ("StringNotEquals", ORG, "o-a1b2c3"),
        ("ArnNotLike", "aws:SourceArn", KEY),
        ("Null", ORG, "false"),
        ("IpAddress", "aws:SourceVpc", "10.0.0.0/8"),
        ("StringEquals", "s3:prefix", "open"),
        ("StringEquals", "aws:SecureTransport", "true"),
        ("StringLike", "aws:Referer", "https://example.com/"),
    ],
)
def test_other_conditions_pin_nothing(operator: str, key: str, values: object) -> None:
    assert not pinned(operator, key, values)
    assert not pinned(operator, key, values, service="kms")


@pytest.mark.parametrize(
    ("operator", "key", "values", "expected"),
    [
        ("IpAddress", "aws:SourceIp", "203.0.113.0/24", True),
        ("IpAddress", "aws:SourceIp", "203.0.113.7", True),
        ("IpAddress", "aws:SourceIp", "9.1.2.3/8", True),
        ("IpAddress", "aws:SourceIp", "8.0.0.0/7", False),
        ("IpAddress", "aws:SourceIp", ["203.0.113.0/24", "0.0.0.0/1"], False),
        ("IpAddress", "aws:SourceIp", "2001:db8::/32", True),
        ("IpAddress", "aws:SourceIp", "2001:db8::/31", False),
        ("IpAddress", "aws:SourceIp", "office", False),
        ("NotIpAddress", "aws:SourceIp", "203.0.113.0/24", False),
        ("StringEquals", "aws:SourceIp", "203.0.113.7", False),
        ("StringEquals", "s3:DataAccessPointAccount", OURS, True),
        ("StringLike", "s3:DataAccessPointAccount", "*", False),
        ("StringEquals", "s3:DataAccessPointArn", POINT, True),
        ("StringLike", "s3:DataAccessPointArn", f"arn:aws:s3:us-east-1:{OURS}:accesspoint/*", True),
        ("ArnLike", "s3:DataAccessPointArn", "arn:aws:s3:us-east-1:*:accesspoint/media", False),
    ],
)
def test_buckets_have_conditions_of_their_own(operator: str, key: str, values: object, expected: bool) -> None:
    assert pinned(operator, key, values) is expected
    assert not pinned(operator, key, values, service="kms")


def test_keys_have_a_condition_of_their_own() -> None:
    assert pinned("StringEquals", "kms:CallerAccount", OURS, service="kms")
    assert not pinned("StringLike", "kms:CallerAccount", "*", service="kms")
    assert not pinned("StringEquals", "kms:ViaService", "s3.us-east-1.amazonaws.com", service="kms")
    assert not pinned("StringEquals", "kms:CallerAccount", OURS)


def test_one_condition_that_pins_is_enough() -> None:
    assert not public(allow(to="*", when={"Bool": {"aws:SecureTransport": "true"}, "StringEquals": {ORG: "o-a1b2c3"}}))


FROM_ORG = {"StringNotEquals": {ORG: "o-a1b2c3"}}
TAKEN_BACK = [
    ("all of it", allow(to="*"), deny(to="*", when=FROM_ORG)),
    ("with more than it", allow("s3:GetObject", to="*", on=OBJECT), deny("s3:*", to="*", on="*", when=FROM_ORG)),
    ("the places that it names", allow(to="*", on=OBJECT), deny(to="*", on=f"{BUCKET}/*", when=FROM_ORG)),
    ("in another case", allow("s3:getobject", to="*"), deny("S3:Get*", to="*", when=FROM_ORG)),
    ("each action", allow("s3:GetObject", "s3:PutObject", to="*"), deny("s3:*Object", to="*", when=FROM_ORG)),
    ("everything", allow("*", to="*"), deny("s3:*", to="*", when=FROM_ORG)),
    ("without condition", allow(to="*"), deny(to="*")),
    ("but for addresses", allow(to="*"), deny(to="*", when={"NotIpAddress": {"aws:SourceIp": "203.0.113.0/24"}})),
    ("but for one of two", allow(to="*"), deny(to="*", when={"StringNotEquals": {ORG: ["o-a1b2c3", "o-d4e5f6"]}})),
]
KEPT = [
    ("an Allow", allow(to="*"), allow(to="*", when=FROM_ORG)),
    ("a Deny with a defect", allow(to="*"), deny(to="*", when=FROM_ORG, Wizard=1)),
    ("for one", allow(to="*"), deny(to=USER, when=FROM_ORG)),
    ("fewer actions", allow("s3:GetObject", "s3:PutObject", to="*"), deny("s3:GetObject", to="*", when=FROM_ORG)),
    ("all but", allow(to="*"), deny(to="*", NotAction="s3:GetObject", when=FROM_ORG)),
    ("NotAction", allow(to="*", NotAction="s3:GetObject"), deny("s3:GetObject", to="*", when=FROM_ORG)),
    ("other places", allow(to="*", on=[BUCKET, OBJECT]), deny(to="*", on=OBJECT, when=FROM_ORG)),
    ("all places but", allow(to="*"), deny(to="*", NotResource=OBJECT, when=FROM_ORG)),
    ("NotResource", allow(to="*", NotResource=OBJECT), deny(to="*", on=BUCKET, when=FROM_ORG)),
    ("but for anybody", allow(to="*"), deny(to="*", when={"StringNotLike": {ORG: "o-*"}})),
    ("but for anybody of two", allow(to="*"), deny(to="*", when={"StringNotLike": {ORG: ["o-a1b2c3", "*"]}})),
    ("with a test beside it", allow(to="*"), deny(to="*", when={**FROM_ORG, "Bool": {"a:a": "true"}})),
    ("for them", allow(to="*"), deny(to="*", when={"StringEquals": {ORG: "o-a1b2c3"}})),
    ("for some of the values", allow(to="*"), deny(to="*", when={"ForAnyValue:StringNotEquals": {ORG: "o-a1b2c3"}})),
    ("on another key", allow(to="*"), deny(to="*", when={"StringNotEquals": {"aws:Referer": "https://example.com/"}})),
    ("on addresses as text", allow(to="*"), deny(to="*", when={"StringNotEquals": {"aws:SourceIp": "203.0.113.7"}})),
    ("on text as addresses", allow(to="*"), deny(to="*", when={"NotIpAddress": {"aws:SourceVpc": "10.0.0.0/8"}})),
]


@pytest.mark.parametrize(
    ("open_", "closing", "taken_back"),
    [
        *(pytest.param(a, d, True, id=says) for says, a, d in TAKEN_BACK),
        *(pytest.param(a, d, False, id=says) for says, a, d in KEPT),
    ],
)
def test_a_deny_takes_back_what_is_open_to_others(
    open_: dict[str, Any], closing: dict[str, Any], taken_back: bool
) -> None:
    private = deny("s3:DeleteBucket", to=USER)
    document = load_policy({"Version": "2012-10-17", "Statement": [open_, private, closing]}, kind="resource")
    found = denied_to_others(document, document.statements[0], pins_of("s3"))
    assert found == (document.statements[2] if taken_back else None)


def test_a_deny_of_another_service_takes_nothing_back_from_a_key() -> None:
    def found(action: str) -> bool:
        statements = [allow("*", to="*"), deny(action, to="*", when=FROM_ORG)]
        document = load_policy({"Version": "2012-10-17", "Statement": statements}, kind="resource")
        return denied_to_others(document, document.statements[0], pins_of("kms"), "kms") is not None

    assert found("kms:*")
    assert found("*")
    assert not found("s3:*")
