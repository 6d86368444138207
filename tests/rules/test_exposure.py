"""Who could reach the bucket from outside: Block Public Access and access control lists."""

from collections.abc import Callable, Iterable
from dataclasses import replace

import pytest

from recordscan.facts import Json, Reason
from recordscan.result import Outcome
from recordscan.rule import Rule, Severity
from recordscan.testing import AWS_ACCOUNT, BUCKET, Case, judge, judge_all, sound
from recordscan_rules.exposure import acl_disabled, acl_public, public_access_block

OWNERSHIP = "/OwnershipControls/Rules/0/ObjectOwnership"
EVERYONE = "http://acs.amazonaws.com/groups/global/AllUsers"
EVERY_ACCOUNT = "http://acs.amazonaws.com/groups/global/AuthenticatedUsers"
LOG_DELIVERY = "http://acs.amazonaws.com/groups/s3/LogDelivery"
BUCKET_LEVEL = "s3:GetPublicAccessBlock"
ACCOUNT_LEVEL = "s3control:GetPublicAccessBlock"
FLAGS = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")

Change = Callable[[Case], None]


def switches(operation: str, on: Iterable[str]) -> Change:
    """Exactly these switches are on at a level."""
    block = {"PublicAccessBlockConfiguration": {name: name in on for name in FLAGS}}
    return lambda case: case.answer(operation, block)


def unblocked(case: Case) -> None:
    """Nothing of Block Public Access is on."""
    for operation in (BUCKET_LEVEL, ACCOUNT_LEVEL):
        case.answer(operation, None)


def ownership(value: str | None) -> Change:
    if value is None:
        return lambda case: case.answer("s3:GetBucketOwnershipControls", None)
    return lambda case: case.set("s3:GetBucketOwnershipControls", OWNERSHIP, value)


def grants(uri: str, permission: str = "READ") -> Change:
    row: Json = {"Grantee": {"Type": "Group", "URI": uri}, "Permission": permission}
    return lambda case: case.set("s3:GetBucketAcl", "/Grants/-", row)


def denied(operation: str) -> Change:
    return lambda case: case.deny(operation)


def changed(*changes: Change) -> Case:
    case = sound()
    for change in changes:
        change(case)
    return case


@pytest.mark.parametrize("rule", [public_access_block, acl_disabled], ids=lambda rule: rule.id)
def test_a_bucket_in_good_order_passes_and_without_storage_there_is_nothing_to_judge(rule: Rule) -> None:
    outcomes = {uid.rpartition("/")[2]: a.outcome for uid, a in judge_all(rule, sound()).items()}
    assert outcomes == {"recordings": Outcome.PASS, "compositions": Outcome.NOT_APPLICABLE}


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param([switches(BUCKET_LEVEL, FLAGS), denied(ACCOUNT_LEVEL)], id="by the bucket"),
        pytest.param([denied(BUCKET_LEVEL)], id="by the account"),
        pytest.param([switches(BUCKET_LEVEL, ())], id="by the account only, which readers of the bucket alone fail"),
        pytest.param(
            [switches(BUCKET_LEVEL, FLAGS[:1]), switches(ACCOUNT_LEVEL, FLAGS[1:])],
            id="one switch here and three there, which readers of pairs fail",
        ),
    ],
)
def test_all_four_switches_pass_wherever_they_are_on(changes: list[Change]) -> None:
    assert judge(public_access_block, changed(*changes)).outcome is Outcome.PASS


@pytest.mark.parametrize("flag", FLAGS)
def test_each_switch_that_is_off_at_both_levels_fails_and_is_named(flag: str) -> None:
    others = [name for name in FLAGS if name != flag]
    assessment = judge(public_access_block, changed(switches(BUCKET_LEVEL, others), switches(ACCOUNT_LEVEL, others)))
    assert (assessment.outcome, assessment.severity) == (Outcome.FAIL, Severity.HIGH)
    assert assessment.findings[0].observed == f"off: {flag}"


def test_no_configuration_means_that_all_four_are_off() -> None:
    assessment = judge(public_access_block, changed(unblocked))
    assert (assessment.outcome, assessment.severity) == (Outcome.FAIL, Severity.HIGH)
    assert assessment.findings[0].observed == "off: " + ", ".join(FLAGS)


