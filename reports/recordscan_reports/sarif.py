"""SARIF 2.1.0, in two forms.

`sarif` is for GitHub, which opens an alert for every result whatever its `kind` or `suppressions`: it has one result
for each finding of a failed check, and one for each gap in coverage, so that what could not be read shows there too;
at most 5,000. `sarif-full` has one result for each check with any outcome, and no limit.

Sources: https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html,
https://docs.github.com/en/code-security/code-scanning/integrating-with-code-scanning/sarif-support-for-code-scanning
"""

import json
import re
import uuid
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Self
from urllib.parse import quote

from recordscan.facts import Json
from recordscan.result import Evidence, FindingRecord, Outcome, RuleRecord, ScanResult, fingerprint
from recordscan.rule import FRAMEWORKS, MARKS, Control, Severity
from recordscan_reports.checks import FINGERPRINT_KEY, TOOL, Check, Report, control_name, read, waiver_members
from recordscan_reports.plain import joined, link, moment, one_line, present, shorten, virtual_path
from recordscan_reports.wording import REASON_WORDS, count, sentence, waiver_summary, withheld

RESULTS_SHOWN = 5_000
"""As many as GitHub shows."""

MOST_RESULTS = 25_000
"""GitHub refuses a file with more."""

GAPS_SHOWN = 1_000
LOCATIONS_SHOWN = 100
TEXT_LENGTH = 1_024
NAME_LENGTH = 255
TAGS = 10

COVERAGE_GAP = "coverage-gap"
REPORT_TRUNCATED = "report-truncated"

_NAMESPACE = uuid.UUID("5b0fd6a4-4c2c-5b0e-9a8e-1d6a3c1f7d52")
_VERSION = re.compile(r"\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?\Z", re.ASCII)

_LEVELS = {
    Severity.CRITICAL: "error",
    Severity.HIGH: "error",
    Severity.MEDIUM: "warning",
    Severity.LOW: "note",
    Severity.INFO: "note",
}

_SCORES = {Severity.CRITICAL: "9.5", Severity.HIGH: "8.0", Severity.MEDIUM: "5.5", Severity.LOW: "2.5"}
"""GitHub's bands: over 9.0 critical, from 7.0 high, from 4.0 medium, from 0.1 low; informative has none."""

_KINDS = {
    Outcome.FAIL: "fail",
    Outcome.WAIVED: "fail",
    Outcome.PASS: "pass",
    Outcome.NOT_APPLICABLE: "notApplicable",
    Outcome.UNKNOWN: "open",
}

_BASELINE_STATES = {"new": "new", "newly_observed": "new", "reopened": "new", "existing": "unchanged"}


class ResultLimit(int):
    """How many results a file may hold."""

    def __new__(cls, text: str | int) -> Self:
        """Raises ValueError for what is no number, or leaves no room for gaps, or is more than GitHub takes."""
        digits = str(text)
        number = int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 10 else 0
        if not 2 * GAPS_SHOWN <= number <= MOST_RESULTS:
            raise ValueError(f"{digits!r} is no number from {2 * GAPS_SHOWN:,} to {MOST_RESULTS:,}")
        return super().__new__(cls, number)


class Anchor(str):
    """A place in a repository, `PATH` or `PATH:LINE`; "" for none."""

    __slots__ = ()

    def __new__(cls, text: str) -> Self:
        """Raises ValueError for what is no relative path."""
        path, line = _split(text)
        steps = path.split("/")
        if text and (not all(steps) or {".", ".."} & set(steps) or "\\" in path or "://" in path or line < 1):
            raise ValueError(f"{text!r} is no relative path, such as infra/recordscan.toml or infra/video.tf:12")
        return super().__new__(cls, text)

    @property
    def location(self) -> Json:
        """The place as a physical location of SARIF."""
        path, line = _split(self)
        region = {"startLine": line, "startColumn": 1, "endLine": line, "endColumn": 2}
        return {"artifactLocation": {"uri": quote(path)}, "region": region}


def _split(text: str) -> tuple[str, int]:
    path, colon, line = text.rpartition(":")
    return (path, int(line)) if colon and line.isascii() and line.isdigit() and len(line) < 10 else (text, 1)


_RESULT_LIMIT = ResultLimit(RESULTS_SHOWN)
_NO_ANCHOR = Anchor("")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Gap:
    """Checks of one rule that are unknown in one account and Region."""

    rule: RuleRecord
    checks: tuple[Check, ...]

    @property
    def severity(self) -> Severity:
        return max((check.severity for check in self.checks), key=lambda severity: severity.rank)


