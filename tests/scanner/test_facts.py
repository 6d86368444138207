"""Facts: what is known carries its source, and ignorance never turns into a value."""

from collections.abc import Callable

import pytest

from recordscan.facts import (
    Citation,
    Fact,
    FactMisuseError,
    Known,
    Missing,
    Reason,
    Unavailable,
    all_true,
    any_true,
    derive,
    evidence_trail,
    if_known,
    need,
    pluck,
)

HERE = (Citation("ev-1"),)
DENIED: Fact[bool] = Unavailable(Reason.ACCESS_DENIED, "denied", (Citation("ev-2"),), "s3:GetBucketPolicy")
TRUE: Fact[bool] = Known(True, HERE)
FALSE: Fact[bool] = Known(False, (Citation("ev-3"),))


def test_need_returns_the_value_and_notes_the_source_once() -> None:
    with evidence_trail() as trail:
        assert need(Known(5, HERE)) == 5
        assert need(Known(6, HERE)) == 6
    assert tuple(trail) == HERE


def test_need_of_an_unavailable_fact_ends_the_computation() -> None:
    with pytest.raises(Missing) as caught:
        need(DENIED)
    assert caught.value.fact is DENIED


def test_what_is_not_known_is_none_where_it_only_adds() -> None:
    with evidence_trail() as trail:
        assert if_known(TRUE) is True
        assert if_known(DENIED) is None
    assert tuple(trail) == HERE


def test_derive_joins_the_sources_of_everything_it_needed() -> None:
    fact = derive(lambda: need(TRUE) or need(FALSE))
    assert fact == Known(True, HERE)
    both = derive(lambda: (need(FALSE), need(TRUE)))
    assert isinstance(both, Known)
    assert both.source == (Citation("ev-3"), Citation("ev-1"))


def test_derive_of_something_unavailable_is_unavailable_with_reason_permission_and_both_sources() -> None:
    fact: Fact[tuple[bool, object]] = derive(lambda: (need(TRUE), need(DENIED)))
    assert fact == Unavailable(
        Reason.ACCESS_DENIED, "denied", (Citation("ev-1"), Citation("ev-2")), "s3:GetBucketPolicy"
    )


def test_derive_inside_derive_does_not_leak_sources_that_were_not_needed() -> None:
    def outer() -> bool:
        derive(lambda: need(FALSE))  # looked at, but never needed
        return need(TRUE)

    assert derive(outer) == Known(True, HERE)


@pytest.mark.parametrize("error", [KeyError("gone"), IndexError(), AttributeError(), ValueError(), TypeError()])
def test_an_answer_of_unexpected_shape_is_malformed_not_a_crash(error: Exception) -> None:
    def parse() -> int:
        raise error

    fact = derive(parse)
    assert isinstance(fact, Unavailable)
    assert fact.reason is Reason.MALFORMED


def test_pluck_points_at_the_member_it_read() -> None:
    answer = Known({"Rules": [{"a/b": {"~": 1}}]}, HERE)
    assert pluck(answer, "Rules", 0, "a/b", "~") == Known(1, (Citation("ev-1", "/Rules/0/a~1b/~0"),))


@pytest.mark.parametrize("path", [("Status",), ("Rules", 7), ("Gone", "Deeper", "Still")])
def test_pluck_of_what_an_answer_leaves_out_is_known_to_be_none(path: tuple[str | int, ...]) -> None:
    fact = pluck(Known({"Rules": []}, HERE), *path)
    assert isinstance(fact, Known)
    assert fact.value is None


@pytest.mark.parametrize(("value", "path"), [("text", ("x",)), ({"Rules": "no list"}, ("Rules", 0)), ([1], ("x",))])
def test_pluck_into_the_wrong_kind_of_value_is_malformed(value: object, path: tuple[str | int, ...]) -> None:
    fact = pluck(Known(value, HERE), *path)
    assert isinstance(fact, Unavailable)
    assert fact.reason is Reason.MALFORMED


def test_pluck_of_something_unavailable_stays_unavailable() -> None:
    assert pluck(DENIED, "Status") is DENIED


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ((TRUE, DENIED), True),
        ((DENIED, TRUE), True),
        ((FALSE, FALSE), False),
        ((FALSE, DENIED), None),
        ((DENIED, DENIED), None),
    ],
)
def test_any_true_is_kleenes_or(facts: tuple[Fact[bool], ...], expected: bool | None) -> None:
    fact = any_true(*facts)
    assert (fact.value if isinstance(fact, Known) else None) is expected


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ((FALSE, DENIED), False),
        ((DENIED, FALSE), False),
        ((TRUE, TRUE), True),
        ((TRUE, DENIED), None),
    ],
)
def test_all_true_is_kleenes_and(facts: tuple[Fact[bool], ...], expected: bool | None) -> None:
    fact = all_true(*facts)
    assert (fact.value if isinstance(fact, Known) else None) is expected


@pytest.mark.parametrize("fact", [TRUE, FALSE, DENIED, Known("owned"), Known(None)])
@pytest.mark.parametrize(
    "use",
    [
        bool,
        lambda fact: fact == "owned",
        lambda fact: fact != "owned",
        lambda fact: "owned" == fact,  # noqa: SIM300 - the other way round
        lambda fact: fact in ("owned", "foreign"),
        lambda fact: fact == None,  # noqa: E711
    ],
)
def test_a_fact_never_passes_for_its_value(fact: Fact[object], use: Callable[[object], bool]) -> None:
    with pytest.raises(FactMisuseError, match=r"read it with need\(\)"):
        use(fact)
    with pytest.raises(FactMisuseError):
        derive(lambda: use(fact))


def test_facts_can_be_compared_with_facts() -> None:
    assert Known(5, HERE) == Known(5, HERE)
    assert Known(5, HERE) != Known(5)
    assert DENIED != TRUE
    assert len({TRUE, Known(True, HERE), FALSE, DENIED}) == 3
