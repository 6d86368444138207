"""The wheel and the example plugin: what is installed finds its rules, templates and typing markers."""

import json
import os
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]


def pip(*arguments: str) -> None:
    subprocess.run(
        [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", *arguments],
        check=True,
        capture_output=True,
        timeout=180,
    )


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheels")
    for project in (ROOT, ROOT / "examples" / "plugin"):
        pip("wheel", "--no-deps", "--no-build-isolation", "--no-index", "--wheel-dir", str(folder), str(project))
    return folder


@pytest.fixture(scope="module")
def installed(wheels: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Both wheels installed into a folder of their own, away from the checkout."""
    folder = tmp_path_factory.mktemp("installed")
    pip("install", "--no-deps", "--no-index", "--target", str(folder), *(str(wheel) for wheel in wheels.glob("*.whl")))
    return folder


def run(installed: Path, *command: str) -> subprocess.CompletedProcess[str]:
    # The folder comes before the editable installation on the path, and the working folder is not the checkout.
    environment = {**os.environ, "PYTHONPATH": str(installed)}
    arguments = [sys.executable, *command]
    return subprocess.run(
        arguments, env=environment, cwd=installed, capture_output=True, text=True, check=False, timeout=180
    )


def test_the_wheel_holds_three_packages_with_their_markers_and_templates(wheels: Path) -> None:
    [wheel] = wheels.glob("recordscan-*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    for package in ("recordscan", "recordscan_rules", "recordscan_reports"):
        assert f"{package}/py.typed" in names
    assert any(name.endswith(".j2") for name in names)
    assert "recordscan/frameworks/soc2.toml" in names
    assert any(name.endswith("/entry_points.txt") for name in names)
    assert not any(name.startswith(("tests/", "examples/", "scanner/")) for name in names)


def test_an_installed_wheel_runs_from_its_own_files_and_judges_a_snapshot(installed: Path) -> None:
    where = run(
        installed, "-c", "import recordscan, recordscan_rules; print(recordscan.__file__, recordscan_rules.__file__)"
    )
    assert all(str(installed) in path for path in where.stdout.split()), where.stderr
    snapshot = ROOT / "examples" / "hollow-creek" / "snapshot.jsonl.gz"
    scan = run(installed, "-m", "recordscan", "scan", "--snapshot", str(snapshot), "-f", "json", "-o", "html=r.html")
    assert scan.returncode == 1, scan.stderr
    document = json.loads(scan.stdout)
    assert len(document["rules"]) >= 50
    assert (installed / "r.html").read_text(encoding="utf-8").startswith("<!")


def test_a_plugin_adds_its_rules_and_the_report_says_so(installed: Path) -> None:
    shown = run(installed, "-m", "recordscan", "rules", "show", "acme-bucket-name")
    assert "Media lies in a bucket of the video team" in shown.stdout, shown.stderr
    snapshot = ROOT / "examples" / "hollow-creek" / "snapshot.jsonl.gz"
    scan = run(installed, "-m", "recordscan", "scan", "--snapshot", str(snapshot), "-f", "json")
    document = json.loads(scan.stdout)
    assert any("acme-bucket-name" in notice for notice in document["scan"]["notices"])
    outcomes = {a["outcome"] for a in document["assessments"] if a["rule_id"] == "acme-bucket-name"}
    assert "fail" in outcomes


def test_the_plugins_own_tests_pass(installed: Path) -> None:
    done = run(
        installed,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:randomly",
        "-p",
        "no:cacheprovider",
        str(ROOT / "examples" / "plugin"),
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "passed" in done.stdout


@pytest.mark.parametrize(("lock", "extras"), [("runtime", ()), ("dev", ("demo", "test", "lint"))])
def test_the_lock_pins_all_that_the_project_asks_for(lock: str, extras: tuple[str, ...]) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    text = (ROOT / "requirements" / f"{lock}.lock").read_text(encoding="utf-8")
    pins = [Requirement(row.rstrip(" \\")) for row in text.splitlines() if re.match(r"[a-z0-9]", row)]
    pinned = {pin.name: pin for pin in pins if pin.marker is None or pin.marker.evaluate()}
    asked = [*project["dependencies"], *(row for extra in extras for row in project["optional-dependencies"][extra])]
    for wanted in map(Requirement, asked):
        if wanted.name != "recordscan":
            [version] = (specifier.version for specifier in pinned[wanted.name].specifier)
            assert wanted.specifier.contains(version), f"{wanted} is locked at {version}: run `make lock`"
    assert text.count("--hash=sha256:") >= len(pins)
