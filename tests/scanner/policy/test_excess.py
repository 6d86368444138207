import time
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recordscan.facts import Citation, Known, Reason, Unavailable
from recordscan.policy.authorize import Layers, decide
from recordscan.policy.excess import Excess, excess
from recordscan.policy.families import FAMILIES, Family, zones_of
from recordscan.policy.request import requester_of
from recordscan.policy.rows import Grant, Policy
from recordscan.policy.template import Place, minimal_policy, template_document
from recordscan.policy.writer import Question, Writer
from scanner.policy.writers import (
    ACCOUNT,
    BUCKET,
    DELEGATION,
    KEY,
    PLACE,
    ROOT,
    USER,
    Body,
    allow,
    deny,
    policy,
    writer,
)

ROLE = f"arn:aws:iam::{ACCOUNT}:role/admin"
UPLOAD = allow("s3:PutObject", f"{BUCKET}/recordings/*")
BODY_READ = allow("s3:GetObject", f"{BUCKET}/recordings/*")
UNREADABLE = Unavailable(Reason.ACCESS_DENIED, "not allowed to read it")


def found(of: Writer) -> tuple[Excess, ...]:
    fact = excess(of)
    assert isinstance(fact, Known)
    for line in fact.value:
        check(of, line)
    return fact.value


def check(of: Writer, line: Excess) -> None:
    """That a line is a true claim about something beyond the template."""
    decision = of.ask(line.witness)
    assert decision == line.decision
    assert decision.allowed is (True if line.certain else None)
    assert line.rows or of.requester.kind == "root"
    assert line.actions
    assert line.resources
    guide = Known((Policy("guide", template_document(of.place)),))
    key = replace(of.layers(line.witness.action, line.witness.resource), identity=guide, boundary=Known(None))
    root = Known(policy("key policy", DELEGATION, kind="resource"))
    bare = replace(key, resource=root, scps=Known(None), grants=Known(()))
    on_key = line.witness.action.startswith("kms:")
    asked = replace(of.request(line.witness), requester=requester_of(USER))
    assert decide(asked, bare if on_key else Layers(identity=guide)).allowed is False


def line(of: Writer, family: Family) -> Excess:
    [only] = [line for line in found(of) if line.family == family]
    return only


def families(of: Writer) -> list[Family]:
    return [line.family for line in found(of)]


def claims(of: Writer) -> set[tuple[Family, str]]:
    return {(line.family, action) for line in found(of) for action in line.actions}


def test_the_least_policy_and_the_guides_have_no_excess() -> None:
    for full in (False, True):
        assert found(writer(*minimal_policy(PLACE, full_template=full)["Statement"])) == ()


@given(prefix=st.text(alphabet="a*?${}/", max_size=6), full=st.booleans())
@settings(deadline=None)
def test_a_least_policy_has_no_excess_whatever_the_prefix(prefix: str, full: bool) -> None:
    place = replace(PLACE, prefix=prefix)
    assert found(writer(*minimal_policy(place, full_template=full)["Statement"], place=place)) == ()


def test_an_administrator_is_told_in_one_line_for_each_family_the_worst_first() -> None:
    of = writer(allow("*", "*"))
    assert families(of) == list(FAMILIES)
    assert [line.rank for line in found(of)] == list(range(len(FAMILIES)))
    assert all(line.certain for line in found(of))
    assert all(line.resources == ("*",) for line in found(of))
    assert len(line(of, "services").actions) > 10_000


def test_an_administrator_is_told_quickly() -> None:
    of = writer(allow("*", "*"))
    excess(of)
    begun = time.monotonic()
    excess(of)
    assert time.monotonic() - begun < 2


