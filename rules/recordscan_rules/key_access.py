"""Who may use and who may control the KMS key that recordings are encrypted with: by its policy and by its grants."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from recordscan.estate.answers import settle_grants
from recordscan.estate.estate import Estate
from recordscan.estate.inventory import AccountKey
from recordscan.estate.key import KeyGrant, KmsKey
from recordscan.estate.target import HasKey, Target, key_of
from recordscan.facts import Reason, need, not_applicable, places, unavailable
from recordscan.mending import edit_key_policy, key_step, remove_outside_principals, set_condition
from recordscan.policy.documents import PolicyDocument, Principal, Statement
from recordscan.policy.outsiders import Outsider, Trust, account_of, outsiders
from recordscan.policy.powers import covers, powers_in_words
from recordscan.policy.public import denied_to_others, pins_of, public_statements
from recordscan.profile import Profile
from recordscan.remedy import Order, Step, by_hand
from recordscan.rule import Finding, Findings, Severity, finding, official, peer, proposal, rule_over

_KEY_POLICIES = "https://docs.aws.amazon.com/kms/latest/developerguide/key-policies.html"
_CONDITIONS = "https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html"
_GRANTS = "https://docs.aws.amazon.com/kms/latest/developerguide/grants.html"


_LOSES = "Whom it was meant for can decrypt no more: look in CloudTrail for who uses the key."


def limit_to_account(holder: Target | AccountKey) -> Iterator[Step]:
    """Limits statements for everybody to callers of the account that owns the key."""
    key = _customer_key_of(holder)
    account = account_of(need(key.arn)) or by_hand("the ARN of the key tells no account")
    edits = [
        set_condition(found.statement, "StringEquals", "kms:CallerAccount", account)
        for found in public_statements(_policy_of(key), "kms")
    ]
    does = f"grants nothing to callers outside account {account}"
    yield edit_key_policy(key, edits, does, Order.DENY, _LOSES)


def remove_outsiders(holder: Target | AccountKey, profile: Profile) -> Iterator[Step]:
    """Removes the principals of accounts that are not trusted, and nothing else."""
    key = _customer_key_of(holder)
    policy, trust = _policy_of(key), _trust(key, profile)
    edits = [
        edit
        for statement in policy.statements
        for edit in remove_outside_principals(statement, outsiders(policy, statement, trust, "kms"))
    ]
    does = "lets in no account that is not trusted"
    trusted = "If they are meant to have access, name them in trusted_accounts or trusted_organizations instead."
    yield edit_key_policy(key, edits, does, Order.REMOVE, _LOSES, trusted)


def revoke_grants(holder: Target | AccountKey, profile: Profile) -> Iterator[Step]:
    """Revokes the grants that the rule names."""
    key = _customer_key_of(holder)
    accounts = _trust(key, profile).accounts
    for found in need(key.grants):
        if any(_flaws(found, accounts)):
            yield key_step(
                key,
                "kms:RevokeGrant",
                f"revokes the grant of {found.grant.grantee or 'nobody that KMS names'}",
                Order.REMOVE,
                "Whoever uses the key by the grant, such as a volume or a database, fails at once and for good.",
                GrantId=found.grant.id,
            )


@rule_over(
    Estate.key_holders,
    "key-policy-public",
    title="The key policy grants nothing to the public",
    severity=Severity.CRITICAL,
    remedy=limit_to_account,
    remediation="""
        Name the account's own root (`arn:aws:iam::ACCOUNT:root`) or single roles in `Principal`, or add
        `"StringEquals":{"kms:CallerAccount":"ACCOUNT"}` to the statement. `kms:ViaService` may stay beside it.
        Then look in CloudTrail for calls on the key by other accounts.
    """,
    controls=official(security_hub=["KMS.5"])
    + peer(iso_27001_2022=["A.8.1"])
    + proposal(nist_800_53_r5=["AC-3", "SC-12"], pci_dss_4_0_1=["3.6.1"], iso_27001_2022=["A.8.24"]),
    references=(_KEY_POLICIES, "https://docs.aws.amazon.com/securityhub/latest/userguide/kms-controls.html"),
    peers=(
        "prowler:kms_key_not_publicly_accessible",
        "steampipe:kms_cmk_policy_prohibit_public_access",
        "checkov:CKV_AWS_33",
        "custodian:cross-account",
        "config:kms-key-policy-no-public-access",
        "securityhub:KMS.5",
    ),
)
def key_policy_public(holder: Target | AccountKey) -> Findings:
    """With a key that the whole world may use, encryption keeps nobody out.

    A statement for everybody must pin the callers: `kms:CallerAccount`, `aws:PrincipalAccount`,
    `aws:PrincipalOrgID`, `aws:SourceAccount` or `aws:SourceArn` with fixed values. `kms:ViaService` alone does
    not, as everybody in the world can have S3 call KMS. Any action counts. Where a Deny takes the grant
    back the finding is a low one.
    """
    key = _customer_key_of(holder)
    policy = _policy_of(key)
    for found in public_statements(policy, "kms"):
        statement = found.statement
        denied = denied_to_others(policy, statement, pins_of("kms"), "kms")
        note = "" if denied is None else f"; statement {denied.label} denies it to all whom it does not pin"
        yield finding(
            f"statement {statement.label} of the policy of the KMS key {key.reference} lets the public "
            f"{powers_in_words(statement, 'kms')}{note}",
            key.reference,
            severity=Severity.CRITICAL if denied is None else Severity.LOW,
            expected="fixed principals, or a condition that pins the callers",
            observed=found.why,
            discriminator=statement.stable_name,
            evidence=places(key.policy),
        )
    settle_grants(policy, f"the policy of the KMS key {key.reference}")


@rule_over(
    Estate.key_holders,
    "key-policy-cross-account",
    title="The key policy lets in no account that is not trusted",
    severity=Severity.HIGH,
    remedy=remove_outsiders,
    remediation="""
        Remove the principal, or, if it is meant to have access, name its account in `trusted_accounts` or its
        organization in `trusted_organizations` of the configuration. Let in single roles, not the root of the
        other account, which stands for everybody there.
    """,
    controls=proposal(nist_800_53_r5=["AC-3", "AC-6"], iso_27001_2022=["A.5.15"]),
    references=(
        "https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-modifying-external-accounts.html",
        _CONDITIONS,
    ),
    peers=("custodian:cross-account",),
)
def key_policy_cross_account(holder: Target | AccountKey, profile: Profile) -> Findings:
    """Another account decides by itself which of its people and programs decrypt with what the key policy gives it.

    Trusted are the account that owns the key and those of the profile. Everybody limited by `kms:CallerAccount`
    to another account is as foreign as that account by name. A principal that tells no account is a low finding.
    """
    key = _customer_key_of(holder)
    policy = _policy_of(key)
    trust = _trust(key, profile)
    for statement in policy.statements:
        for outsider in outsiders(policy, statement, trust, "kms"):
            yield _outside(key, statement, outsider)
    settle_grants(policy, f"the policy of the KMS key {key.reference}")


def _outside(key: KmsKey, statement: Statement, outsider: Outsider) -> Finding:
    milder = {"opaque": Severity.LOW, "network": Severity.MEDIUM}
    return finding(
        f"statement {statement.label} of the policy of the KMS key {key.reference} lets {outsider.words} "
        f"{powers_in_words(statement, 'kms')}",
        key.reference,
        outsider.value,
        severity=milder.get(outsider.kind, Severity.HIGH),
        expected="the key's own account, and accounts and organizations of the profile",
        observed=outsider.value,
        discriminator=f"{statement.stable_name} {outsider.value}",
        evidence=places(key.policy),
    )


@rule_over(
    Estate.key_holders,
    "key-policy-duties",
    title="The key policy keeps those who control the key from using it",
    severity=Severity.MEDIUM,
    remedy="who administers the key and who uses it, a person must decide",
    remediation="""
        Give one role the administration (`kms:PutKeyPolicy`, `kms:ScheduleKeyDeletion`, `kms:DisableKey`,
        `kms:CreateGrant`) and others the use (`kms:Decrypt`, `kms:GenerateDataKey*`). Twilio's IAM user needs
        nothing of the administration. `kms:CreateGrant` may stay with users under the condition
        `"Bool":{"kms:GrantIsForAWSResource":"true"}`.
    """,
    controls=proposal(nist_800_53_r5=["AC-5"], pci_dss_4_0_1=["3.6.1", "3.7.6"], iso_27001_2022=["A.5.3"]),
    references=("https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-default.html", _CONDITIONS),
)
def key_policy_duties(holder: Target | AccountKey) -> Findings:
    """Who may both decrypt recordings and change who else may can take and hide what they like, alone.

    The account's own root is not counted: its statement hands the decision to IAM. Every other principal of the
    key policy is, with all that its statements allow together and less what a Deny without condition takes. Nor
    may the user that Twilio writes as have any part in the administration.
    """
    key = _customer_key_of(holder)
    policy = _policy_of(key)
    allotted = _allotted(policy, account_of(need(key.arn)) or "")
    for duties in allotted:
        if duties.control and duties.use:
            yield finding(
                f"the policy of the KMS key {key.reference} lets {duties.who} both control and use it",
                key.reference,
                duties.who,
                expected="control and use with different principals",
                observed=", ".join((*sorted(duties.control), *sorted(duties.use))),
                discriminator=duties.who,
                evidence=places(key.policy),
            )
    controlling = {duties.who: duties for duties in allotted if duties.control and ":user/" in duties.who}
    if controlling and isinstance(holder, Target):
        writer = need(holder.writer)
        if writer is not None and writer.arn in controlling:
            yield finding(
                f"the policy of the KMS key {key.reference} lets Twilio's writer {writer.user_name} control it",
                key.reference,
                writer.arn,
                expected="no administration for the writer",
                observed=", ".join(sorted(controlling[writer.arn].control)),
                discriminator=f"writer {writer.arn}",
                evidence=places(key.policy),
            )
    settle_grants(policy, f"the policy of the KMS key {key.reference}")


_CONTROL = ("kms:PutKeyPolicy", "kms:ScheduleKeyDeletion", "kms:DisableKey", "kms:CreateGrant")
_USE = ("kms:Decrypt", "kms:GenerateDataKey")


@dataclass(slots=True)
class _Duties:
    """What one principal of a key policy may do."""

    who: str
    control: set[str] = field(default_factory=set)
    use: set[str] = field(default_factory=set)


def _allotted(policy: PolicyDocument, account: str) -> list[_Duties]:
    found: dict[Principal, _Duties] = {}
    for statement in policy.statements:
        if not statement.valid or statement.effect != "Allow":
            continue
        for principal in statement.principals or ():
            if principal.kind == "Service" or _is_root_of(principal, account):
                continue
            words = "everybody" if principal.everyone else principal.value
            duties = found.setdefault(principal, _Duties(words))
            duties.control |= {a for a in _CONTROL if _gives(policy, statement, principal, a)}
            duties.use |= {a for a in _USE if _gives(policy, statement, principal, a)}
    return list(found.values())


def _is_root_of(principal: Principal, account: str) -> bool:
    value = principal.value
    return principal.kind == "AWS" and account_of(value) == account and (value == account or value.endswith(":root"))


def _gives(policy: PolicyDocument, statement: Statement, principal: Principal, action: str) -> bool:
    if not covers(statement, action):
        return False
    if action == "kms:CreateGrant" and _for_services_only(statement):
        return False
    return not any(
        denial.valid
        and denial.effect == "Deny"
        and not denial.conditions
        and (denial.everyone or principal in (denial.principals or ()))
        and covers(denial, action)
        for denial in policy.statements
    )


def _for_services_only(statement: Statement) -> bool:
    """Whether grants may be made only for AWS services, as KMS's own policy for key users has it."""
    return any(
        test.key.lower() == "kms:grantisforawsresource"
        and test.base == "Bool"
        and not test.if_exists
        and test.set_operator is None
        and [value.lower() for value in test.values] == ["true"]
        for test in statement.conditions
    )


