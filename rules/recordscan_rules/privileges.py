"""What the user that Twilio writes as may do beyond writing recordings under its prefix."""

from collections.abc import Iterator

from recordscan.estate.access import SAMPLE, may_on_bucket
from recordscan.estate.reach import Ability
from recordscan.estate.target import Target, bucket_of, location_of, writer_of
from recordscan.estate.user import IamUser
from recordscan.facts import Reason, need, places, unavailable
from recordscan.policy.documents import Statement
from recordscan.policy.globs import TooComplexError, witness
from recordscan.policy.matching import literal, names_action
from recordscan.rule import Findings, Severity, finding, official, peer, proposal, rule

_GUIDE = "https://www.twilio.com/docs/video/tutorials/storing-aws-s3"
_LEAST = "https://docs.aws.amazon.com/IAM/latest/UserGuide/best-practices.html#grant-least-privilege"
_LOGIC = "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html"

_TOO_MUCH: dict[Ability, str] = {
    "fetch": "fetch media",
    "delete": "delete media",
    "list": "list media",
    "change": "change what guards media",
}


@rule(
    "writer-actions",
    title="The user that Twilio writes as can write media and do nothing else to it",
    severity=Severity.CRITICAL,
    remediation="""
        Replace the user's policies by what `recordscan policy minimal --bucket BUCKET --prefix PREFIX --key KEY_ARN`
        prints, and take the user out of the bucket policy and the key policy.
    """,
    controls=official(security_hub=["IAM.21"], nist_800_53_r5=["AC-2(1)", "AC-3", "AC-5", "AC-6"])
    + peer(hipaa=["164.312(a)(1)"], soc2=["CC6.3"], iso_27001_2022=["A.8.2", "A.5.18"])
    + proposal(iso_27001_2022=["A.5.15"]),
    references=(_GUIDE, _LOGIC, _LEAST),
    guide="select Create policy, pick the JSON editor and create a policy document with write permissions",
    peers=("trivy:AWS-0345", "trivy:AWS-0346", "custodian:check-permissions", "checkov:CKV_AWS_288"),
)
def actions(target: Target) -> Findings:
    """The key lies at another company. Whoever takes it from there can do to your recordings what this user can.

    Each ability is shown by a request that the policies of all layers allow, and the statements that decide.
    """
    user = writer_of(target)
    doubtful = []
    for line in need(target.reach):
        if line.name != user.arn or line.ability not in _TOO_MUCH:
            continue
        if not line.certain:
            doubtful.append(line)
            continue
        asked = ", ".join(f"{ask.action} on {ask.resource}" for ask in line.witness)
        yield finding(
            f"the IAM user {user.user_name}, whose key Twilio holds, can {_TOO_MUCH[line.ability]}: {asked}",
            user.arn,
            expected="s3:PutObject under the prefix, and what it needs of the key",
            observed="; ".join(line.because),
            evidence=line.source,
            discriminator=line.ability,
        )
    for line in doubtful:
        for gap in line.gaps:
            need(gap)
        unavailable(
            Reason.UNDECIDABLE,
            f"whether the user can {_TOO_MUCH[line.ability]} depends on {', '.join(line.depends_on)}",
        )


@rule(
    "url-prefix-iam-narrow",
    title="The user that Twilio writes as may write nowhere else in the bucket",
    severity=Severity.MEDIUM,
    remediation="""
        End the `Resource` of the statement with the prefix of the URL and `*`, as
        `recordscan policy minimal --bucket BUCKET --prefix PREFIX` prints it. A prefix that does not end in a slash
        covers its siblings, too.
    """,
    controls=proposal(nist_800_53_r5=["AC-6"], iso_27001_2022=["A.8.3"]),
    references=(_GUIDE, _LEAST),
    guide="the specific path where you want Twilio to store your recordings within your bucket",
    peers=("checkov:CKV_AWS_355", "cloudsplaining:ResourceExposure"),
)
def narrow(target: Target) -> Findings:
    """With a wider grant, whoever has the key can overwrite what else lies in the bucket.

    Where one user writes for several settings, the prefixes of all of them are its own.
    """
    user, bucket, own = writer_of(target), bucket_of(target), location_of(target).key_prefix
    if not own:
        return  # the whole bucket is the place
    open_keys: list[str] = []
    for resource in _outside(target, user, own):
        locations = [at.key_prefix for at in need(target.writer_locations) if at.bucket == bucket.name]
        if any(resource.removeprefix(f"{bucket.arn}/").startswith(prefix) for prefix in locations):
            continue
        decision = need(may_on_bucket(user.principal, "s3:PutObject", resource, target, known=_OVER_TLS))
        if decision.allowed:
            yield finding(
                f"the IAM user {user.user_name}, whose key Twilio holds, may put {resource}",
                user.arn,
                resource,
                expected=f"only objects under {bucket.arn}/{own}",
                observed="; ".join(decision.because),
                evidence=places(user.principal.policies) + places(bucket.policy),
                discriminator="outside",
            )
            return
        if decision.allowed is None:
            open_keys += [key for row in decision.open for key in row.open]
    if open_keys:
        unavailable(
            Reason.UNDECIDABLE, f"whether it may write elsewhere depends on {', '.join(dict.fromkeys(open_keys))}"
        )


