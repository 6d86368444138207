"""How the bucket encrypts what Twilio writes: by default, with which key, and with whose."""

import json
from collections.abc import Iterator
from datetime import datetime, timedelta

from recordscan.estate.access import object_arn
from recordscan.estate.arn import parse_arn
from recordscan.estate.bucket import Bucket, Encryption
from recordscan.estate.key import key_region
from recordscan.estate.s3url import S3Location, parse_object_url
from recordscan.estate.target import Target, bucket_of, key_of
from recordscan.estate.twilio import Composition, Product, Recording, TwilioAccount
from recordscan.facts import Known, Reason, derive, if_known, need, not_applicable, places, unavailable
from recordscan.mending import (
    add_statement,
    edit_bucket_policy,
    edit_encryption,
    encrypt_with_new_key,
    spare_missing_header,
)
from recordscan.policy.conditions import holds
from recordscan.policy.denials import sse_c_denied
from recordscan.policy.documents import PolicyDocument, Statement
from recordscan.policy.powers import about_resource, covers
from recordscan.policy.request import context_of
from recordscan.remedy import Edit, Order, Step, by_hand
from recordscan.rule import Findings, Severity, finding, official, peer, proposal, rule

_SSE_KMS = "https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html"
_DEFAULT_ENCRYPTION = "https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-encryption.html"
_GUIDE = "https://www.twilio.com/docs/video/tutorials/storing-aws-s3"

_LATELY = timedelta(days=7)

_ACCESS_DENIED: dict[Product, frozenset[str]] = {
    "recordings": frozenset({"53615"}),
    "compositions": frozenset({"53625", "53669"}),
}
"""What Twilio logs when the bucket denies an upload, for which SSE-S3 is one of the documented causes."""


def name_key_by_arn(target: Target) -> Iterator[Step]:
    """Names the very key that the alias or id means in the bucket's account now."""
    key, bucket = key_of(target), bucket_of(target)
    if key_region(key.reference, need(bucket.region)) != need(bucket.region) or not need(key.exists):
        by_hand("the bucket needs another key, so this name of it is not worth mending")
    arn = need(key.arn)
    yield edit_encryption(
        bucket,
        [Edit(action="set", path="/Rules/0/ApplyServerSideEncryptionByDefault/KMSMasterKeyID", value=arn)],
        f"names its key {arn}",
        Order.CHANGE,
        "A change of what the alias leads to reaches the bucket no more.",
    )


def block_sse_c(target: Target) -> Iterator[Step]:
    """Blocks SSE-C in the default encryption, beside what is blocked already."""
    # With the other changes of the default, which uploads may need: a setting is saved after them, and tries one.
    bucket = bucket_of(target)
    kept = [kind for kind in need(bucket.encryption).blocked or () if kind != "NONE"]
    yield edit_encryption(
        bucket,
        [Edit(action="set", path="/Rules/0/BlockedEncryptionTypes", value={"EncryptionType": [*kept, "SSE-C"]})],
        "refuses uploads with keys that the uploader brings",
        Order.CHANGE,
        "Whoever uploads with SSE-C is refused, also copies and replication of such objects; Twilio does not use it.",
    )


def fit_headers(target: Target) -> Iterator[Step]:
    """Lets uploads without encryption headers through, and refuses those that state another encryption."""
    bucket = bucket_of(target)
    policy, default = need(bucket.policy), need(bucket.encryption)
    statements = () if policy is None else policy.statements
    denies = [s for s in statements if policy is not None and _denies_upload(s, policy, object_arn(target))]
    own = [headers for _, headers, _ in _in_order(default) if headers]
    if policy is None or any(_hits(s, policy, headers) for s in denies for headers in own):
        by_hand("a statement refuses what the bucket's own default is, and a person must say which of the two is right")
    edits = [edit for statement in denies for edit in spare_missing_header(statement, (_SSE, _SSE_KEY))]
    for _, headers in _others(default):
        if not any(s.everyone and _hits(s, policy, headers, alone=True) for s in denies):
            # Of an upload that states a key of KMS, the key is what differs.
            key, value = (_SSE_KEY, default.key) if _SSE_KEY in headers else (_SSE, default.algorithm)
            statement = {
                "Sid": "DenyOtherKey" if key == _SSE_KEY else "DenyOtherEncryption",
                "Effect": "Deny",
                "Principal": "*",
                "Action": "s3:PutObject",
                "Resource": f"{bucket.arn}/*",
                "Condition": {"StringNotEquals": {key: value}, "Null": {key: "false"}},
            }
            edits.append(add_statement(policy, statement))
    yield edit_bucket_policy(
        bucket,
        edits,
        "refuses only uploads that state another encryption than the default",
        Order.DENY,
        "Uploads that state SSE-S3 or another key are refused; those without a header get the default.",
    )


