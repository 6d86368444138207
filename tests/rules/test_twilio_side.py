"""The Twilio side: what each rule says in the cases that are easily got wrong."""

from dataclasses import replace

import pytest

from recordscan.facts import Reason
from recordscan.plugins import load_rules
from recordscan.result import Outcome
from recordscan.rule import Severity
from recordscan.testing import (
    AWS_ACCOUNT,
    BUCKET,
    CREDENTIAL,
    PREFIX,
    TWILIO_ACCOUNT,
    Case,
    ago,
    alert,
    bucket_url,
    composing,
    composition,
    hook,
    judge,
    recording,
    sound,
)
from rules.failing import TENANT, Example, recordings, sets, setting, two_tenants, url

RULES = {rule.id: rule for rule in load_rules()}
RECORDINGS = f"twilio:{TWILIO_ACCOUNT}/recordings"
COMPOSITIONS = f"twilio:{TWILIO_ACCOUNT}/compositions"
OTHER = "AC" + "c" * 32
ACCOUNT = f"twilio:{TWILIO_ACCOUNT}"
PASS, FAIL, UNKNOWN, NONE = Outcome.PASS, Outcome.FAIL, Outcome.UNKNOWN, Outcome.NOT_APPLICABLE


def never_configured() -> Case:
    case = sound()
    case.answer("twilio:FetchRecordingSettings", None)
    return case


def profile(example: Example, **changes: object) -> Example:
    def make() -> Case:
        case = example()
        case.profile = replace(case.profile, **changes)  # type: ignore[arg-type]
        return case

    return make


def denied(operation: str, example: Example = sound) -> Example:
    def make() -> Case:
        case = example()
        case.deny(operation)
        return case

    return make


def cut(operation: str, example: Example = sound) -> Example:
    """The list stopped at the page cap."""
    return sets(operation, "/truncated", True, start=example)


def stored_at(*places: str | None) -> Example:
    return recordings(*(recording(i, media_external_location=place) for i, place in enumerate(places, start=1)))


def located(saved: str, stored: str) -> Example:
    def make() -> Case:
        case = stored_at(bucket_url(stored))()
        case.set("twilio:FetchRecordingSettings", "/aws_s3_url", bucket_url(saved))
        return case

    return make


def off(example: Example) -> Example:
    def make() -> Case:
        case = example()
        case.set("twilio:FetchRecordingSettings", "/aws_storage_enabled", False)
        return case

    return make


def emptied(example: Example) -> Example:
    """Storage is off, and the setting names no bucket any more."""

    def make() -> Case:
        case = off(example)()
        case.set("twilio:FetchRecordingSettings", "/aws_s3_url", None)
        return case

    return make


def walked_twice(processing: str | None, completed: str | None) -> Example:
    """A Recording was in the list of those in processing, and came to be in that of the completed ones."""
    row = recording(1, status="processing", media_external_location=processing)
    done = recordings(recording(1, media_external_location=completed))
    return sets("twilio:ListRecordings", "/recordings", [row], start=done, status="processing")


def failed_composition() -> Case:
    case = sound()
    case.set("twilio:ListCompositions", "/compositions", [composition(1, status="failed")], status="failed")
    return case


def with_hook() -> Case:
    case = sound()
    case.set("twilio:ListCompositionHooks", "/composition_hooks", [hook(enabled=False)])
    return case


def check(rule_id: str, case: Case, subject: str, outcome: Outcome, severity: Severity | None = None) -> None:
    found = judge(RULES[rule_id], case, subject)
    assert found.outcome is outcome, (found.detail, found.findings)
    if severity is not None:
        assert found.severity is severity


