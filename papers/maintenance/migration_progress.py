"""The progress of a migration, shown as that of a task: on the status page, and in the log."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from typing import Any, Final

from redis import Redis

from papers.state.task_states import Progress, TaskStates

MIGRATION_TASK: Final = "migration"
"""The task under which the progress is shown."""

log = logging.getLogger(__name__)


class MigrationProgress:
    """Counts the papers that a migration has done, of `total`."""

    def __init__(self, redis: Redis, total: int) -> None:
        self._redis, self._states = redis, TaskStates(redis)
        self._done, self._total, self._started_at = 0, total, self._now()

    def _now(self) -> datetime:
        reply: Any = self._redis.time()
        return datetime.fromtimestamp(reply[0], UTC)

    def add(self, papers: int) -> None:
        """Count the papers of a step."""
        self._done += papers
        log.info("migration: %s of %s papers are indexed again", self._done, self._total)
        self._states.save_progress(
            Progress(MIGRATION_TASK, self._done, self._total, self._started_at, self._now())
        )

    def end(self) -> None:
        """Delete the progress."""
        self._states.delete_progress(MIGRATION_TASK)
