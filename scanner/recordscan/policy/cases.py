"""Cases for policies: one request, the policies that bear on it and, for tests, the decision that is expected.

A case is whole: what it does not say is not there. So its decision is certain, and what cannot be read as AWS reads it
is refused instead of guessed at.
"""

import difflib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from recordscan.errors import CaseError
from recordscan.facts import Json, Known
from recordscan.policy import actions
from recordscan.policy.authorize import Decision, Layers, Level, Outcome, decide
from recordscan.policy.documents import (
    MAX_DEPTH,
    DefectCode,
    PolicyDocument,
    PolicyKind,
    iam_text,
    load_policy,
    read_json,
    repeated_keys,
    shown,
)
from recordscan.policy.request import ANONYMOUS, UNKNOWN, Context, Request, Requester, context_of, requester_of
from recordscan.policy.rows import Grant, LayerName, Policy


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One case.

    Attributes:
        request: The request.
        layers: Every policy that bears on it.
        expect: The decision that is expected; None where none is asked for.
        warnings: What does not keep the case from being decided, but is hardly meant; sentences.
    """

    request: Request
    layers: Layers
    expect: Outcome | None
    warnings: tuple[str, ...]

    def decide(self) -> Decision:
        """Decide the request; the statements come in the order of `LAYERS`."""
        decision = decide(self.request, self.layers)
        return replace(decision, rows=tuple(sorted(decision.rows, key=lambda row: LAYERS.index(row.layer))))


LAYERS: Sequence[LayerName] = ("identity", "boundary", "session", "scp", "rcp", "resource")

_HARMLESS: frozenset[DefectCode] = frozenset(
    {"unknown_operator", "duplicate_sid", "wildcard_in_principal", "refused_in_rcp"}
)
"""Defects with which a statement still has one meaning; all others AWS refuses."""

REMEDIES: Mapping[DefectCode, str] = {
    "not_json": "correct it, or write it as an object of the case",
    "not_object": "write an object with Version and Statement",
    "too_deep": "take out what is nested needlessly",
    "duplicate_key": "write it once",
    "unknown_element": "remove it, or correct its spelling",
    "bad_type": "write it as the grammar of policies says",
    "bad_version": 'write "2012-10-17"',
    "bad_effect": 'write "Allow" or "Deny"',
    "action_and_not_action": "keep one of them",
    "no_action": "add Action or NotAction",
    "bad_action": 'write it in full, such as "s3:PutObject"',
    "resource_and_not_resource": "keep one of them",
    "no_resource": "add Resource or NotResource",
    "bad_resource": 'write it in full, such as "arn:aws:s3:::bucket/*"',
    "principal_and_not_principal": "keep one of them",
    "no_principal": "add Principal",
    "principal_in_identity_policy": "remove it, or write the document as resourcePolicy",
    "wildcard_in_principal": "name the principal in full, or test aws:PrincipalArn under Condition",
    "bad_principal": "name an account, a user, a role, a session or a service in full",
    "bad_condition": 'write {"Operator": {"key": "value"}}, or a list of values',
    "unknown_operator": "no request meets it, so correct its spelling",
    "duplicate_sid": "give each a Sid of its own",
    "not_in_rcp": 'write Action and "Principal": "*", and under Condition whom it spares',
    "refused_in_rcp": 'write "Deny", and the service before the action, such as "s3:*"',
}


def parse_case(line: bytes) -> Mapping[str, Json]:
    """Parse one line.

    Raises:
        CaseError: It is no JSON object.
    """
    advice = "write one JSON object a line, as `jq -c .` does"
    try:
        body = read_json(line.decode())
    except UnicodeDecodeError:
        raise CaseError("the line is not UTF-8 text; save it as such") from None
    except json.JSONDecodeError as error:
        raise CaseError(
            f"the line is not JSON: {error.msg.removesuffix(' at')} at column {error.colno}; {advice}"
        ) from None
    except ValueError:
        raise CaseError("the line is not JSON: it has NaN, Infinity or a number without end; remove it") from None
    except RecursionError:
        raise CaseError(f"the line is nested too deep; {MAX_DEPTH} levels are enough for any policy") from None
    if not isinstance(body, Mapping):
        raise CaseError(f"the line is no JSON object; {advice}")
    return body


def case_id(body: Mapping[str, Json], number: int) -> str | int:
    """The id of a case, or the number of its line where it has none.

    Raises:
        CaseError: It has an id, which is neither text nor a whole number.
    """
    found = body.get("id")
    if found is None:
        return number
    if isinstance(found, bool) or not isinstance(found, str | int):
        raise CaseError(f"id is {shown(found)}, neither text nor a whole number")
    return found


def read_case(body: Mapping[str, Json], *, expecting: bool = False) -> Case:
    """Read one case.

    Args:
        body: The parsed line.
        expecting: Whether it must say which decision is expected; otherwise `expect` is not looked at.

    Raises:
        CaseError: A part is missing, or cannot be read as AWS would read it; one sentence says which and what to do.
    """
    return _Reader(strict=expecting).read(body, expecting=expecting)


_MEMBERS = (
    "id",
    "request",
    "identityPolicies",
    "permissionBoundaries",
    "sessionPolicy",
    "scps",
    "rcps",
    "resourcePolicy",
    "restrictPublicBuckets",
    "grants",
    "expect",
)
_REQUEST_MEMBERS = ("principal", "action", "resource", "resourceAccount", "context")
_CONSTRAINTS = ("EncryptionContextEquals", "EncryptionContextSubset", "SourceArn")
_ACCOUNT = re.compile(r"[0-9]{12}")
_ACTION = re.compile(r"[A-Za-z0-9-]+:[A-Za-z0-9_-]+")
_SID = re.compile(r"[A-Za-z0-9]+")


class _Reader:
    """Reads one case and collects what is odd about it; where it is a test, a slip of the pen is an error."""

    def __init__(self, *, strict: bool) -> None:
        self.warnings: list[str] = []
        self._strict = strict

    def read(self, body: Mapping[str, Json], *, expecting: bool) -> Case:
        self._members(body, "the case", _MEMBERS)
        if body.get("request") is None:
            raise CaseError('the case has no request; write one with "principal", "action" and "resource"')
        request = self._request(self._members(body["request"], "request", _REQUEST_MEMBERS))
        layers = self._layers(body, request)
        self._warn_of_absent_keys(request, layers)
        return Case(
            request=request,
            layers=layers,
            expect=_expected(body) if expecting else None,
            warnings=tuple(self.warnings),
        )

    def _members(self, value: Json, where: str, known: Sequence[str]) -> Mapping[str, Json]:
        """An object whose further members do not matter, unless one looks like a known one with a slip of the pen."""
        members = _object(value, where)
        strangers = [name for name in members if name not in known and len(name) <= _LONGEST]
        for name in strangers[:_MANY]:
            close = difflib.get_close_matches(name, known, n=1, cutoff=0.82)
            if close and self._strict:
                raise CaseError(f"{where} has {shown(name)}, which is no member of it; did you mean {close[0]!r}?")
            if close:
                self.warnings.append(f"{where} has {shown(name)}, which is ignored; did you mean {close[0]!r}?")
        return members

    def _request(self, request: Mapping[str, Json]) -> Request:
        requester = _requester(request.get("principal"))
        action, resource = request.get("action"), request.get("resource")
        if not isinstance(action, str) or not _ACTION.fullmatch(action):
            raise CaseError(f'action {shown(action)} is no action; write one in full, such as "s3:PutObject"')
        if not actions.known(action):
            self.warnings.append(_undocumented(action))
        if not isinstance(resource, str) or (resource != "*" and not _is_arn(resource)):
            raise CaseError(
                f'resource {shown(resource)} is no ARN; write one, or "*" for an action that is about no one resource'
            )
        _require_kind(action, resource, requester)
        found = Request(
            requester=requester,
            action=action,
            resource=resource,
            resource_account=_resource_account(request.get("resourceAccount"), resource, requester),
            context=_context(request.get("context")),
        )
        if found.by_alias:
            raise CaseError(
                f"resource {shown(resource)} is an alias, and KMS decides {action} on the key; write the key's ARN"
            )
        return found

    def _layers(self, body: Mapping[str, Json], request: Request) -> Layers:
        kind: PolicyKind = "trust" if request.service == "sts" else "resource"
        session, resource = body.get("sessionPolicy"), body.get("resourcePolicy")
        scps, rcps = self._levels(body, "scps", "SCP", "identity"), self._levels(body, "rcps", "RCP", "rcp")
        restrict = body.get("restrictPublicBuckets")
        if restrict is not None and not isinstance(restrict, bool):
            raise CaseError(f"restrictPublicBuckets is {shown(restrict)}; write true or false")
        return Layers(
            identity=Known(self._policies(body.get("identityPolicies"), "identityPolicies", "identity policy")),
            boundary=Known(self._boundary(body)),
            session=Known(self._session(session, request.requester)),
            scps=Known(scps),
            rcps=Known(rcps),
            resource=Known(
                None if resource is None else self._policy("resourcePolicy", resource, "resource policy", kind)
            ),
            grants=Known(tuple(self._grants(body.get("grants"), request))),
            restrict_public_buckets=Known(restrict is True),
        )

    def _session(self, session: Json, requester: Requester) -> tuple[Policy, ...] | None:
        """The policy of the session; a federated user has no permissions without one.

        Source: https://docs.aws.amazon.com/STS/latest/APIReference/API_GetFederationToken.html
        """
        if session is not None:
            return (self._policy("sessionPolicy", session, "session policy", "identity"),)
        return () if requester.kind == "federated" else None

    def _grants(self, value: Json, request: Request) -> Iterator[Grant]:
        """Those of the key that the request is about; a list may tell of others, which say nothing of it."""
        for n, item in _items(value, "grants"):
            grant, key = _grant(item, n)
            if key is None or key == request.resource or key == request.resource.rpartition(":key/")[2]:
                yield grant
            else:
                self.warnings.append(f"grants[{n}] is for the key {shown(key)} and not for that of the request")

    def _warn_of_absent_keys(self, request: Request, layers: Layers) -> None:
        """Tell of keys that AWS puts into every such request, which policies test and the case does not say."""
        requester = request.requester
        if requester.kind in ("service", "anonymous"):
            return
        tested = _keys_of(layers)
        for key, needs_user in _ALWAYS_THERE.items():
            absent = not request.context.find(key)
            if key.lower() in tested and absent and (requester.kind == "user" or not needs_user):
                self.warnings.append(
                    f"a policy looks at {key}, which AWS puts into the request and context does not have; add it"
                )
        account = request.context.find("aws:PrincipalAccount")
        if account and account is not UNKNOWN and account != (requester.account,):
            self.warnings.append(f"context has another aws:PrincipalAccount than the principal {requester.arn}")

    def _boundary(self, body: Mapping[str, Json]) -> tuple[Policy, ...] | None:
        value = body.get("permissionBoundaries")
        if value is None:
            return None
        if not _items(value, "permissionBoundaries"):
            raise CaseError("permissionBoundaries is an empty list; write null where there is no boundary")
        if len(value) > 1:
            raise CaseError(f"permissionBoundaries has {len(value)} policies; nobody has more than one boundary")
        return self._policies(value, "permissionBoundaries", "permissions boundary")

    def _levels(self, body: Mapping[str, Json], member: str, word: str, kind: PolicyKind) -> tuple[Level, ...]:
        levels = []
        for n, item in _items(body.get(member), member):
            where = f"{member}[{n}]"
            level = _object(item, where)
            if level.get("policies") is None:
                raise CaseError(f'{where} is no level; write {{"level": "root", "policies": [...]}}')
            name = _name(level, "level", n, where)
            of = f" of level {_cut(name)}"
            levels.append((name, self._policies(level["policies"], f"{where}.policies", word, kind=kind, of=of)))
        return tuple(levels)

    def _policies(
        self, value: Json, member: str, word: str, *, kind: PolicyKind = "identity", of: str = ""
    ) -> tuple[Policy, ...]:
        policies = []
        for n, item in _items(value, member):
            entry = _object(item, f"{member}[{n}]")
            if "policy" not in entry:
                raise CaseError(f'{member}[{n}] has no policy; write {{"name": ..., "policy": {{...}}}}')
            name = _name(entry, "name", n, f"{member}[{n}]")
            policies.append(self._policy(name, entry["policy"], f"{word} {_cut(name)}{of}", kind))
        return tuple(policies)

    def _policy(self, name: str, source: Json, where: str, kind: PolicyKind) -> Policy:
        document = load_policy(source, kind=kind)
        for defect in document.defects:
            sentence = f"{where}{_of(document, defect.statement)}: {defect.message}; {REMEDIES[defect.code]}"
            if defect.code not in _HARMLESS:
                raise CaseError(sentence)
            self.warnings.append(sentence)
        for statement in document.statements:
            here = f"{where}{_of(document, statement.index)}"
            for text in (*(statement.actions or ()), *(statement.not_actions or ())):
                if not re.search(r"[*?]", text) and not actions.known(text):
                    self.warnings.append(f"{here}: {_undocumented(text)}")
            if kind == "identity" and statement.sid and not _SID.fullmatch(statement.sid):
                self.warnings.append(f"{here}: IAM takes only letters and digits in a Sid; take out what else is there")
        return Policy(name, document)


def _undocumented(action: str) -> str:
    return f"action {shown(action)} is none that AWS documented by {actions.data_date()}; check its spelling"


_LONGEST = 40
_MANY = 40
"""Of members that nobody asked for, those that are looked at for slips of the pen."""


def _expected(body: Mapping[str, Json]) -> Outcome:
    expect = body.get("expect")
    if not isinstance(expect, str) or expect not in list(Outcome):
        raise CaseError(f"expect is {shown(expect)}; write one of {', '.join(Outcome)}")
    return Outcome(expect)


def _object(value: Json, where: str) -> Mapping[str, Json]:
    if not isinstance(value, Mapping):
        raise CaseError(f"{where} is {shown(value)}; write an object")
    for key in repeated_keys(value):
        raise CaseError(f"{where} has {shown(key)} twice; write it once")
    return value


def _items(value: Json, where: str) -> Sequence[tuple[int, Json]]:
    """The items of a list, numbered from 1; none where there is no list."""
    if value is None:
        return ()
    if not isinstance(value, list):
        raise CaseError(f"{where} is {shown(value)}; write a list")
    return list(enumerate(value, start=1))


def _name(entry: Mapping[str, Json], member: str, n: int, where: str) -> str:
    name = entry.get(member)
    if name is not None and not isinstance(name, str):
        raise CaseError(f"{member} of {where} is {shown(name)}; write text")
    return name or f"#{n}"


def _cut(name: str) -> str:
    return name if len(name) <= 80 else f"{name[:77]}..."


def _of(document: PolicyDocument, statement: int | None) -> str:
    return "" if statement is None else f", statement {_cut(document.statements[statement - 1].label)}"


def _is_arn(text: str) -> bool:
    return text.startswith("arn:") and text.count(":") >= 5


_WITHOUT_KEY = frozenset(
    f"kms:{name}".lower()
    for name in (
        *("CreateAlias", "CreateKey", "DeleteAlias", "GenerateRandom", "ListAliases", "ListKeys", "UpdateAlias"),
        *("ListRetirableGrants", "RetireGrant"),
        *("ConnectCustomKeyStore", "CreateCustomKeyStore", "DeleteCustomKeyStore", "DescribeCustomKeyStores"),
        *("DisconnectCustomKeyStore", "UpdateCustomKeyStore"),
    )
)
"""What KMS does not, or not always, decide on a key."""

_ALWAYS_THERE = {
    "aws:PrincipalArn": False,
    "aws:PrincipalAccount": False,
    "aws:PrincipalType": False,
    "aws:userid": False,
    "aws:username": True,
}
"""Keys of every signed request of a principal → whether only users have it.

Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
"""


def _keys_of(layers: Layers) -> set[str]:
    """The condition keys that the policies of a case test, and those of their variables; lower case."""
    policies: list[Policy] = []
    for fact in layers.facts:
        value = fact.value if isinstance(fact, Known) else None
        for item in value if isinstance(value, tuple) else (value,):
            policies += item[1] if isinstance(item, tuple) else [item] if isinstance(item, Policy) else []
    found: set[str] = set()
    for policy in policies:
        for statement in policy.document.statements:
            texts = [*(statement.resources or ()), *(statement.not_resources or ())]
            for test in statement.conditions:
                found.add(test.key.lower())
                texts += test.values
            found.update(name.lower() for text in texts for name in re.findall(r"\$\{([^},]+)", text))
    return found


def _require_kind(action: str, resource: str, requester: Requester) -> None:
    """See that a resource is of the kind that an action is about, and of the principal's partition."""
    parts = resource.split(":", 5)
    service, _, _ = action.lower().partition(":")
    if service == "kms" and action.lower() not in _WITHOUT_KEY and not re.match(r"(?:key|alias)/.", parts[-1]):
        raise CaseError(f"resource {shown(resource)} is no key, and KMS decides {action} on one; write the key's ARN")
    if resource == "*":
        return
    if service == "s3" and not parts[2].startswith("s3"):
        raise CaseError(
            f"resource {shown(resource)} is not of S3, and {action} is; write the ARN of a bucket or object"
        )
    if requester.arn.startswith("arn:") and requester.arn.split(":")[1] != parts[1]:
        raise CaseError(
            f"principal {shown(requester.arn)} and resource {shown(resource)} are of two partitions, which share nobody"
        )