_OVER_TLS = {"aws:SecureTransport": "true", "s3:TlsVersion": "1.3"}


def _outside(target: Target, user: IamUser, prefix: str) -> Iterator[str]:
    """Objects of the bucket outside the prefix: a sibling, then one for each resource that a policy names there."""
    bucket = bucket_of(target)
    excluded = (f"{bucket.arn}/{literal(prefix)}*",)
    yield f"{bucket.arn}/elsewhere/{SAMPLE}"
    document = need(bucket.policy)
    documents = [attached.policy.document for attached in need(user.principal.policies)]
    for statement in (s for found in (*documents, document) if found is not None for s in found.statements):
        if statement.effect != "Allow" or not names_action(statement.actions or (), "s3:putobject"):
            continue
        for pattern in statement.resources or ():
            if "${" in pattern or not pattern.strip("*"):
                continue
            try:
                found = witness((f"{bucket.arn}/*", pattern), excluded)
            except TooComplexError:
                unavailable(Reason.UNDECIDABLE, f"what {pattern} names beside the prefix is too much to find out")
            if found is not None:
                yield found


@rule(
    "writer-no-admin",
    title="No policy of the user that Twilio writes as allows all of a service",
    severity=Severity.CRITICAL,
    remediation="""
        Name the actions: `s3:PutObject`, and for the key `kms:GenerateDataKey` and `kms:Decrypt`. Detach
        AdministratorAccess, PowerUserAccess, AmazonS3FullAccess and IAMFullAccess from the user and its groups.
    """,
    controls=official(
        cis_aws_v3=["1.16"], cis_aws_v5=["1.15"], security_hub=["IAM.1", "IAM.21"], nist_800_53_r5=["AC-6"]
    )
    + peer(cis_aws_v6=["2.15"], hipaa=["164.308(a)(3)(i)"], iso_27001_2022=["A.8.2"], soc2=["CC6.3"]),
    references=(_LEAST, "https://docs.aws.amazon.com/securityhub/latest/userguide/iam-controls.html"),
    guide="create a policy document with write permissions",
    peers=(
        "prowler:iam_user_administrator_access_policy",
        "prowler:iam_inline_policy_no_administrative_privileges",
        "steampipe:iam_policy_no_star_star",
        "scoutsuite:iam-managed-policy-allows-full-privileges",
        "checkov:CKV_AWS_62",
        "securityhub:IAM.1",
    ),
)
def no_admin(target: Target) -> Findings:
    """A wildcard for a whole service covers what nobody thought of, and what AWS adds next year.

    Looked for in every policy of the user and its groups, by what it says and not by its name: `*`, `s3:*`, and Allow
    with `NotAction`.
    """
    user = writer_of(target)
    for attached in need(user.principal.policies):
        for statement in attached.policy.document.statements:
            found = _all_of_a_service(statement)
            if found:
                yield finding(
                    f"statement {statement.label} of {attached.policy.name} allows {user.user_name} {found}",
                    user.arn,
                    *((attached.arn,) if attached.arn else ()),
                    expected="actions by name",
                    observed=found,
                    evidence=places(user.principal.policies),
                    discriminator=f"{attached.name} {statement.label}",
                )


def _all_of_a_service(statement: Statement) -> str:
    if statement.effect != "Allow":
        return ""
    if statement.not_actions is not None:
        return f"everything but {', '.join(statement.not_actions)}"
    wide = [pattern for pattern in statement.actions or () if not pattern.rpartition(":")[2].strip("*")]
    return ", ".join(wide)
