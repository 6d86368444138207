"""Trails: that they record what matters here, deliver it, and keep it where nobody tampers with it."""

import json
from collections.abc import Callable
from dataclasses import replace

import pytest

from recordscan.facts import Json, Reason
from recordscan.result import Outcome
from recordscan.rule import Rule, Severity
from recordscan.testing import (
    AWS_ACCOUNT,
    BUCKET,
    LOG_BUCKET,
    LOG_DELIVERY,
    PREFIX,
    REGION,
    TRAIL_ARN,
    TRAIL_BUCKET,
    TWILIO_ACCOUNT,
    Case,
    ago,
    judge,
    judge_all,
    sound,
)
from recordscan_rules.audit_trail import (
    delivery,
    log_target,
    log_validation,
    management_events,
    object_reads,
    object_writes,
    trail_bucket,
    trail_encryption,
)
from rules.failing_audit import MANAGEMENT, OBJECTS, STORE_ARN, advanced, looping, with_store

RECORDINGS = f"twilio:{TWILIO_ACCOUNT}/recordings"
ALL = [
    management_events,
    object_reads,
    object_writes,
    delivery,
    log_validation,
    trail_encryption,
    trail_bucket,
    log_target,
]
OTHER = TRAIL_ARN.replace("trail/audit", "trail/other")
ORGANIZATION_TRAIL = TRAIL_ARN.replace(AWS_ACCOUNT, "999988887777")

Change = Callable[[Case], object]


def spoiled(*changes: Change) -> Case:
    case = sound()
    for change in changes:
        change(case)
    return case


def trail(**members: Json) -> Change:
    def change(case: Case) -> None:
        for name, value in members.items():
            case.set("cloudtrail:DescribeTrails", f"/trailList/0/{name}", value)

    return change


def status(**members: Json) -> Change:
    def change(case: Case) -> None:
        for name, value in members.items():
            case.set("cloudtrail:GetTrailStatus", f"/{name}", value, Name=TRAIL_ARN)

    return change


def classic(*selectors: Json) -> Change:
    return lambda case: case.answer("cloudtrail:GetEventSelectors", {"EventSelectors": list(selectors)})


def finely(*selectors: list[dict[str, Json]]) -> Change:
    return lambda case: case.answer("cloudtrail:GetEventSelectors", advanced(*selectors))


def objects(*fields: dict[str, Json]) -> list[dict[str, Json]]:
    return [*OBJECTS, *fields]


def selector(access: str, *values: str, **members: Json) -> Json:
    resources = [{"Type": "AWS::S3::Object", "Values": list(values)}] if values else []
    return {"ReadWriteType": access, "IncludeManagementEvents": True, "DataResources": resources, **members}


def second_trail(access: str, *values: str, home: str = REGION, arn: str = OTHER, **members: Json) -> Change:
    def change(case: Case) -> None:
        row = {**case.find("cloudtrail:DescribeTrails")["trailList"][0], "TrailARN": arn, "HomeRegion": home}
        case.set("cloudtrail:DescribeTrails", "/trailList/-", {**row, **members})
        case.add("cloudtrail:GetTrailStatus", case.find("cloudtrail:GetTrailStatus"), region=home, Name=arn)
        answer = {"EventSelectors": [selector(access, *values)]}
        case.add("cloudtrail:GetEventSelectors", answer, region=home, TrailName=arn)

    return change


def of_log_bucket(operation: str, answer: Json, bucket: str = TRAIL_BUCKET) -> Change:
    return lambda case: case.answer(operation, answer, Bucket=bucket)


@pytest.mark.parametrize("rule", ALL, ids=lambda rule: rule.id)
def test_what_is_in_good_order_passes_and_without_storage_there_is_nothing(rule: Rule) -> None:
    outcomes = {uid.rpartition("/")[2]: a.outcome for uid, a in judge_all(rule, sound()).items()}
    assert outcomes == {"recordings": Outcome.PASS, "compositions": Outcome.NOT_APPLICABLE}


