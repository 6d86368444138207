"""The share of checks that pass, between two bounds."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from recordscan.consistency import disagreements
from recordscan.engine import judge_gate
from recordscan.result import Assessment, Coverage, Outcome, Population, ScoreRecord, SubjectRecord, Verdict
from recordscan.rule import Severity
from recordscan.score import score_of
from recordscan_reports.wording import score_sentence
from reports.results import varied

PASS, FAIL, UNKNOWN, WAIVED, NONE = (
    Outcome.PASS,
    Outcome.FAIL,
    Outcome.UNKNOWN,
    Outcome.WAIVED,
    Outcome.NOT_APPLICABLE,
)


def check(rule_id: str, outcome: Outcome, at: int = 0) -> Assessment:
    subject = SubjectRecord(uid=str(at), kind="target", name="", provider="aws", account=None, region=None)
    return Assessment(
        rule_id=rule_id, subject=subject, outcome=outcome, severity=Severity.CRITICAL, fingerprint=f"{rule_id}{at}"
    )


def score(*outcomes: Outcome, rules: Sequence[str] = (), complete: bool = True) -> ScoreRecord:
    population = (Population(kind="buckets", count=1, enumerated_by=(), complete=complete),)
    coverage = Coverage(planned=0, evaluated=0, gaps=(), population=population, not_selected={})
    names = rules or [f"rule-{at}" for at, _ in enumerate(outcomes)]
    checks = [check(name, outcome, at) for at, (name, outcome) in enumerate(zip(names, outcomes, strict=True))]
    return score_of(checks, coverage, interrupted=False)


def test_a41_unknowns_lower_the_low_bound_only_and_waived_checks_do_not_pass() -> None:
    """The low bound takes what is unknown as failed; the block has both bounds and the coverage. (A41)"""
    known = score(PASS, PASS, FAIL, NONE)
    assert (known.checks.total, known.checks.low, known.checks.high) == (3, 2 / 3, 2 / 3)
    more = score(PASS, PASS, FAIL, NONE, UNKNOWN)
    assert more.checks.low is not None
    assert (more.checks.low, more.checks.high) == (2 / 4, 3 / 4)
    assert score(PASS, WAIVED).checks.high == 1 / 2
    assert score_sentence(more) == (
        "50.0 % to 75.0 % of 4 applicable checks pass (coverage 75.0 %), "
        "and with 50.0 % to 75.0 % of 4 rules every check passes."
    )


def test_a41_one_critical_failure_breaks_the_gate_whatever_the_rate() -> None:
    """One failure among five thousand: the rate is no 100 %, and the verdict is FAIL. (A41)"""
    checks = [check("bucket-public", PASS if at else FAIL, at) for at in range(5000)]
    for gate in (*Severity, None):
        assert judge_gate(checks, gate, interrupted=False, severities={"bucket-public": Severity.CRITICAL}).verdict is (
            Verdict.FAIL
        )
    coverage = Coverage(planned=0, evaluated=0, gaps=(), population=(), not_selected={})
    found = score_of(checks, coverage, interrupted=False)
    assert "99.9 % of 5,000 applicable checks pass" in score_sentence(found)
    assert "with 0.0 % of 1 rule every check passes" in score_sentence(found)


def test_rules_count_once_each() -> None:
    found = score(PASS, PASS, FAIL, PASS, UNKNOWN, PASS, rules=["a", "a", "a", "b", "b", "c"]).rules
    assert (found.total, found.passed, found.unknown, found.low, found.high) == (3, 1, 1, 1 / 3, 2 / 3)


@pytest.mark.parametrize("outcomes", [(), (NONE, NONE)])
def test_without_an_applicable_check_there_is_no_data_and_no_hundred_per_cent(outcomes: tuple[Outcome, ...]) -> None:
    found = score(*outcomes)
    assert (found.checks.low, found.checks.high, found.rules.low) == (None, None, None)
    assert score_sentence(found) == "No data: no check applied."


def test_what_could_not_be_listed_is_said() -> None:
    """A denied list makes it a rate of what could be listed. (A2)"""
    found = score(PASS, complete=False)
    assert not found.complete
    assert score_sentence(found).startswith("100.0 % of 1 applicable check of what could be listed pass")


def test_an_edited_score_is_found_out() -> None:
    result = varied()
    made = score_of(result.assessments, result.coverage, interrupted=result.scan.interrupted)
    said = "the score is not what the assessments and the population make it"
    assert said not in list(disagreements(replace(result, score=made)))
    assert said in list(disagreements(replace(result, score=replace(made, complete=True))))
