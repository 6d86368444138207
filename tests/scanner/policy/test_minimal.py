"""What is held against a policy for a writer: each thing that it must not allow, and each that it must, by itself."""

import json

import pytest

from recordscan.facts import Json
from recordscan.policy.minimal import objections
from recordscan.policy.template import Place, minimal_policy

KEY = "arn:aws:kms:eu-west-1:444455556666:key/1234abcd-12ab-34cd-56ef-1234567890ab"
BUCKET = "arn:aws:s3:::acme-video"
PLACE = Place(bucket_arn=BUCKET, prefix="recordings/", key_arn=KEY)
INSIDE = f"{BUCKET}/recordings/RT0"


def allowing(action: str, resource: str, place: Place = PLACE) -> dict[str, Json]:
    """The least for a place, and one thing more."""
    policy: dict[str, Json] = json.loads(json.dumps(minimal_policy(place)))
    policy["Statement"].append({"Effect": "Allow", "Action": action, "Resource": resource})
    return policy


@pytest.mark.parametrize(
    ("action", "resource"),
    [
        ("s3:PutObject", f"{BUCKET}/recordings"),
        ("s3:PutObject", f"{BUCKET}/recordingsxRT0"),
        ("s3:PutObject", f"{BUCKET}-2/recordings/RT0"),
        ("s3:GetObject", INSIDE),
        ("s3:DeleteObject", INSIDE),
        ("s3:PutObjectAcl", INSIDE),
        ("s3:AbortMultipartUpload", INSIDE),
        ("s3:ListBucket", BUCKET),
        ("s3:PutBucketPolicy", BUCKET),
        ("kms:GenerateDataKey", f"{KEY}0"),
        ("kms:Decrypt", f"{KEY}0"),
        ("kms:PutKeyPolicy", KEY),
        ("kms:CreateGrant", KEY),
        ("kms:ScheduleKeyDeletion", KEY),
    ],
)
def test_one_thing_too_much_is_named(action: str, resource: str) -> None:
    assert objections(allowing(action, resource), PLACE) == (f"it allows {action} on {resource}",)


@pytest.mark.parametrize(
    ("prefix", "beside"),
    [("box", "boyRT0"), ("a", "xRT0"), ("a*b", "axbRT0"), ("a?b", "axbRT0"), ("a*b", "a*")],
)
def test_what_lies_beside_a_prefix_is_asked_for_whatever_its_characters(prefix: str, beside: str) -> None:
    place = Place(bucket_arn=BUCKET, prefix=prefix)
    resource = f"{BUCKET}/{beside.replace('*', '${*}')}"
    assert objections(allowing("s3:PutObject", resource, place), place) == (
        f"it allows s3:PutObject on {BUCKET}/{beside}",
    )


@pytest.mark.parametrize("left_out", ["s3:PutObject", "kms:GenerateDataKey", "kms:Decrypt"])
def test_what_uploads_lack_is_named(left_out: str) -> None:
    policy = json.loads(json.dumps(minimal_policy(PLACE)).replace(left_out, "s3:ListBucketVersions"))
    resource = KEY if left_out.startswith("kms:") else INSIDE
    assert objections(policy, PLACE) == (f"it does not allow {left_out} on {resource}",)


def test_where_no_key_is_none_is_asked_for() -> None:
    place = Place(bucket_arn=BUCKET, prefix="recordings/")
    assert objections(minimal_policy(place), place) == ()
    # What a key allows shows only where there is one to ask about.
    assert objections(allowing("kms:*", KEY, place), place) == ()


def test_a_policy_with_a_principal_is_none_of_a_user() -> None:
    policy = minimal_policy(PLACE)
    policy["Statement"][0]["Principal"] = "*"
    [objection] = objections(policy, PLACE)
    assert objection.startswith("it is not sound: ")
