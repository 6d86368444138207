"""What stands in the forms of a check: the values of their names, for the part of the page that needs no script.

`script/scopes.js` makes the same of the same records.
"""

import json
from collections.abc import Sequence
from typing import Any

from recordscan.result import Outcome, WaiverRecord
from recordscan_reports.html.excerpt import Answer, Line
from recordscan_reports.html.records import Record, Records
from recordscan_reports.wording import OUTCOME_WORDS, count, sentence, waiver_summary

EXCERPT_LINES = 10
PROOFS_SHOWN = 4
RESOURCES_SHOWN = 20

SHAPES = {"fail": "fail", "unknown": "unknown", "waived": "waived", "pass": "pass", "not_applicable": "none"}

Scope = dict[str, Any]


class Scopes:
    """Values for forms, made of records."""

    def __init__(self, records: Records, waivers: Sequence[WaiverRecord]) -> None:
        self._records = records
        self._waived = {waiver.id: sentence(waiver_summary(waiver)) for waiver in waivers}
        self._answers: dict[int, Answer] = {}

    def check(self, check: Record) -> Scope:
        """For `forms/check.html.j2`, without its body."""
        return {
            "outcome": check["outcome"],
            "fingerprint": check["fingerprint"],
            "shape": SHAPES[check["outcome"]],
            "word": OUTCOME_WORDS[Outcome(check["outcome"])],
            "severity": check["severity"],
            "level": check["severity"].capitalize(),
            "rule": self._records.rules[check["rule"]]["id"],
            "subject": self._records.subjects[check["subject"]]["name"],
            "summary": check["summary"],
        }

    def detail(self, check: Record) -> Scope:
        """For `forms/detail.html.j2`."""
        rule, subject = self._records.rules[check["rule"]], self._records.subjects[check["subject"]]
        unknown, failed = check["outcome"] == "unknown", check["outcome"] in ("fail", "waived")
        findings = self._records.findings[check["first"] : check["first"] + check["findings"]]
        decided = list(zip(check["proofs"], check["pointers"], strict=False))
        left_out = len(check["proofs"]) - min(PROOFS_SHOWN, len(decided))
        return {
            **subject,
            "live": False,
            "title": rule["title"],
            "rule": rule["id"],
            "kind": sentence(subject["kind"]),
            "subject": subject["name"],
            "accounts": check["accounts"],
            "reason": (check["reason"] or "No reason given") if unknown else None,
            "detail": check["detail"],
            "remark": sentence(check["detail"]) + "." if check["detail"] and not unknown else None,
            "permission": check["permission"],
            "waiver": check["waiver"],
            "waived": self._waived.get(check["waiver"]),
            "findings": [self._finding(finding, at, len(findings)) for at, finding in enumerate(findings, start=1)],
            "fingerprint": check["fingerprint"],
            "mend": failed,
            "remediation": rule["remediation"],
            "by_hand": check["by_hand"],
            "steps": [
                {"number": number, "does": does, "command": command, "warnings": warnings}
                for number, (does, command, *warnings) in enumerate(check["steps"], start=1)
            ],
            "step_count": count(len(check["steps"]), "step"),
            "applies_not": check["outcome"] == "not_applicable",
            "proofs": [self._proof(number, pointers) for number, pointers in decided[:PROOFS_SHOWN]],
            "proof_some": bool(check["proofs"]),
            "proof_count": count(len(check["proofs"]), "answer"),
            "proofs_left_out": count(left_out, "more answer") if left_out else None,
            "controls": rule["controls"],
            "references": rule["references"],
        }

    def rule(self, rule: Record) -> Scope:
        """For `forms/rule.html.j2`."""
        return {**rule, "level": rule["severity"].capitalize()}

    def _finding(self, finding: Record, number: int, total: int) -> Scope:
        more = len(finding["resources"]) - RESOURCES_SHOWN
        return {
            **finding,
            "number": number,
            "total": total,
            "several": total > 1,
            "level": finding["severity"].capitalize(),
            "compared": finding["expected"] is not None or finding["observed"] is not None,
            "resources": finding["resources"][:RESOURCES_SHOWN],
            "more": max(0, more),
            "age": finding["age"] and finding["age"].capitalize(),
            "waived": self._waived.get(finding["waiver"]),
        }

    def _proof(self, number: int, pointers: Sequence[str]) -> Scope:
        evidence = self._records.evidence[number]
        answered = evidence["outcome"] == "answered"
        lines = self._answer(evidence["answer"]).excerpt(pointers, limit=EXCERPT_LINES) if answered else ()
        return {
            **evidence,
            "decisive": True,
            "moment": moment(evidence["time"]),
            "whole": answered and not pointers,
            "answered": answered,
            "unanswered": not answered,
            "absent": evidence["outcome"] == "absent",
            "failed": evidence["outcome"] == "failed",
            "code": evidence["error"] or "no code",
            "lines": [_line(line) for line in lines],
        }

    def _answer(self, number: int) -> Answer:
        if number not in self._answers:
            self._answers[number] = Answer(json.loads(self._records.answers[number - 1]))
        return self._answers[number]


def moment(timestamp: str) -> str:
    """`2026-11-23T21:04:11.123Z` as `2026-11-23 21:04:11 UTC`; anything else as it is."""
    day, separator, time = timestamp.removesuffix("Z").partition("T")
    return f"{day} {time[:8]} UTC" if separator and timestamp.endswith("Z") else timestamp


def _line(line: Line) -> Scope:
    return {
        "left_out": count(line.left_out, "line") if line.left_out else None,
        "indent": line.indent,
        "text": line.text,
        "decisive": line.decisive,
        "inside": line.inside and not line.decisive,
        "plain": not line.inside and not line.decisive,
        "comma": line.comma,
        "missing": line.missing,
    }
