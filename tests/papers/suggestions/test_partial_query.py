"""A keyword while it is typed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from papers.errors import BadQuery
from papers.query.parser import parse_query
from papers.suggestions.partial_query import PartialReading

# (typed so far, what is searched for, without the last word)
READ = [
    ("rewa", "rewa*", ""),
    ("reward mod", "reward mod*", "reward"),
    ("reward mo", "reward mo", "reward"),
    ("rl", "rl", ""),
    ("rl OR gnn x", "rl OR gnn x", "rl OR gnn"),
    ("rl OR rein", "rl OR rein*", ""),
    ("ti:rewa", "ti:rewa*", ""),
    ("au:hint", "au:hint", ""),
    ("reward -nois", "reward -nois*", "reward"),
    ("(a OR rewa", None, ""),
]
FINISHED = ["reward ", '"reward mod"', "rewa*", "(rewa)", "2503.14895 ", 'reward "a b"']


@pytest.mark.parametrize(("typed", "shown", "rest"), READ)
def test_last_word_is_a_prefix(typed: str, shown: str | None, rest: str) -> None:
    if shown is None:
        with pytest.raises(BadQuery):
            PartialReading.of(typed)
        return
    reading = PartialReading.of(typed)
    assert reading.typed.display_text == typed
    assert reading.shown.display_text == shown
    assert reading.is_prefix is (shown != typed)
    assert (reading.rest.display_text if reading.rest else "") == rest
    assert reading.is_partial


@pytest.mark.parametrize("typed", FINISHED)
def test_finished_word_is_itself(typed: str) -> None:
    reading = PartialReading.of(typed)
    assert (reading.is_partial, reading.rest) == (False, None)
    assert reading.shown is reading.typed


@given(text=st.text(alphabet='ab "()-:*ORti\n', max_size=40))
def test_what_parses_is_read(text: str) -> None:
    try:
        query = parse_query(text)
    except BadQuery:
        return
    assert PartialReading.of(text).typed == query
