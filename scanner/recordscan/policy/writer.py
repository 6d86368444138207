"""The user that uploads recordings, with all policies that bear on it, and what it would be told when it asks.

An auditor has no request. So each is made as favourable as the user can make it: with TLS, from the bucket's Region,
and with everything open that is not known.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from recordscan.facts import Fact, Known, Unavailable
from recordscan.policy.authorize import Decision, Layers, decide
from recordscan.policy.documents import load_policy
from recordscan.policy.families import Surroundings
from recordscan.policy.request import Context, Request, Requester
from recordscan.policy.rows import Policy
from recordscan.policy.template import Place

_NOT_OF_PRINCIPALS = frozenset(
    {
        "aws:sourcearn",
        "aws:sourceaccount",
        "aws:sourceorgid",
        "aws:sourceorgpaths",
        "aws:principalservicename",
        "aws:principalservicenameslist",
    }
)
"""Keys of requests that AWS services make for themselves."""

_GLOBAL = frozenset({"iam", "sts", "organizations"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is asked.

    Attributes:
        action: The action.
        resource: ARN of the resource, or `*`.
        through_s3: Whether S3 asks for the writer, as it does of a KMS key when an object is written.
        bucket_key: Whether it then asks for the bucket, not for each object.
    """

    action: str
    resource: str
    through_s3: bool = False
    bucket_key: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Writer:
    """A writer of recordings.

    Attributes:
        requester: Who it is.
        place: Where it is to put recordings.
        account: Account that owns the bucket.
        on_bucket: Policies on its requests on the bucket and the objects; `resource` is the bucket policy.
        on_key: Policies on its requests on the key; `resource` is the key policy. None where they are not known: then
            the key is taken to have a policy that delegates to the writer's account.
        region: Of the bucket; None where it is not known.
    """

    requester: Requester
    place: Place
    account: str
    on_bucket: Layers
    on_key: Layers | None = None
    region: str | None = None

    @property
    def surroundings(self) -> Surroundings:
        """What its zones are seen from."""
        return Surroundings(self.place, self.requester.account or self.account, self.requester.arn, self.region)

    @property
    def read(self) -> tuple[Known[object], ...]:
        """Every layer that could be read."""
        found = [fact for layers in (self.on_bucket, self.on_key) if layers is not None for fact in layers.facts]
        return tuple(fact for fact in found if isinstance(fact, Known))

    @property
    def unread(self) -> tuple[Unavailable, ...]:
        """Layers that could not be read and might grant something that is not told."""
        granting: list[Fact[object]] = [self.on_bucket.identity, self.on_bucket.resource]
        if self.on_key is not None:
            granting += [self.on_key.resource, self.on_key.grants]
        return tuple(fact for fact in granting if isinstance(fact, Unavailable))

    def layers(self, action: str, resource: str) -> Layers:
        """The policies that bear on a request. Of resources elsewhere no policy is known."""
        if self._in_bucket(resource):
            return self.on_bucket
        if resource == self.place.key_arn and self.on_key is not None:
            return self.on_key
        assumed = _delegating(self.requester.account) if self.assumption(action, resource) else None
        same = self.owner(resource) == self.account
        return replace(
            self.on_bucket,
            resource=Known(assumed),
            grants=Known(()),
            restrict_public_buckets=Known(False),
            rcps=self.on_bucket.rcps if same else Known(()),
        )

    def assumption(self, action: str, resource: str) -> str | None:
        """What is taken for granted of the resource, as its policy is not known; None for nothing."""
        if resource == self.place.key_arn and self.on_key is not None:
            return None
        if self.request(Question(action=action, resource=resource)).on_kms_key:
            return "the policy of the key delegates to the account"
        if action.lower() == "sts:assumerole":
            return "the role trusts the account"
        if self.owner(resource) != self.requester.account and not self._in_bucket(resource):
            return "the other account allows it, too"
        return None

    def owner(self, resource: str) -> str:
        """Account that owns a resource; the writer's own for what does not say."""
        if self._in_bucket(resource):
            return self.account
        parts = resource.split(":", 5)
        stated = parts[4] if len(parts) == 6 else ""
        return stated if stated.isdecimal() else self.requester.account or self.account

    def request(self, question: Question) -> Request:
        """The request, with what is known of its circumstances."""
        return Request(
            requester=self.requester,
            action=question.action,
            resource=question.resource,
            resource_account=self.owner(question.resource),
            context=Context(
                present={key: (value,) for key, value in self._known(question)},
                complete=False,
                absent=_NOT_OF_PRINCIPALS if question.through_s3 else _NOT_OF_PRINCIPALS | {"kms:viaservice"},
            ),
        )

    def ask(self, question: Question) -> Decision:
        """How AWS decides."""
        return decide(self.request(question), self.layers(question.action, question.resource))

    def _in_bucket(self, resource: str) -> bool:
        return resource == self.place.bucket_arn or resource.startswith(self.place.bucket_arn + "/")

    def _known(self, question: Question) -> Iterator[tuple[str, str]]:
        requester = self.requester
        service = question.action.partition(":")[0].lower()
        yield "aws:securetransport", "true"
        yield "aws:principalisawsservice", "false"
        if requester.account is not None:
            yield "aws:principalaccount", requester.account
        if requester.kind in ("user", "role", "root"):
            yield "aws:principalarn", requester.arn
        if requester.kind == "user":
            yield "aws:principaltype", "User"
            yield "aws:username", requester.arn.rpartition("/")[2]
        if self.region is not None and service not in _GLOBAL:
            yield "aws:requestedregion", self.region
        if self._in_bucket(question.resource):
            yield "aws:resourceaccount", self.account
            yield "s3:resourceaccount", self.account
        if service == "kms":
            if requester.account is not None:
                yield "kms:calleraccount", requester.account
            if question.through_s3:
                yield from self._of_s3(question)

    def _of_s3(self, question: Question) -> Iterator[tuple[str, str]]:
        # https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html#encryption-context
        region = self.region or _region_of(question.resource)
        if region is not None and self.place.partition in ("aws", "aws-us-gov"):
            yield "kms:viaservice", f"s3.{region}.amazonaws.com"
        arn = self.place.bucket_arn if question.bucket_key else f"{self.place.bucket_arn}/{self.place.prefix}RT0"
        yield "kms:encryptioncontext:aws:s3:arn", arn
        yield "kms:encryptioncontextkeys", "aws:s3:arn"


def _region_of(key_arn: str) -> str | None:
    """KMS keys that S3 uses are in the bucket's Region."""
    parts = key_arn.split(":", 5)
    return parts[3] or None if len(parts) == 6 else None


def _delegating(account: str | None) -> Policy:
    statement = {"Effect": "Allow", "Principal": {"AWS": account or "*"}, "Action": "*", "Resource": "*"}
    return Policy("assumed", load_policy({"Version": "2012-10-17", "Statement": statement}, kind="resource"))
