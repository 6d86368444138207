"""What goes wrong, decided by seed, question and attempt, so that every run with the same seed fails alike."""

import hashlib
import json
from dataclasses import asdict, dataclass
from enum import StrEnum


class Kind(StrEnum):
    """What happens to one request."""

    NONE = "none"
    INTERNAL_ERROR = "internal error"
    UNAVAILABLE = "unavailable"
    THROTTLED = "throttled"
    RESET = "reset"
    TRUNCATED = "truncated"
    """The connection ends before the announced length."""
    CUT = "cut"
    """The body ends early, and its length agrees with that, as behind a proxy."""
    SLOW = "slow"


ERRORS = (Kind.INTERNAL_ERROR, Kind.UNAVAILABLE, Kind.THROTTLED, Kind.RESET, Kind.TRUNCATED, Kind.CUT, Kind.SLOW)

ESSENTIAL = frozenset({"sts:GetCallerIdentity", "s3:ListBuckets", "kms:ListKeys", "iam:GetAccountAuthorizationDetails"})
"""Questions whose answers say what else there is to ask; they never fail for good, nor are they cut."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Faults:
    """Latency, throttling and errors.

    Attributes:
        seed: Decides which requests are hit, and how.
        errors: Share of requests that go wrong in one of the ways of `ERRORS`.
        lost: Share of questions of which every request fails in the same way.
        latency: Seconds until the answer.
        jitter: More seconds, at most, evenly spread.
        slow: More seconds of a slow answer.
        rate: Requests a second of one service (and Region) beyond which it throttles; 0 for no limit.
    """

    seed: int = 0
    errors: float = 0.0
    lost: float = 0.0
    latency: float = 0.0
    jitter: float = 0.0
    slow: float = 0.3
    rate: float = 0.0

    def kind(self, operation: str, question: str, attempt: int) -> Kind:
        """What happens to a request.

        Args:
            operation: Its operation, such as `s3:GetBucketAcl`.
            question: Text that tells this question from every other.
            attempt: How often it was asked before.
        """
        if self.lost and operation not in ESSENTIAL and self._draw(question, "lost") < self.lost:
            kind = self._choose(question, "lost")
            return kind if kind is not Kind.SLOW else Kind.INTERNAL_ERROR
        if self._draw(question, attempt) >= self.errors:
            return Kind.NONE
        kind = self._choose(question, attempt)
        return Kind.TRUNCATED if kind is Kind.CUT and operation in ESSENTIAL else kind

    def delay(self, question: str, attempt: int) -> float:
        """Seconds until the answer, when it is not a slow one."""
        return self.latency + self.jitter * self._draw(question, f"{attempt} delay")

    def dumps(self) -> str:
        """As text, for another process."""
        return json.dumps(asdict(self))

    @classmethod
    def loads(cls, text: str) -> "Faults":
        """The inverse of `dumps`."""
        return cls(**json.loads(text))

    def _draw(self, question: str, what: object) -> float:
        """A number in [0, 1)."""
        return int.from_bytes(self._hash(question, what)[:6]) / 2**48

    def _choose(self, question: str, what: object) -> Kind:
        return ERRORS[self._hash(question, what)[6] % len(ERRORS)]

    def _hash(self, question: str, what: object) -> bytes:
        return hashlib.blake2b(f"{self.seed} {what} {question}".encode(), digest_size=8).digest()