@pytest.mark.parametrize(
    ("rule_id", "example", "outcome"),
    [
        ("settings-recordings-external", never_configured, FAIL),
        ("settings-recordings-external", setting(aws_storage_enabled=None), FAIL),
        ("settings-recordings-external", profile(never_configured, storage="compose-then-delete"), NONE),
        ("settings-recordings-external", off(recordings()), NONE),
        ("settings-recordings-external", denied("twilio:FetchRecordingSettings"), UNKNOWN),
        ("settings-recordings-external", denied("twilio:ListRecordings", off(sound)), UNKNOWN),
        ("settings-recordings-external", off(recordings(start=failed_composition)), FAIL),
        ("settings-recordings-external", denied("twilio:ListRecordings", off(failed_composition)), FAIL),
        ("settings-recordings-external", off(recordings(start=with_hook)), FAIL),
        ("settings-recordings-external", denied("twilio:ListCompositionHooks", off(recordings())), UNKNOWN),
        ("settings-recordings-external", denied("twilio:ListCompositionHooks", off(sound)), FAIL),
        ("settings-recordings-external", cut("twilio:ListCompositions", off(recordings())), UNKNOWN),
        ("settings-complete", setting(aws_s3_url=None), FAIL),
        ("settings-complete", setting(aws_s3_url=""), FAIL),
        ("settings-complete", setting(aws_s3_url="   "), FAIL),
        ("settings-complete", setting(aws_credentials_sid=" \t"), FAIL),
        ("settings-complete", setting(aws_credentials_sid=None, aws_storage_enabled=False), NONE),
        ("settings-complete", never_configured, NONE),
        ("settings-dormant", never_configured, PASS),
        ("settings-dormant", setting(aws_storage_enabled=False, aws_s3_url=None, aws_credentials_sid=None), PASS),
        ("settings-dormant", setting(aws_storage_enabled=False, aws_s3_url=None), FAIL),
        ("settings-dormant", sound, NONE),
        ("settings-credential-exists", denied("twilio:ListAwsCredentials"), UNKNOWN),
        ("settings-credential-exists", setting(aws_credentials_sid="CR" + "9" * 32), FAIL),
        ("settings-credential-exists", setting(aws_credentials_sid=None), NONE),
        ("settings-encryption-key-exists", setting(encryption_enabled=True), FAIL),
        ("settings-encryption-key-exists", setting(encryption_enabled=True, encryption_key_sid=CREDENTIAL), FAIL),
        ("settings-encryption-key-exists", sound, NONE),
        ("cred-linked", denied("twilio:ListAwsCredentials"), PASS),
        ("cred-linked", setting(aws_credentials_sid=None), UNKNOWN),
        ("cred-linked", setting(aws_storage_enabled=False), NONE),
        ("cred-linked", sound, PASS),
        ("cred-age", sets("twilio:ListAwsCredentials", "/credentials/0/date_updated", ago(days=900)), PASS),
        ("cred-age", sets("twilio:ListAwsCredentials", "/credentials/0/date_created", None), UNKNOWN),
    ],
)
def test_settings_and_credentials(rule_id: str, example: Example, outcome: Outcome) -> None:
    check(rule_id, example(), RECORDINGS, outcome)


def test_what_a_credential_held_is_known_though_it_is_gone() -> None:
    # That it is gone is the business of settings-credential-exists.
    check("cred-linked", sets("twilio:ListAwsCredentials", "/credentials", [])(), RECORDINGS, PASS)


def test_a_partition_passes_only_when_the_writer_and_the_key_are_known() -> None:
    hint = {"UserName": "video", "Arn": f"arn:aws:iam::{AWS_ACCOUNT}:user/video"}
    case = sound()
    case.scope = replace(case.scope, credential_links={})
    case.add("iam:GetAccountAuthorizationDetails", {"UserDetailList": [hint], "Policies": []})
    check("url-partition", case, RECORDINGS, UNKNOWN)
    check("url-partition", denied("iam:GetAccessKeyLastUsed")(), RECORDINGS, UNKNOWN)
    check("url-partition", sound(), RECORDINGS, PASS)


def test_a_writer_of_another_partition_fails_even_when_the_key_cannot_be_read() -> None:
    case = denied("s3:GetBucketEncryption")()
    case.scope = replace(case.scope, credential_links={CREDENTIAL: "arn:aws-cn:iam::999999999999:user/w"})
    check("url-partition", case, RECORDINGS, FAIL)


