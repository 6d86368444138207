"""How long a scan of a whole account takes over HTTP, beside the floor and Prowler, by number of buckets.

    .venv/bin/python benchmarks/collection.py [BUCKETS...] [--latency SECONDS] [--prowler COMMAND]

The fake AWS of `fake_clouds` answers each request after a latency like AWS's, and may throttle and fail. The floor is
what no scanner can be faster than: its requests again, as many at once, by a client that analyses nothing. Prowler runs
its checks of S3, KMS and IAM on the same endpoint, if its command is given; it makes a venv of its own:

    python3 -m venv /somewhere && /somewhere/bin/pip install prowler

Shown are seconds of wall time, and of it those in which requests were sent; seconds of CPU; the peak of memory; and
requests. A server that shares its cores with what it serves slows both down, so ratios tell more than seconds.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from fake_clouds import REGIONS, Account, FakeAws, FakeTwilio, Faults
from fake_clouds.process import packages_path
from recordscan.testing import ACCESS_KEY, CREDENTIAL

SCANNER = Path(sys.executable).with_name("recordscan")
FOREIGN = ("AWS_", "TWILIO_", "RECORDSCAN_")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What one run cost: seconds, megabytes, requests."""

    wall: float
    cpu: float
    peak: float
    asking: float
    requests: int


def run(command: Sequence[str], environment: Mapping[str, str], folder: Path, aws: FakeAws) -> Cost:
    """Run a command to its end, whatever its exit status."""
    own = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)}
    begun = time.perf_counter()
    with (folder / "output.txt").open("ab") as output:
        process = subprocess.Popen(command, env={**own, **environment}, cwd=folder, stdout=output, stderr=output)
        _, _, usage = os.wait4(process.pid, 0)
        process.returncode = 0
    wall = time.perf_counter() - begun
    times = [exchange.at for exchange in aws.exchanges()]
    return Cost(
        wall=wall,
        cpu=usage.ru_utime + usage.ru_stime,
        peak=usage.ru_maxrss / 1024,
        asking=max(times) - min(times) if times else 0,
        requests=len(times),
    )


def measure(options: argparse.Namespace, buckets: int, folder: Path) -> None:
    """Print a line for the scan, one for its floor, and one for Prowler."""
    account, requests = Account(buckets=buckets), folder / "requests"
    faults = Faults(
        seed=options.seed, errors=options.errors, latency=options.latency, jitter=options.latency / 2, rate=options.rate
    )
    config = f'[credential_links]\n{CREDENTIAL} = "{ACCESS_KEY}"\n'
    (folder / "recordscan.toml").write_text(config, encoding="utf-8")
    scan = [str(SCANNER), "scan", "--scope", "account", "--format", "none", "--workers", str(options.workers)]
    with FakeAws(account, faults, record=requests) as aws, FakeTwilio() as twilio:
        cost = run(scan, {**aws.environment(), **twilio.environment()}, folder, aws)
    probe = [sys.executable, "-m", "fake_clouds", "probe", str(requests), "--workers", str(options.workers)]
    with FakeAws(account, faults) as aws:
        floor = run([*probe, "--url", aws.url], {"PYTHONPATH": packages_path()}, folder, aws)
    show("recordscan", buckets, cost, floor)
    show("the floor", buckets, floor, floor)
    requests.unlink()
    if options.prowler:
        checks = [
            options.prowler,
            "aws",
            "--services",
            "s3",
            "kms",
            "iam",
            "--no-banner",
            "--output-formats",
            "csv",
            "--region",
            *REGIONS,
        ]
        with FakeAws(account, faults) as aws:
            show("Prowler", buckets, run(checks, aws.environment(), folder, aws), floor)


def show(name: str, buckets: int, cost: Cost, floor: Cost) -> None:
    """Print one line."""
    print(
        f"{name:10} {buckets:>7} {cost.wall:>8.1f} {cost.asking:>8.1f} {cost.cpu:>8.1f} {cost.peak:>8.0f} "
        f"{cost.requests:>9} {cost.requests / buckets:>11.1f} {cost.wall / floor.wall:>8.2f}",
        flush=True,
    )


def main() -> None:
    """Measure each size."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("buckets", type=int, nargs="*", default=[20, 200, 1000, 5000])
    parser.add_argument("--workers", type=int, default=16, help="requests in flight at most")
    parser.add_argument("--latency", type=float, default=0.04, help="seconds until an answer; half of it may be added")
    parser.add_argument("--errors", type=float, default=0, help="share of requests that go wrong")
    parser.add_argument("--rate", type=float, default=0, help="requests a second of a service that it throttles beyond")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--prowler", help="its command")
    options = parser.parse_args()
    columns = ("wall", "asking", "CPU", "peak MB", "requests", "per bucket", "x floor")
    print(
        f"{'':10} {'buckets':>7} " + " ".join(f"{c:>{w}}" for c, w in zip(columns, (8, 8, 8, 8, 9, 11, 8), strict=True))
    )
    for buckets in options.buckets:
        with tempfile.TemporaryDirectory() as folder:
            measure(options, buckets, Path(folder))


if __name__ == "__main__":
    main()
