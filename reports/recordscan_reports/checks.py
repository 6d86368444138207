"""Checks as the machine formats see them: one per assessment, in one order, with all that they say in plain text.

The unit of every format is the check, a rule on a subject, so that all formats count alike. A failed check has one
finding or more; formats whose readers close what is no longer reported one by one list these, and name the check.
"""

from dataclasses import asdict, dataclass
from functools import cached_property

from recordscan.facts import Json
from recordscan.result import (
    Assessment,
    Evidence,
    FindingRecord,
    Outcome,
    RuleRecord,
    ScanResult,
    SubjectRecord,
    WaiverRecord,
)
from recordscan.rule import FRAMEWORKS, Control, Severity
from recordscan_reports.plain import joined, one_line, present, shorten, spelled_out, virtual_path
from recordscan_reports.wording import sentence, waiver_summary

TOOL = "recordscan"
FINGERPRINT_KEY = f"{TOOL}/v1"
EVIDENCE_SHOWN = 20

LIFECYCLES = ("new", "reopened", "rule_added", "newly_observed", "existing")
"""Of findings, in the order in which a reader should care."""


@dataclass(frozen=True, kw_only=True)
class Check:
    """One assessment with all that belongs to it; every text is visible.

    Attributes:
        assessment: What the result says.
        rule: By which rule.
        evidence: What decides it.
        waivers: What covers findings of it, or accepts that it is unknown.
        pending: What would make it waived, together with these, if somebody had approved it; () for anything less.
    """

    assessment: Assessment
    rule: RuleRecord
    evidence: tuple[Evidence, ...]
    waivers: tuple[WaiverRecord, ...]
    pending: tuple[WaiverRecord, ...]

    @property
    def outcome(self) -> Outcome:
        """What it says."""
        return self.assessment.outcome

    @property
    def raw_outcome(self) -> Outcome:
        """What it would say if nothing were waived."""
        return Outcome.FAIL if self.outcome is Outcome.WAIVED else self.outcome

    @property
    def severity(self) -> Severity:
        """Of a fail the worst of its findings, of anything else the rule's."""
        return self.assessment.severity

    @property
    def subject(self) -> SubjectRecord:
        """What it is about."""
        return self.assessment.subject

    @property
    def findings(self) -> tuple[FindingRecord, ...]:
        """What makes it fail, or what is waived of a waived one; () of anything else."""
        found = self.assessment.findings
        return found if self.outcome is Outcome.WAIVED else tuple(f for f in found if f.waiver is None)

    @property
    def fingerprint(self) -> str:
        """The same in every scan."""
        return self.assessment.fingerprint

    @property
    def lifecycle(self) -> str | None:
        """With a baseline that of its newest finding; None of what has no findings."""
        found = {finding.lifecycle for finding in self.findings}
        return next((lifecycle for lifecycle in LIFECYCLES if lifecycle in found), None)

    @property
    def first_seen(self) -> str | None:
        """With a baseline the moment of the first scan that had one of its findings."""
        return min((finding.first_seen for finding in self.findings if finding.first_seen), default=None)

    @property
    def lasting_id(self) -> str:
        """Rule and fingerprint under the first id that the rule had, for readers that know a check by these."""
        names, prints = (*self.rule.aliases, self.rule.id), (*self.assessment.aliases, self.fingerprint)
        return f"{shorten(names[0], 200)}/{prints[0]}"

    @property
    def known_since(self) -> str | None:
        """With a baseline the moment of the first scan that judged it, or of an earlier one that had a finding."""
        return min(filter(None, (self.assessment.first_seen, self.first_seen)), default=None)

    @property
    def reason_code(self) -> str | None:
        """Why it is unknown, in one word; None for anything else."""
        return str(self.assessment.reason) if self.assessment.reason else None

    @cached_property
    def message(self) -> str:
        """What it says in one line: the findings, or why there is no verdict, or the requirement that is met."""
        found = joined(sentence(finding.message) for finding in self.findings)
        return found or sentence(self.assessment.detail or self.rule.title) or self.rule.id

    @cached_property
    def expected(self) -> str | None:
        """What the findings expected, each thing once."""
        return joined(finding.expected for finding in self.findings)

    @cached_property
    def observed(self) -> str | None:
        """What was found instead."""
        return joined(finding.observed for finding in self.findings)

    @cached_property
    def resources(self) -> tuple[str, ...]:
        """What shows the defects, else what the check is about."""
        found = dict.fromkeys(name for finding in self.findings for name in finding.resources if name.strip())
        return tuple(found) or (self.subject.uid,)

    @cached_property
    def remediation(self) -> str:
        """What to do, in one line."""
        return one_line(self.rule.remediation)

    @cached_property
    def waiver_sentence(self) -> str:
        """Who has accepted it, until when and why."""
        return sentence(joined(map(waiver_summary, self.waivers)) or "waived")

    def path(self, uid: str) -> str:
        """A resource of this check as a virtual path."""
        subject = self.subject
        return virtual_path(uid, provider=subject.provider, account=subject.account, region=subject.region)


