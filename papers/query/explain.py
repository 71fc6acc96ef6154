"""Match highlighting: which words of a paper a keyword matched, and where. Pages mark them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import accumulate, takewhile
from typing import NamedTuple

from papers.model.paper import Paper
from papers.query.ast import Author, Text
from papers.query.match import FIELD_ATTRIBUTES, marked_leaves
from papers.query.parser import Query
from papers.text.folding import FoldWords, TokenSpan, lower_words, plain_text
from papers.text.names.person_match import is_name_of_person
from papers.text.names.person_names import name_key
from papers.text.phrases import phrase_pattern
from papers.text.text_readings import span_readings


class Match(NamedTuple):
    """One match: `term` is at `getattr(paper, field)[start:end]`.

    In `authors`, positions are those in the names joined by ", ". `rule` says why it matches:
    `word` as the term is written, `compound` with a pair of its words closed or open, or read as
    one across a hyphen, `prefix` as a word that begins so.
    """

    field: str
    start: int
    end: int
    term: str
    rule: str = "word"


def explain(query: Query, paper: Paper) -> list[Match]:
    """Return the words of the paper that the keyword matched, by field and position.

    Only text matches are reported: no excluded terms, categories, sources or dates.
    """
    found = {match for leaf in marked_leaves(query.tree) for match in _leaf_matches(leaf, paper)}
    return sorted(_without_duplicates(found))


def _without_duplicates(found: Iterable[Match]) -> Iterable[Match]:
    """Return one match for each position and term, preferably by the rule `word`."""
    best = {match[:4]: match for match in sorted(found, key=lambda match: match.rule)}
    return best.values()


def _leaf_matches(leaf: Text | Author, paper: Paper) -> Iterator[Match]:
    if isinstance(leaf, Author):
        yield from _author_matches(leaf, paper.authors)
        return
    for name in FIELD_ATTRIBUTES[leaf.field]:
        yield from _text_matches(leaf, name, getattr(paper, name))


def _author_matches(leaf: Author, authors: Iterable[str]) -> Iterator[Match]:
    """Yield the names of authors who may be the person; a search by one word yields that word."""
    offset = 0
    for author in authors:
        if is_name_of_person(leaf.readings, author):
            start, end = _searched_word(leaf, author) or (0, len(author))
            yield Match("authors", offset + start, offset + end, str(leaf))
        offset += len(author) + len(", ")


def _searched_word(leaf: Author, author: str) -> tuple[int, int] | None:
    """Return the position of the only word searched for; None if the whole name matches."""
    if len(leaf.words) > 1:
        return None
    (names,) = _token_indexes(author, lower_words)
    key, spans = name_key(leaf.words[0]), names.spans
    for first in range(len(spans)):
        joined = accumulate(span.word for span in spans[first:])
        longest = takewhile(lambda word: len(word) <= len(key), joined)
        for last, word in enumerate(longest, first):
            if word == key:
                return spans[first].start, spans[last].end
    return None


def _text_matches(leaf: Text, field: str, text: str) -> Iterator[Match]:
    """Yield the matches of a leaf in a text; a plain text is searched without folding its words."""
    plain = None if leaf.is_prefix else plain_text(text)
    if plain is None:
        for index in _token_indexes(text):
            for words in leaf.spellings:
                yield from _window_matches(leaf, words, field, index)
        return
    written = plain.encode()
    lower = written.lower()
    for words in leaf.spellings:
        pattern = phrase_pattern(words)
        for start, end, _ in pattern.occurrences(lower, written):
            yield Match(field, start, end, str(leaf), _rule_of(leaf, words, is_joined=False))
        if pattern.may_be_joined_in(lower):
            for index in _token_indexes(text)[1:]:
                yield from _window_matches(leaf, words, field, index)


def _rule_of(leaf: Text, words: Sequence[str], *, is_joined: bool) -> str:
    if leaf.is_prefix:
        return "prefix"
    return "compound" if is_joined or words != leaf.words else "word"


class _TokenIndex(NamedTuple):
    """The tokens of a reading of a text, and the indices at which each word is among them."""

    spans: tuple[TokenSpan, ...]
    positions: Mapping[str, list[int]]


@lru_cache(maxsize=64)
def _token_indexes(text: str, fold: FoldWords | None = None) -> tuple[_TokenIndex, ...]:
    """Return an index of each reading of a text; names have one. Cached for all leaves."""
    return tuple(map(_index_spans, span_readings(text, fold)))


def _index_spans(spans: Sequence[TokenSpan]) -> _TokenIndex:
    positions = defaultdict[str, list[int]](list)
    for at, span in enumerate(spans):
        positions[span.word].append(at)
    return _TokenIndex(tuple(spans), positions)


def _window_matches(
    leaf: Text, words: tuple[str, ...], field: str, text: _TokenIndex, offset: int = 0
) -> Iterator[Match]:
    size = len(words)
    first_words = filter(leaf.matches_word, text.positions) if leaf.is_prefix else words[:1]
    for at in (at for word in first_words for at in text.positions.get(word, ())):
        window = text.spans[at : at + size]
        if leaf.is_prefix or tuple(span.word for span in window) == words:
            rule = _rule_of(leaf, words, is_joined=any(span.is_joined for span in window))
            yield Match(field, offset + window[0].start, offset + window[-1].end, str(leaf), rule)
