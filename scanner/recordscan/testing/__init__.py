"""For authors of rules: a sound estate to start from, ways to spoil it, and `judge()`.

A case is a snapshot in the making. It starts sound, and a test changes single answers:

    case = sound()
    case.set("s3:GetBucketVersioning", "/Status", "Suspended")
    assert judge(bucket_versioning, case).outcome is Outcome.FAIL

`judge()` does more than run the rule: it withholds every observation in turn and sees to it that ignorance never turns
into a verdict. So a test that uses it proves that, too.
"""

from recordscan.testing.aws import (
    LOG_DELIVERY,
    TLS_ONLY_POLICY,
    credential_report,
    objects_of,
    report_line,
    role_details,
    set_writer_policy,
    upload_policy,
)
from recordscan.testing.case import Case, judge, judge_all
from recordscan.testing.estates import composing, sound
from recordscan.testing.names import (
    ACCESS_KEY,
    ANALYZER_ARN,
    AWS_ACCOUNT,
    BOUNDARY_ARN,
    BUCKET,
    CALLBACK_HOST,
    COMPOSITIONS_PREFIX,
    CREDENTIAL,
    KEY_ARN,
    LOG_BUCKET,
    LOG_GROUP,
    NOW,
    PREFIX,
    PUBLIC_KEY,
    REGION,
    REVIEWERS,
    REVIEWERS_ARN,
    ROOM,
    SCANNER_KEY,
    TRAIL_ARN,
    TRAIL_BUCKET,
    TWILIO_ACCOUNT,
    UPLOADERS,
    WRITER,
    WRITER_ARN,
    ago,
)
from recordscan.testing.twilio import (
    alert,
    api_key,
    bucket_url,
    composition,
    event,
    hook,
    recording,
    room,
    usage_day,
)

__all__ = [
    "ACCESS_KEY",
    "ANALYZER_ARN",
    "AWS_ACCOUNT",
    "BOUNDARY_ARN",
    "BUCKET",
    "CALLBACK_HOST",
    "COMPOSITIONS_PREFIX",
    "CREDENTIAL",
    "KEY_ARN",
    "LOG_BUCKET",
    "LOG_DELIVERY",
    "LOG_GROUP",
    "NOW",
    "PREFIX",
    "PUBLIC_KEY",
    "REGION",
    "REVIEWERS",
    "REVIEWERS_ARN",
    "ROOM",
    "SCANNER_KEY",
    "TLS_ONLY_POLICY",
    "TRAIL_ARN",
    "TRAIL_BUCKET",
    "TWILIO_ACCOUNT",
    "UPLOADERS",
    "WRITER",
    "WRITER_ARN",
    "Case",
    "ago",
    "alert",
    "api_key",
    "bucket_url",
    "composing",
    "composition",
    "credential_report",
    "event",
    "hook",
    "judge",
    "judge_all",
    "objects_of",
    "recording",
    "report_line",
    "role_details",
    "room",
    "set_writer_policy",
    "sound",
    "upload_policy",
    "usage_day",
]
