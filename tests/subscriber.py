"""A feed subscriber: the `reader` package, used as its own users do."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

# reader bundles a feedparser that needs a module it lacks: use the real one
os.environ.setdefault("READER_NO_VENDORED_FEEDPARSER", "1")

from reader import Reader, make_reader


@dataclass(frozen=True, slots=True)
class PollResult:
    """The result of one poll: numbers of new entries and of changed ones."""

    new: int
    modified: int


def make_subscriptions(urls: Iterable[str]) -> Reader:
    """Return a reader, with its database in memory, that is subscribed to feeds."""
    reader = make_reader(":memory:", feed_root="")
    for url in urls:
        reader.add_feed(url)
    return reader


class Subscriber:
    """One subscription. Raises reader.ParseError if the feed is invalid."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._reader = make_subscriptions([url])

    def poll(self) -> PollResult:
        """Poll the feed once."""
        found: Any = self._reader.update_feed(self._url)
        return PollResult(found.new, found.modified) if found else PollResult(0, 0)

    def entries(self) -> list[Any]:
        """Return every entry seen so far, as reader shows it."""
        return list(self._reader.get_entries(feed=self._url))

    def close(self) -> None:
        """Close the reader's database."""
        self._reader.close()
