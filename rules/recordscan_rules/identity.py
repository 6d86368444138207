"""Whose user Twilio writes as, what else it is used for, and how its policies are put together."""

import json
from collections.abc import Iterator
from dataclasses import replace

from recordscan.estate.arn import parse_arn
from recordscan.estate.principal import AttachedPolicy
from recordscan.estate.target import Target, bucket_of, enabled_setting_of, link_of, writer_of
from recordscan.facts import Reason, need, not_applicable, places, unavailable
from recordscan.mending import (
    delete_password,
    edit_identity_policy,
    remove_statement,
    upload_document,
    user_step,
    width_warnings,
)
from recordscan.policy.lacks import no_op_denials
from recordscan.profile import Profile
from recordscan.remedy import Order, Step, by_hand
from recordscan.rule import Findings, Severity, finding, official, peer, proposal, rule

_GUIDE = "https://www.twilio.com/docs/video/tutorials/storing-aws-s3"
_BEST_PRACTICES = "https://docs.aws.amazon.com/IAM/latest/UserGuide/best-practices.html"
_USERS = "https://docs.aws.amazon.com/IAM/latest/UserGuide/id_users.html"
_NOT_ACTION = "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_notaction.html"


def make_no_person(target: Target) -> Iterator[Step]:
    """Deletes the console password of the writer."""
    if link_of(target).user_arn in (None, *_roots(target)):
        by_hand("a key of the root user must be replaced by that of a user made for uploads, by a person")
    yield from delete_password(target)


def _roots(target: Target) -> Iterator[str]:
    arn = parse_arn(link_of(target).user_arn or "")
    if arn is not None and arn.resource == "root":
        yield str(arn)


_DEACTIVATE = {
    "APKA": ("iam:UpdateSSHPublicKey", "SSHPublicKeyId", "SSH key"),
    "ACCA": ("iam:UpdateServiceSpecificCredential", "ServiceSpecificCredentialId", "service-specific credential"),
}
"""How the ids of credentials begin: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html."""


def deactivate_other_credentials(target: Target) -> Iterator[Step]:
    """Deactivates what else the user can sign in with."""
    user = writer_of(target)
    for name in need(user.other_credentials):
        certificate = ("iam:UpdateSigningCertificate", "CertificateId", "signing certificate")
        operation, parameter, what = _DEACTIVATE.get(name[:4], certificate)
        yield user_step(
            user,
            operation,
            f"deactivates the {what} {name}",
            Order.REMOVE,
            "What signs in with it fails at once; it can be activated again. Delete it when nothing broke.",
            **{parameter: name, "Status": "Inactive"},
        )


def set_boundary(target: Target, profile: Profile) -> Iterator[Step]:
    """Makes a managed policy of what uploads need, and sets it as the boundary."""
    user = writer_of(target)
    name = f"{user.user_name[:100]}-boundary"
    partition = user.arn.split(":")[1]
    made = user_step(
        user,
        "iam:CreatePolicy",
        "makes a policy of what uploads need",
        Order.PREPARE,
        "If there is a policy of that name, choose another name in both steps.",
        *width_warnings(target),
        PolicyName=name,
        PolicyDocument=json.dumps(upload_document(target, profile)),
    )
    yield replace(made, parameters={k: v for k, v in made.parameters.items() if k != "UserName"})
    yield user_step(
        user,
        "iam:PutUserPermissionsBoundary",
        "limits it to uploads by a boundary",
        Order.DENY,
        "Whatever else this user does is refused from then on, whatever its policies allow.",
        "When the URL at Twilio or the bucket's key changes, the boundary must follow, or uploads fail.",
        PermissionsBoundary=f"arn:{partition}:iam::{user.account}:policy/{name}",
    )


def remove_no_op_denials(target: Target) -> Iterator[Step]:
    """Removes the statements, which changes nothing for whoever else has the policy."""
    user = writer_of(target)
    for attached in need(user.principal.policies):
        denials = no_op_denials(attached.policy.document)
        if not denials:
            continue
        if attached.arn is not None and len(denials) == len(attached.policy.document.statements):
            by_hand(f"the managed policy {attached.name} says nothing else, so it is to be detached by its owner")
        if attached.arn is not None and ":iam::aws:" in attached.arn:
            by_hand(f"AWS manages the policy {attached.name}")
        yield edit_identity_policy(
            user,
            attached,
            [remove_statement(statement) for statement in denials],
            f"removes the statement that denies nothing from the policy {attached.name}",
            Order.CHANGE,
        )


