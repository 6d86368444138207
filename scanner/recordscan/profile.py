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
        allowed_regions: Regions that copies may go to; () for any.
        test_files: Object keys of known activation test files, which are not reported.
        trusted_accounts: AWS account ids that the bucket and its key may be shared with.
        trusted_organizations: Ids of AWS organizations, `o-…`, that they may be shared with.
    """

    preset: str | None = None
    storage: Storage = "external"
    source_grace_days: int = 7
    credential_max_age_days: int = 90
    key_max_age_days: int = 90
    key_unused_days: int = 45
    key_overlap_days: int = 14
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
    options: Mapping[str, Mapping[str, Json]] = field(default_factory=dict)

    @classmethod
    def of(cls, values: Mapping[str, Json]) -> "Profile":
        """A profile from plain values, as JSON and the configuration hold them."""
        plain: dict[str, Json] = {n: tuple(value) if isinstance(value, list) else value for n, value in values.items()}
        return cls(**plain)