@rule(
    "enc-bucket-sse-kms",
    title="The bucket encrypts by default with AWS KMS",
    severity=Severity.HIGH,
    remedy=encrypt_with_new_key,
    remediation="""
        Set the default encryption of the bucket to SSE-KMS with a customer managed key of the bucket's
        Region: `aws s3api put-bucket-encryption --bucket BUCKET --server-side-encryption-configuration
        '{"Rules":[{"ApplyServerSideEncryptionByDefault":{"SSEAlgorithm":"aws:kms","KMSMasterKeyID":"KEY-ARN"},
        "BucketKeyEnabled":true}]}'`. First grant Twilio's IAM user `kms:GenerateDataKey*`, `kms:Encrypt`,
        `kms:Decrypt`, `kms:ReEncrypt*` and `kms:DescribeKey` on that key, or its next upload fails. Objects
        that are there already stay as they are until they are copied.
    """,
    controls=official(
        security_hub=["S3.17"],
        nist_800_53_r5=["SC-12(2)", "SC-13", "SC-28", "SC-28(1)", "CA-9(1)", "AU-9"],
        pci_dss_4_0_1=["3.5.1"],
    )
    + peer(hipaa=["164.312(a)(2)(iv)", "164.312(e)(2)(ii)"], soc2=["PI1.4"], gdpr=["art. 32"])
    + peer(iso_27001_2022=["A.8.24", "A.8.11"])
    + proposal(soc2=["CC6.1"]),
    references=(_SSE_KMS, _GUIDE, "https://www.twilio.com/docs/api/errors/53615"),
    guide="the only option we support is SSE-KMS (SSE with AWS KMS-Managed Keys)",
    peers=(
        "prowler:s3_bucket_kms_encryption",
        "steampipe:s3_bucket_default_encryption_enabled_kms",
        "custodian:bucket-encryption",
        "checkov:CKV_AWS_145",
        "config:s3-default-encryption-kms",
        "securityhub:S3.17",
    ),
)
def bucket_sse_kms(target: Target) -> Findings:
    """Twilio supports only SSE-KMS, and its error 53615 names SSE-S3 as a cause of refused uploads.

    Every new bucket has SSE-S3 (AES256) since January 2023, so a freshly made bucket is in the unsupported
    state until somebody changes it. Its objects are encrypted then, but with no key policy that could keep a
    reader out and no record of who decrypted what. Uploads of the last week that reached the bucket show that
    Twilio copes with it; then the finding is a low one, unless Twilio's error log shows a later one that was
    denied. Whether Twilio copes with `aws:kms:dsse` is documented nowhere.
    """
    bucket = bucket_of(target)
    algorithm = need(bucket.encryption).algorithm
    if algorithm == "aws:kms":
        return
    if algorithm != "AES256":
        unavailable(Reason.UNDECIDABLE, f"nobody documents whether Twilio can write to a bucket with {algorithm}")
    lately = derive(lambda: _uploaded_lately(target, bucket))
    succeeds = isinstance(lately, Known) and need(lately)
    yield finding(
        f"the bucket {bucket.name} encrypts by default with SSE-S3, not with AWS KMS"
        + ("; yet uploads of the last week reached it" if succeeds else ""),
        bucket.arn,
        severity=Severity.LOW if succeeds else Severity.HIGH,
        expected="aws:kms",
        observed=algorithm,
        evidence=places(bucket.encryption, "SSEAlgorithm"),
    )


