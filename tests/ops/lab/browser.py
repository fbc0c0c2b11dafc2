"""A headless Chromium, driven as a person uses it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from selenium.webdriver import Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service

from tests.programs import program

FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
    "--window-size=1500,900",
)
ROWS = """
return [...document.querySelectorAll(arguments[0] + ' tbody tr')].map(
    row => [...row.cells].map(cell => cell.textContent.trim()));
"""


@contextmanager
def browser(folder: Path) -> Iterator[Chrome]:
    """A fresh browser that keeps its things in `folder`; skips the test where there is none."""
    options = ChromeOptions()
    options.binary_location, driver = program("chromium"), program("chromedriver")
    for flag in (*FLAGS, f"--user-data-dir={folder}"):
        options.add_argument(flag)
    with Chrome(options=options, service=Service(driver)) as chrome:
        yield chrome


def rows(chrome: Chrome, table: str) -> list[list[str]]:
    """The texts of a table's cells, row by row. table: a CSS selector."""
    return chrome.execute_script(ROWS, table)
