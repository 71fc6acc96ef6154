"""The generated papers, and the demo's world that never sleeps."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import feedparser
import pytest
import requests
from redis import Redis

from papers.config.settings import Settings
from papers.model.arxiv_calendar import newest_announcement
from papers.state.task_states import TaskStates
from paperwire.simulator import demo
from paperwire.simulator.world.generate import PaperGenerator
from paperwire.simulator.world.manuscripts import Manuscript

SATURDAY = datetime(2026, 11, 21, 15, tzinfo=UTC)
SMALL = demo.DemoOptions(seconds_per_day=0.02, papers_per_day=12, history_weeks=1)
CHILD = (sys.executable, "-m", "paperwire.simulator", "--papers", "5", "--weeks", "1")


@pytest.fixture(scope="module")
def papers() -> list[Manuscript]:
    """Five days of 120 papers."""
    generator = PaperGenerator(seed=7)
    return [generator.manuscript() for _ in range(600)]


def test_the_same_seed_gives_the_same_papers(papers: list[Manuscript]) -> None:
    again = PaperGenerator(seed=7)
    assert [again.manuscript() for _ in range(50)] == papers[:50]
    assert PaperGenerator(seed=8).manuscript() != papers[0]


def test_no_two_papers_have_one_title(papers: list[Manuscript]) -> None:
    assert len({paper.title for paper in papers}) == len(papers)


def test_abstracts_have_100_to_200_words_and_mathematics_at_times(
    papers: list[Manuscript],
) -> None:
    assert all(100 <= len(paper.abstract.split()) <= 200 for paper in papers)
    with_tex = sum("$" in paper.abstract for paper in papers)
    assert 0.2 < with_tex / len(papers) < 0.95


def test_nothing_is_left_to_fill_in(papers: list[Manuscript]) -> None:
    names = ("system", "topic", "task", "trouble", "method", "quality", "count", "gain", "venue")
    for paper in papers:
        for text in (paper.title, paper.abstract, paper.comment):
            assert not any(f"{{{name}" in text for name in names), text


@pytest.mark.parametrize("word", ["hallucination", "mllm", "reasoning", "reward model"])
def test_every_day_has_papers_for_the_default_keywords(papers: list[Manuscript], word: str) -> None:
    for day in range(5):
        texts = [f"{p.title} {p.abstract}".lower() for p in papers[day * 120 : day * 120 + 120]]
        found = sum(word in text or (word == "mllm" and "multimodal l" in text) for text in texts)
        assert 1 <= found <= 60, day


def test_every_default_category_and_name_form_comes_up(papers: list[Manuscript]) -> None:
    primaries = Counter(paper.categories[0] for paper in papers)
    assert all(primaries[category] >= 20 for category in Settings().categories)
    names = {name for paper in papers for name in paper.authors}
    assert any(not name.isascii() for name in names)
    assert any("一" <= name[0] <= "鿿" for name in names)
    assert any(paper.comment.startswith("Accepted at") for paper in papers)


def test_the_demo_begins_with_weeks_of_papers_and_goes_on() -> None:
    woken: list[datetime] = []
    three = threading.Event()

    def wake(now: datetime) -> None:
        woken.append(now)
        if len(woken) == 3:
            three.set()

    with demo.running_demo(SMALL, lambda: SATURDAY, wake) as upstream:
        days = {preprint.newest.announced_on for preprint in upstream.preprints()}
        before = len(upstream.listings(upstream.today))
        assert three.wait(10)
        assert len(days) == 5
        assert len(upstream.listings(upstream.today)) > before
    assert set(woken) == {SATURDAY}


def test_the_demo_dates_its_papers_so_that_none_is_stale_or_early() -> None:
    with demo.running_demo(replace(SMALL, seconds_per_day=60), lambda: SATURDAY) as upstream:
        feed = feedparser.parse(requests.get(f"{upstream.url}/rss/atom/cs", timeout=10).content)
        published = {datetime.fromisoformat(entry.published) for entry in feed.entries}
        assert published == {newest_announcement(SATURDAY)}
        assert all(pick.at <= SATURDAY for pick in upstream.picks("hf"))
        assert all(preprint.newest.submitted_at < SATURDAY for preprint in upstream.preprints())
        kinds = {entry.arxiv_announce_type for entry in feed.entries}
        assert {"new", "replace"} <= kinds


def test_the_demo_ends_its_papers_with_the_months_numbers() -> None:
    with demo.running_demo(replace(SMALL, seconds_per_day=60), lambda: SATURDAY) as upstream:
        upstream.announce(Manuscript(title="Nearly the Last"), id="2611.65530")
        assert upstream.remaining_numbers() == 5
        life = demo.DemoTimeline(upstream, SMALL)
        life.simulate_day()
        life.simulate_day()
        assert upstream.remaining_numbers() == 0
        assert str(upstream.preprints()[0].id) == "2611.65535"


def test_the_settings_hold() -> None:
    with demo.running_demo(replace(SMALL, seconds_per_day=60), lambda: SATURDAY) as upstream:
        settings = Settings(**demo.demo_settings(upstream))
        assert list(settings.communities) == [demo.COMMUNITY]


def test_waking_makes_every_source_due(redis: Redis) -> None:
    states = TaskStates(redis)
    tomorrow = SATURDAY + timedelta(days=1)
    for task in ("announcements:cs.CL", "community:weekly", "hf:today", "hf:recent", "enrich"):
        states.schedule(task, tomorrow)
    demo.wake_news_sources(states, SATURDAY)
    assert states.due_tasks(SATURDAY) == ["announcements:cs.CL", "community:weekly", "hf:today"]


def test_as_a_program_it_says_where_it_is_and_ends_when_asked(
    tmp_path: Path, redis: Redis, store_url: str
) -> None:
    port_file = tmp_path / "simulator"
    options = ("--port-file", str(port_file), "--day", "0.05", "--store", store_url)
    with subprocess.Popen([*CHILD, *options], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        said = process.stdout.readline()
        url, told = port_file.read_text().splitlines()
        assert said == f"simulated sources at {url}\n"
        settings = json.loads(told)
        assert settings["arxiv_feed_url"] == f"{url}/rss/atom"
        assert requests.get(f"{url}/rss/atom/cs.CL", timeout=10).status_code == 200
        states = TaskStates(redis)
        states.schedule("hf:today", datetime.now(UTC) + timedelta(days=1))
        _until(lambda: states.due_tasks(datetime.now(UTC)) == ["hf:today"])
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0


@pytest.mark.skipif(sys.platform != "linux", reason="the tie is the Linux kernel's: run on Linux")
def test_it_dies_with_its_parent(tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    starter = (
        "import subprocess, sys, time\n"
        "child = subprocess.Popen(sys.argv[2:], stdout=subprocess.PIPE)\n"
        "child.stdout.readline()\n"
        "open(sys.argv[1], 'w').write(str(child.pid))\n"
        "time.sleep(60)\n"
    )
    command = [sys.executable, "-c", starter, str(pid_file), *CHILD, "--die-with-parent"]
    with subprocess.Popen(command) as parent:
        _until(lambda: pid_file.exists() and pid_file.read_text() != "")
        parent.kill()
    child = int(pid_file.read_text())
    _until(lambda: not _alive(child))


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
        return Path(f"/proc/{pid}/stat").read_text().split()[2] != "Z"
    except (ProcessLookupError, FileNotFoundError):
        return False


def _until(condition: Callable[[], bool], seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)
