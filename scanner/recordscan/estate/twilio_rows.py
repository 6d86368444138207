"""Rows of Twilio's lists beside media, settings and credentials: Rooms, API keys, audit events, usage and so on.

Field names: https://www.twilio.com/docs/video/api/rooms-resource, https://www.twilio.com/docs/iam/api-keys/keys-v1,
https://www.twilio.com/docs/usage/monitor-events, https://www.twilio.com/docs/usage/api/usage-record,
https://www.twilio.com/docs/voice/api/recording.
"""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from recordscan.estate.answers import Answers, Listing, flag, listing, moment, text
from recordscan.facts import Fact, Json, Known, Reason, Source, derive, need, pluck, unavailable

ROOM_STATUSES = ("in-progress", "completed")
"""Asked one by one; without a status, Twilio lists those in progress only."""

ROOMS_SAMPLED = 50
"""Newest Rooms that are asked for their transcriptions, which no list of the account shows."""

STORED_MEDIA = "group-rooms-media-stored"
"""Usage category of Video media at Twilio, in GB a day."""

KEY_EVENTS = (
    *(
        f"{resource}.{action}"
        for resource in ("account-api-keys", "account-credentials", "account-keys")
        for action in ("created", "deleted", "updated")
    ),
    *(
        f"account-auth-token.{action}"
        for action in ("created", "deleted", "promoted", "secondary-created", "secondary-deleted", "updated")
    ),
)
"""Audit events of keys and credentials, all that https://www.twilio.com/docs/usage/monitor-events names. There is none
for the storage settings."""

_USAGE_DAYS = 7
"""Days of usage that are judged, the newest."""