@pytest.mark.parametrize("rule", [management_events, object_reads, object_writes], ids=lambda r: r.id)
def test_an_event_data_store_takes_the_place_of_a_trail_which_others_do_not_see(rule: Rule) -> None:
    assert judge(rule, with_store(), RECORDINGS).outcome is Outcome.PASS


@pytest.mark.parametrize(
    ("changes", "outcome", "severity"),
    [
        pytest.param([finely([{"Field": "eventCategory", "Equals": ["Management"]}])], "pass", None, id="advanced"),
        pytest.param(
            [finely([*MANAGEMENT, {"Field": "readOnly", "Equals": ["true"]}])], "fail", Severity.HIGH, id="reads only"
        ),
        pytest.param(
            [
                finely(
                    [*MANAGEMENT, {"Field": "readOnly", "Equals": ["true"]}],
                    [*MANAGEMENT, {"Field": "readOnly", "Equals": ["false"]}],
                )
            ],
            "pass",
            None,
            id="a selector of any name for each, of which others know one name only",
        ),
        pytest.param(
            [finely([*MANAGEMENT, {"Field": "eventSource", "NotEquals": ["kms.amazonaws.com"]}])],
            "fail",
            Severity.MEDIUM,
            id="without KMS",
        ),
        pytest.param(
            [finely([*MANAGEMENT, {"Field": "eventSource", "Equals": ["ec2.amazonaws.com"]}])],
            "fail",
            Severity.HIGH,
            id="of one service",
        ),
        pytest.param([classic(selector("WriteOnly"))], "fail", Severity.HIGH, id="classic, writes only"),
        pytest.param([status(IsLogging=False)], "fail", Severity.HIGH, id="off, which others pass"),
        pytest.param([trail(IsMultiRegionTrail=False)], "fail", Severity.HIGH, id="of one Region"),
        pytest.param(
            [status(IsLogging=False), second_trail("All", IsMultiRegionTrail=True)],
            "pass",
            None,
            id="a second one that is on",
        ),
    ],
)
def test_a_trail_of_all_regions_records_management(
    changes: list[Change], outcome: str, severity: Severity | None
) -> None:
    case = spoiled(*changes[:1])
    if len(changes) > 1:
        changes[1](case)
        case.set("cloudtrail:GetTrailStatus", "/IsLogging", True, Name=OTHER)
    assessment = judge(management_events, case, RECORDINGS)
    assert (assessment.outcome.value, assessment.severity if severity else None) == (outcome, severity)


@pytest.mark.parametrize(
    "operation",
    [
        "cloudtrail:DescribeTrails",
        "cloudtrail:GetTrailStatus",
        "cloudtrail:GetEventSelectors",
    ],
)
@pytest.mark.parametrize("rule", [management_events, object_reads, object_writes], ids=lambda rule: rule.id)
def test_what_may_not_be_read_of_trails_is_unknown(rule: Rule, operation: str) -> None:
    case = sound()
    case.deny(operation)
    assessment = judge(rule, case, RECORDINGS)
    assert (assessment.outcome, assessment.permission) == (Outcome.UNKNOWN, operation)


def test_event_data_stores_that_may_not_be_read_matter_only_where_no_trail_records() -> None:
    case = sound()
    case.deny("cloudtrail:ListEventDataStores")
    assert judge(object_writes, case).outcome is Outcome.PASS
    case.set("cloudtrail:GetTrailStatus", "/IsLogging", False)
    assert judge(object_writes, case).outcome is Outcome.UNKNOWN


def test_a_foreign_trail_of_an_organization_that_may_not_be_read_is_unknown_and_no_failure() -> None:
    case = sound()
    case.set("cloudtrail:DescribeTrails", "/trailList/0/TrailARN", ORGANIZATION_TRAIL)
    for operation, name in (("GetTrailStatus", "Name"), ("GetEventSelectors", "TrailName")):
        case.add(f"cloudtrail:{operation}", {}, region=REGION, **{name: ORGANIZATION_TRAIL})
        case.deny(f"cloudtrail:{operation}", **{name: ORGANIZATION_TRAIL})
    assert judge(object_writes, case).outcome is Outcome.UNKNOWN


