"""Heavy validators of other people, which `make test-full` installs next to the tests' environment."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(sys.prefix) / "validators"
MULTITOOL = FOLDER / "node_modules/@microsoft/sarif-multitool-linux/Sarif.Multitool"
AXE = FOLDER / "node_modules/axe-core/axe.min.js"
HTML_VALIDATE = FOLDER / "node_modules/html-validate/bin/html-validate.mjs"
VNU = FOLDER / "node_modules/vnu-jar/build/dist/vnu.jar"
TRESTLE = FOLDER / "trestle/bin/python"

READ_OSCAL = """
import sys
from pathlib import Path
from trestle.oscal.assessment_results import AssessmentResults
for name in sys.argv[1:]:
    AssessmentResults.oscal_read(Path(name))
"""


READ_MARKDOWN = """
import json, sys
from cmarkgfm import github_flavored_markdown_to_html
from cmarkgfm.cmark import Options
print(json.dumps([github_flavored_markdown_to_html(text, Options.CMARK_OPT_UNSAFE) for text in json.load(sys.stdin)]))
"""


def required(tool: Path) -> str:
    """The path of a validator, or the end of the test that needs it."""
    if not tool.exists():
        pytest.fail(f"{tool} is not installed; run `make test-full`")
    return str(tool)


def sarif_errors(file: Path) -> list[str]:
    """What Microsoft's multitool, with GitHub's rules, reports as an error. It exits 0 in any case."""
    verdict = file.with_suffix(".verdict.json")
    options = ["--rule-kind", "Sarif;Gh", "--level", "Error;Warning;Note", "--max-file-size-in-kb", "200000"]
    done = subprocess.run(
        [required(MULTITOOL), "validate", str(file), *options, "--output", str(verdict), "--log", "ForceOverwrite"],
        env={**os.environ, "DOTNET_SYSTEM_GLOBALIZATION_INVARIANT": "1"},
        capture_output=True,
        text=True,
        check=True,
        timeout=280,
    )
    assert "1 files scanned" in done.stdout, done.stdout
    [run] = json.loads(verdict.read_text(encoding="utf-8-sig"))["runs"]
    assert run["results"] != []  # it always has a note or two, so an empty list means that nothing was validated
    return [f"{r['ruleId']}: {r['message']}" for r in run["results"] if r.get("level", "warning") == "error"]


def read_oscal(*files: Path) -> subprocess.CompletedProcess[str]:
    """Let compliance-trestle read OSCAL files; it ends with another status than 0 at the first that is not valid."""
    return subprocess.run(
        [required(TRESTLE), "-c", READ_OSCAL, *map(str, files)],
        capture_output=True,
        text=True,
        check=False,
        timeout=280,
    )


def read_markdown(*texts: str) -> list[str]:
    """What GitHub's own parser, which compliance-trestle brings along, makes of texts, before any cleaning."""
    done = subprocess.run(
        [required(TRESTLE), "-c", READ_MARKDOWN],
        input=json.dumps(texts),
        capture_output=True,
        text=True,
        check=True,
        timeout=280,
    )
    found: list[str] = json.loads(done.stdout)
    return found


def html_errors(*files: Path) -> list[str]:
    """What the W3C's checker calls an error, and all that html-validate says."""
    java, node = (shutil.which(name) or pytest.fail(f"{name} is not installed") for name in ("java", "node"))
    vnu = subprocess.run(
        [java, "-jar", required(VNU), "--stdout", "--format", "json", *map(str, files)],
        capture_output=True,
        text=True,
        check=False,
        timeout=280,
    )
    errors = [message["message"] for message in json.loads(vnu.stdout)["messages"] if message["type"] == "error"]
    config = Path(__file__).parent / "html-validate.json"
    lint = subprocess.run(
        [node, required(HTML_VALIDATE), "--config", str(config), "--formatter", "json", *map(str, files)],
        capture_output=True,
        text=True,
        check=False,
        timeout=280,
    )
    assert lint.returncode in (0, 1), lint.stderr
    return errors + [message["message"] for file in json.loads(lint.stdout) for message in file["messages"]]
