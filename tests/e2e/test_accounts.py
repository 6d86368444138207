"""Several AWS accounts in one scan, against the emulator: by role, by organization, and where one lets nobody in."""

import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.config import Config

from conftest import CommandLine
from recordscan.demo.aws_server import AwsServer
from recordscan.demo.run import Company

HOME, MEDIA = "123456789012", "210987654321"
BUCKET = "tides-recordings"
ROLE = f"arn:aws:iam::{MEDIA}:role/recordscan"
IN_ACCOUNTS = f"""
[scan]
scope = "account"

[aws]
region = "eu-west-1"

[[aws.accounts]]
role_arn = "{ROLE}"
external_id = "tides"
label = "media"
"""

Result = dict[str, Any]


def inside(aws: AwsServer, service: str, account: str = MEDIA) -> Any:
    """A client of another account."""
    role = f"arn:aws:iam::{account}:role/recordscan"
    taken = aws.client("sts").assume_role(RoleArn=role, RoleSessionName="setup")["Credentials"]
    return boto3.client(
        service,
        endpoint_url=aws.url,
        region_name="eu-west-1",
        aws_access_key_id=taken["AccessKeyId"],
        aws_secret_access_key=taken["SecretAccessKey"],
        aws_session_token=taken["SessionToken"],
        config=Config(inject_host_prefix=False),
    )


@pytest.fixture(scope="module")
def aws(spare_aws: AwsServer) -> Iterator[AwsServer]:
    """Two accounts: a bucket in each; that of the other one is encrypted with a key of its own."""
    spare_aws.reset()
    where = {"LocationConstraint": "eu-west-1"}
    spare_aws.client("s3").create_bucket(Bucket="harbour-recordings", CreateBucketConfiguration=where)
    s3 = inside(spare_aws, "s3")
    s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration=where)
    key = inside(spare_aws, "kms").create_key()["KeyMetadata"]["Arn"]
    default = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key}
    s3.put_bucket_encryption(
        Bucket=BUCKET,
        ServerSideEncryptionConfiguration={"Rules": [{"ApplyServerSideEncryptionByDefault": default}]},
    )
    inside(spare_aws, "iam").create_user(UserName="twilio-writer")
    yield spare_aws
    spare_aws.reset()


def scan(recordscan: CommandLine, aws: AwsServer, config: str, *arguments: str) -> tuple[int, Result]:
    (recordscan.folder / "recordscan.toml").write_text(config, encoding="utf-8")
    environment = {"AWS_ENDPOINT_URL": aws.url, "TWILIO_ACCOUNT_SID": None}
    aws.heal()
    run = recordscan("scan", "-f", "json", "-q", *arguments, env=environment)
    assert run.status in (0, 1, 3), run.stderr
    return run.status, json.loads(run.stdout)


def outcomes(result: Result, rule: str) -> dict[str, tuple[str, str | None]]:
    """Name of each subject of a rule → outcome and reason."""
    return {
        row["subject"]["name"]: (row["outcome"], row["reason"])
        for row in result["assessments"]
        if row["rule_id"] == rule
    }


@pytest.fixture(scope="module")
def both(aws: AwsServer, tmp_path_factory: pytest.TempPathFactory, estate: Company) -> Result:
    from recordscan.demo.run import scan_environment

    line = CommandLine(tmp_path_factory.mktemp("both"), scan_environment(estate))
    return scan(line, aws, IN_ACCOUNTS)[1]


def test_buckets_keys_and_users_of_every_account_are_judged(both: Result) -> None:
    assert outcomes(both, "bucket-acl-public").keys() == {"harbour-recordings", BUCKET}
    assert outcomes(both, "account-root-mfa").keys() == {f"AWS account {HOME}", "AWS account media"}
    keys = {row["subject"]["uid"] for row in both["assessments"] if row["subject"]["kind"] == "KMS key"}
    users = {row["subject"]["uid"] for row in both["assessments"] if row["subject"]["kind"] == "IAM user"}
    assert not keys  # the only one is the bucket's own
    assert users == {f"arn:aws:iam::{MEDIA}:user/twilio-writer"}
    assert outcomes(both, "key-state")[BUCKET][0] == "pass"


