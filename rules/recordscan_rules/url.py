"""The bucket URL that is saved at Twilio: whether it names a bucket, the right one, in a form that works."""

import re

from recordscan.estate.arn import parse_arn
from recordscan.estate.bucket import StoredObject
from recordscan.estate.estate import Estate, WholeEstate
from recordscan.estate.s3url import S3Location, S3UrlError, S3UrlFault, parse_s3_url, url_extras, written_bucket
from recordscan.estate.target import Target, bucket_of, enabled_setting_of, location_of, setting_of
from recordscan.estate.twilio import TwilioAccount
from recordscan.facts import (
    Citation,
    Reason,
    Source,
    Unavailable,
    derive,
    if_known,
    need,
    not_applicable,
    places,
    unavailable,
)
from recordscan.mending import save_url
from recordscan.redaction import SECRET_KEY
from recordscan.rule import Findings, Severity, finding, proposal, rule, rule_over

_GUIDE = "https://www.twilio.com/docs/video/tutorials/storing-aws-s3"
_SETTINGS = "https://www.twilio.com/docs/video/api/external-s3-recordings"
_HOSTING = "https://docs.aws.amazon.com/AmazonS3/latest/userguide/VirtualHosting.html"
_NAMING = "https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html"
_PREFIXES = "https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-prefixes.html"

_SAVE = "Save the URL in the form `https://BUCKET.s3.REGION.amazonaws.com/PREFIX/`; `recordscan url` checks it first."

REGIONS_BEFORE_MARCH_2019 = frozenset(
    [
        "us-east-1",
        "us-east-2",
        "us-west-1",
        "us-west-2",
        "ca-central-1",
        "sa-east-1",
        "eu-central-1",
        "eu-north-1",
        "eu-west-1",
        "eu-west-2",
        "eu-west-3",
        "ap-south-1",
        "ap-southeast-1",
        "ap-southeast-2",
        "ap-northeast-1",
        "ap-northeast-2",
        "ap-northeast-3",
        "us-gov-west-1",
        "us-gov-east-1",
        "cn-north-1",
        "cn-northwest-1",
    ]
)
"""Regions that the global endpoint and the dash form reach; those opened after 20 March 2019 they do not."""

_FAMILIES: frozenset[S3UrlFault] = frozenset(
    {
        "website_endpoint",
        "vpc_endpoint",
        "access_point_endpoint",
        "access_point_alias",
        "multi_region_access_point",
        "directory_bucket",
        "not_a_bucket_endpoint",
    }
)


_MEDIA_NAME = re.compile(r"(RT|CJ)[0-9A-Za-z]+\.(mka|mkv|mp4|webm)")


def _saved_url(target: Target) -> str:
    """The URL of a setting, even of one that is off; ends the rule where there is none."""
    url = need(setting_of(target).url)
    if url is None:
        not_applicable("no URL is set")
    return url


def _url(target: Target) -> str:
    """The URL of an enabled setting; ends the rule where there is none."""
    enabled_setting_of(target)
    return _saved_url(target)


def _parsed(target: Target) -> S3Location | S3UrlError:
    return parse_s3_url(_url(target))


def _shown(target: Target) -> Source:
    """Where Twilio shows the URL."""
    return () if target.setting is None else places(target.setting.url)


def _location(target: Target) -> S3Location:
    """The place that the URL names; leaves the rule unknown where it names none."""
    return _of_bucket(_parsed(target))


def _of_bucket(parsed: S3Location | S3UrlError) -> S3Location:
    if isinstance(parsed, S3UrlError):
        unavailable(Reason.MALFORMED, f"aws_s3_url is no URL of an S3 bucket: {parsed.message}")
    return parsed


