"""The IAM user whose access key Twilio holds: its keys are young, few and in use, and it is no person."""

from collections.abc import Iterator
from datetime import datetime
from functools import partial

from recordscan.estate.estate import Estate
from recordscan.estate.inventory import AccountUser
from recordscan.estate.target import Target, writer_of
from recordscan.estate.user import AccessKey, IamUser
from recordscan.facts import Known, Reason, derive, if_known, need, not_applicable, places, unavailable
from recordscan.mending import delete_password, user_step
from recordscan.profile import Profile
from recordscan.remedy import Order, Step, by_hand
from recordscan.rule import Findings, Severity, finding, official, peer, proposal, rule, rule_over

_KEYS = "https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_access-keys.html"
_BEST_PRACTICES = "https://docs.aws.amazon.com/IAM/latest/UserGuide/best-practices.html"

_VERY_OLD_DAYS = 180


def deactivate_other_keys(holder: Target | AccountUser) -> Iterator[Step]:
    """Deactivates the keys that Twilio does not hold."""
    user, held = writer_of(holder), _held_by_twilio(holder)
    if held is None:
        by_hand("nothing shows which of the keys is in use")
    yield from (_deactivate(user, key) for key in _active_keys(user) if key.id != held)


def deactivate_unused_keys(holder: Target | AccountUser, profile: Profile) -> Iterator[Step]:
    """Deactivates the keys that were not used for so long, unless Twilio may hold them."""
    user, held = writer_of(holder), _held_by_twilio(holder)
    for key in _active_keys(user):
        if _days_since(_idle_since(key), holder.as_of) <= profile.key_unused_days:
            continue
        if isinstance(holder, Target) and held in (None, key.id):
            by_hand("Twilio may hold the key: a person must look why no recording is uploaded with it")
        yield _deactivate(user, key)


def _held_by_twilio(holder: Target | AccountUser) -> str | None:
    """The id of the key that Twilio holds; None where nothing proves it."""
    link = need(holder.link) if isinstance(holder, Target) else None
    return link.access_key_id if link is not None and link.proven else None


def _deactivate(user: IamUser, key: AccessKey) -> Step:
    return user_step(
        user,
        "iam:UpdateAccessKey",
        f"deactivates the access key {key.label}",
        Order.REMOVE,
        "What uses the key fails at once; it can be activated again. Delete it when nothing broke.",
        AccessKeyId=key.id,
        Status="Inactive",
    )


@rule_over(
    Estate.user_holders,
    "writer-key-age",
    title="Active access keys are not too old",
    severity=Severity.HIGH,
    remedy="a new key must be handed to Twilio by a person, as its secret is shown once and to nobody else",
    remediation="""
        Make a second key (`aws iam create-access-key --user-name USER`), create a new AWS credential at
        Twilio with it, name its SID in both storage settings, see a recording arrive, then deactivate the old
        key and delete it with its Twilio credential. The limit is `key_max_age_days` of the configuration.
    """,
    controls=official(
        security_hub=["IAM.3"],
        cis_aws_v3=["1.14"],
        cis_aws_v5=["1.13"],
        nist_800_53_r5=["AC-2(1)", "AC-2(3)", "AC-3(15)"],
        pci_dss_4_0_1=["8.3.9", "8.6.3"],
    )
    + peer(cis_aws_v6=["2.13"], hipaa=["164.308(a)(5)(ii)(D)"], iso_27001_2022=["A.5.15"])
    + proposal(iso_27001_2022=["A.5.17"]),
    references=(_KEYS, _BEST_PRACTICES),
    peers=(
        "prowler:iam_rotate_access_key_90_days",
        "steampipe:iam_user_access_key_age_90",
        "trivy:AWS-0146",
        "scoutsuite:iam-user-no-key-rotation",
        "custodian:access-key",
        "config:access-keys-rotated",
        "securityhub:IAM.3",
    ),
)
def key_age(holder: Target | AccountUser, profile: Profile) -> Findings:
    """A key that another company keeps is as safe as its whole past: each day, more people and systems have seen it.

    Keys of more than 180 days are a high finding, others past the limit a medium one. Inactive keys do not
    count.
    """
    user = writer_of(holder)
    keys = _some_active_keys(user)
    for key in keys:
        created = if_known(key.created)
        days = _days_since(created, holder.as_of) if created is not None else 0
        if days > profile.key_max_age_days:
            yield finding(
                f"the active access key {key.label} of the IAM user {user.user_name} is {days} days old",
                user.arn,
                severity=Severity.HIGH if days > _VERY_OLD_DAYS else Severity.MEDIUM,
                expected=f"at most {profile.key_max_age_days} days",
                evidence=places(key.created),
                observed=f"{days} days",
                discriminator=key.id,
            )
    for key in keys:
        need(key.created)


