"""A user's policy as people deploy it: the document itself, Terraform, or a CloudFormation template.

Names of buckets and prefixes come from strangers. Each format has its own characters that mean something within a
text, and a document that says something else after deployment than it said here would be worse than none.
"""

import json
import re
from collections.abc import Callable
from typing import TypeAlias

from recordscan.facts import Json

Render: TypeAlias = Callable[[dict[str, Json]], str]


def as_json(policy: dict[str, Json]) -> str:
    """The document, in ASCII: IAM accepts no character beyond Latin-1 that is not escaped."""
    return json.dumps(policy, indent=2) + "\n"


def as_terraform(policy: dict[str, Json]) -> str:
    """An inline policy of a user who is to be named when it is applied.

    With `jsonencode`, not with `aws_iam_policy_document`: that data source takes `&{` for `${` as well.
    """
    return f"""\
variable "twilio_user" {{
  description = "Name of the IAM user whose access key Twilio has"
  type        = string
}}

resource "aws_iam_user_policy" "twilio_recordings" {{
  name = "twilio-recordings"
  user = var.twilio_user

  policy = jsonencode({hcl_value(policy, "  ")})
}}
"""


def as_cloudformation(policy: dict[str, Json]) -> str:
    """A stack that gives an existing user the policy, in JSON that is YAML as well.

    Raises:
        ValueError: The policy has a text that CloudFormation would take for a reference to a secret or parameter.
    """
    template = {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": "Lets the IAM user whose access key Twilio has upload recordings, and nothing else",
        "Parameters": {"TwilioUser": {"Type": "String", "Description": "Name of that IAM user"}},
        "Resources": {
            "UploadRecordings": {
                "Type": "AWS::IAM::UserPolicy",
                "Properties": {
                    "PolicyName": "twilio-recordings",
                    "UserName": {"Ref": "TwilioUser"},
                    "PolicyDocument": policy,
                },
            }
        },
    }
    return template_text(template)


def template_text(template: dict[str, Json]) -> str:
    """A CloudFormation template in JSON that is YAML as well.

    Raises:
        ValueError: It has a text that CloudFormation would take for a reference to a secret or parameter.
    """
    if "{{resolve:" in json.dumps(template):
        raise ValueError("CloudFormation takes {{resolve: for a reference and knows no escape")
    # YAML does not join surrogates, so characters that it accepts as they are stay so, and the others are escaped.
    text = json.dumps(template, indent=2, ensure_ascii=False)
    return re.sub(r"[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]", lambda found: f"\\u{ord(found[0]):04x}", text) + "\n"


FORMATS: dict[str, Render] = {"json": as_json, "terraform": as_terraform, "cloudformation": as_cloudformation}


def hcl_value(value: Json, indent: str) -> str:
    """A JSON value as an expression of Terraform's language, its objects and lists as JSON writes them."""
    deeper = indent + "  "
    if isinstance(value, dict):
        lines = [f"{deeper}{hcl_text(key)} : {hcl_value(item, deeper)}" for key, item in value.items()]
    elif isinstance(value, list):
        lines = [deeper + hcl_value(item, deeper) for item in value]
    elif isinstance(value, str):
        return hcl_text(value)
    else:
        return json.dumps(value)  # numbers, booleans and null are written alike
    opening, closing = "{}" if isinstance(value, dict) else "[]"
    return opening + "\n" + ",\n".join(lines) + "\n" + indent + closing


_HCL_ESCAPES = {"\n": "\\n", "\r": "\\r", "\t": "\\t", '"': '\\"', "\\": "\\\\"}


def hcl_text(text: str) -> str:
    """A quoted text: `${` and `%{` begin templates, and are doubled to stand for themselves."""
    quoted = "".join(_HCL_ESCAPES.get(character, character) for character in text)
    # A sign before another one is escaped by number, so that the doubling is not read from the wrong one.
    quoted = re.sub(r"([$%])(?=\1+\{)", lambda found: f"\\u{ord(found[0]):04x}", quoted)
    quoted = re.sub(r"([$%])\{", r"\1\1{", quoted)
    return '"' + "".join(c if c.isprintable() else _hcl_number(c) for c in quoted) + '"'


def _hcl_number(character: str) -> str:
    code = ord(character)
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"
