"""Resuming a scan: which answers of a run that did not end the next one may take over.

They must be what this run would have got itself: the same scope, asked by the same identities with the same version,
not long ago. A call that failed is asked again, unless it was denied or found nothing: that does not pass by itself.
"""

import re
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta

from recordscan import __version__
from recordscan.collect.twilio import UNAUTHENTICATED
from recordscan.errors import SnapshotError
from recordscan.facts import Reason
from recordscan.observation import Observation, ObservationOutcome
from recordscan.scope import Scope
from recordscan.snapshot import EarlierRun, Snapshot, SnapshotHeader

LONGEST_HOURS = 24
"""Age of a scan after which it is not resumed: its answers would be judged as if they were of today."""

_LASTING = frozenset({Reason.ACCESS_DENIED, Reason.NOT_FOUND})


def resumed_scope(earlier: Snapshot, scope: Scope, now: datetime) -> Scope:
    """The scope of a scan that is resumed: that of its first run, so that it asks the same of the same days.

    Raises:
        SnapshotError: This run would look at something else, is of another version, or comes too late.
    """
    header = earlier.header
    if header.tool_version != __version__:
        raise SnapshotError(
            f"--resume: the snapshot was collected by recordscan {header.tool_version}, and this is {__version__}, "
            "which may keep other parts of answers; scan anew"
        )
    if now - datetime.fromisoformat(header.started) > timedelta(hours=LONGEST_HOURS):
        raise SnapshotError(
            f"--resume: the scan began at {header.started}, more than {LONGEST_HOURS} hours ago; scan anew"
        )
    # Which accounts there are beside the caller's own is not known yet.
    same = replace(scope, alerts_since=header.scope.alerts_since, aws_accounts=header.scope.aws_accounts)
    _require_same(header.scope, same)
    return replace(same, aws_accounts=scope.aws_accounts)


def answers_to_take_over(earlier: Snapshot, header: SnapshotHeader) -> dict[str, Observation]:
    """The observations that need not be asked for again, by key.

    Args:
        earlier: What there is of the scan.
        header: Of this run.

    Raises:
        SnapshotError: Other accounts were read then, or another identity asked, who may have been shown something else.
    """
    _require_same(earlier.header.scope, header.scope)
    asked_by = header.asked_by
    for name, identity in earlier.header.asked_by.items():
        if _principal(identity) != _principal(asked_by.get(name, "")):
            raise SnapshotError(
                f"--resume: the snapshot was asked for by {identity}, and this run would be by "
                f"{asked_by.get(name, 'nobody')}; use the credentials of the same identity, or scan anew"
            )
    return {observation.key: observation for observation in earlier.observations if _lasts(observation)}


def runs_behind(earlier: Snapshot, taken_over: Iterable[str]) -> tuple[EarlierRun, ...]:
    """Which run made which of the observations that were taken over, by their ids; the first run first."""
    taken = set(taken_over)
    before = {name for run in earlier.earlier_runs for name in run.observations}
    own = tuple(observation.id for observation in earlier.observations if observation.id not in before)
    last = EarlierRun(scan_id=earlier.header.scan_id, ended=earlier.ended, observations=own)
    runs = (
        replace(run, observations=tuple(sorted(taken.intersection(run.observations))))
        for run in (*earlier.earlier_runs, last)
    )
    return tuple(run for run in runs if run.observations)


def _require_same(then: Scope, now: Scope) -> None:
    names = [name for name in Scope.__dataclass_fields__ if getattr(then, name) != getattr(now, name)]
    if names:
        raise SnapshotError(
            f"--resume: the snapshot is of another scope ({', '.join(names)}); resume it with the options and the "
            "configuration that it was begun with, or scan anew"
        )


def _lasts(observation: Observation) -> bool:
    error = observation.error
    if observation.outcome is not ObservationOutcome.FAILED:
        return True
    # A credential that is refused as a whole may be put right without becoming another.
    return error is not None and error.reason in _LASTING and error.code != UNAUTHENTICATED


def _principal(identity: str) -> str:
    """An identity without the name of a role's session, which is another each time."""
    return re.sub(r"^(arn:[^:]+:sts::\d+:assumed-role/[^/]+)/.*", r"\1", identity)
