"""What keeps media from being deleted: Object Lock and MFA delete, and whether other controls go with them."""

from typing import Any

import pytest

from recordscan.facts import Json, Reason
from recordscan.result import Outcome
from recordscan.rule import Rule, Severity
from recordscan.testing import AWS_ACCOUNT, PREFIX, TWILIO_ACCOUNT, Case, judge, judge_all, role_details, sound
from recordscan_rules.locks import controls_conflict, mfa_delete, object_lock, uploads_under_lock
from recordscan_rules.retention import noncurrent_versions, retention, unfinished_uploads
from rules.failing_bucket import LIFECYCLE, add_objects, answers, demand, guarded, lock
from rules.failing_bucket import mfa_delete as with_mfa_delete

RECORDINGS = f"twilio:{TWILIO_ACCOUNT}/recordings"
LOCK = "s3:GetObjectLockConfiguration"
DEFAULT = "/ObjectLockConfiguration/Rule/DefaultRetention"


def entry(**members: Json) -> dict[str, Json]:
    """A sound lifecycle rule with some members changed; None removes one."""
    row: dict[str, Json] = {
        "ID": "retention",
        "Status": "Enabled",
        "Filter": {"Prefix": "video/"},
        "Expiration": {"Days": 365},
        "NoncurrentVersionExpiration": {"NoncurrentDays": 30},
        "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7},
    }
    return {name: value for name, value in {**row, **members}.items() if value is not None}


def lifecycle(*entries: dict[str, Json]) -> Case:
    case = sound()
    case.answer(LIFECYCLE, {"Rules": list(entries)})
    return case


@pytest.mark.parametrize(
    "rule",
    [object_lock, uploads_under_lock, controls_conflict, noncurrent_versions, unfinished_uploads],
    ids=lambda rule: rule.id,
)
def test_a_locked_bucket_passes_and_without_storage_there_is_none(rule: Rule) -> None:
    outcomes = {uid.rpartition("/")[2]: a.outcome for uid, a in judge_all(rule, guarded()).items()}
    assert outcomes == {"recordings": Outcome.PASS, "compositions": Outcome.NOT_APPLICABLE}


@pytest.mark.parametrize("state", ["Disabled", None])
def test_deleting_without_a_second_factor_fails(state: str | None) -> None:
    assessment = judge(mfa_delete, with_mfa_delete(state))
    assert (assessment.outcome, assessment.findings[0].severity) == (Outcome.FAIL, Severity.LOW)


def test_beside_lifecycle_rules_mfa_delete_does_not_apply_which_prowler_fails() -> None:
    assert judge(mfa_delete, sound(), RECORDINGS).outcome is Outcome.NOT_APPLICABLE


def test_beside_a_lock_for_compliance_mfa_delete_does_not_apply() -> None:
    assert judge(mfa_delete, lock(with_mfa_delete()), RECORDINGS).outcome is Outcome.NOT_APPLICABLE
    assert judge(mfa_delete, lock(with_mfa_delete(), "GOVERNANCE"), RECORDINGS).outcome is Outcome.FAIL


@pytest.mark.parametrize("operation", ["s3:GetBucketVersioning", LIFECYCLE, LOCK])
def test_mfa_delete_is_unknown_when_an_answer_is_missing(operation: str) -> None:
    case = with_mfa_delete()
    case.deny(operation)
    assert judge(mfa_delete, case, RECORDINGS).outcome is Outcome.UNKNOWN


def locked(default: Json, **profile: Any) -> Case:
    case = sound()
    configuration: dict[str, Json] = {"ObjectLockEnabled": "Enabled"}
    if default is not None:
        configuration["Rule"] = {"DefaultRetention": default}
    case.answer(LOCK, {"ObjectLockConfiguration": configuration})
    return demand(case, **profile)


@pytest.mark.parametrize(
    "case",
    [
        pytest.param(locked({"Mode": "COMPLIANCE", "Days": 30}, object_lock_min_days=30), id="at the least"),
        pytest.param(locked({"Mode": "COMPLIANCE", "Years": 1}, object_lock_min_days=365), id="in years"),
        pytest.param(locked({"Mode": "GOVERNANCE", "Days": 30}, object_lock_min_days=30), id="governance will do"),
        pytest.param(
            locked({"Mode": "COMPLIANCE", "Days": 1}, object_lock_mode="GOVERNANCE"), id="in the stricter mode"
        ),
    ],
)
def test_a_default_retention_as_demanded_passes(case: Case) -> None:
    assert judge(object_lock, case).outcome is Outcome.PASS


@pytest.mark.parametrize(
    ("case", "observed"),
    [
        pytest.param(demand(sound(), object_lock_mode="GOVERNANCE"), "Object Lock is off", id="off"),
        pytest.param(
            locked(None, object_lock_min_days=1),
            "enabled without a default retention",
            id="merely enabled, which prowler, steampipe and checkov pass",
        ),
        pytest.param(
            locked({"Mode": "COMPLIANCE", "Days": 29}, object_lock_min_days=30), "COMPLIANCE for 29 days", id="short"
        ),
        pytest.param(
            locked({"Mode": "GOVERNANCE", "Days": 90}, object_lock_mode="COMPLIANCE"),
            "GOVERNANCE for 90 days",
            id="in the weaker mode",
        ),
    ],
)
def test_less_than_is_demanded_fails(case: Case, observed: str) -> None:
    assessment = judge(object_lock, case)
    assert (assessment.outcome, assessment.findings[0].observed) == (Outcome.FAIL, observed)


