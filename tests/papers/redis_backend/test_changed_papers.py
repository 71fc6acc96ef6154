"""Who follows the changed papers and who reads all papers hold the same, whatever fails."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from redis import Redis

from papers.blocks.saved_blocks import SavedBlocks
from papers.errors import CursorGone, StoreError
from papers.maintenance.backup import write_backup
from papers.maintenance.restore import restore_backup
from papers.maintenance.retention import Retention
from papers.model.arxiv_id import ArxivId
from papers.model.frozen_fields import visible_part
from papers.model.paper import Paper, Sighting
from papers.redis_backend import keys
from papers.redis_backend.listings import changed_papers
from papers.redis_backend.listings.changed_papers import SETTLE_AFTER, ChangedPapers, ChangeKind
from papers.store import Store
from tests.papers.clients import Killed, deaths, let_live
from tests.papers.papers_strategies import sightings
from tests.papers.sightings import announced, picked

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
LATER = NOW + SETTLE_AFTER


def id_of(number: int) -> ArxivId:
    return ArxivId(202503, number)


@pytest.fixture
def store(redis: Redis) -> Store:
    return Store(redis)


def all_papers(store: Store, page: int = 3) -> dict[ArxivId, Paper]:
    """Return what may be shown of all papers, read as a client does."""
    found, before = dict[ArxivId, Paper](), None
    while ids := store.list_ids(before, page):
        papers = zip(ids, store.get_papers(ids), strict=True)
        found |= {id: visible_part(paper) for id, paper in papers if paper}
        before = ids[-1]
    return found


class Follower:
    """A client that keeps a copy of all papers; reads all again when its cursor is gone."""

    def __init__(self, store: Store) -> None:
        self.store, self.listings = store, 0
        self.read_all()

    def read_all(self) -> None:
        self.cursor = self.store.changed_papers.last_cursor()
        self.papers, self.listings = all_papers(self.store), self.listings + 1

    def follow(self, limit: int = 2) -> list[ArxivId]:
        """Follow the changes to their end; return the ids in their order."""
        seen, has_more = list[ArxivId](), True
        while has_more:
            try:
                moves, self.cursor, has_more = self.store.changed_papers.read(self.cursor, limit)
            except CursorGone:
                self.read_all()
                continue
            ids = [move.id for move in moves]
            for id, paper in zip(ids, self.store.get_papers(ids), strict=True):
                self.papers.pop(id, None)
                if paper:
                    self.papers[id] = visible_part(paper)
            seen += ids
        return seen


def test_follower_reads_what_changed_and_nothing_twice(store: Store) -> None:
    follower = Follower(store)
    store.ingest([announced(id_of(1)), announced(id_of(2)), announced(id_of(3))], now=NOW)
    follower.follow()  # the first change of all raises the floor
    assert follower.papers.keys() == {id_of(1), id_of(2), id_of(3)}
    store.ingest([announced(id_of(1), version=2, title="New")], now=NOW)
    store.ingest([announced(id_of(4)), picked(id_of(2))], now=NOW)
    assert follower.follow() == [id_of(1), id_of(4), id_of(2)]
    assert follower.follow() == []
    assert follower.papers == all_papers(store)
    store.ingest([announced(id_of(1)), picked(id_of(2))], now=LATER)
    assert follower.follow() == [], "what readers cannot see is no change"


def test_change_says_when_and_how(store: Store) -> None:
    store.ingest([announced(id_of(1))], now=NOW)
    cursor = store.changed_papers.last_cursor()
    store.ingest([announced(id_of(2)), picked(id_of(1))], now=LATER)
    new, changed = store.changed_papers.read(cursor, 10).moves
    assert (new.id, new.kind, new.at) == (id_of(2), ChangeKind.NEW, LATER)
    assert (changed.id, changed.kind, changed.at) == (id_of(1), ChangeKind.CHANGED, LATER)


def test_clock_that_goes_back_hides_no_change(store: Store) -> None:
    store.ingest([announced(id_of(1))], now=LATER)
    follower = Follower(store)
    store.ingest([announced(id_of(2))], now=NOW)
    assert follower.follow() == [id_of(2)]
    assert follower.listings == 1


def test_writers_at_the_same_time_hide_no_change(store_url: str, store: Store) -> None:
    store.ingest([announced(id_of(1))], now=NOW)
    follower = Follower(store)

    def write(part: int) -> None:
        client = Redis.from_url(store_url)
        for number in range(10):
            Store(client).ingest([announced(id_of(2 + 10 * part + number))], now=NOW)
        client.close()

    with ThreadPoolExecutor(4) as pool:
        written = pool.map(write, range(4))
        for _ in range(20):
            follower.follow()
        list(written)
    follower.follow()
    assert (len(follower.papers), follower.listings) == (41, 1)


def test_writer_that_is_overtaken_starts_again(
    redis: Redis, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else two papers would have one score, and who has read one of them would miss the other."""
    (cursor,) = cursors(store, 1)
    read, overtaken = changed_papers._Bounds.of, list[int]()

    def read_slowly(*replies: Any) -> Any:
        bounds = read(*replies)
        if not overtaken:
            overtaken.append(1)
            ChangedPapers(redis).move("other", [(id_of(2).doc_id, ChangeKind.NEW)], NOW)
        return bounds

    monkeypatch.setattr(changed_papers._Bounds, "of", read_slowly)
    store.changed_papers.move("t", [(id_of(3).doc_id, ChangeKind.NEW)], NOW)
    moves = store.changed_papers.read(cursor, 9).moves
    assert [move.id for move in moves] == [id_of(2), id_of(3)]
    assert len({move.cursor for move in moves}) == 2


