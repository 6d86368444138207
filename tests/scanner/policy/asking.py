"""Asks the evaluator in one line: who wants what, and which policies there are.

Unless told otherwise a user of the bucket's own account wants to put one recording into it.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from recordscan.facts import Fact, Known, Reason, Unavailable
from recordscan.policy.authorize import Decision, Layers, Level, decide
from recordscan.policy.documents import PolicyKind, load_policy
from recordscan.policy.request import ANONYMOUS, Context, Request, context_of, requester_of
from recordscan.policy.rows import Grant, Policy

IAM = "https://docs.aws.amazon.com/IAM/latest/UserGuide/"
S3 = "https://docs.aws.amazon.com/AmazonS3/latest/userguide/"
KMS = "https://docs.aws.amazon.com/kms/latest/developerguide/"
ORGANIZATIONS = "https://docs.aws.amazon.com/organizations/latest/userguide/"

OURS, THEIRS = "111122223333", "444455556666"
USER = f"arn:aws:iam::{OURS}:user/uploader"
ROLE = f"arn:aws:iam::{OURS}:role/media/uploads"
SESSION = f"arn:aws:sts::{OURS}:assumed-role/uploads/night"
ROOT = f"arn:aws:iam::{OURS}:root"
PARTNER = f"arn:aws:iam::{THEIRS}:user/partner"
LOGGING = "logging.s3.amazonaws.com"
NOBODY = ""

BUCKET = "arn:aws:s3:::media"
OBJECT = f"{BUCKET}/video/RT1.mka"
KEY = f"arn:aws:kms:us-east-1:{OURS}:key/1234abcd-12ab-34cd-56ef-1234567890ab"
TARGET_ROLE = f"arn:aws:iam::{OURS}:role/auditor"

ALLOWED = "Allowed"
SILENT = "ImplicitlyDenied"
DENIED = "ExplicitlyDenied"
MAYBE = "Allowed or ImplicitlyDenied"
MAYBE_DENIED = "ImplicitlyDenied or ExplicitlyDenied"
UNLESS_DENIED = "Allowed or ExplicitlyDenied"
ANYTHING = "Allowed or ImplicitlyDenied or ExplicitlyDenied"

Json: TypeAlias = dict[str, Any]
Written: TypeAlias = Json | list[Json] | str
"""One statement, several, or a whole document, as object or text."""


def allow(*actions: str, on: str | Sequence[str] = "*", **elements: object) -> Json:
    """An Allow; elements by their names, `to` for the ARNs in its principal, `when` for its condition."""
    return _statement("Allow", actions, on, elements)


def deny(*actions: str, on: str | Sequence[str] = "*", **elements: object) -> Json:
    """The same as a Deny."""
    return _statement("Deny", actions, on, elements)


def _statement(effect: str, actions: Sequence[str], on: object, elements: Mapping[str, object]) -> Json:
    statement: Json = {"Effect": effect, **elements}
    if actions:
        statement["Action"] = list(actions)
    elif "NotAction" not in elements:
        statement["Action"] = "*"
    if "NotResource" not in elements:
        statement["Resource"] = on
    if "to" in statement:
        to = statement.pop("to")
        statement["Principal"] = to if to == "*" or isinstance(to, Mapping) else {"AWS": to}
    if "but" in statement:
        but = statement.pop("but")
        statement["NotPrincipal"] = but if isinstance(but, Mapping) else {"AWS": but}
    if "when" in statement:
        statement["Condition"] = statement.pop("when")
    return statement


ALL = allow()
"""Allows everything."""
DELEGATED = allow("kms:*", to=ROOT)
"""The statement of the default key policy."""


def old(*statements: Json) -> Json:
    """A document without Version."""
    return {"Statement": list(statements)}


def policy(written: Written, kind: PolicyKind | None = "identity", name: str = "it") -> Policy:
    """A policy of today's version, unless it is a whole document already."""
    statements = isinstance(written, list) or (
        isinstance(written, dict) and not written.keys() & {"Statement", "Version"}
    )
    document: Any = {"Version": "2012-10-17", "Statement": written} if statements else written
    return Policy(name, load_policy(document, kind=kind))


UNREAD = Unavailable(Reason.ACCESS_DENIED, "it was not to be read")
"""A layer that could not be read."""


