"""Snapshots: what was collected can be stored, and what was damaged or edited is refused."""

import gzip
import json
import stat
from dataclasses import replace
from pathlib import Path

import pytest

from recordscan.errors import OutputError, SnapshotError
from recordscan.facts import Reason
from recordscan.snapshot import EarlierRun, Journal, journal_of, load_snapshot, load_unfinished, save_snapshot
from recordscan.testing import Case, sound


@pytest.fixture
def case() -> Case:
    case = sound()
    case.deny("s3:GetBucketPolicy")
    case.fail("s3:GetBucketVersioning", Reason.THROTTLED)
    return case


def lines_of(path: Path) -> list[bytes]:
    return gzip.decompress(path.read_bytes()).splitlines(keepends=True)


def test_a_stored_snapshot_reads_back_equal(case: Case, tmp_path: Path) -> None:
    path = tmp_path / "today.jsonl.gz"
    save_snapshot(case.snapshot(), path)
    assert load_snapshot(path) == case.snapshot()


def test_equal_snapshots_give_equal_files_that_only_their_owner_can_read(case: Case, tmp_path: Path) -> None:
    first, second = tmp_path / "a.gz", tmp_path / "b.gz"
    save_snapshot(case.snapshot(), first)
    save_snapshot(case.snapshot(), second)
    assert first.read_bytes() == second.read_bytes()
    assert stat.S_IMODE(first.stat().st_mode) == 0o600


def test_the_file_is_header_observations_and_trailer_with_counts(case: Case, tmp_path: Path) -> None:
    path = tmp_path / "today.jsonl.gz"
    save_snapshot(case.snapshot(), path)
    header, *observations, trailer = [json.loads(line) for line in lines_of(path)]
    assert header["header"]["schema_version"] == 1
    assert trailer["trailer"]["observations"] == len(observations) == len(case.snapshot().observations)


def test_a_truncated_stream_is_refused(case: Case, tmp_path: Path) -> None:
    path = tmp_path / "today.jsonl.gz"
    save_snapshot(case.snapshot(), path)
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(SnapshotError, match=r"today\.jsonl\.gz: the snapshot is truncated or damaged"):
        load_snapshot(path)


def test_a_missing_line_is_refused(case: Case, tmp_path: Path) -> None:
    path = tmp_path / "today.jsonl.gz"
    save_snapshot(case.snapshot(), path)
    lines = lines_of(path)
    path.write_bytes(gzip.compress(b"".join(lines[:3] + lines[4:])))
    with pytest.raises(SnapshotError, match="truncated"):
        load_snapshot(path)


def test_a_file_cut_before_its_trailer_is_refused(case: Case, tmp_path: Path) -> None:
    path = tmp_path / "today.jsonl.gz"
    save_snapshot(case.snapshot(), path)
    path.write_bytes(gzip.compress(b"".join(lines_of(path)[:-1])))
    with pytest.raises(SnapshotError, match="truncated"):
        load_snapshot(path)


@pytest.mark.parametrize("at", [0, 1, -2, -1])
def test_a_line_too_many_is_an_edit_and_no_truncation(case: Case, tmp_path: Path, at: int) -> None:
    path = tmp_path / "today.jsonl.gz"
    save_snapshot(case.snapshot(), path)
    lines = lines_of(path)
    for edited in ([*lines, lines[at]], [*lines[:2], lines[at], *lines[2:]]):
        path.write_bytes(gzip.compress(b"".join(edited)))
        with pytest.raises(SnapshotError, match="changed after it was written"):
            load_snapshot(path)


def test_an_edited_answer_is_refused(case: Case, tmp_path: Path) -> None:
    path = tmp_path / "today.jsonl.gz"
    save_snapshot(case.snapshot(), path)
    edited = b"".join(lines_of(path)).replace(b'"IsLogging":true', b'"IsLogging":null')
    path.write_bytes(gzip.compress(edited))
    with pytest.raises(SnapshotError, match="changed after it was written"):
        load_snapshot(path)


