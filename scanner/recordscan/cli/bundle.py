"""`recordscan bundle` and `recordscan verify`: evidence that can be handed over, and how to check it."""

from pathlib import Path

import click

from recordscan.cli.options import rules_option
from recordscan.visible import visible

_path = click.Path(path_type=Path, dir_okay=False)
_read = click.Path(path_type=Path, dir_okay=False, exists=True)


@click.command(
    epilog="""\b
Examples:
  recordscan bundle result.json --snapshot snapshot.jsonl.gz -o evidence.zip
  recordscan bundle result.json --snapshot snapshot.jsonl.gz -o evidence.zip --sign ~/.ssh/id_ed25519
"""
)
@click.argument("result_path", metavar="RESULT.json", type=_path)
@click.option("--snapshot", "snapshot_path", type=_path, help="The snapshot that the result was judged from.")
@click.option("-o", "--output", "output_path", type=_path, required=True, help="The ZIP file to write.")
@click.option("--sign", "key", type=_read, metavar="KEY", help="Sign with this OpenSSH key (ssh-keygen -Y sign).")
@rules_option
def bundle(
    *, result_path: Path, snapshot_path: Path | None, output_path: Path, key: Path | None, rule_files: tuple[Path, ...]
) -> None:
    """Pack a stored result, its snapshot and its reports, with the SHA-256 of each.

    The snapshot is judged again, and nothing is packed where the result is not what it makes. Equal contents make equal
    bundles, but for a signature.
    """
    from recordscan.bundle import RESULT, SNAPSHOT, examine, pack, reports_of, with_sums
    from recordscan.cli.output import require_apart, require_writable
    from recordscan.cli.report import read_result
    from recordscan.errors import SnapshotError
    from recordscan.files import write_atomically
    from recordscan.plugins import load_rules
    from recordscan.snapshot import load_snapshot

    require_writable(output_path)
    read = [("the result", result_path), *([] if snapshot_path is None else [("--snapshot", snapshot_path)])]
    require_apart([("-o", output_path)], read)
    files = {RESULT: result_path.read_bytes(), **reports_of(read_result(result_path))}
    if snapshot_path is not None:
        load_snapshot(snapshot_path)
        files[SNAPSHOT] = snapshot_path.read_bytes()
    summed = with_sums(files)
    examined = examine(summed, load_rules(rule_files))
    if examined.objections:
        raise SnapshotError(f"these files do not belong together: {examined.objections[0]}")
    write_atomically(output_path, pack(summed, sign_with=key))
    click.echo(visible(f"wrote {output_path}: {', '.join(sorted(files))}; {examined.rests}"), err=True)


@click.command(
    epilog="""\b
Examples:
  recordscan verify evidence.zip
  recordscan verify evidence.zip --allowed-signers signers --identity audit@example.org
"""
)
@click.argument("bundle_path", metavar="BUNDLE.zip", type=_path)
@click.option("--allowed-signers", type=_read, help="Who may sign: a file of OpenSSH with identities and public keys.")
@click.option("--identity", help="Who is to have signed; needs --allowed-signers.")
@rules_option
def verify(
    *, bundle_path: Path, allowed_signers: Path | None, identity: str | None, rule_files: tuple[Path, ...]
) -> int:
    """Check a bundle, offline: every hash, that result and reports agree, what the snapshot makes, the signature.

    The snapshot is judged again, with the rules that are installed and those of --rules; a result of another version is
    not, which is said. Waivers, baseline and requirements are taken from the result.

    Exits 1 when something is wrong, and names it; 3 when nothing is, but not every check could be judged again.
    """
    from recordscan.bundle import SIGNATURE, examine, signer_objection, unpack
    from recordscan.plugins import load_rules

    if (allowed_signers is None) != (identity is None):
        raise click.UsageError("--allowed-signers and --identity go together")
    files = unpack(bundle_path)
    examined = examine(files, load_rules(rule_files))
    found = list(examined.objections)
    if allowed_signers is not None and identity is not None:
        objection = signer_objection(files, allowed_signers, identity)
        found += [] if objection is None else [objection]
    for what in found:
        click.echo(visible(f"{bundle_path}: {what}"), err=True)
    if found:
        return 1
    signed = f"signed by {identity}" if identity else ("signed; not checked" if SIGNATURE in files else "not signed")
    click.echo(visible(f"{bundle_path}: {len(files)} files, all as they were; {examined.rests}; {signed}"))
    return 0 if examined.again else 3
