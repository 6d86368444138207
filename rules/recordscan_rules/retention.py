"""How long recordings stay: versions that survive an overwrite, and lifecycle rules that end them."""

from collections.abc import Iterator
from itertools import chain, count

from recordscan.estate.answers import mapping, rows
from recordscan.estate.bucket import Bucket, LifecycleRule
from recordscan.estate.target import Target, bucket_of, location_of
from recordscan.facts import Json, Reason, Unavailable, need, not_applicable, places, unavailable
from recordscan.mending import bucket_step, edit_lifecycle
from recordscan.profile import Profile
from recordscan.remedy import Edit, Order, Step, by_hand
from recordscan.rule import Findings, Severity, finding, official, peer, proposal, rule

_VERSIONING = "https://docs.aws.amazon.com/AmazonS3/latest/userguide/Versioning.html"
_LIFECYCLE = "https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lifecycle-mgmt.html"
_EXPIRY = "https://docs.aws.amazon.com/AmazonS3/latest/userguide/intro-lifecycle-rules.html"


_NONCURRENT_DAYS = 30
"""Days that an overwritten or expired version stays, where the limits leave room for it."""


def keep_versions(target: Target, profile: Profile) -> Iterator[Step]:
    """Switches versions on, and ends them in time, which no rule may do yet."""
    bucket = bucket_of(target)
    # Where the lifecycle cannot be read nothing is said of old versions; that they are kept does no harm meanwhile.
    said = isinstance(bucket.lifecycle, Unavailable) or _versions_end(target, profile)
    needed = () if said else tuple(end_versions(target, profile))
    yield bucket_step(
        bucket,
        "s3:PutBucketVersioning",
        "keeps the versions of objects that are overwritten or deleted",
        Order.PREPARE,
        "Old versions are paid for until a lifecycle rule with NoncurrentVersionExpiration ends them.",
        "Whoever deletes an object only hides it: what must be erased must be deleted with its version id.",
        "S3 asks to wait 15 minutes after it is switched on for the first time before objects are written or deleted.",
        VersioningConfiguration={"Status": "Enabled"},
    )
    yield from needed


def _versions_end(target: Target, profile: Profile) -> bool:
    """Whether lifecycle rules end old versions within the limits already."""
    prefix, most = location_of(target).key_prefix, profile.retention_max_days
    entries = [entry for entry in need(bucket_of(target).lifecycle) if entry.covers(prefix)]
    ends = [e.noncurrent_days for e in entries if e.noncurrent_days is not None and not e.noncurrent_kept]
    expiry = min((e.expiration_days for e in entries if e.expiration_days is not None), default=0)
    return bool(ends) and min(ends) <= profile.noncurrent_max_days and (most is None or expiry + min(ends) <= most)


def end_versions(target: Target, profile: Profile) -> Iterator[Step]:
    """Adds the rule that ends media and versions in time."""
    yield _change_lifecycle(target, profile, [_rule_for_media(target, profile)])


def keep_to_limits(target: Target, profile: Profile) -> Iterator[Step]:
    """Adds a rule that ends media in time, and lets no rule end it too early."""
    bucket, prefix = bucket_of(target), location_of(target).key_prefix
    least, most = profile.retention_min_days, profile.retention_max_days
    entries = need(bucket.lifecycle)
    edits = [
        Edit(action="set", path=f"/Rules/{i}/Expiration", value={"Days": least})
        for i, entry in enumerate(entries)
        if least is not None and entry.may_cover(prefix) and _ends_before(entry, least)
    ]
    covering = [entry for entry in entries if entry.covers(prefix)]
    if most is not None and any(_too_long(bucket, covering, most, prefix)):
        edits.append(_rule_for_media(target, profile))
    yield _change_lifecycle(target, profile, edits)


