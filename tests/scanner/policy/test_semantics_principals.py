"""Whom a resource policy is about."""

from collections.abc import Mapping
from typing import Any

import pytest

from scanner.policy.asking import (
    ALL,
    ALLOWED,
    DENIED,
    IAM,
    LOGGING,
    NOBODY,
    OURS,
    PARTNER,
    ROLE,
    ROOT,
    SESSION,
    SILENT,
    THEIRS,
    UNLESS_DENIED,
    UNREAD,
    USER,
    allow,
    check,
    deny,
    row,
)

PRINCIPAL = IAM + "reference_policies_elements_principal.html"
NOT_PRINCIPAL = IAM + "reference_policies_elements_notprincipal.html"
IDENTIFIERS = IAM + "reference_identifiers.html"
FEDERATED = f"arn:aws:sts::{OURS}:federated-user/visitor"
IN_PATH = f"arn:aws:iam::{OURS}:user/media/uploader"


def named(says: str, expected: str, to: object, by: str = USER) -> Any:
    """A resource policy that allows these principals all."""
    return row(says, PRINCIPAL, expected, by=by, resource=allow(to=to))


def refused(says: str, expected: str, to: object, by: str = USER) -> Any:
    """A resource policy that denies these principals all, where their own policies allow it."""
    return row(says, PRINCIPAL, expected, by=by, identity=ALL, resource=[allow(to="*"), deny(to=to)])


PRINCIPALS = [
    named("a star is everybody", ALLOWED, "*"),
    named("also one for accounts", ALLOWED, {"AWS": "*"}),
    named("also who does not sign", ALLOWED, "*", NOBODY),
    named("who does not with either star", ALLOWED, {"AWS": ["*"]}, NOBODY),
    named("also a service", ALLOWED, "*", LOGGING),
    named("a user is named by ARN", ALLOWED, USER),
    named("no other user is", SILENT, USER, f"{USER}2"),
    named("names are read with case", SILENT, USER.replace("uploader", "Uploader")),
    named("kinds are not", ALLOWED, {"aws": USER}),
    named("an account number gives its users nothing", SILENT, OURS),
    named("nor does the ARN of the account", SILENT, ROOT),
    refused("but it denies them", DENIED, OURS),
    refused("in either form", DENIED, ROOT),
    refused("not in that of another service", ALLOWED, f"arn:aws:s3::{OURS}:root"),
    refused("it denies roles", DENIED, OURS, ROLE),
    refused("it denies sessions", DENIED, ROOT, SESSION),
    refused("it denies the root user", DENIED, OURS, ROOT),
    refused("it denies federated users", DENIED, OURS, FEDERATED),
    refused("it denies no other account", ALLOWED, THEIRS),
    refused("in no form", ALLOWED, f"arn:aws:iam::{THEIRS}:root"),
    refused("it denies no service", ALLOWED, OURS, LOGGING),
    refused("a star denies everybody", DENIED, "*", NOBODY),
    refused("a user denies this user", DENIED, USER),
    refused("a user denies no other", ALLOWED, f"{USER}2"),
    named("there is no wildcard within an ARN", SILENT, f"arn:aws:iam::{OURS}:user/*"),
    named("nor for an account", SILENT, "arn:aws:iam::*:root"),
    refused("not in a Deny either", ALLOWED, f"arn:aws:iam::{OURS}:*"),
    refused("nor for an account there", ALLOWED, ["arn:aws:iam::*:root", f"arn:aws:iam::{OURS[:-1]}?:root"]),
    named("a user's path belongs to its ARN", SILENT, USER, IN_PATH),
    named("which names it then", ALLOWED, IN_PATH, IN_PATH),
    named("a role is named by ARN", ALLOWED, ROLE, ROLE),
    named("its sessions are named with it", ALLOWED, ROLE, SESSION),
    named("whatever its path", ALLOWED, ROLE.replace("media/", ""), SESSION),
    named("a role of another name is another", SILENT, f"{ROLE}2", SESSION),
    named("one of another service as well", SILENT, ROLE.replace("iam", "sts"), SESSION),
    named("one of another account too", SILENT, ROLE.replace(OURS, THEIRS), SESSION),
    named("a role is no user of its name", SILENT, ROLE.replace("role", "user"), SESSION),
    named("a session is named by ARN", ALLOWED, SESSION, SESSION),
    named("no other session of the role is", SILENT, SESSION, SESSION.replace("night", "day")),
    named("nor is the role", SILENT, SESSION, ROLE),
    named("a session has no path", SILENT, SESSION.replace("uploads", "media/uploads"), SESSION),
    named("a federated user is named by ARN", ALLOWED, FEDERATED, FEDERATED),
    named("no other is", SILENT, FEDERATED, f"{FEDERATED}2"),
    named("a service is named by host", ALLOWED, {"Service": LOGGING}, LOGGING),
    named("no other service is", SILENT, {"Service": LOGGING}, "s3.amazonaws.com"),
    named("none by a part of it", SILENT, {"Service": ["*", "*.amazonaws.com", "s3.amazonaws.com"]}, LOGGING),
    named("no service is an account", SILENT, {"AWS": LOGGING}, LOGGING),
    named("no user is a service", SILENT, {"Service": USER}),
    named("an identity provider is no user", SILENT, {"Federated": [USER, "*", "accounts.google.com"]}),
    named("a canonical user is no user", SILENT, {"CanonicalUser": [USER, "*"]}),
    named("a deleted user is nobody", SILENT, "AIDACKCEVSQ6C2EXAMPLE"),
    named("a deleted role too", SILENT, ["AROACKCEVSQ6C2EXAMPLE", "AROACKCEVSQ6C2EXAMPLE:night"], SESSION),
    named("who does not sign is in no account", SILENT, [OURS, ROOT, USER], NOBODY),
    row("identifiers outlive names", IDENTIFIERS, SILENT, by=ROLE, resource=allow(to="AROACKCEVSQ6C2EXAMPLE")),
]


