"""Traffic: pace, repetition, giving up and stopping, on a clock that moves only when somebody waits."""

import threading
from collections.abc import Callable, Sequence

import pytest

from recordscan.collect.traffic import (
    ATTEMPTS,
    DOWN_SECONDS,
    SILENCES,
    EndpointDown,
    Sent,
    Stopped,
    Traffic,
    Trouble,
    TroubleKind,
)

THROTTLED, FAILED, SILENT = (Trouble(kind) for kind in TroubleKind)


class Time:
    """A clock, and sleep that moves it."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.waits: list[float] = []

    def clock(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.now += seconds


@pytest.fixture
def time() -> Time:
    return Time()


def traffic_of(time: Time, jitter: Callable[[float, float], float] = lambda _, most: most, **given: float) -> Traffic:
    """Traffic whose jitter is as long as it can be, unless told otherwise."""
    return Traffic(clock=time.clock, sleep=time.sleep, jitter=jitter, max_rate=given.get("max_rate"))


class Script:
    """An attempt that ends as written, once for each entry; after the last it goes well."""

    def __init__(self, *troubles: Trouble | None) -> None:
        self.left = list(troubles)
        self.sent = 0

    def __call__(self) -> tuple[str, Trouble | None]:
        self.sent += 1
        trouble = self.left.pop(0) if self.left else None
        return ("good" if trouble is None else trouble.kind.value), trouble


@pytest.mark.parametrize("trouble", [THROTTLED, FAILED, SILENT], ids=lambda trouble: trouble.kind)
def test_what_passes_is_sent_again_and_counted(time: Time, trouble: Trouble) -> None:
    """(A6)"""
    assert traffic_of(time).send("s3", Script(*[trouble] * 3)) == Sent("good", 4)


@pytest.mark.parametrize("trouble", [THROTTLED, FAILED, SILENT], ids=lambda trouble: trouble.kind)
def test_what_does_not_pass_ends_with_its_last_outcome(time: Time, trouble: Trouble) -> None:
    assert traffic_of(time).send("s3", Script(*[trouble] * 99)) == Sent(trouble.kind.value, ATTEMPTS)


def test_an_answer_is_not_asked_for_again(time: Time) -> None:
    script = Script()
    traffic_of(time).send("s3", script)
    assert (script.sent, time.waits) == (1, [])


def test_jitter_is_full_and_its_limit_doubles(time: Time) -> None:
    limits: list[tuple[float, float]] = []

    def note(least: float, most: float) -> float:
        limits.append((least, most))
        return 0.0

    traffic_of(time, jitter=note).send("s3", Script(*[FAILED] * 4))
    assert limits == [(0, 0.2), (0, 0.4), (0, 0.8), (0, 1.6)]


@pytest.mark.parametrize(("asked", "waited"), [(7.0, 7.0), (0.0, 0.0), (86_400.0, 30.0), (float("inf"), 30.0)])
def test_what_a_service_asks_to_wait_is_waited_within_reason(time: Time, asked: float, waited: float) -> None:
    traffic_of(time).send("s3", Script(Trouble(TroubleKind.FAILED, asked)))
    assert time.waits == [pytest.approx(waited)]


def test_who_is_asked_to_wait_waits_for_all_calls_to_the_endpoint_and_no_other(time: Time) -> None:
    traffic = traffic_of(time)
    waiting = Trouble(TroubleKind.THROTTLED, 20.0)
    seen: list[float] = []

    def other_call() -> tuple[str, Trouble | None]:
        traffic.send("kms", Script())
        seen.append(time.now)
        return "throttled", waiting if len(seen) == 1 else None

    began = time.now
    traffic.send("s3", other_call)
    assert seen[0] == began  # kms went at once
    assert seen[1] >= began + 20


def rate_after(traffic: Traffic, time: Time, number: int = 20) -> float:
    """Requests a second that an endpoint gets, over a number of calls."""
    began = time.now
    for _ in range(number):
        traffic.send("s3", Script())
    return number / (time.now - began) if time.now > began else float("inf")


def test_a_service_that_throttles_gets_less_and_then_slowly_more(time: Time) -> None:
    traffic = traffic_of(time)
    assert rate_after(traffic, time) == float("inf")
    traffic.send("s3", Script(THROTTLED))
    slow = rate_after(traffic, time)
    assert slow < 25
    assert slow < rate_after(traffic, time, 10) < 100


def test_one_burst_that_is_throttled_slows_down_once(time: Time) -> None:
    """Sixteen refusals of what was sent together are one sign, not sixteen."""
    traffic = traffic_of(time, jitter=lambda *_: 0.0)
    rate_after(traffic, time, 64)
    together = 16
    barrier = threading.Barrier(together)

    def attempt() -> tuple[str, Trouble | None]:
        first = not getattr(state, "sent", False)
        state.sent = True
        if first:
            barrier.wait(timeout=30)
        return "", THROTTLED if first else None

    state = threading.local()
    threads = [threading.Thread(target=traffic.send, args=("s3", attempt)) for _ in range(together)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert rate_after(traffic, time) > 16


def test_no_more_a_second_than_was_asked_whatever_the_service(time: Time) -> None:
    traffic = traffic_of(time, max_rate=4.0)
    began = time.now
    for name in ("s3", "kms", "iam") * 7:
        traffic.send(name, Script())
    assert time.now - began == pytest.approx(20 / 4)


def test_no_more_are_in_flight_than_there_are_workers() -> None:
    traffic = Traffic(workers=2)
    flying, most, lock = 0, 0, threading.Lock()
    done = threading.Event()

    def attempt() -> tuple[None, None]:
        nonlocal flying, most
        with lock:
            flying += 1
            most = max(most, flying)
        done.wait(0.01)
        with lock:
            flying -= 1
        return None, None

    threads = [threading.Thread(target=traffic.send, args=("s3", attempt)) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == 2


def test_who_waits_to_send_again_keeps_nobody_from_sending() -> None:
    """One worker; the first call waits for its second attempt until the other has gone through."""
    other_went = threading.Event()

    def sleep(_: float) -> None:
        assert other_went.wait(timeout=30)

    traffic = Traffic(workers=1, sleep=sleep)
    first = threading.Thread(target=traffic.send, args=("iam", Script(THROTTLED)))
    first.start()
    traffic.send("s3", Script())
    other_went.set()
    first.join(timeout=30)
    assert not first.is_alive()


def down(time: Time, troubles: Sequence[Trouble] = (SILENT,) * SILENCES) -> Traffic:
    """Traffic to an endpoint that has just been silent for one call."""
    traffic = traffic_of(time)
    traffic.send("s3", Script(*troubles))
    return traffic


def test_an_endpoint_that_is_down_is_not_asked_at_all(time: Time) -> None:
    traffic, script = down(time), Script()
    with pytest.raises(EndpointDown):
        traffic.send("s3", script)
    assert script.sent == 0
    assert traffic.send("kms", script) == Sent("good", 1)


def test_an_endpoint_that_answers_at_all_is_not_down(time: Time) -> None:
    traffic = down(time, [SILENT, SILENT, SILENT, SILENT, FAILED])
    assert traffic.send("s3", Script()).result == "good"


def test_after_a_while_one_attempt_finds_out_whether_it_is_up_again(time: Time) -> None:
    traffic = down(time)
    time.now += DOWN_SECONDS
    probe = Script(SILENT)
    # Still silent: the attempt that was made is reported, and no second one.
    assert traffic.send("s3", probe) == Sent("silent", 1)
    with pytest.raises(EndpointDown):
        traffic.send("s3", Script())
    time.now += DOWN_SECONDS
    assert traffic.send("s3", Script()) == Sent("good", 1)
    assert traffic.send("s3", Script()) == Sent("good", 1)


def test_only_one_finds_out(time: Time) -> None:
    traffic = down(time)
    time.now += DOWN_SECONDS

    def probe() -> tuple[str, Trouble | None]:
        with pytest.raises(EndpointDown):
            traffic.send("s3", Script())
        return "good", None

    assert traffic.send("s3", probe) == Sent("good", 1)


def test_nothing_is_sent_once_the_scan_is_stopped(time: Time) -> None:
    traffic, script = traffic_of(time), Script()
    traffic.stop()
    with pytest.raises(Stopped):
        traffic.send("s3", script)
    assert script.sent == 0


def test_a_stop_ends_a_wait() -> None:
    """With the real sleep: the service asks for half a minute, and the thread ends long before pytest's own limit."""
    traffic, sent = Traffic(), threading.Event()
    ended: list[type[BaseException]] = []

    def attempt() -> tuple[str, Trouble | None]:
        sent.set()
        return "throttled", Trouble(TroubleKind.THROTTLED, 1e9)

    def call() -> None:
        try:
            traffic.send("s3", attempt)
        except Stopped:
            ended.append(Stopped)

    thread = threading.Thread(target=call)
    thread.start()
    assert sent.wait(timeout=10)
    traffic.stop()
    thread.join(timeout=10)
    assert ended == [Stopped]
