"""`recordscan remedy`: plans of a stored result."""

import json
import subprocess

import pytest

from cli.scanned import Scanned, one_sentence
from conftest import CommandLine


def test_a_plan_is_a_script_that_says_what_it_does_and_what_it_breaks(bare: CommandLine, scanned: Scanned) -> None:
    run = bare("remedy", str(scanned.result))
    assert run.status == 0, run.stderr
    assert run.stdout.startswith("# What mends the failed checks of the scan ")
    assert "recordscan has applied nothing" in run.stdout
    assert "CAUTION: The URL saved at Twilio begins with http://" in run.stdout
    assert "# For a person:" in run.stdout
    assert "steps, " in run.stderr
    done = subprocess.run(["/bin/sh", "-n"], input=run.stdout, text=True, capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_one_rule_can_be_chosen(bare: CommandLine, scanned: Scanned) -> None:
    run = bare("remedy", str(scanned.result), "--rule", "bucket-versioning", "-f", "terraform")
    assert run.status == 0, run.stderr
    assert run.stdout.count('resource "aws_s3_bucket_versioning"') == 2
    assert "aws_s3_bucket_policy" not in run.stdout


def test_a_rule_that_nothing_failed_has_nothing_to_mend(bare: CommandLine, scanned: Scanned) -> None:
    run = bare("remedy", str(scanned.result), "--rule", "account-root-mfa")
    assert (run.status, run.stderr) == (0, "nothing to mend: no check of these rules failed\n")


def test_a_template_is_of_one_region(bare: CommandLine, scanned: Scanned) -> None:
    refused = bare("remedy", str(scanned.result), "-f", "cloudformation")
    assert refused.status == 2
    assert one_sentence(refused).endswith("name one by --region")
    run = bare("remedy", str(scanned.result), "-f", "cloudformation", "--region", "eu-central-1")
    assert run.status == 0, run.stderr
    assert '"AWSTemplateFormatVersion": "2010-09-09"' in run.stdout


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--rule", "no-such-rule"], "no rule 'no-such-rule' ran in this scan"),
        (["--region", "mars-1"], "the plan has no step in 'mars-1'"),
    ],
)
def test_what_the_result_does_not_have_is_refused(
    bare: CommandLine, scanned: Scanned, arguments: list[str], says: str
) -> None:
    run = bare("remedy", str(scanned.result), *arguments)
    assert run.status == 2
    assert says in run.stderr
    assert run.stdout == ""


def test_no_secret_and_no_control_character_is_in_a_plan(bare: CommandLine, scanned: Scanned) -> None:
    from recordscan.demo.company_twilio import PLANTED_SECRET

    run = bare("remedy", str(scanned.result))
    assert PLANTED_SECRET not in run.stdout
    assert "[redacted" not in run.stdout
    assert run.stdout.replace("\n", "").isprintable()


@pytest.mark.parametrize(
    ("rule_id", "says"),
    [
        ("bucket-versioning", "aws s3api put-bucket-versioning \\\n  --bucket hollow-creek-"),
        ("cred-age", "by hand       a new key must be handed to Twilio by a person"),
    ],
)
def test_the_explanation_of_a_failure_has_its_commands_or_says_why_there_are_none(
    bare: CommandLine, scanned: Scanned, rule_id: str, says: str
) -> None:
    document = json.loads(scanned.result.read_text(encoding="utf-8"))
    found = next(a for a in document["assessments"] if a["rule_id"] == rule_id and a["outcome"] == "fail")
    run = bare("explain", found["fingerprint"], "--in", str(scanned.result))
    assert run.status == 0, run.stderr
    assert says in run.stdout
