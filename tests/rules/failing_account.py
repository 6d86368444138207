"""For each rule about the account an estate that breaks it."""

import json
from collections.abc import Callable

from recordscan.facts import Json
from recordscan.testing import AWS_ACCOUNT, Case, ago, credential_report, report_line, role_details, sound

Example = Callable[[], Case]

ORGANIZATION = "o-0123456789"


def answering(operation: str, answer: Json) -> Example:
    """A sound estate with one other answer."""

    def make() -> Case:
        case = sound()
        case.answer(operation, answer)
        return case

    return make


def changed(operation: str, pointer: str, value: Json) -> Example:
    """A sound estate with one member of one answer changed."""

    def make() -> Case:
        case = sound()
        case.set(operation, pointer, value)
        return case

    return make


def in_organization(*statements: Json, case: Case | None = None) -> Case:
    """A sound estate in an organization, whose root has one service control policy beside that which allows all."""
    case = case or sound()
    organization = {"Id": ORGANIZATION, "MasterAccountId": "999988887777"}
    case.answer("organizations:DescribeOrganization", {"Organization": organization})
    types = [{"Type": kind, "Status": "ENABLED"} for kind in ("SERVICE_CONTROL_POLICY", "RESOURCE_CONTROL_POLICY")]
    case.add("organizations:ListRoots", {"Roots": [{"Id": "r-1", "PolicyTypes": types}], "truncated": False})
    parents = {"Parents": [{"Id": "r-1", "Type": "ROOT"}], "truncated": False}
    case.add("organizations:ListParents", parents, ChildId=AWS_ACCOUNT)
    allows = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    documents = {"p-full": [allows], "p-guards": list(statements)}
    for policy, listed in documents.items():
        content = json.dumps({"Version": "2012-10-17", "Statement": listed})
        case.add("organizations:DescribePolicy", {"Policy": {"Content": content}}, PolicyId=policy)
    for target, ids in (("r-1", ["p-full", *(["p-guards"] if statements else [])]), (AWS_ACCOUNT, ["p-full"])):
        rows = [{"Id": each, "Name": each} for each in ids]
        request = {"TargetId": target, "Filter": "SERVICE_CONTROL_POLICY"}
        case.add("organizations:ListPoliciesForTarget", {"Policies": rows, "truncated": False}, **request)
        request = {"TargetId": target, "Filter": "RESOURCE_CONTROL_POLICY"}
        case.add("organizations:ListPoliciesForTarget", {"Policies": [], "truncated": False}, **request)
    features = {"OrganizationId": ORGANIZATION, "EnabledFeatures": ["RootCredentialsManagement", "RootSessions"]}
    case.add("iam:ListOrganizationsFeatures", features)
    return case


GUARDS: dict[str, Json] = {
    "Sid": "Guards",
    "Effect": "Deny",
    "Action": [
        "s3:PutAccountPublicAccessBlock",
        "s3:PutBucketPublicAccessBlock",
        "s3:DeleteBucketPolicy",
        "kms:ScheduleKeyDeletion",
        "cloudtrail:StopLogging",
    ],
    "Resource": "*",
    "Condition": {"ArnNotLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/break-glass"}},
}


def without_root_management() -> Case:
    case = in_organization(GUARDS)
    case.set("iam:ListOrganizationsFeatures", "/EnabledFeatures", ["RootSessions"])
    return case


def with_role(action: Json) -> Example:
    statement = {"Effect": "Allow", "Action": action, "Resource": "*"}
    row = role_details("intern", {"Version": "2012-10-17", "Statement": [statement]})
    return changed("iam:GetAccountAuthorizationDetails", "/RoleDetailList/-", row)


def short_passwords() -> Case:
    case = sound()
    case.answer("iam:GetAccountPasswordPolicy", None)
    line = report_line("alice", password_enabled="true", mfa_active="true")
    case.answer("iam:GetCredentialReport", credential_report(line))
    return case


ROOT_IN_USE = credential_report(report_line("<root_account>", password_last_used=ago(days=3), mfa_active="true"))
WITHOUT_MFA = credential_report(report_line("alice", password_enabled="true", mfa_active="false"))

FAILING: dict[str, Example] = {
    "account-access-analyzer": changed("accessanalyzer:ListAnalyzers", "/analyzers", []),
    "account-config": changed(
        "config:DescribeConfigurationRecorderStatus", "/ConfigurationRecordersStatus/0/recording", False
    ),
    "account-console-mfa": answering("iam:GetCredentialReport", WITHOUT_MFA),
    "account-full-admin": with_role("*"),
    "account-guardduty-s3": changed("guardduty:ListDetectors", "/DetectorIds", []),
    "account-macie": answering("macie2:GetMacieSession", None),
    "account-organization-guards": in_organization,
    "account-password-policy": short_passwords,
    "account-public-access-block": answering("s3control:GetPublicAccessBlock", None),
    "account-root-access-key": changed("iam:GetAccountSummary", "/SummaryMap/AccountAccessKeysPresent", 1),
    "account-root-central": without_root_management,
    "account-root-mfa": changed("iam:GetAccountSummary", "/SummaryMap/AccountMFAEnabled", 0),
    "account-root-use": answering("iam:GetCredentialReport", ROOT_IN_USE),
    "account-security-contact": answering("account:GetAlternateContact", None),
    "account-security-hub": answering("securityhub:DescribeHub", None),
}
SOUND: dict[str, Example] = {"organization": lambda: in_organization(GUARDS)}
