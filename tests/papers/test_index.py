from __future__ import annotations

import random
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from papers.arxiv_id import ArxivId
from papers.columns import Vocabulary
from papers.index import Change, Edit
from papers.merge import lift
from papers.paper import Paper
from papers.postings import LARGEST_SMALL, Shape
from tests.papers.fingerprint import Postings, decoded
from tests.papers.found_by import terms_of
from tests.papers.papers_strategies import sightings, texts

SHAPE = Shape(bucket_bits=2, slot_bits=9, filter_bits=13, slot_bucket_bits=2)
MONTH = 202503

described = st.builds(
    lambda sighting, title, abstract: lift(sighting)._replace(title=title, abstract=abstract),
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


def applied(month: Month, changes: list[Change]) -> Month:
    """A month's fields after an edit of the fields it asked for and no others."""
    edit = Edit(SHAPE, changes)
    after = edit.apply({name: month.get(name) for name in edit.fields()})
    return {name: value for name, value in (month | after).items() if value is not None}


def expected(papers: Mapping[int, Paper]) -> Postings:
    """The same from the papers themselves."""
    found: Postings = {}
    for number, paper in sorted(papers.items()):
        terms = terms_of(paper)
        keys: list[bytes | int] = [*terms.terms, *{SHAPE.slot(pair) for pair in terms.pairs}]
        for key in keys:
            found.setdefault(key, []).append(number)
    return found


@given(histories, st.integers())
def test_any_batches_give_the_postings_of_a_clean_build(
    history: dict[int, list[Paper]], seed: int
) -> None:
    chance = random.Random(seed)
    known: dict[int, Paper] = {}
    month: Month = {}
    left = {n: [numbered(n, paper) for paper in versions] for n, versions in history.items()}
    while left:
        batch = chance.sample(sorted(left), chance.randint(1, len(left)))
        changes = [Change(known.get(n), left[n][0]) for n in batch]
        month = applied(month, changes)
        known |= {n: left[n].pop(0) for n in batch}
        left = {number: versions for number, versions in left.items() if versions}
        assert decoded(month, SHAPE) == expected(known)
    clean = Edit(SHAPE, [Change(None, paper) for paper in known.values()]).apply({})
    assert decoded({k: v for k, v in clean.items() if v is not None}, SHAPE) == decoded(
        month, SHAPE
    )


@given(histories)
def test_a_paper_that_loses_all_leaves_nothing(history: dict[int, list[Paper]]) -> None:
    first = [numbered(n, versions[0]) for n, versions in history.items()]
    month = applied({}, [Change(None, paper) for paper in first])
    gone = [Change(paper, paper._replace(title="")) for paper in first]
    assert applied(month, gone) == {}


@given(st.lists(described, max_size=4), st.lists(described, max_size=4))
def test_what_earlier_edits_have_met_changes_nothing(
    earlier: list[Paper], later: list[Paper]
) -> None:
    vocabulary = Vocabulary()
    for papers in (earlier, later):
        changes = [Change(None, numbered(n, paper)) for n, paper in enumerate(papers)]
        assert Edit(SHAPE, changes, vocabulary).apply({}) == Edit(SHAPE, changes).apply({})


# How many papers have a word at first, how many of them lose it then.
CROWDS = [
    (LARGEST_SMALL, 0),
    (LARGEST_SMALL, 1),
    (LARGEST_SMALL + 1, 0),
    (LARGEST_SMALL + 1, 1),
    (LARGEST_SMALL + 1, LARGEST_SMALL + 1),
    (6_000, 2_000),
]


@pytest.mark.parametrize("at_once", [True, False])
@pytest.mark.parametrize(("crowd", "leaving"), CROWDS)
def test_a_posting_may_outgrow_its_bucket_and_come_back(
    crowd: int, leaving: int, at_once: bool
) -> None:
    common = Paper(ArxivId(MONTH, 1), title="reward model", abstract="a b")
    rare = Paper(ArxivId(MONTH, 65_535), title="reward model", abstract="vision language")
    papers = {n: numbered(n, common) for n in range(1, crowd + 1)} | {65_535: rare}
    changes = [Change(None, paper) for paper in papers.values()]
    month: Month = {}
    for batch in [changes] if at_once else [changes[:200], changes[200:]]:
        month = applied(month, batch)
    assert decoded(month, SHAPE) == expected(papers)
    gone = [Change(papers[n], papers[n]._replace(title="")) for n in range(1, leaving + 1)]
    month = applied(month, gone)
    assert decoded(month, SHAPE) == expected({n: p for n, p in papers.items() if n > leaving})


def test_an_edit_tells_what_gains_papers() -> None:
    before = Paper(ArxivId(MONTH, 7), title="reward model", abstract="of a kind")
    after = before._replace(title="reward models", abstract="of another kind")
    assert set(Edit(SHAPE, [Change(before, after)]).gaining) == {b"wanother"}


def test_what_does_not_change_is_not_written() -> None:
    paper = Paper(ArxivId(MONTH, 7), title="reward model", abstract="of a kind")
    month = applied({}, [Change(None, paper)])
    edit = Edit(SHAPE, [Change(paper, paper)])
    assert edit.apply({name: month.get(name) for name in edit.fields()}) == {}
