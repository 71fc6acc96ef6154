"""Reference extraction of a paper's terms and shingles, one paper at a time."""

from __future__ import annotations

from dataclasses import replace
from itertools import chain
from typing import NamedTuple

from papers.index.author_terms import name_terms
from papers.index.shingle_hashing import shingle_hashes
from papers.index.terms import paper_label_terms
from papers.model.frozen_fields import visible_part
from papers.model.paper import Paper
from papers.query.request import Page, SearchRequest
from papers.store import Store
from papers.text.text_readings import token_readings


class ExpectedTerms(NamedTuple):
    """A paper's terms, and the hashes of its shingles."""

    terms: frozenset[bytes]
    shingles: frozenset[int]


def expected_terms(paper: Paper) -> ExpectedTerms:
    """Return the terms and shingles of a paper; none if it has no description."""
    if not paper.is_described:
        return ExpectedTerms(frozenset(), frozenset())
    readings = {
        kind: [words for text in texts for words in _all_readings(text)]
        for kind, texts in {
            "w": [paper.title, paper.abstract],
            "t": [paper.title],
            "m": [paper.comment],
            "o": [paper.organization],
        }.items()
    }
    kinds = {kind: [word for words in of for word in words] for kind, of in readings.items()} | {
        "": [*paper_label_terms(paper), *chain.from_iterable(map(name_terms, paper.authors))],
    }
    shingles = frozenset(hash for words in readings["w"] for hash in shingle_hashes(words))
    terms = {f"{kind}{word}".encode() for kind, found in kinds.items() for word in found}
    return ExpectedTerms(frozenset(terms), shingles)


def _all_readings(text: str) -> list[list[str]]:
    words, closed = token_readings(text)
    return [words, *closed]


def shown_of(store: Store, request: SearchRequest) -> Page:
    """Return a page as readers see it: other fields may be of an earlier moment."""
    page = store.search(request)
    return replace(page, records=tuple(map(visible_part, page.papers)))
