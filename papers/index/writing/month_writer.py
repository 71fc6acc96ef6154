"""One month, one transaction: sightings in, papers and postings out.

WATCH the month's count of transactions
read the papers the sightings are of, merge, and see what changed
read the postings that change, edit them
say outside the month what it will hold (may only say too much)
MULTI papers, postings, count EXEC: all or nothing; tried again if another was faster

The postings are the month's own, or lie with those of its year
(`papers.index.compaction.compactor`): then the count of the year's transactions is WATCHed and
moves as well.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any, Final, NamedTuple, TypeVar

from redis import Redis
from redis.client import Pipeline
from redis.exceptions import WatchError

from papers.errors import StoreBusy
from papers.index.writing.edit import PaperChange, SegmentEdit
from papers.index.layout import SegmentLayout
from papers.index.postings import COMPACTED, LAYOUT_FIELD
from papers.index.writing.term_batch import Vocabulary
from papers.index.term_months import TermMonths
from papers.model import packing
from papers.model.arxiv_id import ArxivId
from papers.model.merge import merge
from papers.model.paper import Paper, Sighting
from papers.redis_backend import keys
from papers.redis_backend.connection import RedisCommand, read_many

T = TypeVar("T")

_MAX_TRIES: Final = 50
PARALLEL_PACK_MIN: Final = 200
"""Papers that are worth a thread."""
_HashMapping = dict[Any, Any]  # what redis-py's hset takes, which it declares as invariant


@dataclass(frozen=True, slots=True)
class MonthResult:
    """What a transaction did: ids that are new, ids a reader sees changed, and how many neither."""

    new: tuple[ArxivId, ...] = ()
    changed: tuple[ArxivId, ...] = ()
    unchanged: int = 0


@dataclass(frozen=True, slots=True)
class _MergedPaper:
    """A paper before and after the sightings of it."""

    before: Paper | None
    after: Paper

    @property
    def is_changed(self) -> bool:
        """Whether anything is to be written."""
        return self.before != self.after

    @property
    def is_visible_change(self) -> bool:
        """Whether a reader can see the change: how good a statement is, or of when, nobody does."""
        return self.before is None or visible_part(self.before) != visible_part(self.after)


class MonthWriter:
    """Writes to one month (an id's `yymm`)."""

    def __init__(
        self, redis: Redis, month: int, yymm: str, term_months: TermMonths, vocabulary: Vocabulary
    ) -> None:
        self._redis = redis
        self._term_months, self._vocabulary = term_months, vocabulary
        self._month, self._yymm = month, yymm
        self._papers_key = keys.month_papers(yymm)

    def write(self, sightings: Sequence[Sighting | Paper]) -> MonthResult:
        """Take sightings of this month's papers in. Raises StoreBusy."""
        return self._transact(lambda pipe: self._try_write(pipe, sightings))

    def reindex(self) -> None:
        """Make the index of all the month's papers, as this version has it. Raises StoreBusy."""
        self._transact(self._try_reindex)

    def _try_reindex(self, pipe: Pipeline) -> None:
        edited = self._edit_index(pipe, self._read_month([]), [], rebuild=True)
        pipe.multi()
        self._queue_commands(pipe, edited, {})
        pipe.execute()

    def _transact(self, attempt: Callable[[Pipeline], T]) -> T:
        for _ in range(_MAX_TRIES):
            with self._redis.pipeline() as pipe:
                try:
                    pipe.watch(keys.segment_revision(self._yymm))  # type: ignore[no-untyped-call]
                    return attempt(pipe)
                except WatchError:
                    continue
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
        seen = [record for record in changed if record.is_visible_change]
        return MonthResult(
            new=tuple(record.after.id for record in seen if record.before is None),
            changed=tuple(record.after.id for record in seen if record.before is not None),
            unchanged=len(records) - len(seen),
        )

    def _commit_changes(
        self, pipe: Pipeline, month: _MonthState, changed: Sequence[_MergedPaper]
    ) -> None:
        """Of many papers the records are packed while postings are edited: two processors' work."""
        papers = [record.after for record in changed]
        if len(papers) < PARALLEL_PACK_MIN:
            packed, edited = packing.pack_all(papers), self._edit_index(pipe, month, changed)
        else:
            with ThreadPoolExecutor(max_workers=1) as beside:
                future = beside.submit(packing.pack_all, papers)
                edited = self._edit_index(pipe, month, changed)
                packed = future.result()
        pipe.multi()
        self._queue_commands(
            pipe, edited, dict(zip(map(_field_of_paper, papers), packed, strict=True))
        )
        pipe.execute()

    def _read_month(self, ids: Sequence[ArxivId]) -> _MonthState:
        """The month as it is, and some of its papers; one round trip, after the WATCH."""
        numbers = [keys.paper_field(id.number) for id in ids]
        asked: list[RedisCommand] = [
            ("HLEN", self._papers_key),
            ("HGET", keys.segment_postings(self._yymm), LAYOUT_FIELD),
        ]
        if numbers:
            asked.append(("HMGET", self._papers_key, *numbers))
        size, shape, *packed = read_many(self._redis, asked)
        values = zip(ids, packed[0] if packed else (), strict=True)
        papers = {id: packing.unpack(id, value) if value else None for id, value in values}
        return _MonthState(int(size), shape, papers)

    def _edit_index(
        self,
        pipe: Pipeline,
        month: _MonthState,
        changed: Sequence[_MergedPaper],
        *,
        rebuild: bool = False,
    ) -> _SegmentWrite:
        """The postings after the change.

        A month that outgrows its shape is indexed anew, from its papers.
        """
        if month.packed_layout == COMPACTED and not rebuild:
            return self._edit_year_segment(pipe, changed)
        wanted = SegmentLayout.for_month(
            month.paper_count + sum(record.before is None for record in changed)
        )
        if (
            rebuild
            or month.packed_layout is None
            or wanted > SegmentLayout.unpack(month.packed_layout)
        ):
            edit = SegmentEdit(wanted, self._all_as_new(pipe, month, changed), self._vocabulary)
            self._write_global_entries(changed, edit.gaining_terms)
            return _SegmentWrite(
                self._yymm, edit.apply({}) | {LAYOUT_FIELD: wanted.pack()}, is_rebuild=True
            )
        return self._edit_segment(pipe, self._yymm, month.packed_layout, changed)

    def _edit_year_segment(self, pipe: Pipeline, changed: Sequence[_MergedPaper]) -> _SegmentWrite:
        year = self._yymm[:2]
        pipe.watch(keys.segment_revision(year))  # type: ignore[no-untyped-call]
        shape: Any = pipe.hget(keys.segment_postings(year), LAYOUT_FIELD)
        return self._edit_segment(pipe, year, shape, changed)

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
        numbers = {record.after.id.number: record.after for record in changed}
        for number, packed in stored.items():
            id = ArxivId(self._month, _number_of_field(number))
            numbers.setdefault(id.number, packing.unpack(id, packed))
        return [PaperChange(None, paper) for paper in numbers.values()]

    def _write_global_entries(self, changed: Sequence[_MergedPaper], gaining: Set[bytes]) -> None:
        """Say outside the month what it will hold; should the transaction fail, it is too much."""
        papers = [record.after for record in changed]
        picks = {
            str(paper.id): paper.first_picked_at.timestamp()
            for paper in papers
            if paper.first_picked_at
        }
        bare = [str(paper.id) for paper in papers if not paper.is_from_arxiv]
        self._term_months.add_month(self._month, gaining)
        with self._redis.pipeline(transaction=False) as pipe:
            pipe.zadd(keys.MONTHS, {self._yymm: self._month})
            if picks:
                pipe.zadd(keys.PICKS, picks, lt=True)
            if bare:
                pipe.sadd(keys.UNDESCRIBED, *bare)
            pipe.execute()

    def _queue_commands(self, pipe: Pipeline, edited: _SegmentWrite, packed: _HashMapping) -> None:
        terms = keys.segment_postings(edited.segment)
        if packed:
            pipe.hset(self._papers_key, mapping=packed)
        if edited.is_rebuild:
            pipe.delete(terms)
        written: _HashMapping = {
            name: value for name, value in edited.fields.items() if value is not None
        }
        gone = [name for name, value in edited.fields.items() if value is None]
        if written:
            pipe.hset(terms, mapping=written)
        if gone and not edited.is_rebuild:
            pipe.hdel(terms, *gone)
        for volume in {edited.segment, self._yymm}:
            pipe.incr(keys.segment_revision(volume))


@dataclass(frozen=True, slots=True)
class _SegmentWrite:
    """What becomes of the index of a volume; `anew`: nothing of it is kept.

    `fields` are those that change, with their new values.
    """

    segment: str
    fields: Mapping[bytes, bytes | None]
    is_rebuild: bool = False


class _MonthState(NamedTuple):
    """A month before: how many papers it has, its packed shape, and those that are asked for."""

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


def _field_of_paper(paper: Paper) -> bytes:
    return keys.paper_field(paper.id.number)


def _number_of_field(field: bytes) -> int:
    return int.from_bytes(field, "big")


def visible_part(paper: Paper) -> Paper:
    """A paper without what no reader sees: how good each statement is, and of when a count is."""
    picks = tuple(replace(pick, counted_at=None) for pick in paper.picks)
    return paper._replace(picks=picks, ranks=())
