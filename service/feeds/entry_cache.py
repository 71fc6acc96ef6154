"""The entries of a format as bytes, spelled once for all feeds that show them.

To spell its entries is much of what a new feed costs, and papers of today are in many feeds. What
an entry is in a format depends on nothing around it: neither on the feed nor on its other entries.
So its bytes are remembered by the paper's id and the hash of all that it is made from (of 64 bits,
and of text with a secret of the process), and put into the next feed as they are.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from service.cache.lru import Memory
from service.feeds.entry import Entry, Item
from service.feeds.feed import Feed

MOST: Final = 32_000_000
"""Bytes of entries that a process remembers; one is some 4 kB."""

Key = tuple[str, int, int]
Kept = Memory[Key, bytes]
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
    *parts, last = document.split(start)
    before, *entries = *parts, last.removesuffix(end)
    return Spelled(before, [start + entry for entry in entries], b"", end)


def joined(format: str, spell: Spell, feed: Feed, kept: Kept = KEPT) -> bytes:
    """The document of a feed in a format; only entries that are not remembered are spelled."""
    keys = [_key(format, entry) for entry in feed.entries]
    known = [key and kept.get(key) for key in keys]
    unknown = [number for number, spelled in enumerate(known) if spelled is None]
    document = spell(feed, [feed.entries[number] for number in unknown])
    for number, spelled in zip(unknown, document.entries, strict=True):
        known[number] = spelled
        if key := keys[number]:
            kept.keep(key, spelled, len(spelled))
    return document.before + document.between.join(filter(None, known)) + document.behind


def _key(format: str, entry: Item) -> Key | None:
    """What an entry is remembered by; of a listing nothing is."""
    return (format, entry.paper.id.place, hash(entry)) if isinstance(entry, Entry) else None
