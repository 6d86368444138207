"""For each rule about the lifetime of keys an estate that breaks it."""

from collections.abc import Callable
from dataclasses import replace

from recordscan.facts import Json
from recordscan.testing import KEY_ARN, PREFIX, Case, ago, sound


def described(**members: Json) -> Case:
    """A sound estate whose key is described otherwise."""
    case = sound()
    for name, value in members.items():
        case.set("kms:DescribeKey", f"/KeyMetadata/{name}", value)
    return case


def imported(**members: Json) -> Case:
    """A sound estate whose key material was imported, and lasts."""
    case = described(**{"Origin": "EXTERNAL", "ExpirationModel": "KEY_MATERIAL_DOES_NOT_EXPIRE", **members})
    case.answer("kms:GetKeyRotationStatus", {"KeyRotationEnabled": False})
    return case


def multi_region() -> Case:
    """A sound estate whose key has a replica in an allowed Region."""
    primary = {"Arn": KEY_ARN, "Region": "eu-west-1"}
    replica = {"Arn": KEY_ARN.replace("eu-west-1", "eu-central-1"), "Region": "eu-central-1"}
    case = described(MultiRegion=True, MultiRegionConfiguration={"PrimaryKey": primary, "ReplicaKeys": [replica]})
    case.profile = replace(case.profile, allowed_regions=("eu-west-1", "eu-central-1"))
    return case


def _replica_elsewhere() -> Case:
    case = multi_region()
    case.profile = replace(case.profile, allowed_regions=("eu-west-1",))
    return case


def _rarely_rotated() -> Case:
    case = sound()
    case.set("kms:GetKeyRotationStatus", "/RotationPeriodInDays", 2560)
    return case


def _idle() -> Case:
    case = sound()
    case.set("kms:GetKeyLastUsage", "/KeyLastUsage", {})
    row = {"Key": f"{PREFIX}RT1.mkv", "Size": 9, "LastModified": ago(days=1)}
    case.set("s3:ListObjectsV2", "/Contents", [row], Prefix=PREFIX)
    return case


FAILING: dict[str, Callable[[], Case]] = {
    "key-import-expiry": lambda: imported(ExpirationModel="KEY_MATERIAL_EXPIRES", ValidTo=ago(days=-3)),
    "key-last-use": _idle,
    "key-multi-region": _replica_elsewhere,
    "key-rotation-period": _rarely_rotated,
    "key-store": lambda: described(Origin="AWS_CLOUDHSM", CustomKeyStoreId="cks-1234567890abcdef0"),
}
SOUND: dict[str, Callable[[], Case]] = {"imported key material": imported, "multi-Region key": multi_region}
