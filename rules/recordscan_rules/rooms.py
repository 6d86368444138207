"""Rooms: how they are recorded and where, whose names they bear, and what else is made of them and of calls."""

import re
from collections.abc import Iterator

from recordscan.estate.estate import Estate
from recordscan.estate.s3url import S3Location, parse_object_url
from recordscan.estate.target import Target
from recordscan.estate.twilio import TwilioAccount
from recordscan.facts import Known, Reason, Source, derive, if_known, need, not_applicable, places, unavailable
from recordscan.profile import Profile
from recordscan.rule import Findings, Severity, finding, proposal, rule_over

_ROOMS = "https://www.twilio.com/docs/video/api/rooms-resource"
_REGIONS = "https://www.twilio.com/docs/video/ip-addresses"
_VOICE = "https://www.twilio.com/docs/voice/api/recording"

NEAREST = "gll"
"""Twilio chooses the media region by itself."""


@rule_over(
    Estate.twilio_accounts,
    "room-recording-default",
    title="Rooms are recorded as the profile says",
    severity=Severity.INFO,
    remedy="no API shows or changes the default, and of each Room the application decides that makes it",
    remediation="""
        Set `RecordParticipantsOnConnect` when Rooms are created, or the default in the Console (Video > Rooms >
        Settings).
    """,
    controls=proposal(nist_800_53_r5=["CM-6"], iso_27001_2022=["A.8.9"], gdpr=["art. 25"]),
    references=(_ROOMS,),
)
def recording_default(account: TwilioAccount, profile: Profile) -> Findings:
    """Nobody means to record what must not be, or to miss what must: the default is one switch, each Room has another.

    No API shows the default, so the Rooms of the last 29 days are looked at. The profile says what is wanted with
    `record_on_connect`.
    """
    if profile.record_on_connect is None:
        not_applicable("the profile does not say whether Rooms are to be recorded as participants connect")
    rooms = need(account.rooms)
    other = [
        room
        for room in rooms.items
        if isinstance(room.recorded, Known) and room.recorded.value is (not profile.record_on_connect)
    ]
    if other:
        yield finding(
            f"{len(other)} of the Rooms of {account.label} are {'not ' * profile.record_on_connect}recorded as "
            "participants connect",
            *(room.sid for room in other[:5]),
            expected=f"record_participants_on_connect is {str(profile.record_on_connect).lower()}",
            observed=f"{len(other)} of {len(rooms.items)} Rooms differ",
            discriminator=account.sid,
            evidence=tuple(place for room in other[:5] for place in room.source),
        )
        return
    need(rooms.whole)
    if not rooms.items:
        not_applicable("the account had no Rooms in the last 29 days")
    for room in rooms.items:
        if need(room.recorded) is None:
            unavailable(Reason.UNDECIDABLE, f"Twilio does not say how {room.sid} was recorded")


@rule_over(
    Estate.twilio_targets,
    "media-multi-region-copies",
    title="Media stays in the Regions that the profile allows",
    severity=Severity.INFO,
    remedy="the application that makes Rooms sets the Region, and what lies elsewhere a person must move",
    remediation="""
        Set `MediaRegion` when Rooms are created, or in the Console, and keep the bucket in an allowed Region. Twilio's
        own copies and what it knows of media lie in the United States.
    """,
    controls=proposal(nist_800_53_r5=["SA-9(5)"], iso_27001_2022=["A.5.34"], gdpr=["art. 44"]),
    references=(_ROOMS, _REGIONS),
)
def regions(target: Target, profile: Profile) -> Findings:
    """Media passes through a media server and comes to rest in a bucket; both have a place that the law may care about.

    Looks at the bucket, and for Recordings at the Rooms of the last 29 days. `gll` has Twilio choose the nearest media
    server, wherever that is.
    """
    of_recordings = target.setting is not None and target.setting.product == "recordings"
    watches_rooms = profile.media_regions is not None and of_recordings
    if profile.storage_regions is None and not watches_rooms:
        not_applicable("the profile does not say which Regions are allowed")
    region = derive(lambda: None if (bucket := need(target.bucket)) is None else need(bucket.region))
    wrong_place = (
        isinstance(region, Known)
        and region.value is not None
        and profile.storage_regions is not None
        and region.value not in profile.storage_regions
    )
    if wrong_place:
        yield finding(
            f"{target.name} are stored in {need(region)}",
            target.uid,
            expected=", ".join(profile.storage_regions or ()) or "no Region",
            observed=f"{need(region)}",
            discriminator="bucket",
            evidence=places(region),
        )
    rooms = target.account.rooms if target.account is not None and watches_rooms else None
    passed = if_known(rooms) if rooms is not None else None
    elsewhere: dict[str, list[str]] = {}
    for room in passed.items if passed is not None else ():
        if room.media_region not in (None, NEAREST, *(profile.media_regions or ())):
            elsewhere.setdefault(str(room.media_region), []).append(room.sid)
    for media_region, sids in sorted(elsewhere.items()):
        yield finding(
            f"media of {len(sids)} Rooms of {target.name} passed through {media_region}",
            *sids[:5],
            expected=", ".join(profile.media_regions or ()) or "no media region",
            observed=media_region,
            discriminator=media_region,
            evidence=tuple(
                place for room in (passed.items if passed else ()) if room.sid in sids[:5] for place in room.source
            ),
        )
    if wrong_place or elsewhere:
        return
    if rooms is not None:
        listed = need(rooms)
        need(listed.whole)
        open_rooms = [room for room in listed.items if room.media_region in (None, NEAREST)]
        if open_rooms:
            unavailable(
                Reason.UNDECIDABLE, f"Twilio chose the media region of {open_rooms[0].sid} and does not say which"
            )
    stored = need(target.setting.enabled) if target.setting and profile.storage_regions is None else need(region)
    if not stored:
        not_applicable(f"external storage of {target.media} is not enabled, so media comes to rest at Twilio")


