"""The client of a plain Redis and a Redis Cluster: each command goes to the home of its key.

To the code that uses it, it is a client of one store. Which keys live in the cluster says
`papers.redis_backend.keys.is_in_cluster`; all others live in the plain Redis, which is what the
connections of the base class lead to. Batches and pipelines may have commands for both: they are
one round trip to each server, at the same time. A transaction is on keys of one hash tag.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from redis import Redis
from redis.client import Pipeline
from redis.connection import ConnectionPool
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError
from redis.retry import Retry

from papers.redis_backend import keys
from papers.redis_backend.cluster.exchange import ClusterExchange
from papers.redis_backend.cluster.routing import cluster_key
from papers.redis_backend.cluster.topology import ClusterTopology
from papers.redis_backend.cluster.transaction import RoutedPipeline
from papers.redis_backend.connection import (
    WEB_TIMEOUT,
    RedisCommand,
    RoutingClient,
    connect,
    read_from_one,
)

NODE_TIMEOUT: Final = 5.0
"""Seconds a worker waits for more of a reply; a node that hangs is replaced by then."""

WORKER_PATIENCE: Final = 60.0
"""Seconds a worker waits for the cluster to elect another primary."""

_COUNTING_COMMANDS: Final = frozenset(("EXISTS", "UNLINK", "DEL"))
"""Commands on any number of keys, whose replies add up."""


def connect_store(redis_url: str, store_url: str, *, retry: bool) -> Redis:
    """Return a client of everything stored: a plain Redis, and a cluster if `store_url` names one.

    Raises BadSettings. `retry`: see `papers.redis_backend.connection.connect`.
    """
    plain = connect(redis_url, retry=retry)
    if not store_url:
        return plain
    topology = ClusterTopology(store_url, NODE_TIMEOUT if retry else WEB_TIMEOUT)
    exchange = ClusterExchange(topology, WORKER_PATIENCE if retry else 0.0)
    client = ClusteredRedis(plain.connection_pool, exchange)
    client.auto_close_connection_pool = True
    return client


class ClusteredRedis(RoutingClient):
    """A client of a plain Redis and of the cluster beside it."""

    def __init__(
        self, pool: ConnectionPool, exchange: ClusterExchange, *, is_dedicated: bool = False
    ) -> None:
        super().__init__(connection_pool=pool, single_connection_client=is_dedicated)
        self.exchange = exchange
        self._is_owner = not is_dedicated

    def client(self) -> ClusteredRedis:
        """Return a client with one connection of its own to the plain Redis."""
        return ClusteredRedis(self.connection_pool, self.exchange, is_dedicated=True)

    def execute_command(self, *args: Any, **options: Any) -> Any:
        """Send a command to the home of its key, and parse the reply (redis-py's interface)."""
        key = cluster_key(args)
        if args[0] in _COUNTING_COMMANDS and len(args) > 2:
            return self._count_each(args)
        if key is None:
            return super().execute_command(*args, **options)  # type: ignore[no-untyped-call]
        (reply,) = self.exchange.send([(*str(args[0]).split(), *args[1:])], [key])
        return self.parse_reply(reply, args, options)

    def parse_reply(self, reply: Any, args: Sequence[Any], options: Mapping[str, Any]) -> Any:
        """Return a reply as redis-py's methods do. Raises one that is an error."""
        if isinstance(reply, Exception):
            raise reply
        options = {name: value for name, value in options.items() if name != "keys"}
        callback = self.response_callbacks.get(args[0])  # type: ignore[no-untyped-call]
        return callback(reply, **options) if callback else reply

    def _count_each(self, args: Sequence[Any]) -> int:
        """Run a command that counts keys: once for those of the plain Redis, and for each other."""
        clustered = [key for key in args[1:] if keys.is_in_cluster(key)]
        plain = [key for key in args[1:] if not keys.is_in_cluster(key)]
        count: Any = super().execute_command(args[0], *plain) if plain else 0  # type: ignore[no-untyped-call]
        replies = self.exchange.send([(args[0], key) for key in clustered], clustered)
        return int(count) + sum(int(self.parse_reply(reply, args, {})) for reply in replies)

    def pipeline(self, transaction: Any = True, shard_hint: Any = None) -> Pipeline:
        """Return a pipeline whose commands go to the homes of their keys."""
        return RoutedPipeline(self, transaction=transaction)

    def send_batch(self, commands: Sequence[RedisCommand]) -> list[Any]:
        """Return the replies to reading commands, in one round trip to each server.

        A command without a key goes to the node of the first key of the batch that the cluster has.
        """
        found = [cluster_key(command) for command in commands]
        first = next((key for key in found if key is not None), None)
        if first is None:
            return read_from_one(self, commands)
        placed = [
            first if key is None and command[0] == "INFO" else key
            for key, command in zip(found, commands, strict=True)
        ]
        inside = [n for n, key in enumerate(placed) if key is not None]
        outside = [n for n, key in enumerate(placed) if key is None]
        plain = list[Any]()
        replies = self.exchange.send(
            [commands[n] for n in inside],
            [key for key in placed if key is not None],
            lambda: (
                plain.extend(read_from_one(self, [commands[n] for n in outside]))
                if outside
                else None
            ),
        )
        for reply in replies:
            if isinstance(reply, Exception):
                raise reply
        by_position = dict(zip([*inside, *outside], [*replies, *plain], strict=True))
        return [by_position[n] for n in range(len(commands))]

    def scan_iter(
        self, match: Any = None, count: int | None = None, _type: str | None = None, **options: Any
    ) -> Iterator[Any]:
        """Yield the keys of all servers that match a pattern."""
        yield from super().scan_iter(match=match, count=count, _type=_type, **options)
        if match is None or str(match)[:1] in ("*", "{"):
            for client in self.node_clients().values():
                yield from client.scan_iter(match=match, count=count, _type=_type, **options)

    def node_clients(self) -> dict[str, Redis]:
        """Return a client of each primary of the cluster as it is now, by its URL."""
        topology = self.exchange.topology
        topology.refresh()
        nodes = topology.primaries()
        return {topology.url_of(node): topology.client_of(node) for node in nodes}

    def plain_client(self) -> Redis:
        """Return a client of the plain Redis."""
        return Redis(connection_pool=self.connection_pool)

    def layout_epoch(self) -> int:
        """Return the epoch of the cluster: a failover, or a slot that moves, increases it.

        As far as the nodes that answer know. Raises redis-py's errors if none does.
        """
        epochs, failure = [0], RedisConnectionError("the cluster has no node with slots")
        for client in self.node_clients().values():
            try:
                info: Any = client.execute_command("CLUSTER INFO")  # type: ignore[no-untyped-call]
                epochs.append(int(info["cluster_current_epoch"]))
            except (RedisConnectionError, RedisTimeoutError) as error:
                failure = RedisConnectionError(*error.args)
        if len(epochs) == 1:
            raise failure
        return max(epochs)

    def set_retry(self, retry: Retry) -> None:
        """Set how commands to the plain Redis are retried; those to the cluster are if they are."""
        super().set_retry(retry)
        if not retry.get_retries():
            self.exchange.patience = 0.0

    def close(self) -> None:
        """Close all connections."""
        super().close()
        if getattr(self, "_is_owner", False):
            self.exchange.topology.close()
