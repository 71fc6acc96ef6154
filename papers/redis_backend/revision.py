"""The store's revision: increases whenever anything that a feed shows has changed."""

from __future__ import annotations

from random import SystemRandom
from typing import Any, Final

from redis import Redis

from papers.redis_backend import keys

_MAX_STEP: Final = 1 << 20
_RANDOM: Final = SystemRandom()


def bump_revision(redis: Redis) -> tuple[Any, int]:
    """Increase the revision, in a pipeline or at once.

    By random steps: a store that was emptied, or lost its last second of writes, must not reach a
    revision again for which a reader has other papers cached. Returns the revision (a pipeline does
    not know it yet), and the step that led to it.
    """
    step = _RANDOM.randint(1, _MAX_STEP)
    return redis.incrby(keys.REVISION, step), step
