"""Evidence bundles: the result of a scan, its raw answers and its reports in one archive, with the hash of each.

A bundle is a ZIP file that equal contents make equal. `SHA256SUMS` has the form of `sha256sum`; `SHA256SUMS.sig` is an
OpenSSH signature of it (`ssh-keygen -Y sign`), in the namespace `recordscan`.

Source: https://man.openbsd.org/ssh-keygen#Y~2
"""

import hashlib
import io
import subprocess
import tempfile
import zipfile
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from recordscan import __version__
from recordscan.consistency import disagreements
from recordscan.document import load_result
from recordscan.errors import OutputError, SnapshotError
from recordscan.plugins import load_reports, main_file
from recordscan.rejudge import departures, not_judged_again
from recordscan.result import ScanResult
from recordscan.rule import Rule
from recordscan.snapshot import load_snapshot

SUMS = "SHA256SUMS"
SIGNATURE = f"{SUMS}.sig"
RESULT = "result.json"
REPORTS = {"report.html": "html", "report.txt": "text"}
"""Files of a bundle that are reports, and their formats."""

SNAPSHOT = "snapshot.jsonl.gz"
_SIGNED = b"-----BEGIN SSH SIGNATURE-----"
NAMESPACE = "recordscan"
"""Of the signature, so that one made for another purpose is none."""

MOST_BYTES = 2_000_000_000
"""Of all files of a bundle together: what claims to be more is not unpacked."""

_DAY = (1980, 1, 1, 0, 0, 0)
"""The earliest that ZIP can tell: times of files are no evidence."""


def with_sums(files: Mapping[str, bytes]) -> dict[str, bytes]:
    """Files with the one that holds the SHA-256 of each; names have no folder."""
    sums = "".join(f"{hashlib.sha256(files[name]).hexdigest()}  {name}\n" for name in sorted(files))
    return {**files, SUMS: sums.encode()}


def pack(files: Mapping[str, bytes], *, sign_with: Path | None = None) -> bytes:
    """Make a bundle.

    Args:
        files: What `with_sums` gives.
        sign_with: An OpenSSH private key; None for no signature. `ssh-keygen` asks for its passphrase.

    Raises:
        OutputError: It cannot be signed.
    """
    every = dict(files)
    if sign_with is not None:
        every[SIGNATURE] = _sign(files[SUMS], sign_with)
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name in sorted(every):
            entry = zipfile.ZipInfo(name, date_time=_DAY)
            entry.external_attr = 0o600 << 16
            archive.writestr(entry, every[name], compress_type=zipfile.ZIP_DEFLATED, compresslevel=9)
    return stream.getvalue()


