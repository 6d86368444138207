"""Requests of botocore read back into the parameters that were asked, and answers written as botocore parses them.

The service models that botocore ships say what goes where, so that nothing here is about a single operation. Answers
are those that observations hold, with moments as ISO 8601, which every protocol's parser takes.
"""

import base64
import functools
import json
import re
from collections.abc import Mapping
from urllib.parse import parse_qsl, quote, unquote
from xml.sax.saxutils import escape, quoteattr

from botocore.loaders import Loader
from botocore.model import OperationModel, ServiceModel, Shape

from recordscan.demo.aws_faults import REQUEST_ID, Reply
from recordscan.demo.aws_requests import AwsRequest
from recordscan.facts import Json

_XSI = "http://www.w3.org/2001/XMLSchema-instance"


@functools.cache
def service_model(service: str) -> ServiceModel:
    """The model of a service, by the name of its boto3 client."""
    return ServiceModel(Loader().load_service_model(service, "service-2"), service_name=service)


@functools.cache
def operation_model(operation: str) -> OperationModel:
    """The model of `service:ApiName`.

    Raises:
        botocore.model.OperationNotFoundError: There is no such operation.
    """
    service, _, name = operation.partition(":")
    return service_model(service).operation_model(name)


def parameters(request: AwsRequest, headers: Mapping[str, str], body: bytes) -> dict[str, Json]:
    """What was asked, as boto3 takes it. Header names are in lower case."""
    shape = operation_model(request.operation).input_shape
    if shape is None:
        return {}
    if request.protocol == "json":
        return _loads(body)
    if request.protocol in ("query", "ec2"):
        return _form(shape, parse_qsl(body.decode() or request.query, keep_blank_values=True))
    asked = _loads(body) if request.protocol == "rest-json" else {}
    found = _of_path(request)
    query = dict(parse_qsl(request.query, keep_blank_values=True))
    values: dict[str, Json] = {}
    for name, member in shape.members.items():
        wire_name = member.serialization.get("name", name)
        where = {"uri": found, "querystring": query, "header": headers}.get(member.serialization.get("location"), asked)
        wire_name = wire_name.lower() if where is headers else wire_name
        if wire_name in where:
            values[name] = _scalar(member, where[wire_name])
    return values


def answer(request: AwsRequest, value: Mapping[str, Json]) -> Reply:
    """A good answer on the wire."""
    operation = operation_model(request.operation)
    shape = operation.output_shape
    headers = [("x-amzn-RequestId", REQUEST_ID), ("x-amz-request-id", REQUEST_ID)]
    members = {} if shape is None else shape.members
    for name, member in members.items():
        if member.serialization.get("location") == "header" and value.get(name) is not None:
            headers.append((member.serialization["name"], str(value[name])))
    if request.protocol in ("json", "rest-json"):
        named = {} if shape is None else _json(shape, value)
        kind = "application/json" if request.protocol == "rest-json" else "application/x-amz-json-1.1"
        return Reply(status=200, headers=(*headers, ("Content-Type", kind)), body=json.dumps(named).encode())
    headers.append(("Content-Type", "application/xml"))
    payload = None if shape is None else shape.serialization.get("payload")
    if payload is not None and members[payload].type_name in ("string", "blob"):
        return Reply(status=200, headers=tuple(headers), body=str(value.get(payload) or "").encode())
    body_shape, inner = (shape, value) if payload is None else (members[payload], value.get(payload) or {})
    text = "" if body_shape is None else _children(body_shape, inner, request.service)
    if request.protocol in ("query", "ec2"):
        name = operation.name
        wrapper = None if shape is None else shape.serialization.get("resultWrapper")
        result = f"<{wrapper}>{text}</{wrapper}>" if wrapper else text
        metadata = f"<ResponseMetadata><RequestId>{REQUEST_ID}</RequestId></ResponseMetadata>"
        text = f"<{name}Response>{result}{metadata}</{name}Response>"
    else:
        text = f"<Result>{text}</Result>"
    return Reply(status=200, headers=tuple(headers), body=text.encode())


def _loads(body: bytes) -> dict[str, Json]:
    value = json.loads(body or b"{}")
    return value if isinstance(value, dict) else {}


