"""Status callbacks: where Twilio sends what becomes of Rooms, Recordings and Compositions, and whether it does."""

import ipaddress
from collections.abc import Callable, Iterable, Iterator
from urllib.parse import urlsplit

from recordscan.estate.answers import Listing
from recordscan.estate.estate import Estate
from recordscan.estate.twilio import Composition, CompositionHook, Recording, TwilioAccount
from recordscan.estate.twilio_rows import Callback, Room
from recordscan.facts import Fact, Reason, if_known, need, not_applicable, unavailable
from recordscan.profile import Profile
from recordscan.rule import Finding, Findings, Severity, finding, proposal, rule_over

_CALLBACKS = "https://www.twilio.com/docs/video/api/status-callbacks"
_ROOMS = "https://www.twilio.com/docs/video/api/rooms-resource"

Holder = Room | Recording | Composition | CompositionHook

PASSERS_BY = frozenset(
    {
        "beeceptor.com",
        "devtunnels.ms",
        "hookbin.com",
        "lhr.life",
        "loca.lt",
        "localhost.run",
        "localtunnel.me",
        "ngrok-free.app",
        "ngrok-free.dev",
        "ngrok.app",
        "ngrok.dev",
        "ngrok.io",
        "pagekite.me",
        "pipedream.net",
        "postb.in",
        "putsreq.com",
        "requestbin.com",
        "requestbin.net",
        "requestcatcher.com",
        "serveo.net",
        "smee.io",
        "trycloudflare.com",
        "tunnelmole.net",
        "typedwebhook.tools",
        "webhook.cool",
        "webhook.site",
    }
)
"""Tunnels to somebody's computer, and services that show to everybody what they are sent."""


def _lists(account: TwilioAccount) -> tuple[Fact[Listing[Holder]], ...]:
    return (account.rooms, account.recordings, account.compositions, account.hooks)


def _holders(account: TwilioAccount) -> Iterator[tuple[Holder, Callback]]:
    """Everything that has a callback, as far as it can be read."""
    for fact in _lists(account):
        listed = if_known(fact)
        for item in listed.items if listed is not None else ():
            if item.callback is not None:
                yield item, item.callback


def _require_all(account: TwilioAccount) -> None:
    """Leave the rule unknown where a callback may stand in what was not read, not applicable where there is none."""
    for fact in _lists(account):
        need(need(fact).whole)
    if not any(True for _ in _holders(account)):
        not_applicable("nothing of the account has a status callback")


def _host(callback: Callback) -> str | None:
    """The host of a callback in lower case; None where the text is no URL."""
    try:
        return (urlsplit(callback.url).hostname or "").rstrip(".").lower() or None
    except ValueError:
        return None


def _each(
    account: TwilioAccount, fault: Callable[[Callback], str | None], message: str, expected: str
) -> Iterable[Finding]:
    """One finding for each fault, with who shows it."""
    found: dict[str, list[Holder]] = {}
    for holder, callback in _holders(account):
        seen = fault(callback)
        if seen is not None:
            found.setdefault(seen, []).append(holder)
    for seen, holders in sorted(found.items()):
        yield finding(
            f"{len(holders)} of the status callbacks of {account.label} {message} {seen}",
            *(holder.sid for holder in holders[:5]),
            expected=expected,
            observed=seen,
            discriminator=seen,
            evidence=tuple(place for holder in holders[:5] for place in holder.source),
        )


@rule_over(
    Estate.twilio_accounts,
    "callback-https",
    title="Status callbacks use https",
    severity=Severity.HIGH,
    remedy="the application that makes Rooms or Compositions sets the address, whose host must answer over https",
    remediation="Give every Room, Composition and Composition Hook a status callback that begins with https://.",
    controls=proposal(nist_800_53_r5=["SC-8"], iso_27001_2022=["A.8.24", "A.5.14"], gdpr=["art. 32(1)(a)"]),
    references=(_CALLBACKS,),
)
def https(account: TwilioAccount) -> Findings:
    """A callback holds who took part in a Room, the names of tracks and the place of the media, readable on the way.

    Samples in Twilio's own documentation use plain http.
    """

    def plain(callback: Callback) -> str | None:
        return (
            None
            if callback.url.lower().startswith("https://")
            else f"{_host(callback) or 'what is no URL'} without TLS"
        )

    yield from _each(account, plain, "go to", "https")
    _require_all(account)


