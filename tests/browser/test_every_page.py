"""What holds of every page in every form: axe finds nothing, nothing shifts, little is sent."""

from __future__ import annotations

from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from tests.browser.content import MATHEMATICS, NEWEST
from tests.browser.forms import FORMS, Form

PAGES = {
    "home": "/",
    "keyword": "/k/reasoning?n=6",
    "keyword-empty": "/k/nothing-yet",
    "search": "/search?n=6&q=reasoning+-survey",
    "language": "/search",
    "fault": "/search?q=%28reasoning",
    "paper": f"/papers/{NEWEST}",
    "paper-mathematics": f"/papers/{MATHEMATICS}",
    "daily": "/daily/2026-11-03",
    "weekly": "/weekly/2026-W45",
    "monthly": "/monthly/2026-10",
    "trending": "/trending",
    "digest": "/digest",
    "listing": "/categories/cs.CL?n=6",
    "manage": "/manage",
    "status": "/status",
    "missing": "/nowhere",
}
AXE_LOOKS_AT = ("dark", "phone")
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
MOST_BYTES = 150_000
WATCH_SHIFTS = """
window.shifted = 0;
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) window.shifted += entry.value;
}).observe({ type: "layout-shift", buffered: true });
"""
WEIGHT = """() => performance.getEntriesByType("navigation").concat(
  performance.getEntriesByType("resource")).reduce((sum, entry) => sum + entry.transferSize, 0)"""
TOO_WIDE = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"

every_page = pytest.mark.parametrize("path", PAGES.values(), ids=PAGES)


@every_page
@pytest.mark.parametrize("form", list(FORMS), indirect=True)
def test_a_page_in_a_form(page: Page, form: Form, path: str, screenshots: Path) -> None:
    page.add_init_script(WATCH_SHIFTS)
    goto(page, path)
    page.mouse.wheel(0, 2_000)
    page.wait_for_timeout(50)
    assert page.evaluate("window.shifted") == 0
    assert page.evaluate(WEIGHT) < MOST_BYTES
    assert page.evaluate(TOO_WIDE) <= 0
    page.evaluate("scrollTo(0, 0)")
    name = next(name for name, known in PAGES.items() if known == path)
    page.screenshot(path=screenshots / f"{name}-{form.name}.png", full_page=form.name != "wide")
    if form.name in AXE_LOOKS_AT:
        page.locator("details").evaluate_all("all => all.slice(0, 2).forEach(d => d.open = true)")
        found = Axe().run(page, options={"runOnly": RULES, "resultTypes": ["violations"]})
        assert found.violations_count == 0, found.generate_report()


def goto(page: Page, path: str) -> None:
    answer = page.goto(path, wait_until="load")
    assert answer is not None
    assert "unsafe" not in (answer.header_value("content-security-policy") or "unsafe")
