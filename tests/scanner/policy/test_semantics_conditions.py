"""When a condition holds."""

import time
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from recordscan.policy.documents import load_policy
from scanner.policy.asking import (
    ALL,
    ALLOWED,
    DELEGATED,
    DENIED,
    IAM,
    KEY,
    KMS,
    ROLE,
    SESSION,
    SILENT,
    USER,
    allow,
    check,
    deny,
    row,
)

OPERATORS = IAM + "reference_policies_elements_condition_operators.html"
LOGIC = IAM + "reference_policies_condition-logic-multiple-context-keys-or-values.html"
SETS = IAM + "reference_policies_condition-single-vs-multi-valued-context-keys.html"
ELEMENT = IAM + "reference_policies_elements_condition.html"
KEYS = IAM + "reference_policies_condition-keys.html"
KMS_KEYS = KMS + "conditions-kms.html"

Values = str | int | float | bool | Sequence[str]


def _row(says: str, page: str, expected: str, operator: str, values: Values, found: Sequence[str]) -> Any:
    where = {"AWS:K": found} if found else {}
    return row(says, page, expected, identity=allow(when={operator: {"aws:k": values}}), where=where)


def holds(says: str, operator: str, values: Values, *found: str, page: str = OPERATORS) -> Any:
    """A condition on one key, which the request has with these values, or not at all."""
    return _row(says, page, ALLOWED, operator, values, found)


def fails(says: str, operator: str, values: Values, *found: str, page: str = OPERATORS) -> Any:
    """The same, where the condition does not hold."""
    return _row(says, page, SILENT, operator, values, found)


TEXTS = [
    holds("StringEquals compares all of the text", "StringEquals", "abc", "abc"),
    fails("StringEquals reads case", "StringEquals", "abc", "aBc"),
    fails("StringEquals has no wildcards", "StringEquals", ["ab*", "ab?", "*"], "abc"),
    holds("there they are characters", "StringEquals", "a*b?", "a*b?"),
    fails("StringNotEquals is its opposite", "StringNotEquals", "abc", "abc"),
    holds("also in case", "StringNotEquals", "abc", "ABC"),
    holds("IgnoreCase does not read it", "StringEqualsIgnoreCase", "aBc", "AbC"),
    fails("IgnoreCase has no wildcards", "StringEqualsIgnoreCase", "a*", "AbC"),
    fails("nor does its opposite read case", "StringNotEqualsIgnoreCase", "aBc", "AbC"),
    holds("which holds for other text", "StringNotEqualsIgnoreCase", "aBc", "AbCd"),
    holds("StringLike has wildcards", "StringLike", "a*d?", "abcde"),
    holds("a star may be nothing", "StringLike", "abc*", "abc"),
    fails("a question mark may not", "StringLike", "abc?", "abc"),
    fails("StringLike reads case", "StringLike", "A*", "abc"),
    fails("StringLike compares all of the text", "StringLike", "b*", "abc"),
    holds("its star crosses colons", "StringLike", "arn:*/night", SESSION),
    fails("StringNotLike is its opposite", "StringNotLike", "a*", "abc"),
    holds("which holds for other text too", "StringNotLike", "b*", "abc"),
    holds("BinaryEquals compares bytes", "BinaryEquals", "QmluYXJ5", "QmluYXJ5"),
    fails("BinaryEquals reads case", "BinaryEquals", "QmluYXJ5", "qmluyxj5"),
    holds("Bool is true", "Bool", "true", "true"),
    holds("however it is spelt", "Bool", "True", "TRUE"),
    holds("also as JSON", "Bool", False, "false"),
    fails("Bool is false", "Bool", "true", "false"),
    fails("Bool is nothing else", "Bool", "yes", "yes"),
]

