"""Each question once, so many subjects at a time, and no more memory than what there is to tell takes."""

import asyncio
from collections.abc import Coroutine, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from recordscan.collect.schedule import Collection, in_turn
from recordscan.collect.traffic import Traffic
from recordscan.estate.answers import Answers
from recordscan.estate.bucket import list_buckets
from recordscan.facts import Json, Known, Unavailable
from recordscan.observation import Observation, ObservationOutcome, observation_key
from recordscan.redaction import Redactor
from recordscan.snapshot import load_snapshot, save_snapshot
from recordscan.testing import sound

ACCOUNT = "111122223333"


class NoClients:
    """Of a collection that is told what is observed."""

    def get(self, service: str, region: str | None = None, account: str | None = None) -> Any:
        raise AssertionError(f"a client was asked for: {service} {region} {account}")


@pytest.fixture
def collection() -> Iterator[Collection]:
    gathered = Collection(
        NoClients(),
        Redactor(known_secrets=()),
        traffic=Traffic(workers=2),
        max_pages=10,
        now=lambda: datetime(2026, 11, 25, tzinfo=UTC),
        progress=lambda _: None,
    )
    yield gathered
    gathered.close()


def observed(operation: str, answer: Json, **request: Json) -> Observation:
    return Observation(
        operation=operation,
        account=ACCOUNT,
        request=request,
        outcome=ObservationOutcome.ANSWERED,
        answer=answer,
        collected_at="2026-11-25T00:00:00Z",
    )


def test_so_many_subjects_are_read_at_once_and_the_next_as_soon_as_one_is_done() -> None:
    running: set[int] = set()
    most, order = 0, []

    async def subject(number: int) -> None:
        nonlocal most
        running.add(number)
        most = max(most, len(running))
        # The first takes longer than all the others: none of them may wait for it.
        for _ in range(100 if number == 0 else 1):
            await asyncio.sleep(0)
        running.remove(number)
        order.append(number)

    made: list[int] = []

    def subjects() -> Iterator[Coroutine[Any, Any, None]]:
        for number in range(20):
            made.append(number)
            assert len(made) - len(order) <= 3
            yield subject(number)

    asyncio.run(in_turn(subjects(), 3))
    assert (most, sorted(order), order[-1]) == (3, list(range(20)), 0)


def test_the_first_error_ends_the_turns_and_makes_no_further_coroutine() -> None:
    begun: list[int] = []

    async def subject(number: int) -> None:
        begun.append(number)
        await asyncio.sleep(0)
        if number == 1:
            raise ValueError(number)

    with pytest.raises(ExceptionGroup, match="unhandled errors"):
        asyncio.run(in_turn((subject(number) for number in range(100)), 2))
    assert len(begun) < 6


def test_a_question_is_sent_once_whether_its_answer_is_awaited_or_there(collection: Collection) -> None:
    sent: list[str] = []

    def send() -> Observation:
        sent.append("sent")
        return observed("s3:GetBucketVersioning", {"Status": "Enabled"}, Bucket="calls")

    key = observation_key("s3:GetBucketVersioning", ACCOUNT, None, {"Bucket": "calls"})

    async def ask() -> list[Observation]:
        together = await asyncio.gather(*(collection.once(key, send) for _ in range(5)))
        return [*together, await collection.once(key, send)]

    answers = asyncio.run(ask())
    assert sent == ["sent"]
    assert all(answer is answers[0] for answer in answers)
    assert collection.observations == (answers[0],)


def test_equal_answers_and_requests_are_one_object(collection: Collection, tmp_path: Path) -> None:
    def ask(operation: str, bucket: str) -> Any:
        observation = observed(operation, {"Rules": [{"Status": "Enabled"}]}, Bucket=bucket)
        return collection.once(observation.key, lambda: observation)

    async def all_of_them() -> tuple[Observation, ...]:
        a, b = ask("s3:GetBucketVersioning", "calls"), ask("s3:GetBucketVersioning", "rooms")
        return await asyncio.gather(a, b, ask("s3:GetBucketTagging", "rooms"))

    first, second, third = asyncio.run(all_of_them())
    assert first.answer is second.answer is third.answer
    assert second.request is third.request
    assert second.request != first.request

    path = tmp_path / "s.jsonl.gz"
    stored = replace(sound().snapshot(), observations=collection.observations)
    save_snapshot(stored, path)
    loaded = load_snapshot(path)
    assert loaded == stored
    assert len({id(observation.answer) for observation in loaded.observations}) == 1


def test_the_list_of_buckets_is_read_once_but_not_before_it_is_there() -> None:
    class Growing:
        interrupted = False
        answer: Observation | None = None

        def __init__(self) -> None:
            self.asked: list[str] = []

        def find(self, key: str) -> Observation | None:
            self.asked.append(key)
            return self.answer

    observations = Growing()
    answers = Answers(observations)
    assert isinstance(list_buckets(answers, ACCOUNT), Unavailable)
    observations.answer = observed("s3:ListBuckets", {"Buckets": [{"Name": "calls"}]})
    listed = [list_buckets(answers, ACCOUNT) for _ in range(100)]
    assert isinstance(listed[0], Known)
    assert listed[0].value.items == ("calls",)
    assert len(observations.asked) == 2
