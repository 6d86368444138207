"""Resuming: what of a run that did not end the next one takes over, and what it refuses to continue."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from recordscan.collect.resume import LONGEST_HOURS, answers_to_take_over, resumed_scope, runs_behind
from recordscan.errors import SnapshotError
from recordscan.facts import Reason
from recordscan.observation import ObservationOutcome
from recordscan.scope import AwsAccountScope, BucketScope, Scope
from recordscan.snapshot import EarlierRun, Snapshot, SnapshotHeader
from recordscan.testing import Case, sound

ROLE = "arn:aws:sts::111122223333:assumed-role/audit/"
ASKED_BY = {"aws": f"{ROLE}monday", "twilio:AC1": "API key SK0000…0000"}


def earlier(case: Case | None = None) -> Snapshot:
    from recordscan import __version__

    snapshot = (case or sound()).snapshot()
    header = replace(snapshot.header, asked_by=ASKED_BY, tool_version=__version__)
    return replace(snapshot, header=header, interrupted=True)


def now(**asked_by: str) -> SnapshotHeader:
    """The header of the run that resumes."""
    return replace(earlier().header, asked_by={**ASKED_BY, **asked_by})


def began(snapshot: Snapshot) -> datetime:
    return datetime.fromisoformat(snapshot.header.started)


def test_answers_and_definitive_absences_are_taken_over() -> None:
    snapshot = earlier()
    assert list(answers_to_take_over(snapshot, now()).values()) == list(snapshot.observations)
    assert {o.outcome for o in snapshot.observations} == {ObservationOutcome.ANSWERED, ObservationOutcome.ABSENT}


@pytest.mark.parametrize(
    ("reason", "kept"),
    [
        (Reason.ACCESS_DENIED, True),
        (Reason.NOT_FOUND, True),
        (Reason.THROTTLED, False),
        (Reason.FAILED, False),
        (Reason.MALFORMED, False),
        (Reason.UNREACHABLE, False),
        (Reason.CREDENTIALS_EXPIRED, False),
    ],
)
def test_of_failures_only_those_are_taken_over_that_do_not_pass(reason: Reason, kept: bool) -> None:
    case = sound()
    case.fail("s3:GetBucketVersioning", reason)
    operations = {observation.operation for observation in answers_to_take_over(earlier(case), now()).values()}
    assert ("s3:GetBucketVersioning" in operations) is kept


def test_a_credential_that_was_refused_as_a_whole_may_have_been_put_right() -> None:
    case = sound()
    case.fail("twilio:ListRecordings", Reason.ACCESS_DENIED)
    snapshot = earlier(case)
    refused = tuple(
        replace(o, error=replace(o.error, code="unauthenticated"))
        if o.error and o.operation.startswith("twilio")
        else o
        for o in snapshot.observations
    )
    operations = {o.operation for o in answers_to_take_over(replace(snapshot, observations=refused), now()).values()}
    assert "twilio:ListRecordings" not in operations


def test_another_session_of_one_role_is_the_same_identity() -> None:
    assert answers_to_take_over(earlier(), now(aws=f"{ROLE}tuesday"))


@pytest.mark.parametrize(
    "changed",
    [
        {"aws": "arn:aws:sts::999999999999:assumed-role/audit/monday"},
        {"aws": "arn:aws:sts::111122223333:assumed-role/admin/monday"},
        {"twilio:AC1": "API key SK1111…1111"},
    ],
    ids=["another account", "another role", "another key of Twilio"],
)
def test_what_another_identity_was_shown_is_not_taken_over(changed: dict[str, str]) -> None:
    with pytest.raises(SnapshotError, match=r"--resume: the snapshot was asked for by .* and this run would be by"):
        answers_to_take_over(earlier(), now(**changed))


def test_the_scope_stays_that_of_the_first_run_so_that_the_same_days_are_asked_for() -> None:
    snapshot = earlier()
    tomorrow = replace(snapshot.header.scope, alerts_since="2030-01-01")
    assert resumed_scope(snapshot, tomorrow, began(snapshot)) == snapshot.header.scope


def _bucket(scope: Scope) -> Scope:
    return replace(scope, buckets=(BucketScope(bucket="another"),))


def _account(scope: Scope) -> Scope:
    return replace(scope, whole_account=True)


@pytest.mark.parametrize(("change", "named"), [(_bucket, "buckets"), (_account, "whole_account")])
def test_another_scope_is_refused_and_named(change: Callable[[Scope], Scope], named: str) -> None:
    snapshot = earlier()
    with pytest.raises(SnapshotError, match=rf"of another scope \({named}\)"):
        resumed_scope(snapshot, change(snapshot.header.scope), began(snapshot))


def test_other_accounts_are_another_scope() -> None:
    scope = replace(now().scope, aws_accounts=(AwsAccountScope(id="222233334444", label="media"),))
    with pytest.raises(SnapshotError, match=r"of another scope \(aws_accounts\)"):
        answers_to_take_over(earlier(), replace(now(), scope=scope))


def test_another_version_may_keep_other_parts_of_answers() -> None:
    snapshot = earlier()
    snapshot = replace(snapshot, header=replace(snapshot.header, tool_version="0.0.1"))
    with pytest.raises(SnapshotError, match=r"collected by recordscan 0\.0\.1"):
        resumed_scope(snapshot, snapshot.header.scope, began(snapshot))


def test_answers_of_yesterday_are_not_judged_as_of_today() -> None:
    snapshot = earlier()
    limit = began(snapshot) + timedelta(hours=LONGEST_HOURS)
    assert resumed_scope(snapshot, snapshot.header.scope, limit) == snapshot.header.scope
    with pytest.raises(SnapshotError, match="more than 24 hours ago"):
        resumed_scope(snapshot, snapshot.header.scope, limit + timedelta(seconds=1))


def test_each_answer_is_told_of_the_run_that_made_it() -> None:
    snapshot = earlier()
    ids = [observation.id for observation in snapshot.observations]
    first = EarlierRun(scan_id="first", ended="2026-11-20T06:00:00Z", observations=(ids[0], "ev-gone"))
    twice = replace(snapshot, earlier_runs=(first,))
    runs = runs_behind(twice, ids[:3])
    assert [(run.scan_id, set(run.observations)) for run in runs] == [
        ("first", {ids[0]}),
        (snapshot.header.scan_id, set(ids[1:3])),
    ]
    assert runs_behind(twice, []) == ()


def test_a_header_has_the_time_zone_that_its_age_is_told_by() -> None:
    header: SnapshotHeader = earlier().header
    assert datetime.fromisoformat(header.started).tzinfo == UTC
