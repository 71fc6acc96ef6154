from __future__ import annotations

import random
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from papers.index.layout import SegmentLayout
from papers.index.postings import MAX_INLINE_PER_MONTH, MAX_INLINE_POSTING
from papers.index.shingle_hashing import shingle_hashes
from papers.index.writing.edit import PaperChange, SegmentEdit
from papers.index.writing.term_batch import Vocabulary
from papers.model.arxiv_id import ArxivId, month_ordinal
from papers.model.merge import paper_from_sighting
from papers.model.paper import Paper
from papers.search.evaluate import shingle_slot_key
from tests.papers import fingerprint
from tests.papers.fingerprint import Postings
from tests.papers.found_by import expected_terms
from tests.papers.papers_strategies import sightings, texts

MONTH = 202503
SHAPE = SegmentLayout(size_bits=3, term_bucket_bits=2, shingle_bucket_bits=2)
YEAR = SHAPE._replace(span_months=12)
OVER = YEAR._replace(slot_bits=5, slot_bucket_bits=4)
SHAPES = {"a month": SHAPE, "a year": YEAR, "a year that is over": OVER}
FIRST = {1: month_ordinal(MONTH), 12: month_ordinal(202501)}
"""The places of the first months of both."""

described = st.builds(
    lambda sighting, title, abstract: paper_from_sighting(sighting)._replace(
        title=title, abstract=abstract
    ),
    sightings(),
    texts,
    texts,
)
histories = st.dictionaries(
    st.integers(1, 65_535), st.lists(described, min_size=1, max_size=3), min_size=1, max_size=8
)
"""Papers by number, from first version to last."""

Month = dict[bytes, bytes]


def numbered(number: int, paper: Paper) -> Paper:
    return paper._replace(id=ArxivId(MONTH, number))


@pytest.fixture(params=list(SHAPES.values()), ids=list(SHAPES), scope="module")
def shape(request: pytest.FixtureRequest) -> SegmentLayout:
    """A month alone, and one that lies with its year."""
    found: SegmentLayout = request.param
    return found


def decoded(month: Month, shape: SegmentLayout) -> Postings:
    return fingerprint.decode_segment(month, shape, FIRST[shape.span_months])


def applied(shape: SegmentLayout, month: Month, changes: list[PaperChange]) -> Month:
    """A month's fields after an edit of the fields it asked for and no others."""
    edit = SegmentEdit(shape, changes)
    after = edit.apply({name: month.get(name) for name in edit.field_names()})
    return {name: value for name, value in (month | after).items() if value is not None}


def expected(papers: Mapping[int, Paper], shape: SegmentLayout) -> Postings:
    """The same from the papers themselves, where no pair has a posting unless all have."""
    found: Postings = {}
    for number, paper in sorted(papers.items()):
        terms, pairs = expected_terms(paper)
        if shape.slot_bits:
            pairs = frozenset(shingle_slot_key(shape.slot_of(pair)) for pair in pairs)
        keys: list[bytes | int] = [*terms, *pairs]
        for key in keys:
            found.setdefault(key, []).append(ArxivId(MONTH, number).doc_id)
    return found


@given(histories, st.integers())
def test_any_batches_give_the_postings_of_a_clean_build(
    shape: SegmentLayout, history: dict[int, list[Paper]], seed: int
) -> None:
    chance = random.Random(seed)
    known: dict[int, Paper] = {}
    month: Month = {}
    left = {n: [numbered(n, paper) for paper in versions] for n, versions in history.items()}
    while left:
        batch = chance.sample(sorted(left), chance.randint(1, len(left)))
        changes = [PaperChange(known.get(n), left[n][0]) for n in batch]
        month = applied(shape, month, changes)
        known |= {n: left[n].pop(0) for n in batch}
        left = {number: versions for number, versions in left.items() if versions}
        assert decoded(month, shape) == expected(known, shape)
    clean = SegmentEdit(shape, [PaperChange(None, paper) for paper in known.values()]).apply({})
    assert decoded({k: v for k, v in clean.items() if v is not None}, shape) == decoded(
        month, shape
    )


