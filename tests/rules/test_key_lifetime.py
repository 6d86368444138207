"""How long a KMS key lasts: rotation on demand and in time, imported material, replicas, its store, its last use."""

from dataclasses import replace

import pytest

from recordscan.facts import Json
from recordscan.result import Outcome
from recordscan.rule import Rule, Severity
from recordscan.testing import KEY_ARN, PREFIX, TWILIO_ACCOUNT, Case, ago, judge, judge_all, sound
from recordscan_rules.keys import (
    key_import_expiry,
    key_last_use,
    key_multi_region,
    key_rotation,
    key_rotation_period,
    key_state,
    key_store,
)
from rules.test_keys import OTHER_KEY, key, with_other_key

RECORDINGS = f"twilio:{TWILIO_ACCOUNT}/recordings"
IMPORTED = {"Origin": "EXTERNAL", "ExpirationModel": "KEY_MATERIAL_DOES_NOT_EXPIRE"}


def rotated(*days: float, **members: Json) -> Json:
    return {"Rotations": [{"RotationDate": ago(days=day), **members} for day in days], "truncated": False}


def imported(rotations: Json, **members: Json) -> Case:
    case = key(**IMPORTED, **members)
    case.answer("kms:ListKeyRotations", rotations)
    case.answer("kms:GetKeyRotationStatus", {"KeyRotationEnabled": False})
    return case


def expiring(days: float | None, **members: Json) -> Case:
    valid_to = None if days is None else ago(days=-days)
    case = key(Origin="EXTERNAL", ExpirationModel="KEY_MATERIAL_EXPIRES", ValidTo=valid_to, **members)
    case.answer("kms:ListKeyRotations", rotated())
    return case


def multi_region(*replicas: str, allowed: tuple[str, ...] = ("eu-west-1", "eu-central-1")) -> Case:
    related = {
        "PrimaryKey": {"Arn": KEY_ARN, "Region": "eu-west-1"},
        "ReplicaKeys": [{"Arn": KEY_ARN.replace("eu-west-1", region), "Region": region} for region in replicas],
    }
    case = key(MultiRegion=True, MultiRegionConfiguration=related)
    case.profile = replace(case.profile, allowed_regions=allowed)
    return case


def used(last: float | None, since: float = 300, *, written: tuple[float, ...] = ()) -> Case:
    case = sound()
    usage = {} if last is None else {"Operation": "Decrypt", "Timestamp": ago(days=last)}
    case.answer("kms:GetKeyLastUsage", {"KeyId": "k", "KeyLastUsage": usage, "TrackingStartDate": ago(days=since)})
    rows = [{"Key": f"{PREFIX}{day}.mkv", "Size": 9, "LastModified": ago(days=day)} for day in written]
    case.set("s3:ListObjectsV2", "/Contents", rows, Prefix=PREFIX)
    return case


@pytest.mark.parametrize("rule", [key_rotation_period, key_multi_region, key_store, key_last_use], ids=lambda r: r.id)
def test_a_key_in_good_order_passes_and_without_storage_there_is_none(rule: Rule) -> None:
    outcomes = {uid.rpartition("/")[2]: a.outcome for uid, a in judge_all(rule, sound()).items()}
    assert outcomes == {"recordings": Outcome.PASS, "compositions": Outcome.NOT_APPLICABLE}


@pytest.mark.parametrize(
    ("case", "outcome"),
    [
        pytest.param(imported(rotated(100)), Outcome.PASS, id="on demand in time, which others fail"),
        pytest.param(imported(rotated(900, 100)), Outcome.PASS, id="the last of several counts"),
        pytest.param(imported(rotated(), CreationDate=ago(days=100)), Outcome.PASS, id="a new key"),
        pytest.param(imported(rotated(366)), Outcome.FAIL, id="on demand too long ago"),
        pytest.param(imported(rotated()), Outcome.FAIL, id="never"),
        pytest.param(imported({"Rotations": [{}], "truncated": False}), Outcome.FAIL, id="waiting for its first use"),
        pytest.param(imported({"Rotations": [], "truncated": True}), Outcome.UNKNOWN, id="a list that was cut"),
        pytest.param(imported(None), Outcome.NOT_APPLICABLE, id="a kind that cannot rotate"),
        pytest.param(imported(rotated(), CreationDate=None), Outcome.UNKNOWN, id="made on no date"),
    ],
)
def test_imported_material_is_to_be_rotated_on_demand(case: Case, outcome: Outcome) -> None:
    assert judge(key_rotation, case, RECORDINGS).outcome is outcome


