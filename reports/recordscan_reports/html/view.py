"""What the page shows, computed from the result; the template only lays it out."""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from recordscan.document import dump_result
from recordscan.facts import Citation
from recordscan.remedies.commands import commands_of
from recordscan.result import (
    AbilityRecord,
    AccessGap,
    AccessRecord,
    Assessment,
    ControlRecord,
    Coverage,
    Evidence,
    FindingRecord,
    FrameworkRecord,
    Gate,
    MappingRecord,
    Outcome,
    RuleRecord,
    ScanRecord,
    ScanResult,
    SubjectRecord,
    WaiverRecord,
)
from recordscan.rule import Severity
from recordscan_reports.html.chain import Chain, chains_of
from recordscan_reports.html.excerpt import CONTEXT_LINES, Answer, Line
from recordscan_reports.html.prose import Block, parse_prose
from recordscan_reports.wording import (
    ABILITY_MEANINGS,
    OUTCOMES,
    SEVERITIES,
    bottom_line,
    principal_kind,
    principal_name,
    target_names,
    unread,
    urgency,
    waivers_by_state,
)

EXCERPT_LINES = 24
BRIEF_LINES = 8
PROOFS_SHOWN = 20
PRINCIPALS_SHOWN = 100
WORST_SHOWN = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """One answer that a verdict rests on.

    Attributes:
        evidence: The observation.
        decisive: The outcome rests on it; otherwise it was read on the way, and shown without marks.
        pointers: The places that were read; () where the whole answer was.
        lines: The answer around these places; () of a call that got none.
    """

    evidence: Evidence
    decisive: bool
    pointers: tuple[str, ...]
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Mending:
    """One step that mends a failed check.

    Attributes:
        does: What it does.
        warnings: What it breaks if it is taken blindly.
        lines: Of the command.
    """

    does: str
    warnings: tuple[str, ...]
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One assessment with all that explains it.

    Attributes:
        assessment: The outcome.
        rule: The requirement.
        remediation: What to do, parsed.
        steps: The commands that do it; () where a person must act, or nobody wrote them.
        by_hand: Why a person must act; None where there are commands, or nobody said.
        proofs: The answers that it rests on, then those that were read on the way, as far as they are shown.
        proofs_left_out: How many more there are.
    """

    assessment: Assessment
    rule: RuleRecord
    remediation: tuple[Block, ...]
    steps: tuple[Mending, ...]
    by_hand: str | None
    proofs: tuple[Proof, ...]
    proofs_left_out: int

    @property
    def findings(self) -> Sequence[FindingRecord]:
        """The findings, the worst first."""
        return sorted(self.assessment.findings, key=lambda finding: -finding.severity.rank)

    @property
    def aws_accounts(self) -> Sequence[str]:
        """The AWS accounts whose answers decided, where the subject itself is not of AWS."""
        if self.assessment.subject.provider == "aws":
            return ()
        evidences = [proof.evidence for proof in self.proofs if proof.decisive]
        return sorted({e.account for e in evidences if e.account and not e.operation.startswith("twilio:")})


@dataclass(frozen=True, slots=True, kw_only=True)
class Exhibit:
    """One observation in the index of evidence.

    Attributes:
        evidence: The observation.
        cited_by: How many assessments rest on it.
        lines: Its answer with every cited place marked, the middle of a long one left out.
        total_lines: Length of the whole answer.
    """

    evidence: Evidence
    cited_by: int
    lines: tuple[Line, ...]
    total_lines: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Requirement:
    """A rule in the procedure, with the outcomes that it had."""

    rule: RuleRecord
    rationale: tuple[Block, ...]
    outcomes: Mapping[Outcome, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """An outcome in the table of results: its number at each severity, and in all."""

    outcome: Outcome
    numbers: tuple[int, ...]
    total: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Ability:
    """What a principal can do, or cannot.

    Attributes:
        name: Of the ability.
        answer: yes, if or no.
        record: What shows it; None for no.
    """

    name: str
    answer: Literal["yes", "if", "no"]
    record: AbilityRecord | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """A principal with all its abilities, one for each column."""

    name: str
    kind: str
    abilities: tuple[Ability, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Matrix:
    """Who can do what to one target.

    Attributes:
        target: Its name.
        holders: Principals that can do something, the most foreign first, as far as they are shown.
        left_out: How many more there are.
        gap: Why that is not known; None where it is.
    """

    target: str
    holders: tuple[Holder, ...]
    left_out: int
    gap: AccessGap | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """How many assessments have an outcome, and the fingerprint of the first of them."""

    outcome: Outcome
    number: int
    first: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Testing:
    """A rule that gives evidence for a control.

    Attributes:
        rule_id: Which.
        mappings: What it names: the control, or parts of it.
        tallies: What it said; () of a rule that was left out or had no subject.
        left_out: It did not run.
    """

    rule_id: str
    mappings: tuple[MappingRecord, ...]
    tallies: tuple[Tally, ...]
    left_out: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A framework: controls that rules give evidence for, each with these, and the others."""

    framework: FrameworkRecord
    tested: tuple[tuple[ControlRecord, tuple[Testing, ...]], ...]
    untested: tuple[ControlRecord, ...]


