"""What a process remembers of a store at one revision, and what to ask for that it does not."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final, NamedTuple

from pyroaring import BitMap

from papers import keys, postings
from papers.arxiv_id import month_of
from papers.asked import Asked
from papers.codec import Opened
from papers.connection import Command
from papers.evaluate import Expansions, Key, Telling
from papers.postings import SHAPE, Part, Shape
from papers.search import Found
from papers.spread import possible_months
from papers.tree import Node

MOST_WORDS: Final = 256
"""Words of one prefix that postings are asked for; of a prefix of more the texts are."""

_OVERHEAD: Final = 150
_A_QUESTION: Final = 4_000
_LARGE: Final = 1 << 12
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
    shapes: dict[int, Shape] = field(default_factory=dict)
    """By month (YYYYMM), from any revision: a reply tells the shape it is of."""
    months: tuple[int, ...] | None = None
    spread: dict[bytes, bytes | None] = field(default_factory=dict)
    words: dict[str, list[str]] = field(default_factory=dict)
    telling: dict[tuple[Node, int], Telling] = field(default_factory=dict)
    """By what was looked for, and the newest month: what that month tells of its phrases."""
    parts: dict[int, dict[Key, Part | None]] = field(default_factory=dict)
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

    def shape(self, month: int) -> Shape:
        """The shape a month had when it was last read."""
        return self.shapes.get(month) or Shape.unpack(None)

    def papers(self, month: int) -> int:
        """Some papers fewer than a month had when it was last read; one never read may be large."""
        shape = self.shapes.get(month)
        return 1 << shape.bucket_bits if shape else _LARGE

    def held(self, month: int) -> dict[Key, Part | None]:
        """The postings of a month."""
        return self.parts.setdefault(month, {})

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
        """The requests for postings, by the shapes of months as remembered."""
        asked = []
        for month, all_keys in wanted.items():
            held = self.held(month)
            missing = tuple([key for key in all_keys if key not in held])
            if missing:
                asked.append(self._month_asked(month, self.shape(month), missing))
        return asked

    def _month_asked(self, month: int, shape: Shape, missing: tuple[Key, ...]) -> Request:
        def take(reply: Any) -> None:
            # Threads share what is remembered, so a reply is judged by the shape it was asked with.
            self.shapes[month] = told = Shape.unpack(reply[0])
            if told == shape:
                self._take_parts(month, shape, missing, reply)

        terms: str | bytes = keys.month_terms(f"{month % 10_000:04}")
        return Request(("HMGET", terms, *_fields(shape, missing)), take)

    def _take_parts(
        self, month: int, shape: Shape, missing: Sequence[Key], reply: Sequence[bytes | None]
    ) -> None:
        held, size = self.held(month), 0
        for key, own, bucket in zip(missing, reply[1::2], reply[2::2], strict=True):
            if own:
                part: Part | None = postings.large_part(own)
            elif isinstance(key, bytes):
                part = postings.small_part(postings.find(bucket, key))
            else:
                numbers = postings.find_slot(bucket, shape.slot(key), shape.slots_a_bucket)
                part = postings.small_part(numbers)
            held[key] = part
            size += _OVERHEAD + (len(part.body) if part else 0)
        self.size += size


@lru_cache(maxsize=1024)
def _fields(shape: Shape, wanted: tuple[Key, ...]) -> tuple[bytes, ...]:
    """The fields of postings in a month of that shape: `shape` first, then two for each."""
    names = [SHAPE]
    for key in wanted:
        if isinstance(key, bytes):
            names += [postings.term_field(key), postings.bucket_field(shape.bucket(key))]
        else:
            slot = shape.slot(key)
            bucket = postings.slots_field(slot // shape.slots_a_bucket)
            names += [postings.slot_field(slot), bucket]
    return tuple(names)


def _month(yymm: str) -> int:
    month = month_of(yymm)
    assert month, f"{yymm!r} among the months"
    return month
