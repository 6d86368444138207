import itertools
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recordscan.policy.denials import Denial, insecure_transport_denied, old_tls_denied, sse_c_denied
from recordscan.policy.documents import load_policy
from recordscan.policy.globs import matches

BUCKET = "arn:aws:s3:::media"
OBJECTS = f"{BUCKET}/*"
BOTH = [BUCKET, OBJECTS]
NO_TLS = {"Bool": {"aws:SecureTransport": "false"}}


def deny(**changes: object) -> dict[str, Any]:
    """A Deny that covers all, with some elements changed; None removes one."""
    statement: dict[str, object] = {
        "Sid": "TlsOnly",
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": BOTH,
        "Condition": NO_TLS,
    }
    statement.update(changes)
    return {element: value for element, value in statement.items() if value is not None}


def judge(*statements: object, arn: str = BUCKET, version: str = "2012-10-17") -> Denial:
    document = load_policy({"Version": version, "Statement": list(statements)}, kind="resource")
    return insecure_transport_denied(document, arn)


FULL: list[tuple[str, list[dict[str, Any]]]] = [
    ("the form that AWS documents", [deny()]),
    ("Principal AWS star accepted", [deny(Principal={"AWS": "*"})]),
    ("Principal list with star accepted", [deny(Principal={"AWS": ["111122223333", "*"]})]),
    ("Action star accepted", [deny(Action="*")]),
    ("Action in other case accepted", [deny(Action="S3:*")]),
    ("Action list with star accepted", [deny(Action=["s3:GetObject", "s3:*"])]),
    ("Resource star accepted", [deny(Resource="*")]),
    ("Resource of one glob over bucket and objects accepted", [deny(Resource="arn:aws:s3:::media*")]),
    ("Resource of all buckets accepted", [deny(Resource="arn:aws:s3:::*")]),
    ("Resource with a wildcard partition accepted", [deny(Resource=["arn:*:s3:::media", "arn:*:s3:::media/*"])]),
    ("NotResource that excludes neither accepted", [deny(Resource=None, NotResource="arn:aws:s3:::other/*")]),
    (
        "NotResource whose name begins alike accepted",
        [deny(Resource=None, NotResource=["arn:aws:s3:::med", "arn:b:c:d:e:"])],
    ),
    ("NotAction that leaves out another service accepted", [deny(Action=None, NotAction=["kms:*", "s3express:*"])]),
    ("BoolIfExists accepted", [deny(Condition={"BoolIfExists": {"aws:SecureTransport": "false"}})]),
    ("value list accepted", [deny(Condition={"Bool": {"aws:SecureTransport": ["false"]}})]),
    ("JSON false accepted", [deny(Condition={"Bool": {"aws:SecureTransport": False}})]),
    ("False with a capital accepted", [deny(Condition={"Bool": {"aws:SecureTransport": "False"}})]),
    ("key in other case accepted", [deny(Condition={"Bool": {"AWS:securetransport": "false"}})]),
    ("both values deny all requests", [deny(Condition={"Bool": {"aws:SecureTransport": ["true", "false"]}})]),
    ("TlsVersion IfExists accepted", [deny(Condition={"NumericLessThanIfExists": {"s3:TlsVersion": 1.2}})]),
    (
        "two tests that both hold without TLS accepted",
        [deny(Condition=NO_TLS | {"NumericLessThanIfExists": {"s3:TlsVersion": "1.2"}})],
    ),
    ("no condition at all denies requests without TLS too", [deny(Condition=None)]),
    ("bucket and objects in two statements", [deny(Resource=BUCKET), deny(Sid="B", Resource=OBJECTS)]),
    (
        "NotAction whose gap another statement fills",
        [deny(Action=None, NotAction=["s3:Get*", "s3:Put*"]), deny(Sid="B", Action=["s3:G*", "s3:P*"])],
    ),
    (
        "two NotActions that leave out different actions",
        [deny(Action=None, NotAction="s3:Get*"), deny(Sid="B", Action=None, NotAction="s3:Put*")],
    ),
    (
        "an unconditional Deny fills a gap",
        [deny(Action=None, NotAction="s3:DeleteBucket"), deny(Sid="B", Action="s3:DeleteBucket", Condition=None)],
    ),
    ("an exempting statement beside a full one", [deny(Sid="A", Principal=None, NotPrincipal={"AWS": "*"}), deny()]),
    ("a full Deny beside an Allow of everything", [deny(Effect="Allow", Condition=None), deny()]),
]


