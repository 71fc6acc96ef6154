"""Archives: a chain of documents that never change."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Any

import feedparser
import pytest
from flask.testing import FlaskClient
from lxml import etree
from redis import Redis

from papers.config.settings import Settings
from papers.model.arxiv_id import ArxivId
from papers.model.paper import Sighting
from papers.state.keywords import Keywords
from papers.state.task_states import TaskState, TaskStates, TaskStatus
from service.feeds import FORMATS
from service.feeds.formats.feedgen_extension import ATOM_NS, HISTORY_NS
from tests.service.conftest import SITE, Announce, Clock, serving
from tests.service.made import DAY, NOW, make_pick, make_sighting

FEED = "/feeds/reward-model.atom"
OCTOBER = "/feeds/reward-model/2026-10.atom"


def announced_in(month: int, number: int, **fields: Any) -> Sighting:
    """Return a paper announced on that day of that month of 2026, with that number."""
    at = datetime(2026, month, number, 5, tzinfo=UTC)
    id = ArxivId(202600 + month, number)
    return make_sighting(number, id=id, announced_at=at, as_of=at, **fields)


@pytest.fixture(autouse=True)
def months(client: FlaskClient, announce: Announce) -> None:
    """Papers of three months; none in September."""
    assert client
    announce(
        [
            announced_in(7, 1),
            announced_in(7, 2),
            announced_in(8, 31),
            announced_in(10, 1),
            announced_in(10, 7),
            announced_in(10, 31),
            announced_in(11, 3),
        ]
    )


def links(body: bytes) -> dict[str, str]:
    found = etree.fromstring(body).findall(f"{ATOM_NS}link")
    return {link.get("rel"): link.get("href").removeprefix(SITE) for link in found}


def ids(body: bytes) -> list[str]:
    return [entry.id.rpartition("/")[2] for entry in feedparser.parse(body).entries]


def test_archive_links_and_headers(client: FlaskClient) -> None:
    response = client.get(OCTOBER)
    assert ids(response.data) == ["2610.00031", "2610.00007", "2610.00001"]
    assert links(response.data) == {
        "self": OCTOBER,
        "alternate": OCTOBER.replace("atom", "json"),
        "current": FEED,
        "prev-archive": "/feeds/reward-model/2026-08.atom",
        "next-archive": "/feeds/reward-model/2026-11.atom",
    }
    root = etree.fromstring(response.data)
    assert root.find(f"{HISTORY_NS}archive") is not None
    assert root.findtext(f"{ATOM_NS}id") == SITE + FEED
    assert response.headers["Cache-Control"] == "public, max-age=2592000, immutable"
    assert response.headers["Link"] == f'<{SITE}{OCTOBER}>; rel="self"'
    tag = {"If-None-Match": response.headers["ETag"]}
    assert client.get(OCTOBER, headers=tag).status_code == 304


def test_formats_agree_though_requested_at_different_times(
    client: FlaskClient, announce: Announce
) -> None:
    titles = []
    for suffix in FORMATS:
        body = client.get(OCTOBER.replace("atom", suffix)).data
        if suffix == "json":
            items = json.loads(body)["items"]
            titles.append([(item["id"], item["title"]) for item in items])
        else:
            titles.append([(e.id, e.title) for e in feedparser.parse(body).entries])
        announce(
            [announced_in(10, 7, version=len(titles) + 1, title=f"A reward model {len(titles)}")]
        )
    assert titles[0] == titles[1] == titles[2]
    assert titles[0][1][1] == "Reward model number 7"


def test_rss_and_json_are_marked_as_archives(client: FlaskClient) -> None:
    channel = etree.fromstring(client.get(OCTOBER.replace("atom", "rss")).data)[0]
    assert channel.find(f"{HISTORY_NS}archive") is not None
    document = json.loads(client.get(OCTOBER.replace("atom", "json")).data)
    assert document["_paperwire"]["archive"] is True
    assert document["next_url"] == f"{SITE}/feeds/reward-model/2026-08.json"
    current = json.loads(client.get("/feeds/reward-model.json").data)
    assert "archive" not in current["_paperwire"]
    assert HISTORY_NS.encode().strip(b"{}") not in client.get(FEED).data


def test_archive_bytes_never_change(
    client: FlaskClient, announce: Announce, redis: Redis, clock: Clock, site: Settings
) -> None:
    before = client.get(OCTOBER)
    news = (
        [announced_in(10, 7, version=2, title="Quite another title", abstract="Of nothing.")],
        [announced_in(10, 31, version=3, abstract="A reward model, revised.")],
        [announced_in(10, 1, version=2, withdrawn=True)],
        [announced_in(11, 9), announced_in(12, 24)],
    )
    for sightings in news:
        announce(sightings)
        assert client.get(OCTOBER).data == before.data
    TaskStates(redis).save(TaskState("announcements:cs.CL", TaskStatus.STALE, NOW, NOW))
    clock.now += 90 * DAY
    with serving(site) as app:
        after = app.test_client().get(OCTOBER)
    assert after.data == before.data
    assert after.headers["ETag"] == before.headers["ETag"]
    assert after.headers["Last-Modified"] == before.headers["Last-Modified"]


def test_votes_and_picks_change_no_archive(client: FlaskClient, announce: Announce) -> None:
    announce([make_sighting(1, id=ArxivId(202610, 2), announced_at=NOW - 40 * DAY)])
    before = {suffix: client.get(OCTOBER.replace("atom", suffix)).data for suffix in FORMATS}
    for votes in range(3):
        pick = make_pick(2, votes=votes, counted_at=NOW + votes * DAY).pick
        announce([announced_in(10, 2, source="hf", pick=pick)])
    for suffix, body in before.items():
        assert client.get(OCTOBER.replace("atom", suffix)).data == body


def test_late_paper_is_added_to_its_archive(client: FlaskClient, announce: Announce) -> None:
    before = client.get(OCTOBER)
    announce(
        [announced_in(10, 7, version=2, title="A reward model, revised"), announced_in(10, 20)]
    )
    after = client.get(OCTOBER)
    assert ids(after.data) == ["2610.00031", "2610.00020", "2610.00007", "2610.00001"]
    assert b"revised" not in after.data
    assert after.headers["ETag"] != before.headers["ETag"]


def test_open_month_redirects_to_the_feed(client: FlaskClient, clock: Clock) -> None:
    path = "/feeds/reward-model/2026-11.atom"
    response = client.get(path)
    assert (response.status_code, response.headers["Location"]) == (302, FEED)
    clock.now = datetime(2026, 11, 30, 23, 59, 59, tzinfo=UTC)
    assert client.get(path).status_code == 302
    clock.now = datetime(2026, 12, 1, tzinfo=UTC)
    assert ids(client.get(path).data) == ["2611.00003"]


def test_feed_links_to_a_new_archive_when_its_month_is_over(
    client: FlaskClient, clock: Clock
) -> None:
    before = client.get(FEED)
    assert links(before.data)["prev-archive"] == OCTOBER
    clock.now = datetime(2026, 12, 1, tzinfo=UTC)
    after = client.get(FEED)
    assert links(after.data)["prev-archive"] == "/feeds/reward-model/2026-11.atom"
    assert feedparser.parse(after.data).entries == feedparser.parse(before.data).entries


def test_chain_has_every_paper_once_and_leads_back(client: FlaskClient) -> None:
    seen: list[str] = []
    path = links(client.get(FEED).data)["prev-archive"]
    while path:
        body = client.get(path).data
        seen += ids(body)
        oldest, path = path, links(body).get("prev-archive", "")
    assert seen == [
        *("2610.00031", "2610.00007", "2610.00001", "2608.00031", "2607.00002", "2607.00001"),
    ]
    path, visited = oldest, []
    while path != FEED:
        following = links(client.get(path).data)["next-archive"]
        response = client.get(following, follow_redirects=True)
        assert links(response.data)["prev-archive"] == path
        visited.append(path[-12:-5])
        path = response.request.path
    assert visited == ["2026-07", "2026-08", "2026-10"]


def test_a_month_without_papers_leads_on_both_ways(client: FlaskClient, clock: Clock) -> None:
    september = links(client.get("/feeds/reward-model/2026-09.atom").data)
    assert september["prev-archive"] == "/feeds/reward-model/2026-08.atom"
    assert september["next-archive"] == OCTOBER
    clock.now = datetime(2027, 2, 2, tzinfo=UTC)
    november = "/feeds/reward-model/2026-11.atom"
    assert links(client.get(november).data)["next-archive"] == november.replace("6-11", "6-12")
    december = links(client.get(november.replace("6-11", "6-12")).data)
    assert (december["prev-archive"], december["next-archive"]) == (
        november,
        "/feeds/reward-model/2027-01.atom",
    )


def test_full_feed_and_its_archives_have_every_paper(
    client: FlaskClient, announce: Announce, clock: Clock
) -> None:
    """The feed has 100 papers and the open month 129, so that its days are archives."""
    november = [
        announced_in(11, day)._replace(id=ArxivId(202611, day * 100 + n))
        for day in (5, 12, 19, 21)
        for n in range(32)
    ]
    announce(november)
    feed = client.get(FEED).data
    chain, path = [], links(feed)["prev-archive"]
    while path:
        body = client.get(path).data
        chain.append((path[len("/feeds/reward-model/") : -len(".atom")], ids(body)))
        path = links(body).get("prev-archive", "")
    assert [name for name, _ in chain] == [
        *("2026-11-19", "2026-11-12", "2026-11-05", "2026-11-03", "2026-10", "2026-08", "2026-07"),
    ]
    archived = [id for _, some in chain for id in some]
    assert len(archived) == len(set(archived))
    assert set(archived) | set(ids(feed)) == {str(paper.id) for paper in november} | {
        *("2607.00001", "2607.00002", "2608.00031", "2610.00001", "2610.00007", "2610.00031"),
        "2611.00003",
    }
    for older, newer in zip(chain[1:4], chain[:3], strict=True):
        body = client.get(f"/feeds/reward-model/{older[0]}.atom").data
        assert links(body)["next-archive"] == f"/feeds/reward-model/{newer[0]}.atom"
    newest = "/feeds/reward-model/2026-11-19.atom"
    before = client.get(newest).data
    assert links(before)["next-archive"] == "/feeds/reward-model/2026-11-20.atom"
    clock.now = datetime(2026, 12, 2, tzinfo=UTC)
    announce([november[70]._replace(version=2, title="Reward model, revised")])
    after = client.get(newest).data
    assert feedparser.parse(after).entries == feedparser.parse(before).entries
    assert links(after) == links(before) | {"next-archive": "/feeds/reward-model/2026-11-21.atom"}
    assert "next-archive" not in links(client.get("/feeds/reward-model/2026-11-30.atom").data)
    assert links(client.get(FEED).data)["prev-archive"] == "/feeds/reward-model/2026-11.atom"


def test_paper_held_back_is_in_the_month_of_its_announcement(
    client: FlaskClient, announce: Announce
) -> None:
    announced_at = datetime(2026, 9, 20, 5, tzinfo=UTC)
    announce([make_sighting(9, id=ArxivId(202608, 9), announced_at=announced_at)])
    assert links(client.get(OCTOBER).data)["prev-archive"] == "/feeds/reward-model/2026-09.atom"
    september = client.get("/feeds/reward-model/2026-09.atom").data
    assert ids(september) == ["2608.00009"]
    assert ids(client.get("/feeds/reward-model/2026-08.atom").data) == ["2608.00031"]


def test_month_without_papers_is_an_empty_archive(client: FlaskClient) -> None:
    response = client.get("/feeds/reward-model/2026-09.atom")
    assert (response.status_code, ids(response.data)) == (200, [])
    assert links(client.get("/feeds/reward-model/1991-08.atom").data).get("prev-archive") is None


@pytest.mark.parametrize(
    ("path", "status", "location"),
    [
        ("/feeds/Reward%20Model/2026-10.atom", 301, OCTOBER),
        ("/feeds/reward-model/2026-10.atom?utm_source=x", 301, OCTOBER),
        ("/feeds/reward-model/2026-10.atom?n=5", 400, None),
        ("/feeds/reward-model/2026-12.atom", 404, None),
        ("/feeds/reward-model/1991-07.atom", 404, None),
        ("/feeds/reward-model/2026-13.atom", 404, None),
        ("/feeds/reward-model/2026-1.atom", 404, None),
        ("/feeds/reward-model/2026-10-01.atom", 200, None),
        ("/feeds/reward-model/2026-10-32.atom", 404, None),
        ("/feeds/reward-model/2026-10-1.atom", 404, None),
        ("/feeds/reward-model/2026-10-01-p2.atom", 404, None),
        ("/feeds/reward-model/2026-11-21.atom", 302, FEED),
        ("/feeds/reward-model/2026-11-22.atom", 404, None),
        ("/feeds/reward-model/0000-10.atom", 404, None),
        ("/feeds/reward-model/2026-10-p1.atom", 404, None),
        ("/feeds/reward-model/2026-10-p02.atom", 404, None),
        ("/feeds/reward-model/2026-10-p2.atom", 404, None),
        ("/feeds/reward-model/2026-11-p2.atom", 302, FEED),
        ("/feeds/reward-model/2026-10.html", 404, None),
        ("/feeds/unknown/2026-10.atom", 404, None),
        ("/feeds/search/2026-10.atom", 404, None),
    ],
)
def test_status_of_other_urls(
    client: FlaskClient, path: str, status: int, location: str | None
) -> None:
    response = client.get(path)
    assert (response.status_code, response.headers.get("Location")) == (status, location)


def test_new_query_of_a_keyword_changes_its_archives(client: FlaskClient, redis: Redis) -> None:
    assert len(ids(client.get(OCTOBER).data)) == 3
    Keywords(redis).add("Reward Model", '"number 7"', now=NOW)
    assert ids(client.get(OCTOBER).data) == ["2610.00007"]


def test_filtered_feeds_have_no_archives(client: FlaskClient) -> None:
    for path in (f"{FEED}?n=5", "/feeds/search.atom?q=reward"):
        assert "prev-archive" not in links(client.get(path).data)


def test_damaged_snapshot_is_replaced(client: FlaskClient, redis: Redis) -> None:
    before = client.get(OCTOBER).data
    (key,) = redis.scan_iter("snapshot:*")
    stored = redis.get(key)
    assert isinstance(stored, bytes)
    inside = stored.replace(b"(\xb5/\xfd", b"nothing")
    for damage in (b"\xc1", b"\x01", b"\x92\x01\x02", b"torn", stored[:-9], inside):
        redis.set(key, damage)
        redis.incr("revision")
        assert client.get(OCTOBER).data == before


def test_read_only_store_serves_archives(client: FlaskClient, redis: Redis) -> None:
    redis.config_set("maxmemory", 1)
    try:
        assert len(ids(client.get(OCTOBER).data)) == 3
    finally:
        redis.config_set("maxmemory", 0)


def test_archives_are_evicted_first_from_disk(client: FlaskClient, tmp_path: Path) -> None:
    for path in (FEED, OCTOBER):
        client.get(path)
    are_custom = sorted(
        path.name.startswith("custom-") for path in (tmp_path / "last-good").iterdir()
    )
    assert are_custom == [False, True]


def test_large_month_is_split_into_parts(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("service.routes.archives.PART_PAPERS", 2)
    first, second = client.get(OCTOBER).data, client.get(OCTOBER.replace("-10", "-10-p2")).data
    assert (ids(first), ids(second)) == (["2610.00031", "2610.00007"], ["2610.00001"])
    assert links(first)["prev-archive"] == "/feeds/reward-model/2026-10-p2.atom"
    assert links(second)["prev-archive"] == "/feeds/reward-model/2026-08.atom"
    assert links(first)["next-archive"] == "/feeds/reward-model/2026-11.atom"
    assert links(second)["next-archive"] == OCTOBER
    august = client.get("/feeds/reward-model/2026-08.atom").data
    assert links(august)["next-archive"] == "/feeds/reward-model/2026-10-p2.atom"
    assert client.get(OCTOBER.replace("-10", "-10-p3")).status_code == 404


@pytest.mark.parametrize("seed", range(4))
def test_next_archive_is_the_inverse_of_prev_archive(
    client: FlaskClient,
    announce: Announce,
    redis: Redis,
    clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
    seed: int,
) -> None:
    """Of any past: months full or empty, some in parts, days of the open month as archives."""
    monkeypatch.setattr("service.routes.archives.PART_PAPERS", 7)
    random = Random(seed)
    redis.flushdb()
    Keywords(redis).add("Reward Model", '"reward model"', now=NOW)
    count = {month: random.choice((0, 0, 1, 3, 20)) for month in range(3, 11)}
    count[11] = random.choice((0, 30, 140))
    papers = [
        announced_in(month, random.randint(1, 20))._replace(id=ArxivId(202600 + month, n + 1))
        for month, papers in count.items()
        for n in range(papers)
    ]
    announce(papers)
    for now in (NOW, datetime(2026, 12, 1, tzinfo=UTC), datetime(2027, 3, 3, tzinfo=UTC)):
        clock.now = now
        chain, path = [FEED], links(client.get(FEED).data).get("prev-archive", "")
        shown = ids(client.get(FEED).data)
        while path:
            body = client.get(path).data
            assert ids(body), f"{path} has no papers"
            shown += ids(body)
            chain.append(path)
            path = links(body).get("prev-archive", "")
        assert set(shown) == {str(paper.id) for paper in papers}
        for newer, older in pairwise(chain):
            path = links(client.get(older).data)["next-archive"]
            leads_to = client.get(path, follow_redirects=True).request.path
            if newer == FEED:
                leads_to = _feed_at_the_end(client, path)
            assert leads_to == newer, (older, now)
        print(f"seed {seed}, {now:%Y-%m-%d}: {len(papers)} papers, {len(chain) - 1} archives")


def _feed_at_the_end(client: FlaskClient, path: str) -> str:
    """Return what the newest archive leads to: the feed, by redirects and empty archives."""
    for _ in range(150):
        response = client.get(path, follow_redirects=True)
        if response.request.path == FEED:
            return FEED
        assert not ids(response.data)
        path = links(response.data)["next-archive"]
    return path


@pytest.mark.parametrize(("most", "is_stored"), [(2, False), (3, True)])
def test_too_large_month_has_no_snapshot(
    client: FlaskClient,
    redis: Redis,
    monkeypatch: pytest.MonkeyPatch,
    most: int,
    is_stored: bool,
) -> None:
    monkeypatch.setattr("service.cache.archive_snapshots.MAX_SNAPSHOT_PAPERS", most)
    assert len(ids(client.get(OCTOBER).data)) == 3
    assert bool(list(redis.scan_iter("snapshot:*"))) is is_stored
