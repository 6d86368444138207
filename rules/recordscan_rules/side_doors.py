"""What leads to objects beside the bucket's own name: websites, other origins, access points and Access Grants."""

from collections.abc import Iterator
from dataclasses import replace

from recordscan.estate.answers import settle_grants
from recordscan.estate.bucket import PUBLIC_ACCESS_FLAGS, Bucket
from recordscan.estate.side_doors import AccessGrant, AccessPoint
from recordscan.estate.target import Target, bucket_of, doors_of, location_of
from recordscan.facts import (
    Fact,
    Known,
    Source,
    Unavailable,
    all_true,
    any_true,
    derive,
    need,
    not_applicable,
    places,
    remark,
)
from recordscan.mending import bucket_step
from recordscan.policy.documents import PolicyDocument, Statement
from recordscan.policy.globs import intersects
from recordscan.policy.outsiders import Trust, account_of, outsiders
from recordscan.policy.powers import powers_in_words
from recordscan.policy.public import public_statements
from recordscan.profile import Profile
from recordscan.remedy import Order, Step
from recordscan.rule import Finding, Findings, Severity, finding, official, proposal, rule

_BLOCK = "https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html"
_ACCESS_POINTS = "https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-points-policies.html"
_GRANTS = "https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-grants.html"
_GUIDE = "It will be your responsibility to manage the security and lifecycle of your recorded content"


def switch_website_off(target: Target) -> Iterator[Step]:
    """Deletes the website configuration."""
    yield bucket_step(
        bucket_of(target),
        "s3:DeleteBucketWebsite",
        "is no website any more",
        Order.REMOVE,
        "Pages that are served from the bucket are gone at once, also for what sits before them, such as CloudFront.",
    )


@rule(
    "bucket-website-off",
    title="The bucket is not served as a website",
    severity=Severity.HIGH,
    remedy=switch_website_off,
    remediation="""
        `aws s3api delete-bucket-website --bucket BUCKET`. To show media to people use presigned URLs, or CloudFront
        with an origin access control.
    """,
    controls=proposal(nist_800_53_r5=["CM-7", "SC-7"], iso_27001_2022=["A.8.3"]),
    references=("https://docs.aws.amazon.com/AmazonS3/latest/userguide/WebsiteHosting.html",),
    guide=_GUIDE,
    peers=("steampipe:s3_bucket_static_website_hosting_disabled", "custodian:remove-website-hosting"),
)
def website_off(target: Target) -> Findings:
    """A website endpoint speaks plain HTTP only and serves only what everybody may read: recordings are neither.

    Any website configuration counts, also one that redirects all requests.
    """
    bucket = bucket_of(target)
    if need(bucket.website):
        yield finding(
            f"the bucket {bucket.name} is served as a website",
            bucket.arn,
            expected="no website configuration",
            observed="website hosting is on",
            evidence=places(bucket.website),
        )


_CONTENT_METHODS = frozenset({"GET", "PUT", "POST", "DELETE"})


@rule(
    "bucket-cors-wildcard",
    title="No CORS rule lets pages of every origin use the bucket",
    severity=Severity.MEDIUM,
    remedy="which origins use the bucket, a person must say",
    remediation="""
        Name the origins of your own pages in `AllowedOrigins`, such as `https://app.example.com`, and the methods
        that they need: `aws s3api put-bucket-cors --bucket BUCKET --cors-configuration file://cors.json`.
    """,
    controls=proposal(nist_800_53_r5=["AC-4"], iso_27001_2022=["A.8.3"]),
    references=("https://docs.aws.amazon.com/AmazonS3/latest/userguide/cors.html",),
)
def cors_wildcard(target: Target) -> Findings:
    """With `*` any page on the web may use a presigned URL that it came by, and read the recording by script.

    CORS gives nobody access by itself. It tells browsers whose scripts may see the answer, so the origins should
    be your own. `https://*` is every origin, too. A rule for HEAD alone shows no content.
    """
    bucket = bucket_of(target)
    entries = need(bucket.cors)
    if not entries:
        not_applicable("the bucket has no CORS rules")
    for entry in entries:
        wide = [origin for origin in entry.origins if origin.lower().rpartition("://")[2] == "*"]
        methods = [method for method in entry.methods if method.upper() in _CONTENT_METHODS]
        if wide and methods:
            yield finding(
                f"the CORS rule {entry.label!r} of the bucket {bucket.name} lets pages of every origin "
                f"use {', '.join(methods)}",
                bucket.arn,
                expected="named origins",
                observed=", ".join(wide),
                discriminator=entry.label,
                evidence=places(bucket.cors),
            )