def levels(*attached: Sequence[Written], kind: PolicyKind = "identity") -> tuple[Level, ...]:
    """Levels of an organization, from the root down, with the policies of each."""
    return tuple(
        (f"level {number}", tuple(policy(written, kind, f"p{i}") for i, written in enumerate(policies)))
        for number, policies in enumerate(attached)
    )


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A request and its policies.

    Attributes:
        by: ARN of who asks; "" for an anonymous caller.
        action: What for.
        on: Resource.
        owner: Account of the resource.
        where: Condition keys of the request.
        known: Whether it has no others.
        identity: Policies of the requester, each one statement, several or a document.
        boundary: Permissions boundary; None for none.
        session: Session policy; None for none.
        scps: Policies of each level; None where none apply.
        rcps: Policies of each level.
        resource: Resource policy; None for none.
        grants: Grants of the key.
        restricted: RestrictPublicBuckets.
    """

    by: str = USER
    action: str = "s3:PutObject"
    on: str = OBJECT
    owner: str = OURS
    where: Mapping[str, str | Sequence[str]] | Context = field(default_factory=dict)
    known: bool = True
    identity: Written | tuple[Written, ...] | Unavailable = ()
    boundary: Written | Unavailable | None = None
    session: Written | Unavailable | None = None
    scps: Sequence[Sequence[Written]] | Unavailable | None = None
    rcps: Sequence[Sequence[Written]] | Unavailable = ()
    resource: Written | Unavailable | None = None
    grants: tuple[Grant, ...] | Unavailable = ()
    restricted: bool | Unavailable = False

    @property
    def request(self) -> Request:
        context = self.where if isinstance(self.where, Context) else context_of(self.where, complete=self.known)
        return Request(
            requester=requester_of(self.by) if self.by else ANONYMOUS,
            action=self.action,
            resource=self.on,
            resource_account=self.owner,
            context=context,
        )

    @property
    def layers(self) -> Layers:
        identity = self.identity if isinstance(self.identity, tuple | Unavailable) else (self.identity,)
        kind: PolicyKind = "trust" if self.action.lower().startswith("sts:") else "resource"
        return Layers(
            identity=identity if isinstance(identity, Unavailable) else Known(tuple(map(policy, identity))),
            boundary=_limit(self.boundary),
            session=_limit(self.session),
            scps=self.scps if isinstance(self.scps, Unavailable) else Known(_levels(self.scps)),
            rcps=self.rcps if isinstance(self.rcps, Unavailable) else Known(levels(*self.rcps, kind="rcp")),
            resource=self.resource
            if isinstance(self.resource, Unavailable)
            else Known(None if self.resource is None else policy(self.resource, kind, "the resource policy")),
            grants=self.grants if isinstance(self.grants, Unavailable) else Known(self.grants),
            restrict_public_buckets=self.restricted
            if isinstance(self.restricted, Unavailable)
            else Known(self.restricted),
        )


def _limit(written: Written | Unavailable | None) -> Fact[tuple[Policy, ...] | None]:
    if isinstance(written, Unavailable):
        return written
    return Known(None if written is None else (policy(written),))


def _levels(attached: Sequence[Sequence[Written]] | None) -> tuple[Level, ...] | None:
    return None if attached is None else levels(*attached)


def ask(**asked: Any) -> Decision:
    """Decide; see `Asked` for what can be told."""
    question = Asked(**asked)
    return decide(question.request, question.layers)


def outcome(decision: Decision) -> str:
    """The outcomes that are possible, in words."""
    return " or ".join(decision.outcomes)


def row(says: str, page: str, expected: str, /, **asked: Any) -> Any:
    """A row of a table: what AWS says, on which page, and a request that shows it."""
    return pytest.param(page, expected, asked, id=says)


def check(page: str, expected: str, asked: Mapping[str, Any]) -> None:
    """Hold the evaluator to a row of a table."""
    decision = ask(**asked)
    assert outcome(decision) == expected, (page, decision.because)
    assert decision.certain is (" or " not in expected)


PROBES = Path(__file__).parents[2] / "data" / "iam-probes.ndjson"


def probes() -> list[Json]:
    """Cases of which each shows one rule, with the decision that AWS documents."""
    return [json.loads(line) for line in PROBES.read_text(encoding="utf-8").splitlines()]


def probed(probe: Json) -> tuple[Request, Layers]:
    """The request and the policies of a probe."""
    asked = probe["request"]
    principal = asked["principal"]
    request = Request(
        requester=requester_of(principal) if isinstance(principal, str) else ANONYMOUS,
        action=asked["action"],
        resource=asked["resource"],
        resource_account=asked["resourceAccount"],
        context=context_of(asked["context"]),
    )
    boundaries = probe["permissionBoundaries"]
    session, resource = probe["sessionPolicy"], probe["resourcePolicy"]
    layers = Layers(
        identity=Known(_named(probe["identityPolicies"], "identity")),
        boundary=Known(None if boundaries is None else _named(boundaries, "identity")),
        session=Known(None if session is None else (policy(session),)),
        scps=Known(_probed_levels(probe["scps"], "identity") or None),
        rcps=Known(_probed_levels(probe["rcps"], "rcp")),
        resource=Known(None if resource is None else policy(resource, "resource")),
        restrict_public_buckets=Known(probe["restrictPublicBuckets"]),
    )
    return request, layers


def _named(policies: Sequence[Json], kind: PolicyKind) -> tuple[Policy, ...]:
    return tuple(policy(p["policy"], kind, p["name"]) for p in policies)


def _probed_levels(attached: Sequence[Json], kind: PolicyKind) -> tuple[Level, ...]:
    return tuple((level["level"], _named(level["policies"], kind)) for level in attached)
