"""What the tests of the command line share: one stored scan, and plugins that are found like installed ones."""

from dataclasses import dataclass
from pathlib import Path

from conftest import CommandLine, Run


@dataclass(frozen=True, slots=True, kw_only=True)
class Scanned:
    """A scan of the company that was done once; read its files, change copies only."""

    folder: Path
    run: Run

    @property
    def result(self) -> Path:
        return self.folder / "out" / "result.json"

    @property
    def html(self) -> Path:
        return self.folder / "out" / "report.html"

    @property
    def text(self) -> Path:
        return self.folder / "report.txt"

    @property
    def snapshot(self) -> Path:
        return self.folder / "out" / "snapshot.jsonl.gz"


def install_plugin(command: CommandLine, *, group: str, name: str, source: str) -> None:
    """Let the command line find a plugin of one module, as if its distribution were installed."""
    site = command.folder / "site"
    information = site / "stranger-1.0.dist-info"
    information.mkdir(parents=True)
    (site / "stranger.py").write_text(source, encoding="utf-8")
    (information / "METADATA").write_text("Metadata-Version: 2.1\nName: stranger\nVersion: 1.0\n", encoding="utf-8")
    (information / "entry_points.txt").write_text(f"[{group}]\n{name}\n", encoding="utf-8")
    command.environment["PYTHONPATH"] = str(site)


def one_sentence(run: Run) -> str:
    """The only line of stderr, without the name in front; nothing is on stdout."""
    assert run.stdout == ""
    assert run.stderr.startswith("recordscan: ")
    assert run.stderr.endswith("\n")
    assert run.stderr.count("\n") == 1, run.stderr
    return run.stderr.removeprefix("recordscan: ").rstrip()


def filled_in(stub: str) -> str:
    """An entry with what a person must say."""
    for empty, text in (
        ('id = ""', 'id = "WV-1"'),
        ('reason = ""', 'reason = "the key is no longer needed by anybody"'),
        ('owner = ""', 'owner = "video@example.org"'),
        ('requested_by = ""', 'requested_by = "ito@example.org"'),
        ('approved_by = ""', 'approved_by = "ciso@example.org"'),
    ):
        assert empty in stub
        stub = stub.replace(empty, text)
    return stub
