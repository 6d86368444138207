"""Records as columns over one table of texts, so that fifty thousand of them are a few megabytes of JSON.

A column is an object: `v` its values, for texts their numbers in the table (then `s` is 1); where most are empty only
the others, with `at` where they stand; and where all are SHA-256 sums, their bytes one after the other in base64, as
`h`. `script/data.js` reads it.
"""

import base64
import json
import re
import zlib
from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

PLAIN_LIMIT = 1 << 20
"""Up to this length, in characters, a block is JSON that anybody can read; above it is compressed."""

_DIGEST = re.compile(r"[0-9a-f]{64}\Z")

Record = Mapping[str, Any]


class Texts:
    """A table of texts, each in it once, in order of appearance; the first is ""."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {"": 0}

    def columns(self, records: Sequence[Record]) -> dict[str, Any]:
        """Records with the same members as columns. A member is a text or None, a number, or (lists of) lists of these.

        A column is of texts or of numbers; None is like "".
        """
        names = records[0] if records else ()
        return {"n": len(records), "of": {name: self._column([record[name] for record in records]) for name in names}}

    def all(self) -> list[str]:
        """The texts by number."""
        return list(self._numbers)

    def _column(self, values: list[Any]) -> dict[str, Any]:
        if all(isinstance(value, str) and _DIGEST.match(value) for value in values):
            return {"h": base64.b64encode(bytes.fromhex("".join(values))).decode()}
        column: dict[str, Any] = {} if any(map(_has_number, values)) else {"s": 1}
        full = [at for at, value in enumerate(values) if value not in (None, "", 0, [], ())]
        if len(full) < len(values) // 2:
            column["at"], values = full, [values[at] for at in full]
        return {**column, "v": [self._number(value) for value in values] if "s" in column else values}

    def _number(self, value: Any) -> Any:
        if isinstance(value, (list, tuple)):
            return [self._number(item) for item in value]
        return self._numbers.setdefault(value or "", len(self._numbers))


def _has_number(value: object) -> bool:
    return isinstance(value, int) or (isinstance(value, (list, tuple)) and any(map(_has_number, value)))


def block(value: object) -> tuple[str, Markup]:
    """Data as the type and the content of a script element that no browser runs: JSON, compressed where it is long."""
    text = json.dumps(value, separators=(",", ":"))
    if len(text) <= PLAIN_LIMIT:
        for char in "<>&\u0027":
            text = text.replace(char, f"\\u{ord(char):04x}")
        return "application/json", Markup(text)  # noqa: S704 - nothing in it can end the element
    return "application/octet-stream", Markup(base64.b64encode(zlib.compress(text.encode(), 9)).decode())  # noqa: S704
