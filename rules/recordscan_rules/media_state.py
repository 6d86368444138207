"""What becomes of media: whether it gets through, how long it stays, and whether both sides have it, or neither."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from recordscan.estate.answers import Listing
from recordscan.estate.estate import Estate
from recordscan.estate.stored import Media
from recordscan.estate.target import Target, location_of, media_of
from recordscan.estate.twilio import TwilioAccount
from recordscan.estate.twilio_rows import newest_usage
from recordscan.facts import Fact, Known, Reason, if_known, need, not_applicable, remark, unavailable
from recordscan.profile import Profile
from recordscan.rule import Finding, Findings, Severity, finding, proposal, rule_over

_RECORDINGS = "https://www.twilio.com/docs/video/api/recordings-resource"
_COMPOSITIONS = "https://www.twilio.com/docs/video/api/compositions-resource"
_USAGE = "https://www.twilio.com/docs/usage/api/usage-record"
_ERROR = "https://www.twilio.com/docs/api/errors"

LONGEST_PROCESSING = timedelta(hours=26)
"""A participant can be connected for 24 hours; the rest is for what Twilio does afterwards."""


@rule_over(
    Estate.twilio_accounts,
    "media-usage-stored",
    title="Usage shows no Video media stored at Twilio",
    severity=Severity.MEDIUM,
    remedy="what is to become of media at Twilio, a person must decide",
    remediation="""
        See which media Twilio holds (`media-recordings-in-twilio`, `media-compositions-in-twilio`), move
        what must be kept, and delete the rest at Twilio. Usage follows a day or two later.
    """,
    controls=proposal(nist_800_53_r5=["SA-9(5)", "SI-12"], iso_27001_2022=["A.5.23"], gdpr=["art. 28"]),
    references=(_USAGE,),
)
def usage_stored(account: TwilioAccount, profile: Profile) -> Findings:
    """Twilio bills what it stores, so its meter shows what a list may not.

    The account alone is looked at, without its subaccounts. Amounts too small to be counted show as nothing.
    """
    if profile.storage == "compose-then-delete":
        not_applicable("the profile lets Twilio hold Recordings until they are composed")
    stored = newest_usage(need(account.usage), account.as_of)
    if stored is not None:
        yield finding(
            f"Twilio stored {stored.amount} GB of Video media of {account.label} on {stored.day}",
            account.sid,
            expected="0 GB",
            observed=f"{stored.amount} GB",
            evidence=stored.source,
        )


@rule_over(
    Estate.twilio_accounts,
    "media-stuck-processing",
    title="No Recording is stuck in processing",
    severity=Severity.MEDIUM,
    remedy="the other findings tell what holds the upload up",
    remediation="""
        Look at Twilio's error log: uploads may wait for a setting to be mended (53610-53615). Twilio removes the
        Recording when it gives up (53616), so do it soon.
    """,
    controls=proposal(nist_800_53_r5=["SI-4", "CP-9"], iso_27001_2022=["A.8.16"], soc2=["A1.2"]),
    references=(_RECORDINGS, f"{_ERROR}/53604"),
)
def stuck(account: TwilioAccount) -> Findings:
    """A Recording is in processing while it is made, which ends after a day; later it is an upload without end."""
    recordings = need(account.recordings)
    running = [r for r in recordings.items if r.status == "processing"]
    late = [r for r in running if isinstance(r.created, Known) and account.as_of - r.created.value > LONGEST_PROCESSING]
    if late:
        yield _named(
            f"{len(late)} Recordings of {account.label} are in processing for more than 26 hours",
            late,
            expected="completed within 26 hours",
            discriminator=account.sid,
        )
    for recording in running:
        need(recording.created)
    need(recordings.whole)
    if not recordings.items:
        not_applicable("the account has no Recordings")


@rule_over(
    Estate.twilio_accounts,
    "media-failed-recordings",
    title="No Recording failed",
    severity=Severity.HIGH,
    remedy="what was not recorded cannot be had again",
    remediation="""
        Twilio's error log says why. What was not recorded cannot be had again; subscribe to `recording-failed`
        callbacks to see the next failure at once.
    """,
    controls=proposal(nist_800_53_r5=["SI-4", "CP-9"], iso_27001_2022=["A.8.16"], soc2=["PI1.3"]),
    references=(_RECORDINGS,),
)
def failed_recordings(account: TwilioAccount) -> Findings:
    """A failed Recording is evidence that is not there, and nothing else says so."""
    recordings = need(account.recordings)
    failed = [r for r in recordings.items if r.status == "failed"]
    if failed:
        yield _named(
            f"{len(failed)} of the Recordings of {account.label} failed",
            failed,
            expected="none",
            discriminator=account.sid,
        )
    need(recordings.whole)
    if not recordings.items:
        not_applicable("the account has no Recordings")


@rule_over(
    Estate.twilio_targets,
    "media-retention-twilio",
    title="Media at Twilio is not older than the retention period",
    severity=Severity.MEDIUM,
    remedy="what is deleted is gone for good, so a person must see to each Recording and Composition",
    remediation="""
        Delete the media at Twilio (`DELETE /v1/Recordings/RT…`, `DELETE /v1/Compositions/CJ…`), after a copy was made
        of what must be kept. The limit is `twilio_retention_days`, or else `retention_max_days`.
    """,
    controls=proposal(nist_800_53_r5=["SI-12"], iso_27001_2022=["A.8.10"], gdpr=["art. 5(1)(e)"]),
    references=(_RECORDINGS, _COMPOSITIONS),
)
def retention_at_twilio(target: Target, profile: Profile) -> Findings:
    """Twilio keeps media until it is told to delete it: no lifecycle rule ends it, whatever the bucket's says."""
    limit = profile.twilio_retention_days
    limit = profile.retention_max_days if limit is None else limit
    if limit is None:
        not_applicable("the profile sets no retention period")
    media = need(media_of(target))
    held = [item for item in media.items if item.location is None and item.status != "failed"]
    late = [
        item
        for item in held
        if isinstance(item.created, Known) and target.as_of - item.created.value > timedelta(days=limit)
    ]
    if late:
        oldest = min(item.created.value for item in late if isinstance(item.created, Known))
        yield _named(
            f"Twilio holds {len(late)} of {target.name} for more than {limit} days, the oldest since {oldest:%Y-%m-%d}",
            late,
            expected=f"at most {limit} days",
            discriminator=target.uid,
        )
    for item in held:
        need(item.created)
    need(media.whole)
    if not held:
        not_applicable(f"Twilio holds no {target.media}")