@rule(
    "enc-kms-region",
    title="The KMS key is in the Region of the bucket",
    severity=Severity.CRITICAL,
    remedy=encrypt_with_new_key,
    remediation="""
        Make (or choose) a customer managed key in the Region of the bucket, and set the bucket's default
        encryption to the ARN of that key. For a multi-Region key use the ARN of the replica in the bucket's
        Region. Grant Twilio's IAM user the same rights on the new key, and keep the old one for as long as
        objects are encrypted with it.
    """,
    controls=proposal(nist_800_53_r5=["SC-12", "CP-10"], iso_27001_2022=["A.8.24"]),
    references=(_SSE_KMS, _GUIDE),
    guide="The KMS key and the bucket must be in the same region",
)
def kms_region(target: Target) -> Findings:
    """S3 encrypts only with a key of the bucket's own Region: with another one each upload fails.

    S3 does not look at the key when the default encryption is saved, so a key of another Region, or one that
    does not exist, is accepted and first noticed when recordings are lost. A related multi-Region key
    (`mrk-…`) elsewhere is a different key to S3.
    """
    key, bucket = key_of(target), bucket_of(target)
    region = need(bucket.region)
    named = key_region(key.reference, region)
    if named != region:
        yield finding(
            f"the bucket {bucket.name} in {region} encrypts by default with a KMS key in {named}",
            key.reference,
            bucket.arn,
            expected=region,
            observed=named,
            evidence=places(bucket.region, "BucketRegion") + places(bucket.encryption, "KMSMasterKeyID"),
        )
    elif not need(key.exists):
        yield finding(
            f"the bucket {bucket.name} encrypts by default with a KMS key that does not exist in {region}",
            key.reference,
            bucket.arn,
            expected=f"a key in {region}",
            observed="no such key",
            evidence=places(key.exists) + places(bucket.encryption, "KMSMasterKeyID"),
        )


@rule(
    "enc-customer-key",
    title="The bucket encrypts with a customer managed key",
    severity=Severity.MEDIUM,
    remedy=encrypt_with_new_key,
    remediation="""
        Create a customer managed symmetric key in the bucket's Region (`aws kms create-key`), switch its
        rotation on, write a key policy that names who may decrypt, and set the bucket's default encryption to
        the ARN of the key.
    """,
    controls=proposal(
        nist_800_53_r5=["SC-12", "SC-12(2)"], pci_dss_4_0_1=["3.6.1", "3.7.1"], iso_27001_2022=["A.8.24"]
    ),
    references=(_SSE_KMS, "https://docs.aws.amazon.com/kms/latest/developerguide/concepts.html"),
    guide="you must grant access to the KMS key in your policy document",
    peers=("trivy:AWS-0132", "checkov:CKV_AWS_186", "custodian:bucket-encryption"),
)
def customer_key(target: Target) -> Findings:
    """The policy of the AWS managed key `aws/s3` cannot be edited: everyone in the account who may read S3 may decrypt.

    A customer managed key is the second lock on recordings. Its policy says who may decrypt them, it can be
    disabled in an incident, and its rotation is yours to set.
    """
    bucket = bucket_of(target)
    algorithm = need(bucket.encryption).algorithm
    if algorithm == "AES256":
        not_applicable("the bucket does not encrypt with a KMS key")
    if algorithm not in ("aws:kms", "aws:kms:dsse"):
        unavailable(Reason.UNDECIDABLE, f"{algorithm} is no kind of encryption that this rule knows")
    key = need(target.key)
    manager = "AWS" if key is None else need(key.manager)
    if manager == "AWS":
        yield finding(
            f"the bucket {bucket.name} encrypts by default with an AWS managed key",
            bucket.arn,
            expected="a customer managed key",
            observed="aws/s3" if key is None else key.reference,
            evidence=places(bucket.encryption, "SSEAlgorithm", "KMSMasterKeyID") + (places(key.manager) if key else ()),
        )
    elif manager != "CUSTOMER":
        unavailable(Reason.MALFORMED, "KMS does not say who manages the key")


@rule(
    "enc-key-arn",
    title="The bucket names its KMS key by the key's full ARN",
    severity=Severity.MEDIUM,
    remedy=name_key_by_arn,
    remediation="""
        Look up the ARN of the key that is meant (`aws kms describe-key --key-id NAME --query
        KeyMetadata.Arn`) and set the bucket's default encryption to it.
    """,
    controls=proposal(nist_800_53_r5=["SC-12"], iso_27001_2022=["A.8.24"]),
    references=(_DEFAULT_ENCRYPTION, _SSE_KMS),
)
def key_arn(target: Target) -> Findings:
    """S3 resolves an alias or a bare key id in the account of whoever uploads, not in that of the bucket.

    So data may end up encrypted with a key that the bucket's owner does not control, or uploads fail because
    the uploader has no such key. An alias can also be moved to another key without a trace in the bucket.
    """
    reference = key_of(target).reference
    arn = parse_arn(reference)
    if arn is None or arn.service != "kms" or not arn.resource.startswith("key/"):
        bucket = bucket_of(target)
        yield finding(
            f"the default encryption of the bucket {bucket.name} names its key by {_kind(reference)}",
            bucket.arn,
            reference,
            expected="a key ARN",
            observed=reference,
            evidence=places(bucket.encryption, "KMSMasterKeyID"),
        )


