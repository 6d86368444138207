"""What Twilio's own error log says of uploads: the most direct evidence that something is broken."""

from collections.abc import Iterable
from itertools import groupby

from recordscan.estate.estate import Estate
from recordscan.estate.twilio import Alert, TwilioAccount
from recordscan.facts import Known, need
from recordscan.profile import Profile
from recordscan.rule import Finding, Findings, Severity, finding, proposal, rule_over

_ERRORS = "https://www.twilio.com/docs/api/errors"
_ALERTS = "https://www.twilio.com/docs/usage/monitor-alert"

DROPPED = frozenset({"53616"})
MISCONFIGURED = frozenset(
    str(code)
    for codes in (range(53600, 53603), range(53610, 53616), range(53620, 53626), range(53664, 53670))
    for code in codes
)

TRANSIENT = frozenset(str(code) for code in (*range(53603, 53608), 53626, 53627, 53631, 53632))
CALLBACKS = frozenset({"11200", "53660", "53661", "53662"})
_OTHER_PRODUCTS = frozenset({"CA", "CF", "MM", "SM"})
"""How SIDs of calls, conferences and messages begin."""

_MEANINGS = {
    "11200": "the callback's host gave no good answer",
    "53660": "status callback timed out",
    "53661": "method of the status callback invalid",
    "53662": "URL of the status callback invalid",
    "53600": "S3 URL invalid",
    "53601": "AWS credential invalid",
    "53602": "public key invalid",
    "53610": "S3 URL invalid",
    "53611": "AWS access key wrong",
    "53612": "public key invalid",
    "53613": "AWS credential deleted",
    "53614": "public key deleted",
    "53615": "access denied by the bucket, or SSE-S3",
    "53616": "retries exhausted, Recording removed",
    "53620": "S3 URL invalid",
    "53621": "AWS access key wrong",
    "53622": "public key invalid",
    "53623": "AWS credential deleted",
    "53624": "public key deleted",
    "53625": "access denied by the bucket, or SSE-S3",
    "53664": "S3 URL invalid",
    "53665": "AWS access key wrong",
    "53666": "public key invalid",
    "53667": "AWS credential deleted",
    "53668": "public key deleted",
    "53669": "access denied by the bucket, or SSE-S3",
}


@rule_over(
    Estate.twilio_accounts,
    "alert-data-loss",
    title="Twilio dropped no Recording in the last 29 days",
    severity=Severity.CRITICAL,
    remedy="what Twilio removed cannot be had again",
    remediation="""
        The Recording is gone and cannot be had again. Mend what kept it from being uploaded (the other findings say
        what), and subscribe to `recording-failed` callbacks, so that the next failure is seen while it still waits.
    """,
    controls=proposal(nist_800_53_r5=["CP-9", "SI-4"], iso_27001_2022=["A.8.13", "A.8.16"], soc2=["A1.2", "CC7.2"]),
    references=(f"{_ERRORS}/53616", _ALERTS),
)
def data_loss(account: TwilioAccount) -> Findings:
    """Error 53616 means that Twilio gave up retrying an upload and removed the Recording. There is no other copy."""
    alerts = need(account.alerts)
    yield from _by_code([alert for alert in alerts.items if alert.error_code in DROPPED], account)
    need(alerts.whole)


@rule_over(
    Estate.twilio_accounts,
    "alert-upload-config",
    title="No upload was refused for its configuration in the last 29 days",
    severity=Severity.HIGH,
    remedy="the other findings tell what refused the upload",
    remediation="""
        Follow the code: 53610 and 53620 name the URL, 53611 and 53621 the access key, 53613 and 53623 the deleted
        credential, 53615 and 53625 the bucket's policy, the writer's rights or SSE-S3. Recordings wait until it is
        mended, and are removed when Twilio gives up; failed Compositions (53664-53669) must be composed again.
    """,
    controls=proposal(nist_800_53_r5=["SI-4", "CP-10"], iso_27001_2022=["A.8.16"], soc2=["CC7.2"]),
    references=(
        "https://www.twilio.com/docs/api/errors/53615",
        "https://www.twilio.com/docs/api/errors/53611",
        _ALERTS,
    ),
)
def upload_config(account: TwilioAccount) -> Findings:
    """These alerts are Twilio's own word that the URL, the credential, the key or the access to the bucket is wrong."""
    alerts = need(account.alerts)
    yield from _by_code([alert for alert in alerts.items if alert.error_code in MISCONFIGURED], account)
    need(alerts.whole)


