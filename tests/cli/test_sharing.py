"""Reports that are made to be shared: nothing that identifies is in any format, and everything that decides is."""

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from cli.scanned import Scanned, one_sentence
from conftest import CommandLine
from recordscan.consistency import disagreements
from recordscan.demo.company_twilio import PRODUCTION, RESEARCH
from recordscan.document import dump_result, load_result
from recordscan.plugins import load_reports, main_file
from recordscan.result import Outcome, ScanResult
from recordscan.sharing import KINDS, Kind, withhold

EXAMPLE = Path(__file__).parents[2] / "examples" / "hollow-creek" / "result.json"
SALT = b"grains of salt"

SECRETS: dict[Kind, list[str]] = {
    "accounts": ["123456789012", PRODUCTION, RESEARCH],
    "names": ["hollow-creek", "PartnerReads"],
    "principals": [r"arn:aws:iam::[\w-]+:user/\w", r"\bAKIA[A-Z0-9]{12}", r"\bCR[0-9a-f]{32}\b"],
}
"""Expressions of what stands in the whole result, by the kind that is to take it out."""


@pytest.fixture(scope="module")
def whole() -> ScanResult:
    return load_result(EXAMPLE.read_bytes())


def decided(result: ScanResult) -> list[object]:
    """All of a result that must survive."""
    return [
        (a.rule_id, a.outcome, a.severity, a.fingerprint, [(f.severity, f.fingerprint) for f in a.findings])
        for a in result.assessments
    ]


@pytest.mark.parametrize("format_", sorted(load_reports()))
def test_no_format_has_a_name_that_was_to_be_hashed(whole: ScanResult, format_: str) -> None:
    text = main_file(load_reports()[format_](withhold(whole, hashed=KINDS, salt=SALT))).decode()
    assert text
    assert [secret for secrets in SECRETS.values() for secret in secrets if re.search(secret, text)] == []
    # Nor an id that nobody thought of: of AWS accounts, of anything at Twilio, of a user of IAM.
    assert set(re.findall(r"\b(?:AC|CR|SK|US|CJ|RT|RM|HK)[0-9a-f]{32}\b|\barn:aws:iam::\d{12}:\w+/\S+", text)) == set()


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_is_taken_out_alone(whole: ScanResult, kind: Kind) -> None:
    plain, shared = dump_result(withhold(whole, evidence=True)), dump_result(withhold(whole, hashed=[kind], salt=SALT))
    others = [secret for other in KINDS if other != kind for secret in SECRETS[other]]
    assert [secret for secret in SECRETS[kind] if not re.search(secret, plain)] == []
    assert [secret for secret in SECRETS[kind] if re.search(secret, shared)] == []
    assert [secret for secret in others if re.search(secret, shared)]


def test_what_decides_stays_and_the_result_can_be_read_again(whole: ScanResult) -> None:
    shared = withhold(whole, hashed=KINDS, salt=SALT)
    assert decided(shared) == decided(whole)
    assert (shared.gate, shared.coverage.planned, shared.rules) == (whole.gate, whole.coverage.planned, whole.rules)
    again = load_result(dump_result(shared))
    assert again == shared
    assert list(disagreements(again)) == []
    assert [item.sha256 for item in shared.evidence] == [item.sha256 for item in whole.evidence]
    assert {item.answer for item in shared.evidence} <= {None, "[withheld]"}
    assert all(a.remedy is None for a in shared.assessments)


def test_one_name_has_one_hash_and_another_salt_gives_another(whole: ScanResult) -> None:
    first, second = (withhold(whole, hashed=KINDS, salt=salt) for salt in (SALT, b"others"))
    subjects = {a.subject.uid: b.subject.uid for a, b in zip(whole.assessments, first.assessments, strict=True)}
    assert len(set(subjects.values())) == len(subjects)
    assert {b.subject.uid for b in second.assessments} & set(subjects.values()) == {"estate"}
    # What refers to a subject still does.
    assert {record.target for record in first.access} <= set(subjects.values())


def test_a_name_beside_punctuation_in_prose_and_in_a_host_is_found(whole: ScanResult) -> None:
    name = "acme.médía team"
    item = replace(whole.evidence[0], request={"Bucket": "acme-media-7", "friendly_name": name}, answer=None)
    failed = next(a for a in whole.assessments if a.findings)
    said = f"({name}), acme-media-7. at https://acme-media-7.s3.eu-west-1.amazonaws.com/in/here, not xacme-media-7x"
    spoiled = replace(failed, findings=(replace(failed.findings[0], message=said),), remedy=None)
    result = replace(whole, evidence=(item, *whole.evidence), assessments=(spoiled,))
    [assessment] = withhold(result, hashed=["names"], salt=SALT).assessments
    message = assessment.findings[0].message
    assert re.fullmatch(
        r"\(name-\w{10}\), (name-\w{10})\. at https://\1\.s3\.eu-west-1\.amazonaws\.com/name-\w{10}, "
        r"not xacme-media-7x",
        message,
    ), message


def test_passed_checks_are_counted_and_not_listed(bare: CommandLine, scanned: Scanned) -> None:
    run = bare("report", str(scanned.result), "-f", "json", "--no-include-passed")
    document = json.loads(run.stdout)
    before = json.loads(scanned.result.read_text(encoding="utf-8"))
    passed = [a for a in before["assessments"] if a["outcome"] == "pass"]
    assert passed
    assert [a for a in before["assessments"] if a["outcome"] != "pass"] == document["assessments"]
    assert sum(document["withheld"]["passed"].values()) == len(passed)
    (bare.folder / "shared.json").write_text(run.stdout, encoding="utf-8")
    text = bare("report", "shared.json")
    assert (text.status, text.stderr) == (0, "")
    assert re.search(rf"\+ PASS .* {len(passed)}\n", text.stdout)
    assert f"{len(passed)} passed checks are counted but not listed" in text.stdout


