from __future__ import annotations

import random
from collections.abc import Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from papers.index import Change, Edit
from papers.postings import LARGEST_SMALL, Shape
from papers.terms import NO_TERMS, Terms
from tests.papers.fingerprint import Postings, decoded

SHAPE = Shape(bucket_bits=2, slot_bits=7)
WORDS = [f"w{letter}".encode() for letter in "abcdefgh"]
PAIRS = [n << 24 for n in range(256)]

terms = st.builds(
    Terms,
    st.frozensets(st.sampled_from(WORDS), max_size=5),
    st.frozensets(st.sampled_from(PAIRS), max_size=5),
)
histories = st.dictionaries(
    st.integers(1, 65_535), st.lists(terms, min_size=1, max_size=3), min_size=1, max_size=12
)
"""Papers by number, and what each was found by from its first version to its last."""

Month = dict[bytes, bytes]


def applied(month: Month, changes: list[Change]) -> Month:
    """A month's fields after an edit of the fields it asked for and no others."""
    edit = Edit(SHAPE, changes)
    after = edit.apply({name: month.get(name) for name in edit.fields()})
    return {name: value for name, value in (month | after).items() if value is not None}


def expected(papers: Mapping[int, Terms]) -> Postings:
    """The same from the papers themselves."""
    found: Postings = {}
    for number, paper in sorted(papers.items()):
        keys: list[bytes | int] = [*paper.terms, *SHAPE.slots(paper.pairs)]
        for key in keys:
            found.setdefault(key, []).append(number)
    return found


@given(histories, st.integers())
def test_any_batches_give_the_postings_of_a_clean_build(
    history: dict[int, list[Terms]], seed: int
) -> None:
    chance = random.Random(seed)
    known: dict[int, Terms] = {}
    month: Month = {}
    left = {number: list(versions) for number, versions in history.items()}
    while left:
        batch = chance.sample(sorted(left), chance.randint(1, len(left)))
        changes = [Change(n, known.get(n, NO_TERMS), left[n][0]) for n in batch]
        month = applied(month, changes)
        known |= {n: left[n].pop(0) for n in batch}
        left = {number: versions for number, versions in left.items() if versions}
        assert decoded(month) == expected(known)
    clean = Edit(SHAPE, [Change(n, NO_TERMS, found) for n, found in known.items()]).apply({})
    assert decoded({k: v for k, v in clean.items() if v is not None}) == decoded(month)


@given(histories)
def test_a_paper_that_loses_all_leaves_nothing(history: dict[int, list[Terms]]) -> None:
    first = {number: versions[0] for number, versions in history.items()}
    month = applied({}, [Change(n, NO_TERMS, found) for n, found in first.items()])
    assert applied(month, [Change(n, found, NO_TERMS) for n, found in first.items()]) == {}


# How many papers have a word at first, how many of them lose it then.
CROWDS = [
    (LARGEST_SMALL, 0),
    (LARGEST_SMALL, 1),
    (LARGEST_SMALL + 1, 0),
    (LARGEST_SMALL + 1, 1),
    (LARGEST_SMALL + 1, LARGEST_SMALL + 1),
    (6_000, 2_000),
]


@settings(max_examples=10)
@given(at_once=st.booleans())
@pytest.mark.parametrize(("crowd", "leaving"), CROWDS)
def test_a_posting_may_outgrow_its_bucket_and_come_back(
    crowd: int, leaving: int, at_once: bool
) -> None:
    common = Terms(frozenset(WORDS[:1]), frozenset(PAIRS[:1]))
    rare = Terms(frozenset(WORDS), frozenset(PAIRS[:2]))
    papers = dict.fromkeys(range(1, crowd + 1), common) | {65_535: rare}
    changes = [Change(n, NO_TERMS, found) for n, found in papers.items()]
    month: Month = {}
    for batch in [changes] if at_once else [changes[:200], changes[200:]]:
        month = applied(month, batch)
    assert decoded(month) == expected(papers)
    month = applied(month, [Change(n, common, NO_TERMS) for n in range(1, leaving + 1)])
    assert decoded(month) == expected({n: p for n, p in papers.items() if n > leaving})


def test_an_edit_tells_what_gains_papers() -> None:
    edit = Edit(
        SHAPE,
        [
            Change(
                7,
                Terms(frozenset(WORDS[:2]), frozenset()),
                Terms(frozenset(WORDS[1:3]), frozenset()),
            )
        ],
    )
    assert set(edit.gaining) == {WORDS[2]}


def test_what_does_not_change_is_not_written() -> None:
    paper = Terms(frozenset(WORDS[:2]), frozenset(PAIRS[:2]))
    month = applied({}, [Change(7, NO_TERMS, paper)])
    edit = Edit(SHAPE, [Change(7, paper, paper)])
    assert edit.apply({name: month.get(name) for name in edit.fields()}) == {}
