from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from redis import Redis

from papers.config.settings import Settings
from papers.errors import BadParameter, StoreError, UnknownSource
from papers.model.arxiv_id import ArxivId
from papers.redis_backend import keys
from papers.state.communities import MAX_SAVED_FEEDS, Communities, community_task
from papers.state.feed_trials import MAX_SHOWN_PAPERS, TRIAL_TTL, FeedTrial, FeedTrials, TrialPaper
from papers.state.task_states import TaskStates

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
URL = "https://club.example/feed.xml"
SETTINGS = Settings(communities={"weekly": "https://weekly.example/atom"})


@pytest.fixture
def communities(redis: Redis) -> Communities:
    return Communities(redis, SETTINGS)


def test_saved_feeds_are_listed_with_the_feeds_of_the_settings(
    communities: Communities, redis: Redis
) -> None:
    communities.add(" club ", f" {URL} ", now=NOW)
    assert [(feed.name, feed.is_saved) for feed in communities.all()] == [
        ("club", True),
        ("weekly", False),
    ]
    assert communities.effective_settings().communities == {**SETTINGS.communities, "club": URL}
    assert TaskStates(redis).due_tasks(NOW) == [community_task("club")]


def test_saving_a_known_name_changes_its_url(communities: Communities) -> None:
    communities.add("club", URL, now=NOW)
    communities.add("club", f"{URL}?all", now=NOW + timedelta(hours=1))
    assert communities.effective_settings().communities["club"] == f"{URL}?all"


def test_removing_a_feed_removes_its_task(communities: Communities, redis: Redis) -> None:
    communities.add("club", URL, now=NOW)
    assert communities.remove("club").url == URL
    assert communities.effective_settings() == SETTINGS
    assert TaskStates(redis).due_times() == {}


INVALID_FEEDS = [
    ("", URL, "name"),
    ("The Club", URL, "name"),
    ("hf", URL, "name"),
    ("arxiv", URL, "name"),
    ("weekly", URL, "name"),
    ("club", "", "url"),
    ("club", "club.example/feed", "url"),
    ("club", "file:///etc/passwd", "url"),
    ("club", "https://club.example/a b", "url"),
    ("club", "https://club.example/" + 2_000 * "a", "url"),
]


@pytest.mark.parametrize(("name", "url", "parameter"), INVALID_FEEDS)
def test_invalid_feed_is_refused(
    communities: Communities, name: str, url: str, parameter: str
) -> None:
    with pytest.raises(BadParameter, match=f"^{parameter}: ") as refused:
        communities.add(name, url, now=NOW)
    assert refused.value.name == parameter
    assert communities.effective_settings() == SETTINGS


def test_number_of_saved_feeds_is_limited(communities: Communities, redis: Redis) -> None:
    communities.add("first", URL, now=NOW)
    stored: Any = redis.hget(keys.COMMUNITIES, "first")
    redis.hset(keys.COMMUNITIES, mapping={f"c{n}": stored for n in range(1, MAX_SAVED_FEEDS)})
    with pytest.raises(BadParameter, match="remove one first"):
        communities.add("another", URL, now=NOW)
    communities.add("first", f"{URL}?all", now=NOW)


def test_feed_that_was_not_saved_cannot_be_removed(communities: Communities) -> None:
    with pytest.raises(UnknownSource, match="'club'"):
        communities.remove("club")
    with pytest.raises(BadParameter, match="in the settings"):
        communities.remove("weekly")


def test_damaged_feed_is_named(communities: Communities, redis: Redis) -> None:
    redis.hset(keys.COMMUNITIES, "club", "{")
    with pytest.raises(StoreError, match="delete 'club'"):
        communities.all()


class TestFeedTrials:
    OVER = FeedTrial(
        "abc",
        "club",
        URL,
        over=True,
        said="1 papers in 2 of 3 entries",
        entries=3,
        named=30,
        papers=(TrialPaper(ArxivId(202611, 7), NOW, "https://club.example/7"),),
    )

    def test_new_trial_expires(self, redis: Redis) -> None:
        trials = FeedTrials(redis)
        waiting = trials.create("club", URL)
        assert trials.get(waiting.id) == FeedTrial(waiting.id, "club", URL)
        assert not waiting.over
        assert 0 < redis.ttl(keys.feed_trial(waiting.id)) <= TRIAL_TTL.total_seconds()

    def test_saved_trial_is_read_back(self, redis: Redis) -> None:
        trials = FeedTrials(redis)
        trials.save(self.OVER)
        assert trials.get("abc") == self.OVER
        trials.save(FeedTrial("abc", "club", URL, over=True, fault="a \ud800 fault"))
        assert trials.get("abc").fault == "a ? fault"

    def test_only_the_first_papers_are_stored(self, redis: Redis) -> None:
        trials = FeedTrials(redis)
        trials.save(FeedTrial("abc", "club", URL, papers=30 * self.OVER.papers))
        assert len(trials.get("abc").papers) == MAX_SHOWN_PAPERS

    @pytest.mark.parametrize("id", ["gone", "", "../keywords", "a:b"])
    def test_unknown_trial_is_an_error(self, redis: Redis, id: str) -> None:
        with pytest.raises(UnknownSource, match="try the feed again"):
            FeedTrials(redis).get(id)

    def test_damaged_trial_is_named(self, redis: Redis) -> None:
        redis.set(keys.feed_trial("abc"), "[]")
        with pytest.raises(StoreError, match="trial:abc"):
            FeedTrials(redis).get("abc")
