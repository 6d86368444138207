import json
import string
from pathlib import Path
from typing import get_args
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recordscan.estate.s3url import (
    Candidate,
    S3Location,
    S3UrlError,
    S3UrlFault,
    UrlExtra,
    parse_s3_url,
    redact_url,
    url_extras,
    written_bucket,
)

VECTORS = json.loads((Path(__file__).parents[1] / "data" / "s3-url-vectors.json").read_text(encoding="utf-8"))


def location(url: str) -> S3Location:
    parsed = parse_s3_url(url)
    assert isinstance(parsed, S3Location), parsed
    return parsed


def refusal(url: str | None) -> S3UrlError:
    parsed = parse_s3_url(url)
    assert isinstance(parsed, S3UrlError), parsed
    return parsed


@pytest.mark.parametrize("vector", VECTORS["vectors"], ids=lambda vector: f"{vector['id']} {vector['note']}".strip())
def test_vector_is_answered_as_documented(vector: dict[str, object]) -> None:
    url = vector["url"]
    assert url is None or isinstance(url, str)
    answer = parse_s3_url(url).to_dict()
    assert answer == vector["expect"]
    assert json.loads(json.dumps(answer)) == answer


@pytest.mark.parametrize(
    ("host", "bucket", "region", "partition", "warnings"),
    [
        ("media.s3.eu-west-1.amazonaws.com", "media", "eu-west-1", "aws", ()),
        ("media.s3.dualstack.eu-west-1.amazonaws.com", "media", "eu-west-1", "aws", ("dualstack",)),
        ("media.s3-fips.us-east-2.amazonaws.com", "media", "us-east-2", "aws", ("fips",)),
        ("media.s3-accelerate.amazonaws.com", "media", None, "aws", ("accelerate",)),
        ("media.s3-accelerate.dualstack.amazonaws.com", "media", None, "aws", ("accelerate", "dualstack")),
        ("media.s3-external-1.amazonaws.com", "media", "us-east-1", "aws", ("legacy_endpoint",)),
        ("media.s3.dualstack.cn-north-1.amazonaws.com.cn", "media", "cn-north-1", "aws-cn", ("dualstack",)),
        ("media.s3.us-gov-east-1.amazonaws.com", "media", "us-gov-east-1", "aws-us-gov", ()),
        ("media.s3.eusc-de-east-1.amazonaws.eu", "media", "eusc-de-east-1", "aws-eusc", ()),
        ("s3-website.s3.eu-west-1.amazonaws.com", "s3-website", "eu-west-1", "aws", ()),
        ("vpce-1.s3.eu-west-1.amazonaws.com", "vpce-1", "eu-west-1", "aws", ()),
        ("media.s3.mx-central-1.amazonaws.com", "media", "mx-central-1", "aws", ()),
    ],
)
def test_virtual_hosted_endpoint_names_bucket_and_region(
    host: str, bucket: str, region: str | None, partition: str, warnings: tuple[str, ...]
) -> None:
    assert location(f"https://{host}/rec/") == S3Location(
        bucket=bucket,
        region=region,
        key_prefix="rec/",
        style="virtual-hosted",
        scheme="https",
        partition=partition,
        warnings=warnings,
    )


@pytest.mark.parametrize(
    ("host", "region", "warnings"),
    [
        ("s3.dualstack.eu-west-1.amazonaws.com", "eu-west-1", ("dualstack", "path_style")),
        ("s3-fips.us-west-1.amazonaws.com", "us-west-1", ("fips", "path_style")),
        ("s3-fips.dualstack.us-west-1.amazonaws.com", "us-west-1", ("dualstack", "fips", "path_style")),
        ("s3-external-1.amazonaws.com", "us-east-1", ("legacy_endpoint", "path_style")),
    ],
)
def test_path_style_endpoint_takes_the_bucket_from_the_path(host: str, region: str, warnings: tuple[str, ...]) -> None:
    found = location(f"https://{host}/media/rec/x")
    assert (found.bucket, found.region, found.key_prefix) == ("media", region, "rec/x")
    assert (found.style, found.warnings) == ("path", warnings)


