"""Callbacks, Rooms, API keys, subaccounts and what becomes of media: the cases that are easily got wrong."""

from dataclasses import replace
from typing import Any

import pytest

from recordscan.facts import Json, Reason
from recordscan.plugins import load_rules
from recordscan.result import Outcome
from recordscan.rule import Severity
from recordscan.testing import (
    CALLBACK_HOST,
    CREDENTIAL,
    PREFIX,
    SCANNER_KEY,
    TWILIO_ACCOUNT,
    Case,
    ago,
    alert,
    bucket_url,
    composing,
    composition,
    event,
    hook,
    judge,
    objects_of,
    recording,
    room,
    sound,
    usage_day,
)
from rules.failing import TENANT, both_external, subaccounts
from rules.failing_twilio import (
    ACTOR,
    DELETED_SID,
    OTHER_KEY,
    SUSPENDED,
    Example,
    encrypted,
    key_of,
    named,
    named_recording,
    requiring,
    rooms,
    sets,
    versions,
    waiting,
    with_key,
)

RULES = {rule.id: rule for rule in load_rules()}
RECORDINGS = f"twilio:{TWILIO_ACCOUNT}/recordings"
COMPOSITIONS = f"twilio:{TWILIO_ACCOUNT}/compositions"
ACCOUNT = f"twilio:{TWILIO_ACCOUNT}"
PASS, FAIL, UNKNOWN, NONE = Outcome.PASS, Outcome.FAIL, Outcome.UNKNOWN, Outcome.NOT_APPLICABLE


def check(rule_id: str, case: Case, subject: str, outcome: Outcome, severity: Severity | None = None) -> None:
    found = judge(RULES[rule_id], case, subject)
    assert found.outcome is outcome, found.detail
    if severity is not None:
        assert found.severity is severity


def denied(operation: str, start: Example = sound, **request: Json) -> Example:
    def make() -> Case:
        case = start()
        case.deny(operation, **request)
        return case

    return make


def cut(operation: str, start: Example = sound, **request: Json) -> Example:
    """The list stopped at the page cap."""
    return sets(operation, "/truncated", True, start=start, **request)


def saved(start: Example = sound, product: str = "Recording", **members: Json) -> Example:
    """An estate whose setting is another."""

    def make() -> Case:
        case = start()
        for name, value in members.items():
            case.set(f"twilio:Fetch{product}Settings", f"/{name}", value)
        return case

    return make


# Settings.


@pytest.mark.parametrize(
    ("start", "outcome"),
    [
        pytest.param(both_external, PASS, id="both external"),
        pytest.param(waiting, PASS, id="composed at Twilio, as the profile says"),
        pytest.param(requiring(waiting, storage="external"), FAIL, id="composed at Twilio, unsaid"),
        pytest.param(composing, NONE, id="nothing is recorded"),
        pytest.param(sound, NONE, id="nothing is composed"),
        pytest.param(saved(waiting, "Composition", aws_storage_enabled=False), PASS, id="neither external"),
        pytest.param(saved(both_external, encryption_enabled=True), FAIL, id="one encrypted"),
        pytest.param(sets("twilio:ListCompositionHooks", "/composition_hooks", [hook()]), FAIL, id="a hook"),
        pytest.param(cut("twilio:ListCompositionHooks"), UNKNOWN, id="perhaps a hook"),
        pytest.param(denied("twilio:FetchCompositionSettings", both_external), UNKNOWN, id="one setting unread"),
    ],
)
def test_one_decision_for_both_kinds_of_media(start: Example, outcome: Outcome) -> None:
    check("settings-consistent", start(), ACCOUNT, outcome)


@pytest.mark.parametrize(
    ("name", "outcome"),
    [("Visits", PASS), (None, FAIL), ("  ", FAIL), ("string", FAIL), (" DEFAULT ", FAIL), ("default bucket", PASS)],
)
def test_a_name_that_says_something(name: str | None, outcome: Outcome) -> None:
    check("settings-friendly-name", saved(friendly_name=name)(), RECORDINGS, outcome)


def test_a_setting_that_was_never_saved_needs_no_name() -> None:
    check("settings-friendly-name", sound(), COMPOSITIONS, NONE)
    case = sound()
    case.answer("twilio:FetchRecordingSettings", None)
    check("settings-friendly-name", case, RECORDINGS, NONE)
    left = saved(product="Composition", aws_s3_url=bucket_url("old/"))()
    check("settings-friendly-name", left, COMPOSITIONS, FAIL)


# Compositions.


@pytest.mark.parametrize(
    ("rows", "outcome"),
    [
        ([composition(1)], PASS),
        ([composition(1, status="enqueued")], PASS),
        ([composition(9)], FAIL),
        ([composition(1, status="failed")], FAIL),
        ([composition(9), composition(2)], PASS),
        ([], FAIL),
    ],
)
def test_a_setting_for_compositions_that_nothing_can_reach(rows: list[Json], outcome: Outcome) -> None:
    case = both_external()
    case.set("twilio:ListCompositions", "/compositions", rows, status="completed")
    check("compose-settings-unreachable", case, ACCOUNT, outcome)


def test_since_when_recordings_are_external_is_told_by_the_oldest_that_is() -> None:
    case = both_external()
    case.set("twilio:ListRecordings", "/recordings", [], status="completed")
    check("compose-settings-unreachable", case, ACCOUNT, UNKNOWN)
    check("compose-settings-unreachable", cut("twilio:ListRecordings", both_external)(), ACCOUNT, UNKNOWN)
    check("compose-settings-unreachable", composing(), ACCOUNT, PASS)


