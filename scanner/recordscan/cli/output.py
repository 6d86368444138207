"""What commands share in writing: formats to files and stdout, colour, hostile text."""

import inspect
import io
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import partial
from pathlib import Path
from typing import Any, Literal

import click

from recordscan.cli.streams import give_up_stdout
from recordscan.errors import ConfigError, OutputError
from recordscan.files import write_atomically
from recordscan.plugins import Composed, Print, Render, load_console, main_file
from recordscan.result import ScanResult
from recordscan.visible import visible

SUMMARY_VARIABLE = "GITHUB_STEP_SUMMARY"
SUMMARY_FORMAT = "markdown"
SUMMARY_SIZE = 1024 * 1024
"""Bytes; GitHub drops the summary of a step as a whole when it is larger."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """One report to write: which format, and to which file."""

    format: str
    path: Path


def parse_outputs(values: Sequence[str], reports: Mapping[str, Render]) -> tuple[Output, ...]:
    """Read `FORMAT=PATH` options, and see that each can be written before anything else is done.

    Raises:
        ConfigError: An option has another form, or there is no such format.
        OutputError: The folder does not exist or is not writable.
    """
    outputs = []
    for value in values:
        name, separator, path = value.partition("=")
        if not separator or not path:
            raise ConfigError(f"-o {value!r}: write FORMAT=PATH, such as html=report.html")
        require_format(name, reports)
        if path == "-":
            raise ConfigError(f"-o {value!r}: a file has a name; for stdout write -f {name}")
        outputs.append(Output(format=name, path=Path(path)))
        require_writable(Path(path))
    return tuple(outputs)


def with_options(reports: Mapping[str, Render], values: Sequence[str]) -> dict[str, Render]:
    """The reports with options of theirs set, each given as `FORMAT.NAME=VALUE`; the last of two counts.

    The options of a report are the keyword-only parameters of its function, with hyphens for underscores. The type of a
    default makes the value of a text, and raises ValueError with what it should be.

    Raises:
        ConfigError: There is no such format or option, or it does not take the value.
    """
    chosen: dict[str, dict[str, object]] = {}
    for text in values:
        left, equals, value = text.partition("=")
        name, dot, option = left.partition(".")
        if not equals or not dot:
            raise ConfigError(f"--format-option {text!r}: write FORMAT.NAME=VALUE, such as junit.granularity=rule")
        require_format(name, reports)
        defaults = format_options(reports[name])
        if option not in defaults:
            raise ConfigError(f"the format {name!r} has no option {option!r}; it has: {', '.join(defaults) or 'none'}")
        try:
            made = _value(type(defaults[option]), value)
        except ValueError as error:
            raise ConfigError(f"--format-option {left}: {error}") from None
        chosen.setdefault(name, {})[option.replace("-", "_")] = made
    return {name: partial(render, **chosen[name]) if name in chosen else render for name, render in reports.items()}


def tell_idle_options(values: Sequence[str], format_: str, files: Sequence[Output], summary: Path | None) -> None:
    """Say on stderr of each option whose format is written neither to stdout, nor to a file or the job summary."""
    written = {format_, *(file.format for file in files), *([] if summary is None else [SUMMARY_FORMAT])}
    for text in values:
        name = text.partition(".")[0]
        if name not in written:
            click.echo(visible(f"--format-option {text} changes nothing: no {name} is written"), err=True)


def format_options(render: Render) -> dict[str, object]:
    """The options of a report, each with its default."""
    return {
        name.replace("_", "-"): parameter.default
        for name, parameter in inspect.signature(render).parameters.items()
        if parameter.kind is parameter.KEYWORD_ONLY
    }


def _value(kind: type[Any], text: str) -> object:
    words: dict[str, object] = {}
    if kind is bool:
        words = {"true": True, "false": False}
    elif issubclass(kind, Enum):
        words = {str(member.value): member for member in kind}
    if not words:
        return kind(text)
    if text not in words:
        raise ValueError(f"{text!r} is none of {', '.join(words)}")
    return words[text]


TEXT = "text"
"""The format for people at a terminal, which alone has lines of some width."""


def with_width(reports: Mapping[str, Render], width: int | None) -> Mapping[str, Render]:
    """The reports, the one for terminals in lines of so many characters."""
    options = {} if width is None else {"width": width}
    return {**reports, TEXT: partial(reports[TEXT], **options)}


def require_format(name: str, reports: Mapping[str, Render]) -> None:
    """See that a format exists.

    Raises:
        ConfigError: It does not; names those that do.
    """
    if name not in reports:
        raise ConfigError(f"there is no format {name!r}; there are: {', '.join(sorted(reports))}")


def require_writable(path: Path) -> None:
    """See that a file can be written.

    Raises:
        OutputError: Its folder is missing or not writable, or it is a folder itself.
    """
    if path.is_dir():
        raise OutputError(f"{path}: is a folder; name a file")
    if path.exists() and not path.is_file():
        if not os.access(path, os.W_OK):
            raise OutputError(f"{path}: is not writable")
        return
    folder = (path.resolve() if path.is_symlink() else path).parent
    if not folder.is_dir():
        raise OutputError(f"{path}: the folder {folder} does not exist; make it first")
    if not os.access(folder, os.W_OK):
        raise OutputError(f"{path}: the folder {folder} is not writable")


def require_apart(written: Iterable[tuple[str, Path]], read: Iterable[tuple[str, Path]]) -> None:
    """See that no output overwrites another, or a file that this run reads.

    However it is spelled or linked to. Devices and pipes do not count: what is written to them replaces nothing.

    Args:
        written: What names each output, such as `-o html`, and its file.
        read: What names each input, and its file.

    Raises:
        ConfigError: Two are one file; names both.
    """
    taken = {identity: (name, "is read as") for name, path in read for identity in _identities(path)}
    for name, path in written:
        found = _identities(path)
        other = next((taken[identity] for identity in found if identity in taken), None)
        if other is not None:
            raise ConfigError(f"{path}: {other[1]} {other[0]}, and {name} would overwrite it; name another file")
        taken.update(dict.fromkeys(found, (name, "is written by")))


def _identities(path: Path) -> tuple[object, ...]:
    """What two paths have in common when they are one file: where they lead, and the file there."""
    if not path.exists():
        return (os.path.realpath(path),)
    if not path.is_file():
        return ()
    found = path.stat()
    return os.path.realpath(path), (found.st_dev, found.st_ino)


def write_outputs(
    result: ScanResult, outputs: Sequence[Output], reports: Mapping[str, Render], *, quiet: bool = False
) -> None:
    """Write each report and, unless quiet, name it on stderr.

    Raises:
        OutputError: A file cannot be written.
    """
    for output in outputs:
        rendered = reports[output.format](result)
        if isinstance(rendered, Composed):
            # Before the page, so that nobody finds it without them.
            for name, content in rendered.beside.items():
                write_atomically(output.path.parent / name, content)
        write_atomically(output.path, main_file(rendered))
        if not quiet:
            beside = f", and beside it {', '.join(rendered.beside)}" if isinstance(rendered, Composed) else ""
            click.echo(visible(f"wrote {output.path}{beside}"), err=True)


def summary_file(choice: str, reports: Mapping[str, Render]) -> Path | None:
    """The job summary of GitHub Actions to add to; None where there is none, or it is not wanted.

    Raises:
        ConfigError: It must be written, but the variable that names it is not set, or there is no such format.
        OutputError: It cannot be written.
    """
    name = os.environ.get(SUMMARY_VARIABLE)
    if choice == "never" or (choice == "auto" and not (name and SUMMARY_FORMAT in reports)):
        return None
    if not name:
        raise ConfigError(f"--github-summary always: {SUMMARY_VARIABLE} is not set, so there is no job summary here")
    require_format(SUMMARY_FORMAT, reports)
    require_writable(Path(name))
    return Path(name)


def append_summary(
    result: ScanResult, path: Path | None, reports: Mapping[str, Render], *, quiet: bool = False
) -> None:
    """Add the report to the job summary, unless there is none, or no room for it beside what is there already.

    Raises:
        OutputError: The file cannot be written.
    """
    if path is None:
        return
    data = main_file(reports[SUMMARY_FORMAT](result))
    try:
        with path.open("ab") as stream:
            fits = stream.tell() + len(data) <= SUMMARY_SIZE
            if fits:
                stream.write(data)
    except OSError as error:
        raise OutputError(f"{path}: cannot be written: {error.strerror}") from None
    if not quiet:
        done = "added to the job summary" if fits else "the job summary has no room for the report, it was left out"
        click.echo(done, err=True)


def print_report(
    result: ScanResult, name: str, reports: Mapping[str, Render], *, color: str, width: int | None = None
) -> None:
    """Print one report on stdout; the text report in colour where that is wanted.

    A reader that goes away early, as `head` does, changes neither the files nor the exit status.

    Raises:
        OutputError: Stdout cannot be written, as on a full disk.
    """
    console = load_console(name) if wants_color(color) else None
    if console is not None and name == TEXT and width is not None:
        options = {"width": width}
        console = partial(console, **options)
    rendered = reports[name](result) if console is None else _render_colored(result, console)
    if isinstance(rendered, Composed):
        beside = ", ".join(rendered.beside)
        click.echo(f"-f {name}: on stdout without {beside}; write them with -o {name}=PATH", err=True)
    try:
        sys.stdout.buffer.write(main_file(rendered))
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        give_up_stdout()
    except OSError as error:
        give_up_stdout()
        raise OutputError(f"the report cannot be written to stdout: {error.strerror}") from None


def _render_colored(result: ScanResult, console: Print) -> str:
    from rich.console import Console

    # rich reads NO_COLOR and TERM=dumb by itself, but an option that was given comes before both.
    plain = os.environ.get("TERM", "dumb") in ("dumb", "unknown")
    system: Literal["standard", "auto"] = "standard" if plain else "auto"
    # Written to memory first: rich ends the process with 1 when the reader of its output has gone.
    text = io.StringIO()
    console(result, Console(file=text, force_terminal=True, color_system=system, no_color=False, highlight=False))
    return text.getvalue()


def wants_color(choice: str) -> bool:
    """Whether to colour stdout: by option, NO_COLOR, FORCE_COLOR, CLICOLOR_FORCE, TERM=dumb, or for being a terminal.

    Source: https://no-color.org, https://bixense.com/clicolors.
    """
    if choice != "auto":
        return choice == "always"
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR") or os.environ.get("CLICOLOR_FORCE"):
        return True
    return os.environ.get("TERM") != "dumb" and sys.stdout.isatty()