class Page:
    """Everything on the page."""

    def __init__(self, result: ScanResult) -> None:
        self._result = result
        self._rules = {rule.id: rule for rule in result.rules}
        self._evidence = {evidence.id: evidence for evidence in result.evidence}
        self._answers: dict[str, Answer] = {}

    @property
    def scan(self) -> ScanRecord:
        """Who scanned what, and when."""
        return self._result.scan

    @property
    def gate(self) -> Gate:
        """The verdict, and what it follows from."""
        return self._result.gate

    @property
    def coverage(self) -> Coverage:
        """What could be judged."""
        return self._result.coverage

    @property
    def schema_version(self) -> str:
        """Version of the canonical JSON."""
        return self._result.schema_version

    @property
    def rule_count(self) -> int:
        """How many rules ran."""
        return len(self._result.rules)

    @cached_property
    def result_sha256(self) -> str:
        """Of the canonical JSON that this page shows."""
        return hashlib.sha256(dump_result(self._result).encode()).hexdigest()

    @cached_property
    def unread(self) -> tuple[Evidence, ...]:
        """Answers that could not be read and that no check rests on."""
        return unread(self._result)

    @cached_property
    def bottom_line(self) -> tuple[str, ...]:
        """The outcome in plain sentences."""
        return tuple(bottom_line(self._result))

    @cached_property
    def rows(self) -> tuple[Row, ...]:
        """Outcome × severity, all numbers."""
        return tuple(
            Row(
                outcome=outcome,
                numbers=tuple(self._result.count(outcome, severity) for severity in SEVERITIES),
                total=self._result.count(outcome),
            )
            for outcome in OUTCOMES
        )

    @cached_property
    def totals(self) -> tuple[int, ...]:
        """Number of checks at each severity."""
        return tuple(sum(row.numbers[at] for row in self.rows) for at in range(len(SEVERITIES)))

    @cached_property
    def subjects(self) -> tuple[tuple[SubjectRecord, int], ...]:
        """What was judged, each with the number of checks on it."""
        numbers: dict[SubjectRecord, int] = defaultdict(int)
        for assessment in self._result.assessments:
            numbers[assessment.subject] += 1
        return tuple(sorted(numbers.items(), key=lambda item: (item[0].kind, item[0].name, item[0].uid)))

    @cached_property
    def chains(self) -> tuple[Chain, ...]:
        """Each target from Twilio to the key, with the state of every link."""
        return chains_of(self._result)

    @cached_property
    def chapters(self) -> tuple[tuple[str, tuple[int, ...]], ...]:
        """Chapters of the catalogue with the number of their checks at each of `OUTCOMES`."""
        numbers: dict[str, Counter[Outcome]] = defaultdict(Counter)
        for assessment in self._result.assessments:
            numbers[_chapter(self._rules[assessment.rule_id])][assessment.outcome] += 1
        return tuple((name, tuple(numbers[name][outcome] for outcome in OUTCOMES)) for name in sorted(numbers))

    @cached_property
    def failures(self) -> tuple[tuple[Severity, tuple[Check, ...]], ...]:
        """Failed checks by severity, the worst first; only severities that have some."""
        failed = self._checks(Outcome.FAIL)
        groups = ((severity, tuple(c for c in failed if c.assessment.severity is severity)) for severity in SEVERITIES)
        return tuple((severity, checks) for severity, checks in groups if checks)

    @cached_property
    def worst(self) -> tuple[tuple[Check, FindingRecord], ...]:
        """Up to five findings to begin with: the most severe, and of these what loses recordings."""
        return tuple(self._by_urgency[:WORST_SHOWN])

    @cached_property
    def worst_left_out(self) -> tuple[str, ...]:
        """How many more there are at each severity, such as `7 critical`; () where all are shown."""
        numbers = Counter(finding.severity for _, finding in self._by_urgency[WORST_SHOWN:])
        return tuple(f"{numbers[severity]:,} {severity}" for severity in SEVERITIES if numbers[severity])

    @cached_property
    def _by_urgency(self) -> list[tuple[Check, FindingRecord]]:
        pairs = [(check, finding) for _, checks in self.failures for check in checks for finding in check.findings]
        return sorted(pairs, key=lambda pair: (-pair[1].severity.rank, urgency(pair[0].rule)))

    @cached_property
    def unknowns(self) -> tuple[Check, ...]:
        """Checks that could not be decided, the most severe first."""
        return self._checks(Outcome.UNKNOWN)

    @cached_property
    def waived(self) -> tuple[Check, ...]:
        """Accepted failures."""
        return self._checks(Outcome.WAIVED)

    @cached_property
    def waivers(self) -> tuple[WaiverRecord, ...]:
        """All entries of the waiver file, those that ended first."""
        return tuple(waivers_by_state(self._result))

    def waiver(self, waiver_id: str) -> WaiverRecord:
        """The waiver that covers a finding or accepts a gap."""
        return next(waiver for waiver in self._result.waivers if waiver.id == waiver_id)

    @cached_property
    def passes(self) -> tuple[tuple[str, tuple[Check, ...]], ...]:
        """Passed checks by chapter of the catalogue."""
        chapters: dict[str, list[Check]] = defaultdict(list)
        for check in self._checks(Outcome.PASS):
            chapters[_chapter(check.rule)].append(check)
        return tuple((chapter, tuple(chapters[chapter])) for chapter in sorted(chapters))

    @cached_property
    def not_applicable(self) -> tuple[tuple[Assessment, RuleRecord], ...]:
        """Checks that do not concern their subject."""
        return tuple((a, self._rules[a.rule_id]) for a in self._assessments(Outcome.NOT_APPLICABLE))

    @cached_property
    def procedure(self) -> tuple[tuple[str, tuple[Requirement, ...]], ...]:
        """The rules that ran, by chapter."""
        chapters: dict[str, list[Requirement]] = defaultdict(list)
        for rule in self._result.rules:
            outcomes: dict[Outcome, int] = dict.fromkeys(OUTCOMES, 0)
            for assessment in self._result.assessments:
                if assessment.rule_id == rule.id:
                    outcomes[assessment.outcome] += 1
            requirement = Requirement(rule=rule, rationale=parse_prose(rule.rationale), outcomes=outcomes)
            chapters[_chapter(rule)].append(requirement)
        return tuple((chapter, tuple(chapters[chapter])) for chapter in sorted(chapters))

    @cached_property
    def exhibits(self) -> tuple[Exhibit, ...]:
        """All observations, by operation."""
        pointers: dict[str, dict[str, None]] = defaultdict(dict)
        cited_by: dict[str, int] = defaultdict(int)
        for assessment in self._result.assessments:
            for observation, places in _places(_citations(assessment)).items():
                cited_by[observation] += 1
                pointers[observation].update(dict.fromkeys(places))
        ordered = sorted(self._result.evidence, key=lambda e: (e.operation, e.account or "", e.region or "", e.id))
        return tuple(
            Exhibit(
                evidence=evidence,
                cited_by=cited_by[evidence.id],
                lines=tuple(self._answer(evidence).excerpt(pointers[evidence.id])) if _has_answer(evidence) else (),
                total_lines=len(self._answer(evidence)) if _has_answer(evidence) else 0,
            )
            for evidence in ordered
        )

    @cached_property
    def matrices(self) -> tuple[Matrix, ...]:
        """Who can do what, by target; targets without a bucket have none."""
        names = target_names(self._result)
        records: dict[str, list[AccessRecord]] = defaultdict(list)
        for record in self._result.access:
            records[record.target].append(record)
        known = [
            Matrix(
                target=names.get(target, target),
                holders=tuple(map(_holder, sorted(found, key=_foreign_first)[:PRINCIPALS_SHOWN])),
                left_out=max(0, len(found) - PRINCIPALS_SHOWN),
                gap=None,
            )
            for target, found in records.items()
        ]
        gaps = [
            Matrix(target=names.get(gap.target, gap.target), holders=(), left_out=0, gap=gap)
            for gap in self._result.access_gaps
        ]
        return (*known, *gaps)

    @cached_property
    def standings(self) -> tuple[Standing, ...]:
        """The frameworks with their controls."""
        return tuple(
            Standing(
                framework=framework,
                tested=tuple((control, self._testing(control)) for control in framework.controls if control.mappings),
                untested=tuple(control for control in framework.controls if not control.mappings),
            )
            for framework in self._result.frameworks
        )

    def _testing(self, control: ControlRecord) -> tuple[Testing, ...]:
        mappings: dict[str, list[MappingRecord]] = defaultdict(list)
        for mapping in control.mappings:
            mappings[mapping.rule_id].append(mapping)
        return tuple(
            Testing(
                rule_id=rule_id,
                mappings=tuple(named),
                tallies=self._tallies.get(rule_id, ()),
                left_out=rule_id in control.left_out,
            )
            for rule_id, named in mappings.items()
        )

    @cached_property
    def _tallies(self) -> dict[str, tuple[Tally, ...]]:
        found: dict[str, dict[Outcome, list[str]]] = defaultdict(dict)
        for outcome in OUTCOMES:
            for assessment in self._assessments(outcome):
                found[assessment.rule_id].setdefault(outcome, []).append(assessment.fingerprint)
        return {
            rule_id: tuple(
                Tally(outcome=outcome, number=len(all_), first=all_[0]) for outcome, all_ in outcomes.items()
            )
            for rule_id, outcomes in found.items()
        }

    def _assessments(self, outcome: Outcome) -> list[Assessment]:
        found = [assessment for assessment in self._result.assessments if assessment.outcome is outcome]
        return sorted(found, key=lambda a: (-a.severity.rank, a.rule_id, a.subject.uid))

    def _checks(self, outcome: Outcome) -> tuple[Check, ...]:
        return tuple(self._check(assessment) for assessment in self._assessments(outcome))

    def _check(self, assessment: Assessment) -> Check:
        rule = self._rules[assessment.rule_id]
        decisive = _places(_decisive(assessment))
        others = dict.fromkeys(name for name in _places(_citations(assessment)) if name not in decisive)
        brief = assessment.outcome is Outcome.PASS
        known = [(self._evidence[name], pointers) for name, pointers in decisive.items() if name in self._evidence]
        known_too = [self._evidence[name] for name in others if name in self._evidence]
        proofs = [self._proof(evidence, pointers, brief=brief) for evidence, pointers in known[:PROOFS_SHOWN]]
        proofs += [Proof(evidence=evidence, decisive=False, pointers=(), lines=()) for evidence in known_too]
        steps, by_hand = commands_of(assessment.remedy)
        return Check(
            assessment=assessment,
            rule=rule,
            remediation=parse_prose(rule.remediation),
            steps=tuple(
                Mending(does=step.does, warnings=step.warnings, lines=tuple(text.splitlines())) for step, text in steps
            ),
            by_hand=by_hand,
            proofs=tuple(proofs[:PROOFS_SHOWN]),
            proofs_left_out=max(0, len(known) + len(known_too) - PROOFS_SHOWN),
        )

    def _proof(self, evidence: Evidence, pointers: tuple[str, ...], *, brief: bool) -> Proof:
        lines: tuple[Line, ...] = ()
        if _has_answer(evidence):
            limit, context = (BRIEF_LINES, 1) if brief else (EXCERPT_LINES, CONTEXT_LINES)
            lines = tuple(self._answer(evidence).excerpt(pointers, limit=limit, context=context))
        return Proof(evidence=evidence, decisive=True, pointers=pointers, lines=lines)

    def _answer(self, evidence: Evidence) -> Answer:
        if evidence.id not in self._answers:
            self._answers[evidence.id] = Answer(evidence.answer)
        return self._answers[evidence.id]


