"""Outputs that cannot be written, and errors of recordscan itself or of a plugin: exit 5, never a verdict's 1."""

import json
import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from cli.scanned import Scanned, install_plugin, one_sentence
from conftest import SCRIPT, CommandLine
from recordscan.demo.run import Company

BROKEN_REPORT = """
def render(result):
    raise ValueError("made-up-secret-of-the-auditor")
"""

BROKEN_RULE = """
from recordscan.estate.target import Target
from recordscan.rule import Findings, Severity, rule


@rule("stranger-breaks", title="t", severity=Severity.CRITICAL, remediation="r", references=("https://example.com",))
def stranger_breaks(target: Target) -> Findings:
    \"\"\"A rule of a stranger that breaks on every target.\"\"\"
    yield 1 / 0
"""


@pytest.mark.parametrize("option", ["-ohtml=missing/x.html", "--save-snapshot=missing/x.gz"])
def test_a_missing_folder_is_found_before_anything_is_asked(
    recordscan: CommandLine, clouds: Company, option: str
) -> None:
    run = recordscan("scan", option)
    assert run.status == 5
    path = option.split("=", 1)[1]
    assert one_sentence(run) == f"{path}: the folder missing does not exist; make it first"
    assert clouds.aws.requests == []
    assert clouds.twilio.log == []


@pytest.mark.parametrize(
    ("option", "says"),
    [
        ("-ohtml=recordscan.toml/x.html", "the folder recordscan.toml does not exist; make it first"),
        ("--save-snapshot=recordscan.toml/x.gz", "the folder recordscan.toml does not exist; make it first"),
        ("--output-dir=recordscan.toml/out", "cannot be made: Not a directory"),
        ("-ohtml=.", "is a folder; name a file"),
    ],
)
def test_a_path_where_no_file_can_be(recordscan: CommandLine, clouds: Company, option: str, says: str) -> None:
    run = recordscan("scan", option)
    assert run.status == 5
    assert one_sentence(run) == f"{option.split('=', 1)[1]}: {says}"
    assert clouds.aws.requests == []


def test_an_output_folder_in_use_needs_force(recordscan: CommandLine, clouds: Company, scanned: Scanned) -> None:
    """(A30)"""
    clouds.aws.heal()
    shutil.copytree(scanned.result.parent, recordscan.folder / "out")
    before = (recordscan.folder / "out" / "result.json").read_bytes()
    run = recordscan("scan", "--output-dir", "out")
    assert run.status == 5
    assert one_sentence(run) == "out: already holds report.html; name another folder, or add --force to replace it"
    assert clouds.aws.requests == []
    assert (recordscan.folder / "out" / "result.json").read_bytes() == before
    replay = recordscan("scan", "--snapshot", str(scanned.snapshot), "--output-dir", "out", "--force", "-f", "none")
    assert replay.status == 1
    assert sorted(path.name for path in (recordscan.folder / "out").iterdir()) == [
        "report.html",
        "result.json",
        "snapshot.jsonl.gz",
    ]


def test_a_report_that_breaks_is_an_internal_error_and_leaks_nothing(bare: CommandLine, scanned: Scanned) -> None:
    install_plugin(bare, group="recordscan.reports", name="broken = stranger:render", source=BROKEN_REPORT)
    run = bare("scan", "-q", "--snapshot", str(scanned.snapshot), "-f", "broken")
    assert run.status == 5
    assert one_sentence(run) == "internal error: ValueError; run again with -v and report it"
    for arguments in (["-v", "report"], ["report", "-v"]):
        verbose = bare(*arguments, str(scanned.result), "-f", "broken")
        assert verbose.status == 5
        assert "Traceback" in verbose.stderr
        assert 'stranger.py", line 3, in render' in verbose.stderr


def test_any_other_exception_ends_with_5_and_not_with_a_verdict(bare: CommandLine) -> None:
    """(A21)"""
    program = """
import recordscan.cli
def breaks(**_):
    raise KeyError("made-up")
recordscan.cli.schema.callback = breaks
recordscan.cli.main(["schema", "result"])
"""
    done = subprocess.run(
        [sys.executable, "-c", program], env=bare.environment, capture_output=True, text=True, check=False, timeout=60
    )
    assert (done.returncode, done.stdout) == (5, "")
    assert done.stderr == "recordscan: internal error: KeyError; run again with -v and report it\n"


