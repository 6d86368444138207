"""How identity, resource policy, boundary and session decide together."""

from collections.abc import Mapping
from typing import Any

import pytest

from scanner.policy.asking import (
    ALL,
    ALLOWED,
    DENIED,
    IAM,
    LOGGING,
    NOBODY,
    OURS,
    PARTNER,
    ROLE,
    ROOT,
    SESSION,
    SILENT,
    THEIRS,
    USER,
    allow,
    check,
    deny,
    row,
)

LOGIC = IAM + "reference_policies_evaluation-logic_policy-eval-denyallow.html"
BASICS = IAM + "reference_policies_evaluation-logic_policy-eval-basics.html"
CROSS_ACCOUNT = IAM + "reference_policies_evaluation-logic-cross-account.html"
BOUNDARIES = IAM + "access_policies_boundaries.html"
SESSIONS = IAM + "access_policies.html#policies_session"
PUT, READ = allow("s3:PutObject"), allow("s3:GetObject")
NO_PUT = deny("s3:PutObject")
THEIR_SESSION = f"arn:aws:sts::{THEIRS}:assumed-role/partner/s"

TOGETHER = [
    row("nothing allows nothing", LOGIC, SILENT),
    row("an Allow allows", LOGIC, ALLOWED, identity=PUT),
    row("another one does not", LOGIC, SILENT, identity=READ),
    row("a Deny wins over all Allows", LOGIC, DENIED, identity=(NO_PUT, ALL), resource=allow(to=[USER, "*"])),
    row(
        "in the resource policy as well",
        LOGIC,
        DENIED,
        identity=ALL,
        resource=[allow(to=USER), NO_PUT | {"Principal": "*"}],
    ),
    row("in the boundary", LOGIC, DENIED, identity=ALL, boundary=[ALL, NO_PUT], resource=allow(to=USER)),
    row(
        "in the session policy",
        LOGIC,
        DENIED,
        by=SESSION,
        identity=ALL,
        session=[ALL, NO_PUT],
        resource=allow(to=SESSION),
    ),
    row("in an SCP", LOGIC, DENIED, identity=ALL, scps=[[ALL], [ALL, NO_PUT]], resource=allow(to=USER)),
    row("in an RCP", LOGIC, DENIED, identity=ALL, rcps=[[], [deny(to="*")]], resource=allow(to=USER)),
    row("a Deny without Allow is one too", LOGIC, DENIED, identity=NO_PUT),
    row("a Deny of others is none", LOGIC, ALLOWED, identity=[ALL, deny("s3:GetObject")], resource=deny(to=f"{USER}2")),
    row("within an account identity is enough", BASICS, ALLOWED, identity=PUT, resource=allow("s3:GetObject", to="*")),
    row("so is the resource policy", BASICS, ALLOWED, identity=READ, resource=allow("s3:PutObject", to=USER)),
    row("one of its statements is", BASICS, ALLOWED, resource=[allow(to=USER), allow("s3:GetObject", to=USER)]),
    row("which may name everybody", BASICS, ALLOWED, resource=allow(to="*")),
    row("the account alone is not enough", BASICS, SILENT, resource=allow(to=[ROOT, OURS])),
    row("it is with identity", BASICS, ALLOWED, identity=PUT, resource=allow(to=ROOT)),
    row(
        "across accounts both are needed", CROSS_ACCOUNT, ALLOWED, by=PARTNER, identity=PUT, resource=allow(to=PARTNER)
    ),
    row("the account will do there", CROSS_ACCOUNT, ALLOWED, by=PARTNER, identity=PUT, resource=allow(to=THEIRS)),
    row("so will everybody", CROSS_ACCOUNT, ALLOWED, by=PARTNER, identity=PUT, resource=allow(to="*")),
    row(
        "so will the role",
        CROSS_ACCOUNT,
        ALLOWED,
        by=THEIR_SESSION,
        identity=PUT,
        resource=allow(to=f"arn:aws:iam::{THEIRS}:role/partner"),
    ),
    row("identity is not enough there", CROSS_ACCOUNT, SILENT, by=PARTNER, identity=ALL),
    row("nor is the resource policy", CROSS_ACCOUNT, SILENT, by=PARTNER, resource=allow(to=[PARTNER, THEIRS, "*"])),
    row("either side may deny", CROSS_ACCOUNT, DENIED, by=PARTNER, identity=[ALL, NO_PUT], resource=allow(to="*")),
    row("the other too", CROSS_ACCOUNT, DENIED, by=PARTNER, identity=ALL, resource=[allow(to="*"), deny(to=THEIRS)]),
    row("their SCPs bind them", CROSS_ACCOUNT, SILENT, by=PARTNER, identity=ALL, resource=allow(to="*"), scps=[[READ]]),
    row(
        "our RCPs bind them",
        CROSS_ACCOUNT,
        DENIED,
        by=PARTNER,
        identity=ALL,
        resource=allow(to="*"),
        rcps=[[deny(to="*")]],
    ),
    row("whose the bucket is decides, which no ARN tells", CROSS_ACCOUNT, SILENT, identity=ALL, owner=THEIRS),
    row("a user of the owner's needs no more", CROSS_ACCOUNT, ALLOWED, by=PARTNER, identity=PUT, owner=THEIRS),
    row("who does not sign needs everybody", BASICS, ALLOWED, by=NOBODY, identity=ALL, resource=allow(to="*")),
    row("or gets nothing", BASICS, SILENT, by=NOBODY, identity=ALL, resource=allow(to=[USER, OURS])),
    row("a service needs the resource policy", BASICS, ALLOWED, by=LOGGING, resource=allow(to={"Service": LOGGING})),
    row("and gets nothing elsewhere", BASICS, SILENT, by=LOGGING, identity=ALL, resource=allow(to=[OURS, USER])),
]

