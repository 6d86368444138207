"""The reads of KMS: https://docs.aws.amazon.com/kms/latest/APIReference/API_Operations.html."""

from recordscan.collect.call import Call, Pages


def _key(api: str, method: str, purpose: str, absent: str = "", member: str = "") -> Call:
    return Call(
        operation=f"kms:{api}",
        service="kms",
        method=method,
        permission=f"kms:{api}",
        purpose=purpose,
        absent=frozenset(absent.split()),
        pages=Pages(send="Marker", receive="NextMarker", members=(member,)) if member else None,
        regional=True,
    )


DESCRIBE_KEY = _key("DescribeKey", "describe_key", "Region, state, manager and kind of the key", "NotFoundException")

KEY_READS = (
    _key(
        "GetKeyRotationStatus",
        "get_key_rotation_status",
        "automatic rotation",
        "UnsupportedOperationException",  # a key of a kind that cannot rotate
    ),
    _key("ListGrants", "list_grants", "grants", member="Grants"),
    _key("ListAliases", "list_aliases", "aliases", member="Aliases"),
    _key("ListKeyRotations", "list_key_rotations", "past rotations", "UnsupportedOperationException", "Rotations"),
    _key("GetKeyLastUsage", "get_key_last_usage", "when the key was last used"),
)
"""Asked with KeyId."""

KEY_POLICY = _key("GetKeyPolicy", "get_key_policy", "key policy; asked with PolicyName=default")

LIST_KEYS = _key("ListKeys", "list_keys", "keys of the account, in account scope", member="Keys")

CALLS = (DESCRIBE_KEY, KEY_POLICY, *KEY_READS, LIST_KEYS)
