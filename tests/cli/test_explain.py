"""`recordscan explain` on a stored scan."""

import json
from pathlib import Path
from typing import Any

import pytest

from cli.scanned import one_sentence
from conftest import CommandLine

RESULT = Path(__file__).parents[2] / "examples" / "hollow-creek" / "result.json"


@pytest.fixture(scope="module")
def assessments() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(RESULT.read_text(encoding="utf-8"))["assessments"]
    return found


def test_a_finding_is_shown_with_the_value_that_decided(bare: CommandLine, assessments: list[dict[str, Any]]) -> None:
    found = next(a for a in assessments if a["rule_id"] == "key-pending-deletion" and a["outcome"] == "fail")
    by_check = bare("explain", found["fingerprint"], "--in", str(RESULT))
    by_finding = bare("explain", found["findings"][0]["fingerprint"][:20], "--in", str(RESULT))
    assert (by_check.status, by_check.stdout) == (0, by_finding.stdout)
    assert by_check.stdout.startswith("FAIL  CRITICAL  key-pending-deletion  ")
    assert '/KeyMetadata/KeyState  "PendingDeletion"' in by_check.stdout
    assert "kms:DescribeKey" in by_check.stdout
    assert "what to do" in by_check.stdout


@pytest.mark.parametrize("outcome", ["pass", "unknown", "not_applicable"])
def test_every_outcome_is_explained(bare: CommandLine, assessments: list[dict[str, Any]], outcome: str) -> None:
    found = next(a for a in assessments if a["outcome"] == outcome)
    run = bare("explain", found["fingerprint"], "--in", str(RESULT))
    assert run.status == 0
    assert run.stdout.startswith(outcome.upper().replace("_", " "))
    assert found["fingerprint"] in run.stdout


@pytest.mark.parametrize(("begin", "sentence"), [("zz", "no check or finding has"), ("", "a fingerprint that begins")])
def test_what_is_not_there_is_told(bare: CommandLine, begin: str, sentence: str) -> None:
    run = bare("explain", begin, "--in", str(RESULT))
    assert run.status == 2
    assert sentence in one_sentence(run)


def test_of_a_rule_the_checks_are_offered(bare: CommandLine, assessments: list[dict[str, Any]]) -> None:
    own = [a for a in assessments if a["rule_id"] == "bucket-tls-only"]
    sentence = one_sentence(bare("explain", "bucket-tls-only", "--in", str(RESULT)))
    assert sentence.startswith("'bucket-tls-only' is a rule; name one of its checks: ")
    assert all(f"{a['fingerprint'][:12]} ({a['outcome']} of {a['subject']['name']})" in sentence for a in own)
