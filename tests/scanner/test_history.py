"""Several scans in a row: what is new, what is back, what is gone, and what was only not looked at."""

import json
import multiprocessing
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from recordscan.consistency import disagreements
from recordscan.document import dump_result, load_result
from recordscan.engine import assess_snapshot
from recordscan.errors import OutputError, SnapshotError
from recordscan.history import TREND_RUNS, History, incomparable
from recordscan.history_file import FINDINGS, RUNS, add_run, open_history, read_history
from recordscan.plugins import load_rules
from recordscan.result import RunRecord, ScanResult
from recordscan.rule import Rule, Severity
from recordscan.testing import Case, sound

RULES = [rule for rule in load_rules() if rule.id in ("bucket-versioning", "key-rotation", "bucket-tls-only")]
DAY = "2026-03-02"


def suspended(case: Case) -> None:
    case.set("s3:GetBucketVersioning", "/Status", "Suspended")


def not_rotated(case: Case) -> None:
    case.set("kms:GetKeyRotationStatus", "/KeyRotationEnabled", False)


def versioning_unread(case: Case) -> None:
    case.deny("s3:GetBucketVersioning")


Change = Callable[[Case], None]


def scan(
    at: int,
    *changes: Change,
    history: History | None,
    rules: Sequence[Rule] = RULES,
    max_pages: int = 200,
    asked_as: str = "arn:aws:iam::111111111111:user/audit",
) -> ScanResult:
    """The scan of one minute of the day."""
    case = sound()
    for change in changes:
        change(case)
    snapshot = case.snapshot()
    header = replace(
        snapshot.header,
        asked_by={"aws": asked_as},
        scan_id=f"01a2b3c4-0000-7000-8000-{at:012}",
        started=f"{DAY}T12:{at:02}:00Z",
        scope=replace(snapshot.header.scope, max_pages=max_pages),
    )
    snapshot = replace(snapshot, header=header, ended=f"{DAY}T12:{at:02}:30Z")
    left_out = [(rule, "--skip-rule") for rule in RULES if rule not in rules]
    result = assess_snapshot(snapshot, rules, fail_on=Severity.HIGH, not_selected=left_out, history=history)
    assert list(disagreements(result)) == []
    assert load_result(dump_result(result)) == result
    return result


def told(result: ScanResult) -> dict[str, str | None]:
    return {a.rule_id: f.lifecycle for a in result.assessments for f in a.findings}


def since(result: ScanResult) -> dict[str, str | None]:
    return {a.rule_id: f.first_seen for a in result.assessments for f in a.findings}


def not_there(result: ScanResult) -> tuple[list[str], list[str]]:
    """Rules whose findings are resolved, and those whose findings were not observed."""
    if result.baseline is None:
        return [], []
    record = result.baseline
    return [entry.rule_id for entry in record.resolved], [entry.rule_id for entry in record.not_observed]


def row(*scans: tuple[Change, ...]) -> tuple[History, ScanResult]:
    """Scans one after the other, each added; the history and the last result."""
    history, results = History(), []
    for at, changes in enumerate(scans):
        results.append(scan(at, *changes, history=history))
        history = history.add(results[-1])
    return history, results[-1]


def test_a_finding_is_new_then_existing_then_resolved_then_reopened_and_keeps_its_first_day() -> None:
    history, result = row(())
    assert told(result) == {}
    for at, changes, lifecycle in (
        (1, (suspended,), "new"),
        (2, (suspended,), "existing"),
        (3, (), None),
        (4, (suspended,), "reopened"),
        (5, (suspended,), "existing"),
    ):
        result = scan(at, *changes, history=history)
        history = history.add(result)
        assert told(result).get("bucket-versioning") == lifecycle
        assert since(result).get("bucket-versioning") == (None if lifecycle is None else f"{DAY}T12:01:00Z")
        assert not_there(result) == ((["bucket-versioning"] if at == 3 else []), [])
        assert result.baseline is not None
        assert result.baseline.created == f"{DAY}T12:{at - 1:02}:00Z"
    [found] = history.findings.values()
    assert (found.first_seen, found.last_seen) == (f"{DAY}T12:01:00Z", f"{DAY}T12:05:30Z")
    assert [(r.new, r.reopened, r.resolved, r.not_observed) for r in history.runs] == [
        (0, 0, 0, 0),
        (1, 0, 0, 0),
        (0, 0, 0, 0),
        (0, 0, 1, 0),
        (0, 1, 0, 0),
        (0, 0, 0, 0),
    ]