@pytest.mark.parametrize(
    ("statement", "family", "action", "resource"),
    [
        (allow("iam:PutUserPolicy", "*"), "identity", "iam:PutUserPolicy", USER),
        (allow("iam:*", ROLE), "identity", "iam:PassRole", ROLE),
        (allow("sts:AssumeRole", ROLE), "identity", "sts:AssumeRole", ROLE),
        (allow("s3:PutBucketPolicy", "*"), "policies", "s3:PutBucketPolicy", BUCKET),
        (allow("s3:PutObjectAcl", f"{BUCKET}/*"), "policies", "s3:PutObjectAcl", f"{BUCKET}/recordings/RT0"),
        (allow("kms:PutKeyPolicy", KEY), "key-control", "kms:PutKeyPolicy", KEY),
        (allow("s3:PutBucketVersioning", BUCKET), "settings", "s3:PutBucketVersioning", BUCKET),
        (allow("s3:DeleteObject*", f"{BUCKET}/*"), "delete", "s3:DeleteObject", f"{BUCKET}/recordings/RT0"),
        (allow("kms:ScheduleKeyDeletion", "*"), "key-control", "kms:ScheduleKeyDeletion", KEY),
        (allow("s3:Get*", f"{BUCKET}/recordings/RT1"), "read", "s3:GetObject", f"{BUCKET}/recordings/RT1"),
        (allow("s3:ListBucket", BUCKET), "list", "s3:ListBucket", BUCKET),
        (allow("s3:ListAllMyBuckets", "arn:aws:s3:::*"), "list", "s3:ListAllMyBuckets", "*"),
        (allow("kms:Sign", KEY), "key", "kms:Sign", KEY),
        (allow("kms:ListAliases", "*"), "key", "kms:ListAliases", "*"),
        (allow("iam:ListUsers", "*"), "services", "iam:ListUsers", "*"),
        (allow("ssm:SendCommand", "*"), "identity", "ssm:SendCommand", "*"),
        (allow("ec2:RunInstances", "*"), "services", "ec2:RunInstances", "*"),
        (allow("s3:PutObject", f"{BUCKET}/r*"), "other-prefixes", "s3:PutObject", f"{BUCKET}/rx"),
        (
            allow("s3:PutObject", "arn:aws:s3:::*/recordings/*"),
            "other-prefixes",
            "s3:PutObject",
            f"{BUCKET}//recordings/",
        ),
        (allow("s3:PutObject", "arn:aws:s3:::acme-*"), "other-buckets", "s3:PutObject", "arn:aws:s3:::acme-/b"),
        (
            allow("s3:GetObject", f"arn:aws:s3:eu-west-1:{ACCOUNT}:accesspoint/x/object/*"),
            "other-buckets",
            "s3:GetObject",
            f"arn:aws:s3:eu-west-1:{ACCOUNT}:accesspoint/x/object/x",
        ),
        (allow("kms:Decrypt", "*"), "other-keys", "kms:Decrypt", f"arn:aws:kms:eu-west-1:{ACCOUNT}:key/any"),
    ],
)
def test_a_grant_beyond_the_template_is_told_with_a_request_to_check_it_by(
    statement: Body, family: Family, action: str, resource: str
) -> None:
    told = line(writer(UPLOAD, statement), family)
    assert (told.witness.action, told.witness.resource) == (action, resource)
    assert told.certain
    assert statement["Resource"] in told.resources
    assert [row.label for row in told.rows if row.policy == "inline"] == ["#2"]


def test_actions_are_named_the_most_telling_first_and_cut_in_words_only() -> None:
    told = line(writer(allow("s3:Get*", f"{BUCKET}/*")), "read")
    assert told.named(2).startswith("s3:GetObject, s3:GetObjectAcl and ")
    assert told.named(100) == ", ".join(sorted(told.actions))
    assert "s3:GetObjectVersion" in told.actions


@pytest.mark.parametrize("action", ["s3:Bogus", "s3:Bogus*"])
def test_an_action_that_is_not_known_is_told_as_it_stands(action: str) -> None:
    assert line(writer(allow(action, f"{BUCKET}/recordings/*")), "settings").actions == (action,)