def _requester(principal: Json) -> Requester:
    advice = 'write the ARN of a user, role, session or root, the host name of a service, or {"type": "Anonymous"}'
    kind, name = None, principal
    if isinstance(principal, Mapping):
        body = _object(principal, "principal")
        kind = body.get("type")
        if kind == "Anonymous":
            return ANONYMOUS
        named = [body[key] for key in ("arn", "id", "value") if key in body]
        name = named[0] if kind in ("AWS", "Service") and len(named) == 1 else principal
    try:
        found = requester_of(name) if isinstance(name, str) else None
    except ValueError:
        found = None
    if found is None or (kind is not None and (kind == "Service") != (found.kind == "service")):
        raise CaseError(f"principal is {shown(name)}, which names nobody who can ask; {advice}")
    return found


def _resource_account(given: Json, resource: str, requester: Requester) -> str:
    if given is not None:
        if not isinstance(given, str) or not _ACCOUNT.fullmatch(given):
            raise CaseError(f"resourceAccount is {shown(given)}; write the 12 digits of an account as text")
        return given
    named = resource.split(":", 5)[4] if resource != "*" else ""
    account = named if _ACCOUNT.fullmatch(named) else requester.account
    if account is None:
        raise CaseError("neither resource nor principal tells whose the resource is; add resourceAccount")
    return account


