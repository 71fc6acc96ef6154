"""Where the papers are: on one server, or in a cluster beside it.

The schema key has the token of the cluster that has the papers, and the cluster has it too. So no
process looks for them in the wrong place and takes a store for empty.
"""

from __future__ import annotations

import secrets
from typing import Any, Final

from redis import Redis

from papers.errors import StoreError
from papers.maintenance.schema_stamp import SchemaStamp
from papers.redis_backend import keys
from papers.redis_backend.connection import RoutingClient

_MOVE: Final = "to move them, make a backup first (docs/cluster.md)"


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
    token = SchemaStamp.parse(stored).token if stored else b""
    if token and isinstance(redis, RoutingClient):
        found: Any = redis.get(keys.CLUSTER_TOKEN)
        if found != token:
            raise StoreError(
                "the cluster of store_url is not the one that has the papers, or was emptied: "
                "correct store_url, or restore a backup"
            )


def stamp_schema(redis: Redis, stamp: SchemaStamp, *, if_absent: bool = False) -> None:
    """Write who may use the data, and where its papers are. Raises redis-py's errors."""
    if isinstance(redis, RoutingClient):
        redis.set(keys.CLUSTER_TOKEN, secrets.token_hex(8), nx=True)
        token: Any = redis.get(keys.CLUSTER_TOKEN)
        stamp = stamp._replace(token=token)
    redis.set(keys.SCHEMA, stamp.encode(), nx=if_absent)


def adopt_cluster(redis: Redis) -> bytes | None:
    """Return the value of the schema key, with the cluster's token if there are no papers yet.

    Raises StoreError, redis-py's errors.
    """
    stored: Any = redis.get(keys.SCHEMA)
    stamp = SchemaStamp.parse(stored) if stored is not None else None
    is_unhoused = stamp and not stamp.token and isinstance(redis, RoutingClient)
    if stamp and is_unhoused and not redis.exists(keys.MONTHS):
        stamp_schema(redis, stamp)
        stored = redis.get(keys.SCHEMA)
    found: bytes | None = stored
    return found
