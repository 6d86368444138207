"""Reading Twilio through its SDK: each way in which Twilio, the network or the SDK can mislead, over real HTTP."""

import json
import logging
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import urlsplit

import pytest
import requests

from recordscan.collect.traffic import ATTEMPTS, Traffic
from recordscan.collect.twilio_client import (
    RESOURCES,
    ReadingHttpClient,
    Refused,
    TwilioAnswer,
    TwilioReader,
    TwilioResource,
)
from recordscan.demo.twilio_server import Fault, FaultKind, Principal, TwilioAccountData, TwilioServer
from recordscan.errors import ConfigError
from recordscan.facts import Json

SID = "AC" + "a" * 32
KEY, SECRET = "SK" + "b" * 32, "made-up-secret-of-the-key"
SETTINGS, COMPOSITION_SETTINGS, RECORDINGS, COMPOSITIONS = RESOURCES[:4]
ACCOUNTS = next(resource for resource in RESOURCES if resource.name == "Accounts")
ALERTS = next(resource for resource in RESOURCES if resource.name == "Alerts")

BUCKET_URL = "https://recordings.s3.eu-west-1.amazonaws.com/media/"


def recordings(number: int) -> list[dict[str, Any]]:
    return [
        {"sid": f"RT{i:032x}", "status": "completed", "date_created": "2026-11-02T10:00:00Z"} for i in range(number)
    ]


@pytest.fixture
def twilio() -> Iterator[TwilioServer]:
    account = TwilioAccountData(
        sid=SID,
        owner_sid=SID,
        recording_settings={"account_sid": SID, "aws_storage_enabled": True, "aws_s3_url": BUCKET_URL},
        recordings=recordings(250),
        alerts=[{"sid": "NO" + "1" * 32, "error_code": "53616", "request_headers": "Authorization: Basic secret"}],
    )
    principals = [
        Principal(account_sid=SID, username=KEY, password=SECRET),
        Principal(account_sid=SID, username="SKrestricted", password=SECRET, allow=frozenset()),
    ]
    with TwilioServer([account], principals) as server:
        yield server


class Waits(list[float]):
    """Stands for time.sleep: notes how long was to be waited, and goes on at once."""

    def __call__(self, seconds: float) -> None:
        self.append(seconds)


@pytest.fixture
def waits() -> Waits:
    return Waits()


@pytest.fixture
def reader(twilio: TwilioServer, waits: Waits) -> TwilioReader:
    return reader_of(twilio.url, waits)


def reader_of(url: str, waits: Callable[[float], None], **changes: Any) -> TwilioReader:
    given = {"username": KEY, "password": SECRET, "timeout": (3.0, 5.0), **changes}
    return TwilioReader(SID, base_url=url, traffic=Traffic(sleep=waits), **given)


class Canned:
    """An HTTP server that gives the same answer to everything."""

    def __init__(self, status: int, body: bytes, headers: Mapping[str, str]) -> None:
        self.requests: list[str] = []

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, format: str, *arguments: object) -> None:
                pass

            def do_GET(handler) -> None:  # noqa: N805
                self.requests.append(handler.path)
                handler.send_response(status)
                for name, value in {"Content-Length": str(len(body)), **headers}.items():
                    handler.send_header(name, value)
                handler.end_headers()
                handler.wfile.write(body)

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05})

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def answer_to(
    resource: TwilioResource, body: Json | bytes, *, status: int = 200, headers: Mapping[str, str] | None = None
) -> TwilioAnswer:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    with Canned(status, raw, headers or {}) as server:
        return reader_of(server.url, Waits()).read(resource)


# What Twilio may be asked, and where.


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "HEAD", "post"])
def test_nothing_but_get_is_sent(twilio: TwilioServer, waits: Waits, method: str) -> None:
    client = ReadingHttpClient(twilio.url, timeout=(3, 5), traffic=Traffic(sleep=waits), account=SID)
    with pytest.raises(Refused, match="only reads"):
        client.request(method, "https://video.twilio.com/v1/RecordingSettings/Default")
    assert twilio.log == []


