"""What is decided where not all is known."""

from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any

import pytest

from recordscan.facts import Citation, Known, Unavailable
from recordscan.policy.authorize import Layers, authorize
from recordscan.policy.request import Context
from scanner.policy.asking import (
    ALL,
    ALLOWED,
    ANYTHING,
    BUCKET,
    DELEGATED,
    DENIED,
    KEY,
    LOGGING,
    MAYBE,
    MAYBE_DENIED,
    NOBODY,
    PARTNER,
    ROLE,
    ROOT,
    SESSION,
    SILENT,
    THEIRS,
    UNLESS_DENIED,
    UNREAD,
    USER,
    Asked,
    allow,
    ask,
    check,
    deny,
    outcome,
    policy,
    row,
)

PUT, NO_PUT = allow("s3:PutObject"), deny("s3:PutObject")
READ = allow("s3:GetObject")
VPC = {"StringEquals": {"aws:SourceVpc": ["vpc-1", "vpc-2"]}}
FROM_VPC, NOT_FROM_VPC = allow(when=VPC), deny(when=VPC)
HOME = f"{BUCKET}/${{aws:username}}/*"


def case(says: str, expected: str, **asked: Any) -> Any:
    """A row that no page of AWS's is about."""
    return row(says, "", expected, **asked)


KNOWN_IN_PART = [
    case("an Allow on an unknown key is a maybe", MAYBE, identity=FROM_VPC),
    case("a Deny on one may deny", UNLESS_DENIED, identity=[ALL, NOT_FROM_VPC]),
    case("both may", ANYTHING, identity=[FROM_VPC, NOT_FROM_VPC]),
    case("a Deny without Allow allows nothing", MAYBE_DENIED, identity=NOT_FROM_VPC),
    case("an Allow without it is certain", ALLOWED, identity=[FROM_VPC, PUT]),
    case("so is a Deny", DENIED, identity=[FROM_VPC, NO_PUT, NOT_FROM_VPC]),
    case("so is silence about the action", SILENT, identity=allow("s3:GetObject", when=VPC)),
    case("or the resource", SILENT, identity=allow(on=BUCKET, when=VPC)),
    case("or the principal", SILENT, resource=allow(to=ROLE, when=VPC)),
    case(
        "or by another condition",
        SILENT,
        identity=allow(when=VPC | {"Null": {"aws:a": True}}),
        where={"aws:a": "1"},
    ),
    case("a key that is known is known", ALLOWED, identity=FROM_VPC, where={"aws:SourceVpc": "vpc-2"}),
    case("to differ as well", SILENT, identity=FROM_VPC, where={"aws:SourceVpc": "vpc-3"}),
    case(
        "or to be absent",
        SILENT,
        identity=FROM_VPC,
        where=Context(complete=False, absent=frozenset({"aws:sourcevpc"})),
    ),
    *(
        case(f"{operator} cannot be told", MAYBE, identity=allow(when={operator: {"aws:k": "1"}}))
        for operator in ("Null", "StringNotEquals", "StringEqualsIfExists", "ForAllValues:StringEquals", "IpAddress")
    ),
    case("an operator that does not exist can", SILENT, identity=allow(when={"StringEqualsFoo": {"aws:k": "1"}})),
    case("a boundary may be silent", MAYBE, identity=ALL, boundary=FROM_VPC),
    case("an SCP may", MAYBE, identity=ALL, scps=[[ALL], [FROM_VPC]]),
    case("an RCP may deny", UNLESS_DENIED, identity=ALL, rcps=[[deny(to="*", when=VPC)]]),
    case(
        "delegation may be missing",
        MAYBE,
        action="kms:Decrypt",
        on=KEY,
        identity=ALL,
        resource=allow(to=ROOT, when=VPC),
    ),
    case("across accounts either side may be silent", MAYBE, by=PARTNER, identity=FROM_VPC, resource=allow(to=THEIRS)),
    case("a Deny is no Allow", MAYBE_DENIED, resource=deny(to=USER, when=VPC)),
    case("nor is one of an SCP", MAYBE_DENIED, identity=ALL, scps=[[NOT_FROM_VPC]]),
    case("or both", MAYBE, by=PARTNER, identity=FROM_VPC, resource=allow(to=THEIRS, when=VPC)),
    case("one that is silent is enough", SILENT, by=PARTNER, identity=FROM_VPC),
    case("a service may be let in", MAYBE, by=LOGGING, resource=allow(to={"Service": LOGGING}, when=VPC)),
    case("everybody may", MAYBE, by=NOBODY, resource=allow(to="*", when=VPC)),
    case("a resource may be named by a variable", MAYBE, identity=allow(on=HOME)),
    case("another may name it", ALLOWED, identity=allow(on=[HOME, "*"])),
    case("also before it", ALLOWED, identity=allow(on=["*", HOME])),
    case("NotResource may spare it", MAYBE, identity=allow(NotResource=HOME)),
    case("or not", UNLESS_DENIED, identity=[ALL, deny(NotResource=HOME)]),
    case(
        "a variable of several values names nothing",
        SILENT,
        identity=allow(on=HOME),
        where={"aws:username": ["a", "b"]},
    ),
    case(
        "a text may equal a variable",
        MAYBE,
        identity=allow(when={"StringEquals": {"a:b": "${aws:username}"}}),
        where={"a:b": "x"},
    ),
    case(
        "or another",
        ALLOWED,
        identity=allow(when={"StringEquals": {"a:b": ["${aws:username}", "x"]}}),
        where={"a:b": "x"},
    ),
    case(
        "it may differ from one",
        MAYBE,
        identity=allow(when={"StringNotEquals": {"a:b": "${aws:username}"}}),
        where={"a:b": "x"},
    ),
    case(
        "but not from itself",
        SILENT,
        identity=allow(when={"StringNotEquals": {"a:b": ["${aws:username}", "x"]}}),
        where={"a:b": "x"},
    ),
    case(
        "each of several may",
        MAYBE,
        identity=allow(when={"ForAllValues:StringEquals": {"a:b": ["${aws:username}", "x"]}}),
        where={"a:b": ["x", "y"]},
    ),
    case(
        "one of several does",
        ALLOWED,
        identity=allow(when={"ForAnyValue:StringEquals": {"a:b": ["${aws:username}", "x"]}}),
        where={"a:b": ["y", "x"]},
    ),
    case("one that is badly written can, too", SILENT, identity=allow(on=f"{BUCKET}/${{}}${{aws:username}}")),
]


