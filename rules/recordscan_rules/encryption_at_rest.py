"""How objects lie there: the bucket's default, S3 Bucket Keys, and the encryption of sampled objects."""

import json

from recordscan.estate.access import object_arn
from recordscan.estate.sample import ObjectEncryption
from recordscan.estate.target import Target, bucket_of, key_of, sample_of
from recordscan.facts import Known, Reason, need, not_applicable, places, remark, unavailable
from recordscan.policy.conditions import holds
from recordscan.policy.documents import ConditionTest, PolicyDocument, Statement
from recordscan.policy.request import context_of
from recordscan.rule import Findings, Severity, finding, peer, proposal, rule

_DEFAULT_ENCRYPTION = "https://docs.aws.amazon.com/AmazonS3/latest/userguide/default-encryption-faq.html"
_BUCKET_KEYS = "https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-key.html"
_SSE_KMS = "https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html"


@rule(
    "enc-default",
    title="S3 encrypts what is written without encryption headers",
    severity=Severity.INFO,
    remedy="nothing needs to be done by the bucket's owner",
    remediation="""
        S3 encrypts every new object since January 2023 and lets nobody switch that off. Grant the scanner
        `s3:GetEncryptionConfiguration` to see how it does, and see to `enc-bucket-sse-kms`.
    """,
    controls=peer(
        nist_800_53_r5=["SC-13", "SC-28", "SC-28(1)"],
        hipaa=["164.312(a)(2)(iv)"],
        pci_dss_4_0_1=["3.5.1"],
        iso_27001_2022=["A.8.24"],
    ),
    references=(_DEFAULT_ENCRYPTION,),
    peers=(
        "prowler:s3_bucket_default_encryption",
        "trivy:AWS-0088",
        "checkov:CKV_AWS_19",
        "config:s3-bucket-server-side-encryption-enabled",
    ),
)
def default_encryption(target: Target) -> None:
    """For auditors who ask for it: S3 encrypts each new object, with its own key where nothing else is configured.

    So this passes as soon as the default encryption can be read, and never fails. What may not be read is unknown,
    not unencrypted.
    """
    bucket = bucket_of(target)
    default = need(bucket.encryption)
    remark(f"default encryption: {default.algorithm}{f' with {default.key}' if default.kms_key else ''}")


_CONTEXT = "kms:EncryptionContext:aws:s3:arn"


@rule(
    "enc-bucket-key",
    title="The key policy expects the encryption context that S3 Bucket Keys have",
    severity=Severity.MEDIUM,
    remedy="a person must say whether the key policy or the Bucket Key is to change",
    remediation="""
        Change the condition on `kms:EncryptionContext:aws:s3:arn` in the key policy from ARNs of objects to that of
        the bucket (`arn:aws:s3:::BUCKET`; objects from before the Bucket Key need both), or switch the Bucket Key
        off. Then see an upload arrive.
    """,
    controls=proposal(nist_800_53_r5=["SC-12"], iso_27001_2022=["A.8.24"]),
    references=(_BUCKET_KEYS, _SSE_KMS),
    guide="you must grant access to the KMS key in your policy document",
)
def bucket_key(target: Target) -> Findings:
    """With a Bucket Key, S3 tells KMS the ARN of the bucket and not the object's, and conditions on that stop working.

    An Allow then allows nothing, so uploads and reading fail; a Deny for other objects denies all. Bucket Keys save
    requests to KMS, and CloudTrail shows the use of the key for the bucket instead of for each object: the report
    says whether they are on.
    """
    key, bucket = key_of(target), bucket_of(target)
    default = need(bucket.encryption)
    if default.algorithm != "aws:kms":
        not_applicable(f"S3 Bucket Keys do not go with {default.algorithm}")
    if not default.bucket_key:
        remark("S3 Bucket Keys are off: CloudTrail shows the use of the key for each object")
        return
    remark("S3 Bucket Keys are on: CloudTrail shows the use of the key for the bucket, not for each object")
    policy = need(key.policy)
    statements = policy.statements if policy is not None else ()
    for statement in statements:
        for test in statement.conditions:
            if policy is not None and statement.valid and _fails_for_bucket(test, statement, policy, target):
                yield finding(
                    f"statement {statement.label} of the key policy expects ARNs of objects, but the Bucket Key of the "
                    f"bucket {bucket.name} brings that of the bucket",
                    need(key.arn),
                    bucket.arn,
                    expected=bucket.arn,
                    observed=f"{test.operator} {test.key}: {', '.join(test.values)}",
                    discriminator=f"{statement.stable_name} {test.operator}",
                    evidence=places(key.policy) + places(bucket.encryption, "BucketKeyEnabled"),
                )
    unclear = [statement.label for statement in statements if not statement.valid and _mentions(statement)]
    if unclear:
        unavailable(Reason.MALFORMED, f"statement {', '.join(unclear)} of the key policy has a defect")