def test_an_action_that_only_new_keys_of_the_template_could_name_is_none() -> None:
    assert found(writer(allow("kms:GenerateDataKeyFutureKind", KEY))) == ()


def test_what_the_writer_is_to_do_at_other_places_is_no_excess() -> None:
    other = Place(bucket_arn="arn:aws:s3:::acme-other", prefix="video/", key_arn=KEY[:-1] + "f")
    of = writer(*minimal_policy(PLACE)["Statement"], *minimal_policy(other, full_template=True)["Statement"])
    assert families(of) == ["other-buckets", "other-keys"]
    assert families(replace(of, also=(other,))) == []


def test_actions_that_are_wanted_beside_the_guides_are_no_excess() -> None:
    of = writer(UPLOAD, allow("s3:AbortMultipartUpload", f"{BUCKET}/*"))
    wanted = replace(PLACE, more_actions=("s3:AbortMultipartUpload",))
    assert families(of) == ["settings", "other-prefixes"]
    assert families(replace(of, place=wanted)) == ["other-prefixes"]


def test_a_grant_of_all_but_some_actions_is_expanded() -> None:
    of = writer({"Effect": "Allow", "NotAction": ["iam:*", "s3:*", "kms:*"], "Resource": "*"})
    assert families(of) == ["identity", "services", "other-buckets"]
    assert "sts:AssumeRole" in line(of, "identity").actions


def test_other_services_do_nothing_with_objects_and_keys() -> None:
    assert "services" not in families(writer(allow("*", [f"{BUCKET}/*", KEY])))
    table = f"arn:aws:dynamodb:*:{ACCOUNT}:table/*"
    assert line(writer(allow("*", table)), "services").resources == (table,)


def test_a_grant_on_all_but_some_resources_reaches_the_others() -> None:
    of = writer({"Effect": "Allow", "Action": "s3:GetObject", "NotResource": f"{BUCKET}/*"})
    assert families(of) == ["other-buckets"]
    assert line(of, "other-buckets").resources == (f"all but {BUCKET}/*",)


# Denials.


def test_a_denial_of_all_of_it_leaves_nothing() -> None:
    assert found(writer(UPLOAD, allow("s3:GetObject", f"{BUCKET}/recordings/*"), deny("s3:Get*", f"{BUCKET}/*"))) == ()


def test_a_denial_of_a_part_is_gone_round() -> None:
    of = writer(
        allow("s3:GetObject", f"{BUCKET}/recordings/*"), deny("s3:*", [f"{BUCKET}/recordings/{c}*" for c in "Ra"])
    )
    assert line(of, "read").witness.resource == f"{BUCKET}/recordings/x"


def test_a_denial_of_all_but_the_prefix_leaves_the_prefix() -> None:
    of = writer(allow("s3:*", "*"), {"Effect": "Deny", "Action": "s3:*", "NotResource": f"{BUCKET}/recordings/*"})
    assert "other-prefixes" not in families(of)
    assert "other-buckets" not in families(of)
    assert line(of, "read").witness.resource == f"{BUCKET}/recordings/RT0"


def test_a_denial_of_all_but_uploading_leaves_nothing() -> None:
    of = writer(allow("*", "*"), {"Effect": "Deny", "NotAction": "s3:PutObject", "Resource": "*"})
    assert {action for _, action in claims(of)} == {"s3:PutObject"}


def test_the_guides_denial_of_everything_denies_nothing() -> None:
    of = writer(allow("s3:GetObject", f"{BUCKET}/*"), {"Effect": "Deny", "NotAction": "*", "Resource": "*"})
    assert families(of) == ["read", "other-prefixes"]


def test_a_denial_without_tls_mitigates_nothing() -> None:
    tls = deny("s3:*", "*", Condition={"Bool": {"aws:SecureTransport": "false"}})
    assert line(writer(allow("s3:GetObject", f"{BUCKET}/recordings/*"), tls), "read").certain


