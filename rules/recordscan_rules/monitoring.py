"""What tells of changes to media: event notifications, and the inventory of all objects."""

from fnmatch import fnmatchcase

from recordscan.estate.bucket import Bucket
from recordscan.estate.bucket_settings import Inventory, Notification
from recordscan.estate.target import Target, bucket_of, location_of
from recordscan.facts import need, places
from recordscan.policy.outsiders import account_of
from recordscan.profile import Profile
from recordscan.rule import Findings, Severity, finding, official, peer, proposal, rule

_EVENTS = "https://docs.aws.amazon.com/AmazonS3/latest/userguide/EventNotifications.html"
_INVENTORY = "https://docs.aws.amazon.com/AmazonS3/latest/userguide/storage-inventory.html"

_DELETED = (
    "s3:ObjectRemoved:Delete",
    "s3:ObjectRemoved:DeleteMarkerCreated",
    "s3:LifecycleExpiration:Delete",
    "s3:LifecycleExpiration:DeleteMarkerCreated",
)
_ACL_CHANGED = "s3:ObjectAcl:Put"


@rule(
    "bucket-events",
    title="Deletions and changes of ACLs are reported as events",
    severity=Severity.LOW,
    remedy="who is to be told of events, a person must choose",
    remediation="""
        Send the bucket's events to EventBridge, where rules pick what is of interest: `aws s3api
        put-bucket-notification-configuration --bucket BUCKET --notification-configuration
        '{"EventBridgeConfiguration":{}}'`. This call replaces all notifications; repeat those that should stay. Name
        accounts of other destinations in `trusted_accounts` of the configuration.
    """,
    controls=official(security_hub=["S3.11"], nist_800_53_r5=["CA-7", "SI-4"]) + peer(pci_dss_4_0_1=["11.5.2"]),
    references=(_EVENTS,),
    peers=(
        "prowler:s3_bucket_event_notifications_enabled",
        "checkov:CKV2_AWS_62",
        "custodian:bucket-notification",
        "config:s3-event-notifications-enabled",
        "securityhub:S3.11",
    ),
)
def events(target: Target, profile: Profile) -> Findings:
    """Somebody should hear of it when recordings go, or are opened to others, and not find out in a lawsuit.

    EventBridge gets all events. Otherwise notifications without a narrower filter must cover deletions, delete markers,
    expirations, and, while ACLs are alive, changes of them. Events carry names of objects, so topics, queues and
    functions must be of the bucket's own account or of a trusted one.
    """
    bucket, prefix = bucket_of(target), location_of(target).key_prefix
    found = need(bucket.notifications)
    for sent in found.sent:
        account = account_of(sent.destination)
        if account not in (need(bucket.owner), *profile.trusted_accounts):
            yield finding(
                f"the bucket {bucket.name} reports events to {sent.destination}, of an account that is not trusted",
                bucket.arn,
                sent.destination,
                expected="a destination in the bucket's own account or a trusted one",
                observed=sent.destination,
                discriminator=f"destination {sent.destination}",
                evidence=places(bucket.notifications),
            )
    if found.event_bridge:
        return
    reported = [event for sent in found.sent if _covers(sent, prefix) for event in sent.events]
    missing = [event for event in _DELETED if not _is_reported(event, reported)]
    if not _is_reported(_ACL_CHANGED, reported) and need(bucket.object_ownership) != "BucketOwnerEnforced":
        missing.append(_ACL_CHANGED)
    if missing:
        yield finding(
            f"the bucket {bucket.name} does not report all deletions and changes of ACLs under {prefix or '/'}",
            bucket.arn,
            expected="EventBridge, or notifications of these events",
            observed="not reported: " + ", ".join(missing),
            discriminator="coverage",
            evidence=places(bucket.notifications),
        )


def _covers(sent: Notification, prefix: str) -> bool:
    return prefix.startswith(sent.prefix) and not sent.suffix


def _is_reported(event: str, patterns: list[str]) -> bool:
    return any(fnmatchcase(event, pattern) for pattern in patterns)


_LOCK_COLUMNS = ("ObjectLockMode", "ObjectLockRetainUntilDate")


@rule(
    "bucket-inventory",
    title="An inventory lists all media with its encryption, to a place that is trusted",
    severity=Severity.LOW,
    remedy="where the inventory is to lie, a person must choose",
    remediation="""
        `aws s3api put-bucket-inventory-configuration --bucket BUCKET --id ID --inventory-configuration
        file://inventory.json` with the field `EncryptionStatus`, and under Object Lock `ObjectLockMode` and
        `ObjectLockRetainUntilDate`; with `AccountId` and `Encryption` (`SSEKMS`) in the destination.
    """,
    controls=proposal(nist_800_53_r5=["CM-8"], iso_27001_2022=["A.5.9"]),
    references=(_INVENTORY,),
    peers=("custodian:inventory",),
)
def inventory(target: Target, profile: Profile) -> Findings:
    """The defaults of a bucket say nothing of objects that are there already; an inventory shows each of them.

    Reports carry names of all recordings. So each that lists media must name the account that owns the destination,
    the bucket's own or a trusted one, for S3 to check, and the encryption of the report.
    """
    bucket, prefix = bucket_of(target), location_of(target).key_prefix
    listed = need(bucket.inventories)
    trusted = (need(bucket.owner), *profile.trusted_accounts)
    touching = [
        entry
        for entry in listed.items
        if entry.enabled and (entry.prefix.startswith(prefix) or prefix.startswith(entry.prefix))
    ]
    for entry in touching:
        for message, expected, observed in _faults(entry, trusted):
            yield finding(
                f"the inventory {entry.label!r} of the bucket {bucket.name} {message}",
                bucket.arn,
                f"arn:{bucket.arn.split(':')[1]}:s3:::{entry.bucket}",
                expected=expected,
                observed=observed,
                discriminator=f"{entry.label} {expected}",
                evidence=places(bucket.inventories),
            )
    wanted = _columns(bucket)
    whole = [entry for entry in touching if prefix.startswith(entry.prefix)]
    if not any(set(wanted) <= set(entry.columns) for entry in whole):
        need(listed.whole)
        lacking = "; ".join(f"{e.label} without {', '.join(c for c in wanted if c not in e.columns)}" for e in whole)
        yield finding(
            f"no enabled inventory of the bucket {bucket.name} lists all media under {prefix or '/'} "
            "and how it is encrypted",
            bucket.arn,
            expected="an inventory with " + ", ".join(wanted),
            observed=lacking or "no inventory of the prefix",
            discriminator="coverage",
            evidence=places(bucket.inventories),
        )
    need(listed.whole)


def _columns(bucket: Bucket) -> tuple[str, ...]:
    return ("EncryptionStatus", *(_LOCK_COLUMNS if need(bucket.object_lock) is not None else ()))


def _faults(entry: Inventory, trusted: tuple[str, ...]) -> list[tuple[str, str, str]]:
    """Clause, expected and observed of what is wrong with the destination."""
    found = []
    if entry.account is None:
        found.append(
            (
                f"does not say whose the bucket {entry.bucket} is that its reports go to",
                "AccountId of the bucket's own account or a trusted one",
                "no AccountId",
            )
        )
    elif entry.account not in trusted:
        found.append(
            (
                f"goes to the bucket {entry.bucket} of the account {entry.account}, which is not trusted",
                "AccountId of the bucket's own account or a trusted one",
                entry.account,
            )
        )
    if not entry.encrypted:
        found.append(("names no encryption of its reports", "SSE-KMS or SSE-S3", "no Encryption"))
    return found
