"""Files of many papers into the store: `paperwire load`.

cut         one process reads, uncompresses and cuts a file into portions of records, mostly of a
            month each, since the store writes many papers of one month best
take in     others read the portions and store them, so many at a time as there are processes,
            but one of each month: where one has to wait, those of other months go ahead
keep track  portions are counted in the order of the file, and only then is it noted how far it is:
            whoever goes on after a death repeats the last ones, which changes nothing

What cannot be read is set aside with its line. A file is known by what is in it, not by its name.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Executor, Future
from concurrent.futures.process import BrokenProcessPool
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from typing import Any, Final

from redis import Redis

from papers.errors import BadParameter, StoreError
from papers.redis_backend import keys
from papers.redis_backend.connection import store_errors
from papers.state.task_states import Progress, SetAside, SourceStates
from workers.bulk.bulk_file import BulkFile, Reading, base, found
from workers.bulk.portions import Done, Portion, portions
from workers.bulk.processes import take_in
from workers.ingest.pipeline import Clock

MOST_KEPT: Final = 200
"""Records of one file that are set aside with their text; of more only the number is told."""

FORMS: Final = "arXiv's metadata snapshot, answers of OAI-PMH, and what `paperwire export` writes"


@dataclass(frozen=True, slots=True)
class Position:
    """How far the load of a file is: all before byte `offset` (uncompressed) is stored.

    `records` are those stored, set aside, deleted and too old; `new` and `changed` are papers, as
    they were when they were counted: of a portion that is repeated none may be new.
    """

    file: str
    began: datetime
    updated: datetime
    offset: int = 0
    line: int = 0
    records: int = 0
    new: int = 0
    changed: int = 0
    set_aside: int = 0
    deleted: int = 0
    too_old: int = 0
    ended: bool = False

    def after(self, portion: Portion, done: Done, now: datetime) -> Position:
        """Once a portion is stored."""
        return replace(
            self,
            updated=now,
            offset=portion.end,
            line=portion.last_line,
            records=self.records + len(portion.records),
            new=self.new + done.new,
            changed=self.changed + done.changed,
            set_aside=self.set_aside + len(done.bad),
            deleted=self.deleted + done.deleted,
            too_old=self.too_old + done.too_old,
        )


class Positions:
    """How far every file is that was ever loaded, in Redis, by its identity. Raises StoreAway."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    def get(self, identity: str) -> Position | None:
        """How far a file is; None for one that was never begun, or has no identity."""
        with store_errors(self._redis):
            text: Any = self._redis.hget(keys.LOADS, identity) if identity else None
        return _decoded(text) if text else None

    def put(self, identity: str, position: Position) -> None:
        """Keep how far a file is."""
        if identity:
            with store_errors(self._redis):
                self._redis.hset(keys.LOADS, identity, _encoded(position))


@dataclass(frozen=True, slots=True)
class At:
    """A moment of a load: `passed` bytes of the file, as it lies on the disk, were read."""

    file: BulkFile
    position: Position
    passed: int


@dataclass(slots=True)
class _Ahead:
    """A portion that is not yet counted; `storing` once it is begun."""

    portion: Portion
    storing: Future[Done] | None = None


