"""The embedded AWS answers, denies and fails as AWS does, seen through boto3."""

import subprocess
import sys
import warnings
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError, ConnectionClosedError, ReadTimeoutError
from botocore.parsers import ResponseParserError

from recordscan.demo import aws_state
from recordscan.demo.aws_faults import Fault, FaultKind
from recordscan.demo.aws_server import AwsServer
from recordscan.errors import RecordscanError

OWNER = "123456789012"
STRANGER = "111122223333"
BUCKET = "clinic-recordings"
REGION = "eu-west-1"


@pytest.fixture
def aws(spare_aws: AwsServer) -> AwsServer:
    """An account with one bucket, key, user and trail."""
    spare_aws.reset()
    spare_aws.client("s3").create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
    spare_aws.client("iam").create_user(UserName="writer")
    spare_aws.client("cloudtrail").create_trail(Name="events", S3BucketName=BUCKET)
    spare_aws.heal()
    return spare_aws


def refusal(call: Any, **request: Any) -> tuple[int, str]:
    """HTTP status and code of the error that a call ends in."""
    with pytest.raises(ClientError) as caught:
        call(**request)
    response = caught.value.response
    return response["ResponseMetadata"]["HTTPStatusCode"], response["Error"]["Code"]


BUCKET_READS = {
    "get_bucket_acl": None,
    "get_bucket_location": None,
    "get_bucket_encryption": None,
    "get_bucket_versioning": None,
    "get_bucket_logging": None,
    "get_bucket_notification_configuration": None,
    "list_bucket_inventory_configurations": None,
    "get_bucket_request_payment": None,
    "get_bucket_accelerate_configuration": None,
    "list_objects_v2": None,
    "list_object_versions": None,
    "list_multipart_uploads": None,
    "get_public_access_block": "NoSuchPublicAccessBlockConfiguration",
    "get_bucket_policy": "NoSuchBucketPolicy",
    "get_bucket_policy_status": "NoSuchBucketPolicy",
    "get_bucket_ownership_controls": "OwnershipControlsNotFoundError",
    "get_bucket_website": "NoSuchWebsiteConfiguration",
    "get_bucket_cors": "NoSuchCORSConfiguration",
    "get_object_lock_configuration": "ObjectLockConfigurationNotFoundError",
    "get_bucket_lifecycle_configuration": "NoSuchLifecycleConfiguration",
    "get_bucket_replication": "ReplicationConfigurationNotFoundError",
    "get_bucket_tagging": "NoSuchTagSet",
}


def api_name(method: str) -> str:
    return "".join(word.capitalize() for word in method.split("_"))


@pytest.mark.parametrize(("method", "absent"), BUCKET_READS.items())
def test_every_bucket_read_is_answered_and_named(aws: AwsServer, method: str, absent: str | None) -> None:
    call = getattr(aws.client("s3"), method)
    if absent is None:
        assert call(Bucket=BUCKET, ExpectedBucketOwner=OWNER)["ResponseMetadata"]["HTTPStatusCode"] == 200
    else:
        assert refusal(call, Bucket=BUCKET, ExpectedBucketOwner=OWNER)[1] == absent
    assert aws.operations() == [f"s3:{api_name(method)}"]
    assert aws.requests[0].bucket == BUCKET
    assert aws.requests[0].expected_owner == OWNER


@pytest.mark.parametrize("method", [*BUCKET_READS, "head_bucket"])
def test_an_unexpected_owner_is_denied_every_bucket_read(aws: AwsServer, method: str) -> None:
    call = getattr(aws.client("s3"), method)
    status, _code = refusal(call, Bucket=BUCKET, ExpectedBucketOwner=STRANGER)
    assert status == 403