@pytest.mark.parametrize(
    ("code", "url"),
    [
        ("empty", ""),
        ("empty", " \t\n"),
        ("non_ascii_host", "https://b%C3%BCcket.s3.eu-west-1.amazonaws.com/"),
        ("non_ascii_host", "https://media.s3.eu-west-1.amazonaws。com/"),
        ("non_uri_characters", " https://media.s3.eu-west-1.amazonaws.com/"),
        ("non_uri_characters", "https://media.s3.eu-west-1.amazonaws.com/\n"),
        ("non_uri_characters", "https://media.s3.eu-west-1.amazonaws.com\\@evil.example/"),
        ("non_uri_characters", "https://media.s3.eu-west-1.amazonaws.com/rec[1]/"),
        ("bad_percent_encoding", "https://media.s3.eu-west-1.amazonaws.com/%f"),
        ("bad_percent_encoding", "https://media.s3.eu-west-1.amazonaws.com/%FF/"),
        ("no_scheme", "media.s3.eu-west-1.amazonaws.com/rec/"),
        ("no_scheme", "media.s3.eu-west-1.amazonaws.com:443/rec/"),
        ("no_scheme", "//media.s3.eu-west-1.amazonaws.com/rec/"),
        ("no_scheme", "://media.s3.eu-west-1.amazonaws.com/"),
        ("unsupported_scheme", "file:///media"),
        ("userinfo_not_allowed", "https://@media.s3.eu-west-1.amazonaws.com/"),
        ("userinfo_not_allowed", "https://AKIA:abc/def@media.s3.eu-west-1.amazonaws.com/"),
        ("no_host", "https:media.s3.eu-west-1.amazonaws.com"),
        ("no_host", "https:/media.s3.eu-west-1.amazonaws.com"),
        ("no_host", "https://:443/rec/"),
        ("not_s3_host", "https://192.0.2.1/media/"),
        ("not_s3_host", "https://[::1/media/"),
        ("not_s3_host", "https://media.s3.eu-west-1.amazonaws.com.evil.example/"),
        ("not_s3_host", "https://media.s3.eu-west-1.notamazonaws.com/"),
        ("not_s3_host", "https://ec2.eu-west-1.amazonaws.com/media/"),
        ("website_endpoint", "http://media.s3-website-eu-west-1.amazonaws.com/"),
        ("website_endpoint", "http://media.s3-website.eu-central-1.amazonaws.com/"),
        ("website_endpoint", "http://s3-website.cn-north-1.amazonaws.com.cn/"),
        ("vpc_endpoint", "https://media.bucket.vpce-0a1b-2c3d.s3.eu-west-1.vpce.amazonaws.com/"),
        ("vpc_endpoint", "https://x.accesspoint.s3-global.vpce.amazonaws.com/"),
        ("access_point_endpoint", "https://a-111122223333.s3-accesspoint-fips.dualstack.us-east-1.amazonaws.com/"),
        ("access_point_endpoint", "https://a-111122223333.s3-accesspoint.cn-north-1.amazonaws.com.cn/"),
        ("access_point_alias", "https://s3.eu-west-1.amazonaws.com/a-b1c2-s3alias/rec/"),
        ("access_point_alias", "https://a-b1c2--ol-s3.s3.eu-west-1.amazonaws.com/"),
        ("multi_region_access_point", "https://abc.mrap.accesspoint.s3-global.amazonaws.com/"),
        ("directory_bucket", "https://s3express-control.us-east-1.amazonaws.com/media--use1-az4--x-s3"),
        ("directory_bucket", "https://m--use1-az4--x-s3.s3express-fips-use1-az4.dualstack.us-east-1.amazonaws.com/"),
        ("directory_bucket", "https://ap--use1-az4--xa-s3.s3.us-east-1.amazonaws.com/"),
        ("not_a_bucket_endpoint", "https://a-111122223333.op-01ab.s3-outposts.us-west-2.amazonaws.com/"),
        ("not_a_bucket_endpoint", "https://s3tables.us-west-2.amazonaws.com/"),
        ("unrecognised_endpoint", "https://media.s3.eu.amazonaws.com/"),
        ("unrecognised_endpoint", "https://media.s3.dualstack.amazonaws.com/"),
        ("unrecognised_endpoint", "https://media.s3-dualstack.eu-west-1.amazonaws.com/"),
        ("unrecognised_endpoint", "https://s3-accelerate.amazonaws.com/media/"),
        ("unrecognised_endpoint", "https://media.s3-accelerate.amazonaws.com.cn/"),
        ("unrecognised_endpoint", "https://media.s3-fips.cn-north-1.amazonaws.com.cn/"),
        ("unrecognised_endpoint", "https://media.s3.eu-west-1.amazonaws.com./"),
        ("region_partition_mismatch", "https://media.s3.cn-north-1.amazonaws.com/"),
        ("region_partition_mismatch", "https://media.s3.eu-west-1.amazonaws.com.cn/"),
        ("region_partition_mismatch", "https://media.s3.us-gov-west-1.amazonaws.com.cn/"),
        ("region_partition_mismatch", "https://media.s3.us-iso-east-1.amazonaws.com/"),
        ("region_partition_mismatch", "https://media.s3.eusc-de-east-1.amazonaws.com/"),
        ("port_not_allowed", "https://media.s3.eu-west-1.amazonaws.com:443/"),
        ("port_not_allowed", "https://media.s3.eu-west-1.amazonaws.com:/"),
        ("query_not_allowed", "https://media.s3.eu-west-1.amazonaws.com/?"),
        ("fragment_not_allowed", "https://media.s3.eu-west-1.amazonaws.com/#top"),
        ("no_bucket", "https://s3.eu-west-1.amazonaws.com"),
        ("no_bucket", "https://s3.eu-west-1.amazonaws.com//rec/"),
        ("no_bucket", "https://.s3.eu-west-1.amazonaws.com/"),
        ("bucket_not_dns_compliant", "https://s3.eu-west-1.amazonaws.com/Media/"),
        ("bucket_not_dns_compliant", "https://s3.eu-west-1.amazonaws.com/media%2Frec/"),
        ("bucket_not_dns_compliant", "https://ab.s3.eu-west-1.amazonaws.com/"),
        ("bucket_not_dns_compliant", "https://192.0.2.1.s3.eu-west-1.amazonaws.com/"),
        ("bucket_not_dns_compliant", "https://a..b.s3.eu-west-1.amazonaws.com/"),
        ("bucket_not_dns_compliant", "https://-media.s3.eu-west-1.amazonaws.com/"),
        ("bucket_not_dns_compliant", "https://media-.s3.eu-west-1.amazonaws.com/"),
        ("bucket_not_dns_compliant", "https://%6dedia.s3.eu-west-1.amazonaws.com/"),
        ("bucket_not_dns_compliant", "https://my.bucket.s3-accelerate.amazonaws.com/"),
        ("bucket_reserved_affix", "https://sthree-media.s3.eu-west-1.amazonaws.com/"),
        ("bucket_reserved_affix", "https://media.mrap.s3.eu-west-1.amazonaws.com/"),
        ("bucket_reserved_affix", "https://media--table-s3.s3.eu-west-1.amazonaws.com/"),
        ("prefix_too_long", "https://media.s3.eu-west-1.amazonaws.com/" + "%C3%BC" * 451),
    ],
)
def test_url_is_refused_for(code: S3UrlFault, url: str) -> None:
    found = refusal(url)
    assert found.code == code
    assert found.message
    assert found.to_dict() == {"ok": False, "error": code}


