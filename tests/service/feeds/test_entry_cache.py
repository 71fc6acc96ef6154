from __future__ import annotations

import tracemalloc
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any
from unittest import mock

import pytest
from flask import Flask
from hypothesis import given, settings
from hypothesis import strategies as st

from papers.config.settings import Settings
from papers.model.arxiv_id import ArxivId
from papers.model.events import EventKind
from papers.model.merge import paper_from_sighting
from papers.model.paper import AnnounceType, Paper, Revision
from papers.records.packing import LazyPaper, pack, unpacked
from service import create_app
from service.context import context_of
from service.feeds import FORMATS
from service.feeds.digest_entry import build_digest_entry
from service.feeds.entry import Entry, FeedItem
from service.feeds.entry_cache import (
    CachedEntry,
    EntryCache,
    EntryCaches,
    EntryFacts,
    PreparedFeed,
    entry_cache_key,
)
from service.feeds.entry_compression import TRAINING_ENTRIES
from service.feeds.event_entry import EventEntry, select_lead_pick
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


def packed(paper: Paper) -> LazyPaper:
    return LazyPaper(paper.id.doc_id, pack(paper))


def is_known(caches: EntryCaches, record: LazyPaper) -> bool:
    """Return whether a paper's own entry is cached in Atom."""
    return bool(caches.select_known(FORMATS["atom"].name)({record.doc_id: record.record_hash}))


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
    warm = EntryCaches()
    for feed in [*FEEDS, *reversed(FEEDS)]:
        cold = FORMATS[suffix].prepare(feed, EntryCaches())
        prepared = FORMATS[suffix].prepare(feed, warm)
        assert prepared.content_digest() == cold.content_digest()
        assert prepared.render() == cold.render()


papers = st.builds(
    lambda number, **changed: make_paper(number)._replace(**changed),
    st.integers(1, 4),
    title=st.sampled_from(["Reward", TAGS, "$x^2$"]),
    abstract=st.sampled_from(["Plain.", TAGS, "A $\\frac{a}{b}$ \\emph{x}."]),
    comment=st.sampled_from(["", TAGS]),
    withdrawn_version=st.sampled_from([0, 1]),
    code=st.sampled_from(["", "https://code.example/a"]),
    picks=st.sampled_from([(), paper_from_sighting(make_pick(1)).picks]),
)
feed_items = st.one_of(
    papers.map(Entry),
    papers.map(lambda paper: Entry(packed(paper))),
    papers.map(lambda paper: Entry(packed(paper), keywords=("a",))),
    papers.map(lambda paper: Entry(paper, lead_pick=select_lead_pick(paper))),
    papers.map(
        lambda paper: EventEntry(packed(paper), kind=EventKind.REVISED, happened_at=NOW, version=1)
    ),
)


@settings(max_examples=50)
@given(
    feeds=st.lists(st.lists(feed_items, max_size=6), min_size=1, max_size=6),
    max_bytes=st.sampled_from([0, 3_000, 10_000, 10**6]),
)
@pytest.mark.parametrize("suffix", FORMATS)
def test_documents_are_the_same_whatever_the_cache_holds(
    suffix: str, feeds: list[list[Entry]], max_bytes: int
) -> None:
    caches = EntryCaches()
    caches.entries = EntryCache(max_bytes)
    for items in feeds:
        plain = [replace(item, record=unpacked(item.record)) for item in items]
        expected = FORMATS[suffix].prepare(make_feed(entries=tuple(plain)), EntryCaches())
        prepared = FORMATS[suffix].prepare(make_feed(entries=tuple(items)), caches)
        assert prepared.content_digest() == expected.content_digest()
        assert prepared.render() == expected.render()


@pytest.mark.parametrize("suffix", FORMATS)
def test_each_entry_is_rendered_once(suffix: str) -> None:
    rendered: list[str] = []

    def render(feed: Feed, entries: Sequence[FeedItem]) -> RenderedFeed:
        rendered.extend(entry.id[-1] for entry in entries)
        return FORMATS[suffix].render_parts(feed, entries, CACHES)

    cache = EntryCache(1_000_000)
    for numbers in ((3, 2, 1), (4, 3, 2), (4, 1), (5,)):
        PreparedFeed(make_feed(entries=entries(*numbers)), "f", render, cache).render()
    assert rendered == ["3", "2", "1", "4", "5"]
    PreparedFeed(make_feed(entries=entries(5)), "other", render, cache).render()
    assert rendered[5:] == ["5"]


def test_paper_of_a_cached_entry_stays_packed() -> None:
    caches, paper = EntryCaches(), make_paper(1)
    first, second = packed(paper), packed(paper)
    known = partial(is_known, caches)
    assert not known(first)
    documents = [
        FORMATS["atom"].render(make_feed(entries=(Entry(record),)), caches)
        for record in (first, second)
    ]
    assert known(second)
    assert not known(packed(paper._replace(title="Another")))
    assert documents[0] == documents[1]
    assert ["paper" in vars(record) for record in (first, second)] == [True, False]


