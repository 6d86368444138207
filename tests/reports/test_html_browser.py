"""The page in a real browser, opened as a file."""

import csv
import io
import json
import os
import re
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from recordscan.bundle import pack, reports_of, with_sums
from recordscan.cli.output import Output, write_outputs
from recordscan.cli.waivers import stub
from recordscan.facts import Citation
from recordscan.observation import canonical_json, evidence_sha256
from recordscan.plugins import Composed
from recordscan.result import Outcome, ScanResult
from recordscan.visible import visible
from recordscan_reports.html import Layout, compose, render
from reports import validators
from reports.large import bucket, large
from reports.results import (
    PAYLOADS,
    TLS,
    accepted,
    assessment,
    clean,
    demo,
    empty,
    evidence,
    hostile,
    result,
    target,
    varied,
)

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
    with opened(browser, path, place, **options) as seen:
        yield seen


@contextmanager
def opened(browser: Browser, path: Path, place: str = "", **options: Any) -> Iterator[Visit]:
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
    if options.get("java_script_enabled", True):
        page.wait_for_selector("html[data-ready]")
    yield seen
    context.close()


@pytest.mark.parametrize("made", RESULTS)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_asks_for_nothing_runs_nothing_foreign_and_complains_of_nothing(
    browser: Browser, tmp_path: Path, made: Callable[[], ScanResult], scheme: str
) -> None:
    """(A31) (A32)"""
    with visit(browser, tmp_path, made(), color_scheme=scheme) as seen:
        everything(seen.page)
        seen.page.click("#expand")
        seen.page.select_option("#group", "control")
        seen.page.fill("#q", "x")
        seen.page.click("#verify")
        seen.page.click("#clear")
        open_exhibits(seen.page)
        assert seen.requests == [(tmp_path / "report.html").as_uri()]
        assert seen.messages == []
        assert seen.page.evaluate("window.__violations") == []
        assert seen.page.evaluate("typeof window.__pwn") == "undefined"
        assert seen.page.evaluate("document.querySelectorAll('script').length") == 3


def test_out_of_a_zip_the_page_is_the_same(browser: Browser, tmp_path: Path) -> None:
    """(A31)"""
    (tmp_path / "evidence.zip").write_bytes(pack(with_sums(reports_of(varied()))))
    elsewhere = tmp_path / "handed over" / "été #1"
    shutil.unpack_archive(tmp_path / "evidence.zip", elsewhere)
    assert (elsewhere / "report.html").read_text(encoding="utf-8") == render(varied())
    with opened(browser, elsewhere / "report.html") as seen:
        everything(seen.page)
        open_exhibits(seen.page)
        assert seen.requests == [(elsewhere / "report.html").as_uri()]
        assert seen.messages == []
        assert seen.page.evaluate("window.__violations") == []


