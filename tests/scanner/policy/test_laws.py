"""Laws that hold for every policy, tried on policies that nobody would write.

`RECORDSCAN_EXAMPLES=100000` tries each law that often.
"""

import copy
import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from recordscan.facts import Known, Unavailable
from recordscan.policy.authorize import Layers, Outcome, authorize, decide
from recordscan.policy.documents import PolicyKind, load_policy
from recordscan.policy.public import public_statements
from recordscan.policy.request import Context
from recordscan.policy.rows import Grant, Policy
from scanner.policy.asking import (
    BUCKET,
    KEY,
    LOGGING,
    NOBODY,
    OBJECT,
    OURS,
    PARTNER,
    ROLE,
    ROOT,
    SESSION,
    TARGET_ROLE,
    THEIRS,
    UNREAD,
    USER,
    Asked,
    Json,
    probes,
)

many = settings(
    max_examples=int(os.environ.get("RECORDSCAN_EXAMPLES", "300")),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.large_base_example],
)

ACTIONS = ("*", "s3:*", "s3:PutObject", "S3:put*", "s3:?etObject", "kms:*", "kms:Decrypt", "sts:*", "iam:*")
RESOURCES = (
    *("*", BUCKET, f"{BUCKET}/*", OBJECT, f"{BUCKET}/${{aws:username}}/*", "arn:aws:s3", "arn:*:media/video/RT1.mka"),
    *(f"{BUCKET}/${{aws:username, 'video'}}/*", f"{BUCKET}/${{aws:TagKeys}}/*", KEY, "arn:aws:kms:*", TARGET_ROLE),
)
PRINCIPALS: tuple[Json | str, ...] = (
    "*",
    *({"AWS": value} for value in ("*", OURS, ROOT, USER, ROLE, SESSION, THEIRS, PARTNER)),
    *({"AWS": value} for value in ([USER, ROOT], [SESSION, ROLE, ROOT], [PARTNER, THEIRS], [ROLE, OURS])),
    *({"Service": LOGGING}, {"Service": "s3.amazonaws.com", "AWS": USER}, {"Federated": "accounts.google.com"}),
)
KEYS = ("aws:username", "aws:SourceVpc", "aws:TagKeys", "kms:EncryptionContext:dept", "aws:PrincipalOrgID")
VALUES = ("video", "vpc-1", "v*", "*", "${aws:username}", "${aws:TagKeys}", "true", "false", "7", "2026-06-15", OBJECT)
BASES = ("StringEquals", "StringNotEquals", "StringLike", "StringNotLike", "ArnLike", "ArnNotEquals")
OPERATORS = (
    *BASES,
    *("Null", "Bool", "NumericLessThan", "NumericNotEquals", "DateGreaterThan", "IpAddress", "NotIpAddress", "Wizard"),
    *(f"{base}IfExists" for base in BASES),
    *(f"{prefix}:{base}" for prefix in ("ForAllValues", "ForAnyValue", "ForNoValue") for base in BASES),
)
REQUESTS = (
    ("s3:PutObject", OBJECT),
    ("s3:GetObject", OBJECT),
    ("s3:ListAllMyBuckets", "*"),
    ("kms:Decrypt", KEY),
    ("sts:AssumeRole", TARGET_ROLE),
)
GRANTS = (
    Grant(id="g1", grantee=USER, operations=("Decrypt",)),
    Grant(id="g2", grantee=ROLE, operations=("Decrypt",), context_equals={"dept": "video"}),
    Grant(id="g3", grantee=USER, operations=("Decrypt",), context_subset={"dept": "video"}),
    Grant(id="g4", grantee=LOGGING, operations=("Decrypt", "Encrypt")),
)


def some(values: Sequence[Any]) -> st.SearchStrategy[list[Any]]:
    return st.lists(st.sampled_from(values), min_size=1, max_size=3)


CONDITIONS = st.dictionaries(
    st.sampled_from(OPERATORS), st.dictionaries(st.sampled_from(KEYS), some(VALUES), min_size=1, max_size=2), max_size=2
)


@st.composite
def statements(draw: st.DrawFn, resource: bool = False, effect: str | None = None) -> Json:
    """A statement that AWS would accept, of an identity policy or a resource policy."""
    statement: Json = {
        "Effect": effect or draw(st.sampled_from(("Allow", "Allow", "Deny"))),
        draw(st.sampled_from(("Action", "Action", "NotAction"))): draw(some(ACTIONS)),
        draw(st.sampled_from(("Resource", "Resource", "NotResource"))): draw(some(RESOURCES)),
    }
    if resource:
        element = draw(st.sampled_from(("Principal", "Principal", "NotPrincipal")))
        statement[element] = draw(st.sampled_from(PRINCIPALS))
    if draw(st.booleans()):
        statement["Condition"] = draw(CONDITIONS)
    return statement


