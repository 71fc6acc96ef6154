"""Rows added at run time: a made-up source, task and channel work with no other line changed."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import feedparser
import pytest
from click.testing import CliRunner
from flask.testing import FlaskClient
from redis import Redis
from rq.serializers import JSONSerializer

from papers.config.settings import Settings
from papers.config.sources import SOURCES, SourceSpec
from papers.errors import SourceUnreachable
from papers.state.task_states import TaskState, TaskStates, TaskStatus
from papers.store import Store
from paperwire.cli import main
from paperwire.run.demo_runner import to_toml
from paperwire.simulator.upstream import Upstream
from service import create_app
from tests.contributing import example
from workers import jobs
from workers.notify.channels import CHANNELS, NotificationChannel
from workers.notify.delivery_log import DeliveryLog
from workers.registry import TASKS, task_kinds
from workers.rq_worker import AllowedJob
from workers.schedule import cadence
from workers.schedule.scheduler import Scheduler
from workers.schedule.task_kind import TaskContext, TaskKind, TaskRole
from workers.sources.result import FetchFunction, FetchResult, UpstreamClients

SOURCE, SOURCE_TASK = "gadgets", "gadgets:today"
TITLE = "Gadget of the Day"
MAINTENANCE_TASK, CHANNEL_TASK = "audit", "pager"
FAILURES = 3
"""As many as `paperwire doctor` reports."""


def made_up_source() -> FetchFunction:
    """Return the fetch function of CONTRIBUTING.md: its upstream has a JSON list of arXiv ids."""
    namespace: dict[str, Any] = {}
    exec(compile(example("a source"), "CONTRIBUTING.md", "exec"), namespace)
    fetch: FetchFunction = namespace["fetch_gadgets"]
    return fetch


fetch_gadgets = made_up_source()
GADGETS = SimpleNamespace(fetch=fetch_gadgets)
"""Stands for a module in `workers.sources`."""


def build_audit(context: TaskContext) -> FetchFunction:
    """The made-up maintenance task: it counts papers."""

    def fetch(subject: str, upstreams: UpstreamClients, now: datetime) -> Iterator[FetchResult]:
        yield FetchResult(message=f"{context.store.count_papers()} papers audited")

    return fetch


def build_failing(context: TaskContext) -> FetchFunction:
    def fetch(subject: str, upstreams: UpstreamClients, now: datetime) -> Iterator[FetchResult]:
        raise SourceUnreachable("out of gadgets")
        yield

    return fetch


@dataclass
class Installation:
    """A scheduler, the real jobs, the web server and the command line over one store."""

    redis: Redis
    settings: Settings
    client: FlaskClient

    def __post_init__(self) -> None:
        self.states, self.store = TaskStates(self.redis), Store(self.redis)

    def tick(self, later: timedelta = timedelta(0)) -> list[str]:
        """Let a new scheduler tick; the wake-ups are jobs in the queue."""
        scheduler = Scheduler(
            self.redis,
            self.settings,
            task_kinds(),
            lambda task, now: jobs.enqueue_task(self.redis, task, now),
            lambda: 0,
        )
        woken = scheduler.tick(datetime.now(UTC) + later)
        scheduler.resign()
        return woken

    def perform(self, task: str) -> TaskState:
        """Run the job in the queue that wakes this task, as a worker does."""
        queue = jobs.job_queue(self.redis)
        (id,) = [job.id for job in queue.jobs if job.args[0] == task]
        AllowedJob.fetch(id, connection=self.redis, serializer=JSONSerializer).perform()
        queue.remove(id)
        return self.state(task)

    def fail(self, task: str) -> None:
        """Run a task that fails as often as the doctor reports."""
        for _ in range(FAILURES):
            jobs.run(task)
        assert self.state(task).failures == FAILURES

    def state(self, task: str) -> TaskState:
        state = self.states.get(task)
        assert state is not None
        return state

    def status_page(self) -> str:
        return self.client.get("/status").text

    def metrics(self) -> list[str]:
        return self.client.get("/metrics").text.splitlines()

    def feed(self, **params: str) -> Any:
        return feedparser.parse(
            self.client.get("/feeds/search.atom", query_string={"q": "gadget", **params}).data
        )

    def doctor(self) -> str:
        return CliRunner().invoke(main, ["doctor", "--json"]).stdout


@pytest.fixture
def installation(
    redis: Redis,
    store_url: str,
    upstream: Upstream,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Installation:
    fields = upstream.settings(
        arxiv_interval=0.0,
        categories=(),
        communities={},
        keywords={},
        huggingface=False,
        huggingface_url=upstream.url,
        redis_url=store_url,
        data_dir=str(tmp_path),
    )
    config = tmp_path / "paperwire.toml"
    config.write_text(to_toml(fields), "utf-8")
    monkeypatch.setenv("PAPERWIRE_CONFIG", str(config))
    settings = Settings(**fields)
    ids = ["2611.00001", "2611.00002"]
    upstream.serve_document("/gadgets.json", json.dumps(ids).encode(), "application/json")
    return Installation(redis, settings, create_app(settings).test_client())


AddRow = Callable[[Callable[[TaskContext], FetchFunction]], None]


@pytest.fixture
def add_source(monkeypatch: pytest.MonkeyPatch) -> AddRow:
    """Add the made-up source: a row in the table of sources, a row in the registry."""

    def add(build: Callable[[TaskContext], FetchFunction]) -> None:
        spec = SourceSpec(
            title=TITLE,
            homepage="https://gadgets.example/",
            task_kinds=(SOURCE,),
            fetched_by=(SOURCE,),
            url_settings=("huggingface_url",),
        )
        row = TaskKind(
            build_fetch=build,
            cadence=cadence.every(cadence.HOUR),
            role=TaskRole.SOURCE,
            recurring=lambda settings: [SOURCE_TASK],
        )
        monkeypatch.setitem(SOURCES, SOURCE, spec)
        monkeypatch.setitem(TASKS, SOURCE, row)

    return add


@pytest.fixture
def add_task(monkeypatch: pytest.MonkeyPatch) -> AddRow:
    """Add the made-up maintenance task: a row in the registry."""

    def add(build: Callable[[TaskContext], FetchFunction]) -> None:
        row = TaskKind(
            build_fetch=build,
            cadence=cadence.every(cadence.DAY),
            role=TaskRole.MAINTENANCE,
            timeout=77,
            recurring=lambda settings: [MAINTENANCE_TASK],
        )
        monkeypatch.setitem(TASKS, MAINTENANCE_TASK, row)

    return add


def shown_state(task: str, status: TaskStatus) -> str:
    """The line of `/metrics` that gives a task's state."""
    return f'paperwire_source_state{{source="{task}",state="{status}"}} 1.0'


