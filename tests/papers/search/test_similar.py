from __future__ import annotations

import pytest
from redis import Redis

from papers.model.arxiv_id import ArxivId
from papers.model.merge import paper_from_sighting
from papers.search.reader import IndexReader
from papers.search.similar import MoreLikeThis
from papers.store import Store
from tests.papers.test_store import NOW, announced

FILLER = "we present a method"
TITLES = (
    "Gaussian splatting of zebra fish",
    "Splatting zebra fish faster",
    "Zebra crossings in towns",
    "Quantum gravity without fish",
    "A theory of everything else",
)


@pytest.fixture
def likeness(redis: Redis) -> MoreLikeThis:
    papers = [
        announced(ArxivId(202503, n), title=title, abstract=FILLER)
        for n, title in enumerate(TITLES, 1)
    ]
    common = [
        announced(ArxivId(202502, n), title=f"Filler {n}", abstract=FILLER) for n in range(1, 60)
    ]
    Store(redis).ingest([*papers, *common], now=NOW)
    return MoreLikeThis(IndexReader(redis))


def like(likeness: MoreLikeThis, title: str, limit: int = 5) -> list[tuple[int, set[str]]]:
    asked = paper_from_sighting(announced(ArxivId(202503, 99), title=title, abstract=FILLER))
    found = likeness.similar_to(asked, limit)
    assert [one.score for one in found] == sorted((one.score for one in found), reverse=True)
    return [(one.id.number, set(one.shared_words)) for one in found]


def test_papers_that_share_rare_words_come_best_first(likeness: MoreLikeThis) -> None:
    assert like(likeness, "Splatting zebra fish quickly") == [
        (2, {"splatting", "zebra", "fish"}),
        (1, {"splatting", "zebra", "fish"}),
    ]
    assert like(likeness, "Splatting zebra fish quickly", limit=1) == [
        (2, {"splatting", "zebra", "fish"})
    ]


def test_one_shared_word_is_chance_and_common_words_tell_nothing(likeness: MoreLikeThis) -> None:
    assert like(likeness, "Gravity of zebra") == []
    assert like(likeness, "We present a method") == []


def test_a_paper_is_not_like_itself(likeness: MoreLikeThis) -> None:
    itself = paper_from_sighting(announced(ArxivId(202503, 1), title=TITLES[0], abstract=FILLER))
    assert [one.id.number for one in likeness.similar_to(itself, 5)] == [2]


def test_nothing_is_like_a_paper_of_an_empty_store(redis: Redis) -> None:
    redis.flushall()
    assert MoreLikeThis(IndexReader(redis)).similar_to(paper_from_sighting(announced()), 5) == []
