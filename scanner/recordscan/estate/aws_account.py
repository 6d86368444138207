"""An AWS account that the scan reads, as a subject of its own: what is true of it is judged once, not per target."""

import csv
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from recordscan.estate.answers import Answers, integer, mapping, parse_moment, rows, text
from recordscan.estate.bucket import PublicAccessBlock, read_public_access_block
from recordscan.estate.guards import RegionGuards
from recordscan.estate.organization import Organization
from recordscan.estate.principal import Principal
from recordscan.facts import Citation, Fact, Json, Reason, Source, Unavailable, derive, need, pluck, unavailable
from recordscan.observation import Observation, ObservationOutcome, observation_key
from recordscan.policy.documents import PolicyDocument, load_policy

DETAILS = "iam:GetAccountAuthorizationDetails"


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnPolicy:
    """An identity policy that the account itself wrote: a customer managed policy, or an inline one.

    Attributes:
        name: For messages: `policy uploads`, `inline policy uploads of the role audit`.
        arn: Of the managed policy, or of the user, role or group that has it.
        document: The default version.
        source: The place of the document.
    """

    name: str
    arn: str
    document: PolicyDocument
    source: Source


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportedUser:
    """One line of the credential report.

    Attributes:
        arn: Of the user, or of the root user.
        console_password: Whether it has one; IAM does not say so of the root user.
        mfa: Whether it has an MFA device.
        last_used: When it last signed in or used an access key, whichever was later; None for never.
    """

    arn: str
    console_password: bool
    mfa: bool
    last_used: datetime | None

    @property
    def is_root(self) -> bool:
        return self.arn.endswith(":root")


@dataclass(frozen=True, slots=True, kw_only=True)
class PasswordPolicy:
    """What console passwords must be like; a history of 0 lets users take an old one again.

    `whole` is the policy as IAM shows it.
    """

    least_length: int
    history: int
    whole: Mapping[str, Json]


@dataclass(frozen=True, slots=True, kw_only=True)
class AwsAccount:
    """An AWS account that the scan reads.

    Attributes:
        uid: `aws:` and the account id.
        account_id: The account id; None where no call tells it.
        partition: Partition of the account, such as `aws`.
        as_of: The moment that ages are counted to.
        own_policies: Customer managed and inline policies, also those that nobody has.
        principals: All users and roles.
        organization: What an organization does to the account.
        public_access_block: The account's own four switches, those of its organization among them.
        root_access_keys: How many access keys the root user has.
        root_mfa: Whether it has an MFA device.
        root_password: Whether it can sign in; None where IAM does not say.
        root_virtual_mfa: Serial number of its virtual MFA device; None for none.
        root_features: What the organization centralises of root access; () for nothing.
        users: The credential report: IAM users and the root user.
        password_policy: None for none, which leaves IAM's own default.
        security_contact: Whether AWS knows whom to write to about security.
        guards: What guards the Regions that hold media.
        every_region: Known to be True when the Region of each bucket of media is known.
        every_key: Known to be True when the key of each is known.
    """

    uid: str
    name: str
    account_id: str | None
    partition: str
    as_of: datetime
    own_policies: Fact[tuple[OwnPolicy, ...]]
    principals: Fact[tuple[Principal, ...]]
    organization: Organization
    public_access_block: PublicAccessBlock
    root_access_keys: Fact[int]
    root_mfa: Fact[bool]
    root_password: Fact[bool | None]
    root_virtual_mfa: Fact[str | None]
    root_features: Fact[tuple[str, ...]]
    users: Fact[tuple[ReportedUser, ...]]
    password_policy: Fact[PasswordPolicy | None]
    security_contact: Fact[bool]
    guards: tuple[RegionGuards, ...]
    every_region: Fact[bool]
    every_key: Fact[bool]
    region_name: str | None = None
    kind: str = "AWS account"
    provider: str = "aws"


def asked_account(observations: Iterable[Observation]) -> str | None:
    """The account on whose behalf IAM was asked, whatever it answered."""
    return next((o.account for o in observations if o.operation == DETAILS and o.account), None)


