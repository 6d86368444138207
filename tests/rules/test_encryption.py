"""How the bucket encrypts: by default, with which key, and with whose."""

import json
from collections.abc import Callable

import pytest

from recordscan.facts import Json, Reason
from recordscan.result import Outcome
from recordscan.rule import Rule, Severity
from recordscan.scope import BucketScope, Scope
from recordscan.testing import (
    AWS_ACCOUNT,
    BUCKET,
    COMPOSITIONS_PREFIX,
    KEY_ARN,
    PREFIX,
    TLS_ONLY_POLICY,
    TWILIO_ACCOUNT,
    Case,
    ago,
    alert,
    bucket_url,
    composing,
    composition,
    judge,
    judge_all,
    recording,
    sound,
)
from recordscan_rules.encryption import (
    bucket_sse_kms,
    customer_key,
    headers_consistent,
    key_arn,
    kms_region,
    sse_c_blocked,
)
from recordscan_rules.keys import key_state
from rules.failing import SHARED_STATEMENTS, sharing, with_bucket_policy

RECORDINGS = f"twilio:{TWILIO_ACCOUNT}/recordings"
RULE = "/ServerSideEncryptionConfiguration/Rules/0"
DEFAULT = f"{RULE}/ApplyServerSideEncryptionByDefault"
BLOCKED = f"{RULE}/BlockedEncryptionTypes"
REPLICA = "arn:aws:kms:us-east-1:111122223333:key/mrk-1234abcd12ab34cd56ef1234567890ab"
ALIAS = "alias/video"

Change = Callable[[Case], None]


def encrypts(algorithm: str, key: str | None = None) -> Change:
    default = {"SSEAlgorithm": algorithm} | ({"KMSMasterKeyID": key} if key is not None else {})
    return lambda case: case.set("s3:GetBucketEncryption", DEFAULT, default)


def names(reference: str, *, described: bool = True) -> Change:
    """The default encryption names the key otherwise; KMS resolves that, or says that there is none."""

    def change(case: Case) -> None:
        encrypts("aws:kms", reference)(case)
        metadata = case.find("kms:DescribeKey") if described else None
        case.add("kms:DescribeKey", metadata, region="eu-west-1", KeyId=reference)

    return change


def stored(*rows: dict[str, Json]) -> Change:
    return lambda case: case.set("twilio:ListRecordings", "/recordings", list(rows), status="completed")


def changed(*changes: Change, case: Case | None = None) -> Case:
    case = case or sound()
    for change in changes:
        change(case)
    return case


def unknown_to_twilio() -> Case:
    """The bucket was named without a Twilio setting."""
    case = sound()
    case.scope = Scope(buckets=(BucketScope(bucket=BUCKET, prefix=PREFIX),), alerts_since="2026-10-22")
    return case


@pytest.mark.parametrize("rule", [bucket_sse_kms, kms_region, customer_key, key_arn, sse_c_blocked], ids=lambda r: r.id)
def test_a_bucket_in_good_order_passes_and_without_storage_there_is_nothing_to_judge(rule: Rule) -> None:
    outcomes = {uid.rpartition("/")[2]: a.outcome for uid, a in judge_all(rule, sound()).items()}
    assert outcomes == {"recordings": Outcome.PASS, "compositions": Outcome.NOT_APPLICABLE}


def test_kms_with_the_aws_managed_key_is_kms() -> None:
    assert judge(bucket_sse_kms, changed(encrypts("aws:kms"))).outcome is Outcome.PASS


@pytest.mark.parametrize(
    ("rows", "severity"),
    [
        pytest.param([recording(1)], Severity.LOW, id="an upload of yesterday shows that it works"),
        pytest.param([recording(7)], Severity.LOW, id="one of seven days ago still does"),
        pytest.param([recording(8)], Severity.HIGH, id="an older one shows nothing"),
        pytest.param([recording(1, media_external_location=None)], Severity.HIGH, id="held by Twilio"),
        pytest.param(
            [recording(1, media_external_location=bucket_url(PREFIX, bucket="other-media"))],
            Severity.HIGH,
            id="in another bucket",
        ),
        pytest.param([recording(1, status="failed")], Severity.HIGH, id="failed"),
        pytest.param([], Severity.HIGH, id="none"),
    ],
)
def test_sse_s3_is_milder_where_uploads_succeed_lately(rows: list[dict[str, Json]], severity: Severity) -> None:
    assessment = judge(bucket_sse_kms, changed(encrypts("AES256"), stored(*rows)))
    assert (assessment.outcome, assessment.severity) == (Outcome.FAIL, severity)
    assert assessment.findings[0].observed == "AES256"