@pytest.mark.parametrize(("off", "unread"), [(BUCKET_LEVEL, ACCOUNT_LEVEL), (ACCOUNT_LEVEL, BUCKET_LEVEL)])
def test_a_switch_that_an_unread_level_could_have_on_is_unknown(off: str, unread: str) -> None:
    assert judge(public_access_block, changed(switches(off, ()), denied(unread))).outcome is Outcome.UNKNOWN


@pytest.mark.parametrize(
    ("changes", "severity"),
    [
        pytest.param(
            [lambda case: case.set("s3:GetBucketPolicyStatus", "/PolicyStatus/IsPublic", True)],
            Severity.CRITICAL,
            id="a public policy",
        ),
        pytest.param([ownership("ObjectWriter"), grants(EVERYONE)], Severity.CRITICAL, id="a public ACL"),
        pytest.param(
            [denied("s3:GetBucketPolicyStatus"), ownership("ObjectWriter"), grants(EVERYONE)],
            Severity.CRITICAL,
            id="a public ACL and a policy that cannot be read",
        ),
        pytest.param([grants(EVERYONE)], Severity.HIGH, id="a public ACL without effect"),
        pytest.param([ownership("ObjectWriter"), grants(LOG_DELIVERY)], Severity.HIGH, id="an ACL for access logs"),
        pytest.param([lambda case: case.answer("s3:GetBucketPolicyStatus", None)], Severity.HIGH, id="no policy"),
        pytest.param([denied("s3:GetBucketPolicyStatus")], Severity.HIGH, id="a policy that cannot be read"),
        pytest.param([ownership("ObjectWriter"), denied("s3:GetBucketAcl")], Severity.HIGH, id="an unread ACL"),
    ],
)
def test_an_open_door_is_critical_when_something_public_stands_behind_it(
    changes: list[Change], severity: Severity
) -> None:
    assert judge(public_access_block, changed(unblocked, *changes)).severity is severity


def test_a_finding_says_that_what_is_public_could_not_be_read() -> None:
    assessment = judge(public_access_block, changed(unblocked, denied("s3:GetBucketPolicyStatus")))
    assert "could not be read" in assessment.findings[0].message


@pytest.mark.parametrize(
    ("value", "observed"),
    [("ObjectWriter", "ObjectWriter"), ("BucketOwnerPreferred", "BucketOwnerPreferred"), (None, "ObjectWriter")],
    ids=["ObjectWriter", "BucketOwnerPreferred", "a bucket from before the setting"],
)
def test_live_access_control_lists_fail(value: str | None, observed: str) -> None:
    assessment = judge(acl_disabled, changed(ownership(value)))
    assert (assessment.outcome, assessment.findings[0].observed) == (Outcome.FAIL, observed)


def test_ownership_that_may_not_be_read_is_unknown_and_no_failure() -> None:
    assessment = judge(acl_disabled, changed(denied("s3:GetBucketOwnershipControls")))
    assert (assessment.outcome, assessment.permission) == (Outcome.UNKNOWN, "s3:GetBucketOwnershipControls")


@pytest.mark.parametrize("uri", [EVERYONE, EVERY_ACCOUNT])
@pytest.mark.parametrize("permission", ["READ", "WRITE", "READ_ACP", "WRITE_ACP", "FULL_CONTROL"])
def test_any_live_grant_to_the_public_fails(uri: str, permission: str) -> None:
    assessment = judge(acl_public, changed(unblocked, ownership("ObjectWriter"), grants(uri, permission)))
    assert (assessment.outcome, assessment.severity) == (Outcome.FAIL, Severity.CRITICAL)
    assert permission in assessment.findings[0].message


def test_each_grant_to_the_public_is_a_finding_of_its_own() -> None:
    case = changed(unblocked, ownership(None), grants(EVERYONE), grants(EVERYONE, "WRITE"), grants(EVERY_ACCOUNT))
    assert len({record.fingerprint for record in judge(acl_public, case).findings}) == 3


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param([ownership("ObjectWriter")], id="the owner only"),
        pytest.param([ownership("ObjectWriter"), grants(LOG_DELIVERY, "WRITE")], id="the log delivery group"),
    ],
)
def test_an_acl_without_live_grants_to_the_public_passes(changes: list[Change]) -> None:
    assert judge(acl_public, changed(unblocked, *changes)).outcome is Outcome.PASS


