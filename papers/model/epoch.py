"""Times as records store them: whole seconds since 1970, UTC."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import overload


@overload
def to_epoch(moment: datetime) -> int: ...
@overload
def to_epoch(moment: datetime | None) -> int | None: ...
def to_epoch(moment: datetime | None) -> int | None:
    """Return the whole seconds since 1970 of an aware time; None stays None."""
    return None if moment is None else int(moment.timestamp())


@overload
def from_epoch(seconds: int) -> datetime: ...
@overload
def from_epoch(seconds: int | None) -> datetime | None: ...
def from_epoch(seconds: int | None) -> datetime | None:
    """Return the aware UTC time of seconds since 1970; None stays None."""
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)
