"""How long it takes to find out who can do what to a target, by number of principals.

    .venv/bin/python benchmarks/reach.py [PRINCIPALS]

The account is made up, with policies of the kinds and sizes that AWS manages: an administrator, a reader of everything
with some 1,000 action patterns, readers of S3, denials with conditions, and a policy of each principal's own.
"""

import resource
import sys
import time
from collections import Counter
from typing import Any

import policyuniverse

from recordscan.facts import Known
from recordscan.testing import AWS_ACCOUNT, BUCKET, Case, role_details, sound


def statement(action: Any, resource: Any = "*", effect: str = "Allow", **more: Any) -> dict[str, Any]:
    """One statement."""
    return {"Effect": effect, "Action": action, "Resource": resource, **more}


def policy(*statements: dict[str, Any]) -> dict[str, Any]:
    """A policy of these statements."""
    return {"Version": "2012-10-17", "Statement": list(statements)}


def read_only_access() -> dict[str, Any]:
    """A policy that reads of every service, as long as AWS's own."""
    prefixes = sorted({service["prefix"] for service in policyuniverse.service_data.values()})
    return policy(statement([f"{prefix}:{verb}*" for prefix in prefixes for verb in ("Describe", "Get", "List")]))


MANAGED = {
    "AdministratorAccess": policy(statement("*")),
    "ReadOnlyAccess": read_only_access(),
    "AmazonS3ReadOnlyAccess": policy(statement(["s3:Get*", "s3:List*", "s3:Describe*", "s3-object-lambda:Get*"])),
    "AWSLambdaBasicExecutionRole": policy(statement(["logs:CreateLogGroup", "logs:PutLogEvents"])),
    "PowerUserAccess": policy(
        {"Effect": "Allow", "NotAction": ["iam:*", "organizations:*", "account:*"], "Resource": "*"}
    ),
    "DenyWithoutMfa": policy(
        statement("s3:Delete*", effect="Deny", Condition={"BoolIfExists": {"aws:MultiFactorAuthPresent": "false"}})
    ),
}
CARRIED = (
    ["AWSLambdaBasicExecutionRole"],
    ["AWSLambdaBasicExecutionRole"],
    ["AWSLambdaBasicExecutionRole", "AmazonS3ReadOnlyAccess"],
    ["ReadOnlyAccess"],
    ["PowerUserAccess", "DenyWithoutMfa"],
    ["AdministratorAccess"],
)


def company(principals: int) -> Case:
    """A sound estate with many roles more."""
    case = sound()
    details = case.find("iam:GetAccountAuthorizationDetails")
    for number in range(principals):
        own = policy(
            statement(["dynamodb:GetItem", "sqs:SendMessage"], f"arn:aws:sqs:*:{AWS_ACCOUNT}:queue-{number}"),
            statement("s3:GetObject", f"arn:aws:s3:::{BUCKET}/video/team-{number}/*"),
        )
        attached = [
            {"PolicyName": name, "PolicyArn": f"arn:aws:iam::aws:policy/{name}"}
            for name in CARRIED[number % len(CARRIED)]
        ]
        details["RoleDetailList"].append(role_details(f"role-{number}", own, AttachedManagedPolicies=attached))
    details["Policies"] = [
        {
            "Arn": f"arn:aws:iam::aws:policy/{name}",
            "PolicyName": name,
            "PolicyVersionList": [{"IsDefaultVersion": True, "Document": document}],
        }
        for name, document in MANAGED.items()
    ]
    case.answer("iam:GetAccountAuthorizationDetails", details)
    return case


def main(principals: int) -> None:
    """Measure, and print what was found."""
    target = company(principals).estate().targets[0]
    start = time.perf_counter()
    read = target.principals
    middle = time.perf_counter()
    reach = target.reach
    end = time.perf_counter()
    if not isinstance(read, Known) or not isinstance(reach, Known):
        raise SystemExit(f"nothing was found out: {read} {reach}")
    counts = Counter((line.ability, line.certain) for line in reach.value)
    print(f"{len(read.value):,} principals: read in {middle - start:.2f} s, reach found in {end - middle:.2f} s")
    print(f"memory at most {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MiB")
    for (ability, certain), number in sorted(counts.items()):
        print(f"  {ability:8} {'surely' if certain else 'if':7} {number:6,}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1000)
