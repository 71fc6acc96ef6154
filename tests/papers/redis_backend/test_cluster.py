"""The client of a plain Redis and a cluster: where commands go, and what it does when they move."""

from __future__ import annotations

import logging
import re
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest import mock

import pytest
from redis import Redis
from redis.cluster import ClusterNode, NodesManager
from redis.exceptions import AuthenticationError, RedisError, ResponseError, WatchError
from redis.exceptions import ConnectionError as RedisConnectionError

from papers.errors import BadSettings, StoreUnavailable
from papers.model.arxiv_id import ArxivId
from papers.model.paper import Channel, Sighting
from papers.query.parser import parse_query
from papers.redis_backend import keys
from papers.redis_backend.cluster.client import WORKER_PATIENCE, ClusteredRedis, connect_store
from papers.redis_backend.cluster.routing import cluster_key
from papers.redis_backend.cluster.store_url import parse_store_url
from papers.redis_backend.cluster.topology import REFRESH_INTERVAL, ClusterTopology
from papers.redis_backend.cluster.transaction import RoutedPipeline
from papers.redis_backend.connection import (
    ThreadLocalClient,
    read_many,
    redacted_url,
    translate_store_errors,
)
from papers.redis_backend.revision import follow_failovers
from papers.store import Store
from tests.papers.clients import same_store
from tests.papers.cluster_nodes import ClusterNodeProcess, TestCluster

NOW = datetime(2025, 3, 20, tzinfo=UTC)
A, B, C = "{24}01:papers", "{23}01:papers", "{26}01:papers"
"""Keys of three slots, which three nodes serve; a test checks that."""


@pytest.fixture
def store(store_cluster: TestCluster, store_url: str) -> Iterator[ClusteredRedis]:
    client = store_cluster.connect(store_url)
    client.flushall()
    assert isinstance(client, ClusteredRedis)
    with closing(client):
        yield client


# -- Homes and addresses


def test_keys_of_years_and_of_the_dictionary_live_in_the_cluster() -> None:
    rows = re.findall(r"^\| `(.+?)` \|", keys.__doc__ or "", re.MULTILINE)
    clustered = {row for row in rows if keys.is_in_cluster(row)}
    assert clustered == {row for row in rows if row.startswith(("{25}", "{words}"))}
    assert clustered == {row for row in rows if keys.is_in_cluster(row.encode())}
    assert len(clustered) > 8


def test_key_of_a_command() -> None:
    assert cluster_key(("GET", A)) == A
    assert cluster_key(("EVALSHA", "0" * 40, 1, A.encode())) == A.encode()
    for command in (("PING",), ("GET", "revision"), ("EVAL", A, 1, "months"), ("INFO", "server")):
        assert cluster_key(command) is None


@pytest.mark.parametrize(
    ("url", "nodes", "shown"),
    [
        ("redis://a", [("a", 6379)], "redis://a"),
        ("rediss://u:p%40@a:1,b:2", [("a", 1), ("b", 2)], "rediss://a:1,b:2"),
        ("redis://:secret@[::1]:7/0", [("::1", 7)], "redis://[::1]:7"),
    ],
)
def test_store_url_names_nodes(url: str, nodes: list[tuple[str, int]], shown: str) -> None:
    parsed = parse_store_url(url)
    assert ([*parsed.nodes], parsed.shown) == (nodes, shown)


@pytest.mark.parametrize(
    "url", ["unix:///a", "a:6379", "redis://", "redis://a:x", "redis://:s@a/3", "redis://a,:6"]
)
def test_wrong_store_url_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(BadSettings, match=r"^store_url: ") as error:
        connect_store("redis://b", url, retry=True)
    assert ":s@" not in str(error.value)


def test_without_a_store_url_the_client_is_that_of_one_server(store_url: str) -> None:
    with closing(connect_store(store_url, "", retry=True)) as client:
        assert type(client) is Redis
        assert type(client.pipeline()) is not RoutedPipeline


# -- Batches


