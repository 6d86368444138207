import json
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recordscan.policy.conditions import holds
from recordscan.policy.documents import (
    MAX_DEPTH,
    ConditionTest,
    DefectCode,
    PolicyDocument,
    PolicyKind,
    Principal,
    Statement,
    load_policy,
    read_json,
    repeated_keys,
)
from recordscan.policy.request import context_of

PUT: dict[str, Any] = {"Effect": "Allow", "Action": "s3:PutObject", "Resource": "arn:aws:s3:::media/*"}


def policy(*statements: object, **elements: object) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": list(statements)} | elements


def codes(document: PolicyDocument) -> list[tuple[DefectCode, int | None]]:
    return [(defect.code, defect.statement) for defect in document.defects]


def only(document: PolicyDocument) -> Statement:
    assert len(document.statements) == 1
    return document.statements[0]


def test_a_sound_policy_is_read_without_defects() -> None:
    document = load_policy(policy(PUT | {"Sid": "Upload"}, Id="upload"), kind="identity")
    assert document.defects == ()
    assert (document.version, document.id, document.unreadable) == ("2012-10-17", "upload", False)
    assert load_policy(policy(PUT)).id is None
    assert document.statements == (
        Statement(
            sid="Upload",
            index=1,
            effect="Allow",
            actions=("s3:PutObject",),
            not_actions=None,
            resources=("arn:aws:s3:::media/*",),
            not_resources=None,
            principals=None,
            not_principals=None,
            conditions=(),
            valid=True,
            raw=None,
        ),
    )
    assert only(document).raw == PUT | {"Sid": "Upload"}


def test_text_and_object_read_the_same() -> None:
    source = policy(PUT)
    assert load_policy(json.dumps(source)) == load_policy(source)


def test_one_statement_needs_no_list() -> None:
    assert load_policy({"Version": "2012-10-17", "Statement": PUT}) == load_policy(policy(PUT))


def test_a_policy_without_version_has_the_old_one() -> None:
    assert load_policy({"Statement": [PUT]}).version == "2008-10-17"


def test_a_statement_is_labelled_by_its_sid_or_its_place() -> None:
    document = load_policy(policy(PUT, PUT | {"Sid": "Second"}, PUT | {"Sid": ""}))
    assert [s.label for s in document.statements] == ["#1", "Second", "#3"]


def test_excluding_elements_are_told_from_absent_ones() -> None:
    statement = only(load_policy(policy({"Effect": "Deny", "NotAction": ["s3:*"], "NotResource": "*"})))
    assert (statement.actions, statement.not_actions) == (None, ("s3:*",))
    assert (statement.resources, statement.not_resources) == (None, ("*",))


@pytest.mark.parametrize(
    ("written", "principals", "everyone"),
    [
        ("*", (Principal(kind="*", value="*"),), True),
        ({"AWS": "*"}, (Principal(kind="AWS", value="*"),), True),
        (
            {"AWS": ["111122223333", "*"]},
            (Principal(kind="AWS", value="111122223333"), Principal(kind="AWS", value="*")),
            True,
        ),
        ({"aws": "111122223333"}, (Principal(kind="AWS", value="111122223333"),), False),
        ({"Service": "*"}, (Principal(kind="Service", value="*"),), False),
        ({"Service": "*.amazonaws.com"}, (Principal(kind="Service", value="*.amazonaws.com"),), False),
        (
            {"Service": "logging.s3.amazonaws.com", "CanonicalUser": "79a5", "Federated": "accounts.google.com"},
            (
                Principal(kind="Service", value="logging.s3.amazonaws.com"),
                Principal(kind="CanonicalUser", value="79a5"),
                Principal(kind="Federated", value="accounts.google.com"),
            ),
            False,
        ),
    ],
)
def test_principals_keep_their_kind(written: object, principals: tuple[Principal, ...], everyone: bool) -> None:
    document = load_policy(policy(PUT | {"Principal": written}), kind="resource")
    assert document.defects == ()
    assert only(document).principals == principals
    assert only(document).everyone is everyone


def test_what_follows_an_unknown_kind_of_principal_is_read_too() -> None:
    written = {"Wizard": "x", "AWS": "111122223333"}
    statement = only(load_policy(policy(PUT | {"Principal": written}), kind="resource"))
    assert statement.principals == (Principal(kind="AWS", value="111122223333"),)
    assert not statement.everyone


