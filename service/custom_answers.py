"""Which answers that anyone can ask for are in the store: the newest, up to a number.

Answers expire after a day, but a day is long for whoever makes up questions all day.
"""

from __future__ import annotations

import logging
from datetime import datetime
from typing import Any

from redis import Redis

from papers import keys
from papers.connection import store_errors
from papers.errors import StoreError
from service.encodings import ENCODINGS

_log = logging.getLogger(__name__)


class CustomAnswers:
    """Keeps `most` of them; a store that takes no writes is logged and otherwise ignored."""

    def __init__(self, redis: Redis, most: int) -> None:
        self._redis, self._most = redis, most

    def add(self, digest: str, now: datetime) -> None:
        """Count a rendered answer in, and drop the oldest of too many with their validators."""
        try:
            with store_errors(self._redis):
                self._redis.zadd(keys.CUSTOM_FEEDS, {digest: now.timestamp()})
                excess = int(self._redis.zcard(keys.CUSTOM_FEEDS)) - self._most
                dropped: Any = self._redis.zpopmin(keys.CUSTOM_FEEDS, excess) if excess > 0 else []
                for old, _ in dropped:
                    self._redis.unlink(keys.feed_validators(old.decode()))
                    for coding in ENCODINGS:
                        self._redis.unlink(keys.feed(old.decode(), coding))
        except StoreError as error:
            _log.warning("custom answers are not bounded: %s", error)
