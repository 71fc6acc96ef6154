"""Health of the store: whether it answers, whether it takes writes, and its memory.

A full store still answers reads: feeds are served, but nothing new is stored. Feeds do not show
that, so the health is reported wherever the states of the sources are.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, NamedTuple

from redis import Redis
from redis.exceptions import NoPermissionError, RedisError

from papers.errors import SILENT_CAUSES, StoreError
from papers.redis_backend import keys
from papers.redis_backend.connection import RoutingClient, translate_store_errors
from papers.redis_backend.store_errors import CLUSTER_REMEDY


class StoreStatus(enum.StrEnum):
    """Availability of the store; the values are public, in `/health` and the CLI's JSON."""

    OK = "ok"
    READ_ONLY = "reading"
    """It answers reads and takes no writes."""
    UNREACHABLE = "away"


class NodeLoad(NamedTuple):
    """Memory and load of one primary of a cluster: the newest papers are all on one."""

    url: str
    used_memory: int
    commands_per_second: int


@dataclass(frozen=True, slots=True)
class StoreHealth:
    """Health at one moment; `problem` is the reason, for people, why the status is not OK.

    `cause` is its name, for programs and for those who may not see addresses (`loading`), `remedy`
    what to do. `used_memory` and `max_memory` (0: no limit) are in bytes; both are 0 if unknown.
    """

    status: StoreStatus
    problem: str = ""
    cause: str = ""
    remedy: str = ""
    used_memory: int = 0
    max_memory: int = 0
    nodes: tuple[NodeLoad, ...] = ()

    @property
    def stated_cause(self) -> str:
        """The cause if the store itself states it; "" if the store is well or states none."""
        return "" if self.cause in SILENT_CAUSES else self.cause


def check_health(redis: Redis) -> StoreHealth:
    """Return the health of the store: of the worst server, and the memory of all.

    Never raises StoreError.
    """
    health = _check_server(redis)
    if not isinstance(redis, RoutingClient):
        return health
    checks = [health, *_check_nodes(redis)]
    worst = max(checks, key=lambda check: _SEVERITY.index(check.status))
    return replace(
        worst,
        used_memory=sum(check.used_memory for check in checks),
        max_memory=sum(check.max_memory for check in checks),
        nodes=tuple(load for check in checks for load in check.nodes),
    )


_SEVERITY: Final = (StoreStatus.OK, StoreStatus.READ_ONLY, StoreStatus.UNREACHABLE)


def _check_nodes(redis: RoutingClient) -> Iterator[StoreHealth]:
    """Return the health of each primary of the cluster beside a plain Redis."""
    try:
        with translate_store_errors(redis):
            nodes = redis.node_clients()
    except StoreError as error:
        yield StoreHealth(StoreStatus.UNREACHABLE, str(error), error.cause, error.remedy)
        return
    for url, client in nodes.items():
        health = _check_server(client, ("CLUSTER INFO",))
        if health.problem and url not in health.problem:
            health = replace(health, problem=f"{url}: {health.problem}")
        yield replace(health, nodes=(NodeLoad(url, health.used_memory, _command_rate(client)),))


def _command_rate(redis: Redis) -> int:
    """Return the commands a server has answered in the last second; 0 if it does not say."""
    try:
        stats: Any = redis.info("stats")
    except RedisError:
        return 0
    return int(stats.get("instantaneous_ops_per_sec", 0))


def _check_server(redis: Redis, read: tuple[str, ...] = ("EXISTS", keys.SCHEMA)) -> StoreHealth:
    """Return the health of one server.

    PING fails if the disk does, and a read fails if nothing can be read; both replies say why.
    """
    try:
        with translate_store_errors(redis), redis.pipeline(transaction=False) as pipe:
            pipe.info("memory", "persistence", "replication")
            pipe.ping()
            pipe.execute_command(*read)  # type: ignore[no-untyped-call]
            info, pong, found = pipe.execute(raise_on_error=False)
        for reply in (found, pong):
            with translate_store_errors(redis):
                if isinstance(reply, RedisError) and not isinstance(reply, NoPermissionError):
                    raise reply
    except StoreError as error:
        is_readable = error.cause == "disk"
        status = StoreStatus.READ_ONLY if is_readable else StoreStatus.UNREACHABLE
        return StoreHealth(status, str(error), error.cause, error.remedy)
    if isinstance(found, Mapping) and found.get("cluster_state", "ok") != "ok":
        problem = "it has no part in a majority of the cluster's primaries, and answers nothing"
        return StoreHealth(StoreStatus.UNREACHABLE, problem, "cluster", CLUSTER_REMEDY)
    if isinstance(info, RedisError):  # the user may not run INFO: the store answers
        return StoreHealth(StoreStatus.OK)
    return _judge(info)


def _judge(info: Mapping[str, Any]) -> StoreHealth:
    """Return the health of a store that answers."""
    used_memory, max_memory = int(info.get("used_memory", 0)), int(info.get("maxmemory", 0))
    for is_so, cause, problem, remedy in (
        (
            info.get("aof_last_write_status", "ok") != "ok",
            "disk",
            "it cannot write its append-only file: is the disk full?",
            "free some space on the store's disk",
        ),
        (
            info.get("role") in ("slave", "replica"),
            "read-only",
            "it is a replica: set the URL of the primary, which takes writes",
            "set redis_url to the primary",
        ),
        (
            0 < max_memory <= used_memory and info.get("maxmemory_policy") == "noeviction",
            "memory",
            f"its memory is full, {max_memory:,} bytes: raise maxmemory",
            "raise its maxmemory",
        ),
    ):
        if is_so:
            return StoreHealth(
                StoreStatus.READ_ONLY, problem, cause, remedy, used_memory, max_memory
            )
    return StoreHealth(StoreStatus.OK, used_memory=used_memory, max_memory=max_memory)