NUMBERS = [
    holds("numbers compare as such", "NumericEquals", "1.10", "1.1"),
    holds("also written in JSON", "NumericEquals", 10, "10"),
    fails("unequal ones do not", "NumericEquals", 10, "1"),
    fails("NumericNotEquals is the opposite", "NumericNotEquals", "10", "10.0"),
    holds("of other numbers", "NumericNotEquals", "10", "9"),
    holds("300 is more than 99", "NumericGreaterThan", "99", "300"),
    fails("and 99 not more than 99", "NumericGreaterThan", "99", "99"),
    holds("but as much", "NumericGreaterThanEquals", "99", "99"),
    fails("98 is not", "NumericGreaterThanEquals", "99", "98"),
    holds("99 is less than 300", "NumericLessThan", "300", "99"),
    fails("and 300 is not", "NumericLessThan", "300", "300"),
    holds("but as little", "NumericLessThanEquals", "300", "300"),
    fails("301 is more", "NumericLessThanEquals", "300", "301"),
    holds("some are negative", "NumericLessThan", "0", "-1"),
    fails("what is no number equals none", "NumericEquals", "ten", "ten"),
    holds("so it differs from any", "NumericNotEquals", "ten", "10"),
    fails("it is not less either", "NumericLessThan", "10", "ten"),
    fails("nor is what is never reached", "NumericLessThan", "Infinity", "1"),
    fails("NaN equals nothing", "NumericEquals", "NaN", "NaN"),
]

NIGHT = "2026-06-15T00:00:00Z"
EPOCH = "1781481600"

DATES = [
    holds("dates compare as moments", "DateEquals", "2026-06-15T02:00:00+02:00", NIGHT),
    holds("a day is its midnight in UTC", "DateEquals", "2026-06-15", NIGHT),
    holds("a month is its first", "DateEquals", "2026-06", "2026-06-01T00:00:00Z"),
    holds("without zone they are in UTC", "DateEquals", "2026-06-15T00:00:00", NIGHT),
    holds("seconds since 1970 are a moment", "DateEquals", EPOCH, NIGHT),
    holds("also as a JSON number", "DateEquals", int(EPOCH), NIGHT),
    holds("on either side", "DateEquals", NIGHT, EPOCH),
    holds("on both", "DateLessThan", EPOCH, "1781481599"),
    holds("parts of seconds count", "DateGreaterThan", NIGHT, "2026-06-15T00:00:00.001Z"),
    fails("DateNotEquals is the opposite", "DateNotEquals", "2026-06-15", NIGHT),
    holds("of another day", "DateNotEquals", "2026-06-16", NIGHT),
    holds("an earlier date is less", "DateLessThan", "2026-06-15", "2026-06-14T23:59:59Z"),
    fails("the same is not", "DateLessThan", "2026-06-15", NIGHT),
    holds("but it is less or equal", "DateLessThanEquals", "2026-06-15", NIGHT),
    fails("a later one is not", "DateLessThanEquals", "2026-06-15", "2026-06-15T00:00:01Z"),
    holds("a later date is greater", "DateGreaterThan", "2026-06-15", "2026-06-15T00:00:01Z"),
    fails("the same is not greater", "DateGreaterThan", "2026-06-15", NIGHT),
    holds("but it is greater or equal", "DateGreaterThanEquals", "2026-06-15", NIGHT),
    fails("an earlier one is neither", "DateGreaterThanEquals", "2026-06-15", "2026-06-14"),
    fails("what is no date equals none", "DateEquals", "today", "today"),
]