@pytest.mark.parametrize(
    ("change", "reads", "writes"),
    [
        pytest.param(classic(selector("All", "arn:aws:s3")), True, True, id="the all-buckets form that others miss"),
        pytest.param(classic(selector("All", "arn:aws:s3:::")), True, True, id="the other all-buckets form"),
        pytest.param(
            classic(selector("All", f"arn:aws:s3:::{BUCKET}/")), True, True, id="this bucket, which others fail"
        ),
        pytest.param(classic(selector("All", f"arn:aws:s3:::{BUCKET}/video/")), True, True, id="a prefix above"),
        pytest.param(classic(selector("All", f"arn:aws:s3:::{BUCKET}/video/rec")), True, True, id="a part of a name"),
        pytest.param(
            classic(selector("All", f"arn:aws:s3:::{BUCKET}/{PREFIX}2026/")), False, False, id="a prefix below"
        ),
        pytest.param(
            classic(selector("All", f"arn:aws:s3:::{BUCKET}-archive/")),
            False,
            False,
            id="a longer name, which others pass",
        ),
        pytest.param(
            classic(selector("All", f"arn:aws:s3:::{BUCKET[:-2]}")), False, False, id="the beginning of a name"
        ),
        pytest.param(classic(selector("WriteOnly", "arn:aws:s3")), False, True, id="writes, where others see both"),
        pytest.param(classic(selector("ReadOnly", "arn:aws:s3")), True, False, id="reads"),
        pytest.param(classic(selector("All")), False, False, id="management only"),
        pytest.param(finely(MANAGEMENT, objects()), True, True, id="advanced, which others do not read"),
        pytest.param(
            finely(objects({"Field": "readOnly", "Equals": ["false"]})), False, True, id="readOnly, which others pass"
        ),
        pytest.param(
            finely(objects({"Field": "resources.ARN", "StartsWith": ["arn:aws:s3:::other/"]})),
            False,
            False,
            id="the ARN of another bucket, which others pass",
        ),
        pytest.param(
            finely(
                [
                    {"Field": "eventCategory", "Equals": ["Data"]},
                    {"Field": "resources.type", "Equals": ["AWS::Lambda::Function", "AWS::S3::Object"]},
                ]
            ),
            True,
            True,
            id="not the first of several types, which others overlook",
        ),
        pytest.param(
            finely(objects({"Field": "resources.ARN", "StartsWith": [f"arn:aws:s3:::{BUCKET}"]})),
            True,
            True,
            id="starts",
        ),
        pytest.param(
            finely(objects({"Field": "resources.ARN", "Equals": [f"arn:aws:s3:::{BUCKET}/"]})),
            False,
            False,
            id="equals",
        ),
        pytest.param(
            finely(objects({"Field": "resources.ARN", "EndsWith": [".mkv"]})),
            False,
            False,
            id="ends with, which passes",
        ),
        pytest.param(
            finely(objects({"Field": "resources.ARN", "NotEquals": [f"arn:aws:s3:::{BUCKET}/{PREFIX}x"]})),
            False,
            False,
            id="one object left out",
        ),
        pytest.param(
            finely(objects({"Field": "eventName", "StartsWith": ["Put", "Delete"]})), False, False, id="some names"
        ),
        pytest.param(
            finely(objects({"Field": "eventName", "NotStartsWith": ["Get", "Head", "List"]})),
            False,
            True,
            id="not reads",
        ),
        pytest.param(
            finely(objects({"Field": "eventName", "NotEquals": ["NewOperation"]})),
            False,
            False,
            id="an unheard-of name",
        ),
        pytest.param(
            finely(objects({"Field": "eventSource", "Equals": ["s3.amazonaws.com"]})),
            True,
            True,
            id="the source of all",
        ),
        pytest.param(
            finely(objects({"Field": "sessionCredentialFromConsole", "Equals": ["true"]})), False, False, id="console"
        ),
        pytest.param(finely(MANAGEMENT), False, False, id="advanced, management only"),
        pytest.param(status(IsLogging=False), False, False, id="off, which others pass"),
        pytest.param(
            trail(IsMultiRegionTrail=False, HomeRegion="us-east-1"), None, None, id="a status that was not asked"
        ),
    ],
)
def test_object_events_are_judged_by_what_the_selectors_contain(
    change: Change, reads: bool | None, writes: bool | None
) -> None:
    for rule, expected in ((object_reads, reads), (object_writes, writes)):
        outcome = {True: Outcome.PASS, False: Outcome.FAIL, None: Outcome.UNKNOWN}[expected]
        assert judge(rule, spoiled(change), RECORDINGS).outcome is outcome


