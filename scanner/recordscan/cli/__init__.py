"""The command line. Each command parses, calls, prints; heavy libraries load only in commands that use them."""

import gc
import logging
import os
import signal
import sys
import threading
from types import FrameType
from typing import NoReturn

import click
from click.shell_completion import shell_complete

from recordscan import __version__
from recordscan.cli.access import access
from recordscan.cli.bundle import bundle, verify
from recordscan.cli.completion import completion
from recordscan.cli.demo import demo
from recordscan.cli.diff import baseline, diff
from recordscan.cli.explain import explain
from recordscan.cli.history import history
from recordscan.cli.permissions import permissions
from recordscan.cli.policy import policy
from recordscan.cli.preflight import preflight
from recordscan.cli.progress import calls
from recordscan.cli.remedy import remedy
from recordscan.cli.report import report
from recordscan.cli.rules import rules
from recordscan.cli.scan import scan
from recordscan.cli.schema import schema
from recordscan.cli.simulate import simulate
from recordscan.cli.status import EPILOG
from recordscan.cli.streams import flush_stdout, give_up_stdout, open_streams
from recordscan.cli.url import url
from recordscan.cli.validate import validate
from recordscan.cli.waivers import waivers
from recordscan.errors import RecordscanError
from recordscan.visible import visible

VERBOSE = "Log to stderr, with tracebacks of internal errors; twice, each call, and what libraries say."
LEVELS = ("debug", "info", "warning", "error", "critical")


@click.group(epilog=EPILOG, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="recordscan")
@click.option("-v", "--verbose", count=True, help=VERBOSE)
@click.option(
    "--log-level",
    type=click.Choice(LEVELS),
    envvar="RECORDSCAN_LOG_LEVEL",
    show_envvar=True,
    help="What to log to stderr; -v is debug.  [default: critical]",
)
def cli(*, verbose: int, log_level: str | None) -> None:
    """Audit how Twilio Video recordings and compositions are kept in your own AWS S3 bucket.

    recordscan reads the Twilio settings, the bucket, the IAM user behind the access key, the KMS key and the account
    around them, judges them by rules, and reports each verdict with the answers that it rests on. It never writes.
    """
    _log(verbose, log_level)


def _log(verbose: int, level: str | None = None) -> None:
    logging.basicConfig(
        level=logging.DEBUG if verbose else (level or "critical").upper(),
        format="%(levelname)s %(name)s: %(message)s",
        stream=sys.stderr,
        force=True,
    )
    for noisy in ("botocore", "boto3", "urllib3", "twilio", "asyncio"):
        # Their debug output has signed headers and whole answers in it.
        logging.getLogger(noisy).setLevel((logging.CRITICAL, logging.WARNING, logging.INFO)[min(verbose, 2)])
    calls.setLevel(logging.DEBUG if verbose > 1 else logging.WARNING)


def _verbose(context: click.Context, _parameter: click.Parameter, verbose: int) -> None:
    if verbose:
        _log(verbose + context.find_root().params.get("verbose", 0))


def _take_verbose(command: click.Command) -> None:
    """Let a command take -v too, since people add it at the end of a line that went wrong."""
    command.params.append(
        click.Option(["-v", "--verbose"], count=True, expose_value=False, callback=_verbose, help=VERBOSE)
    )
    for inner in command.commands.values() if isinstance(command, click.Group) else ():
        _take_verbose(inner)


def _name_variables(command: click.Command, prefix: str) -> None:
    """Let each option be set by a variable, too: that of its own, and one made of the names of command and option."""
    prefix = prefix.upper().replace("-", "_")
    for option in command.params:
        if isinstance(option, click.Option) and option.name != "help":
            name = max(option.opts, key=len).lstrip("-").upper().replace("-", "_")
            own = [option.envvar] if isinstance(option.envvar, str) else list(option.envvar or ())
            option.envvar = [*own, f"{prefix}_{name}"]
    for inner in command.commands.values() if isinstance(command, click.Group) else ():
        _name_variables(inner, f"{prefix}_{inner.name}")


for command in (
    scan,
    demo,
    report,
    remedy,
    access,
    explain,
    rules,
    url,
    simulate,
    permissions,
    policy,
    preflight,
    schema,
    validate,
    waivers,
    baseline,
    bundle,
    verify,
    diff,
    completion,
    history,
):
    cli.add_command(command)
    _take_verbose(command)
    _name_variables(command, f"RECORDSCAN_{command.name}")


def main(arguments: list[str] | None = None) -> NoReturn:
    """Run the command line and exit with its documented status; no traceback ever reaches the user unasked."""
    open_streams()
    terminated = False

    def terminate(_signal: int, _frame: FrameType | None) -> NoReturn:
        nonlocal terminated
        terminated = True
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, terminate)
    # A scan makes millions of objects that stay and hardly any circles: looking for these so seldom saves a tenth.
    gc.set_threshold(50_000, 20, 50)
    try:
        status = _run(sys.argv[1:] if arguments is None else arguments)
    except KeyboardInterrupt:  # once more, while the first was being told
        status = 130
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, signal.SIG_IGN)
    flush_stdout()
    _leave(143 if terminated and status == 130 else status)


def _leave(status: int) -> NoReturn:
    """Exit, without waiting for calls whose answers nobody needs any more."""
    if any(not thread.daemon for thread in threading.enumerate() if thread is not threading.main_thread()):
        sys.stderr.flush()
        os._exit(status)
    sys.exit(status)


def _run(arguments: list[str]) -> int:
    try:
        return _invoke(arguments)
    except click.exceptions.Exit as ended:
        return ended.exit_code
    except click.ClickException as error:
        error.show()
        return 2
    except RecordscanError as error:
        return _fail(str(error), type(error).exit_status)
    except (KeyboardInterrupt, click.Abort):
        return _fail("interrupted", 130)
    except BrokenPipeError:
        # The reader of our output has gone, as in `recordscan rules list | head`.
        give_up_stdout()
        return 0
    except OSError as error:
        logging.getLogger(__name__).debug("reading or writing failed", exc_info=True)
        return _fail(f"reading or writing failed: {error.strerror or type(error).__name__}", 5)
    except (Exception, SystemExit) as error:  # a plugin may call sys.exit()
        logging.getLogger(__name__).debug("internal error", exc_info=True)
        return _fail(f"internal error: {type(error).__name__}; run again with -v and report it", 5)


def _invoke(arguments: list[str]) -> int:
    completing = os.environ.get("_RECORDSCAN_COMPLETE")
    if completing:
        return shell_complete(cli, {}, "recordscan", "_RECORDSCAN_COMPLETE", completing)
    # Not cli.main(), which ends with 1, as if a check had failed, when the reader of our output has gone.
    with cli.make_context("recordscan", arguments) as context:
        status = cli.invoke(context)
    return status if isinstance(status, int) else 0


def _fail(sentence: str, status: int) -> int:
    click.echo(f"recordscan: {visible(sentence)}", err=True)
    return status