def test_a_credential_that_is_not_on_the_pages_read_may_be_on_the_next() -> None:
    case = setting(aws_credentials_sid="CR" + "9" * 32)()
    case.set("twilio:ListAwsCredentials", "/truncated", True)
    check("settings-credential-exists", case, RECORDINGS, UNKNOWN)


@pytest.mark.parametrize(
    ("saved", "stored", "outcome"),
    [
        (PREFIX, PREFIX, PASS),
        (PREFIX, PREFIX.rstrip("/"), PASS),
        (PREFIX.rstrip("/"), PREFIX, PASS),
        (PREFIX, f"{PREFIX}{TWILIO_ACCOUNT}/RT1.mkv", PASS),
        (PREFIX.rstrip("/"), f"{PREFIX}RT1.mkv", PASS),
        ("", "anything/RT1.mkv", PASS),
        ("video/recordings", "video/recordings-old/", FAIL),
        ("video/recordings", "video/recordings-old/RT1.mkv", FAIL),
        ("video/recordings/", "video/", FAIL),
        ("video/recordings/", "", FAIL),
        ("video/recordings/", "video/Recordings/", FAIL),
    ],
)
def test_stored_media_is_found_folder_by_folder(saved: str, stored: str, outcome: Outcome) -> None:
    check("media-location-matches-settings", located(saved, stored)(), RECORDINGS, outcome)


@pytest.mark.parametrize(
    ("rule_id", "example", "outcome"),
    [
        ("media-location-matches-settings", stored_at(bucket_url(PREFIX).replace("https", "http")), PASS),
        ("media-location-matches-settings", stored_at(f"https://{BUCKET}.s3-eu-west-1.amazonaws.com/{PREFIX}"), PASS),
        ("media-location-matches-settings", stored_at(bucket_url(PREFIX, bucket="former")), FAIL),
        ("media-location-matches-settings", stored_at("https://example.com/video/"), FAIL),
        ("media-location-matches-settings", stored_at(f"{bucket_url(PREFIX)}{'p' * 990}/RT1.mkv"), PASS),
        ("media-location-matches-settings", stored_at(f"{bucket_url('former/')}{'p' * 990}/RT1.mkv"), FAIL),
        ("media-location-matches-settings", stored_at(f"{bucket_url(PREFIX)}{'p' * 1024}"), FAIL),
        ("media-location-matches-settings", stored_at(None), NONE),
        ("media-location-matches-settings", off(stored_at(None)), NONE),
        ("media-location-matches-settings", off(stored_at(bucket_url(PREFIX))), PASS),
        ("media-location-matches-settings", off(stored_at(bucket_url(PREFIX, bucket="former"))), FAIL),
        ("media-location-matches-settings", emptied(stored_at(bucket_url(PREFIX))), UNKNOWN),
        ("media-location-matches-settings", emptied(stored_at(None)), NONE),
        ("media-location-matches-settings", cut("twilio:ListRecordings", stored_at(bucket_url(PREFIX))), UNKNOWN),
        ("media-location-matches-settings", cut("twilio:ListRecordings", stored_at("https://example.com/")), FAIL),
        ("media-recordings-in-twilio", stored_at(bucket_url(PREFIX), None), FAIL),
        ("media-recordings-in-twilio", recordings(recording(1, status="failed", media_external_location=None)), PASS),
        ("media-recordings-in-twilio", recordings(recording(1, status="deleted", media_external_location=None)), PASS),
        (
            "media-recordings-in-twilio",
            recordings(recording(1, status="resting", media_external_location=None)),
            UNKNOWN,
        ),
        ("media-recordings-in-twilio", recordings(recording(1, status="resting")), PASS),
        ("media-recordings-in-twilio", walked_twice(None, bucket_url(PREFIX)), PASS),
        ("media-recordings-in-twilio", profile(stored_at(None), storage="compose-then-delete"), NONE),
        ("media-recordings-in-twilio", recordings(), PASS),
        ("media-recordings-in-twilio", cut("twilio:ListRecordings"), UNKNOWN),
        ("media-new-internal-after-external", recordings(), UNKNOWN),
        ("media-new-internal-after-external", off(recordings()), NONE),
        ("media-new-internal-after-external", stored_at(bucket_url(PREFIX), None), PASS),
        ("media-new-internal-after-external", stored_at(bucket_url(PREFIX)), UNKNOWN),
        ("media-new-internal-after-external", denied("twilio:ListRecordings"), UNKNOWN),
    ],
)
def test_media(rule_id: str, example: Example, outcome: Outcome) -> None:
    check(rule_id, example(), RECORDINGS, outcome)


