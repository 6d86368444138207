"""The scanner's own least-privilege permissions, computed from the call tables."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from recordscan.collect import kms, organizations, s3
from recordscan.collect.session import CALLS
from recordscan.collect.twilio_client import RESOURCES

_ACCOUNT_SCOPE_ONLY = (kms.LIST_KEYS,)


def aws_calls(scope: str, *, sample: bool = False, organization: bool = False) -> dict[str, list[str]]:
    """IAM actions that a scan needs, each with what it is for, sorted.

    Args:
        scope: `targets` or `account`.
        sample: The scan looks at a sample of the objects. S3 allows HeadObject by the action that allows to read them.
        organization: The scan finds the accounts of an organization.
    """
    left_out = (() if scope == "account" else _ACCOUNT_SCOPE_ONLY) + (() if sample else s3.SAMPLE_READS)
    left_out += () if organization else organizations.MEMBERS
    purposes: dict[str, list[str]] = defaultdict(list)
    for call in CALLS:
        if call.permission is not None and call not in left_out:
            purposes[call.permission].append(f"{call.operation.partition(':')[2]}: {call.purpose}")
    return dict(sorted(purposes.items()))


def aws_policy(
    scope: str, *, sample: bool = False, organization: bool = False, roles: Sequence[str] = ()
) -> dict[str, Any]:
    """The IAM policy that grants exactly these reads, as a policy document.

    Buckets, keys and users are known only after Twilio was asked, so the resource is every one of the account. Nothing
    in it decrypts, and nothing reads an object, but for `sample`.

    Args:
        scope: See `aws_calls`.
        sample: See `aws_calls`.
        organization: See `aws_calls`.
        roles: ARNs of the roles that are taken on in further accounts.
    """
    actions = list(aws_calls(scope, sample=sample, organization=organization))
    statements = [{"Sid": "RecordscanReads", "Effect": "Allow", "Action": actions, "Resource": "*"}]
    if roles:
        taken_on = {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": list(roles)}
        statements.append({"Sid": "RecordscanEntersAccounts", **taken_on})
    return {"Version": "2012-10-17", "Statement": statements}


def twilio_permissions() -> dict[str, str | None]:
    """Permission of a restricted Twilio API key for each operation; None where only a standard key will do."""
    return {resource.operation: resource.permission for resource in RESOURCES}
