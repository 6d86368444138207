"""The less common settings of a bucket: Object Lock, replication, CORS, notifications and inventories.

Shapes: https://docs.aws.amazon.com/AmazonS3/latest/API/API_Operations_Amazon_Simple_Storage_Service.html
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from recordscan.estate.answers import flag, integer, mapping, rows, text
from recordscan.facts import Fact, Json, Reason, need, pluck, unavailable

_DAYS_OF_YEAR = 365


class KeyFilter(NamedTuple):
    """What a rule of a bucket is about.

    Attributes:
        prefix: Keys that it covers begin with this.
        narrowed: What else narrows it, such as tags or object sizes; () when the prefix is all.
    """

    prefix: str
    narrowed: tuple[str, ...]

    def covers(self, prefix: str) -> bool:
        """Whether every key that begins with `prefix` is covered."""
        return not self.narrowed and prefix.startswith(self.prefix)

    def touches(self, prefix: str) -> bool:
        """Whether some key that begins with `prefix` may be covered."""
        return self.prefix.startswith(prefix) or prefix.startswith(self.prefix)


def read_key_filter(row: Fact[Json]) -> KeyFilter:
    """Read the filter of a lifecycle or replication rule, in its present or its old form."""
    rule = mapping(row)
    scope = rule.get("Filter") or {}
    both = scope.get("And") or {}
    # Whatever is no prefix narrows, also what S3 may add one day.
    narrowed = [word for word in scope if word not in ("Prefix", "And")]
    narrowed += [word for word in both if word != "Prefix"]
    prefix = rule.get("Prefix") or scope.get("Prefix") or both.get("Prefix") or ""
    return KeyFilter(prefix=prefix, narrowed=tuple(narrowed))


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectLock:
    """Object Lock of a bucket.

    Attributes:
        mode: COMPLIANCE or GOVERNANCE of the default retention; None where there is none.
        days: Days of the default retention, a year as 365; None where there is none.
        event_hold: Whether new objects are also held until an event.
    """

    mode: str | None
    days: int | None
    event_hold: bool


def read_object_lock(answer: Fact[Json]) -> ObjectLock | None:
    """Object Lock; None where it is off."""
    if need(answer) is None or need(text(pluck(answer, "ObjectLockConfiguration", "ObjectLockEnabled"))) is None:
        return None
    default = pluck(answer, "ObjectLockConfiguration", "Rule", "DefaultRetention")
    days, years = (need(integer(pluck(default, unit))) for unit in ("Days", "Years"))
    return ObjectLock(
        mode=need(text(pluck(default, "Mode"))),
        days=years * _DAYS_OF_YEAR if years is not None else days,
        event_hold=need(pluck(default, "DefaultEventHold")) is not None,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplicationRule:
    """One replication rule.

    Attributes:
        label: Its id, or `#n`.
        enabled: Status is Enabled.
        filter: Which objects it copies.
        bucket: Name of the destination bucket.
        account: Account of the destination: as the rule says, or the caller's where the bucket is among its own; None
            where it is neither said nor ours.
        region: Region of the destination bucket.
        kms_objects: Whether objects encrypted with KMS are copied.
        replica_key: KMS key of the copies; None where the rule names none.
        same_key: Whether copies are encrypted with the replica of the source's own multi-Region key.
        owner_override: Whether the destination's account becomes the owner of the copies.
    """

    label: str
    enabled: bool
    filter: KeyFilter
    bucket: str
    account: Fact[str | None]
    region: Fact[str]
    kms_objects: bool
    replica_key: str | None
    same_key: bool
    owner_override: bool


Locate = Callable[[str, str | None], tuple[Fact[str | None], Fact[str]]]
"""Account and Region of a destination bucket, by its name and the account that the rule states."""


def read_replication(answer: Fact[Json], locate: Locate) -> tuple[ReplicationRule, ...]:
    """All replication rules; () for none."""
    if need(answer) is None:
        return ()
    found = rows(answer, "ReplicationConfiguration", "Rules")
    return tuple(_replication_rule(row, i, locate) for i, row in enumerate(found, start=1))


def replication_destinations(answer: Fact[Json]) -> list[tuple[str, str | None]]:
    """Name of the destination bucket, and the account that the rule states, of each replication rule."""
    if need(answer) is None:
        return []
    return [_destination(row) for row in rows(answer, "ReplicationConfiguration", "Rules")]


def _destination(row: Fact[Json]) -> tuple[str, str | None]:
    destination = pluck(row, "Destination")
    return bucket_name(need(text(pluck(destination, "Bucket")))), need(text(pluck(destination, "Account")))


def _replication_rule(row: Fact[Json], index: int, locate: Locate) -> ReplicationRule:
    destination = pluck(row, "Destination")
    bucket, stated = _destination(row)
    account, region = locate(bucket, stated)
    encryption = pluck(destination, "EncryptionConfiguration")
    kms_objects = pluck(row, "SourceSelectionCriteria", "SseKmsEncryptedObjects", "Status")
    return ReplicationRule(
        label=need(text(pluck(row, "ID"))) or f"#{index}",
        enabled=need(text(pluck(row, "Status"))) == "Enabled",
        filter=read_key_filter(row),
        bucket=bucket,
        account=account,
        region=region,
        kms_objects=need(text(kms_objects)) == "Enabled",
        replica_key=need(text(pluck(encryption, "ReplicaKmsKeyID"))),
        same_key=need(text(pluck(encryption, "UseSourceMultiRegionKey", "Status"))) == "Enabled",
        owner_override=need(text(pluck(destination, "AccessControlTranslation", "Owner"))) == "Destination",
    )


def bucket_name(arn: str | None) -> str:
    """The name in the ARN of a bucket.

    Raises:
        Missing: It is no such ARN (`malformed`).
    """
    name = (arn or "").rpartition(":::")[2]
    if not name:
        unavailable(Reason.MALFORMED, f"{arn} is no ARN of a bucket")
    return name


@dataclass(frozen=True, slots=True, kw_only=True)
class CorsRule:
    """One CORS rule; `label` is its id, or `#n`."""

    label: str
    origins: tuple[str, ...]
    methods: tuple[str, ...]


def read_cors(answer: Fact[Json]) -> tuple[CorsRule, ...]:
    """All CORS rules; () for none."""
    if need(answer) is None:
        return ()
    return tuple(
        CorsRule(
            label=need(text(pluck(row, "ID"))) or f"#{index}",
            origins=_texts(row, "AllowedOrigins"),
            methods=_texts(row, "AllowedMethods"),
        )
        for index, row in enumerate(rows(answer, "CORSRules"), start=1)
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Notification:
    """Events that go to one topic, queue or function.

    Attributes:
        label: Its id, or `#n` among its kind.
        destination: ARN.
        events: Names or patterns, such as `s3:ObjectRemoved:*`.
        prefix: Keys that it covers begin with this.
        suffix: Keys that it covers end with this.
    """

    label: str
    destination: str
    events: tuple[str, ...]
    prefix: str
    suffix: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Notifications:
    """Where a bucket reports its events; `event_bridge`: all of them to EventBridge."""

    event_bridge: bool
    sent: tuple[Notification, ...]


_KINDS = (
    ("TopicConfigurations", "TopicArn"),
    ("QueueConfigurations", "QueueArn"),
    ("LambdaFunctionConfigurations", "LambdaFunctionArn"),
)


def read_notifications(answer: Fact[Json]) -> Notifications:
    """Event notifications; EventBridge is on where its configuration is there, which is always empty."""
    return Notifications(
        event_bridge=need(pluck(answer, "EventBridgeConfiguration")) is not None,
        sent=tuple(
            _notification(row, index, destination)
            for member, destination in _KINDS
            for index, row in enumerate(rows(answer, member), start=1)
        ),
    )


def _notification(row: Fact[Json], index: int, destination: str) -> Notification:
    parts = {
        str(need(pluck(rule, "Name"))).lower(): str(need(pluck(rule, "Value")) or "")
        for rule in rows(row, "Filter", "Key", "FilterRules")
    }
    return Notification(
        label=need(text(pluck(row, "Id"))) or f"#{index}",
        destination=need(text(pluck(row, destination))) or "",
        events=_texts(row, "Events"),
        prefix=parts.get("prefix", ""),
        suffix=parts.get("suffix", ""),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Inventory:
    """One inventory configuration.

    Attributes:
        label: Its id.
        enabled: Whether reports are made.
        prefix: Keys that it lists begin with this.
        columns: `OptionalFields`, such as EncryptionStatus.
        bucket: Name of the bucket that the reports go to.
        account: Account that is to own that bucket; None where S3 is not told to check it.
        encrypted: Whether the configuration names an encryption of the reports.
    """

    label: str
    enabled: bool
    prefix: str
    columns: tuple[str, ...]
    bucket: str
    account: str | None
    encrypted: bool


def read_inventory(row: Fact[Json]) -> Inventory:
    """Read one row of ListBucketInventoryConfigurations."""
    destination = pluck(row, "Destination", "S3BucketDestination")
    return Inventory(
        label=need(text(pluck(row, "Id"))) or "without id",
        enabled=need(flag(pluck(row, "IsEnabled"))),
        prefix=str(need(pluck(row, "Filter", "Prefix")) or ""),
        columns=_texts(row, "OptionalFields"),
        bucket=bucket_name(need(text(pluck(destination, "Bucket")))),
        account=need(text(pluck(destination, "AccountId"))),
        encrypted=bool(need(pluck(destination, "Encryption"))),
    )


def _texts(row: Fact[Json], member: str) -> tuple[str, ...]:
    return tuple(str(need(value)) for value in rows(row, member))
