"""A history on disk: a folder with two files of JSON Lines.

`runs.jsonl` has one line a run, to which lines are only ever added. `findings.jsonl` is what follows from all of them,
one line a finding below a head, and is replaced as a whole. The head holds the last run, too: it is replaced before the
run's line is added, so that a line that was not written, or only in part, is completed the next time.

Whoever adds a run holds a lock on the file `lock`, so that scans at the same time lose nothing. The folder must be on a
file system that locks (all local ones do, and NFS from version 4). It is no place for secrets, but tells what is wrong
where, so it is readable by its owner only.
"""

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from recordscan.errors import OutputError, SnapshotError
from recordscan.files import write_atomically
from recordscan.history import History, RulesRun, TrackedFinding
from recordscan.result import RunRecord, ScanResult

RUNS = "runs.jsonl"
FINDINGS = "findings.jsonl"
LOCK = "lock"

VERSION = 1

Record = TypeVar("Record")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Head:
    """First line of the findings.

    Attributes:
        version: Of the form of both files.
        runs: How many they follow from.
        findings: How many there are.
        last: The last run that was added.
        scopes: SHA-256 of a scope to the rules that ran on it.
        decided: See `History`.
        undecided: The same.
    """

    version: int
    runs: int
    findings: int
    last: RunRecord
    scopes: dict[str, dict[str, list[str]]] = field(default_factory=dict)
    decided: list[str] = field(default_factory=list)
    undecided: list[str] = field(default_factory=list)


def history_files(folder: Path) -> tuple[Path, ...]:
    """The files of a history, which no report may overwrite."""
    return (folder / RUNS, folder / FINDINGS, folder / LOCK)


def read_history(folder: Path) -> History:
    """Read a history.

    Raises:
        SnapshotError: There is none, it cannot be read, or it is damaged; names the file, and the line.
    """
    if not folder.is_dir():
        raise SnapshotError(f"{folder}: there is no such folder with a history")
    with _locked(folder, fcntl.LOCK_SH):
        return _read(folder)[0]