ADDRESSES = [
    holds("an address is in its block", "IpAddress", "203.0.113.0/24", "203.0.113.57"),
    fails("it is not in the next one", "IpAddress", "203.0.113.64/26", "203.0.113.57"),
    holds("bits beyond the prefix do not count", "IpAddress", "203.0.113.99/24", "203.0.113.57"),
    holds("a bare address is one", "IpAddress", "203.0.113.57", "203.0.113.57"),
    fails("and no other", "IpAddress", "203.0.113.57", "203.0.113.58"),
    holds("/0 is every address", "IpAddress", "0.0.0.0/0", "203.0.113.57"),
    fails("but none of IPv6", "IpAddress", "0.0.0.0/0", "2001:db8::1"),
    fails("nor the other way round", "IpAddress", "::/0", "203.0.113.57"),
    holds("IPv6 has blocks", "IpAddress", "2001:DB8:1234:5678::/64", "2001:db8:1234:5678::1"),
    holds("and bare addresses", "IpAddress", "2001:db8::1", "2001:db8:0::1"),
    fails("which are one", "IpAddress", "2001:db8::1", "2001:db8::2"),
    fails("what is no address is in no block", "IpAddress", ["0.0.0.0/0", "x"], "x"),
    fails("nor is an address in what is no block", "IpAddress", "x", "203.0.113.57"),
    fails("a block is in no address", "IpAddress", "203.0.113.0", "203.0.113.0/24"),
    fails("NotIpAddress is the opposite", "NotIpAddress", ["10.0.0.0/8", "203.0.113.0/24"], "203.0.113.57"),
    holds("outside of all blocks", "NotIpAddress", ["10.0.0.0/8", "203.0.113.0/26"], "203.0.113.77"),
    fails("through an endpoint there is no address", "IpAddress", "0.0.0.0/0", page=KEYS),
    holds("which is in no block then", "NotIpAddress", "0.0.0.0/0", page=KEYS),
]

ARNS = [
    *(
        holds(f"{operator} has wildcards", operator, "arn:aws:iam::*:user/u*", USER)
        for operator in ("ArnEquals", "ArnLike")
    ),
    *(
        fails(f"{operator} is the opposite", operator, "arn:aws:iam::*:user/u*", USER)
        for operator in ("ArnNotEquals", "ArnNotLike")
    ),
    *(
        holds(f"{operator} holds for others", operator, "arn:aws:iam::*:role/*", USER)
        for operator in ("ArnNotEquals", "ArnNotLike")
    ),
    fails("each part is compared by itself", "ArnLike", "arn:aws:*:user/uploader", USER),
    fails("a star stays in its part", "ArnLike", "arn:aws:iam:*", USER),
    holds("the last part keeps its colons", "ArnLike", "arn:aws:logs:::group:*", "arn:aws:logs:::group:a:b"),
    fails("ARNs are compared with case", "ArnEquals", USER.replace("user/u", "user/U"), USER),
    holds("a star alone is every ARN", "ArnLike", "*", USER),
    fails("what is no ARN is like none", "ArnLike", "arn:*:*:*:*:*", "uploader"),
    holds("StringLike crosses the parts", "StringLike", "arn:aws:iam:*", USER),
]

ABSENCE = [
    fails("of an absent key nothing holds", "StringEquals", "a"),
    fails("not even all that there is", "StringLike", "*"),
    *(
        fails(f"not {operator}", operator, values)
        for operator, values in {
            "Bool": "false",
            "NumericLessThan": "9",
            "DateLessThan": NIGHT,
            "ArnLike": "*",
            "BinaryEquals": "",
        }.items()
    ),
    *(
        holds(f"but {operator} does", operator, "1")
        for operator in (
            "StringNotEquals",
            "StringNotEqualsIgnoreCase",
            "StringNotLike",
            "NumericNotEquals",
            "DateNotEquals",
            "ArnNotEquals",
            "ArnNotLike",
        )
    ),
    *(
        holds(f"{operator}IfExists holds", f"{operator}IfExists", "1")
        for operator in ("StringEquals", "StringNotEquals", "Bool", "NumericEquals", "IpAddress", "ArnLike")
    ),
    fails("of a key that is there IfExists asks as ever", "StringEqualsIfExists", "a", "b"),
    holds("and holds as ever", "StringEqualsIfExists", "a", "a"),
    fails("so it does of its opposite", "StringNotEqualsIfExists", "a", "a"),
    holds("Null true is absence", "Null", "true"),
    fails("Null true fails where the key is there", "Null", True, "a"),
    holds("Null false is presence", "Null", "false", ""),
    fails("Null false fails where it is absent", "Null", False),
    holds("Null reads no case", "Null", "TRUE"),
    row(
        "deny unless from our endpoint denies where there is none",
        OPERATORS,
        DENIED,
        identity=[ALL, deny(when={"StringNotEquals": {"aws:SourceVpce": "vpce-1"}})],
    ),
    row(
        "IfExists does not help there",
        OPERATORS,
        DENIED,
        identity=[ALL, deny(when={"StringNotEqualsIfExists": {"aws:SourceVpce": "vpce-1"}})],
    ),
    row(
        "Null does: only where the key is there",
        OPERATORS,
        ALLOWED,
        identity=[
            ALL,
            deny(when={"StringNotEquals": {"aws:SourceVpce": "vpce-1"}, "Null": {"aws:SourceVpce": "false"}}),
        ],
    ),
    row(
        "deny unless with MFA spares keys of users, which lack it",
        OPERATORS,
        ALLOWED,
        identity=[ALL, deny(when={"Bool": {"aws:MultiFactorAuthPresent": "false"}})],
    ),
    row(
        "with IfExists it does not spare them",
        OPERATORS,
        DENIED,
        identity=[ALL, deny(when={"BoolIfExists": {"aws:MultiFactorAuthPresent": "false"}})],
    ),
]

