"""Remedies of trails and of the account: what a call replaces as a whole is repeated, and what is another's is left."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from recordscan.engine import assess_snapshot
from recordscan.facts import Json
from recordscan.remedies.plan import make_plan
from recordscan.remedy import Remedy
from recordscan.result import Outcome
from recordscan.rule import Rule
from recordscan.testing import AWS_ACCOUNT, BUCKET, PREFIX, REGION, TRAIL_ARN, Case, bucket_url, judge, sound
from recordscan_rules.account import (
    access_analyzer,
    guardduty,
    password_policy,
    public_access_block,
)
from recordscan_rules.audit_trail import log_validation, management_events, object_reads, object_writes
from recordscan_rules.identity import boundary
from recordscan_rules.keys import key_rotation_period
from rules.failing_account import short_passwords
from rules.failing_audit import MANAGEMENT, advanced

OBJECTS = f"arn:aws:s3:::{BUCKET}/{PREFIX}"
COVERS = "It covers every key that begins with "
FOREIGN_TRAIL = TRAIL_ARN.replace(AWS_ACCOUNT, "999988887777")


def remedy_of(rule: Rule, case: Case, subject: str | None = None) -> Remedy:
    found = judge(rule, case, subject)
    assert (found.outcome, found.detail) == (Outcome.FAIL, None)
    assert found.remedy is not None
    return found.remedy


def request_of(rule: Rule, case: Case) -> tuple[str, dict[str, Json]]:
    """The only call of the rule's remedy."""
    [step] = remedy_of(rule, case).steps
    return step.request()


def selecting(**answer: Json) -> Case:
    case = sound()
    case.answer("cloudtrail:GetEventSelectors", {"TrailARN": TRAIL_ARN, **answer})
    return case


def fields(access: str, *arns: str) -> list[dict[str, Json]]:
    """The fields of an advanced selector of objects."""
    of_access = {"Field": "readOnly", "Equals": ["true" if access == "read" else "false"]}
    return [
        {"Field": "eventCategory", "Equals": ["Data"]},
        {"Field": "resources.type", "Equals": ["AWS::S3::Object"]},
        *([] if access == "any" else [of_access]),
        *([{"Field": "resources.ARN", "StartsWith": list(arns)}] if arns else []),
    ]


@pytest.mark.parametrize(
    ("selector", "translated"),
    [
        ({"ReadWriteType": "All"}, [MANAGEMENT]),
        ({}, [MANAGEMENT]),
        (
            {"ReadWriteType": "WriteOnly"},
            [[*MANAGEMENT, {"Field": "readOnly", "Equals": ["false"]}]],
        ),
        (
            {"ExcludeManagementEventSources": ["kms.amazonaws.com"]},
            [[*MANAGEMENT, {"Field": "eventSource", "NotEquals": ["kms.amazonaws.com"]}]],
        ),
        (
            {
                "ReadWriteType": "WriteOnly",
                "IncludeManagementEvents": False,
                "DataResources": [{"Type": "AWS::S3::Object", "Values": ["arn:aws:s3:::"]}],
            },
            [fields("write")],
        ),
        (
            {
                "IncludeManagementEvents": False,
                "DataResources": [{"Type": "AWS::S3::Object", "Values": ["arn:aws:s3:::other/", "arn:aws:s3:::o/x"]}],
            },
            [fields("any", "arn:aws:s3:::other/", "arn:aws:s3:::o/x")],
        ),
    ],
)
def test_basic_selectors_become_advanced_ones_that_say_the_same(
    selector: dict[str, Json], translated: list[list[dict[str, Json]]]
) -> None:
    operation, parameters = request_of(object_reads, selecting(EventSelectors=[selector]))
    assert operation == "cloudtrail:PutEventSelectors"
    added = fields("read", OBJECTS)
    assert parameters == {
        "TrailName": TRAIL_ARN,
        "AdvancedEventSelectors": [{"FieldSelectors": each} for each in (*translated, added)],
    }


@pytest.mark.parametrize(
    "resource",
    [
        {"Type": "AWS::Lambda::Function", "Values": ["arn:aws:lambda"]},
        {"Type": "AWS::S3::Object", "Values": ["arn:aws:s3:::without-a-slash"]},
        {"Type": "AWS::S3::Object", "Values": []},
    ],
)
def test_basic_selectors_without_a_known_counterpart_are_left_to_a_person(resource: Json) -> None:
    case = selecting(EventSelectors=[{"ReadWriteType": "All", "DataResources": [resource]}])
    found = remedy_of(object_writes, case)
    assert found.steps == ()
    assert "which a person must replace" in (found.by_hand or "")


def test_advanced_selectors_stay_as_they_are_beside_the_new_one() -> None:
    there = [{"Name": "mine", "FieldSelectors": MANAGEMENT}]
    _, parameters = request_of(object_writes, selecting(AdvancedEventSelectors=there))
    assert parameters["AdvancedEventSelectors"] == [*there, {"FieldSelectors": fields("write", OBJECTS)}]


def test_reads_and_writes_of_one_trail_are_one_call() -> None:
    case = selecting(EventSelectors=[{"ReadWriteType": "All"}])
    result = assess_snapshot(case.snapshot(), [object_reads, object_writes], fail_on=None, profile=case.profile)
    [planned] = make_plan(result).steps
    _, parameters = planned.step.request()
    assert [selector["FieldSelectors"] for selector in parameters["AdvancedEventSelectors"]] == [
        MANAGEMENT,
        fields("read", OBJECTS),
        fields("write", OBJECTS),
    ]


