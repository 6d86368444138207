"""The AWS credential that Twilio keeps, and the access key behind it."""

import re
from collections.abc import Iterator
from datetime import datetime, timedelta

from recordscan.estate.estate import Estate
from recordscan.estate.target import Target, enabled_setting_of, link_of, writer_of
from recordscan.estate.twilio import Composition, Recording, TwilioAccount
from recordscan.estate.user import AccessKey
from recordscan.facts import Known, Reason, Source, if_known, need, not_applicable, places, remark, unavailable
from recordscan.mending import rename_credential, save_setting, user_step
from recordscan.profile import Profile
from recordscan.redaction import redact_secret_keys
from recordscan.remedy import Order, Step, by_hand
from recordscan.rule import Finding, Findings, Severity, finding, proposal, rule_over

_CREDENTIALS = "https://www.twilio.com/docs/iam/credentials/api"
_KEYS = "https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_access-keys.html"

_ACCESS_KEY_ID = re.compile(r"(?<![A-Z0-9])A(?:KIA|SIA)[A-Z0-9]{16}(?![A-Z0-9])")
_REDACTED = "[redacted: "
"""What the collector leaves where a secret stood; the secret itself is in no snapshot."""


def rename_all(account: TwilioAccount) -> Iterator[Step]:
    """Gives what holds a secret or the id of an access key in its name another name."""
    leaking = {sid for sid, name, _ in _names(account) if _leaks(name)}
    for setting in account.settings:
        if f"the {setting.product} setting of {account.sid}" in leaking:
            name = setting.product.capitalize()
            yield save_setting(setting, "saves the setting with another name", Order.CHANGE, _LEAKED, FriendlyName=name)
    for resources, public_key in ((account.aws_credentials, False), (account.public_keys, True)):
        for resource in need(resources).items:
            if resource.sid in leaking:
                yield rename_credential(account, resource.sid, public_key=public_key)


_LEAKED = "A secret that stood in a name is leaked: replace it, a new name does not make it secret again."


def _leaks(name: str) -> bool:
    return _REDACTED in redact_secret_keys(name) or _ACCESS_KEY_ID.search(name) is not None


def activate_key(target: Target) -> Iterator[Step]:
    """Activates the key that Twilio holds."""
    link, writer = link_of(target), writer_of(target)
    if need(target.credential) is None:
        by_hand(
            "the AWS credential that the setting names does not exist at Twilio, so that no key is held by it: a new "
            "one must be handed to Twilio by a person, and the inactive key stays as it is"
        )
    held = [key for key in need(writer.access_keys) if key.id == link.access_key_id and key.status == "Inactive"]
    if not held:
        by_hand("the access key is gone, and a new one must be handed to Twilio by a person")
    for key in held:
        yield user_step(
            writer,
            "iam:UpdateAccessKey",
            f"activates the access key {key.label} that Twilio holds",
            Order.RESTORE,
            "If it was deactivated because it leaked, do not activate it: hand a new key to Twilio.",
            AccessKeyId=key.id,
            Status="Active",
        )


@rule_over(
    Estate.twilio_targets,
    "cred-linked",
    title="The IAM access key behind the credential is known",
    severity=Severity.MEDIUM,
    remedy="only the person who made the credential knows which access key it holds",
    remediation="""
        Name the access key in the configuration, under `[credential_links]`: `CR… = "AKIA…"`. Twilio never shows it;
        the person who created the credential knows it, or CloudTrail management events of KMS do.
    """,
    controls=proposal(nist_800_53_r5=["IA-4", "AC-2"], iso_27001_2022=["A.5.16"]),
    references=(_CREDENTIALS, _KEYS),
    guide="provide the AWS Access Key ID and the AWS Access Secret Key that you obtained in step 2 above.",
)
def linked(target: Target) -> Findings:
    """Every rule about the writer depends on knowing which access key Twilio holds.

    A link counts when the owner states it or CloudTrail proves it, and when it leads to one access key: a user who has
    two may have given Twilio either. A copied policy or a telling name is a hint, never a proof, and leaves this rule
    unknown with the candidate named.
    """
    enabled_setting_of(target)
    link = link_of(target)
    if link.user_arn is None:
        unavailable(Reason.NOT_FOUND, link.why)
    if not link.proven:
        unavailable(
            Reason.UNDECIDABLE,
            f"a hint of class {link.evidence} points to {link.user_arn} ({link.why}), which proves nothing",
        )
    if link.access_key_id is None:
        unavailable(
            Reason.UNDECIDABLE,
            f"{link.why} {link.user_arn}, but not which access key Twilio holds; name the key",
        )
    remark(f"evidence of class {link.evidence}: {link.why}, that of {link.user_arn}")
    return ()


