"""The rest of an AWS account, in account scope: buckets, customer managed keys and IAM users that no target names.

What could not be listed still gets a subject, so that every rule about it is seen to be unknown.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

from recordscan.estate.answers import Answers, rows, text
from recordscan.estate.arn import parse_arn
from recordscan.estate.key import KmsKey
from recordscan.estate.user import IamUser
from recordscan.facts import Citation, Fact, Known, Reason, Unavailable, derive, need, pluck
from recordscan.observation import Observation, ObservationOutcome


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountKey:
    """A customer managed key of the account that no target names."""

    uid: str
    name: str
    account_id: str | None
    region_name: str | None
    key: Fact[KmsKey | None]
    kind: str = "KMS key"
    provider: str = "aws"


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountUser:
    """An IAM user of the account that no target names as its writer."""

    uid: str
    name: str
    account_id: str | None
    writer: Fact[IamUser | None]
    as_of: datetime
    region_name: str | None = None
    kind: str = "IAM user"
    provider: str = "aws"


def bucket_names(answers: Answers, account: Fact[str]) -> Fact[tuple[str, ...]]:
    """Names of all buckets of the account, sorted."""

    def compute() -> tuple[str, ...]:
        listed = answers.read("s3:ListBuckets", need(account))
        return tuple(sorted(str(need(pluck(row, "Name"))) for row in rows(listed, "Buckets")))

    return derive(compute)


def other_keys(
    observations: Iterable[Observation], taken: frozenset[str], read: Callable[[str, str], Fact[KmsKey]]
) -> tuple[AccountKey, ...]:
    """Customer managed keys that were found beside the targets' own.

    Args:
        observations: Of the scan.
        taken: ARNs of keys that targets name.
        read: Gives a key by its ARN and Region.
    """
    found: dict[str, AccountKey] = {}
    for observation in observations:
        if observation.operation == "kms:ListKeys" and observation.outcome is ObservationOutcome.FAILED:
            holder = _unlisted_keys(observation)
            found[holder.uid] = holder
        arn = parse_arn(str(observation.request.get("KeyId")))
        if observation.operation != "kms:DescribeKey" or arn is None or not arn.resource.startswith("key/"):
            continue
        key = read(str(arn), arn.region)
        manager = key.value.manager if isinstance(key, Known) else key
        # A key that may not be described stays in the list, so that it is seen to be unknown.
        if str(arn) not in taken and (isinstance(manager, Unavailable) or manager.value == "CUSTOMER"):
            found[str(arn)] = AccountKey(
                uid=str(arn), name=str(arn), account_id=observation.account, region_name=arn.region, key=key
            )
    return tuple(found[uid] for uid in sorted(found))


def other_users(
    answers: Answers, account: Fact[str], taken: frozenset[str], read: Callable[[str], Fact[IamUser]], as_of: datetime
) -> tuple[AccountUser, ...]:
    """IAM users beside the targets' writers.

    Args:
        answers: Of the scan.
        account: Account id.
        taken: ARNs of users that targets name.
        read: Gives a user by its ARN.
        as_of: The moment that ages are counted to.
    """

    def compute() -> list[str]:
        details = answers.read("iam:GetAccountAuthorizationDetails", need(account))
        return [need(text(pluck(row, "Arn"))) or "" for row in rows(details, "UserDetailList")]

    arns = derive(compute)
    if isinstance(arns, Unavailable):
        return (
            AccountUser(uid="aws:unlisted-users", name="users not listed", account_id=None, writer=arns, as_of=as_of),
        )
    return tuple(
        AccountUser(uid=arn, name=arn.rpartition("/")[2], account_id=arn.split(":")[4], writer=read(arn), as_of=as_of)
        for arn in sorted(arns.value)
        if arn not in taken
    )


def _unlisted_keys(observation: Observation) -> AccountKey:
    error = observation.error
    unread = Unavailable(
        error.reason if error else Reason.FAILED,
        f"the keys of {observation.region} could not be listed",
        (Citation(observation.id),),
        observation.permission,
    )
    return AccountKey(
        uid=f"aws:unlisted-keys/{observation.region}",
        name=f"keys of {observation.region} not listed",
        account_id=observation.account,
        region_name=observation.region,
        key=unread,
    )
