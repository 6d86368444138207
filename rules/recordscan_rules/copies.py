"""Copies of media: where replication takes them, and whether AWS Backup keeps some."""

from collections.abc import Iterator
from functools import partial
from typing import NamedTuple

from recordscan.estate.arn import parse_arn
from recordscan.estate.bucket import Bucket
from recordscan.estate.bucket_settings import ReplicationRule
from recordscan.estate.target import Target, bucket_of, doors_of, location_of
from recordscan.facts import Known, derive, need, not_applicable, places, remark
from recordscan.profile import Profile
from recordscan.rule import Finding, Findings, Severity, finding, official, peer, proposal, rule

_REPLICATION = "https://docs.aws.amazon.com/AmazonS3/latest/userguide/replication.html"
_REPLICATION_KMS = "https://docs.aws.amazon.com/AmazonS3/latest/userguide/replication-config-for-kms-objects.html"
_BACKUP = "https://docs.aws.amazon.com/aws-backup/latest/devguide/s3-backups.html"
_GUIDE = "It will be your responsibility to manage the security and lifecycle of your recorded content"


@rule(
    "bucket-replication",
    title="Replication takes media only to trusted accounts and Regions, and encrypted",
    severity=Severity.MEDIUM,
    remedy="where media may be copied to, a person must decide",
    remediation="""
        Correct the rule that the finding names (`aws s3api get-bucket-replication`, `put-bucket-replication`), or, if
        the destination is meant, name its account in `trusted_accounts` and its Region in `allowed_regions` of the
        configuration. For objects under SSE-KMS a rule needs `SourceSelectionCriteria.SseKmsEncryptedObjects` and
        `Destination.EncryptionConfiguration.ReplicaKmsKeyID`, a key of the destination's Region.
    """,
    controls=official(security_hub=["S3.7"], nist_800_53_r5=["CP-6", "CP-9", "AU-9(2)", "SC-36(2)"])
    + peer(iso_27001_2022=["A.8.14"]),
    references=(_REPLICATION, _REPLICATION_KMS),
    guide=_GUIDE,
    peers=(
        "prowler:s3_bucket_cross_region_replication",
        "checkov:CKV_AWS_144",
        "custodian:bucket-replication",
        "config:s3-bucket-cross-region-replication-enabled",
        "securityhub:S3.7",
    ),
)
def replication(target: Target, profile: Profile) -> Findings:
    """A replication rule is the quietest way to take all new recordings out of the account.

    Each enabled rule that may copy media must lead to the bucket's own account or a trusted one, and, where
    `allowed_regions` are listed, into one of them. Objects under SSE-KMS are left out, silently, unless the rule
    asks for them and names a key. With `require_crr` one rule must copy all media to another Region.
    """
    bucket, prefix = bucket_of(target), location_of(target).key_prefix
    entries = [entry for entry in need(bucket.replication) if entry.enabled and entry.filter.touches(prefix)]
    if not entries and not profile.require_crr:
        not_applicable("no media is replicated")
    faults = [
        (entry, derive(partial(check, entry, bucket, profile)))
        for entry in entries
        for check in (_account_fault, _region_fault, _encryption_fault)
    ]
    for entry, fault in faults:
        if isinstance(fault, Known) and fault.value is not None:
            yield finding(
                f"the replication rule {entry.label!r} of the bucket {bucket.name} {fault.value.message}",
                bucket.arn,
                f"arn:{bucket.arn.split(':')[1]}:s3:::{entry.bucket}",
                expected=fault.value.expected,
                observed=fault.value.observed,
                discriminator=f"{entry.label} {fault.value.expected}",
                evidence=places(bucket.replication) + fault.source,
            )
    if profile.require_crr:
        yield from _not_elsewhere(bucket, entries, prefix)
    for _, fault in faults:
        need(fault)


class _Fault(NamedTuple):
    """What is wrong with a rule: a clause, what is asked for, and what was found."""

    message: str
    expected: str
    observed: str


