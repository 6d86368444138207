"""Annotations for GitHub, and issues for GitLab's Code Quality."""

import json
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import replace

import pytest

from recordscan.result import ScanResult
from recordscan_reports import github, gitlab
from reports.results import RESULTS, accepted, clean, crowded, empty, varied

COMMAND = re.compile(r"::(error|warning|notice) title=([^:,\r\n]*)::([^\r\n]*)")
LEVELS = {"blocker", "critical", "major", "minor", "info"}


@pytest.mark.parametrize("made", RESULTS)
def test_a19_every_line_is_one_command(made: Callable[[], ScanResult]) -> None:
    """Whatever the names. (A19)"""
    text = github.render(made())
    for line in text.splitlines():
        assert COMMAND.fullmatch(line)
    assert text.count("\n") == len(text.splitlines())


@pytest.mark.parametrize(
    "text", ["a\n::error::b", "a\r\n::set-env name=x::y", "100%0A::error::b", "x,file=secret,line=1", "t::error::x"]
)
def test_a19_no_text_can_begin_a_second_command(text: str) -> None:
    """Neither a newline nor `%`, `::` or a comma does. (A19)"""
    result = varied()
    first = result.assessments[0]
    made = replace(
        result,
        assessments=(
            replace(
                first,
                subject=replace(first.subject, name=text),
                findings=(replace(first.findings[0], message=text),),
            ),
            *result.assessments[1:],
        ),
        rules=tuple(replace(rule, title=text) for rule in result.rules),
        gate=replace(result.gate, exit_reason=text),
    )
    lines = github.render(made).splitlines()
    assert len(lines) == len(github.render(varied()).splitlines())
    for line in lines:
        found = COMMAND.fullmatch(line)
        assert found is not None
        assert "%0A::" not in found[3].replace("%250A", "")


def test_a19_at_most_ten_of_each_level_the_worst_first() -> None:
    """GitHub shows ten of a level, so the tenth counts the others. (A19)"""
    lines = github.render(crowded(30_000)).splitlines()
    levels = Counter(line.split(" ", 1)[0] for line in lines)
    assert levels == {"::notice": 10, "::error": 10, "::warning": 1}
    errors = [line for line in lines if line.startswith("::error")]
    assert errors[-1] == "::error title=recordscan::5,991 more; see the other reports"
    assert lines[0].startswith("::notice title=recordscan%3A FAIL (incomplete)::30,000 fail, 3 unknown, 0 pass")


def test_levels_follow_the_severity_and_gaps_are_warnings() -> None:
    found = [COMMAND.fullmatch(line) for line in github.render(varied()).splitlines()]
    told = [(match[1], match[2]) for match in found if match]
    assert told == [
        ("notice", "recordscan%3A FAIL (incomplete)"),
        ("notice", "low bucket-lifecycle"),
        ("notice", "info media-composed"),
        ("error", "critical key-region"),
        ("error", "high writer-least-privilege"),
        ("warning", "not checked%3A Access denied"),
        ("warning", "not checked%3A Cannot be decided"),
        ("warning", "medium bucket-versioning"),
    ]


def test_with_a_baseline_new_findings_are_marked() -> None:
    lines = github.render(accepted()).splitlines()
    assert [line.split("::")[1] for line in lines if "title=new " in line] == [
        "warning title=new medium bucket-versioning"
    ]


@pytest.mark.parametrize("made", RESULTS)
def test_gitlab_issues_have_what_gitlab_asks_for(made: Callable[[], ScanResult]) -> None:
    issues = json.loads(gitlab.render(made()))
    for issue in issues:
        assert set(issue) == {"description", "check_name", "fingerprint", "severity", "location"}
        assert issue["severity"] in LEVELS
        assert re.fullmatch(r"cloud(/[A-Za-z0-9._~%-]+)+", issue["location"]["path"])
        assert issue["location"]["lines"]["begin"] == 1
        assert 0 < len(issue["description"]) <= gitlab.LENGTH
    assert set(Counter(issue["fingerprint"] for issue in issues).values()) <= {1}


def test_gitlab_is_told_of_gaps_and_of_a_scan_that_judged_nothing() -> None:
    gaps = [issue for issue in json.loads(gitlab.render(varied())) if issue["check_name"] == "coverage-gap"]
    assert gaps[0]["description"] == (
        "1 check could not be decided: the scanner may not read the KMS key in eu-west-1; grant kms:DescribeKey"
    )
    assert len(gaps) == 2
    assert [issue["check_name"] for issue in json.loads(gitlab.render(empty()))] == ["coverage-gap"]
    assert json.loads(gitlab.render(clean())) == []
