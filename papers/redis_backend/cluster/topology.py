"""The nodes of a Redis Cluster, and which of them serves the slot of a key.

redis-py's `RedisCluster` finds the nodes and keeps connections to them. It is made when it is first
needed, and reads the topology again when a node fails or redirects. If no known node answers (all
of them were restarted elsewhere), those of the settings are tried again.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from typing import Final, TypeVar

from redis import Redis, RedisCluster
from redis.backoff import NoBackoff
from redis.cluster import ClusterNode, NodesManager
from redis.crc import key_slot
from redis.exceptions import (
    AskError,
    MovedError,
    RedisClusterException,
    RedisError,
    ResponseError,
)
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError
from redis.retry import Retry

from papers.errors import BadSettings
from papers.redis_backend.cluster.store_url import node_url, parse_store_url

T = TypeVar("T")

REFRESH_INTERVAL: Final = 0.25
"""Seconds between two reads of the topology: a hundred failing requests need one."""


class ClusterTopology:
    """The nodes of one cluster, for all threads of a process.

    Methods that need a node raise redis-py's ConnectionError, with the address in `store_address`.
    """

    def __init__(self, url: str, timeout: float) -> None:
        """Parse the address; nothing is connected yet. Raises BadSettings."""
        self._url = parse_store_url(url)
        self._scheme = url.partition("://")[0]
        self._timeout = timeout
        self._lock = threading.Lock()
        self._refreshed_at = float("-inf")
        self._cluster: RedisCluster | None = None
        self._failure: RedisError | None = None

    @property
    def address(self) -> str:
        """The nodes of the settings, without user and password."""
        return self._url.shown

    def node_of(self, key: bytes | str) -> ClusterNode:
        """Return the node that serves a key."""
        slot = slot_of(key)
        nodes = self._manager().slots_cache.get(slot)
        if not nodes:
            raise self._located(RedisConnectionError(f"no node serves the slot {slot}"))
        return nodes[0]

    def has_replica(self, key: bytes | str) -> bool:
        """Return whether the node that serves a key has a replica, as far as is known."""
        slot = slot_of(key)
        return len(self._manager().slots_cache.get(slot, ())) > 1

    def primaries(self) -> Sequence[ClusterNode]:
        """Return the nodes that serve slots, by address."""
        served = [*self._manager().slots_cache.values()]
        nodes = {nodes[0].name: nodes[0] for nodes in served if nodes}
        return [nodes[name] for name in sorted(nodes)]

    def client_of(self, node: ClusterNode) -> Redis:
        """Return the client of a node, whose connections try each command once."""
        if node.redis_connection is None:
            self._manager().create_redis_connections([node])  # type: ignore[no-untyped-call]
        client: Redis | None = node.redis_connection
        assert client
        return client

    def url_of(self, node: ClusterNode) -> str:
        """Return the URL of a node, as errors name it."""
        return node_url(self._scheme, node.host, node.port)

    def redirected_node(self, error: AskError) -> ClusterNode:
        """Return the node that a redirection names."""
        known = self._manager().get_node(host=error.host, port=error.port)
        return known or _make_node(error.host, error.port)

    def move_slot(self, error: MovedError) -> None:
        """Note that another node serves a slot."""
        manager = self._manager()
        if manager.slots_cache.get(error.slot_id):
            manager.move_slot(error)
        else:
            self.refresh()

    def refresh(self, failed: str = "") -> None:
        """Read again which node serves what, unless that was done just now, or is being done.

        A node that just `failed`, by its URL, is asked last. Raises nothing: the next command to a
        node that is away does.
        """
        if not self._lock.acquire(blocking=False):
            return
        try:
            if self._cluster and time.monotonic() - self._refreshed_at >= REFRESH_INTERVAL:
                self._read_again(self._cluster.nodes_manager, failed.rpartition("/")[2])
        finally:
            self._lock.release()

    def _read_again(self, manager: NodesManager, failed: str) -> None:
        try:
            self._call(
                lambda: manager.initialize(
                    disconnect_startup_nodes_pools=False, last_failed_node_name=failed
                )
            )
        except (RedisError, BadSettings):
            manager.startup_nodes |= {node.name: node for node in self._configured_nodes()}
        finally:
            self._refreshed_at = time.monotonic()

    def _manager(self) -> NodesManager:
        """Return redis-py's knowledge of the cluster, which is connected at the first call."""
        if self._cluster is None:
            with self._lock:
                if self._cluster is None:
                    self._cluster = self._connect()
        return self._cluster.nodes_manager

    def _connect(self) -> RedisCluster:
        if self._failure and time.monotonic() - self._refreshed_at < REFRESH_INTERVAL:
            raise self._located(RedisConnectionError(str(self._failure)))
        try:
            return self._call(
                lambda: RedisCluster(
                    startup_nodes=self._configured_nodes()[1:],
                    url=self._url.first,
                    require_full_coverage=False,
                    retry=Retry(NoBackoff(), 0),
                    socket_timeout=self._timeout,
                    socket_connect_timeout=min(self._timeout, 5.0),
                )
            )
        except RedisError as error:
            self._failure = error
            raise
        finally:
            self._refreshed_at = time.monotonic()

    def _configured_nodes(self) -> list[ClusterNode]:
        return [_make_node(host, port) for host, port in self._url.nodes]

    def _call(self, do: Callable[[], T]) -> T:
        """Have redis-py read the topology, and raise its errors as those of a connection."""
        try:
            return do()
        except RedisClusterException as error:
            raise self._explained(error) from error
        except IndexError as error:  # redis-py on a reply without a primary: nodes that just began
            raise self._located(RedisConnectionError("no node serves any slot yet")) from error
        except OSError as error:  # a host name that cannot be resolved
            raise self._located(RedisConnectionError(str(error))) from error

    def _explained(self, error: RedisClusterException) -> Exception:
        """Return what made redis-py fail; of a reply it says only that the node is no cluster's."""
        cause = error.__cause__ or error
        if isinstance(reply := cause.__context__, ResponseError):
            if "cluster support disabled" in str(reply):
                return BadSettings(
                    f"store_url: {self.address} is no node of a cluster; name one, or leave it "
                    "empty to keep everything in redis_url"
                )
            return locate_error(reply, self.address)
        if isinstance(cause, RedisConnectionError | RedisTimeoutError):
            return locate_error(cause, self.address)
        return self._located(RedisConnectionError(str(cause)))

    def _located(self, error: RedisConnectionError) -> RedisConnectionError:
        return locate_error(error, self.address)

    def close(self) -> None:
        """Close all connections."""
        cluster, self._cluster = self._cluster, None
        if cluster:
            cluster.disconnect_connection_pools()  # type: ignore[no-untyped-call]
            cluster.close()


def _make_node(host: str, port: int) -> ClusterNode:
    return ClusterNode(host, port, "primary")  # type: ignore[no-untyped-call]


def locate_error(error: T, address: str) -> T:
    """Note at an error which server it is of, for the text of ours."""
    error.store_address = address  # type: ignore[attr-defined]
    return error


def slot_of(key: bytes | str) -> int:
    """Return the hash slot of a key."""
    return key_slot(key.encode() if isinstance(key, str) else key)
