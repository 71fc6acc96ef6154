"""Every kind of feed against the standards, and against what readers reject."""

from __future__ import annotations

import re
from pathlib import Path

import brotli
import pytest
from bs4 import BeautifulSoup
from lxml import etree

from service.feeds import FORMATS
from service.feeds.feed import Feed
from tests.service.feeds.judged_feeds import FEEDS
from tests.service.feeds.made import make_feed, recorded_papers, render_feed
from tests.service.feeds.validity import ATOM_SCHEMA, VALIDATE


def rendered(name: str, suffix: str) -> bytes:
    return render_feed(suffix, FEEDS[name])


@pytest.mark.parametrize("suffix", FORMATS)
@pytest.mark.parametrize("name", FEEDS)
def test_every_kind_of_feed_is_valid(name: str, suffix: str) -> None:
    VALIDATE[suffix](rendered(name, suffix))


@pytest.mark.parametrize("suffix", FORMATS)
def test_feeds_of_recorded_papers_are_valid(recorded: Path, suffix: str) -> None:
    VALIDATE[suffix](render_feed(suffix, make_feed(*recorded_papers(recorded))))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"<updated>", b"<updated>yesterday "),
        (b'type="xhtml"', b'type="text"'),
        (b"<p>", b"<script>alert(1)</script><p>"),
        (b"<p>", b"<p onclick='x'>"),
        (b'href="https://arxiv.org/pdf', b'href="/pdf'),
        (b'rel="related"', b'rel="relative"'),
        (b"<author><name>", b"<author><nickname/><name>"),
        (b"<published>", b"<published/><published>"),
    ],
)
def test_schema_rejects_invalid_atom(before: bytes, after: bytes) -> None:
    body = rendered("one", "atom")
    assert ATOM_SCHEMA.validate(etree.fromstring(body))
    assert before in body
    assert not ATOM_SCHEMA.validate(etree.fromstring(body.replace(before, after, 1)))


def fragments(feed: Feed) -> list[str]:
    return [entry.content.xhtml for entry in feed.entries]


@pytest.mark.parametrize("name", FEEDS)
def test_content_neither_runs_nor_loads_anything(name: str) -> None:
    for fragment in fragments(FEEDS[name]):
        soup = BeautifulSoup(fragment, "html.parser")
        assert not soup.find("script style iframe object embed img form link".split())
        for element in soup.find_all(True):
            assert not any(name.startswith("on") or name == "style" for name in element.attrs)
        for anchor in soup.find_all("a"):
            assert re.match("https?://", str(anchor["href"]))


def test_full_feed_is_small_when_compressed(recorded: Path) -> None:
    """RSS contains each abstract once; Atom and JSON require it twice."""
    feed = make_feed(*[p for p in recorded_papers(recorded) if len(p.authors) < 100][:100])
    bodies = {suffix: render_feed(suffix, feed) for suffix in FORMATS}
    assert len(feed.entries) == 100
    assert len(bodies["rss"]) < 250_000
    assert all(len(body) < 450_000 for body in bodies.values())
    assert all(len(brotli.compress(body, quality=5)) < 90_000 for body in bodies.values())
