from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.feeds import FORMATS
from service.feeds.entry import Entry, FeedItem
from service.feeds.entry_cache import EntryCaches
from service.feeds.feed import Feed, RenderedFeed
from service.feeds.formats import atom, rss
from tests.service.feeds.made import CACHES, make_feed
from tests.service.feeds.odd_entry_texts import DATES, MARKERS, MOMENTS
from tests.service.made import make_paper

RENDERERS = {"atom": atom.render_atom, "rss": rss.render_rss}
for_each_xml_format = pytest.mark.parametrize("suffix", RENDERERS)

TEXTS = st.sampled_from([*MARKERS, *DATES, "two\n\tlines", "\r"]) | st.text(
    "aé\U0001f600\x85\u2028&<>'\"%0", min_size=1, max_size=9
)
ICONS = TEXTS.map(lambda text: f"{text}.svg") | TEXTS
ALTERNATES = st.lists(st.tuples(TEXTS, st.sampled_from(["application/rss+xml", "a/b"])), max_size=3)
PAGING = st.lists(st.tuples(st.sampled_from(["first", "previous", "next"]), TEXTS), max_size=3)
FRAMES = st.fixed_dictionaries(
    {
        "id": TEXTS,
        "title": TEXTS,
        "subtitle": TEXTS,
        "page_url": TEXTS,
        "self_url": TEXTS,
        "icon_url": ICONS,
        "hub_url": TEXTS | st.just(""),
        "alternates": ALTERNATES.map(tuple),
        "paging_links": PAGING.map(tuple),
        "archive": st.booleans(),
        "newest_activity": MOMENTS | st.none(),
    }
)


@for_each_xml_format
@settings(max_examples=200, deadline=None)
@given(fields=FRAMES)
def test_templates_change_no_byte_around_entries(suffix: str, fields: dict[str, Any]) -> None:
    feed = make_feed(make_paper(1), **fields)
    templated = FORMATS[suffix].render_parts(feed, (), CACHES)
    plain = RENDERERS[suffix](feed, ())
    assert templated._replace(entries=[]) == plain._replace(entries=[])


@for_each_xml_format
def test_feedgen_renders_nothing_for_feeds_of_a_known_shape(suffix: str) -> None:
    rendered: list[Feed] = []

    def renderer(feed: Feed, entries: Sequence[FeedItem]) -> RenderedFeed:
        rendered.append(feed)
        return RENDERERS[suffix](feed, entries)

    format, caches = replace(FORMATS[suffix], renderer=renderer), EntryCaches()
    for number in range(9):
        entries = [Entry(make_paper(number + 1))]
        format.render_parts(make_feed(title=f"Feed {number}", id=f"urn:{number}"), entries, caches)
    assert len(rendered) == 2  # one entry, and what is around entries
    format.render_parts(make_feed(archive=True), (), caches)
    format.render_parts(make_feed(title="two\twords"), (), caches)
    assert len(rendered) == 4
