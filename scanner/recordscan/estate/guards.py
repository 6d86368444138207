"""The services that guard a whole AWS account, as one Region has them: Access Analyzer, Macie, GuardDuty and so on."""

from collections.abc import Mapping
from dataclasses import dataclass

from recordscan.estate.answers import Answers, mapping, rows, text
from recordscan.facts import Fact, Json, Reason, derive, need, pluck, unavailable


@dataclass(frozen=True, slots=True, kw_only=True)
class AnalyzerFinding:
    """One active finding of Access Analyzer about one of the resources."""

    id: str
    analyzer: str
    resource: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigurationRecorder:
    """A recorder of AWS Config.

    Attributes:
        name: Its name.
        recording: Whether it is on.
        failed: What its last delivery ended with; None unless that failed.
        leaves_out: Types of resources that bear on media and are not recorded.
    """

    name: str
    recording: bool
    failed: str | None
    leaves_out: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RegionGuards:
    """What guards an account in one Region that holds media.

    Attributes:
        region: Region.
        analyzers: ARNs of active analyzers of external access.
        findings: Their active findings about the media's buckets and keys in this Region.
        macie: ENABLED or PAUSED; None where Macie was never switched on.
        unseen_by_macie: The media's buckets that Macie neither monitors nor has in a job.
        detectors: GuardDuty detectors that are on, each with whether it watches S3.
        suspended_detectors: GuardDuty detectors that are not on.
        recorders: Of AWS Config, those of the customer.
        security_hub: Whether Security Hub is on.
    """

    region: str
    analyzers: Fact[tuple[str, ...]]
    findings: Fact[tuple[AnalyzerFinding, ...]]
    macie: Fact[str | None]
    unseen_by_macie: Fact[tuple[str, ...]]
    detectors: Fact[Mapping[str, bool]]
    suspended_detectors: Fact[tuple[str, ...]]
    recorders: Fact[tuple[ConfigurationRecorder, ...]]
    security_hub: Fact[bool]


def read_guards(
    answers: Answers, account: str, region: str, *, buckets: tuple[str, ...], resources: tuple[str, ...]
) -> RegionGuards:
    """Read one Region.

    Args:
        answers: The scan's observations.
        account: Account id of the caller.
        region: Region.
        buckets: Names of the media's buckets in it.
        resources: ARNs of those and of their keys in it.
    """

    def ask(operation: str, **request: Json) -> Fact[Json]:
        return answers.read(operation, account, region=region, **request)

    analyzers = derive(lambda: _analyzers(ask("accessanalyzer:ListAnalyzers")))

    def findings() -> tuple[AnalyzerFinding, ...]:
        return tuple(
            AnalyzerFinding(id=str(need(pluck(row, "id"))), analyzer=analyzer, resource=resource)
            for analyzer in need(analyzers)
            for resource in resources
            for row in _all(
                ask("accessanalyzer:ListFindingsV2", analyzerArn=analyzer, filter=analyzer_filter(resource)), "findings"
            )
        )

    def unseen_by_macie() -> tuple[str, ...]:
        return tuple(
            name
            for name in buckets
            if not any(map(_seen, _all(ask("macie2:DescribeBuckets", criteria=macie_criteria(name)), "buckets")))
        )

    def listed_detectors() -> dict[str, Fact[Json]]:
        ids = [str(need(row)) for row in _all(ask("guardduty:ListDetectors"), "DetectorIds")]
        return {each: ask("guardduty:GetDetector", DetectorId=each) for each in ids}

    def is_on(detector: Fact[Json]) -> bool:
        return bool(need(pluck(detector, "Status")) == "ENABLED")

    def detectors() -> dict[str, bool]:
        return {each: _watches_s3(answer) for each, answer in listed_detectors().items() if is_on(answer)}

    def suspended_detectors() -> tuple[str, ...]:
        return tuple(each for each, answer in listed_detectors().items() if not is_on(answer))

    return RegionGuards(
        region=region,
        analyzers=analyzers,
        findings=derive(findings),
        macie=text(pluck(ask("macie2:GetMacieSession"), "status")),
        unseen_by_macie=derive(unseen_by_macie),
        detectors=derive(detectors),
        suspended_detectors=derive(suspended_detectors),
        recorders=derive(
            lambda: _recorders(
                ask("config:DescribeConfigurationRecorders"), ask("config:DescribeConfigurationRecorderStatus")
            )
        ),
        security_hub=derive(lambda: need(ask("securityhub:DescribeHub")) is not None),
    )


