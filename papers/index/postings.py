"""How the postings of a volume are packed into the fields of one Redis hash.

A volume is a month, or a year that is closed (`papers.index.compaction.compactor`). A posting is
the set of the papers that have a term, or a pair, by their places
(`papers.model.arxiv_id.ArxivId.place`). Redis spends some 60 bytes on a hash field, so small
postings share fields:

    b"w" + bucket      many terms with small postings (see `pack`); a term's bucket is its hash
    b"=" + term        one large posting, a Roaring bitmap (`papers.index.bitmaps`)
    b"p" + bucket      many pairs with their postings (see `pair_in_month`, `pair_in_year`)
    b"~" + pair        the large posting of one pair in a year
    b"q" + bucket      the small postings of neighbouring slots (see `slot_bitmap`)
    b"#" + slot        the large posting of one slot
    b"shape"           how many of each there are; `CLOSED` in a month that lies with its year

A pair is two words that follow one another; it is known by its hash. A month, and a year that is
not over, has a posting of each. Most pairs are rare, though, and to name one takes more than to say
who has it: a year that is over has postings of those that many papers have, each of all its papers
that have it, and the others by slot, the upper bits of their hash. What a slot says is verified on
the text. The shape grows with the volume, by doubling.

A small posting of a term is an array of little-endian 32-bit places: of an open month and of a year
alike, so that months make a year by being put one behind the other.
"""

from __future__ import annotations

import struct
from array import array
from bisect import bisect_left
from collections.abc import Iterable, Mapping
from typing import Final

from pyroaring import BitMap

from papers.index import bitmaps
from papers.index.layout import MONTH_PAPER_BITS, MONTHS_PER_YEAR, YEAR_PAPER_BITS, SegmentLayout
from papers.model.arxiv_id import month_ordinal

LAYOUT_FIELD: Final = b"shape"
COMPACTED: Final = b""
"""The shape of a month that has no postings of its own any more: they lie with its year's."""
MAX_INLINE_POSTING: Final = 127
"""The posting of a term of more papers than this has a field of its own."""
MAX_INLINE_PER_MONTH: Final = 255
"""So does in a year that of a pair, or a slot, of which a month has more."""
PLACE_BYTES: Final = 4


def term_field(term: bytes) -> bytes:
    """The field of a term with a large posting."""
    return b"=" + term


def shingle_field(shingle: int) -> bytes:
    """The field of a pair with a large posting."""
    return b"~%x" % shingle


def slot_field(slot: int) -> bytes:
    """The field of a slot with a large posting."""
    return b"#%x" % slot


def term_bucket_field(bucket: int) -> bytes:
    """The field of a bucket of terms."""
    return b"w%x" % bucket


def shingle_bucket_field(bucket: int) -> bytes:
    """The field of a bucket of pairs."""
    return b"p%x" % bucket


def slot_bucket_field(bucket: int) -> bytes:
    """The field of a bucket of slots."""
    return b"q%x" % bucket


