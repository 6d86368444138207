"""What holds of every format: same counts, same order, same bytes, written whatever was found, safe to print."""

import csv
import io
import json
import re
import unicodedata
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import TypeAlias
from xml.etree import ElementTree as ET

import pytest

from recordscan.plugins import load_reports, main_file
from recordscan.result import Outcome, ScanResult
from recordscan.rule import Severity
from recordscan_reports.plain import link, milliseconds, moment, virtual_path
from reports.results import KEY_REGION, LOGGING, PAYLOADS, RESULTS, WRITER, accepted, demo, empty, hostile, varied

FORMATS = load_reports()

Counts: TypeAlias = Counter[tuple[str, str]]


WORDS = {"Fail": "fail", "Unknown": "unknown", "Waived": "waived", "Pass": "pass", "Not applicable": "not_applicable"}


def counted(result: ScanResult) -> Counts:
    return Counter((a.outcome.value, a.severity.value) for a in result.assessments)


def in_json(text: str) -> Counts:
    return Counter((a["outcome"], a["severity"]) for a in json.loads(text)["assessments"])


def in_jsonl(text: str) -> Counts:
    return Counter((line["status"], line["severity"]) for line in map(json.loads, text.splitlines()))


def in_csv(text: str) -> Counts:
    return Counter((row["status"], row["severity"]) for row in csv.DictReader(io.StringIO(text, newline="")))


def in_sarif_full(text: str) -> Counts:
    [run] = json.loads(text)["runs"]
    kinds = {"fail": "fail", "pass": "pass", "notApplicable": "not_applicable", "open": "unknown"}
    found: Counts = Counter()
    for result in run["results"]:
        if result["ruleId"] != "coverage-gap":
            suppressed = [one["status"] for one in result.get("suppressions", [])] == ["accepted"]
            status = "waived" if suppressed else kinds[result["kind"]]
            found[status, result["properties"]["severity"]] += 1
    return found


def in_ocsf(text: str) -> Counts:
    words = {1: "pass", 2: "unknown", 3: "fail", 99: "not_applicable"}
    names = {1: "info", 2: "low", 3: "medium", 4: "high", 5: "critical"}
    events = [json.loads(line) for line in text.splitlines()]
    return Counter(
        (
            "waived" if event["status_id"] == 3 else words[event["compliance"]["status_id"]],
            names[event["severity_id"]],
        )
        for event in events
    )


def in_asff(text: str) -> Counts:
    words = {"PASSED": "pass", "FAILED": "fail", "WARNING": "unknown", "NOT_AVAILABLE": "not_applicable"}
    return Counter(
        (
            "waived" if "Workflow" in found else words[found["Compliance"]["Status"]],
            found["FindingProviderFields"]["Severity"]["Original"],
        )
        for found in json.loads(text)
    )


def in_oscal(text: str) -> Counts:
    [result] = json.loads(text)["assessment-results"]["results"]
    properties = [{p["name"]: p["value"] for p in o["props"]} for o in result.get("observations", [])]
    return Counter((found["status"], found["severity"]) for found in properties)


def in_table(rows: list[tuple[str, list[str]]]) -> Counts:
    found: Counts = Counter()
    for word, numbers in rows:
        values = [int(number.replace(",", "")) for number in numbers]
        assert sum(values[:-1]) == values[-1]
        found.update({(WORDS[word], s.value): n for s, n in zip(reversed(Severity), values, strict=False) if n})
    return found


def in_markdown(text: str) -> Counts:
    rows = re.findall(r"^\| (Fail|Unknown|Waived|Pass|Not applicable) \| ([0-9, |]+) \|$", text, re.M)
    return in_table([(word, numbers.split(" | ")) for word, numbers in rows])


def in_text(text: str) -> Counts:
    rows = re.findall(r"^[x?~+-] (FAIL|UNKNOWN|WAIVED|PASS|NOT APPLICABLE) {2,}([0-9].*)$", text, re.M)
    return in_table([(word.capitalize(), numbers.split()) for word, numbers in rows])


BY_SEVERITY: dict[str, Callable[[str], Counts]] = {
    "json": in_json,
    "jsonl": in_jsonl,
    "csv": in_csv,
    "sarif-full": in_sarif_full,
    "ocsf": in_ocsf,
    "asff": in_asff,
    "oscal": in_oscal,
    "markdown": in_markdown,
    "text": in_text,
}


def text_of(name: str, result: ScanResult) -> str:
    return main_file(FORMATS[name](result)).decode()


@pytest.mark.parametrize("made", RESULTS)
@pytest.mark.parametrize("name", BY_SEVERITY)
def test_a7_counts_by_outcome_and_severity_agree(name: str, made: Callable[[], ScanResult]) -> None:
    """Each format is read back and counted. (A7)"""
    assert BY_SEVERITY[name](text_of(name, made())) == counted(made())


