"""People and programs beside the writer: who can read media, who can change what guards it, who can decrypt all."""

import re
from collections.abc import Iterator

from recordscan.estate.aws_account import AwsAccount, OwnPolicy
from recordscan.estate.estate import Estate
from recordscan.estate.reach import Ability
from recordscan.estate.target import Target, bucket_of
from recordscan.facts import Reason, need, not_applicable, unavailable
from recordscan.policy.documents import Statement
from recordscan.policy.matching import names_action, resource_matches
from recordscan.profile import Profile
from recordscan.rule import Findings, Severity, finding, official, proposal, rule, rule_over

_EVALUATION = "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html"
_LEAST = "https://docs.aws.amazon.com/IAM/latest/UserGuide/best-practices.html"


@rule(
    "media-readers",
    title="Only the named readers can read media",
    severity=Severity.HIGH,
    remedy="a person must decide who may",
    remediation="""
        Take away what the finding names: narrow the statement that lets the principal fetch objects to other
        prefixes, or take it out of the key policy or the policy that lets it use the KMS key. A `Deny` in the
        bucket policy for everybody but the readers (`ArnNotLike` on `aws:PrincipalArn`) holds against all
        policies to come. If the principal is meant to read, add its ARN to `readers` of the configuration.
    """,
    controls=proposal(
        nist_800_53_r5=["AC-2", "AC-3", "AC-6(7)"],
        soc2=["CC6.1", "CC6.2", "CC6.3"],
        iso_27001_2022=["A.5.18", "A.8.3"],
        hipaa=["164.308(a)(4)"],
    ),
    references=(_EVALUATION, "https://docs.aws.amazon.com/kms/latest/developerguide/control-access-overview.html"),
)
def media_readers(target: Target, profile: Profile) -> Findings:
    """Whoever can fetch an object and use its key has the recording; broad policies give that to many unseen.

    Every user and role, every principal that a policy of bucket or key names, and the public are tried over
    all policies. Those that can read for sure and are not listed fail; where one could only under conditions
    that are not known, such as an address, the check stays unknown. The root user of the owning account is
    always among the readers: it can give itself whatever is taken from it. Nobody else is, not the scanner
    either. Without `readers` in the configuration the report lists who can read, without a verdict.
    """
    if profile.readers is None:
        not_applicable("the configuration names no readers of media; the report lists who can read")
    yield from _others(target, "read", profile.readers, "read media", "readers")


@rule(
    "media-control-changers",
    title="Only the named administrators can change what guards media",
    severity=Severity.MEDIUM,
    remedy="a person must decide who may",
    remediation="""
        Take the action that the finding names out of the principal's policies, or deny it in the bucket policy
        or a service control policy to everybody but the administrators. If the principal is one, add its ARN
        to `administrators` of the configuration.
    """,
    controls=proposal(nist_800_53_r5=["AC-5", "CM-5"], soc2=["CC6.3", "CC8.1"], iso_27001_2022=["A.5.3", "A.8.2"]),
    references=(_EVALUATION, _LEAST),
    peers=("cloudsplaining:ResourceExposure", "parliament:RESOURCE_POLICY_PRIVILEGE_ESCALATION"),
)
def media_control_changers(target: Target, profile: Profile) -> Findings:
    """Every other control lasts as long as nobody switches it off, and one call does.

    Looked for are changes to the bucket's policy, ACLs, public access block, encryption, versioning, life
    cycle and replication, its deletion, the bypass of retention, and the key's policy, grants, disabling and
    deletion; the finding names the first. As for readers, the root user of the owning account is always an
    administrator, and conditions that are not known leave the check unknown.
    """
    if profile.administrators is None:
        not_applicable("the configuration names no administrators; the report lists who can change what guards media")
    yield from _others(target, "change", profile.administrators, "change what guards media", "administrators")


def _others(target: Target, ability: Ability, listed: tuple[str, ...], what: str, whom: str) -> Findings:
    """Findings about those who surely can and are not listed; unknown when some may."""
    root = f":iam::{need(bucket_of(target).owner)}:root"
    others = [
        line
        for line in need(target.reach)
        if line.ability == ability and line.name not in listed and not line.name.endswith(root)
    ]
    for line in others:
        if line.certain:
            request = line.witness[0]
            yield finding(
                f"{line.who} can {what}",
                line.name,
                request.resource,
                expected=f"one of the {whom} that the configuration names",
                observed=f"{request.action} is allowed: {'; '.join(line.because)}",
                evidence=line.source,
            )
    for line in others:
        if not line.certain:
            line.leave_open(what)