@rule_over(
    Estate.key_holders,
    "key-grants",
    title="Grants of the key are for AWS services and trusted accounts, and cannot be passed on",
    severity=Severity.MEDIUM,
    remedy=revoke_grants,
    remediation="""
        Look in CloudTrail for the `CreateGrant` call of the grant, and if nobody needs it: `aws kms revoke-grant
        --key-id KEY --grant-id GRANT`. Put access that is to last into the key policy, where it is seen; name
        accounts that are meant to have grants in `trusted_accounts` of the configuration.
    """,
    controls=proposal(nist_800_53_r5=["AC-3"], iso_27001_2022=["A.5.15"]),
    references=(_GRANTS, "https://docs.aws.amazon.com/kms/latest/APIReference/API_GrantListEntry.html"),
    peers=("custodian:grant-count",),
)
def key_grants(holder: Target | AccountKey, profile: Profile) -> Findings:
    """A grant lets somebody decrypt beside the key policy, without an end and out of sight of who reads policies.

    Grantees may be AWS services and principals of the key's own account and of trusted ones. None of them but a
    service may make or retire grants in turn. A grant that another account issued is a finding, too. KMS shows
    some services as a principal of an account of AWS; such a one cannot be told from a foreign account.
    """
    key = _customer_key_of(holder)
    accounts = _trust(key, profile).accounts
    for found in need(key.grants):
        for flaw, observed, severity in _flaws(found, accounts):
            yield finding(
                f"the grant {found.name or found.grant.id} of the KMS key {key.reference} {flaw}",
                key.reference,
                found.grant.grantee,
                severity=severity,
                expected="a service or a trusted account, without CreateGrant and RetireGrant",
                observed=observed,
                discriminator=f"{found.grant.id} {flaw}",
                evidence=places(key.grants),
            )