@pytest.mark.parametrize(
    ("rows", "outcome"),
    [
        ([composition(5, status="failed")], FAIL),
        ([composition(40, status="failed")], PASS),
        ([composition(5, status="failed", date_created=None)], UNKNOWN),
        ([], PASS),
    ],
)
def test_compositions_that_failed_of_late(rows: list[Json], outcome: Outcome) -> None:
    case = sets("twilio:ListCompositions", "/compositions", rows, start=composing, status="failed")()
    check("compose-failed", case, ACCOUNT, outcome)
    check("compose-failed", sound(), ACCOUNT, NONE)
    check("compose-failed", cut("twilio:ListCompositions", composing, status="failed")(), ACCOUNT, UNKNOWN)


# Alerts.


@pytest.mark.parametrize(("limit", "number", "outcome"), [(10, 10, PASS), (10, 11, FAIL), (0, 1, FAIL), (0, 0, PASS)])
def test_passing_errors_are_put_up_with_up_to_a_number(limit: int, number: int, outcome: Outcome) -> None:
    alerts = [alert(53604, sid=f"NO{i:032x}") for i in range(number)]
    case = requiring(sets("twilio:ListAlerts", "/alerts", alerts), transient_alerts=limit)()
    check("alert-upload-transient", case, ACCOUNT, outcome)


@pytest.mark.parametrize(
    ("code", "resource", "outcome"),
    [
        (53660, "RM" + "1" * 32, FAIL),
        (53662, None, FAIL),
        (11200, "RM" + "1" * 32, FAIL),
        (11200, None, FAIL),
        (11200, "CA" + "1" * 32, PASS),
        (11200, "SM" + "1" * 32, PASS),
        (53615, "RT" + "1" * 32, PASS),
    ],
)
def test_callbacks_that_were_not_accepted(code: int, resource: str | None, outcome: Outcome) -> None:
    case = sets("twilio:ListAlerts", "/alerts", [alert(code, resource_sid=resource)])()
    check("alert-callback", case, ACCOUNT, outcome)


@pytest.mark.parametrize("rule_id", ["alert-upload-transient", "alert-callback"])
def test_an_error_log_that_was_not_read_whole_proves_nothing(rule_id: str) -> None:
    check(rule_id, cut("twilio:ListAlerts")(), ACCOUNT, UNKNOWN)
    check(rule_id, denied("twilio:ListAlerts")(), ACCOUNT, UNKNOWN)


# Credentials.


def test_a_credential_that_no_setting_of_video_names_is_never_known_to_be_unused() -> None:
    more = {"sid": "CR" + "7" * 32, "account_sid": TWILIO_ACCOUNT, "date_created": ago(days=9)}
    check("cred-unused", sets("twilio:ListAwsCredentials", "/credentials/-", more)(), ACCOUNT, UNKNOWN)
    check("cred-unused", sets("twilio:ListAwsCredentials", "/credentials", [])(), ACCOUNT, NONE)
    check("cred-unused", cut("twilio:ListAwsCredentials")(), ACCOUNT, UNKNOWN)
    check("cred-unused", saved(aws_storage_enabled=False)(), ACCOUNT, PASS)  # still named, and so not forgotten


def test_one_credential_for_both_kinds_of_media() -> None:
    one = saved(both_external, "Composition", aws_credentials_sid=CREDENTIAL)
    check("cred-shared", one(), ACCOUNT, FAIL)
    check("cred-shared", both_external(), ACCOUNT, PASS)
    check("cred-shared", sound(), ACCOUNT, NONE)
    check("cred-shared", saved(both_external, aws_credentials_sid=None)(), ACCOUNT, NONE)
    check("cred-shared", denied("twilio:FetchCompositionSettings", both_external)(), ACCOUNT, UNKNOWN)


@pytest.mark.parametrize(("sid", "outcome"), [(TWILIO_ACCOUNT, PASS), (TENANT, FAIL), (None, UNKNOWN)])
def test_a_credential_of_another_account(sid: str | None, outcome: Outcome) -> None:
    case = sets("twilio:ListAwsCredentials", "/credentials/0/account_sid", sid)()
    check("cred-account-mismatch", case, RECORDINGS, outcome)


def test_a_credential_that_is_not_listed_is_left_to_the_rule_that_says_so() -> None:
    check("cred-account-mismatch", sets("twilio:ListAwsCredentials", "/credentials", [])(), RECORDINGS, NONE)
    check("cred-account-mismatch", denied("twilio:ListAwsCredentials")(), RECORDINGS, UNKNOWN)
    check("cred-account-mismatch", sound(), COMPOSITIONS, NONE)


def test_a_key_behind_a_credential_that_twilio_does_not_have_is_not_activated() -> None:
    case = sets("iam:ListAccessKeys", "/AccessKeyMetadata/0/Status", "Inactive")()
    held = judge(RULES["cred-key-active"], case, RECORDINGS).remedy
    assert held is not None
    assert [step.operation for step in held.steps] == ["iam:UpdateAccessKey"]
    case.set("twilio:ListAwsCredentials", "/credentials", [])
    gone = judge(RULES["cred-key-active"], case, RECORDINGS)
    assert gone.outcome is FAIL
    assert gone.remedy is not None
    assert gone.remedy.steps == ()
    assert "does not exist at Twilio" in str(gone.remedy.by_hand)


# Encryption with the customer's key.


