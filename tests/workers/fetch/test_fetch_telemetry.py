from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime

import pytest
from redis import Redis

from papers.config.settings import Settings
from papers.errors import PaperwireError
from papers.telemetry.log_events import event_id
from papers.telemetry.metric_recorder import MetricRecorder, RecordedMetrics
from papers.telemetry.metric_table import ARXIV_WAIT_SECONDS, UPSTREAM_SECONDS
from tests.workers.loopback import Loopback, ScriptedReply
from workers.fetch.fetcher import Fetcher

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


@pytest.fixture
def host() -> Iterator[Loopback]:
    with Loopback().running() as loopback:
        yield loopback


def fetcher_of(redis: Redis, host: Loopback, recorder: MetricRecorder) -> Fetcher:
    settings = Settings(
        allowed_networks=("127.0.0.0/8",),
        arxiv_feed_url=host.url("/atom", "localhost"),
        huggingface_url=host.url("/hf"),
        arxiv_interval=0.3,
    )
    return Fetcher(settings, redis, recorder=recorder)


def test_requests_are_counted_by_upstream_and_outcome(redis: Redis, host: Loopback) -> None:
    recorder = MetricRecorder(redis)
    fetcher = fetcher_of(redis, host, recorder)
    host.reply_with("/refused", ScriptedReply(503))
    host.reply_with("/same", ScriptedReply(304))
    host.reply_with("/hf/papers", ScriptedReply())
    host.reply_with("/atom", ScriptedReply())
    for url in (
        host.url("/refused"),
        host.url("/same"),
        host.url("/hf/papers"),
        "http://127.0.0.1:1/",
    ):
        with suppress(PaperwireError):
            fetcher.get(url, now=NOW, task="t")
    for _ in range(2):
        fetcher.get(host.url("/atom", "localhost"), now=NOW)
    recorder.flush()
    recorded = RecordedMetrics(redis)
    counts = {
        labels: series.total for labels, series in recorded.histograms(UPSTREAM_SECONDS).items()
    }
    assert counts == {
        ("community", "5xx"): 1,
        ("community", "not_modified"): 1,
        ("community", "unreachable"): 1,
        ("huggingface", "2xx"): 1,
        ("arxiv", "2xx"): 2,
    }
    waits = recorded.histograms(ARXIV_WAIT_SECONDS)[()]
    assert waits.total == 2
    assert waits.sum >= 0.3 - 0.05  # the second waited for the interval of the first


def test_fetch_is_one_line_with_the_id_of_its_task(
    redis: Redis, host: Loopback, caplog: pytest.LogCaptureFixture
) -> None:
    url = host.reply_with("/feed", ScriptedReply(body=b"12345"))
    url = url.replace("//", "//reader:secret@") + "?key=hidden"
    with caplog.at_level(logging.INFO), event_id("abcd"):
        fetcher_of(redis, host, MetricRecorder(redis)).get(url, now=NOW)
    (line,) = [r.getMessage() for r in caplog.records if r.getMessage().startswith("fetch ")]
    assert line.startswith("fetch id=abcd url=")
    assert " outcome=2xx status=200 bytes=5 seconds=" in line
    assert "secret" not in line
    assert "hidden" not in line
