"""The Twilio of the sound estate: the demonstration's server, which is quick enough for the few requests it gets."""

import threading

from recordscan.demo.twilio_server import Principal, TwilioAccountData, TwilioServer
from recordscan.testing import SCANNER_KEY, TWILIO_ACCOUNT, recording, room, sound, usage_day

SECRET = "made-up-secret-of-the-scanner"  # noqa: S105  # of no account


def twilio_server() -> TwilioServer:
    """A server for the account, to be started by `with`."""
    case = sound()
    key = case.find("twilio:FetchKey")
    account = TwilioAccountData(
        sid=TWILIO_ACCOUNT,
        owner_sid=TWILIO_ACCOUNT,
        recording_settings=case.find("twilio:FetchRecordingSettings"),
        composition_settings=case.find("twilio:FetchCompositionSettings"),
        recordings=[recording(number) for number in (1, 2, 3)],
        aws_credentials=case.find("twilio:ListAwsCredentials")["credentials"],
        public_keys=case.find("twilio:ListPublicKeys")["credentials"],
        rooms=[room()],
        keys=[key],
        usage=[usage_day(day) for day in range(29, -1, -1)],
    )
    principal = Principal(account_sid=TWILIO_ACCOUNT, username=SCANNER_KEY, password=SECRET)
    return TwilioServer((account,), (principal,))


def twilio_environment(url: str) -> dict[str, str]:
    """Variables under which a scan finds the account at this URL."""
    return {
        "RECORDSCAN_TWILIO_URL": url,
        "TWILIO_ACCOUNT_SID": TWILIO_ACCOUNT,
        "TWILIO_API_KEY": SCANNER_KEY,
        "TWILIO_API_SECRET": SECRET,
    }


def main() -> None:
    """Serve until interrupted, and say on stdout where."""
    with twilio_server() as server:
        print(server.url, flush=True)
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            return
