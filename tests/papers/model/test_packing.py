from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from functools import reduce
from pathlib import Path
from typing import Any

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from papers.model.arxiv_id import ArxivId
from papers.model.merge import RANKED_FIELDS, merge
from papers.model.paper import AnnounceType, Paper, Pick, Rank, Revision, Sighting
from papers.records import packing
from tests.papers.papers_strategies import sightings

ROOT = Path(__file__).resolve().parents[3]
ID = ArxivId.parse("2503.00001")
SIGHTINGS_OF_ONE = st.lists(sightings(st.just(ID)), min_size=1, max_size=5)


def record(sightings: list[Sighting]) -> Paper:
    paper = reduce(merge, sightings, None)
    assert paper is not None
    return paper


@given(SIGHTINGS_OF_ONE)
def test_packing_round_trips(statements: list[Sighting]) -> None:
    paper = record(statements)
    assert packing.unpack(ID, packing.pack(paper)) == paper


@given(SIGHTINGS_OF_ONE)
def test_equal_papers_are_equal_bytes(statements: list[Sighting]) -> None:
    paper, equal = record(statements), record(statements[::-1])
    assert packing.pack(equal) == packing.pack(paper)
    assert packing.pack(packing.unpack(ID, packing.pack(paper))) == packing.pack(paper)


@given(SIGHTINGS_OF_ONE)
def test_pack_all_packs_like_pack(statements: list[Sighting]) -> None:
    papers = [record(statements[:count]) for count in range(1, len(statements) + 1)]
    assert packing.pack_all(papers) == list(map(packing.pack, papers))
    assert packing.pack_all([]) == []


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_any_text_round_trips(text: str) -> None:
    paper = Paper(ID, title=text, abstract=text, authors=(text,))
    assert packing.unpack(ID, packing.pack(paper)) == paper


def test_legacy_records_without_first_known_times_are_unpacked() -> None:
    paper = Paper(
        ID, title="A title", journal_ref="J. 1", referred_at=datetime(2025, 3, 1, tzinfo=UTC)
    )
    paper = paper._replace(categories=("cs.CL", "cs.LG"), listed_at=(1, 2))
    legacy = paper._replace(referred_at=None, listed_at=())
    row = msgpack.unpackb(packing.serialize(paper))
    assert msgpack.packb(row[:-2]) == packing.serialize(legacy)
    assert packing.unpack(ID, packing.pack(legacy)) == legacy


def test_a_record_without_a_list_of_versions_has_the_newest_one() -> None:
    newest = Revision(3, True, -5)
    paper = Paper(ID, title="A title", revision=newest, versions=(newest,))
    row = msgpack.unpackb(packing.serialize(paper))
    assert len(row) == 21
    assert packing.unpack(ID, packing.pack(paper)).versions == (newest,)
    unlisted = paper._replace(versions=())
    assert packing.unpack(ID, packing.pack(unlisted)) == unlisted


@pytest.mark.parametrize("name", RANKED_FIELDS)
def test_every_ranked_field_is_packed(name: str) -> None:
    value: Any = ("A", "B") if name == "authors" else "text"
    paper = Paper(ID, ranks=((name, Rank(True, 1, 4, 1)),))._replace(**{name: value})
    assert packing.unpack(ID, packing.pack(paper)) == paper


def test_every_other_field_is_packed() -> None:
    when = datetime(2025, 3, 1, tzinfo=UTC)
    others: dict[str, Any] = {
        "categories": ("cs.CL", "cs.LG"),
        "announce_type": AnnounceType.CROSS,
        "announced_at": when,
        "submitted_at": when + timedelta(days=1),
        "revision": Revision(2, True, -3),
        "withdrawn_version": 2,
        "picks": (Pick("hf", when, "https://example.org", "d", 1, 2, when, "s", "t"),),
        "sources": ("arxiv", "hf"),
        "ranks": (("title", Rank(True, 1, 4, 1)),),
        "referred_at": when,
        "listed_at": (1, 2),
        "versions": (Revision(2, True, -3), Revision(4, False, -9)),
        "coded_at": when,
    }
    assert others.keys() == {*Paper._fields} - {*RANKED_FIELDS, "id"}
    paper = Paper(ID, **others)
    assert packing.unpack(ID, packing.pack(paper)) == paper


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
from papers.records import packing
from papers.model.arxiv_id import ArxivId
from papers.model.paper import Paper

ID = ArxivId.parse("2503.00001")
RNG = random.Random(1)
PAPERS = [Paper(ID, abstract=RNG.randbytes(10_000).hex()) for _ in range(8)]
PACKED = [packing.pack(paper) for paper in PAPERS]

def round_trips(index):
    for _ in range(200):
        assert packing.pack(PAPERS[index]) == PACKED[index]
        assert packing.unpack(ID, PACKED[index]) == PAPERS[index]

with ThreadPoolExecutor(8) as pool:
    list(pool.map(round_trips, range(8)))
"""


def test_threads_can_pack_and_unpack_concurrently() -> None:
    # in a process of its own: a compressor shared by threads ends it with a segmentation fault
    command = [sys.executable, "-c", MANY_THREADS]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr[-2_000:]
