"""The AWS account around bucket and key: its root user, its users, and what watches over it."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from functools import partial

from recordscan.estate.aws_account import AwsAccount
from recordscan.estate.bucket import PUBLIC_ACCESS_FLAGS
from recordscan.estate.estate import Estate
from recordscan.estate.guards import ConfigurationRecorder, RegionGuards
from recordscan.facts import (
    Fact,
    Json,
    Known,
    Reason,
    Unavailable,
    derive,
    if_known,
    need,
    not_applicable,
    places,
    remark,
    unavailable,
)
from recordscan.mending import WHOLE, account_step
from recordscan.policy.documents import Statement
from recordscan.policy.matching import names_action
from recordscan.profile import Profile
from recordscan.remedy import Document, Edit, Order, Step, by_hand
from recordscan.rule import Finding, Findings, Severity, finding, official, peer, proposal, rule_over

_IAM_CONTROLS = "https://docs.aws.amazon.com/securityhub/latest/userguide/iam-controls.html"
_ROOT = "https://docs.aws.amazon.com/IAM/latest/UserGuide/root-user-best-practices.html"
_ROOT_CENTRAL = "https://docs.aws.amazon.com/IAM/latest/UserGuide/id_root-enable-root-access.html"
_REPORT = "https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_getting-report.html"
_PASSWORDS = "https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_passwords_account-policy.html"
_MFA = "https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_mfa.html"
_LEAST = "https://docs.aws.amazon.com/IAM/latest/UserGuide/best-practices.html#grant-least-privilege"
_BLOCK = "https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html"
_ANALYZER = "https://docs.aws.amazon.com/IAM/latest/UserGuide/what-is-access-analyzer.html"
_MACIE = "https://docs.aws.amazon.com/macie/latest/user/discovery-supported-storage.html"
_GUARDDUTY = "https://docs.aws.amazon.com/guardduty/latest/ug/s3-protection.html"
_CONFIG = "https://docs.aws.amazon.com/config/latest/developerguide/select-resources.html"
_HUB = "https://docs.aws.amazon.com/securityhub/latest/userguide/what-is-securityhub.html"
_SCPS = "https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_scps.html"
_CONTACTS = "https://docs.aws.amazon.com/accounts/latest/reference/manage-acct-update-contact-alternate.html"


def block_public_access(account: AwsAccount) -> Iterator[Step]:
    """Switches all four on, in the whole account."""
    region = account.guards[0].region if account.guards else by_hand("no Region is known to call S3 in")
    step = account_step(
        account,
        "s3control:PutPublicAccessBlock",
        "blocks all public access to S3",
        Order.DENY,
        "Every bucket of the account that is public on purpose is closed: look for such buckets first.",
        "Other accounts lose what a public policy gives them, too.",
        region=region,
        AccountId=account.account_id,
        PublicAccessBlockConfiguration=dict.fromkeys(PUBLIC_ACCESS_FLAGS, True),
    )
    yield replace(step, does=step.does.removesuffix(f" in {region}"))  # it holds in all Regions


@rule_over(
    Estate.aws_account,
    "account-public-access-block",
    title="The account blocks all public access to S3",
    severity=Severity.HIGH,
    remedy=block_public_access,
    remediation="""
        `aws s3control put-public-access-block --account-id ACCOUNT --public-access-block-configuration
        BlockPublicAcls=true,IgnorePublicAcls=true,BlockPublicPolicy=true,RestrictPublicBuckets=true`, after a look at
        which buckets are public on purpose. An S3 policy of the organization can set it for all accounts.
    """,
    controls=official(
        security_hub=["S3.1"],
        cis_aws_v3=["2.1.4"],
        cis_aws_v5=["2.1.4"],
        nist_800_53_r5=["AC-3", "AC-3(7)", "AC-4", "AC-6", "AC-21", "SC-7"],
        pci_dss_4_0_1=["1.4.4"],
    )
    + peer(cis_aws_v6=["3.1.4"], hipaa=["164.308(a)(3)(i)"]),
    references=(_BLOCK,),
    peers=(
        "prowler:s3_account_level_public_access_blocks",
        "steampipe:s3_public_access_block_account",
        "config:s3-account-level-public-access-blocks-periodic",
        "securityhub:S3.1",
    ),
)
def public_access_block(account: AwsAccount) -> Findings:
    """A bucket policy can give somebody the right to lift the block of its bucket; that of the account stays.

    All four switches count. What S3 shows includes what an organization imposes.
    """
    switches = account.public_access_block
    off = [name for name in PUBLIC_ACCESS_FLAGS if isinstance((fact := switches[name]), Known) and not fact.value]
    if off:
        yield finding(
            f"{account.name} does not block all public access to S3: {', '.join(off)}",
            _arn(account),
            expected="all four switches on",
            observed=f"off: {', '.join(off)}",
            evidence=tuple(place for name in off for place in places(switches[name])),
        )
    for name in PUBLIC_ACCESS_FLAGS:
        need(switches[name])


@rule_over(
    Estate.aws_account,
    "account-root-access-key",
    title="The root user has no access key",
    severity=Severity.CRITICAL,
    remedy="only the root user can delete its own keys, once nothing uses them any more",
    remediation="Sign in as the root user and delete its access keys, under Security credentials. Use roles instead.",
    controls=official(
        security_hub=["IAM.4"], cis_aws_v3=["1.4"], cis_aws_v5=["1.3"], nist_800_53_r5=["AC-6(2)", "AC-6(10)"]
    )
    + peer(cis_aws_v6=["2.3"], pci_dss_4_0_1=["8.2.1"]),
    references=(_ROOT, _IAM_CONTROLS),
    peers=("prowler:iam_no_root_access_key", "trivy:AWS-0141", "config:iam-root-access-key-check", "securityhub:IAM.4"),
)
def root_access_key(account: AwsAccount) -> Findings:
    """No policy limits the root user. Whoever finds its key deletes bucket, versions and KMS keys in a minute."""
    keys = need(account.root_access_keys)
    if keys:
        yield finding(
            f"the root user of {account.name} has an access key",
            _arn(account),
            expected="no access key",
            observed=f"{keys} present",
            evidence=places(account.root_access_keys),
        )


@rule_over(
    Estate.aws_account,
    "account-root-mfa",
    title="The root user signs in with a hardware MFA device",
    severity=Severity.CRITICAL,
    remedy="only the root user can register its device, with it in hand",
    remediation="""
        Sign in as the root user and register a security key or a hardware token, better two. In an organization,
        remove the root credentials of member accounts altogether.
    """,
    controls=official(
        security_hub=["IAM.9", "IAM.6"], cis_aws_v3=["1.5", "1.6"], cis_aws_v5=["1.4", "1.5"], pci_dss_4_0_1=["8.4.2"]
    )
    + peer(cis_aws_v6=["2.4", "2.5"]),
    references=(_ROOT, _MFA, _IAM_CONTROLS),
    peers=(
        "prowler:iam_root_mfa_enabled",
        "prowler:iam_root_hardware_mfa_enabled",
        "trivy:AWS-0142",
        "securityhub:IAM.9",
        "securityhub:IAM.6",
    ),
)
def root_mfa(account: AwsAccount) -> Findings:
    """A password alone, which can be reset by whoever reads one mailbox, must not be enough for everything.

    A virtual device, which can be copied, is a medium finding. A root user without password and access key cannot
    sign in, and is not asked for a device.
    """
    if not need(account.root_mfa):
        if need(account.root_password) is False and need(account.root_access_keys) == 0:
            not_applicable("the root user has neither password nor access key")
        yield finding(
            f"the root user of {account.name} signs in without MFA",
            _arn(account),
            expected="an MFA device",
            observed="none",
            discriminator="none",
            evidence=places(account.root_mfa),
        )
        return
    serial = need(account.root_virtual_mfa)
    if serial is not None:
        yield finding(
            f"the root user of {account.name} signs in with a virtual MFA device",
            _arn(account),
            serial,
            severity=Severity.MEDIUM,
            expected="a hardware device",
            observed=serial,
            discriminator="virtual",
            evidence=places(account.root_virtual_mfa),
        )


@rule_over(
    Estate.aws_account,
    "account-root-central",
    title="The organization manages the root credentials of its accounts",
    severity=Severity.MEDIUM,
    remedy="the organization must decide it, in its management account and for each member account",
    remediation="""
        In the management account: `aws iam enable-organizations-root-credentials-management`, then delete the root
        credentials of the member accounts.
    """,
    controls=proposal(nist_800_53_r5=["AC-6(5)"], iso_27001_2022=["A.8.2"]),
    references=(_ROOT_CENTRAL,),
    peers=("prowler:iam_root_credentials_management_enabled",),
)
def root_central(account: AwsAccount) -> Findings:
    """A root user without credentials cannot be broken into. Only the management account can tell."""
    if need(account.organization.id) is None:
        not_applicable("the account is in no organization")
    features = need(account.root_features)
    if "RootCredentialsManagement" not in features:
        yield finding(
            f"the organization of {account.name} does not manage the root credentials of its accounts",
            _arn(account),
            expected="RootCredentialsManagement",
            observed=", ".join(features) or "nothing",
            evidence=places(account.root_features),
        )


@rule_over(
    Estate.aws_account,
    "account-root-use",
    title="Nobody works as the root user",
    severity=Severity.HIGH,
    remedy="who worked as the root user and what for, a person must find out",
    remediation="""
        Find out in CloudTrail who signed in as root and what for, and give that person a role for it. Few tasks need
        the root user.
    """,
    controls=official(cis_aws_v3=["1.7"], cis_aws_v5=["1.6"]) + peer(cis_aws_v6=["2.6"]),
    references=(_ROOT, _REPORT),
    peers=("prowler:iam_avoid_root_usage", "steampipe:iam_root_last_used", "trivy:AWS-0140"),
)
def root_use(account: AwsAccount, profile: Profile) -> Findings:
    """What the root user does nobody can be held to, and no policy of yours limits it.

    Its password and its access keys must not have been used within `root_unused_days`. The credential report tells,
    which recordscan does not make: that needs a right to write.
    """
    earliest = account.as_of - timedelta(days=profile.root_unused_days)
    [root] = [user for user in need(account.users) if user.is_root]
    if root.last_used is not None and root.last_used > earliest:
        yield finding(
            f"the root user of {account.name} was used on {root.last_used:%Y-%m-%d}",
            root.arn,
            expected=f"not used for {profile.root_unused_days} days",
            observed=f"{root.last_used:%Y-%m-%d}",
            evidence=places(account.users),
        )


def demand_long_passwords(account: AwsAccount) -> Iterator[Step]:
    """Sets the two numbers, and repeats what else the policy says, as the call takes back what it leaves out."""
    policy = need(account.password_policy)
    # Without a policy IAM asks for three kinds of characters; one that asks for none would be weaker in that.
    whole = dict.fromkeys(_KINDS_OF_CHARACTERS, True) if policy is None else policy.whole
    current = {name: whole[name] for name in (*_KINDS_OF_CHARACTERS, *_OTHER_DEMANDS) if whole.get(name)}
    length, history = (0, 0) if policy is None else (policy.least_length, policy.history)
    yield account_step(
        account,
        "iam:UpdateAccountPasswordPolicy",
        "asks for 14 characters, and for a password that is none of the last 24",
        Order.CHANGE,
        "It holds for passwords that are set from then on; those that are in use stay as they are.",
        WHOLE.format(what="the password policy"),
        document=Document(
            parameter="",
            as_text=False,
            current=current,
            edits=(
                Edit(action="set", path="/MinimumPasswordLength", value=max(length, 14)),
                Edit(action="set", path="/PasswordReusePrevention", value=max(history, 24)),
            ),
        ),
    )


_KINDS_OF_CHARACTERS = ("RequireSymbols", "RequireNumbers", "RequireUppercaseCharacters", "RequireLowercaseCharacters")
_OTHER_DEMANDS = ("AllowUsersToChangePassword", "MaxPasswordAge", "HardExpiry")


@rule_over(
    Estate.aws_account,
    "account-password-policy",
    title="Console passwords are long, and none is used twice",
    severity=Severity.LOW,
    remedy=demand_long_passwords,
    remediation="""
        `aws iam update-account-password-policy --minimum-password-length 14 --password-reuse-prevention 24`, with the
        other settings repeated, as the call replaces them all. Better: no IAM users with passwords at all.
    """,
    controls=official(
        security_hub=["IAM.7", "IAM.15", "IAM.16"],
        cis_aws_v3=["1.8", "1.9"],
        cis_aws_v5=["1.7", "1.8"],
        pci_dss_4_0_1=["8.3.6", "8.3.7"],
    )
    + peer(cis_aws_v6=["2.7", "2.8"]),
    references=(_PASSWORDS, _IAM_CONTROLS),
    peers=(
        "prowler:iam_password_policy_minimum_length_14",
        "prowler:iam_password_policy_reuse_24",
        "trivy:AWS-0063",
        "securityhub:IAM.15",
    ),
)
def password_policy(account: AwsAccount) -> Findings:
    """A short password of one console user opens what that user may do. At least 14 characters, and 24 of memory.

    It does not apply where no IAM user has a console password.
    """
    policy = need(account.password_policy)
    if policy is not None and policy.least_length >= 14 and policy.history >= 24:
        return
    if not any(user.console_password for user in need(account.users)):
        not_applicable("no IAM user has a console password")
    observed = "no policy" if policy is None else f"length {policy.least_length}, memory {policy.history}"
    yield finding(
        f"the password policy of {account.name} asks for too little: {observed}",
        _arn(account),
        expected="length 14, memory 24",
        observed=observed,
        evidence=places(account.password_policy),
    )


@rule_over(
    Estate.aws_account,
    "account-console-mfa",
    title="IAM users with a console password have an MFA device",
    severity=Severity.HIGH,
    remedy="whoever signs in must register the device, with it in hand",
    remediation="""
        Let each register a device, or delete the password: `aws iam delete-login-profile --user-name USER`. People
        belong into IAM Identity Center.
    """,
    controls=official(security_hub=["IAM.5"], cis_aws_v3=["1.10"], cis_aws_v5=["1.9"], pci_dss_4_0_1=["8.4.2"])
    + peer(cis_aws_v6=["2.9"]),
    references=(_MFA, _REPORT),
    peers=("prowler:iam_user_mfa_enabled_console_access", "trivy:AWS-0145", "securityhub:IAM.5"),
)
def console_mfa(account: AwsAccount) -> Findings:
    """A password that leaked elsewhere opens the console, and with it whatever that user may see."""
    for user in need(account.users):
        if user.console_password and not user.mfa and not user.is_root:
            yield finding(
                f"the IAM user {user.arn.rpartition('/')[2]} signs in to the console without MFA",
                user.arn,
                expected="an MFA device",
                observed="none",
                evidence=places(account.users),
            )


@rule_over(
    Estate.aws_account,
    "account-full-admin",
    title="No policy in use allows everything",
    severity=Severity.HIGH,
    remedy="what each of them needs instead, a person must say",
    remediation="""
        Replace the policy by one that names actions and resources, or detach it. Name the roles that are meant to be
        administrators, by ARN, in `administrators` of the configuration.
    """,
    controls=official(security_hub=["IAM.1"], cis_aws_v3=["1.16"], cis_aws_v5=["1.15"]) + peer(cis_aws_v6=["2.15"]),
    references=(_LEAST, _IAM_CONTROLS),
    peers=(
        "prowler:iam_customer_attached_policy_no_administrative_privileges",
        "prowler:iam_aws_attached_policy_no_administrative_privileges",
        "prowler:iam_inline_policy_no_administrative_privileges",
        "steampipe:iam_policy_no_star_star",
        "scoutsuite:iam-managed-policy-allows-full-privileges",
        "checkov:CKV_AWS_62",
        "securityhub:IAM.1",
    ),
)
def full_admin(account: AwsAccount, profile: Profile) -> Findings:
    """Whoever may do everything may also open the bucket, delete the key and stop the trail.

    Customer managed, AWS managed and inline policies of users, their groups and roles count, by what they say. An Allow
    of all but some actions is a medium finding. The `administrators` of the profile may.
    """
    spared = []
    doubtful: list[Unavailable] = []
    for principal in need(account.principals):
        who = principal.requester.arn
        if who in (profile.administrators or ()) or principal.requester.service_linked:
            spared.append(who)
            continue
        if isinstance(principal.policies, Unavailable):
            doubtful.append(principal.policies)
            continue
        for attached in need(principal.policies):
            for statement in attached.policy.document.statements:
                severity = _allows_everything(statement)
                if severity is not None:
                    through = f", through the group {attached.group}" if attached.group else ""
                    yield finding(
                        f"statement {statement.label} of {attached.policy.name} allows {who} everything{through}",
                        who,
                        *((attached.arn,) if attached.arn else ()),
                        severity=severity,
                        expected="actions and resources by name",
                        observed=", ".join(statement.actions or ())
                        or f"all but {', '.join(statement.not_actions or ())}",
                        discriminator=f"{who} {attached.name} {statement.stable_name}",
                        evidence=places(principal.policies),
                    )
    for gap in doubtful:
        need(gap)
    if spared:
        remark(f"not asked of: {', '.join(spared)}")


def _allows_everything(statement: Statement) -> Severity | None:
    """How bad it is that a statement allows everything; None where it does not."""
    if statement.effect != "Allow" or "*" not in (statement.resources or ()):
        return None
    if statement.not_actions is not None:
        return Severity.MEDIUM
    return Severity.HIGH if {"*", "*:*"} & set(statement.actions or ()) else None


def make_analyzers(account: AwsAccount) -> Iterator[Step]:
    """Makes an analyzer of external access in each Region that has none."""
    if any(if_known(guards.findings) for guards in account.guards):
        by_hand("whether access that was found is meant, a person must decide")
    for guards in account.guards:
        if if_known(guards.analyzers) == ():
            yield account_step(
                account,
                "accessanalyzer:CreateAnalyzer",
                "looks for access from outside",
                Order.PREPARE,
                "Somebody must look at what it finds, and this check fails until that was done.",
                region=guards.region,
                analyzerName="external-access",
                type="ACCOUNT",
            )


@rule_over(
    Estate.aws_account,
    "account-access-analyzer",
    title="IAM Access Analyzer watches, and has found nothing about the media",
    severity=Severity.MEDIUM,
    remedy=make_analyzers,
    remediation="""
        `aws accessanalyzer create-analyzer --analyzer-name external --type ACCOUNT --region REGION`. Look at each
        finding: take the access away, or archive it where it is meant.
    """,
    controls=official(security_hub=["IAM.28"], cis_aws_v3=["1.20"], cis_aws_v5=["1.19"])
    + peer(cis_aws_v6=["2.19"], iso_27001_2022=["A.8.3"]),
    references=(_ANALYZER, _IAM_CONTROLS),
    peers=("prowler:accessanalyzer_enabled", "prowler:accessanalyzer_enabled_without_findings", "securityhub:IAM.28"),
)
def access_analyzer(account: AwsAccount) -> Findings:
    """It computes whom policies let in from outside, and tells when one is changed.

    An active analyzer of external access must be in each Region that holds media, and have no active finding about a
    bucket of media or its key. Analyzers of unused access do not count, nor do findings about anything else. The
    analyzer of an organization is seen in the account alone that manages it, so elsewhere its absence proves nothing.
    """

    def judge(guards: RegionGuards) -> Iterator[Finding]:
        if not need(guards.analyzers):
            if need(account.organization.id) is not None:
                unavailable(Reason.UNDECIDABLE, "an analyzer of the organization may be in another account")
            yield finding(
                f"no Access Analyzer watches {guards.region}",
                _arn(account),
                expected="an active analyzer of external access",
                observed="none",
                discriminator=guards.region,
                evidence=places(guards.analyzers),
            )
        for found in need(guards.findings):
            yield finding(
                f"Access Analyzer has an active finding about {found.resource}",
                found.resource,
                found.analyzer,
                expected="no active finding",
                observed=f"finding {found.id}",
                discriminator=found.id,
                evidence=places(guards.findings),
            )

    yield from _in_each_region(account, judge)
    need(account.every_key)


@rule_over(
    Estate.aws_account,
    "account-macie",
    title="Macie looks at the bucket",
    severity=Severity.LOW,
    remedy="Macie costs money by the bucket and by what it reads, which a person must agree to",
    remediation="""
        `aws macie2 enable-macie --region REGION`, and switch automated sensitive data discovery on for the bucket, if
        other things than media lie in it.
    """,
    controls=official(security_hub=["Macie.1", "Macie.2"])
    + peer(cis_aws_v3=["2.1.3"], cis_aws_v5=["2.1.3"], cis_aws_v6=["3.1.3"]),
    references=(_MACIE,),
    peers=(
        "prowler:macie_is_enabled",
        "prowler:macie_automated_sensitive_data_discovery_enabled",
        "steampipe:s3_bucket_protected_by_macie",
        "securityhub:Macie.1",
    ),
)
def macie(account: AwsAccount) -> Findings:
    """Macie watches the settings of buckets, and finds personal data in text files that strayed into them.

    What is said and shown in recordings it cannot see: audio and video are none of the files that it reads.
    """

    def judge(guards: RegionGuards) -> Iterator[Finding]:
        status = need(guards.macie)
        if status != "ENABLED":
            yield finding(
                f"Macie is not on in {guards.region}",
                _arn(account),
                expected="ENABLED",
                observed=status or "never enabled",
                discriminator=guards.region,
                evidence=places(guards.macie),
            )
            return
        for name in need(guards.unseen_by_macie):
            yield finding(
                f"Macie neither monitors the bucket {name} nor has it in a job",
                f"arn:{account.partition}:s3:::{name}",
                expected="automated discovery or a job",
                observed="neither",
                discriminator=name,
                evidence=places(guards.unseen_by_macie),
            )

    yield from _in_each_region(account, judge)


def watch_s3(account: AwsAccount) -> Iterator[Step]:
    """Switches GuardDuty and its S3 Protection on, in each Region that has none."""
    for guards in account.guards:
        detectors = if_known(guards.detectors)
        if detectors is None or any(detectors.values()):
            continue
        # A Region has one detector at most, which may be suspended.
        there = (*detectors, *need(guards.suspended_detectors))
        operation = "guardduty:UpdateDetector" if there else "guardduty:CreateDetector"
        detector: dict[str, Json] = {"DetectorId": there[0]} if there else {}
        yield account_step(
            account,
            operation,
            "has GuardDuty watch access to S3",
            Order.PREPARE,
            "GuardDuty is paid for by the events that it reads, those of all buckets of the Region.",
            "In an organization that administers GuardDuty, its administrator must do it.",
            region=guards.region,
            **detector,
            Enable=True,
            Features=[{"Name": "S3_DATA_EVENTS", "Status": "ENABLED"}],
        )


@rule_over(
    Estate.aws_account,
    "account-guardduty-s3",
    title="GuardDuty watches access to S3",
    severity=Severity.MEDIUM,
    remedy=watch_s3,
    remediation="""
        `aws guardduty create-detector --enable --features Name=S3_DATA_EVENTS,Status=ENABLED --region REGION`, or
        `update-detector` for the one that is there.
    """,
    controls=official(security_hub=["GuardDuty.1", "GuardDuty.10"], nist_800_53_r5=["SI-4"])
    + proposal(iso_27001_2022=["A.8.16"]),
    references=(_GUARDDUTY, "https://docs.aws.amazon.com/securityhub/latest/userguide/guardduty-controls.html"),
    peers=("prowler:guardduty_s3_protection_enabled", "securityhub:GuardDuty.10"),
)
def guardduty(account: AwsAccount) -> Findings:
    """It notices when a key that always uploaded begins to list and download, or calls from where nobody works."""

    def judge(guards: RegionGuards) -> Iterator[Finding]:
        detectors = need(guards.detectors)
        if not any(detectors.values()):
            observed = "a detector without S3 protection" if detectors else "no detector that is on"
            yield finding(
                f"GuardDuty does not watch access to S3 in {guards.region}: {observed}",
                _arn(account),
                expected="a detector with S3_DATA_EVENTS",
                observed=observed,
                discriminator=guards.region,
                evidence=places(guards.detectors),
            )

    yield from _in_each_region(account, judge)


@rule_over(
    Estate.aws_account,
    "account-config",
    title="AWS Config records buckets and keys",
    severity=Severity.MEDIUM,
    remedy="what is recorded, where to and at what cost, a person must choose",
    remediation="""
        `aws configservice put-configuration-recorder` with all supported types, or at least AWS::S3::Bucket and
        AWS::KMS::Key, then `aws configservice start-configuration-recorder`, in the bucket's Region.
    """,
    controls=official(security_hub=["Config.1"], cis_aws_v3=["3.3"], cis_aws_v5=["3.3"])
    + peer(cis_aws_v6=["4.3"])
    + proposal(nist_800_53_r5=["CM-8"]),
    references=(_CONFIG, "https://docs.aws.amazon.com/securityhub/latest/userguide/config-controls.html"),
    peers=("prowler:config_recorder_all_regions_enabled", "securityhub:Config.1"),
)
def config(account: AwsAccount) -> Findings:
    """It shows an auditor how bucket and key were set on any day of the past.

    In each Region that holds media one recorder must be on, deliver, and record buckets and keys. Users and roles may
    be recorded in one Region for all, which is not looked for.
    """

    def judge(guards: RegionGuards) -> Iterator[Finding]:
        recorders = need(guards.recorders)
        flaws = [_flaw_of_recorder(each) for each in recorders] or ["no recorder"]
        if all(flaws):
            yield finding(
                f"AWS Config does not record buckets and keys in {guards.region}: {'; '.join(flaws)}",
                _arn(account),
                expected="a recorder that is on and records AWS::S3::Bucket and AWS::KMS::Key",
                observed="; ".join(flaws),
                discriminator=guards.region,
                evidence=places(guards.recorders),
            )

    yield from _in_each_region(account, judge)


def _flaw_of_recorder(recorder: ConfigurationRecorder) -> str:
    """What is wrong with a recorder; "" for nothing."""
    if not recorder.recording:
        return f"the recorder {recorder.name} is off"
    if recorder.failed is not None:
        return f"the recorder {recorder.name} cannot deliver: {recorder.failed}"
    return f"the recorder {recorder.name} leaves out {', '.join(recorder.leaves_out)}" if recorder.leaves_out else ""


def enable_security_hub(account: AwsAccount) -> Iterator[Step]:
    """Switches Security Hub and its default standards on, in each Region where it is off."""
    for guards in account.guards:
        if if_known(guards.security_hub) is False:
            yield account_step(
                account,
                "securityhub:EnableSecurityHub",
                "switches Security Hub on",
                Order.PREPARE,
                "Security Hub is paid for by the checks that it makes, of everything in the Region.",
                "Most of its checks need AWS Config, which is paid for, too.",
                region=guards.region,
                EnableDefaultStandards=True,
            )


@rule_over(
    Estate.aws_account,
    "account-security-hub",
    title="Security Hub is on",
    severity=Severity.INFO,
    remedy=enable_security_hub,
    remediation="`aws securityhub enable-security-hub --enable-default-standards --region REGION`.",
    controls=peer(cis_aws_v3=["4.16"], cis_aws_v5=["4.16"], cis_aws_v6=["5.16"]),
    references=(_HUB,),
    peers=("prowler:securityhub_enabled", "steampipe:securityhub_enabled"),
)
def security_hub(account: AwsAccount) -> Findings:
    """It keeps an eye on what this report shows of one day. This is a note and no defect."""

    def judge(guards: RegionGuards) -> Iterator[Finding]:
        if not need(guards.security_hub):
            yield finding(
                f"Security Hub is not on in {guards.region}",
                _arn(account),
                expected="on",
                observed="not enabled",
                discriminator=guards.region,
                evidence=places(guards.security_hub),
            )

    yield from _in_each_region(account, judge)


@rule_over(
    Estate.aws_account,
    "account-organization-guards",
    title="The organization forbids to take the guards of the media away",
    severity=Severity.MEDIUM,
    remedy="whom the policy is to exempt, and for which accounts it holds, the organization must decide",
    remediation="""
        Attach a service control policy that denies the named actions to all but a break-glass role.
    """,
    controls=proposal(nist_800_53_r5=["AC-3", "CM-5"], iso_27001_2022=["A.5.15"]),
    references=(_SCPS,),
    peers=("prowler:organizations_scp_check_deny_regions",),
)
def organization_guards(account: AwsAccount) -> Findings:
    """An administrator of the account who errs, or was robbed, must not be able to undo everything alone.

    A service control policy must deny each action, or allow it nowhere; one with a condition counts, as it exempts
    somebody on purpose. Such policies do not bind the management account, and from most others they cannot be read.
    """
    if need(account.organization.id) is None:
        not_applicable("the account is in no organization")
    levels = need(account.organization.scps)
    if account.organization.assumed:
        unavailable(Reason.ACCESS_DENIED, "the service control policies of the organization could not be read")
    if levels is None:
        not_applicable("no service control policies bind the account")
    statements = [[s for policy in policies for s in policy.document.statements] for _, policies in levels]
    missing = [action for action in _GUARDED if not any(_forbids(level, action) for level in statements)]
    if missing:
        yield finding(
            f"no service control policy keeps {account.name} from {', '.join(missing)}",
            _arn(account),
            expected="a Deny for each",
            observed=f"none for {', '.join(missing)}",
            evidence=places(account.organization.scps),
        )


_GUARDED = (
    "s3:PutAccountPublicAccessBlock",
    "s3:PutBucketPublicAccessBlock",
    "s3:DeleteBucketPolicy",
    "kms:ScheduleKeyDeletion",
    "cloudtrail:StopLogging",
)


def _forbids(level: list[Statement], action: str) -> bool:
    """Whether the policies of one level deny an action to somebody, or allow it to nobody."""
    denied = any(s.effect == "Deny" and _is_about(s, action) for s in level)
    return denied or not any(s.effect == "Allow" and _is_about(s, action) for s in level)


def _is_about(statement: Statement, action: str) -> bool:
    if statement.not_actions is not None:
        return not names_action(statement.not_actions, action.lower())
    return names_action(statement.actions or (), action.lower())


@rule_over(
    Estate.aws_account,
    "account-security-contact",
    title="AWS knows whom to write to about security",
    severity=Severity.LOW,
    remedy="whom AWS is to write to, a person must say",
    remediation="""
        `aws account put-alternate-contact --alternate-contact-type SECURITY --name … --email-address … --phone-number …
        --title …`, with a mailbox that several people read.
    """,
    controls=official(security_hub=["Account.1"], cis_aws_v3=["1.2"], cis_aws_v5=["1.2"]) + peer(cis_aws_v6=["2.2"]),
    references=(_CONTACTS,),
    peers=("prowler:account_security_contact_information_is_registered", "securityhub:Account.1"),
)
def security_contact(account: AwsAccount) -> Findings:
    """When AWS finds your access key in public it writes to this address, or to that of whoever pays the bills."""
    if not need(account.security_contact):
        yield finding(
            f"{account.name} has no contact for security",
            _arn(account),
            expected="an alternate contact of type SECURITY",
            observed="none",
            evidence=places(account.security_contact),
        )


def _arn(account: AwsAccount) -> str:
    """ARN of the account, which is that of its root user."""
    return f"arn:{account.partition}:iam::{account.account_id}:root"


def _in_each_region(account: AwsAccount, judge: Callable[[RegionGuards], Iterator[Finding]]) -> Findings:
    """Judge each Region that holds media; the rule does not apply where none does."""
    verdicts: list[Fact[tuple[Finding, ...]]] = [derive(partial(_judged, judge, guards)) for guards in account.guards]
    for verdict in verdicts:
        if isinstance(verdict, Known):
            yield from need(verdict)
    for verdict in verdicts:
        need(verdict)
    need(account.every_region)
    if not verdicts:
        not_applicable("no bucket of media is known in this account")


def _judged(judge: Callable[[RegionGuards], Iterator[Finding]], guards: RegionGuards) -> tuple[Finding, ...]:
    return tuple(judge(guards))
