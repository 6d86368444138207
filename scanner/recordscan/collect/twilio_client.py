"""Reading Twilio through its SDK: GET only, to twilio.com only, with timeouts, retries and the raw answers.

The SDK puts together URLs, authentication and paging; its objects are not used, as evidence is what the server sent.
Source of the API's shapes: https://www.twilio.com/docs/usage/twilios-response and
https://www.twilio.com/docs/usage/requests-to-twilio.
"""

import ipaddress
import json
import logging
import re
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import urlsplit, urlunsplit

import requests
from twilio.base.exceptions import TwilioException
from twilio.http import HttpClient
from twilio.http.response import Response
from twilio.rest import Client

from recordscan.collect.call import ENDPOINT_DOWN, retry_after
from recordscan.collect.traffic import EndpointDown, Traffic, Trouble, TroubleKind
from recordscan.errors import ConfigError
from recordscan.facts import Json

ProblemReason = Literal[
    "access_denied", "unauthenticated", "not_found", "throttled", "unreachable", "malformed", "failed"
]

HOST_HEADER = "X-Recordscan-Twilio-Host"
"""Tells a stand-in which of Twilio's hosts is meant."""

CONNECT_SECONDS, READ_SECONDS = 5, 20
_TEXT, _CODE = 300, 40
_DEPTH = 32
"""Levels of an answer, several times those that the API documents; what reads it later need not fear recursion."""

