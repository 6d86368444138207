"""Links: which access key a Twilio credential holds is told or proven, never guessed silently."""

import json
from dataclasses import replace
from typing import Any

import pytest

from recordscan.engine import assess
from recordscan.estate.link import Link, lookup_request
from recordscan.facts import Fact, Known, Reason, Unavailable
from recordscan.result import Outcome
from recordscan.testing import (
    ACCESS_KEY,
    AWS_ACCOUNT,
    BUCKET,
    CREDENTIAL,
    PREFIX,
    REGION,
    TWILIO_ACCOUNT,
    WRITER,
    WRITER_ARN,
    Case,
    ago,
    bucket_url,
    judge,
    sound,
)
from recordscan_rules.credentials import key_active, linked

RECORDINGS = f"twilio:{TWILIO_ACCOUNT}/recordings"

OTHER_ARN = f"arn:aws:iam::{AWS_ACCOUNT}:user/somebody"
OTHER_KEY = "AKIASOMEBODYELSE0000"
OTHER_CREDENTIAL = "CR" + "4" * 32
TEMPLATE = {"Statement": [{"Sid": "UploadUserDenyEverything", "Effect": "Deny", "NotAction": "*", "Resource": "*"}]}


def unlinked() -> Case:
    case = sound()
    case.scope = replace(case.scope, credential_links={})
    return case


def configured(value: str) -> Case:
    case = sound()
    case.scope = replace(case.scope, credential_links={CREDENTIAL: value})
    return case


def link_of(case: Case) -> Fact[Link | None]:
    [target] = case.estate().recording_targets()
    return target.link


def event(
    about: str, *, arn: str = WRITER_ARN, key: str = ACCESS_KEY, kind: str = "IAMUser", **members: str
) -> dict[str, Any]:
    record = {
        "eventName": "GenerateDataKey",
        "userIdentity": {"type": kind, "arn": arn, "accessKeyId": key},
        "requestParameters": {"encryptionContext": {"aws:s3:arn": about}},
        **members,
    }
    return {"EventName": "GenerateDataKey", "CloudTrailEvent": json.dumps(record)}


def with_events(case: Case, *events: dict[str, Any], truncated: bool = False) -> Case:
    answer = {"Events": list(events), "truncated": truncated}
    case.add("cloudtrail:LookupEvents", answer, region=REGION, **lookup_request())
    return case


def saved(case: Case, prefix: str) -> Case:
    """Recordings are stored under another prefix."""
    case.set("twilio:FetchRecordingSettings", "/aws_s3_url", bucket_url(prefix))
    return case


def with_compositions(case: Case, *, bucket: str = BUCKET, credential: str = OTHER_CREDENTIAL) -> Case:
    """Compositions are stored, too."""
    stored = {"aws_s3_url": bucket_url("video/c/", bucket=bucket), "aws_credentials_sid": credential}
    setting = {**case.find("twilio:FetchRecordingSettings"), **stored}
    case.answer("twilio:FetchCompositionSettings", setting)
    return case


def with_keys(case: Case, *ids: str) -> Case:
    """The writer has these access keys."""
    rows = [{"AccessKeyId": key, "Status": "Active", "CreateDate": ago(days=30)} for key in ids]
    case.answer("iam:ListAccessKeys", {"AccessKeyMetadata": rows})
    return case


def with_users(case: Case, *users: dict[str, Any]) -> Case:
    case.add("iam:GetAccountAuthorizationDetails", {"UserDetailList": list(users), "Policies": []})
    return case


def user(name: str, *, template: bool = False) -> dict[str, Any]:
    policies = [{"PolicyName": "upload", "PolicyDocument": TEMPLATE}] if template else []
    return {"UserName": name, "Arn": f"arn:aws:iam::{AWS_ACCOUNT}:user/{name}", "UserPolicyList": policies}


BUCKET_ARN = f"arn:aws:s3:::{BUCKET}"
OBJECT = f"{BUCKET_ARN}/{PREFIX}RT1.mkv"


