"""Controls of frameworks: which rules give evidence for each, and what these say together."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence

from recordscan.frameworks import Framework, load_framework
from recordscan.result import (
    Assessment,
    ControlRecord,
    ControlStatus,
    FrameworkRecord,
    MappingRecord,
    Outcome,
    RuleRecord,
)
from recordscan.rule import FRAMEWORKS, Rule


def framework_ids(rules: Iterable[Rule | RuleRecord]) -> tuple[str, ...]:
    """Short names of the frameworks that are known, and of those that only rules of plugins know."""
    named = {control.framework for rule in rules for control in rule.controls}
    return (*FRAMEWORKS, *sorted(named - set(FRAMEWORKS)))


def mapped_controls(
    framework: Framework, rules: Iterable[Rule | RuleRecord]
) -> Mapping[str, tuple[MappingRecord, ...]]:
    """The controls of a framework, each with the rules that give evidence for it or for a part of it.

    A control that the framework is not known to have comes after those that it has, so that nothing is lost.
    """
    mappings: dict[str, list[MappingRecord]] = {control: [] for control in framework.controls}
    strangers: dict[str, list[MappingRecord]] = defaultdict(list)
    for rule in sorted(rules, key=lambda rule: rule.id):
        for control in rule.controls:
            if control.framework == framework.id:
                mapping = MappingRecord(rule_id=rule.id, control=control.control, mark=control.mark)
                known = framework.resolve(control.control)
                (strangers[control.control] if known is None else mappings[known]).append(mapping)
    return {control: tuple(found) for control, found in (*mappings.items(), *sorted(strangers.items()))}


def record_frameworks(
    ids: Iterable[str],
    rules: Sequence[Rule | RuleRecord],
    assessments: Iterable[Assessment],
    *,
    left_out: Sequence[Rule | RuleRecord] = (),
) -> tuple[FrameworkRecord, ...]:
    """What the assessments say of the controls of frameworks.

    Args:
        ids: Short names of the frameworks.
        rules: Those that ran.
        assessments: What they said.
        left_out: Rules that did not run. A control that one of them tests too can fail, but not pass.
    """
    outcomes = outcomes_by_rule(assessments)
    missing = {rule.id for rule in left_out}
    return tuple(
        FrameworkRecord(
            id=framework.id,
            name=framework.name,
            version=framework.version,
            publisher=framework.publisher,
            url=framework.url,
            note=framework.note,
            controls=tuple(
                _control(framework, control, mappings, outcomes, missing)
                for control, mappings in mapped_controls(framework, (*rules, *left_out)).items()
            ),
        )
        for framework in map(find_framework, ids)
    )


def find_framework(id: str) -> Framework:
    """A framework; of one that only rules of a plugin name, nothing but its name is known."""
    return load_framework(id) if id in FRAMEWORKS else Framework(id=id, name=id)


def outcomes_by_rule(assessments: Iterable[Assessment]) -> Mapping[str, Counter[Outcome]]:
    """How many assessments of each rule have each outcome."""
    outcomes: dict[str, Counter[Outcome]] = defaultdict(Counter)
    for assessment in assessments:
        outcomes[assessment.rule_id][assessment.outcome] += 1
    return outcomes


def control_outcomes(mappings: Iterable[MappingRecord], outcomes: Mapping[str, Counter[Outcome]]) -> dict[Outcome, int]:
    """How many assessments with each outcome bear on a control; those of a rule that names two parts count once."""
    rules = {mapping.rule_id for mapping in mappings}
    total = sum((outcomes[rule] for rule in rules if rule in outcomes), Counter[Outcome]())
    return {outcome: total[outcome] for outcome in Outcome if total[outcome]}


def control_status(outcomes: Mapping[Outcome, int], left_out: Collection[str]) -> ControlStatus:
    """What the rules of a control say together: the worst, and no pass while one of them is left out."""
    if Outcome.FAIL in outcomes:
        return ControlStatus.FAIL
    decided = Outcome.WAIVED in outcomes or Outcome.PASS in outcomes
    if Outcome.UNKNOWN in outcomes or (decided and left_out):
        return ControlStatus.UNKNOWN
    if Outcome.WAIVED in outcomes:
        return ControlStatus.WAIVED
    if Outcome.PASS in outcomes:
        return ControlStatus.PASS
    if Outcome.NOT_APPLICABLE in outcomes and not left_out:
        return ControlStatus.NOT_APPLICABLE
    return ControlStatus.NOT_TESTED


def _control(
    framework: Framework,
    control: str,
    mappings: tuple[MappingRecord, ...],
    by_rule: Mapping[str, Counter[Outcome]],
    missing: Collection[str],
) -> ControlRecord:
    outcomes = control_outcomes(mappings, by_rule)
    left_out = tuple(dict.fromkeys(mapping.rule_id for mapping in mappings if mapping.rule_id in missing))
    return ControlRecord(
        id=control,
        title=framework.controls.get(control, ""),
        standards=framework.standards_with(control),
        status=control_status(outcomes, left_out),
        outcomes=outcomes,
        mappings=mappings,
        left_out=left_out,
    )
