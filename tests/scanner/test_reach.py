"""Who can do what to a target, and whether that is certain."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from recordscan.estate.askers import insiders
from recordscan.estate.asking import Site
from recordscan.estate.reach import ABILITIES, Reach, reach
from recordscan.facts import Json, Known, Reason, Unavailable, need
from recordscan.testing import (
    AWS_ACCOUNT,
    BUCKET,
    KEY_ARN,
    PREFIX,
    REVIEWERS,
    TLS_ONLY_POLICY,
    WRITER_ARN,
    Case,
    role_details,
    sound,
)

ROOT = f"arn:aws:iam::{AWS_ACCOUNT}:root"
ROLE = f"arn:aws:iam::{AWS_ACCOUNT}:role/{REVIEWERS}"
FOREIGN = "444455556666"
OBJECTS = f"arn:aws:s3:::{BUCKET}/*"
EVERYONE = "http://acs.amazonaws.com/groups/global/AllUsers"
SIGNED_IN = "http://acs.amazonaws.com/groups/global/AuthenticatedUsers"
ALL = set(ABILITIES)

Found = dict[tuple[str, str], Reach]


def lines(case: Case, at: int = 0) -> Found:
    fact = reach(case.estate().targets[at])
    assert isinstance(fact, Known), fact
    found: Found = {(line.name, line.ability): line for line in fact.value}
    assert len(found) == len(fact.value)
    return found


def abilities(found: Found, name: str, *, certain: bool | None = None) -> set[str]:
    return {ability for (who, ability), line in found.items() if who == name and certain in (None, line.certain)}


def statement(effect: str = "Allow", action: Any = "s3:GetObject", resource: Any = OBJECTS, **more: Any) -> Json:
    return {"Sid": "Tried", "Effect": effect, "Action": action, "Resource": resource, **more}


def document(*statements: Json) -> Json:
    return {"Version": "2012-10-17", "Statement": list(statements)}


def bucket_policy(case: Case, *statements: Json) -> Case:
    text = json.dumps(document(*TLS_ONLY_POLICY["Statement"], *statements))
    case.answer("s3:GetBucketPolicy", {"Policy": text})
    return case


def open_to_public_policies(case: Case) -> Case:
    for operation in ("s3:GetPublicAccessBlock", "s3control:GetPublicAccessBlock"):
        case.answer(operation, None)
    return case


def role(case: Case, *statements: Json, name: str = "tried", **members: Json) -> str:
    case.set(
        "iam:GetAccountAuthorizationDetails",
        "/RoleDetailList/-",
        role_details(name, document(*statements), **members),
    )
    return f"arn:aws:iam::{AWS_ACCOUNT}:role/{name}"


def without_key(case: Case) -> Case:
    rule = "/ServerSideEncryptionConfiguration/Rules/0/ApplyServerSideEncryptionByDefault"
    case.set("s3:GetBucketEncryption", rule, {"SSEAlgorithm": "AES256"})
    return case


def key_policy(case: Case, *statements: Json) -> None:
    case.answer("kms:GetKeyPolicy", {"Policy": json.dumps(document(*statements))})


def test_in_a_sound_estate_the_reviewers_read_and_the_writer_writes() -> None:
    found = lines(sound())
    assert abilities(found, ROLE) == {"fetch", "decrypt", "read"}
    assert abilities(found, WRITER_ARN) == {"decrypt", "write"}
    assert abilities(found, ROOT) == ALL
    assert {name for name, _ in found} == {ROLE, WRITER_ARN, ROOT}
    assert all(line.certain and line.because and not line.depends_on for line in found.values())


def test_a_line_names_the_requests_and_the_statements() -> None:
    line = lines(sound())[ROLE, "read"]
    assert [ask.action for ask in line.witness] == ["s3:GetObject", "kms:Decrypt"]
    assert line.witness[0].resource.startswith(f"arn:aws:s3:::{BUCKET}/{PREFIX}RT")
    assert line.witness[1].resource == KEY_ARN
    assert line.because == (
        "s3:GetObject: statement ReadMedia of inline policy permissions allows it",
        "kms:Decrypt: statement Delegate of key policy allows it",
        "kms:Decrypt: statement DecryptMedia of inline policy permissions allows it",
    )
    assert line.source


def test_the_root_user_is_explained_where_no_policy_names_it() -> None:
    line = lines(sound())[ROOT, "fetch"]
    assert line.because == ("the root user of the owning account may do all that no policy denies",)


def test_a_denied_root_user_cannot() -> None:
    case = bucket_policy(sound(), statement("Deny", "s3:GetObject*", Principal={"AWS": ROOT}))
    assert {"fetch", "read"}.isdisjoint(abilities(lines(case), ROOT))


def test_a_target_without_a_bucket_is_nobodys() -> None:
    assert lines(sound(), 1) == {}


@pytest.mark.parametrize(
    ("operation", "permission"),
    [
        ("iam:GetAccountAuthorizationDetails", "iam:GetAccountAuthorizationDetails"),
        ("s3:GetBucketPolicy", "s3:GetBucketPolicy"),
        ("kms:GetKeyPolicy", "kms:GetKeyPolicy"),
        ("kms:ListGrants", "kms:ListGrants"),
    ],
)
def test_nothing_is_said_without_the_policies_of_all(operation: str, permission: str) -> None:
    case = sound()
    case.deny(operation)
    fact = reach(case.estate().targets[0])
    assert isinstance(fact, Unavailable)
    assert (fact.reason, fact.permission) == (Reason.ACCESS_DENIED, permission)


def test_unread_organization_policies_leave_every_line_open() -> None:
    case = sound()
    case.deny("organizations:DescribeOrganization")
    found = lines(case)
    assert abilities(found, ROLE, certain=False) == {"fetch", "decrypt", "read"}
    line = found[ROLE, "read"]
    assert any("service control policies" in words for words in line.depends_on)
    assert {gap.permission for gap in line.gaps} == {"organizations:DescribeOrganization"}


def test_a_bucket_of_another_account_is_not_told_about() -> None:
    case = sound()
    case.scope = replace(case.scope, bucket_owners=(FOREIGN,))
    for observation in case.snapshot().observations:
        if observation.request.get("ExpectedBucketOwner") == AWS_ACCOUNT:
            case.add(
                observation.operation, observation.answer, **{**observation.request, "ExpectedBucketOwner": FOREIGN}
            )
    case.add("s3control:GetPublicAccessBlock", {"PublicAccessBlockConfiguration": {}}, AccountId=FOREIGN)
    fact = reach(case.estate().targets[0])
    assert isinstance(fact, Unavailable)
    assert f"account {FOREIGN}, which owns the bucket" in fact.detail


def test_without_a_key_fetching_is_reading() -> None:
    case = without_key(sound())
    name = role(case, statement())
    found = lines(case)
    assert abilities(found, name) == {"fetch", "read"}
    assert len(found[name, "read"].witness) == 1


def test_with_a_key_fetching_alone_is_no_reading() -> None:
    case = sound()
    fetcher, decrypter = (
        role(case, statement(), name="fetcher"),
        role(case, statement(action="kms:Decrypt", resource=KEY_ARN), name="decrypter"),
    )
    found = lines(case)
    assert abilities(found, fetcher) == {"fetch"}
    assert abilities(found, decrypter) == {"decrypt"}


def test_the_aws_managed_key_opens_to_its_own_account_only() -> None:
    case = sound()
    rule = "/ServerSideEncryptionConfiguration/Rules/0/ApplyServerSideEncryptionByDefault"
    case.set("s3:GetBucketEncryption", rule, {"SSEAlgorithm": "aws:kms"})
    name = role(case, statement())
    found = lines(open_to_public_policies(bucket_policy(case, statement(Principal="*"))))
    assert abilities(found, name) == {"fetch", "read"}
    assert abilities(found, "anonymous") == {"fetch"}


def test_a_key_policy_that_names_nobody_keeps_everybody_out() -> None:
    case = sound()
    key_policy(case, statement(action="kms:*", resource="*", Principal={"AWS": WRITER_ARN}))
    found = lines(case)
    assert "read" not in abilities(found, ROLE)
    assert "read" not in abilities(found, ROOT)
    assert "decrypt" in abilities(found, WRITER_ARN)


@pytest.mark.parametrize(
    ("condition", "certain"),
    [
        ({"Bool": {"aws:SecureTransport": "true"}}, True),
        ({"NumericGreaterThanEquals": {"s3:TlsVersion": "1.2"}}, True),
        ({"StringEquals": {"aws:RequestedRegion": "eu-west-1"}}, True),
        ({"DateLessThan": {"aws:CurrentTime": "2031-01-01T00:00:00Z"}}, True),
        ({"DateGreaterThan": {"aws:TokenIssueTime": "2026-01-01T00:00:00Z"}}, True),
        ({"StringEquals": {"s3:authType": "REST-HEADER"}}, True),
        ({"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}}, False),
        ({"StringEquals": {"aws:SourceVpce": "vpce-1"}}, False),
        ({"Bool": {"aws:MultiFactorAuthPresent": "true"}}, False),
    ],
    ids=str,
)
def test_what_a_principal_chooses_is_no_obstacle_but_the_rest_is_open(condition: Json, certain: bool) -> None:
    case = without_key(sound())
    name = role(case, statement(Condition=condition))
    line = lines(case)[name, "fetch"]
    assert line.certain is certain
    if not certain:
        assert line.depends_on == (next(iter(next(iter(condition.values())))),)
        assert line.because == ("statement Tried of inline policy permissions allows it under conditions",)


@pytest.mark.parametrize("prefix", [PREFIX, "", "video/*"])
def test_lists_are_asked_for_with_the_prefix_that_is_allowed(prefix: str) -> None:
    case = sound()
    condition = {"StringLike": {"s3:prefix": prefix}} if prefix else {"Null": {"s3:prefix": "true"}}
    name = role(case, statement(action="s3:ListBucket", resource=f"arn:aws:s3:::{BUCKET}", Condition=condition))
    assert lines(case)[name, "list"].certain


def test_a_second_factor_of_a_user_is_open_too() -> None:
    case = sound()
    guarded = document(statement(Condition={"Bool": {"aws:MultiFactorAuthPresent": "true"}}))
    user = "/UserDetailList/0"
    policies = [{"PolicyName": "mine", "PolicyDocument": guarded}]
    case.set("iam:GetAccountAuthorizationDetails", f"{user}/UserPolicyList", policies)
    case.set("iam:GetAccountAuthorizationDetails", f"{user}/PermissionsBoundary", None)
    assert not lines(case)[WRITER_ARN, "fetch"].certain


@pytest.mark.parametrize(
    ("resource", "name"),
    [
        (f"arn:aws:s3:::{BUCKET}/{PREFIX}2024/*", f"arn:aws:s3:::{BUCKET}/{PREFIX}2024/"),
        (f"arn:aws:s3:::*/{PREFIX}*.mp4", f"arn:aws:s3:::{BUCKET}/{PREFIX}.mp4"),
    ],
)
def test_a_part_of_the_prefix_is_found(resource: str, name: str) -> None:
    case = without_key(sound())
    who = role(case, statement(resource=resource))
    assert lines(case)[who, "fetch"].witness[0].resource == name


def test_a_part_of_the_prefix_that_a_tag_names_is_open() -> None:
    case = without_key(sound())
    who = role(case, statement(resource=f"arn:aws:s3:::{BUCKET}/{PREFIX}${{aws:PrincipalTag/team}}/*"))
    assert lines(case)[who, "fetch"].depends_on == ("aws:PrincipalTag/team",)


def test_a_denied_part_of_the_prefix_leaves_the_rest() -> None:
    case = without_key(sound())
    sample = f"arn:aws:s3:::{BUCKET}/{PREFIX}*.mka"
    who = role(case, statement(), statement("Deny", resource=sample))
    line = lines(case)[who, "fetch"]
    assert line.certain
    assert not line.witness[0].resource.endswith(".mka")


def test_not_resource_is_looked_into() -> None:
    case = without_key(sound())
    spared = {
        "Sid": "Tried",
        "Effect": "Allow",
        "Action": "s3:GetObject",
        "NotResource": f"arn:aws:s3:::{BUCKET}/*.mka",
    }
    who = role(case, spared)
    assert lines(case)[who, "fetch"].certain


def test_policies_about_other_places_give_nothing() -> None:
    case = sound()
    who = role(case, statement(action="*", resource="arn:aws:s3:::other/*"))
    assert abilities(lines(case), who) == set()


def test_a_boundary_limits_and_a_service_linked_role_is_a_line() -> None:
    case = sound()
    boundary = {"PermissionsBoundaryType": "Policy", "PermissionsBoundaryArn": "arn:aws:iam::aws:policy/Nothing"}
    bounded = role(case, statement(), name="bounded", PermissionsBoundary=boundary)
    linked_arn = f"arn:aws:iam::{AWS_ACCOUNT}:role/aws-service-role/x.amazonaws.com/AWSServiceRoleForX"
    role(case, statement(), name="AWSServiceRoleForX", Arn=linked_arn)
    case.set(
        "iam:GetAccountAuthorizationDetails",
        "/Policies",
        [
            {
                "Arn": "arn:aws:iam::aws:policy/Nothing",
                "PolicyName": "Nothing",
                "PolicyVersionList": [{"IsDefaultVersion": True, "Document": document(statement("Deny", "*", "*"))}],
            }
        ],
    )
    found = lines(case)
    assert abilities(found, bounded) == set()
    assert abilities(found, linked_arn) == {"fetch"}


@pytest.mark.parametrize("value", [FOREIGN, f"arn:aws:iam::{FOREIGN}:root", f"arn:aws:iam::{FOREIGN}:role/partner"])
def test_a_foreign_principal_may_but_its_own_policies_are_not_read(value: str) -> None:
    found = lines(bucket_policy(sound(), statement(Principal={"AWS": value})))
    name = f"arn:aws:iam::{FOREIGN}:root" if value == FOREIGN else value
    line = found[name, "fetch"]
    assert not line.certain
    assert line.depends_on == (f"the policies of account {FOREIGN} are not read",)
    assert line.because == ("statement Tried of bucket policy allows it",)
    assert "read" not in abilities(found, name)


def test_account_ids_are_of_the_bucket_s_partition() -> None:
    case = sound()
    identity = {**case.find("sts:GetCallerIdentity"), "Arn": f"arn:aws-cn:sts::{AWS_ACCOUNT}:assumed-role/audit/scan"}
    case.answer("sts:GetCallerIdentity", identity)
    bucket_policy(case, statement(Principal={"AWS": FOREIGN}, resource=OBJECTS.replace("aws", "aws-cn")))
    assert (f"arn:aws-cn:iam::{FOREIGN}:root", "fetch") in lines(case)


def test_a_service_a_session_and_a_canonical_user_have_lines() -> None:
    session = f"arn:aws:sts::{AWS_ACCOUNT}:assumed-role/{REVIEWERS}/anna"
    identity = "arn:aws:iam::cloudfront:user/CloudFront Origin Access Identity E1"
    case = bucket_policy(
        sound(),
        statement(Principal={"Service": "cloudfront.amazonaws.com"}),
        statement(action="s3:DeleteObject", Principal={"AWS": [session, identity]}),
        statement(action="s3:PutObject", Principal={"CanonicalUser": "c" * 64}),
        statement(action="s3:PutObject", Principal={"AWS": ["AIDAIOSFODNN7EXAMPLE", f"{ROLE}-gone"]}),
    )
    found = lines(case)
    assert abilities(found, "cloudfront.amazonaws.com", certain=True) == {"fetch"}
    assert abilities(found, session, certain=True) == {"fetch", "decrypt", "read", "delete"}
    assert abilities(found, identity, certain=True) == {"delete"}
    assert abilities(found, "c" * 64, certain=False) == {"write"}
    assert {name for name, _ in found} == {
        *(ROLE, ROOT, WRITER_ARN, session, identity, "c" * 64),
        "cloudfront.amazonaws.com",
    }


@pytest.mark.parametrize(
    "who", [{"Principal": "*"}, {"Principal": {"AWS": "*"}}, {"NotPrincipal": {"AWS": WRITER_ARN}}], ids=str
)
def test_everybody_is_the_anonymous_line(who: dict[str, Json]) -> None:
    found = lines(bucket_policy(open_to_public_policies(without_key(sound())), statement(**who)))
    assert abilities(found, "anonymous", certain=True) == {"fetch", "read"}
    assert abilities(found, "other accounts") == set()


def test_restricted_public_buckets_cut_everybody_off() -> None:
    found = lines(bucket_policy(sound(), statement(Principal="*"), statement(Principal={"AWS": FOREIGN})))
    assert {name for name, _ in found} == {ROLE, ROOT, WRITER_ARN}


def test_a_public_statement_about_another_action_cuts_strangers_off_too() -> None:
    tags = statement(action="s3:GetObjectTagging", Principal="*")
    found = lines(bucket_policy(sound(), tags, statement(Principal={"AWS": FOREIGN})))
    assert abilities(found, f"arn:aws:iam::{FOREIGN}:root") == set()


def test_everybody_of_an_organization_is_no_anonymous_caller() -> None:
    mine = {"StringEquals": {"aws:PrincipalOrgID": "o-acme123456"}}
    found = lines(bucket_policy(sound(), statement(Principal="*", Condition=mine)))
    assert abilities(found, "anonymous") == set()
    line = found["other accounts", "fetch"]
    assert not line.certain
    assert line.depends_on == ("aws:PrincipalOrgID", "the policies of the other account are not read")


def test_a_grantee_of_the_key_has_a_line() -> None:
    grant = {"GrantId": "g1", "GranteePrincipal": f"arn:aws:iam::{FOREIGN}:role/app", "Operations": ["Decrypt"]}
    case = sound()
    case.set("kms:ListGrants", "/Grants/-", grant)
    assert abilities(lines(case), f"arn:aws:iam::{FOREIGN}:role/app", certain=False) == {"decrypt"}


def live_acl(case: Case, *grants: tuple[str, str, str]) -> Case:
    case.set("s3:GetBucketOwnershipControls", "/OwnershipControls/Rules/0/ObjectOwnership", "ObjectWriter")
    for kind, grantee, permission in grants:
        case.set("s3:GetBucketAcl", "/Grants/-", {"Grantee": {kind: grantee}, "Permission": permission})
    return case


def test_the_acl_gives_to_groups_and_canonical_users() -> None:
    grants = (("URI", EVERYONE, "READ"), ("URI", SIGNED_IN, "FULL_CONTROL"), ("ID", "d" * 64, "WRITE"))
    found = lines(live_acl(open_to_public_policies(sound()), *grants))
    assert abilities(found, "anonymous", certain=True) == {"list"}
    assert abilities(found, "other accounts", certain=True) == {"write", "delete", "change"}
    assert abilities(found, "d" * 64, certain=False) == {"write", "delete"}
    assert abilities(found, "f" * 64) == set()
    assert found["anonymous", "list"].because == ("the bucket's ACL gives READ",)


def deny_lists(case: Case) -> None:
    bucket_policy(case, statement("Deny", "s3:ListBucket", f"arn:aws:s3:::{BUCKET}", Principal="*"))


def enforce_ownership(case: Case) -> None:
    case.set("s3:GetBucketOwnershipControls", "/OwnershipControls/Rules/0/ObjectOwnership", "BucketOwnerEnforced")


@pytest.mark.parametrize("stop", [deny_lists, enforce_ownership])
def test_the_acl_gives_nothing_where_it_is_off_or_denied(stop: Callable[[Case], None]) -> None:
    case = live_acl(open_to_public_policies(sound()), ("URI", EVERYONE, "READ"))
    stop(case)
    assert abilities(lines(case), "anonymous") == set()


def test_public_grants_of_the_acl_may_be_ignored_and_denials_may_be_open() -> None:
    case = live_acl(sound(), ("URI", EVERYONE, "READ"))
    assert abilities(lines(case), "anonymous") == set()
    condition = {"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}}
    bucket_policy(
        open_to_public_policies(case),
        statement("Deny", "s3:ListBucket", f"arn:aws:s3:::{BUCKET}", Principal="*", Condition=condition),
    )
    line = lines(case)["anonymous", "list"]
    assert (line.certain, line.depends_on) == (False, ("aws:SourceIp",))


def test_without_a_bucket_key_grants_and_conditions_are_about_objects() -> None:
    case = sound()
    case.set("s3:GetBucketEncryption", "/ServerSideEncryptionConfiguration/Rules/0/BucketKeyEnabled", False)
    about = {"StringLike": {"kms:EncryptionContext:aws:s3:arn": f"arn:aws:s3:::{BUCKET}/{PREFIX}*"}}
    who = role(case, statement(), statement(action="kms:Decrypt", resource=KEY_ARN, Condition=about))
    line = lines(case)[who, "read"]
    assert line.certain
    assert line.witness[1].about == line.witness[0].resource


def test_the_answer_cites_whole_observations_and_is_kept() -> None:
    target = sound().estate().targets[0]
    fact = target.reach
    assert target.reach is fact
    assert {place.pointer for place in fact.source} == {""}


BROAD = [
    "*",
    "arn:*",
    "arn:aws:s3",
    "arn:aws:s3:::*",
    "arn:aws:s3:::acme-*/video/*",
    "arn:aws:s3:::*-media*",
    "arn:*:kms:*",
]
NARROW = ["arn:aws:s3:::other/*", f"arn:aws:s3:::{BUCKET}-2/*", "arn:aws:sqs:*:*:q", KEY_ARN[:-1] + "f"]

NAMED: list[Json] = [
    None,
    *(
        {"AWS": value}
        for value in (
            f"arn:aws:iam::{AWS_ACCOUNT}:role/tried",
            f"arn:aws:sts::{AWS_ACCOUNT}:assumed-role/tried/session",
            f"arn:aws:iam::{AWS_ACCOUNT}:role/other",
            AWS_ACCOUNT,
            "444455556666",
            "*",
        )
    ),
    {"CanonicalUser": "f" * 64},
]
"""Whom the bucket's policy lets in."""


