"""Remedies as a CloudFormation template, in JSON with comments, which is YAML.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-s3-bucket.html
"""

import json
from collections.abc import Callable, Iterator, Mapping

from recordscan.errors import ConfigError
from recordscan.facts import Json
from recordscan.policy.formats import template_text
from recordscan.remedies.commands import about, header, left_over
from recordscan.remedies.plan import Plan, PlannedStep
from recordscan.remedy import reference

Properties = dict[str, Json]


def render_cloudformation(plan: Plan) -> str:
    """A template of the resources that the plan changes, with the properties that it changes, and no others.

    Raises:
        ConfigError: The steps are of several Regions, or a text of them cannot be written in CloudFormation.
    """
    regions = sorted({planned.step.region for planned in plan.final if planned.step.region is not None})
    if len(regions) > 1:
        raise ConfigError(f"a template is of one Region, and the plan of {', '.join(regions)}: name one by --region")
    template = _Template(plan)
    comments = [
        *header(plan, "cloudformation"),
        "# Buckets, keys and policies that are there must be imported into a stack, with all their properties, before",
        "# it can change them; each says here only what is to change. The deletion policy keeps them whatever happens.",
        "",
    ]
    for number, planned in enumerate(plan.final, start=1):
        comments += [*about(number, planned), *template.add(planned), "#"]
    comments += [*left_over(plan), ""]
    if not template.resources:
        return "\n".join([*comments, "# Nothing of the plan can be said in CloudFormation."]) + "\n"
    try:
        text = template_text({"AWSTemplateFormatVersion": "2010-09-09", "Resources": template.resources})
    except ValueError as error:
        raise ConfigError(f"the plan cannot be written in CloudFormation: {error}") from None
    return "\n".join([*comments, text])


class _Template:
    """The resources, put together step by step."""

    def __init__(self, plan: Plan) -> None:
        self.resources: dict[str, Json] = {}
        self._ids: dict[tuple[str, str], str] = {}
        outputs = [p.step.output.name for p in plan.final if p.step.output is not None]
        self._buckets = {
            p.step.parameters["Bucket"]: self._id("AWS::S3::Bucket", p.step.parameters["Bucket"])
            for p in plan.final
            if p.step.operation == "s3:CreateBucket"
        }
        self._made = {name: self._id("AWS::KMS::Key", reference(name)) for name in outputs}

    def add(self, planned: PlannedStep) -> Iterator[str]:
        """Take in a step; yields comments on what cannot be said."""
        step = planned.step
        operation, parameters = step.request()
        found = _PROPERTIES.get(operation)
        if found is None:
            yield f"# CloudFormation has nothing for {operation} on what is there: take this step by the AWS CLI or"
            yield "# curl (recordscan remedy -f cli)."
            return
        kind, identity, properties_of = found
        what = reference(step.output.name) if step.output is not None else _what(identity, parameters)
        logical = self._id(kind, what)
        resource = self.resources.setdefault(
            logical, {"Type": kind, "DeletionPolicy": "Retain", "UpdateReplacePolicy": "Retain", "Properties": {}}
        )
        try:
            resource["Properties"].update(self._referring(properties_of(parameters)))
        except _InexpressibleError as error:
            yield f"# CloudFormation cannot say {error}: take this step by the AWS CLI (recordscan remedy -f cli)."
        if not resource["Properties"]:
            del self.resources[logical]

    def _id(self, kind: str, what: str) -> str:
        if (kind, what) not in self._ids:
            self._ids[kind, what] = f"{kind.rpartition('::')[2]}{len(self._ids) + 1}"
        return self._ids[kind, what]

    def _referring(self, value: Json) -> Json:
        """A value whose references to outputs are those of CloudFormation."""
        if isinstance(value, dict):
            return {
                name: {"Ref": self._buckets[inner]}
                if name in ("Bucket", "DestinationBucketName") and inner in self._buckets
                else self._referring(inner)
                for name, inner in value.items()
            }
        if isinstance(value, list):
            return [self._referring(inner) for inner in value]
        for name, logical in self._made.items():
            if value == reference(name):
                return {"Fn::GetAtt": [logical, "Arn"]}
        return value


class _InexpressibleError(Exception):
    """CloudFormation has no property for it; the message says for what."""


def _what(identity: tuple[str, ...], parameters: Mapping[str, Json]) -> str:
    return "/".join(str(parameters[name]) for name in identity)


def _bucket(name: str, value: Callable[[Mapping[str, Json]], Json]) -> Callable[[Mapping[str, Json]], Properties]:
    return lambda parameters: {"BucketName": parameters["Bucket"], name: value(parameters)}


def _encryption(parameters: Mapping[str, Json]) -> Json:
    rules = []
    for rule in parameters["ServerSideEncryptionConfiguration"]["Rules"]:
        others = {name: value for name, value in rule.items() if name != "ApplyServerSideEncryptionByDefault"}
        rules.append({"ServerSideEncryptionByDefault": rule["ApplyServerSideEncryptionByDefault"], **others})
    return {"ServerSideEncryptionConfiguration": rules}


