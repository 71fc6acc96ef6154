"""Which months a walk goes through, newest first, and how many at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Final

from redis import Redis

from papers import keys
from papers.arxiv_id import month_of
from papers.connection import read_many
from papers.matching import month_days
from papers.spread import possible_months, spread_terms
from papers.tree import And, Between, Named, Node, Or, leaves

NO_MONTH: Final = 999_912
"""Later than any."""

_FIRST: Final = 31
_ALL: Final = 1 << 16


def months_of(redis: Redis, tree: Node, newest: int) -> Iterator[int]:
    """The months (YYYYMM) that may hold what a tree asks for, newest first, none after `newest`.

    One round trip tells where its words occur, and the newest months of all: where the words are
    common, most walks end among these.
    """
    terms = spread_terms(tree)
    asked = [_listed(newest, 0, _FIRST)]
    if terms:
        asked.append(("HMGET", keys.SPREAD, *terms))
    first, *values = read_many(redis, asked)
    spread = possible_months(tree, values[0] if terms else [])
    if spread is None:
        months = _every_month(redis, newest, first)
    else:
        months = iter(sorted((month for month in spread if month <= newest), reverse=True))
    if any(isinstance(leaf, Named | Between) for leaf in leaves(tree)):
        return (month for month in months if possible(tree, month))
    return months


def possible(node: Node, month: int) -> bool:
    """Whether any paper of a month can match: ids and days say so without asking."""
    if isinstance(node, And):
        return all(possible(child, month) for child in node.all)
    if isinstance(node, Or):
        return any(possible(child, month) for child in node.any)
    if isinstance(node, Named):
        return node.id.month == month
    return node.meets(*month_days(month)) if isinstance(node, Between) else True


def growing(months: Iterator[int], most: int = 64) -> Iterator[Sequence[int]]:
    """Months in chunks of 1, 4, 16 … `most`: little is read in vain, and round trips are few."""
    size = 1
    while chunk := list(islice(months, size)):
        yield chunk
        size = min(size * 4, most)


def _every_month(redis: Redis, newest: int, first: Sequence[bytes]) -> Iterator[int]:
    yield from map(_named, first)
    if len(first) == _FIRST:
        yield from map(_named, read_many(redis, [_listed(newest, _FIRST, _ALL)])[0])


def _listed(newest: int, at: int, count: int) -> tuple[bytes | str, ...]:
    limit = ("LIMIT", str(at), str(count))
    return ("ZREVRANGEBYSCORE", keys.MONTHS, str(newest), "0", *limit)


def _named(member: bytes) -> int:
    month = month_of(member.decode())
    assert month, f"{member!r} among the months"
    return month
