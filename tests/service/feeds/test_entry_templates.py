from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from html import escape
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.feeds import FORMATS, atom, entry_templates, rss
from service.feeds.content import Content
from service.feeds.entry import (
    ARXIV_SCHEME,
    HTML_MEDIA_TYPE,
    PDF_MEDIA_TYPE,
    AtomSource,
    Category,
    DigestEntry,
    Entry,
    FeedItem,
    Link,
    select_lead_pick,
)
from service.feeds.entry_cache import RenderedFeed
from service.feeds.feed import Feed
from tests.service.feeds.made import make_feed
from tests.service.feeds.test_recorded import recorded_papers
from tests.service.made import make_paper

SPELL = {"atom": atom.render_atom, "rss": rss.render_rss}
XML = pytest.mark.parametrize("suffix", SPELL)

MARKS = ["1000000000000003", '"1000000000000001"', "<gap0/>", "&lt;gap0/&gt;", "%s %", "'\"<>&"]
DATES = ["0001-01-01T00:00:00+00:00", "Mon, 01 Jan 0001 00:00:00 GMT"]
LINES = st.sampled_from([*MARKS, *DATES]) | st.text("aé\U0001f600\x85\u2028&<>'\"%0", max_size=9)
WORDS = LINES.filter(bool)
MOMENTS = st.sampled_from([datetime(year, 11, 3, 5, 0, 9, tzinfo=UTC) for year in (1, 1991, 2026)])
COUNTS = st.none() | st.integers(0, 3)
RELATIONS = st.sampled_from(["related", "via", "replies"])
LINKS = st.builds(
    Link, WORDS, RELATIONS, st.sampled_from([HTML_MEDIA_TYPE, PDF_MEDIA_TYPE]), LINES, COUNTS
)
CONTENTS = WORDS.map(
    lambda text: f'<p title="{escape(text)}">{escape(text, quote=False)}<br></br></p>'
)
ENTRIES = st.builds(
    DigestEntry,
    id=WORDS,
    title=WORDS,
    summary=LINES | st.just("two\n\tlines"),
    content=st.builds(Content, CONTENTS | st.just(""), st.just("")),
    links=st.lists(LINKS, max_size=4).map(
        lambda links: (Link("https://a.example", "alternate"), *links)
    ),
    published=MOMENTS,
    updated=MOMENTS,
    last_activity_at=MOMENTS,
    authors=st.lists(WORDS, max_size=3).map(tuple),
    categories=st.lists(
        st.builds(Category, WORDS, WORDS, st.sampled_from([ARXIV_SCHEME, ""])), max_size=3
    ).map(tuple),
    source=st.none() | st.builds(AtomSource, WORDS, WORDS, WORDS),
    comment=LINES,
    journal_ref=LINES,
    doi=LINES,
    thumbnail=LINES,
    comments=COUNTS,
)


def by_feedgen(suffix: str, entries: Sequence[FeedItem]) -> RenderedFeed:
    """What feedgen makes of all entries, each by itself."""
    return SPELL[suffix](make_feed(), entries)


@XML
@settings(max_examples=150, deadline=None)
@given(entries=st.lists(ENTRIES, max_size=3))
def test_moulds_change_no_byte(suffix: str, entries: list[FeedItem]) -> None:
    assert FORMATS[suffix].render_parts(make_feed(), entries) == by_feedgen(suffix, entries)


@XML
def test_moulds_change_no_byte_of_real_papers(recorded: Path, suffix: str) -> None:
    papers = recorded_papers(recorded)
    entries = [
        Entry(record, lead) for record in papers for lead in {None, select_lead_pick(record)}
    ]
    assert FORMATS[suffix].render_parts(make_feed(), entries) == by_feedgen(suffix, entries)


@XML
def test_feedgen_is_asked_once_for_a_shape(suffix: str) -> None:
    asked: list[FeedItem] = []

    def spell(feed: Feed, entries: Sequence[FeedItem]) -> RenderedFeed:
        asked.extend(entries)
        return SPELL[suffix](feed, entries)

    cast = entry_templates.make_templated_renderer(
        spell, render_content=lambda content: content.xml, format_published=datetime.isoformat
    )
    cast(make_feed(), [Entry(make_paper(number)) for number in range(1, 9)])
    cast(make_feed(), [Entry(make_paper(9, title='"9"', abstract="<9>", authors=("A", "B", "C")))])
    assert len(asked) == 1
    cast(
        make_feed(), [Entry(make_paper(1, **said)) for said in ({"authors": ()}, {"doi": "10.1/2"})]
    )
    assert len(asked) == 3
