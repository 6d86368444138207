"""Observations: answers of single read-only API calls, as received less their secrets, or the errors they ended in."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from recordscan.facts import Json, Reason


class ObservationOutcome(StrEnum):
    """How a call ended: with an answer, with a definitive "there is none", or with an error."""

    ANSWERED = "answered"
    ABSENT = "absent"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class ObservationError:
    """The error that a call ended in.

    Attributes:
        code: The API's own code, such as `AccessDenied` or `20003`.
        message: One sentence, free of secrets.
        http_status: Status of the last answer; None when no answer came.
        reason: The same in recordscan's words.
    """

    code: str
    message: str
    http_status: int | None
    reason: Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """One answer of one read-only API call. The evidence.

    Attributes:
        operation: `service:ApiName`, such as `s3:GetBucketEncryption` or `twilio:FetchRecordingSettings`.
        account: AWS account id or Twilio account SID on whose behalf it was asked; None for `sts:GetCallerIdentity`.
        region: Region that was asked, for operations whose answer depends on it; else None.
        request: Parameters, without credentials.
        outcome: Whether `answer`, a definitive absence, or `error` is the result.
        answer: JSON value of an answered call; None otherwise.
        error: Set for a failed call; for an absent one, the code that says so.
        permission: What the caller needs to be granted for this call; None where nothing can be granted.
        collected_at: UTC time of the answer, ISO 8601 with `Z`.
        attempts: How many times it was sent.
        request_id: The cloud's own id of the request, for support cases.
        redactions: What was removed from the answer before it was stored.
    """

    operation: str
    account: str | None
    region: str | None = None
    request: Mapping[str, Json]
    outcome: ObservationOutcome
    answer: Json = None
    error: ObservationError | None = None
    permission: str | None = None
    collected_at: str
    attempts: int = 1
    request_id: str | None = None
    redactions: tuple[str, ...] = ()
    key: str = field(init=False, repr=False, compare=False)
    """What was asked, as canonical text: two observations with one key answer the same question."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "key", observation_key(self.operation, self.account, self.region, self.request))

    @property
    def id(self) -> str:
        """`ev-` and 16 hexadecimal digits, the same in every scan that asks the same question."""
        return observation_id(self.key)

    @property
    def sha256(self) -> str:
        """See `evidence_sha256`."""
        return evidence_sha256(self.outcome, self.answer, self.error.code if self.error else None)


class SharedJson:
    """Gives equal values as one object, as most buckets of an account answer alike. Nobody may change them."""

    def __init__(self) -> None:
        self._values: dict[bytes, Json] = {}

    def __call__(self, value: Json) -> Json:
        """The value, or an equal one that came before."""
        if not isinstance(value, dict | list):
            return value
        return self._values.setdefault(hashlib.sha256(canonical_json(value).encode()).digest(), value)


_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=True)


def canonical_json(value: Json) -> str:
    """JSON with sorted keys and no spaces: equal values give equal text."""
    return _ENCODER.encode(value)


def observation_key(operation: str, account: str | None, region: str | None, request: Mapping[str, Json]) -> str:
    """The canonical text of a question."""
    return canonical_json([operation, account, region, dict(request)])


def observation_id(key: str) -> str:
    """`ev-` and 16 hexadecimal digits of the SHA-256 of a question's text."""
    return "ev-" + hashlib.sha256(key.encode()).hexdigest()[:16]


def evidence_sha256(outcome: str, answer: Json, error_code: str | None) -> str:
    """SHA-256 of the canonical JSON of an answer; of a call without one, of `{"code": …, "outcome": …}`."""
    kept = answer if outcome == ObservationOutcome.ANSWERED else {"outcome": outcome, "code": error_code or ""}
    return hashlib.sha256(canonical_json(kept).encode()).hexdigest()