def test_a_missing_url_is_refused_as_empty() -> None:
    assert refusal(None).code == "empty"


LONG = "p" * 901
FAULTS_IN_ORDER: list[tuple[S3UrlFault, str]] = [
    ("non_ascii_host", "ftp://u@bücket.example:1/ü%?q#f"),
    ("non_uri_characters", "ftp://u@bucket.example:1/ %?q#f"),
    ("bad_percent_encoding", "ftp://u@bucket.example:1/%?q#f"),
    ("unsupported_scheme", "ftp://u@bucket.example:1/?q#f"),
    ("userinfo_not_allowed", "https://u@:1/?q#f"),
    ("no_host", f"https://:1/{LONG}?q#f"),
    ("bare_bucket_host", f"https://bucket:1/{LONG}?q#f"),
    ("not_s3_host", f"https://bucket.example:1/{LONG}?q#f"),
    ("website_endpoint", f"https://x_.s3-website-cn-north-1.amazonaws.com:1/{LONG}?q#f"),
    ("access_point_alias", f"https://x_-s3alias.s3.eu-west-1.amazonaws.com:1/{LONG}?q#f"),
    ("unrecognised_endpoint", f"https://x_.s3.cn.amazonaws.com:1/{LONG}?q#f"),
    ("region_partition_mismatch", f"https://x_.s3.cn-north-1.amazonaws.com:1/{LONG}?q#f"),
    ("port_not_allowed", f"https://x_.s3.eu-west-1.amazonaws.com:1/{LONG}?q#f"),
    ("query_not_allowed", f"https://x_.s3.eu-west-1.amazonaws.com/{LONG}?q#f"),
    ("fragment_not_allowed", f"https://x_.s3.eu-west-1.amazonaws.com/{LONG}#f"),
    ("bucket_not_dns_compliant", f"https://x_.s3.eu-west-1.amazonaws.com/{LONG}"),
    ("bucket_reserved_affix", f"https://xn--x.s3.eu-west-1.amazonaws.com/{LONG}"),
    ("prefix_too_long", f"https://xyz.s3.eu-west-1.amazonaws.com/{LONG}"),
]


