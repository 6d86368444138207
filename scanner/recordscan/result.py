"""The result of a scan: every assessment, passes too, with its evidence. The canonical JSON is made of this."""

import hashlib
from dataclasses import dataclass, field
from enum import StrEnum
from typing import ClassVar, Literal, TypeAlias, cast

from recordscan.facts import Citation, Json, Reason
from recordscan.remedy import Remedy
from recordscan.rule import Control, Mark, Severity

RESULT_SCHEMA_VERSION = "1.4"
FINGERPRINT_VERSION = 1

ExitCode: TypeAlias = Literal[0, 1, 3, 130]
"""Of a scan that wrote a result."""


STAND_IN_NOTICE = "answers came from a stand-in"
"""How the notice of a scan begins that did not ask AWS or Twilio itself."""


class Outcome(StrEnum):
    """What a rule says of a subject. `waived` is a `fail` that somebody with authority has accepted."""

    PASS = "pass"  # noqa: S105 - an outcome, no password
    FAIL = "fail"
    UNKNOWN = "unknown"
    NOT_APPLICABLE = "not_applicable"
    WAIVED = "waived"


class ControlStatus(StrEnum):
    """What the rules that give evidence for a control say together."""

    FAIL = "fail"
    UNKNOWN = "unknown"
    WAIVED = "waived"
    PASS = "pass"  # noqa: S105
    NOT_APPLICABLE = "not_applicable"
    NOT_TESTED = "not_tested"


class Verdict(StrEnum):
    """What the whole scan says, in the words that reports use."""

    PASS = "PASS"  # noqa: S105
    FAIL = "FAIL"
    FAIL_INCOMPLETE = "FAIL (incomplete)"
    INCOMPLETE = "INCOMPLETE"


@dataclass(frozen=True, slots=True, kw_only=True)
class SubjectRecord:
    """What an assessment is about; see `recordscan.rule.Subject`."""

    uid: str
    kind: str
    name: str
    provider: str
    account: str | None
    region: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingRecord:
    """One finding of a failed assessment; see `recordscan.rule.Finding`. `waiver` is the id of what covers it.

    Attributes:
        lifecycle: With a baseline "new", "existing", or "rule_added" where the baseline's scan did not run the rule, so
            that nobody knows since when it is there; with a history also "reopened", of what was resolved before, or
            "newly_observed", of a check that no earlier scan could have decided; else None.
        first_seen: With either the start of the first scan that had it.
        aliases: Fingerprints that it had while the rule had other ids, the oldest first.
        pending: Id of a waiver that would cover it, if somebody had approved that.
        last_seen: With either the end of this scan.
    """

    message: str
    severity: Severity
    resources: tuple[str, ...]
    expected: str | None
    observed: str | None
    evidence: tuple[Citation, ...]
    fingerprint: str
    waiver: str | None = None
    lifecycle: str | None = None
    first_seen: str | None = None
    aliases: tuple[str, ...] = ()
    pending: str | None = None
    last_seen: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Assessment:
    """One rule's outcome on one subject.

    Attributes:
        rule_id: Which rule.
        subject: On what.
        outcome: What it says.
        severity: Of a fail, the worst of its findings that are not waived; of a waived one, the worst of all; of
            anything else, the rule's own.
        reason: Why it is unknown; None otherwise.
        detail: Why it is unknown or not applicable; of a pass what it rests on beside the answers; of a fail or a
            waived one what could not be read beside its findings, so that there may be more of them; else None.
        permission: What to grant so that it could be known; None where no grant helps.
        findings: Those of a fail, waived or not; () otherwise.
        evidence: The places that the outcome rests on, in the order in which the rule needed them.
        fingerprint: SHA-256 over version, rule and subject: the same in every scan, whatever the wording.
        waiver: Of an unknown one, the id of the waiver that accepts the gap: the gate does not count it. None for none.
        remedy: Of a fail, what mends it; None where the rule has no remedy, and in results of older versions.
        first_seen: With a baseline the moment of the first scan that judged this, whatever came out; None without one.
        aliases: Fingerprints that it had while the rule had other ids, the oldest first.
    """

    rule_id: str
    subject: SubjectRecord
    outcome: Outcome
    severity: Severity
    reason: Reason | None = None
    detail: str | None = None
    permission: str | None = None
    findings: tuple[FindingRecord, ...] = ()
    evidence: tuple[Citation, ...] = ()
    fingerprint: str
    waiver: str | None = None
    remedy: Remedy | None = None
    first_seen: str | None = None
    aliases: tuple[str, ...] = ()


