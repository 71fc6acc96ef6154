from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from html import escape
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.feeds import FORMATS
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
)
from service.feeds.entry_cache import EntryCaches
from service.feeds.event_entry import select_lead_pick
from service.feeds.feed import Feed, RenderedFeed
from service.feeds.formats import atom, rss
from tests.service.feeds.made import CACHES, make_feed, recorded_papers
from tests.service.feeds.odd_entry_texts import DATES, MARKERS, MOMENTS
from tests.service.made import make_paper

RENDERERS = {"atom": atom.render_atom, "rss": rss.render_rss}
for_each_xml_format = pytest.mark.parametrize("suffix", RENDERERS)

LINES = st.sampled_from([*MARKERS, *DATES]) | st.text("aé\U0001f600\x85\u2028&<>'\"%0", max_size=9)
WORDS = LINES.filter(bool)
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


def rendered_by_feedgen(suffix: str, entries: Sequence[FeedItem]) -> RenderedFeed:
    """Render a feed without templates, each entry by feedgen."""
    return RENDERERS[suffix](make_feed(), entries)


def rendered_by_template(suffix: str, entries: Sequence[FeedItem]) -> RenderedFeed:
    return FORMATS[suffix].render_parts(make_feed(), entries, CACHES)


@for_each_xml_format
@settings(max_examples=150, deadline=None)
@given(entries=st.lists(ENTRIES, max_size=3))
def test_templates_change_no_byte(suffix: str, entries: list[FeedItem]) -> None:
    assert rendered_by_template(suffix, entries) == rendered_by_feedgen(suffix, entries)


@for_each_xml_format
def test_templates_change_no_byte_of_recorded_papers(recorded: Path, suffix: str) -> None:
    papers = recorded_papers(recorded)
    entries = [
        Entry(record, lead) for record in papers for lead in {None, select_lead_pick(record)}
    ]
    assert rendered_by_template(suffix, entries) == rendered_by_feedgen(suffix, entries)


@for_each_xml_format
def test_feedgen_renders_one_entry_per_shape(suffix: str) -> None:
    rendered: list[FeedItem] = []

    def renderer(feed: Feed, entries: Sequence[FeedItem]) -> RenderedFeed:
        rendered.extend(entries)
        return RENDERERS[suffix](feed, entries)

    format = replace(FORMATS[suffix], renderer=renderer)
    render = partial(format.render_parts, make_feed(), caches=EntryCaches())
    render([Entry(make_paper(number)) for number in range(1, 9)])
    render([Entry(make_paper(9, title='"9"', abstract="<9>", authors=("A", "B", "C")))])
    assert len(rendered) == 1
    render([Entry(make_paper(1, **fields)) for fields in ({"authors": ()}, {"doi": "10.1/2"})])
    assert len(rendered) == 3


def test_formats_do_not_share_templates() -> None:
    caches, entries = EntryCaches(), [Entry(make_paper(1))]
    for suffix in RENDERERS:
        parts = FORMATS[suffix].render_parts(make_feed(), entries, caches)
        assert parts == rendered_by_feedgen(suffix, entries)
