"""A target whose bucket, key and writer lie in three accounts: each is read where it lies, and they are joined."""

import json
from collections.abc import Callable
from dataclasses import replace

import pytest

from recordscan.engine import assess
from recordscan.estate.estate import Estate
from recordscan.facts import Reason, need
from recordscan.observation import Observation, ObservationError, ObservationOutcome
from recordscan.plugins import load_rules
from recordscan.result import Assessment, Outcome
from recordscan.scope import AwsAccountScope
from recordscan.snapshot import Snapshot
from recordscan.testing import ACCESS_KEY, AWS_ACCOUNT, BUCKET, KEY_ARN, PREFIX, WRITER_ARN, sound

MEDIA, KEYS = "222222222222", "333333333333"
KEY = KEY_ARN.replace(AWS_ACCOUNT, KEYS)
RULES = {rule.id: rule for rule in load_rules()}
OBJECTS = f"arn:aws:s3:::{BUCKET}/{PREFIX}*"

LET_WRITE = {
    "Sid": "Twilio",
    "Effect": "Allow",
    "Principal": {"AWS": WRITER_ARN},
    "Action": "s3:PutObject",
    "Resource": OBJECTS,
}
LET_ENCRYPT = {
    "Sid": "Twilio",
    "Effect": "Allow",
    "Principal": {"AWS": WRITER_ARN},
    "Action": ["kms:GenerateDataKey*", "kms:Encrypt*", "kms:Decrypt*", "kms:ReEncrypt*", "kms:DescribeKey"],
    "Resource": "*",
}


def in_three_accounts(*, bucket_policy: object = None, key_policy: object = None) -> Snapshot:
    """The sound estate with the bucket in one account, the key in another, and the writer in the caller's own."""
    case = sound()
    case.add("sts:GetAccessKeyInfo", {"Account": AWS_ACCOUNT}, AccessKeyId=ACCESS_KEY)
    if bucket_policy is not None:
        _allow(case.answer, "s3:GetBucketPolicy", case.find("s3:GetBucketPolicy", Bucket=BUCKET), bucket_policy)
    if key_policy is not None:
        _allow(case.answer, "kms:GetKeyPolicy", case.find("kms:GetKeyPolicy"), key_policy)
    snapshot = case.snapshot()
    found = [moved for observation in snapshot.observations for moved in _moved(observation)]
    scope = replace(
        case.scope,
        aws_accounts=(AwsAccountScope(id=MEDIA, label="media"), AwsAccountScope(id=KEYS, label="keys")),
    )
    return replace(snapshot, header=replace(snapshot.header, scope=scope), observations=tuple(found))


def _allow(answer: Callable[..., None], operation: str, now: dict[str, str], statement: object) -> None:
    policy = json.loads(now["Policy"])
    policy["Statement"].append(statement)
    bucket = {"Bucket": BUCKET} if operation.startswith("s3:") else {}
    answer(operation, {**now, "Policy": json.dumps(policy)}, **bucket)


def _moved(observation: Observation) -> list[Observation]:
    service, _, api = observation.operation.partition(":")
    if service == "twilio":
        return [observation]
    of_all = service in ("sts", "organizations", "account") or api in ("GetAccountAuthorizationDetails", "ListBuckets")
    if observation.operation == "sts:GetCallerIdentity":
        return [observation, *(_of(observation, account, account) for account in (MEDIA, KEYS))]
    if observation.operation == "s3:ListBuckets":
        empty = replace(observation, answer={"Buckets": [], "truncated": False})
        return [empty, replace(empty, account=KEYS), _of(observation, MEDIA, MEDIA)]
    if of_all or service == "iam" or api == "LookupEvents":
        answer = json.loads(json.dumps(observation.answer).replace(KEY_ARN, KEY))
        return [
            replace(observation, answer=answer),
            *(_of(observation, account, account) for account in (MEDIA, KEYS) if of_all),
        ]
    return [_of(observation, KEYS if service == "kms" else MEDIA, KEYS if service == "kms" else MEDIA)]


def _of(observation: Observation, account: str, owner: str) -> Observation:
    """The same as another account answers it: ids are that account's, but those of the key and the writer."""

    def renamed(value: object) -> object:
        writer = "<none>" if observation.operation.startswith("iam:") else WRITER_ARN
        text = json.dumps(value).replace(KEY_ARN, "<key>").replace(writer, "<writer>").replace(AWS_ACCOUNT, owner)
        return json.loads(text.replace("<key>", KEY).replace("<writer>", WRITER_ARN))

    request = renamed(dict(observation.request))
    return replace(observation, account=account, request=request, answer=renamed(observation.answer))  # type: ignore[arg-type]


