"""Saving with a token that the browser keeps."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from urllib.parse import quote

import pytest
from playwright.sync_api import Browser, Page, Request, expect
from redis import Redis

from papers.state.keyword_record import initial_fetch_task
from papers.state.keywords import Keywords
from papers.state.task_states import TaskState, TaskStates, TaskStatus
from tests.browser.conftest import finish_initial_fetch
from tests.browser.content import KEYWORDS, NOW, TOKEN

KEY = f"#key={quote(TOKEN)}"


@pytest.fixture
def saved_again(site_redis: Redis) -> Iterator[None]:
    """Remove the keywords that a test saves."""
    yield
    for keyword in Keywords(site_redis).all():
        if keyword.name not in KEYWORDS:
            Keywords(site_redis).remove(keyword.slug, now=NOW)


@pytest.mark.usefixtures("saved_again")
def test_new_user_types_searches_and_saves(page: Page) -> None:
    """The key of the address is kept, in no address that is requested, and sent as a header."""
    requests: list[Request] = []
    page.on("request", lambda request: requests.append(request))
    page.goto(f"/{KEY}")
    expect(page.locator(".toast")).to_have_text("This browser can save here now.")
    assert page.url.endswith("/")
    page.get_by_label("Keyword", exact=True).fill('"language model"')
    page.keyboard.press("Enter")
    page.get_by_role("link", name="Save", exact=True).click()
    page.wait_for_url("**/k/language-model")
    expect(page.locator("h1")).to_have_text("language model")
    assert [r.url for r in requests if TOKEN in r.url or quote(TOKEN) in r.url] == []
    posts = [r for r in requests if r.method == "POST"]
    assert [r.url.rpartition("/")[2] for r in posts] == ["token", "manage"]
    assert {r.headers["authorization"] for r in posts} == {f"Bearer {TOKEN}"}
    assert TOKEN not in str(posts[1].post_data)


def test_second_name_of_a_query_is_noticed_with_a_link(page: Page) -> None:
    page.goto(f"/search?q=Reasoning{KEY}")
    expect(page.locator(".toast")).not_to_be_empty()
    page.get_by_role("link", name="Save", exact=True).click()
    expect(page.locator(".notice")).to_contain_text("This query is saved already, as Reasoning")
    expect(page.locator(".notice")).to_be_focused()
    page.locator(".notice").get_by_role("link").click()
    page.wait_for_url("**/k/reasoning")


def test_page_without_a_key_says_what_it_needs_and_forms_that_cannot_work_are_off(
    page: Page,
) -> None:
    page.goto("/manage")
    panel, save = page.locator(".token"), page.get_by_role("button", name="Save", exact=True)
    expect(panel).to_contain_text("A token is a long random word")
    expect(panel).to_contain_text("paperwire token add NAME --scope keywords")
    expect(save).to_be_disabled()
    expect(page.get_by_role("button", name="Preview")).to_be_enabled()
    panel.get_by_label("Token").fill("a token that is wrong")
    panel.get_by_role("button", name="Keep it").click()
    expect(panel.get_by_role("alert")).to_have_text("That token is not valid here.")
    expect(save).to_be_disabled()
    panel.get_by_label("Token").fill(TOKEN)
    panel.get_by_role("button", name="Keep it").click()
    expect(save).to_be_enabled()
    expect(panel.locator(".how")).to_be_hidden()
    page.reload()
    expect(save).to_be_enabled()
    panel.get_by_role("button", name="Forget it").click()
    expect(save).to_be_disabled()
    expect(panel.locator(".how")).to_be_visible()


def test_wrong_key_of_a_foreign_link_replaces_none(page: Page) -> None:
    page.goto(f"/manage{KEY}")
    save = page.get_by_role("button", name="Save", exact=True)
    expect(save).to_be_enabled()
    page.goto("/manage#key=a-key-of-somebody-else-entirely")
    expect(page.locator(".toast")).to_have_text("That token is not valid here.")
    assert page.url.endswith("/manage")
    page.get_by_label("Keyword", exact=True).nth(1).fill("(")
    save.click()
    expect(page.locator(".notice")).to_contain_text("Something is missing here")


def test_import_is_shown_while_it_goes_on(page: Page, site_redis: Redis) -> None:
    page.goto(f"/manage{KEY}")
    lines = "".join(f"List {n}\tword{n} of a list\n" for n in range(3)).encode()
    field = page.get_by_label("File")
    field.set_input_files({"name": "list.txt", "mimeType": "text/plain", "buffer": lines})
    page.get_by_role("button", name="Import").click()
    expect(page.locator("main .plain")).to_contain_text("3 read: 3 saved")
    expect(page.locator("main .plain")).to_contain_text("All is read.")
    for n in range(3):
        Keywords(site_redis).remove(f"list-{n}", now=NOW)


def test_past_of_a_keyword_is_brought_and_seen(page: Page, site_redis: Redis) -> None:
    """The test acts as the worker."""
    states, task = TaskStates(site_redis), initial_fetch_task("nothing-yet")
    states.delete_task(task)
    page.goto(f"/k/nothing-yet{KEY}")
    page.get_by_role("button", name="Bring the past of this keyword").click()
    expect(page.locator(".fill")).to_contain_text("Waits for its turn")
    now = datetime.now(UTC)
    states.save(TaskState(task, TaskStatus.OK, now, now, succeeded_at=now))
    states.unschedule(task)
    expect(page.locator(".fill")).to_have_count(0)
    expect(page.locator("#past")).to_have_count(0)
    finish_initial_fetch(site_redis, "Nothing Yet")


@pytest.mark.usefixtures("saved_again")
def test_token_is_typed_into_the_form_without_scripts(browser: Browser, site: str) -> None:
    context = browser.new_context(base_url=site, java_script_enabled=False)
    page = context.new_page()
    page.goto("/search?q=language+model")
    page.get_by_role("link", name="Save", exact=True).click()
    form = page.locator("form", has=page.get_by_role("heading", name="Save a keyword"))
    form.get_by_label("Token").fill(TOKEN)
    form.get_by_role("button", name="Save").click()
    expect(page.get_by_role("status")).to_contain_text("language model is saved")
    context.close()
