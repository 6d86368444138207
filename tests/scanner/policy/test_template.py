import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from recordscan.policy.documents import load_policy
from recordscan.policy.minimal import objections
from recordscan.policy.template import Place, minimal_policy, template_document, template_grants

KEY = "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
PLACE = Place(bucket_arn="arn:aws:s3:::acme-video", prefix="recordings/", key_arn=KEY)


def test_the_guides_grants_are_those_of_its_document() -> None:
    put, key = template_document(PLACE).statements
    assert (put.actions, put.resources) == (("s3:PutObject",), ("arn:aws:s3:::acme-video/recordings/*",))
    assert key.resources == (KEY,)
    assert key.actions == ("kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:DescribeKey")
    assert [grant.actions for grant in template_grants(PLACE)] == [put.actions, key.actions]


def test_the_template_has_no_statement_that_denies_nothing() -> None:
    assert {statement.effect for statement in template_document(PLACE).statements} == {"Allow"}


def test_without_a_key_nothing_is_granted_on_keys() -> None:
    place = Place(bucket_arn="arn:aws:s3:::acme-video")
    assert len(template_grants(place)) == 1
    assert "kms" not in json.dumps(minimal_policy(place))


def test_the_least_names_each_action_by_itself() -> None:
    actions = [action for statement in minimal_policy(PLACE)["Statement"] for action in statement["Action"]]
    assert actions == ["s3:PutObject", "kms:GenerateDataKey", "kms:Decrypt"]


@given(prefix=st.text(max_size=20), full=st.booleans())
@example(prefix="a*b?c/", full=False)
@example(prefix="${aws:username}/", full=False)
@example(prefix="$${*}", full=True)
@example(prefix="", full=False)
def test_a_prefix_of_any_characters_allows_uploads_and_nothing_else(prefix: str, full: bool) -> None:
    place = Place(bucket_arn="arn:aws-us-gov:s3:::acme-video", prefix=prefix, key_arn=KEY)
    policy = minimal_policy(place, full_template=full)
    assert objections(policy, place) == ()
    assert load_policy(json.dumps(policy), kind="identity").defects == ()


@pytest.mark.parametrize(
    ("change", "objection"),
    [
        ({"Action": "s3:*"}, "it allows s3:GetObject on arn:aws:s3:::acme-video/recordings/RT0"),
        ({"Action": "s3:PutObject*"}, "it allows s3:PutObjectAcl on arn:aws:s3:::acme-video/recordings/RT0"),
        ({"Action": "s3:GetObject"}, "it does not allow s3:PutObject on arn:aws:s3:::acme-video/recordings/RT0"),
        ({"Resource": "arn:aws:s3:::acme-video/*"}, "it allows s3:PutObject on arn:aws:s3:::acme-video/recordings"),
        (
            {"Resource": "arn:aws:s3:::*/recordings/*"},
            "it allows s3:PutObject on arn:aws:s3:::acme-video-2/recordings/RT0",
        ),
        (
            {"Resource": "arn:aws-cn:s3:::acme-video/recordings/*"},
            "it does not allow s3:PutObject on arn:aws:s3:::acme-video/recordings/RT0",
        ),
        ({"Condition": {"Bool": {"aws:SecureTransport": ["true"], "x": {}}}}, "it is not sound"),
    ],
)
def test_a_policy_that_is_not_the_least_is_objected_to(change: dict[str, object], objection: str) -> None:
    policy = minimal_policy(PLACE)
    policy["Statement"][0] |= change
    found = objections(policy, PLACE)
    assert any(sentence.startswith(objection) for sentence in found), found


@pytest.mark.parametrize("resource", ["*", KEY + "*", "arn:aws:kms:*:*:key/*"])
def test_a_policy_on_other_keys_is_objected_to(resource: str) -> None:
    policy = minimal_policy(PLACE)
    policy["Statement"][1]["Resource"] = resource
    assert f"it allows kms:Decrypt on {KEY}0" in objections(policy, PLACE)
