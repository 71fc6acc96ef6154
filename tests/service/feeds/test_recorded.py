"""Real records that break things, through every format."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import feedparser
import pytest
from lxml import etree

from papers.model.arxiv_id import ArxivId
from papers.model.paper import Paper
from service.feeds import FORMATS
from service.feeds.entry import Entry
from service.feeds.feedgen_extension import ATOM_NS
from tests.service.feeds.made import make_feed, render_feed
from tests.service.made import make_paper


@pytest.fixture
def nasty(recorded: Path) -> list[Paper]:
    return recorded_papers(recorded)


def recorded_papers(recorded: Path) -> list[Paper]:
    """Real records that break things."""
    lines = (recorded / "quality" / "nasty_papers.jsonl").read_text("utf-8").splitlines()
    return [_paper(json.loads(text)) for text in lines]


def _paper(record: dict[str, Any]) -> Paper:
    said = {name: record[name] for name in ("title", "abstract", "comment") if record.get(name)}
    lists = {name: tuple(record.get(name) or ()) for name in ("authors", "categories")}
    return make_paper(1, id=ArxivId.parse(record["id"]), **said, **lists)


def test_real_records_come_back_as_they_were(nasty: list[Paper]) -> None:
    body = render_feed("atom", make_feed(*nasty))
    parsed = feedparser.parse(body)
    assert not parsed.bozo
    assert len(parsed.entries) == len(nasty) > 100
    for found, node, record in zip(
        parsed.entries, etree.fromstring(body).findall(f"{ATOM_NS}entry"), nasty, strict=True
    ):
        meant = Entry(record)
        assert (found.id, len(found.get("authors", []))) == (meant.id, len(meant.authors))
        # Not by feedparser: it mends texts that were misread as Latin-1 before they came to arXiv.
        assert node.findtext(f"{ATOM_NS}title") == meant.title
        assert (node.findtext(f"{ATOM_NS}summary") or "") == meant.summary


@pytest.mark.parametrize("suffix", FORMATS)
def test_every_format_holds_them_all(nasty: list[Paper], suffix: str) -> None:
    body = render_feed(suffix, make_feed(*nasty)).decode()
    assert all(record.id.url in body for record in nasty)
