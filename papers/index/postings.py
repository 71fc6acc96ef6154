"""The format of postings: how those of a segment are packed into the fields of one Redis hash.

A segment is a month, or a compacted year (`papers.index.compaction.compactor`). A posting is the
set of the papers that have a term or a shingle, by doc id (`papers.model.arxiv_id.ArxivId.doc_id`).
A Redis hash field costs some 60 bytes, so small postings share fields:

    b"w" + bucket      small postings of many terms (see `pack_term_bucket`), bucketed by hash
    b"=" + term        a large posting of one term, a Roaring bitmap (`papers.index.bitmaps`)
    b"p" + bucket      small postings of many shingles (`find_shingle_in_month`, `..._in_year`)
    b"~" + shingle     a large posting of one shingle, in a year
    b"q" + bucket      small postings of neighboring slots (see `find_slot`)
    b"#" + slot        a large posting of one slot
    b"shape"           the `SegmentLayout`; `COMPACTED` in a month whose postings its year has

Buckets, shingles and slots are written as hexadecimal numbers.

A shingle is two content words in a row, known by its hash. A month, and a year that has not ended,
has a posting of every shingle. Most shingles are rare, though, and the hash of one takes more bytes
than its papers: a year that has ended has postings of frequent shingles, each of all its papers,
and of the others by slot, the upper bits of their hashes. What a slot says is verified on the text.

A small posting of a term is an array of little-endian 32-bit doc ids, in a month and in a year
alike, so compaction concatenates those of the months.
"""

from __future__ import annotations

import struct
from array import array
from bisect import bisect_left
from collections.abc import Iterable, Mapping
from typing import Final

from pyroaring import BitMap

from papers.index.bitmaps import ArrayContainers
from papers.index.layout import MONTH_PAPER_BITS, MONTHS_PER_YEAR, YEAR_PAPER_BITS, SegmentLayout
from papers.model.arxiv_id import month_ordinal

HashFields = Mapping[bytes, bytes | None]
"""Fields of a segment's hash by name; None for one that does not exist."""

LAYOUT_FIELD: Final = b"shape"
COMPACTED: Final = b""
"""Value of `LAYOUT_FIELD` in a compacted month: its postings are in the segment of its year."""
MAX_INLINE_POSTING: Final = 127
"""A term's posting of more papers than this has a field of its own."""
MAX_INLINE_PER_MONTH: Final = 255
"""In a year a shingle or slot with more papers than this in any month has a field of its own."""
DOC_ID_BYTES: Final = 4


TERM: Final = b"="
TERM_BUCKET: Final = b"w"
SHINGLE: Final = b"~"
SHINGLE_BUCKET: Final = b"p"
SLOT: Final = b"#"
SLOT_BUCKET: Final = b"q"
"""First bytes of field names."""


def term_field(term: bytes) -> bytes:
    """Return the field of a term's large posting."""
    return TERM + term


def shingle_field(shingle: int) -> bytes:
    """Return the field of a shingle's large posting."""
    return SHINGLE + b"%x" % shingle


def slot_field(slot: int) -> bytes:
    """Return the field of a slot's large posting."""
    return SLOT + b"%x" % slot


def term_bucket_field(bucket: int) -> bytes:
    """Return the field of a bucket of terms."""
    return TERM_BUCKET + b"%x" % bucket


def shingle_bucket_field(bucket: int) -> bytes:
    """Return the field of a bucket of shingles."""
    return SHINGLE_BUCKET + b"%x" % bucket


def slot_bucket_field(bucket: int) -> bytes:
    """Return the field of a bucket of slots."""
    return SLOT_BUCKET + b"%x" % bucket


def field_number(name: bytes) -> int:
    """Return the bucket, shingle or slot of a field name; not for fields of terms."""
    return int(name[1:], 16)


