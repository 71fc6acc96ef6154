"""The simulated world, observed over HTTP."""

from __future__ import annotations

import threading
from datetime import UTC, date, datetime, timedelta
from typing import Any
from xml.etree import ElementTree

import arxiv
import feedparser
import pytest
import requests

from papers.config.settings import Settings
from papers.errors import UnknownPaper
from papers.model.arxiv_calendar import announcement_for_submission
from papers.model.arxiv_id import ArxivId
from paperwire.simulator.formats.announcement_feed import MAX_ROWS
from paperwire.simulator.server.request_log import RecordedRequest, overlapping_requests, start_gaps
from paperwire.simulator.upstream import ARXIV_PATHS, Upstream
from paperwire.simulator.world import simulated_days
from paperwire.simulator.world.manuscripts import Manuscript

MOMENT = Manuscript(title="A Moment", categories=("cs.CL", "cs.AI"))


def get(upstream: Upstream, path: str, **headers: str) -> requests.Response:
    return requests.get(upstream.url + path, headers=headers, timeout=10)


def announced(upstream: Upstream, categories: str) -> list[tuple[str, str]]:
    """Return versioned ids and announce types of a feed, as feedparser reads them."""
    feed = feedparser.parse(get(upstream, f"/rss/atom/{categories}").content)
    assert not feed.bozo
    return [(e.id.removeprefix("oai:arXiv.org:"), e.arxiv_announce_type) for e in feed.entries]


def api_ids(upstream: Upstream, **query: str) -> list[str]:
    """Return the versioned ids of an API response."""
    text = requests.get(f"{upstream.url}/api/query", params=query, timeout=10).content
    return [entry.id.rsplit("/", 1)[1] for entry in feedparser.parse(text).entries]


def daily_papers(upstream: Upstream, query: str = "") -> list[Any]:
    answer: list[Any] = get(upstream, f"/hf/api/daily_papers?{query}").json()
    return answer


def test_settings_point_every_source_to_the_world(upstream: Upstream) -> None:
    settings = Settings(**upstream.settings(arxiv_interval=0.0))
    assert settings.arxiv_interval == 0.0
    for address in (
        f"{settings.arxiv_feed_url}/cs.CL",
        settings.arxiv_api_url,
        f"{settings.huggingface_url}/api/daily_papers",
        *settings.communities.values(),
    ):
        assert requests.get(address, timeout=10).status_code == 200, address


def test_paper_is_new_in_its_primary_category_and_a_cross_list_elsewhere(
    upstream: Upstream,
) -> None:
    id = upstream.announce(MOMENT)
    assert announced(upstream, "cs.CL") == [(f"{id}v1", "new")]
    assert announced(upstream, "cs.AI") == [(f"{id}v1", "cross")]
    assert announced(upstream, "cs.AI+cs.CL") == [(f"{id}v1", "new")]
    assert announced(upstream, "cs") == [(f"{id}v1", "new")]
    assert announced(upstream, "cs.CV") == []


def test_next_day_has_only_its_own_listings(upstream: Upstream) -> None:
    id, other = upstream.announce(MOMENT), upstream.announce(MOMENT)
    upstream.next_day()
    assert announced(upstream, "cs.CL") == []
    upstream.revise(id, title="A Longer Moment")
    upstream.withdraw(other)
    assert announced(upstream, "cs.CL") == [(f"{id}v2", "replace"), (f"{other}v2", "replace")]
    assert announced(upstream, "cs.AI")[0] == (f"{id}v2", "replace-cross")


def test_replacement_after_version_five_is_not_listed(upstream: Upstream) -> None:
    id = upstream.announce(MOMENT)
    for _ in range(5):
        upstream.next_day()
        upstream.revise(id)
    assert announced(upstream, "cs.CL") == []
    assert api_ids(upstream, id_list=str(id)) == [f"{id}v6"]


