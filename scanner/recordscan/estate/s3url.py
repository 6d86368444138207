"""URLs of S3 buckets, as they stand in Twilio's `aws_s3_url`.

`parse_s3_url` tells a bucket, a Region and a key prefix from a URL, or says in one sentence why it cannot. It knows
every host name that S3 answers to, so that an access point, a website or a look-alike is never taken for a bucket.

Sources:
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/VirtualHosting.html
    https://docs.aws.amazon.com/general/latest/gr/s3.html
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
"""

import re
import string
from dataclasses import dataclass
from typing import Literal, NamedTuple, TypeAlias
from urllib.parse import unquote, unquote_to_bytes

Style: TypeAlias = Literal["virtual-hosted", "path"]

S3UrlFault: TypeAlias = Literal[
    "empty",
    "non_ascii_host",
    "non_uri_characters",
    "bad_percent_encoding",
    "no_scheme",
    "unsupported_scheme",
    "userinfo_not_allowed",
    "no_host",
    "bare_bucket_host",
    "not_s3_host",
    "website_endpoint",
    "vpc_endpoint",
    "access_point_endpoint",
    "access_point_alias",
    "multi_region_access_point",
    "directory_bucket",
    "not_a_bucket_endpoint",
    "unrecognised_endpoint",
    "region_partition_mismatch",
    "port_not_allowed",
    "query_not_allowed",
    "fragment_not_allowed",
    "no_bucket",
    "non_ascii_bucket",
    "bucket_not_dns_compliant",
    "bucket_reserved_affix",
    "prefix_too_long",
]
"""Why a URL is refused, in the order in which it is looked for: a URL with two faults is refused for the first."""

UrlExtra: TypeAlias = Literal["user info", "port", "query", "fragment"]
"""What a bucket's URL has no use for, and where secrets are put."""

MAX_PREFIX_BYTES = 900
"""S3 keys have at most 1024 bytes (UTF-8), and Twilio still appends a name."""

MAX_KEY_BYTES = 1024

REDACTED = "REDACTED"


@dataclass(frozen=True, slots=True, kw_only=True)
class S3Location:
    """A place in a bucket, as a URL names it.

    Attributes:
        bucket: Name of the bucket.
        region: Region code in the host name; None where the URL does not say.
        key_prefix: The percent-decoded path, without the slash that begins it; a trailing slash is kept as given.
        style: Whether the bucket is in the host name or is the first segment of the path.
        scheme: `https` or `http`.
        partition: `aws`, `aws-cn`, `aws-us-gov` or `aws-eusc`.
        warnings: Sorted words for what works but is worth a look: accelerate, dot_segments, dotted_bucket_tls,
            double_slash, dualstack, fips, global_endpoint, insecure_scheme, legacy_dash_region, legacy_endpoint,
            path_style, uppercase_host.
    """

    bucket: str
    region: str | None
    key_prefix: str
    style: Style
    scheme: str
    partition: str
    warnings: tuple[str, ...]

    @property
    def has_trailing_slash(self) -> bool:
        """Whether names are put below the prefix, not glued to its last segment; true of the whole bucket."""
        return not self.key_prefix or self.key_prefix.endswith("/")

    @property
    def folder(self) -> str:
        """The prefix whose objects are looked at: "", the whole bucket, where slashes and dots alone name no folder."""
        return self.key_prefix if self.key_prefix.strip("/.") else ""

    def to_dict(self) -> dict[str, object]:
        """A JSON object; `ok` is true."""
        return {
            "ok": True,
            "bucket": self.bucket,
            "region": self.region,
            "key_prefix": self.key_prefix,
            "style": self.style,
            "scheme": self.scheme,
            "partition": self.partition,
            "warnings": list(self.warnings),
        }


class Candidate(NamedTuple):
    """What the author of a URL without an S3 host probably meant."""

    bucket: str
    key_prefix: str


@dataclass(frozen=True, slots=True, kw_only=True)
class S3UrlError:
    """Why a URL is not that of a bucket.

    Attributes:
        code: The first fault found.
        message: One sentence for people; holds nothing of user info, query or fragment.
        candidate: For `bare_bucket_host`: the bucket and prefix that were probably meant.
    """

    code: S3UrlFault
    message: str
    candidate: Candidate | None = None

    def to_dict(self) -> dict[str, object]:
        """A JSON object; `ok` is false."""
        answer: dict[str, object] = {"ok": False, "error": self.code}
        if self.candidate is not None:
            answer["candidate"] = self.candidate._asdict()
        return answer


