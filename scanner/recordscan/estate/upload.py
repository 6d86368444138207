"""Twilio's upload: the request that stores one recording, as far as it is known, and whether it is allowed.

Twilio signs with the writer's long-term access key and puts an object under the prefix. Which addresses and headers its
uploader has is documented nowhere, so that these stay unknown. S3 refuses TLS older than 1.2.

Sources:
    https://www.twilio.com/docs/video/tutorials/storing-aws-s3
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/amazon-s3-policy-keys.html
"""

from collections.abc import Iterable
from dataclasses import replace

from recordscan.estate.access import SAMPLE, bucket_layers, object_arn, request_context
from recordscan.estate.target import Target, bucket_of, location_of, writer_of
from recordscan.facts import need
from recordscan.policy.authorize import Decision, weigh
from recordscan.policy.request import Request

SSE_HEADERS = (
    "s3:x-amz-server-side-encryption",
    "s3:x-amz-server-side-encryption-aws-kms-key-id",
    "s3:x-amz-server-side-encryption-customer-algorithm",
)
ACL_HEADERS = (
    "s3:x-amz-acl",
    "s3:x-amz-grant-full-control",
    "s3:x-amz-grant-read",
    "s3:x-amz-grant-read-acp",
    "s3:x-amz-grant-write",
    "s3:x-amz-grant-write-acp",
)
NETWORK_KEYS = (
    "aws:sourceip",
    "aws:sourcevpc",
    "aws:sourcevpce",
    "aws:sourcevpcarn",
    "aws:vpcsourceip",
    "aws:vpceaccount",
    "aws:vpceorgid",
    "aws:vpceorgpaths",
)


def object_names(target: Target) -> tuple[str, ...]:
    """Names under the prefix that an upload may have: with a slash before it where the prefix does not end in one.

    How Twilio joins the two then is documented nowhere.
    """
    prefix = location_of(target).key_prefix
    return (SAMPLE,) if not prefix or prefix.endswith("/") else (SAMPLE, f"/{SAMPLE}")


def upload(target: Target, *, name: str = SAMPLE, without: Iterable[str] = ()) -> Decision:
    """Decide whether the writer may store an object under the target's prefix.

    The decision may be uncertain, and layers of it unread; see `Decision.allowed` and `require_read`.

    Args:
        target: The target.
        name: Of the object; see `object_names`.
        without: Condition keys that the request does not have, such as those of headers that it does not send.

    Raises:
        Missing: Bucket, place or writer are not known.
        NotApplicable: Twilio does not write here.
    """
    bucket, writer = bucket_of(target), writer_of(target)
    owner = need(bucket.owner)
    secure = location_of(target).scheme == "https"
    alternatives = {"s3:tlsversion": ("1.2", "1.3")} if secure else {"aws:securetransport": ("true", "false")}
    known = {"aws:SecureTransport": "true"} if secure else {}
    context = request_context(writer.principal, owner, target.organization, known, alternatives=alternatives)
    request = Request(
        requester=writer.principal.requester,
        action="s3:PutObject",
        resource=object_arn(target, name),
        resource_account=owner,
        context=replace(context, absent=context.absent | {key.lower() for key in without}),
    )
    return weigh(request, bucket_layers(writer.principal, bucket, owner, target.organization))


def require_read(decision: Decision) -> None:
    """End a rule where a layer that bears on the request could not be read.

    Raises:
        Missing: With the first such layer.
    """
    for layer in decision.unread:
        need(layer)
