"""The postings of a year, made of those of its months, part by part.

A term's posting is those of the months one behind the other; pairs are numbers, and sorted anew. A
part is what has the same upper bits of its hash: few megabytes of a dense year are in memory at a
time. Once a year has slots its index no longer tells whose the rare pairs are: where it is made
anew its papers tell, and some hundred megabytes of a dense year are in memory.
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

from papers.index import postings
from papers.index.bitmaps import deserialized, serialized
from papers.index.compaction.compactor import Piece
from papers.index.layout import PAIR_BITS, PAPER_BITS, YEAR, YEAR_BITS, Shape
from papers.index.postings import LARGEST_SMALL, PLACE_BYTES, places_of_months
from papers.index.shingles.shingle_postings import InYear, frequent, pairs_in
from papers.index.shingles.shingle_slots import Slots
from papers.index.term_batch import NO_KEYS, Keys, Vocabulary, once
from papers.model.arxiv_id import ArxivId, month_place, yymm_of
from papers.model.paper import Paper
from papers.redis_backend import keys
from papers.redis_backend.records import read_papers

FREQUENT: Final = 32
"""A pair that so many papers of a year have keeps a posting when the year is over."""
_A_PART: Final = 13
"""A part is as large as the index of 2^13 papers, or less."""
_AT_ONCE: Final = 1_000
_READ: Final = (b"w", b"=", b"p", b"~")
"""Fields of terms and of pairs: slots tell nothing that is of use here."""


class Year:
    """The fields of a year, part by part; a part are the hashes with the same upper bits."""

    def __init__(self, redis: Redis, shape: Shape, pieces: Sequence[Piece]) -> None:
        self._shape = shape
        month = month_place(pieces[0].months[0])
        first = month - month % YEAR << PAPER_BITS
        self._pairs, self._slots = InYear(shape, first), Slots(shape, first)
        self._bits = max(shape.size - _A_PART, 0)
        self._in_order = all(piece.shape.months == 1 for piece in pieces)
        self._sources = [_Source(redis, piece, first, self._bits) for piece in pieces]

    def parts(self) -> Iterator[Mapping[bytes, bytes]]:
        """The fields of each part that has any."""
        for part in range(1 << self._bits):
            if fields := self._terms_of(part) | self._pairs_of(part):
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
            posting = _together(pieces[term], in_order=self._in_order)
            if isinstance(posting, BitMap):
                fields[postings.term_field(term)] = serialized(posting)
            else:
                buckets[bucket][term] = posting
        packed = {postings.bucket_field(n): postings.pack(small) for n, small in buckets.items()}
        return fields | packed

    def _pairs_of(self, part: int) -> dict[bytes, bytes]:
        found = once(np.concatenate([source.pairs(part) for source in self._sources]))
        shape = self._shape
        if not shape.slot_bits:
            return self._pairs.packed(found, self._of_part(part, shape.pair_bucket_bits))
        named = frequent(found, FREQUENT)
        slots = self._slots.of(found[~named])
        return {
            **self._pairs.packed(found[named], self._of_part(part, shape.pair_bucket_bits)),
            **self._slots.packed(slots, self._of_part(part, shape.slot_bucket_bits)),
        }

    def _of_part(self, part: int, bits: int) -> Sequence[int]:
        """The buckets of a part, where the buckets of all parts have so many bits."""
        bits -= self._bits
        return range(part << bits, part + 1 << bits)


def _together(pieces: Sequence[bytes | BitMap], *, in_order: bool) -> bytes | BitMap:
    """The posting of a term, small or large, by those of months; they have no paper in common."""
    small = b"".join([piece for piece in pieces if isinstance(piece, bytes)])
    large = [piece for piece in pieces if isinstance(piece, BitMap)]
    if not large and len(small) <= PLACE_BYTES * LARGEST_SMALL:
        if in_order or len(pieces) == 1:
            return small
        return np.sort(np.frombuffer(small, "<u4")).tobytes()
    found = BitMap.union(postings.bitmap(small), *large)
    return found if len(found) > LARGEST_SMALL else postings.packed(found)


class _Source:
    """A piece that a year is made of, part by part.

    One that has fewer buckets than there are parts is small: all of it is read for each part.
    """

    def __init__(self, redis: Redis, piece: Piece, first: int, bits: int) -> None:
        self._redis, self._piece, self._bits = redis, piece, bits
        self._pairs = pairs_in(piece.shape, first)
        self._here = places_of_months(piece.months) if piece.shape.gone else None
        self._is_small = min(piece.shape.bucket_bits, piece.shape.pair_bucket_bits) < bits
        self._names: dict[int, list[bytes]] = defaultdict(list)
        names: Any = redis.hkeys(keys.terms(piece.name))
        for name in [name for name in names if name[:1] in _READ]:
            self._names[0 if self._is_small else self._part_of(name)].append(name)
        self._read: tuple[int, dict[bytes, bytes]] = (-1, {})

    def terms(self, part: int) -> Iterator[tuple[bytes, bytes | BitMap]]:
        """The terms of a part with their postings: small as packed, large as bitmaps."""
        for name, value in self._fields(part).items():
            if name[:1] == b"=" and self._is_in(part, name[1:]):
                large = deserialized(value)
                yield name[1:], large & self._here if self._here else large
            elif name[:1] == b"w":
                for term, small in postings.unpack(value).items():
                    if self._is_in(part, term):
                        yield term, postings.bitmap(small) & self._here if self._here else small

    def pairs(self, part: int) -> Keys:
        """The keys of the pairs of a part, sorted."""
        found = self._told if self._piece.shape.slot_bits else self._indexed(part)
        shift = PAIR_BITS + YEAR_BITS - self._bits
        start = np.searchsorted(found, np.uint64(part << shift))
        end = np.searchsorted(found, np.uint64((part + 1 << shift) - 1), "right")
        return self._kept(found[start:end])

    def _indexed(self, part: int) -> Keys:
        fields = self._fields(part)
        buckets = sorted(int(name[1:], 16) for name in fields if name[:1] == b"p")
        return self._pairs.unpacked(buckets, (_pair(n) for n in fields if n[:1] == b"~"), fields)

    def _kept(self, found: Keys) -> Keys:
        """Those of papers that are still there."""
        if self._here is None:
            return found
        months = [month_place(month) % YEAR for month in self._piece.months]
        of_months = (found >> np.uint64(PAPER_BITS)) % np.uint64(1 << YEAR_BITS - PAPER_BITS)
        kept: Keys = found[np.isin(of_months, months)]
        return kept

    @cached_property
    def _told(self) -> Keys:
        """The keys of all pairs, sorted, by the papers themselves."""
        found = [Vocabulary().pairs(self._papers(month)) for month in self._piece.months]
        return once(np.concatenate([NO_KEYS, *found]))

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
        if name[:1] == b"w":
            return int(name[1:], 16) >> shape.bucket_bits - self._bits
        if name[:1] == b"p":
            return int(name[1:], 16) >> shape.pair_bucket_bits - self._bits
        if name[:1] == b"~":
            return _pair(name) >> PAIR_BITS - self._bits
        return _part_of_term(name[1:], self._bits)

    def _is_in(self, part: int, term: bytes) -> bool:
        return not self._is_small or _part_of_term(term, self._bits) == part


def _pair(name: bytes) -> int:
    """The pair of a field of its own."""
    return int(name[1:], 16)


def _part_of_term(term: bytes, bits: int) -> int:
    return crc32(term) >> 32 - bits
