"""Composing Recordings: what storing or encrypting them elsewhere makes impossible, and what must not be kept."""

from collections.abc import Iterator
from datetime import timedelta

from recordscan.estate.estate import Estate
from recordscan.estate.twilio import CompositionHook, TwilioAccount
from recordscan.facts import Fact, Known, Reason, Unavailable, if_known, need, not_applicable, places, unavailable
from recordscan.mending import disable_hook
from recordscan.profile import Profile
from recordscan.remedy import Step
from recordscan.rule import Findings, Severity, finding, proposal, rule_over

_GUIDE = "https://www.twilio.com/docs/video/tutorials/storing-aws-s3"
_UNDERSTANDING = "https://www.twilio.com/docs/video/tutorials/understanding-video-recordings-and-compositions"
_ENCRYPTION = "https://www.twilio.com/docs/video/tutorials/encrypting-your-stored-media"
_HOOKS = "https://www.twilio.com/docs/video/api/composition-hooks"


def _stopped_hooks(account: TwilioAccount, obstacle: Fact[bool]) -> list[CompositionHook]:
    """Enabled hooks that an obstacle keeps from composing; ends the rule where the account has none at all."""
    hooks = need(account.hooks)
    if not hooks.items:
        need(hooks.whole)
        not_applicable("the account has no Composition Hooks")
    enabled = [hook for hook in hooks.items if if_known(hook.enabled)]
    doubts = [fact for fact in (*(hook.enabled for hook in hooks.items), hooks.whole) if isinstance(fact, Unavailable)]
    if not enabled and not doubts:
        return []
    if not need(obstacle):
        return []
    if not enabled:
        need(doubts[0])
    return enabled


def disable_hooks(account: TwilioAccount) -> Iterator[Step]:
    """Disables the hooks that cannot compose anything as things are."""
    for hook in need(account.hooks).items:
        if if_known(hook.enabled):
            yield disable_hook(account, hook)


@rule_over(
    Estate.twilio_accounts,
    "compose-hooks-vs-external-recordings",
    title="No Composition Hook is enabled while Recordings are stored externally",
    severity=Severity.HIGH,
    remedy=disable_hooks,
    remediation="""
        Decide for one of the two: compose at Twilio, with Recordings in Twilio's cloud that are deleted as soon as the
        Composition is done; or store Recordings in the bucket, disable the hook, and compose with tools of your own.
    """,
    controls=proposal(nist_800_53_r5=["CP-10"], soc2=["PI1.3"]),
    references=(_UNDERSTANDING, _HOOKS, _GUIDE),
    guide="If you store your Recordings in S3, you will not be able to compose them.",
)
def hooks_vs_external_recordings(account: TwilioAccount) -> Findings:
    """Twilio composes media of its own repository only; with external Recordings each hook fails (53631).

    Whoever relies on the Composition has neither it nor an alarm.
    """
    for hook in _stopped_hooks(account, account.setting("recordings").enabled):
        yield finding(
            f"the Composition Hook {hook.sid} of {account.label} is enabled, but its Recordings are external",
            hook.sid,
            expected="disabled, or Recordings at Twilio",
            observed="enabled",
            evidence=hook.source,
        )


@rule_over(
    Estate.twilio_accounts,
    "compose-hooks-vs-encrypted-recordings",
    title="No Composition Hook is enabled while Recordings are encrypted with the customer's key",
    severity=Severity.HIGH,
    remedy=disable_hooks,
    remediation="Disable the hook and compose after decrypting, or switch client-side encryption of Recordings off.",
    controls=proposal(nist_800_53_r5=["CP-10"], soc2=["PI1.3"]),
    references=(_ENCRYPTION, _HOOKS),
)
def hooks_vs_encrypted_recordings(account: TwilioAccount) -> Findings:
    """Twilio cannot read what was encrypted with a public key, so encrypted Recordings cannot be composed."""
    for hook in _stopped_hooks(account, account.setting("recordings").encryption_enabled):
        yield finding(
            f"the Composition Hook {hook.sid} of {account.label} is enabled, but its Recordings are encrypted",
            hook.sid,
            expected="disabled, or Recordings not encrypted",
            observed="enabled",
            evidence=hook.source,
        )