def abort_uploads(target: Target) -> Iterator[Step]:
    """Adds a rule that aborts unfinished uploads."""
    prefix = location_of(target).key_prefix
    abort = {"AbortIncompleteMultipartUpload": {"DaysAfterInitiation": _MOST_UNFINISHED}}
    yield edit_lifecycle(
        bucket_of(target),
        [_added_rule(target, "unfinished-uploads", abort)],
        f"aborts uploads under {prefix or '/'} that are not finished after {_MOST_UNFINISHED} days",
        Order.REMOVE,
        "An upload that takes longer fails.",
    )


def _change_lifecycle(target: Target, profile: Profile, edits: list[Edit]) -> Step:
    asked = ("retention_min_days", "retention_max_days", "noncurrent_max_days")
    limits = ", ".join(f"{name} {getattr(profile, name)}" for name in asked if getattr(profile, name) is not None)
    return edit_lifecycle(
        bucket_of(target),
        edits,
        f"{' and '.join(_said(edits))} (under {location_of(target).key_prefix or '/'})",
        Order.REMOVE,
        "Within about a day S3 begins to delete, for good, what is older than that: make sure that no law or contract "
        "asks for longer, and that no other data lies under the prefix.",
        f"The days come from the requirements that the scan was given ({limits}), and from recordscan where they leave "
        "room.",
        "Under Object Lock, retained versions stay until their retention ends, whatever the rule says.",
    )


def _said(edits: list[Edit]) -> Iterator[str]:
    """What edits of the lifecycle do, with their days."""
    for edit in edits:
        change = edit.value if isinstance(edit.value, dict) else {}
        old, days = (
            (change.get(name) or {}).get(member)
            for name, member in (("NoncurrentVersionExpiration", "NoncurrentDays"), ("Expiration", "Days"))
        )
        if edit.action == "set":
            yield f"ends media after {change['Days']} days, no sooner"
        elif days is not None:
            yield f"ends media after {days} days and its old versions after {old} more"
        else:
            yield f"ends old versions of media after {old} days"


def _rule_for_media(target: Target, profile: Profile) -> Edit:
    """Adds the rule that keeps media and its old versions within the limits, the same for all that need it."""
    least, most = profile.retention_min_days, profile.retention_max_days
    noncurrent = min(_NONCURRENT_DAYS, profile.noncurrent_max_days)
    expiration: dict[str, Json] = {"ExpiredObjectDeleteMarker": True}
    if most is not None:
        room = most - max(least or 1, 1)
        if room < 1:
            by_hand("the limits leave no day between the least and the greatest retention for old versions")
        noncurrent = min(noncurrent, room)
        lock = need(bucket_of(target).object_lock)
        if lock is not None and (lock.event_hold or (lock.days or 0) > most - noncurrent):
            by_hand("Object Lock keeps media longer than the limits allow, and a person must say which of them holds")
        expiration = {"Days": most - noncurrent}
    actions = {"Expiration": expiration, "NoncurrentVersionExpiration": {"NoncurrentDays": noncurrent}}
    return _added_rule(target, "retention", actions)


def _added_rule(target: Target, name: str, actions: dict[str, Json]) -> Edit:
    """Adds an enabled rule for the media's prefix, by a name that no rule has."""
    bucket, prefix = bucket_of(target), location_of(target).key_prefix
    entries = need(bucket.lifecycle)
    labels = {entry.label for entry in entries}
    free = next(n for n in chain((name,), (f"{name}-{i}" for i in count(2))) if n not in labels)
    raw = rows(bucket.answer("s3:GetBucketLifecycleConfiguration"), "Rules") if entries else []
    # S3 refuses a mixture of rules of the old form, without filters, and of the new one.
    old_form = any("Filter" not in mapping(row) for row in raw)
    scope = {"Prefix": prefix} if old_form else {"Filter": {"Prefix": prefix}}
    return Edit(action="add", path="/Rules", value={"ID": free, "Status": "Enabled", **scope, **actions})


def _ends_before(entry: LifecycleRule, least: int) -> bool:
    """Whether a rule expires media earlier; one with a date does so whatever its age."""
    return entry.expiration_date is not None or (entry.expiration_days is not None and entry.expiration_days < least)


