"""Roaring bitmaps as bytes: the library's format, or a shorter one.

A container covers 65,536 numbers, and a dense month has 30,000 papers. The library writes up to
4,096 numbers of a container as an array of two bytes each, and more as a bitset of 8,192 bytes. The
trimmed format here uses a bitset wherever it is much shorter, and cuts it after its last number:

    cookie, number of containers
    for each container its upper 16 bits and its cardinality less one, two bytes each
    for each container the length of its bitset in bytes, 0 for an array, two bytes
    arrays and bitsets

The library only reads a bitset of more than 4,096 numbers, so a sparser one is padded when it is
read: see `PaddedBitmap`. The library's format: https://github.com/RoaringBitmap/RoaringFormatSpec
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate, chain
from typing import Final, NamedTuple

from pyroaring import BitMap

_STANDARD_COOKIE: Final = 12346
"""First bytes of the library's format without run containers."""
_TRIMMED_COOKIE: Final = 0x5044
"""First bytes of the trimmed format."""
_HEADER: Final = struct.Struct("<II")
_MAX_ARRAY_SIZE: Final = 4096
_BITSET_BYTES: Final = 8192
_PADDING_BYTES: Final = b"\xff" * (_MAX_ARRAY_SIZE // 8)
"""The last 4,096 numbers of a bitset: with them it has more than the largest array."""
_PADDING_START: Final = _BITSET_BYTES - len(_PADDING_BYTES)
_MIN_SAVED_BYTES: Final = 1024
"""Bytes whose transfer from the store takes as long as padding."""
_MIN_CONVERTED_SIZE: Final = _MIN_SAVED_BYTES * 8 // 15
"""Cardinality up to which an array is never longer than a bitset by `_MIN_SAVED_BYTES`."""

_MAX_UNITED_IN_TURN: Final = 4


@dataclass(frozen=True, slots=True)
class PaddedBitmap:
    """A bitmap with extra numbers, the last 4,096 of some containers, and those numbers.

    Turning a bitset into an array takes longer than reading it, and a query often needs only a few
    numbers of a large bitmap.
    """

    padded: BitMap
    padding: BitMap

    def __and__(self, few: BitMap) -> BitMap:
        return (self.padded & few) - self.padding

    def __len__(self) -> int:
        return len(self.padded) - len(self.padding)

    @property
    def unpadded(self) -> BitMap:
        """The bitmap without its padding."""
        return self.padded - self.padding


@dataclass(frozen=True, slots=True)
class ArrayContainers:
    """A small bitmap as it is stored; those of many segments are assembled together, for speed.

    `heads` has the upper 16 bits of each container, and its cardinality less one, at most 4,095;
    `numbers` the lower 16 bits of all numbers.
    """

    heads: Sequence[int]
    numbers: bytes

    def __len__(self) -> int:
        return len(self.numbers) // 2

    @property
    def bitmap(self) -> BitMap:
        """The bitmap."""
        return assemble_arrays([self])


class _Container(NamedTuple):
    """A container in the library's format, an array or a bitset."""

    high_bits: int
    cardinality_minus_one: int
    body: bytes

    @property
    def is_bitset(self) -> bool:
        return self.cardinality_minus_one >= _MAX_ARRAY_SIZE

    @property
    def is_shorter_as_bitset(self) -> bool:
        """Whether it is an array that pays to convert: its bitset then ends before the padding."""
        bitset_bytes = int.from_bytes(self.body[-2:], "little") // 8 + 1
        return not self.is_bitset and bitset_bytes + _MIN_SAVED_BYTES <= len(self.body)


def unite_bitmaps(bitmaps: Sequence[BitMap]) -> BitMap:
    """Unite bitmaps; a single one is returned as it is.

    A few small ones are united several times as fast one by one: the library unites more than two
    that overlap by way of bitsets.
    """
    if not bitmaps or len(bitmaps) > _MAX_UNITED_IN_TURN:
        return BitMap.union(BitMap(), *bitmaps)
    if len(bitmaps) == 1:
        return bitmaps[0]
    found = bitmaps[0] | bitmaps[1]
    for other in bitmaps[2:]:
        found |= other
    return found


def serialize_bitmap(bitmap: BitMap) -> bytes:
    """Serialize a bitmap, in the shorter format."""
    whole = bitmap.serialize()
    cookie, count = _HEADER.unpack_from(whole)
    sizes = (
        struct.unpack_from(f"<{2 * count}H", whole, _HEADER.size)[1::2]
        if cookie == _STANDARD_COOKIE
        else ()
    )
    if max(sizes, default=0) < _MIN_CONVERTED_SIZE:
        return whole
    containers = _parse_containers(whole)
    converted = tuple(one.high_bits for one in containers if one.is_shorter_as_bitset)
    if not converted and not any(one.is_bitset for one in containers):
        return whole
    padded = _parse_containers((bitmap | _padding_without_runs(converted)).serialize())
    bodies = [
        (one.body[:_PADDING_START] if one.high_bits in converted else one.body).rstrip(b"\0")
        if one.is_bitset
        else one.body
        for one in padded
    ]
    heads = [number for one in containers for number in one[:2]]
    lengths = [len(body) * one.is_bitset for one, body in zip(padded, bodies, strict=True)]
    header = struct.pack(f"<II{3 * count}H", _TRIMMED_COOKIE, count, *heads, *lengths)
    return b"".join([header, *bodies])


def _parse_containers(whole: bytes) -> list[_Container]:
    """Return the containers of the library's format without runs."""
    _, count = _HEADER.unpack_from(whole)
    heads = struct.unpack_from(f"<{2 * count}H", whole, _HEADER.size)
    at, found = _HEADER.size + 8 * count, list[_Container]()
    for high_bits, size in zip(heads[::2], heads[1::2], strict=True):
        end = at + (2 * size + 2 if size < _MAX_ARRAY_SIZE else _BITSET_BYTES)
        found.append(_Container(high_bits, size, whole[at:end]))
        at = end
    return found


def deserialize_bitmap(packed: bytes) -> BitMap:
    """Deserialize a bitmap of either format."""
    found = deserialize_padded(packed)
    return found.unpadded if isinstance(found, PaddedBitmap) else found


def deserialize_padded(packed: bytes) -> BitMap | PaddedBitmap:
    """Deserialize a bitmap of either format; padded if that is faster."""
    cookie, count = _HEADER.unpack_from(packed)
    if cookie != _TRIMMED_COOKIE:
        return BitMap.deserialize(packed)
    numbers = struct.unpack_from(f"<{3 * count}H", packed, _HEADER.size)
    heads = list(numbers[: 2 * count])
    at, bodies, padded = _HEADER.size + 6 * count, list[bytes](), list[int]()
    for n, length in enumerate(numbers[2 * count :]):
        size = heads[2 * n + 1]
        end = at + (length or 2 * size + 2)
        body = packed[at:end]
        if length and size < _MAX_ARRAY_SIZE:
            body = body.ljust(_PADDING_START, b"\0") + _PADDING_BYTES
            heads[2 * n + 1] += _MAX_ARRAY_SIZE
            padded.append(heads[2 * n])
        elif length:
            body = body.ljust(_BITSET_BYTES, b"\0")
        bodies.append(body)
        at = end
    found = _assemble(heads, bodies)
    return PaddedBitmap(found, _padding_bitmap(tuple(padded))) if padded else found


@lru_cache(maxsize=1024)
def _padding_bitmap(high_bits: tuple[int, ...]) -> BitMap:
    """Return the padding of containers; shared, so callers must not change it."""
    found = BitMap()
    for upper in high_bits:
        found.add_range((upper << 16) + 8 * _PADDING_START, (upper + 1) << 16)
    return found


@lru_cache(maxsize=64)
def _padding_without_runs(high_bits: tuple[int, ...]) -> BitMap:
    """Return the padding without run containers: its union with a bitmap then has none either."""
    return BitMap(_padding_bitmap(high_bits).to_array(), optimize=False)


def assemble_arrays(parts: Sequence[ArrayContainers]) -> BitMap:
    """Return the union of bitmaps; at once if they have no container in common."""
    parts = sorted(parts, key=lambda part: part.heads[0])
    heads = list(chain.from_iterable([part.heads for part in parts]))
    high_bits = heads[::2]
    if high_bits != sorted(set(high_bits)):
        return BitMap.union(*[part.bitmap for part in parts])
    sizes = [2 * size + 2 for size in heads[1::2]]
    return _assemble(heads, [part.numbers for part in parts], sizes)


def _assemble(heads: Sequence[int], bodies: Sequence[bytes], sizes: Sequence[int] = ()) -> BitMap:
    """Return the bitmap of containers: their heads, bodies, and sizes unless one body is each."""
    count = len(heads) // 2
    sizes = sizes or list(map(len, bodies))
    offsets = accumulate(sizes[:-1], initial=_HEADER.size + 8 * count)
    header = struct.pack(f"<II{2 * count}H{count}I", _STANDARD_COOKIE, count, *heads, *offsets)
    return BitMap.deserialize(b"".join([header, *bodies]))
