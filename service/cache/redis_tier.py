"""The answers that Redis keeps: each in the codings that were asked for, and its validators.

Answers expire after a day; but a day is long for whoever makes up questions all day, so of those
that anyone can ask for the newest are kept, up to a number. Validators outlive the answer.
"""

from __future__ import annotations

import logging
from datetime import datetime
from typing import Any, Final

from redis import Redis

from papers.errors import StoreError
from papers.redis_backend import keys
from papers.redis_backend.connection import store_errors
from service.cache.cached_body import Answer, pack
from service.cache.encodings import ENCODINGS

ANSWER_SECONDS: Final = 24 * 3600
VALIDATOR_SECONDS: Final = 30 * 24 * 3600
_log = logging.getLogger(__name__)


class KeptAnswers:
    """Keeps `most_custom` of those that anyone can ask for.

    A store that takes no writes costs speed, not the answer: it is logged.
    """

    def __init__(self, redis: Redis, most_custom: int) -> None:
        self._redis, self._most_custom = redis, most_custom

    def keep(self, digest: str, answer: Answer, *, custom: bool, now: datetime) -> None:
        """Keep an answer in the coding it is in, and its validators."""
        (coding,) = answer.packed
        try:
            with store_errors(self._redis), self._redis.pipeline(transaction=False) as pipe:
                pipe.set(keys.feed(digest, coding), pack(answer), ex=ANSWER_SECONDS)
                validators = pack(answer.validators)
                pipe.set(keys.feed_validators(digest), validators, ex=VALIDATOR_SECONDS)
                if custom:
                    pipe.zadd(keys.CUSTOM_FEEDS, {digest: now.timestamp()})
                    pipe.zcard(keys.CUSTOM_FEEDS)
                *_, count = pipe.execute()
                if custom and count > self._most_custom:
                    self._drop(count - self._most_custom)
        except StoreError as error:
            _log.warning("answer not cached: %s", error)

    def _drop(self, excess: int) -> None:
        """Drop the oldest of those that anyone can ask for, with their validators."""
        dropped: Any = self._redis.zpopmin(keys.CUSTOM_FEEDS, excess)
        with self._redis.pipeline(transaction=False) as pipe:
            for digest in (old.decode() for old, _ in dropped):
                for coding in ENCODINGS:
                    pipe.unlink(keys.feed(digest, coding))
                pipe.unlink(keys.feed_validators(digest))
            pipe.execute()