def render(result: ScanResult, *, max_results: ResultLimit = _RESULT_LIMIT, anchor: Anchor = _NO_ANCHOR) -> str:
    """Write what GitHub's code scanning takes.

    Args:
        result: What to write.
        max_results: What is more, the mildest, is left out, which the file says twice.
        anchor: Show everything at this place of the repository instead of at a path that stands for the resource; the
            resource is named as logical location all the same. GitHub's upload then makes line hashes of its own, and
            says so once for each result.
    """
    report = read(result)
    run = _Run(report, anchor, limit=max_results)
    gaps = run.gaps()
    # Gaps come first: that something was not read must show however much fails. One place is for what says "truncated".
    shown = gaps[:GAPS_SHOWN]
    room = max_results - len(shown)
    if len(report.failures) > room or len(gaps) > len(shown):
        room -= 1
    results = [run.finding(check, finding) for check, finding in report.failures[:room]]
    results += [run.gap(gap) for gap in shown]
    if not report.checks:
        results.append(run.nothing())
    left_out = max(0, len(report.failures) - room) + len(gaps) - len(shown)
    if left_out:
        results.append(run.truncated(left_out))
    return _document(run.document(results, left_out=left_out))


def render_full(result: ScanResult, *, anchor: Anchor = _NO_ANCHOR) -> str:
    """Write every check with its outcome; waived ones with a suppression.

    Args:
        result: What to write.
        anchor: See `render`.
    """
    report = read(result)
    run = _Run(report, anchor)
    return _document(run.document([run.check(check) for check in report.checks]))


def _document(run: Json) -> str:
    schema = "https://json.schemastore.org/sarif-2.1.0.json"
    return json.dumps({"$schema": schema, "version": "2.1.0", "runs": [run]}) + "\n"


