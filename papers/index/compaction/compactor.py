"""Compaction: merges the past months of a year, so that a query reads one segment a year.

    WATCH the revisions of the year and of its months
    merge the postings of all these months into a temporary key, part by part
    MULTI rename it to the year's, delete the months' own, increment revisions EXEC: all or nothing

A year that has ended gets postings of frequent shingles only, and slots for the others
(`papers.index.compaction.year_merge`).

A paper of a compacted month is written like any other, but its postings are in the year's segment
(`papers.index.writing.month_writer`). A month that appears in a compacted year stays a segment of
its own until the next compaction, which also drops what removed months left in the year's postings.
A compaction killed at any point leaves the segments as they were.

The merge of a dense year takes many seconds, so a task does one slice at a time and lets others go
first in between. What is merged so far is kept under the digest of the revisions that it was merged
from: the next slice goes on there, unless the year was written to, and then begins anew.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Final, NamedTuple, cast

from redis import Redis
from redis.client import Pipeline
from redis.exceptions import WatchError

from papers.index.layout import MONTHS_PER_YEAR, SegmentLayout
from papers.index.postings import COMPACTED, LAYOUT_FIELD
from papers.maintenance.retention import first_kept_month
from papers.model.arxiv_id import stored_month
from papers.redis_backend import keys
from papers.redis_backend.connection import translate_store_errors

if TYPE_CHECKING:
    from papers.index.compaction.year_merge import YearMerge

UNFINISHED_TTL: Final = 600
"""Seconds from the last part written until an unfinished merge output expires."""
PARTS_PER_SLICE: Final = 2
"""Parts of a year, each of some thousand papers' postings, that a slice merges: under a second."""
_MERGED_PARTS_FIELD: Final = b"merged"
"""The field of an unfinished output that counts its parts; not the first byte of any posting's."""
OPEN_MONTHS: Final = 2
"""Months that are written to all day, and never compacted: this one and the last."""


def first_open_month(now: datetime) -> int:
    """Return the first month (YYYYMM) that must not be compacted."""
    return first_kept_month(OPEN_MONTHS, now)


@dataclass(frozen=True, slots=True)
class MergeInput:
    """An input segment of a merge: an open month, or the year as it was.

    It has the postings of `months` (YYYYMM), of `paper_count` papers.
    """

    segment: str
    layout: SegmentLayout
    months: tuple[int, ...]
    paper_count: int

    def is_up_to_date(self, *, year_ended: bool) -> bool:
        """Return whether it is a year without removed months, with slots if it has ended."""
        is_whole_year = self.layout.span_months == MONTHS_PER_YEAR and not self.layout.removed_mask
        return is_whole_year and bool(self.layout.slot_bits) >= year_ended


class CompactionSlice(NamedTuple):
    """What a slice has done: the year it changed, if that is complete; and if more is left."""

    changed_year: int | None
    has_more: bool


class _Outcome(Enum):
    """What came of a year."""

    UNCHANGED = "unchanged"
    UNFINISHED = "unfinished"
    CHANGED = "changed"