def open_history(folder: Path) -> History:
    """Read a history to which a run will be added; an empty one where there is none yet.

    Raises:
        OutputError: The folder cannot be made or written.
        SnapshotError: It is damaged.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{folder}: the folder of the history cannot be made: {error.strerror}") from None
    with _locked(folder, fcntl.LOCK_EX):
        return _read(folder)[0]


def add_run(folder: Path, result: ScanResult) -> bool:
    """Add a run, unless its scan was added before.

    Returns:
        Whether it was added.

    Raises:
        OutputError: The history cannot be written; what was there is still there.
        SnapshotError: It is damaged.
    """
    with _locked(folder, fcntl.LOCK_EX):
        history, missing = _read(folder)
        grown = history.add(result)
        if grown is not history:
            if missing:
                _append(folder / RUNS, missing)
            write_atomically(folder / FINDINGS, _dump_findings(grown))
            missing = _line(grown.runs[-1])
        if missing:
            _append(folder / RUNS, missing)
        return grown is not history


@contextmanager
def _locked(folder: Path, kind: int) -> Iterator[None]:
    path = folder / LOCK
    writing = kind == fcntl.LOCK_EX
    if not writing and not path.exists():
        yield  # nobody has ever added anything here
        return
    try:
        handle = os.open(path, os.O_RDWR | os.O_CREAT if writing else os.O_RDONLY, 0o600)
    except OSError as error:
        raise (OutputError if writing else SnapshotError)(
            f"{path}: the history cannot be {'written' if writing else 'read'}: {error.strerror}"
        ) from None
    try:
        fcntl.flock(handle, kind)
        yield
    finally:
        os.close(handle)


def _read(folder: Path) -> tuple[History, str]:
    """The history, and what its last line still lacks."""
    runs_path, findings_path = folder / RUNS, folder / FINDINGS
    if not findings_path.exists():
        if runs_path.exists():
            raise SnapshotError(f"{findings_path}: is missing beside {RUNS}; restore it, or begin in another folder")
        return History(), ""
    lines = _lines(findings_path)
    if not lines or lines[-1]:
        raise SnapshotError(f"{findings_path}: the history is damaged: its last line is cut off")
    head = _parse(_Head, lines[0], findings_path, 1)
    if head.version != VERSION:
        raise SnapshotError(f"{findings_path}: has version {head.version}, this recordscan reads {VERSION}")
    found = [_parse(TrackedFinding, line, findings_path, at) for at, line in enumerate(lines[1:-1], 2)]
    if len(found) != head.findings:
        raise SnapshotError(
            f"{findings_path}: the history is damaged: it has {len(found)} findings, but says {head.findings}"
        )
    runs, missing = _read_runs(runs_path, head)
    return (
        History(
            runs=runs,
            findings={tracked.fingerprint: tracked for tracked in found},
            decided=frozenset(head.decided),
            undecided=frozenset(head.undecided),
            scopes={
                scope: RulesRun(ever=frozenset(ran.get("ever", ())), last=frozenset(ran.get("last", ())))
                for scope, ran in head.scopes.items()
            },
        ),
        missing,
    )


def _read_runs(path: Path, head: _Head) -> tuple[tuple[RunRecord, ...], str]:
    *lines, rest = _lines(path) if path.exists() else [b""]
    last = _line(head.last)
    runs = [_parse(RunRecord, line, path, at) for at, line in enumerate(lines, 1)]
    missing = ""
    if len(runs) == head.runs - 1 and last.encode().startswith(rest):
        # Whoever added this run was stopped before its line was whole.
        missing = last[len(rest.decode()) :]
        runs.append(head.last)
    elif rest:
        raise SnapshotError(f"{path}: the history is damaged: line {len(lines) + 1} is cut off")
    if len(runs) != head.runs or runs[-1] != head.last or len({run.scan_id for run in runs}) != len(runs):
        raise SnapshotError(
            f"{path}: the history is damaged: its {len(runs)} runs are not the {head.runs} that {FINDINGS} follows from"
        )
    return tuple(runs), missing


def _lines(path: Path) -> list[bytes]:
    """The lines of a file; the last is what follows the last line break."""
    try:
        return path.read_bytes().split(b"\n")
    except OSError as error:
        raise SnapshotError(f"{path}: the history cannot be read: {error.strerror}") from None


def _parse(kind: type[Record], line: bytes, path: Path, number: int) -> Record:
    try:
        parsed: Record = _ADAPTERS[kind].validate_json(line)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        place = "/".join(ascii(step).strip("'") for step in first["loc"])
        what = first["msg"][:1].lower() + first["msg"][1:]
        raise SnapshotError(
            f"{path}: the history is damaged: line {number}{f' at {place}' if place else ''}: {what}"
        ) from None
    return parsed


_ADAPTERS: dict[type, TypeAdapter[Any]] = {kind: TypeAdapter(kind) for kind in (_Head, RunRecord, TrackedFinding)}


def _dump_findings(history: History) -> str:
    head = _Head(
        version=VERSION,
        runs=len(history.runs),
        findings=len(history.findings),
        last=history.runs[-1],
        scopes={
            scope: {"ever": sorted(ran.ever), "last": sorted(ran.last)} for scope, ran in sorted(history.scopes.items())
        },
        decided=sorted(history.decided),
        undecided=sorted(history.undecided),
    )
    return _line(head) + "".join(_line(found) for _, found in sorted(history.findings.items()))


def _line(value: "_Head | RunRecord | TrackedFinding") -> str:
    return json.dumps(asdict(value), ensure_ascii=True, allow_nan=False) + "\n"


def _append(path: Path, text: str) -> None:
    """Add to a file, readable by its owner only, and see that it is on the disk.

    Raises:
        OutputError: It cannot be written, or not all of it.
    """
    try:
        handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(text.encode())
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise OutputError(f"{path}: the history cannot be written: {error.strerror}") from None
