"""Rules × subjects → assessments → result. Pure: the same snapshot and rules give the same result."""

import json
import logging
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from functools import lru_cache

from recordscan import __version__
from recordscan.baseline import Baseline, label, record
from recordscan.controls import framework_ids, record_frameworks
from recordscan.errors import PluginError
from recordscan.estate.estate import Estate
from recordscan.estate.target import Target
from recordscan.facts import (
    Citation,
    Fact,
    FactMisuseError,
    Json,
    Known,
    Missing,
    NotApplicable,
    Reason,
    Unavailable,
    cite,
    derive,
    evidence_trail,
    if_known,
    need,
    remarks,
)
from recordscan.history import History
from recordscan.observation import Observation, ObservationOutcome, canonical_json
from recordscan.policy.actions import data_date
from recordscan.population import read_population
from recordscan.profile import Profile
from recordscan.redaction import MARK
from recordscan.remedy import ByHand, Remedy, Step
from recordscan.result import (
    RESULT_SCHEMA_VERSION,
    STAND_IN_NOTICE,
    AbilityRecord,
    AccessGap,
    AccessRecord,
    Assessment,
    ChainRecord,
    Coverage,
    EarlierRunRecord,
    Evidence,
    FindingRecord,
    Gap,
    Gate,
    Outcome,
    RuleRecord,
    ScanRecord,
    ScanResult,
    SubjectRecord,
    Verdict,
    WitnessRecord,
    fingerprint,
)
from recordscan.rule import Finding, Rule, Severity, Subject, current_ids
from recordscan.scope import Scope
from recordscan.score import score_of
from recordscan.snapshot import EarlierRun, Snapshot
from recordscan.waiver import Waivers, apply_waivers

log = logging.getLogger(__name__)


def assess_snapshot(
    snapshot: Snapshot,
    rules: Sequence[Rule],
    *,
    fail_on: Severity | None,
    profile: Profile | None = None,
    not_selected: Sequence[tuple[Rule, str]] = (),
    notices: Sequence[str] = (),
    waivers: Waivers | None = None,
    baseline: Baseline | None = None,
    history: History | None = None,
    only_new: bool = False,
    min_coverage: int = 100,
    exit_zero: bool = False,
    frameworks: Sequence[str] = (),
    score: bool = True,
) -> ScanResult:
    """Judge a snapshot.

    Args:
        snapshot: All observations of one scan.
        rules: The rules to run.
        fail_on: Severity of the gate; None for no gate.
        profile: Requirements; those stored in the snapshot where None.
        not_selected: Rules that were left out, each with why.
        notices: Sentences about this run that the report should show, such as an added plugin.
        waivers: Failures that are accepted on the day of the scan.
        baseline: Findings of an earlier scan, to tell new ones from.
        history: Earlier scans, to tell since when findings are there. Where there is a baseline too, that decides what
            is new.
        only_new: Let only findings that the baseline does not have break the gate.
        min_coverage: Percent of the checks at or above the gate that must be decided.
        exit_zero: End with 0 even where the gate is broken or the scan incomplete.
        frameworks: Short names of those whose controls the report should show; all where empty.
        score: Whether the result should say how much is sound.
    """
    estate = Estate(snapshot)
    profile = profile or snapshot.header.profile
    assessments = tuple(
        assess(rule, subject, profile)
        for rule in sorted(rules, key=lambda rule: rule.id)
        for subject in subjects_of(rule, estate)
    )
    assessments, waiver_records = apply_waivers(assessments, waivers or Waivers(), estate.as_of.date())
    scan = _scan_record(snapshot, profile, notices)
    ids = current_ids(rules)
    past = None if history is None else history.before(scan)
    for known in (past, baseline):
        if known is not None:
            assessments = label(assessments, known, scan, ids)
    coverage = _coverage(assessments, snapshot, estate, {rule.id: why for rule, why in not_selected})
    left_out = [rule for rule, _ in not_selected]
    access = [access_to(target) for target in estate.targets]
    gate = judge_gate(
        assessments,
        fail_on,
        interrupted=snapshot.interrupted,
        past_deadline=snapshot.past_deadline,
        severities={rule.id: rule.severity for rule in rules},
        left_out=len(coverage.not_selected),
        only_new=only_new,
        min_coverage=min_coverage,
        exit_zero=exit_zero,
    )
    result = ScanResult(
        schema_version=RESULT_SCHEMA_VERSION,
        scan=scan,
        gate=gate,
        exit=gate.exit,
        coverage=coverage,
        rules=tuple(_rule_record(rule) for rule in sorted(rules, key=lambda rule: rule.id)),
        assessments=assessments,
        evidence=tuple(_evidence(observation) for observation in snapshot.observations),
        access=tuple(record for records in access if isinstance(records, tuple) for record in records),
        access_gaps=tuple(gap for gap in access if isinstance(gap, AccessGap)),
        waivers=waiver_records,
        chains=tuple(chain_of(target) for target in estate.targets),
        frameworks=record_frameworks(
            frameworks or framework_ids((*rules, *left_out)), rules, assessments, left_out=left_out
        ),
        score=score_of(assessments, coverage, interrupted=snapshot.interrupted) if score else None,
    )
    compared = baseline or past
    if compared is not None and compared.scan_id:
        result = replace(result, baseline=record(result, compared))
    return result if history is None else replace(result, trend=history.trend(result))