def test_a_lock_that_nobody_demands_is_not_judged() -> None:
    assert judge(object_lock, lock(sound()), RECORDINGS).outcome is Outcome.NOT_APPLICABLE


def test_a_lock_that_may_not_be_read_is_unknown_which_prowler_fails() -> None:
    case = demand(lock(sound()), object_lock_min_days=30)
    case.deny(LOCK)
    assessment = judge(object_lock, case)
    assert (assessment.outcome, assessment.permission) == (Outcome.UNKNOWN, LOCK)


def test_a_mode_that_nobody_knows_is_unknown() -> None:
    case = locked({"Mode": "ETERNAL", "Days": 90}, object_lock_min_days=30)
    assert judge(object_lock, case).outcome is Outcome.UNKNOWN


def with_bypass(mode: str, **members: Json) -> Case:
    """A role that may bypass retention, in a bucket that is locked."""
    case = demand(lock(sound(), mode), object_lock_min_days=30)
    statement = {"Effect": "Allow", "Action": "s3:Bypass*", "Resource": "*", **members}
    document = {"Version": "2012-10-17", "Statement": [statement]}
    case.set("iam:GetAccountAuthorizationDetails", "/RoleDetailList/-", role_details("intern", document))
    return case


def test_whoever_may_bypass_governance_must_be_an_administrator() -> None:
    case = with_bypass("GOVERNANCE")
    assessment = judge(object_lock, case)
    assert assessment.outcome is Outcome.FAIL
    assert "role/intern can bypass" in assessment.findings[0].message
    named = demand(case, administrators=(f"arn:aws:iam::{AWS_ACCOUNT}:role/intern",))
    assert judge(object_lock, named).outcome is Outcome.PASS


def test_nobody_bypasses_compliance() -> None:
    assert judge(object_lock, with_bypass("COMPLIANCE")).outcome is Outcome.PASS