@rule(
    "bucket-access-points-blocked",
    title="Every access point blocks public access, or is of a VPC",
    severity=Severity.HIGH,
    remedy="an access point cannot be changed: a person must make another one and move its users",
    remediation="""
        These settings cannot be changed: make a new access point with all four switches on (`aws s3control
        create-access-point … --public-access-block-configuration …`), move its users, and delete the old one.
    """,
    controls=official(security_hub=["S3.19", "S3.24"], nist_800_53_r5=["AC-3", "SC-7"], pci_dss_4_0_1=["1.4.4"]),
    references=(_BLOCK, "https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-points-bpa-settings.html"),
    peers=(
        "prowler:s3_access_point_public_access_block",
        "prowler:s3_multi_region_access_point_public_access_block",
        "checkov:CKV_AWS_392",
        "config:s3-access-point-public-access-blocks",
        "securityhub:S3.19",
        "securityhub:S3.24",
    ),
)
def access_points_blocked(target: Target) -> Findings:
    """An access point is another way to the same objects, with a policy and Block Public Access of its own.

    Looked at are access points, Object Lambda access points and Multi-Region Access Points that lead to the
    bucket. One whose network origin is a VPC is never public. Access points that other accounts made on the
    bucket cannot be listed by its owner; the bucket policy decides what they can do.
    """
    bucket = bucket_of(target)
    points = need(doors_of(target).access_points)
    if not points:
        not_applicable("no access point of the account leads to the bucket")
    for point in points:
        block, network = point.public_access_block, point.network
        off = [name for name in PUBLIC_ACCESS_FLAGS if isinstance(on := block[name], Known) and not on.value]
        if off and isinstance(network, Known) and need(network) != "VPC":
            yield finding(
                f"the {point.kind} {point.name} of the bucket {bucket.name} has not all of Block Public Access on",
                bucket.arn,
                point.name,
                expected="all four switches on, or network origin VPC",
                observed="off: " + ", ".join(off),
                discriminator=f"{point.kind} {point.name}",
                evidence=tuple(place for name in off for place in block[name].source),
            )
    for point in points:
        if need(point.network) != "VPC":
            need(all_true(*point.public_access_block.values()))
    remark("access points that other accounts made on the bucket cannot be listed")


@rule(
    "bucket-access-point-policies",
    title="The policies of access points let in nobody from outside",
    severity=Severity.CRITICAL,
    remedy="whom each access point is meant for, a person must decide",
    remediation="""
        Take the principal out of the policy of the access point (`aws s3control put-access-point-policy`), or, if it
        is meant to have access, name its account in `trusted_accounts` of the configuration. In the bucket policy
        give to access points (`s3:DataAccessPointAccount`) no more than their users need.
    """,
    controls=proposal(nist_800_53_r5=["AC-3", "AC-6"], iso_27001_2022=["A.5.15", "A.8.3"]),
    references=(_ACCESS_POINTS, _BLOCK),
    guide=_GUIDE,
)
def access_point_policies(target: Target, profile: Profile) -> Findings:
    """A bucket policy that delegates to access points lets their policies decide who reads recordings.

    Then a statement for the public in one of them is critical, and one for an account that is not trusted is
    high. Both are low while the bucket policy does not delegate, as it has to allow the same, or while
    `RestrictPublicBuckets` masks the public one. Who is the public and who an outsider is told as for bucket
    policies; through an access point of a VPC nobody comes but from there.
    """
    bucket = bucket_of(target)
    points = need(doors_of(target).access_points)
    if not points:
        not_applicable("no access point of the account leads to the bucket")
    trust = Trust(
        accounts=frozenset({need(bucket.owner), *profile.trusted_accounts}),
        organizations=frozenset(profile.trusted_organizations),
    )
    delegated = derive(lambda: _delegates(bucket))
    for point in points:
        policy = _for_callers(point.policy.value) if isinstance(point.policy, Known) else None
        if policy is not None:
            yield from _let_in(bucket, point, policy, trust, delegated)
    for point in points:
        policy = need(point.policy)
        if policy is not None:
            settle_grants(policy, f"the policy of the {point.kind} {point.name}")
            need(point.network)
    remark("policies of access points that other accounts made on the bucket cannot be read")