def test_a_rule_of_a_plugin_that_breaks_is_unknown_and_the_others_are_judged(
    bare: CommandLine, scanned: Scanned
) -> None:
    """(A3)"""
    install_plugin(bare, group="recordscan.rules", name="broken = stranger", source=BROKEN_RULE)
    arguments = ["scan", "--snapshot", str(scanned.snapshot), "--rule", "stranger-breaks"]
    alone = bare(*arguments)
    assert alone.status == 3
    assert "nothing could be judged" in alone.stderr
    assert "stranger-breaks" in alone.stdout
    both = bare(*arguments, "--rule", "bucket-tls-only")
    assert both.status == 3 or "failed" in both.stderr


@pytest.mark.parametrize(
    ("group", "name", "source", "says"),
    [
        ("recordscan.rules", "x = stranger", "import absent", "cannot be loaded: ModuleNotFoundError"),
        ("recordscan.rules", "x = stranger", "", "holds no rule"),
        ("recordscan.rules", "x = stranger", "raise SystemExit(0)", "cannot be loaded: SystemExit"),
        ("recordscan.rules", "x = stranger", BROKEN_RULE.replace("Severity.CRITICAL", "'critical'"), "none of Sev"),
        ("recordscan.reports", "x = stranger:render", "raise SystemExit(0)", "cannot be loaded: SystemExit"),
        ("recordscan.rules", "x = stranger", BROKEN_RULE.replace("stranger-breaks", "bucket-tls-only"), "already def"),
        ("recordscan.reports", "x = stranger:render", "render = 1", "is no function"),
        ("recordscan.reports", "json = stranger:render", BROKEN_REPORT, "is already defined"),
    ],
)
def test_a_plugin_that_cannot_be_used_is_named_before_anything_is_asked(
    recordscan: CommandLine, clouds: Company, group: str, name: str, source: str, says: str
) -> None:
    install_plugin(recordscan, group=group, name=name, source=source)
    run = recordscan("scan")
    assert run.status == 2
    sentence = one_sentence(run)
    assert "stranger" in sentence
    assert says in sentence
    assert clouds.aws.requests == []
    assert clouds.twilio.log == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="the system has no full device")
