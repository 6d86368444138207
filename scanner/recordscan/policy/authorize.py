"""Deciding a request as AWS decides it, over every layer of policies, and saying which statements decide.

Every statement of every layer is looked at, without stopping at the first that settles the matter: the explanation
needs the whole list. What cannot be told, as a condition on an unknown key or a layer that could not be read, is
carried through as such, so that a decision is certain only when nothing unknown could change it.

Sources:
    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic-cross-account.html
    https://docs.aws.amazon.com/kms/latest/developerguide/control-access-overview.html
    https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_scps_evaluation.html
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TypeAlias, get_args

from recordscan.facts import Fact, Known, Reason, Unavailable, derive, need
from recordscan.policy.public import public_statements
from recordscan.policy.request import Request, Truth, all_of, any_of, is_service_linked
from recordscan.policy.rows import Cover, Grant, LayerName, Policy, Row, row_of, row_of_grant


class Outcome(StrEnum):
    """How AWS decides."""

    ALLOWED = "Allowed"
    IMPLICITLY_DENIED = "ImplicitlyDenied"
    EXPLICITLY_DENIED = "ExplicitlyDenied"


Level: TypeAlias = tuple[str, tuple[Policy, ...]]
"""One level of an organization, root or OU or account, with the policies attached to it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Layers:
    """Every policy that bears on a request.

    Attributes:
        identity: Policies of the user or role, and of the user's groups.
        boundary: Its permissions boundary; None for none.
        session: Policies of the session; None for none.
        scps: Service control policies of the requester's account, level by level; None where none apply.
        rcps: Resource control policies of the resource's account, level by level; allowing all is implied.
        resource: The bucket policy or key policy; None for none.
        grants: Of the KMS key.
        restrict_public_buckets: Whether S3 cuts off a bucket whose policy is public.
    """

    identity: Fact[tuple[Policy, ...]] = Known(())
    boundary: Fact[tuple[Policy, ...] | None] = Known(None)
    session: Fact[tuple[Policy, ...] | None] = Known(None)
    scps: Fact[tuple[Level, ...] | None] = Known(None)
    rcps: Fact[tuple[Level, ...]] = Known(())
    resource: Fact[Policy | None] = Known(None)
    grants: Fact[tuple[Grant, ...]] = Known(())
    restrict_public_buckets: Fact[bool] = Known(False)

    @property
    def facts(self) -> tuple[Fact[object], ...]:
        """All of them."""
        return (
            self.identity,
            self.boundary,
            self.session,
            self.scps,
            self.rcps,
            self.resource,
            self.grants,
            self.restrict_public_buckets,
        )

    @property
    def granting(self) -> Iterator[Policy]:
        """The policies that could be read and that may grant by themselves."""
        if isinstance(self.identity, Known):
            yield from self.identity.value
        if isinstance(self.resource, Known) and self.resource.value is not None:
            yield self.resource.value

    @property
    def policies(self) -> Iterator[Policy]:
        """All policies that could be read."""
        yield from self.granting
        for limit in (self.boundary, self.session):
            if isinstance(limit, Known):
                yield from limit.value or ()
        for levels in (self.scps, self.rcps):
            if isinstance(levels, Known):
                yield from (policy for _, policies in levels.value or () for policy in policies)


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """A decision and what it rests on.

    Attributes:
        outcomes: The outcomes that are possible; one when it is certain.
        rows: Every statement, layer by layer.
        silent: What would have to allow the request and does not, in words; () unless implicitly denied.
        gaps: Layers that could not be read and could change the outcome.
        unread: All layers that bear on the request and could not be read.
    """

    outcomes: tuple[Outcome, ...]
    rows: tuple[Row, ...]
    silent: tuple[str, ...] = ()
    gaps: tuple[Unavailable, ...] = ()
    unread: tuple[Unavailable, ...] = ()

    @property
    def certain(self) -> bool:
        """Whether nothing that is unknown could change the outcome."""
        return len(self.outcomes) == 1

    @property
    def allowed(self) -> Truth:
        """Whether the request is allowed; None where that depends on something unknown."""
        if self.certain:
            return self.outcomes[0] is Outcome.ALLOWED
        return None if Outcome.ALLOWED in self.outcomes else False

    @property
    def allowing(self) -> tuple[Row, ...]:
        """Statements that allow the request."""
        return tuple(row for row in self.rows if row.effect == "Allow" and row.applies)

    @property
    def denying(self) -> tuple[Row, ...]:
        """Statements that deny the request."""
        return tuple(row for row in self.rows if row.effect == "Deny" and row.applies)

    @property
    def open(self) -> tuple[Row, ...]:
        """Statements of which it cannot be told whether they apply."""
        return tuple(row for row in self.rows if row.applies is None)

    @property
    def depends_on(self) -> tuple[str, ...]:
        """What it would have to be known to be certain: condition keys, and statements that are not clear, in words."""
        return tuple(dict.fromkeys(key or f"the meaning of {row.where}" for row in self.open for key in row.open))

    @property
    def because(self) -> tuple[str, ...]:
        """What decides, in words."""
        if self.denying:
            return tuple(f"{row.where} denies it" for row in self.denying)
        if self.allowed is False:
            return self.silent
        if self.allowed and not self.allowing:
            return ("the root user needs no permission",)
        return tuple(f"{row.where} allows it" for row in self.allowing)