_TWILIO_HOST = re.compile(r"([a-z0-9-]+\.)+twilio\.com\Z")
"""Of the whole authority: what else stands there, parsers read in different ways."""
_SID = re.compile(r"[A-Z]{2}[0-9a-fA-F]{32}\Z")
_STAND_IN = re.compile(r"https?://(?P<host>localhost|[0-9.]+|\[[0-9a-f:]+\])(:(?P<port>[0-9]{1,5}))?/?\Z")
"""The whole URL, for the same reason."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TwilioResource:
    """One resource of the API.

    Attributes:
        name: Short name, such as `RecordingSettings`.
        operation: Name of its observations, such as `twilio:FetchRecordingSettings`.
        path: Where the SDK has it, below the client; `rooms(room)` takes the part of the query that is named so.
        member: Member of a list answer that holds the rows; None for a single resource.
        row_key: Members of a row that tell it from others.
        page_size: Rows a page, at most what the API documents.
        max_pages: Pages after which the walk stops; None for the reader's own limit.
        permission: Permission of a restricted API key; None where none exists.
        dropped: Members that are removed before the answer is kept, as they hold secrets or personal data.
        absent_on_404: A 404 is the definitive answer "never configured".
        requires: Members that every good answer has.
        own: Every row is of the account asked for, which is the credential's own where the query names none.
    """

    name: str
    operation: str
    path: str
    member: str | None = None
    row_key: tuple[str, ...] = ("sid",)
    page_size: int = 1000
    max_pages: int | None = None
    permission: str | None = None
    dropped: tuple[str, ...] = ()
    absent_on_404: bool = False
    requires: tuple[str, ...] = ()
    own: bool = False


RESOURCES = (
    TwilioResource(
        name="RecordingSettings",
        operation="twilio:FetchRecordingSettings",
        path="video.v1.recording_settings",
        permission="/twilio/video/recordings.recording-settings/read",
        absent_on_404=True,
        requires=("aws_storage_enabled",),
        own=True,
    ),
    TwilioResource(
        name="CompositionSettings",
        operation="twilio:FetchCompositionSettings",
        path="video.v1.composition_settings",
        permission="/twilio/video/compositions.composition-settings/read",
        absent_on_404=True,
        requires=("aws_storage_enabled",),
        own=True,
    ),
    TwilioResource(
        name="Recordings",
        operation="twilio:ListRecordings",
        path="video.v1.recordings",
        member="recordings",
        page_size=100,
        permission="/twilio/video/recordings/list",
        own=True,
    ),
    TwilioResource(
        name="Compositions",
        operation="twilio:ListCompositions",
        path="video.v1.compositions",
        member="compositions",
        page_size=100,
        permission="/twilio/video/compositions/list",
        own=True,
    ),
    TwilioResource(
        name="CompositionHooks",
        operation="twilio:ListCompositionHooks",
        path="video.v1.composition_hooks",
        member="composition_hooks",
        permission="/twilio/video/compositions.composition-hooks/list",
        own=True,
    ),
    TwilioResource(
        name="AwsCredentials",
        operation="twilio:ListAwsCredentials",
        path="accounts.v1.credentials.aws",
        member="credentials",
    ),
    TwilioResource(
        name="PublicKeys",
        operation="twilio:ListPublicKeys",
        path="accounts.v1.credentials.public_key",
        member="credentials",
        permission="/twilio/iam/public-keys/list",
    ),
    TwilioResource(
        name="Accounts",
        operation="twilio:ListAccounts",
        path="api.v2010.accounts",
        member="accounts",
        permission="/twilio/iam/accounts/list",
        dropped=("auth_token", "subresource_uris"),
    ),
    TwilioResource(
        name="Alerts",
        operation="twilio:ListAlerts",
        path="monitor.v1.alerts",
        member="alerts",
        permission="/twilio/monitor/alerts/list",
        dropped=("request_headers", "request_variables", "response_headers", "response_body"),
    ),
    TwilioResource(
        name="Rooms",
        operation="twilio:ListRooms",
        path="video.v1.rooms",
        member="rooms",
        permission="/twilio/video/rooms/list",
        own=True,
    ),
    TwilioResource(
        name="Transcriptions",
        operation="twilio:ListTranscriptions",
        path="video.v1.rooms(room).transcriptions",
        member="transcriptions",
        row_key=("ttid",),
        permission="/twilio/video/rooms.transcriptions/list",
        dropped=("configuration",),
        own=True,
    ),
    TwilioResource(
        name="Keys",
        operation="twilio:ListKeys",
        path="iam.v1.get_api_keys",
        member="keys",
        permission="/twilio/iam/api-keys/list",
    ),
    TwilioResource(
        name="Key",
        operation="twilio:FetchKey",
        path="iam.v1.api_key(key)",
        permission="/twilio/iam/api-keys/read",
        requires=("sid", "policy"),
    ),
    TwilioResource(
        name="Events",
        operation="twilio:ListEvents",
        path="monitor.v1.events",
        member="events",
        permission="/twilio/monitor/events/list",
        dropped=("event_data", "description"),
        own=True,
    ),
    TwilioResource(
        name="Usage",
        operation="twilio:ListDailyUsage",
        path="api.v2010.accounts(of).usage.records.daily",
        member="usage_records",
        row_key=("category", "start_date"),
        permission="/twilio/billing/usage/read",
        dropped=("subresource_uris",),
        own=True,
    ),
    TwilioResource(
        name="VoiceRecordings",
        operation="twilio:ListVoiceRecordings",
        path="api.v2010.accounts(of).recordings",
        member="recordings",
        page_size=100,
        max_pages=1,
        permission="/twilio/voice/recordings/list",
        dropped=("encryption_details", "subresource_uris"),
        own=True,
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class TwilioAnswer:
    """How reading one resource ended.

    Attributes:
        outcome: answered, absent (never configured) or failed.
        body: JSON of the answer less dropped members; of a list `{member: rows, "pages": n, "truncated": bool}`.
        code: Twilio's error code, or a word for what went wrong on the way.
        message: One sentence, free of secrets.
        http_status: Of the last answer; None where none came.
        reason: Why it failed.
        attempts: Requests of the page that took the most; 0 where none was sent.
        request_id: Twilio's own id of the last request.
    """

    outcome: Literal["answered", "absent", "failed"]
    body: dict[str, Json] | None = None
    code: str | None = None
    message: str | None = None
    http_status: int | None = None
    reason: ProblemReason | None = None
    attempts: int = 1
    request_id: str | None = None


class Refused(Exception):
    """A request that recordscan does not send, or an answer that it does not accept."""


class ReadingHttpClient(HttpClient):  # type: ignore[misc]
    """HTTP for the SDK: sends GET to *.twilio.com and nothing else, and keeps the raw answer of the last request.

    Attributes:
        last: Answer to the last request.
        attempts: Greatest number of attempts since `reset`.
    """

    def __init__(self, base_url: str | None, *, timeout: tuple[float, float], traffic: Traffic, account: str) -> None:
        # The SDK's constructor compares a timeout with 0, which a pair of numbers does not survive.
        super().__init__(logging.getLogger("recordscan.twilio"), is_async=False)
        self._base = urlsplit(base_url) if base_url else None
        self._timeout = timeout
        self._traffic = traffic
        self._account = account
        self._session = requests.Session()
        # A stand-in on this machine is reached directly, whatever proxies and .netrc say.
        self._session.trust_env = base_url is None
        self.last: requests.Response | None = None
        self.attempts = 0

    def reset(self) -> None:
        """Begin a new count."""
        self.last, self.attempts = None, 0

    def request(
        self,
        method: str,
        url: str,
        params: Mapping[str, object] | None = None,
        data: object = None,
        headers: Mapping[str, str] | None = None,
        auth: tuple[str, str] | None = None,
        timeout: float | None = None,  # noqa: ARG002 - the SDK passes it; ours holds
        allow_redirects: bool = False,  # noqa: ARG002 - never
    ) -> Response:
        """Send one GET, again after 429, 5xx and broken connections, and never follow a redirect.

        Raises:
            Refused: Another method, or a URL that is not of Twilio.
            EndpointDown: Nothing was sent, as Twilio did not answer before.
            requests.RequestException: No answer came.
            Stopped: The scan is over.
        """
        if method.upper() != "GET" or data:
            raise Refused(f"recordscan only reads: {method} is refused")
        parts = urlsplit(url)
        host = parts.hostname or ""
        if parts.scheme != "https" or not _TWILIO_HOST.match(parts.netloc):
            raise Refused(f"the answer leads away from Twilio, to {parts.scheme}://{host}"[:_TEXT])
        kept = {name: value for name, value in (headers or {}).items() if name.lower() != "content-type"}
        scheme, authority = parts.scheme, parts.netloc
        if self._base is not None:
            scheme, authority = self._base.scheme, self._base.netloc
            kept[HOST_HEADER] = host
        url = urlunsplit((scheme, authority, parts.path, parts.query, ""))
        response = self._send(host, url, params, kept, auth)
        self.last = response
        return Response(response.status_code, response.text, response.headers)

    def _send(
        self,
        host: str,
        url: str,
        params: Mapping[str, object] | None,
        headers: Mapping[str, str],
        auth: tuple[str, str] | None,
    ) -> requests.Response:
        given = {name: str(value) for name, value in (params or {}).items() if value is not None}

        def attempt() -> tuple[requests.Response | requests.RequestException, Trouble | None]:
            try:
                response = self._session.get(
                    url, params=given, headers=headers, auth=auth, timeout=self._timeout, allow_redirects=False
                )
            except requests.RequestException as error:
                return error, Trouble(TroubleKind.SILENT)
            return response, _trouble(response)

        # Twilio limits requests by account, and its hosts are products that fail one by one.
        sent = self._traffic.send(f"{host} {self._account}", attempt)
        self.attempts = max(self.attempts, sent.attempts)
        if isinstance(sent.result, requests.RequestException):
            raise sent.result
        return sent.result


class TwilioReader:
    """Reads one account's resources. Safe to call from many threads: each call has an SDK client to itself."""

    def __init__(
        self,
        account_sid: str,
        username: str,
        password: str,
        *,
        base_url: str | None = None,
        max_pages: int = 200,
        timeout: tuple[float, float] = (CONNECT_SECONDS, READ_SECONDS),
        traffic: Traffic,
    ) -> None:
        """Prepare to read; nothing is sent.

        Args:
            account_sid: `AC…`.
            username: The same, or an API key SID.
            password: Auth Token or API key secret.
            base_url: Stand-in for Twilio; loopback addresses only.
            max_pages: Pages of a list after which the walk stops.
            timeout: Seconds to connect and to wait for an answer.
            traffic: Sends the requests, again where need be.

        Raises:
            ConfigError: `base_url` is no URL of a loopback address.
        """
        if base_url is not None:
            require_loopback(base_url)
        self._account_sid = account_sid
        self._username = username
        self._password = password
        self._base_url = base_url
        self._max_pages = max_pages
        self._timeout = timeout
        self._traffic = traffic
        self._idle: deque[tuple[ReadingHttpClient, Any]] = deque()

    def __repr__(self) -> str:
        return f"TwilioReader({self._account_sid!r})"

    def read(self, resource: TwilioResource, **query: Json) -> TwilioAnswer:
        """Read one resource, all pages of it. Never raises for what Twilio or the network does."""
        with self._client() as (http, client):
            return self._read(resource, http, client, query)

    def _read(
        self, resource: TwilioResource, http: ReadingHttpClient, client: Any, query: Mapping[str, Json]
    ) -> TwilioAnswer:
        http.reset()
        try:
            target, rest = _descend(client, resource.path, query)
            body = self._walk(resource, http, target, rest) if resource.member else _single(resource, http, target)
            self._require_own(resource, body, query)
            body = _without(body, resource.dropped)
        except Refused as error:
            return _failed(http, code="refused", message=str(error), reason="malformed")
        except EndpointDown:
            http.last = None
            message = "the host did not answer the requests before this one, which was not sent"
            return _failed(http, code=ENDPOINT_DOWN, message=message, reason="unreachable")
        except requests.RequestException as error:
            message = "no answer came in time" if isinstance(error, requests.Timeout) else "the connection failed"
            return _failed(http, code=type(error).__name__, message=message, reason="failed")
        except (TwilioException, ValueError, TypeError, KeyError, AttributeError, RecursionError):
            # Any of these comes of an error status or a body of unexpected shape or depth; the raw answer tells.
            return _problem(resource, http)
        return TwilioAnswer(
            outcome="answered",
            body=body,
            http_status=200,
            attempts=http.attempts,
            request_id=_request_id(http),
        )

    def _walk(
        self, resource: TwilioResource, http: ReadingHttpClient, target: Any, query: Mapping[str, Json]
    ) -> dict[str, Json]:
        member = resource.member or ""
        rows: dict[str, Json] = {}
        seen: set[str] = set()
        page = target.page(page_size=resource.page_size, **query)
        limit = min(self._max_pages, resource.max_pages or self._max_pages)
        for number in range(1, limit + 1):
            body = _body(http)
            if not isinstance(body.get(member), list):
                raise Refused(f"a page of the list has no {member}")
            before = len(rows)
            for row in body[member]:
                key = [row[name] for name in resource.row_key]
                if not all(isinstance(part, str) for part in key):
                    raise Refused("a row of the list has no SID")
                # Rows move between pages while a list is walked; the same row is not counted twice.
                rows.setdefault("/".join(key), row)
            if "next_page_url" not in body.get("meta", ()) and "next_page_uri" not in body:
                raise Refused("a page of the list does not say whether another follows")
            following = page.next_page_url
            if not following:
                return {member: list(rows.values()), "pages": number, "truncated": False}
            if following in seen or (body[member] and len(rows) == before):
                raise Refused("the list's pages go in circles")
            seen.add(following)
            if number < limit:
                page = target.get_page(following)
        return {member: list(rows.values()), "pages": limit, "truncated": True}

    def _require_own(self, resource: TwilioResource, body: dict[str, Json], query: Mapping[str, Json]) -> None:
        """See that the answer is of the account asked for, as Twilio answers for that of the credential."""
        rows = body[resource.member] if resource.member else [body]
        asked = query.get("of", self._account_sid)
        for row in rows if resource.own else ():
            if row.get("account_sid") not in (asked, None):
                raise Refused(f"the credential is one of another account, {row['account_sid']}"[:_TEXT])

    @contextmanager
    def _client(self) -> Iterator[tuple[ReadingHttpClient, Any]]:
        """A client that nobody else uses meanwhile, with the connections that it has open."""
        try:
            pair = self._idle.pop()
        except IndexError:
            http = ReadingHttpClient(
                self._base_url, timeout=self._timeout, traffic=self._traffic, account=self._account_sid
            )
            # A non-empty environment: an empty one makes the SDK read TWILIO_REGION and others from the process.
            environment = {"recordscan": "1"}
            pair = (
                http,
                Client(self._username, self._password, self._account_sid, http_client=http, environment=environment),
            )
        try:
            yield pair
        finally:
            self._idle.append(pair)


