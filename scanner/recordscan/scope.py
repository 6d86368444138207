"""What a scan looks at. Stored in the snapshot, so that it can be judged again without the configuration."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class TwilioAccountScope:
    """A Twilio account to scan: its SID and what reports call it."""

    sid: str
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AwsAccountScope:
    """An AWS account that is read beside the one that the scan runs in: its id and what reports call it."""

    id: str
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BucketScope:
    """A bucket to scan without a Twilio setting, and the prefix under which media lies ("" for all of it)."""

    bucket: str
    prefix: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """What a scan looks at.

    Attributes:
        twilio_accounts: Accounts whose storage settings become targets.
        aws_accounts: AWS accounts that are read beside the caller's own.
        buckets: Buckets that are targets without Twilio.
        whole_account: Every bucket, customer managed key and IAM user of the AWS accounts too.
        bucket_owners: AWS account ids that may own the buckets; () for those that are read.
        credential_links: Twilio credential SID (`CR…`) to the access key id or user ARN that it holds.
        assume_organization_allows: Organization policies that cannot be read are taken as allowing.
        alerts_since: Start date of the alerts that are asked for, `YYYY-MM-DD`.
        max_pages: Pages of one list after which a walk stops.
        sample_objects: Objects of each target that are looked at one by one.
    """

    twilio_accounts: tuple[TwilioAccountScope, ...] = ()
    aws_accounts: tuple[AwsAccountScope, ...] = ()
    buckets: tuple[BucketScope, ...] = ()
    whole_account: bool = False
    bucket_owners: tuple[str, ...] = ()
    credential_links: Mapping[str, str] = field(default_factory=dict)
    assume_organization_allows: bool = False
    alerts_since: str
    max_pages: int = 200
    sample_objects: int = 0
