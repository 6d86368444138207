"""Powers: what a statement lets somebody do, told by the actions that it covers and not by how they are written.

`s3:Get*` gives no power to write and `s3:P*` does, so patterns are held against the actions that make up each power.
"""

from collections.abc import Iterable, Mapping
from typing import Literal, TypeAlias

from recordscan.policy.documents import Statement
from recordscan.policy.matching import names_action, names_resource
from recordscan.policy.request import Context

Power: TypeAlias = Literal["read", "write", "delete", "control"]

_POWERS: Mapping[str, Mapping[Power, tuple[str, ...]]] = {
    "s3": {
        "read": (
            "s3:GetObject",
            "s3:GetObjectVersion",
            "s3:GetObjectTorrent",
            "s3:ListBucket",
            "s3:ListBucketVersions",
            "s3:ListBucketMultipartUploads",
        ),
        "write": ("s3:PutObject", "s3:RestoreObject", "s3:ReplicateObject"),
        "delete": ("s3:DeleteObject", "s3:DeleteObjectVersion", "s3:DeleteBucket", "s3:ReplicateDelete"),
        "control": (
            "s3:PutBucketPolicy",
            "s3:DeleteBucketPolicy",
            "s3:PutBucketAcl",
            "s3:PutObjectAcl",
            "s3:PutObjectVersionAcl",
            "s3:PutBucketOwnershipControls",
            "s3:PutBucketPublicAccessBlock",
            "s3:PutEncryptionConfiguration",
            "s3:PutLifecycleConfiguration",
            "s3:PutBucketVersioning",
            "s3:PutReplicationConfiguration",
            "s3:BypassGovernanceRetention",
        ),
    },
    "kms": {
        "read": ("kms:Decrypt", "kms:ReEncryptFrom"),
        "write": ("kms:Encrypt", "kms:GenerateDataKey", "kms:GenerateDataKeyWithoutPlaintext", "kms:ReEncryptTo"),
        "delete": ("kms:ScheduleKeyDeletion", "kms:DeleteImportedKeyMaterial"),
        "control": ("kms:PutKeyPolicy", "kms:CreateGrant", "kms:DisableKey"),
    },
}

_VERBS: Mapping[str, Mapping[Power, str]] = {
    "s3": {
        "read": "read or list objects",
        "write": "write objects",
        "delete": "delete",
        "control": "change the bucket's settings or permissions",
    },
    "kms": {"read": "decrypt", "write": "encrypt", "delete": "destroy the key", "control": "control the key"},
}


def covers(statement: Statement, action: str) -> bool:
    """Whether a statement is about an action."""
    if statement.actions is not None:
        return names_action(statement.actions, action.lower())
    return not names_action(statement.not_actions or (), action.lower())


def covers_any(statement: Statement, actions: Iterable[str]) -> bool:
    """Whether a statement is about one of the actions."""
    return any(covers(statement, action) for action in actions)


def about_resource(statement: Statement, arn: str, version: str) -> bool:
    """Whether a statement is about a resource, whoever asks; a variable within matches nothing.

    Args:
        statement: The statement.
        arn: Of the resource.
        version: Of the policy.
    """
    service = arn.split(":", 3)[2]
    if statement.resources is not None:
        return names_resource(statement.resources, arn, Context(), version, service) is True
    return names_resource(statement.not_resources or (), arn, Context(), version, service) is False


def powers(statement: Statement, service: str = "s3") -> tuple[Power, ...]:
    """The powers that the actions of a statement give; () where they give none of these."""
    return tuple(power for power, actions in _POWERS[service].items() if covers_any(statement, actions))


def powers_in_words(statement: Statement, service: str = "s3") -> str:
    """The same for people, such as `read or list objects, and delete`."""
    words = [_VERBS[service][power] for power in powers(statement, service)]
    if not words:
        return "do some other things"
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])}, and {words[-1]}"