def test_a_newer_schema_is_refused_with_what_to_do(case: Case, tmp_path: Path) -> None:
    path = tmp_path / "today.jsonl.gz"
    save_snapshot(case.snapshot(), path)
    path.write_bytes(gzip.compress(b"".join(lines_of(path)).replace(b'"schema_version":1', b'"schema_version":2', 1)))
    with pytest.raises(SnapshotError, match=r"schema version 2.*install a newer recordscan"):
        load_snapshot(path)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no gzip at all",
        gzip.compress(b"", mtime=0),
        gzip.compress(b"text", mtime=0),
        gzip.compress(b"[]\n[]\n", mtime=0),
        gzip.compress(b'{"header": 5}\n{"trailer": 5}\n', mtime=0),
        gzip.compress(b'{"header": {"schema_version": "one"}}\n{"trailer": {}}\n', mtime=0),
        gzip.compress(b"\xff\xfe\n\n", mtime=0),
    ],
)
def test_anything_else_is_refused_in_one_sentence(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "thing"
    path.write_bytes(content)
    with pytest.raises(SnapshotError) as caught:
        load_snapshot(path)
    assert "\n" not in str(caught.value)
    assert str(path) in str(caught.value)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SnapshotError, match="No such file"):
        load_snapshot(tmp_path / "nothing")


def test_a_folder_that_does_not_exist_cannot_be_written_to(case: Case, tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="No such file"):
        save_snapshot(case.snapshot(), tmp_path / "gone" / "today.jsonl.gz")


def test_how_a_scan_ended_and_whose_answers_it_took_over_reads_back(case: Case, tmp_path: Path) -> None:
    run = EarlierRun(scan_id="earlier", ended="2026-11-20T06:00:00Z", observations=("ev-1", "ev-2"))
    snapshot = replace(case.snapshot(), interrupted=True, past_deadline=True, earlier_runs=(run,))
    save_snapshot(snapshot, tmp_path / "part.gz")
    assert load_snapshot(tmp_path / "part.gz") == load_unfinished(tmp_path / "part.gz") == snapshot


def journaled(case: Case, path: Path) -> Path:
    """A journal whose process was killed: nothing was closed."""
    snapshot = case.snapshot()
    journal = Journal(path, snapshot.header, (EarlierRun(scan_id="e", ended="x", observations=("ev-1",)),))
    for observation in reversed(snapshot.observations):
        journal.add(observation)
    journal.publish()
    return path


def test_a_journal_reads_back_as_a_scan_that_was_stopped(case: Case, tmp_path: Path) -> None:
    loaded = load_unfinished(journaled(case, tmp_path / "today.gz.partial"))
    assert (loaded.header, loaded.observations) == (case.snapshot().header, case.snapshot().observations)
    assert loaded.interrupted
    assert loaded.ended == max(observation.collected_at for observation in loaded.observations)
    assert [run.scan_id for run in loaded.earlier_runs] == ["e"]


def test_a_journal_is_for_its_owner_only_and_no_snapshot_to_be_judged(case: Case, tmp_path: Path) -> None:
    path = journaled(case, tmp_path / "today.gz.partial")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with pytest.raises(SnapshotError, match="a scan that did not end has left; resume it"):
        load_snapshot(path)


@pytest.mark.parametrize("cut", [1, 20, 200])
def test_of_a_line_that_was_cut_off_nothing_is_read(case: Case, tmp_path: Path, cut: int) -> None:
    path = journaled(case, tmp_path / "today.gz.partial")
    path.write_bytes(path.read_bytes()[:-cut])
    whole = path.read_bytes().count(b"\n") - 1
    assert len(load_unfinished(path).observations) == whole > 0


@pytest.mark.parametrize("content", [b"", b"text", b"[]\n", b'{"journal": 5}\n', b'{"journal": {}}\n{"x": 1}\n'])
def test_what_is_no_journal_is_refused(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "thing"
    path.write_bytes(content)
    with pytest.raises(SnapshotError, match="this is no recordscan snapshot"):
        load_unfinished(path)


def test_a_journal_that_was_not_published_leaves_nothing(case: Case, tmp_path: Path) -> None:
    journal = Journal(tmp_path / "today.gz.partial", case.snapshot().header)
    journal.close()
    assert list(tmp_path.iterdir()) == []


def test_a_journal_stands_beside_its_snapshot_and_never_beside_a_device(tmp_path: Path) -> None:
    assert journal_of(Path("/dev/null")) is None
    (tmp_path / "deep").mkdir()
    (tmp_path / "link.gz").symlink_to(tmp_path / "deep" / "today.gz")
    assert journal_of(tmp_path / "link.gz") == tmp_path.resolve() / "deep" / "today.gz.partial"


def test_what_unpacks_beyond_measure_or_nests_beyond_reason_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "hostile.gz"
    path.write_bytes(gzip.compress(b"[" * 100_000 + b"\n"))
    with pytest.raises(SnapshotError, match="this is no recordscan snapshot, or it was edited"):
        load_snapshot(path)
    monkeypatch.setattr("recordscan.snapshot.MOST_BYTES", 50_000)
    with pytest.raises(SnapshotError, match="holds more than 50,000 bytes; it is no snapshot"):
        load_snapshot(path)
