"""Measures how many requests one core decides in a second, over the cases of tests/data/iam-probes.ndjson.

Run it as `.venv/bin/python benchmarks/policy.py`. The median of several rounds counts: a busy machine only ever slows
some of them down.
"""

import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from recordscan.policy.authorize import decide
from recordscan.policy.request import Context
from scanner.policy.asking import probed, probes

ROUNDS = 15
REPEATS = 20


def rate(work: Callable[[], object], count: int) -> float:
    """How many pieces of work are done in a second, of which one call does `count`."""
    work()
    seconds = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        for _ in range(REPEATS):
            work()
        seconds.append((time.perf_counter() - start) / REPEATS)
    return count / statistics.median(seconds)


def main() -> None:
    """Measure and print."""
    cases = probes()
    read = [probed(case) for case in cases]
    unknown = [(replace(request, context=Context(complete=False)), layers) for request, layers in read]
    statements = [len(decide(*question).rows) for question in read]

    deciding = rate(lambda: [decide(*question) for question in read], len(read))
    open_ended = rate(lambda: [decide(*question) for question in unknown], len(read))
    reading = rate(lambda: [decide(*probed(case)) for case in cases], len(read))

    print(f"{len(read)} requests, {statistics.mean(statements):.1f} statements each, Python {sys.version.split()[0]}")
    print(f"{deciding:>10,.0f} decisions a second ({1e6 / deciding:.0f} µs each)")
    print(
        f"{open_ended:>10,.0f} where nothing is known of the circumstances ({open_ended / deciding:.2f} times as many)"
    )
    print(f"{reading:>10,.0f} where the policies are read anew each time ({reading / deciding:.2f} times as many)")


if __name__ == "__main__":
    main()
