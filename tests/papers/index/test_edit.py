from __future__ import annotations

import random
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyroaring import BitMap

from papers.index.bitmaps import serialize_bitmap
from papers.index.layout import SegmentLayout
from papers.index.postings import MAX_INLINE_PER_MONTH, MAX_INLINE_POSTING, shingle_field
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
MONTH_LAYOUT = SegmentLayout(size_bits=3, term_bucket_bits=2, shingle_bucket_bits=2)
YEAR_LAYOUT = MONTH_LAYOUT._replace(span_months=12)
ENDED_YEAR_LAYOUT = YEAR_LAYOUT._replace(slot_bits=5, slot_bucket_bits=4)
LAYOUTS = {"month": MONTH_LAYOUT, "year": YEAR_LAYOUT, "ended year": ENDED_YEAR_LAYOUT}
FIRST_MONTHS = {1: month_ordinal(MONTH), 12: month_ordinal(202501)}
"""Ordinals of the first months of segments, by their span."""

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
"""Versions of papers, oldest first, by paper number."""

SegmentFields = dict[bytes, bytes]


def numbered(number: int, paper: Paper) -> Paper:
    return paper._replace(id=ArxivId(MONTH, number))


@pytest.fixture(params=list(LAYOUTS.values()), ids=list(LAYOUTS), scope="module")
def layout(request: pytest.FixtureRequest) -> SegmentLayout:
    """A month, a year, and a year that has ended."""
    found: SegmentLayout = request.param
    return found


def decoded(fields: SegmentFields, layout: SegmentLayout) -> Postings:
    return fingerprint.decode_segment(fields, layout, FIRST_MONTHS[layout.span_months])


def applied(
    layout: SegmentLayout, fields: SegmentFields, changes: list[PaperChange]
) -> SegmentFields:
    """Return a segment's fields after an edit that is given the fields it names, and no others."""
    edit = SegmentEdit(layout, changes)
    after = edit.apply({name: fields.get(name) for name in edit.field_names()})
    return {name: value for name, value in (fields | after).items() if value is not None}


def expected(papers: Mapping[int, Paper], layout: SegmentLayout) -> Postings:
    """Return the postings from the papers themselves, with all shingles or all slots."""
    found: Postings = {}
    for number, paper in sorted(papers.items()):
        terms, shingles = expected_terms(paper)
        if layout.slot_bits:
            shingles = frozenset(shingle_slot_key(layout.slot_of(s)) for s in shingles)
        keys: list[bytes | int] = [*terms, *shingles]
        for key in keys:
            found.setdefault(key, []).append(ArxivId(MONTH, number).doc_id)
    return found


@given(histories, st.integers())
def test_postings_do_not_depend_on_batches(
    layout: SegmentLayout, history: dict[int, list[Paper]], seed: int
) -> None:
    chance = random.Random(seed)
    known: dict[int, Paper] = {}
    fields: SegmentFields = {}
    left = {n: [numbered(n, paper) for paper in versions] for n, versions in history.items()}
    while left:
        batch = chance.sample(sorted(left), chance.randint(1, len(left)))
        changes = [PaperChange(known.get(n), left[n][0]) for n in batch]
        fields = applied(layout, fields, changes)
        known |= {n: left[n].pop(0) for n in batch}
        left = {number: versions for number, versions in left.items() if versions}
        assert decoded(fields, layout) == expected(known, layout)
    rebuilt = SegmentEdit(layout, [PaperChange(None, paper) for paper in known.values()]).apply({})
    assert decoded({k: v for k, v in rebuilt.items() if v is not None}, layout) == decoded(
        fields, layout
    )


@given(histories)
def test_losing_all_terms_deletes_all_fields(
    layout: SegmentLayout, history: dict[int, list[Paper]]
) -> None:
    first = [numbered(n, versions[0]) for n, versions in history.items()]
    fields = applied(layout, {}, [PaperChange(None, paper) for paper in first])
    gone = [PaperChange(paper, paper._replace(title="")) for paper in first]
    assert applied(layout, fields, gone) == {}


@given(st.lists(described, max_size=4), st.lists(described, max_size=4))
def test_reused_vocabulary_changes_nothing(earlier: list[Paper], later: list[Paper]) -> None:
    vocabulary = Vocabulary()
    for papers in (earlier, later):
        changes = [PaperChange(None, numbered(n, paper)) for n, paper in enumerate(papers)]
        assert SegmentEdit(MONTH_LAYOUT, changes, vocabulary).apply({}) == SegmentEdit(
            MONTH_LAYOUT, changes
        ).apply({})


