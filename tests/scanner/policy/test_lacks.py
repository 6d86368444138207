from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recordscan.facts import Known, Reason, Unavailable
from recordscan.policy.documents import load_policy
from recordscan.policy.lacks import Lack, lacks, no_op_denials
from recordscan.policy.rows import Grant
from recordscan.policy.template import minimal_policy, template_document
from recordscan.policy.writer import Writer
from scanner.policy.writers import BUCKET, DELEGATION, KEY, PLACE, USER, Body, allow, deny, policy, writer

UPLOAD = allow("s3:PutObject", f"{BUCKET}/recordings/*")
USE_KEY = allow(["kms:GenerateDataKey", "kms:Decrypt"], KEY)
UNREADABLE = Unavailable(Reason.ACCESS_DENIED, "not allowed to read it")


def found(of: Writer) -> tuple[Lack, ...]:
    fact = lacks(of)
    assert isinstance(fact, Known)
    return fact.value


def needed(of: Writer) -> list[str]:
    return [lack.action for lack in found(of) if lack.needed]


@given(prefix=st.text(alphabet="a*?${}/", max_size=6))
@settings(deadline=None)
def test_the_guides_policy_lacks_nothing_whatever_the_prefix(prefix: str) -> None:
    place = replace(PLACE, prefix=prefix)
    assert found(writer(*minimal_policy(place, full_template=True)["Statement"], place=place)) == ()


def test_the_least_policy_lacks_only_what_nothing_needs() -> None:
    of = writer(*minimal_policy(PLACE)["Statement"])
    assert needed(of) == []
    assert {lack.action for lack in found(of)} == {
        "kms:DescribeKey",
        "kms:Encrypt",
        "kms:GenerateDataKeyPair",
        "kms:GenerateDataKeyPairWithoutPlaintext",
        "kms:GenerateDataKeyWithoutPlaintext",
        "kms:ReEncryptFrom",
        "kms:ReEncryptTo",
    }


def test_without_a_key_nothing_of_keys_is_lacking() -> None:
    assert found(writer(UPLOAD, place=replace(PLACE, key_arn=None))) == ()


def test_what_is_needed_comes_first_with_what_would_have_to_allow_it() -> None:
    first, second, *others = found(writer(UPLOAD))
    assert {first.action, second.action} == {"kms:GenerateDataKey", "kms:Decrypt"}
    assert first.because == ("no identity policy allows it",)
    assert not any(lack.needed for lack in others)


@pytest.mark.parametrize(
    ("statements", "resource", "because"),
    [
        ([], "RT0", "no identity policy allows it"),
        ([allow("s3:PutObject", "arn:aws:s3:::other/*")], "RT0", "no identity policy allows it"),
        ([allow("s3:PutObject", f"{BUCKET}/recordings/RT*")], "xx", "no identity policy allows it"),
        ([UPLOAD, deny("s3:PutObject", f"{BUCKET}/recordings/CJ*")], "CJ", "statement #2 of inline denies it"),
        ([UPLOAD, deny("*", f"{BUCKET}/*")], "RT0", "statement #2 of inline denies it"),
    ],
)
def test_an_upload_that_is_not_allowed_is_lacking(statements: list[Body], resource: str, because: str) -> None:
    [lack] = [lack for lack in found(writer(*statements, USE_KEY)) if lack.action == "s3:PutObject"]
    assert lack.needed
    assert lack.resource.startswith(f"{BUCKET}/recordings/{resource}")
    assert lack.because == (because,)


def test_what_is_allowed_in_parts_is_allowed() -> None:
    halves = [f"{BUCKET}/recordings/RT*", f"{BUCKET}/rec*"]
    assert needed(writer(allow("s3:PutObject", halves), USE_KEY)) == []


def test_a_boundary_can_stop_uploads() -> None:
    of = writer(UPLOAD, USE_KEY, boundary=[allow("s3:PutObject", f"{BUCKET}/recordings/sub/*"), allow("kms:*", "*")])
    [lack] = [lack for lack in found(of) if lack.needed]
    assert lack.because == ("the permissions boundary does not allow it",)


def test_a_bucket_policy_can_allow_uploads() -> None:
    assert needed(writer(USE_KEY, bucket=[allow("s3:PutObject", f"{BUCKET}/*", Principal={"AWS": USER})])) == []


