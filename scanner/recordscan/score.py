"""How much is sound, between two bounds, so that what is not known never looks good.

The low bound counts what is unknown as failed, the high bound as passed: the more is unknown, the lower the one. There
are no weights and no grades. The rate of rules stands beside that of checks, so that thousands of tidy buckets cannot
drown an open one. Neither decides anything: the verdict is the gate's.
"""

from collections import defaultdict
from collections.abc import Iterable

from recordscan.result import Assessment, Coverage, Outcome, Rate, ScoreRecord


def score_of(assessments: Iterable[Assessment], coverage: Coverage, *, interrupted: bool) -> ScoreRecord:
    """Score the checks of a scan.

    Args:
        assessments: All of the scan.
        coverage: Of the scan; its population says whether everything could be listed.
        interrupted: Whether the scan was stopped, so that lists may be missing altogether.
    """
    by_rule: dict[str, list[Outcome]] = defaultdict(list)
    for assessment in assessments:
        if assessment.outcome is not Outcome.NOT_APPLICABLE:
            by_rule[assessment.rule_id].append(assessment.outcome)
    return ScoreRecord(
        checks=_rate([outcome for outcomes in by_rule.values() for outcome in outcomes]),
        rules=_rate([_together(outcomes) for outcomes in by_rule.values()]),
        complete=not interrupted and all(population.complete for population in coverage.population),
    )


def _together(outcomes: Iterable[Outcome]) -> Outcome:
    """What the checks of one rule say: sound only where all pass."""
    found = set(outcomes)
    if found & {Outcome.FAIL, Outcome.WAIVED}:
        return Outcome.FAIL
    return Outcome.UNKNOWN if Outcome.UNKNOWN in found else Outcome.PASS


def _rate(outcomes: Iterable[Outcome]) -> Rate:
    found = list(outcomes)
    total, passed, unknown = len(found), found.count(Outcome.PASS), found.count(Outcome.UNKNOWN)
    return Rate(
        total=total,
        passed=passed,
        unknown=unknown,
        low=passed / total if total else None,
        high=(passed + unknown) / total if total else None,
    )
