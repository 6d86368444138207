"""Options of formats: what each changes, which values are refused, and that the README knows them all."""

import csv
import io
import json
import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator, FormatChecker
from junitparser import Error, Failure, JUnitXml, Skipped
from lxml import etree
from ocsf_json_schema import OcsfJsonSchemaEmbedded, get_ocsf_schema

from recordscan.cli.output import format_options, with_options
from recordscan.errors import ConfigError
from recordscan.plugins import Render, load_reports, main_file
from recordscan.result import Outcome, ScanResult
from recordscan_reports.junit import CHECKS_OF_A_RULE
from recordscan_reports.ocsf import VERSION
from reports.results import RESULTS, accepted, clean, crowded, empty, hostile, varied

FORMATS = load_reports()
SCHEMAS = Path(__file__).parents[1] / "data/schemas"
README = Path(__file__).parents[2] / "README.md"


def made_with(*options: str) -> Callable[[ScanResult], str]:
    """The format that the options are about, with these set."""
    name = options[0].partition(".")[0]
    render = with_options(FORMATS, options)[name]

    def text_of(result: ScanResult) -> str:
        return main_file(render(result)).decode()

    return text_of


@pytest.mark.parametrize(
    ("option", "sentence"),
    [
        ("junit", "write FORMAT.NAME=VALUE"),
        ("granularity=rule", "write FORMAT.NAME=VALUE"),
        ("junit.granularity", "write FORMAT.NAME=VALUE"),
        ("unit.granularity=rule", "there is no format 'unit'"),
        ("junit.bom=true", "the format 'junit' has no option 'bom'; it has: granularity"),
        ("gitlab.bom=true", "the format 'gitlab' has no option 'bom'; it has: none"),
        ("junit.granularity=resource", "junit.granularity: 'resource' is none of check, rule"),
        ("csv.bom=yes", "csv.bom: 'yes' is none of true, false"),
        ("sarif.max-results=25001", "'25001' is no number from 2,000 to 25,000"),
        ("sarif.max-results=many", "'many' is no number"),
        ("sarif.anchor=/etc/passwd", "'/etc/passwd' is no relative path"),
        ("sarif.anchor=../x.toml", "is no relative path"),
        ("sarif.anchor=https://example.org/x", "is no relative path"),
        ("sarif.anchor=x.toml:0", "is no relative path"),
        ("asff.home-region=Frankfurt", "'Frankfurt' is no Region, such as eu-west-1"),
    ],
)
def test_what_no_format_takes_is_refused_by_name(option: str, sentence: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(sentence)):
        with_options(FORMATS, [option])


@pytest.mark.parametrize("name", FORMATS)
def test_without_options_a_format_is_what_it_was_and_the_readme_names_each(name: str) -> None:
    assert with_options(FORMATS, [])[name] is FORMATS[name]
    readme = README.read_text(encoding="utf-8")
    for option in format_options(FORMATS[name]):
        assert f"`{name}.{option}=" in readme


def test_a_format_of_a_plugin_declares_options_as_keywords() -> None:
    def render(_result: ScanResult, *, deepest_level: int = 3) -> str:
        return f"{deepest_level}"

    reports: dict[str, Render] = {"tree": render}
    assert format_options(render) == {"deepest-level": 3}
    assert with_options(reports, ["tree.deepest-level=4", "tree.deepest-level=5"])["tree"](empty()) == "5"
    with pytest.raises(ConfigError, match=r"tree\.deepest-level"):
        with_options(reports, ["tree.deepest-level=x"])


@pytest.mark.parametrize("name", ["csv", "csv-coverage"])
def test_a_byte_order_mark_comes_before_the_same_table(name: str) -> None:
    text = made_with(f"{name}.bom=true")(varied())
    assert text == "\ufeff" + made_with(f"{name}.bom=false")(varied())
    rows = csv.DictReader(io.TextIOWrapper(io.BytesIO(text.encode()), encoding="utf-8-sig", newline=""))
    assert next(rows)["scan_id"] == varied().scan.scan_id


# JUnit: one case a rule.


def worst(result: ScanResult) -> dict[str, Outcome]:
    order = (Outcome.FAIL, Outcome.UNKNOWN, Outcome.WAIVED, Outcome.PASS, Outcome.NOT_APPLICABLE)
    ranked = sorted(result.assessments, key=lambda a: order.index(a.outcome), reverse=True)
    return {assessment.rule_id: assessment.outcome for assessment in ranked}


@pytest.mark.parametrize("schema", sorted(SCHEMAS.glob("junit-10-*.xsd")), ids=lambda path: path.stem)
@pytest.mark.parametrize("made", RESULTS)
def test_a_case_for_each_rule_fits_the_schemas(made: Callable[[], ScanResult], schema: Path) -> None:
    """In the coarser form, too, names are unique. (A17)"""
    text = made_with("junit.granularity=rule")(made())
    etree.XMLSchema(etree.parse(schema)).assertValid(etree.fromstring(text.encode()))
    parsed = JUnitXml.fromstring(text.encode())
    before = (parsed.tests, parsed.failures, parsed.errors)
    parsed.update_statistics()  # type: ignore[no-untyped-call]
    assert (parsed.tests, parsed.failures, parsed.errors) == before
    names = Counter((case.classname, case.name) for suite in parsed for case in suite)
    assert set(names.values()) <= {1}


