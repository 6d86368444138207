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

_OF_A_SECOND_FACTOR = frozenset({"aws:multifactorauthage", "aws:multifactorauthpresent"})

ELSEWHERE = "elsewhere"
"""Stands for the id of any account of which nothing is known."""


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
            context=request_context(principal, owner, target.organization, known or {}),
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
        known = s3_context(target, object_arn(target, name)) if through_s3 else {}
        known["kms:CallerAccount"] = principal.requester.account or ""
        request = Request(
            requester=principal.requester,
            action=action,
            resource=arn,
            resource_account=owner,
            context=request_context(principal, owner, target.organization, known),
        )
        return need(authorize(request, key_layers(principal, key, owner, target.organization)))

    return derive(compute)


def bucket_layers(principal: Principal, bucket: Bucket, owner: str, organization: Organization) -> Layers:
    """Every policy that bears on what a principal does to a bucket."""
    policy = derive(lambda: None if (document := need(bucket.policy)) is None else Policy("bucket policy", document))
    return replace(
        principal_layers(principal, owner, organization),
        resource=policy,
        restrict_public_buckets=bucket.effective("RestrictPublicBuckets"),
    )


def key_layers(principal: Principal, key: KmsKey, owner: str, organization: Organization) -> Layers:
    """Every policy that bears on what a principal does with a KMS key."""
    policy = derive(lambda: None if (document := need(key.policy)) is None else Policy("key policy", document))
    layers = principal_layers(principal, owner, organization)
    return replace(
        layers,
        rcps=rcps_of_key(key, layers.rcps),
        resource=policy,
        grants=derive(lambda: tuple(found.grant for found in need(key.grants))),
    )


def rcps_of_key(key: KmsKey, rcps: Fact[tuple[Level, ...]]) -> Fact[tuple[Level, ...]]:
    """The resource control policies that bear on a key: on those that AWS manages none do.

    Source: https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_rcps.html
    """
    if isinstance(rcps, Known) and not rcps.value:
        return rcps
    return derive(lambda: () if need(key.manager) == "AWS" else need(rcps))


def principal_layers(principal: Principal, owner: str, organization: Organization) -> Layers:
    """The policies that bear on what a principal does to anything of an account, without those of the resource."""
    requester = principal.requester
    asking = requester.account
    of_owner, of_requester = (organization.of(account, asking=asking) for account in (owner, asking))
    # RCPs are those of the resource's account, SCPs those of the principal's; a service has none.
    rcps: Fact[tuple[Level, ...]] = Unavailable(
        Reason.UNDECIDABLE, f"the resource control policies of account {owner} are not read"
    )
    if of_owner is not None:
        rcps = of_owner.rcps
    scps: Fact[tuple[Level, ...] | None] = organization.scps
    if of_requester is not None:
        scps = of_requester.scps
    elif asking is not None:
        scps = Unavailable(Reason.UNDECIDABLE, f"the policies of {account_label(requester)} are not read")
    return Layers(identity=principal.identity, boundary=principal.boundary, scps=scps, rcps=rcps)


_TYPES = {"user": "User", "root": "Account", "federated": "FederatedUser", "anonymous": "Anonymous"}
_OF_PRINCIPALS = frozenset(
    {
        "aws:principalaccount",
        "aws:principalarn",
        "aws:principalorgid",
        "aws:principalorgpaths",
        "aws:principaltag/",
        "aws:username",
    }
)
"""Keys that only requests of AWS principals have."""


def request_context(
    principal: Principal,
    owner: str | None,
    organization: Organization,
    known: Mapping[str, str],
    *,
    second_factor: bool = False,
    alternatives: Mapping[str, tuple[str, ...]] | None = None,
) -> Context:
    """What is known of the circumstances of a principal's requests.

    Args:
        principal: Who asks.
        owner: Account id of the resource's owner; None where it is not known.
        organization: Those of the accounts that were scanned.
        known: More condition keys and their values.
        second_factor: Whether an IAM user may have shown one; an upload by Twilio with an access key has not.
        alternatives: Condition keys that the request has with one of several values; in lower case.
    """
    requester = principal.requester
    present = {} if owner is None else {"aws:ResourceAccount": owner, "s3:ResourceAccount": owner}
    absent: set[str] = set()
    if requester.kind == "service":
        present |= {"aws:PrincipalIsAWSService": "true", "aws:PrincipalServiceName": requester.arn}
        absent |= _OF_PRINCIPALS
    else:
        present["aws:PrincipalIsAWSService"] = "false"
    if requester.kind == "anonymous":
        absent |= _OF_PRINCIPALS | _NOT_OF_LONG_TERM_KEYS
    if requester.kind != "service" and requester.account != ELSEWHERE:
        present["aws:PrincipalType"] = _TYPES.get(requester.kind, "AssumedRole")
    if requester.account not in (None, ELSEWHERE):
        present["aws:PrincipalAccount"] = requester.account or ""
        if requester.kind != "session":  # its sessions go by the ARN of the role, whose path they do not have
            present["aws:PrincipalArn"] = requester.arn
    if requester.kind == "user":
        present["aws:username"] = requester.arn.rpartition("/")[2]
        absent |= _NOT_OF_LONG_TERM_KEYS - (_OF_A_SECOND_FACTOR if second_factor else frozenset())
        if isinstance(principal.tags, Known):
            present |= {f"aws:PrincipalTag/{name}": value for name, value in principal.tags.value.items()}
            absent.add("aws:principaltag/")
    _add_organization(organization, requester, owner, present, absent)
    present |= known
    return Context(
        present={key.lower(): (value,) for key, value in present.items()},
        complete=False,
        absent=frozenset(absent),
        alternatives=alternatives or {},
    )


def _add_organization(
    organization: Organization, requester: Requester, owner: str | None, present: dict[str, str], absent: set[str]
) -> None:
    ends = {"aws:PrincipalOrg": requester.account, "aws:ResourceOrg": owner}
    for end, account in ends.items():
        found = None if account is None else organization.of(account, asking=requester.account)
        if found is None or not isinstance(found.id, Known):
            continue
        if found.id.value is None:
            absent |= {f"{end.lower()}id", f"{end.lower()}paths"}
        else:
            present[f"{end}ID"] = found.id.value


def s3_context(target: Target, about: str) -> dict[str, str]:
    """What S3 adds when it asks KMS: with S3 Bucket Keys the encryption context is the bucket's ARN.

    Args:
        target: The target.
        about: ARN of the object.
    """
    bucket = bucket_of(target)
    region = need(bucket.region)
    suffix = "amazonaws.com.cn" if bucket.arn.startswith("arn:aws-cn:") else "amazonaws.com"
    about = bucket.arn if need(bucket.encryption).bucket_key else about
    return {"kms:ViaService": f"s3.{region}.{suffix}", "kms:EncryptionContext:aws:s3:arn": about}


def account_label(requester: Requester) -> str:
    """How to name a principal's account in messages."""
    return "the other account" if requester.account == ELSEWHERE else f"account {requester.account}"