class WaiverState(StrEnum):
    """What a waiver is on the day of the scan.

    Only active and expiring ones have an effect. A pending one has no approver yet; an unmatched one would have an
    effect, but nothing that failed is covered by it.
    """

    ACTIVE = "active"
    EXPIRING = "expiring"
    EXPIRED = "expired"
    PENDING = "pending"
    UNMATCHED = "unmatched"


@dataclass(frozen=True, slots=True, kw_only=True)
class WaiverRecord:
    """A waiver and what became of it; see `recordscan.waiver.Waiver`. Dates are `YYYY-MM-DD`, in UTC.

    Attributes:
        state: On the day of the scan.
        matched: Findings, or unknown assessments, that it is about.
        applied: Of these, how many it waived.
        notes: Why it did not waive some, one clause each.
    """

    id: str
    rule: str
    match: dict[str, str]
    severity_at_most: Severity
    kind: str
    reason: str
    owner: str
    requested_by: str | None
    approved_by: str | None
    approved_on: str | None
    created: str
    expires: str
    ticket: str | None
    compensating_controls: tuple[str, ...]
    state: WaiverState
    matched: int
    applied: int
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class BaselineEntry:
    """A finding of an earlier scan. Times are UTC, ISO 8601 with `Z`: the start of the first scan that had it, and the
    end of the last, which baselines of older versions do not tell.
    """

    fingerprint: str
    rule_id: str
    subject: str
    severity: Severity
    message: str
    waived: bool
    first_seen: str
    last_seen: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BaselineRecord:
    """The baseline that a scan was compared with, and what became of its findings that the scan does not have.

    Attributes:
        scan_id: Of the scan that it was made of.
        created: When that scan began.
        entries: How many findings it has.
        resolved: Findings that are gone.
        not_observed: Findings whose check did not run this time, or could not be decided.
    """

    scan_id: str
    created: str
    entries: int
    resolved: tuple[BaselineEntry, ...]
    not_observed: tuple[BaselineEntry, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRecord:
    """One scan in few words, as a history keeps it. Times are UTC, ISO 8601 with `Z`.

    Two runs can be compared when `rules_sha256`, `scope_sha256` and `profile_sha256` are the same.

    Attributes:
        scan_id: Of the scan.
        started: When it began.
        ended: When it ended.
        tool_version: That judged it.
        rules_sha256: Of the version of recordscan and the rules that ran; this and the next two are 16 digits of a
            SHA-256.
        scope_sha256: Of what was looked at.
        profile_sha256: Of what was required.
        rules: Number of rules that ran.
        rules_added: Of these, how many did not run in the last run of the same scope; 0 in the first.
        rules_removed: How many ran in that, but not in this.
        verdict: The headline.
        exit_status: At the gate.
        interrupted: Whether the scan was stopped.
        outcomes: Number of checks with each outcome.
        failing: Number of checks that fail, by severity.
        planned: Applicable checks.
        evaluated: Of these, with a verdict.
        new: Findings that were not there before.
        newly_observed: Findings of checks that no earlier run could have decided.
        reopened: Findings that were resolved before.
        resolved: Findings that are gone.
        not_observed: Findings of earlier runs whose check did not run, or could not be decided.
    """

    scan_id: str
    started: str
    ended: str
    tool_version: str
    rules_sha256: str
    scope_sha256: str
    profile_sha256: str
    rules: int
    rules_added: int
    rules_removed: int
    verdict: str
    exit_status: int
    interrupted: bool
    outcomes: dict[Outcome, int]
    failing: dict[Severity, int]
    planned: int
    evaluated: int
    new: int
    newly_observed: int
    reopened: int
    resolved: int
    not_observed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """How many of some are sound: surely, and at best.

    Attributes:
        total: All that count.
        passed: Surely sound.
        unknown: Not known to be sound or not.
        low: Passed of total, as if all that is unknown failed; None where there is nothing to count.
        high: The same, as if all that is unknown passed.
    """

    total: int
    passed: int
    unknown: int
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreRecord:
    """How much is sound, between two bounds; see `recordscan.score`. It never decides anything.

    Attributes:
        checks: Of the applicable checks, those that pass. A waived one counts, and does not pass.
        rules: Of the rules with an applicable check, those whose checks all pass.
        complete: Whether all there is was looked at; otherwise the rates are of what could be listed.
    """

    checks: Rate
    rules: Rate
    complete: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleRecord:
    """A rule as the result describes it; see `recordscan.rule.Rule`."""

    id: str
    title: str
    severity: Severity
    family: str
    rationale: str
    remediation: str
    controls: tuple[Control, ...]
    references: tuple[str, ...]
    guide: str | None
    peers: tuple[str, ...]
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """One observation, as the result carries it.

    Attributes:
        id: `ev-…`.
        sha256: Of the canonical JSON of the answer; of a call without one, that of `{"code": …, "outcome": …}` with its
            error code and outcome.
        operation: `service:ApiName`.
        account: On whose behalf it was asked.
        region: Region asked, where the answer depends on it.
        request: Its parameters.
        outcome: answered, absent or failed.
        answer: The exact answer, less its secrets.
        error_code: Of a failed call, or of the definitive "there is none".
        error_message: One sentence.
        http_status: Of a failed call.
        reason: Why a failed call failed.
        permission: What the call needs to be granted.
        collected_at: UTC, ISO 8601 with `Z`.
        attempts: How often it was sent; 0 where it was not, as its endpoint was down or the credentials had expired.
        request_id: The cloud's id of the request.
        redactions: What was removed.
    """

    id: str
    sha256: str
    operation: str
    account: str | None
    region: str | None
    request: dict[str, Json]
    outcome: str
    answer: Json
    error_code: str | None
    error_message: str | None
    http_status: int | None
    reason: Reason | None
    permission: str | None
    collected_at: str
    attempts: int
    request_id: str | None
    redactions: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class WitnessRecord:
    """One request that is allowed."""

    action: str
    resource: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AbilityRecord:
    """One thing that a principal can do; see `recordscan.estate.reach.Reach`.

    Attributes:
        ability: fetch, decrypt, read, write, delete, list or change.
        certain: Whether it surely can; otherwise that depends on what is not known.
        witness: The requests that show it; all of them are needed.
        because: What decides, in words.
        depends_on: Condition keys and policies that are not known; () when certain.
    """

    ability: str
    certain: bool
    witness: tuple[WitnessRecord, ...]
    because: tuple[str, ...]
    depends_on: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessRecord:
    """What one principal can do to the media of a target, to its key and to what guards them.

    Attributes:
        target: Uid of the target.
        principal: ARN, host name of a service, canonical user id, "anonymous" or "other accounts".
        kind: What that is.
        abilities: What it can do; what is not listed it cannot.
    """

    target: str
    principal: str
    kind: str
    abilities: tuple[AbilityRecord, ...]

    def ability(self, name: str) -> AbilityRecord | None:
        """One ability; None where the principal does not have it."""
        return next((found for found in self.abilities if found.ability == name), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessGap:
    """A target of which it cannot be told who can do what: why, and what would help."""

    target: str
    reason: Reason
    detail: str
    permission: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class MappingRecord:
    """A rule that gives evidence for a control; `control` is what it names, which may be a part of the control."""

    rule_id: str
    control: str
    mark: Mark


@dataclass(frozen=True, slots=True, kw_only=True)
class ControlRecord:
    """One control of a framework, and what the rules that give evidence for it say; see `recordscan.controls`.

    Attributes:
        id: The framework's own.
        title: In a few words; "" of a control that the framework is not known to have.
        standards: Standards within the framework that take it, such as FSBP.
        status: What its rules say together.
        outcomes: Number of assessments with each outcome that there is.
        mappings: Its rules, those that were left out too.
        left_out: Ids of those that were left out on request.
    """

    id: str
    title: str
    standards: tuple[str, ...]
    status: ControlStatus
    outcomes: dict[Outcome, int]
    mappings: tuple[MappingRecord, ...]
    left_out: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameworkRecord:
    """A framework with all its controls; see `recordscan.frameworks.Framework`."""

    id: str
    name: str
    version: str
    publisher: str
    url: str
    note: str
    controls: tuple[ControlRecord, ...]

    def count(self, status: ControlStatus) -> int:
        """Number of controls with a status."""
        return sum(control.status is status for control in self.controls)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainRecord:
    """The chain that a target is: from Twilio's setting over credential and writer to bucket and key.

    Attributes:
        target: Uid of the target.
        url: The URL that the setting names.
        credential: SID of the AWS credential.
        writer: ARN of the IAM user.
        bucket: ARN of the bucket.
        region: Of the bucket.
        key: ARN of the KMS key, or what names it.
        unknown: Which of these are not known; the others that are None are known not to be there.
    """

    target: str
    url: str | None
    credential: str | None
    writer: str | None
    bucket: str | None
    region: str | None
    key: str | None
    unknown: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """Assessments that are unknown for one reason: how many, and what would close the gap."""

    reason: Reason
    detail: str
    permission: str | None
    operations: tuple[str, ...]
    assessments: int
    severity: Severity


@dataclass(frozen=True, slots=True, kw_only=True)
class Population:
    """How the resources of one kind were found.

    Attributes:
        kind: Such as "Recordings".
        count: How many there are, as far as the list went.
        enumerated_by: The calls that listed them.
        complete: Whether all lists were read to their end.
    """

    kind: str
    count: int
    enumerated_by: tuple[str, ...]
    complete: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """What was planned and what could be judged.

    Attributes:
        planned: Rules × subjects, without those that do not apply.
        evaluated: Of these, with a verdict.
        gaps: Why the others have none, worst first.
        population: What was looked at.
        not_selected: Rules that were left out on request: id → the option that did it.
    """

    planned: int
    evaluated: int
    gaps: tuple[Gap, ...]
    population: tuple[Population, ...]
    not_selected: dict[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """What decides the exit status.

    Attributes:
        fail_on: An unwaived fail at or above this breaks the gate; None for never.
        verdict: In the words of the reports; without a gate, what it would be at the mildest severity.
        exit_status: 0 passed, 1 failed, 3 incomplete, 130 interrupted.
        exit_reason: One sentence.
        only_new: Whether a fail breaks the gate only with a finding that the baseline does not have.
        min_coverage: Percent of the checks at or above the gate that must be decided, or else the scan is incomplete.
        exit_zero: Whether the process is to end with 0 where the gate was broken or the scan incomplete.
    """

    fail_on: Severity | None
    verdict: Verdict
    exit_status: int
    exit_reason: str
    only_new: bool = False
    min_coverage: int = 100
    exit_zero: bool = False

    @property
    def exit(self) -> "Exit":
        """How the process ends."""
        if self.exit_zero and self.exit_status in (1, 3):
            return Exit(code=0, reason=f"{self.exit_reason}; --exit-zero makes {self.exit_status} a 0")
        return Exit(code=cast("ExitCode", self.exit_status), reason=self.exit_reason)

    @property
    def headline(self) -> str:
        """The verdict as people should read it: without a gate nothing passes or fails, whatever was found."""
        return "NO GATE" if self.fail_on is None and self.exit_status == 0 else self.verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class EarlierRunRecord:
    """A run that did not end, of which this scan took answers over: their evidence ids."""

    scan_id: str
    ended: str
    evidence: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Exit:
    """How the scan ended as a process; it follows from the gate. A terminated one has ended with 143 instead of 130."""

    code: ExitCode
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanRecord:
    """Who scanned what, and when; times in UTC, ISO 8601 with `Z`.

    A scan that was resumed began with its first run. `past_deadline` says of one that was `interrupted` that it was its
    own deadline. `action_data` is the day of the data on AWS's actions, `YYYY-MM-DD`; "" in results of older
    versions.
    """

    scan_id: str
    started: str
    ended: str
    tool_version: str
    collector_version: str
    asked_by: dict[str, str]
    scope: dict[str, Json]
    profile: dict[str, Json]
    interrupted: bool
    past_deadline: bool = False
    earlier_runs: tuple[EarlierRunRecord, ...] = ()
    notices: tuple[str, ...] = ()
    action_data: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Withheld:
    """What was taken out of a result, or hashed, so that it could be shared; see `recordscan.sharing`.

    Attributes:
        evidence: Whether the answers were left out; the SHA-256 of each stays.
        hashed: What was replaced by salted hashes: accounts, names, principals.
        passed: Passed checks that were left out: severity → how many. {} where they were not.
    """

    evidence: bool = False
    hashed: tuple[Literal["accounts", "names", "principals"], ...] = ()
    passed: dict[Severity, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanResult:
    """Everything that a report needs.

    `exit` follows from the gate; None in results of older versions. `frameworks` are those that were asked for, or all;
    () in results of older versions. `withheld` is None where nothing was left out or hashed for sharing. `trend` has
    the last runs of the same scope, this one last; () without a history. `score` is None where it was not wanted, and
    in results of older versions.
    """

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}  # holds for all records inside, too

    schema_version: str
    scan: ScanRecord
    gate: Gate
    exit: Exit | None = None
    withheld: Withheld | None = None
    coverage: Coverage
    rules: tuple[RuleRecord, ...]
    assessments: tuple[Assessment, ...]
    evidence: tuple[Evidence, ...]
    access: tuple[AccessRecord, ...] = ()
    access_gaps: tuple[AccessGap, ...] = ()
    waivers: tuple[WaiverRecord, ...] = ()
    baseline: BaselineRecord | None = None
    chains: tuple[ChainRecord, ...] = ()
    frameworks: tuple[FrameworkRecord, ...] = ()
    trend: tuple[RunRecord, ...] = ()
    score: ScoreRecord | None = None

    def current_ids(self) -> dict[str, str]:
        """Every id that its rules have or had to the id that they have in it."""
        return {name: rule.id for rule in self.rules for name in (rule.id, *rule.aliases)}

    def rule(self, rule_id: str) -> RuleRecord:
        """The rule of an assessment.

        Raises:
            KeyError: No such rule ran.
        """
        for rule in self.rules:
            if rule.id == rule_id:
                return rule
        raise KeyError(rule_id)

    def count(self, outcome: Outcome, severity: Severity | None = None) -> int:
        """Number of assessments with an outcome, of one severity or of all; with passed ones that were left out."""
        found = sum(
            assessment.outcome is outcome and severity in (None, assessment.severity) for assessment in self.assessments
        )
        if outcome is not Outcome.PASS or self.withheld is None:
            return found
        left_out = self.withheld.passed
        return found + (sum(left_out.values()) if severity is None else left_out.get(severity, 0))


def fingerprint(*parts: str) -> str:
    """SHA-256 over the fingerprint version and the parts, as hexadecimal digits."""
    return hashlib.sha256("\x1f".join((f"v{FINGERPRINT_VERSION}", *parts)).encode()).hexdigest()
