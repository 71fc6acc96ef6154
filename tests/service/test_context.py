"""What a request reads from the store."""

from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient
from redis import Redis

from papers.model.arxiv_id import ArxivId
from papers.query.request import Page, SearchRequest
from papers.state.keywords import Keywords
from papers.state.task_states import TaskStates
from papers.store import Store
from tests.service.conftest import Announce
from tests.service.made import DAY, NOW, make_sighting

PATHS = (
    "/",
    "/digest",
    "/k/reward-model",
    "/search?k=diffusion&k=reward-model",
    "/trending",
    "/papers/2611.00001",
    "/feeds/reward-model.atom",
    "/feeds/search.json?k=diffusion&k=reward-model",
    "/feeds/reward-model.rss?digest=day",
    "/feeds/reward-model/2026-10.atom",
    "/api/v1/keywords",
    "/api/v1/keywords/reward-model",
    "/api/v1/papers?k=diffusion&k=reward-model",
    "/export/daily.md",
    "/export/k/reward-model.bib",
    "/opml",
    "/opml?k=reward-model",
)


@pytest.mark.usefixtures("three")
@pytest.mark.parametrize("path", PATHS)
def test_keywords_and_task_states_are_read_with_the_version_stamp_only(
    client: FlaskClient, redis: Redis, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    Keywords(redis).add("Diffusion", "diffusion", now=NOW)

    def refuse(*_: object) -> None:
        raise AssertionError("read again")

    for owner, name in ((Keywords, "get"), (Keywords, "all"), (TaskStates, "all")):
        monkeypatch.setattr(owner, name, refuse)
    response = client.get(path)
    assert response.status_code == 200, response.text


def test_link_to_the_previous_archive_takes_no_search(
    client: FlaskClient, announce: Announce, monkeypatch: pytest.MonkeyPatch
) -> None:
    announce(
        [make_sighting(1), make_sighting(2, id=ArxivId(202610, 2), announced_at=NOW - 30 * DAY)]
    )
    searches: list[SearchRequest] = []
    search = Store.search

    def counted(store: Store, request: SearchRequest, *arguments: Any) -> Page:
        searches.append(request)
        return search(store, request, *arguments)

    monkeypatch.setattr(Store, "search", counted)
    response = client.get("/feeds/reward-model.atom")
    assert b"/feeds/reward-model/2026-10.atom" in response.data
    assert len(searches) == 1
