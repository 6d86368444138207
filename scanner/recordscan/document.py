"""The result as a document: the canonical JSON, its reader and its published schema.

The dataclasses of `recordscan.result` are the only model. Writing needs nothing but them; reading and the schema are
pydantic's, which is imported only when asked for.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from functools import cache
from typing import TYPE_CHECKING

from recordscan.baseline import BASELINE_VERSION, Baseline
from recordscan.errors import SnapshotError
from recordscan.facts import Json
from recordscan.result import FINGERPRINT_VERSION, RESULT_SCHEMA_VERSION, ScanResult

if TYPE_CHECKING:
    from pydantic import TypeAdapter

RESULT_SCHEMA_ID = f"urn:recordscan:schema:result:{RESULT_SCHEMA_VERSION}"

_VERSION = re.compile(r"(\d{1,9})\.(\d{1,9})\Z", re.ASCII)


def dump_result(result: ScanResult) -> str:
    """Write a result as canonical JSON: equal results give equal text.

    Records keep the order of their fields, the members of cloud answers are sorted. Everything beyond ASCII is escaped,
    so neither a terminal nor an encoder meets a character that misleads or breaks it.
    """
    return json.dumps(_plain(result), indent=2, ensure_ascii=True, allow_nan=False) + "\n"


def load_result(text: str | bytes) -> ScanResult:
    """Read a result that `dump_result` has written.

    Raises:
        SnapshotError: The text is no JSON, no result, has members that are not known, or comes from a newer version;
            one sentence that names the place.
    """
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        raise SnapshotError("the result is no JSON, or only a part of it") from None
    _refuse_other_versions(document)
    return _validate(document)


def dump_baseline(baseline: Baseline) -> str:
    """Write a baseline as JSON, one entry a line, so that changes of the file are easy to review."""
    plain = _plain(baseline)
    entries = ",\n".join(f"    {json.dumps(entry, ensure_ascii=True)}" for entry in plain.pop("entries"))
    head = json.dumps(plain, indent=2, ensure_ascii=True)[:-2]
    return f'{head},\n  "entries": [\n{entries}\n  ]\n}}\n' if entries else f'{head},\n  "entries": []\n}}\n'


def is_baseline(text: bytes) -> bool:
    """Whether a file is a baseline, or else perhaps a result."""
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        return False
    return isinstance(document, dict) and "entries" in document and "schema_version" not in document


def load_baseline(text: bytes) -> Baseline:
    """Read what `dump_baseline` has written.

    Raises:
        SnapshotError: It is no baseline, or of a newer version; one sentence that names the place.
    """
    from pydantic import ValidationError

    try:
        found = _baseline_adapter().validate_json(text)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        place = "/" + "/".join(ascii(step).strip("'") for step in first["loc"])
        raise SnapshotError(f"this is no baseline: at {place}: {first['msg']}") from None
    if found.version != BASELINE_VERSION:
        raise SnapshotError(f"the baseline has version {found.version}, this recordscan reads {BASELINE_VERSION}")
    if found.fingerprint_version != FINGERPRINT_VERSION:
        raise SnapshotError(
            f"the baseline has fingerprints of version {found.fingerprint_version}, this recordscan makes those of "
            f"version {FINGERPRINT_VERSION}, so that all findings would look new; make a new baseline of a result"
        )
    return found


@cache
def result_schema() -> dict[str, Json]:
    """The JSON Schema (draft 2020-12) of what `dump_result` writes."""
    schema = _adapter().json_schema(mode="serialization")
    schema.pop("title", None)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": RESULT_SCHEMA_ID,
        "title": "Result of a recordscan scan",
        **schema,
    }


def _plain(value: object) -> Json:
    if is_dataclass(value):
        return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Mapping):
        return {key: _plain(value[key]) for key in sorted(value)}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value


def _refuse_other_versions(document: Json) -> None:
    version = document.get("schema_version") if isinstance(document, dict) else None
    match = _VERSION.match(version) if isinstance(version, str) else None
    if match is None and isinstance(document, dict) and "entries" in document:
        raise SnapshotError("this is a baseline, no result; it belongs to `recordscan scan --baseline`")
    if match is None:
        raise SnapshotError("this is no recordscan result: it has no schema_version such as '1.0'")
    if (int(match[1]), int(match[2])) > tuple(int(part) for part in RESULT_SCHEMA_VERSION.split(".")):
        raise SnapshotError(
            f"the result has schema version {match[0]}, this recordscan reads up to {RESULT_SCHEMA_VERSION}; "
            "install a newer recordscan"
        )


def _validate(document: Json) -> ScanResult:
    from pydantic import ValidationError

    try:
        return _adapter().validate_python(document)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        place = "/" + "/".join(ascii(step).strip("'") for step in first["loc"])
        message = first["msg"][:1].lower() + first["msg"][1:]
        raise SnapshotError(f"this is no valid recordscan result: at {place}: {message}") from None


@cache
def _adapter() -> "TypeAdapter[ScanResult]":
    from pydantic import TypeAdapter

    return TypeAdapter(ScanResult)


@cache
def _baseline_adapter() -> "TypeAdapter[Baseline]":
    from pydantic import TypeAdapter

    return TypeAdapter(Baseline)
