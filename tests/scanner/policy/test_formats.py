import json
import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from recordscan.facts import Json
from recordscan.policy.formats import as_cloudformation, as_json, as_terraform
from recordscan.policy.template import Place, minimal_policy

HOSTILE = [
    'quote"s\\and\\"backslashes/',
    "${aws:username}/",
    "$${*}%%{if}%{ for }/",
    "%%%{x}$$$",
    "line\nbreak\r\ttab/\b\f\0",
    "&{aws:username}/",
    "EOT\n})\n",
    "é\u2028\x7f\x9f\ufeff\U0001f600/",
    "*?/",
]
PREFIXES = st.one_of(st.sampled_from(HOSTILE), st.text(alphabet='${%}\\"n*?\n\U0001f600a', max_size=10))


def policy_for(prefix: str) -> dict[str, Json]:
    return minimal_policy(Place(bucket_arn="arn:aws:s3:::acme-video", prefix=prefix))


def read_hcl(text: str) -> str:
    """What Terraform reads in a quoted text without templates."""
    words = {"n": "\n", "r": "\r", "t": "\t", '"': '"', "\\": "\\"}

    def plain(found: re.Match[str]) -> str:
        token = found[0]
        if token.startswith("\\"):
            return words.get(token[1]) or chr(int(token[2:], 16))
        assert token not in ("${", "%{"), "a template begins"
        return token[1:] if len(token) == 3 else token

    token = r"\\(?:[nrt\"\\]|u[0-9a-f]{4}|U[0-9a-f]{8})|\$\$\{|%%\{|\$\{|%\{|[^\\\"\n]"
    assert re.fullmatch(f"(?:{token})*", text)
    return re.sub(token, plain, text)


def read_terraform(text: str) -> Json:
    """The object given to `jsonencode`."""
    found = re.search(r"\bjsonencode\((\{\n.*\n  \})\)\n\}\n\Z", text, re.DOTALL)
    assert found
    quoted = re.compile(r'"((?:[^"\\\n]|\\.)*)"')
    assert re.fullmatch(r"[\[\]{},:\s]*", quoted.sub("", found[1]))
    return json.loads(quoted.sub(lambda text: json.dumps(read_hcl(text[1])), found[1]))


@given(prefix=PREFIXES)
def test_json_says_what_was_to_be_said(prefix: str) -> None:
    text = as_json(policy_for(prefix))
    assert json.loads(text) == policy_for(prefix)
    assert text.isascii()


@given(prefix=PREFIXES)
@example(prefix="$${*}")
def test_terraform_says_what_was_to_be_said(prefix: str) -> None:
    assert read_terraform(as_terraform(policy_for(prefix))) == policy_for(prefix)


def test_terraform_doubles_what_begins_a_template() -> None:
    text = as_terraform(policy_for("*%{"))
    assert '"arn:aws:s3:::acme-video/$${*}%%{*"' in text
    assert not re.search(r"(?<!\$)\$\{|(?<!%)%\{", text)


def test_terraform_keeps_a_sign_apart_from_a_template_after_it() -> None:
    assert '"arn:aws:s3:::acme-video/\\u0025\\u0025%%{*"' in as_terraform(policy_for("%%%{"))


@given(prefix=PREFIXES)
def test_cloudformation_says_what_was_to_be_said(prefix: str) -> None:
    text = as_cloudformation(policy_for(prefix))
    properties = json.loads(text)["Resources"]["UploadRecordings"]["Properties"]
    assert properties["PolicyDocument"] == policy_for(prefix)
    assert properties["UserName"] == {"Ref": "TwilioUser"}


def test_cloudformation_has_only_characters_that_yaml_has() -> None:
    text = as_cloudformation(policy_for("".join(HOSTILE)))
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]|\\ud[89a-f]", text)
    assert "\U0001f600" in text


def test_cloudformation_is_refused_a_text_that_it_takes_for_a_reference() -> None:
    with pytest.raises(ValueError, match="resolve"):
        as_cloudformation(policy_for("{{resolve:ssm:name}}"))
