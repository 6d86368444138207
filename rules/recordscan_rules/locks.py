"""What keeps media from being deleted: Object Lock and MFA delete, and whether other controls go with them."""

from collections.abc import Iterator

from recordscan.estate.bucket import Bucket
from recordscan.estate.bucket_settings import ObjectLock
from recordscan.estate.reach import who_may
from recordscan.estate.target import Target, bucket_of, location_of, sample_of
from recordscan.facts import Reason, need, not_applicable, places, remark, unavailable
from recordscan.profile import Profile
from recordscan.rule import Finding, Findings, Severity, finding, official, peer, proposal, rule

_LOCK = "https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lock.html"
_MANAGING = "https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lock-managing.html"
_MFA = "https://docs.aws.amazon.com/AmazonS3/latest/userguide/MultiFactorAuthenticationDelete.html"


@rule(
    "bucket-mfa-delete",
    title="Deleting versions takes a second factor",
    severity=Severity.LOW,
    remedy="only the root user can switch it on, with the code of a second factor",
    remediation="""
        Only the root user can switch it on, with its MFA device: `aws s3api put-bucket-versioning --bucket BUCKET
        --versioning-configuration Status=Enabled,MFADelete=Enabled --mfa "SERIAL CODE"`. S3 does not allow it
        together with lifecycle rules; where media must expire use Object Lock instead, and take
        `s3:DeleteObjectVersion` from everybody who need not have it.
    """,
    controls=official(
        security_hub=["S3.20"],
        cis_aws_v3=["2.1.2"],
        cis_aws_v5=["2.1.2"],
        nist_800_53_r5=["CA-9(1)", "CM-2", "CM-3", "SC-5(2)"],
    )
    + peer(cis_aws_v6=["3.1.2"], pci_dss_4_0_1=["10.3.2"]),
    references=(_MFA,),
    peers=(
        "prowler:s3_bucket_no_mfa_delete",
        "scoutsuite:s3-bucket-no-mfa-delete",
        "trivy:AWS-0170",
        "config:s3-bucket-mfa-delete-enabled",
        "securityhub:S3.20",
    ),
)
def mfa_delete(target: Target) -> Findings:
    """With it a stolen key alone cannot delete versions for good, or stop the bucket from keeping them.

    S3 refuses MFA delete on a bucket with lifecycle rules, and these rules out of the two are the ones that
    retention needs, so then it does not apply. Nor does it beside a default retention in COMPLIANCE mode, which is
    stronger.
    """
    bucket = bucket_of(target)
    state = need(bucket.mfa_delete)
    if state == "Enabled":
        return
    if need(bucket.lifecycle):
        not_applicable(
            "S3 allows no MFA delete beside lifecycle rules; Object Lock and few rights to delete take its place"
        )
    lock = need(bucket.object_lock)
    if lock is not None and lock.mode == "COMPLIANCE" and lock.days:
        not_applicable("the default retention of Object Lock (COMPLIANCE) is stronger")
    yield finding(
        f"versions in the bucket {bucket.name} can be deleted without a second factor",
        bucket.arn,
        expected="MFA delete enabled",
        observed=state or "never enabled",
        evidence=places(bucket.mfa_delete),
    )


@rule(
    "bucket-object-lock",
    title="Object Lock keeps media as the profile demands",
    severity=Severity.MEDIUM,
    remedy="a lock may never be undone, and uploads without checksums fail under it: a person must decide",
    remediation="""
        First try on a test bucket that Twilio's uploads arrive under a default retention: S3 then wants a checksum
        with each upload, and Twilio documents none. Then `aws s3api put-object-lock-configuration --bucket BUCKET
        --object-lock-configuration
        'ObjectLockEnabled=Enabled,Rule={DefaultRetention={Mode=COMPLIANCE,Days=N}}'`. In GOVERNANCE mode deny
        `s3:BypassGovernanceRetention` to everybody but the administrators. Media that is there already keeps its
        own retention or none.
    """,
    controls=official(security_hub=["S3.15"], nist_800_53_r5=["CP-6(2)"], pci_dss_4_0_1=["10.5.1"])
    + peer(soc2=["PI1.5"])
    + proposal(nist_800_53_r5=["AU-9"]),
    references=(_LOCK, _MANAGING),
    guide="It will be your responsibility to manage the security and lifecycle of your recorded content",
    peers=(
        "prowler:s3_bucket_object_lock",
        "custodian:lock-configuration",
        "checkov:CKV_AWS_143",
        "config:s3-bucket-default-lock-enabled",
        "securityhub:S3.15",
    ),
)
def object_lock(target: Target, profile: Profile) -> Findings:
    """Object Lock that is merely enabled locks nothing: Twilio sends no retention, so the bucket must set one.

    Asked for where the configuration has `object_lock_mode` or `object_lock_min_days`. COMPLIANCE will do where
    GOVERNANCE is asked for. Retention in GOVERNANCE mode lasts only against those who may not bypass it: where
    the configuration lists `administrators`, nobody else may, beside the root user.
    """
    least = profile.object_lock_min_days
    if least is None and profile.object_lock_mode is None:
        not_applicable("the configuration demands no Object Lock")
    bucket = bucket_of(target)
    lock = need(bucket.object_lock)
    fault = _fault(lock, profile)
    if fault is not None:
        message, observed = fault
        yield finding(
            f"{message} the bucket {bucket.name}",
            bucket.arn,
            expected=f"{profile.object_lock_mode or 'GOVERNANCE'} or stricter, for at least {least or 1} days",
            observed=observed,
            discriminator="retention",
            evidence=places(bucket.object_lock),
        )
    if lock is None or lock.days is None:
        return
    if lock.event_hold:
        remark("new objects are also held until an event (DefaultEventHold)")
    if lock.mode == "COMPLIANCE":
        remark("nobody can erase a recording before its retention ends, also where a person asks for it")
    elif profile.administrators is None:
        remark("who may bypass the retention was not looked at: the configuration names no administrators")
    else:
        yield from _bypassing(target, bucket, profile.administrators)


