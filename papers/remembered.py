"""What a process remembers of a store at one revision, and what to ask for that it does not.

Postings are asked for and held by volume (`papers.postings`): by month (YYYYMM), and of months that
are closed by year (YYYY).
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final, NamedTuple

from pyroaring import BitMap

from papers import keys, postings
from papers.arxiv_id import month_of, month_place
from papers.asked import Asked
from papers.codec import Opened
from papers.connection import Command
from papers.evaluate import Expansions, Key, Telling
from papers.postings import CLOSED, SHAPE, YEAR, Shape
from papers.search import Found
from papers.spread import possible_months
from papers.tree import Node

MOST_WORDS: Final = 256
"""Words of one prefix that postings are asked for; of a prefix of more the texts are."""

_OVERHEAD: Final = 150
_A_QUESTION: Final = 4_000
_LARGE: Final = 1 << 12
_LAST_YEAR: Final = 9_999
Wanted = Mapping[int, Sequence[Key]]
"""Months (YYYYMM) and what postings to read of each."""


class Request(NamedTuple):
    """A reading command, and what is to be done with its reply."""

    command: Command
    take: Callable[[Any], None]


@dataclass(slots=True)
class Memory:
    """What a process remembers of a store at one revision. Threads share it, and only add."""

    revision: bytes | object | None
    shapes: Shapes = field(default_factory=lambda: Shapes({}, set()))
    months: tuple[int, ...] | None = None
    spread: dict[bytes, bytes | None] = field(default_factory=dict)
    words: dict[str, list[str]] = field(default_factory=dict)
    telling: dict[tuple[Node, int], Telling] = field(default_factory=dict)
    """By what was looked for, and the newest month: what that month tells of its phrases."""
    parts: dict[int, dict[Key, BitMap | None]] = field(default_factory=dict)
    opened: dict[int, Opened] = field(default_factory=dict)
    verified: dict[Node, tuple[BitMap, BitMap]] = field(default_factory=dict)
    """By what was looked for: the places where texts were found to hold it, and not to."""
    found: dict[Hashable, Found] = field(default_factory=dict)
    """By question: a reader that takes another format, or turns back, asks the same."""
    size: int = 0

    def keep(self, question: Hashable, found: Found) -> None:
        """Remember what a question found."""
        self.found[question] = found
        self.size += _A_QUESTION + _OVERHEAD * len(found.places)

    def volume(self, month: int) -> int:
        """Where the postings of a month lie, as far as is known."""
        return month // 100 if month in self.shapes.closed else month

    def shape(self, volume: int) -> Shape:
        """The shape a volume had when it was last read."""
        return self.shapes.known.get(volume) or Shape.unpack(None)

    def papers(self, month: int) -> int:
        """Some papers fewer than a month had when it was last read; one never read may be large."""
        shape = self.shapes.known.get(self.volume(month))
        return max((1 << shape.size - 1) // shape.months, 1) if shape else _LARGE

    def held(self, volume: int) -> dict[Key, BitMap | None]:
        """The postings of a volume."""
        return self.parts.setdefault(volume, {})

    def possible(self, asked: Asked) -> Sequence[int]:
        """The months that may hold what a tree asks for, newest first, as far as is known."""
        months = self.months or ()
        if not self.spread.keys() >= set(asked.terms):
            return months
        spread = possible_months(asked.tree, {term: self.spread[term] for term in asked.terms})
        return months if spread is None else [month for month in months if month in spread]

    def expansions(self, asked: Asked) -> Expansions | None:
        """The words that a tree's prefixes stand for; None while some have not been asked for."""
        prefixes = [text for text in asked.texts if text.prefix]
        if any(prefix.words[0] not in self.words for prefix in prefixes):
            return None
        found = {prefix: self.words[prefix.words[0]] for prefix in prefixes}
        return {
            prefix.words[0]: [*words, prefix.whole] if len(words) <= MOST_WORDS else None
            for prefix, words in found.items()
        }

    def months_asked(self) -> list[Request]:
        """The request for the months there are, newest first."""

        def take(reply: Any) -> None:
            self.months = tuple(_month(member.decode()) for member in reply)

        asked = Request(("ZREVRANGE", keys.MONTHS, "0", "-1"), take)
        return [asked] if self.months is None else []

    def words_asked(self, asked: Asked) -> list[Request]:
        """The requests for where a tree's words occur, and what its prefixes stand for."""
        terms = [term for term in asked.terms if term not in self.spread]

        def take_spread(reply: Any) -> None:
            self.spread.update(zip(terms, reply, strict=True))
            self.size += _OVERHEAD * len(terms)

        prefixes = {text.words[0] for text in asked.texts if text.prefix} - self.words.keys()
        spread = [Request(("HMGET", keys.SPREAD, *terms), take_spread)] if terms else []
        return spread + [self._expansion_asked(prefix) for prefix in sorted(prefixes)]

    def _expansion_asked(self, prefix: str) -> Request:
        def take(reply: Any) -> None:
            self.words[prefix] = [member.decode() for member in reply]

        start, limit = prefix.encode(), ("LIMIT", "0", str(MOST_WORDS + 1))
        span = (b"[" + start, b"[" + start + b"\xff")
        return Request(("ZRANGEBYLEX", keys.VOCABULARY, *span, *limit), take)

    def postings_asked(self, wanted: Wanted) -> list[Request]:
        """The requests for postings, by the shapes of volumes as remembered."""
        asked: dict[int, Sequence[Key]] = {}
        for month, all_keys in wanted.items():
            volume = self.volume(month)
            known = asked.get(volume)
            if known is None:
                asked[volume] = all_keys
            elif known is not all_keys:  # of its months some ask for other days
                asked[volume] = tuple(dict.fromkeys((*known, *all_keys)))
        requests = []
        for volume, all_keys in asked.items():
            held = self.held(volume)
            missing = tuple([key for key in all_keys if key not in held])
            if missing:
                requests.append(self._asked(volume, self.shape(volume), missing))
        return requests

    def _asked(self, volume: int, shape: Shape, missing: tuple[Key, ...]) -> Request:
        def take(reply: Any) -> None:
            # Threads share what is remembered, so a reply is judged by the shape it was asked with.
            if self.shapes.told(volume, reply[0]) == shape:
                self._take_parts(volume, shape, missing, reply)

        return Request(("HMGET", keys.terms(_name(volume)), *_fields(shape, missing)), take)

    def _take_parts(
        self, volume: int, shape: Shape, missing: Sequence[Key], reply: Sequence[bytes | None]
    ) -> None:
        held, size = self.held(volume), 0
        first = month_place(volume if volume > _LAST_YEAR else volume * 100 + 1)
        for key, own, bucket in zip(missing, reply[1::2], reply[2::2], strict=True):
            if own:
                held[key] = BitMap.deserialize(own)
            elif isinstance(key, int):
                held[key] = postings.slot_bitmap(bucket, shape.slot(key), shape, first)
            else:
                small = postings.find(bucket, key)
                held[key] = postings.bitmap(small) if small else None
            size += _OVERHEAD + (len(own) if own else 0)
        self.size += size