def test_what_a_first_scan_finds_is_not_new_but_looked_at_for_the_first_time() -> None:
    _, result = row((suspended, not_rotated))
    assert set(told(result).values()) == {"newly_observed"}
    assert result.baseline is None
    assert [run.newly_observed for run in result.trend] == [2]


def test_a_rule_that_is_added_finds_nothing_new_and_breaks_the_trend() -> None:
    first = scan(0, suspended, not_rotated, history=History(), rules=RULES[:2])
    history = History().add(first)
    assert len(told(first)) == 1
    second = scan(1, suspended, not_rotated, history=history)
    added = ({*told(second)} - {*told(first)}).pop()
    assert told(second)[added] == "newly_observed"
    before, after = second.trend
    assert (after.new, after.newly_observed, after.rules_added, after.rules_removed) == (0, 1, 1, 0)
    assert incomparable(before, after) == "other rules (1 added)"
    assert incomparable(after, after) is None


def test_a_check_that_could_not_be_decided_before_finds_nothing_new() -> None:
    _, result = row((versioning_unread,), (suspended,))
    assert told(result) == {"bucket-versioning": "newly_observed"}
    _, result = row((), (versioning_unread,), (suspended,))
    assert told(result) == {"bucket-versioning": "new"}


def test_a48_a_scan_of_one_rule_closes_nothing_in_the_history() -> None:
    """What was not looked at, or could not be decided, stays open and is not new when it is seen again. (A48)"""
    history, _ = row((), (suspended, not_rotated))
    few = [rule for rule in RULES if rule.id == "bucket-tls-only"]
    one = scan(2, suspended, not_rotated, history=history, rules=few)
    assert not_there(one) == ([], ["bucket-versioning", "key-rotation"]) or not_there(one) == (
        [],
        ["key-rotation", "bucket-versioning"],
    )
    history = history.add(one)
    assert {found.state for found in history.findings.values()} == {"not_observed"}
    assert {found.last_seen for found in history.findings.values()} == {f"{DAY}T12:01:30Z"}
    back = scan(3, suspended, not_rotated, history=history)
    assert set(told(back).values()) == {"existing"}
    assert {*since(back).values()} == {f"{DAY}T12:01:00Z"}


def test_another_scope_neither_resolves_nor_finds_new_and_has_a_trend_of_its_own() -> None:
    """A scan of another place is no news of this one. (A48)"""
    history, _ = row((), (suspended,))
    # The subject is the same here; that another scope has others is told by what it does not have.
    elsewhere = scan(2, not_rotated, history=history, max_pages=7)
    elsewhere = replace(
        elsewhere, assessments=tuple(a for a in elsewhere.assessments if a.rule_id != "bucket-versioning")
    )
    grown = history.add(elsewhere)
    assert [f.state for f in grown.findings.values() if f.rule_id == "bucket-versioning"] == ["not_observed"]
    assert len(elsewhere.trend) == 1
    assert len(scan(3, history=grown).trend) == 3
    assert elsewhere.trend[0].rules_added == 0


def test_a_new_subject_in_a_known_scope_is_new_and_in_a_wider_one_is_not() -> None:
    history, clean = row(())
    unseen = replace(history, decided=frozenset())
    assert told(scan(1, suspended, history=unseen)) == {"bucket-versioning": "new"}
    wider = scan(1, suspended, history=unseen, max_pages=7)
    assert told(wider) == {"bucket-versioning": "newly_observed"}
    partial = tuple(replace(p, complete=False) for p in clean.coverage.population)
    listed = History().add(replace(clean, coverage=replace(clean.coverage, population=partial)))
    unlisted = replace(listed, decided=frozenset())
    assert told(scan(1, suspended, history=unlisted)) == {"bucket-versioning": "newly_observed"}


