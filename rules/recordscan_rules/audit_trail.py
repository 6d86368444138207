"""Who did what with recordings, afterwards."""

import json
from collections.abc import Iterator
from dataclasses import replace

from recordscan.estate.bucket import PUBLIC_ACCESS_FLAGS, Bucket
from recordscan.estate.target import Target, bucket_of, location_of
from recordscan.estate.trail import records_objects
from recordscan.facts import Json, Known, all_true, any_true, derive, need, not_applicable, places
from recordscan.mending import bucket_step
from recordscan.remedy import Order, Step
from recordscan.rule import Findings, Severity, finding, official, peer, rule


def log_into_new_bucket(target: Target) -> Iterator[Step]:
    """Makes a bucket for the logs, lets S3 deliver into it and nobody read it by policy, then switches logging on."""
    bucket = bucket_of(target)
    owner, region = need(bucket.owner), need(bucket.region)
    name = f"{bucket.name[:51]}-access-logs"
    arn = f"{bucket.arn.rpartition(':')[0]}:{name}"

    def on_logs(operation: str, does: str, order: Order, *warnings: str, **parameters: Json) -> Step:
        step = bucket_step(bucket, operation, does, order, *warnings)
        return replace(
            step, does=f"{does}: bucket {name}", parameters={**step.parameters, "Bucket": name, **parameters}
        )

    # A bucket of us-east-1 must be made without saying so.
    place = {} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}
    made = on_logs(
        "s3:CreateBucket",
        "makes a bucket for access logs",
        Order.PREPARE,
        "The name may be taken: choose another one then, in all steps. A log bucket that you have will do as well.",
        ObjectOwnership="BucketOwnerEnforced",
        **place,
    )
    # There is nobody yet whom the bucket could belong to.
    yield replace(made, parameters={k: v for k, v in made.parameters.items() if k != "ExpectedBucketOwner"})
    yield on_logs(
        "s3:PutPublicAccessBlock",
        "blocks all public access",
        Order.PREPARE,
        PublicAccessBlockConfiguration=dict.fromkeys(PUBLIC_ACCESS_FLAGS, True),
    )
    policy = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "S3DeliversAccessLogs",
                "Effect": "Allow",
                "Principal": {"Service": "logging.s3.amazonaws.com"},
                "Action": "s3:PutObject",
                "Resource": f"{arn}/{bucket.name}/*",
                "Condition": {"ArnLike": {"aws:SourceArn": bucket.arn}, "StringEquals": {"aws:SourceAccount": owner}},
            },
            {
                "Sid": "DenyInsecureTransport",
                "Effect": "Deny",
                "Principal": "*",
                "Action": "s3:*",
                "Resource": [arn, f"{arn}/*"],
                "Condition": {"Bool": {"aws:SecureTransport": "false"}},
            },
        ],
    }
    yield on_logs("s3:PutBucketPolicy", "lets S3 deliver access logs", Order.GRANT, Policy=json.dumps(policy))
    yield bucket_step(
        bucket,
        "s3:PutBucketLogging",
        f"logs access into the bucket {name}",
        Order.CHANGE,
        "Logs pile up for ever and hold addresses of people: give the log bucket a lifecycle rule.",
        "A bucket with an Object Lock default retention cannot take access logs.",
        BucketLoggingStatus={"LoggingEnabled": {"TargetBucket": name, "TargetPrefix": f"{bucket.name}/"}},
    )


@rule(
    "bucket-access-logging",
    title="Access to the bucket is logged",
    severity=Severity.MEDIUM,
    remedy=log_into_new_bucket,
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
