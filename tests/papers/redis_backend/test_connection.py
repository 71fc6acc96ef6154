"""Batches of reads, on a connection from the pool and on one dedicated to a thread."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from redis import Redis
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import ResponseError
from redis.exceptions import TimeoutError as RedisTimeoutError

from papers.errors import BadSettings, StoreUnavailable
from papers.redis_backend import circuit_breaker, connection
from papers.redis_backend.connection import (
    ThreadLocalClient,
    connect,
    read_many,
    translate_store_errors,
)

ROOT = Path(__file__).parents[3]
Read = Callable[..., list[Any]]


@pytest.fixture(params=["pool", "dedicated"])
def read(request: pytest.FixtureRequest, store_url: str) -> Read:
    redis = connect(store_url, retry=False)
    clients = ThreadLocalClient(redis)
    redis.flushall()
    redis.set("a", "1")
    redis.hset("h", mapping={"x": "2"})
    client = clients.client if request.param == "dedicated" else redis
    return lambda *commands: read_many(client, commands)


def test_replies_are_in_order(read: Read) -> None:
    assert read(("GET", "a"), ("HMGET", "h", "x", "y"), ("GET", "b")) == [b"1", [b"2", None], None]
    assert read() == []


def test_error_leaves_no_reply_to_the_next_command(read: Read) -> None:
    with pytest.raises(ResponseError):
        read(("GET", "a"), ("GET", "h"), ("GET", "a"))
    assert read(("GET", "b")) == [None]


def test_every_reply_is_read_however_long_the_others_are(read: Read, store_url: str) -> None:
    long = b"x" * 300_000
    with Redis.from_url(store_url) as other:
        other.set("long", long)
    commands = [("GET", name) for name in ("a", "long", "a", "b", "long", "a")]
    assert read(*commands) == [b"1", long, b"1", None, long, b"1"]


def test_notification_between_replies_is_no_reply(store_url: str) -> None:
    """A server may announce its maintenance, or that a key has changed."""
    client = ThreadLocalClient(connect(store_url, retry=False)).client
    commands = [("SET", "a", "1"), ("GET", "a"), ("SET", "a", "2"), ("GET", "a"), ("GET", "a")]
    assert read_many(client, [("CLIENT", "TRACKING", "ON")]) == [b"OK"]
    assert read_many(client, commands) == [b"OK", b"1", b"OK", b"2", b"2"]


def test_connection_closed_by_the_server_is_reopened(read: Read, store_url: str) -> None:
    assert read(("GET", "a")) == [b"1"]
    with Redis.from_url(store_url) as other:
        other.client_kill_filter(_type="normal", skipme=True)
    assert read(("GET", "a")) == [b"1"]


@pytest.mark.parametrize("reopened", [False, True], ids=["first", "reopened"])
def test_hanging_store_times_out(
    store_url: str, monkeypatch: pytest.MonkeyPatch, reopened: bool
) -> None:
    """Also on a reopened connection; and the next reply is that to the next command."""
    monkeypatch.setattr(connection, "WEB_TIMEOUT", 0.2)
    monkeypatch.setattr(circuit_breaker, "BREAKER_COOLDOWN", 0.0)
    clients = ThreadLocalClient(connect(store_url, retry=False))
    assert read_many(clients.client, [("ECHO", "a")]) == [b"a"]
    with Redis.from_url(store_url) as other:
        if reopened:
            other.client_kill_filter(_type="normal", skipme=True)
            assert read_many(clients.client, [("ECHO", "b")]) == [b"b"]
        other.client_pause(600)
    dedicated: Any = clients.client.connection
    assert dedicated._get_socket().gettimeout() is None, "the time-out is the kernel's"
    begun = time.monotonic()
    with pytest.raises(RedisTimeoutError, match="reading"):
        read_many(clients.client, [("ECHO", "c")])
    assert time.monotonic() - begun >= 0.2
    time.sleep(0.6)
    assert read_many(clients.client, [("ECHO", "d")]) == [b"d"]


def test_each_thread_has_its_own_connection(store_url: str) -> None:
    clients = ThreadLocalClient(connect(store_url, retry=False))
    begun, done = threading.Barrier(5), threading.Barrier(5)
    client_ids = []

    def use_client() -> None:
        assert clients.client is clients.client
        client_ids.append(read_many(clients.client, [("CLIENT", "ID"), ("CLIENT", "ID")]))
        begun.wait(10)
        done.wait(10)

    threads = [threading.Thread(target=use_client) for _ in range(4)]
    for thread in threads:
        thread.start()
    begun.wait(10)
    assert len({tuple(ids) for ids in client_ids}) == 4
    assert all(first == second for first, second in client_ids)
    done.wait(10)
    for thread in threads:
        thread.join()


def test_open_connection_does_not_close_the_circuit_breaker(
    store_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While one command probes a hanging store, all others still fail at once."""
    redis = connect(store_url, retry=False)
    failing, probing, other = (ThreadLocalClient(redis).client for _ in range(3))
    now, errors = 0.0, list[object]()
    monkeypatch.setattr(circuit_breaker, "time", SimpleNamespace(monotonic=lambda: now))

    def hang(*_: object, **__: object) -> None:
        raise RedisTimeoutError

    def hang_while_another_reads(*_: object, **__: object) -> None:
        with ThreadPoolExecutor(1) as pool:
            errors.append(pool.submit(read_many, other, [("GET", "a")]).exception())
        hang()

    method = "send_packed_command"
    monkeypatch.setattr(failing.connection, method, hang)
    monkeypatch.setattr(probing.connection, method, hang_while_another_reads)
    for _ in range(2):
        with pytest.raises(RedisTimeoutError):
            read_many(failing, [("GET", "a")])
    now = circuit_breaker.BREAKER_COOLDOWN
    with pytest.raises(RedisTimeoutError):
        read_many(probing, [("GET", "a")])
    assert [type(error) for error in errors] == [RedisConnectionError]