def test_later_cross_list_is_announced_only_in_its_new_category(upstream: Upstream) -> None:
    id = upstream.announce(MOMENT)
    upstream.next_day()
    upstream.cross_list(id, "cs.CV")
    assert announced(upstream, "cs.CV") == [(f"{id}v1", "cross")]
    assert announced(upstream, "cs.CL") == []
    with pytest.raises(ValueError, match=r"in cs\.CV already"):
        upstream.cross_list(id, "cs.CV")


def test_rows_are_sorted_new_first_and_a_full_feed_drops_new_ones(upstream: Upstream) -> None:
    old = upstream.announce(MOMENT)
    upstream.next_day()
    upstream.revise(old)
    for _ in range(MAX_ROWS):
        upstream.announce(MOMENT)
    rows = announced(upstream, "cs.CL")
    assert len(rows) == MAX_ROWS
    assert rows[-1] == (f"{old}v2", "replace")
    assert rows[0] == ("2611.00003v1", "new")


def test_unknown_category_gives_an_error_feed(upstream: Upstream) -> None:
    answer = get(upstream, "/rss/atom/cs.XX")
    assert answer.status_code == 400
    assert feedparser.parse(answer.content).feed.title == "Feed error for query: cs.XX"


def test_weekend_feeds_are_valid_and_empty(upstream: Upstream) -> None:
    upstream.announce(MOMENT)
    upstream.set_time(datetime(2026, 11, 21, 12, tzinfo=UTC))
    answer = get(upstream, "/rss/atom/cs.CL")
    assert answer.status_code == 200
    feed = feedparser.parse(answer.content)
    assert feed.entries == []
    assert feed.feed.updated == "2026-11-21T05:00:02.330000+00:00"
    with pytest.raises(ValueError, match="announces nothing on Saturday 21 November"):
        upstream.announce(MOMENT)
    assert upstream.next_day() == date(2026, 11, 23)


def test_ids_are_numbered_within_a_month() -> None:
    with Upstream(datetime(2026, 11, 30, 12, tzinfo=UTC)) as upstream:
        assert [str(upstream.announce(MOMENT)) for _ in range(2)] == ["2611.00001", "2611.00002"]
        upstream.next_day()
        assert str(upstream.announce(MOMENT)) == "2612.00001"
        assert str(upstream.announce(MOMENT, id="hep-th/9901001")) == "hep-th/9901001"
        with pytest.raises(ValueError, match="announced already"):
            upstream.announce(MOMENT, id="2612.00001")


def test_papers_are_submitted_before_the_deadline_of_their_announcement(upstream: Upstream) -> None:
    for _ in range(12):
        for _ in range(3):
            upstream.announce(MOMENT)
        upstream.next_day()
    for preprint in upstream.preprints():
        version = preprint.newest
        assert announcement_for_submission(version.submitted_at) == simulated_days.eastern_midnight(
            version.announced_on
        )
        assert version.submitted_at < upstream.now


def test_api_serves_versions_and_omits_unknown_ids(upstream: Upstream) -> None:
    first, second = upstream.announce(MOMENT), upstream.announce(MOMENT)
    upstream.revise(first)
    id_list = f"{second},{first},2611.09999,0000.0000,0808.05394,{first}v1,{first}v9"
    assert api_ids(upstream, id_list=id_list) == [f"{second}v1", f"{first}v2", f"{first}v1"]


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("id_list=2611.00001,abc", "incorrect id format for abc"),
        ("id_list=2611.1", "incorrect id format for 2611.1"),
        ("search_query=all:x&start=-1", "start must be non-negative"),
        ("search_query=all:x&max_results=many", "max_results must be an integer"),
        ("search_query=all:x&max_results=30001", "max_results must be at most 30000"),
        (
            "search_query=all:x&sortBy=beauty",
            "sortBy must be in: relevance, lastUpdatedDate, submittedDate",
        ),
        ("search_query=xx:y", "incorrect field xx in search query"),
    ],
)
def test_api_reports_errors_as_an_entry(upstream: Upstream, query: str, reason: str) -> None:
    answer = get(upstream, f"/api/query?{query}")
    (entry,) = feedparser.parse(answer.content).entries
    assert (answer.status_code, entry.title, entry.summary) == (400, "Error", reason)


