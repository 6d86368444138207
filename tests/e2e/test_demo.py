"""The demonstration from its command line to the page in a browser: the whole product, as a newcomer meets it."""

import json
import os
import shutil
import subprocess
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Dialog, sync_playwright

from conftest import SCRIPT, Run
from recordscan.demo.company_aws import AWS_ACCOUNT

FAILING = {
    "production": {
        "acct-scanner-credential",
        "compose-settings-unreachable",
        "cred-name-leak",
        "media-usage-stored",
    },
    "production recordings": set(),
    "production compositions": {
        "bucket-access-logging",
        "bucket-acl-disabled",
        "bucket-events",
        "bucket-inventory",
        "bucket-noncurrent-versions",
        "bucket-policy-cross-account",
        "bucket-retention",
        "bucket-tls-minimum",
        "bucket-tls-only",
        "bucket-versioning",
        "cred-age",
        "cred-not-root-or-human",
        "enc-kms-grant",
        "enc-kms-region",
        "enc-sse-c-blocked",
        "key-last-use",
        "key-pending-deletion",
        "key-state",
        "media-compositions-in-twilio",
        "media-location-matches-settings",
        "media-multi-region-copies",
        "media-retention-twilio",
        "trail-alarm-bucket-changes",
        "trail-alarm-key-changes",
        "trail-object-reads",
        "trail-object-writes",
        "url-dash-form",
        "url-https",
        "url-prefix-iam-narrow",
        "url-prefix-slashes",
        "url-region-matches-bucket",
        "writer-actions",
        "writer-boundary",
        "writer-key-age",
        "writer-key-count",
        "writer-key-unused",
        "writer-no-admin",
        "writer-no-console",
        "writer-policies-through-groups",
    },
    "research": {
        "acct-credential-events",
        "acct-key-age",
        "acct-keys-can-redirect",
        "acct-restricted-share",
        "acct-scanner-credential",
        "alert-data-loss",
        "alert-upload-config",
        "callback-host",
        "callback-https",
        "callback-method",
        "callback-present",
        "compose-hooks-vs-encrypted-recordings",
        "compose-hooks-vs-external-recordings",
        "media-failed-recordings",
        "media-stuck-processing",
        "media-usage-stored",
        "pii-in-names",
        "room-recording-default",
        "settings-consistent",
        "transcripts-out-of-scope",
        "voice-recordings-out-of-scope",
    },
    "research recordings": {
        "aws-multipart",
        "bucket-access-logging",
        "bucket-acl-disabled",
        "bucket-acl-public",
        "bucket-events",
        "bucket-inventory",
        "bucket-mfa-delete",
        "bucket-public-access-block",
        "bucket-public-access-block-own",
        "bucket-retention",
        "bucket-test-file",
        "bucket-tls-minimum",
        "bucket-tls-only",
        "bucket-versioning",
        "cred-key-active",
        "enc-bucket-sse-kms",
        "enc-sse-c-blocked",
        "media-erasure-both-sides",
        "media-multi-region-copies",
        "media-new-internal-after-external",
        "media-recordings-in-twilio",
        "media-retention-twilio",
        "settings-credential-exists",
        "settings-encryption-key-exists",
        "trail-object-reads",
        "trail-object-writes",
        "writer-boundary",
        "writer-no-op-deny",
        "writer-policies-through-groups",
    },
    "research compositions": {
        "media-compositions-in-twilio",
        "media-retention-twilio",
        "settings-compositions-external",
        "settings-dormant",
        "settings-friendly-name",
    },
    "all accounts": set(),
    f"AWS account {AWS_ACCOUNT}": {
        "account-access-analyzer",
        "account-config",
        "account-console-mfa",
        "account-full-admin",
        "account-guardduty-s3",
        "account-macie",
        "account-public-access-block",
        "account-security-contact",
        "account-security-hub",
        "key-decrypt-everywhere",
    },
}
"""Every rule that fails in the made-up company, by subject."""

