"""`recordscan access`: what it prints of whom, and what it refuses."""

import json
from pathlib import Path

import pytest

from cli.scanned import Scanned, one_sentence
from conftest import CommandLine
from recordscan.demo.company_aws import AWS_ACCOUNT, RECORDINGS_BUCKET
from recordscan.demo.company_twilio import PRODUCTION
from recordscan.demo.run import Company
from recordscan.facts import Json
from recordscan.snapshot import save_snapshot
from recordscan.testing import REVIEWERS_ARN, TWILIO_ACCOUNT, Case, role_details, sound

UID = f"twilio:{PRODUCTION}/recordings"
ROOT = f"arn:aws:iam::{AWS_ACCOUNT}:root"


def stored(case: Case, folder: Path) -> str:
    path = folder / "case.jsonl.gz"
    save_snapshot(case.snapshot(), path)
    return str(path)


def rows(text: str) -> list[dict[str, Json]]:
    return [json.loads(line) for line in text.splitlines()]


@pytest.mark.parametrize("name", [UID, "production recordings", RECORDINGS_BUCKET, f"s3://{RECORDINGS_BUCKET}/"])
def test_a_target_goes_by_uid_name_and_bucket(bare: CommandLine, scanned: Scanned, name: str) -> None:
    run = bare("access", name, "--snapshot", str(scanned.snapshot), "-f", "json")
    assert (run.status, run.stderr) == (0, "")
    found = rows(run.stdout)
    assert {row["target"] for row in found} == {UID}
    [root] = [row for row in found if row["principal"] == ROOT]
    assert [ability["ability"] for ability in root["abilities"]] == [
        *("fetch", "decrypt", "read", "write", "delete", "list", "change")
    ]
    assert found == [a for a in json.loads(scanned.result.read_text("utf-8"))["access"] if a["target"] == UID]


def test_the_text_has_the_table_and_the_reasons(bare: CommandLine, tmp_path: Path) -> None:
    path = stored(sound(), tmp_path)
    run = bare("access", "production recordings", "--snapshot", path)
    assert (run.status, run.stderr) == (0, "")
    assert "Who can do what to production recordings\n" in run.stdout
    lines = run.stdout.splitlines()
    assert any("Principal" in line and "Decrypt" in line for line in lines)
    assert f"{REVIEWERS_ARN} (role)" in lines
    assert f"{'':16}s3:GetObject: statement ReadMedia of inline policy permissions allows it" in lines
    assert "\x1b" not in run.stdout


def test_what_is_open_says_on_what_it_depends_and_names_cannot_mislead(bare: CommandLine, tmp_path: Path) -> None:
    case = sound()
    statement = {
        "Sid": "[bold]\u202eevil\x1b[31m",
        "Effect": "Allow",
        "Action": "s3:PutObject",
        "Resource": "*",
        "Condition": {"StringEquals": {"aws:SourceVpce": "vpce-1"}},
    }
    document = {"Version": "2012-10-17", "Statement": [statement]}
    hostile = role_details("x[red]\u202e\x1b[0m:smile:", document)
    case.set("iam:GetAccountAuthorizationDetails", "/RoleDetailList/-", hostile)
    run = bare("access", f"twilio:{TWILIO_ACCOUNT}/recordings", "--snapshot", stored(case, tmp_path))
    assert run.status == 0, run.stderr
    assert "role/x[red][U+202E][U+001B][0m:smile: (role)" in run.stdout
    assert (
        "statement [bold][U+202E]evil[U+001B][31m of inline policy permissions allows it under conditions" in run.stdout
    )
    assert "depends on aws:SourceVpce" in run.stdout
    assert "  write    if   s3:PutObject on arn:aws:s3:::" in run.stdout
    assert "\x1b" not in run.stdout
    assert "\u202e" not in run.stdout


def test_a_target_without_a_bucket_is_nobodys(bare: CommandLine, tmp_path: Path) -> None:
    run = bare("access", "production compositions", "--snapshot", stored(sound(), tmp_path))
    assert (run.status, run.stdout) == (0, "production compositions: media is not written to a bucket\n")


def test_an_unknown_target_exits_2_with_those_that_there_are(bare: CommandLine, scanned: Scanned) -> None:
    run = bare("access", "productoin recordings", "--snapshot", str(scanned.snapshot))
    assert run.status == 2
    says = one_sentence(run)
    assert says.startswith("there is no target 'productoin recordings'; there are: 'production recordings' (twilio:AC")
    assert "'research compositions'" in says


def test_what_cannot_be_told_exits_3_with_the_permission(bare: CommandLine, tmp_path: Path) -> None:
    case = sound()
    case.deny("kms:GetKeyPolicy")
    path = stored(case, tmp_path)
    run = bare("access", "production recordings", "--snapshot", path)
    assert run.status == 3
    assert "who can do what is not known: " in run.stdout
    assert "  grant kms:GetKeyPolicy to the identity that scans\n" in run.stdout
    run = bare("access", "production recordings", "--snapshot", path, "-f", "json")
    assert run.status == 3
    [gap] = rows(run.stdout)
    assert gap["permission"] == "kms:GetKeyPolicy"


def test_a_snapshot_has_its_scope(bare: CommandLine, scanned: Scanned) -> None:
    run = bare("access", UID, "--snapshot", str(scanned.snapshot), "--bucket", "other")
    assert run.status == 2
    assert "--snapshot reads stored answers" in run.stderr


def test_without_a_snapshot_the_clouds_are_asked(recordscan: CommandLine, clouds: Company) -> None:
    run = recordscan("access", UID, "-q", "-f", "json")
    assert (run.status, run.stderr) == (0, "")
    assert ROOT in {row["principal"] for row in rows(run.stdout)}
    assert clouds.aws.requests


def test_what_everybody_can_do_is_told_where_somebody_unknown_can(bare: CommandLine) -> None:
    snapshot = str(Path(__file__).parents[2] / "examples" / "hollow-creek" / "snapshot.jsonl.gz")
    said = "\nWhat anonymous callers can do, everybody else can, too, without signing the request.\n"
    assert said in bare("access", "research recordings", "--snapshot", snapshot).stdout
    assert said not in bare("access", "production recordings", "--snapshot", snapshot).stdout
