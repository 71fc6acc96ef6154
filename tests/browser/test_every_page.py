"""What holds of every page in every form: axe finds nothing, nothing shifts, little is sent.

A page is loaded as on a desk and as on a phone. On the desk it then gets dark and wide: neither
needs another load. All of axe's rules look at the phone, those of colours at the dark page too.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from tests.browser.content import MATHEMATICAL_PAPER, PICKED
from tests.browser.forms import VIEWPORTS, Viewport

PAGES = {
    "home": "/",
    "keyword": "/k/reasoning?n=6",
    "keyword-empty": "/k/nothing-yet",
    "search": "/search?n=6&q=reasoning+-survey",
    "language": "/search",
    "fault": "/search?q=%28reasoning",
    "paper": f"/papers/{PICKED}",
    "paper-mathematics": f"/papers/{MATHEMATICAL_PAPER}",
    "daily": "/daily/2026-11-03",
    "weekly": "/weekly/2026-W45",
    "monthly": "/monthly/2026-10?q=model",
    "trending": "/trending",
    "trending-empty": "/trending?q=zeugma",
    "digest": "/digest",
    "listing": "/categories/cs.CL?n=6",
    "manage": "/manage",
    "manage-feeds": "/manage/feeds",
    "status": "/status",
    "missing": "/nowhere",
}
COLOURS = ["color-contrast", "link-in-text-block"]
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
MOST_BYTES = 150_000
MOST_SHIFTED = 0.01
"""A tenth of what browsers call good; a slow machine paints a page before all of it is there."""
WIDE = ("home", "keyword", "paper", "daily", "status")
"""Pages that are looked at on a wide screen, too: the others are laid out like one of them."""
WATCH_SHIFTS = """
window.shifted = 0;
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) window.shifted += entry.value;
}).observe({ type: "layout-shift", buffered: true });
"""
WEIGHT = """() => performance.getEntriesByType("navigation").concat(
  performance.getEntriesByType("resource")).reduce((sum, entry) => sum + entry.transferSize, 0)"""
TOO_WIDE = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"


@pytest.mark.parametrize("name", PAGES)
def test_a_page_on_a_desk(page: Page, name: str, screenshots: Path) -> None:
    loaded(page, name)
    look(page, name, VIEWPORTS["light"], screenshots)
    if name in WIDE:
        look(page, name, VIEWPORTS["wide"], screenshots)
    page.emulate_media(color_scheme="dark")
    look(page, name, VIEWPORTS["dark"], screenshots)
    approve(page, COLOURS)


@pytest.mark.parametrize("form", ["phone"], indirect=True)
@pytest.mark.parametrize("name", PAGES)
def test_a_page_on_a_phone(page: Page, form: Viewport, name: str, screenshots: Path) -> None:
    loaded(page, name)
    look(page, name, form, screenshots)
    approve(page, RULES)


def loaded(page: Page, name: str) -> None:
    """Load a page and go down it; nothing moves by itself, and little came."""
    page.add_init_script(WATCH_SHIFTS)
    goto(page, PAGES[name])
    page.mouse.wheel(0, 2_000)
    page.wait_for_timeout(50)
    assert page.evaluate("window.shifted") < MOST_SHIFTED
    assert page.evaluate(WEIGHT) < MOST_BYTES


def look(page: Page, name: str, form: Viewport, screenshots: Path) -> None:
    """Keep a picture of a page; nothing of it is outside the screen."""
    page.set_viewport_size({"width": form.width, "height": form.height})
    page.evaluate("scrollTo(0, 0)")
    assert page.evaluate(TOO_WIDE) <= 0
    page.screenshot(path=screenshots / f"{name}-{form.name}.png", full_page=form.name != "wide")


def approve(page: Page, rules: list[str]) -> None:
    """Have axe look at a page with some of its abstracts open."""
    page.locator("details").evaluate_all("all => all.slice(0, 2).forEach(d => d.open = true)")
    found = Axe().run(page, options={"runOnly": rules, "resultTypes": ["violations"]})
    assert found.violations_count == 0, found.generate_report()


def goto(page: Page, path: str) -> None:
    answer = page.goto(path, wait_until="load")
    assert answer is not None
    assert "unsafe" not in (answer.header_value("content-security-policy") or "unsafe")
