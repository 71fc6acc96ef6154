"""Roaring bitmaps as bytes: as the library writes them, or shorter.

A container has room for 65,536 numbers, and a dense month 30,000 papers. The library writes up to
4,096 numbers as an array of two bytes each, and more as a bitset of 8,192 bytes. Here a container
is a bitset wherever that is much shorter, and no longer than its last number needs:

    cookie, how many containers
    of each its upper 16 bits and how many numbers it has, less one; two bytes each
    of each the length of its bitset in bytes, 0 where it is an array; two bytes
    arrays and bitsets

For the library to read it as a bitset one of few numbers is padded: see `Padded`. The library's
form: https://github.com/RoaringBitmap/RoaringFormatSpec
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, NamedTuple

from pyroaring import BitMap

_STANDARD_COOKIE: Final = 12346
"""What the library's form begins with, where no container is one of runs."""
_TRIMMED_COOKIE: Final = 0x5044
"""What ours does."""
_HEADER: Final = struct.Struct("<II")
_MAX_ARRAY_SIZE: Final = 4096
_BITSET_BYTES: Final = 8192
_PADDING_BYTES: Final = b"\xff" * (_MAX_ARRAY_SIZE // 8)
"""Of a bitset the last 4,096 numbers: with them it has more than the largest array."""
_PADDING_START: Final = _BITSET_BYTES - len(_PADDING_BYTES)
_MIN_SAVED_BYTES: Final = 1024
"""Bytes: to read so many from the store costs as much as padding does."""
_MIN_CONVERTED_SIZE: Final = _MIN_SAVED_BYTES * 8 // 15
"""The array of so many numbers, two bytes each, is not so much longer than any bitset of them."""


@dataclass(frozen=True, slots=True)
class PaddedBitmap:
    """A bitmap with numbers that it has not, the last 4,096 of some containers.

    To have an array made of a bitset takes longer than to read it, and often a few numbers of a
    large bitmap are all that is asked for.
    """

    padded: BitMap
    padding: BitMap

    def __and__(self, few: BitMap) -> BitMap:
        return (self.padded & few) - self.padding

    def __len__(self) -> int:
        return len(self.padded) - len(self.padding)

    @property
    def unpadded(self) -> BitMap:
        """The bitmap itself."""
        return self.padded - self.padding


class _Container(NamedTuple):
    """As the library writes it; `size` is less by one, `key` the upper 16 bits of its numbers."""

    high_bits: int
    cardinality_minus_one: int
    body: bytes

    @property
    def is_bitset(self) -> bool:
        return self.cardinality_minus_one >= _MAX_ARRAY_SIZE

    @property
    def is_shorter_as_bitset(self) -> bool:
        """Whether an array is, by so much that it pays: then it ends before the padding."""
        bitset = int.from_bytes(self.body[-2:], "little") // 8 + 1
        return not self.is_bitset and bitset + _MIN_SAVED_BYTES <= len(self.body)


def serialize_bitmap(bitmap: BitMap) -> bytes:
    """A bitmap as bytes."""
    whole = bitmap.serialize()
    cookie, count = _HEADER.unpack_from(whole)
    sizes = (
        _uint16_struct(2 * count).unpack_from(whole, _HEADER.size)[1::2]
        if cookie == _STANDARD_COOKIE
        else ()
    )
    if max(sizes, default=0) < _MIN_CONVERTED_SIZE:
        return whole
    containers = _parse_containers(whole)
    keys = tuple(some.high_bits for some in containers if some.is_shorter_as_bitset)
    if not keys and not any(some.is_bitset for some in containers):
        return whole
    padded = _parse_containers((bitmap | _padding_without_runs(keys)).serialize())
    bodies = [
        (some.body[:_PADDING_START] if some.high_bits in keys else some.body).rstrip(b"\0")
        if some.is_bitset
        else some.body
        for some in padded
    ]
    heads = [
        number for some in containers for number in (some.high_bits, some.cardinality_minus_one)
    ]
    lengths = [len(b) if some.is_bitset else 0 for some, b in zip(padded, bodies, strict=True)]
    return b"".join(
        [
            _HEADER.pack(_TRIMMED_COOKIE, count),
            _uint16_struct(3 * count).pack(*heads, *lengths),
            *bodies,
        ]
    )


def _parse_containers(whole: bytes) -> list[_Container]:
    """Those of what the library wrote, without runs."""
    _, count = _HEADER.unpack_from(whole)
    heads = _uint16_struct(2 * count).unpack_from(whole, _HEADER.size)
    at, found = _HEADER.size + 8 * count, list[_Container]()
    for key, size in zip(heads[::2], heads[1::2], strict=True):
        end = at + (2 * size + 2 if size < _MAX_ARRAY_SIZE else _BITSET_BYTES)
        found.append(_Container(key, size, whole[at:end]))
        at = end
    return found


def deserialize_bitmap(packed: bytes) -> BitMap:
    """The bitmap of bytes."""
    found = deserialize_padded(packed)
    return found.unpadded if isinstance(found, PaddedBitmap) else found


def deserialize_padded(packed: bytes) -> BitMap | PaddedBitmap:
    """The bitmap of bytes, as it is sooner read."""
    cookie, count = _HEADER.unpack_from(packed)
    if cookie != _TRIMMED_COOKIE:
        return BitMap.deserialize(packed)
    numbers = _uint16_struct(3 * count).unpack_from(packed, _HEADER.size)
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
def _padding_bitmap(keys: tuple[int, ...]) -> BitMap:
    """The padding of containers. Not to be changed."""
    found = BitMap()
    for key in keys:
        found.add_range((key << 16) + 8 * _PADDING_START, (key + 1) << 16)
    return found


@lru_cache(maxsize=64)
def _padding_without_runs(keys: tuple[int, ...]) -> BitMap:
    """The same without runs: what is joined with it has none either."""
    return BitMap(_padding_bitmap(keys).to_array(), optimize=False)


def bitmap_from_arrays(sizes_by_key: Sequence[tuple[int, int]], numbers: bytes) -> BitMap:
    """The bitmap of 16-bit numbers, so many under each upper 16 bits: ascending, and few."""
    heads = [number for key, size in sizes_by_key for number in (key, size - 1)]
    return _assemble(heads, [numbers], [2 * size for _, size in sizes_by_key])


def _assemble(heads: Sequence[int], bodies: Sequence[bytes], sizes: Sequence[int] = ()) -> BitMap:
    """The bitmap of containers: their heads, and bodies of these sizes, or of their own."""
    count = len(heads) // 2
    offsets, end = list[int](), _HEADER.size + 8 * count
    for size in sizes or map(len, bodies):
        offsets.append(end)
        end += size
    head = _header_struct(count).pack(_STANDARD_COOKIE, count, *heads, *offsets)
    return BitMap.deserialize(b"".join([head, *bodies]))


@lru_cache(maxsize=64)
def _header_struct(count: int) -> struct.Struct:
    """What stands before so many containers: their keys and sizes, and where each begins."""
    return struct.Struct(f"<II{2 * count}H{count}I")


@lru_cache(maxsize=64)
def _uint16_struct(count: int) -> struct.Struct:
    return struct.Struct(f"<{count}H")
