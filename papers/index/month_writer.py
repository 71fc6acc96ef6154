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
from papers.index.edit import Change, Edit
from papers.index.layout import Shape
from papers.index.postings import CLOSED, SHAPE
from papers.index.term_batch import Vocabulary
from papers.index.term_months import Spread
from papers.model import packing
from papers.model.arxiv_id import ArxivId
from papers.model.merge import merge
from papers.model.paper import Paper, Sighting
from papers.redis_backend import keys
from papers.redis_backend.connection import Command, read_many

T = TypeVar("T")

TRIES: Final = 50
MANY: Final = 200
"""Papers that are worth a thread."""
_Mapping = dict[Any, Any]  # what redis-py's hset takes, which it declares as invariant


@dataclass(frozen=True, slots=True)
class Written:
    """What a transaction did: ids that are new, ids a reader sees changed, and how many neither."""

    new: tuple[ArxivId, ...] = ()
    changed: tuple[ArxivId, ...] = ()
    unchanged: int = 0


@dataclass(frozen=True, slots=True)
class _Record:
    """A paper before and after the sightings of it."""

    before: Paper | None
    after: Paper

    @property
    def changed(self) -> bool:
        """Whether anything is to be written."""
        return self.before != self.after

    @property
    def seen(self) -> bool:
        """Whether a reader can see the change: how good a statement is, or of when, nobody does."""
        return self.before is None or shown(self.before) != shown(self.after)


