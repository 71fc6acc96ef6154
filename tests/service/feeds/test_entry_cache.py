from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from flask import Flask

from papers.config.settings import Settings
from papers.model.arxiv_id import ArxivId
from papers.model.merge import paper_from_sighting
from papers.model.paper import AnnounceType, Paper, Revision
from service import create_app
from service.context import context_of
from service.feeds import FORMATS
from service.feeds.digest_entry import build_digest_entry
from service.feeds.entry import Entry, FeedItem
from service.feeds.entry_cache import EntryCache, render_cached_entries
from service.feeds.feed import Feed, RenderedFeed
from tests.service.feeds.made import CACHES, SITE, make_feed
from tests.service.made import NOW, make_paper, make_pick

TAGS = "<entry> </entry><item> </item></feed></channel></rss> ]]> &lt;entry&gt; },{ ]}"
HOSTILE = make_paper(
    4, title=TAGS, abstract=f"{TAGS} $x < y$", authors=(TAGS,), comment=TAGS, journal_ref=TAGS
)


def digest_entry(*papers: Paper) -> FeedItem:
    return build_digest_entry(
        papers,
        id="urn:a",
        name="K",
        period_text="2026-11-20",
        url=f"{SITE}/search?q=k",
        ended_at=NOW,
    )


def entries(*numbers: int) -> tuple[FeedItem, ...]:
    return tuple(Entry(HOSTILE if number == 4 else make_paper(number)) for number in numbers)


FEEDS = [
    make_feed(),
    make_feed(make_paper(1), make_paper(2), make_paper(3)),
    make_feed(make_paper(3), HOSTILE, make_paper(1)),
    make_feed(
        entries=(Entry(make_paper(1)), Entry(make_paper(1), keywords=("a", "b")), *entries(4))
    ),
    make_feed(
        entries=(
            Entry(paper_from_sighting(make_pick(5)), paper_from_sighting(make_pick(5)).picks[0]),
            *entries(1, 2),
        )
    ),
    make_feed(
        HOSTILE, make_paper(2), title="Another", archive=True, paging_links=(("current", SITE),)
    ),
    make_feed(entries=(digest_entry(make_paper(1), HOSTILE), *entries(4, 1))),
]


@pytest.mark.parametrize("suffix", FORMATS)
def test_cached_entries_change_no_byte(suffix: str) -> None:
    render = partial(FORMATS[suffix].render_parts, caches=CACHES)
    warm = EntryCache(1_000_000)
    for feed in [*FEEDS, *reversed(FEEDS)]:
        expected = render_cached_entries("f", render, feed, EntryCache(0))
        assert render_cached_entries("f", render, feed, warm) == expected


@pytest.mark.parametrize("suffix", FORMATS)
def test_each_entry_is_rendered_once(suffix: str) -> None:
    rendered: list[str] = []

    def render(feed: Feed, entries: Sequence[FeedItem]) -> RenderedFeed:
        rendered.extend(entry.id[-1] for entry in entries)
        return FORMATS[suffix].render_parts(feed, entries, CACHES)

    cache = EntryCache(1_000_000)
    for numbers in ((3, 2, 1), (4, 3, 2), (4, 1), (5,)):
        render_cached_entries("f", render, make_feed(entries=entries(*numbers)), cache)
    assert rendered == ["3", "2", "1", "4", "5"]
    render_cached_entries("other", render, make_feed(entries=entries(5)), cache)
    assert rendered[5:] == ["5"]


def test_each_app_has_entry_caches_of_its_own(app: Flask, site: Settings) -> None:
    app.test_client().get("/feeds/reward-model.atom")
    caches = [context_of(each).entry_caches for each in (app, create_app(site))]
    assert caches[0].entries is not caches[1].entries
    assert caches[0].templates is not caches[1].templates


def variants() -> list[Entry]:
    """Return entries that differ from that of `make_paper(1)` in one field each."""
    picked = paper_from_sighting(make_pick(1))
    changed: dict[str, Any] = {
        "id": ArxivId(202611, 2),
        "announce_type": AnnounceType.CROSS,
        "announced_at": NOW + timedelta(days=3),
        "submitted_at": NOW,
        "revision": Revision(7, True, -1),
        "withdrawn_version": 9,
        "picks": picked.picks,
        "ranks": make_paper(1).ranks[1:],
        "referred_at": NOW,
        "listed_at": (1, 2),
        "coded_at": NOW,
    }
    for name in Paper._fields:
        value = getattr(make_paper(1), name)
        if name not in changed:
            changed[name] = f"{value}x" if isinstance(value, str) else (*value, "x")
    varied = [Entry(make_paper(1)._replace(**{name: value})) for name, value in changed.items()]
    (pick,) = picked.picks
    leads = [Entry(picked, lead) for lead in (pick, replace(pick, thumbnail="https://a.example/b"))]
    return [
        *varied,
        *leads,
        Entry(make_paper(1), keywords=("a",)),
        Entry(make_paper(1), keywords=("b",)),
    ]


def test_hash_of_an_entry_covers_everything_it_is_made_from() -> None:
    hashes = [hash(entry) for entry in [Entry(make_paper(1)), *variants()]]
    assert len(set(hashes)) == len(hashes)
    assert hash(Entry(make_paper(1))) == hashes[0]