UNKNOWN = {
    # The URL says http, and the bucket denies what comes without TLS: nobody documents what Twilio makes of that.
    "production compositions": {"url-prefix-in-iam"},
    # The metadata of objects can be read only with a permission to read media, which the company did not grant.
    "research recordings": {"enc-client-side-effective"},
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("demo") / "demo-report"


@pytest.fixture(scope="module")
def run(folder: Path) -> Run:
    done = subprocess.run(
        [str(SCRIPT), "demo", "--output-dir", str(folder)],
        # Credentials of the machine must play no part.
        env={**os.environ, "AWS_PROFILE": "no-such-profile", "TWILIO_ACCOUNT_SID": "nonsense"},
        cwd=folder.parent,
        capture_output=True,
        text=True,
        check=False,
        timeout=180,
    )
    return Run(status=done.returncode, stdout=done.stdout, stderr=done.stderr)


@pytest.fixture(scope="module")
def result(run: Run, folder: Path) -> dict[str, Any]:
    assert run.status == 0, run.stderr
    document: dict[str, Any] = json.loads((folder / "result.json").read_text(encoding="utf-8"))
    return document


def test_the_demo_works_and_says_what_the_scan_would_have_said(run: Run, folder: Path) -> None:
    assert run.status == 0, run.stderr
    assert "the scan would have exited 1" in run.stdout
    assert "FAIL" in run.stdout
    assert "report.html" in run.stdout
    assert sorted(path.name for path in folder.iterdir()) == ["report.html", "result.json", "snapshot.jsonl.gz"]


def test_every_verdict_of_the_company_is_the_expected_one(result: dict[str, Any]) -> None:
    failing: dict[str, set[str]] = {assessment["subject"]["name"]: set() for assessment in result["assessments"]}
    unknown = defaultdict(set)
    for assessment in result["assessments"]:
        if assessment["outcome"] == "fail":
            failing[assessment["subject"]["name"]].add(assessment["rule_id"])
        if assessment["outcome"] == "unknown":
            unknown[assessment["subject"]["name"]].add(assessment["rule_id"])
    assert failing == FAILING
    assert unknown == UNKNOWN


def test_each_verdict_rests_on_evidence_that_the_result_carries(result: dict[str, Any]) -> None:
    evidence = {item["id"] for item in result["evidence"]}
    for assessment in result["assessments"]:
        cited = {citation["observation"] for citation in assessment["evidence"]}
        assert cited <= evidence
        assert cited or assessment["outcome"] == "not_applicable", assessment["rule_id"]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    found = [path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))]
    assert found, "Chromium is needed: `make test` installs it"
    flags = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(
            executable_path=found[0], args=[*flags, "--disable-component-update", "--disable-sync"]
        )
        yield opened
        opened.close()


def test_the_report_opens_in_a_browser_alone_and_quietly(
    browser: Browser, result: dict[str, Any], folder: Path
) -> None:
    page = browser.new_page()
    requests: list[str] = []
    messages: list[str] = []
    dialogs: list[str] = []

    def dismiss(dialog: Dialog) -> None:
        dialogs.append(dialog.message)
        dialog.dismiss()

    page.on("request", lambda request: requests.append(request.url))
    page.on("console", lambda message: messages.append(message.text))
    page.on("pageerror", lambda error: messages.append(str(error)))
    page.on("dialog", dismiss)
    page.goto((folder / "report.html").as_uri())
    assert [url for url in requests if not url.startswith("file:")] == []
    assert (messages, dialogs) == ([], [])
    assert page.locator("h1").count() == 1
    text = page.inner_text("body")
    assert "FAIL" in text
    for name in ("production recordings", "research recordings"):
        assert name in text
    page.click("#expand")
    assert "s3:GetBucketPolicy" in page.inner_text("#findings")
    failed = sum(assessment["outcome"] == "fail" for assessment in result["assessments"])
    assert str(failed) in text
    page.close()


def test_the_report_is_readable_without_script_and_narrow(browser: Browser, folder: Path, run: Run) -> None:
    context = browser.new_context(java_script_enabled=False, viewport={"width": 320, "height": 800})
    page = context.new_page()
    page.goto((folder / "report.html").as_uri())
    assert page.get_by_text("grants READ to everyone").first.is_visible()
    assert page.get_by_role("heading", name="Findings").first.is_visible()
    context.close()
