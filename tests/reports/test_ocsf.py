import json
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from jsonschema import Draft202012Validator
from ocsf_json_schema import OcsfJsonSchemaEmbedded, get_ocsf_schema

from recordscan.facts import Json
from recordscan.result import ScanResult
from recordscan_reports.ocsf import VERSION, render
from reports.results import RESULTS, accepted, hostile, varied

SCHEMA = OcsfJsonSchemaEmbedded(get_ocsf_schema(VERSION)).get_class_schema(
    "compliance_finding", profiles=["cloud", "datetime"]
)
VALIDATOR = Draft202012Validator(SCHEMA)


def events(result: ScanResult) -> list[Json]:
    return [json.loads(line) for line in render(result).splitlines()]


@pytest.mark.parametrize("made", RESULTS)
def test_a14_the_strict_schema_fits(made: Callable[[], ScanResult]) -> None:
    """With the profiles cloud and datetime. (A14)"""
    errors = [error for event in events(made()) for error in VALIDATOR.iter_errors(event)]
    assert [f"{list(error.path)}: {error.message[:200]}" for error in errors] == []


def test_a14_the_schema_would_notice_a_missing_cloud_and_an_unknown_member() -> None:
    event = events(varied())[0]
    assert list(VALIDATOR.iter_errors({name: part for name, part in event.items() if name != "cloud"})) != []
    assert list(VALIDATOR.iter_errors({**event, "extra": 1})) != []


@pytest.mark.parametrize("made", RESULTS)
def test_a14_times_are_milliseconds_and_the_type_is_computed(made: Callable[[], ScanResult]) -> None:
    """Which the schema does not see. (A14)"""
    ended = datetime.fromisoformat(made().scan.ended)
    for event in events(made()):
        assert abs(datetime.fromtimestamp(event["time"] / 1000, ended.tzinfo) - ended) < timedelta(seconds=1)
        assert event["finding_info"]["created_time"] <= event["time"]
        assert event["time_dt"] == made().scan.ended
        assert event["type_uid"] == event["class_uid"] * 100 + event["activity_id"]
        assert event["class_uid"] // 1000 == event["category_uid"]


def test_a14_unknown_is_a_warning_with_its_reason() -> None:
    """Never a pass. (A14)"""
    unknown = [event for event in events(varied()) if event["unmapped"]["status"] == "unknown"]
    assert [event["compliance"]["status_id"] for event in unknown] == [2, 2]
    assert {event["compliance"]["status_code"] for event in unknown} == {"access_denied", "undecidable"}
    assert {event["status_id"] for event in unknown} == {1}


def test_a47_waived_is_a_suppressed_failure() -> None:
    """With its evidence. (A47)"""
    [waived] = [event for event in events(accepted()) if event["status_id"] == 3]
    assert waived["compliance"]["status_id"] == 3
    assert waived["unmapped"]["raw_status"] == "fail"
    assert waived["comment"].startswith("Accepted by ciso@example.org until 2026-04-30 (WV-2026-014, risk accepted): ")
    assert waived["unmapped"]["waivers"][0]["id"] == "WV-2026-014"
    assert waived["evidences"] != []


def test_resources_keep_their_arns_and_accounts_their_cloud() -> None:
    [event] = [
        e for e in events(varied()) if e["metadata"]["event_code"] == "key-region" and e["unmapped"]["status"] == "fail"
    ]
    assert event["resources"][1] == {
        "uid": "arn:aws:s3:::acme-recordings",
        "name": "acme-recordings",
        "type": "s3",
        "cloud_partition": "aws",
    }
    assert event["cloud"]["provider"] == "Twilio"
    assert event["cloud"]["account"]["type_id"] == 99
    assert {e["cloud"]["account"]["uid"] for e in events(hostile())}


def test_with_a_baseline_events_create_update_and_close() -> None:
    found = {(e["metadata"]["event_code"], e["unmapped"]["target"][-12:]): e for e in events(accepted())}
    assert found["key-region", "5/recordings"]["activity_id"] == 2
    assert found["key-region", "5/recordings"]["finding_info"]["first_seen_time"] == 1767582000000
    assert found["bucket-versioning", "5/recordings"]["activity_id"] == 1
    assert found["transport-tls", "5/recordings"]["activity_id"] == 3
    assert {event["activity_id"] for event in events(varied())} == {1}
