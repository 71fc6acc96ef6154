"""Suggestions: what is offered for a keyword, what it adds, and what it costs."""

from __future__ import annotations

from typing import Any
from unittest import mock

import pytest
from hypothesis import given
from hypothesis import strategies as st
from redis import Redis

from papers.errors import BadQuery
from papers.query.parser import parse_query
from papers.query.request import SearchRequest
from papers.redis_backend import keys
from papers.search.counts import MatchCounter
from papers.store import Store
from papers.suggestions import abbreviation_store
from papers.suggestions.abbreviation_store import AbbreviationStore
from papers.suggestions.abbreviations import Alternative, term_key
from papers.suggestions.suggest import (
    MAX_SUGGESTIONS,
    Suggestion,
    count_suggestions,
    find_candidates,
)
from papers.suggestions.term_spans import term_spans
from tests.papers.query_strategies import queries
from tests.papers.suggestions.announcements import NOW, sighting

DEFINITION = "We study reinforcement learning (RL)."
TERMS = {
    term_key(short): (Alternative(long, 9),)
    for short, long in (
        ("RL", "reinforcement learning"),
        ("reinforcement learning", "RL"),
        ("deep reinforcement learning", "DRL"),
        ("learning", "L"),
        ("OR", "operations research"),
        ("operations research", "OR"),
    )
}

# (keyword, keyword with the first candidate added)
ADDED = [
    ("rl", 'rl OR "reinforcement learning"'),
    ('"reinforcement learning"', '"reinforcement learning" OR RL'),
    ("reinforcement learning", "reinforcement learning OR RL"),
    ("reinforcement-learning", "reinforcement-learning OR RL"),
    ("deep reinforcement learning", "deep reinforcement learning OR DRL"),
    ("safe reinforcement learning", "safe (reinforcement learning OR RL)"),
    ("rl robots", '(rl OR "reinforcement learning") robots'),
    ("rl OR robots", '(rl OR "reinforcement learning") OR robots'),
    ("ti:rl", 'ti:rl OR ti:"reinforcement learning"'),
    ("title:rl x", '(title:rl OR title:"reinforcement learning") x'),
    ("ti:(rl x)", 'ti:((rl OR "reinforcement learning") x)'),
    ("rl -robots", '(rl OR "reinforcement learning") -robots'),
    ('"operations research"', '"operations research" OR "OR"'),
    ("rl or robots", '(rl OR "reinforcement learning") OR robots'),
    ("optimisation", "optimisation OR optimization"),
    ("dataset", 'dataset OR "data set"'),
    ('"behaviour cloning"', '"behaviour cloning" OR "behavior cloning"'),
]
NOTHING_ADDED = [
    'rl OR "reinforcement learning"',
    "robots",
    "robots -rl",
    "robots NOT (rl x)",
    "au:rl",
    'au:"rl x"',
    "au:(rl x)",
    "cat:cs.CL",
    "rlx*",
    "2503.14895",
    "comment:rl",
]


@pytest.fixture
def terms(redis: Redis) -> AbbreviationStore:
    store = AbbreviationStore(redis)
    store.replace(TERMS)
    return store


@pytest.mark.parametrize(("typed", "added"), ADDED)
def test_term_is_added_where_it_stands(terms: AbbreviationStore, typed: str, added: str) -> None:
    first = find_candidates(terms, parse_query(typed))[0]
    assert first.query.display_text == added
    assert not find_candidates(terms, first.query) or first.kind != "spelling"


@pytest.mark.parametrize("typed", NOTHING_ADDED)
def test_nothing_is_added_to_what_has_it_or_does_not_mean_it(
    terms: AbbreviationStore, typed: str
) -> None:
    found = find_candidates(terms, parse_query(typed))
    assert [candidate for candidate in found if candidate.kind != "author"] == []


@given(query=queries())
def test_candidates_of_any_keyword_are_other_keywords(query: Any) -> None:
    query = parse_query(query.canonical)
    store = mock.Mock()
    store.get = lambda keys: {key: (Alternative("other term", 9),) for key in keys}
    found = find_candidates(store, query)
    assert len(found) <= MAX_SUGGESTIONS
    assert all(candidate.query != query for candidate in found)


@given(text=st.text(alphabet='ab "()-:*ORti', max_size=60))
def test_spans_stand_where_they_say(text: str) -> None:
    try:
        text = parse_query(text).display_text
    except BadQuery:
        return
    for span in term_spans(text):
        assert span.written in text[span.start : span.end]
        assert span.with_alternative(text, "zebra").count("zebra") == 1


