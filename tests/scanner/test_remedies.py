"""Plans: their order, what becomes of steps that share a document, and names that strangers gave."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import tfparse
import yaml

from recordscan.errors import ConfigError, SnapshotError
from recordscan.remedies import FORMATS
from recordscan.remedies.plan import Plan, PlannedStep, in_region, make_plan
from recordscan.remedy import Document, Edit, Order, Output, Remedy, Step, reference
from recordscan.result import Outcome, ScanResult
from reports.results import varied

HOSTILE = (
    "quote ' double \" both '\"'",
    "$(touch never) `touch never` $HOME ${HOME} !x",
    "${aws_kms_key.x.arn} %{ if true }x%{ endif } $${y} %%{z} $$${x}",
    "back\\slash \\n \\u0041",
    "line\nbreak\r\ttab\x00\x1b[31m",
    "bidi \u202e zero\u200bwidth \ue000 \U0001f600 é",
    "# comment /* */ // <<EOF",
    "{{notresolve:x}} !Ref X Fn::Sub",
    "--option",
    "file:///etc/passwd",
)
ACCOUNT = "111122223333"


def step(operation: str = "s3:PutBucketPolicy", order: Order = Order.DENY, **changes: Any) -> Step:
    made = Step(
        operation=operation,
        does="changes it",
        order=order,
        account=ACCOUNT,
        region="eu-west-1",
        parameters={"Bucket": "media", "ExpectedBucketOwner": ACCOUNT},
    )
    return replace(made, **changes)


def policy_step(text: str) -> Step:
    statement = {
        "Sid": "S",
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": [f"arn:aws:s3:::media/{text}"],
        "Condition": {"StringEquals": {f"aws:PrincipalTag/{text}": text}},
    }
    edit = Edit(action="add", path="/Statement", value=statement)
    current = {"Version": "2012-10-17", "Statement": []}
    return step(document=Document(parameter="Policy", as_text=True, current=current, edits=(edit,)))


def user_step(name: str) -> Step:
    parameters = {"UserName": name, "AccessKeyId": "AKIAEXAMPLE", "Status": "Inactive"}
    return step("iam:UpdateAccessKey", region=None, parameters=parameters)


def plan_of(*steps: Step) -> Plan:
    return Plan(
        scan_id="s",
        started="2026-01-01T00:00:00Z",
        steps=tuple(PlannedStep(step=one, mends=("rule of subject",)) for one in steps),
        by_hand=(),
    )


@pytest.fixture
def called(tmp_path: Path):  # type: ignore[no-untyped-def]
    """Runs a script with an `aws` and a `curl` that only note how they were called, and gives these calls."""
    log = tmp_path / "calls"
    note = tmp_path / "note.py"
    note.write_text(
        "import json, sys\n"
        f"with open({str(log)!r}, 'a') as log:\n"
        "    log.write(json.dumps([sys.argv[1:], '' if sys.argv[1] != 'curl' else sys.stdin.read()]) + '\\n')\n"
        "print('111122223333' if 'get-caller-identity' in sys.argv else 'arn:made')\n"
    )
    for name in ("aws", "curl"):
        tool = tmp_path / name
        tool.write_text(f'#!/bin/sh\nexec {sys.executable} {note} {name} "$@"\n')
        tool.chmod(0o755)

    def run(script: str, **variables: str) -> list[Any]:
        log.unlink(missing_ok=True)
        environment = {"PATH": f"{tmp_path}:/usr/bin:/bin", "HOME": str(tmp_path), **variables}
        subprocess.run(["/bin/sh"], input=script, text=True, env=environment, cwd=tmp_path, check=True, timeout=60)
        assert not (tmp_path / "never").exists()
        return [json.loads(line) for line in log.read_text().splitlines()]

    return run


@pytest.mark.parametrize("text", HOSTILE)
def test_documents_with_hostile_text_reach_the_aws_cli_as_they_are(called: Any, text: str) -> None:
    planned = policy_step(text)
    [_, (words, _)] = called(FORMATS["cli"](plan_of(planned)))
    assert words[:3] == ["aws", "s3api", "put-bucket-policy"]
    options = dict(zip(words[3::2], words[4::2], strict=True))
    assert json.loads(options["--policy"]) == json.loads(planned.request()[1]["Policy"])
    assert options["--policy"].isascii()
    assert options["--expected-bucket-owner"] == ACCOUNT
    assert options["--region"] == "eu-west-1"


@pytest.mark.parametrize("text", [text for text in HOSTILE if text.isprintable() and text.isascii()])
def test_words_with_hostile_text_reach_the_aws_cli_as_they_are(called: Any, text: str) -> None:
    planned = user_step(text)
    [_, (words, _)] = called(FORMATS["cli"](plan_of(planned)))
    if text.startswith(("-", "file:")):
        # The AWS CLI would take it for an option, or for a file to read.
        assert words[3] == "--cli-input-json"
        assert json.loads(words[4]) == planned.parameters
    else:
        assert dict(zip(words[3::2], words[4::2], strict=True))["--user-name"] == text


@pytest.mark.parametrize("text", HOSTILE)
def test_what_goes_to_twilio_is_encoded_and_credentials_are_in_no_argument(called: Any, text: str) -> None:
    from urllib.parse import parse_qs

    account = "AC" + "0" * 32
    planned = step(
        "twilio:UpdateCompositionHook",
        account=account,
        region=None,
        parameters={"Sid": "HK1", "FriendlyName": text, "Enabled": False},
    )
    secrets = {f"TWILIO_API_KEY_{account}": "SKkey", f"TWILIO_API_SECRET_{account}": "secret"}
    [(words, given)] = called(FORMATS["cli"](plan_of(planned)), **secrets)
    assert words[-1] == "https://video.twilio.com/v1/CompositionHooks/HK1"
    sent = parse_qs("&".join(words[i + 1] for i, word in enumerate(words) if word == "--data"))
    assert sent == {"FriendlyName": [text], "Enabled": ["false"]}
    assert given == 'user = "SKkey:secret"\n'
    assert "secret" not in " ".join(words)


def test_without_the_credentials_of_that_very_account_nothing_is_sent_to_twilio(called: Any) -> None:
    planned = step("twilio:UpdateRecordingSettings", account="AC" + "0" * 32, region=None, parameters={})
    with pytest.raises(subprocess.CalledProcessError):
        called(FORMATS["cli"](plan_of(planned)), TWILIO_API_KEY="SKother", TWILIO_API_SECRET="other")


@pytest.mark.parametrize("text", [text for text in HOSTILE if "\x00" not in text])
def test_terraform_evaluates_hostile_text_to_itself(text: str, tmp_path: Path) -> None:
    planned = policy_step(text)
    (tmp_path / "plan.tf").write_text(FORMATS["terraform"](plan_of(planned)), encoding="utf-8")
    [found] = tfparse.load_from_path(tmp_path)["aws_s3_bucket_policy"]
    assert json.loads(found["policy"]) == json.loads(planned.request()[1]["Policy"])
    assert found["bucket"] == "media"


@pytest.mark.parametrize("text", HOSTILE)
def test_a_template_says_hostile_text_as_it_is(text: str) -> None:
    planned = policy_step(text)
    [resource] = yaml.safe_load(FORMATS["cloudformation"](plan_of(planned)))["Resources"].values()
    assert resource["Properties"]["PolicyDocument"] == json.loads(planned.request()[1]["Policy"])


def test_what_cloudformation_would_take_for_a_secret_is_refused() -> None:
    with pytest.raises(ConfigError, match="knows no escape"):
        FORMATS["cloudformation"](plan_of(policy_step("{{resolve:ssm:x}}")))


@pytest.mark.parametrize("format_", FORMATS)
def test_comments_stay_comments_whatever_they_quote(format_: str) -> None:
    hostile = "x\ntouch never\r\u2028aws iam delete-user \x1b[2J"
    planned = PlannedStep(step=replace(policy_step("x"), does=hostile, warnings=(hostile,)), mends=(hostile,))
    text = FORMATS[format_](Plan(scan_id=hostile, started=hostile, steps=(planned,), by_hand=()))
    assert [line for line in text.splitlines() if "never" in line and not line.startswith("#")] == []
    assert "\x1b" not in text


def test_outputs_reach_later_steps_in_every_format(called: Any, tmp_path: Path) -> None:
    made = step(
        "kms:CreateKey",
        Order.PREPARE,
        parameters={"Description": "d", "Policy": json.dumps({"Version": "2012-10-17", "Statement": []})},
        output=Output(name="KEY_ARN_MEDIA", path="KeyMetadata.Arn"),
    )
    default = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": reference("KEY_ARN_MEDIA")}
    rule = {"ApplyServerSideEncryptionByDefault": default}
    used = step(
        "s3:PutBucketEncryption",
        parameters={"Bucket": "media", "ServerSideEncryptionConfiguration": {"Rules": [rule]}},
    )
    rotated = step("kms:EnableKeyRotation", parameters={"KeyId": reference("KEY_ARN_MEDIA")})
    plan = plan_of(made, used, rotated)
    [_, (create, _), (encrypt, _), (rotate, _)] = called(FORMATS["cli"](plan))
    assert create[-4:] == ["--query", "KeyMetadata.Arn", "--output", "text"]
    assert '"KMSMasterKeyID": "arn:made"' in encrypt[encrypt.index("--server-side-encryption-configuration") + 1]
    assert rotate[rotate.index("--key-id") + 1] == "arn:made"
    terraform = FORMATS["terraform"](plan)
    assert "kms_master_key_id = aws_kms_key.r_key_arn_media.arn" in terraform
    assert "enable_key_rotation = true" in terraform
    template = yaml.safe_load(FORMATS["cloudformation"](plan))["Resources"]
    [key] = [name for name, found in template.items() if found["Type"] == "AWS::KMS::Key"]
    assert {"Fn::GetAtt": [key, "Arn"]} in list(_values(template))


def _values(value: Any):  # type: ignore[no-untyped-def]
    yield value
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _values(inner)


def mended(*steps: Step, rule: int = 0, by_hand: str | None = None) -> ScanResult:
    """A result whose failures all have this remedy, or the one of the given index has."""
    result = varied()
    failing = [a for a in result.assessments if a.outcome is Outcome.FAIL]
    remedies = {failing[rule].fingerprint: Remedy(steps=steps, by_hand=by_hand)}
    return replace(
        result,
        assessments=tuple(replace(a, remedy=remedies.get(a.fingerprint, a.remedy)) for a in result.assessments),
    )


def test_steps_come_in_the_order_of_their_classes_and_a_remedy_keeps_its_own() -> None:
    steps = [
        step(f"s3:Put{order.name.title()}", order, does=f"{order} {n}", parameters={"Bucket": f"b{n}"})
        for n, order in enumerate([Order.PREPARE, Order.PREPARE, Order.GRANT, Order.REMOVE])
    ]
    early = step("kms:EnableKey", Order.RESTORE, parameters={"KeyId": "k"})
    plan = make_plan(two(mended(*steps), early))
    assert [planned.step for planned in plan.steps] == [early, *steps]


def two(result: ScanResult, *steps: Step) -> ScanResult:
    """Another failure with these steps."""
    failing = [a for a in result.assessments if a.outcome is Outcome.FAIL and a.remedy is None]
    changed = replace(failing[0], remedy=Remedy(steps=steps))
    return replace(result, assessments=tuple(changed if a is failing[0] else a for a in result.assessments))


def test_edits_of_one_document_are_made_together_and_grants_come_before_denials() -> None:
    def edit(sid: str, order: Order) -> Step:
        added = Edit(action="add", path="/Statement", value={"Sid": sid, "Effect": "Deny"})
        current = {"Version": "2012-10-17", "Statement": [{"Sid": "Old", "Effect": "Allow"}]}
        document = Document(parameter="Policy", as_text=True, current=current, edits=(added,))
        return step(order=order, does=f"adds {sid}", document=document)

    plan = make_plan(two(mended(edit("B", Order.DENY)), edit("A", Order.REMOVE)))
    [only] = plan.steps
    assert only.step.order is Order.REMOVE
    assert len(only.mends) == 2
    assert all(f'"Sid": "{sid}"' in only.step.request()[1]["Policy"] for sid in ("Old", "A", "B"))

    plan = make_plan(two(mended(edit("B", Order.DENY)), edit("A", Order.GRANT)))
    grant, deny = plan.steps
    assert (grant.step.order, deny.step.order) == (Order.GRANT, Order.DENY)
    assert '"Sid": "B"' not in grant.step.request()[1]["Policy"]
    assert all(f'"Sid": "{sid}"' in deny.step.request()[1]["Policy"] for sid in ("Old", "A", "B"))
    assert plan.final == (deny,)


def test_a_remedy_that_contradicts_a_worse_failure_is_left_for_the_next_scan() -> None:
    def edit(value: str) -> Step:
        document = Document(
            parameter="", as_text=False, current={}, edits=(Edit(action="set", path="/Status", value=value),)
        )
        return step("s3:PutX", document=document)

    plan = make_plan(two(mended(edit("on")), edit("off")))
    assert len(plan.steps) == 1
    assert any("in different ways; apply the plan, scan again" in unmended.why for unmended in plan.by_hand)


def test_what_a_person_must_do_and_what_has_no_remedy_is_in_every_plan() -> None:
    plan = make_plan(mended(by_hand="a person must decide"))
    whys = [unmended.why for unmended in plan.by_hand]
    assert "a person must decide" in whys
    assert "its rule has no remedy; see what the report says to do" in whys
    for render in FORMATS.values():
        assert all(why in render(plan) for why in whys)


@pytest.mark.parametrize(
    ("rule_id", "advice"),
    [("no-such-rule", "see `recordscan rules list`"), ("bucket-versionng", "did you mean 'bucket-versioning'?")],
)
def test_a_rule_that_did_not_run_is_refused(rule_id: str, advice: str) -> None:
    with pytest.raises(ConfigError) as caught:
        make_plan(varied(), [rule_id])
    assert str(caught.value) == f"no rule {rule_id!r} ran in this scan; {advice}"


@pytest.mark.parametrize(("number", "said"), [(0, "0 steps"), (1, "1 step"), (2, "2 steps")])
def test_numbers_agree_with_their_nouns(number: int, said: str) -> None:
    plan = plan_of(*[user_step(f"u{n}") for n in range(number)])
    assert FORMATS["cli"](plan).splitlines()[1] == (
        f"# {said} as commands of the AWS CLI and, for Twilio, of curl, and 0 checks for a person."
    )


def test_with_credentials_of_another_account_nothing_is_sent_and_it_is_said(tmp_path: Path) -> None:
    aws = tmp_path / "aws"
    aws.write_text(f'#!/bin/sh\necho "$2" >> {tmp_path / "calls"}\necho 999988887777\n')
    aws.chmod(0o755)
    script = FORMATS["cli"](plan_of(user_step("writer")))
    environment = {"PATH": f"{tmp_path}:/usr/bin:/bin"}
    done = subprocess.run(
        ["/bin/sh"], input=script, text=True, env=environment, capture_output=True, check=False, timeout=60
    )
    assert done.returncode == 1
    assert done.stderr == ("stopped before step 1, of account 111122223333: the credentials are of 999988887777\n")
    assert (tmp_path / "calls").read_text() == "get-caller-identity\n"


def test_a_region_without_steps_is_refused() -> None:
    with pytest.raises(ConfigError, match="no step in 'mars-1'; it has some in eu-west-1"):
        in_region(plan_of(step()), "mars-1")


@pytest.mark.parametrize(
    "changes",
    [
        {"operation": "s3:Put; touch never"},
        {"operation": "s3 rm:PutX"},
        {"region": "eu-west-1 --debug"},
        {"account": "1; touch never"},
        {"parameters": {"Bucket --debug": "x"}},
        {"output": Output(name="X;touch never", path="A")},
        {"output": Output(name="X", path="A --debug")},
        {"document": Document(parameter="Policy --debug", as_text=True, current={}, edits=())},
    ],
)
def test_a_forged_step_never_becomes_a_command(changes: dict[str, Any]) -> None:
    with pytest.raises(SnapshotError, match="not what recordscan writes"):
        make_plan(mended(step(**changes)))


def test_names_with_characters_that_do_not_show_are_left_to_a_person() -> None:
    plan = make_plan(mended(user_step("admin\u202e\x1b[2J")))
    assert plan.steps == ()
    assert any("has characters that do not show" in unmended.why for unmended in plan.by_hand)
    assert all(unmended.why.isprintable() for unmended in plan.by_hand)
