"""Composing: hooks that cannot work, and sources that are kept."""

from collections.abc import Callable

import pytest

from recordscan.facts import Json
from recordscan.result import Outcome
from recordscan.rule import Rule
from recordscan.testing import Case, ago, composing, composition, hook, judge, recording, sound
from recordscan_rules.composition import hooks_vs_encrypted_recordings, hooks_vs_external_recordings, sources_deleted

PASS, FAIL, UNKNOWN, NONE = Outcome.PASS, Outcome.FAIL, Outcome.UNKNOWN, Outcome.NOT_APPLICABLE
SETTINGS = "twilio:FetchRecordingSettings"
HOOKS = "twilio:ListCompositionHooks"
ROOM = "RM" + "7" * 32

Change = Callable[[Case], None]

HOOK_RULES = pytest.mark.parametrize(
    ("rule", "member"),
    [(hooks_vs_external_recordings, "aws_storage_enabled"), (hooks_vs_encrypted_recordings, "encryption_enabled")],
    ids=["external", "encrypted"],
)


def hooks(*enabled: Json) -> Case:
    """Hooks of these states."""
    case = sound()
    rows = [hook(sid=f"HK{number:032x}", enabled=state) for number, state in enumerate(enabled)]
    case.set(HOOKS, "/composition_hooks", rows)
    return case


@HOOK_RULES
@pytest.mark.parametrize(
    ("enabled", "obstacle", "outcome"),
    [
        ((), True, NONE),
        ((True,), True, FAIL),
        ((True,), False, PASS),
        ((False, False), True, PASS),
        ((None,), True, UNKNOWN),
        ((None,), False, PASS),
        (("yes",), True, UNKNOWN),
        ((False, None), True, UNKNOWN),
        ((None, True), True, FAIL),
    ],
)
def test_a_hook_whose_state_is_not_stated_may_be_enabled(
    rule: Rule, member: str, enabled: tuple[Json, ...], obstacle: bool, outcome: Outcome
) -> None:
    case = hooks(*enabled)
    case.set(SETTINGS, f"/{member}", obstacle)
    assert judge(rule, case).outcome is outcome


@HOOK_RULES
@pytest.mark.parametrize(
    ("enabled", "outcome"), [((False,), PASS), ((True,), UNKNOWN), ((None,), UNKNOWN), ((False, True), UNKNOWN)]
)
def test_the_setting_matters_only_while_a_hook_may_be_enabled(
    rule: Rule, member: str, enabled: tuple[Json, ...], outcome: Outcome
) -> None:
    case = hooks(*enabled)
    case.deny(SETTINGS)
    assert judge(rule, case).outcome is outcome


@HOOK_RULES
@pytest.mark.parametrize(("enabled", "outcome"), [((), UNKNOWN), ((False,), UNKNOWN), ((False, True), FAIL)])
def test_hooks_on_pages_that_were_not_read_may_be_enabled(
    rule: Rule, member: str, enabled: tuple[Json, ...], outcome: Outcome
) -> None:
    case = hooks(*enabled)
    case.set(SETTINGS, f"/{member}", True)
    case.set(HOOKS, "/truncated", True)
    assert judge(rule, case).outcome is outcome


def composed(composition_room: str | None, *recordings: dict[str, Json], days: float = 30) -> Case:
    """A Composition that was completed so many days ago, and what Twilio lists as Recordings."""
    case = composing()
    row = composition(31, room_sid=composition_room, date_completed=ago(days=days))
    case.set("twilio:ListCompositions", "/compositions", [row], status="completed")
    case.set("twilio:ListRecordings", "/recordings", list(recordings), status="completed")
    return case


def held(groups: Json, **members: Json) -> dict[str, Json]:
    return recording(32, grouping_sids=groups, **{"media_external_location": None, **members})


@pytest.mark.parametrize(
    ("case", "outcome"),
    [
        pytest.param(composed(ROOM), PASS, id="no Recording is left"),
        pytest.param(composed(ROOM, held({"room_sid": ROOM})), FAIL, id="a source is left"),
        pytest.param(composed(ROOM, held({"room_sid": ROOM}), days=1), PASS, id="a source of yesterday is left"),
        pytest.param(composed(ROOM, held({"room_sid": "RM" + "8" * 32})), PASS, id="another Room's is left"),
        pytest.param(composed(ROOM, held(None)), UNKNOWN, id="a Recording of no stated Room, null"),
        pytest.param(composed(ROOM, held({})), UNKNOWN, id="a Recording of no stated Room, left out"),
        pytest.param(composed(ROOM, held(None), held({"room_sid": ROOM})), FAIL, id="beside a source"),
        pytest.param(composed(ROOM, held(None), days=1), PASS, id="a Recording of no stated Room, in good time"),
        pytest.param(
            composed(ROOM, held(None, media_external_location="https://b.s3.eu-west-1.amazonaws.com/")),
            PASS,
            id="an external Recording of no stated Room",
        ),
        pytest.param(composed(None, held({"room_sid": ROOM})), UNKNOWN, id="a Composition of no stated Room"),
        pytest.param(composed(None), PASS, id="a Composition of no stated Room, and no Recording"),
        pytest.param(composed(None, held({"room_sid": ROOM}), days=1), PASS, id="one of yesterday"),
    ],
)
def test_sources_are_deleted_only_when_every_room_that_could_matter_is_stated(case: Case, outcome: Outcome) -> None:
    assert judge(sources_deleted, case).outcome is outcome