def pack_term_bucket(postings: Mapping[bytes, bytes]) -> bytes:
    r"""Encode a bucket: byte length of the terms, `\n`-framed sorted terms, sizes, doc ids.

    `find_posting` finds one term by searches in C, without unpacking its neighbors. Terms contain
    no line break: they are words, or labels with white space folded.
    """
    terms = sorted(postings)
    doc_ids = [postings[term] for term in terms]
    names = b"\n%b\n" % b"\n".join(terms) if terms else b"\n"
    sizes = bytes([len(posting) // DOC_ID_BYTES for posting in doc_ids])
    return b"".join([struct.pack("<I", len(names)), names, sizes, *doc_ids])


def unpack_term_bucket(bucket: bytes | None) -> dict[bytes, bytes]:
    """Decode a bucket of terms into small postings by term."""
    if not bucket:
        return {}
    end = 4 + int.from_bytes(bucket[:4], "little")
    terms = bucket[5 : end - 1].split(b"\n")
    at = end + len(terms)
    found = {}
    for term, size in zip(terms, bucket[end:at], strict=True):
        found[term] = bucket[at : at + DOC_ID_BYTES * size]
        at += DOC_ID_BYTES * size
    return found


def find_posting(bucket: bytes | None, term: bytes) -> bytes:
    """Return the small posting of one term in a bucket; empty if it has none."""
    if not bucket:
        return b""
    end = 4 + int.from_bytes(bucket[:4], "little")
    at = bucket.find(b"\n" + term + b"\n", 4, end)
    if at < 0:
        return b""
    before = bucket.count(b"\n", 4, at)
    sizes = bucket[end : end + bucket.count(b"\n", 4, end) - 1]
    start = end + len(sizes) + DOC_ID_BYTES * sum(sizes[:before])
    return bucket[start : start + DOC_ID_BYTES * sizes[before]]


def decode_doc_ids(posting: bytes) -> BitMap:
    """Decode an array of doc ids, a small posting or one that may be large.

    The bitmap has no run containers, so that the same papers always serialize to the same bytes.
    """
    return BitMap(array("I", posting), optimize=False)


def find_shingle_in_month(bucket: bytes | None, shingle: int, first_month: int) -> BitMap | None:
    """Return the posting of a shingle in its bucket of a month, if it has any.

    `first_month` is the ordinal of its year's January. A bucket is sorted shingle keys: 44 bits of
    the shingle, 20 of the paper in its year.
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


def find_shingle_in_year(
    bucket: bytes | None, shingle: int, first_month: int
) -> ArrayContainers | None:
    """Return the posting of a shingle in its bucket of a year, if it has any.

    `first_month` is the ordinal of the year's January. A bucket is the number of its shingles in 32
    bits; these, sorted, in 64 bits each; the months of each, a bit mask of 16 bits; how many papers
    each of these months has, a byte each; and the papers' numbers in their months, 16 bits each.
    """
    if not bucket:
        return None
    count = int.from_bytes(bucket[:4], "little")
    masks = 4 + 8 * count
    shingles = memoryview(bucket)[4:masks].cast("Q")
    at = bisect_left(shingles, shingle)
    if at == count or shingles[at] != shingle:
        return None
    here, sizes = masks + 2 * at, masks + 2 * count
    mask = int.from_bytes(bucket[here : here + 2], "little")
    before = sizes + int.from_bytes(bucket[masks:here], "little").bit_count()
    row = bucket[before : before + mask.bit_count()]
    start = sizes + int.from_bytes(bucket[masks:sizes], "little").bit_count()
    start += 2 * sum(bucket[sizes:before])
    counts, heads = iter(row), list[int]()
    for month in range(first_month, first_month + mask.bit_length()):
        if mask >> month - first_month & 1:
            heads += (month, next(counts) - 1)
    return ArrayContainers(heads, bucket[start : start + 2 * sum(row)])


def find_slot(
    bucket: bytes | None, slot: int, layout: SegmentLayout, first_month: int
) -> ArrayContainers | None:
    """Return the posting of a slot in its bucket of a year, if it has any.

    `first_month` is the ordinal of the year's January. A bucket is how many papers each of its
    slots has in each month, a byte each, and the papers' numbers in their months, 16 bits each.
    """
    if not bucket:
        return None
    at = slot % layout.slots_per_bucket * MONTHS_PER_YEAR
    row = bucket[at : at + MONTHS_PER_YEAR]
    heads = list[int]()
    for month, size in enumerate(row, first_month):
        if size:
            heads += (month, size - 1)
    if not heads:
        return None
    start = layout.slots_per_bucket * MONTHS_PER_YEAR + 2 * sum(bucket[:at])
    return ArrayContainers(heads, bucket[start : start + 2 * sum(row)])


def doc_ids_of_months(months: Iterable[int]) -> BitMap:
    """Return every doc id that a paper of these months (YYYYMM) can have."""
    doc_ids = BitMap()
    for month in map(month_ordinal, months):
        doc_ids.add_range(month << MONTH_PAPER_BITS, (month + 1) << MONTH_PAPER_BITS)
    return doc_ids


def encode_doc_ids(doc_ids: Iterable[int]) -> bytes:
    """Encode sorted doc ids as a small posting."""
    return array("I", doc_ids).tobytes()


def precedes(posting: bytes, other: bytes) -> bool:
    """Return whether all doc ids of a small posting are below those of another, which has some."""
    return not posting or posting[: -DOC_ID_BYTES - 1 : -1] < other[DOC_ID_BYTES - 1 :: -1]
