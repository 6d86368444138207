"""What Twilio answers of a sound account."""

from recordscan.estate.twilio_rows import KEY_EVENTS, STORED_MEDIA, usage_request
from recordscan.facts import Json
from recordscan.testing.case import Case
from recordscan.testing.names import (
    ALERTS_SINCE,
    BUCKET,
    CALLBACK_HOST,
    COMPOSITIONS_PREFIX,
    CREDENTIAL,
    PREFIX,
    PUBLIC_KEY,
    REGION,
    ROOM,
    SCANNER_KEY,
    TWILIO_ACCOUNT,
    ago,
)


def bucket_url(prefix: str, *, bucket: str = BUCKET, region: str = REGION) -> str:
    """An `aws_s3_url` in the form that AWS documents now."""
    return f"https://{bucket}.s3.{region}.amazonaws.com/{prefix}"


def recording(number: int, **members: Json) -> dict[str, Json]:
    """A completed Recording in the bucket, `number` days old, as Twilio shows it."""
    row: dict[str, Json] = {
        "sid": f"RT{number:032x}",
        "account_sid": TWILIO_ACCOUNT,
        "status": "completed",
        "date_created": ago(days=number),
        "size": 1_048_576,
        "type": "video",
        "container_format": "mkv",
        "grouping_sids": {"room_sid": f"RM{number:032x}", "participant_sid": f"PA{number:032x}"},
        "track_name": f"camera-{number}",
        "media_external_location": bucket_url(PREFIX),
    }
    return {**row, **members}


def composition(number: int, **members: Json) -> dict[str, Json]:
    """A completed Composition in the bucket, `number` days old, as Twilio shows it."""
    row: dict[str, Json] = {
        "sid": f"CJ{number:032x}",
        "account_sid": TWILIO_ACCOUNT,
        "status": "completed",
        "date_created": ago(days=number),
        "date_completed": ago(days=number),
        "room_sid": f"RM{number:032x}",
        "size": 2_097_152,
        "format": "mp4",
        "media_external_location": bucket_url(COMPOSITIONS_PREFIX),
    }
    return {**row, **members}


def hook(**members: Json) -> dict[str, Json]:
    """An enabled Composition Hook."""
    row: dict[str, Json] = {
        "sid": "HK" + "3" * 32,
        "account_sid": TWILIO_ACCOUNT,
        "enabled": True,
        "friendly_name": "grid",
        "status_callback": f"https://{CALLBACK_HOST}/video",
        "status_callback_method": "POST",
    }
    return {**row, **members}


def room(**members: Json) -> dict[str, Json]:
    """A Room that is over, as Twilio shows it."""
    row: dict[str, Json] = {
        "sid": ROOM,
        "account_sid": TWILIO_ACCOUNT,
        "status": "completed",
        "date_created": ago(days=1),
        "unique_name": "consultation-417",
        "record_participants_on_connect": True,
        "media_region": "ie1",
        "status_callback": f"https://{CALLBACK_HOST}/rooms",
        "status_callback_method": "POST",
    }
    return {**row, **members}


def api_key(sid: str, **members: Json) -> dict[str, Json]:
    """An API key in the list of keys, 50 days old."""
    row: dict[str, Json] = {"sid": sid, "friendly_name": "audit", "date_created": ago(days=50), "flags": ["rest_api"]}
    return {**row, **members}


def event(event_type: str = "account-api-keys.created", **members: Json) -> dict[str, Json]:
    """An audit event of Twilio Monitor."""
    row: dict[str, Json] = {
        "sid": "AE" + "7" * 32,
        "account_sid": TWILIO_ACCOUNT,
        "event_type": event_type,
        "event_date": ago(days=2),
        "actor_sid": "US" + "9" * 32,
        "actor_type": "user",
        "source": "web",
        "source_ip_address": "203.0.113.7",
        "resource_sid": SCANNER_KEY,
    }
    return {**row, **members}


def usage_day(day: int, amount: str = "0") -> dict[str, Json]:
    """What Twilio metered of stored media, in GB, some days ago."""
    return {
        "account_sid": TWILIO_ACCOUNT,
        "category": STORED_MEDIA,
        "start_date": ago(days=day)[:10],
        "end_date": ago(days=day)[:10],
        "usage": amount,
        "usage_unit": "gb per day",
    }


