"""Which images of picks are fetched, how they are bounded, and what is removed."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from unittest import mock

import pytest
from redis import Redis

from papers.config.settings import Settings
from papers.errors import BadParameter
from papers.model.arxiv_id import ArxivId
from papers.model.paper import Channel, Pick, Sighting
from papers.store import Store
from papers.thumbnails.thumbnail_folder import MAX_IMAGE_BYTES, ThumbnailFolder, thumbnail_name
from tests.papers.thumbnails.images import jpeg, png
from tests.workers.loopback import Loopback, ScriptedReply
from workers.fetch.fetcher import Fetcher
from workers.registry import recurring_tasks
from workers.sources.result import UpstreamClients
from workers.thumbnails.thumbnail_task import (
    RETRY_AFTER,
    THUMBNAILS_TASK,
    ThumbnailTask,
    image_fetcher,
)

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
ARXIV_URLS = ("arxiv_feed_url", "arxiv_api_url", "arxiv_oai_url")
MODULE = "workers.thumbnails.thumbnail_task"


class Thumbnails:
    """A store with picks, a server of images, and the folder."""

    def __init__(self, redis: Redis, loopback: Loopback, settings: Settings, folder: Path) -> None:
        self.store, self.redis, self.loopback = Store(redis), redis, loopback
        arxiv = {name: getattr(Settings(), name) for name in ARXIV_URLS}
        self.settings = replace(settings, **arxiv, thumbnails=True, data_dir=str(folder))
        self.folder = ThumbnailFolder(folder)

    def pick(self, number: int, url: str, days: int = 0, community: str = "hf") -> None:
        at = NOW - timedelta(days=days, minutes=number)
        pick = Pick(community, at, votes=1, counted_at=at, thumbnail=url)
        channel = Channel.HUGGINGFACE if community == "hf" else Channel.COMMUNITY
        sighting = Sighting(ArxivId(202610, number), community, channel, at, pick=pick)
        self.store.ingest([sighting._replace(title=f"Paper {number}")], now=at)

    def serve(self, number: int, body: bytes, status: int = 200) -> str:
        """Serve an image and have a paper picked with it; return its address."""
        url = self.loopback.reply_with(f"/{number}.png", ScriptedReply(body=body, status=status))
        self.pick(number, url)
        return url

    def run(self, now: datetime = NOW) -> str:
        task = ThumbnailTask(self.store, self.redis, lambda settings, _: Fetcher(settings))
        upstreams = UpstreamClients.from_settings(self.redis, self.settings)
        (result,) = task.fetch("", upstreams, now)
        return result.message

    def images(self) -> dict[str, bytes]:
        found = {name: self.folder.read(name) for name in self.folder.files()}
        return {name: image[1] for name, image in found.items() if image}


@pytest.fixture
def thumbnails(
    redis: Redis, loopback: Loopback, loopback_settings: Settings, tmp_path: Path
) -> Thumbnails:
    return Thumbnails(redis, loopback, loopback_settings, tmp_path)


def test_images_of_recent_picks_are_fetched_once(thumbnails: Thumbnails) -> None:
    urls = [thumbnails.serve(1, png(9, 9)), thumbnails.serve(2, jpeg(9, 9))]
    assert thumbnails.run() == "2 images fetched"
    assert thumbnails.images() == {
        thumbnail_name(urls[0]): png(9, 9),
        thumbnail_name(urls[1]): jpeg(9, 9),
    }
    requests = len(thumbnails.loopback.requests)
    assert thumbnails.run() == "0 images fetched"
    assert len(thumbnails.loopback.requests) == requests == 2


@pytest.mark.parametrize(
    ("body", "status", "reason"),
    [
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", 200, "no PNG"),
        (png(9, 9) + bytes(MAX_IMAGE_BYTES), 200, "bytes"),
        (png(9_000, 9_000), 200, "too many"),
        (b"", 404, "404"),
    ],
)
def test_what_is_no_small_image_is_tried_again_after_a_day(
    thumbnails: Thumbnails, body: bytes, status: int, reason: str
) -> None:
    url = thumbnails.serve(1, body, status)
    assert reason in thumbnails.run()
    assert thumbnails.images() == {}
    file = Path(thumbnails.settings.data_dir) / "thumbnails" / thumbnail_name(url)
    os.utime(file, (0, NOW.timestamp()))
    thumbnails.run(NOW + RETRY_AFTER / 2)
    assert len(thumbnails.loopback.requests) == 1
    thumbnails.run(NOW + RETRY_AFTER)
    assert len(thumbnails.loopback.requests) == 2


def test_only_what_communities_in_use_show_now_is_fetched_and_kept(thumbnails: Thumbnails) -> None:
    old = thumbnails.loopback.reply_with("/old.png", ScriptedReply(body=png(9, 9)))
    thumbnails.pick(1, old, days=60)
    thumbnails.pick(2, old, community="removed")
    thumbnails.pick(3, "https://arxiv.org/figure.png")
    thumbnails.folder.save(thumbnail_name(old), png(9, 9))
    assert thumbnails.run() == "0 images fetched"
    assert thumbnails.loopback.requests == []
    assert thumbnails.images() == {}


def test_run_and_folder_are_bounded_and_the_newest_stay(thumbnails: Thumbnails) -> None:
    urls = [thumbnails.serve(number, png(9, 9)) for number in range(1, 6)]
    with mock.patch(f"{MODULE}.MAX_FETCHES", 2):
        assert thumbnails.run() == thumbnails.run() == "2 images fetched"
    assert set(thumbnails.images()) == set(map(thumbnail_name, urls[:4]))
    size = 3 * len(png(9, 9))
    with mock.patch(f"{MODULE}.MAX_FOLDER_BYTES", size), mock.patch(f"{MODULE}.MAX_FETCHES", 0):
        thumbnails.run()
    assert set(thumbnails.images()) == set(map(thumbnail_name, urls[:3]))


def test_private_addresses_are_refused_even_where_feeds_may_be(
    thumbnails: Thumbnails, redis: Redis
) -> None:
    url = thumbnails.serve(1, png(9, 9))
    task = ThumbnailTask(thumbnails.store, redis)
    upstreams = UpstreamClients.from_settings(redis, thumbnails.settings)
    (result,) = task.fetch("", upstreams, NOW)
    assert "not a public address" in result.message
    assert thumbnails.loopback.requests == []
    assert thumbnails.images() == {}
    assert url.startswith("http://127.0.0.1")
    assert image_fetcher(thumbnails.settings, redis)


def test_task_is_planned_only_where_thumbnails_are_shown(thumbnails: Thumbnails) -> None:
    assert THUMBNAILS_TASK in recurring_tasks(thumbnails.settings)
    assert THUMBNAILS_TASK not in recurring_tasks(Settings())
    upstreams = UpstreamClients.from_settings(thumbnails.redis, Settings())
    with pytest.raises(BadParameter, match="not set"):
        next(ThumbnailTask(thumbnails.store, thumbnails.redis).fetch("", upstreams, NOW))
