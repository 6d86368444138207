"""Collecting a snapshot: credentials first, then all that the scope calls for, or as much as was asked in time."""

import asyncio
import threading
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from recordscan import __version__
from recordscan.collect import iam
from recordscan.collect.accounts import Member, OrganizationMembers, enter, identities, list_members, scopes
from recordscan.collect.call import timestamp
from recordscan.collect.resume import answers_to_take_over, runs_behind
from recordscan.collect.scan import Scan
from recordscan.collect.schedule import Collection
from recordscan.collect.session import Clients, Fleet, require_identity
from recordscan.collect.traffic import Traffic
from recordscan.collect.twilio import TwilioAccountReader, require_any_account
from recordscan.estate.answers import Answers
from recordscan.estate.view import Caller, read_caller
from recordscan.facts import need
from recordscan.observation import Observation
from recordscan.profile import Profile
from recordscan.redaction import Redactor
from recordscan.scope import Scope
from recordscan.snapshot import Journal, Snapshot, SnapshotHeader


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
        traffic: Sends the requests of clients and readers.
        now: Clock.
        progress: Called after each answer.
        deadline_seconds: Time after which the scan ends with what it has; None for as long as it takes.
        earlier: A run of the same scan that did not end, to take answers over from.
        journal: Where answers are written to as they come; None for nowhere.
    """

    scope: Scope
    profile: Profile
    fail_on: str
    clients: Clients
    members: Sequence[Member] = ()
    organization: OrganizationMembers | None = None
    readers: Sequence[TwilioAccountReader]
    traffic: Traffic
    now: Callable[[], datetime]
    progress: Callable[[Observation], None] = lambda _: None
    deadline_seconds: float | None = None
    earlier: Snapshot | None = None
    journal: Path | None = None


def collect_snapshot(request: Request) -> Snapshot:
    """Collect everything; a Ctrl-C or the deadline ends it early with what has been answered so far.

    Raises:
        AuthenticationError: AWS, or every Twilio account, refuses the credentials. Nothing else was asked then.
        OutputError: The journal cannot be written.
        SnapshotError: The earlier run was asked for by another identity.
        UnreachableError: AWS cannot be reached, or Twilio cannot and nothing else is in scope.
    """
    secrets = [*request.clients.secrets(), *(secret for reader in request.readers for secret in reader.secrets)]
    run = _Run(request, Redactor(known_secrets=secrets))
    threading.Thread(target=request.clients.warm, daemon=True, name="recordscan-clients").start()
    try:
        asyncio.run(run.collect())
    except KeyboardInterrupt:
        run.collection.interrupted = True
    finally:
        run.close()
    return run.snapshot()


class _Run:
    """One run of a scan."""

    def __init__(self, request: Request, redactor: Redactor) -> None:
        started = timestamp(request.now())
        self._fleet = Fleet(request.clients)
        self.collection = Collection(
            self._fleet,
            redactor,
            traffic=request.traffic,
            max_pages=request.scope.max_pages,
            now=request.now,
            progress=request.progress,
        )
        request.clients.hide = self.collection.hide
        self._request = request
        self._past_deadline = False
        self._journal: Journal | None = None
        self._header = SnapshotHeader(
            scan_id=str(uuid.uuid4()),
            tool_version=__version__,
            # A scan that took more than one run began with the first.
            started=request.earlier.header.started if request.earlier is not None else started,
            asked_by={f"twilio:{reader.sid}": reader.identity for reader in request.readers},
            scope=request.scope,
            profile=request.profile,
            fail_on=request.fail_on,
        )

    async def collect(self) -> None:
        """Ask everything, or as much as there is time for."""
        limit = asyncio.timeout(self._request.deadline_seconds)
        try:
            async with limit:
                await self._collect()
        except TimeoutError:
            if not limit.expired():
                raise
            self._past_deadline = self.collection.interrupted = True

    def close(self) -> None:
        """Ask nothing more."""
        self.collection.close()
        if self._journal is not None:
            self._journal.close()

    def snapshot(self) -> Snapshot:
        """What was collected."""
        earlier = self._request.earlier
        return Snapshot(
            header=replace(self._header, asked_by=self._asked_by(), stand_ins=self._stand_ins()),
            observations=self.collection.observations,
            ended=timestamp(self._request.now()),
            interrupted=self.collection.interrupted,
            past_deadline=self._past_deadline,
            earlier_runs=() if earlier is None else runs_behind(earlier, self.collection.taken_over),
        )

    async def _collect(self) -> None:
        caller = await authenticate(self._request, self.collection)
        members = await self._members(caller)
        scope = replace(self._request.scope, aws_accounts=scopes(members))
        self._header = replace(self._header, scope=scope)
        callers = {caller.account: caller, **await enter(self.collection, self._fleet, members)}
        self._continue()
        await Scan(self.collection, scope, callers, self._request.readers).run()

    def _continue(self) -> None:
        """Take answers of the earlier run over, and begin the journal, now that it is known who asks for what."""
        earlier, taken_over = self._request.earlier, {}
        header = replace(self._header, asked_by=self._asked_by())
        if earlier is not None:
            taken_over = answers_to_take_over(earlier, header)
            self.collection.take_over(taken_over)
        if self._request.journal is not None:
            ids = (observation.id for observation in taken_over.values())
            runs = () if earlier is None else runs_behind(earlier, ids)
            self._journal = Journal(self._request.journal, header, runs)
            self.collection.write_to(self._journal.add)
            self._journal.publish()

    async def _members(self, caller: Caller) -> tuple[Member, ...]:
        """Further accounts, each once; those that the configuration names go first."""
        organization = self._request.organization
        found = () if organization is None else await list_members(self.collection, organization, caller)
        by_id = {member.id: member for member in (*found, *self._request.members)}
        order = dict.fromkeys(member.id for member in (*self._request.members, *found))
        return tuple(by_id[account] for account in order if account != caller.account)

    def _stand_ins(self) -> tuple[str, ...]:
        of_twilio = {f"twilio {reader.base_url}" for reader in self._request.readers if reader.base_url is not None}
        return tuple(sorted(self._fleet.stand_ins | of_twilio))

    def _asked_by(self) -> dict[str, str]:
        return {**self._header.asked_by, **dict(identities(self.collection.observations))}


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
