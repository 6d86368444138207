"""The scan over real HTTP: what is asked, how often, what denied and broken answers do, and what never leaks."""

import gzip
import json
import re
import signal
import subprocess
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from conftest import SCRIPT, CommandLine
from recordscan.collect.permissions import twilio_permissions
from recordscan.collect.session import CALLS
from recordscan.demo import company
from recordscan.demo.aws_faults import Fault, FaultKind
from recordscan.demo.aws_server import AwsServer
from recordscan.demo.company_aws import REGION
from recordscan.demo.company_twilio import PLANTED_SECRET, PRODUCTION, RESEARCH
from recordscan.demo.run import Company
from recordscan.demo.twilio_server import Fault as TwilioFault
from recordscan.demo.twilio_server import FaultKind as TwilioFaultKind
from recordscan.engine import assess_snapshot
from recordscan.plugins import load_reports, load_rules
from recordscan.snapshot import Snapshot, load_snapshot
from recordscan.testing.case import denied

pytestmark = pytest.mark.usefixtures("clouds")

Verdicts = dict[tuple[str, str], str]

RULES = load_rules()


def verdicts(document: dict[str, object]) -> Verdicts:
    assessments = document["assessments"]
    assert isinstance(assessments, list)
    return {(a["rule_id"], a["subject"]["uid"]): a["outcome"] for a in assessments}


def without_configuration(text: str) -> dict[str, Any]:
    """A result less the notice about the configuration file, which a replay does not read."""
    document: dict[str, Any] = json.loads(text)
    notices = document["scan"]["notices"]
    document["scan"]["notices"] = [n for n in notices if not n.startswith("requirements were taken from the file ")]
    return document


def scan(recordscan: CommandLine, *arguments: str) -> dict[str, object]:
    run = recordscan("scan", "-f", "json", "-q", *arguments)
    assert run.status in (0, 1, 3), run.stderr
    document: dict[str, object] = json.loads(run.stdout)
    return document


@pytest.fixture(scope="session")
def sound_verdicts(estate: Company, tmp_path_factory: pytest.TempPathFactory) -> Verdicts:
    from recordscan.demo.run import scan_environment

    estate.aws.heal()
    estate.twilio.heal()
    folder = tmp_path_factory.mktemp("baseline")
    (folder / "recordscan.toml").write_text(estate.config, encoding="utf-8")
    return verdicts(scan(CommandLine(folder, scan_environment(estate))))


def test_every_rule_passes_or_does_not_apply_on_the_sound_target(sound_verdicts: Verdicts) -> None:
    subject = f"twilio:{PRODUCTION}/recordings"
    outcomes = {rule: outcome for (rule, uid), outcome in sound_verdicts.items() if uid == subject}
    assert {rule for rule, outcome in outcomes.items() if outcome not in ("pass", "not_applicable")} == set()
    assert sum(outcome == "pass" for outcome in outcomes.values()) >= 20


def test_nothing_but_reads_was_sent_and_each_only_once(recordscan: CommandLine, clouds: Company) -> None:
    scan(recordscan)
    allowed = {call.operation for call in CALLS}
    assert set(clouds.aws.operations()) <= allowed
    asked = Counter(
        (r.operation, r.region, r.path, r.query, r.parameters, r.expected_owner) for r in clouds.aws.requests
    )
    assert {question: times for question, times in asked.items() if times > 1} == {}
    assert clouds.twilio.writes == 0
    pages = Counter((r.username, r.host, r.path, tuple(sorted(r.query.items()))) for r in clouds.twilio.log)
    assert {question: times for question, times in pages.items() if times > 1} == {}


def test_single_objects_are_looked_at_only_where_a_sample_is_asked_for(
    recordscan: CommandLine, clouds: Company
) -> None:
    of_objects = {"s3:HeadObject", "s3:GetObjectAcl", "s3:GetObjectRetention", "s3:GetObject"}
    scan(recordscan)
    assert not of_objects & set(clouds.aws.operations())
    with (recordscan.folder / "recordscan.toml").open("a", encoding="utf-8") as config:
        config.write("\n[scan]\nsample_objects = 2\n")
    found = verdicts(scan(recordscan))
    asked = Counter(operation for operation in clouds.aws.operations() if operation in of_objects)
    # Two Recordings, the one Composition and two objects of research, where alone ACLs take effect; and the newest
    # Recordings of each, of which Twilio says that it encrypted them.
    assert asked == {"s3:HeadObject": 8, "s3:GetObjectAcl": 2}
    assert found["enc-object-sample", f"twilio:{PRODUCTION}/recordings"] == "pass"
    assert found["enc-object-sample", f"twilio:{PRODUCTION}/compositions"] == "fail"
    assert found["bucket-object-acl-sample", f"twilio:{RESEARCH}/recordings"] == "pass"
    assert found["bucket-object-acl-sample", f"twilio:{PRODUCTION}/recordings"] == "not_applicable"


