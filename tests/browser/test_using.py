"""Interactions with the pages in a real browser."""

from __future__ import annotations

import re
from dataclasses import replace
from urllib.parse import quote

from playwright.sync_api import Browser, Page, Route, expect
from redis import Redis

from papers.config.settings import Settings
from papers.state.communities import Communities
from papers.state.feed_trials import FeedTrials, TrialPaper
from tests.browser.content import NEWEST, NOW, TOKEN


def test_preview_appears_while_typing(page: Page) -> None:
    page.goto("/")
    box, preview = page.get_by_label("Keyword", exact=True), page.locator(".preview")
    expect(preview).to_be_hidden()
    box.press_sequentially("reasoning")
    expect(preview.locator(".title").first).to_be_visible()
    expect(preview.locator("mark").first).to_have_text(re.compile("reasoning", re.IGNORECASE))
    assert preview.locator(".title").count() <= 6
    box.press("Escape")
    expect(preview).to_be_hidden()


def test_syntax_error_appears_while_typing_and_disappears_when_fixed(page: Page) -> None:
    page.goto("/")
    box, preview = page.get_by_label("Keyword", exact=True), page.locator(".preview")
    box.press_sequentially("(reasoning")
    expect(preview.locator(".fault")).to_contain_text("is not closed")
    expect(box).to_have_attribute("aria-invalid", "true")
    box.press_sequentially(")")
    expect(preview.locator(".title").first).to_be_visible()
    expect(box).to_have_attribute("aria-invalid", "false")


def test_late_preview_of_an_earlier_query_is_not_shown(page: Page) -> None:
    pending: list[Route] = []
    page.route("**/search/preview?q=zeugma", lambda route: pending.append(route))
    page.goto("/")
    box = page.get_by_label("Keyword", exact=True)
    box.fill("zeugma")
    expect(box).to_have_value("zeugma")
    page.wait_for_timeout(300)
    assert len(pending) == 1
    box.fill("reasoning")
    expect(page.locator(".preview .title").first).to_be_visible()
    for route in pending:
        route.abort()
    expect(page.locator(".preview .title").first).to_be_visible()


def test_keyboard_shortcuts(page: Page) -> None:
    page.goto("/k/reasoning")
    page.keyboard.press("j")
    first = page.locator("article").nth(0)
    expect(first.locator("h3 a")).to_be_focused()
    page.keyboard.press("o")
    expect(first.locator("details")).to_have_attribute("open", "")
    page.keyboard.press("j")
    expect(page.locator("article").nth(1).locator("h3 a")).to_be_focused()
    page.keyboard.press("k")
    expect(first.locator("h3 a")).to_be_focused()
    page.keyboard.press("s")
    expect(first.locator(".star")).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("f")
    expect(page.locator("#subscribe")).to_have_attribute("open", "")
    page.keyboard.press("Escape")
    expect(page.locator("#subscribe")).not_to_have_attribute("open", "")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()
    page.keyboard.press("/")
    expect(page.get_by_label("Keyword", exact=True)).to_be_focused()
    page.keyboard.type("jk?/")
    expect(page.get_by_label("Keyword", exact=True)).to_have_value("jk?/")


def test_printed_page_has_no_controls(page: Page) -> None:
    page.goto("/k/reasoning")
    page.emulate_media(media="print")
    expect(page.locator("article").first).to_be_visible()
    expect(page.locator(".whole").first).to_be_visible()
    for hidden in (".search", ".actions", ".chips", ".rail", ".foot nav"):
        expect(page.locator(hidden)).to_be_hidden()


def test_pages_work_without_scripts(browser: Browser, site: str) -> None:
    context = browser.new_context(base_url=site, java_script_enabled=False)
    page = context.new_page()
    page.goto("/")
    page.get_by_label("Keyword", exact=True).fill("reasoning")
    page.get_by_role("button", name="Search").click()
    page.wait_for_url("**/search?q=reasoning")
    page.locator(".chips summary", has_text="Newest").click()
    page.get_by_role("link", name="Newest pick, picked only").click()
    page.wait_for_url("**/search?q=reasoning&when=picked")
    page.locator("article .opener summary").first.click()
    expect(page.locator("article .whole").first).to_be_visible()
    page.get_by_role("link", name="Full abstracts").click()
    page.wait_for_url("**/search?q=reasoning&when=picked&view=full")
    menu = page.locator("#subscribe")
    menu.locator("summary").click()
    expect(menu.locator(".said")).to_have_text("Copy this address into your reader")
    menu.get_by_role("link", name="RSS").click()
    page.wait_for_url("**&feed=picked-rss&view=full#subscribe")
    expect(menu.locator(".address input")).to_have_value(re.compile("search.rss"))
    page.mouse.click(5, 600)
    expect(menu.locator(".menu")).to_be_hidden()
    expect(page.get_by_role("button", name="Copy")).to_have_count(0)
    expect(page.locator(".star:visible")).to_have_count(0)
    context.close()


def test_result_of_a_trial_appears_on_the_page(page: Page, site_redis: Redis) -> None:
    """The test acts as the worker; the page polls until the trial is over."""
    page.goto(f"/manage/feeds#key={quote(TOKEN)}")
    page.get_by_label("Name").fill("club")
    page.get_by_label("Address").fill("https://club.example/feed")
    page.get_by_role("button", name="Try").click()
    waiting = page.locator("[data-poll]")
    expect(waiting).to_contain_text("A worker fetches it")
    trials, id = FeedTrials(site_redis), str(waiting.get_attribute("data-poll")).rpartition("/")[2]
    mentions = (TrialPaper(NEWEST, NOW, "https://club.example/1"),)
    trials.save(replace(trials.get(id), over=True, entries=3, named=1, papers=mentions))
    expect(page.locator(".trial h3")).to_have_text("1 paper in 3 entries")
    page.get_by_role("button", name="Save").click()
    expect(page.locator(".notice")).to_contain_text("club is saved")
    Communities(site_redis, Settings()).remove("club")
