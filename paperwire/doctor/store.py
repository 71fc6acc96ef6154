"""The store: whether it is there, is fit to keep papers, and holds what this code can read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from redis import Redis
from redis.exceptions import RedisError

from papers.errors import StoreAway, StoreBusy, StoreError, StoreNewer
from papers.maintenance import migrations
from papers.redis_backend.connection import address, store_errors
from paperwire.doctor.finding import Finding, fault, warning
from paperwire.run.store_program import OLDEST

CLOCKS_APART: Final = timedelta(seconds=5)
NEARLY_FULL: Final = 0.9
"""Of the memory that the store may take."""


def store_is_there(redis: Redis) -> Iterator[Finding]:
    """The store answers us."""
    try:
        with store_errors(redis):
            redis.ping()
    except StoreAway as error:
        yield fault(
            "store",
            error,
            "start it, or correct redis_url (host, port, password); empty: an embedded store",
        )
    except (RedisError, StoreError) as error:
        yield fault(
            "store",
            error,
            "update it to 7.2 or later; give its user the rights of deploy/store.acl",
        )


def store_is_fit(redis: Redis) -> Iterator[Finding]:
    """Its version, and that it forgets nothing."""
    try:
        info: Any = redis.info()
    except RedisError as error:
        yield warning("store-rights", f"the store tells nothing of itself: {error}", _RIGHTS)
        return
    yield from _version(info)
    yield from _durability(info)
    yield from _memory(info)


def schema_is_ours(redis: Redis) -> Iterator[Finding]:
    """The layout of the data."""
    try:
        migrations.check(redis)
    except StoreNewer as error:
        yield fault("schema", error, "update Paperwire on this machine too")
    except StoreBusy as error:
        yield fault("schema", error, "start this Paperwire: it migrates the data")
    except StoreError as error:
        yield fault("schema", error, "wait, or run `paperwire restore FILE --replace`")


def clocks_agree(redis: Redis, now: datetime) -> Iterator[Finding]:
    """Our clock and that of the store's machine; `now` is aware UTC."""
    try:
        seconds, micros = redis.time()
    except RedisError:
        return
    apart = abs(datetime.fromtimestamp(seconds + micros / 1e6, UTC) - now)
    if apart > CLOCKS_APART:
        yield clock_is_off(apart, f"the store's at {address(redis)}")


def clock_is_off(apart: timedelta, other: str) -> Finding:
    """Our clock against another's."""
    return fault(
        "clock",
        f"this machine's clock and {other} are {apart.total_seconds():,.0f} s apart",
        "set the clock, and keep it by NTP (timedatectl set-ntp true)",
    )


_RIGHTS: Final = "allow its user INFO, as deploy/store.acl does"


def _version(info: Mapping[str, Any]) -> Iterator[Finding]:
    said = str(info.get("valkey_version") or info.get("redis_version", ""))
    version = tuple(int(part) for part in said.split(".") if part.isdigit())
    if version < OLDEST:
        oldest = ".".join(map(str, OLDEST))
        yield fault(
            "store-version",
            f"the store has version {said}, {oldest} is the oldest that will do",
            "update it to Valkey or Redis of a later version",
        )


def _durability(info: Mapping[str, Any]) -> Iterator[Finding]:
    if not info.get("aof_enabled"):
        yield fault(
            "append-only-file",
            "the store keeps no append-only file: what it was told is lost where it stops",
            "CONFIG SET appendonly yes, and the same in its configuration",
        )
    elif info.get("aof_last_write_status") == "err":
        yield fault(
            "append-only-file",
            "the store cannot write its append-only file, and takes no writes",
            "make room on the store's disk",
        )


def _memory(info: Mapping[str, Any]) -> Iterator[Finding]:
    policy, most = info.get("maxmemory_policy", "noeviction"), int(info.get("maxmemory", 0))
    if policy != "noeviction":
        yield fault(
            "eviction",
            f"the store may drop papers where memory is short (maxmemory-policy {policy})",
            "CONFIG SET maxmemory-policy noeviction, and the same in its configuration",
        )
    if most and int(info["used_memory"]) > NEARLY_FULL * most:
        yield warning(
            "store-memory",
            f"the store has used {int(info['used_memory']) / most:.0%} of its memory",
            "raise its maxmemory",
        )