def known(case: Case) -> Link:
    fact = link_of(case)
    assert isinstance(fact, Known)
    assert fact.value is not None
    return fact.value


def refused(case: Case) -> Unavailable:
    fact = link_of(case)
    assert isinstance(fact, Unavailable)
    return fact


def test_the_configuration_names_an_access_key() -> None:
    link = known(sound())
    assert (link.evidence, link.access_key_id, link.user_arn, link.proven) == ("A", ACCESS_KEY, WRITER_ARN, True)


def test_the_configuration_names_a_user_who_has_one_key() -> None:
    link = known(configured(WRITER_ARN))
    assert (link.evidence, link.access_key_id, link.user_arn) == ("A", ACCESS_KEY, WRITER_ARN)


@pytest.mark.parametrize(
    "case",
    [
        pytest.param(with_keys(configured(WRITER_ARN), ACCESS_KEY, OTHER_KEY), id="two keys"),
        pytest.param(with_keys(configured(WRITER_ARN)), id="no key"),
        pytest.param(configured(WRITER_ARN.replace(AWS_ACCOUNT, "999999999999")), id="another account's"),
        pytest.param(configured(f"arn:aws:iam::{AWS_ACCOUNT}:root"), id="root"),
    ],
)
def test_a_configured_user_tells_no_key_where_it_has_not_just_one_that_can_be_read(case: Case) -> None:
    link = known(case)
    assert (link.evidence, link.access_key_id, link.proven) == ("A", None, True)
    assert judge(linked, case, RECORDINGS).outcome is Outcome.UNKNOWN
    assert judge(key_active, case, RECORDINGS).outcome in (Outcome.UNKNOWN, Outcome.FAIL)


def test_a_configured_user_who_does_not_exist_is_no_link() -> None:
    case = configured(WRITER_ARN)
    case.answer("iam:GetUser", None)
    case.forget("iam:ListAccessKeys")
    assert refused(case).reason is Reason.NOT_FOUND
    assert judge(linked, case, RECORDINGS).outcome is Outcome.UNKNOWN


def test_a_configured_user_whose_keys_cannot_be_listed_tells_none() -> None:
    case = configured(WRITER_ARN)
    case.deny("iam:ListAccessKeys")
    assert judge(linked, case, RECORDINGS).outcome is Outcome.UNKNOWN


def test_a_configured_key_that_the_account_does_not_have_is_no_link() -> None:
    case = sound()
    case.answer("iam:GetAccessKeyLastUsed", None)
    assert refused(case).reason is Reason.NOT_FOUND


def test_a_configured_key_of_the_account_that_iam_does_not_know_was_deleted() -> None:
    case = sound()
    case.answer("iam:GetAccessKeyLastUsed", None)
    case.add("sts:GetAccessKeyInfo", {"Account": AWS_ACCOUNT}, AccessKeyId=ACCESS_KEY)
    link = known(case)
    assert (link.evidence, link.access_key_id, link.user_arn, link.proven) == ("A", ACCESS_KEY, None, False)
    assert judge(key_active, case, RECORDINGS).findings[0].observed == "gone"
    assert judge(linked, case, RECORDINGS).outcome is Outcome.UNKNOWN
    case.set("sts:GetAccessKeyInfo", "/Account", "999999999999")
    assert judge(key_active, case, RECORDINGS).outcome is Outcome.UNKNOWN


def test_a_configured_key_that_cannot_be_looked_up_names_the_permission() -> None:
    case = sound()
    case.deny("iam:GetAccessKeyLastUsed")
    assert refused(case).reason is Reason.ACCESS_DENIED


def test_a_configured_link_that_cloudtrail_contradicts_is_not_believed() -> None:
    case = with_events(sound(), event(OBJECT, arn=OTHER_ARN, key=OTHER_KEY))
    fact = refused(case)
    assert fact.reason is Reason.UNDECIDABLE
    assert OTHER_ARN in fact.detail


