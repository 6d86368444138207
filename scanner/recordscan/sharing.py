"""Results that can be shown to others: without answers, without passed checks, with salted hashes for what identifies.

A transformation of the result, so that every report of it gets the same. What decides stays: rules, outcomes,
severities, counts, fingerprints. The salt is forgotten, so one name has another hash in each report. It has two limits,
which the documentation names: a fingerprint has no salt, so who guesses the name of a bucket can confirm the guess; and
names are known by where they stand in answers, so prose that people wrote should be read before it is shared.
"""

import hmac
import json
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import fields, is_dataclass, replace
from typing import Any, Literal, TypeAlias, TypeVar

from recordscan.facts import Citation, Json
from recordscan.result import (
    Assessment,
    Evidence,
    Exit,
    FrameworkRecord,
    Gate,
    Outcome,
    RuleRecord,
    ScanResult,
    Withheld,
)

Kind: TypeAlias = Literal["accounts", "names", "principals"]
R = TypeVar("R")

KINDS: tuple[Kind, ...] = ("accounts", "names", "principals")
WITHHELD_ANSWER = "[withheld]"
"""Stands for an answer that was left out."""

_DIGITS = 10
"""Hexadecimal digits of a hash: two of 50,000 names share one in one report of a thousand."""

_OURS = (RuleRecord, FrameworkRecord, Gate, Exit, Withheld)
"""Records whose text is recordscan's own."""

_KEPT = frozenset(
    {
        "ability",
        "action",
        "action_data",
        "aliases",
        "approved_on",
        "collected_at",
        "collector_version",
        "control",
        "created",
        "ended",
        "error_code",
        "expires",
        "fingerprint",
        "first_seen",
        "id",
        "kind",
        "lifecycle",
        "observation",
        "operation",
        "operations",
        "permission",
        "provider",
        "region",
        "request_id",
        "rule",
        "rule_id",
        "scan_id",
        "schema_version",
        "sha256",
        "started",
        "tool_version",
        "waiver",
    }
)
"""Fields that hold no text of a cloud or of people. Whatever is not named here is searched."""

_ALONE, _END = r"(?<![A-Za-z0-9])", r"(?![A-Za-z0-9])"
_UUID = "[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"