def authorize(request: Request, layers: Layers) -> Fact[Decision]:
    """Decide a request; unavailable where a layer that could not be read may decide otherwise.

    A decision that depends on an unknown condition key is known, but not certain: allowed if.
    """
    decision = decide(request, layers)
    if decision.gaps and decision.allowed is None:
        return decision.gaps[0]

    def cited() -> Decision:
        _cite(layers)
        return decision

    return derive(cited)


def weigh(request: Request, layers: Layers) -> Decision:
    """Decide a request, and note every layer that could be read as evidence, whatever could not."""
    _cite(layers)
    return decide(request, layers)


def _cite(layers: Layers) -> None:
    for layer in layers.facts:
        if isinstance(layer, Known):
            need(layer)


def decide(request: Request, layers: Layers) -> Decision:
    """Decide a request. Layers that could not be read leave it uncertain, unless something readable settles it."""
    return _Evaluation(request, layers).decision()


_NO_RCP = frozenset({"kms:retiregrant"})
_RCP_SERVICES = frozenset(
    {
        *("aoss", "appconfig", "appstream", "autoscaling", "autoscaling-plans", "budgets", "clouddirectory"),
        *("cloudfront", "cloudsearch", "cloudtrail-data", "codeartifact", "codebuild", "codecommit", "codepipeline"),
        *("cognito-identity", "cognito-idp", "comprehend", "comprehendmedical", "compute-optimizer"),
        *("cost-optimization-hub", "dax", "dsql", "dynamodb", "ecr", "ecr-public", "events", "firehose", "fis", "fms"),
        *("gamelift", "health", "inspector-scan", "kendra", "kinesisvideo", "kms", "logs", "memorydb"),
        *("networkmonitor", "notifications", "opensearch", "pca-connector-ad", "personalize", "polly", "pricing"),
        *("resource-groups", "rolesanywhere", "s3", "secretsmanager", "servicediscovery", "signin", "sqs", "sts"),
        *("support", "swf", "textract", "timestream-influxdb", "transcribe", "transfer", "translate", "wafv2"),
        *("workspaces", "xray"),
    }
)
"""As of September 2026.

Source: https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_rcps.html
"""


_KEEPS_BUCKET_POLICY = frozenset({"s3:getbucketpolicy", "s3:putbucketpolicy", "s3:deletebucketpolicy"})
"""What a bucket's owner may always do, and what S3 lets no principal of another account do.

Source: https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketPolicy.html
"""

_OWN_KEYS_ONLY = frozenset(
    f"kms:{operation}".lower()
    for operation in (
        *("CancelKeyDeletion", "CreateAlias", "DeleteAlias", "DeleteImportedKeyMaterial", "DisableKey"),
        *("DisableKeyRotation", "EnableKey", "EnableKeyRotation", "GetKeyLastUsage", "GetKeyPolicy"),
        *("GetParametersForImport", "ImportKeyMaterial", "ListKeyPolicies", "ListKeyRotations", "ListResourceTags"),
        *("PutKeyPolicy", "ReplicateKey", "RotateKeyOnDemand", "ScheduleKeyDeletion", "TagResource"),
        *("UntagResource", "UpdateAlias", "UpdateKeyDescription", "UpdatePrimaryRegion"),
    )
)
"""What KMS lets no principal of another account do to a key.

Source: https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-modifying-external-accounts.html
"""

_OWNERS_ONLY = _KEEPS_BUCKET_POLICY | _OWN_KEYS_ONLY