class ScriptedBreaker:
    """A circuit breaker at a time of its own, and commands that begin and end when told."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now, self.breaker = 0.0, circuit_breaker.CircuitBreakerRetry()
        clock = SimpleNamespace(monotonic=lambda: self.now)
        monkeypatch.setattr(circuit_breaker, "time", clock)

    def run(
        self, until: float, *, fails: bool, meanwhile: Callable[[], object] = lambda: None
    ) -> bool:
        """Run a command that ends at `until`; False if it was not let through."""
        begun = False

        def command() -> None:
            nonlocal begun
            begun = True
            meanwhile()
            self.now = until
            if fails:
                raise RedisTimeoutError("Timeout reading from socket")

        with suppress(RedisTimeoutError, RedisConnectionError):
            self.breaker.call_with_retry(command, lambda error: None)
        return begun


def test_one_slow_reply_refuses_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    scripted = ScriptedBreaker(monkeypatch)
    assert scripted.run(0.5, fails=True)
    assert scripted.run(0.6, fails=False)
    assert scripted.run(1.1, fails=True)
    assert scripted.run(1.2, fails=False)


def test_many_that_wait_for_one_slow_reply_are_one_failure(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """They began before the first of them failed."""
    scripted = ScriptedBreaker(monkeypatch)

    def all_at_once() -> None:
        with ThreadPoolExecutor(1) as pool:
            assert pool.submit(scripted.run, 0.5, fails=True).result()

    assert scripted.run(0.5, fails=True, meanwhile=all_at_once)
    assert scripted.run(0.6, fails=False)


def test_second_failure_refuses_for_a_second_and_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    scripted = ScriptedBreaker(monkeypatch)
    assert scripted.run(0.5, fails=True)
    assert scripted.run(1.0, fails=True)
    assert not scripted.run(1.1, fails=False)
    with pytest.raises(StoreUnavailable) as refused, translate_store_errors():
        scripted.breaker.call_with_retry(lambda: None, lambda error: None)
    assert refused.value.cause == "timeout"
    scripted.now = 1.0 + circuit_breaker.BREAKER_COOLDOWN
    assert scripted.run(2.5, fails=True), "the probe"
    assert not scripted.run(2.6, fails=False), "the probe failed: it is open again at once"
    scripted.now = 2.5 + circuit_breaker.BREAKER_COOLDOWN
    assert scripted.run(3.6, fails=False)
    assert scripted.run(3.7, fails=True), "the probe succeeded: it is closed"
    assert scripted.run(3.8, fails=False)


FORK_SCRIPT = """
import os, sys
from papers.redis_backend.connection import ThreadLocalClient, connect, read_many

clients = ThreadLocalClient(connect(sys.argv[1], retry=False))
client_id = lambda: read_many(clients.client, [("CLIENT", "ID")])[0]
mine = client_id()
child = os.fork()
print(mine, client_id(), flush=True)
if child:
    sys.exit(os.waitpid(child, 0)[1])
"""


def test_forked_process_has_its_own_connection(store_url: str) -> None:
    """In a single-threaded process: Python 3.12 warns of a fork beside threads."""
    ran = subprocess.run(
        [sys.executable, "-c", FORK_SCRIPT, store_url],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    client_ids = [line.split() for line in ran.stdout.splitlines()]
    (mine,) = {before for before, _ in client_ids}
    assert len(client_ids) == 2
    assert len({after for _, after in client_ids}) == 2
    assert mine in {after for _, after in client_ids}


@pytest.mark.parametrize(
    "url",
    ["redis://a.example/papers", "redis://:secret/hunter2@a.example/0", "rediss://a.example/0/1"],
)
def test_url_with_a_wrong_database_is_bad_settings(url: str) -> None:
    with pytest.raises(BadSettings, match="no number of a database") as refused:
        connect(url, retry=False)
    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize("url", ["redis://a.example", "redis://a.example/", "redis://a.example/15"])
def test_url_with_a_database_or_none_is_accepted(url: str) -> None:
    connect(url, retry=False).close()
