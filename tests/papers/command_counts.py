"""The number of calls of each command that a store gets."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from redis import Redis

from tests.papers.clients import all_servers

_OWN_COMMANDS: Final = {"config|resetstat", "info", "ping", "replconf", "cluster|slots", "command"}


@contextmanager
def counted(redis: Redis) -> Iterator[dict[str, int]]:
    """Count the calls of each command inside the block."""
    for server in all_servers(redis):
        server.config_resetstat()
    calls: dict[str, int] = {}
    yield calls
    for server in all_servers(redis):
        stats: Any = server.info("commandstats")
        for name, stat in stats.items():
            command = name.removeprefix("cmdstat_")
            if command not in _OWN_COMMANDS:
                calls[command] = calls.get(command, 0) + stat["calls"]
