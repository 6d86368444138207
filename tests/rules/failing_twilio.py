"""Estates that break the rules about Twilio's own side, and sound ones that show more of it than others do."""

from collections.abc import Callable
from dataclasses import replace

from recordscan.facts import Json
from recordscan.testing import (
    AWS_ACCOUNT,
    BUCKET,
    CALLBACK_HOST,
    COMPOSITIONS_PREFIX,
    PREFIX,
    PUBLIC_KEY,
    ROOM,
    TWILIO_ACCOUNT,
    Case,
    ago,
    alert,
    api_key,
    bucket_url,
    composing,
    composition,
    event,
    objects_of,
    recording,
    room,
    sound,
    usage_day,
)

Example = Callable[[], Case]

OWNED = {"Bucket": BUCKET, "ExpectedBucketOwner": AWS_ACCOUNT}
SUSPENDED = "AC" + "d" * 32
DELETED_SID = f"RT{40:032x}"
OTHER_KEY = "SK" + "e" * 32
ACTOR = "US" + "9" * 32


def key_of(sid: str) -> str:
    """The name of the object of a Recording."""
    return f"{PREFIX}{sid}.mkv"


def named_recording(number: int, **members: Json) -> dict[str, Json]:
    """A Recording whose location is the whole URL of its object."""
    sid = f"RT{number:032x}"
    return recording(number, media_external_location=bucket_url(key_of(sid)), **members)


def named() -> Case:
    """Locations of Recordings are whole URLs; one was erased on both sides; who changes keys is known."""
    case = sound()
    case.profile = replace(case.profile, key_actors=(ACTOR,), key_networks=("203.0.113.0/24",), covers_calls=True)
    numbers = (1, 2, 3)
    case.set("twilio:ListRecordings", "/recordings", [named_recording(n) for n in numbers], status="completed")
    for number in numbers:
        sid = f"RT{number:032x}"
        case.add("s3:ListObjectsV2", objects_of(PREFIX, sid), **OWNED, Prefix=key_of(sid))
    erased = named_recording(40, status="deleted")
    case.set("twilio:ListRecordings", "/recordings", [erased], status="deleted")
    case.add("s3:ListObjectVersions", versions(), **OWNED, Prefix=key_of(DELETED_SID))
    case.set("twilio:ListEvents", "/events", [event()], event_type="account-api-keys.created")
    call = {"sid": "RE" + "1" * 32, "account_sid": TWILIO_ACCOUNT, "media_url": bucket_url("calls/RE1.wav")}
    case.set("twilio:ListVoiceRecordings", "/recordings", [call])
    return case


def versions(*latest: bool) -> dict[str, Json]:
    """The versions of the object of the deleted Recording, each with whether it is the current one."""
    rows = [
        {"Key": key_of(DELETED_SID), "VersionId": f"v{number}", "IsLatest": is_latest, "Size": 9}
        for number, is_latest in enumerate(latest)
    ]
    return {"Versions": rows, "truncated": False}


def encrypted() -> Case:
    """Twilio encrypts Recordings with the customer's public key before it stores them, and objects show it."""
    case = named()
    case.profile = replace(case.profile, client_side_encryption=True)
    case.set("twilio:FetchRecordingSettings", "/encryption_enabled", True)
    case.set("twilio:FetchRecordingSettings", "/encryption_key_sid", PUBLIC_KEY)
    envelope = ["x-amz-iv", "x-amz-key", "x-amz-matdesc"]
    for number in (1, 2, 3):
        case.add("s3:HeadObject", {"MetadataNames": envelope}, **OWNED, Key=key_of(f"RT{number:032x}"))
    return case


def waiting() -> Case:
    """Recordings are composed at Twilio; one waits there, younger than it may become."""
    case = composing()
    case.set("twilio:ListRecordings", "/recordings", [recording(1, media_external_location=None)], status="completed")
    return case


def sets(operation: str, pointer: str, value: Json, *, start: Example = sound, **request: Json) -> Example:
    """An estate with one member of one answer changed."""

    def make() -> Case:
        case = start()
        case.set(operation, pointer, value, **request)
        return case

    return make


def requiring(start: Example, **changes: object) -> Example:
    """An estate of which the profile requires something else."""

    def make() -> Case:
        case = start()
        case.profile = replace(case.profile, **changes)  # type: ignore[arg-type]
        return case

    return make


def rooms(*rows: dict[str, Json], start: Example = sound) -> Example:
    """An estate with these Rooms, of which none was transcribed."""

    def make() -> Case:
        case = start()
        case.set("twilio:ListRooms", "/rooms", list(rows), status="completed")
        for row in rows:
            none = {"transcriptions": [], "pages": 1, "truncated": False}
            case.add("twilio:ListTranscriptions", none, account=TWILIO_ACCOUNT, room=row["sid"])
        return case

    return make


def with_key(policy: Json, **members: Json) -> Example:
    """An estate with one API key more."""

    def make() -> Case:
        case = sound()
        case.set("twilio:ListKeys", "/keys/-", api_key(OTHER_KEY, **members))
        row = {**api_key(OTHER_KEY, **members), "policy": policy}
        case.add("twilio:FetchKey", row, account=TWILIO_ACCOUNT, key=OTHER_KEY)
        return case

    return make