def subjects_of(rule: Rule, estate: Estate) -> list[Subject]:
    """What a rule is about, by uid.

    Raises:
        PluginError: They cannot be told, or are no subjects.
    """
    try:
        return sorted(rule.subjects(estate), key=lambda subject: subject.uid)
    except Exception as error:
        log.exception("the subjects of the rule %s", rule.id)
        raise PluginError(
            f"the rule {rule.id!r} ({rule.check.__module__}) cannot tell its subjects: {type(error).__name__}: {error}"
        ) from error


def access_to(target: Target) -> tuple[AccessRecord, ...] | AccessGap:
    """Who can do what to a target; nobody where it has no bucket."""
    reach = target.reach
    if isinstance(reach, Unavailable):
        return AccessGap(target=target.uid, reason=reach.reason, detail=reach.detail, permission=reach.permission)
    lines: dict[tuple[str, str], list[AbilityRecord]] = defaultdict(list)
    for line in reach.value:
        lines[line.name, line.kind].append(
            AbilityRecord(
                ability=line.ability,
                certain=line.certain,
                witness=tuple(WitnessRecord(action=ask.action, resource=ask.resource) for ask in line.witness),
                because=line.because,
                depends_on=line.depends_on,
            )
        )
    return tuple(
        AccessRecord(target=target.uid, principal=principal, kind=kind, abilities=tuple(abilities))
        for (principal, kind), abilities in lines.items()
    )


def chain_of(target: Target) -> ChainRecord:
    """What a target's setting, credential, writer, bucket and key are."""
    bucket = target.bucket
    facts: dict[str, Fact[str | None]] = {
        "url": Known(None) if target.setting is None else target.setting.url,
        "credential": Known(None) if target.setting is None else target.setting.credential_sid,
        "writer": derive(lambda: None if (user := need(target.writer)) is None else user.arn),
        "bucket": derive(lambda: None if (found := need(bucket)) is None else found.arn),
        "region": derive(lambda: None if (found := need(bucket)) is None else need(found.region)),
        "key": derive(lambda: None if (key := need(target.key)) is None else if_known(key.arn) or key.reference),
    }
    known = {name: if_known(fact) for name, fact in facts.items()}
    unknown = tuple(name for name, fact in facts.items() if isinstance(fact, Unavailable))
    return ChainRecord(target=target.uid, unknown=unknown, **known)


def assess(rule: Rule, subject: Subject, profile: Profile) -> Assessment:
    """Run one rule on one subject.

    Findings that were yielded before a fact was missing count: the requirement is broken whatever the fact would say.
    """
    findings: list[FindingRecord] = []
    missing: Missing | None = None
    with remarks() as said, evidence_trail() as trail:
        try:
            for record in _finding_records(rule, subject, rule.findings(subject, profile)):
                findings.append(record)
                cite(record.evidence)
        except Missing as error:
            missing = error
            cite(error.fact.source)
        except NotApplicable as error:
            return _assessment(rule, subject, Outcome.NOT_APPLICABLE, trail, detail=str(error))
        except (Exception, SystemExit) as error:
            log.exception("the rule %s raised on %s", rule.id, subject.uid)
            what = str(error) if isinstance(error, FactMisuseError) else f"the rule raised {type(error).__name__}"
            detail = f"{what}; run with -v for the details"
            return _assessment(rule, subject, Outcome.UNKNOWN, trail, reason=Reason.INTERNAL_ERROR, detail=detail)
    if findings:
        worst = max((record.severity for record in findings), key=lambda severity: severity.rank)
        return _assessment(
            rule,
            subject,
            Outcome.FAIL,
            trail,
            severity=worst,
            detail=None if missing is None else missing.fact.detail,
            findings=tuple(findings),
            remedy=remedy_of(rule, subject, profile),
        )
    if missing is not None:
        fact = missing.fact
        return _assessment(
            rule,
            subject,
            Outcome.UNKNOWN,
            trail,
            reason=fact.reason,
            detail=fact.detail,
            permission=fact.permission,
        )
    return _assessment(rule, subject, Outcome.PASS, trail, detail="; ".join(said) or None)


