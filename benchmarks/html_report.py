"""How long the HTML report of very many checks takes to make, and to open and search in a browser.

    .venv/bin/python benchmarks/html_report.py [BUCKETS...]

40 checks on each bucket, each bucket with an answer of 3.4 KB. Shown are the number of checks, seconds and peak of
memory of the generation and the size of the file; and, where there is a Chromium, the seconds until the first page of
checks stands, milliseconds for a key in the search, elements of the page and the megabytes of its heap. The aims for
50,000 checks on 2 cores: 10 s, 500 MB, 6 MB, 1 s, 100 ms, 6,000 elements, 80 MB; and 120 KB for the shell, a page that
shows nothing.
"""

import resource
import shutil
import sys
import tempfile
import time
from pathlib import Path

sys.path[0] = str(Path(__file__).parents[1] / "tests")  # in place of this folder: this file would hide Python's html

from recordscan_reports.html import render  # noqa: E402
from reports.large import large  # noqa: E402
from reports.results import empty  # noqa: E402

KEYS = "acme-recordings-12"

SEARCH = """(text) => {
    const box = document.getElementById("q");
    const times = [];
    for (let end = 1; end <= text.length; end += 1) {
        const before = performance.now();
        box.value = text.slice(0, end);
        box.dispatchEvent(new Event("input"));
        document.body.getBoundingClientRect();
        times.push(performance.now() - before);
    }
    return Math.max(...times);
}"""


def opened(path: Path) -> tuple[float, float, int, float] | None:
    """Seconds to the first page of checks, the slowest key in milliseconds, elements, and megabytes of heap."""
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        return None
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page()
        page.goto("about:blank")
        page.goto(path.as_uri())
        page.wait_for_selector("html[data-ready]")
        ready = page.evaluate("performance.getEntriesByName('ready')[0].startTime") / 1000
        elements = page.evaluate("document.querySelectorAll('*').length")
        session = page.context.new_cdp_session(page)
        session.send("HeapProfiler.collectGarbage")
        heap = session.send("Runtime.getHeapUsage")["usedSize"] / 1e6
        key = page.evaluate(SEARCH, KEYS)
        browser.close()
    return ready, key, elements, heap


def main(sizes: list[int]) -> None:
    """Measure each size, the smallest first."""
    print(f"shell {len(render(empty()).encode()) / 1024:.0f} KB")
    heads = f"{'checks':>7} {'cpu s':>6} {'peak MB':>8} {'MB':>6}"
    print(f"{heads} {'open s':>7} {'key ms':>7} {'elements':>9} {'heap MB':>8}")
    for buckets in sorted(sizes):
        result = large(buckets)
        before = time.process_time()
        page = render(result)
        seconds = time.process_time() - before
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "report.html"
            path.write_text(page, encoding="utf-8")
            seen = opened(path)
        shown = f"{seen[0]:>7.2f} {seen[1]:>7.0f} {seen[2]:>9,} {seen[3]:>8.1f}" if seen else ""
        print(f"{len(result.assessments):>7,} {seconds:>6.1f} {peak:>8.0f} {len(page.encode()) / 1e6:>6.2f} {shown}")


if __name__ == "__main__":
    main([int(size) for size in sys.argv[1:]] or [25, 250, 1250])
