"""What leads to objects beside the bucket's own name: websites, other origins, access points and Access Grants."""

from dataclasses import replace

import pytest

from recordscan.facts import Json, Reason
from recordscan.result import Outcome
from recordscan.rule import Rule, Severity
from recordscan.testing import AWS_ACCOUNT, BUCKET, PREFIX, REVIEWERS_ARN, Case, judge, judge_all, sound
from recordscan_rules.side_doors import (
    access_grants,
    access_point_policies,
    access_points_blocked,
    cors_wildcard,
    website_off,
)
from rules.failing_bucket import (
    ALL_OFF,
    ALL_ON,
    access_grant,
    access_point,
    demand,
    guarded,
    multi_region,
    object_lambda,
    statement,
)
from rules.mutations_bucket import FOREIGN, policy_delegates

POINTS = "s3control:ListAccessPoints"


def cors(*origins: str, methods: tuple[str, ...] = ("GET",)) -> Case:
    case = sound()
    rule = {"ID": "<b>web</b>", "AllowedOrigins": list(origins), "AllowedMethods": list(methods)}
    case.answer("s3:GetBucketCors", {"CORSRules": [rule]})
    return case


@pytest.mark.parametrize(
    "rule",
    [website_off, cors_wildcard, access_points_blocked, access_point_policies, access_grants],
    ids=lambda r: r.id,
)
def test_side_doors_in_good_order_pass_and_without_storage_there_is_nothing_to_judge(rule: Rule) -> None:
    outcomes = {uid.rpartition("/")[2]: a.outcome for uid, a in judge_all(rule, guarded()).items()}
    assert outcomes == {"recordings": Outcome.PASS, "compositions": Outcome.NOT_APPLICABLE}


@pytest.mark.parametrize(
    "website",
    [
        pytest.param({"IndexDocument": {"Suffix": "index.html"}}, id="with pages"),
        pytest.param(
            {"RedirectAllRequestsTo": {"HostName": "example.com"}}, id="that redirects, which steampipe passes"
        ),
    ],
)
def test_any_website_fails(website: Json) -> None:
    case = sound()
    case.answer("s3:GetBucketWebsite", website)
    assert judge(website_off, case).outcome is Outcome.FAIL


def test_a_website_that_may_not_be_read_is_unknown() -> None:
    case = sound()
    case.deny("s3:GetBucketWebsite")
    assessment = judge(website_off, case)
    assert (assessment.outcome, assessment.permission) == (Outcome.UNKNOWN, "s3:GetBucketWebsite")


@pytest.mark.parametrize("origin", ["*", "https://*", "HTTP://*"])
@pytest.mark.parametrize("method", ["GET", "PUT", "POST", "DELETE"])
def test_every_origin_fails(origin: str, method: str) -> None:
    assessment = judge(cors_wildcard, cors("https://app.example.com", origin, methods=("HEAD", method)))
    assert (assessment.outcome, assessment.findings[0].observed) == (Outcome.FAIL, origin)


@pytest.mark.parametrize(
    "case", [cors("https://app.example.com"), cors("https://*.example.com"), cors("*", methods=("HEAD",))]
)
def test_named_origins_and_head_alone_pass(case: Case) -> None:
    assert judge(cors_wildcard, case).outcome is Outcome.PASS


def test_without_cors_there_is_nothing_to_judge() -> None:
    assert {a.outcome for a in judge_all(cors_wildcard, sound()).values()} == {Outcome.NOT_APPLICABLE}


@pytest.mark.parametrize("switch", ALL_ON)
def test_one_switch_off_fails_whatever_kind_of_access_point_it_is(switch: str) -> None:
    block = {**ALL_ON, switch: False}
    for case in (
        access_point(sound(), block=block),
        object_lambda(access_point(sound()), block=block),
        multi_region(sound(), block=block),
    ):
        assessment = judge(access_points_blocked, case)
        assert (assessment.outcome, assessment.findings[0].observed) == (Outcome.FAIL, f"off: {switch}")


def test_an_access_point_of_a_vpc_is_in_order_which_prowler_and_steampipe_fail() -> None:
    case = access_point(sound(), block=ALL_OFF, network="VPC")
    assert judge(access_points_blocked, case).outcome is Outcome.PASS


def test_an_access_point_that_may_not_be_described_is_unknown_on_which_prowler_raises() -> None:
    case = access_point(access_point(sound()), "other")
    case.deny("s3control:GetAccessPoint", Name="other")
    assert judge(access_points_blocked, case).outcome is Outcome.UNKNOWN