@pytest.mark.parametrize("made", RESULTS)
def test_a7_junit_counts_by_outcome_agree(made: Callable[[], ScanResult]) -> None:
    """Severities are told of failures only. (A7)"""
    found: Counter[str] = Counter()
    root = ET.fromstring(text_of("junit", made()))  # noqa: S314 - our own
    for case in root.iter("testcase"):
        if case.get("classname") != "recordscan.scan":
            kind = next((child.tag for child in case), "pass")
            outside = kind == "skipped" and case[0].attrib["message"].startswith("not applicable: ")
            words = {"failure": "fail", "error": "unknown", "skipped": "waived"}
            found["not_applicable" if outside else words.get(kind, kind)] += 1
    assert found == Counter(a.outcome.value for a in made().assessments)
    severities = Counter(failure.attrib["type"] for failure in root.iter("failure"))
    assert severities == Counter(a.severity.value for a in made().assessments if a.outcome is Outcome.FAIL)


@pytest.mark.parametrize("made", RESULTS)
def test_a7_formats_that_list_findings_name_every_failed_check(made: Callable[[], ScanResult]) -> None:
    """GitLab and GitHub list findings, which add up to the checks. (A7)"""
    failed = [a for a in made().assessments if a.outcome is Outcome.FAIL]
    owners = {found.fingerprint: a.fingerprint for a in failed for found in a.findings if found.waiver is None}
    issues = [i for i in json.loads(text_of("gitlab", made())) if i["check_name"] != "coverage-gap"]
    assert Counter(owners[issue["fingerprint"]] for issue in issues) == Counter(owners.values())
    [run] = json.loads(text_of("sarif", made()))["runs"]
    results = [r for r in run["results"] if r["ruleId"] != "coverage-gap"]
    assert Counter(r["properties"]["check"] for r in results) == Counter(owners.values())
    assert {r["properties"]["check"] for r in results} == {a.fingerprint for a in failed}
    assert run["properties"]["checks"] == {o.value: made().count(o) for o in Outcome}
    gaps = [r for r in run["results"] if r["ruleId"] == "coverage-gap"]
    assert sum(len(r["properties"]["checks"]) for r in gaps) == made().count(Outcome.UNKNOWN)


@pytest.mark.parametrize("made", RESULTS)
def test_a7_the_first_annotation_and_the_coverage_table_have_the_counts(made: Callable[[], ScanResult]) -> None:
    """The two formats that list only some checks. (A7)"""
    first = text_of("github", made()).splitlines()[0]
    told = {word: int(n.replace(",", "")) for n, word in re.findall(r"([0-9,]+) (fail|unknown|pass|waived)\b", first)}
    for word in ("fail", "unknown", "pass"):
        assert told[word] == made().count(Outcome(word))
    rows = csv.DictReader(io.StringIO(text_of("csv-coverage", made()), newline=""))
    assert sum(int(row["checks"] or 0) for row in rows) == made().count(Outcome.UNKNOWN)


def test_every_format_is_covered_here() -> None:
    others = {"junit", "sarif", "gitlab", "github", "csv-coverage", "html"}
    assert set(FORMATS) >= {*BY_SEVERITY, *others}


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("made", RESULTS)
def test_a8_a9_each_result_gives_text_and_the_same_text_twice(name: str, made: Callable[[], ScanResult]) -> None:
    """Whatever was found, nothing included; no clock and no chance is in it. (A8) (A9)"""
    text = text_of(name, made())
    assert text == text_of(name, made())
    text.encode()
    if made is not empty:
        assert text


@pytest.mark.parametrize("name", sorted(set(FORMATS) - {"json", "html", "text"}))
def test_the_order_of_a_result_does_not_show(name: str) -> None:
    result = varied()
    turned = replace(
        result, assessments=result.assessments[::-1], rules=result.rules[::-1], evidence=result.evidence[::-1]
    )
    assert text_of(name, turned) == text_of(name, result)


@pytest.mark.parametrize("name", ["jsonl", "csv", "sarif-full", "ocsf", "asff", "oscal"])
def test_checks_come_by_severity_rule_account_region_and_uid(name: str) -> None:
    expected = [
        a.fingerprint
        for a in sorted(
            demo().assessments,
            key=lambda a: (
                -a.severity.rank,
                a.rule_id,
                a.subject.account or "",
                a.subject.region or "",
                a.subject.uid,
            ),
        )
    ]
    found = re.findall("|".join(map(re.escape, expected)), text_of(name, demo()))
    assert list(dict.fromkeys(found)) == expected


