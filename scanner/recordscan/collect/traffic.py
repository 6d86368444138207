"""Traffic: how requests go out, whichever cloud they go to.

No more at once and no faster than was asked; slower where a service throttles; again after what passes, with full
jitter (https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/) or after the time that the service
asks for; not at all to an endpoint that does not answer; and nothing more once the scan is stopped.
"""

import random
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeVar

T = TypeVar("T")

ATTEMPTS = 5
"""How often a request is sent at most."""

SILENCES = 5
"""Attempts without any answer, one after the other, after which an endpoint counts as down."""

DOWN_SECONDS = 30.0
"""How long nothing is sent to it then, but for one attempt after that time."""

LONGEST_WAIT_SECONDS = 30.0
"""Of what a service may ask for in Retry-After."""

_LONGEST_JITTER_SECONDS = 20.0
_FIRST_JITTER_SECONDS = {"throttled": 1.0, "failed": 0.2, "silent": 0.2}
_SLOWEST_PER_SECOND = 2.0
_FASTEST_PER_SECOND = 100.0
_CUT, _GAIN = 0.7, 1.02
"""By what the rate changes with a throttled request, and with each good answer."""


class TroubleKind(StrEnum):
    """Why a request is worth another attempt: it came too soon, the service failed, or no answer came."""

    THROTTLED = "throttled"
    FAILED = "failed"
    SILENT = "silent"


@dataclass(frozen=True, slots=True)
class Trouble:
    """What was wrong with an attempt that may go better next time.

    Attributes:
        kind: What.
        retry_after: Seconds that the service asks to wait; None where it does not say.
    """

    kind: TroubleKind
    retry_after: float | None = None


@dataclass(frozen=True, slots=True)
class Sent(Generic[T]):
    """How a request ended: what its last attempt gave, and how many there were."""

    result: T
    attempts: int


class EndpointDown(Exception):
    """A request was not sent, because its endpoint did not answer those before it."""


class Stopped(Exception):
    """A request was not sent, because the scan is over."""


class Traffic:
    """The requests of one scan. Safe to use from many threads."""

    def __init__(
        self,
        *,
        workers: int = 16,
        max_rate: float | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], object] | None = None,
        jitter: Callable[[float, float], float] = random.uniform,
    ) -> None:
        """Prepare; nothing is sent.

        Args:
            workers: Requests in flight at most. One that waits for its next attempt is not in flight.
            max_rate: Requests a second at most, all clouds and services together; None for no limit.
            clock: Seconds that only grow.
            sleep: Waits; by default in a way that `stop()` ends.
            jitter: A random number between two.
        """
        self.workers = workers
        self._clock = clock
        self._jitter = jitter
        self._stopped = threading.Event()
        self._sleep = self._stopped.wait if sleep is None else sleep
        self._slots = threading.BoundedSemaphore(workers)
        self._lock = threading.Lock()
        self._interval = 0.0 if max_rate is None else 1 / max_rate
        self._next = 0.0
        self._endpoints: dict[str, _Endpoint] = {}

    def stop(self) -> None:
        """Send nothing more: whoever waits, or asks later, gets `Stopped`."""
        self._stopped.set()

    def send(self, endpoint: str, attempt: Callable[[], tuple[T, Trouble | None]]) -> Sent[T]:
        """Send a request, as often as it takes.

        Args:
            endpoint: What throttles and fails as one, such as a service in a Region for one account.
            attempt: Sends it once; gives the outcome, good or bad, and what makes it worth another attempt.

        Raises:
            EndpointDown: Not even one attempt was made.
            Stopped: The scan is over.
        """
        with self._lock:
            state = self._endpoints.setdefault(endpoint, _Endpoint())
        sent: Sent[T] | None = None
        delay = 0.0
        for number in range(1, ATTEMPTS + 1):
            if not self._wait(state, delay, again=sent is not None):
                break
            with self._slots:
                self._keep_rate()
                with self._lock:
                    began = self._clock()
                    if not state.admits(began):
                        break
                    state.sent.append(began)
                result, trouble = attempt()
            sent = Sent(result, number)
            with self._lock:
                state.note(trouble, began, self._clock())
            if trouble is None:
                break
            delay = self._delay(trouble, number)
        if sent is None:
            raise EndpointDown
        return sent

    def _wait(self, state: "_Endpoint", delay: float, *, again: bool) -> bool:
        """Wait for an endpoint's turn; False where it is down, so that it would be in vain."""
        with self._lock:
            now = self._clock()
            if state.is_down(now):
                return False
            seconds = state.reserve(now, delay) - now
        self._pause(seconds, even_none=again)
        return True

    def _keep_rate(self) -> None:
        with self._lock:
            now = self._clock()
            start = max(now, self._next)
            self._next = start + self._interval
        self._pause(start - now)

    def _pause(self, seconds: float, *, even_none: bool = False) -> None:
        if seconds > 0 or even_none:
            self._sleep(max(seconds, 0.0))
        if self._stopped.is_set():
            raise Stopped

    def _delay(self, trouble: Trouble, number: int) -> float:
        if trouble.retry_after is not None:
            return min(trouble.retry_after, LONGEST_WAIT_SECONDS)
        most = _FIRST_JITTER_SECONDS[trouble.kind] * 2 ** (number - 1)
        return self._jitter(0, min(most, _LONGEST_JITTER_SECONDS))


class _Endpoint:
    """What is known of one endpoint. Guarded by the lock of the traffic."""

    def __init__(self) -> None:
        self.sent: deque[float] = deque(maxlen=128)
        self._silences = 0
        self._down_until: float | None = None
        self._probing = False
        self._rate: float | None = None
        self._next = 0.0
        self._not_before = 0.0
        self._cut = float("-inf")

    def is_down(self, now: float) -> bool:
        """Whether an attempt would be refused now."""
        return self._down_until is not None and (now < self._down_until or self._probing)

    def admits(self, now: float) -> bool:
        """Whether an attempt may be made now; of one that was down, only a first one until its outcome is known."""
        if self.is_down(now):
            return False
        self._probing = self._down_until is not None
        return True

    def reserve(self, now: float, delay: float) -> float:
        """The moment at which the next attempt may be made."""
        start = max(now + delay, self._not_before)
        if self._rate is not None:
            turn = max(now, self._next)
            self._next = turn + 1 / self._rate
            start = max(start, turn)
        return start

    def note(self, trouble: Trouble | None, began: float, now: float) -> None:
        """Learn from the outcome of an attempt."""
        kind = trouble.kind if trouble is not None else None
        if kind is TroubleKind.SILENT:
            self._silences += 1
            if self._silences >= SILENCES or self._probing:
                self._down_until, self._probing = now + DOWN_SECONDS, False
            return
        self._silences, self._down_until, self._probing = 0, None, False
        if trouble is not None and trouble.retry_after is not None:
            self._not_before = max(self._not_before, now + min(trouble.retry_after, LONGEST_WAIT_SECONDS))
        # What was sent before the last cut says nothing about it. The rate grows with each good answer, so that a few
        # throttled requests in a hundred, as S3 has them at any rate, do not hold a scan up.
        if kind is TroubleKind.THROTTLED and began > self._cut:
            rate = self._rate or float(sum(moment > began - 1 for moment in self.sent))
            self._rate, self._cut = max(rate * _CUT, _SLOWEST_PER_SECOND), now
        elif kind is None and self._rate is not None:
            self._rate *= _GAIN
            self._rate = None if self._rate > _FASTEST_PER_SECOND else self._rate
