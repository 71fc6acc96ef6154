"""Reference extraction of a paper's terms and shingles, one paper at a time."""

from __future__ import annotations

from itertools import chain
from typing import NamedTuple

from papers.index.author_terms import name_terms
from papers.index.shingle_hashing import shingle_hashes
from papers.index.terms import paper_label_terms
from papers.model.paper import Paper
from papers.text.folding import tokenize


class ExpectedTerms(NamedTuple):
    """A paper's terms, and the hashes of its shingles."""

    terms: frozenset[bytes]
    shingles: frozenset[int]


def expected_terms(paper: Paper) -> ExpectedTerms:
    """Return the terms and shingles of a paper; none if it has no description."""
    if not paper.is_described:
        return ExpectedTerms(frozenset(), frozenset())
    title, abstract = tokenize(paper.title), tokenize(paper.abstract)
    kinds = {
        "w": title + abstract,
        "t": title,
        "m": tokenize(paper.comment),
        "o": tokenize(paper.organization),
        "": [*paper_label_terms(paper), *chain.from_iterable(map(name_terms, paper.authors))],
    }
    shingles = frozenset(shingle_hashes(title) | shingle_hashes(abstract))
    terms = {f"{kind}{word}".encode() for kind, found in kinds.items() for word in found}
    return ExpectedTerms(frozenset(terms), shingles)