def test_another_aws_account_is_another_scope_and_another_identity_is_not() -> None:
    history, _ = row((), ())
    unseen = replace(history, decided=frozenset())
    session = scan(2, suspended, history=unseen, asked_as="arn:aws:sts::111111111111:assumed-role/audit/7")
    assert (told(session), len(session.trend)) == ({"bucket-versioning": "new"}, 3)
    foreign = scan(2, suspended, history=unseen, asked_as="arn:aws:sts::222222222222:assumed-role/audit/7")
    assert (told(foreign), len(foreign.trend)) == ({"bucket-versioning": "newly_observed"}, 1)


def test_a_partly_read_check_resolves_none_of_its_findings() -> None:
    """One finding was told before a fact was missing: whether the others are gone is not known. (A48)"""
    history, result = row((), (suspended,))
    [failed] = [a for a in result.assessments if a.findings]
    other = replace(
        failed,
        detail="s3:GetBucketVersioning was denied",
        findings=(replace(failed.findings[0], fingerprint="f" * 64),),
    )
    later = replace(
        scan(2, history=history),
        assessments=tuple(other if a.rule_id == failed.rule_id else a for a in result.assessments),
    )
    grown = history.add(later)
    assert grown.findings[failed.findings[0].fingerprint].state == "not_observed"


def test_the_same_scan_again_says_the_same_and_adds_nothing() -> None:
    history = row((), (suspended,), ())[0]
    for changes in ((suspended, not_rotated), (), (not_rotated,)):
        at = len(history.runs)
        first = scan(at, *changes, history=history)
        history = history.add(first)
        assert scan(at, *changes, history=history) == first
        assert history.add(first) is history


def test_an_older_scan_that_is_added_late_changes_no_state() -> None:
    history = History()
    for at, changes in ((0, ()), (1, (suspended,)), (5, ())):
        history = history.add(scan(at, *changes, history=history))
    late = scan(3, suspended, not_rotated, history=history)
    assert told(late) == {"bucket-versioning": "reopened", "key-rotation": "new"}
    history = history.add(late)
    states = {found.rule_id: found.state.value for found in history.findings.values()}
    assert states == {"bucket-versioning": "resolved", "key-rotation": "not_observed"}
    assert [run.started[14:16] for run in scan(6, history=history).trend] == ["00", "01", "03", "05", "06"]


def test_a_result_carries_the_last_runs_only() -> None:
    history, _ = row(())
    for at in range(1, TREND_RUNS + 5):
        run = replace(history.runs[-1], scan_id=str(at), started=f"{DAY}T12:{at:02}:00Z")
        history = replace(history, runs=(*history.runs, run))
    trend = scan(50, history=history).trend
    assert len(trend) == TREND_RUNS
    assert trend[-1].scan_id.endswith("50")
    assert trend[-2].scan_id == str(TREND_RUNS + 4)


def stored(folder: Path, *scans: tuple[Change, ...]) -> list[ScanResult]:
    results = []
    for at, changes in enumerate(scans):
        results.append(scan(at, *changes, history=open_history(folder)))
        assert add_run(folder, results[-1])
    return results


def test_a_history_reads_back_and_lines_are_only_ever_added(tmp_path: Path) -> None:
    folder = tmp_path / "history"
    first, second = stored(folder, (), (suspended,))
    written = (folder / RUNS).read_bytes()
    assert read_history(folder) == History().add(first).add(second)
    assert not add_run(folder, second)
    assert (folder / RUNS).read_bytes() == written
    add_run(folder, scan(2, history=open_history(folder)))
    assert (folder / RUNS).read_bytes().startswith(written)
    assert {oct(path.stat().st_mode & 0o777) for path in folder.iterdir()} == {"0o600"}
    assert len(written) < 1024 * 2


@pytest.mark.parametrize("kept", [0, 10, -1])
def test_a_line_that_was_not_written_to_its_end_is_completed(tmp_path: Path, kept: int) -> None:
    stored(tmp_path, (), (suspended,))
    whole = (tmp_path / RUNS).read_bytes()
    first = whole.index(b"\n") + 1
    (tmp_path / RUNS).write_bytes(whole[:first] + whole[first:][:kept])
    history = read_history(tmp_path)
    assert len(history.runs) == 2
    add_run(tmp_path, scan(2, history=history))
    assert (tmp_path / RUNS).read_bytes().startswith(whole)
    assert len(read_history(tmp_path).runs) == 3