def finds_external_access(analyzer: Mapping[str, Json]) -> bool:
    """Whether an analyzer, as ListAnalyzers shows it, is on and finds what is open to others."""
    return analyzer.get("type") in ("ACCOUNT", "ORGANIZATION") and analyzer.get("status") == "ACTIVE"


def analyzer_filter(resource: str) -> dict[str, Json]:
    """The filter of ListFindingsV2 for the active findings about one resource."""
    return {"resource": {"eq": [resource]}, "status": {"eq": ["ACTIVE"]}}


def macie_criteria(bucket: str) -> dict[str, Json]:
    """The criteria of Macie's DescribeBuckets for one bucket."""
    return {"bucketName": {"eq": [bucket]}}


def _all(answer: Fact[Json], member: str) -> list[Fact[Json]]:
    if need(pluck(answer, "truncated")):
        unavailable(Reason.UNDECIDABLE, f"the list of {member} was cut at the page limit")
    return rows(answer, member)


def _analyzers(answer: Fact[Json]) -> tuple[str, ...]:
    return tuple(str(mapping(row)["arn"]) for row in _all(answer, "analyzers") if finds_external_access(mapping(row)))


def _seen(row: Fact[Json]) -> bool:
    monitored, in_job = pluck(row, "automatedDiscoveryMonitoringStatus"), pluck(row, "jobDetails", "isDefinedInJob")
    return need(text(monitored)) == "MONITORED" or need(text(in_job)) == "TRUE"


def _watches_s3(detector: Fact[Json]) -> bool:
    features = {mapping(row)["Name"]: mapping(row)["Status"] for row in rows(detector, "Features")}
    older = need(pluck(detector, "DataSources", "S3Logs", "Status"))
    return str(features.get("S3_DATA_EVENTS", older)) == "ENABLED"


_RECORDED = ("AWS::S3::Bucket", "AWS::KMS::Key")


def _recorders(listed: Fact[Json], statuses: Fact[Json]) -> tuple[ConfigurationRecorder, ...]:
    found = rows(listed, "ConfigurationRecorders")
    if not found:
        return ()
    by_name = {mapping(row)["name"]: row for row in rows(statuses, "ConfigurationRecordersStatus")}
    return tuple(_recorder(row, by_name) for row in found if mapping(row).get("recordingScope") != "INTERNAL")


def _recorder(row: Fact[Json], statuses: Mapping[str, Fact[Json]]) -> ConfigurationRecorder:
    name = str(mapping(row)["name"])
    if name not in statuses:
        unavailable(Reason.MALFORMED, f"AWS Config does not state whether the recorder {name} is on")
    status = statuses[name]
    failed = str(need(pluck(status, "lastStatus"))).lower() == "failure"  # AWS writes it both ways
    return ConfigurationRecorder(
        name=name,
        recording=bool(need(pluck(status, "recording"))),
        failed=(need(text(pluck(status, "lastErrorCode"))) or "Failure") if failed else None,
        leaves_out=_left_out(mapping(pluck(row, "recordingGroup"))),
    )


def _left_out(group: Mapping[str, Json]) -> tuple[str, ...]:
    """See https://docs.aws.amazon.com/config/latest/APIReference/API_RecordingGroup.html for the three strategies."""
    strategy = (group.get("recordingStrategy") or {}).get("useOnly")
    if strategy == "EXCLUSION_BY_RESOURCE_TYPES":
        excluded = (group.get("exclusionByResourceTypes") or {}).get("resourceTypes") or []
        return tuple(kind for kind in _RECORDED if kind in excluded)
    if group.get("allSupported") is True or strategy == "ALL_SUPPORTED_RESOURCE_TYPES":
        return ()
    return tuple(kind for kind in _RECORDED if kind not in (group.get("resourceTypes") or []))