def test_a_get_with_a_body_is_not_sent(twilio: TwilioServer, waits: Waits) -> None:
    client = ReadingHttpClient(twilio.url, timeout=(3, 5), traffic=Traffic(sleep=waits), account=SID)
    with pytest.raises(Refused):
        client.request("GET", "https://video.twilio.com/v1/Recordings", data={"FriendlyName": "x"})
    assert twilio.log == []


@pytest.mark.parametrize(
    "url",
    [
        "http://video.twilio.com/v1/Recordings",
        "ftp://video.twilio.com/v1/Recordings",
        "https://evil.example/v1/Recordings",
        "https://video.twilio.com.evil.example/v1/Recordings",
        "https://eviltwilio.com/v1/Recordings",
        "https://twilio.com/v1/Recordings",
        "https://user:word@video.twilio.com/v1/Recordings",
        "https://video.twilio.com@evil.example/v1/Recordings",
        "https://evil.example\\@video.twilio.com/v1/Recordings",
        "https://video.twilio.com:8443/v1/Recordings",
        "https://video.twilio.com:/v1/Recordings",
        "https://video.twilio.com./v1/Recordings",
        "https://.twilio.com/v1/Recordings",
        "https://vide\u043e.twilio.com/v1/Recordings",
        "https:///v1/Recordings",
        "//video.twilio.com/v1/Recordings",
        "/v1/Recordings",
    ],
)
def test_credentials_go_to_twilio_only(waits: Waits, url: str) -> None:
    client = ReadingHttpClient(None, timeout=(0.1, 0.1), traffic=Traffic(sleep=waits), account=SID)
    with pytest.raises(Refused, match="leads away from Twilio"):
        client.request("GET", url, auth=(KEY, SECRET))


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com",
        "https://video.twilio.com",
        "http://127.0.0.1.example.com:80",
        "http://127.0.0.1@example.com",
        "http://10.0.0.1:8080",
        "http://0.0.0.0:8080",
        "ftp://127.0.0.1",
        "127.0.0.1:8080",
        "http://",
        "http://user:word@127.0.0.1:8080",
        "http://127.0.0.1\\@example.com",
        "http://127.0.0.1:99999",
        "http://127.0.0.1:8080/path?query",
    ],
)
def test_a_stand_in_is_on_this_machine_only(url: str) -> None:
    with pytest.raises(ConfigError, match="loopback address"):
        TwilioReader(SID, KEY, SECRET, base_url=url, traffic=Traffic())


@pytest.mark.parametrize("url", ["http://127.0.0.1:9", "http://localhost:9", "http://[::1]:9", "http://127.8.9.1:9"])
def test_every_loopback_address_will_do(url: str) -> None:
    assert SECRET not in repr(TwilioReader(SID, KEY, SECRET, base_url=url, traffic=Traffic()))


def test_the_sdk_never_follows_a_redirect(reader: TwilioReader, twilio: TwilioServer) -> None:
    twilio.faults["RecordingSettings"] = Fault(kind=FaultKind.REDIRECT)
    answer = reader.read(SETTINGS)
    assert (answer.outcome, answer.reason) == ("failed", "malformed")
    assert len(twilio.log) == 1


def test_a_next_page_elsewhere_gets_no_credential(reader: TwilioReader, twilio: TwilioServer) -> None:
    with Canned(200, b"{}", {}) as elsewhere:
        twilio.faults["Recordings"] = Fault(
            kind=FaultKind.FOREIGN_NEXT_PAGE, next_page=f"{elsewhere.url}/v1/Recordings"
        )
        answer = reader.read(RECORDINGS)
    assert (answer.outcome, answer.reason) == ("failed", "malformed")
    assert "leads away from Twilio" in str(answer.message)
    assert elsewhere.requests == []


