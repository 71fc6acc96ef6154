from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from redis import Redis

from papers.config.settings import Settings
from papers.errors import (
    StoreUnavailable,
)
from papers.redis_backend import keys
from tests.workers.loopback import Loopback, ScriptedReply
from workers.fetch.fetcher import Fetcher

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
TASK = "announcements:cs.CL"


class TestValidators:
    @pytest.fixture
    def fetcher(self, loopback_settings: Settings, redis: Redis) -> Fetcher:
        return Fetcher(loopback_settings, redis)

    @pytest.fixture
    def url(self, loopback: Loopback) -> str:
        stamped = {"ETag": '"one"', "Last-Modified": "Fri, 20 Nov 2026 05:00:00 GMT"}
        return loopback.reply_with("/a", ScriptedReply(headers=stamped), ScriptedReply(304))

    def test_are_sent_once_saved(self, fetcher: Fetcher, loopback: Loopback, url: str) -> None:
        first = fetcher.get(url, now=NOW, task=TASK)
        fetcher.save_validators(first, "2026-11-20")
        second = fetcher.get(url, now=NOW, task=TASK)
        sent = loopback.requests[1].headers
        assert sent["If-None-Match"] == '"one"'
        assert sent["If-Modified-Since"] == "Fri, 20 Nov 2026 05:00:00 GMT"
        assert (second.not_modified, second.memo, second.body) == (True, "2026-11-20", b"")
        fetcher.save_validators(second)
        assert fetcher.get(url, now=NOW, task=TASK).memo == "2026-11-20"

    def test_are_not_sent_after_a_killed_ingest(
        self, fetcher: Fetcher, loopback: Loopback, url: str
    ) -> None:
        loopback.reply_with("/a", ScriptedReply(headers={"ETag": '"one"'}))
        fetcher.get(url, now=NOW, task=TASK)
        assert not fetcher.get(url, now=NOW, task=TASK).not_modified
        assert "If-None-Match" not in loopback.requests[1].headers

    def test_are_deleted_by_a_response_without_any(
        self, fetcher: Fetcher, loopback: Loopback, url: str, redis: Redis
    ) -> None:
        fetcher.save_validators(fetcher.get(url, now=NOW, task=TASK))
        assert redis.hlen(keys.VALIDATORS) == 1
        loopback.reply_with("/a", ScriptedReply())
        fetcher.save_validators(fetcher.get(url, now=NOW, task=TASK))
        assert redis.hlen(keys.VALIDATORS) == 0

    def test_are_stored_as_documented(self, fetcher: Fetcher, url: str, redis: Redis) -> None:
        fetcher.save_validators(fetcher.get(url, now=NOW, task=TASK), "m")
        kept = redis.hget(keys.VALIDATORS, TASK)
        assert kept is not None
        assert json.loads(kept) == {
            "url": url,
            "etag": '"one"',
            "last_modified": "Fri, 20 Nov 2026 05:00:00 GMT",
            "memo": "m",
        }

    def test_are_of_one_task(self, fetcher: Fetcher, loopback: Loopback, url: str) -> None:
        """What one task has stored of an address, another one may still have to read."""
        loopback.reply_with("/a", ScriptedReply(headers={"ETag": '"one"'}))
        fetcher.save_validators(fetcher.get(url, now=NOW, task=TASK), "2026-11-20")
        fetcher.save_validators(fetcher.get(url, now=NOW, task="community:club"))
        fetcher.get(url, now=NOW, task=TASK)
        sent = [request.headers.get("If-None-Match") for request in loopback.requests]
        assert sent == [None, None, '"one"']

    def test_are_of_one_address(self, fetcher: Fetcher, loopback: Loopback, url: str) -> None:
        """A community that moves is read in full."""
        fetcher.save_validators(fetcher.get(url, now=NOW, task=TASK))
        fetcher.get(loopback.reply_with("/b", ScriptedReply()), now=NOW, task=TASK)
        assert "If-None-Match" not in loopback.requests[1].headers

    def test_of_a_request_without_a_task_are_not_saved(
        self, fetcher: Fetcher, url: str, redis: Redis
    ) -> None:
        fetcher.save_validators(fetcher.get(url, now=NOW))
        assert redis.hlen(keys.VALIDATORS) == 0

    def test_raise_if_the_store_is_unavailable(self, loopback_settings: Settings, url: str) -> None:
        away = Fetcher(loopback_settings, Redis.from_url("unix:///nowhere/at/all", retry=None))
        with pytest.raises(StoreUnavailable):
            away.get(url, now=NOW, task=TASK)
