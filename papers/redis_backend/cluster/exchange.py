"""Batches of commands to a cluster: each command goes to the node that serves its key.

A batch costs one round trip, however many nodes it needs: it is sent to all of them before anything
is read. Redirections are followed. A command whose node does not answer is tried again while the
cluster elects another, if whoever sent it can wait: workers can, web requests cannot.
"""

from __future__ import annotations

import random
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any, Final, NamedTuple

import hiredis
from redis.cluster import ClusterNode
from redis.exceptions import (
    AskError,
    AuthenticationError,
    AuthorizationError,
    ClusterDownError,
    MovedError,
    ReadOnlyError,
    ResponseError,
    TryAgainError,
)
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from papers.redis_backend.circuit_breaker import CircuitBreakerRetry
from papers.redis_backend.cluster.topology import ClusterTopology, locate_error

Command = tuple[Any, ...]
AWAY_ERRORS: Final = (
    RedisConnectionError,
    RedisTimeoutError,
    ClusterDownError,
    TryAgainError,
    ReadOnlyError,
)
"""What a node says, or does not, while the cluster elects a primary or moves a slot."""

ROUTING_ERRORS: Final = (*AWAY_ERRORS, AskError)
"""Errors after which a command may succeed elsewhere or later; MOVED is a kind of ASK."""

MAX_REDIRECTIONS: Final = 16
"""Redirections in a row that are followed at once."""

WARNING_INTERVAL: Final = 60.0
"""Seconds between two warnings that writes have reached no replica."""

_MAX_PAUSE: Final = 1.0


class Attempts:
    """The tries of one batch or transaction, for `patience` seconds.

    Without patience a command is tried once more, at once, as another node may have its slot by
    now: not if it has waited for a node that hangs.
    """

    def __init__(self, topology: ClusterTopology, patience: float) -> None:
        self._topology = topology
        self._deadline = time.monotonic() + patience
        self._is_patient = patience > 0
        self._redirections = self._pauses = self._failures = 0

    def may_follow(self, errors: Iterable[Exception]) -> bool:
        """Prepare the next try after these errors; False if there is none."""
        errors = [*errors]
        for error in errors:
            if isinstance(error, MovedError):
                self._topology.move_slot(error)
        if any(isinstance(error, AuthenticationError | AuthorizationError) for error in errors):
            return False
        if not any(isinstance(error, AWAY_ERRORS) for error in errors):
            self._redirections += 1
            return self._redirections <= MAX_REDIRECTIONS or self._pause()
        self._topology.refresh(next(getattr(e, "store_address", "") for e in errors))
        self._failures += 1
        may_have_moved = self._failures == 1 and not any(
            isinstance(error, RedisTimeoutError) for error in errors
        )
        return may_have_moved or self._pause()

    def _pause(self) -> bool:
        """Wait, longer each time; False if there is no time left to wait."""
        if not self._is_patient or time.monotonic() >= self._deadline:
            return False
        time.sleep(min(_MAX_PAUSE, 0.05 * 2**self._pauses) * random.uniform(0.5, 1.0))
        self._pauses += 1
        return True


class _Part(NamedTuple):
    """The commands of a batch that one node gets, by their positions in the batch."""

    node: ClusterNode
    positions: list[int]
    is_asking: bool


