"""Checks of the cluster that has the papers: complete, with replicas, each node set up safely."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from redis import Redis
from redis.exceptions import RedisError

from papers.errors import PaperwireError
from papers.redis_backend.connection import RoutingClient, translate_store_errors
from paperwire.doctor.finding import Finding, fault, warning
from paperwire.doctor.store import check_server_settings

_SLOTS: Final = 16_384


def check_cluster(redis: Redis) -> Iterator[Finding]:
    """Check the cluster beside a plain Redis, if there is one."""
    if not isinstance(redis, RoutingClient):
        return
    try:
        with translate_store_errors(redis):
            nodes = redis.node_clients()
            for url, client in nodes.items():
                info: Any = client.info()
                for found in check_server_settings(info):
                    yield Finding(found.check, found.level, f"{url}: {found.cause}", found.mend)
                yield from _check_replicas(url, info)
            yield from _check_slots(next(iter(nodes.values())))
    except PaperwireError as error:
        yield fault("store-cluster", error, "correct store_url, or start the nodes")
    except RedisError as error:
        yield warning("store-rights", error, "grant its user the permissions in deploy/cluster.acl")


def _check_replicas(url: str, info: Any) -> Iterator[Finding]:
    if not int(info.get("connected_slaves", 0)):
        yield warning(
            "store-replica",
            f"{url} has no replica: while it is away its years cannot be read",
            "start another node, and CLUSTER REPLICATE there",
        )


def _check_slots(client: Redis) -> Iterator[Finding]:
    """Check that every slot is served: each year is in one."""
    state: Any = client.execute_command("CLUSTER INFO")  # type: ignore[no-untyped-call]
    served = int(state["cluster_slots_ok"])
    if served < _SLOTS:
        yield fault(
            "store-slots",
            f"{_SLOTS - served:,} of {_SLOTS:,} slots of the cluster are served by no node",
            "see CLUSTER NODES; start the nodes that are away, or `valkey-cli --cluster fix`",
        )