class MonthWriter:
    """Writes to one month (an id's `yymm`)."""

    def __init__(
        self, redis: Redis, month: int, yymm: str, spread: Spread, vocabulary: Vocabulary
    ) -> None:
        self._redis = redis
        self._spread, self._vocabulary = spread, vocabulary
        self._month, self._yymm = month, yymm
        self._papers = keys.month_papers(yymm)

    def write(self, sightings: Sequence[Sighting | Paper]) -> Written:
        """Take sightings of this month's papers in. Raises StoreBusy."""
        return self._transact(lambda pipe: self._attempt(pipe, sightings))

    def index_anew(self) -> None:
        """Make the index of all the month's papers, as this version has it. Raises StoreBusy."""
        self._transact(self._attempt_anew)

    def _attempt_anew(self, pipe: Pipeline) -> None:
        edited = self._edited(pipe, self._read([]), [], anew=True)
        pipe.multi()
        self._queue(pipe, edited, {})
        pipe.execute()

    def _transact(self, attempt: Callable[[Pipeline], T]) -> T:
        for _ in range(TRIES):
            with self._redis.pipeline() as pipe:
                try:
                    pipe.watch(keys.rev(self._yymm))  # type: ignore[no-untyped-call]
                    return attempt(pipe)
                except WatchError:
                    continue
        raise StoreBusy(
            f"month {self._yymm}: another writer was faster {TRIES} times; try again later"
        )

    def _attempt(self, pipe: Pipeline, sightings: Sequence[Sighting | Paper]) -> Written:
        ids = {sighting.id.number: sighting.id for sighting in sightings}
        month = self._read([ids[number] for number in sorted(ids)])
        records = _merged(month.papers, sightings)
        changed = [record for record in records if record.changed]
        if changed:
            self._write(pipe, month, changed)
        seen = [record for record in changed if record.seen]
        return Written(
            new=tuple(record.after.id for record in seen if record.before is None),
            changed=tuple(record.after.id for record in seen if record.before is not None),
            unchanged=len(records) - len(seen),
        )

    def _write(self, pipe: Pipeline, month: _Month, changed: Sequence[_Record]) -> None:
        """Of many papers the records are packed while postings are edited: two processors' work."""
        papers = [record.after for record in changed]
        if len(papers) < MANY:
            packed, edited = packing.pack_all(papers), self._edited(pipe, month, changed)
        else:
            with ThreadPoolExecutor(max_workers=1) as beside:
                future = beside.submit(packing.pack_all, papers)
                edited = self._edited(pipe, month, changed)
                packed = future.result()
        pipe.multi()
        self._queue(pipe, edited, dict(zip(map(_field, papers), packed, strict=True)))
        pipe.execute()

    def _read(self, ids: Sequence[ArxivId]) -> _Month:
        """The month as it is, and some of its papers; one round trip, after the WATCH."""
        numbers = [keys.paper_field(id.number) for id in ids]
        asked: list[Command] = [
            ("HLEN", self._papers),
            ("HGET", keys.terms(self._yymm), SHAPE),
        ]
        if numbers:
            asked.append(("HMGET", self._papers, *numbers))
        size, shape, *packed = read_many(self._redis, asked)
        values = zip(ids, packed[0] if packed else (), strict=True)
        papers = {id: packing.unpack(id, value) if value else None for id, value in values}
        return _Month(int(size), shape, papers)

    def _edited(
        self, pipe: Pipeline, month: _Month, changed: Sequence[_Record], *, anew: bool = False
    ) -> _Edited:
        """The postings after the change.

        A month that outgrows its shape is indexed anew, from its papers.
        """
        if month.shape == CLOSED and not anew:
            return self._edited_with_year(pipe, changed)
        wanted = Shape.for_papers(month.size + sum(record.before is None for record in changed))
        if anew or month.shape is None or wanted > Shape.unpack(month.shape):
            edit = Edit(wanted, self._everything(pipe, month, changed), self._vocabulary)
            self._announce(changed, edit.gaining)
            return _Edited(self._yymm, edit.apply({}) | {SHAPE: wanted.pack()}, anew=True)
        return self._edited_in(pipe, self._yymm, month.shape, changed)

    def _edited_with_year(self, pipe: Pipeline, changed: Sequence[_Record]) -> _Edited:
        year = self._yymm[:2]
        pipe.watch(keys.rev(year))  # type: ignore[no-untyped-call]
        shape: Any = pipe.hget(keys.terms(year), SHAPE)
        return self._edited_in(pipe, year, shape, changed)

    def _edited_in(
        self, pipe: Pipeline, volume: str, shape: bytes, changed: Sequence[_Record]
    ) -> _Edited:
        changes = [Change(record.before, record.after) for record in changed]
        edit = Edit(Shape.unpack(shape), changes, self._vocabulary)
        names = edit.fields()
        values: Any = pipe.hmget(keys.terms(volume), names) if names else []
        self._announce(changed, edit.gaining)
        return _Edited(volume, edit.apply(dict(zip(names, values, strict=True))))

    def _everything(
        self, pipe: Pipeline, month: _Month, changed: Sequence[_Record]
    ) -> Iterable[Change]:
        stored: Any = pipe.hgetall(self._papers) if month.size else {}
        numbers = {record.after.id.number: record.after for record in changed}
        for number, packed in stored.items():
            id = ArxivId(self._month, _number(number))
            numbers.setdefault(id.number, packing.unpack(id, packed))
        return [Change(None, paper) for paper in numbers.values()]

    def _announce(self, changed: Sequence[_Record], gaining: Set[bytes]) -> None:
        """Say outside the month what it will hold; should the transaction fail, it is too much."""
        papers = [record.after for record in changed]
        picks = {
            str(paper.id): paper.first_picked_at.timestamp()
            for paper in papers
            if paper.first_picked_at
        }
        bare = [str(paper.id) for paper in papers if not paper.from_arxiv]
        self._spread.note(self._month, gaining)
        with self._redis.pipeline(transaction=False) as pipe:
            pipe.zadd(keys.MONTHS, {self._yymm: self._month})
            if picks:
                pipe.zadd(keys.PICKS, picks, lt=True)
            if bare:
                pipe.sadd(keys.UNDESCRIBED, *bare)
            pipe.execute()

    def _queue(self, pipe: Pipeline, edited: _Edited, packed: _Mapping) -> None:
        terms = keys.terms(edited.volume)
        if packed:
            pipe.hset(self._papers, mapping=packed)
        if edited.anew:
            pipe.delete(terms)
        written: _Mapping = {
            name: value for name, value in edited.fields.items() if value is not None
        }
        gone = [name for name, value in edited.fields.items() if value is None]
        if written:
            pipe.hset(terms, mapping=written)
        if gone and not edited.anew:
            pipe.hdel(terms, *gone)
        for volume in {edited.volume, self._yymm}:
            pipe.incr(keys.rev(volume))


@dataclass(frozen=True, slots=True)
class _Edited:
    """What becomes of the index of a volume; `anew`: nothing of it is kept.

    `fields` are those that change, with their new values.
    """

    volume: str
    fields: Mapping[bytes, bytes | None]
    anew: bool = False


class _Month(NamedTuple):
    """A month before: how many papers it has, its packed shape, and those that are asked for."""

    size: int
    shape: bytes | None
    papers: Mapping[ArxivId, Paper | None]


def _merged(
    before: Mapping[ArxivId, Paper | None], sightings: Sequence[Sighting | Paper]
) -> list[_Record]:
    after = {id.number: paper for id, paper in before.items()}
    for sighting in sightings:
        number = sighting.id.number
        after[number] = merge(after[number], sighting)
    return [
        _Record(known, paper)
        for known, paper in zip(before.values(), after.values(), strict=True)
        if paper is not None
    ]


def _field(paper: Paper) -> bytes:
    return keys.paper_field(paper.id.number)


def _number(field: bytes) -> int:
    return int.from_bytes(field, "big")


def shown(paper: Paper) -> Paper:
    """A paper without what no reader sees: how good each statement is, and of when a count is."""
    picks = tuple(replace(pick, counted_at=None) for pick in paper.picks)
    return paper._replace(picks=picks, ranks=())
