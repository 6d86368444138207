"""The KMS key that recordings are encrypted with: it works, it stays, it rotates."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from recordscan.facts import Json, Reason
from recordscan.result import Outcome
from recordscan.rule import Rule, Severity
from recordscan.testing import AWS_ACCOUNT, KEY_ARN, REGION, TWILIO_ACCOUNT, Case, judge, judge_all, sound
from recordscan_rules.keys import key_pending_deletion, key_rotation, key_state

RECORDINGS = f"twilio:{TWILIO_ACCOUNT}/recordings"
OTHER_KEY = f"arn:aws:kms:{REGION}:{AWS_ACCOUNT}:key/99999999-12ab-34cd-56ef-1234567890ab"
RULES = [key_state, key_pending_deletion, key_rotation]


def key(**members: Json) -> Case:
    """A sound case whose key is described otherwise."""
    case = sound()
    for name, value in members.items():
        case.set("kms:DescribeKey", f"/KeyMetadata/{name}", value)
    return case


def with_other_key(**members: Json) -> Case:
    """A scan of the whole account, which has a key that no target uses."""
    case = sound()
    case.scope = replace(case.scope, whole_account=True)
    metadata = {**case.find("kms:DescribeKey")["KeyMetadata"], "Arn": OTHER_KEY, **members}
    case.add("kms:DescribeKey", {"KeyMetadata": metadata}, region=REGION, KeyId=OTHER_KEY)
    case.add("kms:GetKeyRotationStatus", {"KeyRotationEnabled": False}, region=REGION, KeyId=OTHER_KEY)
    return case


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_a_key_in_good_order_passes_and_without_storage_there_is_none(rule: Rule) -> None:
    outcomes = {uid.rpartition("/")[2]: a.outcome for uid, a in judge_all(rule, sound()).items()}
    assert outcomes == {"recordings": Outcome.PASS, "compositions": Outcome.NOT_APPLICABLE}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        pytest.param(lambda case: case.deny("kms:DescribeKey"), Reason.ACCESS_DENIED, id="denied"),
        pytest.param(lambda case: case.fail("kms:DescribeKey", Reason.THROTTLED), Reason.THROTTLED, id="throttled"),
        pytest.param(lambda case: case.answer("kms:DescribeKey", None), Reason.NOT_FOUND, id="no such key"),
        pytest.param(lambda case: case.answer("kms:DescribeKey", {}), Reason.MALFORMED, id="an empty answer"),
    ],
)
def test_a_key_that_kms_does_not_describe_is_unknown(rule: Rule, spoil: Callable[[Case], None], reason: Reason) -> None:
    case = sound()
    spoil(case)
    assessment = judge(rule, case, RECORDINGS)
    assert (assessment.outcome, assessment.reason) == (Outcome.UNKNOWN, reason)


@pytest.mark.parametrize(
    "state", ["Disabled", "PendingImport", "Unavailable", "PendingDeletion", "PendingReplicaDeletion"]
)
def test_a_key_that_cannot_be_used_fails(state: str) -> None:
    assessment = judge(key_state, key(KeyState=state))
    assert (assessment.outcome, assessment.severity) == (Outcome.FAIL, Severity.CRITICAL)
    assert assessment.findings[0].observed == state


@pytest.mark.parametrize("state", ["Creating", "Updating", "Resting"])
def test_a_key_in_a_passing_or_new_state_is_unknown(state: str) -> None:
    assert judge(key_state, key(KeyState=state)).outcome is Outcome.UNKNOWN


@pytest.mark.parametrize("usage", ["SIGN_VERIFY", "GENERATE_VERIFY_MAC", "KEY_AGREEMENT"])
def test_a_key_that_is_not_made_for_encryption_fails(usage: str) -> None:
    assert judge(key_state, key(KeyUsage=usage)).outcome is Outcome.FAIL


@pytest.mark.parametrize("spec", ["RSA_4096", "SM2", "HMAC_256"])
def test_a_key_of_a_kind_that_s3_cannot_use_fails_by_its_spec_which_others_do_not_look_at(spec: str) -> None:
    assessment = judge(key_state, key(KeySpec=spec))
    assert (assessment.outcome, assessment.severity) == (Outcome.FAIL, Severity.HIGH)
    assert assessment.findings[0].observed == spec


def test_the_legacy_twin_of_the_spec_which_others_read_does_not_count() -> None:
    assert judge(key_state, key(CustomerMasterKeySpec="RSA_2048")).outcome is Outcome.PASS
    assert judge(key_state, key(KeySpec=None, CustomerMasterKeySpec="SYMMETRIC_DEFAULT")).outcome is Outcome.UNKNOWN


@pytest.mark.parametrize(
    "members", [{"KeyState": "Disabled", "KeyUsage": None}, {"KeyUsage": "SIGN_VERIFY", "KeyState": None}]
)
def test_what_kms_leaves_out_does_not_hide_what_it_says(members: dict[str, Json]) -> None:
    assert judge(key_state, key(**members)).outcome is Outcome.FAIL


@pytest.mark.parametrize("name", ["KeyUsage", "KeyState", "KeySpec"])
def test_what_kms_leaves_out_of_a_key_in_good_order_is_unknown(name: str) -> None:
    assert judge(key_state, key(**{name: None})).outcome is Outcome.UNKNOWN


def test_a_signing_key_that_no_target_uses_is_in_order() -> None:
    assert judge(key_state, with_other_key(KeyUsage="SIGN_VERIFY"), OTHER_KEY).outcome is Outcome.PASS


def test_a_disabled_key_that_no_target_uses_is_a_low_finding() -> None:
    assessment = judge(key_state, with_other_key(KeyState="Disabled"), OTHER_KEY)
    assert (assessment.outcome, assessment.severity) == (Outcome.FAIL, Severity.LOW)


@pytest.mark.parametrize(
    ("members", "when"),
    [
        ({"KeyState": "PendingDeletion", "DeletionDate": "2026-12-01T00:00:00Z"}, "on 2026-12-01"),
        ({"KeyState": "PendingReplicaDeletion"}, "once its replicas are"),
        ({"KeyState": "PendingDeletion", "DeletionDate": "soon"}, "on a date that cannot be read"),
    ],
    ids=["PendingDeletion", "PendingReplicaDeletion, which others miss", "on no date"],
)
def test_a_key_that_is_to_be_deleted_fails_and_says_when(members: dict[str, Json], when: str) -> None:
    assessment = judge(key_pending_deletion, key(**members))
    assert assessment.outcome is Outcome.FAIL
    assert when in assessment.findings[0].message
    assert assessment.findings[0].resources == (KEY_ARN,)


def test_a_disabled_key_is_not_to_be_deleted_and_is_judged_all_the_same() -> None:
    assert judge(key_pending_deletion, key(KeyState="Disabled")).outcome is Outcome.PASS


def test_a_key_that_no_target_uses_is_critical_too_when_it_is_to_be_deleted() -> None:
    assessment = judge(key_pending_deletion, with_other_key(KeyState="PendingDeletion"), OTHER_KEY)
    assert (assessment.outcome, assessment.severity) == (Outcome.FAIL, Severity.CRITICAL)


def test_a_key_that_does_not_rotate_fails() -> None:
    case = sound()
    case.set("kms:GetKeyRotationStatus", "/KeyRotationEnabled", False)
    assert judge(key_rotation, case).outcome is Outcome.FAIL


def test_every_customer_managed_key_of_a_whole_account_is_asked_to_rotate() -> None:
    assert judge(key_rotation, with_other_key(), OTHER_KEY).outcome is Outcome.FAIL


def test_rotation_that_may_not_be_read_is_unknown_and_no_failure() -> None:
    case = sound()
    case.deny("kms:GetKeyRotationStatus")
    assessment = judge(key_rotation, case)
    assert (assessment.outcome, assessment.permission) == (Outcome.UNKNOWN, "kms:GetKeyRotationStatus")


@pytest.mark.parametrize(
    "members",
    [
        pytest.param({"KeyManager": "AWS"}, id="managed by AWS, which rotates it"),
        pytest.param({"Origin": "AWS_CLOUDHSM"}, id="custom key store, which others fail"),
        pytest.param({"Origin": "EXTERNAL_KEY_STORE"}, id="external key store, which others fail"),
        pytest.param({"KeySpec": "RSA_2048"}, id="asymmetric"),
        pytest.param({"KeySpec": "HMAC_256"}, id="HMAC, which others fail"),
        pytest.param({"KeyState": "PendingDeletion"}, id="to be deleted, for which KMS says that rotation is off"),
    ],
)
def test_a_key_that_cannot_rotate_by_itself_is_not_asked_to(members: dict[str, Json]) -> None:
    case = key(**members)
    case.set("kms:GetKeyRotationStatus", "/KeyRotationEnabled", False)
    assert judge(key_rotation, case, RECORDINGS).outcome is Outcome.NOT_APPLICABLE


def test_a_key_of_which_kms_says_that_it_cannot_rotate_is_not_asked_to() -> None:
    case = sound()
    case.answer("kms:GetKeyRotationStatus", None)
    assert judge(key_rotation, case, RECORDINGS).outcome is Outcome.NOT_APPLICABLE


@pytest.mark.parametrize("name", ["KeyManager", "Origin", "KeySpec", "KeyState"])
def test_what_kms_leaves_out_makes_rotation_unknown_and_does_not_excuse_it(name: str) -> None:
    case = key(**{name: None})
    case.set("kms:GetKeyRotationStatus", "/KeyRotationEnabled", False)
    assert judge(key_rotation, case, RECORDINGS).outcome is Outcome.UNKNOWN
