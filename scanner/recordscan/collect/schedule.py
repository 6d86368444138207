"""Bounded concurrency: each question is asked once, by a pool of threads, while coroutines say what to ask next.

boto3 blocks, so calls run in threads; what depends on an answer is written as a coroutine, which costs nothing while it
waits. Nothing waits for more than what it needs.
"""

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime
from typing import Any, Protocol

from recordscan.collect.call import Call, perform
from recordscan.facts import Json
from recordscan.observation import Observation, ObservationOutcome, observation_key
from recordscan.redaction import Redactor


class AwsClients(Protocol):
    """Where clients come from; see `recordscan.collect.session.Fleet`."""

    def get(self, service: str, region: str | None = None, account: str | None = None) -> Any: ...


class Collection:
    """The observations of a scan while it runs. Looked up like a snapshot.

    Attributes:
        interrupted: Whether the scan was stopped.
    """

    def __init__(
        self,
        clients: AwsClients,
        redactor: Redactor,
        *,
        workers: int,
        max_pages: int,
        now: Callable[[], datetime],
        progress: Callable[[Observation], None],
    ) -> None:
        self.interrupted = False
        self._clients = clients
        self._redactor = redactor
        self._max_pages = max_pages
        self._now = now
        self._progress = progress
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="recordscan")
        self._observations: dict[str, Observation] = {}
        self._asked: dict[str, asyncio.Future[Observation]] = {}
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
            return perform(
                call,
                lambda: self._clients.get(call.service, region or client_region, account),
                request,
                account=account,
                region=region,
                max_pages=self._max_pages,
                now=self._now,
            )

        return await self.once(observation_key(call.operation, account, region, request), send)

    async def once(self, key: str, send: Callable[[], Observation]) -> Observation:
        """Run `send` in the pool, unless this key was asked before, and keep what it observes."""
        if key not in self._asked:
            loop = asyncio.get_running_loop()
            self._asked[key] = loop.run_in_executor(self._pool, self._observe, send)
        return await asyncio.shield(self._asked[key])

    def hide(self, secrets: Sequence[str]) -> None:
        """Let these appear in no answer that comes from now on."""
        self._redactor.learn(secrets)

    def close(self) -> None:
        """Let no further call start, and forget the answers of those that are under way."""
        with self._lock:
            self._closed = True
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _observe(self, send: Callable[[], Observation]) -> Observation:
        observation = self._clean(send())
        with self._lock:
            if self._closed:
                return observation
            self._observations[observation.key] = observation
        self._progress(observation)
        return observation

    def _clean(self, observation: Observation) -> Observation:
        answer, redactions = self._redactor.json(observation.answer)
        if observation.error is not None:
            message, _ = self._redactor.json(observation.error.message)
            observation = replace(observation, error=replace(observation.error, message=message))
        if observation.outcome is not ObservationOutcome.ANSWERED:
            return observation
        return replace(observation, answer=answer, redactions=(*observation.redactions, *redactions))


async def together(tasks: Iterable[Coroutine[Any, Any, object]]) -> None:
    """Run coroutines side by side; the first error ends all."""
    async with asyncio.TaskGroup() as group:
        for task in tasks:
            group.create_task(task)
