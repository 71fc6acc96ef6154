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

_COOKIE: Final = 12346
"""What the library's form begins with, where no container is one of runs."""
_CUT: Final = 0x5044
"""What ours does."""
_HEAD: Final = struct.Struct("<II")
_LARGEST_ARRAY: Final = 4096
_BITSET: Final = 8192
_PADDING: Final = b"\xff" * (_LARGEST_ARRAY // 8)
"""Of a bitset the last 4,096 numbers: with them it has more than the largest array."""
_PADDED: Final = _BITSET - len(_PADDING)
_WORTH: Final = 1024
"""Bytes: to read so many from the store costs as much as padding does."""
_FEW: Final = _WORTH * 8 // 15
"""The array of so many numbers, two bytes each, is not so much longer than any bitset of them."""


@dataclass(frozen=True, slots=True)
class Padded:
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
    def whole(self) -> BitMap:
        """The bitmap itself."""
        return self.padded - self.padding


class _Container(NamedTuple):
    """As the library writes it; `size` is less by one, `key` the upper 16 bits of its numbers."""

    key: int
    size: int
    body: bytes

    @property
    def is_bitset(self) -> bool:
        return self.size >= _LARGEST_ARRAY

    @property
    def is_shorter_as_bitset(self) -> bool:
        """Whether an array is, by so much that it pays: then it ends before the padding."""
        bitset = int.from_bytes(self.body[-2:], "little") // 8 + 1
        return not self.is_bitset and bitset + _WORTH <= len(self.body)


def serialized(found: BitMap) -> bytes:
    """A bitmap as bytes."""
    whole = found.serialize()
    cookie, count = _HEAD.unpack_from(whole)
    sizes = _numbers(2 * count).unpack_from(whole, _HEAD.size)[1::2] if cookie == _COOKIE else ()
    if max(sizes, default=0) < _FEW:
        return whole
    containers = _containers(whole)
    keys = tuple(some.key for some in containers if some.is_shorter_as_bitset)
    if not keys and not any(some.is_bitset for some in containers):
        return whole
    padded = _containers((found | _padding_in_arrays(keys)).serialize())
    bodies = [
        (some.body[:_PADDED] if some.key in keys else some.body).rstrip(b"\0")
        if some.is_bitset
        else some.body
        for some in padded
    ]
    heads = [number for some in containers for number in (some.key, some.size)]
    lengths = [len(b) if some.is_bitset else 0 for some, b in zip(padded, bodies, strict=True)]
    return b"".join([_HEAD.pack(_CUT, count), _numbers(3 * count).pack(*heads, *lengths), *bodies])


def _containers(whole: bytes) -> list[_Container]:
    """Those of what the library wrote, without runs."""
    _, count = _HEAD.unpack_from(whole)
    heads = _numbers(2 * count).unpack_from(whole, _HEAD.size)
    at, found = _HEAD.size + 8 * count, list[_Container]()
    for key, size in zip(heads[::2], heads[1::2], strict=True):
        end = at + (2 * size + 2 if size < _LARGEST_ARRAY else _BITSET)
        found.append(_Container(key, size, whole[at:end]))
        at = end
    return found


def deserialized(packed: bytes) -> BitMap:
    """The bitmap of bytes."""
    found = opened(packed)
    return found.whole if isinstance(found, Padded) else found


def opened(packed: bytes) -> BitMap | Padded:
    """The bitmap of bytes, as it is sooner read."""
    cookie, count = _HEAD.unpack_from(packed)
    if cookie != _CUT:
        return BitMap.deserialize(packed)
    numbers = _numbers(3 * count).unpack_from(packed, _HEAD.size)
    heads = list(numbers[: 2 * count])
    at, bodies, padded = _HEAD.size + 6 * count, list[bytes](), list[int]()
    for n, length in enumerate(numbers[2 * count :]):
        size = heads[2 * n + 1]
        end = at + (length or 2 * size + 2)
        body = packed[at:end]
        if length and size < _LARGEST_ARRAY:
            body = body.ljust(_PADDED, b"\0") + _PADDING
            heads[2 * n + 1] += _LARGEST_ARRAY
            padded.append(heads[2 * n])
        elif length:
            body = body.ljust(_BITSET, b"\0")
        bodies.append(body)
        at = end
    found = _of(heads, bodies)
    return Padded(found, _padding(tuple(padded))) if padded else found


@lru_cache(maxsize=1024)
def _padding(keys: tuple[int, ...]) -> BitMap:
    """The padding of containers. Not to be changed."""
    found = BitMap()
    for key in keys:
        found.add_range((key << 16) + 8 * _PADDED, (key + 1) << 16)
    return found


@lru_cache(maxsize=64)
def _padding_in_arrays(keys: tuple[int, ...]) -> BitMap:
    """The same without runs: what is joined with it has none either."""
    return BitMap(_padding(keys).to_array(), optimize=False)


def of_arrays(held: Sequence[tuple[int, int]], numbers: bytes) -> BitMap:
    """The bitmap of 16-bit numbers, so many under each upper 16 bits: ascending, and few."""
    heads = [number for key, size in held for number in (key, size - 1)]
    return _of(heads, [numbers], [2 * size for _, size in held])


def _of(heads: Sequence[int], bodies: Sequence[bytes], sizes: Sequence[int] = ()) -> BitMap:
    """The bitmap of containers: their heads, and bodies of these sizes, or of their own."""
    count = len(heads) // 2
    offsets, end = list[int](), _HEAD.size + 8 * count
    for size in sizes or map(len, bodies):
        offsets.append(end)
        end += size
    head = _heads(count).pack(_COOKIE, count, *heads, *offsets)
    return BitMap.deserialize(b"".join([head, *bodies]))


@lru_cache(maxsize=64)
def _heads(count: int) -> struct.Struct:
    """What stands before so many containers: their keys and sizes, and where each begins."""
    return struct.Struct(f"<II{2 * count}H{count}I")


@lru_cache(maxsize=64)
def _numbers(count: int) -> struct.Struct:
    return struct.Struct(f"<{count}H")
