"""Calls: read operations as data, and the only place where an AWS error becomes an answer.

A table of `Call`s drives the requests, the scanner's own least-privilege policy, the "missing permission" column of the
coverage and the guard that lets no other operation through.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from recordscan.facts import Json, Reason
from recordscan.observation import Observation, ObservationError, ObservationOutcome

DENIED = frozenset(
    {
        "AccessDenied",
        "AccessDeniedException",
        "AllAccessDisabled",
        "AuthorizationError",
        "Forbidden",
        "MethodNotAllowed",  # GetBucketPolicy from outside the owner account
        "UnauthorizedOperation",
        "UnauthorizedAccess",
    }
)
NOT_FOUND = frozenset({"NoSuchBucket", "NoSuchEntity", "NotFoundException", "ResourceNotFoundException"})
THROTTLED = frozenset(
    {
        "BandwidthLimitExceeded",
        "RequestLimitExceeded",
        "RequestThrottled",
        "RequestThrottledException",
        "SlowDown",
        "Throttling",
        "ThrottledException",
        "ThrottlingException",
        "TooManyRequestsException",
    }
)
UNAUTHENTICATED = frozenset(
    {
        "AuthFailure",
        "ExpiredToken",
        "ExpiredTokenException",
        "IncompleteSignature",
        "InvalidAccessKeyId",
        "InvalidClientTokenId",
        "InvalidToken",
        "MissingAuthenticationToken",
        "RequestExpired",
        "SignatureDoesNotMatch",
        "TokenRefreshRequired",
        "UnrecognizedClientException",
    }
)

UNUSABLE = "UnusableAnswer"
"""Our own code for a 200 that is not AWS's, such as a proxy's page."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pages:
    """How a list operation pages.

    Attributes:
        send: Member of the request that takes the token.
        receive: Member of the answer that gives it.
        members: Lists of the answer that are joined over the pages.
        limit: Pages after which the walk stops; None for the scan's own limit.
    """

    send: str
    receive: str
    members: tuple[str, ...]
    limit: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One read operation of AWS.

    Attributes:
        operation: `service:ApiName`, which observations are known by.
        service: boto3 client.
        method: Its method.
        permission: IAM action that the caller needs; None where none is needed.
        purpose: What it is asked for, for the documentation.
        absent: Error codes that are no error but the definitive answer "there is none".
        absent_where: The same, where only the message tells: code, and what the message says.
        statuses: HTTP statuses of errors that are themselves the answer, as of HeadBucket.
        pages: For list operations.
        regional: The answer depends on the Region asked.
        requires: Members that every good answer has.
        keep: Makes of an answer what is kept of it; None to keep all.
    """

    operation: str
    service: str
    method: str
    permission: str | None
    purpose: str
    absent: frozenset[str] = field(default=frozenset())
    absent_where: tuple[tuple[str, str], ...] = ()
    statuses: frozenset[int] = field(default=frozenset())
    pages: Pages | None = None
    regional: bool = False
    requires: tuple[str, ...] = ()
    keep: Callable[[Json], Json] | None = None


def perform(
    call: Call,
    client: Callable[[], Any],
    request: Mapping[str, Json],
    *,
    account: str | None,
    region: str | None,
    max_pages: int,
    now: Callable[[], datetime],
) -> Observation:
    """Send one call, with all its pages, and observe how it ends. Never raises for what AWS or the network does.

    Args:
        call: What to ask.
        client: Gives the boto3 client of the call's service; building it may fail like the call itself.
        request: Parameters.
        account: Account id on whose behalf.
        region: Region asked; None unless the call is regional.
        max_pages: Pages after which a list is cut (`truncated` in the answer).
        now: Clock.
    """
    from botocore.exceptions import BotoCoreError, ClientError
    from botocore.parsers import ResponseParserError

    answer: Json = None
    error: ObservationError | None = None
    attempts, request_id = 1, None
    try:
        send = _checked(call, getattr(client(), call.method))
        raw = send(**request) if call.pages is None else _walk(call.pages, send, request, max_pages)
        metadata = raw.pop("ResponseMetadata", {})
        attempts, request_id = metadata.get("RetryAttempts", 0) + 1, metadata.get("RequestId")
        answer = _head(metadata) if call.statuses else to_json(raw)
        answer = call.keep(answer) if call.keep is not None else answer
        outcome = ObservationOutcome.ANSWERED
    except ClientError as caught:
        metadata = caught.response.get("ResponseMetadata", {})
        attempts, request_id = metadata.get("RetryAttempts", 0) + 1, metadata.get("RequestId")
        error = _client_error(caught.response)
        outcome = ObservationOutcome.ABSENT if _says_absent(call, error) else ObservationOutcome.FAILED
        if error.http_status in call.statuses:
            answer, error, outcome = _head(metadata), None, ObservationOutcome.ANSWERED
    except _UnusableError as caught:
        error = ObservationError(code=UNUSABLE, message=str(caught), http_status=200, reason=Reason.MALFORMED)
        outcome = ObservationOutcome.FAILED
    except (
        BotoCoreError,
        ResponseParserError,
        ValueError,
    ) as caught:  # ValueError: a Region from an answer that makes no valid host name
        error = _transport_error(caught)
        outcome = ObservationOutcome.FAILED
    return Observation(
        operation=call.operation,
        account=account,
        region=region,
        request=dict(request),
        outcome=outcome,
        answer=answer,
        error=error,
        permission=call.permission,
        collected_at=timestamp(now()),
        attempts=attempts,
        request_id=request_id,
    )


def timestamp(moment: datetime) -> str:
    """UTC, ISO 8601, whole seconds, with `Z`."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def to_json(value: Any) -> Json:
    """An answer of boto3 as JSON: moments as ISO 8601 UTC, bytes as text."""
    if isinstance(value, Mapping):
        return {str(name): to_json(member) for name, member in value.items()}
    if isinstance(value, list | tuple | set):
        return [to_json(member) for member in value]
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    return value


