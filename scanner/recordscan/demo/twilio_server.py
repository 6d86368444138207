"""An embedded Twilio on a free loopback port: the resources that recordscan reads, and ways to make them fail.

    with TwilioServer(accounts, principals) as twilio:
        twilio.faults["RecordingSettings"] = Fault(kind=FaultKind.HTML)

The host that a request means (`video.twilio.com`, …) stands in the header X-Recordscan-Twilio-Host. Every method but
GET is counted, and refused unless the server is made writable, so that remedies can be tried.
"""

import base64
import json
import re
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qs, urlencode, urlsplit

HOST_HEADER = "X-Recordscan-Twilio-Host"

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class TwilioAccountData:
    """What one account holds; rows and settings as the API shows them, a setting of None as never configured (404).

    `keys` have their `policy`, which the list of keys does not show; `usage` has the days of all categories.
    """

    sid: str
    owner_sid: str
    friendly_name: str = "account"
    status: str = "active"
    auth_token: str = "made-up-auth-token"  # noqa: S105 - of no account; it stands in answers, so that a leak is seen
    recording_settings: Row | None = None
    composition_settings: Row | None = None
    recordings: Sequence[Row] = ()
    compositions: Sequence[Row] = ()
    hooks: Sequence[Row] = ()
    aws_credentials: Sequence[Row] = ()
    public_keys: Sequence[Row] = ()
    alerts: Sequence[Row] = ()
    rooms: Sequence[Row] = ()
    transcriptions: Sequence[Row] = ()
    keys: Sequence[Row] = ()
    events: Sequence[Row] = ()
    usage: Sequence[Row] = ()
    voice_recordings: Sequence[Row] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """Who may ask: an Auth Token (user name is the account SID) or an API key, restricted where `allow` is given."""

    account_sid: str
    username: str
    password: str
    allow: frozenset[str] | None = None


class FaultKind(StrEnum):
    """What goes wrong with a resource."""

    UNAUTHENTICATED = "unauthenticated"
    NO_PERMISSION = "no permission"
    SUSPENDED = "suspended"
    NOT_FOUND = "not found"
    THROTTLED = "throttled"
    INTERNAL_ERROR = "internal error"
    UNAVAILABLE = "unavailable"
    RFC_9457 = "rfc 9457"
    SLOW = "slow"
    RESET = "connection reset"
    BROKEN_JSON = "broken json"
    HTML = "html"
    EMPTY = "empty"
    REDIRECT = "redirect"
    LOOP = "page loop"
    FOREIGN_NEXT_PAGE = "foreign next page"
    NO_ROWS = "no rows"
    DUPLICATES = "duplicates"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """A fault of a resource.

    Attributes:
        kind: What goes wrong.
        times: Requests that it hits before the resource recovers; None for every request.
        retry_after: Value of the Retry-After header of a throttled answer.
        seconds: Delay of a slow answer.
        next_page: Where a foreign next page lies.
    """

    kind: FaultKind
    times: int | None = None
    retry_after: str | None = None
    seconds: float = 1.0
    next_page: str = "https://evil.example/v1/Recordings?Page=1"


@dataclass(frozen=True, slots=True, kw_only=True)
class TwilioRequest:
    """One request that came in."""

    method: str
    host: str
    path: str
    query: Mapping[str, tuple[str, ...]]
    username: str
    resource: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Resource:
    name: str
    host: str
    path: re.Pattern[str]
    member: str | None
    permission: str | None
    page_size: int = 1000


def _at(path: str) -> re.Pattern[str]:
    return re.compile(path + r"\Z")