def require_loopback(url: str) -> None:
    """See that a stand-in's URL is one of this machine, so that credentials cannot be sent elsewhere.

    Raises:
        ConfigError: It is not.
    """
    parts = _STAND_IN.match(url)
    try:
        host = parts["host"].strip("[]") if parts else ""
        usable = host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        usable = False
    if parts is None or not usable or int(parts["port"] or 80) > 65_535:
        raise ConfigError(
            "RECORDSCAN_TWILIO_URL must be an http URL of a loopback address, such as http://127.0.0.1:8080"
        )


def _descend(client: Any, path: str, query: Mapping[str, Json]) -> tuple[Any, dict[str, Json]]:
    """The SDK's object at a path, and what of the query its steps did not take."""
    target, rest = client, dict(query)
    for step in path.split("."):
        name, _, taken = step.rstrip(")").partition("(")
        target = getattr(target, name)
        if taken:
            # It becomes part of the path, and comes from an answer.
            sid = str(rest.pop(taken))
            if not _SID.match(sid):
                raise Refused("a list has a row whose SID is none")
            target = target(sid)
    return target, rest


def _single(resource: TwilioResource, http: ReadingHttpClient, target: Any) -> dict[str, Json]:
    (target if resource.path.endswith(")") else target()).fetch()
    if http.last is not None and http.last.status_code != 200:
        # The SDK takes a redirect for an answer.
        raise Refused("the answer is none of those that the API documents")
    body = _body(http)
    for name in resource.requires:
        if name not in body:
            raise Refused(f"the answer has no {name}")
    return body