@rule(
    "bucket-versioning",
    title="The bucket keeps versions",
    severity=Severity.HIGH,
    remedy=keep_versions,
    remediation="""
        `aws s3api put-bucket-versioning --bucket BUCKET --versioning-configuration Status=Enabled`. Add a
        lifecycle rule with `NoncurrentVersionExpiration`, or old versions stay for ever.
    """,
    controls=official(security_hub=["S3.14"], nist_800_53_r5=["AU-9(2)", "CP-6", "CP-9", "CP-10", "SI-12", "SI-13(5)"])
    + peer(
        pci_dss_4_0_1=["10.3.4"],
        hipaa=["164.308(a)(7)(i)", "164.312(c)(1)"],
        soc2=["CC7.4", "A1.1", "PI1.5"],
        iso_27001_2022=["A.8.10", "A.8.3"],
    )
    + proposal(iso_27001_2022=["A.8.13"]),
    references=(_VERSIONING,),
    peers=(
        "prowler:s3_bucket_object_versioning",
        "scoutsuite:s3-bucket-no-versioning",
        "steampipe:s3_bucket_versioning_enabled",
        "trivy:AWS-0090",
        "checkov:CKV_AWS_21",
        "config:s3-bucket-versioning-enabled",
        "securityhub:S3.14",
    ),
)
def versioning(target: Target) -> Findings:
    """A credential that may only write can still overwrite: without versions a recording is lost by its own name.

    Twilio's key lies outside your control, so count on it leaking. With versioning an overwritten recording
    is there still. Suspended versioning keeps what it kept, but protects nothing that is written now.
    """
    bucket = bucket_of(target)
    status = need(bucket.versioning)
    if status in (None, "Suspended"):
        yield finding(
            f"the bucket {bucket.name} does not keep overwritten and deleted versions",
            bucket.arn,
            expected="Enabled",
            observed=status or "never enabled",
            evidence=places(bucket.versioning),
        )
    elif status != "Enabled":
        unavailable(Reason.UNDECIDABLE, f"{status} is no state of versioning that this rule knows")


@rule(
    "bucket-retention",
    title="Lifecycle rules end media within the retention limits",
    severity=Severity.MEDIUM,
    remedy=keep_to_limits,
    remediation="""
        Give the bucket one enabled lifecycle rule whose filter is the media's prefix alone, with `Expiration:
        {Days: N}` inside your limits, and in a bucket with versions `NoncurrentVersionExpiration:
        {NoncurrentDays: M}`, so that N + M is within them too: `aws s3api put-bucket-lifecycle-configuration
        --bucket BUCKET --lifecycle-configuration file://lifecycle.json`. This call replaces all rules of the
        bucket; repeat those that should stay. The limits are `retention_min_days` and `retention_max_days` of
        the configuration.
    """,
    controls=official(security_hub=["S3.10", "S3.13"], nist_800_53_r5=["CP-9", "CP-10", "SI-13(5)"])
    + peer(pci_dss_4_0_1=["3.2.1", "10.5.1"], iso_27001_2022=["A.8.10"])
    + proposal(nist_800_53_r5=["SI-12"], gdpr=["art. 5(1)(e)"], hipaa=["164.316(b)(2)(i)"]),
    references=(_LIFECYCLE, _EXPIRY),
    guide="It will be your responsibility to manage the security and lifecycle of your recorded content",
    peers=(
        "prowler:s3_bucket_lifecycle_enabled",
        "steampipe:s3_bucket_lifecycle_policy_enabled",
        "checkov:CKV2_AWS_61",
        "config:s3-lifecycle-policy-check",
        "config:s3-version-lifecycle-policy-check",
        "securityhub:S3.13",
    ),
)
def retention(target: Target, profile: Profile) -> Findings:
    """Recordings of people may be kept no longer than there is a reason to, and no shorter than the law asks for.

    What counts is a rule that is enabled, covers the whole prefix (no tags, no sizes, no part of it) and
    expires current versions by age. Where two rules expire the same media the shorter one wins. A rule with a
    date deletes media whatever its age. In a bucket with versions an expired object only becomes a noncurrent
    one and stays until a rule ends that, too, and in any case while the default retention of Object Lock lasts.
    Rules for tagged objects are not held against the least time: what Twilio writes has no tags.
    """
    bucket, prefix = bucket_of(target), location_of(target).key_prefix
    least, most = profile.retention_min_days, profile.retention_max_days
    if least is None and most is None:
        not_applicable("the profile sets no retention limits")
    entries = need(bucket.lifecycle)
    if least is not None:
        yield from _too_short(bucket, [entry for entry in entries if entry.may_cover(prefix)], least)
    if most is not None:
        yield from _too_long(bucket, [entry for entry in entries if entry.covers(prefix)], most, prefix)


