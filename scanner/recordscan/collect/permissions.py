"""The scanner's own least-privilege permissions, computed from the call tables."""

from collections import defaultdict
from typing import Any

from recordscan.collect import kms
from recordscan.collect.session import CALLS
from recordscan.collect.twilio_client import RESOURCES

_ACCOUNT_SCOPE_ONLY = (kms.LIST_KEYS,)


def aws_calls(scope: str) -> dict[str, list[str]]:
    """IAM actions that a scan needs, each with what it is for, sorted."""
    purposes: dict[str, list[str]] = defaultdict(list)
    for call in CALLS:
        if call.permission is not None and (scope == "account" or call not in _ACCOUNT_SCOPE_ONLY):
            purposes[call.permission].append(f"{call.operation.partition(':')[2]}: {call.purpose}")
    return dict(sorted(purposes.items()))


def aws_policy(scope: str) -> dict[str, Any]:
    """The IAM policy that grants exactly these reads, as a policy document.

    Buckets, keys and users are known only after Twilio was asked, so the resource is every one of the account. Nothing
    in it reads an object or decrypts.
    """
    statement = {"Sid": "RecordscanReads", "Effect": "Allow", "Action": list(aws_calls(scope)), "Resource": "*"}
    return {"Version": "2012-10-17", "Statement": [statement]}


def twilio_permissions() -> dict[str, str | None]:
    """Permission of a restricted Twilio API key for each operation; None where only a standard key will do."""
    return {resource.operation: resource.permission for resource in RESOURCES}