@pytest.mark.parametrize(
    ("places", "severity"),
    [
        ((None, bucket_url(PREFIX)), Severity.CRITICAL),  # the newest stayed at Twilio
        ((bucket_url(PREFIX), None, bucket_url(PREFIX)), Severity.HIGH),  # a lapse that has passed
    ],
)
def test_a_lapse_that_has_passed_is_milder(places: tuple[str | None, ...], severity: Severity) -> None:
    check("media-new-internal-after-external", stored_at(*places)(), RECORDINGS, FAIL, severity)


def test_media_that_two_lists_show_is_counted_once() -> None:
    found = judge(RULES["media-recordings-in-twilio"], walked_twice(None, None)(), RECORDINGS)
    assert found.findings[0].observed == "1"


def test_a_composition_in_a_status_that_nobody_knows_may_be_held_by_twilio() -> None:
    rows = [composition(1, status="resting", media_external_location=None)]
    example = sets("twilio:ListCompositions", "/compositions", rows, start=composing, status="completed")
    check("media-compositions-in-twilio", example(), COMPOSITIONS, UNKNOWN)


def test_a_composition_under_way_is_not_held_by_twilio() -> None:
    rows = [composition(1, status="processing", media_external_location=None)]
    example = sets("twilio:ListCompositions", "/compositions", rows, start=composing, status="completed")
    check("media-compositions-in-twilio", example(), COMPOSITIONS, PASS)


