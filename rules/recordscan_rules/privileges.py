"""What the user that Twilio writes as may do beyond writing media under its prefix.

Each finding is a claim that can be checked: it names a request that is no part of what Twilio's guide grants, and that
the policies of all layers allow.
"""

from collections.abc import Callable, Iterable, Iterator

from recordscan.estate.privileges import policy_writer, writer_excess
from recordscan.estate.reach import Ability, reach_of
from recordscan.estate.target import Target, key_of, location_of, writer_of
from recordscan.facts import Reason, Source, if_known, need, places, remark, unavailable
from recordscan.mending import replace_policies
from recordscan.policy.documents import Statement
from recordscan.policy.excess import Excess
from recordscan.policy.families import Family
from recordscan.policy.template import KEY_ACTIONS
from recordscan.profile import Profile
from recordscan.remedy import Step, by_hand
from recordscan.rule import Findings, Severity, finding, official, peer, proposal, rule

_GUIDE = "https://www.twilio.com/docs/video/tutorials/storing-aws-s3"
_LEAST = "https://docs.aws.amazon.com/IAM/latest/UserGuide/best-practices.html#grant-least-privilege"
_LOGIC = "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html"

_LEAST_PRIVILEGE = (
    official(security_hub=["IAM.21"], nist_800_53_r5=["AC-2(1)", "AC-3", "AC-5", "AC-6"])
    + peer(hipaa=["164.312(a)(1)"], soc2=["CC6.3"], iso_27001_2022=["A.8.2", "A.5.18"])
    + proposal(iso_27001_2022=["A.5.15"])
)

_Severities = dict[Family, Severity | Callable[[Excess], Severity]]


def _beyond(target: Target, profile: Profile, families: _Severities, expected: str) -> Findings:
    """A finding for each family of things that the writer may do too much; unknown where one depends on the unknown."""
    user = writer_of(target)
    told = [line for line in need(writer_excess(target, profile.writer_actions)) if line.family in families]
    if target.organization.assumed:
        remark("organization policies could not be read; the configuration says to take them as allowing")
    for line in told:
        if line.certain:
            if line.family.startswith("other-"):
                need(target.writer_places)  # where the user writes for other settings is not too much
            severity = families[line.family]
            asked = line.witness
            yield finding(
                f"the IAM user {user.user_name}, whose key Twilio holds, can {line.what}: {line.named()}; for one, "
                f"{asked.action} on {asked.resource}" + (f", if {line.assumes}" if line.assumes else ""),
                user.arn,
                *((asked.resource,) if asked.resource != "*" else ()),
                severity=severity if isinstance(severity, Severity) else severity(line),
                expected=expected,
                observed="; ".join(line.decision.because),
                evidence=_deciding(target, line),
                discriminator=line.family,
            )
    for line in told:
        if line.certain:
            continue
        for gap in line.decision.gaps:
            need(gap)
        depends_on = ", ".join(line.decision.depends_on)
        unavailable(Reason.UNDECIDABLE, f"whether the user can {line.what} depends on {depends_on}")


def _deciding(target: Target, line: Excess) -> Source:
    """The answers that hold the statements which decide a line."""
    layers = policy_writer(target).layers(line.witness.action, line.witness.resource)
    held = {"identity": layers.identity, "resource": layers.resource, "boundary": layers.boundary}
    named = {row.layer for row in line.rows} or {"identity"}
    return tuple(place for name, fact in held.items() if name in named for place in places(fact))


@rule(
    "writer-actions",
    title="The user that Twilio writes as can write media and do nothing else to it",
    severity=Severity.CRITICAL,
    remedy=replace_policies,
    remediation="""
        Replace the user's policies by what `recordscan policy minimal --bucket BUCKET --prefix PREFIX --key KEY_ARN`
        prints, and take the user out of the bucket policy and the key policy. Actions that uploads need at your
        organisation, such as `s3:AbortMultipartUpload`, can be allowed as `writer_actions` in the profile.
    """,
    controls=_LEAST_PRIVILEGE,
    references=(_GUIDE, _LOGIC, _LEAST),
    guide="select Create policy, pick the JSON editor and create a policy document with write permissions",
    peers=("trivy:AWS-0345", "trivy:AWS-0346", "custodian:check-permissions", "checkov:CKV_AWS_288"),
)
def actions(target: Target, profile: Profile) -> Findings:
    """The key lies at another company. Whoever takes it from there can do to your media what this user can.

    What is granted is looked for over the user's policies and groups, the bucket policy and the key policy, within what
    boundary and organization leave. Reading, deleting and changing who may are critical, and so is to list names;
    the rest, such as to read settings of the bucket, is high.
    """
    yield from _beyond(
        target,
        profile,
        {
            "policies": Severity.CRITICAL,
            "settings": Severity.CRITICAL,
            "delete": Severity.CRITICAL,
            "read": Severity.CRITICAL,
            "list": lambda line: (
                Severity.CRITICAL if any(name.startswith("s3:List") for name in line.actions) else Severity.HIGH
            ),
        },
        "s3:PutObject under the prefix, and what it needs of the key",
    )


