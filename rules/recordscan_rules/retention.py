"""How long recordings stay: versions that survive an overwrite, and lifecycle rules that end them."""

from recordscan.estate.bucket import Bucket, LifecycleRule
from recordscan.estate.target import Target, bucket_of, location_of
from recordscan.facts import Reason, need, not_applicable, places, unavailable
from recordscan.profile import Profile
from recordscan.rule import Findings, Severity, finding, official, peer, proposal, rule

_VERSIONING = "https://docs.aws.amazon.com/AmazonS3/latest/userguide/Versioning.html"
_LIFECYCLE = "https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lifecycle-mgmt.html"
_EXPIRY = "https://docs.aws.amazon.com/AmazonS3/latest/userguide/intro-lifecycle-rules.html"


@rule(
    "bucket-versioning",
    title="The bucket keeps versions",
    severity=Severity.HIGH,
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
    one and stays until a rule ends that, too. Rules for tagged objects are not held against the least time: what
    Twilio writes has no tags.
    """
    bucket, prefix = bucket_of(target), location_of(target).key_prefix
    least, most = profile.retention_min_days, profile.retention_max_days
    if least is None and most is None:
        not_applicable("the profile sets no retention limits")
    enabled = [entry for entry in need(bucket.lifecycle) if entry.enabled]
    if least is not None:
        yield from _too_short(bucket, [entry for entry in enabled if _may_expire(entry, prefix)], least)
    if most is not None:
        yield from _too_long(bucket, [entry for entry in enabled if entry.covers(prefix)], most, prefix)


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


def _may_expire(entry: LifecycleRule, prefix: str) -> bool:
    """Whether some media under the prefix may be under a rule, as Twilio writes it: without tags."""
    tagged = {"Tag", "Tags"} & set(entry.narrowed)
    return not tagged and (entry.prefix.startswith(prefix) or prefix.startswith(entry.prefix))
