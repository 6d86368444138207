"""`recordscan bundle` and `recordscan verify`: what is packed is checked, offline."""

import hashlib
import json
import subprocess
import zipfile
from pathlib import Path

import pytest

from cli.scanned import one_sentence
from conftest import CommandLine
from recordscan.bundle import pack, reports_of, with_sums
from recordscan.document import load_result

STORED = Path(__file__).parents[2] / "examples" / "hollow-creek"
SNAPSHOT = str(STORED / "snapshot.jsonl.gz")
RESULT = str(STORED / "result.json")


@pytest.fixture(scope="module")
def evidence() -> bytes:
    """A bundle of the stored scan, packed once."""
    result, snapshot = Path(RESULT).read_bytes(), Path(SNAPSHOT).read_bytes()
    files = {"result.json": result, "snapshot.jsonl.gz": snapshot, **reports_of(load_result(result))}
    return pack(with_sums(files))


@pytest.fixture
def packed(bare: CommandLine, evidence: bytes) -> Path:
    """That bundle, to be changed."""
    path = bare.folder / "evidence.zip"
    path.write_bytes(evidence)
    return path


def changed(path: Path, name: str, change: bytes | None) -> None:
    """Replace or remove one file of a bundle."""
    with zipfile.ZipFile(path) as archive:
        files = {entry: archive.read(entry) for entry in archive.namelist()}
    if change is None:
        del files[name]
    else:
        files[name] = change
    with zipfile.ZipFile(path, "w") as archive:
        for entry, data in files.items():
            archive.writestr(entry, data)


def test_a_bundle_holds_result_answers_reports_and_hashes_and_is_sound(bare: CommandLine, packed: Path) -> None:
    with zipfile.ZipFile(packed) as archive:
        names = ["SHA256SUMS", "report.html", "report.txt", "result.json", "snapshot.jsonl.gz"]
        assert archive.namelist() == names
        assert archive.read("result.json") == Path(RESULT).read_bytes()
    run = bare("verify", "evidence.zip")
    assert (run.status, run.stdout) == (
        0,
        "evidence.zip: 5 files, all as they were; the result rests on snapshot.jsonl.gz; not signed\n",
    )


def test_equal_contents_make_equal_bundles(bare: CommandLine, packed: Path) -> None:
    run = bare("bundle", RESULT, "--snapshot", SNAPSHOT, "-o", "again.zip")
    assert run.status == 0, run.stderr
    assert (bare.folder / "again.zip").read_bytes() == packed.read_bytes()


@pytest.mark.parametrize("name", ["report.html", "report.txt", "result.json", "snapshot.jsonl.gz"])
def test_a49_one_changed_byte_is_found_and_named(bare: CommandLine, packed: Path, name: str) -> None:
    """Verification fails and names the file. (A49)"""
    with zipfile.ZipFile(packed) as archive:
        data = bytearray(archive.read(name))
    data[len(data) // 2] ^= 1
    changed(packed, name, bytes(data))
    run = bare("verify", "evidence.zip")
    assert run.status == 1
    assert f"evidence.zip: {name}: its SHA-256 is not the one in SHA256SUMS" in run.stderr


@pytest.mark.parametrize("name", ["report.html", "report.txt"])
def test_a_report_that_was_changed_with_its_hash_is_not_what_the_result_makes(
    bare: CommandLine, packed: Path, name: str
) -> None:
    """Who changes the hash as well is found by what the result makes. (A49)"""
    with zipfile.ZipFile(packed) as archive:
        sums, report = archive.read("SHA256SUMS").decode(), archive.read(name)
    forged = report.replace(b"FAIL", b"PASS", 1)
    changed(packed, name, forged)
    before, after = (hashlib.sha256(data).hexdigest() for data in (report, forged))
    changed(packed, "SHA256SUMS", sums.replace(before, after).encode())
    run = bare("verify", "evidence.zip")
    assert (run.status, run.stderr) == (1, f"evidence.zip: {name}: is not what result.json makes\n")


@pytest.mark.parametrize(
    ("name", "change", "sentence"),
    [
        ("SHA256SUMS", b"", "report.html is not in SHA256SUMS"),
        ("report.txt", None, "report.txt is missing"),
        ("SHA256SUMS", None, "SHA256SUMS is missing"),
        ("added.txt", b"x", "added.txt is not in SHA256SUMS"),
    ],
)
def test_what_is_missing_or_added_is_named(
    bare: CommandLine, packed: Path, name: str, change: bytes | None, sentence: str
) -> None:
    changed(packed, name, change)
    run = bare("verify", "evidence.zip")
    assert run.status == 1
    assert sentence in run.stderr


def test_a_result_of_another_snapshot_is_not_packed(bare: CommandLine) -> None:
    other = json.loads(Path(RESULT).read_text(encoding="utf-8"))
    assert bare("scan", "--snapshot", SNAPSHOT, "-f", "none", "-o", "json=own.json", "-q").status == 1
    own = json.loads((bare.folder / "own.json").read_text(encoding="utf-8"))
    assert own["scan"]["scan_id"] == other["scan"]["scan_id"]
    own["evidence"] = own["evidence"][:-1]
    (bare.folder / "own.json").write_text(json.dumps(own), encoding="utf-8")
    run = bare("bundle", "own.json", "--snapshot", SNAPSHOT, "-o", "evidence.zip")
    assert run.status == 2
    assert not (bare.folder / "evidence.zip").exists()


@pytest.mark.parametrize("data", [b"", b"PK", b"no archive at all"])
def test_what_is_no_bundle_is_told_in_one_sentence(bare: CommandLine, data: bytes) -> None:
    (bare.folder / "evidence.zip").write_bytes(data)
    run = bare("verify", "evidence.zip")
    assert run.status == 2
    assert "evidence.zip: is no sound ZIP file" in one_sentence(run)


def test_a49_a_signature_is_made_and_checked_offline(bare: CommandLine) -> None:
    """Who has signed is checked with OpenSSH alone. (A49)"""
    key = bare.folder / "key"
    make = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "audit", "-f", str(key)]
    subprocess.run(make, check=True)
    public = key.with_suffix(".pub").read_text(encoding="utf-8")
    (bare.folder / "signers").write_text(f"audit@example.org {public}", encoding="utf-8")
    run = bare("bundle", RESULT, "-o", "signed.zip", "--sign", "key")
    assert run.status == 0, run.stderr
    who = ("--allowed-signers", "signers", "--identity", "audit@example.org")
    run = bare("verify", "signed.zip", *who)
    assert (run.status, run.stdout.endswith("; signed by audit@example.org\n")) == (0, True)
    stranger = bare("verify", "signed.zip", *who[:3], "somebody@example.org")
    assert stranger.status == 1
    assert "is no signature of somebody@example.org" in stranger.stderr
    with zipfile.ZipFile(bare.folder / "signed.zip") as archive:
        sums = archive.read("SHA256SUMS")
    changed(bare.folder / "signed.zip", "SHA256SUMS", sums.replace(b"report.txt", b"report.TXT"))
    assert bare("verify", "signed.zip", *who).status == 1
    assert "cannot be signed with" in one_sentence(bare("bundle", RESULT, "-o", "x.zip", "--sign", "signers"))
