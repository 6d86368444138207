"""What stands for a variable of a policy."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from scanner.policy.asking import ALL, ALLOWED, BUCKET, DENIED, IAM, SILENT, allow, check, deny, row

PAGE = IAM + "reference_policies_variables.html"
TAG = "s3:ExistingObjectTag/owner"
ME = {"aws:username": "uploader"}
STAR, QUESTION = {"aws:username": "*"}, {"aws:username": "?"}
NAMELESS: Mapping[str, str] = {}
SEVERAL = {"aws:TagKeys": ["a", "b"]}

Where = Mapping[str, str | Sequence[str]]


def key(says: str, expected: str, pattern: str, name: str, where: Where = ME) -> Any:
    """A request for an object, where the key of the object is a pattern."""
    return row(says, PAGE, expected, identity=allow(on=f"{BUCKET}/{pattern}"), on=f"{BUCKET}/{name}", where=where)


def tag(says: str, expected: str, operator: str, pattern: str, value: str, where: Where = ME) -> Any:
    """A request for an object with a tag, where the tag is a pattern."""
    return row(says, PAGE, expected, identity=allow(when={operator: {TAG: pattern}}), where={**where, TAG: value})


def arn(name: str) -> str:
    return f"arn:aws:s3:::{name}"


VARIABLES = [
    key("Resource has variables", ALLOWED, "${aws:username}/*", "uploader/a"),
    key("a variable is its value only", SILENT, "${aws:username}/*", "bob/a"),
    key("its name is read without case", ALLOWED, "${AWS:UserName}/*", "uploader/a"),
    key("its value with case", SILENT, "${aws:username}/*", "uploader/a", {"aws:username": "Uploader"}),
    key("there may be several", ALLOWED, "${aws:username}/${s3:prefix}", "uploader/a", ME | {"s3:prefix": "a"}),
    key(
        "a name may have spaces", ALLOWED, "${aws:PrincipalTag/cost centre}", "1", {"aws:PrincipalTag/cost centre": "1"}
    ),
    row(
        "NotResource has variables",
        PAGE,
        SILENT,
        identity=allow(NotResource=arn("media/${s3:prefix}")),
        on=arn("media/a"),
        where={"s3:prefix": "a"},
    ),
    row(
        "only the last part does",
        PAGE,
        SILENT,
        identity=allow(on="arn:aws:${s3:prefix}:::media/*"),
        where={"s3:prefix": "s3"},
    ),
    row(
        "not even beside one there",
        PAGE,
        SILENT,
        identity=allow(on="arn:aws:${s3:prefix}:::media/${aws:username}/*"),
        on=arn("media/uploader/a"),
        where=ME | {"s3:prefix": "s3"},
    ),
    row("a short ARN does not", PAGE, SILENT, identity=allow(on="arn:aws:${s3:prefix}"), where={"s3:prefix": "s3"}),
    row("there it is text", PAGE, ALLOWED, identity=allow(on="arn:aws:${s3:x}:::a"), on="arn:aws:${s3:x}:::a"),
    tag("StringEquals has variables", ALLOWED, "StringEquals", "${aws:username}", "uploader"),
    tag("StringEqualsIgnoreCase too", ALLOWED, "StringEqualsIgnoreCase", "${aws:username}", "UPLOADER"),
    tag("StringLike too", ALLOWED, "StringLike", "${aws:username}-*", "uploader-1"),
    tag("ArnLike too", ALLOWED, "ArnLike", arn("${aws:username}-*"), arn("uploader-1")),
    tag("Bool does not", SILENT, "Bool", "${aws:username}", "true", {"aws:username": "true"}),
    tag("numbers do not", SILENT, "NumericEquals", "${aws:username}", "1", {"aws:username": "1"}),
    key("without value it names nothing", SILENT, "${aws:username}*", "a", NAMELESS),
    key("with several values too", SILENT, "${aws:TagKeys}/*", "a/a", SEVERAL),
    key("badly written too", SILENT, "${}*", "${}a"),
    key("never closed it is text", ALLOWED, "${aws:username", "${aws:username"),
    row("others of a list still count", PAGE, ALLOWED, identity=allow(on=[arn("media/${aws:username}"), "*"])),
    tag("without value StringEquals fails", SILENT, "StringEquals", "${aws:username}", "", NAMELESS),
    tag("StringNotEquals holds", ALLOWED, "StringNotEquals", "${aws:username}", "x", NAMELESS),
    tag("StringNotLike holds", ALLOWED, "StringNotLike", "${aws:username}*", "x", NAMELESS),
    tag("ArnNotLike holds", ALLOWED, "ArnNotLike", arn("${aws:username}"), arn("x"), NAMELESS),
    tag("with several values too they hold", ALLOWED, "StringNotEquals", "${aws:TagKeys}", "a", SEVERAL),
    row(
        "and NotResource spares nothing", PAGE, DENIED, identity=[ALL, deny(NotResource=arn("media/${aws:username}*"))]
    ),
    key("a default serves where there is no value", ALLOWED, "${aws:username, 'none'}/*", "none/a", NAMELESS),
    key("it gives way to the value", SILENT, "${aws:username, 'none'}/*", "none/a"),
    key("which names what it would without", ALLOWED, "${aws:username, 'none'}/*", "uploader/a"),
    key("it may be empty", ALLOWED, "${aws:username, ''}/a", "/a", NAMELESS),
    key("it needs no space", ALLOWED, "${aws:username,'none'}", "none", NAMELESS),
    key("it may have more", ALLOWED, "${ aws:username ,  'none' }", "none", NAMELESS),
    key("it is no help with several values", SILENT, "${aws:TagKeys, 'a'}/*", "a/a", SEVERAL),
    key("its wildcards are characters", SILENT, "${aws:username, '*'}/a", "uploader/a", NAMELESS),
    tag("conditions have defaults", ALLOWED, "StringEquals", "${aws:username, 'none'}", "none", NAMELESS),
    key("${*} is a star", ALLOWED, "a${*}b", "a*b"),
    key("${*} is nothing else", SILENT, "a${*}b", "a-b"),
    key("${?} is a question mark", ALLOWED, "a${?}b", "a?b"),
    key("${?} is nothing else", SILENT, "a${?}b", "a-b"),
    key("${$} is a dollar", ALLOWED, "${$}{aws:username}", "${aws:username}"),
    key("others may follow it", ALLOWED, "${$}${aws:username}", "$uploader"),
    tag("StringEquals has ${*}", ALLOWED, "StringEquals", "a${*}", "a*"),
    tag("for nothing but a star", SILENT, "StringEquals", "a${*}", "a"),
    tag("StringEqualsIgnoreCase has it", ALLOWED, "StringEqualsIgnoreCase", "a${*}", "A*"),
    tag("StringLike has it", SILENT, "StringLike", "a${*}", "ab"),
    tag("beside a star that is one", ALLOWED, "StringLike", "a${*}*", "a*b"),
    key("a star in a value is a character", SILENT, "${aws:username}/a", "uploader/a", STAR),
    key("it names itself", ALLOWED, "${aws:username}/a", "*/a", STAR),
    key("a question mark in a value is one", SILENT, "${aws:username}/a", "a/a", QUESTION),
    tag("they are so in StringLike", SILENT, "StringLike", "${aws:username}", "x", STAR),
    tag("they are so in ArnLike", SILENT, "ArnLike", arn("${aws:username}"), arn("x"), STAR),
    tag("and name themselves there", ALLOWED, "ArnLike", arn("${aws:username}"), arn("*"), STAR),
    tag("and in StringEquals", ALLOWED, "StringEquals", "${aws:username}", "?", QUESTION),
    key("a variable in a value is text", SILENT, "${aws:username}/a", "x/a", {"aws:username": "${s3:x}", "s3:x": "x"}),
]


@pytest.mark.parametrize(("page", "expected", "asked"), VARIABLES)
def test_a_variable_stands_for_what_aws_says(page: str, expected: str, asked: Mapping[str, Any]) -> None:
    check(page, expected, asked)


def test_a_variable_with_endless_spaces_does_not_run_away() -> None:
    check(PAGE, SILENT, {"identity": allow(on=arn("media/${" + " " * 100_000 + ",x}")), "where": ME})