_RESOURCES = (
    _Resource(
        name="RecordingSettings",
        host="video",
        path=_at("/v1/RecordingSettings/Default"),
        member=None,
        permission="/twilio/video/recordings.recording-settings/read",
    ),
    _Resource(
        name="CompositionSettings",
        host="video",
        path=_at("/v1/CompositionSettings/Default"),
        member=None,
        permission="/twilio/video/compositions.composition-settings/read",
    ),
    _Resource(
        name="Recordings",
        host="video",
        path=_at("/v1/Recordings"),
        member="recordings",
        permission="/twilio/video/recordings/list",
        page_size=100,
    ),
    _Resource(
        name="Compositions",
        host="video",
        path=_at("/v1/Compositions"),
        member="compositions",
        permission="/twilio/video/compositions/list",
        page_size=100,
    ),
    _Resource(
        name="CompositionHooks",
        host="video",
        path=_at("/v1/CompositionHooks"),
        member="composition_hooks",
        permission="/twilio/video/compositions.composition-hooks/list",
    ),
    _Resource(
        name="AwsCredentials",
        host="accounts",
        path=_at("/v1/Credentials/AWS"),
        member="credentials",
        permission=None,
    ),
    _Resource(
        name="PublicKeys",
        host="accounts",
        path=_at("/v1/Credentials/PublicKeys"),
        member="credentials",
        permission="/twilio/iam/public-keys/list",
    ),
    _Resource(
        name="Accounts",
        host="api",
        path=_at(r"/2010-04-01/Accounts\.json"),
        member="accounts",
        permission="/twilio/iam/accounts/list",
    ),
    _Resource(
        name="Alerts",
        host="monitor",
        path=_at("/v1/Alerts"),
        member="alerts",
        permission="/twilio/monitor/alerts/list",
    ),
    _Resource(name="Rooms", host="video", path=_at("/v1/Rooms"), member="rooms", permission="/twilio/video/rooms/list"),
    _Resource(
        name="Transcriptions",
        host="video",
        path=_at(r"/v1/Rooms/(?P<room>RM[0-9a-f]{32})/Transcriptions"),
        member="transcriptions",
        permission="/twilio/video/rooms.transcriptions/list",
    ),
    _Resource(name="Keys", host="iam", path=_at("/v1/Keys"), member="keys", permission="/twilio/iam/api-keys/list"),
    _Resource(
        name="Key",
        host="iam",
        path=_at(r"/v1/Keys/(?P<key>SK[0-9a-f]{32})"),
        member=None,
        permission="/twilio/iam/api-keys/read",
    ),
    _Resource(
        name="Events",
        host="monitor",
        path=_at("/v1/Events"),
        member="events",
        permission="/twilio/monitor/events/list",
    ),
    _Resource(
        name="Usage",
        host="api",
        path=_at(r"/2010-04-01/Accounts/(?P<account>AC[0-9a-f]{32})/Usage/Records/Daily\.json"),
        member="usage_records",
        permission="/twilio/billing/usage/read",
    ),
    _Resource(
        name="VoiceRecordings",
        host="api",
        path=_at(r"/2010-04-01/Accounts/(?P<account>AC[0-9a-f]{32})/Recordings\.json"),
        member="recordings",
        permission="/twilio/voice/recordings/list",
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Reply:
    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


class TwilioServer:
    """Twilio for the accounts given.

    Attributes:
        faults: Resource name (`RecordingSettings`, `Recordings`, …) to what goes wrong with it.
        log: Every request since the start or the last `heal`, in the order of their arrival.
        peak: Most requests that were under way at once.
        writable: Whether settings, hooks and names of credentials can be changed by POST.
    """

    def __init__(self, accounts: Sequence[TwilioAccountData], principals: Sequence[Principal]) -> None:
        self.faults: dict[str, Fault] = {}
        self.log: list[TwilioRequest] = []
        self.peak = 0
        self.writable = False
        self._accounts = {account.sid: account for account in accounts}
        self._principals = {(principal.username, principal.password): principal for principal in principals}
        self._hits: dict[str, int] = {}
        self._under_way = 0
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler_for(self))
        self._server.daemon_threads = True
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, name="embedded-twilio", daemon=True
        )

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self._server.server_port}"

    @property
    def writes(self) -> int:
        """How many requests were anything but GET."""
        return sum(request.method != "GET" for request in self.log)

    def account(self, sid: str) -> TwilioAccountData:
        """What an account holds now."""
        return self._accounts[sid]

    def set_account(self, account: TwilioAccountData) -> None:
        """Replace what an account holds."""
        self._accounts[account.sid] = account

    def heal(self) -> None:
        """Lift all faults and forget the requests; the accounts stay as they are."""
        with self._lock:
            self.faults, self.log, self._hits, self.peak = {}, [], {}, 0

    def answer(self, method: str, target: str, headers: Mapping[str, str], body: bytes = b"") -> _Reply | None:
        """The answer to one request; None to drop the connection."""
        url = urlsplit(target)
        query = {name: tuple(values) for name, values in parse_qs(url.query, keep_blank_values=True).items()}
        host = headers.get(HOST_HEADER, "")
        username, password = _credentials(headers.get("Authorization", ""))
        resource = next((r for r in _RESOURCES if host == f"{r.host}.twilio.com" and r.path.match(url.path)), None)
        name = resource.name if resource is not None else "unknown"
        request = TwilioRequest(method=method, host=host, path=url.path, query=query, username=username, resource=name)
        with self._lock:
            self.log.append(request)
            self._under_way += 1
            self.peak = max(self.peak, self._under_way)
            fault = self._fault_of(name)
        try:
            if method != "GET" and not (method == "POST" and self.writable):
                return _error(405, 20004, "Method not allowed")
            principal = self._principals.get((username, password))
            if principal is None or principal.account_sid not in self._accounts:
                return _error(401, 20003, "Authenticate")
            if method == "POST":
                return self._change(principal.account_sid, host, url.path, body)
            if resource is None:
                return _NOT_FOUND
            return self._serve(resource, principal, url.path, query, fault)
        finally:
            with self._lock:
                self._under_way -= 1

    def _change(self, sid: str, host: str, path: str, body: bytes) -> _Reply:
        """Replace a setting, or members of a row; https://www.twilio.com/docs/video/api/external-s3-recordings."""
        form = parse_qs(body.decode(), keep_blank_values=True)
        changed = {_snake(name): _member(name, values) for name, values in form.items()}
        account = self._accounts[sid]
        if not changed.get("friendly_name"):
            return _error(400, 20001, "Missing required parameter FriendlyName in the post body")
        setting = _WRITABLE_SETTINGS.get((host, path))
        if setting is not None:
            unset = {"aws_credentials_sid": None, "aws_s3_url": None, "encryption_key_sid": None}
            flags = {"aws_storage_enabled": False, "encryption_enabled": False}
            row = {**(getattr(account, setting) or {"account_sid": sid}), **unset, **flags, **changed}
            self._accounts[sid] = _with(account, setting, row)
            return _json(200, row)
        folder, _, row_sid = path.rpartition("/")
        rows = _WRITABLE_ROWS.get((host, folder))
        if rows is None or not any(row["sid"] == row_sid for row in getattr(account, rows)):
            return _NOT_FOUND
        kept = [{**row, **changed} if row["sid"] == row_sid else row for row in getattr(account, rows)]
        self._accounts[sid] = _with(account, rows, kept)
        return _json(200, next(row for row in kept if row["sid"] == row_sid))

    def _fault_of(self, name: str) -> Fault | None:
        fault = self.faults.get(name)
        if fault is None:
            return None
        self._hits[name] = self._hits.get(name, 0) + 1
        return fault if fault.times is None or self._hits[name] <= fault.times else None

    def _serve(
        self,
        resource: _Resource,
        principal: Principal,
        path: str,
        query: Mapping[str, tuple[str, ...]],
        fault: Fault | None,
    ) -> _Reply | None:
        if principal.allow is not None and resource.permission not in principal.allow:
            return _error(401, 70051, "The API key does not have the permission for this resource")
        if fault is not None:
            if fault.kind is FaultKind.RESET:
                return None
            if fault.kind is FaultKind.SLOW:
                time.sleep(fault.seconds)
            elif fault.kind in _REPLIES:
                return _REPLIES[fault.kind](fault)
        match = resource.path.match(path)
        named = match.groupdict() if match else {}
        if resource.member is None:
            row = self._single(resource, principal.account_sid, named)
            return _NOT_FOUND if row is None else _json(200, row)
        # v2010 lets a parent read its subaccounts; the other hosts act on the authenticating account only.
        account = self._accounts.get(named.get("account", principal.account_sid))
        if account is None or principal.account_sid not in (account.sid, account.owner_sid):
            return _NOT_FOUND
        rows = self._rows(resource, account, named, query)
        return _json(200, _page(resource, path, rows, query, fault))

    def _single(self, resource: _Resource, sid: str, named: Mapping[str, str]) -> Row | None:
        account = self._accounts[sid]
        if resource.name == "Key":
            return next((row for row in account.keys if row["sid"] == named["key"]), None)
        return account.recording_settings if resource.name == "RecordingSettings" else account.composition_settings

    def _rows(
        self,
        resource: _Resource,
        account: TwilioAccountData,
        named: Mapping[str, str],
        query: Mapping[str, tuple[str, ...]],
    ) -> Sequence[Row]:
        if resource.name == "Accounts":
            family = [a for a in self._accounts.values() if account.sid in (a.sid, a.owner_sid)]
            return [_account_row(member) for member in family]
        if resource.name == "Keys":
            return [{name: value for name, value in row.items() if name != "policy"} for row in account.keys]
        if resource.name == "Transcriptions":
            return [row for row in account.transcriptions if row.get("room_sid") == named["room"]]
        rows: Sequence[Row] = {
            "Recordings": account.recordings,
            "Compositions": account.compositions,
            "CompositionHooks": account.hooks,
            "AwsCredentials": account.aws_credentials,
            "PublicKeys": account.public_keys,
            "Alerts": account.alerts,
            "Rooms": account.rooms,
            "Events": account.events,
            "Usage": account.usage,
            "VoiceRecordings": account.voice_recordings,
        }[resource.name]
        if resource.name == "Recordings" and "Status" not in query:
            rows = [row for row in rows if row.get("status") != "deleted"]
        for parameter, matches in _FILTERS.items():
            if parameter in query:
                rows = [row for row in rows if matches(row, query[parameter][0])]
        return rows


