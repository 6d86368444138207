import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recordscan.visible import visible

ODD = "\x00\x1b\x9b\u202e\u2066\u200b\u2028\ud800\u3164\ufe0f\u00a0\U000e0041"
ANYTHING = st.text(st.characters() | st.sampled_from(ODD))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("", ""),
        ("acme-recordings", "acme-recordings"),
        ("Größe 会議室 مكتب 🎥", "Größe 会議室 مكتب 🎥"),
        ("two\nlines\tand tab", "two[U+000A]lines[U+0009]and tab"),
        ("trailing line break\n", "trailing line break[U+000A]"),
        ("acme\u202egpj.exe", "acme[U+202E]gpj.exe"),
        ("\x1b]8;;https://x.example\x07", "[U+001B]]8;;https://x.example[U+0007]"),
        ("\x9b31m", "[U+009B]31m"),
        ("zero\u200bwidth", "zero[U+200B]width"),
        ("\ud800", "[U+D800]"),
        ("tag\U000e0041", "tag[U+E0041]"),
        ("no\u00a0break", "no[U+00A0]break"),
        ("filler\u3164", "filler[U+3164]"),
    ],
)
def test_what_does_not_show_is_spelled_out(text: str, shown: str) -> None:
    assert visible(text) == shown


@settings(deadline=None)
@given(ANYTHING)
def test_nothing_invisible_is_left(text: str) -> None:
    shown = visible(text)
    assert {unicodedata.category(char) for char in shown}.isdisjoint({"Cc", "Cf", "Cs", "Co", "Zl", "Zp"})
    assert {char for char in shown if unicodedata.category(char) == "Zs"} <= {" ", "\u3000"}
    assert shown.encode().decode() == shown


@settings(deadline=None)
@given(ANYTHING)
def test_each_character_stays_or_is_named_by_its_number(text: str) -> None:
    for char in text:
        assert visible(char) in (char, f"[U+{ord(char):04X}]")
    assert visible(text) == "".join(map(visible, text))
    assert visible(visible(text)) == visible(text)
