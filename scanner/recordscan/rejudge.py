"""Whether a result is what its snapshot says: the stored answers are judged again, and both are compared.

`consistency` finds what does not agree within a result. Who changes everything in it alike is found here, as the
answers decide. What is no matter of the answers stays as it is told: waivers, baseline, history, the requirements and
the choice of rules, all of which the reports show.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from recordscan import __version__
from recordscan.controls import framework_ids, record_frameworks
from recordscan.engine import assess_snapshot
from recordscan.profile import Profile
from recordscan.result import Assessment, ScanRecord, ScanResult
from recordscan.rule import Rule
from recordscan.snapshot import Snapshot
from recordscan.waiver import unwaived


def not_judged_again(result: ScanResult, rules: Sequence[Rule]) -> str | None:
    """What of a result cannot be judged again with some rules, and why, in a sentence; None where all can be."""
    made = result.scan.tool_version
    if made != __version__:
        return f"not judged again, as version {made} judged it and this is {__version__}"
    strangers = sorted({rule.id for rule in result.rules} - {rule.id for rule in rules})
    if not strangers:
        return None
    checks = sum(assessment.rule_id in strangers for assessment in result.assessments)
    return f"{checks} checks of rules that are not here ({', '.join(strangers)}) were not judged again; name --rules"


def departures(result: ScanResult, snapshot: Snapshot, rules: Sequence[Rule]) -> Iterator[str]:
    """Where a result is not what its snapshot says, each in a few words that name the place.

    Args:
        result: A whole result that agrees with itself, by this version.
        snapshot: What it was judged from.
        rules: Those that are here; of others nothing is looked at.
    """
    chosen = {rule.id for rule in result.rules}
    left_out = result.coverage.not_selected
    try:
        profile = Profile.of(result.scan.profile)
    except TypeError:
        yield "its requirements are none that this version knows"
        return
    again = assess_snapshot(
        snapshot,
        [rule for rule in rules if rule.id in chosen],
        fail_on=result.gate.fail_on,
        profile=profile,
        not_selected=[(rule, left_out[rule.id]) for rule in rules if rule.id in left_out],
    )
    for rule in rules:
        if not rule.foreign and rule.id not in chosen and rule.id not in left_out:
            yield f"the rule {rule.id} is in it neither as run nor as left out"
    yield from _scan(result.scan, again.scan)
    ours = {rule.id for rule in again.rules}
    told = {rule.id: rule for rule in result.rules}
    yield from (
        f"the rule {rule.id} is told in other words than its own" for rule in again.rules if rule != told[rule.id]
    )
    yield from _assessments(
        {a.fingerprint: _bare(a) for a in result.assessments if a.rule_id in ours},
        {a.fingerprint: a for a in again.assessments},
    )
    if ours == chosen:
        yield from _frameworks(result, rules)
    parts = {
        "evidence": (result.evidence, again.evidence),
        "access": (result.access, again.access),
        "gaps of the access": (result.access_gaps, again.access_gaps),
        "chain of each target": (result.chains, again.chains),
        "population": (result.coverage.population, again.coverage.population),
    }
    yield from (f"the {name} is not what the answers make it" for name, (was, now) in parts.items() if was != now)


def _frameworks(result: ScanResult, rules: Sequence[Rule]) -> Iterator[str]:
    """Controls follow from the rules and from the checks, waived or not; of all frameworks, or of those asked for."""
    chosen = {rule.id for rule in result.rules}
    ran = [rule for rule in rules if rule.id in chosen]
    left_out = [rule for rule in rules if rule.id in result.coverage.not_selected]
    known = framework_ids((*ran, *left_out))
    asked = tuple(framework.id for framework in result.frameworks)
    if "--framework" not in result.coverage.not_selected.values():
        asked = tuple(known)
    unknown = not asked or not set(asked) <= set(known)
    if unknown or record_frameworks(asked, ran, result.assessments, left_out=left_out) != result.frameworks:
        yield "the controls of its frameworks are not what its rules and checks make them"


def _scan(told: ScanRecord, again: ScanRecord) -> Iterator[str]:
    if replace(told, notices=(), profile={}) != replace(again, notices=(), profile={}):
        yield "what it says about the scan is not what the snapshot says"
    yield from (f"it does not say that {notice}" for notice in again.notices if notice not in told.notices)


def _assessments(told: Mapping[str, Assessment], again: Mapping[str, Assessment]) -> Iterator[str]:
    for name, assessment in again.items():
        where = f"the assessment of {assessment.rule_id} on {assessment.subject.uid}"
        found = told.get(name)
        if found is None:
            yield f"{where} is missing: the answers make it a {assessment.outcome}"
        elif found.outcome is not assessment.outcome:
            yield f"{where} is a {found.outcome}, but the answers make it a {assessment.outcome}"
        elif found != assessment:
            yield f"{where} says something else than the answers make it say"
    for name, assessment in told.items():
        if name not in again:
            yield f"the assessment of {assessment.rule_id} on {assessment.subject.uid} is about nothing in the answers"


def _bare(assessment: Assessment) -> Assessment:
    """An assessment without what waivers, baseline and history added."""
    before = unwaived(assessment)
    findings = tuple(replace(found, lifecycle=None, first_seen=None, last_seen=None) for found in before.findings)
    return replace(before, findings=findings, first_seen=None)