def test_arxiv_package_pages_through_a_search(upstream: Upstream) -> None:
    ids = [upstream.announce(MOMENT) for _ in range(7)]
    client = arxiv.Client(page_size=3, delay_seconds=0)
    client.query_url_format = f"{upstream.url}/api/query?{{}}"
    search = arxiv.Search("ti:moment", sort_by=arxiv.SortCriterion.SubmittedDate)
    results = list(client.results(search))
    client._session.close()
    assert [result.get_short_id() for result in results] == [f"{id}v1" for id in reversed(ids)]
    assert results[0].primary_category == "cs.CL"
    assert [author.name for author in results[0].authors] == list(MOMENT.authors)
    assert len(upstream.requests_to("/api")) == 3


def test_api_lags_behind_announcements() -> None:
    with Upstream(api_lag=timedelta(hours=30)) as upstream:
        id = upstream.announce(MOMENT)
        assert api_ids(upstream, id_list=str(id)) == []
        upstream.next_day()
        upstream.next_day()
        assert api_ids(upstream, id_list=str(id)) == [f"{id}v1"]


def test_search_and_ids_are_combined(upstream: Upstream) -> None:
    first = upstream.announce(MOMENT)
    second = upstream.announce(Manuscript(title="An Hour"))
    assert api_ids(upstream, id_list=f"{first},{second}", search_query="ti:hour") == [f"{second}v1"]
    assert api_ids(upstream) == []


def test_pick_is_listed_on_its_day_with_growing_votes(upstream: Upstream) -> None:
    id = upstream.announce(MOMENT)
    assert daily_papers(upstream, "date=2026-11-18") == []
    upstream.pick(id, votes=2, code="https://github.com/a/b", organization="Blue Harbour AI")
    upstream.add_votes(id, 3)
    upstream.add_comments(id)
    upstream.next_day()
    (item,) = daily_papers(upstream, "date=2026-11-18")
    assert (item["paper"]["upvotes"], item["numComments"]) == (5, 1)
    assert item["paper"]["submittedOnDailyAt"].startswith("2026-11-18")
    assert item["paper"]["githubRepo"] == "https://github.com/a/b"
    assert item["organization"]["name"] == "blue-harbour-ai"
    assert daily_papers(upstream, "date=2026-11-19") == []
    for query in ("", "week=2026-W47", "month=2026-11", "sort=trending"):
        assert len(daily_papers(upstream, query)) == 1, query
    assert get(upstream, f"/hf/api/papers/{id}").json() == item["paper"]


def test_daily_papers_are_paged_and_validated(upstream: Upstream) -> None:
    ids = [upstream.announce(MOMENT) for _ in range(5)]
    for id in ids:
        upstream.pick(id)
    pages = [daily_papers(upstream, f"limit=2&p={p}") for p in range(4)]
    assert [len(page) for page in pages] == [2, 2, 1, 0]
    assert get(upstream, "/hf/api/daily_papers?date=2026-13-45").status_code == 400
    assert get(upstream, "/hf/api/papers/2611.09999").status_code == 404


def test_community_feed_has_picks_and_posts(upstream: Upstream) -> None:
    id = upstream.announce(MOMENT)
    upstream.pick(id, "weekly", votes=4)
    upstream.post("weekly", "Next meeting", "https://example.org/meeting")
    links = [e.link for e in feedparser.parse(get(upstream, "/feeds/weekly.xml").content).entries]
    assert sorted(links) == [id.url, "https://example.org/meeting"]
    upstream.unpick(id, "weekly")
    assert id.url.encode() not in get(upstream, "/feeds/weekly.xml").content
    assert get(upstream, "/feeds/nobody.xml").status_code == 404


