"""How a month's postings are packed into the fields of one Redis hash.

A posting is the set of numbers of the papers that have a term, or a pair. Redis spends some 60
bytes on a hash field, so small postings share fields:

    b"w" + bucket      many terms with small postings (see `pack`); a term's bucket is its hash
    b"=" + term        one large posting, as a serialized Roaring bitmap
    b"p" + bucket      the small postings of neighbouring slots of pairs
    b"#" + slot        the large posting of one slot
    b"shape"           how many of each there are: a byte each, powers of two

Pairs are not kept apart but by slot, the upper bits of their hash: a phrase is verified on the text
anyway, and slots need no keys. The shape grows with the month, by doubling.

A small posting is an array of little-endian 16-bit numbers, which is the body of a Roaring array
container: bytes in front make it a bitmap without touching the numbers. In the same way the
postings of many months, each a container, are put together to one bitmap of places
(`papers.arxiv_id.ArxivId.place`), over which a keyword is evaluated at once.
"""

from __future__ import annotations

import struct
from array import array
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Final, NamedTuple
from zlib import crc32

from pyroaring import BitMap

SHAPE: Final = b"shape"
FILTER_SIZES: Final = range(13, 24)
"""What powers of two bits the filter of a month's pairs may have (`papers.pair_filter`)."""
LARGEST_SMALL: Final = 255
"""A posting of more numbers than this has a field of its own."""

_MOST_SLOTS_BITS: Final = 7
"""A bucket has 128 slots at most."""
_ROARING_COOKIE: Final = 12346
_LARGEST_ARRAY: Final = 4096
_ARRAY_HEADER: Final = struct.Struct("<IIHHI")


class Shape(NamedTuple):
    """Powers of two: buckets of terms, slots of pairs, bits of their filter, buckets of slots."""

    bucket_bits: int
    slot_bits: int
    filter_bits: int
    slot_bucket_bits: int

    @classmethod
    def for_papers(cls, count: int) -> Shape:
        """The shape for a month of so many papers.

        A bucket is near 1.5 kB, a slot has some 2 papers, and of the filter a tenth is taken.
        """
        size = max(count, 1).bit_length()
        slot_bits = min(max(size + 5, _MOST_SLOTS_BITS), 16)
        return cls(
            bucket_bits=min(max(size - 1, 0), 12),
            slot_bits=slot_bits,
            filter_bits=min(max(size + 10, FILTER_SIZES[0]), FILTER_SIZES[-1]),
            slot_bucket_bits=max(size - 3, slot_bits - _MOST_SLOTS_BITS),
        )

    @classmethod
    def unpack(cls, packed: bytes | None) -> Shape:
        """The shape a month has; one without papers has the smallest."""
        if not packed:
            return _SMALLEST
        if len(packed) < len(_SMALLEST):
            packed += bytes(1)  # of schema 1, and about to be indexed anew
        return cls(*packed)

    @property
    def slots_a_bucket(self) -> int:
        """How many slots share a bucket."""
        return 1 << (self.slot_bits - self.slot_bucket_bits)

    def pack(self) -> bytes:
        """The value of the field `shape`."""
        return bytes(self)

    def bucket(self, term: bytes) -> int:
        """The bucket that holds a term with a small posting."""
        return crc32(term) >> (32 - self.bucket_bits)

    def buckets(self, terms: Iterable[bytes]) -> list[int]:
        """The buckets of many terms."""
        shift = 32 - self.bucket_bits
        return [hashed >> shift for hashed in map(crc32, terms)]

    def slot(self, pair: int) -> int:
        """The slot of a pair's hash."""
        return pair >> (32 - self.slot_bits)


_SMALLEST: Final = Shape.for_papers(0)


def term_field(term: bytes) -> bytes:
    """The field of a term with a large posting."""
    return b"=" + term


def slot_field(slot: int) -> bytes:
    """The field of a slot with a large posting."""
    return b"#%x" % slot


def bucket_field(bucket: int) -> bytes:
    """The field of a bucket of terms."""
    return b"w%x" % bucket


def slots_field(bucket: int) -> bytes:
    """The field of a bucket of slots."""
    return b"p%x" % bucket


def pack(postings: Mapping[bytes, bytes]) -> bytes:
    r"""A bucket of terms: length of the keys, `\n`-framed sorted keys, sizes, numbers.

    Built so that one term is found by C-speed searches, without unpacking its neighbours. Terms
    hold no line break: they are words, or labels with white space folded.
    """
    terms = sorted(postings)
    numbers = [postings[term] for term in terms]
    keys = b"\n%b\n" % b"\n".join(terms) if terms else b"\n"
    sizes = bytes([len(some) >> 1 for some in numbers])
    return b"".join([struct.pack("<I", len(keys)), keys, sizes, *numbers])