LOGICAL = [
    row(
        "operators must all hold",
        LOGIC,
        SILENT,
        identity=allow(when={"StringEquals": {"a:b": "1"}, "StringLike": {"a:c": "2"}}),
        where={"a:b": "1", "a:c": "1"},
    ),
    row(
        "keys must all agree",
        LOGIC,
        SILENT,
        identity=allow(when={"StringEquals": {"a:b": "1", "a:c": "2"}}),
        where={"a:b": "1", "a:c": "1"},
    ),
    row(
        "then it holds",
        LOGIC,
        ALLOWED,
        identity=allow(when={"StringEquals": {"a:b": "1", "a:c": "2"}, "Null": {"a:d": "true"}}),
        where={"a:b": "1", "a:c": "2"},
    ),
    holds("of the values one is enough", "StringEquals", ["a", "b"], "b", page=LOGIC),
    fails("of the opposite all must differ", "StringNotEquals", ["a", "b"], "b", page=LOGIC),
    holds("which they do here", "StringNotEquals", ["a", "b"], "c", page=LOGIC),
    row(
        "keys are read without case",
        ELEMENT,
        ALLOWED,
        identity=allow(when={"StringEquals": {"AWS:sourcevpc": "v"}}),
        where={"aws:SourceVpc": "v"},
    ),
    fails("an operator that does not exist never holds", "StringEqualsFoo", "a", "a"),
    fails("nor one for other sets", "ForSomeValues:StringEquals", "a", "a"),
    fails("nor IfExists of Null", "NullIfExists", "true"),
    row(
        "so a Deny by it denies nothing",
        OPERATORS,
        ALLOWED,
        identity=[ALL, deny(when={"StringEqualsFoo": {"a:b": "a"}})],
        where={"a:b": "a"},
    ),
    row(
        "a session has the ARN of its role",
        KEYS,
        ALLOWED,
        by=SESSION,
        identity=allow(when={"ArnEquals": {"aws:PrincipalArn": ROLE}}),
        where={"aws:PrincipalArn": ROLE},
    ),
    row(
        "and not its own",
        KEYS,
        SILENT,
        by=SESSION,
        identity=allow(when={"ArnEquals": {"aws:PrincipalArn": SESSION}}),
        where={"aws:PrincipalArn": ROLE},
    ),
    row(
        "keys of KMS are known to KMS",
        KMS_KEYS,
        ALLOWED,
        action="kms:Decrypt",
        on=KEY,
        resource=DELEGATED,
        identity=allow(when={"StringEquals": {"kms:EncryptionContext:aws:s3:arn": "x"}}),
        where={"kms:EncryptionContext:aws:s3:arn": "x"},
    ),
    row(
        "and to no other service",
        KMS_KEYS,
        SILENT,
        identity=allow(when={"StringEquals": {"kms:ViaService": "s3.us-east-1.amazonaws.com"}}),
    ),
]