def spared(says: str, expected: str, *but: str, by: str = USER, boundary: object = None) -> Any:
    """A resource policy that denies all but these, where policies of the requester allow it."""
    resource = [allow(to="*"), deny(but=list(but))]
    return row(says, NOT_PRINCIPAL, expected, by=by, identity=ALL, boundary=boundary, resource=resource)


EXEMPTIONS = [
    spared("a user is spared with its account", ALLOWED, USER, ROOT),
    spared("in either form", ALLOWED, OURS, USER),
    spared("without its account it is not", DENIED, USER),
    spared("the account alone spares no user", DENIED, ROOT),
    spared("another user and the account do not either", DENIED, f"{USER}2", ROOT),
    spared("nor the user and another account", DENIED, USER, THEIRS),
    spared("a session is spared with role and account", ALLOWED, SESSION, ROLE, ROOT, by=SESSION),
    spared("not with the role alone", DENIED, ROLE, ROOT, by=SESSION),
    spared("nor without the role", DENIED, SESSION, ROOT, by=SESSION),
    spared("nor without the account", DENIED, SESSION, ROLE, by=SESSION),
    spared("a role is spared with its account", ALLOWED, ROLE, ROOT, by=ROLE),
    spared("not without", DENIED, ROLE, by=ROLE),
    spared("nor by its account", DENIED, OURS, by=ROLE),
    spared("the root user is its account", ALLOWED, OURS, by=ROOT),
    spared("however it is written", ALLOWED, ROOT, by=ROOT),
    spared("which is one account only", DENIED, THEIRS, by=ROOT),
    spared("a federated user is spared with its account", ALLOWED, FEDERATED, OURS, by=FEDERATED),
    spared("not without the account", DENIED, FEDERATED, by=FEDERATED),
    spared("who does not sign is spared by a star only", DENIED, ROOT, USER, by=NOBODY),
    spared("a star spares everybody", ALLOWED, "*", by=NOBODY),
    spared("also users", ALLOWED, "*"),
    spared("but nobody who has a boundary", DENIED, USER, ROOT, boundary=ALL),
    spared("no session", DENIED, SESSION, ROLE, ROOT, by=SESSION, boundary=ALL),
    spared("not even by a star", DENIED, "*", boundary=ALL),
    spared("a boundary that was not read may be there", UNLESS_DENIED, "*", boundary=UNREAD),
    spared("for whom else it does not matter", DENIED, ROOT, boundary=UNREAD),
    row(
        "a service is spared by its name",
        NOT_PRINCIPAL,
        ALLOWED,
        by=LOGGING,
        resource=[allow(to="*"), deny(but={"Service": LOGGING})],
    ),
    row(
        "no other service is",
        NOT_PRINCIPAL,
        DENIED,
        by=LOGGING,
        resource=[allow(to="*"), deny(but={"Service": "s3.amazonaws.com"})],
    ),
    row(
        "no statement denies without its other elements",
        NOT_PRINCIPAL,
        ALLOWED,
        identity=ALL,
        resource=deny("s3:GetObject", but=PARTNER),
    ),
    row("an Allow for all others is for everybody", NOT_PRINCIPAL, ALLOWED, by=NOBODY, resource=allow(but=USER)),
    row("it is for other users", NOT_PRINCIPAL, ALLOWED, resource=allow(but=f"{USER}2")),
    row("but not for those", NOT_PRINCIPAL, SILENT, resource=allow(but=USER)),
    row("nor for who is in their account", NOT_PRINCIPAL, SILENT, resource=allow(but=OURS)),
    row("it reads no boundary", NOT_PRINCIPAL, SILENT, resource=allow(but=USER), boundary=ALL),
]


@pytest.mark.parametrize(("page", "expected", "asked"), PRINCIPALS)
def test_a_principal_is_who_aws_says(page: str, expected: str, asked: Mapping[str, Any]) -> None:
    check(page, expected, asked)


@pytest.mark.parametrize(("page", "expected", "asked"), EXEMPTIONS)
def test_who_is_excepted_is_spared_as_aws_says(page: str, expected: str, asked: Mapping[str, Any]) -> None:
    check(page, expected, asked)