def test_a_denial_that_depends_on_something_unknown_is_no_lack() -> None:
    condition = {"StringNotEquals": {"aws:SourceVpce": "vpce-1"}}
    assert needed(writer(UPLOAD, USE_KEY, deny("s3:*", "*", Condition=condition))) == []


def test_a_denial_beside_the_prefix_is_no_lack() -> None:
    beside = deny("s3:PutObject", [f"{BUCKET}/other/*", "arn:aws:s3:::other-bucket/*"])
    assert needed(writer(UPLOAD, USE_KEY, beside)) == []


def test_what_s3_asks_of_the_key_must_be_allowed_through_s3_and_all_else_in_any_way() -> None:
    """A condition on `kms:ViaService` that only a call without a service meets."""
    directly = {"Null": {"kms:ViaService": "true"}}
    guide = minimal_policy(PLACE, full_template=True)["Statement"]
    told = found(writer(guide[0], {**guide[1], "Condition": directly}))
    assert {(lack.action, lack.needed) for lack in told} == {("kms:GenerateDataKey", True), ("kms:Decrypt", True)}


def test_what_surely_lacks_is_told_although_another_layer_cannot_be_read() -> None:
    of = writer(USE_KEY)
    assert of.on_key is not None
    hidden = replace(of, on_key=replace(of.on_key, resource=UNREADABLE, grants=UNREADABLE))
    assert needed(hidden) == ["s3:PutObject"]


def test_a_key_that_may_be_used_through_s3_only_lacks_nothing() -> None:
    condition = {"StringEquals": {"kms:ViaService": "s3.eu-west-1.amazonaws.com"}}
    guide = minimal_policy(PLACE, full_template=True)["Statement"]
    assert found(writer(guide[0], {**guide[1], "Condition": condition})) == ()


def test_a_key_that_may_be_used_through_another_region_is_lacking() -> None:
    condition = {"StringEquals": {"kms:ViaService": "s3.us-east-1.amazonaws.com"}}
    assert set(needed(writer(UPLOAD, {**USE_KEY, "Condition": condition}))) == {"kms:GenerateDataKey", "kms:Decrypt"}


@pytest.mark.parametrize("arn", [f"{BUCKET}/recordings/RT0", BUCKET])
def test_the_encryption_context_may_be_of_the_object_or_of_the_bucket(arn: str) -> None:
    condition = {"StringEquals": {"kms:EncryptionContext:aws:s3:arn": arn}}
    assert needed(writer(UPLOAD, {**USE_KEY, "Condition": condition})) == []


def test_a_key_policy_that_does_not_delegate_is_lacking() -> None:
    role = allow("kms:*", "*", Principal={"AWS": USER.replace("user/", "role/")})
    assert "kms:Decrypt" in needed(writer(UPLOAD, USE_KEY, key=[role]))
    grant = Grant(id="g", grantee=USER, operations=("Decrypt", "GenerateDataKey"))
    assert needed(writer(UPLOAD, USE_KEY, key=[role], grants=[grant])) == []


def test_nothing_is_said_where_a_policy_that_may_stop_uploads_cannot_be_read() -> None:
    of = writer(*minimal_policy(PLACE, full_template=True)["Statement"], key=[DELEGATION])
    assert lacks(replace(of, on_bucket=replace(of.on_bucket, resource=UNREADABLE))) == UNREADABLE
    assert found(writer(UPLOAD))


def test_a_denial_of_nothing_is_seen() -> None:
    everything = {"Sid": "DenyEverything", "Effect": "Deny", "NotAction": "*", "Resource": "*"}
    real = deny("s3:*", "*")
    unknown = deny("s3:Bogus", "*")
    allowed = {"Effect": "Allow", "NotAction": "*", "Resource": "*"}
    malformed = {"Effect": "Deny", "NotAction": "*", "Action": "s3:*", "Resource": "*"}
    document = policy("p", everything, real, unknown, allowed, malformed).document
    assert [statement.label for statement in no_op_denials(document)] == ["DenyEverything"]
    assert no_op_denials(template_document(PLACE)) == ()


@pytest.mark.parametrize("not_action", [["s3:*", "*"], "*:*", ["**"]])
def test_a_denial_of_nothing_is_seen_however_it_is_written(not_action: object) -> None:
    document = load_policy({"Statement": {"Effect": "Deny", "NotAction": not_action, "Resource": "*"}})
    assert len(no_op_denials(document)) == 1
