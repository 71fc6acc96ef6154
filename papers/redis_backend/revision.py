"""The store's revision: moves whenever anything a feed shows has changed."""

from __future__ import annotations

from random import SystemRandom
from typing import Final

from redis import Redis

from papers.redis_backend import keys

_MAX_STEP: Final = 1 << 20
_RANDOM: Final = SystemRandom()


def bump_revision(redis: Redis) -> None:
    """Move it on, in a pipeline or at once.

    By steps nobody can foretell: a store that was emptied, or lost its last second, must not come
    to a revision again that a reader remembers other papers of.
    """
    redis.incrby(keys.REVISION, _RANDOM.randint(1, _MAX_STEP))
