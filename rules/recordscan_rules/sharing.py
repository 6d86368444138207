"""Whom the bucket policy lets in: everybody, other accounts, services that act for anybody, and by which mistakes."""

import re
from collections.abc import Iterator

from recordscan.estate.answers import settle_grants
from recordscan.estate.bucket import Bucket
from recordscan.estate.target import Target, bucket_of
from recordscan.facts import Fact, Known, Source, Unavailable, need, not_applicable, places
from recordscan.mending import (
    edit_bucket_policy,
    remove_outside_principals,
    remove_principals,
    remove_statement,
    set_condition,
)
from recordscan.policy.documents import DEFAULT_VERSION, ConditionTest, PolicyDocument, Principal, Statement
from recordscan.policy.outsiders import Outsider, Trust, account_of, is_unique_id, outsiders
from recordscan.policy.powers import about_resource, covers, covers_any, powers_in_words
from recordscan.policy.public import (
    Pin,
    PublicStatement,
    denied_to_others,
    pinned_by,
    pins_of,
    public_statements,
)
from recordscan.profile import Profile
from recordscan.remedy import Edit, Order, Step, by_hand
from recordscan.rule import Finding, Findings, Severity, finding, official, peer, proposal, rule

_PUBLIC = "https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html"
_PRINCIPAL = "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html"
_DEPUTY = "https://docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html"
_SECURITY_HUB = "https://docs.aws.amazon.com/securityhub/latest/userguide/s3-controls.html"


_LOSES = (
    "Whom the statement was meant for loses access: look in CloudTrail data events and access logs for who uses it."
)


def remove_public_statements(target: Target) -> Iterator[Step]:
    """Removes the statements that let in everybody; whom they were meant for, a person knows."""
    bucket = bucket_of(target)
    policy = need(bucket.policy)
    found = [public.statement for public in public_statements(policy)] if policy is not None else []
    if not found:
        by_hand("S3 takes the policy for public although no statement is seen to be, and a person must find out why")
    labels = ", ".join(statement.label for statement in found)
    edits = [remove_statement(statement) for statement in found]
    yield edit_bucket_policy(
        bucket, edits, f"takes back what is granted to the public ({labels})", Order.REMOVE, _LOSES
    )


def remove_outsiders(target: Target, profile: Profile) -> Iterator[Step]:
    """Removes the principals of accounts that are not trusted, and nothing else."""
    bucket = bucket_of(target)
    policy = need(bucket.policy)
    trust = Trust(
        accounts=frozenset({need(bucket.owner), *profile.trusted_accounts}),
        organizations=frozenset(profile.trusted_organizations),
    )
    edits: list[Edit] = []
    for statement in policy.statements if policy is not None else ():
        edits += remove_outside_principals(statement, outsiders(policy, statement, trust) if policy is not None else ())
    yield edit_bucket_policy(
        bucket,
        edits,
        "lets in no account that is not trusted",
        Order.REMOVE,
        _LOSES,
        "If they are meant to have access, name them in trusted_accounts or trusted_organizations instead.",
    )


def tie_services(target: Target) -> Iterator[Step]:
    """Ties statements for AWS services to the account that owns the bucket."""
    bucket = bucket_of(target)
    policy = need(bucket.policy)
    owner = need(bucket.owner)
    edits = []
    for statement in policy.statements if policy is not None else ():
        services = _services(statement)
        if not (statement.valid and statement.effect == "Allow") or all(_tied(policy, statement, s) for s in services):
            continue
        if len(services) != len(statement.principals or ()):
            by_hand(f"statement {statement.label} lets in others beside services, and must be split by a person")
        edits.append(set_condition(statement, "StringEquals", "aws:SourceAccount", owner))
    yield edit_bucket_policy(
        bucket,
        edits,
        f"lets AWS services in only when they act for account {owner}",
        Order.DENY,
        "A service that acts for another account of yours, such as an organization's log archive, is refused: name "
        "that account as well then.",
        "A service that sends no aws:SourceAccount is refused; AWS documents for each which keys it sends.",
    )


