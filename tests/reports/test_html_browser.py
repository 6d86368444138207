"""The page in a real browser, opened as a file."""

import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from recordscan.result import ScanResult
from recordscan_reports.html import render
from reports.results import clean, empty, hostile, varied

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
ARGUMENTS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)

RESULTS = [varied, clean, empty, hostile]

WATCH = """
    window.__violations = [];
    document.addEventListener("securitypolicyviolation", (event) => window.__violations.push(event.violatedDirective));
"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if CHROMIUM is None:
        missing = "the tests of the HTML report need Chromium; tests/install-programs.sh sees to it"
        pytest.fail(missing) if os.environ.get("CI") else pytest.skip(missing)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(ARGUMENTS))
        yield browser
        browser.close()


@dataclass
class Visit:
    page: Page
    requests: list[str] = field(default_factory=list)
    messages: list[str] = field(default_factory=list)


@contextmanager
def visit(browser: Browser, folder: Path, result: ScanResult, place: str = "", **options: Any) -> Iterator[Visit]:
    path = folder / "report.html"
    path.write_text(render(result), encoding="utf-8")
    context = browser.new_context(**{"viewport": {"width": 1280, "height": 900}, **options})
    context.set_default_timeout(60_000)
    page = context.new_page()
    seen = Visit(page)
    page.on("request", lambda request: seen.requests.append(request.url))
    page.on("console", lambda message: seen.messages.append(message.text))
    page.on("pageerror", lambda error: seen.messages.append(str(error)))
    page.on("dialog", lambda dialog: seen.messages.append(dialog.message))
    if options.get("java_script_enabled", True):
        page.add_init_script(WATCH)
    page.goto(path.as_uri() + place)
    yield seen
    context.close()


@pytest.mark.parametrize("made", RESULTS)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_asks_for_nothing_runs_nothing_foreign_and_complains_of_nothing(
    browser: Browser, tmp_path: Path, made: Callable[[], ScanResult], scheme: str
) -> None:
    with visit(browser, tmp_path, made(), color_scheme=scheme) as seen:
        seen.page.click("#expand")
        seen.page.fill("#filter-text", "x")
        seen.page.click("#filter-clear")
        assert seen.requests == [(tmp_path / "report.html").as_uri()]
        assert seen.messages == []
        assert seen.page.evaluate("window.__violations") == []
        assert seen.page.evaluate("typeof window.__pwn") == "undefined"
        assert seen.page.evaluate("document.querySelectorAll('script').length") == 1


def test_the_policy_is_in_force(browser: Browser, tmp_path: Path) -> None:
    with visit(browser, tmp_path, clean()) as seen:
        attacks = """async () => {
            const outcomes = {};
            const tryOut = async (name, attack) => {
                try { await attack(); outcomes[name] = "done"; } catch (error) { outcomes[name] = error.name; }
            };
            await tryOut("html", () => { document.body.innerHTML = "<b>x</b>"; });
            await tryOut("fetch", () => fetch("https://attacker.example/"));
            const script = document.createElement("script");
            await tryOut("script", () => { script.textContent = "window.__pwn = 1"; document.body.append(script); });
            document.body.setAttribute("style", "color: red");
            outcomes.colour = getComputedStyle(document.body).color === "rgb(255, 0, 0)";
            outcomes.pwn = typeof window.__pwn;
            return outcomes;
        }"""
        assert seen.page.evaluate(attacks) == {
            "html": "TypeError",
            "fetch": "TypeError",
            "script": "TypeError",
            "colour": False,
            "pwn": "undefined",
        }


@pytest.mark.parametrize("made", RESULTS)
@pytest.mark.parametrize("script", [True, False])
def test_the_narrowest_screen_needs_no_sideways_scrolling(
    browser: Browser, tmp_path: Path, made: Callable[[], ScanResult], *, script: bool
) -> None:
    narrow = {"width": 320, "height": 800}
    with visit(browser, tmp_path, made(), viewport=narrow, java_script_enabled=script) as seen:
        if script:
            seen.page.click("#expand")
        assert seen.page.evaluate("document.documentElement.scrollWidth") == 320


def test_without_script_verdict_findings_and_gaps_are_readable(browser: Browser, tmp_path: Path) -> None:
    with visit(browser, tmp_path, varied(), java_script_enabled=False) as seen:
        text = seen.page.inner_text("body")
        for words in (
            "FAIL (incomplete)",
            "The KMS key of acme-recordings is in eu-west-1, the bucket in us-east-1: every upload fails.",
            "a key in us-east-1",
            "the scanner may not read the KMS key in eu-west-1",
            "kms:DescribeKey",
            "Set it right, for example:",
        ):
            assert words in text
        assert not seen.page.is_visible(".filter")
        assert not seen.page.is_visible("button")


@pytest.mark.parametrize("script", [True, False])
def test_the_matrix_scrolls_in_its_own_place_and_its_folds_open(
    browser: Browser, tmp_path: Path, *, script: bool
) -> None:
    narrow = {"width": 320, "height": 800}
    with visit(browser, tmp_path, varied(), viewport=narrow, java_script_enabled=script) as seen:
        fold = seen.page.locator("#access details").first
        assert not fold.locator("dl").is_visible()
        fold.locator("summary").click()
        assert fold.locator("dl").is_visible()
        box = fold.locator("dl").bounding_box()
        assert box is not None
        assert box["x"] + box["width"] <= 320
        scroll = seen.page.locator("#access .scroll")
        assert scroll.get_by_role("table", name="Who can do what to Recordings of prod-video").count() == 1
        assert scroll.get_by_role("columnheader").all_inner_texts()[0] == "Principal"


def shown(page: Page) -> list[str]:
    visible = "all => all.filter((e) => e.checkVisibility()).map((e) => e.id.slice(2))"
    return list(page.eval_on_selector_all(".check", visible))


def test_words_filter_all_checks_and_must_all_be_there(browser: Browser, tmp_path: Path) -> None:
    result = varied()
    with visit(browser, tmp_path, result) as seen:
        assert seen.page.inner_text("#filter-count") == "11 of 11 checks shown"
        seen.page.fill("#filter-text", "EU-WEST-1  upload")
        assert shown(seen.page) == [result.assessments[0].fingerprint]
        assert seen.page.inner_text("#filter-count") == "1 of 11 checks shown"
        assert not seen.page.is_visible("#h-fail-high")
        seen.page.click("#filter-clear")
        assert len(shown(seen.page)) == 11


def test_outcomes_and_severities_filter(browser: Browser, tmp_path: Path) -> None:
    with visit(browser, tmp_path, varied()) as seen:
        for value in ("fail", "waived", "pass"):
            seen.page.uncheck(f"input[value={value}]")
        assert seen.page.eval_on_selector_all(
            ".check", "all => all.filter((e) => e.checkVisibility()).map((e) => e.dataset.outcome)"
        ) == ["unknown", "unknown"]
        seen.page.uncheck("input[value=critical]")
        assert len(shown(seen.page)) == 1


def test_a_filtered_page_still_prints_everything(browser: Browser, tmp_path: Path) -> None:
    with visit(browser, tmp_path, varied()) as seen:
        seen.page.fill("#filter-text", "no check has these words")
        assert shown(seen.page) == []
        seen.page.emulate_media(media="print")
        assert len(shown(seen.page)) == 11


@pytest.mark.parametrize("at", [0, 4, 5, 8], ids=["critical fail", "info fail", "unknown", "pass"])
def test_a_permalink_opens_and_shows_its_check(browser: Browser, tmp_path: Path, at: int) -> None:
    checked = varied().assessments[at]
    found = checked.findings[0].fingerprint if checked.findings else checked.fingerprint
    with visit(browser, tmp_path, varied(), f"#f-{found}") as seen:
        check = seen.page.locator(f"#f-{checked.fingerprint}")
        assert check.locator("pre.answer, .no-answer").first.is_visible()
        assert seen.page.evaluate(
            """(id) => {
                const box = document.getElementById(id).getBoundingClientRect();
                return box.top >= -1 && box.top < innerHeight;
            }""",
            f"f-{found}",
        )


def test_a_permalink_into_a_filtered_part_clears_the_filter(browser: Browser, tmp_path: Path) -> None:
    with visit(browser, tmp_path, varied()) as seen:
        seen.page.fill("#filter-text", "no check has these words")
        seen.page.click(".worst a >> nth=0")
        assert len(shown(seen.page)) == 11


def test_evidence_links_open_the_answer(browser: Browser, tmp_path: Path) -> None:
    result = varied()
    with visit(browser, tmp_path, result) as seen:
        observation = result.evidence[1]
        assert not seen.page.is_visible(f"#{observation.id}")
        seen.page.click(f".index a[href='#{observation.id}']")
        assert seen.page.is_visible(f"#{observation.id} pre")
        assert observation.sha256 in seen.page.inner_text(f"#{observation.id}")


def test_copying_gives_the_fingerprint(browser: Browser, tmp_path: Path) -> None:
    result = varied()
    fingerprint = result.assessments[0].findings[0].fingerprint
    with visit(browser, tmp_path, result, permissions=["clipboard-read", "clipboard-write"]) as seen:
        seen.page.click(f"button[data-copy='{fingerprint}']")
        seen.page.wait_for_function(
            "() => document.querySelector('button[data-copy]').textContent.startsWith('Copied')"
        )
        assert seen.page.evaluate("navigator.clipboard.readText()") == fingerprint


def test_expand_and_collapse_reach_every_fold(browser: Browser, tmp_path: Path) -> None:
    with visit(browser, tmp_path, varied()) as seen:
        seen.page.click("#expand")
        assert seen.page.evaluate("document.querySelectorAll('main details:not([open])').length") == 0
        seen.page.click("#collapse")
        assert seen.page.evaluate("document.querySelectorAll('main details[open]').length") == 0


def test_in_print_folded_parts_are_open_and_controls_are_gone(browser: Browser, tmp_path: Path) -> None:
    with visit(browser, tmp_path, varied(), java_script_enabled=False) as seen:
        seen.page.emulate_media(media="print")
        assert seen.page.is_visible(f"#f-{varied().assessments[0].fingerprint} pre.answer >> nth=0")
        assert not seen.page.is_visible("nav")
        assert not seen.page.is_visible(".filter")
        assert seen.page.pdf(prefer_css_page_size=True, tagged=True).startswith(b"%PDF")


def test_the_keyboard_reaches_the_findings_and_shows_where_it_is(browser: Browser, tmp_path: Path) -> None:
    with visit(browser, tmp_path, varied()) as seen:
        seen.page.keyboard.press("Tab")
        assert seen.page.evaluate("document.activeElement.getAttribute('href')") == "#findings"
        seen.page.keyboard.press("Enter")
        seen.page.keyboard.press("Tab")
        assert seen.page.evaluate("document.activeElement.id") == "filter-text"
        assert seen.page.evaluate("getComputedStyle(document.activeElement).outlineWidth") == "3px"


CONTRASTS = """() => {
    const canvas = document.createElement("canvas").getContext("2d", {willReadFrequently: true});
    const rgba = (colour) => {
        canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1);
        return Array.from(canvas.getImageData(0, 0, 1, 1).data);
    };
    const light = ([r, g, b]) => {
        const [x, y, z] = [r, g, b].map((v) =>
            v / 255 <= .03928 ? v / 255 / 12.92 : ((v / 255 + .055) / 1.055) ** 2.4);
        return .2126 * x + .7152 * y + .0722 * z;
    };
    const behind = (element) => {
        const layers = [];
        for (let at = element; at; at = at.parentElement) {
            const layer = rgba(getComputedStyle(at).backgroundColor);
            if (layer[3] > 0) layers.push(layer);
            if (layer[3] === 255) break;
        }
        return layers.reverse().reduce((below, [r, g, b, a]) =>
            [r, g, b].map((v, i) => v * a / 255 + below[i] * (1 - a / 255)), [255, 255, 255]);
    };
    const poor = [];
    for (const element of document.querySelectorAll("body *")) {
        const own = Array.from(element.childNodes).some((node) => node.nodeType === 3 && node.data.trim());
        if (!own || !element.checkVisibility()) continue;
        const [a, b] = [light(rgba(getComputedStyle(element).color)), light(behind(element))].sort((x, y) => y - x);
        const ratio = (a + .05) / (b + .05);
        if (ratio < 4.5) poor.push([element.tagName, element.className, element.textContent.slice(0, 40), ratio]);
    }
    return poor;
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("media", ["screen", "print"])
def test_all_text_has_enough_contrast(browser: Browser, tmp_path: Path, scheme: str, media: str) -> None:
    with visit(browser, tmp_path, varied(), color_scheme=scheme) as seen:
        seen.page.click("#expand")
        seen.page.emulate_media(media=media)  # type: ignore[arg-type]
        poor = seen.page.evaluate(CONTRASTS)
        assert poor == [], json.dumps(poor[:10])