def test_whether_somebody_bypasses_governance_may_depend_on_what_is_not_known() -> None:
    case = with_bypass("GOVERNANCE", Condition={"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}})
    assessment = judge(object_lock, case)
    assert (assessment.outcome, assessment.reason) == (Outcome.UNKNOWN, Reason.UNDECIDABLE)


def test_without_a_list_of_administrators_nobody_is_held_against_it() -> None:
    assert judge(object_lock, demand(with_bypass("GOVERNANCE"), administrators=None)).outcome is Outcome.PASS


def test_principals_that_may_not_be_read_leave_governance_unknown() -> None:
    case = with_bypass("GOVERNANCE")
    case.deny("iam:GetAccountAuthorizationDetails")
    assert judge(object_lock, case).outcome is Outcome.UNKNOWN


def test_an_upload_under_the_default_retention_proves_that_uploads_arrive() -> None:
    case = add_objects(lock(sound()))
    assert judge(uploads_under_lock, case).outcome is Outcome.PASS


@pytest.mark.parametrize("retention", [None, {"Retention": {}}])
def test_an_object_from_before_proves_nothing(retention: Json) -> None:
    case = add_objects(lock(sound()))
    case.answer("s3:GetObjectRetention", retention)
    assert judge(uploads_under_lock, case).outcome is Outcome.UNKNOWN


def test_a_default_retention_without_uploads_is_unknown() -> None:
    case = lock(sound())
    case.set("s3:ListObjectsV2", "/Contents", [], Prefix=PREFIX)
    assessment = judge(uploads_under_lock, case)
    assert (assessment.outcome, assessment.reason) == (Outcome.UNKNOWN, Reason.UNDECIDABLE)


def test_a_lock_without_default_retention_stands_in_no_upload_s_way() -> None:
    assert judge(uploads_under_lock, locked(None)).outcome is Outcome.PASS
    assert judge(uploads_under_lock, sound(), RECORDINGS).outcome is Outcome.NOT_APPLICABLE


@pytest.mark.parametrize(("days", "outcome"), [(365, Outcome.PASS), (366, Outcome.FAIL)])
def test_expiry_must_not_come_before_the_retention_ends(days: int, outcome: Outcome) -> None:
    assert judge(controls_conflict, lock(sound(), days=days)).outcome is outcome


@pytest.mark.parametrize(
    "other",
    [
        entry(Status="Disabled", Expiration={"Days": 1}),
        entry(Filter={"Prefix": "logs/"}, Expiration={"Days": 1}),
        entry(Filter={"Tag": {"Key": "a", "Value": "b"}}, Expiration={"Days": 1}),
        entry(Expiration={"ExpiredObjectDeleteMarker": True}),
    ],
)
def test_rules_that_expire_no_media_are_in_nobody_s_way(other: dict[str, Json]) -> None:
    assert judge(controls_conflict, lock(lifecycle(entry(), other))).outcome is Outcome.PASS


@pytest.mark.parametrize(("days", "outcome"), [(400, Outcome.PASS), (401, Outcome.FAIL)])
def test_media_that_is_locked_for_longer_than_it_may_be_kept_fails(days: int, outcome: Outcome) -> None:
    assessment = judge(retention, lock(sound(), days=days))
    assert assessment.outcome is outcome
    assert [f.observed for f in assessment.findings] == (
        [] if outcome is Outcome.PASS else ["locked for 401 days (COMPLIANCE); lifecycle rules wait for that"]
    )


@pytest.mark.parametrize(
    "entries",
    [
        pytest.param([entry(NoncurrentVersionExpiration={"NoncurrentDays": 90})], id="at the most"),
        pytest.param([entry(NoncurrentVersionExpiration=None), entry(Expiration=None)], id="in two rules"),
        pytest.param([entry(Expiration={"ExpiredObjectDeleteMarker": True})], id="with markers by their own rule"),
    ],
)
def test_noncurrent_versions_that_end_in_time_pass(entries: list[dict[str, Json]]) -> None:
    assert judge(noncurrent_versions, lifecycle(*entries)).outcome is Outcome.PASS


@pytest.mark.parametrize(
    ("entries", "observed"),
    [
        pytest.param([entry(NoncurrentVersionExpiration=None)], "never deleted", id="never"),
        pytest.param([entry(NoncurrentVersionExpiration={"NoncurrentDays": 91})], "after 91 days", id="late"),
        pytest.param(
            [entry(NoncurrentVersionExpiration={"NoncurrentDays": 9, "NewerNoncurrentVersions": 2})],
            "the newest 2 never deleted",
            id="but for the newest",
        ),
        pytest.param(
            [entry(NoncurrentVersionExpiration=None), entry(Filter={"Prefix": "video/recordings/2026/"})],
            "never deleted",
            id="in a part of the prefix",
        ),
    ],
)
def test_noncurrent_versions_that_stay_fail(entries: list[dict[str, Json]], observed: str) -> None:
    assessment = judge(noncurrent_versions, lifecycle(*entries))
    assert (assessment.outcome, assessment.findings[0].observed) == (Outcome.FAIL, observed)


def test_newest_versions_may_stay_where_nothing_limits_retention() -> None:
    case = lifecycle(entry(NoncurrentVersionExpiration={"NoncurrentDays": 9, "NewerNoncurrentVersions": 2}))
    assert judge(noncurrent_versions, demand(case, retention_max_days=None)).outcome is Outcome.PASS


def test_delete_markers_that_stay_are_a_low_finding() -> None:
    assessment = judge(noncurrent_versions, lifecycle(entry(Expiration=None)))
    assert [f.severity for f in assessment.findings] == [Severity.LOW]


@pytest.mark.parametrize("status", ["Suspended", "Enabled"])
def test_versions_from_before_versioning_was_suspended_count(status: str) -> None:
    case = lifecycle(entry(NoncurrentVersionExpiration=None))
    case.answer("s3:GetBucketVersioning", {"Status": status})
    assert judge(noncurrent_versions, case).outcome is Outcome.FAIL


def test_a_bucket_that_never_kept_versions_has_none() -> None:
    case = lifecycle(entry(NoncurrentVersionExpiration=None))
    case.answer("s3:GetBucketVersioning", {})
    assert judge(noncurrent_versions, case, RECORDINGS).outcome is Outcome.NOT_APPLICABLE


@pytest.mark.parametrize(
    ("entries", "outcome"),
    [
        pytest.param([entry()], Outcome.PASS, id="in time"),
        pytest.param([entry(AbortIncompleteMultipartUpload=None)], Outcome.FAIL, id="never"),
        pytest.param([entry(AbortIncompleteMultipartUpload={"DaysAfterInitiation": 8})], Outcome.FAIL, id="late"),
        pytest.param([entry(Status="Disabled")], Outcome.FAIL, id="by a disabled rule"),
        pytest.param([entry(Filter={"Prefix": "video/recordings/a"})], Outcome.FAIL, id="in a part of the prefix"),
    ],
)
def test_unfinished_uploads_must_be_aborted(entries: list[dict[str, Json]], outcome: Outcome) -> None:
    assert judge(unfinished_uploads, lifecycle(*entries)).outcome is outcome


@pytest.mark.parametrize("rule", [noncurrent_versions, unfinished_uploads, controls_conflict], ids=lambda rule: rule.id)
def test_a_lifecycle_that_may_not_be_read_is_unknown(rule: Rule) -> None:
    case = lock(sound())
    case.deny(LIFECYCLE)
    assert judge(rule, case, RECORDINGS).outcome is Outcome.UNKNOWN


def test_no_lifecycle_at_all_leaves_both_behind() -> None:
    case = answers(LIFECYCLE, None)()
    assert len(judge(noncurrent_versions, case).findings) == 2
    assert judge(unfinished_uploads, case).outcome is Outcome.FAIL
