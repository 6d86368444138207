"""What the writer may do too much: told with a request that is allowed, and not told where nothing allows one."""

import json
from dataclasses import replace
from typing import Any

import pytest

from recordscan.facts import Json, Reason
from recordscan.result import Assessment, Outcome
from recordscan.rule import Severity
from recordscan.testing import (
    ACCESS_KEY,
    AWS_ACCOUNT,
    BUCKET,
    CREDENTIAL,
    KEY_ARN,
    PREFIX,
    TWILIO_ACCOUNT,
    UPLOADERS,
    WRITER,
    WRITER_ARN,
    Case,
    judge,
    set_writer_policy,
    sound,
    upload_policy,
)
from recordscan_rules.privileges import actions, dedicated, key_actions, narrow, privilege_escalation
from rules.failing import (
    TENANT,
    TENANT_CREDENTIAL,
    TENANT_PREFIX,
    allow,
    two_tenants,
    unbind_writer,
    unbounded_writer,
    with_bucket_policy,
)
from rules.failing_twilio import OTHER_KEY

RECORDINGS = f"twilio:{TWILIO_ACCOUNT}/recordings"
ROLE = f"arn:aws:iam::{AWS_ACCOUNT}:role/admin"


def beyond(*statements: Json) -> Case:
    return unbounded_writer(*statements)()


def told(assessment: Assessment) -> dict[str, Severity]:
    """Message up to its example → severity."""
    return {found.message.partition(" can ")[2].partition(";")[0]: found.severity for found in assessment.findings}


@pytest.mark.parametrize(
    ("action", "severity"),
    [
        ("s3:GetObject", Severity.CRITICAL),
        ("s3:DeleteObjectVersion", Severity.CRITICAL),
        ("s3:PutObjectAcl", Severity.CRITICAL),
        ("s3:BypassGovernanceRetention", Severity.CRITICAL),
        ("s3:ReplicateObject", Severity.CRITICAL),
        ("s3:AbortMultipartUpload", Severity.CRITICAL),
    ],
)
def test_each_ability_on_media_is_as_bad_as_the_harm_it_does(action: str, severity: Severity) -> None:
    assessment = judge(actions, beyond(allow(action, f"arn:aws:s3:::{BUCKET}/{PREFIX}*")), RECORDINGS)
    assert list(told(assessment).values()) == [severity]
    assert f"{action} on arn:aws:s3:::{BUCKET}/{PREFIX}" in assessment.findings[0].message


@pytest.mark.parametrize(
    ("action", "severity"),
    [
        ("s3:ListBucket", Severity.CRITICAL),
        ("s3:GetBucketLocation", Severity.HIGH),
        ("s3:PutBucketPolicy", Severity.CRITICAL),
        ("s3:PutBucketPublicAccessBlock", Severity.CRITICAL),
        ("s3:PutBucketVersioning", Severity.CRITICAL),
    ],
)
def test_each_ability_on_the_bucket_is_as_bad_as_the_harm_it_does(action: str, severity: Severity) -> None:
    assessment = judge(actions, beyond(allow(action, f"arn:aws:s3:::{BUCKET}")), RECORDINGS)
    assert list(told(assessment).values()) == [severity]


@pytest.mark.parametrize("action", ["s3:P*", "s3:Put*", "s3:PutBucket*", "S3:PUTBUCKETPOLICY"])
def test_trivy_compares_literal_actions_and_misses_a_pattern(action: str) -> None:
    assessment = judge(actions, beyond(allow(action, f"arn:aws:s3:::{BUCKET}")), RECORDINGS)
    assert assessment.findings[0].message.count("s3:PutBucketPolicy") == 2


def test_trivy_lets_a_denial_of_other_resources_cancel_a_grant() -> None:
    case = beyond(
        allow("s3:GetObject", f"arn:aws:s3:::{BUCKET}/{PREFIX}*"),
        {"Effect": "Deny", "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{BUCKET}/other/*"},
    )
    assert judge(actions, case, RECORDINGS).outcome is Outcome.FAIL


