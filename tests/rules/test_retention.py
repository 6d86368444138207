"""How long recordings stay: versions that survive an overwrite, and lifecycle rules that end them."""

from dataclasses import replace

import pytest

from recordscan.facts import Json
from recordscan.result import Outcome
from recordscan.rule import Rule
from recordscan.testing import TWILIO_ACCOUNT, Case, ago, judge, judge_all, sound
from recordscan_rules.retention import retention, versioning

RECORDINGS = f"twilio:{TWILIO_ACCOUNT}/recordings"
LIFECYCLE = "s3:GetBucketLifecycleConfiguration"
NONCURRENT = {"NoncurrentDays": 30}


def entry(**members: Json) -> dict[str, Json]:
    """A sound lifecycle rule with some members changed; None removes one."""
    row: dict[str, Json] = {
        "ID": "retention",
        "Status": "Enabled",
        "Filter": {"Prefix": "video/"},
        "Expiration": {"Days": 365},
        "NoncurrentVersionExpiration": NONCURRENT,
    }
    return {name: value for name, value in {**row, **members}.items() if value is not None}


def lifecycle(*entries: dict[str, Json], least: int | None = 30, most: int | None = 400) -> Case:
    case = sound()
    case.profile = replace(case.profile, retention_min_days=least, retention_max_days=most)
    case.answer(LIFECYCLE, {"Rules": list(entries)} if entries else None)
    return case


@pytest.mark.parametrize("rule", [versioning, retention], ids=lambda rule: rule.id)
def test_a_bucket_in_good_order_passes_and_without_storage_there_is_none(rule: Rule) -> None:
    outcomes = {uid.rpartition("/")[2]: a.outcome for uid, a in judge_all(rule, sound()).items()}
    assert outcomes == {"recordings": Outcome.PASS, "compositions": Outcome.NOT_APPLICABLE}


@pytest.mark.parametrize(
    ("answer", "observed"), [({"Status": "Suspended"}, "Suspended"), ({}, "never enabled"), (None, "never enabled")]
)
def test_a_bucket_that_keeps_no_versions_fails(answer: Json, observed: str) -> None:
    case = sound()
    case.answer("s3:GetBucketVersioning", answer)
    assessment = judge(versioning, case)
    assert (assessment.outcome, assessment.findings[0].observed) == (Outcome.FAIL, observed)


def test_versioning_that_may_not_be_read_is_unknown_which_others_fail() -> None:
    case = sound()
    case.deny("s3:GetBucketVersioning")
    assessment = judge(versioning, case)
    assert (assessment.outcome, assessment.permission) == (Outcome.UNKNOWN, "s3:GetBucketVersioning")


def test_a_state_of_versioning_that_nobody_knows_is_unknown() -> None:
    case = sound()
    case.set("s3:GetBucketVersioning", "/Status", "Resting")
    assert judge(versioning, case).outcome is Outcome.UNKNOWN


@pytest.mark.parametrize(
    "entries",
    [
        pytest.param([entry(Filter={"Prefix": "video/recordings/"})], id="the very prefix"),
        pytest.param([entry(Filter={})], id="the whole bucket"),
        pytest.param([entry(Filter=None, Prefix="video/")], id="the prefix in its old place"),
        pytest.param([entry(ID=None)], id="without an id, on which others raise"),
        pytest.param([entry(Expiration={"Days": 370})], id="at the most"),
        pytest.param([entry(Expiration={"Days": 30})], id="at the least"),
        pytest.param([entry(NoncurrentVersionExpiration=None), entry(Expiration=None)], id="in two rules"),
        pytest.param([entry(), entry(Filter={"Prefix": "logs/"}, Expiration={"Days": 1})], id="beside another prefix"),
        pytest.param([entry(), entry(Status="Disabled", Expiration={"Days": 1})], id="beside a disabled one"),
        pytest.param(
            [entry(), entry(Filter={"Tag": {"Key": "erase", "Value": "1"}}, Expiration={"Days": 1})],
            id="beside one for tagged objects",
        ),
    ],
)
def test_a_rule_that_ends_all_media_within_the_limits_passes(entries: list[dict[str, Json]]) -> None:
    assert judge(retention, lifecycle(*entries)).outcome is Outcome.PASS