def logged(*rows: dict[str, Json]) -> Change:
    return lambda case: case.set("twilio:ListAlerts", "/alerts", list(rows))


@pytest.mark.parametrize(
    ("change", "severity"),
    [
        pytest.param(logged(alert(53615, date_generated=ago(hours=2))), Severity.HIGH, id="denied since"),
        pytest.param(logged(alert(53615, date_generated=ago(days=2))), Severity.LOW, id="denied before"),
        pytest.param(logged(alert(53615, date_generated=None)), Severity.HIGH, id="denied nobody knows when"),
        pytest.param(logged(alert(53611, date_generated=ago(hours=2))), Severity.LOW, id="failed for another reason"),
        pytest.param(logged(alert(53669, date_generated=ago(hours=2))), Severity.LOW, id="a Composition was denied"),
        pytest.param(lambda case: case.deny("twilio:ListAlerts"), Severity.LOW, id="a log that cannot be read"),
    ],
)
def test_sse_s3_is_no_milder_when_an_upload_was_denied_since(change: Change, severity: Severity) -> None:
    case = changed(encrypts("AES256"), stored(recording(1)), change)
    assert judge(bucket_sse_kms, case).severity is severity


@pytest.mark.parametrize("code", [53625, 53669])
def test_sse_s3_is_no_milder_when_a_composition_was_denied_since(code: int) -> None:
    case = changed(encrypts("AES256"), logged(alert(code, date_generated=ago(hours=2))), case=composing())
    assert judge(bucket_sse_kms, case).severity is Severity.HIGH


@pytest.mark.parametrize("rule", [kms_region, key_arn, key_state], ids=lambda r: r.id)
def test_a_key_that_is_left_over_beside_sse_s3_is_not_judged(rule: Rule) -> None:
    case = changed(encrypts("AES256", ALIAS))
    assert judge(rule, case, RECORDINGS).outcome is Outcome.NOT_APPLICABLE


def test_sse_s3_is_judged_by_compositions_where_these_are_stored() -> None:
    fresh = changed(encrypts("AES256"), case=composing())
    assert judge(bucket_sse_kms, fresh).severity is Severity.LOW
    fresh.set("twilio:ListCompositions", "/compositions", [composition(30)], status="completed")
    assert judge(bucket_sse_kms, fresh).severity is Severity.HIGH


def test_sse_s3_is_high_while_the_uploads_cannot_be_listed() -> None:
    case = changed(encrypts("AES256"))
    case.deny("twilio:ListRecordings", status="completed")
    assert judge(bucket_sse_kms, case).severity is Severity.HIGH


def test_sse_s3_is_high_in_a_bucket_that_was_named_without_twilio() -> None:
    case = changed(encrypts("AES256"), case=unknown_to_twilio())
    assert judge(bucket_sse_kms, case).severity is Severity.HIGH


def test_a_bucket_without_an_encryption_answer_has_sse_s3_as_every_bucket_has() -> None:
    case = sound()
    case.answer("s3:GetBucketEncryption", None)
    assessment = judge(bucket_sse_kms, case)
    assert (assessment.outcome, assessment.findings[0].observed) == (Outcome.FAIL, "AES256")


@pytest.mark.parametrize("algorithm", ["aws:kms:dsse", "aws:fsx", "aws:backup"])
def test_encryption_that_twilio_is_not_known_to_cope_with_is_unknown(algorithm: str) -> None:
    assessment = judge(bucket_sse_kms, changed(encrypts(algorithm, KEY_ARN)))
    assert (assessment.outcome, assessment.reason) == (Outcome.UNKNOWN, Reason.UNDECIDABLE)


@pytest.mark.parametrize("rule", [bucket_sse_kms, kms_region, customer_key, key_arn, sse_c_blocked], ids=lambda r: r.id)
def test_encryption_that_may_not_be_read_is_unknown(rule: Rule) -> None:
    case = sound()
    case.deny("s3:GetBucketEncryption")
    assert judge(rule, case).outcome is Outcome.UNKNOWN


