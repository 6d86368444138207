"""What the access control list of a bucket gives to others, where access control lists count at all.

An ACL gives to groups of S3 and to accounts by canonical user id. Lists of single objects are not read.

Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/acl-overview.html
"""

from collections.abc import Iterator
from typing import Literal, NamedTuple

from recordscan.estate.askers import Asker, by_canonical_id, strangers
from recordscan.estate.bucket import PUBLIC_GROUPS, Bucket
from recordscan.facts import need

AclAbility = Literal["list", "write", "delete", "change"]

_GIVES: dict[str, tuple[tuple[AclAbility, str], ...]] = {
    "READ": (("list", "s3:ListBucket"),),
    "WRITE": (("write", "s3:PutObject"), ("delete", "s3:DeleteObject")),
    "WRITE_ACP": (("change", "s3:PutBucketAcl"),),
}
_GIVES["FULL_CONTROL"] = (*_GIVES["READ"], *_GIVES["WRITE"], *_GIVES["WRITE_ACP"])


class AclGrant(NamedTuple):
    """One thing that the list lets somebody do.

    Attributes:
        asker: Who; as whom denials of policies are looked for.
        ability: What.
        action: Of the ability.
        why: In words.
    """

    asker: Asker
    ability: AclAbility
    action: str
    why: str


def acl_grants(bucket: Bucket) -> Iterator[AclGrant]:
    """What others than the bucket's owner may do by its ACL; nothing where ACLs are off.

    Raises:
        Missing: Whether ACLs count, or the list, could not be read.
    """
    if need(bucket.object_ownership) == "BucketOwnerEnforced":
        return
    for grant in need(bucket.grants):
        if grant.grantee == need(bucket.canonical_owner) or not _GIVES.get(grant.permission):
            continue
        if grant.grantee in PUBLIC_GROUPS and need(bucket.effective("IgnorePublicAcls")):
            continue
        for ability, action in _GIVES[grant.permission]:
            yield AclGrant(_asker(grant.grantee), ability, action, f"the bucket's ACL gives {grant.permission}")


def _asker(grantee: str) -> Asker:
    anonymous, elsewhere = strangers()
    if grantee in PUBLIC_GROUPS:
        return anonymous if grantee.endswith("/AllUsers") else elsewhere
    return by_canonical_id(grantee, "group" if "/groups/" in grantee else "canonical user")