@rule_over(
    Estate.twilio_targets,
    "media-object-present",
    title="Every sampled external Recording and Composition still has its object",
    severity=Severity.MEDIUM,
    remedy="who deleted the object, or whether it ever came, a person must find out",
    remediation="""
        Find out who deleted the object, or whether it ever came: CloudTrail data events show both. Restore it from a
        version or a backup, and let lifecycle rules keep media for `retention_min_days`.
    """,
    controls=proposal(nist_800_53_r5=["CP-9", "SI-12"], iso_27001_2022=["A.8.13"], soc2=["A1.2", "PI1.5"]),
    references=(_RECORDINGS, _COMPOSITIONS),
)
def object_present(target: Target, profile: Profile) -> Findings:
    """Twilio says that it stored the media, and has no other copy; only the bucket can say that it is there.

    Looks for the 10 newest whose location tells an object's name, and that are younger than `retention_min_days`. Of
    others it counts only what is found, by their SID in a name.
    """
    location = location_of(target)
    media = need(media_of(target))
    minimum = profile.retention_min_days
    stored = [item for item in media.items if item.location is not None and item.status == "completed"]
    expected = [item for item in stored if minimum is None or _age(item, target.as_of) < timedelta(days=minimum)]
    if not expected:
        need(media.whole)
        not_applicable(
            f"no {target.media} are stored externally"
            if not stored
            else f"all external {target.media} are older than the {minimum} days that the profile asks for"
        )
    sids = {item.sid for item in expected}
    sampled = [sample for sample in need(target.stored) or () if sample.media.sid in sids]
    absent = [s for s in sampled if isinstance(s.present, Known) and not s.present.value]
    for sample in absent if minimum is not None else ():
        yield finding(
            f"the bucket {location.bucket} has no object of {sample.media.sid}, which Twilio stored as {sample.key}",
            sample.media.sid,
            expected=f"kept for {minimum} days",
            observed="absent",
            evidence=sample.media.source + sample.present.source,
        )
    for sample in sampled:
        need(sample.present)
    if absent and minimum is not None:
        return
    if absent:
        unavailable(
            Reason.UNDECIDABLE,
            f"the object of {absent[0].media.sid} is absent, and the profile does not say how long media must be kept",
        )
    found = len(sampled) or len(_found_by_sid(target, expected))
    if not found:
        unavailable(
            Reason.UNDECIDABLE,
            f"Twilio shows only the place of {target.media}, and documents no names of their objects",
        )
    if found < len(expected):
        remark(f"{found} of {len(expected)} external {target.media} were found")


