"""What Twilio's own error log says of uploads: the most direct evidence that something is broken."""

from collections.abc import Collection, Iterable
from itertools import groupby

from recordscan.estate.estate import Estate
from recordscan.estate.twilio import Alert, TwilioAccount
from recordscan.facts import Known, need
from recordscan.rule import Finding, Findings, Severity, finding, proposal, rule_over

_ERRORS = "https://www.twilio.com/docs/api/errors"
_ALERTS = "https://www.twilio.com/docs/usage/monitor-alert"

DROPPED = frozenset({"53616"})
MISCONFIGURED = frozenset(
    str(code)
    for codes in (range(53600, 53603), range(53610, 53616), range(53620, 53626), range(53664, 53670))
    for code in codes
)

_MEANINGS = {
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
    yield from _by_code(account, DROPPED)
    need(need(account.alerts).whole)


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
    yield from _by_code(account, MISCONFIGURED)
    need(need(account.alerts).whole)


def _by_code(account: TwilioAccount, codes: Collection[str]) -> Iterable[Finding]:
    """One finding for each error code, with count and last occurrence."""
    alerts = sorted((a for a in need(account.alerts).items if a.error_code in codes), key=lambda a: a.error_code)
    for code, group in groupby(alerts, key=lambda alert: alert.error_code):
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
