import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from recordscan.document import dump_result, load_result, result_schema
from recordscan.errors import SnapshotError
from recordscan.facts import Json
from recordscan.result import ScanResult
from recordscan_reports.canonical import render
from reports.results import clean, empty, evidence, hostile, varied

RESULTS = [varied, clean, empty, hostile]

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
)


def changed(change: Callable[[dict[str, Json]], object]) -> str:
    document = json.loads(render(varied()))
    change(document)
    return json.dumps(document)


@pytest.mark.parametrize("made", RESULTS)
def test_reading_gives_what_was_written(made: Callable[[], ScanResult]) -> None:
    assert load_result(render(made())) == made()


@settings(deadline=None)
@given(JSON)
def test_any_answer_survives(answer: Json) -> None:
    result = replace(clean(), evidence=(evidence("s3:GetBucketPolicy", answer),))
    assert load_result(dump_result(result)) == result
    assert dump_result(load_result(dump_result(result))) == dump_result(result)


@pytest.mark.parametrize("made", RESULTS)
def test_the_text_is_ascii_with_indents_of_two_and_ends_with_a_line_break(made: Callable[[], ScanResult]) -> None:
    text = render(made())
    assert text.isascii()
    assert "\r" not in text
    assert text.startswith('{\n  "schema_version": "1.4",\n  "scan": {\n    "scan_id"')
    assert text.endswith("}\n")


def test_the_order_of_members_in_an_answer_does_not_show() -> None:
    one = replace(clean(), evidence=(evidence("s3:X", {"a": 1, "b": 2}),))
    other = replace(clean(), evidence=(evidence("s3:X", {"b": 2, "a": 1}),))
    assert render(one) == render(other)


@pytest.mark.parametrize("made", RESULTS)
def test_the_published_schema_fits_what_is_written(made: Callable[[], ScanResult]) -> None:
    Draft202012Validator.check_schema(result_schema())
    assert list(Draft202012Validator(result_schema()).iter_errors(json.loads(render(made())))) == []


@pytest.mark.parametrize(
    "change",
    [
        lambda document: document.update(extra=1),
        lambda document: document["assessments"][0].update(extra=1),
        lambda document: document["assessments"][0]["subject"].update(extra=1),
        lambda document: document["rules"][0]["controls"][0].update(extra=1),
        lambda document: document["assessments"][0].update(outcome="passed"),
        lambda document: document.pop("gate"),
    ],
)
def test_what_the_schema_does_not_know_is_refused_by_schema_and_reader(
    change: Callable[[dict[str, Json]], object],
) -> None:
    text = changed(change)
    assert list(Draft202012Validator(result_schema()).iter_errors(json.loads(text))) != []
    with pytest.raises(SnapshotError, match="no valid recordscan result"):
        load_result(text)


def test_the_schema_names_itself() -> None:
    schema = result_schema()
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema["$id"] == "urn:recordscan:schema:result:1.4"
    assert schema["title"] == "Result of a recordscan scan"


def test_the_place_of_a_mistake_is_named() -> None:
    with pytest.raises(SnapshotError, match=r"at /assessments/0/severity: input should be 'info', 'low'"):
        load_result(changed(lambda document: document["assessments"][0].update(severity="awful")))


def test_a_hostile_member_cannot_reach_the_terminal_through_the_message() -> None:
    with pytest.raises(SnapshotError) as caught:
        load_result(changed(lambda document: document.update({"\x1b[31m\u202e": 1})))
    assert str(caught.value).isprintable()
    assert str(caught.value).isascii()


@pytest.mark.parametrize("version", ["1.5", "2.0", "10.0"])
def test_a_newer_version_is_refused_with_the_way_out(version: str) -> None:
    with pytest.raises(SnapshotError, match=f"schema version {version}, .* up to 1.4; install a newer recordscan"):
        load_result(changed(lambda document: document.update(schema_version=version)))


@pytest.mark.parametrize("version", [None, 1, "1", "one", "1.0\n", "١.٠"])
def test_without_a_version_it_is_no_result(version: Json) -> None:
    with pytest.raises(SnapshotError, match="no schema_version"):
        load_result(changed(lambda document: document.update(schema_version=version)))


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "[" * 100_000, b"\xff\xfe", '{"schema_version": "1.0"}'])
def test_what_is_no_result_is_refused_in_one_sentence(text: str | bytes) -> None:
    with pytest.raises(SnapshotError) as caught:
        load_result(text)
    assert "\n" not in str(caught.value)


def test_a_result_can_be_stored_and_read_as_bytes(tmp_path: Path) -> None:
    path = tmp_path / "result.json"
    path.write_text(render(hostile()), encoding="utf-8")
    assert load_result(path.read_bytes()) == hostile()


def test_a_result_from_before_access_was_told_is_read() -> None:
    document = json.loads(render(varied()))
    document["schema_version"] = "1.0"
    for name in ("access", "access_gaps", "frameworks"):
        del document[name]
    del document["scan"]["action_data"]
    result = load_result(json.dumps(document))
    assert (result.access, result.access_gaps, result.scan.action_data) == ((), (), "")


def test_a_result_from_before_controls_were_told_is_read() -> None:
    document = json.loads(render(varied()))
    document["schema_version"] = "1.1"
    del document["frameworks"]
    assert load_result(json.dumps(document)) == replace(varied(), schema_version="1.1", frameworks=())
