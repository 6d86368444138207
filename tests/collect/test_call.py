"""Calls: how each way in which AWS or the network can answer becomes an observation. Real HTTP, embedded AWS."""

from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.config import Config

from recordscan.collect import account, cloudtrail, iam, kms, s3
from recordscan.collect.call import Call, perform, timestamp
from recordscan.collect.session import CALLS
from recordscan.collect.traffic import Traffic
from recordscan.demo.aws_faults import Fault, FaultKind
from recordscan.demo.aws_server import AwsServer
from recordscan.facts import Json, Reason
from recordscan.observation import Observation, ObservationOutcome

NOW = datetime(2026, 11, 20, 6, 0, tzinfo=UTC)
BUCKET: dict[str, Any] = {"Bucket": "recordings", "ExpectedBucketOwner": "123456789012"}
VERSIONING = next(call for call in s3.BUCKET_READS if call.operation == "s3:GetBucketVersioning")
POLICY = next(call for call in s3.BUCKET_READS if call.operation == "s3:GetBucketPolicy")


@pytest.fixture
def aws(spare_aws: AwsServer) -> AwsServer:
    spare_aws.reset()
    spare_aws.client("s3").create_bucket(
        Bucket="recordings", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"}
    )
    spare_aws.heal()
    return spare_aws


def ask(aws: AwsServer, call: Call, *, max_pages: int = 50, client: Any = None, **request: Json) -> Observation:
    return perform(
        call,
        lambda: client or aws.client(call.service),
        request,
        account="123456789012",
        region="eu-west-1" if call.regional else None,
        max_pages=max_pages,
        now=lambda: NOW,
        traffic=Traffic(sleep=lambda _: None),
        endpoint=call.service,
    )


def reason_of(observation: Observation) -> Reason:
    assert observation.outcome is ObservationOutcome.FAILED
    assert observation.answer is None
    assert observation.error is not None
    return observation.error.reason


def test_an_answer_is_kept_as_received_less_the_transport(aws: AwsServer) -> None:
    aws.client("s3").put_bucket_versioning(Bucket="recordings", VersioningConfiguration={"Status": "Enabled"})
    observation = ask(aws, VERSIONING, **BUCKET)
    assert observation.outcome is ObservationOutcome.ANSWERED
    assert observation.answer == {"Status": "Enabled"}
    assert observation.permission == "s3:GetBucketVersioning"
    assert observation.collected_at == timestamp(NOW) == "2026-11-20T06:00:00Z"


def test_moments_in_an_answer_are_iso_8601_utc(aws: AwsServer) -> None:
    [bucket] = ask(aws, s3.LIST_BUCKETS).answer["Buckets"]
    assert bucket["CreationDate"].endswith("Z")


def test_a_definitive_negative_is_absent_not_failed(aws: AwsServer) -> None:
    observation = ask(aws, POLICY, **BUCKET)
    assert observation.outcome is ObservationOutcome.ABSENT
    assert observation.error is not None
    assert observation.error.code == "NoSuchBucketPolicy"


@pytest.mark.parametrize("call", [account.MACIE_SESSION, account.HUB], ids=lambda call: call.operation)
def test_a_service_that_was_never_switched_on_is_absent_by_its_message(aws: AwsServer, call: Call) -> None:
    observation = ask(aws, call)
    assert observation.outcome is ObservationOutcome.ABSENT
    assert observation.answer is None


@pytest.mark.parametrize("call", [account.MACIE_SESSION, account.HUB], ids=lambda call: call.operation)
def test_a_plain_denial_with_the_same_code_is_no_absence(aws: AwsServer, call: Call) -> None:
    aws.deny.add(call.operation)
    assert reason_of(ask(aws, call)) is Reason.ACCESS_DENIED


def test_a_report_that_was_not_made_is_a_failure_and_keeps_its_code(aws: AwsServer) -> None:
    observation = ask(aws, iam.CREDENTIAL_REPORT)
    assert observation.outcome is ObservationOutcome.FAILED
    assert observation.error is not None
    assert observation.error.code == "ReportNotPresent"


