"""Which postings a query needs, how a plan is refined, and what it evaluates to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyroaring import BitMap

from papers.index.postings import doc_ids_of_months
from papers.index.terms import text_shingles, text_terms
from papers.model.arxiv_id import month_ordinal
from papers.query.ast import Field, Text
from papers.query.parser import Query, parse_query
from papers.search.evaluate import PostingKey, ProbeTerms, shingle_slot_key
from papers.search.plan import QueryPlan
from tests.papers.query_strategies import queries

MONTH = 202503
MONTHS = (202503, 202502, 202501)
PAPERS = 10_000


class FakePostings:
    """Postings by month, as the numbers of papers within the month; other postings are empty."""

    def __init__(self, postings: Mapping[int, Mapping[PostingKey, Iterable[int]]]) -> None:
        self.months: Sequence[int] = [*postings]
        self._postings = postings

    def bitmap_of(self, key: PostingKey, months: Iterable[int] | None = None) -> BitMap:
        return BitMap(
            (month_ordinal(month) << 16) + number
            for month in (self.months if months is None else months)
            for number in self._postings[month].get(key, ())
        )

    def bitmap_among(self, key: PostingKey, doc_ids: BitMap) -> BitMap:
        return self.bitmap_of(key) & doc_ids

    def estimated_papers(self, month: int) -> int:
        assert month in self.months
        return PAPERS


def plan_of(keyword: str) -> QueryPlan:
    return QueryPlan.of(parse_query(keyword).tree)


def keys_of(plan: QueryPlan, month: int = MONTH) -> set[PostingKey]:
    """The postings that a plan wants of a month."""
    wanted = plan.required_postings(MONTHS)
    return {key for months, posting_keys in wanted if month in months for key in posting_keys}


# -- Refining


WORTHWHILE_TERMS: list[tuple[str, dict[PostingKey, int], set[bytes]]] = [
    ('"reward model"', {b"wreward": 200, b"wmodel": 4_000}, {b"wreward"}),
    ('"reward model"', {b"wreward": 0, b"wmodel": 0}, {b"wreward"}),
    ('"new model"', {b"wnew": 4_000, b"wmodel": 5_000}, {b"wnew", b"wmodel"}),
    ('"deep reward model"', {b"wdeep": 900, b"wreward": 200, b"wmodel": 4_000}, {b"wreward"}),
    ('"mixture of experts"', {b"wmixture": 90, b"wof": 9_900, b"wexpert": 300}, {b"wmixture"}),
]


@pytest.mark.parametrize(("keyword", "sizes", "chosen"), WORTHWHILE_TERMS)
def test_probe_terms_are_words_cheaper_to_read_than_the_texts_they_rule_out(
    keyword: str, sizes: Mapping[PostingKey, int], chosen: set[bytes]
) -> None:
    plan = plan_of(keyword).without_absent_spellings(
        {term: None for term in plan_of(keyword).dictionary_terms if term not in sizes}
    )
    (phrase,) = plan.phrases
    shingles = set(text_shingles(phrase))
    assert keys_of(plan) == shingles
    sizes = {**sizes, **{shingle_slot_key(shingle): 20 for shingle in shingles}}
    postings = {key: range(size) for key, size in sizes.items()}
    read = FakePostings({MONTH: postings, MONTHS[1]: {}, MONTHS[2]: {}})
    survey = plan.refine(read, {})
    assert survey
    assert survey.is_survey
    assert keys_of(survey) == shingles | set(text_terms(phrase))
    final = survey.refine(read, {})
    assert final
    assert keys_of(final) == shingles | chosen
    assert keys_of(final, MONTHS[1]) == shingles
    assert final.refine(read, {}) is None
    assert keys_of(final.for_next_batch(), MONTHS[1]) == shingles | chosen


def test_spellings_that_nobody_uses_are_not_read() -> None:
    plan, words = plan_of('"deep reward model" OR gpt4'), plan_of("deep reward model").base_keys
    assert set(words) < {*plan.dictionary_terms}
    assert len(plan.phrases) == 4
    known = {
        term: b"*" if term in {*words, b"wgpt4", b"wgpt"} else None
        for term in plan.dictionary_terms
    }
    assert [str(phrase) for phrase in plan.without_absent_spellings(known).phrases] == [
        '="deep reward model"'
    ]
    assert plan.without_absent_spellings({}) is plan


def test_known_probe_terms_need_no_survey() -> None:
    plan = plan_of('"reward model"')
    (phrase,) = plan.phrases
    known: ProbeTerms = {phrase: (b"wreward",)}
    slots: dict[PostingKey, set[int]] = {
        shingle_slot_key(shingle): {1} for shingle in text_shingles(phrase)
    }
    final = plan.refine(FakePostings({month: slots for month in MONTHS}), known)
    assert final
    assert (final.is_survey, final.probe_terms, final.probed_months) == (False, known, MONTHS)


def test_probe_terms_are_chosen_by_the_first_ambiguous_month() -> None:
    plan = plan_of('"reward model"')
    (phrase,) = plan.phrases
    slots: dict[PostingKey, Iterable[int]] = {
        shingle_slot_key(shingle): {1} for shingle in text_shingles(phrase)
    }
    first = slots | {b"wreward": range(9), b"wmodel": range(5)}
    second = slots | {b"wreward": range(5), b"wmodel": range(900)}
    read = FakePostings({MONTHS[0]: {}, MONTHS[1]: first, MONTHS[2]: second})
    survey = plan.refine(read, {})
    assert survey
    assert survey.probed_months == MONTHS[1:]
    final = survey.refine(read, {})
    assert final
    assert final.probe_terms == {phrase: (b"wmodel",)}


@given(
    query=queries(),
    newly_ambiguous=st.lists(st.sets(st.sampled_from(MONTHS)), max_size=5),
    is_known=st.booleans(),
)
def test_refining_ends_and_only_adds_postings(
    query: Query, newly_ambiguous: list[Set[int]], is_known: bool
) -> None:
    """Even if months are compacted between the reads, and so become ambiguous."""
    plan = QueryPlan.of(query.tree)
    plan = plan.with_expansions({text.words[0]: ["word"] for text in plan.prefixes})
    known = plan.all_words if is_known else {}
    shingles = {shingle for phrase in plan.phrases for shingle in text_shingles(phrase)}
    slots: dict[PostingKey, set[int]] = {shingle_slot_key(shingle): {1} for shingle in shingles}
    bare, ambiguous = {month: keys_of(plan, month) for month in MONTHS}, set[int]()
    for _ in range(2 * len(MONTHS) + 3):
        ambiguous |= newly_ambiguous.pop() if newly_ambiguous else set()
        assert all(keys_of(plan, month) >= bare[month] for month in MONTHS)
        wanted = [month for months, _ in plan.required_postings(MONTHS) for month in months]
        assert sorted(wanted, reverse=True) == list(MONTHS) or not any(bare.values())
        read = FakePostings({month: slots if month in ambiguous else {} for month in MONTHS})
        refined = plan.refine(read, known)
        if refined is None:
            break
        assert refined.probed_months[: len(plan.probed_months)] == plan.probed_months
        plan = refined
    else:
        pytest.fail("the plan is never final")
    assert not plan.is_survey
    assert set(plan.probed_months) == (ambiguous if plan.phrases else set())


def test_phrase_of_stop_words_has_no_probe_terms() -> None:
    plan = plan_of('"of the"')
    assert plan.phrases == []
    assert plan.all_words == {}
    assert keys_of(plan) == {b"wof", b"wthe"}


# -- Evaluation of phrases


A, B, C = "reward", "model", "deep"
AB, CA = text_shingles(Text(Field.ANY, (A, B))) + text_shingles(Text(Field.ANY, (C, A)))

PHRASES: list[tuple[str, dict[PostingKey, set[int]], set[int], set[int]]] = [
    (f'"{A} {B}"', {AB: {1, 2}}, {1, 2}, {1, 2}),
    (f'"{A} {B}"', {shingle_slot_key(AB): {1, 2, 3}}, set(), {2, 3}),
    (f'ti:"{A} {B}"', {AB: {1, 2}}, set(), {1, 2}),
    (f'"{C} {A} {B}"', {AB: {1, 2}, CA: {2, 3}}, set(), {2}),
    (f'"{C} {A} {B}"', {AB: {1, 2, 3}, shingle_slot_key(CA): {2, 3, 4}}, set(), {2, 3}),
    (
        f'"{C} {A} {B}"',
        {shingle_slot_key(AB): {2, 3, 9}, shingle_slot_key(CA): {2, 9}},
        set(),
        {2},
    ),
]


@pytest.mark.parametrize(("keyword", "postings", "exact", "possible"), PHRASES)
def test_phrase_is_exact_if_its_only_shingle_has_a_posting(
    keyword: str, postings: Mapping[PostingKey, set[int]], exact: set[int], possible: set[int]
) -> None:
    """Of a slot's papers only those with the phrase's words are candidates."""
    words: Mapping[PostingKey, set[int]] = {f"w{word}".encode(): {2, 3, 4} for word in (A, B, C)}
    plan, read = plan_of(keyword), FakePostings({MONTH: {**postings, **words}})
    is_ambiguous = any(key < 0 for key in postings if isinstance(key, int))
    assert plan.ambiguous_months(read) == ((MONTH,) if is_ambiguous else ())
    final = plan.refine(read, plan.all_words) or plan
    first = month_ordinal(MONTH) << 16
    found = final.evaluate(read)
    assert [{doc_id - first for doc_id in bitmap} for bitmap in found] == [exact, possible]
    assert found.possible <= doc_ids_of_months([MONTH])