OTHER_READS: list[tuple[str, str, dict[str, Any], str | None]] = [
    ("s3", "list_buckets", {}, None),
    ("s3control", "get_public_access_block", {"AccountId": OWNER}, "NoSuchPublicAccessBlockConfiguration"),
    ("s3control", "list_access_points", {"AccountId": OWNER}, None),
    ("s3control", "list_multi_region_access_points", {"AccountId": OWNER}, None),
    ("s3control", "list_access_points_for_object_lambda", {"AccountId": OWNER}, None),
    ("s3control", "list_access_grants_instances", {"AccountId": OWNER}, None),
    ("s3control", "list_access_grants", {"AccountId": OWNER}, "AccessGrantsInstanceNotExistsError"),
    ("s3control", "get_access_point", {"AccountId": OWNER, "Name": "none"}, "NoSuchAccessPoint"),
    (
        "s3control",
        "get_access_grants_instance_resource_policy",
        {"AccountId": OWNER},
        "AccessGrantsInstanceNotExistsError",
    ),
    *(
        ("s3control", f"{read}_for_object_lambda", {"AccountId": OWNER, "Name": "none"}, "NoSuchAccessPoint")
        for read in ("get_access_point", "get_access_point_configuration", "get_access_point_policy")
    ),
    ("kms", "list_keys", {}, None),
    ("kms", "list_aliases", {}, None),
    ("iam", "get_user", {"UserName": "writer"}, None),
    ("iam", "get_user", {"UserName": "nobody"}, "NoSuchEntity"),
    ("iam", "list_users", {}, None),
    ("iam", "list_access_keys", {"UserName": "writer"}, None),
    ("iam", "list_user_policies", {"UserName": "writer"}, None),
    ("iam", "list_attached_user_policies", {"UserName": "writer"}, None),
    ("iam", "list_groups_for_user", {"UserName": "writer"}, None),
    ("iam", "get_login_profile", {"UserName": "writer"}, "NoSuchEntity"),
    ("iam", "list_mfa_devices", {"UserName": "writer"}, None),
    ("iam", "list_ssh_public_keys", {"UserName": "writer"}, None),
    ("iam", "list_signing_certificates", {"UserName": "writer"}, None),
    ("iam", "list_service_specific_credentials", {"UserName": "writer"}, None),
    ("iam", "list_organizations_features", {}, "OrganizationNotFoundException"),
    ("iam", "get_account_authorization_details", {}, None),
    ("iam", "get_account_summary", {}, None),
    ("iam", "list_virtual_mfa_devices", {}, None),
    ("iam", "get_account_password_policy", {}, "NoSuchEntity"),
    ("iam", "get_credential_report", {}, "ReportNotPresent"),
    ("account", "get_alternate_contact", {"AlternateContactType": "SECURITY"}, "ResourceNotFoundException"),
    ("macie2", "get_macie_session", {}, "AccessDeniedException"),
    ("macie2", "describe_buckets", {"criteria": {}}, "AccessDeniedException"),
    ("guardduty", "list_detectors", {}, None),
    ("config", "describe_configuration_recorders", {}, None),
    ("config", "describe_configuration_recorder_status", {}, None),
    ("securityhub", "describe_hub", {}, "InvalidAccessException"),
    ("cloudwatch", "describe_alarms", {"AlarmTypes": ["CompositeAlarm", "MetricAlarm"]}, None),
    ("events", "list_rules", {}, None),
    ("accessanalyzer", "list_findings_v2", {"analyzerArn": "arn:aws:access-analyzer:eu-west-1:1:analyzer/a"}, None),
    ("cloudtrail", "describe_trails", {"includeShadowTrails": True}, None),
    ("cloudtrail", "get_trail_status", {"Name": "events"}, None),
    ("cloudtrail", "get_event_selectors", {"TrailName": "events"}, None),
    ("cloudtrail", "list_event_data_stores", {}, None),
    (
        "cloudtrail",
        "get_event_data_store",
        {"EventDataStore": "00000000-aaaa"},
        "EventDataStoreNotFoundException",
    ),
    ("cloudtrail", "lookup_events", {}, None),
    ("sts", "get_caller_identity", {}, None),
    ("sts", "get_access_key_info", {"AccessKeyId": "AKIAIOSFODNN7EXAMPLE"}, None),
    ("backup", "list_protected_resources", {}, None),
    ("accessanalyzer", "list_analyzers", {}, None),
    ("organizations", "describe_organization", {}, "AWSOrganizationsNotInUseException"),
    (
        "organizations",
        "describe_effective_policy",
        {"PolicyType": "S3_POLICY"},
        "AWSOrganizationsNotInUseException",
    ),
]


@pytest.mark.parametrize(("service", "method", "request_", "absent"), OTHER_READS)
def test_every_other_read_is_answered_and_named(
    aws: AwsServer, service: str, method: str, request_: dict[str, Any], absent: str | None
) -> None:
    call = getattr(aws.client(service), method)
    if absent is None:
        assert call(**request_)["ResponseMetadata"]["HTTPStatusCode"] == 200
    else:
        assert refusal(call, **request_)[1] == absent
    assert [name.lower() for name in aws.operations()] == [f"{service}:{method.replace('_', '')}"]