def test_two_trails_may_share_the_work() -> None:
    case = spoiled(classic(selector("ReadOnly", "arn:aws:s3")), second_trail("WriteOnly", "arn:aws:s3"))
    assert judge(object_reads, case).outcome is Outcome.PASS
    assert judge(object_writes, case).outcome is Outcome.PASS


def test_a_trail_of_another_single_region_does_not_see_the_bucket() -> None:
    case = spoiled(
        classic(selector("All")), second_trail("All", "arn:aws:s3", home="us-east-1", IsMultiRegionTrail=False)
    )
    assert judge(object_reads, case).outcome is Outcome.FAIL


@pytest.mark.parametrize("status_word", ["STOPPED_INGESTION", "PENDING_DELETION"])
def test_an_event_data_store_that_is_off_records_nothing(status_word: str) -> None:
    assert judge(object_reads, with_store(status=status_word)).outcome is Outcome.FAIL


def test_an_event_data_store_that_is_narrowed_records_a_part() -> None:
    case = with_store(MANAGEMENT, [*OBJECTS, {"Field": "eventName", "Equals": ["PutObject"]}])
    assessment = judge(object_reads, case)
    assert assessment.outcome is Outcome.FAIL
    assert "narrowed by eventName" in (assessment.findings[0].observed or "")
    case.deny("cloudtrail:GetEventDataStore", EventDataStore=STORE_ARN)
    assert judge(object_reads, case).outcome is Outcome.UNKNOWN


@pytest.mark.parametrize(
    ("members", "outcome"),
    [
        ({"LatestDeliveryError": ""}, Outcome.PASS),
        ({"LatestDeliveryError": "NoSuchBucket"}, Outcome.FAIL),
        ({"LatestDigestDeliveryError": "AccessDenied"}, Outcome.FAIL),
        ({"LatestDeliveryTime": ago(hours=25)}, Outcome.FAIL),
        ({"LatestDeliveryTime": None, "StartLoggingTime": ago(hours=2)}, Outcome.PASS),
        ({"LatestDeliveryTime": None, "StartLoggingTime": ago(days=2)}, Outcome.FAIL),
        ({"LatestDeliveryTime": None, "StartLoggingTime": None}, Outcome.UNKNOWN),
    ],
)
def test_a_trail_delivers_without_error_and_every_day(members: dict[str, Json], outcome: Outcome) -> None:
    assert judge(delivery, spoiled(status(**members)), RECORDINGS).outcome is outcome


@pytest.mark.parametrize("rule", [delivery, log_validation, trail_bucket], ids=lambda rule: rule.id)
def test_trails_that_do_not_record_here_are_not_asked(rule: Rule) -> None:
    case = spoiled(
        status(IsLogging=False, LatestDeliveryError="X"), trail(LogFileValidationEnabled=False, S3BucketName=BUCKET)
    )
    assert judge(rule, case, RECORDINGS).outcome is Outcome.NOT_APPLICABLE


def test_an_event_data_store_without_a_key_is_seen_beside_the_trail() -> None:
    case = with_store(KmsKeyId=None)
    case.answer("cloudtrail:DescribeTrails", sound().find("cloudtrail:DescribeTrails"))
    assert judge(trail_encryption, case).findings[0].resources == (STORE_ARN,)


def test_a_trail_that_records_its_own_bucket_is_found_which_others_do_not_look_for() -> None:
    assessment = judge(trail_bucket, looping())
    assert (assessment.outcome, assessment.severity) == (Outcome.FAIL, Severity.HIGH)
    assert "which holds the media" in assessment.findings[0].message


EVERYONE = {
    "Grantee": {"Type": "Group", "URI": "http://acs.amazonaws.com/groups/global/AllUsers"},
    "Permission": "READ",
}
OPEN = {"BlockPublicAcls": False, "IgnorePublicAcls": False, "BlockPublicPolicy": False, "RestrictPublicBuckets": False}