@pytest.mark.parametrize(
    ("rule_id", "saved", "outcome", "severity"),
    [
        ("url-parse", "https://s3.eu-west-1.amazonaws.com/", FAIL, Severity.HIGH),
        ("url-parse", "ftp://acme.s3.eu-west-1.amazonaws.com/", FAIL, Severity.HIGH),
        ("url-parse", bucket_url(PREFIX), PASS, None),
        ("url-parse", f"{bucket_url('')}[redacted: aws-secret-access-key]", UNKNOWN, None),
        ("url-https", f"http://{BUCKET}.s3.eu-west-1.amazonaws.com/{PREFIX}", FAIL, Severity.HIGH),
        ("url-https", "https://example.com/video/", UNKNOWN, None),
        ("url-region-present", f"https://{BUCKET}.s3.amazonaws.com/{PREFIX}", FAIL, Severity.LOW),
        ("url-region-matches-bucket", f"https://{BUCKET}.s3.amazonaws.com/{PREFIX}", UNKNOWN, None),
        ("url-region-matches-bucket", bucket_url(PREFIX, region="eu-west-2"), FAIL, Severity.HIGH),
        ("url-dash-form", f"https://{BUCKET}.s3-eu-west-1.amazonaws.com/{PREFIX}", FAIL, Severity.INFO),
        ("url-dash-form", f"https://{BUCKET}.s3-ap-east-1.amazonaws.com/{PREFIX}", FAIL, Severity.MEDIUM),
        ("url-bucket-ascii", f"https://xn--bcket-kva.s3.eu-west-1.amazonaws.com/{PREFIX}", FAIL, Severity.HIGH),
        ("url-bucket-ascii", f"https://my.xn--bcket-kva.s3.eu-west-1.amazonaws.com/{PREFIX}", FAIL, Severity.HIGH),
        ("url-bucket-ascii", "https://sthree-x.s3.eu-west-1.amazonaws.com/xn--/", PASS, None),
        ("url-bucket-ascii", "https://s3.eu-west-1.amazonaws.com/bücket/", FAIL, Severity.HIGH),
        ("url-bucket-ascii", "https://example.com/bücket/", UNKNOWN, None),
        ("url-bucket-dns", "https://bücket.s3.eu-west-1.amazonaws.com/", FAIL, Severity.HIGH),
        ("url-bucket-dns", "https://sthree-x.s3.eu-west-1.amazonaws.com/", FAIL, Severity.HIGH),
        ("url-bucket-dns", "https://example.com/acme_video/", UNKNOWN, None),
        ("url-bucket-dns", f"https://acme.video.s3.eu-west-1.amazonaws.com/{PREFIX}", FAIL, Severity.MEDIUM),
        ("url-bucket-dns", f"https://s3.eu-west-1.amazonaws.com/acme.video/{PREFIX}", PASS, None),
        ("url-no-extras", bucket_url(PREFIX).replace("https://", "https://user:word@"), FAIL, Severity.HIGH),
        ("url-no-extras", f"{bucket_url(PREFIX)}#top", FAIL, Severity.HIGH),
        ("url-no-extras", f"https://{BUCKET}.s3-website-eu-west-1.amazonaws.com/v/?X-Amz-Signature=abc", FAIL, None),
        ("url-no-extras", "https://cdn.example.com/v/?X-Amz-Signature=abc", FAIL, None),
        ("url-no-extras", "https://user:pw@bücket.s3.eu-west-1.amazonaws.com/", FAIL, None),
        ("url-no-extras", "s3://user:pw@acme/", FAIL, None),
        ("url-no-extras", "https://a-111122223333.s3-accesspoint.eu-west-1.amazonaws.com:8443/", FAIL, None),
        ("url-no-extras", f"https://{BUCKET}.s3.eu-west-1.amazonaws.com/a b/?token", FAIL, None),
        ("url-no-extras", "https://example.com/video/", PASS, None),
        ("url-endpoint-family", f"https://bucket.vpce-1a2b-3c4d.s3.eu-west-1.vpce.amazonaws.com/{BUCKET}", FAIL, None),
        ("url-endpoint-family", "https://example.com/", UNKNOWN, None),
        ("url-prefix-slashes", bucket_url("video/recordings"), FAIL, Severity.LOW),
        ("url-prefix-slashes", bucket_url("video/../recordings/"), FAIL, Severity.MEDIUM),
        ("url-prefix-slashes", bucket_url(""), PASS, None),
    ],
)
def test_urls(rule_id: str, saved: str, outcome: Outcome, severity: Severity | None) -> None:
    check(rule_id, url(saved)(), RECORDINGS, outcome, severity)


@pytest.mark.parametrize(
    ("rule_id", "saved", "outcome"),
    [
        ("url-no-extras", f"{bucket_url(PREFIX)}?X-Amz-Signature=abc", FAIL),
        ("url-no-extras", bucket_url(PREFIX), PASS),
        ("url-no-extras", None, NONE),
        ("url-parse", "https://example.com/video/", FAIL),
        ("url-parse", bucket_url(PREFIX), PASS),
        ("url-parse", None, NONE),
        ("url-https", bucket_url(PREFIX).replace("https", "http"), FAIL),
        ("url-https", bucket_url(PREFIX), PASS),
        ("url-https", "https://example.com/video/", UNKNOWN),
        ("url-https", None, NONE),
        ("url-bucket-exists", bucket_url(PREFIX), NONE),
        ("url-region-matches-bucket", bucket_url(PREFIX), NONE),
        ("url-prefix-dedicated", bucket_url(""), NONE),
    ],
)
def test_a_url_that_is_left_in_a_setting_that_is_off(rule_id: str, saved: str | None, outcome: Outcome) -> None:
    check(rule_id, setting(aws_storage_enabled=False, aws_s3_url=saved)(), RECORDINGS, outcome)


