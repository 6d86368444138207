"""Asking for many: the requests of every principal about one target, with all that they share put together once.

A principal is given the most favourable of what it controls: it uses TLS, signs as is wanted, asks for the prefix and
sends the headers that the policies want, and has a new session. Addresses, networks and second factors are not known.

Sources:
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/amazon-s3-policy-keys.html
    https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html
"""

import itertools
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from functools import cached_property
from typing import NamedTuple

from recordscan.estate.access import object_arn, principal_layers, rcps_of_key, request_context, s3_context
from recordscan.estate.askers import Asker, in_words_of
from recordscan.estate.principal import Principal
from recordscan.estate.target import Target, bucket_of, location_of
from recordscan.facts import Fact, Known, Source, Unavailable, if_known, need, whole_answers
from recordscan.policy.authorize import Decision, Layers, Level, Outcome, decide
from recordscan.policy.documents import Statement
from recordscan.policy.globs import TooComplexError, intersects, matches, witness
from recordscan.policy.matching import names_action, resource_glob
from recordscan.policy.public import public_statements
from recordscan.policy.request import Context, Request
from recordscan.policy.rows import Grant, Policy


class Ask(NamedTuple):
    """One request in the name of whoever asks.

    Attributes:
        action: IAM action.
        resource: ARN.
        about: ARN of the object that S3 asks KMS for in the principal's name; "" where the principal asks itself.
    """

    action: str
    resource: str
    about: str = ""


class Narrowing:
    """Policies reduced to the statements that bear on one action; a policy that many carry is reduced once."""

    def __init__(self) -> None:
        self._kept: dict[tuple[int, str], tuple[Policy, Policy | None]] = {}

    def one(self, policy: Policy, action: str, always: frozenset[int] = frozenset()) -> Policy | None:
        """A policy without its statements about other actions, but for those of `always`; None without any."""
        key = (id(policy), action)
        found = self._kept.get(key)
        if found is None:  # the policy is kept with it, so that nothing else gets its id
            found = self._kept[key] = (policy, _narrowed(policy, action, always))
        return found[1]

    def all(self, policies: Iterable[Policy], action: str) -> tuple[Policy, ...]:
        """The policies that have a statement about the action."""
        return tuple(left for policy in policies if (left := self.one(policy, action)) is not None)


def _narrowed(policy: Policy, action: str, always: frozenset[int]) -> Policy | None:
    document = policy.document
    statements = tuple(s for s in document.statements if s.index in always or _bears_on(s, action))
    if not statements and not document.unreadable:
        return None
    if len(statements) == len(document.statements):
        return policy
    return replace(policy, document=replace(document, statements=statements))


def _bears_on(statement: Statement, action: str) -> bool:
    if statement.actions is not None:
        return names_action(statement.actions, action)
    return statement.not_actions is None or not names_action(statement.not_actions, action)