def test_made_up_source_is_scheduled_run_and_stored(
    installation: Installation, add_source: AddRow
) -> None:
    add_source(lambda context: GADGETS.fetch)
    assert SOURCE_TASK in installation.tick()
    state = installation.perform(SOURCE_TASK)
    assert (state.state, state.got, state.said) == (TaskStatus.OK, 2, "2 gadgets")
    assert state.next_at is not None
    assert (
        timedelta(0)
        <= state.next_at - state.attempted_at - timedelta(hours=1)
        < timedelta(minutes=1)
    )
    assert installation.states.due_time(SOURCE_TASK) == state.next_at
    assert installation.store.count_papers() == 2


def test_made_up_source_is_on_status_page_and_in_metrics(
    installation: Installation, add_source: AddRow
) -> None:
    add_source(lambda context: GADGETS.fetch)
    installation.tick()
    installation.perform(SOURCE_TASK)
    assert "2 gadgets" in installation.status_page()
    assert shown_state(SOURCE_TASK, TaskStatus.OK) in installation.metrics()


def test_made_up_source_filters_a_feed(installation: Installation, add_source: AddRow) -> None:
    add_source(lambda context: GADGETS.fetch)
    installation.tick()
    installation.perform(SOURCE_TASK)
    entries = installation.feed(source=SOURCE).entries
    assert [entry.id for entry in entries] == [
        "https://arxiv.org/abs/2611.00002",
        "https://arxiv.org/abs/2611.00001",
    ]
    assert TITLE in installation.status_page()


def test_made_up_source_is_fetched_by_name(installation: Installation, add_source: AddRow) -> None:
    add_source(lambda context: GADGETS.fetch)
    ran = CliRunner().invoke(main, ["fetch", SOURCE])
    assert ran.exit_code == 0, ran.output
    assert installation.store.count_papers() == 2


