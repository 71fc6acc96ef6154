"""Blocked papers over HTTP: out of every address with the next request, and back when lifted."""

from __future__ import annotations

from pathlib import Path

import pytest
from flask.testing import FlaskClient
from redis import Redis

from papers.blocks.block_list import BlockKind
from papers.blocks.saved_blocks import SavedBlocks
from papers.maintenance.backup import write_backup
from papers.maintenance.restore import restore_backup
from papers.model.periods import Period
from papers.state.keyword_record import Keyword
from papers.state.keywords import Keywords
from papers.store import Store
from service.cache.archive_snapshots import ArchiveSnapshots
from tests.service.conftest import Announce
from tests.service.made import NOW, make_pick

ADDRESSES = (
    "/feeds/search.atom?q=reward",
    "/feeds/search.rss?q=reward",
    "/feeds/search.json?q=reward",
    "/api/v1/papers?q=reward",
    "/feeds/reward.atom",
    "/feeds/reward/2026-11.atom",
    "/search?q=reward",
    "/k/reward",
    "/digest",
    "/export/daily.md",
    "/export/papers.bib?q=reward",
    "/",
)


def texts(client: FlaskClient) -> dict[str, str]:
    replies = {path: client.get(path, follow_redirects=True) for path in ADDRESSES}
    return {path: reply.text for path, reply in replies.items() if reply.status_code == 200}


@pytest.fixture
def saved(redis: Redis) -> None:
    Keywords(redis).add("Reward", "reward", now=NOW)


@pytest.mark.usefixtures("three", "saved")
def test_blocked_paper_is_nowhere_and_comes_back(client: FlaskClient, redis: Redis) -> None:
    before = texts(client)
    showing = [path for path, text in before.items() if "2611.00002" in text]
    assert len(showing) >= 6, showing
    for kind, subject in (("paper", "2611.00002"), ("author", "ada lovelace")):
        SavedBlocks(redis).add(kind, subject, "takedown", now=NOW)  # type: ignore[arg-type]
        blocked = texts(client)
        assert [path for path, text in blocked.items() if "2611.00002" in text] == []
        SavedBlocks(redis).remove(kind, subject, now=NOW)  # type: ignore[arg-type]
        lifted = texts(client)
        assert [path for path, text in lifted.items() if "2611.00002" in text] == showing


@pytest.mark.usefixtures("three")
@pytest.mark.parametrize(
    "path", ["/papers/2611.00002", "/papers/2611.00002.atom", "/api/v1/papers/2611.00002"]
)
def test_address_of_a_blocked_paper_is_gone(client: FlaskClient, redis: Redis, path: str) -> None:
    first = client.get(path)
    assert first.status_code == 200
    SavedBlocks(redis).add("paper", "2611.00002", "by a court", now=NOW)
    known = {"If-None-Match": first.headers["ETag"]}
    reply = client.get(path, headers=known)
    assert (reply.status_code, "by a court" in reply.text) == (410, False)
    SavedBlocks(redis).add("paper", "2611.00002", "by a court", now=NOW, is_public=True)
    assert "by a court" in client.get(path).text
    SavedBlocks(redis).remove("paper", "2611.00002", now=NOW)
    again = client.get(path)
    assert (again.status_code, again.headers["ETag"]) == (200, first.headers["ETag"])


@pytest.mark.usefixtures("three", "saved")
def test_block_that_hits_nothing_changes_no_response(client: FlaskClient, redis: Redis) -> None:
    before = client.get("/feeds/reward.atom")
    SavedBlocks(redis).add("url", "nowhere.example", "spam", now=NOW)
    known = {"If-None-Match": before.headers["ETag"]}
    assert client.get("/feeds/reward.atom", headers=known).status_code == 304


def test_snapshot_hides_what_is_blocked_and_keeps_it(redis: Redis, three: None) -> None:
    store = Store(redis)
    snapshots = ArchiveSnapshots(redis, store)
    keyword, period = Keyword("reward", "Reward", "reward", NOW), Period.parse("month", "2026-11")

    def numbers() -> list[int]:
        return [paper.id.number for paper in snapshots.papers(keyword, period)]

    blocks = SavedBlocks(redis)
    blocks.add("paper", "2611.00001", "takedown", now=NOW)
    assert numbers() == [3, 2]
    blocks.add("paper", "2611.00002", "takedown", now=NOW)
    assert numbers() == [3]
    for id in ("2611.00001", "2611.00002"):
        blocks.remove("paper", id, now=NOW)
    assert numbers() == [3, 2, 1]


def test_snapshot_made_under_a_block_keeps_the_picks_that_it_hides(
    redis: Redis, three: None, announce: Announce
) -> None:
    announce([make_pick(2)])
    snapshots, blocks = ArchiveSnapshots(redis, Store(redis)), SavedBlocks(redis)
    keyword, period = Keyword("reward", "Reward", "reward", NOW), Period.parse("month", "2026-11")
    blocks.add("community", "hf", "spam", now=NOW)
    assert [len(paper.picks) for paper in snapshots.papers(keyword, period)] == [0, 0, 0]
    blocks.remove("community", "hf", now=NOW)
    assert [len(paper.picks) for paper in snapshots.papers(keyword, period)] == [0, 1, 0]


@pytest.mark.usefixtures("three", "saved")
def test_block_list_is_in_backups(client: FlaskClient, redis: Redis, tmp_path: Path) -> None:
    SavedBlocks(redis).add("paper", "2611.00002", "by a court", now=NOW)
    write_backup(redis, tmp_path / "b", now=NOW)
    redis.flushall()
    restore_backup(redis, tmp_path / "b", replace=False, now=NOW)
    assert [block.subject for block in SavedBlocks(redis).all()] == ["2611.00002"]
    assert "2611.00002" not in client.get("/feeds/reward.atom").text


@pytest.mark.usefixtures("three", "saved")
@pytest.mark.parametrize(
    ("kind", "subject"), [("community", "hf"), ("url", "huggingface.co/papers")]
)
def test_pick_of_a_blocked_community_is_not_shown(
    client: FlaskClient, redis: Redis, announce: Announce, kind: BlockKind, subject: str
) -> None:
    announce([make_pick(2)])
    picks = "/api/v1/papers?q=is%3Apicked&when=picked"
    paths = ("/feeds/reward.atom", "/api/v1/papers?q=reward", "/papers/2611.00002", picks)
    place = "huggingface.co/papers/2611.00002"
    before = {path: client.get(path, follow_redirects=True).text for path in paths}
    assert [path for path, text in before.items() if place in text] == list(paths)
    SavedBlocks(redis).add(kind, subject, "spam", now=NOW)
    blocked = {path: client.get(path, follow_redirects=True).text for path in paths}
    assert [path for path, text in blocked.items() if place in text] == []
    assert "2611.00002" in blocked["/feeds/reward.atom"]
    assert "2611.00002" not in blocked[picks]
    SavedBlocks(redis).remove(kind, subject, now=NOW)
    assert {path: client.get(path, follow_redirects=True).text for path in paths} == before