def _fault(lock: ObjectLock | None, profile: Profile) -> tuple[str, str] | None:
    """What is wrong with the default retention: a clause, and what was found."""
    if lock is None:
        return "there is no Object Lock on", "Object Lock is off"
    if lock.mode is None or lock.days is None:
        return "Object Lock locks nothing by default in", "enabled without a default retention"
    found = f"{lock.mode} for {lock.days} days"
    if lock.mode not in ("GOVERNANCE", "COMPLIANCE"):
        unavailable(Reason.UNDECIDABLE, f"{lock.mode} is no mode of Object Lock that this rule knows")
    if profile.object_lock_mode == "COMPLIANCE" and lock.mode != "COMPLIANCE":
        return "Object Lock is not in the mode that is asked for in", found
    if lock.days < (profile.object_lock_min_days or 1):
        return "Object Lock keeps media too short in", found
    return None


def _bypassing(target: Target, bucket: Bucket, administrators: tuple[str, ...]) -> Iterator[Finding]:
    root = f":iam::{need(bucket.owner)}:root"
    lines = [
        line
        for line in need(who_may(target, "s3:BypassGovernanceRetention"))
        if line.name not in administrators and not line.name.endswith(root)
    ]
    for line in lines:
        if line.certain:
            yield finding(
                f"{line.who} can bypass the retention of media in the bucket {bucket.name}",
                line.name,
                bucket.arn,
                expected="one of the administrators that the configuration names",
                observed=f"s3:BypassGovernanceRetention is allowed: {'; '.join(line.because)}",
                discriminator=line.name,
                evidence=line.source,
            )
    for line in lines:
        if not line.certain:
            line.leave_open("bypass the retention")


@rule(
    "aws-object-lock",
    title="Twilio's uploads are known to arrive under Object Lock's default retention",
    severity=Severity.MEDIUM,
    remedy="whether uploads carry a checksum shows only when Twilio saves its setting; a person must see to it",
    remediation="""
        Save the storage setting at Twilio again and look for its `.txt` test file, or make a recording in a test
        Room, and see it arrive; then scan again. If uploads fail, take the default retention off
        (`aws s3api put-object-lock-configuration --bucket BUCKET --object-lock-configuration
        ObjectLockEnabled=Enabled`) and set the retention of each object after its upload.
    """,
    controls=proposal(nist_800_53_r5=["CP-9", "AU-9"], iso_27001_2022=["A.8.13"]),
    references=(_MANAGING, "https://www.twilio.com/docs/video/tutorials/storing-aws-s3"),
)
def uploads_under_lock(target: Target) -> None:
    """Under a default retention S3 takes uploads with Content-MD5 or a checksum only, and Twilio documents neither.

    Many uploaders fail so, and recordings would be lost. What proves that Twilio's arrive is an object that is
    under retention: the newest one that was listed is looked at. Without a default retention nothing stands in
    the way.
    """
    bucket = bucket_of(target)
    lock = need(bucket.object_lock)
    if lock is None:
        not_applicable("the bucket has no Object Lock")
    if lock.days is None:
        return
    sample = sample_of(target)
    if sample.newest is None or not need(sample.retained):
        unavailable(
            Reason.UNDECIDABLE,
            "the bucket has a default retention, and no object shows yet that Twilio's uploads arrive under it",
        )


@rule(
    "bucket-controls-conflict",
    title="Lifecycle rules expire no media that Object Lock still keeps",
    severity=Severity.MEDIUM,
    remedy="whether the lock or the lifecycle rule is right, a person must decide",
    remediation="""
        Let lifecycle rules expire media no sooner than the default retention ends, or shorten the retention.
    """,
    controls=proposal(nist_800_53_r5=["SI-12", "AU-9"], iso_27001_2022=["A.8.10"]),
    references=(_MANAGING,),
)
def controls_conflict(target: Target) -> Findings:
    """Each of the two controls looks sound alone; together one does not do what people count on.

    A lifecycle rule that expires a locked object only puts a delete marker over it: the media looks deleted, and is
    there until its retention ends.
    """
    bucket, prefix = bucket_of(target), location_of(target).key_prefix
    lock = need(bucket.object_lock)
    if lock is None or lock.days is None:
        not_applicable("Object Lock sets no default retention")
    for entry in need(bucket.lifecycle):
        days = entry.expiration_days
        if entry.may_cover(prefix) and days is not None and days < lock.days:
            yield finding(
                f"the lifecycle rule {entry.label!r} of the bucket {bucket.name} expires media that Object Lock still "
                "keeps, so that it only looks deleted",
                bucket.arn,
                expected=f"no sooner than after {lock.days} days",
                observed=f"after {days} days",
                discriminator=entry.label,
                evidence=places(bucket.lifecycle) + places(bucket.object_lock),
            )
