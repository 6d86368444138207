"""Who asks, and what is known of the circumstances."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from recordscan.policy.request import (
    UNKNOWN,
    Context,
    Request,
    Requester,
    Truth,
    all_of,
    any_of,
    context_of,
    requester_of,
)
from scanner.policy.asking import (
    LOGGING,
    OBJECT,
    OURS,
    ROLE,
    ROOT,
    SESSION,
    USER,
)


@pytest.mark.parametrize(
    ("truths", "some", "every"),
    [
        ([], False, True),
        ([True], True, True),
        ([False], False, False),
        ([None], None, None),
        ([None, True], True, None),
        ([True, None], True, None),
        ([None, False], None, False),
        ([False, None], None, False),
        ([False, True], True, False),
        ([None, None], None, None),
    ],
)
def test_truth_has_three_values(truths: Sequence[Truth], some: Truth, every: Truth) -> None:
    assert any_of(truths) is some
    assert all_of(truths) is every


def test_a_key_is_present_absent_or_unknown() -> None:
    context = Context(
        present={"aws:username": ("u",), "aws:tagkeys": ()},
        complete=False,
        absent=frozenset({"aws:sourcevpc", "aws:principaltag/"}),
    )
    assert context.find("AWS:UserName") == ("u",)
    assert context.find("aws:TagKeys") == ()
    assert context.find("aws:SourceVpc") == ()
    assert context.find("aws:PrincipalTag/team") == ()
    assert context.find("aws:RequestTag/team") is UNKNOWN
    assert context.find("aws:SourceIp") is UNKNOWN
    assert replace(context, complete=True).find("aws:SourceIp") == ()
    assert context_of({"aws:UserName": "u", "aws:TagKeys": ["a", "b"]}).present == {
        "aws:username": ("u",),
        "aws:tagkeys": ("a", "b"),
    }


def test_a_key_with_alternatives_is_unknown_until_each_of_them_is_tried() -> None:
    encryption, acl = "s3:x-amz-server-side-encryption", "s3:x-amz-acl"
    context = Context(
        present={"aws:username": ("u",)}, alternatives={encryption: ("aws:kms", "AES256"), acl: ("private",)}
    )
    assert context.find("S3:X-AMZ-Server-Side-Encryption") is UNKNOWN
    tried = list(context.each("S3:X-AMZ-Server-Side-Encryption"))
    assert [one.find(encryption) for one in tried] == [("aws:kms",), ("AES256",)]
    assert {one.find("aws:UserName") for one in tried} == {("u",)}
    assert [one.find(acl) for one in tried] == [UNKNOWN, UNKNOWN]
    assert [list(one.each(encryption)) for one in tried] == [[], []]
    assert list(context.each("aws:UserName")) == []


@pytest.mark.parametrize(
    ("principal", "kind", "account", "role_name"),
    [
        (USER, "user", OURS, None),
        (ROLE, "role", OURS, None),
        (SESSION, "session", OURS, "uploads"),
        (f"{SESSION}/b", "session", OURS, "uploads"),
        (f"arn:aws-cn:iam::{OURS}:user/a", "user", OURS, None),
        (f"arn:aws-us-gov:sts::{OURS}:federated-user/a", "federated", OURS, None),
        (ROOT, "root", OURS, None),
        (LOGGING, "service", None, None),
        ("ec2.amazonaws.com.cn", "service", None, None),
    ],
)
def test_a_requester_is_read(principal: str, kind: Any, account: str | None, role_name: str | None) -> None:
    assert requester_of(principal) == Requester(kind=kind, arn=principal, account=account, role_name=role_name)


@pytest.mark.parametrize(
    "principal",
    [
        *("", "*", OURS, "uploader", "amazonaws.com", "a.amazonaws.com.de", "A.amazonaws.com", OBJECT),
        *(f"{ROOT}/x", f"arn:aws:iam::{OURS}:user/", f"arn:aws:iam::{OURS}:group/a", "arn:aws:iam::1:user/a"),
        *(f"x{USER}", f"arn:aws:iam:x:{OURS}:user/a", f"{LOGGING}\n", f"x\n{LOGGING}", f"{ROOT}\n"),
    ],
)
def test_what_is_no_requester_is_told_so(principal: str) -> None:
    with pytest.raises(ValueError, match="neither the ARN of a principal nor a service"):
        requester_of(principal)


@pytest.mark.parametrize(
    ("action", "resource", "by_alias", "on_key"),
    [
        ("kms:Decrypt", "arn:aws:kms:eu-west-1:111122223333:alias/media", True, True),
        ("KMS:decrypt", "arn:aws:kms:eu-west-1:111122223333:alias/media", True, True),
        ("kms:CreateAlias", "arn:aws:kms:eu-west-1:111122223333:alias/media", False, False),
        ("kms:DeleteAlias", "arn:aws:kms:eu-west-1:111122223333:alias/media", False, False),
        ("kms:UpdateAlias", "arn:aws:kms:eu-west-1:111122223333:alias/media", False, False),
        ("kms:CreateAlias", "arn:aws:kms:eu-west-1:111122223333:key/1234abcd", False, True),
        ("s3:GetObject", "arn:aws:s3:::bucket/alias/media", False, False),
    ],
)
def test_an_alias_stands_for_a_key_but_where_it_is_the_alias_that_is_changed(
    action: str, resource: str, *, by_alias: bool, on_key: bool
) -> None:
    asked = Request(requester=requester_of(USER), action=action, resource=resource, resource_account=OURS)
    assert (asked.by_alias, asked.on_kms_key) == (by_alias, on_key)