def remedy_of(rule: Rule, subject: Subject, profile: Profile) -> Remedy | None:
    """What mends a failure; None where the rule has no remedy. It never changes the outcome, whatever goes wrong."""
    try:
        remedy = rule.remedy(subject, profile)
        for step in remedy.steps if remedy is not None else ():
            if MARK in canonical_json(step.request()):
                return Remedy(by_hand="the setting held what was taken out of the answer as a secret")
    except ByHand as error:
        return Remedy(by_hand=str(error))
    except Missing as error:
        return Remedy(by_hand=f"what is there now is not known: {error.fact.detail}")
    except NotApplicable as error:
        return Remedy(by_hand=str(error))
    except (Exception, SystemExit) as error:
        log.exception("the remedy of the rule %s raised on %s", rule.id, subject.uid)
        return Remedy(by_hand=f"the remedy raised {type(error).__name__}; run with -v for the details")
    if remedy is not None and not remedy.steps:
        return Remedy(by_hand="nothing that a call could change was found")
    return None if remedy is None else replace(remedy, steps=tuple(_in_order(step) for step in remedy.steps))


def _in_order(step: Step) -> Step:
    """A step with its members in the order that a stored result has them in, so that both render alike."""
    document = step.document
    if document is not None:
        edits = tuple(replace(edit, value=_sorted(edit.value)) for edit in document.edits)
        document = replace(document, current=_sorted(document.current), edits=edits)
    return replace(step, parameters=_sorted(step.parameters), document=document)


def _sorted(value: Json) -> Json:
    return _loaded(canonical_json(value))


@lru_cache(maxsize=1 << 12)  # many buckets are mended alike
def _loaded(text: str) -> Json:
    return json.loads(text)


_PAST_DEADLINE = "the deadline passed before everything was asked"