def test_the_environment_does_not_move_the_sdk(
    twilio: TwilioServer, waits: Waits, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {
        "TWILIO_REGION": "ie1",
        "TWILIO_EDGE": "dublin",
        "TWILIO_ACCOUNT_SID": "AC" + "f" * 32,
        "TWILIO_AUTH_TOKEN": "a-token-of-somebody-else",
        "HTTP_PROXY": "http://127.0.0.1:9",
        "http_proxy": "http://127.0.0.1:9",
    }.items():
        monkeypatch.setenv(name, value)
    assert reader_of(twilio.url, waits).read(SETTINGS).outcome == "answered"
    assert [(r.host, r.username) for r in twilio.log] == [("video.twilio.com", KEY)]


def test_a_key_reads_the_account_that_was_named(reader: TwilioReader, twilio: TwilioServer) -> None:
    """With an API key as user name the SDK takes the key's SID for the account's unless it is told."""
    assert reader.read(ACCOUNTS).outcome == "answered"
    assert KEY not in twilio.log[-1].path


# Answers.


def test_a_setting_is_kept_as_it_came(reader: TwilioReader) -> None:
    answer = reader.read(SETTINGS)
    assert answer.outcome == "answered"
    assert answer.body == {"account_sid": SID, "aws_storage_enabled": True, "aws_s3_url": BUCKET_URL}
    assert re.fullmatch("RQ[0-9a-f]{32}", str(answer.request_id))


def test_never_configured_is_an_answer(reader: TwilioReader) -> None:
    answer = reader.read(COMPOSITION_SETTINGS)
    assert (answer.outcome, answer.http_status, answer.code) == ("absent", 404, "20404")


@pytest.mark.parametrize("body", [b"<h1>404</h1>", b"", b'{"message":"no route"}', b'{"code":1,"message":"x"}'])
def test_the_404_of_a_proxy_says_nothing_about_twilio(body: bytes) -> None:
    answer = answer_to(SETTINGS, body, status=404)
    assert (answer.outcome, answer.reason) == ("failed", "not_found")


def test_a_list_that_is_not_found_is_no_empty_list(reader: TwilioReader, twilio: TwilioServer) -> None:
    twilio.faults["Recordings"] = Fault(kind=FaultKind.NOT_FOUND)
    assert reader.read(RECORDINGS).outcome == "failed"


def test_dates_and_unknown_words_pass_through_as_text() -> None:
    """The SDK parses dates by one format and leaves others as text; the raw answer is kept instead."""
    row = {"sid": "RT1", "date_created": "2026-11-02T10:00:00.123+02:00", "status": "quantum", "codec": "AV2"}
    meta = {"key": "recordings", "next_page_url": None}
    answer = answer_to(RECORDINGS, {"recordings": [row], "meta": meta})
    assert answer.body == {"recordings": [row], "pages": 1, "truncated": False}


def test_secrets_of_answers_are_dropped_at_once(reader: TwilioReader) -> None:
    accounts, alerts = reader.read(ACCOUNTS), reader.read(ALERTS)
    assert accounts.body is not None
    assert accounts.body["accounts"][0]["sid"] == SID
    assert alerts.body is not None
    assert alerts.body["alerts"][0]["error_code"] == "53616"
    kept = json.dumps([accounts.body, alerts.body])
    for word in ("made-up-auth-token", "auth_token", "request_headers", "Basic secret"):
        assert word not in kept


# Pages.


def test_all_pages_are_walked_at_the_documented_size(reader: TwilioReader, twilio: TwilioServer) -> None:
    answer = reader.read(RECORDINGS)
    assert answer.body is not None
    assert [row["sid"] for row in answer.body["recordings"]] == [row["sid"] for row in recordings(250)]
    assert (answer.body["pages"], answer.body["truncated"]) == (3, False)
    assert [request.query["PageSize"] for request in twilio.log] == [("100",)] * 3


def test_a_page_cap_is_said(twilio: TwilioServer, waits: Waits) -> None:
    answer = reader_of(twilio.url, waits, max_pages=2).read(RECORDINGS)
    assert answer.body is not None
    assert (len(answer.body["recordings"]), answer.body["truncated"]) == (200, True)
    assert len(twilio.log) == 2


def test_rows_that_move_between_pages_count_once(reader: TwilioReader, twilio: TwilioServer) -> None:
    twilio.faults["Recordings"] = Fault(kind=FaultKind.DUPLICATES)
    answer = reader.read(RECORDINGS)
    assert answer.body is not None
    assert len(answer.body["recordings"]) == 250


def test_pages_that_go_in_circles_end(reader: TwilioReader, twilio: TwilioServer) -> None:
    twilio.faults["Recordings"] = Fault(kind=FaultKind.LOOP)
    answer = reader.read(RECORDINGS)
    assert (answer.outcome, answer.reason, answer.body) == ("failed", "malformed", None)
    assert "circles" in str(answer.message)
    assert len(twilio.log) <= 3


META: dict[str, Json] = {"key": "recordings", "next_page_url": None}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b'"text"',
        b"<!doctype html><title>Sign in</title>",
        b'{"recordings": [{"sid": "RT1"',
        b"[" * 50_000,
        b'{"recordings":[],"meta":' + b"[" * 50_000,
        {},
        {"meta": META},
        {"recordings": None, "meta": META},
        {"recordings": {"sid": "RT1"}, "meta": META},
        {"recordings": ["RT1"], "meta": META},
        {"recordings": [None], "meta": META},
        {"recordings": [{}], "meta": META},
        {"recordings": [{"sid": None}], "meta": META},
        {"recordings": [{"sid": 7}], "meta": META},
        {"recordings": []},
        {"recordings": [], "meta": None},
        {"recordings": [], "meta": []},
        {"recordings": [], "meta": {"key": "recordings"}},
        {"recordings": [], "meta": {"key": "rooms", "next_page_url": None}},
        {"rooms": [], "meta": {"key": "rooms", "next_page_url": None}},
    ],
    ids=lambda body: repr(body)[:40],
)
def test_an_answer_of_another_shape_is_no_empty_list(body: Json | bytes) -> None:
    answer = answer_to(RECORDINGS, body)
    assert (answer.outcome, answer.reason, answer.body) == ("failed", "malformed", None)


