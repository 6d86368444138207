"""Moto's state: emptying and seeding it, and setting the dates that no API call can set.

Moto keeps one state for the whole process. Every function here imports it when called, because moto comes with the
`[demo]` extra only and takes a while to load.
"""

from datetime import UTC, datetime

ACCOUNT = "123456789012"
"""The account in which moto puts everything."""


def reset(seed: int) -> None:
    """Forget every resource, and make the ids of those that are made from now on depend on the seed alone."""
    from moto.moto_api._internal import mock_random
    from moto.moto_api._internal.models import moto_api_backend

    moto_api_backend.reset()
    mock_random.seed(seed)


def bucket_owner(bucket: str) -> str | None:
    """Account that owns a bucket; None where there is no such bucket."""
    from moto.s3.models import s3_backends

    held = s3_backends.bucket_accounts.get(bucket)
    return None if held is None else str(held[1])


def bucket_region(bucket: str) -> str | None:
    """Region of a bucket; None where there is no such bucket."""
    from moto.s3.models import s3_backends

    held = s3_backends[ACCOUNT]["aws"].buckets.get(bucket)
    return None if held is None else str(held.region_name)


def ignore_policy(bucket: str) -> None:
    """Let a bucket's policy decide no request: moto ignores conditions, so a denial of plain HTTP would hit all."""
    from moto.iam.access_control import PermissionResult
    from moto.s3.models import s3_backends

    def undecided(action: str, resource: str) -> PermissionResult:
        del action, resource
        return PermissionResult.NEUTRAL

    setattr(s3_backends[ACCOUNT]["aws"].buckets[bucket], "get_permission", undecided)  # noqa: B010


def set_bucket_created(bucket: str, when: datetime) -> None:
    """Set the creation date of a bucket."""
    from moto.s3.models import s3_backends

    s3_backends[ACCOUNT]["aws"].buckets[bucket].creation_date = when


def set_object_modified(bucket: str, key: str, when: datetime) -> None:
    """Set the date on which an object was written."""
    from moto.s3.models import s3_backends

    for version in s3_backends[ACCOUNT]["aws"].buckets[bucket].keys.getlist(key):
        version.last_modified = _naive(when)


def retention(bucket: str, key: str) -> tuple[str, str] | None:
    """Mode and end (ISO 8601) of the retention of an object; None where it has none."""
    from moto.s3.models import s3_backends

    held = s3_backends[ACCOUNT]["aws"].buckets.get(bucket)
    found = None if held is None else held.keys.get(key)
    return None if found is None or found.lock_until is None else (str(found.lock_mode), str(found.lock_until))


def set_user_created(user_name: str, when: datetime) -> None:
    """Set the creation date of an IAM user."""
    from moto.iam.models import iam_backends

    iam_backends[ACCOUNT]["aws"].users[user_name].create_date = _naive(when)


def set_policy_created(arn: str, when: datetime) -> None:
    """Set the creation date of a customer managed policy and of all its versions."""
    from moto.iam.models import iam_backends

    policy = iam_backends[ACCOUNT]["aws"].managed_policies[arn]
    policy.create_date = policy.update_date = _naive(when)
    for version in policy.versions:
        version.create_date = _naive(when)


def set_access_key_id(access_key_id: str, wanted: str) -> None:
    """Give an access key a well-known id."""
    from moto.iam.models import iam_backends

    keys = iam_backends[ACCOUNT]["aws"].access_keys
    key = keys.pop(access_key_id)
    key.access_key_id = wanted
    keys[wanted] = key


def set_access_key_created(access_key_id: str, when: datetime) -> None:
    """Set the creation date of an access key."""
    from moto.iam.models import iam_backends

    iam_backends[ACCOUNT]["aws"].access_keys[access_key_id].create_date = _naive(when)


def set_access_key_last_used(access_key_id: str, when: datetime, service: str, region: str) -> None:
    """Set when, for which service and in which Region an access key was last used."""
    from moto.iam.models import AccessKeyLastUsed, iam_backends

    used = AccessKeyLastUsed(timestamp=_naive(when), service=service, region=region)
    iam_backends[ACCOUNT]["aws"].access_keys[access_key_id].last_used = used


def key_created(key_id: str, region: str) -> float | None:
    """Creation date of a KMS key in seconds since 1970; None where there is no such key in that Region."""
    from moto.kms.models import kms_backends

    key = kms_backends[ACCOUNT][region].keys.get(key_id)
    return None if key is None else float(key.creation_date)


def set_key_dates(key_id: str, region: str, *, created: datetime, deletion: datetime | None = None) -> None:
    """Set the creation date of a KMS key and, for one that waits for its deletion, the date of that."""
    from moto.kms.models import kms_backends

    key = kms_backends[ACCOUNT][region].keys[key_id]
    key.creation_date = created.timestamp()
    if deletion is not None:
        key.deletion_date = _naive(deletion)


def switch_key(operation: str, arn: str, region: str) -> bool:
    """Enable, disable or keep a KMS key by its ARN, of which moto knows only the id; whether there is such a key."""
    from moto.kms.models import kms_backends

    backend, key_id = kms_backends[ACCOUNT][region], arn.rpartition("/")[2]
    if key_id not in backend.keys:
        return False
    {
        "kms:EnableKey": backend.enable_key,
        "kms:DisableKey": backend.disable_key,
        "kms:CancelKeyDeletion": backend.cancel_key_deletion,
    }[operation](key_id)
    return True


def set_trail_started(name: str, region: str, when: datetime) -> None:
    """Set when a trail began to log."""
    from moto.cloudtrail.models import cloudtrail_backends

    cloudtrail_backends[ACCOUNT][region].trails[name].status.started = _naive(when)


def _naive(when: datetime) -> datetime:
    """A moment as moto keeps most of them: in UTC, without saying so."""
    return when.astimezone(UTC).replace(tzinfo=None)
