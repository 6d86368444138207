"""The IAM user whose access key Twilio holds: its keys are young, few and in use, and it is no person."""

from dataclasses import replace

import pytest

from recordscan.engine import assess
from recordscan.facts import Json, Reason
from recordscan.profile import Profile
from recordscan.result import Outcome
from recordscan.rule import Rule, Severity
from recordscan.scope import BucketScope
from recordscan.testing import (
    ACCESS_KEY,
    AWS_ACCOUNT,
    BUCKET,
    PREFIX,
    WRITER,
    WRITER_ARN,
    Case,
    ago,
    judge,
    judge_all,
    sound,
)
from recordscan_rules.writer import key_age, key_count, key_unused, no_console

SECOND_KEY = "AKIAI44QH8DHBEXAMPLE"
PERSON = "erika"
PERSON_ARN = f"arn:aws:iam::{AWS_ACCOUNT}:user/{PERSON}"
RULES = [key_age, key_count, key_unused, no_console]


def access_key(key_id: str, days: float, *, status: str = "Active", user: str = WRITER) -> Json:
    return {"UserName": user, "AccessKeyId": key_id, "Status": status, "CreateDate": ago(days=days)}


def used(days: float | None) -> Json:
    last = {} if days is None else {"LastUsedDate": ago(days=days)}
    return {"UserName": WRITER, "AccessKeyLastUsed": {"ServiceName": "s3", "Region": "eu-west-1", **last}}


def keys(*rows: Json, last_use: float | None = 1) -> Case:
    """A sound case whose writer has these keys, all last used so many days ago."""
    case = sound()
    case.answer("iam:ListAccessKeys", {"AccessKeyMetadata": list(rows)})
    for row in rows:
        case.add("iam:GetAccessKeyLastUsed", used(last_use), AccessKeyId=row["AccessKeyId"])
    return case


def with_person(created: float) -> Case:
    """A scan of the whole account, in which a person has an access key."""
    case = sound()
    case.scope = replace(case.scope, whole_account=True)
    users = [{"Arn": WRITER_ARN, "UserName": WRITER}, {"Arn": PERSON_ARN, "UserName": PERSON}]
    case.add("iam:GetAccountAuthorizationDetails", {"UserDetailList": users})
    case.add("iam:GetUser", {"User": {"Arn": PERSON_ARN, "UserName": PERSON}}, UserName=PERSON)
    row = access_key(SECOND_KEY, created, user=PERSON)
    case.add("iam:ListAccessKeys", {"AccessKeyMetadata": [row]}, UserName=PERSON)
    case.add("iam:GetAccessKeyLastUsed", used(1), AccessKeyId=SECOND_KEY)
    return case


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_a_writer_in_good_order_passes_and_without_storage_there_is_none(rule: Rule) -> None:
    outcomes = {uid.rpartition("/")[2]: a.outcome for uid, a in judge_all(rule, sound()).items()}
    assert outcomes == {"recordings": Outcome.PASS, "compositions": Outcome.NOT_APPLICABLE}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_a_bucket_that_was_named_without_twilio_has_no_writer(rule: Rule) -> None:
    case = sound()
    case.scope = replace(case.scope, twilio_accounts=(), buckets=(BucketScope(bucket=BUCKET, prefix=PREFIX),))
    assert judge(rule, case).outcome is Outcome.NOT_APPLICABLE


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_a_credential_that_is_not_linked_to_a_user_is_unknown(rule: Rule) -> None:
    case = sound()
    case.scope = replace(case.scope, credential_links={})
    assert judge(rule, case).outcome is Outcome.UNKNOWN


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_a_user_that_does_not_exist_any_more_is_unknown(rule: Rule) -> None:
    case = sound()
    case.answer("iam:GetUser", None)
    for operation in ("iam:ListAccessKeys", "iam:GetLoginProfile", "iam:ListMFADevices"):
        case.forget(operation)  # nothing more is asked about a user that is not there
    assessment = judge(rule, case)
    assert (assessment.outcome, assessment.reason) == (Outcome.UNKNOWN, Reason.NOT_FOUND)


