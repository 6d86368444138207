"""Links: which access key a Twilio credential holds is told or proven, never guessed silently."""

import json
from dataclasses import replace
from typing import Any

import pytest

from recordscan.estate.link import Link, lookup_request
from recordscan.facts import Fact, Known, Reason, Unavailable
from recordscan.testing import (
    ACCESS_KEY,
    AWS_ACCOUNT,
    BUCKET,
    CREDENTIAL,
    PREFIX,
    REGION,
    WRITER,
    WRITER_ARN,
    Case,
    sound,
)

OTHER_ARN = f"arn:aws:iam::{AWS_ACCOUNT}:user/somebody"
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


def event(about: str, *, arn: str = WRITER_ARN, key: str = ACCESS_KEY, kind: str = "IAMUser") -> dict[str, Any]:
    record = {
        "eventName": "GenerateDataKey",
        "userIdentity": {"type": kind, "arn": arn, "accessKeyId": key},
        "requestParameters": {"encryptionContext": {"aws:s3:arn": about}},
    }
    return {"EventName": "GenerateDataKey", "CloudTrailEvent": json.dumps(record)}


def with_events(case: Case, *events: dict[str, Any]) -> Case:
    case.add("cloudtrail:LookupEvents", {"Events": list(events)}, region=REGION, **lookup_request())
    return case


def with_users(case: Case, *users: dict[str, Any]) -> Case:
    case.add("iam:GetAccountAuthorizationDetails", {"UserDetailList": list(users), "Policies": []})
    return case


def user(name: str, *, template: bool = False) -> dict[str, Any]:
    policies = [{"PolicyName": "upload", "PolicyDocument": TEMPLATE}] if template else []
    return {"UserName": name, "Arn": f"arn:aws:iam::{AWS_ACCOUNT}:user/{name}", "UserPolicyList": policies}


OBJECT = f"arn:aws:s3:::{BUCKET}/{PREFIX}RT1.mkv"


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


def test_the_configuration_names_a_user() -> None:
    link = known(configured(WRITER_ARN))
    assert (link.evidence, link.access_key_id, link.user_arn) == ("A", None, WRITER_ARN)


def test_a_configured_key_that_the_account_does_not_have_is_no_link() -> None:
    case = sound()
    case.answer("iam:GetAccessKeyLastUsed", None)
    assert refused(case).reason is Reason.NOT_FOUND


def test_a_configured_key_that_cannot_be_looked_up_names_the_permission() -> None:
    case = sound()
    case.deny("iam:GetAccessKeyLastUsed")
    assert refused(case).reason is Reason.ACCESS_DENIED


def test_a_configured_link_that_cloudtrail_contradicts_is_not_believed() -> None:
    case = with_events(sound(), event(OBJECT, arn=OTHER_ARN, key="AKIASOMEBODYELSE0000"))
    fact = refused(case)
    assert fact.reason is Reason.UNDECIDABLE
    assert OTHER_ARN in fact.detail


def test_a_configured_link_that_cloudtrail_confirms_stands() -> None:
    assert known(with_events(sound(), event(OBJECT))).evidence == "A"


@pytest.mark.parametrize("about", [OBJECT, f"arn:aws:s3:::{BUCKET}"])
def test_one_key_seen_uploading_proves_the_link(about: str) -> None:
    link = known(with_events(unlinked(), event(about)))
    assert (link.evidence, link.access_key_id, link.user_arn, link.proven) == ("B", ACCESS_KEY, WRITER_ARN, True)


def test_two_keys_seen_uploading_prove_nothing() -> None:
    case = with_events(unlinked(), event(OBJECT), event(OBJECT, arn=OTHER_ARN, key="AKIASOMEBODYELSE0000"))
    assert refused(case).reason is Reason.UNDECIDABLE


@pytest.mark.parametrize(
    "noise",
    [
        event(f"arn:aws:s3:::{BUCKET}-other/{PREFIX}RT1.mkv", arn=OTHER_ARN, key="AKIASOMEBODYELSE0000"),
        event(f"arn:aws:s3:::{BUCKET}/elsewhere/x", arn=OTHER_ARN, key="AKIASOMEBODYELSE0000"),
        event(OBJECT, arn=OTHER_ARN, key="ASIASOMEBODYELSE0000", kind="AssumedRole"),
        {"EventName": "GenerateDataKey", "CloudTrailEvent": "{}"},
    ],
    ids=["other bucket", "other prefix", "role", "empty"],
)
def test_events_of_others_do_not_count(noise: dict[str, Any]) -> None:
    assert known(with_events(unlinked(), event(OBJECT), noise)).evidence == "B"


def test_the_policy_template_is_only_a_hint() -> None:
    case = with_users(with_events(unlinked()), user(WRITER, template=True), user("somebody"))
    link = known(case)
    assert (link.evidence, link.user_arn, link.proven) == ("D", WRITER_ARN, False)


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