def _account_fault(entry: ReplicationRule, bucket: Bucket, profile: Profile) -> _Fault | None:
    account, owner = need(entry.account), need(bucket.owner)
    if account is None:
        return _Fault(
            f"copies media to the bucket {entry.bucket}, which is none of the account's",
            "a bucket of a trusted account",
            "another account, which the rule does not name",
        )
    if account not in (owner, *profile.trusted_accounts):
        return _Fault(
            f"copies media to the bucket {entry.bucket} of the account {account}, which is not trusted",
            "a bucket of a trusted account",
            account,
        )
    if account != owner and not entry.owner_override:
        return _Fault(
            f"leaves copies that lie in the account {account} in the ownership of the account {owner}",
            "AccessControlTranslation with the owner Destination",
            "no owner override",
        )
    return None


def _region_fault(entry: ReplicationRule, bucket: Bucket, profile: Profile) -> _Fault | None:
    if not profile.allowed_regions or (region := need(entry.region)) in profile.allowed_regions:
        return None
    allowed = "one of the allowed Regions: " + ", ".join(profile.allowed_regions)
    return _Fault(f"copies media from {need(bucket.region)} to {region}", allowed, region)


def _encryption_fault(entry: ReplicationRule, bucket: Bucket, _: Profile) -> _Fault | None:
    if not need(bucket.encryption).algorithm.startswith("aws:kms"):
        return None
    if not entry.kms_objects:
        return _Fault("leaves out objects that are encrypted with AWS KMS", "SseKmsEncryptedObjects", "not enabled")
    if entry.replica_key is None:
        return None if entry.same_key else _Fault("names no KMS key for the copies", "ReplicaKmsKeyID", "none")
    key, region = parse_arn(entry.replica_key), need(entry.region)
    if key is not None and key.region != region:
        return _Fault("encrypts copies with a KMS key of another Region", f"a key in {region}", entry.replica_key)
    return None


def _not_elsewhere(bucket: Bucket, entries: list[ReplicationRule], prefix: str) -> Iterator[Finding]:
    home = need(bucket.region)
    whole = [entry for entry in entries if entry.filter.covers(prefix)]
    if any(isinstance(entry.region, Known) and need(entry.region) != home for entry in whole):
        return
    regions = [need(entry.region) for entry in whole]
    yield finding(
        f"no enabled replication rule of the bucket {bucket.name} copies all media under {prefix or '/'} elsewhere",
        bucket.arn,
        expected=f"a Region other than {home}",
        observed=", ".join(regions) or "no such rule",
        discriminator="no other Region",
        evidence=places(bucket.replication) + places(bucket.region),
    )


@rule(
    "bucket-backup",
    title="AWS Backup keeps copies of the bucket, where the profile demands it",
    severity=Severity.LOW,
    remedy="which plan and vault keep the copies, a person must choose",
    remediation="""
        Assign the bucket to a backup plan whose role may back up S3, with a vault that is locked or in another
        account, and see the first backup done: `aws backup list-protected-resources`.
    """,
    controls=proposal(nist_800_53_r5=["CP-9"], iso_27001_2022=["A.8.13"]),
    references=(_BACKUP,),
    guide=_GUIDE,
    peers=(
        "config:s3-resources-protected-by-backup-plan",
        "config:s3-resources-in-logically-air-gapped-vault",
    ),
)
def backup(target: Target, profile: Profile) -> Findings:
    """A backup in another vault is there still when somebody with all rights to the bucket empties it.

    Asked for with `require_backup`. What counts is that AWS Backup has backed the bucket up at least once; the report
    shows when it last did.
    """
    if not profile.require_backup:
        not_applicable("the configuration demands no backup")
    bucket = bucket_of(target)
    backups = doors_of(target).backups
    listed = need(backups)
    found = [resource for resource in listed.items if resource.arn == bucket.arn]
    if found:
        remark(f"AWS Backup last backed the bucket up at {need(found[0].last):%Y-%m-%d %H:%M} UTC")
        return
    need(listed.whole)
    yield finding(
        f"AWS Backup keeps no copy of the bucket {bucket.name}",
        bucket.arn,
        expected="a backup",
        observed="none of the protected resources",
        evidence=places(backups),
    )