def test_a_key_of_another_region_fails_even_when_that_key_exists() -> None:
    case = changed(encrypts("aws:kms", REPLICA))
    case.add("kms:DescribeKey", case.find("kms:DescribeKey"), region="us-east-1", KeyId=REPLICA)
    assessment = judge(kms_region, case)
    assert assessment.outcome is Outcome.FAIL
    assert (assessment.findings[0].expected, assessment.findings[0].observed) == ("eu-west-1", "us-east-1")


def test_a_key_of_another_region_fails_even_when_it_may_not_be_described() -> None:
    assert judge(kms_region, changed(encrypts("aws:kms", REPLICA))).outcome is Outcome.FAIL


@pytest.mark.parametrize("reference", [KEY_ARN, ALIAS, "1234abcd-12ab-34cd-56ef-1234567890ab"])
def test_a_key_that_does_not_exist_fails(reference: str) -> None:
    assessment = judge(kms_region, changed(names(reference, described=False)))
    assert (assessment.outcome, assessment.findings[0].observed) == (Outcome.FAIL, "no such key")


@pytest.mark.parametrize("reference", [ALIAS, f"arn:aws:kms:eu-west-1:{AWS_ACCOUNT}:{ALIAS}"])
def test_an_alias_that_resolves_in_the_buckets_region_passes(reference: str) -> None:
    assert judge(kms_region, changed(names(reference))).outcome is Outcome.PASS


def test_a_key_of_the_right_region_that_may_not_be_described_is_unknown() -> None:
    case = sound()
    case.deny("kms:DescribeKey")
    assessment = judge(kms_region, case)
    assert (assessment.outcome, assessment.permission) == (Outcome.UNKNOWN, "kms:DescribeKey")


def test_the_region_of_a_bucket_that_does_not_tell_it_is_unknown() -> None:
    case = sound()
    case.deny("s3:HeadBucket")
    assert judge(kms_region, case).outcome is Outcome.UNKNOWN


@pytest.mark.parametrize("rule", [kms_region, customer_key, key_arn], ids=lambda r: r.id)
def test_there_is_no_key_to_judge_with_sse_s3(rule: Rule) -> None:
    assert judge(rule, changed(encrypts("AES256")), RECORDINGS).outcome is Outcome.NOT_APPLICABLE


@pytest.mark.parametrize("rule", [kms_region, key_arn], ids=lambda r: r.id)
def test_there_is_no_key_reference_to_judge_with_the_aws_managed_key(rule: Rule) -> None:
    assert judge(rule, changed(encrypts("aws:kms")), RECORDINGS).outcome is Outcome.NOT_APPLICABLE


@pytest.mark.parametrize("algorithm", ["aws:kms", "aws:kms:dsse"])
def test_the_aws_managed_key_is_no_customer_key_when_no_key_is_named(algorithm: str) -> None:
    assert judge(customer_key, changed(encrypts(algorithm))).outcome is Outcome.FAIL


def test_the_aws_managed_key_is_no_customer_key_when_it_is_named() -> None:
    case = sound()
    case.set("kms:DescribeKey", "/KeyMetadata/KeyManager", "AWS")
    assessment = judge(customer_key, case)
    assert (assessment.outcome, assessment.findings[0].observed) == (Outcome.FAIL, KEY_ARN)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda case: case.deny("kms:DescribeKey"), id="denied"),
        pytest.param(lambda case: case.answer("kms:DescribeKey", None), id="no such key"),
        pytest.param(lambda case: case.set("kms:DescribeKey", "/KeyMetadata/KeyManager", None), id="not stated"),
        pytest.param(encrypts("aws:fsx"), id="another kind of encryption"),
    ],
)
def test_who_manages_the_key_is_unknown_when_kms_does_not_say(change: Change) -> None:
    assert judge(customer_key, changed(change)).outcome is Outcome.UNKNOWN


@pytest.mark.parametrize(
    "reference",
    [
        ALIAS,
        f"arn:aws:kms:eu-west-1:{AWS_ACCOUNT}:{ALIAS}",
        "1234abcd-12ab-34cd-56ef-1234567890ab",
        "arn:aws:iam::111122223333:key/x",
    ],
)
def test_a_key_that_is_not_named_by_its_arn_fails(reference: str) -> None:
    assert judge(key_arn, changed(encrypts("aws:kms", reference))).outcome is Outcome.FAIL


@pytest.mark.parametrize("blocked", [{"EncryptionType": ["NONE"]}, {"EncryptionType": []}, None])
def test_sse_c_that_is_not_blocked_fails(blocked: Json) -> None:
    case = changed(lambda case: case.set("s3:GetBucketEncryption", BLOCKED, blocked))
    assert judge(sse_c_blocked, case).outcome is Outcome.FAIL
    case.answer("s3:GetBucketPolicy", None)
    assert judge(sse_c_blocked, case).outcome is Outcome.FAIL


