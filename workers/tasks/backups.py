"""The task `backup`: writes a backup of the store once a day, checks it and keeps some by rule.

It fetches nothing, but has a state like any other task: its last success is the last good backup. A
file that was not found good keeps a name that says so until the next run, and removes no older one.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from redis import Redis

from papers.config.settings import Settings
from papers.counted import format_counted
from papers.errors import BadBackup, BadParameter, SourceError
from papers.maintenance.backup import write_backup
from papers.maintenance.backup_plan import (
    BACKUP_TASK,
    UNVERIFIED_SUFFIX,
    backup_file_name,
    backup_folder,
    prune_backups,
)
from papers.redis_backend.health import check_health
from workers.sources.result import FetchResult, UpstreamClients

if TYPE_CHECKING:
    from papers.maintenance.backup_check import CheckedBackup


class BackupTask:
    """Makes the scheduled backups of one store."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    def fetch(
        self, subject: str, upstreams: UpstreamClients, now: datetime
    ) -> Iterator[FetchResult]:
        """Make a backup; yield one result on it. Raises SourceError if it is not good."""
        if subject:
            raise BadParameter("task", f"'{BACKUP_TASK}:{subject}': there is only {BACKUP_TASK}")
        settings = upstreams.settings
        if not settings.backup_dir:
            raise BadParameter("task", f"{BACKUP_TASK}: backup_dir is not set")
        folder = backup_folder(settings)
        try:
            checked = self._make_backup(folder, now)
            kept = prune_backups(folder, daily=settings.backup_daily, weekly=settings.backup_weekly)
        except BadBackup as error:
            raise SourceError(f"no good backup: {error}") from error
        yield FetchResult(record_count=checked.counts.papers, message=_summary(checked, kept))

    def _make_backup(self, folder: Path, now: datetime) -> CheckedBackup:
        """Write a backup, check it and give it its name. Raises BadBackup, StoreError."""
        # A restore needs numpy, which the scheduler is spared.
        from papers.maintenance.backup_check import check_backup

        path = folder / backup_file_name(now)
        unverified = path.with_name(path.name + UNVERIFIED_SUFFIX)
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            for left in folder.glob(f"paperwire-*{UNVERIFIED_SUFFIX}*"):  # of runs before
                left.unlink()
        except OSError as error:
            raise BadBackup(f"{folder}: {error.strerror or error}") from error
        write_backup(self._redis, unverified, now=now)
        checked = check_backup(unverified, check_health(self._redis).used_memory, now=now)
        unverified.rename(path)
        return checked


def backup_tasks(settings: Settings) -> list[str]:
    """Return the task, if a folder is set."""
    return [BACKUP_TASK] if settings.backup_dir else []


def _summary(checked: CheckedBackup, kept: int) -> str:
    how = (
        "restored and found equal"
        if checked.is_restored
        else ("read and counted; too little memory is free to restore it")
    )
    counts = checked.counts
    papers = format_counted(counts.papers, "paper")
    months = format_counted(counts.months, "month")
    return f"{papers} in {months}, {how}; backups kept: {kept}"
