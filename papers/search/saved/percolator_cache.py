"""Saved keywords filed by terms: which match a paper, and which has an equal query."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from papers.model.arxiv_id import ArxivId
from papers.model.paper import Paper
from papers.query.parser import Query, parse_query
from papers.search.evaluate import PostingKey
from papers.search.node_plans import anchor_terms, expand_spellings
from papers.search.percolate import Percolator, paper_posting_keys
from papers.state.keyword_directory import KeywordList, KeywordsVersion
from papers.state.keyword_record import Keyword


class PercolatorCache:
    """Which saved keywords match a paper, without looking at most of them; threads share it.

    Each keyword is filed under a set of terms of which a matching paper has at least one. What a
    keyword can be filed under is kept by its query, so a change of the list parses only what is
    new.
    """

    def __init__(self) -> None:
        self._anchors: dict[str, _QueryAnchors] = {}
        self._filed = _FiledKeywords(KeywordList(KeywordsVersion(None, 0), ()), {}, (), _NO_HASHES)

    def matching_keywords(
        self, papers: Sequence[Paper], listed: KeywordList, limit: int
    ) -> list[tuple[Keyword, ...]]:
        """Return for each paper the saved keywords that match it, by name, `limit` at most.

        None match a paper that only a community describes: their feeds do not have it yet.
        """
        if not papers:
            return []
        filed = self.prepare(listed)
        in_feeds = [paper for paper in papers if not paper.is_in_community_words]
        candidates = _candidates(filed, in_feeds)
        texts = dict.fromkeys(keyword.query for keyword in candidates)
        queries = [(text, _parse_uncached(text).tree) for text in texts]
        matching = dict(Percolator(queries).percolate(in_feeds))
        found: dict[ArxivId, list[Keyword]] = {paper.id: [] for paper in papers}
        for keyword in candidates:
            for paper in matching.get(keyword.query, ()):
                found[paper.id].append(keyword)
        return [tuple(found[paper.id][:limit]) for paper in papers]

    def same_query(self, query: Query, listed: KeywordList) -> Keyword | None:
        """Return the first saved keyword with an equal query, however it was written."""
        filed = self.prepare(listed)
        for at in np.flatnonzero(filed.tree_hashes == hash(query.tree)).tolist():
            if _parse_uncached(listed.keywords[at].query) == query:
                return listed.keywords[at]
        return None

    def prepare(self, listed: KeywordList) -> _FiledKeywords:
        """File a list of keywords, unless it is filed: 70 µs for each whose query is new."""
        filed = self._filed
        if filed.listed is not listed:
            self._filed = filed = self._file(listed)
        return filed

    def _file(self, listed: KeywordList) -> _FiledKeywords:
        known = self._anchors
        anchors = {
            query: known[query] if query in known else _QueryAnchors.of(query)
            for query in {keyword.query for keyword in listed.keywords}
        }
        self._anchors = anchors
        usage = Counter(term for _, sets in anchors.values() for terms in sets for term in terms)
        filed: defaultdict[PostingKey, list[int]] = defaultdict(list)
        always = []
        for position, keyword in enumerate(listed.keywords):
            if sets := anchors[keyword.query].sets:
                for term in min(sets, key=lambda terms: sum(usage[term] for term in terms)):
                    filed[term].append(position)
            else:
                always.append(position)
        hashes = [anchors[keyword.query].tree_hash for keyword in listed.keywords]
        return _FiledKeywords(listed, filed, always, np.array(hashes, np.int64))


class _QueryAnchors(NamedTuple):
    """What a query can be filed under, and the hash of its tree."""

    tree_hash: int
    sets: list[frozenset[bytes]]

    @classmethod
    def of(cls, query: str) -> _QueryAnchors:
        tree = _parse_uncached(query).tree
        return cls(hash(tree), anchor_terms(expand_spellings(tree)))


class _FiledKeywords(NamedTuple):
    """Positions in a list of keywords by anchor term, and those that any paper may match."""

    listed: KeywordList
    positions: Mapping[PostingKey, Sequence[int]]
    always: Sequence[int]
    tree_hashes: NDArray[np.int64]


def _candidates(filed: _FiledKeywords, papers: Sequence[Paper]) -> list[Keyword]:
    """Return the keywords that some of the papers may match, by name."""
    terms = {term for paper in papers for term in paper_posting_keys(paper, frozenset())}
    found = {at for term in terms for at in filed.positions.get(term, ())}
    return [filed.listed.keywords[at] for at in sorted(found.union(filed.always))]


_NO_HASHES: Final = np.empty(0, np.int64)
_parse_uncached: Final = parse_query.__wrapped__
"""All saved keywords in turn would push every query of a visitor out of the parser's cache."""