@pytest.mark.parametrize("body", [b"", b"null", b"[]", b"7", b"<html>", b'{"aws_storage_enabled": tr', b"[" * 50_000])
def test_an_answer_of_another_shape_is_no_setting(body: bytes) -> None:
    answer = answer_to(SETTINGS, body)
    assert (answer.outcome, answer.reason, answer.body) == ("failed", "malformed", None)


def test_an_answer_of_another_account_is_no_answer_of_this_one() -> None:
    # RecordingSettings/Default is that of the credential's account, whatever account the client was made for.
    body: Json = {"account_sid": "AC" + "e" * 32, "aws_storage_enabled": True}
    answer = answer_to(SETTINGS, body)
    assert (answer.outcome, answer.reason, answer.body) == ("failed", "malformed", None)
    assert "another account" in (answer.message or "")
    listed = answer_to(RECORDINGS, {"recordings": [{"sid": "RT1", "account_sid": ["AC"]}], "meta": META})
    assert (listed.outcome, listed.body) == ("failed", None)


def test_a_setting_without_its_switch_is_no_setting() -> None:
    answer = answer_to(SETTINGS, {"account_sid": SID})
    assert (answer.outcome, answer.reason, answer.body) == ("failed", "malformed", None)


def test_an_answer_nested_out_of_all_reason_is_refused() -> None:
    deep: Json = True
    for _ in range(100):
        deep = [deep]
    answer = answer_to(SETTINGS, {"account_sid": SID, "aws_storage_enabled": deep})
    assert (answer.outcome, answer.reason, answer.body) == ("failed", "malformed", None)