def remove_deleted_principals(target: Target) -> Iterator[Step]:
    """Removes the ids of deleted users and roles, whom nobody can be any more."""
    bucket = bucket_of(target)
    policy = need(bucket.policy)
    edits: list[Edit] = []
    for statement in policy.statements if policy is not None else ():
        gone = {principal.value for principal in statement.principals or () if is_unique_id(principal)}
        edits += remove_principals(statement, gone) if gone else ()
    flaws = list(_flaws(policy, bucket)) if policy is not None else []
    if not all("id of a deleted principal" in flaw for _, _, flaw in flaws) or not edits:
        by_hand("what the statements are meant to say, a person must decide")
    yield edit_bucket_policy(bucket, edits, "names no principal that was deleted", Order.REMOVE)


@rule(
    "bucket-policy-public",
    title="The bucket policy grants nothing to the public",
    severity=Severity.CRITICAL,
    remedy=remove_public_statements,
    remediation="""
        Name in `Principal` who is meant, or limit the statement by a condition with fixed values, such as
        `"StringEquals":{"aws:PrincipalOrgID":"o-…"}`; or remove it. Until then switch on
        `RestrictPublicBuckets`. Look in CloudTrail data events and access logs for who used the grant.
    """,
    controls=official(
        security_hub=["S3.2", "S3.3"],
        nist_800_53_r5=[
            "AC-3",
            "AC-4",
            "AC-6",
            "AC-21",
            "SC-7",
            "SC-7(3)",
            "SC-7(4)",
            "SC-7(9)",
            "SC-7(11)",
            "SC-7(16)",
            "SC-7(20)",
            "SC-7(21)",
        ],
    )
    + peer(pci_dss_4_0_1=["7.2.1"], hipaa=["164.312(a)(1)"], soc2=["CC6.1"], iso_27001_2022=["A.8.1"])
    + proposal(pci_dss_4_0_1=["1.4.4"], iso_27001_2022=["A.8.3", "A.5.15"]),
    references=(_PUBLIC, _SECURITY_HUB),
    guide="It will be your responsibility to manage the security and lifecycle of your recorded content",
    peers=(
        "prowler:s3_bucket_public_access",
        "prowler:s3_bucket_policy_public_write_access",
        "steampipe:s3_bucket_restrict_public_read_access",
        "steampipe:s3_bucket_restrict_public_write_access",
        "steampipe:s3_bucket_policy_restrict_public_access",
        "scoutsuite:s3-bucket-world-policy-star",
        "custodian:cross-account",
        "checkov:CKV_AWS_70",
        "config:s3-bucket-public-read-prohibited",
        "config:s3-bucket-public-write-prohibited",
        "securityhub:S3.2",
        "securityhub:S3.3",
    ),
)
def policy_public(target: Target) -> Findings:
    """A statement for everybody puts recordings of people on the internet, whoever it was meant for.

    What counts is S3's own definition: a statement is public unless its principals are fixed or a condition
    that must hold pins the callers to fixed values. That the request uses TLS, comes through some service or
    is about some account's resource limits nobody. While `RestrictPublicBuckets` is on, or a Deny takes the
    grant back, the finding is a low one: it lies in wait. S3's own verdict on the policy is compared; where the
    two differ the worse one counts.
    """
    bucket = bucket_of(target)
    public = bucket.policy_public
    s3_says_public = isinstance(public, Known) and public.value is True
    if s3_says_public and isinstance(bucket.policy, Unavailable):
        yield _public_by_status(bucket, "S3 says that it is public; the policy itself could not be read")
    policy = need(bucket.policy)
    if policy is None:
        return
    found = public_statements(policy)
    for statement in found:
        yield _public_statement(bucket, policy, statement)
    if found:
        return
    if s3_says_public:
        yield _public_by_status(bucket, "S3 says that it is public, although no statement is seen to be")
    settle_grants(policy, f"the policy of the bucket {bucket.name}")
    need(public)  # S3 might see what was overlooked here