@pytest.mark.parametrize("written", ["arn:aws:iam::111122223333:root", ["*"], None, {}])
def test_nobody_is_everyone_but_for_a_star(written: object) -> None:
    statement = only(load_policy(policy(PUT | {"Principal": written}), kind="resource"))
    assert statement.principals == ()
    assert not statement.everyone


def test_what_follows_a_condition_without_keys_is_read_too() -> None:
    condition = {"Bool": {}, "StringEquals": {"aws:PrincipalOrgID": "o-a1b2c3"}}
    assert [test.key for test in only(load_policy(policy(PUT | {"Condition": condition}))).conditions] == [
        "aws:PrincipalOrgID"
    ]


def test_a_statement_without_sid_is_known_by_what_it_says_wherever_it_stands() -> None:
    turned = dict(reversed(PUT.items()))
    first, second, other = load_policy(policy(PUT, turned, PUT | {"Resource": "*"})).statements
    assert first.stable_name == second.stable_name != other.stable_name
    assert len(first.stable_name) == 16
    assert only(load_policy(policy(PUT | {"Sid": "Upload"}))).stable_name == "Upload"
    assert only(load_policy(policy(PUT | {"Resource": "\udc80"}))).stable_name


def test_what_may_grant_without_being_clear_is_told() -> None:
    unclear = {"Wizard": 1}
    document = load_policy(
        policy(PUT, PUT | unclear, PUT | unclear | {"Effect": "Deny"}, PUT | {"Effect": "Perhaps"}, PUT)
    )
    assert [s.index for s in document.unclear_grants] == [2, 4]


def test_an_exempted_everyone_is_not_everyone() -> None:
    statement = only(load_policy(policy(PUT | {"NotPrincipal": {"AWS": "*"}}), kind="resource"))
    assert statement.not_principals == (Principal(kind="AWS", value="*"),)
    assert not statement.everyone


@pytest.mark.parametrize(
    ("operator", "base", "set_operator", "if_exists"),
    [
        ("StringLike", "StringLike", None, False),
        ("StringNotEqualsIgnoreCase", "StringNotEqualsIgnoreCase", None, False),
        ("BoolIfExists", "Bool", None, True),
        ("ForAnyValue:StringEqualsIfExists", "StringEquals", "ForAnyValue", True),
        ("ForAllValues:ArnLike", "ArnLike", "ForAllValues", False),
        ("bool", "Bool", None, False),
        ("Null", "Null", None, False),
        ("NumericLessThanEqualsIfExists", "NumericLessThanEquals", None, True),
    ],
)
def test_operators_are_taken_apart(operator: str, base: str, set_operator: Any, if_exists: bool) -> None:
    document = load_policy(policy(PUT | {"Condition": {operator: {"aws:Key": ["a", "b"]}}}))
    assert document.defects == ()
    assert only(document).conditions == (
        ConditionTest(
            operator=operator,
            base=base,
            set_operator=set_operator,
            if_exists=if_exists,
            key="aws:Key",
            values=("a", "b"),
        ),
    )


@pytest.mark.parametrize("operator", ["NullIfExists", "ForSomeValues:StringEquals", "StringEqualsFoo", "IfExists", ""])
def test_an_operator_that_does_not_exist_is_not_taken_for_its_neighbour(operator: str) -> None:
    document = load_policy(policy(PUT | {"Condition": {operator: {"aws:Key": "a"}}}))
    assert codes(document) == [("unknown_operator", 1)]
    [test] = only(document).conditions
    assert test.base == operator
    assert holds(test, context_of({"aws:Key": "a"}), "2012-10-17") is False
    assert holds(test, context_of({}), "2012-10-17") is False


@pytest.mark.parametrize(
    ("value", "values"),
    [
        ("x", ("x",)),
        (True, ("true",)),
        (False, ("false",)),
        (111122223333, ("111122223333",)),
        (1.2, ("1.2",)),
        (2.0, ("2",)),
        (1e15, ("1000000000000000.0",)),
        (1e300, ("1e+300",)),
        (2**256 - 1, (str(2**256 - 1),)),
        (["a", False, 1], ("a", "false", "1")),
    ],
)
def test_condition_values_are_normalised_as_iam_does(value: object, values: tuple[str, ...]) -> None:
    document = load_policy(policy(PUT | {"Condition": {"StringEquals": {"k": value}}}))
    assert document.defects == ()
    assert only(document).conditions[0].values == values


