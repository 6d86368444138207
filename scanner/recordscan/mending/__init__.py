"""For authors of rules: steps that mend a bucket, a key, a user, a trail, an account or a Twilio setting.

A remedy is a generator that yields steps as a rule yields findings. It reads facts with `need()`, and ends with
`by_hand(why)` where a person must act:

    def switch_versioning_on(target: Target) -> Iterator[Step]:
        yield bucket_step(
            bucket_of(target),
            "s3:PutBucketVersioning",
            "keeps versions",
            Order.PREPARE,
            VersioningConfiguration={"Status": "Enabled"},
        )

and is given to its rule: `@rule("bucket-versioning", …, remedy=switch_versioning_on)`. Where no call can ever mend a
fault, the reason stands in its place: `remedy="a person must decide who may read media"`.
"""

from recordscan.mending.accounts import account_step
from recordscan.mending.buckets import WHOLE, bucket_step, edit_acl, edit_bucket_policy, edit_encryption, edit_lifecycle
from recordscan.mending.keys import AS_THE_GUIDE, edit_key_policy, encrypt_with_new_key, key_step, writer_statement
from recordscan.mending.policies import (
    add_statement,
    remove_outside_principals,
    remove_principals,
    remove_statement,
    set_condition,
    spare_missing_header,
    widen,
)
from recordscan.mending.settings import disable_hook, rename_credential, save_setting, save_url
from recordscan.mending.trails import record_management, record_objects, trail_step, update_trail
from recordscan.mending.users import (
    allow_uploads,
    delete_password,
    edit_identity_policy,
    replace_policies,
    upload_document,
    user_step,
    width_warnings,
)

__all__ = [
    "AS_THE_GUIDE",
    "WHOLE",
    "account_step",
    "add_statement",
    "allow_uploads",
    "bucket_step",
    "delete_password",
    "disable_hook",
    "edit_acl",
    "edit_bucket_policy",
    "edit_encryption",
    "edit_identity_policy",
    "edit_key_policy",
    "edit_lifecycle",
    "encrypt_with_new_key",
    "key_step",
    "record_management",
    "record_objects",
    "remove_outside_principals",
    "remove_principals",
    "remove_statement",
    "rename_credential",
    "replace_policies",
    "save_setting",
    "save_url",
    "set_condition",
    "spare_missing_header",
    "trail_step",
    "update_trail",
    "upload_document",
    "user_step",
    "widen",
    "width_warnings",
    "writer_statement",
]
