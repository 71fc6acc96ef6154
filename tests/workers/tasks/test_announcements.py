"""Papers are complete when they are first shown: what comes later the same day changes nothing."""

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


class Desk:
    """Runs tasks in a world at its time."""

    def __init__(self, redis: Redis, world: Upstream) -> None:
        self.world, self.store = world, Store(redis)
        settings = Settings(**world.settings(arxiv_interval=0.0), categories=("cs.CL", "cs.AI"))
        self.settings = replace(settings, keywords={})
        self.redis = redis

    def run(self, task: str = "announcements:cs.CL") -> str:
        said = TaskRunner(self.redis, self.settings, lambda: self.world.now).run(task, None)
        return f"{said['state']}: {said['said']}"

    def asked_oai(self) -> int:
        return len(self.world.requests_to("/oai"))

    def only(self) -> Paper:
        (id,) = (preprint.id for preprint in self.world.preprints())
        (paper,) = self.store.get_papers([id])
        assert paper is not None
        return paper


@pytest.fixture
def desk(redis: Redis, upstream: Upstream) -> Desk:
    upstream.set_time(NOW)
    return Desk(redis, upstream)


def test_what_is_announced_is_complete_from_the_first(desk: Desk) -> None:
    paper = desk.world.announce(TEXT)
    assert desk.run() == "ok: 1 announced on 2026-11-18"
    first = desk.only()
    assert (first.comment, first.authors) == (TEXT.comment, TEXT.authors)
    assert first.announced_at == datetime(2026, 11, 18, 5, tzinfo=UTC)
    for task in (RECONCILIATION, "announcements:cs.AI"):
        desk.run(task)
        assert desk.only() == first, task
    desk.world.next_day()
    desk.world.revise(paper, comment="10 pages. Accepted at ACL")
    desk.run()
    assert (desk.only().version, desk.only().comment[:2]) == (2, "10")


@pytest.mark.parametrize("status", [404, 429, 500])
def test_announcements_are_news_without_it(desk: Desk, status: int) -> None:
    desk.world.announce(TEXT)
    desk.world.fail(status, "/oai")
    assert desk.run().startswith("ok: 1 announced on 2026-11-18; what OAI-PMH adds comes later: ")
    assert (desk.only().title, desk.only().comment) == (TEXT.title, "")


def test_only_the_papers_of_the_day_are_taken(desk: Desk) -> None:
    desk.world.announce(TEXT)
    desk.world.next_day()
    desk.world.announce(replace(TEXT, title="Another"))
    desk.run()
    assert Store(desk.redis).count_papers() == 1


def test_nothing_is_asked_where_nothing_is_new(desk: Desk) -> None:
    desk.world.announce(TEXT)
    desk.run()
    assert desk.asked_oai() == 1
    desk.run()  # not modified
    desk.settings = replace(desk.settings, arxiv_oai_url="")
    desk.world.next_day()
    desk.world.announce(replace(TEXT, title="Another"))
    desk.run()
    assert desk.asked_oai() == 1
