"""How recordings travel to and from the bucket."""

import json
from typing import Any

import pytest

from recordscan.facts import Json, Reason
from recordscan.remedy import Step
from recordscan.result import Outcome
from recordscan.rule import Rule, Severity
from recordscan.testing import AWS_ACCOUNT, BUCKET, PREFIX, TLS_ONLY_POLICY, Case, bucket_url, judge, judge_all, sound
from recordscan_rules.transport import tls_minimum, tls_only

ARN = f"arn:aws:s3:::{BUCKET}"
BOTH = [ARN, f"{ARN}/*"]
DENY: dict[str, Any] = TLS_ONLY_POLICY["Statement"][0]


def deny(**members: Json) -> dict[str, Any]:
    """The sound statement with some elements changed; None removes one."""
    return {name: value for name, value in {**DENY, **members}.items() if value is not None}


def when(operator: str, value: Json, key: str = "aws:SecureTransport") -> dict[str, Any]:
    return deny(Condition={operator: {key: value}})


def policy(*statements: Json) -> Case:
    case = sound()
    body = statements[0] if len(statements) == 1 else list(statements)
    case.answer("s3:GetBucketPolicy", {"Policy": json.dumps({"Version": "2012-10-17", "Statement": body})})
    return case


@pytest.mark.parametrize("rule", [tls_only, tls_minimum], ids=lambda rule: rule.id)
def test_a_bucket_in_good_order_passes_and_without_storage_there_is_none(rule: Rule) -> None:
    outcomes = {uid.rpartition("/")[2]: a.outcome for uid, a in judge_all(rule, sound()).items()}
    assert outcomes == {"recordings": Outcome.PASS, "compositions": Outcome.NOT_APPLICABLE}


@pytest.mark.parametrize(
    "statements",
    [
        pytest.param([DENY], id="one statement as an object, on which others raise"),
        pytest.param([when("Bool", ["false"])], id="a list with one value, which others fail"),
        pytest.param([when("Bool", False)], id="JSON false, which others fail"),
        pytest.param([when("bool", "FALSE", "AWS:securetransport")], id="other case, which others fail"),
        pytest.param([when("BoolIfExists", "false")], id="IfExists, which others fail"),
        pytest.param([when("NumericLessThanIfExists", "1.2", "s3:TlsVersion")], id="TLS version, if there is one"),
        pytest.param([deny(Principal={"AWS": "*"})], id="everyone as an AWS principal"),
        pytest.param([deny(Action="*", Resource="*")], id="all actions on everything"),
        pytest.param([deny(Resource=ARN), deny(Resource=f"{ARN}/*")], id="bucket and objects apart"),
        pytest.param(
            [DENY, deny(Effect="Allow", Action="s3:GetObject", Condition=None)],
            id="beside an Allow, of which others ask the condition too",
        ),
    ],
)
def test_a_policy_that_denies_everyone_all_without_tls_passes(statements: list[Json]) -> None:
    assert judge(tls_only, policy(*statements)).outcome is Outcome.PASS


@pytest.mark.parametrize(
    "statement",
    [
        pytest.param(deny(Resource=f"{ARN}/*"), id="objects only"),
        pytest.param(deny(Resource=ARN), id="the bucket only"),
        pytest.param(deny(Resource=[ARN, f"{ARN}/video/*"]), id="a prefix only"),
        pytest.param(deny(Action="s3:Get*"), id="reads only, which others pass by the asterisk in it"),
        pytest.param(deny(Action=["s3:PutObject"]), id="uploads only, which others pass"),
        pytest.param(
            deny(Condition={**DENY["Condition"], "StringNotLike": {"aws:PrincipalArn": "*admin*"}}),
            id="an exemption by condition, which others pass",
        ),
        pytest.param(
            deny(Principal=None, NotPrincipal={"AWS": f"arn:aws:iam::{AWS_ACCOUNT}:user/x"}),
            id="an exemption by NotPrincipal",
        ),
        pytest.param(deny(Principal={"AWS": AWS_ACCOUNT}), id="one account only, which others pass"),
        pytest.param(when("StringEquals", "false"), id="a text operator on a Boolean key"),
    ],
)
def test_a_policy_that_denies_a_part_is_a_medium_finding(statement: Json) -> None:
    assessment = judge(tls_only, policy(statement))
    assert (assessment.outcome, assessment.severity) == (Outcome.FAIL, Severity.MEDIUM)
    assert assessment.findings[0].observed


