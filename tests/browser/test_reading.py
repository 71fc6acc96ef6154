"""Lists of papers in a real browser."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Page, expect
from redis import Redis

from papers.state.keyword_record import initial_fetch_task
from papers.state.keywords import Keywords
from papers.state.task_states import Progress, TaskState, TaskStates, TaskStatus
from tests.browser.viewports import Viewport


def test_chips_and_facets_change_the_url_and_back_restores_it(page: Page) -> None:
    page.goto("/k/reasoning")
    everything = page.locator("article").count()
    chip = page.locator(".chips summary", has_text="Type")
    chip.click()
    page.get_by_role("link", name=re.compile("^New [0-9]")).click()
    page.wait_for_url("**/k/reasoning?types=new")
    expect(page.locator(".chip.on")).to_contain_text("Type: new")
    page.locator(".facet a").first.click()
    page.wait_for_url("**/search?q=*&types=new")
    narrowed, query = (
        page.locator("article").count(),
        page.get_by_label("Keyword", exact=True).input_value(),
    )
    assert query != "reasoning"
    page.go_back()
    page.wait_for_url("**/k/reasoning?types=new")
    expect(page.locator(".chip.on")).to_have_count(1)
    expect(page.get_by_label("Keyword", exact=True)).to_have_value("reasoning")
    page.go_back()
    page.wait_for_url("**/k/reasoning")
    expect(page.locator(".chip.on")).to_have_count(0)
    assert page.locator("article").count() == everything
    page.go_forward()
    page.go_forward()
    page.wait_for_url("**/search?q=*&types=new")
    assert page.locator("article").count() == narrowed
    expect(page.get_by_label("Keyword", exact=True)).to_have_value(query)
    page.locator(".chip.on").click()
    page.wait_for_url(lambda url: "types" not in url)


@pytest.mark.parametrize("viewport", ["phone"], indirect=True)
def test_filters_of_a_phone_are_in_a_sheet_and_back_restores_them(
    page: Page, viewport: Viewport
) -> None:
    page.goto("/k/reasoning")
    page.locator(".chips summary", has_text="Filter").click()
    page.get_by_label("Type").select_option("new")
    page.get_by_role("button", name="Show papers").click()
    page.wait_for_url("**/k/reasoning?types=new")
    expect(page.locator(".chips summary").first).to_have_text("Filter · 1")
    page.go_back()
    page.wait_for_url("**/k/reasoning")
    page.locator(".chips summary", has_text="Filter").click()
    expect(page.get_by_label("Type")).to_have_value("")
    page.locator(".sheet .close").click()
    expect(page.locator(".sheet")).to_be_hidden()


def test_full_view_is_kept_and_in_the_url(page: Page) -> None:
    page.goto("/k/reasoning")
    first = page.locator("article").first
    expect(first.locator(".whole")).to_be_hidden()
    page.get_by_role("link", name="Full abstracts").click()
    expect(first.locator(".whole")).to_be_visible()
    assert page.url.endswith("/k/reasoning?view=full")
    page.goto("/k/language-models")
    expect(page.locator("article .whole").first).to_be_visible()
    page.get_by_role("link", name="Compact list").click()
    expect(page.locator("article .whole").first).to_be_hidden()
    page.goto("/k/reasoning")
    expect(first.locator(".whole")).to_be_hidden()


def test_abstract_opens_in_the_same_face(page: Page) -> None:
    page.goto("/k/reasoning")
    first = page.locator("article").first
    face = "e => { const s = getComputedStyle(e); return [s.fontFamily, s.fontSize, s.lineHeight] }"
    brief = first.locator(".brief").evaluate(face)
    first.locator(".opener summary").click()
    expect(first.locator(".brief")).to_be_hidden()
    assert first.locator(".whole").evaluate(face) == brief
    expect(first.locator(".opener summary")).to_contain_text("Close")


def test_stars_are_kept_in_the_browser(page: Page) -> None:
    page.goto("/k/reasoning")
    star = page.locator("article .star").first
    star.click()
    expect(star).to_have_attribute("aria-pressed", "true")
    title = page.locator("article h3 a").first
    starred = title.inner_text()
    title.click()
    page.wait_for_url("**/papers/*")
    expect(page.locator(".star")).to_have_attribute("aria-pressed", "true")
    page.goto("/k/reasoning")
    expect(page.locator("article .star").first).to_have_attribute("aria-pressed", "true")
    assert page.locator("article h3 a").first.inner_text() == starred
    page.locator("article .star").first.click()
    page.reload()
    expect(page.locator("article .star").first).to_have_attribute("aria-pressed", "false")


def test_papers_since_the_last_visit_are_marked(page: Page) -> None:
    page.goto("/k/reasoning")
    expect(page.locator("article.is-new")).to_have_count(0)
    page.evaluate("""() => {
      const visits = JSON.parse(localStorage.getItem("visits"));
      const third = document.querySelectorAll("[data-paper]")[2].dataset.paper;
      for (const path in visits) visits[path] = { newest: third, since: third, at: 0 };
      localStorage.setItem("visits", JSON.stringify(visits));
    }""")
    for _ in range(2):  # a reload is the same visit
        page.reload()
        expect(page.locator("article.is-new")).to_have_count(2)
        expect(page.locator(".since")).to_have_text("2 new since your last visit")
    page.evaluate("""() => {
      const visits = JSON.parse(localStorage.getItem("visits"));
      for (const path in visits) visits[path].at -= 31 * 60 * 1000;
      localStorage.setItem("visits", JSON.stringify(visits));
    }""")
    page.reload()
    expect(page.locator("article.is-new")).to_have_count(0)


def test_starred_papers_are_exported(page: Page) -> None:
    page.goto("/k/reasoning")
    for star in page.locator("article .star").all()[:2]:
        star.click()
    titles = page.locator("article h3 a").all_inner_texts()[:2]
    page.goto("/starred")
    assert sorted(page.locator(".headlines .title").all_inner_texts()) == sorted(titles)
    with page.expect_download() as ids:
        page.get_by_role("button", name="list of ids").click()
    assert len(ids.value.path().read_text().split()) == 2
    page.evaluate("""() => {
      const stars = JSON.parse(localStorage.getItem("stars"));
      stars["2611.09999"] = "A paper that is not held";
      localStorage.setItem("stars", JSON.stringify(stars));
    }""")
    with page.expect_download() as references:
        page.get_by_role("button", name="BibTeX").click()
    assert references.value.path().read_text().count("@misc{") == 2
    expect(page.locator(".starred [role=status]")).to_contain_text("2611.09999")
    page.get_by_role("button", name="Remove").first.click()
    page.reload()
    expect(page.locator(".headlines li")).to_have_count(2)


def test_first_focus_is_the_visible_skip_link(page: Page) -> None:
    page.goto("/k/reasoning")
    page.keyboard.press("Tab")
    expect(page.locator(".skip")).to_be_focused()
    expect(page.locator(".skip")).to_be_in_viewport()
    page.keyboard.press("Tab")
    outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid"


@pytest.mark.usefixtures("well_sources")
def test_first_screen_of_a_keyword_has_four_papers(page: Page) -> None:
    page.goto("/k/reasoning")
    bottoms = page.locator("article").evaluate_all(
        "all => all.map(a => a.getBoundingClientRect().bottom)"
    )
    assert bottoms[3] <= 900


@pytest.mark.usefixtures("well_sources")
@pytest.mark.parametrize("viewport", ["phone"], indirect=True)
@pytest.mark.parametrize("path", ["/k/reasoning", "/search?q=reasoning", "/categories/cs.CL"])
def test_first_screen_of_a_phone_has_an_abstract(page: Page, viewport: Viewport, path: str) -> None:
    """With any font: above the bars that a browser shows at the bottom."""
    page.goto(path)
    box = page.locator("article .excerpt:visible").first.bounding_box()
    assert box is not None
    assert box["y"] + box["height"] <= viewport.height - 240


def test_first_fetch_is_seen_and_its_page_updates_itself(page: Page, site_redis: Redis) -> None:
    """The test acts as the worker."""
    Keywords(site_redis).add("Fresh", "fresh", now=datetime.now(UTC))
    task, states = initial_fetch_task("fresh"), TaskStates(site_redis)
    try:
        page.goto("/k/fresh")
        status = page.locator(".fill")
        expect(status).to_contain_text("Waits for its turn")
        now = datetime.now(UTC)
        states.save_progress(Progress(task, 30, 90, now - timedelta(seconds=10), now))
        expect(status).to_contain_text("30 of 90 papers, about 20 seconds left")
        states.save(TaskState(task, TaskStatus.OK, now, now, succeeded_at=now))
        states.unschedule(task)
        expect(status).to_have_count(0)
    finally:
        Keywords(site_redis).remove("fresh", now=datetime.now(UTC))