@rule_over(
    Estate.twilio_targets,
    "cred-age",
    title="The credential at Twilio is young enough",
    severity=Severity.MEDIUM,
    remedy="a new key must be handed to Twilio by a person, as its secret is shown once and to nobody else",
    remediation="""
        Create a second access key for the writer, store it at Twilio as a new AWS credential, save its SID in the
        settings, see a recording arrive, then deactivate and delete the old key and credential. The limit is
        `credential_max_age_days`.
    """,
    controls=proposal(nist_800_53_r5=["IA-5(1)", "AC-2(3)"], pci_dss_4_0_1=["8.6.3"], iso_27001_2022=["A.5.17"]),
    references=(_CREDENTIALS,),
)
def age(target: Target, profile: Profile) -> Findings:
    """An update at Twilio changes only the friendly name, so the resource is as old as the secret that it holds."""
    enabled_setting_of(target)
    credential = need(target.credential)
    if credential is None:
        not_applicable("the credential is not listed")
    days = (target.as_of - need(credential.created)).days
    if days > profile.credential_max_age_days:
        yield finding(
            f"the AWS credential {credential.sid} of {target.name} is {days} days old",
            credential.sid,
            expected=f"at most {profile.credential_max_age_days} days",
            observed=f"{days} days",
            evidence=credential.source,
        )


@rule_over(
    Estate.twilio_accounts,
    "cred-name-leak",
    title="Friendly names hold no secrets",
    severity=Severity.CRITICAL,
    remedy=rename_all,
    remediation="""
        Deactivate the access key at once if a secret stood in the name: everybody who can see the Console or use an API
        key has read it. Then rotate it, and rename the resource.
    """,
    controls=proposal(nist_800_53_r5=["IA-5(7)"], pci_dss_4_0_1=["8.6.2"], iso_27001_2022=["A.5.17"]),
    references=("https://www.twilio.com/docs/api/errors/70106", _CREDENTIALS),
)
def name_leak(account: TwilioAccount) -> Findings:
    """Friendly names are shown in the Console and to every API key, and stay in logs and reports.

    A name with the form of a secret access key is critical; the id of an access key alone is a low finding.
    """
    for sid, name, source in _names(account):
        # A snapshot of today holds a marker in place of the secret; an older one may hold the secret itself.
        if _REDACTED in redact_secret_keys(name):
            yield finding(
                f"the friendly name of {sid} holds what has the form of a secret access key",
                sid,
                expected="a name",
                observed="a secret",
                discriminator=f"{sid} secret",
                evidence=source,
            )
        if _ACCESS_KEY_ID.search(name):
            yield finding(
                f"the friendly name of {sid} holds an access key id",
                sid,
                severity=Severity.LOW,
                expected="a name",
                observed="an access key id",
                discriminator=f"{sid} id",
                evidence=source,
            )
    for setting in account.settings:
        need(setting.friendly_name)
    for resources in (account.aws_credentials, account.public_keys):
        need(need(resources).whole)


def _names(account: TwilioAccount) -> Iterator[tuple[str, str, Source]]:
    """Whose name, the name and its place, as far as names can be read."""
    for setting in account.settings:
        name = if_known(setting.friendly_name)
        if name is not None:
            yield f"the {setting.product} setting of {account.sid}", name, setting.friendly_name.source
    for resources in (account.aws_credentials, account.public_keys):
        listed = if_known(resources)
        for resource in listed.items if listed is not None else ():
            if resource.friendly_name is not None:
                yield resource.sid, resource.friendly_name, resource.source


@rule_over(
    Estate.twilio_targets,
    "cred-key-active",
    title="The access key that Twilio holds is active",
    severity=Severity.CRITICAL,
    remedy=activate_key,
    remediation="""
        Activate the key again (`aws iam update-access-key --status Active`), or create a new one and store it at Twilio
        as a new AWS credential. Recordings wait meanwhile, and are removed when Twilio gives up.
    """,
    controls=proposal(nist_800_53_r5=["CP-10", "AC-2"], soc2=["A1.2"]),
    references=(_KEYS, "https://www.twilio.com/docs/api/errors/53611"),
)
def key_active(target: Target) -> Findings:
    """With an inactive or deleted key every upload is refused (53611, 53621, 53665), and in the end lost (53616).

    An active key whose last use does not fit the newest Recording contradicts the link, and leaves this rule unknown.
    """
    setting = enabled_setting_of(target)
    link = link_of(target)
    if link.user_arn is None:
        yield _unusable(target, "gone", str(need(setting.credential_sid)), places(target.link))
        return
    writer = writer_of(target)
    keys = [key for key in need(writer.access_keys) if link.access_key_id in (key.id, None)]
    if not any(key.active for key in keys):
        state = ", ".join(sorted({key.status for key in keys})) or "gone"
        yield _unusable(target, state, writer.arn, places(writer.access_keys, "Status"))
        return
    if len(keys) > 1:
        unavailable(Reason.UNDECIDABLE, "the user has several access keys; name the one that Twilio holds")
    _require_use(target, keys[0])


def _unusable(target: Target, state: str, resource: str, evidence: Source) -> Finding:
    return finding(
        f"the access key that {target.name} are uploaded with is {state}",
        resource,
        expected="Active",
        observed=state,
        evidence=evidence,
    )


