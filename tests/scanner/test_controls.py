"""What the rules say together of the controls that they give evidence for."""

from collections import Counter
from dataclasses import replace

import pytest

from recordscan.consistency import disagreements
from recordscan.controls import control_status, framework_ids, mapped_controls, record_frameworks
from recordscan.engine import assess_snapshot
from recordscan.estate.target import Target
from recordscan.frameworks import load_framework
from recordscan.result import ControlRecord, ControlStatus, Outcome, ScanResult
from recordscan.rule import Control, Findings, Rule, Severity, finding, official, peer, proposal, rule
from recordscan.testing import sound


def passing(target: Target) -> Findings:
    """Passes, so that a control has a pass."""
    return ()


def failing(target: Target) -> Findings:
    """Fails, so that a control has a fail."""
    yield finding("the bucket is broken", target.uid)


def make(id: str, controls: tuple[Control, ...], check: object = passing) -> Rule:
    made: Rule = rule(id, title="Title", severity=Severity.LOW, remediation="Do it.", controls=controls)(check)  # type: ignore[arg-type]
    return made


TLS = make("test-tls", (*official(security_hub=["S3.5"]), *peer(nist_800_53_r5=["SC-8", "SC-8(1)", "SC-13"])))
BROKEN = make("test-broken", (*official(security_hub=["S3.14"]), *proposal(nist_800_53_r5=["SC-8(2)"])), failing)
RULES = (TLS, BROKEN)


def judged(*rules: Rule, left_out: tuple[Rule, ...] = (), frameworks: tuple[str, ...] = ()) -> ScanResult:
    return assess_snapshot(
        sound().snapshot(),
        rules,
        fail_on=None,
        not_selected=[(rule, "--skip-rule") for rule in left_out],
        frameworks=frameworks,
    )


def control(result: ScanResult, framework: str, id: str) -> ControlRecord:
    [found] = [c for f in result.frameworks if f.id == framework for c in f.controls if c.id == id]
    return found


@pytest.mark.parametrize(
    ("outcomes", "left_out", "status"),
    [
        (["fail", "unknown", "waived", "pass", "not_applicable"], [], "fail"),
        (["unknown", "waived", "pass", "not_applicable"], [], "unknown"),
        (["waived", "pass", "not_applicable"], [], "waived"),
        (["pass", "not_applicable"], [], "pass"),
        (["not_applicable"], [], "not_applicable"),
        ([], [], "not_tested"),
        (["fail"], ["other-rule"], "fail"),
        (["unknown"], ["other-rule"], "unknown"),
        (["pass"], ["other-rule"], "unknown"),
        (["waived"], ["other-rule"], "unknown"),
        (["not_applicable"], ["other-rule"], "not_tested"),
        ([], ["other-rule"], "not_tested"),
    ],
)
def test_the_worst_decides_and_what_was_left_out_forbids_a_pass(
    outcomes: list[str], left_out: list[str], status: str
) -> None:
    assert control_status({Outcome(outcome): 2 for outcome in outcomes}, left_out) == status


def test_parts_count_with_their_control_and_a_rule_that_names_two_counts_once() -> None:
    result = judged(*RULES)
    targets = len({a.subject.uid for a in result.assessments})
    sc8 = control(result, "nist_800_53_r5", "SC-8")
    assert [(m.rule_id, m.control, m.mark) for m in sc8.mappings] == [
        ("test-broken", "SC-8(2)", "proposal"),
        ("test-tls", "SC-8", "peer"),
        ("test-tls", "SC-8(1)", "peer"),
    ]
    assert sc8.outcomes == {Outcome.PASS: targets, Outcome.FAIL: targets}
    assert sc8.status is ControlStatus.FAIL
    assert control(result, "nist_800_53_r5", "SC-13").status is ControlStatus.PASS


def test_every_control_of_every_framework_is_there_and_those_without_a_rule_are_not_tested() -> None:
    result = judged(*RULES)
    assert [f.id for f in result.frameworks] == list(framework_ids(()))
    for framework in result.frameworks:
        assert [c.id for c in framework.controls] == list(load_framework(framework.id).controls)
        for record in framework.controls:
            assert (record.status is ControlStatus.NOT_TESTED) is (not record.mappings)
    assert control(result, "security_hub", "S3.5").standards == ("FSBP",)
    hub = next(f for f in result.frameworks if f.id == "security_hub")
    assert (hub.count(ControlStatus.FAIL), hub.count(ControlStatus.PASS)) == (1, 1)


def test_a_control_does_not_pass_while_one_of_its_rules_is_left_out() -> None:
    result = judged(TLS, left_out=(BROKEN,))
    sc8 = control(result, "nist_800_53_r5", "SC-8")
    assert (sc8.status, sc8.left_out) == (ControlStatus.UNKNOWN, ("test-broken",))
    assert control(result, "nist_800_53_r5", "SC-13").status is ControlStatus.PASS
    versioning = control(result, "security_hub", "S3.14")
    assert (versioning.status, versioning.left_out) == (ControlStatus.NOT_TESTED, ("test-broken",))
    assert result.coverage.not_selected == {"test-broken": "--skip-rule"}


def test_only_the_frameworks_that_were_asked_for_are_told() -> None:
    assert [f.id for f in judged(*RULES, frameworks=("soc2", "hipaa")).frameworks] == ["soc2", "hipaa"]


def test_nothing_that_a_plugin_names_is_lost() -> None:
    foreign = make("test-foreign", (*proposal(acme_policy=["7", "10"]), *proposal(soc2=["CC99.9"])))
    result = judged(foreign)
    acme = result.frameworks[-1]
    assert (acme.id, acme.name, acme.url) == ("acme_policy", "acme_policy", "")
    assert [(c.id, c.title, c.status) for c in acme.controls] == [("10", "", "pass"), ("7", "", "pass")]
    soc2 = next(f for f in result.frameworks if f.id == "soc2")
    assert [c.id for c in soc2.controls][-2:] == ["PI1.5", "CC99.9"]


def test_a_rule_without_subjects_tests_nothing() -> None:
    [hub] = record_frameworks(("security_hub",), RULES, ())
    assert {c.status for c in hub.controls} == {ControlStatus.NOT_TESTED}
    mapped = mapped_controls(load_framework("security_hub"), RULES)
    assert Counter(bool(mappings) for mappings in mapped.values()) == {True: 2, False: 78}


def test_a_result_whose_controls_were_edited_is_found_out() -> None:
    result = judged(*RULES, left_out=(make("test-other", official(soc2=["CC6.1"])),), frameworks=("nist_800_53_r5",))
    assert list(disagreements(result)) == []
    [framework] = result.frameworks

    def with_control(**changes: object) -> list[str]:
        edited = tuple(replace(c, **changes) if c.id == "SC-8" else c for c in framework.controls)  # type: ignore[arg-type]
        return list(disagreements(replace(result, frameworks=(replace(framework, controls=edited),))))

    assert with_control(status=ControlStatus.PASS) == [
        "the control SC-8 of NIST SP 800-53 r5 is pass, but the assessments make it fail"
    ]
    assert with_control(outcomes={Outcome.PASS: 2}) == [
        "the numbers of the control SC-8 of NIST SP 800-53 r5 are not those of the assessments"
    ]
    assert with_control(left_out=("test-tls",)) == [
        "the control SC-8 of NIST SP 800-53 r5 counts other rules as left out than do not stand in the result"
    ]
    sc8 = next(c for c in framework.controls if c.id == "SC-8")
    [lost, *_] = with_control(mappings=sc8.mappings[1:])
    assert lost == "the rules behind the controls of NIST SP 800-53 r5 are not those that name them"
