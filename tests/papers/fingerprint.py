"""What a store holds, decoded: two stores with one content have one fingerprint.

Left out is what may only say too much (the spread of words, papers waiting for a description) and
what counts what happened (revisions).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pyroaring import BitMap
from redis import Redis

from papers import codec, keys, postings
from papers.arxiv_id import ArxivId
from papers.paper import Paper
from papers.postings import Shape

Postings = dict[bytes | int, list[int]]


def decoded(month: Mapping[bytes, bytes], shape: Shape) -> Postings:
    """Every posting of a month as numbers, wherever it lies: by term, or by slot of pairs."""
    found: dict[bytes | int, BitMap] = {}
    for name, value in month.items():
        some = _postings(name[:1], name[1:], value, shape)
        assert not found.keys() & some.keys(), "a posting lies in two places"
        found |= some
    assert all(found.values()), "an empty posting is kept"
    return {key: list(numbers) for key, numbers in found.items()}


def _postings(kind: bytes, rest: bytes, value: bytes, shape: Shape) -> dict[bytes | int, BitMap]:
    if kind == b"w":
        return {term: postings.bitmap(small) for term, small in postings.unpack(value).items()}
    if kind == b"p":
        slots = postings.unpack_slots(int(rest, 16), value, shape.slots_a_bucket)
        return {slot: postings.bitmap(small) for slot, small in slots.items()}
    return {rest if kind == b"=" else int(rest, 16): BitMap.deserialize(value)}


def papers(redis: Redis) -> list[Paper]:
    """Every paper, newest first."""
    found = []
    for yymm, month in _months(redis):
        packed: Any = redis.hgetall(keys.month_papers(yymm))
        ids = {
            ArxivId(month, int.from_bytes(number, "big")): value for number, value in packed.items()
        }
        found += [codec.unpack(id, value) for id, value in ids.items()]
    return sorted(found, key=lambda paper: paper.id, reverse=True)


def fingerprint(redis: Redis) -> dict[str, object]:
    """Papers, postings by month, picks, and votes by day."""
    indexes, histories = {}, {}
    for yymm, _ in _months(redis):
        fields: Any = redis.hgetall(keys.month_terms(yymm))
        shape = Shape.unpack(fields.pop(postings.SHAPE))
        indexes[yymm] = (shape, decoded(fields, shape))
        histories[yymm] = redis.hgetall(keys.month_votes(yymm))
    picks: Any = redis.zrange(keys.PICKS, 0, -1, withscores=True)
    return {
        "papers": papers(redis),
        "indexes": indexes,
        "picks": picks,
        "votes": histories,
    }


def _months(redis: Redis) -> list[tuple[str, int]]:
    members: Any = redis.zrange(keys.MONTHS, 0, -1, withscores=True)
    return [(yymm.decode(), int(month)) for yymm, month in members]