KEY_READS = [
    "describe_key",
    "get_key_rotation_status",
    "list_grants",
    "list_aliases",
    "list_key_rotations",
    "get_key_last_usage",
    "get_key_policy",
]


@pytest.mark.parametrize("method", KEY_READS)
@pytest.mark.parametrize("pending", [False, True], ids=["enabled", "pending deletion"])
def test_every_key_read_is_answered(aws: AwsServer, method: str, pending: bool) -> None:
    kms = aws.client("kms")
    key = kms.create_key()["KeyMetadata"]
    if pending:
        kms.schedule_key_deletion(KeyId=key["KeyId"])
    request = {"PolicyName": "default"} if method == "get_key_policy" else {}
    answer = getattr(kms, method)(KeyId=key["Arn"], **request)
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 200
    assert aws.operations()[-1].lower() == f"kms:{method.replace('_', '')}"


def test_a_key_that_was_told_nothing_encrypts_in_one_region(aws: AwsServer) -> None:
    kms = aws.client("kms")
    metadata = kms.describe_key(KeyId=kms.create_key()["KeyMetadata"]["KeyId"])["KeyMetadata"]
    assert (metadata["KeyUsage"], metadata["MultiRegion"]) == ("ENCRYPT_DECRYPT", False)


DENIED = {
    "s3": ("s3:GetBucketAcl", "get_bucket_acl", {"Bucket": BUCKET}, (403, "AccessDenied")),
    "s3 HEAD": ("s3:HeadBucket", "head_bucket", {"Bucket": BUCKET}, (403, "403")),
    "s3 list": ("s3:ListBuckets", "list_buckets", {}, (403, "AccessDenied")),
    "s3control": (
        "s3control:GetPublicAccessBlock",
        "get_public_access_block",
        {"AccountId": OWNER},
        (403, "AccessDenied"),
    ),
    "iam": ("iam:GetUser", "get_user", {"UserName": "writer"}, (403, "AccessDenied")),
    "sts": ("sts:GetCallerIdentity", "get_caller_identity", {}, (403, "AccessDenied")),
    "kms": ("kms:ListKeys", "list_keys", {}, (400, "AccessDeniedException")),
    "cloudtrail": ("cloudtrail:DescribeTrails", "describe_trails", {}, (400, "AccessDeniedException")),
    "backup": (
        "backup:ListProtectedResources",
        "list_protected_resources",
        {},
        (403, "AccessDeniedException"),
    ),
}


@pytest.mark.parametrize(("operation", "method", "request_", "expected"), DENIED.values(), ids=DENIED)
def test_a_denied_operation_is_refused_in_its_protocol(
    aws: AwsServer, operation: str, method: str, request_: dict[str, Any], expected: tuple[int, str]
) -> None:
    call = getattr(aws.client(operation.split(":", maxsplit=1)[0]), method)
    aws.deny.add(operation)
    assert refusal(call, **request_) == expected
    aws.heal()
    assert call_succeeds_or_is_absent(call, **request_)


def call_succeeds_or_is_absent(call: Any, **request: Any) -> bool:
    try:
        call(**request)
    except ClientError as error:
        return "NoSuch" in error.response["Error"]["Code"]
    return True


def test_denying_one_operation_leaves_the_others_alone(aws: AwsServer) -> None:
    aws.deny.add("s3:GetBucketAcl")
    assert aws.client("s3").get_bucket_versioning(Bucket=BUCKET)["ResponseMetadata"]["HTTPStatusCode"] == 200


CODES = {
    FaultKind.THROTTLED: {"s3": "SlowDown", "iam": "Throttling", "kms": "ThrottlingException"},
    FaultKind.INTERNAL_ERROR: {"s3": "InternalError", "iam": "InternalFailure", "kms": "InternalFailure"},
    FaultKind.UNAVAILABLE: {
        "s3": "ServiceUnavailable",
        "iam": "ServiceUnavailable",
        "kms": "ServiceUnavailableException",
    },
    FaultKind.EXPIRED_TOKEN: {"s3": "ExpiredToken", "iam": "ExpiredToken", "kms": "ExpiredTokenException"},
    FaultKind.UNKNOWN_ACCESS_KEY: {
        "s3": "InvalidAccessKeyId",
        "iam": "InvalidClientTokenId",
        "kms": "UnrecognizedClientException",
    },
    FaultKind.WRONG_SIGNATURE: {
        "s3": "SignatureDoesNotMatch",
        "iam": "SignatureDoesNotMatch",
        "kms": "InvalidSignatureException",
    },
}
LISTS = {"s3": "list_buckets", "iam": "list_users", "kms": "list_keys"}


