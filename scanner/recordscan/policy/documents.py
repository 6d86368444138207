"""Policy documents, read from a dict or JSON text into typed statements.

AWS answers with documents that strangers wrote. So reading never fails: whatever is wrong with a document is a `Defect`
beside its statements, and a statement whose meaning is unclear stays in the list as not valid. Nothing may be concluded
from such a statement but that it is there.

Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html
"""

import hashlib
import json
import math
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal, TypeAlias

from recordscan.facts import Json
from recordscan.policy.globs import matches

Effect: TypeAlias = Literal["Allow", "Deny"]
PolicyKind: TypeAlias = Literal["identity", "resource", "trust", "rcp"]
PrincipalKind: TypeAlias = Literal["*", "AWS", "Service", "Federated", "CanonicalUser"]
SetOperator: TypeAlias = Literal["ForAllValues", "ForAnyValue"]

DefectCode: TypeAlias = Literal[
    "not_json",
    "not_object",
    "too_deep",
    "duplicate_key",
    "unknown_element",
    "bad_type",
    "bad_version",
    "bad_effect",
    "action_and_not_action",
    "no_action",
    "bad_action",
    "resource_and_not_resource",
    "no_resource",
    "bad_resource",
    "principal_and_not_principal",
    "no_principal",
    "principal_in_identity_policy",
    "wildcard_in_principal",
    "bad_principal",
    "bad_condition",
    "unknown_operator",
    "duplicate_sid",
    "not_in_rcp",
    "refused_in_rcp",
]

MAX_DEPTH = 32
"""Objects and lists within each other; a sound policy has seven."""

