"""Real stores that refuse, each in its own way: the URL to connect with, while it lasts."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any, Final

from redis import Redis
from redis.exceptions import BusyLoadingError, RedisError

from paperwire.run.ports import find_free_port
from tests.papers.server import private_server

RefusingStore = Callable[[], AbstractContextManager[str]]

_ENDLESS_SCRIPT: Final = "while true do end"


def socket_path(redis: Redis) -> str:
    path: str = redis.connection_pool.connection_kwargs["path"]
    return path


def _url(redis: Redis, password: str = "", **query: str) -> str:
    options = "&".join(f"{name}={value}" for name, value in query.items())
    user = f":{password}@" if password else ""
    return f"unix://{user}{socket_path(redis)}" + (f"?{options}" if options else "")


@contextmanager
def _plain(db: str = "", **options: str) -> Iterator[str]:
    named = {name.replace("_", "-"): value for name, value in options.items()}
    with private_server(**named) as (redis, _):
        yield _url(redis, **({"db": db} if db else {}))


@contextmanager
def _with_password(given: str) -> Iterator[str]:
    with private_server() as (redis, _):
        redis.config_set("requirepass", "the-right-one")
        yield _url(redis, given)


@contextmanager
def _without_a_connection_to_spare() -> Iterator[str]:
    with ExitStack() as stack:
        redis, _ = stack.enter_context(private_server())
        redis.config_set("maxclients", 1)  # the one that `redis` has
        yield _url(redis)
        redis.config_set("maxclients", 100)


@contextmanager
def _loading() -> Iterator[str]:
    """A store that loads its file so slowly that it is not done before the test."""
    with private_server(**{"enable-debug-command": "yes"}) as (redis, _):
        redis.mset({f"key {number}": os.urandom(2_048) for number in range(500)})
        redis.config_set("key-load-delay", 10_000)
        redis.config_set("loading-process-events-interval-bytes", 1_024)
        thread = threading.Thread(target=_reload, args=(socket_path(redis),), daemon=True)
        thread.start()
        while not _is_loading(redis):
            time.sleep(0.01)
        try:
            yield _url(redis)
        finally:
            redis.config_set("key-load-delay", 0)
            thread.join(20)


def _reload(path: str) -> None:
    with suppress(RedisError), Redis(unix_socket_path=path) as client:
        client.execute_command("DEBUG RELOAD")


def _is_loading(redis: Redis) -> bool:
    try:
        redis.exists("key 1")
    except BusyLoadingError:
        return True
    return False


@contextmanager
def _with_a_broken_disk() -> Iterator[str]:
    with private_server() as (redis, _):
        Path(socket_path(redis)).with_name("dump.rdb").mkdir()  # where it would save
        redis.config_set("save", "3600 1")
        redis.bgsave()
        while True:
            info: Any = redis.info("persistence")
            if info["rdb_last_bgsave_status"] == "err":
                break
            time.sleep(0.01)
        try:
            yield _url(redis)
        finally:
            redis.config_set("save", "")  # else it would not end


@contextmanager
def _without_memory() -> Iterator[str]:
    with private_server(maxmemory="1mb") as (redis, _):
        yield _url(redis)


@contextmanager
def _without_its_primary() -> Iterator[str]:
    with private_server() as (redis, _):
        redis.config_set("replica-serve-stale-data", "no")
        redis.replicaof("127.0.0.1", "1")
        yield _url(redis)


@contextmanager
def _cluster(db: str = "") -> Iterator[str]:
    """A node of a cluster that serves no hash slot."""
    ports = {
        "port": str(find_free_port("127.0.0.1", 0)),
        "cluster-port": str(find_free_port("127.0.0.1", 0)),
        "bind": "127.0.0.1",
    }
    with private_server(**ports, **{"cluster-enabled": "yes"}) as (redis, _):
        yield _url(redis, **({"db": db} if db else {}))


@contextmanager
def _busy_with_a_script() -> Iterator[str]:
    with private_server(**{"busy-reply-threshold": "10"}) as (redis, _):
        thread = threading.Thread(
            target=_run_endless_script, args=(socket_path(redis),), daemon=True
        )
        thread.start()
        time.sleep(0.2)
        try:
            yield _url(redis)
        finally:
            with suppress(RedisError):
                redis.script_kill()
            thread.join(10)


def _run_endless_script(path: str) -> None:
    with suppress(RedisError), Redis(unix_socket_path=path) as client:
        client.eval(_ENDLESS_SCRIPT, 0)


@contextmanager
def _forbidding_writes() -> Iterator[str]:
    with private_server() as (redis, _):
        redis.execute_command("ACL SETUSER default -@write")  # type: ignore[no-untyped-call]
        yield _url(redis)


REFUSES_ALL: Final[Mapping[str, tuple[str, RefusingStore]]] = {
    "wrong password": ("password", lambda: _with_password("a-wrong-one")),
    "no password": ("no-password", lambda: _with_password("")),
    "client limit": ("clients", _without_a_connection_to_spare),
    "loading": ("loading", _loading),
    "lost primary": (
        "primary-lost",
        _without_its_primary,
    ),
    "database number": ("database", lambda: _plain(db="99")),
    "cluster": ("cluster", _cluster),
    "cluster database": ("database", lambda: _cluster("99")),
    "script": ("script", _busy_with_a_script),
}
"""Name → the cause that it has by name, and the store: it refuses reads too."""

REFUSES_WRITES: Final[Mapping[str, tuple[str, RefusingStore]]] = {
    "replica": ("read-only", lambda: _plain(replicaof="127.0.0.1 1")),
    "disk": ("disk", _with_a_broken_disk),
    "memory": ("memory", _without_memory),
    "too few replicas": ("replicas", lambda: _plain(min_replicas_to_write="1")),
    "rights": ("permission", _forbidding_writes),
}
"""The same of stores that refuse writes alone."""