def test_failing_made_up_source_is_reported_by_doctor_and_feeds(
    installation: Installation, add_source: AddRow
) -> None:
    add_source(build_failing)
    installation.fail(SOURCE_TASK)
    assert f"source {SOURCE_TASK}" in installation.doctor()
    assert "out of gadgets" in installation.status_page()
    assert shown_state(SOURCE_TASK, TaskStatus.FAILING) in installation.metrics()
    assert "Papers may be missing" in installation.client.get("/").text


def test_unreachable_made_up_source_is_reported_by_doctor(
    installation: Installation, add_source: AddRow, upstream: Upstream
) -> None:
    add_source(lambda context: GADGETS.fetch)
    upstream.fail("reset")
    causes = [finding["cause"] for finding in json.loads(installation.doctor())["findings"]]
    assert any(TITLE in cause for cause in causes), causes


def test_made_up_task_is_scheduled_run_and_shown(
    installation: Installation, add_task: AddRow
) -> None:
    add_task(build_audit)
    assert MAINTENANCE_TASK in installation.tick()
    (job,) = [j for j in jobs.job_queue(installation.redis).jobs if j.args[0] == MAINTENANCE_TASK]
    assert job.timeout == 77
    state = installation.perform(MAINTENANCE_TASK)
    assert (state.state, state.said) == (TaskStatus.QUIET, "0 papers audited")
    assert installation.states.due_time(MAINTENANCE_TASK) == state.next_at
    assert "0 papers audited" in installation.status_page()
    assert shown_state(MAINTENANCE_TASK, TaskStatus.QUIET) in installation.metrics()


def test_failing_made_up_task_is_reported_but_no_paper_is_missing(
    installation: Installation, add_task: AddRow
) -> None:
    add_task(build_failing)
    installation.fail(MAINTENANCE_TASK)
    assert f"source {MAINTENANCE_TASK}" in installation.doctor()
    assert "out of gadgets" in installation.status_page()
    assert "Papers may be missing" not in installation.client.get("/").text


def test_made_up_channel_sends_soon_after_papers_change(
    installation: Installation, add_source: AddRow, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[int] = []

    def build_pager(context: TaskContext) -> FetchFunction:
        def fetch(subject: str, upstreams: UpstreamClients, now: datetime) -> Iterator[FetchResult]:
            count = context.store.count_papers()
            if DeliveryLog(context.redis, CHANNEL_TASK).claim("all", str(count)):
                sent.append(count)
                yield FetchResult(message=f"paged about {count} papers")
            else:
                yield FetchResult(message="paged before")

        return fetch

    def on_change(states: TaskStates, now: datetime) -> None:
        states.schedule_earlier(CHANNEL_TASK, now)

    row = TaskKind(
        build_fetch=build_pager,
        cadence=cadence.every(cadence.DAY),
        role=TaskRole.NOTIFICATION,
        recurring=lambda settings: [CHANNEL_TASK],
    )
    monkeypatch.setitem(CHANNELS, CHANNEL_TASK, NotificationChannel(row, on_change))
    add_source(lambda context: GADGETS.fetch)
    assert {CHANNEL_TASK, SOURCE_TASK} <= set(installation.tick())
    assert installation.perform(CHANNEL_TASK).said == "paged about 0 papers"
    assert CHANNEL_TASK not in installation.tick(timedelta(seconds=1))
    installation.perform(SOURCE_TASK)
    assert CHANNEL_TASK in installation.tick(timedelta(seconds=2))
    assert installation.perform(CHANNEL_TASK).said == "paged about 2 papers"
    assert "paged about 2 papers" in installation.status_page()
    assert shown_state(CHANNEL_TASK, TaskStatus.QUIET) in installation.metrics()
    jobs.run(CHANNEL_TASK)
    assert (installation.state(CHANNEL_TASK).said, sent) == ("paged before", [0, 2])


def test_failing_made_up_channel_is_reported_but_no_paper_is_missing(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = TaskKind(
        build_fetch=build_failing,
        cadence=cadence.every(cadence.DAY),
        role=TaskRole.NOTIFICATION,
        recurring=lambda settings: [CHANNEL_TASK],
    )
    monkeypatch.setitem(CHANNELS, CHANNEL_TASK, NotificationChannel(row))
    installation.fail(CHANNEL_TASK)
    assert f"source {CHANNEL_TASK}" in installation.doctor()
    assert CHANNEL_TASK in installation.status_page()
    assert "Papers may be missing" not in installation.client.get("/").text
