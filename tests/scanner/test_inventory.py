"""Account scope: everything else in the account becomes a subject, and what cannot be listed is seen to be unknown."""

from dataclasses import replace

import pytest

from recordscan.engine import assess_snapshot
from recordscan.plugins import load_rules
from recordscan.result import Outcome
from recordscan.scope import BucketScope
from recordscan.testing import AWS_ACCOUNT, BUCKET, KEY_ARN, REGION, WRITER, WRITER_ARN, Case, ago, sound

OTHER_KEY = f"arn:aws:kms:{REGION}:{AWS_ACCOUNT}:key/ffffffff-12ab-34cd-56ef-1234567890ab"


def account() -> Case:
    case = sound()
    case.scope = replace(case.scope, whole_account=True)
    case.set("s3:ListBuckets", "/Buckets", [{"Name": BUCKET}, {"Name": "acme-logs"}])
    users = [{"UserName": name, "Arn": f"arn:aws:iam::{AWS_ACCOUNT}:user/{name}"} for name in (WRITER, "ops")]
    case.add("iam:GetAccountAuthorizationDetails", {"UserDetailList": users, "Policies": []})
    case.add("kms:ListKeys", {"Keys": [{"KeyArn": KEY_ARN}, {"KeyArn": OTHER_KEY}]}, region=REGION)
    metadata = {"Arn": OTHER_KEY, "KeyManager": "CUSTOMER", "KeyState": "Enabled", "KeyUsage": "ENCRYPT_DECRYPT"}
    case.add("kms:DescribeKey", {"KeyMetadata": metadata}, region=REGION, KeyId=OTHER_KEY)
    return case


def subjects(case: Case) -> set[str]:
    estate = case.estate()
    everything = (*estate.all_targets(), *estate.key_holders(), *estate.user_holders())
    return {subject.uid for subject in everything}


def unknown(case: Case, uid: str) -> set[str]:
    assessments = assess_snapshot(case.snapshot(), load_rules(), fail_on=None).assessments
    return {a.rule_id for a in assessments if a.subject.uid == uid and a.outcome is Outcome.UNKNOWN}


def test_other_buckets_keys_and_users_are_subjects_once() -> None:
    found = subjects(account())
    assert {"s3://acme-logs/", OTHER_KEY, f"arn:aws:iam::{AWS_ACCOUNT}:user/ops"} <= found
    assert f"s3://{BUCKET}/" not in found
    assert {KEY_ARN, WRITER_ARN}.isdisjoint(found)


def test_keys_that_aws_manages_are_left_out() -> None:
    case = account()
    case.set("kms:DescribeKey", "/KeyMetadata/KeyManager", "AWS", KeyId=OTHER_KEY)
    assert OTHER_KEY not in subjects(case)


@pytest.mark.parametrize(
    ("operation", "subject", "rule"),
    [
        ("s3:ListBuckets", "s3://unlisted-buckets/", "bucket-tls-only"),
        ("kms:ListKeys", f"aws:unlisted-keys/{REGION}", "key-rotation"),
        ("iam:GetAccountAuthorizationDetails", "aws:unlisted-users", "writer-key-age"),
    ],
)
def test_what_cannot_be_listed_is_unknown_and_not_silently_left_out(operation: str, subject: str, rule: str) -> None:
    case = account()
    case.deny(operation)
    assert rule in unknown(case, subject)


@pytest.mark.parametrize(
    ("operation", "subject", "rule"),
    [
        ("s3:ListBuckets", "s3://unlisted-buckets/", "bucket-tls-only"),
        ("kms:ListKeys", f"aws:unlisted-keys/{REGION}", "key-rotation"),
        ("iam:GetAccountAuthorizationDetails", "aws:unlisted-users", "writer-key-age"),
    ],
)
def test_what_a_list_that_was_cut_does_not_show_is_unknown_beside_what_it_shows(
    operation: str, subject: str, rule: str
) -> None:
    case = account()
    shown = subjects(case)
    case.set(operation, "/truncated", True)
    assert subjects(case) == shown | {subject}
    assert rule in unknown(case, subject)


def test_without_account_scope_nothing_else_is_looked_at() -> None:
    case = account()
    case.scope = replace(case.scope, whole_account=False)
    assert {"s3://acme-logs/", OTHER_KEY}.isdisjoint(subjects(case))


def test_an_old_key_of_another_user_is_found() -> None:
    case = account()
    key = {"UserName": "ops", "AccessKeyId": "AKIAOPSOPSOPSOPSOPS0", "Status": "Active", "CreateDate": ago(days=400)}
    case.add("iam:GetUser", {"User": {"Arn": f"arn:aws:iam::{AWS_ACCOUNT}:user/ops"}}, UserName="ops")
    case.add("iam:ListAccessKeys", {"AccessKeyMetadata": [key]}, UserName="ops")
    case.add("iam:GetAccessKeyLastUsed", {"AccessKeyLastUsed": {}}, AccessKeyId=key["AccessKeyId"])
    assessments = assess_snapshot(case.snapshot(), load_rules(), fail_on=None).assessments
    failed = {a.rule_id for a in assessments if a.outcome is Outcome.FAIL}
    assert failed == {"writer-key-age", "writer-key-unused"}


def population(case: Case) -> dict[str, tuple[int, tuple[str, ...], bool]]:
    found = assess_snapshot(case.snapshot(), [], fail_on=None).coverage.population
    return {row.kind: (row.count, row.enumerated_by, row.complete) for row in found}


KEYS = "customer managed KMS keys in the buckets' Regions"
SETTINGS = ("twilio:FetchRecordingSettings", "twilio:FetchCompositionSettings")


def test_the_population_of_an_account_says_by_which_lists_it_was_found() -> None:
    found = population(account())
    assert found["targets"] == (3, (*SETTINGS, "s3:ListBuckets"), True)
    assert found["buckets"][:2] == (2, (*SETTINGS, "s3:ListBuckets"))
    assert found[KEYS] == (2, ("kms:ListKeys",), True)
    assert found["IAM users"] == (2, ("iam:GetAccountAuthorizationDetails",), True)


@pytest.mark.parametrize(
    ("operation", "kinds"),
    [
        ("s3:ListBuckets", {"targets", "buckets"}),
        ("kms:ListKeys", {KEYS}),
        ("iam:GetAccountAuthorizationDetails", {"IAM users"}),
    ],
)
def test_a_list_that_is_denied_or_cut_makes_its_population_incomplete(operation: str, kinds: set[str]) -> None:
    denied, cut = account(), account()
    denied.deny(operation)
    cut.set(operation, "/truncated", True)
    for case in (denied, cut):
        assert kinds <= {kind for kind, row in population(case).items() if not row[2]}


def test_without_twilio_the_population_claims_no_list_of_twilio() -> None:
    case = sound()
    case.scope = replace(case.scope, twilio_accounts=(), buckets=(BucketScope(bucket=BUCKET, prefix="recordings/"),))
    assert population(case) == {
        "targets": (1, ("configuration",), True),
        "buckets": (1, ("configuration",), True),
    }
