"""Bulk load of files into the store: `paperwire load`.

split       one process reads, decompresses and splits a file into portions of records, mostly of
            one month each, since the store writes many papers of one month most efficiently
ingest      other processes parse the portions and store them: as many at a time as there are
            processes, but one of each month; while one waits, those of other months go ahead
checkpoint  portions are counted in file order, and only then is the position saved: a load that
            resumes after a crash repeats the last portions, which changes nothing

Unreadable records are quarantined with their line numbers. A file is identified by its content, not
by its name.
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
from papers.redis_backend.connection import translate_store_errors
from papers.state.task_states import Progress, QuarantinedRecord, TaskStates
from workers.bulk.bulk_file import BulkFile, BulkReader, display_name, find_bulk_file
from workers.bulk.portions import Portion, PortionResult, split_portions
from workers.bulk.processes import ingest_in_process
from workers.schedule.clock import Clock

MAX_QUARANTINED: Final = 200
"""Records of one file that are quarantined with their text; any beyond are only counted."""

FORMATS_IN_WORDS: Final = (
    "arXiv's metadata snapshot, responses of OAI-PMH, and the output of `export papers`"
)


@dataclass(frozen=True, slots=True)
class LoadPosition:
    """How far the load of a file is: everything before byte `offset` (uncompressed) is stored.

    `records` counts those stored, quarantined, deleted and too old. `new` and `changed` count
    papers when their portion was counted: in a repeated portion none may be new.
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

    def advance(self, portion: Portion, done: PortionResult, now: datetime) -> LoadPosition:
        """Return the position after a portion is stored."""
        return replace(
            self,
            updated=now,
            offset=portion.end_offset,
            line=portion.last_line,
            records=self.records + len(portion.records),
            new=self.new + done.new,
            changed=self.changed + done.changed,
            set_aside=self.set_aside + len(done.bad_records),
            deleted=self.deleted + done.deleted,
            too_old=self.too_old + done.too_old,
        )