def _public_statement(bucket: Bucket, policy: PolicyDocument, found: PublicStatement) -> Finding:
    statement = found.statement
    denied = denied_to_others(policy, statement, pins_of("s3"))
    severity, note = _weight(bucket)
    if denied is not None:
        severity, note = Severity.LOW, f"; statement {denied.label} denies it to all whom it does not pin"
    observed = found.why
    if isinstance(bucket.policy_public, Known) and bucket.policy_public.value is not True:
        observed += "; S3 itself takes the policy for not public"
    return finding(
        f"statement {statement.label} of the policy of the bucket {bucket.name} lets the public "
        f"{powers_in_words(statement)}{note}",
        bucket.arn,
        severity=severity,
        expected="fixed principals, or a condition that pins the callers",
        observed=observed,
        discriminator=statement.stable_name,
        evidence=_places_of_public(bucket),
    )


def _public_by_status(bucket: Bucket, observed: str) -> Finding:
    severity, note = _weight(bucket)
    return finding(
        f"S3 says that the policy of the bucket {bucket.name} is public{note}",
        bucket.arn,
        severity=severity,
        expected="a policy that is not public",
        observed=observed,
        discriminator="policy status",
        evidence=_places_of_public(bucket),
    )


def _weight(bucket: Bucket) -> tuple[Severity, str]:
    restrict = bucket.effective("RestrictPublicBuckets")
    if isinstance(restrict, Unavailable):
        return Severity.CRITICAL, "; whether Block Public Access masks it could not be read"
    if restrict.value:
        return Severity.LOW, "; Block Public Access masks it, and cuts off other accounts meanwhile"
    return Severity.CRITICAL, ""


def _places_of_public(bucket: Bucket) -> Source:
    """Where the policy, S3's verdict on it, and the switch that masks it were read, as far as they were."""
    facts: tuple[Fact[object], ...] = (
        bucket.policy,
        bucket.policy_public,
        bucket.effective("RestrictPublicBuckets"),
    )
    return tuple(place for fact in facts if isinstance(fact, Known) for place in places(fact))


@rule(
    "bucket-policy-cross-account",
    title="The bucket policy lets in no account that is not trusted",
    severity=Severity.CRITICAL,
    remedy=remove_outsiders,
    remediation="""
        Remove the principal, or, if it is meant to have access, name its account in `trusted_accounts` or its
        organization in `trusted_organizations` of the configuration, so that the decision is on record. Replace the
        id of a deleted principal or a canonical user by an ARN.
    """,
    controls=official(security_hub=["S3.6"], nist_800_53_r5=["CA-9(1)", "CM-2"])
    + peer(pci_dss_4_0_1=["7.2.1"])
    + proposal(nist_800_53_r5=["AC-3", "AC-6"], iso_27001_2022=["A.5.15", "A.8.3"], soc2=["CC6.3"]),
    references=(_SECURITY_HUB, _PRINCIPAL),
    guide="It will be your responsibility to manage the security and lifecycle of your recorded content",
    peers=(
        "prowler:s3_bucket_cross_account_access",
        "steampipe:s3_bucket_policy_restricts_cross_account_permission_changes",
        "custodian:cross-account",
        "config:s3-bucket-blacklisted-actions-prohibited",
        "config:s3-bucket-policy-grantee-check",
        "securityhub:S3.6",
    ),
)
def policy_cross_account(target: Target, profile: Profile) -> Findings:
    """Another account decides by itself which of its people and programs use what the bucket policy gives it.

    Trusted are the account that owns the bucket and those of the profile. To read recordings, or to change the
    bucket's policy, ACLs or encryption, is critical; any other access is high. Access for everybody from a fixed
    network is medium, as it tells no account. A principal that tells none (a canonical user, or the id that stands
    for a deleted user or role) is low. Statements for the public are another rule's.
    """
    bucket = bucket_of(target)
    policy = need(bucket.policy)
    if policy is None:
        return
    granting = [statement for statement in policy.statements if statement.effect == "Allow"]
    if granting:
        trust = Trust(
            accounts=frozenset({need(bucket.owner), *profile.trusted_accounts}),
            organizations=frozenset(profile.trusted_organizations),
        )
        for statement in granting:
            for outsider in outsiders(policy, statement, trust):
                yield _outside(bucket, statement, outsider)
    settle_grants(policy, f"the policy of the bucket {bucket.name}")


