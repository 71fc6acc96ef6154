from __future__ import annotations

import signal
import threading
import time
from pathlib import Path

import pytest
from redis import Redis
from redis.exceptions import ResponseError

from papers.errors import StoreError, StoreUnavailable
from papers.redis_backend.circuit_breaker import BREAKER_COOLDOWN
from papers.redis_backend.connection import (
    WEB_TIMEOUT,
    connect,
    translate_store_errors,
)
from papers.redis_backend.health import StoreStatus, check_health
from tests.papers.server import private_server


def test_healthy_store_is_ok(redis: Redis) -> None:
    found = check_health(redis)
    assert (found.status, found.problem, found.max_memory) == (StoreStatus.OK, "", 0)
    assert found.used_memory > 100_000


def test_full_store_is_read_only() -> None:
    with private_server(maxmemory="1mb") as (redis, _):
        found = check_health(redis)
        assert found.status is StoreStatus.READ_ONLY
        assert found.problem == "its memory is full, 1,048,576 bytes: raise maxmemory"


def test_replica_is_read_only() -> None:
    with private_server(replicaof="127.0.0.1 1") as (redis, _):
        assert check_health(redis).status is StoreStatus.READ_ONLY


def test_status_is_ok_for_a_user_without_info() -> None:
    with private_server() as (redis, _):
        redis.execute_command("ACL SETUSER default -info")  # type: ignore[no-untyped-call]
        assert check_health(redis).status is StoreStatus.OK


def test_missing_store_is_unreachable(tmp_path: Path) -> None:
    found = check_health(connect(f"unix://{tmp_path}/nobody", retry=False))
    assert found.status is StoreStatus.UNREACHABLE
    assert "does not answer" in found.problem


def test_circuit_breaker_opens_when_the_store_hangs() -> None:
    with private_server() as (redis, process):
        client = connect(f"unix://{redis.connection_pool.connection_kwargs['path']}", retry=False)
        client.ping()
        process.send_signal(signal.SIGSTOP)
        began = time.monotonic()
        threads = [threading.Thread(target=_expect_unavailable, args=(client,)) for _ in range(20)]
        for _ in range(2):
            _expect_unavailable(client)
        opened = time.monotonic()
        assert opened - began < 2 * WEB_TIMEOUT + 0.3
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert time.monotonic() - opened < 0.3  # not half a second each
        process.send_signal(signal.SIGCONT)
        time.sleep(BREAKER_COOLDOWN)
        assert client.ping()
        client.close()


def _expect_unavailable(client: Redis) -> None:
    with pytest.raises(StoreUnavailable), translate_store_errors(client):
        client.ping()


DISK_ERRORS = [
    "MISCONF Errors writing",
    "Command # 1 (SET x) of pipeline caused error: MISCONF Errors",
]


@pytest.mark.parametrize("message", DISK_ERRORS)
def test_disk_errors_are_translated(message: str) -> None:
    with pytest.raises(StoreError, match="takes no writes"), translate_store_errors():
        raise ResponseError(message)


def test_other_response_errors_are_not_translated() -> None:
    with pytest.raises(ResponseError), translate_store_errors():
        raise ResponseError("ERR no such command as MISCONF")