@dataclass(frozen=True, slots=True, kw_only=True)
class WrittenBucket:
    """The bucket name in a URL, whether S3 allows it or not.

    Attributes:
        name: As in the host name, in lower case, or as in the path, decoded.
        style: Whether it is in the host name or is the first segment of the path.
        fault: Why S3 does not allow it; None where it does.
    """

    name: str
    style: Style
    fault: S3UrlError | None


def parse_s3_url(url: str | None) -> S3Location | S3UrlError:
    """Tell bucket, Region and key prefix from a URL. Never raises, whatever the text."""
    return _answer(url, MAX_PREFIX_BYTES)


def parse_object_url(url: str | None) -> S3Location | S3UrlError:
    """The same of the URL of an object, whose key needs no room for a name; `key_prefix` is the key."""
    return _answer(url, MAX_KEY_BYTES)


def written_bucket(url: str) -> WrittenBucket | None:
    """The bucket name in a URL of S3, whatever else is wrong with it; None where the host name tells none."""
    parts = _split(url)
    try:
        endpoint = _read_endpoint(parts.host)
        bucket = endpoint.bucket if endpoint.bucket is not None else unquote(parts.path[1:].partition("/")[0])
        _check_special_name(bucket)
    except _Refused:
        return None
    if not bucket:
        return None
    fault = None
    try:
        _check_bucket(bucket, endpoint)
    except _Refused as refused:
        fault = refused.error
    return WrittenBucket(name=bucket, style=endpoint.style, fault=fault)


def in_folder(key: str, prefix: str) -> bool:
    """Whether a key lies under a prefix, folder by folder: what lies under `media-old/` does not lie under `media`."""
    folder = prefix.rstrip("/")
    return not folder or f"{key.rstrip('/')}/".startswith(f"{folder}/")


def url_extras(url: str) -> tuple[UrlExtra, ...]:
    """What a URL has beside scheme, host and path, whatever else is wrong with it."""
    parts = _split(url)
    extras: dict[UrlExtra, bool] = {
        "user info": _has_user_info(url, parts),
        "port": parts.port is not None or _begins_with_port(parts),
        "query": parts.query is not None,
        "fragment": parts.fragment is not None,
    }
    return tuple(extra for extra, found in extras.items() if found)


def redact_url(url: str) -> str:
    """Take the values of user info, query and fragment out of a URL and keep its shape.

    Works on any text. Names of query parameters stay, so that a reader sees that a URL was presigned.
    """
    start, end = _user_info(url)
    user_info = REDACTED if end > start else ""
    rest, hash_mark, fragment = url[end:].partition("#")
    rest, question_mark, query = rest.partition("?")
    parameters = "&".join(map(_redact_parameter, query.split("&")))
    return url[:start] + user_info + rest + question_mark + parameters + hash_mark + (REDACTED if fragment else "")


class _Refused(Exception):
    def __init__(self, code: S3UrlFault, message: str, candidate: Candidate | None = None) -> None:
        super().__init__(message)
        self.error = S3UrlError(code=code, message=message, candidate=candidate)


class _Parts(NamedTuple):
    """The components of RFC 3986; None for one that is not there, "" for one that is there and empty."""

    scheme: str | None
    authority: str | None
    path: str
    query: str | None
    fragment: str | None

    @property
    def host(self) -> str:
        name, _ = self._host_and_port()
        return name

    @property
    def port(self) -> str | None:
        _, port = self._host_and_port()
        return port

    def _host_and_port(self) -> tuple[str, str | None]:
        authority = (self.authority or "").rpartition("@")[2]
        literal = re.match(r"\[[^\]]*\]", authority)
        name = literal[0] if literal else authority.partition(":")[0]
        rest = authority[len(name) :]
        return name, rest[1:] if rest else None


class _Endpoint(NamedTuple):
    """What a host name says; `bucket` is None in path style."""

    bucket: str | None
    region: str | None
    partition: str
    warnings: frozenset[str]

    @property
    def style(self) -> Style:
        return "path" if self.bucket is None else "virtual-hosted"


_GENERIC = re.compile(r"(?:([^:/?#]+):)?(?://([^/?#]*))?([^?#]*)(?:\?([^#]*))?(?:#(.*))?", re.DOTALL)