# (papers that have a word, how many of them lose it later)
PAPER_COUNTS = [
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
@pytest.mark.parametrize(("paper_count", "losing_count"), PAPER_COUNTS)
def test_posting_moves_to_its_own_field_and_back(
    layout: SegmentLayout, paper_count: int, losing_count: int, at_once: bool
) -> None:
    common = Paper(ArxivId(MONTH, 1), title="reward model", abstract="a b")
    rare = Paper(ArxivId(MONTH, 65_535), title="reward model", abstract="vision language")
    papers = {n: numbered(n, common) for n in range(1, paper_count + 1)} | {65_535: rare}
    changes = [PaperChange(None, paper) for paper in papers.values()]
    fields: SegmentFields = {}
    for batch in [changes] if at_once else [changes[:200], changes[200:]]:
        fields = applied(layout, fields, batch)
    assert decoded(fields, layout) == expected(papers, layout)
    gone = [
        PaperChange(papers[n], papers[n]._replace(title="")) for n in range(1, losing_count + 1)
    ]
    fields = applied(layout, fields, gone)
    assert decoded(fields, layout) == expected(
        {n: p for n, p in papers.items() if n > losing_count}, layout
    )


def test_gaining_terms_are_those_with_new_papers() -> None:
    before = Paper(ArxivId(MONTH, 7), title="reward model", abstract="of a kind")
    after = before._replace(title="reward models", abstract="of another kind")
    assert set(SegmentEdit(MONTH_LAYOUT, [PaperChange(before, after)]).gaining_terms) == {
        b"wanother"
    }


def test_unchanged_fields_are_not_written(layout: SegmentLayout) -> None:
    paper = Paper(ArxivId(MONTH, 7), title="reward model", abstract="of a kind")
    fields = applied(layout, {}, [PaperChange(None, paper)])
    edit = SegmentEdit(layout, [PaperChange(paper, paper)])
    assert edit.apply({name: fields.get(name) for name in edit.field_names()}) == {}


def test_slot_keeps_a_paper_that_keeps_one_of_its_shingles() -> None:
    def slot(text: str) -> int:
        (shingle,) = shingle_hashes(text.split())
        return ENDED_YEAR_LAYOUT.slot_of(shingle)

    kept = "word0 word1"
    lost = next(text for n in range(999) if slot(text := f"some{n} thing{n}") == slot(kept))
    before = Paper(ArxivId(MONTH, 1), title=lost, abstract=kept)
    after = before._replace(title="other")
    fields = applied(ENDED_YEAR_LAYOUT, {}, [PaperChange(None, before)])
    fields = applied(ENDED_YEAR_LAYOUT, fields, [PaperChange(before, after)])
    assert decoded(fields, ENDED_YEAR_LAYOUT) == expected({1: after}, ENDED_YEAR_LAYOUT)
    assert shingle_slot_key(slot(kept)) in decoded(fields, ENDED_YEAR_LAYOUT)


def test_slot_drops_a_paper_whose_remaining_shingle_has_a_posting() -> None:
    """The posting of a shingle that does not change is read, so it does not count for the slot."""
    (frequent,) = shingle_hashes(["word0", "word1"])
    slot = ENDED_YEAR_LAYOUT.slot_of(frequent)
    rare = next(
        f"some{n} thing{n}"
        for n in range(999)
        for shingle in shingle_hashes([f"some{n}", f"thing{n}"])
        if ENDED_YEAR_LAYOUT.slot_of(shingle) == slot
    )
    before = Paper(ArxivId(MONTH, 1), title=rare)
    fields = applied(ENDED_YEAR_LAYOUT, {}, [PaperChange(None, before)])
    assert shingle_slot_key(slot) in decoded(fields, ENDED_YEAR_LAYOUT)
    doc_ids = [ArxivId(MONTH, number).doc_id for number in range(1, MAX_INLINE_PER_MONTH + 2)]
    fields[shingle_field(frequent)] = serialize_bitmap(BitMap(doc_ids))
    changes = [
        PaperChange(
            before._replace(abstract="word0 word1"),
            before._replace(title="other", abstract="word0 word1"),
        )
    ]
    after = decoded(applied(ENDED_YEAR_LAYOUT, fields, changes), ENDED_YEAR_LAYOUT)
    assert shingle_slot_key(slot) not in after
    assert after[frequent] == doc_ids
