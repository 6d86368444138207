"""`recordscan url`: check a bucket URL before it is saved at Twilio."""

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from recordscan.visible import visible

if TYPE_CHECKING:
    from recordscan.estate.s3url import S3Location


@click.command(
    epilog="""\b
Example:
  recordscan url https://acme-video.s3.eu-west-1.amazonaws.com/recordings/
"""
)
@click.argument("urls", metavar="URL...", nargs=-1, required=True)
def url(*, urls: tuple[str, ...]) -> int:
    """Read URLs as Twilio's setting aws_s3_url would have to be read, one JSON object a line.

    `advice` says in sentences what a scan would find fault with, as far as the URL alone shows it. Exits 1 when one of
    them is no URL of an S3 bucket.
    """
    from recordscan.estate.s3url import S3UrlError, parse_s3_url, redact_url

    sound = True
    for text in urls:
        parsed = parse_s3_url(text)
        if isinstance(parsed, S3UrlError):
            sound = False
            told: dict[str, object] = {"message": visible(parsed.message)}
        else:
            told = {"advice": list(_advice(parsed))}
        click.echo(json.dumps({"url": redact_url(text), **parsed.to_dict(), **told}))
    return 0 if sound else 1


_ADVICE = {
    "accelerate": "uploads through Transfer Acceleration are not what Twilio documents; name the bucket's own endpoint",
    "dot_segments": "`.` and `..` in the path are part of each object's key; leave them out",
    "dotted_bucket_tls": "the certificate of S3 does not cover a bucket name with dots in the host name",
    "double_slash": "a double slash begins another key, which `bucket/folder/*` in a policy does not cover",
    "dualstack": "a dual-stack endpoint is not what Twilio documents; name the bucket's own endpoint",
    "fips": "a FIPS endpoint is not what Twilio documents; see that uploads arrive",
    "global_endpoint": "the URL does not say the bucket's Region; write https://BUCKET.s3.REGION.amazonaws.com/",
    "insecure_scheme": "http sends recordings unencrypted, and a policy that asks for TLS refuses them; write https",
    "legacy_dash_region": "`s3-REGION` is a form of old; write https://BUCKET.s3.REGION.amazonaws.com/",
    "legacy_endpoint": "the endpoint is of an old form; write https://BUCKET.s3.REGION.amazonaws.com/",
    "path_style": "the bucket stands in the path; write https://BUCKET.s3.REGION.amazonaws.com/",
    "uppercase_host": "write the host name in lower case",
}


def _advice(location: "S3Location") -> Iterator[str]:
    yield from (_ADVICE[word] for word in location.warnings)
    if not location.has_trailing_slash:
        yield f"without a slash at its end, objects lie beside {location.key_prefix!r}, not in it; end it with a slash"
    if location.region is not None and location.region not in _regions(location.partition):
        yield f"{location.region} is no Region that this version knows; see that it is spelt right"


def _regions(partition: str) -> frozenset[str]:
    from botocore.session import get_session

    return frozenset(get_session().get_available_regions("s3", partition_name=partition))
