"""The report as Chromium prints it: a PDF that is read again."""

import hashlib
import io
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import Browser
from pypdf import PdfReader

from recordscan.result import Outcome
from recordscan_reports import csv_checks
from reports.large import large
from reports.results import EVIDENCE, evidence, varied
from reports.test_html_browser import browser, visit

__all__ = ["browser"]


@pytest.fixture(scope="module")
def printed(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> PdfReader:
    """A report with every fold closed."""
    return on_paper(browser, tmp_path_factory.mktemp("print"), scripted=True)


@pytest.fixture(scope="module")
def printed_without_script(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> PdfReader:
    return on_paper(browser, tmp_path_factory.mktemp("print"), scripted=False)


def on_paper(browser: Browser, folder: Path, *, scripted: bool) -> PdfReader:
    """A report whose index of evidence is longer than a page; without script it is a table."""
    more = tuple(evidence("s3:GetObject", {"at": at}, {"Key": str(at)}) for at in range(60))
    result = replace(varied(), evidence=(*EVIDENCE, *more))
    with visit(browser, folder, result, java_script_enabled=scripted) as seen:
        if scripted:
            seen.page.evaluate("for (const fold of document.querySelectorAll('details')) fold.open = false")
        pdf = seen.page.pdf(prefer_css_page_size=True, tagged=True, outline=True)
    return PdfReader(io.BytesIO(pdf))


def pages_of(printed: PdfReader) -> list[str]:
    """The words of each page; Chromium puts what stands in the margin first."""
    return [" ".join(page.extract_text().split()) for page in printed.pages]


def test_a39_folded_details_are_on_paper(printed: PdfReader) -> None:
    """What a reader would have to unfold is printed: evidence, what to do, controls, who can do what. (A39)"""
    text = " ".join(pages_of(printed))
    for words in (
        '"BucketRegion": "us-east-1"',
        "aws s3api put-key-region",
        "The marked places decided.",
        "statement Read of policy review allows it",
        "not tested by this tool",
    ):
        assert words in text


def test_a39_pages_are_numbered_and_headers_of_tables_are_repeated(
    printed: PdfReader, printed_without_script: PdfReader
) -> None:
    """Each page has its number; a table that goes on has its header again. (A39)"""
    for report in (printed, printed_without_script):
        pages = pages_of(report)
        for number, text in enumerate(pages, 1):
            assert f"Page {number} of {len(pages)}" in text
    assert " ".join(pages_of(printed)).count("s3:GetObject") >= 60
    pages = pages_of(printed_without_script)
    index = [text for text in pages if text.count("s3:GetObject") > 5 and "SHA-256" in text]
    assert len(index) >= 2
    assert all("Call and evidence" in text and "Cited by" in text for text in index)


def test_a39_cover_and_sign_off_have_pages_of_their_own(printed: PdfReader) -> None:
    """The first page is the cover; the block to sign stands on a page with nothing else. (A39)"""
    pages = pages_of(printed)
    assert "FAIL (incomplete)" in pages[0]
    assert "Result SHA-256" in pages[0]
    assert "Bottom line" not in pages[0]
    assert "Bottom line" in pages[1]
    [signed] = [text for text in pages if "Prepared by" in text]
    for words in ("Sign-off", "Reviewed by", "Conclusion"):
        assert words in signed
    for words in ("Run record", "How to read this"):
        assert words not in signed


def test_a39_the_pdf_is_tagged_and_has_title_language_and_outline(printed: PdfReader) -> None:
    """Screen readers find their way in the PDF, too. (A39)"""
    root = printed.root_object
    assert str(root["/MarkInfo"]) == "{'/Type': '/MarkInfo', '/Marked': True}"
    assert "/StructTreeRoot" in root
    assert str(root["/Lang"]) == "en"
    assert printed.metadata is not None
    assert printed.metadata.title == "FAIL (incomplete): recording storage assessment, 2026-03-02"
    titles = str(printed.outline)
    for heading in ("Findings", "Trend", "Sign-off"):
        assert f"'/Title': '{heading}'" in titles


def test_a39_many_failures_are_printed_by_rule_with_the_sum_of_the_annex_that_has_them_all(
    browser: Browser, tmp_path: Path
) -> None:
    """The first fifty of each rule by name; nobody reads a thousand pages of evidence. (A39)"""
    made = large(300)
    few = [a for a in made.assessments if a.rule_id != "bucket-rule-00" or a.subject.name < "acme-recordings-0100"]
    made = replace(made, assessments=tuple(few))
    failing = Counter(a.rule_id for a in made.assessments if a.outcome in (Outcome.FAIL, Outcome.UNKNOWN))
    assert max(failing.values()) > 50 > min(failing.values())
    with visit(browser, tmp_path, made) as seen:
        seen.page.evaluate("dispatchEvent(new Event('beforeprint'))")
        names = seen.page.locator("tbody.check .rule").all_text_contents()
        assert Counter(names) == {rule: min(number, 50) for rule, number in failing.items()}
        heads = seen.page.locator("tbody.group .number").all_text_contents()
        assert sorted(heads) == sorted(f"{number} checks" for number in failing.values())
        assert seen.page.locator("tbody.check .detail > *").count() == 0
        said = seen.page.inner_text("#annex")
        assert f"{failing.total():,} checks did not pass" in said
        assert hashlib.sha256(csv_checks.render(made).encode()).hexdigest() in said
        seen.page.evaluate("dispatchEvent(new Event('afterprint'))")
        assert not seen.page.locator("#annex").is_visible()
        assert seen.page.locator("tbody.group").count() == 0


def test_a39_a_check_goes_on_over_the_end_of_a_page(printed: PdfReader) -> None:
    """Nothing but what is short is kept together, so that no page ends in its middle. (A39)"""
    pages = pages_of(printed)
    first = next(number for number, text in enumerate(pages) if "Findings" in text and "Requirement:" in text)
    assert "What to do" in pages[first]