def test_a_url_without_a_region_fails_even_when_nothing_of_aws_can_be_read() -> None:
    case = denied("sts:GetCallerIdentity", url(f"https://{BUCKET}.s3.amazonaws.com/{PREFIX}"))()
    check("url-region-present", case, RECORDINGS, FAIL, Severity.LOW)


def test_no_message_about_a_url_repeats_the_password_in_it() -> None:
    case = url(bucket_url(PREFIX).replace("https://", "https://user:hunter2@"))()
    assert "hunter2" not in str(judge(RULES["url-no-extras"], case, RECORDINGS).findings)


def in_root(*keys: str, prefix: str = "", size: int = 12) -> Case:
    """Recordings go to the root of a bucket that holds these objects."""
    case = url(bucket_url(prefix))()
    rows = [{"Key": key, "Size": size, "LastModified": ago(days=2)} for key in keys]
    objects = {"Bucket": BUCKET, "ExpectedBucketOwner": AWS_ACCOUNT, "Prefix": ""}
    case.add("s3:ListObjectsV2", {"Contents": rows, "truncated": False}, **objects)
    return case


@pytest.mark.parametrize(
    ("case", "outcome"),
    [
        pytest.param(in_root(), PASS, id="nothing"),
        pytest.param(in_root(f"RT{1:032x}.mkv", f"AC1/CJ{2:032x}.mp4"), PASS, id="media"),
        pytest.param(in_root("/RT1.mka", "./CJ1.webm", "/t.txt", prefix="/"), PASS, id="media behind a slash"),
        pytest.param(in_root("test.txt", "T.TXT"), PASS, id="test files"),
        pytest.param(in_root("test.txt", size=5000), FAIL, id="a large text file"),
        pytest.param(in_root("secrets/passwords.txt"), FAIL, id="a small text file in a folder"),
        pytest.param(in_root("hr/interviews/jane.mp4"), FAIL, id="a film of somebody else's"),
        pytest.param(in_root("RT1.pdf"), FAIL, id="no media"),
        pytest.param(in_root("invoices/1.pdf", prefix="/"), FAIL, id="two slashes"),
        pytest.param(in_root("invoices/1.pdf", prefix="./"), FAIL, id="a dot"),
        pytest.param(url(bucket_url(".media/"))(), PASS, id="a folder that begins with a dot"),
    ],
)
def test_a_bucket_of_its_own_holds_what_twilio_writes_and_nothing_else(case: Case, outcome: Outcome) -> None:
    check("url-prefix-dedicated", case, RECORDINGS, outcome)


@pytest.mark.parametrize(("presence", "outcome"), [(404, FAIL), (403, FAIL), (200, PASS), (500, UNKNOWN)])
def test_a_bucket_that_is_gone_or_of_somebody_else(presence: int, outcome: Outcome) -> None:
    case = sets("s3:HeadBucket", "/HTTPStatusCode", presence)()
    if presence == 403:
        case.answer("s3:ListBuckets", {"Buckets": []})
    check("url-bucket-exists", case, RECORDINGS, outcome)


def refused(names: tuple[str, ...], *, owners: tuple[str, ...] = (), truncated: bool = False) -> Case:
    """HeadBucket is answered with 403, and the account lists these buckets."""
    case = sound()
    case.scope = replace(case.scope, bucket_owners=owners)
    for owner in owners:
        case.add("s3:HeadBucket", {"HTTPStatusCode": 403}, Bucket=BUCKET, ExpectedBucketOwner=owner)
    case.set("s3:HeadBucket", "/HTTPStatusCode", 403)
    case.answer("s3:ListBuckets", {"Buckets": [{"Name": name} for name in names], "truncated": truncated})
    return case