def _logging(parameters: Mapping[str, Json]) -> Json:
    enabled = parameters["BucketLoggingStatus"]["LoggingEnabled"]
    return {"DestinationBucketName": enabled["TargetBucket"], "LogFilePrefix": enabled["TargetPrefix"]}


def _lifecycle(parameters: Mapping[str, Json]) -> Json:
    rules = [_lifecycle_rule(rule) for rule in parameters["LifecycleConfiguration"]["Rules"]]
    smallest = parameters.get("TransitionDefaultMinimumObjectSize")
    return {"Rules": rules, **({} if smallest is None else {"TransitionDefaultMinimumObjectSize": smallest})}


_ALIKE = ("Status", "Prefix", "NoncurrentVersionExpiration", "AbortIncompleteMultipartUpload")


def _lifecycle_rule(rule: Mapping[str, Json]) -> Properties:
    found: Properties = {}
    for name, value in rule.items():
        if name in _ALIKE:
            found[name] = value
        elif name == "ID":
            found["Id"] = value
        elif name == "Filter":
            found.update(_filter(value))
        elif name == "Expiration":
            names = {"Days": "ExpirationInDays", "Date": "ExpirationDate"}
            found.update({names.get(member, member): inner for member, inner in value.items()})
        elif name == "Transitions":
            found[name] = [_renamed(item, Days="TransitionInDays", Date="TransitionDate") for item in value]
        elif name == "NoncurrentVersionTransitions":
            found[name] = [_renamed(item, NoncurrentDays="TransitionInDays") for item in value]
        else:
            raise _InexpressibleError(f"{name} of a lifecycle rule")
    return found


def _filter(value: Mapping[str, Json]) -> Properties:
    found: Properties = {}
    for name, inner in {**value, **(value.get("And") or {})}.items():
        if name == "Prefix":
            found[name] = inner
        elif name == "Tag":
            found["TagFilters"] = [inner]
        elif name == "Tags":
            found["TagFilters"] = inner
        elif name in ("ObjectSizeGreaterThan", "ObjectSizeLessThan"):
            found[name] = str(inner)
        elif name != "And":
            raise _InexpressibleError(f"the filter {name} of a lifecycle rule")
    return found


def _renamed(value: Mapping[str, Json], **names: str) -> Properties:
    return {names.get(name, name): inner for name, inner in value.items()}


def _inline(kind: str, holder: str) -> tuple[str, tuple[str, ...], Callable[[Mapping[str, Json]], Properties]]:
    def properties(parameters: Mapping[str, Json]) -> Properties:
        document = json.loads(parameters["PolicyDocument"])
        return {holder: parameters[holder], "PolicyName": parameters["PolicyName"], "PolicyDocument": document}

    return f"AWS::IAM::{kind}", (holder, "PolicyName"), properties


_S3 = "AWS::S3::Bucket"
_PROPERTIES: Mapping[str, tuple[str, tuple[str, ...], Callable[[Mapping[str, Json]], Properties]]] = {
    "s3:CreateBucket": (_S3, ("Bucket",), lambda p: {"BucketName": p["Bucket"]}),
    "s3:PutBucketVersioning": (
        _S3,
        ("Bucket",),
        _bucket("VersioningConfiguration", lambda p: p["VersioningConfiguration"]),
    ),
    "s3:PutPublicAccessBlock": (
        _S3,
        ("Bucket",),
        _bucket("PublicAccessBlockConfiguration", lambda p: p["PublicAccessBlockConfiguration"]),
    ),
    "s3:PutBucketOwnershipControls": (_S3, ("Bucket",), _bucket("OwnershipControls", lambda p: p["OwnershipControls"])),
    "s3:PutBucketLogging": (_S3, ("Bucket",), _bucket("LoggingConfiguration", _logging)),
    "s3:PutBucketLifecycleConfiguration": (_S3, ("Bucket",), _bucket("LifecycleConfiguration", _lifecycle)),
    "s3:PutBucketEncryption": (_S3, ("Bucket",), _bucket("BucketEncryption", _encryption)),
    "s3:PutBucketPolicy": (
        "AWS::S3::BucketPolicy",
        ("Bucket",),
        lambda p: {"Bucket": p["Bucket"], "PolicyDocument": json.loads(p["Policy"])},
    ),
    "kms:CreateKey": (
        "AWS::KMS::Key",
        (),
        lambda p: {"Description": p["Description"], "KeyPolicy": json.loads(p["Policy"])},
    ),
    "kms:PutKeyPolicy": ("AWS::KMS::Key", ("KeyId",), lambda p: {"KeyPolicy": json.loads(p["Policy"])}),
    "kms:EnableKeyRotation": ("AWS::KMS::Key", ("KeyId",), lambda _: {"EnableKeyRotation": True}),
    "iam:PutUserPolicy": _inline("UserPolicy", "UserName"),
    "iam:PutGroupPolicy": _inline("GroupPolicy", "GroupName"),
    "iam:CreatePolicy": (
        "AWS::IAM::ManagedPolicy",
        ("PolicyName",),
        lambda p: {"ManagedPolicyName": p["PolicyName"], "PolicyDocument": json.loads(p["PolicyDocument"])},
    ),
}
"""Operation → type of resource, the parameters that tell it from others, and its properties."""
