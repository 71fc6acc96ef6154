"""Scheduled backups: names of their files, and which of them are kept.

    paperwire-20261121T000512Z.backup              restored, and found equal
    paperwire-20261122T000512Z.backup.unverified   being written, or found different

Kept are the newest good backup of each of the last days and weeks that have one, and always the
newest of all.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Final

from redis import Redis

from papers.config.settings import Settings
from papers.errors import BadBackup
from papers.state.task_states import TaskStates

BACKUP_TASK: Final = "backup"
BACKUP_INTERVAL: Final = timedelta(days=1)
MAX_BACKUP_AGE: Final = 2 * BACKUP_INTERVAL
"""The age above which the last good backup is overdue."""
UNVERIFIED_SUFFIX: Final = ".unverified"
_NAME: Final = re.compile(r"paperwire-(\d{8}T\d{6})Z\.backup")
_FORMAT: Final = "%Y%m%dT%H%M%S"


def backup_folder(settings: Settings) -> Path:
    """Return the folder of scheduled backups."""
    return Path(settings.data_dir, settings.backup_dir)


def backup_file_name(now: datetime) -> str:
    """Return the name of a backup that was begun at a time."""
    return f"paperwire-{now.astimezone(UTC):{_FORMAT}}Z.backup"


def backup_age(redis: Redis, now: datetime) -> timedelta | None:
    """Return the age of the last good backup; None without one. Raises StoreError."""
    states = (state for state in TaskStates(redis).all() if state.name == BACKUP_TASK)
    last = next((state.succeeded_at for state in states), None)
    return now - last if last else None


def is_backup_overdue(age: timedelta | None) -> bool:
    """Return whether the last good backup is too old, or there is none."""
    return age is None or age > MAX_BACKUP_AGE


def format_backup_age(age: timedelta | None) -> str:
    """Return an age in words."""
    return "none yet" if age is None else f"{age / timedelta(hours=1):,.0f} h old"


def list_backups(folder: Path) -> dict[datetime, Path]:
    """Return the good backups in a folder by time, oldest first. Raises BadBackup."""
    try:
        found = [(_NAME.fullmatch(path.name), path) for path in folder.iterdir()]
    except OSError as error:
        raise BadBackup(f"{folder}: {error.strerror or error}") from error
    return dict(sorted((_parse_time(name[1]), path) for name, path in found if name))


def backups_to_keep(times: Iterable[datetime], daily: int, weekly: int) -> set[datetime]:
    """Return the backups to keep: the newest of each of the last days and weeks with backups."""
    ordered = sorted(times)
    days = {time.date(): time for time in ordered}
    weeks = {_monday(time.date()): time for time in ordered}
    newest_days = [days[day] for day in sorted(days)][-daily:] if daily else []
    newest_weeks = [weeks[week] for week in sorted(weeks)][-weekly:] if weekly else []
    return {*ordered[-1:], *newest_days, *newest_weeks}


def prune_backups(folder: Path, *, daily: int, weekly: int) -> int:
    """Remove the backups that are not kept; return how many are left. Raises BadBackup."""
    backups = list_backups(folder)
    kept = backups_to_keep(backups, daily, weekly)
    try:
        for time, path in backups.items():
            if time not in kept:
                path.unlink()
    except OSError as error:
        raise BadBackup(f"{folder}: {error.strerror or error}") from error
    return len(kept)


def _parse_time(text: str) -> datetime:
    try:
        return datetime.strptime(text, _FORMAT).replace(tzinfo=UTC)
    except ValueError:
        return datetime.min.replace(tzinfo=UTC)


def _monday(day: date) -> date:
    return day - timedelta(days=day.weekday())
