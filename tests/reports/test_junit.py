from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from junitparser import Error, Failure, JUnitXml, Skipped
from lxml import etree

from recordscan.result import Outcome, ScanResult
from recordscan_reports.junit import render
from reports.results import RESULTS, clean, crowded, empty, varied

SCHEMAS = sorted((Path(__file__).parents[1] / "data/schemas").glob("junit-10-*.xsd"))


@pytest.mark.parametrize("schema", SCHEMAS, ids=lambda path: path.stem)
@pytest.mark.parametrize("made", RESULTS)
def test_a17_both_schemas_fit(made: Callable[[], ScanResult], schema: Path) -> None:
    """The two revisions of Jenkins' junit-10. (A17)"""
    etree.XMLSchema(etree.parse(schema)).assertValid(etree.fromstring(render(made()).encode()))


def test_a17_there_are_two_schemas() -> None:
    assert len(SCHEMAS) == 2


@pytest.mark.parametrize("made", RESULTS)
def test_a17_names_are_unique_and_sums_are_right(made: Callable[[], ScanResult]) -> None:
    """GitLab ignores a second case of one name. (A17)"""
    parsed = JUnitXml.fromstring(render(made()).encode())
    before = (parsed.tests, parsed.failures, parsed.errors)
    parsed.update_statistics()  # type: ignore[no-untyped-call]
    assert (parsed.tests, parsed.failures, parsed.errors) == before
    names = Counter((case.classname, case.name) for suite in parsed for case in suite)
    assert set(names.values()) <= {1}


def test_a17_unknown_is_an_error_and_waived_is_skipped() -> None:
    """And each severity is the type of a failure. (A17)"""
    parsed = JUnitXml.fromstring(render(varied()).encode())
    found = {(case.classname, case.name): case.result for suite in parsed for case in suite}
    kinds = Counter(type(results[0]) if results else None for results in found.values())
    outcomes = Counter(a.outcome for a in varied().assessments)
    assert kinds == {
        None: outcomes[Outcome.PASS],
        Failure: outcomes[Outcome.FAIL],
        Error: outcomes[Outcome.UNKNOWN],
        Skipped: outcomes[Outcome.WAIVED] + outcomes[Outcome.NOT_APPLICABLE],
    }
    subject = "Compositions of prod-video [twilio:AC55555555555555555555555555555555/compositions]"
    [unknown] = found["recordscan.keys.key-region", subject]
    assert (unknown.type, unknown.message) == ("access_denied", "The scanner may not read the KMS key in eu-west-1")
    assert "grant: kms:DescribeKey" in unknown.text
    [waived] = found["recordscan.retention.bucket-lifecycle", subject]
    assert waived.message == "waived: Waived"
    assert "Objects in acme-compositions are kept for ever." in waived.text


def test_a_scan_that_judged_nothing_is_an_error_and_a_clean_one_is_not() -> None:
    parsed = JUnitXml.fromstring(render(empty()).encode())
    assert (parsed.tests, parsed.errors) == (1, 1)
    parsed = JUnitXml.fromstring(render(clean()).encode())
    assert (parsed.tests, parsed.errors, parsed.failures) == (1, 0, 0)


def test_noncharacters_that_xml_cannot_hold_are_spelled_out() -> None:
    result = crowded(1)
    found = result.assessments[0].findings[0]
    object.__setattr__(found, "message", "a\ufffe\uffff\x0b\ud800b")
    assert "a[U+FFFE][U+FFFF][U+000B][U+D800]b" in render(result)
    etree.fromstring(render(result).encode())
