"""What is new, what was there before, and what is really gone."""

import json
from collections.abc import Callable
from dataclasses import replace

import pytest

from recordscan.baseline import baseline_of
from recordscan.consistency import disagreements
from recordscan.diff import Change, compare
from recordscan.document import dump_baseline, dump_result, load_baseline, load_result
from recordscan.engine import assess_snapshot
from recordscan.errors import SnapshotError
from recordscan.plugins import load_rules
from recordscan.result import Outcome, ScanResult
from recordscan.rule import Severity
from recordscan.testing import Case, sound

RULES = load_rules()


def scan(*changes: Callable[[Case], None], against: ScanResult | None = None, only_new: bool = False) -> ScanResult:
    case = sound()
    for change in changes:
        change(case)
    baseline = None if against is None else load_baseline(dump_baseline(baseline_of(against)).encode())
    result = assess_snapshot(case.snapshot(), RULES, fail_on=Severity.HIGH, baseline=baseline, only_new=only_new)
    assert list(disagreements(result)) == []
    assert load_result(dump_result(result)) == result
    return result


def suspended(case: Case) -> None:
    case.set("s3:GetBucketVersioning", "/Status", "Suspended")


def not_rotated(case: Case) -> None:
    case.set("kms:GetKeyRotationStatus", "/KeyRotationEnabled", False)


def versioning_unread(case: Case) -> None:
    case.deny("s3:GetBucketVersioning")


def changes(old: ScanResult, new: ScanResult) -> dict[str, Change]:
    return {d.rule_id: d.change for d in compare(old, new)}


def labels(result: ScanResult) -> dict[str, str | None]:
    return {a.rule_id: f.lifecycle for a in result.assessments for f in a.findings}


def test_a_finding_is_new_or_was_there_before() -> None:
    old = scan(suspended)
    new = scan(suspended, not_rotated, against=old)
    assert labels(new) == {"bucket-versioning": "existing", "key-rotation": "new"}
    assert changes(old, new) == {"bucket-versioning": Change.EXISTING, "key-rotation": Change.NEW}
    assert new.baseline is not None
    assert (new.baseline.entries, new.baseline.resolved, new.baseline.not_observed) == (1, (), ())


def test_without_a_baseline_nothing_is_said_of_age() -> None:
    assert set(labels(scan(suspended)).values()) == {None}


def test_a_finding_keeps_the_day_it_was_first_seen_over_several_scans() -> None:
    first = scan(suspended)
    first = replace(first, scan=replace(first.scan, started="2026-01-02T03:04:05Z"))
    third = scan(suspended, against=scan(suspended, against=first))
    assert [f.first_seen for a in third.assessments for f in a.findings] == ["2026-01-02T03:04:05Z"]


def test_what_was_judged_and_is_not_found_is_resolved() -> None:
    new = scan(against=scan(suspended))
    assert changes(scan(suspended), new) == {"bucket-versioning": Change.RESOLVED}
    assert new.baseline is not None
    assert [entry.rule_id for entry in new.baseline.resolved] == ["bucket-versioning"]


def test_a48_what_could_not_be_decided_or_was_not_run_is_not_resolved() -> None:
    """Only a check that was made can find that something is gone. (A48)"""
    old = scan(suspended)
    unread = scan(versioning_unread, against=old)
    assert changes(old, unread) == {"bucket-versioning": Change.NOT_OBSERVED}
    assert unread.baseline is not None
    assert [entry.rule_id for entry in unread.baseline.not_observed] == ["bucket-versioning"]
    case = sound()
    few = [rule for rule in RULES if rule.id == "key-rotation"]
    fewer = assess_snapshot(case.snapshot(), few, fail_on=None)
    assert changes(old, fewer)["bucket-versioning"] in (Change.NOT_OBSERVED, Change.RULE_REMOVED)
    gone = [d for d in compare(old, fewer) if d.change is Change.NOT_OBSERVED]
    assert [(d.rule_id, d.message) for d in gone] == [("bucket-versioning", "the rule was not run")]


def test_a_finding_that_has_become_worse_is_told_with_what_it_was() -> None:
    old = scan(suspended)
    [worse] = [
        replace(a, severity=Severity.CRITICAL, findings=tuple(replace(f, severity=Severity.LOW) for f in a.findings))
        for a in old.assessments
        if a.outcome is Outcome.FAIL
    ]
    others = tuple(a for a in old.assessments if a.outcome is not Outcome.FAIL)
    [told] = compare(replace(old, assessments=(*others, worse)), old)
    assert (told.change, told.before, told.severity) == (Change.SEVERITY_CHANGED, Severity.LOW, Severity.HIGH)


@pytest.mark.parametrize(
    ("now", "status"),
    [((), 0), ((suspended,), 0), ((suspended, not_rotated), 0)],
    ids=["nothing", "the same", "new but medium"],
)
def test_with_fail_on_new_only_new_findings_break_the_gate(
    now: tuple[Callable[[Case], None], ...], status: int
) -> None:
    result = scan(*now, against=scan(suspended), only_new=True)
    assert result.gate.exit_status == status
    assert result.count(Outcome.FAIL) == len(now)


def test_with_fail_on_new_a_new_finding_breaks_the_gate() -> None:
    result = scan(suspended, against=scan(), only_new=True)
    assert result.gate.exit_status == 1
    assert "with new findings" in result.gate.exit_reason


def test_with_fail_on_new_a_gap_still_makes_the_scan_incomplete() -> None:
    assert scan(versioning_unread, against=scan(suspended), only_new=True).gate.exit_status == 3


def test_a_baseline_has_one_finding_a_line_and_reads_back() -> None:
    baseline = baseline_of(scan(suspended, not_rotated))
    text = dump_baseline(baseline)
    assert sum('"fingerprint"' in line for line in text.splitlines()) == len(baseline.entries) == 2
    assert load_baseline(text.encode()) == baseline
    assert load_baseline(dump_baseline(baseline_of(scan())).encode()).entries == ()
    assert json.loads(text)["version"] == 1


@pytest.mark.parametrize(
    ("text", "sentence"),
    [("{}", "this is no baseline: at /"), ("[", "this is no baseline"), ('{"version": 2}', "this is no baseline")],
)
def test_what_is_no_baseline_is_refused(text: str, sentence: str) -> None:
    with pytest.raises(SnapshotError, match=sentence):
        load_baseline(text.encode())