def shut(snapshot: Snapshot, account: str) -> Snapshot:
    """The same where no role can be taken on in an account."""
    error = ObservationError(code="AccessDenied", message="no", http_status=403, reason=Reason.ACCESS_DENIED)
    kept = [o for o in snapshot.observations if o.account != account]
    kept += [
        replace(o, outcome=ObservationOutcome.FAILED, answer=None, error=error, permission="sts:AssumeRole")
        for o in snapshot.observations
        if o.account == account and o.operation == "sts:GetCallerIdentity"
    ]
    return replace(snapshot, observations=tuple(kept))


def judged(rule_id: str, snapshot: Snapshot) -> Assessment:
    rule, profile = RULES[rule_id], sound().profile
    [subject] = [s for s in rule.subjects(Estate(snapshot)) if s.uid.endswith("/recordings")]
    return assess(rule, subject, profile)


def test_each_part_is_read_in_the_account_where_it_lies() -> None:
    estate = Estate(in_three_accounts())
    target = estate.targets[0]
    bucket, key, writer = need(target.bucket), need(target.key), need(target.writer)
    assert bucket is not None
    assert key is not None
    assert writer is not None
    assert (need(bucket.presence), need(bucket.owner)) == ("owned", MEDIA)
    assert need(key.arn) == KEY
    assert need(key.policy) is not None
    assert writer.arn == WRITER_ARN
    assert {principal.requester.arn.split(":")[4] for principal in need(target.principals)} == {MEDIA}
    assert [account.account_id for account in estate.aws_account()] == [AWS_ACCOUNT, MEDIA, KEYS]


@pytest.mark.parametrize(
    ("rule_id", "bucket_policy", "key_policy", "outcome"),
    [
        ("url-prefix-in-iam", None, None, Outcome.FAIL),
        ("url-prefix-in-iam", LET_WRITE, None, Outcome.PASS),
        ("enc-kms-grant", LET_WRITE, None, Outcome.FAIL),
        ("enc-kms-grant", LET_WRITE, LET_ENCRYPT, Outcome.PASS),
    ],
)
def test_across_accounts_the_resource_must_let_the_writer_in_as_well(
    rule_id: str, bucket_policy: object, key_policy: object, outcome: Outcome
) -> None:
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic-cross-account.html"""
    assert judged(rule_id, in_three_accounts(bucket_policy=bucket_policy, key_policy=key_policy)).outcome is outcome


def test_a_key_in_an_account_that_lets_nobody_in_is_unknown_for_that_reason() -> None:
    whole = in_three_accounts(bucket_policy=LET_WRITE, key_policy=LET_ENCRYPT)
    found = judged("enc-kms-grant", shut(whole, KEYS))
    assert (found.outcome, found.reason) == (Outcome.UNKNOWN, Reason.ACCESS_DENIED)
    assert "sts:GetCallerIdentity answered AccessDenied" in str(found.detail)
    assert judged("url-bucket-exists", shut(whole, KEYS)).outcome is Outcome.PASS


def test_a_bucket_that_no_account_lists_is_foreign_only_if_all_lists_are_whole() -> None:
    whole = in_three_accounts(bucket_policy=LET_WRITE)
    nowhere = [
        replace(o, answer={"Buckets": [], "truncated": False}) if o.operation == "s3:ListBuckets" else o
        for o in whole.observations
        if o.operation != "s3:HeadBucket"
    ]
    nowhere += [
        Observation(
            operation="s3:HeadBucket",
            account=AWS_ACCOUNT,
            region=None,
            request={"Bucket": BUCKET, "ExpectedBucketOwner": owner},
            outcome=ObservationOutcome.ANSWERED,
            answer={"HTTPStatusCode": 403, "BucketRegion": "eu-west-1"},
            collected_at=whole.header.started,
        )
        for owner in (AWS_ACCOUNT, MEDIA, KEYS)
    ]
    lost = replace(whole, observations=tuple(nowhere))
    assert need(need(Estate(lost).targets[0].bucket).presence) == "foreign"  # type: ignore[union-attr]
    in_doubt = Estate(shut(lost, MEDIA)).targets[0].bucket
    assert judged("url-bucket-exists", shut(lost, MEDIA)).outcome is Outcome.UNKNOWN, in_doubt
