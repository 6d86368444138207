"""What an organization forbids to its accounts."""

from collections.abc import Mapping
from typing import Any

import pytest

from recordscan.policy.authorize import bound_by_rcps
from recordscan.policy.request import Request, requester_of
from scanner.policy.asking import (
    ALL,
    ALLOWED,
    ANYTHING,
    BUCKET,
    DENIED,
    IAM,
    KEY,
    KMS,
    LOGGING,
    NOBODY,
    ORGANIZATIONS,
    OURS,
    PARTNER,
    ROLE,
    ROOT,
    SESSION,
    SILENT,
    UNLESS_DENIED,
    UNREAD,
    USER,
    allow,
    check,
    deny,
    row,
)

SCPS = ORGANIZATIONS + "orgs_manage_policies_scps.html"
SCP_LEVELS = ORGANIZATIONS + "orgs_manage_policies_scps_evaluation.html"
SCP_SYNTAX = ORGANIZATIONS + "orgs_manage_policies_scps_syntax.html"
RCPS = ORGANIZATIONS + "orgs_manage_policies_rcps.html"
RCP_SYNTAX = ORGANIZATIONS + "orgs_manage_policies_rcps_syntax.html"
DESCRIBE = "https://docs.aws.amazon.com/organizations/latest/APIReference/API_DescribePolicy.html"
CREATE_ACCOUNT = "https://docs.aws.amazon.com/organizations/latest/APIReference/API_CreateAccount.html"
IDENTIFIERS = IAM + "reference_identifiers.html"
KMS_RCPS = KMS + "resource-control-policies.html"
PUT, READ = allow("s3:PutObject"), allow("s3:GetObject")
NO_PUT = deny("s3:PutObject")
LINKED_ROLE = f"arn:aws:iam::{OURS}:role/aws-service-role/replication.s3.amazonaws.com/AWSServiceRoleForS3"
REPLICATION = "replication.s3.amazonaws.com"
OF_USER = deny("s3:*", to=USER)
LINKED_SESSION = f"arn:aws:sts::{OURS}:assumed-role/AWSServiceRoleForS3/s"

