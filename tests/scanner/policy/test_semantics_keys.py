"""Who may use a KMS key: key policy, identity and grants."""

import re
from collections.abc import Mapping
from typing import Any

import pytest
from botocore.session import get_session

from recordscan.policy.request import Context
from recordscan.policy.rows import Grant
from scanner.policy.asking import (
    ALL,
    ALLOWED,
    ANYTHING,
    BUCKET,
    DELEGATED,
    DENIED,
    KEY,
    KMS,
    MAYBE,
    OURS,
    PARTNER,
    ROLE,
    ROOT,
    SESSION,
    SILENT,
    THEIRS,
    UNLESS_DENIED,
    UNREAD,
    USER,
    allow,
    ask,
    check,
    deny,
    row,
)

KEY_POLICY = KMS + "key-policies.html"
DEFAULT = KMS + "key-policy-default.html"
IDENTITY = KMS + "iam-policies.html"
OTHERS = KMS + "key-policy-modifying-external-accounts.html"
GRANTS = KMS + "grants.html"
CONSTRAINTS = "https://docs.aws.amazon.com/kms/latest/APIReference/API_GrantConstraints.html"
MANAGED = KMS + "concepts.html"
REGIONS = KMS + "multi-region-keys-overview.html"
ALIASES = KMS + "alias-access.html"
BY_ALIAS = KMS + "alias-authorization.html"
ALIAS = f"arn:aws:kms:us-east-1:{OURS}:alias/media"

DECRYPT = allow("kms:Decrypt", on=KEY)
SPARED = deny(NotResource=KEY)
IN_EAST = allow("kms:Decrypt", on=f"arn:aws:kms:us-east-1:{OURS}:key/*")
IN_WEST = allow("kms:Decrypt", on=f"arn:aws:kms:us-west-1:{OURS}:key/*")
VIA_S3 = {"kms:ViaService": "s3.us-east-1.amazonaws.com", "kms:CallerAccount": OURS}
MANAGED_BY_AWS = [
    allow(
        "kms:Encrypt", "kms:Decrypt", "kms:GenerateDataKey*", "kms:DescribeKey", to="*", when={"StringEquals": VIA_S3}
    ),
    allow("kms:Describe*", "kms:Get*", "kms:List*", to=ROOT),
]
CONTEXT = "kms:EncryptionContext:"


def key(says: str, page: str, expected: str, **asked: Any) -> Any:
    """A request to decrypt with a key."""
    return row(says, page, expected, **({"action": "kms:Decrypt", "on": KEY} | asked))


