"""The reads of KMS: https://docs.aws.amazon.com/kms/latest/APIReference/API_Operations.html."""

from recordscan.collect.call import Call, Pages


def _key(api: str, method: str, purpose: str, *, requires: str, absent: str = "", paged: bool = False) -> Call:
    return Call(
        operation=f"kms:{api}",
        service="kms",
        method=method,
        permission=f"kms:{api}",
        purpose=purpose,
        absent=frozenset(absent.split()),
        pages=Pages(send="Marker", receive="NextMarker", members=(requires,)) if paged else None,
        regional=True,
        requires=(requires,),
    )


DESCRIBE_KEY = _key(
    "DescribeKey",
    "describe_key",
    "Region, state, manager and kind of the key",
    requires="KeyMetadata",
    absent="NotFoundException",
)

KEY_READS = (
    _key(
        "GetKeyRotationStatus",
        "get_key_rotation_status",
        "automatic rotation",
        requires="KeyRotationEnabled",
        absent="UnsupportedOperationException",  # a key of a kind that cannot rotate
    ),
    _key("ListGrants", "list_grants", "grants", requires="Grants", paged=True),
    _key("ListAliases", "list_aliases", "aliases", requires="Aliases", paged=True),
    _key(
        "ListKeyRotations",
        "list_key_rotations",
        "past rotations",
        requires="Rotations",
        absent="UnsupportedOperationException",
        paged=True,
    ),
    _key("GetKeyLastUsage", "get_key_last_usage", "when the key was last used", requires="KeyId"),
)
"""Asked with KeyId."""

KEY_POLICY = _key("GetKeyPolicy", "get_key_policy", "key policy; asked with PolicyName=default", requires="Policy")

LIST_KEYS = _key("ListKeys", "list_keys", "keys of the account, in account scope", requires="Keys", paged=True)

CALLS = (DESCRIBE_KEY, KEY_POLICY, *KEY_READS, LIST_KEYS)