_NO_URI = re.compile(r"[^A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=%]")
_BAD_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
_ESCAPED_NON_ASCII = re.compile(r"%[89A-Fa-f][0-9A-Fa-f]")

_SUFFIX_OF_PARTITION = {
    "aws": ".amazonaws.com",
    "aws-us-gov": ".amazonaws.com",
    "aws-cn": ".amazonaws.com.cn",
    "aws-eusc": ".amazonaws.eu",
}
_PARTITION_OF_REGION = (("cn-", "aws-cn"), ("us-gov-", "aws-us-gov"), ("eusc-", "aws-eusc"), ("us-iso", "aws-iso"))

_REGION = r"(?P<region>(?:[a-z]{2}|eusc)(?:-[a-z]+){1,2}-[0-9]{1,2})"
_BUCKET_ENDPOINT = re.compile(
    r"(?:(?P<bucket>.*)\.)?(?:"
    r"(?P<global>s3)"
    r"|(?P<legacy>s3-external-1)"
    r"|(?P<accelerate>s3-accelerate)(?P<accelerate_dualstack>\.dualstack)?"
    rf"|s3(?P<fips>-fips)?(?:(?P<dash>-)|\.(?P<dualstack>dualstack\.)?){_REGION}"
    r")"
)

_SPECIAL_ENDPOINTS: tuple[tuple[str, S3UrlFault, str], ...] = (
    (rf"s3-website[.-]{_REGION}", "website_endpoint", "a static website endpoint, which takes no uploads"),
    (rf"(?:s3\.{_REGION}|s3-global)\.vpce", "vpc_endpoint", "a VPC endpoint, which only its own network reaches"),
    (rf"s3-accesspoint(?:-fips)?\.(?:dualstack\.)?{_REGION}", "access_point_endpoint", "an access point"),
    (r"accesspoint\.s3-global", "multi_region_access_point", "a Multi-Region Access Point"),
    (rf"s3express(?:-[a-z0-9-]+)\.(?:dualstack\.)?{_REGION}", "directory_bucket", "an endpoint of directory buckets"),
    (
        rf"(?:s3-control|s3-object-lambda|s3-outposts|s3tables)(?:-fips)?\.(?:dualstack\.)?{_REGION}",
        "not_a_bucket_endpoint",
        "an S3 endpoint that serves no general purpose buckets",
    ),
)

_SPECIAL_NAMES: tuple[tuple[str, S3UrlFault, str], ...] = (
    ("-s3alias", "access_point_alias", "an alias of an access point, from which the bucket cannot be told"),
    ("--ol-s3", "access_point_alias", "an alias of an Object Lambda access point, which takes no uploads"),
    ("--x-s3", "directory_bucket", "the name of a directory bucket"),
    ("--xa-s3", "directory_bucket", "an access point of a directory bucket"),
)

_LABEL = r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?"
_DNS_NAME = re.compile(rf"(?=.{{3,63}}\Z){_LABEL}(?:\.{_LABEL})*")
_IPV4 = re.compile(r"[0-9]+(?:\.[0-9]+){3}")
_LOWER = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)
"""Of ASCII only: other letters, such as the Kelvin sign, must not become ASCII."""
_RESERVED_PREFIXES = ("xn--", "sthree-", "amzn-s3-demo-")
_RESERVED_SUFFIXES = (".mrap", "--table-s3")


def _answer(url: str | None, longest: int) -> S3Location | S3UrlError:
    try:
        return _parse(url, longest)
    except _Refused as refused:
        return refused.error


def _parse(url: str | None, longest: int) -> S3Location:
    if url is None or not url.strip():
        raise _Refused("empty", "no URL is set")
    parts = _split(url)
    _check_characters(url, parts)
    scheme = _read_scheme(parts)
    _check_authority(url, parts)
    endpoint = _read_endpoint(parts.host)
    bucket, key_prefix = _read_path(endpoint, parts.path)
    _check_special_name(bucket)
    _check_extras(parts)
    _check_bucket(bucket, endpoint)
    if len(key_prefix.encode()) > longest:
        raise _Refused("prefix_too_long", f"the key prefix is longer than {longest} bytes")
    warnings = set(endpoint.warnings)
    if scheme == "http":
        warnings.add("insecure_scheme")
    if parts.host != parts.host.lower():
        warnings.add("uppercase_host")
    if endpoint.bucket is None:
        warnings.add("path_style")
    elif scheme == "https" and "." in bucket:
        warnings.add("dotted_bucket_tls")  # the wildcard certificate covers one label only
    if key_prefix.startswith("/") or "//" in key_prefix:
        warnings.add("double_slash")
    if {".", ".."} & set(key_prefix.split("/")):
        warnings.add("dot_segments")  # a key keeps them, many clients collapse them
    return S3Location(
        bucket=bucket,
        region=endpoint.region,
        key_prefix=key_prefix,
        style=endpoint.style,
        scheme=scheme,
        partition=endpoint.partition,
        warnings=tuple(sorted(warnings)),
    )


