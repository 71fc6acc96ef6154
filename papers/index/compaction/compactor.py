"""Closing months: the postings of past months of a year are put together: a walk reads years.

A year that is over has postings of frequent pairs only, and slots of the others
(`papers.index.compaction.year_merge`).

    WATCH the counts of transactions of the year and of its months
    part by part of the index: the postings of all its months, one behind the other ─▶ a key aside
    MULTI that becomes the year's, the months' own go, the counts move EXEC: all or nothing

A paper of a closed month is written as any other is; only its postings lie with the year's
(`papers.index.month_writer`). A month that comes into a closed year late is open until the year is
closed again, which also drops what months removed from it have left behind. Killed anywhere, it
leaves what was there, and the next run begins anew.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, cast
from uuid import uuid4

from redis import Redis
from redis.client import Pipeline
from redis.exceptions import WatchError

from papers.index.layout import YEAR, Shape
from papers.index.postings import CLOSED, SHAPE
from papers.maintenance.retention import first_kept
from papers.model.arxiv_id import kept_month
from papers.redis_backend import keys
from papers.redis_backend.connection import store_errors

LEFT: Final = 600
"""Seconds after its last part that a year which was never finished goes by itself."""
OPEN: Final = 2
"""So many months are written to all day: they stay open."""


def first_open(now: datetime) -> int:
    """The first month (YYYYMM) that is to stay open."""
    return first_kept(OPEN, now)


@dataclass(frozen=True, slots=True)
class Piece:
    """What a year is made of: an open month, or the year as it was.

    `months` (YYYYMM) are those whose postings it has, of so many papers.
    """

    name: str
    shape: Shape
    months: tuple[int, ...]
    papers: int

    def is_settled(self, *, over: bool) -> bool:
        """Whether it is a year as it is to be, of which no month was removed."""
        settled = self.shape.months == YEAR and not self.shape.gone
        return settled and bool(self.shape.slot_bits) >= over


class Closing:
    """Closes months of one Redis. Raises StoreAway."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    def newest(self) -> int:
        """The newest month (YYYYMM) there is; 0 where there is none."""
        with store_errors(self._redis):
            members: Any = self._redis.zrange(keys.MONTHS, -1, -1)
        return kept_month(members[0].decode()) if members else 0

    def close_before(self, first: int) -> tuple[int, ...]:
        """Close the open months before that one (YYYYMM); the years that it was done in.

        A year that is written to meanwhile stays as it is until the next time.
        """
        with store_errors(self._redis):
            members: Any = self._redis.zrangebyscore(keys.MONTHS, 0, f"({first}")
            years = dict.fromkeys(kept_month(member.decode()) // 100 for member in members)
            return tuple(year for year in years if self._close(year, first))

    def _close(self, year: int, first: int) -> bool:
        """Whether there was anything to do in a year, and it is done."""
        # numpy, which this needs, is nothing that a scheduler should load.
        from papers.index.compaction.year_merge import Year

        name = f"{year % 100:02}"
        months = {f"{name}{n:02}": year * 100 + n for n in range(1, YEAR + 1)}
        with self._redis.pipeline() as pipe:
            pipe.watch(*map(keys.rev, [name, *months]))  # type: ignore[no-untyped-call]
            pieces = self._pieces(name, months, first)
            over = first > months[max(months)]
            if all(piece.is_settled(over=over) for piece in pieces):
                return False
            made = keys.next_terms(name, uuid4().hex)
            months_in_it = [month for piece in pieces for month in piece.months]
            papers = sum(piece.papers for piece in pieces)
            shape = Shape.for_year(papers, months_in_it, over=over)
            self._write(made, {SHAPE: shape.pack()})
            for fields in Year(self._redis, shape, pieces).parts():
                self._write(made, fields)
            pipe.multi()
            self._replace(pipe, name, pieces, made)
            try:
                pipe.execute()
            except WatchError:
                self._redis.unlink(made)
                return False
        return True

    def _write(self, made: str, fields: Mapping[bytes, bytes]) -> None:
        with self._redis.pipeline() as pipe:
            pipe.hset(made, mapping=cast("dict[Any, Any]", fields))
            pipe.expire(made, LEFT)
            pipe.execute()

    def _pieces(self, year: str, months: Mapping[str, int], first: int) -> list[Piece]:
        """What the year is to be made of: its months before the first, and the year as it is."""
        with self._redis.pipeline(transaction=False) as pipe:
            for volume in [year, *months]:
                pipe.hget(keys.terms(volume), SHAPE)
            for month in months:
                pipe.hlen(keys.month_papers(month))
            of_year, *told = pipe.execute()
        shapes = dict(zip(months, told[:YEAR], strict=True))
        sizes = dict(zip(months, told[YEAR:], strict=True))
        opened = [month for month, yyyymm in months.items() if shapes[month] and yyyymm < first]
        parts = [(month, shapes[month], [month]) for month in opened]
        if closed := [month for month in months if shapes[month] == CLOSED]:
            parts.append((year, of_year, closed))
        return [
            Piece(
                name, Shape.unpack(shape), tuple(months[m] for m in of), sum(sizes[m] for m in of)
            )
            for name, shape, of in parts
        ]

    def _replace(self, pipe: Pipeline, year: str, pieces: Sequence[Piece], made: str) -> None:
        """What was made becomes the year's postings."""
        pipe.rename(made, keys.terms(year))
        pipe.persist(keys.terms(year))
        pipe.incr(keys.rev(year))
        for month in [piece.name for piece in pieces if piece.name != year]:
            pipe.unlink(keys.terms(month))
            pipe.hset(keys.terms(month), SHAPE, CLOSED)
            pipe.incr(keys.rev(month))
