"""The made-up company can be read back as it is meant to be, and is always the same."""

import json
import tomllib
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests
from botocore.exceptions import ClientError

from recordscan.demo import company, company_aws, company_twilio
from recordscan.demo.aws_server import AwsServer
from recordscan.demo.twilio_server import HOST_HEADER, TwilioAccountData, TwilioServer

NOW = datetime(2026, 11, 20, 6, 0, tzinfo=UTC)
OWNED = {"Bucket": company_aws.RECORDINGS_BUCKET, "ExpectedBucketOwner": company_aws.AWS_ACCOUNT}


@pytest.fixture(scope="module")
def aws(spare_aws: AwsServer) -> AwsServer:
    company_aws.furnish_aws(spare_aws, NOW)
    return spare_aws


@pytest.fixture(scope="module")
def s3(aws: AwsServer) -> Any:
    return aws.client("s3")


@pytest.fixture(scope="module")
def iam(aws: AwsServer) -> Any:
    return aws.client("iam")


def default_encryption(s3: Any, bucket: str) -> dict[str, Any]:
    [rule] = s3.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]["Rules"]
    assert isinstance(rule, dict)
    return rule


def error_code(call: Any, **request: Any) -> str:
    with pytest.raises(ClientError) as caught:
        call(**request)
    return str(caught.value.response["Error"]["Code"])


def test_the_sound_bucket_is_encrypted_with_a_rotated_key_of_its_own_region(aws: AwsServer, s3: Any) -> None:
    rule = default_encryption(s3, company_aws.RECORDINGS_BUCKET)
    key_arn = rule["ApplyServerSideEncryptionByDefault"]["KMSMasterKeyID"]
    assert key_arn.startswith(f"arn:aws:kms:{company_aws.REGION}:{company_aws.AWS_ACCOUNT}:key/")
    assert rule["BlockedEncryptionTypes"] == {"EncryptionType": ["SSE-C"]}
    assert s3.head_bucket(**OWNED)["BucketRegion"] == company_aws.REGION
    kms = aws.client("kms")
    metadata = kms.describe_key(KeyId=key_arn)["KeyMetadata"]
    assert (metadata["KeyState"], metadata["KeyUsage"], metadata["KeyManager"]) == (
        "Enabled",
        "ENCRYPT_DECRYPT",
        "CUSTOMER",
    )
    assert kms.get_key_rotation_status(KeyId=key_arn)["KeyRotationEnabled"] is True


