"""IAM users as far as this audit asks about them: access keys, console access, MFA."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime

from recordscan.estate.answers import Answers, moment, rows, text
from recordscan.estate.principal import Principal, read_user_principal
from recordscan.facts import Fact, Json, Known, Reason, Unavailable, any_true, derive, need, pluck, unavailable


@dataclass(frozen=True, slots=True, kw_only=True)
class LastUse:
    """When, by which service and in which Region an access key was last used."""

    when: datetime
    service: str | None
    region: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessKey:
    """One access key of a user.

    Attributes:
        id: `AKIA…`.
        status: Active, Inactive or Expired.
        created: When it was made.
        last_use: None when it was never used.
    """

    id: str
    status: str
    created: Fact[datetime]
    last_use: Fact[LastUse | None]

    @property
    def active(self) -> bool:
        return self.status == "Active"

    @property
    def label(self) -> str:
        """The id shortened for messages: its first four and last four characters."""
        return f"{self.id[:4]}…{self.id[-4:]}"


@dataclass(frozen=True, slots=True, kw_only=True)
class IamUser:
    """One IAM user.

    Attributes:
        arn: User ARN.
        user_name: Last part of the ARN.
        account: Account id.
        exists: False when IAM says that there is no such user.
        access_keys: All of them.
        console_password: Whether the user, who must be known to exist, has a login profile.
        mfa_devices: Serial numbers of its MFA devices.
        other_credentials: Ids of SSH keys, signing certificates and service-specific credentials that are active.
        principal: Its policies.
    """

    arn: str
    user_name: str
    account: str
    exists: Fact[bool]
    access_keys: Fact[tuple[AccessKey, ...]]
    console_password: Fact[bool]
    mfa_devices: Fact[tuple[str, ...]]
    other_credentials: Fact[tuple[str, ...]]
    principal: Principal


def read_user(answers: Answers, user_name: str, arn: str, *, account: str) -> IamUser:
    """Read one user by name; the reads of a user that does not exist are unavailable as `not_found`."""
    found = answers.read("iam:GetUser", account, UserName=user_name)

    def ask(operation: str) -> Fact[Json]:
        if isinstance(found, Known) and found.value is None:
            return Unavailable(Reason.NOT_FOUND, f"there is no IAM user {user_name}", found.source)
        return answers.read(operation, account, UserName=user_name)

    exists = derive(lambda: need(found) is not None)
    keys = ask("iam:ListAccessKeys")
    # IAM lists the keys only of a user who is there.
    there = any_true(exists, derive(lambda: need(keys) is not None))
    return IamUser(
        arn=arn,
        user_name=user_name,
        account=account,
        exists=exists,
        access_keys=derive(lambda: _access_keys(answers, keys, account)),
        console_password=derive(lambda: _has_password(ask("iam:GetLoginProfile"), there)),
        mfa_devices=derive(lambda: _mfa(ask("iam:ListMFADevices"))),
        other_credentials=derive(lambda: tuple(_other_credentials(ask))),
        principal=read_user_principal(answers, user_name, arn, account=account),
    )


def key_owner(answers: Answers, access_key_id: str, account: str) -> Fact[str | None]:
    """Name of the IAM user that an access key belongs to; None when this account has no such key."""
    answer = answers.read("iam:GetAccessKeyLastUsed", account, AccessKeyId=access_key_id)
    return derive(lambda: None if need(answer) is None else need(text(pluck(answer, "UserName"))))


def access_key_ids(answers: Answers, user_name: str, account: str) -> Fact[tuple[str, ...]]:
    """Ids of a user's access keys."""
    answer = answers.read("iam:ListAccessKeys", account, UserName=user_name)
    return derive(lambda: tuple(key.id for key in _access_keys(answers, answer, account)))


def _access_keys(answers: Answers, answer: Fact[Json], account: str) -> tuple[AccessKey, ...]:
    def parse(row: Fact[Json]) -> AccessKey:
        key_id = need(text(pluck(row, "AccessKeyId")))
        if key_id is None:
            unavailable(Reason.MALFORMED, "an access key of the list has no id")
        used = answers.read("iam:GetAccessKeyLastUsed", account, AccessKeyId=key_id)
        return AccessKey(
            id=key_id,
            status=need(text(pluck(row, "Status"))) or "unknown",
            created=moment(pluck(row, "CreateDate")),
            last_use=derive(lambda: _last_use(used)),
        )

    return tuple(parse(row) for row in rows(answer, "AccessKeyMetadata"))


def _last_use(answer: Fact[Json]) -> LastUse | None:
    used = pluck(answer, "AccessKeyLastUsed")
    date = pluck(used, "LastUsedDate")
    if need(date) is None:
        return None
    return LastUse(
        when=need(moment(date)),
        service=_stated(pluck(used, "ServiceName")),
        region=_stated(pluck(used, "Region")),
    )


def _stated(fact: Fact[Json]) -> str | None:
    value = need(text(fact))
    return None if value == "N/A" else value


def _has_password(profile: Fact[Json], there: Fact[bool]) -> bool:
    if need(profile) is not None:
        return True
    # "No such entity" is also what IAM says of the profile of a user who does not exist.
    if not need(there):
        unavailable(Reason.NOT_FOUND, "whether the IAM user exists cannot be told")
    return False


def _mfa(answer: Fact[Json]) -> tuple[str, ...]:
    return tuple(str(need(pluck(row, "SerialNumber"))) for row in rows(answer, "MFADevices"))


_OTHER_CREDENTIALS = (
    ("iam:ListSSHPublicKeys", "SSHPublicKeys", "SSHPublicKeyId"),
    ("iam:ListSigningCertificates", "Certificates", "CertificateId"),
    ("iam:ListServiceSpecificCredentials", "ServiceSpecificCredentials", "ServiceSpecificCredentialId"),
)


def _other_credentials(ask: Callable[[str], Fact[Json]]) -> Iterator[str]:
    for operation, member, name in _OTHER_CREDENTIALS:
        for row in rows(ask(operation), member):
            if need(text(pluck(row, "Status"))) == "Active":
                yield need(text(pluck(row, name))) or "unnamed"