class _Run:
    """One run of the tool, as SARIF describes it."""

    def __init__(self, report: Report, anchor: Anchor, *, limit: int = RESULTS_SHOWN) -> None:
        self._report = report
        self._anchor = anchor
        self._limit = limit
        self._result = report.result
        self._rules = [*sorted(report.result.rules, key=lambda rule: rule.id)]
        ids = [*(rule.id for rule in self._rules), COVERAGE_GAP, REPORT_TRUNCATED]
        self._index = {rule_id: at for at, rule_id in enumerate(ids)}
        controls = {(control.framework, control.control) for rule in self._rules for control in rule.controls}
        self._taxonomies = {
            framework: sorted(control for of, control in controls if of == framework)
            for framework in sorted({framework for framework, _ in controls})
        }

    def document(self, results: Sequence[Json], *, left_out: int = 0) -> Json:
        """The run with its results."""
        scan, gate = self._result.scan, self._result.gate
        driver = present(
            {
                "name": TOOL,
                "version": scan.tool_version,
                "semanticVersion": scan.tool_version if _VERSION.match(scan.tool_version) else None,
                "supportedTaxonomies": [self._reference(framework) for framework in self._taxonomies],
            }
        )
        # Present even when empty: every rule that ran, so that GitHub closes the alerts of one that no longer fails.
        driver["rules"] = [*map(self._rule, self._rules), *_OWN_RULES]
        invocation = present(
            {
                "startTimeUtc": moment(scan.started),
                "endTimeUtc": moment(scan.ended),
                "exitCode": int(gate.exit.code),
                "exitCodeDescription": gate.exit.reason,
                "toolExecutionNotifications": [*self._notifications(left_out)],
            }
        )
        invocation["executionSuccessful"] = not scan.interrupted
        counts = {outcome.value: self._result.count(outcome) for outcome in Outcome}
        run = {
            "tool": {"driver": driver},
            "automationDetails": {"id": f"{TOOL}/{scan.scan_id}"},
            "invocations": [invocation],
            "taxonomies": [self._taxonomy(framework) for framework in self._taxonomies],
            "results": results,
            "columnKind": "unicodeCodePoints",
            "properties": {
                "verdict": gate.verdict,
                "checks": counts,
                "planned": self._result.coverage.planned,
                "evaluated": self._result.coverage.evaluated,
            },
        }
        return run if self._taxonomies else {name: part for name, part in run.items() if name != "taxonomies"}

    def finding(self, check: Check, finding: FindingRecord) -> Json:
        """One finding of a failed check."""
        resources = finding.resources or (check.subject.uid,)
        return self._of_check(
            check,
            text=_text(finding.message, finding.expected, finding.observed),
            level=_LEVELS[finding.severity],
            identity=finding.fingerprint,
            resources=resources,
            first_seen=finding.first_seen,
            properties={
                "severity": finding.severity,
                "expected": finding.expected,
                "observed": finding.observed,
                "lifecycle": finding.lifecycle,
            },
        )

    def check(self, check: Check) -> Json:
        """One check, whatever its outcome."""
        failed = check.raw_outcome is Outcome.FAIL
        return self._of_check(
            check,
            text=_text(check.message, check.expected, check.observed),
            level=_LEVELS[check.severity] if failed else "none",
            kind=_KINDS[check.outcome],
            identity=check.fingerprint,
            resources=check.resources,
            suppressions=_suppressions(check),
            first_seen=check.first_seen,
            baseline=_BASELINE_STATES.get(check.lifecycle or ""),
            properties={
                "severity": check.severity,
                "reason": check.reason_code,
                "permission": check.assessment.permission,
                "expected": check.expected,
                "observed": check.observed,
                "waivers": [waiver.id for waiver in check.waivers],
            },
        )

    def _of_check(
        self,
        check: Check,
        *,
        text: str,
        level: str,
        identity: str,
        resources: Sequence[str],
        properties: dict[str, Json],
        first_seen: str | None,
        kind: str = "fail",
        suppressions: Sequence[Json] = (),
        baseline: str | None = None,
    ) -> Json:
        subject = check.subject
        made = _result(
            rule=check.rule.id,
            index=self._index[check.rule.id],
            text=text,
            level=level,
            kind=kind,
            identity=identity,
            locations=self._locations([(uid, check.path(uid), subject.uid) for uid in resources[:LOCATIONS_SHOWN]]),
            properties=present(
                {
                    "status": check.outcome,
                    "rawStatus": check.raw_outcome,
                    "check": check.fingerprint,
                    "target": subject.uid,
                    "targetName": subject.name,
                    "account": subject.account,
                    **properties,
                    "remediation": shorten(check.remediation, TEXT_LENGTH),
                    "evidence": [item.id for item in check.evidence],
                }
            ),
        )
        more = {
            "taxa": [self._taxon(control) for control in check.rule.controls],
            "suppressions": list(suppressions),
            "baselineState": baseline,
            "provenance": _provenance(first_seen, self._result.scan.ended),
        }
        return present({**made, **more})

    def gaps(self) -> list[_Gap]:
        """Unknown checks by rule, account and Region, worst first."""
        grouped: dict[tuple[str, str, str], list[Check]] = defaultdict(list)
        for check in self._report.of(Outcome.UNKNOWN):
            grouped[check.rule.id, check.subject.account or "", check.subject.region or ""].append(check)
        gaps = [_Gap(rule=checks[0].rule, checks=tuple(checks)) for checks in grouped.values()]
        return sorted(gaps, key=lambda gap: -gap.severity.rank)

    def gap(self, gap: _Gap) -> Json:
        """A rule that could not be decided in an account and Region."""
        subject = gap.checks[0].subject
        why = joined(check.message for check in gap.checks) or ""
        grants = sorted({check.assessment.permission for check in gap.checks if check.assessment.permission})
        grant = f" Grant {', '.join(grants)}." if grants else ""
        place = virtual_path(gap.rule.id, provider=subject.provider, account=subject.account, region=subject.region)
        return _result(
            rule=COVERAGE_GAP,
            index=self._index[COVERAGE_GAP],
            text=shorten(
                f"{count(len(gap.checks), 'check')} of {gap.rule.id} could not be decided: "
                f"{_stop(shorten(why, TEXT_LENGTH // 2))}{grant}",
                TEXT_LENGTH,
            ),
            level="warning",
            kind="fail",
            identity=fingerprint(COVERAGE_GAP, gap.rule.id, subject.account or "", subject.region or ""),
            locations=self._locations([(subject.uid, place, subject.uid)]),
            properties={
                "status": Outcome.UNKNOWN,
                "rule": gap.rule.id,
                "severity": gap.severity,
                "checks": [check.fingerprint for check in gap.checks],
                "reasons": sorted({check.reason_code for check in gap.checks if check.reason_code}),
                "permissions": grants,
            },
        )

    def nothing(self) -> Json:
        """What keeps a scan that judged nothing from looking like one that found nothing."""
        return _result(
            rule=COVERAGE_GAP,
            index=self._index[COVERAGE_GAP],
            text=f"Nothing was judged: {_stop(self._result.gate.exit_reason)}",
            level="warning",
            kind="fail",
            identity=fingerprint(COVERAGE_GAP),
            locations=self._locations([(TOOL, f"cloud/{TOOL}", TOOL)]),
            properties={"status": Outcome.UNKNOWN, "checks": []},
        )

    def truncated(self, left_out: int) -> Json:
        """What says that this is not all."""
        return _result(
            rule=REPORT_TRUNCATED,
            index=self._index[REPORT_TRUNCATED],
            text=_left_out(left_out, self._limit),
            level="warning",
            kind="fail",
            identity=fingerprint(REPORT_TRUNCATED),
            locations=self._locations([(TOOL, f"cloud/{TOOL}", TOOL)]),
            properties={"leftOut": left_out},
        )

    def _locations(self, places: Iterable[tuple[str, str, str]]) -> list[Json]:
        """The uid of each resource, its path and its target as locations; as one, where all is anchored at a file."""
        if not self._anchor:
            return [
                {"physicalLocation": _virtual(path), "logicalLocations": _logical(uid, on)} for uid, path, on in places
            ]
        names = {entry["fullyQualifiedName"]: entry for uid, _, on in places for entry in _logical(uid, on)}
        return [{"physicalLocation": self._anchor.location, "logicalLocations": [*names.values()]}]

    def _notifications(self, left_out: int) -> Iterator[Json]:
        scan = self._result.scan
        failed = (item for item in self._result.evidence if item.outcome == "failed")
        for item in sorted(failed, key=lambda e: (e.operation, e.account or "", e.region or "", e.id)):
            yield _failed_call(item)
        for population in self._result.coverage.population:
            if not population.complete:
                calls = ", ".join(population.enumerated_by)
                yield _notification("warning", f"Not all {population.kind} could be listed ({calls}).")
        if scan.interrupted:
            yield _notification("error", "The scan was stopped before it had asked everything.")
        for rule_id, why in sorted(self._result.coverage.not_selected.items()):
            yield _notification("note", f"The rule {rule_id} was left out: {_stop(why)}")
        if (made := withheld(self._result)) is not None:
            yield _notification("note", made)
        for notice in scan.notices:
            yield _notification("note", _stop(sentence(notice)))
        if left_out:
            yield _notification("warning", _left_out(left_out, self._limit))

    def _rule(self, rule: RuleRecord) -> Json:
        controls = sorted(rule.controls, key=lambda c: (MARKS.index(c.mark), c.framework, c.control))
        tags = ["security", *(shorten(control_name(control), 100) for control in controls)]
        text = f"{one_line(rule.rationale)}\n\n{one_line(rule.remediation)}"
        return present(
            {
                "id": rule.id,
                "deprecatedIds": list(rule.aliases),
                "name": _pascal_case(rule.id),
                "shortDescription": {"text": _plain(shorten(_stop(rule.title), TEXT_LENGTH))},
                "fullDescription": {"text": _plain(shorten(_stop(one_line(rule.rationale)), TEXT_LENGTH))},
                "help": {"text": _plain(text), "markdown": f"{rule.rationale}\n\n**What to do:** {rule.remediation}"},
                "helpUri": next(filter(None, map(link, rule.references)), None),
                "defaultConfiguration": {"level": _LEVELS[rule.severity]},
                "properties": present(
                    {
                        "tags": list(dict.fromkeys(tags))[:TAGS],
                        "precision": "very-high",
                        "security-severity": _SCORES.get(rule.severity),
                        "severity": rule.severity,
                        "family": rule.family,
                    }
                ),
                "relationships": [
                    {"target": self._taxon(control), "kinds": ["relevant"], "properties": {"mapping": control.mark}}
                    for control in rule.controls
                ],
            }
        )

    def _taxonomy(self, framework: str) -> Json:
        return {
            "name": framework,
            "guid": _guid("taxonomy", framework),
            "shortDescription": {"text": _plain(_stop(FRAMEWORKS.get(framework, framework)))},
            "isComprehensive": False,
            "taxa": [{"id": control, "guid": _guid(framework, control)} for control in self._taxonomies[framework]],
        }

    def _reference(self, framework: str) -> Json:
        return {
            "name": framework,
            "guid": _guid("taxonomy", framework),
            "index": list(self._taxonomies).index(framework),
        }

    def _taxon(self, control: Control) -> Json:
        return {
            "id": control.control,
            "guid": _guid(control.framework, control.control),
            "toolComponent": self._reference(control.framework),
        }