@pytest.mark.parametrize("made", [varied, accepted])
def test_a_rule_is_as_bad_as_the_worst_of_its_checks(made: Callable[[], ScanResult]) -> None:
    parsed = JUnitXml.fromstring(made_with("junit.granularity=rule")(made()).encode())
    kinds = {Outcome.FAIL: Failure, Outcome.UNKNOWN: Error, Outcome.WAIVED: Skipped, Outcome.NOT_APPLICABLE: Skipped}
    cases = {case.name.partition(":")[0]: case.result for suite in parsed for case in suite}
    assert set(cases) == set(worst(made()))
    for rule_id, outcome in worst(made()).items():
        assert [type(result) for result in cases[rule_id]] == ([kinds[outcome]] if outcome in kinds else [])
    [region] = cases["key-region"]
    assert region.message == "2 checks: 1 fail, 1 unknown"
    assert "expected: a key in us-east-1" in region.text


def test_a_case_of_thousands_of_checks_stays_small_and_says_how_many_there_are() -> None:
    text = made_with("junit.granularity=rule")(crowded(5_000))
    assert len(text) < 100_000
    assert "1,003 checks: 1,000 fail, 3 unknown" in text
    assert f"and {1_000 - CHECKS_OF_A_RULE:,} more" in text


# OCSF: one event a control.


@pytest.mark.parametrize("made", RESULTS)
def test_events_for_each_control_fit_the_strict_schema_and_have_uids_of_their_own(
    made: Callable[[], ScanResult],
) -> None:
    """Also where one check makes several events. (A14)"""
    schema = OcsfJsonSchemaEmbedded(get_ocsf_schema(VERSION)).get_class_schema(
        "compliance_finding", profiles=["cloud", "datetime"]
    )
    events = [json.loads(line) for line in made_with("ocsf.per-control=true")(made()).splitlines()]
    faults = [error.message for event in events for error in Draft202012Validator(schema).iter_errors(event)]
    assert faults == []
    assert len({event["metadata"]["uid"] for event in events}) == len(events)
    rules = {rule.id: rule for rule in made().rules}
    assert len(events) == sum(max(1, len(rules[a.rule_id].controls)) for a in made().assessments)


def test_each_event_is_about_one_control_and_names_the_check() -> None:
    events = [json.loads(line) for line in made_with("ocsf.per-control=true")(varied()).splitlines()]
    for event in events:
        assert event["compliance"]["requirements"] == [event["compliance"]["control"]]
        assert len(event["compliance"]["standards"]) == 1
    assert {event["unmapped"]["check"] for event in events} == {a.fingerprint for a in varied().assessments}


# SARIF: the limit, and a place in the repository.


def test_the_limit_of_results_can_be_moved_up_to_githubs() -> None:
    """With its notice, and the same exit status. (A13)"""
    result = crowded(30_000)
    [run] = json.loads(made_with("sarif.max-results=25000")(result))["runs"]
    assert len(run["results"]) == 25_000
    assert "5,004 results are left out of this file, the mildest; it holds 25,000 at most." in json.dumps(run)
    assert run["invocations"][0]["exitCode"] == result.gate.exit_status == 1


@pytest.mark.parametrize("name", ["sarif", "sarif-full"])
def test_with_an_anchor_all_is_shown_there_and_resources_keep_their_names(name: str) -> None:
    """Paths of a repository are valid references, too. (A11)"""
    schema = json.loads((SCHEMAS / "sarif-2.1.0.json").read_text(encoding="utf-8"))
    validator = Draft202012Validator(schema, format_checker=FormatChecker())
    for made in (varied, hostile, empty):
        document = json.loads(made_with(f"{name}.anchor=infra/my config.toml:12")(made()))
        assert [error.message[:200] for error in validator.iter_errors(document)] == []
        plain = json.loads(made_with(f"{name}.anchor=")(made()))
        for found, before in zip(document["runs"][0]["results"], plain["runs"][0]["results"], strict=True):
            [location] = found["locations"]
            assert location["physicalLocation"] == {
                "artifactLocation": {"uri": "infra/my%20config.toml"},
                "region": {"startLine": 12, "startColumn": 1, "endLine": 12, "endColumn": 2},
            }
            named = {entry["fullyQualifiedName"] for entry in location["logicalLocations"]}
            assert named == {
                e["fullyQualifiedName"] for place in before["locations"] for e in place["logicalLocations"]
            }
            assert found["partialFingerprints"] == before["partialFingerprints"]


def test_findings_without_a_bucket_go_to_the_home_region() -> None:
    regions = {}
    for made in (clean, varied):
        found = json.loads(made_with("asff.home-region=eu-central-1")(made()))
        regions[made] = {finding["Id"].partition("/")[0] for finding in found}
        assert all(f":securityhub:{f['Id'].partition('/')[0]}:" in f["ProductArn"] for f in found)
    assert regions == {clean: {"eu-central-1"}, varied: {"us-east-1"}}
