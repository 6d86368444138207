"""Baselines: the findings that were there at some time, so that new ones stand out. A baseline never hides anything."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from recordscan.diff import Change, checks_of, entries_of, gone
from recordscan.result import (
    FINGERPRINT_VERSION,
    Assessment,
    BaselineEntry,
    BaselineRecord,
    FindingRecord,
    ScanRecord,
    ScanResult,
)

BASELINE_VERSION = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """Which checks a history could have known to fail, so that what is only looked at for the first time is not new.

    Attributes:
        decided: `short()` fingerprints of checks that some run decided.
        undecided: Those that were unknown in every run that had them.
        rules: Rules that ran before on the same scope, all of it: a check of these that was not there had no subject.
        never: Checks of this scan that were told to be observed for the first time, when it was added.
    """

    decided: frozenset[str]
    undecided: frozenset[str]
    rules: frozenset[str]
    never: frozenset[str]

    def covers(self, assessment: Assessment) -> bool:
        """Whether a finding of this check would have been known if it had been there."""
        name = short(assessment.fingerprint)
        if name in self.never:
            return False
        return name in self.decided or (assessment.rule_id in self.rules and name not in self.undecided)


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """The findings of one scan, or those that a history knows.

    Attributes:
        version: Of the form of the file.
        scan_id: Of the scan, the last one of a history; "" where the history has none yet.
        created: When it began, UTC, ISO 8601 with `Z`.
        tool_version: That judged it.
        entries: Its findings, by fingerprint; those of earlier baselines, too, that it could not observe.
        fingerprint_version: Of the fingerprints; those of another version match nothing.
        rules: Ids of the rules that it ran; () in baselines of older versions, which do not tell.
        checks: Fingerprint of each check → when it was first judged, as far back as baselines tell.
        closed: Of a history, findings that were resolved.
        judged: Of a history, which checks it could have known to fail; None where that is taken of all.
    """

    version: int
    scan_id: str
    created: str
    tool_version: str
    entries: tuple[BaselineEntry, ...]
    fingerprint_version: int = FINGERPRINT_VERSION
    rules: tuple[str, ...] = ()
    checks: dict[str, str] = field(default_factory=dict)
    closed: tuple[BaselineEntry, ...] = ()
    judged: Judged | None = None


def baseline_of(result: ScanResult) -> Baseline:
    """The baseline that a result makes."""
    return Baseline(
        version=BASELINE_VERSION,
        scan_id=result.scan.scan_id,
        created=result.scan.started,
        tool_version=result.scan.tool_version,
        entries=entries_of(result),
        rules=tuple(sorted(rule.id for rule in result.rules)),
        checks={a.fingerprint: a.first_seen or result.scan.started for a in result.assessments},
    )


def short(fingerprint: str) -> str:
    """As much of a fingerprint as tells checks apart."""
    return fingerprint[:16]


def label(
    assessments: tuple[Assessment, ...], baseline: Baseline, scan: ScanRecord, ids: Mapping[str, str] | None = None
) -> tuple[Assessment, ...]:
    """The assessments with every finding told to be new or existing, and since when.

    What a rule finds that the baseline's scan did not run is told apart: it may have been there all the time. A finding
    that is told to be there for longer already stays so.

    Args:
        assessments: Of a scan.
        baseline: To compare with.
        scan: The scan.
        ids: Every id that the rules have or had → the id that they have now.
    """
    ids = ids or {}
    seen = {entry.fingerprint: entry.first_seen for entry in baseline.entries}
    closed = {entry.fingerprint: entry.first_seen for entry in baseline.closed}
    ran = {ids.get(name, name) for name in baseline.rules}

    def lifecycle(assessment: Assessment, finding: FindingRecord) -> Change:
        if _first(seen, finding) is not None:
            return Change.EXISTING
        if _first(closed, finding) is not None:
            return Change.REOPENED
        if ran and assessment.rule_id not in ran:
            return Change.RULE_ADDED
        covered = baseline.judged is None or baseline.judged.covers(assessment)
        return Change.NEW if covered else Change.NEWLY_OBSERVED

    def labelled(assessment: Assessment, finding: FindingRecord) -> FindingRecord:
        times = (finding.first_seen, _first(seen, finding), _first(closed, finding))
        return replace(
            finding,
            lifecycle=lifecycle(assessment, finding).value,
            first_seen=min((time for time in times if time), default=scan.started),
            last_seen=scan.ended,
        )

    def first_judged(assessment: Assessment) -> str:
        times = (assessment.first_seen, _first(baseline.checks, assessment))
        return min((time for time in times if time), default=scan.started)

    return tuple(
        replace(
            assessment,
            findings=tuple(labelled(assessment, finding) for finding in assessment.findings),
            first_seen=first_judged(assessment),
        )
        for assessment in assessments
    )


def _first(times: Mapping[str, str], item: Assessment | FindingRecord) -> str | None:
    """The earliest time of any fingerprint that something has or had."""
    return min((times[name] for name in (item.fingerprint, *item.aliases) if name in times), default=None)


def record(result: ScanResult, baseline: Baseline) -> BaselineRecord:
    """What became of a baseline's findings that a result does not have."""
    found = (finding for assessment in result.assessments for finding in assessment.findings)
    present = {name for finding in found for name in (finding.fingerprint, *finding.aliases)}
    missing = [entry for entry in baseline.entries if entry.fingerprint not in present]
    checks = checks_of(result)
    changes = {entry.fingerprint: gone(entry, checks).change for entry in missing}
    return BaselineRecord(
        scan_id=baseline.scan_id,
        created=baseline.created,
        entries=len(baseline.entries),
        resolved=tuple(entry for entry in missing if changes[entry.fingerprint] is Change.RESOLVED),
        not_observed=tuple(entry for entry in missing if changes[entry.fingerprint] is Change.NOT_OBSERVED),
    )
