"""Whether a stored result agrees with itself: whatever follows from its other parts is worked out again.

This finds damage and edits that forgot something. It is no signature: who changes everything alike is not found. Of a
result that was made to be shared, only what it still has is worked out: its reports say that something was taken out.
"""

from collections import Counter
from collections.abc import Iterator

from recordscan import __version__
from recordscan.controls import control_outcomes, control_status, outcomes_by_rule
from recordscan.engine import judge_gate
from recordscan.facts import Source
from recordscan.observation import evidence_sha256, observation_id, observation_key
from recordscan.result import Assessment, Outcome, ScanResult, WaiverState, fingerprint
from recordscan.rule import Severity
from recordscan.score import score_of


def disagreements(result: ScanResult) -> Iterator[str]:
    """What does not agree, each in a few words that name the place."""
    yield from _evidence(result)
    yield from _assessments(result)
    # What is counted and concluded can only be worked out from assessments that hold together, and are all there.
    whole = result.withheld is None or not result.withheld.passed
    if whole and {a.rule_id for a in result.assessments} <= {rule.id for rule in result.rules}:
        yield from _gate(result)
    if result.exit is not None and result.exit != result.gate.exit:
        yield f"the scan is said to have exited with {result.exit.code}, but its gate makes it {result.gate.exit.code}"
    if whole:
        yield from _coverage(result)
        yield from _controls(result)
        yield from _score(result)
        yield from _trend(result)


def _evidence(result: ScanResult) -> Iterator[str]:
    hashed, withheld = _withheld(result)
    for item in result.evidence:
        if not hashed and item.id != observation_id(
            observation_key(item.operation, item.account, item.region, item.request)
        ):
            yield f"the id of the evidence {item.id} is not that of its question"
        if not withheld and item.sha256 != evidence_sha256(item.outcome, item.answer, item.error_code):
            yield f"the SHA-256 of the evidence {item.id} ({item.operation}) is not that of its answer"
    twice = [name for name, number in Counter(item.id for item in result.evidence).items() if number > 1]
    yield from (f"the evidence {name} stands there twice" for name in twice)


def _withheld(result: ScanResult) -> tuple[bool, bool]:
    """Whether names were hashed, and whether answers were left out."""
    made = result.withheld
    return made is not None and bool(made.hashed), made is not None and made.evidence


def _assessments(result: ScanResult) -> Iterator[str]:
    hashed, _ = _withheld(result)
    rules = {rule.id: rule for rule in result.rules}
    evidence = {item.id for item in result.evidence}
    for assessment in result.assessments:
        where = f"the assessment of {assessment.rule_id} on {assessment.subject.uid}"
        rule = rules.get(assessment.rule_id)
        cited = {place.observation for places in _places(assessment) for place in places}
        if rule is None:
            yield f"{where} is by a rule that the result does not have"
        elif assessment.severity is not _severity(assessment, rule.severity):
            yield f"the severity of {where} is not that of its findings and rule"
        if (assessment.outcome in (Outcome.FAIL, Outcome.WAIVED)) != bool(assessment.findings):
            yield f"{where} is a {assessment.outcome} with {len(assessment.findings)} findings"
        yield from _waivers(assessment, result, where)
        if not hashed and assessment.fingerprint != fingerprint(assessment.rule_id, assessment.subject.uid):
            yield f"the fingerprint of {where} is another's"
        if rule and assessment.aliases != tuple(fingerprint(name, assessment.subject.uid) for name in rule.aliases):
            yield f"the earlier fingerprints of {where} are another's"
        if cited - evidence:
            yield f"{where} rests on evidence that the result does not have"
        if assessment.remedy is not None and assessment.outcome not in (Outcome.FAIL, Outcome.WAIVED):
            yield f"{where} is a {assessment.outcome} with a remedy"
    twice = [name for name, number in Counter(a.fingerprint for a in result.assessments).items() if number > 1]
    yield from (f"the assessment {name} stands there twice" for name in twice)


def _waivers(assessment: Assessment, result: ScanResult, where: str) -> Iterator[str]:
    in_force = {w.id for w in result.waivers if w.state in (WaiverState.ACTIVE, WaiverState.EXPIRING)}
    waived = [found.waiver for found in assessment.findings]
    if (assessment.outcome is Outcome.WAIVED) != (bool(waived) and None not in waived):
        yield f"{where} is a {assessment.outcome}, which is not what its waived findings make it"
    if {name for name in (assessment.waiver, *waived) if name is not None} - in_force:
        yield f"{where} is covered by a waiver that the result does not have, or that is not in force"