_PASSED_ON = ("CreateGrant", "RetireGrant")


def _flaws(found: KeyGrant, accounts: Iterable[str]) -> Iterable[tuple[str, str, Severity]]:
    grantee, operations = found.grant.grantee, ", ".join(found.grant.operations)
    account = account_of(grantee)
    if not _is_service(grantee):
        if account is None:
            who = grantee or "nobody that KMS names"
            yield f"is for {who}, whose account it does not tell", operations, Severity.LOW
        elif account not in accounts:
            yield f"lets {grantee} of a foreign account use it", operations, Severity.MEDIUM
        passed_on = [name for name in found.grant.operations if name in _PASSED_ON]
        if passed_on:
            yield f"lets {grantee} pass it on or retire it", ", ".join(passed_on), Severity.MEDIUM
    issuer = account_of(found.issuer or "")
    if issuer is not None and issuer not in accounts:
        yield f"was issued by the foreign account {issuer}", found.issuer or "", Severity.MEDIUM
    retiree = found.retiree or ""
    if account_of(retiree) not in (None, *accounts):
        yield f"can be retired by {retiree} of a foreign account", retiree, Severity.LOW


def _is_service(grantee: str) -> bool:
    return grantee.endswith((".amazonaws.com", ".amazonaws.com.cn")) or ":role/aws-service-role/" in grantee


def _customer_key_of(holder: HasKey) -> KmsKey:
    """The key, or end the rule: there is none, or AWS manages it and its access."""
    key = key_of(holder)
    manager = need(key.manager)
    if manager == "AWS":
        not_applicable("AWS manages the key and who may use it")
    if manager != "CUSTOMER":
        unavailable(Reason.MALFORMED, "KMS does not say who manages the key")
    return key


def _policy_of(key: KmsKey) -> PolicyDocument:
    policy = need(key.policy)
    if policy is None:
        unavailable(Reason.MALFORMED, f"KMS shows no policy of the key {key.reference}, though each has one")
    return policy


def _trust(key: KmsKey, profile: Profile) -> Trust:
    own = account_of(need(key.arn))
    return Trust(
        accounts=frozenset({own or "", *profile.trusted_accounts}),
        organizations=frozenset(profile.trusted_organizations),
    )
