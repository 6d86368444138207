"""Collecting a snapshot: credentials first, then all that the scope calls for, or as much as was asked in time."""

import asyncio
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from recordscan import __version__
from recordscan.collect import iam
from recordscan.collect.accounts import Member, OrganizationMembers, enter, identities, list_members, scopes
from recordscan.collect.call import timestamp
from recordscan.collect.scan import Scan
from recordscan.collect.schedule import Collection
from recordscan.collect.session import Clients, Fleet, require_identity
from recordscan.collect.twilio import TwilioAccountReader, require_any_account
from recordscan.estate.answers import Answers
from recordscan.estate.view import Caller, read_caller
from recordscan.facts import need
from recordscan.observation import Observation
from recordscan.profile import Profile
from recordscan.redaction import Redactor
from recordscan.scope import Scope
from recordscan.snapshot import Snapshot, SnapshotHeader


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What to collect, and how.

    Attributes:
        scope: What to look at.
        profile: Stored with the snapshot, for a later replay.
        fail_on: Stored with the snapshot.
        clients: AWS clients of the account that the scan runs in.
        members: Further AWS accounts.
        organization: How to find further accounts; None to look for none.
        readers: One for each Twilio account of the scope.
        workers: Calls in flight at most.
        now: Clock.
        progress: Called after each answer.
    """

    scope: Scope
    profile: Profile
    fail_on: str
    clients: Clients
    members: Sequence[Member] = ()
    organization: OrganizationMembers | None = None
    readers: Sequence[TwilioAccountReader]
    workers: int
    now: Callable[[], datetime]
    progress: Callable[[Observation], None] = lambda _: None


def collect_snapshot(request: Request) -> Snapshot:
    """Collect everything; a Ctrl-C ends it early with what has been answered so far.

    Raises:
        AuthenticationError: AWS, or every Twilio account, refuses the credentials. Nothing else was asked then.
        UnreachableError: AWS cannot be reached, or Twilio cannot and nothing else is in scope.
    """
    secrets = [*request.clients.secrets(), *(secret for reader in request.readers for secret in reader.secrets)]
    started = timestamp(request.now())
    fleet = Fleet(request.clients)
    collection = Collection(
        fleet,
        Redactor(known_secrets=secrets),
        workers=request.workers,
        max_pages=request.scope.max_pages,
        now=request.now,
        progress=request.progress,
    )
    run = _Run(request, collection, fleet)
    try:
        asyncio.run(run.collect())
    except KeyboardInterrupt:
        collection.interrupted = True
    finally:
        collection.close()
    return Snapshot(
        header=SnapshotHeader(
            scan_id=str(uuid.uuid4()),
            tool_version=__version__,
            started=started,
            asked_by=_asked_by(request, collection),
            scope=run.scope,
            profile=request.profile,
            fail_on=request.fail_on,
        ),
        observations=collection.observations,
        ended=timestamp(request.now()),
        interrupted=collection.interrupted,
    )


async def authenticate(request: Request, collection: Collection) -> Caller:
    """Ask both clouds who the scan runs as.

    Raises:
        AuthenticationError: See `collect_snapshot`.
        UnreachableError: See `collect_snapshot`.
    """
    identity = await collection.ask(iam.CALLER_IDENTITY, account=None)
    require_identity(identity, request.clients.region)
    without_twilio = bool(request.scope.buckets or request.scope.whole_account)
    await require_any_account(request.readers, collection, optional=without_twilio)
    return need(read_caller(Answers(collection)))


class _Run:
    """One collection.

    Attributes:
        scope: What it looks at, with the accounts of the organization as soon as they are known.
    """

    def __init__(self, request: Request, collection: Collection, fleet: Fleet) -> None:
        self.scope = request.scope
        self._request = request
        self._collection = collection
        self._fleet = fleet

    async def collect(self) -> None:
        """Ask for everything."""
        caller = await authenticate(self._request, self._collection)
        members = await self._members(caller)
        self.scope = replace(self.scope, aws_accounts=scopes(members))
        callers = {caller.account: caller, **await enter(self._collection, self._fleet, members)}
        await Scan(self._collection, self.scope, callers, self._request.readers).run()

    async def _members(self, caller: Caller) -> tuple[Member, ...]:
        """Further accounts, each once; those that the configuration names go first."""
        organization = self._request.organization
        found = () if organization is None else await list_members(self._collection, organization, caller)
        by_id = {member.id: member for member in (*found, *self._request.members)}
        order = dict.fromkeys(member.id for member in (*self._request.members, *found))
        return tuple(by_id[account] for account in order if account != caller.account)


def _asked_by(request: Request, collection: Collection) -> dict[str, str]:
    found = {f"twilio:{reader.sid}": reader.identity for reader in request.readers}
    return found | dict(identities(collection.observations))