@rule_over(
    Estate.user_holders,
    "writer-key-count",
    title="A user has one active access key",
    severity=Severity.LOW,
    remedy=deactivate_other_keys,
    remediation="""
        Find out which key Twilio holds (`aws iam get-access-key-last-used`), deactivate the other one (`aws
        iam update-access-key --status Inactive`), and delete it when nothing broke. The days that both may be
        active during a rotation are `key_overlap_days` of the configuration.
    """,
    controls=official(cis_aws_v3=["1.13"], cis_aws_v5=["1.12"]) + peer(cis_aws_v6=["2.12"]),
    references=(_KEYS,),
    peers=(
        "prowler:iam_user_two_active_access_key",
        "steampipe:iam_user_one_active_key",
        "trivy:AWS-0167",
        "scoutsuite:iam-user-with-multiple-access-keys",
    ),
)
def key_count(holder: Target | AccountUser, profile: Profile) -> Findings:
    """A second active key is one that nobody watches; it doubles what can leak.

    While keys are exchanged both must work for some days, so two are fine as long as the newer one is that
    young.
    """
    user = writer_of(holder)
    active = _active_keys(user)
    if len(active) <= 1:
        return
    days = _days_since(max(need(key.created) for key in active), holder.as_of)
    if days > profile.key_overlap_days:
        yield finding(
            f"the IAM user {user.user_name} has {len(active)} active access keys, the newest {days} days old",
            user.arn,
            expected=f"one, or two for at most {profile.key_overlap_days} days",
            observed=", ".join(key.label for key in active),
            evidence=places(user.access_keys, "Status", "CreateDate"),
        )


@rule_over(
    Estate.user_holders,
    "writer-key-unused",
    title="Active access keys are in use",
    severity=Severity.MEDIUM,
    remedy=deactivate_unused_keys,
    remediation="""
        Make sure that Twilio does not hold the key, deactivate it (`aws iam update-access-key --status
        Inactive`), and delete it when nothing broke. If Twilio should be using it, look why no recording is
        uploaded. The limit is `key_unused_days` of the configuration.
    """,
    controls=official(security_hub=["IAM.8", "IAM.22"], cis_aws_v3=["1.12"], cis_aws_v5=["1.11"])
    + peer(cis_aws_v6=["2.11"], nist_800_53_r5=["AC-2(3)", "AC-6"])
    + peer(pci_dss_4_0_1=["8.2.6"], iso_27001_2022=["A.5.15"]),
    references=(_KEYS, _BEST_PRACTICES),
    peers=(
        "prowler:iam_user_accesskey_unused",
        "steampipe:iam_user_unused_credentials_45",
        "scoutsuite:iam-unused-credentials-not-disabled",
        "trivy:AWS-0144",
        "trivy:AWS-0166",
        "custodian:credential",
        "config:iam-user-unused-credentials-check",
        "securityhub:IAM.22",
    ),
)
def key_unused(holder: Target | AccountUser, profile: Profile) -> Findings:
    """A key that nothing uses serves only whoever finds it.

    A key that was never used counts from the day it was made: as an upload key without console access it is
    easily forgotten.
    """
    user = writer_of(holder)
    idle_since = {key: derive(partial(_idle_since, key)) for key in _some_active_keys(user)}
    for key, fact in idle_since.items():
        since = if_known(fact)
        days = _days_since(since, holder.as_of) if since is not None else 0
        if days > profile.key_unused_days:
            used = if_known(key.last_use)
            yield finding(
                f"the active access key {key.label} of the IAM user {user.user_name} "
                + (f"was last used {days} days ago" if used is not None else f"was never used in {days} days"),
                user.arn,
                expected=f"used within {profile.key_unused_days} days",
                observed=f"{days} days ago" if used is not None else "never",
                evidence=places(key.last_use),
                discriminator=key.id,
            )
    for fact in idle_since.values():
        need(fact)


