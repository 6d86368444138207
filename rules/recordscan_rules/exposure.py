"""Who could reach the bucket from outside: Block Public Access and access control lists."""

from recordscan.estate.bucket import PUBLIC_ACCESS_FLAGS, PUBLIC_GROUPS, Bucket, Grant
from recordscan.estate.target import Target, bucket_of
from recordscan.facts import Fact, Unavailable, all_true, any_true, derive, need, not_applicable, places
from recordscan.rule import Findings, Severity, finding, official, peer, proposal, rule

_BLOCK = "https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html"
_OWNERSHIP = "https://docs.aws.amazon.com/AmazonS3/latest/userguide/about-object-ownership.html"
_ACL = "https://docs.aws.amazon.com/AmazonS3/latest/userguide/acl-overview.html"


@rule(
    "bucket-public-access-block",
    title="Block Public Access is fully on",
    severity=Severity.CRITICAL,
    remediation="""
        For the whole account, which nobody who may only edit buckets can undo: `aws s3control
        put-public-access-block --account-id ACCOUNT --public-access-block-configuration
        BlockPublicAcls=true,IgnorePublicAcls=true,BlockPublicPolicy=true,RestrictPublicBuckets=true`. Where
        another bucket of the account must stay public, for this bucket: `aws s3api put-public-access-block
        --bucket BUCKET …` with the same four switches.
    """,
    controls=official(
        security_hub=["S3.1", "S3.8"],
        cis_aws_v3=["2.1.4"],
        cis_aws_v5=["2.1.4"],
        nist_800_53_r5=["AC-3", "AC-3(7)", "AC-4", "AC-6", "AC-21", "SC-7"],
        pci_dss_4_0_1=["1.4.4"],
    )
    + peer(cis_aws_v6=["3.1.4"], hipaa=["164.308(a)(1)(ii)(B)", "164.308(a)(3)(i)"], soc2=["CC6.1"])
    + peer(iso_27001_2022=["A.8.1"])
    + proposal(iso_27001_2022=["A.8.3"]),
    references=(_BLOCK,),
    guide="It will be your responsibility to manage the security and lifecycle of your recorded content",
    peers=(
        "prowler:s3_bucket_level_public_access_block",
        "steampipe:s3_public_access_block_bucket_account",
        "custodian:check-public-block",
        "trivy:AWS-0086",
        "trivy:AWS-0087",
        "trivy:AWS-0091",
        "trivy:AWS-0093",
        "trivy:AWS-0094",
        "checkov:CKV_AWS_53",
        "checkov:CKV_AWS_54",
        "checkov:CKV_AWS_55",
        "checkov:CKV_AWS_56",
        "checkov:CKV2_AWS_6",
        "config:s3-bucket-level-public-access-prohibited",
        "securityhub:S3.8",
    ),
)
def public_access_block(target: Target) -> Findings:
    """One wrong grant must not put recordings of people on the internet; these four switches see to it.

    A switch counts when the account or the bucket has it on. `IgnorePublicAcls` and `RestrictPublicBuckets`
    take the effect from grants that exist; `BlockPublicAcls` and `BlockPublicPolicy` only refuse new ones.
    While nothing public is granted the finding is high; with a public policy or ACL it is critical.
    """
    bucket = bucket_of(target)
    off = [name for name in PUBLIC_ACCESS_FLAGS if not need(bucket.effective(name))]
    if not off:
        return
    public = _publicly_granted(bucket)
    if isinstance(public, Unavailable):
        severity, note = Severity.HIGH, "; whether anything is granted to the public could not be read"
    elif need(public):
        severity, note = Severity.CRITICAL, ", and it grants access to the public"
    else:
        severity, note = Severity.HIGH, ""
    yield finding(
        f"neither the bucket {bucket.name} nor its account has all of Block Public Access on{note}",
        bucket.arn,
        severity=severity,
        expected="all four switches on",
        observed="off: " + ", ".join(off),
        evidence=tuple(place for name in off for place in bucket.effective(name).source),
    )