@rule_over(
    Estate.twilio_accounts,
    "callback-present",
    title="Somebody is told of failed uploads",
    severity=Severity.LOW,
    remedy="who is to be told, a person must choose, in the application that makes Rooms",
    remediation="""
        Set a status callback when Rooms are created (`StatusCallback`), or in the Console for all Rooms, and act on
        `recording-failed`, whose FailedOperation says whether the upload failed.
    """,
    controls=proposal(nist_800_53_r5=["SI-4", "AU-5"], iso_27001_2022=["A.8.16"], soc2=["CC7.2"]),
    references=(_CALLBACKS, _ROOMS),
)
def present(account: TwilioAccount) -> Findings:
    """`recording-failed` is sent to the callback of the Room only; without one, only who looks for a failure sees it.

    Looks at the Rooms of the last 29 days, and at enabled Composition Hooks.
    """
    rooms, hooks = if_known(account.rooms), if_known(account.hooks)
    silent: list[Holder] = [room for room in (rooms.items if rooms else ()) if room.callback is None]
    silent += [h for h in (hooks.items if hooks else ()) if h.callback is None and if_known(h.enabled)]
    if silent:
        yield finding(
            f"{len(silent)} of the Rooms and Composition Hooks of {account.label} tell nobody what becomes of media",
            *(holder.sid for holder in silent[:5]),
            expected="a status callback",
            observed="none",
            discriminator=account.sid,
            evidence=tuple(place for holder in silent[:5] for place in holder.source),
        )
    need(need(account.rooms).whole)
    need(need(account.hooks).whole)
    for hook in need(account.hooks).items:
        if hook.callback is None:
            need(hook.enabled)
    if not silent and not need(account.rooms).items:
        not_applicable("the account had no Rooms in the last 29 days")


@rule_over(
    Estate.twilio_accounts,
    "callback-method",
    title="Status callbacks are sent with POST",
    severity=Severity.INFO,
    remedy="the application that makes Rooms or Compositions sets the method, and its host must take POST",
    remediation="Set `StatusCallbackMethod` to POST, which is also what Twilio does where none is set.",
    controls=proposal(nist_800_53_r5=["SC-8"], iso_27001_2022=["A.5.14"]),
    references=(_CALLBACKS,),
)
def method(account: TwilioAccount) -> Findings:
    """With GET the names of participants stand in the URL, and so in the access logs of every host on the way."""

    def other(callback: Callback) -> str | None:
        return None if callback.method in (None, "POST") else "GET" if callback.method == "GET" else "another method"

    yield from _each(account, other, "are sent with", "POST")
    _require_all(account)


@rule_over(
    Estate.twilio_accounts,
    "callback-host",
    title="Status callbacks go to known hosts",
    severity=Severity.MEDIUM,
    remedy="where callbacks are to go, a person must say",
    remediation="""
        Point the callback to a host of your own. Name the hosts in the configuration, under `callback_hosts`; `*.`
        before one stands for its subdomains.
    """,
    controls=proposal(nist_800_53_r5=["SC-7", "AC-20"], iso_27001_2022=["A.5.14"], gdpr=["art. 28"]),
    references=(_CALLBACKS,),
)
def host(account: TwilioAccount, profile: Profile) -> Findings:
    """Who receives callbacks knows who met whom and where the media lies.

    Tunnels, services that show what they are sent, and bare addresses are nobody's production host, list or no list.
    """
    doubts: set[str] = set()

    def strange(callback: Callback) -> str | None:
        name = _host(callback)
        if name is None:
            return "what is no URL"
        if _is_listed(name, profile.callback_hosts or ()):
            return None
        if profile.callback_hosts is not None or _is_address(name) or _is_passer_by(name):
            return name
        doubts.add(name)
        return None

    yield from _each(account, strange, "go to", "a host that the profile names")
    _require_all(account)
    if doubts:
        unavailable(
            Reason.UNDECIDABLE,
            f"the profile does not say which hosts are yours; callbacks go to {', '.join(sorted(doubts)[:5])}",
        )


def _is_listed(name: str, listed: Iterable[str]) -> bool:
    return any(name.endswith(entry[1:]) if entry.startswith("*.") else name == entry for entry in listed)


def _is_passer_by(name: str) -> bool:
    return any(name == service or name.endswith(f".{service}") for service in PASSERS_BY)


def _is_address(name: str) -> bool:
    """Whether a host is an IP address or this very computer, however it is written."""
    if name == "localhost" or name.rpartition(".")[2].isdecimal():
        return True  # as top level domains are no numbers, resolvers take it for an IPv4 address
    try:
        ipaddress.ip_address(name.partition("%")[0])
    except ValueError:
        return False
    return True
