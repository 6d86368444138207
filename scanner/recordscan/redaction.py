"""Taking secrets out of answers before they become observations.

Two kinds are taken out: values that the scan itself was given, wherever they stand, and text in free fields that has
the form of a secret, because people do paste keys into friendly names. What is taken out leaves a marker that says what
it was, so that a rule can still see that a secret stood there.
"""

import re
from collections.abc import Sequence
from urllib.parse import urlsplit, urlunsplit

from recordscan.facts import Json

FREE_TEXT = frozenset({"friendly_name", "track_name", "unique_name", "alert_text", "status_callback", "aws_s3_url"})
"""Members of answers that people type into."""

OWN_SECRET = "[redacted: a credential of this scan]"  # noqa: S105 - a marker
SECRET_KEY = "[redacted: aws-secret-access-key]"  # noqa: S105 - a marker
URL_PART = "REDACTED"

_SECRET_KEY = re.compile(r"(?<![A-Za-z0-9/+=])[A-Za-z0-9/+]{40}(?![A-Za-z0-9/+=])")
"""The form that Twilio publishes for secret access keys: https://www.twilio.com/docs/api/errors/70106."""

_SHORTEST_SECRET = 8


class Redactor:
    """Takes secrets out of JSON values."""

    def __init__(self, known_secrets: Sequence[str] = ()) -> None:
        """Remember secrets that must appear nowhere; shorter than eight characters they would match by chance."""
        self._known = tuple(sorted({s for s in known_secrets if len(s) >= _SHORTEST_SECRET}, key=len, reverse=True))

    def json(self, value: Json) -> tuple[Json, tuple[str, ...]]:
        """The value without secrets, and what was taken out, each kind once, with the member it stood in."""
        found: dict[str, None] = {}
        return self._clean(value, "", found), tuple(found)

    def text(self, text: str) -> str:
        """Text without the scan's own secrets."""
        for secret in self._known:
            text = text.replace(secret, OWN_SECRET)
        return text

    def _clean(self, value: Json, member: str, found: dict[str, None]) -> Json:
        if isinstance(value, dict):
            return {self.text(str(name)): self._clean(inner, str(name), found) for name, inner in value.items()}
        if isinstance(value, list):
            return [self._clean(inner, member, found) for inner in value]
        if not isinstance(value, str):
            return value
        cleaned = self.text(value)
        if member in FREE_TEXT:
            cleaned = redact_secret_keys(redact_url_credentials(cleaned))
        if cleaned != value:
            found[f"a secret in {member or 'the answer'}"] = None
        return cleaned


def redact_secret_keys(text: str) -> str:
    """Text without anything that has the form of an AWS secret access key.

    Forty characters of upper and lower case with digits or signs have it; a SHA-1 digest and a word repeated have not.
    """

    def replace(match: re.Match[str]) -> str:
        return SECRET_KEY if _looks_random(match.group()) else match.group()

    return _SECRET_KEY.sub(replace, text)


def redact_url_credentials(text: str) -> str:
    """A URL without its user info and the values of its query; other text as it is."""
    try:
        url = urlsplit(text)
    except ValueError:
        return text
    if not url.scheme or not url.netloc:
        return text
    netloc = f"{URL_PART}@{url.netloc.rpartition('@')[2]}" if "@" in url.netloc else url.netloc
    query = re.sub(r"=[^&]*", f"={URL_PART}", url.query)
    return urlunsplit((url.scheme, netloc, url.path, query, url.fragment))


def _looks_random(text: str) -> bool:
    mixed = re.search("[a-z]", text) and re.search("[A-Z]", text) and re.search("[0-9/+]", text)
    return bool(mixed) and len(set(text)) >= 15