@pytest.mark.parametrize(
    ("file", "damage", "sentence"),
    [
        (RUNS, lambda text: text[: text.index(b"\n") + 30], "runs.jsonl: the history is damaged: line 2 is cut off"),
        (RUNS, lambda text: text.replace(b'"new": 0', b'"new": "many"', 1), "line 1 at new: "),
        (RUNS, lambda text: text + text, "are not the 3 that findings.jsonl follows from"),
        (RUNS, lambda _: b"", "runs.jsonl: the history is damaged: its 0 runs are not the 3"),
        (FINDINGS, lambda text: text[:-30], "findings.jsonl: the history is damaged: its last line is cut off"),
        (FINDINGS, lambda text: text[: text.index(b"\n") + 1], "it has 0 findings, but says 1"),
        (FINDINGS, lambda text: text.replace(b'"version": 1', b'"version": 2', 1), "has version 2"),
        (FINDINGS, lambda _: b"\xff\x00\n", "findings.jsonl: the history is damaged: line 1: "),
        (FINDINGS, None, "findings.jsonl: is missing beside runs.jsonl"),
    ],
)
def test_a_damaged_history_is_refused_in_a_sentence_and_nothing_is_lost(
    tmp_path: Path, file: str, damage: Callable[[bytes], bytes] | None, sentence: str
) -> None:
    results = stored(tmp_path, (), (suspended,), (suspended,))
    path = tmp_path / file
    if damage is None:
        path.unlink()
    else:
        path.write_bytes(damage(path.read_bytes()))
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    for act in (read_history, open_history, lambda folder: add_run(folder, results[-1])):
        with pytest.raises(SnapshotError) as caught:
            act(tmp_path)
        assert sentence in str(caught.value)
        assert "\n" not in str(caught.value)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_a_full_disk_keeps_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stored(tmp_path, ())

    def full(path: Path, content: str) -> None:
        raise OutputError(f"{path}: cannot be written: No space left on device")

    monkeypatch.setattr("recordscan.history_file.write_atomically", full)
    with pytest.raises(OutputError, match="No space left"):
        add_run(tmp_path, scan(1, history=None))
    assert len(read_history(tmp_path).runs) == 1


def _add(folder: Path, results: list[ScanResult]) -> None:
    for result in results:
        add_run(folder, result)


def test_scans_at_the_same_time_lose_no_line(tmp_path: Path) -> None:
    results = [scan(at, suspended, history=None) for at in range(12)]
    open_history(tmp_path)
    context = multiprocessing.get_context("fork")
    # The same scans are added by two of them: each is there once.
    shares = (results[::3], results[1::3], results[2::3], results[::2])
    writers = [context.Process(target=_add, args=(tmp_path, share)) for share in shares]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert [writer.exitcode for writer in writers] == [0] * 4
    history = read_history(tmp_path)
    assert sorted(run.scan_id for run in history.runs) == sorted(result.scan.scan_id for result in results)
    [found] = history.findings.values()
    assert (found.first_seen, found.last_seen) == (f"{DAY}T12:00:00Z", f"{DAY}T12:11:30Z")


def test_an_edited_trend_is_found_out() -> None:
    _, result = row((), (suspended,))

    def edited(**members: object) -> list[str]:
        own: RunRecord = replace(result.trend[-1], **members)  # type: ignore[arg-type]
        return list(disagreements(replace(result, trend=(*result.trend[:-1], own))))

    assert edited() == []
    assert edited(evaluated=0) == ["the last run of the trend is not this one"]
    assert edited(failing={}) == ["the numbers of the last run of the trend are not those of the assessments"]


def test_the_lines_of_a_history_are_json_of_about_a_kilobyte(tmp_path: Path) -> None:
    stored(tmp_path, (), (suspended,))
    lines = (tmp_path / RUNS).read_text(encoding="utf-8").splitlines()
    assert [json.loads(line)["outcomes"].get("fail", 0) for line in lines] == [0, 1]
    assert max(map(len, lines)) < 1024
