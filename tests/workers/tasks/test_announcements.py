"""Papers are complete when they are first shown: nothing later the same day changes them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from redis import Redis

from papers.config.settings import Settings
from papers.model.paper import Paper
from papers.store import Store
from paperwire.simulator.upstream import Upstream
from paperwire.simulator.world.manuscripts import Manuscript
from workers.jobs import TaskRunner
from workers.tasks.announcements import MAX_OAI_PAGES
from workers.tasks.reconcile import RECONCILE_TASK as RECONCILIATION

NOW = datetime(2026, 11, 18, 15, tzinfo=UTC)
TEXT = Manuscript(
    title="A Small Thing",
    abstract="We show\n  a small thing.",
    authors=("Ada Example", "Jos\u00e9 Sample"),
    affiliations=("MIT, Boston", "ETH"),
    categories=("cs.CL", "cs.AI"),
    comment="9 pages. Accepted at ACL",
)


class Harness:
    """Runs tasks in a simulated world at its time."""

    def __init__(self, redis: Redis, world: Upstream) -> None:
        self.world, self.store = world, Store(redis)
        settings = Settings(**world.settings(arxiv_interval=0.0), categories=("cs.CL", "cs.AI"))
        self.settings = replace(settings, keywords={})
        self.redis = redis

    def run(self, task: str = "announcements:cs.CL") -> str:
        summary = TaskRunner(self.redis, self.settings, lambda: self.world.now).run(task, None)
        return f"{summary['state']}: {summary['said']}"

    def oai_request_count(self) -> int:
        return len(self.world.requests_to("/oai"))

    def only(self) -> Paper:
        (id,) = (preprint.id for preprint in self.world.preprints())
        (paper,) = self.store.get_papers([id])
        assert paper is not None
        return paper


@pytest.fixture
def harness(redis: Redis, upstream: Upstream) -> Harness:
    upstream.set_time(NOW)
    return Harness(redis, upstream)


def test_announced_papers_are_complete_at_once(harness: Harness) -> None:
    paper = harness.world.announce(TEXT)
    assert harness.run() == "ok: 1 announced on 2026-11-18"
    first = harness.only()
    assert (first.comment, first.authors) == (TEXT.comment, TEXT.authors)
    assert first.announced_at == datetime(2026, 11, 18, 5, tzinfo=UTC)
    for task in (RECONCILIATION, "announcements:cs.AI"):
        harness.run(task)
        assert harness.only() == first, task
    harness.world.next_day()
    harness.world.revise(paper, comment="10 pages. Accepted at ACL")
    harness.run()
    assert (harness.only().version, harness.only().comment[:2]) == (2, "10")


@pytest.mark.parametrize("status", [404, 429, 500])
def test_announcements_are_stored_if_oai_fails(harness: Harness, status: int) -> None:
    harness.world.announce(TEXT)
    harness.world.fail(status, "/oai")
    assert harness.run().startswith(
        "ok: 1 announced on 2026-11-18; what OAI-PMH adds comes later: "
    )
    assert (harness.only().title, harness.only().comment) == (TEXT.title, "")


def test_only_announced_papers_are_completed(harness: Harness) -> None:
    harness.world.announce(TEXT)
    harness.world.next_day()
    harness.world.announce(replace(TEXT, title="Another"))
    harness.run()
    assert Store(harness.redis).count_papers() == 1


def test_oai_is_not_requested_without_news(harness: Harness) -> None:
    harness.world.announce(TEXT)
    harness.run()
    assert harness.oai_request_count() == 1
    (request,) = harness.world.requests_to("/oai")
    assert "from=2026-11-17" in request.target, "datestamps are days of UTC"
    harness.run()  # not modified
    harness.settings = replace(harness.settings, arxiv_oai_url="")
    harness.world.next_day()
    harness.world.announce(replace(TEXT, title="Another"))
    harness.run()
    assert harness.oai_request_count() == 1


@pytest.mark.parametrize(
    ("rows", "pages", "completed"), [(1, 1, 1), (2, 2, 2), (4, MAX_OAI_PAGES, MAX_OAI_PAGES)]
)
def test_pages_of_oai_are_read_until_all_is_complete_but_not_beyond_a_limit(
    redis: Redis, rows: int, pages: int, completed: int
) -> None:
    with Upstream(NOW, oai_page=1) as world:
        harness = Harness(redis, world)
        for number in range(9, 4, -1):  # pages begin with the lowest, which is announced last
            world.announce(TEXT, id=f"2611.{number:05}")
        world.trim_announcement(rows)
        harness.run()
        assert harness.oai_request_count() == pages
        stored = harness.store.get_papers([preprint.id for preprint in world.preprints()])
        assert [bool(paper.comment) for paper in stored if paper].count(True) == completed
