"""The reads of what raises an alarm on CloudTrail events: CloudWatch Logs, CloudWatch and EventBridge.

Source: https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudwatch-alarms-for-cloudtrail.html
"""

from collections.abc import Mapping

from recordscan.collect.call import Call, Pages
from recordscan.facts import Json

METRIC_FILTERS = Call(
    operation="logs:DescribeMetricFilters",
    service="logs",
    method="describe_metric_filters",
    permission="logs:DescribeMetricFilters",
    purpose="which events of the log groups of trails are counted",
    absent=frozenset({"ResourceNotFoundException"}),
    pages=Pages(send="nextToken", receive="nextToken", members=("metricFilters",)),
    regional=True,
    requires=("metricFilters",),
)
ALARMS = Call(
    operation="cloudwatch:DescribeAlarms",
    service="cloudwatch",
    method="describe_alarms",
    permission="cloudwatch:DescribeAlarms",
    purpose="which of those counts raise an alarm",
    pages=Pages(send="NextToken", receive="NextToken", members=("MetricAlarms", "CompositeAlarms")),
    regional=True,
    requires=("MetricAlarms",),
)
ALL_ALARMS: Mapping[str, Json] = {"AlarmTypes": ["CompositeAlarm", "MetricAlarm"]}
EVENT_RULES = Call(
    operation="events:ListRules",
    service="events",
    method="list_rules",
    permission="events:ListRules",
    purpose="which events EventBridge passes on",
    pages=Pages(send="NextToken", receive="NextToken", members=("Rules",)),
    regional=True,
    requires=("Rules",),
)
RULE_TARGETS = Call(
    operation="events:ListTargetsByRule",
    service="events",
    method="list_targets_by_rule",
    permission="events:ListTargetsByRule",
    purpose="whether somebody gets them",
    pages=Pages(send="NextToken", receive="NextToken", members=("Targets",)),
    regional=True,
    requires=("Targets",),
)

CALLS = (METRIC_FILTERS, ALARMS, EVENT_RULES, RULE_TARGETS)