@pytest.mark.parametrize(
    "granted",
    [
        *(
            statement(action=action, resource=where)
            for action in ("*", "s3:*", ["sqs:*", "k*:*"])
            for where in BROAD + NARROW
        ),
        statement(action="sqs:SendMessage", resource="*"),
        statement(resource=f"arn:aws:s3:::{BUCKET}/${{aws:username}}/*"),
        statement(resource=f"arn:aws:s3:::{BUCKET[:-2]}??/*"),
        {"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"},
        {"Effect": "Allow", "Action": "s3:GetObject", "NotResource": "arn:aws:s3:::other/*"},
        statement(effect="Deny", action="*", resource="*"),
    ],
    ids=str,
)
@pytest.mark.parametrize("named", NAMED)
def test_whoever_is_passed_over_as_out_of_reach_would_get_no_line(
    monkeypatch: pytest.MonkeyPatch, granted: Json, named: Json
) -> None:
    case = sound()
    role(case, granted)
    if named is not None:
        bucket_policy(case, statement(Principal=named))
    passing_over = lines(case)
    monkeypatch.setattr(Site, "out_of_reach", lambda _site, _asker: False)
    assert lines(case) == passing_over


@pytest.mark.parametrize("named", [None, {"AWS": "444455556666"}, {"AWS": f"arn:aws:iam::{AWS_ACCOUNT}:role/other"}])
def test_a_role_with_nothing_to_do_here_is_passed_over(named: Json) -> None:
    case = sound()
    role(case, statement(action="sqs:*", resource="*"))
    if named is not None:
        bucket_policy(case, statement(Principal=named))
    [target, *_] = case.estate().targets
    tried = [asker for asker in insiders(need(target.principals), AWS_ACCOUNT, "aws") if asker.name.endswith("/tried")]
    assert [Site(target).out_of_reach(asker) for asker in tried] == [True]


