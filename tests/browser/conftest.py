"""The report in Chromium.

``KUBEAUDIT_CHROMIUM`` names the binary; ``KUBEAUDIT_BROWSER_TESTS=require`` makes its absence a failure.
"""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from kubeaudit import findings
from kubeaudit.findings import ScanResult
from kubeaudit.report import html

DOCUMENT = Path(__file__).parents[1] / "fixtures" / "report" / "result.json"
QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@pytest.fixture(scope="session")
def result() -> ScanResult:
    return findings.decode(DOCUMENT.read_bytes())


@pytest.fixture(scope="session")
def report(result: ScanResult, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Address of the report on disk."""
    path = tmp_path_factory.mktemp("report") / "report.html"
    path.write_bytes(html.render(result))
    return path.as_uri()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    binary = os.environ.get("KUBEAUDIT_CHROMIUM") or shutil.which("chromium")
    if not binary:
        told = "no Chromium: set KUBEAUDIT_CHROMIUM to its binary"
        if os.environ.get("KUBEAUDIT_BROWSER_TESTS") == "require":
            pytest.fail(told)
        pytest.skip(told)
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=binary, args=list(QUIET))
        yield browser
        browser.close()


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    yield context
    context.close()


@pytest.fixture
def page(context: BrowserContext, report: str) -> Page:
    page = context.new_page()
    page.goto(report)
    return page
