from __future__ import annotations

import signal
import threading
import time
from pathlib import Path

import pytest
from redis import Redis
from redis.exceptions import ResponseError

from papers.errors import StoreError, StoreUnavailable
from papers.redis_backend.connection import BREAKER_COOLDOWN, connect, translate_store_errors
from papers.redis_backend.health import StoreStatus, check_health
from tests.papers.server import private_server


def test_a_store_that_is_well(redis: Redis) -> None:
    found = check_health(redis)
    assert (found.status, found.problem, found.max_memory) == (StoreStatus.OK, "", 0)
    assert found.used_memory > 100_000


def test_a_store_whose_memory_is_full_still_reads() -> None:
    with private_server(maxmemory="1mb") as (redis, _):
        found = check_health(redis)
        assert found.status is StoreStatus.READ_ONLY
        assert found.problem == "its memory is full, 1,048,576 bytes: raise maxmemory"


def test_a_replica_takes_no_writes() -> None:
    with private_server(replicaof="127.0.0.1 1") as (redis, _):
        assert check_health(redis).status is StoreStatus.READ_ONLY


def test_a_user_who_may_not_ask_is_told_that_it_answers() -> None:
    with private_server() as (redis, _):
        redis.execute_command("ACL SETUSER default -info")  # type: ignore[no-untyped-call]
        assert check_health(redis).status is StoreStatus.OK


def test_a_store_that_is_away(tmp_path: Path) -> None:
    found = check_health(connect(f"unix://{tmp_path}/nobody", retry=False))
    assert found.status is StoreStatus.UNREACHABLE
    assert "does not answer" in found.problem


def test_a_store_that_hangs_is_left_alone_for_a_moment_and_then_asked_by_one() -> None:
    with private_server() as (redis, process):
        client = connect(f"unix://{redis.connection_pool.connection_kwargs['path']}", retry=False)
        client.ping()
        process.send_signal(signal.SIGSTOP)
        began = time.monotonic()
        crowd = [threading.Thread(target=_expect_away, args=(client,)) for _ in range(20)]
        _expect_away(client)
        for one in crowd:
            one.start()
        for one in crowd:
            one.join()
        assert time.monotonic() - began < BREAKER_COOLDOWN  # twenty times half a second it was not
        process.send_signal(signal.SIGCONT)
        time.sleep(BREAKER_COOLDOWN)
        assert client.ping()
        client.close()


def _expect_away(client: Redis) -> None:
    with pytest.raises(StoreUnavailable), translate_store_errors(client):
        client.ping()


SAID = ["MISCONF Errors writing", "Command # 1 (SET x) of pipeline caused error: MISCONF Errors"]


@pytest.mark.parametrize("said", SAID)
def test_a_full_disk_is_told_whatever_asked(said: str) -> None:
    with pytest.raises(StoreError, match="takes no writes"), translate_store_errors():
        raise ResponseError(said)


def test_another_mistake_is_not_taken_for_a_full_disk() -> None:
    with pytest.raises(ResponseError), translate_store_errors():
        raise ResponseError("ERR no such command as MISCONF")