def _body(http: ReadingHttpClient) -> dict[str, Json]:
    body = json.loads(http.last.text) if http.last is not None else None
    if not isinstance(body, dict):
        raise Refused("the answer is no JSON object")
    return body


def _problem(resource: TwilioResource, http: ReadingHttpClient) -> TwilioAnswer:
    """What the raw answer says about a read that the SDK could not finish."""
    status = http.last.status_code if http.last is not None else None
    if status is None:
        return _failed(http, code="no answer", message="no answer came", reason="failed")
    if status < 400:
        return _failed(http, code="unusable", message="the answer is not what the API documents", reason="malformed")
    code, message = _error_of(http)
    if status == 404:
        # Only Twilio itself can say that there is nothing; a proxy's 404 says nothing about Twilio.
        definitive = resource.absent_on_404 and code == "20404"
        outcome: Literal["absent", "failed"] = "absent" if definitive else "failed"
        return _failed(http, code=code, message=message, reason="not_found", outcome=outcome)
    return _failed(http, code=code, message=message, reason=_reason(status, code))


def _reason(status: int, code: str) -> ProblemReason:
    if status == 401 and code != "70051":
        return "unauthenticated"
    if status in (401, 403):
        return "access_denied"
    return "throttled" if status == 429 else "failed"


def _error_of(http: ReadingHttpClient) -> tuple[str, str]:
    """Code and message of an error answer, in Twilio's own form or that of RFC 9457."""
    status = http.last.status_code if http.last is not None else 0
    try:
        body = _body(http)
    except (ValueError, Refused, RecursionError):
        return str(status), "the answer is no JSON"
    text = body.get("message") or body.get("detail") or body.get("title") or "no message"
    return str(body.get("code") or status)[:_CODE], str(text)[:_TEXT]


