"""Patterns of metric filters and EventBridge rules, held against a CloudTrail event."""

import json
from typing import Any

import pytest

from recordscan.estate.patterns import event_pattern_matches, log_pattern_matches, read_event_pattern
from recordscan.estate.watch import Watched

POLICY = Watched(source="s3.amazonaws.com", name="PutBucketPolicy", region="eu-west-1", account="111122223333")

CIS = (
    "{ ($.eventSource = s3.amazonaws.com) && (($.eventName = PutBucketAcl) || ($.eventName = PutBucketPolicy) || "
    "($.eventName = PutBucketCors) || ($.eventName = DeleteBucketPolicy)) }"
)


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        (CIS, True),
        (CIS.replace("PutBucketPolicy", "PutBucketTagging"), False),
        ("", True),
        ("{$.eventName=PutBucketPolicy}", True),
        ('{ $.eventName = "PutBucketPolicy" }', True),
        ('{ $.eventName = "Put*Policy" }', True),
        ("{ $.eventName = Put?ucketPolicy }", False),
        ("{ $.eventName != PutBucketPolicy }", False),
        ("{ $.eventName = DeleteBucket* || $.eventSource = s3* && $.eventName = Put* }", True),
        ("{ ($.eventName = DeleteBucket* || $.eventSource = s3*) && $.eventName = Get* }", False),
        ("{ $.eventName = PutBucketPolicy && $.errorCode NOT EXISTS }", True),
        ("{ $.eventName = PutBucketPolicy && $.userIdentity.type = Root }", None),
        ("{ $.eventName = DeleteBucket && $.userIdentity.type = Root }", False),
        ("{ $.eventName = %PutBucket.*% }", None),
        ("{ $.errorCode = AccessDenied }", None),
        ("PutBucketPolicy", None),
        ("{ $.eventName = }", None),
        ("{ $.eventName = PutBucketPolicy", None),
        ("{ ($.eventName = PutBucketPolicy }", None),
        ("{ $.eventName = PutBucketPolicy ) }", None),
        ("{ eventName = PutBucketPolicy }", None),
        ("{ " + "(" * 200 + "$.eventName = PutBucketPolicy" + ")" * 200 + " }", None),
    ],
)
def test_a_filter_pattern_counts_an_event_or_not_or_that_cannot_be_told(pattern: str, expected: bool | None) -> None:
    assert log_pattern_matches(pattern, POLICY.record) is expected


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ({"source": ["aws.s3"]}, True),
        ({"source": ["aws.s3"], "detail": {"eventName": ["PutBucketPolicy", "PutBucketAcl"]}}, True),
        ({"source": ["aws.s3"], "detail": {"eventName": ["PutBucketAcl"]}}, False),
        ({"source": ["aws.kms"]}, False),
        ({"source": [{"prefix": "aws."}], "detail": {"eventName": [{"suffix": "Policy"}]}}, True),
        ({"detail": {"eventName": [{"wildcard": "PutBucket*"}]}}, True),
        ({"detail": {"eventName": [{"equals-ignore-case": "putbucketpolicy"}]}}, True),
        ({"detail": {"eventName": [{"anything-but": ["PutBucketPolicy"]}]}}, False),
        ({"detail": {"eventName": [{"anything-but": "PutBucketAcl"}]}}, True),
        ({"detail": {"eventName": [{"anything-but": {"prefix": "Put"}}]}}, None),
        ({"detail": {"eventName": [{"exists": True}]}}, True),
        ({"detail": {"eventName": [{"exists": False}]}}, False),
        ({"detail": {"eventName": [None, 1]}}, False),
        ({"detail": {"requestParameters": {"bucketName": ["acme"]}}}, None),
        ({"detail": {"eventName": ["PutBucketAcl"], "userIdentity": {"type": ["Root"]}}}, False),
        ({"$or": [{"source": ["aws.kms"]}, {"source": ["aws.s3"]}]}, True),
        ({"$or": [{"source": ["aws.kms"]}]}, False),
        ({"detail-type": ["Object Created"], "source": ["aws.s3"]}, False),
        ({"source": "aws.s3"}, None),
    ],
)
def test_an_event_pattern_takes_an_event_or_not_or_that_cannot_be_told(
    pattern: dict[str, Any], expected: bool | None
) -> None:
    read = read_event_pattern(json.dumps(pattern))
    assert read is not None
    assert event_pattern_matches(read, POLICY.event) is expected


@pytest.mark.parametrize("text", [None, "", "[]", "nonsense", '{"a":' * 3000 + "1" + "}" * 3000])
def test_what_is_no_pattern_is_none(text: str | None) -> None:
    assert read_event_pattern(text) is None
