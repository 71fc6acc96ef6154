"""URLs of keywords that were renamed, merged or removed, and of names in any script."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import quote

import feedparser
import pytest
from flask.testing import FlaskClient
from redis import Redis

from papers.state.keywords import Keywords
from tests.service.conftest import SITE, Announce, Clock
from tests.service.made import NOW, make_sighting

TOKEN_FREE_ROUTES = [
    "/feeds/reward-model.atom",
    "/feeds/reward-model.rss?n=5",
    "/feeds/reward-model.json",
    "/feeds/reward-model/2026-10.atom",
    "/k/reward-model?since=2026-11-01",
    "/export/k/reward-model.bib",
    "/api/v1/keywords/reward-model",
]


@pytest.mark.parametrize("path", TOKEN_FREE_ROUTES)
def test_renamed_keyword_redirects_for_good(client: FlaskClient, redis: Redis, path: str) -> None:
    Keywords(redis).rename("Reward Model", "Rewards in RL")
    response = client.get(path)
    assert response.status_code == 301
    assert response.headers["Location"] == path.replace("reward-model", "rewards-in-rl")
    assert response.headers["Cache-Control"] == "public, max-age=3600"
    assert client.head(path).status_code == 301
    assert client.get(response.headers["Location"]).status_code == 200


def test_former_name_in_a_union_redirects(client: FlaskClient, redis: Redis) -> None:
    Keywords(redis).add("Diffusion", "diffusion", now=NOW)
    Keywords(redis).rename("Reward Model", "RLHF")
    response = client.get("/feeds/search.atom?k=diffusion&k=reward-model&n=7")
    assert response.status_code == 301
    assert response.headers["Location"] == "/feeds/search.atom?k=diffusion&k=rlhf&n=7"


def test_cached_feed_of_a_former_name_is_not_served(
    client: FlaskClient, redis: Redis, announce: Announce
) -> None:
    Keywords(redis).seed({}, now=NOW)
    announce([make_sighting(1)])
    kept = client.get("/feeds/reward-model.atom")
    assert kept.status_code == 200
    Keywords(redis).rename("Reward Model", "RLHF")
    conditions = {"If-None-Match": kept.headers["ETag"]}
    assert client.get("/feeds/reward-model.atom", headers=conditions).status_code == 301


def test_removed_keyword_is_missing_for_a_week_and_then_gone(
    client: FlaskClient, redis: Redis, clock: Clock
) -> None:
    Keywords(redis).remove("Reward Model", now=clock.now)
    missing = client.get("/feeds/reward-model.atom")
    assert missing.status_code == 404
    assert "`paperwire keyword restore reward-model`" in missing.text
    clock.now += timedelta(days=7)
    gone = client.get("/feeds/reward-model.atom")
    assert gone.status_code == 410
    assert "removed for good" in gone.text
    assert client.get("/k/reward-model").status_code == 410
    assert client.get("/feeds/never-saved.atom").status_code == 404
    Keywords(redis).restore("reward-model")
    assert client.get("/feeds/reward-model.atom").status_code == 200


@pytest.mark.parametrize("name", ["强化学习", "глубокое обучение", "हिन्दी"])
def test_name_in_any_script_has_a_feed(
    client: FlaskClient, redis: Redis, announce: Announce, name: str
) -> None:
    slug = Keywords(redis).add(name, "reward", now=NOW).slug
    announce([make_sighting(1)])
    path = f"/feeds/{quote(slug)}.atom"
    feed = client.get(path)
    assert feed.status_code == 200
    parsed = feedparser.parse(feed.data)
    assert not parsed.bozo
    assert parsed.feed.id == f"{SITE}{path}"
    assert parsed.feed.id.isascii()
    tag = feed.headers["ETag"]
    assert client.get(path, headers={"If-None-Match": tag}).status_code == 304
    assert client.get(f"/k/{quote(slug)}").status_code == 200
    references = client.get(f"/export/k/{quote(slug)}.bib")
    assert references.headers["Content-Disposition"].endswith(f"UTF-8''{quote(slug)}.bib")
    assert quote(slug) in client.get("/opml").text
