"""Every error that recordscan raises on purpose, and the exit status that the command line gives it.

RecordscanError            5  something that should not happen; the sentence says what
├── ConfigError            2  the configuration, an option or an environment variable is wrong
├── PluginError            2  a rule or a report, built in or added, cannot be used
├── SnapshotError          2  a snapshot or result file cannot be read or trusted
├── CaseError              2  a case for policies is not as it must be, or there is none
├── AuthenticationError    4  AWS or Twilio does not accept the credentials, or there are none
├── UnreachableError       4  AWS or Twilio cannot be reached
└── OutputError            5  a report or snapshot cannot be written
"""

from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pydantic_core import ErrorDetails


class RecordscanError(Exception):
    """Base of all deliberate errors; its text is one sentence for the user, with no secret in it."""

    exit_status: ClassVar[int] = 5


class ConfigError(RecordscanError):
    """The configuration, an option or an environment variable is wrong."""

    exit_status = 2


class PluginError(RecordscanError):
    """A rule or report, built in or added by entry point, cannot be used."""

    exit_status = 2


class SnapshotError(RecordscanError):
    """A snapshot or result file cannot be read, is damaged, or comes from a newer version."""

    exit_status = 2


class CaseError(RecordscanError):
    """A case for policies cannot be read, has a policy that AWS would refuse, or there is none at all."""

    exit_status = 2


class AuthenticationError(RecordscanError):
    """AWS or Twilio refuses the credentials, or there are none."""

    exit_status = 4


class UnreachableError(RecordscanError):
    """AWS or Twilio cannot be reached: the network, a proxy, the Region or an endpoint is not what it should be."""

    exit_status = 4


class OutputError(RecordscanError):
    """A report or snapshot cannot be written."""

    exit_status = 5


_MOST_FAULTS = 10
"""Of a file, that are named in one go."""


def faults_in_words(told: "Sequence[str]") -> str:
    """What is wrong with a file, joined; of very many faults the first, with how many more there are."""
    more = f"; and {len(told) - _MOST_FAULTS} more" if len(told) > _MOST_FAULTS else ""
    return "; ".join(told[:_MOST_FAULTS]) + more


def fault_in_words(fault: "ErrorDetails") -> str:
    """What is wrong with a value of a file, as a clause; pydantic's own words where there are no better ones."""
    context = fault.get("ctx", {})
    words = {
        "missing": "must be given",
        "greater_than_equal": "must be at least {ge}",
        "less_than_equal": "must be at most {le}",
        "string_too_short": "must have at least {min_length} characters",
        "string_too_long": "must have at most {max_length} characters",
        "literal_error": "must be {expected}",
        "enum": "must be {expected}",
        "int_type": "must be a whole number",
        "bool_type": "must be true or false",
        "string_type": "must be text in quotes",
        "list_type": "must be a list, in brackets",
        "dict_type": "must be a table",
        "date_type": "must be a date without quotes, such as 2026-11-25",
        "model_type": "must be a table",
    }
    found = words.get(fault["type"])
    if fault["type"] == "string_too_short" and context.get("min_length") == 1:
        return "must not be empty"
    return fault["msg"].removeprefix("Value error, ") if found is None else found.format(**context)