def bound_by_rcps(request: Request) -> bool:
    """Whether resource control policies bear on a request: they do on some services, and on no service-linked role.

    Neither on what such a role does, nor on who takes it on. That they do not bear on keys that AWS manages is for the
    caller to see.
    """
    exempt = request.action.lower() in _NO_RCP or request.service not in _RCP_SERVICES
    return not exempt and not request.requester.service_linked and not is_service_linked(request.resource)


@dataclass(slots=True)
class _Evaluation:
    """One request against its layers."""

    request: Request
    layers: Layers
    gaps: list[Unavailable] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)
    silent: list[str] = field(default_factory=list)
    unread: bool = False

    def decision(self) -> Decision:
        allowed = all_of((self._granted(), self._within_scps(), self._possible()))
        self._rcps()
        denied = any_of([row.applies for row in self.rows if row.effect == "Deny"])
        denied = any_of((denied, self._cut_off(), None if self.unread else False))
        outcomes = _outcomes(allowed, denied)
        certain = len(outcomes) == 1
        return Decision(
            outcomes=outcomes,
            rows=tuple(self.rows),
            silent=tuple(self.silent) if Outcome.IMPLICITLY_DENIED in outcomes else (),
            gaps=() if certain else tuple(self.gaps),
            unread=tuple(self.gaps),
        )

    def _granted(self) -> Truth:
        """Whether identity, resource policy, boundary and session together allow, denials aside."""
        requester = self.request.requester
        named = self._resource()
        if requester.kind == "anonymous":
            return self._required(named["everyone"], "no statement of the resource policy allows everybody")
        if requester.kind == "service":
            allowed = any_of((named["principal"], named["everyone"], self._grants()))
            return self._required(allowed, f"no statement of the resource policy allows {requester.arn}")
        identity = True if requester.kind == "root" else self._policies("identity", self.layers.identity)
        boundary = self._limit("boundary", self.layers.boundary, "the permissions boundary does not allow it")
        session = self._limit("session", self.layers.session, "the session policy does not allow it")
        limits = all_of((boundary, session))
        direct = any_of((named["principal"], named["everyone"], self._grants()))
        by_resource = any_of((direct, all_of((named["role"], limits))))
        if requester.account != self.request.resource_account:
            other = any_of((direct, named["role"], named["account"]))
            mine = self._required(identity, "no identity policy allows it")
            theirs = self._required(other, "no statement of the other account's resource policy allows it")
            return all_of((mine, limits, theirs))
        if self.request.needs_resource_policy:
            delegated = named["account"]
            if not any_of((by_resource, all_of((identity, delegated)))):
                self._required(
                    delegated, "the resource policy neither names the principal nor delegates to the account"
                )
                self._required(identity, "no identity policy allows it")
            return any_of((by_resource, all_of((identity, delegated, limits))))
        if not any_of((identity, by_resource)):
            self._required(identity, "no identity policy allows it")
        return any_of((by_resource, all_of((identity, limits))))

    def _possible(self) -> Truth:
        """Whether the service serves such a caller at all, whatever the policies allow."""
        requester, action = self.request.requester, self.request.action
        if requester.kind == "anonymous" and self.request.service == "kms":
            return self._required(False, "KMS answers no request that is not signed")
        foreign = requester.kind != "service" and requester.account != self.request.resource_account
        if foreign and action.lower() in _OWNERS_ONLY:
            return self._required(False, f"{action} is for principals of the owning account only, whatever is allowed")
        return True

    def _required(self, truth: Truth, silence: str) -> Truth:
        if truth is not True:
            self.silent.append(silence)
        return truth

    def _policies(self, layer: LayerName, fact: Fact[tuple[Policy, ...]]) -> Truth:
        """Whether a layer's policies allow; their denials go to the rows."""
        if isinstance(fact, Unavailable):
            self._unreadable(fact)
            return None
        return any_of([row.applies for row in self._judge(layer, fact.value) if row.effect == "Allow"])

    def _limit(self, layer: LayerName, fact: Fact[tuple[Policy, ...] | None], silence: str) -> Truth:
        if isinstance(fact, Known) and fact.value is None:
            return True
        policies = fact if isinstance(fact, Unavailable) else Known(fact.value or (), fact.source)
        return self._required(self._policies(layer, policies), silence)

    def _within_scps(self) -> Truth:
        fact, requester = self.layers.scps, self.request.requester
        if requester.kind in ("service", "anonymous") or requester.service_linked:
            return True
        if isinstance(fact, Unavailable):
            self._unreadable(fact)
            return None
        return all_of(
            [
                self._required(
                    any_of([row.applies for row in self._judge("scp", policies) if row.effect == "Allow"]),
                    f"no service control policy of {name} allows it",
                )
                for name, policies in fact.value or ()
            ]
        )

    def _rcps(self) -> None:
        fact = self.layers.rcps
        if not bound_by_rcps(self.request):
            return
        if isinstance(fact, Unavailable):
            self._unreadable(fact)
            return
        for _, policies in fact.value:
            self._judge("rcp", policies)

    def _resource(self) -> dict[Cover, Truth]:
        """Whether the resource policy allows, by how it covers the requester."""
        fact = self.layers.resource
        if self._beyond_bucket_policies():
            fact = Known(None)
        if self.request.by_alias and isinstance(fact, Known) and fact.value is None:
            fact = Unavailable(Reason.UNDECIDABLE, f"which key {self.request.resource} stands for is not known")
        if isinstance(fact, Unavailable):
            self._unreadable(fact)
            return dict.fromkeys(get_args(Cover))
        silence: Truth = None if fact.value is not None and fact.value.document.unreadable else False
        named: dict[Cover, Truth] = dict.fromkeys(get_args(Cover), silence)
        if fact.value is not None:
            for row in self._judge("resource", (fact.value,)):
                if row.effect == "Allow" and row.cover is not None:
                    named[row.cover] = any_of((named[row.cover], row.applies))
        return named

    def _beyond_bucket_policies(self) -> bool:
        """Whether it is the owner's root user at the bucket policy, from which no bucket policy may keep it."""
        requester = self.request.requester
        owner = requester.kind == "root" and requester.account == self.request.resource_account
        return owner and self.request.action.lower() in _KEEPS_BUCKET_POLICY

    def _grants(self) -> Truth:
        if not self.request.on_kms_key:
            return False
        fact = self.layers.grants
        if isinstance(fact, Unavailable):
            self.gaps.append(fact)
            return None
        rows = [row for grant in fact.value if (row := row_of_grant(grant, self.request)) is not None]
        self.rows += rows
        return any_of([row.applies for row in rows])

    def _cut_off(self) -> Truth:
        """Whether S3 cuts the requester off because the bucket policy is public."""
        requester, policy, switch = self.request.requester, self.layers.resource, self.layers.restrict_public_buckets
        if self.request.service != "s3" or isinstance(policy, Unavailable) or policy.value is None:
            return False
        if requester.kind == "service" or requester.account == self.request.resource_account:
            return False
        public = public_statements(policy.value.document)
        if not public or (isinstance(switch, Known) and not switch.value):
            return False
        applies: Truth = True
        if isinstance(switch, Unavailable):
            self.gaps.append(switch)
            applies = None
        self.rows += [
            Row(
                layer="resource",
                policy="RestrictPublicBuckets",
                label=found.statement.label,
                effect="Deny",
                applies=applies,
            )
            for found in public
        ]
        return applies

    def _unreadable(self, fact: Unavailable) -> None:
        self.unread = True
        self.gaps.append(fact)

    def _judge(self, layer: LayerName, policies: Iterable[Policy]) -> list[Row]:
        boundary = self.layers.boundary
        has_boundary = None if isinstance(boundary, Unavailable) else boundary.value is not None
        rows: list[Row] = []
        for policy in policies:
            for statement in policy.document.statements:
                row = row_of(statement, policy, layer, self.request, has_boundary=has_boundary)
                rows += [row] if statement.effect else _either(row)
            if policy.document.unreadable:
                rows += _either(
                    Row(layer=layer, policy=policy.name, label="?", effect="Deny", applies=None, open=("",))
                )
        self.rows += rows
        return rows


def _either(row: Row) -> tuple[Row, Row]:
    """The row as an Allow and as a Deny, where it cannot be told which of them it is."""
    return replace(row, effect="Allow"), replace(row, effect="Deny")


def _outcomes(allowed: Truth, denied: Truth) -> tuple[Outcome, ...]:
    if denied:
        return (Outcome.EXPLICITLY_DENIED,)
    without = {
        True: (Outcome.ALLOWED,),
        False: (Outcome.IMPLICITLY_DENIED,),
        None: (Outcome.ALLOWED, Outcome.IMPLICITLY_DENIED),
    }[allowed]
    return without if denied is False else (*without, Outcome.EXPLICITLY_DENIED)
