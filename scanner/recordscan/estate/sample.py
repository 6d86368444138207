"""What was looked at of single objects: the newest one's retention, and a sample, where the scan was told to take one.

Sources:
    https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObjectRetention.html
    https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadObject.html
"""

from collections.abc import Sequence
from dataclasses import dataclass

from recordscan.estate.answers import Answers, text
from recordscan.estate.bucket import Grant, StoredObject, read_grants
from recordscan.facts import Fact, Json, Known, Reason, derive, need, pluck, unavailable


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectEncryption:
    """How one object is encrypted.

    Attributes:
        algorithm: AES256, aws:kms, …; None where S3 does not say.
        key: ARN of the KMS key; None where it is none of KMS.
        by_customer: Whether it is encrypted with a key that the uploader brought (SSE-C).
    """

    algorithm: str | None
    key: str | None
    by_customer: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SampledObject:
    """One object of the sample."""

    key: str
    encryption: Fact[ObjectEncryption]
    grants: Fact[tuple[Grant, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """What was looked at of the objects under a prefix.

    Attributes:
        newest: Key of the newest object that was listed; None for an empty list.
        retained: Whether that one is under a retention of Object Lock.
        objects: The sample; () where none was taken.
    """

    newest: str | None
    retained: Fact[bool]
    objects: tuple[SampledObject, ...]


def newest_of(listed: Sequence[StoredObject]) -> str | None:
    """Key of the newest object that was listed."""
    dated = [(item.modified.value, item.key) for item in listed if isinstance(item.modified, Known)]
    return max(dated, default=(None, None))[1]


def sampled_keys(listed: Sequence[StoredObject], size: int) -> tuple[str, ...]:
    """Keys of the sample, spread evenly over those that were listed, from the first to the last."""
    if size >= len(listed):
        return tuple(item.key for item in listed)
    if size < 2:
        return tuple(item.key for item in listed[:size])
    last = len(listed) - 1
    return tuple(listed[i * last // (size - 1)].key for i in range(size))


def read_sample(
    answers: Answers, bucket: str, listed: Sequence[StoredObject], *, size: int, account: str, owner: str
) -> Sample:
    """Read what was looked at of single objects.

    Args:
        answers: The scan's observations.
        bucket: Name of the bucket.
        listed: The objects that were listed.
        size: How many the scan was told to sample.
        account: Account id of the caller.
        owner: Account id of the bucket's owner.
    """
    newest = newest_of(listed)

    def ask(operation: str, key: str | None) -> Fact[Json]:
        return answers.read(operation, account, Bucket=bucket, Key=key, ExpectedBucketOwner=owner)

    def sampled(key: str) -> SampledObject:
        return SampledObject(
            key=key,
            encryption=derive(lambda: _encryption(ask("s3:HeadObject", key))),
            grants=derive(lambda: read_grants(ask("s3:GetObjectAcl", key))),
        )

    return Sample(
        newest=newest,
        retained=derive(lambda: need(pluck(ask("s3:GetObjectRetention", newest), "Retention", "Mode")) is not None),
        objects=tuple(sampled(key) for key in sampled_keys(listed, size)),
    )


def _encryption(answer: Fact[Json]) -> ObjectEncryption:
    if need(answer) is None:
        unavailable(Reason.NOT_FOUND, "the object was deleted during the scan")
    return ObjectEncryption(
        algorithm=need(text(pluck(answer, "ServerSideEncryption"))),
        key=need(text(pluck(answer, "SSEKMSKeyId"))),
        by_customer=need(text(pluck(answer, "SSECustomerAlgorithm"))) is not None,
    )