@rule(
    "cred-not-root-or-human",
    title="Twilio holds the key of a user made for uploads, not that of root or of a person",
    severity=Severity.CRITICAL,
    remedy=make_no_person,
    remediation="""
        Create an IAM user for the uploads alone, with the policy that `recordscan policy minimal` prints, store its key
        at Twilio as a new AWS credential, and delete the old key. A key of the root user must go at once.
    """,
    controls=proposal(nist_800_53_r5=["AC-6", "IA-2"], pci_dss_4_0_1=["8.6.1"], iso_27001_2022=["A.5.16", "A.8.2"]),
    references=(_GUIDE, _USERS, "https://docs.aws.amazon.com/IAM/latest/UserGuide/id_root-user.html"),
    guide="An IAM user is a person or service that can access your AWS resources",
    peers=("scoutsuite:iam-user-with-password-and-key", "prowler:iam_no_root_access_key"),
)
def not_root_or_human(target: Target) -> Findings:
    """A key of the root user opens the whole AWS account to whoever reads it out of Twilio, and a person's key opens
    all that the person may do. A console password makes a user a person's.
    """
    enabled_setting_of(target)
    link = link_of(target)
    arn = None if link.user_arn is None else parse_arn(link.user_arn)
    if link.proven and arn is not None and arn.resource == "root":
        yield finding(
            f"Twilio holds an access key of the root user of account {arn.account}",
            str(arn),
            expected="the key of an IAM user made for uploads",
            observed="a key of the root user",
            evidence=target.link.source,
        )
        return
    user = writer_of(target)
    if need(user.console_password):
        yield finding(
            f"the IAM user {user.user_name}, whose key Twilio holds, is a person's: it has a console password",
            user.arn,
            expected="a user made for uploads, without console password",
            observed="a console password",
            evidence=places(user.console_password),
        )


@rule(
    "writer-account",
    title="The user that Twilio writes as belongs to the account that owns the bucket",
    severity=Severity.HIGH,
    remedy="a user of the bucket's account must be made, and its key handed to Twilio by a person",
    remediation="""
        Create the user in the bucket's account. A user of another account needs the bucket policy and the key policy to
        name it, and who manages that account decides who writes your recordings.
    """,
    controls=proposal(nist_800_53_r5=["IA-4", "AC-2"], iso_27001_2022=["A.5.16"]),
    references=(
        "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic-cross-account.html",
        _GUIDE,
    ),
    guide="AWS Credentials (i.e. an Access Key ID and a Secret Access Key) for an AWS Identity and Access Management",
)
def account(target: Target) -> Findings:
    """Recordings that another account's user writes depend on that account's guards, which nobody here sees."""
    enabled_setting_of(target)
    link = link_of(target)
    if not link.proven or link.user_arn is None:
        unavailable(Reason.UNDECIDABLE, f"no proof links the credential to a user: {link.why}")
    owner = need(bucket_of(target).owner)
    arn = parse_arn(link.user_arn)
    if arn is None:
        unavailable(Reason.MALFORMED, f"{link.user_arn} is no ARN")
    if arn.account != owner:
        yield finding(
            f"{link.user_arn} writes into a bucket of account {owner}",
            link.user_arn,
            bucket_of(target).arn,
            expected=f"a user of account {owner}",
            observed=f"account {arn.account}",
            evidence=target.link.source + bucket_of(target).owner.source,
        )


@rule(
    "writer-key-usage",
    title="The access key that Twilio holds is used for S3 in the bucket's Region only",
    severity=Severity.MEDIUM,
    remedy="who else uses the key, a person must find out in CloudTrail",
    remediation="""
        Look the key up in CloudTrail (`aws cloudtrail lookup-events --lookup-attributes
        AttributeKey=AccessKeyId,AttributeValue=KEY_ID`). If anything but Twilio uses it, replace it.
    """,
    controls=proposal(nist_800_53_r5=["AC-2(12)", "SI-4"], iso_27001_2022=["A.8.16"]),
    references=("https://docs.aws.amazon.com/IAM/latest/APIReference/API_AccessKeyLastUsed.html",),
    guide="Store them in a secure location for later use.",
    peers=("prowler:iam_user_with_temporary_credentials",),
)
def key_usage(target: Target) -> Findings:
    """Uploads show as S3 in the bucket's Region. Another service or Region means that somebody else has the key.

    With SSE-KMS the last service may be KMS, which S3 asks in the writer's name.
    """
    enabled_setting_of(target)
    user, region = writer_of(target), need(bucket_of(target).region)
    used = [(key, last) for key in need(user.access_keys) if key.active and (last := need(key.last_use)) is not None]
    if not used:
        not_applicable("the user has no active access key that was ever used")
    for key, last in used:
        if last.service is None or last.region is None:
            unavailable(Reason.UNDECIDABLE, f"IAM does not say what the access key {key.label} was last used for")
        if last.service not in ("s3", "kms") or last.region != region:
            yield finding(
                f"the access key {key.label} of the IAM user {user.user_name} was last used for {last.service} "
                f"in {last.region}",
                user.arn,
                expected=f"s3 in {region}",
                observed=f"{last.service} in {last.region}",
                evidence=places(key.last_use),
                discriminator=key.id,
            )