def unreachable_compositions() -> Case:
    case = sound()
    settings = case.find("twilio:FetchRecordingSettings")
    case.answer("twilio:FetchCompositionSettings", {**settings, "aws_s3_url": bucket_url(COMPOSITIONS_PREFIX)})
    return case


def forgotten_subaccount() -> Case:
    """The account in scope is a subaccount of another one in scope, and stores at Twilio."""
    from rules.failing import TENANT, subaccounts

    case = subaccounts()
    off = {"account_sid": TENANT, "aws_storage_enabled": False, "aws_s3_url": None, "aws_credentials_sid": None}
    case.add("twilio:FetchRecordingSettings", off, account=TENANT)
    return case


def suspended_with_media() -> Case:
    from rules.failing import subaccounts

    case = subaccounts()
    case.set("twilio:ListDailyUsage", "/usage_records/-", usage_day(1, "0.25"), of=SUSPENDED)
    return case


def unfit_key() -> Case:
    """The scan reads with a Main key."""
    return sets("twilio:FetchKey", "/policy", None)()


FAILING: dict[str, Example] = {
    "acct-credential-events": requiring(named, key_actors=()),
    "acct-key-age": with_key({"allow": []}, date_created="Thu, 30 Jul 2020 20:00:00 +0000"),
    "acct-keys-can-redirect": with_key(None),
    "acct-restricted-share": requiring(with_key(None), restricted_keys_percent=80),
    "acct-scanner-credential": unfit_key,
    "acct-subaccounts-covered": forgotten_subaccount,
    "acct-suspended-with-media": suspended_with_media,
    "alert-callback": sets("twilio:ListAlerts", "/alerts", [alert(53660)]),
    "alert-upload-transient": requiring(sets("twilio:ListAlerts", "/alerts", [alert(53604)]), transient_alerts=0),
    "callback-host": rooms(room(status_callback="https://acme.ngrok.app/rooms")),
    "callback-https": rooms(room(status_callback=f"http://{CALLBACK_HOST}/rooms")),
    "callback-method": rooms(room(status_callback_method="GET")),
    "callback-present": rooms(room(status_callback=None)),
    "compose-failed": sets(
        "twilio:ListCompositions", "/compositions", [composition(5, status="failed")], start=composing, status="failed"
    ),
    "compose-settings-unreachable": unreachable_compositions,
    "cred-account-mismatch": sets("twilio:ListAwsCredentials", "/credentials/0/account_sid", SUSPENDED),
    "cred-shared": unreachable_compositions,
    "enc-client-side": requiring(sound, client_side_encryption=True),
    "enc-client-side-effective": sets(
        "s3:HeadObject", "/MetadataNames", [], start=encrypted, Key=key_of(f"RT{1:032x}")
    ),
    "enc-public-key-age": sets("twilio:ListPublicKeys", "/credentials/0/date_created", ago(days=900), start=encrypted),
    "media-erasure-both-sides": sets(
        "s3:ListObjectVersions", "/Versions", versions(True)["Versions"], start=named, Prefix=key_of(DELETED_SID)
    ),
    "media-failed-recordings": sets(
        "twilio:ListRecordings", "/recordings", [recording(9, status="failed")], status="failed"
    ),
    "media-multi-region-copies": requiring(sound, storage_regions=("us-east-1",)),
    "media-object-present": sets("s3:ListObjectsV2", "/Contents", [], start=named, Prefix=key_of(f"RT{1:032x}")),
    "media-retention-twilio": requiring(waiting, twilio_retention_days=0),
    "media-stuck-processing": sets(
        "twilio:ListRecordings", "/recordings", [recording(9, status="processing")], status="processing"
    ),
    "media-usage-stored": sets("twilio:ListDailyUsage", "/usage_records/28", usage_day(1, "2.5")),
    "pii-in-names": rooms(room(unique_name="jane.doe@example.com")),
    "room-recording-default": rooms(room(record_participants_on_connect=False)),
    "settings-consistent": sets("twilio:ListCompositions", "/compositions", [composition(1)], status="completed"),
    "settings-friendly-name": sets("twilio:FetchRecordingSettings", "/friendly_name", None),
    "transcripts-out-of-scope": sets(
        "twilio:ListTranscriptions", "/transcriptions", [{"ttid": "video_ts_1", "room_sid": ROOM}], room=ROOM
    ),
    "voice-recordings-out-of-scope": sets(
        "twilio:ListVoiceRecordings",
        "/recordings/0/media_url",
        "https://api.twilio.com/2010-04-01/Accounts/AC1/Recordings/RE1",
        start=named,
    ),
}
"""Rule id → an estate that breaks the rule."""


def unnamed_credential() -> Case:
    case = sound()
    more = {
        "sid": "CR" + "7" * 32,
        "account_sid": TWILIO_ACCOUNT,
        "friendly_name": "calls",
        "date_created": ago(days=9),
    }
    case.set("twilio:ListAwsCredentials", "/credentials/-", more)
    return case


NEVER_FAILING: dict[str, Example] = {"cred-unused": unnamed_credential}
"""Rules that pass or stay unknown: rule id → an estate that leaves it unknown."""
