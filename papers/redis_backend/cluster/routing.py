"""The key that decides where a command goes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from papers.redis_backend import keys

_KEY_POSITIONS: Final = {"EVAL": 3, "EVALSHA": 3}
"""Where the first key of a command is, if it is not the first argument."""


def cluster_key(command: Sequence[Any]) -> bytes | str | None:
    """Return the first key of a command if it lives in the cluster; None otherwise.

    The first argument of a command without a key is never like a key of the cluster.
    """
    at = _KEY_POSITIONS.get(command[0], 1)
    if len(command) <= at:
        return None
    key = command[at]
    return key if isinstance(key, bytes | str) and keys.is_in_cluster(key) else None