def test_a_body_that_breaks_off_is_no_answer(waits: Waits) -> None:
    with Canned(200, b'{"aws_storage_enabled": true}', {"Content-Length": "4000", "Connection": "close"}) as server:
        answer = reader_of(server.url, waits).read(SETTINGS)
    assert (answer.outcome, answer.reason) == ("failed", "failed")
    assert answer.attempts == ATTEMPTS


# Errors.


@pytest.mark.parametrize("resource", [SETTINGS, RECORDINGS, ACCOUNTS], ids=lambda resource: resource.name)
@pytest.mark.parametrize(
    ("kind", "status", "code", "reason"),
    [
        (FaultKind.UNAUTHENTICATED, 401, "20003", "unauthenticated"),
        (FaultKind.NO_PERMISSION, 401, "70051", "access_denied"),
        (FaultKind.SUSPENDED, 403, "20403", "access_denied"),
        (FaultKind.RFC_9457, 403, "20403", "access_denied"),
        (FaultKind.THROTTLED, 429, "20429", "throttled"),
        (FaultKind.INTERNAL_ERROR, 500, "20500", "failed"),
        (FaultKind.UNAVAILABLE, 503, "20503", "failed"),
    ],
)
def test_errors_keep_code_and_status(
    reader: TwilioReader,
    twilio: TwilioServer,
    resource: TwilioResource,
    kind: FaultKind,
    status: int,
    code: str,
    reason: str,
) -> None:
    """The SDK raises other classes for a list, for a single resource and for RFC 9457, most without the code."""
    twilio.faults[resource.name] = Fault(kind=kind)
    answer = reader.read(resource)
    assert (answer.outcome, answer.http_status, answer.code, answer.reason) == ("failed", status, code, reason)
    assert answer.message
    assert "\x1b" not in answer.message
    assert answer.attempts == (ATTEMPTS if status == 429 or status >= 500 else 1)


def test_a_restricted_key_is_denied_and_asked_once(twilio: TwilioServer, waits: Waits) -> None:
    answer = reader_of(twilio.url, waits, username="SKrestricted").read(SETTINGS)
    assert (answer.outcome, answer.code, answer.reason) == ("failed", "70051", "access_denied")
    assert (len(twilio.log), waits) == (1, [])


@pytest.mark.parametrize(
    "kind", [FaultKind.THROTTLED, FaultKind.INTERNAL_ERROR, FaultKind.UNAVAILABLE, FaultKind.RESET]
)
@pytest.mark.parametrize("resource", [SETTINGS, RECORDINGS], ids=lambda resource: resource.name)
def test_what_passes_is_asked_again(
    reader: TwilioReader, twilio: TwilioServer, waits: Waits, kind: FaultKind, resource: TwilioResource
) -> None:
    """The SDK's own retries leave out 429 and 5xx."""
    twilio.faults[resource.name] = Fault(kind=kind, times=ATTEMPTS - 1)
    answer = reader.read(resource)
    assert (answer.outcome, answer.attempts) == ("answered", ATTEMPTS)
    # A list's next pages wait as well, where the one before was throttled.
    assert len(waits) == ATTEMPTS - 1 or kind is FaultKind.THROTTLED
    assert len(waits) >= ATTEMPTS - 1
    assert all(0 <= wait <= 30 for wait in waits)


@pytest.mark.parametrize(("asked", "waited"), [("7", 7.0), ("0", 0.0), ("86400", 30.0)])
def test_retry_after_is_honoured_within_reason(
    reader: TwilioReader, twilio: TwilioServer, waits: Waits, asked: str, waited: float
) -> None:
    twilio.faults["RecordingSettings"] = Fault(kind=FaultKind.THROTTLED, times=1, retry_after=asked)
    assert reader.read(SETTINGS).outcome == "answered"
    assert waits[0] >= waited - 0.001
    assert max(waits) <= 30


