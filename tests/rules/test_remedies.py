"""What holds of the remedy of every built-in rule, on the estate that breaks it."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import tfparse
from botocore import xform_name
from botocore.loaders import Loader
from botocore.model import ServiceModel
from botocore.validate import ParamValidator

from recordscan.document import dump_result, load_result, result_schema
from recordscan.engine import assess, assess_snapshot
from recordscan.errors import ConfigError, PluginError
from recordscan.estate.target import Target, bucket_of
from recordscan.facts import Reason, Unavailable, need
from recordscan.mending import bucket_step
from recordscan.plugins import load_rules
from recordscan.profile import Profile
from recordscan.redaction import SECRET_KEY
from recordscan.remedies import FORMATS
from recordscan.remedies.commands import TWILIO
from recordscan.remedies.plan import Plan, in_region, make_plan
from recordscan.remedy import Order, Remedy, Step
from recordscan.result import Assessment, Outcome, ScanResult
from recordscan.rule import Findings, Severity, finding, rule
from recordscan.testing import sound
from rules.failing import FAILING

RULES = {rule.id: rule for rule in load_rules() if rule.check.__module__.startswith("recordscan_rules.")}

each_failing = pytest.mark.parametrize("rule_id", sorted(FAILING))


@cache
def result_of(rule_id: str) -> ScanResult:
    case = FAILING[rule_id]()
    return assess_snapshot(case.snapshot(), [RULES[rule_id]], fail_on=None, profile=case.profile)


def remedies_of(rule_id: str) -> list[Remedy]:
    return [a.remedy for a in result_of(rule_id).assessments if a.outcome is Outcome.FAIL and a.remedy is not None]


@cache
def plans_of(rule_id: str) -> list[Plan]:
    """The plan of a rule's failures, one for each Region."""
    plan = make_plan(result_of(rule_id))
    regions = sorted({planned.step.region for planned in plan.steps if planned.step.region is not None})
    return [in_region(plan, region) for region in regions] or [plan]


def test_every_rule_has_a_remedy_or_says_why_a_person_must_act() -> None:
    assert [rule_id for rule_id, rule in RULES.items() if rule.mend is None] == []


@each_failing
def test_a_failure_has_steps_or_a_reason_and_a_reason_is_a_clause(rule_id: str) -> None:
    found = remedies_of(rule_id)
    assert found
    for remedy in found:
        assert bool(remedy.steps) != (remedy.by_hand is not None)
        if remedy.by_hand is not None:
            assert "raised" not in remedy.by_hand
            assert not remedy.by_hand.endswith(".")


@each_failing
def test_steps_are_calls_that_aws_knows_and_come_in_a_safe_order(rule_id: str) -> None:
    for remedy in remedies_of(rule_id):
        assert [step.order.rank for step in remedy.steps] == sorted(step.order.rank for step in remedy.steps)
        for step in remedy.steps:
            assert not re.match(r"[A-Z]", step.does)
            assert all(warning.endswith(".") for warning in step.warnings)
            require_known(step)


@cache
def model_of(service: str) -> ServiceModel:
    return ServiceModel(Loader().load_service_model(service, "service-2"), service)


def require_known(step: Step) -> None:
    operation, parameters = step.request()
    service, _, name = operation.partition(":")
    if service == "twilio":
        assert operation in TWILIO
        return
    shape = model_of(service).operation_model(name).input_shape
    assert shape is not None
    report = ParamValidator().validate(parameters, shape)
    assert not report.has_errors(), report.generate_report()
    for policy in ("Policy", "PolicyDocument"):
        if policy in parameters:
            assert json.loads(parameters[policy])["Statement"]


@each_failing
def test_a_result_with_remedies_survives_being_stored(rule_id: str) -> None:
    result = result_of(rule_id)
    assert load_result(dump_result(result)) == result
    assert make_plan(load_result(dump_result(result))) == make_plan(result)


@each_failing
@pytest.mark.parametrize("format_", FORMATS)
def test_every_format_says_each_step_and_each_reason(rule_id: str, format_: str) -> None:
    for plan in plans_of(rule_id):
        text = FORMATS[format_](plan)
        assert text.endswith("\n")
        for planned in plan.steps:
            assert planned.step.does in text
            for warning in planned.step.warnings:
                assert f"CAUTION: {warning}" in text
        for unmended in plan.by_hand:
            assert unmended.why in text


@each_failing
def test_commands_are_those_of_the_aws_cli(rule_id: str) -> None:
    for plan in plans_of(rule_id):
        text = FORMATS["cli"](plan)
        for planned in plan.steps:
            operation, parameters = planned.step.request()
            service, _, name = operation.partition(":")
            if service == "twilio":
                assert TWILIO[operation].partition("{")[0] in text
                continue
            assert f"aws {'s3api' if service == 's3' else service} {xform_name(name, '-')} " in text
            for parameter in parameters:
                assert f"--{xform_name(parameter, '-')} " in text
        done = subprocess.run(["/bin/sh", "-n"], input=text, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr) == (0, "")