KEYS = [
    key("identity counts where the key policy delegates", IDENTITY, ALLOWED, identity=DECRYPT, resource=DELEGATED),
    key("in either form of the account", IDENTITY, ALLOWED, identity=DECRYPT, resource=allow("kms:*", to=OURS)),
    key("not without", IDENTITY, SILENT, identity=ALL, resource=allow("kms:*", to=ROLE)),
    key("not without any key policy", IDENTITY, SILENT, identity=ALL),
    key("not where another account is named", IDENTITY, SILENT, identity=ALL, resource=allow("kms:*", to=THEIRS)),
    key("the account alone is nobody", DEFAULT, SILENT, resource=DELEGATED),
    key("but the root user", DEFAULT, ALLOWED, by=ROOT, resource=DELEGATED),
    key("which has no right of its own", DEFAULT, SILENT, by=ROOT, resource=allow("kms:*", to=USER)),
    key("to name the user is enough", KEY_POLICY, ALLOWED, resource=allow("kms:Decrypt", to=USER)),
    key("or the role", KEY_POLICY, ALLOWED, by=SESSION, resource=allow("kms:Decrypt", to=ROLE)),
    key("or everybody", KEY_POLICY, ALLOWED, resource=allow("kms:Decrypt", to="*")),
    key("a boundary does not limit that", KEY_POLICY, ALLOWED, boundary=allow("s3:*"), resource=allow(to=USER)),
    key("it limits a role", KEY_POLICY, SILENT, by=SESSION, boundary=allow("s3:*"), resource=allow(to=ROLE)),
    key("it limits identity", KEY_POLICY, SILENT, identity=ALL, boundary=allow("s3:*"), resource=DELEGATED),
    key("so does the session policy", KEY_POLICY, SILENT, by=SESSION, identity=ALL, session=[], resource=DELEGATED),
    key("delegation is of actions", IDENTITY, SILENT, identity=ALL, resource=allow("kms:Encrypt", to=ROOT)),
    key(
        "and under conditions",
        IDENTITY,
        SILENT,
        identity=ALL,
        resource=allow("kms:*", to=ROOT, when={"StringEquals": VIA_S3}),
    ),
    key(
        "which may hold",
        IDENTITY,
        ALLOWED,
        identity=ALL,
        resource=allow("kms:*", to=ROOT, when={"StringEquals": VIA_S3}),
        where=VIA_S3,
    ),
    key("another account needs both", OTHERS, ALLOWED, by=PARTNER, identity=ALL, resource=allow(to=THEIRS)),
    key("the key policy is not enough", OTHERS, SILENT, by=PARTNER, resource=allow(to=[THEIRS, PARTNER])),
    key("nor is identity", OTHERS, SILENT, by=PARTNER, identity=ALL, resource=DELEGATED),
    key("KMS answers nobody who does not sign", KEY_POLICY, SILENT, by="", resource=allow(to="*")),
    key("identity may deny without delegation", IDENTITY, DENIED, identity=deny("kms:*"), resource=allow(to=USER)),
    key("the key policy may deny", KEY_POLICY, DENIED, identity=ALL, resource=[DELEGATED, deny(to=USER)]),
    key(
        "a key managed by AWS serves its service",
        MANAGED,
        ALLOWED,
        resource=MANAGED_BY_AWS,
        where=VIA_S3,
    ),
    key("and nobody else", MANAGED, SILENT, identity=ALL, resource=MANAGED_BY_AWS),
    key(
        "no other account either",
        MANAGED,
        SILENT,
        by=PARTNER,
        identity=ALL,
        resource=MANAGED_BY_AWS,
        where=VIA_S3 | {"kms:CallerAccount": THEIRS},
    ),
    key(
        "the key of another region is another",
        REGIONS,
        SILENT,
        identity=DECRYPT,
        resource=DELEGATED,
        on=KEY.replace("us-east-1", "eu-west-1"),
    ),
    key("what is about no key needs no key policy", ALIASES, ALLOWED, identity=ALL, action="kms:ListAliases", on="*"),
    key(
        "nor does what is about an alias",
        ALIASES,
        ALLOWED,
        identity=ALL,
        action="kms:CreateAlias",
        on=ALIAS,
    ),
    key("who names a key by its alias uses a key that is not known", BY_ALIAS, ANYTHING, identity=ALL, on=ALIAS),
    key("nor is its policy where one could not be read", BY_ALIAS, ANYTHING, identity=ALL, resource=UNREAD, on=ALIAS),
    key("nor is its policy", BY_ALIAS, ANYTHING, by=PARTNER, identity=ALL, on=ALIAS),
    key("which may be at hand", BY_ALIAS, ALLOWED, identity=ALL, resource=DELEGATED, on=ALIAS),
    key("to name the alias gives nothing", BY_ALIAS, SILENT, identity=allow(on=ALIAS), resource=DELEGATED, on=ALIAS),
    key("nor does it deny", BY_ALIAS, ALLOWED, identity=[ALL, deny(on=ALIAS)], resource=DELEGATED, on=ALIAS),
    key("nor spare", BY_ALIAS, DENIED, identity=deny(NotResource=ALIAS), resource=allow(to=USER), on=ALIAS),
    key("a key may be that of the alias", BY_ALIAS, MAYBE, identity=DECRYPT, resource=DELEGATED, on=ALIAS),
    key("it may be spared", BY_ALIAS, UNLESS_DENIED, identity=[ALL, SPARED], resource=DELEGATED, on=ALIAS),
    key("one of another Region is not", BY_ALIAS, SILENT, identity=IN_WEST, resource=DELEGATED, on=ALIAS),
    key(
        "one that a variable names may be",
        BY_ALIAS,
        MAYBE,
        identity=allow(on=f"arn:aws:kms:us-east-1:{OURS}:${{aws:username}}"),
        resource=DELEGATED,
        on=ALIAS,
        known=False,
    ),
    key("all of this one are", BY_ALIAS, ALLOWED, identity=IN_EAST, resource=DELEGATED, on=ALIAS),
    key("a key is no resource of S3", IDENTITY, ALLOWED, identity=ALL, action="s3:GetObject"),
]