IDLE = frozenset({"suspended", "closed"})
"""Statuses of accounts that are not in use."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Callback:
    """Where Twilio reports what becomes of a resource; `method` as written, None where Twilio does not say."""

    url: str
    method: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """One Room of the last weeks.

    Attributes:
        sid: `RM…`.
        created: When it began.
        unique_name: Chosen by the application; None for none.
        recorded: Whether participants were to be recorded as they connect; None where Twilio does not say.
        media_region: Twilio's region of the media server, such as `ie1`; `gll` for the nearest.
        callback: Where its events are sent; None for nowhere.
        source: The row.
    """

    sid: str
    created: Fact[datetime]
    unique_name: str | None
    recorded: Fact[bool | None]
    media_region: str | None
    callback: Callback | None
    source: Source


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKey:
    """One API key.

    Attributes:
        sid: `SK…`.
        created: When it was made.
        allowed: Permissions of a restricted key, such as `/twilio/video/recordings/list`; None for a standard or Main
            key, which has no policy.
        source: The row.
    """

    sid: str
    created: Fact[datetime]
    allowed: Fact[tuple[str, ...] | None]
    source: Source


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEvent:
    """One change to a key or credential, who made it and from where."""

    sid: str
    event_type: str
    when: Fact[datetime]
    actor_sid: str | None
    ip_address: str | None
    resource_sid: str | None
    source: Source


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageDay:
    """How much of something one day used, in the unit of its category."""

    day: str
    amount: Decimal
    source: Source


@dataclass(frozen=True, slots=True, kw_only=True)
class VoiceRecording:
    """One recording of a call, which is no Video Recording; `media_url` says where its media lies."""

    sid: str
    media_url: str | None
    source: Source


@dataclass(frozen=True, slots=True, kw_only=True)
class Transcription:
    """One transcription of a Room."""

    id: str
    room_sid: str | None
    source: Source


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedAccount:
    """An account that a parent lists: itself, or a subaccount.

    Attributes:
        sid: `AC…`.
        status: active, suspended or closed; None where Twilio does not say.
        usage: Days of Video media stored at Twilio; asked for accounts that are not in use only.
        source: The row.
    """

    sid: str
    status: str | None
    usage: Fact[Listing[UsageDay]]
    source: Source


def required(row: Fact[Json], member: str) -> str:
    """The text of a member.

    Raises:
        Missing: The row has none (`malformed`).
    """
    value = need(text(pluck(row, member)))
    if value is None:
        unavailable(Reason.MALFORMED, f"a row of the list has no {member}")
    return value


def optional(row: Fact[Json], member: str) -> str | None:
    """The text of a member, or None."""
    return need(text(pluck(row, member)))


def callback(row: Fact[Json]) -> Callback | None:
    """The status callback of a row."""
    url = optional(row, "status_callback")
    return None if url is None else Callback(url=url, method=optional(row, "status_callback_method"))


def read_rooms(answers: Answers, sid: str, since: str) -> Fact[Listing[Room]]:
    """Rooms that began on a day or later."""

    def compute() -> Listing[Room]:
        parts = [need(listing(_rooms(answers, sid, status, since), "rooms", _room)) for status in ROOM_STATUSES]
        return Listing(
            # A Room that ends while the lists are walked can be in both.
            items=tuple({room.sid: room for part in parts for room in part.items}.values()),
            whole=derive(lambda: all([need(part.whole) for part in parts])),
        )

    return derive(compute)


def sampled_rooms(answers: Answers, sid: str, since: str) -> tuple[str, ...]:
    """SIDs of the newest Rooms that are over, at most `ROOMS_SAMPLED`."""
    found = listing(_rooms(answers, sid, "completed", since), "rooms", _room)
    rooms = found.value.items if isinstance(found, Known) else ()
    dated = sorted(
        rooms, key=lambda room: (room.created.value.timestamp() if isinstance(room.created, Known) else 0, room.sid)
    )
    return tuple(room.sid for room in dated[-ROOMS_SAMPLED:])


def read_transcriptions(answers: Answers, sid: str, since: str) -> Fact[Listing[Transcription]]:
    """Transcriptions of the newest Rooms; whole when no Room that is over was left out."""

    def compute() -> Listing[Transcription]:
        rooms = need(listing(_rooms(answers, sid, "completed", since), "rooms", _room))
        asked = sampled_rooms(answers, sid, since)
        parts = [listing(answers.read("twilio:ListTranscriptions", sid, room=room), *_TRANSCRIPTIONS) for room in asked]
        found = tuple(item for part in parts if isinstance(part, Known) for item in part.value.items)

        def whole() -> bool:
            if len(asked) < len(rooms.items):
                unavailable(
                    Reason.UNDECIDABLE,
                    f"transcriptions were asked of {len(asked)} of {len(rooms.items)} Rooms, the newest",
                )
            return need(rooms.whole) and all([need(need(part).whole) for part in parts])

        return Listing(items=found, whole=derive(whole))

    return derive(compute)


def read_keys(answers: Answers, sid: str) -> Fact[Listing[ApiKey]]:
    """API keys of an account."""

    def key(row: Fact[Json]) -> ApiKey:
        key_sid = required(row, "sid")
        return ApiKey(
            sid=key_sid,
            created=moment(pluck(row, "date_created")),
            allowed=derive(lambda: _allowed(answers.read("twilio:FetchKey", sid, key=key_sid))),
            source=row.source,
        )

    return listing(answers.read("twilio:ListKeys", sid, account_sid=sid), "keys", key)


def read_events(answers: Answers, sid: str, since: str) -> Fact[Listing[AuditEvent]]:
    """Changes of keys and credentials since a day."""

    def compute() -> Listing[AuditEvent]:
        parts = [
            listing(answers.read("twilio:ListEvents", sid, event_type=kind, start_date=since), "events", _event)
            for kind in KEY_EVENTS
        ]
        # One type that cannot be read does not hide the others.
        found = tuple(item for part in parts if isinstance(part, Known) for item in part.value.items)
        return Listing(items=found, whole=derive(lambda: all([need(need(part).whole) for part in parts])))

    return derive(compute)


def usage_request(sid: str, since: str) -> dict[str, Json]:
    """What to ask for an account's days of stored media."""
    return {"of": sid, "category": STORED_MEDIA, "start_date": since, "include_subaccounts": False}


def read_usage(answers: Answers, asker: str, sid: str, since: str) -> Fact[Listing[UsageDay]]:
    """Days of Video media that an account stored at Twilio, as another account, its parent, may ask too."""
    return listing(answers.read("twilio:ListDailyUsage", asker, **usage_request(sid, since)), "usage_records", _usage)


