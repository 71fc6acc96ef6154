"""Months' postings read for other ends than a walk: whole candidate sets, and single terms.

shapes of the months, one round trip ─▶ their fields for those shapes, another
  ─▶ a month that has grown out of its shape in between is asked again
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

from pyroaring import BitMap
from redis import Redis

from papers import keys, postings
from papers.connection import read_many
from papers.evaluate import Candidates, Expansions, Plan
from papers.postings import Shape
from papers.spread import Spread
from papers.tree import Node, Text, leaves

MOST_WORDS: Final = 256
"""Words of one prefix that postings are asked for."""

Fields = Callable[[int, Shape], Sequence[bytes]]
"""The fields to fetch of a month (YYYYMM) of a shape; `shape` itself first."""

Reply = tuple[Shape, list[bytes | None]]


def candidates(redis: Redis, tree: Node, months: Iterable[int]) -> dict[int, Candidates]:
    """What may match in each of some months (YYYYMM) that can hold anything."""
    spread = Spread(redis)
    possible = spread.months(tree)
    asked = [month for month in months if possible is None or month in possible]
    plan = Plan(tree, _expansions(spread, tree))
    read = _read(redis, asked, plan.fields)
    return {month: plan.evaluate(month, *read[month]) for month in asked}


def term_postings(
    redis: Redis, wanted: Iterable[tuple[int, bytes]]
) -> dict[tuple[int, bytes], BitMap]:
    """The papers of terms in months, for each (YYYYMM, term) that has any."""
    terms: defaultdict[int, list[bytes]] = defaultdict(list)
    for month, term in wanted:
        terms[month].append(term)

    def fields(month: int, shape: Shape) -> list[bytes]:
        places = [
            (postings.term_field(term), postings.bucket_field(shape.bucket(term)))
            for term in terms[month]
        ]
        return [postings.SHAPE, *(field for place in places for field in place)]

    found = {}
    for month, (_, values) in _read(redis, list(terms), fields).items():
        for term, own, bucket in zip(terms[month], values[1::2], values[2::2], strict=True):
            if own:
                found[month, term] = BitMap.deserialize(own)
            elif small := postings.find(bucket, term):
                found[month, term] = postings.bitmap(small)
    return found


def newest_months(redis: Redis, count: int) -> list[int]:
    """The newest months (YYYYMM) that may hold papers, newest first."""
    scored: Any = redis.zrevrange(keys.MONTHS, 0, count - 1, withscores=True)
    return [int(score) for _, score in scored]


def _read(redis: Redis, months: Sequence[int], fields: Fields) -> dict[int, Reply]:
    read: dict[int, Reply] = {}
    while missing := [month for month in months if month not in read]:
        named = [keys.month_terms(f"{month % 10_000:04}") for month in missing]
        shapes = read_many(redis, [("HGET", name, postings.SHAPE) for name in named])
        asked = [Shape.unpack(shape) for shape in shapes]
        replies = read_many(
            redis,
            [
                ("HMGET", name, *fields(month, shape))
                for name, month, shape in zip(named, missing, asked, strict=True)
            ],
        )
        for month, shape, reply in zip(missing, asked, replies, strict=True):
            if Shape.unpack(reply[0]) == shape:
                read[month] = (shape, reply)
    return read


def _expansions(spread: Spread, tree: Node) -> Expansions:
    """The words that the prefixes of a tree stand for; None where they are too many."""
    expansions: dict[str, list[str] | None] = {}
    for leaf in leaves(tree):
        if isinstance(leaf, Text) and leaf.prefix:
            words = spread.words(leaf.words[0], MOST_WORDS + 1)
            many = len(words) > MOST_WORDS
            expansions[leaf.words[0]] = None if many else [*words, leaf.whole]
    return expansions
