"""Real stores that refuse are named: the cause, what it means, and what to do."""

from __future__ import annotations

import re
from contextlib import closing

import pytest
from redis import Redis, exceptions

from papers.errors import StoreError, StoreUnavailable
from papers.redis_backend import keys
from papers.redis_backend.connection import connect, translate_store_errors
from papers.redis_backend.health import StoreStatus, check_health
from papers.redis_backend.store_errors import explain_error
from papers.state.task_states import TaskStates
from tests.papers.refusing_stores import REFUSES_ALL, REFUSES_WRITES, RefusingStore
from tests.papers.server import private_cluster


@pytest.mark.row("a store that refuses")
@pytest.mark.parametrize(("cause", "store"), REFUSES_ALL.values(), ids=REFUSES_ALL)
@pytest.mark.parametrize("is_pipeline", [False, True], ids=["command", "pipeline"])
def test_store_that_refuses_everything_is_unavailable(
    cause: str, store: RefusingStore, is_pipeline: bool
) -> None:
    with store() as url, closing(connect(url, retry=False)) as redis:
        with pytest.raises(StoreUnavailable) as refused, translate_store_errors(redis):
            read(redis, is_pipeline=is_pipeline)
        check_message(refused.value, cause)
        found = check_health(redis)
        assert (found.status, found.cause) == (StoreStatus.UNREACHABLE, cause)
        assert found.remedy


@pytest.mark.row("a store that refuses")
@pytest.mark.parametrize(("cause", "store"), REFUSES_WRITES.values(), ids=REFUSES_WRITES)
def test_store_that_refuses_writes_still_serves_reads(cause: str, store: RefusingStore) -> None:
    with store() as url, closing(connect(url, retry=False)) as redis:
        for write in (write_one, write_in_a_transaction, write_by_a_script):
            with pytest.raises(StoreError) as refused, translate_store_errors(redis):
                write(redis)
            check_message(refused.value, cause)
            assert not isinstance(refused.value, StoreUnavailable)
        assert TaskStates(redis).all() == []
        found = check_health(redis)
        if cause in ("read-only", "disk", "memory"):
            assert (found.status, found.cause) == (StoreStatus.READ_ONLY, cause)
            assert found.remedy


def read(redis: Redis, *, is_pipeline: bool) -> None:
    if is_pipeline:
        pipe = redis.pipeline(transaction=False)
        pipe.get("a")
        pipe.execute()
    else:
        redis.get("a")


def check_message(error: StoreError, cause: str) -> None:
    assert error.cause == cause, error
    assert re.fullmatch(r"the store at unix://\S+ .+; .+", str(error))
    assert "\n" not in str(error)
    assert "a-wrong-one" not in str(error)
    assert error.summary in str(error)
    assert error.remedy in str(error)


def write_one(redis: Redis) -> None:
    redis.set("a", "x" * 10)


def write_in_a_transaction(redis: Redis) -> None:
    with redis.pipeline() as pipe:
        pipe.set("a", "x")
        pipe.execute()


def write_by_a_script(redis: Redis) -> None:
    redis.eval("return redis.call('SET', KEYS[1], 'x')", 1, keys.REVISION)


def test_command_on_two_hash_slots_is_named() -> None:
    with (
        private_cluster() as redis,
        pytest.raises(StoreError) as refused,
        translate_store_errors(redis),
    ):
        redis.mget("a", "b")
    assert refused.value.cause == "cluster"


@pytest.mark.parametrize(
    ("error", "cause"),
    [
        (exceptions.MovedError("3999 127.0.0.1:6381"), "cluster"),
        (exceptions.AskError("3999 127.0.0.1:6381"), "cluster"),
        (exceptions.TryAgainError("Multiple keys request during rehashing of slot"), "cluster"),
        (
            exceptions.ResponseError("AUTH <password> called without any password configured"),
            "needless-password",
        ),
        (exceptions.ResponseError("DENIED Valkey is running in protected mode"), "protected-mode"),
        (exceptions.ResponseError("unknown command 'HEXPIRE', with args"), "version"),
        (exceptions.InvalidResponse("Protocol Error: b'HTTP/1.1 400'"), "protocol"),
        (exceptions.ConnectionError("[SSL: WRONG_VERSION_NUMBER] wrong version"), "protocol"),
        (exceptions.ConnectionError("max number of clients reached"), "clients"),
        (exceptions.ConnectionError("Error 111 connecting to a:1. Refused."), "unreachable"),
        (exceptions.TimeoutError("Timeout reading from socket"), "timeout"),
        (
            exceptions.ResponseError("Command # 1 (SET x) of pipeline caused error: MISCONF E"),
            "disk",
        ),
    ],
    ids=str,
)
def test_error_has_its_cause(error: exceptions.RedisError, cause: str) -> None:
    refusal = explain_error(error)
    assert refusal is not None
    assert refusal.cause == cause


@pytest.mark.parametrize(
    "error",
    [
        exceptions.ResponseError("WRONGTYPE Operation against a key holding the wrong kind"),
        exceptions.ResponseError("value is not an integer or out of range"),
        exceptions.ResponseError("no such command as MISCONF"),
        exceptions.ResponseError("Command # 1 (SET MISCONF) of pipeline caused error: WRONGTYPE"),
        exceptions.WatchError("Watched variable changed."),
        exceptions.LockError("Cannot release a lock"),
        exceptions.DataError("Invalid input"),
    ],
    ids=str,
)
def test_error_of_ours_is_not_explained(error: exceptions.RedisError) -> None:
    assert explain_error(error) is None
    with pytest.raises(type(error)), translate_store_errors():
        raise error