def _result(
    *,
    rule: str,
    index: int,
    text: str,
    level: str,
    kind: str,
    identity: str,
    locations: Sequence[Json],
    properties: Mapping[str, Json],
) -> dict[str, Json]:
    return {
        "ruleId": rule,
        "ruleIndex": index,
        "kind": kind,
        "level": level,
        "message": {"text": _plain(shorten(text, TEXT_LENGTH))},
        "locations": locations,
        "guid": _guid("result", identity),
        "fingerprints": {FINGERPRINT_KEY: identity},
        "partialFingerprints": {"primaryLocationLineHash": f"{identity[:16]}:1", FINGERPRINT_KEY: identity},
        "properties": properties,
    }


def _logical(uid: str, target: str) -> list[dict[str, Json]]:
    """A resource by its own name, and what it belongs to."""
    return [{"fullyQualifiedName": name, "kind": "resource"} for name in dict.fromkeys((uid, target))]


def _virtual(path: str) -> Json:
    """A path that stands for a resource, for readers that want files."""
    return {
        "artifactLocation": {"uri": path},
        "region": {"startLine": 1, "startColumn": 1, "endLine": 1, "endColumn": 2},
    }


def _suppressions(check: Check) -> list[Json]:
    if check.pending:
        justification = _plain(sentence(joined(map(waiver_summary, check.pending)) or "pending"))
        waivers: dict[str, Json] = {"waivers": [waiver_members(waiver) for waiver in check.pending]}
        return [{"kind": "external", "status": "underReview", "justification": justification, "properties": waivers}]
    if check.outcome is not Outcome.WAIVED:
        return []
    suppression = {"kind": "external", "status": "accepted", "justification": _plain(check.waiver_sentence)}
    properties = {"properties": {"waivers": [waiver_members(waiver) for waiver in check.waivers]}}
    return [{**suppression, **(properties if check.waivers else {})}]