@each_failing
def test_terraform_is_read_as_it_was_meant_and_laid_out_as_its_own_formatter_does(rule_id: str, tmp_path: Path) -> None:
    for number, plan in enumerate(plans_of(rule_id)):
        folder = tmp_path / str(number)
        folder.mkdir()
        (folder / "plan.tf").write_text(FORMATS["terraform"](plan), encoding="utf-8")
        found = tfparse.load_from_path(folder)
        documents = [json.loads(found["policy"]) for kind in found.values() for found in kind if "policy" in found]
        for planned in plan.final:
            _, parameters = planned.step.request()
            text = parameters.get("Policy") or parameters.get("PolicyDocument")
            if text is not None and planned.step.operation != "iam:CreatePolicyVersion":
                assert json.loads(text) in documents
    # Neither is in Debian, PyPI or npm; without them, what was read is HCL all the same.
    terraform = shutil.which("terraform") or shutil.which("tofu")
    if terraform is not None:
        command = [terraform, "fmt", "-check", "-diff", "-recursive", str(tmp_path)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout


@pytest.fixture(scope="module")
def templates() -> dict[str, str]:
    """Every template of every rule, by rule and Region."""
    found: dict[str, str] = {}
    for rule_id in sorted(FAILING):
        for plan in plans_of(rule_id):
            text = FORMATS["cloudformation"](plan)
            if "Nothing of the plan can be said" not in text:
                found[f"{rule_id} {len(found)}"] = text
    return found


def test_templates_satisfy_cfn_lint(templates: dict[str, str]) -> None:
    from cfnlint.api import lint

    assert len(templates) >= 15
    problems = {name: [str(match) for match in lint(text)] for name, text in templates.items()}
    assert {name: found for name, found in problems.items() if found} == {}


def test_a_template_of_several_regions_is_refused_with_a_sentence() -> None:
    plan = make_plan(result_of("enc-kms-region"))
    [made, *_] = plan.steps
    elsewhere = replace(made, step=replace(made.step, region="ap-south-1", output=None))
    other = Plan(scan_id="s", started="t", steps=(made, elsewhere), by_hand=())
    with pytest.raises(ConfigError, match="a template is of one Region"):
        FORMATS["cloudformation"](other)


def spoilt(remedy: Any) -> Assessment:
    """A failed check of a rule with this remedy."""

    @rule("acme-always", title="t", severity=Severity.LOW, remediation="r", remedy=remedy)
    def always(target: Target) -> Findings:
        """Fails."""
        yield finding("it is wrong", target.uid)

    case = sound()
    [target, *_] = case.estate().targets
    return assess(always, target, case.profile)


def raising(_target: Target) -> Iterator[Step]:
    raise RuntimeError("/secret/path")
    yield


def needing(target: Target, _profile: Profile) -> Iterator[Step]:
    yield bucket_step(bucket_of(target), "s3:PutX", "changes it", Order.CHANGE)
    need(Unavailable(Reason.ACCESS_DENIED, "s3:GetBucketPolicy answered AccessDenied"))


def redacted(target: Target) -> Iterator[Step]:
    yield bucket_step(bucket_of(target), "s3:PutX", "changes it", Order.CHANGE, Name=SECRET_KEY)


@pytest.mark.parametrize(
    ("remedy", "why"),
    [
        ("a person must decide", "a person must decide"),
        (raising, "the remedy raised RuntimeError; run with -v for the details"),
        (needing, "what is there now is not known: s3:GetBucketPolicy answered AccessDenied"),
        (redacted, "the setting held what was taken out of the answer as a secret"),
        (lambda _target: (), "nothing that a call could change was found"),
    ],
)
def test_a_remedy_that_cannot_be_had_says_why_and_leaves_the_failure_as_it_is(remedy: Any, why: str) -> None:
    found = spoilt(remedy)
    assert found.outcome is Outcome.FAIL
    assert found.remedy == Remedy(by_hand=why)


def test_a_remedy_reads_facts_that_are_no_evidence_of_the_failure() -> None:
    def reading(target: Target) -> Iterator[Step]:
        need(bucket_of(target).versioning)
        yield bucket_step(bucket_of(target), "s3:PutX", "changes it", Order.CHANGE)

    found = spoilt(reading)
    assert found.remedy is not None
    assert len(found.remedy.steps) == 1
    assert found.evidence == ()


def test_only_failures_have_remedies() -> None:
    case = sound()
    found = assess_snapshot(case.snapshot(), list(RULES.values()), fail_on=None).assessments
    assert [a.rule_id for a in found if a.remedy is not None] == []


def test_a_remedy_takes_a_subject_and_at_most_a_profile() -> None:
    with pytest.raises(PluginError, match="a remedy takes a subject and, at most, a profile"):
        spoilt(lambda: ())


def test_results_with_remedies_satisfy_the_published_schema() -> None:
    validator = jsonschema.Draft202012Validator(result_schema())
    for rule_id in ("bucket-tls-only", "enc-kms-region", "media-readers"):
        validator.validate(json.loads(dump_result(result_of(rule_id))))


def test_without_the_bucket_policy_no_remedy_would_replace_it() -> None:
    case = FAILING["bucket-public-access-block"]()
    case.deny("s3:GetBucketPolicy")
    found = assess_snapshot(case.snapshot(), list(RULES.values()), fail_on=None, profile=case.profile).assessments
    steps = [step for a in found if a.remedy is not None for step in a.remedy.steps]
    assert steps
    assert [step for step in steps if step.operation == "s3:PutBucketPolicy" and step.document is not None] == []