def policies(resource: bool = False) -> st.SearchStrategy[list[Json]]:
    return st.lists(statements(resource), max_size=3)


def or_unread(written: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.one_of(written, written, written, st.just(UNREAD))


@st.composite
def worlds(draw: st.DrawFn) -> Asked:
    """A request with all its policies."""
    action, on = draw(st.sampled_from(REQUESTS))
    where = draw(st.dictionaries(st.sampled_from(KEYS), some(VALUES), max_size=4))
    return Asked(
        by=draw(st.sampled_from((USER, ROLE, SESSION, ROOT, PARTNER, LOGGING, NOBODY))),
        action=action,
        on=on,
        where=where,
        known=draw(st.booleans()),
        identity=draw(or_unread(st.lists(policies(), max_size=2).map(tuple))),
        boundary=draw(or_unread(st.none() | policies())),
        session=draw(or_unread(st.none() | policies())),
        scps=draw(or_unread(st.none() | st.lists(st.lists(policies(), max_size=2), max_size=2))),
        rcps=draw(or_unread(st.lists(st.lists(policies(resource=True), max_size=1), max_size=1))),
        resource=draw(or_unread(st.none() | policies(resource=True))),
        grants=draw(or_unread(st.lists(st.sampled_from(GRANTS), max_size=2).map(tuple))),
        restricted=draw(or_unread(st.booleans())),
    )


def outcomes(asked: Asked) -> set[Outcome]:
    return set(decide(asked.request, asked.layers).outcomes)


def changed(asked: Asked, change: Callable[[list[Json]], list[Json]]) -> Asked:
    """The same request, where every policy is changed."""

    def levels(attached: Any) -> Any:
        if attached is None or isinstance(attached, Unavailable):
            return attached
        return [[change(written) for written in level] for level in attached]

    def one(written: Any) -> Any:
        return written if written is None or isinstance(written, Unavailable) else change(written)

    identity: Any = asked.identity
    return replace(
        asked,
        identity=identity if isinstance(identity, Unavailable) else tuple(change(written) for written in identity),
        boundary=one(asked.boundary),
        session=one(asked.session),
        scps=levels(asked.scps),
        rcps=levels(asked.rcps),
        resource=one(asked.resource),
    )


LAYERS = ("identity", "boundary", "session", "scps", "rcps", "resource")


def added(asked: Asked, layer: str, statement: Json) -> Asked:
    """The same request, where a layer has one statement more; unchanged where there is no such policy."""
    written: Any = getattr(asked, layer)
    if written is None or isinstance(written, Unavailable):
        return asked
    if layer in ("scps", "rcps"):
        return with_layer(asked, layer, [[*level, [statement]] for level in written])
    return with_layer(asked, layer, (*written, [statement]) if layer == "identity" else [*written, statement])


def with_layer(asked: Asked, layer: str, written: object) -> Asked:
    other: dict[str, Any] = {layer: written}
    return replace(asked, **other)


@many
@given(worlds())
def test_a_decision_is_one_of_its_outcomes(asked: Asked) -> None:
    decision = decide(asked.request, asked.layers)
    assert decision.outcomes
    assert len(set(decision.outcomes)) == len(decision.outcomes)
    assert decision.because or not decision.certain
    assert bool(decision.denying) is (decision.outcomes == (Outcome.EXPLICITLY_DENIED,))
    assert decision.certain or decision.open or decision.gaps
    assert isinstance(authorize(asked.request, asked.layers), Known) or decision.gaps


@many
@given(worlds(), st.data())
def test_a_further_deny_never_widens(asked: Asked, data: st.DataObject) -> None:
    layer = data.draw(st.sampled_from(LAYERS))
    deny = data.draw(statements(resource=layer in ("rcps", "resource"), effect="Deny"))
    before, after = outcomes(asked), outcomes(added(asked, layer, deny))
    assert Outcome.ALLOWED in before or Outcome.ALLOWED not in after
    assert before != {Outcome.EXPLICITLY_DENIED} or after == before


@many
@given(worlds(), policies())
def test_a_boundary_never_widens(asked: Asked, boundary: list[Json]) -> None:
    before = outcomes(replace(asked, boundary=None))
    for after in (outcomes(replace(asked, boundary=boundary)), outcomes(replace(asked, boundary=UNREAD))):
        assert Outcome.ALLOWED in before or Outcome.ALLOWED not in after
        assert before != {Outcome.EXPLICITLY_DENIED} or after == before


@many
@given(worlds(), st.data())
def test_a_further_allow_never_narrows_but_where_s3_cuts_off(asked: Asked, data: st.DataObject) -> None:
    asked = replace(asked, restricted=False)
    layer = data.draw(st.sampled_from(LAYERS))
    allow = data.draw(statements(resource=layer in ("rcps", "resource"), effect="Allow"))
    before, after = outcomes(asked), outcomes(added(asked, layer, allow))
    assert Outcome.ALLOWED in after or Outcome.ALLOWED not in before
    assert before != {Outcome.ALLOWED} or after == before


@many
@given(worlds(), st.randoms(use_true_random=False))
def test_the_order_of_statements_never_matters(asked: Asked, random: Any) -> None:
    def shuffled(written: list[Json]) -> list[Json]:
        return random.sample(written, len(written))  # type: ignore[no-any-return]

    other = changed(asked, shuffled)
    if isinstance(other.identity, tuple):
        other = replace(other, identity=tuple(reversed(other.identity)))
    assert decide(other.request, other.layers).outcomes == decide(asked.request, asked.layers).outcomes


@many
@given(worlds(), st.sampled_from(("Action", "Resource")))
def test_to_split_a_statement_never_matters(asked: Asked, element: str) -> None:
    def change(written: list[Json]) -> list[Json]:
        parts: list[Json] = []
        for statement in written:
            values = statement.get(element)
            parts += [statement | {element: value} for value in values] if values else [statement]
        return parts

    assert outcomes(changed(asked, change)) == outcomes(asked)


@many
@given(worlds(), st.sets(st.sampled_from(KEYS)))
def test_to_know_less_of_a_request_only_opens_it(asked: Asked, forgotten: set[str]) -> None:
    full = asked.request.context
    absent = frozenset(key.lower() for key in KEYS) if full.complete else full.absent
    less = Context(
        present={key: values for key, values in full.present.items() if key not in {k.lower() for k in forgotten}},
        complete=False,
        absent=absent - set(full.present) - {key.lower() for key in forgotten},
    )
    assert outcomes(asked) <= outcomes(replace(asked, where=less))


@many
@given(worlds(), st.sampled_from((*LAYERS, "grants", "restricted")))
def test_to_read_less_of_the_policies_only_opens_a_decision(asked: Asked, layer: str) -> None:
    assert outcomes(asked) <= outcomes(with_layer(asked, layer, UNREAD))


SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
WORDS = st.sampled_from(
    (
        *("Version", "Statement", "Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction", "Resource"),
        *("NotResource", "Condition", "AWS", "Service", "2012-10-17", "Allow", "Deny", *OPERATORS, *VALUES, *ACTIONS),
    )
)
JSON_VALUES = st.recursive(
    SCALARS | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS | st.text(max_size=3), inner, max_size=4),
    max_leaves=12,
)
PROBES = probes()
REAL = [
    *(p["policy"] for probe in PROBES for p in probe["identityPolicies"]),
    *(probe["resourcePolicy"] for probe in PROBES if probe["resourcePolicy"]),
]


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The way to every value within a JSON value."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for key, child in inner for place in places(child, (*path, key)))]