@pytest.mark.parametrize("arguments", [["rules", "list"], ["report", "RESULT"], ["report", "RESULT", "--color=always"]])
def test_a_full_disk_behind_stdout(bare: CommandLine, scanned: Scanned, arguments: list[str]) -> None:
    words = [str(scanned.result) if word == "RESULT" else word for word in arguments]
    with Path("/dev/full").open("w", encoding="utf-8") as full:
        done = subprocess.run(
            [str(SCRIPT), *words], env=bare.environment, stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert done.returncode == 5
    assert done.stderr.count("\n") == 1
    assert done.stderr.endswith(": No space left on device\n")


def test_a_link_stays_and_what_it_leads_to_is_written(bare: CommandLine, scanned: Scanned) -> None:
    (bare.folder / "kept").mkdir()
    (bare.folder / "latest.json").symlink_to(bare.folder / "kept" / "result.json")
    run = bare("scan", "--snapshot", str(scanned.snapshot), "-f", "none", "-o", "json=latest.json")
    assert run.status == 1, run.stderr
    assert (bare.folder / "latest.json").is_symlink()
    assert json.loads((bare.folder / "kept" / "result.json").read_text())["gate"]["exit_status"] == 1


def test_a_pipe_is_written_to_and_not_replaced(bare: CommandLine, scanned: Scanned) -> None:
    pipe = bare.folder / "pipe"
    os.mkfifo(pipe)
    with ThreadPoolExecutor(1) as pool:
        received = pool.submit(pipe.read_bytes)
        run = bare("report", str(scanned.result), "-f", "none", "-o", "json=pipe")
        assert pipe.is_fifo()
        assert run.status == 0, run.stderr
        assert received.result(timeout=60) == scanned.result.read_bytes()


def test_a_dash_is_no_file(bare: CommandLine, scanned: Scanned) -> None:
    run = bare("scan", "--snapshot", str(scanned.snapshot), "-o", "json=-")
    assert run.status == 2
    assert one_sentence(run) == "-o 'json=-': a file has a name; for stdout write -f json"
    assert not (bare.folder / "-").exists()


def test_a_replay_says_whose_requirements_it_applies(bare: CommandLine, scanned: Scanned) -> None:
    run = bare("scan", "--snapshot", str(scanned.snapshot), "-f", "none")
    assert "requirements and gate are those of the snapshot; no configuration file is read\n" in run.stderr
    (bare.folder / "strict.toml").write_text('[gate]\nfail_on = "none"\n', encoding="utf-8")
    changed = bare("scan", "--snapshot", str(scanned.snapshot), "-f", "none", "-c", "strict.toml")
    assert changed.status == 0
    assert (
        "requirements and gate are those of strict.toml, and of the snapshot where it says nothing\n" in changed.stderr
    )


def test_a_configuration_of_a_replay_changes_only_what_it_says(bare: CommandLine, scanned: Scanned) -> None:
    arguments = ["scan", "-q", "--snapshot", str(scanned.snapshot), "-f", "json"]
    stored = json.loads(bare(*arguments).stdout)
    (bare.folder / "gate.toml").write_text('[gate]\nfail_on = "none"\n', encoding="utf-8")
    gate = json.loads(bare(*arguments, "-c", "gate.toml").stdout)
    assert gate["scan"]["profile"] == stored["scan"]["profile"] != {}
    assert (gate["gate"]["fail_on"], stored["gate"]["fail_on"]) == (None, "critical")
    (bare.folder / "days.toml").write_text("[profile]\nkey_max_age_days = 7\n", encoding="utf-8")
    days = json.loads(bare(*arguments, "-c", "days.toml").stdout)
    assert days["scan"]["profile"] == {**stored["scan"]["profile"], "key_max_age_days": 7}
    assert days["gate"]["fail_on"] == "critical"


def test_a_page_in_the_layout_of_a_folder_has_its_style_beside_it(bare: CommandLine, scanned: Scanned) -> None:
    layout = ("--format-option", "html.layout=dir")
    run = bare("report", str(scanned.result), "-f", "none", "-o", "html=page.html", *layout)
    assert (run.status, run.stdout) == (0, "")
    style, page, script = sorted(bare.folder.iterdir(), key=lambda path: path.suffix)
    assert (page.name, style.suffix, script.suffix) == ("page.html", ".css", ".js")
    assert {path.stat().st_mode & 0o777 for path in (page, style, script)} == {0o600}
    assert run.stderr == f"wrote page.html, and beside it {style.name}, {script.name}\n"
    text = page.read_text(encoding="utf-8")
    assert f'<link rel="stylesheet" href="{style.name}">' in text
    assert f'<script src="{script.name}"></script>' in text
    printed = bare("report", str(scanned.result), "-f", "html", *layout)
    assert printed.stdout == text
    beside = f"{style.name}, {script.name}"
    assert printed.stderr == f"-f html: on stdout without {beside}; write them with -o html=PATH\n"


@pytest.mark.parametrize(
    ("own", "says"),
    [
        ("retention_min_days = 30000", "30000 (the configuration's)"),
        ("preset = 'hipaa'", "2190 (that of the preset 'hipaa')"),
        ("preset = 'hipaa'\nretention_min_days = 3000", "3000 (the configuration's)"),
    ],
)
def test_requirements_that_do_not_go_with_those_of_the_snapshot_are_refused(
    bare: CommandLine, scanned: Scanned, own: str, says: str
) -> None:
    (bare.folder / "days.toml").write_text(f"[profile]\n{own}\n", encoding="utf-8")
    run = bare("scan", "-q", "--snapshot", str(scanned.snapshot), "-c", "days.toml")
    assert run.status == 2
    assert one_sentence(run) == (
        f"days.toml: profile: retention_min_days is {says} and retention_max_days is 400 (the snapshot's); "
        "set both in the section [profile]"
    )


def test_a_bucket_that_is_a_url_with_a_password_is_refused_without_it(recordscan: CommandLine, clouds: Company) -> None:
    run = recordscan("scan", "--bucket", "https://user:hunter2-secret@acme.s3.amazonaws.com/")
    assert run.status == 2
    assert "names no bucket" in one_sentence(run)
    assert "hunter2" not in run.stderr
    assert clouds.aws.requests == []


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["-ohtml=a.html", "-ojson=a.html"], "a.html: is written by -o html, and -o json would overwrite it"),
        (["-ohtml=a.html", "-ojson=./x/../a.html"], "x/../a.html: is written by -o html, and -o json would overwrite"),
        (["-ojson=q.json", "--save-snapshot=q.json"], "q.json: is written by -o json, and --save-snapshot would"),
        (["-ojson=recordscan.toml"], "recordscan.toml: is read as the configuration, and -o json would overwrite it"),
        (["--save-snapshot=linked.toml"], "linked.toml: is read as the configuration, and --save-snapshot would over"),
        (["-ojson=hard.toml"], "hard.toml: is read as the configuration, and -o json would overwrite it"),
        (["--output-dir=out", "-ojson=out/result.json"], "out/result.json: is written by -o json, and --output-dir"),
        (
            ["--output-dir=out", "--save-snapshot=out/report.html"],
            "out/report.html: is written by --save-snapshot, and",
        ),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_outputs_that_would_overwrite_each_other_are_refused_before_anything_is_asked(
    recordscan: CommandLine, clouds: Company, arguments: list[str], says: str
) -> None:
    (recordscan.folder / "x").mkdir()
    (recordscan.folder / "out").mkdir()
    (recordscan.folder / "linked.toml").symlink_to("recordscan.toml")
    (recordscan.folder / "hard.toml").hardlink_to(recordscan.folder / "recordscan.toml")
    run = recordscan("scan", *arguments)
    assert run.status == 2
    assert one_sentence(run).startswith(says)
    assert one_sentence(run).endswith("; name another file")
    assert (clouds.aws.requests, clouds.twilio.log) == ([], [])