def _by_code(alerts: Iterable[Alert], account: TwilioAccount) -> Iterable[Finding]:
    """One finding for each error code, with count and last occurrence."""
    for code, group in groupby(sorted(alerts, key=lambda a: a.error_code), key=lambda alert: alert.error_code):
        found = list(group)
        last = max((a.created.value for a in found if isinstance(a.created, Known)), default=None)
        when = f", last on {last:%Y-%m-%d}" if last else ""
        yield finding(
            f"Twilio logged error {code} ({_MEANINGS.get(code, 'upload failed')}) {_times(found)} for "
            f"{account.label}{when}",
            *(alert.resource_sid or alert.sid for alert in found[:5]),
            expected="none",
            observed=_times(found),
            discriminator=code,
            evidence=found[-1].source,
        )


def _times(found: list[Alert]) -> str:
    return "once" if len(found) == 1 else f"{len(found)} times"


@rule_over(
    Estate.twilio_accounts,
    "alert-upload-transient",
    title="Few uploads met a passing error in the last 29 days",
    severity=Severity.LOW,
    remedy="Twilio tries again by itself; why it has to so often, a person must find out",
    remediation="""
        Twilio tries again by itself. Where errors keep coming, ask its support with the SIDs. After 53606 and 53607
        look in the bucket for objects whose Recording Twilio does not know. The limit is `transient_alerts`.
    """,
    controls=proposal(nist_800_53_r5=["SI-4"], iso_27001_2022=["A.8.16"]),
    references=(f"{_ERRORS}/53604", f"{_ERRORS}/53606", _ALERTS),
)
def upload_transient(account: TwilioAccount, profile: Profile) -> Findings:
    """One failed try is no harm. Many are a warning, and some leave objects that Twilio lost its record of.

    Such an orphan is in no list of Twilio, so nobody deletes it when a participant asks for it.
    """
    alerts = need(account.alerts)
    found = [alert for alert in alerts.items if alert.error_code in TRANSIENT]
    if len(found) > profile.transient_alerts:
        codes = ", ".join(sorted({alert.error_code for alert in found}))
        yield finding(
            f"Twilio logged {len(found)} passing upload errors ({codes}) for {account.label}",
            *(alert.resource_sid or alert.sid for alert in found[:5]),
            expected=f"at most {profile.transient_alerts}",
            observed=f"{len(found)}",
            discriminator=account.sid,
            evidence=tuple(place for alert in found[:5] for place in alert.source),
        )
    need(alerts.whole)


@rule_over(
    Estate.twilio_accounts,
    "alert-callback",
    title="Status callbacks were accepted in the last 29 days",
    severity=Severity.LOW,
    remedy="what the host of the callback answers, its owner must look at",
    remediation="""
        Look at the host that the callback goes to: it must answer within 15 seconds, over https with a certificate that
        is valid, with a status of 2xx.
    """,
    controls=proposal(nist_800_53_r5=["SI-4"], iso_27001_2022=["A.8.16"], soc2=["CC7.2"]),
    references=(f"{_ERRORS}/53660", f"{_ERRORS}/11200", _ALERTS),
)
def callback(account: TwilioAccount) -> Findings:
    """Twilio tells of a failed upload by callback only; one that is not accepted is told to nobody.

    Error 11200 is that of every product: where it names a call or a message it is left out.
    """
    alerts = need(account.alerts)
    yield from _by_code([alert for alert in alerts.items if _is_of_a_callback(alert)], account)
    need(alerts.whole)


def _is_of_a_callback(alert: Alert) -> bool:
    of_others = alert.error_code == "11200" and (alert.resource_sid or "")[:2] in _OTHER_PRODUCTS
    return alert.error_code in CALLBACKS and not of_others
