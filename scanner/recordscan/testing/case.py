"""A snapshot in the making, and how to judge it."""

import copy
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace

from recordscan.engine import assess
from recordscan.estate.estate import Estate
from recordscan.facts import Json, Reason
from recordscan.observation import Observation, ObservationError, ObservationOutcome
from recordscan.profile import Profile
from recordscan.result import Assessment, Outcome
from recordscan.rule import Rule
from recordscan.scope import Scope
from recordscan.snapshot import Snapshot, SnapshotHeader
from recordscan.testing.names import AWS_ACCOUNT, BUCKET, ago


class Case:
    """A snapshot in the making; see the module."""

    def __init__(self, scope: Scope, profile: Profile) -> None:
        self.scope = scope
        self.profile = profile
        self.asked_by: dict[str, str] = {}
        self._bucket = BUCKET
        self._observations: dict[str, Observation] = {}

    def copy(self) -> "Case":
        """Another case that starts as this one is."""
        other = copy.copy(self)
        # No answer is ever changed in place.
        vars(other).update(asked_by=dict(self.asked_by), _observations=dict(self._observations))
        return other

    def add(
        self,
        operation: str,
        answer: Json,
        *,
        account: str | None = AWS_ACCOUNT,
        region: str | None = None,
        **request: Json,
    ) -> None:
        """Add an answered call; an answer of None is a definitive "there is none"."""
        observation = Observation(
            operation=operation,
            account=account,
            region=region,
            request=request,
            outcome=ObservationOutcome.ABSENT if answer is None else ObservationOutcome.ANSWERED,
            answer=copy.deepcopy(answer),
            permission=operation,
            collected_at=ago(),
        )
        self._observations[observation.key] = observation

    def answer(self, operation: str, answer: Json, **request: Json) -> None:
        """Replace the answers of an operation; `request` chooses among several by what they asked.

        Without a `Bucket` of its own, an operation on buckets is that on the bucket of the media, not of logs.

        Raises:
            LookupError: The case has no such call.
        """
        outcome = ObservationOutcome.ABSENT if answer is None else ObservationOutcome.ANSWERED
        self._change(
            operation,
            self._about_media(operation, request),
            lambda o: replace(o, outcome=outcome, answer=copy.deepcopy(answer), error=None),
        )

    def set(self, operation: str, pointer: str, value: Json, **request: Json) -> None:
        """Replace one member, by JSON Pointer, in the answers of an operation. `-` as last step appends to a list."""
        self._change(
            operation,
            self._about_media(operation, request),
            lambda o: replace(o, answer=_with(o.answer, pointer, value)),
        )

    def deny(self, operation: str, **request: Json) -> None:
        """Let an operation end in AccessDenied."""
        self._change(operation, request, denied)

    def fail(self, operation: str, reason: Reason, *, code: str | None = None, **request: Json) -> None:
        """Let an operation end in an error of some other kind, with the service's own code where it matters."""
        error = ObservationError(code=code or reason.value, message="no answer", http_status=None, reason=reason)
        self._change(
            operation, request, lambda o: replace(o, outcome=ObservationOutcome.FAILED, answer=None, error=error)
        )

    def forget(self, operation: str, **request: Json) -> None:
        """Remove the calls of an operation, as if they had never been made."""
        for chosen in self._chosen(operation, request):
            del self._observations[chosen.key]

    def rename_bucket(self, name: str) -> None:
        """Give the bucket another name, wherever the case mentions it."""
        self._bucket = name
        renamed = [
            replace(o, request=_renamed(o.request, name), answer=_renamed(o.answer, name))
            for o in self._observations.values()
        ]
        self._observations = {observation.key: observation for observation in renamed}

    def find(self, operation: str, **request: Json) -> Json:
        """The answer of one call, to look at."""
        return copy.deepcopy(self._chosen(operation, self._about_media(operation, request))[0].answer)

    def snapshot(self) -> Snapshot:
        """The case as a snapshot."""
        return _snapshot(self, self._observations.values())

    def estate(self) -> Estate:
        """The case as an estate."""
        return Estate(self.snapshot())

    def _about_media(self, operation: str, request: dict[str, Json]) -> dict[str, Json]:
        asked = self._observations.values()
        if any(o.operation == operation and o.request.get("Bucket") == self._bucket for o in asked):
            return {"Bucket": self._bucket, **request}
        return request

    def _change(self, operation: str, request: dict[str, Json], change: Callable[[Observation], Observation]) -> None:
        for chosen in self._chosen(operation, request):
            self._observations[chosen.key] = change(chosen)

    def _chosen(self, operation: str, request: dict[str, Json]) -> list[Observation]:
        chosen = [
            o
            for o in self._observations.values()
            if o.operation == operation and all(o.request.get(name) == value for name, value in request.items())
        ]
        if not chosen:
            raise LookupError(f"the case has no {operation} with {request}")
        return chosen


