"""Calls: read operations as data, and the only place where an AWS error becomes an answer.

A table of `Call`s drives the requests, the scanner's own least-privilege policy, the "missing permission" column of the
coverage and the guard that lets no other operation through.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from recordscan.collect.traffic import EndpointDown, Traffic, Trouble, TroubleKind
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
        "PriorRequestNotComplete",
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

EXPIRED = frozenset({"ExpiredToken", "ExpiredTokenException", "RequestExpired", "TokenRefreshRequired"})
"""Of these, the codes of credentials that were good once."""

TRANSIENT = frozenset({"RequestTimeout", "RequestTimeoutException"})
TRANSIENT_STATUSES = frozenset({500, 502, 503, 504})

UNUSABLE = "UnusableAnswer"
"""Our own code for a 200 that is not AWS's, such as a proxy's page."""

_FIRST_CALL = "sts:GetCallerIdentity"
"""What each account is asked first: if there are no credentials for it, they do not have to be renewed."""

ENDPOINT_DOWN = "EndpointDown"
"""Our own code for a call that was not sent, as the endpoint did not answer those before it."""

NOT_RENEWED = "CredentialsNotRenewed"
"""Our own code for a call that was not sent, as the credentials had run out and no new ones could be had."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pages:
    """How a list operation pages.

    Attributes:
        send: Member of the request that takes the token.
        receive: Member of the answer that gives it.
        members: Lists of the answer that are joined over the pages.
        limit: Pages after which the walk stops; None for the scan's own limit.
        size: Member of the request and number of items, where the API makes pages on request only. It does not change
            what is answered in the end, so it is no part of the question.
    """

    send: str
    receive: str
    members: tuple[str, ...]
    limit: int | None = None
    size: tuple[str, int] | None = None


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
    traffic: Traffic,
    endpoint: str,
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
        traffic: Sends the requests, again where need be.
        endpoint: What the traffic knows the endpoint by.

    Raises:
        Stopped: The scan is over; nothing was observed.
    """
    from botocore.exceptions import BotoCoreError, ClientError
    from botocore.parsers import ResponseParserError

    answer: Json = None
    error: ObservationError | None = None
    request_id = None
    tries = _Tries(traffic, endpoint)
    try:
        send = _checked(call, tries.repeating(getattr(client(), call.method)))
        raw = send(**request) if call.pages is None else _walk(call.pages, send, request, max_pages)
        metadata = raw.pop("ResponseMetadata", {})
        request_id = metadata.get("RequestId")
        answer = _head(metadata) if call.statuses else to_json(raw)
        answer = call.keep(answer) if call.keep is not None else answer
        outcome = ObservationOutcome.ANSWERED
    except ClientError as caught:
        metadata = caught.response.get("ResponseMetadata", {})
        request_id = metadata.get("RequestId")
        error = _client_error(caught.response)
        outcome = ObservationOutcome.ABSENT if _says_absent(call, error) else ObservationOutcome.FAILED
        if caught.operation_name != call.operation.partition(":")[2] and call.operation != _FIRST_CALL:
            # botocore asked something else first, such as AssumeRole, as the credentials had to be renewed.
            error, outcome = _not_renewed(caught.operation_name, error), ObservationOutcome.FAILED
        elif error.http_status in call.statuses:
            answer, error, outcome = _head(metadata), None, ObservationOutcome.ANSWERED
    except _UnusableError as caught:
        error = ObservationError(code=UNUSABLE, message=str(caught), http_status=200, reason=Reason.MALFORMED)
        outcome = ObservationOutcome.FAILED
    except EndpointDown:
        error = ObservationError(
            code=ENDPOINT_DOWN,
            message="the endpoint did not answer the calls before this one, which was not sent",
            http_status=None,
            reason=Reason.UNREACHABLE,
        )
        outcome = ObservationOutcome.FAILED
    except (
        BotoCoreError,
        ResponseParserError,
        ValueError,
    ) as caught:  # ValueError: a Region from an answer that makes no valid host name
        error = _transport_error(caught)
        outcome = ObservationOutcome.FAILED
    except RuntimeError as caught:
        # What botocore raises when the credentials that it got anew have expired, too.
        if "refreshed credentials are still expired" not in str(caught):
            raise
        error = _credentials_error("the renewed credentials have expired as well")
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
        attempts=tries.most,
        request_id=request_id,
    )


class _Tries:
    """Sends each page of one call, and counts.

    Attributes:
        most: Attempts of the page that took the most; 0 where none was made.
    """

    def __init__(self, traffic: Traffic, endpoint: str) -> None:
        self.most = 0
        self._traffic = traffic
        self._endpoint = endpoint

    def repeating(self, send: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
        """A method of a boto3 client, sent again where need be."""
        from botocore.exceptions import BotoCoreError, ClientError

        def repeated(**request: Json) -> dict[str, Any]:
            def attempt() -> tuple[dict[str, Any] | ClientError | BotoCoreError, Trouble | None]:
                try:
                    return send(**request), None
                except (ClientError, BotoCoreError) as error:
                    return error, trouble_of(error)

            # An attempt that ends in anything else is one, too.
            self.most = max(self.most, 1)
            try:
                sent = self._traffic.send(self._endpoint, attempt)
            except EndpointDown:
                self.most = 0
                raise
            self.most = max(self.most, sent.attempts)
            if not isinstance(sent.result, dict):
                raise sent.result
            return sent.result

        return repeated


def trouble_of(error: Exception) -> Trouble | None:
    """What makes an error of boto3 worth another attempt; None where it is as good as an answer."""
    from botocore.exceptions import ClientError, HTTPClientError, IncompleteReadError
    from botocore.exceptions import ConnectionError as NoConnection

    if isinstance(error, ClientError):
        metadata = error.response.get("ResponseMetadata", {})
        code, status = error.response.get("Error", {}).get("Code"), metadata.get("HTTPStatusCode")
        asked = retry_after(metadata.get("HTTPHeaders", {}))
        if code in THROTTLED or status == 429:
            return Trouble(TroubleKind.THROTTLED, asked)
        if code in TRANSIENT or status in TRANSIENT_STATUSES:
            return Trouble(TroubleKind.FAILED, asked)
        return None
    if isinstance(error, IncompleteReadError):
        return Trouble(TroubleKind.FAILED)
    return Trouble(TroubleKind.SILENT) if isinstance(error, NoConnection | HTTPClientError) else None


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds that an answer asks to wait; None where it does not say, or says it in a form that no cloud uses.

    https://www.rfc-editor.org/rfc/rfc9110#field.retry-after; AWS's newer services say it in milliseconds,
    `x-amz-retry-after`.
    """
    seconds, milliseconds = headers.get("retry-after", ""), headers.get("x-amz-retry-after", "")
    if seconds.isascii() and seconds.isdigit():
        return float(seconds)
    return float(milliseconds) / 1000 if milliseconds.isascii() and milliseconds.isdigit() else None