def _let_in(
    bucket: Bucket, point: AccessPoint, policy: PolicyDocument, trust: Trust, delegated: Fact[bool]
) -> Iterator[Finding]:
    open_ = isinstance(delegated, Unavailable) or delegated.value
    waits = "" if open_ else "; the bucket policy does not delegate to access points"
    if isinstance(point.network, Known) and point.network.value != "VPC":
        masked = any_true(point.public_access_block["RestrictPublicBuckets"], bucket.effective("RestrictPublicBuckets"))
        hidden = isinstance(masked, Known) and masked.value
        note = "; Block Public Access masks it" if hidden else waits
        severity = Severity.LOW if hidden or not open_ else Severity.CRITICAL
        for found in public_statements(policy):
            evidence = _places(point, delegated, masked)
            yield _granting(bucket, point, found.statement, "the public", found.why, severity, note, evidence)
    for statement in policy.statements:
        for outsider in outsiders(policy, statement, trust):
            severity = Severity.HIGH if open_ else Severity.LOW
            evidence = _places(point, delegated)
            yield _granting(bucket, point, statement, outsider.words, outsider.value, severity, waits, evidence)


def _granting(
    bucket: Bucket,
    point: AccessPoint,
    statement: Statement,
    whom: str,
    observed: str,
    severity: Severity,
    note: str,
    evidence: Source,
) -> Finding:
    return finding(
        f"statement {statement.label} of the policy of the {point.kind} {point.name} of the bucket {bucket.name} lets "
        f"{whom} {powers_in_words(statement)}{note}",
        bucket.arn,
        point.name,
        severity=severity,
        expected="the bucket's own account, and accounts and organizations of the profile",
        observed=observed,
        discriminator=f"{point.kind} {point.name} {statement.stable_name} {observed}",
        evidence=evidence,
    )


def _places(point: AccessPoint, *facts: Fact[object]) -> Source:
    return places(point.policy) + tuple(place for fact in facts if isinstance(fact, Known) for place in places(fact))


_BY_ACCESS_POINT = frozenset({"s3:dataaccesspointaccount", "s3:dataaccesspointarn", "s3:accesspointnetworkorigin"})


def _for_callers(policy: PolicyDocument | None) -> PolicyDocument | None:
    """A policy of an access point without tests of the access point, which say nothing of who calls through it."""
    if policy is None:
        return None
    statements = tuple(
        replace(s, conditions=tuple(test for test in s.conditions if test.key.lower() not in _BY_ACCESS_POINT))
        if s.effect == "Allow"
        else s
        for s in policy.statements
    )
    return replace(policy, statements=statements)


def _delegates(bucket: Bucket) -> bool:
    """Whether the bucket policy allows what access points allow, to callers that it does not name."""
    policy = need(bucket.policy)
    if policy is None:
        return False
    public = [found.statement for found in public_statements(policy)]
    for statement in policy.statements:
        if statement.effect == "Allow" and statement.valid:
            tested = {test.key.lower() for test in statement.conditions}
            if statement in public or tested & _BY_ACCESS_POINT:
                return True
    settle_grants(policy, f"the policy of the bucket {bucket.name}")
    return False


