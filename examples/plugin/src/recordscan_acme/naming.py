"""How Acme names the places where media lies."""

from recordscan.estate.target import Target, bucket_of, location_of
from recordscan.facts import need
from recordscan.rule import Findings, Severity, finding, rule

TEAM = "acme-video-"


@rule(
    "acme-bucket-name",
    title="Media lies in a bucket of the video team",
    severity=Severity.MEDIUM,
    remediation=f"Create a bucket whose name begins with `{TEAM}` and save its URL at Twilio.",
    references=("https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html",),
)
def acme_bucket_name(target: Target) -> Findings:
    """Access reviews select buckets by name; a bucket with another name is never reviewed."""
    bucket = bucket_of(target)
    if need(bucket.presence) == "owned" and not bucket.name.startswith(TEAM):
        yield finding(
            f"the bucket {bucket.name} does not carry the team's name",
            bucket.arn,
            expected=f"a name that begins with {TEAM}",
            observed=bucket.name,
        )


@rule(
    "acme-prefix-depth",
    title="Media lies exactly two folders deep",
    severity=Severity.LOW,
    remediation="Save a URL at Twilio whose path has two folders, such as `/video/recordings/`.",
    references=("https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-prefixes.html",),
)
def acme_prefix_depth(target: Target) -> Findings:
    """The archive job walks two folders; what lies elsewhere is not archived."""
    prefix = location_of(target).key_prefix
    if prefix.count("/") != 2:
        yield finding(f"{target.name} writes to {prefix!r}, which is not two folders deep", target.uid)
