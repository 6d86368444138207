"""A stored result is believed as far as it agrees with itself; an edited one is refused with the place."""

import hashlib
import json
from collections.abc import Callable
from typing import Any

import pytest

from cli.scanned import Scanned, one_sentence
from conftest import CommandLine

Document = dict[str, Any]


def first(document: Document, outcome: str) -> Document:
    found: Document = next(a for a in document["assessments"] if a["outcome"] == outcome)
    return found


def whitewash(document: Document) -> None:
    """Every failure made a pass, and nothing else."""
    for assessment in document["assessments"]:
        if assessment["outcome"] == "fail":
            assessment.update(outcome="pass", findings=[], remedy=None)


def cited_by(document: Document) -> Document:
    """An observation that a failure rests on."""
    name = first(document, "fail")["evidence"][0]["observation"]
    found: Document = next(item for item in document["evidence"] if item["id"] == name and item["answer"])
    return found


@pytest.mark.parametrize(
    ("forge", "says"),
    [
        (lambda d: d["gate"].update(verdict="PASS"), "the verdict is PASS, but the assessments make it FAIL"),
        (lambda d: d["gate"].update(exit_status=0), "the exit status is 0, but the assessments make it 1"),
        (lambda d: d["gate"].update(exit_reason="all is well"), "the verdict's reason is not what the assessments"),
        (lambda d: d["gate"].update(fail_on=None), ", but the assessments make it FAIL"),
        (whitewash, "the severity of "),
        (lambda d: first(d, "fail").update(outcome="pass"), " is a pass with "),
        (lambda d: first(d, "fail").update(severity="info"), "is not that of its findings and rule"),
        (lambda d: first(d, "pass").update(remedy=first(d, "fail")["remedy"]), " is a pass with a remedy"),
        (lambda d: d["assessments"].remove(first(d, "pass")), "the coverage is "),
        (lambda d: d["coverage"].update(planned=1, evaluated=1), "the coverage is 1 of 1, but"),
        (lambda d: d["coverage"].update(gaps=[]), "the gaps of the coverage are not those of the unknown"),
        (lambda d: d["assessments"].append(first(d, "pass")), " stands there twice"),
        (lambda d: first(d, "pass")["subject"].update(uid="s3://other/"), "the fingerprint of the assessment"),
        (lambda d: d["rules"].pop(), "is by a rule that the result does not have"),
        (lambda d: cited_by(d)["answer"].update(forged=True), " is not that of its answer"),
        (lambda d: cited_by(d)["request"].update(forged=True), " is not that of its question"),
        (lambda d: d["evidence"].remove(cited_by(d)), " rests on evidence that the result does not have"),
    ],
)  # fmt: skip
def test_a_forged_result_is_refused(
    bare: CommandLine, scanned: Scanned, forge: Callable[[Document], object], says: str
) -> None:
    document = json.loads(scanned.result.read_text(encoding="utf-8"))
    forge(document)
    (bare.folder / "r.json").write_text(json.dumps(document), encoding="utf-8")
    run = bare("report", "r.json", "-o", "html=r.html")
    assert run.status == 2
    sentence = one_sentence(run)
    assert sentence.startswith("r.json: the result was edited or damaged: ")
    assert says in sentence
    assert not (bare.folder / "r.html").exists()


def test_an_honest_result_is_believed_however_it_is_spaced(bare: CommandLine, scanned: Scanned) -> None:
    document = json.loads(scanned.result.read_text(encoding="utf-8"))
    (bare.folder / "r.json").write_text(json.dumps(document), encoding="utf-8")
    assert bare("report", "r.json", "-f", "none").status == 0


def test_the_hashes_are_what_the_report_says_they_are(scanned: Scanned) -> None:
    document = json.loads(scanned.result.read_text(encoding="utf-8"))
    hashed = {}
    for item in document["evidence"]:
        told = {"code": item["error_code"], "outcome": item["outcome"]}
        kept = item["answer"] if item["outcome"] == "answered" else told
        text = json.dumps(kept, sort_keys=True, separators=(",", ":"))
        assert hashlib.sha256(text.encode()).hexdigest() == item["sha256"]
        hashed[item["outcome"]] = item
    assert {"answered", "absent"} <= hashed.keys()
    page = scanned.html.read_text(encoding="utf-8")
    assert '<code>{"code":CODE,"outcome":OUTCOME}</code>' in page
