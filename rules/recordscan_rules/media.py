"""Where the media really is: what Twilio still holds, and whether the rest lies where the settings say."""

from collections.abc import Sequence

from recordscan.estate.answers import Listing
from recordscan.estate.estate import Estate
from recordscan.estate.s3url import S3Location, S3UrlError, in_folder, parse_object_url, parse_s3_url
from recordscan.estate.target import Target, media_of, setting_of
from recordscan.estate.twilio import KNOWN_STATUSES, Composition, Recording
from recordscan.facts import Known, Reason, need, not_applicable, unavailable
from recordscan.profile import Profile
from recordscan.rule import Finding, Findings, Severity, finding, proposal, rule_over

_GUIDE = "https://www.twilio.com/docs/video/tutorials/storing-aws-s3"
_RECORDINGS = "https://www.twilio.com/docs/video/api/recordings-resource"
_COMPOSITIONS = "https://www.twilio.com/docs/video/api/compositions-resource"

Media = Recording | Composition


def _media_of(target: Target) -> Listing[Media]:
    return need(media_of(target))


def _held(kind: str, label: str, held: Sequence[Media], discriminator: str) -> Finding:
    """One finding for all media of a kind that Twilio holds."""
    dates = sorted(item.created.value for item in held if isinstance(item.created, Known))
    span = f", from {dates[0]:%Y-%m-%d} to {dates[-1]:%Y-%m-%d}" if dates else ""
    size = sum(item.size or 0 for item in held)
    return finding(
        f"Twilio holds {_count(held, kind)} of {label}, {size:,} bytes{span}",
        *(item.sid for item in held[:5]),
        expected="none",
        observed=f"{len(held)}",
        discriminator=discriminator,
        evidence=tuple(place for item in held[:5] for place in item.source),
    )


def _require_known_statuses(media: Listing[Media]) -> None:
    """Leave the rule unknown where media may be held in a status that Twilio added since."""
    for item in media.items:
        if item.status not in KNOWN_STATUSES and item.location is None:
            unavailable(Reason.UNDECIDABLE, f"whether Twilio holds {item.sid}, which is {item.status}, is not known")


def _count(items: Sequence[Media], kind: str) -> str:
    return f"{len(items)} {kind if len(items) != 1 else kind.removesuffix('s')}"


@rule_over(
    Estate.recording_targets,
    "media-recordings-in-twilio",
    title="Twilio's cloud holds no Recording media",
    severity=Severity.HIGH,
    remedy="what is to become of media at Twilio, a person must decide",
    remediation="""
        Download what must be kept (`GET /v1/Recordings/RT…/Media`), put it into the bucket, then delete the Recordings
        at Twilio. Switching external storage on affects new Recordings only.
    """,
    controls=proposal(nist_800_53_r5=["SA-9(5)", "SI-12"], iso_27001_2022=["A.5.23", "A.8.10"], gdpr=["art. 28"]),
    references=(_GUIDE, _RECORDINGS),
    guide="All recordings created thereafter will be stored into the specified S3 bucket.",
)
def recordings_in_twilio(target: Target, profile: Profile) -> Findings:
    """Switching external storage on affects only what is recorded afterwards; older Recordings stay at Twilio.

    A media location of null means that Twilio holds the media.
    """
    if profile.storage == "compose-then-delete":
        not_applicable("the profile lets Twilio hold Recordings until they are composed")
    recordings = _media_of(target)
    held = [r for r in recordings.items if r.status in ("processing", "completed") and r.location is None]
    if held:
        yield _held("Recordings", target.name, held, target.uid)
    _require_known_statuses(recordings)
    need(recordings.whole)


@rule_over(
    Estate.composition_targets,
    "media-compositions-in-twilio",
    title="Twilio's cloud holds no Composition media",
    severity=Severity.HIGH,
    remedy="what is to become of media at Twilio, a person must decide",
    remediation="""
        Download what must be kept (`GET /v1/Compositions/CJ…/Media`), put it into the bucket, then delete the
        Compositions at Twilio.
    """,
    controls=proposal(nist_800_53_r5=["SA-9(5)", "SI-12"], iso_27001_2022=["A.5.23", "A.8.10"], gdpr=["art. 28"]),
    references=(_GUIDE, _COMPOSITIONS),
    guide="All compositions created thereafter will be stored into the specified S3 bucket.",
)
def compositions_in_twilio(target: Target) -> Findings:
    """Compositions made before external storage was switched on, or while it was off, stay at Twilio."""
    compositions = _media_of(target)
    held = [c for c in compositions.items if c.status == "completed" and c.location is None]
    if held:
        yield _held("Compositions", target.name, held, target.uid)
    _require_known_statuses(compositions)
    need(compositions.whole)


