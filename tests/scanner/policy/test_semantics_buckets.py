"""What S3 adds: public policies that it cuts off, and Denies that are easily written wrong."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from recordscan.facts import Fact, Known, any_true
from recordscan.policy.authorize import Outcome, decide
from scanner.policy.asking import (
    ALL,
    ALLOWED,
    BUCKET,
    DENIED,
    LOGGING,
    NOBODY,
    PARTNER,
    ROOT,
    S3,
    SESSION,
    SILENT,
    THEIRS,
    UNLESS_DENIED,
    UNREAD,
    USER,
    Asked,
    allow,
    ask,
    check,
    deny,
    row,
)

BLOCK = S3 + "access-control-block-public-access.html"
OWNERSHIP = S3 + "about-object-ownership.html"
TLS = S3 + "example-bucket-policies.html"
ENCRYPTION = S3 + "UsingKMSEncryption.html"
OPERATORS = "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html"

OPEN = allow("s3:GetObject", to="*", on=f"{BUCKET}/open/*")
SERVICE = allow(to={"Service": LOGGING})
PARTNERS = allow(to=THEIRS)
VPC = allow(to="*", when={"StringEquals": {"aws:SourceVpc": "vpc-1"}})


def cut(says: str, expected: str, *resource: dict[str, Any], **asked: Any) -> Any:
    """A request by a partner to a bucket whose RestrictPublicBuckets is on."""
    asked = {"by": PARTNER, "identity": ALL, "restricted": True} | asked
    return row(says, BLOCK, expected, resource=list(resource), **asked)


KEEPING = S3.replace("userguide", "API") + "API_PutBucketPolicy.html"

KEPT = [
    row(f"{action} is for the owner's principals", KEEPING, expected, **asked, action=f"s3:{action}", on=BUCKET)
    for action in ("GetBucketPolicy", "PutBucketPolicy", "DeleteBucketPolicy")
    for expected, asked in (
        (SILENT, {"by": PARTNER, "identity": ALL, "resource": [PARTNERS, allow(to=PARTNER)]}),
        (SILENT, {"by": NOBODY, "resource": allow(to="*")}),
        (ALLOWED, {"identity": ALL, "resource": PARTNERS}),
        (ALLOWED, {"resource": allow(to=USER)}),
    )
] + [
    row("others may change its ACL", KEEPING, ALLOWED, by=PARTNER, identity=ALL, resource=PARTNERS,
        action="s3:PutBucketAcl", on=BUCKET),
]  # fmt: skip


@pytest.mark.parametrize(("page", "expected", "asked"), KEPT)
def test_the_bucket_policy_is_kept_by_whom_aws_says(page: str, expected: str, asked: Mapping[str, Any]) -> None:
    check(page, expected, asked)


CUT_OFF = [
    cut("a partner is let in where nothing is public", ALLOWED, PARTNERS),
    cut("one public statement cuts it off", DENIED, PARTNERS, OPEN),
    cut("before or after", DENIED, OPEN, PARTNERS),
    cut("only while the switch is on", ALLOWED, PARTNERS, OPEN, restricted=False),
    cut("it cuts off who does not sign", DENIED, allow(to="*"), by=NOBODY),
    cut("it does not cut off the owner's users", ALLOWED, OPEN, by=USER),
    cut("nor its sessions", ALLOWED, OPEN, by=SESSION),
    cut("nor its root user", ALLOWED, OPEN, by=ROOT),
    cut("who still need a permission", SILENT, OPEN, by=USER, identity=()),
    cut("nor services", ALLOWED, OPEN, SERVICE, by=LOGGING),
    cut("who still need one", SILENT, OPEN, by=LOGGING),
    cut("a public Deny is not public", ALLOWED, PARTNERS, deny("s3:DeleteObject", to="*")),
    cut("a fixed network is not public", ALLOWED, PARTNERS, VPC),
    cut("a silent policy is not public", SILENT),
    row("nor is one without", BLOCK, SILENT, by=PARTNER, identity=ALL, restricted=True),
    cut("it is of S3 only", ALLOWED, PARTNERS, OPEN, action="sqs:SendMessage", on="arn:aws:sqs:::q"),
    cut("if the switch was not read it may be on", UNLESS_DENIED, PARTNERS, OPEN, restricted=UNREAD),
    cut("which changes nothing where nothing is public", ALLOWED, PARTNERS, restricted=UNREAD),
    cut("nor for the owner", ALLOWED, OPEN, by=USER, restricted=UNREAD),
    row("with policies unread it may do all", BLOCK, UNLESS_DENIED, identity=ALL, resource=UNREAD, restricted=True),
]

NO_TLS = {"Bool": {"aws:SecureTransport": "false"}}
PLAIN = {"aws:SecureTransport": "false"}
HEADER = "s3:x-amz-server-side-encryption"
OTHER_HEADER = {HEADER: "AES256"}
LIST = {"action": "s3:ListBucket", "on": BUCKET}


def needs_tls(*on: str) -> dict[str, Any]:
    return deny("s3:*", to="*", on=list(on), when=NO_TLS)


def needs_kms(operator: str, **also: object) -> dict[str, Any]:
    return deny("s3:PutObject", to="*", when={operator: {HEADER: "aws:kms"}} | also)


DENIALS = [
    row("without TLS an object is refused", TLS, DENIED, identity=ALL, resource=needs_tls(f"{BUCKET}/*"), where=PLAIN),
    row("the bucket is not", TLS, ALLOWED, identity=ALL, resource=needs_tls(f"{BUCKET}/*"), where=PLAIN, **LIST),
    row("or the bucket is", TLS, DENIED, identity=ALL, resource=needs_tls(BUCKET), where=PLAIN, **LIST),
    row("and no object", TLS, ALLOWED, identity=ALL, resource=needs_tls(BUCKET), where=PLAIN),
    row("both need both", TLS, DENIED, identity=ALL, resource=needs_tls(BUCKET, f"{BUCKET}/*"), where=PLAIN, **LIST),
    row(
        "with TLS all is well",
        TLS,
        ALLOWED,
        identity=ALL,
        resource=needs_tls("*"),
        where={"aws:SecureTransport": "true"},
    ),
    row(
        "an upload that says no encryption is refused",
        ENCRYPTION,
        DENIED,
        identity=ALL,
        resource=needs_kms("StringNotEquals"),
    ),
    row("IfExists refuses it as well", OPERATORS, DENIED, identity=ALL, resource=needs_kms("StringNotEqualsIfExists")),
    row(
        "Null false spares it",
        OPERATORS,
        ALLOWED,
        identity=ALL,
        resource=needs_kms("StringNotEquals", Null={HEADER: "false"}),
    ),
    row(
        "but not one that says another",
        OPERATORS,
        DENIED,
        identity=ALL,
        resource=needs_kms("StringNotEquals", Null={HEADER: "false"}),
        where=OTHER_HEADER,
    ),
    row(
        "one that says this is never refused",
        ENCRYPTION,
        ALLOWED,
        identity=ALL,
        resource=needs_kms("StringNotEquals"),
        where={HEADER: "aws:kms"},
    ),
]


@pytest.mark.parametrize(("page", "expected", "asked"), CUT_OFF)
def test_a_public_bucket_is_cut_off_as_aws_says(page: str, expected: str, asked: Mapping[str, Any]) -> None:
    check(page, expected, asked)


@pytest.mark.parametrize(("page", "expected", "asked"), DENIALS)
def test_a_bucket_policy_refuses_what_aws_says(page: str, expected: str, asked: Mapping[str, Any]) -> None:
    check(page, expected, asked)


@pytest.mark.parametrize(
    ("account", "bucket", "expected"),
    [
        (Known(True), Known(False), (Outcome.EXPLICITLY_DENIED,)),
        (Known(False), Known(True), (Outcome.EXPLICITLY_DENIED,)),
        (UNREAD, Known(True), (Outcome.EXPLICITLY_DENIED,)),
        (Known(False), Known(False), (Outcome.ALLOWED,)),
        (Known(False), UNREAD, (Outcome.ALLOWED, Outcome.EXPLICITLY_DENIED)),
    ],
)
def test_the_switch_of_the_account_or_of_the_bucket_cuts_off(
    account: Fact[bool], bucket: Fact[bool], expected: tuple[Outcome, ...]
) -> None:
    """See BLOCK: S3 applies the most restrictive of both."""
    asked = Asked(by=PARTNER, identity=ALL, resource=[PARTNERS, OPEN])
    layers = replace(asked.layers, restrict_public_buckets=any_true(account, bucket))
    assert decide(asked.request, layers).outcomes == expected


def test_the_statements_that_cut_off_are_named() -> None:
    decision = ask(by=PARTNER, identity=ALL, restricted=True, resource=[PARTNERS, OPEN | {"Sid": "Open"}])
    assert decision.because == ("statement Open of RestrictPublicBuckets denies it",)
    (cut_off,) = decision.denying
    assert (cut_off.layer, cut_off.effect, cut_off.cover) == ("resource", "Deny", None)


def test_a_decision_is_about_policies_and_not_about_access_control_lists() -> None:
    """See OWNERSHIP: where the owner does not enforce its own, a list may grant what no policy does."""
    decision = ask(by=NOBODY, action="s3:GetObject")
    assert decision.allowed is False
    assert decision.because == ("no statement of the resource policy allows everybody",)
