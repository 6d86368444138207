"""The Twilio accounts of the made-up company: production, and the subaccount of its research project.

Production's Recordings go to a bucket in good order. Its Compositions, and all of research, show the faults of real
life, and names that people with bad intentions would give.
"""

from datetime import datetime, timedelta
from email.utils import format_datetime
from typing import Any

from recordscan.demo.company_aws import (
    COMPOSITIONS_BUCKET,
    COMPOSITIONS_KEY_ID,
    COMPOSITIONS_PREFIX,
    COMPOSITIONS_REGION,
    FORMER_BUCKET,
    RECORDINGS_BUCKET,
    RECORDINGS_PREFIX,
    REGION,
    RESEARCH_BUCKET,
    UPLOADED_RECORDINGS,
)
from recordscan.demo.twilio_server import Principal, TwilioAccountData
from recordscan.estate.twilio_rows import STORED_MEDIA

PRODUCTION = "AC9f4c1e7a2b3d4f5061728394a5b6c7d8"
RESEARCH = "AC3b8d2f6e1a7c40958263f4e5d6c7b8a9"

RECORDINGS_CREDENTIAL = "CR11c3a5e7092b4d6f8091a2b3c4d5e6f7"
COMPOSITIONS_CREDENTIAL = "CR22d4b6f8103c5e7091a2b3c4d5e6f708"
RESEARCH_CREDENTIAL = "CR33e5c709214d6f8092b3c4d5e6f70819"
"""Named by a setting, but deleted."""
DORMANT_CREDENTIAL = "CR44f6d81a325e709183c4d5e6f708192a"
MISSING_PUBLIC_KEY = "CR5507e92b436f8192a4d5e6f708192a3b"

PLANTED_SECRET = "HollowCreekMadeUpSecret0123456789EXAMPLE"  # noqa: S105  # stands in a friendly name, of no account
"""Has the form of a secret access key. It must come out of nothing that recordscan writes."""

HTML_NAME = "<img src=x onerror=alert(document.domain)>"
SCRIPT_NAME = "</script><script>alert('hook')</script>"
TERMINAL_NAME = "\x1b[2J\x1b[31mcleared\x1b]8;;https://example.com\x07link\x1b]8;;\x07"
BIDI_NAME = "notes \u202egnp.tropxe\u202c.txt"
FORMULA_NAME = '=HYPERLINK("https://example.com","open")'
MARKDOWN_NAME = "| a | [b](javascript:alert(1)) `c` ::error::d"

PRODUCTION_KEY = "SK0a1b2c3d4e5f60718293a4b5c6d7e8f9"
PRODUCTION_SECRET = "made-up-production-api-secret"  # noqa: S105  # of no account
APPLICATION_KEY = "SK1b2c3d4e5f60718293a4b5c6d7e8f90a"
REPORTING_KEY = "SK2c3d4e5f60718293a4b5c6d7e8f90a1b"
FORGOTTEN_KEY = "SK3d4e5f60718293a4b5c6d7e8f90a1b2c"
"""A standard key of research that somebody made years ago."""
RESEARCH_KEY = "SKf9e8d7c6b5a493827160f5e4d3c2b1a0"
RESEARCH_SECRET = "made-up-research-api-secret"  # noqa: S105  # of no account

PLATFORM_USER = "US7c5d1f2e3a4b60718293a4b5c6d7e8f9"
STRANGER = "USe1d2c3b4a5968778695a4b3c2d1e0f9a"
OFFICE = "203.0.113.0/24"
CALLBACK_HOST = "callbacks.hollow-creek.example"

Row = dict[str, Any]


def twilio_accounts(now: datetime) -> tuple[TwilioAccountData, ...]:
    """All accounts.

    Args:
        now: The moment from which all dates count back.
    """
    return production(now), research(now)


