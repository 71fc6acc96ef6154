"""How the store itself is: whether it answers, whether it takes writes, and how much it holds.

A store that is full still answers: feeds are served, and nothing new comes in. Nobody would know
from the feeds, so it is said wherever the sources' states are.
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
    """What the store does when it is spoken to."""

    OK = "ok"
    READ_ONLY = "reading"
    """It answers and takes no writes: nothing new comes in."""
    UNREACHABLE = "away"


@dataclass(frozen=True, slots=True)
class StoreHealth:
    """The store at one moment; `said` tells a person why it is not ok.

    `memory` is what it uses, `most` what it may use (0: no limit), in bytes; both are 0 where it
    does not say.
    """

    status: StoreStatus
    problem: str = ""
    used_memory: int = 0
    max_memory: int = 0


def check_health(redis: Redis) -> StoreHealth:
    """Ask the store how it is. Never raises StoreError."""
    try:
        with translate_store_errors(redis):
            told: Any = redis.info("memory", "persistence", "replication")
    except NoPermissionError:  # a user that may not ask: it answers, and that is all we know
        return StoreHealth(StoreStatus.OK)
    except StoreError as error:
        return StoreHealth(StoreStatus.UNREACHABLE, str(error))
    why = _read_only_reason(told)
    memory, most = int(told.get("used_memory", 0)), int(told.get("maxmemory", 0))
    return StoreHealth(StoreStatus.READ_ONLY if why else StoreStatus.OK, why, memory, most)


def _read_only_reason(info: Mapping[str, Any]) -> str:
    if info.get("aof_last_write_status", "ok") != "ok":
        return "it cannot write its append-only file: is the disk full?"
    if info.get("role") in ("slave", "replica"):
        return "it is a replica of another: name the one that takes writes"
    most, policy = int(info.get("maxmemory", 0)), info.get("maxmemory_policy")
    if 0 < most <= int(info.get("used_memory", 0)) and policy == "noeviction":
        return f"its memory is full, {most:,} bytes: raise maxmemory"
    return ""