def test_in_the_layout_of_a_folder_the_page_is_the_same(browser: Browser, tmp_path: Path) -> None:
    made = compose(varied(), layout=Layout.DIR)
    assert isinstance(made, Composed)
    for name, content in {"report.html": made.main, **made.beside}.items():
        (tmp_path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    with opened(browser, tmp_path / "report.html") as seen:
        everything(seen.page)
        open_exhibits(seen.page)
        names = ["report.html", *made.beside]
        assert sorted(seen.requests) == sorted((tmp_path / name).as_uri() for name in names)
        assert seen.messages == []
        assert seen.page.evaluate("window.__violations") == []
        there = seen.page.evaluate("document.body.innerText")
    with visit(browser, tmp_path, varied()) as seen:
        everything(seen.page)
        open_exhibits(seen.page)
        assert there == seen.page.evaluate("document.body.innerText")


def everything(page: Page) -> None:
    """Bring all checks into view."""
    for value in ("fail", "unknown", "waived", "pass", "not_applicable"):
        for box in page.locator(f"input[value={value}]").all():
            box.check()


def open_exhibits(page: Page) -> None:
    page.evaluate("document.querySelectorAll('.exhibit').forEach((fold) => { fold.open = true; })")
    page.wait_for_function(
        "() => Array.from(document.querySelectorAll('.exhibit')).every((fold) => fold.querySelector('dl'))"
    )


def test_the_script_shows_hostile_names_literally(browser: Browser, tmp_path: Path) -> None:
    """(A32)"""
    made = hostile()
    with visit(browser, tmp_path, made) as seen:
        everything(seen.page)
        seen.page.select_option("#group", "rule")
        seen.page.click("#expand")
        open_exhibits(seen.page)
        lists = ("tbody.group", "#account option", "#region option")
        texts = {place: seen.page.locator(place).all_text_contents() for place in lists}
        exhibits = seen.page.eval_on_selector_all(".exhibit", "all => all.map((e) => [e.id, e.textContent])")
        checks = seen.page.eval_on_selector_all("tbody.check", "all => all.map((e) => [e.id.slice(2), e.textContent])")
        of_evidence, of_check = dict(exhibits), dict(checks)
        for number, payload in enumerate(PAYLOADS):
            for place in lists:
                assert any(visible(payload) in text for text in texts[place]), (payload, place)
            own = made.assessments[4 * number : 4 * number + 4]
            assert all(of_check[checked.fingerprint].count(visible(payload)) >= 3 for checked in own), payload
            two = made.evidence[2 * number : 2 * number + 2]
            assert all(visible(payload) in of_evidence[one.id] for one in two), payload
        assert seen.messages == []
        assert seen.page.evaluate("window.__violations") == []
        assert seen.page.evaluate("typeof window.__pwn") == "undefined"


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
            everything(seen.page)
            seen.page.click("#expand")
            open_exhibits(seen.page)
        assert seen.page.evaluate("document.documentElement.scrollWidth") == 320


READABLE = (
    "FAIL (incomplete)",
    "The KMS key of acme-recordings is in eu-west-1, the bucket in us-east-1: every upload fails.",
    "a key in us-east-1",
    "the scanner may not read the KMS key in eu-west-1",
    "kms:DescribeKey",
    "decisive value",
    "Set it right, for example:",
    "acme-recordings.s3.us-east-1.amazonaws.com",
)


def test_without_script_verdict_findings_and_gaps_are_readable(browser: Browser, tmp_path: Path) -> None:
    """(A33)"""
    with visit(browser, tmp_path, varied(), java_script_enabled=False) as seen:
        text = seen.page.text_content("body") or ""
        for words in READABLE:
            assert words in text
        assert len(seen.page.locator("tbody.check").all()) == 8
        assert not seen.page.is_visible(".filter")
        assert not seen.page.is_visible("button")
        fold = seen.page.locator("tbody.check details").first
        fold.locator("summary").first.click()
        assert fold.locator(".compare").is_visible()


EXPLANATIONS = """all => all.map((check) => [
    check.id,
    ...[".head", ".requirement", ".facts:not(.tight)", ".compare", ".reason", ".grant", "mark", ".why"].map((part) =>
        Array.from(check.querySelectorAll(part)).map((found) => found.textContent.replace(/\\s/g, "")))
])"""


def strange() -> ScanResult:
    """As `hostile()`, but for lone surrogates, which JavaScript writes in JSON as an escape."""
    return hostile(tuple(payload for payload in PAYLOADS if "surrogate" not in payload))


@pytest.mark.parametrize("made", [varied, accepted, strange])
def test_script_and_static_part_explain_a_check_alike(
    browser: Browser, tmp_path: Path, made: Callable[[], ScanResult]
) -> None:
    found = []
    for script in (True, False):
        with visit(browser, tmp_path, made(), java_script_enabled=script) as seen:
            if script:
                seen.page.click("#expand")
            found.append(seen.page.eval_on_selector_all("tbody.check", EXPLANATIONS))
    assert found[0] == found[1]
    assert len(found[0]) >= 8


JENKINS = "sandbox allow-same-origin; default-src 'none'; img-src 'self'; style-src 'self';"
"""https://www.jenkins.io/doc/book/security/configuring-content-security-policy/"""


class Jenkins(SimpleHTTPRequestHandler):
    def end_headers(self) -> None:
        self.send_header("Content-Security-Policy", JENKINS)
        super().end_headers()

    def log_message(self, format: str, *args: object) -> None:
        pass


@contextmanager
def in_jenkins(browser: Browser, folder: Path) -> Iterator[Page]:
    """The page in the folder as Jenkins shows it."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Jenkins, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    page = browser.new_page()
    try:
        answer = page.goto(f"http://127.0.0.1:{server.server_port}/report.html")
        assert answer is not None
        assert answer.headers["content-security-policy"] == JENKINS
        yield page
    finally:
        page.close()
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize("layout", Layout)
def test_under_the_policy_of_jenkins_the_same_is_readable(browser: Browser, tmp_path: Path, layout: Layout) -> None:
    """(A34)"""
    output = Output(format="html", path=tmp_path / "report.html")
    write_outputs(varied(), [output], {"html": partial(compose, layout=layout)}, quiet=True)
    with in_jenkins(browser, tmp_path) as page:
        text = page.text_content("body") or ""
        for words in READABLE:
            assert words in text
        assert len(page.locator("tbody.check .compare").all()) == 3
        assert not page.is_visible(".filter")
        assert page.locator("th:has-text('Permission to grant')").first.is_visible()
        styled = page.evaluate("getComputedStyle(document.body).marginTop") == "0px"
        assert styled is (layout is Layout.DIR)


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
    """The fingerprints of the checks that are listed, in order."""
    return list(page.eval_on_selector_all("tbody.check", "all => all.map((e) => e.id.slice(2))"))


def of(result: ScanResult, *outcomes: Outcome) -> set[str]:
    return {checked.fingerprint for checked in result.assessments if checked.outcome in outcomes}


UNSOUND = (Outcome.FAIL, Outcome.UNKNOWN, Outcome.WAIVED)


def test_words_and_named_places_filter_and_must_all_be_there(browser: Browser, tmp_path: Path) -> None:
    made = varied()
    with visit(browser, tmp_path, made) as seen:
        assert seen.page.inner_text("#count") == "8 of 12 checks in view"
        assert set(shown(seen.page)) == of(made, *UNSOUND)
        for words, number in (
            ("EU-WEST-1  upload", 1),
            ("rule:key-region", 2),
            ("rule:key-region status:unknown", 1),
            ("status:pass", 3),
            ("severity:critical", 2),
            ("control:s3.14 framework:security", 8),
            ("resource:compositions", 2),
            ("account:AC5", 8),
            ("account:123456789012 rule:writer", 1),
            ("no check has these words", 0),
        ):
            seen.page.fill("#q", words)
            assert len(shown(seen.page)) == number, words
        seen.page.click("#clear")
        assert len(shown(seen.page)) == 8


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (
            "foo:bar",
            "No place is called foo; there are status, severity, message, rule, control, framework, resource, ",
        ),
        ("status:fial", "No status begins with fial; there are fail, unknown, waived, pass, not_applicable."),
        ("severity:sever", "No severity begins with sever; there are critical, high, medium, low, info."),
        ('"no such words"', "Quotes are searched for as they stand; leave them out."),
        ("nowhere", None),
        ("rule:nowhere", None),
        ("status:fail", None),
        ("arn:aws", None),
    ],
)
def test_a_search_that_finds_nothing_says_what_is_odd(
    browser: Browser, tmp_path: Path, words: str, hint: str | None
) -> None:
    with visit(browser, tmp_path, varied()) as seen:
        seen.page.fill("#q", words)
        told = seen.page.inner_text("#count")
        if hint is None:
            assert told.endswith(" of 12 checks in view")
        else:
            assert told.startswith(f"0 of 12 checks in view. {hint}")


def test_a_choice_of_nothing_is_not_offered(browser: Browser, tmp_path: Path) -> None:
    made = varied()
    somewhere = tuple(replace(a, subject=replace(a.subject, region="eu-west-1")) for a in made.assessments)
    for given, offered in ((made, False), (replace(made, assessments=somewhere), True)):
        with visit(browser, tmp_path, given) as seen:
            assert seen.page.is_visible("#region") is offered
            assert seen.page.is_visible("#rule")


def test_boxes_and_choices_filter(browser: Browser, tmp_path: Path) -> None:
    made = varied()
    with visit(browser, tmp_path, made) as seen:
        seen.page.uncheck("input[value=fail]")
        seen.page.uncheck("input[value=waived]")
        assert set(shown(seen.page)) == of(made, Outcome.UNKNOWN)
        seen.page.uncheck("input[value=critical]")
        assert len(shown(seen.page)) == 1
        seen.page.click("#clear")
        seen.page.select_option("#rule", "writer-least-privilege")
        assert shown(seen.page) == [made.assessments[1].fingerprint]
        assert seen.page.eval_on_selector_all("#framework option", "all => all.map((e) => e.value)") == [
            *("", "AWS Security Hub", "SOC 2")
        ]


def test_columns_sort_and_say_so(browser: Browser, tmp_path: Path) -> None:
    with visit(browser, tmp_path, varied()) as seen:
        rules = "all => all.map((e) => e.textContent)"
        before = shown(seen.page)
        head = seen.page.locator("table.checks").get_by_role("columnheader", name="Rule")
        for direction, turn in (("ascending", False), ("descending", True)):
            head.get_by_role("button").click()
            assert head.get_attribute("aria-sort") == direction
            found = seen.page.eval_on_selector_all("tbody.check a.rule", rules)
            assert found == sorted(found, reverse=turn)
        head.get_by_role("button").click()
        assert head.get_attribute("aria-sort") is None
        assert shown(seen.page) == before


def test_grouping_by_control_shows_a_check_under_each(browser: Browser, tmp_path: Path) -> None:
    with visit(browser, tmp_path, varied()) as seen:
        seen.page.select_option("#group", "control")
        groups = seen.page.eval_on_selector_all("tbody.group", "all => all.map((e) => e.textContent)")
        assert groups == ["AWS Security Hub S3.14 8 checks", "SOC 2 CC6.1 8 checks"]
        assert seen.page.inner_text("#count") == "8 of 12 checks in view"
        seen.page.click("#expand")
        ids = seen.page.eval_on_selector_all("[id]", "all => all.map((e) => e.id)")
        assert len(ids) == len(set(ids))
        seen.page.select_option("#framework", "SOC 2")
        assert seen.page.locator("tbody.group").count() == 1


def test_a_filtered_page_still_prints_everything(browser: Browser, tmp_path: Path) -> None:
    made = varied()
    with visit(browser, tmp_path, made) as seen:
        seen.page.fill("#q", "no check has these words")
        assert shown(seen.page) == []
        seen.page.evaluate("dispatchEvent(new Event('beforeprint'))")
        assert set(shown(seen.page)) == of(made, *UNSOUND)
        assert "a key in us-east-1" in seen.page.inner_text("#findings")
        assert "keeps recordings from being lost" in seen.page.inner_text("#procedure")
        seen.page.evaluate("dispatchEvent(new Event('afterprint'))")
        assert shown(seen.page) == []


@pytest.mark.parametrize("at", [0, 1, 4, 5, 8, 11], ids=["critical", "second", "info", "unknown", "pass", "none"])
def test_a_permalink_opens_and_shows_its_check(browser: Browser, tmp_path: Path, at: int) -> None:
    """(A40)"""
    checked = varied().assessments[at]
    found = checked.findings[-1].fingerprint if checked.findings else checked.fingerprint
    with visit(browser, tmp_path, varied(), f"#f-{found}") as seen:
        check = seen.page.locator(f"#f-{checked.fingerprint}")
        assert check.locator(".detail .facts").first.is_visible()
        assert check.locator("pre.answer, .no-answer").first.is_visible() is (checked.evidence != ())
        assert seen.page.evaluate(
            """(id) => {
                const box = document.getElementById(id).getBoundingClientRect();
                return box.top >= -1 && box.top < innerHeight;
            }""",
            f"f-{found}",
        )


def test_a_permalink_into_what_is_filtered_out_clears_the_filter_and_back_returns(
    browser: Browser, tmp_path: Path
) -> None:
    """(A40)"""
    with visit(browser, tmp_path, varied()) as seen:
        seen.page.select_option("#rule", "bucket-logging")
        assert len(shown(seen.page)) == 1
        seen.page.click(".worst a >> nth=0")
        assert len(shown(seen.page)) == 8
        seen.page.go_back()
        seen.page.wait_for_function("() => document.querySelectorAll('tbody.check').length === 1")
        assert seen.page.input_value("#rule") == "bucket-logging"


def test_the_address_restores_the_view_after_reload_and_in_another_browser(browser: Browser, tmp_path: Path) -> None:
    """(A40)"""
    made = varied()
    with visit(browser, tmp_path, made) as seen:
        everything(seen.page)
        seen.page.uncheck("input[value=low]")
        seen.page.fill("#q", "prod-video")
        seen.page.select_option("#framework", "SOC 2")
        seen.page.select_option("#group", "rule")
        seen.page.locator("table.checks").get_by_role("columnheader", name="Resource").get_by_role("button").click()
        before, address = shown(seen.page), seen.page.url
        assert before != []
        seen.page.reload()
        seen.page.wait_for_selector("html[data-ready]")
        assert shown(seen.page) == before
    with visit(browser, tmp_path, made, address[address.index("#") :]) as seen:
        assert shown(seen.page) == before
        assert seen.page.input_value("#q") == "prod-video"
        assert not seen.page.is_checked("input[value=low]")
        assert (
            seen.page.locator("table.checks").get_by_role("columnheader", name="Resource").get_attribute("aria-sort")
            == "ascending"
        )


def test_the_answer_of_a_pass_is_shown_exactly_with_what_decided(browser: Browser, tmp_path: Path) -> None:
    needle = "needle-in-the-middle"
    answer = evidence("s3:Big", {f"k{n:03}": needle if n == 100 else 2**60 + n for n in range(200)})
    checks = tuple(assessment(TLS, target(uid=f"t-{n}"), Outcome.PASS, Citation(answer.id, "/k100")) for n in range(2))
    gate = clean().gate
    made = result(checks, (TLS,), (answer,), verdict=gate.verdict, exit_status=0, exit_reason=gate.exit_reason)
    with visit(browser, tmp_path, made, f"#f-{checks[1].fingerprint}") as seen:
        pre = seen.page.locator("pre.answer")
        assert pre.locator("mark").all_text_contents() == [f'"k100": "{needle}"']
        text = pre.text_content() or ""
        assert str(2**60 + 99) in text
        assert "98 lines left out" in text
        seen.page.click(f".proof a[href='#{answer.id}']")
        assert needle in (seen.page.locator(f"#{answer.id} pre").text_content() or "")
        assert answer.sha256 in seen.page.inner_text(f"#{answer.id}")


def test_what_is_not_set_and_what_could_not_be_read_is_said(browser: Browser, tmp_path: Path) -> None:
    made = varied()
    with visit(browser, tmp_path, made, f"#f-{made.assessments[2].fingerprint}") as seen:
        shown_ = seen.page.locator(f"#f-{made.assessments[2].fingerprint}").text_content() or ""
        assert "Status is not set decisive absence" in shown_
        seen.page.evaluate(f"location.hash = '#f-{made.assessments[5].fingerprint}'")
        seen.page.wait_for_selector(f"#f-{made.assessments[5].fingerprint} .no-answer")
        shown_ = seen.page.locator(f"#f-{made.assessments[5].fingerprint}").text_content() or ""
        assert "The call got no answer: AccessDenied (HTTP 403)" in shown_
        assert "To decide it, grant kms:DescribeKey" in shown_


def copied(page: Page, button: str) -> str:
    page.evaluate("navigator.clipboard.writeText('')")
    page.click(button)
    page.wait_for_function("async () => await navigator.clipboard.readText() !== ''")
    return str(page.evaluate("navigator.clipboard.readText()"))


def test_copying_gives_fingerprint_link_resource_and_the_stub_of_a_waiver(browser: Browser, tmp_path: Path) -> None:
    made = varied()
    failed, unknown = made.assessments[0], made.assessments[5]
    found = failed.findings[0]
    allowed = {"permissions": ["clipboard-read", "clipboard-write"]}
    with visit(browser, tmp_path, made, f"#f-{found.fingerprint}", **allowed) as seen:
        check = f"#f-{failed.fingerprint}"
        assert copied(seen.page, f"{check} button[data-copy='{found.fingerprint}']") == found.fingerprint
        assert copied(seen.page, f"{check} [data-link]") == seen.page.url
        assert copied(seen.page, f"{check} .resources button >> nth=0") == found.resources[0]
        today = datetime.now(UTC).date()
        assert copied(seen.page, f"{check} button:has-text('waiver')") == stub(failed, found, today)
        seen.page.evaluate(f"location.hash = '#f-{unknown.fingerprint}'")
        seen.page.wait_for_selector(f"#f-{unknown.fingerprint} button")
        assert copied(seen.page, f"#f-{unknown.fingerprint} button:has-text('waiver')") == stub(unknown, None, today)


def test_the_csv_has_the_view_and_no_formulas(browser: Browser, tmp_path: Path) -> None:
    made = hostile()
    with visit(browser, tmp_path, made) as seen:
        seen.page.check("input[value=pass]")
        with seen.page.expect_download() as awaited:
            seen.page.click("#csv")
        text = Path(awaited.value.path()).read_bytes().decode()
        rows = list(csv.DictReader(io.StringIO(text, newline="")))
        assert {row["fingerprint"] for row in rows} == of(made, *UNSOUND, Outcome.PASS)
        formula = re.compile(r"[\s\x00]*[=+\-@\uff1d\uff0b\uff0d\uff20]")
        assert [cell for row in rows for cell in row.values() if formula.match(cell)] == []
        assert "'=HYPERLINK(" in text
        seen.page.fill("#q", "rule:hostile-3")
        with seen.page.expect_download() as awaited:
            seen.page.click("#csv")
        assert len(Path(awaited.value.path()).read_text().splitlines()) == 1 + seen.page.locator("tbody.check").count()


def test_verifying_finds_a_changed_answer(browser: Browser, tmp_path: Path) -> None:
    answer = evidence("s3:HeadBucket", {"BucketRegion": "us-east-1"})
    answer = replace(answer, sha256=evidence_sha256("answered", answer.answer, None))
    check = assessment(TLS, target(), Outcome.PASS, Citation(answer.id, "/BucketRegion"))
    made = result((check,), (TLS,), (answer,), verdict=clean().gate.verdict, exit_status=0, exit_reason="")
    assert canonical_json(answer.answer).replace('"', '\\"') in render(made)
    with visit(browser, tmp_path, made) as seen:
        seen.page.click("#verify")
        seen.page.wait_for_selector("#verified:has-text('SHA-256')")
        assert seen.page.inner_text("#verified").startswith("The data and 1 answer have the SHA-256 sums")
    with visit(browser, tmp_path, made) as seen:
        path = tmp_path / "report.html"
        page = path.read_text()
        start = page.index("data-answers")
        path.write_text(page[:start] + page[start:].replace("us-east-1", "us-east-2"))
        seen.page.reload()
        seen.page.wait_for_selector("html[data-ready]")
        seen.page.click("#verify")
        seen.page.wait_for_selector("#verified:has-text('Not as written')")
        assert "the block data-answers, the answer " + answer.id in seen.page.inner_text("#verified")


def test_in_print_folded_parts_are_open_and_controls_are_gone(browser: Browser, tmp_path: Path) -> None:
    with visit(browser, tmp_path, varied(), java_script_enabled=False) as seen:
        seen.page.emulate_media(media="print")
        assert seen.page.is_visible(f"#f-{varied().assessments[0].fingerprint} pre.answer >> nth=0")
        assert not seen.page.is_visible("nav")
        assert not seen.page.is_visible(".filter")
        assert seen.page.pdf(prefer_css_page_size=True, tagged=True).startswith(b"%PDF")


FOCUS = """() => {
    const {outlineStyle, outlineWidth} = getComputedStyle(document.activeElement);
    return outlineStyle !== "none" && parseFloat(outlineWidth) >= 3;
}"""


def test_the_keyboard_reaches_search_filters_findings_and_pages_and_shows_where_it_is(
    browser: Browser, large_file: Path
) -> None:
    """(A36)"""
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.goto(large_file.as_uri())
    page.wait_for_selector("html[data-ready]")

    def tab_to(selector: str) -> None:
        for _ in range(60):
            page.keyboard.press("Tab")
            assert page.evaluate(FOCUS), page.evaluate("document.activeElement.outerHTML")
            if page.evaluate("(selector) => document.activeElement.matches(selector)", selector):
                return
        pytest.fail(f"{selector} is not reached")

    tab_to(".skip")
    page.keyboard.press("Enter")
    tab_to("#q")
    page.keyboard.type("rule:bucket-rule-05")
    tab_to("input[value=unknown]")
    page.keyboard.press("Space")
    assert not page.is_checked("input[value=unknown]")
    tab_to("th button")
    tab_to("tbody.check summary")
    page.keyboard.press("Enter")
    page.wait_for_selector("tbody.check details[open] [data-link]")
    tab_to("[data-link]")
    page.keyboard.press("Enter")
    tab_to("summary")
    page.locator("#pages button >> nth=2").focus()
    page.keyboard.press("Enter")
    assert "page 2 of " in page.inner_text("#count")
    assert page.evaluate("document.activeElement.id") == "findings"
    page.go_back()
    page.wait_for_function("() => document.getElementById('count').textContent.includes('page 1 of ')")
    page.close()


@pytest.fixture(scope="module")
def large_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("large") / "report.html"
    path.write_text(render(large()), encoding="utf-8")
    return path


def test_fifty_thousand_checks_stay_within_the_budget(browser: Browser, large_file: Path) -> None:
    """(A38)"""
    page = large_file.read_text(encoding="utf-8")
    assert len(page.encode()) <= 6_000_000
    static = re.sub("<(noscript|template|style|script).*?</\\1>", "", page, flags=re.DOTALL)
    assert len(re.findall("<[a-z]", static)) <= 6000
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    opened = context.new_page()
    opened.goto(large_file.as_uri())
    opened.wait_for_selector("html[data-ready]")
    assert opened.evaluate("document.querySelectorAll('*').length") <= 6000
    assert opened.inner_text("#count") == "6,000 of 50,000 checks in view, page 1 of 60"
    session = context.new_cdp_session(opened)
    session.send("HeapProfiler.collectGarbage")
    assert session.send("Runtime.getHeapUsage")["usedSize"] <= 80_000_000
    last = large().assessments[-2]
    opened.evaluate(f"location.hash = '#f-{last.fingerprint}'")
    opened.wait_for_selector(f"#f-{last.fingerprint} .proof mark")
    assert bucket(1249).name in opened.inner_text(f"#f-{last.fingerprint}")
    context.close()


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


AXE = """async () => {
    const rules = {type: "tag", values: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]};
    const found = await axe.run(document, {runOnly: rules, resultTypes: ["violations"]});
    return found.violations.map((one) => [one.id, one.nodes.slice(0, 3).map((node) => node.html.slice(0, 120))]);
}"""


@pytest.mark.full
@pytest.mark.parametrize("made", [accepted, hostile])
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 1280])
def test_axe_finds_no_violation(
    browser: Browser, tmp_path: Path, made: Callable[[], ScanResult], scheme: str, width: int
) -> None:
    """(A35)"""
    size = {"width": width, "height": 900}
    with visit(browser, tmp_path, made(), color_scheme=scheme, viewport=size, bypass_csp=True) as seen:
        seen.page.check("input[value=pass]")
        seen.page.fill("#q", "severity:high")
        seen.page.select_option("#group", "rule")
        seen.page.locator("tbody.check summary").first.click()
        seen.page.wait_for_selector("tbody.check .facts")
        seen.page.locator(".exhibit summary").first.click()
        seen.page.evaluate(Path(validators.required(validators.AXE)).read_text(encoding="utf-8"))
        assert seen.page.evaluate(AXE) == []


@pytest.mark.full
def test_the_validators_of_html_find_no_error(tmp_path: Path) -> None:
    """(A37)"""
    files = []
    for made in (demo, varied, accepted, clean, empty, hostile):
        files.append(tmp_path / f"{made.__name__}.html")
        files[-1].write_text(render(made()), encoding="utf-8")
    assert validators.html_errors(*files) == []