@pytest.mark.parametrize(("page", "expected", "asked"), KNOWN_IN_PART)
def test_what_is_not_known_of_a_request_stays_open(page: str, expected: str, asked: Mapping[str, Any]) -> None:
    check(page, expected, {"known": False, **asked})


UNREADABLE = [
    case("identity may say anything", ANYTHING, identity=UNREAD),
    case("where the resource policy allows it may deny", UNLESS_DENIED, identity=UNREAD, resource=allow(to=USER)),
    case("where the boundary is silent it may deny", MAYBE_DENIED, identity=UNREAD, boundary=READ),
    case("a Deny elsewhere settles it", DENIED, identity=UNREAD, boundary=[ALL, NO_PUT]),
    case("across accounts silence stays silence", MAYBE_DENIED, by=PARTNER, identity=UNREAD),
    case("a boundary may be silent or deny", ANYTHING, identity=ALL, boundary=UNREAD),
    case("a user's name is beyond its silence", UNLESS_DENIED, boundary=UNREAD, resource=allow(to=USER)),
    case("a role's is not", ANYTHING, by=SESSION, boundary=UNREAD, resource=allow(to=ROLE)),
    case("nothing allows for it to limit", MAYBE_DENIED, boundary=UNREAD),
    case("a session policy may be silent or deny", ANYTHING, by=SESSION, identity=ALL, session=UNREAD),
    case("SCPs may be silent or deny", ANYTHING, identity=ALL, scps=UNREAD),
    case("they allow nothing", MAYBE_DENIED, scps=UNREAD),
    case("they bind no service", ALLOWED, by=LOGGING, resource=allow(to={"Service": LOGGING}), scps=UNREAD),
    case("RCPs may deny", UNLESS_DENIED, identity=ALL, rcps=UNREAD),
    case("not where they do not bear", ALLOWED, action="iam:GetUser", on=USER, identity=ALL, rcps=UNREAD),
    case("not on the end of grants", ALLOWED, action="KMS:RetireGrant", on=KEY, resource=allow(to=USER), rcps=UNREAD),
    case("a resource policy may allow or deny", ANYTHING, resource=UNREAD),
    case("it may deny what identity allows", UNLESS_DENIED, identity=ALL, resource=UNREAD),
    case("across accounts it may be silent", ANYTHING, by=PARTNER, identity=ALL, resource=UNREAD),
    case("it may not make up for silence", MAYBE_DENIED, by=PARTNER, resource=UNREAD),
    case("a key policy may be silent", ANYTHING, action="kms:Decrypt", on=KEY, identity=ALL, resource=UNREAD),
    case("everybody may be let in", ANYTHING, by=NOBODY, resource=UNREAD),
    case("a service may", ANYTHING, by=LOGGING, resource=UNREAD),
    case("root needs none", UNLESS_DENIED, by=ROOT, resource=UNREAD),
    case("grants may allow", MAYBE, action="kms:Decrypt", on=KEY, resource=allow(to=ROOT), grants=UNREAD),
    case("S3 may cut off", UNLESS_DENIED, by=PARTNER, identity=ALL, resource=allow(to="*"), restricted=UNREAD),
    case(
        "all may be unread",
        ANYTHING,
        identity=UNREAD,
        boundary=UNREAD,
        session=UNREAD,
        scps=UNREAD,
        rcps=UNREAD,
        resource=UNREAD,
    ),
]


