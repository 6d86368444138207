"""Taking secrets out of answers before they become observations.

Two kinds are taken out: values that the scan itself was given, wherever they stand, and text in free fields that has
the form of a secret, because people do paste keys into friendly names. What is taken out leaves a marker that says what
it was, so that a rule can still see that a secret stood there.
"""

import re
from collections.abc import Sequence

from recordscan.facts import Json

FREE_TEXT = frozenset(
    {
        "friendly_name",
        "track_name",
        "unique_name",
        "alert_text",
        "status_callback",
        "aws_s3_url",
        "Value",
        "Description",
    }
)
"""Members of answers that people type into; of AWS the values of tags and the descriptions of keys."""

MARK = "[redacted: "
"""Begins what stands for a secret that was taken out."""

OWN_SECRET = f"{MARK}a credential of this scan]"
SECRET_KEY = f"{MARK}aws-secret-access-key]"
URL_PART = "REDACTED"

_SECRET_LENGTH = 40
_SECRET_RUN = re.compile(r"[A-Za-z0-9/+=]{40,}")
"""Where a secret access key may stand, alone or glued to other text: https://www.twilio.com/docs/api/errors/70106."""

_SWITCH = re.compile("(?<=[a-z])[A-Z]|(?<=[A-Za-z])[0-9]|(?<=[0-9])[A-Za-z]")
"""Where letters turn upper case or digits begin or end: in random text every other character, in words seldom."""

_NO_WORD = re.compile("[A-Z](?![a-z])|[0-9]")
"""Capitals that begin no word, and digits: many in random text, few in words that are run together."""

_USER_INFO = re.compile("(?<=://)[^/?#]*@")

_SIGNED = re.compile(r"(?i)\b(x-amz-(?:signature|security-token|credential)|signature|awsaccesskeyid)=[^&\s\"']+")
"""What makes a URL a presigned one, with or without its scheme:
https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html and the older RESTAuthentication.html."""

_SHORTEST_SECRET = 8


class Redactor:
    """Takes secrets out of JSON values."""

    def __init__(self, known_secrets: Sequence[str] = ()) -> None:
        """Remember secrets that must appear nowhere; shorter than eight characters they would match by chance."""
        self._known: tuple[str, ...] = ()
        self.learn(known_secrets)

    def learn(self, secrets: Sequence[str]) -> None:
        """Remember more of them, as of a role that was taken on."""
        known = {secret for secret in (*self._known, *secrets) if len(secret) >= _SHORTEST_SECRET}
        self._known = tuple(sorted(known, key=len, reverse=True))

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
            return {self._name(key, found): self._clean(inner, self.text(key), found) for key, inner in value.items()}
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

    def _name(self, name: str, found: dict[str, None]) -> str:
        cleaned = self.text(name)
        if cleaned != name:
            found["a secret in the name of a member"] = None
        return cleaned


def redact_secret_keys(text: str) -> str:
    """Text without anything that has the form of an AWS secret access key.

    Forty characters that mix upper case, lower case and digits without a pattern have it; digests, SIDs, paths and
    words have not. Where exactly that many stand alone or between signs, the mixture is enough. What is glued to them
    goes as well, because nothing tells where they begin.
    """

    def replace(match: re.Match[str]) -> str:
        run = match.group()
        alone = {*run.split("="), *re.split("[/+=]", run)}
        if any(len(part) == _SECRET_LENGTH and _is_mixed(part) for part in alone):
            return SECRET_KEY
        windows = (run[i : i + _SECRET_LENGTH] for i in range(len(run) - _SECRET_LENGTH + 1))
        return SECRET_KEY if any(_looks_random(window) for window in windows) else run

    return _SECRET_RUN.sub(replace, text)


def redact_url_credentials(text: str) -> str:
    """Text without the user info of its URLs, the values of their queries and fragments, and signatures anywhere.

    What follows the first query is taken for its continuation: more may go than had to, never less.
    """
    text = _SIGNED.sub(rf"\1={URL_PART}", _USER_INFO.sub(f"{URL_PART}@", text))
    before, mark, url = text.partition("://")
    query = re.search("[?#]", url)
    if query is None:
        return text
    return before + mark + url[: query.start()] + re.sub("=[^&#]*", f"={URL_PART}", url[query.start() :])


def _is_mixed(text: str) -> bool:
    mixed = re.search("[a-z]", text) and re.search("[A-Z]", text) and re.search("[0-9/+]", text)
    return bool(mixed) and len(set(text)) >= 15


def _looks_random(text: str) -> bool:
    """Whether a text of forty characters may be random; of random ones, one in a thousand is missed."""
    upper, lower = sum(map(str.isupper, text)), sum(map(str.islower, text))
    switches, strays = len(_SWITCH.findall(text)), len(_NO_WORD.findall(text))
    return min(upper, lower) >= 5 and switches >= 7 and strays >= 5 and len(set(text)) >= 15