@pytest.mark.parametrize(
    "statement",
    [
        pytest.param(
            deny(Effect="Allow", Condition={"Bool": {"aws:SecureTransport": "true"}}),
            id="an Allow with TLS, which others pass",
        ),
        pytest.param(when("NumericLessThan", "1.2", "s3:TlsVersion"), id="the TLS version alone, which others pass"),
        pytest.param(when("Bool", "true"), id="the other way round"),
        pytest.param(deny(Resource=["arn:aws:s3:::other", "arn:aws:s3:::other/*"]), id="another bucket"),
        pytest.param(deny(Resource=[r.replace("aws", "aws-cn", 1) for r in BOTH]), id="a bucket of another partition"),
        pytest.param(deny(Action="kms:*"), id="another service"),
    ],
)
def test_a_policy_that_denies_nothing_of_it_is_a_high_finding(statement: Json) -> None:
    assessment = judge(tls_only, policy(statement))
    assert (assessment.outcome, assessment.severity) == (Outcome.FAIL, Severity.HIGH)


def test_a_bucket_without_a_policy_is_a_high_finding() -> None:
    case = sound()
    case.answer("s3:GetBucketPolicy", None)
    assessment = judge(tls_only, case)
    assert (assessment.outcome, assessment.severity) == (Outcome.FAIL, Severity.HIGH)
    assert assessment.findings[0].observed == "no bucket policy"


def test_a_policy_that_may_not_be_read_is_unknown_and_no_failure() -> None:
    case = sound()
    case.deny("s3:GetBucketPolicy")
    assessment = judge(tls_only, case)
    assert (assessment.outcome, assessment.permission) == (Outcome.UNKNOWN, "s3:GetBucketPolicy")


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"Statement": "Deny"}', "[" * 99])
def test_a_policy_that_is_none_is_unknown(text: str) -> None:
    case = sound()
    case.answer("s3:GetBucketPolicy", {"Policy": text or " "})
    assessment = judge(tls_only, case)
    assert (assessment.outcome, assessment.reason) == (Outcome.UNKNOWN, Reason.MALFORMED)


def test_the_partition_of_the_caller_is_that_of_the_bucket() -> None:
    case = policy(deny(Resource=[r.replace("aws", "aws-us-gov", 1) for r in BOTH]))
    case.set("sts:GetCallerIdentity", "/Arn", f"arn:aws-us-gov:sts::{AWS_ACCOUNT}:assumed-role/audit/scan")
    assert judge(tls_only, case).outcome is Outcome.PASS


def version(operator: str, value: Json) -> dict[str, Any]:
    return when(operator, value, "s3:TlsVersion")


@pytest.mark.parametrize(
    "statements",
    [
        pytest.param([version("NumericLessThan", "1.2")], id="without the demand for TLS, which is another rule's"),
        pytest.param([version("NumericLessThan", 1.2)], id="a JSON number"),
        pytest.param([version("NumericLessThan", "1.3")], id="a later version"),
        pytest.param([version("numericlessthanifexists", ["1.2"])], id="IfExists, a list, other case"),
        pytest.param([version("NumericLessThanEquals", "1.1")], id="the last version that is too old"),
        pytest.param(
            [{**version("NumericLessThan", "1.2"), "Resource": place} for place in BOTH], id="bucket and objects apart"
        ),
    ],
)
def test_a_policy_that_denies_everyone_old_versions_passes(statements: list[Json]) -> None:
    assert judge(tls_minimum, policy(*statements)).outcome is Outcome.PASS


@pytest.mark.parametrize(
    "statement",
    [
        pytest.param(DENY, id="TLS demanded, but no version, which others take for one"),
        pytest.param(version("NumericLessThan", "1.1"), id="too old a version"),
        pytest.param(version("NumericLessThanEquals", "1"), id="too old a version, inclusive"),
        pytest.param(version("NumericGreaterThan", "1.2"), id="the other way round"),
        pytest.param(version("NumericLessThan", "high"), id="no number"),
        pytest.param(version("StringEquals", "1.1"), id="a text operator"),
        pytest.param({**version("NumericLessThan", "1.2"), "Effect": "Allow"}, id="an Allow, which others pass"),
        pytest.param({**version("NumericLessThan", "1.2"), "Resource": f"{ARN}/*"}, id="objects only"),
        pytest.param({**version("NumericLessThan", "1.2"), "Action": "s3:Get*"}, id="reads only"),
        pytest.param({**version("NumericLessThan", "1.2"), "Principal": {"AWS": AWS_ACCOUNT}}, id="one account only"),
    ],
)
def test_a_policy_that_leaves_old_versions_a_way_is_a_low_finding(statement: Json) -> None:
    assessment = judge(tls_minimum, policy(statement))
    assert (assessment.outcome, assessment.severity) == (Outcome.FAIL, Severity.LOW)
    assert assessment.findings[0].observed


