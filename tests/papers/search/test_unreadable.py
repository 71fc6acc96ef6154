"""A record that cannot be unpacked is skipped; everything else is found."""

from __future__ import annotations

import logging

import pytest
from redis import Redis

from papers.model.arxiv_id import ArxivId
from papers.query.parser import parse_query
from papers.query.request import SearchRequest
from papers.records import packing
from papers.store import Store
from tests.service.made import NOW, make_paper, make_sighting

BAD = [b"\x09junk", b"\x01junk", b"\x01", packing.pack(make_paper(9))[:-9]]
QUERIES = ["number", '"reward model"', '"reward model number"', "au:lovelace", "number -nothing"]


@pytest.mark.parametrize("bad", BAD)
def test_unreadable_record_is_skipped_alone(
    redis: Redis, bad: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    store = Store(redis)
    store.ingest([make_sighting(number) for number in range(1, 5)], now=NOW)
    redis.hset("{26}11:papers", b"\x00\x03", bad)
    for query in QUERIES:
        found = store.search(SearchRequest(query=parse_query(query))).papers
        assert [paper.id.number for paper in found] == [4, 2, 1], query
    with caplog.at_level(logging.ERROR):
        assert store.get_papers([ArxivId(202611, 3)]) == [None]
    assert "2611.00003: its record cannot be read" in caplog.text
    store.ingest([make_sighting(2, version=2, title="Reward model number two")], now=NOW)
    assert store.get_papers([ArxivId(202611, 2)])[0]
