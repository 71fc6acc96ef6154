"""Which scheduled backups are kept, and whether one is found good."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from redis import Redis

from papers.errors import BadBackup
from papers.maintenance import backup_check
from papers.maintenance.backup import write_backup
from papers.maintenance.backup_check import check_backup
from papers.maintenance.backup_file import BackupHeader, BackupReader, BackupWriter
from papers.maintenance.backup_plan import (
    backup_file_name,
    backups_to_keep,
    list_backups,
    prune_backups,
)
from papers.state.keywords import Keywords
from papers.store import Store
from tests.service.made import NOW, make_pick, make_sighting

MIDNIGHT = datetime(2026, 11, 1, 0, 5, tzinfo=UTC)


def daily_runs(days: int) -> set[datetime]:
    """What is left after so many days of a backup each, pruned after each."""
    kept = set[datetime]()
    for day in range(days):
        kept = backups_to_keep({*kept, MIDNIGHT + timedelta(days=day)}, daily=7, weekly=4)
    return kept


def test_days_and_weeks_are_kept() -> None:
    kept = daily_runs(60)  # the last one is of Wednesday, 30 December
    days = {MIDNIGHT + timedelta(days=day) for day in range(53, 60)}
    sundays = {datetime(2026, 12, day, 0, 5, tzinfo=UTC) for day in (13, 20, 27)}
    assert kept == days | sundays


@given(st.sets(st.datetimes(timezones=st.just(UTC)), min_size=1), st.integers(1, 9))
def test_the_newest_is_always_kept(times: set[datetime], daily: int) -> None:
    kept = backups_to_keep(times, daily, 0)
    assert max(times) in kept <= times
    assert len(kept) <= daily


def test_several_backups_of_a_day_are_one(tmp_path: Path) -> None:
    times = [MIDNIGHT + timedelta(hours=hour) for hour in range(4)]
    for time in times:
        (tmp_path / backup_file_name(time)).touch()
    (tmp_path / "mine.backup").touch()
    assert prune_backups(tmp_path, daily=7, weekly=4) == 1
    assert list(list_backups(tmp_path)) == times[-1:]
    assert (tmp_path / "mine.backup").exists()


@pytest.fixture
def backup_path(redis: Redis, tmp_path: Path) -> Path:
    Store(redis).ingest([make_sighting(number) for number in range(1, 40)], now=NOW)
    Store(redis).ingest([make_pick(3), make_pick(5, "weekly"), make_pick(60)], now=NOW)
    Keywords(redis).seed({"Reward Model": '"reward model"'}, now=NOW)
    path = tmp_path / "b"
    write_backup(redis, path, now=NOW)
    return path


def test_good_backup_is_restored_and_found_equal(backup_path: Path, redis: Redis) -> None:
    before = redis.dbsize()
    checked = check_backup(backup_path, 1_000_000, now=NOW)
    assert (checked.is_restored, checked.counts.papers) == (True, 40)
    assert redis.dbsize() == before
    assert [path.name for path in backup_path.parent.iterdir()] == ["b"]


def test_backup_is_only_read_where_memory_is_short(backup_path: Path) -> None:
    checked = check_backup(backup_path, 1 << 60, now=NOW)
    assert (checked.is_restored, checked.counts.papers) == (False, 40)


def altered(path: Path, change: bytes) -> Path:
    """Return a valid file of the same records, of which one paper is another."""
    with BackupReader.open_file(path) as file:
        header, records = file.header, list(file.records())
    for record in records:
        if record[0] == "papers":
            record[3][0][1] = change
    other = path.with_name("altered")
    with BackupWriter(other, BackupHeader(header.schema, header.created_at)) as file:
        for record in records:
            file.append(record)
    return other


def test_record_that_cannot_be_restored_makes_no_good_backup(backup_path: Path) -> None:
    with pytest.raises(BadBackup, match="differs in"):
        check_backup(altered(backup_path, b"no paper"), 1_000_000, now=NOW)


@pytest.mark.parametrize("store_bytes", [1_000_000, 1 << 60])
def test_damaged_file_is_no_good_backup(backup_path: Path, store_bytes: int) -> None:
    content = bytearray(backup_path.read_bytes())
    content[len(content) // 2] ^= 1
    backup_path.write_bytes(content)
    with pytest.raises(BadBackup):
        check_backup(backup_path, store_bytes, now=NOW)


def test_backup_is_not_good_if_no_server_starts(
    backup_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backup_check, "server_program", lambda: Path("/bin/false"))
    monkeypatch.setattr(backup_check, "START_SECONDS", 0.2)
    with pytest.raises(BadBackup, match="does not start"):
        check_backup(backup_path, 1_000_000, now=NOW)
