from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from papers.model.arxiv_id import ArxivId
from papers.model.merge import paper_from_sighting
from papers.model.paper import AnnounceType, Paper, Revision
from service.feeds import FORMATS
from service.feeds.digest_entry import build_digest_entry
from service.feeds.entry import Entry, FeedItem
from service.feeds.entry_cache import EntryCache, RenderedFeed, render_cached_entries
from service.feeds.feed import Feed
from tests.service.feeds.made import SITE, make_feed
from tests.service.made import NOW, make_paper, make_pick

TAGS = "<entry> </entry><item> </item></feed></channel></rss> ]]> &lt;entry&gt; },{ ]}"
HOSTILE = make_paper(
    4, title=TAGS, abstract=f"{TAGS} $x < y$", authors=(TAGS,), comment=TAGS, journal_ref=TAGS
)


def listing(*papers: Paper) -> FeedItem:
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
    make_feed(HOSTILE, make_paper(2), title="Another", archive=True, paging_links=(("current", SITE),)),
    make_feed(entries=(listing(make_paper(1), HOSTILE), *entries(4, 1))),
]


@pytest.mark.parametrize("suffix", FORMATS)
def test_what_other_feeds_had_spelled_changes_no_byte(suffix: str) -> None:
    form, kept = FORMATS[suffix], EntryCache(1_000_000)
    for each in [*FEEDS, *reversed(FEEDS)]:
        assert render_cached_entries("f", form.render_parts, each, kept) == render_cached_entries(
            "f", form.render_parts, each, EntryCache(0)
        )


@pytest.mark.parametrize("suffix", FORMATS)
def test_an_entry_is_spelled_once(suffix: str) -> None:
    asked: list[str] = []

    def spell(feed: Feed, entries: Sequence[FeedItem]) -> RenderedFeed:
        asked.extend(entry.id[-1] for entry in entries)
        return FORMATS[suffix].render_parts(feed, entries)

    kept = EntryCache(1_000_000)
    for numbers in ((3, 2, 1), (4, 3, 2), (4, 1), (5,)):
        render_cached_entries("f", spell, make_feed(entries=entries(*numbers)), kept)
    assert asked == ["3", "2", "1", "4", "5"]
    render_cached_entries("other", spell, make_feed(entries=entries(5)), kept)
    assert asked[5:] == ["5"]


def others() -> list[Entry]:
    """Entries that differ from that of `paper(1)` in one thing each."""
    told = paper_from_sighting(make_pick(1))
    changed: dict[str, Any] = {
        "id": ArxivId(202611, 2),
        "announce_type": AnnounceType.CROSS,
        "announced_at": NOW + timedelta(days=3),
        "submitted_at": NOW,
        "revision": Revision(7, True, -1),
        "withdrawn_version": 9,
        "picks": told.picks,
        "ranks": make_paper(1).ranks[1:],
        "referred_at": NOW,
        "listed_at": (1, 2),
    }
    for name in Paper._fields:
        was = getattr(make_paper(1), name)
        if name not in changed:
            changed[name] = f"{was}x" if isinstance(was, str) else (*was, "x")
    varied = [Entry(make_paper(1)._replace(**{name: value})) for name, value in changed.items()]
    (pick,) = told.picks
    leads = [Entry(told, lead) for lead in (pick, replace(pick, thumbnail="https://a.example/b"))]
    return [
        *varied,
        *leads,
        Entry(make_paper(1), keywords=("a",)),
        Entry(make_paper(1), keywords=("b",)),
    ]


def test_whatever_an_entry_is_made_from_tells_it_from_others() -> None:
    hashes = [hash(entry) for entry in [Entry(make_paper(1)), *others()]]
    assert len(set(hashes)) == len(hashes)
    assert hash(Entry(make_paper(1))) == hashes[0]
