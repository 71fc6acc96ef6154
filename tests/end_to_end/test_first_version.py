"""A data folder that the first version wrote, opened by this one: everything is there and served.

`first_version/` holds its store's files: eleven papers of two years (one withdrawn, one revised,
some picked), six saved keywords, a community and the states of sources and initial fetches. Its
`feeds.json` has the entries of the feeds that it served: `[id, title]`, newest first.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import pytest
from flask import Flask
from redis import Redis

from papers.config.settings import Settings
from papers.maintenance.backup import write_backup
from papers.maintenance.migrations import SCHEMA_VERSION, prepare_store, stored_version
from papers.maintenance.restore import restore_backup
from papers.model.arxiv_id import ArxivId
from papers.state.communities import Communities
from papers.state.initial_fetch_states import InitialFetchStates
from papers.state.keywords import Keywords
from papers.state.task_states import TaskStates
from papers.store import Store
from paperwire.run.embedded_store import StorePaths, open_embedded_store
from tests.service.conftest import serving

FIXTURE: Final = Path(__file__).parent / "first_version"
FEEDS: Final[dict[str, list[list[str]]]] = json.loads((FIXTURE / "feeds.json").read_text("utf-8"))
SITE: Final = "http://wire.example"
NOW: Final = datetime(2026, 11, 17, tzinfo=UTC)


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """Settings over a running store on a copy of the data folder."""
    folder = tmp_path_factory.mktemp("first_version")
    shutil.copytree(FIXTURE / "appendonlydir", folder / "store" / "appendonlydir")
    with open_embedded_store(StorePaths.in_data_dir(str(folder))) as url:
        yield Settings(redis_url=url, data_dir=str(folder), public_url=SITE)


@pytest.fixture(scope="module")
def kept(settings: Settings) -> Iterator[Redis]:
    """A client of that store, whose data has been brought to this version's schema."""
    with closing(Redis.from_url(settings.redis_url)) as client:
        assert prepare_store(client) == 5
        yield client


@pytest.fixture(scope="module")
def app(settings: Settings, kept: Redis) -> Iterator[Flask]:
    """The web app over that store."""
    with serving(settings) as app:
        yield app


def test_every_paper_is_kept(kept: Redis) -> None:
    papers = {str(paper.id): paper for paper in Store(kept).iter_papers()}
    assert len(papers) == 12  # one of them only named by a community
    assert stored_version(kept) == SCHEMA_VERSION
    titles = {id: title for entries in FEEDS.values() for id, title in entries}
    shown = {id: papers[id].title for id in titles}
    assert {id: title.removeprefix("[Withdrawn] ") for id, title in titles.items()} == shown
    assert [id for id, paper in papers.items() if paper.withdrawn] == ["2611.00008"]
    assert papers["2611.00003"].version == 2
    assert {pick.community for pick in papers["2611.00003"].picks} >= {"hf", "weekly"}
    assert papers["2611.00004"].votes == 15
    assert Store(kept).undescribed(10) == [ArxivId.parse("2611.09999")]


MEANT: Final = {
    "gps": ["2611.00001"],  # the first version read GPS as the plural of GP
    "multimodal": ["2611.00004", "2611.00003"],  # and multi-modal as two words only
}
"""Feeds that have changed because their keywords are read as they were meant."""


@pytest.mark.parametrize("slug", [slug for slug in FEEDS if "?" not in slug])
def test_saved_keyword_has_its_feed(app: Flask, slug: str) -> None:
    feed = app.test_client().get(f"/feeds/{slug}.atom", base_url=SITE)
    assert feed.status_code == 200
    entries = re.findall(r"<entry>\s*<id>https://arxiv.org/abs/([^<]+)</id>", feed.text)
    assert entries == MEANT.get(slug, [id for id, _ in FEEDS[slug]])


def test_picks_keep_their_order(app: Flask) -> None:
    feed = app.test_client().get("/feeds/search.atom?q=reward&when=picked", base_url=SITE)
    entries = re.findall(r"<entry>\s*<id>https://arxiv.org/abs/([^<]+)</id>", feed.text)
    assert entries == [id for id, _ in FEEDS["search?q=reward&when=picked"]]


def test_keywords_communities_and_states_are_kept(settings: Settings, kept: Redis) -> None:
    assert {keyword.slug for keyword in Keywords(kept).all()} == {
        slug for slug in FEEDS if "?" not in slug
    }
    assert "club" in {community.name for community in Communities(kept, settings).all()}
    names = {state.name for state in TaskStates(kept).all()}
    assert {"announcements:cs.CL", "oai:daily", "hf:today", "community:weekly"} <= names
    counts = InitialFetchStates(kept).counts()
    assert counts["ok"] == 1  # GPS means less than it did, and is fetched again


def test_pages_show_the_papers(app: Flask) -> None:
    for path in ("/", "/status", "/manage", "/k/reward-model", "/papers/2611.00003"):
        page = app.test_client().get(path, base_url=SITE)
        assert page.status_code == 200, path


def test_a_backup_of_it_restores(kept: Redis, store_url: str, tmp_path: Path) -> None:
    path = tmp_path / "backup"
    write_backup(kept, path, now=NOW)
    with closing(Redis.from_url(store_url)) as other:
        other.flushall()
        restore_backup(other, path, replace=False, now=NOW)
        assert list(Store(other).iter_papers()) == list(Store(kept).iter_papers())