_GRAVE = (
    "s3:GetObject",
    "s3:GetObjectVersion",
    "s3:GetObjectTorrent",
    "s3:DeleteBucketPolicy",
    "s3:PutBucketAcl",
    "s3:PutBucketPolicy",
    "s3:PutEncryptionConfiguration",
    "s3:PutObjectAcl",
    "s3:PutObjectVersionAcl",
)
"""Reading content, and what Security Hub S3.6 lists."""


def _outside(bucket: Bucket, statement: Statement, outsider: Outsider) -> Finding:
    milder = {"opaque": Severity.LOW, "network": Severity.MEDIUM}
    grave = Severity.CRITICAL if covers_any(statement, _GRAVE) else Severity.HIGH
    return finding(
        f"statement {statement.label} of the policy of the bucket {bucket.name} lets {outsider.words} "
        f"{powers_in_words(statement)}",
        bucket.arn,
        outsider.value,
        severity=milder.get(outsider.kind, grave),
        expected="the bucket's own account, and accounts and organizations of the profile",
        observed=outsider.value,
        discriminator=f"{statement.stable_name} {outsider.value}",
        evidence=places(bucket.policy) + places(bucket.owner),
    )


@rule(
    "bucket-policy-deputy",
    title="The bucket policy lets AWS services act for known accounts only",
    severity=Severity.MEDIUM,
    remedy=tie_services,
    remediation="""
        Add a condition to the statement: `"StringEquals":{"aws:SourceAccount":"ACCOUNT"}`, or `"ArnLike"` on
        `aws:SourceArn` with the account written out, or `"StringEquals":{"aws:SourceOrgID":"o-…"}`. Without
        `IfExists`, which lets requests without the key through.
    """,
    controls=proposal(nist_800_53_r5=["AC-3", "AC-4"], iso_27001_2022=["A.8.3"]),
    references=(_DEPUTY, _PRINCIPAL),
)
def policy_deputy(target: Target) -> Findings:
    """A service works for every customer of AWS; one whose request is not tied to an account can be sent by anybody.

    `RestrictPublicBuckets` does not stop services, so the condition is the only guard. Each Allow for a service
    must pin `aws:SourceAccount`, `aws:SourceOrgID`, or `aws:SourceArn` with a fixed account. The ARN of a bucket
    tells no account; it is enough for S3's log delivery alone, of which AWS documents it so.
    """
    bucket = bucket_of(target)
    policy = need(bucket.policy)
    clear = policy.statements if policy is not None else ()
    served = [s for s in clear if s.valid and s.effect == "Allow" and _services(s)]
    for statement in served:
        loose = [name for name in _services(statement) if not _tied(policy, statement, name)]
        if loose:
            yield finding(
                f"statement {statement.label} of the policy of the bucket {bucket.name} lets {', '.join(loose)} "
                f"{powers_in_words(statement)} for whatever account asks for it",
                bucket.arn,
                expected="aws:SourceAccount, aws:SourceArn or aws:SourceOrgID pinned",
                observed=", ".join(test.key for test in statement.conditions) or "no condition",
                discriminator=statement.stable_name,
                evidence=places(bucket.policy),
            )
    if policy is not None:
        settle_grants(policy, f"the policy of the bucket {bucket.name}")
    if not served:
        not_applicable("the bucket policy lets no AWS service in")


def _services(statement: Statement) -> list[str]:
    return [principal.value for principal in statement.principals or () if principal.kind == "Service"]


def _fixed_account(value: str) -> bool:
    return account_of(value) == value


def _arn_of_one_account(value: str) -> bool:
    return value.count(":") >= 5 and account_of(value) is not None and "${" not in value


def _one_bucket(value: str) -> bool:
    return re.fullmatch(r"arn:[a-z-]+:s3:::[a-z0-9.-]+", value) is not None


def _organization(value: str) -> bool:
    return re.fullmatch(r"o-[a-z0-9]+", value.partition("/")[0]) is not None


_TIES: dict[str, Pin] = {
    "aws:sourceaccount": _fixed_account,
    "aws:sourcearn": _arn_of_one_account,
    "aws:sourceorgid": _organization,
    "aws:sourceorgpaths": _organization,
}
_LOG_DELIVERY_TIES: dict[str, Pin] = {
    **_TIES,
    "aws:sourcearn": lambda value: _arn_of_one_account(value) or _one_bucket(value),
}