@pytest.mark.parametrize(
    ("code", "source"),
    [
        ("not_json", ""),
        ("not_json", "{"),
        ("not_json", '{"Statement": NaN}'),
        ("not_json", '{"Statement": ' + "1" * 5000 + "}"),
        ("not_json", "<html>"),
        ("not_object", "[]"),
        ("not_object", "null"),
        ("not_object", '"x"'),
        ("too_deep", "[" * 100_000),
        ("too_deep", '{"Statement":' + "[" * 40 + "]" * 40 + "}"),
        ("bad_type", "{}"),
        ("bad_type", '{"Statement": null}'),
        ("bad_type", '{"Statement": "x"}'),
    ],
)
def test_a_document_without_statements_is_unreadable(code: DefectCode, source: str) -> None:
    document = load_policy(source)
    assert codes(document) == [(code, None)]
    assert document.statements == ()
    assert document.unreadable


@pytest.mark.parametrize("source", [None, [], 1, b"{}", {1, 2}])
def test_what_is_no_object_is_told_so(source: Any) -> None:
    assert codes(load_policy(source)) == [("not_object", None)]


def test_a_cyclic_object_is_too_deep() -> None:
    cyclic: dict[str, Any] = {}
    cyclic["Statement"] = [cyclic]
    assert codes(load_policy(cyclic)) == [("too_deep", None)]


ALLOW = {"Effect": "Allow"}
DEFECTS: list[tuple[DefectCode, PolicyKind | None, dict[str, Any]]] = [
    ("unknown_element", None, PUT | {"Actions": "s3:*"}),
    ("unknown_element", None, PUT | {"condition": {}}),
    ("bad_type", None, PUT | {"Sid": 7}),
    ("bad_type", None, PUT | {"Action": ["s3:PutObject", 1]}),
    ("bad_type", None, PUT | {"Resource": {"a": "b"}}),
    ("bad_type", None, PUT | {"Principal": ["*"]}),
    ("bad_type", None, PUT | {"Principal": {"AWS": "*", "Wizard": "x"}}),
    ("bad_type", None, PUT | {"Principal": "arn:aws:iam::111122223333:root"}),
    ("bad_type", None, PUT | {"Principal": {"AWS": 111122223333}}),
    ("bad_type", None, PUT | {"NotPrincipal": "111122223333"}),
    ("bad_effect", None, PUT | {"Effect": "allow"}),
    ("bad_effect", None, PUT | {"Effect": ["Allow"]}),
    ("action_and_not_action", None, PUT | {"NotAction": "s3:GetObject"}),
    ("no_action", None, ALLOW | {"Resource": "*"}),
    ("no_action", None, PUT | {"Action": []}),
    ("bad_action", None, PUT | {"Action": "PutObject"}),
    ("bad_action", None, PUT | {"Action": ["s3:PutObject", "s3:Put:Object"]}),
    ("bad_action", None, PUT | {"Action": ""}),
    ("bad_action", None, PUT | {"Action": "s3:"}),
    ("bad_action", None, PUT | {"Action": "s3: PutObject"}),
    ("bad_action", None, ALLOW | {"NotAction": "Put*", "Resource": "*"}),
    ("bad_resource", None, PUT | {"Resource": "media/*"}),
    ("bad_resource", None, PUT | {"Resource": ["*", ""]}),
    ("bad_resource", None, PUT | {"Resource": "ARN:aws:s3:::media"}),
    ("bad_resource", None, ALLOW | {"Action": "s3:*", "NotResource": "media"}),
    ("resource_and_not_resource", None, PUT | {"NotResource": "*"}),
    ("no_resource", None, PUT | {"Resource": []}),
    ("no_resource", "identity", ALLOW | {"Action": "s3:*"}),
    ("no_resource", "resource", ALLOW | {"Action": "s3:*", "Principal": "*"}),
    ("no_principal", "resource", PUT),
    ("no_principal", "trust", ALLOW | {"Action": "sts:AssumeRole"}),
    ("no_principal", None, PUT | {"Principal": {}}),
    ("no_principal", None, PUT | {"Principal": {"AWS": []}}),
    ("principal_and_not_principal", "resource", PUT | {"Principal": "*", "NotPrincipal": "*"}),
    ("principal_in_identity_policy", "identity", PUT | {"Principal": "*"}),
    ("principal_in_identity_policy", "identity", PUT | {"NotPrincipal": "*"}),
    ("bad_condition", None, PUT | {"Condition": []}),
    ("bad_condition", None, PUT | {"Condition": None}),
    ("bad_condition", None, PUT | {"Condition": {"Bool": "x"}}),
    ("bad_condition", None, PUT | {"Condition": {"Bool": {}}}),
    ("bad_condition", None, PUT | {"Condition": {"Bool": {"k": []}}}),
    ("bad_condition", None, PUT | {"Condition": {"Bool": {"k": None}}}),
    ("bad_condition", None, PUT | {"Condition": {"Bool": {"k": [["x"]]}}}),
    ("bad_condition", None, PUT | {"Condition": {"NumericEquals": {"k": float("inf")}}}),
    ("bad_condition", None, PUT | {"Condition": {"NumericEquals": {"k": 10**5000}}}),
    ("bad_condition", None, PUT | {"Condition": {"NumericEquals": {"k": 2**256}}}),
    ("unknown_operator", None, PUT | {"Condition": {"StringEqualsFoo": {"k": "v"}}}),
    ("unknown_operator", None, PUT | {"Condition": {"NullIfExists": {"k": "true"}}}),
    ("unknown_operator", None, PUT | {"Condition": {"ForSomeValues:StringEquals": {"k": "v"}}}),
    ("unknown_operator", None, PUT | {"Condition": {"IfExists": {"k": "v"}}}),
    ("unknown_operator", None, PUT | {"Condition": {"": {"k": "v"}}}),
]