@rule(
    "writer-no-console",
    title="The user that Twilio writes as has no console password",
    severity=Severity.CRITICAL,
    remedy=delete_password,
    remediation="""
        `aws iam delete-login-profile --user-name USER`. If a person signs in as this user, make that person a
        role of their own, and give Twilio the key of a user that serves nothing else.
    """,
    controls=official(
        security_hub=["IAM.5", "IAM.19"],
        cis_aws_v3=["1.10", "1.11"],
        cis_aws_v5=["1.9", "1.10"],
        nist_800_53_r5=["IA-2(1)", "IA-2(2)", "IA-2(6)", "IA-2(8)"],
        pci_dss_4_0_1=["8.4.2"],
    )
    + peer(cis_aws_v6=["2.9", "2.10"])
    + proposal(pci_dss_4_0_1=["8.6.1"]),
    references=("https://docs.aws.amazon.com/IAM/latest/UserGuide/id_users.html", _BEST_PRACTICES),
    guide="Set Programmatic access as the “Access type” for your IAM user",
    peers=(
        "scoutsuite:iam-user-with-password-and-key",
        "scoutsuite:iam-service-user-with-password",
        "prowler:iam_user_mfa_enabled_console_access",
        "checkov:CKV2_AWS_22",
        "securityhub:IAM.5",
    ),
)
def no_console(target: Target) -> Findings:
    """A user made for uploads needs no way in for people; a password is one, and one that nobody watches.

    Without a second factor the password alone opens the account: that is critical, with one it is high.
    """
    user = writer_of(target)
    if not need(user.console_password):
        return
    mfa = derive(lambda: bool(need(user.mfa_devices)))
    protected = isinstance(mfa, Known) and need(mfa)
    if protected:
        note = "a second factor protects it"
    else:
        note = "without a second factor" if isinstance(mfa, Known) else "whether with a second factor could not be read"
    yield finding(
        f"the IAM user {user.user_name}, whose key Twilio holds, has a console password; {note}",
        user.arn,
        severity=Severity.HIGH if protected else Severity.CRITICAL,
        expected="no console password",
        observed=f"console password; {note}",
        evidence=places(user.console_password) + places(user.mfa_devices),
    )


def _active_keys(user: IamUser) -> list[AccessKey]:
    keys = need(user.access_keys)
    for key in keys:
        if key.status not in ("Active", "Inactive", "Expired"):
            unavailable(Reason.UNDECIDABLE, f"IAM calls the access key {key.label} {key.status}")
    return [key for key in keys if key.active]


def _some_active_keys(user: IamUser) -> list[AccessKey]:
    return _active_keys(user) or not_applicable("the user has no active access key")


def _idle_since(key: AccessKey) -> datetime:
    """When a key was last used; when it was made, where it never was."""
    used = need(key.last_use)
    return used.when if used is not None else need(key.created)


def _days_since(moment: datetime, as_of: datetime) -> int:
    return (as_of - moment).days