DEFAULT_VERSION = "2008-10-17"
"""The version of a document that names none; in it `${…}` is literal text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Defect:
    """One thing that is wrong with a document.

    Attributes:
        code: What.
        message: One sentence.
        statement: Index of the statement, from 1; None for the document.
    """

    code: DefectCode
    message: str
    statement: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """One principal; `Principal(kind="*", value="*")` is the bare `"*"`."""

    kind: PrincipalKind
    value: str

    @property
    def everyone(self) -> bool:
        """Whether it is everybody, anonymous callers too: `"*"` and `{"AWS": "*"}` mean the same."""
        return self.value == "*" and self.kind in ("*", "AWS")


@dataclass(frozen=True, slots=True, kw_only=True)
class ConditionTest:
    """One key under one operator. All tests of a statement must hold; of the values, one is enough.

    Attributes:
        operator: As written, such as `ForAnyValue:StringLikeIfExists`.
        base: The operator alone in AWS's spelling, such as `StringLike`; as written when it is unknown.
        set_operator: ForAllValues, ForAnyValue or None.
        if_exists: Whether the test also holds where the request has no such key.
        key: Condition key as written; keys are compared without case.
        values: As IAM reads them: JSON true is "true", 1 is "1".
    """

    operator: str
    base: str
    set_operator: SetOperator | None
    if_exists: bool
    key: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """One statement.

    Of each pair (actions, not_actions …) None means that the element is absent, () that it names nothing.

    Attributes:
        sid: Sid; None for none.
        index: Place in the document, from 1.
        effect: Allow or Deny; None when it is neither.
        actions: `Action`, as written.
        not_actions: `NotAction`.
        resources: `Resource`.
        not_resources: `NotResource`.
        principals: `Principal`.
        not_principals: `NotPrincipal`.
        conditions: `Condition`; () for none.
        valid: Whether its meaning is clear.
        raw: The JSON as received.
    """

    sid: str | None
    index: int
    effect: Effect | None
    actions: tuple[str, ...] | None
    not_actions: tuple[str, ...] | None
    resources: tuple[str, ...] | None
    not_resources: tuple[str, ...] | None
    principals: tuple[Principal, ...] | None
    not_principals: tuple[Principal, ...] | None
    conditions: tuple[ConditionTest, ...]
    valid: bool
    raw: Json = field(compare=False, repr=False)

    @property
    def label(self) -> str:
        """How to name it to people: its Sid, or `#2`."""
        return self.sid or f"#{self.index}"

    @property
    def stable_name(self) -> str:
        """What tells it from others from scan to scan, wherever it stands: its Sid, or a hash of what it says."""
        text = json.dumps(self.raw, sort_keys=True, default=str)
        return self.sid or hashlib.sha256(text.encode(errors="replace")).hexdigest()[:16]

    @property
    def everyone(self) -> bool:
        """Whether `Principal` covers everybody."""
        return any(principal.everyone for principal in self.principals or ())


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyDocument:
    """A policy document.

    Attributes:
        version: 2012-10-17 or 2008-10-17, which is also that of a document without `Version`.
        id: `Id`; None for none.
        statements: All that could be told apart, valid or not.
        defects: All that is wrong.
    """

    version: str
    id: str | None
    statements: tuple[Statement, ...]
    defects: tuple[Defect, ...]

    @property
    def unreadable(self) -> bool:
        """Whether no statement can be told: the document says nothing, neither that it allows nor that it does not."""
        return not self.statements and bool(self.defects)

    @property
    def unclear_grants(self) -> tuple[Statement, ...]:
        """Statements that may allow something, but whose meaning is not clear."""
        return tuple(s for s in self.statements if not s.valid and s.effect != "Deny")


def load_policy(source: str | Mapping[str, Json], *, kind: PolicyKind | None = None) -> PolicyDocument:
    """Read a policy. Never raises, whatever it is given.

    Args:
        source: JSON text, as `GetBucketPolicy` answers, or the parsed object, as IAM answers through boto3.
        kind: `identity` (also SCPs, boundaries, session policies) must have Resource and no Principal, `resource` must
            have both, `trust` must have Principal, `rcp` must have both and what else is asked of RCPs. None: neither
            is asked for.
    """
    reader = _Reader(kind)
    statements = reader.read_document(reader.parse(source))
    unclear = {defect.statement for defect in reader.defects if defect.code not in _HARMLESS}
    return PolicyDocument(
        version=reader.version,
        id=reader.id,
        statements=tuple(replace(s, valid=None not in unclear and s.index not in unclear) for s in statements),
        defects=tuple(reader.defects),
    )


def read_json(text: str) -> Json:
    """Parse JSON text; of its objects `repeated_keys()` can tell which keys were given twice.

    Raises:
        ValueError: It is no JSON. NaN and Infinity are none, and Python reads no number of thousands of digits.
        RecursionError: It is nested too deep for Python.
    """
    return json.loads(text, object_pairs_hook=_object, parse_constant=_refuse_constant)


def repeated_keys(value: Json) -> tuple[str, ...]:
    """Keys that were given twice in an object from `read_json()`; the last value of each is in the object."""
    return value.repeated if isinstance(value, _Object) else ()


_HARMLESS: frozenset[DefectCode] = frozenset(
    {"duplicate_sid", "wildcard_in_principal", "bad_principal", "refused_in_rcp"}
)
"""Defects that leave the meaning clear: a wildcard within a principal's ARN matches nobody."""

_DOCUMENT_ELEMENTS = ("Version", "Id", "Statement")
_STATEMENT_ELEMENTS = (
    "Sid",
    "Effect",
    "Principal",
    "NotPrincipal",
    "Action",
    "NotAction",
    "Resource",
    "NotResource",
    "Condition",
)
_VERSIONS = (DEFAULT_VERSION, "2012-10-17")
_PRINCIPAL_KINDS: dict[str, PrincipalKind] = {
    "aws": "AWS",
    "service": "Service",
    "federated": "Federated",
    "canonicaluser": "CanonicalUser",
}
_PRINCIPALS: Mapping[PrincipalKind, re.Pattern[str]] = {
    "AWS": re.compile(
        r"\*|\d{12}|[A-Z0-9]{16,128}"  # what a deleted principal turns into, too
        r"|arn:[^:]+:(?:iam|sts)::[^:]+:(?:root|(?:user|role|assumed-role|federated-user)/.+)",
        re.DOTALL,
    ),
    "Service": re.compile(r"\*|[^\s/:]+\.[^\s/:]+"),
}
"""Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html"""