@pytest.mark.parametrize(
    "elements",
    [
        *(
            {"Action": text}
            for text in ("*", "**", "*:*", "s3:*", "s?:Put*", "*:PutObject", "S3:PUTOBJECT", "new:Thing")
        ),
        *(
            {"Resource": text}
            for text in ("*", "**", "*:*", "arn:*", "a?n:*:s3:::m", "arn:aws:s3", "arn:aws:s3:::${x}")
        ),
    ],
)
def test_wildcards_and_what_is_cut_short_are_sound(elements: dict[str, str]) -> None:
    document = load_policy(policy(PUT | elements))
    assert document.defects == ()
    assert only(document).valid


@pytest.mark.parametrize(
    "principal",
    [
        {"AWS": ["*", "111122223333", "arn:aws:iam::111122223333:root", "arn:aws-cn:iam::111122223333:user/a/b"]},
        {"AWS": ["arn:aws:sts::111122223333:assumed-role/r/s", "arn:aws:sts::111122223333:federated-user/f"]},
        {"AWS": ["AIDAEXAMPLEUSERID0001", "arn:aws:iam::cloudfront:user/CloudFront Origin Access Identity E1EXAMPLE"]},
        {"Service": ["s3.amazonaws.com", "logs.eu-west-1.amazonaws.com", "ec2.amazonaws.com.cn"]},
        {"Federated": ["cognito-identity.amazonaws.com", "arn:aws:iam::111122223333:saml-provider/x"]},
        {"CanonicalUser": "79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd47ef2be"},
    ],
)
def test_whom_aws_knows_can_be_named(principal: dict[str, Any]) -> None:
    assert load_policy(policy(PUT | {"Principal": principal}), kind="resource").defects == ()


@pytest.mark.parametrize("name", ["bob", "12345", "arn:aws:iam::111122223333:group/g", "arn:aws:s3:::media", ""])
def test_who_is_nobody_is_told_and_is_nobody(name: str) -> None:
    document = load_policy(policy(PUT | {"Principal": {"AWS": name}}), kind="resource")
    assert codes(document) == [("bad_principal", 1)]
    assert only(document).valid


@pytest.mark.parametrize(("code", "kind", "statement"), DEFECTS)
def test_an_unclear_statement_is_kept_but_not_valid(
    code: DefectCode, kind: PolicyKind | None, statement: dict[str, Any]
) -> None:
    extra: dict[str, Any] = {}
    if kind == "resource":
        extra = {"Principal": "*"}
    if kind == "trust":
        extra = {"Principal": {"Service": "ec2.amazonaws.com"}}
    document = load_policy(policy(PUT | extra, statement), kind=kind)
    assert (code, 2) in codes(document)
    assert {defect.statement for defect in document.defects} == {2}
    assert [s.valid for s in document.statements] == [True, False]
    assert document.statements[1].raw == statement