class Shapes(NamedTuple):
    """The shapes of volumes as they were told last, at whatever revision: each reply tells its own.

    `closed` are the months (YYYYMM) whose postings lie with their year's.
    """

    known: dict[int, Shape]
    closed: set[int]

    def told(self, volume: int, packed: bytes | None) -> Shape | None:
        """The shape of a volume as a reply has it; None of a month that is closed."""
        if packed == CLOSED:
            self.closed.add(volume)
            return None
        shape = Shape.unpack(packed)
        if volume <= _LAST_YEAR and shape != self.known.get(volume):
            self._open_again(volume, shape)
        self.known[volume] = shape
        return shape

    def _open_again(self, year: int, shape: Shape) -> None:
        """Months that were removed from a year may come back on their own."""
        months = [year * 100 + month for month in range(1, YEAR + 1)]
        here = shape.months == YEAR
        self.closed.difference_update(
            month for at, month in enumerate(months) if not here or shape.gone >> at & 1
        )


@lru_cache(maxsize=1024)
def _fields(shape: Shape, wanted: tuple[Key, ...]) -> tuple[bytes, ...]:
    """The fields of postings in a volume of that shape: `shape` first, then two for each."""
    names = [SHAPE]
    for key in wanted:
        if isinstance(key, bytes):
            names += [postings.term_field(key), postings.bucket_field(shape.bucket(key))]
        else:
            slot = shape.slot(key)
            bucket = postings.slots_field(slot // shape.slots_a_bucket)
            names += [postings.slot_field(slot), bucket]
    return tuple(names)


def _name(volume: int) -> str:
    """A volume as keys spell it: `2503`, `25`."""
    return f"{volume % 10_000:04}" if volume > _LAST_YEAR else f"{volume % 100:02}"


def _month(yymm: str) -> int:
    month = month_of(yymm)
    assert month, f"{yymm!r} among the months"
    return month