def _provenance(first_seen: str | None, ended: str) -> Json:
    """Since when a finding is known; None where no baseline says it."""
    first, last = moment(first_seen or ""), moment(ended)
    return {"firstDetectionTimeUtc": first, "lastDetectionTimeUtc": last} if first and last else None


def _failed_call(item: Evidence) -> Json:
    who = f" on behalf of {item.account}" if item.account else ""
    where = f" in {item.region}" if item.region else ""
    why = item.error_message or item.error_code or (REASON_WORDS[item.reason] if item.reason else "no answer")
    properties = {
        "evidence": item.id,
        "operation": item.operation,
        "errorCode": item.error_code,
        "httpStatus": item.http_status,
        "permission": item.permission,
        "requestId": item.request_id,
        "attempts": item.attempts,
    }
    return present(
        {
            **_notification("warning", f"{item.operation}{who}{where} failed: {_stop(why)}"),
            "timeUtc": moment(item.collected_at),
            "descriptor": {"id": str(item.reason)} if item.reason else None,
            "properties": present(properties),
        }
    )


def _notification(level: str, text: str) -> dict[str, Json]:
    return {"level": level, "message": {"text": _plain(shorten(text, TEXT_LENGTH))}}


def _left_out(number: int, limit: int) -> str:
    return (
        f"{count(number, 'result is', 'results are')} left out of this file, the mildest; "
        f"it holds {limit:,} at most. The canonical JSON has all."
    )


def _own_rule(rule_id: str, title: str, what_to_do: str) -> Json:
    return {
        "id": rule_id,
        "name": _pascal_case(rule_id),
        "shortDescription": {"text": title},
        "fullDescription": {"text": title},
        "help": {"text": what_to_do, "markdown": what_to_do},
        "defaultConfiguration": {"level": "warning"},
        "properties": {"tags": ["security", "coverage"], "precision": "very-high", "security-severity": "5.5"},
    }


def _text(message: str, expected: str | None, observed: str | None) -> str:
    parts = [_stop(sentence(message))]
    parts += [f"Expected: {_stop(expected)}"] if expected else []
    parts += [f"Observed: {_stop(observed)}"] if observed else []
    return " ".join(parts)


def _plain(text: str) -> str:
    """Text in which nothing is taken for an embedded link, `[text](destination)` in SARIF."""
    return text.replace("](", "]\\(") or "-"


def _stop(text: str) -> str:
    """A sentence with its full stop."""
    return text if text.endswith((".", "!", "?", "…")) else f"{text}."


def _pascal_case(rule_id: str) -> str:
    words = re.split(r"[^A-Za-z0-9]+", rule_id)
    return shorten("".join(word[:1].upper() + word[1:] for word in words), NAME_LENGTH) or "Rule"


def _guid(*parts: str) -> str:
    return str(uuid.uuid5(_NAMESPACE, "\x1f".join(parts)))


_OWN_RULES = (
    _own_rule(
        COVERAGE_GAP,
        "Everything that the rules need can be read.",
        "Grant the permission that the result names, or repeat the scan, so that the rule can be decided. "
        "What could not be read neither passes nor fails.",
    ),
    _own_rule(
        REPORT_TRUNCATED,
        "The report holds all results.",
        "Read the canonical JSON, which holds all of them, and correct the most severe first.",
    ),
)
