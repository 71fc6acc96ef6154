"""Many readings sent at once, by a connection from the pool and by one that a thread holds."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from redis import Redis
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import ResponseError
from redis.exceptions import TimeoutError as RedisTimeoutError

from papers.redis_backend import connection
from papers.redis_backend.connection import ThreadLocalClient, connect, read_many

ROOT = Path(__file__).parents[3]
Read = Callable[..., list[Any]]


@pytest.fixture(params=["pool", "held"])
def read(request: pytest.FixtureRequest, store_url: str) -> Read:
    redis = connect(store_url, retry=False)
    clients = ThreadLocalClient(redis)
    redis.flushall()
    redis.set("a", "1")
    redis.hset("h", mapping={"x": "2"})
    return lambda *asked: read_many(clients.client if request.param == "held" else redis, asked)


def test_the_replies_are_in_order(read: Read) -> None:
    assert read(("GET", "a"), ("HMGET", "h", "x", "y"), ("GET", "b")) == [b"1", [b"2", None], None]
    assert read() == []


def test_an_error_leaves_no_reply_to_the_next_command(read: Read) -> None:
    with pytest.raises(ResponseError):
        read(("GET", "a"), ("GET", "h"), ("GET", "a"))
    assert read(("GET", "b")) == [None]


def test_a_connection_that_the_server_closed_meanwhile_is_opened_anew(
    read: Read, store_url: str
) -> None:
    assert read(("GET", "a")) == [b"1"]
    with Redis.from_url(store_url) as other:
        other.client_kill_filter(_type="normal", skipme=True)
    assert read(("GET", "a")) == [b"1"]


@pytest.mark.parametrize("reopened", [False, True], ids=["first", "reopened"])
def test_a_store_that_hangs_is_waited_for_no_longer_than_is_said(
    store_url: str, monkeypatch: pytest.MonkeyPatch, reopened: bool
) -> None:
    """On a connection that is opened anew, too; and the next answer is that to its own question."""
    monkeypatch.setattr(connection, "WEB_TIMEOUT", 0.2)
    monkeypatch.setattr(connection, "BREAKER_COOLDOWN", 0.0)
    clients = ThreadLocalClient(connect(store_url, retry=False))
    assert read_many(clients.client, [("ECHO", "a")]) == [b"a"]
    with Redis.from_url(store_url) as other:
        if reopened:
            other.client_kill_filter(_type="normal", skipme=True)
            assert read_many(clients.client, [("ECHO", "b")]) == [b"b"]
        other.client_pause(600)
    held: Any = clients.client.connection
    assert held._get_socket().gettimeout() is None, "the kernel keeps the time, not Python"
    begun = time.monotonic()
    with pytest.raises(RedisTimeoutError, match="reading"):
        read_many(clients.client, [("ECHO", "c")])
    assert time.monotonic() - begun >= 0.2
    time.sleep(0.6)
    assert read_many(clients.client, [("ECHO", "d")]) == [b"d"]


def test_a_thread_holds_its_own_connection(store_url: str) -> None:
    clients = ThreadLocalClient(connect(store_url, retry=False))
    begun, done = threading.Barrier(5), threading.Barrier(5)
    held = []

    def hold() -> None:
        assert clients.client is clients.client
        held.append(read_many(clients.client, [("CLIENT", "ID"), ("CLIENT", "ID")]))
        begun.wait(10)
        done.wait(10)

    threads = [threading.Thread(target=hold) for _ in range(4)]
    for thread in threads:
        thread.start()
    begun.wait(10)
    assert len({tuple(ids) for ids in held}) == 4
    assert all(first == second for first, second in held)
    done.wait(10)
    for thread in threads:
        thread.join()


def test_that_a_connection_is_open_is_no_sign_that_the_store_answers(
    store_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A store that hangs has many that are open: who has one must not send all others to wait."""
    redis = connect(store_url, retry=False)
    failing, trying, other = (ThreadLocalClient(redis).client for _ in range(3))
    now, refused = 0.0, list[object]()
    monkeypatch.setattr(connection, "time", SimpleNamespace(monotonic=lambda: now))

    def hang(*_: object) -> None:
        raise RedisTimeoutError

    def hang_and_see_how_others_fare(*_: object) -> None:
        with ThreadPoolExecutor(1) as pool:
            refused.append(pool.submit(read_many, other, [("GET", "a")]).exception())
        hang()

    sent = "send_packed_command"
    monkeypatch.setattr(failing.connection, sent, hang)
    monkeypatch.setattr(trying.connection, sent, hang_and_see_how_others_fare)
    with pytest.raises(RedisTimeoutError):
        read_many(failing, [("GET", "a")])
    now = connection.BREAKER_COOLDOWN
    with pytest.raises(RedisTimeoutError):
        read_many(trying, [("GET", "a")])
    assert [type(error) for error in refused] == [RedisConnectionError]


FORKING = """
import os, sys
from papers.redis_backend.connection import ThreadLocalClient, connect, read_many

clients = ThreadLocalClient(connect(sys.argv[1], retry=False))
told = lambda: read_many(clients.client, [("CLIENT", "ID")])[0]
mine = told()
child = os.fork()
print(mine, told(), flush=True)
if child:
    sys.exit(os.waitpid(child, 0)[1])
"""


def test_a_process_that_forked_off_has_a_connection_of_its_own(store_url: str) -> None:
    """In a process without threads: of a fork beside threads Python 3.12 warns."""
    ran = subprocess.run(
        [sys.executable, "-c", FORKING, store_url],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    told = [line.split() for line in ran.stdout.splitlines()]
    (mine,) = {before for before, _ in told}
    assert len(told) == 2
    assert len({after for _, after in told}) == 2
    assert mine in {after for _, after in told}