@pytest.mark.parametrize("rule", RULES[:3], ids=lambda rule: rule.id)
def test_keys_that_may_not_be_listed_are_unknown(rule: Rule) -> None:
    case = sound()
    case.deny("iam:ListAccessKeys")
    assessment = judge(rule, case)
    assert (assessment.outcome, assessment.permission) == (Outcome.UNKNOWN, "iam:ListAccessKeys")


@pytest.mark.parametrize("rule", RULES[:3], ids=lambda rule: rule.id)
def test_a_key_in_a_state_that_nobody_knows_is_unknown(rule: Rule) -> None:
    assert judge(rule, keys(access_key(ACCESS_KEY, 30, status="Resting"))).outcome is Outcome.UNKNOWN


@pytest.mark.parametrize("rule", RULES[:3], ids=lambda rule: rule.id)
@pytest.mark.parametrize("status", ["Inactive", "Expired"])
def test_keys_that_are_not_active_do_not_count(rule: Rule, status: str) -> None:
    case = keys(access_key(ACCESS_KEY, 900, status=status), access_key(SECOND_KEY, 40), last_use=2)
    case.add("iam:GetAccessKeyLastUsed", used(None), AccessKeyId=ACCESS_KEY)
    case.scope = replace(case.scope, credential_links={"CR" + "1" * 32: WRITER_ARN})
    assert judge(rule, case).outcome is Outcome.PASS


@pytest.mark.parametrize(
    ("days", "outcome", "severity"),
    [
        (90, Outcome.PASS, Severity.HIGH),
        (91, Outcome.FAIL, Severity.MEDIUM),
        (180, Outcome.FAIL, Severity.MEDIUM),
        (181, Outcome.FAIL, Severity.HIGH),
    ],
)
def test_a_key_is_too_old_past_ninety_days_and_far_too_old_past_half_a_year(
    days: int, outcome: Outcome, severity: Severity
) -> None:
    assessment = judge(key_age, keys(access_key(ACCESS_KEY, days)))
    assert (assessment.outcome, assessment.severity) == (outcome, severity)


def test_the_profile_says_how_old_a_key_may_be() -> None:
    case = keys(access_key(ACCESS_KEY, 91))
    case.profile = replace(case.profile, key_max_age_days=365)
    assert judge(key_age, case).outcome is Outcome.PASS


def test_each_old_key_is_a_finding_of_its_own_that_does_not_show_the_whole_key_id() -> None:
    assessment = judge(key_age, keys(access_key(ACCESS_KEY, 100), access_key(SECOND_KEY, 200)))
    assert [record.severity for record in assessment.findings] == [Severity.MEDIUM, Severity.HIGH]
    assert len({record.fingerprint for record in assessment.findings}) == 2
    assert ACCESS_KEY not in assessment.findings[0].message


def test_a_key_without_a_readable_date_is_unknown() -> None:
    case = keys(access_key(ACCESS_KEY, 1))
    case.set("iam:ListAccessKeys", "/AccessKeyMetadata/0/CreateDate", "long ago")
    assert judge(key_age, case).outcome is Outcome.UNKNOWN


def test_a_key_without_a_date_does_not_hide_one_that_is_too_old() -> None:
    case = keys(access_key(ACCESS_KEY, 1), access_key(SECOND_KEY, 200))
    case.set("iam:ListAccessKeys", "/AccessKeyMetadata/0/CreateDate", None)
    assessment = judge(key_age, case)
    assert (assessment.outcome, assessment.severity) == (Outcome.FAIL, Severity.HIGH)


def test_a_last_use_that_may_not_be_read_does_not_hide_a_key_that_nothing_uses() -> None:
    case = keys(access_key(ACCESS_KEY, 200), access_key(SECOND_KEY, 200), last_use=100)
    case.scope = replace(case.scope, credential_links={"CR" + "1" * 32: WRITER_ARN})
    case.deny("iam:GetAccessKeyLastUsed", AccessKeyId=ACCESS_KEY)
    assessment = judge(key_unused, case)
    assert (assessment.outcome, len(assessment.findings)) == (Outcome.FAIL, 1)


