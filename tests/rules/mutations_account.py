"""One fault of the account at a time, and the rules that it breaks."""

from collections.abc import Callable

from recordscan.facts import Json
from recordscan.testing import Case
from rules.failing_account import GUARDS, ROOT_IN_USE, WITHOUT_MFA, in_organization

Spoil = Callable[[Case], object]


def sets(operation: str, pointer: str, value: Json) -> Spoil:
    return lambda case: case.set(operation, pointer, value)


def answers(operation: str, answer: Json) -> Spoil:
    return lambda case: case.answer(operation, answer)


def organization(**features: Json) -> Spoil:
    def spoil(case: Case) -> None:
        in_organization(GUARDS, case=case)
        for name, value in features.items():
            case.set("iam:ListOrganizationsFeatures", f"/{name}", value)

    return spoil


RECORDER = "/ConfigurationRecorders/0/recordingGroup"

MUTATIONS: dict[str, tuple[Spoil, set[str]]] = {
    "root user with an access key": (
        sets("iam:GetAccountSummary", "/SummaryMap/AccountAccessKeysPresent", 1),
        {"account-root-access-key"},
    ),
    "root user without MFA": (
        sets("iam:GetAccountSummary", "/SummaryMap/AccountMFAEnabled", 0),
        {"account-root-mfa"},
    ),
    "root user with a virtual device": (
        sets(
            "iam:ListVirtualMFADevices",
            "/VirtualMFADevices",
            [
                {
                    "SerialNumber": "arn:aws:iam::111122223333:mfa/phone",
                    "User": {"Arn": "arn:aws:iam::111122223333:root"},
                }
            ],
        ),
        {"account-root-mfa"},
    ),
    "root user in use": (answers("iam:GetCredentialReport", ROOT_IN_USE), {"account-root-use"}),
    "console user without MFA": (answers("iam:GetCredentialReport", WITHOUT_MFA), {"account-console-mfa"}),
    "no password policy and no password": (answers("iam:GetAccountPasswordPolicy", None), set()),
    "account that does not ignore public ACLs": (
        sets("s3control:GetPublicAccessBlock", "/PublicAccessBlockConfiguration/IgnorePublicAcls", False),
        {"account-public-access-block"},
    ),
    "organization in good order": (organization(), set()),
    "organization that does not manage root": (organization(EnabledFeatures=[]), {"account-root-central"}),
    "organization without guards": (lambda case: in_organization(case=case), {"account-organization-guards"}),
    "no analyzer": (sets("accessanalyzer:ListAnalyzers", "/analyzers", []), {"account-access-analyzer"}),
    "analyzer of unused access": (
        sets("accessanalyzer:ListAnalyzers", "/analyzers/0/type", "ACCOUNT_UNUSED_ACCESS"),
        {"account-access-analyzer"},
    ),
    "finding of the analyzer": (
        sets("accessanalyzer:ListFindingsV2", "/findings", [{"id": "f1", "status": "ACTIVE"}]),
        {"account-access-analyzer"},
    ),
    "Macie paused": (sets("macie2:GetMacieSession", "/status", "PAUSED"), {"account-macie"}),
    "Macie looks elsewhere": (sets("macie2:DescribeBuckets", "/buckets", []), {"account-macie"}),
    "GuardDuty without S3": (
        sets("guardduty:GetDetector", "/Features/1/Status", "DISABLED"),
        {"account-guardduty-s3"},
    ),
    "GuardDuty switched off": (sets("guardduty:GetDetector", "/Status", "DISABLED"), {"account-guardduty-s3"}),
    "Config without keys": (
        sets(
            "config:DescribeConfigurationRecorders",
            RECORDER,
            {"allSupported": False, "resourceTypes": ["AWS::S3::Bucket"]},
        ),
        {"account-config"},
    ),
    "Config without Lambda": (
        sets(
            "config:DescribeConfigurationRecorders",
            RECORDER,
            {
                "recordingStrategy": {"useOnly": "EXCLUSION_BY_RESOURCE_TYPES"},
                "exclusionByResourceTypes": {"resourceTypes": ["AWS::Lambda::Function"]},
            },
        ),
        set(),
    ),
    "no Security Hub": (answers("securityhub:DescribeHub", None), {"account-security-hub"}),
    "no contact": (answers("account:GetAlternateContact", None), {"account-security-contact"}),
}