BUCKET_RULES = {
    "aws-multipart",
    "aws-object-lock",
    "bucket-access-grants",
    "bucket-access-point-policies",
    "bucket-access-points-blocked",
    "bucket-acl-foreign",
    "bucket-backup",
    "bucket-controls-conflict",
    "bucket-cors-wildcard",
    "bucket-events",
    "bucket-inventory",
    "bucket-mfa-delete",
    "bucket-noncurrent-versions",
    "bucket-object-acl-sample",
    "bucket-object-lock",
    "bucket-public-access-block-own",
    "bucket-replication",
    "bucket-website-off",
    "enc-bucket-key",
    "enc-default",
    "enc-object-sample",
}


def test_in_account_scope_every_bucket_is_judged_by_the_rules_about_buckets(
    recordscan: CommandLine, clouds: Company
) -> None:
    found = verdicts(scan(recordscan, "--scope", "account"))
    names = {bucket["Name"] for bucket in clouds.aws.client("s3").list_buckets()["Buckets"]}
    others = {uid for _, uid in found if uid.startswith("s3://")}
    assert {uid.removeprefix("s3://").rstrip("/") for uid in others} < names
    assert len(others) >= 3
    assert {(rule, uid) for rule in BUCKET_RULES for uid in others} <= found.keys()
    assert {found[rule, uid] for rule in BUCKET_RULES for uid in others} <= {"pass", "fail", "not_applicable"}


OPEN = dict.fromkeys(("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"), False)


def open_bucket(aws: AwsServer, name: str) -> None:
    """Make a bucket with about everything that a bucket can have and media should not."""
    s3, control, home = aws.client("s3"), aws.client("s3control"), aws.client("s3control", "us-west-2")
    local = {"CreateBucketConfiguration": {"LocationConstraint": REGION}}
    s3.create_bucket(Bucket=name, ObjectLockEnabledForBucket=True, **local)
    lock = {"ObjectLockEnabled": "Enabled", "Rule": {"DefaultRetention": {"Mode": "GOVERNANCE", "Days": 9}}}
    s3.put_object_lock_configuration(Bucket=name, ObjectLockConfiguration=lock)
    s3.put_object(Bucket=name, Key="RT1.mkv", Body=b"x", ChecksumAlgorithm="SHA256")
    s3.put_bucket_website(Bucket=name, WebsiteConfiguration={"IndexDocument": {"Suffix": "index.html"}})
    cors = {"AllowedOrigins": ["*"], "AllowedMethods": ["GET"]}
    s3.put_bucket_cors(Bucket=name, CORSConfiguration={"CORSRules": [cors]})
    s3.create_bucket(Bucket=f"{name}-copies", **local)
    s3.put_bucket_versioning(Bucket=f"{name}-copies", VersioningConfiguration={"Status": "Enabled"})
    destination = {"Bucket": f"arn:aws:s3:::{name}-copies", "Account": "999988887777"}
    rule: dict[str, object] = {"ID": "copies", "Status": "Enabled", "Filter": {"Prefix": ""}, "Priority": 1}
    rule |= {"Destination": destination, "DeleteMarkerReplication": {"Status": "Disabled"}}
    s3.put_bucket_replication(
        Bucket=name, ReplicationConfiguration={"Role": "arn:aws:iam::123456789012:role/r", "Rules": [rule]}
    )
    point = {"AccountId": "123456789012", "Name": "open", "Bucket": name}
    control.create_access_point(**point, PublicAccessBlockConfiguration=OPEN)
    allow = {"Effect": "Allow", "Principal": {"AWS": "999988887777"}, "Action": "s3:GetObject", "Resource": "*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": allow})
    control.put_access_point_policy(AccountId="123456789012", Name="open", Policy=policy)
    details = {"Name": "wide-open", "Regions": [{"Bucket": name}], "PublicAccessBlock": OPEN}
    home.create_multi_region_access_point(AccountId="123456789012", ClientToken="1", Details=details)