@rule_over(
    Estate.twilio_targets,
    "url-parse",
    title="The URL names an S3 bucket",
    severity=Severity.HIGH,
    remedy="a person must choose the bucket",
    remediation=_SAVE,
    controls=proposal(nist_800_53_r5=["CM-6"], iso_27001_2022=["A.8.9"]),
    references=(_HOSTING, "https://www.twilio.com/docs/api/errors/53610"),
    guide="The AWS S3 Bucket URL: The URL for the AWS S3 bucket of your choice.",
)
def parse(target: Target) -> Findings:
    """A URL that names no bucket stops every upload (53610, 53620, 53664).

    Recordings wait at Twilio until it is mended, and are removed when Twilio gives up (53616). A URL that is left in a
    setting that is off is judged, too: it is what the next person to switch storage on will use.
    """
    url = need(setting_of(target).url)
    if url is None:
        enabled_setting_of(target)  # no URL is no fault of a setting that is off
    elif SECRET_KEY in url:
        unavailable(Reason.UNDECIDABLE, "what has the form of a secret was taken out of the URL")
    parsed = parse_s3_url(url)
    if isinstance(parsed, S3UrlError):
        yield finding(
            f"the URL of {target.name} is no URL of an S3 bucket: {parsed.message}",
            target.uid,
            expected="https://BUCKET.s3.REGION.amazonaws.com/PREFIX/",
            observed=parsed.code,
            evidence=_shown(target),
        )


@rule_over(
    Estate.twilio_targets,
    "url-https",
    title="The URL uses https",
    severity=Severity.HIGH,
    remedy=save_url,
    remediation="Save the same URL with `https://`. Do so before the bucket denies requests without TLS.",
    controls=proposal(nist_800_53_r5=["SC-8", "SC-8(1)"], pci_dss_4_0_1=["4.2.1"], hipaa=["164.312(e)(1)"])
    + proposal(iso_27001_2022=["A.8.24"], gdpr=["art. 32"]),
    references=(_SETTINGS, "https://docs.aws.amazon.com/AmazonS3/latest/userguide/security-best-practices.html"),
    guide="the scheme http://bucket-name.s3-aws-region-code.amazonaws.com",
)
def https(target: Target) -> Findings:
    """An older edition of Twilio's guide asks for `http://`, the current one for `https://`.

    Over plain HTTP, media and a signed request would cross the network in clear; and where the bucket denies requests
    without TLS, as it should, every such upload would be refused. Whether Twilio does without TLS then is documented
    nowhere. A URL that is left in a setting that is off is judged, too.
    """
    location = _of_bucket(parse_s3_url(_saved_url(target)))
    if location.scheme != "https":
        yield finding(
            f"the URL of {target.name} begins with {location.scheme}://",
            target.uid,
            expected="https",
            observed=location.scheme,
            evidence=_shown(target),
        )


@rule_over(
    Estate.twilio_targets,
    "url-region-matches-bucket",
    title="The Region in the URL is the bucket's Region",
    severity=Severity.HIGH,
    remedy=save_url,
    remediation="Save the URL with the bucket's own Region.",
    controls=proposal(nist_800_53_r5=["CM-6", "CP-10"]),
    references=(_HOSTING,),
    guide="you must replace aws-region-code with the AWS region code corresponding to your bucket-region",
)
def region_matches_bucket(target: Target) -> Findings:
    """With another Region in the host name S3 answers with a redirect or a signature error, and nothing is stored."""
    location = _location(target)
    if location.region is None:
        unavailable(Reason.UNDECIDABLE, "the URL names no Region")
    bucket = bucket_of(target)
    region = need(bucket.region)
    if location.region != region:
        yield finding(
            f"the URL of {target.name} names {location.region}, but the bucket {location.bucket} lies in {region}",
            target.uid,
            expected=region,
            observed=location.region,
            evidence=_shown(target) + places(bucket.region, "BucketRegion"),
        )