@pytest.mark.parametrize("value", [ACCESS_KEY, WRITER_ARN])
@pytest.mark.parametrize("about", [OBJECT, BUCKET_ARN])
def test_a_configured_key_is_not_confirmed_by_another_key_of_its_user(value: str, about: str) -> None:
    case = with_events(configured(value), event(about, key=OTHER_KEY))
    assert refused(case).reason is Reason.UNDECIDABLE
    # Not by judge(): the owner's word counts for as long as CloudTrail does not contradict it.
    [target] = case.estate().recording_targets()
    assert assess(linked, target, case.profile).outcome is Outcome.UNKNOWN
    assert assess(key_active, target, case.profile).outcome is Outcome.UNKNOWN


def test_a_configured_user_of_two_keys_is_confirmed_by_either() -> None:
    case = with_keys(configured(WRITER_ARN), ACCESS_KEY, OTHER_KEY)
    assert known(with_events(case, event(OBJECT, key=OTHER_KEY))).evidence == "A"


def test_a_key_that_works_in_the_bucket_for_another_credential_contradicts_no_configured_link() -> None:
    case = with_events(sound(), event(BUCKET_ARN, arn=OTHER_ARN, key=OTHER_KEY))
    assert refused(case).reason is Reason.UNDECIDABLE
    case.scope = replace(case.scope, credential_links={CREDENTIAL: ACCESS_KEY, OTHER_CREDENTIAL: OTHER_KEY})
    assert known(case).evidence == "A"


@pytest.mark.parametrize("events", [[event(OBJECT)], [event(OBJECT), event(OBJECT, key=OTHER_KEY)]])
def test_a_configured_link_that_cloudtrail_confirms_stands(events: list[dict[str, Any]]) -> None:
    assert known(with_events(sound(), *events)).evidence == "A"


@pytest.mark.parametrize("about", [OBJECT, BUCKET_ARN])
def test_one_key_seen_uploading_proves_the_link(about: str) -> None:
    case = with_events(unlinked(), event(about))
    link = known(case)
    assert (link.evidence, link.access_key_id, link.user_arn, link.proven) == ("B", ACCESS_KEY, WRITER_ARN, True)
    assert judge(linked, case, RECORDINGS).outcome is Outcome.PASS


@pytest.mark.parametrize(
    "case",
    [
        pytest.param(with_events(unlinked(), event(OBJECT), truncated=True), id="not all events were read"),
        pytest.param(
            with_events(unlinked(), event(BUCKET_ARN), event(f"{BUCKET_ARN}/x/1", arn=OTHER_ARN, key=OTHER_KEY)),
            id="another key works elsewhere in the bucket",
        ),
        pytest.param(with_events(with_compositions(unlinked()), event(BUCKET_ARN)), id="the bucket is shared"),
    ],
)
def test_one_key_that_may_be_another_credentials_is_only_a_hint(case: Case) -> None:
    link = known(case)
    assert (link.evidence, link.access_key_id, link.proven) == ("C", ACCESS_KEY, False)
    assert judge(linked, case, RECORDINGS).outcome is Outcome.UNKNOWN


@pytest.mark.parametrize("held", [ACCESS_KEY, WRITER_ARN])
def test_a_key_that_is_configured_for_another_credential_is_only_a_hint(held: str) -> None:
    case = with_events(unlinked(), event(BUCKET_ARN))
    case.scope = replace(case.scope, credential_links={OTHER_CREDENTIAL: held})
    assert known(case).evidence == "C"


@pytest.mark.parametrize(
    "case",
    [
        pytest.param(with_compositions(unlinked(), credential=CREDENTIAL), id="with the same credential"),
        pytest.param(with_compositions(unlinked(), bucket="acme-compositions"), id="in another bucket"),
    ],
)
def test_other_settings_that_share_nothing_raise_no_doubt(case: Case) -> None:
    assert known(with_events(case, event(BUCKET_ARN))).evidence == "B"


def test_an_event_about_an_object_tells_the_key_of_its_prefix_in_a_shared_bucket() -> None:
    assert known(with_events(with_compositions(unlinked()), event(OBJECT))).evidence == "B"