class Site:
    """What is the same for everybody who asks about one target.

    Raises:
        Missing: A policy of the bucket or of the key cannot be read, so that nobody's reach can be told.
    """

    def __init__(self, target: Target) -> None:
        self.target = target
        self.bucket = bucket_of(target)
        self.owner = need(self.bucket.owner)
        self.partition = self.bucket.arn.split(":")[1]
        self.prefix = location_of(target).key_prefix
        self.sample = object_arn(target)
        self.place = f"{self.bucket.arn}/{self.prefix}*"
        document = need(self.bucket.policy)
        self.bucket_policy = None if document is None else Policy("bucket policy", document)
        self.restrict_public_buckets = self.bucket.effective("RestrictPublicBuckets")
        self.acls_disabled = if_known(self.bucket.acls_disabled) is True
        self.encrypted = need(self.bucket.encryption).algorithm.startswith("aws:kms")
        self.per_object = not need(self.bucket.encryption).bucket_key
        self.key = need(target.key)
        if self.key is not None:
            need(self.key.exists)
        self.key_arn = None if self.key is None else need(self.key.arn)
        self.key_owner = (self.key_arn or "").rpartition(":key/")[0].rpartition(":")[2]
        document = None if self.key is None else need(self.key.policy)
        self.key_policy = None if document is None else Policy("key policy", document)
        self.grants = () if self.key is None else tuple(found.grant for found in need(self.key.grants))
        self.region = need(self.bucket.region)
        self.narrowing = Narrowing()
        public = () if self.bucket_policy is None else public_statements(self.bucket_policy.document)
        self._named = self._named_directly()
        self.public = frozenset(found.statement.index for found in public)
        self._witnesses: dict[tuple[str, frozenset[str]], str | None] = {}
        self._guards: dict[str | None, Source] = {}

    def _named_directly(self) -> frozenset[str] | None:
        """ARNs that a policy of the bucket or key, or a grant, may allow what their own do not; None for anybody's."""
        documents = [policy.document for policy in (self.bucket_policy, self.key_policy) if policy is not None]
        if any(document.unreadable for document in documents):
            return None
        allowed = [s.principals for document in documents for s in document.statements if s.effect != "Deny"]
        if any(principals is None for principals in allowed):
            return None
        named = [p for principals in allowed for p in principals or () if p.kind != "Service"]
        values = [p.value if p.kind == "AWS" else "" for p in named] + [grant.grantee for grant in self.grants]
        return frozenset(values) if all(_ONE_OR_AN_ACCOUNT.fullmatch(value) for value in values) else None

    def out_of_reach(self, asker: Asker) -> bool:
        """Whether nothing of the target can be allowed to a user or role of the account, which needs no asking."""
        if self._named is None or asker.name in self._named or asker.kind not in ("user", "role"):
            return False
        here = [self.bucket.arn] if self.key_arn is None else [self.bucket.arn, self.key_arn]
        return not any(
            arn.startswith(begin) or begin.startswith(arn) for begin in asker.principal.reachable for arn in here
        )

    def guards(self, principal: Principal) -> Source:
        """The answers about the organization's policies, which are the same for all of an account."""
        account = principal.requester.account
        if account not in self._guards:
            layers = principal_layers(principal, self.owner, self.target.organization)
            self._guards[account] = whole_answers((*layers.scps.source, *layers.rcps.source))
        return self._guards[account]

    def policies(self, ask: Ask) -> tuple[Fact[object], ...]:
        """The policies of the bucket, or of the key, that bear on a request."""
        if self.key is None or not ask.action.startswith("kms:"):
            return (self.bucket.policy,)
        return (self.key.policy, self.key.grants)

    def inside(self, pattern: str, outside: frozenset[str] = frozenset()) -> str | None:
        """ARN of an object of the target that a pattern names and others do not; None where none is found."""
        key = (pattern, outside)
        if key not in self._witnesses:
            self._witnesses[key] = self._inside(pattern, outside)
        return self._witnesses[key]

    def _inside(self, pattern: str, outside: frozenset[str]) -> str | None:
        if matches(pattern, self.sample) and not any(matches(other, self.sample) for other in outside):
            return self.sample
        if not intersects(self.place, pattern):
            return None
        try:
            return witness((self.place, pattern), outside)
        except TooComplexError:
            return None  # the sample is tried at least


