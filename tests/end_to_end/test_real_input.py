"""The recorded responses are served as they were recorded."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import feedparser
import pytest
import requests

from papers.config.settings import Settings
from tests.end_to_end.recorded_upstream import RecordedUpstream

ANNOUNCED = (
    ("atom", "cs.CL", date(2026, 6, 8), 71),
    ("atom", "cs.CL", date(2026, 6, 10), 73),
    ("atom", "cs.AI", date(2026, 6, 6), 0),
    ("atom", "cs.AI", date(2025, 8, 20), 7),
    ("rss", "cs.CL", date(2026, 6, 8), 71),
    ("rss", "cs.CL", date(2026, 6, 10), 73),
    ("rss", "cs.CV", date(2026, 6, 8), 93),
    ("rss", "cs.CV", date(2026, 6, 9), 235),
    ("rss", "cs.CV", date(2026, 6, 10), 103),
    ("rss", "stat", date(2024, 3, 26), 123),
)

COMMUNITIES = {
    "edge-ai-paramita619": 10,
    "hf-daily-huangboming": 30,
    "hf-daily-mibuhand": 12,
    "hn-30": 30,
    "jwst-gbrammer": 300,
}


@pytest.fixture
def real(recorded: Path) -> Iterator[RecordedUpstream]:
    """The server of recordings; today is 10 June 2026."""
    with RecordedUpstream(recorded) as upstream:
        yield upstream


def entries(address: str) -> int:
    answer = requests.get(address, timeout=10)
    assert answer.status_code == 200, address
    return len(feedparser.parse(answer.content).entries)


def test_every_recorded_announcement_is_served_on_its_day(real: RecordedUpstream) -> None:
    for form, category, day, count in ANNOUNCED:
        real.day = day
        assert entries(f"{real.url}/rss/{form}/{category}") == count, (form, category, day)
    assert {row[:3] for row in ANNOUNCED} == set(real.announcements)
    assert requests.get(f"{real.url}/rss/atom/cs.CL", timeout=10).status_code == 404


def test_every_recorded_api_page_is_served_for_its_query(real: RecordedUpstream) -> None:
    for query, pages in real.api_pages.items():
        for page in pages:
            answer = requests.get(f"{real.url}/api/query", params=query._asdict(), timeout=10)
            assert (answer.status_code, answer.text) == (page.status, page.body), page.file
    assert sum(len(pages) for pages in real.api_pages.values()) == 26


def test_recorded_entries_are_combined_for_other_groups_of_ids(real: RecordedUpstream) -> None:
    params = {"id_list": "1707.08567,2611.00001,astro-ph/0601001", "max_results": "50"}
    answer = requests.get(f"{real.url}/api/query", params=params, timeout=10)
    feed = feedparser.parse(answer.content)
    assert feed.feed.opensearch_totalresults == "2"
    assert [entry.id.split("/abs/")[1] for entry in feed.entries] == [
        "1707.08567v1",
        "astro-ph/0601001v1",
    ]


def test_every_recorded_day_of_daily_papers_is_served(real: RecordedUpstream) -> None:
    counts = {}
    for day in real.daily:
        address = f"{real.url}/hf/api/daily_papers?date={day}&limit=100"
        items = requests.get(address, timeout=10).json()
        assert items == real.daily[day]
        counts[day] = len(items)
    assert (len(counts), sum(counts.values())) == (47, 1051)
    empty = requests.get(f"{real.url}/hf/api/daily_papers?date=2026-06-07", timeout=10)
    assert empty.json() == []
    first = real.daily["2026-05-20"][0]["paper"]
    assert requests.get(f"{real.url}/hf/api/papers/{first['id']}", timeout=10).json() == first


def test_every_recorded_community_feed_is_served(real: RecordedUpstream) -> None:
    settings = Settings(**real.settings(arxiv_interval=0.0))
    assert {name: entries(url) for name, url in settings.communities.items()} == COMMUNITIES
