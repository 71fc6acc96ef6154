"""Why a keyword matches a paper: which of its words, and where. Pages mark them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache, partial
from typing import Final, NamedTuple

from papers.model.paper import Paper
from papers.query.ast import Leaf, Text, leaves
from papers.query.match import FIELDS
from papers.query.parser import Query
from papers.text.folding import Span, plainly, spans, unstemmed, words
from papers.text.phrases import row_of

_LONGEST_WORD: Final = 24


class Match(NamedTuple):
    """Where a keyword matched: `term` stands in `getattr(paper, field)[start:end]`.

    In `authors` the place is inside the names joined by ", ".
    """

    field: str
    start: int
    end: int
    term: str


def explain(query: Query, paper: Paper) -> list[Match]:
    """Which words of the paper the keyword matched, by field and place.

    What is barred is not told, nor what is no text (categories, sources, dates).
    """
    found = {match for leaf in leaves(query.tree, barred=False) for match in _places(leaf, paper)}
    return sorted(found)


def _places(leaf: Leaf, paper: Paper) -> Iterator[Match]:
    """Where a leaf's words stand in a paper; labels stand nowhere."""
    if not isinstance(leaf, Text):
        return
    for name in FIELDS[leaf.field]:
        if name == "authors":
            offset = 0
            for author in paper.authors:
                yield from _windows(leaf, name, _stood(author, unstemmed), offset)
                offset += len(author) + len(", ")
        else:
            yield from _places_in(leaf, name, getattr(paper, name))


def _places_in(leaf: Text, field: str, text: str) -> Iterator[Match]:
    """Where a leaf's words stand in a text; in a plain one without folding its words."""
    plain = None if leaf.prefix else plainly(text)
    if plain is None:
        yield from _windows(leaf, field, _stood(text, words), 0)
        return
    for start, end, _ in row_of(leaf.words).spans(plain.encode()):
        yield Match(field, start, end, str(leaf))


class _Stood(NamedTuple):
    """The words of a text with their places, and where among them each word is."""

    spans: tuple[Span, ...]
    places: Mapping[str, list[int]]


@lru_cache(maxsize=64)
def _stood(text: str, fold: Callable[[str], list[str]]) -> _Stood:
    """The leaves of a keyword ask for this one by one."""
    found, places = tuple(spans(text, partial(_remembered, fold))), defaultdict(list)
    for at, span in enumerate(found):
        places[span.word].append(at)
    return _Stood(found, places)


def _remembered(fold: Callable[[str], list[str]], text: str) -> list[str]:
    """A text folded; a word of it, as texts with TeX are folded word by word, only once."""
    return _word(fold, text) if len(text) <= _LONGEST_WORD else fold(text)


@lru_cache(maxsize=32_768)
def _word(fold: Callable[[str], list[str]], word: str) -> list[str]:
    return fold(word)


def _windows(leaf: Text, field: str, text: _Stood, offset: int) -> Iterator[Match]:
    first, size = leaf.words[0], len(leaf.words)
    begun = filter(leaf.begins, text.places) if leaf.prefix else (first,)
    for at in (at for word in begun for at in text.places.get(word, ())):
        window = text.spans[at : at + size]
        if leaf.prefix or tuple(span.word for span in window) == leaf.words:
            yield Match(field, offset + window[0].start, offset + window[-1].end, str(leaf))
