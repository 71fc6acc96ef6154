"""Which layout the store's data has, so that no version of Paperwire misreads another's.

    nothing there, or data from before the key    it is stamped as what it is
    the same as ours                              go on
    newer                                         StoreNewer: only a newer Paperwire reads it
    older                                         one process migrates it, the others wait
    being restored, or a restore was cut short    StoreError

A migration takes the data from one schema to the next. It is a generator that yields between
steps of seconds, and may be cut short anywhere and run again: the schema moves when it has ended.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from redis import Redis
from redis.exceptions import LockError

from papers.config.settings import Seconds
from papers.errors import StoreBusy, StoreError, StoreTooNew
from papers.index.term_months import TermMonths
from papers.redis_backend import keys
from papers.redis_backend.connection import translate_store_errors
from papers.redis_backend.months import stored_months

SCHEMA_VERSION: Final = 5
"""What this Paperwire writes and reads. Moves when `papers.redis_backend.keys` or
`papers.model.packing` change so that
older code would misread the data."""

FIRST_VERSION: Final = 1
"""The schema of data from before it was noted."""

RESTORING_MARK: Final = b"restoring"
"""What stands in the key while a backup is restored."""

STEP_TIMEOUT: Final[Seconds] = 60.0
"""How long one step of a migration may take."""

Migration = Callable[[Redis], Iterator[None]]


def _no_op(redis: Redis) -> Iterator[None]:
    """Nothing: the next migration does it."""
    yield from ()


def _rename_all_keys(redis: Redis) -> Iterator[None]:
    """Give the keys of every month the tag of its year; a step is a month."""
    for yymm, _ in stored_months(redis):
        _rename_keys(redis, yymm)
        yield


def _reindex_all(redis: Redis) -> Iterator[None]:
    """Index every month anew, open; a step is a month. Years are closed again when it is time."""
    from papers.index.month_writer import MonthWriter
    from papers.index.term_batch import Vocabulary

    months = stored_months(redis)
    for yymm, month in months:
        MonthWriter(redis, month, yymm, TermMonths(redis), Vocabulary()).reindex()
        yield
    for year in {yymm[:2] for yymm, _ in months}:
        redis.unlink(keys.segment_postings(year))


def _rename_keys(redis: Redis, yymm: str) -> None:
    """Rename what is kept of a month. A Redis Cluster cannot: there a backup is restored."""
    for what, name in {
        "papers": keys.month_papers(yymm),
        "rev": keys.segment_revision(yymm),
    }.items():
        before = f"{{{yymm}}}:{what}"
        if redis.exists(before):
            redis.renamenx(before, name)
    redis.unlink(f"{{{yymm}}}:terms", *(f"{{{yymm}}}:pairs:{bits}" for bits in range(13, 24)))


MIGRATIONS: Final[Mapping[int, Migration]] = {
    1: _no_op,
    2: _rename_all_keys,
    3: _no_op,
    4: _reindex_all,
}
"""From each schema to the next; `MIGRATIONS[1]` makes 2 of 1.

2: the words of names make pairs, and a month tells how many buckets its slots of pairs are in.
3: what belongs to a month shares the hash tag of its year, and postings are of places.
4: pairs have postings by themselves.
5: large postings are bitsets wherever these are shorter.
"""


def stored_version(redis: Redis) -> int | None:
    """The schema of the data; None where there is none. Raises StoreError, StoreAway."""
    with translate_store_errors(redis):
        kept: Any = redis.get(keys.SCHEMA)
        if kept is None:
            return FIRST_VERSION if redis.exists(keys.MONTHS, keys.KEYWORDS) else None
    return _parse_version(kept)


def check_version(redis: Redis) -> None:
    """Return if this code can work with the data as it is. Raises what `fit` raises; StoreAway."""
    with translate_store_errors(redis):
        kept: Any = redis.get(keys.SCHEMA)
    require_compatible(kept)


def require_compatible(stored: bytes | None, *, supported: int = SCHEMA_VERSION) -> None:
    """Return if this code can work with data whose key says this.

    Raises StoreNewer; StoreBusy where the data is older and not migrated yet; StoreError.
    """
    schema = supported if stored is None else _parse_version(stored)
    if schema > supported:
        raise StoreTooNew(
            f"the store's data has schema {schema}, this Paperwire knows {supported}: "
            "update Paperwire, or restore a backup of that time"
        )
    if schema < supported:
        raise StoreBusy(
            f"the store's data has schema {schema} and is to be migrated to {supported}"
        )


def prepare_store(
    redis: Redis,
    *,
    supported: int = SCHEMA_VERSION,
    migrations: Mapping[int, Migration] = MIGRATIONS,
    lock_timeout: Seconds = 2 * STEP_TIMEOUT,
) -> int | None:
    """Make the data what this code works with: stamped, and migrated where it is older.

    Returns the schema it had, None where there was none. Raises StoreNewer; StoreBusy where
    another process migrates for longer than `patience`; StoreError.
    """
    before = stored_version(redis)
    with translate_store_errors(redis):
        if before is None or before == supported:
            if not redis.exists(keys.SCHEMA):  # a store that is full can still be looked at
                redis.set(keys.SCHEMA, supported, nx=True)
        elif before < supported:
            _migrate(redis, supported, migrations, lock_timeout)
        kept: Any = redis.get(keys.SCHEMA)
    require_compatible(kept, supported=supported)
    return before


def _migrate(
    redis: Redis, ours: int, migrations: Mapping[int, Migration], patience: Seconds
) -> None:
    lock = redis.lock(keys.SCHEMA_LOCK, timeout=STEP_TIMEOUT, blocking_timeout=patience)
    try:
        with lock:
            while (schema := stored_version(redis)) is not None and schema < ours:
                for _ in migrations[schema](redis):
                    lock.reacquire()
                redis.set(keys.SCHEMA, schema + 1)
    except LockError as error:
        raise StoreBusy("the store's data is being migrated by another process") from error


def _parse_version(kept: bytes) -> int:
    if kept == RESTORING_MARK:
        raise StoreError(
            "a backup is being restored, or that was cut short; "
            "wait for it, or run `paperwire restore --replace` again"
        )
    if not kept.isdigit():
        raise StoreError(f"{keys.SCHEMA} holds {kept[:50]!r}, which is no schema")
    return int(kept)