def keep_to_key(target: Target, profile: Profile) -> Iterator[Step]:
    """Replaces the writer's policies, where it is these that let it do too much with keys."""
    user, key = writer_of(target), key_of(target)
    policy = need(key.policy)
    for statement in policy.statements if policy is not None else ():
        named = any(principal.value == user.arn for principal in statement.principals or ())
        if statement.effect == "Allow" and named and not set(statement.actions or ("*",)) <= set(KEY_ACTIONS):
            by_hand(f"statement {statement.label} of the key policy names the user, and a person must say what stays")
    yield from replace_policies(target, profile)


@rule(
    "writer-key-actions",
    title="The user that Twilio writes as can use the bucket's KMS key, no other, and control none",
    severity=Severity.CRITICAL,
    remedy=keep_to_key,
    remediation="""
        Name the one key by its ARN as `Resource`, and as actions no more than what the guide grants, as
        `recordscan policy minimal --bucket BUCKET --prefix PREFIX --key KEY_ARN --full-template` prints it. Of these
        uploads need `kms:GenerateDataKey` and `kms:Decrypt`. An alias as `Resource` grants nothing.
    """,
    controls=official(security_hub=["KMS.1", "KMS.2"], nist_800_53_r5=["AC-2", "AC-3", "AC-5", "AC-6", "AC-6(3)"])
    + proposal(pci_dss_4_0_1=["3.6.1", "7.2.1"]),
    references=(_GUIDE, "https://docs.aws.amazon.com/kms/latest/developerguide/iam-policies-best-practices.html"),
    guide="you must grant access to the KMS key in your policy document",
    peers=(
        "prowler:iam_policy_no_full_access_to_kms",
        "prowler:iam_inline_policy_no_full_access_to_kms",
        "steampipe:kms_key_decryption_restricted_in_iam_customer_managed_policy",
        "steampipe:kms_key_decryption_restricted_in_iam_inline_policy",
    ),
)
def key_actions(target: Target, profile: Profile) -> Findings:
    """Who may disable the key or schedule its deletion can make all media unreadable; who may use all keys of the
    account can read what else they protect.
    """
    families: _Severities = {
        "key-control": Severity.CRITICAL,
        "key": Severity.MEDIUM,
        "other-keys": Severity.MEDIUM,
    }
    key_of(target)
    yield from _beyond(target, profile, families, "what the guide grants, on the bucket's key")


@rule(
    "writer-privilege-escalation",
    title="The user that Twilio writes as can neither change IAM nor act as somebody else",
    severity=Severity.HIGH,
    remedy=replace_policies,
    remediation="""
        Remove every `iam:`, `sts:` and `organizations:` action that changes something from the user's policies, and
        what lets it run commands or code where a role already is, such as `ssm:SendCommand` or
        `lambda:UpdateFunctionCode`.
    """,
    controls=peer(soc2=["CC3.3"]) + proposal(nist_800_53_r5=["AC-6"], iso_27001_2022=["A.8.2"]),
    references=(_LEAST, "https://rhinosecuritylabs.com/aws/aws-privilege-escalation-methods-mitigation/"),
    guide="create a policy document with write permissions",
    peers=(
        "prowler:iam_policy_allows_privilege_escalation",
        "prowler:iam_inline_policy_allows_privilege_escalation",
        "prowler:iam_no_custom_policy_permissive_role_assumption",
        "checkov:CKV_AWS_286",
        "cloudsplaining:PrivilegeEscalation",
    ),
)
def privilege_escalation(target: Target, profile: Profile) -> Findings:
    """One such action makes an administrator of whoever holds the key.

    Looked for in all policies of the user together, so that a way that is split over two policies is found, and within
    what resources, conditions, denials and the boundary leave of them.
    """
    yield from _beyond(target, profile, {"identity": Severity.HIGH}, "no action that changes IAM or takes a role")


