"""The two storage settings of a Twilio account: whether they are on, complete, and point to things that exist."""

from recordscan.estate.answers import Listing
from recordscan.estate.estate import Estate
from recordscan.estate.target import Target, enabled_setting_of, setting_of
from recordscan.estate.twilio import CredentialResource, TwilioAccount
from recordscan.facts import Fact, any_true, derive, need, not_applicable, places, remark
from recordscan.profile import Profile
from recordscan.rule import Findings, Severity, finding, proposal, rule_over

_GUIDE = "https://www.twilio.com/docs/video/tutorials/storing-aws-s3"
_RECORDING_SETTINGS = "https://www.twilio.com/docs/video/api/external-s3-recordings"
_COMPOSITION_SETTINGS = "https://www.twilio.com/docs/video/api/external-s3-compositions"
_ENCRYPTION = "https://www.twilio.com/docs/video/tutorials/encrypting-your-stored-media"


def _account_of(target: Target) -> TwilioAccount:
    if target.account is None:
        not_applicable("the target was named without a Twilio setting")
    return target.account


_WHY_OFF = "why it is off, a person must find out first: if uploads failed, they fail again, and the media is lost"


@rule_over(
    Estate.recording_targets,
    "settings-recordings-external",
    title="Video Recordings are written to the customer's bucket",
    severity=Severity.HIGH,
    remedy=_WHY_OFF,
    remediation="""
        In the Twilio Console open Programmable Video > Recordings > Settings, enable *External S3 Buckets*, choose the
        AWS credential and the bucket URL, and save. If Recordings are composed at Twilio and then deleted, say so in
        the configuration: `storage = "compose-then-delete"`.
    """,
    controls=proposal(nist_800_53_r5=["SA-9(5)"], iso_27001_2022=["A.5.23"], gdpr=["art. 28"]),
    references=(_RECORDING_SETTINGS, _GUIDE),
    guide="S3 storage can be activated independently on them.",
)
def recordings_external(target: Target, profile: Profile) -> Findings:
    """Until the switch is on, Twilio keeps every Recording in its own cloud.

    A requirement that excludes third-party storage is broken with the first Recording, and the switch of Compositions
    does not help: the two are separate. A setting that was never saved counts as off. It does not matter in an account
    that shows no use of Video at all: no Recording, no Composition and no Composition Hook.
    """
    if profile.storage == "compose-then-delete":
        not_applicable("the profile has Recordings composed at Twilio and then deleted")
    if not need(setting_of(target).enabled):
        account = _account_of(target)
        if not need(any_true(_any(account.recordings), _any(account.compositions), _any(account.hooks))):
            not_applicable("the account has neither Recordings, nor Compositions, nor Composition Hooks")
        yield finding(
            f"{target.name} are stored in Twilio's cloud",
            target.uid,
            expected="aws_storage_enabled is true",
            observed="false or never configured",
            evidence=places(setting_of(target).enabled),
        )


@rule_over(
    Estate.composition_targets,
    "settings-compositions-external",
    title="Video Compositions are written to the customer's bucket",
    severity=Severity.HIGH,
    remedy=_WHY_OFF,
    remediation="""
        In the Twilio Console open Programmable Video > Compositions > Settings, enable *External S3 Buckets*, choose
        the AWS credential and the bucket URL, and save.
    """,
    controls=proposal(nist_800_53_r5=["SA-9(5)"], iso_27001_2022=["A.5.23"], gdpr=["art. 28"]),
    references=(_COMPOSITION_SETTINGS, _GUIDE),
    guide="Video Recordings and Video Compositions have separated S3 storage settings.",
)
def compositions_external(target: Target) -> Findings:
    """The switch of Recordings does not cover Compositions; each has its own.

    Where nothing can be composed, because Recordings are external and there is neither a Composition nor a Composition
    Hook, there is nothing to store.
    """
    if need(setting_of(target).enabled):
        return
    account = _account_of(target)
    if _composes_nothing(account):
        not_applicable("Recordings are external and the account has neither Compositions nor Composition Hooks")
    yield finding(
        f"{target.name} are stored in Twilio's cloud",
        target.uid,
        expected="aws_storage_enabled is true",
        observed="false or never configured",
        evidence=places(setting_of(target).enabled),
    )


def _any(fact: Fact[Listing[object]]) -> Fact[bool]:
    """Whether a list has a row, on the pages that were read or on others."""

    def compute() -> bool:
        listing = need(fact)
        return bool(listing.items) or not need(listing.whole)

    return derive(compute)


def _composes_nothing(account: TwilioAccount) -> bool:
    return need(account.setting("recordings").enabled) and not need(
        any_true(_any(account.compositions), _any(account.hooks))
    )