def _mentions(statement: Statement) -> bool:
    return _CONTEXT.lower() in json.dumps(statement.raw, default=str).lower()


def _fails_for_bucket(test: ConditionTest, statement: Statement, policy: PolicyDocument, target: Target) -> bool:
    """Whether a test makes a statement allow, or a Deny spare, objects of the bucket but not the bucket."""
    if test.key.lower() != _CONTEXT.lower():
        return False
    bucket = bucket_of(target).arn
    inside = [value.replace("*", "x").replace("?", "x") for value in test.values if value.startswith(f"{bucket}/")]

    def serves(name: str) -> bool:
        return (holds(test, context_of({_CONTEXT: name}), policy.version) is True) == (statement.effect == "Allow")

    return not serves(bucket) and any(serves(name) for name in (object_arn(target), *inside))


@rule(
    "enc-object-sample",
    title="Sampled objects are encrypted with the bucket's KMS key",
    severity=Severity.MEDIUM,
    remedy="objects must be copied onto themselves to be encrypted again, which a person must plan",
    remediation="""
        Copy each object onto itself, which encrypts it anew: `aws s3 cp s3://BUCKET/KEY s3://BUCKET/KEY --sse aws:kms
        --sse-kms-key-id KEY-ARN`, or all of them by S3 Batch Operations from an inventory. Then delete the old
        versions. An object that is encrypted with a key that nobody has (SSE-C) is lost.
    """,
    controls=proposal(nist_800_53_r5=["SC-13", "SC-28"], iso_27001_2022=["A.8.24"]),
    references=(_SSE_KMS, "https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadObject.html"),
    guide="the only option we support is SSE-KMS (SSE with AWS KMS-Managed Keys)",
)
def object_sample(target: Target) -> Findings:
    """The default encryption is for new objects; what was written before stays as it was.

    Only the objects of the sample are looked at (`sample_objects` under `[scan]`). Each must be encrypted with
    SSE-KMS, and where the bucket's default names a key, with that key.
    """
    if not target.sample_size:
        not_applicable("the scan takes no sample of the objects (`sample_objects` is 0)")
    bucket = bucket_of(target)
    sample = sample_of(target)
    if not sample.objects:
        not_applicable("no objects were listed")
    key = need(target.key)
    arn = None if key is None else need(key.arn)
    for item in sample.objects:
        fault = _fault(item.encryption.value, arn) if isinstance(item.encryption, Known) else None
        if fault is not None:
            place = f"s3://{bucket.name}/{item.key}"
            yield finding(
                f"the object {place} is {fault}",
                place,
                expected=f"aws:kms with {arn or 'a KMS key'}",
                observed=fault,
                discriminator=item.key,
                evidence=places(item.encryption),
            )
    for item in sample.objects:
        need(item.encryption)


def _fault(found: ObjectEncryption, key: str | None) -> str | None:
    if found.by_customer:
        return "encrypted with a key of the uploader's (SSE-C)"
    if found.algorithm is None or not found.algorithm.startswith("aws:kms"):
        return f"encrypted with {found.algorithm or 'nothing that S3 tells'}"
    if key is not None and found.key != key:
        return f"encrypted with another KMS key: {found.key}"
    return None
