"""An embedded AWS on a free loopback port: moto's HTTP server, completed and made to fail on demand.

    with AwsServer() as aws:
        aws.client("s3").create_bucket(Bucket="recordings")
        aws.deny.add("s3:GetBucketPolicy")

Moto keeps one state for the whole process, so only one server at a time can hold an estate.
"""

import io
import logging
import os
import threading
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urlsplit, urlunsplit

from recordscan.demo import aws_state
from recordscan.demo.aws_faults import Fault, Reply, access_denied, faulty_reply
from recordscan.demo.aws_gaps import Gaps, denied_bucket
from recordscan.demo.aws_requests import AwsRequest, read_request
from recordscan.errors import ConfigError, RecordscanError

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment
    from werkzeug.serving import BaseWSGIServer

EVERY_OPERATION = "*"
"""Stands for every operation in `deny` and `faults`."""

_SEED = 20_260_401


class AwsServer:
    """An AWS account, 123456789012, behind one URL.

    Attributes:
        deny: Operations that are answered with access denied, such as `s3:GetBucketPolicy`.
        faults: Operations that fail in another way.
        requests: Every request since the start or the last `reset`, in the order of their arrival.
    """

    def __init__(self) -> None:
        self.deny: set[str] = set()
        self.faults: dict[str, Fault] = {}
        self.requests: list[AwsRequest] = []
        self._hits: dict[str, int] = {}
        self._clients: dict[tuple[str, str, str], Any] = {}
        self._gaps = Gaps()
        self._lock = threading.Lock()
        self._server: BaseWSGIServer | None = None
        self._thread: threading.Thread | None = None
        self._moto: WSGIApplication | None = None
        self._environment: dict[str, str] = {}

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def url(self) -> str:
        """Endpoint URL for every service."""
        if self._server is None:
            raise RecordscanError("the embedded AWS is not running")
        return f"http://127.0.0.1:{self._server.server_port}"

    def start(self) -> None:
        """Serve an empty account.

        Raises:
            RecordscanError: The `[demo]` extra is not installed.
        """
        try:
            from moto.moto_server.werkzeug_app import (
                DomainDispatcherApplication,
                MotoRequestHandler,
                create_backend_app,
            )
            from werkzeug.serving import make_server
        except ImportError as error:
            raise ConfigError(
                "the demonstration needs the demo extra; install it with: pip install 'recordscan[demo]'"
            ) from error
        logging.getLogger("werkzeug").setLevel(logging.CRITICAL)
        self._environment = _forget_aws()
        self._moto = DomainDispatcherApplication(create_backend_app)
        self.reset()
        self._server = make_server("127.0.0.1", 0, self._serve, threaded=True, request_handler=MotoRequestHandler)
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, name="embedded-aws", daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        """Stop serving; does nothing when it does not run."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
        if self._thread is not None:
            self._thread.join()
        for client in self._clients.values():
            client.close()
        self._clients = {}
        self._server = self._thread = None
        os.environ.update(self._environment)
        self._environment = {}

    def reset(self) -> None:
        """Empty the account, and forget requests, denials and faults."""
        aws_state.reset(_SEED)
        with self._lock:
            self.deny, self.faults, self.requests = set(), {}, []
            self._hits, self._gaps = {}, Gaps()

    def client(self, service: str, region: str = "eu-west-1") -> Any:
        """A boto3 client with made-up credentials that can reach nothing but this server."""
        key = (self.url, service, region)
        if key not in self._clients:
            self._clients[key] = loopback_client(*key)
        return self._clients[key]

    def heal(self) -> None:
        """Lift all denials and faults, and forget the requests; the account stays as it is."""
        with self._lock:
            self.deny, self.faults, self.requests, self._hits = set(), {}, [], {}

    def operations(self) -> list[str]:
        """The operations of all requests, in the order of their arrival."""
        with self._lock:
            return [request.operation for request in self.requests]

    def add_foreign_bucket(self, name: str, region: str) -> None:
        """Let a bucket exist in another AWS account."""
        self._gaps.foreign[name] = region

    def add_event(self, record: Mapping[str, Any], region: str) -> None:
        """Add a CloudTrail record to the event history of a Region.

        Needs `eventID`, `eventName` and `eventTime` (such as 2026-01-31T09:30:00Z); see
        https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html
        """
        self._gaps.add_event(record, region)

    def set_trails_delivered(self, when: datetime) -> None:
        """Set when the trails that log last delivered."""
        self._gaps.delivered = when

    def _serve(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        body = _read_body(environ)
        request = read_request(environ, body)
        with self._lock:
            self.requests.append(request)
            fault = self._fault_of(request)
        reply = self._answer(environ, request, body)
        if fault is not None:
            reply = faulty_reply(fault, request, environ, reply)
        start_response(f"{reply.status} ", _with_length(request, reply))
        return [] if request.method == "HEAD" else [reply.body]

    def _fault_of(self, request: AwsRequest) -> Fault | None:
        """The fault that hits this request, counting it; call with the lock held."""
        name = request.operation if request.operation in self.faults else EVERY_OPERATION
        fault = self.faults.get(name)
        if fault is None:
            return None
        self._hits[name] = self._hits.get(name, 0) + 1
        return fault if fault.times is None or self._hits[name] <= fault.times else None

    def _answer(self, environ: "WSGIEnvironment", request: AwsRequest, body: bytes) -> Reply:
        if self.deny & {request.operation, EVERY_OPERATION}:
            region = None if request.bucket is None else aws_state.bucket_region(request.bucket)
            return denied_bucket(request, region) if request.service == "s3" else access_denied(request)
        return self._gaps.answer(request) or self._gaps.amend(request, body, self._ask_moto(environ))

    def _ask_moto(self, environ: "WSGIEnvironment") -> Reply:
        if self._moto is None:
            raise RecordscanError("the embedded AWS is not running")
        return _call(self._moto, environ)


def _forget_aws() -> dict[str, str]:
    """Take what the user has set for AWS out of this process's environment, and give it back to be restored.

    Moto opens sessions of its own, which a profile that does not exist, for one, would break.
    """
    names = [name for name in os.environ if name.startswith("AWS_")]
    return {name: os.environ.pop(name) for name in names}


def loopback_client(url: str, service: str, region: str) -> Any:
    """A boto3 client with made-up credentials for an embedded AWS."""
    import boto3
    from botocore.config import Config

    session = boto3.session.Session(
        aws_access_key_id="AKIAIOSFODNN7EXAMPLE",
        aws_secret_access_key="wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",  # noqa: S106  # the one of AWS's own examples
        region_name=region,
    )
    config = Config(inject_host_prefix=False, retries={"max_attempts": 1, "mode": "standard"}, proxies={})
    create: Callable[..., Any] = session.client
    client = create(service, endpoint_url=url, config=config)
    if service == "s3control":
        client.meta.events.register("before-call.s3-control", _drop_account_host)
    return client


def _drop_account_host(params: dict[str, Any], **_: Any) -> None:
    """S3 Control's endpoint rules put the account id before any host name, even before an IP address."""
    url = urlsplit(params["url"])
    account, _dot, host = url.netloc.partition(".")
    if account.isdigit() and len(account) == 12:
        params["url"] = urlunsplit(url._replace(netloc=host))


def _read_body(environ: "WSGIEnvironment") -> bytes:
    """Take the body off the stream, and put it back for moto."""
    length = environ.get("CONTENT_LENGTH")
    chunked = "chunked" in environ.get("HTTP_TRANSFER_ENCODING", "").lower()
    stream = environ["wsgi.input"]
    body: bytes = stream.read() if chunked else stream.read(int(length or 0))
    environ["wsgi.input"] = io.BytesIO(body)
    return body


def _call(app: "WSGIApplication", environ: "WSGIEnvironment") -> Reply:
    """Run a WSGI application to its end."""
    from werkzeug.test import run_wsgi_app

    chunks, status, headers = run_wsgi_app(app, environ, buffered=True)
    pairs = tuple((str(name), str(value)) for name, value in headers.items())
    return Reply(status=int(status.split()[0]), headers=pairs, body=b"".join(chunks))


def _with_length(request: AwsRequest, reply: Reply) -> list[tuple[str, str]]:
    headers = list(reply.headers)
    if not any(name.lower() == "content-length" for name, _ in headers) and request.method != "HEAD":
        headers.append(("Content-Length", str(len(reply.body))))
    return headers