def test_only_what_adds_papers_is_shown_and_costs_one_count(redis: Redis) -> None:
    store, terms = Store(redis), AbbreviationStore(redis)
    store.ingest([sighting(n, title="Reinforcement learning") for n in range(1, 4)], now=NOW)
    store.ingest([sighting(9, title="RL and optimisation")], now=NOW)
    terms.replace(TERMS | {term_key("RL"): (*TERMS["rl"], Alternative("robot lawn", 3))})
    (found,) = suggestions(redis, "rl")
    assert found.term == "reinforcement learning"
    assert found.added_papers == 3
    counter = mock.Mock(wraps=MatchCounter(store.reader))
    candidates = find_candidates(terms, query := parse_query("rl optimisation dataset"))
    count_suggestions(candidates, counter, lambda q: q.tree, counter.count(query.tree))
    assert counter.count.call_count <= 1 + MAX_SUGGESTIONS


def test_likeliest_term_is_first_even_if_another_adds_more(redis: Redis) -> None:
    titles = ["TTS", "Text-to-speech", "Test-time scaling", "Test-time scaling again"]
    found = [sighting(n, title=title) for n, title in enumerate(titles, 1)]
    Store(redis).ingest(found, now=NOW)
    others = (Alternative("text-to-speech", 9), Alternative("test-time scaling", 3))
    AbbreviationStore(redis).replace({term_key("TTS"): others})
    assert [(each.term, each.added_papers) for each in suggestions(redis, "tts")] == [
        ("text-to-speech", 1),
        ("test-time scaling", 2),
    ]


def test_empty_store_has_no_suggestions(redis: Redis) -> None:
    assert suggestions(redis, "optimisation") == []


def test_replacing_forgets_what_was_there(redis: Redis) -> None:
    store = AbbreviationStore(redis)
    store.replace(TERMS)
    store.replace({"gnn": (Alternative("graph neural network", 2),)})
    assert redis.hkeys(keys.ABBREVIATIONS) == [b"gnn"]
    store.replace({})
    assert not redis.exists(keys.ABBREVIATIONS)


def test_sample_has_the_newest_papers_and_some_of_earlier_months(
    redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(abbreviation_store, "NEWEST_PAPERS", 15)
    monkeypatch.setattr(abbreviation_store, "PAPERS_PER_MONTH", 3)
    monkeypatch.setattr(abbreviation_store, "SAMPLED_MONTHS", 2)
    months = (202607, 202608, 202609, 202610, 202611)
    Store(redis).ingest([sighting(n, month) for month in months for n in range(1, 11)], now=NOW)
    found = [str(paper.id) for paper in AbbreviationStore(redis).sample_papers()]
    assert found == [
        *(f"2611.{n:05}" for n in range(10, 0, -1)),
        *(f"2610.{n:05}" for n in range(10, 5, -1)),
        *(f"{month}.{n:05}" for month in (2609, 2608) for n in (10, 6, 2)),
    ]


def suggestions(redis: Redis, typed: str) -> list[Suggestion]:
    counter, query = MatchCounter(Store(redis).reader), parse_query(typed)
    candidates = find_candidates(AbbreviationStore(redis), query)
    counts = counter.count(SearchRequest(query=query).tree)
    return count_suggestions(
        candidates, counter, lambda other: SearchRequest(query=other).tree, counts
    )


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ("Sergey Levine", "Sergey Levine"),
        ("by Sergey Levine", "Sergey Levine"),
        ("Levine, Sergey", "Levine, Sergey"),
        ("S. Levine", "S. Levine"),
        ("levine", "levine"),
    ],
)
def test_words_that_are_an_author_come_with_the_papers_of_that_author(
    redis: Redis, typed: str, name: str
) -> None:
    Store(redis).ingest([sighting(n, authors=("Sergey Levine",)) for n in (1, 2)], now=NOW)
    (found,) = suggestions(redis, typed)
    assert (found.kind, found.term, found.added_papers) == ("author", name, 2)
    assert found.query == parse_query(f'{typed} OR au:"{name}"')


@pytest.mark.parametrize(
    "typed", ["method", "no such person", 'ti:levine OR "x"', "levine*", "-levine x"]
)
def test_a_subject_is_no_author(redis: Redis, typed: str) -> None:
    papers = [sighting(n, title="A method", authors=("Ann Method",)) for n in (1, 2, 3)]
    Store(redis).ingest([*papers, sighting(4, authors=("Bo Levine",))], now=NOW)
    assert [found.kind for found in suggestions(redis, typed)] == []
