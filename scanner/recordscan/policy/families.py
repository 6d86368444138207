"""What can be done beyond uploading, in families that people understand, and where it can be done.

An action is about resources of some kinds. `zones_of` says where these can be, seen from one writer's place: under the
prefix, elsewhere in the bucket, in other buckets, and so on. Each zone is searched by itself, so that a grant that is
too wide in two ways is told twice.
"""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, TypeAlias

from recordscan.policy.actions import REFRESHED, access_level, arn_formats
from recordscan.policy.matching import literal
from recordscan.policy.regions import Region
from recordscan.policy.template import Place

Family: TypeAlias = Literal[
    "identity",
    "policies",
    "key-control",
    "settings",
    "delete",
    "read",
    "list",
    "key",
    "services",
    "other-prefixes",
    "other-buckets",
    "other-keys",
]

FAMILIES: dict[Family, str] = {
    "identity": "change IAM or act as somebody else",
    "policies": "change who may use the bucket or its objects",
    "key-control": "change who may use the key, disable or delete it",
    "settings": "change the bucket or its recordings in other ways",
    "delete": "delete recordings or the bucket",
    "read": "read recordings",
    "list": "list objects and buckets, and read the bucket's settings",
    "key": "use the key for other purposes, list keys and read their settings",
    "services": "use other services",
    "other-prefixes": "reach objects outside the prefix",
    "other-buckets": "reach other buckets or access points",
    "other-keys": "reach other keys",
}
"""What each is, in words; the worst comes first."""

_TELLING = (
    "iam:PutUserPolicy",
    "iam:AttachUserPolicy",
    "sts:AssumeRole",
    "iam:CreateAccessKey",
    "iam:PassRole",
    "s3:PutBucketPolicy",
    "kms:PutKeyPolicy",
    "kms:CreateGrant",
    "s3:PutObjectAcl",
    "s3:PutReplicationConfiguration",
    "s3:PutBucketVersioning",
    "s3:DeleteObject",
    "s3:DeleteObjectVersion",
    "s3:GetObject",
    "s3:PutObject",
    "s3:ListBucket",
    "s3:ListAllMyBuckets",
    "kms:ScheduleKeyDeletion",
    "kms:Decrypt",
    "ec2:RunInstances",
)
"""Actions that say the most to people, where one stands for many."""


def telling(action: str) -> tuple[int, str]:
    """A key to sort by, the most telling action first."""
    return (_TELLING.index(action) if action in _TELLING else len(_TELLING), action.lower())


_DELETING = frozenset(
    {
        "s3:bypassgovernanceretention",
        "s3:deletebucket",
        "s3:deleteobject",
        "s3:deleteobjectversion",
        "s3:putlifecycleconfiguration",
        "s3:replicatedelete",
    }
)
_HARMLESS_STS = frozenset({"sts:decodeauthorizationmessage"})
_OTHER_STORES = frozenset({"s3express", "s3tables", "s3-object-lambda"})

