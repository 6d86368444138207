"""Steps about IAM users: the policies of the user that Twilio writes as, and its credentials."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import replace

from recordscan.estate.key import key_region
from recordscan.estate.principal import AttachedPolicy
from recordscan.estate.target import Target, bucket_of, writer_of
from recordscan.estate.user import IamUser
from recordscan.facts import Json, need
from recordscan.mending.buckets import WHOLE, edit_bucket_policy
from recordscan.mending.policies import policy_text, remove_principals
from recordscan.policy.minimal import objections
from recordscan.policy.template import minimal_policy
from recordscan.profile import Profile
from recordscan.remedy import Document, Edit, Order, Step, by_hand

UPLOADS = "twilio-recordings"
"""Name of the inline policy that allows uploads, as `recordscan policy minimal` has it."""


def user_step(user: IamUser, operation: str, does: str, order: Order, *warnings: str, **parameters: Json) -> Step:
    """A step about an IAM user; `does` is a clause without subject and without the user, which is appended."""
    return Step(
        operation=operation,
        does=f"{does}: user {user.user_name}",
        order=order,
        account=user.account,
        region=None,
        parameters={"UserName": user.user_name, **parameters},
        warnings=warnings,
    )


def upload_document(target: Target, profile: Profile) -> dict[str, Json]:
    """The policy of a writer who does nothing but upload, for all places that it writes to.

    Raises:
        Missing: The bucket, its key or the places are not known.
    """
    bucket, key = bucket_of(target), need(target.key)
    region = need(bucket.region)
    # A key that S3 cannot use will be replaced; whoever makes the new one lets the user use it.
    unusable = key is not None and (key_region(key.reference, region) != region or not need(key.exists))
    statements: list[dict[str, Json]] = []
    for place in sorted(set(need(target.writer_places)), key=lambda place: (place.bucket_arn, place.prefix)):
        if unusable and place.bucket_arn == bucket.arn:
            place = replace(place, key_arn=None)
        wrong = objections(minimal_policy(place), place)
        if wrong:
            by_hand(f"the least policy for {place.objects} was tried and is wrong: {wrong[0]}")
        for statement in minimal_policy(place, full_template=True)["Statement"]:
            if statement["Sid"] == "UploadRecordings":
                statement = {**statement, "Action": [*statement["Action"], *profile.writer_actions]}
            bare = [{**other, "Sid": statement["Sid"]} for other in statements]
            if statement not in bare:
                number = len([other for other in statements if other["Sid"].startswith(statement["Sid"])])
                statements.append({**statement, "Sid": f"{statement['Sid']}{number + 1 if number else ''}"})
    return {"Version": "2012-10-17", "Statement": statements}


def width_warnings(target: Target) -> tuple[str, ...]:
    """What a policy for the places of a writer covers besides, where the URL does not end in a slash; () where it does.

    Raises:
        Missing: The places are not known.
    """
    prefixes = sorted({place.prefix for place in need(target.writer_places) if place.prefix})
    return tuple(
        f"It covers every key that begins with {prefix!r}: when the URL ends in a slash, scan again, and narrow it."
        for prefix in prefixes
        if not prefix.endswith("/")
    )


def allow_uploads(target: Target, profile: Profile) -> Step:
    """Gives the writer an inline policy that allows uploads, beside those that it has."""
    user = writer_of(target)
    taken = {attached.name for attached in need(user.principal.policies) if attached.arn is None}
    name = next(name for name in (UPLOADS, *(f"{UPLOADS}-{n}" for n in range(2, 99))) if name not in taken)
    return user_step(
        user,
        "iam:PutUserPolicy",
        "lets it upload under the prefix, and nothing else",
        Order.GRANT,
        "When another URL is saved at Twilio, the policy must follow, or uploads fail.",
        *width_warnings(target),
        PolicyName=name,
        PolicyDocument=json.dumps(upload_document(target, profile)),
    )


def replace_policies(target: Target, profile: Profile) -> Iterator[Step]:
    """Lets the writer upload, then takes its other policies, its groups and its part in the bucket policy from it."""
    user, bucket = writer_of(target), bucket_of(target)
    yield allow_uploads(target, profile)
    warning = "Whatever else uses this user's access keys loses what this policy gave it."
    for attached in need(user.principal.policies):
        if attached.group is None:
            yield _taken(user, attached, warning)
    for group in need(user.principal.groups):
        yield user_step(
            user,
            "iam:RemoveUserFromGroup",
            f"leaves the group {group} and its policies",
            Order.REMOVE,
            warning,
            GroupName=group,
        )
    policy = need(bucket.policy)
    named = [
        edit
        for statement in (() if policy is None else policy.statements)
        if statement.effect == "Allow" and any(p.value == user.arn for p in statement.principals or ())
        for edit in remove_principals(statement, {user.arn})
    ]
    if named:
        yield edit_bucket_policy(bucket, named, "grants its writer nothing beside its own policy", Order.REMOVE)


def edit_identity_policy(
    user: IamUser, attached: AttachedPolicy, edits: Iterable[Edit], does: str, order: Order
) -> Step:
    """Changes statements of a policy of the user or of one of its groups, and leaves the others as they are."""
    what = f"the policy {attached.name}"
    document = Document(
        parameter="PolicyDocument",
        as_text=True,
        current=policy_text(attached.policy.document, what),
        edits=tuple(edits),
    )
    step = user_step(user, "iam:PutUserPolicy", does, order, WHOLE.format(what=what), PolicyName=attached.name)
    if attached.arn is not None:
        parameters = {"PolicyArn": attached.arn, "SetAsDefault": True}
        full = "A policy has at most five versions: delete the oldest one first where it has them."
        warnings = (*step.warnings, full, "It changes the policy for all that have it.")
        return replace(
            step, operation="iam:CreatePolicyVersion", parameters=parameters, document=document, warnings=warnings
        )
    if attached.group is None:
        return replace(step, document=document)
    parameters = {"GroupName": attached.group, "PolicyName": attached.name}
    return replace(step, operation="iam:PutGroupPolicy", parameters=parameters, document=document)


def delete_password(target: Target) -> Iterator[Step]:
    """Deletes the console password."""
    yield user_step(
        writer_of(target),
        "iam:DeleteLoginProfile",
        "deletes the console password",
        Order.REMOVE,
        "A person who signs in as this user is locked out: give them a role of their own first.",
    )


def _taken(user: IamUser, attached: AttachedPolicy, warning: str) -> Step:
    if attached.arn is None:
        does = f"deletes the inline policy {attached.name}"
        return user_step(user, "iam:DeleteUserPolicy", does, Order.REMOVE, warning, PolicyName=attached.name)
    does = f"detaches the policy {attached.name}"
    return user_step(user, "iam:DetachUserPolicy", does, Order.REMOVE, warning, PolicyArn=attached.arn)