def newest_usage(usage: Listing[UsageDay], as_of: datetime) -> UsageDay | None:
    """The day that shows that something is stored now; None where nothing is.

    The day under way is not counted to its end, and the one before perhaps neither: a zero of theirs proves nothing
    while the days before are none.

    Raises:
        Missing: It cannot be told.
    """
    need(usage.whole)
    days = sorted(usage.items, key=lambda day: day.day)[-_USAGE_DAYS:]
    if not days or days[-1].day < (as_of - timedelta(days=2)).strftime("%Y-%m-%d"):
        unavailable(Reason.UNDECIDABLE, "Twilio shows no usage of the last two days")
    stored = [day for day in days if day.amount > 0]
    if not stored:
        return None
    if stored[-1] in days[-2:]:
        return stored[-1]
    unavailable(
        Reason.UNDECIDABLE,
        f"{stored[-1].amount} GB were stored on {stored[-1].day}, and later days may not be counted to their end",
    )


def read_voice(answers: Answers, sid: str) -> Fact[Listing[VoiceRecording]]:
    """The first page of recordings of calls."""

    def parse(row: Fact[Json]) -> VoiceRecording:
        return VoiceRecording(sid=required(row, "sid"), media_url=optional(row, "media_url"), source=row.source)

    return listing(answers.read("twilio:ListVoiceRecordings", sid, of=sid), "recordings", parse)


def read_listed(answers: Answers, sid: str, since: str) -> Fact[Listing[ListedAccount]]:
    """The accounts that an account may list."""

    def parse(row: Fact[Json]) -> ListedAccount:
        listed = required(row, "sid")
        return ListedAccount(
            sid=listed,
            status=optional(row, "status"),
            usage=read_usage(answers, sid, listed, since),
            source=row.source,
        )

    return listing(answers.read("twilio:ListAccounts", sid), "accounts", parse)


def _rooms(answers: Answers, sid: str, status: str, since: str) -> Fact[Json]:
    return answers.read("twilio:ListRooms", sid, status=status, date_created_after=since)


def _room(row: Fact[Json]) -> Room:
    recorded = pluck(row, "record_participants_on_connect")
    return Room(
        sid=required(row, "sid"),
        created=moment(pluck(row, "date_created")),
        unique_name=optional(row, "unique_name"),
        recorded=derive(lambda: None if need(recorded) is None else need(flag(recorded))),
        media_region=optional(row, "media_region"),
        callback=callback(row),
        source=row.source,
    )


def _allowed(answer: Fact[Json]) -> tuple[str, ...] | None:
    if need(answer) is None:
        unavailable(Reason.NOT_FOUND, "the key was deleted while the scan ran")
    policy = need(pluck(answer, "policy"))
    if policy is None:
        return None
    allowed = policy.get("allow") if isinstance(policy, dict) else None
    if not isinstance(allowed, list) or not all(isinstance(entry, str) for entry in allowed):
        unavailable(Reason.MALFORMED, "the policy of an API key has no list of what it allows")
    return tuple(allowed)


def _event(row: Fact[Json]) -> AuditEvent:
    return AuditEvent(
        sid=required(row, "sid"),
        event_type=required(row, "event_type"),
        when=moment(pluck(row, "event_date")),
        actor_sid=optional(row, "actor_sid"),
        ip_address=optional(row, "source_ip_address"),
        resource_sid=optional(row, "resource_sid"),
        source=row.source,
    )


def _usage(row: Fact[Json]) -> UsageDay:
    amount = required(row, "usage")
    if not re.fullmatch(r"[0-9]{1,20}(\.[0-9]{1,20})?", amount):
        unavailable(Reason.MALFORMED, "a day of usage is no amount")
    return UsageDay(day=required(row, "start_date"), amount=Decimal(amount), source=row.source)


def _transcription(row: Fact[Json]) -> Transcription:
    return Transcription(id=required(row, "ttid"), room_sid=optional(row, "room_sid"), source=row.source)


_TRANSCRIPTIONS = ("transcriptions", _transcription)