@pytest.mark.parametrize("service", LISTS)
@pytest.mark.parametrize("kind", CODES)
def test_an_error_fault_has_the_code_of_the_service(aws: AwsServer, kind: FaultKind, service: str) -> None:
    aws.faults["*"] = Fault(kind=kind)
    assert refusal(getattr(aws.client(service), LISTS[service]))[1] == CODES[kind][service]


@pytest.mark.parametrize("kind", [FaultKind.TRUNCATED, FaultKind.HTML])
def test_a_broken_xml_answer_cannot_be_parsed(aws: AwsServer, kind: FaultKind) -> None:
    aws.faults["*"] = Fault(kind=kind)
    with pytest.raises(ResponseParserError):
        aws.client("iam").list_users()
    assert refusal(aws.client("s3").list_buckets) == (500, "500")


@pytest.mark.parametrize("kind", [FaultKind.TRUNCATED, FaultKind.HTML])
def test_a_broken_json_answer_looks_empty_to_boto3(aws: AwsServer, kind: FaultKind) -> None:
    aws.client("kms").create_key()
    aws.faults["*"] = Fault(kind=kind)
    answer = aws.client("kms").list_keys()
    assert set(answer) == {"ResponseMetadata"}


def test_a_reset_connection_is_seen_as_one(aws: AwsServer) -> None:
    aws.faults["sts:GetCallerIdentity"] = Fault(kind=FaultKind.RESET)
    with pytest.raises(ConnectionClosedError):
        aws.client("sts").get_caller_identity()


def test_a_slow_answer_runs_into_the_timeout(aws: AwsServer) -> None:
    import boto3
    from botocore.config import Config

    aws.faults["sts:GetCallerIdentity"] = Fault(kind=FaultKind.SLOW, seconds=0.5)
    client = boto3.client(
        "sts",
        endpoint_url=aws.url,
        region_name=REGION,
        aws_access_key_id="AKIAIOSFODNN7EXAMPLE",
        aws_secret_access_key="made-up",
        config=Config(read_timeout=0.1, retries={"max_attempts": 0}),
    )
    with pytest.raises(ReadTimeoutError):
        client.get_caller_identity()


def test_a_fault_that_is_counted_recovers(aws: AwsServer) -> None:
    aws.faults["iam:ListUsers"] = Fault(kind=FaultKind.EXPIRED_TOKEN, times=2)
    call = aws.client("iam").list_users
    assert [refusal(call)[1], refusal(call)[1]] == ["ExpiredToken", "ExpiredToken"]
    assert [user["UserName"] for user in call()["Users"]] == ["writer"]


def test_head_bucket_tells_the_region_even_when_denied(aws: AwsServer) -> None:
    aws.add_foreign_bucket("someone-elses", "us-west-2")
    s3 = aws.client("s3")
    assert s3.head_bucket(Bucket=BUCKET)["BucketRegion"] == REGION
    regions = []
    for request in ({"Bucket": BUCKET, "ExpectedBucketOwner": STRANGER}, {"Bucket": "someone-elses"}):
        with pytest.raises(ClientError) as caught:
            s3.head_bucket(**request)
        assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403
        regions.append(caught.value.response["ResponseMetadata"]["HTTPHeaders"]["x-amz-bucket-region"])
    assert regions == [REGION, "us-west-2"]


def test_a_bucket_that_is_gone_is_404(aws: AwsServer) -> None:
    assert refusal(aws.client("s3").head_bucket, Bucket="never-made")[0] == 404


def test_a_foreign_bucket_is_denied_and_not_listed(aws: AwsServer) -> None:
    aws.add_foreign_bucket("someone-elses", "us-west-2")
    s3 = aws.client("s3")
    assert refusal(s3.get_bucket_policy, Bucket="someone-elses") == (403, "AccessDenied")
    assert [bucket["Name"] for bucket in s3.list_buckets()["Buckets"]] == [BUCKET]