_PATTERNS: tuple[tuple[Kind, str, re.Pattern[str]], ...] = (
    ("principals", "principal", re.compile(r"arn:aws[a-z-]*:(?:iam|sts)::(?:\d{12})?:(?!policy/)[\w+=,.@/:*-]*[\w*]")),
    ("principals", "principal", re.compile(rf"{_ALONE}A[A-Z]{{2}}[A-Z0-9](?:[A-Z0-9]{{12,28}}|…[A-Z0-9]{{4}}){_END}")),
    ("principals", "principal", re.compile(rf"{_ALONE}(?:CR|SK|US)[0-9a-f]{{32}}{_END}")),
    ("principals", "principal", re.compile(rf"{_ALONE}SK[0-9a-f]{{4}}…[0-9a-f]{{4}}{_END}")),
    ("principals", "principal", re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")),
    ("principals", "principal", re.compile(r"(?<![\w.])\d{1,3}(?:\.\d{1,3}){3}(?![\w.]*\w)(?:/\d{1,2})?")),
    ("accounts", "account", re.compile(rf"{_ALONE}(?:\d{{12}}|AC[0-9a-f]{{32}}|[0-9a-f]{{64}}){_END}")),
    ("accounts", "account", re.compile(r"(?<![\w-])o-[a-z0-9]{10,32}(?![\w-])")),
    ("names", "name", re.compile(rf"{_ALONE}(?!AC|CR|SK|US)[A-Z]{{2}}[0-9a-f]{{32}}{_END}")),
    ("names", "name", re.compile(rf"(?<![\w-])(?:mrk-[0-9a-f]{{32}}|{_UUID})(?![\w-])")),
    # The part of an address that is one's own: what follows account or host.
    ("names", "name", re.compile(r"(?<=arn:aws:s3:::)[^\s\"',;/*]+")),
    ("names", "name", re.compile(r"(?<=s3://)[^\s\"',;/*]+")),
)  # fmt: skip

_OWN_HOST = re.compile(r"(https?://)(?=[^\s/\"']*\w)([^\s/\"']+)((?:/[^\s\"',;]*)?)")
_DOCUMENTATION = ("docs.aws.amazon.com", "www.twilio.com", "github.com")
_PUBLIC_HOST = re.compile(r"(?:^|\.)(?:amazonaws\.com(?:\.cn)?|aws\.amazon\.com|twilio\.com)(?::\d+)?$", re.IGNORECASE)
_TELLING = re.compile(
    r"(?:name|alias|bucket|keyid|label|prefix|sid|email|hosts?|^id|^key|^value|^tags?)$", re.IGNORECASE
)
_NOT_TELLING = re.compile(r"^(?:event|service|metric|region|signature|signing|algorithm).*name$", re.IGNORECASE)
_PEOPLE = re.compile(r"^(?:user|role|group|instanceprofile)name$", re.IGNORECASE)
_BUCKETS = re.compile(r"(?:arn:aws[a-z-]*:s3:::|s3://)([^\s\"'/*,]+)")
_PRINCIPALS = re.compile(r":(?:user|role|group|assumed-role)/([^\s\"'*,]+)")
_ACTION = re.compile(r"\b[a-z][a-z0-9-]*:[A-Z][A-Za-z]+\Z")
"""Such as `s3:PutObject`, which somebody may have called a statement, too."""
_LONGEST_SERVICE = 40
_RUN = re.compile(r"[\w.@+=-]+")
_WORD = re.compile(r"[A-Za-z]+")
_SHORTEST = 3


def withhold(
    result: ScanResult, *, evidence: bool = False, hashed: Sequence[Kind] = (), passed: bool = False, salt: bytes = b""
) -> ScanResult:
    """A result that can be shown to others.

    Args:
        result: The whole one, or one that something was taken out of before.
        evidence: Leave out the answers, and the remedies, which repeat what is replaced as a whole; the SHA-256 of each
            answer stays.
        hashed: What to replace by hashes. Answers and remedies, whose text is arbitrary, are left out with it.
        passed: Leave out passed checks; their number stays.
        salt: Of the hashes; random, and kept nowhere.
    """
    before = result.withheld or Withheld()
    kinds = tuple(kind for kind in KINDS if kind in hashed)
    record = Withheld(
        evidence=before.evidence or evidence or bool(kinds),
        hashed=tuple(kind for kind in KINDS if kind in kinds or kind in before.hashed),
        passed=dict(before.passed),
    )
    if kinds:
        result = _Hasher(result, kinds, salt).record(result)
    if record.evidence:
        result = _without_answers(result)
    if passed:
        counted = Counter(a.severity for a in result.assessments if a.outcome is Outcome.PASS)
        record = replace(record, passed=dict(counted + Counter(before.passed)))
        result = replace(result, assessments=tuple(a for a in result.assessments if a.outcome is not Outcome.PASS))
    return result if record == Withheld() else replace(result, withheld=record)


def _without_answers(result: ScanResult) -> ScanResult:
    def blank(assessment: Assessment) -> Assessment:
        findings = tuple(replace(found, evidence=_whole(found.evidence)) for found in assessment.findings)
        return replace(assessment, findings=findings, evidence=_whole(assessment.evidence), remedy=None)

    def empty(item: Evidence) -> Evidence:
        return item if item.answer is None else replace(item, answer=WITHHELD_ANSWER)

    return replace(
        result,
        assessments=tuple(blank(assessment) for assessment in result.assessments),
        evidence=tuple(empty(item) for item in result.evidence),
    )


def _whole(places: tuple[Citation, ...]) -> tuple[Citation, ...]:
    """Answers instead of places in them."""
    return tuple(dict.fromkeys(replace(place, pointer="") for place in places))


class _Hasher:
    """Replaces what identifies, wherever it stands."""

    def __init__(self, result: ScanResult, kinds: Sequence[Kind], salt: bytes) -> None:
        self._kinds = frozenset(kinds)
        self._salt = salt
        texts = [f"{rule.title} {rule.rationale} {rule.remediation}" for rule in result.rules]
        self._words = frozenset(word.lower() for text in texts for word in _WORD.findall(text))
        self._names: dict[str, str] = {}
        self._done: dict[str, str] = {}
        for kind, token, name in _gathered(result):
            # A word of the rules' own text tells nothing, and without it no sentence could be read.
            plain = name.lower() in self._words and kind == "names"
            if kind in self._kinds and len(name) >= _SHORTEST and not plain:
                for form in (name, json.dumps(name)[1:-1], repr(name)[1:-1]):
                    self._names.setdefault(form, self._token(token, name))
        odd = sorted((name for name in self._names if not _RUN.fullmatch(name)), key=len, reverse=True)
        self._odd = re.compile("|".join(rf"(?<!\w){re.escape(name)}(?!\w)" for name in odd)) if odd else None

    def record(self, value: R) -> R:
        """A record of the result, or any value inside one, with hashes for what identifies."""
        return self._any(value)  # type: ignore[no-any-return] # what goes in comes out

    def _any(self, value: Any) -> Any:
        if isinstance(value, _OURS):
            return value
        if is_dataclass(value) and not isinstance(value, type):
            changed = {f.name: self._any(getattr(value, f.name)) for f in fields(value) if f.name not in _KEPT}
            return replace(value, **changed)
        if isinstance(value, dict):
            return {self._key(key): self._any(inner) for key, inner in value.items()}
        if isinstance(value, (list, tuple)):
            return type(value)(self._any(inner) for inner in value)
        # Members of enumerations are of their own type.
        return self._text(value) if type(value) is str else value

    def _key(self, key: Any) -> Any:
        return self._by_pattern(key) if type(key) is str else key

    def _text(self, text: str) -> str:
        if text not in self._done:
            named = text if self._odd is None else self._odd.sub(lambda found: self._names[found[0]], text)
            if "names" in self._kinds:
                named = _OWN_HOST.sub(self._address, named)
            # Whole ARNs and SIDs first: a part of one is no name of its own.
            self._done[text] = _RUN.sub(self._named, self._by_pattern(named))
        return self._done[text]

    def _by_pattern(self, text: str) -> str:
        for kind, token, pattern in _PATTERNS:
            if kind in self._kinds:
                text = pattern.sub(self._replacing(token), text)
        return text

    def _replacing(self, token: str) -> Callable[[re.Match[str]], str]:
        return lambda found: self._token(token, found[0])

    def _address(self, found: re.Match[str]) -> str:
        scheme, host, path = found.groups()
        if host in _DOCUMENTATION:
            return found[0]
        own = host if _PUBLIC_HOST.search(host) else self._token("name", host)
        return f"{scheme}{own}" + (f"/{self._token('name', path)}" if path not in ("", "/") else path)

    def _named(self, found: re.Match[str]) -> str:
        """A run of characters of which names are made, which may have an end of a host or of a sentence after it."""
        run = found[0]
        if _ACTION.search(found.string, max(0, found.start() - _LONGEST_SERVICE), found.end()):
            return run
        parts = run.split(".")
        for end in range(len(parts), 0, -1):
            begin = ".".join(parts[:end])
            if begin in self._names:
                return ".".join([self._names[begin], *parts[end:]])
        return run

    def _token(self, token: str, value: str) -> str:
        return f"{token}-{hmac.new(self._salt, value.encode('utf-8', 'surrogatepass'), 'sha256').hexdigest()[:_DIGITS]}"


def _gathered(result: ScanResult) -> Iterator[tuple[Kind, str, str]]:
    """What identifies but has no form that tells it: its kind, how its hash begins, and the name."""
    scope, profile = result.scan.scope, result.scan.profile
    for waiver in result.waivers:
        people = (waiver.owner, waiver.requested_by, waiver.approved_by)
        yield from (("principals", "principal", person) for person in people if person is not None)
    for item in result.evidence:
        yield from _telling("", item.request)
        yield from _telling("", item.answer)
    accounts = scope.get("twilio_accounts")
    for account in accounts if isinstance(accounts, list) else ():
        label = account.get("label") if isinstance(account, dict) else None
        if isinstance(label, str):
            yield "accounts", "account", label
    yield from _telling("", scope)
    yield from _telling("", profile)
    for record in result.access:
        yield from _in_addresses(record.principal)
    for assessment in result.assessments:
        for resource in (assessment.subject.uid, *(r for found in assessment.findings for r in found.resources)):
            yield from _in_addresses(resource)


def _telling(member: str, value: Json) -> Iterator[tuple[Kind, str, str]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _telling(key, inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _telling(member, inner)
    elif isinstance(value, str):
        yield from _in_addresses(value)
        if value.startswith("{"):
            yield from _telling(member, _document(value))
        elif _PEOPLE.search(member):
            yield "principals", "principal", value
        elif _TELLING.search(member) and not _NOT_TELLING.search(member):
            yield "names", "name", value
            yield from (("names", "name", part) for part in value.split("/") if part != value)


def _document(text: str) -> Json:
    """What a policy or another document in an answer says; None where it is none."""
    try:
        found: Json = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return found


def _in_addresses(text: str) -> Iterator[tuple[Kind, str, str]]:
    """Names in the ARNs and URLs of a text."""
    for bucket in _BUCKETS.findall(text):
        yield "names", "name", bucket
    for _scheme, host, _path in _OWN_HOST.findall(text):
        if not _PUBLIC_HOST.search(host):
            yield "names", "name", host
        elif ".s3" in host:
            yield "names", "name", host.partition(".s3")[0]
    for person in _PRINCIPALS.findall(text):
        yield from (("principals", "principal", part) for part in person.split("/"))
