import gzip
import json
import re
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator, FormatChecker

from recordscan.facts import Json
from recordscan.result import Outcome, ScanResult
from recordscan.rule import Severity
from recordscan_reports.sarif import RESULTS_SHOWN, Anchor, render, render_full
from reports.results import RESULTS, accepted, clean, crowded, empty, hostile, varied
from reports.validators import sarif_errors

SCHEMA = json.loads((Path(__file__).parents[1] / "data/schemas/sarif-2.1.0.json").read_text(encoding="utf-8"))
VALIDATOR = Draft202012Validator(SCHEMA, format_checker=FormatChecker())

FORMS = [render, render_full]


def run_of(text: str) -> Json:
    [run] = json.loads(text)["runs"]
    return run


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("made", RESULTS)
def test_a10_the_schema_fits(made: Callable[[], ScanResult], form: Callable[[ScanResult], str]) -> None:
    """With its formats, such as that of URIs. (A10)"""
    errors = VALIDATOR.iter_errors(json.loads(form(made())))
    assert [f"{list(error.path)}: {error.message[:200]}" for error in errors] == []


def test_the_schema_would_notice_a_uri_that_is_none() -> None:
    document = json.loads(render(varied()))
    location = document["runs"][0]["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]
    location["uri"] = "no uri at all"
    assert list(VALIDATOR.iter_errors(document)) != []


@pytest.mark.full
@pytest.mark.parametrize("form", [*FORMS, partial(render_full, anchor=Anchor("infra/a b.toml:3"))])
@pytest.mark.parametrize("made", [*RESULTS, lambda: crowded(2_000)])
def test_a10_the_multitool_finds_no_error_by_its_own_and_githubs_rules(
    made: Callable[[], ScanResult], form: Callable[[ScanResult], str], tmp_path: Path
) -> None:
    """Microsoft's validator, with the rules of GitHub. (A10)"""
    file = tmp_path / "result.sarif"
    file.write_text(form(made()), encoding="utf-8")
    assert sarif_errors(file) == []


@pytest.mark.full
def test_a10_the_multitool_would_notice_a_result_without_a_location(tmp_path: Path) -> None:
    document = json.loads(render(varied()))
    del document["runs"][0]["results"][0]["locations"]
    file = tmp_path / "result.sarif"
    file.write_text(json.dumps(document), encoding="utf-8")
    assert any(error.startswith("GH") for error in sarif_errors(file))


def test_a10_github_gets_failures_and_gaps_and_nothing_else() -> None:
    """Neither what passed nor what is waived, for it would open alerts for these. (A10)"""
    results = run_of(render(varied()))["results"]
    assert {result["kind"] for result in results} == {"fail"}
    assert {result["properties"]["status"] for result in results} == {"fail", "unknown"}
    assert not any("suppressions" in result for result in results)
    assert [result["ruleId"] for result in results if result["properties"]["status"] == "unknown"] == [
        "coverage-gap"
    ] * 2


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("made", RESULTS)
def test_a10_every_rule_that_ran_is_there_and_indexes_are_right(
    made: Callable[[], ScanResult], form: Callable[[ScanResult], str]
) -> None:
    """So that GitHub closes alerts of rules that found nothing. (A10)"""
    run = run_of(form(made()))
    rules = run["tool"]["driver"]["rules"]
    assert [rule["id"] for rule in rules] == [
        *sorted(rule.id for rule in made().rules),
        "coverage-gap",
        "report-truncated",
    ]
    assert all(rules[result["ruleIndex"]]["id"] == result["ruleId"] for result in run["results"])
    for rule in rules:
        assert rule["help"]["text"]
        assert len(rule["properties"]["tags"]) <= 10
        assert rule["properties"]["tags"][0] == "security"
        assert len(rule["name"]) <= 255
        assert max(len(rule[name]["text"]) for name in ("shortDescription", "fullDescription")) <= 1024


def test_severities_fall_into_githubs_bands() -> None:
    rules = {rule["id"]: rule for rule in run_of(render(varied()))["tool"]["driver"]["rules"]}
    assert {
        rule.severity: (
            rules[rule.id]["properties"].get("security-severity"),
            rules[rule.id]["defaultConfiguration"]["level"],
        )
        for rule in varied().rules
    } == {
        Severity.CRITICAL: ("9.5", "error"),
        Severity.HIGH: ("8.0", "error"),
        Severity.MEDIUM: ("5.5", "warning"),
        Severity.LOW: ("2.5", "note"),
        Severity.INFO: (None, "note"),
    }
    assert rules["key-region"]["name"] == "KeyRegion"


@pytest.mark.parametrize("form", FORMS)
def test_a11_uris_are_relative_references_without_a_scheme(form: Callable[[ScanResult], str]) -> None:
    """An ARN would be one of the scheme `arn`. (A11)"""
    for result in run_of(form(hostile()))["results"]:
        for location in result["locations"]:
            uri = location["physicalLocation"]["artifactLocation"]["uri"]
            assert re.fullmatch(r"cloud(/[A-Za-z0-9._~%-]+)*", uri)
    assert "arn:" not in re.findall(r'"uri": "([^"]*)"', form(varied()))


def test_a11_the_arn_is_in_the_logical_location() -> None:
    """Where it may be as it is. (A11)"""
    [result] = [r for r in run_of(render(varied()))["results"] if r["ruleId"] == "key-region"]
    locations = result["locations"]
    assert locations[0]["physicalLocation"]["artifactLocation"]["uri"].startswith(
        "cloud/aws/123456789012/eu-west-1/kms/key/"
    )
    assert locations[0]["logicalLocations"][0]["fullyQualifiedName"].startswith(
        "arn:aws:kms:eu-west-1:123456789012:key/"
    )
    assert locations[1]["physicalLocation"]["artifactLocation"]["uri"] == "cloud/aws/-/global/s3/acme-recordings"


def test_a12_fingerprints_outlive_wording_and_severity_and_are_never_shared() -> None:
    """Alerts that were dismissed stay so. (A12)"""

    def reworded(result: ScanResult) -> ScanResult:
        return replace(
            result,
            assessments=tuple(
                replace(
                    a,
                    severity=Severity.LOW if a.findings else a.severity,
                    findings=tuple(replace(f, message="other words", severity=Severity.LOW) for f in a.findings),
                )
                for a in result.assessments
            ),
        )

    for form in FORMS:
        before, after = (run_of(form(made))["results"] for made in (varied(), reworded(varied())))
        for name in ("fingerprints", "partialFingerprints", "guid"):
            assert sorted(json.dumps(r[name]) for r in before) == sorted(json.dumps(r[name]) for r in after)
        hashes = [r["partialFingerprints"]["primaryLocationLineHash"] for r in before]
        assert len(set(hashes)) == len(hashes)
        assert all(re.fullmatch(r"[0-9a-f]{16}:1", value) for value in hashes)


def test_a13_thirty_thousand_failures_are_capped_with_notice_and_gaps_stay() -> None:
    """The cap is told twice, and the exit status is that of the gate. (A13)"""
    result = crowded(30_000)
    text = render(result)
    run = run_of(text)
    results = run["results"]
    assert len(results) == RESULTS_SHOWN
    assert sum(r["ruleId"] == "coverage-gap" for r in results) == 3
    assert results[-1]["ruleId"] == "report-truncated"
    told = "25,004 results are left out of this file, the mildest; it holds 5,000 at most. The canonical JSON has all."
    assert results[-1]["message"]["text"] == told
    assert told in [note["message"]["text"] for note in run["invocations"][0]["toolExecutionNotifications"]]
    assert {r["properties"]["severity"] for r in results[:-4]} == {"critical"}
    assert run["invocations"][0]["exitCode"] == result.gate.exit_status
    assert len(gzip.compress(text.encode())) < 10_000_000


def test_the_full_form_has_no_limit() -> None:
    assert len(run_of(render_full(crowded(RESULTS_SHOWN + 10)))["results"]) == RESULTS_SHOWN + 13


def test_as_many_results_as_fit_are_no_reason_to_truncate() -> None:
    assert [r["ruleId"] for r in run_of(render(crowded(RESULTS_SHOWN - 3)))["results"]].count("report-truncated") == 0
    results = run_of(render(crowded(RESULTS_SHOWN - 2)))["results"]
    assert len(results) == RESULTS_SHOWN
    assert results[-1]["properties"]["leftOut"] == 2


def test_every_failed_call_is_a_notification() -> None:
    [note] = [
        note
        for note in run_of(render(varied()))["invocations"][0]["toolExecutionNotifications"]
        if note["properties" if "properties" in note else "message"].get("operation")
    ]
    assert note["level"] == "warning"
    assert note["descriptor"]["id"] == "access_denied"
    assert note["properties"]["permission"] == "kms:DescribeKey"
    assert note["timeUtc"] == "2026-03-02T21:04:11Z"
    assert note["message"]["text"].startswith("kms:DescribeKey on behalf of 123456789012 failed: the scanner is not")


def test_a_scan_that_judged_nothing_does_not_look_clean() -> None:
    run = run_of(render(empty()))
    [result] = run["results"]
    assert result["message"]["text"] == "Nothing was judged: nothing could be judged."
    assert run["invocations"][0]["executionSuccessful"] is False
    assert run_of(render(clean()))["results"] == []


def test_a47_a_waived_check_is_suppressed_in_full_and_gone_for_github() -> None:
    """GitHub heeds no suppressions. (A47)"""
    [waived] = [r for r in run_of(render_full(accepted()))["results"] if r["properties"]["status"] == "waived"]
    [suppression] = waived["suppressions"]
    assert (suppression["kind"], suppression["status"]) == ("external", "accepted")
    assert suppression["justification"].startswith("Accepted by ciso@example.org until 2026-04-30 (WV-2026-014, ")
    assert suppression["properties"]["waivers"][0]["owner"] == "video@example.org"
    assert waived["properties"]["rawStatus"] == "fail"
    assert waived["properties"]["evidence"] != []
    fingerprints = [a.fingerprint for a in varied().assessments if a.outcome is Outcome.WAIVED]
    assert not any(fingerprint in render(accepted()) for fingerprint in fingerprints)


def test_a_waiver_that_nobody_has_approved_is_under_review_and_its_finding_an_alert() -> None:
    [pending] = [r for r in run_of(render_full(accepted()))["results"] if r["ruleId"] == "bucket-versioning"]
    [suppression] = pending["suppressions"]
    assert (suppression["status"], pending["properties"]["status"], pending["level"]) == (
        "underReview",
        "fail",
        "warning",
    )
    assert suppression["justification"].startswith("Accepted by nobody yet until 2026-04-30 (WV-2026-017, ")
    assert "bucket-versioning" in {r["ruleId"] for r in run_of(render(accepted()))["results"]}


def test_with_a_baseline_results_say_since_when_they_are_known() -> None:
    results = {r["ruleId"]: r for r in run_of(render(accepted()))["results"]}
    assert results["key-region"]["provenance"] == {
        "firstDetectionTimeUtc": "2026-01-05T03:00:00Z",
        "lastDetectionTimeUtc": "2026-03-02T21:06:11Z",
    }
    assert not any("baselineState" in result for result in results.values())
    full = {
        r["ruleId"]: r.get("baselineState") for r in run_of(render_full(accepted()))["results"] if r["kind"] == "fail"
    }
    assert (full["key-region"], full["bucket-versioning"]) == ("unchanged", "new")
    assert not any("provenance" in result for result in run_of(render(varied()))["results"])


def test_no_message_has_an_embedded_link() -> None:
    result = varied()
    worst = replace(result.assessments[0].findings[0], message="[click](https://attacker.example) and [x](y)")
    made = replace(result, assessments=(replace(result.assessments[0], findings=(worst,)), *result.assessments[1:]))
    for form in FORMS:
        for found in run_of(form(made))["results"]:
            assert "](" not in found["message"]["text"]


def test_controls_are_taxa_of_taxonomies_that_the_run_carries() -> None:
    run = run_of(render(varied()))
    taxa = {t["name"]: {taxon["id"]: taxon["guid"] for taxon in t["taxa"]} for t in run["taxonomies"]}
    assert sorted(taxa) == ["security_hub", "soc2"]
    for result in run["results"]:
        for taxon in result.get("taxa", []):
            assert taxa[taxon["toolComponent"]["name"]][taxon["id"]] == taxon["guid"]
            assert run["taxonomies"][taxon["toolComponent"]["index"]]["guid"] == taxon["toolComponent"]["guid"]
