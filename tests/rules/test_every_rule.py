"""What holds of every built-in rule."""

import re
from collections.abc import Callable

import pytest

from recordscan.engine import assess, assess_snapshot
from recordscan.estate.estate import Estate
from recordscan.facts import Reason
from recordscan.frameworks import load_framework
from recordscan.plugins import load_rules
from recordscan.result import Assessment, Outcome
from recordscan.rule import Rule
from recordscan.testing import Case, composing, judge, sound
from rules.failing import FAILING, NEVER_FAILING, PASSING, SOUND

RULES = [rule for rule in load_rules() if rule.check.__module__.startswith("recordscan_rules.")]

each_rule = pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
each_failing_rule = pytest.mark.parametrize(
    "rule", [rule for rule in RULES if rule.id not in NEVER_FAILING], ids=lambda rule: rule.id
)


def assessments(case: Case) -> tuple[Assessment, ...]:
    return assess_snapshot(case.snapshot(), RULES, fail_on=None).assessments


def subjects_with(outcome: Outcome, rule: Rule, case: Case) -> list[str]:
    subjects = rule.subjects(Estate(case.snapshot()))
    return [subject.uid for subject in subjects if assess(rule, subject, case.profile).outcome is outcome]


def denied(case: Case) -> Case:
    """Every call of the case ends in AccessDenied."""
    for operation in {observation.operation for observation in case.snapshot().observations}:
        case.deny(operation)
    return case


def never_asked(case: Case) -> Case:
    """No call of the case was ever made."""
    for operation in {observation.operation for observation in case.snapshot().observations}:
        case.forget(operation)
    return case


@pytest.mark.parametrize("name", SOUND)
def test_in_a_sound_estate_nothing_fails_and_nothing_stays_open(name: str) -> None:
    found = {
        (a.rule_id, a.subject.uid, a.outcome, a.detail)
        for a in assessments(SOUND[name]())
        if a.outcome not in (Outcome.PASS, Outcome.NOT_APPLICABLE)
    }
    assert found == set()


@each_rule
def test_some_sound_estate_passes(rule: Rule) -> None:
    starts = [PASSING[rule.id]] if rule.id in PASSING else SOUND.values()
    assert any(subjects_with(Outcome.PASS, rule, make()) for make in starts)


@pytest.mark.parametrize("ignorance", [denied, never_asked])
@pytest.mark.parametrize("start", [sound, composing])
def test_of_an_estate_about_which_nothing_is_known_nothing_is_said(
    start: Callable[[], Case], ignorance: Callable[[Case], Case]
) -> None:
    found = assessments(ignorance(start()))
    assert {a.rule_id for a in found} == {rule.id for rule in RULES}
    # What does not apply for want of a Twilio setting or by the profile alone depends on no call.
    verdicts = [a for a in found if a.outcome is not Outcome.UNKNOWN]
    assert [a for a in verdicts if a.outcome is not Outcome.NOT_APPLICABLE or a.evidence] == []
    assert {a.reason for a in found} <= {Reason.ACCESS_DENIED, Reason.NOT_SELECTED, Reason.UNDECIDABLE, None}


@each_rule
def test_there_is_an_estate_that_breaks_the_rule(rule: Rule) -> None:
    if rule.id in NEVER_FAILING:
        case, outcome = NEVER_FAILING[rule.id](), Outcome.UNKNOWN
    else:
        case, outcome = FAILING[rule.id](), Outcome.FAIL
    broken = subjects_with(outcome, rule, case)
    assert broken
    assert judge(rule, case, broken[0]).outcome is outcome


def test_no_example_is_of_a_rule_that_there_is_not() -> None:
    assert {rule.id for rule in RULES} == FAILING.keys() | NEVER_FAILING.keys()


@each_failing_rule
def test_findings_are_clauses_that_name_a_resource_and_are_no_worse_than_declared(rule: Rule) -> None:
    case = FAILING[rule.id]()
    [uid, *_] = subjects_with(Outcome.FAIL, rule, case)
    for found in judge(rule, case, uid).findings:
        assert not found.message.startswith(("The ", "A ", "An ", "No "))
        assert not found.message.endswith(".")
        assert found.resources
        assert found.expected
        assert found.observed
        assert found.severity.rank <= rule.severity.rank


@each_rule
def test_the_rule_is_described_for_people_and_auditors(rule: Rule) -> None:
    assert re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)+", rule.id)
    assert rule.title[0].isupper() or rule.title.startswith("aws_s3_url ")  # a name that Twilio gives
    assert not rule.title.endswith(".")
    assert len(rule.title) <= 90
    assert rule.rationale.rstrip().endswith(".")
    assert len(rule.rationale) >= 60
    assert len(rule.remediation) >= 40
    assert rule.references
    assert all(link.startswith("https://") for link in rule.references)
    assert rule.controls or rule.guide
    assert all(re.fullmatch(r"[a-z]+:[A-Za-z0-9_.-]+", check) for check in rule.peers)


@each_rule
def test_controls_exist_in_their_framework_and_are_named_once(rule: Rule) -> None:
    named = [(control.framework, control.control) for control in rule.controls]
    assert len(named) == len(set(named))
    assert [pair for pair in named if load_framework(pair[0]).resolve(pair[1]) is None] == []


def test_mistakes_in_the_mappings_of_peers_are_not_copied() -> None:
    """Prowler maps replication to access of other accounts, and expired certificates to unused credentials.

    Security Hub's IAM.20 is retired.
    """
    by_control: dict[str, set[str]] = {}
    for rule in RULES:
        for control in rule.controls:
            if control.framework == "security_hub":
                by_control.setdefault(control.control, set()).add(rule.id)
    assert {rule for rule in by_control.get("S3.7", set()) if "replication" not in rule} == set()
    assert {rule for rule in by_control.get("IAM.26", set()) if "certificate" not in rule} == set()
    assert "IAM.20" not in by_control


def test_the_numbers_of_cis_6_follow_from_those_of_cis_5() -> None:
    """Each chapter went one number further, so a rule that names one of them names the other as well."""
    for rule in RULES:
        numbers = {
            version: [c.control.split(".") for c in rule.controls if c.framework == f"cis_aws_v{version}"]
            for version in (5, 6)
        }
        assert numbers[6] == [[str(int(chapter) + 1), *rest] for chapter, *rest in numbers[5]], rule.id


@each_rule
def test_the_guide_is_quoted_in_a_sentence(rule: Rule) -> None:
    if rule.guide is not None:
        assert rule.guide == rule.guide.strip()
        assert 10 <= len(rule.guide) <= 250


def test_severities_are_in_use_from_info_to_critical() -> None:
    assert {rule.severity.value for rule in RULES} == {"info", "low", "medium", "high", "critical"}


@each_failing_rule
def test_every_finding_names_the_answers_that_decided(rule: Rule) -> None:
    """Without them a report could only show all that was read, and an auditor would have to search."""
    case = FAILING[rule.id]()
    subjects = rule.subjects(Estate(case.snapshot()))
    findings = [f for subject in subjects for f in assess(rule, subject, case.profile).findings]
    assert findings
    for found in findings:
        assert found.evidence, found.message