@pytest.mark.parametrize(("newest", "outcome"), [(14, Outcome.PASS), (15, Outcome.FAIL)])
def test_two_keys_are_in_order_while_the_newer_one_is_young_which_others_fail(newest: int, outcome: Outcome) -> None:
    assessment = judge(key_count, keys(access_key(ACCESS_KEY, 80), access_key(SECOND_KEY, newest)))
    assert (assessment.outcome, assessment.severity) == (outcome, Severity.LOW)


@pytest.mark.parametrize(
    ("created", "last_use", "outcome"),
    [
        pytest.param(900, 45, Outcome.PASS, id="used lately"),
        pytest.param(900, 46, Outcome.FAIL, id="idle"),
        pytest.param(45, None, Outcome.PASS, id="new and not used yet"),
        pytest.param(46, None, Outcome.FAIL, id="never used and without console, which others pass"),
    ],
)
def test_a_key_that_nothing_uses_fails(created: int, last_use: int | None, outcome: Outcome) -> None:
    assert judge(key_unused, keys(access_key(ACCESS_KEY, created), last_use=last_use)).outcome is outcome


def test_a_last_use_that_may_not_be_read_is_unknown() -> None:
    case = keys(access_key(ACCESS_KEY, 30))
    case.scope = replace(case.scope, credential_links={"CR" + "1" * 32: WRITER_ARN})
    case.deny("iam:GetAccessKeyLastUsed")
    assessment = judge(key_unused, case)
    assert (assessment.outcome, assessment.permission) == (Outcome.UNKNOWN, "iam:GetAccessKeyLastUsed")


def test_in_a_scan_of_the_whole_account_the_keys_of_other_users_count_too() -> None:
    # Not by judge(): without the list that names other users there is no such subject.
    estate = with_person(created=200).estate()
    outcomes = {holder.uid: assess(key_age, holder, Profile()).outcome for holder in estate.user_holders()}
    assert outcomes[PERSON_ARN] is Outcome.FAIL
    assert WRITER_ARN not in outcomes


def test_in_a_scan_of_the_whole_account_people_may_have_console_passwords() -> None:
    assert PERSON_ARN not in judge_all(no_console, with_person(created=1))


def with_password(*mfa: str) -> Case:
    case = sound()
    case.answer("iam:GetLoginProfile", {"LoginProfile": {"UserName": WRITER, "CreateDate": ago(days=9)}})
    case.answer("iam:ListMFADevices", {"MFADevices": [{"UserName": WRITER, "SerialNumber": serial} for serial in mfa]})
    return case


def test_a_console_password_is_critical_without_and_high_with_a_second_factor() -> None:
    assert judge(no_console, with_password()).severity is Severity.CRITICAL
    protected = judge(no_console, with_password(f"arn:aws:iam::{AWS_ACCOUNT}:mfa/phone"))
    assert (protected.outcome, protected.severity) == (Outcome.FAIL, Severity.HIGH)


def test_a_console_password_is_critical_while_the_second_factor_cannot_be_read() -> None:
    case = with_password(f"arn:aws:iam::{AWS_ACCOUNT}:mfa/phone")
    case.deny("iam:ListMFADevices")
    assessment = judge(no_console, case)
    assert (assessment.outcome, assessment.severity) == (Outcome.FAIL, Severity.CRITICAL)
    assert "could not be read" in assessment.findings[0].message


def test_a_password_that_may_not_be_asked_for_is_unknown() -> None:
    case = sound()
    case.deny("iam:GetLoginProfile")
    assessment = judge(no_console, case)
    assert (assessment.outcome, assessment.permission) == (Outcome.UNKNOWN, "iam:GetLoginProfile")


@pytest.mark.parametrize(
    ("unread", "outcome"),
    [
        (("iam:GetUser",), Outcome.PASS),
        (("iam:ListAccessKeys",), Outcome.PASS),
        (("iam:GetUser", "iam:ListAccessKeys"), Outcome.UNKNOWN),
    ],
)
def test_no_password_counts_only_of_a_user_who_is_known_to_exist(unread: tuple[str, ...], outcome: Outcome) -> None:
    case = sound()
    case.scope = replace(case.scope, credential_links={"CR" + "1" * 32: WRITER_ARN})
    for operation in unread:
        case.deny(operation)
    assert judge(no_console, case).outcome is outcome
