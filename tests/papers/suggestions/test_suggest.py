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
from papers.suggestions.sample_words import WordCounter
from papers.suggestions.suggest import SuggestionTerms, find_candidates
from papers.suggestions.suggestion_counts import (
    MAX_SUGGESTIONS,
    Suggestion,
    SuggestionCandidate,
    count_suggestions,
)
from papers.suggestions.term_dictionary import TermDictionary
from papers.suggestions.term_spans import MAX_PHRASES, term_spans
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

MAX_CANDIDATES = MAX_SUGGESTIONS + 2 + 1 + MAX_PHRASES
"""Terms, authors in two spellings, a correction and phrases."""

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
    "lawns",
    "lawns -rl",
    "lawns NOT (rl x)",
    "au:rl",
    'au:"rl x"',
    "au:(rl x)",
    "cat:cs.CL",
    "rlx*",
    "2503.14895",
    "comment:rl",
]


@pytest.fixture
def terms(redis: Redis) -> SuggestionTerms:
    AbbreviationStore(redis).replace(TERMS)
    return SuggestionTerms.of(redis)


def candidates_to_add(terms: SuggestionTerms, typed: str) -> list[SuggestionCandidate]:
    """Return the candidates that are other terms for what was typed."""
    found = find_candidates(terms, parse_query(typed))
    return [each for each in found if each.effect == "adds" and each.kind != "author"]


@pytest.mark.parametrize(("typed", "added"), ADDED)
def test_term_is_added_where_it_stands(terms: SuggestionTerms, typed: str, added: str) -> None:
    first = candidates_to_add(terms, typed)[0]
    assert first.query.display_text == added
    assert not candidates_to_add(terms, added) or first.kind != "spelling"


@pytest.mark.parametrize("typed", NOTHING_ADDED)
def test_nothing_is_added_to_what_has_it_or_does_not_mean_it(
    terms: SuggestionTerms, typed: str
) -> None:
    assert candidates_to_add(terms, typed) == []


