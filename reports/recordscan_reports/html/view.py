"""What the page shows, computed from the result; the template only lays it out."""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from markupsafe import Markup

from recordscan.document import dump_result
from recordscan.result import (
    STAND_IN_NOTICE,
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
    ScoreRecord,
    SubjectRecord,
    WaiverRecord,
)
from recordscan_reports import csv_checks
from recordscan_reports.html.chain import Chain, chains_of
from recordscan_reports.html.data import Block, blocks_of
from recordscan_reports.html.fill import Form, form
from recordscan_reports.html.records import Record, Records, chapter
from recordscan_reports.html.scopes import Scopes
from recordscan_reports.html.trend import Picture, picture_of
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
    withheld,
)

PRINCIPALS_SHOWN = 100
SUBJECTS_SHOWN = 100
WORST_SHOWN = 5

LISTED = 200
"""Checks that are listed without script, of those that did not pass."""

COMPACT = 500
"""Up to so many passes, and checks that do not apply, are listed without script, by rule."""

INDEXED = 500
"""Observations that are listed without script."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Requirement:
    """A rule in the procedure, with the outcomes that it had."""

    rule: RuleRecord
    outcomes: Mapping[Outcome, int]
    body: Markup


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
    def score(self) -> ScoreRecord | None:
        """How much passes; None where that was not wanted."""
        return self._result.score

    @cached_property
    def trend(self) -> Picture | None:
        """The last runs as a picture; None without a history."""
        return picture_of(self._result.trend) if self._result.trend else None

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

    @property
    def withheld(self) -> str | None:
        """What was taken out so that the report could be shared."""
        return withheld(self._result)

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
    def subjects_shown(self) -> Sequence[tuple[SubjectRecord, int]]:
        """All subjects where they are few, else those with the most checks that did not pass."""
        if len(self.subjects) <= SUBJECTS_SHOWN:
            return self.subjects
        unsound = Counter(
            assessment.subject
            for assessment in self._result.assessments
            if assessment.outcome not in (Outcome.PASS, Outcome.NOT_APPLICABLE)
        )
        return sorted(self.subjects, key=lambda item: -unsound[item[0]])[:SUBJECTS_SHOWN]

    @cached_property
    def chains(self) -> tuple[Chain, ...]:
        """Each target from Twilio to the key, with the state of every link."""
        return chains_of(self._result)

    @cached_property
    def chapters(self) -> tuple[tuple[str, tuple[int, ...]], ...]:
        """Chapters of the catalogue with the number of their checks at each of `OUTCOMES`."""
        numbers: dict[str, Counter[Outcome]] = defaultdict(Counter)
        for assessment in self._result.assessments:
            numbers[chapter(self._rules[assessment.rule_id])][assessment.outcome] += 1
        return tuple((name, tuple(numbers[name][outcome] for outcome in OUTCOMES)) for name in sorted(numbers))

    @cached_property
    def records(self) -> Records:
        """The checks and all that explains them."""
        return Records(self._result)

    @cached_property
    def listed(self) -> tuple[Markup, ...]:
        """The worst checks that did not pass, as rows of the list that need no script."""
        scopes = Scopes(self.records, self._result.waivers)
        return tuple(
            form("check").fill({**scopes.check(check), "body": self._unscripted(form("detail"), scopes.detail(check))})
            for check in self.records.checks[: min(LISTED, self.not_passed)]
        )

    @property
    def annex_sha256(self) -> str:
        """Of the CSV of all checks, which goes with a print that has not room for them."""
        return hashlib.sha256(csv_checks.render(self._result).encode()).hexdigest()

    @cached_property
    def not_passed(self) -> int:
        """How many checks failed, are unknown or are waived."""
        return sum(row.total for row in self.rows[:3])

    @cached_property
    def blocks(self) -> tuple[Block, ...]:
        """The data that the script reads."""
        return tuple(blocks_of(self._result, self.records))

    @staticmethod
    def _unscripted(of: Form, scope: Mapping[str, object]) -> Markup:
        """A part that the script makes anew when it is opened, so that it stands here for those without script."""
        return Markup("<noscript>{}</noscript>").format(of.fill(scope))

    @cached_property
    def worst(self) -> tuple[FindingRecord, ...]:
        """Up to five findings to begin with: the most severe, and of these what loses recordings."""
        return tuple(self._by_urgency[:WORST_SHOWN])

    @cached_property
    def finding_count(self) -> int:
        """How many findings failures have."""
        return len(self._by_urgency)

    @property
    def stand_ins(self) -> tuple[str, ...]:
        """That answers came from a stand-in, for each: such a report shows nothing of the real one."""
        return tuple(notice for notice in self._result.scan.notices if notice.startswith(STAND_IN_NOTICE))

    @cached_property
    def worst_left_out(self) -> tuple[str, ...]:
        """How many more there are at each severity, such as `7 critical`; () where all are shown."""
        numbers = Counter(finding.severity for finding in self._by_urgency[WORST_SHOWN:])
        return tuple(f"{numbers[severity]:,} {severity}" for severity in SEVERITIES if numbers[severity])

    @cached_property
    def _by_urgency(self) -> list[FindingRecord]:
        pairs = [
            (self._rules[assessment.rule_id], finding)
            for assessment in self._assessments(Outcome.FAIL)
            for finding in sorted(assessment.findings, key=lambda finding: -finding.severity.rank)
        ]
        return [finding for _, finding in sorted(pairs, key=lambda pair: (-pair[1].severity.rank, urgency(pair[0])))]

    @cached_property
    def waivers(self) -> tuple[WaiverRecord, ...]:
        """All entries of the waiver file, those that ended first."""
        return tuple(waivers_by_state(self._result))

    @cached_property
    def passes(self) -> tuple[tuple[RuleRecord, tuple[str, ...]], ...]:
        """Rules with the subjects that pass them, by rule; () where there are too many to list without script."""
        subjects: dict[str, list[str]] = defaultdict(list)
        for assessment in self._assessments(Outcome.PASS) if self.rows[3].total <= COMPACT else ():
            subjects[assessment.rule_id].append(assessment.subject.name)
        return tuple((self._rules[rule_id], tuple(subjects[rule_id])) for rule_id in sorted(subjects))

    @cached_property
    def not_applicable(self) -> tuple[tuple[RuleRecord, str, tuple[str, ...]], ...]:
        """Rules with the reason why they do not apply to subjects; () where there are too many."""
        subjects: dict[tuple[str, str], list[str]] = defaultdict(list)
        for assessment in self._assessments(Outcome.NOT_APPLICABLE) if self.rows[4].total <= COMPACT else ():
            subjects[assessment.rule_id, assessment.detail or ""].append(assessment.subject.name)
        return tuple((self._rules[rule_id], why, tuple(subjects[rule_id, why])) for rule_id, why in sorted(subjects))

    @cached_property
    def procedure(self) -> tuple[tuple[str, tuple[Requirement, ...]], ...]:
        """The rules that ran, by chapter."""
        chapters: dict[str, list[Requirement]] = defaultdict(list)
        scopes = Scopes(self.records, ())
        for rule, record in zip(self._result.rules, self.records.rules, strict=True):
            outcomes = {tally.outcome: tally.number for tally in self._tallies.get(rule.id, ())}
            body = self._unscripted(form("rule"), scopes.rule(record))
            chapters[chapter(rule)].append(Requirement(rule=rule, outcomes=outcomes, body=body))
        return tuple((name, tuple(chapters[name])) for name in sorted(chapters))

    @property
    def indexed(self) -> Sequence[Record]:
        """Observations that are listed without script."""
        return self.records.evidence[:INDEXED]

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