def ways_to_lose(redis: Redis, tmp_path: Path) -> dict[str, Callable[[], object]]:
    store, blocks = Store(redis), SavedBlocks(redis)

    def block_and_lift() -> None:
        blocks.add("author", "Somebody", "spam", now=NOW)
        blocks.remove("author", "Somebody", now=NOW)

    def restore_earlier() -> None:
        write_backup(redis, tmp_path / "b", now=NOW)
        store.ingest([announced(id_of(77))], now=NOW)
        restore_backup(redis, tmp_path / "b", replace=True, now=NOW)

    return {
        "a paper is blocked": lambda: blocks.add("paper", str(id_of(1)), "spam", now=NOW),
        "a community is blocked": lambda: blocks.add("community", "hf", "spam", now=NOW),
        "an author is blocked": block_and_lift,
        "old months are removed": lambda: Retention(redis).remove_before(202503, now=NOW),
        "a backup is restored": restore_earlier,
        "the store is emptied": redis.flushall,
    }


@pytest.mark.parametrize("how", ways_to_lose(Redis(), Path()))
def test_follower_learns_of_what_is_removed(
    redis: Redis, store: Store, tmp_path: Path, how: str
) -> None:
    old = ArxivId.parse("2502.00001")
    store.ingest([announced(id_of(1)), announced(old), picked(id_of(2))], now=NOW)
    follower = Follower(store)
    ways_to_lose(redis, tmp_path)[how]()
    store.ingest([announced(id_of(3))], now=NOW)
    follower.follow()
    assert follower.papers == all_papers(store)
    assert id_of(3) in follower.papers
    again = how in ("a paper is blocked", "old months are removed")
    assert follower.listings == 1 if again else 2, "only where the extent is unknown"


@settings(max_examples=25)
@given(
    st.lists(st.lists(sightings(), min_size=1, max_size=5), min_size=1, max_size=4),
    st.lists(st.integers(0, 60), min_size=4, max_size=4),
    st.integers(1, 4),
)
def test_follower_holds_what_is_stored_whenever_ingests_are_killed(
    store_url: str, batches: list[list[Sighting]], lives: list[int], limit: int
) -> None:
    redis = Redis.from_url(store_url)
    redis.flushall()
    store, now = Store(redis), NOW
    store.ingest([announced(id_of(9))], now=now)
    follower = Follower(store)
    for batch, life in zip(batches, lives, strict=False):
        mortal = next(deaths(redis))
        let_live(life)
        with suppress(Killed), mock.patch.object(changed_papers, "_BATCH_SIZE", 1):
            Store(mortal).ingest(batch, now=now)
        mortal.close()
        follower.follow(limit)
    store.settle(now=now + SETTLE_AFTER)
    follower.follow(limit)
    assert follower.papers == all_papers(store)
    assert follower.listings == 1
    assert not redis.exists(keys.PENDING_CHANGES)
    redis.close()


