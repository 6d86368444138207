"""The Twilio side of the estate: accounts, storage settings, media, credentials and alerts.

Field names and their traps: https://www.twilio.com/docs/video/api/recording-settings-resource,
https://www.twilio.com/docs/video/api/external-s3-recordings.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Literal, TypeVar

from recordscan.estate.answers import Answers, Listing, flag, integer, listing, mapping, moment, parse_moment, text
from recordscan.estate.twilio_rows import (
    IDLE,
    ApiKey,
    AuditEvent,
    Callback,
    ListedAccount,
    Room,
    Transcription,
    UsageDay,
    VoiceRecording,
    callback,
    optional,
    read_events,
    read_keys,
    read_listed,
    read_rooms,
    read_transcriptions,
    read_usage,
    read_voice,
    required,
)
from recordscan.facts import Fact, Json, Reason, Source, Unavailable, derive, need, pluck, unavailable

M = TypeVar("M", bound="Recording | Composition")

Product = Literal["recordings", "compositions"]
PRODUCTS: tuple[Product, ...] = ("recordings", "compositions")

RECORDING_STATUSES = ("processing", "completed", "failed")
"""Asked one by one; `deleted` Recordings have no media left."""

COMPOSITION_STATUSES = ("enqueued", "processing", "completed", "failed")

DELETED = "deleted"
"""Asked apart: media is gone from Twilio, and Twilio shows for 30 days more that it was there."""

ALERTS_KEPT = timedelta(days=30)
"""How long Twilio keeps its error log."""

KNOWN_STATUSES = {*RECORDING_STATUSES, *COMPOSITION_STATUSES, DELETED}

_SETTINGS_OPERATION = {
    "recordings": "twilio:FetchRecordingSettings",
    "compositions": "twilio:FetchCompositionSettings",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class StorageSetting:
    """Where one account's Recordings or Compositions are written. A setting that was never saved reads as all unset."""

    product: Product
    account_sid: str
    enabled: Fact[bool]
    url: Fact[str | None]
    credential_sid: Fact[str | None]
    encryption_enabled: Fact[bool]
    encryption_key_sid: Fact[str | None]
    friendly_name: Fact[str | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """One recorded track.

    Attributes:
        sid: `RT…`.
        status: processing, completed, failed, or a word that Twilio added since.
        created: When the track began.
        size: Bytes; None while unknown.
        location: `media_external_location`; None while Twilio holds the media.
        room_sid: `RM…` from the grouping SIDs; None where Twilio does not say.
        track_name: Free text of the participant.
        callback: Where Twilio reports on it; None for nowhere.
        source: The row, for a finding's evidence.
    """

    sid: str
    status: str
    created: Fact[datetime]
    size: int | None
    location: str | None
    room_sid: str | None
    track_name: str | None
    callback: Callback | None
    source: Source


@dataclass(frozen=True, slots=True, kw_only=True)
class Composition:
    """One composed file; fields as in `Recording`. `completed` is unavailable while it is not done."""

    sid: str
    status: str
    created: Fact[datetime]
    completed: Fact[datetime]
    size: int | None
    location: str | None
    room_sid: str | None
    callback: Callback | None
    source: Source


@dataclass(frozen=True, slots=True, kw_only=True)
class CompositionHook:
    """A standing order to compose every Group Room that ends.

    `enabled` is unavailable where it is not stated; `raw` is the row as received, for what must be sent back whole.
    """

    sid: str
    enabled: Fact[bool]
    friendly_name: str | None
    callback: Callback | None
    source: Source
    raw: Mapping[str, Json] = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class CredentialResource:
    """An AWS credential or public key that Twilio keeps (`CR…`). The API never shows the key itself."""

    sid: str
    account_sid: str | None
    friendly_name: str | None
    created: Fact[datetime]
    source: Source


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """One entry of Twilio's error log."""

    sid: str
    error_code: str
    created: Fact[datetime]
    resource_sid: str | None
    text: str | None
    source: Source


@dataclass(frozen=True, slots=True, kw_only=True)
class TwilioAccount:
    """One Twilio account or subaccount that the scan had a credential for.

    Attributes:
        sid: `AC…`.
        label: What the configuration calls it; the SID where it does not.
        status: active, suspended or closed.
        family: SIDs of the accounts that it lists and that are in use: itself, and of a parent its subaccounts.
        settings: The two storage settings.
        recordings: All Recordings but deleted ones.
        compositions: All Compositions but deleted ones.
        hooks: All Composition Hooks, enabled or not.
        aws_credentials: AWS credential resources.
        public_keys: Public key resources for client-side encryption.
        alerts: Error log of the last 30 days.
        deleted_recordings: Recordings deleted in the last 30 days, which Twilio still lists.
        deleted_compositions: Compositions deleted in the last 30 days.
        rooms: Rooms that began since `since`.
        transcriptions: Transcriptions of the newest of them.
        keys: API keys.
        events: Changes of keys and credentials since `since`.
        usage: Days of Video media that Twilio stored for the account alone.
        voice: Recordings of calls, the first page.
        listed: The account and its subaccounts, as far as it may list them.
        scanned_with: Kind of credential that the scan read it with; None where the snapshot does not say.
        since: The first day of what is asked for as recent.
        as_of: The moment that ages are counted to.
    """

    sid: str
    label: str
    status: Fact[str | None]
    family: Fact[frozenset[str]]
    settings: tuple[StorageSetting, ...]
    recordings: Fact[Listing[Recording]]
    compositions: Fact[Listing[Composition]]
    hooks: Fact[Listing[CompositionHook]]
    aws_credentials: Fact[Listing[CredentialResource]]
    public_keys: Fact[Listing[CredentialResource]]
    alerts: Fact[Listing[Alert]]
    deleted_recordings: Fact[Listing[Recording]]
    deleted_compositions: Fact[Listing[Composition]]
    rooms: Fact[Listing[Room]]
    transcriptions: Fact[Listing[Transcription]]
    keys: Fact[Listing[ApiKey]]
    events: Fact[Listing[AuditEvent]]
    usage: Fact[Listing[UsageDay]]
    voice: Fact[Listing[VoiceRecording]]
    listed: Fact[Listing[ListedAccount]]
    scanned_with: str | None
    since: datetime
    as_of: datetime

    @property
    def uid(self) -> str:
        return f"twilio:{self.sid}"

    @property
    def kind(self) -> str:
        return "Twilio account"

    @property
    def name(self) -> str:
        return self.label

    @property
    def provider(self) -> str:
        return "twilio"

    @property
    def account_id(self) -> str | None:
        return self.sid

    @property
    def region_name(self) -> str | None:
        return None

    def setting(self, product: Product) -> StorageSetting:
        """The storage setting of one product."""
        return next(setting for setting in self.settings if setting.product == product)

    def media(self, product: Product) -> "Fact[Listing[Recording | Composition]]":
        """All Recordings or Compositions but deleted ones."""
        return self.recordings if product == "recordings" else self.compositions

    def deleted(self, product: Product) -> "Fact[Listing[Recording | Composition]]":
        """Recordings or Compositions that were deleted in the last 30 days."""
        return self.deleted_recordings if product == "recordings" else self.deleted_compositions


def read_twilio_account(
    answers: Answers, sid: str, label: str, *, alerts_since: str, scanned_with: str | None, as_of: datetime
) -> TwilioAccount:
    """Read one account.

    Args:
        answers: The scan's observations.
        sid: `AC…`.
        label: What to call it in reports.
        alerts_since: The first day that alerts, Rooms, audit events and usage were asked for.
        scanned_with: Kind of credential that the scan read it with.
        as_of: The moment that ages are counted to.
    """
    accounts = answers.read("twilio:ListAccounts", sid)
    alerts = answers.read("twilio:ListAlerts", sid, start_date=alerts_since)
    return TwilioAccount(
        sid=sid,
        label=label,
        status=derive(lambda: _own_status(accounts, sid)),
        family=derive(lambda: _in_use(accounts)),
        settings=tuple(read_setting(answers, sid, product) for product in PRODUCTS),
        recordings=read_recordings(answers, sid),
        compositions=read_compositions(answers, sid),
        hooks=listing(answers.read("twilio:ListCompositionHooks", sid), "composition_hooks", _hook),
        aws_credentials=listing(answers.read("twilio:ListAwsCredentials", sid), "credentials", _credential),
        public_keys=listing(answers.read("twilio:ListPublicKeys", sid), "credentials", _credential),
        alerts=derive(lambda: _alerts(alerts, parse_moment(alerts_since), as_of)),
        deleted_recordings=read_deleted_recordings(answers, sid),
        deleted_compositions=read_deleted_compositions(answers, sid),
        rooms=read_rooms(answers, sid, alerts_since),
        transcriptions=read_transcriptions(answers, sid, alerts_since),
        keys=read_keys(answers, sid),
        events=read_events(answers, sid, alerts_since),
        usage=read_usage(answers, sid, sid, alerts_since),
        voice=read_voice(answers, sid),
        listed=read_listed(answers, sid, alerts_since),
        scanned_with=scanned_with,
        since=parse_moment(alerts_since),
        as_of=as_of,
    )


def read_recordings(answers: Answers, sid: str) -> Fact[Listing[Recording]]:
    """All Recordings of an account but deleted ones."""
    return _merged(
        [
            listing(answers.read("twilio:ListRecordings", sid, status=status), "recordings", _recording)
            for status in RECORDING_STATUSES
        ]
    )


def read_compositions(answers: Answers, sid: str) -> Fact[Listing[Composition]]:
    """All Compositions of an account but deleted ones."""
    return _merged(
        [
            listing(answers.read("twilio:ListCompositions", sid, status=status), "compositions", _composition)
            for status in COMPOSITION_STATUSES
        ]
    )


def read_deleted_recordings(answers: Answers, sid: str) -> Fact[Listing[Recording]]:
    """Recordings that were deleted in the last 30 days."""
    return listing(answers.read("twilio:ListRecordings", sid, status=DELETED), "recordings", _recording)


def read_deleted_compositions(answers: Answers, sid: str) -> Fact[Listing[Composition]]:
    """Compositions that were deleted in the last 30 days."""
    return listing(answers.read("twilio:ListCompositions", sid, status=DELETED), "compositions", _composition)


def read_setting(answers: Answers, sid: str, product: Product) -> StorageSetting:
    """Read one storage setting. A 404 and null members both mean "never configured": everything unset."""
    answer = answers.read(_SETTINGS_OPERATION[product], sid)
    return StorageSetting(
        product=product,
        account_sid=sid,
        enabled=flag(pluck(answer, "aws_storage_enabled")),
        url=text(pluck(answer, "aws_s3_url")),
        credential_sid=text(pluck(answer, "aws_credentials_sid")),
        encryption_enabled=flag(pluck(answer, "encryption_enabled")),
        encryption_key_sid=text(pluck(answer, "encryption_key_sid")),
        friendly_name=text(pluck(answer, "friendly_name")),
    )


def _alerts(answer: Fact[Json], since: datetime, as_of: datetime) -> Listing[Alert]:
    """The error log; it is whole only as far back as Twilio keeps it."""
    found = need(listing(answer, "alerts", _alert))
    if as_of - since <= ALERTS_KEPT:
        return found
    return replace(
        found,
        whole=Unavailable(
            Reason.UNDECIDABLE,
            f"the error log was asked for since {since:%Y-%m-%d}, and Twilio keeps {ALERTS_KEPT.days} days of it",
            answer.source,
        ),
    )


def _own_status(accounts: Fact[Json], sid: str) -> str | None:
    found = need(listing(accounts, "accounts", lambda row: row))
    for row in found.items:
        if need(pluck(row, "sid")) == sid:
            return need(text(pluck(row, "status")))
    return None


def _in_use(accounts: Fact[Json]) -> frozenset[str]:
    found = need(listing(accounts, "accounts", lambda row: (required(row, "sid"), optional(row, "status"))))
    need(found.whole)
    return frozenset(sid for sid, status in found.items if status not in IDLE)


def _merged(parts: list[Fact[Listing[M]]]) -> Fact[Listing[M]]:
    """One listing of several, one for each status in the order that media goes through; whole when all are.

    Media that moves on while the lists are walked can be in two of them, and counts as what it came to be.
    """

    def compute() -> Listing[M]:
        listings = [need(part) for part in parts]
        return Listing(
            items=tuple({item.sid: item for part in listings for item in part.items}.values()),
            whole=derive(lambda: all([need(part.whole) for part in listings])),
        )

    return derive(compute)


def _stated_flag(row: Fact[Json], member: str) -> bool:
    if need(pluck(row, member)) is None:
        unavailable(Reason.MALFORMED, f"a row of the list does not state {member}")
    return need(flag(pluck(row, member)))


def _source(row: Fact[Json]) -> Source:
    return row.source


def _recording(row: Fact[Json]) -> Recording:
    groups = pluck(row, "grouping_sids")
    return Recording(
        sid=required(row, "sid"),
        status=required(row, "status"),
        created=moment(pluck(row, "date_created")),
        size=need(integer(pluck(row, "size"))),
        location=optional(row, "media_external_location"),
        room_sid=need(text(pluck(groups, "room_sid"))),
        track_name=optional(row, "track_name"),
        callback=callback(row),
        source=_source(row),
    )


def _composition(row: Fact[Json]) -> Composition:
    return Composition(
        sid=required(row, "sid"),
        status=required(row, "status"),
        created=moment(pluck(row, "date_created")),
        completed=moment(pluck(row, "date_completed")),
        size=need(integer(pluck(row, "size"))),
        location=optional(row, "media_external_location"),
        room_sid=optional(row, "room_sid"),
        callback=callback(row),
        source=_source(row),
    )


def _hook(row: Fact[Json]) -> CompositionHook:
    return CompositionHook(
        sid=required(row, "sid"),
        enabled=derive(lambda: _stated_flag(row, "enabled")),
        friendly_name=optional(row, "friendly_name"),
        callback=callback(row),
        source=_source(row),
        raw=mapping(row),
    )


def _credential(row: Fact[Json]) -> CredentialResource:
    return CredentialResource(
        sid=required(row, "sid"),
        account_sid=optional(row, "account_sid"),
        friendly_name=optional(row, "friendly_name"),
        created=moment(pluck(row, "date_created")),
        source=_source(row),
    )


def _alert(row: Fact[Json]) -> Alert:
    code = need(pluck(row, "error_code"))
    return Alert(
        sid=required(row, "sid"),
        error_code=str(code),
        created=moment(pluck(row, "date_generated")),
        resource_sid=optional(row, "resource_sid"),
        text=optional(row, "alert_text"),
        source=_source(row),
    )