class _UnusableError(Exception):
    """A 200 answer that is not what the API promises."""


def _checked(call: Call, send: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
    """Refuse answers that botocore reads as empty, which would look like "there is none".

    A proxy's or captive portal's HTML page, a cut JSON body and an empty body all parse into an empty answer.
    """

    def checked(**request: Json) -> dict[str, Any]:
        answer = send(**request)
        headers = answer.get("ResponseMetadata", {}).get("HTTPHeaders", {})
        # Where members are required, their absence tells; emulators mislabel their JSON as HTML.
        if not call.requires and "html" in headers.get("content-type", "").lower():
            raise _UnusableError("the answer is an HTML page")
        # Where members are required, an empty answer lacks them; HeadObject tells the length of an empty object.
        if headers.get("content-length") == "0" and not call.statuses and not call.requires:
            raise _UnusableError("the answer is empty")
        for name in call.requires:
            if name not in answer:
                raise _UnusableError(f"the answer has no {name}")
        return answer

    return checked


def _walk(pages: Pages, send: Callable[..., Any], request: Mapping[str, Json], max_pages: int) -> dict[str, Any]:
    """All pages of a list as one answer; `truncated` says that the walk stopped early or went in circles."""
    joined: dict[str, Any] = {}
    seen: set[str] = set()
    token: str | None = None
    limit = pages.limit or max_pages
    for number in range(limit):
        more = {} if token is None else {pages.send: token}
        page = send(**request, **more)
        for name, value in page.items():
            if name in pages.members:
                joined.setdefault(name, []).extend(value)
            elif number == 0 or name == "ResponseMetadata":
                joined[name] = value
        token = page.get(pages.receive)
        if not token or page.get("IsTruncated") is False or page.get("Truncated") is False:
            joined["truncated"] = False
            break
        if token in seen:
            joined["truncated"] = True
            break
        seen.add(token)
    else:
        joined["truncated"] = True
    joined.pop(pages.receive, None)
    return joined


def _head(metadata: Mapping[str, Any]) -> dict[str, Json]:
    headers = metadata.get("HTTPHeaders", {})
    return {
        "HTTPStatusCode": metadata.get("HTTPStatusCode"),
        "BucketRegion": headers.get("x-amz-bucket-region"),
    }


def _client_error(response: Mapping[str, Any]) -> ObservationError:
    code = str(response.get("Error", {}).get("Code") or "Unknown")
    status = response.get("ResponseMetadata", {}).get("HTTPStatusCode")
    message = str(response.get("Error", {}).get("Message") or "no message")[:300]
    return ObservationError(code=code, message=message, http_status=status, reason=_reason(code, status))


def _says_absent(call: Call, error: ObservationError) -> bool:
    """Whether an error is the answer "there is none"."""
    told = any(error.code == code and text in error.message for code, text in call.absent_where)
    return told or error.code in call.absent


def _reason(code: str, status: int | None) -> Reason:
    if code in THROTTLED:
        return Reason.THROTTLED
    if code in UNAUTHENTICATED:
        return Reason.FAILED
    if code in DENIED or status in (401, 403, 405):
        return Reason.ACCESS_DENIED
    if code in NOT_FOUND or status == 404:
        return Reason.NOT_FOUND
    return Reason.THROTTLED if status == 429 else Reason.FAILED


def _transport_error(error: Exception) -> ObservationError:
    """Timeouts, resets and unreadable bodies. botocore's own text may hold a whole answer, so only its kind is kept."""
    kind = type(error).__name__
    reason = Reason.MALFORMED if kind == "ResponseParserError" else Reason.FAILED
    return ObservationError(
        code=kind, message=_TRANSPORT.get(kind, "no usable answer"), http_status=None, reason=reason
    )


_TRANSPORT = {
    "ConnectTimeoutError": "the connection timed out",
    "ConnectionClosedError": "the connection was closed before an answer came",
    "ConnectionError": "the connection failed",
    "EndpointConnectionError": "the endpoint cannot be reached",
    "IncompleteReadError": "the answer was cut off",
    "ParamValidationError": "the parameters are not valid for this operation",
    "ReadTimeoutError": "no answer came in time",
    "ResponseParserError": "the answer could not be parsed",
    "ResponseStreamingError": "the answer was cut off",
    "SSLError": "the TLS connection failed",
    "ValueError": "the endpoint is no URL, or the Region no name",
}