@pytest.mark.parametrize("removal", ["paper", "author", "retention"])
def test_removal_that_is_killed_anywhere_reaches_followers(
    store_url: str, redis: Redis, removal: str
) -> None:
    def remove(client: Redis) -> None:
        if removal == "retention":
            Retention(client).remove_before(202504, now=NOW)
        else:
            subject = str(id_of(1)) if removal == "paper" else "Ada Lovelace"
            SavedBlocks(client).add(removal, subject, "spam", now=NOW)  # type: ignore[arg-type]

    for killed, mortal in enumerate(deaths(redis)):
        redis.flushall()
        store = Store(redis)
        store.ingest([announced(id_of(1), authors=("Ada Lovelace",))], now=NOW)
        follower = Follower(store)
        try:
            remove(mortal)
        except Killed:
            store.settle(now=LATER)
            store = Store(redis)
            follower.store = store
            follower.follow()
            assert follower.papers == all_papers(store)
            continue
        follower.follow()
        assert follower.papers == all_papers(store) == {}
        assert killed > 4
        break


def cursors(store: Store, count: int) -> Iterator[int]:
    for number in range(1, count + 1):
        store.ingest([announced(id_of(number))], now=NOW)
        yield store.changed_papers.last_cursor()


def test_number_of_changed_papers_is_bounded(redis: Redis, store: Store) -> None:
    with mock.patch.object(changed_papers, "MAX_CHANGED_PAPERS", 3):
        first, second, third, *_ = cursors(store, 4)
        assert redis.zcard(keys.CHANGED_PAPERS) == 3
        assert store.changed_papers.read(first, 9).cursor
        store.ingest([announced(id_of(5))], now=NOW)
        last = store.changed_papers.last_cursor()
    assert redis.zcard(keys.CHANGED_PAPERS) == 3
    assert store.changed_papers.read(last, 9).moves == ()
    assert [m.id for m in store.changed_papers.read(second, 9).moves] == [*map(id_of, (3, 4, 5))]
    assert [m.id for m in store.changed_papers.read(third, 9).moves] == [*map(id_of, (4, 5))]
    with pytest.raises(CursorGone, match="no longer known"):
        store.changed_papers.read(first, 9)


def test_changes_are_kept_for_thirty_days(store: Store) -> None:
    (first,) = cursors(store, 1)
    month = timedelta(days=30)
    store.ingest([announced(id_of(2))], now=NOW + timedelta(seconds=1))
    second = store.changed_papers.last_cursor()
    store.ingest([announced(id_of(3))], now=NOW + month)
    assert [m.id for m in store.changed_papers.read(first - 1, 9).moves] == [*map(id_of, (1, 2, 3))]
    store.ingest([announced(id_of(4))], now=NOW + month + timedelta(seconds=2))
    with pytest.raises(CursorGone):
        store.changed_papers.read(first, 9)
    assert [m.id for m in store.changed_papers.read(second, 9).moves] == [*map(id_of, (3, 4))]


def test_cursor_that_was_never_given_is_refused(store: Store) -> None:
    (cursor,) = cursors(store, 1)
    for other in (cursor + 1, 0, 1 << 52):
        with pytest.raises(CursorGone):
            store.changed_papers.read(other, 9)


def test_many_papers_move_in_bounded_transactions(redis: Redis, store: Store) -> None:
    (cursor,) = cursors(store, 1)
    changes = [(id_of(number).doc_id, ChangeKind.NEW) for number in range(2, 40)]
    with mock.patch.object(changed_papers, "_BATCH_SIZE", 5):
        store.changed_papers.note_pending(redis, "t", [id_of(2)], NOW)
        store.changed_papers.move("t", changes, NOW)
    moves = store.changed_papers.read(cursor, 100).moves
    assert [move.id.doc_id for move in moves] == [doc_id for doc_id, _ in changes]
    assert len({move.cursor for move in moves}) == len(changes)
    assert not redis.exists(keys.PENDING_CHANGES)


def test_store_that_is_away_is_a_store_error(tmp_path: Path) -> None:
    away = ChangedPapers(Redis.from_url(f"unix://{tmp_path}/nobody"))
    with pytest.raises(StoreError):
        away.last_cursor()
    with pytest.raises(StoreError):
        away.read(1, 1)