def _too_short(bucket: Bucket, entries: list[LifecycleRule], least: int) -> Findings:
    for entry in entries:
        days = 0 if entry.expiration_date is not None else entry.expiration_days
        if days is not None and days < least:
            yield finding(
                f"the lifecycle rule {entry.label!r} of the bucket {bucket.name} expires media too early",
                bucket.arn,
                expected=f"no sooner than after {least} days",
                observed="on a fixed date, whatever its age" if entry.expiration_date else f"after {days} days",
                discriminator=f"early {entry.label}",
                evidence=places(bucket.lifecycle),
            )


def _too_long(bucket: Bucket, entries: list[LifecycleRule], most: int, prefix: str) -> Findings:
    expiry = min((entry.expiration_days for entry in entries if entry.expiration_days is not None), default=None)
    expected = f"after at most {most} days"
    if expiry is None or expiry > most:
        yield finding(
            f"no enabled lifecycle rule of the bucket {bucket.name} expires all media under {prefix or '/'} in time",
            bucket.arn,
            expected=expected,
            observed="never" if expiry is None else f"after {expiry} days",
            discriminator="late",
            evidence=places(bucket.lifecycle),
        )
        return
    if need(bucket.versioning) is None:
        return
    ends = [
        entry.noncurrent_days for entry in entries if entry.noncurrent_days is not None and not entry.noncurrent_kept
    ]
    if not ends or expiry + min(ends) > most:
        yield finding(
            f"expired media of the bucket {bucket.name} stays too long as a noncurrent version",
            bucket.arn,
            expected=expected,
            observed="never deleted" if not ends else f"deleted after {expiry} + {min(ends)} days",
            discriminator="noncurrent",
            evidence=places(bucket.lifecycle) + places(bucket.versioning),
        )
        return
    lock = need(bucket.object_lock)
    if lock is not None and lock.days is not None and lock.days > most:
        yield finding(
            f"Object Lock keeps media of the bucket {bucket.name} longer than it may be kept"
            + (", and not even the root user can delete it before" if lock.mode == "COMPLIANCE" else ""),
            bucket.arn,
            expected=expected,
            observed=f"locked for {lock.days} days ({lock.mode}); lifecycle rules wait for that",
            discriminator="locked",
            evidence=places(bucket.object_lock) + places(bucket.lifecycle),
        )