@rule_over(
    Estate.twilio_targets,
    "settings-complete",
    title="Enabled storage has both a URL and a credential",
    severity=Severity.HIGH,
    remedy="a person must choose the bucket and the credential",
    remediation="Save the setting again with bucket URL and AWS credential; Twilio then writes a small test file.",
    controls=proposal(nist_800_53_r5=["CM-6"], iso_27001_2022=["A.8.9"]),
    references=(_RECORDING_SETTINGS, "https://www.twilio.com/docs/api/errors/53613"),
    guide="specify the AWS Credential you created in step 3 as well as the AWS S3 Bucket URL you obtained in step 1.",
)
def complete(target: Target) -> Findings:
    """Without a URL or a credential no upload can start (errors 53610, 53613, 53620 and 53623).

    Media waits at Twilio until the setting is mended, and is removed when Twilio gives up (53616).
    """
    setting = enabled_setting_of(target)
    for name, value in (("aws_s3_url", setting.url), ("aws_credentials_sid", setting.credential_sid)):
        if need(value) is None:
            yield finding(
                f"{target.name} are to be stored externally, but {name} is not set",
                target.uid,
                expected=f"{name} is set",
                observed="null",
                discriminator=name,
                evidence=places(value),
            )


@rule_over(
    Estate.twilio_targets,
    "settings-dormant",
    title="A disabled setting keeps no live URL or credential",
    severity=Severity.LOW,
    remedy="whether storage is to be on again, or what is left is to be cleared, a person must decide",
    remediation="""
        Find out why storage was switched off. If it was to work around a failed upload, mend the cause and switch it on
        again; otherwise clear the URL and the credential.
    """,
    controls=proposal(nist_800_53_r5=["CM-6"], iso_27001_2022=["A.8.9"]),
    references=(_RECORDING_SETTINGS,),
)
def dormant(target: Target) -> Findings:
    """Storage that was configured and then switched off is often somebody's way around a failed upload.

    New media goes to Twilio's cloud from that moment on, and nobody is told.
    """
    setting = setting_of(target)
    if need(setting.enabled):
        not_applicable(f"external storage of {target.media} is enabled")
    left = {
        name: value
        for name, value in (("aws_s3_url", setting.url), ("aws_credentials_sid", setting.credential_sid))
        if need(value) is not None
    }
    if left:
        yield finding(
            f"{target.name} are not stored externally, but {' and '.join(left)} are still set",
            target.uid,
            expected="both null",
            observed=f"{', '.join(left)} set",
            evidence=tuple(place for value in left.values() for place in places(value)),
        )


@rule_over(
    Estate.twilio_targets,
    "settings-credential-exists",
    title="The AWS credential that the setting names exists",
    severity=Severity.CRITICAL,
    remedy="the secret of an access key must be handed to Twilio by a person",
    remediation="""
        Create an AWS credential at Twilio with the writer's access key (Console > Account > Credentials > AWS) and save
        its SID in the setting. Do it soon: Twilio removes Recordings when it gives up retrying.
    """,
    controls=proposal(nist_800_53_r5=["CP-10", "CM-6"], iso_27001_2022=["A.8.9"], soc2=["A1.2"]),
    references=("https://www.twilio.com/docs/api/errors/53613", "https://www.twilio.com/docs/api/errors/53616"),
    guide="Write down the AWS Credential SID that has the form CRxx.",
)
def credential_exists(target: Target) -> Findings:
    """When the credential is deleted, uploads fail (53613, 53623, 53667): media is held, then dropped (53616).

    A restricted API key cannot list AWS credentials at all; with one, this rule is unknown.
    """
    setting = enabled_setting_of(target)
    sid = need(setting.credential_sid)
    if sid is None:
        not_applicable("the setting names no credential")
    if not _listed(sid, _account_of(target).aws_credentials):
        yield finding(
            f"the AWS credential {sid} of {target.name} does not exist in the account",
            sid,
            expected="listed",
            observed="not listed",
            evidence=places(setting.credential_sid) + places(_account_of(target).aws_credentials),
        )