def test_a_key_that_does_not_exist_is_absent(aws: AwsServer) -> None:
    missing = "arn:aws:kms:eu-west-1:123456789012:key/00000000-0000-0000-0000-000000000000"
    assert ask(aws, kms.DESCRIBE_KEY, KeyId=missing).outcome is ObservationOutcome.ABSENT


@pytest.mark.parametrize(("name", "status"), [("recordings", 200), ("no-such-bucket-here", 404)])
def test_head_bucket_answers_by_its_status(aws: AwsServer, name: str, status: int) -> None:
    observation = ask(aws, s3.HEAD_BUCKET, Bucket=name)
    assert observation.outcome is ObservationOutcome.ANSWERED
    assert observation.answer["HTTPStatusCode"] == status


def test_head_bucket_of_a_foreign_bucket_is_403_and_names_its_region(aws: AwsServer) -> None:
    aws.add_foreign_bucket("theirs", "us-west-2")
    answer = ask(aws, s3.HEAD_BUCKET, Bucket="theirs").answer
    assert answer == {"HTTPStatusCode": 403, "BucketRegion": "us-west-2"}


@pytest.mark.parametrize(
    ("call", "request_"),
    [(VERSIONING, BUCKET), (iam.LIST_ACCESS_KEYS, {"UserName": "x"}), (kms.LIST_KEYS, {})],
    ids=["rest-xml", "query", "json"],
)
def test_a_denied_call_says_so_and_names_its_permission(aws: AwsServer, call: Call, request_: dict[str, Any]) -> None:
    aws.deny.add(call.operation)
    observation = ask(aws, call, **request_)
    assert reason_of(observation) is Reason.ACCESS_DENIED
    assert observation.permission == call.permission


@pytest.mark.parametrize("call", [VERSIONING, POLICY])
def test_a_bucket_that_is_gone_is_not_found(aws: AwsServer, call: Call) -> None:
    observation = ask(aws, call, Bucket="no-such-bucket-here", ExpectedBucketOwner="123456789012")
    assert reason_of(observation) is Reason.NOT_FOUND


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        (FaultKind.THROTTLED, Reason.THROTTLED),
        (FaultKind.INTERNAL_ERROR, Reason.FAILED),
        (FaultKind.UNAVAILABLE, Reason.FAILED),
        (FaultKind.RESET, Reason.FAILED),
        (FaultKind.EXPIRED_TOKEN, Reason.CREDENTIALS_EXPIRED),
        (FaultKind.HTML, Reason.MALFORMED),
        (FaultKind.TRUNCATED, Reason.MALFORMED),
    ],
)
@pytest.mark.parametrize(
    ("call", "request_"),
    [
        (VERSIONING, BUCKET),
        (s3.LIST_BUCKETS, {}),
        (kms.LIST_KEYS, {}),
        (cloudtrail.DESCRIBE_TRAILS, {"includeShadowTrails": True}),
        (iam.LIST_ACCESS_KEYS, {"UserName": "x"}),
    ],
    ids=lambda value: value.operation if isinstance(value, Call) else "",
)
def test_a_fault_is_a_failure_and_never_an_empty_answer(
    aws: AwsServer, call: Call, request_: dict[str, Any], kind: FaultKind, reason: Reason
) -> None:
    aws.client("iam").create_user(UserName="x")
    aws.faults[call.operation] = Fault(kind=kind)
    # botocore reports an S3 body that it cannot parse as an internal error of S3.
    unparsed_s3 = reason is Reason.MALFORMED and call.service == "s3"
    assert reason_of(ask(aws, call, **request_)) is (Reason.FAILED if unparsed_s3 else reason)


def test_an_empty_object_is_no_empty_answer(aws: AwsServer) -> None:
    aws.client("s3").put_object(Bucket="recordings", Key="folder/", Body=b"")
    observation = ask(aws, s3.HEAD_OBJECT, **BUCKET, Key="folder/")
    assert observation.outcome is ObservationOutcome.ANSWERED
    assert observation.answer["ContentLength"] == 0
    assert reason_of(ask(aws, s3.HEAD_OBJECT, **BUCKET, Key="none")) is Reason.NOT_FOUND