class Compactor:
    """Compacts the months of one Redis. Raises StoreUnavailable."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    def newest_month(self) -> int:
        """Return the newest month (YYYYMM) with papers; 0 if there is none."""
        with translate_store_errors(self._redis):
            members: Any = self._redis.zrange(keys.MONTHS, -1, -1)
        return stored_month(members[0].decode()) if members else 0

    def compact_before(self, first: int) -> tuple[int, ...]:
        """Compact the open months before that one (YYYYMM); return the years that changed.

        A year that is written to meanwhile stays as it is until the next compaction.
        """
        with translate_store_errors(self._redis):
            return tuple(
                year
                for year in self._years_before(first)
                if self._compact_year(year, first) is _Outcome.CHANGED
            )

    def compact_slice(self, first: int) -> CompactionSlice:
        """Do a part of `compact_before` that takes about a second; call it while it has more."""
        with translate_store_errors(self._redis):
            years = list(self._years_before(first))
            for year in years:
                outcome = self._compact_year(year, first, PARTS_PER_SLICE)
                if outcome is _Outcome.CHANGED:
                    return CompactionSlice(year, has_more=year != years[-1])
                if outcome is _Outcome.UNFINISHED:
                    return CompactionSlice(None, has_more=True)
        return CompactionSlice(None, has_more=False)

    def _years_before(self, first: int) -> Iterable[int]:
        members: Any = self._redis.zrangebyscore(keys.MONTHS, 0, f"({first}")
        return dict.fromkeys(stored_month(member.decode()) // 100 for member in members)

    def _compact_year(self, year: int, first: int, max_parts: int | None = None) -> _Outcome:
        """Compact a year, or merge some parts of it."""
        # Lazy: the scheduler imports this module and must not load numpy.
        from papers.index.compaction.year_merge import YearMerge

        name = f"{year % 100:02}"
        months = {f"{name}{n:02}": year * 100 + n for n in range(1, MONTHS_PER_YEAR + 1)}
        revision_keys = [*map(keys.segment_revision, [name, *months])]
        with self._redis.pipeline() as pipe:
            pipe.watch(*revision_keys)  # type: ignore[no-untyped-call]
            revisions: Any = pipe.mget(revision_keys)
            inputs = self._merge_inputs(name, months, first)
            year_ended = first > months[max(months)]
            if all(source.is_up_to_date(year_ended=year_ended) for source in inputs):
                return _Outcome.UNCHANGED
            merged_months = [month for source in inputs for month in source.months]
            paper_count = sum(source.paper_count for source in inputs)
            layout = SegmentLayout.for_year(paper_count, merged_months, year_ended=year_ended)
            output_key = keys.merge_output(name, _input_digest(revisions, layout))
            merge = YearMerge(self._redis, layout, inputs)
            if not self._merge_parts(merge, output_key, layout, max_parts):
                return _Outcome.UNFINISHED
            pipe.multi()
            pipe.hdel(output_key, _MERGED_PARTS_FIELD)
            self._swap_in(pipe, name, inputs, output_key)
            try:
                pipe.execute()
            except WatchError:
                self._redis.unlink(output_key)
                return _Outcome.UNCHANGED if max_parts is None else _Outcome.UNFINISHED
        return _Outcome.CHANGED

    def _merge_parts(
        self, merge: YearMerge, output_key: str, layout: SegmentLayout, max_parts: int | None
    ) -> bool:
        """Write the next parts of an output, all or some; return whether it is complete."""
        with self._redis.pipeline() as pipe:
            pipe.expire(output_key, UNFINISHED_TTL)  # first: it must not expire under our hands
            pipe.hget(output_key, _MERGED_PARTS_FIELD)
            _, written = pipe.execute()
        start = int(written or 0)
        end = min(start + (max_parts or merge.part_count), merge.part_count)
        for part in range(start, end):
            progress = {LAYOUT_FIELD: layout.pack(), _MERGED_PARTS_FIELD: b"%d" % (part + 1)}
            self._write(output_key, {**merge.part(part), **progress})
        return end == merge.part_count

    def _write(self, output_key: str, fields: Mapping[bytes, bytes]) -> None:
        with self._redis.pipeline() as pipe:
            pipe.hset(output_key, mapping=cast("dict[Any, Any]", fields))
            pipe.expire(output_key, UNFINISHED_TTL)
            pipe.execute()

    def _merge_inputs(self, year: str, months: Mapping[str, int], first: int) -> list[MergeInput]:
        """Read the inputs of a merge: open months before `first`, and the year as it is."""
        with self._redis.pipeline(transaction=False) as pipe:
            for segment in [year, *months]:
                pipe.hget(keys.segment_postings(segment), LAYOUT_FIELD)
            for month in months:
                pipe.hlen(keys.month_papers(month))
            year_layout, *replies = pipe.execute()
        layouts = dict(zip(months, replies[:MONTHS_PER_YEAR], strict=True))
        sizes = dict(zip(months, replies[MONTHS_PER_YEAR:], strict=True))
        opened = [month for month, yyyymm in months.items() if layouts[month] and yyyymm < first]
        segments = [(month, layouts[month], [month]) for month in opened]
        if compacted := [month for month in months if layouts[month] == COMPACTED]:
            segments.append((year, year_layout, compacted))
        return [
            MergeInput(
                segment,
                SegmentLayout.unpack(packed_layout),
                tuple(months[yymm] for yymm in yymms),
                sum(sizes[yymm] for yymm in yymms),
            )
            for segment, packed_layout, yymms in segments
        ]

    def _swap_in(
        self, pipe: Pipeline, year: str, inputs: Sequence[MergeInput], output_key: str
    ) -> None:
        """Queue the swap: the output becomes the year's postings, the months' own are deleted."""
        pipe.rename(output_key, keys.segment_postings(year))
        pipe.persist(keys.segment_postings(year))
        pipe.incr(keys.segment_revision(year))
        for month in [source.segment for source in inputs if source.segment != year]:
            pipe.unlink(keys.segment_postings(month))
            pipe.hset(keys.segment_postings(month), LAYOUT_FIELD, COMPACTED)
            pipe.incr(keys.segment_revision(month))


def _input_digest(revisions: Sequence[bytes | None], layout: SegmentLayout) -> str:
    """Return the digest of what a merge depends on: equal inputs give the same parts."""
    return blake2b(repr([revisions, layout]).encode(), digest_size=16).hexdigest()