def denies_sse_c(**members: Json) -> Change:
    statement = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:PutObject",
        "Resource": f"arn:aws:s3:::{BUCKET}/*",
        "Condition": {"Null": {"s3:x-amz-server-side-encryption-customer-algorithm": "false"}},
        **members,
    }
    policy = {**TLS_ONLY_POLICY, "Statement": [*TLS_ONLY_POLICY["Statement"], statement]}
    return lambda case: case.answer("s3:GetBucketPolicy", {"Policy": json.dumps(policy)})


def open_to_sse_c(case: Case) -> None:
    case.set("s3:GetBucketEncryption", BLOCKED, None)


def test_a_policy_that_denies_sse_c_to_everyone_serves_as_well() -> None:
    assert judge(sse_c_blocked, changed(open_to_sse_c, denies_sse_c())).outcome is Outcome.PASS


@pytest.mark.parametrize(
    "members",
    [
        {"Effect": "Allow"},
        {"Principal": {"AWS": f"arn:aws:iam::{AWS_ACCOUNT}:user/x"}},
        {"Resource": f"arn:aws:s3:::{BUCKET}/{COMPOSITIONS_PREFIX}*"},
        {"Condition": {"Null": {"s3:x-amz-server-side-encryption-customer-algorithm": "true"}}},
    ],
    ids=["allows", "one user", "another prefix", "the other way round"],
)
def test_a_policy_that_denies_sse_c_in_part_does_not_serve(members: dict[str, Json]) -> None:
    assert judge(sse_c_blocked, changed(open_to_sse_c, denies_sse_c(**members))).outcome is Outcome.FAIL


@pytest.mark.parametrize("policy", ["{", "null", '{"Version": "2012-10-17"}'])
def test_a_policy_that_cannot_be_read_leaves_sse_c_unknown(policy: str) -> None:
    case = changed(open_to_sse_c)
    case.answer("s3:GetBucketPolicy", {"Policy": policy})
    assert judge(sse_c_blocked, case).outcome is Outcome.UNKNOWN


def test_a_policy_that_may_not_be_read_leaves_sse_c_unknown() -> None:
    case = changed(open_to_sse_c)
    case.deny("s3:GetBucketPolicy")
    assert judge(sse_c_blocked, case).permission == "s3:GetBucketPolicy"


def test_findings_name_the_target_they_are_about() -> None:
    assessment = judge(bucket_sse_kms, changed(encrypts("AES256")))
    assert assessment.subject.uid == RECORDINGS
    assert assessment.findings[0].resources == (f"arn:aws:s3:::{BUCKET}",)


SSE = "s3:x-amz-server-side-encryption"
SSE_KEY = f"{SSE}-aws-kms-key-id"
STATED = {"Null": {SSE: "false"}}


def deny(condition: Json, **members: Json) -> dict[str, Json]:
    statement = {**SHARED_STATEMENTS[0], "Condition": condition, **members}
    return {name: value for name, value in statement.items() if value is not None}


def test_demands_on_headers_that_fit_pass() -> None:
    assert judge(headers_consistent, sharing(), RECORDINGS).outcome is Outcome.PASS


@pytest.mark.parametrize(
    "statements",
    [
        pytest.param([], id="nothing at all"),
        pytest.param([deny({"StringNotEquals": {SSE: "aws:kms"}}, Effect="Allow")], id="an Allow"),
        pytest.param([deny({"Null": {f"{SSE}-customer-algorithm": "false"}})], id="of SSE-C"),
        pytest.param([deny({"Null": {SSE: "true"}}, Resource=f"arn:aws:s3:::{BUCKET}/x/*")], id="of other objects"),
        pytest.param([deny({"Null": {SSE: "true"}}, Action="s3:GetObject")], id="of another action"),
    ],
)
def test_a_policy_that_says_nothing_of_headers_is_not_judged(statements: list[Json]) -> None:
    assert judge(headers_consistent, with_bucket_policy(*statements), RECORDINGS).outcome is Outcome.NOT_APPLICABLE


