"""What a process remembers of a store at one revision, and what to ask for that it does not.

Postings are asked for and held by volume (`papers.index.postings`): by month (YYYYMM), and of
months that are closed by year (YYYY).
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final, NamedTuple

from pyroaring import BitMap

from papers.index import bitmaps, postings
from papers.index.layout import YEAR, Shape
from papers.index.postings import CLOSED, LARGEST_SMALL, SHAPE
from papers.index.term_months import possible_months
from papers.model.arxiv_id import kept_month
from papers.model.packing import Opened
from papers.query.ast import Node
from papers.query.request import Found
from papers.redis_backend import keys
from papers.redis_backend.connection import Command
from papers.search.asked import Asked
from papers.search.evaluate import Expansions, Key, Telling, in_slot
from papers.search.segments import Lookup, Months, Part, Parts, Shapes, Volume

MOST_WORDS: Final = 256
"""Words of one prefix that postings are asked for; of a prefix of more the texts are."""

_OVERHEAD: Final = 150
_A_QUESTION: Final = 4_000
_A_PLACE: Final = 8
"""More than it takes: few papers of many months lie in containers of few."""
_BITSETS: Final = YEAR << 13
"""Of all months of a year."""
Wanted = Sequence[tuple[Months, Sequence[Key]]]
"""Months and what postings to read of each."""


class Request(NamedTuple):
    """A reading command, and what takes its reply: False where that was no answer."""

    command: Command
    take: Callable[[Any], bool]


@dataclass(slots=True)
class Memory:
    """What a process remembers of a store at one revision. Threads share it, and only add."""

    revision: bytes | object | None
    shapes: Shapes = field(default_factory=Shapes)
    """From any revision: a reply tells the shape it is of."""
    months: Months | None = None
    spread: dict[bytes, bytes | None] = field(default_factory=dict)
    words: dict[str, list[str]] = field(default_factory=dict)
    telling: dict[Node, Telling] = field(default_factory=dict)
    """By what was looked for: which words to ask for beside the pairs of its phrases."""
    parts: dict[tuple[int, Shape], Parts] = field(default_factory=dict)
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

    def possible(self, asked: Asked) -> Months:
        """The months that may hold what a tree asks for, newest first, as far as is known."""
        months = self.months or ()
        if not self.spread.keys() >= set(asked.terms):
            return months
        spread = possible_months(asked.tree, {term: self.spread[term] for term in asked.terms})
        return months if spread is None else tuple(m for m in months if m in spread)

    def expansions(self, asked: Asked) -> Expansions | None:
        """The words that a tree's prefixes stand for; None while some have not been asked for."""
        found: dict[str, Sequence[str] | None] = {}
        for prefix in asked.prefixes:
            words = self.words.get(prefix.words[0])
            if words is None:
                return None
            many = len(words) > MOST_WORDS
            found[prefix.words[0]] = None if many else [*words, prefix.whole]
        return found

    def months_asked(self) -> list[Request]:
        """The request for the months there are, newest first."""

        def take(reply: Any) -> bool:
            self.months = tuple(kept_month(member.decode()) for member in reply)
            return True

        asked = Request(("ZREVRANGE", keys.MONTHS, "0", "-1"), take)
        return [asked] if self.months is None else []

    def words_asked(self, asked: Asked) -> list[Request]:
        """The requests for where a tree's words occur, and what its prefixes stand for."""
        terms = [term for term in asked.terms if term not in self.spread]

        def take_spread(reply: Any) -> bool:
            self.spread.update(zip(terms, reply, strict=True))
            self.size += _OVERHEAD * len(terms)
            return True

        prefixes = {text.words[0] for text in asked.prefixes} - self.words.keys()
        spread = [Request(("HMGET", keys.SPREAD, *terms), take_spread)] if terms else []
        return spread + [self._expansion_asked(prefix) for prefix in sorted(prefixes)]

    def _expansion_asked(self, prefix: str) -> Request:
        def take(reply: Any) -> bool:
            self.words[prefix] = [member.decode() for member in reply]
            return True

        start, limit = prefix.encode(), ("LIMIT", "0", str(MOST_WORDS + 1))
        span = (b"[" + start, b"[" + start + b"\xff")
        return Request(("ZRANGEBYLEX", keys.VOCABULARY, *span, *limit), take)

    def lookups(self, wanted: Wanted) -> list[Lookup]:
        """What is wanted, by where it lies, as far as that is known."""
        parts = self.parts
        return [
            Lookup(volume, asked, parts.setdefault((volume.number, volume.shape), {}))
            for months, asked in wanted
            for volume in self.shapes.volumes(months)
        ]

    def postings_asked(self, lookups: Iterable[Lookup]) -> list[Request]:
        """The requests for postings that are not known yet.

        A reply that tells of another shape is no answer: it is to be asked for where it lies.
        """
        return [self._asked(lookup, missing) for lookup in lookups if (missing := lookup.missing)]

    def _asked(self, lookup: Lookup, missing: tuple[Key, ...]) -> Request:
        volume = lookup.volume

        def take(reply: Any) -> bool:
            # Threads share what is remembered, so a reply is judged by the shape it was asked with.
            shape, *values = reply
            if shape == CLOSED:  # the year is asked next, and will tell its own shape
                year = volume.number // 100
                self.shapes.put(year, self.shapes.of(year).with_month(volume.number))
                return False
            told = Shape.unpack(shape)
            self.shapes.put(volume.number, told)
            if told != volume.shape:
                return False
            self._take_parts(lookup, missing, values)
            return True

        return Request(("HMGET", volume.key, *_fields(volume.shape, missing)), take)

    def _take_parts(
        self, lookup: Lookup, missing: Sequence[Key], values: Sequence[bytes | None]
    ) -> None:
        volume, held, reply = lookup.volume, lookup.held, iter(values)
        for key in missing:
            if isinstance(key, bytes):
                own, bucket = next(reply), next(reply)
                part = bitmaps.opened(own) if own else postings.find(bucket, key) or None
            else:
                told = [next(reply) for _ in range(_fields_of_pair(volume.shape))]
                part = _pair(volume, key, told)
                if part is None and volume.shape.slot_bits:
                    self._hold(held, in_slot(key), _slot(volume, key, told))
            self._hold(held, key, part)

    def _hold(self, held: Parts, key: Key, part: Part | None) -> None:
        held[key] = part
        self.size += bytes_of(part)


