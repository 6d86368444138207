"""The servers as processes of their own."""

import json
import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from fake_clouds.account import Account
from fake_clouds.faults import Faults, Kind
from fake_clouds.server import EXCHANGES
from fake_clouds.twilio import twilio_environment
from recordscan.errors import RecordscanError
from recordscan.testing import REGION


def packages_path() -> str:
    """Where Python finds this package."""
    return str(Path(__file__).parents[1])


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """One request: its operation, the text of its question (see `Answers.reply`), what happened to it, and when.

    `at` is in seconds since some moment before all of them.
    """

    operation: str
    question: str
    kind: Kind
    at: float


class _Process:
    """A server while it runs.

    Attributes:
        url: Where it answers.
    """

    def __init__(self, arguments: Sequence[str]) -> None:
        self.url = ""
        self._arguments = arguments
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        command = [sys.executable, "-m", "fake_clouds", *self._arguments]
        environment = {**os.environ, "PYTHONPATH": packages_path()}
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
        self.url = "" if self._process.stdout is None else self._process.stdout.readline().strip()
        if not self.url:
            raise RecordscanError("a fake cloud did not start")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process is not None:
            self._process.send_signal(signal.SIGINT)
            self._process.communicate()


class FakeAws(_Process):
    """The fake AWS while it runs."""

    def __init__(self, account: Account, faults: Faults | None = None, *, record: Path | None = None) -> None:
        """Prepare one.

        Args:
            account: What there is.
            faults: What goes wrong.
            record: File for every request as it came, each after its length as four bytes.
        """
        arguments = ["aws", "--buckets", str(account.buckets), "--faults", (faults or Faults()).dumps()]
        super().__init__([*arguments, *([] if record is None else ["--record", str(record)])])

    def exchanges(self) -> list[Exchange]:
        """All requests since the start, in the order of their arrival."""
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(f"{self.url}{EXCHANGES}") as reply:
            rows = json.load(reply)
        return [Exchange(operation=row[0], question=row[1], kind=Kind(row[2]), at=row[3]) for row in rows]

    def environment(self) -> dict[str, str]:
        """Variables under which boto3 finds this AWS, and nothing but it."""
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
            "AWS_SECRET_ACCESS_KEY": "made-up-secret-of-the-auditor",
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_EC2_METADATA_DISABLED": "true",
            "NO_PROXY": "127.0.0.1",
            "no_proxy": "127.0.0.1",
        }


class FakeTwilio(_Process):
    """The fake Twilio while it runs."""

    def __init__(self) -> None:
        super().__init__(["twilio"])

    def environment(self) -> dict[str, str]:
        """Variables under which a scan finds this Twilio."""
        return twilio_environment(self.url)
