"""The checks of a result and what explains them as flat records, which the script reads as columns.

Records refer to each other by number. All texts are as the result has them; who shows one makes it visible.
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import Any

from recordscan.facts import Citation
from recordscan.observation import canonical_json
from recordscan.remedies.commands import commands_of
from recordscan.result import Assessment, Evidence, RuleRecord, ScanResult, SubjectRecord
from recordscan.rule import FRAMEWORKS
from recordscan_reports.html.prose import parse_prose
from recordscan_reports.wording import OUTCOMES, REASON_WORDS, age_of, count, sentence

Record = dict[str, Any]

_PROVIDERS = {"aws": "AWS", "twilio": "Twilio"}


class Records:
    """Everything that a list of checks can open, the worst check first."""

    def __init__(self, result: ScanResult) -> None:
        self._result = result
        self._rules = {rule.id: number for number, rule in enumerate(result.rules)}
        self._evidence = {evidence.id: number for number, evidence in enumerate(self._ordered)}
        self._subjects: dict[SubjectRecord, int] = {}
        self.findings: list[Record] = []
        """What was found, in the order of the checks, the worst of a check first."""

        self.checks: list[Record] = [self._check(assessment) for assessment in worst_first(result)]
        """One for each assessment."""

    @cached_property
    def rules(self) -> list[Record]:
        """The rules that ran, in the order of the result, with their prose as data for forms."""
        return [_rule(rule) for rule in self._result.rules]

    @cached_property
    def subjects(self) -> list[Record]:
        """What was judged."""
        return [
            {
                "uid": subject.uid,
                "kind": subject.kind or "subject",
                "name": subject.name,
                "provider": _PROVIDERS.get(subject.provider, subject.provider),
                "account": subject.account,
                "region": subject.region,
            }
            for subject in self._subjects
        ]

    @cached_property
    def answers(self) -> list[str]:
        """The canonical JSON of each different answer."""
        return list(self._numbered_answers.values())

    @cached_property
    def evidence(self) -> list[Record]:
        """All observations, by operation. `answer` is the number of an answer and 1; 0 for none."""
        cited: dict[int, int] = defaultdict(int)
        for check in self.checks:
            for number in check["proofs"]:
                cited[number] += 1
        places = {sha256: number for number, sha256 in enumerate(self._numbered_answers, start=1)}
        return [
            {
                "id": e.id,
                "sha256": e.sha256,
                "operation": e.operation,
                "account": e.account,
                "region": e.region,
                "request": json.dumps(e.request, ensure_ascii=False, sort_keys=True, default=str),
                "outcome": e.outcome,
                "error": e.error_code,
                "message": e.error_message,
                "status": e.http_status,
                "permission": e.permission if e.outcome == "failed" else None,
                "time": e.collected_at,
                "attempts": e.attempts,
                "request_id": e.request_id,
                "removed": ", ".join(e.redactions),
                "cited": cited[number],
                "answer": places[e.sha256] if e.outcome == "answered" else 0,
            }
            for number, e in enumerate(self._ordered)
        ]

    @cached_property
    def _ordered(self) -> list[Evidence]:
        return sorted(self._result.evidence, key=lambda e: (e.operation, e.account or "", e.region or "", e.id))

    @cached_property
    def _numbered_answers(self) -> dict[str, str]:
        return {e.sha256: canonical_json(e.answer) for e in self._ordered if e.outcome == "answered"}

    def _check(self, assessment: Assessment) -> Record:
        decisive = _places(_decisive(assessment))
        known = {self._evidence[name]: pointers for name, pointers in decisive.items() if name in self._evidence}
        read = (self._evidence[name] for name in _places(_citations(assessment)) if name in self._evidence)
        others = [number for number in dict.fromkeys(read) if number not in known]
        steps, by_hand = commands_of(assessment.remedy)
        findings = sorted(assessment.findings, key=lambda finding: -finding.severity.rank)
        rule = self._result.rules[self._rules[assessment.rule_id]]
        first = len(self.findings)
        self.findings += [
            {
                "message": sentence(finding.message),
                "severity": str(finding.severity),
                "expected": finding.expected,
                "observed": finding.observed,
                "resources": finding.resources,
                "age": age_of(finding),
                "waiver": finding.waiver,
                "fingerprint": finding.fingerprint,
            }
            for finding in findings
        ]
        return {
            "rule": self._rules[assessment.rule_id],
            "subject": self._subjects.setdefault(assessment.subject, len(self._subjects)),
            "outcome": str(assessment.outcome),
            "severity": str(assessment.severity),
            "summary": _summary(rule, [finding.message for finding in findings]),
            "detail": assessment.detail,
            "reason": REASON_WORDS.get(assessment.reason) if assessment.reason else None,
            "permission": assessment.permission,
            "waiver": assessment.waiver,
            "first": first,
            "findings": len(findings),
            "steps": [[step.does, text, *step.warnings] for step, text in steps],
            "by_hand": by_hand,
            "accounts": self._aws_accounts(assessment.subject, known),
            "proofs": [*known, *others],
            "decisive": len(known),
            "pointers": list(known.values()),
            "fingerprint": assessment.fingerprint,
        }

    def _aws_accounts(self, subject: SubjectRecord, decisive: Iterable[int]) -> str:
        """The AWS accounts whose answers decided, where the subject itself is not of AWS."""
        if subject.provider == "aws":
            return ""
        found = (self._ordered[number] for number in decisive)
        return ", ".join(sorted({e.account for e in found if e.account and not e.operation.startswith("twilio:")}))


def worst_first(result: ScanResult) -> list[Assessment]:
    """The assessments by outcome as readers should care, severity, rule and subject."""
    order = {outcome: number for number, outcome in enumerate(OUTCOMES)}
    return sorted(
        result.assessments, key=lambda a: (order[a.outcome], -a.severity.rank, a.rule_id, a.subject.name, a.subject.uid)
    )


def chapter(rule: RuleRecord) -> str:
    """The part of the catalogue that a rule stands in, as a heading."""
    return rule.family.replace("-", " ").capitalize()


def _summary(rule: RuleRecord, messages: list[str]) -> str:
    if len(messages) == 1:
        return sentence(messages[0])
    return f"{count(len(messages), 'finding')} against one requirement: {rule.title}" if messages else rule.title


def _rule(rule: RuleRecord) -> Record:
    return {
        "id": rule.id,
        "title": rule.title,
        "severity": str(rule.severity),
        "rationale": list(_prose(rule.rationale)),
        "remediation": list(_prose(rule.remediation)),
        "guide": rule.guide,
        "peers": list(rule.peers),
        "controls": [
            {
                "framework": FRAMEWORKS.get(c.framework, c.framework),
                "id": c.framework,
                "control": c.control,
                "mark": c.mark,
            }
            for c in rule.controls
        ],
        "references": [{"link" if url.startswith("https://") else "text": url} for url in rule.references],
    }


def _prose(markdown: str) -> Iterator[Record]:
    for found in parse_prose(markdown):
        items = [[{span.kind: span.text} for span in item] for item in found.items]
        if found.kind in ("bullets", "numbers"):
            yield {found.kind: [{"spans": item} for item in items]}
        elif found.kind == "code":
            yield {"code": "\n".join(span.text for span in found.items[0])}
        else:
            yield {"paragraph": items[0]}


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
