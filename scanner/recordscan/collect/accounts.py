"""Which AWS accounts a scan reads beside its own, and as whom: those that are named, or those of an organization."""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from recordscan.collect import iam, organizations
from recordscan.collect.schedule import Collection
from recordscan.collect.session import Clients, Fleet, Role
from recordscan.errors import AuthenticationError
from recordscan.estate.answers import Answers
from recordscan.estate.view import Caller, read_caller
from recordscan.facts import Json, Known
from recordscan.observation import Observation, ObservationOutcome
from recordscan.scope import AwsAccountScope

MEMBER_IDENTITY = replace(iam.CALLER_IDENTITY, permission="sts:AssumeRole", purpose="who the scan is in each account")


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A further account and how to get into it.

    Attributes:
        id: Account id.
        label: What reports call it.
        role: The role to take on there; None where a profile of the AWS configuration files leads there.
        profile: Name of that profile.
    """

    id: str
    label: str
    role: Role | None = None
    profile: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OrganizationMembers:
    """All accounts of an organization, and the role that each has.

    Attributes:
        role_name: Name of the role.
        external_id: What its trust policy asks for; None for nothing.
        include: Ids of roots and organizational units whose accounts are read, those below included; () for all.
        exclude: Ids of those whose accounts are not.
    """

    role_name: str
    external_id: str | None = None
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()


async def list_members(collection: Collection, organization: OrganizationMembers, caller: Caller) -> tuple[Member, ...]:
    """The active accounts of the caller's organization, but the caller's own.

    Raises:
        AuthenticationError: Organizations does not list them, so that nobody knows what would be left out.
    """
    walk = _Walk(collection, caller.account)
    rows = await walk.accounts(organization.include)
    left_out = {row["Id"] for row in await walk.accounts(organization.exclude)} if organization.exclude else set()
    return tuple(
        Member(
            id=row["Id"],
            label=f"{row['Name']} ({row['Id']})",
            role=Role(
                arn=f"arn:{caller.partition}:iam::{row['Id']}:role/{organization.role_name}",
                external_id=organization.external_id,
            ),
        )
        for row in sorted(rows, key=lambda row: row["Id"])
        if row["Id"] not in left_out and row["Id"] != caller.account and _is_active(row)
    )


def _is_active(row: dict[str, str]) -> bool:
    """By its state or, before there were states, by its status."""
    return (row.get("State") or row.get("Status")) == "ACTIVE"


class _Walk:
    def __init__(self, collection: Collection, account: str) -> None:
        self._collection = collection
        self._account = account

    async def accounts(self, parents: Sequence[str]) -> list[dict[str, str]]:
        """The accounts below some parents; all of the organization if there are none."""
        if not parents:
            return _rows(await self._collection.ask(organizations.ACCOUNTS, account=self._account), "Accounts")
        found = await asyncio.gather(*(self._below(parent) for parent in parents))
        return list({row["Id"]: row for rows in found for row in rows}.values())

    async def _below(self, parent: str) -> list[dict[str, str]]:
        ask = self._collection.ask
        children, units = await asyncio.gather(
            ask(organizations.ACCOUNTS_FOR_PARENT, account=self._account, ParentId=parent),
            ask(organizations.UNITS_FOR_PARENT, account=self._account, ParentId=parent),
        )
        deeper = await asyncio.gather(*(self._below(unit["Id"]) for unit in _rows(units, "OrganizationalUnits")))
        return [*_rows(children, "Accounts"), *(row for rows in deeper for row in rows)]


def _rows(observation: Observation, member: str) -> list[dict[str, str]]:
    answer = observation.answer
    if observation.outcome is not ObservationOutcome.ANSWERED or not isinstance(answer, dict) or answer["truncated"]:
        error = observation.error
        what = f"{error.code}: {error.message}" if error is not None else "the list was cut at the page limit"
        raise AuthenticationError(
            f"AWS: {observation.operation} does not list the accounts of the organization ({what}); scan from its "
            "management account or a delegated administrator, or name the accounts under [[aws.accounts]]"
        )
    return [row for row in answer[member] if isinstance(row, dict)]


async def enter(collection: Collection, fleet: Fleet, members: Sequence[Member]) -> dict[str, Caller]:
    """Get into each account; one that lets nobody in is left out, and why is observed.

    Returns:
        Account id → the identity there, in the order of the members.

    Raises:
        AuthenticationError: A profile leads into another account than the one it is said to.
    """
    for member in members:
        fleet.add(member.id, _clients(fleet.home, member))
    await asyncio.gather(*(collection.ask(MEMBER_IDENTITY, account=member.id) for member in members))
    answers = Answers(collection)
    found = {member.id: read_caller(answers, member.id) for member in members}
    for member in members:
        caller = found[member.id]
        if isinstance(caller, Known) and caller.value.account != member.id:
            raise AuthenticationError(
                f"AWS: the profile {member.profile!r} leads into account {caller.value.account}, not {member.id}; "
                "correct its id under [[aws.accounts]]"
            )
    return {account: caller.value for account, caller in found.items() if isinstance(caller, Known)}


def _clients(home: Clients, member: Member) -> Clients:
    if member.role is not None:
        return home.assume(member.role)
    clients = Clients(profile=member.profile, workers=home.workers)
    clients.hide = home.hide
    return clients


def scopes(members: Sequence[Member]) -> tuple[AwsAccountScope, ...]:
    """The accounts, for the record."""
    return tuple(AwsAccountScope(id=member.id, label=member.label) for member in members)


def identities(observations: Sequence[Observation]) -> Iterator[tuple[str, str]]:
    """Name of each AWS account and the ARN that it was read as, for the record."""
    for observation in observations:
        answer: Json = observation.answer
        if observation.operation == iam.CALLER_IDENTITY.operation and isinstance(answer, dict):
            name = "aws" if observation.account is None else f"aws:{observation.account}"
            yield name, str(answer.get("Arn"))