RCP = {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "*"}
FULL_ACCESS = {"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}
WITHOUT_ACTION = {name: value for name, value in RCP.items() if name != "Action"}
WITHOUT_PRINCIPAL = {name: value for name, value in RCP.items() if name != "Principal"}
WITHOUT_RESOURCE = {name: value for name, value in RCP.items() if name != "Resource"}
ALL_BUT_ONE = {name: value for name, value in FULL_ACCESS.items() if name != "Resource"} | {
    "NotResource": "arn:aws:s3:::a"
}


@pytest.mark.parametrize(
    ("code", "valid", "statement"),
    [
        (None, True, RCP),
        (None, True, RCP | {"Principal": {"AWS": "*"}}),
        (None, True, FULL_ACCESS),
        ("not_in_rcp", False, WITHOUT_ACTION | {"NotAction": "s3:*"}),
        ("not_in_rcp", False, WITHOUT_PRINCIPAL | {"NotPrincipal": {"AWS": "111122223333"}}),
        ("not_in_rcp", False, RCP | {"Principal": {"AWS": "111122223333"}}),
        ("not_in_rcp", False, RCP | {"Principal": {"AWS": ["*", "111122223333"]}}),
        ("not_in_rcp", False, RCP | {"Principal": {"Service": "*"}}),
        ("refused_in_rcp", True, FULL_ACCESS | {"Action": "s3:*"}),
        ("refused_in_rcp", True, FULL_ACCESS | {"Resource": "arn:aws:s3:::media"}),
        ("refused_in_rcp", True, RCP | {"Action": ["s3:*", "*"]}),
        ("no_principal", False, WITHOUT_PRINCIPAL),
        ("no_resource", False, RCP | {"Resource": []}),
        ("no_resource", False, WITHOUT_RESOURCE),
        (None, True, WITHOUT_RESOURCE | {"NotResource": "arn:aws:s3:::media"}),
        ("refused_in_rcp", True, ALL_BUT_ONE),
    ],
)
def test_an_rcp_has_the_form_that_aws_asks_for(code: DefectCode | None, valid: bool, statement: dict[str, Any]) -> None:
    """See https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_rcps_syntax.html."""
    document = load_policy(policy(statement), kind="rcp")
    assert codes(document) == ([] if code is None else [(code, 1)])
    assert only(document).valid is valid


@pytest.mark.parametrize("statement", [None, "x", 1, [], [PUT]])
def test_a_statement_that_is_no_object_keeps_its_place(statement: object) -> None:
    document = load_policy(policy(statement, PUT))
    assert ("bad_type", 1) in codes(document)
    assert [(s.index, s.valid) for s in document.statements] == [(1, False), (2, True)]


def test_resource_and_principal_are_not_asked_for_where_the_kind_is_unknown() -> None:
    assert load_policy(policy({"Effect": "Allow", "Action": "s3:*"})).defects == ()


def test_a_trust_policy_needs_no_resource() -> None:
    trust = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "ec2.amazonaws.com"}}
    assert load_policy(policy(trust), kind="trust").defects == ()


def test_a_key_given_twice_makes_its_statement_unclear() -> None:
    text = """{"Version": "2012-10-17", "Statement": [
        {"Effect": "Deny", "Effect": "Allow", "Action": "*", "Resource": "*"},
        {"Effect": "Deny", "Action": "*", "Resource": "*",
         "Condition": {"Bool": {"aws:SecureTransport": "true", "aws:SecureTransport": "false"}}},
        {"Effect": "Deny", "Action": "*", "Resource": "*"}]}"""
    document = load_policy(text)
    assert codes(document) == [("duplicate_key", 1), ("duplicate_key", 2)]
    assert [s.valid for s in document.statements] == [False, False, True]


def test_a_key_given_twice_is_found_within_a_list() -> None:
    text = '{"Statement": {"Effect": "Allow", "Action": "*", "Resource": ["*", {"a": 1, "a": 2}]}}'
    assert ("duplicate_key", 1) in codes(load_policy(text))


@pytest.mark.parametrize(("levels", "deep"), [(MAX_DEPTH, False), (MAX_DEPTH + 1, True)])
def test_a_document_may_be_so_deep_and_no_deeper(levels: int, deep: bool) -> None:
    document = load_policy("[" * levels + "]" * levels)
    assert codes(document) == [("too_deep" if deep else "not_object", None)]