def pack_term_bucket(postings: Mapping[bytes, bytes]) -> bytes:
    r"""A bucket of terms: length of the keys, `\n`-framed sorted keys, their sizes, places.

    Built so that one term is found by C-speed searches, without unpacking its neighbours. Terms
    hold no line break: they are words, or labels with white space folded.
    """
    terms = sorted(postings)
    numbers = [postings[term] for term in terms]
    keys = b"\n%b\n" % b"\n".join(terms) if terms else b"\n"
    sizes = bytes([len(some) // PLACE_BYTES for some in numbers])
    return b"".join([struct.pack("<I", len(keys)), keys, sizes, *numbers])


def unpack_term_bucket(bucket: bytes | None) -> dict[bytes, bytes]:
    """The terms of a bucket with their postings."""
    if not bucket:
        return {}
    end = 4 + int.from_bytes(bucket[:4], "little")
    terms = bucket[5 : end - 1].split(b"\n")
    at = end + len(terms)
    found = {}
    for term, size in zip(terms, bucket[end:at], strict=True):
        found[term] = bucket[at : at + PLACE_BYTES * size]
        at += PLACE_BYTES * size
    return found


def find_posting(bucket: bytes | None, term: bytes) -> bytes:
    """One term's posting in a bucket; empty where it has none."""
    if not bucket:
        return b""
    end = 4 + int.from_bytes(bucket[:4], "little")
    at = bucket.find(b"\n" + term + b"\n", 4, end)
    if at < 0:
        return b""
    before = bucket.count(b"\n", 4, at)
    sizes = bucket[end : end + bucket.count(b"\n", 4, end) - 1]
    start = end + len(sizes) + PLACE_BYTES * sum(sizes[:before])
    return bucket[start : start + PLACE_BYTES * sizes[before]]


def decode_doc_ids(places: bytes) -> BitMap:
    """The bitmap of a small posting, or of a larger one that is not packed yet.

    Without runs: then the same papers are the same bytes, however they came together.
    """
    return BitMap(array("I", places), optimize=False)


def find_shingle_in_month(bucket: bytes | None, shingle: int, first_month: int) -> BitMap | None:
    """The posting of a pair in its bucket of a month, if it has any; `first`: its year's first.

    A bucket is the pairs of papers, sorted: 44 bits of a pair, and 20 of a paper in its year.
    """
    if not bucket:
        return None
    keys = memoryview(bucket).cast("Q")
    start = bisect_left(keys, shingle << YEAR_PAPER_BITS)
    end = bisect_left(keys, shingle + 1 << YEAR_PAPER_BITS, start)
    if start == end:
        return None
    halves = memoryview(bucket)[8 * start : 8 * end].cast("I")
    above = shingle << YEAR_PAPER_BITS & 0xFFFF_FFFF
    return BitMap(array("I", halves[::2])).shift((first_month << MONTH_PAPER_BITS) - above)


def find_shingle_in_year(bucket: bytes | None, shingle: int, first_month: int) -> BitMap | None:
    """The posting of a pair in its bucket of a year, if it has any; `first` as above.

    A bucket is how many pairs it has; these, sorted, in 64 bits each; the months of each, a bit
    for each of twelve; how many papers each of these has, a byte each; and then their numbers.
    """
    if not bucket:
        return None
    count = int.from_bytes(bucket[:4], "little")
    masks = 4 + 8 * count
    pairs = memoryview(bucket)[4:masks].cast("Q")
    at = bisect_left(pairs, shingle)
    if at == count or pairs[at] != shingle:
        return None
    here, sizes = masks + 2 * at, masks + 2 * count
    mask = int.from_bytes(bucket[here : here + 2], "little")
    before = sizes + int.from_bytes(bucket[masks:here], "little").bit_count()
    row = bucket[before : before + mask.bit_count()]
    start = sizes + int.from_bytes(bucket[masks:sizes], "little").bit_count()
    start += 2 * sum(bucket[sizes:before])
    months = [
        month
        for month in range(first_month, first_month + MONTHS_PER_YEAR)
        if mask >> month - first_month & 1
    ]
    numbers = bucket[start : start + 2 * sum(row)]
    return bitmaps.bitmap_from_arrays(list(zip(months, row, strict=True)), numbers)


def find_slot(
    bucket: bytes | None, slot: int, layout: SegmentLayout, first_month: int
) -> BitMap | None:
    """The posting of a slot in its bucket of a year, if it has any; `first` as above.

    A bucket is how many papers each of its slots has of each month, a byte each, and then their
    numbers, of 16 bits.
    """
    if not bucket:
        return None
    at = slot % layout.slots_per_bucket * MONTHS_PER_YEAR
    row = bucket[at : at + MONTHS_PER_YEAR]
    held = [(month, size) for month, size in enumerate(row, first_month) if size]
    if not held:
        return None
    start = layout.slots_per_bucket * MONTHS_PER_YEAR + 2 * sum(bucket[:at])
    return bitmaps.bitmap_from_arrays(held, bucket[start : start + 2 * sum(row)])


def places_of_months(months: Iterable[int]) -> BitMap:
    """Every place that a paper of these months (YYYYMM) may have."""
    places = BitMap()
    for month in map(month_ordinal, months):
        places.add_range(month << 16, (month + 1) << 16)
    return places


def encode_doc_ids(places: Iterable[int]) -> bytes:
    """The small posting of sorted places."""
    return array("I", places).tobytes()


def precedes(posting: bytes, other: bytes) -> bool:
    """Whether the places of one small posting are all below those of another, not empty one."""
    return not posting or posting[: -PLACE_BYTES - 1 : -1] < other[PLACE_BYTES - 1 :: -1]
