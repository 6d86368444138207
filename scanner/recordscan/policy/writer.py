"""The user that uploads recordings, with all policies that bear on it, and what it would be told when it asks.

An auditor has no request. So each is made as favourable as the user can make it: with TLS, from the bucket's Region,
and with everything open that is not known.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TypeAlias

from recordscan.facts import Fact, Known, Unavailable
from recordscan.policy.authorize import Decision, Layers, decide
from recordscan.policy.families import Surroundings
from recordscan.policy.request import Context, Request, Requester
from recordscan.policy.rows import Policy
from recordscan.policy.template import Place, delegation

Circumstances: TypeAlias = Callable[[str | None, Mapping[str, str]], Context]
"""What is known of a requester's requests, by the account that owns the resource, if known, and by condition keys."""

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
        circumstances: Makes the context of a request.
        also: Other places where it is to put recordings.
        region: Of the bucket; None where it is not known.
    """

    requester: Requester
    place: Place
    account: str
    on_bucket: Layers
    circumstances: Circumstances
    on_key: Layers | None = None
    also: tuple[Place, ...] = ()
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
        assumed = Policy("assumed", delegation(self.requester.account)) if self.assumption(action, resource) else None
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
        return self._stated_owner(resource) or self.requester.account or self.account

    def _stated_owner(self, resource: str) -> str | None:
        if self._in_bucket(resource):
            return self.account
        parts = resource.split(":", 5)
        stated = parts[4] if len(parts) == 6 else ""
        return stated if stated.isdecimal() else None

    def request(self, question: Question) -> Request:
        """The request, with what is known of its circumstances."""
        context = self.circumstances(self._stated_owner(question.resource), dict(self._known(question)))
        if not question.through_s3:
            context = replace(context, absent=context.absent | {"kms:viaservice"})
        return Request(
            requester=self.requester,
            action=question.action,
            resource=question.resource,
            resource_account=self.owner(question.resource),
            context=context,
        )

    def ask(self, question: Question) -> Decision:
        """How AWS decides."""
        return decide(self.request(question), self.layers(question.action, question.resource))

    def _in_bucket(self, resource: str) -> bool:
        return resource == self.place.bucket_arn or resource.startswith(self.place.bucket_arn + "/")

    def _known(self, question: Question) -> Iterator[tuple[str, str]]:
        service = question.action.partition(":")[0].lower()
        yield "aws:SecureTransport", "true"
        if self.region is not None and service not in _GLOBAL:
            yield "aws:RequestedRegion", self.region
        if service == "s3":
            yield "s3:TlsVersion", "1.3"
        if service == "kms":
            if self.requester.account is not None:
                yield "kms:CallerAccount", self.requester.account
            if question.through_s3:
                yield from self._of_s3(question)

    def _of_s3(self, question: Question) -> Iterator[tuple[str, str]]:
        # https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html#encryption-context
        region = self.region or _region_of(question.resource)
        if region is not None and self.place.partition in ("aws", "aws-us-gov"):
            yield "kms:ViaService", f"s3.{region}.amazonaws.com"
        arn = self.place.bucket_arn if question.bucket_key else f"{self.place.bucket_arn}/{self.place.prefix}RT0"
        yield "kms:EncryptionContext:aws:s3:arn", arn
        yield "kms:EncryptionContextKeys", "aws:s3:arn"


def _region_of(key_arn: str) -> str | None:
    """KMS keys that S3 uses are in the bucket's Region."""
    parts = key_arn.split(":", 5)
    return parts[3] or None if len(parts) == 6 else None
