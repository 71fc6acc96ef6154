"""Rules about sizes hold with the fonts of other machines: they come from CSS, not from a font.

The sets of fonts are those that are installed here: DejaVu, Liberation, Noto.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, Playwright

from tests.browser.conftest import CHROMIUM
from tests.browser.font_sets import INSTALLED, browser_with_fonts
from tests.browser.viewports import VIEWPORTS
from tests.browser.visited_pages import HORIZONTAL_OVERFLOW, PAGES

SMALL_TARGETS: Final = """() => [...document.querySelectorAll("a, button, summary, input, select")]
  .filter((target) => target.checkVisibility() && !target.closest("p, .visually-hidden, .skip")
    && target.type !== "hidden" && target.type !== "checkbox" && target.type !== "radio")
  .map((target) => [target, target.getBoundingClientRect()])
  .filter(([target, box]) => box.width > 1 && (box.width < 24 || box.height < 24))
  .map(([target, box]) => `${target.outerHTML.slice(0, 90)} ${box.width} by ${box.height}`)"""


def test_fonts_differ_from_set_to_set(playwright: Playwright, tmp_path: Path) -> None:
    """The sets are real: a text is of another width with each."""
    widths = set[float]()
    for name, fonts in INSTALLED.items():
        (tmp_path / name).mkdir()
        with browser_with_fonts(playwright, CHROMIUM or "", fonts, tmp_path / name) as browser:
            page = browser.new_page()
            page.set_content("<span style='font: 20px sans-serif'>What is the width?</span>")
            widths.add(
                page.evaluate("document.querySelector('span').getBoundingClientRect().width")
            )
    assert len(widths) == len(INSTALLED) >= 1


@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", INSTALLED)
def test_targets_and_widths_follow_the_rules_with_every_font(
    playwright: Playwright, site: str, tmp_path: Path, name: str
) -> None:
    phone = VIEWPORTS["phone"]
    with browser_with_fonts(playwright, CHROMIUM or "", INSTALLED[name], tmp_path) as browser:
        page = browser.new_context(base_url=site, **phone.options).new_page()
        problems = {title: problems_of(page, path) for title, path in PAGES.items()}
    assert {title: found for title, found in problems.items() if found} == {}


def problems_of(page: Page, path: str) -> list[str]:
    """Targets that are too small or too close, and widths at which the page overflows."""
    page.set_viewport_size({"width": VIEWPORTS["phone"].width, "height": 844})
    page.goto(path, wait_until="load")
    for opened in ("details", ".subscribe", ".choose"):
        found = page.locator(f"{opened}:visible")
        if found.count():
            found.last.evaluate("details => details.open = true")
    rule = {"type": "rule", "values": ["target-size"]}
    report = Axe().run(page, options={"runOnly": rule, "resultTypes": ["violations"]})
    problems = [report.generate_report()] if report.violations_count else []
    problems += page.evaluate(SMALL_TARGETS)
    for width in (320, 640, 1024):
        page.set_viewport_size({"width": width, "height": 900})
        if page.evaluate(HORIZONTAL_OVERFLOW) > 0:
            problems.append(f"wider than {width} pixels")
    return problems
