"""One fault of Twilio's side at a time, and exactly the rules that it breaks in a sound estate."""

from collections.abc import Callable

from recordscan.facts import Json
from recordscan.testing import (
    CALLBACK_HOST,
    COMPOSITIONS_PREFIX,
    PUBLIC_KEY,
    TWILIO_ACCOUNT,
    Case,
    ago,
    alert,
    api_key,
    bucket_url,
    composition,
    recording,
    room,
    usage_day,
)
from rules.failing_twilio import OTHER_KEY

Spoil = Callable[[Case], object]


def sets(operation: str, pointer: str, value: Json, **request: Json) -> Spoil:
    return lambda case: case.set(operation, pointer, value, **request)


def a_room(**members: Json) -> Spoil:
    """The one Room is another."""
    return sets("twilio:ListRooms", "/rooms", [room(**members)], status="completed")


def key(policy: Json, **members: Json) -> Spoil:
    """One API key more."""

    def spoil(case: Case) -> None:
        row = api_key(OTHER_KEY, **members)
        case.set("twilio:ListKeys", "/keys/-", row)
        case.add("twilio:FetchKey", {**row, "policy": policy}, account=TWILIO_ACCOUNT, key=OTHER_KEY)

    return spoil


def compositions_too(case: Case) -> None:
    """Compositions are stored externally as well, though none can be made."""
    settings = case.find("twilio:FetchRecordingSettings")
    case.answer("twilio:FetchCompositionSettings", {**settings, "aws_s3_url": bucket_url(COMPOSITIONS_PREFIX)})


def old_public_key(case: Case) -> None:
    case.set("twilio:FetchRecordingSettings", "/encryption_enabled", True)
    case.set("twilio:FetchRecordingSettings", "/encryption_key_sid", PUBLIC_KEY)
    case.set("twilio:ListPublicKeys", "/credentials/0/date_created", ago(days=400))


def held_for_long(case: Case) -> None:
    """Twilio holds one Recording since before there was external storage."""
    rows = [*case.find("twilio:ListRecordings", status="completed")["recordings"]]
    rows.append(recording(500, media_external_location=None))
    case.set("twilio:ListRecordings", "/recordings", rows, status="completed")


MUTATIONS: dict[str, tuple[Spoil, set[str]]] = {
    "setting without a name": (
        sets("twilio:FetchRecordingSettings", "/friendly_name", "Default"),
        {"settings-friendly-name"},
    ),
    "compositions stored where none can be made": (
        compositions_too,
        {"compose-settings-unreachable", "cred-shared", "url-prefix-in-iam"},
    ),
    "composition failed": (
        sets("twilio:ListCompositions", "/compositions", [composition(2, status="failed")], status="failed"),
        {"compose-failed", "settings-compositions-external", "settings-consistent"},
    ),
    "composition failed long ago": (
        sets("twilio:ListCompositions", "/compositions", [composition(200, status="failed")], status="failed"),
        {"settings-compositions-external", "settings-consistent"},
    ),
    "media metered": (sets("twilio:ListDailyUsage", "/usage_records/28", usage_day(1, "0.01")), {"media-usage-stored"}),
    "media metered long ago": (sets("twilio:ListDailyUsage", "/usage_records/0", usage_day(29, "3")), set()),
    "recording in processing": (
        sets(
            "twilio:ListRecordings",
            "/recordings",
            [recording(8, status="processing", date_created=ago(hours=3))],
            status="processing",
        ),
        set(),
    ),
    "recording stuck in processing": (
        sets(
            "twilio:ListRecordings",
            "/recordings",
            [recording(9, status="processing", date_created=ago(hours=27))],
            status="processing",
        ),
        {"media-stuck-processing"},
    ),
    "recording failed": (
        sets("twilio:ListRecordings", "/recordings", [recording(90, status="failed")], status="failed"),
        {"media-failed-recordings"},
    ),
    "recording held for longer than may be": (
        held_for_long,
        {"media-recordings-in-twilio", "media-retention-twilio"},
    ),
    "credential of another account": (
        sets("twilio:ListAwsCredentials", "/credentials/0/account_sid", "AC" + "f" * 32),
        {"cred-account-mismatch"},
    ),
    "public key old": (old_public_key, {"enc-public-key-age"}),
    "scan with a Main key": (
        sets("twilio:FetchKey", "/policy", None),
        {"acct-scanner-credential", "acct-keys-can-redirect", "acct-restricted-share"},
    ),
    "standard key": (key(None), {"acct-keys-can-redirect"}),
    "restricted key that changes the settings": (
        key({"allow": ["/twilio/video/recordings.recording-settings/update"]}),
        {"acct-keys-can-redirect"},
    ),
    "restricted key that may do all of Video": (
        key({"allow": ["/twilio/video/*"]}),
        {"acct-keys-can-redirect"},
    ),
    "restricted key that makes keys": (
        key({"allow": ["/twilio/iam/api-keys/create"]}),
        {"acct-keys-can-redirect"},
    ),
    "restricted key for messages": (key({"allow": ["/twilio/messaging/messages/create"]}), set()),
    "old key": (
        key({"allow": []}, date_created="Thu, 30 Jul 2020 20:00:00 +0000"),
        {"acct-key-age"},
    ),
    "plain callback": (a_room(status_callback=f"http://{CALLBACK_HOST}/rooms"), {"callback-https"}),
    "callback through a tunnel": (a_room(status_callback="https://abc.ngrok.io/rooms"), {"callback-host"}),
    "callback to an address": (a_room(status_callback="https://203.0.113.9/rooms"), {"callback-host"}),
    "callback with GET": (a_room(status_callback_method="GET"), {"callback-method"}),
    "no callback": (a_room(status_callback=None), {"callback-present"}),
    "room not recorded": (a_room(record_participants_on_connect=False), {"room-recording-default"}),
    "room elsewhere": (a_room(media_region="us1"), {"media-multi-region-copies"}),
    "e-mail address for a name": (a_room(unique_name="jane.doe@example.com"), {"pii-in-names"}),
    "transcription": (
        sets("twilio:ListTranscriptions", "/transcriptions", [{"ttid": "video_ts_1"}]),
        {"transcripts-out-of-scope"},
    ),
    "callback not accepted": (sets("twilio:ListAlerts", "/alerts", [alert(53660)]), {"alert-callback"}),
    "callback of a call not accepted": (
        sets("twilio:ListAlerts", "/alerts", [alert(11200, resource_sid="CA" + "1" * 32)]),
        set(),
    ),
    "many passing errors": (
        sets(
            "twilio:ListAlerts",
            "/alerts",
            [alert(53604, sid=f"NO{number:032x}") for number in range(11)],
        ),
        {"alert-upload-transient"},
    ),
}
