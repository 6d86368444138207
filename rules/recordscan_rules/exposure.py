"""Who could reach the bucket from outside: Block Public Access and access control lists, of bucket and objects."""

from collections.abc import Iterator

from recordscan.estate.bucket import PUBLIC_ACCESS_FLAGS, PUBLIC_GROUPS, Bucket, Grant
from recordscan.estate.target import Target, bucket_of, sample_of
from recordscan.facts import (
    Fact,
    Known,
    Reason,
    Unavailable,
    all_true,
    any_true,
    derive,
    need,
    not_applicable,
    places,
    unavailable,
)
from recordscan.mending import bucket_step, edit_acl
from recordscan.remedy import Order, Step, by_hand
from recordscan.rule import Findings, Severity, finding, official, peer, proposal, rule

_BLOCK = "https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html"
_OWNERSHIP = "https://docs.aws.amazon.com/AmazonS3/latest/userguide/about-object-ownership.html"
_ACL = "https://docs.aws.amazon.com/AmazonS3/latest/userguide/acl-overview.html"


def block_public_access(target: Target) -> Iterator[Step]:
    """For this bucket alone: whether another one of the account must stay public, a person knows."""
    yield bucket_step(
        bucket_of(target),
        "s3:PutPublicAccessBlock",
        "blocks all public access",
        Order.DENY,
        "If its policy is public, other accounts and services lose access through it at once.",
        "A website or a download link that rests on public objects of the bucket stops working.",
        PublicAccessBlockConfiguration=dict.fromkeys(PUBLIC_ACCESS_FLAGS, True),
    )


def take_public_grants_away(target: Target) -> Iterator[Step]:
    """Takes the grants to everyone out of the ACL, and leaves the others as they are."""
    step = edit_acl(
        bucket_of(target),
        "takes the grants to the public out of the ACL",
        Order.DENY,
        "Whoever reads the bucket without credentials, or with those of a stranger, is refused; access logs show who.",
    )
    if step is not None:
        yield step


