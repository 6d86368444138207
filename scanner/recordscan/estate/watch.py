"""Who is told when somebody changes what guards media: metric filters with alarms, and EventBridge rules.

Sources:
    https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudwatch-alarms-for-cloudtrail.html
    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-service-event-cloudtrail.html
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from recordscan.estate.answers import Answers, flag, mapping, rows, text
from recordscan.estate.arn import Arn, parse_arn
from recordscan.estate.patterns import Event, event_pattern_matches, log_pattern_matches, read_event_pattern
from recordscan.estate.trail import Trail, unrecorded_management
from recordscan.facts import Fact, Json, Reason, all_true, any_true, derive, need, pluck, unavailable


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """One kind of event that somebody should hear of.

    Attributes:
        source: Event source, such as `s3.amazonaws.com`.
        name: Event name, such as `PutBucketPolicy`.
        region: Where it happens.
        account: In which account.
    """

    source: str
    name: str
    region: str
    account: str

    @property
    def record(self) -> Event:
        """What is known of its CloudTrail record."""
        return {
            "eventSource": self.source,
            "eventName": self.name,
            "awsRegion": self.region,
            "eventType": "AwsApiCall",
            "eventCategory": "Management",
            "recipientAccountId": self.account,
        }

    @property
    def event(self) -> Event:
        """What is known of the event that EventBridge makes of it."""
        return {
            "source": f"aws.{self.source.partition('.')[0]}",
            "detail-type": "AWS API Call via CloudTrail",
            "account": self.account,
            "region": self.region,
            "detail": self.record,
        }


@dataclass(frozen=True, slots=True)
class Watch:
    """What raises an alarm in an account."""

    answers: Answers
    account: str
    trails: tuple[Trail, ...]
    _heard: dict[Watched, Fact[bool]] = field(default_factory=dict, repr=False, compare=False)

    def hears_of(self, watched: Watched) -> Fact[bool]:
        """Whether somebody is told of an event; unavailable where something may tell that could not be read."""
        if watched not in self._heard:
            self._heard[watched] = self._hears_of(watched)
        return self._heard[watched]

    def _hears_of(self, watched: Watched) -> Fact[bool]:
        by_metric = (self._by_metric(trail, watched) for trail in self.trails if trail.log_group is not None)
        return any_true(*by_metric, derive(lambda: need(self._by_rule(watched))))

    def _by_metric(self, trail: Trail, watched: Watched) -> Fact[bool]:
        group = parse_arn(trail.log_group or "")
        recorded = derive(lambda: not {"writes", watched.source} & set(need(unrecorded_management(trail))))

        def counted() -> bool:
            if group is None or group.account != self.account:
                unavailable(Reason.ACCESS_DENIED, f"the log group of {trail.label} is in an account that is not read")
            filters = self.answers.read(
                "logs:DescribeMetricFilters", self.account, region=group.region, logGroupName=log_group_name(group)
            )
            return need(any_true(*(self._alarms(row, watched, group.region) for row in _all(filters, "metricFilters"))))

        return all_true(trail.recording, recorded, derive(counted))

    def _alarms(self, row: Fact[Json], watched: Watched, region: str) -> Fact[bool]:
        def matching() -> bool:
            truth = log_pattern_matches(need(text(pluck(row, "filterPattern"))) or "", watched.record)
            if truth is None:
                name = need(text(pluck(row, "filterName")))
                unavailable(Reason.UNDECIDABLE, f"whether the metric filter {name} counts {watched.name} is not clear")
            return truth

        metrics = {
            (str(mapping(metric)["metricNamespace"]), str(mapping(metric)["metricName"]))
            for metric in rows(row, "metricTransformations")
        }
        answer = self.answers.read(
            "cloudwatch:DescribeAlarms", self.account, region=region, AlarmTypes=["CompositeAlarm", "MetricAlarm"]
        )
        return all_true(derive(matching), derive(lambda: bool(metrics & set(_alarming_metrics(answer)))))

    def _by_rule(self, watched: Watched) -> Fact[bool]:
        listed = self.answers.read("events:ListRules", self.account, region=watched.region)
        return derive(lambda: need(any_true(*(self._passes_on(row, watched) for row in _all(listed, "Rules")))))

    def _passes_on(self, row: Fact[Json], watched: Watched) -> Fact[bool]:
        name = need(text(pluck(row, "Name"))) or ""
        enabled = derive(lambda: str(need(pluck(row, "State"))).startswith("ENABLED"))

        def matching() -> bool:
            if need(text(pluck(row, "EventPattern"))) is None:
                return False  # a schedule
            pattern = read_event_pattern(need(text(pluck(row, "EventPattern"))))
            truth = None if pattern is None else event_pattern_matches(pattern, watched.event)
            if truth is None:
                unavailable(Reason.UNDECIDABLE, f"whether the rule {name} takes {watched.name} is not clear")
            return truth

        def heard() -> bool:
            targets = self.answers.read("events:ListTargetsByRule", self.account, region=watched.region, Rule=name)
            return bool(rows(targets, "Targets"))

        return all_true(enabled, derive(matching), derive(heard))


def log_group_name(arn: Arn) -> str:
    """Name of a log group."""
    return arn.resource.removeprefix("log-group:").removesuffix(":*")


def may_tell(row: Json, watched: tuple[Watched, ...]) -> bool:
    """Whether a rule of EventBridge, as ListRules shows it, may take one of these events."""
    pattern = read_event_pattern(row.get("EventPattern"))
    return pattern is not None and any(event_pattern_matches(pattern, each.event) is not False for each in watched)


def _all(answer: Fact[Json], member: str) -> list[Fact[Json]]:
    if need(pluck(answer, "truncated")):
        unavailable(Reason.UNDECIDABLE, f"the list of {member} was cut at the page limit")
    return rows(answer, member)


def _alarming_metrics(answer: Fact[Json]) -> Iterator[tuple[str, str]]:
    """Namespace and name of each metric whose alarm does something, by itself or within a composite alarm."""
    composites = [str(need(pluck(row, "AlarmRule"))) for row in _all(answer, "CompositeAlarms") if _acts(row)]
    for row in _all(answer, "MetricAlarms"):
        names = {str(need(pluck(row, name))) for name in ("AlarmName", "AlarmArn")}
        if not (_acts(row) or any(_mentions(rule, name) for rule in composites for name in names)):
            continue
        stats = [pluck(query, "MetricStat", "Metric") for query in rows(row, "Metrics")]
        for metric in (row, *stats):
            namespace, name = need(text(pluck(metric, "Namespace"))), need(text(pluck(metric, "MetricName")))
            if namespace is not None and name is not None:
                yield namespace, name


def _acts(row: Fact[Json]) -> bool:
    return need(flag(pluck(row, "ActionsEnabled"))) and bool(rows(row, "AlarmActions"))


def _mentions(rule: str, name: str) -> bool:
    return re.search(rf'ALARM\(\s*"?{re.escape(name)}"?\s*\)', rule) is not None


BUCKET_EVENTS = (
    "PutBucketAcl",
    "PutBucketPolicy",
    "PutBucketCors",
    "PutBucketLifecycle",
    "PutBucketReplication",
    "DeleteBucketPolicy",
    "DeleteBucketCors",
    "DeleteBucketLifecycle",
    "DeleteBucketReplication",
)
"""Changes of a bucket that the CIS benchmark wants somebody to hear of."""

MORE_BUCKET_EVENTS = (
    "PutBucketPublicAccessBlock",
    "PutBucketEncryption",
    "PutBucketVersioning",
    "PutBucketLogging",
)
"""Those that came to S3 after the benchmark's list was made."""

KEY_EVENTS = ("DisableKey", "ScheduleKeyDeletion")
MORE_KEY_EVENTS = ("PutKeyPolicy", "CreateGrant", "DeleteImportedKeyMaterial")


def watched_events(region: str, account: str) -> tuple[Watched, ...]:
    """Everything that somebody should hear of in a Region."""
    return (
        *_of("s3", (*BUCKET_EVENTS, *MORE_BUCKET_EVENTS), region, account),
        *_of("kms", (*KEY_EVENTS, *MORE_KEY_EVENTS), region, account),
    )


def _of(service: str, names: tuple[str, ...], region: str, account: str) -> Iterator[Watched]:
    for name in names:
        yield Watched(source=f"{service}.amazonaws.com", name=name, region=region, account=account)
