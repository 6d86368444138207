import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from recordscan.facts import Json
from recordscan.result import Outcome, ScanResult
from recordscan.rule import official
from recordscan_reports.oscal import render
from reports.results import LIFECYCLE, RESULTS, TLS, accepted, assessment, clean, target, varied
from reports.validators import read_oscal

UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
TOKEN = re.compile(r"[A-Za-z_][A-Za-z0-9._-]*")


def result_of(result: ScanResult) -> Json:
    [found] = json.loads(render(result))["assessment-results"]["results"]
    return found


@pytest.mark.full
def test_a16_trestle_reads_every_result(tmp_path: Path) -> None:
    """By the models of compliance-trestle. (A16)"""
    files = []
    for number, made in enumerate(RESULTS):
        files.append(tmp_path / f"{number}.json")
        files[-1].write_text(render(made()), encoding="utf-8")
    done = read_oscal(*files)
    assert done.returncode == 0, done.stderr


@pytest.mark.full
def test_a16_trestle_would_notice_a_state_that_is_none(tmp_path: Path) -> None:
    file = tmp_path / "oscal.json"
    file.write_text(render(varied()).replace('"not-satisfied"', '"unknown"'), encoding="utf-8")
    assert read_oscal(file).returncode != 0


@pytest.mark.parametrize("made", RESULTS)
def test_a16_references_lead_to_what_is_there(made: Callable[[], ScanResult]) -> None:
    """Every UUID that is referred to is defined. (A16)"""
    result = result_of(made())
    items = {item["uuid"] for item in result.get("local-definitions", {}).get("inventory-items", [])}
    observations = {observation["uuid"] for observation in result.get("observations", [])}
    assert len(observations) == len(made().assessments)
    for observation in result.get("observations", []):
        assert {subject["subject-uuid"] for subject in observation["subjects"]} <= items
    for finding in result.get("findings", []):
        assert {o["observation-uuid"] for o in finding["related-observations"]} <= observations
        assert TOKEN.fullmatch(finding["target"]["target-id"])
    assert all(UUID.fullmatch(value) for value in re.findall(r'"(?:[a-z]+-)?uuid": "([^"]*)"', render(made())))
    for value in re.findall(r'"value": ("(?:[^"\\]|\\.)*")', render(made())):
        assert re.fullmatch(r"\S(.*\S)?", json.loads(value))


@pytest.mark.parametrize(
    ("outcomes", "state", "reason"),
    [
        ([Outcome.PASS, Outcome.PASS], "satisfied", "pass"),
        ([Outcome.PASS, Outcome.NOT_APPLICABLE], "satisfied", "pass"),
        ([Outcome.PASS, Outcome.UNKNOWN], "not-satisfied", "other"),
        ([Outcome.UNKNOWN], "not-satisfied", "other"),
        ([Outcome.FAIL, Outcome.UNKNOWN], "not-satisfied", "fail"),
        ([Outcome.WAIVED, Outcome.PASS], "not-satisfied", "fail"),
    ],
)
def test_a16_a_control_is_satisfied_by_passes_only(outcomes: list[Outcome], state: str, reason: str) -> None:
    """Unknown never satisfies, and neither does a waived failure. (A16)"""
    made = replace(
        clean(),
        assessments=tuple(
            assessment(TLS, target(f"target {number}", f"uid-{number}"), outcome)
            for number, outcome in enumerate(outcomes)
        ),
    )
    findings = result_of(made)["findings"]
    assert {f["target"]["target-id"] for f in findings} == {"security_hub_S3.14", "soc2_CC6.1"}
    for finding in findings:
        assert finding["target"]["status"]["state"] == state
        assert finding["target"]["status"]["reason"] == reason
        assert ("insufficient evidence" in finding["target"]["status"].get("remarks", "")) == (reason == "other")


def test_a16_a_control_that_nothing_applied_to_has_no_finding() -> None:
    made = replace(clean(), assessments=(assessment(TLS, target(), Outcome.NOT_APPLICABLE),))
    assert "findings" not in result_of(made)


def test_ids_of_nist_are_those_of_its_catalogue() -> None:
    rules = tuple(replace(rule, controls=official(nist_800_53_r5=["SC-7(3)", "AC-2"])) for rule in clean().rules)
    findings = result_of(replace(clean(), rules=rules))["findings"]
    assert [f["target"]["target-id"] for f in findings] == ["ac-2", "sc-7.3"]
    assert {p["value"] for f in findings for p in f["props"] if p["name"] == "mapping"} == {"official"}


def test_a47_a_waived_check_is_a_risk_with_an_approved_deviation() -> None:
    """With who approved it and until when. (A47)"""
    result = result_of(accepted())
    [risk] = result["risks"]
    assert risk["status"] == "deviation-approved"
    assert risk["deadline"] == "2026-04-30T23:59:59Z"
    [entry] = risk["risk-log"]["entries"]
    assert entry["start"] == "2026-01-02T00:00:00Z"
    told = {p["name"]: p["value"] for p in entry["props"]}
    assert (told["waiver-id"], told["owner"], told["approver"]) == (
        "WV-2026-014",
        "video@example.org",
        "ciso@example.org",
    )
    related = [f for f in result["findings"] if f.get("related-risks") == [{"risk-uuid": risk["uuid"]}]]
    assert len(related) == len(LIFECYCLE.controls)