def test_commands_go_to_the_home_of_their_key(
    store: ClusteredRedis, store_cluster: TestCluster
) -> None:
    for key in (A, B, C, "plain"):
        store.hset(key, "name", key)
    owners = [store_cluster.primary_of(key) for key in (A, B, C)]
    assert len({owner.port for owner in owners}) == 3
    for owner, key in zip(owners, (A, B, C), strict=True):
        assert owner.client.hget(key, "name") == key.encode()
    assert store.plain_client().keys() == [b"plain"]
    assert {*store.scan_iter()} == {key.encode() for key in (A, B, C, "plain")}
    assert store.exists(A, B, C, "plain", "nobody") == 4
    assert store.unlink(A, B, "plain") == 3
    assert [*store.scan_iter("{*")] == [C.encode()]


def test_batch_of_all_servers_keeps_its_order(store: ClusteredRedis) -> None:
    for number, key in enumerate((A, B, C, "plain")):
        store.hset(key, "n", number)
    names = [C, "plain", A, B, "plain", C]
    commands = [("HGET", name, "n") for name in names]
    expected = [b"2", b"3", b"0", b"1", b"3", b"2"]
    assert read_many(store, commands) == expected
    assert read_many(ThreadLocalClient(store).client, commands) == expected
    with store.pipeline(transaction=False) as pipe:
        for name in names:
            pipe.hgetall(name)
        pipe.set("x", 1)
        pipe.get("x")
        pipe.incr(A)
        found = pipe.execute(raise_on_error=False)
    assert [reply[b"n"] for reply in found[:6]] == expected
    assert found[6:8] == [True, b"1"]
    assert isinstance(found[8], ResponseError)
    with pytest.raises(ResponseError, match="wrong kind of value"):
        read_many(store, [("HGET", B, "n"), ("GET", A), ("GET", "x")])
    assert read_many(store, [("HGET", A, "n"), ("HGET", "plain", "n")]) == [b"0", b"3"]


def test_replies_of_a_batch_that_broke_off_are_not_those_of_the_next(
    store: ClusteredRedis, store_cluster: TestCluster
) -> None:
    store.hset(A, mapping={"first": 1, "second": 2})
    node = store_cluster.primary_of(A)

    def fail() -> None:
        raise RedisConnectionError("the plain Redis is away")

    node.hang()
    waking = threading.Timer(0.3, node.resume)
    waking.start()
    try:
        with pytest.raises(RedisConnectionError, match="plain Redis"):
            store.exchange.send([("HGET", A, "first")], [A], fail)
        assert store.hget(A, "second") == b"2"
    finally:
        waking.join()
    store_cluster.wait_until_well()


def test_keyless_info_goes_where_the_batch_goes(
    store: ClusteredRedis, store_cluster: TestCluster
) -> None:
    _, info = read_many(store, [("GET", keys.TERM_MONTHS_REVISION), ("INFO", "server")])
    port = store_cluster.primary_of(keys.TERM_MONTHS_REVISION).port
    assert f"tcp_port:{port}\r\n".encode() in info


# -- Transactions


def test_transaction_is_on_one_server(store: ClusteredRedis) -> None:
    with store.pipeline() as pipe:
        pipe.watch(A)  # type: ignore[no-untyped-call]
        assert pipe.hgetall(A) == {}
        pipe.multi()
        pipe.hset(A, "a", 1)
        pipe.hincrby(A, "a", 2)
        assert pipe.execute() == [1, 3]
    with store.pipeline() as pipe:
        pipe.set("p", 1)
        pipe.get("p")
        assert pipe.execute() == [True, b"1"]
    with store.pipeline() as pipe:
        for number, key in enumerate(("q", A, "q", C), 1):
            pipe.hset(key, f"field {number}", 1)
            assert pipe.execute() == [1], "one pipeline, a transaction after the other"
    for others in (("p",), (B,)):
        with store.pipeline() as pipe:
            pipe.hset(A, "a", 7)
            pipe.delete(*others)
            with pytest.raises(RedisError):
                pipe.execute()
    with store.pipeline() as pipe:
        pipe.delete("p")
        pipe.delete(A)
        with pytest.raises(RedisError, match="plain Redis and of the cluster"):
            pipe.execute()
    for other in ("p", B):
        with store.pipeline() as pipe:
            pipe.watch(A)  # type: ignore[no-untyped-call]
            pipe.multi()
            pipe.delete(other)
            with pytest.raises(RedisError, match="a transaction has keys of"):
                pipe.execute()
    assert (store.hget(A, "a"), store.get("p")) == (b"3", b"1"), "nothing was carried out"


