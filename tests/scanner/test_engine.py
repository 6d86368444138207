"""The engine: outcomes, evidence, fingerprints, coverage, the gate."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from recordscan.engine import assess, assess_snapshot, judge_gate
from recordscan.errors import PluginError
from recordscan.estate.estate import Estate
from recordscan.estate.target import Target, bucket_of
from recordscan.facts import Reason, need, not_applicable
from recordscan.policy.actions import data_date
from recordscan.profile import Profile
from recordscan.result import Assessment, Gate, Outcome, Verdict
from recordscan.rule import Finding, Findings, Rule, Severity, finding, rule_over
from recordscan.testing import REVIEWERS, TWILIO_ACCOUNT, judge, sound

SUBJECT = f"twilio:{TWILIO_ACCOUNT}/recordings"


def make(
    check: Callable[..., Findings | None], severity: Severity = Severity.HIGH, rule_id: str = "sample-rule"
) -> Rule:
    check.__doc__ = check.__doc__ or "Because."
    decorate: Any = rule_over(
        Estate.recording_targets, rule_id, title="Sample", severity=severity, remediation="Do it."
    )
    made: Rule = decorate(check)
    return made


def outcome_of(check: Callable[..., Findings | None], **options: Any) -> Assessment:
    [target] = sound().estate().recording_targets()
    return assess(make(check, **options), target, Profile())


def test_a_rule_that_yields_nothing_passes_and_cites_what_it_needed() -> None:
    def versioned(target: Target) -> Findings:
        if need(bucket_of(target).versioning) != "Enabled":
            yield finding("off")

    assessment = judge(make(versioned), sound())
    assert assessment.outcome is Outcome.PASS
    operations = {o.id: o.operation for o in sound().snapshot().observations}
    cited = {operations[citation.observation] for citation in assessment.evidence}
    assert {"s3:GetBucketVersioning", "twilio:FetchRecordingSettings"} <= cited
    assert "/Status" in [citation.pointer for citation in assessment.evidence]


def test_a_rule_that_yields_findings_fails_with_the_worst_of_their_severities() -> None:
    def check(target: Target) -> Findings:
        yield finding("mild", "a", severity=Severity.LOW)
        yield finding("bad", "b")

    assessment = outcome_of(check)
    assert assessment.outcome is Outcome.FAIL
    assert assessment.severity is Severity.HIGH
    assert [record.severity for record in assessment.findings] == [Severity.LOW, Severity.HIGH]


def test_findings_yielded_before_a_missing_fact_count() -> None:
    def check(target: Target) -> Findings:
        yield finding("bad")
        need(target.trails)

    case = sound()
    case.deny("cloudtrail:DescribeTrails")
    assert judge(make(check), case).outcome is Outcome.FAIL


def test_a_missing_fact_makes_the_rule_unknown_with_reason_and_permission() -> None:
    def check(target: Target) -> Findings:
        need(bucket_of(target).policy)
        return ()

    case = sound()
    case.deny("s3:GetBucketPolicy")
    assessment = judge(make(check), case)
    assert assessment.outcome is Outcome.UNKNOWN
    assert assessment.reason is Reason.ACCESS_DENIED
    assert assessment.permission == "s3:GetBucketPolicy"


def test_a_rule_that_does_not_apply_says_why() -> None:
    def check(target: Target) -> Findings:
        not_applicable("no such thing here")

    assessment = outcome_of(check)
    assert assessment.outcome is Outcome.NOT_APPLICABLE
    assert assessment.detail == "no such thing here"


def test_a_rule_that_raises_is_unknown_with_internal_error() -> None:
    def check(target: Target) -> Iterator[Finding]:
        raise RuntimeError("a secret sentence")
        yield finding("never")

    assessment = outcome_of(check)
    assert assessment.outcome is Outcome.UNKNOWN
    assert assessment.reason is Reason.INTERNAL_ERROR
    assert "secret" not in (assessment.detail or "")


def test_a_rule_that_reads_a_fact_without_need_is_told_so_and_never_passes() -> None:
    def compares(target: Target) -> Findings:
        if target.bucket == "owned":  # type: ignore[comparison-overlap]
            yield finding("never")

    def tests(target: Target) -> Findings:
        if not target.bucket:  # type: ignore[truthy-bool]
            yield finding("never")

    for check in (compares, tests):
        assessment = outcome_of(check)
        assert (assessment.outcome, assessment.reason) == (Outcome.UNKNOWN, Reason.INTERNAL_ERROR)
        assert "need()" in (assessment.detail or "")


def test_a_rule_that_exits_is_an_internal_error_and_does_not_end_the_scan() -> None:
    def check(target: Target) -> Findings:
        raise SystemExit(0)

    assessment = outcome_of(check)
    assert (assessment.outcome, assessment.reason) == (Outcome.UNKNOWN, Reason.INTERNAL_ERROR)


def test_a_severity_that_is_a_mere_word_is_refused() -> None:
    def check(target: Target) -> Findings:
        return ()

    with pytest.raises(PluginError, match=r"'sample-rule'.*'medium' is none of Severity.INFO, "):
        make(check, "medium")  # type: ignore[arg-type]


def test_a_rule_that_yields_worse_than_it_declares_is_an_internal_error_not_a_quiet_upgrade() -> None:
    def check(target: Target) -> Findings:
        yield finding("worse", severity=Severity.CRITICAL)

    assessment = outcome_of(check)
    assert (assessment.outcome, assessment.reason) == (Outcome.UNKNOWN, Reason.INTERNAL_ERROR)


def test_a_rule_that_asks_for_the_profile_gets_it() -> None:
    def check(target: Target, profile: Profile) -> Findings:
        if profile.key_max_age_days != 7:
            yield finding("other profile")

    [target] = sound().estate().recording_targets()
    assert assess(make(check), target, Profile(key_max_age_days=7)).outcome is Outcome.PASS
    assert assess(make(check), target, Profile()).outcome is Outcome.FAIL


def test_fingerprints_survive_changed_wording_and_severity_and_are_unique_in_a_rule() -> None:
    def before(target: Target) -> Findings:
        yield finding("one", "res-1", severity=Severity.LOW)
        yield finding("two", "res-2")
        yield finding("two again", "res-2")

    def after(target: Target) -> Findings:
        yield finding("eins", "res-1")
        yield finding("zwei", "res-2", severity=Severity.INFO)
        yield finding("nochmal", "res-2")

    old, new = outcome_of(before), outcome_of(after)
    assert old.fingerprint == new.fingerprint
    assert [f.fingerprint for f in old.findings] == [f.fingerprint for f in new.findings]
    assert len({f.fingerprint for f in old.findings}) == 3


def assessment(outcome: Outcome, severity: Severity) -> Assessment:
    def check(target: Target) -> Findings:
        yield finding("bad")

    template = outcome_of(check)
    return Assessment(
        rule_id=f"{severity}-rule", subject=template.subject, outcome=outcome, severity=severity, fingerprint="0"
    )


def gate_of(
    *assessments: Assessment,
    fail_on: Severity | None = Severity.CRITICAL,
    interrupted: bool = False,
    past_deadline: bool = False,
    left_out: int = 0,
) -> Gate:
    severities = {f"{severity}-rule": severity for severity in Severity}
    return judge_gate(
        assessments,
        fail_on,
        interrupted=interrupted or past_deadline,
        past_deadline=past_deadline,
        severities=severities,
        left_out=left_out,
    )


PASS = assessment(Outcome.PASS, Severity.CRITICAL)
N_A = assessment(Outcome.NOT_APPLICABLE, Severity.CRITICAL)
FAIL_HIGH = assessment(Outcome.FAIL, Severity.HIGH)
FAIL_CRITICAL = assessment(Outcome.FAIL, Severity.CRITICAL)
UNKNOWN_HIGH = assessment(Outcome.UNKNOWN, Severity.HIGH)
UNKNOWN_CRITICAL = assessment(Outcome.UNKNOWN, Severity.CRITICAL)
PASS_HIGH = assessment(Outcome.PASS, Severity.HIGH)
FAIL_MILDLY = replace(FAIL_HIGH, rule_id="critical-rule")
WAIVED = assessment(Outcome.WAIVED, Severity.CRITICAL)


@pytest.mark.parametrize(
    ("assessments", "fail_on", "status", "verdict"),
    [
        ([PASS], Severity.CRITICAL, 0, Verdict.PASS),
        ([PASS, FAIL_HIGH], Severity.CRITICAL, 0, Verdict.PASS),
        ([PASS, FAIL_HIGH], Severity.HIGH, 1, Verdict.FAIL),
        ([PASS, FAIL_CRITICAL], Severity.LOW, 1, Verdict.FAIL),
        ([PASS, UNKNOWN_HIGH], Severity.CRITICAL, 0, Verdict.PASS),
        ([PASS, UNKNOWN_CRITICAL], Severity.CRITICAL, 3, Verdict.INCOMPLETE),
        ([FAIL_CRITICAL, UNKNOWN_CRITICAL], Severity.CRITICAL, 1, Verdict.FAIL_INCOMPLETE),
        ([PASS, FAIL_CRITICAL, UNKNOWN_CRITICAL], None, 0, Verdict.FAIL_INCOMPLETE),
        ([PASS], None, 0, Verdict.PASS),
        ([PASS, WAIVED], Severity.CRITICAL, 0, Verdict.PASS),
        ([], Severity.CRITICAL, 3, Verdict.INCOMPLETE),
        ([N_A], Severity.CRITICAL, 3, Verdict.INCOMPLETE),
        ([UNKNOWN_HIGH], None, 3, Verdict.INCOMPLETE),
        ([PASS_HIGH], Severity.CRITICAL, 3, Verdict.INCOMPLETE),
        ([PASS_HIGH, FAIL_HIGH, N_A], Severity.CRITICAL, 3, Verdict.INCOMPLETE),
        ([PASS_HIGH], Severity.HIGH, 0, Verdict.PASS),
        ([FAIL_MILDLY], Severity.CRITICAL, 0, Verdict.PASS),
    ],
)
def test_the_gate(assessments: list[Assessment], fail_on: Severity | None, status: int, verdict: Verdict) -> None:
    gate = gate_of(*assessments, fail_on=fail_on)
    assert (gate.exit_status, gate.verdict) == (status, verdict)


def test_a_stopped_scan_is_never_a_pass() -> None:
    assert gate_of(PASS, interrupted=True).verdict is Verdict.INCOMPLETE
    assert gate_of(PASS, interrupted=True).exit_status == 130
    assert gate_of(FAIL_CRITICAL, interrupted=True).verdict is Verdict.FAIL_INCOMPLETE


DEADLINE = "the deadline passed before everything was asked"


@pytest.mark.parametrize(
    ("found", "fail_on", "verdict", "status", "reason"),
    [
        ([PASS], Severity.CRITICAL, Verdict.INCOMPLETE, 3, DEADLINE),
        ([PASS], None, Verdict.INCOMPLETE, 3, DEADLINE),
        ([], Severity.CRITICAL, Verdict.INCOMPLETE, 3, f"nothing could be judged; {DEADLINE}"),
        (
            [FAIL_CRITICAL],
            Severity.CRITICAL,
            Verdict.FAIL_INCOMPLETE,
            1,
            f"1 check at or above critical failed; {DEADLINE}",
        ),
        ([FAIL_CRITICAL], None, Verdict.FAIL_INCOMPLETE, 3, DEADLINE),
    ],
    ids=["passes", "without a gate", "nothing", "fails", "fails without a gate"],
)
def test_a_scan_that_its_deadline_stopped_is_incomplete(
    found: list[Assessment], fail_on: Severity | None, verdict: Verdict, status: int, reason: str
) -> None:
    gate = gate_of(*found, fail_on=fail_on, past_deadline=True)
    assert (gate.verdict, gate.exit_status, gate.exit_reason) == (verdict, status, reason)


@pytest.mark.parametrize(
    ("fail_on", "says"),
    [(Severity.CRITICAL, "nothing was judged at critical"), (Severity.HIGH, "nothing was judged at or above high")],
)
def test_a_scan_without_a_check_at_the_gate_says_so(fail_on: Severity, says: str) -> None:
    low = assessment(Outcome.PASS, Severity.LOW)
    assert gate_of(low, fail_on=fail_on).exit_reason == says


def test_the_gate_says_how_many_rules_were_left_out() -> None:
    assert gate_of(PASS, left_out=12).exit_reason.endswith(" could be decided; 12 rules were left out")
    assert gate_of(FAIL_CRITICAL, left_out=1).exit_reason.endswith(" failed; 1 rule was left out")


def test_coverage_names_each_gap_with_the_permission_that_would_close_it() -> None:
    def check(target: Target) -> Findings:
        need(bucket_of(target).policy)
        return ()

    case = sound()
    case.deny("s3:GetBucketPolicy")
    result = assess_snapshot(case.snapshot(), [make(check)], fail_on=None)
    [gap] = result.coverage.gaps
    assert (gap.permission, gap.operations, gap.assessments) == ("s3:GetBucketPolicy", ("s3:GetBucketPolicy",), 1)
    assert (result.coverage.planned, result.coverage.evaluated) == (1, 0)


def test_what_a_stopped_scan_did_not_ask_is_called_so() -> None:
    def check(target: Target) -> Findings:
        need(bucket_of(target).policy)
        return ()

    case = sound()
    case.forget("s3:GetBucketPolicy")
    result = assess_snapshot(replace(case.snapshot(), interrupted=True), [make(check)], fail_on=None)
    [gap] = result.coverage.gaps
    assert (gap.reason, gap.permission, gap.operations) == (Reason.NOT_ASKED, None, ())
    assert gap.detail == "the scan was stopped before it asked s3:GetBucketPolicy"


def test_a_list_that_was_cut_makes_its_population_incomplete() -> None:
    case = sound()
    case.set("twilio:ListRecordings", "/truncated", True, status="completed")
    population = {p.kind: p for p in assess_snapshot(case.snapshot(), [], fail_on=None).coverage.population}
    assert not population["Recordings"].complete
    assert population["Compositions"].complete


@pytest.mark.parametrize("bad_id", ["Bucket", "bucket", "bucket_versioning", "bucket--x", "-bucket-x"])
def test_an_id_that_is_not_kebab_case_is_refused(bad_id: str) -> None:
    def check(target: Target) -> Findings:
        return ()

    with pytest.raises(PluginError, match="kebab-case"):
        make(check, rule_id=bad_id)


def test_a_rule_with_other_parameters_is_refused() -> None:
    def check(target: Target, profile: Profile, more: object) -> Findings:
        return ()

    with pytest.raises(PluginError, match="a subject and, at most, a profile"):
        make(check)


def test_the_result_tells_who_can_do_what_and_where_that_is_not_known() -> None:
    made = assess_snapshot(sound().snapshot(), [], fail_on=None)
    [reviewers] = [record for record in made.access if record.principal.endswith(f"/{REVIEWERS}")]
    assert reviewers.target == f"twilio:{TWILIO_ACCOUNT}/recordings"
    assert [ability.ability for ability in reviewers.abilities] == ["fetch", "decrypt", "read"]
    read = reviewers.ability("read")
    assert read is not None
    assert [request.action for request in read.witness] == ["s3:GetObject", "kms:Decrypt"]
    assert reviewers.ability("write") is None
    assert made.access_gaps == ()
    assert made.scan.action_data == data_date()

    case = sound()
    case.deny("kms:GetKeyPolicy")
    made = assess_snapshot(case.snapshot(), [], fail_on=None)
    assert made.access == ()
    assert [(gap.target, gap.permission) for gap in made.access_gaps] == [
        (f"twilio:{TWILIO_ACCOUNT}/recordings", "kms:GetKeyPolicy")
    ]
