"""Reference extraction of a paper's terms and shingles, one paper at a time."""

from __future__ import annotations

from typing import NamedTuple

from papers.index.shingle_hashing import shingle_hashes
from papers.index.terms import author_bigram_terms, paper_label_terms
from papers.model.paper import Paper
from papers.text.folding import tokenize, tokenize_unstemmed


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
        "a": [word for author in paper.authors for word in tokenize_unstemmed(author)],
        "": paper_label_terms(paper),
    }
    shingles = frozenset(shingle_hashes(title) | shingle_hashes(abstract))
    terms = {f"{kind}{word}".encode() for kind, found in kinds.items() for word in found}
    return ExpectedTerms(frozenset(terms | author_bigram_terms(paper)), shingles)
