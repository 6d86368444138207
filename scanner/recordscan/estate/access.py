"""Access: what a principal may do to a target's objects, bucket and key, decided over every layer of policies.

What is known of a request is put into its context, and what an upload by Twilio surely does not have is left out of it;
all else is unknown: addresses, endpoints and headers of Twilio's uploader are documented nowhere.

Sources:
    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
    https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html
"""

from collections.abc import Mapping
from dataclasses import replace

from recordscan.estate.bucket import Bucket
from recordscan.estate.key import KmsKey
from recordscan.estate.organization import Organization
from recordscan.estate.principal import Principal
from recordscan.estate.target import Target, bucket_of, key_of, location_of
from recordscan.facts import Fact, Known, Reason, Unavailable, derive, need
from recordscan.policy.authorize import Decision, Layers, Level, authorize
from recordscan.policy.request import Context, Request, Requester
from recordscan.policy.rows import Policy

SAMPLE = "RT00000000000000000000000000000000.mka"
"""Name of the object that an upload is tried with; Twilio documents no names of external objects."""

_NOT_OF_LONG_TERM_KEYS = frozenset(
    {
        "aws:assumedroot",
        "aws:federatedprovider",
        "aws:multifactorauthage",
        "aws:multifactorauthpresent",
        "aws:principalservicename",
        "aws:principalservicenameslist",
        "aws:sourceaccount",
        "aws:sourcearn",
        "aws:sourceidentity",
        "aws:sourceorgid",
        "aws:sourceorgpaths",
        "aws:sourceowner",
        "aws:tokenissuetime",
    }
)
"""Keys of sessions and of requests that services make for somebody."""


def object_arn(target: Target, name: str = SAMPLE) -> str:
    """ARN of an object under the target's prefix."""
    return f"{bucket_of(target).arn}/{location_of(target).key_prefix}{name}"


def may_on_bucket(
    principal: Principal, action: str, resource: str, target: Target, *, known: Mapping[str, str] | None = None
) -> Fact[Decision]:
    """Whether a principal may do something to the target's bucket or to objects in it.

    Args:
        principal: Who.
        action: S3 action.
        resource: ARN of the bucket or of an object.
        target: The target.
        known: More condition keys of the request, beside those of the principal.
    """

    def compute() -> Decision:
        bucket = bucket_of(target)
        owner = need(bucket.owner)
        requester = principal.requester
        request = Request(
            requester=requester,
            action=action,
            resource=resource,
            resource_account=owner,
            context=context_for(principal, owner, target.organization, known or {}),
        )
        return need(authorize(request, bucket_layers(principal, bucket, owner, target.organization)))

    return derive(compute)


def may_on_key(
    principal: Principal, action: str, target: Target, *, through_s3: bool = True, name: str = SAMPLE
) -> Fact[Decision]:
    """Whether a principal may use the target's KMS key.

    Args:
        principal: Who.
        action: KMS action.
        target: The target.
        through_s3: S3 asks in the principal's name, for an object under the prefix; otherwise the principal does.
        name: Of that object.
    """

    def compute() -> Decision:
        key = key_of(target)
        arn = need(key.arn)
        owner = arn.split(":")[4]
        known = _s3_context(target, name) if through_s3 else {}
        known["kms:CallerAccount"] = principal.requester.account or ""
        request = Request(
            requester=principal.requester,
            action=action,
            resource=arn,
            resource_account=owner,
            context=context_for(principal, owner, target.organization, known),
        )
        return need(authorize(request, key_layers(principal, key, owner, target.organization)))

    return derive(compute)


def bucket_layers(principal: Principal, bucket: Bucket, owner: str, organization: Organization) -> Layers:
    """Every policy that bears on what a principal does to a bucket."""
    policy = derive(lambda: None if (document := need(bucket.policy)) is None else Policy("bucket policy", document))
    return replace(
        _layers(principal, owner, organization),
        resource=policy,
        restrict_public_buckets=bucket.effective("RestrictPublicBuckets"),
    )


def key_layers(principal: Principal, key: KmsKey, owner: str, organization: Organization) -> Layers:
    """Every policy that bears on what a principal does with a KMS key."""
    policy = derive(lambda: None if (document := need(key.policy)) is None else Policy("key policy", document))
    return replace(
        _layers(principal, owner, organization),
        resource=policy,
        grants=derive(lambda: tuple(found.grant for found in need(key.grants))),
    )


def _layers(principal: Principal, owner: str, organization: Organization) -> Layers:
    # RCPs are those of the resource's account, and only the principal's own account is read.
    rcps: Fact[tuple[Level, ...]] = organization.rcps
    if owner != principal.requester.account:
        rcps = Unavailable(Reason.UNDECIDABLE, f"the resource control policies of account {owner} are not read")
    return Layers(identity=principal.identity, boundary=principal.boundary, scps=organization.scps, rcps=rcps)


def context_for(
    principal: Principal,
    owner: str,
    organization: Organization,
    known: Mapping[str, str],
    alternatives: Mapping[str, tuple[str, ...]] | None = None,
) -> Context:
    """The condition keys of a request as far as they are known.

    Args:
        principal: Who asks.
        owner: Account that owns the resource.
        organization: Of the principal's account.
        known: Keys of this request.
        alternatives: Keys that it has with one of several values; in lower case.
    """
    requester = principal.requester
    present = {
        "aws:PrincipalArn": requester.arn,
        "aws:PrincipalAccount": requester.account or "",
        "aws:PrincipalIsAWSService": "false",
        "aws:PrincipalType": "User" if requester.kind == "user" else "AssumedRole",
        "aws:ResourceAccount": owner,
        "s3:ResourceAccount": owner,
        **known,
    }
    absent: set[str] = set()
    if requester.kind == "user":
        present["aws:username"] = requester.arn.rpartition("/")[2]
        absent |= _NOT_OF_LONG_TERM_KEYS
        if isinstance(principal.tags, Known):
            present |= {f"aws:PrincipalTag/{name}": value for name, value in principal.tags.value.items()}
            absent.add("aws:principaltag/")
    _add_organization(organization, present, absent, same_account=owner == requester.account)
    return Context(
        present={key.lower(): (value,) for key, value in present.items()},
        complete=False,
        absent=frozenset(absent),
        alternatives=alternatives or {},
    )


def _add_organization(
    organization: Organization, present: dict[str, str], absent: set[str], *, same_account: bool
) -> None:
    if not isinstance(organization.id, Known):
        return
    if organization.id.value is None:
        absent |= {"aws:principalorgid", "aws:principalorgpaths"}
        absent |= {"aws:resourceorgid", "aws:resourceorgpaths"} if same_account else set()
        return
    present["aws:PrincipalOrgID"] = organization.id.value
    if same_account:
        present["aws:ResourceOrgID"] = organization.id.value


def _s3_context(target: Target, name: str) -> dict[str, str]:
    """What S3 adds when it asks KMS: with S3 Bucket Keys the encryption context is the bucket's ARN."""
    bucket = bucket_of(target)
    region = need(bucket.region)
    suffix = "amazonaws.com.cn" if bucket.arn.startswith("arn:aws-cn:") else "amazonaws.com"
    about = bucket.arn if need(bucket.encryption).bucket_key else object_arn(target, name)
    return {"kms:ViaService": f"s3.{region}.{suffix}", "kms:EncryptionContext:aws:s3:arn": about}


def requester_label(requester: Requester) -> str:
    """How to name a principal in messages: `the IAM user uploader`, `the role audit`."""
    name = requester.arn.rpartition("/")[2]
    return f"the IAM user {name}" if requester.kind == "user" else f"the role {name}"
