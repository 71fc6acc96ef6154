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
from papers.redis_backend.connection import store_errors


class Answers(enum.StrEnum):
    """What the store does when it is spoken to."""

    OK = "ok"
    READING = "reading"
    """It answers and takes no writes: nothing new comes in."""
    AWAY = "away"


@dataclass(frozen=True, slots=True)
class Condition:
    """The store at one moment; `said` tells a person why it is not ok.

    `memory` is what it uses, `most` what it may use (0: no limit), in bytes; both are 0 where it
    does not say.
    """

    answers: Answers
    said: str = ""
    memory: int = 0
    most: int = 0


def look(redis: Redis) -> Condition:
    """Ask the store how it is. Never raises StoreError."""
    try:
        with store_errors(redis):
            told: Any = redis.info("memory", "persistence", "replication")
    except NoPermissionError:  # a user that may not ask: it answers, and that is all we know
        return Condition(Answers.OK)
    except StoreError as error:
        return Condition(Answers.AWAY, str(error))
    why = _why_it_only_reads(told)
    memory, most = int(told.get("used_memory", 0)), int(told.get("maxmemory", 0))
    return Condition(Answers.READING if why else Answers.OK, why, memory, most)


def _why_it_only_reads(told: Mapping[str, Any]) -> str:
    if told.get("aof_last_write_status", "ok") != "ok":
        return "it cannot write its append-only file: is the disk full?"
    if told.get("role") in ("slave", "replica"):
        return "it is a replica of another: name the one that takes writes"
    most, policy = int(told.get("maxmemory", 0)), told.get("maxmemory_policy")
    if 0 < most <= int(told.get("used_memory", 0)) and policy == "noeviction":
        return f"its memory is full, {most:,} bytes: raise maxmemory"
    return ""