@pytest.mark.parametrize(
    ("case", "outcome"),
    [
        pytest.param(refused((BUCKET,)), PASS, id="listed as the caller's own"),
        pytest.param(refused((BUCKET,), truncated=True), PASS, id="listed before the list was cut"),
        pytest.param(refused(("other",)), FAIL, id="not listed"),
        pytest.param(refused(("other",), truncated=True), UNKNOWN, id="perhaps listed on a page that was not read"),
        pytest.param(refused((BUCKET,), owners=("999999999999",)), FAIL, id="the caller's, which is not expected"),
        pytest.param(refused(("other",), owners=("999999999999",)), UNKNOWN, id="perhaps the expected account's"),
    ],
)
def test_a_bucket_that_refuses_is_told_by_the_list_of_the_callers_own(case: Case, outcome: Outcome) -> None:
    check("url-bucket-exists", case, RECORDINGS, outcome)


def test_tenants_are_apart_only_when_both_places_are_known() -> None:
    uid = RULES["url-tenant-separate"].subjects(two_tenants().estate())[0].uid
    check("url-tenant-separate", two_tenants(), uid, PASS)
    check("url-tenant-separate", two_tenants(PREFIX.rstrip("/")), uid, FAIL)
    check("url-tenant-separate", denied("twilio:FetchRecordingSettings", two_tenants)(), uid, UNKNOWN)
    check("url-tenant-separate", sound(), uid, NONE)


def with_accounts(example: Example, *rows: tuple[str, str | None], truncated: bool = False) -> Case:
    """The parent account lists these accounts beside itself."""
    case = example()
    listed = [{"sid": TWILIO_ACCOUNT, "status": "active"}, *({"sid": sid, "status": status} for sid, status in rows)]
    answer = {"accounts": listed, "truncated": truncated}
    case.add("twilio:ListAccounts", answer, account=TWILIO_ACCOUNT)
    return case


@pytest.mark.parametrize(
    ("case", "outcome"),
    [
        pytest.param(with_accounts(two_tenants, (TENANT, "active")), PASS, id="all are scanned"),
        pytest.param(with_accounts(two_tenants, (OTHER, "active")), UNKNOWN, id="one is not scanned"),
        pytest.param(with_accounts(two_tenants, (OTHER, None)), UNKNOWN, id="one that may be active is not"),
        pytest.param(with_accounts(two_tenants, (OTHER, "suspended"), (TENANT, "active")), PASS, id="suspended"),
        pytest.param(with_accounts(two_tenants, (OTHER, "closed")), PASS, id="closed"),
        pytest.param(with_accounts(lambda: two_tenants(PREFIX), (OTHER, "active")), FAIL, id="beside a shared place"),
        pytest.param(with_accounts(two_tenants, truncated=True), UNKNOWN, id="a list that was cut"),
        pytest.param(with_accounts(sound, (OTHER, "active")), UNKNOWN, id="a subaccount of the only one"),
        pytest.param(with_accounts(sound, (OTHER, "closed")), NONE, id="a closed subaccount of the only one"),
        pytest.param(denied("twilio:ListAccounts", sound)(), UNKNOWN, id="subaccounts that may not be listed"),
    ],
)
def test_tenants_are_apart_only_when_every_account_in_use_is_scanned(case: Case, outcome: Outcome) -> None:
    check("url-tenant-separate", case, "estate", outcome)


def test_a_subaccount_that_may_not_list_accounts_is_listed_by_its_parent() -> None:
    unlisted = two_tenants()
    unlisted.forget("twilio:ListAccounts")  # of both
    case = with_accounts(lambda: unlisted, (TENANT, "active"))
    check("url-tenant-separate", case, "estate", PASS)


@pytest.mark.parametrize(
    ("rule_id", "code", "outcome"),
    [
        ("alert-data-loss", 53616, FAIL),
        ("alert-data-loss", "53616", FAIL),
        ("alert-data-loss", 53615, PASS),
        ("alert-data-loss", 11200, PASS),
        ("alert-upload-config", 53610, FAIL),
        ("alert-upload-config", 53623, FAIL),
        ("alert-upload-config", 11200, PASS),
    ],
)
def test_alerts(rule_id: str, code: int | str, outcome: Outcome) -> None:
    check(rule_id, sets("twilio:ListAlerts", "/alerts", [alert(code)])(), ACCOUNT, outcome)