def _require_use(target: Target, key: AccessKey) -> None:
    """Leave the rule unknown where the key's last use does not fit what Twilio stored last."""
    used = need(key.last_use)
    if used is None:
        unavailable(Reason.UNDECIDABLE, f"the access key {key.label} is active but was never used")
    if used.service != "s3":
        unavailable(Reason.UNDECIDABLE, f"the access key {key.label} was last used by {used.service}, not by S3")
    newest = _newest_stored(target)
    if newest is not None and used.when < newest - timedelta(days=1):
        unavailable(
            Reason.UNDECIDABLE,
            f"the access key {key.label} was last used on {used.when:%Y-%m-%d}, before the newest media was stored",
        )


def _newest_stored(target: Target) -> datetime | None:
    if target.account is None or target.setting is None:
        return None
    media: list[Recording | Composition] = (
        list(need(target.account.recordings).items)
        if target.setting.product == "recordings"
        else list(need(target.account.compositions).items)
    )
    stored = [item.created.value for item in media if item.location and isinstance(item.created, Known)]
    return max(stored, default=None)


@rule_over(
    Estate.twilio_accounts,
    "cred-unused",
    title="No stored AWS credential is unreferenced",
    severity=Severity.LOW,
    remedy="what the credential is for, a person must find out: calls may use it, and no API shows that",
    remediation="""
        Ask whoever looks after the account what the credential is for. Where nobody needs it, deactivate the access
        key, wait, then delete key and credential.
    """,
    controls=proposal(nist_800_53_r5=["AC-2(3)", "IA-5"], iso_27001_2022=["A.5.18"]),
    references=(_CREDENTIALS,),
)
def unused(account: TwilioAccount) -> Findings:
    """A secret that lasts for ever lies at a third party, and perhaps for nothing.

    External storage of calls uses such credentials too, and no API shows its settings; so a credential that the two
    settings of Video do not name is not known to be unused, and leaves this rule unknown.
    """
    credentials = need(account.aws_credentials)
    if not credentials.items:
        need(credentials.whole)
        not_applicable("no AWS credential is stored at Twilio")
    used = {need(setting.credential_sid) for setting in account.settings}
    unnamed = [credential.sid for credential in credentials.items if credential.sid not in used]
    if unnamed:
        unavailable(
            Reason.UNDECIDABLE,
            f"no setting of Video names {', '.join(unnamed[:5])}; whether calls are stored with it, no API tells",
        )
    need(credentials.whole)
    return ()


@rule_over(
    Estate.twilio_accounts,
    "cred-shared",
    title="Recordings and Compositions use different credentials",
    severity=Severity.LOW,
    remedy="another user must be made, and its key handed to Twilio by a person",
    remediation="""
        Make a second IAM user that may write under the other prefix only, store its access key at Twilio as another
        credential, and name that in the setting.
    """,
    controls=proposal(nist_800_53_r5=["AC-6", "IA-4"], iso_27001_2022=["A.8.3"]),
    references=(_CREDENTIALS,),
)
def shared(account: TwilioAccount) -> Findings:
    """One user for both must be allowed to write under both prefixes, so IAM cannot keep them apart.

    Whether two credentials hold keys of two users is told by the rules about each writer.
    """
    for setting in account.settings:
        if not need(setting.enabled):
            not_applicable(f"external storage of {setting.product} is not enabled")
    recordings, compositions = (setting.credential_sid for setting in account.settings)
    sid = need(recordings)
    if sid is None or need(compositions) is None:
        not_applicable("a setting names no credential")
    if sid == need(compositions):
        yield finding(
            f"Recordings and Compositions of {account.label} are written with the one credential {sid}",
            sid,
            expected="two credentials",
            observed="one",
            evidence=places(recordings) + places(compositions),
        )


@rule_over(
    Estate.twilio_targets,
    "cred-account-mismatch",
    title="Credential and setting belong to the same Twilio account",
    severity=Severity.MEDIUM,
    remedy="a credential of the other account must be made by whoever has the secret of its access key",
    remediation="Create the AWS credential in the account whose media it writes, and save its SID in the setting.",
    controls=proposal(nist_800_53_r5=["CM-6", "AC-6"], iso_27001_2022=["A.8.9"]),
    references=(_CREDENTIALS,),
)
def account_mismatch(target: Target) -> Findings:
    """A credential can be created for a subaccount from its parent, and is easily attached to the wrong one."""
    setting = enabled_setting_of(target)
    credential = need(target.credential)
    if credential is None:
        not_applicable("the credential is not listed")
    if credential.account_sid is None:
        unavailable(Reason.MALFORMED, f"Twilio does not say which account {credential.sid} belongs to")
    if credential.account_sid != setting.account_sid:
        yield finding(
            f"the AWS credential {credential.sid} of {target.name} belongs to the account {credential.account_sid}",
            credential.sid,
            expected=setting.account_sid,
            observed=credential.account_sid,
            evidence=credential.source,
        )