@pytest.mark.parametrize("is_empty", [False, True])
def test_watched_key_that_changes_ends_the_transaction(
    store: ClusteredRedis, is_empty: bool
) -> None:
    with store.pipeline() as pipe:
        pipe.watch(A)  # type: ignore[no-untyped-call]
        store.hset(A, "a", 1)
        pipe.multi()
        if not is_empty:
            pipe.hset(A, "a", 2)
        with pytest.raises(WatchError):
            pipe.execute()
    assert store.hget(A, "a") == b"1"


def test_write_that_no_replica_has_is_logged_once(
    store: ClusteredRedis, store_cluster: TestCluster, caplog: pytest.LogCaptureFixture
) -> None:
    store.hset(A, "a", 9)  # so that it knows of the replica
    replicas = [node for node in store_cluster.nodes if not node.is_primary]
    for node in replicas:
        node.hang()
    try:
        with caplog.at_level(logging.WARNING):
            for number in range(2):
                with store.pipeline() as pipe:
                    pipe.hset(A, "a", number)
                    pipe.execute()
    finally:
        for node in replicas:
            node.resume()
    assert len(re.findall("would be lost if that node failed now", caplog.text)) == 1
    assert store.hget(A, "a") == b"1"
    store_cluster.wait_until_well()


@pytest.fixture
def lone_node(tmp_path: Path) -> Iterator[ClusterNodeProcess]:
    """A node that serves all slots, without a replica."""
    node = ClusterNodeProcess(tmp_path / "node")
    try:
        node.command("CLUSTER", "ADDSLOTSRANGE", 0, 16_383)
        yield node
    finally:
        node.kill()
        node.client.close()


def test_write_to_a_node_without_a_replica_waits_for_none(
    store_url: str, lone_node: ClusterNodeProcess, caplog: pytest.LogCaptureFixture
) -> None:
    address = f"redis://127.0.0.1:{lone_node.port}"
    with closing(connect_store(store_url, address, retry=True)) as client:
        client.hset(A, "a", 1)
        with caplog.at_level(logging.WARNING), client.pipeline() as pipe:
            pipe.hincrby(A, "a", 1)
            assert pipe.execute() == [2]
    assert "would be lost" not in caplog.text


def test_worker_does_not_wait_where_its_password_is_refused(
    store_url: str, lone_node: ClusterNodeProcess
) -> None:
    address = f"redis://127.0.0.1:{lone_node.port}"
    with closing(connect_store(store_url, address, retry=True)) as client:
        client.hset(A, "a", 1)
        lone_node.command("CONFIG", "SET", "requirepass", "word")
        lone_node.command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
        began = time.monotonic()
        with pytest.raises(AuthenticationError):
            client.hget(A, "a")
        assert time.monotonic() - began < WORKER_PATIENCE / 4


# -- Slots that move


def begin_move(cluster: TestCluster, key: str) -> tuple[int, Any, Any]:
    """Begin to move the slot of a key; return it, its node and the next one."""
    slot, source = cluster.slot_of(key), cluster.primary_of(key)
    target = next(node for node in cluster.nodes if node.is_primary and node is not source)
    target.command("CLUSTER", "SETSLOT", slot, "IMPORTING", source.id)
    source.command("CLUSTER", "SETSLOT", slot, "MIGRATING", target.id)
    return slot, source, target


def move_key(source: ClusterNodeProcess, target: ClusterNodeProcess, key: str) -> None:
    source.client.execute_command("MIGRATE", "127.0.0.1", target.port, key, 0, 5000)  # type: ignore[no-untyped-call]