def test_entries_of_the_newest_papers_are_kept_whatever_is_requested_in_turn() -> None:
    rendered: list[str] = []

    def render(feed: Feed, entries: Sequence[FeedItem]) -> RenderedFeed:
        rendered.extend(entry.id for entry in entries)
        return FORMATS["atom"].render_parts(feed, entries, CACHES)

    cache = EntryCache(60_000)
    feeds = [make_feed(*map(make_paper, range(start, start + 5))) for start in range(1, 200, 5)]
    for feed in (*feeds, *feeds):
        rendered.clear()
        PreparedFeed(feed, "f", render, cache).render()
    assert not rendered
    with mock.patch.object(cache, "put") as put:
        PreparedFeed(feeds[0], "f", render, cache).render()
        assert len(rendered) == 5
        assert not put.called, "they would be evicted at once"
        PreparedFeed(make_feed(make_paper(1_000)), "f", render, cache).render()
        assert put.called


def test_entries_are_rendered_ahead_until_the_cache_is_full() -> None:
    caches, pauses = EntryCaches(), list[float]()
    caches.entries = EntryCache(100_000)
    newest_first = [packed(make_paper(number)) for number in range(500, 0, -1)]
    left = iter(newest_first)
    FORMATS["atom"].render_ahead(left, caches, pauses.append)
    cached = [record for record in newest_first if is_known(caches, record)]
    assert cached == newest_first[: len(cached)]
    assert 80 < len(cached) < 300
    assert next(left) == newest_first[max(len(cached), TRAINING_ENTRIES)]
    assert sum(pauses) > 0


def test_entries_take_less_memory_after_some_were_rendered_ahead() -> None:
    records = [packed(make_paper(number)) for number in range(2 * TRAINING_ENTRIES)]
    sizes = list[int]()
    for count in (TRAINING_ENTRIES - 1, TRAINING_ENTRIES):
        caches = EntryCaches()
        FORMATS["atom"].render_ahead(iter(records[:count]), caches, lambda _: None)
        assert all(is_known(caches, record) for record in records[:count])
        sizes.append(caches.entries.byte_size // count)
        feed = make_feed(*(record.paper for record in records[:count]))
        assert FORMATS["atom"].render(feed, caches) == FORMATS["atom"].render(feed, CACHES)
    assert sizes[1] < 0.8 * sizes[0]


def test_feed_prepared_before_the_compression_changed_is_rendered_all_the_same() -> None:
    caches, feed = EntryCaches(), make_feed(*map(make_paper, range(1, 9)))
    document = FORMATS["atom"].render(feed, caches)
    prepared = FORMATS["atom"].prepare(feed, caches)
    prepared.content_digest()
    caches.compress_like([document] * TRAINING_ENTRIES)
    assert prepared.render() == document == FORMATS["atom"].render(feed, caches)


def test_estimated_memory_of_entries_is_about_what_they_take() -> None:
    caches = EntryCaches()
    records = (packed(make_paper(number)) for number in range(1, 3_000))
    papers = [next(records) for _ in range(500)]
    FORMATS["atom"].render_ahead(iter(papers), caches, lambda _: None)
    before, facts = caches.entries.byte_size, EntryFacts(bytes(12), bytes(8))
    left = list(records)
    tracemalloc.start()
    try:
        for record in left:
            body = b"<entry>%d</entry>" % record.doc_id
            key = entry_cache_key(record.doc_id, "Atom", record.record_hash)
            caches.entries.put(key, CachedEntry.of(key, facts, body))
        del body, key
        taken, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    estimated = caches.entries.byte_size - before
    assert 0.8 * taken < estimated < 1.5 * taken


def test_cache_keeps_to_its_budget_and_to_few_entries_of_a_paper() -> None:
    cache, key = EntryCache(100_000), entry_cache_key

    def put(doc_id: int, number: int) -> None:
        facts = EntryFacts(bytes(12), bytes(8))
        cache_key = key(doc_id, "f", number)
        cache.put(cache_key, CachedEntry.of(cache_key, facts, b"x" * 1_000))

    for number in range(1_000):
        put(1, number)
    kept = [number for number in range(1_000) if cache.get(key(1, "f", number))]
    assert kept == [*range(994, 1_000)]
    for doc_id in range(2, 1_000):
        put(doc_id, 0)
        put(doc_id, 0)
    left = [doc_id for doc_id in range(2, 1_000) if cache.get(key(doc_id, "f", 0))]
    assert left == [*range(1_000 - len(left), 1_000)]
    assert 50 < len(left) < 100


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


def test_digest_of_an_entry_covers_everything_that_readers_see() -> None:
    seen = [entry for entry in variants() if entry.paper.ranks == make_paper(1).ranks]
    facts = [EntryFacts.of(entry) for entry in (Entry(make_paper(1)), *seen)]
    assert len({each.content_digest for each in facts}) == len(facts) > 20


def test_what_no_reader_sees_changes_no_digest() -> None:
    picked = paper_from_sighting(make_pick(1))
    recounted = replace(picked.picks[0], counted_at=NOW + timedelta(days=1))
    greater = [(name, rank._replace(as_of=rank.as_of + 1)) for name, rank in picked.ranks]
    same = picked._replace(picks=(recounted,), ranks=tuple(greater))
    assert same != picked
    assert EntryFacts.of(Entry(same)) == EntryFacts.of(Entry(picked))