def test_cloudsplaining_tells_of_grants_that_a_denial_takes_back() -> None:
    case = beyond(
        allow("s3:GetObject", "*"),
        {"Effect": "Deny", "Action": "s3:Get*", "Resource": "*"},
    )
    assert judge(actions, case, RECORDINGS).outcome is Outcome.PASS


def test_a_grant_that_the_boundary_does_not_have_is_none() -> None:
    case = sound()
    document = upload_policy(PREFIX)
    more = allow("s3:GetObject", f"arn:aws:s3:::{BUCKET}/*")
    set_writer_policy(case, {**document, "Statement": [*document["Statement"], more]})
    assert judge(actions, case, RECORDINGS).outcome is Outcome.PASS


def test_what_the_bucket_policy_grants_counts_without_a_policy_of_the_user() -> None:
    statement = {
        "Effect": "Allow",
        "Principal": {"AWS": WRITER_ARN},
        "Action": "s3:GetObject",
        "Resource": f"arn:aws:s3:::{BUCKET}/*",
    }
    assessment = judge(actions, with_bucket_policy(statement), RECORDINGS)
    assert list(told(assessment)) == ["read recordings: s3:GetObject"]
    [place, *_] = assessment.findings[0].evidence
    assert place.pointer.startswith("/Policy")


def test_actions_that_the_profile_wants_are_not_told() -> None:
    case = beyond(allow("s3:AbortMultipartUpload", f"arn:aws:s3:::{BUCKET}/{PREFIX}*"))
    case.profile = replace(case.profile, writer_actions=("s3:AbortMultipartUpload",))
    assert judge(actions, case, RECORDINGS).outcome is Outcome.PASS


