from __future__ import annotations

import importlib
import inspect
import pkgutil
from pathlib import Path
from types import FunctionType

import pytest
from redis import Redis

import workers.sources
from papers.config.settings import Settings
from papers.config.sources import COMMUNITY_KIND, SOURCES, TASK_TITLES, is_source_task
from papers.store import Store
from workers.notify.channels import CHANNELS
from workers.registry import recurring_tasks, task_kinds
from workers.schedule.task_kind import TaskContext, TaskRole, kind_of
from workers.sources.arxiv import announcements
from workers.tasks.announcements import AnnouncementTask

PARAMETERS = ["subject", "upstreams", "now"]
DOCS = Path(__file__).resolve().parents[2] / "docs" / "reference" / "sources.md"
COMPLETED: dict[object, object] = {announcements.fetch_announcements: AnnouncementTask.fetch}
"""Fetch functions that no task runs as they are, to those that wrap them."""


def source_fetch_functions() -> set[FunctionType]:
    """Return every function in `workers.sources` with the signature of a `FetchFunction`."""
    modules = [
        importlib.import_module(module.name)
        for module in pkgutil.walk_packages(workers.sources.__path__, "workers.sources.")
    ]
    return {
        function
        for module in modules
        for function in vars(module).values()
        if inspect.isfunction(function) and [*inspect.signature(function).parameters] == PARAMETERS
    }


def test_every_module_with_a_fetch_function_has_a_row(redis: Redis) -> None:
    context = TaskContext(Store(redis), redis)
    built = {
        getattr(fetch, "__func__", fetch)
        for fetch in (row.build_fetch(context) for row in task_kinds().values())
    }
    assert {COMPLETED.get(fetch, fetch) for fetch in source_fetch_functions()} <= built


@pytest.mark.parametrize(
    "fetch",
    sorted(source_fetch_functions(), key=lambda fetch: fetch.__module__),
    ids=lambda fetch: fetch.__module__,
)
def test_every_source_module_is_documented(fetch: object) -> None:
    module = fetch.__module__.rpartition(".")[2]
    rows = [line for line in DOCS.read_text("utf-8").splitlines() if line.startswith("| `")]
    assert any(f"`{module}.py`" in row for row in rows)


def test_the_tables_of_tasks_and_of_sources_agree() -> None:
    kinds_of_sources = {kind for spec in SOURCES.values() for kind in spec.task_kinds}
    titled = {task.partition(":")[0] for task in TASK_TITLES}
    assert set(task_kinds()) == titled | kinds_of_sources | {COMMUNITY_KIND}
    assert kinds_of_sources | {COMMUNITY_KIND} == {
        kind for kind, row in task_kinds().items() if row.role is TaskRole.SOURCE
    }
    assert all(set(spec.fetched_by) <= set(spec.task_kinds) for spec in SOURCES.values())


@pytest.mark.parametrize("kind", task_kinds())
def test_papers_are_missing_only_while_a_source_fails(kind: str) -> None:
    assert is_source_task(f"{kind}:x") is (task_kinds()[kind].role is TaskRole.SOURCE)


def test_every_recurring_task_is_of_the_kind_that_names_it() -> None:
    settings = Settings(
        communities={"weekly": "https://example.org/feed"},
        keep_months=12,
        websub_hub="https://hub.example/",
        smtp_url="smtp://localhost",
        mail_to="me@example.org",
        mail_daily=("mllm",),
    )
    for kind, row in task_kinds().items():
        assert {kind_of(task) for task in row.recurring(settings)} <= {kind}
    assert recurring_tasks(settings)[-10:] == [
        *("hf:today", "hf:recent", "community:weekly", "enrich", "retention", "lists"),
        *("closing", "abbreviations", "websub", "mail:day:mllm"),
    ]


def test_only_channels_are_notifications() -> None:
    roles = {kind: row.role for kind, row in task_kinds().items()}
    assert {kind for kind, role in roles.items() if role is TaskRole.NOTIFICATION} == set(CHANNELS)


# (task, seconds that its job may take)
TIMEOUTS = [
    ("announcements:cs.CL", 900),
    ("oai:daily", 3600),
    ("hf:today", 300),
    ("community:weekly", 900),
    ("enrich", 900),
    ("fill:mllm", 1800),
    ("backfill", 900),
    ("retention", 3600),
    ("lists", 300),
    ("closing", 3600),
    ("abbreviations", 900),
    ("websub", 300),
    ("mail:day:mllm", 300),
]


@pytest.mark.parametrize(("task", "seconds"), TIMEOUTS)
def test_job_timeouts(task: str, seconds: int) -> None:
    assert task_kinds()[kind_of(task)].timeout == seconds
