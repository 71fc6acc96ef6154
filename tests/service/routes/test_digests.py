"""Digest feeds: one entry for each day or week that is over, which never changes."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import feedparser
import pytest
from bs4 import BeautifulSoup
from flask.testing import FlaskClient
from redis import Redis

from papers.state.keywords import Keywords
from service.feeds import FORMATS
from tests.service.conftest import SITE, Announce, Clock
from tests.service.made import DAY, FIRST_ANNOUNCED, NOW, make_pick, make_revision, make_sighting

DAILY = "/feeds/reward-model.atom?digest=day"
WEEKLY = "/feeds/reward-model.atom?digest=week"


@pytest.fixture(autouse=True)
def papers_until_today(client: FlaskClient, announce: Announce, clock: Clock) -> None:
    """Papers 1 to 5 of 2 to 6 November 2026, and another on the fifth; it is noon of the sixth."""
    assert client
    announce([make_sighting(number) for number in range(1, 6)])
    announce([make_sighting(9, announced_at=FIRST_ANNOUNCED + 3 * DAY, categories=("stat.ML",))])
    clock.now = datetime(2026, 11, 6, 12, tzinfo=UTC)


def entries(client: FlaskClient, path: str = DAILY) -> list[Any]:
    response = client.get(path)
    assert response.status_code == 200, response.text
    parsed = feedparser.parse(response.data)
    assert not parsed.bozo
    return list(parsed.entries)


def test_each_day_with_papers_is_one_entry(client: FlaskClient) -> None:
    found = entries(client)
    assert [(entry.title, entry.id.rpartition("#")[2]) for entry in found] == [
        ("Reward Model: 2 papers, 5 November 2026", "2026-11-05"),
        ("Reward Model: 1 paper, 4 November 2026", "2026-11-04"),
        ("Reward Model: 1 paper, 3 November 2026", "2026-11-03"),
        ("Reward Model: 1 paper, 2 November 2026", "2026-11-02"),
    ]
    assert found[0].id == f"{SITE}{DAILY}#2026-11-05"
    assert found[0].updated == found[0].published == "2026-11-06T00:00:00+00:00"
    assert found[0].link == f"{SITE}/k/reward-model?since=2026-11-05&until=2026-11-05"


def test_content_lists_papers_by_category(client: FlaskClient) -> None:
    (content,) = entries(client)[0].content
    soup = BeautifulSoup(content.value, "html.parser")
    assert [heading.get_text() for heading in soup.find_all("h3")] == [
        "Computation and Language (cs.CL)",
        "Machine Learning (stat.ML)",
    ]
    lines = [item.get_text(" / ") for item in soup.find_all("li")]
    assert lines == [
        "Reward model number 4 / Ada Lovelace, José Ørsted",
        "Reward model number 9 / Ada Lovelace, José Ørsted",
    ]
    assert soup.select("a")[0]["href"] == "https://arxiv.org/abs/2611.00004"


def test_page_of_an_entry_shows_its_papers_only(client: FlaskClient) -> None:
    page = client.get(entries(client)[0].link.removeprefix(SITE))
    titles = BeautifulSoup(page.data, "html.parser").select("article h3")
    assert sorted(title.get_text() for title in titles) == [
        "Reward model number 4",
        "Reward model number 9",
    ]


def test_weeks_end_on_sunday(client: FlaskClient, clock: Clock) -> None:
    assert entries(client, WEEKLY) == []
    clock.now = datetime(2026, 11, 8, 23, 59, 59, tzinfo=UTC)
    assert entries(client, WEEKLY) == []
    clock.now = datetime(2026, 11, 9, tzinfo=UTC)
    (week,) = entries(client, WEEKLY)
    assert week.title == "Reward Model: 6 papers, week 45 of 2026"
    assert week.id == f"{SITE}{WEEKLY}#2026-W45"
    assert week.link == f"{SITE}/k/reward-model?since=2026-11-02&until=2026-11-08"


def test_day_appears_when_it_is_over(client: FlaskClient, clock: Clock) -> None:
    assert len(entries(client)) == 4
    clock.now = datetime(2026, 11, 6, 23, 59, 59, tzinfo=UTC)
    assert len(entries(client)) == 4
    clock.now = datetime(2026, 11, 7, tzinfo=UTC)
    assert [entry.id[-10:] for entry in entries(client)][:2] == ["2026-11-06", "2026-11-05"]


def test_entry_of_a_day_never_changes(
    client: FlaskClient, announce: Announce, redis: Redis
) -> None:
    before = {s: client.get(DAILY.replace("atom", s)).data for s in FORMATS}
    news = (
        [make_revision(4, 2, title="Quite another title", abstract="Of nothing.")],
        [make_revision(2, 2, title="A reward model, renamed", authors=("Somebody Else",))],
        [make_pick(4), make_pick(3, votes=99)],
        [make_revision(3, 3, withdrawn=True)],
        [make_sighting(20)],
    )
    for sightings in news:
        announce(sightings)
        for suffix, body in before.items():
            assert client.get(DAILY.replace("atom", suffix)).data == body
    for key in redis.scan_iter("feed:*"):
        redis.delete(key)
    assert client.get(DAILY).data == before["atom"]


def test_late_paper_is_added_to_its_day(client: FlaskClient, announce: Announce) -> None:
    assert len(entries(client)) == 4
    announce([make_sighting(8, announced_at=FIRST_ANNOUNCED + DAY)])
    assert "Reward Model: 2 papers, 3 November 2026" in [e.title for e in entries(client)]


def test_feed_goes_two_weeks_back(client: FlaskClient, clock: Clock) -> None:
    assert len(entries(client)) == 4
    clock.now = datetime(2026, 11, 18, tzinfo=UTC)
    assert [entry.id[-10:] for entry in entries(client)][-1] == "2026-11-04"
    clock.now = datetime(2026, 12, 30, tzinfo=UTC)
    assert entries(client) == []
    assert len(entries(client, WEEKLY)) == 1


def test_formats_agree(client: FlaskClient) -> None:
    atom, rss = entries(client), entries(client, DAILY.replace("atom", "rss"))
    document = json.loads(client.get(DAILY.replace("atom", "json")).data)
    titles_and_links = [(entry.id, entry.title, entry.link) for entry in atom]
    assert titles_and_links == [(entry.id, entry.title, entry.link) for entry in rss]
    assert titles_and_links == [
        (item["id"], item["title"], item["url"]) for item in document["items"]
    ]
    assert "Computation and Language (cs.CL)\n\n* Reward" in document["items"][0]["content_text"]
    assert "_arxiv" not in document["items"][0]


def test_custom_queries_and_unions_have_digests(client: FlaskClient, redis: Redis) -> None:
    Keywords(redis).add("Four", '"number 4"', now=NOW)
    custom = entries(client, "/feeds/search.atom?digest=day&q=reward")
    assert custom[0].title == "reward: 2 papers, 5 November 2026"
    union = entries(client, "/feeds/search.atom?digest=day&k=four&k=reward-model")
    assert union[0].title == "Four, Reward Model: 2 papers, 5 November 2026"
    assert union[0].link == f"{SITE}/search?k=four&k=reward-model&since=2026-11-05&until=2026-11-05"


@pytest.mark.parametrize(
    ("path", "status", "location"),
    [
        ("/feeds/Reward-Model.atom?digest=day", 301, DAILY),
        ("/feeds/search.atom?k=reward-model&digest=week", 301, WEEKLY),
        ("/k/reward-model?digest=day", 301, "/k/reward-model"),
        ("/api/v1/papers?digest=day&q=reward", 400, None),
        ("/feeds/reward-model.atom?digest=month", 400, None),
        ("/feeds/reward-model.atom?digest=day&n=5", 400, None),
        ("/feeds/reward-model.atom?digest=day&when=picked", 400, None),
        ("/feeds/unknown.atom?digest=day", 404, None),
    ],
)
def test_status_of_other_urls(
    client: FlaskClient, path: str, status: int, location: str | None
) -> None:
    response = client.get(path)
    assert (response.status_code, response.headers.get("Location")) == (status, location)


def test_long_day_is_cut_with_a_note(
    client: FlaskClient, announce: Announce, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("service.feeds.digest_entry.MAX_DIGEST_ENTRY_PAPERS", 1)
    (day, *_) = entries(client)
    assert "and 1 more" in BeautifulSoup(day.content[0].value, "html.parser").get_text()
    assert day.title.startswith("Reward Model: 2 papers")


def test_long_author_lists_are_cut(client: FlaskClient, announce: Announce) -> None:
    four, five = ("A", "B", "C", "D"), ("A", "B", "C", "D", "E")
    announce([make_sighting(10, announced_at=FIRST_ANNOUNCED, authors=four)])
    announce([make_sighting(11, announced_at=FIRST_ANNOUNCED, authors=five)])
    text = entries(client)[-1].content[0].value
    assert "<br />A, B, C, D<" in text
    assert "<br />A, B, C and 2 more<" in text


def test_page_links_to_its_digests(client: FlaskClient) -> None:
    path = "/k/reward-model?min_votes=3"
    for label, digest in (("Daily", DAILY), ("Weekly", WEEKLY)):
        page = BeautifulSoup(client.get(path).data, "html.parser")
        (link,) = [a for a in page.select(".subscribe .choice a") if a.get_text() == label]
        chosen = BeautifulSoup(client.get(str(link["href"])).data, "html.parser")
        assert str(chosen.select(".address input")[0]["value"]).endswith(digest)
