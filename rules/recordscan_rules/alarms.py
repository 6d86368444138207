"""Whether anybody hears of it when somebody changes what guards the media."""

from recordscan.estate.target import Target, bucket_of, key_of
from recordscan.estate.watch import BUCKET_EVENTS, KEY_EVENTS, MORE_BUCKET_EVENTS, MORE_KEY_EVENTS, Watched
from recordscan.facts import Unavailable, need, places
from recordscan.rule import Findings, Severity, finding, peer, proposal, rule

_ALARMS = "https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudwatch-alarms-for-cloudtrail.html"
_RULES = "https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-service-event-cloudtrail.html"


@rule(
    "trail-alarm-bucket-changes",
    title="Somebody hears of changes to the bucket's policy and settings",
    severity=Severity.LOW,
    remedy="who is to be told, a person must choose",
    remediation="""
        Make an EventBridge rule in the bucket's Region for `"source": ["aws.s3"]`, `"detail-type": ["AWS API Call via
        CloudTrail"]` and the names in `detail.eventName`, with a topic as its target; or a metric filter on the log
        group of the trail, and an alarm with an action.
    """,
    controls=peer(
        cis_aws_v3=["4.8"], cis_aws_v5=["4.8"], cis_aws_v6=["5.8"], iso_27001_2022=["A.8.15", "A.8.16"], soc2=["CC5.2"]
    )
    + proposal(nist_800_53_r5=["SI-4"]),
    references=(_ALARMS, _RULES),
    peers=(
        "prowler:cloudwatch_log_metric_filter_for_s3_bucket_policy_changes",
        "steampipe:log_metric_filter_bucket_policy",
        "scoutsuite:cloudwatch-alarm-without-actions",
    ),
)
def bucket_changes(target: Target) -> Findings:
    """A policy that opens the bucket for an hour is noticed by whoever is told of it, or months later.

    For each event a metric filter with an alarm that does something, or a rule of EventBridge with a target, must be
    there; its pattern is read and held against the event. What another tool makes of the trail's files cannot be
    seen. Missing events that came after the CIS list was made are a note.
    """
    yield from _unheard(target, bucket_of(target).arn, "s3.amazonaws.com", BUCKET_EVENTS, MORE_BUCKET_EVENTS)


@rule(
    "trail-alarm-key-changes",
    title="Somebody hears of it when the KMS key is disabled or is to be deleted",
    severity=Severity.LOW,
    remedy="who is to be told, a person must choose",
    remediation="""
        Make an EventBridge rule in the key's Region for `"source": ["aws.kms"]`, `"detail-type": ["AWS API Call via
        CloudTrail"]` and the names in `detail.eventName`, with a topic as its target. A deletion can be called off
        for 7 to 30 days.
    """,
    controls=peer(
        cis_aws_v3=["4.7"], cis_aws_v5=["4.7"], cis_aws_v6=["5.7"], iso_27001_2022=["A.8.15", "A.8.16"], soc2=["CC5.2"]
    )
    + proposal(nist_800_53_r5=["SI-4"]),
    references=(_ALARMS, _RULES),
    peers=(
        "prowler:cloudwatch_log_metric_filter_disable_or_scheduled_deletion_of_kms_cmk",
        "steampipe:log_metric_filter_disable_or_delete_cmk",
    ),
)
def key_changes(target: Target) -> Findings:
    """A key that is to be deleted takes all recordings with it, unless somebody says no in time.

    It is judged as `trail-alarm-bucket-changes` is.
    """
    key = key_of(target)
    yield from _unheard(target, key.reference, "kms.amazonaws.com", KEY_EVENTS, MORE_KEY_EVENTS)


def _unheard(target: Target, resource: str, source: str, names: tuple[str, ...], more: tuple[str, ...]) -> Findings:
    watch, region = need(target.watch), need(bucket_of(target).region)
    if watch is None:
        return
    doubtful: list[Unavailable] = []
    for wanted, severity in ((names, Severity.LOW), (more, Severity.INFO)):
        missing = []
        for name in wanted:
            event = Watched(source=source, name=name, region=region, account=watch.account)
            heard = watch.hears_of(event)
            if isinstance(heard, Unavailable):
                doubtful.append(heard)
            elif not need(heard):
                missing.append((name, heard))
        if missing:
            listed = ", ".join(name for name, _ in missing)
            yield finding(
                f"nobody is told of {listed} about {resource}",
                resource,
                severity=severity,
                expected="an alarm or an EventBridge rule for each",
                observed=f"none for {listed}",
                discriminator=severity.value,
                evidence=tuple(dict.fromkeys(place for _, fact in missing for place in places(fact))),
            )
    for gap in doubtful:
        need(gap)