@given(query=queries())
def test_candidates_of_any_keyword_are_other_keywords(query: Any) -> None:
    query = parse_query(query.canonical)
    terms = mock.Mock()
    terms.abbreviations.get = lambda keys: {k: (Alternative("other term", 9),) for k in keys}
    terms.dictionary.get = lambda fields: {field: "9" for field in fields if field[0] not in "^$"}
    terms.dictionary.known_words = lambda words: {}
    found = find_candidates(terms, query)
    assert len(found) <= MAX_CANDIDATES
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
    store, terms = Store(redis), SuggestionTerms.of(redis)
    store.ingest([sighting(n, title="Reinforcement learning") for n in range(1, 4)], now=NOW)
    store.ingest([sighting(9, title="RL and optimisation")], now=NOW)
    terms.abbreviations.replace(
        TERMS | {term_key("RL"): (*TERMS["rl"], Alternative("robot lawn", 3))}
    )
    (found,) = suggestions(redis, "rl")
    assert found.term == "reinforcement learning"
    assert found.added_papers == 3
    counter = mock.Mock(wraps=MatchCounter(store.reader))
    candidates = find_candidates(terms, query := parse_query("rl optimisation dataset"))
    count_suggestions(query, candidates, counter, lambda q: q.tree, counter.count(query.tree))
    assert counter.count.call_count <= 1 + MAX_CANDIDATES
    assert counter.count_all.call_count <= 1 + MAX_CANDIDATES


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
    candidates = find_candidates(SuggestionTerms.of(redis), query)
    counts = counter.count(SearchRequest(query=query).tree)
    return count_suggestions(
        query, candidates, counter, lambda other: SearchRequest(query=other).tree, counts
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


def fill(redis: Redis, *titles: str) -> None:
    """Ingest papers with some titles, and count their words."""
    found = [sighting(n, title=title) for n, title in enumerate(titles, 1)]
    Store(redis).ingest(found, now=NOW)
    words = WordCounter()
    for title in titles:
        words.add([title])
    TermDictionary(redis).replace(words.fields())


# (typed, kind, effect, term, keyword)
MEANT = [
    ("reinforcment learning", "correction", "replaces", "reinforcement learning", None),
    ("ti:reinforcment", "correction", "replaces", "ti:reinforcement", None),
    ('"reinforcment learning"', "correction", "replaces", '"reinforcement learning"', None),
    ('"reinforcment learning', "correction", "replaces", '"reinforcement learning"', None),
    ("zebra fish", "form", "adds", "zebrafish", "zebra fish OR zebrafish"),
    ("eyetracking", "form", "adds", "eye tracking", 'eyetracking OR "eye tracking"'),
    ("AR/VR", "form", "adds", "VR/AR", 'AR/VR OR "VR/AR"'),
    ("epidemiology", "family", "adds", "epidemiological", "epidemiology OR epidemiological"),
    ("fault tolerance", "family", "adds", "tolerant", "fault (tolerance OR tolerant)"),
    ("Gr\u00f6bner bases", "family", "adds", "basis", "Gr\u00f6bner (bases OR basis)"),
    ("Schr\u00f6dinger", "spelling", "adds", "schroedinger", "Schr\u00f6dinger OR schroedinger"),
    ("Schroedinger", "spelling", "adds", "schrodinger", "Schroedinger OR schrodinger"),
    ("haemoglobin", "spelling", "adds", "hemoglobin", "haemoglobin OR hemoglobin"),
    ("l1 norm", "form", "adds", "\u21131", "(l1 OR \u21131) norm"),
    ("SUSY", "abbreviation", "adds", "supersymmetry", "SUSY OR supersymmetry"),
]
TITLES = (
    *["Reinforcement learning"] * 4,
    *("A zebrafish", "Eye tracking for all", "Eye-tracking", "Eye-tracking again", "With VR/AR"),
    *("Epidemiological models", "A fault-tolerant system", "Gr\u00f6bner basis", "Schroedinger"),
    *(r"The Schr\"odinger equation", "Schr\u00f6dinger", "Hemoglobin", r"The $\ell_1$-norm"),
    "Supersymmetry",
)


@pytest.mark.parametrize(("typed", "kind", "effect", "term", "keyword"), MEANT)
def test_what_is_meant_is_suggested(
    redis: Redis, typed: str, kind: str, effect: str, term: str, keyword: str | None
) -> None:
    fill(redis, *TITLES)
    (found,) = [each for each in suggestions(redis, typed) if each.kind == kind]
    assert (found.effect, found.term) == (effect, term)
    assert found.query.display_text == (keyword or term)
    assert found.added_papers > 0
    assert found.papers >= found.added_papers


@pytest.mark.parametrize(
    "typed", ["reinforcement", "zebra", "fishes", "learner", "model", "no such words", "12345"]
)
def test_words_that_are_right_are_not_corrected(redis: Redis, typed: str) -> None:
    fill(redis, *TITLES, "Zebra", "A learner", "Models", "Fish")
    assert "correction" not in [found.kind for found in suggestions(redis, typed)]


SCATTERED = ["The cell has a membrane", "Membrane of no cell", "Cell and membrane"]


def test_words_that_meet_far_apart_are_also_a_phrase(redis: Redis) -> None:
    fill(redis, *["Cell membranes"] * 3, *SCATTERED)
    (found,) = suggestions(redis, "cell membrane")
    assert (found.kind, found.effect) == ("phrase", "narrows")
    assert (found.term, found.query.display_text) == ('"cell membrane"', '"cell membrane"')
    assert (found.papers, found.added_papers, found.period) == (3, 0, "all")


def test_part_of_the_words_is_a_phrase_where_all_are_none(redis: Redis) -> None:
    lidar = "Lidar for autonomous vehicles"
    fill(redis, *[lidar] * 3, *["An autonomous lidar on two vehicles"] * 3)
    (found,) = suggestions(redis, "autonomous vehicles lidar")
    assert (found.term, found.papers) == ('"autonomous vehicles" lidar', 3)


@pytest.mark.parametrize("typed", ["membrane", '"cell membrane"', "cell OR membrane", "ti:cell a"])
def test_what_is_no_run_of_words_is_no_phrase(redis: Redis, typed: str) -> None:
    fill(redis, *["Cell membranes"] * 3, *SCATTERED)
    assert "phrase" not in [found.kind for found in suggestions(redis, typed)]


def test_phrase_of_each_side_of_or(redis: Redis) -> None:
    fill(redis, *["Cell membranes"] * 3, *SCATTERED, "Wall paper", "Paper on a wall")
    (found,) = suggestions(redis, "cell membrane or wall paper")
    assert (found.term, found.papers) == ('"cell membrane" OR "wall paper"', 4)


def test_papers_of_earlier_years_count_where_a_year_has_none(redis: Redis) -> None:
    Store(redis).ingest([sighting(1), sighting(2, 201001, title="Hemoglobin")], now=NOW)
    (found,) = suggestions(redis, "haemoglobin")
    assert (found.added_papers, found.period) == (1, "all")


def test_word_or_stays_a_word_in_what_is_suggested(terms: SuggestionTerms) -> None:
    typed = "the rl of seven words or of eight"
    (found, *_) = candidates_to_add(terms, typed)
    assert "OR" not in parse_query(typed).canonical
    assert found.query.display_text.endswith('of seven words "or" of eight')


@pytest.mark.parametrize("name", ["Sch\u00f6lkopf", "schoelkopf", "Bernhard Sch\u00f6lkopf"])
def test_names_are_found_with_and_without_umlaut(redis: Redis, name: str) -> None:
    authors = [("Bernhard Sch\u00f6lkopf",), ("Bernhard Schoelkopf",)]
    papers = [sighting(n, authors=each) for n, each in enumerate(authors, 1)]
    Store(redis).ingest(papers, now=NOW)
    (found,) = suggestions(redis, f'au:"{name}"')
    assert (found.kind, found.papers) == ("spelling", 2)


def test_words_are_corrected_in_bounded_look_ups() -> None:
    terms = mock.Mock()
    terms.abbreviations.get.return_value = terms.dictionary.get.return_value = {}
    terms.dictionary.known_words.return_value = {}
    find_candidates(terms, parse_query(" ".join(f"{chr(97 + n)}bcdefgh" * 2 for n in range(20))))
    assert terms.dictionary.get.call_count == 2
    assert len(terms.dictionary.get.call_args.args[0]) < 5_000


def test_a_phrase_of_hardly_any_of_the_papers_is_not_shown(redis: Redis) -> None:
    fill(redis, "Planar graphs", *["A graph that is planar"] * 5)
    assert suggestions(redis, "planar graphs") == []