@pytest.mark.parametrize(("code", "url"), FAULTS_IN_ORDER, ids=[code for code, _ in FAULTS_IN_ORDER])
def test_of_many_faults_the_earliest_in_the_check_order_is_told(code: S3UrlFault, url: str) -> None:
    assert refusal(url).code == code


def test_the_faults_are_listed_in_the_documented_check_order() -> None:
    listed = list(get_args(S3UrlFault))
    documented = [code for entry in VECTORS["check_order"] for code in entry.split("/") if " " not in code]
    assert [code for code in listed if code in documented] == documented


@pytest.mark.parametrize(
    ("path", "key_prefix", "warnings"),
    [
        ("", "", ()),
        ("/", "", ()),
        ("/rec", "rec", ()),
        ("/rec%2Fx/", "rec/x/", ()),
        ("/a%20b/", "a b/", ()),
        ("/a+b/", "a+b/", ()),
        ("/a%2520b/", "a%20b/", ()),
        ("/rec%2F/", "rec//", ("double_slash",)),
        ("/%2e%2e/x/", "../x/", ("dot_segments",)),
        ("/a/./b/", "a/./b/", ("dot_segments",)),
        ("/a/...b/", "a/...b/", ()),
        ("/" + "p" * 900, "p" * 900, ()),
    ],
)
def test_key_prefix_is_the_decoded_path(path: str, key_prefix: str, warnings: tuple[str, ...]) -> None:
    found = location("https://media.s3.eu-west-1.amazonaws.com" + path)
    assert (found.key_prefix, found.warnings) == (key_prefix, warnings)


@pytest.mark.parametrize(("path", "answer"), [("", True), ("/", True), ("/rec/", True), ("/rec", False)])
def test_trailing_slash_is_told(path: str, answer: bool) -> None:
    assert location("https://media.s3.eu-west-1.amazonaws.com" + path).has_trailing_slash is answer


def test_bare_bucket_host_offers_what_was_probably_meant() -> None:
    assert refusal("https://Media:8443/a%20b/").candidate == Candidate("media", "a b/")


def test_bare_host_that_is_no_bucket_name_offers_nothing() -> None:
    found = refusal("https://ab/rec/")
    assert (found.code, found.candidate) == ("not_s3_host", None)


@pytest.mark.parametrize(
    ("url", "redacted"),
    [
        ("https://media.s3.amazonaws.com/rec/", "https://media.s3.amazonaws.com/rec/"),
        ("https://media.s3.amazonaws.com/user@example.com/", "https://media.s3.amazonaws.com/user@example.com/"),
        ("https://h:8443/user@example.com/", "https://h:8443/user@example.com/"),
        ("https://[::1]:80/a@b", "https://[::1]:80/a@b"),
        ("https://u:p@h/x", "https://REDACTED@h/x"),
        ("https://u:p@q@h/x", "https://REDACTED@h/x"),
        ("https://u:p/w@h/x", "https://REDACTED@h/x"),
        ("https://u:p?w@h/x", "https://REDACTED@h/x"),
        ("https:/u:p@h/x", "https:/REDACTED@h/x"),
        ("https:\\\\u:p@h\\x", "https:\\\\REDACTED@h\\x"),
        ("u:p@h/x", "REDACTED@h/x"),
        ("//u:p@h/x", "//REDACTED@h/x"),
        (" url=https://u:p@h/x", " url=https://REDACTED@h/x"),
        ("https://h/x?X-Amz-Signature=abc&b=2", "https://h/x?X-Amz-Signature=REDACTED&b=REDACTED"),
        ("https://h/x?token", "https://h/x?REDACTED"),
        ("https://h/x?dG9rZW4==", "https://h/x?REDACTED"),
        ("https://h/x?", "https://h/x?"),
        ("https://h/x?a=1?b=2#c?d=3", "https://h/x?a=REDACTED#REDACTED"),
        ("https://h/x#", "https://h/x#"),
        ("", ""),
    ],
)
def test_redaction_takes_values_and_keeps_the_shape(url: str, redacted: str) -> None:
    assert redact_url(url) == redacted


