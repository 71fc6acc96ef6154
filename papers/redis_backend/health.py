"""Health of the store: whether it answers, whether it takes writes, and its memory.

A full store still answers reads: feeds are served, but nothing new is stored. Feeds do not show
that, so the health is reported wherever the states of the sources are.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from redis import Redis
from redis.exceptions import NoPermissionError

from papers.errors import StoreError
from papers.redis_backend.connection import translate_store_errors


class StoreStatus(enum.StrEnum):
    """Availability of the store; the values are public, in `/health` and the CLI's JSON."""

    OK = "ok"
    READ_ONLY = "reading"
    """It answers reads and takes no writes."""
    UNREACHABLE = "away"


@dataclass(frozen=True, slots=True)
class StoreHealth:
    """Health at one moment; `problem` is the reason, for people, why the status is not OK.

    `used_memory` and `max_memory` (0: no limit) are in bytes; both are 0 if unknown.
    """

    status: StoreStatus
    problem: str = ""
    used_memory: int = 0
    max_memory: int = 0


def check_health(redis: Redis) -> StoreHealth:
    """Return the health of the store. Never raises StoreError."""
    try:
        with translate_store_errors(redis):
            info: Any = redis.info("memory", "persistence", "replication")
    except NoPermissionError:  # the user may not run INFO: the store answers, no more is known
        return StoreHealth(StoreStatus.OK)
    except StoreError as error:
        return StoreHealth(StoreStatus.UNREACHABLE, str(error))
    problem = _read_only_reason(info)
    status = StoreStatus.READ_ONLY if problem else StoreStatus.OK
    used_memory, max_memory = int(info.get("used_memory", 0)), int(info.get("maxmemory", 0))
    return StoreHealth(status, problem, used_memory, max_memory)


def _read_only_reason(info: Mapping[str, Any]) -> str:
    if info.get("aof_last_write_status", "ok") != "ok":
        return "it cannot write its append-only file: is the disk full?"
    if info.get("role") in ("slave", "replica"):
        return "it is a replica: set the URL of the primary, which takes writes"
    max_memory, policy = int(info.get("maxmemory", 0)), info.get("maxmemory_policy")
    if 0 < max_memory <= int(info.get("used_memory", 0)) and policy == "noeviction":
        return f"its memory is full, {max_memory:,} bytes: raise maxmemory"
    return ""