ORGANIZATION = [
    row("each level must allow", SCP_LEVELS, ALLOWED, identity=PUT, scps=[[ALL], [PUT], [ALL]]),
    row("the first as well", SCP_LEVELS, SILENT, identity=PUT, scps=[[READ], [ALL], [ALL]]),
    row("the last as well", SCP_LEVELS, SILENT, identity=PUT, scps=[[ALL], [ALL], [READ]]),
    row("one without policies blocks", SCP_LEVELS, SILENT, identity=PUT, scps=[[ALL], [], [ALL]]),
    row("of a level's policies one is enough", SCP_LEVELS, ALLOWED, identity=PUT, scps=[[READ, PUT]]),
    row("SCPs give nothing", SCPS, SILENT, scps=[[ALL]]),
    row("a Deny at any level denies", SCP_LEVELS, DENIED, identity=ALL, scps=[[ALL, NO_PUT], [ALL]]),
    row(
        "SCPs have conditions",
        SCP_SYNTAX,
        SILENT,
        identity=ALL,
        scps=[[allow(when={"Bool": {"aws:SecureTransport": "true"}})]],
    ),
    row("and resources", SCP_SYNTAX, SILENT, identity=ALL, scps=[[allow(on="arn:aws:s3:::other/*")]]),
    row(
        "an Allow gives what meets both",
        SCP_SYNTAX,
        ALLOWED,
        identity=ALL,
        scps=[[allow("s3:*Object", on=f"{BUCKET}/*", when={"Bool": {"aws:SecureTransport": "true"}})]],
        where={"aws:SecureTransport": "true"},
    ),
    row("an Allow may have NotResource", SCP_SYNTAX, ALLOWED, identity=ALL, scps=[[allow(NotResource=BUCKET)]]),
    row("an Allow may have NotAction", SCP_SYNTAX, ALLOWED, identity=ALL, scps=[[allow(NotAction="iam:*")]]),
    row("a Deny may have NotResource", SCP_SYNTAX, DENIED, identity=ALL, scps=[[ALL, deny(NotResource=BUCKET)]]),
    row("SCPs bind users whom a resource policy names", SCPS, SILENT, resource=allow(to=USER), scps=[[READ]]),
    row("and roles", SCPS, SILENT, by=ROLE, identity=ALL, scps=[[READ]]),
    row("and sessions", SCPS, SILENT, by=SESSION, identity=ALL, scps=[[READ]]),
    row("and the root user", SCPS, SILENT, by=ROOT, scps=[[READ]]),
    row("whom they may deny", SCPS, DENIED, by=ROOT, scps=[[ALL, NO_PUT]]),
    row("nobody in the management account", SCPS, ALLOWED, identity=ALL, scps=None),
    row("no service-linked role", SCPS, ALLOWED, by=LINKED_ROLE, identity=ALL, scps=[[READ, NO_PUT]]),
    row("nor its sessions", SCPS, ALLOWED, by=LINKED_SESSION, identity=ALL, scps=[[]]),
    row(
        "by the beginning of its name, which is reserved",
        CREATE_ACCOUNT,
        ALLOWED,
        by=LINKED_SESSION.replace("S3", "X_y"),
        identity=ALL,
        scps=[[]],
    ),
    row(
        "and by no other",
        CREATE_ACCOUNT,
        SILENT,
        by=LINKED_SESSION.replace("AWSServiceRoleForS3", "MyAWSServiceRoleForS3"),
        identity=ALL,
        scps=[[]],
    ),
    row(
        "whoever else has the path of one is bound",
        IDENTIFIERS,
        SILENT,
        by=f"arn:aws:iam::{OURS}:user/a:role/aws-service-role/b/mallory",
        identity=ALL,
        scps=[[READ]],
    ),
    row("an SCP that was not read may be silent or deny", DESCRIBE, ANYTHING, identity=ALL, scps=UNREAD),
    row("no service", SCPS, ALLOWED, by=LOGGING, resource=allow(to={"Service": LOGGING}), scps=[[NO_PUT]]),
    row("nobody who does not sign", SCPS, ALLOWED, by=NOBODY, resource=allow(to="*"), scps=[[NO_PUT]]),
    row("RCPs allow all by themselves", RCPS, ALLOWED, identity=ALL, rcps=[[], []]),
    row("they give nothing", RCPS, SILENT, rcps=[[allow(to="*")]]),
    row("an Allow there limits nothing", RCPS, ALLOWED, identity=ALL, rcps=[[allow("s3:GetObject", to="*")]]),
    row("their Deny binds our users", RCPS, DENIED, identity=ALL, rcps=[[deny("s3:*", to="*")]]),
    row("and those of others", RCPS, DENIED, by=PARTNER, identity=ALL, resource=allow(to="*"), rcps=[[deny(to="*")]]),
    row("and the root user, too", RCPS, DENIED, by=ROOT, rcps=[[deny(to="*")]]),
    row("and services", RCPS, DENIED, by=LOGGING, resource=allow(to={"Service": LOGGING}), rcps=[[deny(to="*")]]),
    row("and who does not sign", RCPS, DENIED, by=NOBODY, resource=allow(to="*"), rcps=[[deny(to="*")]]),
    row(
        "they have conditions",
        RCP_SYNTAX,
        ALLOWED,
        identity=ALL,
        rcps=[[deny(to="*", when={"Bool": {"aws:SecureTransport": "false"}})]],
    ),
    row("and resources, too", RCP_SYNTAX, ALLOWED, identity=ALL, rcps=[[deny(to="*", on="arn:aws:s3:::other/*")]]),
    row("they bind no service-linked role", RCPS, ALLOWED, by=LINKED_ROLE, identity=ALL, rcps=[[deny(to="*")]]),
    row("nor its sessions either", RCPS, ALLOWED, by=LINKED_SESSION, identity=ALL, rcps=[[deny(to="*")]]),
    row("an RCP that was not read may deny", DESCRIBE, UNLESS_DENIED, identity=ALL, rcps=UNREAD),
    row(
        "nor who takes on such a role",
        RCPS,
        ALLOWED,
        by=REPLICATION,
        action="sts:AssumeRole",
        on=LINKED_ROLE,
        resource=allow("sts:AssumeRole", to={"Service": REPLICATION}),
        rcps=[[deny("sts:*", to="*")]],
    ),
    row("a principal beside the star is unclear there", RCP_SYNTAX, UNLESS_DENIED, identity=ALL, rcps=[[OF_USER]]),
    row(
        "so is NotPrincipal",
        RCP_SYNTAX,
        UNLESS_DENIED,
        identity=ALL,
        rcps=[[deny("s3:*", but=PARTNER)]],
    ),
    row("so is NotAction", RCP_SYNTAX, UNLESS_DENIED, identity=ALL, rcps=[[deny(to="*", NotAction="s3:Get*")]]),
    row("no element beside them is", RCP_SYNTAX, DENIED, identity=ALL, rcps=[[deny(to="*", NotResource=BUCKET)]]),
    row(
        "they do not bear on other services",
        RCPS,
        ALLOWED,
        action="iam:CreateUser",
        on=USER,
        identity=ALL,
        rcps=[[deny(to="*")]],
    ),
    *(
        row(
            f"they bear on {service}",
            RCPS,
            DENIED,
            action=f"{service}:Do",
            on=f"arn:aws:{service}:::x",
            identity=ALL,
            rcps=[[deny(to="*")]],
        )
        for service in (
            *("sqs", "secretsmanager", "dynamodb", "ecr", "logs", "aoss", "cognito-idp", "cognito-identity", "sts"),
            *("cloudfront", "codebuild", "events", "firehose", "signin", "transcribe", "transfer", "wafv2"),
        )
    ),
    row(
        "they bear on keys",
        KMS_RCPS,
        DENIED,
        action="kms:Decrypt",
        on=KEY,
        resource=allow(to=USER),
        rcps=[[deny(to="*")]],
    ),
    row(
        "not on the end of grants",
        KMS_RCPS,
        ALLOWED,
        action="kms:RetireGrant",
        on=KEY,
        resource=allow(to=USER),
        rcps=[[deny(to="*")]],
    ),
]