def unpack(path: Path) -> dict[str, bytes]:
    """The files of a bundle.

    Raises:
        SnapshotError: It cannot be read, is no ZIP file or a damaged one, or holds folders or too much.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
            if sum(entry.file_size for entry in entries) > MOST_BYTES:
                raise SnapshotError(f"{path}: holds more than {MOST_BYTES:,} bytes; it is no bundle")
            names = [entry.filename for entry in entries]
            if len(set(names)) < len(names) or any("/" in name or "\\" in name for name in names):
                raise SnapshotError(f"{path}: holds a folder, or one name twice; it is no bundle")
            return {entry.filename: archive.read(entry) for entry in entries}
    except OSError as error:
        raise SnapshotError(f"{path}: cannot be read: {error.strerror or error}") from None
    except (zipfile.BadZipFile, ValueError, NotImplementedError, RuntimeError, EOFError) as error:
        raise SnapshotError(f"{path}: is no sound ZIP file: {error}") from None


@dataclass(frozen=True, slots=True, kw_only=True)
class Examined:
    """What became of the check of a bundle.

    Attributes:
        objections: What is wrong, each in a sentence that names the file; () for a sound one.
        rests: What the result was found to rest on, in a sentence.
        again: Whether every check of the result was judged again.
    """

    objections: tuple[str, ...]
    rests: str
    again: bool = False


def examine(files: Mapping[str, bytes], rules: Sequence[Rule]) -> Examined:
    """Check a bundle: its hashes, that its result agrees with itself and its reports, and what its snapshot makes it.

    Args:
        files: Of the bundle.
        rules: Those with which the snapshot is judged again.
    """
    found = list(_sum_objections(files)) if SUMS in files else [f"{SUMS} is missing"]
    if SIGNATURE in files and not files[SIGNATURE].startswith(_SIGNED):
        found.append(f"{SIGNATURE} is no signature of OpenSSH")
    if RESULT not in files:
        return Examined(objections=(*found, f"{RESULT} is missing"), rests="there is no result")
    try:
        result = load_result(files[RESULT])
    except SnapshotError as error:
        return Examined(objections=(*found, f"{RESULT}: {error}"), rests="there is no result")
    found += [f"{RESULT}: {what}" for what in disagreements(result)]
    found += _report_objections(files, result)
    if result.withheld is not None:
        found.append(f"{RESULT}: it was made to be shared, with parts left out or hashed; take the whole one")
    if SNAPSHOT not in files:
        return Examined(objections=tuple(found), rests="no snapshot shows what the result rests on")
    with tempfile.TemporaryDirectory() as folder:
        stored = Path(folder) / SNAPSHOT
        stored.write_bytes(files[SNAPSHOT])
        try:
            snapshot = load_snapshot(stored)
        except SnapshotError as error:
            objection = f"{SNAPSHOT}: {str(error).removeprefix(f'{stored}: ')}"
            return Examined(objections=(*found, objection), rests="the snapshot cannot be read")
    if {o.id: o.sha256 for o in snapshot.observations} != {item.id: item.sha256 for item in result.evidence}:
        found.append(f"{RESULT}: its evidence is not that of {SNAPSHOT}")
    elif not found and result.scan.tool_version == __version__:
        found += [f"{RESULT}: {what}" for what in departures(result, snapshot, rules)]
    gap = not_judged_again(result, rules)
    again = f", which makes it when judged again by version {__version__}" if gap is None else f"; {gap}"
    return Examined(objections=tuple(found), rests=f"the result rests on {SNAPSHOT}{again}", again=gap is None)


def _report_objections(files: Mapping[str, bytes], result: ScanResult) -> Iterator[str]:
    """Reports that are not what the result makes; another version may say the same in other words."""
    if result.scan.tool_version == __version__:
        rendered = reports_of(result, [name for name in REPORTS if name in files])
        yield from (f"{name}: is not what {RESULT} makes" for name, text in rendered.items() if files[name] != text)


def reports_of(result: ScanResult, names: Collection[str] = tuple(REPORTS)) -> dict[str, bytes]:
    """The reports that a bundle holds, by name."""
    reports = load_reports()
    return {
        name: main_file(reports[kind](result)) for name, kind in REPORTS.items() if name in names and kind in reports
    }


def _sum_objections(files: Mapping[str, bytes]) -> Iterator[str]:
    listed: dict[str, str] = {}
    for line in files[SUMS].decode(errors="replace").splitlines():
        digest, _, name = line.partition("  ")
        listed[name] = digest
    for name, digest in listed.items():
        if name not in files:
            yield f"{name} is missing"
        elif hashlib.sha256(files[name]).hexdigest() != digest:
            yield f"{name}: its SHA-256 is not the one in {SUMS}; it was changed"
    yield from (f"{name} is not in {SUMS}" for name in files if name not in listed and name not in (SUMS, SIGNATURE))


def signer_objection(files: Mapping[str, bytes], allowed_signers: Path, identity: str) -> str | None:
    """What is wrong with the signature, in a sentence; None where somebody who may sign has signed.

    Args:
        files: Of the bundle.
        allowed_signers: File of OpenSSH with identities and their public keys.
        identity: Who is to have signed.

    Raises:
        OutputError: `ssh-keygen` cannot be run.
    """
    if SIGNATURE not in files:
        return "it is not signed"
    with tempfile.TemporaryDirectory() as folder:
        signature = Path(folder) / SIGNATURE
        signature.write_bytes(files[SIGNATURE])
        done = _keygen(
            ["-Y", "verify", "-f", str(allowed_signers), "-I", identity, "-n", NAMESPACE, "-s", str(signature)],
            files.get(SUMS, b""),
        )
    if done.returncode == 0:
        return None
    return f"{SIGNATURE} is no signature of {identity}: {_last_line(done.stderr or done.stdout)}"


def _sign(data: bytes, key: Path) -> bytes:
    done = _keygen(["-Y", "sign", "-f", str(key), "-n", NAMESPACE], data)
    if done.returncode != 0:
        raise OutputError(f"the bundle cannot be signed with {key}: {_last_line(done.stderr)}")
    return done.stdout


def _keygen(arguments: list[str], data: bytes) -> subprocess.CompletedProcess[bytes]:
    try:
        return subprocess.run(["ssh-keygen", *arguments], input=data, capture_output=True, check=False)  # noqa: S607
    except OSError as error:
        raise OutputError(f"ssh-keygen cannot be run: {error.strerror}; install OpenSSH") from None


def _last_line(output: bytes) -> str:
    lines = output.decode(errors="replace").strip().splitlines()
    return lines[-1] if lines else "ssh-keygen said nothing"
