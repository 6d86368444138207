"""Trails: what counts as proof that accesses to recordings are recorded, and what only looks like it."""

from typing import Any

import pytest

from recordscan.estate.estate import Estate
from recordscan.estate.trail import Access, Trail, records_objects
from recordscan.facts import Fact, Known, Unavailable
from recordscan.testing import BUCKET, PREFIX, REGION, Case, sound

MANAGEMENT = {"Field": "eventCategory", "Equals": ["Management"]}
ARN = f"arn:aws:s3:::{BUCKET}/{PREFIX}"


def trails_of(estate: Estate, region: str) -> Fact[tuple[Trail, ...]]:
    return estate.home.trails(region, estate.bucket)


def recorded(case: Case, access: Access = "write") -> bool | None:
    trails = trails_of(case.estate(), REGION)
    assert isinstance(trails, Known)
    [trail] = trails.value
    fact = records_objects(trail, ARN, access)
    return fact.value if isinstance(fact, Known) else None


def classic(values: list[str], read_write: str = "All", kind: str = "AWS::S3::Object") -> dict[str, Any]:
    return {"EventSelectors": [{"ReadWriteType": read_write, "DataResources": [{"Type": kind, "Values": values}]}]}


def advanced(*fields: dict[str, Any]) -> dict[str, Any]:
    base = [
        {"Field": "eventCategory", "Equals": ["Data"]},
        {"Field": "resources.type", "Equals": ["AWS::S3::Object"]},
    ]
    return {"AdvancedEventSelectors": [{"FieldSelectors": [*base, *fields]}]}


@pytest.mark.parametrize(
    ("selectors", "expected"),
    [
        (classic(["arn:aws:s3"]), True),
        (classic(["arn:aws:s3:::"]), True),
        (classic([f"arn:aws:s3:::{BUCKET}/"]), True),
        (classic([f"arn:aws:s3:::{BUCKET}/video/"]), True),
        (classic([f"arn:aws:s3:::{BUCKET}/video/recordings/2026/"]), False),
        (classic([f"arn:aws:s3:::{BUCKET}-other/"]), False),
        (classic([]), False),
        (classic(["arn:aws:s3"], "ReadOnly"), False),
        (classic(["arn:aws:s3"], "WriteOnly"), True),
        (classic(["arn:aws:lambda"], kind="AWS::Lambda::Function"), False),
        (advanced(), True),
        (advanced({"Field": "readOnly", "Equals": ["false"]}), True),
        (advanced({"Field": "readOnly", "Equals": ["true"]}), False),
        (advanced({"Field": "resources.ARN", "StartsWith": [f"arn:aws:s3:::{BUCKET}/"]}), True),
        (advanced({"Field": "resources.ARN", "StartsWith": ["arn:aws:s3:::other/"]}), False),
        (advanced({"Field": "resources.ARN", "NotStartsWith": ["arn:aws:s3:::other/"]}), True),
        (advanced({"Field": "eventName", "Equals": ["DeleteObject"]}), False),
        (
            {"AdvancedEventSelectors": [{"FieldSelectors": [{"Field": "eventCategory", "Equals": ["Management"]}]}]},
            False,
        ),
        ({}, False),
    ],
)
def test_selectors_prove_writes_only_when_they_cover_the_whole_prefix(
    selectors: dict[str, Any], expected: bool
) -> None:
    case = sound()
    case.answer("cloudtrail:GetEventSelectors", {"TrailARN": "x", **selectors})
    assert recorded(case) is expected


def test_a_trail_that_is_off_records_nothing() -> None:
    case = sound()
    case.set("cloudtrail:GetTrailStatus", "/IsLogging", False)
    assert recorded(case) is False


@pytest.mark.parametrize("operation", ["cloudtrail:GetTrailStatus", "cloudtrail:GetEventSelectors"])
def test_a_trail_that_cannot_be_read_proves_nothing_either_way(operation: str) -> None:
    case = sound()
    case.deny(operation)
    assert recorded(case) is None


def test_denied_trails_are_unavailable_not_none() -> None:
    case = sound()
    case.deny("cloudtrail:DescribeTrails")
    assert isinstance(trails_of(case.estate(), REGION), Unavailable)