def test_encryption_is_asked_for_by_the_profile() -> None:
    wanted = requiring(sound, client_side_encryption=True)
    check("enc-client-side", sound(), RECORDINGS, NONE)
    check("enc-client-side", wanted(), RECORDINGS, FAIL, Severity.INFO)
    check("enc-client-side", encrypted(), RECORDINGS, PASS)
    check("enc-client-side", wanted(), COMPOSITIONS, NONE)
    check("enc-client-side", saved(encrypted, encryption_key_sid=None)(), RECORDINGS, FAIL)
    check("enc-client-side", denied("twilio:FetchRecordingSettings", wanted)(), RECORDINGS, UNKNOWN)
    check("enc-client-side", requiring(composing, client_side_encryption=True)(), RECORDINGS, NONE)
    check("enc-client-side", requiring(composing, client_side_encryption=True)(), COMPOSITIONS, FAIL)


@pytest.mark.parametrize(
    ("names", "outcome"),
    [
        (["x-amz-key", "x-amz-iv"], PASS),
        (["X-Amz-Key-V2", "X-Amz-IV"], PASS),
        (["x-amz-key"], FAIL),
        (["x-amz-iv"], FAIL),
        ([], FAIL),
    ],
)
def test_an_encrypted_object_shows_its_envelope(names: list[Json], outcome: Outcome) -> None:
    case = sets("s3:HeadObject", "/MetadataNames", names, start=encrypted, Key=key_of(f"RT{1:032x}"))()
    check("enc-client-side-effective", case, RECORDINGS, outcome)


def test_an_object_from_before_the_switch_proves_nothing() -> None:
    case = sets("s3:HeadObject", "/MetadataNames", [], start=encrypted, Key=key_of(f"RT{3:032x}"))()
    check("enc-client-side-effective", case, RECORDINGS, PASS)


def test_without_leave_to_read_objects_encryption_is_not_proven() -> None:
    case = encrypted()
    case.forget("s3:HeadObject")
    unsampled = judge(RULES["enc-client-side-effective"], case, RECORDINGS)
    assert (unsampled.reason, unsampled.permission) == (Reason.NOT_SELECTED, "s3:GetObject")
    assert "sample_objects" in str(unsampled.detail)
    check("enc-client-side-effective", denied("s3:HeadObject", encrypted)(), RECORDINGS, UNKNOWN)
    gone = encrypted()
    gone.answer("s3:HeadObject", None, Key=key_of(f"RT{1:032x}"))
    check("enc-client-side-effective", gone, RECORDINGS, UNKNOWN)
    unnamed = encrypted()
    unnamed.set("twilio:ListRecordings", "/recordings", [recording(1)], status="completed")
    check("enc-client-side-effective", unnamed, RECORDINGS, UNKNOWN)
    check("enc-client-side-effective", named(), RECORDINGS, NONE)


@pytest.mark.parametrize(("days", "outcome"), [(365, PASS), (366, FAIL)])
def test_the_age_of_the_public_key(days: int, outcome: Outcome) -> None:
    case = sets("twilio:ListPublicKeys", "/credentials/0/date_created", ago(days=days), start=encrypted)()
    check("enc-public-key-age", case, RECORDINGS, outcome)
    check("enc-public-key-age", sets("twilio:ListPublicKeys", "/credentials", [], start=encrypted)(), RECORDINGS, NONE)
    check("enc-public-key-age", denied("twilio:ListPublicKeys", encrypted)(), RECORDINGS, UNKNOWN)
    check("enc-public-key-age", sound(), RECORDINGS, NONE)


# Callbacks.


@pytest.mark.parametrize(
    ("rule_id", "url", "outcome"),
    [
        ("callback-https", f"https://{CALLBACK_HOST}/x", PASS),
        ("callback-https", f"HTTPS://{CALLBACK_HOST}/x", PASS),
        ("callback-https", f"http://{CALLBACK_HOST}/x", FAIL),
        ("callback-https", f"//{CALLBACK_HOST}/x", FAIL),
        ("callback-https", "https", FAIL),
        ("callback-https", f"ftp://{CALLBACK_HOST}/", FAIL),
        ("callback-host", f"https://{CALLBACK_HOST}/x", PASS),
        ("callback-host", f"https://{CALLBACK_HOST.upper()}./x", PASS),
        ("callback-host", f"https://{CALLBACK_HOST}.evil.example/", FAIL),
        ("callback-host", f"https://evil{CALLBACK_HOST}/", FAIL),
        ("callback-host", f"https://{CALLBACK_HOST}@evil.example/", FAIL),
        ("callback-host", "https://[::1]/", FAIL),
        ("callback-host", "https://[bad/", FAIL),
        ("callback-host", "not a url", FAIL),
    ],
)
def test_where_a_callback_goes(rule_id: str, url: str, outcome: Outcome) -> None:
    check(rule_id, rooms(room(status_callback=url))(), ACCOUNT, outcome)


@pytest.mark.parametrize(
    ("url", "outcome"),
    [
        ("https://hooks.example.net/", UNKNOWN),
        ("https://a.b.trycloudflare.com/", FAIL),
        ("https://webhook.site/123", FAIL),
        ("https://notwebhook.site/123", UNKNOWN),
        ("https://127.0.0.1/", FAIL),
        ("https://2130706433/", FAIL),
        ("https://10.1/", FAIL),
        ("https://localhost:8443/", FAIL),
        ("https://[fe80::1%25eth0]/", FAIL),
    ],
)
def test_without_a_list_of_hosts_only_what_is_nobodys_fails(url: str, outcome: Outcome) -> None:
    case = requiring(rooms(room(status_callback=url)), callback_hosts=None)()
    check("callback-host", case, ACCOUNT, outcome)


@pytest.mark.parametrize(
    ("url", "outcome"),
    [("https://a.example.org/", PASS), ("https://example.org/", FAIL), ("https://aexample.org/", FAIL)],
)
def test_subdomains_are_listed_with_an_asterisk(url: str, outcome: Outcome) -> None:
    case = requiring(rooms(room(status_callback=url)), callback_hosts=("*.example.org",))()
    check("callback-host", case, ACCOUNT, outcome)


