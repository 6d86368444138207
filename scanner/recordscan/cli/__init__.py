"""The command line. Each command parses, calls, prints; heavy libraries load only in commands that use them."""

import logging
import os
import signal
import sys
from types import FrameType
from typing import NoReturn

import click

from recordscan import __version__
from recordscan.cli.demo import demo
from recordscan.cli.permissions import permissions
from recordscan.cli.preflight import preflight
from recordscan.cli.report import report
from recordscan.cli.rules import rules
from recordscan.cli.scan import scan
from recordscan.cli.schema import schema
from recordscan.cli.url import url
from recordscan.errors import RecordscanError
from recordscan.visible import visible

EPILOG = """\b
Exit status:
  0    the gate passed, and everything it depends on could be judged
  1    a check at or above --fail-on failed
  2    wrong usage, configuration, plugin or input file
  3    incomplete: such a check could not be decided, or nothing was judged
  4    AWS or Twilio did not accept the credentials
  5    internal error, or an output could not be written
  130  interrupted (143 when terminated); a partial result was written
"""


class _Terminated(KeyboardInterrupt):
    """SIGTERM, handled like Ctrl-C but for the exit status."""


@click.group(epilog=EPILOG, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="recordscan")
@click.option("-v", "--verbose", is_flag=True, help="Log to stderr, with tracebacks of internal errors.")
def cli(*, verbose: bool) -> None:
    """Audit how Twilio Video recordings and compositions are kept in your own AWS S3 bucket.

    recordscan reads the Twilio settings, the bucket, the IAM user behind the access key, the KMS key and the account
    around them, judges them by rules, and reports each verdict with the answers that it rests on. It never writes.
    """
    logging.basicConfig(
        level=logging.DEBUG if verbose else logging.CRITICAL,
        format="%(levelname)s %(name)s: %(message)s",
        stream=sys.stderr,
        force=True,
    )
    for noisy in ("botocore", "boto3", "urllib3", "twilio", "asyncio"):
        # Their debug output has signed headers and whole answers in it.
        logging.getLogger(noisy).setLevel(logging.WARNING)


for command in (scan, demo, report, rules, url, permissions, preflight, schema):
    cli.add_command(command)


def main(arguments: list[str] | None = None) -> NoReturn:
    """Run the command line and exit with its documented status; no traceback ever reaches the user unasked."""
    signal.signal(signal.SIGTERM, _terminate)
    sys.exit(_run(sys.argv[1:] if arguments is None else arguments))


def _run(arguments: list[str]) -> int:
    try:
        status = cli.main(arguments, prog_name="recordscan", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        return 2
    except RecordscanError as error:
        return _fail(str(error), type(error).exit_status)
    except _Terminated:
        return _fail("terminated", 143)
    except (KeyboardInterrupt, click.Abort):
        return _fail("interrupted", 130)
    except BrokenPipeError:
        # The reader of our output has gone, as in `recordscan rules list | head`.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:
        logging.getLogger(__name__).debug("internal error", exc_info=True)
        return _fail(f"internal error: {type(error).__name__}; run again with -v and report it", 5)
    return status if isinstance(status, int) else 0


def _fail(sentence: str, status: int) -> int:
    click.echo(f"recordscan: {visible(sentence)}", err=True)
    return status


def _terminate(_signal: int, _frame: FrameType | None) -> NoReturn:
    raise _Terminated
