"""What a request to the embedded AWS asks for: its service, operation, Region and parameters.

AWS has four ways to name an operation (a form field, a header, or method, path and query); the service models that
botocore ships say which is used where, so no operation is listed here by hand.
"""

import functools
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, unquote

SERVICES_BY_SIGNING_NAME = {"access-analyzer": "accessanalyzer", "monitoring": "cloudwatch"}
"""Signing names that differ from the name of the boto3 client."""

_CREDENTIAL = re.compile(r"Credential=([^/]+)/\d{8}/([^/]+)/([^/]+)/aws4_request")
_S3CONTROL_PATH = "/v20180820/"


@dataclass(frozen=True, slots=True, kw_only=True)
class AwsRequest:
    """One request.

    Attributes:
        service: Name of the boto3 client, such as `s3control`.
        operation: `service:ApiName`, such as `s3:GetBucketAcl`; `service:Unknown` where no operation fits.
        protocol: rest-xml, query, json or rest-json.
        method: HTTP method.
        path: Percent-decoded path.
        query: Query string as sent.
        region: From the signature; us-east-1 where there is none.
        access_key_id: From the signature; "" where there is none.
        account: Account id that an S3 Control request names; "" elsewhere.
        expected_owner: The bucket owner that the caller expects; None where it does not say.
        parameters: Everything else that tells this request from another of the same operation, in a canonical form.
    """

    service: str
    operation: str
    protocol: str
    method: str
    path: str
    query: str
    region: str
    access_key_id: str
    account: str
    expected_owner: str | None
    parameters: str

    @property
    def bucket(self) -> str | None:
        """Bucket of an S3 request; None for other requests and for ListBuckets."""
        return (self.path.split("/")[1] or None) if self.service == "s3" else None

    def json(self) -> dict[str, Any]:
        """Members of a json request, or fields of a query protocol form; not for REST requests."""
        parsed = json.loads(self.parameters)
        return parsed if isinstance(parsed, dict) else {}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Route:
    """How a REST operation is recognised."""

    name: str
    method: str
    path: re.Pattern[str]
    query: frozenset[tuple[str, str]]
    required_query: frozenset[str]
    required_headers: frozenset[str]
    parts: int

    @property
    def weight(self) -> tuple[int, ...]:
        return len(self.query) + len(self.required_query), len(self.required_headers), self.parts


def read_request(environ: Mapping[str, Any], body: bytes) -> AwsRequest:
    """Read a WSGI request."""
    access_key_id, region, signing_name = _scope(environ.get("HTTP_AUTHORIZATION", ""))
    # WSGI hands the path over as Latin-1 text of the decoded bytes.
    path = str(environ.get("PATH_INFO", "/")).encode("latin-1").decode("utf-8", "replace")
    service = SERVICES_BY_SIGNING_NAME.get(signing_name, signing_name)
    if service == "s3" and path.startswith(_S3CONTROL_PATH):
        service = "s3control"
    query = str(environ.get("QUERY_STRING", ""))
    headers = frozenset(
        name.removeprefix("HTTP_").replace("_", "-").lower() for name in environ if name.startswith("HTTP_")
    )
    protocol = _protocol(service)
    method = str(environ.get("REQUEST_METHOD", "GET"))
    if protocol == "query":
        form = dict(parse_qsl(body.decode("utf-8", "replace") or query, keep_blank_values=True))
        name = form.pop("Action", "Unknown")
        form.pop("Version", None)
        parameters = _canonical(form)
    elif protocol == "json":
        name = str(environ.get("HTTP_X_AMZ_TARGET", "Unknown")).rpartition(".")[2]
        parameters = _canonical(_loads(body))
    else:
        name = _rest_operation(service, method, path, query, headers)
        parameters = _rest_parameters(path, query, environ.get("HTTP_X_AMZ_EXPECTED_BUCKET_OWNER"))
    return AwsRequest(
        service=service,
        operation=f"{service}:{name}",
        protocol=protocol,
        method=method,
        path=path,
        query=query,
        region=region,
        access_key_id=access_key_id,
        account=str(environ.get("HTTP_X_AMZ_ACCOUNT_ID", "")),
        expected_owner=environ.get("HTTP_X_AMZ_EXPECTED_BUCKET_OWNER"),
        parameters=parameters,
    )


def _scope(authorization: str) -> tuple[str, str, str]:
    found = _CREDENTIAL.search(authorization)
    return (found[1], found[2], found[3]) if found else ("", "us-east-1", "s3")


def _rest_parameters(path: str, query: str, expected_owner: str | None) -> str:
    asked = "&".join(sorted(query.split("&")))
    return path + (f"?{asked}" if asked else "") + (f" expected-owner={expected_owner}" if expected_owner else "")


def _loads(body: bytes) -> Any:
    try:
        return json.loads(body or b"{}")
    except ValueError:
        return {}


def _canonical(value: Any) -> str:
    return json.dumps(value, sort_keys=True)


@functools.cache
def _model(service: str) -> Mapping[str, Any]:
    from botocore.exceptions import UnknownServiceError
    from botocore.loaders import Loader

    try:
        model: Mapping[str, Any] = Loader().load_service_model(service, "service-2")
    except UnknownServiceError:
        return {"metadata": {"protocol": "json"}, "operations": {}, "shapes": {}}
    return model


def _protocol(service: str) -> str:
    """The protocol that boto3 speaks to a service; of those that some offer it takes JSON."""
    metadata = _model(service)["metadata"]
    return "json" if "json" in metadata.get("protocols", ()) else str(metadata["protocol"])


@functools.cache
def _routes(service: str) -> tuple[_Route, ...]:
    """All REST operations of a service, the most specific first."""
    model = _model(service)
    routes = (_route(model, operation) for operation in model["operations"].values() if not operation.get("deprecated"))
    return tuple(sorted(routes, key=lambda route: route.weight, reverse=True))


def _route(model: Mapping[str, Any], operation: Mapping[str, Any]) -> _Route:
    path, _, query = operation["http"]["requestUri"].partition("?")
    shape = model["shapes"][operation["input"]["shape"]] if "input" in operation else {}
    required = [
        (member.get("location"), member.get("locationName", name))
        for name, member in shape.get("members", {}).items()
        if name in shape.get("required", ())
    ]
    return _Route(
        name=operation["name"],
        method=operation["http"]["method"],
        path=re.compile(_path_pattern(path)),
        query=frozenset(parse_qsl(query, keep_blank_values=True)),
        required_query=frozenset(name for location, name in required if location == "querystring"),
        required_headers=frozenset(name.lower() for location, name in required if location == "header"),
        parts=path.count("/") * 2 - path.count("{"),
    )


def _path_pattern(path: str) -> str:
    """A regular expression for a request URI: `{Bucket}` is one segment, `{Key+}` is one or more."""
    parts: Iterable[str] = re.split(r"(\{[^}]+\})", path.rstrip("/"))
    return "".join(
        (r".+" if part.endswith("+}") else r"[^/]+") if part.startswith("{") else re.escape(part) for part in parts
    )


def _rest_operation(service: str, method: str, path: str, query: str, headers: frozenset[str]) -> str:
    asked = parse_qsl(query, keep_blank_values=True)
    names = frozenset(name for name, _ in asked)
    for route in _routes(service):
        if (
            route.method == method
            and route.query <= frozenset(asked)
            and route.required_query <= names
            and route.required_headers <= headers
            and route.path.fullmatch(unquote(path).rstrip("/"))
        ):
            return route.name
    return "Unknown"