@rule(
    "enc-sse-c-blocked",
    title="The bucket refuses uploads with keys that the uploader brings",
    severity=Severity.HIGH,
    remedy=block_sse_c,
    remediation="""
        Block SSE-C in the bucket's default encryption: repeat the present rule in `aws s3api
        put-bucket-encryption` and add `"BlockedEncryptionTypes":{"EncryptionType":["SSE-C"]}` to it. Twilio
        never uses SSE-C. Look for objects that were written so before: nobody can read them without the key.
    """,
    controls=proposal(nist_800_53_r5=["SC-12", "SC-28", "CP-9"], iso_27001_2022=["A.8.24"]),
    references=(
        "https://docs.aws.amazon.com/AmazonS3/latest/userguide/blocking-unblocking-s3-c-encryption-gpb.html",
        "https://docs.aws.amazon.com/AmazonS3/latest/userguide/default-s3-c-encryption-setting-faq.html",
    ),
)
def sse_c_blocked(target: Target) -> Findings:
    """With SSE-C an intruder overwrites recordings encrypted with a key of their own, and asks a ransom for it.

    AWS keeps no copy of such a key, so nothing brings the data back. AWS has switched SSE-C off for buckets
    that never used it; a bucket that still allows it was left out or was opened again. A bucket policy that
    denies uploads with the header `x-amz-server-side-encryption-customer-algorithm` to everyone serves as
    well.
    """
    bucket = bucket_of(target)
    blocked = need(bucket.encryption).blocked or ()
    if "SSE-C" in blocked:
        return
    policy = need(bucket.policy)
    if policy is None or not sse_c_denied(policy, bucket.arn).full:
        yield finding(
            f"the bucket {bucket.name} accepts uploads that are encrypted with a key of the uploader's",
            bucket.arn,
            expected="SSE-C blocked",
            observed="blocked: " + (", ".join(blocked) or "not stated"),
            evidence=places(bucket.encryption, "BlockedEncryptionTypes", "EncryptionType") + places(bucket.policy),
        )


@rule(
    "enc-headers-consistent",
    title="What the bucket policy demands of encryption headers fits the default encryption",
    severity=Severity.MEDIUM,
    remedy=fit_headers,
    remediation="""
        Let the policy deny only uploads that state another kind of encryption or another key than the bucket's
        default. An upload without headers gets the default. So join to each negated test one that the header is
        there: `"Condition":{"StringNotEquals":{"s3:x-amz-server-side-encryption":"aws:kms"},
        "Null":{"s3:x-amz-server-side-encryption":"false"}}`. `IfExists` does not do it: a negated test holds
        without the key, with or without it.
    """,
    controls=proposal(nist_800_53_r5=["SC-28", "CM-6"], iso_27001_2022=["A.8.24"]),
    references=(
        _SSE_KMS,
        _DEFAULT_ENCRYPTION,
        "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html",
    ),
    peers=("custodian:no-encryption-statement",),
)
def headers_consistent(target: Target) -> Findings:
    """S3 looks at the bucket policy before it puts in the default encryption, so a Deny can refuse what is in order.

    Twilio documents no encryption headers of its uploads. A Deny that also hits uploads without them is therefore
    a medium finding: recordings may be lost. It is a low one when the policy refuses uploads that state the
    bucket's own default, or speaks of these headers but lets uploads through that state another kind or key. A
    policy that says nothing of them is not judged; the default encryption does without.
    """
    bucket = bucket_of(target)
    policy = need(bucket.policy)
    sample = object_arn(target)
    statements = () if policy is None else policy.statements
    denies = [s for s in statements if policy is not None and _denies_upload(s, policy, sample)]
    unclear = [s.label for s in statements if s.effect != "Allow" and not s.valid and _speaks_of_headers(s)]
    if policy is None or not (denies or unclear):
        not_applicable("the bucket policy says nothing of encryption headers")
    default = need(bucket.encryption)
    for statement in denies:
        for upload, headers, severity in _in_order(default):
            if _hits(statement, policy, headers):
                yield finding(
                    f"statement {statement.label} of the policy of the bucket {bucket.name} refuses uploads {upload}",
                    bucket.arn,
                    severity=severity,
                    expected="only uploads refused that state another encryption",
                    observed=", ".join(f"{test.operator} {test.key}" for test in statement.conditions),
                    discriminator=f"{statement.stable_name} {upload}",
                    evidence=places(bucket.policy) + places(bucket.encryption),
                )
    if unclear:
        unavailable(Reason.MALFORMED, f"statement {', '.join(unclear)} of the bucket policy has a defect")
    for upload, headers in _others(default):
        if not any(s.everyone and _hits(s, policy, headers, alone=True) for s in denies):
            yield finding(
                f"the policy of the bucket {bucket.name} speaks of encryption headers, yet lets uploads through that "
                f"state {upload}",
                bucket.arn,
                severity=Severity.LOW,
                expected="uploads refused that state another encryption than the default",
                observed=f"nothing denies everyone uploads that state {upload}",
                discriminator=f"another {upload}",
                evidence=places(bucket.policy) + places(bucket.encryption),
            )