def opened(case: Case) -> None:
    case.answer("s3:GetPublicAccessBlock", None, Bucket=TRAIL_BUCKET)
    case.answer("s3control:GetPublicAccessBlock", None)


@pytest.mark.parametrize(
    ("changes", "severity"),
    [
        pytest.param(
            [opened, of_log_bucket("s3:GetBucketPolicyStatus", {"PolicyStatus": {"IsPublic": True}})],
            Severity.HIGH,
            id="public by its policy, where others look at the ACL only",
        ),
        pytest.param(
            [of_log_bucket("s3:GetBucketPolicyStatus", {"PolicyStatus": {"IsPublic": True}})], None, id="masked"
        ),
        pytest.param(
            [
                opened,
                of_log_bucket("s3:GetBucketOwnershipControls", None),
                of_log_bucket("s3:GetBucketAcl", {"Owner": {"ID": "x"}, "Grants": [EVERYONE]}),
            ],
            Severity.HIGH,
            id="public by its ACL",
        ),
        pytest.param(
            [opened, of_log_bucket("s3:GetBucketAcl", {"Owner": {"ID": "x"}, "Grants": [EVERYONE]})],
            None,
            id="an ACL that has no effect",
        ),
        pytest.param([of_log_bucket("s3:GetBucketVersioning", {})], Severity.MEDIUM, id="no versions"),
        pytest.param(
            [
                of_log_bucket("s3:GetBucketVersioning", {}),
                of_log_bucket(
                    "s3:GetObjectLockConfiguration", {"ObjectLockConfiguration": {"ObjectLockEnabled": "Enabled"}}
                ),
            ],
            None,
            id="Object Lock",
        ),
        pytest.param([of_log_bucket("s3:GetBucketLogging", {})], Severity.LOW, id="not logged"),
    ],
)
def test_the_bucket_of_the_trail_is_closed_and_keeps_its_logs(changes: list[Change], severity: Severity | None) -> None:
    assessment = judge(trail_bucket, spoiled(*changes), RECORDINGS)
    assert assessment.outcome is (Outcome.PASS if severity is None else Outcome.FAIL)
    assert severity is None or assessment.severity is severity


def test_a_trail_bucket_of_another_account_is_unknown_and_not_taken_for_closed() -> None:
    case = sound()
    request = {"Bucket": TRAIL_BUCKET}
    asked = {o.operation for o in case.snapshot().observations if o.request.get("Bucket") == TRAIL_BUCKET}
    for operation in asked:
        case.deny(operation, **request)
    case.add(
        "s3:HeadBucket", {"HTTPStatusCode": 403, "BucketRegion": REGION}, **request, ExpectedBucketOwner=AWS_ACCOUNT
    )
    case.add("s3:HeadBucket", {"HTTPStatusCode": 403, "BucketRegion": REGION}, **request)
    assessment = judge(trail_bucket, case, RECORDINGS)
    assert (assessment.outcome, assessment.reason) == (Outcome.UNKNOWN, Reason.ACCESS_DENIED)


def logs(**statement: Json) -> Change:
    document = {"Version": "2012-10-17", "Statement": [{**LOG_DELIVERY, **statement}]}
    return of_log_bucket("s3:GetBucketPolicy", {"Policy": json.dumps(document)}, LOG_BUCKET)


DELIVERY_GROUP = {
    "Owner": {"ID": "x"},
    "Grants": [
        {"Grantee": {"Type": "Group", "URI": "http://acs.amazonaws.com/groups/s3/LogDelivery"}, "Permission": "WRITE"}
    ],
}


