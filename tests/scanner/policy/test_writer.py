"""What bears on a writer's requests, and what is taken for granted of resources whose policies are not known."""

from dataclasses import replace

import pytest

from recordscan.facts import Known
from recordscan.policy.excess import excess
from recordscan.policy.request import UNKNOWN
from recordscan.policy.writer import Question, Writer
from scanner.policy.writers import ACCOUNT, BUCKET, KEY, NOT_READ, ROOT, UPLOADS, USER, allow, writer

OTHER = "444455556666"
THEIRS = KEY.replace(ACCOUNT, OTHER)
OF = writer(UPLOADS, bucket=[allow("s3:GetObject", "*", Principal="*")])


def layers(of: Writer, action: str, resource: str) -> str:
    """Which policies bear on a request, in a word."""
    found = of.layers(action, resource)
    if found is of.on_bucket:
        return "bucket"
    if found is of.on_key:
        return "key"
    return "nothing" if found.resource == Known(None) else "delegation"


@pytest.mark.parametrize(
    ("action", "resource", "bearing", "assumed"),
    [
        ("s3:GetObject", f"{BUCKET}/recordings/x", "bucket", None),
        ("s3:ListBucket", BUCKET, "bucket", None),
        ("s3:GetObject", f"{BUCKET}-other/x", "nothing", None),
        ("kms:Decrypt", KEY, "key", None),
        ("kms:Decrypt", f"{KEY[:-1]}7", "delegation", "the policy of the key delegates to the account"),
        ("kms:Decrypt", THEIRS, "delegation", "the policy of the key delegates to the account"),
        ("kms:ListKeys", "*", "nothing", None),
        ("sts:AssumeRole", f"arn:aws:iam::{ACCOUNT}:role/x", "delegation", "the role trusts the account"),
        ("sts:assumerole", f"arn:aws:iam::{OTHER}:role/x", "delegation", "the role trusts the account"),
        ("iam:PassRole", f"arn:aws:iam::{ACCOUNT}:role/x", "nothing", None),
        ("sqs:SendMessage", f"arn:aws:sqs:eu-west-1:{OTHER}:q", "delegation", "the other account allows it, too"),
        ("sqs:SendMessage", f"arn:aws:sqs:eu-west-1:{ACCOUNT}:q", "nothing", None),
    ],
)
def test_the_policies_of_bucket_and_key_bear_on_them_and_of_others_something_is_assumed(
    action: str, resource: str, bearing: str, assumed: str | None
) -> None:
    assert layers(OF, action, resource) == bearing
    assert OF.assumption(action, resource) == assumed


def test_without_a_known_key_policy_the_key_is_taken_to_delegate() -> None:
    of = replace(OF, on_key=None)
    assert layers(of, "kms:Decrypt", KEY) == "delegation"
    assert of.assumption("kms:Decrypt", KEY) == "the policy of the key delegates to the account"
    assert of.ask(Question(action="kms:Decrypt", resource=KEY)).allowed is False
    assert excess(replace(writer(UPLOADS), on_key=None)) == Known(())
    assert writer(UPLOADS, owner=OTHER).assumption("s3:GetObject", f"{BUCKET}/x") is None  # its policy is known


def test_what_bears_on_the_bucket_only_does_not_bear_elsewhere() -> None:
    limited = replace(
        OF, on_bucket=replace(OF.on_bucket, restrict_public_buckets=NOT_READ, grants=NOT_READ, rcps=NOT_READ)
    )
    here, there = limited.layers("s3:GetObject", "arn:aws:s3:::x/y"), limited.layers("sqs:X", f"arn:aws:sqs::{OTHER}:q")
    for found in (here, there):
        assert (found.restrict_public_buckets, found.grants) == (Known(False), Known(()))
    # Resource policies of the organization are those of the bucket's account.
    assert (here.rcps, there.rcps) == (NOT_READ, Known(()))