@pytest.mark.parametrize(("rule_id", "code"), [("alert-data-loss", 53616), ("alert-upload-config", 53615)])
@pytest.mark.parametrize(("days", "outcome"), [(29, PASS), (30, UNKNOWN), (90, UNKNOWN)])
def test_an_error_log_is_whole_only_as_far_back_as_twilio_keeps_it(
    rule_id: str, code: int, days: int, outcome: Outcome
) -> None:
    case = sound()
    since = ago(days=days)[:10]
    case.scope = replace(case.scope, alerts_since=since)
    case.add("twilio:ListAlerts", {"alerts": [], "truncated": False}, account=TWILIO_ACCOUNT, start_date=since)
    check(rule_id, case, ACCOUNT, outcome)
    case.set("twilio:ListAlerts", "/alerts", [alert(code)])
    check(rule_id, case, ACCOUNT, FAIL)


@pytest.mark.parametrize("rule_id", ["alert-data-loss", "alert-upload-config"])
def test_an_error_log_that_was_not_read_to_its_end_is_not_clean(rule_id: str) -> None:
    check(rule_id, cut("twilio:ListAlerts")(), ACCOUNT, UNKNOWN)
    check(rule_id, denied("twilio:ListAlerts")(), ACCOUNT, UNKNOWN)


@pytest.mark.parametrize(
    ("name", "outcome", "severity"),
    [
        ("key AKIAIOSFODNN7EXAMPLE", FAIL, Severity.LOW),
        ("[redacted: aws-secret-access-key]", FAIL, Severity.CRITICAL),
        ("prod/wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", FAIL, Severity.CRITICAL),
        ("prod/da39a3ee5e6b4b0d3255bfef95601890afd80709", PASS, None),
        ("xAKIAIOSFODNN7EXAMPLEx", FAIL, Severity.LOW),
        ("AKIA of the writer", PASS, None),
        (None, PASS, None),
    ],
)
def test_names_that_give_a_key_away(name: str | None, outcome: Outcome, severity: Severity | None) -> None:
    case = sets("twilio:ListAwsCredentials", "/credentials/0/friendly_name", name)()
    check("cred-name-leak", case, ACCOUNT, outcome, severity)


@pytest.mark.parametrize("unread", ["twilio:FetchRecordingSettings", "twilio:ListAwsCredentials"])
def test_a_list_that_cannot_be_read_does_not_hide_a_secret_in_another(unread: str) -> None:
    secret = sets("twilio:ListPublicKeys", "/credentials/0/friendly_name", "[redacted: aws-secret-access-key]")
    check("cred-name-leak", denied(unread, secret)(), ACCOUNT, FAIL, Severity.CRITICAL)
    check("cred-name-leak", denied(unread)(), ACCOUNT, UNKNOWN)
    check("cred-name-leak", cut("twilio:ListAwsCredentials")(), ACCOUNT, UNKNOWN)


@pytest.mark.parametrize(("status", "outcome"), [("Active", PASS), ("Inactive", FAIL), ("Expired", FAIL)])
def test_the_key_at_twilio_must_work(status: str, outcome: Outcome) -> None:
    case = sets("iam:ListAccessKeys", "/AccessKeyMetadata/0/Status", status)()
    check("cred-key-active", case, RECORDINGS, outcome)


def test_a_key_that_another_service_used_last_contradicts_the_link() -> None:
    case = sets("iam:GetAccessKeyLastUsed", "/AccessKeyLastUsed/ServiceName", "ec2")()
    found = judge(RULES["cred-key-active"], case, RECORDINGS)
    assert (found.outcome, found.reason) == (UNKNOWN, Reason.UNDECIDABLE)
