"""The Twilio account itself: its subaccounts, its API keys, and who changes them."""

import re
from collections.abc import Iterable
from datetime import datetime
from functools import partial
from ipaddress import ip_address, ip_network

from recordscan.estate.estate import Estate, WholeEstate
from recordscan.estate.twilio import TwilioAccount
from recordscan.estate.twilio_rows import IDLE, ApiKey, AuditEvent, ListedAccount, UsageDay, newest_usage
from recordscan.facts import (
    Known,
    Reason,
    Unavailable,
    any_true,
    derive,
    need,
    not_applicable,
    places,
    unavailable,
)
from recordscan.profile import Profile
from recordscan.rule import Findings, Severity, finding, proposal, rule_over

_SUBACCOUNTS = "https://www.twilio.com/docs/iam/api/subaccounts"
_KEYS = "https://www.twilio.com/docs/iam/api-keys"
_RESTRICTED = "https://www.twilio.com/docs/iam/api-keys/restricted-api-keys"
_EVENTS = "https://www.twilio.com/docs/usage/monitor-events"
_SETTINGS = "https://www.twilio.com/docs/video/api/external-s3-recordings"

REDIRECTING = (
    "/twilio/video/recordings.recording-settings/update",
    "/twilio/video/compositions.composition-settings/update",
    "/twilio/video/recordings/delete",
    "/twilio/video/compositions/delete",
)
"""Permissions with which media can be led elsewhere or deleted."""

_READS = frozenset({"list", "read"})


@rule_over(
    Estate.whole,
    "acct-subaccounts-covered",
    title="Every active subaccount stores its media externally, or is exempt",
    severity=Severity.HIGH,
    remedy="a person must choose bucket and credential, or say that the subaccount needs none",
    remediation="""
        Save the storage settings of the subaccount, or name it in the configuration under
        `unconfigured_subaccounts`. To have it scanned, add it under `[[twilio.accounts]]` with an API key of its own:
        keys of the parent do not reach its settings.
    """,
    controls=proposal(nist_800_53_r5=["CM-8", "SA-9(5)"], iso_27001_2022=["A.5.9", "A.5.23"], gdpr=["art. 28"]),
    references=(_SUBACCOUNTS, _SETTINGS),
)
def subaccounts_covered(estate: WholeEstate, profile: Profile) -> Findings:
    """Settings are of one account each: what the parent saves does not hold for its subaccounts.

    One that uses Video and was forgotten leaves its media with Twilio. A subaccount that the scan has no key for is not
    known to be in order.
    """
    subaccounts = need(estate.subaccounts_in_use) - set(profile.unconfigured_subaccounts)
    if not subaccounts:
        not_applicable("there are no active subaccounts beside those that the profile exempts")
    scanned = [account for account in estate.accounts if account.sid in subaccounts]
    forgotten = {account.sid: derive(partial(_is_forgotten, account, profile)) for account in scanned}
    for account in scanned:
        fact = forgotten[account.sid]
        if isinstance(fact, Known) and fact.value:
            yield finding(
                f"the subaccount {account.label} uses Video and stores its media at Twilio",
                account.sid,
                expected="external storage",
                observed="not enabled",
                evidence=fact.source,
            )
    for fact in forgotten.values():
        need(fact)
    unread = sorted(subaccounts - forgotten.keys())
    if unread:
        unavailable(
            Reason.NOT_SELECTED,
            f"the scan has no credential of the subaccount {', '.join(unread[:5])}; its settings can be read with none "
            "of its parent",
        )


def _is_forgotten(account: TwilioAccount, profile: Profile) -> bool:
    """Whether an account uses Video, and what the profile wants stored externally is not."""
    composed = any_true(_any(account, "compositions"), _any(account, "hooks"))
    if profile.storage == "compose-then-delete":
        return not need(account.setting("compositions").enabled) and need(composed)
    if need(account.setting("recordings").enabled):
        return False
    return need(any_true(_any(account, "recordings"), _any(account, "rooms"), composed))