@pytest.mark.usefixtures("refurnish")
def test_what_leads_to_a_bucket_and_what_it_is_copied_to_is_read(recordscan: CommandLine, clouds: Company) -> None:
    open_bucket(clouds.aws, "open-media")
    clouds.aws.heal()
    document = scan(recordscan, "--bucket", "open-media")
    found = {rule: outcome for (rule, uid), outcome in verdicts(document).items() if uid == "s3://open-media/"}
    failed = {
        "bucket-access-point-policies",
        "bucket-access-points-blocked",
        "bucket-cors-wildcard",
        "bucket-replication",
        "bucket-website-off",
    }
    assert {rule: found[rule] for rule in failed} == dict.fromkeys(failed, "fail")
    assert found["aws-object-lock"] == "pass"
    assert found["bucket-access-grants"] == "not_applicable"
    assessments = document["assessments"]
    assert isinstance(assessments, list)
    named = {f["message"] for a in assessments if a["rule_id"] in failed for f in a["findings"]}
    assert any("the access point open " in message for message in named)
    assert any("the Multi-Region Access Point wide-open " in message for message in named)


def test_the_concurrency_at_twilio_is_bounded(recordscan: CommandLine, clouds: Company) -> None:
    scan(recordscan)
    assert clouds.twilio.peak <= 8  # four for each of two accounts


AWS_OPERATIONS = sorted(call.operation for call in CALLS if call.operation != "sts:GetCallerIdentity")
TWILIO_OPERATIONS = sorted(twilio_permissions())
AT_ONCE = 8


def moved(before: Verdicts, after: Verdicts) -> dict[tuple[str, str], tuple[str, str]]:
    """Verdicts that are others now: what they were and are."""
    assert after.keys() == before.keys()
    return {key: (before[key], after[key]) for key in after if after[key] != before[key]}


def batches(operations: list[str]) -> list[list[str]]:
    return [operations[at : at + AT_ONCE] for at in range(0, len(operations), AT_ONCE)]


@pytest.mark.parametrize("operations", batches(AWS_OPERATIONS), ids=lambda operations: operations[0])
def test_denying_aws_operations_only_ever_moves_verdicts_to_unknown(
    recordscan: CommandLine, clouds: Company, sound_verdicts: Verdicts, operations: list[str]
) -> None:
    clouds.aws.deny.update(operations)
    document = scan(recordscan)
    changes = moved(sound_verdicts, verdicts(document))
    assert {key: change for key, change in changes.items() if change[1] != "unknown"} == {}
    permissions = {call.operation: call.permission for call in CALLS}
    evidence = document["evidence"]
    assert isinstance(evidence, list)
    for item in evidence:
        if item["operation"] in operations and item["outcome"] == "failed":
            assert (item["reason"], item["permission"]) == ("access_denied", permissions[item["operation"]])


@pytest.mark.parametrize("operations", batches(TWILIO_OPERATIONS), ids=lambda operations: operations[0])
def test_denying_twilio_resources_only_ever_moves_verdicts_to_unknown(
    recordscan: CommandLine, clouds: Company, sound_verdicts: Verdicts, operations: list[str]
) -> None:
    from recordscan.collect.twilio_client import RESOURCES

    for resource in RESOURCES:
        if resource.operation in operations:
            clouds.twilio.faults[resource.name] = TwilioFault(kind=TwilioFaultKind.NO_PERMISSION)
    changes = moved(sound_verdicts, verdicts(scan(recordscan)))
    assert changes
    assert {key: change for key, change in changes.items() if change[1] != "unknown"} == {}


@pytest.fixture(scope="session")
def stored(estate: Company, tmp_path_factory: pytest.TempPathFactory) -> Snapshot:
    """The answers of a scan of the company."""
    from recordscan.demo.run import scan_environment

    estate.aws.heal()
    estate.twilio.heal()
    folder = tmp_path_factory.mktemp("stored")
    (folder / "recordscan.toml").write_text(estate.config, encoding="utf-8")
    scan(CommandLine(folder, scan_environment(estate)), "--save-snapshot", "snapshot.jsonl.gz")
    return load_snapshot(folder / "snapshot.jsonl.gz")


def judged(snapshot: Snapshot) -> Verdicts:
    result = assess_snapshot(snapshot, RULES, fail_on=None)
    return {(a.rule_id, a.subject.uid): a.outcome.value for a in result.assessments}


