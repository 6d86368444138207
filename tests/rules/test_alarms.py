"""Whether anybody hears of it when somebody changes what guards the media."""

import json
from collections.abc import Callable

import pytest

from recordscan.facts import Json
from recordscan.result import Outcome
from recordscan.rule import Severity
from recordscan.testing import LOG_GROUP, REGION, TWILIO_ACCOUNT, Case, judge, judge_all, sound
from recordscan_rules.alarms import bucket_changes, key_changes

RECORDINGS = f"twilio:{TWILIO_ACCOUNT}/recordings"
CIS_ONLY = " || ".join(
    f"($.eventName = {name})"
    for name in (
        "PutBucketAcl",
        "PutBucketPolicy",
        "PutBucketCors",
        "PutBucketLifecycle",
        "PutBucketReplication",
        "DeleteBucketPolicy",
        "DeleteBucketCors",
        "DeleteBucketLifecycle",
        "DeleteBucketReplication",
    )
)

Change = Callable[[Case], object]


def sets(operation: str, pointer: str, value: Json) -> Change:
    return lambda case: case.set(operation, pointer, value)


def pattern(value: Json) -> Change:
    return sets("events:ListRules", "/Rules/0/EventPattern", json.dumps(value))


def spoiled(*changes: Change) -> Case:
    case = sound()
    for change in changes:
        change(case)
    return case


def test_what_is_in_good_order_passes_and_without_storage_there_is_nothing() -> None:
    for rule in (bucket_changes, key_changes):
        outcomes = {uid.rpartition("/")[2]: a.outcome for uid, a in judge_all(rule, sound()).items()}
        assert outcomes == {"recordings": Outcome.PASS, "compositions": Outcome.NOT_APPLICABLE}


@pytest.mark.parametrize(
    ("change", "outcome"),
    [
        pytest.param(sets("cloudwatch:DescribeAlarms", "/MetricAlarms", []), Outcome.FAIL, id="no alarm"),
        pytest.param(
            sets("cloudwatch:DescribeAlarms", "/MetricAlarms/0/AlarmActions", []), Outcome.FAIL, id="an idle alarm"
        ),
        pytest.param(
            sets("cloudwatch:DescribeAlarms", "/MetricAlarms/0/MetricName", "Other"), Outcome.FAIL, id="another metric"
        ),
        pytest.param(
            sets("logs:DescribeMetricFilters", "/metricFilters/0/filterPattern", "{ $.eventName = GetObject }"),
            Outcome.FAIL,
            id="another event",
        ),
        pytest.param(
            sets("logs:DescribeMetricFilters", "/metricFilters/0/filterPattern", "PutBucketPolicy"),
            Outcome.UNKNOWN,
            id="a pattern of plain text",
        ),
        pytest.param(
            pattern({"source": ["aws.kms", "aws.s3"]}), Outcome.PASS, id="EventBridge beside, which others do not see"
        ),
        pytest.param(sets("cloudtrail:GetTrailStatus", "/IsLogging", False), Outcome.FAIL, id="a trail that is off"),
        pytest.param(
            sets("cloudtrail:DescribeTrails", "/trailList/0/CloudWatchLogsLogGroupArn", None),
            Outcome.FAIL,
            id="no log group",
        ),
        pytest.param(
            sets(
                "cloudtrail:DescribeTrails",
                "/trailList/0/CloudWatchLogsLogGroupArn",
                f"arn:aws:logs:{REGION}:999988887777:log-group:{LOG_GROUP}:*",
            ),
            Outcome.UNKNOWN,
            id="a log group of another account",
        ),
    ],
)
def test_a_change_of_the_bucket_is_heard_of(change: Change, outcome: Outcome) -> None:
    assert judge(bucket_changes, spoiled(change), RECORDINGS).outcome is outcome


def test_eventbridge_alone_is_enough_where_others_demand_metric_filters() -> None:
    case = spoiled(
        sets("logs:DescribeMetricFilters", "/metricFilters", []),
        pattern({"source": ["aws.s3"], "detail-type": ["AWS API Call via CloudTrail"]}),
    )
    assert judge(bucket_changes, case, RECORDINGS).outcome is Outcome.PASS


def test_the_alarm_of_a_composite_counts() -> None:
    composite = {
        "AlarmName": "any",
        "AlarmRule": 'ALARM("other") OR ALARM("bucket-changes")',
        "ActionsEnabled": True,
        "AlarmActions": ["arn:aws:sns:eu-west-1:111122223333:security"],
    }
    idle = sets("cloudwatch:DescribeAlarms", "/MetricAlarms/0/AlarmActions", [])
    case = spoiled(idle, sets("cloudwatch:DescribeAlarms", "/CompositeAlarms", [composite]))
    assert judge(bucket_changes, case, RECORDINGS).outcome is Outcome.PASS
    composite["AlarmRule"] = 'ALARM("bucket-changes-of-others")'
    case = spoiled(idle, sets("cloudwatch:DescribeAlarms", "/CompositeAlarms", [composite]))
    assert judge(bucket_changes, case, RECORDINGS).outcome is Outcome.FAIL


def test_the_list_of_the_benchmark_leaves_out_newer_events_which_is_a_note() -> None:
    filter_pattern = f"{{ ($.eventSource = s3.amazonaws.com) && ({CIS_ONLY}) }}"
    case = spoiled(sets("logs:DescribeMetricFilters", "/metricFilters/0/filterPattern", filter_pattern))
    assessment = judge(bucket_changes, case)
    assert (assessment.outcome, assessment.severity) == (Outcome.FAIL, Severity.INFO)
    assert "PutBucketPublicAccessBlock" in (assessment.findings[0].observed or "")


@pytest.mark.parametrize("operation", ["logs:DescribeMetricFilters", "cloudwatch:DescribeAlarms"])
def test_what_may_not_be_read_is_unknown_where_it_could_tell(operation: str) -> None:
    case = sound()
    case.deny(operation)
    assert judge(bucket_changes, case, RECORDINGS).outcome is Outcome.UNKNOWN
    assert judge(key_changes, case, RECORDINGS).outcome is Outcome.PASS


@pytest.mark.parametrize("operation", ["events:ListRules", "events:ListTargetsByRule"])
def test_rules_that_may_not_be_read_are_unknown(operation: str) -> None:
    case = sound()
    case.deny(operation)
    assert judge(key_changes, case, RECORDINGS).outcome is Outcome.UNKNOWN


def test_a_trail_without_kms_does_not_count_what_happens_to_keys() -> None:
    counted = "{ $.eventSource = kms.amazonaws.com }"
    case = spoiled(
        sets("logs:DescribeMetricFilters", "/metricFilters/0/filterPattern", counted),
        sets("events:ListRules", "/Rules", []),
    )
    assert judge(key_changes, case, RECORDINGS).outcome is Outcome.PASS
    case.set("cloudtrail:GetEventSelectors", "/EventSelectors/0/ExcludeManagementEventSources", ["kms.amazonaws.com"])
    assert judge(key_changes, case, RECORDINGS).outcome is Outcome.FAIL
