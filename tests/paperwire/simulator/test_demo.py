"""The generated papers, and the demo's simulated days."""

from __future__ import annotations

import json
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
from tests.paperwire.processes import is_running

SATURDAY = datetime(2026, 11, 21, 15, tzinfo=UTC)
SMALL = demo.DemoOptions(seconds_per_day=0.02, papers_per_day=12, history_weeks=1)
SIMULATOR = (sys.executable, "-m", "paperwire.simulator", "--papers", "5", "--weeks", "1")


@pytest.fixture(scope="module")
def papers() -> list[Manuscript]:
    """Five days of 120 papers each."""
    generator = PaperGenerator(seed=7)
    return [generator.manuscript() for _ in range(600)]


def test_same_seed_gives_same_papers(papers: list[Manuscript]) -> None:
    again = PaperGenerator(seed=7)
    assert [again.manuscript() for _ in range(50)] == papers[:50]
    assert PaperGenerator(seed=8).manuscript() != papers[0]


def test_titles_are_unique(papers: list[Manuscript]) -> None:
    assert len({paper.title for paper in papers}) == len(papers)


def test_abstracts_have_100_to_200_words_and_some_mathematics(
    papers: list[Manuscript],
) -> None:
    assert all(100 <= len(paper.abstract.split()) <= 200 for paper in papers)
    with_tex = sum("$" in paper.abstract for paper in papers)
    assert 0.2 < with_tex / len(papers) < 0.95


def test_templates_are_filled_completely(papers: list[Manuscript]) -> None:
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


def test_all_default_categories_and_name_forms_occur(papers: list[Manuscript]) -> None:
    primaries = Counter(paper.categories[0] for paper in papers)
    assert all(primaries[category] >= 20 for category in Settings().categories)
    names = {name for paper in papers for name in paper.authors}
    assert any(not name.isascii() for name in names)
    assert any("一" <= name[0] <= "鿿" for name in names)
    assert any(paper.comment.startswith("Accepted at") for paper in papers)


def test_demo_starts_with_history_and_adds_days() -> None:
    wake_times: list[datetime] = []
    woken_three_times = threading.Event()

    def wake(now: datetime) -> None:
        wake_times.append(now)
        if len(wake_times) == 3:
            woken_three_times.set()

    with demo.running_demo(SMALL, lambda: SATURDAY, wake) as upstream:
        days = {preprint.newest.announced_on for preprint in upstream.preprints()}
        before = len(upstream.listings(upstream.today))
        assert woken_three_times.wait(10)
        assert len(days) == 5
        assert len(upstream.listings(upstream.today)) > before
    assert set(wake_times) == {SATURDAY}


def test_demo_papers_are_neither_stale_nor_early() -> None:
    with demo.running_demo(replace(SMALL, seconds_per_day=60), lambda: SATURDAY) as upstream:
        feed = feedparser.parse(requests.get(f"{upstream.url}/rss/atom/cs", timeout=10).content)
        published = {datetime.fromisoformat(entry.published) for entry in feed.entries}
        assert published == {newest_announcement(SATURDAY)}
        assert all(pick.at <= SATURDAY for pick in upstream.picks("hf"))
        assert all(preprint.newest.submitted_at < SATURDAY for preprint in upstream.preprints())
        kinds = {entry.arxiv_announce_type for entry in feed.entries}
        assert {"new", "replace"} <= kinds


def test_demo_stops_at_the_last_number_of_a_month() -> None:
    with demo.running_demo(replace(SMALL, seconds_per_day=60), lambda: SATURDAY) as upstream:
        upstream.announce(Manuscript(title="Nearly the Last"), id="2611.65530")
        assert upstream.remaining_numbers() == 5
        timeline = demo.DemoTimeline(upstream, SMALL)
        timeline.simulate_day()
        timeline.simulate_day()
        assert upstream.remaining_numbers() == 0
        assert str(upstream.preprints()[0].id) == "2611.65535"


def test_demo_settings_are_valid() -> None:
    with demo.running_demo(replace(SMALL, seconds_per_day=60), lambda: SATURDAY) as upstream:
        settings = Settings(**demo.demo_settings(upstream))
        assert list(settings.communities) == [demo.COMMUNITY]


def test_news_tasks_are_made_due(redis: Redis) -> None:
    states = TaskStates(redis)
    tomorrow = SATURDAY + timedelta(days=1)
    for task in ("announcements:cs.CL", "community:weekly", "hf:today", "hf:recent", "enrich"):
        states.schedule(task, tomorrow)
    demo.make_news_tasks_due(states, SATURDAY)
    assert states.due_tasks(SATURDAY) == ["announcements:cs.CL", "community:weekly", "hf:today"]


def test_program_prints_its_address_and_stops_on_sigterm(
    tmp_path: Path, redis: Redis, store_url: str
) -> None:
    port_file = tmp_path / "simulator"
    options = ("--port-file", str(port_file), "--day", "0.05", "--store", store_url)
    with subprocess.Popen([*SIMULATOR, *options], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        line = process.stdout.readline()
        url, document = port_file.read_text().splitlines()
        assert line == f"simulated sources at {url}\n"
        settings = json.loads(document)
        assert settings["arxiv_feed_url"] == f"{url}/rss/atom"
        assert requests.get(f"{url}/rss/atom/cs.CL", timeout=10).status_code == 200
        states = TaskStates(redis)
        states.schedule("hf:today", datetime.now(UTC) + timedelta(days=1))
        _wait_until(lambda: states.due_tasks(datetime.now(UTC)) == ["hf:today"])
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0


@pytest.mark.skipif(sys.platform != "linux", reason="needs the death signal of Linux")
def test_program_ends_with_its_parent(tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    parent_code = (
        "import subprocess, sys, time\n"
        "child = subprocess.Popen(sys.argv[2:], stdout=subprocess.PIPE)\n"
        "child.stdout.readline()\n"
        "open(sys.argv[1], 'w').write(str(child.pid))\n"
        "time.sleep(60)\n"
    )
    command = [sys.executable, "-c", parent_code, str(pid_file), *SIMULATOR, "--die-with-parent"]
    with subprocess.Popen(command) as parent:
        _wait_until(lambda: pid_file.exists() and pid_file.read_text() != "")
        parent.kill()
    child = int(pid_file.read_text())
    _wait_until(lambda: not is_running(child))


def _wait_until(condition: Callable[[], bool], seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "timed out"
        time.sleep(0.02)