_COMPARISONS = ("Equals", "NotEquals", "LessThan", "LessThanEquals", "GreaterThan", "GreaterThanEquals")
_OPERATORS = {
    name.lower(): name
    for name in (
        *("String" + c for c in ("Equals", "NotEquals", "EqualsIgnoreCase", "NotEqualsIgnoreCase", "Like", "NotLike")),
        *("Numeric" + c for c in _COMPARISONS),
        *("Date" + c for c in _COMPARISONS),
        *("Arn" + c for c in ("Equals", "NotEquals", "Like", "NotLike")),
        *("Bool", "BinaryEquals", "IpAddress", "NotIpAddress", "Null"),
    )
}
_ACTION = re.compile(r"\*+|[^:\s]+:[^:\s]+")
_SET_OPERATORS: dict[str, SetOperator] = {"forallvalues": "ForAllValues", "foranyvalue": "ForAnyValue"}
_OPERATOR = re.compile(r"(?:(?P<set>[a-z]+):)?(?P<base>[a-z]+?)(?P<if_exists>ifexists)?", re.IGNORECASE | re.ASCII)


class _Object(dict[str, Json]):
    """A JSON object that remembers which of its keys were given twice."""

    repeated: tuple[str, ...] = ()


class _Reader:
    """Reads one document and collects its defects."""

    def __init__(self, kind: PolicyKind | None) -> None:
        self.defects: list[Defect] = []
        self.version = DEFAULT_VERSION
        self.id: str | None = None
        self._kind = kind

    def parse(self, source: Json) -> Json:
        value = source
        if isinstance(source, str):
            try:
                value = read_json(source)
            except RecursionError:
                self._note("too_deep", f"the policy is nested more than {MAX_DEPTH} deep")
                return None
            except ValueError:
                self._note("not_json", "the policy is not JSON")
                return None
        if _is_deep(value):
            self._note("too_deep", f"the policy is nested more than {MAX_DEPTH} deep")
            return None
        if not isinstance(value, Mapping):
            self._note("not_object", "the policy is no JSON object")
            return None
        return value

    def read_document(self, document: Json) -> list[Statement]:
        if document is None:
            return []
        for key in repeated_keys(document):
            self._note("duplicate_key", f"{shown(key)} is given twice")
        for key in document:
            if key not in _DOCUMENT_ELEMENTS:
                self._note("unknown_element", f"{shown(key)} is no element of a policy")
        if "Version" in document:
            if document["Version"] in _VERSIONS:
                self.version = document["Version"]
            else:
                self._note("bad_version", f"Version {shown(document['Version'])} does not exist")
        self.id = self._text("Id", document, None)
        statements = document.get("Statement")
        if isinstance(statements, Mapping):
            statements = [statements]
        if not isinstance(statements, list | tuple):
            self._note("bad_type", "Statement is neither an object nor a list")
            return []
        read = [self._statement(body, index) for index, body in enumerate(statements, start=1)]
        for sid, count in Counter(s.sid for s in read if s.sid).items():
            if count > 1:
                self._note("duplicate_sid", f"{count} statements have the Sid {shown(sid)}")
        return read

    def _statement(self, raw: Json, index: int) -> Statement:
        body = raw
        if not isinstance(raw, Mapping):
            self._note("bad_type", "the statement is no object", index)
            body = {}
        for key in _repeated_within(body):
            self._note("duplicate_key", f"{shown(key)} is given twice", index)
        for key in body:
            if key not in _STATEMENT_ELEMENTS:
                self._note("unknown_element", f"{shown(key)} is no element of a statement", index)
        statement = Statement(
            sid=self._text("Sid", body, index),
            index=index,
            effect=self._effect(body, index),
            actions=self._texts("Action", body, index),
            not_actions=self._texts("NotAction", body, index),
            resources=self._texts("Resource", body, index),
            not_resources=self._texts("NotResource", body, index),
            principals=self._principals("Principal", body, index),
            not_principals=self._principals("NotPrincipal", body, index),
            conditions=self._conditions(body, index),
            valid=True,
            raw=raw,
        )
        self._check_pairs(statement)
        return statement

    def _effect(self, body: Json, index: int) -> Effect | None:
        match body.get("Effect"):
            case "Allow":
                return "Allow"
            case "Deny":
                return "Deny"
            case other:
                self._note("bad_effect", f"Effect is {shown(other)}, neither Allow nor Deny", index)
                return None

    def _check_pairs(self, statement: Statement) -> None:
        index = statement.index
        if statement.actions is not None and statement.not_actions is not None:
            self._note("action_and_not_action", "it has both Action and NotAction", index)
        elif not (statement.actions or statement.not_actions):
            self._note("no_action", "it names no action", index)
        for text in (*(statement.actions or ()), *(statement.not_actions or ())):
            if not _ACTION.fullmatch(text):
                self._note("bad_action", f"{shown(text)} is no action: a service, one colon and a name", index)
        for text in (*(statement.resources or ()), *(statement.not_resources or ())):
            if not matches(text.partition(":")[0], "arn"):
                self._note("bad_resource", f'{shown(text)} is neither "*" nor an ARN', index)
        resources = (statement.resources, statement.not_resources)
        if None not in resources:
            self._note("resource_and_not_resource", "it has both Resource and NotResource", index)
        elif () in resources or (self._kind in ("identity", "resource", "rcp") and not any(resources)):
            self._note("no_resource", "it names no resource", index)
        principals = (statement.principals, statement.not_principals)
        if None not in principals:
            self._note("principal_and_not_principal", "it has both Principal and NotPrincipal", index)
        elif self._kind == "identity" and principals != (None, None):
            self._note("principal_in_identity_policy", "an identity policy may not name principals", index)
        elif () in principals or (self._kind in ("resource", "trust", "rcp") and not any(principals)):
            self._note("no_principal", "it names no principal", index)
        if self._kind == "rcp":
            self._check_rcp(statement)

    def _check_rcp(self, statement: Statement) -> None:
        """See https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_rcps_syntax.html."""
        index = statement.index
        if statement.not_actions is not None or statement.not_principals is not None:
            self._note("not_in_rcp", "an RCP has neither NotAction nor NotPrincipal", index)
        if not all(principal.everyone for principal in statement.principals or ()):
            self._note("not_in_rcp", 'the principal of an RCP is "*" and nobody else', index)
        everything = "*" in (statement.actions or ())
        if statement.effect == "Allow" and not (everything and "*" in (statement.resources or ())):
            self._note("refused_in_rcp", "an Allow limits nothing in an RCP", index)
        if statement.effect == "Deny" and everything:
            self._note("refused_in_rcp", "an RCP denies by service, and AWS accepts no * for all", index)

    def _principals(self, element: str, body: Json, index: int) -> tuple[Principal, ...] | None:
        if element not in body:
            return None
        value = body[element]
        if isinstance(value, str) and value == "*":
            return (Principal(kind="*", value="*"),)
        if not isinstance(value, Mapping):
            self._note("bad_type", f'{element} is neither "*" nor an object', index)
            return ()
        found = []
        for word in value:
            kind = _PRINCIPAL_KINDS.get(str(word).lower())
            if kind is None:
                self._note("bad_type", f"{element} has {shown(word)}, which is no kind of principal", index)
                continue
            for text in self._texts(word, value, index) or ():
                if kind == "AWS" and text != "*" and re.search(r"[*?]", text):
                    self._note("wildcard_in_principal", f"{shown(text)} matches nobody: it has a wildcard", index)
                elif (form := _PRINCIPALS.get(kind)) and not form.fullmatch(text):
                    self._note("bad_principal", f"{shown(text)} is nobody whom {element} can name", index)
                found.append(Principal(kind=kind, value=text))
        return tuple(found)

    def _conditions(self, body: Json, index: int) -> tuple[ConditionTest, ...]:
        if "Condition" not in body:
            return ()
        block = body["Condition"]
        if not isinstance(block, Mapping):
            self._note("bad_condition", "Condition is no object", index)
            return ()
        tests = []
        for operator, keys in block.items():
            if not isinstance(keys, Mapping) or not keys:
                self._note("bad_condition", f"{shown(operator)} has no keys to test", index)
                continue
            tests += [self._test(str(operator), str(key), value, index) for key, value in keys.items()]
        return tuple(tests)

    def _test(self, operator: str, key: str, value: Json, index: int) -> ConditionTest:
        match = _OPERATOR.fullmatch(operator)
        known = _OPERATORS.get(match["base"].lower()) if match else None
        set_operator = _SET_OPERATORS.get((match["set"] or "").lower()) if match else None
        if_exists = bool(match and match["if_exists"])
        if not match or (match["set"] and not set_operator) or (known == "Null" and if_exists):
            known = None
        if known is None:
            self._note("unknown_operator", f"{shown(operator)} is no condition operator", index)
        values = value if isinstance(value, list | tuple) else [value]
        texts = [iam_text(item) for item in values]
        if not texts:
            self._note("bad_condition", f"{shown(key)} has no value to compare with", index)
        elif None in texts:
            self._note("bad_condition", f"a value of {shown(key)} is neither text, a number nor true or false", index)
        return ConditionTest(
            operator=operator,
            base=known or operator,
            set_operator=set_operator,
            if_exists=if_exists,
            key=key,
            values=tuple(text for text in texts if text is not None),
        )

    def _text(self, element: str, body: Json, index: int | None) -> str | None:
        value = body.get(element)
        if element in body and not isinstance(value, str):
            self._note("bad_type", f"{element} is no text", index)
        return value if isinstance(value, str) else None

    def _texts(self, element: str, body: Json, index: int) -> tuple[str, ...] | None:
        if element not in body:
            return None
        value = body[element]
        items = value if isinstance(value, list | tuple) else [value]
        if not all(isinstance(item, str) for item in items):
            self._note("bad_type", f"{shown(element)} is neither text nor a list of texts", index)
        return tuple(item for item in items if isinstance(item, str))

    def _note(self, code: DefectCode, message: str, statement: int | None = None) -> None:
        self.defects.append(Defect(code=code, message=message, statement=statement))


