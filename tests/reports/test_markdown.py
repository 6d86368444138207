import re
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from recordscan.result import ScanResult
from recordscan.visible import visible
from recordscan_reports.markdown import ROWS_SHOWN, SIZE, escaped, render
from reports.results import PAYLOADS, RESULTS, accepted, crowded, empty, hostile, varied
from reports.validators import read_markdown

READER = MarkdownIt("commonmark").enable(["table", "strikethrough"])

NASTY = [
    "a | b || c",
    "@octocat and @org/team",
    "#123 octo/repo#4 GH-5",
    "`code` **bold** _em_ ~~gone~~",
    "[text](https://attacker.example)",
    "![image](https://attacker.example/x.png)",
    "<img src=https://attacker.example/x.png>",
    "https://attacker.example www.attacker.example",
    "a@attacker.example",
    "$x$ $`x`$",
    "line\nbreak\r\n| x | y |\n|---|---|",
    "back\\",
    "&#64;octocat &lt;b&gt;",
    "- item",
    "# heading",
    "| - |",
    *PAYLOADS,
]


def tokens(text: str) -> list[Token]:
    found = READER.parse(text)
    return [token for outer in found for token in (outer, *(outer.children or []))]


def shown(text: str) -> str:
    """What a reader sees of one line."""
    return "".join(t.content for t in tokens(text) if t.type in ("text", "code_inline", "text_special"))


@pytest.mark.parametrize("text", NASTY)
def test_a20_a_value_is_shown_literally(text: str) -> None:
    """By a parser of CommonMark. (A20)"""
    line = f"value {escaped(text, 10_000)}"
    assert {t.type for t in tokens(line)} <= {"paragraph_open", "inline", "text", "text_special", "paragraph_close"}
    assert shown(line).replace("\u200b", "") == "value " + " ".join(
        " ".join(visible(part) for part in text.split("\n")).split()
    )


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_a20_no_text_becomes_markup(text: str) -> None:
    """Any text at all, in a cell of a table. (A20)"""
    line = f"| value | {escaped(text)} |"
    kinds = {t.type for t in tokens(f"| a | b |\n|---|---|\n{line}\n")}
    assert not kinds & {
        "html_inline",
        "html_block",
        "link_open",
        "image",
        "code_inline",
        "em_open",
        "strong_open",
        "s_open",
    }
    [body] = re.findall(r"<tbody>(.*?)</tbody>", READER.render(f"| a | b |\n|---|---|\n{line}\n"), re.S)
    assert body.count("<td>") == 2


@pytest.mark.parametrize("text", NASTY)
def test_a20_no_value_mentions_or_refers(text: str) -> None:
    """Neither people nor issues. (A20)"""
    seen = shown(f"value {escaped(text, 10_000)}")
    assert re.search(r"@\w|#\d|\bGH-\d|\w://|\bwww\.", seen, re.I) is None


@pytest.mark.parametrize("made", RESULTS)
def test_a20_tables_keep_their_columns_and_no_html_but_our_own_is_left(made: Callable[[], ScanResult]) -> None:
    """In whole reports. (A20)"""
    text = render(made())
    for table in re.findall(r"(?:^\|.*\n)+", text, re.M):
        lines = table.splitlines()
        assert {len(re.findall(r"(?<!\\)\|", line)) for line in lines} == {len(re.findall(r"\|", lines[1]))}
    tags = {t.content for t in tokens(text) if t.type == "html_inline"}
    blocks = "".join(t.content for t in tokens(text) if t.type == "html_block")
    assert tags <= {"<sub>", "</sub>"}
    assert set(re.findall(r"<[^>]*>", blocks)) <= {
        "<details>",
        "<summary>",
        "</summary>",
        "</details>",
        "<sub>",
        "</sub>",
    }
    assert not [t for t in tokens(text) if t.type == "image"]
    links = {t.attrs["href"] for t in tokens(text) if t.type == "link_open"}
    assert all(str(link).startswith("https://docs.aws.amazon.com/") or made not in (varied, hostile) for link in links)
    assert "attacker.example" not in " ".join(map(str, links))


def test_a20_fifty_thousand_failures_stay_below_the_limit() -> None:
    """With all counts. (A20)"""
    text = render(crowded(50_000))
    assert len(text.encode()) <= SIZE
    assert f"{50_000 - ROWS_SHOWN:,} more are not shown here." in text
    assert "| Fail | 10,000 | 0 | 0 | 40,000 | 0 | 50,000 |" in text


def test_a20_the_longest_hostile_texts_stay_below_the_limit() -> None:
    text = render(hostile(tuple(f"{number}" + "@|<&\"'#" * 60 + "a" * 900 for number in range(150))))
    assert len(text.encode()) <= SIZE
    assert "left out, as this text has a limit; the other reports have all." in text


@pytest.mark.full
def test_a20_githubs_parser_makes_no_link_and_no_html_of_values() -> None:
    """The parser that GitHub itself uses. (A20)"""
    cells = [f"| a | b |\n|---|---|\n| {escaped(text, 10_000)} | x |\n" for text in NASTY]
    for made in read_markdown(*cells):
        assert set(re.findall(r"<(\w+)", made)) == {"table", "thead", "tbody", "tr", "th", "td"}
        assert made.count("<td>") == 2
    [page] = read_markdown(render(hostile()))
    assert set(re.findall(r'href="([^"]*)"', page)) == {"https://docs.aws.amazon.com/"}
    assert not set(re.findall(r"<(\w+)", page)) & {
        "img",
        "script",
        "svg",
        "code",
        "em",
        "strong",
        "del",
        "input",
        "style",
    }
    assert read_markdown("https://attacker.example ~~x~~")[0].count("<a ") == 1  # so it would have been noticed


def test_verdict_gaps_failures_and_what_to_do_are_there() -> None:
    text = render(varied())
    assert text.startswith("## recordscan: FAIL (incomplete)\n")
    assert "Coverage: 9 of 11 applicable checks decided." in text
    assert (
        "| 1 | critical | Access denied | the scanner may not read the KMS key in eu-west-1 | kms:DescribeKey |" in text
    )
    assert "| critical | key-region | Recordings of prod-video | The KMS key of acme-recordings" in text
    assert "<details><summary>critical: The bucket and its KMS key are in one Region (2)</summary>" in text
    assert "| low | bucket-lifecycle | Compositions of prod-video | Objects in acme-compositions" in text


def test_waivers_and_what_is_new_are_there() -> None:
    text = render(accepted())
    assert "Since the scan of 2026-01-05: 2 findings are new, 5 were there before and 1 are resolved." in text
    assert "| medium | bucket-versioning | Recordings of prod-video | New: Versioning" in text
    [row] = [line for line in text.splitlines() if line.startswith("| low | bucket-lifecycle | Compositions")]
    assert "| Accepted by ciso@&#8203;example.org until 2026-04-30 (WV-2026-014, risk accepted): Objects are" in row
    assert "| expiring | writer-least-privilege | 1 | Accepted by ciso@&#8203;example.org until 2026-03-10" in text
    assert "| pending | bucket-versioning | 0 | Accepted by nobody yet until" in text


def test_nothing_judged_is_said() -> None:
    assert "No check applied, so nothing was judged" in render(empty())
