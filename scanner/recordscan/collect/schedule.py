"""Bounded concurrency: each question is asked once, by a pool of threads, while coroutines say what to ask next.

boto3 blocks, so calls run in threads; what depends on an answer is written as a coroutine, which costs nothing while it
waits. Nothing waits for more than what it needs.
"""

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import replace
from datetime import datetime
from typing import Any, Protocol

from recordscan.collect.call import Call, perform, timestamp
from recordscan.collect.traffic import Traffic
from recordscan.facts import Json, Reason
from recordscan.observation import Observation, ObservationError, ObservationOutcome, SharedJson, observation_key
from recordscan.redaction import Redactor

_THREADS_PER_WORKER = 4
"""More threads than requests in flight, as a thread that waits to send again must keep no other from sending."""

_SUBJECTS_PER_WORKER = 4
"""More subjects than requests in flight, as some wait for a service that throttles. All at once take memory: what is to
be asked of a bucket waits in some twenty coroutines.
"""


class AwsClients(Protocol):
    """Where clients come from; see `recordscan.collect.session.Fleet`."""

    def get(self, service: str, region: str | None = None, account: str | None = None) -> Any: ...


class Collection:
    """The observations of a scan while it runs. Looked up like a snapshot.

    Attributes:
        interrupted: Whether the scan was stopped.
        taken_over: Ids of the observations that an earlier run made.
    """

    def __init__(
        self,
        clients: AwsClients,
        redactor: Redactor,
        *,
        traffic: Traffic,
        max_pages: int,
        now: Callable[[], datetime],
        progress: Callable[[Observation], None],
    ) -> None:
        self.interrupted = False
        self.taken_over: set[str] = set()
        self._clients = clients
        self._traffic = traffic
        self._redactor = redactor
        self._shared = SharedJson()
        self._max_pages = max_pages
        self._now = now
        self._progress = progress
        threads = _THREADS_PER_WORKER * traffic.workers
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="recordscan")
        self._observations: dict[str, Observation] = {}
        self._earlier: Mapping[str, Observation] = {}
        self._journal: Callable[[Observation], None] = lambda _: None
        self._pending: dict[str, asyncio.Task[Observation]] = {}
        self._expired: dict[str | None, ObservationError] = {}
        self._lock = threading.Lock()
        self._closed = False

    def find(self, key: str) -> Observation | None:
        """The observation that answers a question, if it has come."""
        return self._observations.get(key)

    @property
    def observations(self) -> tuple[Observation, ...]:
        """All that has come so far, in the order of their questions' text."""
        with self._lock:
            return tuple(self._observations[key] for key in sorted(self._observations))

    async def ask(
        self,
        call: Call,
        *,
        account: str | None,
        client_region: str | None = None,
        region: str | None = None,
        **request: Json,
    ) -> Observation:
        """Ask AWS once; whoever asks the same again gets the same answer.

        Args:
            call: What to ask.
            account: Account id on whose behalf.
            client_region: Region to send it to, for calls that are not regional.
            region: Region asked, for regional calls.
            request: Parameters.
        """

        def send() -> Observation:
            lost = self._expired.get(account)
            if lost is not None:
                return self._unsent(call, account, region, request, lost)
            observation = perform(
                call,
                lambda: self._clients.get(call.service, region or client_region, account),
                request,
                account=account,
                region=region,
                max_pages=self._max_pages,
                now=self._now,
                traffic=self._traffic,
                endpoint=f"{call.service} {region or client_region or 'global'} {account}",
            )
            if observation.error is not None and observation.error.reason is Reason.CREDENTIALS_EXPIRED:
                self._expired[account] = observation.error
            return observation

        return await self.once(observation_key(call.operation, account, region, request), send)

    @property
    def at_once(self) -> int:
        """Subjects to read at the same time: enough that no worker is ever idle, whatever some of them wait for."""
        return _SUBJECTS_PER_WORKER * self._traffic.workers

    async def once(
        self, key: str, send: Callable[[], Observation], slots: asyncio.Semaphore | None = None
    ) -> Observation:
        """Run `send` in the pool, unless this key was asked before, and keep what it observes.

        Args:
            key: The question.
            send: Asks it.
            slots: Bounds how many of its kind are asked at once.
        """
        answered = self._observations.get(key)
        if answered is not None:
            return answered
        if key not in self._pending:
            task = asyncio.create_task(self._once(key, send, slots))
            self._pending[key] = task
            task.add_done_callback(lambda _: self._pending.pop(key))
        return await asyncio.shield(self._pending[key])

    def hide(self, secrets: Sequence[str]) -> None:
        """Let these appear in no answer that comes from now on."""
        self._redactor.learn(secrets)

    def take_over(self, earlier: Mapping[str, Observation]) -> None:
        """Answer what is asked from now on with what an earlier run observed, by its key, where it did."""
        self._earlier = earlier

    def write_to(self, journal: Callable[[Observation], None]) -> None:
        """Give each observation to a journal, those too that have come already and those that may be taken over.

        Raises:
            OutputError: The journal cannot be written, now; later, it ends the question that was asked.
        """
        with self._lock:
            for observation in {**self._earlier, **self._observations}.values():
                journal(observation)
            self._journal = journal

    def close(self) -> None:
        """Let no further call start, and forget the answers of those that are under way."""
        with self._lock:
            self._closed = True
        self._traffic.stop()
        self._pool.shutdown(wait=False, cancel_futures=True)

    async def _once(self, key: str, send: Callable[[], Observation], slots: asyncio.Semaphore | None) -> Observation:
        earlier = self._earlier.get(key)
        if earlier is not None:
            with self._lock:
                self.taken_over.add(earlier.id)
                self._observations[key] = earlier
            self._progress(earlier)
            return earlier
        async with slots or nullcontext():
            return await asyncio.get_running_loop().run_in_executor(self._pool, self._observe, send)

    def _observe(self, send: Callable[[], Observation]) -> Observation:
        observation = self._clean(send())
        with self._lock:
            if self._closed:
                return observation
            self._journal(observation)
            self._observations[observation.key] = observation
        self._progress(observation)
        return observation

    def _unsent(
        self, call: Call, account: str | None, region: str | None, request: Mapping[str, Json], lost: ObservationError
    ) -> Observation:
        """What is observed of a call for which there are no credentials any more."""
        return Observation(
            operation=call.operation,
            account=account,
            region=region,
            request=dict(request),
            outcome=ObservationOutcome.FAILED,
            error=replace(lost, message="the credentials had expired before this was sent"),
            permission=call.permission,
            collected_at=timestamp(self._now()),
            attempts=0,
        )

    def _clean(self, observation: Observation) -> Observation:
        """Without secrets, and with what equals an earlier answer in its place."""
        answer, redactions = self._redactor.json(observation.answer)
        error = observation.error
        if error is not None:
            message, _ = self._redactor.json(error.message)
            error = replace(error, message=message)
        return replace(
            observation,
            request=self._shared(dict(observation.request)),
            answer=self._shared(answer),
            error=error,
            redactions=(*observation.redactions, *redactions),
        )


async def in_turn(tasks: Iterable[Coroutine[Any, Any, object]], at_once: int) -> None:
    """Run coroutines side by side, so many at once; each is taken from the iterable when its turn comes."""
    waiting = iter(tasks)

    async def work() -> None:
        for task in waiting:
            await task

    await together(work() for _ in range(at_once))


async def together(tasks: Iterable[Coroutine[Any, Any, object]]) -> None:
    """Run coroutines side by side; the first error ends all."""
    async with asyncio.TaskGroup() as group:
        for task in tasks:
            group.create_task(task)
