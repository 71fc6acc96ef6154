"""Writes one month in one transaction: merges sightings into papers, updates postings.

    WATCH the month's revision read the papers of the sightings, merge, and find what changed read
    the postings that change, and edit them add to the global keys what the month will have (they
    may only have too much) MULTI papers, postings, revision EXEC: all or nothing; retried if
    another writer was faster

The postings of a compacted month are in the segment of its year
(`papers.index.compaction.compactor`): then the year's revision is WATCHed and incremented too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final, NamedTuple, TypeVar

from redis import Redis
from redis.client import Pipeline
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError
from redis.exceptions import WatchError

from papers.errors import StoreBusy
from papers.index.layout import SegmentLayout
from papers.index.postings import COMPACTED, LAYOUT_FIELD
from papers.index.term_months import TermMonths
from papers.index.writing.edit import PaperChange, SegmentEdit
from papers.index.writing.global_entries import write_global_entries
from papers.index.writing.ingest_result import MonthResult
from papers.index.writing.term_batch import Vocabulary
from papers.model.arxiv_id import ArxivId
from papers.model.frozen_fields import visible_part
from papers.model.merge import merge
from papers.model.paper import Paper, Sighting
from papers.records import packing
from papers.redis_backend import keys
from papers.redis_backend.connection import RedisCommand, read_many

T = TypeVar("T")

_MAX_TRIES: Final = 50
PARALLEL_PACK_MIN: Final = 200
"""Papers from which on records are packed in a second thread."""
_HashMapping = dict[Any, Any]  # redis-py declares the mapping of hset as an invariant dict


@dataclass(frozen=True, slots=True)
class _MergedPaper:
    """A paper before and after its sightings were merged."""

    before: Paper | None
    after: Paper

    @property
    def is_changed(self) -> bool:
        """Whether the paper must be written."""
        return self.before != self.after

    @property
    def is_visible_change(self) -> bool:
        """Whether readers can see the change: the times of counts and most ranks are not shown."""
        before, after = self.before, self.after
        return (
            before is None
            or before.is_in_community_words != after.is_in_community_words
            or visible_part(before) != visible_part(after)
        )


class MonthWriter:
    """Writes one month: YYYYMM, and the `yymm` of its ids."""

    def __init__(
        self,
        redis: Redis,
        month: int,
        yymm: str,
        term_months: TermMonths,
        vocabulary: Vocabulary,
        *,
        now: datetime | None = None,
    ) -> None:
        """Write as of `now`; without it first picks join no list."""
        self._redis, self._now = redis, now
        self._term_months, self._vocabulary = term_months, vocabulary
        self._month, self._yymm = month, yymm
        self._papers_key = keys.month_papers(yymm)
        self._was_interrupted = False

    def write(self, sightings: Sequence[Sighting | Paper]) -> MonthResult:
        """Merge sightings, or whole papers, of this month. Raises StoreBusy."""
        result = self._transact(lambda pipe: self._try_write(pipe, sightings))
        return replace(result, may_hide_changes=self._was_interrupted)

    def reindex(self) -> None:
        """Rebuild the month's postings from its papers. Raises StoreBusy."""
        self._transact(self._try_reindex)

    def _try_reindex(self, pipe: Pipeline) -> None:
        write = self._edit_index(pipe, self._read_month([]), [], rebuild=True)
        pipe.multi()
        self._queue_commands(pipe, write, {})
        pipe.execute()

    def _transact(self, attempt: Callable[[Pipeline], T]) -> T:
        for _ in range(_MAX_TRIES):
            with self._redis.pipeline() as pipe:
                try:
                    pipe.watch(keys.segment_revision(self._yymm))  # type: ignore[no-untyped-call]
                    return attempt(pipe)
                except WatchError as error:
                    cause = error.__context__  # redis-py's, and ours, of a broken connection
                    if isinstance(cause, RedisConnectionError | RedisTimeoutError):
                        self._was_interrupted = True
        raise StoreBusy(
            f"month {self._yymm}: another writer was faster {_MAX_TRIES} times; try again later"
        )

    def _try_write(self, pipe: Pipeline, sightings: Sequence[Sighting | Paper]) -> MonthResult:
        ids = {sighting.id.number: sighting.id for sighting in sightings}
        month = self._read_month([ids[number] for number in sorted(ids)])
        records = _merge_sightings(month.papers, sightings)
        changed = [record for record in records if record.is_changed]
        if changed:
            self._commit_changes(pipe, month, changed)
        visible = [record for record in changed if record.is_visible_change]
        return MonthResult(
            new=tuple(record.after.id for record in visible if record.before is None),
            changed=tuple(record.after.id for record in visible if record.before is not None),
            unchanged=len(records) - len(visible),
            replaced=tuple(record.before for record in visible if record.before is not None),
        )

    def _commit_changes(
        self, pipe: Pipeline, month: _MonthState, changed: Sequence[_MergedPaper]
    ) -> None:
        """Write the changed papers; a thread packs many records while postings are edited."""
        papers = [record.after for record in changed]
        if len(papers) < PARALLEL_PACK_MIN:
            packed, write = packing.pack_all(papers), self._edit_index(pipe, month, changed)
        else:
            with ThreadPoolExecutor(max_workers=1) as executor:
                future = executor.submit(packing.pack_all, papers)
                write = self._edit_index(pipe, month, changed)
                packed = future.result()
        fields = [keys.paper_field(paper.id.number) for paper in papers]
        pipe.multi()
        self._queue_commands(pipe, write, dict(zip(fields, packed, strict=True)))
        pipe.execute()

    def _read_month(self, ids: Sequence[ArxivId]) -> _MonthState:
        """Read the month's size, layout and some of its papers: one round trip, after the WATCH."""
        fields = [keys.paper_field(id.number) for id in ids]
        commands: list[RedisCommand] = [
            ("HLEN", self._papers_key),
            ("HGET", keys.segment_postings(self._yymm), LAYOUT_FIELD),
        ]
        if fields:
            commands.append(("HMGET", self._papers_key, *fields))
        size, packed_layout, *packed = read_many(self._redis, commands)
        values = zip(ids, packed[0] if packed else (), strict=True)
        papers = {id: packing.unpack(id, value) if value else None for id, value in values}
        return _MonthState(int(size), packed_layout, papers)

    def _edit_index(
        self,
        pipe: Pipeline,
        month: _MonthState,
        changed: Sequence[_MergedPaper],
        *,
        rebuild: bool = False,
    ) -> _SegmentWrite:
        """Return the writes to the postings.

        A month that outgrows its layout is rebuilt from its papers.
        """
        if month.packed_layout == COMPACTED and not rebuild:
            return self._edit_year_segment(pipe, changed)
        needed = SegmentLayout.for_month(
            month.paper_count + sum(record.before is None for record in changed)
        )
        if (
            rebuild
            or month.packed_layout is None
            or needed > SegmentLayout.unpack(month.packed_layout)
        ):
            edit = SegmentEdit(needed, self._all_as_new(pipe, month, changed), self._vocabulary)
            self._write_global_entries(changed, edit.gaining_terms)
            return _SegmentWrite(
                self._yymm, edit.apply({}) | {LAYOUT_FIELD: needed.pack()}, is_rebuild=True
            )
        return self._edit_segment(pipe, self._yymm, month.packed_layout, changed)

    def _edit_year_segment(self, pipe: Pipeline, changed: Sequence[_MergedPaper]) -> _SegmentWrite:
        year = self._yymm[:2]
        pipe.watch(keys.segment_revision(year))  # type: ignore[no-untyped-call]
        packed_layout: Any = pipe.hget(keys.segment_postings(year), LAYOUT_FIELD)
        return self._edit_segment(pipe, year, packed_layout, changed)

    def _edit_segment(
        self, pipe: Pipeline, segment: str, packed_layout: bytes, changed: Sequence[_MergedPaper]
    ) -> _SegmentWrite:
        changes = [PaperChange(record.before, record.after) for record in changed]
        edit = SegmentEdit(SegmentLayout.unpack(packed_layout), changes, self._vocabulary)
        names = edit.field_names()
        values: Any = pipe.hmget(keys.segment_postings(segment), names) if names else []
        self._write_global_entries(changed, edit.gaining_terms)
        return _SegmentWrite(segment, edit.apply(dict(zip(names, values, strict=True))))

    def _all_as_new(
        self, pipe: Pipeline, month: _MonthState, changed: Sequence[_MergedPaper]
    ) -> Iterable[PaperChange]:
        stored: Any = pipe.hgetall(self._papers_key) if month.paper_count else {}
        papers = {record.after.id.number: record.after for record in changed}
        for field, packed in stored.items():
            id = ArxivId(self._month, keys.paper_number(field))
            papers.setdefault(id.number, packing.unpack(id, packed))
        return [PaperChange(None, paper) for paper in papers.values()]

    def _write_global_entries(self, changed: Sequence[_MergedPaper], gaining: Set[bytes]) -> None:
        """Add to the global keys; harmless if the transaction then fails."""
        self._term_months.add_month(self._month, gaining)
        changes = [(record.before, record.after) for record in changed]
        write_global_entries(self._redis, self._month, self._yymm, changes, self._now)

    def _queue_commands(self, pipe: Pipeline, write: _SegmentWrite, packed: _HashMapping) -> None:
        postings_key = keys.segment_postings(write.segment)
        if packed:
            pipe.hset(self._papers_key, mapping=packed)
        if write.is_rebuild:
            pipe.delete(postings_key)
        written: _HashMapping = {
            name: value for name, value in write.fields.items() if value is not None
        }
        deleted = [name for name, value in write.fields.items() if value is None]
        if written:
            pipe.hset(postings_key, mapping=written)
        if deleted and not write.is_rebuild:
            pipe.hdel(postings_key, *deleted)
        for segment in {write.segment, self._yymm}:
            pipe.incr(keys.segment_revision(segment))


@dataclass(frozen=True, slots=True)
class _SegmentWrite:
    """The fields of a segment that change, with their new values; None for one to be deleted.

    With `is_rebuild` all other fields are deleted.
    """

    segment: str
    fields: Mapping[bytes, bytes | None]
    is_rebuild: bool = False


class _MonthState(NamedTuple):
    """A month before the write: its number of papers, packed layout, and the papers requested."""

    paper_count: int
    packed_layout: bytes | None
    papers: Mapping[ArxivId, Paper | None]


def _merge_sightings(
    before: Mapping[ArxivId, Paper | None], sightings: Sequence[Sighting | Paper]
) -> list[_MergedPaper]:
    after = {id.number: paper for id, paper in before.items()}
    for sighting in sightings:
        number = sighting.id.number
        after[number] = merge(after[number], sighting)
    return [
        _MergedPaper(known, paper)
        for known, paper in zip(before.values(), after.values(), strict=True)
        if paper is not None
    ]
