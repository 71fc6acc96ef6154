"""Archives and primary categories over recorded papers: an alias is both of its names."""

from __future__ import annotations

import gzip
import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from papers.model.arxiv_id import ArxivId
from papers.model.categories import canonical_category
from papers.model.paper import Paper
from papers.query.match import matches
from papers.query.parser import parse_query
from papers.search.percolate import Percolator


@pytest.fixture(scope="module")
def papers(recorded: Path) -> Sequence[Paper]:
    """The recorded papers with their categories as `merge` stores them."""
    with gzip.open(recorded / "papers.jsonl.gz", "rt") as lines:
        rows = map(json.loads, lines)
        return [_paper(row["id"], row.get("categories", ())) for row in rows]


def _paper(id: str, categories: Sequence[str]) -> Paper:
    names = tuple(dict.fromkeys(map(canonical_category, categories)))
    return Paper(ArxivId.parse(id), title="x", primary=names[0] if names else "", categories=names)


# (a keyword, the papers listed under any category of the archive, by either name)
COUNTS = [
    ("cat:math.*", 2054),
    ("cat:math", 2054),
    ("cat:cs.*", 24672),
    ("cat:stat.*", 524),
    ("cat:q-fin.*", 57),
]


@pytest.mark.parametrize(("keyword", "count"), COUNTS)
def test_archive_finds_all_of_its_categories(
    papers: Sequence[Paper], keyword: str, count: int
) -> None:
    tree = parse_query(keyword).tree
    ((_, found),) = Percolator([(keyword, tree)]).percolate(papers)
    assert len({paper.id for paper in found}) == count


@pytest.mark.parametrize("keyword", ["primary:cs.CL", "primary:math.*", "cat:(cs.CV or cs.RO)"])
def test_percolator_agrees_with_the_reference(papers: Sequence[Paper], keyword: str) -> None:
    query = parse_query(keyword)
    ((_, found),) = Percolator([(keyword, query.tree)]).percolate(papers)
    assert {paper.id for paper in found} == {p.id for p in papers if matches(query, p)}
