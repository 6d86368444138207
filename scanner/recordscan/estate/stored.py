"""Media in the bucket: which objects a scan looks for by name, and what it found of them.

Twilio documents no names of objects. Where the location of media is a whole URL whose last part holds the media's SID,
that is the object's name; a location that is only the configured prefix tells none.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial

from recordscan.estate.answers import Answers, listing, text
from recordscan.estate.bucket import read_objects
from recordscan.estate.s3url import S3Location, parse_object_url
from recordscan.estate.twilio import Composition, Recording
from recordscan.facts import Fact, Json, Known, Reason, Unavailable, derive, need, pluck, unavailable

Media = Recording | Composition

SAMPLED = 10
"""Newest media that is looked for in the bucket."""

DELETED_SAMPLED = 50
"""Newest media deleted at Twilio that is looked for in the bucket."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredMedia:
    """Media whose object has a name.

    Attributes:
        media: The Recording or Composition.
        key: Name of its object.
        present: Whether the bucket has it.
        metadata: Names of its user metadata, in lower case; None where the object is gone; unavailable unless the scan
            may read objects.
    """

    media: Media
    key: str
    present: Fact[bool]
    metadata: Fact[frozenset[str] | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class DeletedMedia:
    """Media that was deleted at Twilio and whose object has a name.

    Attributes:
        media: The Recording or Composition.
        key: Name of its object.
        present: Whether the bucket still has it as the current version.
        versions: How many versions of it the bucket has, the current one and those before.
    """

    media: Media
    key: str
    present: Fact[bool]
    versions: Fact[int]


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaPlace:
    """The bucket that media is looked for in, and who asks: account ids of caller and owner."""

    bucket: str
    account: str
    owner: str


def object_key(media: Media, bucket: str) -> str | None:
    """The name of the object of media in a bucket; None where it lies elsewhere or its location tells no name."""
    location = parse_object_url(media.location)
    if not isinstance(location, S3Location) or location.bucket != bucket:
        return None
    name = location.key_prefix.rpartition("/")[2]
    return location.key_prefix if media.sid.lower() in name.lower() else None


def newest_named(media: Iterable[Media], bucket: str, limit: int) -> tuple[tuple[Media, str], ...]:
    """The newest media whose objects in a bucket have names, and these."""
    named = [(item, key) for item in media if (key := object_key(item, bucket)) is not None]
    named.sort(key=lambda pair: (_created(pair[0]), pair[0].sid))
    return tuple(reversed(named[-limit:]))


def read_stored(answers: Answers, media: Sequence[Media], place: MediaPlace) -> tuple[StoredMedia, ...]:
    """What the bucket has of the newest media."""
    return tuple(
        StoredMedia(
            media=item,
            key=key,
            present=derive(partial(_is_listed, answers, place, key)),
            metadata=derive(partial(_metadata, answers, place, key)),
        )
        for item, key in newest_named(media, place.bucket, SAMPLED)
    )


def read_deleted(answers: Answers, media: Sequence[Media], place: MediaPlace) -> tuple[DeletedMedia, ...]:
    """What the bucket still has of media that was deleted at Twilio."""

    def found(item: Media, key: str) -> DeletedMedia:
        versions = answers.read(
            "s3:ListObjectVersions", place.account, Bucket=place.bucket, Prefix=key, ExpectedBucketOwner=place.owner
        )
        return DeletedMedia(
            media=item,
            key=key,
            present=derive(lambda: any(is_latest for is_latest in _versions(versions, key))),
            versions=derive(lambda: len(_versions(versions, key))),
        )

    return tuple(found(item, key) for item, key in newest_named(media, place.bucket, DELETED_SAMPLED))


def is_replicated(answers: Answers, place: MediaPlace) -> Fact[bool]:
    """Whether a rule copies new objects of the bucket to other buckets."""
    answer = answers.read(
        "s3:GetBucketReplication", place.account, Bucket=place.bucket, ExpectedBucketOwner=place.owner
    )

    def compute() -> bool:
        if need(answer) is None:
            return False
        rules = need(pluck(answer, "ReplicationConfiguration", "Rules"))
        if not isinstance(rules, list):
            unavailable(Reason.MALFORMED, "the answer has no replication rules")
        return any(rule.get("Status") != "Disabled" for rule in rules)

    return derive(compute)


def _created(media: Media) -> float:
    return media.created.value.timestamp() if isinstance(media.created, Known) else 0


def _is_listed(answers: Answers, place: MediaPlace, key: str) -> bool:
    # A name comes before all longer ones that begin with it, so the first page has it if there is one.
    found = need(read_objects(answers, place.bucket, key, account=place.account, owner=place.owner))
    return any(stored.key == key for stored in found.items)


def _metadata(answers: Answers, place: MediaPlace, key: str) -> frozenset[str] | None:
    answer = answers.read("s3:HeadObject", place.account, Bucket=place.bucket, Key=key, ExpectedBucketOwner=place.owner)
    if isinstance(answer, Unavailable) and answer.reason is Reason.NOT_SELECTED:
        unavailable(
            Reason.NOT_SELECTED,
            "no object was looked at: `sample_objects` under `[scan]` asks for it, and needs s3:GetObject",
            "s3:GetObject",
        )
    if need(answer) is None:
        return None
    names = need(pluck(answer, "MetadataNames"))
    if not isinstance(names, list):
        unavailable(Reason.MALFORMED, "the answer has no names of metadata")
    return frozenset(str(name).lower() for name in names)


def _versions(answer: Fact[Json], key: str) -> list[bool]:
    """Whether each version of a name that is no delete marker is the current one."""

    def parse(row: Fact[Json]) -> tuple[str | None, bool]:
        return need(text(pluck(row, "Key"))), bool(need(pluck(row, "IsLatest")))

    found = need(listing(answer, "Versions", parse))
    return [is_latest for name, is_latest in found.items if name == key]
