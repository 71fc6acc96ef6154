"""The entries of a format as bytes, spelled once for all feeds that show them.

To spell an entry is most of what a new feed costs, and papers of today are in many feeds. What an
entry is in a format depends on nothing around it: neither on the feed nor on its other entries. So
its bytes are remembered by its digest, and put into the next feed as they are.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from service.feeds.entry import Entry, Item
from service.feeds.feed import Feed
from service.memory import Memory

MOST: Final = 32_000_000
"""Bytes of entries that a process remembers; one is some 4 kB."""

Kept = Memory[tuple[str, bytes], bytes]
KEPT: Final = Kept(MOST)


class Spelled(NamedTuple):
    """A document: its entries, what stands before, between and behind them."""

    before: bytes
    entries: Sequence[bytes]
    between: bytes
    behind: bytes


Spell = Callable[[Feed, Sequence[Item]], Spelled]
"""A feed as a document of a format, with these entries in place of all."""


def cut(document: bytes, start: bytes, end: bytes) -> Spelled:
    """An XML document whose entries each begin with the tag `start`, and that ends with `end`.

    In text and in values XML has `&lt;` for `<`: where a tag seems to stand, it does.
    """
    before, *entries = document.removesuffix(end).split(start)
    return Spelled(before, [start + entry for entry in entries], b"", end)


def joined(format: str, spell: Spell, feed: Feed, kept: Kept = KEPT) -> bytes:
    """The document of a feed in a format; only entries that are not remembered are spelled."""
    known = [
        kept.get((format, entry.digest)) if isinstance(entry, Entry) else None
        for entry in feed.entries
    ]
    missing = [e for e, spelled in zip(feed.entries, known, strict=True) if spelled is None]
    document = spell(feed, missing)
    for entry, spelled in zip(missing, document.entries, strict=True):
        if isinstance(entry, Entry):
            kept.keep((format, entry.digest), spelled, len(spelled))
    fresh = iter(document.entries)
    entries = [next(fresh) if spelled is None else spelled for spelled in known]
    return document.before + document.between.join(entries) + document.behind
