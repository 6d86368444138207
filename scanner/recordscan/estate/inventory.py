"""The rest of an AWS account, in account scope: buckets, customer managed keys and IAM users that no target names.

What could not be listed still gets a subject, so that every rule about it is seen to be unknown.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from recordscan.estate.answers import Answers, Listing, listing, read_answer, text
from recordscan.estate.arn import parse_arn
from recordscan.estate.key import KmsKey
from recordscan.estate.user import IamUser
from recordscan.facts import Fact, Known, Unavailable, derive, if_known, need, pluck
from recordscan.observation import Observation


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountKey:
    """A customer managed key of the account that no target names."""

    uid: str
    name: str
    account_id: str | None
    region_name: str | None
    key: Fact[KmsKey | None]
    as_of: datetime
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


def other_keys(
    observations: Iterable[Observation],
    taken: frozenset[str],
    read: Callable[[str, str], Fact[KmsKey]],
    as_of: datetime,
    *,
    labels: Mapping[str, str],
) -> tuple[AccountKey, ...]:
    """Customer managed keys that were found beside the targets' own.

    Args:
        observations: Of the scan.
        taken: ARNs of keys that targets name.
        read: Gives a key by its ARN and Region.
        as_of: The moment that ages are counted to.
        labels: What reports call the accounts beside the one that the scan runs in, by their ids.
    """
    found: dict[str, AccountKey] = {}
    for observation in observations:
        if (
            observation.operation == "kms:ListKeys"
            and (holder := _unlisted_keys(observation, as_of, labels.get(observation.account or ""))) is not None
        ):
            found[holder.uid] = holder
        arn = parse_arn(str(observation.request.get("KeyId")))
        if observation.operation != "kms:DescribeKey" or arn is None or not arn.resource.startswith("key/"):
            continue
        key = read(str(arn), arn.region)
        manager = key.value.manager if isinstance(key, Known) else key
        # A key that may not be described stays in the list, so that it is seen to be unknown.
        if str(arn) not in taken and (isinstance(manager, Unavailable) or manager.value == "CUSTOMER"):
            found[str(arn)] = AccountKey(
                uid=str(arn),
                name=str(arn),
                account_id=arn.account,
                region_name=arn.region,
                key=key,
                as_of=as_of,
            )
    return tuple(found[uid] for uid in sorted(found))


def other_users(
    answers: Answers,
    account: Fact[str],
    taken: frozenset[str],
    read: Callable[[str], Fact[IamUser]],
    as_of: datetime,
    *,
    label: str | None = None,
) -> tuple[AccountUser, ...]:
    """IAM users beside the targets' writers.

    Args:
        answers: Of the scan.
        account: Account id.
        taken: ARNs of users that targets name.
        read: Gives a user by its ARN.
        as_of: The moment that ages are counted to.
        label: What reports call the account; None for the one that the scan runs in.
    """

    def compute() -> Listing[str]:
        details = answers.read("iam:GetAccountAuthorizationDetails", need(account))
        return need(listing(details, "UserDetailList", lambda row: need(text(pluck(row, "Arn"))) or ""))

    arns = derive(compute)
    users = [
        AccountUser(uid=arn, name=arn.rpartition("/")[2], account_id=arn.split(":")[4], writer=read(arn), as_of=as_of)
        for arn in (sorted(arns.value.items) if isinstance(arns, Known) else ())
        if arn not in taken
    ]
    gap = not_listed(arns)
    if gap is not None:
        number = if_known(account) if label is not None else None
        users.append(
            AccountUser(
                uid=f"aws:unlisted-users/{number}" if number else "aws:unlisted-users",
                name="users not listed" if label is None else f"users of {label} not listed",
                account_id=number,
                writer=gap,
                as_of=as_of,
            )
        )
    return tuple(users)


def not_listed(listed: Fact[Listing[object]]) -> Unavailable | None:
    """Why a list does not hold everything; None where it was walked to its end."""
    if isinstance(listed, Unavailable):
        return listed
    return listed.value.whole if isinstance(listed.value.whole, Unavailable) else None


def _unlisted_keys(observation: Observation, as_of: datetime, label: str | None) -> AccountKey | None:
    """Stands for the keys that a list does not hold; None where it was walked to its end."""
    gap = not_listed(listing(read_answer(observation), "Keys", lambda row: row))
    if gap is None:
        return None
    where = observation.region if label is None else f"{observation.account}/{observation.region}"
    return AccountKey(
        uid=f"aws:unlisted-keys/{where}",
        name=f"keys of {observation.region}{f' of {label}' if label else ''} not listed",
        account_id=observation.account,
        region_name=observation.region,
        key=gap,
        as_of=as_of,
    )
