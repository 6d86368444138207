import io
import re
import unicodedata
from collections.abc import Callable
from dataclasses import replace

import pytest
from rich.console import Console

from recordscan.controls import record_frameworks
from recordscan.facts import Reason
from recordscan.result import Outcome, ScanResult
from recordscan_reports import html
from recordscan_reports.terminal import WIDTH, render, render_rich
from recordscan_reports.wording import OUTCOMES, SEVERITIES
from reports.results import PAYLOADS, clean, empty, hostile, target, varied

RESULTS = [varied, clean, empty, hostile]


@pytest.mark.parametrize("made", RESULTS)
def test_verdict_is_the_first_thing_said_and_the_last(made: Callable[[], ScanResult]) -> None:
    lines = render(made()).splitlines()
    verdict = made().gate.verdict
    assert lines[2].startswith(f"{verdict}  ")
    assert lines[-1].startswith(f"{verdict}  ")


def test_the_last_line_sums_up_and_names_the_next_step() -> None:
    assert render(varied()).splitlines()[-1] == (
        "FAIL (incomplete)  1 critical, 1 high, 1 medium, 1 low and 1 info failing; 9 of 11 checks decided; "
        "kms:DescribeKey missing -> recordscan permissions"
    )


def test_failures_without_a_gate_are_no_verdict() -> None:
    made = varied()
    text = render(replace(made, gate=replace(made.gate, fail_on=None, exit_status=0, exit_reason="no gate was set")))
    assert text.splitlines()[2] == "NO GATE  no gate was set"
    assert text.splitlines()[-1].startswith("NO GATE  1 critical, ")


def test_a_clean_scan_ends_without_a_next_step() -> None:
    assert render(clean()).splitlines()[-1] == "PASS  none failing; 1 of 1 check decided"


def test_counts_are_those_of_the_result() -> None:
    result = varied()
    rows = dict(re.findall(r"^[x?~+-] (FAIL|UNKNOWN|WAIVED|PASS|NOT APPLICABLE) {2,}(\d.*)$", render(result), re.M))
    for outcome in OUTCOMES:
        numbers = [int(number) for number in rows[outcome.upper().replace("_", " ")].split()]
        assert numbers == [*(result.count(outcome, severity) for severity in SEVERITIES), result.count(outcome)]


def test_failures_say_what_is_wrong_what_is_asked_for_and_what_to_do() -> None:
    text = render(varied())
    for assessment in varied().assessments:
        if assessment.outcome is Outcome.FAIL:
            for finding in assessment.findings:
                assert finding.message in text
    assert "    expected  a key in us-east-1\n    observed  a key in eu-west-1\n" in text
    assert "    fix       Set it right, for example:\n" in text


def test_gaps_say_which_permission_is_missing() -> None:
    text = render(varied())
    assert "? 1 check, up to critical: Access denied\n    the scanner may not read the KMS key in eu-west-1\n" in text
    assert "    grant     kms:DescribeKey\n" in text
    assert "- 1 rule was left out (--exclude bucket-replication): bucket-replication\n" in text
    assert "? UNKNOWN  CRITICAL  key-region  Compositions of prod-video\n" in text


def test_many_rules_that_were_left_out_are_counted_in_one_line() -> None:
    made = varied()
    left_out = {f"some-rule-{number}": "not among --rule" for number in range(53)} | {"other-rule": "--skip-rule"}
    text = render(replace(made, coverage=replace(made.coverage, not_selected=left_out)))
    assert "- 53 rules were left out (not among --rule)\n" in text
    assert "- 1 rule was left out (--skip-rule): other-rule\n" in text
    assert "some-rule-1" not in text


def test_an_incomplete_list_is_called_so() -> None:
    assert "60  Recordings, NOT ALL COULD BE LISTED  (twilio:ListRecordings)" in render(varied())


