"""The delivery log: what a notification channel last sent about each subject, in Redis.

A channel that must never send twice claims a value before it sends, and releases the claim only if
it knows that nothing was sent. A channel that may send twice, but should not, saves a value when it
has sent. A subject is whatever the channel sends about: a keyword, a subscription.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from redis import Redis

from papers.redis_backend import keys
from papers.redis_backend.connection import translate_store_errors

_CLAIM_SCRIPT: Final = """
-- KEYS: a channel's delivery log. ARGV: subject, value. 1 unless the value was claimed before.
if redis.call('HGET', KEYS[1], ARGV[1]) == ARGV[2] then return 0 end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
return 1
"""


class DeliveryLog:
    """The delivery log of one channel, by the channel's name. Methods raise StoreError."""

    def __init__(self, redis: Redis, channel: str) -> None:
        self._redis, self._key = redis, keys.delivery_log(channel)

    def all(self) -> dict[str, str]:
        """Return the last value of every subject."""
        with translate_store_errors(self._redis):
            found: Any = self._redis.hgetall(self._key)
        return {subject.decode(): value.decode() for subject, value in found.items()}

    def save(self, subject: str, value: str) -> None:
        """Save what was sent about a subject."""
        with translate_store_errors(self._redis):
            self._redis.hset(self._key, subject, value)

    def delete(self, subjects: Iterable[str]) -> None:
        """Delete subjects that nothing is sent about any more."""
        if names := list(subjects):
            with translate_store_errors(self._redis):
                self._redis.hdel(self._key, *names)

    def claim(self, subject: str, value: str) -> bool:
        """Claim a value of a subject; False if it is the last one that was claimed."""
        with translate_store_errors(self._redis):
            return bool(self._redis.eval(_CLAIM_SCRIPT, 1, self._key, subject, value))

    def release(self, subject: str, value: str) -> None:
        """Release a claim, so that the value can be claimed again."""
        self.save(subject, f"not {value}")