@pytest.mark.parametrize("asked", ["soon", "-5", "1e9", "²", "Wed, 21 Oct 2026 07:28:00 GMT", ""])
def test_an_unusable_retry_after_does_no_harm(
    reader: TwilioReader, twilio: TwilioServer, waits: Waits, asked: str
) -> None:
    twilio.faults["RecordingSettings"] = Fault(
        kind=FaultKind.THROTTLED, times=1, retry_after=asked.encode().decode("latin-1")
    )
    assert reader.read(SETTINGS).outcome == "answered"
    assert len(waits) == 1
    assert 0 <= waits[0] <= 30


def test_a_slow_answer_runs_into_the_time_limit(twilio: TwilioServer, waits: Waits) -> None:
    """Left alone the SDK waits for ever."""
    twilio.faults["RecordingSettings"] = Fault(kind=FaultKind.SLOW, seconds=1.0, times=ATTEMPTS)
    answer = reader_of(twilio.url, waits, timeout=(0.5, 0.05)).read(SETTINGS)
    assert (answer.outcome, answer.reason, answer.message) == ("failed", "failed", "no answer came in time")
    assert answer.attempts == ATTEMPTS


def test_nobody_answers(unused_port: int, waits: Waits) -> None:
    answer = reader_of(f"http://127.0.0.1:{unused_port}", waits).read(RECORDINGS)
    assert (answer.outcome, answer.reason, answer.message) == ("failed", "failed", "the connection failed")
    assert answer.http_status is None


def test_the_answer_before_does_not_speak_for_one_that_failed(reader: TwilioReader, twilio: TwilioServer) -> None:
    assert reader.read(SETTINGS).outcome == "answered"
    twilio.faults["Recordings"] = Fault(kind=FaultKind.RESET)
    answer = reader.read(RECORDINGS)
    assert (answer.outcome, answer.http_status, answer.request_id) == ("failed", None, None)


# Threads and logs.


def test_many_threads_read_through_one_reader(reader: TwilioReader) -> None:
    """The SDK keeps its last request and answer on a shared object; each thread has a client of its own."""
    wanted = [SETTINGS, RECORDINGS, ACCOUNTS, ALERTS, COMPOSITIONS] * 6
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(reader.read, wanted))
    for resource, answer in zip(wanted, answers, strict=True):
        assert answer.outcome == "answered"
        assert answer.body is not None
        assert (resource.member or "aws_s3_url") in answer.body


