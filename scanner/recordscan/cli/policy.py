"""`recordscan policy`: policies to put in place."""

from urllib.parse import quote

import click

from recordscan.errors import ConfigError, RecordscanError


@click.group()
def policy() -> None:
    """Write policies to put in place."""


@policy.command(
    epilog="""\b
Example:
  recordscan policy minimal --bucket acme-video --prefix recordings/ \\
    --key arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab
"""
)
@click.option("--bucket", required=True, help="Name of the bucket.")
@click.option("--prefix", default="", help="Key prefix, as the path of the URL at Twilio; the whole bucket without it.")
@click.option("--key", metavar="ARN", help="ARN of the KMS key, which must be in the bucket's Region.")
@click.option(
    "--partition",
    type=click.Choice(["aws", "aws-cn", "aws-us-gov", "aws-eusc"]),
    help="Partition of the bucket.  [default: that of the key, else aws]",
)
@click.option(
    "--full-template", is_flag=True, help="All that Twilio's guide grants on the key, not only what is needed."
)
@click.option(
    "-f",
    "--format",
    "format_",
    type=click.Choice(["json", "terraform", "cloudformation"]),
    default="json",
    show_default=True,
)
def minimal(
    *, bucket: str, prefix: str, key: str | None, partition: str | None, full_template: bool, format_: str
) -> None:
    """Print the least that the IAM user behind Twilio's access key needs to upload recordings.

    Before it is printed, the policy is tried: it allows uploads under the prefix, and neither beside it nor reading,
    deleting or another key. A slash that begins the prefix is dropped, as keys do not begin with it.
    """
    from recordscan.policy.formats import FORMATS
    from recordscan.policy.minimal import objections
    from recordscan.policy.template import Place, minimal_policy

    key_partition = None if key is None else _check_key(key)
    if partition is not None and key_partition not in (None, partition):
        raise ConfigError(f"--partition {partition}: the key is in {key_partition}, and so must be its bucket")
    if prefix.startswith("/"):
        click.echo("note: the slash that begins the prefix is left out, as keys do not begin with one", err=True)
    prefix = prefix.removeprefix("/")
    _check_place(bucket, prefix)
    bucket_arn = f"arn:{partition or key_partition or 'aws'}:s3:::{bucket}"
    place = Place(bucket_arn=bucket_arn, prefix=prefix, key_arn=key)
    document = minimal_policy(place, full_template=full_template)
    wrong = objections(document, place)
    if wrong:
        raise RecordscanError(f"internal error: the policy was tried and is wrong: {wrong[0]}; please report it")
    try:
        text = FORMATS[format_](document)
    except ValueError as error:
        raise ConfigError(f"--prefix {prefix!r}: {error}") from None
    click.echo(text, nl=False)
    if full_template and key is None:
        click.echo("note: without --key the guide grants nothing more, so --full-template changes nothing", err=True)
    if not prefix:
        click.echo("note: without --prefix the policy covers the whole bucket", err=True)
    if any(part in (".", "..") for part in prefix.split("/")):
        click.echo("note: `.` and `..` are part of the keys; they lead nowhere", err=True)
    if prefix and not prefix.endswith("/"):
        click.echo(f"note: without a slash at its end, {prefix!r} covers all keys that begin so", err=True)


def _check_place(bucket: str, prefix: str) -> None:
    """See that the bucket can exist and that keys can begin so.

    Raises:
        ConfigError: They cannot; says why.
    """
    from recordscan.estate.s3url import S3UrlError, parse_s3_url

    try:
        path = f"{quote(bucket, safe='')}/{quote(prefix)}"
    except UnicodeEncodeError:
        raise ConfigError("--bucket and --prefix: the text is not UTF-8") from None
    found = parse_s3_url(f"https://s3.us-east-1.amazonaws.com/{path}")
    if isinstance(found, S3UrlError):
        option = "--prefix" if found.code == "prefix_too_long" else "--bucket"
        raise ConfigError(f"{option}: {'the name is empty' if found.code == 'no_bucket' else found.message}")


def _check_key(arn: str) -> str:
    """The partition of a key's ARN.

    Raises:
        ConfigError: It is no such ARN; says why.
    """
    import re

    from botocore.exceptions import UnknownRegionError
    from botocore.session import get_session

    form = r"arn:(aws[a-z-]*):kms:([a-z0-9-]+):[0-9]{12}:(alias/|key/[A-Za-z0-9-]+\Z)?.*"
    found = re.fullmatch(form, arn, re.DOTALL)
    if found is None or not found[3]:
        raise ConfigError(f"--key {arn!r}: is not of the form arn:PARTITION:kms:REGION:ACCOUNT:key/ID")
    if found[3] == "alias/":
        raise ConfigError(f"--key {arn!r}: is an alias, which KMS never matches with the use of a key; name the key")
    try:
        partition = get_session().get_partition_for_region(found[2])
    except UnknownRegionError:
        raise ConfigError(f"--key {arn!r}: {found[2]} is no Region of AWS; correct its spelling") from None
    if partition != found[1]:
        raise ConfigError(f"--key {arn!r}: the Region {found[2]} is in the partition {partition}, not in {found[1]}")
    return found[1]