def test_the_retention_of_an_object_is_told_where_it_has_one(aws: AwsServer) -> None:
    client = aws.client("s3")
    client.put_object(Bucket="recordings", Key="a", Body=b"a")
    assert ask(aws, s3.OBJECT_RETENTION, **BUCKET, Key="a").outcome is ObservationOutcome.ABSENT
    locked = {**BUCKET, "Bucket": "locked-recordings"}
    client.create_bucket(
        Bucket=locked["Bucket"],
        ObjectLockEnabledForBucket=True,
        CreateBucketConfiguration={"LocationConstraint": "eu-west-1"},
    )
    retention = {"DefaultRetention": {"Mode": "COMPLIANCE", "Days": 30}}
    client.put_object_lock_configuration(
        Bucket=locked["Bucket"], ObjectLockConfiguration={"ObjectLockEnabled": "Enabled", "Rule": retention}
    )
    client.put_object(Bucket=locked["Bucket"], Key="a", Body=b"a")
    observation = ask(aws, s3.OBJECT_RETENTION, **locked, Key="a")
    assert observation.answer["Retention"]["Mode"] == "COMPLIANCE"


def test_an_answer_that_does_not_come_in_time_is_a_failure(aws: AwsServer) -> None:
    import boto3

    aws.faults["s3:GetBucketVersioning"] = Fault(kind=FaultKind.SLOW, seconds=0.6)
    impatient = boto3.session.Session(
        aws_access_key_id="AKIAIOSFODNN7EXAMPLE", aws_secret_access_key="made-up", region_name="eu-west-1"
    ).client("s3", endpoint_url=aws.url, config=Config(read_timeout=0.1, retries={"max_attempts": 0}))
    observation = ask(aws, VERSIONING, client=impatient, **BUCKET)
    impatient.close()
    assert reason_of(observation) is Reason.FAILED
    assert observation.error is not None
    assert observation.error.message == "no answer came in time"


def test_a_client_that_cannot_be_built_is_a_failed_call_not_a_crash(aws: AwsServer) -> None:
    def impossible() -> Any:
        raise ValueError("Invalid endpoint: https://s3.no such region.amazonaws.com")

    observation = perform(
        VERSIONING,
        impossible,
        BUCKET,
        account="123456789012",
        region=None,
        max_pages=1,
        now=lambda: NOW,
        traffic=Traffic(),
        endpoint="s3",
    )
    assert reason_of(observation) is Reason.FAILED


def test_all_pages_of_a_list_are_joined(aws: AwsServer) -> None:
    s3_client = aws.client("s3")
    for number in range(5):
        s3_client.put_object(Bucket="recordings", Key=f"{number}.mkv", Body=b"")
    aliases = ask(aws, s3.LIST_OBJECTS, Bucket="recordings", Prefix="", MaxKeys=2)
    assert aliases.answer["truncated"] is True  # the sample stops after its first page
    assert len(aliases.answer["Contents"]) == 2


class Paged:
    """An API whose answers are scripted by token, to see the walk and nothing else."""

    def __init__(self, pages: dict[str | None, dict[str, Any]]) -> None:
        self.pages = pages

    def list_keys(self, Marker: str | None = None) -> dict[str, Any]:  # noqa: N803 - KMS's own name
        return {**self.pages[Marker], "ResponseMetadata": {}}


def test_a_list_is_walked_to_its_end() -> None:
    paged = Paged({None: {"Keys": [1], "NextMarker": "a"}, "a": {"Keys": [2], "NextMarker": "b"}, "b": {"Keys": [3]}})
    assert walk(paged) == {"Keys": [1, 2, 3], "truncated": False}


def test_a_list_that_goes_in_circles_is_cut_and_says_so() -> None:
    paged = Paged({None: {"Keys": [1], "NextMarker": "a"}, "a": {"Keys": [2], "NextMarker": "a"}})
    assert walk(paged)["truncated"] is True


def test_a_list_that_is_too_long_is_cut_and_says_so() -> None:
    paged = Paged({None: {"Keys": [1], "NextMarker": "a"}, "a": {"Keys": [2], "NextMarker": "b"}})
    assert walk(paged, max_pages=2) == {"Keys": [1, 2], "truncated": True}