def _failed(
    http: ReadingHttpClient,
    *,
    code: str,
    message: str,
    reason: ProblemReason,
    outcome: Literal["absent", "failed"] = "failed",
) -> TwilioAnswer:
    return TwilioAnswer(
        outcome=outcome,
        code=code,
        message=message,
        http_status=http.last.status_code if http.last is not None else None,
        reason=reason,
        attempts=http.attempts,
        request_id=_request_id(http),
    )


def _request_id(http: ReadingHttpClient) -> str | None:
    return http.last.headers.get("Twilio-Request-Id") if http.last is not None else None


def _without(value: Json, names: tuple[str, ...], depth: int = _DEPTH) -> Json:
    """The value less members of these names, at any level."""
    if not depth:
        raise Refused("the answer is nested deeper than any that the API documents")
    if isinstance(value, dict):
        return {name: _without(member, names, depth - 1) for name, member in value.items() if name not in names}
    if isinstance(value, list):
        return [_without(member, names, depth - 1) for member in value]
    return value


def _trouble(response: requests.Response) -> Trouble | None:
    asked = retry_after(response.headers)
    if response.status_code == 429:
        return Trouble(TroubleKind.THROTTLED, asked)
    return Trouble(TroubleKind.FAILED, asked) if response.status_code >= 500 else None
