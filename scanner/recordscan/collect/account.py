"""The reads of the services that guard a whole account, in the Regions of the media's buckets, and of its contacts.

Where a service says "not switched on" by an error that also stands for a denial, the message tells them apart:
https://docs.aws.amazon.com/macie/latest/APIReference/macie.html,
https://docs.aws.amazon.com/securityhub/1.0/APIReference/API_DescribeHub.html.
"""

from recordscan.collect.call import Call, Pages


def _guard(
    service: str,
    api: str,
    method: str,
    purpose: str,
    *,
    requires: str,
    prefix: str = "",
    token: str = "",
    absent: str = "",
    absent_where: tuple[tuple[str, str], ...] = (),
) -> Call:
    return Call(
        operation=f"{service}:{api}",
        service=service,
        method=method,
        permission=f"{prefix or service}:{api}",
        purpose=purpose,
        absent=frozenset(absent.split()),
        absent_where=absent_where,
        pages=Pages(send=token, receive=token, members=(requires,)) if token else None,
        regional=True,
        requires=(requires,),
    )


_NO_MACIE = (("AccessDeniedException", "Macie is not enabled"),)

ANALYZERS = _guard(
    "accessanalyzer",
    "ListAnalyzers",
    "list_analyzers",
    "whether IAM Access Analyzer watches the Region",
    requires="analyzers",
    prefix="access-analyzer",
    token="nextToken",  # noqa: S106  # the name of a member
)
ANALYZER_FINDINGS = _guard(
    "accessanalyzer",
    "ListFindingsV2",
    "list_findings_v2",
    "what it found about the bucket and its key",
    requires="findings",
    prefix="access-analyzer",
    token="nextToken",  # noqa: S106  # the name of a member
)
MACIE_SESSION = _guard(
    "macie2",
    "GetMacieSession",
    "get_macie_session",
    "whether Macie is on",
    requires="status",
    absent_where=_NO_MACIE,
)
MACIE_BUCKETS = _guard(
    "macie2",
    "DescribeBuckets",
    "describe_buckets",
    "whether Macie looks at the bucket",
    requires="buckets",
    token="nextToken",  # noqa: S106  # the name of a member
    absent_where=_NO_MACIE,
)
DETECTORS = _guard(
    "guardduty",
    "ListDetectors",
    "list_detectors",
    "whether GuardDuty is on",
    requires="DetectorIds",
    token="NextToken",  # noqa: S106  # the name of a member
)
DETECTOR = _guard("guardduty", "GetDetector", "get_detector", "whether it watches S3", requires="Status")
RECORDERS = _guard(
    "config",
    "DescribeConfigurationRecorders",
    "describe_configuration_recorders",
    "what AWS Config records",
    requires="ConfigurationRecorders",
)
RECORDER_STATUS = _guard(
    "config",
    "DescribeConfigurationRecorderStatus",
    "describe_configuration_recorder_status",
    "whether it does",
    requires="ConfigurationRecordersStatus",
)
HUB = _guard(
    "securityhub",
    "DescribeHub",
    "describe_hub",
    "whether Security Hub is on",
    requires="HubArn",
    absent="ResourceNotFoundException",
    absent_where=(("InvalidAccessException", "not subscribed to AWS Security Hub"),),
)
REGION_READS = (MACIE_SESSION, RECORDERS, RECORDER_STATUS, HUB)
"""Asked without parameters."""

SECURITY_CONTACT = Call(
    operation="account:GetAlternateContact",
    service="account",
    method="get_alternate_contact",
    permission="account:GetAlternateContact",
    purpose="whom AWS writes to about security; asked with AlternateContactType=SECURITY",
    absent=frozenset({"ResourceNotFoundException"}),
    requires=("AlternateContact",),
)

CALLS = (*REGION_READS, ANALYZERS, ANALYZER_FINDINGS, MACIE_BUCKETS, DETECTORS, DETECTOR, SECURITY_CONTACT)