@pytest.mark.parametrize(
    "entries",
    [
        pytest.param([], id="no rule"),
        pytest.param([entry(Status="Disabled")], id="a disabled rule"),
        pytest.param([entry(Filter={"Prefix": "video/recordings/2026/"})], id="a part of the prefix"),
        pytest.param([entry(Filter={"Prefix": "logs/"})], id="another prefix, which others pass"),
        pytest.param([entry(Filter={"Tag": {"Key": "a", "Value": "b"}})], id="tagged objects, which others pass"),
        pytest.param([entry(Filter={"ObjectSizeGreaterThan": 1})], id="objects of some size"),
        pytest.param([entry(Filter={"StorageClass": "STANDARD"})], id="objects of some new kind"),
        pytest.param(
            [entry(Filter={"And": {"Prefix": "video/", "ObjectSizeGreaterThan": 0}})], id="objects that are not empty"
        ),
        pytest.param([entry(Filter={"And": {"Prefix": "video/", "Owner": "x"}})], id="prefix and some new kind"),
        pytest.param(
            [entry(Filter={"And": {"Prefix": "video/", "Tags": [{"Key": "a", "Value": "b"}]}})], id="prefix and tags"
        ),
        pytest.param(
            [entry(Expiration=None, AbortIncompleteMultipartUpload={"DaysAfterInitiation": 7})],
            id="unfinished uploads, which others pass",
        ),
        pytest.param(
            [entry(Expiration=None, Transitions=[{"Days": 30, "StorageClass": "GLACIER"}])],
            id="a transition, which others pass",
        ),
        pytest.param([entry(Expiration={"ExpiredObjectDeleteMarker": True})], id="delete markers, which others pass"),
        pytest.param([entry(Expiration={"Days": 401})], id="too late"),
    ],
)
def test_media_that_no_rule_ends_in_time_fails(entries: list[dict[str, Json]]) -> None:
    assessment = judge(retention, lifecycle(*entries))
    assert assessment.outcome is Outcome.FAIL
    assert "in time" in assessment.findings[0].message


@pytest.mark.parametrize(
    "entries",
    [
        pytest.param([entry(Expiration={"Days": 29})], id="the rule of the prefix"),
        pytest.param([entry(), entry(Expiration={"Days": 7})], id="the shorter one of two"),
        pytest.param(
            [entry(), entry(Filter={"Prefix": "video/recordings/a"}, Expiration={"Days": 7})], id="a rule for a part"
        ),
        pytest.param(
            [entry(), entry(Filter={"ObjectSizeGreaterThan": 1}, Expiration={"Days": 7})], id="a rule for some sizes"
        ),
        pytest.param([entry(), entry(Expiration={"Date": ago(days=9)})], id="a date in the past"),
        pytest.param([entry(), entry(Expiration={"Date": ago(days=-900)})], id="a date to come"),
    ],
)
def test_media_that_a_rule_ends_too_early_fails(entries: list[dict[str, Json]]) -> None:
    assessment = judge(retention, lifecycle(*entries))
    assert assessment.outcome is Outcome.FAIL
    assert "too early" in assessment.findings[0].message


@pytest.mark.parametrize(
    ("entries", "observed"),
    [
        pytest.param([entry(NoncurrentVersionExpiration=None)], "never deleted", id="for ever"),
        pytest.param(
            [entry(NoncurrentVersionExpiration={"NoncurrentDays": 36})], "deleted after 365 + 36 days", id="too long"
        ),
        pytest.param(
            [entry(NoncurrentVersionExpiration={**NONCURRENT, "NewerNoncurrentVersions": 1})],
            "never deleted",
            id="the newest one for ever",
        ),
        pytest.param(
            [
                entry(NoncurrentVersionExpiration=None),
                entry(Expiration=None, Filter={"Prefix": "video/recordings/2026/"}),
            ],
            "never deleted",
            id="in a part of the prefix",
        ),
    ],
)
def test_expired_media_that_stays_as_a_noncurrent_version_fails(entries: list[dict[str, Json]], observed: str) -> None:
    assessment = judge(retention, lifecycle(*entries))
    assert (assessment.outcome, assessment.findings[0].observed) == (Outcome.FAIL, observed)


def test_a_bucket_that_never_had_versions_needs_no_rule_for_them() -> None:
    case = lifecycle(entry(NoncurrentVersionExpiration=None))
    case.answer("s3:GetBucketVersioning", {})
    assert judge(retention, case).outcome is Outcome.PASS


def test_a_bucket_that_once_had_versions_needs_one() -> None:
    case = lifecycle(entry(NoncurrentVersionExpiration=None))
    case.set("s3:GetBucketVersioning", "/Status", "Suspended")
    assert judge(retention, case).outcome is Outcome.FAIL


def test_whether_versions_stay_is_unknown_when_versioning_may_not_be_read() -> None:
    case = lifecycle(entry())
    case.deny("s3:GetBucketVersioning")
    assert judge(retention, case).outcome is Outcome.UNKNOWN


def test_a_lifecycle_that_may_not_be_read_is_unknown_which_others_fail() -> None:
    case = sound()
    case.deny(LIFECYCLE)
    assessment = judge(retention, case)
    assert (assessment.outcome, assessment.permission) == (Outcome.UNKNOWN, LIFECYCLE)


def test_without_a_least_time_early_expiry_is_in_order() -> None:
    assert judge(retention, lifecycle(entry(Expiration={"Days": 1}), least=None)).outcome is Outcome.PASS


def test_without_a_greatest_time_media_may_stay() -> None:
    assert judge(retention, lifecycle(most=None)).outcome is Outcome.PASS


def test_a_date_ends_no_media_by_age() -> None:
    case = lifecycle(entry(Expiration={"Date": ago(days=9)}), least=None)
    assert judge(retention, case).outcome is Outcome.FAIL


def test_without_limits_there_is_nothing_to_judge() -> None:
    case = lifecycle(entry(), least=None, most=None)
    assert judge(retention, case, RECORDINGS).outcome is Outcome.NOT_APPLICABLE