def test_imported_material_that_was_not_rotated_is_a_low_finding() -> None:
    assert judge(key_rotation, imported(rotated())).severity is Severity.LOW


def test_rotations_of_imported_material_that_may_not_be_read_are_unknown() -> None:
    case = imported(rotated(100))
    case.deny("kms:ListKeyRotations")
    assessment = judge(key_rotation, case)
    assert (assessment.outcome, assessment.permission) == (Outcome.UNKNOWN, "kms:ListKeyRotations")


def test_a_key_that_rotates_too_rarely_fails_although_rotation_is_on() -> None:
    case = sound()
    case.set("kms:GetKeyRotationStatus", "/RotationPeriodInDays", 2560)
    assert judge(key_rotation, case).outcome is Outcome.PASS
    assert judge(key_rotation_period, case).findings[0].observed == "every 2560 days"


def test_a_period_that_the_profile_allows_passes() -> None:
    case = sound()
    case.set("kms:GetKeyRotationStatus", "/RotationPeriodInDays", 730)
    case.profile = replace(case.profile, key_rotation_max_days=730)
    assert judge(key_rotation_period, case).outcome is Outcome.PASS


def test_a_rotation_that_was_due_and_did_not_come_fails() -> None:
    case = sound()
    case.set("kms:GetKeyRotationStatus", "/NextRotationDate", ago(days=3))
    assert judge(key_rotation_period, case).outcome is Outcome.FAIL
    case.set("kms:DescribeKey", "/KeyMetadata/KeyState", "Disabled")
    assert judge(key_rotation_period, case).outcome is Outcome.PASS  # KMS makes up for it, and key-state fails


@pytest.mark.parametrize("member", ["RotationPeriodInDays", "NextRotationDate"])
def test_a_period_that_kms_leaves_out_is_unknown(member: str) -> None:
    case = sound()
    case.set("kms:GetKeyRotationStatus", f"/{member}", None)
    assert judge(key_rotation_period, case).outcome is Outcome.UNKNOWN


@pytest.mark.parametrize("members", [IMPORTED, {"KeyManager": "AWS"}, {"KeySpec": "RSA_2048"}])
def test_a_key_that_does_not_rotate_by_itself_has_no_period(members: dict[str, Json]) -> None:
    assert judge(key_rotation_period, key(**members), RECORDINGS).outcome is Outcome.NOT_APPLICABLE


def test_a_key_whose_rotation_is_off_has_no_period() -> None:
    case = sound()
    case.answer("kms:GetKeyRotationStatus", {"KeyRotationEnabled": False})
    assert judge(key_rotation_period, case, RECORDINGS).outcome is Outcome.NOT_APPLICABLE


@pytest.mark.parametrize(
    ("case", "outcome"),
    [
        pytest.param(key(**IMPORTED), Outcome.PASS, id="no expiry"),
        pytest.param(expiring(31), Outcome.PASS, id="a later expiry"),
        pytest.param(expiring(29), Outcome.FAIL, id="a near expiry"),
        pytest.param(expiring(-1), Outcome.FAIL, id="expired"),
        pytest.param(expiring(None), Outcome.UNKNOWN, id="an expiry on no date"),
        pytest.param(key(Origin="EXTERNAL"), Outcome.UNKNOWN, id="no expiration model"),
        pytest.param(expiring(-1, KeyState="PendingImport"), Outcome.NOT_APPLICABLE, id="nothing imported"),
        pytest.param(sound(), Outcome.NOT_APPLICABLE, id="material of KMS"),
    ],
)
def test_imported_material_must_not_expire_soon(case: Case, outcome: Outcome) -> None:
    assert judge(key_import_expiry, case, RECORDINGS).outcome is outcome