@pytest.mark.parametrize("path", ["/rss/atom/cs.CL", "/feeds/weekly.xml"])
def test_feeds_support_conditional_requests(upstream: Upstream, path: str) -> None:
    id = upstream.announce(MOMENT)
    upstream.pick(id, "weekly")
    answer = get(upstream, path)
    tag, modified = answer.headers["ETag"], answer.headers["Last-Modified"]
    by_tag = get(upstream, path, **{"If-None-Match": tag})
    by_date = get(upstream, path, **{"If-Modified-Since": modified})
    assert [(a.status_code, a.content) for a in (by_tag, by_date)] == [(304, b"")] * 2
    upstream.set_time(upstream.now + timedelta(minutes=5))
    upstream.pick(upstream.announce(MOMENT), "weekly")
    assert get(upstream, path, **{"If-None-Match": tag}).status_code == 200
    assert get(upstream, path, **{"If-Modified-Since": modified}).status_code == 200


def test_head_gzip_and_custom_documents(upstream: Upstream) -> None:
    for _ in range(20):
        upstream.announce(MOMENT)
    plain = get(upstream, "/rss/atom/cs.CL", **{"Accept-Encoding": "identity"})
    packed = get(upstream, "/rss/atom/cs.CL", **{"Accept-Encoding": "gzip"})
    assert packed.headers["Content-Encoding"] == "gzip"
    assert packed.content == plain.content
    head = requests.head(f"{upstream.url}/rss/atom/cs.CL", timeout=10)
    assert (head.status_code, head.content) == (200, b"")
    upstream.serve_document("/feeds/odd.xml", b"<odd/>", "application/xml")
    assert get(upstream, "/feeds/odd.xml").content == b"<odd/>"
    assert get(upstream, "/nowhere").status_code == 404


def test_concurrent_requests_while_the_world_changes(upstream: Upstream) -> None:
    id = upstream.announce(MOMENT)
    upstream.pick(id)
    paths = ("/rss/atom/cs.CL", "/api/query?search_query=ti:moment", "/hf/api/daily_papers")
    threads = [threading.Thread(target=get, args=(upstream, path)) for path in paths * 8]
    for thread in threads:
        thread.start()
        upstream.add_votes(upstream.announce(MOMENT) and id)
    for thread in threads:
        thread.join()
    log = upstream.log
    assert len(log) == len(threads)
    assert {(request.status, request.ended is None) for request in log} == {(200, False)}


def test_log_has_targets_headers_and_timing(upstream: Upstream) -> None:
    get(upstream, "/rss/atom/cs.CL", **{"User-Agent": "Someone"})
    get(upstream, "/hf/api/daily_papers")
    get(upstream, "/api/query?id_list=")
    arxiv_only = upstream.requests_to(*ARXIV_PATHS)
    assert [request.target for request in arxiv_only] == ["/rss/atom/cs.CL", "/api/query?id_list="]
    assert arxiv_only[0].headers["user-agent"] == "Someone"
    assert len(start_gaps(arxiv_only)) == 1
    assert overlapping_requests(arxiv_only) == []


def test_overlaps_and_gaps_are_measured() -> None:
    recorded = [
        RecordedRequest("/", {}, 1, start, end)
        for start, end in ((0.0, 2.0), (3.0, 5.0), (4.5, None))
    ]
    assert start_gaps(recorded) == [3.0, 1.5]
    assert overlapping_requests(recorded) == [(recorded[1], recorded[2])]


def test_unannounced_paper_cannot_be_picked(upstream: Upstream) -> None:
    with pytest.raises(UnknownPaper, match="announce it first"):
        upstream.pick(ArxivId(202611, 1))


def test_all_xml_is_well_formed(upstream: Upstream) -> None:
    id = upstream.announce(Manuscript(title='"<&>"', abstract="]]> \x0b\x00 \ufffe"))
    upstream.pick(id, "weekly")
    for path in ("/rss/atom/cs.CL", f"/api/query?id_list={id}", "/feeds/weekly.xml"):
        ElementTree.fromstring(get(upstream, path).content)