def test_a_bucket_without_a_setting_encrypts_with_s3_keys(aws: AwsServer) -> None:
    rules = aws.client("s3").get_bucket_encryption(Bucket=BUCKET)["ServerSideEncryptionConfiguration"]["Rules"]
    assert rules == [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}, "BucketKeyEnabled": False}]


def test_blocked_encryption_types_are_kept(aws: AwsServer) -> None:
    rule = {
        "ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": "alias/media"},
        "BucketKeyEnabled": True,
        "BlockedEncryptionTypes": {"EncryptionType": ["SSE-C"]},
    }
    s3 = aws.client("s3")
    s3.put_bucket_encryption(Bucket=BUCKET, ServerSideEncryptionConfiguration={"Rules": [rule]})
    assert s3.get_bucket_encryption(Bucket=BUCKET)["ServerSideEncryptionConfiguration"]["Rules"] == [rule]
    s3.delete_bucket_encryption(Bucket=BUCKET)
    [after] = s3.get_bucket_encryption(Bucket=BUCKET)["ServerSideEncryptionConfiguration"]["Rules"]
    assert after["ApplyServerSideEncryptionByDefault"] == {"SSEAlgorithm": "AES256"}


def test_a_trail_without_selectors_records_management_events(aws: AwsServer) -> None:
    [selector] = aws.client("cloudtrail").get_event_selectors(TrailName="events")["EventSelectors"]
    assert selector["IncludeManagementEvents"] is True
    assert selector["DataResources"] == []


def record(number: int, name: str, key_arn: str | None = None) -> dict[str, Any]:
    return {
        "eventID": f"00000000-0000-4000-8000-{number:012}",
        "eventName": name,
        "eventTime": f"2026-03-01T00:{number:02}:00Z",
        "eventSource": "kms.amazonaws.com",
        "userIdentity": {"type": "IAMUser", "userName": "writer", "accessKeyId": "AKIAIOSFODNN7EXAMPLE"},
        "resources": [] if key_arn is None else [{"ARN": key_arn, "type": "AWS::KMS::Key"}],
    }


def test_lookup_events_filters_by_name_region_and_pages(aws: AwsServer) -> None:
    for number in range(5):
        aws.add_event(record(number, "GenerateDataKey"), REGION)
    aws.add_event(record(7, "Decrypt"), REGION)
    aws.add_event(record(8, "GenerateDataKey"), "us-east-1")
    pages = (
        aws.client("cloudtrail")
        .get_paginator("lookup_events")
        .paginate(
            LookupAttributes=[{"AttributeKey": "EventName", "AttributeValue": "GenerateDataKey"}],
            PaginationConfig={"PageSize": 2},
        )
    )
    events = [[event["EventId"][-1] for event in page["Events"]] for page in pages]
    assert events == [["4", "3"], ["2", "1"], ["0"]]


def test_lookup_events_within_a_time_range(aws: AwsServer) -> None:
    for number in range(4):
        aws.add_event(record(number, "GenerateDataKey"), REGION)
    found = aws.client("cloudtrail").lookup_events(
        StartTime=datetime(2026, 3, 1, 0, 1, tzinfo=UTC), EndTime=datetime(2026, 3, 1, 0, 2, tzinfo=UTC)
    )
    assert [event["EventId"][-1] for event in found["Events"]] == ["2", "1"]


def test_a_denial_is_understood_by_clients_of_cloudwatch_too(aws: AwsServer) -> None:
    aws.deny.add("cloudwatch:DescribeAlarms")
    assert refusal(aws.client("cloudwatch").describe_alarms)[1] == "AccessDeniedException"


def test_the_credential_report_begins_with_the_root_user_who_has_a_second_factor(aws: AwsServer) -> None:
    iam = aws.client("iam")
    for _ in ("start", "finish"):
        iam.generate_credential_report()
    head, root, user = iam.get_credential_report()["Content"].decode().splitlines()
    assert root.startswith(f"<root_account>,arn:aws:iam::{OWNER}:root,")
    assert user.startswith("writer,")
    assert len(head.split(",")) == len(root.split(","))
    assert iam.get_account_summary()["SummaryMap"]["AccountMFAEnabled"] == 1