@rule_over(
    Estate.twilio_targets,
    "media-erasure-both-sides",
    title="Media deleted at Twilio is deleted in the bucket, too",
    severity=Severity.HIGH,
    remedy="what is deleted is gone for good, so a person must see to each object",
    remediation="""
        Delete the object with all its versions (`aws s3api delete-object --version-id …`), and have whatever deletes at
        Twilio do so from now on. `NoncurrentVersionExpiration` in a lifecycle rule ends earlier versions by itself.
    """,
    controls=proposal(nist_800_53_r5=["SI-12"], iso_27001_2022=["A.8.10"], gdpr=["art. 17"]),
    references=(_COMPOSITIONS, _RECORDINGS),
)
def erasure_on_both_sides(target: Target) -> Findings:
    """Deleting at Twilio leaves the external file alone, so whoever asked to be forgotten is still on film.

    Twilio tells for 30 days what was deleted; looks at the 50 newest of it whose location tells an object's name. An
    earlier version that a deletion left behind is still the film.
    """
    location = location_of(target)
    deleted = need(_deleted_of(target))
    external = [item for item in deleted.items if item.location is not None]
    if not deleted.items:
        need(deleted.whole)
        not_applicable(f"no {target.media} were deleted in the last 30 days")
    named = need(target.deleted) or ()
    remaining = {item.sid for item in _found_by_sid(target, deleted.items)}
    for sample in named:
        current = if_known(sample.present)
        versions = if_known(sample.versions) or 0
        remaining.discard(sample.media.sid)
        if current or versions:
            state = "the object" if current else f"{versions} earlier versions of the object"
            yield finding(
                f"the bucket {location.bucket} still has {state} of {sample.media.sid}, which was deleted at Twilio",
                sample.media.sid,
                severity=Severity.HIGH if current else Severity.MEDIUM,
                expected="absent",
                observed=f"{sample.key}, {versions} versions",
                evidence=sample.media.source + sample.versions.source,
            )
    for item in deleted.items:
        if item.sid in remaining:
            yield finding(
                f"the bucket {location.bucket} still has an object of {item.sid}, which was deleted at Twilio",
                item.sid,
                expected="absent",
                observed="an object with its SID in the name",
                evidence=item.source + target.objects.source,
            )
    for sample in named:
        need(sample.versions)
    need(deleted.whole)
    if len(named) < len(external):
        unavailable(
            Reason.UNDECIDABLE,
            f"of {len(external)} external {target.media} that were deleted at Twilio, the objects of {len(named)} have "
            "names that are known and were looked for",
        )
    if not external:
        if not remaining:
            not_applicable(f"no external {target.media} were deleted in the last 30 days")
        return
    if need(target.replicated):
        unavailable(Reason.UNDECIDABLE, "the bucket's objects are copied to another bucket, which was not looked at")


@rule_over(
    Estate.twilio_targets,
    "enc-client-side-effective",
    title="Objects show that they are encrypted with the public key when they should be",
    severity=Severity.MEDIUM,
    remedy="why media came as it did, a person must find out; what is there will not change by itself",
    remediation="""
        Compare the setting's public key with the one you meant, and see when it was switched on. Media without the
        envelope's metadata can be read by whoever may read the object.
    """,
    controls=proposal(nist_800_53_r5=["SC-28(1)"], iso_27001_2022=["A.8.24"], gdpr=["art. 32(1)(a)"]),
    references=("https://www.twilio.com/docs/video/tutorials/encrypting-your-stored-media",),
)
def client_side_effective(target: Target) -> Findings:
    """An encrypted object carries its wrapped key and its initialization vector as metadata, so it can be told apart.

    Looks at the newest object whose name is known; older ones may be from before the switch. Their metadata can be read
    only with `s3:GetObject`, which lets read media as well; the configuration has to ask for a sample
    (`sample_objects` under `[scan]`).
    """
    location_of(target)
    if target.setting is None or not need(target.setting.encryption_enabled):
        not_applicable("encryption with a public key is not enabled")
    samples = [sample for sample in need(target.stored) or () if sample.media.status == "completed"]
    if not samples:
        unavailable(Reason.UNDECIDABLE, f"the name of no object of {target.media} is known")
    newest = samples[0]
    names = need(newest.metadata)
    if names is None:
        unavailable(Reason.NOT_FOUND, f"the object of {newest.media.sid}, the newest, is absent")
    if not (_WRAPPED_KEYS & names and "x-amz-iv" in names):
        yield finding(
            f"the object of {newest.media.sid}, the newest of {target.name}, is not encrypted with a public key",
            newest.media.sid,
            expected="metadata x-amz-key and x-amz-iv",
            observed=", ".join(sorted(names)) or "no metadata",
            evidence=newest.metadata.source + newest.media.source,
        )


_WRAPPED_KEYS = frozenset({"x-amz-key", "x-amz-key-v2"})


def _named(message: str, media: Sequence[Media], *, expected: str, discriminator: str) -> Finding:
    """A finding about media, with the first of it as its resources."""
    return finding(
        message,
        *(item.sid for item in media[:5]),
        expected=expected,
        observed=f"{len(media)}",
        discriminator=discriminator,
        evidence=tuple(place for item in media[:5] for place in item.source),
    )


def _age(media: Media, as_of: datetime) -> timedelta:
    return as_of - need(media.created)


def _deleted_of(target: Target) -> Fact[Listing[Media]]:
    if target.account is None or target.setting is None:
        not_applicable("the target was named without a Twilio setting")
    return target.account.deleted(target.setting.product)


def _found_by_sid(target: Target, media: Sequence[Media]) -> list[Media]:
    """Media whose SID stands in the name of one of the first objects under the prefix."""
    objects = if_known(target.objects)
    names = [stored.key.lower() for stored in objects.items] if objects is not None else []
    return [item for item in media if any(item.sid.lower() in name for name in names)]