@pytest.mark.parametrize(("case", "statements"), FULL, ids=[case for case, _ in FULL])
def test_all_is_denied_by(case: str, statements: list[dict[str, Any]]) -> None:
    found = judge(*statements)
    assert (found.level, found.gaps) == ("full", ())
    assert found.full
    assert found.statements
    assert bool(found)


PARTIAL: list[tuple[str, list[dict[str, Any]], str]] = [
    ("objects only", [deny(Resource=OBJECTS)], "nothing is denied on the bucket itself"),
    ("bucket only", [deny(Resource=BUCKET)], "nothing is denied on the objects"),
    ("one prefix only", [deny(Resource=[BUCKET, f"{BUCKET}/video/*"])], "only a part of the objects"),
    ("Action s3:Get* is not full", [deny(Action="s3:Get*")], "on the objects s3:PutObject is not denied"),
    ("Action list of s3:PutObject is not full", [deny(Action=["s3:PutObject"])], "s3:GetObject is not denied"),
    ("Action s3:?* is full but s3:*Object* is not", [deny(Action="s3:*Object*")], "s3:ListBucket is not denied"),
    ("NotAction of one S3 action", [deny(Action=None, NotAction="s3:GetObject")], "s3:GetObject is not denied"),
    ("NotAction of an unusual one", [deny(Action=None, NotAction="s3:GetObjectTorrent")], "not every S3 action"),
    ("NotAction with a wildcard prefix", [deny(Action=None, NotAction="*:Get*")], "s3:GetObject is not denied"),
    ("NotResource of one prefix", [deny(Resource=None, NotResource=f"{BUCKET}/open/*")], "only a part of the objects"),
    ("NotResource of the bucket", [deny(Resource=None, NotResource=BUCKET)], "nothing is denied on the bucket"),
    ("NotResource by a variable", [deny(Resource=None, NotResource="arn:aws:s3:::${aws:x}/y")], "only a part"),
    ("NotResource by a short ARN", [deny(Resource=None, NotResource=["arn:aws:s3", "arn:b"])], "only a part"),
    ("Resource by a short ARN", [deny(Resource=[BUCKET, "arn:aws:s3::", "arn:aws:s3::*"])], "only a part"),
    ("Resource by a variable", [deny(Resource=[BUCKET, "arn:aws:s3:::media/${aws:x}*"])], "only a part"),
    ("objects with at least one character", [deny(Resource=[BUCKET, f"{BUCKET}/?*"])], "only a part"),
    (
        "NotPrincipal exempts",
        [deny(Principal=None, NotPrincipal={"AWS": "arn:aws:iam::111122223333:user/ops"})],
        "TlsOnly exempts arn:aws:iam::111122223333:user/ops by NotPrincipal",
    ),
    ("named principals only", [deny(Principal={"AWS": "111122223333"})], "denies 111122223333 only, not everyone"),
    ("service star is not everyone", [deny(Principal={"Service": "*"})], "not everyone"),
    ("wildcard principal is not everyone", [deny(Principal={"AWS": "arn:aws:iam::*:root"})], "not everyone"),
    (
        "an ANDed condition exempts",
        [deny(Condition=NO_TLS | {"ArnNotLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/old"}})],
        "TlsOnly denies only where its condition on aws:PrincipalArn holds as well",
    ),
    (
        "an ANDed address exempts",
        [deny(Condition={"Bool": {"aws:SecureTransport": "false"}, "NotIpAddress": {"aws:SourceIp": "10.0.0.0/8"}})],
        "aws:SourceIp",
    ),
    (
        "an ANDed key under the same operator exempts",
        [deny(Condition={"Bool": {"aws:SecureTransport": "false", "aws:ViaAWSService": "false"}})],
        "aws:ViaAWSService",
    ),
    (
        "StringEquals is a type mismatch",
        [deny(Condition={"StringEquals": {"aws:SecureTransport": "false"}})],
        "with an operator for text",
    ),
    (
        "a gap of one statement and a flaw of the other",
        [deny(Resource=OBJECTS), deny(Sid="B", Resource=BUCKET, Principal={"AWS": "111122223333"})],
        "B denies 111122223333 only",
    ),
    (
        "actions split over bucket and objects by kind",
        [deny(Action="s3:List*", Resource=BUCKET), deny(Sid="B", Action="s3:*Object", Resource=OBJECTS)],
        "on the bucket itself s3:GetBucketPolicy is not denied",
    ),
]


