"""The reads of CloudTrail: https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_Operations.html."""

from recordscan.collect.call import Call, Pages


def _trail(api: str, method: str, purpose: str, requires: str, pages: Pages | None = None) -> Call:
    return Call(
        operation=f"cloudtrail:{api}",
        service="cloudtrail",
        method=method,
        permission=f"cloudtrail:{api}",
        purpose=purpose,
        pages=pages,
        regional=True,
        requires=(requires,),
    )


DESCRIBE_TRAILS = _trail("DescribeTrails", "describe_trails", "trails that record in the bucket's Region", "trailList")
TRAIL_STATUS = _trail("GetTrailStatus", "get_trail_status", "whether a trail is on", "IsLogging")
EVENT_SELECTORS = _trail(
    "GetEventSelectors", "get_event_selectors", "whether it records object reads and writes", "TrailARN"
)
EVENT_DATA_STORES = _trail(
    "ListEventDataStores",
    "list_event_data_stores",
    "CloudTrail Lake, which may record in place of a trail",
    "EventDataStores",
    Pages(send="NextToken", receive="NextToken", members=("EventDataStores",)),
)
EVENT_DATA_STORE = _trail("GetEventDataStore", "get_event_data_store", "what one of them records", "EventDataStoreArn")
LOOKUP_EVENTS = _trail(
    "LookupEvents",
    "lookup_events",
    "which access key asks for data keys for objects under the prefix (the last 90 days, at most 1,000 events)",
    "Events",
    Pages(send="NextToken", receive="NextToken", members=("Events",), limit=20),
)

CALLS = (DESCRIBE_TRAILS, TRAIL_STATUS, EVENT_SELECTORS, EVENT_DATA_STORES, EVENT_DATA_STORE, LOOKUP_EVENTS)
