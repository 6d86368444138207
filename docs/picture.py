"""Take the picture of the report that the README shows: `python docs/picture.py`, after `make docs`."""

import shutil
from pathlib import Path

from playwright.sync_api import sync_playwright

ROOT = Path(__file__).parents[1]
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]


def take_picture(page_file: Path, picture: Path) -> None:
    """Open a page as a desk-sized window shows it, and save the first screen."""
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        page = browser.new_page(viewport={"width": 1280, "height": 1080}, color_scheme="light")
        page.goto(page_file.as_uri())
        page.screenshot(path=str(picture))
        browser.close()


if __name__ == "__main__":
    take_picture(ROOT / "examples" / "hollow-creek" / "report.html", ROOT / "docs" / "report.png")