@given(histories)
def test_a_paper_that_loses_all_leaves_nothing(
    shape: SegmentLayout, history: dict[int, list[Paper]]
) -> None:
    first = [numbered(n, versions[0]) for n, versions in history.items()]
    month = applied(shape, {}, [PaperChange(None, paper) for paper in first])
    gone = [PaperChange(paper, paper._replace(title="")) for paper in first]
    assert applied(shape, month, gone) == {}


@given(st.lists(described, max_size=4), st.lists(described, max_size=4))
def test_what_earlier_edits_have_met_changes_nothing(
    earlier: list[Paper], later: list[Paper]
) -> None:
    vocabulary = Vocabulary()
    for papers in (earlier, later):
        changes = [PaperChange(None, numbered(n, paper)) for n, paper in enumerate(papers)]
        assert SegmentEdit(SHAPE, changes, vocabulary).apply({}) == SegmentEdit(
            SHAPE, changes
        ).apply({})


# How many papers have a word at first, how many of them lose it then.
CROWDS = [
    (MAX_INLINE_PER_MONTH, 1),
    (MAX_INLINE_PER_MONTH + 1, 1),
    (MAX_INLINE_POSTING, 0),
    (MAX_INLINE_POSTING, 1),
    (MAX_INLINE_POSTING + 1, 0),
    (MAX_INLINE_POSTING + 1, 1),
    (MAX_INLINE_POSTING + 1, MAX_INLINE_POSTING + 1),
    (6_000, 2_000),
]


@pytest.mark.parametrize("at_once", [True, False])
@pytest.mark.parametrize(("crowd", "leaving"), CROWDS)
def test_a_posting_may_outgrow_its_bucket_and_come_back(
    shape: SegmentLayout, crowd: int, leaving: int, at_once: bool
) -> None:
    common = Paper(ArxivId(MONTH, 1), title="reward model", abstract="a b")
    rare = Paper(ArxivId(MONTH, 65_535), title="reward model", abstract="vision language")
    papers = {n: numbered(n, common) for n in range(1, crowd + 1)} | {65_535: rare}
    changes = [PaperChange(None, paper) for paper in papers.values()]
    month: Month = {}
    for batch in [changes] if at_once else [changes[:200], changes[200:]]:
        month = applied(shape, month, batch)
    assert decoded(month, shape) == expected(papers, shape)
    gone = [PaperChange(papers[n], papers[n]._replace(title="")) for n in range(1, leaving + 1)]
    month = applied(shape, month, gone)
    assert decoded(month, shape) == expected(
        {n: p for n, p in papers.items() if n > leaving}, shape
    )


def test_an_edit_tells_what_gains_papers() -> None:
    before = Paper(ArxivId(MONTH, 7), title="reward model", abstract="of a kind")
    after = before._replace(title="reward models", abstract="of another kind")
    assert set(SegmentEdit(SHAPE, [PaperChange(before, after)]).gaining_terms) == {b"wanother"}


def test_what_does_not_change_is_not_written(shape: SegmentLayout) -> None:
    paper = Paper(ArxivId(MONTH, 7), title="reward model", abstract="of a kind")
    month = applied(shape, {}, [PaperChange(None, paper)])
    edit = SegmentEdit(shape, [PaperChange(paper, paper)])
    assert edit.apply({name: month.get(name) for name in edit.field_names()}) == {}


def test_a_slot_keeps_a_paper_that_keeps_one_of_its_pairs() -> None:
    def slot(text: str) -> int:
        (pair,) = shingle_hashes(text.split())
        return OVER.slot_of(pair)

    kept = "word0 word1"
    lost = next(text for n in range(999) if slot(text := f"some{n} thing{n}") == slot(kept))
    before = Paper(ArxivId(MONTH, 1), title=lost, abstract=kept)
    after = before._replace(title="other")
    month = applied(OVER, {}, [PaperChange(None, before)])
    month = applied(OVER, month, [PaperChange(before, after)])
    assert decoded(month, OVER) == expected({1: after}, OVER)
    assert shingle_slot_key(slot(kept)) in decoded(month, OVER)