LIMITS = [
    row("a boundary gives nothing", BOUNDARIES, SILENT, boundary=ALL),
    row("it lets through what it allows", BOUNDARIES, ALLOWED, identity=ALL, boundary=PUT),
    row("and nothing else", BOUNDARIES, SILENT, identity=ALL, boundary=READ),
    row("an empty one lets nothing through", BOUNDARIES, SILENT, identity=ALL, boundary=[]),
    row("it does not limit what names a user", BOUNDARIES, ALLOWED, boundary=READ, resource=allow(to=USER)),
    row("or a session", BOUNDARIES, ALLOWED, by=SESSION, boundary=READ, resource=allow(to=SESSION)),
    row("or everybody", BOUNDARIES, ALLOWED, by=SESSION, boundary=READ, resource=allow(to="*")),
    row("it limits what names a role", BOUNDARIES, SILENT, by=SESSION, boundary=READ, resource=allow(to=ROLE)),
    row("whoever asks for it", BOUNDARIES, SILENT, by=ROLE, boundary=READ, resource=allow(to=ROLE)),
    row("unless it allows that, too", BOUNDARIES, ALLOWED, by=SESSION, boundary=PUT, resource=allow(to=ROLE)),
    row(
        "it limits what the account is given", BOUNDARIES, SILENT, identity=ALL, boundary=READ, resource=allow(to=ROOT)
    ),
    row("its Deny counts against a user's name", BOUNDARIES, DENIED, boundary=[ALL, NO_PUT], resource=allow(to=USER)),
    row(
        "across accounts it limits all",
        CROSS_ACCOUNT,
        SILENT,
        by=PARTNER,
        identity=ALL,
        boundary=READ,
        resource=allow(to=PARTNER),
    ),
    row("a session policy gives nothing", SESSIONS, SILENT, by=SESSION, session=ALL),
    row("it lets through what it allows too", SESSIONS, ALLOWED, by=SESSION, identity=ALL, session=PUT),
    row("and nothing else either", SESSIONS, SILENT, by=SESSION, identity=ALL, session=READ),
    row(
        "it does not limit what names the session",
        SESSIONS,
        ALLOWED,
        by=SESSION,
        session=READ,
        resource=allow(to=SESSION),
    ),
    row("it limits what names the role", SESSIONS, SILENT, by=SESSION, session=READ, resource=allow(to=ROLE)),
    row("unless it allows that", SESSIONS, ALLOWED, by=SESSION, session=PUT, resource=allow(to=ROLE)),
    row(
        "across accounts it limits all as well",
        CROSS_ACCOUNT,
        SILENT,
        by=THEIR_SESSION,
        identity=ALL,
        session=READ,
        resource=allow(to=THEIR_SESSION),
    ),
    row("both limit", SESSIONS, SILENT, by=SESSION, identity=ALL, session=PUT, boundary=READ),
    row("in either order", SESSIONS, SILENT, by=SESSION, identity=ALL, session=READ, boundary=PUT),
    row("where both allow, so does identity", SESSIONS, ALLOWED, by=SESSION, identity=ALL, session=PUT, boundary=PUT),
]


@pytest.mark.parametrize(("page", "expected", "asked"), [*TOGETHER, *LIMITS])
def test_policies_decide_together_as_aws_says(page: str, expected: str, asked: Mapping[str, Any]) -> None:
    check(page, expected, asked)
