"""`recordscan bundle` and `recordscan verify`: what is packed is checked, offline."""

import hashlib
import json
import re
import subprocess
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from cli.scanned import filled_in, one_sentence
from conftest import CommandLine
from recordscan import __version__
from recordscan.bundle import examine, pack, reports_of, with_sums
from recordscan.consistency import disagreements
from recordscan.document import load_result
from recordscan.engine import judge_gate
from recordscan.plugins import load_reports, load_rules, main_file
from recordscan.result import FrameworkRecord, Outcome, ScanResult, fingerprint

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
    again = f"which makes it when judged again by version {__version__}"
    told = f"evidence.zip: 5 files, all as they were; the result rests on snapshot.jsonl.gz, {again}; not signed\n"
    assert (run.status, run.stdout) == (0, told)


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


def of(result: ScanResult, **changes: object) -> ScanResult:
    """A result with other parts, and everything that is counted and concluded from them as it follows."""
    changed = replace(result, **changes)  # type: ignore[arg-type]
    gate = judge_gate(
        changed.assessments,
        changed.gate.fail_on,
        interrupted=changed.scan.interrupted,
        severities={rule.id: rule.severity for rule in changed.rules},
        left_out=len(changed.coverage.not_selected),
    )
    counted = [a for a in changed.assessments if a.outcome is not Outcome.NOT_APPLICABLE]
    unknown = sum(a.outcome is Outcome.UNKNOWN for a in counted)
    coverage = replace(changed.coverage, planned=len(counted), evaluated=len(counted) - unknown)
    return replace(changed, gate=gate, exit=gate.exit, coverage=coverage, frameworks=(), score=None)


def whitewashed(result: ScanResult) -> ScanResult:
    """Every failure a pass."""
    severities = {rule.id: rule.severity for rule in result.rules}
    assessments = tuple(
        replace(a, outcome=Outcome.PASS, findings=(), remedy=None, detail=None, severity=severities[a.rule_id])
        if a.outcome is Outcome.FAIL
        else a
        for a in result.assessments
    )
    return of(result, assessments=assessments)


def without_a_rule(result: ScanResult) -> ScanResult:
    return of(
        result,
        rules=tuple(rule for rule in result.rules if rule.id != "account-full-admin"),
        assessments=tuple(a for a in result.assessments if a.rule_id != "account-full-admin"),
    )


def without_a_check(result: ScanResult) -> ScanResult:
    lost = next(a for a in result.assessments if a.outcome is Outcome.FAIL)
    return of(result, assessments=tuple(a for a in result.assessments if a is not lost))


def with_a_remark(result: ScanResult) -> ScanResult:
    changed = next(a for a in result.assessments if a.outcome is Outcome.PASS)
    assessments = tuple(replace(a, detail="looked at by hand") if a is changed else a for a in result.assessments)
    return of(result, assessments=assessments)


def with_a_check_of_nothing(result: ScanResult) -> ScanResult:
    copied = next(a for a in result.assessments if a.outcome is Outcome.PASS)
    uid = "arn:aws:s3:::nobody-has-this"
    added = replace(
        copied,
        subject=replace(copied.subject, uid=uid),
        fingerprint=fingerprint(copied.rule_id, uid),
        aliases=tuple(fingerprint(name, uid) for name in result.rule(copied.rule_id).aliases),
    )
    return of(result, assessments=(*result.assessments, added))


def reworded(result: ScanResult) -> ScanResult:
    first, *others = result.rules
    return of(result, rules=(replace(first, rationale="It does not matter."), *others))


def without_notices(result: ScanResult) -> ScanResult:
    return of(result, scan=replace(result.scan, notices=()))


def retitled(frameworks: tuple[FrameworkRecord, ...]) -> tuple[FrameworkRecord, ...]:
    first, *others = frameworks
    control, *rest = first.controls
    return (replace(first, controls=(replace(control, title="Optional: it does not matter"), *rest)), *others)


@pytest.mark.parametrize(
    ("forge", "says"),
    [
        (whitewashed, r"is a pass, but the answers make it a fail$"),
        (without_a_rule, r"the rule account-full-admin is in it neither as run nor as left out$"),
        (without_a_check, r"is missing: the answers make it a fail$"),
        (with_a_remark, r"says something else than the answers make it say$"),
        (with_a_check_of_nothing, r"on arn:aws:s3:::nobody-has-this is about nothing in the answers$"),
        (reworded, r"is told in other words than its own$"),
        (without_notices, r"it does not say that answers came from a stand-in, "),
        (of, r"the controls of its frameworks are not what its rules"),
        (lambda r: replace(r, frameworks=r.frameworks[1:]), r"the controls of its frameworks are not what its rules"),
        (lambda r: replace(r, frameworks=retitled(r.frameworks)), r"the controls of its frameworks are not what its "),
        (lambda r: of(r, access=()), r"the access is not what the answers make it$"),
        (lambda r: of(r, chains=r.chains[1:]), r"the chain of each target is not what the answers make it$"),
        (lambda r: of(r, scan=replace(r.scan, started="2020-01-01T00:00:00Z")), r"is not what the snapshot says$"),
        (lambda r: of(r, scan=replace(r.scan, profile={"x": 1})), r"requirements are none that this version knows$"),
    ],
)
def test_a_forged_result_that_agrees_with_itself_is_not_what_its_answers_make(
    forge: Callable[[ScanResult], ScanResult], says: str
) -> None:
    """Everything follows from the forgery, hashes too; the answers tell. (A49)"""
    document = main_file(load_reports()["json"](forge(load_result(Path(RESULT).read_bytes()))))
    assert list(disagreements(load_result(document))) == []
    files = with_sums({"result.json": document, "snapshot.jsonl.gz": Path(SNAPSHOT).read_bytes()})
    objections = examine(files, load_rules()).objections
    assert all(objection.startswith("result.json: ") for objection in objections)
    assert re.search(says, "\n".join(objections), re.M)