@pytest.mark.parametrize(("page", "expected", "asked"), ORGANIZATION)
def test_an_organization_limits_as_aws_says(page: str, expected: str, asked: Mapping[str, Any]) -> None:
    check(page, expected, asked)


RCP_SERVICES = (
    "aoss appconfig appstream autoscaling autoscaling-plans budgets clouddirectory cloudfront cloudsearch "
    "cloudtrail-data codeartifact codebuild codecommit codepipeline cognito-identity cognito-idp comprehend "
    "comprehendmedical compute-optimizer cost-optimization-hub dax dsql dynamodb ecr ecr-public events firehose fis "
    "fms gamelift health inspector-scan kendra kinesisvideo kms logs memorydb networkmonitor notifications opensearch "
    "pca-connector-ad personalize polly pricing resource-groups rolesanywhere s3 secretsmanager servicediscovery "
    "signin sqs sts support swf textract timestream-influxdb transcribe transfer translate wafv2 workspaces xray"
)
"""Services that RCPs bear on, by that page, as of September 2026."""

OTHERS = "athena cloudtrail ec2 glue iam lambda organizations rds s3express s3tables sns ssm"


@pytest.mark.parametrize("service", [*RCP_SERVICES.split(), *OTHERS.split()])
def test_rcps_bear_on_the_services_that_aws_lists(service: str) -> None:
    asked = Request(requester=requester_of(USER), action=f"{service}:DoSomething", resource="*", resource_account=OURS)
    assert bound_by_rcps(asked) is (service in RCP_SERVICES.split())