def judge_gate(
    assessments: Iterable[Assessment],
    fail_on: Severity | None,
    *,
    interrupted: bool,
    past_deadline: bool = False,
    severities: Mapping[str, Severity],
    left_out: int = 0,
    only_new: bool = False,
    min_coverage: int = 100,
    exit_zero: bool = False,
) -> Gate:
    """Decide verdict and exit status.

    A fail at or above `fail_on` breaks the gate (1). Otherwise a rule that severe that stayed unknown, or a scan in
    which no rule that severe was judged, is incomplete (3): an empty scan is not a clean scan. So is one that its
    deadline stopped, with or without a gate; one that was stopped otherwise is 130. Without a gate the status is 0, and
    the verdict still tells what was found. Less coverage that is put up with changes the status only: the verdict never
    passes what could not be decided.

    Args:
        assessments: All of the scan.
        fail_on: Severity of the gate; None for no gate.
        interrupted: Whether the scan was stopped.
        past_deadline: Whether it was its deadline that stopped it.
        severities: Rule id → the severity that it declares, as the findings of a fail may be milder.
        left_out: Number of rules that were left out on request, which the sentence says.
        only_new: Let a fail break the gate only with a finding that is new.
        min_coverage: Percent of the checks at or above the gate that must be decided.
        exit_zero: See `Gate`.
    """
    assessments = list(assessments)
    least = 0 if fail_on is None else fail_on.rank
    gated = [a for a in assessments if a.severity.rank >= least]
    decided = [a for a in assessments if a.outcome in (Outcome.PASS, Outcome.FAIL, Outcome.WAIVED)]
    judged = sum(severities[a.rule_id].rank >= least for a in decided)
    failed = sum(a.outcome is Outcome.FAIL and (not only_new or _has_new(a, least)) for a in gated)
    unknown = sum(a.outcome is Outcome.UNKNOWN and a.waiver is None for a in gated)
    verdict = _verdict(failed=failed > 0, incomplete=unknown > 0 or judged == 0 or interrupted)
    at = ("" if fail_on is None else f" at or above {fail_on}") + (" with new findings" if only_new else "")
    if interrupted and not past_deadline:
        status, reason = 130, "the scan was stopped"
    elif not decided:
        status, reason = 3, "nothing could be judged"
    elif past_deadline and (fail_on is None or not failed):
        status, reason = 3, _PAST_DEADLINE
    elif fail_on is None:
        every = sum(a.outcome is Outcome.FAIL for a in assessments)
        new = f", {failed} of them with new findings" if only_new else ""
        status, reason = 0, f"no gate was set; {every} of all checks failed{new}, {unknown} could not be decided"
    elif failed:
        status, reason = 1, f"{failed} {'check' if failed == 1 else 'checks'}{at} failed"
    elif not judged and (min_coverage < 100 or not unknown):
        status, reason = 3, f"nothing was judged{' at critical' if fail_on is Severity.CRITICAL else at}"
    elif unknown:
        reason = f"{unknown} {'check' if unknown == 1 else 'checks'}{at} could not be decided"
        enough = 100 * judged >= min_coverage * (judged + unknown)
        status = 0 if enough else 3
        if min_coverage < 100:
            # Rounded down, so that what is too little never reads as if it were enough.
            percent = 100 * judged // (judged + unknown)
            how = f"{percent} % were, and {min_coverage} % must be"
            reason = f"no check{at} failed; {reason}: {how}" if enough else f"{reason}: {how}"
    else:
        status, reason = 0, f"no check{at} failed, and all of them could be decided"
    if past_deadline and reason != _PAST_DEADLINE:
        reason += f"; {_PAST_DEADLINE}"
    if left_out:
        reason += f"; {left_out} {'rule was' if left_out == 1 else 'rules were'} left out"
    return Gate(
        fail_on=fail_on,
        verdict=verdict,
        exit_status=status,
        exit_reason=reason,
        only_new=only_new,
        min_coverage=min_coverage,
        exit_zero=exit_zero,
    )


def _has_new(assessment: Assessment, least: int) -> bool:
    found = (f for f in assessment.findings if f.lifecycle not in (None, "existing") and f.waiver is None)
    return any(finding.severity.rank >= least for finding in found)


def _verdict(*, failed: bool, incomplete: bool) -> Verdict:
    if failed:
        return Verdict.FAIL_INCOMPLETE if incomplete else Verdict.FAIL
    return Verdict.INCOMPLETE if incomplete else Verdict.PASS


def _assessment(
    rule: Rule,
    subject: Subject,
    outcome: Outcome,
    trail: Iterable[Citation],
    *,
    severity: Severity | None = None,
    reason: Reason | None = None,
    detail: str | None = None,
    permission: str | None = None,
    findings: tuple[FindingRecord, ...] = (),
    remedy: Remedy | None = None,
) -> Assessment:
    return Assessment(
        rule_id=rule.id,
        subject=_subject_record(
            subject.uid, subject.kind, subject.name, subject.provider, subject.account_id, subject.region_name
        ),
        outcome=outcome,
        severity=severity or rule.severity,
        reason=reason,
        detail=detail,
        permission=permission,
        findings=findings,
        evidence=tuple(trail),
        fingerprint=fingerprint(rule.id, subject.uid),
        remedy=remedy,
        aliases=tuple(fingerprint(name, subject.uid) for name in rule.aliases),
    )


@lru_cache(maxsize=1 << 16)  # one for all the rules on a subject
def _subject_record(
    uid: str, kind: str, name: str, provider: str, account: str | None, region: str | None
) -> SubjectRecord:
    return SubjectRecord(uid=uid, kind=kind, name=name, provider=provider, account=account, region=region)


def _finding_records(rule: Rule, subject: Subject, findings: Iterable[Finding]) -> Iterator[FindingRecord]:
    seen: Counter[str] = Counter()
    for found in findings:
        severity = found.severity or rule.severity
        if severity.rank > rule.severity.rank:
            raise ValueError(f"{rule.id} yields a {severity} finding, but declares {rule.severity} as its worst")
        seen[found.discriminator] += 1
        number = seen[found.discriminator]
        parts = (subject.uid, found.discriminator, *((str(number),) if number > 1 else ()))
        yield FindingRecord(
            message=found.message,
            severity=severity,
            resources=found.resources,
            expected=found.expected,
            observed=found.observed,
            evidence=found.evidence,
            fingerprint=fingerprint(rule.id, *parts),
            aliases=tuple(fingerprint(name, *parts) for name in rule.aliases),
        )


