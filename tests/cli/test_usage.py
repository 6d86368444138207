"""Mistakes in usage, configuration, plugins and input files: exit 2, before anything was asked."""

import gzip
from collections.abc import Iterator

import pytest

from cli.scanned import Scanned, one_sentence
from conftest import CommandLine
from recordscan.demo.run import Company


@pytest.fixture(autouse=True)
def nothing_is_asked(scanned: Scanned, clouds: Company) -> Iterator[None]:
    clouds.aws.heal()
    clouds.twilio.heal()
    yield
    assert clouds.aws.requests == []
    assert clouds.twilio.log == []


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["scan", "--no-such-option"], "No such option '--no-such-option'"),
        (["scan", "--formt", "json"], "Did you mean"),
        (["scna"], "No such command 'scna'"),
        (["scan", "stray"], "unexpected extra argument"),
        (["scan", "--scope", "world"], "'world' is not one of"),
        (["scan", "--fail-on", "severe"], "'severe' is not one of"),
        (["scan", "--workers", "0"], "0 is not in the range"),
        (["scan", "--workers", "many"], "'many' is not a valid integer"),
        (["scan", "--max-workers", "65"], "65 is not in the range"),
        (["scan", "--max-rate", "0"], "0.0 is not in the range"),
        (
            ["scan", "--snapshot", "x", "--resume", "y"],
            "--save-snapshot, --resume",
        ),
        (["scan", "--color", "blue"], "'blue' is not one of"),
        (["scan", "--config", "recordscan.toml", "--no-config"], "--config and --no-config exclude each other"),
        (["preflight", "--config", "recordscan.toml", "--no-config"], "--config and --no-config exclude each other"),
        (["scan", "--snapshot", "x.gz", "--scope", "account"], "--snapshot judges stored answers"),
        (["scan", "--snapshot", "x.gz", "--bucket", "media"], "--snapshot judges stored answers"),
        (["scan", "--snapshot", "x.gz", "--save-snapshot", "y.gz"], "--snapshot judges stored answers"),
        (["scan", "--snapshot", "x.gz", "--config", "recordscan.toml", "--no-config"], "exclude each other"),
        (["report"], "Missing argument 'RESULT.json'"),
        (["url"], "Missing argument 'URL...'"),
        (["schema", "snapshot"], "'snapshot' is not one of"),
        (["rules", "show"], "Missing argument 'ID'"),
        (["permissions", "--format", "yaml"], "'yaml' is not one of"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_wrong_usage_says_how_to_get_help(recordscan: CommandLine, arguments: list[str], says: str) -> None:
    run = recordscan(*arguments)
    assert run.status == 2
    assert run.stdout == ""
    assert says in run.stderr
    assert run.stderr.startswith("Usage: recordscan")
    assert "Traceback" not in run.stderr


FORMATS = (
    "asff, csv, csv-coverage, github, gitlab, html, json, jsonl, junit, markdown, ocsf, oscal, sarif, sarif-full, text"
)

DURATION = "a time in seconds, minutes or hours, such as '90s', '10m' or '1h'"

FRAMEWORKS = (
    "cis_aws_v3, cis_aws_v5, cis_aws_v6, gdpr, hipaa, iso_27001_2022, nist_800_53_r5, pci_dss_4_0_1, security_hub, soc2"
)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["scan", "--deadline", "soon"], f"--deadline 'soon': expected {DURATION}"),
        (["scan", "--deadline", "0"], f"--deadline '0': expected {DURATION}"),
        (["scan", "--resume", "nothing.gz"], "nothing.gz: the snapshot cannot be read: No such file or directory"),
        (["scan", "--rule", "bucket-tls-onyl"], "there is no rule 'bucket-tls-onyl'; did you mean 'bucket-tls-only'?"),
        (["scan", "--skip-rule", "zzz"], "there is no rule 'zzz'; see `recordscan rules list`"),
        (["scan", "--rule", "bucket-tls-only", "--skip-rule", "bucket-tls-only"], "no rule is left to run"),
        (["scan", "--framework", "soc"], "there is no framework 'soc'; did you mean 'soc2'?"),
        (
            ["rules", "list", "--framework", "nist_800_53"],
            "there is no framework 'nist_800_53'; did you mean 'nist_800_53_r5'?",
        ),
        (["scan", "--framework", "gdpr", "--rule", "writer-key-count"], "no rule is left to run"),
        (["rules", "show", "bucket-tls"], "there is no rule 'bucket-tls'; did you mean 'bucket-tls-only'?"),
        (["scan", "-f", "pdf"], f"there is no format 'pdf'; there are: {FORMATS}"),
        (["scan", "-o", "pdf=x.pdf"], f"there is no format 'pdf'; there are: {FORMATS}"),
        (["scan", "-o", "report.html"], "-o 'report.html': write FORMAT=PATH, such as html=report.html"),
        (["scan", "-o", "html="], "-o 'html=': write FORMAT=PATH, such as html=report.html"),
        (["scan", "--bucket", "No Such Bucket"], "'No Such Bucket' names no bucket; write NAME or NAME/PREFIX"),
        (["scan", "--bucket", "/prefix"], "'/prefix' names no bucket; write NAME or NAME/PREFIX"),
        (["preflight", "--bucket", "x"], "'x' names no bucket; write NAME or NAME/PREFIX"),
        (["scan", "--config", "absent.toml"], "absent.toml: cannot be read: No such file or directory"),
        (["scan", "--snapshot", "absent.gz"], "absent.gz: the snapshot cannot be read: No such file or directory"),
        (["report", "absent.json"], "absent.json: cannot be read: No such file or directory"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_wrong_name_is_refused_with_one_sentence(recordscan: CommandLine, arguments: list[str], says: str) -> None:
    run = recordscan(*arguments)
    assert run.status == 2
    assert one_sentence(run) == says


@pytest.mark.parametrize(
    ("toml", "says"),
    [
        ("[gate]\nfail_onn = 'high'\n", "unknown key 'gate.fail_onn'; did you mean 'fail_on'?"),
        ("[gates]\n", "unknown key 'gates'; did you mean 'gate'?"),
        ("[scan]\nzzz = 1\n", "unknown key 'scan.zzz'; known here: scope, buckets,"),
        ("[gate]\nfail_on = 'severe'\n", "gate.fail_on: must be 'critical'"),
        ("[profile]\nretention_min_days = '30'\n", "profile.retention_min_days: must be a whole number"),
        ("[profile]\nretention_min_days = 9\nretention_max_days = 3\n", "retention_min_days is greater than"),
        ("[twilio]\naccounts = [{sid = 'AC1'}]\n", "twilio.accounts.0.sid: expected an account SID: AC followed"),
        (
            "[credential_links]\nCR1 = 'AKIAIOSFODNN7EXAMPLE'\n",
            "CR1: expected a credential SID: CR followed by 32 hexa",
        ),
        (f"[credential_links]\nCR{'0' * 32} = 'twilio'\n", ": expected an access key id, such as 'AKIAIOSFODNN7EXAMP"),
        ("[aws]\nbucket_owners = ['12']\n", "aws.bucket_owners.0: expected an AWS account id: 12 digits, such as "),
        ("[[aws.accounts]]\nlabel = 'media'\n", "aws.accounts.0: name either role_arn or profile"),
        ("[[aws.accounts]]\nprofile = 'media'\n", "aws.accounts.0: id goes with profile, and profile with id"),
        ("[[aws.accounts]]\nrole_arn = 'recordscan'\n", "role_arn: expected the ARN of an IAM role, such as 'arn:aws"),
        (2 * "[[aws.accounts]]\nrole_arn = 'arn:aws:iam::123456789012:role/a'\n", "aws: an AWS account is named twice"),
        ("[aws.organization]\nrole_name = 'a'\ninclude = ['video']\n", "expected the id of an organizational unit or"),
        (
            f"[[twilio.accounts]]\nsid = 'AC{32 * '0'}'\nsecret_command = ['pass', 'show', 'twilio']\n",
            "twilio.accounts.0: api_key goes with secret_command, and secret_command with api_key",
        ),
        ("[scan]\nrules = ['bucket-tls-onyl']\n", "did you mean 'bucket-tls-only'?"),
        ("[scan]\nbuckets = ['Not A Bucket']\n", "'Not A Bucket' names no bucket"),
        ("[gate\nfail_on = 'high'\n", "is no valid TOML: "),
        ("\udcff", "is not UTF-8 text"),
    ],
)
def test_a_wrong_configuration_is_refused_with_the_place(recordscan: CommandLine, toml: str, says: str) -> None:
    """(A26)"""
    (recordscan.folder / "recordscan.toml").write_bytes(toml.encode("utf-8", "surrogateescape"))
    run = recordscan("scan", "-q")
    assert run.status == 2
    assert says in one_sentence(run)


def test_a_wrong_section_of_pyproject_is_refused_too(recordscan: CommandLine) -> None:
    (recordscan.folder / "recordscan.toml").unlink()
    (recordscan.folder / "pyproject.toml").write_text("[tool.recordscan.gate]\nfail_onn = 'high'\n", encoding="utf-8")
    run = recordscan("scan", "-q")
    assert run.status == 2
    assert "pyproject.toml: unknown key 'gate.fail_onn'; did you mean 'fail_on'?" in one_sentence(run)


def test_a_configuration_named_by_the_environment_is_read(recordscan: CommandLine) -> None:
    run = recordscan("scan", env={"RECORDSCAN_CONFIG": "absent.toml"})
    assert run.status == 2
    assert one_sentence(run) == "absent.toml: cannot be read: No such file or directory"


@pytest.mark.parametrize(
    "url",
    [
        "https://video.twilio.com",
        "http://192.0.2.1:8080",
        "http://localhost.evil.example",
        "ftp://127.0.0.1",
        "nonsense",
    ],
)
def test_a_stand_in_for_twilio_must_be_on_this_machine(recordscan: CommandLine, url: str) -> None:
    run = recordscan("scan", env={"RECORDSCAN_TWILIO_URL": url})
    assert run.status == 2
    assert one_sentence(run) == (
        "RECORDSCAN_TWILIO_URL must be an http URL of a loopback address, such as http://127.0.0.1:8080"
    )


@pytest.mark.parametrize("sid", ["AC123", "SK" + "0" * 32, "AC" + "0" * 33])
def test_a_malformed_account_sid_is_refused(recordscan: CommandLine, sid: str) -> None:
    run = recordscan("scan", "--no-config", env={"TWILIO_ACCOUNT_SID": sid})
    assert run.status == 2
    assert one_sentence(run) == "TWILIO_ACCOUNT_SID is no account SID: it begins with AC and has 34 characters"


def edited(snapshot: bytes) -> bytes:
    return gzip.compress(gzip.decompress(snapshot).replace(b'"answered"', b'"absent"', 1))


def cut(snapshot: bytes) -> bytes:
    return gzip.compress(b"".join(gzip.decompress(snapshot).splitlines(keepends=True)[:-1]))


def newer(snapshot: bytes) -> bytes:
    return gzip.compress(gzip.decompress(snapshot).replace(b'"schema_version":1', b'"schema_version":2', 1))


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda snapshot: snapshot[: len(snapshot) // 2], "the snapshot is truncated or damaged; collect it again"),
        (cut, "the snapshot is truncated; collect it again"),
        (edited, "the snapshot was changed after it was written; collect it again"),
        (newer, "the snapshot has schema version 2, this recordscan reads up to 1; install a newer recordscan"),
        (gzip.decompress, "the snapshot cannot be read: it is no gzip file"),
        (lambda _: b"", "the snapshot is empty; collect it again"),
        (lambda _: gzip.compress(b"{}\n"), "this is no recordscan snapshot, or it was edited"),
        (lambda _: gzip.compress(b"\xff\n"), "this is no recordscan snapshot, or it was edited"),
    ],
    ids=["half a file", "no trailer", "edited", "newer", "unpacked", "empty", "other JSON", "no text"],
)  # fmt: skip
def test_a_spoiled_snapshot_is_never_judged(recordscan: CommandLine, scanned: Scanned, spoil, says: str) -> None:  # type: ignore[no-untyped-def]
    (recordscan.folder / "spoiled.gz").write_bytes(spoil(scanned.snapshot.read_bytes()))
    run = recordscan("scan", "--snapshot", "spoiled.gz")
    assert run.status == 2
    assert one_sentence(run) == f"spoiled.gz: {says}"