@rule_over(
    Estate.twilio_targets,
    "url-region-present",
    title="The URL names a Region",
    severity=Severity.HIGH,
    remedy=save_url,
    remediation=_SAVE,
    controls=proposal(nist_800_53_r5=["CM-6", "CP-10"]),
    references=(_HOSTING,),
    guide="you must replace aws-region-code with the AWS region code corresponding to your bucket-region",
)
def region_present(target: Target) -> Findings:
    """The global endpoint is a redirect for most Regions, and an error 400 for those opened after 20 March 2019."""
    location = _location(target)
    if location.region is not None:
        return
    bucket = if_known(target.bucket)
    region = bucket.region if bucket is not None else Unavailable(Reason.NOT_FOUND, "no bucket")
    lies_in = if_known(region)
    new = lies_in is not None and lies_in not in REGIONS_BEFORE_MARCH_2019
    yield finding(
        f"the URL of {target.name} names no Region" + (", and the bucket's Region needs one" if new else ""),
        target.uid,
        severity=Severity.HIGH if new else Severity.LOW,
        expected="a Region in the host name",
        observed=", ".join(location.warnings) or "none",
        evidence=_shown(target) + (places(region, "BucketRegion") if new else ()),
    )


@rule_over(
    Estate.twilio_targets,
    "url-dash-form",
    title="The URL does not use the old host form s3-REGION",
    severity=Severity.MEDIUM,
    remedy=save_url,
    remediation=_SAVE,
    controls=proposal(nist_800_53_r5=["CM-6"]),
    references=(_HOSTING,),
    guide="the virtual-host-style URL based on the scheme http://bucket-name.s3-aws-region-code.amazonaws.com",
)
def dash_form(target: Target) -> Findings:
    """Twilio's guides recommend `s3-REGION`, which AWS keeps for older Regions only; newer ones have no such host."""
    location = _location(target)
    if "legacy_dash_region" in location.warnings:
        new = location.region not in REGIONS_BEFORE_MARCH_2019
        yield finding(
            f"the URL of {target.name} uses the old host form s3-{location.region}",
            target.uid,
            severity=Severity.MEDIUM if new else Severity.INFO,
            expected=f"s3.{location.region}",
            observed=f"s3-{location.region}",
            evidence=_shown(target),
        )


@rule(
    "url-bucket-exists",
    title="The bucket exists and belongs to an expected AWS account",
    severity=Severity.CRITICAL,
    remedy="whether the name is to be taken back or another bucket to be named, a person must decide at once",
    remediation="""
        If the bucket is gone, create it again at once, in your account, before somebody else takes the name; or save
        another URL at Twilio. If it belongs to another account, switch external storage off until you know whose it is.
        Accounts other than the scanner's are named in `bucket_owners`.
    """,
    controls=proposal(nist_800_53_r5=["AC-4", "CM-8"], iso_27001_2022=["A.5.9", "A.5.23"], soc2=["CC6.1"]),
    references=("https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-owner-condition.html",),
    peers=("prowler:s3_bucket_shadow_resource_vulnerability",),
    guide="First, create an S3 bucket.",
)
def bucket_exists(target: Target) -> Findings:
    """Bucket ARNs carry no account id, so a deleted name can be taken by anybody, who then receives the recordings.

    Twilio keeps uploading to the name, and the writer's policy keeps allowing it.
    """
    bucket = bucket_of(target)
    presence = need(bucket.presence)
    if presence != "owned":
        what = "does not exist" if presence == "absent" else "belongs to another AWS account"
        yield finding(
            f"the bucket {bucket.name} of {target.name} {what}",
            bucket.arn,
            expected="owned by an expected account",
            observed=presence,
            evidence=places(bucket.presence),
        )


@rule_over(
    Estate.twilio_targets,
    "url-bucket-ascii",
    title="The bucket name is 7-bit ASCII",
    severity=Severity.HIGH,
    remedy="a person must choose another bucket",
    remediation="Create a bucket with a name of lower-case letters, digits and hyphens, and save its URL.",
    controls=proposal(nist_800_53_r5=["CM-6"]),
    references=(_NAMING, _GUIDE),
    guide="you should make sure that the bucket names you use contain only 7-bit ASCII characters",
)
def bucket_ascii(target: Target) -> Findings:
    """Twilio cannot write to buckets whose name has other characters; punycode (`xn--`) is not allowed by AWS either.

    A letter of another alphabet can also make the name look like yours.
    """
    url = _url(target)
    parsed, written = parse_s3_url(url), written_bucket(url)
    if isinstance(parsed, S3UrlError) and parsed.code == "non_ascii_host":
        strange = "other characters"
    elif written is None:
        unavailable(Reason.MALFORMED, "the URL names no bucket")
    elif not written.name.isascii():
        strange = "other characters"
    elif any(label.startswith("xn--") for label in written.name.split(".")):
        strange = "punycode"
    else:
        return
    yield finding(
        f"the bucket name in the URL of {target.name} is not plain ASCII: it has {strange}",
        target.uid,
        expected="lower-case letters, digits and hyphens",
        observed=strange,
        evidence=_shown(target),
    )