@pytest.mark.parametrize("operation", AWS_OPERATIONS + TWILIO_OPERATIONS)
def test_without_the_answers_of_one_operation_verdicts_only_ever_move_to_unknown(
    stored: Snapshot, operation: str
) -> None:
    others = tuple(denied(o) if o.operation == operation else o for o in stored.observations)
    changes = moved(judged(stored), judged(replace(stored, observations=others)))
    assert {key: change for key, change in changes.items() if change[1] != "unknown"} == {}


@pytest.mark.parametrize("operation", ["s3:GetBucketPolicy", "kms:DescribeKey", "cloudtrail:DescribeTrails"])
@pytest.mark.parametrize("kind", [FaultKind.INTERNAL_ERROR, FaultKind.RESET, FaultKind.HTML, FaultKind.TRUNCATED])
def test_a_broken_aws_answer_only_ever_moves_verdicts_to_unknown(
    recordscan: CommandLine, clouds: Company, sound_verdicts: Verdicts, operation: str, kind: FaultKind
) -> None:
    clouds.aws.faults[operation] = Fault(kind=kind)
    broken = verdicts(scan(recordscan))
    changes = {key: (sound_verdicts[key], broken[key]) for key in broken if broken[key] != sound_verdicts[key]}
    assert {key: change for key, change in changes.items() if change[1] != "unknown"} == {}


def test_throttling_that_recovers_leaves_no_trace_but_the_count(
    recordscan: CommandLine, clouds: Company, sound_verdicts: Verdicts
) -> None:
    """(A6)"""
    clouds.aws.faults["s3:GetBucketPolicy"] = Fault(kind=FaultKind.THROTTLED, times=2)
    clouds.twilio.faults["Recordings"] = TwilioFault(kind=TwilioFaultKind.THROTTLED, times=1, retry_after="0")
    document = scan(recordscan)
    assert verdicts(document) == sound_verdicts
    evidence = document["evidence"]
    assert isinstance(evidence, list)
    attempts = Counter(e["operation"] for e in evidence if e["attempts"] > 1)
    assert attempts["s3:GetBucketPolicy"] >= 1
    assert attempts["twilio:ListRecordings"] == 1


@pytest.mark.parametrize(
    "kind", [TwilioFaultKind.HTML, TwilioFaultKind.BROKEN_JSON, TwilioFaultKind.EMPTY, TwilioFaultKind.REDIRECT]
)
def test_a_broken_twilio_answer_is_unknown_not_never_configured(
    recordscan: CommandLine, clouds: Company, kind: TwilioFaultKind
) -> None:
    clouds.twilio.faults["CompositionSettings"] = TwilioFault(kind=kind)
    outcomes = verdicts(scan(recordscan))
    assert outcomes["settings-complete", f"twilio:{PRODUCTION}/compositions"] == "unknown"


@pytest.mark.parametrize("kind", [TwilioFaultKind.LOOP, TwilioFaultKind.FOREIGN_NEXT_PAGE, TwilioFaultKind.NO_ROWS])
def test_broken_paging_is_unknown_and_no_request_leaves_twilio(
    recordscan: CommandLine, clouds: Company, kind: TwilioFaultKind
) -> None:
    clouds.twilio.faults["Alerts"] = TwilioFault(kind=kind)
    outcomes = verdicts(scan(recordscan))
    assert outcomes["alert-data-loss", f"twilio:{PRODUCTION}"] == "unknown"
    assert {request.host for request in clouds.twilio.log} <= {
        f"{name}.twilio.com" for name in ("video", "accounts", "api", "iam", "monitor")
    }


def test_a_list_that_is_denied_leaves_the_population_and_the_verdict_incomplete(
    recordscan: CommandLine, clouds: Company
) -> None:
    """(A2)"""
    clouds.twilio.faults["Recordings"] = TwilioFault(kind=TwilioFaultKind.NO_PERMISSION)
    run = recordscan("scan", "-q", "-f", "json", "-o", "text=report.txt", "--rule", "media-stuck-processing")
    assert run.status in (1, 3), run.stderr
    document = json.loads(run.stdout)
    [recordings] = [p for p in document["coverage"]["population"] if p["kind"] == "Recordings"]
    assert recordings["complete"] is False
    assert document["gate"]["verdict"] in ("INCOMPLETE", "FAIL (incomplete)")
    text = (recordscan.folder / "report.txt").read_text(encoding="utf-8")
    assert re.search(r"^ +\d+  Recordings, NOT ALL COULD BE LISTED", text, re.MULTILINE)