@pytest.mark.parametrize(
    ("operation", "member", "row"),
    [
        (
            "twilio:ListRecordings",
            "recordings",
            recording(9, status_callback="http://x.example/", status_callback_method="GET"),
        ),
        (
            "twilio:ListCompositions",
            "compositions",
            composition(9, status_callback="http://x.example/", status_callback_method="GET"),
        ),
        (
            "twilio:ListCompositionHooks",
            "composition_hooks",
            hook(status_callback="http://x.example/", status_callback_method="GET"),
        ),
    ],
)
@pytest.mark.parametrize("rule_id", ["callback-https", "callback-host", "callback-method"])
def test_callbacks_of_other_things_than_rooms_count_too(
    rule_id: str, operation: str, member: str, row: dict[str, Json]
) -> None:
    request: dict[str, Any] = {} if member == "composition_hooks" else {"status": "completed"}
    check(rule_id, sets(operation, f"/{member}/-", row, **request)(), ACCOUNT, FAIL)
    check(rule_id, cut(operation, **request)(), ACCOUNT, UNKNOWN)


@pytest.mark.parametrize("rule_id", ["callback-https", "callback-host", "callback-method"])
def test_without_a_callback_there_is_nothing_to_judge(rule_id: str) -> None:
    check(rule_id, rooms(room(status_callback=None))(), ACCOUNT, NONE)
    check(rule_id, denied("twilio:ListRooms")(), ACCOUNT, UNKNOWN)


def test_somebody_is_told() -> None:
    check("callback-present", rooms()(), ACCOUNT, NONE)
    silent = hook(status_callback=None)
    with_hook = sets("twilio:ListCompositionHooks", "/composition_hooks", [silent], start=rooms())
    check("callback-present", with_hook(), ACCOUNT, FAIL)
    off = sets("twilio:ListCompositionHooks", "/composition_hooks", [{**silent, "enabled": False}])
    check("callback-present", off(), ACCOUNT, PASS)
    unsaid = sets("twilio:ListCompositionHooks", "/composition_hooks", [{**silent, "enabled": None}])
    check("callback-present", unsaid(), ACCOUNT, UNKNOWN)
    check("callback-present", cut("twilio:ListRooms", status="completed")(), ACCOUNT, UNKNOWN)


@pytest.mark.parametrize(("method", "outcome"), [("POST", PASS), (None, PASS), ("GET", FAIL), ("PUT", FAIL)])
def test_how_a_callback_is_sent(method: str | None, outcome: Outcome) -> None:
    check("callback-method", rooms(room(status_callback_method=method))(), ACCOUNT, outcome)


# Rooms.


@pytest.mark.parametrize(
    ("wanted", "recorded", "outcome"),
    [
        (True, True, PASS),
        (True, False, FAIL),
        (False, True, FAIL),
        (False, False, PASS),
        (True, None, UNKNOWN),
        (None, False, NONE),
    ],
)
def test_what_rooms_record(wanted: bool | None, recorded: bool | None, outcome: Outcome) -> None:
    start = rooms(room(record_participants_on_connect=recorded))
    check("room-recording-default", requiring(start, record_on_connect=wanted)(), ACCOUNT, outcome)


def test_no_room_records_nothing() -> None:
    check("room-recording-default", rooms()(), ACCOUNT, NONE)
    check("room-recording-default", cut("twilio:ListRooms", rooms(), status="completed")(), ACCOUNT, UNKNOWN)


@pytest.mark.parametrize(
    ("regions", "media", "media_region", "outcome"),
    [
        (("eu-west-1",), ("ie1",), "ie1", PASS),
        (("eu-west-1",), ("ie1",), "us1", FAIL),
        (("eu-west-1",), ("ie1",), "gll", UNKNOWN),
        (("eu-west-1",), ("ie1",), None, UNKNOWN),
        (("eu-west-1",), None, "us1", PASS),
        (("us-east-1",), None, "us1", FAIL),
        ((), None, "us1", FAIL),
        (None, ("ie1",), "ie1", PASS),
        (None, None, "us1", NONE),
    ],
)
def test_where_media_passes_and_rests(regions: Any, media: Any, media_region: str | None, outcome: Outcome) -> None:
    start = requiring(rooms(room(media_region=media_region)), storage_regions=regions, media_regions=media)
    check("media-multi-region-copies", start(), RECORDINGS, outcome)


def test_media_that_rests_at_twilio_is_not_in_an_allowed_region() -> None:
    off = saved(aws_storage_enabled=False)
    check("media-multi-region-copies", off(), RECORDINGS, NONE)
    check("media-multi-region-copies", requiring(off, storage_regions=None)(), RECORDINGS, NONE)
    check("media-multi-region-copies", both_external(), COMPOSITIONS, PASS)
    check("media-multi-region-copies", denied("s3:HeadBucket")(), RECORDINGS, UNKNOWN)


@pytest.mark.parametrize(
    ("name", "outcome"),
    [
        ("consultation-417", PASS),
        ("RM0123456789abcdef0123456789abcdef", PASS),
        ("6f1c2f0e-1234-4567-8901-123456789012", PASS),
        ("2026-11-25-0417", PASS),
        ("team@work", PASS),
        ("jane.doe@example.com", FAIL),
        ("visit of jane@clinic.example.co.uk", FAIL),
        ("+49 30 1234567", FAIL),
        ("call (555) 123-4567", FAIL),
        ("555-123-4567", FAIL),
        ("MRN 0012345", FAIL),
        ("patient_12345", FAIL),
        ("078-05-1120", FAIL),
        ("@" * 900, PASS),
        ("a." * 450 + "@", PASS),
    ],
)
def test_names_that_have_the_form_of_personal_data(name: str, outcome: Outcome) -> None:
    check("pii-in-names", rooms(room(unique_name=name))(), ACCOUNT, outcome)


