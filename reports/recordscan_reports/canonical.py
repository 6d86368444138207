"""The canonical JSON: the evidence that every other report is a function of."""

from recordscan.document import dump_result
from recordscan.result import ScanResult


def render(result: ScanResult) -> str:
    """Write the whole result; see `recordscan.document.dump_result`."""
    return dump_result(result)