def judge(rule: Rule, case: Case, subject: str | None = None) -> Assessment:
    """Assess a case, and prove that no withheld observation turns into a verdict.

    Args:
        rule: The rule.
        case: The case.
        subject: `uid` of the subject; may be left out where the rule has but one applicable subject, or but one at all.

    Raises:
        AssertionError: The rule has no such subject; or the outcome becomes another verdict when an observation that it
            cites is denied, where it must stay or become unknown; or it changes when one is denied that it does not
            cite.
    """
    snapshot = case.snapshot()
    assessment = _assess(rule, snapshot, case.profile, subject)
    cited = {citation.observation for citation in assessment.evidence}
    uncited = [o for o in snapshot.observations if o.id not in cited]
    chosen = [o for o in snapshot.observations if o.id in cited]
    # What the outcome does not rest on is withheld all at once; only if that makes a difference, one by one.
    if _outcome_without(uncited, rule, case, assessment) is not assessment.outcome:
        chosen = list(snapshot.observations)
    for observation in chosen:
        outcome = _outcome_without([observation], rule, case, assessment)
        if outcome is not assessment.outcome and (outcome is not Outcome.UNKNOWN or observation.id not in cited):
            raise AssertionError(
                f"{rule.id} says {assessment.outcome} of {assessment.subject.uid}, but {outcome} "
                f"when {observation.operation} {dict(observation.request)} is denied"
            )
    return assessment


def _outcome_without(withheld: Sequence[Observation], rule: Rule, case: Case, assessment: Assessment) -> Outcome | None:
    """The outcome with some observations denied; None where the subject is gone with them."""
    keys = {observation.key for observation in withheld}
    observations = [denied(o) if o.key in keys else o for o in case.snapshot().observations]
    snapshot = _snapshot(case, observations)
    found = [s for s in rule.subjects(Estate(snapshot)) if s.uid == assessment.subject.uid]
    return assess(rule, found[0], case.profile).outcome if found else None


def judge_all(rule: Rule, case: Case) -> dict[str, Assessment]:
    """`judge()` every subject of a case: uid → assessment."""
    return {subject.uid: judge(rule, case, subject.uid) for subject in rule.subjects(case.estate())}


def _snapshot(case: Case, observations: Iterable[Observation]) -> Snapshot:
    header = SnapshotHeader(
        scan_id="01a2b3c4-0000-7000-8000-000000000000",
        tool_version="0",
        started=ago(),
        asked_by=dict(case.asked_by),
        scope=case.scope,
        profile=case.profile,
        fail_on="critical",
    )
    ordered = tuple(sorted(observations, key=lambda observation: observation.key))
    return Snapshot(header=header, observations=ordered, ended=ago())


def _assess(rule: Rule, snapshot: Snapshot, profile: Profile, subject: str | None) -> Assessment:
    subjects = list(rule.subjects(Estate(snapshot)))
    assessments = [assess(rule, s, profile) for s in subjects if subject in (None, s.uid)]
    if len(assessments) > 1:
        applicable = [a for a in assessments if a.outcome is not Outcome.NOT_APPLICABLE]
        assessments = applicable or assessments
    if len(assessments) != 1:
        names = ", ".join(s.uid for s in subjects) or "none"
        raise AssertionError(f"{rule.id}: say which subject is meant; there are: {names}")
    return assessments[0]


def denied(observation: Observation) -> Observation:
    """The observation as it is where the call was not allowed."""
    error = ObservationError(code="AccessDenied", message="Access Denied", http_status=403, reason=Reason.ACCESS_DENIED)
    return replace(observation, outcome=ObservationOutcome.FAILED, answer=None, error=error)


def _renamed(value: Json, name: str) -> Json:
    return json.loads(json.dumps(value).replace(BUCKET, name))


def _with(answer: Json, pointer: str, value: Json) -> Json:
    changed = copy.deepcopy(answer)
    place = changed
    *steps, last = _steps(pointer)
    for step in steps:
        place = place[int(step) if isinstance(place, list) else step]
    if isinstance(place, list):
        if last == "-":
            place.append(copy.deepcopy(value))
        else:
            place[int(last)] = copy.deepcopy(value)
    else:
        place[last] = copy.deepcopy(value)
    return changed


def _steps(pointer: str) -> Iterator[str]:
    for step in pointer.removeprefix("/").split("/"):
        yield step.replace("~1", "/").replace("~0", "~")