def test_no_log_holds_the_secret(reader: TwilioReader, twilio: TwilioServer, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    twilio.faults["Recordings"] = Fault(kind=FaultKind.UNAUTHENTICATED)
    reader.read(RECORDINGS)
    reader.read(ACCOUNTS)
    for word in (SECRET, "made-up-auth-token", requests.auth._basic_auth_str(KEY, SECRET)):
        assert word not in caplog.text


def test_every_resource_is_asked_at_its_own_address(reader: TwilioReader, twilio: TwilioServer) -> None:
    named = {
        "twilio:ListTranscriptions": {"room": "RM" + "1" * 32},
        "twilio:FetchKey": {"key": KEY},
        "twilio:ListDailyUsage": {"of": SID},
        "twilio:ListVoiceRecordings": {"of": SID},
    }
    for resource in RESOURCES:
        reader.read(resource, **named.get(resource.operation, {}))
    assert {(urlsplit(f"https://{r.host}").hostname, r.path) for r in twilio.log if r.resource != "Recordings"} == {
        ("video.twilio.com", "/v1/RecordingSettings/Default"),
        ("video.twilio.com", "/v1/CompositionSettings/Default"),
        ("video.twilio.com", "/v1/Compositions"),
        ("video.twilio.com", "/v1/CompositionHooks"),
        ("accounts.twilio.com", "/v1/Credentials/AWS"),
        ("accounts.twilio.com", "/v1/Credentials/PublicKeys"),
        ("api.twilio.com", "/2010-04-01/Accounts.json"),
        ("monitor.twilio.com", "/v1/Alerts"),
        ("monitor.twilio.com", "/v1/Events"),
        ("video.twilio.com", "/v1/Rooms"),
        ("video.twilio.com", f"/v1/Rooms/RM{'1' * 32}/Transcriptions"),
        ("iam.twilio.com", "/v1/Keys"),
        ("iam.twilio.com", f"/v1/Keys/{KEY}"),
        ("api.twilio.com", f"/2010-04-01/Accounts/{SID}/Usage/Records/Daily.json"),
        ("api.twilio.com", f"/2010-04-01/Accounts/{SID}/Recordings.json"),
    }
    assert twilio.writes == 0


def resource_of(operation: str) -> TwilioResource:
    return next(resource for resource in RESOURCES if resource.operation == operation)


@pytest.mark.parametrize("sid", ["../../v1/Recordings", "SK", "SK" + "b" * 32 + "/..", "", "sk" + "b" * 32])
def test_what_is_no_sid_gets_into_no_path(reader: TwilioReader, twilio: TwilioServer, sid: str) -> None:
    answer = reader.read(resource_of("twilio:FetchKey"), key=sid)
    assert (answer.outcome, answer.code) == ("failed", "refused")
    assert twilio.log == []


def test_a_key_without_a_policy_is_not_taken_for_one_whose_policy_is_null() -> None:
    answer = answer_to_key({"sid": KEY, "friendly_name": "audit"})
    assert (answer.outcome, answer.reason) == ("failed", "malformed")
    standard = answer_to_key({"sid": KEY, "policy": None})
    assert standard.body == {"sid": KEY, "policy": None}


def answer_to_key(body: Json) -> TwilioAnswer:
    with Canned(200, json.dumps(body).encode(), {}) as server:
        return reader_of(server.url, Waits()).read(resource_of("twilio:FetchKey"), key=KEY)


def test_days_of_usage_have_no_sid_and_are_told_apart_by_their_date(waits: Waits) -> None:
    days = [{"category": "c", "start_date": f"2026-11-{day:02}", "usage": "0", "account_sid": SID} for day in (1, 2)]
    with TwilioServer(
        [TwilioAccountData(sid=SID, owner_sid=SID, usage=days)],
        [Principal(account_sid=SID, username=KEY, password=SECRET)],
    ) as server:
        answer = reader_of(server.url, waits).read(resource_of("twilio:ListDailyUsage"), of=SID, category="c")
    assert answer.body == {"usage_records": days, "pages": 1, "truncated": False}


def test_usage_of_another_account_than_the_one_asked_for_is_refused(waits: Waits) -> None:
    days = [{"category": "c", "start_date": "2026-11-01", "usage": "0", "account_sid": SID}]
    other = "AC" + "c" * 32
    child = TwilioAccountData(sid=other, owner_sid=SID, usage=days)
    with TwilioServer(
        [TwilioAccountData(sid=SID, owner_sid=SID), child],
        [Principal(account_sid=SID, username=KEY, password=SECRET)],
    ) as server:
        answer = reader_of(server.url, waits).read(resource_of("twilio:ListDailyUsage"), of=other, category="c")
    assert (answer.outcome, answer.code) == ("failed", "refused")


def test_of_recordings_of_calls_one_page_is_read(waits: Waits) -> None:
    rows = [{"sid": f"RE{i:032x}", "account_sid": SID} for i in range(150)]
    with TwilioServer(
        [TwilioAccountData(sid=SID, owner_sid=SID, voice_recordings=rows)],
        [Principal(account_sid=SID, username=KEY, password=SECRET)],
    ) as server:
        answer = reader_of(server.url, waits).read(resource_of("twilio:ListVoiceRecordings"), of=SID)
    assert answer.body is not None
    assert (len(answer.body["recordings"]), answer.body["truncated"]) == (100, True)