@pytest.mark.parametrize(("case", "statements", "gap"), PARTIAL, ids=[case for case, _, _ in PARTIAL])
def test_only_a_part_is_denied_by(case: str, statements: list[dict[str, Any]], gap: str) -> None:
    found = judge(*statements)
    assert found.level == "partial"
    assert any(gap in text for text in found.gaps), found.gaps
    assert found.statements
    assert not found


NONE: list[tuple[str, list[dict[str, Any]], str]] = [
    ("no statement", [], "nothing is denied on the bucket itself"),
    (
        "Allow with true denies nothing",
        [deny(Effect="Allow", Condition={"Bool": {"aws:SecureTransport": "true"}})],
        "an Allow denies nothing",
    ),
    ("Allow with false denies nothing", [deny(Effect="Allow")], "an Allow denies nothing"),
    (
        "Deny with true denies the wrong requests",
        [deny(Condition={"Bool": {"aws:SecureTransport": "true"}})],
        "tests that TLS is used, not that it is missing",
    ),
    (
        "TlsVersion alone not accepted",
        [deny(Condition={"NumericLessThan": {"s3:TlsVersion": "1.2"}})],
        "tests s3:TlsVersion alone",
    ),
    (
        "TlsVersion ANDed narrows it to nothing",
        [deny(Condition=NO_TLS | {"NumericLessThan": {"s3:TlsVersion": "1.2"}})],
        "tests s3:TlsVersion alone",
    ),
    (
        "TlsVersion IfExists below zero",
        [deny(Condition={"NumericLessThanIfExists": {"s3:TlsVersion": "0"}})],
        "proves nothing",
    ),
    (
        "TlsVersion IfExists that is no number",
        [deny(Condition={"NumericLessThanIfExists": {"s3:TlsVersion": "TLS1.2"}})],
        "proves nothing",
    ),
    (
        "TlsVersion IfExists above",
        [deny(Condition={"NumericGreaterThanIfExists": {"s3:TlsVersion": "1.2"}})],
        "proves nothing",
    ),
    (
        "a set operator is no proof",
        [deny(Condition={"ForAnyValue:Bool": {"aws:SecureTransport": "false"}})],
        "proves nothing",
    ),
    ("another value", [deny(Condition={"Bool": {"aws:SecureTransport": "no"}})], "proves nothing"),
    ("Null on the key", [deny(Condition={"Null": {"aws:SecureTransport": "true"}})], "proves nothing"),
    ("another bucket", [deny(Resource=["arn:aws:s3:::other", "arn:aws:s3:::other/*"])], "nothing is denied on the bu"),
    ("a bucket with a longer name", [deny(Resource=f"{BUCKET}2/*")], "nothing is denied on the objects"),
    ("another partition", [deny(Resource=["arn:aws-cn:s3:::media", "arn:aws-cn:s3:::media/*"])], "nothing is denied"),
    ("another service", [deny(Action="kms:*")], "nothing is denied"),
    ("NotAction star denies nothing", [deny(Action=None, NotAction="*")], "nothing is denied"),
    ("NotAction s3:* leaves S3 alone", [deny(Action=None, NotAction="s3:*")], "nothing is denied"),
    ("NotResource star denies nothing", [deny(Resource=None, NotResource="*")], "nothing is denied"),
    ("an unrelated unconditional Deny", [deny(Action="s3:DeleteBucket", Condition=None)], "s3:GetObject is not denied"),
    ("an unrelated condition", [deny(Condition={"Bool": {"aws:MultiFactorAuthPresent": "false"}})], "nothing is"),
    ("an unknown operator", [deny(Condition={"Boolean": {"aws:SecureTransport": "false"}})], "has a defect"),
    ("an unknown element", [deny(Actions="s3:*")], "has a defect"),
    ("Action and NotAction", [deny(NotAction="kms:*")], "has a defect"),
    ("Resource and NotResource", [deny(NotResource="*")], "has a defect"),
    ("Effect in lower case", [deny(Effect="deny")], "has a defect"),
    ("no Principal", [deny(Principal=None)], "has a defect"),
    ("a condition of no keys is not unconditional", [deny(Condition={"Bool": {}})], "nothing is denied"),
    ("an unusable value", [deny(Condition={"Bool": {"aws:SecureTransport": ["false", None]}})], "has a defect"),
]