def _object(pairs: list[tuple[str, Json]]) -> _Object:
    found = _Object(pairs)
    found.repeated = tuple(key for key, count in Counter(key for key, _ in pairs).items() if count > 1)
    return found


def _refuse_constant(word: str) -> Json:
    raise ValueError(word)  # NaN and Infinity are no JSON


def _is_deep(value: Json) -> bool:
    pending = [(value, 1)]
    while pending:
        current, depth = pending.pop()
        if isinstance(current, Mapping):
            children = list(current.values())
        elif isinstance(current, list | tuple):
            children = list(current)
        else:
            continue
        if depth > MAX_DEPTH:
            return True
        pending += [(child, depth + 1) for child in children]
    return False


def _repeated_within(value: Json) -> list[str]:
    """Keys given twice, in this object or any inside it."""
    if isinstance(value, Mapping):
        inner = [key for child in value.values() for key in _repeated_within(child)]
        return [*repeated_keys(value), *inner]
    if isinstance(value, list | tuple):
        return [key for child in value for key in _repeated_within(child)]
    return []


def iam_text(value: Json) -> str | None:
    """A condition value as IAM compares it; None for what is no scalar."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value) if value.bit_length() <= 256 else None
    if isinstance(value, float) and math.isfinite(value):
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    return None


def shown(value: Json) -> str:
    """A part of the document in a message, cut to a readable length."""
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    if not isinstance(value, str | int | float | None) or (isinstance(value, int) and value.bit_length() > 256):
        return "an object" if isinstance(value, Mapping) else f"a {type(value).__name__}"
    shown = repr(value)
    return shown if len(shown) <= 80 else shown[:79] + "…"
