"""What a statement lets somebody do, told by each action that makes up a power."""

import pytest

from recordscan.policy.documents import Statement, load_policy
from recordscan.policy.powers import Power, about_resource, covers, covers_any, powers, powers_in_words

POWERS: dict[str, dict[Power, str]] = {
    "s3": {
        "read": "GetObject GetObjectVersion GetObjectTorrent ListBucket ListBucketVersions ListBucketMultipartUploads",
        "write": "PutObject RestoreObject ReplicateObject",
        "delete": "DeleteObject DeleteObjectVersion DeleteBucket ReplicateDelete",
        "control": (
            "PutBucketPolicy DeleteBucketPolicy PutBucketAcl PutObjectAcl PutObjectVersionAcl "
            "PutBucketOwnershipControls PutBucketPublicAccessBlock PutEncryptionConfiguration "
            "PutLifecycleConfiguration PutBucketVersioning PutReplicationConfiguration BypassGovernanceRetention"
        ),
    },
    "kms": {
        "read": "Decrypt ReEncryptFrom",
        "write": "Encrypt GenerateDataKey GenerateDataKeyWithoutPlaintext ReEncryptTo",
        "delete": "ScheduleKeyDeletion DeleteImportedKeyMaterial",
        "control": "PutKeyPolicy CreateGrant DisableKey",
    },
}


def statement(**elements: object) -> Statement:
    body = {"Effect": "Allow", "Principal": "*", "Resource": "*", **elements}
    [read] = load_policy({"Version": "2012-10-17", "Statement": body}, kind="resource").statements
    return read


@pytest.mark.parametrize(
    ("service", "power", "action"),
    [
        (service, power, action)
        for service, of in POWERS.items()
        for power, actions in of.items()
        for action in actions.split()
    ],
)
def test_one_action_gives_one_power(service: str, power: Power, action: str) -> None:
    alone = statement(Action=f"{service}:{action}")
    assert powers(alone, service) == (power,)
    assert powers(statement(Action=f"{service.upper()}:{action[:-1]}?".replace("S3:", "s3:")), service) == (power,)
    other = "kms" if service == "s3" else "s3"
    assert powers(alone, other) == ()


@pytest.mark.parametrize(
    ("service", "actions", "words"),
    [
        ("s3", "s3:GetObject", "read or list objects"),
        ("s3", "s3:PutObject", "write objects"),
        ("s3", ["s3:GetObject", "s3:DeleteObject"], "read or list objects, and delete"),
        ("s3", "s3:*", "read or list objects, write objects, delete, and change the bucket's settings or permissions"),
        ("s3", "s3:GetBucketLocation", "do some other things"),
        ("kms", "kms:*", "decrypt, encrypt, destroy the key, and control the key"),
        ("kms", "kms:Decrypt", "decrypt"),
        ("kms", "kms:DescribeKey", "do some other things"),
    ],
)
def test_powers_in_words(service: str, actions: object, words: str) -> None:
    assert powers_in_words(statement(Action=actions), service) == words


def test_what_not_action_leaves_out_gives_no_power() -> None:
    rest = statement(NotAction=["s3:Get*", "s3:List*", "s3:Delete*", "s3:ReplicateDelete"])
    assert powers(rest) == ("write", "control")
    assert covers(rest, "s3:PutObject")
    assert not covers(rest, "s3:getobject")
    assert covers_any(rest, ["s3:GetObject", "s3:PutObject"])
    assert not covers_any(rest, ["s3:GetObject", "s3:ListBucket"])


@pytest.mark.parametrize(
    ("elements", "arn", "about"),
    [
        ({"Resource": "arn:aws:s3:::acme/*"}, "arn:aws:s3:::acme/RT0", True),
        ({"Resource": "arn:aws:s3:::acme/*"}, "arn:aws:s3:::acme", False),
        ({"Resource": "arn:aws:s3:::${aws:username}/*"}, "arn:aws:s3:::acme/RT0", False),
        ({"Resource": None, "NotResource": "arn:aws:s3:::acme/*"}, "arn:aws:s3:::acme/RT0", False),
        ({"Resource": None, "NotResource": "arn:aws:s3:::acme/*"}, "arn:aws:s3:::other/RT0", True),
        ({"Resource": None, "NotResource": "arn:aws:s3:::${aws:username}/*"}, "arn:aws:s3:::acme/RT0", True),
    ],
)
def test_whether_a_statement_is_about_a_resource(elements: dict[str, object], arn: str, *, about: bool) -> None:
    given = {name: value for name, value in {"Resource": "*", **elements}.items() if value is not None}
    body = {"Effect": "Allow", "Principal": "*", "Action": "s3:*", **given}
    [read] = load_policy({"Version": "2012-10-17", "Statement": body}, kind="resource").statements
    assert about_resource(read, arn, "2012-10-17") is about
