"""Invariants of every page in every viewport: no axe violation, no layout shift, few bytes.

A page is loaded in a desktop and in a phone viewport. The desktop page is then switched to dark and
wide without another load. All axe rules run on the phone, color rules on the dark page as well.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from tests.browser.viewports import VIEWPORTS, Viewport
from tests.browser.visited_pages import HORIZONTAL_OVERFLOW, PAGES

COLOR_RULES = ["color-contrast", "link-in-text-block"]
ALL_RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
MAX_BYTES = 60_000
"""Over the wire, with style sheets and scripts."""
MAX_LAYOUT_SHIFT = 0.01
"""A tenth of the limit that browsers call good; slow machines paint incomplete pages."""
WIDE_PAGES = ("home", "keyword", "paper", "daily", "status")
"""Pages that are tested in a wide viewport too; the others have the layout of one of these."""
RECORD_LAYOUT_SHIFTS = """
window.shifted = 0;
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) window.shifted += entry.value;
}).observe({ type: "layout-shift", buffered: true });
"""
TRANSFERRED_BYTES = """() => performance.getEntriesByType("navigation").concat(
  performance.getEntriesByType("resource")).reduce((sum, entry) => sum + entry.transferSize, 0)"""


@pytest.mark.parametrize("name", PAGES)
def test_page_on_a_desktop(page: Page, name: str, screenshots: Path | None) -> None:
    load_page(page, name)
    take_screenshot(page, name, VIEWPORTS["light"], screenshots)
    if name in WIDE_PAGES:
        take_screenshot(page, name, VIEWPORTS["wide"], screenshots)
    for width in (320, 640, 1024):
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate(HORIZONTAL_OVERFLOW) <= 0, width
    page.emulate_media(color_scheme="dark")
    take_screenshot(page, name, VIEWPORTS["dark"], screenshots)
    assert_accessible(page, COLOR_RULES)


@pytest.mark.parametrize("viewport", ["phone"], indirect=True)
@pytest.mark.parametrize("name", PAGES)
def test_page_on_a_phone(
    page: Page, viewport: Viewport, name: str, screenshots: Path | None
) -> None:
    load_page(page, name)
    take_screenshot(page, name, viewport, screenshots)
    assert_accessible(page, ALL_RULES)


def load_page(page: Page, name: str) -> None:
    """Load and scroll a page; assert that its layout does not shift and that it is small."""
    page.add_init_script(RECORD_LAYOUT_SHIFTS)
    goto(page, PAGES[name])
    page.mouse.wheel(0, 2_000)
    page.wait_for_timeout(50)
    assert page.evaluate("window.shifted") < MAX_LAYOUT_SHIFT
    assert page.evaluate(TRANSFERRED_BYTES) < MAX_BYTES


def take_screenshot(page: Page, name: str, viewport: Viewport, screenshots: Path | None) -> None:
    """Assert that the page does not overflow the viewport; save a screenshot if wanted."""
    page.set_viewport_size({"width": viewport.width, "height": viewport.height})
    page.evaluate("scrollTo(0, 0)")
    assert page.evaluate(HORIZONTAL_OVERFLOW) <= 0
    if screenshots is not None:
        file = screenshots / f"{name}-{viewport.name}.png"
        page.screenshot(path=file, full_page=viewport.name != "wide")


def assert_accessible(page: Page, rules: list[str]) -> None:
    """Assert that axe finds no violation with an abstract open, a menu open, and a filter open."""
    for opened in ("details", ".subscribe", ".choose"):
        found = page.locator(f"{opened}:visible")
        if found.count():
            found.last.evaluate("details => details.open = true")
        elif opened != "details":
            continue
        report = Axe().run(page, options={"runOnly": rules, "resultTypes": ["violations"]})
        assert report.violations_count == 0, report.generate_report()
        assert page.evaluate(HORIZONTAL_OVERFLOW) <= 0


def goto(page: Page, path: str) -> None:
    answer = page.goto(path, wait_until="load")
    assert answer is not None
    assert "unsafe" not in (answer.header_value("content-security-policy") or "unsafe")
