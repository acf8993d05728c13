"""The HTML report as a browser shows it (REP-11, REP-30, REP-38..42)."""

import re
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from msgspec.structs import replace
from playwright.sync_api import Browser, BrowserContext, Page

from kubeaudit.findings import ScanResult
from kubeaudit.report import html

pytestmark = pytest.mark.browser

WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
OPEN_ALL = "() => document.querySelectorAll('details').forEach((box) => { box.open = true; })"


def test_rep_30_nothing_is_fetched_and_nothing_is_complained_about(context: BrowserContext, report: str) -> None:
    page = context.new_page()
    requests: list[str] = []
    complaints: list[str] = []
    page.on("request", lambda request: requests.append(request.url))
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(report)
    page.evaluate(OPEN_ALL)
    page.wait_for_load_state("networkidle")
    assert requests == [report]
    assert complaints == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_rep_11_axe_finds_no_violation(browser: Browser, report: str, scheme: str, width: int) -> None:
    # axe is injected as a script, which the page's own policy would refuse.
    context = browser.new_context(color_scheme=scheme, viewport={"width": width, "height": 900}, bypass_csp=True)
    page = context.new_page()
    page.goto(report)
    page.evaluate(OPEN_ALL)
    violations = Axe().run(page, options={"runOnly": {"type": "tag", "values": WCAG}}).response["violations"]
    context.close()
    assert [(item["id"], [node["target"] for node in item["nodes"]][:3]) for item in violations] == []


@pytest.mark.parametrize("opened", [False, True])
def test_390_px_the_page_does_not_scroll_sideways(browser: Browser, report: str, opened: bool) -> None:
    context = browser.new_context(viewport={"width": 390, "height": 800})
    page = context.new_page()
    page.goto(report)
    if opened:
        page.evaluate(OPEN_ALL)
    assert page.evaluate("() => document.documentElement.scrollWidth") <= 390
    context.close()


def test_rep_30_readable_without_script(browser: Browser, report: str, result: ScanResult) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(report)
    text = page.locator("main").inner_text()
    assert all(sentence in text for sentence in result.answer)
    assert all(hop.sentence in text for path in result.paths for hop in path.hops)
    assert not page.locator("#filter").is_visible()
    summary = page.locator("summary", has_text="Container runs privileged").first
    summary.click()
    page.locator("#findings summary", has_text="Deployment tools/console").first.click()
    assert page.get_by_text("Container app of Deployment tools/console runs privileged.").is_visible()
    context.close()


def test_rep_30_readable_where_a_viewer_blocks_style_and_script(browser: Browser, report: str) -> None:
    source = re.sub(r"<style>.*?</style>|<script>.*?</script>", "", read(report), flags=re.DOTALL)
    page = browser.new_page()
    page.set_content(source)
    places = [page.locator(f"#{name}").bounding_box() for name in ("answer", "not-seen", "paths", "findings")]
    tops = [box["y"] for box in places if box]
    assert len(tops) == 4
    assert tops == sorted(tops)
    page.close()


def test_rep_38_filter_by_severity_and_text(page: Page) -> None:
    status = page.locator("#shown")
    assert "29 findings" in status.inner_text()
    for name in ("medium", "low", "info", "critical"):
        page.locator(f"#filter input[value={name}]").uncheck()
    page.wait_for_function("() => document.getElementById('shown').textContent.startsWith('14 of 29')")
    assert page.locator("#findings .check:visible").count() == 1
    page.locator("#filter input[name=q]").fill("worker-07")
    page.wait_for_function("() => document.getElementById('shown').textContent.startsWith('1 of 29')")
    assert "s=high" in page.url
    assert "q=worker-07" in page.url


def test_rep_38_state_is_kept_in_the_address(context: BrowserContext, report: str) -> None:
    page = context.new_page()
    page.goto(f"{report}#c=user&n=tools")
    assert page.locator("#shown").inner_text().startswith("1 of 29")
    assert page.locator("#filter select[name=n]").input_value() == "tools"
    page.get_by_role("button", name="Clear").click()
    page.wait_for_function("() => document.getElementById('shown').textContent.startsWith('29 findings')")
    assert page.url == f"{report}#findings"


def test_rep_38_theme_class_and_exposure(page: Page) -> None:
    for name, value, start in (("t", "rbac", "2 of 29"), ("c", "vendor", "2 of 29"), ("x", "internet", "5 of 29")):
        page.locator(f"#filter select[name={name}]").select_option(value)
        page.wait_for_function("(start) => document.getElementById('shown').textContent.startsWith(start)", arg=start)
        page.locator(f"#filter select[name={name}]").select_option("")


def test_the_address_of_a_finding_opens_it(context: BrowserContext, report: str, result: ScanResult) -> None:
    finding = next(item for item in result.findings if item.check == "pod-run-as-non-root")
    page = context.new_page()
    page.goto(f"{report}#f-{finding.fingerprint[:16]}")
    assert page.get_by_text(finding.fingerprint).first.is_visible()
    assert page.locator(f"#f-{finding.fingerprint[:16]}").evaluate("(node) => node.open")


def test_rep_38_a_finding_is_copied_as_text(context: BrowserContext, report: str, result: ScanResult) -> None:
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    finding = next(item for item in result.findings if item.check == "rbac-cluster-admin")
    page = context.new_page()
    page.goto(f"{report}#f-{finding.fingerprint[:16]}")
    page.locator(f"#f-{finding.fingerprint[:16]}").get_by_role("button", name="Copy as text").click()
    page.get_by_role("button", name="Copied").wait_for()
    copied = page.evaluate("() => navigator.clipboard.readText()")
    assert finding.message in copied
    assert finding.recheck[0] in copied
    assert finding.fingerprint in copied
    assert "Copy" not in copied


def test_rep_39_tables_and_drawings_scroll_by_keyboard(page: Page) -> None:
    for box in page.locator(".scroll").all():
        assert box.get_attribute("tabindex") == "0"
        assert box.get_attribute("aria-label")


def test_rep_40_print_opens_details_and_cuts_nothing(page: Page) -> None:
    page.emulate_media(media="print")
    page.set_viewport_size({"width": 1010, "height": 700})
    assert page.get_by_text("kubectl get service frontend -n shop", exact=False).first.is_visible()
    assert not page.locator("nav").is_visible()
    wide = page.evaluate(
        "() => [...document.querySelectorAll('.scroll')].filter((box) => box.scrollWidth > innerWidth).length"
    )
    assert wide == 0
    assert page.evaluate("() => document.documentElement.scrollWidth") <= 1010


def test_rep_42_thousands_of_findings_can_be_filtered(
    context: BrowserContext, result: ScanResult, tmp_path: Path
) -> None:
    first = next(item for item in result.findings if item.check == "pod-run-as-non-root")
    found = tuple(replace(first, fingerprint=f"{number:016x}" * 4) for number in range(3_000))
    path = tmp_path / "many.html"
    path.write_bytes(html.render(replace(result, findings=found)))
    page = context.new_page()
    page.goto(path.as_uri())
    page.locator("#filter input[name=q]").fill(f"{2_999:016x}")
    page.wait_for_function("() => document.getElementById('shown').textContent.startsWith('1 of 3,000')")


def read(address: str) -> str:
    return Path(address.removeprefix("file://")).read_text(encoding="utf-8")
