"""`recordscan report`: other formats of a stored result, offline."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from recordscan.cli.options import Sharing, report_options, summary_option

if TYPE_CHECKING:
    from recordscan.result import ScanResult


@click.command(
    epilog="""\b
Examples:
  recordscan report result.json
  recordscan report result.json -f none -o html=report.html
  recordscan report result.json -f none -o html=to-share.html --redact accounts,names,principals --no-include-passed
"""
)
@click.argument("result_path", metavar="RESULT.json", type=click.Path(path_type=Path, dir_okay=False))
@report_options
@summary_option
def report(
    *,
    result_path: Path,
    format_: str,
    outputs: tuple[str, ...],
    format_options: tuple[str, ...],
    color: str,
    width: int | None,
    sharing: Sharing,
    summary: str,
) -> int:
    """Render a stored result again, in any format; needs no credentials and no network. Exits 0 whatever it says."""
    from recordscan.cli.output import (
        append_summary,
        parse_outputs,
        print_report,
        require_apart,
        require_format,
        summary_file,
        tell_idle_options,
        with_options,
        with_width,
        write_outputs,
    )
    from recordscan.plugins import load_reports

    reports = with_width(with_options(load_reports(), format_options), width)
    if format_ != "none":
        require_format(format_, reports)
    files = parse_outputs(outputs, reports)
    require_apart([(f"-o {file.format}", file.path) for file in files], [("the result", result_path)])
    summary_path = summary_file(summary, reports)
    tell_idle_options(format_options, format_, files, summary_path)
    result = sharing.of(read_result(result_path))
    if format_ != "none":
        print_report(result, format_, reports, color=color, width=width)
    write_outputs(result, files, reports)
    append_summary(result, summary_path, reports)
    return 0


def read_result(path: Path) -> "ScanResult":
    """Read a stored result.

    Raises:
        SnapshotError: It cannot be read, is no result, or does not agree with itself; names the file.
    """
    from recordscan.consistency import disagreements
    from recordscan.document import load_result
    from recordscan.errors import SnapshotError

    try:
        result = load_result(path.read_bytes())
    except OSError as error:
        raise SnapshotError(f"{path}: cannot be read: {error.strerror}") from None
    except SnapshotError as error:
        raise SnapshotError(f"{path}: {error}") from None
    found = list(disagreements(result))
    if found:
        more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
        raise SnapshotError(f"{path}: the result was edited or damaged: {found[0]}{more}; scan again, or restore it")
    return result