def _context(value: Json) -> Context:
    found: dict[str, Sequence[str]] = {}
    for key, given in _object({} if value is None else value, "context").items():
        texts = [iam_text(item) for item in (given if isinstance(given, list) else [given])]
        if key.lower() in found:
            raise CaseError(f"context has {shown(key)} twice, as case does not tell keys apart; write it once")
        if None in texts:
            raise CaseError(
                f"context key {shown(key)} is neither text, a number, true or false, nor a list of these; "
                "leave out a key that the request does not have"
            )
        found[key.lower()] = [text for text in texts if text is not None]
    return context_of(found)


def _grant(value: Json, n: int) -> tuple[Grant, str | None]:
    """A grant in the shape of ListGrants' answer, and which key it is for, if it says so."""
    where = f"grants[{n}]"
    body = _object(value, where)
    grantee, operations = body.get("GranteeServicePrincipal") or body.get("GranteePrincipal"), body.get("Operations")
    key = body.get("KeyId")
    if key is not None and not isinstance(key, str):
        raise CaseError(f"KeyId of {where} is {shown(key)}; write the ARN of the key")
    if not isinstance(grantee, str):
        raise CaseError(f"GranteePrincipal of {where} is {shown(grantee)}; write an ARN or the host name of a service")
    if not isinstance(operations, list) or not all(isinstance(name, str) for name in operations):
        raise CaseError(f'Operations of {where} is no list of texts; write one, such as ["Decrypt"]')
    given = body.get("Constraints")
    constraints = _object({} if given is None else given, f"Constraints of {where}")
    for name in constraints:
        # A constraint that was passed over would let the grant allow more than it does.
        if name not in _CONSTRAINTS:
            raise CaseError(f"{where} has the constraint {shown(name)}; known are {', '.join(_CONSTRAINTS)}")
    equals, subset = (_constraint(constraints.get(name), f"{name} of {where}") for name in _CONSTRAINTS[:2])
    source = constraints.get("SourceArn")
    if source is not None and not isinstance(source, str):
        raise CaseError(f"SourceArn of {where} is {shown(source)}; write an ARN")
    grant = Grant(
        id=_name(body, "GrantId", n, where),
        grantee=grantee,
        operations=tuple(operations),
        context_equals=equals,
        context_subset=subset,
        source_arn=source,
    )
    return grant, key


def _constraint(value: Json, where: str) -> Mapping[str, str] | None:
    if value is None:
        return None
    pairs = _object(value, where)
    if not all(isinstance(text, str) for text in pairs.values()):
        raise CaseError(f"{where} has a value that is no text; write text")
    return pairs