@pytest.mark.parametrize(
    ("resource", "owner"),
    [
        (f"{BUCKET}/x", OTHER),
        (BUCKET, OTHER),
        (f"{BUCKET}x", ACCOUNT),
        (THEIRS, OTHER),
        ("arn:aws:iam::aws:policy/x", ACCOUNT),
        ("arn:aws:s3", ACCOUNT),
        ("*", ACCOUNT),
    ],
)
def test_a_resource_belongs_to_whom_its_arn_names_and_else_to_the_writer(resource: str, owner: str) -> None:
    assert writer(UPLOADS, owner=OTHER).owner(resource) == owner
    assert OF.request(Question(action="s3:GetObject", resource=THEIRS)).resource_account == OTHER


def known(of: Writer, question: Question) -> dict[str, tuple[str, ...]]:
    told = ("aws:securetransport", "aws:requestedregion", "s3:tls", "kms:")
    present = of.request(question).context.present
    return {key: values for key, values in present.items() if key.startswith(told)}


def test_what_is_known_of_a_request() -> None:
    on_object = Question(action="s3:GetObject", resource=f"{BUCKET}/x")
    tls, region = {"aws:securetransport": ("true",)}, {"aws:requestedregion": ("eu-west-1",)}
    assert known(OF, on_object) == tls | region | {"s3:tlsversion": ("1.3",)}
    assert known(replace(OF, region=None), on_object) == tls | {"s3:tlsversion": ("1.3",)}
    assert known(OF, Question(action="iam:GetUser", resource=USER)) == tls
    assert known(OF, Question(action="sts:AssumeRole", resource=ROOT)) == tls
    assert known(OF, Question(action="kms:Decrypt", resource=KEY)) == tls | region | {"kms:calleraccount": (ACCOUNT,)}


@pytest.mark.parametrize(("bucket_key", "arn"), [(True, BUCKET), (False, f"{BUCKET}/recordings/RT0")])
def test_s3_tells_kms_for_what_it_asks(*, bucket_key: bool, arn: str) -> None:
    question = Question(action="kms:Decrypt", resource=KEY, through_s3=True, bucket_key=bucket_key)
    asked = {
        "kms:viaservice": ("s3.eu-west-1.amazonaws.com",),
        "kms:encryptioncontext:aws:s3:arn": (arn,),
        "kms:encryptioncontextkeys": ("aws:s3:arn",),
    }
    assert known(OF, question).items() >= asked.items()
    # Where the bucket's Region is not known, it is the key's.
    assert known(replace(OF, region=None), question)["kms:viaservice"] == ("s3.eu-west-1.amazonaws.com",)
    direct = OF.request(replace(question, through_s3=False)).context
    assert direct.find("kms:ViaService") == ()


@pytest.mark.parametrize(("partition", "tells"), [("aws", True), ("aws-us-gov", True), ("aws-cn", False)])
def test_how_s3_names_itself_in_china_is_not_known(*, partition: str, tells: bool) -> None:
    place = replace(OF.place, bucket_arn=BUCKET.replace("aws", partition, 1))
    question = Question(action="kms:Decrypt", resource=KEY, through_s3=True)
    assert ("kms:viaservice" in known(replace(OF, place=place), question)) is tells
    nowhere = replace(question, resource="arn:aws:kms")
    assert "kms:viaservice" not in known(replace(OF, place=place, region=None), nowhere)


@pytest.mark.parametrize(
    ("action", "region"),
    [
        ("s3:PutObject", ("eu-west-1",)),
        ("kms:Decrypt", ("eu-west-1",)),
        ("ec2:RunInstances", ("eu-west-1",)),
        ("iam:CreateUser", None),
        ("STS:AssumeRole", None),
        ("organizations:LeaveOrganization", None),
    ],
)
def test_the_region_is_that_of_the_bucket_but_for_services_without_one(
    action: str, region: tuple[str, ...] | None
) -> None:
    of = replace(OF, region="eu-west-1")
    found = of.request(Question(action=action, resource="*")).context.find("aws:RequestedRegion")
    assert found == (UNKNOWN if region is None else region)