@rule_over(
    Estate.twilio_accounts,
    "compose-sources-deleted",
    title="Source Recordings are deleted once their Composition is completed",
    severity=Severity.HIGH,
    remedy="what is deleted is gone for good, so a person must see to each Room",
    remediation="""
        Delete the Recordings of the named Rooms with the Recordings API (`DELETE /v1/Recordings/RT…`), and let the
        handler of `composition-available` do so from now on. The grace period is `source_grace_days` in the
        configuration.
    """,
    controls=proposal(nist_800_53_r5=["SI-12"], iso_27001_2022=["A.8.10"], gdpr=["art. 5(1)(e)"]),
    references=(_GUIDE, "https://www.twilio.com/docs/video/api/recordings-resource"),
    guide="as soon as the Composition is created they can be deleted permanently and irrevocably",
)
def sources_deleted(account: TwilioAccount, profile: Profile) -> Findings:
    """Sources are needed only until their Composition is done; what stays is a second copy that nobody looks after."""
    if need(account.setting("recordings").enabled):
        not_applicable("Recordings are external, so none can be composed")
    compositions = need(account.compositions)
    grace = timedelta(days=profile.source_grace_days)
    done = [c for c in compositions.items if c.status == "completed"]
    if not done:
        need(compositions.whole)
        not_applicable("the account has no completed Composition")
    overdue = [c for c in done if isinstance(c.completed, Known) and account.as_of - c.completed.value > grace]
    composed = {c.room_sid for c in overdue}
    recordings = need(account.recordings)
    kept = [r for r in recordings.items if r.location is None and r.status == "completed"]
    left = [r for r in kept if r.room_sid is not None and r.room_sid in composed]
    if left:
        yield finding(
            f"{len(left)} Recordings of {account.label} are still at Twilio though their Rooms were composed: "
            + ", ".join(recording.sid for recording in left[:5]),
            *(recording.sid for recording in left[:5]),
            expected=f"deleted within {profile.source_grace_days} days",
            observed=f"{len(left)} left",
            discriminator=account.sid,
            evidence=tuple(place for recording in left[:5] for place in recording.source),
        )
    if any(isinstance(c.completed, Unavailable) for c in done):
        unavailable(Reason.MALFORMED, "Twilio does not say when a Composition was completed")
    if kept and None in composed:
        unavailable(Reason.UNDECIDABLE, "Twilio does not say of which Room a Composition was made")
    if composed and any(r.room_sid is None for r in kept):
        unavailable(Reason.UNDECIDABLE, "Twilio does not say of which Room a Recording that it holds was made")
    need(compositions.whole)
    need(recordings.whole)


@rule_over(
    Estate.twilio_accounts,
    "compose-settings-unreachable",
    title="External Compositions are in use, or not configured beside external Recordings",
    severity=Severity.LOW,
    remedy="where media is to be composed, a person must decide",
    remediation="""
        Decide where media is composed. With external Recordings Twilio composes nothing new, so the setting of
        Compositions can be switched off and its credential deleted.
    """,
    controls=proposal(nist_800_53_r5=["CM-7"], iso_27001_2022=["A.8.9"]),
    references=(_GUIDE, _UNDERSTANDING),
    guide="If you store your Recordings in S3, you will not be able to compose them.",
)
def settings_unreachable(account: TwilioAccount) -> Findings:
    """With external Recordings, external storage of Compositions takes effect for older Rooms only.

    It shows that the two switches were misunderstood, unless something was composed since. Twilio does not say when a
    setting was saved; the oldest external Recording tells the latest day on which it can have been.
    """
    if not all([need(setting.enabled) for setting in account.settings]):
        return
    compositions, recordings = need(account.compositions), need(account.recordings)
    made = [c for c in compositions.items if c.status != "failed"]
    if made:
        external = [r for r in recordings.items if r.location is not None]
        if not external:
            need(recordings.whole)
            unavailable(Reason.UNDECIDABLE, "no external Recording exists, so it cannot be told since when they are")
        need(recordings.whole)
        since = min(need(r.created) for r in external)
        if any(need(c.created) >= since for c in made):
            return
    need(compositions.whole)
    yield finding(
        f"Recordings and Compositions of {account.label} are both to be stored externally, but nothing was composed "
        "since Recordings are",
        account.uid,
        expected="a Composition since, or Compositions not stored externally",
        observed=f"{len(made)} Compositions, all older" if made else "no Composition",
        evidence=places(account.setting("compositions").enabled) + places(account.compositions),
    )


@rule_over(
    Estate.twilio_accounts,
    "compose-failed",
    title="No Composition failed in the last 29 days",
    severity=Severity.MEDIUM,
    remedy="a failed Composition is never tried again, and why it failed a person must find out first",
    remediation="""
        Twilio's error log says why (53664-53669 name the storage setting). Mend it, then compose again: a failed
        Composition is never tried again, and cannot be deleted.
    """,
    controls=proposal(nist_800_53_r5=["SI-4", "CP-10"], iso_27001_2022=["A.8.16"], soc2=["PI1.3"]),
    references=(
        "https://www.twilio.com/docs/video/api/compositions-resource",
        "https://www.twilio.com/docs/api/errors/53669",
    ),
)
def failed(account: TwilioAccount) -> Findings:
    """A failed Composition is never retried; whoever waits for it waits for ever, and its sources may be deleted."""
    compositions = need(account.compositions)
    if not compositions.items:
        need(compositions.whole)
        not_applicable("the account has no Compositions")
    broken = [c for c in compositions.items if c.status == "failed"]
    recent = [c for c in broken if isinstance(c.created, Known) and c.created.value >= account.since]
    if recent:
        yield finding(
            f"{len(recent)} of the Compositions of {account.label} failed since {account.since:%Y-%m-%d}: "
            + ", ".join(c.sid for c in recent[:5]),
            *(c.sid for c in recent[:5]),
            expected="none",
            observed=f"{len(recent)}",
            discriminator=account.sid,
            evidence=tuple(place for c in recent[:5] for place in c.source),
        )
    for composition in broken:
        need(composition.created)
    need(compositions.whole)
