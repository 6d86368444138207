"""Encryption with the customer's public key before media leaves Twilio."""

from recordscan.estate.answers import Listing
from recordscan.estate.estate import Estate
from recordscan.estate.target import Target, enabled_setting_of, setting_of
from recordscan.estate.twilio import CredentialResource, StorageSetting
from recordscan.facts import need, not_applicable, places
from recordscan.profile import Profile
from recordscan.rule import Findings, Severity, finding, proposal, rule_over

_ENCRYPTION = "https://www.twilio.com/docs/video/tutorials/encrypting-your-stored-media"
_KEYS = "https://www.twilio.com/docs/iam/credentials/api"


def _encrypting_setting_of(target: Target) -> StorageSetting:
    """The setting, or end the rule: it does not encrypt with a public key."""
    setting = setting_of(target)
    if not need(setting.encryption_enabled):
        not_applicable("encryption with a public key is not enabled")
    return setting


@rule_over(
    Estate.twilio_targets,
    "enc-client-side",
    title="Media is encrypted with the customer's public key where the profile asks for it",
    severity=Severity.INFO,
    remedy="the public key must be uploaded by whoever keeps the private key",
    remediation="""
        Upload a public key (Console > Account > Credentials > Public Keys), enable encryption in the setting and choose
        it. Keep the private key where Twilio and AWS cannot reach it. Twilio offers this with its Enterprise and
        Security editions, and cannot compose what is encrypted.
    """,
    controls=proposal(nist_800_53_r5=["SC-28(1)", "SC-12"], iso_27001_2022=["A.8.24"], gdpr=["art. 32(1)(a)"]),
    references=(_ENCRYPTION,),
)
def client_side(target: Target, profile: Profile) -> Findings:
    """Only who holds the private key can read such media: neither Twilio nor AWS, nor who gets at the bucket.

    The profile asks for it with `client_side_encryption`.
    """
    if not profile.client_side_encryption:
        not_applicable("the profile does not ask for encryption with a public key")
    if profile.storage == "compose-then-delete" and setting_of(target).product == "recordings":
        not_applicable("the profile has Recordings composed at Twilio, which encrypted ones cannot be")
    setting = enabled_setting_of(target)
    missing = None
    if not need(setting.encryption_enabled):
        missing = places(setting.encryption_enabled)
    elif need(setting.encryption_key_sid) is None:
        missing = places(setting.encryption_key_sid)
    if missing is not None:
        yield finding(
            f"{target.name} are not encrypted with a public key",
            target.uid,
            expected="encryption_enabled is true, with a key",
            observed="not enabled, or without a key",
            evidence=missing,
        )


@rule_over(
    Estate.twilio_targets,
    "enc-public-key-age",
    title="The public key at Twilio is young enough",
    severity=Severity.LOW,
    remedy="the new public key must be uploaded by whoever keeps the private key",
    remediation="""
        Make a new key pair, upload its public key to Twilio and choose it in the setting. Keep the old private key as
        long as media that it opens is kept. The limit is `public_key_max_age_days`.
    """,
    controls=proposal(nist_800_53_r5=["SC-12"], iso_27001_2022=["A.8.24"]),
    references=(_ENCRYPTION, _KEYS),
)
def public_key_age(target: Target, profile: Profile) -> Findings:
    """The key cannot be changed in place, only its name can, so the resource is as old as the key."""
    setting = _encrypting_setting_of(target)
    sid = need(setting.encryption_key_sid)
    if sid is None or target.account is None:
        not_applicable("the setting names no public key")
    keys = need(target.account.public_keys)
    key = _named(sid, keys)
    if key is None:
        need(keys.whole)
        not_applicable("the public key is not listed")
    days = (target.as_of - need(key.created)).days
    if days > profile.public_key_max_age_days:
        yield finding(
            f"the public key {sid} of {target.name} is {days} days old",
            sid,
            expected=f"at most {profile.public_key_max_age_days} days",
            observed=f"{days} days",
            evidence=key.source,
        )


def _named(sid: str, keys: Listing[CredentialResource]) -> CredentialResource | None:
    return next((key for key in keys.items if key.sid == sid), None)
