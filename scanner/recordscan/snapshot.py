"""Snapshots: all observations of one scan in one file, with who asked, when, and for what.

The file is gzip-compressed JSON Lines: a header, one observation a line, and a trailer with the counts, the time of the
end and the SHA-256 of all lines before it. The sum finds damage and careless edits; it is no signature.
"""

import gzip
import hashlib
import json
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from recordscan.errors import SnapshotError
from recordscan.facts import Json, Reason
from recordscan.files import write_atomically
from recordscan.observation import Observation, ObservationError, ObservationOutcome, canonical_json
from recordscan.profile import Profile
from recordscan.scope import AwsAccountScope, BucketScope, Scope, TwilioAccountScope

SCHEMA_VERSION = 1


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
    """

    scan_id: str
    tool_version: str
    started: str
    asked_by: Mapping[str, str]
    scope: Scope
    profile: Profile
    fail_on: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """All observations of one scan.

    Attributes:
        header: Who asked what, and when.
        observations: In the order of their questions' text, so that equal scans give equal files.
        ended: UTC, ISO 8601 with `Z`.
        interrupted: Whether the scan was stopped before it had asked everything.
    """

    header: SnapshotHeader
    observations: tuple[Observation, ...]
    ended: str
    interrupted: bool = False
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
    lines = []
    for line in _lines(snapshot):
        digest.update(line)
        lines.append(line)
    trailer = {
        "trailer": {
            "observations": len(snapshot.observations),
            "ended": snapshot.ended,
            "interrupted": snapshot.interrupted,
            "sha256": digest.hexdigest(),
        }
    }
    lines.append(_line(trailer))
    write_atomically(path, gzip.compress(b"".join(lines), mtime=0))


def load_snapshot(path: Path) -> Snapshot:
    """Read a snapshot.

    Raises:
        SnapshotError: It cannot be read, is no snapshot, is truncated or edited, or comes from a newer version.
    """
    try:
        content = gzip.decompress(path.read_bytes())
    except OSError as error:
        raise SnapshotError(f"{path}: the snapshot cannot be read: {error.strerror or 'it is no gzip file'}") from None
    except (EOFError, zlib.error):
        raise SnapshotError(f"{path}: the snapshot is truncated or damaged; collect it again") from None
    if not content:
        raise SnapshotError(f"{path}: the snapshot is empty; collect it again")
    lines = content.splitlines(keepends=True)
    try:
        return _parse(lines, path)
    except (ValueError, KeyError, TypeError, AttributeError, IndexError):
        raise SnapshotError(f"{path}: this is no recordscan snapshot, or it was edited") from None


def _parse(lines: list[bytes], path: Path) -> Snapshot:
    header = json.loads(lines[0])["header"]
    if header["schema_version"] > SCHEMA_VERSION:
        raise SnapshotError(
            f"{path}: the snapshot has schema version {header['schema_version']}, this recordscan reads up to "
            f"{SCHEMA_VERSION}; install a newer recordscan"
        )
    trailer = json.loads(lines[-1]).get("trailer")
    more = any(line.startswith(b'{"trailer"') for line in lines[:-1])
    if not more and (trailer is None or trailer["observations"] > len(lines) - 2):
        raise SnapshotError(f"{path}: the snapshot is truncated; collect it again")
    if more or trailer["sha256"] != hashlib.sha256(b"".join(lines[:-1])).hexdigest():
        raise SnapshotError(f"{path}: the snapshot was changed after it was written; collect it again")
    return Snapshot(
        header=_load_header(header),
        observations=tuple(_load_observation(json.loads(line)) for line in lines[1:-1]),
        ended=trailer["ended"],
        interrupted=trailer["interrupted"],
    )


def _lines(snapshot: Snapshot) -> Iterator[bytes]:
    yield _line({"header": {"schema_version": SCHEMA_VERSION, **asdict(snapshot.header)}})
    for observation in snapshot.observations:
        yield _line(_dump_observation(observation))


def _line(value: Json) -> bytes:
    return canonical_json(value).encode() + b"\n"


def _dump_observation(observation: Observation) -> dict[str, Json]:
    values = {name: getattr(observation, name) for name in Observation.__dataclass_fields__}
    values["request"] = dict(observation.request)
    values["error"] = None if observation.error is None else asdict(observation.error)
    return values


def _load_observation(values: dict[str, Json]) -> Observation:
    error = values.pop("error")
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
        **values,
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
