import pytest

from cli.scanned import Scanned
from conftest import CommandLine
from recordscan.demo.run import Company, scan_environment


@pytest.fixture(scope="session")
def scanned(estate: Company, tmp_path_factory: pytest.TempPathFactory) -> Scanned:
    """One scan of the company in its ordinary state, with every output."""
    estate.aws.heal()
    estate.twilio.heal()
    folder = tmp_path_factory.mktemp("scanned")
    (folder / "recordscan.toml").write_text(estate.config, encoding="utf-8")
    run = CommandLine(folder, scan_environment(estate))("scan", "--output-dir", "out", "-o", "text=report.txt")
    assert run.status == 1, run.stderr
    return Scanned(folder=folder, run=run)