def alert(error_code: int | str, **members: Json) -> dict[str, Json]:
    """An entry of Twilio's error log."""
    row: dict[str, Json] = {
        "sid": f"NO{error_code}".ljust(34, "0"),
        "account_sid": TWILIO_ACCOUNT,
        "error_code": str(error_code),
        "log_level": "error",
        "alert_text": "sample",
        "date_generated": ago(days=1),
        "resource_sid": "RT" + "5" * 32,
    }
    return {**row, **members}


def storage_setting(*, enabled: bool) -> dict[str, Json]:
    """The storage setting of one product."""
    return {
        "account_sid": TWILIO_ACCOUNT,
        "friendly_name": "video media" if enabled else None,
        "aws_storage_enabled": enabled,
        "aws_s3_url": bucket_url(PREFIX) if enabled else None,
        "aws_credentials_sid": CREDENTIAL if enabled else None,
        "encryption_enabled": False,
        "encryption_key_sid": None,
    }


def add_twilio(case: Case) -> None:
    """The Twilio account with its settings, media and credentials."""

    def add(operation: str, answer: Json, **request: Json) -> None:
        case.add(operation, answer, account=TWILIO_ACCOUNT, **request)

    def rows(member: str, *items: Json) -> dict[str, Json]:
        return {member: list(items), "pages": 1, "truncated": False}

    account = {"sid": TWILIO_ACCOUNT, "owner_account_sid": TWILIO_ACCOUNT, "status": "active", "friendly_name": "Acme"}
    credential = {
        "sid": CREDENTIAL,
        "account_sid": TWILIO_ACCOUNT,
        "friendly_name": "video writer",
        "date_created": ago(days=30),
    }
    add("twilio:ListAccounts", rows("accounts", account))
    add("twilio:FetchRecordingSettings", storage_setting(enabled=True))
    add("twilio:FetchCompositionSettings", storage_setting(enabled=False))
    add("twilio:ListRecordings", rows("recordings"), status="processing")
    add("twilio:ListRecordings", rows("recordings", recording(1), recording(2), recording(3)), status="completed")
    add("twilio:ListRecordings", rows("recordings"), status="failed")
    for status in ("enqueued", "processing", "completed", "failed"):
        add("twilio:ListCompositions", rows("compositions"), status=status)
    add("twilio:ListCompositionHooks", rows("composition_hooks"))
    add("twilio:ListAwsCredentials", rows("credentials", credential))
    add("twilio:ListPublicKeys", rows("credentials", {**credential, "sid": PUBLIC_KEY, "friendly_name": "reader"}))
    add("twilio:ListAlerts", rows("alerts"), start_date=ALERTS_SINCE)
    add("twilio:ListRecordings", rows("recordings"), status="deleted")
    add("twilio:ListCompositions", rows("compositions"), status="deleted")
    add("twilio:ListRooms", rows("rooms"), status="in-progress", date_created_after=ALERTS_SINCE)
    add("twilio:ListRooms", rows("rooms", room()), status="completed", date_created_after=ALERTS_SINCE)
    add("twilio:ListTranscriptions", rows("transcriptions"), room=ROOM)
    reads = {"allow": ["/twilio/video/recordings/list", "/twilio/iam/api-keys/list", "/twilio/iam/api-keys/read"]}
    add("twilio:ListKeys", rows("keys", api_key(SCANNER_KEY)), account_sid=TWILIO_ACCOUNT)
    add("twilio:FetchKey", {**api_key(SCANNER_KEY), "policy": reads}, key=SCANNER_KEY)
    for kind in KEY_EVENTS:
        add("twilio:ListEvents", rows("events"), event_type=kind, start_date=ALERTS_SINCE)
    days = rows("usage_records", *(usage_day(day) for day in range(29, -1, -1)))
    add("twilio:ListDailyUsage", days, **usage_request(TWILIO_ACCOUNT, ALERTS_SINCE))
    add("twilio:ListVoiceRecordings", rows("recordings"), of=TWILIO_ACCOUNT)
    case.asked_by[f"twilio:{TWILIO_ACCOUNT}"] = f"API key {SCANNER_KEY[:6]}…{SCANNER_KEY[-4:]}"