@pytest.mark.parametrize("action", ["s3:PutObjectAcl", "s3:PutBucketAcl"])
def test_where_acls_are_disabled_nobody_can_change_them(action: str) -> None:
    """See https://docs.aws.amazon.com/AmazonS3/latest/userguide/about-object-ownership.html."""
    case = sound()
    name = role(case, statement(action=action, resource="*"))
    assert abilities(lines(case), name) == set()
    for ownership in ("ObjectWriter", "BucketOwnerPreferred"):
        case.set("s3:GetBucketOwnershipControls", "/OwnershipControls/Rules/0/ObjectOwnership", ownership)
        assert abilities(lines(case), name) == {"change"}


def test_the_witness_of_a_change_is_what_does_most() -> None:
    case = sound()
    case.set("s3:GetBucketOwnershipControls", "/OwnershipControls/Rules/0/ObjectOwnership", "ObjectWriter")
    name = role(case, statement(action="s3:*", resource="*"))
    assert [ask.action for ask in lines(case)[name, "change"].witness] == ["s3:PutBucketPolicy"]


def test_of_two_uncertain_ways_the_one_that_depends_on_less_is_told() -> None:
    partner = f"arn:aws:iam::{FOREIGN}:role/partner"
    principal: Json = {"AWS": partner}
    pinned: Json = {"StringEquals": {"aws:SourceVpce": "vpce-1"}}
    case = bucket_policy(
        without_key(sound()),
        statement(Principal=principal, Condition=pinned),
        statement(action="s3:GetObjectVersion", Principal=principal),
    )
    line = lines(case)[partner, "fetch"]
    assert [ask.action for ask in line.witness] == ["s3:GetObjectVersion"]
    assert "aws:SourceVpce" not in line.depends_on
    assert line.depends_on
