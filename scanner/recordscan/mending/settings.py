"""Steps about Twilio: storage settings, Composition Hooks and names.

Whether a parameter that is left out of a setting keeps its value or loses it is documented nowhere, and hooks are
documented to be replaced. So every step repeats what was read.

Sources:
    https://www.twilio.com/docs/video/api/external-s3-recordings
    https://www.twilio.com/docs/video/api/composition-hooks
"""

import json
import re
from collections.abc import Iterator
from urllib.parse import quote

from recordscan.estate.s3url import S3UrlError, parse_s3_url, url_extras
from recordscan.estate.target import Target, setting_of
from recordscan.estate.twilio import CompositionHook, StorageSetting, TwilioAccount
from recordscan.facts import Json, Known, need
from recordscan.redaction import MARK, URL_PART, redact_secret_keys
from recordscan.remedy import Document, Edit, Order, Step, by_hand

_DOMAINS = {"aws": "amazonaws.com", "aws-us-gov": "amazonaws.com", "aws-cn": "amazonaws.com.cn"}
_OPERATIONS = {"recordings": "twilio:UpdateRecordingSettings", "compositions": "twilio:UpdateCompositionSettings"}
_WHOLE = "It sends the setting as the scan read it, with this change: if it was saved since, scan again first."
_TEST_FILE = "Twilio writes a small test file to the bucket when it is saved; see that it arrives."


def save_setting(setting: StorageSetting, does: str, order: Order, *warnings: str, **members: Json) -> Step:
    """Saves a storage setting again with other members, which are named as parameters of the API.

    Raises:
        ByHand: The URL held a secret, which is in no snapshot.
        Missing: A part of the setting is not known.
    """
    what = setting.product.capitalize()
    name, url = need(setting.friendly_name), need(setting.url)
    if URL_PART in (url or "") and "AwsS3Url" not in members:
        by_hand("the URL holds what was taken out of the answer as a secret, and must be mended first")
    current = {
        # Required; a name that holds a secret is in no snapshot, and should be in no setting.
        "FriendlyName": what if name is None or MARK in redact_secret_keys(name) else name,
        "AwsStorageEnabled": need(setting.enabled),
        "AwsS3Url": url,
        "AwsCredentialsSid": need(setting.credential_sid),
        "EncryptionEnabled": need(setting.encryption_enabled),
        "EncryptionKeySid": need(setting.encryption_key_sid),
    }
    return Step(
        operation=_OPERATIONS[setting.product],
        does=f"{does}: {what} of {setting.account_sid}",
        order=order,
        account=setting.account_sid,
        region=None,
        parameters={},
        warnings=(*warnings, _WHOLE),
        document=Document(
            parameter="",
            as_text=False,
            current={member: value for member, value in current.items() if value is not None},
            edits=tuple(Edit(action="set", path=f"/{member}", value=value) for member, value in members.items()),
        ),
    )


def save_url(target: Target) -> Iterator[Step]:
    """Saves the URL of the bucket again in the form that works: https, the bucket's Region, single slashes.

    Raises:
        ByHand: The URL names no plain bucket, or the Region is not known.
    """
    setting = setting_of(target)
    url = need(setting.url) or by_hand("no URL is set, and a person must choose the bucket")
    mended, prefix, old = _mended_url(target, url)
    warnings = [_TEST_FILE] if need(setting.enabled) else []
    if prefix != old:
        warnings.append(
            f"New media goes under {prefix!r} instead of {old!r}: policies, lifecycle rules and readers must follow."
        )
    yield save_setting(setting, f"saves the URL {mended}", Order.CHANGE, *warnings, AwsS3Url=mended)


def _mended_url(target: Target, url: str) -> tuple[str, str, str]:
    """The URL in the form that works, its prefix, and the prefix before."""
    bare = re.sub(r"[?#].*", "", url, flags=re.DOTALL) if url_extras(url) else url
    bare = re.sub(r"^([a-z]+://)[^/]*@", r"\1", bare, flags=re.IGNORECASE)
    bare = re.sub(r"^([a-z]+://[^/:]+):\d*", r"\1", bare, flags=re.IGNORECASE)
    found = parse_s3_url(bare)
    if isinstance(found, S3UrlError):
        by_hand(f"the URL names no bucket ({found.message}), and a person must choose one")
    bucket = target.bucket.value if isinstance(target.bucket, Known) else None
    lies_in = bucket.region.value if bucket is not None and isinstance(bucket.region, Known) else found.region
    region = lies_in or by_hand("the bucket's Region is not known")
    domain = _DOMAINS.get(found.partition) or by_hand(f"recordscan does not know the host names of {found.partition}")
    segments = [segment for segment in found.key_prefix.split("/") if segment not in ("", ".", "..")]
    prefix = "".join(f"{segment}/" for segment in segments)
    host = f"s3.{region}.{domain}"
    place = f"{host}/{found.bucket}" if "." in found.bucket else f"{found.bucket}.{host}"
    return f"https://{place}/{quote(prefix)}", prefix, found.key_prefix


_HOOK_MEMBERS = {
    "friendly_name": "FriendlyName",
    "video_layout": "VideoLayout",
    "audio_sources": "AudioSources",
    "audio_sources_excluded": "AudioSourcesExcluded",
    "resolution": "Resolution",
    "format": "Format",
    "trim": "Trim",
    "status_callback": "StatusCallback",
    "status_callback_method": "StatusCallbackMethod",
}


def disable_hook(account: TwilioAccount, hook: CompositionHook) -> Step:
    """Disables a Composition Hook, and leaves the rest of it as it is.

    Raises:
        ByHand: A part of the hook held a secret, which is in no snapshot.
    """
    if MARK in json.dumps(hook.raw) or URL_PART in str(hook.raw.get("status_callback")):
        by_hand(f"the Composition Hook {hook.sid} held what was taken out of the snapshot; disable it in the Console")
    members = {name: hook.raw[member] for member, name in _HOOK_MEMBERS.items() if hook.raw.get(member) is not None}
    if "FriendlyName" not in members:
        by_hand(f"the Composition Hook {hook.sid} has no name, without which it cannot be saved")
    if "VideoLayout" in members:
        members["VideoLayout"] = json.dumps(members["VideoLayout"])  # the API takes it as JSON text
    return Step(
        operation="twilio:UpdateCompositionHook",
        does=f"disables the Composition Hook {hook.sid}",
        order=Order.CHANGE,
        account=account.sid,
        region=None,
        parameters={"Sid": hook.sid, **members, "Enabled": False},
        warnings=("Nothing composes new Rooms at Twilio any more; compose with tools of your own if it is needed.",),
    )


def rename_credential(account: TwilioAccount, sid: str, *, public_key: bool) -> Step:
    """Gives an AWS credential or public key resource a name that holds nothing."""
    return Step(
        operation="twilio:UpdatePublicKey" if public_key else "twilio:UpdateAwsCredential",
        does=f"renames {sid}",
        order=Order.CHANGE,
        account=account.sid,
        region=None,
        parameters={"Sid": sid, "FriendlyName": f"{'Public key' if public_key else 'AWS credential'} {sid[-6:]}"},
        warnings=("A secret that stood in a name is leaked: replace it, a new name does not make it secret again.",),
    )