def test_without_evidence_hashes_of_answers_stay_and_places_go(bare: CommandLine, scanned: Scanned) -> None:
    run = bare("report", str(scanned.result), "-f", "json", "--no-evidence", "-o", "html=shared.html")
    shared, before = load_result(run.stdout), load_result(scanned.result.read_bytes())
    assert [e.sha256 for e in shared.evidence] == [e.sha256 for e in before.evidence]
    assert {place.pointer for a in shared.assessments for place in a.evidence} == {""}
    failed = next(a for a in shared.assessments if a.outcome is Outcome.FAIL)
    (bare.folder / "shared.json").write_text(run.stdout, encoding="utf-8")
    explained = bare("explain", failed.fingerprint, "--in", "shared.json")
    assert '(the whole answer)  "[withheld]"' in explained.stdout
    page = (bare.folder / "shared.html").read_text(encoding="utf-8")
    assert "This report was made to be shared: answers and remedies are left out" in page[: page.index('id="findings"')]


@pytest.mark.parametrize("format_", ["text", "html", "markdown", "junit", "sarif", "github", "oscal"])
def test_every_report_with_a_head_says_what_was_taken_out(whole: ScanResult, format_: str) -> None:
    text = " ".join(main_file(load_reports()[format_](withhold(whole, hashed=KINDS, salt=SALT))).decode().split())
    assert "accounts, names and principals are replaced by salted hashes; answers and remedies are left out" in text
    assert "made to be shared" not in main_file(load_reports()[format_](whole)).decode()


def test_a_scan_hashes_everything_that_it_writes(bare: CommandLine, scanned: Scanned) -> None:
    run = bare(
        "scan", "--snapshot", str(scanned.snapshot), "--output-dir", "out", "--redact", "accounts,names,principals"
    )  # fmt: skip
    assert run.status == 1, run.stderr
    assert sorted(path.name for path in (bare.folder / "out").iterdir()) == ["report.html", "result.json"]
    everything = run.stdout + run.stderr + "".join(p.read_text("utf-8") for p in (bare.folder / "out").iterdir())
    assert "hollow-creek-" not in everything
    assert PRODUCTION not in everything
    hashed = set(re.findall(r"account-[0-9a-f]{10}", run.stdout))
    assert hashed
    assert hashed <= set(re.findall(r"account-[0-9a-f]{10}", (bare.folder / "out" / "result.json").read_text("utf-8")))


def test_no_bundle_is_made_of_a_part(bare: CommandLine, scanned: Scanned) -> None:
    bare("report", str(scanned.result), "-f", "none", "-o", "json=part.json", "--no-evidence")
    run = bare("bundle", "part.json", "--snapshot", str(scanned.snapshot), "-o", "evidence.zip")
    assert run.status == 2
    assert "was made to be shared, with parts left out or hashed; take the whole one" in one_sentence(run)
    assert not (bare.folder / "evidence.zip").exists()


def test_a_kind_that_there_is_not_is_refused(bare: CommandLine, scanned: Scanned) -> None:
    run = bare("report", str(scanned.result), "--redact", "accounts,people")
    assert run.status == 2
    assert "'people' is none of accounts, names, principals" in run.stderr


def test_a_scheme_alone_is_no_address(whole: ScanResult) -> None:
    said = "the URL begins with http://, not with https://. https://media.acme.example/x, https://$u:p@acme.example"
    told = replace(whole, scan=replace(whole.scan, notices=(said,)))
    [hashed] = withhold(told, hashed=("names",), salt=SALT).scan.notices
    assert hashed.startswith("the URL begins with http://, not with https://. https://name-")
    assert "acme" not in hashed


def test_a_shared_result_has_no_remedies_which_is_said(bare: CommandLine, whole: ScanResult) -> None:
    (bare.folder / "r.json").write_text(dump_result(withhold(whole, hashed=("names",), salt=SALT)), encoding="utf-8")
    run = bare("remedy", "r.json")
    assert (run.status, run.stdout) == (2, "")
    assert "r.json: it was made to be shared, without its remedies; take the whole result" in one_sentence(run)
    (bare.folder / "s.json").write_text(dump_result(withhold(whole, evidence=True)), encoding="utf-8")
    assert bare("remedy", "s.json").status == 2


def test_without_answers_no_remedy_repeats_one(whole: ScanResult) -> None:
    assert any(a.remedy for a in whole.assessments)
    assert not any(a.remedy for a in withhold(whole, evidence=True).assessments)


def test_a_key_of_which_parts_are_shown_is_hashed(whole: ScanResult) -> None:
    told = replace(whole, scan=replace(whole.scan, asked_by={"twilio": "API key SK0a1b…e8f9"}))
    asked_by = withhold(told, hashed=("principals",), salt=SALT).scan.asked_by
    assert asked_by["twilio"].startswith("API key principal-")


@pytest.mark.parametrize("kinds", ["", " ", "accounts,"])
def test_a_kind_that_is_empty_is_refused(bare: CommandLine, kinds: str) -> None:
    run = bare("report", str(EXAMPLE), "--redact", kinds, "-f", "none", "-o", "text=r.txt")
    assert (run.status, (bare.folder / "r.txt").exists()) == (2, False)
    assert " is none of accounts, names, principals." in run.stderr