@pytest.mark.parametrize(("case", "statements", "gap"), NONE, ids=[case for case, _, _ in NONE])
def test_nothing_is_denied_by(case: str, statements: list[dict[str, Any]], gap: str) -> None:
    found = judge(*statements)
    assert (found.level, found.statements) == ("none", ())
    assert any(gap in text for text in found.gaps), found.gaps
    assert not found


def test_object_form_statement_is_accepted() -> None:
    document = load_policy({"Version": "2012-10-17", "Statement": deny()}, kind="resource")
    assert insecure_transport_denied(document, BUCKET).statements == ("TlsOnly",)


def test_old_version_and_no_sid_are_accepted() -> None:
    found = judge(deny(Effect="Allow", Condition=None), deny(Sid=None), version="2008-10-17")
    assert (found.level, found.statements) == ("full", ("#2",))


@pytest.mark.parametrize("partition", ["aws", "aws-cn", "aws-us-gov"])
def test_coverage_is_judged_in_the_partition_of_the_bucket(partition: str) -> None:
    arn = f"arn:{partition}:s3:::media"
    assert judge(deny(Resource=[arn, f"{arn}/*"]), arn=arn).full
    assert judge(deny(), arn=arn).full is (partition == "aws")


@pytest.mark.parametrize("source", ["", "[]", "{}", '{"Statement": []}', '{"Statement": ["x", 1, null]}'])
def test_a_policy_that_says_nothing_denies_nothing(source: str) -> None:
    assert insecure_transport_denied(load_policy(source, kind="resource"), BUCKET).level == "none"


def test_a_key_given_twice_is_no_proof() -> None:
    text = """{"Statement": {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "*",
        "Condition": {"Bool": {"aws:SecureTransport": "true", "aws:SecureTransport": "false"}}}}"""
    assert insecure_transport_denied(load_policy(text, kind="resource"), BUCKET).level == "none"


def test_many_not_actions_are_answered() -> None:
    statements = [
        deny(Sid=f"S{i}", Action=None, NotAction=[f"s3:{a}{b}*?{i}*" for a in "abcde" for b in "abcde"])
        for i in range(20)
    ]
    assert judge(*statements).level == "partial"


def test_hostile_globs_are_answered() -> None:
    late = ["s3:*a" + "?" * n + "*b" + "?" * n for n in range(20, 60)]
    assert judge(deny(Action=late)).level == "partial"


def test_a_proof_that_would_be_too_long_is_no_proof() -> None:
    tail = "?" * 25
    statements = [deny(Action=None, NotAction="s3:*a" + tail), deny(Sid="B", Action="s3:?" + tail + "*")]
    assert judge(*statements).level == "partial"