def test_a_grant_that_depends_on_the_network_is_unknown() -> None:
    condition = {"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}}
    assessment = judge(actions, beyond(allow("s3:GetObject", "*", Condition=condition)), RECORDINGS)
    assert (assessment.outcome, assessment.reason) == (Outcome.UNKNOWN, Reason.UNDECIDABLE)
    assert "aws:sourceip" in str(assessment.detail).lower()


def test_a_certain_grant_is_told_beside_one_that_depends() -> None:
    condition = {"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}}
    case = beyond(allow("s3:GetObject", "*", Condition=condition), allow("s3:DeleteObject", f"arn:aws:s3:::{BUCKET}/*"))
    assert list(told(judge(actions, case, RECORDINGS))) == ["delete recordings or the bucket: s3:DeleteObject"]


# The key.


@pytest.mark.parametrize(
    ("action", "resource", "severity"),
    [
        ("kms:*", KEY_ARN, Severity.CRITICAL),
        ("kms:DisableKey", KEY_ARN, Severity.CRITICAL),
        ("kms:CreateGrant", "*", Severity.CRITICAL),
        ("kms:GetKeyPolicy", KEY_ARN, Severity.MEDIUM),
        ("kms:Decrypt", "*", Severity.MEDIUM),
        ("kms:Decrypt", f"arn:aws:kms:*:{AWS_ACCOUNT}:key/*", Severity.MEDIUM),
    ],
)
def test_what_goes_beyond_using_the_one_key_is_told(action: str, resource: str, severity: Severity) -> None:
    assessment = judge(key_actions, beyond(allow(action, resource)), RECORDINGS)
    assert max(told(assessment).values(), key=lambda found: found.rank) is severity


def test_prowler_tells_of_all_of_kms_on_all_keys_only() -> None:
    for resource in (KEY_ARN, f"arn:aws:kms:eu-west-1:{AWS_ACCOUNT}:key/*"):
        assert judge(key_actions, beyond(allow("kms:*", resource)), RECORDINGS).outcome is Outcome.FAIL


def test_a_key_by_its_alias_is_no_access_to_one() -> None:
    alias = KEY_ARN.rpartition(":")[0] + ":alias/video"
    assert judge(key_actions, beyond(allow("kms:Decrypt", alias)), RECORDINGS).outcome is Outcome.PASS


def test_without_a_key_of_the_bucket_there_is_nothing_to_say() -> None:
    case = beyond(allow("kms:*", "*"))
    default = "/ServerSideEncryptionConfiguration/Rules/0/ApplyServerSideEncryptionByDefault"
    case.set("s3:GetBucketEncryption", default, {"SSEAlgorithm": "AES256"})
    assert judge(key_actions, case, RECORDINGS).outcome is Outcome.NOT_APPLICABLE


# Becoming somebody else.


@pytest.mark.parametrize(
    "statement",
    [
        allow("iam:*", WRITER_ARN),
        allow("iam:PassRole", "*"),
        allow("sts:AssumeRole", ROLE),
        allow("lambda:UpdateFunctionCode", "*"),
        {"Effect": "Allow", "NotAction": ["s3:*", "kms:*"], "Resource": "*"},
    ],
)
def test_a_way_to_become_somebody_else_is_told(statement: dict[str, Any]) -> None:
    assessment = judge(privilege_escalation, beyond(statement), RECORDINGS)
    assert [found.severity for found in assessment.findings] == [Severity.HIGH]


def test_a_role_that_may_be_taken_is_told_with_what_is_taken_for_granted() -> None:
    assessment = judge(privilege_escalation, beyond(allow("sts:AssumeRole", ROLE)), RECORDINGS)
    assert assessment.findings[0].message.endswith(f"sts:AssumeRole on {ROLE}, if the role trusts the account")


def test_prowler_looks_at_one_policy_at_a_time_and_misses_a_way_that_two_make_together() -> None:
    case = beyond()
    inline = {"Version": "2012-10-17", "Statement": [allow("lambda:*", "*")]}
    pass_role = {"Version": "2012-10-17", "Statement": [allow("iam:PassRole", "*")]}
    for name, document in (("one", inline), ("two", pass_role)):
        case.add(
            "iam:GetGroupPolicy",
            {"GroupName": UPLOADERS, "PolicyName": name, "PolicyDocument": document},
            GroupName=UPLOADERS,
            PolicyName=name,
        )
    case.answer("iam:ListGroupPolicies", {"PolicyNames": ["uploads", "one", "two"]}, GroupName=UPLOADERS)
    [found] = judge(privilege_escalation, case, RECORDINGS).findings
    assert "iam:PassRole" in found.message
    assert "lambda:UpdateFunctionCode" in found.message


def test_prowler_tells_of_a_way_that_a_denial_closes() -> None:
    case = beyond(allow("iam:*", "*"), {"Effect": "Deny", "Action": ["iam:*", "sts:*"], "Resource": "*"})
    assert judge(privilege_escalation, case, RECORDINGS).outcome is Outcome.PASS


# A purpose of its own, and a place of its own.


def test_a_user_with_a_second_purpose_is_not_dedicated() -> None:
    case = beyond(allow("dynamodb:PutItem", f"arn:aws:dynamodb:eu-west-1:{AWS_ACCOUNT}:table/calls"))
    assert list(told(judge(dedicated, case, RECORDINGS))) == ["use other services: dynamodb:PutItem"]


@pytest.mark.parametrize(
    ("resource", "severity"),
    [
        (f"arn:aws:s3:::{BUCKET}/*", Severity.MEDIUM),
        (f"arn:aws:s3:::{BUCKET}/{PREFIX[:-1]}*", Severity.MEDIUM),
        (f"arn:aws:s3:::another/{PREFIX}*", Severity.HIGH),
        (f"arn:aws:s3:::acme-*/{PREFIX}*", Severity.HIGH),
        ("*", Severity.HIGH),
    ],
)
def test_a_place_beside_the_prefix_is_told_and_another_bucket_is_worse(resource: str, severity: Severity) -> None:
    assessment = judge(narrow, beyond(allow("s3:PutObject", resource)), RECORDINGS)
    assert max(told(assessment).values(), key=lambda found: found.rank) is severity


def test_where_the_writer_puts_media_of_other_settings_is_its_own() -> None:
    assert judge(narrow, two_tenants(), RECORDINGS).outcome is Outcome.PASS
    assert judge(narrow, two_tenants(), f"twilio:{TENANT}/recordings").outcome is Outcome.PASS


def apart() -> Case:
    """Two tenants, each with a user of its own; both may write under both prefixes, and nothing bounds them."""
    case = two_tenants()
    unbind_writer(case)
    changes = ((WRITER, "tenant-writer"), (ACCESS_KEY, OTHER_KEY))
    for observation in case.snapshot().observations:
        if WRITER in observation.request.values() or ACCESS_KEY in observation.request.values():
            answer, request = observation.answer, json.dumps(observation.request)
            text = json.dumps(answer)
            for old, new in changes:
                text, request = text.replace(old, new), request.replace(old, new)
            case.add(observation.operation, json.loads(text), **json.loads(request))
    user = case.find("iam:GetAccountAuthorizationDetails")["UserDetailList"][0]
    second = json.loads(json.dumps(user).replace(WRITER, "tenant-writer"))
    case.set("iam:GetAccountAuthorizationDetails", "/UserDetailList/-", second)
    links = {**case.scope.credential_links, TENANT_CREDENTIAL: OTHER_KEY}
    case.scope = replace(case.scope, credential_links=links)
    return case


def test_media_of_another_setting_that_the_writer_reaches_is_named() -> None:
    assessment = judge(narrow, apart(), RECORDINGS)
    [named] = [found for found in assessment.findings if "the media of tenant recordings" in found.message]
    assert named.severity is Severity.HIGH
    assert f"can write the media of tenant recordings in the bucket {BUCKET}" in named.message
    assert f"s3:PutObject on arn:aws:s3:::{BUCKET}/{TENANT_PREFIX}" in named.message


def test_media_of_another_setting_is_named_only_where_its_writer_is_known_to_be_another() -> None:
    case = apart()
    case.scope = replace(case.scope, credential_links={CREDENTIAL: ACCESS_KEY})
    assessment = judge(narrow, case, RECORDINGS)
    assert (assessment.outcome, assessment.findings) == (Outcome.UNKNOWN, ())


def test_a_key_that_two_settings_share_is_no_way_to_the_media_of_the_other() -> None:
    case = apart()
    set_writer_policy(case, upload_policy(PREFIX))
    assert judge(narrow, case, RECORDINGS).outcome is Outcome.PASS


def test_media_of_another_setting_within_the_own_prefix_is_not_out_of_reach() -> None:
    case = apart()
    set_writer_policy(case, upload_policy(TENANT_PREFIX, "video/"))
    text = json.dumps(case.find("twilio:FetchRecordingSettings")).replace(PREFIX, "video/")
    case.add("twilio:FetchRecordingSettings", json.loads(text), account=TWILIO_ACCOUNT)
    assert all("tenant" not in found.message for found in judge(narrow, case, RECORDINGS).findings)


def test_while_another_setting_is_not_known_a_place_beside_the_prefix_is_not_judged() -> None:
    case = two_tenants()
    unbind_writer(case)
    set_writer_policy(case, upload_policy(PREFIX, TENANT_PREFIX, "third/"))
    assert judge(narrow, case, RECORDINGS).outcome is Outcome.FAIL
    case.deny("twilio:FetchCompositionSettings")
    assert judge(narrow, case, RECORDINGS).outcome is Outcome.UNKNOWN


def test_the_whole_bucket_as_place_has_nothing_beside_it() -> None:
    case = sound()
    text = json.dumps(case.find("twilio:FetchRecordingSettings")).replace(PREFIX, "")
    case.answer("twilio:FetchRecordingSettings", json.loads(text))
    objects = case.find("s3:ListObjectsV2")
    case.add("s3:ListObjectsV2", objects, Bucket=BUCKET, ExpectedBucketOwner=AWS_ACCOUNT, Prefix="")
    set_writer_policy(case, upload_policy(""))
    assert judge(narrow, case, RECORDINGS).outcome is Outcome.PASS


def test_a_policy_of_the_writer_that_may_not_be_read_leaves_all_unknown() -> None:
    for rule in (actions, key_actions, privilege_escalation, dedicated, narrow):
        case = sound()
        case.deny("iam:GetGroupPolicy", GroupName=UPLOADERS)
        assert judge(rule, case, RECORDINGS).outcome is Outcome.UNKNOWN, rule.id