@dataclass(slots=True)
class Load:
    """Loads files one after the other through one executor (`workers.bulk.processes`).

    `first` is the first month (YYYYMM) that is kept here. Raises StoreError, BadParameter where
    nothing in a file can be read, SourceGarbled where a compressed one is damaged.
    """

    redis: Redis
    executor: Executor
    processes: int
    clock: Clock
    first: int = 0
    _states: SourceStates = field(init=False)
    _positions: Positions = field(init=False)

    def __post_init__(self) -> None:
        self._states, self._positions = SourceStates(self.redis), Positions(self.redis)

    def load(self, name: str, *, again: bool = False) -> Iterator[At]:
        """A file from where it was left, `again` from its beginning; one moment a portion."""
        file, now = found(name), self.clock()
        position = None if again else self._positions.get(file.identity)
        position = position or Position(base(name), now, now)
        yield At(file, position, 0)
        if position.ended:
            return
        try:
            with file.opened() as reading:
                for moved in self._stored(reading, position):
                    position = moved
                    self._positions.put(file.identity, position)
                    self._show(position)
                    yield At(file, position, reading.passed)
        finally:
            self._states.end_progress(task(position.file))
        position = replace(position, ended=True, updated=self.clock())
        self._positions.put(file.identity, position)
        yield At(file, position, file.size or 0)

    def _stored(self, reading: Reading, position: Position) -> Iterator[Position]:
        """The position after each portion, in the order of the file."""
        start = position.offset
        ahead = (piece for piece in reading.pieces() if piece.end > start)
        for portion, done in self._taken_in(portions(ahead)):
            self._check(position, portion, done)
            position = self._counted(position, portion, done)
            yield position

    def _taken_in(self, cut: Iterable[Portion]) -> Iterator[tuple[Portion, Done]]:
        """Portions with what became of them, in their order; few are in memory at a time."""
        ahead: deque[_Ahead] = deque()
        try:
            for portion in cut:
                ahead.append(_Ahead(portion))
                self._begin(ahead)
                while self._enough(ahead):
                    yield self._first(ahead)
            while ahead:
                yield self._first(ahead)
        finally:
            for one in ahead:
                if one.storing:
                    one.storing.cancel()

    def _enough(self, ahead: Sequence[_Ahead]) -> bool:
        """Whether all processes are busy, or memory is full of what has to wait."""
        begun = sum(one.storing is not None for one in ahead)
        return begun > self.processes or len(ahead) > 2 * self.processes

    def _first(self, ahead: deque[_Ahead]) -> tuple[Portion, Done]:
        """The first portion, once it is stored; then what waited for it is begun."""
        first = ahead[0]
        assert first.storing is not None
        done = _result(first.storing)
        ahead.popleft()
        self._begin(ahead)
        return first.portion, done

    def _begin(self, ahead: Iterable[_Ahead]) -> None:
        """Have portions stored, but one of each month: two would only repeat each other."""
        busy: set[bytes] = set()
        for one in ahead:
            month = one.portion.month
            if one.storing is None and month not in busy:
                one.storing = self._submitted(one.portion)
            if month and not (one.storing and one.storing.done()):
                busy.add(month)

    def _submitted(self, portion: Portion) -> Future[Done]:
        try:
            return self.executor.submit(take_in, portion.records, self.clock(), self.first)
        except BrokenProcessPool as error:
            raise _broken() from error

    def _check(self, before: Position, portion: Portion, done: Done) -> None:
        """A whole portion that cannot be read, at the very beginning, is a wrong file."""
        if before.records == 0 and len(done.bad) == len(portion.records) > 1:
            worst = done.bad[0]
            raise BadParameter(
                "FILE",
                f"{before.file}: none of its first {len(done.bad):,} records can be read "
                f"(line {worst.line}: {worst.reason}); there is {FORMS}",
            )

    def _counted(self, position: Position, portion: Portion, done: Done) -> Position:
        """The position after a portion; what is bad in it is set aside first."""
        now, name = self.clock(), task(position.file)
        room = max(0, MOST_KEPT - position.set_aside)
        records = [
            SetAside(name, now, f"line {bad.line}: {bad.reason}", bad.excerpt)
            for bad in done.bad[:room]
        ]
        self._states.quarantine_once(records)
        return position.after(portion, done, now)

    def _show(self, at: Position) -> None:
        self._states.put_progress(Progress(task(at.file), at.records, None, at.began, at.updated))


def task(file: str) -> str:
    """What the load of a file is called in progress and quarantine."""
    return f"load:{file}"


def _result(future: Future[Done]) -> Done:
    try:
        return future.result()
    except BrokenProcessPool as error:
        raise _broken() from error


def _broken() -> StoreError:
    return StoreError("a process of the load was killed; the same command goes on where it was")


def _encoded(position: Position) -> str:
    values = asdict(position)
    return json.dumps(values | {name: values[name].isoformat() for name in ("began", "updated")})


def _decoded(text: bytes) -> Position:
    values = json.loads(text)
    times = {name: datetime.fromisoformat(values[name]) for name in ("began", "updated")}
    return Position(**values | times)
