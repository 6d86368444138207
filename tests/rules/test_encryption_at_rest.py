"""How objects lie there: the bucket's default, S3 Bucket Keys, and single objects that were looked at."""

import json

import pytest

from recordscan.engine import assess
from recordscan.facts import Json, Reason
from recordscan.result import Outcome
from recordscan.rule import Rule, Severity
from recordscan.testing import AWS_ACCOUNT, BUCKET, PREFIX, TWILIO_ACCOUNT, Case, judge, judge_all, sound
from recordscan_rules.encryption_at_rest import bucket_key, default_encryption, object_sample
from recordscan_rules.exposure import acl_foreign, object_acl_sample, public_access_block_own
from rules.failing_bucket import FOREIGN_USER, KEYS, granted, guarded, live_acls, public_object, sample

RECORDINGS = f"twilio:{TWILIO_ACCOUNT}/recordings"
ENCRYPTION = "s3:GetBucketEncryption"
DEFAULT = "/ServerSideEncryptionConfiguration/Rules/0/ApplyServerSideEncryptionByDefault"
BUCKET_KEY = "/ServerSideEncryptionConfiguration/Rules/0/BucketKeyEnabled"
BUCKET_ARN = f"arn:aws:s3:::{BUCKET}"
LOG_DELIVERY = "http://acs.amazonaws.com/groups/s3/LogDelivery"


@pytest.mark.parametrize("rule", [default_encryption, bucket_key, object_sample], ids=lambda rule: rule.id)
def test_objects_in_good_order_pass_and_without_storage_there_are_none(rule: Rule) -> None:
    outcomes = {uid.rpartition("/")[2]: a.outcome for uid, a in judge_all(rule, guarded()).items()}
    assert outcomes == {"recordings": Outcome.PASS, "compositions": Outcome.NOT_APPLICABLE}


@pytest.mark.parametrize("answer", [None, {"ServerSideEncryptionConfiguration": {"Rules": [{}]}}])
def test_a_bucket_always_encrypts_whatever_an_emulator_says(answer: Json) -> None:
    case = sound()
    case.answer(ENCRYPTION, answer)
    assert judge(default_encryption, case).outcome is Outcome.PASS


def test_a_default_that_may_not_be_read_is_unknown_which_prowler_fails() -> None:
    case = sound()
    case.deny(ENCRYPTION)
    assert judge(default_encryption, case).outcome is Outcome.UNKNOWN


def key_policy(condition: Json, **members: Json) -> Case:
    case = sound()
    document = json.loads(case.find("kms:GetKeyPolicy")["Policy"])
    use = {
        "Sid": "Use",
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{AWS_ACCOUNT}:role/uploads"},
        "Action": "kms:GenerateDataKey",
        "Resource": "*",
        "Condition": condition,
    }
    document["Statement"].append({**use, **members})
    case.answer("kms:GetKeyPolicy", {"Policy": json.dumps(document)})
    return case


def context(operator: str, *values: str) -> Json:
    return {operator: {"kms:EncryptionContext:aws:s3:arn": list(values)}}


@pytest.mark.parametrize(
    "case",
    [
        pytest.param(key_policy(context("StringLike", f"{BUCKET_ARN}/*")), id="all objects"),
        pytest.param(key_policy(context("StringLike", f"{BUCKET_ARN}/other/*")), id="objects elsewhere"),
        pytest.param(key_policy(context("ArnLike", f"{BUCKET_ARN}/{PREFIX}*")), id="by ARN"),
        pytest.param(
            key_policy(context("StringNotLike", f"{BUCKET_ARN}/*"), Effect="Deny"), id="a Deny for all but objects"
        ),
    ],
)
def test_a_condition_on_objects_fails_with_a_bucket_key(case: Case) -> None:
    assert judge(bucket_key, case).outcome is Outcome.FAIL
    case.set(ENCRYPTION, BUCKET_KEY, False)
    assert judge(bucket_key, case).outcome is Outcome.PASS


