"""Steps about a bucket. All name its owner, so that a bucket of the same name in other hands is never changed."""

from collections.abc import Iterable

from recordscan.estate.answers import mapping
from recordscan.estate.bucket import PUBLIC_GROUPS, Bucket
from recordscan.facts import Json, need, pluck
from recordscan.mending.policies import policy_text
from recordscan.remedy import Document, Edit, Order, Step, by_hand

WHOLE = "It replaces {what} as a whole: if that was changed since the scan, scan again first."


def bucket_step(
    bucket: Bucket,
    operation: str,
    does: str,
    order: Order,
    *warnings: str,
    document: Document | None = None,
    **parameters: Json,
) -> Step:
    """A step about a bucket.

    Args:
        bucket: The bucket.
        operation: Such as `s3:PutBucketVersioning`.
        does: A clause without subject and without the bucket's name, which is appended.
        order: When it is safe.
        warnings: What it breaks if it is taken blindly.
        document: The document that it replaces.
        parameters: Those of boto3, beside `Bucket` and `ExpectedBucketOwner`.

    Raises:
        Missing: Nobody knows whose the bucket is.
    """
    owner = need(bucket.owner)
    return Step(
        operation=operation,
        does=f"{does}: bucket {bucket.name}",
        order=order,
        account=owner,
        region=need(bucket.region),
        parameters={"Bucket": bucket.name, "ExpectedBucketOwner": owner, **parameters},
        warnings=warnings,
        document=document,
    )


def edit_bucket_policy(bucket: Bucket, edits: Iterable[Edit], does: str, order: Order, *warnings: str) -> Step:
    """Changes statements of the bucket policy, and leaves the others as they are."""
    document = Document(
        parameter="Policy",
        as_text=True,
        current=policy_text(need(bucket.policy), "the bucket policy"),
        edits=tuple(edits),
    )
    warnings = (*warnings, WHOLE.format(what="the bucket policy"))
    return bucket_step(bucket, "s3:PutBucketPolicy", does, order, *warnings, document=document)


def edit_lifecycle(bucket: Bucket, edits: Iterable[Edit], does: str, order: Order, *warnings: str) -> Step:
    """Changes lifecycle rules, and leaves the others as they are."""
    answer = bucket.answer("s3:GetBucketLifecycleConfiguration")
    rules = need(pluck(answer, "Rules")) or []
    # Left out, it would be set back to its default, and change what becomes of small objects.
    smallest = need(pluck(answer, "TransitionDefaultMinimumObjectSize"))
    parameters = {} if smallest is None else {"TransitionDefaultMinimumObjectSize": smallest}
    return bucket_step(
        bucket,
        "s3:PutBucketLifecycleConfiguration",
        does,
        order,
        *warnings,
        WHOLE.format(what="the lifecycle configuration"),
        document=Document(
            parameter="LifecycleConfiguration", as_text=False, current={"Rules": rules}, edits=tuple(edits)
        ),
        **parameters,
    )


def edit_encryption(bucket: Bucket, edits: Iterable[Edit], does: str, order: Order, *warnings: str) -> Step:
    """Changes the default encryption; its one rule is `/Rules/0`."""
    answer = need(pluck(bucket.answer("s3:GetBucketEncryption"), "ServerSideEncryptionConfiguration"))
    # Every bucket has had this since 2023, whether the answer says so or not.
    current = answer or {"Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]}
    return bucket_step(
        bucket,
        "s3:PutBucketEncryption",
        does,
        order,
        *warnings,
        WHOLE.format(what="the default encryption"),
        document=Document(
            parameter="ServerSideEncryptionConfiguration", as_text=False, current=current, edits=tuple(edits)
        ),
    )


def edit_acl(bucket: Bucket, does: str, order: Order, *warnings: str) -> Step | None:
    """Takes every grant to the public out of the bucket's ACL; None where it has none.

    Raises:
        ByHand: The ACL has a grantee that cannot be put back as it stands.
    """
    answer = mapping(bucket.answer("s3:GetBucketAcl"))
    edits, grants = [], []
    for i, grant in enumerate(answer.get("Grants") or []):
        grantee = grant["Grantee"]
        if grantee.get("URI") in PUBLIC_GROUPS:
            edits.append(Edit(action="remove", path=f"/Grants/{i}"))
        if not (grantee.get("URI") or grantee.get("ID")):
            by_hand(f"the ACL of the bucket {bucket.name} has a grantee that is neither a group nor a canonical user")
        # Only what a request may hold of what an answer has.
        kind = {"Type": "Group", "URI": grantee["URI"]} if grantee.get("URI") else None
        kind = kind or {"Type": "CanonicalUser", "ID": grantee["ID"]}
        grants.append({"Grantee": kind, "Permission": grant["Permission"]})
    if not edits:
        return None
    if len(edits) == len(grants):
        by_hand(f"the ACL of the bucket {bucket.name} grants nothing to its owner, which a person must mend first")
    current = {"Owner": {"ID": answer["Owner"]["ID"]}, "Grants": grants}
    document = Document(parameter="AccessControlPolicy", as_text=False, current=current, edits=tuple(edits))
    warnings = (*warnings, WHOLE.format(what="the ACL"))
    return bucket_step(bucket, "s3:PutBucketAcl", does, order, *warnings, document=document)
