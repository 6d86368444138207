"""A rule that is renamed: what was written down under its old id is still about it."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from recordscan.baseline import Baseline, baseline_of
from recordscan.catalogue import render_rule
from recordscan.cli.rules import describe
from recordscan.cli.scan import check_rule_options, select_rules
from recordscan.consistency import disagreements
from recordscan.diff import Change, compare, entries_of
from recordscan.document import dump_baseline, dump_result, load_baseline, load_result
from recordscan.engine import assess_snapshot
from recordscan.errors import ConfigError, PluginError, SnapshotError
from recordscan.plugins import load_rules
from recordscan.profile import Profile
from recordscan.remedies.plan import make_plan
from recordscan.result import FINGERPRINT_VERSION, Outcome, ScanResult, WaiverState
from recordscan.rule import Finding, Rule, Severity, current_ids, finding, rule_over
from recordscan.testing import Case, sound
from recordscan.waiver import Waivers
from recordscan.waiver_file import load_waivers
from recordscan_reports import asff, gitlab, sarif

RULES = load_rules()
[OLD] = [rule for rule in RULES if rule.id == "bucket-versioning"]
NEW = replace(OLD, id="bucket-keeps-versions", aliases=("bucket-versions", OLD.id))
OTHERS = tuple(rule for rule in RULES if rule.id in ("key-rotation", "bucket-public-access-block"))
BEFORE, AFTER = (OLD, *OTHERS), (NEW, *OTHERS)
LONG_AGO = "2026-01-02T03:04:05Z"


def suspended(case: Case) -> None:
    case.set("s3:GetBucketVersioning", "/Status", "Suspended")


def unread(case: Case) -> None:
    case.deny("s3:GetBucketVersioning")


def scan(
    rules: tuple[Rule, ...],
    *,
    baseline: Baseline | None = None,
    waivers: Waivers | None = None,
    spoil: Callable[[Case], None] = suspended,
) -> ScanResult:
    case = sound()
    spoil(case)
    result = assess_snapshot(
        case.snapshot(), rules, fail_on=Severity.HIGH, baseline=baseline, waivers=waivers, only_new=baseline is not None
    )
    assert list(disagreements(result)) == []
    assert load_result(dump_result(result)) == result
    return result


def earlier(rules: tuple[Rule, ...] = BEFORE) -> ScanResult:
    """A scan of long ago, as it was stored."""
    result = scan(rules)
    return replace(result, scan=replace(result.scan, started=LONG_AGO))


def stored(result: ScanResult) -> Baseline:
    return load_baseline(dump_baseline(baseline_of(result)).encode())


def test_a_finding_of_a_renamed_rule_is_existing_and_keeps_its_first_day() -> None:
    """Over several baselines. (A50)"""
    result = scan(AFTER, baseline=stored(earlier()))
    [found] = [(a, f) for a in result.assessments for f in a.findings]
    assert (found[0].rule_id, found[1].lifecycle, found[1].first_seen) == (NEW.id, "existing", LONG_AGO)
    assert {a.first_seen for a in result.assessments} == {LONG_AGO}
    assert result.gate.exit_status == 0
    assert result.baseline is not None
    assert (result.baseline.resolved, result.baseline.not_observed) == ((), ())
    # The next baseline carries the new fingerprint with the old day.
    again = scan(AFTER, baseline=stored(result))
    assert [f.first_seen for a in again.assessments for f in a.findings] == [LONG_AGO]


def test_a_renamed_rule_is_neither_added_nor_removed_and_its_finding_not_new() -> None:
    """Nor gone where it is mended. (A50)"""
    assert [(d.change, d.rule_id) for d in compare(earlier(), scan(AFTER))] == [(Change.EXISTING, NEW.id)]
    gone = compare(earlier(), scan(AFTER, spoil=lambda _case: None))
    assert [(d.change, d.rule_id) for d in gone] == [(Change.RESOLVED, NEW.id)]
    assert [d.change for d in compare(earlier(), scan(AFTER, spoil=unread))] == [Change.NOT_OBSERVED]


WAIVER = """
version = 1
[[waivers]]
id = "WV-1"
rule = "{rule}"
match = {{ {match} }}
kind = "risk_accepted"
reason = "the bucket is moved next quarter"
owner = "video@example.org"
approved_by = "ciso@example.org"
created = 2020-01-01
expires = 2029-12-31
[defaults]
max_days = 3660
"""


@pytest.mark.parametrize("by", ["subject", "fingerprint", "check"])
def test_a_waiver_that_names_the_old_rule_holds_and_says_so(tmp_path: Path, by: str) -> None:
    """Whatever it matches by. (A50)"""
    [found] = [a for a in earlier().assessments if a.outcome is Outcome.FAIL]
    match = {
        "subject": f'subject = "{found.subject.uid}"',
        "fingerprint": f'fingerprint = "{found.findings[0].fingerprint}"',
        "check": f'fingerprint = "{found.fingerprint}"',
    }[by]
    path = tmp_path / "recordscan-waivers.toml"
    path.write_text(WAIVER.format(rule=OLD.id, match=match), encoding="utf-8")
    waivers = load_waivers(path, current_ids(AFTER))
    assert waivers.notices == (f"the waiver WV-1 names the rule {OLD.id}, which is called {NEW.id} now",)
    result = scan(AFTER, waivers=waivers)
    assert [(a.rule_id, a.outcome) for a in result.assessments if a.findings] == [(NEW.id, Outcome.WAIVED)]
    assert (result.waivers[0].rule, result.waivers[0].state) == (NEW.id, WaiverState.ACTIVE)
    # What an earlier version judged is still its own, so that `waivers prune --in` does not drop it.
    assert waivers.entries[0].covers(found, found.findings[0])


def test_options_and_selections_take_the_old_id() -> None:
    """The new one comes first where both are set. (A50)"""

    @rule_over(
        lambda estate: estate.targets,
        "acme-limit",
        title="There are few",
        severity=Severity.LOW,
        remediation="Have fewer.",
        options={"most": 3},
        aliases=("acme-max", "acme-most"),
    )
    def limit(_subject: object, _profile: Profile, options: dict[str, int]) -> list[Finding]:
        """Few are better."""
        return [finding(f"there may be {options['most']}")]

    def messages(**options: dict[str, int]) -> list[str]:
        profile = Profile(options={name.replace("_", "-"): values for name, values in options.items()})
        return [found.message for found in limit.findings(sound().estate().targets[0], profile)]

    assert messages() == ["there may be 3"]
    assert messages(acme_max={"most": 5}) == ["there may be 5"]
    assert messages(acme_limit={"most": 7}, acme_max={"most": 5}) == ["there may be 7"]
    check_rule_options([limit], {"acme-max": {"most": 5}})
    with pytest.raises(ConfigError, match="has no option 'least'"):
        check_rule_options([limit], {"acme-max": {"least": 5}})
    selection = select_rules([limit, *BEFORE], ["acme-max", OLD.id], [])
    assert [rule.id for rule in selection.rules] == ["acme-limit", OLD.id]
    assert selection.notices == ("the rule acme-max is called acme-limit now",)
    assert [rule.id for rule, _ in select_rules([limit, *BEFORE], [], ["acme-most"]).not_selected] == ["acme-limit"]
    assert make_plan(scan(AFTER), [OLD.id]) == make_plan(scan(AFTER), [NEW.id])
    with pytest.raises(ConfigError, match="no rule 'acme-max' ran"):
        make_plan(scan(AFTER), ["acme-max"])


def test_two_rules_cannot_claim_one_id(tmp_path: Path) -> None:
    file = tmp_path / "own.py"
    text = '''
from recordscan.rule import Severity, rule

@rule("acme-tags", title="Tags", severity=Severity.LOW, remediation="Tag.", aliases=({alias!r},))
def tags(target):
    """Why."""
'''
    file.write_text(text.format(alias=OLD.id), encoding="utf-8")
    with pytest.raises(PluginError, match=rf"the rule '{OLD.id}' of .*own\.py is already defined by"):
        load_rules([file])
    file.write_text(text.format(alias="Not An Id"), encoding="utf-8")
    with pytest.raises(PluginError, match="an id is kebab-case words"):
        load_rules([file])


def test_readers_who_know_a_check_by_its_id_know_it_again() -> None:
    """Security Hub and GitLab by the first id, SARIF by a member of its own. (A50)"""
    old = replace(OLD, id="bucket-versions")
    before, after = scan((old, *OTHERS)), scan(AFTER)
    ids = [sorted(f["Id"] for f in json.loads(asff.render(result))) for result in (before, after)]
    assert ids[0] == ids[1]
    issues = [[i["fingerprint"] for i in json.loads(gitlab.render(result))] for result in (before, after)]
    assert issues[0] == issues[1]
    [run] = json.loads(sarif.render(after))["runs"]
    assert {r["id"]: r["deprecatedIds"] for r in run["tool"]["driver"]["rules"] if "deprecatedIds" in r} == {
        NEW.id: ["bucket-versions", OLD.id]
    }


def test_what_a_new_rule_finds_is_told_apart_and_breaks_the_gate_all_the_same() -> None:
    """An upgrade gives no mass of new findings, and no silence either. (A50)"""
    result = scan(AFTER, baseline=stored(scan(OTHERS)))
    [found] = [f for a in result.assessments for f in a.findings]
    assert found.lifecycle == "rule_added"
    assert (result.gate.exit_status, "with new findings" in result.gate.exit_reason) == (1, True)
    assert [(d.change, bool(d.fingerprint)) for d in compare(scan(OTHERS), scan(AFTER))] == [
        (Change.RULE_ADDED, False),
        (Change.RULE_ADDED, True),
    ]
    # A baseline of an older version does not tell what ran.
    old = scan(AFTER, baseline=replace(stored(scan(OTHERS)), rules=()))
    assert [f.lifecycle for a in old.assessments for f in a.findings] == ["new"]


def test_fingerprints_of_another_version_are_refused_and_not_all_new() -> None:
    """Nothing would match, so it is explained. (A50)"""
    text = dump_baseline(replace(baseline_of(scan(BEFORE)), fingerprint_version=FINGERPRINT_VERSION + 1))
    with pytest.raises(SnapshotError, match=r"all findings would look new; make a new baseline"):
        load_baseline(text.encode())


def test_what_could_not_be_observed_is_not_forgotten_by_the_next_baseline() -> None:
    """A gap between two scans closes nothing. (A48)"""
    lost = scan(BEFORE, baseline=stored(earlier()), spoil=unread)
    assert [(entry.rule_id, entry.first_seen) for entry in entries_of(lost)] == [(OLD.id, LONG_AGO)]
    back = scan(BEFORE, baseline=stored(lost))
    assert [(f.lifecycle, f.first_seen) for a in back.assessments for f in a.findings] == [("existing", LONG_AGO)]


def test_the_catalogue_names_the_earlier_ids() -> None:
    assert f"- Earlier ids: bucket-versions, {OLD.id}" in render_rule(NEW)
    assert describe(NEW)["aliases"] == ["bucket-versions", OLD.id]
    assert "Earlier ids" not in render_rule(OLD)


def test_an_edited_alias_does_not_agree() -> None:
    result = scan(AFTER)
    forged = tuple(replace(a, aliases=("0" * 64, *a.aliases[1:])) if a.aliases else a for a in result.assessments)
    assert any("earlier fingerprints" in told for told in disagreements(replace(result, assessments=forged)))


def test_security_hub_keeps_the_first_times_of_passes_and_failures() -> None:
    """The second scan keeps CreatedAt and FirstObservedAt, and moves UpdatedAt. (A15)."""
    first = earlier()
    first = replace(first, scan=replace(first.scan, ended=LONG_AGO))
    second = scan(AFTER, baseline=stored(first))
    old = {f["GeneratorId"].removeprefix("recordscan/"): f for f in json.loads(asff.render(first))}
    new = {f["GeneratorId"].removeprefix("recordscan/"): f for f in json.loads(asff.render(second))}
    for rule_id, found in new.items():
        earlier_one = old[OLD.id if rule_id == NEW.id else rule_id]
        assert found["CreatedAt"] == earlier_one["CreatedAt"] == LONG_AGO
        assert found.get("FirstObservedAt") == earlier_one.get("FirstObservedAt")
        assert found["UpdatedAt"] == second.scan.ended > earlier_one["UpdatedAt"]
    assert "FirstObservedAt" in new[NEW.id]
