"""Which actions a statement names."""

from collections.abc import Mapping
from typing import Any

import pytest

from recordscan.policy.matching import action_matches
from scanner.policy.asking import (
    ALL,
    ALLOWED,
    BUCKET,
    DELEGATED,
    DENIED,
    IAM,
    KEY,
    S3,
    SILENT,
    allow,
    ask,
    check,
    deny,
    row,
)

ACTION = IAM + "reference_policies_elements_action.html"
NOT_ACTION = IAM + "reference_policies_elements_notaction.html"
PERMISSIONS = S3 + "using-with-s3-policy-actions.html"
MULTIPART = S3 + "mpuoverview.html"

ACTIONS = [
    row("the service is read without case", ACTION, ALLOWED, identity=allow("S3:PutObject")),
    row("the name is read without case", ACTION, ALLOWED, identity=allow("s3:pUTobject")),
    row("the request's too", ACTION, ALLOWED, identity=allow("s3:PutObject"), action="S3:putobject"),
    row("a star is any run of characters", ACTION, ALLOWED, identity=allow("s3:P*ct")),
    row("also an empty one", ACTION, ALLOWED, identity=allow("s3:Put*Object*")),
    row("a star alone is every name of a service", ACTION, ALLOWED, identity=allow("s3:*")),
    row("two stars are one", ACTION, ALLOWED, identity=allow("s3:Put**")),
    row("a question mark is one character", ACTION, ALLOWED, identity=allow("s3:PutObjec?")),
    row("it is never none", ACTION, SILENT, identity=allow("s3:PutObject?")),
    row("it is never two", ACTION, SILENT, identity=allow("s3:Put?ject")),
    row("brackets are no wildcards", ACTION, SILENT, identity=allow("s3:[Pp]utObject")),
    row("nor are they beside wildcards", ACTION, SILENT, identity=allow("s3:[P]ut*b?ect")),
    row("a name has no implied rest", ACTION, SILENT, identity=allow("s3:Put")),
    row("nor an implied beginning", ACTION, SILENT, identity=allow("s3:Object")),
    row("a star alone is every service", ACTION, ALLOWED, identity=allow("*")),
    row("so are a star for both", ACTION, ALLOWED, identity=allow("*:*")),
    row("no wildcard stands within a service", ACTION, SILENT, identity=allow("s*:PutObject")),
    row("nor for one", ACTION, SILENT, identity=allow("*:PutObject", "?3:*")),
    row("a name alone is no action", ACTION, SILENT, identity=allow("PutObject")),
    row("an empty text is no action", ACTION, SILENT, identity=allow("")),
    row("a colon alone is no action", ACTION, SILENT, identity=allow(":", "*:", ":*", "s3:", "s3")),
    row("another service's action of that name", ACTION, SILENT, identity=allow("s3express:PutObject")),
    row(
        "NotAction with Allow gives all other services",
        NOT_ACTION,
        ALLOWED,
        identity=allow(NotAction="s3:*"),
        action="iam:CreateUser",
        on="arn:aws:iam::111122223333:user/new",
    ),
    row("NotAction with Allow gives other actions", NOT_ACTION, ALLOWED, identity=allow(NotAction="s3:Delete*")),
    row("NotAction withholds what it names", NOT_ACTION, SILENT, identity=allow(NotAction=["kms:*", "S3:PUT*"])),
    row("NotAction with Deny denies other actions", NOT_ACTION, DENIED, identity=[ALL, deny(NotAction="s3:Get*")]),
    row("NotAction with Deny spares what it names", NOT_ACTION, ALLOWED, identity=[ALL, deny(NotAction="s3:Put*")]),
    row("NotAction of all denies nothing", NOT_ACTION, ALLOWED, identity=[ALL, deny(NotAction="*")]),
    row("and gives nothing", NOT_ACTION, SILENT, identity=allow(NotAction="*")),
    row("an unheard-of action is matched as text", ACTION, ALLOWED, identity=allow("s3:Fly*"), action="s3:FlyObject"),
    row(
        "so is one of an unheard-of service",
        ACTION,
        ALLOWED,
        identity=allow("moon:Land"),
        action="moon:Land",
        on="arn:aws:moon:::base",
    ),
    row("HeadObject is no permission", PERMISSIONS, SILENT, identity=allow("s3:HeadObject"), action="s3:GetObject"),
    row(
        "ListObjectsV2 is no permission",
        PERMISSIONS,
        SILENT,
        identity=allow("s3:ListObjects*"),
        action="s3:ListBucket",
        on=BUCKET,
    ),
    row("UploadPart is no permission", PERMISSIONS, SILENT, identity=allow("s3:UploadPart", "s3:CreateMultipart*")),
    row(
        "PutObject does not give the header of an ACL",
        PERMISSIONS,
        SILENT,
        identity=allow("s3:PutObject"),
        action="s3:PutObjectAcl",
    ),
    row(
        "nor the header of tags",
        PERMISSIONS,
        SILENT,
        identity=allow("s3:PutObject"),
        action="s3:PutObjectTagging",
    ),
]


@pytest.mark.parametrize(("page", "expected", "asked"), ACTIONS)
def test_an_action_is_named_as_aws_names_it(page: str, expected: str, asked: Mapping[str, Any]) -> None:
    check(page, expected, asked)


def test_a_pattern_names_an_action_that_is_given_in_lower_case() -> None:
    assert action_matches("S3:Put*", "s3:putobject")
    assert not action_matches("s3:Get*", "s3:putobject")


def test_an_upload_in_parts_to_an_encrypted_bucket_also_needs_to_decrypt() -> None:
    """See MULTIPART: S3 decrypts the parts that it puts together."""
    uploader = [allow("s3:PutObject"), allow("kms:GenerateDataKey", on=KEY)]
    assert ask(identity=uploader).allowed
    assert ask(identity=uploader, action="kms:GenerateDataKey", on=KEY, resource=DELEGATED).allowed
    assert ask(identity=uploader, action="kms:Decrypt", on=KEY, resource=DELEGATED).allowed is False
