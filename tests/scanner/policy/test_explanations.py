"""How a decision explains itself."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from recordscan.facts import Citation, Known
from recordscan.policy.authorize import Layers, authorize
from scanner.policy.asking import (
    ALL,
    BUCKET,
    DELEGATED,
    KEY,
    LOGGING,
    NOBODY,
    OBJECT,
    OURS,
    PARTNER,
    ROLE,
    ROOT,
    SESSION,
    THEIRS,
    UNREAD,
    USER,
    Asked,
    allow,
    ask,
    deny,
    policy,
)

READ = allow("s3:GetObject")
VPC = {"StringEquals": {"aws:SourceVpc": ["vpc-1", "vpc-2"]}}
FROM_VPC, NOT_FROM_VPC = allow(when=VPC), deny(when=VPC)
HOME = f"{BUCKET}/${{aws:username}}/*"


def test_a_decision_tells_allowed_from_denied() -> None:
    assert [ask(identity=i).allowed for i in (ALL, deny(), ())] == [True, False, False]
    assert [ask(identity=i, known=False).allowed for i in (FROM_VPC, NOT_FROM_VPC)] == [None, False]


def test_a_decision_tells_what_allows_from_what_denies() -> None:
    decision = ask(identity=[ALL, deny(), READ])
    assert [r.label for r in decision.allowing] == ["#1"]
    assert [r.label for r in decision.denying] == ["#2"]


def test_a_document_that_cannot_be_read_is_both() -> None:
    found = ask(identity="{").open
    assert [(r.label, r.effect, r.open) for r in found] == [("?", "Allow", ("",)), ("?", "Deny", ("",))]


def test_a_decision_keeps_every_statement() -> None:
    decision = ask(
        identity=[READ | {"Sid": "Read"}, ALL | {"Sid": "All"}],
        by=SESSION,
        boundary=ALL,
        session=ALL,
        scps=[[ALL]],
        rcps=[[deny("s3:GetObject", to="*")]],
        resource=[allow(to=SESSION, on=BUCKET, when=VPC), allow(to=OURS), deny("iam:*", but=ROLE)],
    )
    missed = ("Resource", "Condition StringEquals aws:SourceVpc")
    assert [(r.layer, r.policy, r.label, r.effect, r.applies, r.cover, r.misses) for r in decision.rows] == [
        ("resource", "the resource policy", "#1", "Allow", False, "principal", missed),
        ("resource", "the resource policy", "#2", "Allow", True, "account", ()),
        ("resource", "the resource policy", "#3", "Deny", False, "everyone", ("Action",)),
        ("identity", "it", "Read", "Allow", False, None, ("Action",)),
        ("identity", "it", "All", "Allow", True, None, ()),
        ("boundary", "it", "#1", "Allow", True, None, ()),
        ("session", "it", "#1", "Allow", True, None, ()),
        ("scp", "p0", "#1", "Allow", True, None, ()),
        ("rcp", "p0", "#1", "Deny", False, "everyone", ("Action",)),
    ]
    assert [r.label for r in decision.rows if r.near] == ["#3", "Read", "#1"]
    assert [r.layer for r in decision.allowing] == ["resource", "identity", "boundary", "session", "scp"]
    assert not decision.denying
    assert decision.silent == ()
    assert not decision.open


@pytest.mark.parametrize(
    ("misses", "asked"),
    [
        (("Action",), {"identity": READ}),
        (("NotAction",), {"identity": allow(NotAction="s3:*")}),
        (("Resource",), {"identity": allow(on=BUCKET)}),
        (("NotResource",), {"identity": allow(NotResource=OBJECT)}),
        (("Principal",), {"resource": allow(to=ROLE)}),
        (("NotPrincipal",), {"resource": allow(but=USER)}),
        (("NotPrincipal",), {"resource": deny(but=[USER, ROOT])}),
        (("Condition StringEquals aws:SourceVpc",), {"identity": FROM_VPC}),
        (("Action", "Resource", "Principal"), {"resource": allow("s3:GetObject", on=BUCKET, to=ROLE)}),
    ],
)
def test_a_statement_that_does_not_match_says_why(misses: tuple[str, ...], asked: Mapping[str, Any]) -> None:
    (missed,) = ask(**asked).rows
    assert (missed.applies, missed.misses, missed.near) == (False, misses, len(misses) == 1)


@pytest.mark.parametrize(
    ("keys", "asked"),
    [
        (("aws:SourceVpc",), {"identity": FROM_VPC}),
        (("aws:SourceVpc", "aws:a"), {"identity": allow(when=VPC | {"Bool": {"aws:a": "true"}})}),
        (("aws:username",), {"identity": allow(on=HOME)}),
        (("aws:username",), {"identity": allow(NotResource=HOME)}),
        (("aws:a", "aws:b"), {"identity": allow(on=[f"{BUCKET}/${{aws:b, 'x'}}", f"{BUCKET}/${{ aws:a }}${{aws:b}}"])}),
        (("aws:a",), {"identity": allow(on=f"{BUCKET}/${{aws:a}}${{aws:b}}"), "where": {"aws:b": "x"}}),
        (("",), {"identity": allow(Wizard=1)}),
        (("aws:SourceVpc", ""), {"identity": allow(when=VPC, Wizard=1)}),
        (("",), {"resource": deny(but=[USER, ROOT]), "boundary": UNREAD, "identity": ()}),
    ],
)
def test_a_statement_that_cannot_be_told_says_why(keys: tuple[str, ...], asked: Mapping[str, Any]) -> None:
    (unsure,) = ask(**{"known": False, **asked}).open
    assert (unsure.applies, unsure.misses, unsure.open) == (None, (), keys)


@pytest.mark.parametrize(
    ("because", "asked"),
    [
        (("no identity policy allows it",), {}),
        (("no identity policy allows it",), {"by": PARTNER, "resource": allow(to=THEIRS)}),
        (("no statement of the other account's resource policy allows it",), {"by": PARTNER, "identity": ALL}),
        (
            ("no identity policy allows it", "no statement of the other account's resource policy allows it"),
            {"by": PARTNER},
        ),
        (("the permissions boundary does not allow it",), {"identity": ALL, "boundary": READ}),
        (("the session policy does not allow it",), {"by": SESSION, "identity": ALL, "session": READ}),
        (
            ("the resource policy neither names the principal nor delegates to the account",),
            {"action": "kms:Decrypt", "on": KEY, "identity": ALL},
        ),
        (("no identity policy allows it",), {"action": "kms:Decrypt", "on": KEY, "resource": DELEGATED}),
        (("no service control policy of level 1 allows it",), {"identity": ALL, "scps": [[ALL], [READ]]}),
        (("no service control policy of level 0 allows it",), {"resource": allow(to=USER), "scps": [[READ]]}),
        (
            ("no service control policy of level 0 allows it",),
            {"action": "kms:Decrypt", "on": KEY, "resource": allow(to=USER), "scps": [[READ]]},
        ),
        ((f"no statement of the resource policy allows {LOGGING}",), {"by": LOGGING}),
        (("no statement of the resource policy allows everybody",), {"by": NOBODY}),
        (("statement #1 of it denies it",), {"identity": deny(), "boundary": READ}),
        (("statement #1 of it allows it",), {"identity": ALL}),
        (("the root user needs no permission",), {"by": ROOT}),
    ],
)
def test_a_decision_says_why(because: tuple[str, ...], asked: Mapping[str, Any]) -> None:
    assert ask(**asked).because == because


def test_silence_is_told_only_where_it_may_decide() -> None:
    assert ask(identity=ALL).silent == ()
    assert ask(identity=deny()).silent == ()
    assert ask(identity=FROM_VPC, known=False).silent == ("no identity policy allows it",)
    assert ask(identity=FROM_VPC, known=False).because == ()
    assert ask(identity=NOT_FROM_VPC, known=False).because == ("no identity policy allows it",)


@pytest.mark.parametrize(
    ("words", "asked"),
    [
        (("aws:SourceVpc",), {"identity": FROM_VPC, "known": False}),
        (("the meaning of statement #1 of it",), {"identity": allow(Wizard=1)}),
        (
            ("aws:SourceVpc", "the meaning of statement Odd of the resource policy"),
            {"identity": FROM_VPC, "known": False, "resource": allow(to=USER, Sid="Odd", Wizard=1)},
        ),
        ((), {"identity": ALL}),
    ],
)
def test_a_decision_says_what_it_depends_on(words: tuple[str, ...], asked: Mapping[str, Any]) -> None:
    assert sorted(ask(**asked).depends_on) == sorted(words)


def test_what_was_decided_rests_on_every_layer_that_was_read() -> None:
    asked = Asked(identity=deny(), boundary=UNREAD, resource=allow(to=USER))
    layers = replace(
        asked.layers,
        identity=replace(asked.layers.identity, source=(Citation("ev-identity"),)),
        scps=Known(None, (Citation("ev-scps"),)),
        resource=replace(asked.layers.resource, source=(Citation("ev-resource"),)),
    )
    decided = authorize(asked.request, layers)
    assert isinstance(decided, Known)
    assert {place.observation for place in decided.source} == {"ev-identity", "ev-scps", "ev-resource"}


def test_the_policies_of_all_layers_are_told_as_far_as_they_could_be_read() -> None:
    one = {name: (policy(ALL, name=name),) for name in ("identity", "boundary", "session", "scp", "rcp")}
    layers = Layers(
        identity=Known(one["identity"]),
        boundary=Known(one["boundary"]),
        session=Known(one["session"]),
        scps=Known((("root", one["scp"]), ("account", one["scp"]))),
        rcps=Known((("root", one["rcp"]),)),
        resource=Known(policy(ALL, "resource", "resource")),
    )
    assert [told.name for told in layers.policies] == [
        *("identity", "resource", "boundary", "session", "scp", "scp", "rcp")
    ]
    assert [told.name for told in layers.granting] == ["identity", "resource"]
    unread = Layers(identity=UNREAD, boundary=UNREAD, session=UNREAD, scps=UNREAD, rcps=UNREAD, resource=UNREAD)
    assert list(unread.policies) == list(Layers().policies) == []