def _places(assessment: Assessment) -> tuple[Source, ...]:
    return (assessment.evidence, *(found.evidence for found in assessment.findings))


def _severity(assessment: Assessment, declared: Severity) -> Severity:
    left = [found for found in assessment.findings if found.waiver is None]
    counted = assessment.findings if assessment.outcome is Outcome.WAIVED else left
    return max((found.severity for found in counted), key=lambda level: level.rank, default=declared)


def _gate(result: ScanResult) -> Iterator[str]:
    gate = judge_gate(
        result.assessments,
        result.gate.fail_on,
        interrupted=result.scan.interrupted,
        past_deadline=result.scan.past_deadline,
        severities={rule.id: rule.severity for rule in result.rules},
        left_out=len(result.coverage.not_selected),
        only_new=result.gate.only_new,
        min_coverage=result.gate.min_coverage,
        exit_zero=result.gate.exit_zero,
    )
    if gate.verdict is not result.gate.verdict:
        yield f"the verdict is {result.gate.verdict}, but the assessments make it {gate.verdict}"
    if gate.exit_status != result.gate.exit_status:
        yield f"the exit status is {result.gate.exit_status}, but the assessments make it {gate.exit_status}"
    # Another version may say the same in other words.
    if result.scan.tool_version == __version__ and gate.exit_reason != result.gate.exit_reason:
        yield f"the verdict's reason is not what the assessments make it: {gate.exit_reason}"


def _coverage(result: ScanResult) -> Iterator[str]:
    applicable = [a for a in result.assessments if a.outcome is not Outcome.NOT_APPLICABLE]
    unknown = [a for a in applicable if a.outcome is Outcome.UNKNOWN]
    coverage = result.coverage
    if (coverage.planned, coverage.evaluated) != (len(applicable), len(applicable) - len(unknown)):
        yield f"the coverage is {coverage.evaluated} of {coverage.planned}, but the assessments make it another"
    counted = Counter((a.reason, a.detail or "", a.permission) for a in unknown)
    told = {(gap.reason, gap.detail, gap.permission): gap.assessments for gap in coverage.gaps}
    if counted != told or len(told) != len(coverage.gaps):
        yield "the gaps of the coverage are not those of the unknown assessments"


def _controls(result: ScanResult) -> Iterator[str]:
    outcomes = outcomes_by_rule(result.assessments)
    rules = {rule.id for rule in result.rules}
    for framework in result.frameworks:
        named = {
            (rule.id, c.control, c.mark) for rule in result.rules for c in rule.controls if c.framework == framework.id
        }
        told = [(m.rule_id, m.control, m.mark) for control in framework.controls for m in control.mappings]
        if Counter(mapping for mapping in told if mapping[0] in rules) != Counter(named):
            yield f"the rules behind the controls of {framework.name} are not those that name them"
        for control in framework.controls:
            where = f"the control {control.id} of {framework.name}"
            if {m.rule_id for m in control.mappings} - rules != set(control.left_out):
                yield f"{where} counts other rules as left out than do not stand in the result"
            if control.outcomes != control_outcomes(control.mappings, outcomes):
                yield f"the numbers of {where} are not those of the assessments"
            elif control.status is not (status := control_status(control.outcomes, control.left_out)):
                yield f"{where} is {control.status}, but the assessments make it {status}"


def _score(result: ScanResult) -> Iterator[str]:
    if result.score is None:
        return
    score = score_of(result.assessments, result.coverage, interrupted=result.scan.interrupted)
    if score != result.score:
        yield "the score is not what the assessments and the population make it"


def _trend(result: ScanResult) -> Iterator[str]:
    if not result.trend:
        return
    own = result.trend[-1]
    outcomes = Counter(found.outcome for found in result.assessments)
    failing = Counter(found.severity for found in result.assessments if found.outcome is Outcome.FAIL)
    told = (own.scan_id, own.verdict, own.exit_status, own.planned, own.evaluated)
    here = (result.scan.scan_id, result.gate.headline, result.gate.exit_status)
    if told != (*here, result.coverage.planned, result.coverage.evaluated):
        yield "the last run of the trend is not this one"
    if (own.outcomes, own.failing) != (outcomes, failing):
        yield "the numbers of the last run of the trend are not those of the assessments"
