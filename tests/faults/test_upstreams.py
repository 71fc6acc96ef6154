"""Every fault of an upstream, with a real worker: nothing is lost, and all see the state.

Twelve papers are announced and picked. Then a source misbehaves while a task fetches it, and
behaves again by the time of the task's next attempt. During the fault the feed is served, and page,
API, metrics and command line show the same state. Afterwards all papers are in the store.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from redis import Redis

from papers.model.arxiv_id import ArxivId
from papers.model.paper import Paper
from papers.redis_backend import keys
from papers.state.keyword_record import initial_fetch_task
from papers.state.keywords import Keywords
from papers.state.task_states import TaskStatus
from papers.store import Store
from paperwire.simulator.upstream import Upstream
from paperwire.simulator.world.manuscripts import Manuscript
from tests.faults.system import SAVED_KEYWORD, DurableStore, FeedPoller, SystemUnderTest
from tests.outcomes import note_outcome
from tests.papers.fingerprint import all_papers
from workers.ingest.expected_volume import VolumeCheck

pytestmark = pytest.mark.faults

NOW = datetime(2026, 11, 18, 9, tzinfo=UTC)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
PAPERS = 12
SILENT = ("hang", "drip")
"""Faults that last until a time-out."""

SHOWN = "page, API, metrics, CLI"

ARXIV, OAI, HF, RECENT, WEEKLY = (
    *("announcements:cs.CL", "oai:daily", "hf:today", "hf:recent", "community:weekly"),
)
FILL, ENRICH = initial_fetch_task("papers"), "enrich"
PATHS = {"announcements": "/rss", "oai": "/oai", "hf": "/hf", "community": "/feeds"}
API = "/api"


@dataclass(frozen=True)
class Row:
    """A fault while a task runs: the state it leaves, the message (a pattern), and what is stored.

    `wait` is the least time until the next attempt; `kept` is how many papers are stored in spite
    of the fault.
    """

    task: str
    fault: str | int
    state: TaskStatus = TaskStatus.FAILING
    said: str = ""
    wait: timedelta = timedelta()
    kept: int = 0
    options: dict[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        options = "".join(f" {name}={value}" for name, value in self.options.items())
        return f"{self.task}: {self.fault}{options}"


NONE = r"not a feed|not an Atom|not OAI-PMH"
ROWS = (
    # refusals by arXiv
    Row(ARXIV, 503, said="answered 503", wait=50 * timedelta(seconds=1)),
    Row(ARXIV, 429, said="answered 429"),
    Row(ARXIV, 429, said="429", wait=2 * HOUR, options={"retry_after": 7200}),
    Row(ARXIV, 429, said="429", wait=3 * HOUR, options={"retry_after": NOW + 3 * HOUR}),
    Row(ARXIV, 406, said="answered 406"),
    Row(ARXIV, "rate-exceeded", said="said: Rate exceeded"),
    Row(OAI, 503, said="answered 503", wait=10 * MINUTE, options={"retry_after": 600}),
    Row(FILL, 429, said="answered 429"),
    # a response of another kind; the arxiv package would see no result, and no error
    Row(ARXIV, "html", said=NONE),
    Row(FILL, "html", said=NONE),
    Row(OAI, "html", said=NONE),
    Row(FILL, "rate-exceeded", said="said: Rate exceeded"),
    Row(ENRICH, "rate-exceeded", said="said: Rate exceeded", kept=PAPERS),
    Row(ARXIV, "empty", said="empty body"),
    Row(FILL, "empty", said="empty body"),
    Row(ARXIV, "error-entry", said="."),
    Row(FILL, "error-entry", said="arXiv's API says"),
    Row(ENRICH, "error-entry", said="arXiv's API says", kept=PAPERS),
    # incomplete responses
    Row(ARXIV, "half", said="part of the answer is missing", kept=4),
    Row(FILL, "half", said="cut XML"),
    Row(OAI, "half", said="cut"),
    Row(ARXIV, "cut", said="."),
    Row(FILL, "cut", said="."),
    Row(FILL, "empty-page", said="declares 12 results but gave 0 of 12"),
    Row(FILL, "thin", said="declares 12 results but gave 1 of 12"),
    Row(ENRICH, "thin", said="declares 12 results but gave 1 of 12", kept=PAPERS),
    Row(FILL, "repeat", TaskStatus.OK, kept=PAPERS),  # one page: nothing to repeat
    Row(ARXIV, "thin", TaskStatus.STALE, "few for a Wednesday, when 12 are usual", kept=1),
    Row(OAI, "thin", said="declares 12 records but gave", kept=3),
    # no response
    Row(ARXIV, "hang", said="."),
    Row(ARXIV, "drip", said="out of time", options={"pause": 0.2}),
    Row(ARXIV, "reset", said="reset"),
    Row(FILL, "refused", said="refused"),
    Row(ARXIV, "redirect", said="redirects more than 5 times"),
    # a response of another day
    Row(ARXIV, "stale", TaskStatus.STALE, "expected"),
    Row(ARXIV, "unpublished", TaskStatus.STALE, "expected"),
    Row(ARXIV, "future", said="none of 12 records could be read"),
    Row(ARXIV, "control-characters", TaskStatus.OK, kept=PAPERS),
    # Hugging Face
    Row(HF, "hf-429", said="answered 429", wait=timedelta(seconds=55)),
    Row(HF, "hf-400", said="answered 400: .*Bad request"),
    Row(HF, "empty-weekend", TaskStatus.QUIET),
    Row(HF, "strings", said="none of 2 records could be read"),
    Row(HF, "missing-keys", TaskStatus.OK, kept=PAPERS - 3),
    Row(HF, "html", said="not JSON"),
    Row(HF, "half", said="not JSON"),
    Row(HF, "hang", said="."),
    # communities
    Row(WEEKLY, "thin", TaskStatus.OK, kept=1),
    Row(WEEKLY, "dates-now", TaskStatus.OK, kept=PAPERS),
    Row(WEEKLY, "bomb", said="DOCTYPE"),
    Row(WEEKLY, "gzip-bomb", said="more than 32,000,000 bytes"),
    Row(WEEKLY, "deep", said="more than 1,000 tags"),
    Row(WEEKLY, "wide", said="more than 200 attributes|more than 65,536 characters"),
    Row(WEEKLY, "html", said=NONE),
    Row(WEEKLY, "empty", said="empty body"),
    Row(WEEKLY, 503, said="answered 503"),
)


@pytest.fixture(scope="module")
def system() -> Iterator[SystemUnderTest]:
    with (
        DurableStore() as store,
        Upstream(NOW) as world,
        SystemUnderTest.running(store.url, world) as system,
    ):
        yield system


@pytest.fixture
def world(system: SystemUnderTest) -> Iterator[Upstream]:
    """Twelve papers of today, each picked by both; the system uses them, with an empty store."""
    with Upstream(NOW, communities=("weekly",), oai_page=5) as world:
        for n in range(PAPERS):
            id = world.announce(Manuscript(title=f"Paper {n}"))
            world.pick(id, votes=n)
            world.pick(id, "weekly")
        system.point_to(world)
        system.reset_store(world.now)
        usual = VolumeCheck(system.redis, system.states, can_reconcile=False)
        for week in (1, 2, 3, 4):
            usual._record_count(ARXIV, NOW.date() - week * timedelta(weeks=1), PAPERS)
        yield world


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_upstream_fault_loses_nothing(system: SystemUnderTest, world: Upstream, row: Row) -> None:
    if row.task == ENRICH:
        system.run_task(WEEKLY, world.now)  # names papers that arXiv has not described yet
    prefix = PATHS.get(row.task.partition(":")[0], API)
    world.fail(row.fault, prefix, **row.options)
    if row.fault in SILENT:
        system.point_to(world, fetch_timeout=0.5, fetch_deadline=1.5)
    with FeedPoller(system.url + "/feeds/papers.atom").polling() as reader:
        state = system.run_task(row.task, world.now)
        assert state.state is row.state, state.said
        assert re.search(row.said, state.said), state.said
        assert system.shown_states(row.task) == {str(row.state)}
        assert len(all_papers(system.redis)) >= row.kept
        heal(system, world)
        at = (state.next_at or world.now) + timedelta(seconds=1)
        assert at >= world.now + row.wait
        assert row.state is TaskStatus.OK or at <= world.now + max(row.wait, HOUR) * 1.2
        world.set_time(world.now + MINUTE if row.state is TaskStatus.OK else at)
        if row.state is TaskStatus.OK and row.task == FILL:
            after = state  # it runs only once
        else:
            after = system.run_task(row.task, world.now)
    assert after.state is TaskStatus.OK, after.said
    assert reader.statuses == {200}
    assert_all_papers_stored(system.redis, world)
    if row.task in (WEEKLY, HF):
        system.run_task(ENRICH, world.now)  # arXiv describes the papers that a community named
    assert system.feed().text.count("<entry>") == PAPERS
    note_outcome(
        row.name,
        lost="nothing",
        served=f"{len(reader.polls)} x 200",
        shown=f"{state.state}: {SHOWN}",
        heals="at once" if row.state is TaskStatus.OK else f"{round((at - NOW) / MINUTE)} min",
        figures=f"{row.kept} of {PAPERS} stored in spite of it",
    )


def heal(system: SystemUnderTest, world: Upstream) -> None:
    """End the fault and the back-off of all requests to arXiv."""
    world.heal()
    system.point_to(world)
    system.redis.delete(keys.ARXIV_RATE_LIMIT)


def assert_all_papers_stored(redis: Redis, world: Upstream) -> None:
    assert {paper.id for paper in all_papers(redis)} == {known.id for known in world.preprints()}


def test_backoff_grows_to_an_hour_and_ends_with_the_fault(
    system: SystemUnderTest, world: Upstream
) -> None:
    world.fail("html", "/rss")
    waits = []
    for _ in range(10):
        state = system.run_task(ARXIV, world.now)
        assert state.next_at is not None
        waits.append((state.next_at - world.now) / MINUTE)
        world.set_time(state.next_at)
    assert waits == sorted(waits[:6]) + waits[6:]
    assert 0.8 < waits[0] < 1.2
    assert all(50 < wait < 70 for wait in waits[6:])
    assert system.shown_states(ARXIV) == {"failing"}
    assert f"source {ARXIV}" in system.doctor()
    heal(system, world)
    assert system.run_task(ARXIV, world.now).failures == 0
    assert_all_papers_stored(system.redis, world)
    note_outcome(
        "ten failures in a row",
        lost="nothing",
        shown=f"failing: {SHOWN}, doctor",
        heals=f"{waits[-1]:.0f} min",
        figures=f"fetched again after {', '.join(f'{wait:.0f}' for wait in waits)} min",
    )


def scenario_test(
    scenario: Callable[[SystemUnderTest, Upstream], str],
) -> Callable[[SystemUnderTest, Upstream], None]:
    """Make a test of a scenario in several steps; its return value is the outcome."""

    def test(system: SystemUnderTest, world: Upstream) -> None:
        outcome = scenario(system, world)
        assert system.feed().status_code == 200
        assert {known.id for known in world.preprints()} <= {p.id for p in all_papers(system.redis)}
        name = scenario.__name__.removeprefix("test_").replace("_", " ")
        note_outcome(name, lost="nothing", served="200", figures=outcome)

    test.__name__ = scenario.__name__
    return test


@scenario_test
def test_two_batches_in_a_day(system: SystemUnderTest, world: Upstream) -> str:
    system.run_task(ARXIV, world.now)
    world.set_time(NOW + 3 * HOUR)
    world.announce(Manuscript(title="Paper of a second batch"))
    state = system.run_task(ARXIV, world.now)
    assert (state.state, state.got) == (TaskStatus.OK, PAPERS + 1)
    assert_all_papers_stored(system.redis, world)
    return "both are stored"


@scenario_test
def test_a_second_batch_after_the_last_look(system: SystemUnderTest, world: Upstream) -> str:
    system.run_task(ARXIV, world.now)
    world.announce(Manuscript(title="Paper of a second batch"))
    world.next_day()
    world.announce(Manuscript(title="Paper of the next day"))
    system.run_task(ARXIV, world.now)
    state = system.run_task(OAI, world.now)
    assert "1 of them missing here and filled in" in state.said
    assert_all_papers_stored(system.redis, world)
    return "the reconciliation finds it"


@scenario_test
def test_fetched_before_publication(system: SystemUnderTest, world: Upstream) -> str:
    world.fail("unpublished", "/rss")
    early = system.run_task(ARXIV, datetime(2026, 11, 18, 5, 2, tzinfo=UTC))
    assert early.state is TaskStatus.STALE
    assert early.next_at is not None
    assert early.next_at - early.attempted_at < 12 * MINUTE
    heal(system, world)
    assert system.run_task(ARXIV, early.next_at).state is TaskStatus.OK
    assert_all_papers_stored(system.redis, world)
    return "stale, fetched again after ten minutes"


@scenario_test
def test_withdrawn(system: SystemUnderTest, world: Upstream) -> str:
    system.run_task(ARXIV, world.now)
    first = world.preprints()[-1].id
    world.next_day()
    world.withdraw(first)
    system.run_task(OAI, world.now)
    (paper,) = Store(system.redis).get_papers([first])
    assert paper is not None
    assert paper.withdrawn
    assert f"<id>{first.url}</id>" in system.feed().text
    return "flagged, and still in the feed"


@scenario_test
def test_version_two_before_version_one(system: SystemUnderTest, world: Upstream) -> str:
    first = world.preprints()[-1].id
    at_first = world.now
    world.next_day()
    world.revise(first, title="Paper 0, revised")
    system.run_task(ARXIV, world.now)  # version 2 in today's feed
    world.fail("stale", "/rss")
    system.run_task(ARXIV, world.now + MINUTE)  # version 1 in yesterday's
    (paper,) = Store(system.redis).get_papers([first])
    assert paper is not None
    assert (paper.version, paper.title) == (2, "Paper 0, revised")
    assert at_first < world.now
    assert_all_papers_stored(system.redis, world)
    return "version 2 stays, and the day of version 1 is known"


@scenario_test
def test_one_bad_id_in_a_batch(system: SystemUnderTest, world: Upstream) -> str:
    system.run_task(WEEKLY, world.now)
    world.post("weekly", "No such paper", "https://arxiv.org/abs/2611.59999")
    world.set_time(world.now + HOUR)
    system.run_task(WEEKLY, world.now)
    state = system.run_task(ENRICH, world.now)
    assert state.state is TaskStatus.OK
    described = [paper.id for paper in all_papers(system.redis) if paper.is_from_arxiv]
    assert len(described) == PAPERS
    assert Store(system.redis).undescribed(10) == [ArxivId(202611, 59_999)]
    return "twelve described, one retried at growing intervals"


@scenario_test
def test_a_page_that_repeats(system: SystemUnderTest, world: Upstream) -> str:
    for n in range(120):
        world.announce(Manuscript(title=f"Paper {n} of many"))
    world.fail("repeat", "/api")
    state = system.run_task(FILL, world.now)
    assert state.state is TaskStatus.FAILING
    assert "repeats a page" in state.said
    heal(system, world)
    assert state.next_at is not None
    assert system.run_task(FILL, state.next_at).state in (TaskStatus.OK, TaskStatus.QUIET)
    assert_all_papers_stored(system.redis, world)
    return "failing, the first page stored; then all 132"


@scenario_test
def test_items_that_vanish_and_return(system: SystemUnderTest, world: Upstream) -> str:
    system.run_task(WEEKLY, world.now)
    before = [_uncounted(paper) for paper in all_papers(system.redis)]
    ids = [known.id for known in world.preprints()]
    for id in ids[:6]:
        world.unpick(id, "weekly")
    for hour in (1, 2):
        world.set_time(NOW + hour * HOUR)
        system.run_task(WEEKLY, world.now)
        assert [_uncounted(paper) for paper in all_papers(system.redis)] == before
        for id in ids[:6]:
            world.pick(id, "weekly", at=NOW + HOUR)
    return "nothing changes but counts, and each pick keeps its first date"


def _uncounted(paper: Paper) -> Paper:
    """Return a paper without the counts of its picks and the times of statements about it."""
    picks = (replace(pick, votes=None, comments=None, counted_at=None) for pick in paper.picks)
    return paper._replace(picks=tuple(picks), ranks=())


@scenario_test
def test_dates_that_always_change(system: SystemUnderTest, world: Upstream) -> str:
    world.fail("dates-now", "/feeds")
    system.run_task(WEEKLY, world.now)
    before = system.feed()
    for hour in (1, 2, 3):
        world.set_time(NOW + hour * HOUR)
        system.run_task(WEEKLY, world.now)
    after = system.feed()
    assert (after.content, after.headers["ETag"]) == (before.content, before.headers["ETag"])
    return "the feed's bytes stay"


@scenario_test
def test_one_poisonous_record(system: SystemUnderTest, world: Upstream) -> str:
    entry = f"<entry><id>oai:arXiv.org:{'9' * 40}</id><title>Poison</title></entry>"
    system.run_task(ARXIV, world.now)
    sound = world_feed(world)
    world.serve_document("/rss/atom/cs.CL", sound.replace("<entry>", entry + "<entry>", 1).encode())
    system.reset_store(world.now)
    state = system.run_task(ARXIV, world.now + HOUR)
    assert (state.state, state.got) == (TaskStatus.OK, PAPERS + 1)
    (aside,) = system.states.list_quarantined(10)
    assert "9999" in aside.excerpt
    assert system.status()["set_aside"] == 1
    assert system.metrics()[("paperwire_set_aside",)] == 1
    assert_all_papers_stored(system.redis, world)
    return f"only it is quarantined: {aside.reason[:60]}"


def world_feed(world: Upstream) -> str:
    import requests

    return requests.get(f"{world.url}/rss/atom/cs.CL", timeout=5).text


@scenario_test
def test_an_outage_of_a_week(system: SystemUnderTest, world: Upstream) -> str:
    system.run_task(OAI, world.now)
    days: list[date] = []
    for _ in range(5):
        days.append(world.next_day())
        world.announce(Manuscript(title=f"Paper of {days[-1]}"))
    system.run_task(ARXIV, world.now)
    assert len(all_papers(system.redis)) == PAPERS + 1
    state = system.run_task(OAI, world.now)
    assert "4 of them missing here and filled in" in state.said
    assert_all_papers_stored(system.redis, world)
    return f"{days[0]} to {days[-1]}: the reconciliation covers all of it"


@scenario_test
def test_a_keyword_saved_while_arxiv_is_down(system: SystemUnderTest, world: Upstream) -> str:
    world.fail("refused")
    Keywords(system.redis).add("Later", "paper", now=world.now)
    state = system.run_task(initial_fetch_task("later"), world.now)
    assert state.state is TaskStatus.FAILING
    heal(system, world)
    assert state.next_at is not None
    assert system.run_task(initial_fetch_task("later"), state.next_at).state is TaskStatus.OK
    assert_all_papers_stored(system.redis, world)
    assert SAVED_KEYWORD[1] == "paper"
    return "fetched once arXiv is back"