def _split(url: str) -> _Parts:
    match = _GENERIC.fullmatch(url)
    scheme, authority, path, query, fragment = match.groups() if match else (None, None, url, None, None)
    return _Parts(scheme, authority, path or "", query, fragment)


def _check_characters(url: str, parts: _Parts) -> None:
    if not parts.host.isascii() or _ESCAPED_NON_ASCII.search(parts.host):
        raise _Refused("non_ascii_host", "the host name has characters outside ASCII; S3 bucket names cannot")
    if _NO_URI.search(url) or re.search(r"[\[\]]", parts.path):
        raise _Refused("non_uri_characters", "the URL has characters that RFC 3986 does not allow unescaped")
    if _BAD_ESCAPE.search(url):
        raise _Refused("bad_percent_encoding", "a percent sign in the URL is not followed by two hex digits")
    try:
        _decode(parts.path)
    except UnicodeDecodeError:
        raise _Refused("bad_percent_encoding", "the percent-encoded path is not UTF-8") from None


def _read_scheme(parts: _Parts) -> str:
    scheme = (parts.scheme or "").lower()
    if scheme in ("http", "https"):
        return scheme
    if not re.fullmatch(r"[a-z][a-z0-9+.-]*", scheme) or _begins_with_port(parts):
        raise _Refused("no_scheme", "the URL does not begin with https://")
    # The scheme is not repeated: in `name:password@host` it is a part of the user info.
    meant = {"s3": "; it is an S3 URI, not a URL", "arn": "; it is an ARN, not a URL"}.get(scheme, "")
    raise _Refused("unsupported_scheme", f"the URL is neither https nor http{meant}")


def _check_authority(url: str, parts: _Parts) -> None:
    if _has_user_info(url, parts):
        raise _Refused("userinfo_not_allowed", "the URL has user info before its host name")
    host = parts.host.lower()
    if not host:
        raise _Refused("no_host", "the URL has no host name")
    if "." not in host and _DNS_NAME.fullmatch(host):
        raise _Refused(
            "bare_bucket_host",
            f"the host {host!r} is no S3 endpoint; if it is the bucket, write {host}.s3.REGION.amazonaws.com",
            Candidate(host, _decode(parts.path[1:])),
        )


def _read_endpoint(written_host: str) -> _Endpoint:
    host = written_host.translate(_LOWER).removesuffix(".")
    suffix = next((s for s in _SUFFIX_OF_PARTITION.values() if host.endswith(s)), None)
    name = host.removesuffix(suffix or "")
    if suffix is None or not any(re.match(r"s3(?:-|express|tables|\Z)", label) for label in name.split(".")):
        raise _Refused("not_s3_host", f"the host {host!r} is none of S3's")
    for pattern, code, what in _SPECIAL_ENDPOINTS:
        if re.fullmatch(rf"(?:.*\.)?{pattern}", name):
            raise _Refused(code, f"the host {host!r} is {what}")
    match = _BUCKET_ENDPOINT.fullmatch(name)
    if match is None or written_host.endswith(".") or not _exists(match, suffix):
        raise _Refused("unrecognised_endpoint", f"the host {host!r} is not in a form that S3 documents for buckets")
    return _Endpoint(
        bucket=match["bucket"],
        region="us-east-1" if match["legacy"] else match["region"],
        partition=_partition(match["region"], suffix),
        warnings=_endpoint_warnings(match),
    )


def _exists(match: re.Match[str], suffix: str) -> bool:
    """Whether S3 has the endpoint: some well-formed ones do not exist everywhere."""
    if match["region"] is None and suffix != ".amazonaws.com":
        return False  # global, legacy and accelerated endpoints are of the first partition only
    if match["fips"] and suffix == ".amazonaws.com.cn":
        return False
    return not (match["accelerate"] and match["bucket"] is None)  # accelerated, the bucket is in the host name only