@pytest.mark.parametrize("name", sorted(set(FORMATS) - {"html"}))
def test_nothing_invisible_is_written(name: str) -> None:
    text = text_of(name, hostile()).replace("\r\n", "\n") if name.startswith("csv") else text_of(name, hostile())
    odd = {c for c in text if unicodedata.category(c) in {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}} - {"\n"}
    assert odd == set()
    if name != "json":  # which keeps what was answered, in escapes
        assert re.search(r"\\u(d[89a-f]|00[01]|200[b-f]|202[89a-e]|206)", text, re.I) is None


@pytest.mark.parametrize("name", ["jsonl", "csv", "sarif-full", "ocsf", "oscal", "asff", "junit", "markdown"])
def test_a47_a_waiver_is_shown_with_who_and_until_when(name: str) -> None:
    """In every format that shows waived checks. (A47)"""
    text = text_of(name, accepted())
    for word in ("WV-2026-014", "2026-04-30", "ciso@example.org"):
        assert word in text.replace("@&#8203;", "@")
    assert "WV-2026-015" in text  # of one finding of a check that fails all the same


def test_a47_a_waived_finding_of_a_check_that_fails_all_the_same_is_no_alert() -> None:
    """Formats of alerts leave it out, the others keep it. (A47)"""
    [writer] = [a for a in accepted().assessments if a.rule_id == WRITER.id]
    waived = [found.fingerprint for found in writer.findings if found.waiver]
    assert (writer.outcome, len(waived)) == (Outcome.FAIL, 1)
    for name in ("sarif", "gitlab", "github"):
        text = text_of(name, accepted())
        assert waived[0] not in text
        assert "may upload outside of the prefix" not in text
        assert "WV-2026-014" not in text
    for name in ("jsonl", "junit", "ocsf"):
        assert waived[0] in text_of(name, accepted())


def test_a47_a_waived_check_keeps_its_findings_and_evidence() -> None:
    """And what it would be without the waiver. (A47)"""
    [line] = [row for row in map(json.loads, text_of("jsonl", accepted()).splitlines()) if row["status"] == "waived"]
    assert line["raw_status"] == "fail"
    assert line["evidence"] != []
    assert [found["waiver"] for found in line["findings"]] == ["WV-2026-014"]
    assert [found["approved_by"] for found in line["waivers"]] == ["ciso@example.org"]


def test_an_accepted_gap_stays_unknown_in_all_formats() -> None:
    [line] = [row for row in map(json.loads, text_of("jsonl", accepted()).splitlines()) if row["rule_id"] == LOGGING.id]
    assert (line["status"], line["waivers"][0]["id"]) == ("unknown", "WV-2026-016")
    for name in ("text", "markdown"):
        told = re.sub(r"&#8203;|\\", "", " ".join(text_of(name, accepted()).split()))
        assert re.search(r"1 check accepted by ciso@example\.org until 2026-04-30 \(WV-2026-016, accept gap\): ", told)
    rows = csv.DictReader(io.StringIO(text_of("csv-coverage", accepted()), newline=""))
    assert {row["rule_ids"]: row["accepted_by"] for row in rows if row["kind"] == "unknown"} == {
        KEY_REGION.id: "",
        LOGGING.id: "WV-2026-016",
    }
    for name in ("sarif", "gitlab", "github", "csv-coverage"):
        assert "known only when a request is made" in text_of(name, accepted())


@pytest.mark.parametrize("uid", [*PAYLOADS, "", ".", "../..", "a//b", "arn:aws:s3:::b", "arn:aws:iam::1:user/../x"])
def test_a11_a_virtual_path_is_a_relative_reference_whatever_the_name(uid: str) -> None:
    """Blanks, colons, dots, ARNs and other scripts. (A11)"""
    path = virtual_path(uid, provider="aws", account=uid[:9] or None, region=None)
    assert re.fullmatch(r"cloud(/[A-Za-z0-9._~%-]+)+", path)
    assert "arn:" not in path
    assert not {"", ".", ".."} & set(path.split("/"))


@pytest.mark.parametrize("text", ["", "2026-13-01T00:00:00Z", "2026-01-01", "2026-01-01T00:00:00+00:00", *PAYLOADS])
def test_what_is_no_time_is_left_out(text: str) -> None:
    assert moment(text) is None
    assert milliseconds(text) == 0


def test_times_are_read_in_utc() -> None:
    assert moment("2026-03-02T21:06:11.5Z") == "2026-03-02T21:06:11.5Z"
    assert milliseconds("2026-03-02T21:06:11.5Z") == 1_772_485_571_500


def test_only_plain_web_addresses_are_links() -> None:
    assert link("https://docs.aws.amazon.com/AmazonS3/latest/userguide/a.html#b") is not None
    for text in (*PAYLOADS, "http://example.com", "https://x/ y", "https://x/<a>", 'https://x/"', "https://x\n"):
        assert link(text) is None