@rule(
    "bucket-noncurrent-versions",
    title="Lifecycle rules end noncurrent versions and what is left of them",
    severity=Severity.MEDIUM,
    remedy=end_versions,
    remediation="""
        Add `NoncurrentVersionExpiration: {NoncurrentDays: N}` to an enabled lifecycle rule whose filter is the
        media's prefix alone, and, where it does not expire current versions by age, a rule with `Expiration:
        {ExpiredObjectDeleteMarker: true}`. `aws s3api put-bucket-lifecycle-configuration` replaces all rules of the
        bucket; repeat those that should stay. The limit is `noncurrent_max_days` of the configuration.
    """,
    controls=proposal(nist_800_53_r5=["SI-12"], iso_27001_2022=["A.8.10"], gdpr=["art. 5(1)(e)"]),
    references=(_LIFECYCLE, _EXPIRY, "https://docs.aws.amazon.com/AmazonS3/latest/userguide/ManagingDelMarkers.html"),
    guide="It will be your responsibility to manage the security and lifecycle of your recorded content",
    peers=("securityhub:S3.10",),
)
def noncurrent_versions(target: Target, profile: Profile) -> Findings:
    """What was deleted or overwritten lives on as a noncurrent version, out of sight and for ever without a rule.

    That holds for suspended versioning as well: versions from before are still there. Where the profile limits
    retention, no rule may keep some newest versions however old. Delete markers with nothing behind them go by a
    rule that says so or that expires current versions; without one the finding is low.
    """
    bucket, prefix = bucket_of(target), location_of(target).key_prefix
    if need(bucket.versioning) is None:
        not_applicable("the bucket never kept versions")
    most = profile.noncurrent_max_days
    entries = [entry for entry in need(bucket.lifecycle) if entry.covers(prefix)]
    ends = [
        entry.noncurrent_days
        for entry in entries
        if entry.noncurrent_days is not None and not (entry.noncurrent_kept and profile.retention_max_days is not None)
    ]
    if not ends or min(ends) > most:
        kept = max((entry.noncurrent_kept for entry in entries), default=0)
        never = f"the newest {kept} never deleted" if kept else "never deleted"
        yield finding(
            f"no enabled lifecycle rule of the bucket {bucket.name} deletes all noncurrent versions under "
            f"{prefix or '/'} in time",
            bucket.arn,
            expected=f"after at most {most} days",
            observed=f"after {min(ends)} days" if ends else never,
            discriminator="versions",
            evidence=places(bucket.lifecycle) + places(bucket.versioning),
        )
    if not any(entry.expired_markers or entry.expiration_days or entry.expiration_date for entry in entries):
        yield finding(
            f"no enabled lifecycle rule of the bucket {bucket.name} removes delete markers that nothing is behind",
            bucket.arn,
            severity=Severity.LOW,
            expected="ExpiredObjectDeleteMarker, or an expiration of current versions",
            observed="neither for all of the prefix",
            discriminator="markers",
            evidence=places(bucket.lifecycle),
        )


_MOST_UNFINISHED = 7


@rule(
    "aws-multipart",
    title="Unfinished multipart uploads are aborted by a lifecycle rule",
    severity=Severity.LOW,
    remedy=abort_uploads,
    remediation="""
        Add `AbortIncompleteMultipartUpload: {DaysAfterInitiation: 7}` to an enabled lifecycle rule whose filter is
        the media's prefix alone.
    """,
    controls=proposal(nist_800_53_r5=["SI-12"], iso_27001_2022=["A.8.10"]),
    references=(
        "https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpu-abort-incomplete-mpu-lifecycle-config.html",
    ),
    guide="It will be your responsibility to manage the security and lifecycle of your recorded content",
    peers=("checkov:CKV_AWS_300",),
)
def unfinished_uploads(target: Target) -> Findings:
    """The parts of an upload that was never finished are in no list and never expire, and they hold recordings.

    Twilio's policy for Video gives its user no right to abort what it began, so only a lifecycle rule does.
    """
    bucket, prefix = bucket_of(target), location_of(target).key_prefix
    days = [
        entry.abort_multipart_days
        for entry in need(bucket.lifecycle)
        if entry.covers(prefix) and entry.abort_multipart_days is not None
    ]
    if not days or min(days) > _MOST_UNFINISHED:
        yield finding(
            f"no enabled lifecycle rule of the bucket {bucket.name} aborts unfinished uploads under {prefix or '/'} in "
            "time",
            bucket.arn,
            expected=f"after at most {_MOST_UNFINISHED} days",
            observed=f"after {min(days)} days" if days else "never",
            evidence=places(bucket.lifecycle),
        )