def _endpoint_warnings(match: re.Match[str]) -> frozenset[str]:
    words = {
        "global_endpoint": match["global"],
        "legacy_endpoint": match["legacy"],
        "accelerate": match["accelerate"],
        "dualstack": match["dualstack"] or match["accelerate_dualstack"],
        "fips": match["fips"],
        "legacy_dash_region": match["dash"],
    }
    return frozenset(word for word, group in words.items() if group)


def _partition(region: str | None, suffix: str) -> str:
    if region is None:
        return "aws"
    partition = next((name for start, name in _PARTITION_OF_REGION if region.startswith(start)), "aws")
    if _SUFFIX_OF_PARTITION.get(partition) != suffix:
        raise _Refused("region_partition_mismatch", f"the Region {region} has no endpoints under {suffix[1:]}")
    return partition


def _read_path(endpoint: _Endpoint, path: str) -> tuple[str, str]:
    """Bucket and key prefix. Segments are parted before decoding: an escaped slash parts nothing."""
    if endpoint.bucket is not None:
        return endpoint.bucket, _decode(path[1:])
    bucket, _, key_prefix = path[1:].partition("/")
    return _decode(bucket), _decode(key_prefix)


def _check_special_name(bucket: str) -> None:
    for suffix, code, what in _SPECIAL_NAMES:
        if bucket.endswith(suffix):
            raise _Refused(code, f"{bucket!r} is {what}")


def _check_extras(parts: _Parts) -> None:
    if parts.port is not None:
        raise _Refused("port_not_allowed", "the URL has a port")
    if parts.query is not None:
        raise _Refused("query_not_allowed", "the URL has a query")
    if parts.fragment is not None:
        raise _Refused("fragment_not_allowed", "the URL has a fragment")


def _check_bucket(bucket: str, endpoint: _Endpoint) -> None:
    if not bucket:
        raise _Refused("no_bucket", "the URL names an endpoint of S3, but no bucket")
    if not bucket.isascii():
        raise _Refused("non_ascii_bucket", "the bucket name has characters outside ASCII")
    if not _DNS_NAME.fullmatch(bucket) or _IPV4.fullmatch(bucket):
        raise _Refused("bucket_not_dns_compliant", f"{bucket!r} breaks S3's rules for bucket names")
    if bucket.startswith(_RESERVED_PREFIXES) or bucket.endswith(_RESERVED_SUFFIXES):
        raise _Refused("bucket_reserved_affix", f"{bucket!r} begins or ends in a way that AWS reserves")
    if "accelerate" in endpoint.warnings and "." in bucket:
        raise _Refused("bucket_not_dns_compliant", f"the bucket name {bucket!r} has dots: it cannot be accelerated")


def _begins_with_port(parts: _Parts) -> bool:
    """Whether what reads as a scheme is a host name, and what follows its colon a port."""
    return parts.authority is None and re.match(r"[0-9]+(?:/|\Z)", parts.path) is not None


def _has_user_info(url: str, parts: _Parts) -> bool:
    start, end = _user_info(url)
    return "@" in (parts.authority or "") or end > start


def _decode(text: str) -> str:
    return unquote_to_bytes(text).decode()


def _user_info(url: str) -> tuple[int, int]:
    """Where user info begins and ends; the two are equal where there is none.

    Looks at more than well-formed URLs: also at `name:password@host`, at backslashes, and at a password with an
    unescaped slash or question mark, of which a strict reading would leave a part in the path.
    """
    opening = re.match(r"[^@?#/\\]*(?::[/\\]+|[/\\]{2,})", url)
    start = opening.end() if opening else 0
    authority = re.split(r"[/\\?#]", url[start:], maxsplit=1)[0]
    if "@" in authority:
        return start, start + authority.rindex("@")
    port = authority.rpartition("]")[2].partition(":")[2]
    if not re.fullmatch(r"[0-9]*", port) and "@" in url[start:]:
        return start, url.rindex("@")
    return start, start


def _redact_parameter(parameter: str) -> str:
    name, _, value = parameter.partition("=")
    if not parameter:
        return ""
    # A bare token may end in padding: what stands before its `=` is no name.
    return f"{name}={REDACTED}" if value.strip("=") else REDACTED