_SSE = "s3:x-amz-server-side-encryption"
_SSE_KEY = f"{_SSE}-aws-kms-key-id"
_OTHER_KEY = "arn:aws:kms:us-east-1:000000000000:key/00000000-0000-0000-0000-000000000000"


def _in_order(default: Encryption) -> Iterator[tuple[str, dict[str, str], Severity]]:
    """Uploads that end up encrypted as the bucket's default says, and how bad it is to refuse them."""
    yield "that carry no encryption header", {}, Severity.MEDIUM
    own = "that state the bucket's own default encryption"
    if default.key is None:
        yield own, {_SSE: default.algorithm}, Severity.LOW
    elif parse_arn(default.key) is not None:
        yield own, {_SSE: default.algorithm, _SSE_KEY: default.key}, Severity.LOW


def _others(default: Encryption) -> Iterator[tuple[str, dict[str, str]]]:
    """Uploads that state something else than the default, as far as it is AWS KMS."""
    if default.algorithm == "aws:kms":
        yield "SSE-S3", {_SSE: "AES256"}
        if default.key is not None:
            yield "another KMS key", {_SSE: "aws:kms", _SSE_KEY: _OTHER_KEY}


def _speaks_of_headers(statement: Statement) -> bool:
    """Whether a statement tests the headers; of one with a defect, whether it mentions them at all."""
    if not statement.valid:
        return _SSE in json.dumps(statement.raw, default=str).lower()
    return any(test.key.lower() in (_SSE, _SSE_KEY) for test in statement.conditions)


def _denies_upload(statement: Statement, policy: PolicyDocument, sample: str) -> bool:
    """Whether a statement denies somebody uploads under the prefix by what their encryption headers say."""
    return (
        statement.valid
        and statement.effect == "Deny"
        and _speaks_of_headers(statement)
        and covers(statement, "s3:PutObject")
        and about_resource(statement, sample, policy.version)
    )


def _hits(statement: Statement, policy: PolicyDocument, headers: dict[str, str], *, alone: bool = False) -> bool:
    """Whether the tests of headers hold for an upload, and, where asked for, there are no other tests."""
    request = context_of(headers)
    tests = [test for test in statement.conditions if test.key.lower() in (_SSE, _SSE_KEY)]
    if alone and len(tests) < len(statement.conditions):
        return False
    return all(holds(test, request, policy.version) for test in tests)


def _uploaded_lately(target: Target, bucket: Bucket) -> bool:
    """Whether Twilio shows media of the last days in this very bucket, and no later upload that was denied."""
    if target.account is None or target.setting is None:
        return False
    account = target.account
    media: tuple[Recording | Composition, ...]
    if target.setting.product == "recordings":
        media = need(account.recordings).items
    else:
        media = need(account.compositions).items
    stored = [item for item in media if item.status == "completed" and _lies_in(bucket, item.location)]
    newest = max((need(item.created) for item in stored), default=datetime.min.replace(tzinfo=target.as_of.tzinfo))
    return target.as_of - newest <= _LATELY and not _denied_since(newest, account, target.setting.product)


def _denied_since(newest: datetime, account: TwilioAccount, product: Product) -> bool:
    """Whether the error log, where it can be read, shows that the bucket denied an upload since."""
    log = if_known(account.alerts)
    denied = [alert for alert in log.items if alert.error_code in _ACCESS_DENIED[product]] if log is not None else []
    return any(not isinstance(alert.created, Known) or alert.created.value > newest for alert in denied)


def _lies_in(bucket: Bucket, url: str | None) -> bool:
    location = parse_object_url(url)
    return isinstance(location, S3Location) and location.bucket == bucket.name


def _kind(reference: str) -> str:
    return "an alias" if "alias/" in reference else "a key id"