def test_redirections_are_followed(store: ClusteredRedis, store_cluster: TestCluster) -> None:
    first, second = "{25}01:papers", "{25}02:papers"
    store.hset(first, "n", 1)
    store.hset(second, "n", 2)
    slot, source, target = begin_move(store_cluster, first)
    commands = [("HGET", first, "n"), ("HGET", second, "n"), ("HGET", A, "n")]
    try:
        move_key(source, target, first)
        assert read_many(store, commands) == [b"1", b"2", None], "ASK"
        store.hset(first, "n", 3)
        move_key(source, target, second)
        assert read_many(store, commands) == [b"3", b"2", None]
    finally:
        for node in (target, source):
            node.command("CLUSTER", "SETSLOT", slot, "NODE", target.id)
    assert store_cluster.primary_of(first) is target
    impatient = connect_store(
        f"unix://{store.connection_pool.connection_kwargs['path']}", store_cluster.url, retry=False
    )
    with closing(impatient):
        assert read_many(impatient, commands) == [b"3", b"2", None]
        slot, source, target = begin_move(store_cluster, first)
        for key in (first, second):
            move_key(source, target, key)
        for node in (target, source):
            node.command("CLUSTER", "SETSLOT", slot, "NODE", target.id)
        assert read_many(impatient, commands) == [b"3", b"2", None], "MOVED, without a pause"
    with store.pipeline() as pipe:
        pipe.watch(first)  # type: ignore[no-untyped-call]
        pipe.multi()
        pipe.hset(first, "n", 4)
        pipe.execute()
    assert store.hget(first, "n") == b"4"
    assert follow_failovers(store), "readers read again what moved"
    assert not follow_failovers(store)


def test_web_request_follows_a_slot_that_has_moved_and_moves_on(
    store: ClusteredRedis, store_cluster: TestCluster, store_url: str
) -> None:
    key = "{25}03:papers"
    store.hset(key, "n", 1)
    with closing(connect_store(store_url, store_cluster.url, retry=False)) as web:
        assert read_many(web, [("HGET", key, "n")]) == [b"1"]
        slot, source, target = begin_move(store_cluster, key)
        move_key(source, target, key)
        for node in (target, source):
            node.command("CLUSTER", "SETSLOT", slot, "NODE", target.id)
        last = next(n for n in store_cluster.nodes if n.is_primary and n not in (source, target))
        last.command("CLUSTER", "SETSLOT", slot, "IMPORTING", target.id)
        target.command("CLUSTER", "SETSLOT", slot, "MIGRATING", last.id)
        move_key(target, last, key)
        try:
            assert read_many(web, [("HGET", key, "n")]) == [b"1"], "MOVED, then ASK"
            with web.pipeline(transaction=False) as pipe:
                pipe.incr("count")
                pipe.hget(key, "n")
                assert pipe.execute() == [1, b"1"]
            commands = [("GET", "count"), ("HGET", key, "n"), ("HGET", A, "n")]
            assert read_many(web, commands) == [b"1", b"1", None], "only one is sent again"
        finally:
            for node in (last, target):
                node.command("CLUSTER", "SETSLOT", slot, "NODE", last.id)


