"""How long it takes to judge the stored answers about a whole AWS account, by number of buckets.

    .venv/bin/python benchmarks/account.py [BUCKETS...]

Each bucket is in good order. One role of the account administers everything, and every tenth of the others can read
one bucket. Shown are the number of checks, the seconds for all of them and the table of access, what that is for each
bucket, and the peak of memory.
"""

import resource
import sys
import time
from dataclasses import replace

from recordscan.engine import assess_snapshot
from recordscan.observation import Observation
from recordscan.plugins import load_rules
from recordscan.snapshot import Snapshot
from recordscan.testing import AWS_ACCOUNT, BUCKET, REGION, role_details, sound

PRINCIPALS = 50


def account(buckets: int) -> Snapshot:
    """The answers about a sound estate in account scope with many buckets more, each like the target's own."""
    case = sound()
    case.scope = replace(case.scope, whole_account=True)
    own = [o for o in case.snapshot().observations if o.request.get("Bucket") == BUCKET]
    listed = [{"Name": BUCKET}]
    more: list[Observation] = []
    for number in range(buckets):
        name = f"acme-data-{number}"
        listed.append({"Name": name})
        for observation in own:
            text = repr(observation.answer).replace(BUCKET, name)
            request = {**observation.request, "Bucket": name}
            if "Prefix" in request:
                request["Prefix"] = ""
            more.append(replace(observation, answer=eval(text), request=request))  # noqa: S307
    case.answer("s3:ListBuckets", {"Buckets": listed})
    case.add("kms:ListKeys", {"Keys": []}, region=REGION)
    details = case.find("iam:GetAccountAuthorizationDetails")
    for number in range(PRINCIPALS):
        resource_ = f"arn:aws:s3:::acme-data-{number}/*" if number % 10 == 0 else "arn:aws:s3:::artifacts/*"
        statement = {"Effect": "Allow", "Action": ["s3:GetObject", "s3:ListBucket"], "Resource": resource_}
        document = {"Version": "2012-10-17", "Statement": [statement]}
        details["RoleDetailList"].append(role_details(f"role-{number}", document))
    everything = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
    details["RoleDetailList"].append(role_details("administrator", everything))
    case.answer("iam:GetAccountAuthorizationDetails", details)
    snapshot = case.snapshot()
    observations = sorted((*snapshot.observations, *more), key=lambda observation: observation.key)
    return replace(snapshot, observations=tuple(observations))


def main(sizes: list[int]) -> None:
    """Measure each size, the smallest first."""
    rules = load_rules()
    print(f"{len(rules)} rules, {PRINCIPALS + 2} roles, account {AWS_ACCOUNT}")
    print(f"{'buckets':>8} {'checks':>8} {'seconds':>8} {'ms/bucket':>10} {'peak MB':>8}")
    for size in sizes:
        snapshot = account(size)
        begun = time.perf_counter()
        result = assess_snapshot(snapshot, rules, fail_on=None)
        took = time.perf_counter() - begun
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(f"{size:>8} {len(result.assessments):>8} {took:>8.1f} {1000 * took / size:>10.1f} {peak:>8.0f}")


if __name__ == "__main__":
    main([int(text) for text in sys.argv[1:]] or [100, 300, 1000])
