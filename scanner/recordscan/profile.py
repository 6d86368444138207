"""What an organisation requires of its recordings. The configuration fills it; rules with options read it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from recordscan.facts import Json

Storage = Literal["external", "compose-then-delete"]
LockMode = Literal["GOVERNANCE", "COMPLIANCE"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """Requirements that differ from one organisation to another.

    Attributes:
        preset: Name of the set of requirements that the others change; None for the defaults.
        storage: "external": media goes to the customer's bucket. "compose-then-delete": Recordings stay at Twilio until
            their Composition is done, then are deleted.
        source_grace_days: Days that source Recordings may stay at Twilio after their Composition was completed.
        credential_max_age_days: Days that an AWS credential resource at Twilio may exist before it must be replaced.
        key_max_age_days: Days that an IAM access key may be active.
        key_unused_days: Days after which an active key that was not used counts as unused.
        key_overlap_days: Days that two keys may be active together during a rotation.
        key_rotation_max_days: Days after which a KMS key must have been rotated.
        root_unused_days: Days during which nobody may have signed in as the root user.
        log_retention_min_days: Least number of days that access logs must be kept; None for no such requirement.
        retention_min_days: Least number of days that media must be kept; None for no such requirement.
        retention_max_days: Greatest number of days that media may be kept; None for no such requirement.
        readers: Who may read media, by ARN or host name of a service; None for no such requirement.
        administrators: Who may change what guards media; None for no such requirement.
        options: Rule id → values for the options of that rule.
        writer_actions: S3 actions that the writer is to be allowed on media beside `s3:PutObject`.
        noncurrent_max_days: Days that noncurrent versions may stay.
        object_lock_mode: Mode of Object Lock that the bucket's default retention must have, or a stricter one; None for
            no such requirement.
        object_lock_min_days: Least number of days of the default retention; None for no such requirement.
        require_backup: AWS Backup must protect the bucket.
        require_crr: Media must be replicated to another Region.
        allowed_regions: Regions that copies and keys may be in; () for any.
        test_files: Object keys of known activation test files, which are not reported.
        trusted_accounts: AWS account ids that the bucket and its key may be shared with.
        trusted_organizations: Ids of AWS organizations, `o-…`, that they may be shared with.
        twilio_retention_days: Days that media may lie at Twilio; None for `retention_max_days`.
        client_side_encryption: Twilio must encrypt media with the organisation's public key.
        public_key_max_age_days: Days that a public key at Twilio may be in use.
        callback_hosts: Hosts that status callbacks may go to, `*.` before one for its subdomains; None where nobody
            said.
        record_on_connect: Whether Rooms record participants as they connect; None for no such requirement.
        storage_regions: AWS Regions that media may lie in; None for no such requirement.
        media_regions: Twilio regions, such as `ie1`, that media of Rooms may pass through; None for no such
            requirement.
        twilio_keys: SIDs of API keys that may change storage settings and delete media.
        twilio_key_max_age_days: Days that an API key of Twilio may exist.
        restricted_keys_percent: Least share of API keys that are restricted.
        key_actors: SIDs of who may create and delete keys and credentials at Twilio; None where nobody said.
        key_networks: Networks in CIDR notation that they may do so from; None for anywhere.
        unconfigured_subaccounts: SIDs of Twilio subaccounts that need no storage of their own.
        transient_alerts: Passing upload errors that are put up with in a month.
        covers_calls: The requirements hold for recordings of calls, too.
        transcripts_elsewhere: Transcriptions of Rooms are looked after apart.
    """

    preset: str | None = None
    storage: Storage = "external"
    source_grace_days: int = 7
    credential_max_age_days: int = 90
    key_max_age_days: int = 90
    key_unused_days: int = 45
    key_overlap_days: int = 14
    key_rotation_max_days: int = 365
    root_unused_days: int = 90
    log_retention_min_days: int | None = None
    retention_min_days: int | None = None
    retention_max_days: int | None = None
    noncurrent_max_days: int = 90
    object_lock_mode: LockMode | None = None
    object_lock_min_days: int | None = None
    require_backup: bool = False
    require_crr: bool = False
    allowed_regions: tuple[str, ...] = ()
    test_files: tuple[str, ...] = ()
    trusted_accounts: tuple[str, ...] = ()
    trusted_organizations: tuple[str, ...] = ()
    readers: tuple[str, ...] | None = None
    administrators: tuple[str, ...] | None = None
    writer_actions: tuple[str, ...] = ()
    twilio_retention_days: int | None = None
    client_side_encryption: bool = False
    public_key_max_age_days: int = 365
    callback_hosts: tuple[str, ...] | None = None
    record_on_connect: bool | None = None
    storage_regions: tuple[str, ...] | None = None
    media_regions: tuple[str, ...] | None = None
    twilio_keys: tuple[str, ...] = ()
    twilio_key_max_age_days: int = 180
    restricted_keys_percent: int = 50
    key_actors: tuple[str, ...] | None = None
    key_networks: tuple[str, ...] | None = None
    unconfigured_subaccounts: tuple[str, ...] = ()
    transient_alerts: int = 10
    covers_calls: bool = False
    transcripts_elsewhere: bool = False
    options: Mapping[str, Mapping[str, Json]] = field(default_factory=dict)

    @classmethod
    def of(cls, values: Mapping[str, Json]) -> "Profile":
        """A profile from plain values, as JSON and the configuration hold them."""
        plain: dict[str, Json] = {n: tuple(value) if isinstance(value, list) else value for n, value in values.items()}
        return cls(**plain)
