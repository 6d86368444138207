"""What an organization forbids to its accounts."""

from collections.abc import Mapping
from typing import Any

import pytest

from scanner.policy.asking import (
    ALL,
    ALLOWED,
    BUCKET,
    DENIED,
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
KMS_RCPS = KMS + "resource-control-policies.html"
PUT, READ = allow("s3:PutObject"), allow("s3:GetObject")
NO_PUT = deny("s3:PutObject")
LINKED_ROLE = f"arn:aws:iam::{OURS}:role/aws-service-role/replication.s3.amazonaws.com/AWSServiceRoleForS3"
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
            "sqs",
            "secretsmanager",
            "dynamodb",
            "ecr",
            "logs",
            "aoss",
            "cognito-idp",
            "cognito-identity",
            "sts",
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