class Asking:
    """Decides the requests of one principal about one target."""

    def __init__(self, asker: Asker, site: Site) -> None:
        self.asker = asker
        self.site = site
        self._decided: dict[Ask, Decision] = {}
        self._contexts: dict[str, Context] = {}

    @cached_property
    def _bucket(self) -> Layers:
        site = self.site
        resource = site.bucket_policy
        if self.asker.stands_for is not None and resource is not None:
            resource = replace(resource, document=in_words_of(self.asker, resource.document))
        own = principal_layers(self.asker.principal, site.owner, site.target.organization)
        return replace(own, resource=Known(resource), restrict_public_buckets=site.restrict_public_buckets)

    @cached_property
    def _key(self) -> Layers:
        site = self.site
        own = principal_layers(self.asker.principal, site.key_owner, site.target.organization)
        rcps = own.rcps if site.key is None else rcps_of_key(site.key, own.rcps)
        return replace(own, rcps=rcps, resource=Known(site.key_policy), grants=Known(site.grants))

    @property
    def answers(self) -> Source:
        """Whole answers about the principal that the decisions rest on, those that were denied too."""
        return (*self.asker.principal.answers, *self.site.guards(self.asker.principal))

    @property
    def source(self) -> Source:
        """The places in the answers about the principal that the decisions rest on, those that were denied too."""
        own, principal = self._bucket, self.asker.principal
        facts: list[Fact[object]] = [own.identity, own.boundary, own.scps, own.rcps, principal.tags]
        return tuple(dict.fromkeys(place for fact in facts for place in fact.source))

    def decide(self, ask: Ask, *, acl: bool = False) -> Decision:
        """Decide one request; what cannot be read leaves it uncertain.

        Args:
            ask: The request.
            acl: An access control list allows it, so that the decision is wanted for its denials.
        """
        if ask not in self._decided:
            self._decided[ask] = self._decide(ask, acl=acl)
        return self._decided[ask]

    def _decide(self, ask: Ask, *, acl: bool) -> Decision:
        on_key = ask.action.startswith("kms:")
        layers = self._narrowed(self._key if on_key else self._bucket, ask.action.lower(), on_key=on_key)
        if not acl and self._nothing_allows(layers):
            return _NOTHING_ALLOWS
        request = Request(
            requester=self.asker.principal.requester,
            action=ask.action,
            resource=ask.resource,
            resource_account=self.site.key_owner if on_key else self.site.owner,
            context=self._context(ask, on_key=on_key),
        )
        decision = decide(request, layers)
        if decision.allowed is None:
            for context in self._choices(request.context, decision):
                better = decide(replace(request, context=context), layers)
                if better.allowed:
                    return better
        return decision

    def _narrowed(self, layers: Layers, action: str, *, on_key: bool) -> Layers:
        narrow = self.site.narrowing
        always = frozenset() if on_key else self.site.public
        resource = layers.resource
        if isinstance(resource, Known) and resource.value is not None:
            resource = Known(narrow.one(resource.value, action, always))
        identity, boundary, scps, rcps = layers.identity, layers.boundary, layers.scps, layers.rcps
        if isinstance(identity, Known):
            identity = Known(narrow.all(identity.value, action))
        if isinstance(boundary, Known) and boundary.value is not None:
            boundary = Known(narrow.all(boundary.value, action))
        if isinstance(scps, Known) and scps.value is not None:
            scps = Known(self._levels(scps.value, action))
        if isinstance(rcps, Known):
            rcps = Known(self._levels(rcps.value, action))
        return replace(layers, identity=identity, boundary=boundary, scps=scps, rcps=rcps, resource=resource)

    def _nothing_allows(self, layers: Layers) -> bool:
        """Whether no statement at all could allow the action, so that most requests need no further look."""
        if self.asker.kind == "root" or layers.grants != _NO_GRANTS or isinstance(layers.identity, Unavailable):
            return False
        return not any(
            policy.document.unreadable or any(s.effect != "Deny" for s in policy.document.statements)
            for policy in layers.granting
        )

    def _levels(self, levels: tuple[Level, ...], action: str) -> tuple[Level, ...]:
        return tuple((name, self.site.narrowing.all(policies, action)) for name, policies in levels)

    def _context(self, ask: Ask, *, on_key: bool) -> Context:
        name = f"kms {ask.about}" if on_key else "s3"
        if name not in self._contexts:
            self._contexts[name] = self._new_context(ask, on_key=on_key)
        return self._contexts[name]

    def _new_context(self, ask: Ask, *, on_key: bool) -> Context:
        site, requester, now = self.site, self.asker.principal.requester, self.site.target.as_of
        known = {
            "aws:SecureTransport": "true",
            "aws:RequestedRegion": ask.resource.split(":")[3] if on_key else site.region,
            "aws:CurrentTime": now.isoformat(),
            "aws:EpochTime": str(int(now.timestamp())),
            **self.asker.known,
        }
        absent = set()
        if requester.kind in ("role", "session"):
            known["aws:TokenIssueTime"] = now.isoformat()
        if ask.about:
            known |= s3_context(site.target, ask.about)
        else:
            known["aws:ViaAWSService"] = "false"
            absent |= {"aws:calledvia", "aws:calledviafirst", "aws:calledvialast", "kms:viaservice"}
        if on_key:
            known["kms:CallerAccount"] = requester.account or ""
        else:
            known["s3:TlsVersion"] = "1.3"
        owner = site.key_owner if on_key else site.owner
        context = request_context(self.asker.principal, owner, site.target.organization, known, second_factor=True)
        return replace(context, absent=context.absent | absent)

    def _choices(self, context: Context, decision: Decision) -> Iterator[Context]:
        """Contexts with other values of the keys that are open and that the principal chooses."""
        keys = dict.fromkeys(key.lower() for row in decision.open for key in row.open)
        options = {key: values for key in keys if (values := self._values.get(key))}
        if not options:
            return
        for values in itertools.islice(itertools.product(*options.values()), MOST_CHOICES):
            chosen = dict(zip(options, values, strict=True))
            present = {key: (value,) for key, value in chosen.items() if value is not None}
            missing = frozenset(key for key, value in chosen.items() if value is None)
            yield replace(context, present={**context.present, **present}, absent=context.absent | missing)

    @cached_property
    def _values(self) -> Mapping[str, tuple[str | None, ...]]:
        """Keys that whoever asks chooses, and what it may choose; None for leaving the key out."""
        site = self.site
        values: dict[str, tuple[str | None, ...]] = {
            "s3:prefix": (site.prefix, None),
            "s3:delimiter": (None, "/"),
            "s3:max-keys": (None, "1"),
            "s3:x-amz-acl": (None, "bucket-owner-full-control", "private"),
            "s3:x-amz-server-side-encryption": (None, "aws:kms", "AES256"),
            "s3:x-amz-server-side-encryption-aws-kms-key-id": (None, site.key_arn),
            "s3:x-amz-storage-class": (None, "STANDARD"),
        }
        if self.asker.kind != "anonymous":
            values["s3:authtype"] = ("REST-HEADER", "REST-QUERY-STRING")
            values["s3:signatureversion"] = ("AWS4-HMAC-SHA256",)
        return values

    def objects(self, action: str) -> list[str]:
        """ARNs of objects to try: the sample, and for each part of the prefix that a policy names one inside it.

        Beside the shortest such name one is tried that no statement of a Deny names.
        """
        site = self.site
        found = dict.fromkeys([site.sample])
        layers = self._narrowed(self._bucket, action.lower(), on_key=False)
        denied = frozenset(self._patterns(layers, "Deny"))
        for pattern, outside in self._parts(layers):
            for beside in dict.fromkeys((outside, outside | denied)):
                name = site.inside(pattern, beside)
                if name is not None and name != f"{site.bucket.arn}/":
                    found[name] = None
        return list(found)

    def _parts(self, layers: Layers) -> Iterator[tuple[str, frozenset[str]]]:
        """Parts of the prefix that statements tell apart: a pattern, and what is no part of it."""
        yield self.site.place, frozenset()
        for pattern in dict.fromkeys(self._patterns(layers, "Allow")):
            yield pattern, frozenset()
        for _, statement in self._statements(layers):
            if statement.not_resources and statement.effect == "Allow":
                yield self.site.place, frozenset(statement.not_resources)
            elif statement.not_resources:
                yield from ((pattern, frozenset()) for pattern in statement.not_resources)

    def _patterns(self, layers: Layers, effect: str) -> Iterator[str]:
        context = self._context(Ask("s3:GetObject", self.site.sample), on_key=False)
        for version, statement in self._statements(layers):
            if statement.effect == effect and (effect == "Allow" or not statement.conditions):
                globs = (resource_glob(pattern, context, version) for pattern in statement.resources or ())
                yield from (glob for glob, _ in filter(None, globs))

    def _statements(self, layers: Layers) -> Iterator[tuple[str, Statement]]:
        for policy in layers.policies:
            for statement in policy.document.statements:
                yield policy.document.version, statement


_ONE_OR_AN_ACCOUNT = re.compile(r"\d{12}|arn:[a-z-]+:iam::\d{12}:(root|(user|role)/[^*?]+)")
"""A user or role that stands for itself, or an account; that of the bucket lets in whom its own policies let in."""

_NO_GRANTS: Fact[tuple[Grant, ...]] = Known(())
_NOTHING_ALLOWS = Decision(outcomes=(Outcome.IMPLICITLY_DENIED,), rows=(), silent=("nothing allows it",))

MOST_CHOICES = 24
"""Combinations of chosen values that are tried; few policies test more than two of these keys."""
