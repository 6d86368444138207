"""Who did what with recordings, afterwards."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from recordscan.engine import assess
from recordscan.facts import Json
from recordscan.result import Outcome
from recordscan.rule import Severity
from recordscan.scope import BucketScope
from recordscan.testing import BUCKET, LOG_BUCKET, PREFIX, REGION, TRAIL_ARN, Case, judge, judge_all, sound
from recordscan_rules.audit_trail import access_logging

SECOND_TRAIL = TRAIL_ARN + "-2"
SELECTORS = "cloudtrail:GetEventSelectors"

Change = Callable[[Case], None]


def selector(access: str = "All", *values: str) -> Json:
    resources = [{"Type": "AWS::S3::Object", "Values": list(values) or ["arn:aws:s3"]}]
    return {"ReadWriteType": access, "IncludeManagementEvents": True, "DataResources": resources}


def selects(*selectors: Json) -> Change:
    return lambda case: case.answer(SELECTORS, {"EventSelectors": list(selectors)}, TrailName=TRAIL_ARN)


def selects_finely(*fields: Json) -> Change:
    always = [
        {"Field": "eventCategory", "Equals": ["Data"]},
        {"Field": "resources.type", "Equals": ["AWS::S3::Object"]},
    ]
    answer = {"AdvancedEventSelectors": [{"FieldSelectors": [*always, *fields]}]}
    return lambda case: case.answer(SELECTORS, answer, TrailName=TRAIL_ARN)


def second_trail(access: str) -> Change:
    def change(case: Case) -> None:
        row = {"TrailARN": SECOND_TRAIL, "HomeRegion": REGION, "IsMultiRegionTrail": True, "S3BucketName": "b"}
        case.set("cloudtrail:DescribeTrails", "/trailList/-", row)
        case.add("cloudtrail:GetTrailStatus", {"IsLogging": True}, region=REGION, Name=SECOND_TRAIL)
        case.add(SELECTORS, {"EventSelectors": [selector(access)]}, region=REGION, TrailName=SECOND_TRAIL)

    return change


def without_log(*changes: Change) -> Case:
    case = sound()
    case.answer("s3:GetBucketLogging", {})
    for change in changes:
        change(case)
    return case


def test_a_bucket_in_good_order_passes_and_without_storage_there_is_none() -> None:
    outcomes = {uid.rpartition("/")[2]: a.outcome for uid, a in judge_all(access_logging, sound()).items()}
    assert outcomes == {"recordings": Outcome.PASS, "compositions": Outcome.NOT_APPLICABLE}


def test_a_log_that_goes_to_the_root_of_its_bucket_passes() -> None:
    case = sound()
    case.answer("s3:GetBucketLogging", {"LoggingEnabled": {"TargetBucket": "logs", "TargetPrefix": ""}})
    assert judge(access_logging, case).outcome is Outcome.PASS


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param([], id="one trail"),
        pytest.param([selects(selector())], id="of all buckets"),
        pytest.param([selects(selector("All", f"arn:aws:s3:::{BUCKET}/{PREFIX}"))], id="of the prefix"),
        pytest.param([selects(selector("ReadOnly"), selector("WriteOnly"))], id="in two selectors"),
        pytest.param([selects(selector("ReadOnly")), second_trail("WriteOnly")], id="in two trails"),
        pytest.param([selects_finely()], id="in an advanced selector"),
    ],
)
def test_a_missing_log_is_low_where_trails_record_all_reads_and_writes(changes: list[Change]) -> None:
    assessment = judge(access_logging, without_log(*changes))
    assert (assessment.outcome, assessment.severity) == (Outcome.FAIL, Severity.LOW)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda case: case.answer("cloudtrail:DescribeTrails", {"trailList": []}), id="no trail"),
        pytest.param(lambda case: case.set("cloudtrail:GetTrailStatus", "/IsLogging", False), id="a trail that is off"),
        pytest.param(selects(), id="management events only"),
        pytest.param(selects(selector("WriteOnly")), id="writes only"),
        pytest.param(selects(selector("ReadOnly")), id="reads only"),
        pytest.param(selects(selector("All", "arn:aws:s3:::other/")), id="another bucket"),
        pytest.param(selects(selector("All", f"arn:aws:s3:::{BUCKET}/{PREFIX}2026/")), id="a part of the prefix"),
        pytest.param(
            selects_finely({"Field": "eventName", "Equals": ["GetObject"]}), id="narrowed by an advanced selector"
        ),
        pytest.param(lambda case: case.deny("cloudtrail:DescribeTrails"), id="trails that may not be read"),
        pytest.param(lambda case: case.deny("cloudtrail:GetTrailStatus"), id="a status that may not be read"),
        pytest.param(lambda case: case.deny(SELECTORS), id="selectors that may not be read"),
    ],
)
def test_a_missing_log_is_medium_where_no_trail_surely_records_it_all(change: Change) -> None:
    assessment = judge(access_logging, without_log(change))
    assert (assessment.outcome, assessment.severity) == (Outcome.FAIL, Severity.MEDIUM)


def test_logging_that_may_not_be_read_is_unknown_which_others_fail() -> None:
    case = sound()
    case.deny("s3:GetBucketLogging")
    assessment = judge(access_logging, case)
    assert (assessment.outcome, assessment.permission) == (Outcome.UNKNOWN, "s3:GetBucketLogging")


def with_log_bucket() -> Case:
    """The log bucket is looked at, too, and keeps no log of its own."""
    case = sound()
    case.scope = replace(case.scope, buckets=(BucketScope(bucket=LOG_BUCKET),))
    return case


def verdict(case: Case, uid: str) -> Outcome:
    # Not by judge(): who logs into a bucket only excuses it, and is told by the answers about other buckets.
    [target] = [target for target in case.estate().targets if target.uid == uid]
    return assess(access_logging, target, case.profile).outcome


def test_a_bucket_that_others_log_into_need_not_log_itself() -> None:
    assert verdict(with_log_bucket(), f"s3://{LOG_BUCKET}/") is Outcome.NOT_APPLICABLE


def test_a_bucket_that_nobody_is_known_to_log_into_must_log() -> None:
    elsewhere, unread = with_log_bucket(), with_log_bucket()
    elsewhere.set("s3:GetBucketLogging", "/LoggingEnabled/TargetBucket", "other-logs", Bucket=BUCKET)
    unread.deny("s3:GetBucketLogging", Bucket=BUCKET)
    for case in (elsewhere, unread):
        assert verdict(case, f"s3://{LOG_BUCKET}/") is Outcome.FAIL


def test_a_log_bucket_whose_own_logging_may_not_be_read_is_unknown() -> None:
    case = with_log_bucket()
    case.deny("s3:GetBucketLogging", Bucket=LOG_BUCKET)
    assert verdict(case, f"s3://{LOG_BUCKET}/") is Outcome.UNKNOWN
