import base64
import hashlib
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from html.parser import HTMLParser
from itertools import pairwise

import pytest
from markupsafe import Markup

from recordscan.controls import framework_ids, record_frameworks
from recordscan.facts import Citation, Reason
from recordscan.frameworks import load_framework
from recordscan.result import STAND_IN_NOTICE, Outcome, ScanResult
from recordscan.rule import Severity, official, peer, proposal
from recordscan.visible import visible
from recordscan_reports import terminal
from recordscan_reports.html import render
from recordscan_reports.html.fill import Form
from recordscan_reports.wording import MAPPING_REVIEW, OUTCOMES, SEVERITIES
from reports.results import (
    ACCOUNT,
    PAYLOADS,
    POLICY,
    PUBLIC,
    RECORDINGS,
    TLS,
    assessment,
    clean,
    denied,
    empty,
    evidence,
    finding,
    hostile,
    result,
    rule,
    target,
    varied,
)

RESULTS = [varied, clean, empty, hostile]
SOC2 = load_framework("soc2")
VOID = {"br", "hr", "img", "input", "link", "meta"}


@dataclass
class Element:
    tag: str
    attributes: dict[str, str | None]
    children: list["Element"] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        return " ".join("".join(self.texts).split())

    def all(self, tag: str) -> list["Element"]:
        return [found for child in self.children for found in ([child] if child.tag == tag else []) + child.all(tag)]


