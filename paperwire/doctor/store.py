"""Checks of the store: reachable, configured safely, and with a schema this code can read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from redis import Redis
from redis.exceptions import RedisError

from papers.errors import StoreBusy, StoreError, StoreTooNew, StoreUnavailable
from papers.maintenance import migrations
from papers.redis_backend.connection import redacted_url, translate_store_errors
from paperwire.doctor.finding import Finding, fault, warning
from paperwire.run.store_program import OLDEST_SERVER

MAX_STORE_CLOCK_SKEW: Final = timedelta(seconds=5)
MEMORY_WARNING_SHARE: Final = 0.9
"""Share of maxmemory in use; above this there is a warning."""


def check_store_reachable(redis: Redis) -> Iterator[Finding]:
    """Check that the store answers."""
    try:
        with translate_store_errors(redis):
            redis.ping()
    except StoreUnavailable as error:
        yield fault(
            "store",
            error,
            "start it, or correct redis_url (host, port, password); empty: an embedded store",
        )
    except (RedisError, StoreError) as error:
        yield fault(
            "store",
            error,
            "update it to 7.2 or later; grant its user the permissions in deploy/store.acl",
        )


def check_store_settings(redis: Redis) -> Iterator[Finding]:
    """Check the server's version, persistence, eviction policy and memory."""
    try:
        info: Any = redis.info()
    except RedisError as error:
        yield warning("store-rights", f"the store refuses INFO: {error}", _INFO_REMEDY)
        return
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
        yield fault("schema", error, "wait, or run `paperwire restore FILE --replace`")


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