def test_no_policy_denies_no_old_version_and_an_unread_one_is_unknown() -> None:
    case = sound()
    case.answer("s3:GetBucketPolicy", None)
    assert judge(tls_minimum, case).findings[0].observed == "no bucket policy"
    case.deny("s3:GetBucketPolicy")
    assert judge(tls_minimum, case).outcome is Outcome.UNKNOWN


def steps_of(rule: Rule, case: Case) -> tuple[Step, ...]:
    remedy = judge(rule, case).remedy
    assert remedy is not None
    return remedy.steps


def left_by(step: Step) -> list[dict[str, Any]]:
    """The statements of the policy that a step puts."""
    statements = json.loads(str(step.request()[1]["Policy"]))["Statement"]
    return statements if isinstance(statements, list) else [statements]


OLD_TLS = {"NumericLessThan": {"s3:TlsVersion": "1.2"}}


@pytest.mark.parametrize(
    ("rule", "partial"),
    [
        (tls_only, deny(Action="s3:GetObject")),
        (tls_only, deny(Action=["s3:GetObject", "s3:PutObject"], Principal={"AWS": "*"})),
        (tls_only, deny(Resource=f"{ARN}/*")),
        (tls_only, deny(Resource=[ARN, f"{ARN}/calls/*"], Condition={"bool": {"AWS:SecureTransport": False}})),
        (tls_minimum, deny(Action="s3:GetObject", Condition=OLD_TLS)),
    ],
)
def test_a_deny_of_a_part_is_widened_instead_of_standing_beside_one_of_all(rule: Rule, partial: dict[str, Any]) -> None:
    other = deny(Sid="Other", Action="s3:DeleteBucket", Condition=None)
    [step] = steps_of(rule, policy(other, partial))
    assert left_by(step) == [other, {**partial, "Action": "s3:*", "Resource": BOTH}]


@pytest.mark.parametrize(
    "another",
    [
        pytest.param(deny(Effect="Allow", Action="s3:GetObject"), id="an Allow"),
        pytest.param(deny(Principal={"AWS": AWS_ACCOUNT}, Action="s3:GetObject"), id="for one account"),
        pytest.param(when("Bool", "true"), id="of the contrary"),
        pytest.param(
            deny(Condition={"Bool": {"aws:SecureTransport": "false", "aws:ViaAWSService": "false"}}),
            id="with a test beside it",
        ),
        pytest.param(deny(Action=None, NotAction="s3:GetObject"), id="of all but one action"),
        pytest.param(deny(Resource=None, NotResource=f"{ARN}/open/*"), id="of all but a place"),
        pytest.param(deny(Resource="arn:aws:s3:::*/calls/*"), id="of other buckets as well"),
    ],
)
def test_a_statement_of_another_meaning_is_left_and_one_put_beside_it(another: dict[str, Any]) -> None:
    [step] = steps_of(tls_only, policy(another))
    kept, added = left_by(step)
    assert kept == another
    assert (added["Action"], added["Resource"], added["Principal"]) == ("s3:*", BOTH, "*")


def test_uploads_by_http_are_moved_to_https_before_they_are_refused() -> None:
    case = policy(deny(Action="s3:GetObject"))
    [alone] = steps_of(tls_only, case)
    assert "save it with https:// first" in alone.warnings[0]
    case.set("twilio:FetchRecordingSettings", "/aws_s3_url", bucket_url(PREFIX).replace("https", "http"))
    first, last = steps_of(tls_only, case)
    assert first.request()[1]["AwsS3Url"] == bucket_url(PREFIX)
    assert first.order < last.order
    assert "an earlier step saves it with https://" in last.warnings[0]
