"""What the form of a policy means: its statements, its version, and which documents count at all."""

from collections.abc import Mapping
from typing import Any

import pytest

from recordscan.policy.documents import load_policy
from scanner.policy.asking import (
    ALL,
    ALLOWED,
    ANYTHING,
    BUCKET,
    DENIED,
    IAM,
    MAYBE,
    OBJECT,
    OURS,
    PARTNER,
    SILENT,
    THEIRS,
    UNLESS_DENIED,
    USER,
    allow,
    ask,
    check,
    deny,
    old,
    row,
)

GRAMMAR = IAM + "reference_policies_grammar.html"
VERSION = IAM + "reference_policies_elements_version.html"
SID = IAM + "reference_policies_elements_sid.html"
EFFECT = IAM + "reference_policies_elements_effect.html"
PRINCIPAL = IAM + "reference_policies_elements_principal.html"
OPERATORS = IAM + "reference_policies_elements_condition_operators.html"
MANAGED = IAM + "access_policies_managed-versioning.html"
GROUPS = IAM + "id_groups.html"

PUT = allow("s3:PutObject")
HOME = f"{BUCKET}/${{aws:username}}/a"
ME = {"aws:username": "uploader"}
TWO_ACLS = {"s3:x-amz-acl": ["private", "bucket-owner-full-control"]}

DOCUMENTS = [
    row("one statement needs no list", GRAMMAR, ALLOWED, identity={"Version": "2012-10-17", "Statement": PUT}),
    row("of several statements each counts", GRAMMAR, DENIED, identity=[PUT, deny("s3:PutObject")]),
    row("an action needs no list", GRAMMAR, ALLOWED, identity=PUT | {"Action": "s3:PutObject"}),
    row("of several actions one is enough", GRAMMAR, ALLOWED, identity=allow("s3:GetObject", "s3:PutObject")),
    row("of several resources one is enough", GRAMMAR, ALLOWED, identity=allow(on=[BUCKET, OBJECT])),
    row("of several principals one is enough", GRAMMAR, ALLOWED, resource=allow(to=[THEIRS, USER])),
    row(
        "of several values of a condition one is enough",
        GRAMMAR,
        ALLOWED,
        identity=allow(when={"StringEquals": TWO_ACLS}),
        where={"s3:x-amz-acl": "bucket-owner-full-control"},
    ),
    row("a document without Version has no variables", VERSION, SILENT, identity=old(allow(on=HOME)), where=ME),
    row(
        "there a variable is the text that it is written in",
        VERSION,
        ALLOWED,
        identity=old(allow(on=HOME)),
        on=HOME,
        where=ME,
    ),
    row(
        "so it is in conditions",
        VERSION,
        ALLOWED,
        identity=old(allow(when={"StringEquals": {"s3:prefix": "${aws:username}"}})),
        where=ME | {"s3:prefix": "${aws:username}"},
    ),
    row(
        "the older version is that of a document without one",
        VERSION,
        ALLOWED,
        identity=old(allow(on=HOME)) | {"Version": "2008-10-17"},
        on=HOME,
        where=ME,
    ),
    row(
        "the newer version has variables",
        VERSION,
        ALLOWED,
        identity=allow(on=HOME),
        on=f"{BUCKET}/uploader/a",
        where=ME,
    ),
    row("two statements may have one Sid", SID, DENIED, identity=[PUT | {"Sid": "A"}, deny("s3:*", Sid="A")]),
    row("Action beside NotAction is unclear", GRAMMAR, MAYBE, identity=allow("s3:*", NotAction="iam:*")),
    row("so it is in a Deny", GRAMMAR, UNLESS_DENIED, identity=[PUT, deny("s3:*", NotAction="iam:*")]),
    row("Resource beside NotResource is unclear", GRAMMAR, MAYBE, identity=allow() | {"NotResource": "x"}),
    row("a statement without an action is unclear", GRAMMAR, MAYBE, identity={"Effect": "Allow", "Resource": "*"}),
    row("an identity policy has no principal", PRINCIPAL, MAYBE, identity=allow(to="*")),
    row("a resource policy has one", PRINCIPAL, MAYBE, resource=PUT),
    row("Effect is written with its capital", EFFECT, ANYTHING, identity=PUT | {"Effect": "allow"}),
    row("an unclear statement elsewhere changes nothing", GRAMMAR, ALLOWED, identity=[PUT, {"Action": "iam:*"}]),
    row(
        "a condition may have true for text",
        OPERATORS,
        ALLOWED,
        identity=allow(when={"Bool": {"aws:SecureTransport": True}}),
        where={"aws:SecureTransport": "true"},
    ),
    row(
        "a condition may have a number for text",
        OPERATORS,
        ALLOWED,
        identity=allow(when={"StringEquals": {"aws:SourceAccount": int(OURS)}}),
        where={"aws:SourceAccount": OURS},
    ),
    row(
        "of a managed policy only the version in force counts",
        MANAGED,
        SILENT,
        action="s3:DeleteObject",
        identity=PUT,  # an older version, which is attached no longer, allowed s3:*
    ),
    row("policies of a user and of its groups add up", GROUPS, ALLOWED, identity=(allow("s3:GetObject"), PUT)),
    row("one of a group denies as one of the user", GROUPS, DENIED, identity=(PUT, deny("s3:PutObject"))),
    row(
        "a group is no principal",
        PRINCIPAL,
        SILENT,
        resource=allow(to=f"arn:aws:iam::{OURS}:group/uploaders"),
    ),
]


@pytest.mark.parametrize(("page", "expected", "asked"), DOCUMENTS)
def test_a_document_is_read_as_aws_reads_it(page: str, expected: str, asked: Mapping[str, Any]) -> None:
    check(page, expected, asked)


def test_a_decision_names_the_statement_by_sid_or_place() -> None:
    """See SID: it may be left out, and decides nothing."""
    allowing = ask(identity=[deny("s3:GetObject"), PUT]).allowing
    assert [(r.layer, r.label) for r in allowing] == [("identity", "#2")]
    assert ask(identity=PUT | {"Sid": "Upload"}).because == ("statement Upload of it allows it",)
    assert ask(identity=[ALL, deny(Sid="Never")]).because == ("statement Never of it denies it",)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"Statement": 1}', '{"Statement": [], "Statement": 1}'])
def test_a_document_that_cannot_be_read_may_say_anything(text: str) -> None:
    assert load_policy(text).unreadable
    check(GRAMMAR, ANYTHING, {"identity": text})
    check(GRAMMAR, UNLESS_DENIED, {"identity": (ALL, text)})
    check(GRAMMAR, DENIED, {"identity": (deny(), text)})
    check(GRAMMAR, UNLESS_DENIED, {"identity": ALL, "rcps": [[text]]})
    check(GRAMMAR, ANYTHING, {"identity": ALL, "boundary": text})
    check(GRAMMAR, ANYTHING, {"resource": text})
    check(GRAMMAR, ANYTHING, {"resource": text, "by": PARTNER, "identity": ALL})


def test_a_statement_that_is_no_object_may_say_anything() -> None:
    check(GRAMMAR, ANYTHING, {"identity": {"Statement": ["x"]}})
    check(GRAMMAR, UNLESS_DENIED, {"identity": {"Statement": [ALL, "x"]}})
