"""Migrations: the schema version of the stored data, so that no version misreads another's data.

    no data, or data from before versions    it is stamped with its version
    the version of this code                 nothing to do
    newer, or being migrated to a newer one  StoreTooNew, but web servers go on if it names them
    older                                    one process migrates it, the others wait
    a restore is running or was cut short    StoreError

A migration takes the data from one version to the next. It is a generator that yields between steps
of seconds, and may be interrupted anywhere and run again: the version moves when it has ended.

Data from `READABLE_VERSION` on is served while it is migrated, newest months first: keywords follow
the new rules in the months that are done. By `OLDEST_READER` a release says which older web servers
go on serving, while it migrates and after it: see `papers.maintenance.schema_stamp`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from typing import Any, Final

from redis import Redis
from redis.exceptions import LockError

from papers.config.settings import Seconds
from papers.errors import StoreBusy, StoreError, StoreTooNew
from papers.index.term_months import TermMonths
from papers.maintenance import store_home
from papers.maintenance.migration_progress import MigrationProgress
from papers.maintenance.schema_stamp import RESTORING_MARK, SchemaStamp
from papers.model.arxiv_id import ArxivId
from papers.redis_backend import keys
from papers.redis_backend.connection import RoutingClient, translate_store_errors
from papers.redis_backend.listings.event_sets import encode_member
from papers.redis_backend.months import stored_months
from papers.redis_backend.revision import bump_revision
from papers.state.initial_fetches import move_initial_fetches
from papers.state.keyword_record import Keyword, acronyms_of_name
from papers.state.keywords import Keywords

SCHEMA_VERSION: Final = 6
"""The version that this code writes and reads. Increase it when `papers.redis_backend.keys` or
`papers.records.packing` change so that older code would misread the data."""

READABLE_VERSION: Final = 5
"""The first version whose records, keys and postings this code can read."""

OLDEST_READER: Final = 6
"""The oldest version whose web servers can serve the data of this one, and each step on the way. It
may stay behind `SCHEMA_VERSION` if records and postings only gained what older code leaves out."""

FIRST_VERSION: Final = 1
"""The version of data from before versions were recorded."""

STEP_TIMEOUT: Final[Seconds] = 60.0
"""The longest that one step of a migration may take; the lock expires after it."""

Migration = Callable[[Redis], Iterator[None]]


def _no_op(redis: Redis) -> Iterator[None]:
    """Do nothing: the next migration does the work."""
    yield from ()


def _rename_all_keys(redis: Redis) -> Iterator[None]:
    """Give the keys of every month the hash tag of its year; a step is a month."""
    for yymm, _ in stored_months(redis):
        _rename_keys(redis, yymm)
        yield


def _reindex_all(redis: Redis) -> Iterator[None]:
    """Index every month again; a step is a month. The next compaction merges past years."""
    from papers.index.writing.month_writer import MonthWriter
    from papers.index.writing.term_batch import Vocabulary

    months = stored_months(redis)
    for yymm, month in months:
        MonthWriter(redis, month, yymm, TermMonths(redis), Vocabulary()).reindex()
        yield
    for year in {yymm[:2] for yymm, _ in months}:
        redis.unlink(keys.segment_postings(year))


def _to_schema_6(redis: Redis) -> Iterator[None]:
    """Index every month again, newest first, while readers go on; a step is a month.

    The postings of a year are dropped when all of its months have their own.
    """
    from papers.index.writing.month_writer import MonthWriter
    from papers.index.writing.term_batch import Vocabulary

    months = sorted(stored_months(redis), key=lambda stored: -stored[1])
    progress = MigrationProgress(redis, sum(redis.hlen(keys.month_papers(m)) for m, _ in months))
    for at, (yymm, month) in enumerate(months, 1):
        MonthWriter(redis, month, yymm, TermMonths(redis), Vocabulary()).reindex()
        if at == len(months) or months[at][0][:2] != yymm[:2]:
            redis.unlink(keys.segment_postings(yymm[:2]))
        bump_revision(redis)
        progress.add(redis.hlen(keys.month_papers(yymm)))
        yield
    progress.end()
    yield from _add_pick_lists(redis)


def _add_pick_lists(redis: Redis) -> Iterator[None]:
    """Free the slugs of the lists of picks, and have the papers picked so far join `picked`."""
    keywords = Keywords(redis)
    keywords.move_reserved()
    for keyword in _readable_keywords(redis):
        if written := acronyms_of_name(keyword.name, keyword.query):
            keywords.add(keyword.name, written, now=keyword.added_at)
    yield
    picks: Any = redis.zrange(keys.PICKS, 0, -1, withscores=True)
    joined = {encode_member(ArxivId.parse(id.decode()).doc_id): second for id, second in picks}
    if joined:
        redis.zadd(keys.pick_list("picked"), joined, nx=True)
    yield


def _readable_keywords(redis: Redis) -> list[Keyword]:
    """Return the saved keywords but those that are damaged, which pages and commands report."""
    stored: Any = redis.hgetall(keys.KEYWORDS)
    readable = list[Keyword]()
    for slug, value in stored.items():
        with suppress(StoreError):
            readable.append(Keyword.decode(slug.decode(), value))
    return readable


def _rename_keys(redis: Redis, yymm: str) -> None:
    """Rename the keys of a month. Impossible in a Redis Cluster: restore a backup there."""
    new_names = {"papers": keys.month_papers(yymm), "rev": keys.segment_revision(yymm)}
    for suffix, new_name in new_names.items():
        old_name = f"{{{yymm}}}:{suffix}"
        if redis.exists(old_name):
            redis.renamenx(old_name, new_name)
    redis.unlink(f"{{{yymm}}}:terms", *(f"{{{yymm}}}:pairs:{bits}" for bits in range(13, 24)))


MIGRATIONS: Final[Mapping[int, Migration]] = {
    1: _no_op,
    2: _rename_all_keys,
    3: _no_op,
    4: _reindex_all,
    5: _to_schema_6,
}
"""The migration from each version to the next; `MIGRATIONS[1]` leads from 1 to 2.