@pytest.mark.parametrize(
    "change",
    [
        lambda case: case.set("cloudtrail:DescribeTrails", "/trailList/0/S3BucketName", BUCKET),
        lambda case: case.set("cloudtrail:GetTrailStatus", "/IsLogging", False),
        lambda case: case.answer("cloudtrail:DescribeTrails", {"trailList": []}),
    ],
    ids=["into the very bucket", "off", "none"],
)
def test_a_trail_that_must_not_record_the_objects_is_not_told_to(change: Callable[[Case], Any]) -> None:
    case = selecting(EventSelectors=[{"ReadWriteType": "All"}])
    change(case)
    assert remedy_of(object_reads, case).by_hand is not None


def test_the_first_selector_of_management_events_becomes_the_whole_and_the_others_stay() -> None:
    narrow = [*MANAGEMENT, {"Field": "readOnly", "Equals": ["true"]}]
    objects = fields("any")
    case = sound()
    case.answer("cloudtrail:GetEventSelectors", advanced(objects, narrow))
    _, parameters = request_of(management_events, case)
    assert parameters["AdvancedEventSelectors"] == [{"FieldSelectors": objects}, {"FieldSelectors": MANAGEMENT}]


def test_a_trail_that_lacks_everything_is_mended_before_it_is_switched_on() -> None:
    case = selecting(EventSelectors=[{"ReadWriteType": "WriteOnly"}])
    case.set("cloudtrail:GetTrailStatus", "/IsLogging", False)
    case.set("cloudtrail:DescribeTrails", "/trailList/0/IsMultiRegionTrail", False)
    steps = remedy_of(management_events, case).steps
    assert [step.operation for step in steps] == [
        "cloudtrail:PutEventSelectors",
        "cloudtrail:UpdateTrail",
        "cloudtrail:StartLogging",
    ]
    assert {step.region for step in steps} == {REGION}


def test_the_trail_of_another_account_is_left_to_it() -> None:
    case = sound()
    case.set("cloudtrail:DescribeTrails", "/trailList/0/TrailARN", FOREIGN_TRAIL)
    case.set("cloudtrail:DescribeTrails", "/trailList/0/LogFileValidationEnabled", False)
    for operation, request in (("GetTrailStatus", "Name"), ("GetEventSelectors", "TrailName")):
        answer = {"IsLogging": True} if request == "Name" else {"EventSelectors": [{"ReadWriteType": "All"}]}
        case.add(f"cloudtrail:{operation}", answer, region=REGION, **{request: FOREIGN_TRAIL})
    assert "which alone can change it" in (remedy_of(log_validation, case).by_hand or "")


def test_what_else_the_password_policy_says_is_repeated_and_nothing_gets_weaker() -> None:
    case = short_passwords()
    policy = {
        "MinimumPasswordLength": 20,
        "RequireSymbols": True,
        "RequireNumbers": False,
        "ExpirePasswords": True,
        "MaxPasswordAge": 90,
    }
    case.answer("iam:GetAccountPasswordPolicy", {"PasswordPolicy": policy})
    assert request_of(password_policy, case) == (
        "iam:UpdateAccountPasswordPolicy",
        {"RequireSymbols": True, "MaxPasswordAge": 90, "MinimumPasswordLength": 20, "PasswordReusePrevention": 24},
    )


def test_the_block_of_the_account_has_all_four_switches() -> None:
    case = sound()
    case.answer("s3control:GetPublicAccessBlock", None)
    _, parameters = request_of(public_access_block, case)
    assert parameters["AccountId"] == AWS_ACCOUNT
    assert set(parameters["PublicAccessBlockConfiguration"].values()) == {True}
    assert len(parameters["PublicAccessBlockConfiguration"]) == 4


@pytest.mark.parametrize("status", ["ENABLED", "DISABLED"])
def test_a_detector_that_is_there_is_updated_as_a_region_takes_no_second_one(status: str) -> None:
    case = sound()
    case.set("guardduty:GetDetector", "/Status", status)
    case.set("guardduty:GetDetector", "/Features", [])
    operation, parameters = request_of(guardduty, case)
    assert operation == "guardduty:UpdateDetector"
    assert parameters["Enable"] is True
    assert parameters["DetectorId"]


def test_findings_of_access_analyzer_are_left_to_a_person() -> None:
    case = sound()
    findings = {"findings": [{"id": "f-1", "resource": f"arn:aws:s3:::{BUCKET}"}], "truncated": False}
    case.answer("accessanalyzer:ListFindingsV2", findings)
    assert "a person must decide" in (remedy_of(access_analyzer, case).by_hand or "")


@pytest.mark.parametrize(("most", "period"), [(365, 365), (90, 90), (30, None)])
def test_the_period_of_rotation_is_that_of_the_profile_if_kms_can(most: int, period: int | None) -> None:
    case = sound()
    case.set("kms:GetKeyRotationStatus", "/RotationPeriodInDays", 2000)
    case.profile = replace(case.profile, key_rotation_max_days=most)
    found = remedy_of(key_rotation_period, case)
    assert [step.parameters["RotationPeriodInDays"] for step in found.steps] == ([period] if period else [])
    assert (found.by_hand is None) == bool(period)


def warnings_of(prefix: str) -> list[str]:
    """What the remedy of a missing boundary warns of, where media goes under a prefix."""
    case = sound()
    case.set("twilio:FetchRecordingSettings", "/aws_s3_url", bucket_url(prefix))
    case.set("iam:GetUser", "/User/PermissionsBoundary", None)
    made, _ = remedy_of(boundary, case).steps
    return [warning for warning in made.warnings if warning.startswith(COVERS)]


def test_a_policy_for_a_prefix_without_a_slash_is_told_to_be_too_wide() -> None:
    bare = PREFIX.removesuffix("/")
    assert warnings_of(PREFIX) == []
    assert warnings_of(bare) == [f"{COVERS}{bare!r}: when the URL ends in a slash, scan again, and narrow it."]
