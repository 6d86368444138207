"""Run the scan that a customer runs, against the made-up company."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from recordscan.demo import company
from recordscan.demo.aws_server import AwsServer
from recordscan.demo.twilio_server import TwilioServer
from recordscan.errors import RecordscanError

SCAN_STATUSES = (0, 1, 3)
"""Exit statuses of a scan that ran to its end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Company:
    """The made-up company, reachable on loopback addresses.

    Attributes:
        aws: Its AWS.
        twilio: Its Twilio.
        environment: Variables under which a scan finds both.
        config: Its `recordscan.toml`.
    """

    aws: AwsServer
    twilio: TwilioServer
    environment: Mapping[str, str]
    config: str


@contextmanager
def open_company(now: datetime) -> Iterator[Company]:
    """Start both clouds and furnish them."""
    with AwsServer() as aws, TwilioServer(company.twilio_accounts(now), company.twilio_principals()) as twilio:
        company.furnish_aws(aws, now)
        yield Company(
            aws=aws,
            twilio=twilio,
            environment=company.environment(aws.url, twilio.url),
            config=company.config_text(),
        )


def run_demo(output_dir: Path, *, fail_on: str) -> int:
    """Scan the company with the ordinary command line and give its exit status.

    Raises:
        RecordscanError: The scan did not run to its end.
    """
    result = output_dir / "result.json"
    result.unlink(missing_ok=True)
    with tempfile.TemporaryDirectory() as folder, open_company(datetime.now(UTC)) as estate:
        config = Path(folder) / "recordscan.toml"
        config.write_text(estate.config, encoding="utf-8")
        command = [sys.executable, "-m", "recordscan", "scan", "--config", str(config), "--fail-on", fail_on]
        command += ["--output-dir", str(output_dir.absolute()), "--force"]
        status = subprocess.run(command, env=scan_environment(estate), cwd=folder, check=False).returncode
    if status not in SCAN_STATUSES or not result.exists():
        raise RecordscanError(f"the demonstration failed: the scan ended with exit status {status}")
    return status


def scan_environment(estate: Company) -> dict[str, str]:
    """The environment of a scan: this process's, less every credential of its own, plus the company's.

    Nor does the job summary of GitHub Actions belong to it: what is made up is no result of the job.
    """
    foreign = ("AWS_", "TWILIO_", "RECORDSCAN_", "GITHUB_STEP_SUMMARY")
    own = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
    return {**own, **estate.environment}