SSE_C = {"Null": {"s3:x-amz-server-side-encryption-customer-algorithm": "false"}}


def judge_sse_c(statement: dict[str, Any], prefix: str) -> Denial:
    document = load_policy({"Version": "2012-10-17", "Statement": statement}, kind="resource")
    return sse_c_denied(document, BUCKET, prefix)


@pytest.mark.parametrize(
    "statement",
    [
        deny(Action="s3:PutObject", Resource=OBJECTS, Condition=SSE_C),
        deny(Action="s3:PutObject", Resource=f"{BUCKET}/video/*", Condition=SSE_C),
        deny(Action="s3:PutObject", Resource=f"{BUCKET}/video*", Condition=SSE_C),
        deny(Action=["s3:GetObject", "s3:putobject"], Resource=OBJECTS, Condition=SSE_C),
        deny(Action="s3:*", Resource="*", Principal={"AWS": "*"}, Condition=SSE_C),
        deny(
            Resource=OBJECTS,
            Condition={"Null": {"S3:X-Amz-Server-Side-Encryption-Customer-Algorithm": [False]}},
        ),
    ],
)
def test_sse_c_is_denied_under_the_prefix(statement: dict[str, Any]) -> None:
    found = judge_sse_c(statement, "video/")
    assert found.full
    assert found.statements == ("TlsOnly",)


@pytest.mark.parametrize(
    ("case", "statement", "level"),
    [
        ("another prefix", deny(Resource=f"{BUCKET}/audio/*", Condition=SSE_C), "none"),
        ("a part of the prefix", deny(Resource=f"{BUCKET}/video/a/*", Condition=SSE_C), "partial"),
        ("the bucket, not its objects", deny(Resource=BUCKET, Condition=SSE_C), "none"),
        ("reading", deny(Action="s3:GetObject", Condition=SSE_C), "none"),
        ("an Allow", deny(Effect="Allow", Condition=SSE_C), "none"),
        ("Null true, which denies all others", deny(Condition={"Null": {next(iter(SSE_C["Null"])): "true"}}), "none"),
        ("the header of SSE-KMS", deny(Condition={"Null": {"s3:x-amz-server-side-encryption": "false"}}), "none"),
        ("named principals", deny(Principal={"AWS": "111122223333"}, Condition=SSE_C), "partial"),
        ("an ANDed condition", deny(Condition=SSE_C | {"StringNotEquals": {"aws:PrincipalOrgID": "o-1"}}), "partial"),
        ("a defect", deny(Condition=SSE_C, Resorce="*"), "none"),
    ],
)
def test_sse_c_is_not_denied_by(case: str, statement: dict[str, Any], level: str) -> None:
    found = judge_sse_c(statement, "video/")
    assert found.level == level
    assert found.gaps
    assert not found


def test_an_asterisk_in_the_prefix_is_not_taken_for_less() -> None:
    narrow = deny(Resource=f"{BUCKET}/rec1/*", Condition=SSE_C)
    assert not judge_sse_c(narrow, "rec*/")
    assert judge_sse_c(deny(Resource=f"{BUCKET}/rec*", Condition=SSE_C), "rec*/")