def test_a_forgery_is_neither_packed_nor_verified(bare: CommandLine) -> None:
    """Nor where its reports are made of it. (A49)"""
    forged = whitewashed(load_result(Path(RESULT).read_bytes()))
    document = main_file(load_reports()["json"](forged))
    files = {"result.json": document, "snapshot.jsonl.gz": Path(SNAPSHOT).read_bytes(), **reports_of(forged)}
    (bare.folder / "evidence.zip").write_bytes(pack(with_sums(files)))
    run = bare("verify", "evidence.zip")
    assert run.status == 1
    assert "is a pass, but the answers make it a fail\n" in run.stderr
    (bare.folder / "r.json").write_bytes(document)
    packing = bare("bundle", "r.json", "--snapshot", SNAPSHOT, "-o", "forged.zip")
    assert packing.status == 2
    assert "these files do not belong together: " in one_sentence(packing)
    assert not (bare.folder / "forged.zip").exists()


def test_waivers_and_baseline_are_no_matter_of_the_answers(bare: CommandLine) -> None:
    failed = next(a for a in load_result(Path(RESULT).read_bytes()).assessments if a.outcome is Outcome.FAIL)
    stub = bare("waivers", "add", failed.findings[0].fingerprint, "--in", RESULT)
    (bare.folder / "recordscan-waivers.toml").write_text(filled_in(stub.stdout), encoding="utf-8")
    judged = bare("scan", "--snapshot", SNAPSHOT, "--waivers", "recordscan-waivers.toml", "--baseline", RESULT,
                  "-f", "none", "-o", "json=r.json", "-q")  # fmt: skip
    assert judged.status == 1, judged.stderr
    assert load_result((bare.folder / "r.json").read_bytes()).waivers[0].applied > 0
    assert bare("bundle", "r.json", "--snapshot", SNAPSHOT, "-o", "evidence.zip").status == 0
    assert bare("verify", "evidence.zip").status == 0


OWN_RULE = '''
from recordscan.rule import Severity, rule


@rule("own-rule", title="Ours", severity=Severity.LOW, remediation="Do it.", references=("https://example.org/",))
def own_rule(target):
    """It is ours."""
    return
    yield
'''


def test_rules_that_are_not_there_are_named_as_not_judged_again(bare: CommandLine) -> None:
    (bare.folder / "own.py").write_text(OWN_RULE, encoding="utf-8")
    arguments = ("scan", "--snapshot", SNAPSHOT, "--rules", "own.py", "-f", "none", "-o", "json=r.json", "-q")
    judged = bare(*arguments)
    assert judged.status == 1, judged.stderr
    packed = bare("bundle", "r.json", "--snapshot", SNAPSHOT, "-o", "evidence.zip")
    assert packed.status == 0, packed.stderr
    run = bare("verify", "evidence.zip")
    assert (run.status, run.stderr) == (3, "")
    assert "checks of rules that are not here (own-rule) were not judged again; name --rules; not signed" in run.stdout
    whole = bare("verify", "evidence.zip", "--rules", "own.py")
    assert whole.status == 0
    assert "which makes it when judged again" in whole.stdout


def test_what_is_no_signature_is_told(bare: CommandLine, packed: Path) -> None:
    with zipfile.ZipFile(packed, "a") as archive:
        archive.writestr("SHA256SUMS.sig", "junk")
    run = bare("verify", "evidence.zip")
    assert (run.status, run.stderr) == (1, "evidence.zip: SHA256SUMS.sig is no signature of OpenSSH\n")


def test_a_bundle_without_answers_is_not_judged_again(bare: CommandLine) -> None:
    assert bare("bundle", RESULT, "-o", "evidence.zip").status == 0
    run = bare("verify", "evidence.zip")
    assert run.status == 3
    assert "; no snapshot shows what the result rests on; not signed" in run.stdout


def test_frameworks_that_were_asked_for_are_enough(bare: CommandLine) -> None:
    asked = ("--framework", "soc2", "--framework", "hipaa", "-f", "none", "-o", "json=r.json", "-q")
    assert bare("scan", "--snapshot", SNAPSHOT, *asked).status == 1
    assert bare("bundle", "r.json", "--snapshot", SNAPSHOT, "-o", "evidence.zip").status == 0
    assert bare("verify", "evidence.zip").status == 0


def test_a_result_of_another_version_is_not_judged_again_which_is_said(bare: CommandLine) -> None:
    result = load_result(Path(RESULT).read_bytes())
    older = of(result, scan=replace(result.scan, tool_version="0.0.1"))
    files = {
        "result.json": main_file(load_reports()["json"](older)),
        "snapshot.jsonl.gz": Path(SNAPSHOT).read_bytes(),
    }
    (bare.folder / "evidence.zip").write_bytes(pack(with_sums(files)))
    run = bare("verify", "evidence.zip")
    assert (run.status, run.stderr) == (3, "")
    assert f"; not judged again, as version 0.0.1 judged it and this is {__version__}; not signed" in run.stdout


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
    run = bare("bundle", RESULT, "--snapshot", SNAPSHOT, "-o", "signed.zip", "--sign", "key")
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