def _any(account: TwilioAccount, name: str) -> "Known[bool] | Unavailable":
    """Whether a list of the account has a row, on the pages that were read or on others."""

    def compute() -> bool:
        listed = need(getattr(account, name))
        return bool(listed.items) or not need(listed.whole)

    return derive(compute)


@rule_over(
    Estate.twilio_accounts,
    "acct-suspended-with-media",
    title="No suspended or closed account still stores media",
    severity=Severity.MEDIUM,
    remedy="what is to become of the media, and of the account, a person must decide",
    remediation="""
        Activate the subaccount for as long as it takes to download or delete its media. Twilio deletes closed accounts
        about 30 days later, with all that is in them.
    """,
    controls=proposal(nist_800_53_r5=["SI-12", "CP-9"], iso_27001_2022=["A.8.10"], gdpr=["art. 5(1)(e)"]),
    references=(_SUBACCOUNTS, "https://www.twilio.com/docs/usage/api/usage-record"),
)
def suspended_with_media(account: TwilioAccount) -> Findings:
    """A suspended account cannot mend its uploads, and nobody can delete what it keeps until it is active again."""
    listed = need(account.listed)
    idle = [row for row in listed.items if row.status in IDLE]
    kept = {row.sid: derive(partial(_stored, row, account.as_of)) for row in idle}
    for row in idle:
        fact = kept[row.sid]
        if isinstance(fact, Known) and fact.value is not None:
            yield finding(
                f"the {row.status} account {row.sid} stores {fact.value.amount} GB of Video media at Twilio",
                row.sid,
                expected="none",
                observed=f"{fact.value.amount} GB on {fact.value.day}",
                evidence=row.source + fact.value.source,
            )
    for fact in kept.values():
        need(fact)
    need(listed.whole)
    if not idle:
        not_applicable("no account that may be listed is suspended or closed")


def _stored(row: ListedAccount, as_of: datetime) -> UsageDay | None:
    return newest_usage(need(row.usage), as_of)


@rule_over(
    Estate.twilio_accounts,
    "acct-scanner-credential",
    title="The scan itself reads with no Auth Token and no Main key",
    severity=Severity.MEDIUM,
    remedy="the new key must be handed to the scan by a person, as its secret is shown once",
    remediation="""
        Make a restricted API key with the permissions that `recordscan permissions` prints, and have the scan use that.
        What it cannot read stays unknown.
    """,
    controls=proposal(nist_800_53_r5=["AC-6(9)", "IA-5"], iso_27001_2022=["A.8.2"], pci_dss_4_0_1=["7.2.5"]),
    references=(_KEYS, _RESTRICTED),
)
def scanner_credential(account: TwilioAccount) -> Findings:
    """Whoever gets hold of the scanner's credential should be able to read settings, and no more.

    The Auth Token and a Main key can delete everything, and read the Auth Tokens of all subaccounts. A standard key may
    not list keys, but can change settings all the same; so what the list of keys shows decides, and no refusal does.
    """
    enabled = account.setting("recordings").enabled
    need(enabled)  # the credential works, so what it is denied tells what it is
    if account.scanned_with is None:
        unavailable(Reason.UNDECIDABLE, "the snapshot does not say which credential the account was read with")
    if account.scanned_with == "Auth Token":
        yield finding(
            f"the scan reads {account.label} with its Auth Token",
            account.sid,
            expected="a restricted API key",
            observed="the Auth Token",
            evidence=places(enabled),
        )
        return
    if isinstance(account.keys, Unavailable) and account.keys.reason is Reason.ACCESS_DENIED:
        unavailable(
            Reason.ACCESS_DENIED,
            "the key may not list keys; it is a standard or a restricted one, and which cannot be told",
            account.keys.permission,
        )
    key = _own_key(account)
    allowed = need(key.allowed)
    writes = [entry for entry in allowed or () if entry.rpartition("/")[2] not in _READS]
    if allowed is None or writes:
        kind = "a Main key" if allowed is None else "a key that may change things"
        yield finding(
            f"the scan reads {account.label} with {kind}",
            key.sid,
            expected="a restricted API key that may only read",
            observed="a key that may list keys, without a policy" if allowed is None else ", ".join(writes[:5]),
            evidence=places(key.allowed),
        )


