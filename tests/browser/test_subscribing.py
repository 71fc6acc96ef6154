"""The Subscribe control in a real browser."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.content import NEWEST
from tests.browser.viewports import Viewport


def copied_text(page: Page) -> str:
    """Return the text on the clipboard."""
    return str(page.evaluate("navigator.clipboard.readText()"))


def test_feed_of_a_query_is_copied_by_typing_enter_and_subscribe(page: Page, site: str) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.goto("/")
    page.get_by_label("Keyword", exact=True).fill('"language model" -survey')
    page.keyboard.press("Enter")
    page.wait_for_url("**/search?q=*")
    assert page.get_by_label("Keyword", exact=True).input_value() == '"language model" -survey'
    subscribe = page.locator("#subscribe")
    subscribe.locator("summary").click()
    expect(subscribe.locator(".said")).to_contain_text("Address copied")
    copied = copied_text(page)
    assert copied == subscribe.locator(".address input").input_value()
    feed = page.request.get(site + copied.partition(":8000")[2])
    assert feed.headers["content-type"].startswith("application/atom+xml")


def test_choices_of_a_menu_change_its_address_in_place(page: Page) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.goto("/k/reasoning")
    menu = page.locator("#subscribe")
    menu.locator("summary").click()
    for label, end in (
        ("RSS", "/feeds/reasoning.rss"),
        ("Picked", "/feeds/reasoning.rss?when=picked"),
        ("Weekly", "/feeds/reasoning.rss?digest=week"),
        ("JSON", "/feeds/reasoning.json?digest=week"),
    ):
        menu.get_by_role("link", name=label, exact=True).click()
        expect(menu.locator(".address input")).to_have_value(re.compile(re.escape(end) + "$"))
        expect(menu.get_by_role("link", name=label, exact=True)).to_be_focused()
        expect(menu.locator(".said")).to_contain_text("Address copied")
        assert copied_text(page).endswith(end)
    assert page.url.endswith("/k/reasoning"), "the page stays"
    page.keyboard.press("Escape")
    expect(menu.locator(".menu")).to_be_hidden()
    expect(menu.locator("summary")).to_be_focused()


def test_address_is_not_called_copied_where_it_was_not(page: Page) -> None:
    page.add_init_script("""
      navigator.clipboard.writeText = () => Promise.reject(new Error("refused"));
      document.execCommand = () => false;
    """)
    page.goto("/k/reasoning")
    page.locator("#subscribe summary").click()
    said = page.locator("#subscribe .said")
    expect(said).to_have_text("Copy this address into your reader")
    page.get_by_role("button", name="Copy").click()
    expect(page.get_by_role("button", name="Not copied")).to_be_visible()
    expect(said).to_have_text("Copy this address into your reader")


def test_click_beside_a_menu_closes_it(page: Page) -> None:
    page.goto("/k/reasoning")
    for menu in (page.locator("#subscribe"), page.locator(".choose:visible").first):
        menu.locator("summary").click()
        expect(menu).to_have_attribute("open", "")
        page.mouse.click(5, 600)
        expect(menu).not_to_have_attribute("open", "")


@pytest.mark.parametrize("path", ["/k/reasoning", "/", "/trending", "/daily/2026-11-03"])
def test_no_link_of_a_menu_leads_to_a_feed(page: Page, path: str) -> None:
    page.goto(path)
    links = page.locator(".subscribe a").evaluate_all("all => all.map(a => a.href)")
    assert links
    assert not [href for href in links if href.startswith("http") and "/feeds/" in href]


@pytest.mark.parametrize("viewport", ["light", "phone"], indirect=True)
@pytest.mark.parametrize("path", ["/", "/k/reasoning", "/trending", f"/papers/{NEWEST}"])
def test_subscribe_is_in_the_first_screen(page: Page, viewport: Viewport, path: str) -> None:
    page.goto(path)
    box = page.locator(".subscribe summary").first.bounding_box()
    assert box is not None
    assert box["y"] + box["height"] <= viewport.height
