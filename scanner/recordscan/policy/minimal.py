"""Proof, by the evaluator, that a policy for a writer allows uploads and nothing beside them."""

from collections.abc import Iterator

from recordscan.facts import Json, Known
from recordscan.policy.authorize import Layers, decide
from recordscan.policy.documents import load_policy
from recordscan.policy.request import Request, Requester
from recordscan.policy.rows import Policy
from recordscan.policy.template import NEEDED_KEY_ACTIONS, Place, delegation

_ACCOUNT = "111122223333"
"""Stands for the account where no key says which it is: no part of the policy names it."""


def objections(policy: dict[str, Json], place: Place) -> tuple[str, ...]:
    """What a policy allows beside uploads to a place, or fails to allow for them, one sentence each; () for nothing.

    Asked are an upload under the prefix and uploads beside it, reading and deleting, and the key and another. The key
    is taken to have the key policy that delegates to its account, as KMS makes it.
    """
    document = load_policy(policy, kind="identity")
    if document.defects:
        return tuple(f"it is not sound: {defect.message}" for defect in document.defects)
    identity = Known((Policy("policy", document),))
    found = []
    for action, resource, wanted in _questions(place):
        account = resource.split(":")[4] or _ACCOUNT
        requester = Requester(kind="user", arn=f"arn:{place.partition}:iam::{account}:user/twilio", account=account)
        key_policy = Policy("key policy", delegation(account)) if action.startswith("kms:") else None
        layers = Layers(identity=identity, resource=Known(key_policy))
        request = Request(requester=requester, action=action, resource=resource, resource_account=account)
        if decide(request, layers).allowed is not wanted:
            found.append(f"it {'does not allow' if wanted else 'allows'} {action} on {resource}")
    return tuple(found)


def _questions(place: Place) -> Iterator[tuple[str, str, bool]]:
    """Action, resource, and whether that is to be allowed."""
    inside = f"{place.bucket_arn}/{place.prefix}RT0"
    yield "s3:PutObject", inside, True
    for beside in _beside(place.prefix):
        yield "s3:PutObject", f"{place.bucket_arn}/{beside}", False
    yield "s3:PutObject", f"{place.bucket_arn}-2/{place.prefix}RT0", False
    for action in ("s3:GetObject", "s3:DeleteObject", "s3:PutObjectAcl", "s3:AbortMultipartUpload"):
        yield action, inside, False
    for action in ("s3:ListBucket", "s3:PutBucketPolicy"):
        yield action, place.bucket_arn, False
    if place.key_arn is not None:
        for action in NEEDED_KEY_ACTIONS:
            yield action, place.key_arn, True
            yield action, place.key_arn + "0", False
        for action in ("kms:PutKeyPolicy", "kms:CreateGrant", "kms:ScheduleKeyDeletion"):
            yield action, place.key_arn, False


def _beside(prefix: str) -> Iterator[str]:
    """Keys close to a prefix, but not under it: cut short, changed at its end, and with its wildcards replaced."""
    if prefix:
        yield prefix[:-1]
        yield prefix[:-1] + ("y" if prefix[-1] == "x" else "x") + "RT0"
    for wildcard in "*?":
        if wildcard in prefix:
            yield prefix.replace(wildcard, "x") + "RT0"