def granted(says: str, expected: str, page: str = GRANTS, **asked: Any) -> Any:
    """A request to decrypt with a key that has a grant, which may be changed."""
    own = ("grantee", "operations", "context_equals", "context_subset", "source_arn")
    changed = {name: asked.pop(name) for name in own if name in asked}
    given: dict[str, Any] = {"id": "g1", "grantee": USER, "operations": ("Decrypt",)} | changed
    return key(says, page, expected, grants=(Grant(**given),), resource=asked.pop("resource", DELEGATED), **asked)


def context(**pairs: str) -> dict[str, str]:
    return {CONTEXT + name: value for name, value in pairs.items()}


CONTEXTS: dict[str, Any] = {"page": CONSTRAINTS, "context_equals": {"dept": "Film"}}
SOURCE: dict[str, Any] = {"page": CONSTRAINTS, "source_arn": BUCKET}
SUBSETS: dict[str, Any] = {"page": CONSTRAINTS, "context_subset": {"dept": "Film"}}

GRANTED = [
    granted("a grant is enough", ALLOWED),
    granted("it needs no delegation", ALLOWED, resource=allow(to=ROLE)),
    granted("it gives its operations", SILENT, action="kms:Encrypt"),
    granted("of several each", ALLOWED, operations=("Encrypt", "Decrypt")),
    granted("whose case does not matter", ALLOWED, operations=("DECRYPT",)),
    granted("an operation of another service is none of them", SILENT, action="s3:Decrypt"),
    granted("it gives them to its grantee", SILENT, grantee=f"{USER}2"),
    granted("to the sessions of a role", ALLOWED, grantee=ROLE, by=SESSION),
    granted("to one session", ALLOWED, grantee=SESSION, by=SESSION),
    granted("to a service", ALLOWED, grantee="s3.amazonaws.com", by="s3.amazonaws.com"),
    granted("to no other one", SILENT, grantee="s3.amazonaws.com", by="logging.s3.amazonaws.com"),
    granted("to nobody by the host of a service", SILENT, grantee="s3.amazonaws.com"),
    granted("it is for one key", SILENT, on="*"),
    granted("across accounts identity is needed", ALLOWED, grantee=PARTNER, by=PARTNER, identity=ALL),
    granted("and it is not enough", SILENT, grantee=PARTNER, by=PARTNER),
    granted("identity may deny what is granted", DENIED, identity=deny("kms:*")),
    granted("so may the key policy", DENIED, resource=[DELEGATED, deny(to="*")]),
    granted("the boundary", DENIED, boundary=[ALL, deny()]),
    granted("an SCP", DENIED, scps=[[ALL, deny()]]),
    granted("an RCP", DENIED, rcps=[[deny(to="*")]]),
    granted("an SCP that is silent limits it", SILENT, scps=[[allow("s3:*")]]),
    granted("it may be for one source", ALLOWED, **SOURCE, where={"aws:SourceArn": BUCKET}),
    granted("and for no other", SILENT, **SOURCE, where={"aws:SourceArn": f"{BUCKET}2"}),
    granted("nor without one", SILENT, **SOURCE),
    granted("whatever the operation", SILENT, **SOURCE, action="kms:DescribeKey", operations=("DescribeKey",)),
    granted("which may not be known", MAYBE, **SOURCE, known=False),
    granted("its context must be that of the request", ALLOWED, **CONTEXTS, where=context(dept="Film")),
    granted("it must be there", SILENT, **CONTEXTS),
    granted("its values are read with case", SILENT, **CONTEXTS, where=context(dept="film")),
    granted("its names are not", ALLOWED, **CONTEXTS, where=context(Dept="Film")),
    granted("there may be no more", SILENT, **CONTEXTS, where=context(dept="Film", year="2026")),
    granted("of other keys there may", ALLOWED, **CONTEXTS, where=context(dept="Film") | VIA_S3),
    granted("of two pairs both", SILENT, **CONTEXTS | {"context_equals": {"a": "1", "b": "2"}}, where=context(a="1")),
    granted("a part of it must be there", ALLOWED, **SUBSETS, where=context(dept="Film")),
    granted("then there may be more", ALLOWED, **SUBSETS, where=context(dept="Film", year="2026")),
    granted("in whatever case its names are", ALLOWED, **SUBSETS, where=context(DEPT="Film")),
    granted("it may not be missing", SILENT, **SUBSETS, where=context(year="2026")),
    granted("nor have another value", SILENT, **SUBSETS, where=context(dept="film")),
    granted(
        "both may be asked for", SILENT, **SUBSETS, context_equals={"dept": "Film"}, where=context(dept="Film", x="")
    ),
    *(
        granted(f"the context of {action} counts", SILENT, **CONTEXTS, operations=(action,), action=f"kms:{action}")
        for action in (
            *("Decrypt", "Encrypt", "GenerateDataKey", "GenerateDataKeyPair", "GenerateDataKeyWithoutPlaintext"),
            *("GenerateDataKeyPairWithoutPlaintext", "ReEncryptFrom", "ReEncryptTo"),
        )
    ),
    *(
        granted(f"{action} has none", ALLOWED, **CONTEXTS, operations=(action,), action=f"kms:{action}")
        for action in ("DescribeKey", "RetireGrant", "CreateGrant", "Sign", "GenerateMac")
    ),
    granted("a context that is not known may be that one", MAYBE, **CONTEXTS, known=False),
    granted("one that is known in part may have more", MAYBE, **CONTEXTS, where=context(dept="Film"), known=False),
    granted("or less than is needed", MAYBE, **SUBSETS, where=context(year="2026"), known=False),
    granted("but a part that is there is there", ALLOWED, **SUBSETS, where=context(dept="Film"), known=False),
    granted("and what is too much is", SILENT, **CONTEXTS, where=context(dept="Film", x=""), known=False),
    granted("what differs does", SILENT, **CONTEXTS, where=context(dept="film"), known=False),
    granted(
        "what is known to be absent is",
        SILENT,
        **SUBSETS,
        where=Context(complete=False, absent=frozenset({"kms:encryptioncontext:dept"})),
    ),
]