def test_another_that_fails_is_seen_nevertheless() -> None:
    case = access_point(access_point(sound(), block=ALL_OFF), "other")
    case.deny("s3control:GetAccessPoint", Name="other")
    assert judge(access_points_blocked, case).outcome is Outcome.FAIL


@pytest.mark.parametrize(
    "operation", [POINTS, "s3control:ListAccessPointsForObjectLambda", "s3control:ListMultiRegionAccessPoints"]
)
def test_one_kind_that_may_not_be_listed_leaves_it_unknown(operation: str) -> None:
    case = access_point(sound())
    case.deny(operation)
    assert judge(access_points_blocked, case, "twilio:" + "AC" + "a" * 32 + "/recordings").outcome is Outcome.UNKNOWN


def test_a_list_that_was_cut_is_unknown_of_which_prowler_reads_one_page() -> None:
    case = access_point(sound())
    case.set(POINTS, "/truncated", True)
    assert judge(access_points_blocked, case).outcome is Outcome.UNKNOWN


def test_access_points_of_other_buckets_do_not_count() -> None:
    case = multi_region(object_lambda(access_point(sound()), block=ALL_OFF, behind="others"), block=ALL_OFF, bucket="b")
    assert judge(access_points_blocked, case).outcome is Outcome.PASS


def test_a_bucket_of_the_same_name_in_another_account_is_another_bucket() -> None:
    case = multi_region(access_point(sound()), block=ALL_OFF)
    case.set("s3control:ListMultiRegionAccessPoints", "/AccessPoints/0/Regions/1/BucketAccountId", FOREIGN)
    assert judge(access_points_blocked, case).outcome is Outcome.PASS


def policies(policy: Json, *, delegated: bool = True, masked: bool = False, network: str = "Internet") -> Case:
    case = access_point(sound(), policy=policy, block=ALL_ON if masked else ALL_OFF, network=network)
    for operation in ("s3:GetPublicAccessBlock", "s3control:GetPublicAccessBlock"):
        case.answer(operation, None)
    return policy_delegates(case) if delegated else case


@pytest.mark.parametrize(
    ("case", "severity"),
    [
        pytest.param(policies(statement("*")), Severity.CRITICAL, id="the public"),
        pytest.param(policies(statement("*"), masked=True), Severity.LOW, id="the public, masked"),
        pytest.param(policies(statement("*"), delegated=False), Severity.LOW, id="the public, not delegated"),
        pytest.param(
            policies(
                statement("*", Condition={"StringEquals": {"s3:DataAccessPointAccount": AWS_ACCOUNT}}),
            ),
            Severity.CRITICAL,
            id="the public, by a condition that holds for everybody who comes here",
        ),
        pytest.param(policies(statement({"AWS": FOREIGN})), Severity.HIGH, id="another account"),
        pytest.param(
            policies(statement({"AWS": FOREIGN}), delegated=False), Severity.LOW, id="another account, not delegated"
        ),
        pytest.param(
            policies(statement({"AWS": FOREIGN}), network="VPC"), Severity.HIGH, id="another account, from a network"
        ),
    ],
)
def test_outsiders_fail_as_badly_as_the_bucket_policy_lets_them(case: Case, severity: Severity) -> None:
    assessment = judge(access_point_policies, case)
    assert (assessment.outcome, [f.severity for f in assessment.findings]) == (Outcome.FAIL, [severity])


def test_whether_the_bucket_policy_delegates_is_taken_for_true_where_it_may_not_be_read() -> None:
    case = policies(statement("*"), delegated=False)
    case.deny("s3:GetBucketPolicy")
    assert judge(access_point_policies, case).findings[0].severity is Severity.CRITICAL


@pytest.mark.parametrize(
    "case",
    [
        pytest.param(policies(None), id="no policy"),
        pytest.param(policies(statement({"AWS": REVIEWERS_ARN})), id="a role of the account"),
        pytest.param(policies(statement("*"), network="VPC"), id="everybody in a network"),
        pytest.param(
            demand(policies(statement({"AWS": FOREIGN})), trusted_accounts=(FOREIGN,)), id="a trusted account"
        ),
    ],
)
def test_policies_that_let_in_no_outsiders_pass(case: Case) -> None:
    assert judge(access_point_policies, case).outcome is Outcome.PASS


