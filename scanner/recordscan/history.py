"""Histories: what earlier scans found, so that a finding has an age and a number of scans makes a trend.

A history keeps a summary of each run, and of each finding since when it is known and what the last run that could
tell said of it. The rules of `recordscan.diff` hold: a finding is resolved only where its check was made and did not
find it. Neither does a finding count as new only because it is looked at for the first time: with a rule that did not
run before, in a wider scope, or where the check could not be decided before, it is newly observed.
"""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace

from recordscan.baseline import BASELINE_VERSION, Baseline, Judged, label, record, short
from recordscan.diff import Change
from recordscan.estate.arn import parse_arn
from recordscan.facts import Json
from recordscan.observation import canonical_json
from recordscan.result import BaselineEntry, BaselineRecord, Outcome, RunRecord, ScanRecord, ScanResult, fingerprint

TREND_RUNS = 30
"""Runs that a result carries, its own too."""

_MOVING = "alerts_since"
"""Member of the scope that is another every day."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackedFinding(BaselineEntry):
    """A finding over several runs.

    Attributes:
        state: What the last run that tells something of it says: new, newly observed, reopened, existing, resolved or
            not observed.
        scan_id: That run.
    """

    state: Change
    scan_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RulesRun:
    """Rules on one scope: those that ran on all of it at some time, and those that ran last."""

    ever: frozenset[str]
    last: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """What is known of earlier runs.

    Attributes:
        runs: In the order in which they were added.
        findings: By fingerprint.
        decided: `short()` fingerprints of checks that some run decided.
        undecided: Those that were unknown in every run that had them.
        scopes: SHA-256 of a scope to the rules that ran on it.
    """

    runs: tuple[RunRecord, ...] = ()
    findings: Mapping[str, TrackedFinding] = field(default_factory=dict)
    decided: frozenset[str] = frozenset()
    undecided: frozenset[str] = frozenset()
    scopes: Mapping[str, RulesRun] = field(default_factory=dict)

    def has(self, scan_id: str) -> bool:
        """Whether a scan was added."""
        return any(run.scan_id == scan_id for run in self.runs)

    def before(self, scan: ScanRecord) -> Baseline:
        """What was known when a scan began, as a baseline.

        Of a scan that was added last it is the same as before it was added, so that judging it again says the same.
        """
        entries, closed, never = [], [], set()
        for found in self.findings.values():
            entry, own = _entry(found), found.scan_id == scan.scan_id
            if found.first_seen > scan.started or (own and found.state in (Change.NEW, Change.NEWLY_OBSERVED)):
                if found.state is Change.NEWLY_OBSERVED:
                    never.add(short(fingerprint(found.rule_id, found.subject)))
            elif found.state is (Change.REOPENED if own else Change.RESOLVED) and not _seen_since(found, scan):
                closed.append(entry)
            else:
                entries.append(entry)
        earlier = [run for run in self.runs if run.scan_id != scan.scan_id and run.started <= scan.started]
        last = max(earlier, key=lambda run: run.started, default=None)
        ran = self.scopes.get(scope_sha256(scan))
        return Baseline(
            version=BASELINE_VERSION,
            scan_id="" if last is None else last.scan_id,
            created="" if last is None else last.started,
            tool_version="" if last is None else last.tool_version,
            entries=tuple(entries),
            closed=tuple(closed),
            judged=Judged(
                decided=self.decided,
                undecided=self.undecided,
                rules=frozenset() if ran is None else ran.ever,
                never=frozenset(never),
            ),
        )

    def trend(self, result: ScanResult) -> tuple[RunRecord, ...]:
        """The last runs of the same scope before a result, and its own."""
        scan = result.scan
        own = self.summary(result)
        earlier = [run for run in self.of_scope(own.scope_sha256) if run.started <= scan.started]
        return (*[run for run in earlier if run.scan_id != scan.scan_id][-(TREND_RUNS - 1) :], own)

    def of_scope(self, sha256: str) -> tuple[RunRecord, ...]:
        """The runs of one scope, by the time when they began."""
        return tuple(sorted((run for run in self.runs if run.scope_sha256 == sha256), key=lambda run: run.started))

    def summary(self, result: ScanResult) -> RunRecord:
        """A result in few words."""
        labelled, known = self._told(result)
        scan, ids = result.scan, {rule.id for rule in result.rules}
        added = next((run for run in self.runs if run.scan_id == scan.scan_id), None)
        ran = self.scopes.get(scope_sha256(scan))
        lifecycles = Counter(finding.lifecycle for found in labelled.assessments for finding in found.findings)
        failed = [found.severity for found in result.assessments if found.outcome is Outcome.FAIL]
        return RunRecord(
            scan_id=scan.scan_id,
            started=scan.started,
            ended=scan.ended,
            tool_version=scan.tool_version,
            rules_sha256=rules_sha256(result),
            scope_sha256=scope_sha256(scan),
            profile_sha256=_sha256(scan.profile),
            rules=len(ids),
            rules_added=added.rules_added if added else len(ids - ran.last) if ran else 0,
            rules_removed=added.rules_removed if added else len(ran.last - ids) if ran else 0,
            verdict=result.gate.headline,
            exit_status=result.gate.exit_status,
            interrupted=scan.interrupted,
            outcomes=dict(sorted(Counter(found.outcome for found in result.assessments).items())),
            failing=dict(sorted(Counter(failed).items())),
            planned=result.coverage.planned,
            evaluated=result.coverage.evaluated,
            new=lifecycles[Change.NEW],
            newly_observed=lifecycles[Change.NEWLY_OBSERVED],
            reopened=lifecycles[Change.REOPENED],
            resolved=len(known.resolved),
            not_observed=len(known.not_observed),
        )

    def add(self, result: ScanResult) -> "History":
        """The history with one more run; itself where it has that run already.

        A run that is older than the last one changes no state: what only that has found is not observed until another
        run tells.
        """
        scan = result.scan
        if self.has(scan.scan_id):
            return self
        scope, ids = scope_sha256(scan), frozenset(rule.id for rule in result.rules)
        ran = self.scopes.get(scope, RulesRun(ever=frozenset(), last=frozenset()))
        whole = not scan.interrupted and all(population.complete for population in result.coverage.population)
        late = any(run.ended > scan.ended for run in self.runs)
        decided = self.decided | _names(result, lambda outcome: outcome is not Outcome.UNKNOWN)
        return History(
            runs=(*self.runs, self.summary(result)),
            findings=self._with_late(result) if late else self._with(result),
            decided=decided,
            undecided=(self.undecided | _names(result, lambda outcome: outcome is Outcome.UNKNOWN)) - decided,
            scopes={
                **self.scopes,
                scope: RulesRun(ever=ran.ever | ids if whole else ran.ever, last=ran.last if late else ids),
            },
        )

    def _told(self, result: ScanResult) -> tuple[ScanResult, BaselineRecord]:
        """A result with what this history tells of its findings, and what became of those that it does not have."""
        past = self.before(result.scan)
        forgotten = tuple(
            replace(found, findings=tuple(replace(f, first_seen=None) for f in found.findings))
            for found in result.assessments
        )
        labelled = replace(result, assessments=label(forgotten, past, result.scan))
        return labelled, record(labelled, past)

    def _with(self, result: ScanResult) -> dict[str, TrackedFinding]:
        labelled, known = self._told(result)
        found = {**self.findings, **{tracked.fingerprint: tracked for tracked in _tracked(labelled)}}
        for state, entries in ((Change.RESOLVED, known.resolved), (Change.NOT_OBSERVED, known.not_observed)):
            for entry in entries:
                found[entry.fingerprint] = replace(found[entry.fingerprint], state=state, scan_id=result.scan.scan_id)
        return found

    def _with_late(self, result: ScanResult) -> dict[str, TrackedFinding]:
        labelled, _ = self._told(result)
        found = dict(self.findings)
        for tracked in _tracked(labelled):
            later = found.get(tracked.fingerprint)
            found[tracked.fingerprint] = (
                replace(tracked, state=Change.NOT_OBSERVED)
                if later is None
                else replace(
                    later,
                    first_seen=min(later.first_seen, tracked.first_seen),
                    last_seen=max(later.last_seen or "", tracked.last_seen or ""),
                )
            )
        return found


def incomparable(before: RunRecord, after: RunRecord) -> str | None:
    """Why numbers of two runs cannot be compared, in a few words; None where they can."""
    why = []
    if before.scope_sha256 != after.scope_sha256:
        why.append("another scope")
    if before.rules_sha256 != after.rules_sha256:
        changes = ((after.rules_added, "added"), (after.rules_removed, "left out"))
        counted = " and ".join(f"{number} {what}" for number, what in changes if number)
        why.append(f"other rules ({counted})" if counted else "another version of the rules")
    if before.profile_sha256 != after.profile_sha256:
        why.append("other requirements")
    return ", ".join(why) or None


def scope_sha256(scan: ScanRecord) -> str:
    """Of what a scan looks at, whatever the day and whoever asks, but not in whichever AWS account."""
    scope = {name: value for name, value in scan.scope.items() if name != _MOVING}
    arns = (parse_arn(identity) for identity in scan.asked_by.values())
    accounts: list[Json] = [*sorted({arn.account for arn in arns if arn is not None})]
    return _sha256({"scope": scope, "accounts": accounts})


def rules_sha256(result: ScanResult) -> str:
    """Of the rules that ran: another version of recordscan may judge otherwise."""
    rules: dict[str, Json] = {rule.id: rule.severity.value for rule in result.rules}
    return _sha256({"tool_version": result.scan.tool_version, "rules": rules})


def _sha256(value: dict[str, Json]) -> str:
    return hashlib.sha256(canonical_json(value).encode()).hexdigest()[:16]


def _names(result: ScanResult, wanted: Callable[[Outcome], bool]) -> frozenset[str]:
    return frozenset(short(found.fingerprint) for found in result.assessments if wanted(found.outcome))


def _seen_since(found: TrackedFinding, scan: ScanRecord) -> bool:
    """Whether a finding was there when a scan ended, or after it, whatever became of it since."""
    return found.scan_id != scan.scan_id and (found.last_seen or "") >= scan.ended


def _tracked(result: ScanResult) -> Iterable[TrackedFinding]:
    for assessment in result.assessments:
        for finding in assessment.findings:
            yield TrackedFinding(
                fingerprint=finding.fingerprint,
                rule_id=assessment.rule_id,
                subject=assessment.subject.uid,
                severity=finding.severity,
                message=finding.message,
                waived=finding.waiver is not None,
                first_seen=finding.first_seen or result.scan.started,
                last_seen=result.scan.ended,
                state=Change(finding.lifecycle or Change.NEWLY_OBSERVED),
                scan_id=result.scan.scan_id,
            )


def _entry(found: TrackedFinding) -> BaselineEntry:
    return BaselineEntry(
        fingerprint=found.fingerprint,
        rule_id=found.rule_id,
        subject=found.subject,
        severity=found.severity,
        message=found.message,
        waived=found.waived,
        first_seen=found.first_seen,
        last_seen=found.last_seen,
    )
