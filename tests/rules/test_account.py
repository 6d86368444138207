"""The AWS account around bucket and key: its root user, its users, and what watches over it."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from recordscan.facts import Json, Reason
from recordscan.result import Outcome
from recordscan.rule import Rule, Severity
from recordscan.testing import (
    AWS_ACCOUNT,
    BUCKET,
    KEY_ARN,
    REVIEWERS,
    Case,
    ago,
    credential_report,
    judge,
    report_line,
    role_details,
    sound,
)
from recordscan_rules import account
from rules.failing_account import FAILING, GUARDS, in_organization, short_passwords, with_role

RULES: list[Rule] = [
    account.public_access_block,
    account.root_access_key,
    account.root_mfa,
    account.root_central,
    account.root_use,
    account.password_policy,
    account.console_mfa,
    account.full_admin,
    account.access_analyzer,
    account.macie,
    account.guardduty,
    account.config,
    account.security_hub,
    account.organization_guards,
    account.security_contact,
]
REGIONAL = [account.access_analyzer, account.macie, account.guardduty, account.config, account.security_hub]
DETAILS = "iam:GetAccountAuthorizationDetails"

Change = Callable[[Case], object]


def spoiled(*changes: Change) -> Case:
    case = sound()
    for change in changes:
        change(case)
    return case


def sets(operation: str, pointer: str, value: Json) -> Change:
    return lambda case: case.set(operation, pointer, value)


def answers(operation: str, answer: Json) -> Change:
    return lambda case: case.answer(operation, answer)


def report(*lines: str) -> Change:
    return answers("iam:GetCredentialReport", credential_report(*lines))


def summary(name: str, value: Json) -> Change:
    return sets("iam:GetAccountSummary", f"/SummaryMap/{name}", value)


READS = [
    (account.public_access_block, "s3control:GetPublicAccessBlock"),
    (account.root_access_key, "iam:GetAccountSummary"),
    (account.root_mfa, "iam:GetAccountSummary"),
    (account.root_mfa, "iam:ListVirtualMFADevices"),
    (account.root_use, "iam:GetCredentialReport"),
    (account.password_policy, "iam:GetAccountPasswordPolicy"),
    (account.console_mfa, "iam:GetCredentialReport"),
    (account.full_admin, DETAILS),
    (account.access_analyzer, "accessanalyzer:ListAnalyzers"),
    (account.access_analyzer, "accessanalyzer:ListFindingsV2"),
    (account.macie, "macie2:GetMacieSession"),
    (account.macie, "macie2:DescribeBuckets"),
    (account.guardduty, "guardduty:ListDetectors"),
    (account.guardduty, "guardduty:GetDetector"),
    (account.config, "config:DescribeConfigurationRecorders"),
    (account.config, "config:DescribeConfigurationRecorderStatus"),
    (account.security_hub, "securityhub:DescribeHub"),
    (account.security_contact, "account:GetAlternateContact"),
]


@pytest.mark.parametrize(("rule", "operation"), READS, ids=lambda value: getattr(value, "id", value))
def test_what_may_not_be_read_is_unknown_and_names_the_permission(rule: Rule, operation: str) -> None:
    case = sound()
    case.deny(operation)
    assessment = judge(rule, case)
    assert (assessment.outcome, assessment.reason) == (Outcome.UNKNOWN, Reason.ACCESS_DENIED)
    assert assessment.permission == operation  # cases name the permission like the operation


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_what_breaks_a_rule_is_proven(rule: Rule) -> None:
    assert judge(rule, FAILING[rule.id]()).outcome is Outcome.FAIL


@pytest.mark.parametrize("rule", REGIONAL, ids=lambda rule: rule.id)
def test_a_region_that_is_not_known_leaves_it_open(rule: Rule) -> None:
    case = sound()
    case.deny("s3:HeadBucket", Bucket=BUCKET)
    case.deny("s3:ListBuckets")
    assert judge(rule, case).outcome is Outcome.UNKNOWN


@pytest.mark.parametrize("rule", REGIONAL, ids=lambda rule: rule.id)
def test_an_account_without_a_bucket_of_media_is_not_asked(rule: Rule) -> None:
    case = sound()
    case.set("twilio:FetchRecordingSettings", "/aws_storage_enabled", False)
    assert judge(rule, case).outcome is Outcome.NOT_APPLICABLE


def test_two_of_four_switches_which_satisfy_others_are_not_enough() -> None:
    block = "/PublicAccessBlockConfiguration"
    case = spoiled(
        sets("s3control:GetPublicAccessBlock", f"{block}/BlockPublicAcls", False),
        sets("s3control:GetPublicAccessBlock", f"{block}/BlockPublicPolicy", False),
    )
    [found] = judge(account.public_access_block, case).findings
    assert found.observed == "off: BlockPublicAcls, BlockPublicPolicy"


@pytest.mark.parametrize("rule", [account.root_access_key, account.root_mfa], ids=lambda rule: rule.id)
@pytest.mark.parametrize("answer", [{"SummaryMap": {}}, {"SummaryMap": {"AccountMFAEnabled": "yes"}}])
def test_a_summary_that_does_not_speak_of_root_is_unknown(rule: Rule, answer: Json) -> None:
    assert judge(rule, spoiled(answers("iam:GetAccountSummary", answer))).outcome is Outcome.UNKNOWN


@pytest.mark.parametrize(
    ("password", "keys", "outcome"),
    [(0, 0, Outcome.NOT_APPLICABLE), (1, 0, Outcome.FAIL), (0, 1, Outcome.FAIL), (None, 0, Outcome.FAIL)],
)
def test_a_root_user_that_cannot_sign_in_needs_no_device(password: Json, keys: int, outcome: Outcome) -> None:
    case = spoiled(
        summary("AccountMFAEnabled", 0),
        summary("AccountPasswordPresent", password),
        summary("AccountAccessKeysPresent", keys),
    )
    assert judge(account.root_mfa, case).outcome is outcome


@pytest.mark.parametrize(
    ("device", "severity"),
    [
        ({"SerialNumber": f"arn:aws:iam::{AWS_ACCOUNT}:mfa/root-account-mfa-device"}, Severity.MEDIUM),
        (
            {
                "SerialNumber": f"arn:aws:iam::{AWS_ACCOUNT}:mfa/phone",
                "User": {"Arn": f"arn:aws:iam::{AWS_ACCOUNT}:root"},
            },
            Severity.MEDIUM,
        ),
        (
            {
                "SerialNumber": f"arn:aws:iam::{AWS_ACCOUNT}:mfa/a",
                "User": {"Arn": f"arn:aws:iam::{AWS_ACCOUNT}:user/a"},
            },
            None,
        ),
    ],
    ids=["the old name", "a name of one's own, which others overlook", "of a user"],
)
def test_a_virtual_device_of_root_is_a_medium_finding(device: Json, severity: Severity | None) -> None:
    assessment = judge(account.root_mfa, spoiled(sets("iam:ListVirtualMFADevices", "/VirtualMFADevices", [device])))
    assert (assessment.outcome is Outcome.PASS) == (severity is None)
    assert severity is None or assessment.severity is severity


def test_central_root_management_is_for_organizations_and_their_management_account_tells() -> None:
    assert judge(account.root_central, sound()).outcome is Outcome.NOT_APPLICABLE
    case = in_organization(GUARDS)
    assert judge(account.root_central, case).outcome is Outcome.PASS
    case.deny("iam:ListOrganizationsFeatures")
    assert judge(account.root_central, case).outcome is Outcome.UNKNOWN


@pytest.mark.parametrize(
    ("line", "outcome"),
    [
        (report_line("<root_account>", password_last_used=ago(days=89)), Outcome.FAIL),
        (report_line("<root_account>", password_last_used=ago(days=91)), Outcome.PASS),
        (report_line("<root_account>", password_last_used="no_information"), Outcome.PASS),
        (report_line("<root_account>", access_key_1_last_used_date=ago(days=1)), Outcome.FAIL),
        (report_line("<root_account>", access_key_2_last_used_date=ago(days=1)), Outcome.FAIL),
        (report_line("<root_account>", password_last_used="2026-99-99T00:00:00+00:00"), Outcome.UNKNOWN),
    ],
)
def test_nobody_works_as_root_by_password_or_by_either_key(line: str, outcome: Outcome) -> None:
    assert judge(account.root_use, spoiled(report(line))).outcome is outcome


@pytest.mark.parametrize(
    "content", ["", "user,arn\n", "<html>", "user,arn\nalice,arn:aws:iam::111122223333:user/alice\n"]
)
@pytest.mark.parametrize("rule", [account.root_use, account.console_mfa], ids=lambda rule: rule.id)
def test_a_report_that_is_none_is_unknown(rule: Rule, content: str) -> None:
    case = spoiled(sets("iam:GetCredentialReport", "/Content", content))
    assert judge(rule, case).outcome is Outcome.UNKNOWN


@pytest.mark.parametrize("code", ["ReportNotPresent", "ReportExpired", "ReportInProgress"])
def test_a_report_that_is_not_there_is_unknown_and_says_what_to_do(code: str) -> None:
    case = sound()
    case.fail("iam:GetCredentialReport", Reason.NOT_FOUND, code=code)
    assessment = judge(account.root_use, case)
    assert assessment.outcome is Outcome.UNKNOWN
    assert "aws iam generate-credential-report" in (assessment.detail or "")


@pytest.mark.parametrize(
    ("policy", "outcome"),
    [
        ({"MinimumPasswordLength": 14, "PasswordReusePrevention": 24}, Outcome.PASS),
        ({"MinimumPasswordLength": 13, "PasswordReusePrevention": 24}, Outcome.FAIL),
        ({"MinimumPasswordLength": 20}, Outcome.FAIL),
        (None, Outcome.FAIL),
    ],
)
def test_passwords_are_long_and_none_is_used_twice(policy: Json, outcome: Outcome) -> None:
    case = short_passwords()
    case.answer("iam:GetAccountPasswordPolicy", None if policy is None else {"PasswordPolicy": policy})
    assert judge(account.password_policy, case).outcome is outcome


def test_without_console_passwords_there_is_no_need_of_a_policy_and_without_the_report_that_is_unknown() -> None:
    case = spoiled(answers("iam:GetAccountPasswordPolicy", None))
    assert judge(account.password_policy, case).outcome is Outcome.NOT_APPLICABLE
    case.deny("iam:GetCredentialReport")
    assert judge(account.password_policy, case).outcome is Outcome.UNKNOWN


def test_console_users_without_mfa_are_all_named_and_others_are_not() -> None:
    case = spoiled(
        report(
            report_line("=HYPERLINK@acme.example", password_enabled="TRUE", mfa_active="FALSE"),
            report_line("bob", password_enabled="true", mfa_active="true"),
            report_line("machine", password_enabled="false", mfa_active="false"),
        )
    )
    [found] = judge(account.console_mfa, case).findings
    assert "=HYPERLINK@acme.example" in found.message


@pytest.mark.parametrize(
    ("action", "severity"),
    [
        ("*", Severity.HIGH),
        ("*:*", Severity.HIGH),
        (["s3:GetObject", "*"], Severity.HIGH),
        ("s3:*", None),
        ("iam:*", None),
    ],
)
def test_a_policy_that_allows_everything_is_found_by_what_it_says(action: Json, severity: Severity | None) -> None:
    assessment = judge(account.full_admin, with_role(action)())
    assert (assessment.outcome is Outcome.PASS) == (severity is None)
    assert severity is None or assessment.severity is severity


def test_an_allow_of_all_but_some_actions_is_a_medium_finding_which_others_miss() -> None:
    statement = {"Effect": "Allow", "NotAction": ["iam:*", "organizations:*"], "Resource": "*"}
    row = role_details("power", {"Version": "2012-10-17", "Statement": [statement]})
    assessment = judge(account.full_admin, spoiled(sets(DETAILS, "/RoleDetailList/-", row)))
    assert (assessment.outcome, assessment.severity) == (Outcome.FAIL, Severity.MEDIUM)


def test_administrators_that_the_profile_names_may_do_everything() -> None:
    case = with_role("*")()
    case.profile = replace(case.profile, administrators=(f"arn:aws:iam::{AWS_ACCOUNT}:role/intern",))
    assert judge(account.full_admin, case).outcome is Outcome.PASS


def test_a_policy_of_everything_for_one_bucket_is_no_policy_of_everything() -> None:
    statement = {"Effect": "Allow", "Action": "*", "Resource": f"arn:aws:s3:::{BUCKET}/*"}
    row = role_details(REVIEWERS + "-2", {"Version": "2012-10-17", "Statement": [statement]})
    assert judge(account.full_admin, spoiled(sets(DETAILS, "/RoleDetailList/-", row))).outcome is Outcome.PASS


@pytest.mark.parametrize(
    ("member", "value"),
    [("type", "ACCOUNT_UNUSED_ACCESS"), ("type", "ACCOUNT_INTERNAL_ACCESS"), ("status", "DISABLED")],
)
def test_an_analyzer_of_something_else_which_others_accept_does_not_count(member: str, value: str) -> None:
    case = spoiled(sets("accessanalyzer:ListAnalyzers", f"/analyzers/0/{member}", value))
    assert judge(account.access_analyzer, case).outcome is Outcome.FAIL


def test_in_an_organization_the_analyzer_may_be_in_another_account() -> None:
    case = in_organization(GUARDS)
    case.set("accessanalyzer:ListAnalyzers", "/analyzers", [])
    assert judge(account.access_analyzer, case).outcome is Outcome.UNKNOWN


def test_findings_about_bucket_and_key_count() -> None:
    case = sound()
    case.set("accessanalyzer:ListFindingsV2", "/findings", [{"id": "f", "status": "ACTIVE"}])
    found = {finding.resources[0] for finding in judge(account.access_analyzer, case).findings}
    assert found == {f"arn:aws:s3:::{BUCKET}", KEY_ARN}


def test_a_key_that_is_not_known_leaves_findings_open() -> None:
    case = sound()
    case.deny("s3:GetBucketEncryption", Bucket=BUCKET)
    assert judge(account.access_analyzer, case).outcome is Outcome.UNKNOWN


@pytest.mark.parametrize(
    ("row", "outcome"),
    [
        ({"automatedDiscoveryMonitoringStatus": "MONITORED"}, Outcome.PASS),
        ({"jobDetails": {"isDefinedInJob": "TRUE"}}, Outcome.PASS),
        ({"automatedDiscoveryMonitoringStatus": "NOT_MONITORED", "jobDetails": {}}, Outcome.FAIL),
    ],
)
def test_macie_looks_by_discovery_or_by_a_job_of_which_others_know_jobs_only(row: Json, outcome: Outcome) -> None:
    assert judge(account.macie, spoiled(sets("macie2:DescribeBuckets", "/buckets", [row]))).outcome is outcome


def test_guardduty_of_before_features_counts() -> None:
    older = {"Status": "ENABLED", "DataSources": {"S3Logs": {"Status": "ENABLED"}}}
    case = spoiled(answers("guardduty:GetDetector", older))
    assert judge(account.guardduty, case).outcome is Outcome.PASS
    case.set("guardduty:GetDetector", "/DataSources/S3Logs/Status", "DISABLED")
    assert judge(account.guardduty, case).outcome is Outcome.FAIL


RECORDERS, STATUS = "config:DescribeConfigurationRecorders", "config:DescribeConfigurationRecorderStatus"


@pytest.mark.parametrize(
    ("changes", "outcome"),
    [
        pytest.param([sets(RECORDERS, "/ConfigurationRecorders", [])], Outcome.FAIL, id="none"),
        pytest.param(
            [sets(STATUS, "/ConfigurationRecordersStatus/0/recording", False)], Outcome.FAIL, id="off, which exists"
        ),
        pytest.param(
            [sets(STATUS, "/ConfigurationRecordersStatus/0/lastStatus", "FAILURE")], Outcome.FAIL, id="cannot deliver"
        ),
        pytest.param(
            [sets(RECORDERS, "/ConfigurationRecorders/0/recordingScope", "INTERNAL")],
            Outcome.FAIL,
            id="a service's own",
        ),
        pytest.param([sets(STATUS, "/ConfigurationRecordersStatus", [])], Outcome.UNKNOWN, id="no status"),
        pytest.param(
            [
                sets(
                    RECORDERS,
                    "/ConfigurationRecorders/0/recordingGroup",
                    {"resourceTypes": ["AWS::S3::Bucket", "AWS::KMS::Key"]},
                )
            ],
            Outcome.PASS,
            id="just enough",
        ),
    ],
)
def test_config_records_buckets_and_keys(changes: list[Change], outcome: Outcome) -> None:
    assert judge(account.config, spoiled(*changes)).outcome is outcome


def test_guards_of_the_organization() -> None:
    assert judge(account.organization_guards, sound()).outcome is Outcome.NOT_APPLICABLE
    assert judge(account.organization_guards, in_organization(GUARDS)).outcome is Outcome.PASS
    some = {**GUARDS, "Action": ["s3:Put*PublicAccessBlock", "cloudtrail:*"]}
    [found] = judge(account.organization_guards, in_organization(some)).findings
    assert found.observed == "none for s3:DeleteBucketPolicy, kms:ScheduleKeyDeletion"


def test_guards_that_a_member_may_not_read_are_unknown() -> None:
    case = in_organization(GUARDS)
    case.deny("organizations:ListRoots")
    assert judge(account.organization_guards, case).outcome is Outcome.UNKNOWN
    case.scope = replace(case.scope, assume_organization_allows=True)
    assert judge(account.organization_guards, case).outcome is Outcome.UNKNOWN


def test_the_management_account_is_bound_by_nothing() -> None:
    case = in_organization(GUARDS)
    case.set("organizations:DescribeOrganization", "/Organization/MasterAccountId", AWS_ACCOUNT)
    assert judge(account.organization_guards, case).outcome is Outcome.NOT_APPLICABLE


def test_a_level_that_allows_nothing_of_it_guards_as_well() -> None:
    case = in_organization({**GUARDS, "Effect": "Allow", "Action": ["ec2:*"], "Condition": {}})
    case.set(
        "organizations:ListPoliciesForTarget",
        "/Policies",
        [{"Id": "p-guards", "Name": "p-guards"}],
        TargetId="r-1",
        Filter="SERVICE_CONTROL_POLICY",
    )
    assert judge(account.organization_guards, case).outcome is Outcome.PASS