def test_personal_data_is_not_repeated() -> None:
    case = rooms(room(unique_name="jane.doe@example.com +49 30 1234567"))()
    found = judge(RULES["pii-in-names"], case, ACCOUNT)
    assert len(found.findings) == 2
    for piece in ("jane", "example.com", "1234567"):
        assert piece not in str(found.findings)


@pytest.mark.parametrize(
    ("operation", "pointer"),
    [
        ("twilio:ListRecordings", "/recordings/0/track_name"),
        ("twilio:ListAwsCredentials", "/credentials/0/friendly_name"),
        ("twilio:ListPublicKeys", "/credentials/0/friendly_name"),
        ("twilio:FetchRecordingSettings", "/friendly_name"),
    ],
)
def test_names_of_every_kind_are_looked_at(operation: str, pointer: str) -> None:
    request: dict[str, Any] = {"status": "completed"} if operation == "twilio:ListRecordings" else {}
    check("pii-in-names", sets(operation, pointer, "jane@example.com", **request)(), ACCOUNT, FAIL)
    check("pii-in-names", denied(operation, **request)(), ACCOUNT, UNKNOWN)


CALLS_AT_TWILIO = "https://api.twilio.com/2010-04-01/Accounts/AC1/Recordings/RE1"


@pytest.mark.parametrize(
    ("url", "outcome"),
    [
        (bucket_url("calls/RE1.wav"), PASS),
        (CALLS_AT_TWILIO, FAIL),
        (CALLS_AT_TWILIO.replace("https", "HTTPS"), FAIL),
        ("https://media.example.com/RE1.wav", UNKNOWN),
        (None, UNKNOWN),
    ],
)
def test_where_recordings_of_calls_lie(url: str | None, outcome: Outcome) -> None:
    case = sets("twilio:ListVoiceRecordings", "/recordings/0/media_url", url, start=named)()
    check("voice-recordings-out-of-scope", case, ACCOUNT, outcome)


def test_recordings_of_calls_matter_if_the_profile_says_so() -> None:
    check("voice-recordings-out-of-scope", sound(), ACCOUNT, NONE)
    covered = requiring(sound, covers_calls=True)
    check("voice-recordings-out-of-scope", covered(), ACCOUNT, NONE)  # there are none
    check("voice-recordings-out-of-scope", cut("twilio:ListVoiceRecordings", named)(), ACCOUNT, UNKNOWN)
    check("voice-recordings-out-of-scope", denied("twilio:ListVoiceRecordings", covered)(), ACCOUNT, UNKNOWN)


def test_transcriptions_are_looked_for_in_the_newest_rooms() -> None:
    check("transcripts-out-of-scope", sound(), ACCOUNT, PASS)
    check("transcripts-out-of-scope", rooms()(), ACCOUNT, NONE)
    check("transcripts-out-of-scope", denied("twilio:ListTranscriptions")(), ACCOUNT, UNKNOWN)
    check("transcripts-out-of-scope", requiring(sound, transcripts_elsewhere=True)(), ACCOUNT, NONE)
    many = [room(sid=f"RM{number:032x}", date_created=ago(hours=number)) for number in range(51)]
    check("transcripts-out-of-scope", rooms(*many)(), ACCOUNT, UNKNOWN)
    check("transcripts-out-of-scope", rooms(*many[:50])(), ACCOUNT, PASS)


# The account.


def test_every_subaccount_is_looked_at() -> None:
    check("acct-subaccounts-covered", subaccounts(), "estate", PASS)
    check("acct-subaccounts-covered", sound(), "estate", NONE)
    unscanned = subaccounts()
    other = {"sid": "AC" + "9" * 32, "status": "active"}
    unscanned.set("twilio:ListAccounts", "/accounts/-", other)
    check("acct-subaccounts-covered", unscanned, "estate", UNKNOWN)
    exempt = requiring(lambda: unscanned, unconfigured_subaccounts=("AC" + "9" * 32,))
    check("acct-subaccounts-covered", exempt(), "estate", PASS)


def internal_tenant(*, in_use: bool) -> Case:
    case = subaccounts()
    off = {"account_sid": TENANT, "aws_storage_enabled": False}
    case.add("twilio:FetchRecordingSettings", off, account=TENANT)
    if not in_use:
        none = {"recordings": [], "truncated": False}
        case.add("twilio:ListRecordings", none, account=TENANT, status="completed")
        for status in ("in-progress", "completed"):
            request = {"status": status, "date_created_after": case.scope.alerts_since}
            case.add("twilio:ListRooms", {"rooms": [], "truncated": False}, account=TENANT, **request)
    return case


def test_a_subaccount_that_does_not_use_video_needs_no_setting() -> None:
    check("acct-subaccounts-covered", internal_tenant(in_use=True), "estate", FAIL)
    check("acct-subaccounts-covered", internal_tenant(in_use=False), "estate", PASS)


