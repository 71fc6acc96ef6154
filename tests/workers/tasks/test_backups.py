"""The task `backup`: makes and checks backups; the age of the last good one is shown."""

from __future__ import annotations

import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from redis import Redis

from papers.config.settings import Settings
from papers.errors import BadBackup
from papers.maintenance import backup_check
from papers.maintenance.backup_plan import backup_age, list_backups
from papers.state.task_states import TaskStates
from papers.store import Store
from paperwire.doctor.parts import check_backup_age
from service import create_app
from tests.service.made import NOW, make_sighting
from workers.jobs import TaskRunner
from workers.registry import recurring_tasks


class BackupRuns:
    """Runs the task at any time, with backups in a folder of the test."""

    def __init__(self, redis: Redis, store_url: str, folder: Path) -> None:
        self.redis, self.now = redis, NOW
        self.settings = Settings(redis_url=store_url, data_dir=str(folder), backup_dir="backups")
        self.folder = folder / "backups"

    def run(self) -> dict[str, Any]:
        return TaskRunner(self.redis, self.settings, lambda: self.now).run("backup", None)


@pytest.fixture
def runs(redis: Redis, store_url: str, tmp_path: Path) -> BackupRuns:
    Store(redis).ingest([make_sighting(number) for number in range(1, 40)], now=NOW)
    return BackupRuns(redis, store_url, tmp_path)


def test_backup_is_made_checked_and_made_again_after_midnight(
    runs: BackupRuns, redis: Redis
) -> None:
    report = runs.run()
    assert (report["state"], report["got"]) == ("ok", 39), report
    assert "restored and found equal" in report["said"]
    (path,) = list_backups(runs.folder).values()
    assert path.name == "paperwire-20261121T120000Z.backup"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(runs.folder.stat().st_mode) == 0o700
    due = TaskStates(redis).due_times()["backup"]
    assert timedelta() < due - datetime(2026, 11, 22, tzinfo=UTC) < timedelta(minutes=15)


def test_backup_of_a_store_without_papers_is_good(
    redis: Redis, store_url: str, tmp_path: Path
) -> None:
    report = BackupRuns(redis, store_url, tmp_path).run()
    assert (report["state"], report["got"]) == ("quiet", 0), report
    assert "restored and found equal" in report["said"]


def test_backups_are_kept_by_rule(runs: BackupRuns) -> None:
    runs.settings = Settings(
        redis_url=runs.settings.redis_url,
        data_dir=runs.settings.data_dir,
        backup_dir="backups",
        backup_daily=2,
        backup_weekly=1,
    )
    for _ in range(4):
        runs.run()
        runs.now += timedelta(days=1)
    assert [time.day for time in list_backups(runs.folder)] == [23, 24]


def test_bad_backup_fails_the_task_and_removes_no_good_one(
    runs: BackupRuns, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs.run()

    def refuse(path: Path, *_: object, **__: object) -> object:
        raise BadBackup(f"{path}: differs")

    monkeypatch.setattr(backup_check, "check_backup", refuse)
    runs.now += timedelta(days=1)
    report = runs.run()
    assert report["state"] == "failing"
    assert "differs" in report["said"]
    assert [time.day for time in list_backups(runs.folder)] == [21]
    assert len(list(runs.folder.glob("*.unverified"))) == 1
    assert backup_age(runs.redis, runs.now) == timedelta(days=1)
    monkeypatch.undo()
    assert runs.run()["state"] == "ok"
    assert not list(runs.folder.glob("*.unverified"))


def test_folder_that_cannot_be_written_fails_the_task(runs: BackupRuns) -> None:
    runs.folder.write_text("a file")
    report = runs.run()
    assert report["state"] == "failing"
    assert "backups" in report["said"]


def test_age_is_shown_and_an_old_backup_is_a_finding(runs: BackupRuns) -> None:
    assert [one.check for one in check_backup_age(runs.redis, runs.settings, NOW)] == ["backup"]
    runs.run()
    for days, findings in ((0, 0), (2, 0), (3, 1)):
        now = NOW + timedelta(days=days)
        assert len([*check_backup_age(runs.redis, runs.settings, now)]) == findings
    client = create_app(runs.settings).test_client()
    assert "last good backup" in client.get("/status").text
    assert "\npaperwire_backup_age_seconds " in client.get("/metrics").text


def test_no_backups_are_made_without_a_folder(redis: Redis) -> None:
    assert "backup" not in recurring_tasks(Settings())
    assert "backup" in recurring_tasks(Settings(backup_dir="backups"))
    assert [*check_backup_age(redis, Settings(), NOW)] == []
