"""Joins the remedies of a result into one list of steps in a safe order.

Steps that several rules share are taken once, and the edits of one document are made together. A stored result may be
anybody's, so whatever of it becomes part of a command is held against the form that it must have.
"""

import difflib
import json
import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace

from recordscan.errors import ConfigError, SnapshotError
from recordscan.facts import Json
from recordscan.observation import canonical_json
from recordscan.remedy import ConflictError, Order, Step, joined
from recordscan.result import Assessment, Outcome, ScanResult
from recordscan.visible import visible


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedStep:
    """A step of the plan.

    Attributes:
        step: The call, joined with the others that change the same document.
        mends: Rule and subject of each failed check that it mends.
        superseded: A later step replaces the same document again, with more edits.
    """

    step: Step
    mends: tuple[str, ...]
    superseded: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Unmended:
    """A failed check for which the plan has no step, and why."""

    rule_id: str
    subject: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What to do.

    Attributes:
        scan_id: The scan that found the faults.
        started: When it began.
        steps: In a safe order.
        by_hand: What a person must do.
    """

    scan_id: str
    started: str
    steps: tuple[PlannedStep, ...]
    by_hand: tuple[Unmended, ...]

    @property
    def steps_said(self) -> str:
        """How many steps there are: `1 step`."""
        return _said(len(self.steps), "step")

    @property
    def by_hand_said(self) -> str:
        """How many checks are left: `2 checks for a person`."""
        return f"{_said(len(self.by_hand), 'check')} for a person"

    @property
    def final(self) -> tuple[PlannedStep, ...]:
        """The steps that leave the state that is wanted in the end, for formats that declare it."""
        return tuple(planned for planned in self.steps if not planned.superseded)


def _said(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


@dataclass(slots=True)
class _Part:
    """A step of one failed check."""

    step: Step
    rank: int
    mends: str


def make_plan(result: ScanResult, rules: Collection[str] = ()) -> Plan:
    """Put together what mends the failed checks of a result.

    Args:
        result: Of a scan.
        rules: Ids, which may be earlier ones, of the rules whose failures are to be mended; () for all.

    Raises:
        ConfigError: No such rule ran.
        SnapshotError: A step of the result is not what recordscan writes.
    """
    ids = result.current_ids()
    for rule_id in rules:
        if rule_id not in ids:
            close = difflib.get_close_matches(rule_id, sorted(ids), n=1)
            advice = f"did you mean {close[0]!r}?" if close else "see `recordscan rules list`"
            raise ConfigError(f"no rule {rule_id!r} ran in this scan; {advice}")
    groups: dict[str, list[_Part]] = {}
    by_hand = []
    for assessment in _failures(result, {ids[rule_id] for rule_id in rules}):
        remedy = assessment.remedy
        why = _obstacle(assessment, groups)
        if remedy is None or why is not None:
            by_hand.append(Unmended(rule_id=assessment.rule_id, subject=assessment.subject.name, why=why or ""))
            continue
        for rank, step in enumerate(remedy.steps):
            part = _Part(step, rank, f"{assessment.rule_id} of {assessment.subject.name}")
            groups.setdefault(_identity(step), []).append(part)
    planned = [step for parts in groups.values() for step in _planned(parts)]
    ordered = sorted(planned, key=lambda item: item.step.order.rank)  # stable: the steps of a remedy stay in order
    return Plan(
        scan_id=result.scan.scan_id,
        started=result.scan.started,
        steps=tuple(ordered),
        by_hand=tuple(by_hand),
    )


def in_region(plan: Plan, region: str) -> Plan:
    """The steps of a plan in one Region; those of no Region are with the first of them."""
    regions = sorted({planned.step.region for planned in plan.steps if planned.step.region is not None})
    if region not in regions:
        raise ConfigError(f"the plan has no step in {region!r}; it has some in {', '.join(regions) or 'no Region'}")
    kept = (region, None) if region == regions[0] else (region,)
    return replace(plan, steps=tuple(planned for planned in plan.steps if planned.step.region in kept))


def require_sound(step: Step) -> None:
    """See that the parts of a step that become words of commands have the form of such words.

    Raises:
        SnapshotError: One has not; names the operation.
    """
    sound = (
        re.fullmatch(r"[a-z0-9-]{1,40}:[A-Z][A-Za-z0-9]{1,80}", step.operation)
        and all(re.fullmatch(r"[A-Za-z][A-Za-z0-9]{0,80}", name) for name in step.parameters)
        and (step.region is None or re.fullmatch(r"[a-z0-9-]{1,40}", step.region))
        and (step.account is None or re.fullmatch(r"\d{12}|AC[0-9a-f]{32}", step.account))
        and (step.document is None or re.fullmatch(r"[A-Za-z]{0,80}", step.document.parameter))
        and (step.output is None or re.fullmatch(r"[A-Z][A-Z0-9_]{0,200}", step.output.name))
        and (step.output is None or re.fullmatch(r"[A-Za-z.]{1,80}", step.output.path))
    )
    if not sound:
        raise SnapshotError(f"a remedy of the result is not what recordscan writes: {ascii(step.operation)[:80]}")
    # What goes to Twilio is percent-encoded.
    for text in _scalars(step.parameters) if not step.operation.startswith("twilio:") else ():
        if visible(text) != text:
            raise UnprintableError(f"{visible(text)} has characters that do not show, and no command should hold such")


class UnprintableError(ValueError):
    """A parameter has characters that mislead who reviews the command."""


def _failures(result: ScanResult, rules: Collection[str]) -> Sequence[Assessment]:
    found = [a for a in result.assessments if a.outcome is Outcome.FAIL and (not rules or a.rule_id in rules)]
    return sorted(found, key=lambda a: (-a.severity.rank, a.rule_id, a.subject.uid))


def _obstacle(assessment: Assessment, groups: dict[str, list[_Part]]) -> str | None:
    """Why no steps can be taken for a failed check; None where they can."""
    remedy = assessment.remedy
    if remedy is None:
        return "its rule has no remedy; see what the report says to do"
    if remedy.by_hand is not None:
        return remedy.by_hand
    try:
        for step in remedy.steps:
            require_sound(step)
            step.request()
            others = [part.step for part in groups.get(_identity(step), ()) if part.step != step]
            if others:
                joined([*others, step])
    except ConflictError as error:
        return f"{error}; apply the plan, scan again, and take what is left then"
    except UnprintableError as error:
        return str(error)
    return None


def _identity(step: Step) -> str:
    """What two steps have in common that are one: the call, but for the edits of the document."""
    where = [step.operation, step.account, step.region, step.parameters]
    return canonical_json([*where, None if step.document is None else step.document.parameter])


def _planned(parts: list[_Part]) -> Iterator[PlannedStep]:
    """One step, or two where some of its edits must come before steps that others of them must come after."""
    steps = [part.step for part in parts]
    early = [part for part in parts if part.step.order.rank <= Order.GRANT.rank]
    late = [part for part in parts if part.step.order.rank >= Order.DENY.rank]
    if early and late:
        yield PlannedStep(step=_one(early), mends=_mends(early), superseded=True)
    yield PlannedStep(step=_one(parts) if len(steps) > 1 else steps[0], mends=_mends(parts))


def _one(parts: list[_Part]) -> Step:
    steps = [part.step for part in parts]
    if all(step == steps[0] for step in steps):
        return steps[0]
    if steps[0].document is None:
        # The same call, told in other words.
        order = max((step.order for step in steps), key=lambda order: order.rank)
        return replace(steps[0], order=order)
    return joined(steps)


def _mends(parts: list[_Part]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(part.mends for part in parts))


def _scalars(value: Json) -> Iterator[str]:
    """Texts that become words of a command by themselves; within JSON they are escaped."""
    for item in value.values() if isinstance(value, dict) else ():
        if isinstance(item, str) and not _is_json(item):
            yield item


def _is_json(text: str) -> bool:
    try:
        return isinstance(json.loads(text), dict)
    except ValueError:
        return False
