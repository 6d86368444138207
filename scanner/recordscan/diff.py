"""What became of findings from one result to another.

A finding is known by its fingerprint, and by those that it had while its rule had other ids. It is resolved only where
the later scan judged the same rule on the same subject and did not find it; where that check was not run, or could not
be decided, it was not observed.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from recordscan.result import Assessment, BaselineEntry, FindingRecord, Outcome, ScanResult
from recordscan.rule import Severity


class Change(StrEnum):
    """What became of a finding, a check or a rule.

    What a rule finds that the earlier scan did not run is told as `rule_added`, as the rule itself: it may have been
    there before.
    """

    NEW = "new"
    REOPENED = "reopened"
    NEWLY_OBSERVED = "newly_observed"
    EXISTING = "existing"
    SEVERITY_CHANGED = "severity_changed"
    WAIVED = "waived"
    UNWAIVED = "unwaived"
    RESOLVED = "resolved"
    NOT_OBSERVED = "not_observed"
    RULE_ADDED = "rule_added"
    RULE_REMOVED = "rule_removed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One difference, or the same as before.

    Attributes:
        change: What it is.
        rule_id: Whose finding.
        subject: Uid of what it is about; "" for a rule.
        severity: The later one, or the earlier where it is gone.
        before: The earlier severity, where it changed; None otherwise.
        message: The finding in words, or why it was not observed.
        fingerprint: Of the finding; "" for a rule.
    """

    change: Change
    rule_id: str
    subject: str
    severity: Severity
    before: Severity | None = None
    message: str
    fingerprint: str


def entries_of(result: ScanResult) -> tuple[BaselineEntry, ...]:
    """The findings of a result, and those that it could not observe any more, as a baseline keeps them."""
    found = [
        BaselineEntry(
            fingerprint=finding.fingerprint,
            rule_id=assessment.rule_id,
            subject=assessment.subject.uid,
            severity=finding.severity,
            message=finding.message,
            waived=finding.waiver is not None,
            first_seen=finding.first_seen or result.scan.started,
            last_seen=result.scan.ended,
        )
        for assessment in result.assessments
        for finding in assessment.findings
    ]
    found += result.baseline.not_observed if result.baseline is not None else ()
    return tuple(sorted(found, key=lambda entry: entry.fingerprint))


def compare(old: ScanResult, new: ScanResult) -> tuple[Difference, ...]:
    """All differences between two results, the worst first; findings that are the same are told as existing."""
    found = [*_rules(old, new), *_findings(old, new)]
    order = list(Change)
    return tuple(
        sorted(found, key=lambda d: (order.index(d.change), -d.severity.rank, d.rule_id, d.subject, d.fingerprint))
    )


def _rules(old: ScanResult, new: ScanResult) -> Iterator[Difference]:
    ids = new.current_ids()
    before = {ids.get(rule.id, rule.id): rule for rule in old.rules}
    after = {rule.id: rule for rule in new.rules}
    for change, rules, others in ((Change.RULE_ADDED, after, before), (Change.RULE_REMOVED, before, after)):
        for rule_id, rule in rules.items():
            if rule_id not in others:
                yield Difference(
                    change=change,
                    rule_id=rule_id,
                    subject="",
                    severity=rule.severity,
                    message=rule.title,
                    fingerprint="",
                )


def _findings(old: ScanResult, new: ScanResult) -> Iterator[Difference]:
    ids = new.current_ids()
    ran = {ids.get(rule.id, rule.id) for rule in old.rules}
    before = {entry.fingerprint: entry for entry in entries_of(old)}
    for assessment in new.assessments:
        for finding in assessment.findings:
            names = (finding.fingerprint, *finding.aliases)
            entry = next((before.pop(name) for name in names if name in before), None)
            yield _later(entry, assessment, finding, ran)
    checks = checks_of(new)
    yield from (gone(entry, checks) for entry in before.values())


def _later(entry: BaselineEntry | None, assessment: Assessment, finding: FindingRecord, ran: set[str]) -> Difference:
    before: Severity | None = None
    if entry is None:
        change = Change.NEW if assessment.rule_id in ran else Change.RULE_ADDED
    elif entry.waived != (finding.waiver is not None):
        change = Change.UNWAIVED if entry.waived else Change.WAIVED
    elif entry.severity is not finding.severity:
        change, before = Change.SEVERITY_CHANGED, entry.severity
    else:
        change = Change.EXISTING
    return Difference(
        change=change,
        rule_id=assessment.rule_id,
        subject=assessment.subject.uid,
        severity=finding.severity,
        before=before,
        message=finding.message,
        fingerprint=finding.fingerprint,
    )


Checks: TypeAlias = Mapping[str, Mapping[str, Assessment]]
"""Id that a rule which ran has or had to uid of a subject to what it says of it."""


def checks_of(result: ScanResult) -> Checks:
    """The checks of a result; a rule without a subject is there, too."""
    found: dict[str, dict[str, Assessment]] = {rule.id: {} for rule in result.rules}
    for assessment in result.assessments:
        found.setdefault(assessment.rule_id, {})[assessment.subject.uid] = assessment
    for rule in result.rules:
        found.update(dict.fromkeys(rule.aliases, found[rule.id]))
    return found


def gone(entry: BaselineEntry, checks: Checks) -> Difference:
    """What became of a finding that later checks do not have."""
    judged = checks.get(entry.rule_id, {}).get(entry.subject)
    if judged is None:
        why = "the check was not run" if entry.rule_id in checks else "the rule was not run"
        change = Change.NOT_OBSERVED
    elif judged.outcome is Outcome.UNKNOWN:
        change, why = Change.NOT_OBSERVED, f"the check could not be decided: {judged.detail}"
    elif judged.findings and judged.detail is not None:
        change, why = Change.NOT_OBSERVED, f"the check could be decided in part only: {judged.detail}"
    elif judged.outcome is Outcome.NOT_APPLICABLE:
        change, why = Change.RESOLVED, f"the check does not apply any more: {judged.detail}"
    else:
        change, why = Change.RESOLVED, entry.message
    return Difference(
        change=change,
        rule_id=entry.rule_id if judged is None else judged.rule_id,
        subject=entry.subject,
        severity=entry.severity,
        message=why,
        fingerprint=entry.fingerprint,
    )
