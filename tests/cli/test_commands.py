"""What the command line says of itself: help, manual, documentation, schema and completion agree."""

import importlib.util
import json
import os
import pty
import re
import shlex
import shutil
import subprocess
from pathlib import Path
from types import ModuleType

import pytest

from cli.scanned import Scanned
from conftest import SCRIPT, CommandLine
from recordscan.cli.status import EXAMPLES, STATUSES
from recordscan.demo.run import Company

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture(scope="module")
def commands() -> ModuleType:
    spec = importlib.util.spec_from_file_location("command_pages", DOCS / "commands.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_page_and_manual_are_fresh(commands: ModuleType) -> None:
    """(A25)"""
    pages: dict[str, str] = commands.pages()
    assert {path: (DOCS / path).read_text(encoding="utf-8") for path in pages} == pages
    assert {f"man/{path.name}" for path in (DOCS / "man").iterdir()} | {"cli.md"} == set(pages)


def test_help_manual_documentation_and_result_tell_the_same_statuses(bare: CommandLine) -> None:
    """(A25)"""
    help_ = bare("--help").stdout
    manual = (DOCS / "man" / "recordscan-scan.1").read_text(encoding="utf-8").replace("\\-", "-")
    readme = (DOCS.parent / "README.md").read_text(encoding="utf-8")
    for status, words in STATUSES.items():
        assert f"  {status:<4} {words}\n" in help_
        assert f"\\fB{status}\\fR\n{words}\n" in manual
        assert re.search(rf"^\| {status} \| ", readme, re.MULTILINE)
    schema = json.loads(bare("schema", "result").stdout)
    codes = schema["$defs"]["Exit"]["properties"]["code"]["enum"]
    assert set(codes) < set(STATUSES)
    assert schema["properties"]["exit"]["anyOf"][0] == {"$ref": "#/$defs/Exit"}


@pytest.mark.parametrize("status", [status for status in EXAMPLES if status != 130])
def test_the_documented_command_ends_with_its_status(recordscan: CommandLine, clouds: Company, status: int) -> None:
    """(A21)"""
    name, *arguments = shlex.split(EXAMPLES[status])
    assert name == "recordscan"
    assert recordscan(*arguments).status == status


SCRIPTS = {
    "bash": "set -eu; source ./script; complete -p recordscan",
    "zsh": "autoload -Uz compinit; compinit -u -d ./dump; source ./script; print ${_comps[recordscan]}",
    "fish": "source ./script; complete -C 'recordscan sc'",
}
LOADED = {"bash": "_recordscan_completion", "zsh": "_recordscan_completion", "fish": "scan"}


@pytest.mark.parametrize("shell", SCRIPTS)
def test_completion_loads_in_the_shell(bare: CommandLine, shell: str) -> None:
    """(A25)"""
    found = shutil.which(shell)
    if found is None:
        pytest.skip(f"{shell} is not installed")
    printed = bare("completion", shell)
    assert (printed.status, printed.stderr) == (0, "")
    (bare.folder / "script").write_text(printed.stdout, encoding="utf-8")
    environment = {
        **bare.environment,
        "PATH": f"{SCRIPT.parent}{os.pathsep}{os.environ['PATH']}",
        "HOME": str(bare.folder),
        "XDG_CONFIG_HOME": str(bare.folder),
    }
    command = [found, "-c", SCRIPTS[shell]]
    done = subprocess.run(
        command, env=environment, cwd=bare.folder, capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert LOADED[shell] in done.stdout


def test_the_result_says_how_the_scan_exited_and_exit_zero_changes_1_and_3_alone(
    bare: CommandLine, scanned: Scanned
) -> None:
    arguments = ["scan", "--snapshot", str(scanned.snapshot), "-f", "json"]
    for extra, before in ([], 1), (["--rule", "url-https"], 3):
        told = json.loads(bare(*arguments, *extra).stdout)
        assert told["exit"] == {"code": before, "reason": told["gate"]["exit_reason"]}
        run = bare(*arguments, *extra, "--exit-zero")
        document = json.loads(run.stdout)
        assert (run.status, document["exit"]["code"], document["gate"]["exit_status"]) == (0, 0, before)
        assert document["exit"]["reason"].endswith(f"; --exit-zero makes {before} a 0")
        assert document["gate"]["verdict"] == told["gate"]["verdict"]
        assert f"{document['exit']['reason']} (exit status 0)" in run.stderr
    for wrong, status in (["--rule", "zzz"], 2), (["-o", "html=no/folder/x.html"], 5):
        assert bare(*arguments, *wrong, "--exit-zero").status == status


def test_less_coverage_is_put_up_with_and_is_no_pass(recordscan: CommandLine, clouds: Company) -> None:
    """One of two checks on each of the targets stays unknown. (A1)"""
    clouds.aws.deny.add("s3:GetBucketVersioning")
    recordscan("scan", "--save-snapshot", "s.gz", "-f", "none")
    arguments = [
        "scan",
        "--snapshot",
        "s.gz",
        "--rule",
        "bucket-versioning",
        "--rule",
        "bucket-tls-only",
        "--fail-on",
        "info",
    ]
    strict = recordscan(*arguments, "-f", "json")
    document = json.loads(strict.stdout)
    unknown = [a for a in document["assessments"] if a["outcome"] == "unknown"]
    assert {(a["rule_id"], a["reason"], a["permission"]) for a in unknown} == {
        ("bucket-versioning", "access_denied", "s3:GetBucketVersioning")
    }
    decided = sum(a["outcome"] in ("pass", "fail") for a in document["assessments"])
    assert decided
    failed = any(a["outcome"] == "fail" for a in document["assessments"])
    percent = 100 * decided // (decided + len(unknown))
    expected = 1 if failed else 0
    for options in (["--allow-unknown"], ["--min-coverage", str(percent)]):
        lenient = recordscan(*arguments, "-f", "json", *options)
        assert (lenient.status, json.loads(lenient.stdout)["gate"]["verdict"]) == (
            expected,
            document["gate"]["verdict"],
        )
    assert strict.status == (1 if failed else 3)
    assert recordscan(*arguments, "--min-coverage", str(percent + 1)).status == (1 if failed else 3)
    refused = recordscan(*arguments, "--fail-on", "none", "--min-coverage", "50")
    assert (refused.status, "--min-coverage needs a gate" in refused.stderr) == (2, True)


def test_options_can_be_set_by_variables_and_yield_to_the_command_line(bare: CommandLine, scanned: Scanned) -> None:
    arguments = ["scan", "--snapshot", str(scanned.snapshot)]
    variables = {
        "RECORDSCAN_SCAN_FAIL_ON": "none",
        "RECORDSCAN_FORMAT": "json",
        "RECORDSCAN_SCAN_RULE": "url-https bucket-tls-only",
    }
    run = bare(*arguments, env=variables)
    assert (run.status, {rule["id"] for rule in json.loads(run.stdout)["rules"]}) == (
        0,
        {"url-https", "bucket-tls-only"},
    )
    assert bare(*arguments, "-f", "none", env=variables).stdout == ""
    assert "\x1b[" in bare(*arguments, env={"RECORDSCAN_COLOR": "always"}).stdout
    assert "\x1b[" not in bare(*arguments, "--no-color", env={"FORCE_COLOR": "1"}).stdout
    waived = bare(*arguments, "--no-waivers", env={"RECORDSCAN_WAIVERS": "absent.toml"})
    assert waived.status == 1
    assert bare(*arguments, env={"RECORDSCAN_LOG_LEVEL": "loud"}).status == 2


def test_quiet_twice_says_nothing_and_width_sets_lines(bare: CommandLine, scanned: Scanned) -> None:
    run = bare("scan", "-qq", "--snapshot", str(scanned.snapshot), "--width", "60")
    assert (run.status, run.stderr) == (1, "")
    wide = bare("report", str(scanned.result), "--width", "200").stdout
    assert len(wide.splitlines()) < len(run.stdout.splitlines())
    assert wide.split() != []


def test_only_the_named_targets_are_read(recordscan: CommandLine, clouds: Company) -> None:
    run = recordscan("scan", "-q", "-f", "json", "--target", "research", "--region", "eu-west-1")
    document = json.loads(run.stdout)
    assert [account["label"] for account in document["scan"]["scope"]["twilio_accounts"]] == ["research"]
    assert any(notice.startswith("targets were left out by --target: AC") for notice in document["scan"]["notices"])
    assert len({request.username for request in clouds.twilio.log}) == 1
    clouds.twilio.heal()
    clouds.aws.heal()
    wrong = recordscan("scan", "--target", "reserch")
    assert (wrong.status, "there is no target 'reserch'; did you mean 'research'?" in wrong.stderr) == (2, True)
    assert (clouds.aws.requests, clouds.twilio.log) == ([], [])


def test_each_call_is_logged_on_request_and_progress_only_where_it_is_wanted(
    recordscan: CommandLine, clouds: Company
) -> None:
    """(A22)"""
    run = recordscan("scan", "-f", "json", "-vv", "--bucket", "hollow-creek-video")
    assert re.search(
        r"^DEBUG recordscan\.calls: s3:GetBucketPolicy of \d{12}.*: answered, sent 1 times$", run.stderr, re.M
    )
    assert json.loads(run.stdout)["exit"]["code"] == run.status
    for secret in (value for name, value in clouds.environment.items() if "SECRET" in name):
        assert secret not in run.stderr
    assert "\x1b[K" not in run.stderr
    wanted = recordscan("scan", "-f", "none", "--progress", "always", "--bucket", "hollow-creek-video")
    assert "\x1b[Kcollected " in wanted.stderr
    assert "collected" not in recordscan("scan", "-f", "none", "--progress", "never").stderr


@pytest.mark.parametrize(("env", "live"), [({}, True), ({"CI": "1"}, False), ({"TERM": "dumb"}, False)])
def test_a_terminal_gets_live_progress_unless_a_pipeline_looks_at_it(
    recordscan: CommandLine, clouds: Company, env: dict[str, str], *, live: bool
) -> None:
    """(A22)"""
    arguments = ("scan", "-f", "none", "--bucket", "hollow-creek-video")
    written = on_terminal(recordscan, *arguments, env={"TERM": "xterm", **env})
    assert (b"\x1b[Kcollected " in written) is live
    assert b"(exit status " in written


def test_preflight_tells_of_each_rule_how_far_it_could_be_decided(recordscan: CommandLine, clouds: Company) -> None:
    clouds.aws.deny.add("s3:GetBucketVersioning")
    arguments = ["preflight", "-q", "--rule", "bucket-versioning", "--rule", "bucket-tls-only"]
    document = json.loads(recordscan(*arguments, "-f", "json").stdout)
    other, versioning = document["rules"]
    assert (other["id"], other["decided"]) == ("bucket-tls-only", other["planned"])
    assert (versioning["id"], versioning["permissions"]) == ("bucket-versioning", ["s3:GetBucketVersioning"])
    assert versioning["decided"] < versioning["planned"]
    text = recordscan(*arguments)
    assert text.status == 3
    assert (
        f"  bucket-versioning ({versioning['severity']}): {versioning['decided']} of {versioning['planned']}: "
        in text.stdout
    )
    assert "; grant s3:GetBucketVersioning\n" in text.stdout
    assert "  bucket-tls-only" not in text.stdout


def test_configurations_are_found_in_their_order_and_never_above(recordscan: CommandLine, scanned: Scanned) -> None:
    wrong = "[scan]\nrules = ['{}']\n"
    home = recordscan.folder / "home"
    places = ["recordscan.toml", ".recordscan.toml", ".github/recordscan.toml", "home/recordscan/config.toml"]
    for number, place in enumerate(places):
        path = recordscan.folder / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(wrong.format(f"zzz-{number}"), encoding="utf-8")
    for number, place in enumerate(places):
        run = recordscan("scan", env={"XDG_CONFIG_HOME": str(home)})
        assert (run.status, f"there is no rule 'zzz-{number}'" in run.stderr) == (2, True), run.stderr
        others = [f"the configuration is {place}; {other} is not read" for other in places[number + 1 : 3]]
        assert run.stderr.splitlines()[:-1] == others
        (recordscan.folder / place).unlink()
    (recordscan.folder / "recordscan.toml").write_text(wrong.format("zzz-above"), encoding="utf-8")
    below = recordscan.folder / "below"
    below.mkdir()
    inside = CommandLine(below, {**recordscan.environment, "XDG_CONFIG_HOME": str(home)})
    assert "zzz-above" not in inside("scan", "--fail-on", "severe").stderr
    assert inside("validate").status == 2


def on_terminal(command: CommandLine, *arguments: str, env: dict[str, str]) -> bytes:
    """What a command writes to a terminal of its own."""
    ours, theirs = pty.openpty()
    with os.fdopen(ours, "rb", buffering=0) as terminal:
        process = subprocess.Popen(
            [str(SCRIPT), *arguments],
            env={**command.environment, **env},
            cwd=command.folder,
            stdout=theirs,
            stderr=theirs,
        )
        os.close(theirs)
        written = b""
        try:
            while piece := terminal.read(65_536):
                written += piece
        except OSError:  # how Linux says that nobody holds the other end any more
            pass
        process.wait(timeout=60)
    return written


@pytest.mark.parametrize(
    ("env", "colored"),
    [
        ({"TERM": "xterm-256color"}, True),
        ({"TERM": "xterm-256color", "NO_COLOR": "1"}, False),
        ({"TERM": "xterm-256color", "NO_COLOR": ""}, True),
        ({"TERM": "dumb"}, False),
    ],
)
def test_a_terminal_gets_colour_unless_it_is_unwanted(
    bare: CommandLine, scanned: Scanned, env: dict[str, str], colored: bool
) -> None:
    """(A23)"""
    written = on_terminal(bare, "report", str(scanned.result), env=env)
    assert b"RESULTS" in written
    assert (b"\x1b" in written) is colored


def test_a_pipe_gets_colour_where_it_is_asked_for(bare: CommandLine, scanned: Scanned) -> None:
    """(A23)"""
    assert "\x1b[" not in bare("report", str(scanned.result)).stdout
    assert "\x1b[" in bare("report", str(scanned.result), "--color", "always", env={"NO_COLOR": "1"}).stdout


@pytest.mark.parametrize("option", ["--waivers", "--baseline"])
def test_a_bad_file_is_refused_before_anything_is_asked(recordscan: CommandLine, clouds: Company, option: str) -> None:
    """(A26)"""
    (recordscan.folder / "bad").write_text("{", encoding="utf-8")
    run = recordscan("scan", option, "bad")
    assert (run.status, run.stdout) == (2, "")
    assert "bad: " in run.stderr
    assert (clouds.aws.requests, clouds.twilio.log) == ([], [])


def test_reports_and_bundles_need_neither_credentials_nor_network(bare: CommandLine, scanned: Scanned) -> None:
    """(A27)"""
    nowhere = {"HTTPS_PROXY": "http://127.0.0.1:9", "HTTP_PROXY": "http://127.0.0.1:9"}
    assert bare("report", str(scanned.result), env=nowhere).status == 0
    packed = bare("bundle", str(scanned.result), "--snapshot", str(scanned.snapshot), "-o", "e.zip", env=nowhere)
    assert packed.status == 0, packed.stderr
    assert bare("verify", "e.zip", env=nowhere).status == 0


@pytest.mark.parametrize(
    ("typed", "offers", "others"),
    [
        ("scan --rule bucket-tls", "bucket-tls-only", "bucket-versioning"),
        ("scan --skip-rule key-rot", "key-rotation-period", "bucket-tls-only"),
        ("preflight --rule key-rot", "key-rotation", "bucket-tls-only"),
        ("remedy --rule key-rot", "key-rotation", "bucket-tls-only"),
        ("rules show enc-", "enc-kms-region", "bucket-tls-only"),
        ("scan --framework so", "soc2", "gdpr"),
        ("scan -f ja", "", "json"),
        ("scan -f js", "jsonl", "html"),
        ("report x.json -o sa", "sarif-full=", "html="),
        ("report x.json -o html=rep", "", "html="),
    ],
)
def test_a_shell_completes_rules_frameworks_and_formats(
    bare: CommandLine, typed: str, offers: str, others: str
) -> None:
    """As the script of bash asks for it."""
    words = ["recordscan", *typed.split()]
    env = {
        "_RECORDSCAN_COMPLETE": "bash_complete",
        "COMP_WORDS": " ".join(words),
        "COMP_CWORD": str(len(words) - 1),
    }
    run = bare(env=env)
    offered = [line.partition(",")[2] for line in run.stdout.split()]
    assert (offers in offered) if offers else offered == []
    assert others not in offered