@pytest.mark.parametrize(
    ("url", "name", "code"),
    [
        ("https://media.s3.eu-west-1.amazonaws.com/rec/?q", "media", None),
        ("ftp://u:p@Media.s3.eu-west-1.amazonaws.com:1/", "media", None),
        ("https://s3.eu-west-1.amazonaws.com/me%64ia/", "media", None),
        ("https://my.bucket.s3.amazonaws.com/", "my.bucket", None),
        ("https://my.bucket.s3-accelerate.amazonaws.com/", "my.bucket", "bucket_not_dns_compliant"),
        ("https://bücket.s3.eu-west-1.amazonaws.com/", "bücket", "non_ascii_bucket"),
        ("https://s3.eu-west-1.amazonaws.com/bücket/", "bücket", "non_ascii_bucket"),
        ("https://s3.eu-west-1.amazonaws.com/b%C3%BCcket/", "bücket", "non_ascii_bucket"),
        ("https://s3.eu-west-1.amazonaws.com/b%FFcket/", "b\ufffdcket", "non_ascii_bucket"),
        ("https://boo\u212a.s3.eu-west-1.amazonaws.com/", "boo\u212a", "non_ascii_bucket"),
        ("https://s3.eu-west-1.amazonaws.com/Media/", "Media", "bucket_not_dns_compliant"),
        ("https://sthree-x.s3.eu-west-1.amazonaws.com/xn--/", "sthree-x", "bucket_reserved_affix"),
    ],
)
def test_the_name_of_a_bucket_is_read_whether_it_is_allowed_or_not(
    url: str, name: str, code: S3UrlFault | None
) -> None:
    written = written_bucket(url)
    assert written is not None
    assert (written.name, written.fault and written.fault.code) == (name, code)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "media",
        "https://example.com/media/",
        "https://media.s3.eu-west-1.amazonaws。com/",
        "https://s3.eu-west-1.amazonaws.com/",
        "https://media.s3-website-eu-west-1.amazonaws.com/",
        "https://a-b1c2-s3alias.s3.eu-west-1.amazonaws.com/",
    ],
)
def test_what_is_no_endpoint_of_buckets_names_no_bucket(url: str) -> None:
    assert written_bucket(url) is None


@pytest.mark.parametrize(
    ("url", "extras"),
    [
        ("https://media.s3.eu-west-1.amazonaws.com/rec/", ()),
        ("https://media.s3.eu-west-1.amazonaws.com/a@b:1/", ()),
        ("", ()),
        ("arn:aws:s3:::media", ()),
        ("https://u:p@media.s3.eu-west-1.amazonaws.com:1/?q#f", ("user info", "port", "query", "fragment")),
        ("https://media.s3-website-eu-west-1.amazonaws.com/v/?X-Amz-Signature=abc", ("query",)),
        ("https://a-111122223333.s3-accesspoint.eu-west-1.amazonaws.com:8443/", ("port",)),
        ("https://cdn.example.com/v/?X-Amz-Signature=abc#top", ("query", "fragment")),
        ("https://user:pw@bücket.s3.eu-west-1.amazonaws.com/", ("user info",)),
        ("https://media.s3.eu-west-1.amazonaws.com/a b/?token", ("query",)),
        ("s3://user:pw@media/", ("user info",)),
        ("user:pw@media.s3.eu-west-1.amazonaws.com/", ("user info",)),
        ("media.s3.eu-west-1.amazonaws.com:443/rec/", ("port",)),
        ("https://@media.s3.eu-west-1.amazonaws.com/?", ("user info", "query")),
    ],
)
def test_extras_are_told_behind_any_other_fault(url: str, extras: tuple[UrlExtra, ...]) -> None:
    assert url_extras(url) == extras


URL_TEXT = st.text(alphabet=":/?#[]@%.\\ &=" + "as3-0Ü。\n") | st.text()
SECRET = st.text(alphabet=string.ascii_letters + string.digits + "!$&'()*+,;=:@/?-_~%\\", min_size=4, max_size=20).map(
    lambda text: f"Zz9{text}9zZ"
)
HOST = st.sampled_from(["media.s3.eu-west-1.amazonaws.com", "media", "[::1]", "evil.example"])


