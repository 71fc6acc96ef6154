from __future__ import annotations

import os
import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from unittest import mock

import pytest
from redis import Redis
from rq.serializers import JSONSerializer

from papers.config.settings import Settings
from papers.errors import UnknownSource
from papers.redis_backend import keys
from papers.state.feed_trials import FeedTrial, FeedTrials
from papers.store import Store
from service import create_app
from tests.workers.loopback import Loopback, ScriptedReply
from tests.workers.sources.test_community import rss
from workers.jobs import job_queue
from workers.rq_worker import AllowedJob
from workers.trial import run, try_feed

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
FEED = rss(
    "<title>arXiv:2611.01234</title><pubDate>Wed, 18 Nov 2026 08:00:00 GMT</pubDate>",
    "<title>arXiv:2611.00002</title><pubDate>Thu, 19 Nov 2026 08:00:00 GMT</pubDate>",
    "<title>arXiv:2611.01234, once more</title><pubDate>Thu, 19 Nov 2026 GMT</pubDate>",
    "<title>News</title>",
)


def trial(loopback: Loopback, *replies: ScriptedReply) -> FeedTrial:
    return FeedTrial("abc", "club", loopback.reply_with("/club.rss", *replies))


def test_what_a_feed_would_bring(loopback: Loopback, near: Settings) -> None:
    came = try_feed(trial(loopback, ScriptedReply(body=FEED)), near, NOW)
    assert (came.over, came.fault, came.entries, came.named) == (True, "", 4, 2)
    assert [str(paper.id) for paper in came.papers] == ["2611.00002", "2611.01234"]
    assert came.papers[1].picked_at == datetime(2026, 11, 18, 8, tzinfo=UTC)


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (ScriptedReply(404), "404"),
        (ScriptedReply(body=b"<html>no</html>"), "is no feed"),
        (ScriptedReply(body=b""), "empty body"),
        (ScriptedReply(302, headers={"Location": "file:///etc/passwd"}), "only http"),
        (ScriptedReply(body=b"<rss><channel><item><title>x"), "was cut"),
    ],
)
def test_why_nothing_came(
    loopback: Loopback, near: Settings, reply: ScriptedReply, said: str
) -> None:
    came = try_feed(trial(loopback, reply), near, NOW)
    assert (came.over, came.papers) == (True, ())
    assert said in came.fault


def test_an_address_inside_is_not_asked(loopback: Loopback, near: Settings) -> None:
    """The checks are those of every upstream."""
    guarded = replace(near, allowed_networks=())
    came = try_feed(trial(loopback, ScriptedReply(body=FEED)), guarded, NOW)
    assert "not a public address" in came.fault
    assert loopback.requests == []


def test_the_job_keeps_what_came_and_stores_no_paper(
    loopback: Loopback, redis: Redis, store_url: str
) -> None:
    trials = FeedTrials(redis)
    begun = trials.create("club", loopback.reply_with("/club.rss", ScriptedReply(body=FEED)))
    environ = {"REDIS_URL": store_url, "PAPERWIRE_ALLOWED_NETWORKS": "127.0.0.0/8"}
    with mock.patch.dict(os.environ, environ):
        run(begun.id)
    assert trials.get(begun.id).named == 2
    assert (Store(redis).count_papers(), redis.exists(keys.VALIDATORS, keys.SOURCES)) == (0, 0)


def test_a_job_that_comes_too_late(store_url: str) -> None:
    with (
        mock.patch.dict(os.environ, {"REDIS_URL": store_url}),
        pytest.raises(UnknownSource, match="try the feed again"),
    ):
        run("gone")


def test_a_worker_runs_the_job_that_a_page_sent(
    loopback: Loopback, redis: Redis, store_url: str, tmp_path: Path
) -> None:
    """The way from a click to what came: nothing is fetched before the worker does."""
    url = loopback.reply_with("/club.rss", ScriptedReply(body=FEED))
    token = "a token of these tests"
    app = create_app(Settings(redis_url=store_url, data_dir=str(tmp_path), token=token))
    form = {"action": "try", "name": "club", "url": url, "token": token}
    page = app.test_client().post("/manage/feeds", data=form).text
    assert loopback.requests == []
    environ = {"REDIS_URL": store_url, "PAPERWIRE_ALLOWED_NETWORKS": "127.0.0.0/8"}
    with mock.patch.dict(os.environ, environ):
        (id,) = job_queue(redis).job_ids
        AllowedJob.fetch(id, connection=redis, serializer=JSONSerializer).perform()
    (path,) = re.findall(r'data-poll="([^"]+)"', page)
    assert "2 papers in 4 entries" in app.test_client().get(path).text