@rule_over(
    Estate.twilio_targets,
    "url-bucket-dns",
    title="The bucket name is DNS-compliant and has no dots",
    severity=Severity.HIGH,
    remedy="a person must choose another bucket",
    remediation="Create a bucket with a name of 3 to 63 lower-case letters, digits and hyphens, and save its URL.",
    controls=proposal(nist_800_53_r5=["CM-6", "SC-8"]),
    references=(_NAMING, _HOSTING),
    peers=("trivy:AWS-0320",),
    guide="The bucket-name. This must be DNS compliant.",
)
def bucket_dns(target: Target) -> Findings:
    """A dot in the name breaks TLS: the certificate of S3 covers one label in front of its host name only."""
    written = written_bucket(_url(target))
    if written is None:
        unavailable(Reason.MALFORMED, "the URL names no bucket")
    if written.fault is not None:
        yield finding(
            f"the bucket name in the URL of {target.name} is not allowed: {written.fault.message}",
            target.uid,
            expected="a DNS-compliant name",
            observed=written.fault.code,
            evidence=_shown(target),
        )
    elif "." in written.name and written.style == "virtual-hosted":
        yield finding(
            f"the bucket name {written.name} of {target.name} has dots, which TLS certificates do not cover",
            target.uid,
            severity=Severity.MEDIUM,
            expected="no dots",
            observed=written.name,
            evidence=_shown(target),
        )


@rule_over(
    Estate.twilio_targets,
    "url-no-extras",
    title="The URL has no user info, port, query or fragment",
    severity=Severity.HIGH,
    remedy=save_url,
    remediation=f"{_SAVE} If a password or a presigned query stood in it, treat it as leaked and revoke it.",
    controls=proposal(nist_800_53_r5=["IA-5(7)", "CM-6"]),
    references=(_SETTINGS,),
)
def no_extras(target: Target) -> Findings:
    """User info or a presigned query in the setting is a secret that the Console and every API key can read.

    It is one in a setting that is off, too.
    """
    extras = url_extras(_saved_url(target))
    if extras:
        yield finding(
            f"the URL of {target.name} has more than scheme, host and path: {', '.join(extras)}",
            target.uid,
            expected="scheme, host and path only",
            observed=", ".join(extras),
            evidence=_shown(target),
        )


@rule_over(
    Estate.twilio_targets,
    "url-endpoint-family",
    title="The URL is one of a plain bucket",
    severity=Severity.HIGH,
    remedy="which bucket is behind the endpoint, a person must say",
    remediation=_SAVE,
    controls=proposal(nist_800_53_r5=["CM-6"]),
    references=(_HOSTING, "https://docs.aws.amazon.com/AmazonS3/latest/userguide/WebsiteEndpoints.html"),
)
def endpoint_family(target: Target) -> Findings:
    """Access points, website and VPC endpoints, and directory buckets are not documented to work with Twilio.

    Website and VPC endpoints cannot take Twilio's upload at all.
    """
    parsed = _parsed(target)
    if isinstance(parsed, S3UrlError):
        if parsed.code not in _FAMILIES:
            unavailable(Reason.MALFORMED, f"the URL names no endpoint of S3: {parsed.message}")
        yield finding(
            f"the URL of {target.name} is not that of a plain bucket: {parsed.message}",
            target.uid,
            expected="a plain bucket",
            observed=parsed.code,
            evidence=_shown(target),
        )


