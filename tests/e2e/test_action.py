"""The GitHub action: its files are sound, and its script scans and tells later steps about it."""

import os
import re
import shlex
import subprocess
from pathlib import Path

import pytest
import yaml

from conftest import SCRIPT, CommandLine

ROOT = Path(__file__).parents[2]
ACTION = ROOT / ".github" / "actions" / "scan"
BIN = SCRIPT.parent


def run_script(command: CommandLine, **inputs: str) -> tuple[subprocess.CompletedProcess[str], dict[str, str]]:
    outputs = command.folder / "outputs"
    outputs.touch()
    environment = {
        **command.environment,
        "PATH": f"{BIN}:{os.environ['PATH']}",
        "GITHUB_OUTPUT": str(outputs),
        "GITHUB_STEP_SUMMARY": str(command.folder / "summary.md"),
        "INPUT_CONFIG": "",
        "INPUT_WAIVERS": "",
        "INPUT_BASELINE": "",
        "INPUT_FAIL_ON": "",
        "INPUT_FAIL_ON_NEW": "false",
        "INPUT_OUTPUT_DIR": "recordscan-report",
        "INPUT_SUMMARY": "auto",
        **{f"INPUT_{name.upper()}": value for name, value in inputs.items()},
    }
    done = subprocess.run(
        ["bash", str(ACTION / "scan.sh")],  # noqa: S607 - as the runner starts it
        env=environment,
        cwd=command.folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    told = dict(line.split("=", 1) for line in outputs.read_text(encoding="utf-8").splitlines())
    return done, told


def test_the_script_scans_writes_reports_and_tells_what_came_out(recordscan: CommandLine) -> None:
    done, told = run_script(recordscan)
    assert done.returncode == 0, done.stderr
    assert told["exit-code"] == "1"
    assert told["verdict"] == "FAIL"
    assert int(told["failing"]) > 10
    assert 90 <= int(told["coverage"]) <= 100
    for name in ("result-json", "sarif-file", "html-file"):
        assert (recordscan.folder / told[name]).is_file()
    assert "::error title=" in done.stdout
    assert "recordscan" in (recordscan.folder / "summary.md").read_text(encoding="utf-8")


def test_inputs_are_words_and_not_script(recordscan: CommandLine) -> None:
    done, told = run_script(recordscan, fail_on="$(touch owned); high", output_dir="a b;touch owned")
    assert done.returncode == 0
    assert told == {"exit-code": "2"}
    assert not (recordscan.folder / "owned").exists()
    assert "'$(touch owned); high' is not one of" in done.stderr


def test_a_scan_that_could_not_begin_is_told_by_its_status(bare: CommandLine) -> None:
    done, told = run_script(bare)
    assert done.returncode == 0
    assert told == {"exit-code": "4"}


def test_what_an_earlier_scan_left_is_not_told_as_this_ones(bare: CommandLine) -> None:
    folder = bare.folder / "recordscan-report"
    folder.mkdir()
    for name in ("result.json", "report.html", "recordscan.sarif", "snapshot.jsonl.gz", "kept.txt"):
        (folder / name).write_text("{}", encoding="utf-8")
    _, told = run_script(bare)
    assert told == {"exit-code": "4"}
    assert [path.name for path in folder.iterdir()] == ["kept.txt"]


def test_the_pipeline_of_gitlab_writes_what_it_hands_over(bare: CommandLine) -> None:
    job = yaml.safe_load((ROOT / "examples" / "ci" / "gitlab.yml").read_text(encoding="utf-8"))["recordscan"]
    _, command = job["script"]
    snapshot = ROOT / "examples" / "hollow-creek" / "snapshot.jsonl.gz"
    run = bare(*shlex.split(command)[1:], "--snapshot", str(snapshot), "-q")
    assert run.status == 1, run.stderr
    for path in job["artifacts"]["reports"].values():
        assert (bare.folder / path).stat().st_size > 1000


@pytest.mark.parametrize(
    ("schema", "file"),
    [
        ("vendor.github-actions", ACTION / "action.yml"),
        ("vendor.github-workflows", ROOT / ".github" / "workflows" / "test.yml"),
        ("vendor.github-workflows", ROOT / ".github" / "workflows" / "release.yml"),
        ("vendor.github-workflows", ROOT / "examples" / "ci" / "github-weekly.yml"),
        ("vendor.gitlab-ci", ROOT / "examples" / "ci" / "gitlab.yml"),
    ],
)
def test_a51_files_for_ci_are_what_their_schemas_ask_for(schema: str, file: Path) -> None:
    """The action, workflows and pipelines. (A51)"""
    command = [str(BIN / "check-jsonschema"), "--builtin-schema", schema, str(file)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_a51_a_second_validator_finds_nothing_dangerous() -> None:
    """zizmor, offline. (A51)"""
    command = [str(BIN / "zizmor"), "--offline", "--no-progress", str(ROOT / ".github"), str(ROOT / "examples" / "ci")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_a51_actions_are_pinned_and_inputs_reach_scripts_through_the_environment_only() -> None:
    """No input is part of a script, no action a moving tag. (A51)"""
    steps = yaml.safe_load((ACTION / "action.yml").read_text(encoding="utf-8"))["runs"]["steps"]
    used = [step["uses"] for step in steps if "uses" in step]
    assert used
    assert all(len(name.partition("@")[2]) == 40 for name in used)
    assert all("${{" not in step.get("run", "") for step in steps)


def test_a52_the_cron_job_does_not_repeat_a_scan_that_failed() -> None:
    job = yaml.safe_load((ROOT / "examples" / "ci" / "kubernetes-cronjob.yaml").read_text(encoding="utf-8"))
    assert job["apiVersion"] == "batch/v1"
    spec = job["spec"]["jobTemplate"]["spec"]
    assert spec["backoffLimit"] == 0
    [container] = spec["template"]["spec"]["containers"]
    assert spec["template"]["spec"]["securityContext"]["runAsNonRoot"] is True
    assert container["securityContext"]["readOnlyRootFilesystem"] is True


def test_the_pre_commit_hooks_are_what_pre_commit_asks_for() -> None:
    command = [str(BIN / "pre-commit"), "validate-manifest", str(ROOT / ".pre-commit-hooks.yaml")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    ("path", "checked"),
    [
        ("recordscan.toml", True),
        (".recordscan.toml", True),
        (".github/recordscan.toml", True),
        ("pyproject.toml", True),
        ("recordscan-waivers.toml", True),
        ("infra/recordscan-waivers.toml", True),
        ("myrecordscan.toml", False),
        ("recordscan.toml.bak", False),
    ],
)
def test_the_hook_sees_every_file_that_a_scan_reads(path: str, checked: bool) -> None:
    [hook] = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))
    assert bool(re.search(hook["files"], path)) is checked