_OBJECT = "arn:${Partition}:s3:::${BucketName}/${ObjectName}"
_BUCKET = "arn:${Partition}:s3:::${BucketName}"
_KEY = "arn:${Partition}:kms:${Region}:${Account}:key/${KeyId}"


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What zones are seen from.

    Attributes:
        place: Where the writer is to put recordings.
        account: Account of the writer.
        writer: ARN of the writer.
        region: Of the bucket; None where it is not known.
    """

    place: Place
    account: str
    writer: str
    region: str | None


@dataclass(frozen=True, slots=True)
class Zone:
    """Some resources that an action can be about.

    Attributes:
        family: What the action is there.
        regions: Where they are; each is looked at only when nothing was found in those before it.
        samples: Resources that are good examples. The first also is what conditions are tested with.
        exact: Whether the first sample is the only resource.
    """

    family: Family
    regions: tuple[Region, ...]
    samples: tuple[str, ...]
    exact: bool = False


@lru_cache(maxsize=4096)
def zones_of(action: str, seen_from: Surroundings) -> tuple[Zone, ...]:
    """Where an action can be, and what it is there."""
    service = action.partition(":")[0].lower()
    formats = arn_formats(action)
    if service not in REFRESHED:
        return _elsewhere(seen_from.place.partition, family_of(action, on_object=False))
    family = family_of(action, on_object=formats is None or _OBJECT in formats)
    if formats is None:
        formats = {"s3": (_OBJECT, _BUCKET), "kms": (_KEY,)}.get(service)
        if formats is None:
            return (Zone(family, (_NO_RESOURCE, Region((f"arn:*:{service}:*:*:?*",))), ("*",)),)
    if not formats:
        return (_exactly(family, "*"),)
    zones: list[Zone] = []
    others = [f for f in formats if f not in (_OBJECT, _BUCKET, _KEY)]
    if _OBJECT in formats:
        zones += _objects(family, seen_from.place)
    if _BUCKET in formats:
        zones += _buckets(family, seen_from.place)
    if _KEY in formats:
        zones += _keys(family, seen_from)
    if others:
        elsewhere: Family = "other-buckets" if service in ("s3", *_OTHER_STORES) and family != "policies" else family
        zones.append(_of_formats(elsewhere, others, seen_from))
    return tuple(zones)


def family_of(action: str, *, on_object: bool) -> Family:
    """What an action is on the writer's own bucket, key or account."""
    name = action.lower()
    service = name.partition(":")[0]
    level = access_level(action)
    if service not in REFRESHED:
        return "identity" if name in _ACTING_AS_OTHERS else "services"
    if service in ("iam", "sts", "organizations"):
        return "services" if level in ("List", "Read") or name in _HARMLESS_STS else "identity"
    if service in _OTHER_STORES:
        return "other-buckets"
    if service == "kms":
        return "key" if level in ("List", "Read") or name in _USING else "key-control"
    if name in _DELETING:
        return "delete"
    if level == "Permissions":
        return "policies"
    if level == "Read" and on_object:
        return "read"
    return "list" if level in ("List", "Read") else "settings"


_ACTING_AS_OTHERS = frozenset(
    {
        "cloudformation:createchangeset",
        "cloudformation:executechangeset",
        "cloudformation:updatestack",
        "cloudformation:updatestackset",
        "codebuild:startbuild",
        "codebuild:startbuildbatch",
        "codebuild:updateproject",
        "cognito-identity:setidentitypoolroles",
        "datapipeline:putpipelinedefinition",
        "ec2-instance-connect:sendserialconsolesshpublickey",
        "ec2-instance-connect:sendsshpublickey",
        "ec2:modifyinstanceattribute",
        "ec2:replaceiaminstanceprofileassociation",
        "ecs:executecommand",
        "eks:associateaccesspolicy",
        "eks:createaccessentry",
        "glue:updatedevendpoint",
        "glue:updatejob",
        "lambda:updatefunctioncode",
        "lambda:updatefunctionconfiguration",
        "rolesanywhere:createtrustanchor",
        "rolesanywhere:updateprofile",
        "rolesanywhere:updatetrustanchor",
        "sagemaker:createpresigneddomainurl",
        "sagemaker:createpresignednotebookinstanceurl",
        "ssm:resumesession",
        "ssm:sendcommand",
        "ssm:startautomationexecution",
        "ssm:startsession",
        "sso:attachmanagedpolicytopermissionset",
        "sso:createaccountassignment",
        "sso:putinlinepolicytopermissionset",
        "states:updatestatemachine",
    }
)
"""Actions of other services by which one acts with a role that something there already has, without `iam:PassRole`.

Source: https://rhinosecuritylabs.com/aws/aws-privilege-escalation-methods-mitigation/ and the services' documentation.
"""