@given(st.data())
def test_full_means_that_each_single_request_is_denied(data: st.DataObject) -> None:
    """Against brute force: a full coverage must deny each sampled action on each sampled resource."""
    actions = st.lists(
        st.sampled_from(["s3:*", "*", "s3:Get*", "s3:*t*", "s3:?*", "S3:GetObject", "kms:*", "s3:PutObject"]),
        min_size=1,
        max_size=3,
    )
    resources = st.lists(
        st.sampled_from(
            ["*", BUCKET, OBJECTS, f"{BUCKET}*", f"{BUCKET}/a*", f"{BUCKET}/?*", "arn:aws:s3:::*", "arn:aws:s3:::x"]
        ),
        min_size=1,
        max_size=3,
    )
    statements = []
    for _ in range(data.draw(st.integers(1, 3))):
        not_action, not_resource = data.draw(st.booleans()), data.draw(st.booleans())
        statement = deny(Action=None, Resource=None)
        statement["NotAction" if not_action else "Action"] = data.draw(actions)
        statement["NotResource" if not_resource else "Resource"] = data.draw(resources)
        statements.append(statement)

    def denied(action: str, resource: str) -> bool:
        def applies(s: dict[str, Any]) -> bool:
            act = any(matches(p, action, ignore_case=True) for p in s.get("Action") or s["NotAction"])
            res = any(matches(p, resource) for p in s.get("Resource") or s["NotResource"])
            return act is ("Action" in s) and res is ("Resource" in s)

        return any(map(applies, statements))

    sample = itertools.product(
        ["s3:GetObject", "s3:PutObject", "s3:ListBucket", "s3:X", "s3:DeleteBucket"],
        [BUCKET, f"{BUCKET}/", f"{BUCKET}/a", f"{BUCKET}/b/c"],
    )
    verdicts = [denied(action, resource) for action, resource in sample]
    level = judge(*statements).level
    assert level != "full" or all(verdicts)
    assert level != "none" or not any(verdicts)


TLS, VERSION = "aws:SecureTransport", "s3:TlsVersion"


@pytest.mark.parametrize(
    ("operator", "key", "value", "level"),
    [
        ("Bool", TLS, "false", "full"),
        ("Bool", "AWS:securetransport", "False", "full"),
        ("BoolIfExists", TLS, "false", "full"),
        ("NumericLessThanIfExists", VERSION, "1.2", "full"),
        ("NumericLessThanIfExists", VERSION, "0", "none"),
        ("NumericLessThanIfExists", VERSION, "inf", "none"),
        ("NumericLessThanIfExists", VERSION, "x", "none"),
        ("NumericLessThan", VERSION, "1.2", "none"),
        ("Bool", TLS, "true", "none"),
        ("BoolIfExists", TLS, "true", "none"),
        *((operator, TLS, "false", "partial") for operator in ("StringEquals", "StringEqualsIgnoreCase", "StringLike")),
        *((f"{o}IfExists", TLS, "false", "partial") for o in ("StringEquals", "StringEqualsIgnoreCase", "StringLike")),
        ("StringNotEquals", TLS, "true", "none"),
        ("Bool", "aws:ViaAWSService", "false", "none"),
    ],
)
def test_what_proves_that_tls_is_asked_for(operator: str, key: str, value: str, level: str) -> None:
    assert judge(deny(Condition={operator: {key: value}})).level == level


@pytest.mark.parametrize(
    ("operator", "value", "level"),
    [
        ("NumericLessThan", "1.2", "full"),
        ("NumericLessThan", "1.3", "full"),
        ("NumericLessThan", "1.1", "none"),
        ("NumericLessThan", "inf", "none"),
        ("NumericLessThan", "tls1.2", "none"),
        ("NumericLessThanIfExists", "1.2", "full"),
        ("NumericLessThanIfExists", "1.1", "none"),
        ("NumericLessThanEquals", "1.1", "full"),
        ("NumericLessThanEquals", "1.0", "none"),
        ("NumericLessThanEqualsIfExists", "1.1", "full"),
        ("NumericLessThanEqualsIfExists", "1.0", "none"),
        ("NumericGreaterThan", "1.2", "none"),
        ("StringEquals", "1.2", "none"),
    ],
)
def test_what_proves_that_a_new_tls_is_asked_for(operator: str, value: str, level: str) -> None:
    document = load_policy(
        {"Version": "2012-10-17", "Statement": [deny(Condition={operator: {VERSION: value}})]}, kind="resource"
    )
    found = old_tls_denied(document, BUCKET)
    assert (found.level == "full") is (level == "full"), found
    if level != "full":
        assert any("TLS" in gap or "Tls" in gap or "denied" in gap for gap in found.gaps), found