@rule_over(
    Estate.recording_targets,
    "media-new-internal-after-external",
    title="After the first external Recording no later one stayed at Twilio",
    severity=Severity.CRITICAL,
    remedy="what stayed at Twilio must be looked at by a person",
    remediation="""
        Look at the storage setting and at Twilio's error log: storage was switched off, or uploads fail. Mend it, then
        move the media that stayed at Twilio.
    """,
    controls=proposal(nist_800_53_r5=["SI-4", "SA-9(5)"], iso_27001_2022=["A.8.16"], soc2=["CC7.2"]),
    references=(_GUIDE, _RECORDINGS),
    guide="Twilio will stop storing Programmable Video audio/video recordings into the Twilio cloud.",
)
def new_internal_after_external(target: Target) -> Findings:
    """External storage was in use, and later Recordings did not follow: it was switched off, or fell back silently.

    Where even the newest Recording stayed at Twilio, it is still so; otherwise it was a lapse that has passed.
    """
    recordings = _media_of(target)
    stored = [r for r in recordings.items if r.location is not None]
    done = [r for r in recordings.items if r.status == "completed" and r.location is None]
    if not stored:
        need(recordings.whole)
        if not need(setting_of(target).enabled):
            not_applicable("external storage was never in use")
        unavailable(Reason.UNDECIDABLE, "no external Recording exists to compare with")
    since, newest = min(need(r.created) for r in stored), max(need(r.created) for r in stored)
    late = [r for r in done if need(r.created) > since]
    if late:
        still = any(need(r.created) > newest for r in late)
        yield finding(
            f"{_count(late, 'Recordings')} of {target.name} stayed at Twilio though external storage was in use since "
            f"{since:%Y-%m-%d}" + (", the newest among them" if still else ""),
            *(recording.sid for recording in late[:5]),
            severity=Severity.CRITICAL if still else Severity.HIGH,
            expected="external",
            observed="media_external_location is null",
            discriminator=target.uid,
            evidence=tuple(place for recording in late[:5] for place in recording.source),
        )
    need(recordings.whole)
    if len(recordings.items) < 2:
        unavailable(Reason.UNDECIDABLE, "there are fewer than two Recordings")


@rule_over(
    Estate.twilio_targets,
    "media-location-matches-settings",
    title="Stored media lies in the bucket and under the prefix that the setting names now",
    severity=Severity.MEDIUM,
    remedy="where older media is to lie, a person must decide",
    remediation="""
        Find out who owns the other bucket. Move what must be kept, delete the rest, and take the writer's rights on the
        other bucket away.
    """,
    controls=proposal(nist_800_53_r5=["CM-8", "SI-12"], iso_27001_2022=["A.5.9"], gdpr=["art. 30"]),
    references=(_RECORDINGS, _COMPOSITIONS),
)
def location_matches_settings(target: Target) -> Findings:
    """Older media may lie in a bucket that everybody has forgotten, or that belongs to somebody else by now.

    Where storage was switched off, media is held against the URL that is left in the setting. The scheme is left to
    `url-https`: bucket and prefix alone say where media lies.
    """
    media = _media_of(target)
    stored = [item for item in media.items if item.location is not None]
    if not stored:
        need(media.whole)
        not_applicable(f"no {target.media} are stored externally")
    location = _saved_location(target)
    elsewhere: dict[str, list[Media]] = {}
    for item in stored:
        place = _place(item.location, location)
        if place is not None:
            elsewhere.setdefault(place, []).append(item)
    for place, items in sorted(elsewhere.items()):
        yield finding(
            f"{_count(items, target.media)} of {target.name} stored in {place}",
            *(item.sid for item in items[:5]),
            expected=f"{location.bucket}/{location.key_prefix}",
            observed=place,
            discriminator=place,
            evidence=tuple(evidence for item in items[:5] for evidence in item.source),
        )
    need(media.whole)


def _saved_location(target: Target) -> S3Location:
    """The place that the setting names, whether it is on or off."""
    parsed = parse_s3_url(need(setting_of(target).url))
    if isinstance(parsed, S3UrlError):
        unavailable(Reason.MALFORMED, f"the setting names no bucket to compare with: {parsed.message}")
    return parsed


def _place(url: str | None, expected: S3Location) -> str | None:
    """Where media lies, where that is not the expected place; None where it is.

    Twilio shows a whole object URL, or only the configured prefix, with or without its last slash.
    """
    parsed = parse_object_url(url)
    if not isinstance(parsed, S3Location):
        return "a location that is no URL of an S3 bucket"
    if parsed.bucket != expected.bucket:
        return f"the bucket {parsed.bucket}"
    return None if in_folder(parsed.key_prefix, expected.key_prefix) else f"another prefix of {parsed.bucket}"
