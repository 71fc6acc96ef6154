"""All recordings are ingested by real workers and served as feeds, over real HTTP.

Expected numbers are counted in the recordings without Paperwire. `-s` prints them as a table.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from time import sleep
from typing import Any

import feedparser
import pytest
import requests
from lxml import etree

from papers.model.labels import announce_type_name
from papers.model.paper import Paper
from papers.query.match import matches
from papers.query.parser import parse_query
from papers.redis_backend import keys
from papers.state.keywords import Keywords
from papers.state.task_states import TaskState, TaskStates, TaskStatus
from tests.conftest import running_store
from tests.end_to_end import recorded_facts as facts
from tests.end_to_end.recorded_upstream import RecordedUpstream
from tests.end_to_end.wire import RunningSystem
from tests.papers.fingerprint import all_papers, fingerprint
from tests.subscriber import PollResult, Subscriber

KEYWORDS = {
    "Hallucination": "hallucination",
    "MLLM": 'mllm OR "multimodal large language model" OR "multimodal llm"',
    "Reasoning": "reasoning",
    "Reward Model": '"reward model"',
    "Testing": "testing",
    "Vision": "cat:cs.CV -ti:video",
}
FORMATS = ("atom", "rss", "json")
WEEKEND = ("announcements:cs.AI", date(2026, 6, 6))
LAST = date(2026, 9, 1)
"""A day after all recordings, for communities, initial fetches and enrichment."""


def get_when_allowed(url: str) -> requests.Response:
    """Return the response, after waiting out any rate limit: these are many new queries."""
    while (answer := requests.get(url, timeout=10)).status_code == 429:
        sleep(int(answer.headers["Retry-After"]))
    answer.raise_for_status()
    return answer


@dataclass
class Ingested:
    """The system after a complete ingest; `came` has the states of every task, in order."""

    wire: RunningSystem
    upstream: RecordedUpstream
    came: dict[str, list[TaskState]]

    def papers(self, source: str = "") -> dict[str, Paper]:
        """Return the papers of the store that a source named, by id."""
        found = all_papers(self.wire.redis)
        return {str(p.id): p for p in found if source in p.sources or not source}

    def got(self, task: str) -> int:
        return sum(state.got for state in self.came[task])

    def feeds(self) -> dict[str, bytes]:
        """Render every keyword in every format, and return the bytes by URL."""
        self.wire.redis.delete(*self.wire.redis.scan_iter("feed:*"), "nothing")
        urls = [self.feed(name, suffix) for name in KEYWORDS for suffix in FORMATS]
        return {url: get_when_allowed(url).content for url in urls}

    def feed(self, name: str, suffix: str) -> str:
        slug = name.lower().replace(" ", "-")
        return f"{self.wire.url}/feeds/{slug}.{suffix}?n=200"


@pytest.fixture(scope="module")
def ingested(recorded: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ingested]:
    """A system that has ingested all recordings once."""
    folder = tmp_path_factory.mktemp("wire")
    with RecordedUpstream(recorded) as upstream, running_store() as url:
        described = facts.described_ids(
            page.body for p in upstream.api_pages.values() for page in p
        )
        upstream.communities["named"] = folder / "named.rss"
        upstream.communities["named"].write_bytes(facts.make_feed_naming(described))
        with RunningSystem.running(upstream, folder, url) as wire:
            for name, query in KEYWORDS.items():
                Keywords(wire.redis).add(name, query, now=noon(LAST))
            yield Ingested(wire, upstream, ingest(wire, upstream, time(12)))


def ingest(wire: RunningSystem, upstream: RecordedUpstream, at: time) -> dict[str, list[TaskState]]:
    """Run every task on the days of its recordings, at a time of day; return the states by task."""
    days = defaultdict(list)
    for _, category, day in sorted(upstream.announcements):
        days[day].append(f"announcements:{category}")
    for recorded in upstream.daily:
        days[date.fromisoformat(recorded)].append("hf:today")
    days[LAST] += [f"community:{name}" for name in upstream.communities]
    days[LAST] += [f"fill:{keyword.slug}" for keyword in Keywords(wire.redis).all()]
    came = defaultdict(list)
    for upstream.day, tasks in sorted(days.items()):
        for state in wire.run_tasks(sorted(set(tasks)), datetime.combine(upstream.day, at, UTC)):
            came[state.name].append(state)
    while not came["enrich"] or "does not know" not in came["enrich"][-1].said:
        assert len(came["enrich"]) < 10, came["enrich"]
        came["enrich"] += wire.run_tasks(["enrich"], datetime.combine(LAST, at, UTC))
    return came


def noon(day: date) -> datetime:
    return datetime.combine(day, time(12), UTC)


def test_every_record_is_ingested(ingested: Ingested) -> None:
    upstream = ingested.upstream
    announced: dict[tuple[str, date], Path] = {}
    for (_, category, day), file in sorted(upstream.announcements.items(), reverse=True):
        announced[f"announcements:{category}", day] = file  # the Atom form, where there are two
    for task, states in ingested.came.items():
        if task.startswith("announcements:"):
            days = sorted(day for name, day in announced if name == task)
            assert [s.got for s in states] == [
                facts.count_entries(announced[task, d]) for d in days
            ]
        elif task.startswith("community:"):
            assert [s.got for s in states] == [facts.count_entries(upstream.communities[task[10:]])]
    assert [s.got for s in ingested.came["hf:today"]] == [
        len(items) for _, items in sorted(upstream.daily.items())
    ]
    assert ingested.got("fill:testing") == 100
    assert TaskStates(ingested.wire.redis).list_quarantined(10) == []
    print(table(ingested))


def test_every_source_names_the_papers_that_were_recorded(ingested: Ingested) -> None:
    upstream = ingested.upstream
    pages = [page.body for pages in upstream.api_pages.values() for page in pages]
    arxiv = facts.announced_ids(upstream.announcements.values()) | facts.described_ids(pages)
    picked = set.union(*facts.picked_ids_by_day(upstream.daily).values())
    assert ingested.papers("arxiv").keys() == arxiv
    assert ingested.papers("hf").keys() == picked
    named = {name: facts.named_ids(file) for name, file in upstream.communities.items()}
    named["named"] = facts.described_ids(pages)
    for community, ids in named.items():
        assert ingested.papers(community).keys() == ids
    assert ingested.papers().keys() == arxiv.union(picked, *named.values())


def test_every_source_ends_in_the_expected_state(ingested: Ingested) -> None:
    for task, states in ingested.came.items():
        empty = [state.state for state in states if not state.got]
        assert set(empty) <= {TaskStatus.QUIET}, task
        assert {state.state for state in states if state.got} <= {TaskStatus.OK}, task
    quiet = [s.attempted_at for s in ingested.came[WEEKEND[0]] if s.state is TaskStatus.QUIET]
    assert quiet == [noon(WEEKEND[1])]


def test_every_feed_is_valid_in_every_format(ingested: Ingested) -> None:
    for url, body in ingested.feeds().items():
        ids = json_ids(body) if ".json" in url else xml_ids(body)
        assert len(ids) == len(set(ids)) > 0, url
        assert all(id.startswith("https://arxiv.org/abs/") for id in ids), url


def xml_ids(body: bytes) -> list[str]:
    etree.fromstring(body)
    parsed = feedparser.parse(body)
    assert not parsed.bozo
    assert all(entry.title and entry.link for entry in parsed.entries)
    return [entry.id for entry in parsed.entries]


def json_ids(body: bytes) -> list[str]:
    document = json.loads(body)
    assert document["version"] == "https://jsonfeed.org/version/1.1"
    return [item["id"] for item in document["items"]]


@pytest.mark.parametrize("name", KEYWORDS)
def test_keyword_finds_what_a_full_scan_finds(ingested: Ingested, name: str) -> None:
    query = parse_query(KEYWORDS[name])
    scanned = [
        paper.id.url
        for paper in all_papers(ingested.wire.redis)
        if paper.is_described
        and not paper.is_in_community_words
        and matches(query, paper)
        and announce_type_name(paper) in ("new", "cross")
    ]
    assert list(ids_of_all_pages(ingested.feed(name, "json"))) == scanned != []


def ids_of_all_pages(url: str) -> Iterator[str]:
    """Yield the ids of a feed, from all its pages."""
    while url:
        document = requests.get(url, timeout=10).json()
        yield from (item["id"] for item in document["items"])
        url = document.get("next_url", "")


def test_unchanged_feeds_are_not_sent_again(ingested: Ingested) -> None:
    tasks = [f"community:{name}" for name in ingested.upstream.communities]
    before = len(ingested.upstream.log)
    states = ingested.wire.run_tasks(tasks, noon(LAST) + timedelta(minutes=5))
    assert {state.said for state in states} == {"not changed"}
    assert {visit.status for visit in ingested.upstream.log[before:]} == {304}


def test_a_second_complete_ingest_changes_nothing(ingested: Ingested) -> None:
    wire = ingested.wire
    subscribers = [Subscriber(ingested.feed(name, "atom")) for name in KEYWORDS]
    assert all(subscriber.poll().new for subscriber in subscribers)
    feeds, content = ingested.feeds(), reproducible(fingerprint(wire.redis))
    wire.redis.delete(keys.VALIDATORS)
    again = ingest(wire, ingested.upstream, time(13))
    for task in ingested.came.keys() - {"enrich"}:
        assert sum(state.got for state in again[task]) == ingested.got(task), task
    assert reproducible(fingerprint(wire.redis)) == content
    assert ingested.feeds() == feeds
    assert [subscriber.poll() for subscriber in subscribers] == [PollResult(0, 0)] * len(KEYWORDS)
    for subscriber in subscribers:
        subscriber.close()


def reproducible(content: dict[str, Any]) -> dict[str, Any]:
    """Return a store's content without times of counters and ranks of equal statements."""
    return {**content, "papers": [_reproducible_paper(paper) for paper in content["papers"]]}


def _reproducible_paper(paper: Paper) -> Paper:
    picks = tuple(replace(pick, counted_at=None) for pick in paper.picks)
    return paper._replace(picks=picks, ranks=())


def table(ingested: Ingested) -> str:
    """Format the figures: per source its fetches, records, distinct papers and last state."""
    lines = [f"\n{'source':<32}{'runs':>6}{'records':>9}  last state"]
    for task, states in sorted(ingested.came.items()):
        lines.append(
            f"{task:<32}{len(states):>6}{ingested.got(task):>9}  "
            f"{states[-1].state}: {states[-1].said}"
        )
    sources = ("arxiv", "hf", *sorted(ingested.upstream.communities), "")
    for source in sources:
        lines.append(f"distinct papers, {source or 'all':<22}{len(ingested.papers(source)):>8}")
    return "\n".join(lines)