@rule_over(
    Estate.twilio_targets,
    "settings-encryption-key-exists",
    title="The public key that the setting encrypts with exists",
    severity=Severity.CRITICAL,
    remedy="the public key must be uploaded by whoever keeps the private key",
    remediation="""
        Upload the public key again (Console > Account > Credentials > Public Keys) and save its SID in the setting, or
        switch encryption off if nobody asked for it. Keep the private key of the old one: older media needs it.
    """,
    controls=proposal(nist_800_53_r5=["SC-12", "CP-10"], iso_27001_2022=["A.8.24"]),
    references=(_ENCRYPTION, "https://www.twilio.com/docs/api/errors/53614"),
)
def encryption_key_exists(target: Target) -> Findings:
    """When the public key resource is gone, media cannot be encrypted and is not uploaded (53614, 53624, 53668)."""
    setting = setting_of(target)
    if not need(setting.encryption_enabled):
        not_applicable("encryption with a public key is not enabled")
    sid = need(setting.encryption_key_sid)
    if sid is None:
        yield finding(
            f"{target.name} are to be encrypted, but no public key is named",
            target.uid,
            expected="encryption_key_sid is set",
            observed="null",
            evidence=places(setting.encryption_key_sid),
        )
    elif not _listed(sid, _account_of(target).public_keys):
        yield finding(
            f"the public key {sid} of {target.name} does not exist in the account",
            sid,
            expected="listed",
            observed="not listed",
            evidence=places(setting.encryption_key_sid) + places(_account_of(target).public_keys),
        )


def _listed(sid: str, fact: Fact[Listing[CredentialResource]]) -> bool:
    listing = need(fact)
    return any(item.sid == sid for item in listing.items) or not need(listing.whole)


@rule_over(
    Estate.twilio_accounts,
    "settings-consistent",
    title="Recordings and Compositions follow the same storage decision",
    severity=Severity.LOW,
    remedy="which of the two decisions is right, a person must say",
    remediation="""
        Store both in your own buckets and encrypt both the same way. If Recordings are composed at Twilio and then
        deleted, say so in the configuration: `storage = "compose-then-delete"`.
    """,
    controls=proposal(nist_800_53_r5=["CM-6", "SA-9(5)"], iso_27001_2022=["A.5.23", "A.8.9"]),
    references=(_RECORDING_SETTINGS, _COMPOSITION_SETTINGS),
    guide="S3 storage can be activated independently on them.",
)
def consistent(account: TwilioAccount, profile: Profile) -> Findings:
    """An account that was migrated by half keeps copies with a third party that nobody thinks of any more.

    A kind of media that is switched off and not in use needs no decision. Two places, buckets or prefixes, are no
    contradiction.
    """
    recordings, compositions = account.setting("recordings"), account.setting("compositions")
    external = {setting.product: need(setting.enabled) for setting in account.settings}
    if all(external.values()):
        if need(recordings.encryption_enabled) != need(compositions.encryption_enabled):
            yield finding(
                f"only one of Recordings and Compositions of {account.label} is encrypted with a public key",
                account.uid,
                expected="both or neither",
                observed="one",
                discriminator="encryption",
                evidence=places(recordings.encryption_enabled) + places(compositions.encryption_enabled),
            )
        return
    in_use = {
        "recordings": _any(account.recordings),
        "compositions": any_true(_any(account.compositions), _any(account.hooks)),
    }
    for product, enabled in external.items():
        if not enabled and not need(in_use[product]):
            not_applicable(f"{product.capitalize()} are switched off and not in use")
    if not any(external.values()):
        return
    if profile.storage == "compose-then-delete" and external["compositions"]:
        remark("the profile has Recordings composed at Twilio and then deleted")
        return
    stored, held = ("Recordings", "Compositions") if external["recordings"] else ("Compositions", "Recordings")
    yield finding(
        f"{stored} of {account.label} are stored externally, its {held} are not",
        account.uid,
        expected="one decision for both",
        observed=f"{stored} external, {held} in Twilio's cloud",
        discriminator="storage",
        evidence=places(recordings.enabled) + places(compositions.enabled),
    )


_NO_NAMES = frozenset({"default", "string"})
"""What consoles and examples put where a name belongs."""


@rule_over(
    Estate.twilio_targets,
    "settings-friendly-name",
    title="Settings carry a telling friendly name",
    severity=Severity.INFO,
    remedy="what the setting is for and who looks after it, a person must say",
    remediation="Save the setting with a friendly name that says what it is for and who looks after it.",
    controls=proposal(nist_800_53_r5=["CM-8"], iso_27001_2022=["A.5.9"]),
    references=(_RECORDING_SETTINGS, _COMPOSITION_SETTINGS),
)
def friendly_name(target: Target) -> Findings:
    """The setting has no dates and no owner: its name is the only clue to who saved it and why."""
    setting = setting_of(target)
    if not (need(setting.enabled) or need(setting.url) or need(setting.credential_sid)):
        not_applicable("the setting was never configured")
    name = need(setting.friendly_name)
    if name is None or name.strip().lower() in _NO_NAMES:
        yield finding(
            f"the setting of {target.name} has no telling name",
            target.uid,
            expected="a name",
            observed="none" if name is None else "a placeholder",
            evidence=places(setting.friendly_name),
        )
