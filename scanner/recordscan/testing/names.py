"""Names and moments that every case shares."""

from datetime import UTC, datetime, timedelta

NOW = datetime(2026, 11, 20, 6, 0, tzinfo=UTC)
"""The moment of every case."""

AWS_ACCOUNT = "111122223333"
TWILIO_ACCOUNT = "AC" + "a" * 32
REGION = "eu-west-1"
BUCKET = "acme-video-media"
PREFIX = "video/recordings/"
COMPOSITIONS_PREFIX = "video/compositions/"
KEY_ARN = f"arn:aws:kms:{REGION}:{AWS_ACCOUNT}:key/1234abcd-12ab-34cd-56ef-1234567890ab"
WRITER = "twilio-recordings-writer"
REVIEWERS = "video-reviewers"
"""A role that may read and decrypt the Recordings, and nothing else."""
UPLOADERS = "video-uploaders"
"""The group of the writer alone, which holds its policy."""
BOUNDARY_ARN = f"arn:aws:iam::{AWS_ACCOUNT}:policy/uploads-only"
REVIEWERS_ARN = f"arn:aws:iam::{AWS_ACCOUNT}:role/{REVIEWERS}"
WRITER_ARN = f"arn:aws:iam::{AWS_ACCOUNT}:user/{WRITER}"
ACCESS_KEY = "AKIAIOSFODNN7EXAMPLE"
CREDENTIAL = "CR" + "1" * 32
SCANNER_KEY = "SK" + "8" * 32
"""The restricted API key that the scan reads Twilio with."""
CALLBACK_HOST = "hooks.example.com"
PUBLIC_KEY = "CR" + "2" * 32
LOG_BUCKET = "acme-access-logs"
"""Where the bucket of the media, and that of the trail, log access to themselves."""
TRAIL_BUCKET = "acme-trail"
LOG_GROUP = "audit-trail"
TRAIL_ARN = f"arn:aws:cloudtrail:{REGION}:{AWS_ACCOUNT}:trail/audit"


ROOM = "RM" + "6" * 32
ANALYZER_ARN = f"arn:aws:access-analyzer:{REGION}:{AWS_ACCOUNT}:analyzer/external"
ALERTS_SINCE = (NOW - timedelta(days=29)).strftime("%Y-%m-%d")
OWNED = {"Bucket": BUCKET, "ExpectedBucketOwner": AWS_ACCOUNT}


def ago(**duration: float) -> str:
    """A moment before `NOW`, as the APIs write it: `ago(days=3)`."""
    return (NOW - timedelta(**duration)).strftime("%Y-%m-%dT%H:%M:%SZ")
