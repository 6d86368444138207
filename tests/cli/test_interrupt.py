"""Ctrl-C and SIGTERM while a cloud is silent: the documented status soon, what was collected, and no traceback."""

import json
import signal
import socket
import subprocess
from collections.abc import Iterator

import pytest

from conftest import SCRIPT, CommandLine

SECONDS = 20
"""Far less than the SDKs would wait for a silent cloud, and far more than an exit needs."""


@pytest.fixture
def silence() -> Iterator[socket.socket]:
    """A server that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(60)
        yield server


def start(command: CommandLine, silence: socket.socket, *arguments: str) -> "subprocess.Popen[str]":
    """Start a command against a silent AWS; the caller waits for its first connection."""
    credentials = {"AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE", "AWS_SECRET_ACCESS_KEY": "made-up"}
    endpoint = f"http://127.0.0.1:{silence.getsockname()[1]}"
    return subprocess.Popen(
        [str(SCRIPT), *arguments, "--bucket", "acme-video"],
        env={**command.environment, **credentials, "AWS_ENDPOINT_URL": endpoint},
        cwd=command.folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def stop(process: "subprocess.Popen[str]", number: signal.Signals, *, again: bool) -> tuple[int, str, str]:
    """Send a signal, more than once if told so, and see how the process ends."""
    process.send_signal(number)
    for _ in range(40 if again else 0):
        try:
            process.wait(timeout=0.1)
        except subprocess.TimeoutExpired:
            process.send_signal(number)
    try:
        out, err = process.communicate(timeout=SECONDS)
    finally:
        process.kill()
    return process.returncode, out, err


ENDS = pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)], ids=["INT", "TERM"])


@ENDS
@pytest.mark.parametrize("again", [False, True], ids=["once", "again and again"])
def test_a_stopped_scan_ends_soon(
    bare: CommandLine, silence: socket.socket, number: signal.Signals, status: int, again: bool
) -> None:
    """(A28)"""
    process = start(bare, silence, "scan", "-q", "-f", "none", "-o", "json=result.json", "--save-snapshot", "s.gz")
    connection, _ = silence.accept()
    with connection:
        ended, out, err = stop(process, number, again=again)
    assert (ended, out) == (status, "")
    assert "Traceback" not in err
    assert err.startswith("recordscan: ")
    if not again:
        assert "INCOMPLETE: the scan was stopped" in err
        written = json.loads((bare.folder / "result.json").read_text(encoding="utf-8"))
        assert (written["scan"]["interrupted"], written["gate"]["exit_status"]) == (True, 130)
        assert (bare.folder / "s.gz").exists()


def test_a_deadline_ends_a_scan_of_a_silent_cloud_as_incomplete(bare: CommandLine, silence: socket.socket) -> None:
    process = start(bare, silence, "scan", "-q", "-f", "none", "--save-snapshot", "s.gz", "--deadline", "1")
    try:
        out, err = process.communicate(timeout=SECONDS)
    finally:
        process.kill()
    assert (process.returncode, out) == (3, "")
    assert err == (
        "recordscan: INCOMPLETE: nothing could be judged; the deadline passed before everything was asked "
        "(exit status 3)\n"
    )
    assert (bare.folder / "s.gz").exists()


@ENDS
def test_a_stopped_preflight_ends_soon_and_says_that_it_was_stopped(
    bare: CommandLine, silence: socket.socket, number: signal.Signals, status: int
) -> None:
    process = start(bare, silence, "preflight", "-f", "json")
    connection, _ = silence.accept()
    with connection:
        ended, out, err = stop(process, number, again=False)
    assert ended == status
    assert err == "recordscan: stopped before everything was asked; what is said above is not all\n"
    assert json.loads(out)["interrupted"] is True
