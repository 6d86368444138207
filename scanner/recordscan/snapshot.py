"""Snapshots: all observations of one scan in one file, with who asked, when, and for what.

The file is gzip-compressed JSON Lines: a header, one observation a line, and a trailer with the counts, the time of the
end and the SHA-256 of all lines before it. The sum finds damage and careless edits; it is no signature.

While a scan runs, its observations stand in a journal, in the order in which they come: the same lines without
compression and trailer. What a killed process leaves of it can be resumed, not judged.
"""

import hashlib
import json
import os
import sys
import tempfile
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import BinaryIO

from recordscan.errors import OutputError, SnapshotError
from recordscan.facts import Json, Reason
from recordscan.files import write_atomically
from recordscan.observation import (
    Observation,
    ObservationError,
    ObservationOutcome,
    SharedJson,
    canonical_json,
)
from recordscan.profile import Profile
from recordscan.scope import AwsAccountScope, BucketScope, Scope, TwilioAccountScope

SCHEMA_VERSION = 1

MOST_BYTES = 4_000_000_000
"""Of a snapshot, unpacked: what claims to be more is not read."""

_GZIP_MAGIC = b"\x1f\x8b"
_CHUNK = 1 << 16
_MISSHAPEN = (ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError)
"""What reading a value of another shape raises."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SnapshotHeader:
    """Who asked what, and when.

    Attributes:
        scan_id: UUID of the scan.
        tool_version: Version of recordscan that collected.
        started: UTC, ISO 8601 with `Z`.
        asked_by: Identities that asked: `aws` (caller ARN) and `twilio:AC…` (kind of credential); no secrets.
        scope: What was looked at.
        profile: What was required.
        fail_on: Severity at which a failure breaks the gate, or `none`.
        stand_ins: URLs of whatever answered instead of AWS or Twilio, each with its name before it.
    """

    scan_id: str
    tool_version: str
    started: str
    asked_by: Mapping[str, str]
    scope: Scope
    profile: Profile
    fail_on: str
    stand_ins: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class EarlierRun:
    """A run that did not end, of which a later one took answers over.

    Attributes:
        scan_id: UUID of its scan.
        ended: Time of its last answer, UTC, ISO 8601 with `Z`.
        observations: Ids of the observations that it made.
    """

    scan_id: str
    ended: str
    observations: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """All observations of one scan.

    Attributes:
        header: Who asked what, and when.
        observations: In the order of their questions' text, so that equal scans give equal files.
        ended: UTC, ISO 8601 with `Z`.
        interrupted: Whether the scan was stopped before it had asked everything.
        past_deadline: Whether it was its deadline that stopped it.
        earlier_runs: Where observations come from that this run did not make itself.
    """

    header: SnapshotHeader
    observations: tuple[Observation, ...]
    ended: str
    interrupted: bool = False
    past_deadline: bool = False
    earlier_runs: tuple[EarlierRun, ...] = ()
    _index: dict[str, Observation] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_index", {observation.key: observation for observation in self.observations})

    def find(self, key: str) -> Observation | None:
        """The observation that answers a question, see `observation_key`."""
        return self._index.get(key)


def save_snapshot(snapshot: Snapshot, path: Path) -> None:
    """Write a snapshot, all or nothing, readable by its owner only.

    Raises:
        OutputError: The file cannot be written.
    """
    digest = hashlib.sha256()
    packer = zlib.compressobj(level=9, wbits=31)  # 31: gzip, whose header has no time
    packed = []
    for line in _lines(snapshot):
        digest.update(line)
        packed.append(packer.compress(line))
    trailer: dict[str, Json] = {
        "observations": len(snapshot.observations),
        "ended": snapshot.ended,
        "interrupted": snapshot.interrupted,
        "sha256": digest.hexdigest(),
    }
    if snapshot.past_deadline:
        trailer["past_deadline"] = True
    if snapshot.earlier_runs:
        trailer["earlier_runs"] = [asdict(run) for run in snapshot.earlier_runs]
    packed.append(packer.compress(_line({"trailer": trailer})))
    packed.append(packer.flush())
    write_atomically(path, b"".join(packed))


def journal_of(path: Path) -> Path | None:
    """The journal of a scan that saves its snapshot at a path; None where that is no place for files beside it."""
    if path.exists() and not path.is_file():
        return None
    path = path.resolve()  # as the snapshot is written to where a link leads
    return path.with_name(path.name + ".partial")


class Journal:
    """The observations of a scan that runs, in a file that outlives a killed process. Readable by its owner only."""

    def __init__(self, path: Path, header: SnapshotHeader, earlier_runs: tuple[EarlierRun, ...] = ()) -> None:
        """Begin a journal under a temporary name; `publish()` gives it its own.

        Raises:
            OutputError: It cannot be written.
        """
        self._path = path
        try:
            self._file, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name[:100]}.")
        except OSError as error:
            raise OutputError(f"{path}: cannot be written: {error.strerror}") from None
        self._name = Path(name)
        first = {**_dump_header(header), "earlier_runs": [asdict(run) for run in earlier_runs]}
        self._write(_line({"journal": first}))

    def add(self, observation: Observation) -> None:
        """Write one observation; it is out of this process when the call returns.

        Raises:
            OutputError: It cannot be written.
        """
        self._write(_line(_dump_observation(observation)))

    def publish(self) -> None:
        """Take the place of whatever stands at the path, which may be the journal that this one has taken over.

        Raises:
            OutputError: The file cannot be renamed.
        """
        try:
            self._name.replace(self._path)
        except OSError as error:
            raise OutputError(f"{self._path}: cannot be written: {error.strerror}") from None
        self._name = self._path

    def close(self) -> None:
        """Write nothing more; leave no file that was not published."""
        os.close(self._file)
        if self._name != self._path:
            self._name.unlink(missing_ok=True)

    def _write(self, line: bytes) -> None:
        try:
            while line:
                line = line[os.write(self._file, line) :]
        except OSError as error:
            raise OutputError(f"{self._path}: cannot be written: {error.strerror}") from None


def load_snapshot(path: Path) -> Snapshot:
    """Read a snapshot.

    Raises:
        SnapshotError: It cannot be read, is no snapshot, is truncated or edited, or comes from a newer version.
    """
    try:
        with path.open("rb") as file:
            return _parse(_lines_of(file, path), path)
    except OSError as error:
        raise SnapshotError(f"{path}: the snapshot cannot be read: {error.strerror}") from None
    except _MISSHAPEN:
        raise SnapshotError(f"{path}: this is no recordscan snapshot, or it was edited") from None


def _lines_of(file: BinaryIO, path: Path) -> Iterator[bytes]:
    """The lines of a gzip file, one after the other, unless they are beyond all measure.

    Raises:
        SnapshotError: They are, or it is no gzip file, or not a whole one.
    """
    packed = file.read(_CHUNK)
    if packed.startswith(b'{"journal"'):
        raise SnapshotError(
            f"{path}: this is what a scan that did not end has left; resume it with `recordscan scan --resume`"
        )
    if not packed:
        raise SnapshotError(f"{path}: the snapshot is empty; collect it again")
    if not packed.startswith(_GZIP_MAGIC):
        raise SnapshotError(f"{path}: the snapshot cannot be read: it is no gzip file")
    unpacker = zlib.decompressobj(wbits=31)  # 31: gzip
    size = 0
    begun: list[bytes] = []  # parts of a line whose end has not come
    while packed and not unpacker.eof:
        try:
            content = unpacker.decompress(packed, _CHUNK)
        except zlib.error:
            raise SnapshotError(f"{path}: the snapshot is truncated or damaged; collect it again") from None
        size += len(content)
        if size > MOST_BYTES:
            raise SnapshotError(f"{path}: holds more than {MOST_BYTES:,} bytes; it is no snapshot")
        *ended, rest = content.split(b"\n")
        for line in ended:
            yield b"".join([*begun, line, b"\n"])
            begun = []
        begun.append(rest)
        packed = unpacker.unconsumed_tail or file.read(_CHUNK)
    if not unpacker.eof:
        raise SnapshotError(f"{path}: the snapshot is truncated or damaged; collect it again")
    if any(begun):
        yield b"".join(begun)
    if not size:
        raise SnapshotError(f"{path}: the snapshot is empty; collect it again")


def load_unfinished(path: Path) -> Snapshot:
    """Read what there is of a scan: a snapshot, or the journal that a killed process has left.

    Nothing tells whether a journal was edited. A last line that was not written to its end is left out.

    Raises:
        SnapshotError: It cannot be read, is neither, is damaged, or comes from a newer version.
    """
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise SnapshotError(f"{path}: the snapshot cannot be read: {error.strerror}") from None
    if raw.startswith(_GZIP_MAGIC):
        del raw
        return load_snapshot(path)
    lines = [line for line in raw.splitlines(keepends=True) if line.endswith(b"\n")]
    try:
        header = json.loads(lines[0])["journal"]
        _require_known(header, path)
        runs = _load_runs(header.pop("earlier_runs"))
        shared = SharedJson()
        loaded = [_load_observation(json.loads(line), shared) for line in lines[1:]]
        observations = {observation.key: observation for observation in loaded}
        return Snapshot(
            header=_load_header(header),
            observations=tuple(observations[key] for key in sorted(observations)),
            ended=max((observation.collected_at for observation in loaded), default=str(header["started"])),
            interrupted=True,
            earlier_runs=runs,
        )
    except _MISSHAPEN:
        raise SnapshotError(f"{path}: this is no recordscan snapshot, or it was edited") from None


def _require_known(header: Mapping[str, Json], path: Path) -> None:
    if header["schema_version"] > SCHEMA_VERSION:
        raise SnapshotError(
            f"{path}: the snapshot has schema version {header['schema_version']}, this recordscan reads up to "
            f"{SCHEMA_VERSION}; install a newer recordscan"
        )


def _parse(lines: Iterator[bytes], path: Path) -> Snapshot:
    digest, shared = hashlib.sha256(), SharedJson()
    observations: list[Observation] = []
    first = last = next(lines)
    header = json.loads(first)["header"]
    _require_known(header, path)
    count, more, misshapen = 0, False, False
    for line in lines:
        digest.update(last)
        if last is not first:
            count += 1
            more = more or last.startswith(b'{"trailer"')
            try:
                observations.append(_load_observation(json.loads(last), shared))
            except _MISSHAPEN:  # the sum, which comes last, tells more of how it came to be so
                misshapen = True
        last = line
    trailer = json.loads(last).get("trailer")
    if not more and (trailer is None or trailer["observations"] > count):
        raise SnapshotError(f"{path}: the snapshot is truncated; collect it again")
    if more or trailer["sha256"] != digest.hexdigest():
        raise SnapshotError(f"{path}: the snapshot was changed after it was written; collect it again")
    if misshapen:
        raise ValueError("a line is no observation")
    return Snapshot(
        header=_load_header(header),
        observations=tuple(observations),
        ended=trailer["ended"],
        interrupted=trailer["interrupted"],
        past_deadline=trailer.get("past_deadline", False),
        earlier_runs=_load_runs(trailer.get("earlier_runs", ())),
    )


def _lines(snapshot: Snapshot) -> Iterator[bytes]:
    yield _line({"header": _dump_header(snapshot.header)})
    for observation in snapshot.observations:
        yield _line(_dump_observation(observation))


def _line(value: Json) -> bytes:
    return canonical_json(value).encode() + b"\n"


def _dump_header(header: SnapshotHeader) -> dict[str, Json]:
    return {"schema_version": SCHEMA_VERSION, **asdict(header)}


def _load_runs(rows: Iterable[Mapping[str, Json]]) -> tuple[EarlierRun, ...]:
    return tuple(EarlierRun(**{**row, "observations": tuple(row["observations"])}) for row in rows)


def _dump_observation(observation: Observation) -> dict[str, Json]:
    values = {part.name: getattr(observation, part.name) for part in fields(observation) if part.init}
    values["request"] = dict(observation.request)
    values["error"] = None if observation.error is None else asdict(observation.error)
    return values


def _load_observation(values: dict[str, Json], shared: SharedJson) -> Observation:
    error = values.pop("error")
    values = {name: sys.intern(value) if isinstance(value, str) else shared(value) for name, value in values.items()}
    outcome = ObservationOutcome(values.pop("outcome"))
    redactions = tuple(values.pop("redactions"))
    return Observation(
        **values,
        outcome=outcome,
        redactions=redactions,
        error=None if error is None else ObservationError(**{**error, "reason": Reason(error["reason"])}),
    )


def _load_header(values: dict[str, Json]) -> SnapshotHeader:
    values.pop("schema_version")
    scope = dict(values.pop("scope"))
    profile = values.pop("profile")
    return SnapshotHeader(
        **{**values, "stand_ins": tuple(values.get("stand_ins", ()))},
        scope=Scope(
            **{
                **scope,
                "twilio_accounts": tuple(TwilioAccountScope(**row) for row in scope["twilio_accounts"]),
                "aws_accounts": tuple(AwsAccountScope(**row) for row in scope.get("aws_accounts", ())),
                "buckets": tuple(BucketScope(**row) for row in scope["buckets"]),
                "bucket_owners": tuple(scope["bucket_owners"]),
            }
        ),
        profile=Profile.of(profile),
    )