def test_a_policy_that_may_not_be_read_is_unknown() -> None:
    case = policies(None)
    case.deny("s3control:GetAccessPointPolicy")
    assert judge(access_point_policies, case).outcome is Outcome.UNKNOWN


def test_a_policy_with_a_defect_is_unknown() -> None:
    case = policies(statement({"AWS": REVIEWERS_ARN}, Condition={"NoSuchOperator": {"a": "b"}}))
    assessment = judge(access_point_policies, case)
    assert (assessment.outcome, assessment.reason) == (Outcome.UNKNOWN, Reason.MALFORMED)


def test_the_policy_of_a_multi_region_access_point_counts() -> None:
    case = multi_region(sound())
    text = '{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":"999988887777"},"Action":"*",'
    case.set("s3control:GetMultiRegionAccessPointPolicy", "/Policy/Established/Policy", text + '"Resource":"*"}}')
    assert judge(access_point_policies, case).outcome is Outcome.FAIL


@pytest.mark.parametrize(
    ("members", "outcome"),
    [
        pytest.param({}, Outcome.PASS, id="a listed reader"),
        pytest.param(
            {"Grantee": {"GranteeType": "IAM", "GranteeIdentifier": f"arn:aws:iam::{AWS_ACCOUNT}:role/intern"}},
            Outcome.FAIL,
            id="a reader who is not listed",
        ),
        pytest.param(
            {
                "Grantee": {"GranteeType": "IAM", "GranteeIdentifier": f"arn:aws:iam::{AWS_ACCOUNT}:role/intern"},
                "Permission": "WRITE",
            },
            Outcome.PASS,
            id="one who may only write",
        ),
        pytest.param(
            {"Grantee": {"GranteeType": "DIRECTORY_USER", "GranteeIdentifier": "d-1"}, "Permission": "READWRITE"},
            Outcome.FAIL,
            id="a user of a directory",
        ),
        pytest.param({"GrantScope": f"s3://{BUCKET}/*"}, Outcome.PASS, id="the whole bucket to a listed reader"),
        pytest.param(
            {
                "Grantee": {"GranteeType": "IAM", "GranteeIdentifier": f"arn:aws:iam::{FOREIGN}:role/r"},
                "Permission": "WRITE",
                "GrantScope": f"s3://{BUCKET}/{PREFIX}2026/*",
            },
            Outcome.FAIL,
            id="another account, which writes a part",
        ),
        pytest.param(
            {
                "Grantee": {"GranteeType": "IAM", "GranteeIdentifier": f"arn:aws:iam::{FOREIGN}:role/r"},
                "GrantScope": "s3://*",
            },
            Outcome.FAIL,
            id="another account, all buckets",
        ),
        pytest.param(
            {
                "Grantee": {"GranteeType": "IAM", "GranteeIdentifier": f"arn:aws:iam::{FOREIGN}:role/r"},
                "GrantScope": f"s3://{BUCKET}/logs/*",
            },
            Outcome.NOT_APPLICABLE,
            id="another prefix",
        ),
    ],
)
def test_grantees_must_be_listed(members: dict[str, Json], outcome: Outcome) -> None:
    assessment = judge_all(access_grants, access_grant(sound(), **members))
    assert {uid.rpartition("/")[2]: a.outcome for uid, a in assessment.items()}["recordings"] is outcome


def test_without_a_list_of_readers_those_of_the_account_pass() -> None:
    case = access_grant(sound(), Grantee={"GranteeType": "DIRECTORY_GROUP", "GranteeIdentifier": "g"})
    case.profile = replace(case.profile, readers=None)
    assert judge(access_grants, case).outcome is Outcome.PASS


def test_other_accounts_may_not_ask_for_credentials() -> None:
    case = access_grant(sound(), policy=statement({"AWS": FOREIGN}, "s3:GetDataAccess"))
    assert judge(access_grants, case).outcome is Outcome.FAIL
    assert judge(access_grants, demand(case, trusted_accounts=(FOREIGN,))).outcome is Outcome.PASS


def test_a_list_of_grants_that_was_cut_is_unknown() -> None:
    case = access_grant(sound(), GrantScope="s3://other/*")
    case.set("s3control:ListAccessGrants", "/truncated", True)
    assert judge(access_grants, case, "twilio:" + "AC" + "a" * 32 + "/recordings").outcome is Outcome.UNKNOWN