@rule_over(
    Estate.aws_account,
    "key-decrypt-everywhere",
    title="No policy of the account allows to decrypt with every KMS key",
    severity=Severity.MEDIUM,
    remedy="which keys each policy is meant for, its owner must decide",
    remediation="""
        Name the keys that are needed in `Resource` of the statement instead of `*`, or restrict it to some by a
        condition on `kms:ResourceAliases` or `aws:ResourceTag`. Who needs `kms:*` for administration seldom
        needs `kms:Decrypt`: list the actions without it.
    """,
    controls=official(security_hub=["KMS.1", "KMS.2"])
    + proposal(nist_800_53_r5=["AC-3", "AC-6", "AC-6(3)"], pci_dss_4_0_1=["3.6.1"]),
    references=(
        "https://docs.aws.amazon.com/kms/latest/developerguide/iam-policies-best-practices.html",
        "https://docs.aws.amazon.com/securityhub/latest/userguide/kms-controls.html",
    ),
    peers=(
        "steampipe:kms_key_decryption_restricted_in_iam_customer_managed_policy",
        "steampipe:kms_key_decryption_restricted_in_iam_inline_policy",
        "config:iam-customer-policy-blocked-kms-actions",
        "config:iam-inline-policy-blocked-kms-actions",
        "securityhub:KMS.1",
    ),
)
def key_decrypt_everywhere(account: AwsAccount) -> Findings:
    """A permission on every key covers the key of the recordings too, and every key that is made later.

    Customer managed and inline policies of users, groups and roles count, attached or not; the policies that
    AWS manages cannot be changed and do not. `kms:Decrypt` and `kms:ReEncryptFrom` count in every spelling,
    with wildcards and `NotAction`, on `*`, all keys of a Region or account, or all aliases. Conditions are
    heeded only where they say which keys are meant.
    """
    for policy in need(account.own_policies):
        for statement in policy.document.statements:
            if statement.effect == "Allow" and not _names_keys(statement) and _on_all_keys(statement, account):
                yield from _decrypting(policy, statement)


def _decrypting(policy: OwnPolicy, statement: Statement) -> Findings:
    actions = [action for action in ("kms:Decrypt", "kms:ReEncryptFrom") if _allows(statement, action.lower())]
    if not actions:
        return
    if not statement.valid:
        unavailable(Reason.MALFORMED, f"the statement {statement.label} of the {policy.name} is not clear")
    yield finding(
        f"the {policy.name} allows {' and '.join(actions)} with every KMS key",
        policy.arn,
        expected="the keys that are needed",
        observed=f"statement {statement.label} on {', '.join(_resources(statement))}",
        discriminator=f"{policy.arn} {policy.name} {statement.index}",
        evidence=policy.source,
    )


def _resources(statement: Statement) -> Iterator[str]:
    yield from statement.resources or (f"all but {resource}" for resource in statement.not_resources or ())


def _allows(statement: Statement, action: str) -> bool:
    if statement.actions is not None:
        return names_action(statement.actions, action)
    return statement.not_actions is not None and not names_action(statement.not_actions, action)


_SOME = ("key/00000000-1111-2222-3333-444444444444", "key/mrk-5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f")
_ALIASES = ("alias/one-of-many", "alias/zebra")
"""Keys and aliases that no policy means: a pattern that names both names all."""


def _on_all_keys(statement: Statement, account: AwsAccount) -> bool:
    if statement.resources is None:
        others = statement.not_resources or ()
        return not any(_covers_all(pattern, account) for pattern in others)
    return any(_covers_all(pattern, account) for pattern in statement.resources)


def _covers_all(pattern: str, account: AwsAccount) -> bool:
    """Whether a pattern names every key, or every alias, of some Region and account."""
    if "${" in pattern:
        return False
    parts = [*pattern.split(":"), "", "", "", "", ""]
    partition, region, owner = (
        parts[at] if re.fullmatch(r"[a-z0-9-]+", parts[at]) else usual
        for at, usual in ((1, "aws"), (3, "eu-west-1"), (4, account.account_id or "111122223333"))
    )
    start = f"arn:{partition}:kms:{region}:{owner}:"
    return any(all(resource_matches(pattern, start + name, "kms") for name in names) for names in (_SOME, _ALIASES))


def _names_keys(statement: Statement) -> bool:
    """Whether a condition says which keys are meant."""
    return any(
        test.key.lower().startswith(("kms:resourcealiases", "kms:requestalias", "aws:resourcetag/"))
        and test.base in ("StringEquals", "StringLike", "StringEqualsIgnoreCase")
        and not test.if_exists
        and test.set_operator != "ForAllValues"
        and not any(not value.strip("*") for value in test.values)
        for test in statement.conditions
    )
