"""Where the papers are: on one server, or in a cluster beside it.

The schema key has `6`, or `6 cluster TOKEN` where a cluster has the papers, which holds the token
too. So no process looks for them in the wrong place and takes a store for empty.
"""

from __future__ import annotations

import secrets
from typing import Any, Final, NamedTuple

from redis import Redis

from papers.errors import StoreError
from papers.redis_backend import keys
from papers.redis_backend.connection import RoutingClient

_MARK: Final = b" cluster "
_MOVE: Final = "to move them, make a backup first (docs/cluster.md)"


class SchemaStamp(NamedTuple):
    """The value of the schema key: the version, in digits, and the token of a cluster, or `b""`."""

    version: bytes
    token: bytes

    @classmethod
    def parse(cls, stored: bytes) -> SchemaStamp:
        """Parse a stored value."""
        version, _, token = stored.partition(_MARK)
        return cls(version, token)


def require_home(stamp: SchemaStamp, *, in_cluster: bool) -> None:
    """Check that papers are looked for where they are. Raises StoreError."""
    if stamp.token and not in_cluster:
        raise StoreError("the papers are in a cluster, and store_url is empty: set it to any node")
    if in_cluster and not stamp.token:
        raise StoreError(
            f"the papers are in redis_url, and store_url names a cluster: empty it; {_MOVE}"
        )


def require_cluster(redis: Redis, stored: bytes | None) -> None:
    """Check that the cluster is the one that has the papers. Raises StoreError, redis-py's."""
    stamp = SchemaStamp.parse(stored or b"")
    if stamp.token and isinstance(redis, RoutingClient):
        found: Any = redis.get(keys.CLUSTER_TOKEN)
        if found != stamp.token:
            raise StoreError(
                "the cluster of store_url is not the one that has the papers, or was emptied: "
                "correct store_url, or restore a backup"
            )


def stamp_schema(redis: Redis, version: int, *, if_absent: bool = False) -> None:
    """Write the version of the data, and where its papers are. Raises redis-py's errors."""
    stored = b"%d" % version
    if isinstance(redis, RoutingClient):
        redis.set(keys.CLUSTER_TOKEN, secrets.token_hex(8), nx=True)
        token: Any = redis.get(keys.CLUSTER_TOKEN)
        stored += _MARK + token
    redis.set(keys.SCHEMA, stored, nx=if_absent)


def adopt_cluster(redis: Redis) -> bytes | None:
    """Return the value of the schema key, with the cluster's token if there are no papers yet.

    Raises redis-py's errors.
    """
    stored: Any = redis.get(keys.SCHEMA)
    is_plain = stored is not None and stored.isdigit()
    if isinstance(redis, RoutingClient) and is_plain and not redis.exists(keys.MONTHS):
        stamp_schema(redis, int(stored))
        stored = redis.get(keys.SCHEMA)
    found: bytes | None = stored
    return found
