"""Requests: who asks for what, and what is known of the circumstances.

Truth is three-valued, as an auditor has no request before them: True, False, or None where it cannot be told.

Sources:
    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html
    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Final, Literal, TypeAlias

Truth: TypeAlias = bool | None
"""Kleene's three values; None is "cannot be told"."""


def any_of(truths: Iterable[Truth]) -> Truth:
    """Kleene's "or": True when one is True; None when none is, but one cannot be told."""
    result: Truth = False
    for truth in truths:
        if truth:
            return True
        if truth is None:
            result = None
    return result


def all_of(truths: Iterable[Truth]) -> Truth:
    """Kleene's "and": False when one is False; None when none is, but one cannot be told."""
    result: Truth = True
    for truth in truths:
        if truth is False:
            return False
        if truth is None:
            result = None
    return result


class Unknown(Enum):
    """The type of `UNKNOWN`."""

    UNKNOWN = "unknown"


UNKNOWN: Final = Unknown.UNKNOWN
"""A condition key of which it is not known whether the request has it, or with which value."""


@dataclass(frozen=True, slots=True)
class Context:
    """The condition keys of one request.

    Attributes:
        present: Values of each key that the request has; keys in lower case.
        complete: Whether a key that is not listed is absent. Otherwise it is unknown.
        alternatives: Keys that the request has with one of these values, it is not known which; keys in lower case.
        absent: Keys that are absent although the list is not complete; lower case. `aws:principaltag/` stands for all
            that begin so.
    """

    present: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    complete: bool = True
    absent: frozenset[str] = frozenset()
    alternatives: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def find(self, key: str) -> tuple[str, ...] | Unknown:
        """The values of a key, () where the request does not have it."""
        lower = key.lower()
        found = self.present.get(lower)
        if found is not None:
            return found
        if lower in self.alternatives:
            return UNKNOWN
        if self.complete or lower in self.absent or lower.partition("/")[0] + "/" in self.absent:
            return ()
        return UNKNOWN

    def each(self, key: str) -> Iterator["Context"]:
        """The contexts that are possible for a key with alternatives; none for any other key."""
        lower = key.lower()
        for value in self.alternatives.get(lower, ()):
            others = {name: values for name, values in self.alternatives.items() if name != lower}
            yield replace(self, present={**self.present, lower: (value,)}, alternatives=others)


def context_of(values: Mapping[str, str | Sequence[str]], *, complete: bool = True) -> Context:
    """A context from keys as AWS spells them to one value or several."""
    return Context(
        present={key.lower(): (value,) if isinstance(value, str) else tuple(value) for key, value in values.items()},
        complete=complete,
    )


RequesterKind: TypeAlias = Literal["user", "role", "session", "federated", "root", "service", "anonymous"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Requester:
    """Who asks.

    Attributes:
        kind: A `role` is any session of it; a `session` is one.
        arn: ARN of an AWS principal, host name of a service; "" for an anonymous caller.
        account: Account id of an AWS principal; None for others.
        role_name: Of a session the last part of its role's name: a session's ARN does not have the role's path.
    """

    kind: RequesterKind
    arn: str
    account: str | None
    role_name: str | None = None

    @property
    def service_linked(self) -> bool:
        """Whether it is a service-linked role, which neither SCPs nor RCPs bind.

        The ARN of a session lacks the path of its role, but the beginning of the names of these roles is reserved.
        Source: https://docs.aws.amazon.com/organizations/latest/APIReference/API_CreateAccount.html
        """
        return is_service_linked(self.arn) or (self.role_name or "").startswith("AWSServiceRoleFor")


ANONYMOUS = Requester(kind="anonymous", arn="", account=None)


def is_service_linked(arn: str) -> bool:
    """Whether an ARN is that of a service-linked role: such roles, and no others, have the path of services."""
    parts = arn.split(":", 5)
    return len(parts) == 6 and parts[2] == "iam" and parts[5].startswith("role/aws-service-role/")


_PRINCIPAL = re.compile(
    r"arn:[a-z-]+:(?:iam|sts)::(?P<account>\d{12}):"
    r"(?:(?P<root>root)|(?P<kind>user|role|assumed-role|federated-user)/(?P<name>.+))\Z",
    re.DOTALL,
)
_SERVICE = re.compile(r"[a-z0-9-]+(\.[a-z0-9-]+)*\.amazonaws\.com(\.cn)?\Z")
_KINDS: dict[str, RequesterKind] = {
    "user": "user",
    "role": "role",
    "assumed-role": "session",
    "federated-user": "federated",
}


def requester_of(principal: str) -> Requester:
    """Read the ARN of an IAM or STS principal, or the host name of a service.

    Raises:
        ValueError: It is neither.
    """
    found = _PRINCIPAL.match(principal)
    if found is None:
        if _SERVICE.match(principal):
            return Requester(kind="service", arn=principal, account=None)
        raise ValueError(f"{principal!r} is neither the ARN of a principal nor a service")
    account = found["account"]
    if found["root"]:
        return Requester(kind="root", arn=principal, account=account)
    kind = _KINDS[found["kind"]]
    role_name = found["name"].partition("/")[0] if kind == "session" else None
    return Requester(kind=kind, arn=principal, account=account, role_name=role_name)


_BY_TRUST = frozenset({"sts:assumerole", "sts:setsourceidentity", "sts:tagsession"})
"""Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_temp_control-access_monitor.html"""


_ON_ALIASES = frozenset({"kms:createalias", "kms:deletealias", "kms:updatealias"})
"""Source: https://docs.aws.amazon.com/kms/latest/developerguide/alias-access.html"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request.

    Attributes:
        requester: Who asks.
        action: IAM action, such as `s3:PutObject`.
        resource: ARN of the resource; `*` for actions that are about none.
        resource_account: Account that owns the resource: S3 ARNs do not tell.
        context: What is known of the circumstances.
    """

    requester: Requester
    action: str
    resource: str
    resource_account: str
    context: Context = field(default_factory=Context)

    @property
    def service(self) -> str:
        """The service, in lower case: `s3`."""
        return self.action.partition(":")[0].lower()

    @property
    def on_kms_key(self) -> bool:
        """Whether it is about one KMS key."""
        return self._kms_resource.startswith("key/") or self.by_alias

    @property
    def by_alias(self) -> bool:
        """Whether an alias stands for the KMS key that it is about: KMS decides on the key, which is not known."""
        return self._kms_resource.startswith("alias/") and self.action.lower() not in _ON_ALIASES

    @property
    def _kms_resource(self) -> str:
        parts = self.resource.split(":", 5)
        return parts[5] if self.service == "kms" and len(parts) == 6 else ""

    @property
    def needs_resource_policy(self) -> bool:
        """Whether identity policies count only as far as the resource policy delegates to the account.

        So it is for KMS keys, and for the trust policies of roles.
        """
        return self.on_kms_key or self.action.lower() in _BY_TRUST
