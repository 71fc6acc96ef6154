"""The store's revision: increases whenever anything that a feed shows has changed."""

from __future__ import annotations

from random import SystemRandom
from typing import Any, Final

from redis import Redis

from papers.redis_backend import keys
from papers.redis_backend.connection import RoutingClient

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


def follow_failovers(redis: Redis) -> bool:
    """Increase the revision if the cluster has had a failover since the last call.

    The new primary may lack what readers have cached of the old one, or have read there while it
    was cut off from the others. Returns whether it did. Raises redis-py's errors.
    """
    if not isinstance(redis, RoutingClient):
        return False
    epoch = redis.layout_epoch()
    known: Any = redis.get(keys.CLUSTER_EPOCH)
    if known is not None and int(known) == epoch:
        return False
    bump_revision(redis)
    redis.set(keys.CLUSTER_EPOCH, epoch)
    return True