2: author names are indexed by bigrams, and a month's layout says how many buckets its slots have.
3: the keys of a month share the hash tag of its year, and postings consist of doc ids.
4: shingles have postings of their own.
5: large postings are bitsets wherever these are shorter.
6: hyphenated words are also indexed as one, names and acronyms keep their s, words with signs are
   words of their own, and links have terms; authors are indexed by surname, given name and
   initials; `has:code` and `has:project` match what abstracts and comments name; records have all
   versions and when code was first known; lists of picks have papers and names.
"""


def stored_version(redis: Redis) -> int | None:
    """Return the version of the data; None if there is none. Raises StoreError."""
    with translate_store_errors(redis):
        stored: Any = redis.get(keys.SCHEMA)
        if stored is None:
            return FIRST_VERSION if redis.exists(keys.MONTHS, keys.KEYWORDS) else None
    return SchemaStamp.parse(stored).version


def has_newer_writer(redis: Redis) -> bool:
    """Return True if a newer version writes the data, or is migrating it. Raises StoreError."""
    with translate_store_errors(redis):
        stored: Any = redis.get(keys.SCHEMA)
    is_stamped = stored is not None and stored != RESTORING_MARK
    return is_stamped and SchemaStamp.parse(stored).writer > SCHEMA_VERSION


def check_version(redis: Redis) -> None:
    """Check that this code can work with the stored data.

    Raises what `require_compatible` raises; StoreUnavailable.
    """
    with translate_store_errors(redis):
        stored: Any = redis.get(keys.SCHEMA)
        store_home.require_cluster(redis, stored)
    require_compatible(stored, in_cluster=isinstance(redis, RoutingClient))


def require_compatible(
    stored: bytes | None,
    *,
    supported: int = SCHEMA_VERSION,
    readable: int | None = None,
    in_cluster: bool = False,
) -> None:
    """Check that code of the version `supported` may work with data, by the value of its key.

    With `readable`, that it may serve it: data from that version on, and newer if it is named as a
    reader. Raises StoreTooNew; StoreBusy if the data is older and not migrated yet; StoreError.
    """
    if stored is None:
        return
    stamp = SchemaStamp.parse(stored)
    store_home.require_home(stamp, in_cluster=in_cluster)
    newest = stamp.writer if readable is None else stamp.reader
    if newest > supported:
        raise StoreTooNew(
            f"the store's data has schema {newest}, this Paperwire knows {supported}: "
            "update Paperwire, or restore a backup of that time"
        )
    if stamp.version < (supported if readable is None else readable):
        raise StoreBusy(
            f"the store's data has schema {stamp.version} and is to be migrated to {supported}"
        )


def prepare_store(
    redis: Redis,
    *,
    supported: int = SCHEMA_VERSION,
    reader: int = OLDEST_READER,
    migrations: Mapping[int, Migration] = MIGRATIONS,
    lock_timeout: Seconds = 2 * STEP_TIMEOUT,
) -> int | None:
    """Stamp the data with the version of this code, and migrate it if it is older.

    Returns the version it had, None if there was no data. Raises StoreTooNew; StoreBusy if another
    process migrates for longer than `lock_timeout`; StoreError.
    """
    before = stored_version(redis)
    stamp = SchemaStamp(supported, supported, min(reader, supported))
    with translate_store_errors(redis):
        if before is None or before == supported:
            if not redis.exists(keys.SCHEMA):  # a store without free memory can still be read
                store_home.stamp_schema(redis, stamp, if_absent=True)
        elif before < supported:
            _migrate(redis, stamp, migrations, lock_timeout)
        stored = store_home.adopt_cluster(redis)
        store_home.require_cluster(redis, stored)
    require_compatible(stored, supported=supported, in_cluster=isinstance(redis, RoutingClient))
    _move_initial_fetches(redis)
    return before


def _move_initial_fetches(redis: Redis) -> None:
    """Move the states of initial fetches to keys of their own, unless a scheduler does that.

    A scheduler of an older release would plan all of them again once they have moved.
    """
    with translate_store_errors(redis):
        if redis.exists(keys.SCHEDULER_LEASE):
            return
    move_initial_fetches(redis)


def _migrate(
    redis: Redis, target: SchemaStamp, migrations: Mapping[int, Migration], lock_timeout: Seconds
) -> None:
    """Migrate to a version, step by step. From the first on the data says who may still use it."""
    lock = redis.lock(keys.SCHEMA_LOCK, timeout=STEP_TIMEOUT, blocking_timeout=lock_timeout)
    try:
        with lock:
            while (version := stored_version(redis)) is not None and version < target.version:
                store_home.stamp_schema(redis, target._replace(version=version))
                for _ in migrations[version](redis):
                    lock.reacquire()
                store_home.stamp_schema(redis, target._replace(version=version + 1))
    except LockError as error:
        raise StoreBusy("the store's data is being migrated by another process") from error
