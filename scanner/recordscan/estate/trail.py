"""CloudTrail trails and event data stores, and whether they record what happens to the objects of a bucket.

Source: https://docs.aws.amazon.com/awscloudtrail/latest/userguide/logging-data-events-with-cloudtrail.html
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol

from recordscan.estate.answers import Answers, flag, mapping, moment, rows, text
from recordscan.estate.bucket import Bucket
from recordscan.facts import Fact, Json, Known, Reason, all_true, any_true, derive, need, pluck, unavailable

Access = Literal["read", "write"]

_OBJECT = "AWS::S3::Object"
_BOTH: frozenset[Access] = frozenset({"read", "write"})


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectEvents:
    """What one selector records of S3 objects.

    Attributes:
        access: Reads, writes or both: of which it leaves out none.
        prefixes: Object ARN prefixes that it records; () for every object, unless narrowed.
        excluded: Object ARN prefixes, or object ARNs, that it leaves out.
        narrowed: Fields that narrow it further, so that it proves nothing about a whole prefix.
    """

    access: frozenset[Access]
    prefixes: tuple[str, ...] = ()
    excluded: tuple[str, ...] = ()
    narrowed: tuple[str, ...] = ()

    def contain(self, object_prefix_arn: str, access: Access) -> bool:
        """Whether all such accesses to all objects under an ARN prefix are among them."""
        return (
            access in self.access
            and not self.narrowed
            and (not self.prefixes or any(object_prefix_arn.startswith(prefix) for prefix in self.prefixes))
            and not any(object_prefix_arn.startswith(out) or out.startswith(object_prefix_arn) for out in self.excluded)
        )

    def touch(self, object_prefix_arn: str) -> bool:
        """Whether some events about objects under an ARN prefix may be among them."""
        return not self.prefixes or any(
            object_prefix_arn.startswith(prefix) or prefix.startswith(object_prefix_arn) for prefix in self.prefixes
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ManagementEvents:
    """What one selector records of management events.

    Attributes:
        access: Reads, writes or both.
        excluded: Event sources that it leaves out, such as `kms.amazonaws.com`.
        narrowed: Fields that narrow it further.
    """

    access: frozenset[Access]
    excluded: tuple[str, ...] = ()
    narrowed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """How a trail delivers.

    Attributes:
        error: Of the last delivery of log files to the bucket; None for none.
        digest_error: Of the last delivery of digest files; None for none.
        last: When log files were last delivered; None for never.
        started: When the trail was last switched on; None where CloudTrail does not say.
    """

    error: str | None
    digest_error: str | None
    last: datetime | None
    started: datetime | None


class Recorder(Protocol):
    """A trail or an event data store."""

    @property
    def label(self) -> str: ...
    @property
    def arn(self) -> str: ...
    @property
    def multi_region(self) -> Fact[bool]: ...
    @property
    def recording(self) -> Fact[bool]: ...
    @property
    def kms_key(self) -> Fact[str | None]: ...
    @property
    def object_events(self) -> Fact[tuple[ObjectEvents, ...]]: ...
    @property
    def management_events(self) -> Fact[tuple[ManagementEvents, ...]]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Trail:
    """One trail as the bucket's Region sees it.

    Attributes:
        arn: Trail ARN; of another account for the trail of an organization.
        home_region: Where it was made.
        multi_region: Whether it records all Regions.
        recording: Whether it is on, and records the Region in which it was seen.
        logging: Whether it is on.
        log_bucket: Name of the bucket that it delivers to.
        bucket: That bucket.
        log_group: ARN of the CloudWatch log group that it delivers to as well; None for none.
        validated: Whether its log files can be checked for changes.
        kms_key: What its log files are encrypted with; None for S3's own keys.
        delivery: How it delivers.
        object_events: What it records of objects.
        management_events: What it records of management.
        selectors: Its event selectors, basic or advanced, as CloudTrail shows them.
    """

    arn: str
    home_region: str
    multi_region: Fact[bool]
    recording: Fact[bool]
    logging: Fact[bool]
    log_bucket: str
    bucket: Fact[Bucket]
    log_group: str | None
    validated: Fact[bool]
    kms_key: Fact[str | None]
    delivery: Fact[Delivery]
    object_events: Fact[tuple[ObjectEvents, ...]]
    management_events: Fact[tuple[ManagementEvents, ...]]
    selectors: Fact[Mapping[str, Json]]

    @property
    def label(self) -> str:
        return f"the trail {self.arn.rpartition('/')[2]}"


@dataclass(frozen=True, slots=True, kw_only=True)
class EventDataStore:
    """One event data store of CloudTrail Lake; see `Trail` for the parts that both have."""

    arn: str
    name: str
    multi_region: Fact[bool]
    recording: Fact[bool]
    kms_key: Fact[str | None]
    object_events: Fact[tuple[ObjectEvents, ...]]
    management_events: Fact[tuple[ManagementEvents, ...]]

    @property
    def label(self) -> str:
        return f"the event data store {self.name}"


def read_trails(
    answers: Answers, *, account: str, region: str, bucket: Callable[[str], Fact[Bucket]]
) -> Fact[tuple[Trail, ...]]:
    """The trails that record in one Region, shadow trails of other home Regions included.

    Args:
        answers: The scan's observations.
        account: Account id of the caller.
        region: Region.
        bucket: Gives a bucket by its name.
    """

    def parse(row: Fact[Json]) -> Trail:
        arn, log_bucket = str(mapping(row)["TrailARN"]), str(mapping(row)["S3BucketName"])
        home = need(text(pluck(row, "HomeRegion"))) or region
        status = answers.read("cloudtrail:GetTrailStatus", account, region=home, Name=arn)
        selectors = answers.read("cloudtrail:GetEventSelectors", account, region=home, TrailName=arn)
        multi_region, logging = flag(pluck(row, "IsMultiRegionTrail")), flag(pluck(status, "IsLogging"))
        return Trail(
            arn=arn,
            home_region=home,
            multi_region=multi_region,
            recording=all_true(logging, any_true(Known(home == region), multi_region)),
            logging=logging,
            log_bucket=log_bucket,
            bucket=bucket(log_bucket),
            log_group=need(text(pluck(row, "CloudWatchLogsLogGroupArn"))),
            validated=flag(pluck(row, "LogFileValidationEnabled")),
            kms_key=text(pluck(row, "KmsKeyId")),
            delivery=derive(lambda: _delivery(status)),
            object_events=derive(lambda: tuple(_object_events(selectors))),
            management_events=derive(lambda: tuple(_management_events(selectors))),
            selectors=derive(lambda: mapping(selectors)),
        )

    answer = answers.read("cloudtrail:DescribeTrails", account, region=region, includeShadowTrails=True)
    return derive(lambda: tuple(parse(row) for row in rows(answer, "trailList")))


def read_event_data_stores(answers: Answers, *, account: str, region: str) -> Fact[tuple[EventDataStore, ...]]:
    """The event data stores of one Region. Those of other Regions, which may record it as well, are not listed."""

    def parse(row: Fact[Json]) -> EventDataStore:
        arn = str(mapping(row)["EventDataStoreArn"])
        store = answers.read("cloudtrail:GetEventDataStore", account, region=region, EventDataStore=arn)
        return EventDataStore(
            arn=arn,
            name=need(text(pluck(row, "Name"))) or arn,
            multi_region=flag(pluck(store, "MultiRegionEnabled")),
            recording=derive(lambda: need(pluck(store, "Status")) == "ENABLED"),
            kms_key=text(pluck(store, "KmsKeyId")),
            object_events=derive(lambda: tuple(_object_events(store))),
            management_events=derive(lambda: tuple(_management_events(store))),
        )

    answer = answers.read("cloudtrail:ListEventDataStores", account, region=region)

    def compute() -> tuple[EventDataStore, ...]:
        if need(pluck(answer, "truncated")):
            unavailable(Reason.UNDECIDABLE, "the list of event data stores was cut at the page limit")
        return tuple(parse(row) for row in rows(answer, "EventDataStores"))

    return derive(compute)


def records_objects(recorder: Recorder, object_prefix_arn: str, access: Access) -> Fact[bool]:
    """Whether a trail or event data store that is on records all such accesses to all objects under an ARN prefix."""

    def compute() -> bool:
        if not need(recorder.recording):
            return False
        return any(events.contain(object_prefix_arn, access) for events in need(recorder.object_events))

    return derive(compute)


def bears_on_media(recorder: Recorder, object_prefix_arn: str) -> Fact[bool]:
    """Whether a trail that is on records management, or something about objects under an ARN prefix."""

    def compute() -> bool:
        if not need(recorder.recording):
            return False
        if any(not events.narrowed for events in need(recorder.management_events)):
            return True
        return any(events.touch(object_prefix_arn) for events in need(recorder.object_events))

    return derive(compute)


def unrecorded_management(recorder: Recorder) -> Fact[tuple[str, ...]]:
    """What a trail or event data store leaves out of the management events: "reads", "writes", or event sources."""

    def compute() -> tuple[str, ...]:
        selectors = [events for events in need(recorder.management_events) if not events.narrowed]
        left_out: dict[str, None] = {}
        for access, word in (("read", "reads"), ("write", "writes")):
            covering = [set(events.excluded) for events in selectors if access in events.access]
            missing = set.intersection(*covering) if covering else {word}
            left_out.update(dict.fromkeys(sorted(missing)))
        return tuple(left_out)

    return derive(compute)


def _delivery(status: Fact[Json]) -> Delivery:
    last, started = pluck(status, "LatestDeliveryTime"), pluck(status, "StartLoggingTime")
    return Delivery(
        error=need(text(pluck(status, "LatestDeliveryError"))),
        digest_error=need(text(pluck(status, "LatestDigestDeliveryError"))),
        last=None if need(last) is None else need(moment(last)),
        started=None if need(started) is None else need(moment(started)),
    )


def _object_events(answer: Fact[Json]) -> Iterable[ObjectEvents]:
    for selector in rows(answer, "EventSelectors"):
        yield from _classic(mapping(selector))
    for selector in rows(answer, "AdvancedEventSelectors"):
        yield from _advanced(mapping(selector))


def _management_events(answer: Fact[Json]) -> Iterable[ManagementEvents]:
    for row in rows(answer, "EventSelectors"):
        selector = mapping(row)
        if selector.get("IncludeManagementEvents") is not False:
            yield ManagementEvents(access=_classic_access(selector), excluded=_sources(selector))
    for row in rows(answer, "AdvancedEventSelectors"):
        fields = _fields(mapping(row))
        if _equals(fields.pop("eventCategory", {})) != ["Management"]:
            continue
        access = _read_only(fields.pop("readOnly", {}))
        source = dict(fields.pop("eventSource", {}))
        excluded = source.pop("NotEquals", [])
        narrowed = [*fields, *(["eventSource"] if set(source) - {"Field"} else [])]
        yield ManagementEvents(
            access=access, excluded=_sources({_EXCLUDED: excluded}), narrowed=tuple(str(name) for name in narrowed)
        )


_EXCLUDED = "ExcludeManagementEventSources"
_NO_MATTER = "rdsdata.amazonaws.com"
"""The other source that can be left out, which has nothing to do with media."""


def _sources(selector: Mapping[str, Json]) -> tuple[str, ...]:
    return tuple(str(source) for source in selector.get(_EXCLUDED) or () if source != _NO_MATTER)


def _classic_access(selector: Mapping[str, Json]) -> frozenset[Access]:
    return _ACCESS.get(selector.get("ReadWriteType") or "All", frozenset())


def _classic(selector: Mapping[str, Json]) -> Iterable[ObjectEvents]:
    for resource in selector.get("DataResources") or []:
        if resource.get("Type") == _OBJECT:
            values = tuple(str(value) for value in resource.get("Values") or [] if _is_prefix(str(value)))
            narrowed = () if values else ("Values",)
            yield ObjectEvents(access=_classic_access(selector), prefixes=values, narrowed=narrowed)


def _is_prefix(value: str) -> bool:
    """Whether a value of a classic selector is one that CloudTrail documents: of all objects, or within a bucket.

    `arn:aws:s3` and `arn:aws:s3:::` stand for every object, and both are prefixes of every object ARN. A bucket without
    its slash would also be the beginning of longer bucket names.
    """
    bucket = value.split(":", 5)[5:]
    return not bucket or not bucket[0] or "/" in bucket[0]


_ACCESS: dict[str, frozenset[Access]] = {
    "All": _BOTH,
    "ReadOnly": frozenset({"read"}),
    "WriteOnly": frozenset({"write"}),
}


def _fields(selector: Mapping[str, Json]) -> dict[str, dict[str, Json]]:
    return {str(field.get("Field")): field for field in selector.get("FieldSelectors") or []}


def _equals(field: Mapping[str, Json]) -> list[Json]:
    return field.get("Equals") or []


def _read_only(field: Mapping[str, Json]) -> frozenset[Access]:
    return frozenset("read" if value == "true" else "write" for value in _equals(field) or ["true", "false"])


def _advanced(selector: Mapping[str, Json]) -> Iterable[ObjectEvents]:
    fields = _fields(selector)
    if _equals(fields.pop("eventCategory", {})) != ["Data"]:
        return
    if _OBJECT not in _equals(fields.pop("resources.type", {})):
        return
    access = _read_only(fields.pop("readOnly", {}))
    arns, names, source = (fields.pop(name, {}) for name in ("resources.ARN", "eventName", "eventSource"))
    narrowed = list(fields)
    if set(arns) - {"Field", "StartsWith", "NotStartsWith", "NotEquals"}:
        narrowed.append("resources.ARN")
    if set(names) - {"Field", "NotEquals", "NotStartsWith"}:
        narrowed.append("eventName")
    if set(source) - {"Field"} and _equals(source) != ["s3.amazonaws.com"]:
        narrowed.append("eventSource")
    for left_out in (*(names.get("NotEquals") or ()), *(names.get("NotStartsWith") or ())):
        access -= {"read" if str(left_out).startswith(_READING) else "write"}
        if not str(left_out).startswith((*_READING, *_WRITING)):
            access = frozenset()
    yield ObjectEvents(
        access=access,
        prefixes=tuple(arns.get("StartsWith") or ()),
        excluded=(*(arns.get("NotStartsWith") or ()), *(arns.get("NotEquals") or ())),
        narrowed=tuple(narrowed),
    )


_READING = ("Get", "Head", "List", "Select")
_WRITING = ("Put", "Post", "Delete", "Copy", "Create", "Complete", "Abort", "Upload", "Restore", "Rename", "Update")
"""How names of S3's data events begin."""