class ClusterExchange:
    """Sends batches to a cluster, for all threads of a process."""

    def __init__(self, topology: ClusterTopology, patience: float) -> None:
        self.topology, self.patience = topology, patience
        self._breakers = defaultdict[str, CircuitBreakerRetry](CircuitBreakerRetry)
        """Circuit breakers by node, where nobody can wait."""
        self._warned_at = float("-inf")

    def may_warn(self) -> bool:
        """Return whether it is time for another warning of the same kind in the log."""
        now = time.monotonic()
        is_time = now - self._warned_at >= WARNING_INTERVAL
        self._warned_at = now if is_time else self._warned_at
        return is_time

    def send(
        self,
        commands: Sequence[Command],
        keys: Sequence[bytes | str],
        meanwhile: Callable[[], object] | None = None,
    ) -> list[Any]:
        """Return the reply to each command, or its error, each on the node of its key.

        `meanwhile` is called when all is sent and before anything is read.
        """
        replies: list[Any] = [None] * len(commands)
        attempts = Attempts(self.topology, self.patience)
        waiting: Mapping[int, AskError | None] = dict.fromkeys(range(len(commands)))
        while True:
            self._round_trip(commands, self._parts(waiting, keys, replies), replies, meanwhile)
            meanwhile = None
            failed = {n: e for n in waiting if isinstance(e := replies[n], ROUTING_ERRORS)}
            if not failed or not attempts.may_follow(failed.values()):
                return replies
            waiting = {
                n: e if isinstance(e, AskError) and not isinstance(e, MovedError) else None
                for n, e in failed.items()
            }

    def _parts(
        self,
        waiting: Mapping[int, AskError | None],
        keys: Sequence[bytes | str],
        replies: list[Any],
    ) -> Iterable[_Part]:
        """Group commands by node; those whose node is not known get that error for a reply."""
        parts: dict[tuple[str, bool], _Part] = {}
        for position, ask in waiting.items():
            try:
                topology = self.topology
                node = topology.redirected_node(ask) if ask else topology.node_of(keys[position])
            except AWAY_ERRORS as error:
                replies[position] = error
                continue
            place = (node.name, ask is not None)
            parts.setdefault(place, _Part(node, [], ask is not None)).positions.append(position)
        return parts.values()

    def _round_trip(
        self,
        commands: Sequence[Command],
        parts: Iterable[_Part],
        replies: list[Any],
        meanwhile: Callable[[], object] | None,
    ) -> None:
        """Send each part to its node, then read all replies."""
        unread: list[_NodeRequest] = []
        try:
            for part in parts:
                request = _NodeRequest(self, part, replies)
                if request.send([commands[n] for n in part.positions]):
                    unread.append(request)
            if meanwhile:
                meanwhile()
            while unread:
                unread.pop(0).receive()
        finally:
            for request in unread:  # else the next command would read these replies
                request.release(disconnect=True)

    def breaker_of(self, node: ClusterNode) -> CircuitBreakerRetry | None:
        """Return the circuit breaker of a node; None where commands are tried again."""
        return None if self.patience else self._breakers[node.name]


class _NodeRequest:
    """One part of a batch on its way: sent, then received."""

    def __init__(self, exchange: ClusterExchange, part: _Part, replies: list[Any]) -> None:
        self._node, self._positions, self._is_asking = part
        self._replies = replies
        self._url = exchange.topology.url_of(self._node)
        self._pool = exchange.topology.client_of(self._node).connection_pool
        self._breaker = exchange.breaker_of(self._node)
        self._began = 0.0
        self._connection: Any = None

    def send(self, commands: Sequence[Command]) -> bool:
        """Send the commands; on failure they get the error for a reply. Return whether sent."""
        try:
            if self._breaker:
                self._began = self._breaker.admit()
        except RedisConnectionError as error:
            self._fail(self._positions, error)
            return False
        try:
            self._connection = self._pool.get_connection()
            before = (("ASKING",),) if self._is_asking else ()
            packed = [
                hiredis.pack_command(part) for command in commands for part in (*before, command)
            ]
            self._connection.send_packed_command([b"".join(packed)])
        except AWAY_ERRORS as error:
            self._record_failure(self._positions, error)
            return False
        return True

    def receive(self) -> None:
        """Read the replies, and let the connection go."""
        for at, position in enumerate(self._positions):
            try:
                if self._is_asking:
                    with suppress(ResponseError):  # the command's own reply comes next all the same
                        self._connection.read_response()
                self._replies[position] = self._connection.read_response()
            except ResponseError as error:
                self._replies[position] = locate_error(error, self._url)
            except (RedisConnectionError, RedisTimeoutError) as error:
                self._record_failure(self._positions[at:], error)
                return
            except BaseException:
                self.release(disconnect=True)
                raise
        if self._breaker:
            self._breaker.record_success()
        self.release()

    def _record_failure(self, positions: Iterable[int], error: Exception) -> None:
        if self._breaker:
            self._breaker.record_failure(self._began, error)
        self._fail(positions, error)
        self.release(disconnect=True)

    def _fail(self, positions: Iterable[int], error: Exception) -> None:
        for position in positions:
            self._replies[position] = locate_error(error, self._url)

    def release(self, *, disconnect: bool = False) -> None:
        """Give the connection back; one with unread replies must be disconnected."""
        if self._connection:
            if disconnect:
                self._connection.disconnect()
            self._pool.release(self._connection)
            self._connection = None