@rule(
    "bucket-access-grants",
    title="S3 Access Grants gives media to nobody who is not listed",
    severity=Severity.MEDIUM,
    remedy="a person must decide who may read",
    remediation="""
        `aws s3control delete-access-grant --account-id ACCOUNT --access-grant-id ID`, or narrow the grant to another
        prefix. If the grantee is meant to have access, add its ARN to `readers`, or its account to
        `trusted_accounts`, of the configuration.
    """,
    controls=proposal(nist_800_53_r5=["AC-2", "AC-3", "AC-6"], iso_27001_2022=["A.5.15", "A.5.18"]),
    references=(_GRANTS,),
    guide=_GUIDE,
)
def access_grants(target: Target, profile: Profile) -> Findings:
    """Access Grants hands out credentials of its own role, so that no policy of bucket or user shows who reads.

    Each grant whose scope meets the prefix is looked at. Grantees of other accounts must be trusted; where the
    configuration lists `readers`, grantees that may read must be among them, and users and groups of a
    directory cannot be. The policy by which other accounts may ask for credentials must name trusted ones.
    """
    bucket, prefix = bucket_of(target), location_of(target).key_prefix
    doors = doors_of(target)
    listed = need(doors.grants)
    if listed is None:
        not_applicable("S3 Access Grants is not set up in the account and Region")
    meeting = [grant for grant in listed.items if _meets(grant, bucket.name, prefix)]
    trust = Trust(
        accounts=frozenset({need(bucket.owner), *profile.trusted_accounts}),
        organizations=frozenset(profile.trusted_organizations),
    )
    for grant in meeting:
        fault = _unlisted(grant, trust, profile)
        if fault is not None:
            yield finding(
                f"S3 Access Grants gives {grant.permission} on {grant.scope} to {grant.grantee}, {fault}",
                bucket.arn,
                grant.grantee,
                expected="grantees of trusted accounts, and readers that the configuration names",
                observed=f"grant {grant.id} to {grant.kind} {grant.grantee}",
                discriminator=grant.id,
                evidence=places(doors.grants),
            )
    if meeting:
        policy = need(doors.grants_policy)
        if policy is not None:
            yield from _asking(bucket, policy, trust, places(doors.grants_policy))
            settle_grants(policy, "the policy of S3 Access Grants")
    need(listed.whole)
    if not meeting:
        not_applicable("no grant of S3 Access Grants meets the prefix")


def _asking(bucket: Bucket, policy: PolicyDocument, trust: Trust, evidence: Source) -> Iterator[Finding]:
    whom = [(found.statement, "the public", found.why) for found in public_statements(policy)]
    whom += [(s, o.words, o.value) for s in policy.statements for o in outsiders(policy, s, trust)]
    for statement, words, observed in whom:
        yield finding(
            f"statement {statement.label} of the policy of S3 Access Grants, which gives media of the bucket "
            f"{bucket.name}, lets {words} ask for credentials",
            bucket.arn,
            expected="accounts and organizations of the profile",
            observed=observed,
            discriminator=f"policy {statement.stable_name} {observed}",
            evidence=evidence,
        )


def _meets(grant: AccessGrant, bucket: str, prefix: str) -> bool:
    return intersects(f"{bucket}/{prefix}*", grant.scope.removeprefix("s3://"))


def _unlisted(grant: AccessGrant, trust: Trust, profile: Profile) -> str | None:
    """What is wrong with a grantee; None for nothing."""
    if grant.kind == "IAM" and account_of(grant.grantee) not in trust.accounts:
        return "of an account that is not trusted"
    if profile.readers is not None and grant.permission != "WRITE" and grant.grantee not in profile.readers:
        return "which is none of the readers that the configuration names"
    return None
