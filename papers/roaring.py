"""Roaring bitmaps as bytes: as the library writes them, but of a bitset only what is used.

A container has room for 65,536 numbers, and a dense month 30,000 papers: of a bitset that many of
them are in, more than half is zeros. https://github.com/RoaringBitmap/RoaringFormatSpec
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from pyroaring import BitMap

_COOKIE: Final = 12346
"""What the library's form begins with, where no container is one of runs."""
_CUT: Final = 0x5043
"""What ours does: heads, how many bytes are left of each bitset, then the containers."""
_HEAD: Final = struct.Struct("<II")
_LARGEST_ARRAY: Final = 4096
_BITSET: Final = 8192


def serialized(found: BitMap) -> bytes:
    """A bitmap as bytes."""
    whole = found.serialize()
    cookie, count = _HEAD.unpack_from(whole)
    start = _HEAD.size
    if cookie != _COOKIE:
        return whole
    sizes = _numbers(2 * count).unpack_from(whole, start)[1::2]
    if all(size < _LARGEST_ARRAY for size in sizes):
        return whole
    at, left, bodies = start + 8 * count, list[int](), list[bytes]()
    for size in sizes:  # which are less by one
        is_array = size < _LARGEST_ARRAY
        end = at + (2 * size + 2 if is_array else _BITSET)
        body = whole[at:end]
        if not is_array:
            body = body.rstrip(b"\0")
            left.append(len(body))
        bodies.append(body)
        at = end
    heads = whole[start : start + 4 * count]
    return b"".join([_HEAD.pack(_CUT, count), heads, _numbers(len(left)).pack(*left), *bodies])


def deserialized(packed: bytes) -> BitMap:
    """The bitmap of bytes."""
    cookie, count = _HEAD.unpack_from(packed)
    if cookie != _CUT:
        return BitMap.deserialize(packed)
    start = _HEAD.size
    heads = _numbers(2 * count).unpack_from(packed, start)
    bitsets = sum(size >= _LARGEST_ARRAY for size in heads[1::2])
    left = iter(_numbers(bitsets).unpack_from(packed, start + 4 * count))
    at = start + 4 * count + 2 * bitsets
    bodies = list[bytes]()
    for size in heads[1::2]:
        end = at + (2 * size + 2 if size < _LARGEST_ARRAY else next(left))
        body = packed[at:end]
        bodies.append(body if size < _LARGEST_ARRAY else body.ljust(_BITSET, b"\0"))
        at = end
    return _of(heads, bodies)


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