_MASKED = re.compile(r"API key (?P<head>SK[0-9a-f]{4})…(?P<tail>[0-9a-f]{4})\Z")


def _own_key(account: TwilioAccount) -> ApiKey:
    """The key of the list that the scan reads with, by the ends of its SID, which is all that a snapshot keeps."""
    shown = _MASKED.match(account.scanned_with or "")
    keys = need(account.keys)
    found = [k for k in keys.items if shown and k.sid.startswith(shown["head"]) and k.sid.endswith(shown["tail"])]
    if len(found) != 1:
        need(keys.whole)
        unavailable(Reason.UNDECIDABLE, "the key that the scan reads with is not to be told in the list of keys")
    return found[0]


@rule_over(
    Estate.twilio_accounts,
    "acct-keys-can-redirect",
    title="Only expected API keys can change storage settings or delete media",
    severity=Severity.HIGH,
    remedy="which application uses the key and what it needs, a person must know",
    remediation="""
        Replace the key by a restricted one that may do what its application needs. Name those that administer storage
        in the configuration, under `twilio_keys`.
    """,
    controls=proposal(nist_800_53_r5=["AC-6", "AC-3"], iso_27001_2022=["A.8.2", "A.8.3"], soc2=["CC6.3"]),
    references=(_KEYS, _RESTRICTED, _SETTINGS),
)
def keys_can_redirect(account: TwilioAccount, profile: Profile) -> Findings:
    """One call that changes the bucket URL leads all new media elsewhere, and no audit event tells of it.

    A standard or Main key has no policy and may do all of that; so may, in the end, one that can make keys.
    """
    keys = need(account.keys)
    unexpected = [key for key in keys.items if key.sid not in profile.twilio_keys]
    for key in unexpected:
        allowed = key.allowed
        if isinstance(allowed, Unavailable):
            continue
        powers = None if allowed.value is None else sorted(filter(_redirects, allowed.value))
        if powers is None or powers:
            yield finding(
                f"the API key {key.sid} of {account.label} can change storage settings or delete media",
                key.sid,
                expected="a restricted key, or one that the profile names",
                observed="a key without a policy" if powers is None else ", ".join(powers[:5]),
                evidence=places(allowed) + key.source,
            )
    for key in unexpected:
        need(key.allowed)
    need(keys.whole)
    if not keys.items:
        not_applicable("the account has no API keys")


def _redirects(entry: str) -> bool:
    """Whether a permission, which may have wildcards, is one to redirect media with, or to make keys with."""
    pattern = re.compile(re.escape(entry).replace(r"\*", ".*"), re.IGNORECASE | re.DOTALL)
    if any(pattern.fullmatch(power) for power in REDIRECTING):
        return True
    return entry.lower().startswith("/twilio/iam/") and entry.rpartition("/")[2].lower() not in _READS


@rule_over(
    Estate.twilio_accounts,
    "acct-key-age",
    title="API keys of Twilio are rotated",
    severity=Severity.LOW,
    remedy="a new key must be handed to the application by a person, as its secret is shown once",
    remediation="""
        Make a new key, give it to the application, see it work, then delete the old one. The limit is
        `twilio_key_max_age_days`.
    """,
    controls=proposal(nist_800_53_r5=["IA-5(1)"], iso_27001_2022=["A.5.17"], pci_dss_4_0_1=["8.6.3"]),
    references=(_KEYS,),
)
def key_age(account: TwilioAccount, profile: Profile) -> Findings:
    """A key does not expire by itself, and Twilio does not say when it was last used, so only its age can be judged."""
    keys = need(account.keys)
    for key in keys.items:
        days = (account.as_of - key.created.value).days if isinstance(key.created, Known) else 0
        if days > profile.twilio_key_max_age_days:
            yield finding(
                f"the API key {key.sid} of {account.label} is {days} days old",
                key.sid,
                expected=f"at most {profile.twilio_key_max_age_days} days",
                observed=f"{days} days",
                evidence=key.source,
            )
    for key in keys.items:
        need(key.created)
    need(keys.whole)
    if not keys.items:
        not_applicable("the account has no API keys")


