"""The trend and the score in the HTML report and beside it."""

from dataclasses import replace

import pytest

from recordscan.result import BaselineRecord, Outcome
from recordscan.score import score_of
from recordscan_reports import markdown, terminal
from recordscan_reports.html import render
from recordscan_reports.html.trend import BARS_BOTTOM, BARS_TOP, LINE_BOTTOM, LINE_TOP, picture_of
from reports.results import RULES, assessment, clean, empty, target, trend, varied
from reports.test_html import by_id, tree


def test_bars_have_the_height_of_their_numbers_and_lines_break_where_rules_changed() -> None:
    runs = trend(varied(), 6)
    picture = picture_of(runs)
    assert picture.most == 10
    for bar, run in zip(picture.bars, runs, strict=True):
        heights = {piece.severity: piece.height for piece in bar.pieces}
        assert heights == {level: pytest.approx(number * 16.6) for level, number in run.failing.items() if number}
        assert all(BARS_TOP <= piece.y <= BARS_BOTTOM for piece in bar.pieces)
        assert bar.covered is None or LINE_TOP <= bar.covered <= LINE_BOTTOM
    assert [bar.why for bar in picture.bars] == [None, None, "other rules (3 added)", None, None, None]
    assert [bar.coverage for bar in picture.bars] == ["81.8 %", "no data", *["81.8 %"] * 4]
    # Neither over a run in which nothing applied, nor over one with other rules.
    assert [len(points.split()) for points in picture.lines] == [4]
    assert len(picture.breaks) == 1
    assert picture.bars[1].x < picture.breaks[0] < picture.bars[2].x


@pytest.mark.parametrize("number", [1, 2, 30])
def test_a_trend_of_any_length_fits_and_is_a_table_too(number: int) -> None:
    made = varied()
    runs = trend(made, number)
    picture = picture_of(runs)
    assert all(44 <= bar.x - picture.width / 2 <= bar.x + picture.width / 2 <= 990 for bar in picture.bars)
    assert sum(bar.day != "" for bar in picture.bars) <= 7
    assert picture.bars[-1].day == "03-02"
    section = by_id(tree(render(replace(made, trend=runs))), "trend")
    rows = section.all("tbody")[0].all("tr")
    assert len(rows) == number
    assert rows[0].all("th")[0].text.startswith("2026-03-02 21:04")
    assert rows[0].all("td")[5].text == "81.8 %"
    assert len([e for e in section.all("svg") if e.attributes.get("role") == "img"]) == 1


def test_without_a_history_there_is_no_trend_and_without_a_score_none() -> None:
    page = render(replace(varied(), trend=(), score=None))
    assert 'href="#trend"' not in page
    assert 'id="trend"' not in page
    assert 'id="score"' not in page
    for report in (terminal, markdown):
        assert "every check passes" not in report.render(replace(varied(), score=None))
        assert "every check passes" in " ".join(report.render(varied()).replace("\\", "").split())


def test_a41_the_page_has_both_bounds_coverage_and_the_rate_of_rules() -> None:
    """Of eleven checks some pass, and two are unknown; not every list was read to its end. (A41)"""
    made = varied()
    passed, all_ = made.count(Outcome.PASS), made.coverage.planned
    text = by_id(tree(render(made)), "results").text
    assert f"Checks that pass, at least{passed * 1000 // all_ / 10:.1f} % {passed} of {all_}" in text
    assert f"Checks that pass, at most{(passed + 2) * 1000 // all_ / 10:.1f} % if all that is unknown passed" in text
    assert "Coverage81.8 % 2 unknown" in text
    assert "of what could be listed" in text
    assert "of what could be listed" not in by_id(tree(render(clean())), "results").text
    assert "No data." in by_id(tree(render(empty())), "results").text


def test_a41_one_more_unknown_lowers_the_low_bound_on_the_page() -> None:
    """What is not known never looks better than what is. (A41)"""
    made = clean()
    more = (*made.assessments, assessment(RULES[0], target("another", "another"), Outcome.UNKNOWN))
    score = score_of(more, made.coverage, interrupted=False)
    assert made.score is not None
    before, after = made.score.checks, score.checks
    assert before.low is not None
    assert after.low is not None
    assert after.low < before.low == after.high == 1
    assert "at least100.0 %" in by_id(tree(render(made)), "results").text
    assert "at least100.0 %" not in by_id(tree(render(replace(made, score=score))), "results").text


def test_what_became_of_findings_since_the_last_run_is_one_sentence_everywhere() -> None:
    made = varied()
    lifecycles = iter(["new", "reopened", "newly_observed", *["existing"] * 20])
    labelled = tuple(
        replace(
            found,
            findings=tuple(
                replace(finding, lifecycle=next(lifecycles), first_seen="2026-01-02T03:04:05Z")
                for finding in found.findings
            ),
        )
        for found in made.assessments
    )
    known = BaselineRecord(scan_id="1", created="2026-02-16T00:00:00Z", entries=9, resolved=(), not_observed=())
    made = replace(made, assessments=labelled, baseline=known)
    number = sum(len(found.findings) for found in labelled)
    said = (
        "Since the scan of 2026-02-16: 1 finding is new, 1 are back again, 1 were looked at for the first time, "
        f"{number - 3} were there before and 0 are resolved."
    )
    for text in (terminal.render(made), markdown.render(made), by_id(tree(render(made)), "bottom-line").text):
        assert said in " ".join(text.replace("\\", "").split())
    assert "SINCE THE LAST RUN" in terminal.render(made)
    assert "(back again, known since 2026-01-02)" in terminal.render(made)