@pytest.mark.parametrize(
    ("prefix", "key", "evidence"),
    [
        ("video/rec", "video/rec/RT1.mkv", "B"),
        ("video/rec", "video/records-of-others/1.mkv", None),
        ("", "anything/1.mkv", "B"),
    ],
)
def test_events_count_folder_by_folder(prefix: str, key: str, evidence: str | None) -> None:
    case = with_users(with_events(saved(unlinked(), prefix), event(f"{BUCKET_ARN}/{key}")))
    if evidence is None:
        assert refused(case).reason is Reason.UNDECIDABLE
    else:
        assert known(case).evidence == evidence


def test_two_keys_seen_uploading_prove_nothing() -> None:
    case = with_events(unlinked(), event(OBJECT), event(OBJECT, arn=OTHER_ARN, key=OTHER_KEY))
    assert refused(case).reason is Reason.UNDECIDABLE


@pytest.mark.parametrize(
    "noise",
    [
        event(f"arn:aws:s3:::{BUCKET}-other/{PREFIX}RT1.mkv", arn=OTHER_ARN, key=OTHER_KEY),
        event(f"arn:aws:s3:::{BUCKET}/elsewhere/x", arn=OTHER_ARN, key=OTHER_KEY),
        event(OBJECT, arn=OTHER_ARN, key="ASIASOMEBODYELSE0000", kind="AssumedRole"),
        event(OBJECT, arn=OTHER_ARN, key=OTHER_KEY, errorCode="AccessDenied"),
        {"EventName": "GenerateDataKey", "CloudTrailEvent": "{}"},
    ],
    ids=["other bucket", "other prefix", "role", "refused", "empty"],
)
def test_events_of_others_do_not_count(noise: dict[str, Any]) -> None:
    assert known(with_events(unlinked(), event(OBJECT), noise)).evidence == "B"


def test_the_policy_template_is_only_a_hint() -> None:
    case = with_users(with_events(unlinked()), user(WRITER, template=True), user("somebody"))
    link = known(case)
    assert (link.evidence, link.user_arn, link.proven) == ("D", WRITER_ARN, False)


@pytest.mark.parametrize(("in_force", "evidence"), [(True, "D"), (False, "E")])
def test_the_template_counts_in_the_version_of_a_policy_that_is_in_force(in_force: bool, evidence: str) -> None:
    """See https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_managed-versioning.html; without the
    template it is the friendly name that hints.
    """
    arn = f"arn:aws:iam::{AWS_ACCOUNT}:policy/upload"
    versions = [
        {"VersionId": "v2", "IsDefaultVersion": not in_force, "Document": {"Statement": []}},
        {"VersionId": "v1", "IsDefaultVersion": in_force, "Document": TEMPLATE},
    ]
    writer = {**user("video"), "AttachedManagedPolicies": [{"PolicyName": "upload", "PolicyArn": arn}]}
    case = with_users(with_events(unlinked()), writer)
    case.set("iam:GetAccountAuthorizationDetails", "/Policies/-", {"Arn": arn, "PolicyVersionList": versions})
    assert known(case).evidence == evidence


def test_a_friendly_name_is_only_a_hint() -> None:
    case = with_users(with_events(unlinked()), user("video"), user("somebody"))
    link = known(case)
    assert (link.evidence, link.proven) == ("E", False)


def test_two_users_with_the_template_are_no_hint() -> None:
    case = with_users(with_events(unlinked()), user("a1", template=True), user("b2", template=True))
    assert refused(case).reason is Reason.UNDECIDABLE


def test_a_hinted_writer_is_unavailable_so_that_no_rule_passes_on_a_guess() -> None:
    [target] = with_users(with_events(unlinked()), user(WRITER, template=True)).estate().recording_targets()
    assert isinstance(target.writer, Unavailable)
    assert "name the access key in the configuration" in target.writer.detail


def test_without_any_evidence_there_is_no_link() -> None:
    case = with_users(with_events(unlinked()), user("x1"), user("y2"))
    assert refused(case).reason is Reason.UNDECIDABLE
