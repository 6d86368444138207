"""The words that reports share, so that the terminal and the page say the same thing."""

from collections import Counter
from collections.abc import Iterator

from recordscan.facts import Reason
from recordscan.result import (
    AccessRecord,
    ControlStatus,
    Evidence,
    FindingRecord,
    FrameworkRecord,
    Gap,
    Gate,
    Outcome,
    Rate,
    RuleRecord,
    ScanResult,
    ScoreRecord,
    Verdict,
    WaiverRecord,
    WaiverState,
)
from recordscan.rule import Severity

SEVERITIES = tuple(reversed(Severity))
"""From critical to informative, as reports list them."""

OUTCOMES = (Outcome.FAIL, Outcome.UNKNOWN, Outcome.WAIVED, Outcome.PASS, Outcome.NOT_APPLICABLE)
"""In the order in which a reader should care."""

OUTCOME_WORDS = {
    Outcome.FAIL: "Fail",
    Outcome.UNKNOWN: "Unknown",
    Outcome.WAIVED: "Waived",
    Outcome.PASS: "Pass",
    Outcome.NOT_APPLICABLE: "Not applicable",
}

CONTROL_WORDS = {
    ControlStatus.FAIL: "Fail",
    ControlStatus.UNKNOWN: "Unknown",
    ControlStatus.WAIVED: "Waived",
    ControlStatus.PASS: "Pass",
    ControlStatus.NOT_APPLICABLE: "Not applicable",
    ControlStatus.NOT_TESTED: "Not tested",
}
"""Statuses of controls, in the order in which a reader should care."""

MAPPING_REVIEW = "A mapping by a peer or by recordscan itself needs an auditor's review."

OUTCOME_MEANINGS = {
    Outcome.FAIL: "The requirement is broken; the evidence shows where.",
    Outcome.UNKNOWN: "Something that the check needs could not be read or decided. It is neither a pass nor a fail.",
    Outcome.WAIVED: "The requirement is broken, and somebody with authority has accepted that for a time.",
    Outcome.PASS: "Everything that the check needs was read, and the requirement is met.",
    Outcome.NOT_APPLICABLE: "The requirement does not concern this subject, for the reason given.",
}

VERDICT_MEANINGS = {
    Verdict.PASS: "No check that the gate looks at failed, and all of them could be decided.",
    Verdict.FAIL: "At least one check that the gate looks at failed, and all of them could be decided.",
    Verdict.FAIL_INCOMPLETE: "At least one check that the gate looks at failed, and others could not be decided.",
    Verdict.INCOMPLETE: (
        "No check that the gate looks at is known to fail, but not all could be decided, or nothing was judged. "
        "This is no pass."
    ),
}

NO_GATE_MEANING = "No gate was set, so that nothing could break it: this scan neither passes nor fails."

ANSWER_WORDS = {"answered": "Answered", "absent": "There is none", "failed": "Failed"}
"""What became of a call."""

URGENT = (
    "alert-data-loss",
    "key-pending-deletion",
    "key-state",
    "url-bucket-exists",
    "enc-kms-region",
    "settings-credential-exists",
    "cred-key-active",
    "settings-encryption-key-exists",
)
"""Rules whose failure loses recordings, the most pressing first: lost already, about to be, and uploads that fail."""

WAIVER_MEANINGS = {
    WaiverState.EXPIRED: "It has ended: what it covered counts again.",
    WaiverState.EXPIRING: "In force, and about to end.",
    WaiverState.PENDING: "Nobody has approved it yet, so that it has no effect.",
    WaiverState.UNMATCHED: "Approved, but nothing that failed is covered by it.",
    WaiverState.ACTIVE: "In force.",
}
"""In the order in which a reader should care."""

REASON_WORDS = {
    Reason.ACCESS_DENIED: "Access denied",
    Reason.NOT_FOUND: "Not found",
    Reason.NOT_CONFIGURED: "Not configured",
    Reason.THROTTLED: "Throttled",
    Reason.UNREACHABLE: "Endpoint not reached",
    Reason.CREDENTIALS_EXPIRED: "Credentials expired",
    Reason.NOT_SELECTED: "Not asked for",
    Reason.NOT_ASKED: "Not asked, as the scan was stopped",
    Reason.UNDECIDABLE: "Cannot be decided",
    Reason.MALFORMED: "Answer not understood",
    Reason.FAILED: "Call failed",
    Reason.INTERNAL_ERROR: "Error in the rule",
}


ABILITY_MEANINGS = {
    "fetch": "Get objects.",
    "decrypt": "Use the KMS key through S3. Nobody needs to where none stands before the media.",
    "read": "Fetch and decrypt: the media itself.",
    "write": "Put objects. Where a KMS key encrypts the media, uploads need it as well; it is not asked for here.",
    "delete": "Delete objects or versions of them.",
    "list": "See the names of objects.",
    "change": "Change or remove what guards the media: policies, ACLs, encryption, versioning, life cycle, the key.",
}
"""What principals may be able to do, in the order of the columns."""