@pytest.mark.parametrize(
    ("days", "outcome"),
    [
        ([], UNKNOWN),
        ([usage_day(1, "0"), usage_day(0, "0")], PASS),
        ([usage_day(1, "0.0001"), usage_day(0, "0")], FAIL),
        ([usage_day(1, "0"), usage_day(0, "1")], FAIL),
        ([usage_day(3, "1"), usage_day(2, "0"), usage_day(1, "0"), usage_day(0, "0")], UNKNOWN),
        ([usage_day(9, "1"), *(usage_day(day) for day in range(6, -1, -1))], PASS),
        ([usage_day(5, "0")], UNKNOWN),
        ([usage_day(1, "-1")], UNKNOWN),
        ([usage_day(1, "lots")], UNKNOWN),
    ],
)
def test_what_twilio_metered(days: list[Json], outcome: Outcome) -> None:
    case = sets("twilio:ListDailyUsage", "/usage_records", days)()
    check("media-usage-stored", case, ACCOUNT, outcome)
    of_the_suspended = sets("twilio:ListDailyUsage", "/usage_records", days, start=subaccounts, of=SUSPENDED)
    check("acct-suspended-with-media", of_the_suspended(), ACCOUNT, outcome)


def test_accounts_that_are_not_in_use() -> None:
    check("acct-suspended-with-media", sound(), ACCOUNT, NONE)
    check("acct-suspended-with-media", denied("twilio:ListAccounts")(), ACCOUNT, UNKNOWN)
    check("acct-suspended-with-media", cut("twilio:ListAccounts", subaccounts)(), ACCOUNT, UNKNOWN)
    check("media-usage-stored", composing(), ACCOUNT, NONE)
    check("media-usage-stored", cut("twilio:ListDailyUsage")(), ACCOUNT, UNKNOWN)


def read_with(identity: str | None, start: Example = sound) -> Case:
    case = start()
    case.asked_by = {} if identity is None else {ACCOUNT: identity}
    return case


def denied_lists(identity: str) -> Case:
    case = read_with(identity)
    case.deny("twilio:ListAccounts")
    case.deny("twilio:ListKeys")
    return case


SHOWN = f"API key {SCANNER_KEY[:6]}…{SCANNER_KEY[-4:]}"


@pytest.mark.parametrize(
    ("case", "outcome"),
    [
        pytest.param(sound(), PASS, id="a restricted key that reads"),
        pytest.param(read_with("Auth Token"), FAIL, id="the Auth Token"),
        pytest.param(denied_lists("Auth Token"), FAIL, id="the Auth Token, of which lists are denied"),
        pytest.param(denied_lists(SHOWN), UNKNOWN, id="a refusal proves nothing"),
        pytest.param(sets("twilio:FetchKey", "/policy", None)(), FAIL, id="a Main key"),
        pytest.param(
            sets("twilio:FetchKey", "/policy", {"allow": ["/twilio/video/*"]})(), FAIL, id="a key that writes"
        ),
        pytest.param(sets("twilio:FetchKey", "/policy", {"allow": []})(), PASS, id="a key that may do nothing"),
        pytest.param(sets("twilio:FetchKey", "/policy", {"deny": []})(), UNKNOWN, id="another kind of policy"),
        pytest.param(denied("twilio:ListKeys")(), UNKNOWN, id="perhaps a Main key"),
        pytest.param(denied("twilio:FetchKey")(), UNKNOWN, id="a key whose policy may not be read"),
        pytest.param(read_with(None), UNKNOWN, id="an old snapshot"),
        pytest.param(read_with("API key SK0000…0000"), UNKNOWN, id="a key that is not listed"),
        pytest.param(denied("twilio:FetchRecordingSettings")(), UNKNOWN, id="a credential that may not work"),
    ],
)
def test_what_the_scan_reads_with(case: Case, outcome: Outcome) -> None:
    check("acct-scanner-credential", case, ACCOUNT, outcome)


@pytest.mark.parametrize(
    ("allowed", "outcome"),
    [
        (["/twilio/video/recordings/list"], PASS),
        (["/twilio/video/recordings/delete"], FAIL),
        (["/twilio/video/recordings/*"], FAIL),
        (["/twilio/video/recordings.*"], FAIL),
        (["/twilio/*"], FAIL),
        (["*"], FAIL),
        (["/TWILIO/VIDEO/COMPOSITIONS/DELETE"], FAIL),
        (["/twilio/voice/recordings/delete"], PASS),
        (["/twilio/video/rooms/create", "/twilio/video/rooms/update"], PASS),
        (["/twilio/iam/api-keys/read", "/twilio/iam/accounts/list"], PASS),
        (["/twilio/iam/api-keys/*"], FAIL),
        (["/twilio/iam/api-keys/update"], FAIL),
        (["[/twilio/video/recordings/delete"], PASS),
        ([], PASS),
    ],
)
def test_which_permissions_lead_media_elsewhere(allowed: list[Json], outcome: Outcome) -> None:
    check("acct-keys-can-redirect", with_key({"allow": allowed})(), ACCOUNT, outcome)


def test_keys_that_the_profile_names_may() -> None:
    expected = requiring(with_key(None), twilio_keys=(OTHER_KEY,))
    check("acct-keys-can-redirect", with_key(None)(), ACCOUNT, FAIL)
    check("acct-keys-can-redirect", expected(), ACCOUNT, PASS)
    check("acct-keys-can-redirect", denied("twilio:FetchKey", expected, key=OTHER_KEY)(), ACCOUNT, PASS)
    check("acct-keys-can-redirect", denied("twilio:FetchKey", key=SCANNER_KEY)(), ACCOUNT, UNKNOWN)
    check("acct-keys-can-redirect", cut("twilio:ListKeys")(), ACCOUNT, UNKNOWN)
    check("acct-keys-can-redirect", sets("twilio:ListKeys", "/keys", [])(), ACCOUNT, NONE)