@pytest.mark.parametrize("changes", [[], [unblocked], [unblocked, grants(EVERYONE)], [denied("s3:GetBucketAcl")]])
def test_an_acl_that_is_disabled_is_not_judged(changes: list[Change]) -> None:
    outcomes = {a.outcome for a in judge_all(acl_public, changed(*changes)).values()}
    assert outcomes == {Outcome.NOT_APPLICABLE}


def test_an_acl_that_may_be_disabled_or_not_is_unknown_even_while_it_is_ignored() -> None:
    assert judge(acl_public, changed(denied("s3:GetBucketOwnershipControls"))).outcome is Outcome.UNKNOWN


def test_ignored_access_control_lists_pass_even_unread() -> None:
    case = changed(ownership("ObjectWriter"), denied("s3:GetBucketAcl"))
    assert judge(acl_public, case).outcome is Outcome.PASS


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param([unblocked, ownership("ObjectWriter"), denied("s3:GetBucketAcl")], id="the ACL"),
        pytest.param([unblocked, grants(EVERYONE), denied("s3:GetBucketOwnershipControls")], id="the ownership"),
        pytest.param(
            [unblocked, ownership("ObjectWriter"), grants(EVERYONE), denied(ACCOUNT_LEVEL)],
            id="the account's Block Public Access",
        ),
    ],
)
def test_what_could_make_a_grant_harmless_or_not_is_unknown_when_unread(changes: list[Change]) -> None:
    assert judge(acl_public, changed(*changes)).outcome is Outcome.UNKNOWN


def unread(case: Case) -> None:
    """S3 answers nothing about the bucket itself."""
    for operation in (BUCKET_LEVEL, "s3:GetBucketAcl", "s3:GetBucketOwnershipControls"):
        case.deny(operation)


def absent(case: Case) -> None:
    case.set("s3:HeadBucket", "/HTTPStatusCode", 404)
    unread(case)


def foreign(case: Case) -> None:
    case.set("s3:HeadBucket", "/HTTPStatusCode", 403)
    case.answer("s3:ListBuckets", {"Buckets": []})
    unread(case)


def ownerless(case: Case) -> None:
    """HeadBucket is refused, and ListBuckets, which could tell why, is too."""
    foreign(case)
    case.deny("s3:ListBuckets")


def owned_by_one_of_two(case: Case) -> None:
    """Two accounts may own the bucket; the caller does not, and for the other one S3 did not answer."""
    other = "444455556666"
    case.scope = replace(case.scope, bucket_owners=(AWS_ACCOUNT, other))
    foreign(case)
    case.add("s3:HeadBucket", {"HTTPStatusCode": 403}, Bucket=BUCKET, ExpectedBucketOwner=other)
    case.fail("s3:HeadBucket", Reason.THROTTLED, ExpectedBucketOwner=other)


@pytest.mark.parametrize("rule", [public_access_block, acl_public], ids=lambda rule: rule.id)
@pytest.mark.parametrize("change", [absent, foreign, ownerless, owned_by_one_of_two])
def test_what_the_callers_account_blocks_says_nothing_of_a_bucket_that_it_may_not_own(
    rule: Rule, change: Change
) -> None:
    assert judge(rule, changed(change)).outcome is Outcome.UNKNOWN


def test_the_switches_of_the_account_that_owns_the_bucket_count() -> None:
    owner = "444455556666"
    case = sound()
    case.scope = replace(case.scope, bucket_owners=(owner,))
    for observation in case.snapshot().observations:
        if observation.request.get("ExpectedBucketOwner") == AWS_ACCOUNT:
            request = {**observation.request, "ExpectedBucketOwner": owner}
            case.add(observation.operation, observation.answer, **request)
    case.deny(BUCKET_LEVEL)
    assert judge(public_access_block, case).outcome is Outcome.UNKNOWN
    case.add(ACCOUNT_LEVEL, case.find(ACCOUNT_LEVEL), AccountId=owner)
    assert judge(public_access_block, case).outcome is Outcome.PASS