def test_a_key_says_when_it_rotates_next(aws: AwsServer) -> None:
    kms = aws.client("kms")
    key = kms.create_key()["KeyMetadata"]["KeyId"]
    assert kms.get_key_rotation_status(KeyId=key)["KeyRotationEnabled"] is False
    kms.enable_key_rotation(KeyId=key)
    aws_state.set_key_dates(key, REGION, created=datetime(2020, 1, 1, tzinfo=UTC))
    status = kms.get_key_rotation_status(KeyId=key)
    assert status["RotationPeriodInDays"] == 365
    assert 0 < (status["NextRotationDate"] - datetime.now(UTC)).days <= 365


def test_key_last_usage_follows_the_event_history(aws: AwsServer) -> None:
    kms = aws.client("kms")
    arn = kms.create_key()["KeyMetadata"]["Arn"]
    assert kms.get_key_last_usage(KeyId=arn)["KeyLastUsage"] == {}
    aws.add_event(record(3, "GenerateDataKey", arn), REGION)
    usage = kms.get_key_last_usage(KeyId=arn)["KeyLastUsage"]
    assert usage["Operation"] == "GenerateDataKey"
    assert usage["Timestamp"] == datetime(2026, 3, 1, 0, 3, tzinfo=UTC)


def test_kms_answers_only_for_keys_of_the_asked_region(aws: AwsServer) -> None:
    arn = aws.client("kms", "us-east-1").create_key()["KeyMetadata"]["Arn"]
    assert aws.client("kms", "us-east-1").describe_key(KeyId=arn)["KeyMetadata"]["Arn"] == arn
    assert refusal(aws.client("kms", "eu-west-1").get_key_last_usage, KeyId=arn)[1] == "NotFoundException"


def test_age_and_last_use_of_an_access_key_can_be_set(aws: AwsServer) -> None:
    iam = aws.client("iam")
    key_id = iam.create_access_key(UserName="writer")["AccessKey"]["AccessKeyId"]
    made, used = datetime(2026, 2, 1, tzinfo=UTC), datetime(2026, 3, 1, 12, tzinfo=UTC)
    aws_state.set_access_key_created(key_id, made)
    aws_state.set_access_key_last_used(key_id, used, "s3", REGION)
    assert iam.list_access_keys(UserName="writer")["AccessKeyMetadata"][0]["CreateDate"] == made
    last = iam.get_access_key_last_used(AccessKeyId=key_id)["AccessKeyLastUsed"]
    assert last == {"LastUsedDate": used, "ServiceName": "s3", "Region": REGION}


def test_head_requests_with_and_without_an_owner_are_told_apart(aws: AwsServer) -> None:
    s3 = aws.client("s3")
    s3.head_bucket(Bucket=BUCKET)
    s3.head_bucket(Bucket=BUCKET, ExpectedBucketOwner=OWNER)
    assert len({(request.operation, request.region, request.parameters) for request in aws.requests}) == 2


def test_reset_empties_the_account_and_ids_repeat(spare_aws: AwsServer) -> None:
    ids = []
    for _ in range(2):
        spare_aws.reset()
        iam = spare_aws.client("iam")
        iam.create_user(UserName="writer")
        ids.append(iam.create_access_key(UserName="writer")["AccessKey"]["AccessKeyId"])
    assert ids[0] == ids[1]
    spare_aws.reset()
    assert spare_aws.client("iam").list_users()["Users"] == []
    assert spare_aws.operations() == ["iam:ListUsers"]


def test_many_servers_one_after_another_start_and_stop_without_a_warning() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ports = set()
        for _ in range(3):
            with AwsServer() as server:
                assert server.client("sts").get_caller_identity()["Account"] == OWNER
                ports.add(server.url)
    assert ports


def test_a_stopped_server_has_no_url() -> None:
    with pytest.raises(RecordscanError, match="not running"):
        _ = AwsServer().url


def test_without_the_demo_extra_one_sentence_says_what_to_install() -> None:
    program = (
        "import sys; sys.modules['moto'] = None\n"
        "from recordscan.demo.aws_server import AwsServer\n"
        "from recordscan.errors import RecordscanError\n"
        "try:\n    AwsServer().start()\nexcept RecordscanError as error:\n    print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "the demonstration needs the demo extra; install it with: pip install 'recordscan[demo]'\n"
    assert done.stderr == ""