@pytest.mark.parametrize(("days", "outcome"), [(180, PASS), (181, FAIL), (None, UNKNOWN)])
def test_the_age_of_keys(days: int | None, outcome: Outcome) -> None:
    created = None if days is None else ago(days=days)
    check("acct-key-age", with_key({"allow": []}, date_created=created)(), ACCOUNT, outcome)
    check("acct-key-age", sets("twilio:ListKeys", "/keys", [])(), ACCOUNT, NONE)


@pytest.mark.parametrize(("percent", "outcome"), [(50, PASS), (51, FAIL), (0, PASS), (100, FAIL)])
def test_the_share_of_restricted_keys(percent: int, outcome: Outcome) -> None:
    case = requiring(with_key(None), restricted_keys_percent=percent)()
    check("acct-restricted-share", case, ACCOUNT, outcome)
    check("acct-restricted-share", denied("twilio:FetchKey", key=SCANNER_KEY)(), ACCOUNT, UNKNOWN)


@pytest.mark.parametrize(
    ("actors", "networks", "outcome"),
    [
        ((ACTOR,), ("203.0.113.0/24",), PASS),
        ((ACTOR,), None, PASS),
        (None, ("203.0.113.0/24",), PASS),
        (("US" + "0" * 32,), None, FAIL),
        ((ACTOR,), ("198.51.100.0/24", "2001:db8::/32"), FAIL),
        ((), None, FAIL),
        (None, None, UNKNOWN),
    ],
)
def test_who_changes_keys_and_from_where(actors: Any, networks: Any, outcome: Outcome) -> None:
    case = requiring(named, key_actors=actors, key_networks=networks)()
    check("acct-credential-events", case, ACCOUNT, outcome)


@pytest.mark.parametrize(
    ("members", "outcome"),
    [
        ({"source_ip_address": "2001:db8::7"}, FAIL),
        ({"source_ip_address": None}, FAIL),
        ({"source_ip_address": "somewhere"}, FAIL),
        ({"actor_sid": None}, FAIL),
    ],
)
def test_an_event_of_nobody_from_nowhere_is_not_one_of_a_known_person(
    members: dict[str, Json], outcome: Outcome
) -> None:
    case = sets(
        "twilio:ListEvents", "/events", [event(**members)], start=named, event_type="account-api-keys.created"
    )()
    check("acct-credential-events", case, ACCOUNT, outcome)


def test_events_of_every_kind_are_read() -> None:
    check("acct-credential-events", sound(), ACCOUNT, NONE)
    for kind in ("account-credentials.deleted", "account-auth-token.secondary-created"):
        check("acct-credential-events", denied("twilio:ListEvents", named, event_type=kind)(), ACCOUNT, UNKNOWN)
    strange = sets(
        "twilio:ListEvents", "/events", [event(actor_sid=None)], start=named, event_type="account-keys.deleted"
    )
    unread = denied("twilio:ListEvents", strange, event_type="account-credentials.created")
    check("acct-credential-events", unread(), ACCOUNT, FAIL)


# What becomes of media.


@pytest.mark.parametrize(("hours", "outcome"), [(25, PASS), (27, FAIL)])
def test_a_recording_is_processed_for_a_day(hours: int, outcome: Outcome) -> None:
    row = recording(9, status="processing", date_created=ago(hours=hours))
    check(
        "media-stuck-processing",
        sets("twilio:ListRecordings", "/recordings/-", row, status="processing")(),
        ACCOUNT,
        outcome,
    )


@pytest.mark.parametrize("rule_id", ["media-stuck-processing", "media-failed-recordings"])
def test_without_recordings_none_is_stuck_or_failed(rule_id: str) -> None:
    check(rule_id, sets("twilio:ListRecordings", "/recordings", [])(), ACCOUNT, NONE)
    check(rule_id, sound(), ACCOUNT, PASS)
    for status in ("processing", "failed"):
        check(rule_id, cut("twilio:ListRecordings", status=status)(), ACCOUNT, UNKNOWN)


def test_a_recording_without_a_date_may_be_stuck() -> None:
    row = recording(9, status="processing", date_created=None)
    case = sets("twilio:ListRecordings", "/recordings/-", row, status="processing")()
    check("media-stuck-processing", case, ACCOUNT, UNKNOWN)


@pytest.mark.parametrize(
    ("changes", "age", "outcome"),
    [
        ({"twilio_retention_days": 7}, 7, PASS),
        ({"twilio_retention_days": 7}, 8, FAIL),
        ({"twilio_retention_days": 0}, 1, FAIL),
        ({"twilio_retention_days": None, "retention_max_days": 400}, 400, PASS),
        ({"twilio_retention_days": None, "retention_max_days": 400}, 401, FAIL),
        ({"twilio_retention_days": None, "retention_max_days": None}, 4000, NONE),
    ],
)
def test_how_long_twilio_may_keep_media(changes: dict[str, Json], age: int, outcome: Outcome) -> None:
    row = recording(age, media_external_location=None)
    start = sets("twilio:ListRecordings", "/recordings", [row], start=waiting, status="completed")
    check("media-retention-twilio", requiring(start, **changes)(), RECORDINGS, outcome)


def test_media_in_the_bucket_is_not_kept_by_twilio() -> None:
    check("media-retention-twilio", sound(), RECORDINGS, NONE)
    check("media-retention-twilio", cut("twilio:ListRecordings", waiting, status="completed")(), RECORDINGS, UNKNOWN)
    undated = recording(1, media_external_location=None, date_created=None)
    case = sets("twilio:ListRecordings", "/recordings", [undated], start=waiting, status="completed")()
    check("media-retention-twilio", case, RECORDINGS, UNKNOWN)


NEWEST = key_of(f"RT{1:032x}")


