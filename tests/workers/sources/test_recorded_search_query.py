"""Over the recorded papers: what matches a keyword here is requested from arXiv's API."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Final

import pytest

from papers.errors import BadQuery
from papers.model.arxiv_id import ArxivId
from papers.model.merge import merge
from papers.model.paper import Paper
from papers.query.ast import Node
from papers.query.parser import parse_query
from papers.search.percolate import Percolator
from paperwire.simulator.formats.api_feed import ApiResult
from paperwire.simulator.formats.api_query import parse
from paperwire.simulator.world.manuscripts import Manuscript
from tests.papers.query.recorded_keywords import keywords_of_papers
from workers.sources.arxiv.search_query import MAX_QUERY_LENGTH, arxiv_query

EVERY: Final = 6
"""One paper in so many."""
MAX_KEYWORDS: Final = 400
COMPOUNDS: Final = (
    "multimodal,multi-modal,unet,U-Net,GPT4,GPT-4o,llama3,finetuning,fine-tun*,pretrain*,k-means,"
    "kmeans,3D,x-ray,spatiotemporal,autoencoders,e-commerce,CNNs,GPUs,analyses,criteria,indices,"
    '"fine tuned llms","multimodal large language model","3d gaussian splatting",C++,C#,A*,'
    "behaviour,color,centre,pre-train*,re-ranking,rerank*,KV,RGBD,T2I,ResNet50,i.i.d.,α-divergence"
).split(",")


def typed_keywords(folder: Path) -> Iterator[str]:
    """Yield keywords as people type them: compounds, and a sample of the daily papers' keywords."""
    yield from COMPOUNDS
    known = sorted({keyword for keyword, _ in keywords_of_papers(folder)})
    yield from random.Random(1).sample(known, MAX_KEYWORDS)


@pytest.mark.timeout(600)  # 15 s of processor time
def test_matching_papers_are_requested(recorded: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from benchmarks.corpus import read_sightings

    sightings = islice(read_sightings(recorded / "papers.jsonl.gz"), 0, None, EVERY)
    papers = [
        merge(None, sighting)._replace(id=ArxivId(202501, number))
        for number, sighting in enumerate(sightings, 1)
    ]
    trees = dict[str, Node]()
    for keyword in typed_keywords(recorded):
        with suppress(BadQuery):
            trees[keyword] = parse_query(keyword).tree
    matches, missed = 0, list[str]()
    for keyword, found in Percolator(trees.items()).percolate(papers):
        sent = arxiv_query(trees[keyword])
        assert sent, keyword
        assert len(sent) <= MAX_QUERY_LENGTH, keyword
        is_requested = parse(sent)
        for paper in islice(found, 200):
            matches += 1
            if not is_requested(as_result(paper)):
                missed.append(f"{keyword}: {paper.title}")
    with capsys.disabled():
        print(f"\n{len(trees):,} keywords, {matches:,} matches, {len(missed):,} not requested")
    assert not missed, "\n".join(missed)


def as_result(paper: Paper) -> ApiResult:
    """Return a paper as a result of the API."""
    text = Manuscript(title=paper.title, abstract=paper.abstract, categories=paper.categories)
    day = datetime(2026, 11, 1, tzinfo=UTC)
    return ApiResult(paper.id, 1, text, published=day, updated=day)
