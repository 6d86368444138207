"""Fast fake clouds for benchmarks and for tests under faults, each a process of its own.

    with FakeAws(Account(buckets=300), Faults(seed=1, errors=0.05)) as aws, FakeTwilio() as twilio:
        subprocess.run(["recordscan", "scan"], env={**aws.environment(), **twilio.environment()})

The AWS knows every operation that recordscan sends, in the wire formats of AWS, and can be slow, throttle and fail,
always in the same way for the same seed. `recordscan.demo` is the faithful emulator; this one is for numbers.
"""

from fake_clouds.account import REGIONS, Account, bucket_name
from fake_clouds.faults import Faults, Kind
from fake_clouds.process import Exchange, FakeAws, FakeTwilio

__all__ = ["REGIONS", "Account", "Exchange", "FakeAws", "FakeTwilio", "Faults", "Kind", "bucket_name"]
