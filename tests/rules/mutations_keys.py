"""One fault of a key at a time, and the rules that it breaks."""

from collections.abc import Callable

from recordscan.facts import Json
from recordscan.testing import Case, ago

Spoil = Callable[[Case], object]


def described(**members: Json) -> Spoil:
    def spoil(case: Case) -> None:
        for name, value in members.items():
            case.set("kms:DescribeKey", f"/KeyMetadata/{name}", value)

    return spoil


def rotating(**members: Json) -> Spoil:
    def spoil(case: Case) -> None:
        for name, value in members.items():
            case.set("kms:GetKeyRotationStatus", f"/{name}", value)

    return spoil


def _never_used(case: Case) -> None:
    case.set("kms:GetKeyLastUsage", "/KeyLastUsage", {})


EXPIRING = {"Origin": "EXTERNAL", "ExpirationModel": "KEY_MATERIAL_EXPIRES"}

MUTATIONS: dict[str, tuple[Spoil, set[str]]] = {
    "key of a kind that S3 cannot use": (described(KeySpec="RSA_4096"), {"key-state"}),
    "key rotated every seven years": (rotating(RotationPeriodInDays=2560), {"key-rotation-period"}),
    "key whose rotation is overdue": (rotating(NextRotationDate=ago(days=9)), {"key-rotation-period"}),
    "key rotated every 90 days": (rotating(RotationPeriodInDays=90), set()),
    "imported material that expires next week": (described(ValidTo=ago(days=-7), **EXPIRING), {"key-import-expiry"}),
    "imported material that expires next year": (described(ValidTo=ago(days=-300), **EXPIRING), set()),
    "key in a custom key store": (
        described(Origin="AWS_CLOUDHSM", CustomKeyStoreId="cks-1234567890abcdef0"),
        {"key-store"},
    ),
    "key never used, but objects": (_never_used, {"key-last-use"}),
}
