from __future__ import annotations

import pytest
from redis import Redis

from papers.model.arxiv_id import ArxivId
from papers.model.merge import paper_from_sighting
from papers.search.reader import IndexReader
from papers.search.similar import MoreLikeThis
from papers.store import Store
from tests.papers.sightings import NOW, announced

pytestmark = pytest.mark.both_stores

FILLER = "we present a method"
TITLES = (
    "Gaussian splatting of zebra fish",
    "Splatting zebra fish faster",
    "Zebra crossings in towns",
    "Quantum gravity without fish",
    "A theory of everything else",
)


@pytest.fixture
def more_like_this(redis: Redis) -> MoreLikeThis:
    papers = [
        announced(ArxivId(202503, n), title=title, abstract=FILLER)
        for n, title in enumerate(TITLES, 1)
    ]
    common = [
        announced(ArxivId(202502, n), title=f"Filler {n}", abstract=FILLER) for n in range(1, 60)
    ]
    Store(redis).ingest([*papers, *common], now=NOW)
    return MoreLikeThis(IndexReader(redis))


def similar(more_like_this: MoreLikeThis, title: str, limit: int = 5) -> list[tuple[int, set[str]]]:
    paper = paper_from_sighting(announced(ArxivId(202503, 99), title=title, abstract=FILLER))
    found = more_like_this.similar_to(paper, limit)
    assert [one.score for one in found] == sorted((one.score for one in found), reverse=True)
    return [(one.id.number, set(one.shared_words)) for one in found]


def test_papers_that_share_rare_words_are_sorted_best_first(more_like_this: MoreLikeThis) -> None:
    assert similar(more_like_this, "Splatting zebra fish quickly") == [
        (2, {"splatting", "zebra", "fish"}),
        (1, {"splatting", "zebra", "fish"}),
    ]
    assert similar(more_like_this, "Splatting zebra fish quickly", limit=1) == [
        (2, {"splatting", "zebra", "fish"})
    ]


def test_one_shared_word_or_common_words_are_not_enough(more_like_this: MoreLikeThis) -> None:
    assert similar(more_like_this, "Gravity of zebra") == []
    assert similar(more_like_this, "We present a method") == []


def test_paper_is_not_similar_to_itself(more_like_this: MoreLikeThis) -> None:
    itself = paper_from_sighting(announced(ArxivId(202503, 1), title=TITLES[0], abstract=FILLER))
    assert [one.id.number for one in more_like_this.similar_to(itself, 5)] == [2]


def test_empty_store_has_no_similar_papers(redis: Redis) -> None:
    redis.flushall()
    assert MoreLikeThis(IndexReader(redis)).similar_to(paper_from_sighting(announced()), 5) == []