_USING = frozenset(
    {
        "kms:decapsulate",
        "kms:decrypt",
        "kms:derivesharedsecret",
        "kms:encapsulate",
        "kms:encrypt",
        "kms:generatedatakey",
        "kms:generatedatakeypair",
        "kms:generatedatakeypairwithoutplaintext",
        "kms:generatedatakeywithoutplaintext",
        "kms:generatemac",
        "kms:reencryptfrom",
        "kms:reencryptto",
        "kms:sign",
        "kms:verify",
        "kms:verifymac",
    }
)


def _exactly(family: Family, resource: str) -> Zone:
    return Zone(family, (Region((literal(resource),)),), (resource,), exact=True)


_NO_RESOURCE = Region((literal("*"),))


@lru_cache(maxsize=16)
def _elsewhere(partition: str, family: Family) -> tuple[Zone, ...]:
    """Where other services' actions can be: on no one resource, or on any ARN but those of the services known here."""
    known = tuple(f"arn:{partition}:{service}:*" for service in REFRESHED)
    return (Zone(family, (_NO_RESOURCE, Region((f"arn:{partition}:*:*:*:?*",), known)), ("*",)),)


def _objects(family: Family, place: Place) -> list[Zone]:
    bucket, prefix = literal(place.bucket_arn), literal(place.prefix)
    own = Region((f"{bucket}/{prefix}*",))
    beside = Region((f"{bucket}/*",), own.inside)
    other = Region((f"arn:{place.partition}:s3:::?*/?*",), (f"{bucket}/*",))
    return [
        Zone(family, (own,), tuple(f"{place.bucket_arn}/{place.prefix}{name}" for name in ("RT0", "a"))),
        Zone("other-prefixes", (beside,), (f"{place.bucket_arn}/another-prefix/RT0", f"{place.bucket_arn}/a")),
        Zone("other-buckets", (other,), (f"arn:{place.partition}:s3:::another-bucket/RT0",)),
    ]


def _buckets(family: Family, place: Place) -> list[Zone]:
    every = f"arn:{place.partition}:s3:::"
    other = Region((every + "?*",), (literal(place.bucket_arn), every + "*/*"))
    return [
        _exactly(family, place.bucket_arn),
        Zone("other-buckets", (other,), (every + "another-bucket",)),
    ]


def _keys(family: Family, seen_from: Surroundings) -> list[Zone]:
    place = seen_from.place
    own = () if place.key_arn is None else (literal(place.key_arn),)
    zone = _of_formats("other-keys", [_KEY], seen_from)
    others = Zone("other-keys", tuple(Region(r.inside, r.outside + own) for r in zone.regions), zone.samples)
    return [others] if place.key_arn is None else [_exactly(family, place.key_arn), others]


def _of_formats(family: Family, formats: list[str], seen_from: Surroundings) -> Zone:
    """Resources of the writer's account, or else of any: some policies name those of others."""
    own, region = seen_from.account, seen_from.region or "*"
    scopes = ((own, region), (own, "*"), ("9" * 12, "*"), ("?" * 12, "*"))
    regions = [_region(form, seen_from.place.partition, *scope) for scope in scopes for form in formats]
    samples = [_filled(form, seen_from.place.partition, own, seen_from.region or "any", "any") for form in formats]
    if any(seen_from.writer.startswith(sample.removesuffix("any")) for sample in samples):
        samples.insert(0, seen_from.writer)
    return Zone(family, tuple(dict.fromkeys(regions)), tuple(samples))


def _region(form: str, partition: str, account: str, region: str) -> Region:
    glob = _filled(form, partition, account, region, "?*")
    # A star may run past colons, and find the Region and account of an access point in the key of an object.
    without = ":".join(glob.split(":", 3)[:3]) + ("::*" if "${Region}" in form else ":::*")
    return Region((glob,), (without,) if "${Account}" in form else ())


def _filled(form: str, partition: str, account: str, region: str, other: str) -> str:
    known = {"Partition": partition, "Account": account, "Region": region}
    return re.sub(r"\$\{(\w+)\}", lambda found: known.get(found[1], other), form)
