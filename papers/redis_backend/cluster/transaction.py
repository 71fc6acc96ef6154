"""Pipelines of a client of two homes: batches to all servers, transactions on one.

A transaction goes to the node that serves the key it begins with, and all its keys share the hash
tag of that one. If the node goes away, or the slot does, a WATCH waits for the next, and what was
being WATCHed ends in a WatchError: whoever transacts begins again, as after any other writer.

A transaction has ended when a replica has it: then a primary that dies takes nothing with it that
was reported as stored. Without a reply in time it is reported all the same, and logged.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Final

from redis.client import Pipeline
from redis.cluster import ClusterNode
from redis.exceptions import RedisError, ResponseError, WatchError

from papers.redis_backend.cluster.exchange import ROUTING_ERRORS, WARNING_INTERVAL, Attempts
from papers.redis_backend.cluster.routing import cluster_key
from papers.redis_backend.cluster.topology import locate_error, slot_of

if TYPE_CHECKING:
    from papers.redis_backend.cluster.client import ClusteredRedis

log = logging.getLogger(__name__)

REPLICA_TIMEOUT: Final = 500
"""Milliseconds to wait for a replica to have a transaction."""


class RoutedPipeline(Pipeline):
    """A pipeline or transaction of a `ClusteredRedis`."""

    def __init__(self, client: ClusteredRedis, *, transaction: bool) -> None:
        super().__init__(client.connection_pool, client.response_callbacks, transaction, None)
        self._client, self._plain_pool = client, client.connection_pool
        self._is_transaction = transaction
        self._topology = client.exchange.topology
        self._key: bytes | str | None = None
        """The key that the transaction begins with, if it lives in the cluster."""
        self._node: ClusterNode | None = None
        """The node that served it last."""

    def reset(self) -> None:  # type: ignore[override]
        """Forget all commands, and let the connection go (redis-py's interface)."""
        super().reset()
        self._key, self.connection_pool = None, self._plain_pool

    def immediate_execute_command(self, *args: Any, **options: Any) -> Any:
        """Run a command at once: WATCH, or a read after it (redis-py's interface)."""
        if not self.connection:
            self._key = cluster_key(args)
        if self._key is None:
            return super().immediate_execute_command(*args, **options)  # type: ignore[no-untyped-call]
        attempts = Attempts(self._topology, self._client.exchange.patience)
        while True:
            was_watching = self.watching
            try:
                self._join_node()
                return super().immediate_execute_command(*args, **options)  # type: ignore[no-untyped-call]
            except ROUTING_ERRORS as error:
                key = self._key
                self._locate(error)
                self._drop_connection()
                if not attempts.may_follow([error]):
                    raise
                if was_watching:
                    raise WatchError("the node that served a WATCHed key is away") from error
                self._key = key

    def _join_node(self) -> None:
        """Have the connection of this transaction lead to the node that serves its key."""
        if not self.connection and self._key is not None:
            self._node = self._topology.node_of(self._key)
            self.connection_pool = self._topology.client_of(self._node).connection_pool

    def _locate(self, error: Exception) -> None:
        """Note at an error which node it is of, unless that is known."""
        if self._node and not hasattr(error, "store_address"):
            locate_error(error, self._topology.url_of(self._node))

    def _drop_connection(self) -> None:
        self.watching = False  # else a reset would connect again, to UNWATCH
        if self.connection:
            self.connection.disconnect()  # type: ignore[no-untyped-call]
        self.reset()

    def execute(self, raise_on_error: bool = True) -> list[Any]:
        """Run what was queued (redis-py's interface)."""
        if not self.command_stack and not self.watching:
            return []
        homes = [cluster_key(args) for args, _ in self.command_stack]
        if self._is_transaction or self.explicit_transaction:
            if not self.connection:
                self._key = homes[0]
            self._require_one_home(homes)
            if self._key is not None:
                return self._execute_on_node(raise_on_error)
        elif any(key is not None for key in homes):
            return self._execute_batch(homes, raise_on_error)
        return super().execute(raise_on_error)

    def _require_one_home(self, homes: list[bytes | str | None]) -> None:
        """Raise RedisError for a transaction on keys of two servers or slots."""
        slots = {None if key is None else slot_of(key) for key in (self._key, *homes)}
        if len(slots) > 1:
            self.reset()
            where = "of the plain Redis and of the cluster" if None in slots else "of two slots"
            raise RedisError(f"a transaction has keys {where}")

    def _execute_on_node(self, raise_on_error: bool) -> list[Any]:
        """Run a transaction; one that WATCHes nothing is tried again on the next node."""
        stack, key, is_watching = [*self.command_stack], self._key, self.watching
        attempts = Attempts(self._topology, self._client.exchange.patience)
        while True:
            try:
                self._join_node()
                return super().execute(raise_on_error)
            except ROUTING_ERRORS as error:
                self._locate(error)
                self._drop_connection()
                if not attempts.may_follow([error]):
                    raise
                if is_watching:
                    raise WatchError("the node of a transaction is away") from error
                self.command_stack, self._key = [*stack], key

    def _execute_transaction(self, connection: Any, commands: Any, raise_on_error: Any) -> Any:
        """Run MULTI to EXEC on a connection; in a cluster, wait for a replica to have it."""
        replies = super()._execute_transaction(connection, commands, raise_on_error)
        if self._key is not None and self._topology.has_replica(self._key):
            self._wait_for_replica(connection)
        return replies

    def _wait_for_replica(self, connection: Any) -> None:
        connection.send_command("WAIT", 1, REPLICA_TIMEOUT)
        try:
            if connection.read_response():
                return
            reason = f"no replica has it within {REPLICA_TIMEOUT} ms"
        except ResponseError as error:  # a user without the permission
            reason = str(error)
        self._topology.refresh()  # a replica that is gone need not be waited for
        node = self._topology.url_of(self._node) if self._node else self._topology.address
        if self._client.exchange.may_warn():
            log.warning(
                "a write to %s would be lost if that node failed now: %s; silent for %s s",
                *(node, reason, round(WARNING_INTERVAL)),
            )

    def _execute_batch(self, homes: list[Any], raise_on_error: bool) -> list[Any]:
        """Run commands that are no transaction: one round trip to each server."""
        stack = [*self.command_stack]
        inside = [n for n, key in enumerate(homes) if key is not None]
        plain = Pipeline(self._plain_pool, self.response_callbacks, False, None)
        plain.command_stack = [stack[n] for n in range(len(stack)) if homes[n] is None]
        found = list[Any]()
        self.reset()
        replies = self._client.exchange.send(
            [stack[n][0] for n in inside],
            [homes[n] for n in inside],
            lambda: found.extend(plain.execute(raise_on_error=False)),
        )
        by_position = dict(zip(inside, replies, strict=True))
        others = iter(found)
        merged = [by_position[n] if n in by_position else next(others) for n in range(len(stack))]
        if raise_on_error:
            for reply in merged:
                if isinstance(reply, Exception):
                    raise reply
        return [
            self._client.parse_reply(reply, *stack[n])
            if n in by_position and not isinstance(reply, Exception)
            else reply
            for n, reply in enumerate(merged)
        ]