@functools.cache
def _path(operation: str) -> tuple[re.Pattern[str], Mapping[str, str]]:
    """The pattern of an operation's path, and the wire names of its groups."""
    names: dict[str, str] = {}

    def group(match: re.Match[str]) -> str:
        name = f"p{len(names)}"
        names[name] = match[1]
        return f"(?P<{name}>{'.+' if match[2] else '[^/]+'})"

    path = operation_model(operation).http["requestUri"].partition("?")[0].rstrip("/")
    return re.compile(re.sub(r"\\\{(\w+)(\\\+)?\\\}", group, re.escape(path)) + "/?"), names


def _of_path(request: AwsRequest) -> dict[str, str]:
    pattern, names = _path(request.operation)
    match = pattern.fullmatch(request.path)
    return {} if match is None else {names[group]: unquote(text) for group, text in match.groupdict().items()}


def _form(shape: Shape, pairs: list[tuple[str, str]]) -> dict[str, Json]:
    """The scalars, and lists of scalars, of a form."""
    values: dict[str, Json] = {}
    for name, text in pairs:
        member, is_list, _number = name.partition(".member.")
        if member not in shape.members:
            continue
        if is_list:
            values.setdefault(member, []).append(text)
        else:
            values[member] = _scalar(shape.members[member], text)
    return values


def _scalar(shape: Shape, value: Json) -> Json:
    if not isinstance(value, str):
        return value
    if shape.type_name in ("integer", "long"):
        return int(value)
    return value == "true" if shape.type_name == "boolean" else value


def _json(shape: Shape, value: Json) -> Json:
    if value is None:
        return None
    if shape.type_name == "structure":
        names = {name: member.serialization.get("name", name) for name, member in shape.members.items()}
        return {
            names[name]: _json(shape.members[name], inner)
            for name, inner in value.items()
            if name in shape.members and inner is not None
        }
    if shape.type_name == "list":
        return [_json(shape.member, item) for item in value]
    if shape.type_name == "map":
        return {name: _json(shape.value, inner) for name, inner in value.items()}
    return _text(shape, value, "") if shape.type_name == "blob" else value


def _children(shape: Shape, value: Mapping[str, Json], service: str) -> str:
    """The elements inside a structure's element."""
    return "".join(
        _element(member, name, value[name], service)
        for name, member in shape.members.items()
        if value.get(name) is not None
        and "location" not in member.serialization
        and not member.serialization.get("xmlAttribute")
    )


def _element(shape: Shape, name: str, value: Json, service: str) -> str:
    tag = shape.serialization.get("name", name)
    if shape.type_name == "list":
        flat = shape.serialization.get("flattened")
        item = shape.member.serialization.get("name") or (tag if flat else "member")
        items = "".join(_tagged(shape.member, item, inner, service) for inner in value)
        return items if flat else f"<{tag}>{items}</{tag}>"
    if shape.type_name == "map":
        key = shape.key.serialization.get("name", "key")
        of = shape.value.serialization.get("name", "value")
        entries = (
            f"<entry><{key}>{escape(str(k))}</{key}>{_tagged(shape.value, of, v, service)}</entry>"
            for k, v in value.items()
        )
        return f"<{tag}>{''.join(entries)}</{tag}>"
    return _tagged(shape, tag, value, service)


def _tagged(shape: Shape, tag: str, value: Json, service: str) -> str:
    if shape.type_name != "structure":
        return f"<{tag}>{escape(_text(shape, value, service))}</{tag}>"
    attributes = "".join(
        f' xmlns:xsi="{_XSI}" {member.serialization["name"]}={quoteattr(str(value[name]))}'
        for name, member in shape.members.items()
        if member.serialization.get("xmlAttribute") and name in value
    )
    return f"<{tag}{attributes}>{_children(shape, value, service)}</{tag}>"


def _text(shape: Shape, value: Json, service: str) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if shape.type_name == "blob":
        return base64.b64encode(str(value).encode()).decode()
    if service == "iam" and shape.name == "policyDocumentType":
        return quote(value if isinstance(value, str) else json.dumps(value), safe="")
    return str(value)