@pytest.mark.parametrize("path", ["mine.gz", "./mine.gz", "link.gz"])
def test_the_evidence_is_never_overwritten_by_a_report(bare: CommandLine, scanned: Scanned, path: str) -> None:
    evidence = bare.folder / "mine.gz"
    evidence.write_bytes(scanned.snapshot.read_bytes())
    (bare.folder / "link.gz").symlink_to(evidence)
    run = bare("scan", "--snapshot", "mine.gz", "-o", f"html={path}")
    assert run.status == 2
    assert one_sentence(run).endswith("is read as --snapshot, and -o html would overwrite it; name another file")
    assert evidence.read_bytes() == scanned.snapshot.read_bytes()


def test_a_result_is_never_overwritten_by_its_own_report(bare: CommandLine, scanned: Scanned) -> None:
    (bare.folder / "r.json").write_bytes(scanned.result.read_bytes())
    run = bare("report", "r.json", "-o", "html=r.json")
    assert run.status == 2
    assert one_sentence(run) == "r.json: is read as the result, and -o html would overwrite it; name another file"
    assert (bare.folder / "r.json").read_bytes() == scanned.result.read_bytes()


def test_a_device_can_take_several_reports(bare: CommandLine, scanned: Scanned) -> None:
    run = bare("report", str(scanned.result), "-f", "none", "-o", "html=/dev/null", "-o", "json=/dev/null")
    assert run.status == 0, run.stderr


def test_the_demonstration_without_its_extra_says_what_to_install(bare: CommandLine) -> None:
    program = "import sys; sys.modules['moto'] = None; import recordscan.cli; recordscan.cli.main(['demo'])"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=bare.folder, capture_output=True, text=True, check=False, timeout=60
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "recordscan: the demonstration needs the demo extra; install it with: pip install 'recordscan[demo]'\n"
    )


@pytest.mark.parametrize("command", ["report", "scan"])
def test_an_option_of_a_format_that_is_not_written_is_told(bare: CommandLine, scanned: Scanned, command: str) -> None:
    source = [str(scanned.result)] if command == "report" else ["--snapshot", str(scanned.snapshot)]
    options = ("--format-option", "csv.bom=true", "--format-option", "html.layout=dir")
    run = bare(command, *source, "-f", "none", "-o", "csv=a.csv", *options)
    assert "--format-option html.layout=dir changes nothing: no html is written\n" in run.stderr
    assert "csv.bom" not in run.stderr


RAISING_RULE = '''
from recordscan.estate.target import Target
from recordscan.rule import Findings, Severity, rule


@rule("own-rule", title="Ours", severity=Severity.LOW, remediation="Do it.", references=("https://example.org/",))
def own_rule(target: Target) -> Findings:
    """It is ours."""
    raise LookupError
    yield
'''


def test_a_rule_that_raises_is_told_beside_the_verdict(bare: CommandLine, scanned: Scanned) -> None:
    (bare.folder / "own.py").write_text(RAISING_RULE, encoding="utf-8")
    run = bare("scan", "--snapshot", str(scanned.snapshot), "--rules", "own.py", "-f", "none", "-q")
    first, verdict = run.stderr.splitlines()
    assert first.endswith("checks could not be decided, as their rule raised: own-rule; run with -v for the tracebacks")
    assert verdict.startswith("recordscan: FAIL")
    assert bare("scan", "--snapshot", str(scanned.snapshot), "--rules", "own.py", "-f", "none", "-qq").stderr == ""
