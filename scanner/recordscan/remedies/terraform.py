"""Remedies as resources of Terraform's AWS provider, in the layout of `terraform fmt`.

Resources of the provider that stand for one setting overwrite what is there when they are created, as the API does.

Source: https://registry.terraform.io/providers/hashicorp/aws/latest/docs
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from recordscan.facts import Json
from recordscan.policy.formats import hcl_text, hcl_value
from recordscan.remedies.commands import about, header, left_over
from recordscan.remedies.plan import Plan, PlannedStep
from recordscan.remedy import reference

_INDENT = "  "


@dataclass(frozen=True, slots=True)
class _Block:
    """A block of a resource; `members` are attributes, as values of JSON, and blocks."""

    name: str
    members: "Sequence[_Member]"


_Member = tuple[str, Json] | _Block


@dataclass(frozen=True, slots=True)
class _Document:
    """A policy, which is written as an expression, not as a text."""

    value: Json


def render_terraform(plan: Plan) -> str:
    """Resources to be added to a configuration, or to be held against those that are in it."""
    lines = [
        *header(plan, "terraform"),
        "# Where a configuration manages one of these settings already, change it there: two resources for one setting",
        "# undo each other. The argument `region` needs version 6 of the provider. Terraform takes steps in an order",
        "# of its own: add the resources in the order of this plan, and apply after each word in brackets that is new.",
        "",
    ]
    names = _Names()
    keys = {p.step.output.name: names.of("aws_kms_key", p.step.output.name) for p in plan.final if p.step.output}
    made = {p.step.parameters["Bucket"] for p in plan.final if p.step.operation == "s3:CreateBucket"}
    buckets = {name: names.of("aws_s3_bucket", name) for name in sorted(made)}
    rotated = {p.step.parameters.get("KeyId") for p in plan.final if p.step.operation == "kms:EnableKeyRotation"}
    for number, planned in enumerate(plan.final, start=1):
        lines += [*about(number, planned), *_resource(planned, names, keys, buckets, rotated), ""]
    text = "\n".join([*lines, *left_over(plan)]).rstrip("\n") + "\n"
    for name, key in keys.items():
        text = text.replace(f'"{reference(name)}"', f"aws_kms_key.{key}.arn")
    return text


class _Names:
    """Names of resources, each given once."""

    def __init__(self) -> None:
        self._taken: set[tuple[str, str]] = set()

    def of(self, kind: str, what: str) -> str:
        """A name for a resource of a kind."""
        stem = "r_" + re.sub(r"[^a-z0-9]+", "_", what.lower()).strip("_")
        name, number = stem, 2
        while (kind, name) in self._taken:
            name, number = f"{stem}_{number}", number + 1
        self._taken.add((kind, name))
        return name


def _resource(
    planned: PlannedStep, names: _Names, keys: Mapping[str, str], buckets: Mapping[str, str], rotated: set[Json]
) -> Iterator[str]:
    step = planned.step
    operation, parameters = step.request()
    if operation == "kms:EnableKeyRotation" and step.parameters["KeyId"] in map(reference, keys):
        yield "# The resource of the new key has it."
        return
    found = _RESOURCES.get(operation)
    if found is None:
        yield f"# Terraform has no resource for {operation} on what is there: take this step by the AWS CLI or curl"
        yield "# (recordscan remedy -f cli)."
        return
    kind, identity, members_of = found
    listed = list(members_of(parameters))
    if operation != "s3:CreateBucket":
        listed = [_referring(member, buckets) for member in listed]
    if step.region is not None and not operation.startswith("iam:"):
        listed.insert(0, ("region", step.region))
    if step.output is not None:
        name = keys[step.output.name]
        listed += [("enable_key_rotation", True)] if reference(step.output.name) in rotated else []
    elif operation == "s3:CreateBucket":
        name = buckets[parameters["Bucket"]]
    else:
        name = names.of(kind, "_".join(str(parameters[part]) for part in identity))
    if operation == "iam:UpdateAccessKey":
        # Without this, Terraform would make another key.
        yield from _layout(_Block("import", [("to", _Expression(f"{kind}.{name}")), ("id", parameters["AccessKeyId"])]))
        yield ""
    yield from _layout(_Block(f'resource "{kind}" "{name}"', listed))


@dataclass(frozen=True, slots=True)
class _Expression:
    text: str


def _referring(member: _Member, buckets: Mapping[str, str]) -> _Member:
    """A member that names a bucket which the plan makes, as a reference to it, so that it is made first."""
    if isinstance(member, tuple) and member[0] in ("bucket", "target_bucket") and member[1] in buckets:
        return member[0], _Expression(f"aws_s3_bucket.{buckets[member[1]]}.id")
    return member


def _layout(block: _Block, indent: str = "") -> Iterator[str]:
    """The lines of a block: attributes of one line aligned, then those of several, then blocks, a line between."""
    deeper = indent + _INDENT
    attributes = [member for member in block.members if isinstance(member, tuple)]
    short = [(name, _expression(value, deeper)) for name, value in attributes if not isinstance(value, _Document)]
    long = [(name, _expression(value, deeper)) for name, value in attributes if isinstance(value, _Document)]
    width = max((len(name) for name, _ in short), default=0)
    parts = [[f"{deeper}{name:{width}} = {text}" for name, text in short]] if short else []
    parts += [[f"{deeper}{name} = {text}"] for name, text in long]
    parts += [list(_layout(member, deeper)) for member in block.members if isinstance(member, _Block)]
    yield f"{indent}{block.name} {{"
    for i, part in enumerate(parts):
        yield from ["", *part] if i else part
    yield f"{indent}}}"


def _expression(value: Json, indent: str) -> str:
    if isinstance(value, _Expression):
        return value.text
    if isinstance(value, _Document):
        return f"jsonencode({hcl_value(value.value, indent)})"
    if isinstance(value, _Map):
        return "{ " + ", ".join(f"{hcl_text(k)} = {hcl_text(v)}" for k, v in value.value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(_expression(item, indent) for item in value) + "]"
    return hcl_value(value, indent)


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


def _members(value: Mapping[str, Json]) -> Iterator[_Member]:
    """Members of a structure of the API as the provider has them: objects are blocks, and lists of them repeat."""
    for name, inner in value.items():
        if isinstance(inner, dict):
            yield _Block(_snake(name), list(_members(inner)))
        elif isinstance(inner, list) and not isinstance(inner, _Map) and all(isinstance(item, dict) for item in inner):
            yield from (_Block(_snake(name).removesuffix("s"), list(_members(item))) for item in inner)
        else:
            yield _snake(name), inner


def _tags(rule: Mapping[str, Json]) -> Mapping[str, Json]:
    """A lifecycle rule as the provider names its members; tags that are joined by `And` are a map there."""
    joined = (rule.get("Filter") or {}).get("And")
    named = {("Id" if name == "ID" else name): value for name, value in rule.items()}
    if joined and joined.get("Tags"):
        tags = _Map({tag["Key"]: tag["Value"] for tag in joined["Tags"]})
        named["Filter"] = {"And": {**joined, "Tags": tags}}
    return named


class _Map(list[Json]):
    """A map as an attribute; no dict, which would be a block."""

    def __init__(self, value: Mapping[str, str]) -> None:
        super().__init__()
        self.value = value


def _lifecycle(parameters: Mapping[str, Json]) -> Iterator[_Member]:
    yield "bucket", parameters["Bucket"]
    smallest = parameters.get("TransitionDefaultMinimumObjectSize")
    if smallest is not None:
        yield "transition_default_minimum_object_size", smallest
    for rule in parameters["LifecycleConfiguration"]["Rules"]:
        yield _Block("rule", list(_members(_tags(rule))))


def _encryption(parameters: Mapping[str, Json]) -> Iterator[_Member]:
    yield "bucket", parameters["Bucket"]
    for rule in parameters["ServerSideEncryptionConfiguration"]["Rules"]:
        default = rule["ApplyServerSideEncryptionByDefault"]
        attributes: list[_Member] = (
            [("bucket_key_enabled", rule["BucketKeyEnabled"])] if "BucketKeyEnabled" in rule else []
        )
        blocked = (rule.get("BlockedEncryptionTypes") or {}).get("EncryptionType")
        attributes += [("blocked_encryption_types", blocked)] if blocked else []
        names = {"SSEAlgorithm": "sse_algorithm", "KMSMasterKeyID": "kms_master_key_id"}
        inner: list[_Member] = [(names.get(name, _snake(name)), value) for name, value in default.items()]
        yield _Block("rule", [*attributes, _Block("apply_server_side_encryption_by_default", inner)])


def _acl(parameters: Mapping[str, Json]) -> Iterator[_Member]:
    policy = parameters["AccessControlPolicy"]
    grants: list[_Member] = []
    for grant in policy["Grants"]:
        grantee: list[_Member] = [(name.lower(), value) for name, value in grant["Grantee"].items()]
        grants.append(_Block("grant", [("permission", grant["Permission"]), _Block("grantee", grantee)]))
    yield "bucket", parameters["Bucket"]
    yield _Block("access_control_policy", [*grants, _Block("owner", [("id", policy["Owner"]["ID"])])])


def _named(**names: str) -> Callable[[Mapping[str, Json]], Iterator[_Member]]:
    """Attributes of parameters by name; those that hold JSON text become expressions."""

    def members(parameters: Mapping[str, Json]) -> Iterator[_Member]:
        for name, parameter in names.items():
            value = parameters[parameter]
            yield name, _Document(json.loads(value)) if parameter in ("Policy", "PolicyDocument") else value

    return members


def _of_bucket(parameter: str) -> Callable[[Mapping[str, Json]], Iterator[_Member]]:
    """The bucket, and the members of one parameter."""

    def members(parameters: Mapping[str, Json]) -> Iterator[_Member]:
        yield "bucket", parameters["Bucket"]
        yield from _members(parameters[parameter])

    return members


def _versioning(parameters: Mapping[str, Json]) -> Iterator[_Member]:
    yield "bucket", parameters["Bucket"]
    yield _Block("versioning_configuration", [("status", parameters["VersioningConfiguration"]["Status"])])


def _logging(parameters: Mapping[str, Json]) -> Iterator[_Member]:
    enabled = parameters["BucketLoggingStatus"]["LoggingEnabled"]
    yield "bucket", parameters["Bucket"]
    yield "target_bucket", enabled["TargetBucket"]
    yield "target_prefix", enabled["TargetPrefix"]


_S3 = "aws_s3_bucket_"
_RESOURCES: Mapping[str, tuple[str, Sequence[str], Callable[[Mapping[str, Json]], Iterator[_Member]]]] = {
    "s3:CreateBucket": ("aws_s3_bucket", ["Bucket"], _named(bucket="Bucket")),
    "s3:PutBucketVersioning": (f"{_S3}versioning", ["Bucket"], _versioning),
    "s3:PutPublicAccessBlock": (
        f"{_S3}public_access_block",
        ["Bucket"],
        _of_bucket("PublicAccessBlockConfiguration"),
    ),
    "s3:PutBucketOwnershipControls": (f"{_S3}ownership_controls", ["Bucket"], _of_bucket("OwnershipControls")),
    "s3:PutBucketAcl": (f"{_S3}acl", ["Bucket"], _acl),
    "s3:PutBucketLogging": (f"{_S3}logging", ["Bucket"], _logging),
    "s3:PutBucketLifecycleConfiguration": (f"{_S3}lifecycle_configuration", ["Bucket"], _lifecycle),
    "s3:PutBucketPolicy": (f"{_S3}policy", ["Bucket"], _named(bucket="Bucket", policy="Policy")),
    "s3:PutBucketEncryption": (f"{_S3}server_side_encryption_configuration", ["Bucket"], _encryption),
    "kms:CreateKey": ("aws_kms_key", [], _named(description="Description", policy="Policy")),
    "kms:PutKeyPolicy": ("aws_kms_key_policy", ["KeyId"], _named(key_id="KeyId", policy="Policy")),
    "iam:PutUserPolicy": (
        "aws_iam_user_policy",
        ["UserName", "PolicyName"],
        _named(user="UserName", name="PolicyName", policy="PolicyDocument"),
    ),
    "iam:PutGroupPolicy": (
        "aws_iam_group_policy",
        ["GroupName", "PolicyName"],
        _named(group="GroupName", name="PolicyName", policy="PolicyDocument"),
    ),
    "iam:CreatePolicy": ("aws_iam_policy", ["PolicyName"], _named(name="PolicyName", policy="PolicyDocument")),
    "iam:UpdateAccessKey": ("aws_iam_access_key", ["AccessKeyId"], _named(user="UserName", status="Status")),
}
"""Operation → kind of resource, the parameters that tell it from others, and its arguments."""