def _coverage(
    assessments: Sequence[Assessment], snapshot: Snapshot, estate: Estate, not_selected: Mapping[str, str]
) -> Coverage:
    applicable = [a for a in assessments if a.outcome is not Outcome.NOT_APPLICABLE]
    unknown = [a for a in applicable if a.outcome is Outcome.UNKNOWN]
    return Coverage(
        planned=len(applicable),
        evaluated=len(applicable) - len(unknown),
        gaps=_gaps(unknown, snapshot),
        population=read_population(estate),
        not_selected=dict(not_selected),
    )


def _gaps(unknown: Sequence[Assessment], snapshot: Snapshot) -> tuple[Gap, ...]:
    failed = {o.id: o.operation for o in snapshot.observations if o.outcome is ObservationOutcome.FAILED}
    groups: dict[tuple[Reason, str, str | None], list[Assessment]] = defaultdict(list)
    for assessment in unknown:
        reason = assessment.reason or Reason.INTERNAL_ERROR
        groups[reason, assessment.detail or "", assessment.permission].append(assessment)
    gaps = [
        Gap(
            reason=reason,
            detail=detail,
            permission=permission,
            operations=tuple(
                sorted({failed[c.observation] for a in group for c in a.evidence if c.observation in failed})
            ),
            assessments=len(group),
            severity=max((a.severity for a in group), key=lambda severity: severity.rank),
        )
        for (reason, detail, permission), group in groups.items()
    ]
    return tuple(sorted(gaps, key=lambda gap: (-gap.severity.rank, -gap.assessments, gap.detail)))


def _scan_record(snapshot: Snapshot, profile: Profile, notices: Sequence[str]) -> ScanRecord:
    header = snapshot.header
    return ScanRecord(
        scan_id=header.scan_id,
        started=header.started,
        ended=snapshot.ended,
        tool_version=__version__,
        collector_version=header.tool_version,
        asked_by=dict(header.asked_by),
        scope=_plain(header.scope),
        profile=_plain(profile),
        interrupted=snapshot.interrupted,
        past_deadline=snapshot.past_deadline,
        earlier_runs=tuple(
            EarlierRunRecord(scan_id=run.scan_id, ended=run.ended, evidence=run.observations)
            for run in snapshot.earlier_runs
        ),
        notices=(
            *(f"{STAND_IN_NOTICE}, {stand_in}, and show nothing of the real one" for stand_in in header.stand_ins),
            *notices,
            *(_earlier_notice(run) for run in snapshot.earlier_runs),
        ),
        action_data=data_date(),
    )


def _earlier_notice(run: EarlierRun) -> str:
    answers = "1 answer was" if len(run.observations) == 1 else f"{len(run.observations)} answers were"
    return f"{answers} taken over from the run {run.scan_id}, which ended at {run.ended} before it had asked everything"


def _plain(value: Scope | Profile) -> dict[str, Json]:
    """A dataclass as JSON holds it, so that a result read back equals the one written."""
    plain: dict[str, Json] = json.loads(canonical_json(asdict(value)))
    return plain


def _rule_record(rule: Rule) -> RuleRecord:
    return RuleRecord(
        id=rule.id,
        title=rule.title,
        severity=rule.severity,
        family=rule.family,
        rationale=rule.rationale,
        remediation=rule.remediation,
        controls=rule.controls,
        references=rule.references,
        guide=rule.guide,
        peers=rule.peers,
        aliases=rule.aliases,
    )


def _evidence(observation: Observation) -> Evidence:
    error = observation.error
    return Evidence(
        id=observation.id,
        sha256=observation.sha256,
        operation=observation.operation,
        account=observation.account,
        region=observation.region,
        request=dict(observation.request),
        outcome=observation.outcome.value,
        answer=observation.answer,
        error_code=error.code if error else None,
        error_message=error.message if error else None,
        http_status=error.http_status if error else None,
        reason=error.reason if error and observation.outcome is ObservationOutcome.FAILED else None,
        permission=observation.permission,
        collected_at=observation.collected_at,
        attempts=observation.attempts,
        request_id=observation.request_id,
        redactions=observation.redactions,
    )
