"""What root users may do, and who may take a role."""

from collections.abc import Mapping
from typing import Any

import pytest

from scanner.policy.asking import (
    ALL,
    ALLOWED,
    BUCKET,
    DENIED,
    IAM,
    ORGANIZATIONS,
    PARTNER,
    ROLE,
    ROOT,
    SESSION,
    SILENT,
    TARGET_ROLE,
    THEIRS,
    USER,
    allow,
    check,
    deny,
    row,
)

CROSS_ACCOUNT = IAM + "reference_policies_evaluation-logic-cross-account.html"
ROLES = IAM + "id_roles.html"
TAGS = IAM + "id_session-tags.html"
SOURCE_IDENTITY = IAM + "id_credentials_temp_control-access_monitor.html"
ROOT_USER = IAM + "id_root-user.html"
SCPS = ORGANIZATIONS + "orgs_manage_policies_scps.html"
PUT_POLICY = "https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketPolicy.html"
PUT, READ = allow("s3:PutObject"), allow("s3:GetObject")

ROOT_AND_TRUST = [
    row("the root user of the owner may do all", ROOT_USER, ALLOWED, by=ROOT),
    row("unless the bucket policy denies it", ROOT_USER, DENIED, by=ROOT, resource=deny(to="*")),
    row("or an SCP does", SCPS, SILENT, by=ROOT, scps=[[]]),
    row("that of another account needs the resource policy", CROSS_ACCOUNT, SILENT, by=f"arn:aws:iam::{THEIRS}:root"),
    row(
        "which may name its account",
        CROSS_ACCOUNT,
        ALLOWED,
        by=f"arn:aws:iam::{THEIRS}:root",
        resource=allow(to=THEIRS),
    ),
    *(
        row(
            f"no bucket policy keeps the root user from {action}",
            PUT_POLICY,
            ALLOWED,
            by=ROOT,
            action=f"s3:{action}",
            on=BUCKET,
            resource=deny(to="*"),
        )
        for action in ("GetBucketPolicy", "PutBucketPolicy", "DeleteBucketPolicy")
    ),
    row(
        "an SCP does keep it", PUT_POLICY, DENIED, by=ROOT, action="s3:PutBucketPolicy", on=BUCKET, scps=[[ALL, deny()]]
    ),
    row(
        "an RCP does as well",
        PUT_POLICY,
        DENIED,
        by=ROOT,
        action="s3:PutBucketPolicy",
        on=BUCKET,
        rcps=[[deny(to="*")]],
    ),
    row(
        "a bucket policy keeps others",
        PUT_POLICY,
        DENIED,
        identity=ALL,
        action="s3:PutBucketPolicy",
        on=BUCKET,
        resource=deny(to="*"),
    ),
    row(
        "and the root user of another account",
        PUT_POLICY,
        DENIED,
        by=f"arn:aws:iam::{THEIRS}:root",
        action="s3:PutBucketPolicy",
        on=BUCKET,
        resource=[allow(to="*"), deny(to=THEIRS)],
    ),
    row(
        "a role trusts whom it names",
        ROLES,
        ALLOWED,
        action="sts:AssumeRole",
        on=TARGET_ROLE,
        resource=allow("sts:AssumeRole", to=USER),
    ),
    row("identity is not enough for it", ROLES, SILENT, action="sts:AssumeRole", on=TARGET_ROLE, identity=ALL),
    row(
        "nor is the trust of the account",
        ROLES,
        SILENT,
        action="sts:AssumeRole",
        on=TARGET_ROLE,
        resource=allow("sts:AssumeRole", to=ROOT),
    ),
    row(
        "together they are",
        ROLES,
        ALLOWED,
        action="sts:AssumeRole",
        on=TARGET_ROLE,
        identity=ALL,
        resource=allow("sts:AssumeRole", to=ROOT),
    ),
    row(
        "across accounts, too",
        ROLES,
        ALLOWED,
        by=PARTNER,
        action="sts:AssumeRole",
        on=TARGET_ROLE,
        identity=ALL,
        resource=allow("sts:AssumeRole", to=THEIRS),
    ),
    row(
        "whoever trusts may refuse",
        ROLES,
        DENIED,
        action="sts:AssumeRole",
        on=TARGET_ROLE,
        identity=ALL,
        resource=[allow(to=ROOT), deny(to=USER)],
    ),
    row(
        "trust limits a role by its boundary",
        ROLES,
        SILENT,
        by=SESSION,
        boundary=PUT,
        action="sts:AssumeRole",
        on=TARGET_ROLE,
        identity=ALL,
        resource=allow(to=ROLE),
    ),
    row("case does not matter to it", ROLES, SILENT, action="STS:assumeRole", on=TARGET_ROLE, identity=ALL),
    row("to pass tags needs trust", TAGS, SILENT, action="sts:TagSession", on=TARGET_ROLE, identity=ALL),
    row(
        "to set an identity needs trust",
        SOURCE_IDENTITY,
        SILENT,
        action="sts:SetSourceIdentity",
        on=TARGET_ROLE,
        identity=ALL,
    ),
    row("to ask who one is does not", ROLES, ALLOWED, action="sts:GetFederationToken", on="*", identity=ALL),
]


@pytest.mark.parametrize(("page", "expected", "asked"), ROOT_AND_TRUST)
def test_root_users_and_roles_are_as_aws_says(page: str, expected: str, asked: Mapping[str, Any]) -> None:
    check(page, expected, asked)
