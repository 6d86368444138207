import itertools
import re
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recordscan.policy.globs import TooComplexError, includes, intersects, matches, suffixes, witness

GLOB = st.text(alphabet="ab*?", max_size=6)
WORDS = ["".join(word) for length in range(8) for word in itertools.product("abc", repeat=length)]


def expected(pattern: str, text: str) -> bool:
    parts = (".*" if c == "*" else "." if c == "?" else re.escape(c) for c in pattern)
    return re.fullmatch("".join(parts), text, re.DOTALL) is not None


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("*", ""),
        ("", ""),
        ("s3:Get*", "s3:GetObject"),
        ("s3:*Object", "s3:PutObject"),
        ("arn:aws:s3:::b/*", "arn:aws:s3:::b/a/b:c"),
        ("a?c", "abc"),
        ("a[bc].+($)", "a[bc].+($)"),
        ("**a**", "a"),
        ("*", "\n"),
    ],
)
def test_a_glob_matches(pattern: str, text: str) -> None:
    assert matches(pattern, text)


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("", "a"),
        ("?", ""),
        ("a?c", "ac"),
        ("a[bc]", "ab"),
        ("a.c", "abc"),
        ("b/*", "b"),
        ("S3:GetObject", "s3:GetObject"),
        ("\\*", "*"),
    ],
)
def test_a_glob_does_not_match(pattern: str, text: str) -> None:
    assert not matches(pattern, text)


def test_case_is_ignored_where_asked() -> None:
    assert matches("S3:get*", "s3:GetObject", ignore_case=True)


@given(pattern=GLOB, text=st.text(alphabet="abc*?", max_size=8))
def test_matching_agrees_with_the_regular_expression(pattern: str, text: str) -> None:
    assert matches(pattern, text) == expected(pattern, text)


@given(wide=GLOB, narrow=GLOB)
def test_inclusion_agrees_with_brute_force(wide: str, narrow: str) -> None:
    if includes(wide, narrow):
        assert all(expected(wide, word) for word in WORDS if expected(narrow, word))
    else:
        counterexample = witness(narrow, (wide,))
        assert counterexample is not None
        assert expected(narrow, counterexample)
        assert not expected(wide, counterexample)


@given(a=GLOB, b=GLOB)
def test_intersection_agrees_with_the_witness(a: str, b: str) -> None:
    found = witness((a, b))
    assert intersects(a, b) == (found is not None)
    assert found is None or (expected(a, found) and expected(b, found))


@given(inside=st.lists(GLOB, min_size=1, max_size=2), outside=st.lists(GLOB, max_size=3))
def test_a_witness_is_a_shortest_text_inside_and_outside(inside: list[str], outside: list[str]) -> None:
    def wanted(text: str) -> bool:
        return all(expected(p, text) for p in inside) and not any(expected(p, text) for p in outside)

    found = witness(inside, outside)
    if found is None:
        assert not any(map(wanted, WORDS))
    else:
        assert wanted(found)
        assert not any(map(wanted, (word for word in WORDS if len(word) < len(found))))


@pytest.mark.parametrize(
    ("wide", "narrow"),
    [("*?**", "*b?"), ("*?", "?*"), ("a*", "a*a"), ("*", ""), ("s3:*", "s3:Get*"), ("b/*", "b/p/*"), ("*a*", "ba?*")],
)
def test_inclusion_holds(wide: str, narrow: str) -> None:
    assert includes(wide, narrow)


@pytest.mark.parametrize(
    ("wide", "narrow"), [("s3:Get*", "s3:*"), ("b/?*", "b/*"), ("?", "*"), ("", "?"), ("b/*", "b*"), ("ab", "a?")]
)
def test_inclusion_fails(wide: str, narrow: str) -> None:
    assert not includes(wide, narrow)


def test_union_can_cover_what_no_part_covers() -> None:
    assert witness("b/*", ("b/", "b/?*")) is None
    assert witness("b/*", ("b/?*",)) == "b/"


def test_a_witness_prefers_plain_letters() -> None:
    assert witness("s3:Get?*", ("s3:GetObject*",)) == "s3:Geta"


@pytest.mark.parametrize("pattern", ["*a" * 200 + "b", "*" * 5000 + "b", "?" * 2000 + "*" * 2000])
def test_matching_does_not_run_away(pattern: str) -> None:
    # A backtracking matcher would not end within the timeout of the test run.
    assert not matches(pattern, "a" * 1900)


ENDS_LATE = "*a" + "?" * 25


def test_a_proof_that_would_be_too_long_is_given_up() -> None:
    with pytest.raises(TooComplexError):
        witness(ENDS_LATE, ("?" * 26 + "*",))


def test_inclusion_says_false_where_the_proof_would_be_too_long() -> None:
    assert not includes("?" * 26 + "*", ENDS_LATE)
    assert includes("?" * 4 + "*", "*a" + "?" * 3)


@pytest.mark.parametrize(("a", "b"), [("*a?b*" * 60, "*b?a*" * 60), ("*" + "a?" * 90, "?a" * 90 + "*")])
def test_hostile_pairs_are_answered(a: str, b: str) -> None:
    assert intersects(a, b)
    assert not includes(a, b)


def test_a_witness_is_found_beside_every_letter() -> None:
    letters = string.ascii_letters + string.digits
    found = witness("?", letters)
    assert found is not None
    assert len(found) == 1
    assert found not in letters


@given(GLOB, st.text(alphabet="abc", max_size=6))
def test_every_end_of_a_text_that_matches_is_found(pattern: str, text: str) -> None:
    assert suffixes(pattern, text) == {place for place in range(len(text) + 1) if expected(pattern, text[place:])}