def read_aws_account(
    answers: Answers,
    account: str | None,
    *,
    label: str | None = None,
    partition: str,
    as_of: datetime,
    principals: Fact[tuple[Principal, ...]],
    organization: Organization,
    guards: tuple[RegionGuards, ...],
    every_region: Fact[bool],
    every_key: Fact[bool],
) -> AwsAccount:
    """Read the account.

    Args:
        answers: The scan's observations.
        account: Account id; None where no call tells it.
        label: What reports call it; None for its id.
        partition: Partition of the account.
        as_of: The moment that ages are counted to.
        principals: All users and roles.
        organization: What an organization does to the account.
        guards: What guards the Regions that hold media.
        every_region: Whether those are all.
        every_key: Whether the keys of all buckets of media are known.
    """

    def ask(operation: str, **request: Json) -> Fact[Json]:
        if account is None:
            return Unavailable(Reason.NOT_SELECTED, f"{operation} was not asked", (), operation)
        return answers.read(operation, account, **request)

    summary = pluck(ask("iam:GetAccountSummary"), "SummaryMap")
    policy = ask("iam:GetAccountPasswordPolicy")
    contact = ask("account:GetAlternateContact", AlternateContactType="SECURITY")
    return AwsAccount(
        uid=f"aws:{account or 'unknown'}",
        name=f"AWS account {label or account}" if account else "the AWS account",
        account_id=account,
        partition=partition,
        as_of=as_of,
        own_policies=_own_policies(answers, account),
        principals=principals,
        organization=organization,
        public_access_block=read_public_access_block(ask("s3control:GetPublicAccessBlock", AccountId=account)),
        root_access_keys=derive(lambda: _counted(summary, "AccountAccessKeysPresent")),
        root_mfa=derive(lambda: _counted(summary, "AccountMFAEnabled") > 0),
        root_password=derive(lambda: _root_password(summary)),
        root_virtual_mfa=derive(lambda: _root_device(ask("iam:ListVirtualMFADevices", AssignmentStatus="Assigned"))),
        root_features=derive(lambda: _features(ask("iam:ListOrganizationsFeatures"))),
        users=_report(answers, account),
        password_policy=derive(lambda: _password_policy(policy)),
        security_contact=derive(lambda: need(contact) is not None),
        guards=guards,
        every_region=every_region,
        every_key=every_key,
    )


def _counted(summary: Fact[Json], name: str) -> int:
    number = need(integer(pluck(summary, name)))
    if number is None:
        unavailable(Reason.MALFORMED, f"the account summary does not hold {name}")
    return number


def _root_password(summary: Fact[Json]) -> bool | None:
    number = need(integer(pluck(summary, "AccountPasswordPresent")))
    return None if number is None else number > 0


def _root_device(answer: Fact[Json]) -> str | None:
    if need(pluck(answer, "truncated")):
        unavailable(Reason.UNDECIDABLE, "the list of virtual MFA devices was cut at the page limit")
    for row in rows(answer, "VirtualMFADevices"):
        serial, user = need(text(pluck(row, "SerialNumber"))), need(text(pluck(row, "User", "Arn")))
        if (user or "").endswith(":root") or (serial or "").endswith(":mfa/root-account-mfa-device"):
            return serial
    return None


def _features(answer: Fact[Json]) -> tuple[str, ...]:
    return () if need(answer) is None else tuple(str(need(row)) for row in rows(answer, "EnabledFeatures"))


def _password_policy(answer: Fact[Json]) -> PasswordPolicy | None:
    if need(answer) is None:
        return None
    length, history = (
        need(integer(pluck(answer, "PasswordPolicy", name)))
        for name in ("MinimumPasswordLength", "PasswordReusePrevention")
    )
    whole = mapping(pluck(answer, "PasswordPolicy"))
    return PasswordPolicy(least_length=length or 0, history=history or 0, whole=whole)


_REPORT = "iam:GetCredentialReport"
_NO_REPORT = {
    "ReportNotPresent": "IAM has made no credential report yet",
    "ReportExpired": "the credential report of IAM is older than four hours",
    "ReportInProgress": "IAM is still making the credential report",
}