@pytest.mark.parametrize(
    ("start", "outcome"),
    [
        pytest.param(named, PASS, id="present"),
        pytest.param(sets("s3:ListObjectsV2", "/Contents", [], start=named, Prefix=NEWEST), FAIL, id="absent"),
        pytest.param(
            sets("s3:ListObjectsV2", "/Contents", [{"Key": f"{NEWEST}.txt", "Size": 1}], start=named, Prefix=NEWEST),
            FAIL,
            id="another whose name begins alike",
        ),
        pytest.param(denied("s3:ListObjectsV2", named, Prefix=NEWEST), UNKNOWN, id="may not be listed"),
        pytest.param(
            requiring(sets("s3:ListObjectsV2", "/Contents", [], start=named, Prefix=NEWEST), retention_min_days=None),
            UNKNOWN,
            id="absent, and nobody said how long it must be kept",
        ),
        pytest.param(requiring(named, retention_min_days=None), PASS, id="present, and nobody said how long"),
        pytest.param(requiring(named, retention_min_days=1), NONE, id="older than it must be kept"),
        pytest.param(sound, PASS, id="only the prefix is known, and SIDs stand in names"),
        pytest.param(
            sets("s3:ListObjectsV2", "/Contents", []), UNKNOWN, id="only the prefix is known, and no name tells"
        ),
        pytest.param(
            sets(
                "twilio:ListRecordings",
                "/recordings",
                [recording(1, media_external_location=bucket_url(PREFIX.rstrip("/")))],
                start=sets("s3:ListObjectsV2", "/Contents", []),
                status="completed",
            ),
            UNKNOWN,
            id="a prefix without its slash is no name",
        ),
        pytest.param(
            sets(
                "twilio:ListRecordings",
                "/recordings",
                [recording(1, media_external_location=bucket_url("old/media"))],
                start=sets("s3:ListObjectsV2", "/Contents", []),
                status="completed",
            ),
            UNKNOWN,
            id="a former prefix without its slash is no name",
        ),
        pytest.param(sets("twilio:ListRecordings", "/recordings", []), NONE, id="nothing stored"),
        pytest.param(saved(aws_storage_enabled=False), NONE, id="switched off"),
    ],
)
def test_whether_media_is_where_twilio_says(start: Example, outcome: Outcome) -> None:
    check("media-object-present", start(), RECORDINGS, outcome)


def left(*latest: bool, start: Example = named) -> Example:
    """The bucket has these versions of the deleted Recording's object."""
    rows = versions(*latest)["Versions"]
    return sets("s3:ListObjectVersions", "/Versions", rows, start=start, Prefix=key_of(DELETED_SID))


def replicated() -> Case:
    case = named()
    rule = {"ID": "copy", "Status": "Enabled", "Destination": {"Bucket": "arn:aws:s3:::copies"}}
    case.answer("s3:GetBucketReplication", {"ReplicationConfiguration": {"Role": "r", "Rules": [rule]}})
    return case


def deleted(*rows: dict[str, Json], start: Example = named) -> Example:
    return sets("twilio:ListRecordings", "/recordings", list(rows), start=start, status="deleted")


UNNAMED = recording(40, status="deleted")


def with_its_object() -> Case:
    case = deleted(UNNAMED)()
    case.answer("s3:ListObjectsV2", objects_of(PREFIX, DELETED_SID), Prefix=PREFIX)
    return case


@pytest.mark.parametrize(
    ("start", "outcome", "severity"),
    [
        pytest.param(named, PASS, None, id="gone"),
        pytest.param(left(True), FAIL, Severity.HIGH, id="there"),
        pytest.param(left(True, False), FAIL, Severity.HIGH, id="there, and before"),
        pytest.param(left(False, False), FAIL, Severity.MEDIUM, id="earlier versions only"),
        pytest.param(replicated, UNKNOWN, None, id="gone, but copied elsewhere"),
        pytest.param(denied("s3:GetBucketReplication", named), UNKNOWN, None, id="perhaps copied elsewhere"),
        pytest.param(denied("s3:ListObjectVersions", named), UNKNOWN, None, id="versions may not be listed"),
        pytest.param(deleted(UNNAMED), UNKNOWN, None, id="no name is known"),
        pytest.param(with_its_object, FAIL, Severity.HIGH, id="its SID stands in a name"),
        pytest.param(deleted(), NONE, None, id="nothing deleted"),
        pytest.param(cut("twilio:ListRecordings", deleted(), status="deleted"), UNKNOWN, None, id="perhaps something"),
        pytest.param(
            deleted(recording(40, status="deleted", media_external_location=None)), NONE, None, id="was at Twilio"
        ),
        pytest.param(sound, NONE, None, id="sound"),
    ],
)
def test_what_was_deleted_at_twilio_is_gone_from_the_bucket(
    start: Example, outcome: Outcome, severity: Severity | None
) -> None:
    check("media-erasure-both-sides", start(), RECORDINGS, outcome, severity)


def test_a_recording_that_was_deleted_before_its_name_could_be_known_stays_open_beside_one_that_is_gone() -> None:
    case = deleted(named_recording(40, status="deleted"), recording(41, status="deleted"))()
    check("media-erasure-both-sides", case, RECORDINGS, UNKNOWN)


def test_an_account_in_scope_with_two_requirements_is_judged_by_each() -> None:
    case = replace_profile(named(), storage_regions=("us-east-1",), media_regions=("de1",))
    found = judge(RULES["media-multi-region-copies"], case, RECORDINGS)
    assert {finding.observed for finding in found.findings} == {"eu-west-1", "ie1"}


def replace_profile(case: Case, **changes: object) -> Case:
    case.profile = replace(case.profile, **changes)  # type: ignore[arg-type]
    return case
