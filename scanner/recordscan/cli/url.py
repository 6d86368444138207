"""`recordscan url`: check a bucket URL before it is saved at Twilio."""

import json

import click


@click.command(
    epilog="""\b
Example:
  recordscan url https://acme-video.s3.eu-west-1.amazonaws.com/recordings/
"""
)
@click.argument("urls", metavar="URL...", nargs=-1, required=True)
def url(*, urls: tuple[str, ...]) -> int:
    """Read URLs as Twilio's setting aws_s3_url would have to be read, one JSON object a line.

    Exits 1 when one of them is no URL of an S3 bucket.
    """
    from recordscan.estate.s3url import parse_s3_url, redact_url

    sound = True
    for text in urls:
        parsed = parse_s3_url(text).to_dict()
        sound = sound and bool(parsed["ok"])
        click.echo(json.dumps({"url": redact_url(text), **parsed}))
    return 0 if sound else 1
