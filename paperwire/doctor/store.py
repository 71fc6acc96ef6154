"""Checks of the store: reachable, configured safely, and with a schema this code can read."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from redis import Redis
from redis.exceptions import RedisError

from papers.command_name import command_line
from papers.errors import StoreBusy, StoreError, StoreTooNew
from papers.maintenance import migrations
from papers.redis_backend import keys
from papers.redis_backend.connection import redacted_url, translate_store_errors
from papers.redis_backend.store_program import OLDEST_SERVER
from paperwire.doctor.finding import Finding, fault, warning

MAX_STORE_CLOCK_SKEW: Final = timedelta(seconds=5)
MEMORY_WARNING_SHARE: Final = 0.9
"""Share of maxmemory in use; above this there is a warning."""


def check_store_reachable(redis: Redis) -> Iterator[Finding]:
    """Check that the store answers reads; if it refuses, it says why."""
    try:
        with translate_store_errors(redis):
            redis.exists(keys.SCHEMA)
    except StoreError as error:
        yield refusal_fault(redis, error)
    except RedisError as error:
        yield fault("store", error, "update it to 7.2 or later")


def refusal_fault(redis: Redis, error: StoreError) -> Finding:
    """Return the finding for a store that refuses."""
    if not error.summary:
        return fault("store", error, "correct redis_url, or read the store's log")
    return fault("store", f"the store at {redacted_url(redis)} {error.summary}", error.remedy)


def start_fault(error: StoreError) -> Finding:
    """Return the finding for an embedded store that does not start."""
    if not error.remedy:
        return fault("store", error, "correct data_dir, or read the store's log")
    return fault("store", f"the store {error.summary}", error.remedy)


def check_store_settings(redis: Redis) -> Iterator[Finding]:
    """Check the server's kind and version, persistence, eviction policy and memory."""
    try:
        info: Any = redis.info()
    except RedisError as error:
        yield warning("store-rights", f"the store refuses INFO: {error}", _INFO_REMEDY)
        return
    yield from _check_server_role(info)
    yield from _check_database_number(redis, info)
    yield from check_server_settings(info)
    if info.get("aof_last_write_status", "ok") == "ok":  # else that is the reason
        yield from _check_disk(redis)


def check_server_settings(info: Mapping[str, Any]) -> Iterator[Finding]:
    """Check version, persistence, eviction policy and memory of a server, by its INFO."""
    yield from _check_server_version(info)
    yield from _check_durability(info)
    yield from _check_memory(info)


def check_schema_version(redis: Redis) -> Iterator[Finding]:
    """Check the schema version of the data."""
    try:
        migrations.check_version(redis)
    except StoreTooNew as error:
        yield fault("schema", error, "update Paperwire on this machine too")
    except StoreBusy as error:
        yield fault("schema", error, "start this Paperwire: it migrates the data")
    except StoreError as error:
        yield fault("schema", error, f"wait, or run `{command_line('restore --replace FILE')}`")


def check_store_clock(redis: Redis, now: datetime) -> Iterator[Finding]:
    """Compare our clock with that of the store's host; `now` is aware UTC."""
    try:
        seconds, micros = redis.time()
    except RedisError:
        return
    skew = abs(datetime.fromtimestamp(seconds + micros / 1e6, UTC) - now)
    if skew > MAX_STORE_CLOCK_SKEW:
        yield clock_fault(skew, f"the store's at {redacted_url(redis)}")


def clock_fault(skew: timedelta, other: str) -> Finding:
    """Return the finding for a clock that differs from ours."""
    return fault(
        "clock",
        f"this machine's clock and {other} are {skew.total_seconds():,.0f} s apart",
        "set the clock, and synchronize it by NTP (timedatectl set-ntp true)",
    )


_INFO_REMEDY: Final = "allow INFO for its user, as deploy/store.acl does"


def _check_server_version(info: Mapping[str, Any]) -> Iterator[Finding]:
    text = str(info.get("valkey_version") or info.get("redis_version", ""))
    version = tuple(int(part) for part in text.split(".") if part.isdigit())
    if version < OLDEST_SERVER:
        oldest = ".".join(map(str, OLDEST_SERVER))
        yield fault(
            "store-version",
            f"the store has version {text}, but {oldest} is the oldest supported",
            "update it to a later version of Valkey or Redis",
        )


def _check_server_role(info: Mapping[str, Any]) -> Iterator[Finding]:
    if info.get("role") in ("slave", "replica"):
        yield fault(
            "replica",
            "the store is a read-only replica: nothing new can be stored",
            "set redis_url to the primary, which takes writes",
        )
    if info.get("cluster_enabled"):
        yield fault(
            "cluster",
            "the store is a node of a cluster: jobs cannot be queued there",
            "set redis_url to a server that is no part of a cluster: RQ needs one",
        )


def _check_database_number(redis: Redis, info: Mapping[str, Any]) -> Iterator[Finding]:
    """Check for an empty database beside one with data: a wrong number shows no error."""
    number = redis.connection_pool.connection_kwargs.get("db") or 0
    others = {name: info[name]["keys"] for name in info if re.fullmatch(r"db[0-9]+", name)}
    if others and f"db{number}" not in others:
        name, count = max(others.items(), key=lambda item: item[1])
        yield warning(
            "database",
            f"database {number} of the store is empty, and {name[2:]} has {count:,} keys",
            "correct the number at the end of redis_url, if it is wrong",
        )


def _check_disk(redis: Redis) -> Iterator[Finding]:
    """Check that the store does not refuse writes because of its disk; it then refuses PING."""
    try:
        with translate_store_errors(redis):
            redis.ping()
    except StoreError as error:
        if error.cause == "disk":
            yield refusal_fault(redis, error)
    except RedisError:
        return


def _check_durability(info: Mapping[str, Any]) -> Iterator[Finding]:
    if not info.get("aof_enabled"):
        yield fault(
            "append-only-file",
            "the store has no append-only file: writes are lost when it stops",
            "CONFIG SET appendonly yes, and the same in its configuration",
        )
    elif info.get("aof_last_write_status") == "err":
        yield fault(
            "append-only-file",
            "the store cannot write its append-only file and rejects writes",
            "free some space on the store's disk",
        )


def _check_memory(info: Mapping[str, Any]) -> Iterator[Finding]:
    policy, limit = info.get("maxmemory_policy", "noeviction"), int(info.get("maxmemory", 0))
    if policy != "noeviction":
        yield fault(
            "eviction",
            f"the store may evict papers when memory is short (maxmemory-policy {policy})",
            "CONFIG SET maxmemory-policy noeviction, and the same in its configuration",
        )
    if limit and int(info["used_memory"]) > MEMORY_WARNING_SHARE * limit:
        yield warning(
            "store-memory",
            f"the store has used {int(info['used_memory']) / limit:.0%} of its memory",
            "raise its maxmemory",
        )
