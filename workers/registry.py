"""The registry of tasks: a row for every kind, which everything else reads.

A new upstream is a module in `workers/sources/`, a row here, and a row in
`papers.config.sources.SOURCES`. Rows of notification channels are in `workers.notify.channels`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from redis import Redis

from papers.config.settings import Settings
from papers.config.sources import COMMUNITY_KIND
from papers.index.compaction.compactor import Compactor
from papers.maintenance.backup_plan import BACKUP_TASK
from papers.maintenance.retention import Retention
from papers.state.communities import community_task
from papers.state.task_states import TaskStates
from papers.state.voting.pick_lists import PickLists
from papers.suggestions.abbreviation_store import AbbreviationStore
from papers.suggestions.term_dictionary import TermDictionary
from workers.notify.channels import CHANNELS
from workers.schedule import cadence
from workers.schedule.task_kind import TaskKind, TaskRole
from workers.sources import community, hf_daily
from workers.tasks.abbreviations import ABBREVIATIONS_TASK, AbbreviationTask, next_reading
from workers.tasks.announcements import AnnouncementTask, announcement_task
from workers.tasks.backfill import BACKFILL_TASK, Backfill, BackfillPlans
from workers.tasks.backups import BackupTask, backup_tasks
from workers.tasks.compaction import COMPACTION_TASK, CompactionTask
from workers.tasks.enrich import ENRICH_TASK, Enrichment
from workers.tasks.initial_fetch import InitialFetch
from workers.tasks.initial_fetch_plan import sweep_initial_fetches
from workers.tasks.pick_lists import PICK_LISTS_TASK, PickListsTask
from workers.tasks.reconcile import RECONCILE_TASK, Reconciliation, is_reconciliation_enabled
from workers.tasks.retention import RETENTION_TASK, RetentionTask
from workers.thumbnails.thumbnail_task import THUMBNAILS_TASK, ThumbnailTask, thumbnail_tasks


def task_kinds() -> dict[str, TaskKind]:
    """Return every kind of task with its row, notification channels last."""
    return TASKS | {kind: channel.task for kind, channel in CHANNELS.items()}


def recurring_tasks(settings: Settings) -> list[str]:
    """Return the tasks that settings call for, in the order of `paperwire refresh`.

    Saved community feeds are included where `settings` are `Communities.effective_settings()`.
    """
    return [task for row in task_kinds().values() for task in row.recurring(settings)]


def _announcement_tasks(settings: Settings) -> Iterable[str]:
    return map(announcement_task, settings.categories)


def _reconciliation_tasks(settings: Settings) -> Iterable[str]:
    return [RECONCILE_TASK] if is_reconciliation_enabled(settings) else []


def _huggingface_tasks(settings: Settings) -> Iterable[str]:
    return ["hf:today", "hf:recent"] if settings.huggingface else []


def _community_tasks(settings: Settings) -> Iterable[str]:
    return map(community_task, settings.communities)


def _retention_tasks(settings: Settings) -> Iterable[str]:
    return [RETENTION_TASK] if settings.keep_months else []


def _planned_backfill(redis: Redis) -> Iterable[str]:
    return [BACKFILL_TASK] if BackfillPlans(redis).get() else []


TASKS: Final[dict[str, TaskKind]] = {
    "announcements": TaskKind(
        build_fetch=lambda context: AnnouncementTask(context.redis).fetch,
        cadence=cadence.after_announcement,
        role=TaskRole.SOURCE,
        timeout=900,
        recurring=_announcement_tasks,
        confirmed_by_oai=True,
    ),
    "oai": TaskKind(
        build_fetch=lambda context: Reconciliation(context.store, TaskStates(context.redis)).fetch,
        cadence=cadence.reconciliation,
        role=TaskRole.SOURCE,
        timeout=3600,
        recurring=_reconciliation_tasks,
    ),
    "hf": TaskKind(
        build_fetch=lambda context: hf_daily.fetch_daily_papers,
        cadence=cadence.daily_papers,
        role=TaskRole.SOURCE,
        recurring=_huggingface_tasks,
        names_papers=True,
    ),
    COMMUNITY_KIND: TaskKind(
        build_fetch=lambda context: community.fetch_community_picks,
        cadence=cadence.every(cadence.HOUR, jitter=0.05),
        role=TaskRole.SOURCE,
        timeout=900,
        recurring=_community_tasks,
        names_papers=True,
        obeys_max_age=True,
    ),
    ENRICH_TASK: TaskKind(
        build_fetch=lambda context: Enrichment(context.store, context.redis).fetch,
        cadence=cadence.every(5 * cadence.MINUTE),
        role=TaskRole.SOURCE,
        timeout=900,
        recurring=lambda settings: [ENRICH_TASK],
    ),
    "fill": TaskKind(
        build_fetch=lambda context: InitialFetch(context.redis).fetch,
        cadence=cadence.never_again,
        role=TaskRole.COMPLETION,
        timeout=1800,
        sweep=sweep_initial_fetches,
    ),
    BACKFILL_TASK: TaskKind(
        build_fetch=lambda context: Backfill(context.redis).fetch,
        cadence=cadence.never_again,
        role=TaskRole.COMPLETION,
        timeout=900,
        pending=_planned_backfill,
    ),
    RETENTION_TASK: TaskKind(
        build_fetch=lambda context: RetentionTask(Retention(context.redis)).fetch,
        cadence=cadence.every(cadence.DAY),
        role=TaskRole.MAINTENANCE,
        timeout=3600,
        recurring=_retention_tasks,
    ),
    PICK_LISTS_TASK: TaskKind(
        build_fetch=lambda context: PickListsTask(context.store, PickLists(context.redis)).fetch,
        cadence=cadence.after_full_hour,
        role=TaskRole.MAINTENANCE,
        recurring=lambda settings: [PICK_LISTS_TASK],
    ),
    THUMBNAILS_TASK: TaskKind(
        build_fetch=lambda context: ThumbnailTask(context.store, context.redis).fetch,
        cadence=cadence.every(cadence.HOUR),
        role=TaskRole.MAINTENANCE,
        timeout=1800,
        recurring=thumbnail_tasks,
    ),
    COMPACTION_TASK: TaskKind(
        build_fetch=lambda context: (
            CompactionTask(Compactor(context.redis), BackfillPlans(context.redis)).fetch
        ),
        cadence=cadence.every(cadence.DAY),
        role=TaskRole.MAINTENANCE,
        timeout=3600,
        recurring=lambda settings: [COMPACTION_TASK],
    ),
    BACKUP_TASK: TaskKind(
        build_fetch=lambda context: BackupTask(context.redis).fetch,
        cadence=cadence.after_midnight,
        role=TaskRole.MAINTENANCE,
        timeout=6 * 3600,
        recurring=backup_tasks,
    ),
    ABBREVIATIONS_TASK: TaskKind(
        build_fetch=lambda context: (
            AbbreviationTask(AbbreviationStore(context.redis), TermDictionary(context.redis)).fetch
        ),
        cadence=next_reading,
        role=TaskRole.MAINTENANCE,
        timeout=900,
        recurring=lambda settings: [ABBREVIATIONS_TASK],
    ),
}
"""Kind of task to its row, in the order of `paperwire refresh`; channels not among them."""