@pytest.mark.parametrize(("page", "expected", "asked"), KEYS)
def test_a_key_is_used_by_whom_aws_says(page: str, expected: str, asked: Mapping[str, Any]) -> None:
    check(page, expected, asked)


KMS_API = get_session().get_service_model("kms")


@pytest.mark.parametrize("operation", KMS_API.operation_names)
def test_other_accounts_can_do_to_a_key_what_kms_says(operation: str) -> None:
    """The documentation of each operation tells whether it works across accounts."""
    told = re.sub("<[^>]+>", "", KMS_API.operation_model(operation).documentation)
    works = re.search(r"Cross-account use: *(Yes|No)\b.{0,40}", told)
    about_a_key = "KeyId" in KMS_API.operation_model(operation).input_shape.members
    if works is None or not about_a_key or operation == "ListAliases":
        return
    asked: dict[str, Any] = {"action": f"kms:{operation}", "on": KEY, "resource": allow(to=[THEIRS, ROOT])}
    found = ask(**asked, by=PARTNER, identity=ALL)
    assert found.allowed is (works[1] == "Yes"), works[0]
    if works[1] == "No":
        assert found.because == (f"kms:{operation} is for principals of the owning account only, whatever is allowed",)
    assert ask(**asked, identity=ALL).allowed is True


@pytest.mark.parametrize(("page", "expected", "asked"), GRANTED)
def test_a_grant_gives_what_aws_says(page: str, expected: str, asked: Mapping[str, Any]) -> None:
    check(page, expected, asked)


def test_a_decision_names_the_grant() -> None:
    grant = Grant(id="g1", grantee=USER, operations=("Decrypt",), context_subset={"dept": "Film"})
    asked: dict[str, Any] = {"action": "kms:Decrypt", "on": KEY, "grants": (grant,)}
    assert ask(**asked, where=context(dept="Film")).because == ("statement g1 of grants allows it",)
    (hit,) = ask(**asked, where=context(dept="Film")).rows
    assert (hit.applies, hit.misses, hit.open) == (True, (), ())
    (missed,) = (r for r in ask(**asked).rows if r.policy == "grants")
    assert (missed.layer, missed.misses, missed.near, missed.open) == ("resource", ("kms:EncryptionContext",), True, ())
    (unsure,) = ask(**asked, known=False).open
    assert (unsure.cover, unsure.misses, unsure.open) == ("principal", (), ("kms:EncryptionContext",))


def test_grants_that_cannot_be_read_may_allow() -> None:
    check(GRANTS, MAYBE, {"action": "kms:Decrypt", "on": KEY, "resource": DELEGATED, "grants": UNREAD})
    check(GRANTS, ALLOWED, {"action": "kms:Decrypt", "on": KEY, "resource": allow(to=USER), "grants": UNREAD})
    check(GRANTS, ALLOWED, {"identity": ALL, "grants": UNREAD})
