"""Match highlighting: which words of a paper a keyword matched, and where. Pages mark them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache, partial
from itertools import accumulate, takewhile
from typing import Final, NamedTuple

from papers.model.paper import Paper
from papers.query.ast import Author, Leaf, Text, leaves
from papers.query.match import FIELD_ATTRIBUTES
from papers.query.parser import Query
from papers.text.folding import (
    TokenSpan,
    lowercase_if_plain,
    token_spans,
    tokenize,
    tokenize_unstemmed,
)
from papers.text.person_match import is_name_of_person
from papers.text.person_names import name_key
from papers.text.phrases import phrase_pattern

_MAX_CACHED_WORD_LENGTH: Final = 24


class Match(NamedTuple):
    """One match: `term` is at `getattr(paper, field)[start:end]`.

    In `authors`, positions are those in the names joined by ", ".
    """

    field: str
    start: int
    end: int
    term: str


def explain(query: Query, paper: Paper) -> list[Match]:
    """Return the words of the paper that the keyword matched, by field and position.

    Only text matches are reported: no excluded terms, categories, sources or dates.
    """
    found = {
        match
        for leaf in leaves(query.tree, include_excluded=False)
        for match in _leaf_matches(leaf, paper)
    }
    return sorted(found)


def _leaf_matches(leaf: Leaf, paper: Paper) -> Iterator[Match]:
    if isinstance(leaf, Author):
        yield from _author_matches(leaf, paper.authors)
    if not isinstance(leaf, Text):
        return
    for name in FIELD_ATTRIBUTES[leaf.field]:
        yield from _text_matches(leaf, name, getattr(paper, name))


def _author_matches(leaf: Author, authors: Iterable[str]) -> Iterator[Match]:
    """Yield the authors who may be the person; of one who was searched by one word, that word."""
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
    key, spans = name_key(leaf.words[0]), _token_index(author, tokenize_unstemmed).spans
    for first in range(len(spans)):
        joined = accumulate(span.word for span in spans[first:])
        longest = takewhile(lambda word: len(word) <= len(key), joined)
        for last, word in enumerate(longest, first):
            if word == key:
                return spans[first].start, spans[last].end
    return None


def _text_matches(leaf: Text, field: str, text: str) -> Iterator[Match]:
    """Yield the matches of a leaf in a text; a plain text is searched without folding its words."""
    plain = None if leaf.is_prefix else lowercase_if_plain(text)
    if plain is None:
        yield from _window_matches(leaf, field, _token_index(text, tokenize), 0)
        return
    for start, end, _ in phrase_pattern(leaf.words).occurrences(plain.encode()):
        yield Match(field, start, end, str(leaf))


class _TokenIndex(NamedTuple):
    """The tokens of a text, and the indices at which each word is among them."""

    spans: tuple[TokenSpan, ...]
    positions: Mapping[str, list[int]]


@lru_cache(maxsize=64)
def _token_index(text: str, fold: Callable[[str], list[str]]) -> _TokenIndex:
    """Return the index of a text; cached, as every leaf of a keyword needs it."""
    spans, positions = tuple(token_spans(text, partial(_fold_cached, fold))), defaultdict(list)
    for at, span in enumerate(spans):
        positions[span.word].append(at)
    return _TokenIndex(spans, positions)


def _fold_cached(fold: Callable[[str], list[str]], text: str) -> Sequence[str]:
    """Fold a text; short ones are cached, as texts with TeX are folded word by word."""
    return _fold_word(fold, text) if len(text) <= _MAX_CACHED_WORD_LENGTH else fold(text)


@lru_cache(maxsize=32_768)
def _fold_word(fold: Callable[[str], list[str]], word: str) -> tuple[str, ...]:
    return tuple(fold(word))


def _window_matches(leaf: Text, field: str, text: _TokenIndex, offset: int) -> Iterator[Match]:
    first, size = leaf.words[0], len(leaf.words)
    first_words = filter(leaf.matches_word, text.positions) if leaf.is_prefix else (first,)
    for at in (at for word in first_words for at in text.positions.get(word, ())):
        window = text.spans[at : at + size]
        if leaf.is_prefix or tuple(span.word for span in window) == leaf.words:
            yield Match(field, offset + window[0].start, offset + window[-1].end, str(leaf))