def test_no_name_can_steer_the_terminal_or_forge_a_line() -> None:
    text = render(hostile())
    assert {unicodedata.category(char) for char in text.replace("\n", "")}.isdisjoint({"Cc", "Cf", "Cs", "Zl", "Zp"})
    assert "acme[U+202E]gpj.exe" in text
    harmless = render(hostile(tuple(f"name{number}" for number in range(len(PAYLOADS)))))
    assert len([line for line in text.splitlines() if line.startswith("x FAIL  ")]) == len(
        [line for line in harmless.splitlines() if line.startswith("x FAIL  ")]
    )


def test_lines_break_between_words_only() -> None:
    for line in render(varied()).splitlines()[1:-1]:
        assert len(line) <= WIDTH
    assert "a" * 3000 in render(hostile())


@pytest.mark.parametrize("made", RESULTS)
def test_the_coloured_report_says_the_same(made: Callable[[], ScanResult]) -> None:
    plain, coloured = io.StringIO(), io.StringIO()
    render_rich(made(), Console(file=plain, no_color=True, width=80))
    render_rich(made(), Console(file=coloured, force_terminal=True, color_system="standard", width=80))
    assert [line.rstrip() for line in plain.getvalue().splitlines()] == render(made()).splitlines()
    assert "\x1b[1;31mx FAIL" in coloured.getvalue() or made().count(Outcome.FAIL) == 0
    assert re.sub(r"\x1b\[[\d;]*m", "", coloured.getvalue()) == plain.getvalue()


def test_brackets_in_names_are_no_markup() -> None:
    result = clean()
    passed = replace(result.assessments[0], outcome=Outcome.UNKNOWN, subject=target("[bold]x[/bold][link=https://a]"))
    out = io.StringIO()
    render_rich(replace(result, scan=replace(result.scan, notices=(passed.subject.name,))), Console(file=out))
    assert "[bold]x[/bold][link=https://a]" in out.getvalue()


def test_the_run_record_has_the_day_of_the_action_data() -> None:
    assert "names of AWS's actions as of 2026-02-27" in render(varied())
    old = varied()
    assert "as of" not in render(replace(old, scan=replace(old.scan, action_data="")))


def test_each_target_has_a_line_about_who_can() -> None:
    text = render(varied())
    assert "WHO CAN DO WHAT\n" in text
    assert (
        "  Recordings of prod-video: 1 principal can read; 0 principals can change what guards it\n"
        "? Compositions of prod-video: not known: kms:GetKeyPolicy was denied; grant kms:GetKeyPolicy\n"
    ) in text
    made = varied()
    doubtful = tuple(
        replace(record, abilities=tuple(replace(a, certain=False) for a in record.abilities)) for record in made.access
    )
    assert "0 principals can read, 1 more under conditions; " in render(
        replace(made, access=made.access[1:] + doubtful)
    )
    assert "WHO CAN DO WHAT" not in render(clean())


def test_what_was_not_asked_is_no_failed_call() -> None:
    made = varied()
    gap = replace(
        made.coverage.gaps[0],
        reason=Reason.NOT_ASKED,
        detail="the scan was stopped before it asked kms:DescribeKey",
        permission=None,
    )
    for text in (render(stopped := replace(made, coverage=replace(made.coverage, gaps=(gap,)))), html.render(stopped)):
        assert "Not asked, as the scan was stopped" in text
        assert "nothing; scan again to the end" in text
        assert "Call failed" not in text
        assert "no grant helps" not in text


def test_each_framework_has_a_line_with_its_controls_by_status() -> None:
    text = render(varied())
    assert (
        "CONTROLS\n"
        "                             fail   unknown   pass   not applicable   not tested\n"
        "  AWS Security Hub              1         0      0                0           79\n"
        "  SOC 2                         1         0      0                0           42\n"
    ) in text
    waived = [(a if a.outcome is not Outcome.FAIL else replace(a, outcome=Outcome.PASS)) for a in varied().assessments]
    known = [a for a in waived if a.outcome is not Outcome.UNKNOWN]
    made = replace(varied(), frameworks=record_frameworks(("soc2",), varied().rules, known))
    assert "  SOC 2                         0         0        1      0                0           42\n" in render(made)