def _report(answers: Answers, account: str | None) -> Fact[tuple[ReportedUser, ...]]:
    if account is None:
        return Unavailable(Reason.NOT_SELECTED, f"{_REPORT} was not asked", (), _REPORT)
    answer = answers.read(_REPORT, account)
    observation = answers.observations.find(observation_key(_REPORT, account, None, {}))
    if observation is not None and observation.outcome is ObservationOutcome.FAILED and observation.error is not None:
        why = _NO_REPORT.get(observation.error.code)
        if why is not None:
            advice = f"{why}; run `aws iam generate-credential-report`, wait a minute and scan again"
            return Unavailable(Reason.NOT_FOUND, advice, answer.source)

    def compute() -> tuple[ReportedUser, ...]:
        found = tuple(_reported(line) for line in csv.DictReader(str(need(pluck(answer, "Content"))).splitlines()))
        if not any(user.is_root for user in found):
            unavailable(Reason.MALFORMED, "the credential report has no line about the root user")
        return found

    return derive(compute)


_USED = ("password_last_used", "access_key_1_last_used_date", "access_key_2_last_used_date")


def _reported(line: Mapping[str, str]) -> ReportedUser:
    """Read one line: https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_getting-report.html."""
    moments = [parse_moment(line[name]) for name in _USED if line[name][:1].isdigit()]
    return ReportedUser(
        arn=line["arn"],
        console_password=line["password_enabled"].lower() == "true",
        mfa=line["mfa_active"].lower() == "true",
        last_used=max(moments, default=None),
    )


def _own_policies(answers: Answers, account: str | None) -> Fact[tuple[OwnPolicy, ...]]:
    if account is None:
        return Unavailable(Reason.NOT_SELECTED, f"{DETAILS} was not asked", (), DETAILS)
    details = answers.read(DETAILS, account)

    def compute() -> tuple[OwnPolicy, ...]:
        if need(pluck(details, "truncated")):
            unavailable(Reason.UNDECIDABLE, "the list of users, groups, roles and policies was cut at the page limit")
        found = [*_managed(details, account)]
        for member, inline, word, name in (
            ("UserDetailList", "UserPolicyList", "user", "UserName"),
            ("GroupDetailList", "GroupPolicyList", "group", "GroupName"),
            ("RoleDetailList", "RolePolicyList", "role", "RoleName"),
        ):
            for row in rows(details, member):
                found += _inline(row, inline, f"the {word} {need(text(pluck(row, name)))}")
        return tuple(found)

    fact = derive(compute)
    # It rests on the whole answer; the place of each policy is with the policy.
    source = tuple(dict.fromkeys(Citation(place.observation) for place in fact.source))
    if isinstance(fact, Unavailable):
        return Unavailable(fact.reason, fact.detail, source, fact.permission)
    return type(fact)(fact.value, source)


def _managed(details: Fact[Json], account: str) -> Iterator[OwnPolicy]:
    for row in rows(details, "Policies"):
        arn = need(text(pluck(row, "Arn"))) or ""
        if f":iam::{account}:" not in arn:
            continue  # AWS's own, which the customer cannot change
        for version in rows(row, "PolicyVersionList"):
            if mapping(version).get("IsDefaultVersion"):
                yield _read(f"policy {arn.rpartition('/')[2]}", arn, pluck(version, "Document"))


def _inline(row: Fact[Json], member: str, owner: str) -> Iterator[OwnPolicy]:
    arn = need(text(pluck(row, "Arn"))) or ""
    for policy in rows(row, member):
        name = need(text(pluck(policy, "PolicyName")))
        yield _read(f"inline policy {name} of {owner}", arn, pluck(policy, "PolicyDocument"))


def _read(name: str, arn: str, document: Fact[Json]) -> OwnPolicy:
    found = need(document)
    policy = load_policy(found if isinstance(found, dict) else str(found), kind="identity")
    if policy.unreadable:
        unavailable(Reason.MALFORMED, f"the {name} cannot be read: {policy.defects[0].message}")
    return OwnPolicy(name=name, arn=arn, document=policy, source=document.source)
