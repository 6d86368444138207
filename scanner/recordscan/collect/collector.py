"""Collecting a snapshot: credentials first, then all that the scope calls for, or as much as was asked in time."""

import asyncio
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from recordscan import __version__
from recordscan.collect import iam
from recordscan.collect.call import timestamp
from recordscan.collect.scan import Scan
from recordscan.collect.schedule import Collection
from recordscan.collect.session import Clients, require_identity
from recordscan.collect.twilio import TwilioAccountReader, require_any_account
from recordscan.estate.answers import Answers
from recordscan.estate.estate import Caller, read_caller
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
        clients: AWS clients.
        readers: One for each Twilio account of the scope.
        workers: Calls in flight at most.
        now: Clock.
        progress: Called after each answer.
    """

    scope: Scope
    profile: Profile
    fail_on: str
    clients: Clients
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
    collection = Collection(
        request.clients,
        Redactor(known_secrets=secrets),
        workers=request.workers,
        max_pages=request.scope.max_pages,
        now=request.now,
        progress=request.progress,
    )
    try:
        asyncio.run(_collect(request, collection))
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
            scope=request.scope,
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


async def _collect(request: Request, collection: Collection) -> None:
    caller = await authenticate(request, collection)
    await Scan(collection, request.scope, caller, request.readers).run()


def _asked_by(request: Request, collection: Collection) -> dict[str, str]:
    identities = {f"twilio:{reader.sid}": reader.identity for reader in request.readers}
    for observation in collection.observations:
        if observation.operation == iam.CALLER_IDENTITY.operation and isinstance(observation.answer, dict):
            identities["aws"] = str(observation.answer.get("Arn"))
    return identities