@rule_over(
    Estate.twilio_targets,
    "url-partition",
    title="URL, writer and key are of one AWS partition",
    severity=Severity.HIGH,
    remedy="bucket, user and key of one partition must be made by a person",
    remediation="Use a bucket, an IAM user and a KMS key of one partition (`aws`, `aws-us-gov` or `aws-cn`).",
    controls=proposal(nist_800_53_r5=["CM-6", "SC-7"]),
    references=("https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html",),
)
def partition(target: Target) -> Findings:
    """An IAM user of one partition cannot sign requests for another, nor use a key there: every upload fails."""
    location = _location(target)
    names = {"the writer": derive(lambda: _writer_arn(target)), "the key": derive(lambda: _key_arn(target))}
    for what, name in names.items():
        known = if_known(name)
        arn = parse_arn(known) if known is not None else None
        if arn is not None and arn.partition != location.partition:
            yield finding(
                f"the URL of {target.name} is of {location.partition}, but {what} is of {arn.partition}",
                str(arn),
                expected=location.partition,
                observed=arn.partition,
                evidence=_shown(target) + places(name),
            )
    for name in names.values():
        need(name)


def _writer_arn(target: Target) -> str | None:
    link = need(target.link)
    if link is not None and not link.proven:
        unavailable(
            Reason.UNDECIDABLE, f"a hint of class {link.evidence} ({link.why}) does not prove who the writer is"
        )
    return None if link is None else link.user_arn


def _key_arn(target: Target) -> str | None:
    key = need(target.key)
    return None if key is None else need(key.arn)


@rule_over(
    Estate.twilio_targets,
    "url-prefix-dedicated",
    title="Media goes under a prefix of its own, or into a bucket of its own",
    severity=Severity.LOW,
    remedy="a person must choose a prefix, and who reads what lies under it",
    remediation=f"Save a URL with a path, and give the writer rights below it only. {_SAVE}",
    controls=proposal(nist_800_53_r5=["AC-6", "SC-4"]),
    references=(_PREFIXES,),
    guide="the specific path where you want Twilio to store your recordings (…) (note that / is a valid path)",
)
def prefix_dedicated(target: Target) -> Findings:
    """The guide allows `/`, but rights, retention and reviews need a prefix once something else lies in the bucket.

    Slashes and dots alone are no prefix. What is neither named as Twilio names media (`RT…`, `CJ…`) nor a small text
    file in the root, as Twilio's tests leave, is something else.
    """
    location = _location(target)
    if location.folder:
        return
    objects = need(target.objects)
    if objects is None:
        not_applicable(f"external storage of {target.media} is not enabled")
    foreign = [item.key for item in objects.items if not _is_twilios(item)]
    if foreign:
        yield finding(
            f"{target.name} go to the root of the bucket {location.bucket}, which holds other things too",
            target.uid,
            expected="a prefix, or a bucket of its own",
            observed=", ".join(foreign[:3]),
            evidence=_shown(target) + places(target.objects),
        )
    need(objects.whole)


def _is_twilios(item: StoredObject) -> bool:
    name = item.key.strip("/.")
    return _MEDIA_NAME.fullmatch(name.rpartition("/")[2]) is not None or (item.is_small_text and "/" not in name)


@rule_over(
    Estate.twilio_targets,
    "url-prefix-slashes",
    title="The prefix has no double slash and no dot segment, and ends with a slash",
    severity=Severity.MEDIUM,
    remedy=save_url,
    remediation="Save the URL with single slashes, and one at its end; change the IAM policy's resource with it.",
    controls=proposal(nist_800_53_r5=["CM-6", "AC-6"]),
    references=(_PREFIXES,),
    guide="Replace the string /folder/for/storage/ with the specific path",
)
def prefix_slashes(target: Target) -> Findings:
    """A double slash begins another key, which `bucket/folder/*` in a policy does not cover, so uploads are denied.

    Without a slash at the end, objects lie beside the folder, not in it.
    """
    location = _location(target)
    for warning, words in (("double_slash", "a double slash"), ("dot_segments", "a dot segment")):
        if warning in location.warnings:
            yield finding(
                f"the path in the URL of {target.name} has {words}",
                target.uid,
                expected="single slashes and names",
                observed=location.key_prefix,
                discriminator=warning,
                evidence=_shown(target),
            )
    if not location.has_trailing_slash:
        yield finding(
            f"the path in the URL of {target.name} does not end with a slash",
            target.uid,
            severity=Severity.LOW,
            expected=f"{location.key_prefix}/",
            observed=location.key_prefix,
            discriminator="no_trailing_slash",
            evidence=_shown(target),
        )


