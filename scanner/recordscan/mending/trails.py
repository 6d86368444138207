"""Steps about CloudTrail trails.

Source: https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_PutEventSelectors.html
"""

from collections.abc import Iterable, Iterator, Mapping

from recordscan.estate.arn import parse_arn
from recordscan.estate.trail import Access, Trail
from recordscan.facts import Json, need
from recordscan.mending.buckets import WHOLE
from recordscan.remedy import Document, Edit, Order, Step, by_hand

_OBJECT = "AWS::S3::Object"
_SELECTORS = "AdvancedEventSelectors"


def trail_step(
    trail: Trail,
    operation: str,
    does: str,
    order: Order,
    *warnings: str,
    document: Document | None = None,
    **parameters: Json,
) -> Step:
    """A step about a trail, in the Region where it was made, which alone can change it.

    Args:
        trail: The trail.
        operation: Such as `cloudtrail:UpdateTrail`.
        does: A clause without subject and without the trail's name, which is appended.
        order: When it is safe.
        warnings: What it breaks if it is taken blindly.
        document: The document that it replaces.
        parameters: Those of boto3, with the one that names the trail.
    """
    parsed = parse_arn(trail.arn)
    return Step(
        operation=operation,
        does=f"{does}: trail {trail.arn}",
        order=order,
        account=parsed.account if parsed is not None else None,
        region=trail.home_region,
        parameters=parameters,
        warnings=warnings,
        document=document,
    )


def update_trail(trail: Trail, does: str, order: Order, *warnings: str, **members: Json) -> Step:
    """Changes some members of a trail; CloudTrail leaves the others as they are."""
    return trail_step(trail, "cloudtrail:UpdateTrail", does, order, *warnings, Name=trail.arn, **members)


def record_objects(trail: Trail, objects: str, access: Access) -> Step:
    """Has a trail record every read or write of the objects under an ARN prefix, beside what it records already."""
    fields = [
        {"Field": "eventCategory", "Equals": ["Data"]},
        {"Field": "resources.type", "Equals": [_OBJECT]},
        {"Field": "readOnly", "Equals": ["true" if access == "read" else "false"]},
        {"Field": "resources.ARN", "StartsWith": [objects]},
    ]
    return _edit_selectors(
        trail,
        (Edit(action="add", path=f"/{_SELECTORS}", value={"FieldSelectors": fields}),),
        f"records every {access} under {objects}",
        "Each event is paid for, and so is what the logs take in the bucket.",
    )


def record_management(trail: Trail) -> Step:
    """Has a trail record all management events, beside what else it records."""
    current = _advanced(trail)
    fields = [{"Field": "eventCategory", "Equals": ["Management"]}]
    # CloudTrail is not documented to take a second selector of management events, so the first becomes the whole.
    places = [i for i, selector in enumerate(current) if _is_of_management(selector)]
    edit = Edit(action="add", path=f"/{_SELECTORS}", value={"FieldSelectors": fields})
    if places:
        edit = Edit(action="set", path=f"/{_SELECTORS}/{places[0]}/FieldSelectors", value=fields)
    return _edit_selectors(
        trail,
        (edit,),
        "records all management events",
        "Events of KMS are many: each is paid for unless this is the first copy of the account's management events.",
    )


def _edit_selectors(trail: Trail, edits: Iterable[Edit], does: str, *warnings: str) -> Step:
    document = Document(parameter="", as_text=False, current={_SELECTORS: _advanced(trail)}, edits=tuple(edits))
    warnings = (*warnings, WHOLE.format(what="the list of event selectors"))
    if not need(trail.selectors).get(_SELECTORS):
        warnings = (*warnings, "It turns the basic event selectors of the trail into advanced ones that say the same.")
    return trail_step(
        trail,
        "cloudtrail:PutEventSelectors",
        does,
        Order.PREPARE,
        *warnings,
        document=document,
        TrailName=trail.arn,
    )


def _advanced(trail: Trail) -> list[dict[str, Json]]:
    """What a trail records, as advanced event selectors: a trail has either these or the older, basic ones.

    Raises:
        ByHand: A basic selector has no exact counterpart that is known here.
    """
    selectors = need(trail.selectors)
    if selectors.get(_SELECTORS):
        return list(selectors[_SELECTORS])
    if not selectors.get("EventSelectors"):
        by_hand(f"CloudTrail does not show what {trail.label} records, which would be replaced")
    return [
        {"FieldSelectors": fields}
        for selector in selectors["EventSelectors"]
        for fields in (*_management(selector), *_data(trail, selector))
    ]


def _is_of_management(selector: Mapping[str, Json]) -> bool:
    fields = selector["FieldSelectors"]
    return any(f.get("Field") == "eventCategory" and f.get("Equals") == ["Management"] for f in fields)


def _read_only(selector: Mapping[str, Json]) -> list[dict[str, Json]]:
    kind = selector.get("ReadWriteType") or "All"
    return [] if kind == "All" else [{"Field": "readOnly", "Equals": ["true" if kind == "ReadOnly" else "false"]}]


def _management(selector: Mapping[str, Json]) -> Iterator[list[dict[str, Json]]]:
    if selector.get("IncludeManagementEvents") is not False:
        excluded = selector.get("ExcludeManagementEventSources") or []
        source = [{"Field": "eventSource", "NotEquals": list(excluded)}] if excluded else []
        yield [{"Field": "eventCategory", "Equals": ["Management"]}, *_read_only(selector), *source]


def _data(trail: Trail, selector: Mapping[str, Json]) -> Iterator[list[dict[str, Json]]]:
    for resource in selector.get("DataResources") or []:
        values = resource.get("Values") or []
        every = any(value in ("arn:aws:s3", "arn:aws:s3:::") for value in values)
        if resource.get("Type") != _OBJECT or not (every or (values and all("/" in value for value in values))):
            by_hand(f"{trail.label} has a basic selector of {resource.get('Type')}, which a person must replace")
        yield [
            {"Field": "eventCategory", "Equals": ["Data"]},
            {"Field": "resources.type", "Equals": [_OBJECT]},
            *_read_only(selector),
            *([] if every else [{"Field": "resources.ARN", "StartsWith": list(values)}]),
        ]
