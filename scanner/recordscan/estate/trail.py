"""CloudTrail trails, and whether they record what happens to the objects of a bucket.

Source: https://docs.aws.amazon.com/awscloudtrail/latest/userguide/logging-data-events-with-cloudtrail.html
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from recordscan.estate.answers import Answers, flag, mapping, rows, text
from recordscan.facts import Fact, Json, derive, need, pluck

Access = Literal["read", "write"]

_OBJECT = "AWS::S3::Object"


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectEvents:
    """What one selector records of S3 objects.

    Attributes:
        access: Reads, writes or both.
        prefixes: Object ARN prefixes that it records; () for every object, unless narrowed.
        narrowed: Whether something else narrows it, so that it proves nothing about a whole prefix.
    """

    access: frozenset[Access]
    prefixes: tuple[str, ...]
    narrowed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Trail:
    """One trail as the bucket's Region sees it."""

    arn: str
    home_region: str
    multi_region: Fact[bool]
    logging: Fact[bool]
    log_bucket: str | None
    object_events: Fact[tuple[ObjectEvents, ...]]


def read_trails(answers: Answers, *, account: str, region: str) -> Fact[tuple[Trail, ...]]:
    """The trails that record in one Region, shadow trails of other home Regions included."""

    def parse(row: Fact[Json]) -> Trail:
        arn = str(mapping(row)["TrailARN"])
        home = need(text(pluck(row, "HomeRegion"))) or region
        status = answers.read("cloudtrail:GetTrailStatus", account, region=home, Name=arn)
        selectors = answers.read("cloudtrail:GetEventSelectors", account, region=home, TrailName=arn)
        return Trail(
            arn=arn,
            home_region=home,
            multi_region=flag(pluck(row, "IsMultiRegionTrail")),
            logging=flag(pluck(status, "IsLogging")),
            log_bucket=need(text(pluck(row, "S3BucketName"))),
            object_events=derive(lambda: tuple(_object_events(selectors))),
        )

    answer = answers.read("cloudtrail:DescribeTrails", account, region=region, includeShadowTrails=True)
    return derive(lambda: tuple(parse(row) for row in rows(answer, "trailList")))


def records_objects(trail: Trail, object_prefix_arn: str, access: Access) -> Fact[bool]:
    """Whether a trail that is on records all such accesses to all objects under an ARN prefix."""

    def compute() -> bool:
        if not need(trail.logging):
            return False
        return any(
            access in events.access
            and not events.narrowed
            and (not events.prefixes or any(object_prefix_arn.startswith(p) for p in events.prefixes))
            for events in need(trail.object_events)
        )

    return derive(compute)


def _object_events(answer: Fact[Json]) -> Iterable[ObjectEvents]:
    for selector in rows(answer, "EventSelectors"):
        yield from _classic(mapping(selector))
    for selector in rows(answer, "AdvancedEventSelectors"):
        yield from _advanced(mapping(selector))


def _classic(selector: Mapping[str, Json]) -> Iterable[ObjectEvents]:
    access = _ACCESS.get(selector.get("ReadWriteType") or "All", frozenset())
    for resource in selector.get("DataResources") or []:
        if resource.get("Type") == _OBJECT:
            values = tuple(str(value) for value in resource.get("Values") or [])
            # `arn:aws:s3` and `arn:aws:s3:::` stand for every object, and both are prefixes of every object ARN.
            yield ObjectEvents(access=access, prefixes=values, narrowed=not values)


_ACCESS: dict[str, frozenset[Access]] = {
    "All": frozenset({"read", "write"}),
    "ReadOnly": frozenset({"read"}),
    "WriteOnly": frozenset({"write"}),
}


def _advanced(selector: Mapping[str, Json]) -> Iterable[ObjectEvents]:
    fields = {field.get("Field"): field for field in selector.get("FieldSelectors") or []}
    if (fields.pop("eventCategory", {}).get("Equals") or []) != ["Data"]:
        return
    if _OBJECT not in (fields.pop("resources.type", {}).get("Equals") or []):
        return
    read_only = fields.pop("readOnly", {}).get("Equals") or ["true", "false"]
    access: frozenset[Access] = frozenset("read" if value == "true" else "write" for value in read_only)
    arns = fields.pop("resources.ARN", None)
    narrowed = bool(fields)
    prefixes: tuple[str, ...] = ()
    if arns is not None:
        prefixes = tuple(arns.get("StartsWith") or ())
        narrowed = narrowed or set(arns) - {"Field", "StartsWith"} != set()
    yield ObjectEvents(access=access, prefixes=prefixes, narrowed=narrowed)