def unpack(bucket: bytes | None) -> dict[bytes, bytes]:
    """The terms of a bucket with their numbers."""
    if not bucket:
        return {}
    end = 4 + int.from_bytes(bucket[:4], "little")
    terms = bucket[5 : end - 1].split(b"\n")
    return dict(zip(terms, _cut(bucket, end, len(terms)), strict=True))


def find(bucket: bytes | None, term: bytes) -> bytes:
    """One term's numbers in a bucket; empty where it has none."""
    if not bucket:
        return b""
    end = 4 + int.from_bytes(bucket[:4], "little")
    at = bucket.find(b"\n" + term + b"\n", 4, end)
    if at < 0:
        return b""
    place = bucket.count(b"\n", 4, at)
    count = bucket.count(b"\n", 4, end) - 1
    return _nth(bucket, end, count, place)


def unpack_slots(bucket: int, packed: bytes | None, count: int) -> dict[int, bytes]:
    """The slots of a bucket of so many that are not empty, with their numbers.

    A bucket is the sizes of its slots, a byte each, and then their numbers. Keys are slots; their
    low bits place them.
    """
    if not packed:
        return {}
    numbers = _cut(packed, 0, count)
    return {bucket * count + place: found for place, found in enumerate(numbers) if found}


def find_slot(bucket: bytes | None, slot: int, count: int) -> bytes:
    """One slot's numbers in a bucket of so many slots; empty where it has none."""
    return _nth(bucket, 0, count, slot % count) if bucket else b""


def bitmap(numbers: bytes) -> BitMap:
    """The bitmap of a small posting, or of a larger one that is not packed yet.

    Without runs: then the same papers are the same bytes, however they came together.
    """
    if not numbers:
        return BitMap()
    if len(numbers) > 2 * _LARGEST_ARRAY:
        return BitMap(array("I", array("H", numbers)), optimize=False)
    header = _ARRAY_HEADER.pack(_ROARING_COOKIE, 1, 0, len(numbers) // 2 - 1, 16)
    return BitMap.deserialize(header + numbers)


class Part(NamedTuple):
    """One month's posting: how many numbers it has, and the body of its Roaring container."""

    size: int
    body: bytes | memoryview


def small_part(numbers: bytes) -> Part | None:
    """A small posting as a part; None of one that is empty."""
    return Part(len(numbers) // 2, numbers) if numbers else None


def large_part(serialized: bytes) -> Part:
    """A serialized bitmap of one month's numbers as a part."""
    cookie, containers, _, last, _ = _ARRAY_HEADER.unpack_from(serialized)
    assert (cookie, containers) == (_ROARING_COOKIE, 1), "one container, and no runs"
    return Part(last + 1, memoryview(serialized)[_ARRAY_HEADER.size :])


def joined(parts: Sequence[tuple[int, Part]]) -> BitMap:
    """Parts and the months they are of (`papers.arxiv_id.month_place`), ascending, as one bitmap.

    https://github.com/RoaringBitmap/RoaringFormatSpec
    """
    if not parts:
        return BitMap()
    heads, offsets, bodies = list[int](), list[int](), list[bytes | memoryview]()
    at = 8 + 8 * len(parts)
    for month, (size, body) in parts:
        heads += (month, size - 1)
        offsets.append(at)
        bodies.append(body)
        at += len(body)
    head = _heads(len(parts)).pack(_ROARING_COOKIE, len(parts), *heads, *offsets)
    return BitMap.deserialize(b"".join([head, *bodies]))


@lru_cache(maxsize=512)
def _heads(count: int) -> struct.Struct:
    """What stands before so many containers: their keys and sizes, and where each begins."""
    return struct.Struct(f"<II{2 * count}H{count}I")


def numbers_of(values: Iterable[int]) -> bytes:
    """The small posting of sorted numbers."""
    return array("H", values).tobytes()


def values_of(numbers: bytes) -> list[int]:
    """The numbers of a small posting, ascending."""
    return array("H", numbers).tolist()


def follows(numbers: bytes, others: bytes) -> bool:
    """Whether the numbers of one small posting are all below those of another, not empty one."""
    return not numbers or numbers[:-3:-1] < others[1::-1]


def _nth(bucket: bytes, start: int, count: int, place: int) -> bytes:
    before = start + count + 2 * sum(bucket[start : start + place])
    return bucket[before : before + 2 * bucket[start + place]]


def _cut(bucket: bytes, start: int, count: int) -> list[bytes]:
    at = start + count
    parts = []
    for size in bucket[start : start + count]:
        parts.append(bucket[at : at + 2 * size])
        at += 2 * size
    return parts