@pytest.mark.parametrize(
    "case",
    [
        pytest.param(key_policy(context("StringEquals", BUCKET_ARN)), id="the bucket"),
        pytest.param(key_policy(context("StringLike", BUCKET_ARN, f"{BUCKET_ARN}/*")), id="the bucket and its objects"),
        pytest.param(key_policy(context("StringLike", f"{BUCKET_ARN}*")), id="both by one pattern"),
        pytest.param(key_policy(context("StringLike", "arn:aws:s3:::invoices/*")), id="another bucket"),
        pytest.param(key_policy({"StringEquals": {"kms:CallerAccount": AWS_ACCOUNT}}), id="something else"),
    ],
)
def test_a_condition_that_the_bucket_meets_passes(case: Case) -> None:
    assert judge(bucket_key, case).outcome is Outcome.PASS


def test_a_statement_about_the_context_with_a_defect_is_unknown() -> None:
    assessment = judge(bucket_key, key_policy(context("StringAlike", f"{BUCKET_ARN}/*")))
    assert (assessment.outcome, assessment.reason) == (Outcome.UNKNOWN, Reason.MALFORMED)


@pytest.mark.parametrize("operation", ["kms:GetKeyPolicy", ENCRYPTION])
def test_a_bucket_key_is_unknown_when_an_answer_is_missing(operation: str) -> None:
    case = sound()
    case.deny(operation)
    assert judge(bucket_key, case, RECORDINGS).outcome is Outcome.UNKNOWN


@pytest.mark.parametrize("algorithm", ["aws:kms:dsse", "AES256"])
def test_bucket_keys_go_with_sse_kms_only(algorithm: str) -> None:
    case = sound()
    case.set(ENCRYPTION, f"{DEFAULT}/SSEAlgorithm", algorithm)
    assert judge(bucket_key, case, RECORDINGS).outcome is Outcome.NOT_APPLICABLE


@pytest.mark.parametrize(
    ("members", "observed"),
    [
        ({"ServerSideEncryption": "AES256", "SSEKMSKeyId": None}, "encrypted with AES256"),
        ({"ServerSideEncryption": None, "SSEKMSKeyId": None}, "encrypted with nothing that S3 tells"),
        ({"SSEKMSKeyId": "arn:aws:kms:x:1:key/old"}, "encrypted with another KMS key: arn:aws:kms:x:1:key/old"),
        ({"SSECustomerAlgorithm": "AES256"}, "encrypted with a key of the uploader's (SSE-C)"),
    ],
)
def test_an_object_from_before_the_default_fails(members: dict[str, Json], observed: str) -> None:
    case = sample(sound())
    head = case.find("s3:HeadObject", Key=KEYS[0])
    case.answer("s3:HeadObject", {**head, **members}, Key=KEYS[0])
    assessment = judge(object_sample, case)
    assert [(f.resources[0], f.observed) for f in assessment.findings] == [(f"s3://{BUCKET}/{KEYS[0]}", observed)]


def test_with_a_key_of_aws_any_key_will_do() -> None:
    case = sample(sound(), SSEKMSKeyId="arn:aws:kms:eu-west-1:1:key/aws-s3")
    case.set(ENCRYPTION, DEFAULT, {"SSEAlgorithm": "aws:kms"})
    assert judge(object_sample, case).outcome is Outcome.PASS


def test_an_object_that_may_not_be_looked_at_is_unknown_and_hides_no_other() -> None:
    case = sample(sound())
    case.deny("s3:HeadObject", Key=KEYS[0])
    assert judge(object_sample, case).outcome is Outcome.UNKNOWN
    head = case.find("s3:HeadObject", Key=KEYS[-1])
    case.answer("s3:HeadObject", {**head, "ServerSideEncryption": "AES256"}, Key=KEYS[-1])
    assert judge(object_sample, case).outcome is Outcome.FAIL


@pytest.mark.parametrize("rule", [object_sample, object_acl_sample], ids=lambda rule: rule.id)
def test_without_a_sample_or_objects_nothing_is_judged_which_prowler_passes(rule: Rule) -> None:
    none_asked = sample(live_acls(sound()), 0)
    no_objects = sample(live_acls(sound()))
    no_objects.set("s3:ListObjectsV2", "/Contents", [])
    for case in (none_asked, no_objects):
        assert judge(rule, case, RECORDINGS).outcome is Outcome.NOT_APPLICABLE