@pytest.mark.parametrize(
    ("changes", "severity"),
    [
        pytest.param([logs(Condition={"ArnLike": {"aws:SourceArn": f"arn:aws:s3:::{BUCKET}"}})], None, id="tied"),
        pytest.param([logs(Condition={})], Severity.LOW, id="a grant for buckets of any account"),
        pytest.param([logs(Resource=f"arn:aws:s3:::{LOG_BUCKET}/other/*")], Severity.MEDIUM, id="another prefix"),
        pytest.param(
            [logs(Condition={"StringEquals": {"aws:SourceAccount": "999988887777"}})], Severity.MEDIUM, id="not for us"
        ),
        pytest.param([of_log_bucket("s3:GetBucketPolicy", None, LOG_BUCKET)], Severity.MEDIUM, id="no grant"),
        pytest.param(
            [
                of_log_bucket("s3:GetBucketPolicy", None, LOG_BUCKET),
                of_log_bucket("s3:GetBucketAcl", DELIVERY_GROUP, LOG_BUCKET),
            ],
            Severity.MEDIUM,
            id="an ACL that has no effect",
        ),
        pytest.param(
            [
                of_log_bucket("s3:GetBucketPolicy", None, LOG_BUCKET),
                of_log_bucket("s3:GetBucketAcl", DELIVERY_GROUP, LOG_BUCKET),
                of_log_bucket("s3:GetBucketOwnershipControls", None, LOG_BUCKET),
            ],
            None,
            id="an ACL",
        ),
        pytest.param(
            [
                of_log_bucket(
                    "s3:GetObjectLockConfiguration",
                    {
                        "ObjectLockConfiguration": {
                            "ObjectLockEnabled": "Enabled",
                            "Rule": {"DefaultRetention": {"Mode": "GOVERNANCE", "Days": 9}},
                        }
                    },
                    LOG_BUCKET,
                )
            ],
            Severity.MEDIUM,
            id="a default retention",
        ),
        pytest.param(
            [of_log_bucket("s3:HeadBucket", {"HTTPStatusCode": 200, "BucketRegion": "us-east-1"}, LOG_BUCKET)],
            Severity.MEDIUM,
            id="another Region",
        ),
        pytest.param(
            [of_log_bucket("s3:HeadBucket", {"HTTPStatusCode": 404, "BucketRegion": None}, LOG_BUCKET)],
            Severity.MEDIUM,
            id="no such bucket",
        ),
    ],
)
def test_access_logs_arrive_where_they_are_sent(changes: list[Change], severity: Severity | None) -> None:
    assessment = judge(log_target, spoiled(*changes), RECORDINGS)
    assert assessment.outcome is (Outcome.PASS if severity is None else Outcome.FAIL)
    assert severity is None or assessment.severity is severity


def test_logs_that_expire_before_their_time_fail_where_a_time_is_set() -> None:
    rules = {"Rules": [{"ID": "tidy", "Status": "Enabled", "Filter": {"Prefix": ""}, "Expiration": {"Days": 30}}]}
    case = spoiled(of_log_bucket("s3:GetBucketLifecycleConfiguration", rules, LOG_BUCKET))
    assert judge(log_target, case).outcome is Outcome.PASS
    case.profile = replace(case.profile, log_retention_min_days=365)
    assert judge(log_target, case).outcome is Outcome.FAIL
    case.profile = replace(case.profile, log_retention_min_days=30)
    assert judge(log_target, case).outcome is Outcome.PASS


def test_a_policy_of_the_log_bucket_that_depends_on_something_unknown_is_unknown() -> None:
    case = spoiled(logs(Condition={"StringEquals": {"aws:SourceOrgID": "o-0123456789"}}))
    assert judge(log_target, case, RECORDINGS).outcome is Outcome.UNKNOWN


def test_a_bucket_that_keeps_no_log_has_no_log_target() -> None:
    case = sound()
    case.answer("s3:GetBucketLogging", {})
    assert judge(log_target, case, RECORDINGS).outcome is Outcome.NOT_APPLICABLE


@pytest.mark.parametrize("operation", ["s3:GetBucketPolicy", "s3:GetBucketEncryption", "s3:GetObjectLockConfiguration"])
def test_a_log_bucket_that_may_not_be_read_is_unknown(operation: str) -> None:
    case = sound()
    case.deny(operation, Bucket=LOG_BUCKET)
    assessment = judge(log_target, case, RECORDINGS)
    assert (assessment.outcome, assessment.reason) == (Outcome.UNKNOWN, Reason.ACCESS_DENIED)
