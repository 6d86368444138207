"""Steps about KMS keys."""

import re
from collections.abc import Iterable, Iterator

from recordscan.estate.arn import parse_arn
from recordscan.estate.key import KmsKey
from recordscan.estate.target import Target, bucket_of
from recordscan.facts import Json, Known, need
from recordscan.mending.buckets import WHOLE, edit_encryption
from recordscan.mending.policies import add_statement, policy_text
from recordscan.policy.template import KEY_ACTIONS
from recordscan.remedy import Document, Edit, Order, Output, Step, by_hand, reference


def key_step(
    key: KmsKey,
    operation: str,
    does: str,
    order: Order,
    *warnings: str,
    document: Document | None = None,
    **parameters: Json,
) -> Step:
    """A step about a key; `does` is a clause without subject and without the key, which is appended.

    Raises:
        Missing: The ARN of the key is not known.
    """
    arn = need(key.arn)
    parsed = parse_arn(arn)
    return Step(
        operation=operation,
        does=f"{does}: key {arn}",
        order=order,
        account=parsed.account if parsed is not None else None,
        region=need(key.region),
        parameters={"KeyId": arn, **parameters},
        warnings=warnings,
        document=document,
    )


def edit_key_policy(key: KmsKey, edits: Iterable[Edit], does: str, order: Order, *warnings: str) -> Step:
    """Changes statements of the key policy, and leaves the others as they are."""
    policy = need(key.policy)
    if policy is None:
        by_hand("KMS shows no policy of the key, though each has one")
    document = Document(
        parameter="Policy", as_text=True, current=policy_text(policy, "the key policy"), edits=tuple(edits)
    )
    warnings = (*warnings, WHOLE.format(what="the key policy"))
    return key_step(key, "kms:PutKeyPolicy", does, order, *warnings, document=document, PolicyName="default")


def writer_statement(writer_arn: str) -> dict[str, Json]:
    """The statement of a key policy that lets a user upload what the key encrypts, as Twilio's guide asks for it.

    Uploads need two of these actions only, but where the others are lacking, enc-kms-grant fails.
    """
    return {
        "Sid": "TwilioWriter" + re.sub(r"[^A-Za-z0-9]", "", writer_arn.rpartition("/")[2]),
        "Effect": "Allow",
        "Principal": {"AWS": writer_arn},
        "Action": list(KEY_ACTIONS),
        "Resource": "*",
    }


AS_THE_GUIDE = (
    "It grants the actions on the key that Twilio's guide asks for; S3 itself asks for kms:GenerateDataKey and "
    "kms:Decrypt only."
)
"""What to say where `writer_statement` is added."""


def encrypt_with_new_key(target: Target) -> Iterator[Step]:
    """Makes a customer managed key in the bucket's Region, and the bucket encrypt with it by default.

    The writer, where it is known, may use the key before anything is encrypted with it. Nobody else may by the key
    policy alone: it leaves the others to the policies of IAM.
    """
    bucket = bucket_of(target)
    owner, region = need(bucket.owner), need(bucket.region)
    partition = bucket.arn.split(":")[1]
    name = "KEY_ARN_" + re.sub(r"[^A-Z0-9]", "_", bucket.name.upper())
    root = f"arn:{partition}:iam::{owner}:root"
    delegation = {
        "Sid": "EnableIAMPolicies",
        "Effect": "Allow",
        "Principal": {"AWS": root},
        "Action": "kms:*",
        "Resource": "*",
    }
    writer = target.writer.value if isinstance(target.writer, Known) else None
    if writer is not None and writer.account != owner:
        by_hand("the user that Twilio writes as is of another account, whose own policies must allow the key, too")
    unknown = "Nothing shows which user Twilio writes as: let it use the key, or its next upload fails."
    yield Step(
        operation="kms:CreateKey",
        does=f"makes a key that encrypts the media of the bucket {bucket.name}",
        order=Order.PREPARE,
        account=owner,
        region=region,
        parameters={"Description": f"Twilio Video media in the bucket {bucket.name}"},
        warnings=(AS_THE_GUIDE,) if writer is not None else (unknown,),
        document=Document(
            parameter="Policy",
            as_text=True,
            current={"Version": "2012-10-17", "Statement": [delegation]},
            edits=() if writer is None else (add_statement(None, writer_statement(writer.arn)),),
        ),
        output=Output(name=name, path="KeyMetadata.Arn"),
    )
    yield Step(
        operation="kms:EnableKeyRotation",
        does=f"rotates the new key of the bucket {bucket.name} every year",
        order=Order.PREPARE,
        account=owner,
        region=region,
        parameters={"KeyId": reference(name)},
    )
    default = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": reference(name)}
    yield edit_encryption(
        bucket,
        (
            Edit(action="set", path="/Rules/0/ApplyServerSideEncryptionByDefault", value=default),
            Edit(action="set", path="/Rules/0/BucketKeyEnabled", value=True),
        ),
        "encrypts new objects with the new key",
        Order.CHANGE,
        "Whoever reads new recordings needs kms:Decrypt on the new key from then on.",
        "Objects that are there stay encrypted as they are; keep the old key for as long as they are needed.",
        "Policies of the user that Twilio writes as that name the old key let it use that one still: change them next.",
        "A permissions boundary or organization policy that names another key stops the uploads.",
    )