def twilio_principals() -> tuple[Principal, ...]:
    """An API key for each account; one for the parent says nothing of what its subaccount records."""
    return (
        Principal(account_sid=PRODUCTION, username=PRODUCTION_KEY, password=PRODUCTION_SECRET),
        Principal(account_sid=RESEARCH, username=RESEARCH_KEY, password=RESEARCH_SECRET),
    )


def production(now: datetime) -> TwilioAccountData:
    """Recordings in good order; Compositions set up years ago after an old guide."""
    rows = _Rows(PRODUCTION, now)
    bucket = f"https://{RECORDINGS_BUCKET}.s3.{REGION}.amazonaws.com/{RECORDINGS_PREFIX}"
    archive = f"https://{COMPOSITIONS_BUCKET}.s3.{COMPOSITIONS_REGION}.amazonaws.com/{COMPOSITIONS_PREFIX}"
    return TwilioAccountData(
        sid=PRODUCTION,
        owner_sid=PRODUCTION,
        friendly_name="Hollow Creek Telehealth",
        recording_settings=rows.settings(
            "Recordings", friendly_name="Visit recordings", aws_s3_url=bucket, aws_credentials_sid=RECORDINGS_CREDENTIAL
        ),
        # Plain HTTP, the host form of old, another Region than the bucket's, and no slash at the end.
        composition_settings=rows.settings(
            "Compositions",
            friendly_name=FORMULA_NAME,
            aws_s3_url=f"http://{COMPOSITIONS_BUCKET}.s3-{REGION}.amazonaws.com/{COMPOSITIONS_PREFIX.rstrip('/')}",
            aws_credentials_sid=COMPOSITIONS_CREDENTIAL,
        ),
        recordings=[
            *(rows.recording(day, f"{bucket}{sid}.mkv", sid=sid) for day, sid in UPLOADED_RECORDINGS.items()),
            *(rows.recording(day, bucket) for day in (12, 33, 80)),
            # A participant asked to be forgotten, and is.
            rows.recording(6, f"{bucket}RT{6:032x}.mkv", sid=f"RT{6:032x}", status="deleted"),
        ],
        compositions=[
            rows.composition(95, f"{archive}CJ{1:032x}.mp4", sid=f"CJ{1:032x}"),
            rows.composition(92, None),
            rows.composition(94, None, status="failed", date_completed=None, size=None),
            rows.composition(130, f"https://{FORMER_BUCKET}.s3.us-east-1.amazonaws.com/{COMPOSITIONS_PREFIX}"),
        ],
        rooms=[rows.room(day) for day in (1, 2, 3, 4, 5, 12)],
        keys=[
            rows.key(PRODUCTION_KEY, 60, "audit", None),
            rows.key(APPLICATION_KEY, 90, "visits", ["/twilio/video/rooms/create", "/twilio/video/rooms/update"]),
            rows.key(REPORTING_KEY, 120, "reports", ["/twilio/video/recordings/list", "/twilio/billing/usage/read"]),
        ],
        events=[rows.event("account-credentials.created", 28, PLATFORM_USER, "203.0.113.40", RECORDINGS_CREDENTIAL)],
        usage=[rows.usage(day, "0.09") for day in range(29, -1, -1)],
        voice_recordings=[
            rows.voice_recording(8, f"https://{RECORDINGS_BUCKET}.s3.{REGION}.amazonaws.com/calls/8.wav")
        ],
        hooks=[rows.hook(700, enabled=False, friendly_name="Grid of all participants")],
        aws_credentials=[
            rows.credential(RECORDINGS_CREDENTIAL, 30, "Visit recordings, rotated quarterly"),
            rows.credential(COMPOSITIONS_CREDENTIAL, 400, f"comp {COMPOSITIONS_KEY_ID} {PLANTED_SECRET}"),
        ],
        public_keys=[],
        alerts=[],
    )