def test_a_denial_on_an_unknown_condition_leaves_it_uncertain() -> None:
    condition = {"StringNotEquals": {"aws:SourceVpce": "vpce-1"}}
    told = line(writer(allow("s3:GetObject", f"{BUCKET}/*"), deny("s3:*", "*", Condition=condition)), "read")
    assert not told.certain
    assert [row.effect for row in told.rows] == ["Allow", "Deny"]


def test_a_denial_on_a_known_condition_counts() -> None:
    condition = {"StringEquals": {"aws:username": "twilio"}}
    assert found(writer(allow("s3:GetObject", f"{BUCKET}/*"), deny("s3:*", "*", Condition=condition))) == ()


# Other layers.


def test_a_boundary_binds_what_identity_policies_grant() -> None:
    of = writer(allow("*", "*"), boundary=[allow(["s3:PutObject", "s3:GetObject"], f"{BUCKET}/recordings/sub/*")])
    assert claims(of) == {("read", "s3:GetObject")}
    assert line(of, "read").witness.resource == f"{BUCKET}/recordings/sub/x"


def test_every_level_of_the_organization_must_allow() -> None:
    levels = (
        ("root", (policy("all", allow("*", "*")),)),
        ("media", (policy("reads", allow("s3:GetObject", f"{BUCKET}/[a]*")), policy("x", allow("s3:GetObject", "*")))),
    )
    assert families(writer(allow("*", "*"), scps=Known(levels))) == ["read", "other-prefixes", "other-buckets"]


def test_an_organization_that_cannot_be_read_leaves_it_uncertain() -> None:
    of = writer(allow("s3:GetObject", f"{BUCKET}/recordings/*"), scps=UNREADABLE)
    assert not line(of, "read").certain


def test_a_bucket_policy_grants_too() -> None:
    of = writer(UPLOAD, bucket=[allow("s3:GetObject", f"{BUCKET}/*", Principal={"AWS": USER})])
    assert families(of) == ["read", "other-prefixes"]
    assert line(of, "read").rows[0].policy == "bucket policy"


@pytest.mark.parametrize("principal", [{"AWS": ROOT}, {"AWS": ROLE}, {"Service": "s3.amazonaws.com"}])
def test_a_bucket_policy_for_others_grants_nothing(principal: Body) -> None:
    assert found(writer(UPLOAD, bucket=[allow("s3:*", f"{BUCKET}/*", Principal=principal)])) == ()


def test_a_key_policy_grants_too() -> None:
    of = writer(UPLOAD, key=[DELEGATION, allow("kms:*", "*", Principal={"AWS": USER})])
    assert "kms:ScheduleKeyDeletion" in line(of, "key-control").actions
    assert "other-keys" not in families(of)


def test_a_key_policy_that_does_not_delegate_binds_identity_policies() -> None:
    other = allow("kms:*", "*", Principal={"AWS": ROLE})
    assert found(writer(allow("kms:*", KEY), key=[other])) == ()


def test_a_grant_of_the_key_grants_too() -> None:
    of = writer(UPLOAD, grants=[Grant(id="g1", grantee=USER, operations=("Decrypt", "Sign"))])
    assert claims(of) == {("key", "kms:Sign")}
    assert line(of, "key").resources == ("grant g1",)


def test_a_key_that_may_be_used_through_s3_only_is_asked_for_so() -> None:
    condition = {"StringEquals": {"kms:ViaService": "s3.eu-west-1.amazonaws.com"}}
    template = minimal_policy(PLACE, full_template=True)["Statement"]
    assert found(writer(template[0], {**template[1], "Condition": condition})) == ()
    told = line(writer(allow("kms:Decrypt", "*", Condition=condition)), "other-keys")
    assert told.certain
    assert told.witness.through_s3


def test_what_is_taken_for_granted_elsewhere_is_said() -> None:
    of = writer(allow(["kms:Decrypt", "sts:AssumeRole"], "*"))
    assert line(of, "other-keys").assumes == "the policy of the key delegates to the account"
    assert line(of, "identity").assumes == "the role trusts the account"