def timestamp(moment: datetime) -> str:
    """UTC, ISO 8601, whole seconds, with `Z`."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def to_json(value: Any) -> Json:
    """An answer of boto3 as JSON: moments as ISO 8601 UTC, bytes as text.

    A whole number is written without a fraction, as other programs rewrite JSON so, and hashes must outlive that.
    """
    if isinstance(value, Mapping):
        return {str(name): to_json(member) for name, member in value.items()}
    if isinstance(value, list | tuple | set):
        return [to_json(member) for member in value]
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    if isinstance(value, float) and value.is_integer():
        return int(value)
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
    size = {} if pages.size is None else dict([pages.size])
    for number in range(limit):
        more = {} if token is None else {pages.send: token}
        page = send(**request, **size, **more)
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
    if code in EXPIRED:
        return Reason.CREDENTIALS_EXPIRED
    if code in UNAUTHENTICATED:
        return Reason.FAILED
    if code in DENIED or status in (401, 403, 405):
        return Reason.ACCESS_DENIED
    if code in NOT_FOUND or status == 404:
        return Reason.NOT_FOUND
    return Reason.THROTTLED if status == 429 else Reason.FAILED


def _not_renewed(operation: str, error: ObservationError) -> ObservationError:
    """The error of a call that was not sent, as another one before it failed that was to give new credentials."""
    passes = error.reason is Reason.THROTTLED or error.http_status in TRANSIENT_STATUSES
    reason = Reason.FAILED if passes else Reason.CREDENTIALS_EXPIRED
    return _credentials_error(f"{operation} answered {error.code} when the credentials had to be renewed", reason)


def _credentials_error(message: str, reason: Reason = Reason.CREDENTIALS_EXPIRED) -> ObservationError:
    return ObservationError(code=NOT_RENEWED, message=message, http_status=None, reason=reason)


def _transport_error(error: Exception) -> ObservationError:
    """Timeouts, resets and unreadable bodies. botocore's own text may hold a whole answer, so only its kind is kept."""
    kind = type(error).__name__
    if not _CREDENTIAL_ERRORS.isdisjoint(base.__name__ for base in type(error).__mro__):
        return _credentials_error(f"no new credentials could be had ({kind})")
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

_CREDENTIAL_ERRORS = frozenset(
    {
        "CredentialRetrievalError",
        "LoginError",
        "MetadataRetrievalError",
        "NoCredentialsError",
        "RefreshWithMFAUnsupportedError",
        "SSOError",
        "TokenRetrievalError",
    }
)
"""Classes of what botocore raises when credentials have to be renewed and cannot be."""