@pytest.mark.parametrize(("page", "expected", "asked"), UNREADABLE)
def test_a_layer_that_was_not_read_stays_open(page: str, expected: str, asked: Mapping[str, Any]) -> None:
    check(page, expected, asked)
    decision = ask(**asked)
    assert bool(decision.gaps) is not decision.certain
    assert all(gap is UNREAD for gap in decision.gaps)
    question = Asked(**asked)
    fact = authorize(question.request, question.layers)
    assert isinstance(fact, Unavailable) is (ALLOWED in outcome(decision) and not decision.certain)


def test_no_layer_is_taken_for_there_unless_it_is_told() -> None:
    assert Layers() == Asked().layers


def test_a_decision_on_an_unknown_key_is_known() -> None:
    question = Asked(identity=FROM_VPC, known=False)
    fact = authorize(question.request, question.layers)
    assert isinstance(fact, Known)
    assert fact.value.allowed is None


def test_a_gap_is_told_before_an_unknown_key() -> None:
    question = Asked(identity=FROM_VPC, rcps=UNREAD, known=False)
    assert authorize(question.request, question.layers) is UNREAD


def test_a_decision_cites_every_layer_that_was_read() -> None:
    layers = Asked(action="kms:Decrypt", on=KEY, identity=ALL, resource=DELEGATED).layers
    sources = {f.name: (Citation(f"ev-{f.name}"),) for f in fields(Layers)}
    cited = replace(layers, **{name: Known(getattr(layers, name).value, source) for name, source in sources.items()})
    request = Asked(action="kms:Decrypt", on=KEY).request
    fact = authorize(request, cited)
    assert set(fact.source) == {place for source in sources.values() for place in source}
    denied = authorize(request, replace(cited, boundary=Known((policy(deny()),)), rcps=UNREAD))
    assert isinstance(denied, Known)
    assert len(denied.source) == len(sources) - 2