def test_the_sound_bucket_is_closed_kept_and_logged(s3: Any) -> None:
    block = s3.get_public_access_block(**OWNED)["PublicAccessBlockConfiguration"]
    assert set(block.values()) == {True}
    [ownership] = s3.get_bucket_ownership_controls(**OWNED)["OwnershipControls"]["Rules"]
    assert ownership["ObjectOwnership"] == "BucketOwnerEnforced"
    tls, version = json.loads(s3.get_bucket_policy(**OWNED)["Policy"])["Statement"]
    assert tls["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    assert version["Condition"] == {"NumericLessThan": {"s3:TlsVersion": "1.2"}}
    assert len(tls["Resource"]) == len(version["Resource"]) == 2
    assert s3.get_bucket_policy_status(**OWNED)["PolicyStatus"]["IsPublic"] is False
    assert s3.get_bucket_versioning(**OWNED)["Status"] == "Enabled"
    [rule] = s3.get_bucket_lifecycle_configuration(**OWNED)["Rules"]
    assert rule["Filter"] == {"Prefix": company_aws.RECORDINGS_PREFIX}
    assert rule["Expiration"] == {"Days": 365}
    assert rule["NoncurrentVersionExpiration"]["NoncurrentDays"] == 30
    assert rule["AbortIncompleteMultipartUpload"]["DaysAfterInitiation"] == 7
    assert s3.get_bucket_logging(**OWNED)["LoggingEnabled"]["TargetBucket"] == company_aws.LOG_BUCKET
    assert error_code(s3.get_bucket_website, **OWNED) == "NoSuchWebsiteConfiguration"
    assert error_code(s3.get_bucket_cors, **OWNED) == "NoSuchCORSConfiguration"


def test_the_sound_bucket_holds_the_recordings_that_twilio_shows(s3: Any) -> None:
    stored = {item["Key"]: item["LastModified"] for item in s3.list_objects_v2(**OWNED)["Contents"]}
    locations = [row["media_external_location"] for row in company_twilio.production(NOW).recordings]
    assert all(any(location.endswith(f"/{key}") for location in locations) for key in stored), (
        "an object that no Recording points at"
    )
    assert max(stored.values()) == NOW - timedelta(days=1)


def test_the_sound_writer_has_one_young_used_key_and_no_console(iam: Any) -> None:
    name = company_aws.RECORDINGS_WRITER
    [key] = iam.list_access_keys(UserName=name)["AccessKeyMetadata"]
    assert (key["AccessKeyId"], key["Status"]) == (company_aws.RECORDINGS_KEY_ID, "Active")
    assert key["CreateDate"] == NOW - timedelta(days=30)
    answer = iam.get_access_key_last_used(AccessKeyId=key["AccessKeyId"])
    assert answer["UserName"] == name
    assert answer["AccessKeyLastUsed"] == {
        "LastUsedDate": NOW - timedelta(days=1),
        "ServiceName": "s3",
        "Region": company_aws.REGION,
    }
    assert error_code(iam.get_login_profile, UserName=name) == "NoSuchEntity"


def test_the_sound_writer_has_its_policy_from_a_group_of_its_own_and_a_boundary(iam: Any) -> None:
    name = company_aws.RECORDINGS_WRITER
    assert iam.list_user_policies(UserName=name)["PolicyNames"] == []
    assert iam.list_attached_user_policies(UserName=name)["AttachedPolicies"] == []
    [group] = [row["GroupName"] for row in iam.list_groups_for_user(UserName=name)["Groups"]]
    [policy] = iam.list_group_policies(GroupName=group)["PolicyNames"]
    document = iam.get_group_policy(GroupName=group, PolicyName=policy)["PolicyDocument"]
    boundary = iam.get_user(UserName=name)["User"]["PermissionsBoundary"]["PermissionsBoundaryArn"]
    version = iam.get_policy_version(PolicyArn=boundary, VersionId="v1")["PolicyVersion"]
    assert version["Document"] == document
    sids = [statement["Sid"] for statement in document["Statement"]]
    assert sids == ["UploadUserAllowPutObject", "AccessToKmsForEncryption"]
    details = iam.get_account_authorization_details(Filter=["User"])["UserDetailList"]
    bounded = {row["UserName"]: row["PermissionsBoundary"] for row in details if row.get("PermissionsBoundary")}
    assert bounded[name]["PermissionsBoundaryArn"] == boundary


def test_the_trail_records_the_objects_of_the_sound_bucket(aws: AwsServer) -> None:
    [seen] = aws.client("cloudtrail", "eu-central-1").describe_trails()["trailList"]
    cloudtrail = aws.client("cloudtrail", seen["HomeRegion"])
    status = cloudtrail.get_trail_status(Name=seen["TrailARN"])
    assert status["IsLogging"] is True
    assert status["LatestDeliveryTime"] == NOW - timedelta(minutes=4)
    [selector] = cloudtrail.get_event_selectors(TrailName=seen["TrailARN"])["EventSelectors"]
    assert selector["DataResources"] == [
        {"Type": "AWS::S3::Object", "Values": [f"arn:aws:s3:::{company_aws.RECORDINGS_BUCKET}/"]}
    ]


def test_cloudtrail_shows_the_sound_writer_asking_for_data_keys(aws: AwsServer) -> None:
    events = aws.client("cloudtrail").lookup_events(
        LookupAttributes=[{"AttributeKey": "EventName", "AttributeValue": "GenerateDataKey"}]
    )["Events"]
    assert {event["AccessKeyId"] for event in events} == {company_aws.RECORDINGS_KEY_ID}
    record = json.loads(events[0]["CloudTrailEvent"])
    context = record["requestParameters"]["encryptionContext"]
    assert context == {"aws:s3:arn": f"arn:aws:s3:::{company_aws.RECORDINGS_BUCKET}"}


def test_the_compositions_bucket_has_its_faults(aws: AwsServer, s3: Any) -> None:
    named = {"Bucket": company_aws.COMPOSITIONS_BUCKET}
    region = s3.head_bucket(**named)["BucketRegion"]
    rule = default_encryption(s3, company_aws.COMPOSITIONS_BUCKET)
    key_arn = rule["ApplyServerSideEncryptionByDefault"]["KMSMasterKeyID"]
    assert key_arn.split(":")[3] != region
    key = aws.client("kms", key_arn.split(":")[3]).describe_key(KeyId=key_arn)["KeyMetadata"]
    assert (key["KeyState"], key["DeletionDate"]) == ("PendingDeletion", NOW + timedelta(days=21))
    assert "BlockedEncryptionTypes" not in rule
    assert s3.get_bucket_versioning(**named)["Status"] == "Suspended"
    assert not any("Expiration" in row for row in s3.get_bucket_lifecycle_configuration(**named)["Rules"])
    assert "LoggingEnabled" not in s3.get_bucket_logging(**named)


def test_the_research_bucket_is_open_to_everyone(aws: AwsServer, s3: Any) -> None:
    named = {"Bucket": company_aws.RESEARCH_BUCKET}
    groups = {grant["Grantee"].get("URI") for grant in s3.get_bucket_acl(**named)["Grants"]}
    assert "http://acs.amazonaws.com/groups/global/AllUsers" in groups
    assert error_code(s3.get_public_access_block, **named) == "NoSuchPublicAccessBlockConfiguration"
    assert error_code(s3.get_bucket_policy, **named) == "NoSuchBucketPolicy"
    assert default_encryption(s3, company_aws.RESEARCH_BUCKET)["ApplyServerSideEncryptionByDefault"] == {
        "SSEAlgorithm": "AES256"
    }
    assert company_aws.TEST_FILE in {item["Key"] for item in s3.list_objects_v2(**named)["Contents"]}
    account = aws.client("s3control").get_public_access_block(AccountId=company_aws.AWS_ACCOUNT)
    assert account["PublicAccessBlockConfiguration"]["IgnorePublicAcls"] is False


def test_the_compositions_writer_is_a_person_with_two_keys(iam: Any) -> None:
    name = company_aws.COMPOSITIONS_WRITER
    keys = {key["AccessKeyId"]: key for key in iam.list_access_keys(UserName=name)["AccessKeyMetadata"]}
    assert {key["Status"] for key in keys.values()} == {"Active"}
    assert keys[company_aws.COMPOSITIONS_KEY_ID]["CreateDate"] == NOW - timedelta(days=400)
    unused = iam.get_access_key_last_used(AccessKeyId=company_aws.UNUSED_KEY_ID)["AccessKeyLastUsed"]
    assert "LastUsedDate" not in unused
    assert iam.get_login_profile(UserName=name)["LoginProfile"]["UserName"] == name
    assert iam.list_mfa_devices(UserName=name)["MFADevices"] == []


def test_the_research_writer_has_no_active_key(iam: Any) -> None:
    [key] = iam.list_access_keys(UserName=company_aws.RESEARCH_WRITER)["AccessKeyMetadata"]
    assert (key["AccessKeyId"], key["Status"]) == (company_aws.RESEARCH_KEY_ID, "Inactive")


def test_the_account_is_the_same_each_time(aws: AwsServer) -> None:
    def look() -> list[Any]:
        iam, s3 = aws.client("iam"), aws.client("s3")
        details = iam.get_account_authorization_details()
        return [
            details["UserDetailList"],
            details["Policies"],
            s3.list_buckets()["Buckets"],
            [default_encryption(s3, bucket["Name"]) for bucket in s3.list_buckets()["Buckets"]],
            aws.client("cloudtrail").describe_trails()["trailList"],
            aws.client("cloudtrail").lookup_events()["Events"],
        ]

    before = look()
    company_aws.furnish_aws(aws, NOW)
    assert look() == before
    assert aws.operations()[0] == "iam:GetAccountAuthorizationDetails"


def test_the_scanner_is_known_to_the_account(aws: AwsServer) -> None:
    import boto3

    variables = company.environment(aws.url, "http://127.0.0.1:1")
    sts = boto3.client(
        "sts",
        endpoint_url=variables["AWS_ENDPOINT_URL"],
        region_name=variables["AWS_REGION"],
        aws_access_key_id=variables["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=variables["AWS_SECRET_ACCESS_KEY"],
    )
    arn = f"arn:aws:iam::{company_aws.AWS_ACCOUNT}:user/{company_aws.AUDITOR}"
    assert sts.get_caller_identity()["Arn"] == arn


def test_the_configuration_links_every_credential_that_is_used() -> None:
    config = tomllib.loads(company.config_text())
    assert [account["label"] for account in config["twilio"]["accounts"]] == ["production", "research"]
    used = {
        settings["aws_credentials_sid"]
        for contents in (company_twilio.production(NOW), company_twilio.research(NOW))
        for settings in (contents.recording_settings, contents.composition_settings)
        if settings is not None and settings["aws_storage_enabled"]
    }
    assert set(config["credential_links"]) == used
    assert company_twilio.PLANTED_SECRET not in company.config_text()


def test_the_configuration_is_accepted() -> None:
    from recordscan.config import Config

    config = Config.model_validate(tomllib.loads(company.config_text()))
    variables = company.environment("http://127.0.0.1:1", "http://127.0.0.1:2")
    for account in config.twilio.accounts:
        assert variables[account.api_key_env].startswith("SK")
        assert variables[account.api_secret_env]


def test_every_recording_of_production_is_in_its_bucket() -> None:
    contents = company_twilio.production(NOW)
    assert contents.recording_settings is not None
    url = contents.recording_settings["aws_s3_url"]
    assert all(row["media_external_location"].startswith(url) for row in contents.recordings)
    assert {row["status"] for row in contents.recordings} == {"completed", "deleted"}
    assert not [row for row in contents.hooks if row["enabled"]]
    assert contents.alerts == []


def test_research_tells_the_story_of_a_lost_credential() -> None:
    contents = company_twilio.research(NOW)
    assert contents.recording_settings is not None
    assert contents.composition_settings is not None
    listed = {row["sid"] for row in contents.aws_credentials}
    assert contents.recording_settings["aws_credentials_sid"] not in listed
    assert contents.recording_settings["encryption_key_sid"] not in {row["sid"] for row in contents.public_keys}
    external = [row["date_created"] for row in contents.recordings if row["media_external_location"]]
    internal = [row["date_created"] for row in contents.recordings if not row["media_external_location"]]
    assert max(internal) > max(external)
    composed = {row["room_sid"] for row in contents.compositions}
    assert composed & {row["grouping_sids"]["room_sid"] for row in contents.recordings}
    assert "53616" in {row["error_code"] for row in contents.alerts}
    assert contents.composition_settings["aws_storage_enabled"] is False
    assert contents.composition_settings["aws_s3_url"]


@pytest.mark.parametrize("contents", [company_twilio.production(NOW), company_twilio.research(NOW)])
def test_no_two_rows_of_an_account_share_a_sid(contents: TwilioAccountData) -> None:
    rows = [
        *contents.recordings,
        *contents.compositions,
        *contents.hooks,
        *contents.aws_credentials,
        *contents.public_keys,
        *contents.alerts,
    ]
    sids = [row["sid"] for row in rows]
    assert len(set(sids)) == len(sids)
    assert {len(sid) for sid in sids} == {34}


def test_the_planted_secret_has_the_form_of_a_secret_access_key() -> None:
    names = [row["friendly_name"] for row in company_twilio.production(NOW).aws_credentials]
    assert len(company_twilio.PLANTED_SECRET) == 40
    assert any(company_twilio.PLANTED_SECRET in name for name in names)


def test_each_key_opens_its_own_twilio_account() -> None:
    seen = {}
    with TwilioServer(accounts=company.twilio_accounts(NOW), principals=company.twilio_principals()) as twilio:
        for principal in company.twilio_principals():
            reply = requests.get(
                f"{twilio.url}/v1/RecordingSettings/Default",
                auth=(principal.username, principal.password),
                headers={HOST_HEADER: "video.twilio.com"},
                timeout=10,
            )
            seen[principal.account_sid] = reply.json()["account_sid"]
    assert seen == {sid: sid for sid in (company_twilio.PRODUCTION, company_twilio.RESEARCH)}
