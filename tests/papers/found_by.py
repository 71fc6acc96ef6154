"""What a paper is found by, written down plainly: what the index must come to by faster ways."""

from __future__ import annotations

from typing import NamedTuple

from papers.index.terms import labels_of, pair_terms, pairs_of
from papers.model.paper import Paper
from papers.text.folding import unstemmed, words


class Terms(NamedTuple):
    """A paper's terms, and the hashes of its pairs."""

    terms: frozenset[bytes]
    pairs: frozenset[int]


def terms_of(paper: Paper) -> Terms:
    """Nothing while nobody has described it."""
    if not paper.described:
        return Terms(frozenset(), frozenset())
    title, abstract = words(paper.title), words(paper.abstract)
    kinds = {
        "w": title + abstract,
        "t": title,
        "m": words(paper.comment),
        "o": words(paper.organization),
        "a": [word for author in paper.authors for word in unstemmed(author)],
        "": labels_of(paper),
    }
    pairs = frozenset(pairs_of(title) | pairs_of(abstract))
    terms = {f"{kind}{word}".encode() for kind, found in kinds.items() for word in found}
    return Terms(frozenset(terms | pair_terms(paper)), pairs)
