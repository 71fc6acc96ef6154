"""Closing months: the postings of past months of a year are put together: a walk reads years.

A year that is over has postings of frequent pairs only, and slots of the others
(`papers.index.compaction.year_merge`).

    WATCH the counts of transactions of the year and of its months
    part by part of the index: the postings of all its months, one behind the other ─▶ a key aside
    MULTI that becomes the year's, the months' own go, the counts move EXEC: all or nothing

A paper of a closed month is written as any other is; only its postings lie with the year's
(`papers.index.writing.month_writer`). A month that comes into a closed year late is open until the year is
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

from papers.index.layout import MONTHS_PER_YEAR, SegmentLayout
from papers.index.postings import COMPACTED, LAYOUT_FIELD
from papers.maintenance.retention import first_kept_month
from papers.model.arxiv_id import stored_month
from papers.redis_backend import keys
from papers.redis_backend.connection import translate_store_errors

UNFINISHED_TTL: Final = 600
"""Seconds after its last part that a year which was never finished goes by itself."""
OPEN_MONTHS: Final = 2
"""So many months are written to all day: they stay open."""


def first_open_month(now: datetime) -> int:
    """The first month (YYYYMM) that is to stay open."""
    return first_kept_month(OPEN_MONTHS, now)


@dataclass(frozen=True, slots=True)
class MergeInput:
    """What a year is made of: an open month, or the year as it was.

    `months` (YYYYMM) are those whose postings it has, of so many papers.
    """

    segment: str
    layout: SegmentLayout
    months: tuple[int, ...]
    paper_count: int

    def is_up_to_date(self, *, year_ended: bool) -> bool:
        """Whether it is a year as it is to be, of which no month was removed."""
        settled = self.layout.span_months == MONTHS_PER_YEAR and not self.layout.removed_mask
        return settled and bool(self.layout.slot_bits) >= year_ended


class Compactor:
    """Closes months of one Redis. Raises StoreAway."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    def newest_month(self) -> int:
        """The newest month (YYYYMM) there is; 0 where there is none."""
        with translate_store_errors(self._redis):
            members: Any = self._redis.zrange(keys.MONTHS, -1, -1)
        return stored_month(members[0].decode()) if members else 0

    def compact_before(self, first: int) -> tuple[int, ...]:
        """Close the open months before that one (YYYYMM); the years that it was done in.

        A year that is written to meanwhile stays as it is until the next time.
        """
        with translate_store_errors(self._redis):
            members: Any = self._redis.zrangebyscore(keys.MONTHS, 0, f"({first}")
            years = dict.fromkeys(stored_month(member.decode()) // 100 for member in members)
            return tuple(year for year in years if self._compact_year(year, first))

    def _compact_year(self, year: int, first: int) -> bool:
        """Whether there was anything to do in a year, and it is done."""
        # numpy, which this needs, is nothing that a scheduler should load.
        from papers.index.compaction.year_merge import YearMerge

        name = f"{year % 100:02}"
        months = {f"{name}{n:02}": year * 100 + n for n in range(1, MONTHS_PER_YEAR + 1)}
        with self._redis.pipeline() as pipe:
            pipe.watch(*map(keys.segment_revision, [name, *months]))  # type: ignore[no-untyped-call]
            pieces = self._merge_inputs(name, months, first)
            over = first > months[max(months)]
            if all(piece.is_up_to_date(year_ended=over) for piece in pieces):
                return False
            made = keys.merge_output(name, uuid4().hex)
            months_in_it = [month for piece in pieces for month in piece.months]
            papers = sum(piece.paper_count for piece in pieces)
            shape = SegmentLayout.for_year(papers, months_in_it, year_ended=over)
            self._write(made, {LAYOUT_FIELD: shape.pack()})
            for fields in YearMerge(self._redis, shape, pieces).parts():
                self._write(made, fields)
            pipe.multi()
            self._swap_in(pipe, name, pieces, made)
            try:
                pipe.execute()
            except WatchError:
                self._redis.unlink(made)
                return False
        return True

    def _write(self, output_key: str, fields: Mapping[bytes, bytes]) -> None:
        with self._redis.pipeline() as pipe:
            pipe.hset(output_key, mapping=cast("dict[Any, Any]", fields))
            pipe.expire(output_key, UNFINISHED_TTL)
            pipe.execute()

    def _merge_inputs(self, year: str, months: Mapping[str, int], first: int) -> list[MergeInput]:
        """What the year is to be made of: its months before the first, and the year as it is."""
        with self._redis.pipeline(transaction=False) as pipe:
            for volume in [year, *months]:
                pipe.hget(keys.segment_postings(volume), LAYOUT_FIELD)
            for month in months:
                pipe.hlen(keys.month_papers(month))
            of_year, *told = pipe.execute()
        shapes = dict(zip(months, told[:MONTHS_PER_YEAR], strict=True))
        sizes = dict(zip(months, told[MONTHS_PER_YEAR:], strict=True))
        opened = [month for month, yyyymm in months.items() if shapes[month] and yyyymm < first]
        parts = [(month, shapes[month], [month]) for month in opened]
        if closed := [month for month in months if shapes[month] == COMPACTED]:
            parts.append((year, of_year, closed))
        return [
            MergeInput(
                name,
                SegmentLayout.unpack(shape),
                tuple(months[m] for m in of),
                sum(sizes[m] for m in of),
            )
            for name, shape, of in parts
        ]

    def _swap_in(
        self, pipe: Pipeline, year: str, inputs: Sequence[MergeInput], output_key: str
    ) -> None:
        """What was made becomes the year's postings."""
        pipe.rename(output_key, keys.segment_postings(year))
        pipe.persist(keys.segment_postings(year))
        pipe.incr(keys.segment_revision(year))
        for month in [piece.segment for piece in inputs if piece.segment != year]:
            pipe.unlink(keys.segment_postings(month))
            pipe.hset(keys.segment_postings(month), LAYOUT_FIELD, COMPACTED)
            pipe.incr(keys.segment_revision(month))