@rule_over(
    Estate.twilio_accounts,
    "acct-restricted-share",
    title="API keys are restricted ones where they can be",
    severity=Severity.INFO,
    remedy="which permissions each application needs, a person must know, and hand it the new key",
    remediation="""
        Make new keys of the type Restricted, with the permissions that their application needs. The share that is asked
        for is `restricted_keys_percent`.
    """,
    controls=proposal(nist_800_53_r5=["AC-6"], iso_27001_2022=["A.8.2"]),
    references=(_RESTRICTED,),
)
def restricted_share(account: TwilioAccount, profile: Profile) -> Findings:
    """A standard key may do nearly everything in the account; a restricted one, what its policy lists."""
    keys = need(account.keys)
    if not keys.items:
        need(keys.whole)
        not_applicable("the account has no API keys")
    free = [key for key in keys.items if need(key.allowed) is None]
    need(keys.whole)
    restricted = len(keys.items) - len(free)
    if restricted * 100 < profile.restricted_keys_percent * len(keys.items):
        yield finding(
            f"{restricted} of the {len(keys.items)} API keys of {account.label} are restricted",
            *(key.sid for key in free[:5]),
            expected=f"at least {profile.restricted_keys_percent} percent",
            observed=f"{restricted} of {len(keys.items)}",
            discriminator=account.sid,
            evidence=tuple(place for key in free[:5] for place in places(key.allowed)),
        )


@rule_over(
    Estate.twilio_accounts,
    "acct-credential-events",
    title="Keys and credentials were changed by known people from known networks",
    severity=Severity.MEDIUM,
    remedy="who did it and why, a person must ask",
    remediation="""
        Ask who did it. If nobody knows, delete the key or credential, and change the passwords of the Console. Name who
        may in the configuration: `key_actors` and `key_networks`.
    """,
    controls=proposal(nist_800_53_r5=["AU-6", "AC-2(4)"], iso_27001_2022=["A.8.15", "A.8.16"], soc2=["CC7.2"]),
    references=(_EVENTS,),
)
def credential_events(account: TwilioAccount, profile: Profile) -> Findings:
    """A new key that nobody asked for is how a stolen password becomes lasting access.

    Looks at the audit events of the last 29 days. There is none for a change of the storage settings themselves.
    """
    events = need(account.events)
    strange = [event for event in events.items if _is_strange(event, profile)]
    for event in strange:
        who = event.actor_sid or "somebody whom Twilio does not name"
        yield finding(
            f"{event.event_type} in {account.label} by {who} from {event.ip_address or 'an unnamed address'}",
            event.sid,
            *([event.resource_sid] if event.resource_sid else []),
            expected="an actor and a network that the profile names",
            observed=f"{who}, {event.ip_address or 'no address'}",
            evidence=event.source,
        )
    if strange:
        return
    need(events.whole)
    if not events.items:
        not_applicable("no key or credential was changed in the last 29 days")
    if profile.key_actors is None and profile.key_networks is None:
        unavailable(
            Reason.UNDECIDABLE,
            f"{_count(events.items)} of keys and credentials, and the profile does not say who may make them",
        )


def _is_strange(event: AuditEvent, profile: Profile) -> bool:
    if profile.key_actors is not None and event.actor_sid not in profile.key_actors:
        return True
    return profile.key_networks is not None and not _is_within(event.ip_address, profile.key_networks)


def _is_within(address: str | None, networks: Iterable[str]) -> bool:
    try:
        parsed = ip_address(address or "")
    except ValueError:
        return False
    return any(parsed in ip_network(network) for network in networks)


def _count(events: tuple[AuditEvent, ...]) -> str:
    return f"there were {len(events)} changes" if len(events) > 1 else "there was one change"