@rule(
    "bucket-acl-disabled",
    title="Access control lists are disabled",
    severity=Severity.MEDIUM,
    remediation="""
        Move what the ACL grants into the bucket policy, then `aws s3api put-bucket-ownership-controls
        --bucket BUCKET --ownership-controls 'Rules=[{ObjectOwnership=BucketOwnerEnforced}]'`. From then on S3
        refuses uploads that carry an ACL other than `bucket-owner-full-control`: save the storage setting at
        Twilio again and see its `.txt` test file arrive.
    """,
    controls=official(security_hub=["S3.12"], nist_800_53_r5=["AC-2(1)", "AC-3", "AC-3(7)", "AC-3(15)", "AC-6"])
    + peer(pci_dss_4_0_1=["7.2.1"]),
    references=(_OWNERSHIP,),
    peers=(
        "prowler:s3_bucket_acl_prohibited",
        "steampipe:s3_bucket_acls_should_prohibit_user_access",
        "custodian:ownership",
        "checkov:CKV2_AWS_65",
        "config:s3-bucket-acl-prohibited",
        "securityhub:S3.12",
    ),
)
def acl_disabled(target: Target) -> Findings:
    """While ACLs are alive, each object can be opened to others beside all policies, and belongs to who wrote it.

    With `BucketOwnerEnforced` the bucket's owner owns every recording, and policies alone decide who reads
    it.
    """
    bucket = bucket_of(target)
    ownership = need(bucket.object_ownership)
    if ownership != "BucketOwnerEnforced":
        yield finding(
            f"access control lists of the bucket {bucket.name} and its objects take effect",
            bucket.arn,
            expected="BucketOwnerEnforced",
            observed=ownership,
            evidence=places(bucket.object_ownership),
        )


@rule(
    "bucket-acl-public",
    title="No bucket ACL that takes effect grants anything to the public",
    severity=Severity.CRITICAL,
    remediation="""
        `aws s3api put-bucket-acl --bucket BUCKET --acl private`, then disable ACLs for good (Object Ownership
        `BucketOwnerEnforced`) and switch on Block Public Access. Look in the access logs for who used the
        grant.
    """,
    controls=official(security_hub=["S3.2", "S3.3"], nist_800_53_r5=["AC-3", "AC-6", "SC-7"])
    + peer(hipaa=["164.312(a)(1)"], soc2=["CC6.1"], iso_27001_2022=["A.8.1"])
    + proposal(pci_dss_4_0_1=["1.4.4"]),
    references=(_ACL, _BLOCK),
    guide="It will be your responsibility to manage the security and lifecycle of your recorded content",
    peers=(
        "prowler:s3_bucket_public_list_acl",
        "prowler:s3_bucket_public_write_acl",
        "prowler:s3_bucket_public_access",
        "scoutsuite:s3-bucket-world-acl",
        "steampipe:s3_bucket_not_accessible_to_all_authenticated_user",
        "trivy:AWS-0092",
        "custodian:global-grants",
        "checkov:CKV_AWS_20",
        "checkov:CKV_AWS_57",
        "checkov:CKV_AWS_375",
        "securityhub:S3.2",
        "securityhub:S3.3",
    ),
)
def acl_public(target: Target) -> Findings:
    """A grant to everyone, or to every AWS account in the world, lets strangers list, overwrite or delete recordings.

    Where Object Ownership disables ACLs there is nothing to judge. An ACL has no effect either while
    `IgnorePublicAcls` is on; S3 does not show a public one then, so it may come to light when that switch is
    turned off.
    """
    bucket = bucket_of(target)
    if need(bucket.object_ownership) == "BucketOwnerEnforced":
        not_applicable("Object Ownership disables access control lists (BucketOwnerEnforced)")
    ignored = bucket.effective("IgnorePublicAcls")
    private = derive(lambda: not _public_grants(bucket))
    if need(any_true(ignored, private)):
        return
    for grant in _public_grants(bucket):
        yield finding(
            f"the ACL of the bucket {bucket.name} grants {grant.permission} to {PUBLIC_GROUPS[grant.grantee]}",
            bucket.arn,
            expected="no grant to the public",
            observed=f"{grant.permission} to {PUBLIC_GROUPS[grant.grantee]}",
            discriminator=f"{grant.grantee} {grant.permission}",
            evidence=places(bucket.grants, "URI", "Permission"),
        )


def _publicly_granted(bucket: Bucket) -> Fact[bool]:
    """Whether the bucket's policy or ACL grants anything to the public, masked or not."""
    by_policy = derive(lambda: need(bucket.policy_public) is True)
    acls_live = derive(lambda: need(bucket.object_ownership) != "BucketOwnerEnforced")
    by_acl = all_true(acls_live, derive(lambda: bool(_public_grants(bucket))))
    return any_true(by_policy, by_acl)


def _public_grants(bucket: Bucket) -> list[Grant]:
    return [grant for grant in need(bucket.grants) if grant.grantee in PUBLIC_GROUPS]