@dataclass(frozen=True, kw_only=True)
class Report:
    """A result made fit for a format: the result with every text visible, and its checks in order."""

    result: ScanResult
    checks: tuple[Check, ...]

    def of(self, *outcomes: Outcome) -> tuple[Check, ...]:
        """The checks with one of these outcomes."""
        return tuple(check for check in self.checks if check.outcome in outcomes)

    @cached_property
    def failures(self) -> tuple[tuple[Check, FindingRecord], ...]:
        """The findings that make checks fail, each in the place of its own severity."""
        pairs = [(check, finding) for check in self.of(Outcome.FAIL) for finding in check.findings]
        return tuple(
            sorted(pairs, key=lambda pair: (*_order(pair[0].assessment, pair[1].severity), pair[1].fingerprint))
        )


def read(result: ScanResult) -> Report:
    """Prepare a result: severity descending, then rule, account, Region and uid."""
    result = spelled_out(result)
    rules = {rule.id: rule for rule in result.rules}
    evidence = {item.id: item for item in result.evidence}
    waivers = {waiver.id: waiver for waiver in result.waivers}
    checks = tuple(
        Check(
            assessment=assessment,
            rule=rules[assessment.rule_id],
            evidence=_decisive(assessment, evidence),
            waivers=_waivers(assessment, waivers),
            pending=_pending(assessment, waivers),
        )
        for assessment in sorted(result.assessments, key=_order)
    )
    return Report(result=result, checks=checks)


def _order(assessment: Assessment, severity: Severity | None = None) -> tuple[int, str, str, str, str, str]:
    subject = assessment.subject
    place = (subject.account or "", subject.region or "", subject.uid)
    return (-(severity or assessment.severity).rank, assessment.rule_id, *place, assessment.fingerprint)


def _decisive(assessment: Assessment, evidence: dict[str, Evidence]) -> tuple[Evidence, ...]:
    """What the findings cite, or all that was read where one cites nothing; at most `EVIDENCE_SHOWN`."""
    places = assessment.evidence
    if assessment.findings and all(finding.evidence for finding in assessment.findings):
        places = tuple(place for finding in assessment.findings for place in finding.evidence)
    names = dict.fromkeys(place.observation for place in places)
    return tuple(evidence[name] for name in names if name in evidence)[:EVIDENCE_SHOWN]


def _waivers(assessment: Assessment, waivers: dict[str, WaiverRecord]) -> tuple[WaiverRecord, ...]:
    names = dict.fromkeys((assessment.waiver, *(finding.waiver for finding in assessment.findings)))
    return tuple(waivers[name] for name in names if name in waivers)


def _pending(assessment: Assessment, waivers: dict[str, WaiverRecord]) -> tuple[WaiverRecord, ...]:
    if assessment.outcome is not Outcome.FAIL or not all(f.waiver or f.pending for f in assessment.findings):
        return ()
    names = dict.fromkeys(finding.pending for finding in assessment.findings)
    return tuple(waivers[name] for name in names if name in waivers)


def waiver_members(waiver: WaiverRecord) -> dict[str, Json]:
    """A waiver as the formats made of JSON carry it."""
    return present(asdict(waiver))


_MARKS = {"official": "", "peer": " (mapping of a peer)", "proposal": " (our proposal)"}


def marked_control(control: Control) -> str:
    """A control with its framework and where the mapping comes from, for people: an auditor should know."""
    return f"{control_name(control)}{_MARKS[control.mark]}"


def control_name(control: Control) -> str:
    """A control with its framework, such as `SOC 2 CC6.1`."""
    return f"{FRAMEWORKS.get(control.framework, control.framework)} {control.control}"
