"""Who did what with recordings, afterwards."""

from recordscan.estate.bucket import Bucket
from recordscan.estate.target import Target, bucket_of, location_of
from recordscan.estate.trail import records_objects
from recordscan.facts import Known, all_true, any_true, derive, need, not_applicable, places
from recordscan.rule import Findings, Severity, finding, official, peer, rule


@rule(
    "bucket-access-logging",
    title="Access to the bucket is logged",
    severity=Severity.MEDIUM,
    remediation="""
        Choose a log bucket of the same Region and account (not this one, and without SSE-KMS), allow
        `logging.s3.amazonaws.com` to write to it, then `aws s3api put-bucket-logging --bucket BUCKET
        --bucket-logging-status '{"LoggingEnabled":{"TargetBucket":"LOG-BUCKET","TargetPrefix":"BUCKET/"}}'`.
    """,
    controls=official(
        security_hub=["S3.9"],
        nist_800_53_r5=["AU-2", "AU-3", "AU-12", "AC-2(4)", "AC-6(9)", "CA-7", "SI-4(20)"],
        pci_dss_4_0_1=["10.2.1"],
    )
    + peer(hipaa=["164.312(b)"], soc2=["CC7.2", "CC7.3"], iso_27001_2022=["A.8.15"]),
    references=(
        "https://docs.aws.amazon.com/AmazonS3/latest/userguide/ServerLogs.html",
        "https://docs.aws.amazon.com/awscloudtrail/latest/userguide/logging-data-events-with-cloudtrail.html",
    ),
    peers=(
        "prowler:s3_bucket_server_access_logging_enabled",
        "steampipe:s3_bucket_logging_enabled",
        "scoutsuite:s3-bucket-no-logging",
        "trivy:AWS-0089",
        "checkov:CKV_AWS_18",
        "custodian:bucket-logging",
        "securityhub:S3.9",
    ),
)
def access_logging(target: Target) -> Findings:
    """When a recording turns up where it should not be, the log is all that tells who fetched it.

    Server access logs also hold what CloudTrail does not: requests without credentials, refused ones, and
    what lifecycle rules deleted. Where a trail records every read and write of the media's objects, a missing
    access log is a low finding. A bucket that others log into need not log itself.
    """
    bucket = bucket_of(target)
    if need(bucket.logging) is not None:
        return
    if need(target.receives_logs):
        not_applicable("the bucket holds the access logs of others")
    recorded = derive(lambda: _recorded_by_trails(target, bucket))
    known = isinstance(recorded, Known) and need(recorded)
    note = "; CloudTrail records what happens to its objects" if known else ""
    yield finding(
        f"the bucket {bucket.name} keeps no server access log{note}",
        bucket.arn,
        severity=Severity.LOW if known else Severity.MEDIUM,
        expected="server access logging on",
        observed="off",
        evidence=places(bucket.logging),
    )


def _recorded_by_trails(target: Target, bucket: Bucket) -> bool:
    """Whether trails record both reads and writes of all objects under the target's prefix."""
    trails = need(target.trails) or ()
    objects = f"{bucket.arn}/{location_of(target).key_prefix}"
    reads = any_true(*(records_objects(trail, objects, "read") for trail in trails))
    writes = any_true(*(records_objects(trail, objects, "write") for trail in trails))
    return need(all_true(reads, writes))