_EMAIL = re.compile(r"[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,8}")
_PHONE = re.compile(
    r"(?<![0-9A-Za-z])\+[1-9](?:[ ().-]{0,2}[0-9]){7,14}(?![0-9A-Za-z])"
    r"|(?<![0-9A-Za-z])\(?[0-9]{3}\)?[ .-][0-9]{3}[ .-][0-9]{4}(?![0-9A-Za-z])"
)
_RECORD_NUMBER = re.compile(
    r"(?<![A-Za-z])(?:mrn|nhs|patient|patientid|patient[ _-]id|pat|ssn)[ _:#.-]{0,3}[0-9]{4,}"
    r"|(?<![0-9A-Za-z-])[0-9]{3}-[0-9]{2}-[0-9]{4}(?![0-9A-Za-z-])",
    re.IGNORECASE,
)
_FORMS = {"an e-mail address": _EMAIL, "a phone number": _PHONE, "the number of a person's record": _RECORD_NUMBER}
_LONGEST_NAME = 1_000
"""Characters of a name that are looked at; Twilio's own limits are lower."""


@rule_over(
    Estate.twilio_accounts,
    "pii-in-names",
    title="Names hold no personal data",
    severity=Severity.MEDIUM,
    remedy="the names are given by the application that makes Rooms, and cannot be changed afterwards",
    remediation="""
        Have the application use names that mean nothing outside it, such as a UUID. Twilio keeps names for 30 days
        after the media is deleted; ask its support where that is too long.
    """,
    controls=proposal(nist_800_53_r5=["SI-12"], iso_27001_2022=["A.5.34"], gdpr=["art. 5(1)(c)"]),
    references=(_ROOMS, "https://www.twilio.com/docs/glossary/what-is-personally-identifiable-information-pii"),
)
def pii_in_names(account: TwilioAccount) -> Findings:
    """Names of Rooms and tracks are shown in the Console, sent with callbacks and written into logs and reports.

    Looks for the forms of e-mail addresses, phone numbers and record numbers; a person's name has no form. What was
    found is not repeated here.
    """
    found: dict[tuple[str, str], list[tuple[str, Source]]] = {}
    names = list(_names(account))
    for kind, sid, name, source in names:
        for form, pattern in _FORMS.items():
            if pattern.search(name[:_LONGEST_NAME]):
                found.setdefault((kind, form), []).append((sid, source))
    for (kind, form), holders in sorted(found.items()):
        yield finding(
            f"{len(holders)} {kind} of {account.label} have the form of {form}",
            *(sid for sid, _ in holders[:5]),
            expected="names that say nothing of people",
            observed=f"{len(holders)} with the form of {form}",
            discriminator=f"{kind}, {form}",
            evidence=tuple(place for _, source in holders[:5] for place in source),
        )
    for setting in account.settings:
        need(setting.friendly_name)
    for fact in (account.rooms, account.recordings, account.hooks, account.aws_credentials, account.public_keys):
        need(need(fact).whole)
    if not names:
        not_applicable("nothing of the account has a name")