SEVERAL = [
    holds("ForAllValues holds where each is listed", "ForAllValues:StringEquals", ["a", "b", "c"], "a", "c", page=SETS),
    fails("it fails where one is not", "ForAllValues:StringEquals", ["a", "b"], "a", "c", page=SETS),
    holds("it holds where there is none", "ForAllValues:StringEquals", "a", page=SETS),
    holds("also with IfExists", "ForAllValues:StringEqualsIfExists", "a", page=SETS),
    holds("of the opposite each must differ", "ForAllValues:StringNotEquals", ["a", "b"], "c", "d", page=SETS),
    fails("one that does not is too many", "ForAllValues:StringNotEquals", ["a", "b"], "c", "a", page=SETS),
    holds("that holds where there is none, too", "ForAllValues:StringNotLike", "*", page=SETS),
    holds("ForAnyValue holds where one is listed", "ForAnyValue:StringEquals", ["a", "b"], "c", "b", page=SETS),
    fails("it fails where none is", "ForAnyValue:StringEquals", ["a", "b"], "c", "d", page=SETS),
    fails("it fails where there is none", "ForAnyValue:StringEquals", "a", page=SETS),
    fails("with IfExists as well", "ForAnyValue:StringEqualsIfExists", "a", page=SETS),
    holds("of the opposite one must differ", "ForAnyValue:StringNotEquals", ["a", "b"], "a", "c", page=SETS),
    fails("none does", "ForAnyValue:StringNotEquals", ["a", "b"], "a", "b", page=SETS),
    fails("that fails where there is none, too", "ForAnyValue:StringNotEquals", "a", page=SETS),
    holds("a single value is a set", "ForAnyValue:StringLike", "a*", "ab", page=SETS),
    holds("for all as well", "ForAllValues:StringLike", "a*", "ab", page=SETS),
    fails("sets are compared with case", "ForAnyValue:StringEquals", "a", "A", page=SETS),
    holds("unless the operator ignores it", "ForAnyValue:StringEqualsIgnoreCase", "a", "A", page=SETS),
    holds("sets may be of addresses", "ForAllValues:IpAddress", "10.0.0.0/8", "10.1.1.1", "10.2.2.2", page=SETS),
    fails("without set operator several values are like none", "StringEquals", "a", "a", "b", page=SETS),
    fails("not even to the opposite", "StringNotEquals", "c", "a", "b", page=SETS),
    fails("nor if they exist", "StringLikeIfExists", "*", "a", "b", page=SETS),
]


@pytest.mark.parametrize(("page", "expected", "asked"), [*TEXTS, *NUMBERS, *DATES, *ADDRESSES, *ARNS])
def test_an_operator_compares_as_aws_compares(page: str, expected: str, asked: Mapping[str, Any]) -> None:
    check(page, expected, asked)


@pytest.mark.parametrize(("page", "expected", "asked"), ABSENCE)
def test_a_key_that_may_be_absent_is_tested_as_aws_does(page: str, expected: str, asked: Mapping[str, Any]) -> None:
    check(page, expected, asked)


@pytest.mark.parametrize(("page", "expected", "asked"), [*LOGICAL, *SEVERAL])
def test_a_condition_is_put_together_as_aws_does(page: str, expected: str, asked: Mapping[str, Any]) -> None:
    check(page, expected, asked)


def test_the_zone_of_the_machine_is_not_that_of_dates(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Asia/Kolkata")
    time.tzset()
    try:
        without_zone = allow(when={"DateEquals": {"aws:k": "2026-06-15T01:02:03"}})
        check(OPERATORS, ALLOWED, {"identity": without_zone, "where": {"aws:k": "2026-06-15T01:02:03Z"}})
    finally:
        monkeypatch.undo()
        time.tzset()


def test_an_operator_that_does_not_exist_is_a_defect() -> None:
    """See OPERATORS, which has them all."""
    document = load_policy({"Statement": allow(when={"StringEqualsFoo": {"aws:k": "v"}})})
    assert [defect.code for defect in document.defects] == ["unknown_operator"]