def test_a_role_of_another_account_is_found() -> None:
    role = "arn:aws:iam::444455556666:role/admin"
    assert line(writer(allow("sts:AssumeRole", role)), "identity").witness.resource == role


def test_in_a_bucket_of_another_account_both_sides_must_allow() -> None:
    identity, owner = allow("s3:*", "*"), "444455556666"
    shared = allow("s3:GetObject", f"{BUCKET}/recordings/sub/*", Principal={"AWS": ACCOUNT})
    assert not {"read", "other-prefixes"} & set(families(writer(identity, owner=owner)))
    assert line(writer(identity, owner=owner, bucket=[shared]), "read").actions == ("s3:GetObject",)
    assert found(writer(UPLOAD, owner=owner, bucket=[shared])) == ()


def test_the_root_user_is_told_like_an_administrator() -> None:
    assert families(writer(user=ROOT)) == list(FAMILIES)


def test_a_variable_that_is_known_is_put_in() -> None:
    of = writer(allow("s3:PutObject", [f"{BUCKET}/recordings/*", f"{BUCKET}/${{aws:username}}/*"]))
    assert line(of, "other-prefixes").witness.resource == f"{BUCKET}/twilio/x"


def test_a_variable_that_is_not_known_leaves_it_uncertain() -> None:
    of = writer(allow("s3:GetObject", f"{BUCKET}/recordings/${{aws:PrincipalTag/team}}/*"))
    assert not line(of, "read").certain


def test_nothing_is_said_where_a_policy_that_may_grant_cannot_be_read() -> None:
    of = writer(UPLOAD)
    unread = replace(of, on_bucket=replace(of.on_bucket, resource=UNREADABLE))
    assert excess(unread) == UNREADABLE
    assert "read" in families(writer(UPLOAD, allow("s3:GetObject", "*")))


LAYERS_THAT_GRANT = [("on_bucket", "identity"), ("on_bucket", "resource"), ("on_key", "resource"), ("on_key", "grants")]


@pytest.mark.parametrize(("on", "layer"), LAYERS_THAT_GRANT)
def test_each_layer_that_may_grant_must_be_read_to_find_nothing(on: str, layer: str) -> None:
    of = writer(UPLOAD)
    assert found(of) == ()
    closed: dict[str, Any] = {layer: UNREADABLE}
    unread: dict[str, Any] = {on: replace(getattr(of, on), **closed)}
    assert excess(replace(of, **unread)) == UNREADABLE


def test_layers_that_only_limit_need_not_be_read_to_find_nothing() -> None:
    of = writer(UPLOAD)
    closed = replace(of.on_bucket, boundary=UNREADABLE, scps=UNREADABLE, rcps=UNREADABLE)
    assert isinstance(excess(replace(of, on_bucket=closed)), Known)


def test_what_was_found_rests_on_every_policy_that_was_read() -> None:
    of = writer(UPLOAD)
    layers = replace(of.on_bucket, identity=replace(of.on_bucket.identity, source=(Citation("ev-identity"),)))
    assert of.on_key is not None
    key = replace(of.on_key, resource=replace(of.on_key.resource, source=(Citation("ev-key"),)))
    fact = excess(replace(of, on_bucket=layers, on_key=key))
    assert {place.observation for place in fact.source} == {"ev-identity", "ev-key"}


SUB = f"{BUCKET}/recordings/sub/*"
NO_OTHER = deny("s3:*", f"{BUCKET}/other/*")
BY_NAME = allow("s3:GetObject", f"{BUCKET}/*", Principal={"AWS": USER})