_FILTERS: Mapping[str, Callable[[Row, str], bool]] = {
    "Status": lambda row, value: row.get("status") == value,
    "Enabled": lambda row, value: str(row.get("enabled")).lower() == value.lower(),
    "EventType": lambda row, value: row.get("event_type") == value,
    "Category": lambda row, value: row.get("category") == value,
    "DateCreatedAfter": lambda row, value: str(row.get("date_created", "")) >= value,
    "StartDate": lambda row, value: _dated(row) >= value,
}
"""Parameters of lists, and whether a row meets one."""


def _dated(row: Row) -> str:
    return str(row.get("date_generated") or row.get("event_date") or row.get("start_date") or "")


def _page(
    resource: _Resource,
    path: str,
    rows: Sequence[Row],
    query: Mapping[str, tuple[str, ...]],
    fault: Fault | None,
) -> dict[str, Any]:
    size = min(int(query.get("PageSize", ("50",))[0]), resource.page_size)
    start = int(query.get("PageToken", ("PT0",))[0].removeprefix("PT"))
    shown = list(rows[start : start + size])
    kind = fault.kind if fault is not None else None
    following: str | None = None
    if start + size < len(rows) or kind is FaultKind.LOOP:
        token = "PT0" if kind is FaultKind.LOOP else f"PT{start + size}"
        kept = {name: values[0] for name, values in query.items() if name not in ("Page", "PageToken")}
        following = urlencode({**kept, "PageSize": size, "Page": start // size + 1, "PageToken": token})
    if kind is FaultKind.DUPLICATES and shown:
        shown.append(shown[0])
    if resource.host == "api":
        following = f"{path}?{following}" if following else None
        return {
            str(resource.member): shown,
            "page": start // size,
            "page_size": size,
            "next_page_uri": following,
            "uri": path,
        }
    url = f"https://{resource.host}.twilio.com{path}"
    following = f"{url}?{following}" if following else None
    if kind is FaultKind.FOREIGN_NEXT_PAGE and fault is not None:
        following = fault.next_page
    meta = {
        "key": resource.member,
        "page": start // size,
        "page_size": size,
        "url": url,
        "next_page_url": following,
    }
    return {"meta": meta} if kind is FaultKind.NO_ROWS else {str(resource.member): shown, "meta": meta}


_WRITABLE_SETTINGS = {
    ("video.twilio.com", "/v1/RecordingSettings/Default"): "recording_settings",
    ("video.twilio.com", "/v1/CompositionSettings/Default"): "composition_settings",
}
_WRITABLE_ROWS = {
    ("video.twilio.com", "/v1/CompositionHooks"): "hooks",
    ("accounts.twilio.com", "/v1/Credentials/AWS"): "aws_credentials",
    ("accounts.twilio.com", "/v1/Credentials/PublicKeys"): "public_keys",
}


def _with(account: TwilioAccountData, member: str, value: Any) -> TwilioAccountData:
    changes: dict[str, Any] = {member: value}
    return replace(account, **changes)


def _snake(parameter: str) -> str:
    """`AwsS3Url` → `aws_s3_url`."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", parameter).lower()


def _member(name: str, values: Sequence[str]) -> Any:
    if name in ("AudioSources", "AudioSourcesExcluded"):
        return list(values)
    if name == "VideoLayout":
        return json.loads(values[0])
    return {"true": True, "false": False}.get(values[0], values[0])


def _account_row(account: TwilioAccountData) -> dict[str, Any]:
    return {
        "sid": account.sid,
        "owner_account_sid": account.owner_sid,
        "friendly_name": account.friendly_name,
        "status": account.status,
        "type": "Full",
        "auth_token": account.auth_token,
        "subresource_uris": {},
        "date_created": "Thu, 30 Jul 2020 20:00:00 +0000",
    }


def _credentials(header: str) -> tuple[str, str]:
    scheme, _, encoded = header.partition(" ")
    try:
        username, _, password = base64.b64decode(encoded).decode().partition(":")
    except ValueError:
        return "", ""
    return (username, password) if scheme == "Basic" else ("", "")


def _json(status: int, value: Any, **headers: str) -> _Reply:
    body = json.dumps(value).encode()
    return _Reply(status=status, body=body, headers={"Content-Type": "application/json", **headers})


def _error(status: int, code: int, message: str) -> _Reply:
    url = f"https://www.twilio.com/docs/errors/{code}"
    return _json(status, {"code": code, "message": message, "more_info": url, "status": status})


_NOT_FOUND = _error(404, 20404, "The requested resource was not found")


def _throttled(fault: Fault) -> _Reply:
    reply = _error(429, 20429, "Too many requests")
    more = {} if fault.retry_after is None else {"Retry-After": fault.retry_after}
    return _Reply(status=429, body=reply.body, headers={**reply.headers, **more})


def _plain(status: int, body: bytes, **headers: str) -> _Reply:
    return _Reply(status=status, body=body, headers=headers)


_REPLIES: Mapping[FaultKind, Callable[[Fault], _Reply]] = {
    FaultKind.UNAUTHENTICATED: lambda _: _error(401, 20003, "Authenticate"),
    FaultKind.NO_PERMISSION: lambda _: _error(401, 70051, "The API key does not have the permission"),
    FaultKind.SUSPENDED: lambda _: _error(403, 20403, "Account suspended"),
    FaultKind.NOT_FOUND: lambda _: _NOT_FOUND,
    FaultKind.THROTTLED: _throttled,
    FaultKind.INTERNAL_ERROR: lambda _: _error(500, 20500, "Internal server error"),
    FaultKind.UNAVAILABLE: lambda _: _error(503, 20503, "Service unavailable"),
    FaultKind.RFC_9457: lambda _: _json(
        403, {"type": "about:blank", "title": "Forbidden", "status": 403, "code": 20403, "detail": "Account suspended"}
    ),
    FaultKind.BROKEN_JSON: lambda _: _plain(200, b'{"aws_storage_enabled": tr'),
    FaultKind.HTML: lambda _: _plain(200, b"<!doctype html><title>Sign in</title><h1>Please sign in</h1>"),
    FaultKind.EMPTY: lambda _: _plain(200, b""),
    FaultKind.REDIRECT: lambda _: _plain(307, b"", Location="https://evil.example/"),
}


def _handler_for(server: TwilioServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, format: str, *arguments: object) -> None:  # stderr belongs to the scan
            pass

        def _answer(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = self.rfile.read(length)
            reply = server.answer(self.command, self.path, dict(self.headers), body)
            if reply is None:
                self.close_connection = True
                return
            try:
                self.send_response(reply.status)
                headers = {
                    "Twilio-Request-Id": f"RQ{len(server.log):032x}",
                    "Twilio-Concurrent-Requests": "1",
                    "Content-Length": str(len(reply.body)),
                    **reply.headers,
                }
                for name, value in headers.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(reply.body)
            except ConnectionError:
                self.close_connection = True  # whoever asked has lost patience

        do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = do_HEAD = _answer  # noqa: N815

    return Handler
