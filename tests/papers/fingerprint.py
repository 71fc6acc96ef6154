"""Decoded contents of a store: two stores with equal contents have equal fingerprints.

Left out are keys that may list too much (the term dictionary, undescribed papers) and counters
(revisions).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pyroaring import BitMap
from redis import Redis

from papers.index import postings
from papers.index.bitmaps import ArrayContainers, deserialize_bitmap
from papers.index.layout import MONTHS_PER_YEAR, YEAR_PAPER_BITS, SegmentLayout
from papers.model.arxiv_id import ArxivId, month_ordinal
from papers.model.paper import Paper
from papers.records import packing
from papers.redis_backend import keys
from papers.search.evaluate import shingle_slot_key

Postings = dict[bytes | int, list[int]]


def decode_segment(
    fields: Mapping[bytes, bytes], layout: SegmentLayout, first_month: int
) -> Postings:
    """Return all postings of a segment as doc ids, by term, shingle or slot.

    Slots have negative keys (`~slot`). `first_month` is the ordinal of the segment's first month.
    """
    found: dict[bytes | int, BitMap] = {}
    for name, value in fields.items():
        decoded = _decode_field(name, value, layout, first_month)
        assert not found.keys() & decoded.keys(), "a posting is stored twice"
        found |= decoded
    assert all(found.values()), "an empty posting is stored"
    return {key: list(doc_ids) for key, doc_ids in found.items()}


def _decode_field(
    name: bytes, value: bytes, layout: SegmentLayout, first_month: int
) -> dict[bytes | int, BitMap]:
    kind = name[:1]
    if kind == postings.TERM_BUCKET:
        return {
            term: _decode_small(small) for term, small in postings.unpack_term_bucket(value).items()
        }
    year = first_month - first_month % MONTHS_PER_YEAR
    if kind == postings.SHINGLE_BUCKET and layout.span_months == 1:
        shingles = {key >> YEAR_PAPER_BITS for key in memoryview(value).cast("Q")}
        return {
            shingle: _not_empty(postings.find_shingle_in_month(value, shingle, year))
            for shingle in shingles
        }
    if kind == postings.SHINGLE_BUCKET:
        in_year = memoryview(value)[4 : 4 + 8 * int.from_bytes(value[:4], "little")].cast("Q")
        return {
            shingle: _not_empty(postings.find_shingle_in_year(value, shingle, year))
            for shingle in in_year
        }
    if kind == postings.SLOT_BUCKET:
        start = postings.field_number(name) * layout.slots_per_bucket
        slots = range(start, start + layout.slots_per_bucket)
        found = {slot: postings.find_slot(value, slot, layout, first_month) for slot in slots}
        return {shingle_slot_key(slot): ids.bitmap for slot, ids in found.items() if ids}
    own = deserialize_bitmap(value)
    if kind == postings.TERM:
        return {name[1:]: own}
    number = postings.field_number(name)
    return {number if kind == postings.SHINGLE else shingle_slot_key(number): own}


def _not_empty(posting: BitMap | ArrayContainers | None) -> BitMap:
    assert posting
    return posting if isinstance(posting, BitMap) else posting.bitmap


def _decode_small(posting: bytes) -> BitMap:
    found = postings.decode_doc_ids(posting)
    assert postings.encode_doc_ids(found) == posting, "doc ids are sorted and distinct"
    return found


def all_papers(redis: Redis) -> list[Paper]:
    """Return every paper, newest first."""
    found = []
    for yymm, month in _months(redis):
        packed: Any = redis.hgetall(keys.month_papers(yymm))
        ids = {ArxivId(month, keys.paper_number(field)): value for field, value in packed.items()}
        found += [packing.unpack(id, value) for id, value in ids.items()]
    return sorted(found, key=lambda paper: paper.id, reverse=True)


def fingerprint(redis: Redis) -> dict[str, object]:
    """Return the papers, postings by segment, picks, events, and votes by day."""
    indexes, histories = dict[str, object](), {}
    for yymm, month in _months(redis):
        if found := segment_content(redis, yymm, month):
            indexes[yymm] = found
        if found := segment_content(redis, yymm[:2], month // 100 * 100 + 1):
            indexes[yymm[:2]] = found
        histories[yymm] = redis.hgetall(keys.month_votes(yymm))
    picks: Any = redis.zrange(keys.PICKS, 0, -1, withscores=True)
    return {
        "papers": all_papers(redis),
        "indexes": indexes,
        "picks": picks,
        "events": [
            redis.zrange(key, 0, -1, withscores=True)
            for key in (keys.REVISED_EVENTS, keys.CODED_EVENTS)
        ],
        "votes": histories,
    }


def segment_content(
    redis: Redis, segment: str, first_month: int
) -> tuple[SegmentLayout, Postings] | None:
    """Return the layout and postings of a segment that begins with that month (YYYYMM), if any."""
    fields: Any = redis.hgetall(keys.segment_postings(segment))
    packed = fields.pop(postings.LAYOUT_FIELD, None)
    if not packed:
        assert not fields, "a segment without a layout has postings"
        return None
    layout = SegmentLayout.unpack(packed)
    return layout, decode_segment(fields, layout, month_ordinal(first_month))


def _months(redis: Redis) -> list[tuple[str, int]]:
    members: Any = redis.zrange(keys.MONTHS, 0, -1, withscores=True)
    return [(yymm.decode(), int(month)) for yymm, month in members]
