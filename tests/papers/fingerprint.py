"""What a store holds, decoded: two stores with one content have one fingerprint.

Left out is what may only say too much (the spread of words, papers waiting for a description) and
what counts what happened (revisions).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pyroaring import BitMap
from redis import Redis

from papers.index import postings
from papers.index.bitmaps import deserialize_bitmap
from papers.index.layout import MONTHS_PER_YEAR, YEAR_PAPER_BITS, SegmentLayout
from papers.model import packing
from papers.model.arxiv_id import ArxivId, month_ordinal
from papers.model.paper import Paper
from papers.redis_backend import keys
from papers.search.evaluate import shingle_slot_key

Postings = dict[bytes | int, list[int]]


def decode_segment(volume: Mapping[bytes, bytes], shape: SegmentLayout, first: int) -> Postings:
    """Every posting of a volume as places, wherever it lies: by term, by pair, or by slot (`~`).

    `first`: the place of the first month of the volume.
    """
    found: dict[bytes | int, BitMap] = {}
    for name, value in volume.items():
        some = _postings(name[:1], name[1:], value, shape, first)
        assert not found.keys() & some.keys(), "a posting lies in two places"
        found |= some
    assert all(found.values()), "an empty posting is kept"
    return {key: list(places) for key, places in found.items()}


def _postings(
    kind: bytes, rest: bytes, value: bytes, shape: SegmentLayout, first: int
) -> dict[bytes | int, BitMap]:
    if kind == b"w":
        return {
            term: _decode_small(small) for term, small in postings.unpack_term_bucket(value).items()
        }
    year = first - first % MONTHS_PER_YEAR
    if kind == b"p" and shape.span_months == 1:
        held = {key >> YEAR_PAPER_BITS for key in memoryview(value).cast("Q")}
        return {
            pair: _not_empty(postings.find_shingle_in_month(value, pair, year)) for pair in held
        }
    if kind == b"p":
        pairs = memoryview(value)[4 : 4 + 8 * int.from_bytes(value[:4], "little")].cast("Q")
        return {
            pair: _not_empty(postings.find_shingle_in_year(value, pair, year)) for pair in pairs
        }
    if kind == b"q":
        start = int(rest, 16) * shape.slots_per_bucket
        slots = range(start, start + shape.slots_per_bucket)
        held_by = {slot: postings.find_slot(value, slot, shape, first) for slot in slots}
        return {
            shingle_slot_key(slot): found for slot, found in held_by.items() if found is not None
        }
    own = deserialize_bitmap(value)
    if kind == b"=":
        return {rest: own}
    return {int(rest, 16) if kind == b"~" else shingle_slot_key(int(rest, 16)): own}


def _not_empty(posting: BitMap | None) -> BitMap:
    assert posting
    return posting


def _decode_small(posting: bytes) -> BitMap:
    found = postings.decode_doc_ids(posting)
    assert postings.encode_doc_ids(found) == posting, "places are in order, and each is there once"
    return found


def all_papers(redis: Redis) -> list[Paper]:
    """Every paper, newest first."""
    found = []
    for yymm, month in _months(redis):
        packed: Any = redis.hgetall(keys.month_papers(yymm))
        ids = {
            ArxivId(month, int.from_bytes(number, "big")): value for number, value in packed.items()
        }
        found += [packing.unpack(id, value) for id, value in ids.items()]
    return sorted(found, key=lambda paper: paper.id, reverse=True)


def fingerprint(redis: Redis) -> dict[str, object]:
    """Papers, postings by volume, picks, and votes by day."""
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
        "votes": histories,
    }


def segment_content(redis: Redis, volume: str, first: int) -> tuple[SegmentLayout, Postings] | None:
    """The shape and the postings of a volume that begins with that month, if it has any."""
    fields: Any = redis.hgetall(keys.segment_postings(volume))
    packed = fields.pop(postings.LAYOUT_FIELD, None)
    if not packed:
        assert not fields, "a volume without a shape has postings"
        return None
    shape = SegmentLayout.unpack(packed)
    return shape, decode_segment(fields, shape, month_ordinal(first))


def _months(redis: Redis) -> list[tuple[str, int]]:
    members: Any = redis.zrange(keys.MONTHS, 0, -1, withscores=True)
    return [(yymm.decode(), int(month)) for yymm, month in members]
