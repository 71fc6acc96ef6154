"""Every cache that a process has in its memory, with its budget and what empties it."""

from __future__ import annotations

from typing import Final, NamedTuple


class ProcessCache(NamedTuple):
    """A cache: the function that it is of, or the class that owns it."""

    where: str
    holds: str
    budget: str
    emptied_by: str


PROCESS_CACHES: Final[tuple[ProcessCache, ...]] = ()