def research(now: datetime) -> TwilioAccountData:
    """Composed at Twilio first, then written to a bucket, until somebody deleted the credential."""
    rows = _Rows(RESEARCH, now)
    bucket = f"https://{RESEARCH_BUCKET}.s3.{REGION}.amazonaws.com/"
    return TwilioAccountData(
        sid=RESEARCH,
        owner_sid=PRODUCTION,
        friendly_name=MARKDOWN_NAME,
        recording_settings=rows.settings(
            "Recordings",
            friendly_name=TERMINAL_NAME,
            aws_s3_url=bucket,
            aws_credentials_sid=RESEARCH_CREDENTIAL,
            encryption_enabled=True,
            encryption_key_sid=MISSING_PUBLIC_KEY,
        ),
        # Switched off when an upload failed; what was set stayed.
        composition_settings=rows.settings(
            "Compositions",
            aws_storage_enabled=False,
            friendly_name=None,
            aws_s3_url=f"{bucket}compositions/",
            aws_credentials_sid=DORMANT_CREDENTIAL,
        ),
        recordings=[
            # Composed long ago, and never deleted.
            *(rows.recording(day, None, track_name=name) for day, name in ((200, HTML_NAME), (195, BIDI_NAME))),
            rows.recording(190, None, track_name=TERMINAL_NAME),
            rows.recording(45, bucket, track_name=FORMULA_NAME),
            rows.recording(30, bucket),
            rows.recording(4, f"{bucket}RT{0x504:032x}.mkv", sid=f"RT{0x504:032x}"),
            # Since the credential is gone, media stays at Twilio.
            rows.recording(2, None),
            rows.recording(1, None, track_name=MARKDOWN_NAME),
            rows.recording(1.5, None, status="processing", size=None, duration=None),
            rows.recording(3, None, status="failed", size=None, duration=None),
            # Deleted at Twilio only.
            rows.recording(28, f"{bucket}RT{0x52D:032x}.mkv", sid=f"RT{0x52D:032x}", status="deleted"),
        ],
        compositions=[rows.composition(day, None) for day in (200, 195, 190)],
        hooks=[rows.hook(210, enabled=True, friendly_name=SCRIPT_NAME)],
        rooms=[
            rows.room(1, unique_name="Interview jane.doe@example.org", status_callback=None),
            rows.room(2, unique_name=HTML_NAME, status_callback="http://webhook.site/5f2c9a?token=made-up"),
            rows.room(3, unique_name=TERMINAL_NAME, media_region="gll", record_participants_on_connect=False),
            rows.room(4, unique_name=BIDI_NAME, media_region="us1", status_callback_method="GET"),
        ],
        transcriptions=[rows.transcription(2)],
        keys=[
            rows.key(RESEARCH_KEY, 60, "audit", None),
            rows.key(FORGOTTEN_KEY, 900, SCRIPT_NAME, None),
        ],
        events=[rows.event("account-api-keys.updated", 5, STRANGER, "198.51.100.66", FORGOTTEN_KEY)],
        usage=[rows.usage(day, "4.75") for day in range(29, -1, -1)],
        voice_recordings=[
            rows.voice_recording(9, f"https://api.twilio.com/2010-04-01/Accounts/{RESEARCH}/Recordings/9")
        ],
        aws_credentials=[rows.credential(DORMANT_CREDENTIAL, 240, BIDI_NAME)],
        public_keys=[],
        alerts=[
            rows.alert(53615, 3.2, "Access denied to the S3 bucket"),
            rows.alert(53611, 2.8, HTML_NAME),
            rows.alert(53613, 2.5, "The AWS credential resource does not exist"),
            rows.alert(53616, 2, "Retries exhausted, the recording was removed"),
        ],
    )