def test_buckets_are_asked_for_by_the_page_as_large_accounts_must(aws: AwsServer) -> None:
    """An account with a quota above 10,000 buckets gets an error otherwise."""
    asked: list[dict[str, Any]] = []

    class Buckets:
        def list_buckets(self, **request: Any) -> dict[str, Any]:
            asked.append(request)
            rest = {} if "ContinuationToken" in request else {"ContinuationToken": "a"}
            return {"Buckets": [{"Name": f"bucket-{len(asked)}"}], **rest, "ResponseMetadata": {}}

    found = perform(
        s3.LIST_BUCKETS,
        Buckets,
        {},
        account="1",
        region=None,
        max_pages=9,
        now=lambda: NOW,
        traffic=Traffic(),
        endpoint="s3",
    )
    assert found.answer == {"Buckets": [{"Name": "bucket-1"}, {"Name": "bucket-2"}], "truncated": False}
    assert asked == [{"MaxBuckets": 1000}, {"MaxBuckets": 1000, "ContinuationToken": "a"}]
    assert found.request == {}
    assert ask(aws, s3.LIST_BUCKETS).answer["truncated"] is False


def walk(paged: Paged, max_pages: int = 50) -> Json:
    return perform(
        kms.LIST_KEYS,
        lambda: paged,
        {},
        account="1",
        region="eu-west-1",
        max_pages=max_pages,
        now=lambda: NOW,
        traffic=Traffic(),
        endpoint="kms",
    ).answer


def test_every_call_is_read_only_and_named_once() -> None:
    reading = ("Get", "List", "Describe", "Head", "Lookup")
    assert all(call.operation.partition(":")[2].startswith(reading) for call in CALLS)
    assert len({call.operation for call in CALLS}) == len(CALLS)


def test_no_permission_lets_the_scanner_read_media_or_decrypt_unless_it_is_to_sample_objects() -> None:
    permissions = {call.permission for call in CALLS if call not in s3.SAMPLE_READS}
    assert permissions.isdisjoint({"s3:GetObject", "s3:GetObjectVersion", "kms:Decrypt", "kms:GenerateDataKey"})


def test_of_the_metadata_of_an_object_only_the_names_are_kept(aws: AwsServer) -> None:
    metadata = {"x-amz-key": "wrapped", "x-amz-iv": "vector"}
    aws.client("s3").put_object(
        Bucket="recordings", Key="RT1.mkv", Body=b"media", Metadata=metadata, ContentType="text/html"
    )
    found = ask(aws, s3.HEAD_OBJECT, Bucket="recordings", Key="RT1.mkv")
    assert found.answer["MetadataNames"] == ["x-amz-iv", "x-amz-key"]
    assert "wrapped" not in str(found.answer)
    assert ask(aws, s3.HEAD_OBJECT, Bucket="recordings", Key="RT2.mkv").outcome is ObservationOutcome.FAILED


def test_versions_of_an_object_are_listed_with_its_deletion(aws: AwsServer) -> None:
    client = aws.client("s3")
    client.put_bucket_versioning(Bucket="recordings", VersioningConfiguration={"Status": "Enabled"})
    client.put_object(Bucket="recordings", Key="RT1.mkv", Body=b"media")
    client.delete_object(Bucket="recordings", Key="RT1.mkv")
    found = ask(aws, s3.LIST_VERSIONS, Bucket="recordings", Prefix="RT1.mkv").answer
    assert [row["IsLatest"] for row in found["Versions"]] == [False]
    assert [row["IsLatest"] for row in found["DeleteMarkers"]] == [True]
    assert "Versions" not in ask(aws, s3.LIST_VERSIONS, Bucket="recordings", Prefix="RT2.mkv").answer


@pytest.mark.parametrize("call", CALLS, ids=lambda call: call.operation)
def test_every_call_fits_the_service_model(aws: AwsServer, call: Call) -> None:
    client = aws.client(call.service)
    api = client.meta.method_to_api_mapping[call.method]
    assert call.operation.partition(":")[2] == api
    shape = client.meta.service_model.operation_model(api)
    promised = set(shape.output_shape.members) if shape.output_shape else set()
    assert set(call.requires) <= promised
    if call.pages is not None:
        assert set(call.pages.members) <= promised
        assert call.pages.receive in promised
        assert call.pages.send in shape.input_shape.members
        assert call.pages.size is None or call.pages.size[0] in shape.input_shape.members
