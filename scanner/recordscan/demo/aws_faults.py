"""Errors as AWS words them in each of its protocols, and the ways in which a connection goes wrong.

Shapes: https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html,
https://docs.aws.amazon.com/IAM/latest/APIReference/CommonErrors.html,
https://docs.aws.amazon.com/kms/latest/APIReference/CommonErrors.html.
"""

import json
import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from xml.sax.saxutils import escape

from recordscan.demo.aws_requests import AwsRequest

REQUEST_ID = "00000000-0000-4000-8000-000000000000"

Headers = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """An HTTP answer; `headers` without Content-Length unless the body is not as long as it says."""

    status: int
    headers: Headers = ()
    body: bytes = b""


class FaultKind(StrEnum):
    """What goes wrong with a request."""

    THROTTLED = "throttled"
    INTERNAL_ERROR = "internal error"
    UNAVAILABLE = "unavailable"
    RESET = "connection reset"
    SLOW = "slow"
    TRUNCATED = "truncated"
    HTML = "html"
    EXPIRED_TOKEN = "expired token"  # noqa: S105  # a kind of fault, not a secret
    UNKNOWN_ACCESS_KEY = "unknown access key"
    WRONG_SIGNATURE = "wrong signature"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """A fault of an operation.

    Attributes:
        kind: What goes wrong.
        times: Requests that it hits before the operation recovers; None for every request.
        seconds: Delay of a slow answer.
    """

    kind: FaultKind
    times: int | None = None
    seconds: float = 1.0


_Spelling = tuple[int, str]  # status and code

_SPELLINGS: Mapping[FaultKind, Mapping[str, _Spelling]] = {
    FaultKind.THROTTLED: {
        "rest-xml": (503, "SlowDown"),
        "query": (400, "Throttling"),
        "json": (400, "ThrottlingException"),
    },
    FaultKind.INTERNAL_ERROR: {
        "rest-xml": (500, "InternalError"),
        "query": (500, "InternalFailure"),
        "json": (500, "InternalFailure"),
    },
    FaultKind.UNAVAILABLE: {
        "rest-xml": (503, "ServiceUnavailable"),
        "query": (503, "ServiceUnavailable"),
        "json": (503, "ServiceUnavailableException"),
    },
    FaultKind.EXPIRED_TOKEN: {
        "rest-xml": (400, "ExpiredToken"),
        "query": (403, "ExpiredToken"),
        "json": (400, "ExpiredTokenException"),
    },
    FaultKind.UNKNOWN_ACCESS_KEY: {
        "rest-xml": (403, "InvalidAccessKeyId"),
        "query": (403, "InvalidClientTokenId"),
        "json": (400, "UnrecognizedClientException"),
    },
    FaultKind.WRONG_SIGNATURE: {
        "rest-xml": (403, "SignatureDoesNotMatch"),
        "query": (403, "SignatureDoesNotMatch"),
        "json": (400, "InvalidSignatureException"),
    },
}

_ACCESS_DENIED: Mapping[str, _Spelling] = {
    "rest-xml": (403, "AccessDenied"),
    "query": (403, "AccessDenied"),
    "json": (400, "AccessDeniedException"),
    "rest-json": (403, "AccessDeniedException"),
}


def access_denied(request: AwsRequest) -> Reply:
    """The answer to a caller that lacks the permission."""
    status, code = _ACCESS_DENIED.get(request.protocol, _ACCESS_DENIED["rest-json"])
    return error_reply(
        request, status, code, f"User is not authorized to perform: {request.operation} because no policy allows it"
    )


def error_reply(request: AwsRequest, status: int, code: str, message: str) -> Reply:
    """An error in the shape of the request's protocol; answers to HEAD have no body."""
    if request.protocol in ("rest-xml", "query"):
        body = _xml_error(request, code, message).encode()
        headers: Headers = (("Content-Type", "text/xml"), ("x-amzn-RequestId", REQUEST_ID))
    else:
        body = json.dumps({"__type": code, "message": message}).encode()
        headers = (
            ("Content-Type", "application/x-amz-json-1.1"),
            ("x-amzn-RequestId", REQUEST_ID),
            ("x-amzn-ErrorType", code),
        )
    return Reply(status=status, headers=headers, body=b"" if request.method == "HEAD" else body)


def _xml_error(request: AwsRequest, code: str, message: str) -> str:
    inner = f"<Code>{escape(code)}</Code><Message>{escape(message)}</Message>"
    if request.service == "s3":
        error = f"<Error>{inner}<RequestId>{REQUEST_ID}</RequestId><HostId>host</HostId></Error>"
    else:
        error = (
            f"<ErrorResponse><Error><Type>Sender</Type>{inner}</Error>"
            f"<RequestId>{REQUEST_ID}</RequestId></ErrorResponse>"
        )
    return f'<?xml version="1.0" encoding="UTF-8"?>{error}'


def faulty_reply(fault: Fault, request: AwsRequest, environ: Mapping[str, Any], sound: Reply) -> Reply:
    """What is sent instead of the sound answer.

    Raises:
        ConnectionResetError: For a connection that breaks before the answer; the HTTP server drops it.
    """
    match fault.kind:
        case FaultKind.RESET:
            connection: socket.socket = environ["werkzeug.socket"]
            connection.shutdown(socket.SHUT_RDWR)
            raise ConnectionResetError(f"{request.operation} is set to break its connection")
        case FaultKind.SLOW:
            time.sleep(fault.seconds)
            return sound
        case FaultKind.TRUNCATED:
            whole = sound.body or b"<Answer/>"
            headers = _without_length(sound.headers)
            return Reply(
                status=sound.status,
                headers=(*headers, ("Content-Length", str(len(whole)))),
                body=whole[: len(whole) // 2],
            )
        case FaultKind.HTML:
            return Reply(
                status=200,
                headers=(("Content-Type", "text/html"),),
                body=b"<!doctype html><title>Sign in</title><h1>Please sign in to this network</h1>",
            )
        case (
            FaultKind.THROTTLED
            | FaultKind.INTERNAL_ERROR
            | FaultKind.UNAVAILABLE
            | FaultKind.EXPIRED_TOKEN
            | FaultKind.UNKNOWN_ACCESS_KEY
            | FaultKind.WRONG_SIGNATURE
        ):
            spellings = _SPELLINGS[fault.kind]
            status, code = spellings.get(request.protocol, spellings["json"])
            return error_reply(request, status, code, f"This request is set to fail: {fault.kind.value}")


def _without_length(headers: Headers) -> Headers:
    return tuple((name, value) for name, value in headers if name.lower() != "content-length")