def test_what_twilio_denies_leaves_the_rules_about_aws_as_they_were(
    recordscan: CommandLine, clouds: Company, sound_verdicts: Verdicts
) -> None:
    """(A5)"""
    clouds.twilio.faults["Alerts"] = TwilioFault(kind=TwilioFaultKind.NO_PERMISSION)
    clouds.twilio.faults["Recordings"] = TwilioFault(kind=TwilioFaultKind.NO_PERMISSION)
    changes = moved(sound_verdicts, verdicts(scan(recordscan)))
    assert {change[1] for change in changes.values()} == {"unknown"}
    assert [rule for rule, _ in changes if rule.startswith(("bucket-", "enc-", "key-", "writer-", "trail-"))] == []


def test_one_refused_twilio_account_leaves_the_other_whole(recordscan: CommandLine, sound_verdicts: Verdicts) -> None:
    run = recordscan("scan", "-f", "json", "-q", env={"RESEARCH_TWILIO_API_SECRET": "wrong"})
    outcomes = verdicts(json.loads(run.stdout))
    assert outcomes.keys() == sound_verdicts.keys()
    for (rule, uid), outcome in outcomes.items():
        if PRODUCTION in uid and rule == "url-prefix-iam-narrow":
            # The same user may write for the other account, under a prefix that is not known now.
            assert outcome in ("unknown", sound_verdicts[rule, uid])
        elif PRODUCTION in uid:
            assert outcome == sound_verdicts[rule, uid]
        elif RESEARCH in uid:
            assert outcome in ("unknown", sound_verdicts[rule, uid])


def test_a_snapshot_judged_again_offline_gives_the_same_verdict(recordscan: CommandLine, clouds: Company) -> None:
    live = recordscan("scan", "-f", "json", "--save-snapshot", "today.jsonl.gz")
    clouds.aws.heal()
    clouds.twilio.heal()
    nowhere = dict.fromkeys(company.environment("", ""))
    replay = recordscan("scan", "-f", "json", "--snapshot", "today.jsonl.gz", env=nowhere)
    assert replay.status == live.status
    assert without_configuration(replay.stdout) == without_configuration(live.stdout)
    assert clouds.aws.requests == []
    assert clouds.twilio.log == []


SESSION_TOKEN = "IQoJb3JpZ2luX2VjEJv//////////wEaCWV1LXdlc3QtMSJHMEUCIQDk7HxS4rV9Zt3mYq0bN1cKpLw8uF2aTg5JdQ6eXh=="
SIGNATURE = "5f0c1b2a9d8e7f60415263748596a7b8c9dae0f1027384956a7b8c9d0e1f2a3b"


@pytest.mark.usefixtures("refurnish")
def test_no_secret_appears_in_any_output_snapshot_or_log(recordscan: CommandLine, clouds: Company) -> None:
    """(A29)"""
    signed = f"hollow-creek-video.s3.amazonaws.com/a?X-Amz-Security-Token={SESSION_TOKEN}&X-Amz-Signature={SIGNATURE}"
    account = clouds.twilio.account(RESEARCH)
    row = {**(account.recording_settings or {}), "friendly_name": f"try https://{signed}"}
    clouds.twilio.set_account(replace(account, recording_settings=row))
    tags = [{"Key": "token", "Value": SESSION_TOKEN}, {"Key": "example", "Value": signed}]
    clouds.aws.client("s3").put_bucket_tagging(Bucket="hollow-creek-video", Tagging={"TagSet": tags})
    outputs = [f"-o{name}=out.{name}" for name in load_reports()]
    run = recordscan("-vv", "scan", "--save-snapshot", "snap.gz", *outputs)
    everything = run.stdout + run.stderr
    for name in load_reports():
        everything += (recordscan.folder / f"out.{name}").read_text(encoding="utf-8")
    everything += gzip.decompress((recordscan.folder / "snap.gz").read_bytes()).decode()
    environment = clouds.environment
    secrets = {
        PLANTED_SECRET,
        "made-up-auth-token",
        environment["AWS_SECRET_ACCESS_KEY"],
        environment["TWILIO_API_SECRET"],
        environment["RESEARCH_TWILIO_API_SECRET"],
        SESSION_TOKEN,
        SIGNATURE,
    }
    assert "hollow-creek-video.s3.amazonaws.com/a?X-Amz-Security-Token=REDACTED" in everything
    assert [secret for secret in secrets if secret in everything] == []
    assert "[redacted: aws-secret-access-key]" in everything