def bytes_of(part: Part | None) -> int:
    """About what a posting takes in memory."""
    if isinstance(part, bytes):
        return _OVERHEAD + len(part)
    count = len(part.padded if isinstance(part, bitmaps.Padded) else part or ())
    return _OVERHEAD + _A_PLACE * min(count, LARGEST_SMALL) + min(2 * count, _BITSETS)


def _fields_of_pair(shape: Shape) -> int:
    """In how many fields the posting of a pair may lie, and that of its slot."""
    if shape.months == 1:
        return 1
    return 4 if shape.slot_bits else 2


def _pair(volume: Volume, pair: int, told: Sequence[bytes | None]) -> Part | None:
    """The posting of a pair, if it has one."""
    year = volume.first - volume.first % YEAR
    if volume.shape.months == 1:
        return postings.pair_in_month(told[0], pair, year)
    return bitmaps.opened(told[0]) if told[0] else postings.pair_in_year(told[1], pair, year)


def _slot(volume: Volume, pair: int, told: Sequence[bytes | None]) -> Part | None:
    """That of its slot."""
    own, bucket = told[2:]
    if own:
        return bitmaps.opened(own)
    return postings.slot_bitmap(bucket, volume.shape.slot(pair), volume.shape, volume.first)


@lru_cache(maxsize=1024)
def _fields(shape: Shape, wanted: tuple[Key, ...]) -> tuple[bytes, ...]:
    """The fields of postings in a volume of that shape: `shape` first, then those of each."""
    names = [SHAPE]
    for key in wanted:
        if isinstance(key, bytes):
            names += [postings.term_field(key), postings.bucket_field(shape.bucket(key))]
            continue
        slot = shape.slot(key)
        every = (
            *(postings.pair_field(key), postings.pairs_field(shape.pair_bucket(key))),
            *(postings.slot_field(slot), postings.slots_field(slot // shape.slots_a_bucket)),
        )
        names += every[1:2] if shape.months == 1 else every[: _fields_of_pair(shape)]
    return tuple(names)
