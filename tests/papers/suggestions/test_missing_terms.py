"""What is said of an empty result."""

from __future__ import annotations

from dataclasses import replace
from unittest import mock

import pytest
from redis import Redis

from papers.query.parser import parse_query
from papers.query.request import SearchRequest
from papers.store import Store
from papers.suggestions.missing_terms import MAX_EXAMINED, describe_missing, explain_empty
from tests.papers.suggestions.announcements import NOW, sighting

# (keyword, what no paper has; papers: "alpha beta", "beta gamma", "alpha gamma")
MISSING = [
    ("zebra", "no paper has “zebra”"),
    ("alpha zebra", "no paper has “zebra”"),
    ("alpha delta gamma", "no paper has “delta” and “gamma” together"),
    ("alpha beta gamma", "no paper has “alpha”, “beta”, “gamma” together"),
    ("zebr*", "no paper has a word that begins with “zebr”"),
    ("ti:zebra", "no paper has “zebra” in its title"),
    ('"beta alpha"', "no paper has “beta alpha”"),
    ("au:hinton", "no paper is by “hinton”"),
    ("cat:hep-th", "no paper matches “cat:hep-th”"),
    ("id:2501.00001", "no paper here has the id 2501.00001"),
    ("zebra OR lion", "no paper has any of “lion”, “zebra”"),
    ("alpha (zebra OR lion)", "no paper has any of “lion”, “zebra”"),
    ("alpha beta -delta", "every paper that matches the rest has “delta”"),
]


@pytest.fixture
def store(redis: Redis) -> Store:
    store = Store(redis)
    titles = ("alpha beta delta", "beta gamma", "alpha gamma")
    store.ingest([sighting(n, title=title) for n, title in enumerate(titles, 1)], now=NOW)
    return store


@pytest.mark.parametrize(("typed", "reason"), MISSING)
def test_reason_names_what_is_missing(store: Store, typed: str, reason: str) -> None:
    request = SearchRequest(query=parse_query(typed))
    assert not store.search(request).papers
    assert explain_empty(store, request) == reason


def test_filters_are_named_where_they_are_the_reason(store: Store) -> None:
    request = SearchRequest(query=parse_query("alpha"), min_votes=3)
    assert explain_empty(store, request) == "papers match, but none with these filters"
    nowhere = replace(request, query=parse_query("zebra"))
    assert explain_empty(store, nowhere) == "no paper has “zebra” with these filters"


def test_searches_are_bounded() -> None:
    finds = mock.Mock(return_value=True)
    describe_missing(parse_query(" ".join(f"word{n}" for n in range(60))).tree, finds)
    assert finds.call_count == MAX_EXAMINED + MAX_EXAMINED * (MAX_EXAMINED - 1) // 2