def test_hostile_names_reach_the_terminal_only_as_visible_escapes(recordscan: CommandLine) -> None:
    """(A24)"""
    run = recordscan("scan")
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", run.stdout + run.stderr)


def test_ctrl_c_leaves_a_valid_partial_snapshot_and_says_incomplete(recordscan: CommandLine, clouds: Company) -> None:
    """(A28)"""
    clouds.aws.faults["kms:DescribeKey"] = Fault(kind=FaultKind.SLOW, seconds=8)
    process = subprocess.Popen(
        [str(SCRIPT), "scan", "-f", "json", "-q", "--save-snapshot", "partial.gz", "-o", "json=partial.json"],
        env=recordscan.environment,
        cwd=recordscan.folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    while "kms:DescribeKey" not in clouds.aws.operations() and process.poll() is None:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    stdout, stderr = process.communicate(timeout=60)
    assert process.returncode == 130, stderr
    document = json.loads(stdout)
    assert document["gate"]["verdict"] in ("INCOMPLETE", "FAIL (incomplete)")
    assert document["scan"]["interrupted"] is True
    replay = recordscan("scan", "-f", "json", "--snapshot", "partial.gz")
    assert replay.status == 130
    written = (recordscan.folder / "partial.json").read_text("utf-8")
    assert without_configuration(replay.stdout) == without_configuration(stdout) == without_configuration(written)


def test_account_scope_judges_every_bucket_key_and_user(recordscan: CommandLine) -> None:
    outcomes = verdicts(scan(recordscan, "--scope", "account"))
    subjects = {uid for _, uid in outcomes}
    assert "s3://hollow-creek-access-logs/" in subjects
    assert any(uid.startswith("arn:aws:iam::") for uid in subjects)


def test_a_named_bucket_needs_no_twilio(recordscan: CommandLine, clouds: Company) -> None:
    names = ("TWILIO_ACCOUNT_SID", "TWILIO_API_KEY", "TWILIO_API_SECRET")
    run = recordscan(
        "scan", "--no-config", "-f", "json", "-q", "--bucket", "hollow-creek-video/video/recordings/",
        env=dict.fromkeys(names),
    )  # fmt: skip
    assert run.status == 0, run.stderr
    assert clouds.twilio.log == []
    outcomes = verdicts(json.loads(run.stdout))
    assert outcomes["bucket-tls-only", "s3://hollow-creek-video/video/recordings/"] == "pass"


def test_preflight_says_who_asks_and_what_is_missing(recordscan: CommandLine, clouds: Company) -> None:
    assert recordscan("preflight", "-q").status == 0
    clouds.aws.deny.add("s3:GetEncryptionConfiguration")
    clouds.aws.deny.add("s3:GetBucketEncryption")
    run = recordscan("preflight", "-q")
    assert run.status == 3
    assert "missing permissions: s3:GetEncryptionConfiguration" in run.stdout
    assert "arn:aws:iam::123456789012:" in run.stdout
    document = json.loads(recordscan("preflight", "-q", "-f", "json").stdout)
    assert document["missing_permissions"] == ["s3:GetEncryptionConfiguration"]


def test_reports_are_for_their_owner_only(recordscan: CommandLine) -> None:
    """(A30)"""
    recordscan("scan", "-q", "--output-dir", "out")
    modes = {path.name: path.stat().st_mode & 0o777 for path in Path(recordscan.folder / "out").iterdir()}
    assert modes == {"report.html": 0o600, "result.json": 0o600, "snapshot.jsonl.gz": 0o600}


def test_metadata_of_objects_is_read_only_where_the_configuration_asks_for_a_sample(
    recordscan: CommandLine, clouds: Company, sound_verdicts: Verdicts
) -> None:
    question = ("enc-client-side-effective", f"twilio:{RESEARCH}/recordings")
    assert sound_verdicts[question] == "unknown"
    config = clouds.config.replace("[profile]", "[scan]\nsample_objects = 1\n\n[profile]")
    (recordscan.folder / "recordscan.toml").write_text(config, encoding="utf-8")
    assert verdicts(scan(recordscan))[question] == "fail"
    assert "s3:HeadObject" in clouds.aws.operations()