def test_a_list_may_be_long_beside_what_is_no_container() -> None:
    """What has no members ends no search for what is deep."""
    deep = json.loads("[" * (MAX_DEPTH + 1) + "]" * (MAX_DEPTH + 1))
    assert codes(load_policy({"Statement": [deep, 1, "x"]})) == [("too_deep", None)]


def test_keys_given_twice_can_be_told_of_any_object_that_was_read() -> None:
    document = read_json('{"a": 1, "b": {"c": 1, "c": 2}, "a": 3}')
    assert document == {"a": 3, "b": {"c": 2}}
    assert repeated_keys(document) == ("a",)
    assert repeated_keys(document["b"]) == ("c",)
    assert repeated_keys({"a": 1}) == repeated_keys(None) == ()


def test_an_element_of_the_document_given_twice_makes_all_unclear() -> None:
    statement = json.dumps(PUT)
    document = load_policy(f'{{"Statement": [{statement}], "Statement": [{statement}]}}')
    assert codes(document) == [("duplicate_key", None)]
    assert not only(document).valid
    assert not document.unreadable


@pytest.mark.parametrize("version", ["2012-10-18", "", 2012, None, ["2012-10-17"]])
def test_an_unknown_version_makes_all_unclear(version: object) -> None:
    document = load_policy(policy(PUT, Version=version))
    assert codes(document) == [("bad_version", None)]
    assert not only(document).valid


def test_an_unknown_element_of_the_document_makes_all_unclear() -> None:
    document = load_policy(policy(PUT, Statments=[]))
    assert codes(document) == [("unknown_element", None)]
    assert not only(document).valid


def test_sids_given_twice_are_told_and_harm_nothing() -> None:
    document = load_policy(policy(PUT | {"Sid": "A"}, PUT | {"Sid": "A"}))
    assert codes(document) == [("duplicate_sid", None)]
    assert all(s.valid for s in document.statements)


@pytest.mark.parametrize("value", ["arn:aws:iam::111122223333:user/*", "arn:aws:iam::111122223333:role/a?", "1*"])
def test_a_wildcard_within_a_principal_is_told_and_harms_nothing(value: str) -> None:
    document = load_policy(policy(PUT | {"Principal": {"AWS": value}}), kind="resource")
    assert codes(document) == [("wildcard_in_principal", 1)]
    assert only(document).valid
    assert not only(document).everyone


def test_messages_stay_short_whatever_the_document_says() -> None:
    document = load_policy(policy(PUT | {"x" * 10_000: 1, "Effect": "y" * 10_000}))
    assert document.defects
    assert all(len(defect.message) < 200 for defect in document.defects)


SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
JSON_VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4)
)
ELEMENTS = st.sampled_from(
    (
        *("Version", "Id", "Statement", "Sid", "Effect", "Principal", "NotPrincipal"),
        *("Action", "NotAction", "Resource", "NotResource", "Condition", "Bool", "AWS", "x"),
    )
)
WORDS = st.sampled_from(["2012-10-17", "Allow", "Deny", "*", "s3:*", "false", "arn:aws:s3:::b"])
POLICY_LIKE = st.recursive(
    SCALARS | WORDS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(ELEMENTS, inner, max_size=6)
)


def check(document: PolicyDocument) -> None:
    flawed = {defect.statement for defect in document.defects if defect.code not in ("duplicate_sid",)}
    assert [s.index for s in document.statements] == list(range(1, len(document.statements) + 1))
    for statement in document.statements:
        assert statement.label
        if not flawed:
            assert statement.valid
            assert statement.effect is not None
            assert (statement.actions is None) != (statement.not_actions is None)
    assert hash(document) == hash(document)


@given(JSON_VALUES | POLICY_LIKE)
def test_any_json_value_is_read(value: Any) -> None:
    check(load_policy(value))


@given(st.dictionaries(ELEMENTS, POLICY_LIKE) | st.lists(POLICY_LIKE).map(lambda s: {"Statement": s}))
def test_anything_like_a_policy_is_read(value: Mapping[str, Any]) -> None:
    for kind in (None, "identity", "resource", "trust", "rcp"):
        check(load_policy(value, kind=kind))


@given(st.text() | POLICY_LIKE.map(json.dumps))
def test_any_text_is_read(text: str) -> None:
    check(load_policy(text))
