from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime
from functools import reduce
from pathlib import Path

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from papers.model import packing
from papers.model.arxiv_id import ArxivId
from papers.model.merge import merge
from papers.model.paper import Paper, Sighting
from tests.papers.papers_strategies import sightings

ROOT = Path(__file__).resolve().parents[3]
ID = ArxivId.parse("2503.00001")
OF_ONE = st.lists(sightings(st.just(ID)), min_size=1, max_size=5)


def paper_of(said: list[Sighting]) -> Paper:
    paper = reduce(merge, said, None)
    assert paper is not None
    return paper


@given(OF_ONE)
def test_what_is_packed_comes_back(said: list[Sighting]) -> None:
    paper = paper_of(said)
    assert packing.unpack(ID, packing.pack(paper)) == paper


@given(OF_ONE)
def test_equal_papers_are_equal_bytes(said: list[Sighting]) -> None:
    paper = paper_of(said)
    again = paper_of(said[::-1])
    assert packing.pack(again) == packing.pack(paper)
    assert packing.pack(packing.unpack(ID, packing.pack(paper))) == packing.pack(paper)


@given(OF_ONE)
def test_many_are_packed_as_one_is(said: list[Sighting]) -> None:
    papers = [paper_of(said[:count]) for count in range(1, len(said) + 1)]
    assert packing.pack_all(papers) == list(map(packing.pack, papers))
    assert packing.pack_all([]) == []


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_any_text_is_kept_as_it_is(text: str) -> None:
    paper = Paper(ID, title=text, abstract=text, authors=(text,))
    assert packing.unpack(ID, packing.pack(paper)) == paper


def test_a_record_from_before_references_and_listings_were_dated_is_read() -> None:
    paper = Paper(
        ID, title="A title", journal_ref="J. 1", referred_at=datetime(2025, 3, 1, tzinfo=UTC)
    )
    paper = paper._replace(categories=("cs.CL", "cs.LG"), listed_at=(1, 2))
    before = paper._replace(referred_at=None, listed_at=())
    row = msgpack.unpackb(packing.serialize(paper))
    assert msgpack.packb(row[:-2]) == packing.serialize(before)
    assert packing.unpack(ID, packing.pack(before)) == before


def test_an_unknown_format_is_refused() -> None:
    packed = packing.pack(Paper(ID, title="A title"))
    with pytest.raises(ValueError, match=r"2503\.00001: packed in format 2, this version knows 1"):
        packing.unpack(ID, b"\x02" + packed[1:])


def test_a_short_abstract_packs_small() -> None:
    abstract = "We propose a large language model that reasons step by step. " * 20
    assert len(packing.pack(Paper(ID, title="A title", abstract=abstract))) < 300


MANY_THREADS = """
import random
from concurrent.futures import ThreadPoolExecutor
from papers.model import packing
from papers.model.arxiv_id import ArxivId
from papers.model.paper import Paper

ID = ArxivId.parse("2503.00001")
CHANCE = random.Random(1)
PAPERS = [Paper(ID, abstract=CHANCE.randbytes(10_000).hex()) for _ in range(8)]
PACKED = [packing.pack(paper) for paper in PAPERS]

def round_trips(place):
    for _ in range(200):
        assert packing.pack(PAPERS[place]) == PACKED[place]
        assert packing.unpack(ID, PACKED[place]) == PAPERS[place]

with ThreadPoolExecutor(8) as pool:
    list(pool.map(round_trips, range(8)))
"""


def test_threads_pack_and_unpack_at_the_same_time() -> None:
    # in a process of its own: a compressor that threads share ends it with a segmentation fault
    command = [sys.executable, "-c", MANY_THREADS]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr[-2_000:]