def test_epoch_is_the_newest_that_a_node_knows(
    store: ClusteredRedis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that has not heard of a failover yet does not hide it, nor one that is away."""

    def node(answer: Any) -> Redis:
        return mock.Mock(execute_command=mock.Mock(side_effect=answer))

    nodes = {str(epoch): node([{"cluster_current_epoch": str(epoch)}]) for epoch in (3, 7, 5)}
    away = {"away": node(RedisConnectionError("away"))}
    monkeypatch.setattr(ClusteredRedis, "node_clients", lambda _: away | nodes)
    assert store.layout_epoch() == 7
    monkeypatch.setattr(ClusteredRedis, "node_clients", lambda _: away)
    with pytest.raises(RedisConnectionError, match="away"):
        store.layout_epoch()


# -- The topology


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds that the topology sees, which a test moves on."""
    now = [1_000.0]
    fake = SimpleNamespace(monotonic=lambda: now[0])
    monkeypatch.setattr("papers.redis_backend.cluster.topology.time", fake)
    return now


def test_topology_is_read_again_once_in_an_interval(
    store_cluster: TestCluster, clock: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    read = mock.Mock()
    with closing(ClusterTopology(store_cluster.url, 1.0)) as topology:
        assert topology.node_of(A).port == store_cluster.primary_of(A).port
        monkeypatch.setattr(NodesManager, "initialize", read)
        counts = []
        for seconds in (0.0, 0.9, 0.2, 0.9, 1.1):
            clock[0] += seconds * REFRESH_INTERVAL
            topology.refresh()
            counts.append(read.call_count)
        assert counts == [0, 0, 1, 1, 2]


def test_nodes_of_the_settings_are_tried_again_when_no_known_one_answers(
    store_cluster: TestCluster, clock: list[float]
) -> None:
    gone = ClusterNode("127.0.0.1", 1)  # type: ignore[no-untyped-call]
    with closing(ClusterTopology(store_cluster.url, 1.0)) as topology:
        manager = topology._manager()
        manager.startup_nodes, manager.nodes_cache = {gone.name: gone}, {gone.name: gone}
        manager.slots_cache = {}
        for _ in range(2):
            clock[0] += REFRESH_INTERVAL
            topology.refresh()
        assert topology.node_of(A).port == store_cluster.primary_of(A).port


# -- Nodes that do not answer


def test_hung_node_fails_fast_where_nobody_can_wait(
    store: ClusteredRedis, store_cluster: TestCluster, store_url: str
) -> None:
    store.hset(A, "n", 1)
    with closing(connect_store(store_url, store_cluster.url, retry=False)) as web:
        commands = [("HGET", A, "n"), ("GET", keys.REVISION)]
        assert read_many(web, commands)[0] == b"1"
        hung = store_cluster.primary_of(A)
        hung.hang()
        try:
            for _ in range(2):
                with pytest.raises(StoreUnavailable), translate_store_errors(web):
                    read_many(web, [("HGET", A, "n")])
            began = time.monotonic()
            with (
                pytest.raises(StoreUnavailable, match=f"127.0.0.1:{hung.port}"),
                translate_store_errors(web),
            ):
                read_many(web, commands)
            assert time.monotonic() - began < 0.4, "the circuit breaker of that node"
            assert read_many(web, [("HGET", B, "n")]) == [None], "the others serve"
        finally:
            hung.resume()
        store_cluster.wait_until_well()


def test_nobody_there_is_said_of_the_cluster(store_url: str) -> None:
    with (
        closing(connect_store(store_url, "redis://:word@127.0.0.1:1", retry=False)) as web,
        pytest.raises(StoreUnavailable, match=r"redis://127\.0\.0\.1:1 does not answer") as error,
        translate_store_errors(web),
    ):
        read_many(web, [("HGET", A, "n")])
    assert "word" not in str(error.value)
    assert redacted_url(web).startswith("unix://")


def test_node_that_knows_no_slots_yet_is_an_unreachable_store(
    store_url: str, tmp_path: Path
) -> None:
    node = ClusterNodeProcess(tmp_path / "node")
    try:
        address = f"redis://127.0.0.1:{node.port}"
        with (
            closing(connect_store(store_url, address, retry=False)) as client,
            pytest.raises(StoreUnavailable, match=rf"{address}.*no node serves"),
            translate_store_errors(),
        ):
            client.get(A)
    finally:
        node.kill()
        node.client.close()


def test_write_that_broke_off_moves_the_revision(
    store: ClusteredRedis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was carried out, but its reply was lost: the next attempt finds nothing to change."""
    papers = Store(store)
    id = ArxivId(202503, 1)
    known = Store(same_store(store))
    assert known.newest_ids(parse_query("models")) == []
    original, broken = RoutedPipeline._wait_for_replica, list[int]()

    def break_once(self: RoutedPipeline, connection: Any) -> None:
        original(self, connection)
        if self._key and b"03:rev" in str(self._key).encode() and not broken:
            broken.append(1)
            connection.disconnect()
            raise RedisConnectionError

    monkeypatch.setattr(RoutedPipeline, "_wait_for_replica", break_once)
    sighting = Sighting(id, "arxiv", Channel.API, NOW, version=1, title="Models")
    result = papers.ingest([sighting], now=NOW)
    assert broken
    assert result.new == (), "it cannot tell"
    assert known.newest_ids(parse_query("models")) == [id]