class LoadPositions:
    """The positions of all files ever loaded, in Redis, by identity. Raises StoreUnavailable."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    def get(self, identity: str) -> LoadPosition | None:
        """Return the position of a file; None if it was never begun or has no identity."""
        with translate_store_errors(self._redis):
            text: Any = self._redis.hget(keys.BULK_LOADS, identity) if identity else None
        return _decoded(text) if text else None

    def put(self, identity: str, position: LoadPosition) -> None:
        """Save the position of a file."""
        if identity:
            with translate_store_errors(self._redis):
                self._redis.hset(keys.BULK_LOADS, identity, _encoded(position))


@dataclass(frozen=True, slots=True)
class LoadProgress:
    """Progress of a load: `bytes_read` bytes of the file on disk (compressed) were read."""

    file: BulkFile
    position: LoadPosition
    bytes_read: int


@dataclass(slots=True)
class _PendingPortion:
    """A portion that is not counted yet; it has a future once it is submitted."""

    portion: Portion
    future: Future[PortionResult] | None = None


@dataclass(slots=True)
class BulkLoader:
    """Loads files one after the other through one executor (`workers.bulk.processes`).

    `first_month` (YYYYMM) is the first month that is kept. Raises StoreError, BadParameter if
    nothing in a file is readable, SourceGarbled if a compressed file is damaged.
    """

    redis: Redis
    executor: Executor
    processes: int
    clock: Clock
    first_month: int = 0
    _states: TaskStates = field(init=False)
    _positions: LoadPositions = field(init=False)

    def __post_init__(self) -> None:
        self._states, self._positions = TaskStates(self.redis), LoadPositions(self.redis)

    def load(self, name: str, *, restart: bool = False) -> Iterator[LoadProgress]:
        """Load a file from its last position, or with `restart` from its beginning.

        Yields the progress after each portion.
        """
        file, now = find_bulk_file(name), self.clock()
        position = None if restart else self._positions.get(file.identity)
        position = position or LoadPosition(display_name(name), now, now)
        yield LoadProgress(file, position, 0)
        if position.ended:
            return
        try:
            with file.open_reader() as reader:
                for advanced in self._store_portions(reader, position):
                    position = advanced
                    self._positions.put(file.identity, position)
                    self._publish_progress(position)
                    yield LoadProgress(file, position, reader.bytes_read)
        finally:
            self._states.delete_progress(load_task_name(position.file))
        position = replace(position, ended=True, updated=self.clock())
        self._positions.put(file.identity, position)
        yield LoadProgress(file, position, file.size or 0)

    def _store_portions(self, reader: BulkReader, position: LoadPosition) -> Iterator[LoadPosition]:
        """Yield the position after each portion, in file order."""
        start = position.offset
        remaining = (record for record in reader.records() if record.end_offset > start)
        for portion, done in self._ingest_in_order(split_portions(remaining)):
            self._refuse_unreadable_file(position, portion, done)
            position = self._record_portion(position, portion, done)
            yield position

    def _ingest_in_order(
        self, portions: Iterable[Portion]
    ) -> Iterator[tuple[Portion, PortionResult]]:
        """Yield portions with their results, in file order; few are in memory at a time."""
        queue: deque[_PendingPortion] = deque()
        try:
            for portion in portions:
                queue.append(_PendingPortion(portion))
                self._submit_ready(queue)
                while self._is_saturated(queue):
                    yield self._finish_first(queue)
            while queue:
                yield self._finish_first(queue)
        finally:
            for item in queue:
                if item.future:
                    item.future.cancel()

    def _is_saturated(self, queue: Sequence[_PendingPortion]) -> bool:
        """True if all processes are busy, or enough waiting portions are in memory."""
        submitted = sum(item.future is not None for item in queue)
        return submitted > self.processes or len(queue) > 2 * self.processes

    def _finish_first(self, queue: deque[_PendingPortion]) -> tuple[Portion, PortionResult]:
        """Wait for the first portion and return it; then submit those that waited for it."""
        first = queue[0]
        assert first.future is not None
        done = _result(first.future)
        queue.popleft()
        self._submit_ready(queue)
        return first.portion, done

    def _submit_ready(self, queue: Iterable[_PendingPortion]) -> None:
        """Submit portions, but one per month: two would only make each other retry."""
        busy: set[bytes] = set()
        for item in queue:
            month = item.portion.month
            if item.future is None and month not in busy:
                item.future = self._submit(item.portion)
            if month and not (item.future and item.future.done()):
                busy.add(month)

    def _submit(self, portion: Portion) -> Future[PortionResult]:
        try:
            return self.executor.submit(
                ingest_in_process, portion.records, self.clock(), self.first_month
            )
        except BrokenProcessPool as error:
            raise _process_killed_error() from error

    def _refuse_unreadable_file(
        self, before: LoadPosition, portion: Portion, done: PortionResult
    ) -> None:
        """Raise BadParameter if the whole first portion is unreadable: it is the wrong file."""
        if before.records == 0 and len(done.bad_records) == len(portion.records) > 1:
            first_bad = done.bad_records[0]
            raise BadParameter(
                "FILE",
                f"{before.file}: none of its first {len(done.bad_records):,} records can be read "
                f"(line {first_bad.line}: {first_bad.reason}); readable are {FORMATS_IN_WORDS}",
            )

    def _record_portion(
        self, position: LoadPosition, portion: Portion, done: PortionResult
    ) -> LoadPosition:
        """Quarantine the bad records of a portion; return the position after it."""
        now, name = self.clock(), load_task_name(position.file)
        free_slots = max(0, MAX_QUARANTINED - position.set_aside)
        records = [
            QuarantinedRecord(name, now, f"line {bad.line}: {bad.reason}", bad.excerpt)
            for bad in done.bad_records[:free_slots]
        ]
        self._states.quarantine_new(records)
        return position.advance(portion, done, now)

    def _publish_progress(self, at: LoadPosition) -> None:
        self._states.save_progress(
            Progress(load_task_name(at.file), at.records, None, at.began, at.updated)
        )


def load_task_name(file: str) -> str:
    """Return the name of a file's load in progress and quarantine."""
    return f"load:{file}"


def _result(future: Future[PortionResult]) -> PortionResult:
    try:
        return future.result()
    except BrokenProcessPool as error:
        raise _process_killed_error() from error


def _process_killed_error() -> StoreError:
    return StoreError("a process of the load was killed; the same command goes on where it was")


def _encoded(position: LoadPosition) -> str:
    values = asdict(position)
    return json.dumps(values | {name: values[name].isoformat() for name in ("began", "updated")})


def _decoded(text: bytes) -> LoadPosition:
    values = json.loads(text)
    times = {name: datetime.fromisoformat(values[name]) for name in ("began", "updated")}
    return LoadPosition(**values | times)