def test_of_two_configurations_it_is_said_which_is_used(recordscan: CommandLine) -> None:
    (recordscan.folder / "recordscan.toml").write_text("[scan]\nrules = ['zzz']\n", encoding="utf-8")
    (recordscan.folder / "pyproject.toml").write_text("[tool.recordscan.gate]\nfail_on = 'low'\n", encoding="utf-8")
    said = "the configuration is recordscan.toml; [tool.recordscan] in pyproject.toml is not read\n"
    assert recordscan("scan").stderr.startswith(said)
    assert said not in recordscan("scan", "-q").stderr
    (recordscan.folder / "pyproject.toml").write_text("[tool.recordscan\n", encoding="utf-8")
    assert one_sentence(recordscan("scan")).startswith("there is no rule 'zzz'")


def test_the_help_names_all_forms_of_a_bucket(recordscan: CommandLine) -> None:
    for command in ("scan", "preflight"):
        assert "NAME, NAME/PREFIX or s3://NAME/PREFIX" in " ".join(recordscan(command, "--help").stdout.split())


@pytest.mark.parametrize("option", [("--deadline", "10m"), ("--max-rate", "5"), ("--max-workers", "2")])
def test_a_stored_scan_is_not_hurried(bare: CommandLine, scanned: Scanned, option: tuple[str, str]) -> None:
    run = bare("scan", "--snapshot", str(scanned.snapshot), *option)
    assert run.status == 2
    assert "--snapshot asks nobody; it does not go with --max-workers, --max-rate, --deadline" in run.stderr
