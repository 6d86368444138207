import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recordscan.facts import Json
from recordscan_reports.html.excerpt import Answer
from recordscan_reports.html.prose import Block, Span, parse_prose

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
)


@settings(deadline=None)
@given(JSON)
def test_an_answer_that_is_shown_whole_is_its_json(answer: Json) -> None:
    lines = Answer(answer).excerpt([], limit=10_000)
    assert json.loads("".join(line.indent + line.text + line.comma for line in lines)) == answer


@pytest.mark.parametrize(
    ("pointer", "text"),
    [
        ("/a", '"a": 1'),
        ("/b/1", "3"),
        ("/~0~1", '"~/": {'),
        ("/~0~1/", '"": null'),
        ("/c", '"c": []'),
    ],
)
def test_a_cited_place_is_decisive(pointer: str, text: str) -> None:
    lines = Answer({"a": 1, "b": [2, 3], "~/": {"": None}, "c": []}).excerpt([pointer])
    assert [line.text for line in lines if line.decisive] == [text]


def test_all_of_a_cited_object_is_inside() -> None:
    lines = Answer({"a": {"b": 1, "c": 2}, "d": 3}).excerpt(["/a"])
    assert [line.text for line in lines if line.inside] == ['"b": 1', '"c": 2', "}"]


@pytest.mark.parametrize(
    ("pointer", "place", "missing"),
    [("/x", "{", "x"), ("/a/x/y", '"a": {', "x/y"), ("/a/b/c", '"b": 1', "c"), ("/x~1y", "{", "x/y")],
)
def test_what_is_not_there_is_noted_where_it_would_be(pointer: str, place: str, missing: str) -> None:
    lines = Answer({"a": {"b": 1}}).excerpt([pointer])
    assert [(line.text, line.missing) for line in lines if line.missing] == [(place, (missing,))]
    assert not any(line.decisive for line in lines)


def test_of_a_long_answer_the_neighbourhood_is_shown_and_the_rest_counted() -> None:
    lines = Answer(list(range(1000))).excerpt(["/500"], context=2, limit=20)
    assert [line.text or line.left_out for line in lines] == [499, "498", "499", "500", "501", "502", 498]


def test_of_a_long_answer_without_cited_places_the_beginning_is_shown() -> None:
    lines = Answer(list(range(1000))).excerpt([], limit=3)
    assert [line.text or line.left_out for line in lines] == ["[", "0", "1", 999]


@pytest.mark.parametrize("places", [1, 10, 500])
def test_an_excerpt_stays_short_however_many_places_are_cited(places: int) -> None:
    lines = Answer(list(range(1000))).excerpt([f"/{2 * n}" for n in range(places)], context=3, limit=20)
    assert len(lines) <= 20 + 2 * 3 + 3
    shown = [line for line in lines if not line.left_out]
    assert len(shown) + sum(line.left_out for line in lines) == 1002


def test_a_very_long_value_is_cut_and_says_so() -> None:
    (line,) = Answer("x" * 10_000).excerpt([""])
    assert line.text.endswith("… (6,002 more characters)")


def test_a_very_deep_answer_does_not_break_the_page() -> None:
    answer: Json = "core"
    for _ in range(300):
        answer = [answer]
    assert "core" in "".join(line.text for line in Answer(answer).excerpt(["/0" * 250], limit=10_000))


@pytest.mark.parametrize(
    ("markdown", "blocks"),
    [
        ("", []),
        ("One\nparagraph.", [("paragraph", [[("text", "One paragraph.")]])]),
        ("One.\n\nTwo.", [("paragraph", [[("text", "One.")]]), ("paragraph", [[("text", "Two.")]])]),
        (
            "Call `a<b` and **bold**.",
            [
                (
                    "paragraph",
                    [[("text", "Call "), ("code", "a<b"), ("text", " and "), ("strong", "bold"), ("text", ".")]],
                )
            ],
        ),
        (
            "Do:\n- a\n  more\n- b",
            [("paragraph", [[("text", "Do:")]]), ("bullets", [[("text", "a more")], [("text", "b")]])],
        ),
        ("1. a\n2. b", [("numbers", [[("text", "a")], [("text", "b")]])]),
        (
            "```\na  b\n\n- c\n```\nend",
            [("code", [[("text", "a  b"), ("text", ""), ("text", "- c")]]), ("paragraph", [[("text", "end")]])],
        ),
        ("```\nnever closed", [("code", [[("text", "never closed")]])]),
        ("[x](javascript:alert(1)) <b>", [("paragraph", [[("text", "[x](javascript:alert(1)) <b>")]])]),
    ],
)
def test_prose_is_split_into_blocks(markdown: str, blocks: list[Json]) -> None:
    assert list(parse_prose(markdown)) == [
        Block(kind=kind, items=tuple(tuple(Span(kind=k, text=text) for k, text in item) for item in items))
        for kind, items in blocks
    ]


@settings(deadline=None)
@given(st.text(st.sampled_from("ab `*-1.\n")) | st.text())
def test_prose_loses_no_word(markdown: str) -> None:
    shown = "".join(span.text for block in parse_prose(markdown) for item in block.items for span in item)
    letters = [char for char in markdown if char.isalpha()]
    assert [char for char in shown if char.isalpha()] == letters
