"""What Twilio's guide grants to the user that uploads recordings, as data; and the least of it that uploads need.

The guide's document begins with a statement `Deny` on `NotAction: "*"`. It denies nothing, so it is not a part of this.

Sources:
    https://www.twilio.com/docs/video/tutorials/storing-aws-s3
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html
    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html
"""

from dataclasses import dataclass

from recordscan.facts import Json
from recordscan.policy.documents import PolicyDocument, load_policy
from recordscan.policy.matching import literal

UPLOAD_ACTIONS = ("s3:PutObject",)
"""What the guide grants on objects under the prefix."""

KEY_ACTIONS = ("kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:DescribeKey")
"""What the guide grants on the KMS key."""

NEEDED_KEY_ACTIONS = ("kms:GenerateDataKey", "kms:Decrypt")
"""What S3 asks of the key for an upload: a data key, and for the parts of a multipart upload to read it back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a writer is to put recordings.

    Attributes:
        bucket_arn: With the partition that the bucket is in, such as `arn:aws-us-gov:s3:::media`.
        prefix: Key prefix as it is in keys; "" is the whole bucket.
        key_arn: ARN of the KMS key that encrypts them; None where none does.
        more_actions: What the writer may do to these objects beside storing them.
    """

    bucket_arn: str
    prefix: str = ""
    key_arn: str | None = None
    more_actions: tuple[str, ...] = ()

    @property
    def partition(self) -> str:
        """Such as `aws-cn`."""
        return self.bucket_arn.split(":", 2)[1]

    @property
    def objects(self) -> str:
        """The `Resource` for the objects under the prefix."""
        return f"{self.bucket_arn}/{escaped(self.prefix)}*"


@dataclass(frozen=True, slots=True)
class TemplateGrant:
    """One grant of the template.

    Attributes:
        actions: `Action` patterns.
        resource: Glob of the resources as `globs` compares them, with `matching.literal` characters.
        needed: Those actions without which an upload fails.
    """

    actions: tuple[str, ...]
    resource: str
    needed: tuple[str, ...]


def template_grants(place: Place) -> tuple[TemplateGrant, ...]:
    """What the guide grants for a place."""
    objects = f"{literal(place.bucket_arn)}/{literal(place.prefix)}*"
    grants = (TemplateGrant((*UPLOAD_ACTIONS, *place.more_actions), objects, UPLOAD_ACTIONS),)
    if place.key_arn is None:
        return grants
    return (*grants, TemplateGrant(KEY_ACTIONS, literal(place.key_arn), NEEDED_KEY_ACTIONS))


def template_document(place: Place) -> PolicyDocument:
    """The guide's policy for a place, without the statement that denies nothing."""
    return load_policy(minimal_policy(place, full_template=True), kind="identity")


def minimal_policy(place: Place, *, full_template: bool = False) -> dict[str, Json]:
    """The policy of a user who does nothing but upload recordings, as JSON.

    Args:
        place: Where to.
        full_template: All that the guide grants on the key, with its wildcards, not only what uploads need.
    """
    statements = [_allow("UploadRecordings", UPLOAD_ACTIONS, place.objects)]
    if place.key_arn is not None:
        actions = KEY_ACTIONS if full_template else NEEDED_KEY_ACTIONS
        statements.append(_allow("EncryptRecordings", actions, place.key_arn))
    return {"Version": "2012-10-17", "Statement": statements}


def delegation(account: str | None) -> PolicyDocument:
    """The key policy that leaves it to an account's own policies who may use the key, as KMS makes it."""
    statement = {"Effect": "Allow", "Principal": {"AWS": account or "*"}, "Action": "*", "Resource": "*"}
    return load_policy({"Version": "2012-10-17", "Statement": statement}, kind="resource")


def escaped(text: str) -> str:
    """Text as a part of a `Resource` that names this text alone, by `${*}`, `${?}` and `${$}`."""
    return "".join(f"${{{character}}}" if character in "*?$" else character for character in text)


def _allow(sid: str, actions: tuple[str, ...], resource: str) -> dict[str, Json]:
    return {"Sid": sid, "Effect": "Allow", "Action": list(actions), "Resource": resource}