@rule(
    "writer-dedicated",
    title="The policies of the user that Twilio writes as allow nothing in other services",
    severity=Severity.MEDIUM,
    remedy=replace_policies,
    remediation="""
        Create a user for the uploads alone and move what else this one does to other users or roles; take it out of
        groups that grant more.
    """,
    controls=proposal(nist_800_53_r5=["AC-6"], iso_27001_2022=["A.5.16"]),
    references=(_GUIDE, _LEAST),
    guide="create an IAM user",
    peers=("cloudsplaining:InfrastructureModification", "checkov:CKV_AWS_289"),
)
def dedicated(target: Target, profile: Profile) -> Findings:
    """A user with a second purpose has two kinds of people who want its key to stay as it is.

    Looks at what its policies allow in other services. What they allow too much of S3, KMS and IAM, and whether a
    person uses it, is the business of writer-actions, writer-key-actions, writer-privilege-escalation and
    cred-not-root-or-human: a user may pass here and fail there.
    """
    yield from _beyond(target, profile, {"services": Severity.MEDIUM}, "no actions of other services")


def narrow_policies(target: Target, profile: Profile) -> Iterator[Step]:
    """Replaces the writer's policies by one for its prefix."""
    prefix = location_of(target).key_prefix
    if not prefix.endswith("/"):
        by_hand(f"the URL must end in a slash first: a policy for {prefix} covers all keys that begin so")
    yield from replace_policies(target, profile)


@rule(
    "url-prefix-iam-narrow",
    title="The user that Twilio writes as reaches no objects but those under its prefix",
    severity=Severity.HIGH,
    remedy=narrow_policies,
    remediation="""
        End the `Resource` of the statement with the prefix of the URL and `*`, as
        `recordscan policy minimal --bucket BUCKET --prefix PREFIX` prints it, and name the bucket without wildcards. A
        prefix that does not end in a slash covers its siblings, too.
    """,
    controls=_LEAST_PRIVILEGE + proposal(iso_27001_2022=["A.8.3"]),
    references=(_GUIDE, _LEAST),
    guide="the specific path where you want Twilio to store your recordings within your bucket",
    peers=("checkov:CKV_AWS_355", "cloudsplaining:ResourceExposure", "parliament:RESOURCE_STAR"),
)
def narrow(target: Target, profile: Profile) -> Findings:
    """With a wider grant, whoever has the key can overwrite what else lies in the bucket, which is a medium finding, or
    reach other buckets, which is a high one.

    Where one user writes for several settings, the places of all of them are its own. Media of other settings that it
    reaches is named, by what all policies together decide there, that bucket's own included: a high finding for each.
    """
    families: _Severities = {"other-prefixes": Severity.MEDIUM, "other-buckets": Severity.HIGH}
    own = f"only objects under {location_of(target).key_prefix or 'the bucket'}"
    yield from _media_of_others(target, own)
    yield from _beyond(target, profile, families, own)


def _media_of_others(target: Target, own: str) -> Findings:
    """A finding for each other target whose media the writer surely reaches."""
    user, here = writer_of(target), location_of(target)
    for other in target.others:
        there, writer = if_known(other.location), if_known(other.writer)  # as long as it is not known, it may be this
        # What another setting writes into this one's place, or as this very user, is no other's.
        within = there is not None and there.bucket == here.bucket and there.key_prefix.startswith(here.key_prefix)
        if there is None or within or writer is None or writer.arn == user.arn:
            continue
        lines = if_known(reach_of(other, user.arn)) or ()
        # A key that both settings use reaches no object by itself.
        reached = [line for line in lines if line.certain and not line.witness[0].action.startswith("kms:")]
        if reached:
            asked, can = reached[0].witness[0], _listed(line.ability for line in reached)
            yield finding(
                f"the IAM user {user.user_name}, whose key Twilio holds, can {can} the media of "
                f"{other.name} in the bucket {there.bucket}; for one, {asked.action} on {asked.resource}",
                user.arn,
                asked.resource,
                expected=own,
                observed="; ".join(reached[0].because),
                evidence=reached[0].source,
                discriminator=f"media of {other.uid}",
            )


def _listed(abilities: Iterable[Ability]) -> str:
    """Abilities in words; to change means what guards the media."""
    words = [_WORDS.get(ability, ability) for ability in abilities]
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


_WORDS: dict[Ability, str] = {"list": "list the names of", "change": "change what guards"}


@rule(
    "writer-no-admin",
    title="No policy of the user that Twilio writes as allows all of a service",
    severity=Severity.CRITICAL,
    remedy=replace_policies,
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