PRINCIPALS = {"anonymous": "Everybody, signed in or not", "other accounts": "Principals of other AWS accounts"}
"""What reports call principals that have no name of their own."""


def count(number: int, noun: str, plural: str | None = None) -> str:
    """A number and its noun: `1 check`, `1,234 checks`."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def listing(items: list[str]) -> str:
    """Items as a phrase: `a`, `a and b`, `a, b and c`."""
    return " and ".join(filter(None, (", ".join(items[:-1]), *items[-1:])))


def waivers_by_state(result: ScanResult) -> list[WaiverRecord]:
    """All waivers, those that ended first."""
    order = list(WAIVER_MEANINGS)
    return sorted(result.waivers, key=lambda waiver: (order.index(waiver.state), waiver.expires, waiver.id))


def waiver_summary(waiver: WaiverRecord) -> str:
    """Who accepted what until when, and why, in a sentence."""
    by = f"by {waiver.approved_by}" if waiver.approved_by else "by nobody yet"
    return f"accepted {by} until {waiver.expires} ({waiver.id}, {waiver.kind.replace('_', ' ')}): {waiver.reason}"


def accepted_gap(result: ScanResult, gap: Gap) -> Iterator[str]:
    """How many checks of a gap each waiver accepts to be unknown, who accepted that, until when and why."""
    waivers = {waiver.id: waiver for waiver in result.waivers}
    why = (gap.reason, gap.detail, gap.permission)
    unknown = (a for a in result.assessments if a.waiver and (a.reason, a.detail or "", a.permission) == why)
    for name, number in Counter(assessment.waiver for assessment in unknown).items():
        if name in waivers:
            yield f"{count(number, 'check')} {waiver_summary(waivers[name])}"


def since_baseline(result: ScanResult) -> str | None:
    """What has changed since the baseline, in a sentence; None without one."""
    if result.baseline is None:
        return None
    found = [finding for assessment in result.assessments for finding in assessment.findings]
    numbers = Counter(finding.lifecycle for finding in found)
    parts = [f"{count(numbers['new'], 'finding is', 'findings are')} new"]
    if numbers["reopened"]:
        parts.append(f"{numbers['reopened']:,} are back again")
    if numbers["rule_added"]:
        parts.append(f"{numbers['rule_added']:,} of rules that did not run then")
    if numbers["newly_observed"]:
        parts.append(f"{numbers['newly_observed']:,} were looked at for the first time")
    parts += [f"{numbers['existing']:,} were there before", f"{len(result.baseline.resolved):,} are resolved"]
    if result.baseline.not_observed:
        parts.append(f"{len(result.baseline.not_observed):,} could not be observed this time")
    return f"Since the scan of {result.baseline.created[:10]}: {listing(parts)}."


def age_of(finding: FindingRecord) -> str | None:
    """Since when a finding is known, in a few words; None where there is no baseline."""
    if finding.lifecycle is None or finding.first_seen is None:
        return None
    since = {
        "new": "new",
        "rule_added": "its rule did not run before",
        "newly_observed": "looked at for the first time",
    }
    known = f"known since {finding.first_seen[:10]}"
    return f"back again, {known}" if finding.lifecycle == "reopened" else since.get(finding.lifecycle, known)


def percent(part: int, whole: int) -> str:
    """A share such as `81.8 %`, rounded down, so that nothing but all is 100 %."""
    return f"{part * 1000 // whole / 10:.1f} %"


def bounds(rate: Rate) -> str:
    """A rate: one number where all is known, a range where it is not, and no number where there is nothing."""
    if not rate.total:
        return "no data"
    low, high = percent(rate.passed, rate.total), percent(rate.passed + rate.unknown, rate.total)
    return f"{low} to {high}" if rate.unknown else low


def score_sentence(score: ScoreRecord) -> str:
    """How much is sound, with what it is counted of, in a sentence."""
    checks, rules = score.checks, score.rules
    if not checks.total:
        return "No data: no check applied."
    listed = "" if score.complete else " of what could be listed"
    coverage = percent(checks.total - checks.unknown, checks.total)
    return (
        f"{bounds(checks)} of {count(checks.total, 'applicable check')}{listed} pass (coverage {coverage}), "
        f"and with {bounds(rules)} of {count(rules.total, 'rule')} every check passes."
    )


def statuses(framework: FrameworkRecord) -> str:
    """How many controls of a framework have each status: `2 fail, 5 pass, 36 not tested`."""
    counts = ((framework.count(status), word.lower()) for status, word in CONTROL_WORDS.items())
    return ", ".join(f"{number:,} {word}" for number, word in counts if number) or "no control is known"


def target_names(result: ScanResult) -> dict[str, str]:
    """Uid of each target to the name that people know it by."""
    return {a.subject.uid: a.subject.name for a in result.assessments}


def principal_kind(record: AccessRecord) -> str:
    """The kind of a principal, where the name does not say it."""
    return "" if record.principal in PRINCIPALS else record.kind


def principal_name(record: AccessRecord) -> str:
    """The name of a principal."""
    return PRINCIPALS.get(record.principal, record.principal)


def verdict_meaning(gate: Gate) -> str:
    """What the headline of a scan means."""
    meaning = VERDICT_MEANINGS[gate.verdict] if gate.headline == gate.verdict else NO_GATE_MEANING
    return f"{meaning} What failed before, as the baseline says, does not count." if gate.only_new else meaning


def withheld(result: ScanResult) -> str | None:
    """What was taken out of the result or hashed, so that it could be shared; None where nothing was."""
    made = result.withheld
    if made is None:
        return None
    parts = []
    if made.hashed:
        parts.append(f"{listing(list(made.hashed))} are replaced by salted hashes")
    if made.evidence:
        parts.append("answers and remedies are left out, the SHA-256 of each answer is not")
    if made.passed:
        parts.append(
            f"{count(sum(made.passed.values()), 'passed check is', 'passed checks are')} counted but not listed"
        )
    return f"This report was made to be shared: {'; '.join(parts)}."


def bottom_line(result: ScanResult) -> Iterator[str]:
    """The outcome of the scan in plain sentences, the weightiest first."""
    coverage = result.coverage
    if not coverage.planned:
        yield "No check applied, so nothing was judged: this report says nothing about how recordings are stored."
    else:
        yield _failures(result)
        yield _decided(result)
    if result.scan.interrupted:
        yield "The scan was stopped before it had asked everything."
    if partial := [population.kind for population in coverage.population if not population.complete]:
        yield f"Not everything could be listed: {listing(partial)}."
    if (since := since_baseline(result)) is not None:
        yield since
    if coverage.not_selected:
        yield f"{count(len(coverage.not_selected), 'rule was', 'rules were')} left out on request."
    if (made := withheld(result)) is not None:
        yield made


def remedy(gap: Gap) -> str:
    """What closes a gap that no permission closes."""
    return "nothing; scan again to the end" if gap.reason is Reason.NOT_ASKED else "no grant helps"


def unread(result: ScanResult) -> tuple[Evidence, ...]:
    """Answers that could not be read and that no check rests on, so that no gap speaks of them."""
    cited = {
        place.observation
        for assessment in result.assessments
        for places in (assessment.evidence, *(found.evidence for found in assessment.findings))
        for place in places
    }
    found = [evidence for evidence in result.evidence if evidence.outcome == "failed" and evidence.id not in cited]
    return tuple(sorted(found, key=lambda e: (e.operation, e.account or "", e.region or "", e.id)))


def needs(evidence: Evidence) -> str | None:
    """The permission that a failed call lacked; None where no grant helps."""
    return evidence.permission if evidence.reason is Reason.ACCESS_DENIED else None


def urgency(rule: RuleRecord) -> int:
    """Where a failure of a rule stands among others that are as severe; 0 first."""
    if rule.id in URGENT:
        return URGENT.index(rule.id)
    return len(URGENT) + (rule.family != "uploads")


def failures_by_severity(result: ScanResult) -> list[str]:
    """Such as `2 critical` and `5 high`; empty without a fail."""
    counts = ((result.count(Outcome.FAIL, severity), severity) for severity in SEVERITIES)
    return [f"{number:,} {severity}" for number, severity in counts if number]


def _failures(result: ScanResult) -> str:
    failed = result.count(Outcome.FAIL)
    waived = result.count(Outcome.WAIVED)
    more = f" {count(waived, 'failure is', 'failures are')} waived." if waived else ""
    if not failed:
        return f"None of the {count(result.coverage.evaluated, 'check')} that could be decided failed.{more}"
    found = sum(len(a.findings) for a in result.assessments if a.outcome is Outcome.FAIL)
    # A check may find several things, which lists of findings count.
    findings = f", with {found:,} findings" if found > failed else ""
    return f"{listing(failures_by_severity(result))} {'check fails' if failed == 1 else 'checks fail'}{findings}.{more}"


def _decided(result: ScanResult) -> str:
    coverage = result.coverage
    unknown = coverage.planned - coverage.evaluated
    if not unknown:
        return f"All {count(coverage.planned, 'applicable check')} could be decided."
    return f"{unknown:,} of {count(coverage.planned, 'applicable check')} could not be decided."


def sentence(text: str) -> str:
    """Begin a message with a capital, unless its first word is a name, such as a URL or an id."""
    first = text.split(" ", 1)[0]
    return text[:1].upper() + text[1:] if first.isalpha() and first.islower() else text