class Tree(HTMLParser):
    def __init__(self, page: str) -> None:
        super().__init__()
        self.root = Element("root", {})
        self.open = [self.root]
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert len(dict(attrs)) == len(attrs), f"an attribute of <{tag}> is given twice"
        element = Element(tag, dict(attrs))
        self.open[-1].children.append(element)
        if tag not in VOID:
            self.open.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.open[-1].children.append(Element(tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop().tag == tag, f"</{tag}> closes something else"

    def handle_data(self, data: str) -> None:
        for element in self.open:
            element.texts.append(data)


def tree(page: str) -> Element:
    """What a browser without script sees: not the forms, which are for the script."""
    parsed = Tree(re.sub("<template.*?</template>", "", page, flags=re.DOTALL))
    assert parsed.open == [parsed.root]
    return parsed.root


def every(element: Element) -> list[Element]:
    return [found for child in element.children for found in (child, *every(child))]


def by_id(root: Element, id: str) -> Element:
    found = [element for element in every(root) if element.attributes.get("id") == id]
    assert len(found) == 1, f"{len(found)} elements have the id {id}"
    return found[0]


@pytest.mark.parametrize("made", RESULTS)
def test_two_renders_are_the_same_and_can_be_encoded(made: Callable[[], ScanResult]) -> None:
    assert render(made()) == render(made())
    assert render(made()).encode().decode() == render(made())


@pytest.mark.parametrize("made", RESULTS)
def test_the_page_is_well_formed(made: Callable[[], ScanResult]) -> None:
    page = render(made())
    root = tree(page)
    assert page.startswith("<!DOCTYPE html>\n")
    assert root.all("html")[0].attributes == {"lang": "en"}
    ids = Counter(e.attributes["id"] for e in every(root) if "id" in e.attributes)
    assert [name for name, number in ids.items() if number > 1] == []
    links = {e.attributes["href"] or "" for e in root.all("a") + root.all("use")}
    assert {link[1:] for link in links if link.startswith("#")} <= set(ids)
    labels = {e.attributes["aria-labelledby"] for e in every(root) if "aria-labelledby" in e.attributes}
    assert labels <= set(ids)


@pytest.mark.parametrize("made", RESULTS)
def test_headings_go_down_step_by_step_below_one_h1(made: Callable[[], ScanResult]) -> None:
    levels = [int(e.tag[1]) for e in every(tree(render(made()))) if re.fullmatch("h[1-6]", e.tag)]
    assert levels.count(1) == 1
    assert levels[0] == 1
    for above, below in pairwise(levels):
        assert below <= above + 1


@pytest.mark.parametrize("made", RESULTS)
def test_tables_have_captions_and_scopes_and_scroll_by_keyboard(made: Callable[[], ScanResult]) -> None:
    root = tree(render(made()))
    assert len(root.all("table")) >= 4
    for table in root.all("table"):
        assert len(table.all("caption")) == 1
        assert {e.attributes.get("scope") for e in table.all("th")} <= {"row", "col"}
    for region in every(root):
        if region.tag == "pre" or region.attributes.get("class") == "scroll":
            assert region.attributes["tabindex"] == "0"
            assert region.attributes["role"] == "group"
            assert region.attributes["aria-label"]


@pytest.mark.parametrize("made", RESULTS)
def test_landmarks_lead_through_the_page(made: Callable[[], ScanResult]) -> None:
    root = tree(render(made()))
    assert [len(root.all(tag)) for tag in ("main", "footer")] == [1, 1]
    labels = [nav.attributes["aria-label"] for nav in root.all("nav")]
    assert len(labels) == len(set(labels))
    assert root.all("body")[0].all("a")[0].attributes["href"] == "#findings"
    for control in root.all("input"):
        assert control.attributes["type"] == "checkbox" or control.attributes["id"] == "q"


@pytest.mark.parametrize("made", RESULTS)
def test_nothing_is_fetched_or_run_but_style_and_script_of_the_page(made: Callable[[], ScanResult]) -> None:
    root = tree(render(made()))
    assert {e.tag for e in every(root)}.isdisjoint(
        {
            "link",
            "img",
            "iframe",
            "object",
            "embed",
            "base",
            "form",
            "audio",
            "video",
            "source",
            "image",
            "foreignobject",
        }
    )
    assert [e.attributes.get("type") for e in root.all("script")] == ["application/json", "application/json", None]
    assert len(root.all("style")) == 1
    for element in every(root):
        assert "style" not in element.attributes
        assert "src" not in element.attributes
        assert [name for name in element.attributes if name.startswith("on")] == []
        if "href" in element.attributes:
            assert (element.attributes["href"] or "").startswith(("#", "https://docs.aws.amazon.com/", SOC2.url))


def test_the_policy_allows_exactly_this_style_and_this_script() -> None:
    policies = set()
    for made in RESULTS:
        root = tree(render(made()))
        (policy,) = (
            e.attributes["content"]
            for e in root.all("meta")
            if e.attributes.get("http-equiv") == "Content-Security-Policy"
        )
        page = render(made())
        for tag in ("script", "style"):
            (content,) = re.findall(f"<{tag}>(.*?)</{tag}>", page, re.DOTALL)
            digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
            assert f"{tag}-src 'sha256-{digest}'" in (policy or "")
        policies.add(policy)
    (policy,) = policies
    assert policy is not None
    assert policy.startswith("default-src 'none'; ")
    assert policy.endswith("require-trusted-types-for 'script'; trusted-types 'none'")
    assert "unsafe" not in policy


def test_an_empty_page_fits_the_budget_of_the_shell() -> None:
    assert len(render(empty()).encode()) <= 120 * 1024


@pytest.mark.parametrize("payload", PAYLOADS)
def test_a_hostile_name_is_shown_literally_everywhere(payload: str) -> None:
    harmless, attack = tree(render(hostile(("harmless",)))), tree(render(hostile((payload,))))
    prose = {"p", "li", "span", "ul", "ol", "pre", "strong", "code", "bdi", "a"}
    tags = Counter(e.tag for e in every(attack) if e.tag not in prose)
    assert tags == Counter(e.tag for e in every(harmless) if e.tag not in prose)
    for place in (
        "scope",
        "coverage",
        "findings",
        "access",
        "controls",
        "trend",
        "passed",
        "not-applicable",
        "procedure",
        "evidence",
        "run",
    ):
        assert " ".join(visible(payload).split()) in by_id(attack, place).text


def test_a_form_escapes_values_in_texts_and_attributes_and_leaves_markup() -> None:
    made = Form('<p class="$a" data-if="a">$a</p><pre data-each="b">$it</pre><i data-if="!b">$a</i>$c')
    hostile = "\"'><b>&\u202e\n"
    assert made.fill({"a": hostile, "b": [hostile], "c": Markup("<i title='\"'></i>")}) == (
        '<p class="&#34;&#39;&gt;&lt;b&gt;&amp;[U+202E][U+000A]">"\'&gt;&lt;b&gt;&amp;[U+202E][U+000A]</p>'
        "<pre>\"'&gt;&lt;b&gt;&amp;[U+202E]\n</pre><i title='\"'></i>"
    )


def test_every_kind_of_whitespace_and_control_character_is_spelled_out() -> None:
    page = render(hostile())
    assert {char for char in page if visible(char) != char} == {"\n"}


def test_verdict_and_numbers_are_those_of_the_result() -> None:
    made = varied()
    root = tree(render(made))
    (title,) = root.all("title")
    assert title.text == "FAIL (incomplete): recording storage assessment, 2026-03-02"
    rows = by_id(root, "results").all("tbody")[0].all("tr")
    for outcome, row in zip(OUTCOMES, rows, strict=True):
        numbers = [int(cell.text) for cell in row.all("td")]
        assert numbers == [*(made.count(outcome, severity) for severity in SEVERITIES), made.count(outcome)]


def test_every_check_that_did_not_pass_has_its_permalink_without_script() -> None:
    made = varied()
    root = tree(render(made))
    for checked in made.assessments:
        if checked.outcome in (Outcome.PASS, Outcome.NOT_APPLICABLE):
            continue
        by_id(root, f"f-{checked.fingerprint}")
        for found in checked.findings:
            assert found.message in by_id(root, f"f-{checked.fingerprint}").text
            assert found.fingerprint in by_id(root, f"f-{found.fingerprint}").text


def test_each_observation_is_in_the_index_with_hash_time_and_outcome() -> None:
    made = varied()
    root = tree(render(made))
    rows = {row.attributes["id"]: row.text for row in by_id(root, "evidence").all("tbody")[0].all("tr")}
    assert len(rows) == len(made.evidence)
    for observation in made.evidence:
        row = rows[observation.id]
        assert observation.operation in row
        assert observation.sha256 in row
        assert "2026-03-02 21:04:11 UTC" in row


def test_decisive_values_are_marked_where_the_finding_is_explained() -> None:
    made = varied()
    failed = made.assessments[0]
    check = by_id(tree(render(made)), f"f-{failed.fingerprint}")
    assert [mark.text for mark in check.all("mark")] == [
        '"aws_s3_url": "https://acme-recordings.s3.us-east-1.amazonaws.com/twilio"',
        '"BucketRegion": "us-east-1"',
        '"KMSMasterKeyID": "arn:aws:kms:eu-west-1:123456789012:key/7c9e6679-7425-40de-944b-e07fc1f90ae7"',
    ]
    assert check.text.count("decisive value") == 3


def test_of_nested_places_the_innermost_is_marked() -> None:
    made = varied()
    places = ("", "/PolicyDocument", "/PolicyDocument/Statement/1/Action", "/PolicyDocument/Statement")
    checked = replace(
        made.assessments[8], outcome=Outcome.UNKNOWN, evidence=tuple(Citation(POLICY.id, place) for place in places)
    )
    check = by_id(tree(render(replace(made, assessments=(checked,)))), f"f-{checked.fingerprint}")
    assert [mark.text for mark in check.all("mark")] == ['"Action": "s3:*"']


def test_a_setting_that_is_not_there_is_named_as_decisive_absence() -> None:
    made = varied()
    check = by_id(tree(render(made)), f"f-{made.assessments[2].fingerprint}")
    assert "Status is not set" in [mark.text for mark in check.all("mark")]
    assert "decisive absence" in check.text


def test_a_denied_call_shows_its_error_and_what_to_grant() -> None:
    made = varied()
    check = by_id(tree(render(made)), f"f-{made.assessments[5].fingerprint}")
    assert "The call got no answer: AccessDenied (HTTP 403)" in check.text
    assert "To decide it, grant kms:DescribeKey" in check.text


def test_a_long_answer_is_cut_to_the_decisive_places_and_says_so() -> None:
    check = by_id(tree(render(varied())), f"f-{varied().assessments[4].fingerprint}")
    (answer,) = (pre for pre in check.all("pre") if RECORDINGS.id in (pre.attributes["aria-label"] or ""))
    assert len(answer.all("mark")) == 2
    assert "lines left out" in answer.text
    assert len(answer.text) < 1000


def test_the_gap_table_names_the_missing_permission() -> None:
    """It names what to grant, and each rule that was left out with the option that did it. (A42)"""
    coverage = by_id(tree(render(varied())), "coverage")
    assert "9 of 11 applicable checks could be decided (81.8 %)" in coverage.text
    assert "kms:DescribeKey" in coverage.all("tbody")[0].all("td")[0].text
    assert [e.text for e in every(coverage.all("tbody")[1]) if e.tag in ("th", "td")] == [
        "bucket-replication",
        "--exclude bucket-replication",
    ]


def test_a_scan_that_judged_nothing_never_looks_good() -> None:
    root = tree(render(empty()))
    assert "INCOMPLETE" in root.all("title")[0].text
    assert "No check applied, so nothing was judged" in by_id(root, "bottom-line").text
    assert "No data." in by_id(root, "coverage").text
    assert "100" not in by_id(root, "coverage").text
    assert "stopped before it had asked everything" in by_id(root, "coverage").text


def test_a_pass_without_a_gate_is_not_green() -> None:
    made = clean()
    page = render(replace(made, gate=replace(made.gate, fail_on=None, exit_reason="no gate was set")))
    assert 'class="verdict is-none"' in page
    assert "<title>NO GATE: " in page
    assert "neither passes nor fails" in page
    assert 'class="verdict is-pass"' in render(made)


def test_coverage_is_never_rounded_up_to_all() -> None:
    passes = tuple(assessment(TLS, target(uid=f"t-{n}"), Outcome.PASS) for n in range(4000))
    open_ = assessment(PUBLIC, target(), Outcome.UNKNOWN)
    made = result(
        (*passes, open_), (TLS, PUBLIC), (), verdict=varied().gate.verdict, exit_status=3, exit_reason="incomplete"
    )
    assert "4,000 of 4,001 applicable checks could be decided (99.9 %)" in by_id(tree(render(made)), "coverage").text


def test_an_answer_is_shown_once_however_many_checks_cite_it() -> None:
    needle = "needle-in-the-middle"
    answer = evidence("s3:Big", {f"k{n:03}": needle if n == 100 else "x" for n in range(200)})
    checks = tuple(assessment(TLS, target(uid=f"t-{n}"), Outcome.PASS, Citation(answer.id, "/k000")) for n in range(50))
    gate = clean().gate
    made = result(checks, (TLS,), (answer,), verdict=gate.verdict, exit_status=0, exit_reason=gate.exit_reason)
    assert render(made).count(needle) == 1
    cited = replace(checks[0], evidence=(Citation(answer.id, "/k100"),))
    made = result((cited, *checks[1:]), (TLS,), (answer,), verdict=gate.verdict, exit_status=0, exit_reason="")
    assert render(made).count(needle) == 1


def test_a_citation_of_an_unknown_observation_does_no_harm() -> None:
    made = clean()
    lost = replace(made.assessments[0], evidence=(Citation("ev-0000000000000000", "/x"),))
    assert "The rule read no answer." in render(replace(made, assessments=(lost,)))


def test_the_run_record_has_the_day_of_the_action_data() -> None:
    made = varied()
    assert "as of 2026-02-27" in by_id(tree(render(made)), "run").text
    old = replace(made, scan=replace(made.scan, action_data=""))
    assert "not recorded" in by_id(tree(render(old)), "run").text


def test_the_matrix_says_who_can_do_what_and_how() -> None:
    access = by_id(tree(render(varied())), "access")
    assert [h.text for h in access.all("h3")] == ["Recordings of prod-video", "Compositions of prod-video"]
    [table] = access.all("table")
    assert table.all("caption")[0].text == "Who can do what to Recordings of prod-video"
    assert [th.text for th in table.all("thead")[0].all("th")] == [
        *("Principal", "Fetch", "Decrypt", "Read", "Write", "Delete", "List", "Change")
    ]
    rows = {body.all("th")[0].text: [td.text for td in body.all("tr")[0].all("td")] for body in table.all("tbody")}
    assert rows == {
        "Principals of other AWS accounts": ["No", "No", "No", "If…", "No", "No", "No"],
        "Rolearn:aws:iam::123456789012:role/video-reviewers": ["Yes", "No", "Yes", "No", "No", "No", "No"],
    }
    for body in table.all("tbody"):
        assert {td.all("svg")[0].attributes["aria-hidden"] for td in body.all("tr")[0].all("td")} == {"true"}
    [strangers, reviewers] = [body.all("details")[0].text for body in table.all("tbody")]
    assert "statement Partners of bucket policy allows it under conditions" in strangers
    assert "depends on what is not known: aws:SourceVpce; the policies of the other account are not read." in strangers
    assert "Tried: s3:ReadObject on arn:aws:s3:::acme-recordings/twilio/RT1.mka" in reviewers


def test_a_target_whose_matrix_is_not_known_says_why() -> None:
    text = by_id(tree(render(varied())), "access").text
    assert "Access denied. Who can do what is not known: kms:GetKeyPolicy was denied" in text
    assert "To tell it, grant kms:GetKeyPolicy" in text


def test_without_a_bucket_there_is_no_matrix() -> None:
    assert 'id="access"' not in render(clean())
    assert 'href="#access"' not in render(clean())


def test_of_very_many_principals_the_most_foreign_are_shown() -> None:
    made = varied()
    role, stranger = made.access
    many = tuple(replace(role, principal=f"arn:aws:iam::123456789012:role/r{n:04}") for n in range(300))
    access = by_id(tree(render(replace(made, access=(*many, stranger)))), "access")
    assert len(access.all("tbody")) == 100
    assert "Principals of other AWS accounts" in access.all("tbody")[0].text
    assert "201 more principals not shown here" in access.text


def test_what_loses_recordings_comes_first_and_what_is_not_shown_is_counted() -> None:
    ids = [*(f"bucket-thing-{number:02}" for number in range(10)), "key-pending-deletion", "alert-data-loss"]
    rules = tuple(rule(name, f"Title of {name}", Severity.CRITICAL) for name in ids)
    mild = rule("bucket-mild", "Title", Severity.LOW)
    checks = tuple(
        assessment(of, target(), Outcome.FAIL, findings=(finding(f"{of.id} is broken", of.severity, of.id),))
        for of in (*rules, mild)
    )
    gate = varied().gate
    made = result(checks, (*rules, mild), (), verdict=gate.verdict, exit_status=1, exit_reason=gate.exit_reason)
    bottom_line = by_id(tree(render(made)), "bottom-line")
    shown = [item.all("a")[0].text for item in bottom_line.all("ol")[0].all("li")]
    assert len(shown) == 5
    assert [text.split()[0] for text in shown[:3]] == ["alert-data-loss", "key-pending-deletion", "bucket-thing-00"]
    assert "And 7 critical and 1 low findings more." in bottom_line.text


def test_a_finding_about_aws_shows_the_aws_account_beside_that_of_twilio() -> None:
    made = varied()
    [check] = [a for a in made.assessments if a.rule_id == "writer-least-privilege" and a.outcome is Outcome.FAIL]
    facts = by_id(tree(render(made)), f"f-{check.fingerprint}").all("dl")[0].text
    assert f"{check.subject.account} (Twilio)AWS account{ACCOUNT}" in facts


def test_failed_calls_that_no_check_rests_on_are_listed_with_their_permission() -> None:
    made = varied()
    lost = (denied("s3:GetBucketLogging", "s3:GetBucketLogging"), denied("kms:ListGrants", "kms:ListGrants"))
    broken = replace(lost[1], reason=Reason.THROTTLED, error_code="Throttling", id="ev-0123456789abcdef")
    result = replace(made, evidence=(*made.evidence, *lost, broken))
    rows = by_id(tree(render(result)), "coverage").all("tbody")[1].all("tr")
    assert [(row.all("code")[0].text, row.all("td")[-1].text) for row in rows] == [
        ("kms:ListGrants", "no grant helps"),
        ("kms:ListGrants", "kms:ListGrants"),
        ("s3:GetBucketLogging", "s3:GetBucketLogging"),
    ]
    text = terminal.render(result)
    assert "? 3 answers that no check rests on could not be read\n" in text
    assert "call      kms:ListGrants; grant: kms:ListGrants, no grant helps\n" in text
    assert "that no check rests on" not in terminal.render(made)


def test_nothing_speaks_of_waivers_while_nothing_is_waived() -> None:
    for made, spoken in ((clean(), False), (varied(), True)):
        root = tree(render(made))
        for part in ("results", "glossary"):
            assert ("Waived" in by_id(root, part).text) is spoken
        assert ("WAIVED" in terminal.render(made)) is spoken


def controls_of(made: ScanResult, number: int) -> Element:
    return [e for e in by_id(tree(render(made)), "controls").all("details") if e.attributes["class"] != "fold"][number]


def test_each_control_has_its_status_and_each_of_its_rules_a_row_with_findings_and_mark() -> None:
    made = varied()
    hub = controls_of(made, 0)
    assert hub.all("summary")[0].text == "AWS Security Hub 1 fail, 79 not tested"
    replication, versioning = hub.all("tbody")[0].all("tr")
    assert [cell.text for cell in every(replication) if cell.tag in ("th", "td")] == [
        *("S3.7 Buckets replicate to another Region", "Not tested", "bucket-replication (official): left out")
    ]
    control, status, rules = (cell for cell in every(versioning) if cell.tag in ("th", "td"))
    assert (control.text, status.text) == ("S3.14 Buckets have versioning", "Fail")
    assert "key-region (official): 1 fail, 1 unknown" in rules.text
    assert "exposure-public-access (official): 2 pass" in rules.text
    assert "bucket-replication (official): left out" in rules.text
    assert len(rules.all("br")) == 8
    links = [a.attributes["href"] or "" for a in rules.all("a") if a.text in ("1 fail", "1 unknown")]
    assert {by_id(tree(render(made)), link[1:]).attributes["class"] for link in links} == {
        "check is-fail",
        "check is-unknown",
    }


def test_controls_that_no_rule_tests_are_folded_away_and_counted() -> None:
    """Each control without a rule is named as not tested. (A42)"""
    hub = controls_of(varied(), 0)
    [fold] = hub.all("details")
    assert "open" not in fold.attributes
    assert fold.all("summary")[0].text == "78 controls are not tested by this tool"
    assert len(fold.all("li")) == 78
    assert "S3.20 Buckets have MFA delete" in [item.text for item in fold.all("li")]
    assert [item.text for item in fold.all("li") if item.text.startswith("S3.14 ")] == []


def test_standards_that_take_a_control_and_parts_that_a_rule_names_are_shown() -> None:
    made = clean()
    named = (*official(security_hub=["S3.5"]), *peer(nist_800_53_r5=["SC-8"]), *proposal(nist_800_53_r5=["SC-8(1)"]))
    of = replace(made.rules[0], controls=named)
    frameworks = record_frameworks(("security_hub", "nist_800_53_r5"), (of,), made.assessments)
    made = replace(made, rules=(of,), frameworks=frameworks)
    assert controls_of(made, 0).all("tbody")[0].all("th")[0].text == "S3.5 Buckets require TLS FSBP"
    assert controls_of(made, 1).all("tbody")[0].all("td")[-1].text == "transport-tls (peer, SC-8(1) proposal): 1 pass"


def test_every_report_with_controls_says_that_mappings_need_review() -> None:
    assert MAPPING_REVIEW in by_id(tree(render(varied())), "controls").text
    assert MAPPING_REVIEW in terminal.render(varied())


def test_without_frameworks_there_is_no_section_of_controls() -> None:
    page = render(replace(varied(), frameworks=()))
    assert 'id="controls"' not in page
    assert 'href="#controls"' not in page
    assert "CONTROLS" not in terminal.render(replace(varied(), frameworks=()))


def test_all_frameworks_together_stay_small() -> None:
    made = empty()
    bare = replace(made, frameworks=())
    full = replace(made, frameworks=record_frameworks(framework_ids(()), (), ()))
    assert len(render(full)) - len(render(bare)) <= 100 * 1024


def test_answers_of_a_stand_in_are_told_on_the_cover() -> None:
    made = varied()
    assert "stand-in" not in by_id(tree(render(made)), "top").text
    said = f"{STAND_IN_NOTICE}, aws http://127.0.0.1:1, and show nothing of the real one"
    noted = replace(made, scan=replace(made.scan, notices=("rules added by plugins: x", said)))
    cover = by_id(tree(render(noted)), "top").text
    assert f"{said[0].upper()}{said[1:]}." in cover
    assert "plugins" not in cover


def test_a_gate_of_new_failures_says_that_old_ones_do_not_count() -> None:
    made = varied()
    said = "What failed before, as the baseline says, does not count."
    assert said not in by_id(tree(render(made)), "top").text
    assert said in by_id(tree(render(replace(made, gate=replace(made.gate, only_new=True)))), "top").text
