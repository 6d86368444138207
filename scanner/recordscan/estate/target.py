"""Targets: one Twilio storage setting joined with its bucket, key and writer."""

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Protocol

from recordscan.estate.answers import Listing
from recordscan.estate.bucket import Bucket, StoredObject
from recordscan.estate.key import KmsKey
from recordscan.estate.link import Link
from recordscan.estate.organization import Organization
from recordscan.estate.principal import Principal
from recordscan.estate.s3url import S3Location
from recordscan.estate.sample import Sample
from recordscan.estate.side_doors import SideDoors
from recordscan.estate.stored import DeletedMedia, Media, StoredMedia
from recordscan.estate.trail import EventDataStore, Trail
from recordscan.estate.twilio import CredentialResource, StorageSetting, TwilioAccount
from recordscan.estate.user import IamUser
from recordscan.estate.watch import Watch
from recordscan.facts import Fact, Known, need, not_applicable
from recordscan.policy.template import Place

if TYPE_CHECKING:
    from recordscan.estate.reach import Reach
    from recordscan.policy.excess import Excess


@dataclass(frozen=True, kw_only=True)  # without slots, so that `reach` is found once and kept
class Target:
    """A place that media is written to.

    The joined facts are known to be None where the setting is off: then Twilio writes to no bucket.

    Attributes:
        uid: `twilio:AC…/recordings`, or `s3://bucket/prefix` for a target without Twilio.
        name: For people.
        account: The Twilio account; None for a target without Twilio.
        setting: The storage setting; None for a target without Twilio.
        location: The parsed URL.
        bucket: The bucket in the URL.
        key: The KMS key of the bucket's default encryption; None where it uses none of ours (SSE-S3, AWS managed key).
        credential: The AWS credential resource that the setting names; None where Twilio does not list it.
        link: What that credential is believed to hold.
        writer: The IAM user that Twilio writes as; unavailable unless the link is proven.
        writer_places: Where that user is to write, for this and for other targets.
        others: The other targets that Twilio writes to.
        receives_logs: Whether the bucket of another target is known to send its access logs here.
        objects: The first objects under the prefix, as far as the scan sampled them.
        sample_size: Objects that the scan was told to look at one by one.
        sample: What was looked at of single objects.
        doors: What leads to the bucket's objects beside its own name.
        stored: The newest media whose object has a name.
        deleted: Media deleted at Twilio in the last 30 days whose object has a name.
        replicated: Whether objects of the bucket are copied to other buckets.
        trails: The CloudTrail trails that record in the bucket's Region.
        event_data_stores: The event data stores of CloudTrail Lake in the bucket's Region.
        watch: What tells somebody of changes to the bucket and the key.
        log_target: The bucket that the bucket's access logs go to; None where there are none.
        principals: All users and roles of the account that the scan runs in.
        organization: What an organization does to that account.
        as_of: The moment that ages are counted to.
    """

    uid: str
    name: str
    account: TwilioAccount | None
    setting: StorageSetting | None
    location: Fact[S3Location | None]
    bucket: Fact[Bucket | None]
    key: Fact[KmsKey | None]
    credential: Fact[CredentialResource | None]
    link: Fact[Link | None]
    writer: Fact[IamUser | None]
    writer_places: Fact[tuple[Place, ...]]
    others: tuple["Target", ...]
    receives_logs: Known[bool]
    objects: Fact[Listing[StoredObject] | None]
    sample_size: int
    sample: Fact[Sample | None]
    doors: Fact[SideDoors | None]
    stored: Fact[tuple[StoredMedia, ...] | None]
    deleted: Fact[tuple[DeletedMedia, ...] | None]
    replicated: Fact[bool | None]
    trails: Fact[tuple[Trail, ...] | None]
    event_data_stores: Fact[tuple[EventDataStore, ...] | None]
    watch: Fact[Watch | None]
    log_target: Fact[Bucket | None]
    principals: Fact[tuple[Principal, ...]]
    organization: Organization
    as_of: datetime

    @property
    def kind(self) -> str:
        return "target"

    @property
    def provider(self) -> str:
        return "aws" if self.account is None else "twilio"

    @property
    def account_id(self) -> str | None:
        return None if self.account is None else self.account.sid

    @property
    def region_name(self) -> str | None:
        return None

    @cached_property
    def reach(self) -> "Fact[tuple[Reach, ...]]":
        """Who can do what to the media, the key and their guards; see `recordscan.estate.reach`."""
        from recordscan.estate.reach import reach

        return reach(self)

    @cached_property
    def excess(self) -> "dict[tuple[str, ...], Fact[tuple[Excess, ...]]]":
        """What the writer may do too much, as far as it was asked; see `recordscan.estate.privileges`."""
        return {}

    @property
    def media(self) -> str:
        """What is written here, for messages: Recordings, Compositions or media."""
        return "media" if self.setting is None else self.setting.product.capitalize()


def setting_of(target: Target) -> StorageSetting:
    """The Twilio setting, or end the rule: the target has none."""
    if target.setting is None:
        not_applicable("the target was named without a Twilio setting")
    return target.setting


def enabled_setting_of(target: Target) -> StorageSetting:
    """The Twilio setting, or end the rule: external storage is off."""
    setting = setting_of(target)
    if not need(setting.enabled):
        not_applicable(f"external storage of {target.media} is not enabled")
    return setting


def location_of(target: Target) -> S3Location:
    """The parsed URL, or end the rule: Twilio writes to no bucket."""
    location = need(target.location)
    if location is None:
        not_applicable(f"external storage of {target.media} is not enabled")
    return location


def bucket_of(target: Target) -> Bucket:
    """The bucket, or end the rule: Twilio writes to no bucket."""
    bucket = need(target.bucket)
    if bucket is None:
        not_applicable(f"external storage of {target.media} is not enabled")
    return bucket


def doors_of(target: Target) -> SideDoors:
    """What leads to the bucket beside its own name, or end the rule: Twilio writes to no bucket."""
    bucket_of(target)
    doors = need(target.doors)
    if doors is None:
        not_applicable(f"external storage of {target.media} is not enabled")
    return doors


def sample_of(target: Target) -> Sample:
    """What was looked at of single objects, or end the rule: Twilio writes to no bucket."""
    bucket_of(target)
    sample = need(target.sample)
    if sample is None:
        not_applicable(f"external storage of {target.media} is not enabled")
    return sample


def media_of(target: Target) -> Fact[Listing[Media]]:
    """The Recordings or Compositions of the target's account, or end the rule: it has no Twilio setting."""
    if target.account is None or target.setting is None:
        not_applicable("the target was named without a Twilio setting")
    return target.account.media(target.setting.product)


def link_of(target: Target) -> Link:
    """What the credential is believed to hold, or end the rule: Twilio writes to no bucket."""
    link = need(target.link)
    if link is None:
        not_applicable(f"external storage of {target.media} is not enabled")
    return link


class HasKey(Protocol):
    """A target, or a key of the account."""

    @property
    def key(self) -> Fact[KmsKey | None]: ...


class HasWriter(Protocol):
    """A target, or an IAM user of the account."""

    @property
    def writer(self) -> Fact[IamUser | None]: ...


def key_of(holder: HasKey) -> KmsKey:
    """The KMS key, or end the rule: there is none to judge."""
    key = need(holder.key)
    if key is None:
        not_applicable("media is not written to a bucket whose default encryption names a KMS key")
    return key


def writer_of(holder: HasWriter) -> IamUser:
    """The IAM user, or end the rule: there is none to judge."""
    writer = need(holder.writer)
    if writer is None:
        not_applicable("Twilio does not write here as an IAM user")
    return writer