def test_each_of_several_imported_materials_counts() -> None:
    case = key(**IMPORTED)
    case.answer("kms:ListKeyRotations", rotated(100, ExpirationModel="KEY_MATERIAL_EXPIRES", ValidTo=ago(days=-3)))
    assert judge(key_import_expiry, case).outcome is Outcome.FAIL


def test_a_near_expiry_is_seen_although_rotations_may_not_be_read() -> None:
    case = expiring(3)
    case.deny("kms:ListKeyRotations")
    assert judge(key_import_expiry, case).outcome is Outcome.FAIL


@pytest.mark.parametrize(
    ("case", "outcome"),
    [
        pytest.param(multi_region("eu-central-1"), Outcome.PASS, id="replicas in allowed Regions, which others fail"),
        pytest.param(multi_region("eu-central-1", "us-east-1"), Outcome.FAIL, id="a replica elsewhere"),
        pytest.param(multi_region(allowed=("us-east-1",)), Outcome.FAIL, id="the primary itself elsewhere"),
        pytest.param(multi_region("us-east-1", allowed=()), Outcome.NOT_APPLICABLE, id="no requirement"),
        pytest.param(key(MultiRegion=None), Outcome.UNKNOWN, id="KMS does not say"),
        pytest.param(key(MultiRegion=True), Outcome.UNKNOWN, id="KMS names no Region"),
    ],
)
def test_a_multi_region_key_is_in_allowed_regions_only(case: Case, outcome: Outcome) -> None:
    assert judge(key_multi_region, case, RECORDINGS).outcome is outcome


def test_a_custom_key_store_is_noted() -> None:
    assessment = judge(key_store, key(Origin="EXTERNAL_KEY_STORE", CustomKeyStoreId="cks-1234567890abcdef0"))
    assert (assessment.outcome, assessment.severity) == (Outcome.FAIL, Severity.INFO)


def test_a_key_of_a_store_that_is_not_named_is_unknown() -> None:
    assert judge(key_store, key(Origin="AWS_CLOUDHSM")).outcome is Outcome.UNKNOWN


@pytest.mark.parametrize(
    ("case", "outcome"),
    [
        pytest.param(used(1, written=(1,)), Outcome.PASS, id="in use"),
        pytest.param(used(40), Outcome.PASS, id="idle with no object"),
        pytest.param(used(40, written=(41, 90)), Outcome.PASS, id="idle since the last object"),
        pytest.param(used(None, written=(301,)), Outcome.PASS, id="objects from before KMS kept track"),
        pytest.param(used(None, written=(3,)), Outcome.FAIL, id="never used though objects come"),
        pytest.param(used(40, written=(200, 3)), Outcome.FAIL, id="idle though objects come"),
        pytest.param(used(4, written=(3,)), Outcome.PASS, id="within what a bucket key spares"),
    ],
)
def test_the_last_use_of_a_key_goes_with_the_objects(case: Case, outcome: Outcome) -> None:
    assert judge(key_last_use, case, RECORDINGS).outcome is outcome


def test_objects_that_were_not_all_listed_prove_no_use() -> None:
    case = used(40, written=(41,))
    case.set("s3:ListObjectsV2", "/truncated", True, Prefix=PREFIX)
    assert judge(key_last_use, case).outcome is Outcome.UNKNOWN


def test_a_key_of_no_target_that_rests_is_idle_although_it_is_enabled_which_others_pass() -> None:
    case = with_other_key()
    usage = {"KeyLastUsage": {}, "TrackingStartDate": ago(days=91)}
    case.add("kms:GetKeyLastUsage", usage, region="eu-west-1", KeyId=OTHER_KEY)
    assert judge(key_last_use, case, OTHER_KEY).outcome is Outcome.FAIL
    assert judge(key_state, case, OTHER_KEY).outcome is Outcome.PASS
    case.set("kms:GetKeyLastUsage", "/TrackingStartDate", ago(days=89), KeyId=OTHER_KEY)
    assert judge(key_last_use, case, OTHER_KEY).outcome is Outcome.PASS
