"""Waivers: failures that somebody with authority has accepted, each for a time. They are applied after all rules ran.

A waived failure keeps its findings and its evidence. It counts as waived only as long as every finding of it is
covered; what is unknown can be accepted as a gap, but stays unknown.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from fnmatch import fnmatchcase
from typing import Literal, TypeAlias

from recordscan.result import Assessment, FindingRecord, Outcome, WaiverRecord, WaiverState
from recordscan.rule import Severity

WaiverKind: TypeAlias = Literal["risk_accepted", "false_positive", "compensating_control", "in_progress", "accept_gap"]
MatchKey: TypeAlias = Literal["account", "region", "resource", "subject", "fingerprint"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiver:
    """One entry of a waiver file.

    Attributes:
        id: Its own, such as WV-2026-014.
        rule: Id of the rule whose failures it accepts.
        match: What it is about, all of it: account, region, resource (ARN, SID or URL), subject (uid) or fingerprint.
        globs: Keys of `match` whose values are patterns.
        severity_at_most: A failure that is worse is not covered.
        kind: Why it is accepted; `accept_gap` accepts that something is unknown.
        reason: In words.
        owner: Who answers for it.
        requested_by: Who asked for it; None where nobody is named.
        approved_by: Who accepted it; None while it is pending.
        approved_on: When.
        created: When it was written.
        expires: The last day, in UTC, on which it holds.
        ticket: Where it is discussed; None for nowhere.
        compensating_controls: What is done instead.
        line: Where its entry begins in the file.
        former: Ids that the rule had before: what an earlier version judged under these is still its own.
    """

    id: str
    rule: str
    match: Mapping[MatchKey, str]
    globs: frozenset[MatchKey] = frozenset()
    severity_at_most: Severity = Severity.CRITICAL
    kind: WaiverKind
    reason: str
    owner: str
    requested_by: str | None = None
    approved_by: str | None
    approved_on: date | None = None
    created: date
    expires: date
    ticket: str | None = None
    compensating_controls: tuple[str, ...] = ()
    line: int | None = None
    former: tuple[str, ...] = ()

    def covers(self, assessment: Assessment, finding: FindingRecord | None) -> bool:
        """Whether it is about a finding, or about an unknown assessment, whatever its severity and date."""
        about = _about(assessment, finding)
        return assessment.rule_id in (self.rule, *self.former) and all(
            any(fnmatchcase(value, wanted) if key in self.globs else value == wanted for value in about[key])
            for key, wanted in self.match.items()
        )

    @property
    def narrowness(self) -> tuple[bool, int, int]:
        """To compare waivers by: a fingerprint is narrowest, then more keys, then fewer patterns."""
        return "fingerprint" in self.match, len(self.match), -len(self.globs)


def _about(assessment: Assessment, finding: FindingRecord | None) -> dict[MatchKey, tuple[str, ...]]:
    subject = assessment.subject
    resources = () if finding is None else finding.resources
    arns = [resource.split(":", 5) for resource in resources if resource.startswith("arn:")]
    return {
        "account": (*filter(None, [subject.account]), *(arn[4] for arn in arns if len(arn) == 6)),
        "region": (*filter(None, [subject.region]), *(arn[3] for arn in arns if len(arn) == 6)),
        "resource": (subject.uid, *resources),
        "subject": (subject.uid,),
        "fingerprint": (
            *(assessment.fingerprint, *assessment.aliases),
            *(() if finding is None else (finding.fingerprint, *finding.aliases)),
        ),
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Waivers:
    """A waiver file.

    Attributes:
        entries: Its waivers, in order.
        warn_days: A waiver that ends in so many days is told to be expiring.
        file: Name of the file; "" for none.
        sha256: Of the file.
        notices: Sentences about it that the report should show, such as a rule that has another id now.
    """

    entries: tuple[Waiver, ...] = ()
    warn_days: int = 30
    file: str = ""
    sha256: str = ""
    notices: tuple[str, ...] = ()

    @property
    def number_said(self) -> str:
        """How many there are, in words."""
        return "1 waiver" if len(self.entries) == 1 else f"{len(self.entries)} waivers"

    def state(self, waiver: Waiver, on: date) -> WaiverState:
        """What a waiver is on a day, wherever it matches."""
        if waiver.approved_by is None:
            return WaiverState.PENDING
        if on > waiver.expires:
            return WaiverState.EXPIRED
        return WaiverState.EXPIRING if (waiver.expires - on).days <= self.warn_days else WaiverState.ACTIVE


@dataclass(slots=True)
class _Use:
    """How often a waiver matched and was applied, and what kept it from that."""

    matched: Counter[str] = field(default_factory=Counter)
    applied: Counter[str] = field(default_factory=Counter)
    notes: dict[str, dict[str, None]] = field(default_factory=dict)


def unwaived(assessment: Assessment) -> Assessment:
    """An assessment as it was before any waiver."""
    findings = tuple(replace(found, waiver=None, pending=None) for found in assessment.findings)
    if not findings:
        return replace(assessment, waiver=None)
    worst = max((found.severity for found in findings), key=lambda severity: severity.rank)
    return replace(assessment, findings=findings, outcome=Outcome.FAIL, severity=worst, waiver=None)


def apply_waivers(
    assessments: Iterable[Assessment], waivers: Waivers, on: date
) -> tuple[tuple[Assessment, ...], tuple[WaiverRecord, ...]]:
    """Waive what waivers cover on a day.

    Returns:
        The assessments, those that are covered with another outcome, and what became of each waiver.
    """
    use = _Use()
    applied = tuple(_waived(assessment, waivers, on, use) for assessment in assessments)
    return applied, tuple(_record(waiver, waivers, on, use) for waiver in waivers.entries)


def _waived(assessment: Assessment, waivers: Waivers, on: date, use: _Use) -> Assessment:
    if assessment.outcome is Outcome.UNKNOWN:
        return replace(assessment, waiver=_choose(assessment, None, waivers, on, use)[0])
    if assessment.outcome is not Outcome.FAIL:
        return assessment
    chosen = [(found, _choose(assessment, found, waivers, on, use)) for found in assessment.findings]
    findings = tuple(replace(found, waiver=waiver, pending=pending) for found, (waiver, pending) in chosen)
    left = [found for found in findings if found.waiver is None]
    return replace(
        assessment,
        findings=findings,
        outcome=Outcome.FAIL if left else Outcome.WAIVED,
        severity=max((found.severity for found in left or findings), key=lambda severity: severity.rank),
    )


def _choose(
    assessment: Assessment, finding: FindingRecord | None, waivers: Waivers, on: date, use: _Use
) -> tuple[str | None, str | None]:
    """The id of the narrowest waiver that applies; where none does, of one that would if somebody had approved it."""
    chosen: Waiver | None = None
    pending: Waiver | None = None
    gap = finding is None
    for waiver in _narrowest_first(waivers.entries):
        if (waiver.kind == "accept_gap") is not gap or not waiver.covers(assessment, finding):
            continue
        use.matched[waiver.id] += 1
        severity = assessment.severity if finding is None else finding.severity
        state = waivers.state(waiver, on)
        if state is WaiverState.PENDING and severity.rank <= waiver.severity_at_most.rank:
            pending = pending or waiver
        if state not in (WaiverState.ACTIVE, WaiverState.EXPIRING):
            continue
        if severity.rank > waiver.severity_at_most.rank:
            _note(use, waiver, f"what it covers is {severity} now, worse than {waiver.severity_at_most}")
        elif chosen is None:
            chosen = waiver
        else:
            rank = "is narrower" if chosen.narrowness > waiver.narrowness else "stands before it"
            _note(use, waiver, f"{chosen.id} {rank} and covers the same")
    if chosen is None:
        return None, None if pending is None else pending.id
    use.applied[chosen.id] += 1
    return chosen.id, None


def _narrowest_first(waivers: Sequence[Waiver]) -> list[Waiver]:
    return sorted(waivers, key=lambda waiver: waiver.narrowness, reverse=True)


def _note(use: _Use, waiver: Waiver, note: str) -> None:
    use.notes.setdefault(waiver.id, {})[note] = None


def _record(waiver: Waiver, waivers: Waivers, on: date, use: _Use) -> WaiverRecord:
    state = waivers.state(waiver, on)
    if not use.matched[waiver.id] and state in (WaiverState.ACTIVE, WaiverState.EXPIRING):
        state = WaiverState.UNMATCHED
    return WaiverRecord(
        id=waiver.id,
        rule=waiver.rule,
        match={key: value for key, value in waiver.match.items()},  # noqa: C416 - of wider type
        severity_at_most=waiver.severity_at_most,
        kind=waiver.kind,
        reason=waiver.reason,
        owner=waiver.owner,
        requested_by=waiver.requested_by,
        approved_by=waiver.approved_by,
        approved_on=None if waiver.approved_on is None else waiver.approved_on.isoformat(),
        created=waiver.created.isoformat(),
        expires=waiver.expires.isoformat(),
        ticket=waiver.ticket,
        compensating_controls=waiver.compensating_controls,
        state=state,
        matched=use.matched[waiver.id],
        applied=use.applied[waiver.id],
        notes=tuple(use.notes.get(waiver.id, ())),
    )