def test_a_boundary_does_not_bind_what_a_bucket_policy_grants_the_user_by_name() -> None:
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic_policy-eval-denyallow.html."""
    assert families(writer(UPLOAD, bucket=[BY_NAME], boundary=[UPLOAD])) == ["read", "other-prefixes"]
    assert families(writer(UPLOAD, bucket=[BY_NAME], boundary=[UPLOAD, deny("s3:GetObject", "*")])) == []


def but(resource: str) -> Body:
    """Denies everything but a resource."""
    return {"Effect": "Deny", "Action": "s3:*", "NotResource": resource}


def scps_of(*statements: Body) -> Known[tuple[tuple[str, tuple[Policy, ...]], ...] | None]:
    return Known((("root", (policy("scp", *statements),)),))


@pytest.mark.parametrize(
    "limited",
    [
        writer(UPLOAD, bucket=[BY_NAME], scps=scps_of(allow("s3:*", SUB))),
        writer(UPLOAD, bucket=[BY_NAME], boundary=[UPLOAD], scps=scps_of(allow("s3:*", SUB))),
        writer(UPLOAD, allow("s3:GetObject", "*"), scps=scps_of(allow("s3:*", SUB))),
        writer(UPLOAD, allow("s3:GetObject", "*"), scps=scps_of(allow("s3:*", "*"), but(SUB))),
        writer(UPLOAD, allow("s3:GetObject", SUB), scps=scps_of(allow("s3:*", f"{BUCKET}/*/sub/*"))),
        writer(UPLOAD, allow("s3:GetObject", "*"), boundary=[allow("s3:*", f"{BUCKET}/*/sub/*"), NO_OTHER]),
    ],
)
def test_what_limits_is_met_with_what_grants(limited: Writer) -> None:
    """A request is looked for where all of them meet."""
    witness = line(limited, "read").witness
    assert witness.resource.startswith(f"{BUCKET}/recordings/sub/")


def test_in_a_bucket_of_another_account_a_grant_by_name_needs_the_identity_policy_too() -> None:
    owner = "444455556666"
    assert "read" in families(writer(allow("s3:*", "*"), owner=owner, bucket=[BY_NAME]))
    assert families(writer(UPLOAD, owner=owner, bucket=[BY_NAME])) == []
    limited = writer(allow("s3:*", "*"), owner=owner, bucket=[BY_NAME], boundary=[allow("s3:GetObject", SUB)])
    assert line(limited, "read").witness.resource == f"{BUCKET}/recordings/sub/x"


def with_rcp(of: Writer, *statements: Body) -> Writer:
    rcps = Known((("root", (policy("rcp", *statements, kind="rcp"),)),))
    assert of.on_key is not None
    return replace(of, on_bucket=replace(of.on_bucket, rcps=rcps), on_key=replace(of.on_key, rcps=rcps))


def test_a_policy_of_the_bucket_s_organization_denies_too() -> None:
    of = writer(UPLOAD, allow("s3:GetObject", f"{BUCKET}/recordings/*"))
    everyone = {"Principal": "*"}
    assert families(with_rcp(of, deny("s3:GetObject", "*", **everyone))) == []
    told = line(with_rcp(of, {**but(SUB), **everyone}), "read")
    assert told.witness.resource.startswith(f"{BUCKET}/recordings/sub/")
    # Of what services is it about: https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_rcps.html
    role = writer(UPLOAD, allow("iam:CreateAccessKey", "*"))
    assert families(with_rcp(role, deny("*", "*", **everyone))) == ["identity"]


def test_an_unclear_grant_of_the_bucket_policy_leaves_it_uncertain() -> None:
    tagged = {"StringEquals": {"aws:PrincipalTag/team": "media"}}
    of = writer(UPLOAD, bucket=[allow("s3:GetObject", f"{BUCKET}/*", Principal={"AWS": USER}, Condition=tagged)])
    assert not line(of, "read").certain
    surely = writer(
        UPLOAD, BODY_READ, bucket=[allow("s3:GetObject", f"{BUCKET}/*", Principal={"AWS": USER}, Condition=tagged)]
    )
    assert line(surely, "read").certain


def test_a_denial_that_may_hold_hides_nothing() -> None:
    tagged = {"StringEquals": {"aws:PrincipalTag/team": "media"}}
    of = writer(UPLOAD, BODY_READ, deny("s3:GetObject", "*", Condition=tagged))
    assert not line(of, "read").certain
    named = writer(UPLOAD, BODY_READ, deny("s3:GetObject", f"{BUCKET}/recordings/${{aws:PrincipalTag/team}}*"))
    assert line(named, "read").actions == ("s3:GetObject",)


@pytest.mark.parametrize(("number", "said"), [(1, "and 4 more"), (4, "and 1 more"), (5, ""), (6, "")])
def test_so_many_actions_are_named(number: int, said: str) -> None:
    actions = ("s3:GetObject", "s3:GetObjectAcl", "s3:GetObjectTagging", "s3:GetObjectTorrent", "s3:GetObjectVersion")
    [told] = [
        told for told in found(writer(UPLOAD, allow(list(actions), f"{BUCKET}/recordings/*"))) if told.family == "read"
    ]
    named = replace(told, actions=actions).named(number)
    assert named.endswith(said)
    assert ("more" in named) is bool(said)


def test_policies_too_complex_to_search_are_said_to_be_so() -> None:
    late, many = f"{BUCKET}/recordings/*a{'?' * 25}", f"{BUCKET}/recordings/{'?' * 26}*"
    fact = excess(writer(UPLOAD, allow("s3:GetObject", late), deny("s3:GetObject", many)))
    assert isinstance(fact, Unavailable)
    assert fact.reason is Reason.UNDECIDABLE


def test_many_patterns_are_searched_in_bounded_time() -> None:
    buckets = [f"arn:aws:s3:::bucket-{number}/*" for number in range(500)]
    told = line(writer(allow("s3:GetObject", [*buckets, f"{BUCKET}/recordings/*"])), "read")
    assert told.witness.resource == f"{BUCKET}/recordings/RT0"


def test_a_malformed_statement_is_at_most_uncertain() -> None:
    of = writer({"Effect": "Allow", "Action": "s3:GetObject", "Resource": f"{BUCKET}/*", "Bogus": 1})
    assert not line(of, "read").certain


# What holds for all policies.

ACTIONS = st.sampled_from(
    [
        "*",
        "s3:*",
        "s3:Get*",
        "s3:GetObjec?",
        "s3:Put*",
        "s3:PutObject",
        "s3:DeleteObject",
        "s3:ListBucket",
        "kms:*",
        "kms:Decrypt",
        "iam:*",
        "iam:PassRole",
        "sts:AssumeRole",
        "ec2:*",
    ]
)
RESOURCES = st.sampled_from(
    [
        "*",
        BUCKET,
        f"{BUCKET}/*",
        f"{BUCKET}/recordings/*",
        f"{BUCKET}/rec*",
        f"{BUCKET}/recordings/RT*",
        f"{BUCKET}/*/RT?",
        f"{BUCKET}/${{aws:username}}/*",
        "arn:aws:s3:::*",
        "arn:aws:s3:::acme-*/*",
        "arn:aws:s3:::*/a",
        KEY,
        "arn:aws:kms:*:*:key/*",
        "arn:aws:iam::*:role/*",
        ROLE,
    ]
)
CONDITIONS = st.sampled_from(
    [
        {},
        {},
        {},
        {"Bool": {"aws:SecureTransport": "false"}},
        {"Bool": {"aws:SecureTransport": "true"}},
        {"StringEquals": {"kms:ViaService": "s3.eu-west-1.amazonaws.com"}},
        {"StringNotEquals": {"aws:SourceVpce": "vpce-1"}},
    ]
)


@st.composite
def statements(draw: st.DrawFn, effect: str | None = None, *, conditional: bool = True) -> Body:
    body = {
        "Effect": effect or draw(st.sampled_from(["Allow", "Allow", "Deny"])),
        draw(st.sampled_from(["Action", "Action", "Action", "NotAction"])): draw(
            st.lists(ACTIONS, min_size=1, max_size=2)
        ),
        draw(st.sampled_from(["Resource", "Resource", "Resource", "NotResource"])): draw(
            st.lists(RESOURCES, min_size=1, max_size=2)
        ),
    }
    condition = draw(CONDITIONS) if conditional else {}
    return {**body, "Condition": condition} if condition else body


PRINCIPALS = st.sampled_from(["*", {"AWS": USER}, {"AWS": ROOT}, {"AWS": ROLE}])


@st.composite
def writers(draw: st.DrawFn) -> Writer:
    named = statements().flatmap(lambda body: PRINCIPALS.map(lambda who: {**body, "Principal": who}))
    return writer(
        *draw(st.lists(statements(), max_size=4)),
        bucket=draw(st.lists(named, max_size=2)),
        key=[DELEGATION, *draw(st.lists(named, max_size=1))],
        boundary=draw(st.one_of(st.none(), st.lists(statements(), min_size=1, max_size=2))),
        owner=draw(st.sampled_from([ACCOUNT, ACCOUNT, "444455556666"])),
    )


@given(of=writers())
@settings(max_examples=30, deadline=None)
def test_every_line_is_a_true_claim_about_something_beyond_the_template(of: Writer) -> None:
    fact = excess(of)
    assert isinstance(fact, Known)
    for line in fact.value:
        check(of, line)


PROBES = (
    ("s3:GetObject", f"{BUCKET}/recordings/RT0"),
    ("s3:DeleteObject", f"{BUCKET}/recordings/RT12"),
    ("s3:PutObject", f"{BUCKET}/rec"),
    ("s3:PutObject", f"{BUCKET}/twilio/RT1"),
    ("s3:GetObject", "arn:aws:s3:::acme-other/a"),
    ("s3:ListBucket", BUCKET),
    ("s3:ListBucket", "arn:aws:s3:::other"),
    ("s3:PutBucketPolicy", BUCKET),
    ("iam:PassRole", ROLE),
    ("sts:AssumeRole", ROLE),
    ("kms:Decrypt", KEY[:-1] + "c"),
    ("kms:CreateGrant", KEY),
    ("kms:Sign", KEY),
    ("ec2:RunInstances", f"arn:aws:ec2:eu-west-1:{ACCOUNT}:instance/*"),
)


@given(of=writers())
@settings(max_examples=30, deadline=None)
def test_what_is_allowed_beyond_the_template_is_told(of: Writer) -> None:
    told = claims(of)
    for action, resource in PROBES:
        if of.ask(Question(action=action, resource=resource)).allowed is not False:
            [zone] = [z for z in zones_of(action, of.surroundings) if any(r.has(resource) for r in z.regions)]
            assert (zone.family, action) in told, resource


@given(of=writers(), denial=statements("Deny", conditional=False))
@settings(max_examples=30, deadline=None)
def test_an_unconditional_denial_never_adds_anything(of: Writer, denial: Body) -> None:
    more = (policy("denial", denial),)

    def denied(layers: Layers) -> Layers:
        assert isinstance(layers.identity, Known)
        return replace(layers, identity=Known(layers.identity.value + more))

    assert of.on_key is not None
    assert claims(replace(of, on_bucket=denied(of.on_bucket), on_key=denied(of.on_key))) <= claims(of)


@pytest.mark.parametrize("prefix", ["", "a*b/", "ü/"])
def test_other_places_are_told_apart_whatever_the_prefix(prefix: str) -> None:
    place = Place(bucket_arn=BUCKET, prefix=prefix)
    of = writer(allow("s3:GetObject", f"{BUCKET}/*"), place=place)
    assert families(of) == (["read", "other-prefixes"] if prefix else ["read"])
    assert line(of, "read").witness.resource == f"{BUCKET}/{prefix}RT0"
