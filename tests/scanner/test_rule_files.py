"""Rules out of a Python file that the command line names, and options of rules."""

from pathlib import Path

import pytest

from recordscan.cli.scan import check_rule_options, notices
from recordscan.config import load_config
from recordscan.engine import assess_snapshot
from recordscan.errors import ConfigError, PluginError
from recordscan.plugins import load_rules
from recordscan.result import Outcome
from recordscan.testing import BUCKET, sound

NAMING = """
from recordscan.estate.target import bucket_of
from recordscan.facts import need, places
from recordscan.rule import Severity, finding, rule


@rule(
    "acme-bucket-name",
    title="Media lies in a bucket of the video team",
    severity=Severity.MEDIUM,
    remediation="Create a bucket whose name begins so.",
    options={"begins": "acme-", "strict": False},
)
def acme_bucket_name(target, profile, options):
    "Access reviews select buckets by name."
    bucket = bucket_of(target)
    if need(bucket.presence) == "owned" and not bucket.name.startswith(options["begins"]):
        yield finding(f"{bucket.name} has another name", bucket.arn, evidence=places(bucket.presence))
"""


REPLACED = "\nimport dataclasses\nacme_bucket_name = dataclasses.replace(acme_bucket_name, {})"


def write(folder: Path, text: str, name: str = "naming.py") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_a_rule_of_a_file_takes_part_and_the_report_names_the_file_and_its_hash(tmp_path: Path) -> None:
    file = write(tmp_path, NAMING)
    rules = load_rules([file])
    assert len(rules) == len(load_rules()) + 1
    [rule] = [rule for rule in rules if rule.id == "acme-bucket-name"]
    assert rule.family == "naming"
    added, taken = notices(rules, [file])
    assert added == "rules added by plugins: acme-bucket-name (rules_file.naming)"
    assert taken.startswith("rules were taken from the file naming.py (SHA-256 ")
    assert len(taken.partition("SHA-256 ")[2]) == 65


def test_options_of_a_rule_come_from_the_profile_and_else_from_the_rule(tmp_path: Path) -> None:
    [rule] = [rule for rule in load_rules([write(tmp_path, NAMING)]) if rule.id == "acme-bucket-name"]
    config = write(tmp_path, '[profile.options.acme-bucket-name]\nbegins = "other-"\n', "recordscan.toml")
    profile = load_config(config).to_profile()
    case = sound()
    for chosen, outcome in ((case.profile, Outcome.PASS), (profile, Outcome.FAIL)):
        result = assess_snapshot(case.snapshot(), [rule], fail_on=None, profile=chosen)
        assert outcome in {a.outcome for a in result.assessments}
    assert BUCKET.startswith("acme-")


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ("[profile.options.acme-bucket-nam]\nbegins = 'x'", "there is no rule 'acme-bucket-nam'; did you mean"),
        ("[profile.options.acme-bucket-name]\nbegin = 'x'", "has no option 'begin'; it has: begins, strict"),
        (
            "[profile.options.acme-bucket-name]\nbegins = 7",
            "option 'begins' of the rule 'acme-bucket-name' is no text",
        ),
        ("[profile.options.acme-bucket-name]\nstrict = 1", "is no true or false: 1"),
        ("[profile.options.bucket-versioning]\nx = 1", "the rule 'bucket-versioning' has no option 'x'; it has: none"),
    ],
)
def test_options_that_no_rule_has_are_refused(tmp_path: Path, options: str, sentence: str) -> None:
    rules = load_rules([write(tmp_path, NAMING)])
    config = load_config(write(tmp_path, options, "recordscan.toml"))
    with pytest.raises(ConfigError) as raised:
        check_rule_options(rules, config.profile.options)
    assert sentence in str(raised.value)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "holds no rule"),
        ("import absent", "cannot be loaded: ModuleNotFoundError"),
        ("def broken(:", "cannot be loaded: SyntaxError"),
        ("raise SystemExit(0)", "cannot be loaded: SystemExit"),
        (NAMING.replace("acme-bucket-name", "bucket-versioning"), "is already defined by"),
        (NAMING.replace("Severity.MEDIUM", "'medium'"), "the severity 'medium' is none of"),
        (NAMING.replace("target, profile, options", "target, profile"), "and the options that it declares"),
        (NAMING.replace("False", "object()"), "the default of the option 'strict' is none of"),
        (NAMING.replace('"Access reviews select buckets by name."', "pass"), "the docstring"),
        (NAMING + REPLACED.format("subjects=None"), "has a subjects that cannot be called"),
        (NAMING + REPLACED.format("severity='high'"), "has a severity that is no Severity"),
    ],
)
def test_a_broken_file_is_refused_by_name(tmp_path: Path, text: str, sentence: str) -> None:
    with pytest.raises(PluginError) as raised:
        load_rules([write(tmp_path, text)])
    assert sentence in str(raised.value)
    assert "naming" in str(raised.value)


def test_two_files_with_one_rule_are_refused(tmp_path: Path) -> None:
    with pytest.raises(PluginError, match=r"'acme-bucket-name' of .*second.py is already defined by .*naming.py"):
        load_rules([write(tmp_path, NAMING), write(tmp_path, NAMING, "second.py")])


def test_a_file_that_is_no_python_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PluginError, match=r"its name must end in .py"):
        load_rules([write(tmp_path, NAMING, "naming.txt")])


@pytest.mark.parametrize(
    "subjects",
    ["lambda estate: 1 / 0", "lambda estate: [object()]", "lambda estate: 3"],
)
def test_a_rule_that_cannot_tell_its_subjects_is_named(tmp_path: Path, subjects: str) -> None:
    text = NAMING.replace("import Severity, finding, rule", "import Severity, finding, rule_over").replace(
        '@rule(\n    "acme', f'@rule_over(\n    {subjects},\n    "acme'
    )
    rules = [rule for rule in load_rules([write(tmp_path, text)]) if rule.id == "acme-bucket-name"]
    with pytest.raises(PluginError, match=r"'acme-bucket-name' \(rules_file.naming\) cannot tell its subjects"):
        assess_snapshot(sound().snapshot(), rules, fail_on=None)