def _tied(policy: PolicyDocument | None, statement: Statement, service: str) -> bool:
    ties = _LOG_DELIVERY_TIES if service == "logging.s3.amazonaws.com" else _TIES
    if any(pinned_by(test, ties) for test in statement.conditions):
        return True
    return policy is not None and denied_to_others(policy, statement, ties) is not None


@rule(
    "bucket-policy-hygiene",
    title="The bucket policy says what it means",
    severity=Severity.LOW,
    remedy=remove_deleted_principals,
    remediation="""
        Have AWS check the policy (`aws accessanalyzer validate-policy --policy-type RESOURCE_POLICY
        --policy-document file://policy.json`) and correct what it and this rule name. Write `"Version":
        "2012-10-17"`, list what is allowed instead of what is not, and remove the ids of deleted principals. A
        policy that locks out everybody can be removed only by the account's root user.
    """,
    controls=proposal(nist_800_53_r5=["CM-6"], iso_27001_2022=["A.8.9"]),
    references=(
        "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html",
        "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_notprincipal.html",
        _PRINCIPAL,
    ),
    peers=("checkov:CKV_AWS_93",),
)
def policy_hygiene(target: Target) -> Findings:
    """A policy that is misread by people is changed wrongly, and one that AWS misreads protects nothing.

    Looked for are defects of the document, principals that no longer exist, an Allow that lists exceptions
    instead of what is allowed, variables under the version 2008-10-17, which takes them for plain text, and a Deny that
    locks out everybody, administrators too.
    """
    bucket = bucket_of(target)
    policy = need(bucket.policy)
    if policy is None:
        return
    for where, name, flaw in dict.fromkeys(_flaws(policy, bucket)):
        yield finding(
            f"{where} of the policy of the bucket {bucket.name} needs care: {flaw}",
            bucket.arn,
            expected="a policy without defects",
            observed=flaw,
            discriminator=f"{name} {flaw}",
            evidence=places(bucket.policy),
        )


def _flaws(policy: PolicyDocument, bucket: Bucket) -> Iterator[tuple[str, str, str]]:
    """Where a flaw is, for people and for fingerprints, and what it is."""
    for defect in policy.defects:
        at = None if defect.statement is None else policy.statements[defect.statement - 1]
        yield ("text", "", defect.message) if at is None else (*_place(at), defect.message)
    for statement in policy.statements:
        for flaw in _flaws_of(statement, policy, bucket):
            yield (*_place(statement), flaw)


def _place(statement: Statement) -> tuple[str, str]:
    return f"statement {statement.label}", statement.stable_name


def _flaws_of(statement: Statement, policy: PolicyDocument, bucket: Bucket) -> Iterator[str]:
    named: tuple[Principal, ...] = (*(statement.principals or ()), *(statement.not_principals or ()))
    for principal in named:
        if is_unique_id(principal):
            yield f"{principal.value} is the id of a deleted principal"
    if statement.effect == "Allow":
        exceptions = {
            "NotPrincipal": statement.not_principals,
            "NotAction": statement.not_actions,
            "NotResource": statement.not_resources,
        }
        for element, listed in exceptions.items():
            if listed is not None:
                yield f"it allows all but what {element} lists, also what AWS adds in future"
    if policy.version == DEFAULT_VERSION and _has_variable(statement):
        yield f"${{…}} is plain text under the version {DEFAULT_VERSION}"
    if _locks_out(statement, policy, bucket):
        yield "it denies everybody to change or remove the policy, so only the root user can undo it"


def _has_variable(statement: Statement) -> bool:
    tests: tuple[ConditionTest, ...] = statement.conditions
    texts = (*(statement.resources or ()), *(statement.not_resources or ()), *(v for t in tests for v in t.values))
    return any(re.search(r"\$\{[^}]+\}", text) for text in texts)


def _locks_out(statement: Statement, policy: PolicyDocument, bucket: Bucket) -> bool:
    if not (statement.valid and statement.effect == "Deny" and statement.everyone) or statement.conditions:
        return False
    if not (covers(statement, "s3:PutBucketPolicy") and covers(statement, "s3:DeleteBucketPolicy")):
        return False
    return about_resource(statement, bucket.arn, policy.version)
