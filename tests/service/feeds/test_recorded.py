"""Recorded papers whose texts break naive code, through every format."""

from __future__ import annotations

from pathlib import Path

import feedparser
import pytest
from lxml import etree

from papers.model.paper import Paper
from service.feeds import FORMATS
from service.feeds.entry import Entry
from service.feeds.formats.feedgen_extension import ATOM_NS
from tests.service.feeds.made import make_feed, recorded_papers, render_feed


@pytest.fixture
def nasty(recorded: Path) -> list[Paper]:
    return recorded_papers(recorded)


def test_recorded_papers_are_read_back_unchanged(nasty: list[Paper]) -> None:
    body = render_feed("atom", make_feed(*nasty))
    parsed = feedparser.parse(body)
    assert not parsed.bozo
    assert len(parsed.entries) == len(nasty) > 100
    for found, node, record in zip(
        parsed.entries, etree.fromstring(body).findall(f"{ATOM_NS}entry"), nasty, strict=True
    ):
        entry = Entry(record)
        assert (found.id, len(found.get("authors", []))) == (entry.id, len(entry.authors))
        # Not through feedparser, which repairs texts that arXiv got as misread Latin-1.
        assert node.findtext(f"{ATOM_NS}title") == entry.title
        assert (node.findtext(f"{ATOM_NS}summary") or "") == entry.summary


@pytest.mark.parametrize("suffix", FORMATS)
def test_every_format_has_all_recorded_papers(nasty: list[Paper], suffix: str) -> None:
    body = render_feed(suffix, make_feed(*nasty)).decode()
    assert all(record.id.url in body for record in nasty)