@rule_over(
    Estate.twilio_accounts,
    "url-prefix-separate",
    title="Recordings and Compositions use different prefixes",
    severity=Severity.LOW,
    remedy="a person must choose another prefix for one of the two",
    remediation="Save a URL with another path for one of the two, and move what lies there.",
    controls=proposal(nist_800_53_r5=["AC-6", "SC-4"]),
    references=(_PREFIXES,),
)
def prefix_separate(account: TwilioAccount) -> Findings:
    """Retention, encryption and reading rights differ between raw tracks and composed files; they are set by prefix."""
    stores = []
    for setting in account.settings:
        if not need(setting.enabled):
            not_applicable(f"external storage of {setting.product} is not enabled")
        parsed = parse_s3_url(need(setting.url))
        if isinstance(parsed, S3UrlError):
            unavailable(Reason.MALFORMED, f"the URL of {setting.product} names no bucket: {parsed.message}")
        stores.append((parsed.bucket, parsed.key_prefix.rstrip("/")))
    if stores[0] == stores[1]:
        bucket, prefix = stores[0]
        yield finding(
            f"Recordings and Compositions of {account.label} both go to {bucket}/{prefix}",
            account.uid,
            expected="different prefixes",
            observed=f"{bucket}/{prefix}",
            evidence=tuple(place for setting in account.settings for place in places(setting.url)),
        )


@rule_over(
    Estate.whole,
    "url-tenant-separate",
    title="Different Twilio accounts do not share a bucket and prefix",
    severity=Severity.MEDIUM,
    remedy="a person must choose a bucket or prefix for each account",
    remediation="Give each account a bucket or a prefix of its own, and a writer that may write only there.",
    controls=proposal(nist_800_53_r5=["SC-4", "AC-4"], gdpr=["art. 32"], iso_27001_2022=["A.8.3"]),
    references=(_PREFIXES, "https://www.twilio.com/docs/iam/api/subaccounts"),
)
def tenant_separate(estate: WholeEstate) -> Findings:
    """Where the media of tenants is mixed, it can be neither erased nor reviewed by tenant.

    One writer for all of them can then overwrite what belongs to another. Accounts in use that the scan has no
    credential for leave this rule unknown.
    """
    of_twilio = [target for target in estate.targets if target.account is not None]
    scanned = {target.account_id for target in of_twilio}
    if len(scanned) < 2 and need(estate.accounts_in_use) <= scanned:
        not_applicable("there is only one Twilio account")
    owners: dict[str, set[str]] = {}
    seen: dict[str, dict[Citation, None]] = {}
    unread: list[Unavailable] = []
    for target in of_twilio:
        if isinstance(target.location, Unavailable):
            unread.append(target.location)
        elif need(target.location) is not None:
            location = location_of(target)
            place = f"{location.bucket}/{location.key_prefix.rstrip('/')}"
            owners.setdefault(place, set()).add(str(target.account_id))
            seen.setdefault(place, {}).update(dict.fromkeys(_shown(target)))
    for place, accounts in sorted(owners.items()):
        if len(accounts) > 1:
            yield finding(
                f"{len(accounts)} Twilio accounts store into {place}",
                *sorted(accounts),
                expected="one account",
                observed=", ".join(sorted(accounts)),
                discriminator=place,
                evidence=tuple(seen[place]),
            )
    for fact in unread:
        need(fact)
    others = sorted(need(estate.accounts_in_use) - scanned)
    if others:
        unavailable(Reason.NOT_SELECTED, f"{len(others)} Twilio accounts are not scanned: {', '.join(others[:5])}")