@st.composite
def mutilated(draw: st.DrawFn) -> Any:
    """A real policy, of which some values are lost, doubled or replaced."""
    document: Any = copy.deepcopy(draw(st.sampled_from(REAL)))
    for _ in range(draw(st.integers(1, 3))):
        path = draw(st.sampled_from(places(document)))
        if not path:
            continue
        parent = document
        for step in path[:-1]:
            parent = parent[step]
        change = draw(st.sampled_from(("lose", "replace", "wrap", "move")))
        if change == "lose":
            del parent[path[-1]]
        elif change == "replace":
            parent[path[-1]] = draw(JSON_VALUES)
        elif change == "wrap":
            parent[path[-1]] = [copy.deepcopy(parent[path[-1]])] * draw(st.integers(0, 2))
        elif isinstance(parent, dict):
            parent[draw(WORDS)] = parent.pop(path[-1])
    return document


@many
@given(st.one_of(JSON_VALUES, mutilated(), mutilated(), mutilated()), worlds())
def test_no_document_breaks_the_evaluator(written: Any, asked: Asked) -> None:
    kinds: tuple[PolicyKind | None, ...] = (None, "identity", "resource", "trust")
    for kind in kinds:
        document = load_policy(written, kind=kind)
        policy = Policy("it", document)
        layers = Layers(
            identity=Known((policy,)),
            boundary=Known((policy,)),
            session=Known((policy,)),
            scps=Known((("root", (policy,)),)),
            rcps=Known((("root", (policy,)),)),
            resource=Known(policy),
            restrict_public_buckets=Known(True),
        )
        decision = decide(asked.request, layers)
        assert decision.outcomes
        assert decision.because or not decision.certain
        assert isinstance(authorize(asked.request, layers), Known)
        for service in ("s3", "kms"):
            assert all(found.why for found in public_statements(document, service))