def disable_acls(target: Target) -> Iterator[Step]:
    """S3 refuses to disable ACLs while the bucket's own one lets in others, so public grants are taken out first."""
    bucket = bucket_of(target)
    owner = need(bucket.canonical_owner)
    others = sorted({grant.grantee for grant in need(bucket.grants)} - {owner, *PUBLIC_GROUPS})
    if others:
        by_hand(f"the ACL lets in {others[0]}; what is meant to stay must move into the bucket policy first")
    yield from take_public_grants_away(target)
    yield bucket_step(
        bucket,
        "s3:PutBucketOwnershipControls",
        "disables access control lists",
        Order.DENY,
        "Uploads that carry an ACL other than bucket-owner-full-control are refused from then on (error "
        "AccessControlListNotSupported); which headers Twilio sends is documented nowhere: save the setting at Twilio "
        "again, and see its test file arrive.",
        "Grants in the ACLs of single objects have no effect any more.",
        OwnershipControls={"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]},
    )


@rule(
    "bucket-public-access-block",
    title="Block Public Access is fully on",
    severity=Severity.CRITICAL,
    remedy=block_public_access,
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
    "bucket-public-access-block-own",
    title="Block Public Access of the bucket itself is fully on",
    severity=Severity.MEDIUM,
    remedy=block_public_access,
    remediation="""
        `aws s3api put-public-access-block --bucket BUCKET --public-access-block-configuration
        BlockPublicAcls=true,IgnorePublicAcls=true,BlockPublicPolicy=true,RestrictPublicBuckets=true`.
    """,
    controls=official(
        security_hub=["S3.8"],
        cis_aws_v3=["2.1.4"],
        cis_aws_v5=["2.1.4"],
        nist_800_53_r5=["AC-3", "AC-3(7)", "AC-4", "AC-6", "AC-21", "SC-7"],
        pci_dss_4_0_1=["1.4.4"],
    )
    + peer(cis_aws_v6=["3.1.4"]),
    references=(_BLOCK,),
    peers=(
        "steampipe:s3_public_access_block_bucket",
        "custodian:check-public-block",
        "trivy:AWS-0086",
        "trivy:AWS-0087",
        "trivy:AWS-0091",
        "trivy:AWS-0093",
        "trivy:AWS-0094",
        "checkov:CKV2_AWS_6",
        "securityhub:S3.8",
    ),
)
def public_access_block_own(target: Target) -> Findings:
    """The switches of the account protect the bucket only until somebody takes them back for another bucket's sake.

    The four switches of the bucket itself stay then. While the account has all four on, the finding is a low
    one: nothing is open. Whether the bucket is protected by either is another rule's question.
    """
    bucket = bucket_of(target)
    own = bucket.public_access_block
    off = [name for name in PUBLIC_ACCESS_FLAGS if not need(own[name])]
    if not off:
        return
    account = all_true(*bucket.account_public_access_block.values())
    guarded = isinstance(account, Known) and need(account)
    yield finding(
        f"the bucket {bucket.name} has not all of Block Public Access on itself"
        + ("; its account has" if guarded else ""),
        bucket.arn,
        severity=Severity.LOW if guarded else Severity.MEDIUM,
        expected="all four switches on",
        observed="off: " + ", ".join(off),
        evidence=tuple(place for name in off for place in own[name].source),
    )


@rule(
    "bucket-acl-disabled",
    title="Access control lists are disabled",
    severity=Severity.MEDIUM,
    remedy=disable_acls,
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
    remedy=take_public_grants_away,
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


_LOG_DELIVERY = "http://acs.amazonaws.com/groups/s3/LogDelivery"
_CLOUDFRONT_LOGS = "c4c1ede66af53448b93c283ce9448c4ba468c9432aa01d700d3878632f77d2d0"
"""`awslogsdelivery`, the account that CloudFront's standard logs come from:
https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/standard-logging-legacy-s3.html"""


@rule(
    "bucket-acl-foreign",
    title="The bucket ACL grants nothing to other accounts",
    severity=Severity.HIGH,
    remedy="what is meant to stay must move into the bucket policy first, which a person must decide",
    remediation="""
        `aws s3api put-bucket-acl --bucket BUCKET --acl private`, then disable ACLs for good (Object Ownership
        `BucketOwnerEnforced`). If another account is meant to have access, name it in the bucket policy, where
        conditions can limit it and its account id can be read.
    """,
    controls=proposal(nist_800_53_r5=["AC-3", "AC-6"], iso_27001_2022=["A.5.15", "A.8.3"]),
    references=(_ACL, _OWNERSHIP),
    guide="It will be your responsibility to manage the security and lifecycle of your recorded content",
    peers=("steampipe:s3_bucket_acls_should_prohibit_user_access", "securityhub:S3.12"),
)
def acl_foreign(target: Target) -> Findings:
    """A grant to a canonical user gives another account the bucket, beside all policies and whoever that is by now.

    The group of S3's log delivery is in order for a bucket that receives access logs; the check stays unknown
    where no bucket is known to send any. So is the account that CloudFront delivers logs from. Grants to the
    public are another rule's, and where Object Ownership disables ACLs there is nothing to judge.
    """
    bucket = bucket_of(target)
    if need(bucket.object_ownership) == "BucketOwnerEnforced":
        not_applicable("Object Ownership disables access control lists (BucketOwnerEnforced)")
    grants, owner = need(bucket.grants), need(bucket.canonical_owner)
    if owner is None:
        unavailable(Reason.MALFORMED, f"the ACL of the bucket {bucket.name} names no owner")
    for grant in grants:
        if grant.grantee in (owner, _CLOUDFRONT_LOGS, _LOG_DELIVERY) or grant.grantee in PUBLIC_GROUPS:
            continue
        yield finding(
            f"the ACL of the bucket {bucket.name} grants {grant.permission} to the canonical user {grant.grantee}",
            bucket.arn,
            expected="no grant but the owner's",
            observed=f"{grant.permission} to {grant.grantee}",
            discriminator=f"{grant.grantee} {grant.permission}",
            evidence=places(bucket.grants, "ID", "Permission"),
        )
    if any(grant.grantee == _LOG_DELIVERY for grant in grants) and not need(target.receives_logs):
        unavailable(Reason.UNDECIDABLE, "the ACL lets S3 deliver access logs here, and no bucket is known to send any")


@rule(
    "bucket-object-acl-sample",
    title="No sampled object has an ACL that grants anything to the public",
    severity=Severity.INFO,
    remedy="whose object was opened to the public and why, a person must find out",
    remediation="""
        `aws s3api put-object-acl --bucket BUCKET --key KEY --acl private`. Then look at all objects, for example by
        an inventory with the column `ObjectAccessControlList`, and disable ACLs for good (Object Ownership
        `BucketOwnerEnforced`).
    """,
    controls=proposal(nist_800_53_r5=["AC-3", "AC-6"], iso_27001_2022=["A.8.3"]),
    references=(_ACL, _BLOCK),
    peers=("prowler:s3_bucket_object_public",),
)
def object_acl_sample(target: Target) -> Findings:
    """An object can be public on its own, whatever the ACL of its bucket says.

    Only the objects of the sample are looked at (`sample_objects` under `[scan]`), and of them only where ACLs
    have an effect: not with `BucketOwnerEnforced`, and not while `IgnorePublicAcls` is on.
    """
    if not target.sample_size:
        not_applicable("the scan takes no sample of the objects (`sample_objects` is 0)")
    bucket = bucket_of(target)
    if need(bucket.acls_ignored):
        not_applicable("no public grant of an object's ACL has any effect (Object Ownership or Block Public Access)")
    sample = sample_of(target)
    for item in sample.objects:
        grants = item.grants.value if isinstance(item.grants, Known) else ()
        for grant in grants:
            if grant.grantee in PUBLIC_GROUPS:
                place = f"s3://{bucket.name}/{item.key}"
                yield finding(
                    f"the ACL of the object {place} grants {grant.permission} to {PUBLIC_GROUPS[grant.grantee]}",
                    place,
                    expected="no grant to the public",
                    observed=f"{grant.permission} to {PUBLIC_GROUPS[grant.grantee]}",
                    discriminator=f"{item.key} {grant.grantee} {grant.permission}",
                    evidence=places(item.grants),
                )
    for item in sample.objects:
        need(item.grants)
    if not sample.objects:
        not_applicable("no objects were listed")


def _publicly_granted(bucket: Bucket) -> Fact[bool]:
    """Whether the bucket's policy or ACL grants anything to the public, masked or not."""
    by_policy = derive(lambda: need(bucket.policy_public) is True)
    acls_live = derive(lambda: need(bucket.object_ownership) != "BucketOwnerEnforced")
    by_acl = all_true(acls_live, derive(lambda: bool(_public_grants(bucket))))
    return any_true(by_policy, by_acl)


def _public_grants(bucket: Bucket) -> list[Grant]:
    return [grant for grant in need(bucket.grants) if grant.grantee in PUBLIC_GROUPS]
