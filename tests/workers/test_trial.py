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
from tests.workers.sources.rss_feeds import rss
from workers.jobs import job_queue
from workers.rq_worker import AllowedJob
from workers.trial import run, trial_fetcher, try_feed

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
FEED = rss(
    "<title>arXiv:2611.01234</title><pubDate>Wed, 18 Nov 2026 08:00:00 GMT</pubDate>",
    "<title>arXiv:2611.00002</title><pubDate>Thu, 19 Nov 2026 08:00:00 GMT</pubDate>",
    "<title>arXiv:2611.01234, once more</title><pubDate>Thu, 19 Nov 2026 GMT</pubDate>",
    "<title>News</title>",
)


def trial(loopback: Loopback, *replies: ScriptedReply) -> FeedTrial:
    return FeedTrial("abc", "club", loopback.reply_with("/club.rss", *replies))


def test_trial_lists_papers(loopback: Loopback, loopback_settings: Settings, redis: Redis) -> None:
    outcome = try_feed(
        trial(loopback, ScriptedReply(body=FEED)), trial_fetcher(redis, loopback_settings), NOW
    )
    assert (outcome.over, outcome.fault, outcome.entries, outcome.named) == (True, "", 4, 2)
    assert [str(paper.id) for paper in outcome.papers] == ["2611.00002", "2611.01234"]
    assert outcome.papers[1].picked_at == datetime(2026, 11, 18, 8, tzinfo=UTC)


@pytest.mark.parametrize(
    ("reply", "message"),
    [
        (ScriptedReply(404), "404"),
        (ScriptedReply(body=b"<html>no</html>"), "is not a feed"),
        (ScriptedReply(body=b""), "empty body"),
        (ScriptedReply(302, headers={"Location": "file:///etc/passwd"}), "only http"),
        (ScriptedReply(body=b"<rss><channel><item><title>x"), "was cut"),
    ],
)
def test_trial_reports_faults(
    loopback: Loopback,
    loopback_settings: Settings,
    redis: Redis,
    reply: ScriptedReply,
    message: str,
) -> None:
    outcome = try_feed(trial(loopback, reply), trial_fetcher(redis, loopback_settings), NOW)
    assert (outcome.over, outcome.papers) == (True, ())
    assert message in outcome.fault


@pytest.mark.row("secrets of sources")
def test_fault_of_a_trial_hides_what_the_address_has_of_secrets(
    loopback: Loopback, loopback_settings: Settings, redis: Redis
) -> None:
    url = loopback.reply_with("/club.rss", ScriptedReply(401, body=b"key s3cretkey is wrong"))
    secret = url.replace("://", "://me:s3cretword@") + "?key=s3cretkey"
    outcome = try_feed(
        FeedTrial("abc", "club", secret), trial_fetcher(redis, loopback_settings), NOW
    )
    assert outcome.fault
    assert "s3cret" not in outcome.fault


def test_private_address_is_not_requested(
    loopback: Loopback, loopback_settings: Settings, redis: Redis
) -> None:
    """The checks are those of every upstream."""
    guarded = replace(loopback_settings, allowed_networks=())
    outcome = try_feed(
        trial(loopback, ScriptedReply(body=FEED)), trial_fetcher(redis, guarded), NOW
    )
    assert "not a public address" in outcome.fault
    assert loopback.requests == []


def test_trial_job_stores_only_its_outcome(
    loopback: Loopback, redis: Redis, store_url: str
) -> None:
    trials = FeedTrials(redis)
    trial_under_way = trials.create(
        "club", loopback.reply_with("/club.rss", ScriptedReply(body=FEED))
    )
    environ = {"REDIS_URL": store_url, "PAPERWIRE_ALLOWED_NETWORKS": "127.0.0.0/8"}
    with mock.patch.dict(os.environ, environ):
        run(trial_under_way.id)
    assert trials.get(trial_under_way.id).named == 2
    assert (Store(redis).count_papers(), redis.exists(keys.VALIDATORS, keys.SOURCES)) == (0, 0)


def test_expired_trial_raises(store_url: str) -> None:
    with (
        mock.patch.dict(os.environ, {"REDIS_URL": store_url}),
        pytest.raises(UnknownSource, match="try the feed again"),
    ):
        run("gone")


def test_worker_runs_the_job_sent_by_a_page(
    loopback: Loopback, redis: Redis, store_url: str, tmp_path: Path
) -> None:
    """From the form to the outcome: nothing is fetched before the worker runs."""
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
