"""The postings of a year, made of those of its months, part by part.

A term's posting is those of the months one behind the other; slots are numbers, and sorted anew. A
part is what has the same upper bits of its hash: few megabytes of a dense year are in memory at a
time.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any, Final
from zlib import crc32

import numpy as np
from pyroaring import BitMap
from redis import Redis

from papers import keys, postings
from papers.arxiv_id import ArxivId, month_place, yymm_of
from papers.closing import Piece
from papers.columns import Keys, Vocabulary, once
from papers.paper import Paper
from papers.postings import LARGEST_SMALL, PLACE_BYTES, Shape, places_of_months
from papers.records import read_papers
from papers.slots import Slots

_A_PART: Final = 13
"""A part is as large as the index of 2^13 papers, or less."""
_AT_ONCE: Final = 1_000


class Year:
    """The fields of a year, part by part; a part are the hashes with the same upper bits."""

    def __init__(self, redis: Redis, shape: Shape, pieces: Sequence[Piece]) -> None:
        self._shape = shape
        self._slots = Slots(shape, month_place(pieces[0].months[0]))
        self._bits = max(shape.size - _A_PART, 0)
        self._sources = [_Source(redis, piece, self._slots, self._bits) for piece in pieces]

    def parts(self) -> Iterator[Mapping[bytes, bytes]]:
        """The fields of each part that has any."""
        for part in range(1 << self._bits):
            if fields := self._terms_of(part) | self._slots_of(part):
                yield fields

    def _terms_of(self, part: int) -> dict[bytes, bytes]:
        pieces: dict[bytes, list[bytes | BitMap]] = defaultdict(list)
        for source in self._sources:
            for term, piece in source.terms(part):
                if piece:
                    pieces[term].append(piece)
        buckets: dict[int, dict[bytes, bytes]] = defaultdict(dict)
        fields = {}
        for term, bucket in zip(pieces, self._shape.buckets(pieces), strict=True):
            posting = _together(pieces[term])
            if isinstance(posting, BitMap):
                fields[postings.term_field(term)] = posting.serialize()
            else:
                buckets[bucket][term] = posting
        packed = {postings.bucket_field(n): postings.pack(small) for n, small in buckets.items()}
        return fields | packed

    def _slots_of(self, part: int) -> dict[bytes, bytes]:
        found: Keys = np.concatenate([source.slots(part) for source in self._sources])
        bits = self._shape.slot_bucket_bits - self._bits
        return self._slots.packed(once(found), range(part << bits, part + 1 << bits))


def _together(pieces: Sequence[bytes | BitMap]) -> bytes | BitMap:
    """The posting of a term, small or large, by those of months; they have no paper in common."""
    small = b"".join([piece for piece in pieces if isinstance(piece, bytes)])
    large = [piece for piece in pieces if isinstance(piece, BitMap)]
    if not large and len(small) <= PLACE_BYTES * LARGEST_SMALL:
        return small if len(pieces) == 1 else np.sort(np.frombuffer(small, "<u4")).tobytes()
    found = BitMap.union(postings.bitmap(small), *large)
    return found if len(found) > LARGEST_SMALL else postings.packed(found)


class _Source:
    """A piece that a year is made of, part by part.

    One that has fewer buckets than there are parts is small: all of it is read for each part. Of
    one that has fewer slots than the year its papers tell.
    """

    def __init__(self, redis: Redis, piece: Piece, year: Slots, bits: int) -> None:
        self._redis, self._piece, self._bits = redis, piece, bits
        self._year, self._own = year, Slots(piece.shape, month_place(piece.months[0]))
        self._here = places_of_months(piece.months) if piece.shape.gone else None
        self._is_small = min(piece.shape.bucket_bits, piece.shape.slot_bucket_bits) < bits
        self._names: dict[int, list[bytes]] = defaultdict(list)
        names: Any = redis.hkeys(keys.terms(piece.name))
        for name in names:
            self._names[0 if self._is_small else self._part_of(name)].append(name)
        self._read: tuple[int, dict[bytes, bytes]] = (-1, {})

    def terms(self, part: int) -> Iterator[tuple[bytes, bytes | BitMap]]:
        """The terms of a part with their postings: small as packed, large as bitmaps."""
        for name, value in self._fields(part).items():
            if name[:1] == b"=" and self._is_in(part, name[1:]):
                large = BitMap.deserialize(value)
                yield name[1:], large & self._here if self._here else large
            elif name[:1] == b"w":
                for term, small in postings.unpack(value).items():
                    if self._is_in(part, term):
                        yield term, postings.bitmap(small) & self._here if self._here else small

    def slots(self, part: int) -> Keys:
        """The keys of the slots of a part, as the year has them; in any order."""
        found = self._indexed(part) if self._told is None else self._told
        return self._year.part(found, part, self._bits)

    def _indexed(self, part: int) -> Keys:
        fields = self._fields(part)
        buckets = sorted(int(name[1:], 16) for name in fields if name[:1] == b"p")
        slots = [int(name[1:], 16) for name in fields if name[:1] == b"#"]
        found = self._year.taken(self._own.unpacked(buckets, slots, fields), self._own)
        places = map(month_place, self._piece.months)
        return self._year.of_months(found, places) if self._here else found

    @cached_property
    def _told(self) -> Keys | None:
        """The keys of slots by the papers themselves, where the index has not as many slots."""
        slot_bits = self._year.shape.slot_bits
        if self._piece.shape.slot_bits >= slot_bits:
            return None
        found = list[Any]()
        for month in self._piece.months:
            slots = Vocabulary().found(self._papers(month), slot_bits).slots
            of_month = Slots(Shape.for_papers(0)._replace(slot_bits=slot_bits), month_place(month))
            found.append(self._year.taken(slots, of_month))
        told: Keys = np.concatenate(found)
        return told

    def _papers(self, month: int) -> Iterator[Paper]:
        fields: Any = self._redis.hkeys(keys.month_papers(yymm_of(month)))
        ids = [ArxivId(month, int.from_bytes(field, "big")) for field in fields]
        for at in range(0, len(ids), _AT_ONCE):
            yield from read_papers(self._redis, ids[at : at + _AT_ONCE]).values()

    def _fields(self, part: int) -> dict[bytes, bytes]:
        """The fields of a part; all those of a small piece."""
        part = 0 if self._is_small else part
        if self._read[0] != part:
            names = self._names[part]
            values: Any = self._redis.hmget(keys.terms(self._piece.name), names) if names else []
            self._read = part, dict(zip(names, values, strict=True))
        return self._read[1]

    def _part_of(self, name: bytes) -> int:
        """The part of a field."""
        shape = self._piece.shape
        bits = {b"w": shape.bucket_bits, b"p": shape.slot_bucket_bits, b"#": shape.slot_bits}.get(
            name[:1]
        )
        if bits is None:
            return _part_of_term(name[1:], self._bits)
        return int(name[1:], 16) >> bits - self._bits

    def _is_in(self, part: int, term: bytes) -> bool:
        return not self._is_small or _part_of_term(term, self._bits) == part


def _part_of_term(term: bytes, bits: int) -> int:
    return crc32(term) >> 32 - bits
