"""Secrets of Twilio's API keys that a command prints, such as that of a password manager."""

import sys

import pytest

from recordscan.collect.traffic import Traffic
from recordscan.collect.twilio import open_accounts
from recordscan.config import TwilioAccountSection
from recordscan.errors import AuthenticationError

ACCOUNT, KEY = "AC" + "1" * 32, "SK" + "2" * 32


def account(script: str) -> TwilioAccountSection:
    return TwilioAccountSection(sid=ACCOUNT, label="prod", api_key=KEY, secret_command=[sys.executable, "-c", script])


def test_the_command_prints_the_secret_of_the_key() -> None:
    [reader] = open_accounts([account("print('made-up-secret')")], {}, optional=False, traffic=Traffic())
    assert reader.secrets == ("made-up-secret",)
    assert reader.identity == "API key SK2222…2222"


@pytest.mark.parametrize(
    ("script", "says"),
    [
        ("print('made-up-secret'); raise SystemExit(3)", "ended with status 3; run it by hand to see why"),
        ("pass", "did not print one word"),
        ("print('enter your', 'made-up-secret')", "did not print one word"),
        ("import sys; sys.stdout.buffer.write(bytes([255]))", "cannot be used: UnicodeDecodeError"),
    ],
)
def test_a_command_that_fails_ends_the_scan_and_shows_nothing_of_what_it_printed(script: str, says: str) -> None:
    with pytest.raises(AuthenticationError, match=r"^Twilio: secret_command of prod ") as caught:
        open_accounts([account(script)], {}, optional=False, traffic=Traffic())
    assert says in str(caught.value)
    assert "made-up-secret" not in str(caught.value)


def test_a_command_that_is_not_there_is_named_by_its_account() -> None:
    missing = TwilioAccountSection(sid=ACCOUNT, api_key=KEY, secret_command=["no-such-program"])
    with pytest.raises(AuthenticationError, match=f"secret_command of {ACCOUNT} cannot be used: FileNotFoundError"):
        open_accounts([missing], {}, optional=False, traffic=Traffic())
