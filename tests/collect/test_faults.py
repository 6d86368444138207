"""Faults of AWS that concern more than one call: endpoints that are down, pauses, credentials that expire."""

import asyncio
import shlex
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from recordscan.collect import iam, s3
from recordscan.collect.call import ENDPOINT_DOWN, NOT_RENEWED, Call
from recordscan.collect.schedule import Collection
from recordscan.collect.session import Clients, Fleet
from recordscan.collect.traffic import ATTEMPTS, Traffic
from recordscan.demo.aws_faults import Fault, FaultKind
from recordscan.demo.aws_server import AwsServer
from recordscan.facts import Reason
from recordscan.observation import Observation
from recordscan.redaction import Redactor

ACCOUNT = "123456789012"
CALLS = (s3.LIST_BUCKETS, iam.ACCOUNT_SUMMARY, iam.PASSWORD_POLICY)


@pytest.fixture
def aws(spare_aws: AwsServer, monkeypatch: pytest.MonkeyPatch) -> AwsServer:
    spare_aws.reset()
    use(monkeypatch, spare_aws.url)
    return spare_aws


def use(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    """Make an endpoint that of all services, with credentials of this process alone."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", url)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "made-up")
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, "/dev/null")


def ask(*calls: Call, account: str | None = ACCOUNT) -> list[Observation]:
    """Ask one call after the other, as one scan, without really waiting."""
    collection = Collection(
        Fleet(Clients(region="eu-west-1")),
        Redactor(),
        traffic=Traffic(sleep=lambda _: None),
        max_pages=10,
        now=lambda: datetime.now(UTC),
        progress=lambda _: None,
    )

    async def all_of_them() -> list[Observation]:
        return [await collection.ask(call, account=account) for call in calls]

    try:
        return asyncio.run(all_of_them())
    finally:
        collection.close()


def reasons(observations: list[Observation]) -> list[Reason | None]:
    return [observation.error.reason if observation.error else None for observation in observations]


def test_an_endpoint_that_is_down_costs_one_call_and_the_others_say_that_they_were_not_sent(
    monkeypatch: pytest.MonkeyPatch, unused_port: int
) -> None:
    use(monkeypatch, f"http://127.0.0.1:{unused_port}")
    observed = ask(iam.ACCOUNT_SUMMARY, iam.PASSWORD_POLICY, s3.LIST_BUCKETS)
    assert reasons(observed) == [Reason.FAILED, Reason.UNREACHABLE, Reason.FAILED]  # S3 is an endpoint of its own
    assert [observation.attempts for observation in observed] == [ATTEMPTS, 0, ATTEMPTS]
    assert observed[1].error is not None
    assert observed[1].error.code == ENDPOINT_DOWN


def test_expired_credentials_cost_one_call_and_the_others_say_why_they_were_not_sent(aws: AwsServer) -> None:
    aws.faults["s3:ListBuckets"] = Fault(kind=FaultKind.EXPIRED_TOKEN)
    observed = ask(*CALLS)
    assert reasons(observed) == [Reason.CREDENTIALS_EXPIRED] * 3
    assert [observation.attempts for observation in observed] == [1, 0, 0]
    assert aws.operations() == ["s3:ListBuckets"]


def test_throttling_that_recovers_is_an_answer_with_its_attempts(aws: AwsServer) -> None:
    """(A6)"""
    aws.faults["iam:GetAccountSummary"] = Fault(kind=FaultKind.THROTTLED, times=2)
    observed = ask(iam.ACCOUNT_SUMMARY)
    assert reasons(observed) == [None]
    assert observed[0].attempts == 3
    assert aws.operations() == ["iam:GetAccountSummary"] * 3


@pytest.fixture
def process(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, aws: AwsServer) -> Iterator[Path]:
    """Credentials from a process that gives new ones, each time good for a minute, as often as a file has lines."""
    allowed = tmp_path / "allowed"
    program = tmp_path / "credentials.py"
    expires = (datetime.now(UTC) + timedelta(minutes=1)).isoformat()
    program.write_text(
        f"""
import json, pathlib, sys
allowed = pathlib.Path({str(allowed)!r})
lines = allowed.read_text().splitlines()
if not lines:
    sys.exit("the session is over")
allowed.write_text("\\n".join(lines[1:]))
print(json.dumps({{"Version": 1, "AccessKeyId": lines[0], "SecretAccessKey": "secret-of-" + lines[0],
                  "SessionToken": "token-of-" + lines[0],
                  "Expiration": {expires!r}}}))
""",
        encoding="utf-8",
    )
    config = tmp_path / "config"
    command = shlex.join([sys.executable, str(program)])
    config.write_text(f"[default]\ncredential_process = {command}\n", encoding="utf-8")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    yield allowed
    assert aws.url


def test_credentials_that_expire_are_renewed(process: Path, aws: AwsServer) -> None:
    process.write_text("\n".join(f"ASIA{number:016}" for number in range(9)), encoding="utf-8")
    assert reasons(ask(*CALLS[:2])) == [None, None]
    left = process.read_text(encoding="utf-8").splitlines()
    assert len(left) <= 9 - 2  # new ones for each call, as each is about to expire


def test_secrets_of_renewed_credentials_are_hidden_before_they_are_used(process: Path, aws: AwsServer) -> None:
    assert aws.url
    keys = [f"ASIA{number:016}" for number in range(9)]
    process.write_text("\n".join(keys), encoding="utf-8")
    clients = Clients(region="eu-west-1")
    hidden: list[str] = []
    clients.hide = hidden.extend
    tokens: list[str] = []

    def seen(request: Any, **_: object) -> None:
        tokens.append(request.headers["X-Amz-Security-Token"].decode())
        assert {tokens[-1], tokens[-1].replace("token", "secret")} <= set(hidden)

    client = clients.get("iam")
    client.meta.events.register("before-send", seen)
    for _ in range(2):
        client.get_account_summary()
    assert len(set(tokens)) == 2
    assert len(hidden) == 4


def test_credentials_that_cannot_be_renewed_are_the_reason_of_all_that_follows(process: Path, aws: AwsServer) -> None:
    process.write_text("ASIA0000000000000000\nASIA0000000000000001", encoding="utf-8")
    observed = ask(*CALLS)
    assert reasons(observed) == [None, Reason.CREDENTIALS_EXPIRED, Reason.CREDENTIALS_EXPIRED]
    assert observed[1].error is not None
    assert observed[1].error.code == NOT_RENEWED
    assert "session is over" not in observed[1].error.message  # what a program prints is not ours to show
