"""Somebody subscribed to a feed: the `reader` package, as its users have it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

# reader brings a copy of feedparser along that needs a module it does not bring: use the real one.
os.environ.setdefault("READER_NO_VENDORED_FEEDPARSER", "1")

from reader import make_reader


@dataclass(frozen=True, slots=True)
class PollResult:
    """What one poll brought: entries never seen before, and entries that have changed."""

    new: int
    modified: int


class Subscriber:
    """One subscription. Raises reader.ParseError where the feed is none."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._reader = make_reader(":memory:", feed_root="")
        self._reader.add_feed(url)

    def poll(self) -> PollResult:
        """Ask the feed once."""
        found: Any = self._reader.update_feed(self._url)
        return PollResult(found.new, found.modified) if found else PollResult(0, 0)

    def entries(self) -> list[Any]:
        """Everything seen so far, as the reader shows it."""
        return list(self._reader.get_entries(feed=self._url))

    def close(self) -> None:
        """End the subscription."""
        self._reader.close()
