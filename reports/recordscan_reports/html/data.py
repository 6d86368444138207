"""What the script reads: blocks of data in the page, which no browser runs."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

from markupsafe import Markup

from recordscan.result import ScanResult
from recordscan_reports.html.pack import Texts, block
from recordscan_reports.html.records import Records
from recordscan_reports.html.scopes import SHAPES
from recordscan_reports.wording import OUTCOME_WORDS, OUTCOMES, SEVERITIES, sentence, waiver_summary


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A block of data.

    Attributes:
        name: Its id.
        kind: The type of its script element: JSON, or bytes where it is compressed.
        content: Escaped for its place.
        sha256: Of the content, as it stands in the page.
    """

    name: str
    kind: str
    content: Markup
    sha256: str


def blocks_of(result: ScanResult, records: Records) -> Iterator[Block]:
    """The checks with all that explains them, and the answers that they rest on, each once."""
    texts = Texts()
    tables = {
        "subjects": texts.columns(records.subjects),
        "checks": texts.columns(records.checks),
        "findings": texts.columns(records.findings),
        "evidence": texts.columns(records.evidence),
    }
    checks = {
        "outcomes": [{"id": str(o), "word": OUTCOME_WORDS[o], "shape": SHAPES[o]} for o in OUTCOMES],
        "severities": list(map(str, SEVERITIES)),
        "waivers": {waiver.id: sentence(waiver_summary(waiver)) for waiver in result.waivers},
        "rules": records.rules,
        **tables,
        "texts": texts.all(),
    }
    for name, value in (("checks", checks), ("answers", records.answers)):
        kind, content = block(value)
        yield Block(
            name=f"data-{name}", kind=kind, content=content, sha256=hashlib.sha256(content.encode()).hexdigest()
        )