@given(URL_TEXT)
def test_any_text_is_answered(text: str) -> None:
    answer = parse_s3_url(text).to_dict()
    assert answer["ok"] in (True, False)
    json.dumps(answer)


@given(URL_TEXT.map(lambda text: "https://media.s3.eu-west-1.amazonaws.com" + text))
def test_any_tail_is_answered(url: str) -> None:
    assert parse_s3_url(url).to_dict()["ok"] in (True, False)


@given(URL_TEXT)
def test_a_location_has_no_extras_and_its_bucket_is_the_written_one(text: str) -> None:
    url = "https://media.s3.eu-west-1.amazonaws.com" + text
    parsed, written = parse_s3_url(url), written_bucket(url)
    if isinstance(parsed, S3Location):
        assert url_extras(url) == ()
        assert written is not None
        assert (written.name, written.style, written.fault) == (parsed.bucket, parsed.style, None)


@given(URL_TEXT)
def test_any_text_is_redacted_once_and_for_all(text: str) -> None:
    once = redact_url(text)
    assert redact_url(once) == once


@given(secret=SECRET, host=HOST, scheme=st.sampled_from(["https://", "http:/", "ftp://", "", "//", "\\\\"]))
def test_a_secret_in_user_info_is_redacted(secret: str, host: str, scheme: str) -> None:
    for user_info in (f"user:{secret}", f"{quote(secret, safe='')}:x"):
        url = f"{scheme}{user_info}@{host}/rec/"
        redacted = redact_url(url)
        assert secret not in redacted
        assert quote(secret, safe="") not in redacted
        assert secret not in str(parse_s3_url(url))


@given(secret=SECRET, host=HOST)
def test_a_secret_in_query_or_fragment_is_redacted(secret: str, host: str) -> None:
    for tail in (f"?{secret}", f"?X-Amz-Signature={secret}", f"?a=1&b={secret}", f"#{secret}", f"?a#b={secret}"):
        url = f"https://{host}/rec/{tail}"
        assert secret not in redact_url(url)
        assert secret not in str(parse_s3_url(url))


LABEL = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,10}[a-z0-9])?", fullmatch=True)
BUCKET = st.lists(LABEL, min_size=1, max_size=3).map(".".join)
PREFIX = st.text(alphabet=st.characters(codec="utf-8"), max_size=40)
ENDPOINT = st.sampled_from(
    [
        "{bucket}.s3.eu-west-1.amazonaws.com/{prefix}",
        "{bucket}.s3-eu-west-1.amazonaws.com/{prefix}",
        "{bucket}.s3.amazonaws.com/{prefix}",
        "{bucket}.s3-fips.dualstack.us-gov-west-1.amazonaws.com/{prefix}",
        "{bucket}.s3.cn-north-1.amazonaws.com.cn/{prefix}",
        "s3.eu-west-1.amazonaws.com/{bucket}/{prefix}",
        "s3.amazonaws.com/{bucket}/{prefix}",
    ]
)
SUFFIX = {"aws": "amazonaws.com", "aws-us-gov": "amazonaws.com", "aws-cn": "amazonaws.com.cn"}


@given(bucket=BUCKET, prefix=PREFIX, endpoint=ENDPOINT, scheme=st.sampled_from(["http", "https"]))
def test_a_location_rendered_in_the_recommended_form_is_the_same_place(
    bucket: str, prefix: str, endpoint: str, scheme: str
) -> None:
    parsed = parse_s3_url(f"{scheme}://" + endpoint.format(bucket=bucket, prefix=quote(prefix)))
    if isinstance(parsed, S3UrlError):
        assert parsed.code in {
            "bucket_not_dns_compliant",
            "bucket_reserved_affix",
            "access_point_alias",
            "directory_bucket",
        }
        return
    assert (parsed.bucket, parsed.key_prefix) == (bucket, prefix)
    region = parsed.region or "us-east-1"
    rendered = f"https://{bucket}.s3.{region}.{SUFFIX[parsed.partition]}/{quote(prefix)}"
    again = location(rendered)
    assert (again.bucket, again.key_prefix, again.region) == (bucket, prefix, region)
    assert again.partition == parsed.partition
