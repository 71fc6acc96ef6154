"""One store of made-up papers, one server and one Chromium for all tests of this folder.

Screenshots are taken into the folder in `PAPERWIRE_SCREENSHOTS`, if it is set.
"""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Playwright, sync_playwright
from redis import Redis
from werkzeug.serving import make_server

from papers.config.settings import Settings
from papers.state.keyword_record import initial_fetch_task
from papers.state.keywords import Keywords
from papers.state.task_states import TaskState, TaskStates, TaskStatus
from papers.store import Store
from service import create_app
from tests.browser.content import KEYWORDS, NOW, TOKEN, content_sightings, example_source_states
from tests.browser.viewports import VIEWPORTS, Viewport
from tests.conftest import running_store

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    """Return what launches Chromium; skip if that is not installed."""
    if CHROMIUM is None:
        pytest.skip("no Chromium: run `apt-get install chromium`")
    with sync_playwright() as playwright:
        yield playwright


@pytest.fixture(scope="session")
def browser(playwright: Playwright) -> Iterator[Browser]:
    """Return Chromium."""
    browser = playwright.chromium.launch(executable_path=CHROMIUM)
    yield browser
    browser.close()


@pytest.fixture(scope="session")
def store_address() -> Iterator[str]:
    """Return the URL of a store of made-up papers."""
    with running_store() as url:
        redis = Redis.from_url(url)
        Store(redis).ingest(content_sightings(), now=NOW)
        for name, query in KEYWORDS.items():
            Keywords(redis).add(name, query, now=NOW)
            finish_initial_fetch(redis, name)
        for state in example_source_states():
            TaskStates(redis).save(state)
        redis.close()
        yield url


def finish_initial_fetch(redis: Redis, name: str) -> None:
    """Record that the newest papers of a keyword have been fetched."""
    states, task = TaskStates(redis), initial_fetch_task(Keywords(redis).get(name).slug)
    states.save(TaskState(task, TaskStatus.OK, NOW, NOW, succeeded_at=NOW))
    states.unschedule(task)


@pytest.fixture
def well_sources(site_redis: Redis) -> Iterator[None]:
    """Let every source be well during a test."""
    for state in example_source_states():
        TaskStates(site_redis).save(replace(state, state=TaskStatus.OK))
    yield
    for state in example_source_states():
        TaskStates(site_redis).save(state)


@pytest.fixture
def site_redis(store_address: str) -> Iterator[Redis]:
    """Return a client of the site's store. A test that changes the store must undo it."""
    with Redis.from_url(store_address) as redis:
        yield redis


@pytest.fixture(scope="session")
def site(store_address: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Return the URL of a server over that store."""
    folder = tmp_path_factory.mktemp("data")
    settings = Settings(
        redis_url=store_address, data_dir=str(folder), questions_per_minute=0, token=TOKEN
    )
    server = make_server("127.0.0.1", 0, create_app(settings), threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.port}"
    server.shutdown()
    thread.join(10)
    server.server_close()


@pytest.fixture
def viewport(request: pytest.FixtureRequest) -> Viewport:
    """Return the viewport that a test names by an indirect parameter, else `light`."""
    return VIEWPORTS[getattr(request, "param", "light")]


@pytest.fixture
def page(browser: Browser, site: str, viewport: Viewport) -> Iterator[Page]:
    """Return a page in the viewport; console messages and foreign requests fail the test."""
    context = browser.new_context(base_url=site, **viewport.options)
    page = context.new_page()
    messages: list[str] = []
    page.on("pageerror", lambda error: messages.append(str(error)))
    page.on("console", lambda message: messages.append(message.text))
    page.on("request", lambda r: None if r.url.startswith(site) else messages.append(r.url))
    yield page
    context.close()
    assert [text for text in messages if "status of 40" not in text] == []


@pytest.fixture(scope="session")
def screenshots() -> Path | None:
    """Return the folder of screenshots, if somebody wants to see some."""
    name = os.environ.get("PAPERWIRE_SCREENSHOTS")
    if not name:
        return None
    folder = Path(name)
    folder.mkdir(parents=True, exist_ok=True)
    return folder
