"""Shared by tests that run the scanner: the made-up company on loopback ports, and the console script."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import hypothesis
import pytest

from recordscan.demo import company
from recordscan.demo.aws_server import AwsServer
from recordscan.demo.run import Company, open_company, scan_environment

hypothesis.settings.register_profile("recordscan", deadline=None)  # a busy machine is no failure; pytest has a timeout
hypothesis.settings.load_profile("recordscan")

SCRIPT = Path(sys.executable).with_name("recordscan")
"""The console script of the environment that runs the tests."""


_MANNERS = {"CI", "TERM", "NO_COLOR", "FORCE_COLOR", "CLICOLOR_FORCE", "COLUMNS"}
"""Variables of whoever runs the tests that change how a command line looks; a test sets those that it is about."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """How a command line ended."""

    status: int
    stdout: str
    stderr: str


class CommandLine:
    """Runs the console script in a folder of its own, against the company unless told otherwise."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self.folder = folder
        self.environment = {name: value for name, value in environment.items() if name not in _MANNERS}

    def __call__(self, *arguments: str, env: Mapping[str, str | None] | None = None) -> Run:
        """Run `recordscan ARGUMENTS`; a variable of `env` that is None is unset."""
        changed = {**self.environment, **(env or {})}
        kept = {name: value for name, value in changed.items() if value is not None}
        done = subprocess.run(
            [str(SCRIPT), *arguments],
            env=kept,
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        return Run(status=done.returncode, stdout=done.stdout, stderr=done.stderr)


@pytest.fixture(scope="session")
def estate() -> Iterator[Company]:
    """The company, started once for all tests of this process."""
    with open_company(datetime.now(UTC)) as opened:
        yield opened


@pytest.fixture
def clouds(estate: Company) -> Iterator[Company]:
    """The company in its ordinary state, with nothing denied, broken or logged."""
    estate.aws.heal()
    estate.twilio.heal()
    yield estate
    estate.aws.heal()
    estate.twilio.heal()


@pytest.fixture
def refurnish(estate: Company) -> Iterator[None]:
    """Puts the company's AWS and Twilio back as they were, for tests that change them."""
    yield
    now = datetime.now(UTC)
    company.furnish_aws(estate.aws, now)
    for account in company.twilio_accounts(now):
        estate.twilio.set_account(account)


@pytest.fixture(scope="module")
def spare_aws(estate: Company) -> Iterator[AwsServer]:
    """An AWS to fill and to empty at will.

    The emulator keeps one state for the whole process, so the company's is put back when the module is done.
    """
    with AwsServer() as server:
        yield server
    company.furnish_aws(estate.aws, datetime.now(UTC))


@pytest.fixture
def recordscan(estate: Company, tmp_path: Path) -> CommandLine:
    """The command line in an empty folder that holds the company's configuration."""
    (tmp_path / "recordscan.toml").write_text(estate.config, encoding="utf-8")
    return CommandLine(tmp_path, scan_environment(estate))


@pytest.fixture
def bare(tmp_path: Path) -> CommandLine:
    """The command line in an empty folder, with no configuration, no credentials and nothing to reach."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    isolated = {
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": "/dev/null",
        "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
        "XDG_CONFIG_HOME": "/dev/null",
    }
    return CommandLine(tmp_path, {**kept, **isolated})


@pytest.fixture
def unused_port() -> Iterator[int]:
    """A port that is taken but not listened on, so every connection to it is refused."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]