@rule(
    "writer-other-credentials",
    title="The user that Twilio writes as has no other credentials than its access key",
    severity=Severity.LOW,
    remedy=deactivate_other_credentials,
    remediation="""
        Delete SSH keys (`aws iam delete-ssh-public-key`), signing certificates and service-specific credentials of the
        user; uploads need none of them.
    """,
    controls=proposal(nist_800_53_r5=["AC-6", "IA-5"], iso_27001_2022=["A.5.17"]),
    references=(_USERS, _BEST_PRACTICES),
    guide="Set Programmatic access as the “Access type” for your IAM user",
    peers=("custodian:ssh-key", "custodian:service-specific-credentials"),
)
def other_credentials(target: Target) -> Findings:
    """Each credential is one more way to act as this user, and one that key rotation does not reach."""
    user = writer_of(target)
    found = need(user.other_credentials)
    if found:
        yield finding(
            f"the IAM user {user.user_name}, whose key Twilio holds, has {len(found)} other active credentials",
            user.arn,
            expected="none",
            observed=", ".join(found),
            evidence=places(user.other_credentials),
        )


@rule(
    "writer-boundary",
    title="A permissions boundary limits the user that Twilio writes as",
    severity=Severity.INFO,
    remedy=set_boundary,
    remediation="""
        Make a managed policy of what `recordscan policy minimal` prints, and set it as the boundary:
        `aws iam put-user-permissions-boundary --user-name USER --permissions-boundary POLICY_ARN`.
    """,
    controls=proposal(nist_800_53_r5=["AC-6"], iso_27001_2022=["A.8.2"]),
    references=("https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_boundaries.html",),
)
def boundary(target: Target) -> Findings:
    """With a boundary, a policy that somebody attaches later cannot make more of this user than an uploader."""
    user = writer_of(target)
    if need(user.principal.boundary_arn) is None:
        yield finding(
            f"the IAM user {user.user_name}, whose key Twilio holds, has no permissions boundary",
            user.arn,
            expected="a permissions boundary",
            observed="none",
            evidence=places(user.principal.boundary_arn),
        )


@rule(
    "writer-policies-through-groups",
    title="The policies of the user that Twilio writes as are attached as your organisation wants it",
    severity=Severity.INFO,
    remedy="whether CIS is followed here, against Twilio's guide, the organisation must decide",
    remediation="""
        Twilio's guide attaches the policy to the user. Where CIS or Security Hub count that as a failure, put the user
        into a group of its own and attach the policy to the group.
    """,
    controls=official(security_hub=["IAM.2"], cis_aws_v3=["1.15"], cis_aws_v5=["1.14"])
    + peer(cis_aws_v6=["2.14"])
    + official(nist_800_53_r5=["AC-2", "AC-3", "AC-6"]),
    references=(_BEST_PRACTICES, _GUIDE),
    guide="Select Attach existing policies directly and press the Create policy button",
    peers=(
        "prowler:iam_policy_attached_only_to_group_or_roles",
        "steampipe:iam_user_no_inline_attached_policies",
        "trivy:AWS-0143",
        "checkov:CKV_AWS_40",
        "scoutsuite:iam-user-with-policies",
        "securityhub:IAM.2",
    ),
)
def through_groups(target: Target) -> Findings:
    """CIS wants permissions of people to come through groups. For one machine's user a policy of its own is clearer.

    Reported as information, so that an auditor who works through CIS finds the answer.
    """
    user = writer_of(target)
    own = [attached for attached in need(user.principal.policies) if attached.group is None]
    if own:
        yield finding(
            f"the IAM user {user.user_name}, whose key Twilio holds, has policies of its own: {_names(own)}",
            user.arn,
            expected="policies through groups only, if CIS is followed to the letter",
            observed=_names(own),
            evidence=places(user.principal.policies),
        )


@rule(
    "writer-no-op-deny",
    title="No statement of the writer's policies seems to deny, but denies nothing",
    severity=Severity.INFO,
    remedy=remove_no_op_denials,
    remediation="""
        Remove the statement. What is not allowed is denied anyway; to make sure, use a permissions boundary, or
        `"Effect": "Deny", "NotAction": "s3:PutObject"` in its place.
    """,
    controls=proposal(nist_800_53_r5=["AC-6"]),
    references=(_NOT_ACTION, _GUIDE),
    guide='"Sid": "UploadUserDenyEverything"',
)
def no_op_deny(target: Target) -> Findings:
    """The guide's template begins with a Deny on `NotAction: "*"`: all actions but all, which is none.

    Its Sid says that it denies everything, and whoever believes that adds the next Allow without fear.
    """
    user = writer_of(target)
    for attached in need(user.principal.policies):
        for statement in no_op_denials(attached.policy.document):
            yield finding(
                f"statement {statement.label} of {attached.policy.name} denies nothing",
                user.arn,
                expected="a statement that denies, or none",
                observed='Deny on NotAction "*"',
                evidence=places(user.principal.policies),
                discriminator=f"{attached.policy.name} {statement.label}",
            )


def _names(policies: list[AttachedPolicy]) -> str:
    return ", ".join(attached.name for attached in policies)