def test_a_public_object_fails_where_acls_take_effect() -> None:
    case = public_object()
    assert judge(object_acl_sample, case).outcome is Outcome.FAIL
    case.set("s3:GetBucketOwnershipControls", "/OwnershipControls/Rules/0/ObjectOwnership", "BucketOwnerEnforced")
    assert judge(object_acl_sample, case, RECORDINGS).outcome is Outcome.NOT_APPLICABLE


def test_an_object_whose_acl_may_not_be_read_is_unknown() -> None:
    case = sample(live_acls(sound()))
    case.deny("s3:GetObjectAcl", Key=KEYS[0])
    assert judge(object_acl_sample, case).outcome is Outcome.UNKNOWN


def test_the_bucket_alone_is_low_while_the_account_blocks_and_medium_else() -> None:
    case = sound()
    case.set("s3:GetPublicAccessBlock", "/PublicAccessBlockConfiguration/IgnorePublicAcls", False)
    [found] = judge(public_access_block_own, case).findings
    assert (found.severity, found.observed) == (Severity.LOW, "off: IgnorePublicAcls")
    case.set("s3control:GetPublicAccessBlock", "/PublicAccessBlockConfiguration/BlockPublicPolicy", False)
    assert judge(public_access_block_own, case).findings[0].severity is Severity.MEDIUM
    case.deny("s3control:GetPublicAccessBlock")
    assert judge(public_access_block_own, case).findings[0].severity is Severity.MEDIUM


def test_switches_of_the_bucket_that_may_not_be_read_are_unknown_even_if_those_of_the_account_are_on() -> None:
    case = sound()
    case.deny("s3:GetPublicAccessBlock")
    assert judge(public_access_block_own, case).outcome is Outcome.UNKNOWN


def test_a_grant_to_another_account_fails() -> None:
    assessment = judge(acl_foreign, granted(live_acls(sound()), FOREIGN_USER))
    assert (assessment.outcome, assessment.findings[0].observed) == (Outcome.FAIL, f"WRITE to {FOREIGN_USER}")


def test_grants_do_not_count_while_acls_are_disabled() -> None:
    assert judge(acl_foreign, granted(sound(), FOREIGN_USER), RECORDINGS).outcome is Outcome.NOT_APPLICABLE


def log_target(*, known: bool) -> Case:
    case = live_acls(sound())
    row = {"Grantee": {"Type": "Group", "URI": LOG_DELIVERY}, "Permission": "WRITE"}
    case.set("s3:GetBucketAcl", "/Grants/-", row)
    if known:
        other = sound()
        other.rename_bucket("acme-other")
        for found in other.snapshot().observations:
            if found.request.get("Bucket") == "acme-other":
                case.add(found.operation, found.answer, region=found.region, **found.request)
        case.set("s3:GetBucketLogging", "/LoggingEnabled/TargetBucket", BUCKET, Bucket="acme-other")
        settings = case.find("twilio:FetchRecordingSettings")
        url = settings["aws_s3_url"].replace(BUCKET, "acme-other")
        case.answer("twilio:FetchCompositionSettings", {**settings, "aws_s3_url": url})
    return case


@pytest.mark.parametrize(("known", "outcome"), [(True, Outcome.PASS), (False, Outcome.UNKNOWN)])
def test_log_delivery_is_in_order_where_logs_are_known_to_arrive(*, known: bool, outcome: Outcome) -> None:
    case = log_target(known=known)
    recordings = next(target for target in case.estate().targets if target.uid == RECORDINGS)
    assert assess(acl_foreign, recordings, case.profile).outcome is outcome


@pytest.mark.parametrize("operation", ["s3:GetBucketAcl", "s3:GetBucketOwnershipControls"])
def test_an_acl_that_may_not_be_read_is_unknown_which_scoutsuite_passes(operation: str) -> None:
    case = live_acls(sound())
    case.deny(operation)
    assert judge(acl_foreign, case, RECORDINGS).outcome is Outcome.UNKNOWN
