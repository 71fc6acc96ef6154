"""Which postings a query needs, how a plan is refined, and what it evaluates to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyroaring import BitMap

from papers.index.postings import doc_ids_of_months
from papers.index.probe_terms import long_terms, probe_terms, rare_terms, slot_probe_terms
from papers.index.terms import text_shingles
from papers.model.arxiv_id import month_ordinal
from papers.query.ast import Field, Text
from papers.query.parser import Query, parse_query
from papers.search.evaluate import PostingKey, shingle_slot_key
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

    def estimated_papers(self) -> int:
        return PAPERS * len(self.months)


def plan_of(keyword: str) -> QueryPlan:
    return QueryPlan.of(parse_query(keyword).tree)


def keys_of(plan: QueryPlan, month: int = MONTH) -> set[PostingKey]:
    """The postings that a plan wants of a month."""
    wanted = plan.required_postings(MONTHS)
    return {key for months, posting_keys in wanted if month in months for key in posting_keys}


# -- Refining


WORTHWHILE_TERMS = [
    ('"reward model"', 20, {b"wreward"}),
    ('"reward model"', 1, set()),
    ('"live academic"', 20, {b"wlive", b"wacademic"}),
    ('"deep reward model"', 20, set()),
    ('"deep reward model"', 600, {b"wreward", b"wdeep"}),
    ('"mixture of experts"', 20, {b"wmixture", b"wexpert"}),
    ('"zebrafish academic"', 20, set()),
]


@pytest.mark.parametrize(("keyword", "slot_size", "chosen"), WORTHWHILE_TERMS)
def test_probe_terms_are_words_cheaper_to_read_than_the_texts_they_rule_out(
    keyword: str, slot_size: int, chosen: set[bytes]
) -> None:
    """Two slots hardly ever meet by chance; a rare word is read anyway; long postings never are."""
    plan = plan_of(keyword).without_absent_spellings(absent_joined(keyword))
    (phrase,) = plan.phrases
    shingles = set(text_shingles(phrase))
    assert keys_of(plan) == shingles | {*rare_terms(phrase)}
    slots: dict[PostingKey, Iterable[int]] = {
        shingle_slot_key(shingle): range(slot_size) for shingle in shingles
    }
    final = plan.refine(FakePostings({MONTH: slots, MONTHS[1]: {}, MONTHS[2]: {}}))
    assert (final is not None) == bool(chosen)
    if final:
        assert keys_of(final) == keys_of(plan) | chosen
        assert keys_of(final, MONTHS[1]) == keys_of(plan)
        assert final.refine(FakePostings({MONTH: slots})) is None
        later = final.for_next_batch(is_rare=False)
        assert keys_of(later, MONTHS[1]) == keys_of(plan) | chosen


@pytest.mark.parametrize(
    ("keyword", "by_chance", "chosen"),
    [
        ('"leveraging the technique"', 900.0, {b"wtechnique"}),
        ('"leveraging the technique"', 9.0, set()),
        ('ti:"leveraging the technique"', 900.0, set()),
    ],
)
def test_long_postings_are_read_that_rule_out_more_texts_than_they_cost(
    keyword: str, by_chance: float, chosen: set[bytes]
) -> None:
    (phrase, *_) = plan_of(keyword).phrases
    short = [term for term in probe_terms(phrase) if term != b"wthe"]
    papers = 2_400_000
    assert {*long_terms(phrase, short, by_chance, papers)} == chosen
    assert {*slot_probe_terms(phrase)} >= chosen


def test_no_more_long_postings_are_read_than_pay() -> None:
    """The second word is worth reading by itself, but not beside the first."""
    (phrase, *_) = plan_of('"technique for method"').phrases
    both = {*long_terms(phrase, [b"wfor"], 900.0, 2_400_000)}
    assert both == {b"wtechnique", b"wmethod"}
    assert {*long_terms(phrase, [b"wfor"], 90.0, 2_400_000)} == {b"wtechnique"}
    assert {*long_terms(phrase, [b"wfor", b"wtechnique"], 900.0, 2_400_000)} == {b"wmethod"}


def test_words_of_a_phrase_with_several_shingles_are_not_read() -> None:
    keyword = '"zebrafish academic reward"'
    plan = plan_of(keyword).without_absent_spellings(absent_joined(keyword))
    assert keys_of(plan) == set(text_shingles(plan.phrases[0]))


def absent_joined(keyword: str) -> dict[bytes, None]:
    """Return the joined words of a phrase, as words that no month has."""
    words = keyword.strip('"').split()
    return {f"w{one}{other}".encode(): None for one, other in pairwise(words)}


def test_words_of_a_phrase_that_proved_rare_are_read_with_its_slots() -> None:
    plan = plan_of('"of academics live" "deep reward model"')
    lone, other = sorted(plan.phrases, key=lambda phrase: len(text_shingles(phrase)))[:2]
    assert plan.for_next_batch(is_rare=False) is plan
    later = plan.for_next_batch(is_rare=True)
    assert lone in later.probe_terms
    assert keys_of(later) > keys_of(plan)
    assert all(len(text_shingles(phrase)) == 1 for phrase in later.probe_terms), other


def test_all_words_are_probed_for_a_count() -> None:
    plan = plan_of('"deep reward model"').to_count()
    slots: dict[PostingKey, Iterable[int]] = {
        shingle_slot_key(shingle): {1}
        for phrase in plan.phrases
        for shingle in text_shingles(phrase)
    }
    final = plan.refine(FakePostings({MONTH: slots}))
    assert final
    assert keys_of(final) >= {b"wdeep", b"wreward", b"wmodel"}


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


def test_joined_spellings_of_longer_phrases_are_read_ahead_only_if_they_occur() -> None:
    plan = plan_of('"deep reward model" OR "reward model"')
    ahead = plan.to_prefetch({})
    assert [str(phrase) for phrase in ahead.phrases] == ['="deep reward model"', '="reward model"']
    assert "=rewardmodel" in map(str, ahead.leaves)
    known = dict.fromkeys([b"wdeepreward", b"wmodel"], b"*")
    assert '="deepreward model"' in map(str, plan.to_prefetch(known).phrases)
    everything = dict.fromkeys(plan.dictionary_terms, b"*")
    assert plan.to_prefetch(everything) is plan


@given(
    query=queries(),
    newly_ambiguous=st.lists(st.sets(st.sampled_from(MONTHS)), max_size=5),
    for_count=st.booleans(),
    slot_size=st.sampled_from([1, 400]),
)
def test_refining_ends_and_only_adds_postings(
    query: Query, newly_ambiguous: list[Set[int]], for_count: bool, slot_size: int
) -> None:
    """Even if months are compacted between the reads, and so become ambiguous."""
    plan = QueryPlan.of(query.tree)
    plan = plan.with_expansions({text.words[0]: ["word"] for text in plan.prefixes})
    plan = plan.to_count() if for_count else plan
    shingles = {shingle for phrase in plan.phrases for shingle in text_shingles(phrase)}
    slots: dict[PostingKey, Iterable[int]] = {
        shingle_slot_key(shingle): range(slot_size) for shingle in shingles
    }
    bare, ambiguous = {month: keys_of(plan, month) for month in MONTHS}, set[int]()
    for _ in range(2 * len(MONTHS) + 3):
        ambiguous |= newly_ambiguous.pop() if newly_ambiguous else set()
        assert all(keys_of(plan, month) >= bare[month] for month in MONTHS)
        wanted = [month for months, _ in plan.required_postings(MONTHS) for month in months]
        assert sorted(wanted, reverse=True) == list(MONTHS) or not any(bare.values())
        read = FakePostings({month: slots if month in ambiguous else {} for month in MONTHS})
        refined = plan.refine(read)
        if refined is None:
            break
        assert refined.probed_months[: len(plan.probed_months)] == plan.probed_months
        plan = refined
    else:
        pytest.fail("the plan is never final")
    if for_count:
        assert set(plan.probed_months) == (ambiguous if plan.phrases else set())


def test_phrase_of_stop_words_has_no_probe_terms() -> None:
    plan = plan_of('"of the"')
    assert plan.phrases == []
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
    final = plan.to_count().refine(read)
    assert (final.probed_months if final else ()) == ((MONTH,) if is_ambiguous else ())
    final = final or plan
    first = month_ordinal(MONTH) << 16
    found = final.evaluate(read)
    assert [{doc_id - first for doc_id in bitmap} for bitmap in found] == [exact, possible]
    assert found.possible <= doc_ids_of_months([MONTH])