def test_no_policy_says_nothing_of_headers_and_an_unread_one_is_unknown() -> None:
    case = sound()
    case.answer("s3:GetBucketPolicy", None)
    assert judge(headers_consistent, case, RECORDINGS).outcome is Outcome.NOT_APPLICABLE
    case.deny("s3:GetBucketPolicy")
    assert judge(headers_consistent, case, RECORDINGS).outcome is Outcome.UNKNOWN


@pytest.mark.parametrize(
    "statement",
    [
        pytest.param(deny({"StringNotEquals": {SSE: "aws:kms"}}), id="the form that others demand"),
        pytest.param(deny({"StringNotEqualsIfExists": {SSE: "aws:kms"}}), id="IfExists, which changes nothing"),
        pytest.param(deny({"StringNotLike": {SSE.upper(): "aws:*"}}), id="in other case"),
        pytest.param(deny({"Null": {SSE: "true"}}), id="a header demanded"),
        pytest.param(deny({"StringNotEquals": {SSE_KEY: KEY_ARN}}), id="a key demanded"),
        pytest.param(deny({"Null": {SSE: True}}, Action=None, NotAction="s3:GetObject"), id="NotAction"),
        pytest.param(
            deny({"Null": {SSE: True}}, Resource=None, NotResource=f"arn:aws:s3:::{BUCKET}/x/*"), id="NotResource"
        ),
        pytest.param(deny({"Null": {SSE: "true"}}, Principal={"AWS": AWS_ACCOUNT}), id="of the own account only"),
    ],
)
def test_a_deny_that_also_hits_uploads_without_headers_is_a_medium_finding(statement: Json) -> None:
    assessment = judge(headers_consistent, with_bucket_policy(statement), RECORDINGS)
    assert (assessment.outcome, assessment.severity) == (Outcome.FAIL, Severity.MEDIUM)
    assert "no encryption header" in assessment.findings[0].message


@pytest.mark.parametrize(
    ("statements", "words"),
    [
        pytest.param([deny({"StringEquals": {SSE: "aws:kms"}})], ["own default", "SSE-S3"], id="the default"),
        pytest.param(
            [deny({"StringNotEquals": {SSE: "AES256"}, **STATED})], ["own default", "SSE-S3"], id="another kind"
        ),
        pytest.param([deny({"StringNotEquals": {SSE: "aws:kms"}, **STATED})], ["another KMS key"], id="no key"),
        pytest.param([deny({"StringEquals": {SSE: "AES256"}})], ["another KMS key"], id="one kind denied"),
        pytest.param(
            [*SHARED_STATEMENTS[1:2], deny({"StringEquals": {SSE: "AES256"}}, Principal={"AWS": AWS_ACCOUNT})],
            ["SSE-S3"],
            id="denied to some only",
        ),
        pytest.param(
            [
                *SHARED_STATEMENTS[1:2],
                deny({"StringEquals": {SSE: "AES256"}, "Bool": {"aws:SecureTransport": "true"}}),
            ],
            ["SSE-S3"],
            id="denied at times only",
        ),
    ],
)
def test_demands_that_do_not_fit_the_default_are_low_findings(statements: list[Json], words: list[str]) -> None:
    assessment = judge(headers_consistent, with_bucket_policy(*statements), RECORDINGS)
    assert (assessment.outcome, assessment.severity) == (Outcome.FAIL, Severity.LOW)
    assert len(assessment.findings) == len(words)
    assert all(word in found.message for word, found in zip(words, assessment.findings, strict=True))


@pytest.mark.parametrize(
    ("algorithm", "key"),
    [
        pytest.param("AES256", None, id="SSE-S3"),
        pytest.param("aws:kms", None, id="the AWS managed key"),
        pytest.param("aws:kms", ALIAS, id="an alias, which headers do not compare to"),
    ],
)
def test_with_another_default_other_headers_fit(algorithm: str, key: str | None) -> None:
    kind = deny({"StringNotEquals": {SSE: algorithm}, **STATED})
    case = with_bucket_policy(kind, *([SHARED_STATEMENTS[1]] if key else []))
    encrypts(algorithm, key)(case)
    assert judge(headers_consistent, case, RECORDINGS).outcome is Outcome.PASS


def test_a_statement_on_headers_that_is_not_clear_is_unknown() -> None:
    case = with_bucket_policy(*SHARED_STATEMENTS[:2], deny({"StringNotEqual": {SSE: "aws:kms"}}, Sid="Odd"))
    assessment = judge(headers_consistent, case, RECORDINGS)
    assert (assessment.outcome, assessment.reason) == (Outcome.UNKNOWN, Reason.MALFORMED)
