"""Composing Recordings: what storing or encrypting them elsewhere makes impossible, and what must not be kept."""

from datetime import timedelta

from recordscan.estate.estate import Estate
from recordscan.estate.twilio import CompositionHook, TwilioAccount
from recordscan.facts import Known, Reason, need, not_applicable, unavailable
from recordscan.profile import Profile
from recordscan.rule import Findings, Severity, finding, proposal, rule_over

_GUIDE = "https://www.twilio.com/docs/video/tutorials/storing-aws-s3"
_UNDERSTANDING = "https://www.twilio.com/docs/video/tutorials/understanding-video-recordings-and-compositions"
_ENCRYPTION = "https://www.twilio.com/docs/video/tutorials/encrypting-your-stored-media"
_HOOKS = "https://www.twilio.com/docs/video/api/composition-hooks"


def _enabled_hooks(account: TwilioAccount) -> list[CompositionHook]:
    """Enabled hooks; ends the rule where there is none at all, and where it cannot be told whether one is enabled."""
    hooks = need(account.hooks)
    enabled = [hook for hook in hooks.items if need(hook.enabled)]
    if not enabled:
        need(hooks.whole)
    if not hooks.items:
        not_applicable("the account has no Composition Hooks")
    return enabled


@rule_over(
    Estate.twilio_accounts,
    "compose-hooks-vs-external-recordings",
    title="No Composition Hook is enabled while Recordings are stored externally",
    severity=Severity.HIGH,
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
    enabled = _enabled_hooks(account)
    if need(account.setting("recordings").enabled):
        for hook in enabled:
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
    remediation="Disable the hook and compose after decrypting, or switch client-side encryption of Recordings off.",
    controls=proposal(nist_800_53_r5=["CP-10"], soc2=["PI1.3"]),
    references=(_ENCRYPTION, _HOOKS),
)
def hooks_vs_encrypted_recordings(account: TwilioAccount) -> Findings:
    """Twilio cannot read what was encrypted with a public key, so encrypted Recordings cannot be composed."""
    enabled = _enabled_hooks(account)
    if need(account.setting("recordings").encryption_enabled):
        for hook in enabled:
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
    done = [c for c in compositions.items if c.status == "completed" and c.room_sid is not None]
    if not done:
        need(compositions.whole)
        not_applicable("the account has no completed Composition")
    composed: set[str] = set()
    undated = False
    for composition in done:
        if isinstance(composition.completed, Known):
            if account.as_of - composition.completed.value > grace:
                composed.add(str(composition.room_sid))
        else:
            undated = True
    recordings = need(account.recordings)
    left = [r for r in recordings.items if r.room_sid in composed and r.location is None and r.status == "completed"]
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
    if undated:
        unavailable(Reason.MALFORMED, "Twilio does not say when a Composition was completed")
    need(compositions.whole)
    need(recordings.whole)