class _Rows:
    """Rows of one account, in the form in which the API gives them."""

    def __init__(self, account_sid: str, now: datetime) -> None:
        self._account_sid = account_sid
        self._now = now

    def settings(self, product: str, **members: Any) -> Row:
        return {
            "account_sid": self._account_sid,
            "friendly_name": None,
            "aws_credentials_sid": None,
            "aws_s3_url": None,
            "aws_storage_enabled": True,
            "encryption_key_sid": None,
            "encryption_enabled": False,
            "url": f"https://video.twilio.com/v1/{product.removesuffix('s')}Settings/Default",
            **members,
        }

    def recording(self, age_days: float, location: str | None, **members: Any) -> Row:
        number = self._number(age_days)
        sid = members.pop("sid", f"RT{0x500 + number:032x}")
        return {
            "account_sid": self._account_sid,
            "status": "completed",
            "date_created": self._ago(age_days),
            "sid": sid,
            "source_sid": f"MT{number:032x}",
            "size": 40_000_000 + number,
            "url": f"https://video.twilio.com/v1/Recordings/{sid}",
            "type": "video",
            "duration": 1_800,
            "container_format": "mkv",
            "codec": "VP8",
            "grouping_sids": {"room_sid": f"RM{number:032x}", "participant_sid": f"PA{number:032x}"},
            "track_name": f"camera-{number}",
            "offset": 0,
            "media_external_location": location,
            "status_callback": None,
            "status_callback_method": "POST",
            "links": {"media": f"https://video.twilio.com/v1/Recordings/{sid}/Media"},
            **members,
        }

    def composition(self, age_days: float, location: str | None, **members: Any) -> Row:
        """Of the Room whose Recordings are as old."""
        number = self._number(age_days)
        sid = members.pop("sid", f"CJ{0x500 + number:032x}")
        return {
            "account_sid": self._account_sid,
            "status": "completed",
            "date_created": self._ago(age_days),
            "date_completed": self._ago(age_days - 0.1),
            "date_deleted": None,
            "sid": sid,
            "room_sid": f"RM{number:032x}",
            "audio_sources": ["*"],
            "audio_sources_excluded": [],
            "video_layout": {"grid": {"video_sources": ["*"]}},
            "resolution": "1280x720",
            "trim": True,
            "format": "mp4",
            "bitrate": 0,
            "size": 90_000_000 + number,
            "duration": 1_800,
            "media_external_location": location,
            "status_callback": None,
            "status_callback_method": "POST",
            "url": f"https://video.twilio.com/v1/Compositions/{sid}",
            "links": {"media": f"https://video.twilio.com/v1/Compositions/{sid}/Media"},
            **members,
        }

    def hook(self, age_days: float, *, enabled: bool, friendly_name: str) -> Row:
        sid = f"HK{self._number(age_days):032x}"
        return {
            "account_sid": self._account_sid,
            "friendly_name": friendly_name,
            "enabled": enabled,
            "date_created": self._ago(age_days),
            "date_updated": self._ago(age_days),
            "sid": sid,
            "audio_sources": ["*"],
            "audio_sources_excluded": [],
            "video_layout": {"grid": {"video_sources": ["*"]}},
            "resolution": "1280x720",
            "trim": True,
            "format": "mp4",
            "status_callback": "https://hooks.example.com/compositions",
            "status_callback_method": "POST",
            "url": f"https://video.twilio.com/v1/CompositionHooks/{sid}",
        }

    def credential(self, sid: str, age_days: float, friendly_name: str) -> Row:
        return {
            "sid": sid,
            "account_sid": self._account_sid,
            "friendly_name": friendly_name,
            "date_created": self._ago(age_days),
            "date_updated": self._ago(age_days),
            "url": f"https://accounts.twilio.com/v1/Credentials/AWS/{sid}",
        }

    def room(self, age_days: float, **members: Any) -> Row:
        """Of the Recording that is as old."""
        number = self._number(age_days)
        sid = f"RM{number:032x}"
        return {
            "sid": sid,
            "account_sid": self._account_sid,
            "status": "completed",
            "type": "group",
            "date_created": self._ago(age_days),
            "date_updated": self._ago(age_days - 0.05),
            "end_time": self._ago(age_days - 0.05),
            "duration": 4_000,
            "unique_name": f"visit-{number:06}",
            "max_participants": 50,
            "record_participants_on_connect": True,
            "media_region": "de1",
            "status_callback": f"https://{CALLBACK_HOST}/rooms",
            "status_callback_method": "POST",
            "url": f"https://video.twilio.com/v1/Rooms/{sid}",
            **members,
        }

    def transcription(self, age_days: float) -> Row:
        """Of the Room that is as old."""
        number = self._number(age_days)
        return {
            "ttid": f"video_transcriptions_{number:026x}",
            "account_sid": self._account_sid,
            "room_sid": f"RM{number:032x}",
            "status": "stopped",
            "date_created": self._ago(age_days),
            "configuration": {"languageCode": "en-US"},
        }

    def key(self, sid: str, age_days: float, friendly_name: str, allow: list[str] | None) -> Row:
        moment = self._now - timedelta(days=age_days)
        written = format_datetime(moment)
        policy = None if allow is None else {"allow": allow}
        return {
            "sid": sid,
            "friendly_name": friendly_name,
            "date_created": written,
            "date_updated": written,
            "flags": ["rest_api"],
            "policy": policy,
        }

    def event(self, event_type: str, age_days: float, actor: str, address: str, resource: str) -> Row:
        sid = f"AE{self._number(age_days):032x}"
        return {
            "sid": sid,
            "account_sid": self._account_sid,
            "event_type": event_type,
            "event_date": self._ago(age_days),
            "actor_sid": actor,
            "actor_type": "user",
            "source": "web",
            "source_ip_address": address,
            "resource_sid": resource,
            "resource_type": event_type.partition(".")[0],
            "description": None,
            "event_data": {"friendly_name": {"previous": None, "updated": HTML_NAME}},
            "url": f"https://monitor.twilio.com/v1/Events/{sid}",
        }

    def voice_recording(self, age_days: float, media_url: str) -> Row:
        number = self._number(age_days)
        return {
            "sid": f"RE{number:032x}",
            "account_sid": self._account_sid,
            "call_sid": f"CA{number:032x}",
            "status": "completed",
            "channels": 1,
            "duration": "240",
            "media_url": media_url,
            "encryption_details": None,
            "subresource_uris": {},
        }

    def usage(self, age_days: float, amount: str) -> Row:
        day = self._ago(age_days)[:10]
        return {
            "account_sid": self._account_sid,
            "category": STORED_MEDIA,
            "description": "Group Rooms Media Stored",
            "start_date": day,
            "end_date": day,
            "usage": amount,
            "usage_unit": "gb per day",
            "count": "0",
            "price": "0",
            "price_unit": "usd",
            "subresource_uris": {},
        }

    def alert(self, code: int, age_days: float, text: str) -> Row:
        sid = f"NO{code:032x}"
        moment = self._ago(age_days)
        return {
            "sid": sid,
            "account_sid": self._account_sid,
            "error_code": str(code),
            "log_level": "error",
            "alert_text": text,
            "date_created": moment,
            "date_generated": moment,
            "date_updated": moment,
            # A Recording that Twilio removed is in no list any more.
            "resource_sid": f"RT{0x900 + self._number(age_days):032x}",
            "service_sid": None,
            "request_method": None,
            "request_url": None,
            "more_info": f"https://www.twilio.com/docs/api/errors/{code}",
            "api_version": "2010-04-01",
            "url": f"https://monitor.twilio.com/v1/Alerts/{sid}",
        }

    def _number(self, age_days: float) -> int:
        """Tells rows of one account apart: its age in tenths of a day."""
        return round(age_days * 10)

    def _ago(self, age_days: float) -> str:
        return (self._now - timedelta(days=age_days)).strftime("%Y-%m-%dT%H:%M:%SZ")
