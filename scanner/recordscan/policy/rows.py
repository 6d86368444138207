"""How one statement, or one KMS grant, bears on a request: whether it applies, and what keeps it from doing so.

Sources:
    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html
    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_notprincipal.html
    https://docs.aws.amazon.com/kms/latest/developerguide/grants.html
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from recordscan.policy.conditions import holds
from recordscan.policy.documents import PolicyDocument, Principal, Statement
from recordscan.policy.matching import names_action, names_key_of_alias, names_resource
from recordscan.policy.request import UNKNOWN, Request, Requester, Truth, all_of

LayerName: TypeAlias = Literal["identity", "boundary", "session", "scp", "rcp", "resource"]
Cover: TypeAlias = Literal["principal", "role", "account", "everyone"]
"""How a statement of a resource policy covers the requester: by name, as a session of a role that it names, as one of
an account, or as everybody."""


@dataclass(frozen=True, slots=True)
class Policy:
    """A policy document by the name it goes by in explanations."""

    name: str
    document: PolicyDocument


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """A KMS grant.

    Attributes:
        id: Its id.
        grantee: ARN of the grantee, or host name of a service.
        operations: KMS API operations, such as `Decrypt`.
        context_equals: Encryption context that the request must have; None for no such constraint.
        context_subset: Encryption context that the request's must contain; None for no such constraint.
        source_arn: What the request must be made on behalf of; None for no such constraint.
    """

    id: str
    grantee: str
    operations: tuple[str, ...]
    context_equals: Mapping[str, str] | None = None
    context_subset: Mapping[str, str] | None = None
    source_arn: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """How one statement bears on the request.

    Attributes:
        layer: Where it stands.
        policy: Name of its policy.
        label: Its Sid, or `#n`.
        effect: Allow or Deny; where the statement has neither, there is a row of each.
        applies: Whether it matches the request; None where that cannot be told.
        cover: How it covers the requester; None outside resource policies.
        misses: Elements that do not match, such as `Action` or `Condition StringEquals aws:SourceVpce`.
        keys: Condition keys that the statement tests, in lower case.
        open: Condition keys that are not known; "" where it is the meaning of the statement that is not clear, or which
            key an alias stands for.
    """

    layer: LayerName
    policy: str
    label: str
    effect: Literal["Allow", "Deny"]
    applies: Truth
    cover: Cover | None = None
    misses: tuple[str, ...] = ()
    keys: frozenset[str] = frozenset()
    open: tuple[str, ...] = ()

    @property
    def near(self) -> bool:
        """Whether one element alone keeps it from matching."""
        return len(self.misses) == 1

    @property
    def where(self) -> str:
        """For messages: `statement PutMedia of policy uploads`."""
        return f"statement {self.label} of {self.policy}"


def row_of(statement: Statement, policy: Policy, layer: LayerName, request: Request, *, has_boundary: Truth) -> Row:
    """Hold one statement against a request.

    Args:
        statement: The statement.
        policy: Where it stands.
        layer: In which layer that is.
        request: The request.
        has_boundary: Whether the requester has a permissions boundary.
    """
    misses: list[str] = []
    opened: list[str] = []
    cover: Cover | None = None
    action = request.action.lower()
    if statement.actions is not None:
        if not names_action(statement.actions, action):
            misses.append("Action")
    elif statement.not_actions is not None and names_action(statement.not_actions, action):
        misses.append("NotAction")
    _test_resource(statement, policy, request, misses, opened)
    if layer in ("resource", "rcp"):
        cover = _cover(statement, request.requester, has_boundary=has_boundary is not False)
        if cover is None:
            misses.append("NotPrincipal" if statement.principals is None else "Principal")
        elif has_boundary is None and _cover(statement, request.requester, has_boundary=False) is None:
            opened.append("")
    for test in statement.conditions:
        truth = holds(test, request.context, policy.document.version)
        if truth is None:
            opened.append(test.key)
        elif not truth:
            misses.append(f"Condition {test.operator} {test.key}")
    if not statement.valid:
        opened.append("")
    return Row(
        layer=layer,
        policy=policy.name,
        label=statement.label,
        effect=statement.effect or "Deny",
        applies=False if misses else None if opened else True,
        cover=cover,
        misses=tuple(misses),
        keys=frozenset(test.key.lower() for test in statement.conditions),
        open=tuple(opened),
    )


def _test_resource(
    statement: Statement, policy: Policy, request: Request, misses: list[str], opened: list[str]
) -> None:
    patterns = (statement.not_resources or ()) if statement.resources is None else statement.resources
    asked = (request.resource, request.context, policy.document.version)
    named = (
        names_key_of_alias(patterns, *asked) if request.by_alias else names_resource(patterns, *asked, request.service)
    )
    if named is None:
        keys = sorted({key for pattern in patterns for key in _variables(pattern, request)})
        opened.extend(keys or [""])  # without variables it is the alias of a key that leaves it open
    elif named is (statement.resources is None):
        misses.append("NotResource" if named else "Resource")


def _variables(pattern: str, request: Request) -> Iterator[str]:
    for part in pattern.split("${")[1:]:
        key = part.partition("}")[0].partition(",")[0].strip()
        if request.context.find(key) is UNKNOWN:
            yield key


def _cover(statement: Statement, requester: Requester, *, has_boundary: bool) -> Cover | None:
    if statement.principals is not None:
        covers = [cover for p in statement.principals if (cover := _covers(p, requester)) is not None]
        if not covers:
            return None
        return min(covers, key=_STRONGEST.index)
    listed = statement.not_principals or ()
    if statement.effect == "Allow":
        return None if any(_covers(principal, requester) for principal in listed) else "everyone"
    return None if _exempt(listed, requester, has_boundary=has_boundary) else "everyone"


_STRONGEST: Sequence[Cover] = ("principal", "everyone", "role", "account")


def _covers(principal: Principal, requester: Requester) -> Cover | None:
    if principal.everyone:
        return "everyone"
    if principal.kind == "Service":
        return "principal" if requester.kind == "service" and principal.value == requester.arn else None
    if principal.kind != "AWS" or requester.account is None:
        return None
    value = principal.value
    if value == requester.arn:
        by_arn: dict[str, Cover] = {"root": "account", "role": "role"}
        return by_arn.get(requester.kind, "principal")
    if value == requester.account or _is_account(value, requester.account):
        return "account"
    if _is_role_of(value, requester):
        return "role"
    return None


def _is_account(value: str, account: str) -> bool:
    parts = value.split(":", 5)
    return len(parts) == 6 and parts[2] == "iam" and parts[4] == account and parts[5] == "root"


def _is_role_of(value: str, session: Requester) -> bool:
    """Whether a role's ARN names the requester, which is one of the role's sessions."""
    parts = value.split(":", 5)
    return (
        len(parts) == 6
        and parts[2] == "iam"
        and parts[4] == session.account
        and parts[5].startswith("role/")
        and parts[5].rpartition("/")[2] == session.role_name
    )


def _exempt(listed: Iterable[Principal], requester: Requester, *, has_boundary: bool) -> bool:
    """Whether NotPrincipal of a Deny spares the requester: only when it lists all that the requester is.

    A principal with a permissions boundary is never spared.
    Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_notprincipal.html
    """
    found = {_covers(principal, requester) for principal in listed}
    if has_boundary:
        return False
    if "everyone" in found:
        return True
    if requester.kind == "service":
        return "principal" in found
    wanted: dict[str, set[Cover]] = {
        "session": {"principal", "role", "account"},
        "role": {"role", "account"},
        "root": {"account"},
    }
    return wanted.get(requester.kind, {"principal", "account"}) <= found


_WITH_CONTEXT = frozenset(
    {
        "decrypt",
        "encrypt",
        "generatedatakey",
        "generatedatakeypair",
        "generatedatakeypairwithoutplaintext",
        "generatedatakeywithoutplaintext",
        "reencryptfrom",
        "reencryptto",
    }
)
"""Operations that take an encryption context; constraints of a grant bear on no others."""


def row_of_grant(grant: Grant, request: Request) -> Row | None:
    """Hold one grant against a request; None where it is for somebody else or for other operations."""
    operation = request.action.partition(":")[2].lower()
    if operation not in (name.lower() for name in grant.operations):
        return None
    cover = _covers(Principal(kind=_kind_of(grant.grantee), value=grant.grantee), request.requester)
    if cover is None:
        return None
    constraints: dict[str, Truth] = {"aws:SourceArn": _source_agrees(grant.source_arn, request)}
    if operation in _WITH_CONTEXT:
        constraints["kms:EncryptionContext"] = all_of(
            (
                _context_agrees(grant.context_equals, request, exactly=True),
                _context_agrees(grant.context_subset, request, exactly=False),
            )
        )
    applies = all_of(constraints.values())
    return Row(
        layer="resource",
        policy="grants",
        label=grant.id,
        effect="Allow",
        applies=applies,
        cover=cover,
        misses=tuple(key for key, agrees in constraints.items() if agrees is False),
        open=tuple(key for key, agrees in constraints.items() if agrees is None) if applies is None else (),
    )


def _source_agrees(wanted: str | None, request: Request) -> Truth:
    if wanted is None:
        return True
    found = request.context.find("aws:sourcearn")
    return None if found is UNKNOWN else found == (wanted,)


def _kind_of(grantee: str) -> Literal["AWS", "Service"]:
    return "AWS" if grantee.startswith("arn:") else "Service"


def _context_agrees(wanted: Mapping[str, str] | None, request: Request, *, exactly: bool) -> Truth:
    """Whether the encryption context is, or contains, the one wanted: keys without case, values exactly."""
    if wanted is None:
        return True
    prefix = "kms:encryptioncontext:"
    found = [request.context.find(prefix + key) for key in wanted]
    pairs = zip(found, wanted.values(), strict=True)
    agrees = all_of([None if values is UNKNOWN else values == (value,) for values, value in pairs])
    if not exactly or agrees is False:
        return agrees
    others = {key for key in request.context.present if key.startswith(prefix)} - {prefix + k.lower() for k in wanted}
    if others:
        return False
    return agrees if request.context.complete else None