def _names(account: TwilioAccount) -> Iterator[tuple[str, str, str, Source]]:
    """Kind of name, SID, name and its place, as far as names can be read."""
    rooms, recordings, hooks = if_known(account.rooms), if_known(account.recordings), if_known(account.hooks)
    for room in rooms.items if rooms else ():
        if room.unique_name is not None:
            yield "names of Rooms", room.sid, room.unique_name, room.source
    for recording in recordings.items if recordings else ():
        if recording.track_name is not None:
            yield "names of tracks", recording.sid, recording.track_name, recording.source
    for hook in hooks.items if hooks else ():
        if hook.friendly_name is not None:
            yield "friendly names", hook.sid, hook.friendly_name, hook.source
    for fact in (account.aws_credentials, account.public_keys):
        listed = if_known(fact)
        for resource in listed.items if listed else ():
            if resource.friendly_name is not None:
                yield "friendly names", resource.sid, resource.friendly_name, resource.source
    for setting in account.settings:
        name = if_known(setting.friendly_name)
        if name is not None:
            yield (
                "friendly names",
                f"the {setting.product} setting of {account.sid}",
                name,
                places(setting.friendly_name),
            )


@rule_over(
    Estate.twilio_accounts,
    "voice-recordings-out-of-scope",
    title="Recordings of calls are stored externally where the profile covers them",
    severity=Severity.INFO,
    remedy="no API shows or changes where calls are stored: a person must do it in the Console",
    remediation="""
        Set external storage of call recordings in the Console (Voice > Settings > General); no API shows it. Delete
        what Twilio holds already.
    """,
    controls=proposal(nist_800_53_r5=["SA-9(5)"], iso_27001_2022=["A.5.23"], gdpr=["art. 28"]),
    references=(_VOICE,),
)
def voice_recordings(account: TwilioAccount, profile: Profile) -> Findings:
    """The settings of Video do not cover who joined by phone and was recorded by Voice.

    Looks at the newest 100 recordings of calls. The profile says with `covers_calls` whether they matter.
    """
    if not profile.covers_calls:
        not_applicable("the profile does not cover recordings of calls")
    voice = need(account.voice)
    if not voice.items:
        need(voice.whole)
        not_applicable("the account has no recordings of calls")
    held = [item for item in voice.items if (item.media_url or "").lower().startswith("https://api.twilio.com/")]
    if held:
        yield finding(
            f"Twilio holds {len(held)} of the newest {len(voice.items)} recordings of calls of {account.label}",
            *(item.sid for item in held[:5]),
            expected="in a bucket of yours",
            observed="media_url on api.twilio.com",
            discriminator=account.sid,
            evidence=tuple(place for item in held[:5] for place in item.source),
        )
        return
    for item in voice.items:
        if not isinstance(parse_object_url(item.media_url), S3Location):
            unavailable(Reason.UNDECIDABLE, f"where the media of {item.sid} lies cannot be told from its URL")
    need(voice.whole)


@rule_over(
    Estate.twilio_accounts,
    "transcripts-out-of-scope",
    title="Transcriptions of Rooms are considered separately",
    severity=Severity.INFO,
    remedy="who made them and how long they are to be kept, a person must find out",
    remediation="""
        Find out who made the transcriptions and for how long Twilio keeps them. Once they are looked after, say so in
        the configuration: `transcripts_elsewhere = true`.
    """,
    controls=proposal(nist_800_53_r5=["SA-9(5)"], iso_27001_2022=["A.5.23"], gdpr=["art. 30"]),
    references=(_ROOMS,),
)
def transcripts(account: TwilioAccount, profile: Profile) -> Findings:
    """What was said stands in a transcription as well, which neither of the two storage settings covers.

    Looks at the 50 newest Rooms of the last 29 days that are over.
    """
    if profile.transcripts_elsewhere:
        not_applicable("the profile says that transcriptions are looked after apart")
    found = need(account.transcriptions)
    if found.items:
        yield finding(
            f"{len(found.items)} transcriptions of Rooms of {account.label} are at Twilio",
            *(item.id for item in found.items[:5]),
            expected="none",
            observed=f"{len(found.items)}",
            discriminator=account.sid,
            evidence=tuple(place for item in found.items[:5] for place in item.source),
        )
        return
    need(found.whole)
    if not need(account.rooms).items:
        not_applicable("the account had no Rooms in the last 29 days")
