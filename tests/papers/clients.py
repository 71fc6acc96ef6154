"""Clients of the store of a test: another one, and ones that are killed at any command."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import count
from typing import Any

from redis import ConnectionPool, Redis
from redis.connection import Connection, UnixDomainSocketConnection
from redis.exceptions import ConnectionError as RedisConnectionError

from papers.redis_backend.cluster.client import ClusteredRedis, connect_store
from papers.redis_backend.cluster.exchange import ClusterExchange
from papers.redis_backend.cluster.topology import ClusterTopology


def same_store(redis: Redis) -> Redis:
    """Return another client of the store of a client."""
    url = f"unix://{redis.connection_pool.connection_kwargs['path']}"
    cluster = redis.exchange.topology.address if isinstance(redis, ClusteredRedis) else ""
    return connect_store(url, cluster, retry=True)


def all_servers(redis: Redis) -> Iterable[Redis]:
    """Return a client of each server of a store."""
    if isinstance(redis, ClusteredRedis):
        return [redis.plain_client(), *redis.node_clients().values()]
    return [redis]


class Killed(BaseException):
    """Raised instead of sending a command; nothing catches it."""


class _Mortal:
    """A connection that raises Killed once all of these have sent a number of commands."""

    left = 0

    def send_packed_command(self, command: Any, check_health: bool = True) -> None:
        _Mortal.left -= 1
        if _Mortal.left == -1:
            raise Killed
        if _Mortal.left < 0:
            raise RedisConnectionError("a killed connection sends nothing")
        super().send_packed_command(command, check_health)  # type: ignore[misc]


class _MortalConnection(_Mortal, UnixDomainSocketConnection):
    pass


class _MortalNodeConnection(_Mortal, Connection):
    pass


def let_live(commands: int) -> None:
    """Let the clients of `deaths` send so many commands from now on."""
    _Mortal.left = commands


def deaths(redis: Redis) -> Iterator[Redis]:
    """Yield clients of a store that are killed after no command, one, two, …"""
    path = redis.connection_pool.connection_kwargs["path"]
    for commands in count():
        let_live(1_000)
        pool = ConnectionPool(connection_class=_MortalConnection, path=path)
        client = Redis(connection_pool=pool)
        if isinstance(redis, ClusteredRedis):
            topology = ClusterTopology(redis.exchange.topology.address, 5.0)
            client = ClusteredRedis(pool, ClusterExchange(topology, 5.0))
            for node in client.node_clients().values():
                node.connection_pool.disconnect()
                node.connection_pool.connection_class = _MortalNodeConnection
        client.ping()
        let_live(commands)
        yield client
        let_live(1_000)
        client.close()
        pool.disconnect()
