"""One store of made-up papers, one server and one Chromium for all tests of this folder.

Screenshots go into the folder that `PAPERWIRE_SCREENSHOTS` names, or into pytest's own.
"""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright
from redis import Redis
from werkzeug.serving import make_server

from papers.config.settings import Settings
from papers.state.keywords import Keywords
from papers.state.task_states import TaskStates
from papers.store import Store
from service import create_app
from tests.browser.content import KEYWORDS, NOW, TOKEN, content_sightings, example_source_states
from tests.browser.forms import VIEWPORTS, Viewport
from tests.conftest import running_store

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Chromium; skips where there is none."""
    if CHROMIUM is None:
        pytest.skip("no Chromium: `apt-get install chromium` gets it")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def store_address() -> Iterator[str]:
    """The address of a store of made-up papers."""
    with running_store() as url:
        redis = Redis.from_url(url)
        Store(redis).ingest(content_sightings(), now=NOW)
        for name, query in KEYWORDS.items():
            Keywords(redis).add(name, query, now=NOW)
        for state in example_source_states():
            TaskStates(redis).save(state)
        redis.close()
        yield url


@pytest.fixture
def site_redis(store_address: str) -> Iterator[Redis]:
    """The store that the site shows. Whoever changes it changes it back."""
    with Redis.from_url(store_address) as redis:
        yield redis


@pytest.fixture(scope="session")
def site(store_address: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of Paperwire over that store."""
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
def form(request: pytest.FixtureRequest) -> Viewport:
    """How the page is looked at; tests name it by indirect parameters, else it is `light`."""
    return VIEWPORTS[getattr(request, "param", "light")]


@pytest.fixture
def page(browser: Browser, site: str, form: Viewport) -> Iterator[Page]:
    """A page in that form; what its console complains of fails the test."""
    context = browser.new_context(base_url=site, **form.options)
    page = context.new_page()
    said: list[str] = []
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("console", lambda message: said.append(message.text))
    page.on("request", lambda r: None if r.url.startswith(site) else said.append(r.url))
    yield page
    context.close()
    assert [text for text in said if "status of 40" not in text] == []


@pytest.fixture(scope="session")
def screenshots(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where screenshots go."""
    folder = Path(os.environ.get("PAPERWIRE_SCREENSHOTS") or tmp_path_factory.mktemp("screenshots"))
    folder.mkdir(parents=True, exist_ok=True)
    return folder