def test_each_account_is_asked_with_its_own_credentials_and_recorded(both: Result) -> None:
    assert both["scan"]["asked_by"]["aws"].split(":")[4] == HOME
    assert both["scan"]["asked_by"][f"aws:{MEDIA}"] == f"arn:aws:sts::{MEDIA}:assumed-role/recordscan/recordscan"
    assert {"id": MEDIA, "label": "media"} in both["scan"]["scope"]["aws_accounts"]
    asked = {(item["account"], item["request"].get("Bucket")) for item in both["evidence"]}
    assert (MEDIA, BUCKET) in asked
    assert (HOME, BUCKET) not in asked
    accounts = [row for row in both["coverage"]["population"] if row["kind"] == "AWS accounts"]
    assert [(row["count"], row["complete"]) for row in accounts] == [(2, True)]


def test_an_account_that_lets_nobody_in_is_a_gap_and_the_other_is_judged_in_full(
    recordscan: CommandLine, aws: AwsServer, both: Result
) -> None:
    aws.deny.add("sts:AssumeRole")
    (recordscan.folder / "recordscan.toml").write_text(IN_ACCOUNTS, encoding="utf-8")
    environment = {"AWS_ENDPOINT_URL": aws.url, "TWILIO_ACCOUNT_SID": None}
    run = recordscan("scan", "-f", "json", "-q", "--fail-on", "none", env=environment)
    aws.heal()
    result = json.loads(run.stdout)
    assert outcomes(result, "account-root-mfa")["AWS account media"] == ("unknown", "access_denied")
    assert outcomes(result, "bucket-acl-public") == {
        "harbour-recordings": ("pass", None),
        "buckets of media not listed": ("unknown", "access_denied"),
    }
    [gap] = [item for item in result["evidence"] if item["outcome"] == "failed" and item["account"] == MEDIA]
    assert (gap["operation"], gap["permission"]) == ("sts:GetCallerIdentity", "sts:AssumeRole")
    home = {k: v for k, v in verdicts(result).items() if k[1].endswith("harbour-recordings/")}
    assert home == {k: v for k, v in verdicts(both).items() if k[1].endswith("harbour-recordings/")}
    assert [row["complete"] for row in result["coverage"]["population"] if row["kind"] == "AWS accounts"] == [False]


def verdicts(result: Result) -> dict[tuple[str, str], str]:
    return {(row["rule_id"], row["subject"]["uid"]): row["outcome"] for row in result["assessments"]}


def test_the_accounts_of_an_organization_are_found_by_itself(recordscan: CommandLine, aws: AwsServer) -> None:
    organizations = aws.client("organizations", "us-east-1")
    organizations.create_organization(FeatureSet="ALL")
    root = organizations.list_roots()["Roots"][0]["Id"]
    unit = organizations.create_organizational_unit(ParentId=root, Name="video")["OrganizationalUnit"]["Id"]
    ids = {
        name: organizations.create_account(AccountName=name, Email=f"{name}@example.com")["CreateAccountStatus"][
            "AccountId"
        ]
        for name in ("video", "sandbox")
    }
    organizations.move_account(AccountId=ids["video"], SourceParentId=root, DestinationParentId=unit)
    config = '[scan]\nscope = "account"\n[aws.organization]\nrole_name = "recordscan"\n'
    _, result = scan(recordscan, aws, config)
    read = {row["id"] for row in result["scan"]["scope"]["aws_accounts"]}
    assert read == set(ids.values())
    _, result = scan(recordscan, aws, f'{config}include = ["{unit}"]\n')
    assert [row["id"] for row in result["scan"]["scope"]["aws_accounts"]] == [ids["video"]]
    _, result = scan(recordscan, aws, f'{config}exclude = ["{unit}"]\n')
    assert [row["id"] for row in result["scan"]["scope"]["aws_accounts"]] == [ids["sandbox"]]
    aws.deny.add("organizations:ListAccounts")
    environment = {"AWS_ENDPOINT_URL": aws.url, "TWILIO_ACCOUNT_SID": None}
    (recordscan.folder / "recordscan.toml").write_text(config, encoding="utf-8")
    run = recordscan("scan", "-q", env=environment)
    assert run.status == 4
    assert "organizations:ListAccounts does not list the accounts of the organization (AccessDenied" in run.stderr