_KINDS = ("anonymous", "other accounts", "group", "canonical user", "origin access identity", "service")


def _foreign_first(record: AccessRecord) -> tuple[int, str, str]:
    return (_KINDS.index(record.kind) if record.kind in _KINDS else len(_KINDS), record.kind, record.principal)


def _holder(record: AccessRecord) -> Holder:
    found = [(name, record.ability(name)) for name in ABILITY_MEANINGS]
    return Holder(
        name=principal_name(record),
        kind=principal_kind(record),
        abilities=tuple(
            Ability(name=name, answer="no" if able is None else "yes" if able.certain else "if", record=able)
            for name, able in found
        ),
    )


def _has_answer(evidence: Evidence) -> bool:
    return evidence.outcome == "answered"


def _citations(assessment: Assessment) -> Iterable[Citation]:
    """The places that a check rests on, those of its findings too."""
    return (*assessment.evidence, *(place for finding in assessment.findings for place in finding.evidence))


def _decisive(assessment: Assessment) -> Iterable[Citation]:
    """The places that decided: those that the findings name, or all that were read where one names none."""
    if assessment.findings and all(finding.evidence for finding in assessment.findings):
        return tuple(place for finding in assessment.findings for place in finding.evidence)
    return _citations(assessment)


def _places(citations: Iterable[Citation]) -> dict[str, tuple[str, ...]]:
    """Observation → cited places; an object or list goes without saying where a place in it is cited too."""
    places: dict[str, dict[str, None]] = defaultdict(dict)
    for citation in citations:
        places[citation.observation][citation.pointer] = None
    return {name: tuple(_innermost(pointers)) for name, pointers in places.items()}


def _innermost(pointers: Iterable[str]) -> Iterator[str]:
    pointers = list(pointers)
    around = {"/".join(steps[:end]) for steps in (p.split("/") for p in pointers) for end in range(1, len(steps))}
    return (pointer for pointer in pointers if pointer and pointer not in around)


def _chapter(rule: RuleRecord) -> str:
    return rule.family.replace("-", " ").capitalize()
